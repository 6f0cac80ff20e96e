/* SPDX-License-Identifier: MIT */
/*
 * Radix tree.
 *
 * The index is cut into digits of six bits; a node has a slot for each digit's value:
 *
 *	root->node   [shift 6]  slot = index >> 6 & 63
 *	                |   \
 *	         [shift 0]  [shift 0]   slot = index & 63
 *	          |  |  |      |
 *	        items ...    item
 *
 * A node with shift 0 holds items, any other holds nodes: that is how the two are told apart, and
 * why items may be any bit pattern but NULL. The tree grows at the top: a new root gets the old one
 * as its slot 0.
 *
 * Invariants:
 *	RT-COUNT	node->count is the number of its slots that are not NULL, and is not 0
 *	RT-LOW		a root with shift > 0 has a slot other than 0 in use (else it is taken away)
 *
 * An insertion first walks down without changing anything and counts the nodes it will need, so
 * that it can fail before it has begun.
 */
#include "lib/radix_tree.h"
#include "lib/errno.h"
#include "lib/string.h"

static unsigned int slot_of(unsigned long index, unsigned int shift)
{
	return (index >> shift) & (RADIX_TREE_SLOTS - 1);
}

/* Does a node of this shift, at the root, cover the index? */
static bool covers(unsigned int shift, unsigned long index)
{
	unsigned int bits = shift + RADIX_TREE_SHIFT;

	return bits >= 64 || !(index >> bits);
}

/* The least shift of a root that covers the index. */
static unsigned int shift_for(unsigned long index)
{
	unsigned int shift = 0;

	while (!covers(shift, index))
		shift += RADIX_TREE_SHIFT;
	return shift;
}

void radix_tree_pool_push(struct radix_tree_pool *pool, struct radix_tree_node *node)
{
	node->pool_next = pool->nodes;
	pool->nodes = node;
	pool->count++;
}

struct radix_tree_node *radix_tree_pool_pop(struct radix_tree_pool *pool)
{
	struct radix_tree_node *node = pool->nodes;

	if (node) {
		pool->nodes = node->pool_next;
		pool->count--;
	}
	return node;
}

/* Nodes missing on the way to index; -EEXIST when the way is complete and ends at an item. */
static int nodes_missing(const struct radix_tree_root *root, unsigned long index)
{
	const struct radix_tree_node *node = root->node;
	unsigned int top = shift_for(index);

	if (!node)
		return top / RADIX_TREE_SHIFT + 1;
	if (top > node->shift) /* new roots, and a whole path below the highest */
		return (top - node->shift + top) / RADIX_TREE_SHIFT;
	for (;;) {
		void *next = node->slots[slot_of(index, node->shift)];

		if (!next)
			return node->shift / RADIX_TREE_SHIFT;
		if (!node->shift)
			return -EEXIST;
		node = next;
	}
}

static struct radix_tree_node *take_node(struct radix_tree_pool *pool, unsigned int shift,
					 struct radix_tree_node *parent)
{
	struct radix_tree_node *node = radix_tree_pool_pop(pool);

	node->shift = shift;
	node->count = 0;
	node->parent = parent;
	return node;
}

/* Make the tree high enough for index. */
static void grow(struct radix_tree_root *root, unsigned long index, struct radix_tree_pool *pool)
{
	struct radix_tree_node *node;

	if (!root->node) {
		node = take_node(pool, shift_for(index), NULL);
		smp_store_release(&root->node, node);
		return;
	}
	while (!covers(root->node->shift, index)) {
		node = take_node(pool, root->node->shift + RADIX_TREE_SHIFT, NULL);
		node->slots[0] = root->node;
		node->count = 1;
		root->node->parent = node;
		smp_store_release(&root->node, node);
	}
}

int radix_tree_insert(struct radix_tree_root *root, unsigned long index, void *item,
		      struct radix_tree_pool *pool)
{
	struct radix_tree_node *node, *child;
	int missing = nodes_missing(root, index);
	unsigned int slot;

