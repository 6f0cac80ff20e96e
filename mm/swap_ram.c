/* SPDX-License-Identifier: MIT */
/*
 * Compressed RAM as a swap device: the default, since it needs no disk and loses nothing that was
 * not lost anyway.
 *
 * What a slot's word (swap_table.stored) says:
 *
 *	0				nothing stored
 *	bits 63 to 61 are 001		the page is one word repeated, which the other bits tell: no memory at all
 *	bit 0 set			the page is a prefix of a few words and then one word repeated; FILLED objects
 *	otherwise			a compressed object
 *
 * The last two are (struct zspage *) + index * 2 + filled: a zspage is aligned to 128 bytes, so
 * the low seven bits hold the index of the object in it and the flag.
 *
 * A page is looked at once from its end for the longest tail of one repeated word. A page that is
 * nearly empty, as the first pages of a heap or a stack are, is stored as that word and its short
 * beginning; no compressor runs. Any other goes through LZ4. What does not shrink below MAX_OBJECT
 * is refused: storing it would free one frame and use another, and reclaim would believe in
 * progress that is none.
 *
 * Objects lie in zspages: one to four frames, cut into objects of one size class (multiples of 64
 * bytes), an object crossing from one frame to the next where it falls so. The frames need not be
 * neighbours, so no allocation of more than one page is ever made. How many frames a class uses is
 * what wastes least of them (zs_best_frames()):
 *
 *	class 2112, 4 frames:  |  0 .. 2111 | 2112 .. |.. 4223 | ... seven objects, 1600 bytes left over
 *
 * Memory for a new zspage comes from the reserve that reclaim may use: storing seven pages frees
 * seven frames and takes four. The pool stops at POOL_PERCENT of RAM, so that compressed memory
 * cannot push out the last page that is in use; then pages are refused, reclaim makes no progress,
 * and the OOM killer decides.
 *
 * Locks: pool.lock guards the lists and bitmaps; it is taken inside swap_device.lock (free_slot).
 * The compressor works in a buffer of the CPU with preemption off. A slot's own word needs no lock:
 * it is written by the one who has the page locked, and read by the one who has put the new page
 * into the swap cache.
 */
#include "kernel/cmdline.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "lib/bitops.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/lz4.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

#define CLASS_STEP   64
#define MAX_OBJECT   (PAGE_SIZE * 7 / 8)
#define NR_CLASSES   (MAX_OBJECT / CLASS_STEP)
#define MAX_FRAMES   4
#define MAX_OBJECTS  64
#define MAX_PREFIX   256 /* bytes before the tail of a FILLED page */
#define POOL_PERCENT 85
/* full: at the limit, and less than a 32nd of the pool is free in its zspages */
#define FULL_SHIFT   5
#define RAM_SLOTS    4	 /* default size: so many times the RAM */
#define RAM_PRIO     100 /* before any disk that was not given a higher one */
#define FILLED	     1UL
#define INDEX_SHIFT  1
#define ZSPAGE_ALIGN 128
#define WORDS	     (PAGE_SIZE / sizeof(u64))
#define SAME	     BIT(61)
#define SAME_TWICE   BIT(60) /* the value is 32 bits, repeated */
#define SAME_VALUE   (BIT(60) - 1)

/* (l) pool.lock; (c) constant after creation */
struct zspage {
	struct list_head list;		 /* (l) on its class's list while it has room */
	struct page *frames[MAX_FRAMES]; /* (c) */
	u64 free;			 /* (l) bit n: object n is free */
	u8 class;			 /* (c) */
};

/* (c) constant after zs_init() */
struct size_class {
	struct list_head partial; /* pool.lock: zspages with a free object */
	u8 frames;		  /* (c) */
	u8 objects;		  /* (c) in one zspage */
};

static struct {
	spinlock_t lock;
	struct size_class classes[NR_CLASSES];
	struct kmem_cache *zspages;
	atomic_long_t frames;
	long free_bytes; /* (l) in the zspages on the partial lists */
	long max_frames;
} pool;

/* A compressed object and its length, in front of it where it is stored. */
struct work {
	u16 length;
	u8 bytes[PAGE_SIZE];
	u8 lz4[LZ4_STATE_SIZE];
};

static DEFINE_PER_CPU(struct work *, swap_work);

/* ---- zspages ---- */

static unsigned int class_size(unsigned int class)
{
	return (class + 1) * CLASS_STEP;
}

