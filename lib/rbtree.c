/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees.
 *
 * The problem: keep a set ordered under insertion and removal with no operation worse than
 * O(log n). The four rules:
 *
 *	RB-ROOT		the root is black
 *	RB-RED		a red node has no red child
 *	RB-BLACK	every path from a node down to a missing child has equally many black nodes
 *	RB-ORDER	in-order traversal is the caller's order (rotations keep it)
 *
 * RB-RED and RB-BLACK together bound the height by 2 log2(n + 1).
 *
 * Rotation, the only change of shape (mirror it for the other side):
 *
 *	      P                      N
 *	     / \    rotate left     / \
 *	    a   N   at P     =>    P   c
 *	       / \                / \
 *	      b   c              a   b
 *
 * Insertion hangs a red node n on the tree; only RB-RED can then be broken, between n and its
 * parent p (g: grandparent, u: the other child of g):
 *
 *	u red		paint p and u black, g red; g is the new n. Climbs.
 *	u black, inner	rotate at p, which makes it the next case
 *	u black, outer	rotate at g, swap colours of p and g. Done.
 *
 * Removal of a node with two children first exchanges it with its in-order successor, so that the
 * node taken out has at most one child. If it was black and had no red child to take over its
 * blackness, RB-BLACK is broken at `node` (possibly NULL, hence the explicit parent; s: sibling):
 *
 *	s red			rotate at parent so that s is black; go on below
 *	s black, no red child	paint s red; parent red -> black: done, else climb
 *	s black, inner red	rotate at s, which makes it the next case
 *	s black, outer red	rotate at parent, s takes parent's colour, both others black. Done.
 *
 * Augmented trees need the same steps plus a call wherever a subtree's contents change. The
 * bodies below are therefore inline templates over the rotate callback; the plain versions pass a
 * function that does nothing, and the compiler drops the calls.
 */
#include "lib/rbtree.h"

#define RB_RED	 0UL
#define RB_BLACK 1UL

typedef void (*rotate_fn)(struct rb_node *old, struct rb_node *new);

static inline bool is_black(const struct rb_node *n)
{
	return !n || (n->__rb_parent_color & RB_BLACK);
}

static inline bool is_red(const struct rb_node *n)
{
	return !is_black(n);
}

static inline void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->__rb_parent_color = (n->__rb_parent_color & RB_BLACK) | (unsigned long)parent;
}

static inline void set_black(struct rb_node *n)
{
	n->__rb_parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *n)
{
	n->__rb_parent_color &= ~RB_BLACK;
}

static inline void copy_color(struct rb_node *to, const struct rb_node *from)
{
	to->__rb_parent_color =
		(to->__rb_parent_color & ~RB_BLACK) | (from->__rb_parent_color & RB_BLACK);
}

/* Let whoever pointed down to `old` point to `new`. */
static inline void change_child(struct rb_node *old, struct rb_node *new, struct rb_node *parent,
				struct rb_root *root)
{
	if (!parent)
		WRITE_ONCE(root->rb_node, new);
	else if (parent->rb_left == old)
		WRITE_ONCE(parent->rb_left, new);
	else
		WRITE_ONCE(parent->rb_right, new);
}

static __always_inline void rotate_left(struct rb_node *p, struct rb_root *root, rotate_fn augment)
{
	struct rb_node *n = p->rb_right, *b = n->rb_left;

	WRITE_ONCE(p->rb_right, b);
	if (b)
		set_parent(b, p);
	WRITE_ONCE(n->rb_left, p);
	set_parent(n, rb_parent(p));
	change_child(p, n, rb_parent(p), root);
	set_parent(p, n);
	augment(p, n);
}

static __always_inline void rotate_right(struct rb_node *p, struct rb_root *root, rotate_fn augment)
{
	struct rb_node *n = p->rb_left, *b = n->rb_right;

	WRITE_ONCE(p->rb_left, b);
	if (b)
		set_parent(b, p);
	WRITE_ONCE(n->rb_right, p);
	set_parent(n, rb_parent(p));
	change_child(p, n, rb_parent(p), root);
	set_parent(p, n);
	augment(p, n);
}

static __always_inline void insert_fixup(struct rb_node *n, struct rb_root *root, rotate_fn augment)
{
	struct rb_node *p, *g, *u;

	while ((p = rb_parent(n)) && is_red(p)) {
		g = rb_parent(p); /* exists: p is red, so it is not the root */
		u = p == g->rb_left ? g->rb_right : g->rb_left;
		if (is_red(u)) {
			set_black(p);
			set_black(u);
			set_red(g);
			n = g;
			continue;
		}
		if (p == g->rb_left) {
			if (n == p->rb_right) {
				rotate_left(p, root, augment);
				p = n;
			}
			set_black(p);
			set_red(g);
			rotate_right(g, root, augment);
		} else {
			if (n == p->rb_left) {
				rotate_right(p, root, augment);
				p = n;
			}
			set_black(p);
			set_red(g);
			rotate_left(g, root, augment);
		}
		break;
	}
	set_black(root->rb_node);
}

/* A black node is missing on every path through `node`, which is a child of `parent`. */
static __always_inline void erase_fixup(struct rb_node *node, struct rb_node *parent,
					struct rb_root *root, rotate_fn augment)
{
	struct rb_node *s;

