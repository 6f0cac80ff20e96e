/* SPDX-License-Identifier: MIT */
/*
 * Reading a newc archive.
 *
 *	| 070701 | 13 fields of 8 hexadecimal digits | name 0 | pad to 4 | contents | pad to 4 | ...
 *	|<------------- 110 bytes ------------------>|
 *
 * The entry named TRAILER!!! ends an archive. Every length is checked against what is left before
 * it is used, by subtraction from the remaining size, so that no sum can overflow.
 */
#include "lib/cpio.h"
#include "lib/compiler.h"
#include "lib/ctype.h"
#include "lib/errno.h"
#include "lib/string.h"

#define HEADER_SIZE 110
#define MAX_NAME    4096

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_SIZE,
	F_DEVMAJOR,
	F_DEVMINOR,
	F_RDEVMAJOR,
	F_RDEVMINOR,
	F_NAMESIZE,
	F_CHECK,
	NR_FIELDS
};

void cpio_begin(struct cpio_iter *it, const void *start, size_t size)
{
	it->start = it->pos = start;
	it->end = it->pos + size;
	it->error = NULL;
	it->offset = 0;
}

static int broken(struct cpio_iter *it, const char *why)
{
	it->error = why;
	it->offset = it->pos - it->start;
	it->pos = it->end;
	return -EINVAL;
}

static bool parse_fields(const char *p, u32 *f)
{
	for (int i = 0; i < NR_FIELDS; i++) {
		f[i] = 0;
		for (int d = 0; d < 8; d++, p++) {
			if (!isxdigit(*p))
				return false;
			f[i] = f[i] << 4 | (u32)(isdigit(*p) ? *p - '0' : tolower(*p) - 'a' + 10);
		}
	}
	return true;
}

/* Skip n bytes and the padding to a multiple of four from the start; less if the end is near. */
static void advance(struct cpio_iter *it, size_t n)
{
	size_t off = ALIGN((size_t)(it->pos - it->start) + n, 4);

	it->pos = off < (size_t)(it->end - it->start) ? it->start + off : it->end;
}

static void fill_entry(struct cpio_entry *e, const u32 *f)
{
	e->size = f[F_SIZE];
	e->ino = f[F_INO];
	e->mode = f[F_MODE];
	e->uid = f[F_UID];
	e->gid = f[F_GID];
	e->nlink = f[F_NLINK];
	e->mtime = f[F_MTIME];
	e->dev_major = f[F_DEVMAJOR];
	e->dev_minor = f[F_DEVMINOR];
	e->rdev_major = f[F_RDEVMAJOR];
	e->rdev_minor = f[F_RDEVMINOR];
}

/* The entry at it->pos. 1, or -EINVAL. */
static int read_entry(struct cpio_iter *it, struct cpio_entry *e)
{
	size_t left = it->end - it->pos;
	u32 f[NR_FIELDS];

	if (left < HEADER_SIZE)
		return broken(it, "the archive is cut off inside a header");
	if (memcmp(it->pos, "070701", 6) && memcmp(it->pos, "070702", 6))
		return broken(it, "not a cpio archive in newc format");
	if (!parse_fields(it->pos + 6, f))
		return broken(it, "a header has characters that are no hexadecimal digits");
	if (f[F_NAMESIZE] < 1 || f[F_NAMESIZE] > MAX_NAME)
		return broken(it, "a file name is empty or too long");
	if (f[F_NAMESIZE] > left - HEADER_SIZE)
		return broken(it, "the archive is cut off inside a file name");
	e->name = it->pos + HEADER_SIZE;
	if (e->name[f[F_NAMESIZE] - 1] != '\0')
		return broken(it, "a file name does not end");
	fill_entry(e, f);

	advance(it, HEADER_SIZE + f[F_NAMESIZE]);
	if (e->size > (size_t)(it->end - it->pos))
		return broken(it, "the archive is cut off inside a file");
	e->data = it->pos;
	advance(it, e->size);
	return 1;
}

int cpio_next(struct cpio_iter *it, struct cpio_entry *e)
{
	int ret;

	do {
		while (it->pos < it->end && *it->pos == '\0')
			it->pos++;
		if (it->pos == it->end)
			return it->error ? -EINVAL : 0;
		/* A new archive counts its padding from its own start. */
		if ((it->pos - it->start) % 4)
			it->start = it->pos;
		ret = read_entry(it, e);
	} while (ret > 0 && !strcmp(e->name, "TRAILER!!!"));
	return ret;
}
