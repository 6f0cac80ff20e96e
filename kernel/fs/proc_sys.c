/* SPDX-License-Identifier: MIT */
/*
 * /proc/sys: settings, each a number or a word. Those that can be written have an effect; those that
 * mean nothing here are read-only, and there because programs read them.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/super.h"
#include "kernel/binprm.h"
#include "kernel/coredump.h"
#include "kernel/cred.h"
#include "kernel/events/epoll.h"
#include "kernel/events/inotify.h"
#include "kernel/ipc/shm.h"
#include "kernel/oom_kill.h"
#include "kernel/panic.h"
#include "kernel/pid.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/sys_info.h"
#include "kernel/task.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/compact.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/swap.h"

/* An int in memory, with the range that may be written. */
struct sys_int {
	int *value;
	int min, max;
};

static int int_show(struct seq_file *m, struct task *task)
{
	const struct sys_int *si = m->data;

	seq_printf(m, "%d\n", READ_ONCE(*si->value));
	return 0;
}

static int int_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	const struct sys_int *si = entry->data;
	int value;

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\n'))
		text[--len] = '\0';
	if (kstrtoint(text, 0, &value) || value < si->min || value > si->max)
		return -EINVAL;
	WRITE_ONCE(*si->value, value);
	return 0;
}

/* A budget of real-time tasks is no longer than its period. */
static int rt_budget_store(const struct proc_entry *entry, struct task *task, char *text,
			   size_t len)
{
	const struct sys_int *si = entry->data;
	int before = READ_ONCE(*si->value), err = int_store(entry, task, text, len);

	if (!err && sysctl_sched_rt_runtime_us > sysctl_sched_rt_period_us) {
		WRITE_ONCE(*si->value, before);
		err = -EINVAL;
	}
	return err;
}

/* The limit of promised memory is told by one of two: the last one written. */
static int overcommit_store(const struct proc_entry *entry, struct task *task, char *text,
			    size_t len)
{
	const struct sys_int *si = entry->data;
	int err = int_store(entry, task, text, len);

	if (!err)
		WRITE_ONCE(*(si->value == &sysctl_overcommit_ratio ? &sysctl_overcommit_kbytes
								   : &sysctl_overcommit_ratio),
			   0);
	return err;
}

/* Only "1" is known. The work is done when the write returns. */
static int compact_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	unsigned long value;

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\n'))
		text[--len] = '\0';
	if (kstrtoul(text, 0, &value) || value != 1)
		return -EINVAL;
	compact_memory();
	return 0;
}

/* A text that never changes. */
static int text_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%s\n", (const char *)m->data);
	return 0;
}

static int hostname_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	strscpy(entry->data, text, UTS_LEN + 1);
	return 0;
}

static int core_pattern_store(const struct proc_entry *entry, struct task *task, char *text,
			      size_t len)
{
	if (*text == '|')
		return -EINVAL; /* to a program: not here */
	strscpy(core_pattern, text, CORE_PATTERN_SIZE);
	return 0;
}

/* The level of messages that the console shows, and three numbers that mean nothing here. */
static int printk_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%d\t4\t1\t7\n", READ_ONCE(console_loglevel));
	return 0;
}

static int printk_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	unsigned long level;

	text[strcspn(text, " \t")] = '\0';
	if (kstrtoul(text, 0, &level) || level > 15)
		return -EINVAL;
	WRITE_ONCE(console_loglevel, (int)level);
	return 0;
}

/* All files live in memory: there is no clean copy to drop, and no cache of names beside them. */
static int drop_caches_store(const struct proc_entry *entry, struct task *task, char *text,
			     size_t len)
{
	unsigned long what;

	return kstrtoul(text, 0, &what) || what < 1 || what > 4 ? -EINVAL : 0;
}

static int uuid_show(struct seq_file *m, struct task *task)
{
	u8 b[16];

	get_random_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		seq_printf(m, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	seq_puts(m, "\n");
	return 0;
}

static int file_nr_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%lu\t0\t%d\n", nr_open_files(), S32_MAX);
	return 0;
}

static int threads_max_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%d\n", max_threads);
	return 0;
}

static int ulong_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%lu\n", READ_ONCE(*(const unsigned long *)m->data));
	return 0;
}

static int ulong_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	unsigned long value;

	if (kstrtoul(text, 0, &value))
		return -EINVAL;
	WRITE_ONCE(*(unsigned long *)entry->data, value);
	return 0;
}

#define ULONG_ENTRY(entry_name, var)                                                        \
	{                                                                                   \
		.name = entry_name, .mode = 0644, .show = ulong_show, .store = ulong_store, \
		.data = &(var)                                                              \
	}
#define INT_ENTRY(entry_name, var, lo, hi) INT_ENTRY_STORE(entry_name, var, lo, hi, int_store)
#define INT_ENTRY_STORE(entry_name, var, lo, hi, store_fn)                             \
	{                                                                              \
		.name = entry_name, .mode = 0644, .show = int_show, .store = store_fn, \
		.data = &(struct sys_int)                                              \
		{                                                                      \
			&(var), lo, hi                                                 \
		}                                                                      \
	}
#define TEXT_ENTRY(entry_name, text)                                                \
	{                                                                           \
		.name = entry_name, .mode = 0444, .show = text_show, .data = (text) \
	}

static const struct proc_entry random_entries[] = {
	TEXT_ENTRY("entropy_avail", "256"),
	TEXT_ENTRY("poolsize", "256"),
	{.name = "uuid", .mode = 0444, .show = uuid_show},
	{.name = NULL},
};