	if (missing < 0)
		return missing;
	if ((unsigned int)missing > pool->count) {
		pool->needed = missing;
		return -ENOMEM;
	}
	grow(root, index, pool);
	for (node = root->node; node->shift; node = child) {
		slot = slot_of(index, node->shift);
		child = node->slots[slot];
		if (!child) {
			child = take_node(pool, node->shift - RADIX_TREE_SHIFT, node);
			node->count++;
			smp_store_release(&node->slots[slot], child);
		}
	}
	node->count++;
	smp_store_release(&node->slots[slot_of(index, 0)], item);
	return 0;
}

/* The bottom node on the way to index, NULL if the way ends before. */
static struct radix_tree_node *find_leaf(const struct radix_tree_root *root, unsigned long index)
{
	struct radix_tree_node *node = READ_ONCE(root->node);

	if (!node || !covers(node->shift, index))
		return NULL;
	while (node && node->shift)
		node = READ_ONCE(node->slots[slot_of(index, node->shift)]);
	return node;
}

void *radix_tree_lookup(const struct radix_tree_root *root, unsigned long index)
{
	struct radix_tree_node *node = find_leaf(root, index);

	return node ? READ_ONCE(node->slots[slot_of(index, 0)]) : NULL;
}

void *radix_tree_replace(struct radix_tree_root *root, unsigned long index, void *item)
{
	struct radix_tree_node *node = find_leaf(root, index);
	void **slot, *old;

	if (!node)
		return NULL;
	slot = &node->slots[slot_of(index, 0)];
	old = *slot;
	if (old)
		smp_store_release(slot, item);
	return old;
}

/* Take away roots that only lead to slot 0. */
static void shrink(struct radix_tree_root *root, struct radix_tree_pool *pool)
{
	struct radix_tree_node *node;

	while ((node = root->node) && node->shift && node->count == 1 && node->slots[0]) {
		root->node = node->slots[0];
		root->node->parent = NULL;
		radix_tree_pool_push(pool, node);
	}
}

void *radix_tree_delete(struct radix_tree_root *root, unsigned long index,
			struct radix_tree_pool *pool)
{
	struct radix_tree_node *node = find_leaf(root, index), *parent;
	void *item;

	if (!node || !node->slots[slot_of(index, 0)])
		return NULL;
	item = node->slots[slot_of(index, 0)];
	for (;;) {
		WRITE_ONCE(node->slots[slot_of(index, node->shift)], NULL);
		if (--node->count)
			break;
		parent = node->parent;
		if (!parent)
			WRITE_ONCE(root->node, NULL);
		radix_tree_pool_push(pool, node);
		if (!parent)
			return item;
		node = parent;
	}
	shrink(root, pool);
	return item;
}

/*
 * One descent. Returns the item at the first index >= *index within reach; NULL with *index moved
 * to where the next descent shall start, or to 0 when nothing is left.
 */
static void *descend(const struct radix_tree_root *root, unsigned long *index)
{
	struct radix_tree_node *node = READ_ONCE(root->node);
	unsigned int slot;
	void *next;

	if (!node || !covers(node->shift, *index)) {
		*index = 0;
		return NULL;
	}
	for (;;) {
		slot = slot_of(*index, node->shift);
		while (!(next = READ_ONCE(node->slots[slot]))) {
			*index = ((*index >> node->shift) + 1) << node->shift;
			if (++slot == RADIX_TREE_SLOTS)
				return NULL;
		}
		if (!node->shift)
			return next;
		node = next;
	}
}

void *radix_tree_next(const struct radix_tree_root *root, unsigned long *index)
{
	unsigned long pos = *index;
	void *item;

	while (!(item = descend(root, &pos))) {
		if (!pos)
			return NULL;
	}
	*index = pos;
	return item;
}

unsigned int radix_tree_gang_lookup(const struct radix_tree_root *root, void **items,
				    unsigned long *indices, unsigned long first, unsigned int max)
{
	unsigned long index = first;
	unsigned int n = 0;

	while (n < max) {
		items[n] = radix_tree_next(root, &index);
		if (!items[n])
			break;
		if (indices)
			indices[n] = index;
		n++;
		if (!++index)
			break;
	}
	return n;
}
