/* SPDX-License-Identifier: MIT */
/*
 * The files of /proc that are about the whole machine. Formats are Linux's, so that ps, top and
 * free can read them.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/chrdev.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/cmdline.h"
#include "kernel/ipc/ipc.h"
#include "kernel/drivers/block/block.h"
#include "kernel/sched.h"
#include "kernel/sys_info.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uapi/time.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/smp.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

#define KIB(pages) ((unsigned long)(pages) << (PAGE_SHIFT - 10))

static void kb_line(struct seq_file *m, const char *name, unsigned long pages)
{
	seq_printf(m, "%-16s%8lu kB\n", name, KIB(pages));
}

static int meminfo_show(struct seq_file *m, struct task *task)
{
	unsigned long ia = node_stat(NR_INACTIVE_ANON), aa = node_stat(NR_ACTIVE_ANON);
	unsigned long inf = node_stat(NR_INACTIVE_FILE), af = node_stat(NR_ACTIVE_FILE);
	unsigned long free = nr_free_pages(), slab = node_stat(NR_SLAB),
		      slabr = node_stat(NR_SLAB_RECLAIMABLE);
	unsigned long reserve = zone.watermark[WMARK_LOW];

	kb_line(m, "MemTotal:", totalram_pages());
	kb_line(m, "MemFree:", free);
	kb_line(m, "MemAvailable:", (free > reserve ? free - reserve : 0) + inf + af + slabr);
	kb_line(m, "Buffers:", 0);
	kb_line(m, "Cached:", node_stat(NR_FILE_PAGES));
	kb_line(m, "SwapCached:", node_stat(NR_SWAPCACHE));
	kb_line(m, "Active:", aa + af);
	kb_line(m, "Inactive:", ia + inf);
	kb_line(m, "Active(anon):", aa);
	kb_line(m, "Inactive(anon):", ia);
	kb_line(m, "Active(file):", af);
	kb_line(m, "Inactive(file):", inf);
	kb_line(m, "Unevictable:", node_stat(NR_UNEVICTABLE));
	kb_line(m, "Mlocked:", node_stat(NR_MLOCK));
	kb_line(m, "SwapTotal:", total_swap_pages());
	kb_line(m, "SwapFree:", nr_free_swap_pages());
	kb_line(m, "Dirty:", node_stat(NR_DIRTY));
	kb_line(m, "Writeback:", node_stat(NR_WRITEBACK));
	kb_line(m, "AnonPages:", node_stat(NR_ANON_MAPPED));
	kb_line(m, "Mapped:", node_stat(NR_FILE_MAPPED));
	kb_line(m, "Shmem:", node_stat(NR_SHMEM));
	kb_line(m, "KReclaimable:", slabr);
	kb_line(m, "Slab:", slab + slabr);
	kb_line(m, "SReclaimable:", slabr);
	kb_line(m, "SUnreclaim:", slab);
	kb_line(m, "KernelStack:", node_stat(NR_KERNEL_STACK_PAGES));
	kb_line(m, "PageTables:", node_stat(NR_PAGETABLE));
	kb_line(m, "CommitLimit:", vm_commit_limit());
	kb_line(m, "Committed_AS:", vm_committed_pages());
	kb_line(m, "VmallocTotal:", (VMALLOC_END - VMALLOC_START) >> PAGE_SHIFT);
	kb_line(m, "VmallocUsed:", node_stat(NR_VMALLOC));
	kb_line(m, "VmallocChunk:", 0);
	return 0;
}

static int vmstat_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "nr_free_pages %lu\n", nr_free_pages());
	for (int i = 0; i < NR_NODE_STATS; i++)
		seq_printf(m, "%s %lu\n", node_stat_name(i), node_stat(i));
	for (int i = 0; i < NR_VM_EVENTS; i++)
		seq_printf(m, "%s %lu\n", vm_event_name(i), vm_event_sum(i));
	return 0;
}

static unsigned long long ticks(u64 ns)
{
	return ns / NSEC_PER_TICK;
}

static void cpu_line(struct seq_file *m, const char *name, const struct cpu_times *t)
{
	seq_printf(m, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, ticks(t->user_ns),
		   ticks(t->system_ns), ticks(t->idle_ns));
}

static int stat_show(struct seq_file *m, struct task *task)
{
	struct cpu_times all = {0, 0, 0}, one;
	struct irq_stat irq;
	unsigned int cpu;
	char name[16];

	for_each_online_cpu (cpu) {
		sched_cpu_times(cpu, &one);
		all.user_ns += one.user_ns;
		all.system_ns += one.system_ns;
		all.idle_ns += one.idle_ns;
	}
	cpu_line(m, "cpu ", &all);
	for_each_online_cpu (cpu) {
		sched_cpu_times(cpu, &one);
		snprintf(name, sizeof(name), "cpu%u", cpu);
		cpu_line(m, name, &one);
	}
	seq_printf(m, "intr %llu", irq_stat_total());
	for (unsigned int i = 0; irq_stat_get(i, &irq); i++) {
		u64 n = 0;

		for_each_online_cpu (cpu)
			n += irq_stat_count(i, cpu);
		seq_printf(m, " %llu", n);
	}
	seq_printf(m, "\nctxt %lu\nbtime %llu\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n",
		   nr_context_switches(), (ktime_get_real_ns() - ktime_get_ns()) / NSEC_PER_SEC,
		   total_forks, nr_running());
	return 0;
}

static int uptime_show(struct seq_file *m, struct task *task)
{
	struct cpu_times one;
	u64 up = ktime_get_ns() / (NSEC_PER_SEC / 100), idle = 0;
	unsigned int cpu;

	for_each_online_cpu (cpu) {
		sched_cpu_times(cpu, &one);
		idle += one.idle_ns;
	}
	idle /= NSEC_PER_SEC / 100;
	seq_printf(m, "%llu.%02llu %llu.%02llu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static int loadavg_show(struct seq_file *m, struct task *task)
{
	unsigned long loads[3];

	get_load_average(loads);
	for (int i = 0; i < 3; i++) {
		unsigned long hundredths = (loads[i] * 100 + (1 << (LOAD_SHIFT - 1))) >> LOAD_SHIFT;

		seq_printf(m, "%lu.%02lu ", hundredths / 100, hundredths % 100);
	}
	seq_printf(m, "%u/%d %d\n", nr_running(), READ_ONCE(nr_threads), current->pid);
	return 0;
}

static void cpuinfo_line(struct seq_file *m, unsigned int cpu)
{
	const struct cpu_features *f = &cpu_features;
	u64 khz = tsc_hz / 1000;

	seq_printf(
		m,
		"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n",
		cpu, f->vendor, f->family, f->model, f->model_name);
	seq_printf(
		m,
		"stepping\t: %u\ncpu MHz\t\t: %llu.%03llu\nphysical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\n",
		f->stepping, khz / 1000, khz % 1000, cpu);
	seq_printf(m,
		   "cpu cores\t: 1\napicid\t\t: %u\nfpu\t\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		   cpu_apic_id[cpu], f->max_leaf);
}

static int cpuinfo_show(struct seq_file *m, struct task *task)
{
	const struct cpu_features *f = &cpu_features;
	unsigned int cpu;
	char flags[1024];

	cpu_flags_string(flags, sizeof(flags));
	for_each_online_cpu (cpu) {
		cpuinfo_line(m, cpu);
		seq_printf(m, "flags\t\t: %s\nclflush size\t: 64\ncache_alignment\t: 64\n", flags);
		seq_printf(m, "address sizes\t: %u bits physical, %u bits virtual\n\n",
			   f->phys_bits, 48);
	}
	return 0;
}

static int version_show(struct seq_file *m, struct task *task)
{
	const struct utsname *uts = &system_utsname;

	seq_printf(m, "%s version %s %s\n", uts->sysname, uts->release, uts->version);
	return 0;
}

static void filesystem_line(const struct file_system_type *type, void *arg)
{
	seq_printf(arg, "%s\t%s\n", type->flags & FS_NODEV ? "nodev" : "", type->name);
}

static int filesystems_show(struct seq_file *m, struct task *task)
{
	for_each_filesystem(filesystem_line, m);
	return 0;
}

static int swaps_show(struct seq_file *m, struct task *task)
{
	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (unsigned int i = 0; i < MAX_SWAPFILES; i++) {
		const struct swap_device *dev = swap_device(i);
		unsigned long size, used;

		if (!dev)
			continue;
		/* As on Linux, what pages can go to: without the header and the bad slots. */
		size = KIB(swap_usable_slots(dev));
		used = KIB(READ_ONCE(dev->used));
		seq_printf(m, "%-40s%-16s%lu\t%s%lu\t%s%d\n", dev->name, "partition", size,
			   size < 10000000 ? "\t" : "", used, used < 10000000 ? "\t" : "",
			   dev->prio);
	}
	return 0;
}

