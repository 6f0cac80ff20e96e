/* SPDX-License-Identifier: MIT */
/* Macros that write the callbacks of an augmented red-black tree. */
#ifndef LIB_RBTREE_AUGMENTED_H
#define LIB_RBTREE_AUGMENTED_H

#include "lib/rbtree.h"

/*
 * RB_DECLARE_CALLBACKS(static, name, struct, rb member, value member, compute)
 *
 * Defines `name` (struct rb_augment_callbacks) and its three functions.
 * compute(node, exit) recomputes node's value from its own data and its children's values. With
 * `exit` it returns true, and stores nothing, when the value did not change: then nothing above
 * changes either, and propagation stops. Otherwise it stores and returns false.
 */
#define RB_DECLARE_CALLBACKS(RBSTATIC, RBNAME, RBSTRUCT, RBFIELD, RBAUGMENTED, RBCOMPUTE) \
	static void RBNAME##_propagate(struct rb_node *rb, struct rb_node *stop)          \
	{                                                                                 \
		while (rb != stop) {                                                      \
			RBSTRUCT *node = rb_entry(rb, RBSTRUCT, RBFIELD);                 \
                                                                                          \
			if (RBCOMPUTE(node, true))                                        \
				break;                                                    \
			rb = rb_parent(&node->RBFIELD);                                   \
		}                                                                         \
	}                                                                                 \
	static void RBNAME##_copy(struct rb_node *rb_old, struct rb_node *rb_new)         \
	{                                                                                 \
		RBSTRUCT *old = rb_entry(rb_old, RBSTRUCT, RBFIELD);                      \
		RBSTRUCT *new = rb_entry(rb_new, RBSTRUCT, RBFIELD);                      \
                                                                                          \
		new->RBAUGMENTED = old->RBAUGMENTED;                                      \
	}                                                                                 \
	static void RBNAME##_rotate(struct rb_node *rb_old, struct rb_node *rb_new)       \
	{                                                                                 \
		RBSTRUCT *old = rb_entry(rb_old, RBSTRUCT, RBFIELD);                      \
		RBSTRUCT *new = rb_entry(rb_new, RBSTRUCT, RBFIELD);                      \
                                                                                          \
		new->RBAUGMENTED = old->RBAUGMENTED;                                      \
		RBCOMPUTE(old, false);                                                    \
	}                                                                                 \
	RBSTATIC const struct rb_augment_callbacks RBNAME = {                             \
		.propagate = RBNAME##_propagate,                                          \
		.copy = RBNAME##_copy,                                                    \
		.rotate = RBNAME##_rotate,                                                \
	}

/*
 * The usual case: the value is the maximum over the subtree of a per-node number.
 * compute(node) returns that number.
 */
#define RB_DECLARE_CALLBACKS_MAX(RBSTATIC, RBNAME, RBSTRUCT, RBFIELD, RBTYPE, RBAUGMENTED, \
				 RBCOMPUTE)                                                \
	static inline bool RBNAME##_compute_max(RBSTRUCT *node, bool exit)                 \
	{                                                                                  \
		RBTYPE max = RBCOMPUTE(node);                                              \
		RBSTRUCT *child;                                                           \
                                                                                           \
		if (node->RBFIELD.rb_left) {                                               \
			child = rb_entry(node->RBFIELD.rb_left, RBSTRUCT, RBFIELD);        \
			if (child->RBAUGMENTED > max)                                      \
				max = child->RBAUGMENTED;                                  \
		}                                                                          \
		if (node->RBFIELD.rb_right) {                                              \
			child = rb_entry(node->RBFIELD.rb_right, RBSTRUCT, RBFIELD);       \
			if (child->RBAUGMENTED > max)                                      \
				max = child->RBAUGMENTED;                                  \
		}                                                                          \
		if (exit && node->RBAUGMENTED == max)                                      \
			return true;                                                       \
		node->RBAUGMENTED = max;                                                   \
		return false;                                                              \
	}                                                                                  \
	RB_DECLARE_CALLBACKS(RBSTATIC, RBNAME, RBSTRUCT, RBFIELD, RBAUGMENTED, RBNAME##_compute_max)

#endif
