/* SPDX-License-Identifier: MIT */
/*
 * Compaction: free memory in large blocks, made by moving pages.
 */
#ifndef MM_COMPACT_H
#define MM_COMPACT_H

#include "lib/types.h"

/**
 * try_to_compact_pages() - for an allocation of 2^order pages that found no block
 *
 * - may sleep; waits for no page lock, since the caller may hold one; takes rmap locks and
 *   page-table locks, so the caller holds none of these
 * - true when there is such a block now (somebody else may take it first). False at once when there
 *   are too few free pages, or when the last attempts were in vain
 */
bool try_to_compact_pages(unsigned int order);

/**
 * compact_memory() - compact all there is (/proc/sys/vm/compact_memory)
 *
 * - no lock held; may sleep for page locks and write-back
 */
void compact_memory(void);

#endif
