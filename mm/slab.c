/* SPDX-License-Identifier: MIT */
/*
 * The slab allocator (Bonwick 1994): caches of objects of one type.
 *
 * A slab is one or a few pages cut into equal objects. Three places hold a cache's free objects:
 *
 *	kmem_cache_alloc()                                    alloc_pages()
 *	      ^                                                     |
 *	      |      list of this CPU        cache->partial         v
 *	      +--- [o]->[o]->[o]->[o] <---- slabs with free <---- a new slab
 *	      |        |      refill()       objects in them        ^
 *	      v        |                        ^  |                |
 *	kmem_cache_free()                       |  +--> empty slab -+--> back to the page allocator
 *	               +------ flush() ---------+
 *
 * The CPU's list (Bonwick and Adams 2001 call it a magazine) is a stack: last freed, first reused,
 * so its memory is warm. Taking from it and putting to it need no lock and no atomic instruction;
 * interrupts are off for those few instructions. An object may come from any slab; only refill and
 * flush, which work on a dozen objects at a time, care about which.
 *
 * The struct pages of a slab say what it is: PG_slab and page->slab on all of them, and on the
 * first the slab's own free objects (freelist) and how many are out (slab_inuse). So kfree() finds
 * the cache from the address alone.
 *
 * A slab all of whose objects are free is kept, up to KEEP_EMPTY per cache; then its pages go back.
 * With SLAB_TYPESAFE_BY_RCU they go back after a grace period: a reader that holds a stale pointer
 * sees an object of the right type as long as it is inside its critical section.
 *
 * SLAB-COUNT: cache->nr_inuse is the sum of slab_inuse over all slabs; a slab is on the partial
 * list exactly if slab_inuse < objects.
 *
 * Locks: cache->lock, with interrupts off, below everything but the zone's lock.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "kernel/mutex.h"
#include "kernel/panic.h"
#include "kernel/rcu.h"
#include "mm/debug.h"
#include "mm/slab_internal.h"
#include "mm/vmstat.h"

#define MAX_SLAB_ORDER 3
#define KEEP_EMPTY     2
/* Bytes that a CPU may keep in free objects of one cache. */
#define CPU_KEEP_BYTES 16384u

static LIST_HEAD(caches);
static DEFINE_MUTEX(slab_list_lock);
/* The cache of caches, and the memory of the first one. */
static struct kmem_cache *cache_cache;

/* ---- slabs ---- */

static void put_in_slab(const struct kmem_cache *cache, struct page *slab, void *object)
{
	*free_pointer(cache, object) = slab->freelist;
	slab->freelist = object;
}

/*
 * Pages for a slab: a block of the order that wastes least if there is one at hand, else the least
 * that will do. Memory may be in pieces while plenty of it is free.
 */