static unsigned int zs_best_frames(unsigned int size)
{
	unsigned int best = 1, best_waste = 100;

	for (unsigned int n = 1; n <= MAX_FRAMES; n++) {
		unsigned int objects = min(n * PAGE_SIZE / size, (unsigned long)MAX_OBJECTS);
		unsigned int waste = (n * PAGE_SIZE - objects * size) * 100 / (n * PAGE_SIZE);

		if (objects && waste < best_waste) {
			best = n;
			best_waste = waste;
		}
	}
	return best;
}

static void zs_init(void)
{
	spin_lock_init(&pool.lock);
	for (unsigned int i = 0; i < NR_CLASSES; i++) {
		struct size_class *class = &pool.classes[i];

		INIT_LIST_HEAD(&class->partial);
		class->frames = zs_best_frames(class_size(i));
		class->objects =
			min(class->frames * PAGE_SIZE / class_size(i), (unsigned long)MAX_OBJECTS);
	}
	pool.zspages =
		kmem_cache_create("zspage", sizeof(struct zspage), ZSPAGE_ALIGN, SLAB_PANIC, NULL);
	pool.max_frames = totalram_pages() * POOL_PERCENT / 100;
}

static void zspage_free(struct zspage *zspage)
{
	unsigned int n = 0;

	for (; n < MAX_FRAMES && zspage->frames[n]; n++)
		__free_page(zspage->frames[n]);
	atomic_long_sub(n, &pool.frames);
	mod_node_stat(NR_SWAP_STORED, -(long)n);
	kmem_cache_free(pool.zspages, zspage);
}

/*
 * At the limit no zspage is added, but objects that are free are still taken. When few are left the
 * device is full: reclaim must know before it has unmapped and compressed a page, or it would go
 * through all of memory for nothing each time.
 */
static bool at_limit(void)
{
	return atomic_long_read(&pool.frames) >= pool.max_frames;
}

#define GFP_STORE (__GFP_MEMALLOC | __GFP_NOWARN)

static struct zspage *zspage_new(unsigned int index)
{
	struct size_class *class = &pool.classes[index];
	struct zspage *zspage;

	if (at_limit())
		return NULL;
	zspage = kmem_cache_zalloc(pool.zspages, GFP_STORE);
	if (!zspage)
		return NULL;
	zspage->class = index;
	zspage->free = class->objects == 64 ? ~0UL : BIT(class->objects) - 1;
	for (unsigned int n = 0; n < class->frames; n++) {
		zspage->frames[n] = alloc_page(GFP_STORE);
		atomic_long_inc(&pool.frames);
		inc_node_stat(NR_SWAP_STORED);
		if (!zspage->frames[n]) {
			atomic_long_dec(&pool.frames);
			dec_node_stat(NR_SWAP_STORED);
			zspage_free(zspage);
			return NULL;
		}
	}
	return zspage;
}

static bool ram_full(struct swap_device *dev)
{
	return at_limit() &&
	       READ_ONCE(pool.free_bytes) < (pool.max_frames << PAGE_SHIFT) >> FULL_SHIFT;
}

/* Take an object of a class. Returns its handle, 0 when there is no memory for a new zspage. */
static unsigned long zs_alloc(unsigned int index)
{
	struct size_class *class = &pool.classes[index];
	struct zspage *zspage, *fresh = NULL;
	unsigned int object;

	spin_lock(&pool.lock);
	while (list_empty(&class->partial)) {
		spin_unlock(&pool.lock);
		fresh = zspage_new(index);
		if (!fresh)
			return 0;
		spin_lock(&pool.lock);
		list_add(&fresh->list, &class->partial);
		pool.free_bytes += class->objects * class_size(index);
	}
	zspage = list_first_entry(&class->partial, struct zspage, list);
	object = __ffs(zspage->free);
	zspage->free &= ~BIT(object);
	pool.free_bytes -= class_size(index);
	if (!zspage->free)
		list_del_init(&zspage->list);
	spin_unlock(&pool.lock);
	return (unsigned long)zspage + (object << INDEX_SHIFT);
}

static struct zspage *handle_zspage(unsigned long handle)
{
	return (struct zspage *)ALIGN_DOWN(handle, ZSPAGE_ALIGN);
}

static unsigned int handle_object(unsigned long handle)
{
	return (handle & (ZSPAGE_ALIGN - 1)) >> INDEX_SHIFT;
}

