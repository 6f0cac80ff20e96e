/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees (Guibas and Sedgewick 1978; the formulation with parent pointers is that of
 * Cormen et al., chapter 13). The nodes are embedded in the caller's objects, and the caller
 * writes the descent:
 *
 *	struct rb_node **link = &root->rb_node, *parent = NULL;
 *
 *	while (*link) {
 *		parent = *link;
 *		link = key < key_of(parent) ? &parent->rb_left : &parent->rb_right;
 *	}
 *	rb_link_node(&new->rb, parent, link);
 *	rb_insert_color(&new->rb, root);
 *
 * Going right on equal keys keeps equal keys in order of insertion.
 *
 * A tree may be *augmented*: each node carries a value computed from its subtree (a maximum, a
 * sum). See rb_insert_augmented() below, and lib/rbtree_augmented.h for the macros that write the
 * three callbacks.
 *
 * Locks: the caller's. Nothing here sleeps, allocates or fails. O(log n) each.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/compiler.h"

struct rb_node {
	unsigned long __rb_parent_color; /* parent's address; bit 0: 1 = black */
	struct rb_node *rb_right;
	struct rb_node *rb_left;
} __aligned(sizeof(long));

struct rb_root {
	struct rb_node *rb_node;
};

/* A root that also remembers its leftmost node, so that the minimum costs O(1). */
struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

#define RB_ROOT	       ((struct rb_root){NULL})
#define RB_ROOT_CACHED ((struct rb_root_cached){{NULL}, NULL})

#define rb_parent(n)		    ((struct rb_node *)((n)->__rb_parent_color & ~3UL))
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member)                    \
	({                                                  \
		typeof(ptr) __rp = (ptr);                   \
		__rp ? rb_entry(__rp, type, member) : NULL; \
	})

#define RB_EMPTY_ROOT(root) (READ_ONCE((root)->rb_node) == NULL)
/* A node that is in no tree may be marked so; the tree itself never looks at the mark. */
#define RB_EMPTY_NODE(node) ((node)->__rb_parent_color == (unsigned long)(node))
#define RB_CLEAR_NODE(node) ((node)->__rb_parent_color = (unsigned long)(node))

/* Hang a new red node on *link below parent. rb_insert_color() must follow. */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->__rb_parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	WRITE_ONCE(*link, node);
}

/* Restore the colours after rb_link_node(). */
void rb_insert_color(struct rb_node *node, struct rb_root *root);
/* Take a node out. Its own pointers are left as they were. */
void rb_erase(struct rb_node *node, struct rb_root *root);
/* Put `new` where `victim` is; both must have the same place in the order. */
void rb_replace_node(struct rb_node *victim, struct rb_node *new, struct rb_root *root);

/* In-order neighbours; NULL at the ends. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* Children before their parent: for freeing a whole tree without erasing node by node. */
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *node);

#define rbtree_postorder_for_each_entry_safe(pos, n, root, field)                                  \
	for ((pos) = rb_entry_safe(rb_first_postorder(root), typeof(*(pos)), field);               \
	     (pos) && ({                                                                           \
		     (n) = rb_entry_safe(rb_next_postorder(&(pos)->field), typeof(*(pos)), field); \
		     1;                                                                            \
	     });                                                                                   \
	     (pos) = (n))

#define rb_first_cached(root) ((root)->rb_leftmost)

/* leftmost: the descent never went right. */
static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root,
					  bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_color(node, &root->rb_root);
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase(node, &root->rb_root);
}

/*
 * Insert by a comparison: less(a, b) says whether a sorts before b. Equal nodes keep the order of
 * their insertion.
 */
static __always_inline void rb_add(struct rb_node *node, struct rb_root *tree,
				   bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, tree);
}

static __always_inline void rb_add_cached(struct rb_node *node, struct rb_root_cached *tree,
					  bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(node, parent, link);
	rb_insert_color_cached(node, tree, leftmost);
}

/*
 * What an augmented tree needs to be told:
 *	propagate(node, stop)	recompute node, its parent ... up to but without stop
 *	copy(old, new)		new takes old's place: give it old's value
 *	rotate(old, new)	new was rotated above old: give it old's value, recompute old
 */
struct rb_augment_callbacks {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old, struct rb_node *new);
	void (*rotate)(struct rb_node *old, struct rb_node *new);
};

/*
 * After rb_link_node(). The caller has already brought the values on the path from the root to
 * the new node up to date (usually during the descent), and set the new node's own.
 */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment);

static inline void rb_insert_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					      bool leftmost,
					      const struct rb_augment_callbacks *augment)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_augmented(node, &root->rb_root, augment);
}

static inline void rb_erase_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					     const struct rb_augment_callbacks *augment)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase_augmented(node, &root->rb_root, augment);
}

#endif