static struct page *get_slab_pages(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned int order = cache->order;
	struct page *slab = NULL;

	gfp &= ~__GFP_ZERO;
	if (order > cache->min_order)
		slab = alloc_pages((gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN, order);
	if (!slab) {
		order = cache->min_order;
		slab = alloc_pages(gfp, order);
	}
	if (!slab)
		return NULL;
	for (unsigned int i = 0; i < 1U << order; i++) {
		__SetPageSlab(&slab[i]);
		slab[i].slab = cache;
		slab[i].slab_index = i;
	}
	slab->slab_order = order;
	slab->slab_objects = (PAGE_SIZE << order) / cache->size;
	mod_node_stat(NR_SLAB, 1L << order);
	return slab;
}

/* A slab, all of whose objects are free. May sleep if gfp allows. */
static struct page *new_slab(struct kmem_cache *cache, gfp_t gfp)
{
	struct page *slab = get_slab_pages(cache, gfp);
	char *object;

	if (!slab)
		return NULL;
	slab->freelist = NULL;
	slab->slab_inuse = 0;
	object = (char *)page_address(slab) + cache->lead + (slab->slab_objects - 1) * cache->size;
	for (unsigned int i = 0; i < slab->slab_objects; i++, object -= cache->size) {
		slab_debug_setup(cache, object);
		if (cache->ctor)
			cache->ctor(object);
		put_in_slab(cache, slab, object);
	}
	return slab;
}

static void free_slab_pages(struct page *slab)
{
	unsigned int order = slab->slab_order;

	for (unsigned int i = 0; i < 1U << order; i++) {
		__ClearPageSlab(&slab[i]);
		slab[i].slab = NULL;
		slab[i].private = 0;
		slab[i].private2 = 0;
	}
	mod_node_stat(NR_SLAB, -(1L << order));
	__free_pages(slab, order);
}

static void free_slab_rcu(struct rcu_head *head)
{
	/* The grace period's memory is where the partial list was. */
	free_slab_pages(container_of((struct list_head *)(void *)head, struct page, slab_list));
}

/* The slab is empty and on no list. */
static void discard_slab(struct kmem_cache *cache, struct page *slab)
{
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		call_rcu((struct rcu_head *)(void *)&slab->slab_list, free_slab_rcu);
	else
		free_slab_pages(slab);
}

/* Move the empty slabs beyond `keep` to a list. cache->lock held. */
static void take_empty(struct kmem_cache *cache, unsigned int keep, struct list_head *out)
{
	struct page *slab, *prev;

	list_for_each_entry_safe_reverse(slab, prev, &cache->partial, slab_list)
	{
		if (cache->nr_empty <= keep || slab->slab_inuse)
			break;
		list_move(&slab->slab_list, out);
		cache->nr_empty--;
		cache->nr_slabs--;
		cache->nr_total -= slab->slab_objects;
	}
}

static unsigned long discard_list(struct kmem_cache *cache, struct list_head *list)
{
	struct page *slab, *next;
	unsigned long pages = 0;

	list_for_each_entry_safe (slab, next, list, slab_list) {
		pages += 1UL << slab->slab_order;
		discard_slab(cache, slab);
	}
	return pages;
}

/* ---- between a CPU's list and the slabs ---- */

static void add_slab(struct kmem_cache *cache, struct page *slab)
{
	spin_lock(&cache->lock);
	list_add_tail(&slab->slab_list, &cache->partial);
	cache->nr_slabs++;
	cache->nr_empty++;
	cache->nr_total += slab->slab_objects;
	spin_unlock(&cache->lock);
}

/* Fill this CPU's empty list with half of what it may hold. Interrupts off. */
static void refill(struct kmem_cache *cache, struct kmem_cache_cpu *c)
{
	unsigned int want = cache->cpu_high / 2 + 1;
	struct page *slab;
	void *object;

	spin_lock(&cache->lock);
	while (c->count < want && !list_empty(&cache->partial)) {
		slab = list_first_entry(&cache->partial, struct page, slab_list);
		if (!slab->slab_inuse)
			cache->nr_empty--;
		while (c->count < want && (object = slab->freelist)) {
			slab->freelist = *free_pointer(cache, object);
			slab->slab_inuse++;
			cache->nr_inuse++;
			*free_pointer(cache, object) = c->freelist;
			c->freelist = object;
			c->count++;
		}
		if (!slab->freelist)
			list_del(&slab->slab_list);
	}
	spin_unlock(&cache->lock);
}

static void return_object(struct kmem_cache *cache, void *object)
{
	struct page *slab = slab_head(virt_to_page(object));

	if (!slab->freelist)
		list_add(&slab->slab_list, &cache->partial);
	put_in_slab(cache, slab, object);
	cache->nr_inuse--;
	if (--slab->slab_inuse == 0) {
		cache->nr_empty++;
		list_move_tail(&slab->slab_list, &cache->partial);
	}
}

/* Give objects of a CPU's list back to their slabs until `left` remain. Interrupts off. */
static noinline void flush(struct kmem_cache *cache, struct kmem_cache_cpu *c, unsigned int left)
{
	LIST_HEAD(empty);
	void *object;

	spin_lock(&cache->lock);
	while (c->count > left) {
		object = c->freelist;
		c->freelist = *free_pointer(cache, object);
		c->count--;
		return_object(cache, object);
	}
	take_empty(cache, KEEP_EMPTY, &empty);
	spin_unlock(&cache->lock);
	discard_list(cache, &empty);
}

/* ---- allocation ---- */

static inline void *pop(struct kmem_cache *cache, struct kmem_cache_cpu *c)
{
	void *object = c->freelist;

	if (likely(object)) {
		c->freelist = *free_pointer(cache, object);
		c->count--;
	}
	return object;
}

static inline struct kmem_cache_cpu *this_cpu_list(struct kmem_cache *cache)
{
	return &cache->cpu[smp_processor_id()];
}

/* The CPU's list is empty. Called and left with interrupts as they were before. */
static noinline void *alloc_slow(struct kmem_cache *cache, gfp_t gfp)
{
	struct page *slab = NULL;
	unsigned long flags;
	void *object;

	for (;;) {
		local_irq_save(flags);
		if (slab)
			add_slab(cache, slab);
		if (!this_cpu_list(cache)->freelist)
			refill(cache, this_cpu_list(cache));
		object = pop(cache, this_cpu_list(cache));
		local_irq_restore(flags);
		if (object)
			return object;
		slab = new_slab(cache, gfp);
		if (!slab)
			return NULL;
	}
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned long flags;
	void *object;

	might_alloc(gfp);
	if (should_fail_alloc(gfp))
		return NULL;
	local_irq_save(flags);
	object = pop(cache, this_cpu_list(cache));
	local_irq_restore(flags);
	if (unlikely(!object)) {
		object = alloc_slow(cache, gfp);
		if (!object)
			return NULL;
	}
	slab_debug_alloc(cache, object, gfp);
	if (gfp & __GFP_ZERO)
		memset(object, 0, cache->object_size);
	return object;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct kmem_cache_cpu *c;
	unsigned long flags;

	VM_BUG_ON_PAGE(!PageSlab(virt_to_page(object)) || virt_to_page(object)->slab != cache,
		       virt_to_page(object));
	slab_debug_free(cache, object);
	local_irq_save(flags);
	c = this_cpu_list(cache);
	if (unlikely(object == c->freelist))
		panic("slab %s: object %p freed twice", cache->name, object);
	*free_pointer(cache, object) = c->freelist;
	c->freelist = object;
	if (unlikely(++c->count > cache->cpu_high))
		flush(cache, c, cache->cpu_high / 2);
	local_irq_restore(flags);
}

/* ---- in bulk ---- */

/* Up to n objects from this CPU's list. Returns how many. */
static unsigned int pop_many(struct kmem_cache *cache, unsigned int n, void **objects)
{
	struct kmem_cache_cpu *c;
	unsigned long flags;
	unsigned int got = 0;
	void *object;

	local_irq_save(flags);
	c = this_cpu_list(cache);
	for (object = c->freelist; object && got < n; object = *free_pointer(cache, object))
		objects[got++] = object;
	c->freelist = object;
	c->count -= got;
	local_irq_restore(flags);
	return got;
}

bool kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, unsigned int n, void **objects)
{
	unsigned int got;

	VM_BUG_ON(n > SLAB_BULK_MAX || (gfp & __GFP_ZERO));
	might_alloc(gfp);
	if (should_fail_alloc(gfp))
		return false;
	got = pop_many(cache, n, objects);
	for (unsigned int i = 0; i < got; i++)
		slab_debug_alloc(cache, objects[i], gfp);
	for (; got < n; got++) {
		objects[got] = kmem_cache_alloc(cache, gfp);
		if (!objects[got]) {
			kmem_cache_free_bulk(cache, got, objects);
			return false;
		}
	}
	return true;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, unsigned int n, void **objects)
{
	struct kmem_cache_cpu *c;
	unsigned long flags;

	for (unsigned int i = 0; i < n; i++)
		slab_debug_free(cache, objects[i]);
	local_irq_save(flags);
	c = this_cpu_list(cache);
	for (unsigned int i = 0; i < n; i++) {
		*free_pointer(cache, objects[i]) = c->freelist;
		c->freelist = objects[i];
	}
	c->count += n;
	if (unlikely(c->count > cache->cpu_high))
		flush(cache, c, cache->cpu_high / 2);
	local_irq_restore(flags);
}

