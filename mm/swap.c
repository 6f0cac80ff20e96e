/* SPDX-License-Identifier: MIT */
/*
 * Slots of swap devices: taken, counted, freed. mm/swap_device.c chooses the device.
 *
 * A slot holds the bytes of one page. Who may still want them is counted: PTEs (and page-cache
 * slots of shared memory) that hold the entry, and the swap cache as one bit beside the count. The
 * slot is free when the word is zero.
 *
 *	                       add_to_swap()                    try_to_unmap() of each PTE
 *	   free (0) ------------------------> CACHE, count 0 ------------------------------> CACHE, count n
 *	     ^                                   ^   |                                       |        ^
 *	     |           delete_from_swap_cache()|   | reclaim frees the frame               |        | swapin
 *	     |                                   |   v                                       v        |
 *	     +<------ last swap_free() -------- (count 0, no cache)         count n, no cache: bytes only in the slot
 *
 * A slot that could not be written carries SWAP_BAD: whoever holds its entry goes on holding it
 * (the bytes are elsewhere then, mm/swap_io.c), and when the last has gone it is not free but
 * lost.
 *
 * SLOT-HELD: an entry in a PTE is counted, and whoever fetches a page for it puts that page into
 * the swap cache before reading. So there is one frame for one slot at any time, and a slot cannot
 * be freed and used again for other bytes while somebody still compares his PTE with the entry: he
 * holds a reference to the page in the cache (bug class B12).
 *
 * Which slot. Slots come in clusters of 256. A cluster without a used slot has no tables, so a
 * device costs 16 bytes for 256 slots until it is used. Each CPU takes its slots from a cluster of
 * its own, in rising order: pages that leave memory together lie together, on a disk as one run to
 * write and to read ahead, in compressed RAM in the same frames.
 *
 * Locks: swap_device.lock guards the slots of a device. It is innermost but for the devices' own
 * locks under free_slot(), and is taken under PTLs and the i_pages lock; never two devices' locks
 * at once.
 *
 * Alternatives: an extent tree of free slots (Linux had one for clusters) finds long runs at once,
 * and costs more than it gives where a slot is RAM. A count in a byte with continuation pages
 * (Linux) saves three bytes a slot; thirty bits need no continuation.
 */
#include "mm/swap.h"

#include "arch/x86_64/cpu.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap_internal.h"
#include "mm/vmalloc.h"

/* ---- clusters ---- */

static struct swap_cluster *slot_cluster(struct swap_device *dev, unsigned long slot)
{
	return &dev->clusters[slot / SWAP_CLUSTER_SLOTS];
}

static u32 *slot_count(struct swap_device *dev, unsigned long slot)
{
	return &slot_cluster(dev, slot)->count[slot % SWAP_CLUSTER_SLOTS];
}

void **swap_slot_cache(struct swap_device *dev, unsigned long slot)
{
	return &slot_cluster(dev, slot)->table->cache[slot % SWAP_CLUSTER_SLOTS];
}

unsigned long *swap_slot_word(struct swap_device *dev, unsigned long slot)
{
	return &slot_cluster(dev, slot)->table->stored[slot % SWAP_CLUSTER_SLOTS];
}

u32 swap_slot_count(struct swap_device *dev, unsigned long slot)
{
	lockdep_assert_held(&dev->lock);
	if (slot >= dev->slots || !slot_cluster(dev, slot)->table)
		return 0;
	return *slot_count(dev, slot);
}

void swap_slot_mark_bad(struct swap_device *dev, unsigned long slot)
{
	spin_lock(&dev->lock);
	VM_BUG_ON(!swap_slot_count(dev, slot));
	*slot_count(dev, slot) |= SWAP_BAD;
	WRITE_ONCE(dev->has_failed, true);
	spin_unlock(&dev->lock);
	if (READ_ONCE(dev->failures) < SWAP_MAX_FAILURES && ++dev->failures == SWAP_MAX_FAILURES)
		pr_err("swap: %s fails every write; it gets no more pages\n", dev->name);
}

/* Reclaim is what needs the tables, so they come from the reserve that reclaim may use. */
#define GFP_SWAP (__GFP_MEMALLOC | __GFP_NOWARN)

static bool cluster_make_tables(struct swap_cluster *cluster, gfp_t gfp)
{
	unsigned long table = get_zeroed_page(gfp);
	u32 *count = kzalloc(SWAP_CLUSTER_SLOTS * sizeof(*count), gfp);

	if (!table || !count) {
		free_page(table);
		kfree(count);
		return false;
	}
	cluster->table = (struct swap_table *)table;
	cluster->count = count;
	return true;
}

static void cluster_free_tables(struct swap_cluster *cluster)
{
	free_page((unsigned long)cluster->table);
	kfree(cluster->count);
	cluster->table = NULL;
	cluster->count = NULL;
}

void swap_free_clusters(struct swap_cluster *clusters, unsigned long nr)
{
	for (unsigned long c = 0; c < nr; c++) {
		free_page((unsigned long)clusters[c].table);
		kfree(clusters[c].count);
	}
	vfree(clusters);
}

