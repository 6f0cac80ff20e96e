/* SPDX-License-Identifier: MIT */
/* What slab.c and slab_debug.c share. */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include "kernel/percpu.h"
#include "kernel/spinlock.h"
#include "lib/list.h"
#include "mm/slab.h"

/* A CPU's free objects, linked by their free pointers. Interrupts off. */
struct kmem_cache_cpu {
	void *freelist;
	unsigned int count;
} __aligned(64);

/*
 * Lock key: (c) constant; (s) lock; (l) slab_list_lock; (i) its own CPU with interrupts off
 *
 * Where things are in an object's room of `size` bytes:
 *
 *	release:		| object ........ |            the free pointer lies in a free object,
 *				  ^free pointer                or behind it (with ctor or type safety)
 *	debug:	| redzone | object ........ | redzone | free pointer |
 *	        ^start     ^what users see
 */
struct kmem_cache {
	unsigned int offset;	  /* (c) of the free pointer, from the object */
	unsigned int cpu_high;	  /* (c) most objects on a CPU's list */
	unsigned int object_size; /* (c) as asked for */
	unsigned int size;	  /* (c) distance of objects */
	unsigned int lead;	  /* (c) bytes before the object */
	unsigned int align;	  /* (c) power of two */
	unsigned int order;	  /* (c) of a slab's pages, if there is such a block */
	unsigned int min_order;	  /* (c) the least that one object fits into */
	unsigned int flags;	  /* (c) */
	void (*ctor)(void *);	  /* (c) */
	const char *name;	  /* (c) */
	spinlock_t lock;
	struct list_head partial;    /* (s) slabs with free objects, the emptiest at the tail */
	unsigned int nr_empty;	     /* (s) of these, slabs with no object in use */
	unsigned long nr_slabs;	     /* (s) */
	unsigned long nr_total;	     /* (s) objects in them */
	unsigned long nr_inuse;	     /* (s) objects not in their slab's freelist */
	struct list_head list;	     /* (l) all caches */
	struct kmem_cache_cpu cpu[]; /* (i) */
};

static inline void **free_pointer(const struct kmem_cache *cache, void *object)
{
	return (void **)((char *)object + cache->offset);
}

/* First page of the slab that `page` is part of. */
static inline struct page *slab_head(struct page *page)
{
	return page - page->slab_index;
}

/* The row of caches behind kmalloc(). */
void kmalloc_init(void);

#ifdef CONFIG_DEBUG
void slab_debug_layout(struct kmem_cache *cache);
/*
 * A free object as it must be; an object on its way out; on its way in. They panic with a report.
 */
void slab_debug_setup(const struct kmem_cache *cache, void *object);
void slab_debug_alloc(const struct kmem_cache *cache, void *object, gfp_t gfp);
void slab_debug_free(const struct kmem_cache *cache, void *object);
#else
static inline void slab_debug_layout(struct kmem_cache *cache)
{
}
static inline void slab_debug_setup(const struct kmem_cache *cache, void *object)
{
}
static inline void slab_debug_alloc(const struct kmem_cache *cache, void *object, gfp_t gfp)
{
}
static inline void slab_debug_free(const struct kmem_cache *cache, void *object)
{
}
#endif

#endif
