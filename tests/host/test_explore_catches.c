/* SPDX-License-Identifier: MIT */
/*
 * The explorer can fail: for each rule whose breach shows only between two CPUs, the rule is broken
 * (mm/sabotage.h), and the scenario named must have a schedule that notices. With the tree: where
 * the list is walked, mremap locks always, and some breaches do not show.
 */
#include "mm/sabotage.h"
#include "tests/host/explorer.h"

#define CATCHES(switch_, by)                                     \
	extern const struct scenario by;                         \
	static void throw_##switch_(void)                        \
	{                                                        \
		CHECK_EQ(sabotage_set(#switch_, true), 0);       \
	}                                                        \
	TEST(explorer_catches_##switch_)                         \
	{                                                        \
		host_tree_only();                                \
		CHECK(explore_finds(&by, throw_##switch_) != 0); \
	}                                                        \
	struct scenario

/* ADJUST-LOCKED, MOVE-ATOMIC, OLD-BEFORE-NEW */
CATCHES(lock_not_second, b16_boundary_moves_vs_migration);
CATCHES(mremap_never_locks, b01_mremap_hides_pte_from_rmap);
CATCHES(table_move_unlocked, b04_table_move_vs_migration);

/* the life of an anon_vma */
CATCHES(lookup_dead, b20_family_teardown_vs_migration);
CATCHES(lookup_once, b20_anon_vma_lookup_vs_teardown);
CATCHES(migration_unpinned, b20_family_teardown_vs_migration);
CATCHES(publish_twice, b21_first_faults_prepare_anon_vma);
CATCHES(tables_before_unlink, b26_munmap_tables_vs_migration);

/* translations that outlive what they translate */
CATCHES(flush_late_mremap, b03_mremap_migration_and_stale_writer);
CATCHES(flush_late_table, b04_table_move_vs_migration);
CATCHES(flush_late_fork, b09_fork_write_protect_and_stale_writer);
CATCHES(flush_late_cow, b09_cow_flush_before_copy_is_seen);
CATCHES(flush_late_zap, b13_shared_unmap_vs_reclaim);
CATCHES(flush_late_reclaim, b13_writer_vs_reclaim);
CATCHES(flush_late_free, b27_munmap_vs_stale_writer);
CATCHES(flush_not_protect, b05_batch_vs_mprotect);
CATCHES(flush_not_lazyfree, b14_lazyfree_and_write_vs_reclaim);
CATCHES(batch_not_counted, b05_batch_vs_mprotect);
CATCHES(batch_not_honoured, b05_batch_vs_munmap);

/* the dirty bit, and who may write */
CATCHES(clear_not_atomic, b14_lazyfree_vs_write);
CATCHES(dirty_not_harvested, b14_lazyfree_vs_write);
CATCHES(fork_not_atomic, b13_fork_vs_dirty_bit);
CATCHES(lazyfree_dirty, b14_lazyfree_vs_write);
CATCHES(cow_unchecked, b40_cow_both_vs_reclaim);
CATCHES(cow_by_mapcount, b11_reuse_vs_reader_without_pte);

/* pages that come and go */
CATCHES(swapin_unchecked, b12_swapin_vs_dontneed);
CATCHES(swapin_stale, b12_swapin_of_replaced_page);
CATCHES(swapin_to_leaf, b24_sharers_swap_in);
CATCHES(mlock_ignored, b35_mlock_vs_reclaim);
CATCHES(migration_one, b25_fork_vs_migration);
