/* SPDX-License-Identifier: MIT */
/*
 * Radix tree: from an index (an unsigned long) to a pointer that is not NULL.
 *
 * Each node takes six bits of the index; the tree is as high as the largest index needs. Any
 * pointer may be stored, its low bits included.
 *
 * This library allocates nothing. An insertion takes the nodes it needs from a pool that the
 * caller has filled; when the pool has too few it changes nothing, writes into the pool how many it
 * needs, and returns -ENOMEM: drop the lock, fill the pool, try again. A deletion puts the nodes it
 * no longer needs into a pool. mm/radix_pool.h does the filling and emptying.
 *
 *	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
 *
 * Locks: writers exclude each other and readers. A lookup may run without lock, under RCU, if
 * the caller frees nodes only after a grace period.
 */
#ifndef LIB_RADIX_TREE_H
#define LIB_RADIX_TREE_H

#include "lib/compiler.h"

#define RADIX_TREE_SHIFT 6
#define RADIX_TREE_SLOTS (1U << RADIX_TREE_SHIFT)
/* Levels for 64 bits, and so the most nodes that one insertion can need. */
#define RADIX_TREE_MAX_HEIGHT DIV_ROUND_UP(64, RADIX_TREE_SHIFT)

struct radix_tree_node {
	unsigned int shift; /* bits of the index below this node's six */
	unsigned int count; /* slots in use */
	union {
		struct radix_tree_node *parent;
		struct radix_tree_node *pool_next; /* while in a pool */
	};
	void *rcu[2]; /* room for the caller's rcu_head */
	void *slots[RADIX_TREE_SLOTS];
};

struct radix_tree_root {
	struct radix_tree_node *node; /* NULL: empty */
};

struct radix_tree_pool {
	struct radix_tree_node *nodes; /* zeroed nodes */
	unsigned int count;
	unsigned int needed; /* set when an insertion fails */
};

#define RADIX_TREE_INIT \
	{               \
		NULL    \
	}
#define RADIX_TREE_POOL_INIT \
	{                    \
		NULL, 0, 0   \
	}

static inline void radix_tree_init(struct radix_tree_root *root)
{
	root->node = NULL;
}

static inline bool radix_tree_empty(const struct radix_tree_root *root)
{
	return READ_ONCE(root->node) == NULL;
}

void radix_tree_pool_push(struct radix_tree_pool *pool, struct radix_tree_node *node);
struct radix_tree_node *radix_tree_pool_pop(struct radix_tree_pool *pool); /* NULL: empty */

/* 0; -EEXIST: the index has an item; -ENOMEM: pool->needed says how many nodes are missing. */
int radix_tree_insert(struct radix_tree_root *root, unsigned long index, void *item,
		      struct radix_tree_pool *pool);
/* The item at an index, or NULL. */
void *radix_tree_lookup(const struct radix_tree_root *root, unsigned long index);
/*
 * Take an item out and return it, NULL if there was none. Spare nodes go to the pool, not zeroed.
 */
void *radix_tree_delete(struct radix_tree_root *root, unsigned long index,
			struct radix_tree_pool *pool);
/* Put another item where one is. Returns the old one; NULL, nothing done, if there was none. */
void *radix_tree_replace(struct radix_tree_root *root, unsigned long index, void *item);
/* The first item at or after *index; *index becomes its index. NULL: no more. */
void *radix_tree_next(const struct radix_tree_root *root, unsigned long *index);
/*
 * Up to max items from index `first` on, in order. indices may be NULL. Returns how many.
 */
unsigned int radix_tree_gang_lookup(const struct radix_tree_root *root, void **items,
				    unsigned long *indices, unsigned long first, unsigned int max);

/* Each item in order of index. The item may be deleted in the body. */
#define radix_tree_for_each(item, root, index) \
	for ((index) = 0; ((item) = radix_tree_next(root, &(index))) != NULL; (index)++)

#endif
