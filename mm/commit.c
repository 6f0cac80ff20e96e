/* SPDX-License-Identifier: MIT */
/*
 * What an address space may have.
 *
 * Private writable memory is promised when it is mapped and taken when it is written. The sum of
 * promises may exceed what there is: programs reserve far more than they use, and fork promises
 * every page twice. How far, is the administrator's choice (vm.overcommit_memory, Linux's numbers):
 *
 *	0	refuse only what cannot possibly be kept: one mapping larger than all RAM and swap
 *	1	refuse nothing
 *	2	keep the sum of promises below swap + ratio % of RAM (or a number of KiB): nobody is
 *		killed for memory
 *
 * In mode 2 something is kept back: what only an administrator gets (admin_reserve_kbytes), so that
 * he can log in and help; and of each process a 32nd of its own size (at most user_reserve_kbytes),
 * so that one that takes all it can get leaves its user enough to end it.
 *
 * A VMA whose pages are part of the sum carries VM_ACCOUNT; whoever takes pages of it away takes
 * the promise back. Shared memory is promised by its object (mm/shmem.c): all of it at once, or page
 * by page.
 *
 * Beside that, each address space has its own limits (RLIMIT_AS, DATA, STACK, MEMLOCK).
 */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "mm/vma_internal.h"

#define OVERCOMMIT_GUESS  0
#define OVERCOMMIT_ALWAYS 1
#define OVERCOMMIT_NEVER  2

/* The most that the reserves are at first: a 32nd of memory, but no more KiB than this. */
#define MAX_ADMIN_RESERVE (8 << 10)
#define MAX_USER_RESERVE  (128 << 10)

int sysctl_overcommit_memory = OVERCOMMIT_GUESS;
int sysctl_overcommit_ratio = 50;
int sysctl_overcommit_kbytes;
int sysctl_admin_reserve_kbytes, sysctl_user_reserve_kbytes;
int sysctl_max_map_count = 65530;

struct mm *(*mm_of_caller)(void);

static atomic_long_t committed;

unsigned long vm_committed_pages(void)
{
	long pages = atomic_long_read(&committed);

	return pages < 0 ? 0 : pages;
}

unsigned long vm_commit_limit(void)
{
	unsigned long kib = READ_ONCE(sysctl_overcommit_kbytes);
	unsigned long share = totalram_pages() * READ_ONCE(sysctl_overcommit_ratio) / 100;

	return (kib ? kib >> (PAGE_SHIFT - 10) : share) + total_swap_pages();
}

void commit_init(void)
{
	unsigned long share = (nr_free_pages() << (PAGE_SHIFT - 10)) / 32;

	sysctl_admin_reserve_kbytes = min(share, MAX_ADMIN_RESERVE + 0UL);
	sysctl_user_reserve_kbytes = min(share, MAX_USER_RESERVE + 0UL);
}

/* In mode 2: what mm cannot get promised. NULL: a thread of the kernel. */
static unsigned long kept_back(const struct mm *mm)
{
	unsigned long pages = 0;

	if (!mm || !READ_ONCE(mm->limits.admin))
		pages = (unsigned long)READ_ONCE(sysctl_admin_reserve_kbytes) >> (PAGE_SHIFT - 10);
	if (mm)
		pages += min(mm->total_vm / 32,
			     (unsigned long)READ_ONCE(sysctl_user_reserve_kbytes) >>
				     (PAGE_SHIFT - 10));
	return pages;
}

static bool promise_is_sane(const struct mm *mm, unsigned long pages, unsigned long ending)
{
	switch (READ_ONCE(sysctl_overcommit_memory)) {
	case OVERCOMMIT_ALWAYS:
		return true;
	case OVERCOMMIT_NEVER:
		return vm_committed_pages() + kept_back(mm) < vm_commit_limit() + ending;
	default:
		return pages <= totalram_pages() + total_swap_pages();
	}
}

int vm_enough_memory_instead(const struct mm *mm, unsigned long pages, unsigned long ending)
{
	if (!mm && mm_of_caller)
		mm = mm_of_caller();
	atomic_long_add(pages, &committed);
	if (likely(promise_is_sane(mm, pages, ending)))
		return 0;
	atomic_long_sub(pages, &committed);
	return -ENOMEM;
}

int vm_enough_memory(const struct mm *mm, unsigned long pages)
{
	return vm_enough_memory_instead(mm, pages, 0);
}

void vm_unacct_memory(unsigned long pages)
{
	atomic_long_sub(pages, &committed);
}

bool may_expand_vm(struct mm *mm, unsigned long flags, unsigned long pages)
{
	unsigned long data = READ_ONCE(mm->limits.data) ?: READ_ONCE(mm->limits.data_max);

	if (mm->total_vm + pages > READ_ONCE(mm->limits.as) >> PAGE_SHIFT)
		return false;
	if (is_data_mapping(flags) && mm->data_vm + pages > data >> PAGE_SHIFT)
		return false;
	return true;
}

int mlock_future_check(struct mm *mm, unsigned long flags, unsigned long len)
{
	unsigned long locked = mm->locked_vm + (len >> PAGE_SHIFT);

	if ((flags & VM_LOCKED) && locked > READ_ONCE(mm->limits.memlock) >> PAGE_SHIFT)
		return -EAGAIN;
	return 0;
}
