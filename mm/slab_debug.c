/* SPDX-License-Identifier: MIT */
/*
 * What a debug kernel adds to every slab object: redzones, poison, a check of each free.
 *
 *	| redzone 8 | object | pad | redzone 8 | free pointer 8 |
 *
 * The redzones tell the object's state: bb.. free, cc.. in use. Any other value was written by
 * somebody who ran past an object's end; bb where cc must be is a second free. A free object is
 * filled with 6b, its last byte a5; when it is handed out again and differs, somebody used it after
 * he freed it. A fresh object is filled with 5a. Objects with a constructor keep their contents
 * between uses, and so are not filled.
 */
#include "mm/slab_internal.h"

#ifdef CONFIG_DEBUG

#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "mm/debug.h"

/* mm/debug.h's word patterns, before and behind the object. */
static u64 *redzone_before(const struct kmem_cache *cache, void *object)
{
	return (u64 *)((char *)object - 8);
}

static u64 *redzone_after(const struct kmem_cache *cache, void *object)
{
	return (u64 *)((char *)object + ALIGN(cache->object_size, 8));
}

static bool has_poison(const struct kmem_cache *cache)
{
	return !cache->ctor && !(cache->flags & SLAB_TYPESAFE_BY_RCU);
}

void slab_debug_layout(struct kmem_cache *cache)
{
	cache->lead = cache->align;
	cache->offset = ALIGN(cache->object_size, 8) + 8;
	cache->size = ALIGN(cache->lead + cache->offset + sizeof(void *), cache->align);
}

static void set_state(const struct kmem_cache *cache, void *object, u64 pattern)
{
	*redzone_before(cache, object) = pattern;
	*redzone_after(cache, object) = pattern;
}

static void fill_free(const struct kmem_cache *cache, void *object)
{
	memset(object, POISON_FREE, cache->object_size - 1);
	((u8 *)object)[cache->object_size - 1] = POISON_END;
}

static void __noreturn report(const struct kmem_cache *cache, void *object, const char *what)
{
	const u64 *words = object;

	pr_emerg("slab %s: object %p, %u bytes: %s\n", cache->name, object, cache->object_size,
		 what);
	pr_emerg("  redzones %016llx %016llx\n", *redzone_before(cache, object),
		 *redzone_after(cache, object));
	for (unsigned int i = 0; i < min(cache->object_size / 8, 16u); i += 4)
		pr_emerg("  +%03x %016llx %016llx %016llx %016llx\n", i * 8, words[i], words[i + 1],
			 words[i + 2], words[i + 3]);
	panic("slab %s: %s", cache->name, what);
}

static void check_state(const struct kmem_cache *cache, void *object, u64 want, const char *freed)
{
	u64 before = *redzone_before(cache, object), after = *redzone_after(cache, object);

	if (before == want && after == want)
		return;
	if (freed && before == SLUB_RED_INACTIVE && after == SLUB_RED_INACTIVE)
		report(cache, object, freed);
	report(cache, object,
	       before != want ? "somebody wrote before its start" : "somebody wrote past its end");
}

void slab_debug_setup(const struct kmem_cache *cache, void *object)
{
	set_state(cache, object, SLUB_RED_INACTIVE);
	if (has_poison(cache))
		fill_free(cache, object);
}

void slab_debug_alloc(const struct kmem_cache *cache, void *object, gfp_t gfp)
{
	check_state(cache, object, SLUB_RED_INACTIVE, NULL);
	if (has_poison(cache)) {
		if (memchr_inv(object, POISON_FREE, cache->object_size - 1) ||
		    ((u8 *)object)[cache->object_size - 1] != POISON_END)
			report(cache, object, "used after it was freed");
		memset(object, POISON_INUSE, cache->object_size);
	}
	set_state(cache, object, SLUB_RED_ACTIVE);
}

void slab_debug_free(const struct kmem_cache *cache, void *object)
{
	struct page *slab = slab_head(virt_to_page(object));
	unsigned long off = (char *)object - (char *)page_address(slab) - cache->lead;

	if (off % cache->size || off / cache->size >= slab->slab_objects)
		panic("slab %s: %p freed, which is not the start of an object", cache->name,
		      object);
	check_state(cache, object, SLUB_RED_ACTIVE, "freed twice");
	lockdep_check_freed(object, cache->object_size);
	set_state(cache, object, SLUB_RED_INACTIVE);
	if (has_poison(cache))
		fill_free(cache, object);
}

#endif
