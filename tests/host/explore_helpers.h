/* SPDX-License-Identifier: MIT */
/*
 * What the explorer's scenarios have in common: a machine with a process of a few anonymous pages,
 * pages in the hands of reclaim or migration, and the check of everything at the end.
 *
 * A page's content is one number. Numbers of different pages and writers differ, so that a page of
 * somebody else, an old one and a lost write are all told by what is read.
 */
#ifndef TESTS_HOST_EXPLORE_HELPERS_H
#define TESTS_HOST_EXPLORE_HELPERS_H

#include "tests/host/explorer.h"
#include "tests/host/mm_helpers.h"

struct page;

#define BASE 0x10000000UL /* 2 MiB aligned, the usual place of mappings */
#define RW   3		  /* PROT_READ | PROT_WRITE */
#define RO   1

/* The processes of a scenario; [0] is made by x_machine(). */
#define X_PROCESSES 4
extern struct mm *x_mm[X_PROCESSES];
#define MM x_mm[0]

/* A small machine, one process without mappings, nothing in any cache. */
void x_machine(void);
/* `nr` pages at addr of MM, page i holding value(addr of page i). */
void x_map(unsigned long addr, unsigned int nr);
u64 x_value(unsigned long addr);

/* The page mapped at addr, off the LRU lists, with the reference of who isolated it. */
struct page *x_isolate(struct mm *mm, unsigned long addr);
/* The same while others run: NULL when there is none, or somebody else has it. */
struct page *x_try_isolate(struct mm *mm, unsigned long addr);
/* Is a page mapped at addr? */
bool x_present(struct mm *mm, unsigned long addr);
/* What reclaim does with a list of pages that it has isolated. */
void x_reclaim(struct page *page);
void x_reclaim_two(struct page *a, struct page *b);
/* What migration does with a page that it has isolated. Returns 0 or -EAGAIN. */
int x_migrate(struct page *page);

/* fork(): x_mm[i] becomes a copy of mm. */
void x_fork(struct mm *mm, unsigned int i);

/* One access by the running coroutine's CPU: 0, or the fault's error. */
unsigned int x_write(struct mm *mm, unsigned long addr, u64 value);
unsigned int x_read(struct mm *mm, unsigned long addr, u64 *value);
/* The same, which must succeed, and read this. */
void x_poke(struct mm *mm, unsigned long addr, u64 value);
void x_expect(struct mm *mm, unsigned long addr, u64 value);

/* Every invariant of every process that is left, and each page of [addr, addr + nr) its value. */
void x_check_pages(struct mm *mm, unsigned long addr, unsigned int nr);
/* The end of every schedule: all invariants, then the processes go, and nothing may be left. */
void x_finish(void);

#endif
