/* SPDX-License-Identifier: MIT */
/*
 * The two indices of reverse mapping.
 *
 * Reverse mapping asks: which VMAs hold page i of this object? For a file's page the object is the
 * file, for an anonymous page its anon_vma. Both answers come from the same generic interval tree;
 * what differs is what is stored and what the key is:
 *
 *	object		node		key (closed interval)			guarded by
 *	address_space	struct vm_area	[vm_pgoff, vm_pgoff + pages - 1]	i_mmap_rwsem
 *	anon_vma	an AVC		[anon_pgoff, anon_pgoff + pages - 1]	root->rwsem
 *				of its VMA
 *
 * A VMA hangs in one file's tree at most, so its node is part of it; it may hang in many anon_vmas'
 * trees (one for each ancestor whose pages it may have inherited), so each of those needs a node of
 * its own: the anon_vma_chain.
 *
 * The key is not stored in the node but read from the VMA. That is why nobody may change a VMA's
 * range while it is in a tree: the tree would be ordered by keys that are no longer there. The
 * debug build stores the key as well and compares at every removal and in validate_mm()
 * (INDEX-FRESH).
 *
 * The list. Before 2012 an anon_vma held a plain list of VMAs, and a walk looked at each of them:
 *
 *	one region split into k VMAs:	list  o-o-o-o-o-o-o-o ... k nodes looked at for each page
 *					tree  one path of log2(k) nodes, then the one VMA
 *
 * `rmap=list` on the command line brings that list back behind the same four functions, so that the
 * difference can be measured on one kernel. The list has no order by index: OLD-BEFORE-NEW cannot
 * hold, and mremap always takes the rmap locks then.
 */
#include "mm/sabotage.h"
#include "mm/vmstat.h"

#define INTERVAL_TREE_VISIT(node)  count_vm_event(RMAP_NODES)
#define INTERVAL_TREE_BEFORE(a, b) ((a) < (b) || (sabotaged(tree_ties_left) && (a) == (b)))
#define INTERVAL_TREE_AUGMENT(own) tree_callbacks(own)

#include "lib/rbtree_augmented.h"

static void forget_max(struct rb_node *from, struct rb_node *to)
{
}

/* How a tree keeps its maxima: as it should, unless one of the three ways is sabotaged. */
static const struct rb_augment_callbacks *tree_callbacks(const struct rb_augment_callbacks *own)
{
	static struct rb_augment_callbacks broken;

	if (!sabotaged(tree_remove_no_max) && !sabotaged(tree_copy_no_max) &&
	    !sabotaged(tree_rotate_no_max))
		return own;
	broken = *own;
	if (sabotaged(tree_remove_no_max))
		broken.propagate = forget_max;
	else if (sabotaged(tree_copy_no_max))
		broken.copy = forget_max;
	else
		broken.rotate = forget_max;
	return &broken;
}

#include "lib/interval_tree_generic.h"
#include "kernel/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/anon_vma.h"
#include "mm/changes.h"
#include "mm/debug.h"
#include "mm/interval_tree.h"
#include "mm/vma.h"

bool anon_rmap_list;

static int rmap_param(const char *value)
{
	if (strcmp(value, "list") && strcmp(value, "tree"))
		return -EINVAL;
	anon_rmap_list = !strcmp(value, "list");
	return 0;
}
CMDLINE_PARAM("rmap", rmap_param);

/* ------------------------------------------------------------------------------ a file's VMAs */

