/* SPDX-License-Identifier: MIT */
/*
 * The VMA tree against a flat array of pages.
 *
 * While nothing is faulted in, the VMAs are a function of what each page is: two neighbouring pages
 * with the same attributes are in one VMA, and otherwise not. So after each random system call the
 * list of VMAs must be exactly the run lengths of the array: this checks splits, and that every
 * merge that is possible is made.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mman.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

#define PAGES 192

#define MAY (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

/* vm_flags of each page, 0: not mapped */
static unsigned long model[PAGES];
static struct mm *mm;

static void random_range(unsigned long *first, unsigned long *count)
{
	*first = test_rand_below(PAGES);
	*count = 1 + test_rand_below(min(PAGES - *first, 24UL));
}

/* ---- the same operation on the kernel and on the array ---- */

static void op_mmap(unsigned long first, unsigned long count)
{
	unsigned long prot = test_rand_below(8), flags = prot | MAY;

	CHECK_EQ(vm_mmap(mm, NULL, TEST_BASE + PAGE(first), PAGE(count), prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0),
		 TEST_BASE + PAGE(first));
	if (flags & VM_WRITE)
		flags |= VM_ACCOUNT;
	for (unsigned long i = first; i < first + count; i++)
		model[i] = flags;
}

static void op_munmap(unsigned long first, unsigned long count)
{
	CHECK_EQ(vm_munmap(mm, TEST_BASE + PAGE(first), PAGE(count)), 0);
	memset(model + first, 0, count * sizeof(model[0]));
}

/* Pages from `first` that are mapped without a hole. */
static unsigned long mapped_run(unsigned long first, unsigned long count)
{
	unsigned long n = 0;

	while (n < count && model[first + n])
		n++;
	return n;
}

static void op_mprotect(unsigned long first, unsigned long count)
{
	unsigned long prot = test_rand_below(8), n = mapped_run(first, count);

	CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(first), PAGE(count), prot),
		 n == count ? 0 : -ENOMEM);
	for (unsigned long i = first; i < first + n; i++) {
		/* Without a page, what may not be written needs no promise. */
		model[i] &= ~(VM_ACCESS_FLAGS | VM_ACCOUNT);
		model[i] |= prot | (prot & PROT_WRITE ? VM_ACCOUNT : 0);
	}
}

static void op_advise(unsigned long first, unsigned long count)
{
	static const struct {
		int advice;
		unsigned long set, clear;
	} advices[] = {
		{MADV_DONTFORK, VM_DONTCOPY, 0},
		{MADV_DOFORK, 0, VM_DONTCOPY},
		{MADV_DONTDUMP, VM_DONTDUMP, 0},
		{MADV_DODUMP, 0, VM_DONTDUMP},
		{MADV_RANDOM, VM_RAND_READ, VM_SEQ_READ},
		{MADV_NORMAL, 0, VM_RAND_READ | VM_SEQ_READ},
	};
	int a = test_rand_below(ARRAY_SIZE(advices));
	int want = mapped_run(first, count) == count ? 0 : -ENOMEM;

	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(first), PAGE(count), advices[a].advice), want);
	for (unsigned long i = first; i < first + count; i++)
		if (model[i])
			model[i] = (model[i] & ~advices[a].clear) | advices[a].set;
}

static void op_mlock(unsigned long first, unsigned long count)
{
	bool lock = test_rand_below(2);
	unsigned long n = mapped_run(first, count), addr = TEST_BASE + PAGE(first);
	int err = lock ? do_mlock(mm, addr, PAGE(count), MLOCK_ONFAULT)
		       : do_munlock(mm, addr, PAGE(count));

	CHECK_EQ(err, n == count ? 0 : -ENOMEM);
	for (unsigned long i = first; i < first + n; i++)
		model[i] = (model[i] & ~VM_LOCKED_MASK) | (lock ? VM_LOCKED_MASK : 0);
}

/*
 * Grow or shrink or move by mremap, only where the array makes it simple to say what must happen.
 */
static void op_mremap(unsigned long first, unsigned long count)
{
	unsigned long to = test_rand_below(PAGES), n = mapped_run(first, count), i;

	for (i = 1; i < n && model[first + i] == model[first]; i++)
		;
	n = i;
	if (!model[first] || to + n > PAGES || (to < first + n && first < to + n))
		return;
	CHECK_EQ(do_mremap(mm, TEST_BASE + PAGE(first), PAGE(n), PAGE(n),
			   MREMAP_MAYMOVE | MREMAP_FIXED, TEST_BASE + PAGE(to)),
		 TEST_BASE + PAGE(to));
	for (i = 0; i < n; i++) {
		model[to + i] = model[first + i];
		model[first + i] = 0;
	}
}