/* ---- caches ---- */

/* Pages of a slab: the fewest that waste at most an eighth. */
static unsigned int choose_order(unsigned int size)
{
	for (unsigned int order = 0; order < MAX_SLAB_ORDER; order++) {
		unsigned long bytes = PAGE_SIZE << order;

		if (size <= bytes && bytes % size <= bytes / 8)
			return order;
	}
	return MAX_SLAB_ORDER;
}

static unsigned int min_order(unsigned int size)
{
	return size <= PAGE_SIZE ? 0 : __fls(size - 1) + 1 - PAGE_SHIFT;
}

static void lay_out(struct kmem_cache *cache, size_t align)
{
	unsigned int end = ALIGN(cache->object_size, 8);

	if (cache->flags & SLAB_HWCACHE_ALIGN)
		align = max_t(size_t, align, 64);
	cache->align = max_t(size_t, align, 8);
	/* A freed object must stay an object: keep the free pointer out of it. */
	if (cache->ctor || (cache->flags & SLAB_TYPESAFE_BY_RCU)) {
		cache->offset = end;
		end += sizeof(void *);
	}
	cache->size = ALIGN(end, cache->align);
	slab_debug_layout(cache);
	cache->order = choose_order(cache->size);
	cache->min_order = min_order(cache->size);
	cache->cpu_high = clamp(CPU_KEEP_BYTES / cache->size, 4u, 64u);
}

