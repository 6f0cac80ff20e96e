/* SPDX-License-Identifier: MIT */
#ifndef MM_INTERVAL_TREE_H
#define MM_INTERVAL_TREE_H

/*
 * The two indices of reverse mapping, both from lib/interval_tree_generic.h: an anon_vma's AVCs
 * by anonymous index, a file's VMAs by file index. Closed intervals; equal starts keep the order
 * of insertion; a search returns hits from the lowest start upward.
 */

#include "lib/rbtree.h"
#include "lib/types.h"

struct anon_vma_chain;
struct vm_area;

/* ---- a file's mappings: mapping->i_mmap, under i_mmap_rwsem ---------------------------------- */

void vma_interval_tree_insert(struct vm_area *node, struct rb_root_cached *root);
void vma_interval_tree_remove(struct vm_area *node, struct rb_root_cached *root);
struct vm_area *vma_interval_tree_iter_first(struct rb_root_cached *root, unsigned long first,
					     unsigned long last);
struct vm_area *vma_interval_tree_iter_next(struct vm_area *node, unsigned long first,
					    unsigned long last);

/* Insert `node`, whose file range equals that of `prev`, right after it: so fork's child is
 * visited after its parent. */
void vma_interval_tree_insert_after(struct vm_area *node, struct vm_area *prev,
				    struct rb_root_cached *root);

/* Every VMA of the file that maps a page of [first, last]. */
#define vma_interval_tree_foreach(vma, root, first, last)                    \
	for ((vma) = vma_interval_tree_iter_first(root, first, last); (vma); \
	     (vma) = vma_interval_tree_iter_next(vma, first, last))

/* ---- an anon_vma's VMAs: anon_vma->rb_root, under the root's rwsem --------------------------- */

/*
 * With `rmap=list` on the kernel command line these four work on the linked list that Linux had
 * before 2012 (every VMA of the family is looked at), so that both can be measured on one kernel.
 */
extern bool anon_rmap_list;

void anon_vma_interval_tree_insert(struct anon_vma_chain *node, struct rb_root_cached *root);
void anon_vma_interval_tree_remove(struct anon_vma_chain *node, struct rb_root_cached *root);
struct anon_vma_chain *anon_vma_interval_tree_iter_first(struct rb_root_cached *root,
							 unsigned long first, unsigned long last);
struct anon_vma_chain *anon_vma_interval_tree_iter_next(struct anon_vma_chain *node,
							unsigned long first, unsigned long last);

/* Every AVC whose VMA holds an index of [first, last]: for the VMAs of one page,
 * anon_vma_interval_tree_foreach(avc, &anon_vma->rb_root, page->index, page->index). */
#define anon_vma_interval_tree_foreach(avc, root, first, last)                    \
	for ((avc) = anon_vma_interval_tree_iter_first(root, first, last); (avc); \
	     (avc) = anon_vma_interval_tree_iter_next(avc, first, last))

#ifdef CONFIG_DEBUG
/* Panic if the VMA's range changed since the AVC was indexed (INDEX-FRESH). Root lock held. */
void anon_vma_interval_tree_verify(struct anon_vma_chain *node);
#else
static inline void anon_vma_interval_tree_verify(struct anon_vma_chain *node)
{
}
#endif

#endif
