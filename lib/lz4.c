/* SPDX-License-Identifier: MIT */
/*
 * LZ4 block format (Yann Collet, "LZ4 Block Format Description").
 *
 * A block is a row of sequences. Each says: copy so many literal bytes from here, then repeat so
 * many bytes that lie `offset` back in the output.
 *
 *	| token | literal length+ | literals | offset (2, little endian) | match length+ |
 *	  hi 4: literal length, lo 4: match length - 4; 15 means that bytes follow, each added, until
 *	  one is not 255
 *
 * Rules that the compressor keeps: the last sequence has literals only; the last 5 bytes are
 * literals; the last match starts at least 12 bytes before the end.
 *
 * The compressor hashes four bytes at each position into a table of the last position with that
 * hash. A hit is checked, since hashes collide and the table is not even cleared for what lies
 * behind the current position: a stale entry only costs a failed comparison, because every entry is
 * below the current position or is rejected. When nothing matches for long it takes larger steps:
 * data that cannot be compressed is passed over fast.
 */
#include "lib/lz4.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MIN_MATCH     4
#define LAST_LITERAL  5
#define MATCH_MARGIN  12 /* no match starts nearer to the end */
#define REP_MIN_WORDS 16 /* from here on the string instruction wins */
#define SKIP_SHIFT    5	 /* after 2^5 misses, steps of 2, and so on */

typedef u64 u64_any __attribute__((may_alias, aligned(1)));
typedef u32 u32_any __attribute__((may_alias, aligned(1)));

static inline u64 load64(const u8 *p)
{
	return *(const u64_any *)p;
}

static inline u32 load32(const u8 *p)
{
	return *(const u32_any *)p;
}

static inline u32 hash4(u32 v)
{
	return (v * 2654435761u) >> (32 - LZ4_HASH_BITS);
}

/* How many bytes from a and b on are equal, looking at a no further than end. */
static size_t match_length(const u8 *a, const u8 *b, const u8 *end)
{
	const u8 *start = a;

	while (end - a >= 32 && load64(a) == load64(b) && load64(a + 8) == load64(b + 8) &&
	       load64(a + 16) == load64(b + 16) && load64(a + 24) == load64(b + 24)) {
		a += 32;
		b += 32;
	}
	while (end - a >= 8) {
		u64 diff = load64(a) ^ load64(b);

		if (diff)
			return a - start + (__builtin_ctzll(diff) >> 3);
		a += 8;
		b += 8;
	}
	while (a < end && *a == *b) {
		a++;
		b++;
	}
	return a - start;
}

struct lz4_out {
	u8 *pos, *end;
};

/* Bytes that a length field takes beyond its four bits. */
static size_t length_bytes(size_t len)
{
	return len < 15 ? 0 : (len - 15) / 255 + 1;
}

static void put_length(struct lz4_out *o, size_t len)
{
	if (len < 15)
		return;
	for (len -= 15; len >= 255; len -= 255)
		*o->pos++ = 255;
	*o->pos++ = (u8)len;
}

/* One sequence; match == 0: literals only. False when it does not fit. */
static bool put_sequence(struct lz4_out *o, const u8 *literals, size_t nlit, size_t offset,
			 size_t match)
{
	size_t code = match ? match - MIN_MATCH : 0;
	size_t need = 1 + length_bytes(nlit) + nlit + (match ? 2 + length_bytes(code) : 0);

	if ((size_t)(o->end - o->pos) < need)
		return false;
	*o->pos++ = (u8)(min_t(size_t, nlit, 15) << 4 | min_t(size_t, code, 15));
	put_length(o, nlit);
	memcpy(o->pos, literals, nlit);
	o->pos += nlit;
	if (match) {
		*o->pos++ = (u8)offset;
		*o->pos++ = (u8)(offset >> 8);
		put_length(o, code);
	}
	return true;
}

