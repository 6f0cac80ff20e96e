/* SPDX-License-Identifier: MIT */
#ifndef MM_SABOTAGE_H
#define MM_SABOTAGE_H

/*
 * Sabotage: a test that cannot fail proves nothing, so each rule can be broken on purpose.
 *
 * A switch breaks exactly one rule, at the place that keeps it:
 *
 *	if (!sabotaged(fork_no_wrprotect))
 *		ptep_set_wrprotect(src);
 *
 * `make sabotage` throws one switch after the other and runs the tests that tests/sabotage.txt
 * names for it; a switch that no test notices is a rule that no test defends. By hand:
 *
 *	sabotage=NAME			kernel command line (debug kernel)
 *	--sabotage=NAME			host test program
 *	echo sabotage NAME on > /proc/verso/mm
 *
 * At most one switch is on. In a release kernel sabotaged() is constant false, and nothing of this
 * remains.
 *
 * A new switch: a line in the list, the `if`, and a line in tests/sabotage.txt.
 */
#include "lib/compiler.h"
#include "lib/types.h"

/* clang-format off */
#define SABOTAGES(X)                                                                               \
	/* INDEX-FRESH, INDEX-COMPLETE: the keys in the interval trees */                          \
	X(reindex_not_split,	"INDEX-FRESH: a split leaves the old key in the trees")            \
	X(reindex_not_shrink,	"INDEX-FRESH: a VMA that lost an end keeps its old key")           \
	X(reindex_not_expand,	"INDEX-FRESH: a VMA that grew upward keeps its old key")           \
	X(reindex_not_stack,	"INDEX-FRESH: a stack that grew keeps its old key")                \
	X(reindex_not_merge,	"INDEX-FRESH: a VMA that swallowed another keeps its old key")     \
	X(reindex_not_adjust,	"INDEX-FRESH: a boundary moves, both VMAs keep their old keys")    \
	X(index_not_mremap,	"INDEX-COMPLETE: mremap's new VMA is not put into the trees")      \
	X(index_not_fork,	"INDEX-COMPLETE: the child's VMA is not put into the trees")       \
	X(rebase_not_unfaulted,	"an unfaulted VMA that moves keeps the index of its old place")    \
	X(rebase_faulted,	"PAIR: a faulted VMA that moves gets the index of its new place")  \
	X(rebase_not_wiped,	"a VMA wiped on fork keeps its parent's index")                    \
	/* the tree itself */                                                                      \
	X(tree_insert_no_max,	"IT-MAX: insertion does not raise the maxima above")               \
	X(tree_remove_no_max,	"IT-MAX: removal does not lower the maxima above")                 \
	X(tree_copy_no_max,	"IT-MAX: a node that takes another's place keeps its maximum")     \
	X(tree_rotate_no_max,	"IT-MAX: a rotation does not compute the maximum anew")            \
	X(tree_ties_left,	"IT-ORDER: equal starts are inserted to the left")                 \
	/* ADJUST-LOCKED, MOVE-ATOMIC, OLD-BEFORE-NEW */                                           \
	X(lock_not_second,	"ADJUST-LOCKED: only the first VMA of an update is asked")         \
	X(mremap_never_locks,	"OLD-BEFORE-NEW: need_rmap_locks is always false")                 \
	X(table_move_unlocked,	"MOVE-ATOMIC: a whole table moves without the rmap locks")         \
	/* the life of an anon_vma */                                                              \
	X(chain_reversed,	"CHAIN-ORDER: new links are put at the root's end of the chain")   \
	X(chain_not_split,	"OWN-IN-CHAIN: the upper half of a split gets no chain")           \
	X(chain_not_merged,	"CVE-2026-23077: a merge does not hand the chain to the target")   \
	X(merge_any_chain,	"CHAIN-EQUAL: faulted VMAs with different chains may merge")       \
	X(merge_any_index,	"PAIR: faulted VMAs whose indices do not run on may merge")        \
	X(merge_forked_chain,	"an unfaulted VMA may merge into a forked family")                 \
	X(merge_over_gap,	"a merge of three does not ask whether the outer two may")         \
	X(one_counter,		"CVE-2022-42703: children and users of an anon_vma in one count")  \
	X(reuse_unchecked,	"fork gives the child an anon_vma that is in use")                 \
	X(reuse_never,		"fork never reuses an idle anon_vma: chains grow for ever")        \
	X(borrow_forked,	"a neighbour's anon_vma is borrowed although its chain is long")   \
	X(users_not_counted,	"a clone does not count as a user of its anon_vma")                \
	X(avc_not_unlinked,	"an unlinked VMA's AVCs stay in their trees")                      \
	X(avc_leaked,		"an AVC that is merged away is not freed")                         \
	X(root_not_pinned,	"ANON_VMA-LIVE: a child's anon_vma holds no reference of its root")\
	X(unlink_unpinned,	"ANON_VMA-LIVE: who unlinks holds no reference while it unlocks")  \
	X(lookup_dead,		"ANON_VMA-LIVE: a lookup takes an anon_vma whose count is zero")   \
	X(lookup_once,		"ANON_VMA-LIVE: a lookup does not look at the page again")         \
	X(publish_twice,	"two faults give a VMA its anon_vma, and both do")                 \
	X(publish_early,	"vma->anon_vma is published before its chain is complete")         \
	/* TLB-BEFORE-FREE, -COPY, -IO */                                                          \
	X(flush_late_mremap,	"mremap flushes after the PTE locks are dropped")                  \
	X(flush_late_table,	"a table's move is flushed after the locks are dropped")           \
	X(flush_late_fork,	"TLB-BEFORE-COPY: fork flushes after mmap_lock is dropped")        \
	X(flush_late_cow,	"TLB-BEFORE-COPY: the copy is mapped before the flush")            \
	X(flush_late_zap,	"a dirty shared page is flushed after the PTE lock is dropped")    \
	X(flush_late_reclaim,	"TLB-BEFORE-IO: reclaim evicts before the batch is flushed")       \
	X(flush_late_free,	"TLB-BEFORE-FREE: unmapped frames are freed before the flush")     \
	X(flush_not_protect,	"mprotect takes a right away and does not flush")                  \
	X(flush_not_lazyfree,	"MADV_FREE cleans PTEs and does not flush")                        \
	X(batch_not_counted,	"B5: reclaim clears a PTE and does not say that it owes a flush")  \
	X(batch_not_honoured,	"B5: a none PTE is believed while reclaim owes the flush")         \
	X(clear_not_atomic,	"B13: a PTE is loaded, then stored over")                          \
	X(dirty_not_harvested,	"B13: the dirty bit of a cleared PTE is dropped")                  \
	/* EXCLUSIVE and copy-on-write */                                                          \
	X(fork_no_wrprotect,	"EXCLUSIVE: fork leaves the parent's PTE writable")                \
	X(fork_not_atomic,	"B13: fork loads a PTE, then stores it write-protected")           \
	X(fork_stays_exclusive,	"EXCLUSIVE: fork does not clear the page's exclusive bit")         \
	X(fork_swap_exclusive,	"EXCLUSIVE: fork does not clear a swap entry's exclusive bit")     \
	X(fork_migration_write,	"EXCLUSIVE: fork copies a writable migration entry as it is")      \
	X(fork_no_mapcount,	"fork does not count the child's mapping")                         \
	X(fork_no_swap_count,	"fork does not count the child's swap entry")                      \
	X(access_forgets_write,"B10: a forced write does not look again what it writes to")   \
	X(cow_by_mapcount,	"B11: a page mapped once is written although it is referenced")    \
	X(cow_unchecked,	"a copy is mapped although the PTE has changed meanwhile")         \
	X(cow_keeps_home,	"a reused page stays with the relatives' anon_vma")                \
	X(protect_any_page,	"EXCLUSIVE: mprotect makes PTEs of shared pages writable")         \
	X(swap_not_exclusive,	"B34: a swap entry forgets that its page was exclusive")           \
	/* pages that come and go */                                                               \
	X(swapin_unchecked,	"a page from swap is mapped although the PTE has changed")         \
	X(swapin_stale,		"B12: a page is mapped that is no longer the entry's")             \
	X(swapin_to_leaf,	"B24: a shared page swapped in goes to the youngest anon_vma")     \
	X(zero_page_counted,	"the zero page is counted as resident")                            \
	X(lazyfree_dirty,	"B14: a lazily freed page vanishes although written to again")     \
	X(lazyfree_shared,	"MADV_FREE takes a page that a relative maps")                     \
	X(guard_not_copied,	"fork does not look for the guards of a VMA")                      \
	X(guard_not_sticky,	"a merged VMA forgets that a part of it had guards")               \
	X(guard_zapped,		"forgetting the pages takes the guards among them away")           \
	X(mlock_ignored,	"B35: reclaim takes the pages of locked VMAs")                     \
	X(migration_one,	"RMAP-COMPLETE: migration restores the first entry it finds only") \
	X(migration_unpinned,	"ANON_VMA-LIVE: migration holds no reference of the anon_vma")     \
	X(tables_before_unlink,	"B26: munmap frees page tables while walks may come there")        \
	X(dontunmap_linked,	"B38: a VMA emptied by mremap stays with its anon_vma")            \
	X(stack_no_gap,		"B31: a stack grows up to its neighbour")                          \
	X(oom_no_last_look,	"LAST-LOOK: the OOM killer kills for memory that came back")
/* clang-format on */

#define SABOTAGE_ENUM(name, rule) SABOTAGE_##name,
enum sabotage { SABOTAGE_NONE, SABOTAGES(SABOTAGE_ENUM) NR_SABOTAGES };
#undef SABOTAGE_ENUM

#ifdef CONFIG_DEBUG

extern enum sabotage sabotage_active;

#define sabotaged(name) unlikely(sabotage_active == SABOTAGE_##name)

/* Throw a switch, or put it back. 0, or -EINVAL when there is none of this name. Any context. */
int sabotage_set(const char *name, bool on);
/* A switch by number, from 1: its name and its rule; false behind the last. */
bool sabotage_describe(unsigned int i, const char **name, const char **rule);

#else

#define sabotaged(name) ((void)SABOTAGE_##name, false)

#endif

#endif
