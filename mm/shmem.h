/* SPDX-License-Identifier: MIT */
/*
 * Memory that is a file: page-cache pages with nothing behind them but swap.
 *
 * tmpfs files, memfds, System V segments and MAP_SHARED | MAP_ANONYMOUS regions are all this. The
 * contents of an address_space set up by shmem_mapping_init() live in its pages (PG_swapbacked),
 * or, when reclaim needed the frame, in swap: then the radix tree holds a tagged swap entry in
 * place of the page.
 */
#ifndef MM_SHMEM_H
#define MM_SHMEM_H

#include "mm/filemap.h"

/* Pages that the mappings of one file system may have, in memory and in swap together. */
struct shmem_limit {
	atomic_long_t used;
	long max;
};

/**
 * shmem_mapping_init() - an empty mapping whose pages are memory. @host as in address_space_init().
 * @limit: may be NULL; it lives as long as the mapping.
 */
void shmem_mapping_init(struct address_space *mapping, void *host, struct shmem_limit *limit);

/**
 * shmem_vm_file() - shared anonymous memory of @size bytes, for mmap(MAP_SHARED | MAP_ANONYMOUS)
 * and /dev/zero. All of it is promised (vm_enough_memory()), unless @vm_flags has VM_NORESERVE.
 * Returns a handle with one reference, which the VMA takes over, or ERR_PTR(-ENOMEM). Sleeps. Its
 * ops->mmap sets vma->vm_ops; vma->vm_pgoff starts at 0.
 */
struct vm_file *shmem_vm_file(size_t size, unsigned long vm_flags);

/**
 * shmem_unreserve() - pages from @first to @last (inclusive) that GETPAGE_RESERVE has put there and
 * nobody has used since are holes again. Whoever reserves is kept out. Sleeps.
 */
void shmem_unreserve(struct address_space *mapping, unsigned long first, unsigned long last);

/** shmem_value_in_memory() - has the swap cache the page of a value in the tree? Does not sleep. */
bool shmem_value_in_memory(const void *value);

/** shmem_pages_total() - pages of all shmem mappings, in memory. What /proc/meminfo calls Shmem. */
unsigned long shmem_pages_total(void);

/**
 * shmem_promised() - what shared memory is promised, in pages, segments of System V excepted. With
 * the VMAs of VM_ACCOUNT it makes up vm_committed_pages().
 */
unsigned long shmem_promised(void);

/** is_shmem_mapping() - was @mapping set up by shmem_mapping_init()? */
bool is_shmem_mapping(const struct address_space *mapping);

/**
 * shmem_willneed() - begin to read what of pages @first to @last is in swap. Nobody waits for it.
 * Sleeps.
 */
void shmem_willneed(struct address_space *mapping, unsigned long first, unsigned long last);

/**
 * shmem_unuse() - swapoff: bring back all pages of shared memory that lie in a swap device. 0 or
 * -ENOMEM. Sleeps; no locks held; one caller at a time.
 */
int shmem_unuse(unsigned int type, gfp_t gfp);

/** shmem_init() - caches. After slab_init(). */
void shmem_init(void);

#endif
