/* SPDX-License-Identifier: MIT */
/* The smaller parts of lib/: strings, printf, numbers, sorting, bitmaps, random numbers, cpio. */
#include "tests/host/test.h"

#include "lib/bitmap.h"
#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/sort.h"

/* The kernel's functions under the names that names.txt gives them here. */
void *lib_memcpy(void *dst, const void *src, size_t n);
void *lib_memmove(void *dst, const void *src, size_t n);
void *lib_memset(void *dst, int c, size_t n);
int lib_memcmp(const void *a, const void *b, size_t n);
size_t lib_strlen(const char *s);
size_t lib_strnlen(const char *s, size_t max);
int lib_strcmp(const char *a, const char *b);
int lib_strncmp(const char *a, const char *b, size_t n);
char *lib_strchr(const char *s, int c);
char *lib_strrchr(const char *s, int c);
char *lib_strstr(const char *h, const char *n);
size_t lib_strspn(const char *s, const char *accept);
size_t lib_strcspn(const char *s, const char *reject);
int lib_snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

TEST(string_memory)
{
	static unsigned char a[600], b[600];

	for (unsigned long i = 0; i < test_iterations(20000); i++) {
		size_t n = test_rand_below(300), x = test_rand_below(300), y = test_rand_below(300);

		for (unsigned int k = 0; k < sizeof(a); k++)
			a[k] = b[k] = (unsigned char)test_rand();
		switch (test_rand_below(4)) {
		case 0:
			memmove(a + x, a + y, n);
			lib_memmove(b + x, b + y, n);
			break;
		case 1:
			memset(a + x, (int)y, n);
			lib_memset(b + x, (int)y, n);
			break;
		case 2:
			if (x + n > y && y + n > x)
				break;
			memcpy(a + x, a + y, n);
			CHECK(lib_memcpy(b + x, b + y, n) == b + x);
			break;
		case 3:
			memset(b + x, 0, n);
			memset(b + y, 0, n);
			b[x + n / 2] = (unsigned char)test_rand_below(2);
			CHECK_EQ(sign(lib_memcmp(b + x, b + y, n)), sign(memcmp(b + x, b + y, n)));
			memcpy(b, a, sizeof(a));
			break;
		}
		CHECK(!memcmp(a, b, sizeof(a)));
	}
}

static void random_text(char *s, size_t size)
{
	size_t n = test_rand_below(size);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)('a' + test_rand_below(3));
	s[n] = '\0';
}

