/* SPDX-License-Identifier: MIT */
/*
 * Files whose contents are made when they are read.
 *
 * The whole text is made by the first read at position 0 and kept until the next one there, so that
 * a reader who takes it in pieces sees one state. The text is made into a buffer that is doubled,
 * and the making repeated, until it fits.
 */
#ifndef KERNEL_FS_SEQ_FILE_H
#define KERNEL_FS_SEQ_FILE_H

#include "kernel/mutex.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct iov_iter;

struct seq_file {
	struct mutex lock; /* the rest, while it is read */
	const void *data;  /* of the proc_entry */
	char *buf;	   /* vmalloc'ed */
	size_t size;	   /* of buf */
	size_t count;	   /* bytes of text */
	bool overflow;	   /* it did not fit: another round with more room */
};

/** seq_printf(), seq_puts(), seq_write() - append text. */
void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_write(struct seq_file *m, const void *data, size_t len);
/**
 * seq_escape_path() - append a string with blanks, tabs, newlines and backslashes as octal escapes.
 */
void seq_escape_path(struct seq_file *m, const char *s);

/**
 * seq_read() - serve a read of the text that @show makes. @show returns 0 or -E and may sleep; it
 * may be called several times. Bytes, 0 at the end, -E.
 */
ssize_t seq_read(struct seq_file *m, struct iov_iter *to, loff_t *pos,
		 int (*show)(struct seq_file *m, void *arg), void *arg);
void seq_free(struct seq_file *m);

#endif
