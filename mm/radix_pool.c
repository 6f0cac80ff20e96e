/* SPDX-License-Identifier: MIT */
/*
 * Nodes for radix trees: one cache for the page caches of all files and for the swap cache.
 *
 * Nodes go back to the cache after an RCU grace period, because a lookup may walk a tree without
 * its lock.
 */
#include "mm/radix_pool.h"
#include "kernel/rcu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

static struct kmem_cache *node_cache;

BUILD_BUG_ON(sizeof(struct rcu_head) != sizeof(((struct radix_tree_node *)0)->rcu));

void radix_pool_init(void)
{
	node_cache = kmem_cache_create("radix_tree_node", sizeof(struct radix_tree_node), 0,
				       SLAB_PANIC, NULL);
}

int radix_pool_fill(struct radix_tree_pool *pool, gfp_t gfp)
{
	struct radix_tree_node *node;

	while (pool->count < pool->needed) {
		node = kmem_cache_zalloc(node_cache, gfp);
		if (!node)
			return -ENOMEM;
		radix_tree_pool_push(pool, node);
	}
	return 0;
}

static void free_node(struct rcu_head *head)
{
	kmem_cache_free(node_cache, container_of((void *)head, struct radix_tree_node, rcu));
}

void radix_pool_empty(struct radix_tree_pool *pool)
{
	struct radix_tree_node *node;

	while ((node = radix_tree_pool_pop(pool)))
		call_rcu((struct rcu_head *)node->rcu, free_node);
}