TEST(string_text)
{
	char a[12], b[12], c[4];

	for (unsigned long i = 0; i < test_iterations(50000); i++) {
		size_t n = test_rand_below(14);

		random_text(a, sizeof(a));
		random_text(b, sizeof(b));
		random_text(c, sizeof(c));
		CHECK_EQ(lib_strlen(a), strlen(a));
		CHECK_EQ(lib_strnlen(a, n), strnlen(a, n));
		CHECK_EQ(sign(lib_strcmp(a, b)), sign(strcmp(a, b)));
		CHECK_EQ(sign(lib_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		CHECK(lib_strchr(a, 'b') == strchr(a, 'b'));
		CHECK(lib_strchr(a, 0) == strchr(a, 0));
		CHECK(lib_strrchr(a, 'b') == strrchr(a, 'b'));
		CHECK(lib_strstr(a, c) == strstr(a, c));
		CHECK_EQ(lib_strspn(a, c), strspn(a, c));
		CHECK_EQ(lib_strcspn(a, c), strcspn(a, c));
	}
}

TEST(string_own)
{
	char buf[8];
	unsigned char bytes[64];

	CHECK_EQ(strscpy(buf, "1234567", 8), 7);
	CHECK_STR(buf, "1234567");
	CHECK_EQ(strscpy(buf, "12345678", 8), -E2BIG);
	CHECK_STR(buf, "1234567");
	CHECK_EQ(strscpy(buf, "x", 0), -E2BIG);
	for (unsigned int at = 0; at < sizeof(bytes); at++) {
		memset(bytes, 0x6b, sizeof(bytes));
		CHECK(!memchr_inv(bytes, 0x6b, sizeof(bytes)));
		bytes[at] = 0x6a;
		CHECK(memchr_inv(bytes, 0x6b, sizeof(bytes)) == bytes + at);
		CHECK(!memchr_inv(bytes, 0x6b, at));
	}
}

/* Random conversions against the C library's. */
TEST(printf_against_libc)
{
	static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z"};
	static const char letters[] = "diuxXo";
	char fmt[32], mine[128], theirs[128];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	for (unsigned long i = 0; i < test_iterations(50000); i++) {
		unsigned long v = test_rand() >> test_rand_below(64);
		size_t size = test_rand_below(4) ? sizeof(mine) : test_rand_below(20);
		int n = 0, a, b;

		fmt[n++] = '<';
		fmt[n++] = '%';
		for (const char *f = "-0+ #"; *f; f++) {
			if (test_rand_below(4) == 0)
				fmt[n++] = *f;
		}
		if (test_rand_below(2))
			n += sprintf(fmt + n, "%d", (int)test_rand_below(30));
		if (test_rand_below(3) == 0)
			n += sprintf(fmt + n, ".%d", (int)test_rand_below(30));
		n += sprintf(fmt + n, "%s%c>", lengths[test_rand_below(6)],
			     letters[test_rand_below(6)]);
		memset(mine, 'x', sizeof(mine));
		memset(theirs, 'x', sizeof(theirs));
		a = lib_snprintf(mine, size, fmt, v);
		b = snprintf(theirs, size, fmt, v);
		if (a != b || memcmp(mine, theirs, sizeof(mine)))
			test_fail(__FILE__, __LINE__, "%s of %#lx: %d \"%s\" and %d \"%s\"", fmt, v,
				  a, mine, b, theirs);
	}
#pragma GCC diagnostic pop
}

static int fake_symbol(char *buf, size_t n, unsigned long addr)
{
	return snprintf(buf, n, "sym+%#lx", addr);
}

TEST(printf_text)
{
	extern int (*printf_symbol)(char *buf, size_t n, unsigned long addr);
	char buf[64];

	CHECK_EQ(lib_snprintf(buf, sizeof(buf), "%5s|%-5s|%.2s|%*s", "ab", "ab", "abcd", 4, "x"),
		 19);
	CHECK_STR(buf, "   ab|ab   |ab|   x");
	lib_snprintf(buf, sizeof(buf), "%c%%%3c%-3c|", 'a', 'b', 'c');
	CHECK_STR(buf, "a%  bc  |");
	lib_snprintf(buf, sizeof(buf), "%p", (void *)0xffff800012345678UL);
	CHECK_STR(buf, "0xffff800012345678");
	printf_symbol = fake_symbol;
	lib_snprintf(buf, sizeof(buf), "at %pS.", (void *)0x42UL);
	CHECK_STR(buf, "at sym+0x42.");
}

TEST(kstrto)
{
	unsigned long u;
	long l;
	int i;
	bool b;
	char *end;

	CHECK(!kstrtoul("42", 0, &u) && u == 42);
	CHECK(!kstrtoul("0x2a\n", 0, &u) && u == 42);
	CHECK(!kstrtoul("052", 0, &u) && u == 42);
	CHECK(!kstrtoul("ff", 16, &u) && u == 255);
	CHECK(!kstrtoul("18446744073709551615", 10, &u) && u == ~0UL);
	CHECK_EQ(kstrtoul("18446744073709551616", 10, &u), -ERANGE);
	CHECK_EQ(kstrtoul("", 10, &u), -EINVAL);
	CHECK_EQ(kstrtoul("12x", 10, &u), -EINVAL);
	CHECK_EQ(kstrtoul("-1", 10, &u), -EINVAL);
	CHECK_EQ(kstrtoul("0x", 0, &u), -EINVAL);
	CHECK(!kstrtol("-9223372036854775808", 10, &l) && l == LONG_MIN);
	CHECK_EQ(kstrtol("-9223372036854775809", 10, &l), -ERANGE);
	CHECK_EQ(kstrtol("-+1", 10, &l), -EINVAL);
	CHECK(!kstrtoint("-7", 10, &i) && i == -7);
	CHECK_EQ(kstrtoint("2147483648", 10, &i), -ERANGE);
	CHECK(!kstrtobool("on", &b) && b);
	CHECK(!kstrtobool("0", &b) && !b);
	CHECK_EQ(kstrtobool("maybe", &b), -EINVAL);
	CHECK_EQ(memparse("64M,rest", &end), 64UL << 20);
	CHECK_STR(end, ",rest");
	CHECK_EQ(memparse("3k", &end), 3072);
	CHECK_EQ(memparse("99999999999T", &end), ~0UL);
}

static int compare_ints(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

TEST(sort_ints)
{
	static int a[500], b[500];

	for (unsigned long i = 0; i < test_iterations(300); i++) {
		size_t n = test_rand_below(500);

		for (size_t k = 0; k < n; k++)
			a[k] = b[k] = (int)test_rand_below(100);
		sort(a, n, sizeof(a[0]), compare_ints);
		qsort(b, n, sizeof(b[0]), compare_ints);
		CHECK(!memcmp(a, b, n * sizeof(a[0])));
	}
}

TEST(bitmap_against_bytes)
{
	DECLARE_BITMAP(map, 200);
	bool bits[200] = {false};

	bitmap_zero(map, 200);
	for (unsigned long i = 0; i < test_iterations(20000); i++) {
		unsigned long at = test_rand_below(200), nr = test_rand_below(200 - at), k;

		if (test_rand_below(2)) {
			bitmap_set(map, at, nr);
			memset(bits + at, 1, nr);
		} else {
			bitmap_clear(map, at, nr);
			memset(bits + at, 0, nr);
		}
		for (k = nr; k < 200 && !bits[k]; k++)
			;
		CHECK_EQ(find_next_bit(map, 200, nr), k);
		for (k = at; k < 200 && bits[k]; k++)
			;
		CHECK_EQ(find_next_zero_bit(map, 200, at), k);
	}
}

/* RFC 8439, section 2.3.2. */
TEST(chacha20_rfc_vector)
{
	static const u8 expect[16] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
				      0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4};
	u8 key[32], nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a}, out[64];
	struct chacha20 c;

	for (unsigned int i = 0; i < 32; i++)
		key[i] = (u8)i;
	chacha20_init(&c, key, nonce, 1);
	chacha20_block(&c, out);
	CHECK(!memcmp(out, expect, sizeof(expect)));
}

/* ---- cpio ---- */

static size_t put_entry(char *p, const char *name, u32 mode, const char *data)
{
	size_t n = (size_t)sprintf(
		p, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 1, mode, 10, 20,
		1, 99, strlen(data), 8, 1, 0, 0, strlen(name) + 1, 0);

	strcpy(p + n, name);
	n = ALIGN(n + strlen(name) + 1, 4UL);
	memcpy(p + n, data, strlen(data));
	return ALIGN(n + strlen(data), 4UL);
}

static size_t make_archive(char *p)
{
	size_t n = 0;

	n += put_entry(p + n, "bin", 040755, "");
	n += put_entry(p + n, "bin/sh", 0100755, "hello");
	n += put_entry(p + n, "TRAILER!!!", 0, "");
	n += 512; /* padding between two archives */
	n += put_entry(p + n, "init", 0120777, "bin/sh");
	n += put_entry(p + n, "TRAILER!!!", 0, "");
	return n;
}

TEST(cpio_reads)
{
	static char archive[4096];
	size_t n = make_archive(archive);
	struct cpio_iter it;
	struct cpio_entry e;

	cpio_begin(&it, archive, n);
	CHECK_EQ(cpio_next(&it, &e), 1);
	CHECK_STR(e.name, "bin");
	CHECK_EQ(e.mode, 040755);
	CHECK_EQ(cpio_next(&it, &e), 1);
	CHECK_STR(e.name, "bin/sh");
	CHECK(e.size == 5 && !memcmp(e.data, "hello", 5) && e.uid == 10 && e.gid == 20);
	CHECK_EQ(cpio_next(&it, &e), 1);
	CHECK_STR(e.name, "init");
	CHECK_EQ(cpio_next(&it, &e), 0);
	CHECK_EQ(cpio_next(&it, &e), 0);
}

/* Any bytes: it ends, and reads nothing outside (ASan watches the exact-size copy). */
TEST(cpio_broken)
{
	static char archive[4096];
	size_t n = make_archive(archive);

	for (unsigned long i = 0; i < test_iterations(20000); i++) {
		size_t size = test_rand_below(4) ? n : test_rand_below(n);
		char *copy = malloc(size ? size : 1);
		struct cpio_iter it;
		struct cpio_entry e;
		int ret, entries = 0;

		memcpy(copy, archive, size);
		for (u64 k = test_rand_below(4); k && size; k--)
			copy[test_rand_below(min(size, 300UL))] = (char)test_rand();
		cpio_begin(&it, copy, size);
		while ((ret = cpio_next(&it, &e)) > 0) {
			volatile char sum = 0;

			for (size_t b = 0; b < e.size; b++)
				sum += ((const char *)e.data)[b];
			sum += (char)strlen(e.name);
			CHECK(entries++ < 100);
		}
		CHECK(ret == 0 || (ret == -EINVAL && it.error));
		free(copy);
	}
}