long swap_mark_bad_slots(struct swap_cluster *clusters, unsigned long slots, const u32 *bad,
			 unsigned int nr_bad)
{
	long marked = 0;

	for (unsigned int i = 0; i < nr_bad; i++) {
		struct swap_cluster *cluster = &clusters[bad[i] / SWAP_CLUSTER_SLOTS];
		u32 *count;

		if (!bad[i] || bad[i] >= slots)
			continue;
		if (!cluster->table && !cluster_make_tables(cluster, GFP_KERNEL))
			return -ENOMEM;
		count = &cluster->count[bad[i] % SWAP_CLUSTER_SLOTS];
		if (*count)
			continue;
		*count = SWAP_BAD;
		cluster->used++;
		marked++;
	}
	return marked;
}

/* The number of slots that cluster number c has; the first lacks slot 0, the last may be short. */
static unsigned int cluster_capacity(struct swap_device *dev, unsigned long c)
{
	unsigned long end = min((c + 1) * SWAP_CLUSTER_SLOTS, dev->slots);

	return end - c * SWAP_CLUSTER_SLOTS - (c == 0);
}

/* Take a slot of a cluster that has a free one. It gets the count `as`. */
static unsigned long take_slot(struct swap_device *dev, unsigned long c, u32 as)
{
	struct swap_cluster *cluster = &dev->clusters[c];
	unsigned long slot = max(c * SWAP_CLUSTER_SLOTS, 1UL);

	/*
	 * A cluster that was filled in order has its first hole behind the slots in use: look there
	 * first.
	 */
	if (!cluster->count[(slot + cluster->used) % SWAP_CLUSTER_SLOTS])
		slot += cluster->used;
	while (cluster->count[slot % SWAP_CLUSTER_SLOTS])
		slot++;
	cluster->count[slot % SWAP_CLUSTER_SLOTS] = as;
	cluster->used++;
	dev->used++;
	return slot;
}

/* Has cluster c a free slot? If an empty one is wanted: one that is no CPU's. */
static bool cluster_has_room(struct swap_device *dev, unsigned long c, bool empty)
{
	struct swap_cluster *cluster = &dev->clusters[c];

	return empty ? !cluster->used && !cluster->cpu : cluster->used < cluster_capacity(dev, c);
}

static bool cluster_has_tables(struct swap_cluster *cluster)
{
	return cluster->table || cluster_make_tables(cluster, GFP_SWAP);
}

/*
 * Look for a cluster from next_cluster on. Returns its number plus one; 0 when there is none, or
 * no memory for its tables: then there is none for another's either, and a large device has many.
 */
static unsigned long find_cluster(struct swap_device *dev, bool empty)
{
	unsigned long c = dev->next_cluster;
	bool no_memory = false;

	for (unsigned long i = 0; i < dev->nr_clusters && !(no_memory && empty); i++) {
		struct swap_cluster *cluster = &dev->clusters[c];

		if (cluster_has_room(dev, c, empty) && (cluster->table || !no_memory)) {
			no_memory = !cluster_has_tables(cluster);
			if (!no_memory) {
				dev->next_cluster = c;
				return c + 1;
			}
		}
		c = c + 1 < dev->nr_clusters ? c + 1 : 0;
	}
	if (empty && !no_memory)
		dev->no_empty = true;
	return 0;
}

/*
 * This CPU's cluster: the one it has while there is room in it, then an empty one, then any, which
 * it may share with another CPU.
 */
static unsigned long this_cpu_cluster(struct swap_device *dev)
{
	unsigned int cpu = smp_processor_id();
	u32 *mine = &dev->cpu_cluster[cpu];

	if (*mine && cluster_has_room(dev, *mine - 1, false) &&
	    cluster_has_tables(&dev->clusters[*mine - 1]))
		return *mine;
	if (*mine && dev->clusters[*mine - 1].cpu == cpu + 1) {
		dev->clusters[*mine - 1].cpu = 0;
		dev->no_empty = dev->no_empty && dev->clusters[*mine - 1].used;
	}
	*mine = dev->no_empty ? 0 : find_cluster(dev, true);
	if (*mine)
		dev->clusters[*mine - 1].cpu = cpu + 1;
	else
		*mine = find_cluster(dev, false);
	return *mine;
}

/* A free slot of the device, with the count `as`; 0 when it is full. */
static unsigned long device_take_slot(struct swap_device *dev, u32 as) __must_hold(&dev->lock)
{
	unsigned long cluster;

	if (!dev->writable || !dev->slots)
		return 0;
	cluster = this_cpu_cluster(dev);
	return cluster ? take_slot(dev, cluster - 1, as) : 0;
}

