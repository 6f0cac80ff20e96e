/* SPDX-License-Identifier: MIT */
/*
 * Interval trees, as a template.
 *
 * The problem: of n closed intervals [start, last], find those that overlap a query [qs, ql].
 * A red-black tree ordered by start is augmented with, per node, the greatest `last` of its
 * subtree (Cormen et al., section 14.3):
 *
 *	                 [5, 9] max 20
 *	               /               \
 *	     [2, 20] max 20         [8, 11] max 11
 *	     /
 *	[1, 3] max 3
 *
 * Two facts answer a query:
 *	a node overlaps it   iff   node.start <= ql  and  qs <= node.last
 *	a subtree whose max is below qs holds no overlap, and can be skipped
 *
 * Invariants:
 *	IT-ORDER	in-order traversal is by start; equal starts in order of insertion (ties go
 *			right), so a walk's order is well defined and rmap can rely on it
 *	IT-MAX		subtree_last == max(own last, the children's subtree_last), at every node
 *
 * iter_first finds the *leftmost* overlap in O(log n), iter_next continues in order. Listing m
 * overlaps costs O(min(n, (m + 1) log n)). Nothing is allocated; several readers may walk at a
 * time. A node's interval must not change while it is in the tree.
 *
 *	INTERVAL_TREE_DEFINE(ITSTRUCT, ITRB, ITTYPE, ITSUBTREE, ITSTART, ITLAST, ITSTATIC, ITPREFIX)
 *
 *	ITSTRUCT	struct type of the nodes
 *	ITRB		its struct rb_node member
 *	ITTYPE		type of the end points
 *	ITSUBTREE	its ITTYPE member for the maximum
 *	ITSTART(n)	lower end of node n; ITLAST(n): upper end, inclusive
 *	ITSTATIC	`static` or nothing
 *	ITPREFIX	the functions are ITPREFIX_insert, _remove, _iter_first, _iter_next, and the
 *			callbacks ITPREFIX_augment (for code that links nodes by hand)
 *
 * A file may define, before it includes this header, what an instrumented tree does differently:
 *
 *	INTERVAL_TREE_VISIT(node)	a search looks at a node: counting
 *	INTERVAL_TREE_BEFORE(a, b)	does start a go to the left of start b?
 *	INTERVAL_TREE_AUGMENT(own)	the callbacks that keep IT-MAX, given the right ones
 */
#ifndef LIB_INTERVAL_TREE_GENERIC_H
#define LIB_INTERVAL_TREE_GENERIC_H

#include "lib/rbtree_augmented.h"

#ifndef INTERVAL_TREE_VISIT
#define INTERVAL_TREE_VISIT(node) \
	do {                      \
	} while (0)
#endif

#ifndef INTERVAL_TREE_BEFORE
#define INTERVAL_TREE_BEFORE(a, b) ((a) < (b))
#endif

#ifndef INTERVAL_TREE_AUGMENT
#define INTERVAL_TREE_AUGMENT(own) (own)
#endif

