/* SPDX-License-Identifier: MIT */
/*
 * The page cache: the pages of a file, indexed by their offset, and the VMAs that map them.
 *
 * A struct address_space is what the memory manager knows about a file. It has two indices, and
 * both are needed to answer the question "who uses this page":
 *
 *     page->mapping, page->index  --->  address_space --- i_pages  radix tree   offset -> page
 *                                                     \-- i_mmap   interval tree [first, last]
 *                                                                  offset -> VMAs
 *
 * A struct vm_file is the handle that a mapping of a file holds. mm/ never sees an open file: it
 * sees this handle, which the owner embeds in its own object (kernel/fs: struct file; mm/shmem.c:
 * struct shmem_object).
 */
#ifndef MM_FILEMAP_H
#define MM_FILEMAP_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/radix_tree.h"
#include "lib/rbtree.h"
#include "kernel/spinlock.h"
#include "kernel/rwsem.h"

struct page;
struct vm_area;
struct vm_fault;
struct vm_operations;
struct address_space;
struct vm_file;
typedef unsigned int vm_fault_t;

/* The longest file: each of its bytes has an offset that is a loff_t (Linux's MAX_LFS_FILESIZE). */
#define MAX_FILE_SIZE ((loff_t)(~0UL >> 1))

/* What get_page() does about an index that has no page. */
enum getpage_mode {
	GETPAGE_READ,  /* a hole yields no page: *pagep = NULL, and 0 is returned */
	GETPAGE_ALLOC, /* a hole is filled with a zeroed page; beyond i_size: -EINVAL */
	GETPAGE_WRITE, /* as ALLOC, also beyond i_size: the caller is about to extend the file */
	GETPAGE_RESERVE, /* as WRITE, but a page that fills a hole is none to anybody yet (fallocate) */
};

struct address_space_ops {
	/*
	 * Find or make the page at @index. Returns it locked, uptodate (unless it was RESERVEd just
	 * now) and with a reference.
	 * Sleeps; takes no lock outside the page lock. -ENOMEM, -ENOSPC, -EINVAL, -EIO.
	 */
	int (*get_page)(struct address_space *mapping, unsigned long index, enum getpage_mode mode,
			struct page **pagep);
	/*
	 * Reclaim wants the frame of a dirty page that nobody maps: put its contents elsewhere.
	 * @page is locked and in the page cache, and stays locked. 0: the page has left this
	 * mapping (it is in the swap cache now). -ENOMEM: no room, the page stays. NULL: such pages
	 * cannot be written.
	 */
	int (*writepage)(struct page *page);
	/*
	 * The contents at an index are gone for good (truncated): @value is the tree's value (see
	 * below), or NULL when it was a page. Accounting. No locks; may sleep. May be NULL.
	 */
	void (*freed)(struct address_space *mapping, void *value);
	/*
	 * The mapping is about to end: nobody uses it, its contents are gone. Sleeps. May be NULL.
	 */
	void (*ended)(struct address_space *mapping);
};

/*
 * Locks of the fields:
 *   p  i_pages_lock        m  i_mmap_rwsem        c  constant after address_space_init()
 *   h  written by the host with its own lock held (an inode's i_rwsem), read by anyone with
 *      READ_ONCE
 *   a  atomic
 */
struct address_space {
	struct radix_tree_root i_pages; /* p  struct page *, or a tagged swap entry (mm/shmem.c) */
	spinlock_t i_pages_lock;
	unsigned long nrpages;	      /* p  pages in i_pages */
	unsigned long nrswapped;      /* p  swap entries in i_pages */
	loff_t i_size;		      /* h  bytes; pages at or beyond it are not faulted */
	struct rb_root_cached i_mmap; /* m  interval tree of struct vm_area.shared */
	struct rw_semaphore i_mmap_rwsem;
	atomic_t i_mmap_writable; /* a  shared VMAs with VM_MAYWRITE; negative: denied (seals) */
	unsigned int flags;	  /* c  AS_* */
	const struct address_space_ops *a_ops; /* c */
	void *host;			       /* c  the inode or object that embeds this */
	void *private_data;		       /* c  of a_ops' owner */
	struct list_head swapped;	       /* of a_ops' owner (mm/shmem.c) */
};

#define AS_UNEVICTABLE 1U /* pages never leave memory */
#define AS_PROMISED    2U /* its pages were promised when it was made (mm/shmem.c) */

