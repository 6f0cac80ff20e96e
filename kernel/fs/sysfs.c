/* SPDX-License-Identifier: MIT */
/*
 * /sys: as much of sysfs as programs look at to learn which processors there are.
 *
 *	/sys/devices/system/cpu/online possible present offline isolated kernel_max
 *	/sys/devices/system/cpu/cpuN/topology/core_id ...
 *
 * It is a second tree of tables for /proc's machinery (proc.c): read-only text, made when it is
 * read. Of devices there is nothing here: /dev has their nodes, /proc/partitions and /proc/devices
 * their list.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/percpu.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/smp.h"
#include "lib/bitops.h"
#include "lib/string.h"

static u64 possible_cpus(void)
{
	return nr_cpu_ids < 64 ? BIT_ULL(nr_cpu_ids) - 1 : ~0ULL;
}

static int list_line(struct seq_file *m, u64 cpus)
{
	seq_cpu_list(m, cpus);
	seq_puts(m, "\n");
	return 0;
}

static int possible_show(struct seq_file *m, struct task *task)
{
	return list_line(m, possible_cpus());
}

static int online_show(struct seq_file *m, struct task *task)
{
	return list_line(m, READ_ONCE(cpu_online_mask));
}

static int offline_show(struct seq_file *m, struct task *task)
{
	return list_line(m, possible_cpus() & ~READ_ONCE(cpu_online_mask));
}

static int none_show(struct seq_file *m, struct task *task)
{
	return list_line(m, 0);
}

static int kernel_max_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%d\n", MAX_CPUS - 1);
	return 0;
}

/* One processor: every one is a package of one core with one thread, as in /proc/cpuinfo ---------- */

static int zero_show(struct seq_file *m, struct task *task)
{
	seq_puts(m, "0\n");
	return 0;
}

static int number_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%u\n", m->id);
	return 0;
}

static const struct proc_entry topology_entries[] = {
	{.name = "core_cpus_list", .mode = 0444, .show = number_show},
	{.name = "core_id", .mode = 0444, .show = zero_show},
	{.name = "core_siblings_list", .mode = 0444, .show = number_show},
	{.name = "package_cpus_list", .mode = 0444, .show = number_show},
	{.name = "physical_package_id", .mode = 0444, .show = number_show},
	{.name = "thread_siblings_list", .mode = 0444, .show = number_show},
	{.name = NULL},
};

static const struct proc_entry one_cpu_entries[] = {
	{.name = "topology", .mode = 0555, .children = topology_entries},
	{.name = NULL},
};

static const struct proc_entry one_cpu = {.name = "", .mode = 0555, .children = one_cpu_entries};

static bool next_cpu_id(struct task *unused, unsigned int *id)
{
	return *id < nr_cpu_ids;
}

static const struct proc_entry *find_cpu(struct task *unused, const char *name, u32 len,
					 struct pid **pid, unsigned int *id)
{
	if (len < 4 || memcmp(name, "cpu", 3) || !parse_decimal(name + 3, len - 3, id))
		return NULL;
	return *id < nr_cpu_ids ? &one_cpu : NULL;
}

/* The tree ------------------------------------------------------------------------------------- */

static const struct proc_entry cpu_entries[] = {
	{.name = "isolated", .mode = 0444, .show = none_show},
	{.name = "kernel_max", .mode = 0444, .show = kernel_max_show},
	{.name = "offline", .mode = 0444, .show = offline_show},
	{.name = "online", .mode = 0444, .show = online_show},
	{.name = "possible", .mode = 0444, .show = possible_show},
	{.name = "present", .mode = 0444, .show = possible_show},
	{.name = NULL},
};

static const struct proc_dir cpu_dir = {
	.children = cpu_entries, .prefix = "cpu", .find = find_cpu, .next = next_cpu_id};

static const struct proc_entry system_entries[] = {
	{.name = "cpu", .mode = 0555, .dir = &cpu_dir},
	{.name = NULL},
};

static const struct proc_entry devices_entries[] = {
	{.name = "system", .mode = 0555, .children = system_entries},
	{.name = NULL},
};

const struct proc_entry sysfs_root_entries[] = {
	{.name = "devices", .mode = 0555, .children = devices_entries},
	{.name = NULL},
};