static inline unsigned long file_first(struct vm_area *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long file_last(struct vm_area *vma)
{
	return vma_last_pgoff(vma);
}

INTERVAL_TREE_DEFINE(struct vm_area, shared.rb, unsigned long, shared.rb_subtree_last, file_first,
		     file_last, , vma_interval_tree)

/*
 * In-order successor of prev: its right child's place if that is free, else left of the leftmost
 * node of its right subtree. Every node above has a subtree_last that covers prev's interval, and
 * so node's; those between prev and node are raised on the way down.
 */
void vma_interval_tree_insert_after(struct vm_area *node, struct vm_area *prev,
				    struct rb_root_cached *root)
{
	struct rb_node **link = &prev->shared.rb.rb_right;
	struct rb_node *up = &prev->shared.rb;
	unsigned long last = vma_last_pgoff(node);

	VM_BUG_ON_VMA(file_first(node) != file_first(prev) || last != file_last(prev), node);
	while (*link) {
		struct vm_area *parent = rb_entry(*link, struct vm_area, shared.rb);

		if (parent->shared.rb_subtree_last < last)
			parent->shared.rb_subtree_last = last;
		up = *link;
		link = &up->rb_left;
	}
	node->shared.rb_subtree_last = last;
	rb_link_node(&node->shared.rb, up, link);
	rb_insert_augmented(&node->shared.rb, &root->rb_root, &vma_interval_tree_augment);
}

/* --------------------------------------------------------------------------- an anon_vma's VMAs */

static inline unsigned long avc_first(struct anon_vma_chain *avc)
{
	return avc->vma->anon_pgoff;
}

static inline unsigned long avc_last(struct anon_vma_chain *avc)
{
	return vma_last_anon_pgoff(avc->vma);
}

INTERVAL_TREE_DEFINE(struct anon_vma_chain, rb, unsigned long, rb_subtree_last, avc_first, avc_last,
		     static, avc_tree)

#ifdef CONFIG_DEBUG
static void remember_key(struct anon_vma_chain *avc)
{
	avc->cached_first = avc_first(avc);
	avc->cached_last = avc_last(avc);
}

void anon_vma_interval_tree_verify(struct anon_vma_chain *avc)
{
	VM_BUG_ON_VMA(avc->cached_first != avc_first(avc), avc->vma);
	VM_BUG_ON_VMA(avc->cached_last != avc_last(avc), avc->vma);
}
#else
static inline void remember_key(struct anon_vma_chain *avc)
{
}
#endif

/* As if insertion had passed the node above without raising its maximum. */
static void forget_max_above(struct anon_vma_chain *avc)
{
	struct rb_node *up = rb_parent(&avc->rb);

	if (up && !anon_rmap_list)
		rb_entry(up, struct anon_vma_chain, rb)->rb_subtree_last =
			avc_last(rb_entry(up, struct anon_vma_chain, rb));
}

static inline struct list_head *list_of(struct rb_root_cached *root)
{
	return &container_of(root, struct anon_vma, rb_root)->head;
}

/* The first entry behind `pos` whose VMA overlaps the interval, as a walk before 2012 found it. */
static struct anon_vma_chain *list_search(struct list_head *head, struct list_head *pos,
					  unsigned long first, unsigned long last)
{
	for (pos = pos->next; pos != head; pos = pos->next) {
		struct anon_vma_chain *avc = list_entry(pos, struct anon_vma_chain, same_anon_vma);

		count_vm_event(RMAP_NODES);
		if (avc_first(avc) <= last && first <= avc_last(avc))
			return avc;
	}
	return NULL;
}

void anon_vma_interval_tree_insert(struct anon_vma_chain *node, struct rb_root_cached *root)
{
	remember_key(node);
	change_avc(CHANGE_AVC_INSERT, node);
	if (unlikely(anon_rmap_list))
		list_add_tail(&node->same_anon_vma, list_of(root));
	else
		avc_tree_insert(node, root);
	if (sabotaged(tree_insert_no_max))
		forget_max_above(node);
}

void anon_vma_interval_tree_remove(struct anon_vma_chain *node, struct rb_root_cached *root)
{
	anon_vma_interval_tree_verify(node);
	change_avc(CHANGE_AVC_REMOVE, node);
	if (unlikely(anon_rmap_list))
		list_del(&node->same_anon_vma);
	else
		avc_tree_remove(node, root);
}

struct anon_vma_chain *anon_vma_interval_tree_iter_first(struct rb_root_cached *root,
							 unsigned long first, unsigned long last)
{
	if (unlikely(anon_rmap_list))
		return list_search(list_of(root), list_of(root), first, last);
	return avc_tree_iter_first(root, first, last);
}

struct anon_vma_chain *anon_vma_interval_tree_iter_next(struct anon_vma_chain *node,
							unsigned long first, unsigned long last)
{
	if (unlikely(anon_rmap_list))
		return list_search(&node->anon_vma->head, &node->same_anon_vma, first, last);
	return avc_tree_iter_next(node, first, last);
}