#define INTERVAL_TREE_DEFINE(ITSTRUCT, ITRB, ITTYPE, ITSUBTREE, ITSTART, ITLAST, ITSTATIC,         \
			     ITPREFIX)                                                             \
                                                                                                   \
	RB_DECLARE_CALLBACKS_MAX(static, ITPREFIX##_augment, ITSTRUCT, ITRB, ITTYPE, ITSUBTREE,    \
				 ITLAST);                                                          \
                                                                                                   \
	ITSTATIC void ITPREFIX##_insert(ITSTRUCT *node, struct rb_root_cached *root)               \
	{                                                                                          \
		struct rb_node **link = &root->rb_root.rb_node, *up = NULL;                        \
		ITTYPE start = ITSTART(node), last = ITLAST(node);                                 \
		bool leftmost = true;                                                              \
                                                                                                   \
		while (*link) {                                                                    \
			ITSTRUCT *parent = rb_entry(*link, ITSTRUCT, ITRB);                        \
                                                                                                   \
			up = *link;                                                                \
			if (parent->ITSUBTREE < last)                                              \
				parent->ITSUBTREE = last;                                          \
			if (INTERVAL_TREE_BEFORE(start, ITSTART(parent))) {                        \
				link = &up->rb_left;                                               \
			} else {                                                                   \
				link = &up->rb_right;                                              \
				leftmost = false;                                                  \
			}                                                                          \
		}                                                                                  \
		node->ITSUBTREE = last;                                                            \
		rb_link_node(&node->ITRB, up, link);                                               \
		rb_insert_augmented_cached(&node->ITRB, root, leftmost,                            \
					   INTERVAL_TREE_AUGMENT(&ITPREFIX##_augment));            \
	}                                                                                          \
                                                                                                   \
	ITSTATIC void ITPREFIX##_remove(ITSTRUCT *node, struct rb_root_cached *root)               \
	{                                                                                          \
		rb_erase_augmented_cached(&node->ITRB, root,                                       \
					  INTERVAL_TREE_AUGMENT(&ITPREFIX##_augment));             \
	}                                                                                          \
                                                                                                   \
	/* Leftmost overlap within node's subtree; the caller has checked start <= its max. */     \
	static ITSTRUCT *ITPREFIX##_subtree_search(ITSTRUCT *node, ITTYPE start, ITTYPE last)      \
	{                                                                                          \
		for (;;) {                                                                         \
			INTERVAL_TREE_VISIT(node);                                                 \
			if (node->ITRB.rb_left) {                                                  \
				ITSTRUCT *left = rb_entry(node->ITRB.rb_left, ITSTRUCT, ITRB);     \
                                                                                                   \
				/* Something to the left ends late enough. If even that starts  */ \
				/* too late, so does everything further right.                  */ \
				if (start <= left->ITSUBTREE) {                                    \
					node = left;                                               \
					continue;                                                  \
				}                                                                  \
			}                                                                          \
			if (ITSTART(node) > last)                                                  \
				return NULL;                                                       \
			if (start <= ITLAST(node))                                                 \
				return node;                                                       \
			if (!node->ITRB.rb_right)                                                  \
				return NULL;                                                       \
			node = rb_entry(node->ITRB.rb_right, ITSTRUCT, ITRB);                      \
			if (node->ITSUBTREE < start)                                               \
				return NULL;                                                       \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	ITSTATIC ITSTRUCT *ITPREFIX##_iter_first(struct rb_root_cached *root, ITTYPE start,        \
						 ITTYPE last)                                      \
	{                                                                                          \
		ITSTRUCT *node, *leftmost;                                                         \
                                                                                                   \
		if (!root->rb_root.rb_node)                                                        \
			return NULL;                                                               \
		node = rb_entry(root->rb_root.rb_node, ITSTRUCT, ITRB);                            \
		if (node->ITSUBTREE < start)                                                       \
			return NULL;                                                               \
		leftmost = rb_entry(root->rb_leftmost, ITSTRUCT, ITRB);                            \
		if (ITSTART(leftmost) > last)                                                      \
			return NULL;                                                               \
		return ITPREFIX##_subtree_search(node, start, last);                               \
	}                                                                                          \
                                                                                                   \
	ITSTATIC ITSTRUCT *ITPREFIX##_iter_next(ITSTRUCT *node, ITTYPE start, ITTYPE last)         \
	{                                                                                          \
		struct rb_node *rb = node->ITRB.rb_right, *prev;                                   \
                                                                                                   \
		for (;;) {                                                                         \
			/* First what is below to the right ... */                                 \
			if (rb) {                                                                  \
				ITSTRUCT *right = rb_entry(rb, ITSTRUCT, ITRB);                    \
                                                                                                   \
				if (start <= right->ITSUBTREE)                                     \
					return ITPREFIX##_subtree_search(right, start, last);      \
			}                                                                          \
			/* ... then the first ancestor of which we are on the left. */             \
			do {                                                                       \
				rb = rb_parent(&node->ITRB);                                       \
				if (!rb)                                                           \
					return NULL;                                               \
				prev = &node->ITRB;                                                \
				node = rb_entry(rb, ITSTRUCT, ITRB);                               \
				rb = node->ITRB.rb_right;                                          \
			} while (prev == rb);                                                      \
			INTERVAL_TREE_VISIT(node);                                                 \
			if (last < ITSTART(node))                                                  \
				return NULL;                                                       \
			if (start <= ITLAST(node))                                                 \
				return node;                                                       \
		}                                                                                  \
	}

#endif
