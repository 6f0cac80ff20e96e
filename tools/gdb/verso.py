# SPDX-License-Identifier: MIT
"""GDB commands that know Verso's structures. `make debug` loads them.

    verso-tasks         every task: pid, state, processor, name
    verso-vmas PID      the VMAs of a process
    verso-rmap PFN      the VMAs that the anonymous reverse map gives for a page frame
    verso-log           the kernel log
"""
import gdb

MAPPING_ANON = 1
PAGE_SHIFT = 12


def container(node, type_name, member):
    """The object whose member (perhaps inside an anonymous union) lies at node."""
    offset = int(gdb.parse_and_eval(f"(long)&(({type_name} *)0)->{member}"))
    char = gdb.lookup_type("char").pointer()
    return (node.cast(char) - offset).cast(gdb.lookup_type(type_name).pointer()).dereference()


def members(head, type_name, member):
    """The objects that hang on a list_head by their member."""
    node = head["next"]
    while node != head.address:
        yield container(node, type_name, member)
        node = node["next"]


def nodes(node):
    """The nodes of a red-black tree below node, in order."""
    if node:
        yield from nodes(node["rb_left"])
        yield node
        yield from nodes(node["rb_right"])


def find_task(pid):
    for task in members(gdb.parse_and_eval("init_task")["tasks"], "struct task", "tasks"):
        if int(task["pid"]) == pid:
            return task
    raise gdb.GdbError(f"there is no task {pid}")


def print_vma(vma):
    flags = int(vma["vm_flags"])
    perms = "".join(letter if flags & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
    print(f"  {int(vma['vm_start']):012x}-{int(vma['vm_end']):012x} {perms}"
          f" anon_pgoff {int(vma['anon_pgoff']):x} anon_vma {int(vma['anon_vma']):x}")


class Tasks(gdb.Command):
    """List every task."""

    def __init__(self):
        super().__init__("verso-tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for task in members(gdb.parse_and_eval("init_task")["tasks"], "struct task", "tasks"):
            print(f"{int(task['pid']):6} state {int(task['state']):3} cpu {int(task['cpu'])} {task['comm'].string()}")


class Vmas(gdb.Command):
    """List the VMAs of a process: verso-vmas PID."""

    def __init__(self):
        super().__init__("verso-vmas", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        mm = find_task(int(argument, 0))["mm"]
        if not mm:
            raise gdb.GdbError("that task is a kernel thread")
        for node in nodes(mm["vma_root"]["rb_node"]):
            print_vma(container(node, "struct vm_area", "vm_rb"))


class Rmap(gdb.Command):
    """Show the VMAs that the reverse map gives for a page frame: verso-rmap PFN."""

    def __init__(self):
        super().__init__("verso-rmap", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if gdb.parse_and_eval("anon_rmap_list"):
            raise gdb.GdbError("this kernel runs with rmap=list: its anon_vmas are lists")
        base = gdb.parse_and_eval("(struct page *)0xffffea0000000000")
        page = (base + int(argument, 0)).dereference()
        mapping = int(page["mapping"])
        if not mapping & MAPPING_ANON:
            raise gdb.GdbError("that page is not anonymous")
        index = int(page["index"])
        anon_vma = gdb.Value(mapping - MAPPING_ANON).cast(gdb.lookup_type("struct anon_vma").pointer())
        print(f"anon_vma {mapping - MAPPING_ANON:x}, index {index:x}, mapped {int(page['_mapcount']['counter'])} times")
        for node in nodes(anon_vma["rb_root"]["rb_root"]["rb_node"]):
            vma = container(node, "struct anon_vma_chain", "rb")["vma"].dereference()
            first = int(vma["anon_pgoff"])
            if first <= index < first + ((int(vma["vm_end"]) - int(vma["vm_start"])) >> PAGE_SHIFT):
                address = int(vma["vm_start"]) + ((index - first) << PAGE_SHIFT)
                print(f"  mm {int(vma['vm_mm']):x} at {address:x}")


class Log(gdb.Command):
    """Print the kernel log."""

    def __init__(self):
        super().__init__("verso-log", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        records, text = gdb.parse_and_eval("log_records"), gdb.parse_and_eval("log_text")
        ring = bytes(int(text[i]) & 0xff for i in range(text.type.range()[1] + 1))
        count = records.type.range()[1] + 1
        for seq in range(int(gdb.parse_and_eval("first_seq")), int(gdb.parse_and_eval("next_seq"))):
            record = records[seq % count]
            line = bytes(ring[(int(record["begin"]) + i) % len(ring)] for i in range(int(record["len"])))
            print(f"[{int(record['time_ns']) / 1e9:12.6f}] {line.decode(errors='replace').rstrip()}")


Tasks()
Vmas()
Rmap()
Log()