/* The next position from p on, below limit, where four bytes or more repeat; NULL: none. */
static const u8 *find_match(const u8 *src, const u8 *p, const u8 *limit, u16 *table,
			    const u8 **match)
{
	unsigned int misses = 1U << SKIP_SHIFT;

	while (p < limit) {
		u32 v = load32(p);
		u16 *slot = &table[hash4(v)];
		const u8 *ref = src + *slot;

		*slot = (u16)(p - src);
		if (ref < p && load32(ref) == v) {
			*match = ref;
			return p;
		}
		p += misses++ >> SKIP_SHIFT;
	}
	return NULL;
}

int lz4_compress(const void *source, int n, void *dst, int max, void *state)
{
	const u8 *src = source, *end = src + n, *anchor = src, *p = src, *ref = NULL;
	struct lz4_out o = {.pos = dst, .end = (u8 *)dst + max};
	u16 *table = state;

	if (n < 0 || n > LZ4_MAX_INPUT || max < 0)
		return 0;
	memset(table, 0, LZ4_STATE_SIZE);
	if (n > MATCH_MARGIN) {
		const u8 *limit = end - MATCH_MARGIN;

		p++; /* position 0 is what an empty table entry names */
		while ((p = find_match(src, p, limit, table, &ref))) {
			size_t len;

			while (p > anchor && ref > src && p[-1] == ref[-1]) {
				p--;
				ref--;
			}
			len = MIN_MATCH +
			      match_length(p + MIN_MATCH, ref + MIN_MATCH, end - LAST_LITERAL);
			if (!put_sequence(&o, anchor, p - anchor, p - ref, len))
				return 0;
			p += len;
			anchor = p;
			if (p < limit)
				table[hash4(load32(p - 2))] = (u16)(p - 2 - src);
		}
	}
	if (!put_sequence(&o, anchor, end - anchor, 0, 0))
		return 0;
	return (int)(o.pos - (u8 *)dst);
}

/* Adds the bytes of a long length to *len. False: the input ends, or the number is absurd. */
static bool get_length(const u8 **p, const u8 *end, size_t *len)
{
	u8 b;

	do {
		if (*p == end || *len > LZ4_MAX_INPUT * 2)
			return false;
		b = *(*p)++;
		*len += b;
	} while (b == 255);
	return true;
}

/*
 * Repeat len bytes from `offset` back. The two may overlap: that is how runs are written. A period
 * shorter than a word is first written out until the distance back is a multiple of it and at
 * least eight bytes; from there whole words can be copied, in order. `rep movsq` keeps that order.
 */
static void copy_match(u8 *o, size_t offset, size_t len)
{
	const u8 *ref = o - offset;
	size_t period = offset, words;

	while (period < 8)
		period += offset;
	for (size_t n = period - offset; n && len; n--, len--)
		*o++ = *ref++;
	ref = o - period;
	words = len / 8;
	if (words >= REP_MIN_WORDS) {
		__asm__ __volatile__("rep movsq" : "+D"(o), "+S"(ref), "+c"(words) : : "memory");
	} else {
		for (; words; words--, o += 8, ref += 8)
			*(u64_any *)o = load64(ref);
	}
	for (len %= 8; len; len--)
		*o++ = *ref++;
}

int lz4_decompress(const void *source, int n, void *dst, int max)
{
	const u8 *p = source, *end = p + n;
	u8 *start = dst, *o = start, *oend = start + max;
	size_t len, offset;
	u8 token;

	while (p < end) {
		token = *p++;
		len = token >> 4;
		if (len == 15 && !get_length(&p, end, &len))
			return -EINVAL;
		if (len > (size_t)(end - p) || len > (size_t)(oend - o))
			return -EINVAL;
		memcpy(o, p, len);
		o += len;
		p += len;
		if (p == end)
			return (int)(o - start);

		if (end - p < 2)
			return -EINVAL;
		offset = p[0] | (size_t)p[1] << 8;
		p += 2;
		len = token & 15;
		if (len == 15 && !get_length(&p, end, &len))
			return -EINVAL;
		len += MIN_MATCH;
		if (!offset || offset > (size_t)(o - start) || len > (size_t)(oend - o))
			return -EINVAL;
		copy_match(o, offset, len);
		o += len;
	}
	return -EINVAL;
}