static void init_cache(struct kmem_cache *cache, const char *name, size_t size, size_t align,
		       unsigned int flags, void (*ctor)(void *))
{
	cache->name = name;
	cache->object_size = size;
	cache->flags = flags;
	cache->ctor = ctor;
	spin_lock_init(&cache->lock);
	INIT_LIST_HEAD(&cache->partial);
	lay_out(cache, align);
	list_add_tail(&cache->list, &caches);
}

static size_t cache_bytes(void)
{
	return sizeof(struct kmem_cache) + nr_cpu_ids * sizeof(struct kmem_cache_cpu);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *))
{
	struct kmem_cache *cache = NULL;

	if (size && size <= PAGE_SIZE << MAX_SLAB_ORDER)
		cache = kmem_cache_zalloc(cache_cache, GFP_KERNEL);
	if (!cache) {
		if (flags & SLAB_PANIC)
			panic("cannot create the slab cache %s", name);
		return NULL;
	}
	mutex_lock(&slab_list_lock);
	init_cache(cache, name, size, align, flags, ctor);
	mutex_unlock(&slab_list_lock);
	return cache;
}

/* Objects on the list of a CPU that no longer uses the cache. */
static void flush_all_cpus(struct kmem_cache *cache)
{
	unsigned long flags;
	unsigned int cpu;

	for_each_possible_cpu (cpu) {
		local_irq_save(flags);
		flush(cache, &cache->cpu[cpu], 0);
		local_irq_restore(flags);
	}
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	LIST_HEAD(empty);
	unsigned long flags;

	flush_all_cpus(cache);
	spin_lock_irqsave(&cache->lock, flags);
	if (cache->nr_inuse)
		panic("slab %s destroyed with %lu objects in use", cache->name, cache->nr_inuse);
	take_empty(cache, 0, &empty);
	spin_unlock_irqrestore(&cache->lock, flags);
	discard_list(cache, &empty);
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	mutex_lock(&slab_list_lock);
	list_del(&cache->list);
	mutex_unlock(&slab_list_lock);
	kmem_cache_free(cache_cache, cache);
}

unsigned long kmem_cache_shrink(struct kmem_cache *cache)
{
	LIST_HEAD(empty);
	unsigned long flags;

	local_irq_save(flags);
	flush(cache, this_cpu_list(cache), 0);
	spin_lock(&cache->lock);
	take_empty(cache, 0, &empty);
	spin_unlock(&cache->lock);
	local_irq_restore(flags);
	return discard_list(cache, &empty);
}

unsigned long slab_shrink_all(void)
{
	struct kmem_cache *cache;
	unsigned long pages = 0;

	/* Whoever creates a cache may be waiting for us to make memory for it. */
	if (!mutex_trylock(&slab_list_lock))
		return 0;
	list_for_each_entry (cache, &caches, list)
		pages += kmem_cache_shrink(cache);
	mutex_unlock(&slab_list_lock);
	return pages;
}

/* ---- figures ---- */

void kmem_cache_info(struct kmem_cache *cache, struct slabinfo *info)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	*info = (struct slabinfo){
		.name = cache->name,
		.object_size = cache->object_size,
		.size = cache->size,
		.per_slab = (PAGE_SIZE << cache->order) / cache->size,
		.slab_pages = 1U << cache->order,
		.active = cache->nr_inuse,
		.total = cache->nr_total,
		.slabs = cache->nr_slabs,
	};
	spin_unlock_irqrestore(&cache->lock, flags);
}

void slabinfo_for_each(bool (*fn)(const struct slabinfo *info, void *arg), void *arg)
{
	struct kmem_cache *cache;
	struct slabinfo info;

	mutex_lock(&slab_list_lock);
	list_for_each_entry (cache, &caches, list) {
		kmem_cache_info(cache, &info);
		if (!fn(&info, arg))
			break;
	}
	mutex_unlock(&slab_list_lock);
}

void slab_init(void)
{
	/* The cache of caches cannot come from itself. */
	cache_cache = page_address(
		alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOFAIL, cache_bytes() > PAGE_SIZE));
	init_cache(cache_cache, "kmem_cache", cache_bytes(), 64, 0, NULL);
	kmalloc_init();
}
