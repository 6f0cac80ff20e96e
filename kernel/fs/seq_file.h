/* SPDX-License-Identifier: MIT */
/*
 * Files whose contents are made when they are read.
 *
 * A short text is made whole by the first read at position 0 and kept until the next one there, so
 * that a reader who takes it in pieces sees one state. It is made into a buffer that is doubled, and
 * the making repeated, until it fits.
 *
 * A text that may be long (/proc/PID/maps of 60000 mappings) is made piece by piece, as it is read:
 *
 *	show(): append records from m->cursor on; when seq_nearly_full(), set m->cursor to where the
 *	next call goes on, and m->more
 *
 *	        |<-------- base ------->|<- count ->|
 *	text    | pieces gone by        | buf       | made when somebody reads there (more)
 *
 * A reader who jumps back before the piece has the text made anew from its start.
 */
#ifndef KERNEL_FS_SEQ_FILE_H
#define KERNEL_FS_SEQ_FILE_H

#include "kernel/mutex.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct iov_iter;

struct seq_file {
	struct mutex lock;  /* the rest, while it is read */
	const void *data;   /* of the proc_entry */
	unsigned int id;    /* of the proc_inode */
	char *buf;	    /* vmalloc'ed */
	size_t size;	    /* of buf */
	size_t count;	    /* bytes of text in it */
	bool overflow;	    /* it did not fit: another round with more room */
	bool more;	    /* show() has not come to the end */
	u64 cursor;	    /* where show() begins, in its own units; 0 at first */
	unsigned int event; /* mounts: the change that a poll told last */
	loff_t base;	    /* position of the first byte of buf in the text */
};

#define SEQ_RECORD 1024 /* room that a record of a long text is expected to need */

/** seq_nearly_full() - should a show() that can go on later stop here? */
static inline bool seq_nearly_full(const struct seq_file *m)
{
	return m->size - m->count < SEQ_RECORD;
}

/** seq_printf(), seq_puts(), seq_write() - append text. */
void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_write(struct seq_file *m, const void *data, size_t len);
/** seq_escape() - append a string with the characters of @which as octal escapes. */
void seq_escape(struct seq_file *m, const char *s, const char *which);
/**
 * seq_escape_path() - append a string with blanks, tabs, newlines and backslashes as octal escapes.
 */
void seq_escape_path(struct seq_file *m, const char *s);

/** seq_cpu_list() - a set of CPUs as "0-2,5". */
void seq_cpu_list(struct seq_file *m, u64 cpus);
/**
 * seq_read() - serve a read of the text that @show makes. @show returns 0 or -E and may sleep; it
 * may be called several times. Bytes, 0 at the end, -E.
 */
ssize_t seq_read(struct seq_file *m, struct iov_iter *to, loff_t *pos,
		 int (*show)(struct seq_file *m, void *arg), void *arg);
void seq_free(struct seq_file *m);

#endif