static const struct proc_entry kernel_entries[] = {
	TEXT_ENTRY("cap_last_cap", "40"),
	{.name = "core_pattern",
	 .mode = 0644,
	 .show = text_show,
	 .store = core_pattern_store,
	 .data = core_pattern},
	INT_ENTRY("core_uses_pid", core_uses_pid, 0, 1),
	INT_ENTRY("dmesg_restrict", dmesg_restrict, 0, 1),
	{.name = "domainname",
	 .mode = 0644,
	 .show = text_show,
	 .store = hostname_store,
	 .data = system_utsname.domainname},
	{.name = "hostname",
	 .mode = 0644,
	 .show = text_show,
	 .store = hostname_store,
	 .data = system_utsname.nodename},
	TEXT_ENTRY("kptr_restrict", "0"),
	TEXT_ENTRY("ngroups_max", "65536"),
	TEXT_ENTRY("osrelease", system_utsname.release),
	TEXT_ENTRY("ostype", system_utsname.sysname),
	TEXT_ENTRY("overflowgid", "65534"),
	TEXT_ENTRY("overflowuid", "65534"),
	INT_ENTRY("panic", panic_timeout, 0, 86400),
	TEXT_ENTRY("pid_max", "32768"),
	{.name = "printk", .mode = 0644, .show = printk_show, .store = printk_store},
	{.name = "random", .mode = 0555, .children = random_entries},
	INT_ENTRY("randomize_va_space", randomize_va_space, 0, 2),
	TEXT_ENTRY("sched_rr_timeslice_ms", "100"),
	INT_ENTRY_STORE("sched_rt_period_us", sysctl_sched_rt_period_us, 1, S32_MAX,
			rt_budget_store),
	INT_ENTRY_STORE("sched_rt_runtime_us", sysctl_sched_rt_runtime_us, -1, S32_MAX,
			rt_budget_store),
	ULONG_ENTRY("shmall", shm_all_pages),
	ULONG_ENTRY("shmmax", shm_max_bytes),
	INT_ENTRY("shmmni", shm_table.max, 0, 32768),
	TEXT_ENTRY("sysrq", "0"),
	{.name = "threads-max", .mode = 0444, .show = threads_max_show},
	TEXT_ENTRY("version", system_utsname.version),
	{.name = NULL},
};

static const struct proc_entry vm_entries[] = {
	INT_ENTRY("admin_reserve_kbytes", sysctl_admin_reserve_kbytes, 0, S32_MAX),
	{.name = "compact_memory", .mode = 0200, .store = compact_store},
	TEXT_ENTRY("dirty_background_ratio", "10"),
	TEXT_ENTRY("dirty_ratio", "20"),
	{.name = "drop_caches", .mode = 0200, .store = drop_caches_store},
	INT_ENTRY("legacy_va_layout", legacy_va_layout, 0, 1),
	INT_ENTRY("max_map_count", sysctl_max_map_count, 0, S32_MAX),
	TEXT_ENTRY("mmap_min_addr", "65536"),
	TEXT_ENTRY("oom_kill_allocating_task", "0"),
	INT_ENTRY_STORE("overcommit_kbytes", sysctl_overcommit_kbytes, 0, S32_MAX,
			overcommit_store),
	INT_ENTRY("overcommit_memory", sysctl_overcommit_memory, 0, 2),
	INT_ENTRY_STORE("overcommit_ratio", sysctl_overcommit_ratio, 0, 1000, overcommit_store),
	INT_ENTRY("page-cluster", sysctl_page_cluster, 0, 31),
	INT_ENTRY("panic_on_oom", panic_on_oom, 0, 2),
	TEXT_ENTRY("stat_interval", "1"),
	INT_ENTRY("swappiness", sysctl_swappiness, 0, 200),
	TEXT_ENTRY("unprivileged_userfaultfd", "0"),
	INT_ENTRY("user_reserve_kbytes", sysctl_user_reserve_kbytes, 0, S32_MAX),
	TEXT_ENTRY("vfs_cache_pressure", "100"),
	TEXT_ENTRY("watermark_scale_factor", "10"),
	{.name = NULL},
};

static const struct proc_entry inotify_entries[] = {
	INT_ENTRY("max_queued_events", inotify_max_events, 0, S32_MAX),
	INT_ENTRY("max_user_instances", inotify_max_instances, 0, S32_MAX),
	INT_ENTRY("max_user_watches", inotify_max_watches, 0, S32_MAX),
	{.name = NULL},
};

static const struct proc_entry epoll_entries[] = {
	INT_ENTRY("max_user_watches", epoll_max_watches, 0, S32_MAX),
	{.name = NULL},
};

static const struct proc_entry fs_entries[] = {
	{.name = "epoll", .mode = 0555, .children = epoll_entries},
	TEXT_ENTRY("file-max", "9223372036854775807"),
	{.name = "file-nr", .mode = 0444, .show = file_nr_show},
	{.name = "inotify", .mode = 0555, .children = inotify_entries},
	TEXT_ENTRY("nr_open", "1048576"),
	TEXT_ENTRY("pipe-max-size", "1048576"),
	TEXT_ENTRY("protected_hardlinks", "0"),
	TEXT_ENTRY("protected_symlinks", "0"),
	{.name = NULL},
};

const struct proc_entry proc_sys_entries[] = {
	{.name = "fs", .mode = 0555, .children = fs_entries},
	{.name = "kernel", .mode = 0555, .children = kernel_entries},
	{.name = "vm", .mode = 0555, .children = vm_entries},
	{.name = NULL},
};
