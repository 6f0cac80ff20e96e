/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: memory of any size, out of a row of slab caches.
 *
 * Sizes are the powers of two from 16 to 2048, with 96 and 192 between since so many structures
 * have about that size. A table finds the cache with one load. Above 2048 bytes whole pages are
 * given out; their first struct page (PG_head) remembers the order.
 */
#include "kernel/panic.h"
#include "lib/bitops.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/slab_internal.h"

#define KMALLOC_MAX_CACHE 2048u
#define NR_SIZES	  10

static const u16 sizes[NR_SIZES] = {16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048};
static const char *const names[NR_SIZES] = {
	"kmalloc-16",  "kmalloc-32",  "kmalloc-64",  "kmalloc-96",   "kmalloc-128",
	"kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1024", "kmalloc-2048",
};

static struct kmem_cache *kmalloc_caches[NR_SIZES];
/* For ceil(size / 16): which of them. */
static u8 index_of[KMALLOC_MAX_CACHE / 16 + 1];

void kmalloc_init(void)
{
	unsigned int which = 0;

	for (unsigned int i = 0; i < NR_SIZES; i++) {
		size_t align = is_power_of_2(sizes[i]) ? sizes[i] : 8;

		kmalloc_caches[i] = kmem_cache_create(names[i], sizes[i], align, SLAB_PANIC, NULL);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(index_of); i++) {
		if (i * 16 > sizes[which])
			which++;
		index_of[i] = which;
	}
}

static unsigned int order_of(size_t size)
{
	return size <= PAGE_SIZE ? 0 : __fls(size - 1) + 1 - PAGE_SHIFT;
}

static void *kmalloc_pages(size_t size, gfp_t gfp)
{
	unsigned int order = order_of(size);
	struct page *page;

	if (size > PAGE_SIZE << (MAX_ORDER - 1))
		return NULL;
	page = alloc_pages(gfp, order);
	if (!page)
		return NULL;
	__SetPageHead(page);
	page->private = order;
	return page_address(page);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size > KMALLOC_MAX_CACHE))
		return kmalloc_pages(size, gfp);
	return kmem_cache_alloc(kmalloc_caches[index_of[(size + 15) / 16]], gfp);
}

void kfree(const void *ptr)
{
	void *object = (void *)(uintptr_t)ptr;
	struct page *page;
	unsigned int order;

	if (!ptr)
		return;
	page = virt_to_page(ptr);
	if (likely(PageSlab(page))) {
		kmem_cache_free(page->slab, object);
		return;
	}
	if (unlikely(!PageHead(page) || object != page_address(page))) {
		dump_page(page, "kfree() of what kmalloc() did not give");
		panic("kfree(%p): not an allocated address", ptr);
	}
	order = page->private;
	__ClearPageHead(page);
	page->private = 0;
	__free_pages(page, order);
}

size_t ksize(const void *ptr)
{
	struct page *page;

	if (!ptr)
		return 0;
	page = virt_to_page(ptr);
	return PageSlab(page) ? page->slab->object_size : PAGE_SIZE << page->private;
}

void *krealloc(const void *ptr, size_t size, gfp_t gfp)
{
	size_t old = ksize(ptr);
	void *new;

	if (ptr && size <= old)
		return (void *)(uintptr_t)ptr;
	new = kmalloc(size, gfp);
	if (new &&ptr) {
		memcpy(new, ptr, old);
		kfree(ptr);
	}
	return new;
}

void *kmemdup(const void *src, size_t size, gfp_t gfp)
{
	void *p = kmalloc(size, gfp);

	return p ? memcpy(p, src, size) : NULL;
}

char *kstrndup(const char *s, size_t max, gfp_t gfp)
{
	size_t n = strnlen(s, max);
	char *p = kmalloc(n + 1, gfp);

	if (p) {
		memcpy(p, s, n);
		p[n] = '\0';
	}
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kstrndup(s, strlen(s), gfp);
}
