/* SPDX-License-Identifier: MIT */
/*
 * The change ring: the last changes to PTEs, VMAs and the reverse map's links, and who made them.
 *
 * For the question "who changed this mapping last?" of a debug kernel. In a release kernel nothing
 * is recorded, and the calls below are nothing.
 */
#ifndef MM_CHANGES_H
#define MM_CHANGES_H

#include "lib/types.h"

struct mm;
struct vm_area;
struct anon_vma_chain;

#ifdef CONFIG_DEBUG

#define CHANGE_LINE 200 /* room for change_text() */

#define CHANGE_KINDS(X)                                                    \
	X(CHANGE_PTE, "pte")		  /* old and new: its values */    \
	X(CHANGE_TABLE, "new page table") /* the PTEs in it start anew */  \
	X(CHANGE_VMA_LINK, "vma linked")  /* old and new: the range */     \
	X(CHANGE_VMA_UNLINK, "vma unlinked")                               \
	X(CHANGE_VMA_WAS, "vma was")	   /* ... before a change of it */ \
	X(CHANGE_VMA_IS, "vma is")	   /* ... and after */             \
	X(CHANGE_VMA_FLAGS, "vma flags")   /* object: the new flags */     \
	X(CHANGE_AVC_INSERT, "avc linked") /* object: the anon_vma */      \
	X(CHANGE_AVC_REMOVE, "avc unlinked")

#define CHANGE_ENUM(name, text) name,
enum change_kind { CHANGE_KINDS(CHANGE_ENUM) NR_CHANGE_KINDS };
#undef CHANGE_ENUM

/* One record: a cache line. */
struct change {
	u64 seq; /* 1 + its number since boot; 0 while it is written */
	u64 time_ns;
	unsigned long where; /* PTE, table: its kernel address; else the struct mm */
	u64 old, new;
	unsigned long object;
	unsigned long caller;
	int task;
	u16 cpu;
	u16 kind;
};

/** changes_start() - from now on changes are recorded: tasks and clocks are there */
void changes_start(void);

/**
 * change_vma() - record a change of a VMA, with its range as it is now
 * change_avc() - record that a VMA's link enters or leaves its tree
 *
 * - any context; the caller of the function that calls it is named as who did it
 */
#define change_vma(kind, vma) __change_vma(kind, vma, (unsigned long)__builtin_return_address(0))
#define change_avc(kind, avc) __change_avc(kind, avc, (unsigned long)__builtin_return_address(0))
void __change_vma(enum change_kind kind, const struct vm_area *vma, unsigned long caller);
void __change_avc(enum change_kind kind, const struct anon_vma_chain *avc, unsigned long caller);

/** change_table() - record that a page became a page table of mm */
void change_table(const void *table, const struct mm *mm);

/* What to look for: everything (mm NULL), or what concerns one address of a process. */
struct change_query {
	const struct mm *mm;
	unsigned long addr;
	unsigned long ptep; /* the address's PTE, 0: it has none */
	u64 next;	    /* where to go on */
};

/**
 * change_query_init() - look for changes of one mapping, the last first
 *
 * - mmap_lock of mm held, or mm NULL
 */
void change_query_init(struct change_query *q, struct mm *mm, unsigned long addr);

/**
 * change_query_next() - the change before; false when there is none, or the ring has lost it
 *
 * - any context; beside writers: a record that is being written over is left out
 */
bool change_query_next(struct change_query *q, struct change *out);

/** change_text() - one line, without a newline. Returns its length. */
int change_text(const struct change *c, char *buf, size_t size);

/** changes_dump() - the last n that the query finds, to the log as an emergency. Any context. */
void changes_dump(struct change_query *q, unsigned int n);

/** changes_dump_last() - the last changes of all. Any context. */
void changes_dump_last(void);

#else

#define change_vma(kind, vma)	((void)(vma))
#define change_avc(kind, avc)	((void)(avc))
#define change_table(table, mm) ((void)(table))

static inline void changes_start(void)
{
}

static inline void changes_dump_last(void)
{
}

#endif
#endif
