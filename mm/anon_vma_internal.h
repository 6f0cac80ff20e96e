/* SPDX-License-Identifier: MIT */
/*
 * What anon_vma.c and anon_vma_fork.c share: making an anon_vma, and one link of a chain.
 */
#ifndef MM_ANON_VMA_INTERNAL_H
#define MM_ANON_VMA_INTERNAL_H

#include "mm/anon_vma.h"

/* A new anon_vma with one reference, for now its own root and parent, or NULL. May sleep. */
struct anon_vma *anon_vma_alloc(void);

/* One AVC of a reserve that is known to have one. Any context. */
struct anon_vma_chain *anon_vma_chain_take(struct list_head *reserve);

/* A link at the young end of the VMA's chain, not indexed yet. Root lock held for writing. */
void anon_vma_chain_add(struct vm_area *vma, struct anon_vma *anon_vma, struct anon_vma_chain *avc);

#endif