static void random_operation(void)
{
	static void (*const ops[])(unsigned long, unsigned long) = {
		op_mmap,     op_mmap,	op_munmap, op_mprotect,
		op_mprotect, op_advise, op_mlock,  op_mremap,
	};
	unsigned long first, count;

	random_range(&first, &count);
	ops[test_rand_below(ARRAY_SIZE(ops))](first, count);
}

static void compare(void)
{
	struct vm_area *vma = vma_first(mm);
	unsigned long i, promised = 0;

	for (i = 0; i < PAGES; i++)
		promised += !!(model[i] & VM_ACCOUNT);
	CHECK_EQ(vm_committed_pages(), promised);
	i = 0;
	while (i < PAGES) {
		unsigned long end = i + 1;

		if (!model[i]) {
			i++;
			continue;
		}
		while (end < PAGES && model[end] == model[i])
			end++;
		CHECK(vma != NULL);
		CHECK_EQ(vma->vm_start, TEST_BASE + PAGE(i));
		CHECK_EQ(vma->vm_end, TEST_BASE + PAGE(end));
		CHECK_EQ(vma->vm_flags, model[i]);
		vma = vma_next(vma);
		i = end;
	}
	CHECK(vma == NULL);
}

/* find_vma() and its relatives against a scan. */
static void compare_lookups(void)
{
	unsigned long addr = TEST_BASE + test_rand_below(PAGE(PAGES + 4)) - PAGE(2);
	struct vm_area *want, *before = NULL, *prev;

	for_each_vma (mm, want) {
		if (want->vm_end > addr)
			break;
		before = want;
	}
	CHECK(find_vma(mm, addr) == want);
	CHECK(find_vma_prev(mm, addr, &prev) == want);
	CHECK(prev == before);
	CHECK(vma_lookup(mm, addr) == (want && want->vm_start <= addr ? want : NULL));
}

TEST(vma_tree_random)
{
	unsigned long steps = test_iterations(20000);

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	for (unsigned long i = 0; i < steps; i++) {
		random_operation();
		compare();
		compare_lookups();
		if (i % 64 == 0)
			check_all(mm);
	}
	test_mm_end(mm);
	CHECK_EQ(vm_committed_pages(), 0);
}

/* ---- the search for free space ---- */

/* The highest, or lowest, fit by looking at every page of the window. */
static unsigned long naive_search(const struct unmapped_area *info)
{
	unsigned long best = -ENOMEM, addr;

	for (addr = info->low; addr + info->length <= info->high; addr += PAGE_SIZE) {
		struct vm_area *vma = find_vma(mm, addr);

		if (vma && (vma->vm_start <= addr || vm_start_gap(vma) < addr + info->length))
			continue;
		best = addr;
		if (!info->topdown)
			break;
	}
	return best;
}

TEST(vma_gap_search)
{
	unsigned long steps = test_iterations(2000);

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	for (unsigned long i = 0; i < steps; i++) {
		unsigned long low = test_rand_below(PAGES), high = test_rand_below(PAGES + 1);
		struct unmapped_area info = {
			.length = PAGE(1 + test_rand_below(20)),
			.low = TEST_BASE + PAGE(min(low, high)),
			.high = TEST_BASE + PAGE(max(low, high)),
			.topdown = test_rand_below(2),
		};

		random_operation();
		mmap_read_lock(mm);
		CHECK_EQ(vm_unmapped_area(mm, &info), naive_search(&info));
		mmap_read_unlock(mm);
	}
	test_mm_end(mm);
}