static int buddyinfo_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "Node 0, zone %8s ", "Normal");
	for (int order = 0; order < MAX_ORDER; order++)
		seq_printf(m, "%6lu ", READ_ONCE(zone.free_area[order].nr_free));
	seq_puts(m, "\n");
	return 0;
}

static int zoneinfo_show(struct seq_file *m, struct task *task)
{
	unsigned int cpu;

	seq_puts(m, "Node 0, zone   Normal\n  per-node stats\n");
	for (int i = 0; i < NR_NODE_STATS; i++)
		seq_printf(m, "      %-12s %lu\n", node_stat_name(i), node_stat(i));
	seq_printf(m, "  pages free     %lu\n        min      %lu\n        low      %lu\n",
		   zone_free_pages(), zone.watermark[WMARK_MIN], zone.watermark[WMARK_LOW]);
	seq_printf(m, "        high     %lu\n        spanned  %lu\n        present  %lu\n",
		   zone.watermark[WMARK_HIGH], max_pfn, zone.managed_pages);
	seq_printf(m, "        managed  %lu\n        protection: (0)\n  pagesets\n",
		   zone.managed_pages);
	for_each_online_cpu (cpu)
		seq_printf(m, "    cpu: %u\n", cpu);
	seq_puts(m, "  start_pfn:           0\n");
	return 0;
}

