/* SPDX-License-Identifier: MIT */
/*
 * Text files made on the fly. seq_file.h explains.
 */
#include "kernel/fs/seq_file.h"
#include "kernel/fs/iov_iter.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/vmalloc.h"

#define SEQ_FIRST_SIZE 4096
#define SEQ_MAX_SIZE   (256UL << 20)

void seq_write(struct seq_file *m, const void *data, size_t len)
{
	if (len > m->size - m->count) {
		m->overflow = true;
		return;
	}
	memcpy(m->buf + m->count, data, len);
	m->count += len;
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	size_t room = m->size - m->count;
	__builtin_va_list args;
	int len;

	__builtin_va_start(args, fmt);
	len = vsnprintf(m->buf + m->count, room, fmt, args);
	__builtin_va_end(args);
	if ((size_t)len >= room)
		m->overflow = true;
	else
		m->count += len;
}

void seq_escape(struct seq_file *m, const char *s, const char *which)
{
	for (; *s; s++) {
		if (strchr(which, *s))
			seq_printf(m, "\\%03o", (unsigned char)*s);
		else
			seq_write(m, s, 1);
	}
}

void seq_escape_path(struct seq_file *m, const char *s)
{
	seq_escape(m, s, " \t\n\\");
}

void seq_free(struct seq_file *m)
{
	vfree(m->buf);
	m->buf = NULL;
	m->size = m->count = 0;
}

/* The text from m->cursor on, to its end or as far as show() goes at a time. */
static int make_text(struct seq_file *m, int (*show)(struct seq_file *m, void *arg), void *arg)
{
	size_t size = m->size ?: SEQ_FIRST_SIZE;
	u64 start = m->cursor;
	int err;

	for (;;) {
		if (size > m->size) {
			seq_free(m);
			if (size > SEQ_MAX_SIZE)
				return -ENOMEM;
			m->buf = vmalloc(size);
			if (!m->buf)
				return -ENOMEM;
			m->size = size;
		}
		m->count = 0;
		m->cursor = start;
		m->overflow = m->more = false;
		err = show(m, arg);
		if (err) {
			m->count = 0;
			return err;
		}
		if (!m->overflow)
			return 0;
		size *= 2;
	}
}

/* Have the piece that holds position pos in the buffer, or the last one. */
static int seek_text(struct seq_file *m, loff_t pos, int (*show)(struct seq_file *m, void *arg),
		     void *arg)
{
	int err = 0;

	if (pos == 0 || !m->buf || pos < m->base) {
		m->base = 0;
		m->cursor = 0;
		err = make_text(m, show, arg);
	}
	while (!err && m->more && pos >= m->base + (loff_t)m->count) {
		m->base += m->count;
		err = make_text(m, show, arg);
	}
	return err;
}

ssize_t seq_read(struct seq_file *m, struct iov_iter *to, loff_t *pos,
		 int (*show)(struct seq_file *m, void *arg), void *arg)
{
	size_t len, copied, offset;
	int err;

	if (*pos < 0)
		return 0;
	err = seek_text(m, *pos, show, arg);
	if (err)
		return err;
	if (*pos >= m->base + (loff_t)m->count)
		return 0;
	offset = *pos - m->base;
	len = min(m->count - offset, iov_iter_count(to));
	copied = copy_to_iter(m->buf + offset, len, to);
	*pos += copied;
	return copied || !len ? (ssize_t)copied : -EFAULT;
}

void seq_cpu_list(struct seq_file *m, u64 cpus)
{
	const char *comma = "";

	for (unsigned int cpu = 0, last; cpu < 64; cpu = last + 1) {
		last = cpu;
		if (!(cpus >> cpu & 1))
			continue;
		while (last + 1 < 64 && cpus >> (last + 1) & 1)
			last++;
		seq_printf(m, last > cpu ? "%s%u-%u" : "%s%u", comma, cpu, last);
		comma = ",";
	}
}