static void zs_free(unsigned long handle)
{
	struct zspage *zspage = handle_zspage(handle);
	struct size_class *class = &pool.classes[zspage->class];
	bool empty;

	spin_lock(&pool.lock);
	VM_BUG_ON(zspage->free & BIT(handle_object(handle)));
	if (!zspage->free)
		list_add(&zspage->list, &class->partial);
	zspage->free |= BIT(handle_object(handle));
	pool.free_bytes += class_size(zspage->class);
	empty = hweight64(zspage->free) == class->objects;
	if (empty) {
		list_del(&zspage->list);
		pool.free_bytes -= class->objects * class_size(zspage->class);
	}
	spin_unlock(&pool.lock);
	if (empty)
		zspage_free(zspage);
}

/* The bytes of an object from `at` on that lie in one frame: where they are, and how many. */
static u8 *object_piece(unsigned long handle, unsigned int at, unsigned int *length)
{
	struct zspage *zspage = handle_zspage(handle);
	unsigned int offset = handle_object(handle) * class_size(zspage->class) + at;

	*length = min(*length, (unsigned int)(PAGE_SIZE - offset % PAGE_SIZE));
	return (u8 *)page_address(zspage->frames[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
}

static void zs_write(unsigned long handle, unsigned int at, const void *from, unsigned int length)
{
	while (length) {
		unsigned int part = length;
		u8 *to = object_piece(handle, at, &part);

		memcpy(to, from, part);
		from = (const u8 *)from + part;
		at += part;
		length -= part;
	}
}

static void zs_read(unsigned long handle, unsigned int at, void *to, unsigned int length)
{
	while (length) {
		unsigned int part = length;
		const u8 *from = object_piece(handle, at, &part);

		memcpy(to, from, part);
		to = (u8 *)to + part;
		at += part;
		length -= part;
	}
}

/* ---- one page ---- */

/* How many words stand before the tail of equal words; WORDS when no two at the end are equal. */
static unsigned int prefix_words(const u64 *words)
{
	u64 last = words[WORDS - 1];
	unsigned int n = WORDS - 1;

	while (n >= 4 && !((words[n - 1] ^ last) | (words[n - 2] ^ last) | (words[n - 3] ^ last) |
			   (words[n - 4] ^ last)))
		n -= 4;
	while (n && words[n - 1] == last)
		n--;
	return n;
}

/* Store the repeated word and what stands before it. */
static unsigned long store_filled(const u64 *words, unsigned int prefix)
{
	unsigned int bytes = sizeof(u64) + sizeof(u64) * prefix;
	unsigned long handle = zs_alloc((sizeof(u64) + bytes - 1) / CLASS_STEP);
	u64 head[2] = {prefix, words[WORDS - 1]};

	if (!handle)
		return 0;
	zs_write(handle, 0, head, sizeof(head));
	zs_write(handle, sizeof(head), words, sizeof(u64) * prefix);
	return handle | FILLED;
}

static void repeat_word(u64 *words, u64 word, u64 n)
{
	__asm__ __volatile__("rep stosq" : "+D"(words), "+c"(n) : "a"(word) : "memory");
}

static void load_filled(unsigned long handle, u64 *words)
{
	u64 head[2];

	zs_read(handle, 0, head, sizeof(head));
	zs_read(handle, sizeof(head), words, sizeof(u64) * head[0]);
	repeat_word(words + head[0], head[1], WORDS - head[0]);
}

/*
 * A page of one word, in the slot's word: a number of 60 bits with its sign, or 32 bits twice.
 * Other words return 0.
 */
static unsigned long same_to_handle(u64 word)
{
	if ((s64)(word << 4) >> 4 == (s64)word)
		return SAME | (word & SAME_VALUE);
	if ((u32)word == word >> 32)
		return SAME | SAME_TWICE | (u32)word;
	return 0;
}

static bool handle_is_same(unsigned long handle)
{
	return handle >> 61 == 1;
}

static u64 handle_to_same(unsigned long handle)
{
	if (handle & SAME_TWICE)
		return (handle & 0xffffffffUL) * 0x100000001UL;
	return (s64)(handle << 4) >> 4;
}

static unsigned long store_compressed(const void *bytes)
{
	unsigned long handle = 0;
	struct work *work;
	int length;

	preempt_disable();
	work = this_cpu_read(swap_work);
	length = lz4_compress(bytes, PAGE_SIZE, work->bytes, MAX_OBJECT - sizeof(work->length),
			      work->lz4);
	if (length > 0) {
		work->length = length;
		handle = zs_alloc((sizeof(work->length) + length - 1) / CLASS_STEP);
		if (handle)
			zs_write(handle, 0, work, sizeof(work->length) + length);
	}
	preempt_enable();
	return handle;
}

static int load_compressed(unsigned long handle, void *bytes)
{
	unsigned int length = PAGE_SIZE;
	const u8 *first = object_piece(handle, 0, &length);
	u16 stored = *(const u16 *)first;
	int got;

	if (sizeof(stored) + stored <= length)
		return lz4_decompress(first + sizeof(stored), stored, bytes, PAGE_SIZE) == PAGE_SIZE
			       ? 0
			       : -EIO;
	preempt_disable();
	zs_read(handle, sizeof(stored), this_cpu_read(swap_work)->bytes, stored);
	got = lz4_decompress(this_cpu_read(swap_work)->bytes, stored, bytes, PAGE_SIZE);
	preempt_enable();
	return got == PAGE_SIZE ? 0 : -EIO;
}

/* ---- the device ---- */

static void discard(unsigned long handle)
{
	if (handle && !handle_is_same(handle))
		zs_free(handle & ~FILLED);
}

static int ram_write_page(struct swap_device *dev, unsigned long slot, struct page *page)
{
	unsigned long *word = swap_slot_word(dev, slot), handle;
	const u64 *words = page_address(page);
	unsigned int prefix = prefix_words(words);

	if (*word) {
		unsigned long old = *word;

		/* Written before: the page came back, was changed, and leaves again. */
		*word = 0;
		discard(old);
	}
	if (prefix * sizeof(u64) <= MAX_PREFIX) {
		handle = prefix ? 0 : same_to_handle(words[0]);
		if (!handle)
			handle = store_filled(words, prefix);
		count_vm_event(PSWPZERO);
	} else {
		handle = store_compressed(words);
	}
	*word = handle;
	/* It does not compress, or memory or the limit is reached: there is no room now. */
	return handle ? 0 : -ENOSPC;
}

static int ram_read_page(struct swap_device *dev, unsigned long slot, struct page *page)
{
	unsigned long handle = *swap_slot_word(dev, slot);

	if (!handle)
		return -EIO;
	if (handle_is_same(handle)) {
		repeat_word(page_address(page), handle_to_same(handle), WORDS);
		return 0;
	}
	if (handle & FILLED) {
		load_filled(handle & ~FILLED, page_address(page));
		return 0;
	}
	return load_compressed(handle, page_address(page));
}

static void ram_free_slot(struct swap_device *dev, unsigned long slot)
{
	discard(*swap_slot_word(dev, slot));
}

static const struct swap_ops ram_ops = {
	.write_page = ram_write_page,
	.read_page = ram_read_page,
	.free_slot = ram_free_slot,
	.full = ram_full,
	.in_memory = true,
};

/* `swap=SIZE`, in bytes with K, M or G; 0 or off: none. A path is a disk's: kernel/swap_disk.c. */
static unsigned long wanted_bytes;
static bool wanted;

static int set_swap(const char *value)
{
	if (*value == '/')
		return 0;
	wanted = true;
	wanted_bytes = strcmp(value, "off") ? memparse(value, NULL) : 0;
	return 0;
}
CMDLINE_PARAM("swap", set_swap);

void swap_ram_init(void)
{
	unsigned long slots = wanted ? wanted_bytes / PAGE_SIZE : totalram_pages() * RAM_SLOTS;
	unsigned int cpu;
	int err;

	if (!slots)
		return;
	zs_init();
	for_each_possible_cpu (cpu) {
		struct work *work = kmalloc(sizeof(*work), GFP_KERNEL);

		if (!work)
			panic("no memory for the buffers of compressed swap");
		per_cpu(swap_work, cpu) = work;
	}
	err = swap_device_add("zram", &ram_ops, NULL, slots + 1, RAM_PRIO, NULL, 0);
	if (err < 0)
		pr_err("swap: compressed RAM cannot be used as swap (error %d)\n", err);
	else
		pr_info("swap: %lu MiB of compressed RAM\n", slots >> (20 - PAGE_SHIFT));
}
