/* SPDX-License-Identifier: MIT */
/*
 * Calls about the machine and the kernel as a whole: its name, its memory, its log, its end.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/drivers/tty.h"
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/proc_internal.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/sys_info.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/swap.h"

static DEFINE_MUTEX(uts_lock);
/*
 * What programs compare is `release`: the Linux whose system calls these are. uts_lock for the two
 * names.
 */
struct utsname system_utsname = {
	.sysname = "Linux",
	.nodename = "verso",
	.release = "6.1.0-verso",
	.version = "#1 SMP PREEMPT Verso",
	.machine = "x86_64",
	.domainname = "(none)",
};

SYSCALL_DEFINE1(uname, struct utsname __user *, uname)
{
	struct utsname copy;

	mutex_lock(&uts_lock);
	copy = system_utsname;
	mutex_unlock(&uts_lock);
	return copy_to_user(uname, &copy, sizeof(copy)) ? -EFAULT : 0;
}

static long set_uts_name(char *field, const char __user *uname, int len)
{
	char name[UTS_LEN + 1] = {};

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (copy_from_user(name, uname, (size_t)len))
		return -EFAULT;
	mutex_lock(&uts_lock);
	memcpy(field, name, sizeof(name));
	mutex_unlock(&uts_lock);
	return 0;
}

SYSCALL_DEFINE2(sethostname, const char __user *, name, int, len)
{
	return set_uts_name(system_utsname.nodename, name, len);
}

SYSCALL_DEFINE2(setdomainname, const char __user *, name, int, len)
{
	return set_uts_name(system_utsname.domainname, name, len);
}

SYSCALL_DEFINE1(sysinfo, struct sysinfo __user *, uinfo)
{
	struct sysinfo info = {
		.uptime = (long)(ktime_get_ns() / NSEC_PER_SEC),
		.totalram = totalram_pages() << PAGE_SHIFT,
		.freeram = nr_free_pages() << PAGE_SHIFT,
		.sharedram = shmem_pages_total() << PAGE_SHIFT,
		.totalswap = total_swap_pages() << PAGE_SHIFT,
		.freeswap = nr_free_swap_pages() << PAGE_SHIFT,
		.mem_unit = 1,
	};
	int i;

	info.procs = (u16)min_t(int, READ_ONCE(nr_threads), 0xffff);
	get_load_average(info.loads);
	for (i = 0; i < 3; i++)
		info.loads[i] <<= SI_LOAD_SHIFT - LOAD_SHIFT;
	return copy_to_user(uinfo, &info, sizeof(info)) ? -EFAULT : 0;
}

SYSCALL_DEFINE3(getrandom, char __user *, ubuf, size_t, count, unsigned int, flags)
{
	char buf[256];
	size_t done = 0;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	count = min_t(size_t, count, INT_MAX);
	while (done < count) {
		size_t part = min(count - done, sizeof(buf)), left;

		get_random_bytes(buf, part);
		left = copy_to_user(ubuf + done, buf, part);
		done += part - left;
		if (left)
			break;
		if (done >= PAGE_SIZE && signal_pending(current))
			break;
		cond_resched();
	}
	memset(buf, 0, sizeof(buf));
	return done || !count ? (long)done : -EFAULT;
}

/* --- the log ---------------------------------------------------------------------------------- */

enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
};

#define SYSLOG_LINE_MAX	   1024
#define SYSLOG_BUFFER_SIZE 65536
#define QUIET_LOGLEVEL	   1

static DEFINE_MUTEX(syslog_lock);
static u64 syslog_clear_seq; /* syslog_lock: READ_ALL starts here */
static u64 syslog_read_seq;  /* syslog_lock: READ goes on here */
static int saved_loglevel = -1;

/* Record *seq as "<level>[time] text\n"; 0 when there is none. */
static size_t syslog_line(u64 *seq, char *line)
{
	int level, prefix;
	size_t len = log_read(seq, line + 8, SYSLOG_LINE_MAX - 8, false, &level);
	char head[8];

	if (!len)
		return 0;
	prefix = snprintf(head, sizeof(head), "<%d>", level & 7);
	memmove(line + prefix, line + 8, len);
	memcpy(line, head, (size_t)prefix);
	return len + (size_t)prefix;
}

