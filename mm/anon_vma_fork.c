/* SPDX-License-Identifier: MIT */
/*
 * anon_vmas at fork.
 *
 * A child inherits the parent's pages, so its VMA is linked to every anon_vma of the parent's
 * chain: walks for these pages have to visit it. The pages that it will write from now on are its
 * own affair, and go to an anon_vma of its own, which no walk for a relative's page ever looks
 * into:
 *
 *	parent:	  A(P) -- A(0)			the chain of its VMA, newest first
 *	child:	  A(C) -- A(P) -- A(0)		A(C) new, below A(P): its parent is A(P)
 *	   or	  A(P) -- A(0)			A(0) was idle, and is the child's own from now on
 *
 * Two counts, not one. A process that forks and exits, whose child does the same, and so on, would
 * make the chain longer with every generation, full of anon_vmas that no VMA uses for new pages. So
 * fork gives the child, instead of a new one, an anon_vma of the chain that is idle: no VMA has it
 * as its own (num_active_vmas == 0) and at most one anon_vma below it (num_children < 2). One count
 * for both purposes cannot tell one child from one user; an anon_vma was then given away twice,
 * CHAIN-EQUAL broke, and a merge dropped the link that kept a page's anon_vma alive
 * (CVE-2022-42703). A root counts itself as a child, so it is never given away while it has
 * another.
 *
 * An anon_vma belongs to a place in the fork tree, not to a VMA: VMAs that were split from one
 * share it, and so do their copies in a child. A region of 60 000 pieces costs a child one
 * anon_vma.
 *
 * Check first, then act: the new anon_vma and all links are got before the lock is taken, although
 * the former is not needed when an idle one is found; under the lock nothing can fail.
 */
#include "kernel/rwsem.h"
#include "lib/errno.h"
#include "mm/anon_vma_internal.h"
#include "mm/debug.h"
#include "mm/sabotage.h"
#include "mm/vma_internal.h"

static bool anon_vma_is_idle(struct anon_vma *anon_vma)
{
	if (sabotaged(reuse_never))
		return false;
	if (sabotaged(reuse_unchecked))
		return true;
	if (sabotaged(one_counter))
		return anon_vma->num_children + anon_vma->num_active_vmas < 2;
	return anon_vma->num_children < 2 && anon_vma->num_active_vmas == 0;
}

/* The child's links to the parent's anon_vmas; the oldest that is idle becomes the child's own. */
static void fork_chain(struct vm_area *vma, struct vm_area *pvma, struct list_head *reserve)
{
	struct anon_vma_chain *avc;

	list_for_each_entry_reverse (avc, &pvma->anon_vma_chain, same_vma) {
		anon_vma_chain_add(vma, avc->anon_vma, anon_vma_chain_take(reserve));
		if (!vma->anon_vma && anon_vma_is_idle(avc->anon_vma))
			vma->anon_vma = avc->anon_vma;
	}
}

/* The child's own anon_vma, below the parent's. It keeps the root alive, whose lock it uses. */
static void fork_own(struct vm_area *vma, struct vm_area *pvma, struct anon_vma *own,
		     struct list_head *reserve)
{
	own->root = pvma->anon_vma->root;
	own->parent = pvma->anon_vma;
	if (!sabotaged(root_not_pinned))
		get_anon_vma(own->root);
	own->parent->num_children++;
	anon_vma_chain_add(vma, own, anon_vma_chain_take(reserve));
	vma->anon_vma = own;
}

/*
 * VMAs that were one, and were split, share an anon_vma; then their copies can share one as well.
 * The copy of the VMA before is the last of the child so far, with just the chain that this one
 * would get.
 */
static struct vm_area *fork_sibling(struct vm_area *vma, struct vm_area *pvma)
{
	struct vm_area *pprev = vma_prev(pvma), *sibling;

	if (!pprev || pprev->anon_vma != pvma->anon_vma)
		return NULL;
	sibling = vma_last(vma->vm_mm);
	if (!sibling || sibling->vm_start != pprev->vm_start || !sibling->anon_vma)
		return NULL;
	return sibling;
}

int anon_vma_fork(struct vm_area *vma, struct vm_area *pvma)
{
	struct vm_area *sibling;
	struct list_head reserve;
	struct anon_vma *own;

	VM_BUG_ON_VMA(vma->anon_vma || !list_empty(&vma->anon_vma_chain), vma);
	if (!pvma->anon_vma)
		return 0;
	sibling = fork_sibling(vma, pvma);
	if (sibling) {
		if (anon_vma_chain_reserve(&reserve, anon_vma_chain_length(sibling)))
			return -ENOMEM;
		anon_vma_clone(vma, sibling, &reserve);
		return 0;
	}
	own = anon_vma_alloc();
	if (!own)
		return -ENOMEM;
	if (anon_vma_chain_reserve(&reserve, anon_vma_chain_length(pvma) + 1)) {
		put_anon_vma(own);
		return -ENOMEM;
	}
	anon_vma_lock_write(pvma->anon_vma);
	fork_chain(vma, pvma, &reserve);
	if (!vma->anon_vma) {
		fork_own(vma, pvma, own, &reserve);
		own = NULL;
	}
	vma->anon_vma->num_active_vmas++;
	if (!sabotaged(index_not_fork))
		anon_vma_index_insert(vma);
	anon_vma_unlock_write(pvma->anon_vma);

	if (own)
		put_anon_vma(own);
	anon_vma_chain_release(&reserve);
	return 0;
}
