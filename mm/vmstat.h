/* SPDX-License-Identifier: MIT */
/*
 * What the memory manager counts.
 *
 * Both kinds are per CPU, one instruction to count, and summed when they are read:
 *	events	only grow (page faults, pages swapped out ...)
 *	stats	how many there are now (anonymous pages ...); one CPU's part may be negative
 *
 * The names in /proc/vmstat are Linux's where the thing is Linux's (vmstat_text()).
 */
#ifndef MM_VMSTAT_H
#define MM_VMSTAT_H

#include "kernel/percpu.h"
#include "lib/types.h"

#define VM_EVENTS(X)                                                                         \
	X(PGALLOC, "pgalloc_normal")                                                         \
	X(PGFREE, "pgfree")                                                                  \
	X(PGACTIVATE, "pgactivate")                                                          \
	X(PGDEACTIVATE, "pgdeactivate")                                                      \
	X(PGFAULT, "pgfault")                                                                \
	X(PGMAJFAULT, "pgmajfault")                                                          \
	X(PGREFILL, "pgrefill")                                                              \
	X(PGSCAN_KSWAPD, "pgscan_kswapd")                                                    \
	X(PGSCAN_DIRECT, "pgscan_direct")                                                    \
	X(PGSTEAL_KSWAPD, "pgsteal_kswapd")                                                  \
	X(PGSTEAL_DIRECT, "pgsteal_direct")                                                  \
	X(PAGEOUTRUN, "pageoutrun")                                                          \
	X(ALLOCSTALL, "allocstall_normal")                                                   \
	X(PSWPIN, "pswpin")                                                                  \
	X(PSWPOUT, "pswpout")                                                                \
	X(PSWPZERO, "pswpzero")		/* pages of one repeated word: nothing stored */     \
	X(SWAP_REFUSED, "swap_refused") /* no slot, or the device would not take the page */ \
	X(SWAP_RA, "swap_ra")                                                                \
	X(SWAP_RA_HIT, "swap_ra_hit")                                                        \
	X(SWAP_READ_ERROR, "swap_read_error")                                                \
	X(SWAP_WRITE_ERROR, "swap_write_error")                                              \
	X(WORKINGSET_REFAULT_ANON, "workingset_refault_anon")                                \
	X(WORKINGSET_REFAULT_FILE, "workingset_refault_file")                                \
	X(WORKINGSET_ACTIVATE_ANON, "workingset_activate_anon")                              \
	X(WORKINGSET_ACTIVATE_FILE, "workingset_activate_file")                              \
	X(WORKINGSET_RESTORE_ANON, "workingset_restore_anon")                                \
	X(WORKINGSET_RESTORE_FILE, "workingset_restore_file")                                \
	X(PGSCAN_ANON, "pgscan_anon")                                                        \
	X(PGSCAN_FILE, "pgscan_file")                                                        \
	X(PGSTEAL_ANON, "pgsteal_anon")                                                      \
	X(PGSTEAL_FILE, "pgsteal_file")                                                      \
	X(PGCOW, "pgcow")                                                                    \
	X(PGREUSE, "pgreuse")                                                                \
	X(PGZEROPAGE, "pgzeropage")                                                          \
	X(PGMIGRATE_SUCCESS, "pgmigrate_success")                                            \
	X(PGMIGRATE_FAIL, "pgmigrate_fail")                                                  \
	X(COMPACT_MIGRATE_SCANNED, "compact_migrate_scanned")                                \
	X(COMPACT_FREE_SCANNED, "compact_free_scanned")                                      \
	X(COMPACT_ISOLATED, "compact_isolated")                                              \
	X(COMPACT_STALL, "compact_stall")                                                    \
	X(COMPACT_FAIL, "compact_fail")                                                      \
	X(COMPACT_SUCCESS, "compact_success")                                                \
	X(RMAP_WALKS, "rmap_walks")                                                          \
	X(RMAP_VMAS, "rmap_vmas")                                                            \
	X(RMAP_NODES, "rmap_nodes")                                                          \
	X(RMAP_UNMAPPED, "rmap_unmapped")                                                    \
	X(PGLAZYFREE, "pglazyfree")                                                          \
	X(PGLAZYFREED, "pglazyfreed")                                                        \
	X(UNEVICTABLE_MLOCKED, "unevictable_pgs_mlocked")                                    \
	X(UNEVICTABLE_MUNLOCKED, "unevictable_pgs_munlocked")                                \
	X(OOM_KILL, "oom_kill")                                                              \
	X(OOM_REAP, "oom_reap")

#define NODE_STATS(X)                                     \
	X(NR_INACTIVE_ANON, "nr_inactive_anon")           \
	X(NR_ACTIVE_ANON, "nr_active_anon")               \
	X(NR_INACTIVE_FILE, "nr_inactive_file")           \
	X(NR_ACTIVE_FILE, "nr_active_file")               \
	X(NR_UNEVICTABLE, "nr_unevictable")               \
	X(NR_MLOCK, "nr_mlock")                           \
	X(NR_ANON_MAPPED, "nr_anon_pages")                \
	X(NR_FILE_MAPPED, "nr_mapped")                    \
	X(NR_FILE_PAGES, "nr_file_pages")                 \
	X(NR_SHMEM, "nr_shmem")                           \
	X(NR_DIRTY, "nr_dirty")                           \
	X(NR_WRITEBACK, "nr_writeback")                   \
	X(NR_PAGETABLE, "nr_page_table_pages")            \
	X(NR_SLAB_RECLAIMABLE, "nr_slab_reclaimable")     \
	X(NR_SLAB, "nr_slab_unreclaimable")               \
	X(NR_KERNEL_STACK_PAGES, "nr_kernel_stack_pages") \
	X(NR_VMALLOC, "nr_vmalloc_pages")                 \
	X(NR_SWAPCACHE, "nr_swapcached")                  \
	X(NR_SWAP_STORED, "nr_swap_stored_pages") /* frames that hold compressed pages */

#define VMSTAT_ENUM(name, text) name,
enum vm_event { VM_EVENTS(VMSTAT_ENUM) NR_VM_EVENTS };
enum node_stat { NODE_STATS(VMSTAT_ENUM) NR_NODE_STATS };
#undef VMSTAT_ENUM

struct vm_event_state {
	unsigned long event[NR_VM_EVENTS];
};
struct node_stat_state {
	long stat[NR_NODE_STATS];
};

DECLARE_PER_CPU(struct vm_event_state, vm_event_states);
DECLARE_PER_CPU(struct node_stat_state, node_stat_states);

/* Count an event, or n of them. Any context; safe against interrupts. */
#define count_vm_event(e)     this_cpu_inc(vm_event_states.event[e])
#define count_vm_events(e, n) this_cpu_add(vm_event_states.event[e], n)

/* There are n (may be negative) more of something. Any context. */
#define mod_node_stat(s, n) this_cpu_add(node_stat_states.stat[s], n)
#define inc_node_stat(s)    this_cpu_inc(node_stat_states.stat[s])
#define dec_node_stat(s)    this_cpu_dec(node_stat_states.stat[s])

/* Sums over all CPUs. Not exact while others count; a stat is never below 0. */
unsigned long vm_event_sum(enum vm_event e);
unsigned long node_stat(enum node_stat s);

/* The names in /proc/vmstat. */
const char *vm_event_name(enum vm_event e);
const char *node_stat_name(enum node_stat s);

#endif
