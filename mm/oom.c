/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: one process ends so that the others go on.
 *
 * out_of_memory() is called by an allocation after reclaim has found nothing more. It chooses the
 * address space whose end gives back most (oom_badness(), Linux's measure), has all tasks that use
 * it killed, and takes its private memory at once: the reaper does not wait for the tasks to die,
 * since they may be waiting for a lock that the caller's own process holds.
 *
 *	choose --> oom_kill_hook(): SIGKILL to its tasks --> reap: zap its anonymous VMAs --> the allocation tries again
 *	   |                                                   |
 *	   |                                                   +-- mmap_lock busy: once more when somebody else comes here
 *	   +-- a victim is already dying, or the reaper has been through it and nobody else may be chosen:
 *	       wait for it a little
 *
 * After the reaper, the victim's memory reads as zero. MMF_UNSTABLE makes its faults fail, so that
 * none of its tasks, on their way to death, can show such zeroes to anybody.
 *
 * oom_lock lets one allocation at a time do this; others that fail meanwhile only wait for what it
 * frees. LAST-LOOK: whoever gets the lock looks at free memory once more before it kills. Its
 * allocation failed before that, and what another's victim gave back since must not cost a second
 * life.
 *
 * Locks: called with mmap_lock held or not, and nothing else; the victim's mmap_lock is only tried,
 * for reading.
 */
#include "mm/oom.h"

#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "mm/vmstat.h"
#include "mm/zap.h"

#define VICTIM_WAIT_NS 1000000
#define MAX_REAP_WAITS 1000 /* for a victim's mmap_lock: then another process is chosen */
#define MAX_VICTIM_WAITS \
	10000 /* for a victim that was reaped: then it hangs, and allocations fail */

void (*oom_kill_hook)(struct mm *mm, const char *why);
bool (*oom_current_is_dying)(void);

static DEFINE_MUTEX(oom_lock);
static unsigned int victim_waits; /* oom_lock: since the last victim was chosen */

long oom_badness(struct mm *mm)
{
	long adj = READ_ONCE(mm->oom_score_adj), points;

	if (adj == OOM_SCORE_ADJ_MIN || test_bit(MMF_OOM_REAPED, &mm->flags))
		return LONG_MIN;
	points = get_mm_rss(mm) + get_mm_counter(mm, MM_SWAPENTS) +
		 atomic_long_read(&mm->pgtables_bytes) / PAGE_SIZE;
	return points + adj * (long)((totalram_pages() + total_swap_pages()) / 1000);
}

/*
 * Does an address space come back without our doing? One without users is being taken down, by its
 * last one or by kswapd; the reaper's victims, when their tasks have ended.
 */
static bool memory_is_coming(bool from_reaped)
{
	bool coming = mm_end_pending();
	struct mm *mm;

	spin_lock(&mmlist_lock);
	list_for_each_entry (mm, &mmlist, mmlist) {
		if (!atomic_read(&mm->mm_users) ||
		    (from_reaped && test_bit(MMF_OOM_VICTIM, &mm->flags)))
			coming = true;
	}
	spin_unlock(&mmlist_lock);
	return coming;
}

/* A victim that the reaper has not been through, with a use taken; NULL: there is none. */
static struct mm *unreaped_victim(void)
{
	struct mm *mm, *found = NULL;

	spin_lock(&mmlist_lock);
	list_for_each_entry (mm, &mmlist, mmlist) {
		if (test_bit(MMF_OOM_VICTIM, &mm->flags) && !test_bit(MMF_OOM_REAPED, &mm->flags) &&
		    mmget_not_zero(mm)) {
			found = mm;
			break;
		}
	}
	spin_unlock(&mmlist_lock);
	return found;
}

/*
 * LAST-LOOK: is there memory after all? The high watermark, so that only a kill that has just been
 * made counts: under mere pressure, whose few free pages others take at once, the answer is no.
 */
static bool room_was_made(unsigned int order)
{
	return !sabotaged(oom_no_last_look) && zone_watermark_ok(WMARK_HIGH) &&
	       zone_has_block(order);
}

/* The address space to end, with a use taken; NULL when there is none. */
static struct mm *choose_victim(long *points)
{
	struct mm *mm, *worst = NULL;

	*points = LONG_MIN;
	spin_lock(&mmlist_lock);
	list_for_each_entry (mm, &mmlist, mmlist) {
		long badness = oom_badness(mm);

		if (badness > *points) {
			*points = badness;
			worst = mm;
		}
	}
	if (worst && !mmget_not_zero(worst))
		worst = NULL; /* its last user has gone since memory_is_coming() */
	spin_unlock(&mmlist_lock);
	return worst;
}

/*
 * Take the private anonymous memory of who will not look at it again, be it locked or not. mmap_lock
 * held.
 */
static void reap_vmas(struct mm *mm)
{
	struct vm_area *vma;

	for_each_vma (mm, vma) {
		if (!(vma->vm_flags & VM_SHARED) && (!vma->vm_file || vma->anon_vma))
			zap_page_range(vma, vma->vm_start, vma->vm_end - vma->vm_start);
	}
	set_bit(MMF_OOM_REAPED, &mm->flags);
}

/* Not when a victim's mmap_lock is held for writing. */
static void try_to_reap(struct mm *mm)
{
	set_bit(MMF_UNSTABLE, &mm->flags);
	if (!mmap_read_trylock(mm))
		return;
	reap_vmas(mm);
	mmap_read_unlock(mm);
	count_vm_event(OOM_REAP);
}

int reap_dying_mm(struct mm *mm)
{
	set_bit(MMF_UNSTABLE, &mm->flags);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	if (!test_bit(MMF_OOM_REAPED, &mm->flags))
		reap_vmas(mm);
	mmap_read_unlock(mm);
	return 0;
}

static void kill_victim(struct mm *mm, long points, gfp_t gfp, unsigned int order)
{
	pr_warn("oom: no page of order %u (gfp %x): %lu of %lu pages are free, %lu of %lu swap slots\n",
		order, gfp, nr_free_pages(), totalram_pages(), nr_free_swap_pages(),
		total_swap_pages());
	pr_warn("oom: ending the process of badness %ld: %lu kB resident (anonymous %lu, file %lu, shared %lu), %lu kB in swap\n",
		points, get_mm_rss(mm) << (PAGE_SHIFT - 10),
		get_mm_counter(mm, MM_ANONPAGES) << (PAGE_SHIFT - 10),
		get_mm_counter(mm, MM_FILEPAGES) << (PAGE_SHIFT - 10),
		get_mm_counter(mm, MM_SHMEMPAGES) << (PAGE_SHIFT - 10),
		get_mm_counter(mm, MM_SWAPENTS) << (PAGE_SHIFT - 10));
	set_bit(MMF_OOM_VICTIM, &mm->flags);
	count_vm_event(OOM_KILL);
	oom_kill_hook(mm, "out of memory");
	try_to_reap(mm);
}

/*
 * Has somebody been killed whose memory is still to come? Then nobody else is. What the reaper could
 * not do at once it tries again: the victim may wait, with its mmap_lock held, for what an allocation
 * that waits here holds. After MAX_REAP_WAITS it counts as reaped.
 */
static bool victim_is_pending(void)
{
	struct mm *victim = unreaped_victim();

	if (!victim)
		return memory_is_coming(false);
	try_to_reap(victim);
	if (!test_bit(MMF_OOM_REAPED, &victim->flags) && ++victim_waits >= MAX_REAP_WAITS) {
		pr_warn("oom: the victim's address space stays locked; it is given up\n");
		set_bit(MMF_OOM_REAPED, &victim->flags);
	}
	mmput_async(victim);
	return true;
}

bool out_of_memory(gfp_t gfp, unsigned int order)
{
	long points;
	struct mm *victim;
	bool wait;

	/* Whoever is dying himself must not wait for others to die: he frees memory by going on. */
	if (oom_current_is_dying && oom_current_is_dying())
		return false;
	if (!mutex_trylock(&oom_lock)) {
		sleep_ns(VICTIM_WAIT_NS);
		return true;
	}
	if (room_was_made(order)) {
		mutex_unlock(&oom_lock);
		return true;
	}
	if (victim_is_pending()) {
		mutex_unlock(&oom_lock);
		sleep_ns(VICTIM_WAIT_NS);
		return true;
	}
	victim = oom_kill_hook ? choose_victim(&points) : NULL;
	if (victim) {
		victim_waits = 0;
		kill_victim(victim, points, gfp, order);
		mmput_async(victim);
	}
	/* The reaper leaves shared pages: those come back when the last victim exits. */
	wait = !victim && victim_waits < MAX_VICTIM_WAITS && memory_is_coming(true);
	victim_waits += wait;
	mutex_unlock(&oom_lock);
	if (wait)
		sleep_ns(VICTIM_WAIT_NS);
	return victim || wait;
}

void pagefault_out_of_memory(void)
{
	out_of_memory(GFP_KERNEL, 0);
}
