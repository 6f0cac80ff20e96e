/* SPDX-License-Identifier: MIT */
/*
 * Refault distance: was a page that comes back evicted too early? The essay is in mm/workingset.c.
 */
#ifndef MM_WORKINGSET_H
#define MM_WORKINGSET_H

#include "lib/types.h"

struct page;

/*
 * workingset_eviction() - a page leaves memory: what to leave in its place, an odd word that is no
 * pointer. Page locked. Does not sleep.
 */
void *workingset_eviction(const struct page *page);

/*
 * workingset_refault() - a new page takes the place of one whose shadow was found there; NULL, or a
 * page that has none: nothing happens. May mark it active. The page is locked and on no list yet.
 */
void workingset_refault(struct page *page, const void *shadow);

/* A page became active: the inactive list is one page older. Does not sleep. */
void workingset_activation(void);

/*
 * lru_note_cost() - pages of this kind were written out, or came back too soon: reclaim shall
 * prefer the other kind. Does not sleep; takes lruvec.lock.
 */
void lru_note_cost(bool file, unsigned long pages);

#endif