	while (parent && is_black(node)) {
		bool left = node == parent->rb_left;

		s = left ? parent->rb_right : parent->rb_left;
		if (is_red(s)) {
			set_black(s);
			set_red(parent);
			if (left)
				rotate_left(parent, root, augment);
			else
				rotate_right(parent, root, augment);
			s = left ? parent->rb_right : parent->rb_left;
		}
		if (is_black(s->rb_left) && is_black(s->rb_right)) {
			set_red(s);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (left) {
			if (is_black(s->rb_right)) {
				set_black(s->rb_left);
				set_red(s);
				rotate_right(s, root, augment);
				s = parent->rb_right;
			}
			copy_color(s, parent);
			set_black(parent);
			set_black(s->rb_right);
			rotate_left(parent, root, augment);
		} else {
			if (is_black(s->rb_left)) {
				set_black(s->rb_right);
				set_red(s);
				rotate_left(s, root, augment);
				s = parent->rb_left;
			}
			copy_color(s, parent);
			set_black(parent);
			set_black(s->rb_left);
			rotate_right(parent, root, augment);
		}
		return;
	}
	if (node)
		set_black(node);
}

/* What unlinking left behind for the repair. */
struct unlinked {
	struct rb_node *node;	/* took the removed place; may be NULL */
	struct rb_node *parent; /* its parent; may be NULL */
	bool black;		/* a black node went away */
	struct rb_node *dirty;	/* lowest node whose subtree lost something */
};

/* `old` has at most one child: let that child take its place. */
static inline struct unlinked unlink_simple(struct rb_node *old, struct rb_root *root)
{
	struct unlinked u;

	u.node = old->rb_left ? old->rb_left : old->rb_right;
	u.parent = rb_parent(old);
	u.black = is_black(old);
	u.dirty = u.parent;
	if (u.node)
		set_parent(u.node, u.parent);
	change_child(old, u.node, u.parent, root);
	return u;
}

/* `old` has two children: unlink its successor, which then takes old's place and colour. */
static inline struct unlinked unlink_inner(struct rb_node *old, struct rb_root *root,
					   struct rb_node **successor)
{
	struct rb_node *s = old->rb_right;
	struct unlinked u;

	while (s->rb_left)
		s = s->rb_left;
	u.node = s->rb_right;
	u.black = is_black(s);
	if (rb_parent(s) == old) {
		u.parent = s;
	} else {
		u.parent = rb_parent(s);
		WRITE_ONCE(u.parent->rb_left, u.node);
		if (u.node)
			set_parent(u.node, u.parent);
		WRITE_ONCE(s->rb_right, old->rb_right);
		set_parent(s->rb_right, s);
	}
	u.dirty = u.parent;
	WRITE_ONCE(s->rb_left, old->rb_left);
	set_parent(s->rb_left, s);
	s->__rb_parent_color = old->__rb_parent_color;
	change_child(old, s, rb_parent(old), root);
	*successor = s;
	return u;
}

static void dummy_rotate(struct rb_node *old __always_unused, struct rb_node *new __always_unused)
{
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert_fixup(node, root, dummy_rotate);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment)
{
	insert_fixup(node, root, augment->rotate);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *successor;
	struct unlinked u = node->rb_left && node->rb_right ? unlink_inner(node, root, &successor)
							    : unlink_simple(node, root);

	if (u.black)
		erase_fixup(u.node, u.parent, root, dummy_rotate);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment)
{
	struct rb_node *successor = NULL;
	struct unlinked u;

	if (node->rb_left && node->rb_right) {
		u = unlink_inner(node, root, &successor);
		augment->copy(node, successor);
		augment->propagate(u.dirty, successor);
		augment->propagate(successor, NULL);
	} else {
		u = unlink_simple(node, root);
		augment->propagate(u.dirty, NULL);
	}
	if (u.black)
		erase_fixup(u.node, u.parent, root, augment->rotate);
}

void rb_replace_node(struct rb_node *victim, struct rb_node *new, struct rb_root *root)
{
	*new = *victim;
	if (victim->rb_left)
		set_parent(victim->rb_left, new);
	if (victim->rb_right)
		set_parent(victim->rb_right, new);
	change_child(victim, new, rb_parent(victim), root);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->rb_node;

	while (n && n->rb_left)
		n = n->rb_left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->rb_node;

	while (n && n->rb_right)
		n = n->rb_right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *n, *parent;

	if (node->rb_right) {
		for (n = node->rb_right; n->rb_left;)
			n = n->rb_left;
		return n;
	}
	while ((parent = rb_parent(node)) && node == parent->rb_right)
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *n, *parent;

	if (node->rb_left) {
		for (n = node->rb_left; n->rb_right;)
			n = n->rb_right;
		return n;
	}
	while ((parent = rb_parent(node)) && node == parent->rb_left)
		node = parent;
	return parent;
}

static struct rb_node *deepest_left(struct rb_node *n)
{
	while (n->rb_left || n->rb_right)
		n = n->rb_left ? n->rb_left : n->rb_right;
	return n;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->rb_node ? deepest_left(root->rb_node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->rb_left && parent->rb_right)
		return deepest_left(parent->rb_right);
	return parent;
}
