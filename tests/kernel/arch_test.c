/* SPDX-License-Identifier: MIT */
/*
 * Tests of the machine code: exception tables, the kernel's page table, calls to other CPUs, TLB
 * flushes, time.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/kmap.h"
#include "arch/x86_64/rtc.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/vmalloc.h"
#include "tests/kernel/ktest.h"

#define NONCANONICAL 0xffff000000000000UL

KTEST(uaccess_faults_become_errors)
{
	u32 value = 7;
	u64 word = 7;

	KTEST_EQ(get_user(value, (u32 __user *)0x1000), -EFAULT);
	KTEST_EQ(value, 0);
	KTEST_EQ(put_user(value, (u32 __user *)0x1000), -EFAULT);
	KTEST_EQ(get_user(word, (u64 __user *)DIRECT_MAP_BASE), -EFAULT);
	KTEST_EQ(copy_from_user(&word, (void __user *)0x1000, 8), 8);
	KTEST_EQ(copy_from_user(&word, (void __user *)-8L, 8), 8);
	KTEST_EQ(user_cmpxchg_u32((u32 __user *)0x1000, 0, 1, &value), -EFAULT);
	KTEST_EQ(strnlen_user((char __user *)0x1000, 10), 0);
}

KTEST(uaccess_careful_kernel_reads)
{
	u64 word, known = 0x123456789abcdef0;

	KTEST_EQ(copy_from_kernel_nofault(&word, &known, sizeof(word)), 0);
	KTEST_TRUE(word == known);
	KTEST_EQ(copy_from_kernel_nofault(&word, (void *)(VMALLOC_END - 8), sizeof(word)), -EFAULT);
	KTEST_EQ(copy_from_kernel_nofault(&word, (void *)NONCANONICAL, sizeof(word)), -EFAULT);
	KTEST_EQ(copy_from_kernel_nofault(&word, NULL, sizeof(word)), -EFAULT);
}

/* A copy that runs into an unmapped page stops at exactly that page, whatever its alignment. */
KTEST(uaccess_copy_is_exact)
{
	char *area = vmalloc(PAGE_SIZE), *target = vmalloc(PAGE_SIZE);
	unsigned long offset;

	KTEST_TRUE(area && target);
	memset(area, 0x5a, PAGE_SIZE);
	for (offset = 1; offset < 40; offset++) {
		memset(target, 0, 64);
		if (__copy_user(target, area + PAGE_SIZE - offset, 64) != 64 - offset)
			break;
		if (target[offset - 1] != 0x5a || target[offset] != 0)
			break;
	}
	vfree(area);
	vfree(target);
	KTEST_EQ(offset, 40);
}

/* Every level's permissions together, as the CPU combines them. */
static bool check_table(u64 table, unsigned int level, unsigned long addr, bool rw, bool nx)
{
	const u64 *entries = __va(table & PTE_PFN_MASK);
	unsigned int i;

	for (i = level == 4 ? PTRS_PER_TABLE / 2 : 0; i < PTRS_PER_TABLE; i++) {
		u64 e = entries[i];
		unsigned long here = addr | (unsigned long)i << (12 + 9 * (level - 1));
		bool w = rw && (e & _PAGE_RW), x = !nx && !(e & _PAGE_NX);

		if (!(e & _PAGE_PRESENT))
			continue;
		if (e & _PAGE_USER) {
			pr_err("user-accessible kernel page at %lx\n", here);
			return false;
		}
		if (level == 1 || (level < 4 && (e & _PAGE_PSE))) {
			if (w && x) {
				pr_err("writable and executable kernel page at %lx\n", here);
				return false;
			}
		} else if (!check_table(e, level - 1, here, w, !x)) {
			return false;
		}
	}
	return true;
}

KTEST(kmap_nothing_is_writable_and_executable)
{
	KTEST_TRUE(check_table(__pa(swapper_pg_dir), 4, 0xffff000000000000UL, true, false));
}

KTEST(kmap_text_is_read_only)
{
	u64 word;
	int err = 0;

	KTEST_EQ(copy_from_kernel_nofault(&word, _stext, sizeof(word)), 0);
	KTEST_TRUE(__copy_user(_stext, &word, sizeof(word)) != 0);
	KTEST_TRUE(__copy_user(__rodata_start, &err, sizeof(err)) != 0);
	KTEST_TRUE(__copy_user(idt_table, &err, sizeof(err)) != 0);
}

