/* SPDX-License-Identifier: MIT */
/*
 * The life of an address space.
 *
 *	mm_alloc() ------> used by tasks: mmget(), mmput() -----last mmput()-----> exit_mmap()
 *	  users 1		  (fork, threads, exec)				       |
 *	  count 1								    mmdrop()
 *			   borrowed by idle CPUs: mmgrab(), mmdrop() ---last mmdrop()--> freed
 *
 * The end of an address space, and why in this order (exit_mmap(), unmap_region()):
 *
 *	1. the VMAs leave the tree	nobody looks things up any more: the last user is gone
 *	2. PTEs are cleared		pages lose a mapping; walks still find the VMAs, and nothing in them
 *	3. the VMAs leave the rmap trees (under their locks: walks in them have ended)
 *	4. page tables are freed, after a flush of every CPU that may still walk them lazily
 *	5. files are closed, VMAs freed
 *
 * The top-level table goes last, with the structure: a CPU that runs a kernel thread may still have
 * it loaded, with nothing left in its lower half.
 */
#include "mm/mm.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/pgtable_alloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/vma.h"
#include "mm/vma_internal.h"
#include "mm/zap.h"

LIST_HEAD(mmlist);
DEFINE_SPINLOCK(mmlist_lock);

/* (mmlist_lock) Those that mmput_async() has left for kswapd to take down. */
static LIST_HEAD(ended_mms);
static atomic_t nr_ending; /* they, and the one that it is taking down */

static struct kmem_cache *mm_cachep;

struct mm init_mm = {
	.mm_users = ATOMIC_INIT(2),
	.mm_count = ATOMIC_INIT(1),
	.mmap_lock = __RWSEM_INITIALIZER(init_mm.mmap_lock),
	.page_table_lock = __SPIN_LOCK_UNLOCKED(init_mm.page_table_lock),
	.mmlist = LIST_HEAD_INIT(init_mm.mmlist),
};

void mm_caches_init(void)
{
	mm_cachep = kmem_cache_create("mm_struct", sizeof(struct mm), 0,
				      SLAB_HWCACHE_ALIGN | SLAB_PANIC, NULL);
	vma_cache_init();
	anon_vma_caches_init();
}

void mm_init_kernel(void)
{
	init_mm.pgd = swapper_pg_dir;
	arch_mm_init(&init_mm);
}

struct mm *mm_alloc(void)
{
	struct mm *mm = kmem_cache_zalloc(mm_cachep, GFP_KERNEL);

	if (!mm)
		return NULL;
	mm->pgd = pgd_alloc(mm);
	if (!mm->pgd) {
		kmem_cache_free(mm_cachep, mm);
		return NULL;
	}
	mm->vma_root = RB_ROOT;
	init_rwsem(&mm->mmap_lock);
	spin_lock_init(&mm->page_table_lock);
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->mmap_base = TASK_SIZE / 3 * 2;
	mm->limits = (struct mm_limits){~0UL, ~0UL, ~0UL, ~0UL, ~0UL, true};
	arch_mm_init(mm);
	spin_lock(&mmlist_lock);
	list_add_tail(&mm->mmlist, &mmlist);
	spin_unlock(&mmlist_lock);
	return mm;
}

/*
 * All VMAs on a list, by address. The list's links lie where the tree's were, so the tree is not
 * asked for the order while it is taken apart: vm_prev leads from the last to the first.
 */
static void take_all_vmas(struct mm *mm, struct list_head *vmas)
{
	struct vm_area *vma;

	for (vma = vma_last(mm); vma; vma = vma->vm_prev)
		list_add(&vma->unmap_list, vmas);
	mm->vma_root = RB_ROOT;
	mm->vma_cache = NULL;
	mm->map_count = 0;
}

void exit_mmap(struct mm *mm)
{
	struct vm_area *vma, *next;
	unsigned long promised = 0;
	LIST_HEAD(vmas);

	mmap_write_lock(mm);
	take_all_vmas(mm, &vmas);
	if (!list_empty(&vmas))
		unmap_region(mm, &vmas, 0, 0, true);
	mm->total_vm = mm->locked_vm = mm->data_vm = mm->stack_vm = mm->exec_vm = 0;
	mmap_write_unlock(mm);

	list_for_each_entry_safe (vma, next, &vmas, unmap_list) {
		if (vma->vm_flags & VM_ACCOUNT)
			promised += vma_pages(vma);
		remove_vma(vma);
	}
	vm_unacct_memory(promised);
}

/* Nobody uses it any more. */
static void mm_end(struct mm *mm)
{
	exit_mmap(mm);
	mm_set_exe_file(mm, NULL);
	spin_lock(&mmlist_lock);
	list_del(&mm->mmlist);
	spin_unlock(&mmlist_lock);
	mmdrop(mm);
}

void mmput(struct mm *mm)
{
	might_sleep();
	if (atomic_dec_and_test(&mm->mm_users))
		mm_end(mm);
}

void mmput_async(struct mm *mm)
{
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	atomic_inc(&nr_ending);
	spin_lock(&mmlist_lock);
	list_move_tail(&mm->mmlist, &ended_mms);
	spin_unlock(&mmlist_lock);
	wakeup_kswapd();
}

static struct mm *next_ended_mm(void)
{
	struct mm *mm;

	spin_lock(&mmlist_lock);
	mm = list_first_entry_or_null(&ended_mms, struct mm, mmlist);
	if (mm)
		list_del_init(&mm->mmlist);
	spin_unlock(&mmlist_lock);
	return mm;
}

void mm_end_queued(void)
{
	struct mm *mm;

	while ((mm = next_ended_mm())) {
		mm_end(mm);
		atomic_dec(&nr_ending);
	}
}

bool mm_end_pending(void)
{
	return atomic_read(&nr_ending) != 0;
}

void mmdrop(struct mm *mm)
{
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	VM_BUG_ON(mm == &init_mm);
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		VM_BUG_ON(atomic_long_read(&mm->rss_stat[i]));
	pgd_free(mm, mm->pgd);
	kmem_cache_free(mm_cachep, mm);
}

void mm_set_exe_file(struct mm *mm, struct vm_file *vmf)
{
	struct vm_file *old;

	if (vmf)
		vm_file_get(vmf);
	mmap_write_lock(mm);
	old = mm->exe_file;
	mm->exe_file = vmf;
	mmap_write_unlock(mm);
	if (old)
		vm_file_put(old);
}