/* The last reference has gone. Returns what swap_drop() returns. */
static swp_entry_t device_free_slot(struct swap_device *dev, unsigned long slot)
	__must_hold(&dev->lock)
{
	struct swap_cluster *cluster = slot_cluster(dev, slot);
	unsigned long *word = swap_slot_word(dev, slot);
	swp_entry_t elsewhere = swap_word_entry(*word);

	if (elsewhere.val)
		*word = 0;
	if (dev->ops->free_slot)
		dev->ops->free_slot(dev, slot);
	*word = 0;
	*swap_slot_cache(dev, slot) = NULL;
	dev->used--;
	if (*slot_count(dev, slot) & SWAP_BAD) {
		*slot_count(dev, slot) = SWAP_BAD;
		dev->bad++;
	} else {
		*slot_count(dev, slot) = 0;
		if (--cluster->used == 0) {
			cluster_free_tables(cluster);
			dev->no_empty = dev->no_empty && cluster->cpu;
		}
	}
	return elsewhere;
}

swp_entry_t swap_take_slot(struct page *page, unsigned long tried)
{
	struct swap_device *dev;

	while ((dev = swap_best_device(tried))) {
		unsigned long slot;

		spin_lock(&dev->lock);
		slot = device_take_slot(dev, page ? SWAP_HAS_CACHE : 1);
		if (slot)
			*swap_slot_cache(dev, slot) = page;
		spin_unlock(&dev->lock);
		if (slot) {
			swap_count_turn();
			return swp_entry(dev->type, slot);
		}
		tried |= BIT(dev->type);
	}
	return (swp_entry_t){0};
}

/* ---- references ---- */

int swap_duplicate(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	int err = 0;
	u32 *count;

	spin_lock(&dev->lock);
	count = slot_count(dev, slot);
	VM_BUG_ON((*count & ~SWAP_BAD) == 0);
	if ((*count & SWAP_COUNT_MAX) == SWAP_COUNT_MAX)
		err = -ENOMEM;
	else
		++*count;
	spin_unlock(&dev->lock);
	return err;
}

swp_entry_t swap_drop_cache(struct swap_device *dev, unsigned long slot, void *shadow)
{
	u32 *count = slot_count(dev, slot);

	VM_BUG_ON(!(*count & SWAP_HAS_CACHE));
	*swap_slot_cache(dev, slot) = shadow;
	*count &= ~SWAP_HAS_CACHE;
	if (*count & SWAP_COUNT_MAX)
		return (swp_entry_t){0};
	return device_free_slot(dev, slot);
}

bool swap_hold_cache(struct swap_device *dev, unsigned long slot, struct page *page, void **shadow)
{
	u32 count = swap_slot_count(dev, slot);
	void **cache;

	if (!(count & SWAP_COUNT_MAX) || (count & SWAP_HAS_CACHE))
		return false;
	cache = swap_slot_cache(dev, slot);
	*slot_count(dev, slot) |= SWAP_HAS_CACHE;
	*shadow = *cache;
	*cache = page;
	return true;
}

/*
 * Drop a reference of a PTE. Returns what is left: the count and SWAP_HAS_CACHE; *elsewhere is what
 * swap_drop_elsewhere() is to be told then.
 */
static u32 drop_reference(swp_entry_t entry, swp_entry_t *elsewhere)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	u32 left;

	elsewhere->val = 0;
	spin_lock(&dev->lock);
	VM_BUG_ON(!(*slot_count(dev, slot) & SWAP_COUNT_MAX));
	left = --*slot_count(dev, slot) & ~SWAP_BAD;
	if (!left)
		*elsewhere = device_free_slot(dev, slot);
	spin_unlock(&dev->lock);
	return left;
}

void swap_drop_elsewhere(swp_entry_t entry)
{
	swp_entry_t none;

	if (unlikely(entry.val) && is_swap_entry(entry)) {
		drop_reference(entry, &none);
		VM_BUG_ON(none.val);
	}
}

void swap_free(swp_entry_t entry)
{
	swp_entry_t elsewhere;

	drop_reference(entry, &elsewhere);
	swap_drop_elsewhere(elsewhere);
}

void free_swap_and_cache(swp_entry_t entry)
{
	swp_entry_t elsewhere;

	if (drop_reference(entry, &elsewhere) == SWAP_HAS_CACHE)
		swap_cache_reclaim(entry);
	swap_drop_elsewhere(elsewhere);
}

int swap_entry_count(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	u32 count;

	spin_lock(&dev->lock);
	count = swap_slot_count(dev, swp_offset(entry)) & SWAP_COUNT_MAX;
	spin_unlock(&dev->lock);
	return count;
}

unsigned long swap_next_used(struct swap_device *dev, unsigned long from)
{
	unsigned long slot = from, found = 0;

	spin_lock(&dev->lock);
	while (slot < dev->slots && !found) {
		if (!slot_cluster(dev, slot)->table)
			slot = ALIGN_DOWN(slot, SWAP_CLUSTER_SLOTS) + SWAP_CLUSTER_SLOTS;
		else if (*slot_count(dev, slot) & ~SWAP_BAD)
			found = slot;
		else
			slot++;
	}
	spin_unlock(&dev->lock);
	return found;
}
