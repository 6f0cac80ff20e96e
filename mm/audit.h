/* SPDX-License-Identifier: MIT */
/*
 * The rmap audit: reverse mapping against the truth.
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

#include "lib/types.h"

struct mm;

#ifdef CONFIG_DEBUG

/*
 * What an audit saw. differences is what matters; the first of them is described in the log.
 */
struct rmap_audit {
	bool counters; /* in: compare each process's counters with its page tables as well */
	unsigned long mms;
	unsigned long ptes; /* present PTEs of counted pages */
	unsigned long swap_ptes;
	unsigned long migration_ptes; /* none of them may be left when nothing migrates */
	unsigned long skipped;	      /* pages that were locked all the time */
	unsigned long busy;	      /* processes whose mmap_lock was not to be had */
	unsigned long differences;
};

/**
 * rmap_audit() - scan all page tables of all processes and compare with the reverse map
 *
 * - may sleep; takes mmap_lock of each process in turn for writing, page locks and rmap locks; only
 *   tries the first two
 * - other processes may run: a difference must be seen several times before it counts
 */
void rmap_audit(struct rmap_audit *audit);

/**
 * rmap_audit_mm() - the same for one address space; mmap_lock held, for writing with .counters
 */
void rmap_audit_mm(struct mm *mm, struct rmap_audit *audit);

#endif
#endif
