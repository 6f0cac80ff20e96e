/* SPDX-License-Identifier: MIT */
/*
 * Kernel virtual memory outside the direct map.
 *
 *	VMALLOC_START                                                        VMALLOC_END
 *	| kernel stacks (kstack.c)  | ranges, each followed by a guard page            |
 *	|<----- KSTACK_AREA ------->|
 *
 * Ranges are on a list in address order and handed out first fit: there are few of them, and low
 * addresses being reused keeps the number of page tables small (they are never freed).
 *
 * VMALLOC-FLUSH: a range goes back to the list only after its pages are unmapped and every CPU has
 * flushed; the pages are freed after that too.
 */
#include "mm/vmalloc.h"
#include "arch/x86_64/kmap.h"
#include "arch/x86_64/tlb.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "lib/list.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vmalloc_internal.h"
#include "mm/vmstat.h"

/* Lock key: (v) range_lock; (o) its owner */
struct vm_range {
	struct list_head list; /* (v) in order of addresses */
	unsigned long addr;    /* (v) */
	unsigned long size;    /* (v) whole pages, the guard page not counted */
	unsigned long nr;      /* (o) pages of vmalloc(); 0: address space alone */
	struct page **pages;   /* (o) */
};

static LIST_HEAD(ranges);
static DEFINE_SPINLOCK(range_lock);
static struct kmem_cache *range_cache;

void vmalloc_init(void)
{
	range_cache = kmem_cache_create("vm_range", sizeof(struct vm_range), 0, SLAB_PANIC, NULL);
}

/* ---- address space ---- */

/* Link r where the first large enough gap is. False: there is none. range_lock held. */
static bool place(struct vm_range *r)
{
	unsigned long addr = VMALLOC_START + KSTACK_AREA;
	struct vm_range *next;

	list_for_each_entry (next, &ranges, list) {
		if (next->addr - addr >= r->size + PAGE_SIZE)
			break;
		addr = next->addr + next->size + PAGE_SIZE;
	}
	if (VMALLOC_END - addr < r->size + PAGE_SIZE)
		return false;
	r->addr = addr;
	list_add_tail(&r->list, &next->list);
	return true;
}

static struct vm_range *new_range(size_t size)
{
	struct vm_range *r;
	bool ok = false;

	if (!size || size > VMALLOC_END - VMALLOC_START)
		return NULL;
	r = kmem_cache_zalloc(range_cache, GFP_KERNEL);
	if (!r)
		return NULL;
	r->size = ALIGN(size, PAGE_SIZE);
	spin_lock(&range_lock);
	ok = place(r);
	spin_unlock(&range_lock);
	if (ok)
		return r;
	kmem_cache_free(range_cache, r);
	return NULL;
}

static struct vm_range *find_range(unsigned long addr)
{
	struct vm_range *r, *found = NULL;

	spin_lock(&range_lock);
	list_for_each_entry (r, &ranges, list) {
		if (r->addr == addr) {
			found = r;
			break;
		}
	}
	spin_unlock(&range_lock);
	if (!found)
		panic("vfree(%#lx): nothing was allocated there", addr);
	return found;
}

static void release_range(struct vm_range *r)
{
	spin_lock(&range_lock);
	list_del(&r->list);
	spin_unlock(&range_lock);
	kmem_cache_free(range_cache, r);
}

unsigned long get_vm_range(size_t size)
{
	struct vm_range *r = new_range(size);

	return r ? r->addr : 0;
}

void free_vm_range(unsigned long addr)
{
	release_range(find_range(addr));
}

/* ---- pages ---- */

int map_pages(unsigned long addr, struct page **pages, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		if (map_kernel_page(addr + i * PAGE_SIZE, page_to_phys(pages[i]), PAGE_KERNEL)) {
			unmap_pages(addr, i);
			return -1;
		}
	}
	return 0;
}

void unmap_pages(unsigned long addr, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		unmap_kernel_page(addr + i * PAGE_SIZE);
	if (nr)
		flush_tlb_kernel_range(addr, addr + nr * PAGE_SIZE);
}

static void free_pages_of(struct vm_range *r)
{
	mod_node_stat(NR_VMALLOC, -(long)r->nr);
	for (unsigned long i = 0; i < r->nr; i++)
		__free_page(r->pages[i]);
	kfree(r->pages);
	r->nr = 0;
}

static bool alloc_pages_of(struct vm_range *r, gfp_t gfp)
{
	unsigned long want = r->size >> PAGE_SHIFT;

	r->pages = kmalloc_array(want, sizeof(r->pages[0]), GFP_KERNEL);
	if (!r->pages)
		return false;
	for (r->nr = 0; r->nr < want; r->nr++) {
		r->pages[r->nr] = alloc_page(gfp);
		if (!r->pages[r->nr])
			break;
	}
	mod_node_stat(NR_VMALLOC, (long)r->nr);
	if (r->nr == want && !map_pages(r->addr, r->pages, r->nr))
		return true;
	free_pages_of(r);
	return false;
}

static void *vmalloc_gfp(size_t size, gfp_t gfp)
{
	struct vm_range *r = new_range(size);

	if (!r)
		return NULL;
	if (alloc_pages_of(r, gfp))
		return (void *)r->addr;
	release_range(r);
	return NULL;
}

void *vmalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL);
}

void *vzalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL | __GFP_ZERO);
}

void vfree(const void *addr)
{
	struct vm_range *r;

	if (!addr)
		return;
	r = find_range((unsigned long)addr);
	unmap_pages(r->addr, r->nr);
	free_pages_of(r);
	release_range(r);
}

unsigned long vmalloc_used(void)
{
	return node_stat(NR_VMALLOC) << PAGE_SHIFT;
}
