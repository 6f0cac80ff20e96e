/* SPDX-License-Identifier: MIT */
/*
 * mremap_table - every combination of many arguments of mremap(), against an oracle that only
 * counts pages (mremap_oracle.h). The errors and what several mappings do are those of Linux 6.17
 * and later; on an older Linux there is nothing to compare with.
 */
#include "test.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "mremap_oracle.h"

#define RW (PROT_READ | PROT_WRITE)

static bool on_verso;

static char *at(int page)
{
	return (char *)ORACLE_BASE + page * ORACLE_PAGE;
}

static void map_pages(int first, int pages, int sharing)
{
	CHECK(mmap(at(first), pages * ORACLE_PAGE, RW, sharing | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == at(first));
}

static void build_arena(void)
{
	struct oracle_page page[ORACLE_PAGES];

	CHECK(munmap(at(0), 1024 * ORACLE_PAGE) == 0);
	oracle_arena(page);
	map_pages(0, 8, MAP_PRIVATE);
	map_pages(12, 4, MAP_SHARED);
	map_pages(16, 4, MAP_PRIVATE);
	map_pages(24, 8, MAP_PRIVATE);
	for (int i = 0; i < ORACLE_PAGES; i++)
		if (page[i].mark)
			*at(i) = (char)page[i].mark;
	CHECK(mprotect(at(16), 4 * ORACLE_PAGE, PROT_READ) == 0);
}

static bool is_mapped(const void *page)
{
	unsigned char resident;

	return mincore((void *)page, ORACLE_PAGE, &resident) == 0;
}

/* Does the page hold what the oracle says? */
static void check_page(const struct oracle_page *p, const char *where, unsigned long n)
{
	bool mapped = is_mapped(where);

	if (mapped == !!p->vma &&
	    (!mapped || p->mark == ORACLE_STRANGE || (unsigned char)*where == p->mark))
		return;
	printf("FAILED %s: case %lu: page %lu is %s, and not %d\n", test_name, n,
	       oracle_index((unsigned long)where), mapped ? "mapped" : "free", p->mark);
	fflush(stdout);
	_exit(1);
}

/* Linux unmaps the target before it has checked everything, and leaves it so. */
static bool target_may_be_gone(const struct oracle_call *c, long result, unsigned long addr)
{
	return result < 0 && (c->flags & MREMAP_FIXED) && !on_verso && addr >= c->new_addr &&
	       addr - c->new_addr < c->new_len;
}

static void run_case(unsigned long n)
{
	struct oracle_call c = oracle_case(n);
	struct oracle_page page[ORACLE_PAGES], before[ORACLE_PAGES];
	long expected, got;

	build_arena();
	oracle_arena(before);
	oracle_arena(page);
	expected = oracle_answer(page, &c);
	errno = 0;
	/* not the library's mremap(): it checks lengths itself */
	got = syscall(SYS_mremap, c.addr, c.old_len, c.new_len, c.flags, c.new_addr);
	if (got == -1)
		got = -errno;
	if (expected == ORACLE_ANY && got > 0 && oracle_index(got) >= ORACLE_PAGES) {
		if (c.old_len)
			check_page(&before[oracle_index(c.addr)], (char *)got, n);
		CHECK(munmap((void *)got, c.new_len) == 0);
		got = expected;
	}
	if (got != expected) {
		printf("FAILED %s: case %lu: mremap(%#lx, %#lx, %#lx, %lx, %#lx) is %#lx, not %#lx\n",
		       test_name, n, c.addr, c.old_len, c.new_len, c.flags, c.new_addr, got,
		       expected);
		fflush(stdout);
		_exit(1);
	}
	for (int i = 0; i < ORACLE_PAGES; i++)
		if (!target_may_be_gone(&c, got, (unsigned long)at(i)))
			check_page(&page[i], at(i), n);
}

static bool comparable(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	CHECK(uname(&name) == 0);
	on_verso = strstr(name.release, "verso");
	if (on_verso)
		return true;
	return sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 17));
}

static void b33_mremap_argument_table(void)
{
	/* A debug kernel checks everything after each call: a part of the table is enough for it. */
	unsigned long stride = access("/proc/verso/mm", F_OK) ? 1 : 7;

	if (!comparable())
		return;
	for (unsigned long n = 0; n < ORACLE_CASES; n += stride)
		run_case(n);
}

int main(void)
{
	TEST(b33_mremap_argument_table);
	return test_done();
}
