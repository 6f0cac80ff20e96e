/* SPDX-License-Identifier: MIT */
/*
 * Reading a cpio archive in the "newc" format (cpio(5)): what an initramfs is.
 *
 *	struct cpio_iter it;
 *	struct cpio_entry e;
 *
 *	cpio_begin(&it, start, size);
 *	while ((err = cpio_next(&it, &e)) > 0)
 *		...
 *	if (err < 0)
 *		... it.error says what is wrong, in words, it.offset where
 *
 * Archives may follow each other, with zero bytes between. Nothing is copied: names and contents
 * are pointers into the archive. Whatever bytes the archive has, nothing outside it is read.
 */
#ifndef LIB_CPIO_H
#define LIB_CPIO_H

#include "lib/types.h"

struct cpio_entry {
	const char *name; /* ends with a 0 */
	const void *data; /* file contents, or the target of a symbolic link (no 0 at its end) */
	size_t size;
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 dev_major, dev_minor, rdev_major, rdev_minor;
};

struct cpio_iter {
	const char *start, *pos, *end;
	const char *error; /* NULL, or a sentence */
	size_t offset;	   /* of the entry that is wrong */
};

void cpio_begin(struct cpio_iter *it, const void *start, size_t size);
/* 1: *e is the next entry. 0: the end. -EINVAL: the archive is broken. */
int cpio_next(struct cpio_iter *it, struct cpio_entry *e);

#endif
