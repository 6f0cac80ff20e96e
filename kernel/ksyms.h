/* SPDX-License-Identifier: MIT */
/*
 * Names of the kernel's functions, for backtraces. The table is made by tools/ksyms.py at link
 * time.
 */
#ifndef KERNEL_KSYMS_H
#define KERNEL_KSYMS_H

#include "lib/types.h"

/* ksym_lookup() - the function that holds @addr, and how far into it; NULL when there is none. */
const char *ksym_lookup(unsigned long addr, unsigned long *offset);
/* ksym_address() - where the function @name begins, or 0. Slow: a linear search. */
unsigned long ksym_address(const char *name);
/* ksyms_init() - let %pS print names. */
void ksyms_init(void);

#endif /* KERNEL_KSYMS_H */
