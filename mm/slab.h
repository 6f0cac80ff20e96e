/* SPDX-License-Identifier: MIT */
/*
 * Objects smaller than a page: caches of one type, and kmalloc for the rest.
 *
 * All of these may be called in any context (with GFP_ATOMIC or GFP_NOWAIT where one may not
 * sleep). Memory is aligned to 8 bytes, kmalloc'ed memory of a power-of-two size to that size.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "mm/page.h"

/*
 * SLAB_TYPESAFE_BY_RCU	the memory of a freed object remains an object of this type until a grace
 *			period has passed; it may be freed and handed out again at once. A reader
 *			under rcu_read_lock() takes a reference, then checks that it is still the
 *			object it meant. Such a cache has a ctor that leaves locks in order, and the
 *			ctor runs once per slab, not per allocation.
 * SLAB_HWCACHE_ALIGN	objects start on cache lines
 * SLAB_PANIC		creation cannot fail: panic instead
 */
#define SLAB_TYPESAFE_BY_RCU 0x1u
#define SLAB_HWCACHE_ALIGN   0x2u
#define SLAB_PANIC	     0x4u

struct kmem_cache;

/* Boot, after buddy_init(). */
void slab_init(void);

/*
 * kmem_cache_create() - a cache of objects of `size` bytes.
 * align: 0 or a power of two. ctor: NULL, or called for each object when its memory is set up (not
 * on every allocation). name must live as long as the cache. May sleep. Returns NULL when out of
 * memory (panics with SLAB_PANIC).
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *));
/* All objects are free. Waits for RCU if the cache is type-safe. May sleep. */
void kmem_cache_destroy(struct kmem_cache *cache);

/* An object, or NULL. __GFP_ZERO is honoured. */
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp) __malloc;
void kmem_cache_free(struct kmem_cache *cache, void *object);

static inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	return kmem_cache_alloc(cache, gfp | __GFP_ZERO);
}

/*
 * Many objects at once, for less than one call each. alloc_bulk: all n, or none and false.
 * free_bulk: n of them. No more than SLAB_BULK_MAX at a time.
 */
#define SLAB_BULK_MAX 32
bool kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, unsigned int n, void **objects);
void kmem_cache_free_bulk(struct kmem_cache *cache, unsigned int n, void **objects);

/* Give free slabs back to the page allocator. Returns pages freed. Process context. */
unsigned long kmem_cache_shrink(struct kmem_cache *cache);
/* The same for every cache: memory is short. */
unsigned long slab_shrink_all(void);

/*
 * kmalloc() - any size up to 4 MiB; above 2 KiB it is whole pages. NULL when out of memory.
 * kfree(NULL) does nothing. ksize() is what one may really use.
 */
void *kmalloc(size_t size, gfp_t gfp) __malloc;
void kfree(const void *ptr);
size_t ksize(const void *ptr);
void *krealloc(const void *ptr, size_t size, gfp_t gfp);
char *kstrdup(const char *s, gfp_t gfp);
char *kstrndup(const char *s, size_t max, gfp_t gfp);
void *kmemdup(const void *src, size_t size, gfp_t gfp);

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

/* n elements of size bytes; NULL also when the product overflows. */
static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (check_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

/* What /proc/slabinfo shows of one cache. */
struct slabinfo {
	const char *name;
	size_t object_size;    /* as asked for */
	size_t size;	       /* as laid out */
	unsigned int per_slab; /* objects in a slab */
	unsigned int slab_pages;
	unsigned long active; /* objects handed out (those on per-CPU lists count as out) */
	unsigned long total;  /* objects there is memory for */
	unsigned long slabs;
};

/* Calls fn for every cache; stops when it returns false. May sleep. */
void slabinfo_for_each(bool (*fn)(const struct slabinfo *info, void *arg), void *arg);
/* One cache's figures. */
void kmem_cache_info(struct kmem_cache *cache, struct slabinfo *info);

#endif
