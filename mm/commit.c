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
 * A VMA whose pages are part of the sum carries VM_ACCOUNT; whoever takes pages of it away takes
 * the promise back.
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

/*
 * In mode 2, a share of RAM that user programs cannot get promised: somebody must log in and help.
 */
#define ADMIN_RESERVE_PAGES (8UL << (20 - PAGE_SHIFT))

int sysctl_overcommit_memory = OVERCOMMIT_GUESS;
int sysctl_overcommit_ratio = 50;
int sysctl_overcommit_kbytes;
int sysctl_max_map_count = 65530;

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

static bool promise_is_sane(unsigned long pages, unsigned long ending)
{
	unsigned long limit;

	switch (READ_ONCE(sysctl_overcommit_memory)) {
	case OVERCOMMIT_ALWAYS:
		return true;
	case OVERCOMMIT_NEVER:
		limit = vm_commit_limit();
		limit -= min(limit / 32, ADMIN_RESERVE_PAGES);
		return vm_committed_pages() <= limit + ending;
	default:
		return pages <= totalram_pages() + total_swap_pages();
	}
}

int vm_enough_memory_instead(unsigned long pages, unsigned long ending)
{
	atomic_long_add(pages, &committed);
	if (likely(promise_is_sane(pages, ending)))
		return 0;
	atomic_long_sub(pages, &committed);
	return -ENOMEM;
}

int vm_enough_memory(unsigned long pages)
{
	return vm_enough_memory_instead(pages, 0);
}

void vm_unacct_memory(unsigned long pages)
{
	atomic_long_sub(pages, &committed);
}

bool may_expand_vm(struct mm *mm, unsigned long flags, unsigned long pages)
{
	if (mm->total_vm + pages > READ_ONCE(mm->limits.as) >> PAGE_SHIFT)
		return false;
	if (is_data_mapping(flags) &&
	    mm->data_vm + pages > READ_ONCE(mm->limits.data) >> PAGE_SHIFT)
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
