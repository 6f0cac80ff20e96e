/* SPDX-License-Identifier: MIT */
/*
 * printk: the log in memory, and showing it.
 *
 * The log is two rings. Text lies in log_text[], one message after the other; log_records[] says
 * where each begins, and when and how urgent it was. Both are indexed by numbers that only grow,
 * reduced modulo the ring:
 *
 *	records:   first_seq ............ next_seq      (seq % LOG_RECORDS is the slot)
 *	text:      records[first].begin ... text_end    (byte b is at b % LOG_TEXT)
 *
 * A new message evicts old records until both rings have room.
 *
 * printk() stores its message under log_lock and then tries to become the printer. There is one at
 * a time; a CPU that finds one leaves its message to it. The printer takes each record for each
 * console until none is left, and looks again after it gave up being the printer, so that no
 * message stays behind. A console is called without log_lock, with preemption disabled.
 *
 * After a panic the panicking CPU alone prints, and takes the locks by force if they stay busy:
 * their holder may be a CPU that is stopped.
 */
#include "kernel/printk.h"
#include "kernel/cmdline.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/list.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "arch/x86_64/cpu.h"

#define LOG_RECORDS 1024u
#define LOG_TEXT    49152u
#define LINE_MAX    1024u

#define RECORD_CONT    1u /* goes on where the message before ended */
#define RECORD_NEWLINE 2u /* ended with a newline */

struct log_record {
	u64 time_ns;
	u64 begin; /* of its text */
	u16 len;
	u8 level;
	u8 flags;
};

static struct raw_spinlock log_lock; /* the rings; interrupts off */
static struct log_record log_records[LOG_RECORDS];
static char log_text[LOG_TEXT];
static u64 first_seq, next_seq, text_end;

static struct raw_spinlock printer_lock; /* held by the printer; guards consoles */
static LIST_HEAD(consoles);
static char line[LINE_MAX + 64]; /* the printer's */
static bool line_open;		 /* the last record shown had no newline; the printer's */

int console_loglevel = LOGLEVEL_INFO + 1;
static int panic_cpu = -1; /* the only CPU that may print */

/* ---- locks that a panic overrides ---- */

static void lock_log(struct raw_spinlock *lock, unsigned long *flags)
{
	long patience = 10000000;

	local_irq_save(*flags);
	if (likely(panic_cpu < 0) && likely(!in_nmi())) {
		raw_spin_lock(lock);
		return;
	}
	while (!raw_spin_trylock(lock) && --patience)
		cpu_relax();
	if (!patience) {
		*lock = (struct raw_spinlock)RAW_SPINLOCK_INIT;
		raw_spin_lock(lock);
	}
}

static void unlock_log(struct raw_spinlock *lock, unsigned long flags)
{
	raw_spin_unlock(lock);
	local_irq_restore(flags);
}

void console_panic_mode(void)
{
	WRITE_ONCE(panic_cpu, (int)smp_processor_id());
}

/* ---- storing ---- */

static void copy_text_in(u64 at, const char *text, size_t len)
{
	size_t pos = at % LOG_TEXT, chunk = min_t(size_t, len, LOG_TEXT - pos);

	memcpy(log_text + pos, text, chunk);
	memcpy(log_text, text + chunk, len - chunk);
}

static void copy_text_out(char *to, u64 at, size_t len)
{
	size_t pos = at % LOG_TEXT, chunk = min_t(size_t, len, LOG_TEXT - pos);

	memcpy(to, log_text + pos, chunk);
	memcpy(to + chunk, log_text, len - chunk);
}

static void store(const char *text, size_t len, u8 level, u8 flags)
{
	unsigned long irq;

	lock_log(&log_lock, &irq);
	while (next_seq - first_seq == LOG_RECORDS ||
	       (next_seq != first_seq &&
		text_end + len - log_records[first_seq % LOG_RECORDS].begin > LOG_TEXT))
		first_seq++;
	if ((flags & RECORD_CONT) && next_seq != first_seq)
		level = log_records[(next_seq - 1) % LOG_RECORDS].level;
	log_records[next_seq % LOG_RECORDS] = (struct log_record){.time_ns = ktime_get_ns(),
								  .begin = text_end,
								  .len = (u16)len,
								  .level = level,
								  .flags = flags};
	copy_text_in(text_end, text, len);
	text_end += len;
	next_seq++;
	unlock_log(&log_lock, irq);
}

/* ---- reading ---- */

/* The record *@seq, or the oldest there is after it, with its text. False: none yet. */
static bool fetch(u64 *seq, struct log_record *record, char *text)
{
	unsigned long irq;
	bool found;

	lock_log(&log_lock, &irq);
	if (*seq < first_seq)
		*seq = first_seq;
	found = *seq < next_seq;
	if (found) {
		*record = log_records[*seq % LOG_RECORDS];
		copy_text_out(text, record->begin, record->len);
		text[record->len] = '\0';
	}
	unlock_log(&log_lock, irq);
	return found;
}

static int format_prefix(char *buf, size_t size, const struct log_record *record)
{
	return scnprintf(buf, size, "[%5llu.%06llu] ", record->time_ns / NSEC_PER_SEC,
			 record->time_ns % NSEC_PER_SEC / NSEC_PER_USEC);
}

