/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: printk() from anywhere, a ring in memory, and consoles that show it.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/list.h"

/* A message begins with its level: KERN_ERR "disk on fire\n". Without one it is KERN_DEFAULT. */
#define KERN_SOH     "\001"
#define KERN_EMERG   KERN_SOH "0" /* the machine cannot go on */
#define KERN_ALERT   KERN_SOH "1"
#define KERN_CRIT    KERN_SOH "2"
#define KERN_ERR     KERN_SOH "3"
#define KERN_WARNING KERN_SOH "4"
#define KERN_NOTICE  KERN_SOH "5"
#define KERN_INFO    KERN_SOH "6"
#define KERN_DEBUG   KERN_SOH "7"
#define KERN_CONT    KERN_SOH "c" /* continues the line of the message before */

#define LOGLEVEL_DEFAULT 4 /* level of a message that names none */
#define LOGLEVEL_INFO	 6

/*
 * printk() - log a line. Any context, NMI included; never sleeps. Returns the length of the text.
 * Text is cut at 1000 characters. A missing newline is supplied, except before KERN_CONT.
 */
int printk(const char *fmt, ...) __printf(1, 2);
int vprintk(const char *fmt, __builtin_va_list args) __printf(1, 0);

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_emerg(fmt, ...)  printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...)  printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...)   printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)    printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)   printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)   printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_cont(fmt, ...)   printk(KERN_CONT fmt, ##__VA_ARGS__)
#ifdef CONFIG_DEBUG
#define pr_debug(fmt, ...) printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#else
#define pr_debug(fmt, ...)                          \
	do {                                        \
		if (0)                              \
			printk(fmt, ##__VA_ARGS__); \
	} while (0)
#endif

#define pr_warn_once(fmt, ...)                       \
	do {                                         \
		static bool __warned;                \
		if (!__warned) {                     \
			__warned = true;             \
			pr_warn(fmt, ##__VA_ARGS__); \
		}                                    \
	} while (0)

/*
 * struct printk_ratelimit - at most @burst messages in @interval_ns; tells how many were left out.
 *
 *	static struct printk_ratelimit limit = PRINTK_RATELIMIT(5000000000, 10);
 *	if (printk_allowed(&limit)) pr_info(...);
 */
struct printk_ratelimit {
	u64 interval_ns, begin_ns;
	unsigned int burst, printed, missed;
};
#define PRINTK_RATELIMIT(ns, n)                   \
	{                                         \
		.interval_ns = (ns), .burst = (n) \
	}
bool printk_allowed(struct printk_ratelimit *limit);

/*
 * A console shows the log. write() gets whole lines with "\n" ends, from any context with
 * interrupts in any state; it is never called on two CPUs at once (except after a panic) and must
 * not sleep or printk.
 */
struct console {
	const char *name;
	void (*write)(struct console *con, const char *text, size_t len);
	int level;    /* shows messages more urgent than this; 0: follow loglevel= */
	bool early;   /* unregistered when the first real console arrives */
	u64 next_seq; /* the first record it has not shown */
	struct list_head list;
};

/* register_console() - show the whole log so far, then every new message. May sleep: no. */
void register_console(struct console *con);
void unregister_console(struct console *con);
/* console_loglevel: messages with a level below it are shown. loglevel=, quiet, syslog(2). */
extern int console_loglevel;

/*
 * log_read() - the record *@seq, or the oldest that is still there if that is gone, as text.
 *
 * @buf gets "[    1.234567] text\n", with @kmsg "6,123,1234567,-;text\n" (level, seq, us),
 * NUL-terminated and cut to @size. *@seq becomes the number after the one returned. Returns its
 * length, 0 when there is none yet, and the level in *@level when that is not NULL.
 */
size_t log_read(u64 *seq, char *buf, size_t size, bool kmsg, int *level);
/* Number of the next record to come, and of the oldest that is still there. */
u64 log_next_seq(void);
u64 log_first_seq(void);
size_t log_buffer_size(void);

/* console_panic_mode() - from now on only this CPU prints, and no lock stops it. */
void console_panic_mode(void);

#endif /* KERNEL_PRINTK_H */
