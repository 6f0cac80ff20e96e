/* SPDX-License-Identifier: MIT */
/*
 * Nodes for radix trees (lib/radix_tree.h allocates nothing itself).
 *
 *	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
 *
 *	do {
 *		spin_lock(&lock);
 *		err = radix_tree_insert(&root, index, item, &pool);
 *		spin_unlock(&lock);
 *	} while (err == -ENOMEM && !radix_pool_fill(&pool, gfp));
 *	radix_pool_empty(&pool);
 */
#ifndef MM_RADIX_POOL_H
#define MM_RADIX_POOL_H

#include "lib/radix_tree.h"
#include "lib/types.h"

/* Boot, after slab_init(). */
void radix_pool_init(void);

/* Get as many nodes as the failed insertion needs. 0 or -ENOMEM. Sleeps if gfp allows it. */
int radix_pool_fill(struct radix_tree_pool *pool, gfp_t gfp);

/* Free what is left in the pool, after a grace period: lockless readers may still look. */
void radix_pool_empty(struct radix_tree_pool *pool);

#endif