static size_t syslog_size_from(u64 seq, char *line)
{
	size_t total = 0, len;

	while ((len = syslog_line(&seq, line)))
		total += len;
	return total;
}

/* The last `size` bytes of whole lines since the last clear. */
static long syslog_read_all(char __user *ubuf, size_t size, char *line)
{
	u64 seq = syslog_clear_seq, end = log_next_seq();
	size_t total = syslog_size_from(seq, line), done = 0, len;

	while (total > size && (len = syslog_line(&seq, line)))
		total -= len;
	while (seq < end && (len = syslog_line(&seq, line)) && done + len <= size) {
		if (copy_to_user(ubuf + done, line, len))
			return -EFAULT;
		done += len;
	}
	return (long)done;
}

/* What is new; waits until there is something. */
static long syslog_read(char __user *ubuf, size_t size, char *line)
{
	size_t done = 0, len;
	u64 seq;

	for (;;) {
		seq = syslog_read_seq;
		len = syslog_line(&seq, line);
		if (len && done + len <= size) {
			if (copy_to_user(ubuf + done, line, len))
				return done ? (long)done : -EFAULT;
			syslog_read_seq = seq;
			done += len;
			continue;
		}
		if (done || len)
			return (long)done;
		mutex_unlock(&syslog_lock);
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_timeout_ns(100 * NSEC_PER_MSEC);
		mutex_lock(&syslog_lock);
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

static long syslog_console(int type, int level)
{
	switch (type) {
	case SYSLOG_CONSOLE_OFF:
		if (saved_loglevel < 0)
			saved_loglevel = console_loglevel;
		console_loglevel = QUIET_LOGLEVEL;
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (saved_loglevel >= 0)
			console_loglevel = saved_loglevel;
		saved_loglevel = -1;
		return 0;
	}
	if (level < 1 || level > 8)
		return -EINVAL;
	console_loglevel = level;
	saved_loglevel = -1;
	return 0;
}

static long do_syslog(int type, char __user *ubuf, int len, char *line)
{
	long ret;

	switch (type) {
	case SYSLOG_READ:
		return syslog_read(ubuf, (size_t)len, line);
	case SYSLOG_READ_ALL:
		return syslog_read_all(ubuf, (size_t)len, line);
	case SYSLOG_READ_CLEAR:
		ret = syslog_read_all(ubuf, (size_t)len, line);
		syslog_clear_seq = log_next_seq();
		return ret;
	case SYSLOG_CLEAR:
		syslog_clear_seq = log_next_seq();
		return 0;
	case SYSLOG_SIZE_UNREAD:
		return (long)syslog_size_from(syslog_read_seq, line);
	}
	return -EINVAL;
}

int dmesg_restrict;

SYSCALL_DEFINE3(syslog, int, type, char __user *, ubuf, int, len)
{
	char *line;
	long ret;

	if ((dmesg_restrict || (type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER)) &&
	    !capable(CAP_SYSLOG))
		return -EPERM;
	if (type == SYSLOG_CLOSE || type == SYSLOG_OPEN)
		return 0;
	if (type == SYSLOG_SIZE_BUFFER)
		return SYSLOG_BUFFER_SIZE;
	if (type >= SYSLOG_CONSOLE_OFF && type <= SYSLOG_CONSOLE_LEVEL)
		return syslog_console(type, len);
	if (type >= SYSLOG_READ && type <= SYSLOG_READ_CLEAR) {
		if (!ubuf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
	}
	line = kmalloc(SYSLOG_LINE_MAX, GFP_KERNEL);
	if (!line)
		return -ENOMEM;
	mutex_lock(&syslog_lock);
	ret = do_syslog(type, ubuf, len, line);
	mutex_unlock(&syslog_lock);
	kfree(line);
	return ret;
}

/* --- the end ---------------------------------------------------------------------------------- */

SYSCALL_DEFINE4(reboot, u32, magic1, u32, magic2, unsigned int, cmd, void __user *, arg)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	     magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		pr_notice("restarting\n");
		tty_drain_all();
		machine_restart();
	case LINUX_REBOOT_CMD_POWER_OFF:
		pr_notice("power off\n");
		tty_drain_all();
		machine_poweroff();
	case LINUX_REBOOT_CMD_HALT:
		pr_notice("halted\n");
		tty_drain_all();
		machine_halt();
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0; /* the keyboard never restarts the machine */
	}
	return -EINVAL;
}
