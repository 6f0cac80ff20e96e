/* SPDX-License-Identifier: MIT */
/*
 * The names of all sync points, and what is true at each: X(name, "done; not yet done").
 *
 * kernel/sync_point.h (the kernel) and its shadow in tests/host (the explorer) both make their
 * numbers from this list.
 */
#ifndef KERNEL_SYNC_POINT_LIST_H
#define KERNEL_SYNC_POINT_LIST_H

/* clang-format off */
#define SYNC_POINTS(X) \
	X(walk_between_avcs, "a walk has visited one VMA; the next one it has not looked for") \
	X(rmap_after_mapping_before_lock, "page->mapping is read; the anon_vma has no reference") \
	X(rmap_after_lock_before_walk, "the root is locked; no VMA has been visited") \
	X(move_before_tables, "the new VMA is in all trees; no PTE has moved") \
	X(move_ptes_between_clear_and_set, "the old PTE is none; the new one is not set") \
	X(move_ptes_before_flush, "a table's PTEs have moved; the old addresses are in TLBs") \
	X(move_table_after_set, "a whole table has moved; the old addresses are in TLBs") \
	X(reclaim_before_batch_flush, "pages are unmapped; the TLBs have not been flushed") \
	X(prepare_before_lock, "a VMA's anon_vma is got; nothing is locked, nobody sees it") \
	X(prepare_before_publish, "a VMA has its chain and is in the tree; vma->anon_vma is NULL") \
	X(unmap_before_clear, "reclaim has found the PTE and locked its table; it is present") \
	X(between_load_and_store, "sabotaged: a PTE is read; it is not stored over")\
	X(unmap_after_clear, "reclaim has cleared the PTE; no swap entry is set") \
	X(writeout_before_write, "page unmapped, TLBs flushed; its bytes are not written") \
	X(writeout_after_write, "its bytes are written; the page is still there") \
	X(lazyfree_before_dirty_check, "the PTE is cleared; dirty bit and references unread") \
	X(zap_between_clear_and_mapcount, "the PTE is cleared; the mapcount still has it") \
	X(mmap_before_link, "a new VMA has asked its file, and counts there; it is in no tree") \
	X(munmap_after_zap_before_unlink, "the PTEs are zapped; walks still find the VMAs") \
	X(munmap_before_flush, "PTEs cleared, tables unlinked; TLBs not flushed, nothing freed") \
	X(update_between_start_and_pgoff, "a VMA has its new index; not yet its new start") \
	X(merge_before_protection, "a range has new rights in its VMA; its PTEs have the old") \
	X(merge_after_set_anon_vma, "a merged VMA has its chain; it is not in the trees") \
	X(fork_after_anon_vma_before_copy, "the child's VMA has its chain; no process has it") \
	X(fork_vma_linked_before_tables, "the child's VMA is in all trees; it has no PTE") \
	X(fork_after_wrprotect_before_flush, "the parent's PTEs are read-only; its TLBs are not") \
	X(cow_after_copy_before_set, "the copy is made; the PTE maps the old page") \
	X(access_after_cow_before_retry, "a remote write broke the sharing; it has not looked") \
	X(swapin_after_read_before_ptl, "a swap-in has its page; neither page nor PTE is locked") \
	X(protect_pte_cleared, "the new value of a PTE is worked out; it is not exchanged") \
	X(expand_between_start_and_index, "a VMA has its new range; it is not in the trees") \
	X(exec_stack_before_move, "the new stack holds the arguments; no task uses it") \
	X(mlock_after_flag_before_pages, "the VMAs are locked; their pages are not faulted in") \
	X(migrate_after_unmap, "every PTE is a migration entry; the page is not copied") \
	X(migrate_before_restore, "the page is copied or given up; its PTEs are migration entries")
/* clang-format on */

#define SYNC_POINT_NUMBER(name, what) SP_##name,
enum sync_point { SYNC_POINTS(SYNC_POINT_NUMBER) NR_SYNC_POINTS };
#undef SYNC_POINT_NUMBER

#endif