/* What a VM_SHARED or private file mapping holds on to. */
struct vm_file_ops {
	/*
	 * Take, drop a reference. put() may sleep and may free @file; it takes neither mmap_lock
	 * nor an i_rwsem.
	 */
	void (*get)(struct vm_file *file);
	void (*put)(struct vm_file *file);
	/*
	 * @vma is complete but in no tree yet. Set vma->vm_ops (and vm_flags, vm_private). It may
	 * also replace vma->vm_file by another handle, or by NULL for anonymous memory (/dev/zero):
	 * the owner of the VMA must read vma->vm_file again afterwards. mmap_lock held for writing.
	 * -ENODEV: this kind of file cannot be mapped.
	 */
	int (*mmap)(struct vm_file *file, struct vm_area *vma);
	/*
	 * The path to show in /proc/PID/maps, NUL-terminated. Returns @buf, a pointer inside it, or
	 * an ERR_PTR.
	 */
	char *(*name)(struct vm_file *file, char *buf, size_t size);
	/* Identity for /proc/PID/maps. */
	void (*ident)(struct vm_file *file, dev_t *dev, u64 *ino);
	/*
	 * May the caller know which pages are in memory (mincore)? NULL: anybody may. mmap_lock held.
	 */
	bool (*may_see)(struct vm_file *file);
	/*
	 * Whole pages become a hole (MADV_REMOVE). Sleeps; no locks held. 0 or -E. NULL: nobody but
	 * the mapping need know of it.
	 */
	int (*punch_hole)(struct vm_file *file, loff_t offset, loff_t len);
};

/*
 * VMF_READ: opened for reading; without it mmap() is EACCES. VMF_WRITE: opened for writing; without
 * it a MAP_SHARED mapping has no VM_MAYWRITE, and PROT_WRITE is EACCES. VMF_NOEXEC: on a noexec
 * mount; PROT_EXEC is EPERM, and there is no VM_MAYEXEC.
 */
#define VMF_READ   BIT(0)
#define VMF_WRITE  BIT(1)
#define VMF_NOEXEC BIT(2)

struct vm_file {
	struct address_space *mapping; /* NULL: no page cache behind it (a device) */
	const struct vm_file_ops *ops;
	unsigned int flags; /* VMF_* */
};

static inline void vm_file_get(struct vm_file *file)
{
	file->ops->get(file);
}

static inline void vm_file_put(struct vm_file *file)
{
	file->ops->put(file);
}

/**
 * mapping_map_writable() - a shared mapping that may be written begins. Returns 0, or -EPERM when a
 * seal forbids it. No locks. mapping_unmap_writable() ends it. Called by mm/mmap.c for each VMA
 * with VM_SHARED and VM_MAYWRITE, also when one is split or copied by fork.
 */
int mapping_map_writable(struct address_space *mapping);
void mapping_unmap_writable(struct address_space *mapping);

/**
 * mapping_deny_writable() - forbid shared writable mappings from now on (F_SEAL_WRITE).
 * Returns 0 or -EBUSY when there is one. No locks.
 */
int mapping_deny_writable(struct address_space *mapping);

/** address_space_init() - an empty page cache of size 0. */
void address_space_init(struct address_space *mapping, const struct address_space_ops *a_ops,
			void *host);

/**
 * address_space_destroy() - nothing is mapped, no page is left: check it, free the tree. May sleep.
 */
void address_space_destroy(struct address_space *mapping);

/**
 * find_get_page() - the page at @index with a reference taken, or NULL (hole, or in swap).
 * Takes i_pages_lock. Does not sleep.
 */
struct page *find_get_page(struct address_space *mapping, unsigned long index);

/** filemap_pages() - how many pages so many bytes take. Their end may be no loff_t any more. */
static inline unsigned long filemap_pages(loff_t size)
{
	return DIV_ROUND_UP((unsigned long)size, PAGE_SIZE);
}

/** filemap_beyond_end() - does no byte of the file lie in the page at @index, which may be any? */
static inline bool filemap_beyond_end(const struct address_space *mapping, unsigned long index)
{
	return index >= filemap_pages(READ_ONCE(mapping->i_size));
}

/**
 * The radix tree holds page pointers, and values: a swap entry shifted left, with bit 0 set. Values
 * are the business of mm/shmem.c; everything else sees a hole.
 */