TEST(b31_stack_keeps_its_guard_gap)
{
	unsigned long stack = TEST_BASE + PAGE(1024), addr;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	CHECK_EQ(setup_stack_vma(mm, stack, PAGE(4), 0), 0);
	mm->mmap_base = stack;
	addr = vm_mmap(mm, NULL, 0, PAGE(1), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	CHECK_EQ(addr, stack - PAGE(4) - STACK_GUARD_GAP - PAGE(1));
	/* A hint inside the gap is not taken either, a fixed address is. */
	addr = vm_mmap(mm, NULL, stack - PAGE(8), PAGE(1), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       0);
	CHECK_EQ(addr, stack - PAGE(4) - STACK_GUARD_GAP - PAGE(2));
	map_anon(mm, stack - PAGE(8), PAGE(1), PROT_READ);
	/* b31: the stack does not grow to within the gap of it. */
	CHECK(sim_write(mm, 0, stack - PAGE(5), 1) != 0);
	CHECK_EQ(vm_munmap(mm, stack - PAGE(8), PAGE(1)), 0);
	/* Nor to within 256 pages of what lies further down. */
	CHECK(sim_write(mm, 0, stack - PAGE(5), 1) != 0);
	CHECK_EQ(vm_munmap(mm, addr, PAGE(2)), 0);
	poke(mm, stack - PAGE(100), 7);
	CHECK_EQ(vma_at(mm, stack - 1)->vm_start, stack - PAGE(100));
	check_all(mm);
	test_mm_end(mm);
}

TEST(mmap_errors)
{
	unsigned long anon = MAP_PRIVATE | MAP_ANONYMOUS;

	host_boot(64);
	mm = test_mm();
	CHECK_EQ(vm_mmap(mm, NULL, 0, 0, PROT_READ, anon, 0), -EINVAL);
	CHECK_EQ(vm_mmap(mm, NULL, 0, ~0UL, PROT_READ, anon, 0), -ENOMEM);
	CHECK_EQ(vm_mmap(mm, NULL, 0, TASK_SIZE + PAGE(1), PROT_READ, anon, 0), -ENOMEM);
	CHECK_EQ(vm_mmap(mm, NULL, 1, PAGE(1), PROT_READ, anon | MAP_FIXED, 0), -EINVAL);
	CHECK_EQ(vm_mmap(mm, NULL, 0, PAGE(1), PROT_READ, anon | MAP_FIXED, 0), -EPERM);
	CHECK_EQ(vm_mmap(mm, NULL, TASK_SIZE, PAGE(1), PROT_READ, anon | MAP_FIXED, 0), -ENOMEM);
	CHECK_EQ(vm_mmap(mm, NULL, 0, PAGE(1), PROT_READ, MAP_ANONYMOUS, 0), -EINVAL);
	CHECK_EQ(vm_mmap(mm, NULL, 0, PAGE(2), PROT_READ, anon, ~0UL), -EOVERFLOW);
	map_anon(mm, TEST_BASE, PAGE(4), PROT_READ);
	CHECK_EQ(vm_mmap(mm, NULL, TEST_BASE + PAGE(3), PAGE(4), PROT_READ,
			 anon | MAP_FIXED_NOREPLACE, 0),
		 -EEXIST);
	CHECK_EQ(vm_munmap(mm, TEST_BASE + 1, PAGE(1)), -EINVAL);
	CHECK_EQ(vm_munmap(mm, TEST_BASE, 0), -EINVAL);
	CHECK_EQ(vm_munmap(mm, TASK_SIZE, PAGE(1)), -EINVAL);
	CHECK_EQ(vm_munmap(mm, TEST_BASE + PAGE(100), PAGE(1)), 0);
	mm->limits.as = PAGE(6);
	CHECK_EQ(vm_mmap(mm, NULL, 0, PAGE(3), PROT_READ, anon, 0), -ENOMEM);
	/* What is replaced does not count twice. */
	map_anon(mm, TEST_BASE + PAGE(2), PAGE(4), PROT_READ);
	mm->limits.as = ~0UL;
	/* With one VMA more than there may be, what needs no other goes on. */
	sysctl_max_map_count = mm->map_count - 1;
	CHECK_EQ(do_mprotect(mm, TEST_BASE, PAGE(6), PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(do_mprotect(mm, TEST_BASE, PAGE(1), PROT_READ), -ENOMEM);
	CHECK_EQ(vm_mmap(mm, NULL, TEST_BASE + PAGE(6), PAGE(1), PROT_READ | PROT_WRITE,
			 anon | MAP_FIXED, 0),
		 -ENOMEM);
	sysctl_max_map_count = 65530;
	mm->limits.memlock = PAGE(2);
	CHECK_EQ(vm_mmap(mm, NULL, 0, PAGE(3), PROT_READ, anon | MAP_LOCKED, 0), -EAGAIN);
	CHECK_EQ(do_mlock(mm, TEST_BASE, PAGE(3), 0), -ENOMEM);
	CHECK_EQ(do_mlock(mm, TEST_BASE + 1, PAGE(2) - 1, MLOCK_ONFAULT), 0);
	mm->limits.memlock = 0;
	CHECK_EQ(do_mlock(mm, TEST_BASE, PAGE(1), 0), -EPERM);
	check_all(mm);
	mmput(mm);
}