size_t log_read(u64 *seq, char *buf, size_t size, bool kmsg, int *level)
{
	struct log_record record;
	char text[LINE_MAX];
	int len = 0;

	if (!fetch(seq, &record, text))
		return 0;
	if (kmsg)
		len = scnprintf(buf, size, "%u,%llu,%llu,%c;", record.level, *seq,
				record.time_ns / NSEC_PER_USEC,
				record.flags & RECORD_CONT ? 'c' : '-');
	else if (!(record.flags & RECORD_CONT))
		len = format_prefix(buf, size, &record);
	len += scnprintf(buf + len, size - (size_t)len, "%s%s", text,
			 kmsg || (record.flags & RECORD_NEWLINE) ? "\n" : "");
	if (level)
		*level = record.level;
	++*seq;
	return (size_t)len;
}

u64 log_next_seq(void)
{
	return READ_ONCE(next_seq);
}

u64 log_first_seq(void)
{
	return READ_ONCE(first_seq);
}

size_t log_buffer_size(void)
{
	return LOG_TEXT;
}

/* ---- showing ---- */

static bool shows(const struct console *con, const struct log_record *record)
{
	return record->level < (con->level ? con->level : console_loglevel);
}

/* Show @con's next record. False: it is up to date. */
static bool show_next(struct console *con)
{
	static char text[LINE_MAX];
	struct log_record record;
	u64 seq = con->next_seq;
	int len = 0;

	if (!fetch(&seq, &record, text))
		return false;
	con->next_seq = seq + 1;
	if (!shows(con, &record))
		return true;
	if (!(record.flags & RECORD_CONT)) {
		if (line_open)
			line[len++] = '\n';
		len += format_prefix(line + len, sizeof(line) - 1, &record);
	}
	len += scnprintf(line + len, sizeof(line) - (size_t)len, "%s%s", text,
			 record.flags & RECORD_NEWLINE ? "\n" : "");
	line_open = !(record.flags & RECORD_NEWLINE);
	con->write(con, line, (size_t)len);
	return true;
}

static bool all_shown(void)
{
	struct console *con;

	list_for_each_entry (con, &consoles, list) {
		if (con->next_seq < READ_ONCE(next_seq))
			return false;
	}
	return true;
}

static bool become_printer(void)
{
	if (likely(panic_cpu < 0))
		return !in_nmi() && raw_spin_trylock(&printer_lock);
	if (panic_cpu != (int)smp_processor_id())
		return false;
	if (!raw_spin_trylock(&printer_lock)) {
		printer_lock = (struct raw_spinlock)RAW_SPINLOCK_INIT;
		raw_spin_lock(&printer_lock);
	}
	return true;
}

static void flush(void)
{
	struct console *con;

	preempt_disable();
	while (!all_shown() && become_printer()) {
		list_for_each_entry (con, &consoles, list) {
			while (show_next(con))
				;
		}
		raw_spin_unlock(&printer_lock);
		smp_mb();
	}
	preempt_enable_no_resched();
}

int vprintk(const char *fmt, __builtin_va_list args)
{
	char buf[LINE_MAX];
	const char *text = buf;
	u8 level = LOGLEVEL_DEFAULT, flags = 0;
	int len = vscnprintf(buf, sizeof(buf), fmt, args);

	if (len >= 2 && text[0] == KERN_SOH[0]) {
		if (text[1] == 'c')
			flags = RECORD_CONT;
		else if (text[1] >= '0' && text[1] <= '7')
			level = (u8)(text[1] - '0');
		text += 2;
		len -= 2;
	}
	if (len && text[len - 1] == '\n') {
		flags |= RECORD_NEWLINE;
		len--;
	}
	store(text, (size_t)len, level, flags);
	flush();
	return len;
}

int printk(const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vprintk(fmt, args);
	va_end(args);
	return len;
}

bool printk_allowed(struct printk_ratelimit *limit)
{
	u64 now = ktime_get_ns();

	if (!limit->begin_ns || now - limit->begin_ns > limit->interval_ns) {
		unsigned int missed = limit->missed;

		limit->begin_ns = max_t(u64, now, 1);
		limit->printed = limit->missed = 0;
		if (missed)
			pr_warn("%u messages like the next one were left out\n", missed);
	}
	if (limit->printed >= limit->burst) {
		limit->missed++;
		return false;
	}
	limit->printed++;
	return true;
}

/* ---- consoles ---- */

static void wait_to_print(unsigned long *irq)
{
	local_irq_save(*irq);
	raw_spin_lock(&printer_lock);
}

void register_console(struct console *con)
{
	struct console *old, *next;
	unsigned long irq;

	wait_to_print(&irq);
	if (!con->early) {
		list_for_each_entry_safe (old, next, &consoles, list) {
			if (old->early)
				list_del_init(&old->list);
		}
	}
	list_add_tail(&con->list, &consoles);
	unlock_log(&printer_lock, irq);
	flush();
}

void unregister_console(struct console *con)
{
	unsigned long irq;

	wait_to_print(&irq);
	list_del_init(&con->list);
	unlock_log(&printer_lock, irq);
}

static int set_quiet(const char *value)
{
	console_loglevel = LOGLEVEL_DEFAULT;
	return *value ? -EINVAL : 0;
}
CMDLINE_PARAM("quiet", set_quiet);

static int set_loglevel(const char *value)
{
	unsigned long level;

	if (kstrtoul(value, 0, &level) || level > 15)
		return -EINVAL;
	console_loglevel = (int)level;
	return 0;
}
CMDLINE_PARAM("loglevel", set_loglevel);

static int set_debug(const char *value)
{
	console_loglevel = 10;
	return *value ? -EINVAL : 0;
}
CMDLINE_PARAM("debug", set_debug);
