/* SPDX-License-Identifier: MIT */
/*
 * Reaching into an address space from outside: another process's memory, and faulting ranges in.
 */
#ifndef MM_ACCESS_H
#define MM_ACCESS_H

#include "lib/types.h"

struct mm;
struct page;
struct vm_area;

/**
 * access_remote_vm() - copy between a kernel buffer and the memory of mm
 *
 * - takes mmap_lock for reading; may sleep. A stack grows down to addr as for the process itself
 * - write: into mm. Private mappings that are not writable are written through their own copy
 *   when VM_MAYWRITE allows it (a debugger's breakpoint), never through a shared page
 * - returns the number of bytes copied, which ends at the first address that cannot be reached
 */
long access_remote_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write);

/**
 * access_permitted_vm() - the same, but only what the process itself may read or write
 */
long access_permitted_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write);

/**
 * fault_in_range() - make all pages of [start, end) present (MAP_POPULATE, mlock)
 *
 * - mmap_lock held (any mode); may sleep
 * - write: as if written (private pages get their copy)
 * - 0, -ENOMEM when a hole or no memory is met, -EINTR when the task is being killed, -EFAULT for
 *   other failures
 */
int fault_in_range(struct mm *mm, unsigned long start, unsigned long end, bool write);

/**
 * get_user_page() - the page mapped at addr, faulted in as needed
 *
 * - mmap_lock held; may sleep
 * - flags: FAULT_FLAG_WRITE, FAULT_FLAG_FORCE, FAULT_FLAG_REMOTE
 * - returns the page with a reference (put_page() it), or ERR_PTR(-EFAULT, -ENOMEM ...). With
 *   WRITE an anonymous page is exclusive to mm as long as mmap_lock is held
 */
struct page *get_user_page(struct vm_area *vma, unsigned long addr, unsigned int flags);

#endif
