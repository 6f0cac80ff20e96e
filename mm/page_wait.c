/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a page: for its lock, or for the end of its writeback.
 *
 * A wait queue in each struct page would cost a third of it, for something that hardly ever
 * happens. So all pages share a few queues, chosen by a hash of the page's address. PG_waiters says
 * that somebody may sleep for this page: without it unlock_page() need not look.
 *
 *	sleeper					unlock_page()
 *	queue itself, set PG_waiters		clear PG_locked, read PG_waiters (one instruction)
 *	look at PG_locked: still set? sleep	set? wake the queue
 *
 * Both sides write before they look, so one sees the other. A queue's sleepers may wait for other
 * pages: each one woken looks at its own and sleeps again. PG_waiters is cleared by the waker when
 * it has woken everybody; whoever must wait on sets it again. end_page_writeback() runs in
 * interrupts: it may not be the one to drop a last reference, so it takes none.
 *
 * Waking all instead of one is simple and not unfair: a page lock is held for a few microseconds,
 * and two waiters are rare.
 */
#include "kernel/sched.h"
#include "kernel/wait.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/vmstat.h"

#define WAIT_TABLE_BITS 6
#define WAIT_TABLE_SIZE (1U << WAIT_TABLE_BITS)

#define QUEUE(i)   [i] = __WAIT_QUEUE_HEAD_INITIALIZER(page_queues[i])
#define QUEUE4(i)  QUEUE(i), QUEUE(i + 1), QUEUE(i + 2), QUEUE(i + 3)
#define QUEUE16(i) QUEUE4(i), QUEUE4(i + 4), QUEUE4(i + 8), QUEUE4(i + 12)

static struct wait_queue_head page_queues[WAIT_TABLE_SIZE] = {QUEUE16(0), QUEUE16(16), QUEUE16(32),
							      QUEUE16(48)};

static struct wait_queue_head *queue_of(const struct page *page)
{
	return &page_queues[hash_ptr(page, WAIT_TABLE_BITS)];
}

/* Announce the sleeper, then look: the order that the waker relies on. */
static bool must_wait(struct page *page, unsigned int bit)
{
	SetPageWaiters(page);
	smp_mb();
	return test_bit(bit, &page->flags);
}

static bool lock_or_announce(struct page *page)
{
	if (trylock_page(page))
		return true;
	SetPageWaiters(page);
	smp_mb();
	return trylock_page(page);
}

void __lock_page(struct page *page)
{
	wait_event(queue_of(page), lock_or_announce(page));
}

int lock_page_killable(struct page *page)
{
	might_sleep();
	if (trylock_page(page))
		return 0;
	return wait_event_killable(queue_of(page), lock_or_announce(page)) ? -EINTR : 0;
}

void __unlock_page_waiters(struct page *page)
{
	ClearPageWaiters(page);
	smp_mb();
	wake_up_all(queue_of(page));
}

void wait_on_page_locked(struct page *page)
{
	if (PageLocked(page))
		wait_event(queue_of(page), !must_wait(page, PG_locked));
}

void wait_for_page_unlock(struct page *page, bool (*over)(void *arg), void *arg)
{
	wait_event(queue_of(page), over(arg));
}

void wait_on_page_writeback(struct page *page)
{
	if (PageWriteback(page))
		wait_event(queue_of(page), !must_wait(page, PG_writeback));
}

void end_page_writeback(struct page *page)
{
	/* The page may be freed as soon as the bit is clear: remember the queue, not the page. */
	struct wait_queue_head *queue = queue_of(page);
	unsigned long flags = READ_ONCE(page->flags);

	VM_BUG_ON_PAGE(!PageWriteback(page), page);
	dec_node_stat(NR_WRITEBACK);
	while (!try_cmpxchg(&page->flags, &flags, flags & ~(BIT(PG_writeback) | BIT(PG_waiters))))
		;
	if (flags & BIT(PG_waiters))
		wake_up_all(queue);
}
