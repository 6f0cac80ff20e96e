/* SPDX-License-Identifier: MIT */
/*
 * The operations of the random test of mm/: each draws a process and a range, does something to the
 * real thing and the same to the oracle's arrays, and checks what was answered.
 */
#ifndef TESTS_HOST_MM_RANDOM_OPS_H
#define TESTS_HOST_MM_RANDOM_OPS_H

#include "lib/types.h"

struct model;

/* Operations that failed for want of memory. */
extern unsigned long nr_failed;

/*
 * Did the operation fail for want of memory, as it may in the test that makes it so? Then nothing
 * has changed: the oracle is left as it is, and what is checked after each step must hold.
 */
bool no_memory(long err);

/* Any process; a range in the busy part of some table, now and then a whole table. */
struct model *random_proc(void);
void random_range(unsigned int *start, unsigned int *len);

void op_write(void);
void op_read(void);
void op_mmap(void);
void op_mmap_file(void);
void op_munmap(void);
void op_mprotect(void);
void op_madvise(void);
void op_guard(void);
void op_mremap(void);
void op_mremap_table(void);
void op_mremap_dontunmap(void);
void op_mremap_many(void);
void op_mremap_grow(void);
void op_mlock(void);
void op_fork_advice(void);

#endif