KTEST(kmap_stack_has_a_guard_page)
{
	char byte;

	KTEST_EQ(copy_from_kernel_nofault(&byte, current->stack, 1), 0);
	KTEST_EQ(copy_from_kernel_nofault(&byte, (char *)current->stack - 1, 1), -EFAULT);
	KTEST_TRUE(kstack_is_guard((unsigned long)current->stack - 1));
}

static void count_call(void *arg)
{
	atomic_inc(arg);
}

KTEST(smp_calls_reach_every_cpu_once)
{
	atomic_t calls = ATOMIC_INIT(0);
	unsigned int i, others = num_online_cpus() - 1;

	for (i = 0; i < 200; i++)
		smp_call_function_mask(~0UL, count_call, &calls, true);
	KTEST_EQ(atomic_read(&calls), 200 * others);
	for (i = 0; i < 200; i++)
		smp_call_function_mask(~0UL, count_call, &calls, false);
	smp_call_function_mask(~0UL, count_call, &calls, true);
	KTEST_EQ(atomic_read(&calls), 401 * others);
}

struct tlb_probe {
	volatile char *addr;
	char expected;
	atomic_t wrong;
};

static void probe_byte(void *arg)
{
	struct tlb_probe *probe = arg;

	if (*probe->addr != probe->expected)
		atomic_inc(&probe->wrong);
}

/* Remap one kernel address between two pages: after the flush nobody sees the old one. */
KTEST(tlb_kernel_flush_reaches_every_cpu)
{
	unsigned long addr = get_vm_range(PAGE_SIZE), pages[2];
	struct tlb_probe probe = {.addr = (char *)addr};
	unsigned int i;

	pages[0] = get_zeroed_page(GFP_KERNEL);
	pages[1] = get_zeroed_page(GFP_KERNEL);
	KTEST_TRUE(addr && pages[0] && pages[1]);
	*(char *)pages[1] = 1;
	for (i = 0; i < 100; i++) {
		if (map_kernel_page(addr, __pa(pages[i & 1]), PAGE_KERNEL))
			atomic_inc(&probe.wrong);
		probe.expected = (char)(i & 1);
		probe_byte(&probe);
		smp_call_function_mask(~0UL, probe_byte, &probe, true);
		unmap_kernel_page(addr);
		flush_tlb_kernel_range(addr, addr + PAGE_SIZE);
	}
	free_vm_range(addr);
	free_page(pages[0]);
	free_page(pages[1]);
	KTEST_EQ(atomic_read(&probe.wrong), 0);
}

KTEST(time_udelay_and_the_clock_agree)
{
	u64 start, elapsed;

	preempt_disable();
	start = ktime_get_ns();
	udelay(2000);
	elapsed = ktime_get_ns() - start;
	preempt_enable();
	KTEST_TRUE(elapsed >= 1990000);
}

KTEST(time_rtc_is_in_this_century)
{
	u64 now = rtc_read_seconds();

	if (!now)
		ktest_skip("no clock in this machine");
	else
		KTEST_TRUE(now > 946684800 && now < 4102444800);
}

/* Did the kernel log one line with @text since record @seq? */
static bool log_has_line(u64 seq, const char *text)
{
	static char line[256];

	while (log_read(&seq, line, sizeof(line), false, NULL))
		if (strstr(line, text))
			return true;
	return false;
}

/*
 * The firmware's own MADT, copied: as it is, with one bit flipped, and with an impossible length.
 */
KTEST(acpi_bad_tables_are_refused)
{
	static u8 copy[PAGE_SIZE] __aligned(16);
	void __iomem *madt = acpi_info.madt ? ioremap(acpi_info.madt_address, PAGE_SIZE) : NULL;
	u64 seq;
	u32 i;

	if (!madt) {
		ktest_skip("no MADT in this machine");
		return;
	}
	for (i = 0; i < sizeof(copy); i += 4)
		*(u32 *)(copy + i) = readl((char __iomem *)madt + i);
	iounmap(madt);
	if (*(u32 *)(copy + 4) > sizeof(copy)) {
		ktest_skip("the MADT of this machine is larger than a page");
		return;
	}
	KTEST_TRUE(acpi_table(__pa(copy)) != NULL);

	seq = log_next_seq();
	copy[40] ^= 1;
	KTEST_TRUE(acpi_table(__pa(copy)) == NULL);
	KTEST_TRUE(log_has_line(seq, "has a bad checksum; ignored"));

	seq = log_next_seq();
	*(u32 *)(copy + 4) = 3;
	KTEST_TRUE(acpi_table(__pa(copy)) == NULL);
	KTEST_TRUE(log_has_line(seq, "lies outside of reachable memory; ignored"));
}
