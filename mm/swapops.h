/* SPDX-License-Identifier: MIT */
/*
 * Typed page-table entries that are not present.
 *
 * A PTE that is neither present nor empty holds a swp_entry_t: a type and an offset
 * (arch/x86_64/pgtable.h packs them). What the type says:
 *
 *	0 .. MAX_SWAPFILES - 1			the page's bytes are in that swap device, at slot
 *						`offset`
 *	SWP_TYPE_GUARD				nothing: touching the address is forbidden (guard.c)
 *	SWP_TYPE_LOST				the bytes were in a swap device that could not be
 *						read when it was given up: touching them is a bus
 *						error
 *	SWP_TYPE_MIGRATION_READ			the page is on its way to another frame; the PTE
 *						was read-only
 *	SWP_TYPE_MIGRATION_READ_EXCLUSIVE	the same, and the page was exclusive
 *	SWP_TYPE_MIGRATION_WRITE		the same, and the PTE was writable (hence
 *						exclusive, if anonymous)
 *	SWP_TYPE_HWPOISON			the frame is broken; touching it is a bus error
 *
 * A migration entry's offset is the OLD frame's number, so that remove_migration_ptes()
 * recognises its own entries, with two bits above it that keep what the hardware knew:
 *
 *	 49      48       47 ............. 0
 *	| dirty | young |  page frame number |
 *
 * Life of a PTE through migration (function on each edge):
 *
 *	present --try_to_migrate()--> migration entry --remove_migration_ptes()--> present (new)
 *	                                  |    ^ fork copies it (and it becomes READ)
 *	                                  v
 *	                      zap clears it; a fault waits in migration_entry_wait()
 */
#ifndef MM_SWAPOPS_H
#define MM_SWAPOPS_H

#include "arch/x86_64/pgtable.h"
#include "lib/types.h"
#include "mm/page.h"

#define MAX_SWAPFILES 24

#define SWP_MIG_PFN_MASK ((1UL << 48) - 1)
#define SWP_MIG_YOUNG	 (1UL << 48)
#define SWP_MIG_DIRTY	 (1UL << 49)

/* True when the entry names a slot of a swap device. */
static inline bool is_swap_entry(swp_entry_t entry)
{
	return swp_type(entry) < MAX_SWAPFILES;
}

static inline bool is_migration_entry(swp_entry_t entry)
{
	unsigned int type = swp_type(entry);

	return type >= SWP_TYPE_MIGRATION_READ && type <= SWP_TYPE_MIGRATION_READ_EXCLUSIVE;
}

static inline bool is_writable_migration_entry(swp_entry_t entry)
{
	return swp_type(entry) == SWP_TYPE_MIGRATION_WRITE;
}

/* A writable anonymous page is exclusive, so WRITE implies it; a read-only one says so itself. */
static inline bool is_exclusive_migration_entry(swp_entry_t entry)
{
	return swp_type(entry) == SWP_TYPE_MIGRATION_WRITE ||
	       swp_type(entry) == SWP_TYPE_MIGRATION_READ_EXCLUSIVE;
}

static inline swp_entry_t make_guard_entry(void)
{
	return swp_entry(SWP_TYPE_GUARD, 0);
}

static inline bool is_guard_entry(swp_entry_t entry)
{
	return swp_type(entry) == SWP_TYPE_GUARD;
}

static inline bool is_guard_pte(pte_t pte)
{
	return is_swap_pte(pte) && is_guard_entry(pte_to_swp_entry(pte));
}

static inline swp_entry_t make_lost_entry(void)
{
	return swp_entry(SWP_TYPE_LOST, 0);
}

static inline bool is_hwpoison_entry(swp_entry_t entry)
{
	return swp_type(entry) == SWP_TYPE_HWPOISON;
}

/* An entry of one of the SWP_MIGRATION_ types; hw holds SWP_MIG_YOUNG and SWP_MIG_DIRTY. */
static inline swp_entry_t make_migration_entry(unsigned int type, unsigned long pfn,
					       unsigned long hw)
{
	return swp_entry(type, (pfn & SWP_MIG_PFN_MASK) | hw);
}

static inline unsigned long migration_entry_pfn(swp_entry_t entry)
{
	return swp_offset(entry) & SWP_MIG_PFN_MASK;
}

static inline struct page *migration_entry_to_page(swp_entry_t entry)
{
	return pfn_to_page(migration_entry_pfn(entry));
}

static inline bool is_young_migration_entry(swp_entry_t entry)
{
	return swp_offset(entry) & SWP_MIG_YOUNG;
}

static inline bool is_dirty_migration_entry(swp_entry_t entry)
{
	return swp_offset(entry) & SWP_MIG_DIRTY;
}

/* What fork leaves in both address spaces: nobody may take the page for his alone. */
static inline swp_entry_t migration_entry_make_shared(swp_entry_t entry)
{
	return swp_entry(SWP_TYPE_MIGRATION_READ, swp_offset(entry));
}

/* mprotect() took the write permission away; who owns the page alone still does. */
static inline swp_entry_t migration_entry_wrprotect(swp_entry_t entry, bool anon)
{
	unsigned int type = anon ? SWP_TYPE_MIGRATION_READ_EXCLUSIVE : SWP_TYPE_MIGRATION_READ;

	return swp_entry(type, swp_offset(entry));
}

static inline swp_entry_t make_hwpoison_entry(unsigned long pfn)
{
	return swp_entry(SWP_TYPE_HWPOISON, pfn);
}

#endif