static inline bool filemap_is_value(const void *item)
{
	return (unsigned long)item & 1;
}

/**
 * filemap_replace_item() - put @new where @old is, if it still is there. Keeps nrpages and
 * nrswapped. Takes i_pages_lock. The references of pages are the caller's business.
 */
bool filemap_replace_item(struct address_space *mapping, unsigned long index, void *old, void *new);

/**
 * filemap_get_item() - what the tree holds at @index: NULL, a value, or a page with a reference
 * taken.
 */
void *filemap_get_item(struct address_space *mapping, unsigned long index);

/** filemap_next_value() - the first value at or after *@index, which moves there; NULL: none. */
void *filemap_next_value(struct address_space *mapping, unsigned long *index);

/** find_lock_page() - as find_get_page(), and locked; it is still in @mapping at @index. Sleeps. */
struct page *find_lock_page(struct address_space *mapping, unsigned long index);

/**
 * find_get_pages() - the next pages from *@start to @last (inclusive), at most @nr, each with a
 * reference. *@start moves behind the last one found. Returns how many. Does not sleep.
 */
unsigned int find_get_pages(struct address_space *mapping, unsigned long *start, unsigned long last,
			    struct page **pages, unsigned int nr);

/**
 * add_to_page_cache_locked() - put @page, which the caller has locked, into @mapping at @index.
 * Takes a reference for the cache, counts NR_FILE_PAGES. Does not touch the LRU. May sleep (tree
 * nodes). 0, -EEXIST (another page or a swap entry is there), -ENOMEM.
 */
int add_to_page_cache_locked(struct page *page, struct address_space *mapping, unsigned long index,
			     gfp_t gfp);

/**
 * delete_from_page_cache() - @page, locked and mapped nowhere, leaves its mapping; the cache's
 * reference is dropped.
 */
void delete_from_page_cache(struct page *page);

/**
 * remove_mapping() - reclaim drops a clean page that nobody else holds.
 * @page: locked, unmapped, on no LRU list, with the caller's reference and the cache's. True: it
 * has left the cache and its count is 0, the frame is the caller's to free. False: it is in use or
 * dirty, nothing has changed.
 */
bool remove_mapping(struct address_space *mapping, struct page *page);

/**
 * page_cache_replace() - migration: another frame stands for the page from now on.
 * @old, @new: locked; @new has @old's mapping and index already. True if @old had just @references:
 * the cache's reference is one of @new now. False: somebody else holds @old, nothing has changed.
 */
bool page_cache_replace(struct page *old, struct page *new, int references);

/**
 * filemap_next() - the first byte at or after @pos (below i_size) that has data, or that is in a
 * hole; i_size when there is none. For lseek(SEEK_DATA, SEEK_HOLE). May sleep.
 */
loff_t filemap_next(struct address_space *mapping, loff_t pos, bool data);

/**
 * unmap_mapping_pages() - unmap @nr pages from @start in every VMA that maps the file.
 * @even_cows: also private copies (truncation), not only the file's own pages (a hole is punched).
 * Takes i_mmap_rwsem for reading. Sleeps. The caller holds no mmap_lock and no page lock.
 */
void unmap_mapping_pages(struct address_space *mapping, unsigned long start, unsigned long nr,
			 bool even_cows);

/**
 * truncate_pagecache() - the file now has @newsize bytes: store it, unmap and free all pages
 * behind, zero the tail of the last page. The caller holds the host's lock against writers. Sleeps.
 */
void truncate_pagecache(struct address_space *mapping, loff_t newsize);

/**
 * truncate_pagecache_range() - bytes @start to @end (exclusive) read as zero from now on; whole
 * pages are freed.
 */
void truncate_pagecache_range(struct address_space *mapping, loff_t start, loff_t end);

/**
 * filemap_fault() - vm_operations.fault of a mapped file. Fills vmf->page: locked, uptodate,
 * referenced. mmap_lock held for reading. Returns VM_FAULT_LOCKED (also VM_FAULT_MAJOR when it came
 * from swap), VM_FAULT_SIGBUS (beyond the end), VM_FAULT_OOM.
 */
vm_fault_t filemap_fault(struct vm_fault *vmf);

extern const struct vm_operations generic_file_vm_ops;

#endif