static bool slab_line(const struct slabinfo *s, void *arg)
{
	seq_printf(
		arg,
		"%-17s %6lu %6lu %6zu %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6lu\n",
		s->name, s->active, s->total, s->size, s->per_slab, s->slab_pages, 0, 0, 0,
		s->slabs, s->slabs, 0UL);
	return true;
}

static int slabinfo_show(struct seq_file *m, struct task *task)
{
	seq_puts(
		m,
		"slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> "
		"<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "
		"<num_slabs> <sharedavail>\n");
	slabinfo_for_each(slab_line, m);
	return 0;
}

static int cmdline_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%s\n", cmdline_text());
	return 0;
}

static int interrupts_show(struct seq_file *m, struct task *task)
{
	struct irq_stat irq;
	unsigned int cpu;

	seq_puts(m, "     ");
	for_each_online_cpu (cpu)
		seq_printf(m, "       CPU%-3u", cpu);
	seq_puts(m, "\n");
	for (unsigned int i = 0; irq_stat_get(i, &irq); i++) {
		if (irq.label)
			seq_printf(m, "%4s:", irq.label);
		else
			seq_printf(m, "%4u:", irq.number);
		for_each_online_cpu (cpu)
			seq_printf(m, " %10llu", irq_stat_count(i, cpu));
		seq_printf(m, "   %s\n", irq.name);
	}
	return 0;
}

static void device_line(dev_t dev, const char *name, void *arg)
{
	seq_printf(arg, "%3u %s\n", MAJOR(dev), name);
}

static int devices_show(struct seq_file *m, struct task *task)
{
	seq_puts(m, "Character devices:\n");
	for_each_chrdev(device_line, m);
	seq_puts(m, "\nBlock devices:\n");
	blk_for_each_major(device_line, m);
	return 0;
}

static int self_link(struct task *task, char *buf, int size)
{
	return scnprintf(buf, size, "%d", current->tgid);
}

static int thread_self_link(struct task *task, char *buf, int size)
{
	return scnprintf(buf, size, "%d/task/%d", current->tgid, current->pid);
}

static int mounts_link(struct task *task, char *buf, int size)
{
	return scnprintf(buf, size, "self/mounts");
}

static const struct proc_entry sysvipc_entries[] = {
	{.name = "shm", .mode = 0444, .show = proc_sysvipc_shm_show},
	{.name = NULL},
};

const struct proc_entry proc_root_entries[] = {
	{.name = "buddyinfo", .mode = 0444, .show = buddyinfo_show},
	{.name = "cmdline", .mode = 0444, .show = cmdline_show},
	{.name = "cpuinfo", .mode = 0444, .show = cpuinfo_show},
	{.name = "devices", .mode = 0444, .show = devices_show},
	{.name = "diskstats", .mode = 0444, .show = blk_diskstats_show},
	{.name = "filesystems", .mode = 0444, .show = filesystems_show},
	{.name = "interrupts", .mode = 0444, .show = interrupts_show},
	{.name = "kpagecount", .mode = 0400, .fops = &proc_kpagecount_fops},
	{.name = "kpageflags", .mode = 0400, .fops = &proc_kpageflags_fops},
	{.name = "loadavg", .mode = 0444, .show = loadavg_show},
	{.name = "meminfo", .mode = 0444, .show = meminfo_show},
	{.name = "mounts", .mode = 0777, .readlink = mounts_link},
	{.name = "partitions", .mode = 0444, .show = blk_partitions_show},
	{.name = "self", .mode = 0777, .readlink = self_link},
	{.name = "slabinfo", .mode = 0400, .show = slabinfo_show},
	{.name = "stat", .mode = 0444, .show = stat_show},
	{.name = "swaps", .mode = 0444, .show = swaps_show},
	{.name = "sys", .mode = 0555, .children = proc_sys_entries},
	{.name = "sysvipc", .mode = 0555, .children = sysvipc_entries},
	{.name = "thread-self", .mode = 0777, .readlink = thread_self_link},
	{.name = "uptime", .mode = 0444, .show = uptime_show},
	PROC_VERSO_ENTRY{.name = "version", .mode = 0444, .show = version_show},
	{.name = "vmstat", .mode = 0444, .show = vmstat_show},
	{.name = "zoneinfo", .mode = 0444, .show = zoneinfo_show},
	{.name = NULL},
};
