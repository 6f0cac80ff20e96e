/* SPDX-License-Identifier: MIT */
/*
 * Swap devices and their slots.
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
 * SLOT-HELD: an entry in a PTE is counted, and whoever fetches a page for it puts that page into
 * the swap cache before reading. So there is one frame for one slot at any time, and a slot cannot
 * be freed and used again for other bytes while somebody still compares his PTE with the entry: he
 * holds a reference to the page in the cache (bug class B12).
 *
 * Slots come in clusters of 256. A cluster without a used slot has no tables, so a device costs 16
 * bytes for 256 slots until it is used. New slots are taken in rising order from one cluster after
 * the other: pages that leave memory together lie together, and what the compressed-RAM device
 * stores for them shares frames.
 *
 * Locks: swap_device.lock guards the slots of a device. It is innermost but for the devices' own
 * locks under free_slot(), and is taken under PTLs and the i_pages lock. swap_lock guards the table
 * of devices, which only grows.
 *
 * Alternatives: an extent tree of free slots (Linux had one for clusters) finds long runs at once,
 * and costs more than it gives where a slot is RAM. A count in a byte with continuation pages
 * (Linux) saves a byte a slot; a sixteen-bit count needs no continuation, since a process count
 * that high is refused first.
 */
#include "mm/swap.h"

#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap_internal.h"
#include "mm/vmalloc.h"

static struct swap_device *devices[MAX_SWAPFILES];
static unsigned int nr_devices;
static DEFINE_SPINLOCK(swap_lock);

/* ---- devices ---- */

struct swap_device *swap_device(unsigned int type)
{
	return type < READ_ONCE(nr_devices) ? devices[type] : NULL;
}

struct swap_device *swap_entry_device(swp_entry_t entry)
{
	struct swap_device *dev = swap_device(swp_type(entry));

	VM_BUG_ON(!dev || swp_offset(entry) >= dev->slots);
	return dev;
}

static struct swap_device *new_device(const char *name, const struct swap_ops *ops, void *private,
				      unsigned long slots, int prio)
{
	struct swap_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return NULL;
	dev->nr_clusters = DIV_ROUND_UP(slots, SWAP_CLUSTER_SLOTS);
	dev->clusters = vzalloc(dev->nr_clusters * sizeof(*dev->clusters));
	if (!dev->clusters) {
		kfree(dev);
		return NULL;
	}
	spin_lock_init(&dev->lock);
	strscpy(dev->name, name, sizeof(dev->name));
	dev->ops = ops;
	dev->private = private;
	dev->slots = slots;
	dev->prio = prio;
	return dev;
}

int swap_device_add(const char *name, const struct swap_ops *ops, void *private,
		    unsigned long slots, int prio)
{
	struct swap_device *dev;
	int type = -EPERM;

	if (slots < 2)
		return -EINVAL;
	dev = new_device(name, ops, private, slots, prio);
	if (!dev)
		return -ENOMEM;
	spin_lock(&swap_lock);
	if (nr_devices < MAX_SWAPFILES) {
		type = nr_devices;
		dev->type = type;
		devices[type] = dev;
		smp_store_release(&nr_devices, type + 1);
	}
	spin_unlock(&swap_lock);
	if (type < 0) {
		vfree(dev->clusters);
		kfree(dev);
	}
	return type;
}

unsigned long total_swap_pages(void)
{
	unsigned long total = 0;

	for (unsigned int i = 0; i < READ_ONCE(nr_devices); i++)
		total += devices[i]->slots - 1;
	return total;
}

unsigned long nr_free_swap_pages(void)
{
	unsigned long used = 0;

	for (unsigned int i = 0; i < READ_ONCE(nr_devices); i++)
		used += READ_ONCE(devices[i]->used);
	return total_swap_pages() - used;
}

/* ---- clusters ---- */

static struct swap_cluster *slot_cluster(struct swap_device *dev, unsigned long slot)
{
	return &dev->clusters[slot / SWAP_CLUSTER_SLOTS];
}

static u16 *slot_count(struct swap_device *dev, unsigned long slot)
{
	return &slot_cluster(dev, slot)->count[slot % SWAP_CLUSTER_SLOTS];
}

struct page **swap_slot_cache(struct swap_device *dev, unsigned long slot)
{
	return &slot_cluster(dev, slot)->table->cache[slot % SWAP_CLUSTER_SLOTS];
}

unsigned long *swap_slot_word(struct swap_device *dev, unsigned long slot)
{
	return &slot_cluster(dev, slot)->table->stored[slot % SWAP_CLUSTER_SLOTS];
}

/* Reclaim is what needs the tables, so they come from the reserve that reclaim may use. */
#define GFP_SWAP (__GFP_MEMALLOC | __GFP_NOWARN)

static bool cluster_make_tables(struct swap_cluster *cluster)
{
	unsigned long table = get_zeroed_page(GFP_SWAP);
	u16 *count = kzalloc(SWAP_CLUSTER_SLOTS * sizeof(*count), GFP_SWAP);

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

/* The number of slots that cluster number c has; the first lacks slot 0, the last may be short. */
static unsigned int cluster_capacity(struct swap_device *dev, unsigned long c)
{
	unsigned long end = min((c + 1) * SWAP_CLUSTER_SLOTS, dev->slots);

	return end - c * SWAP_CLUSTER_SLOTS - (c == 0);
}

static unsigned long take_slot(struct swap_device *dev, unsigned long c)
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
	cluster->count[slot % SWAP_CLUSTER_SLOTS] = SWAP_HAS_CACHE;
	cluster->used++;
	dev->used++;
	return slot;
}

/* A free slot of the device, marked as held by the swap cache; 0 when it is full. */
static unsigned long device_take_slot(struct swap_device *dev) __must_hold(&dev->lock)
{
	unsigned long c = dev->next_cluster;

	for (unsigned long i = 0; i < dev->nr_clusters; i++) {
		struct swap_cluster *cluster = &dev->clusters[c];

		if (cluster->used < cluster_capacity(dev, c) &&
		    (cluster->table || cluster_make_tables(cluster))) {
			dev->next_cluster = c;
			return take_slot(dev, c);
		}
		c = c + 1 < dev->nr_clusters ? c + 1 : 0;
	}
	return 0;
}

static void device_free_slot(struct swap_device *dev, unsigned long slot) __must_hold(&dev->lock)
{
	struct swap_cluster *cluster = slot_cluster(dev, slot);

	VM_BUG_ON(*swap_slot_cache(dev, slot));
	if (dev->ops->free_slot)
		dev->ops->free_slot(dev, slot);
	*swap_slot_word(dev, slot) = 0;
	dev->used--;
	if (--cluster->used == 0)
		cluster_free_tables(cluster);
}

static bool device_has_room(struct swap_device *dev)
{
	return READ_ONCE(dev->used) < dev->slots - 1 && !(dev->ops->full && dev->ops->full(dev));
}

/* The device of highest priority that has room. */
static struct swap_device *best_device(int below)
{
	struct swap_device *best = NULL;

	for (unsigned int i = 0; i < READ_ONCE(nr_devices); i++) {
		struct swap_device *dev = devices[i];

		if (dev->prio < below && (!best || dev->prio > best->prio) && device_has_room(dev))
			best = dev;
	}
	return best;
}

swp_entry_t swap_take_slot(struct page *page)
{
	int below = SWAP_PRIO_MAX + 1;
	struct swap_device *dev;

	while ((dev = best_device(below))) {
		unsigned long slot;

		spin_lock(&dev->lock);
		slot = device_take_slot(dev);
		if (slot)
			*swap_slot_cache(dev, slot) = page;
		spin_unlock(&dev->lock);
		if (slot)
			return swp_entry(dev->type, slot);
		below = dev->prio;
	}
	return (swp_entry_t){0};
}

/* ---- references ---- */

int swap_duplicate(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	int err = 0;
	u16 *count;

	spin_lock(&dev->lock);
	count = slot_count(dev, slot);
	VM_BUG_ON(*count == 0);
	if ((*count & SWAP_COUNT_MAX) == SWAP_COUNT_MAX)
		err = -ENOMEM;
	else
		++*count;
	spin_unlock(&dev->lock);
	return err;
}

void swap_drop_cache(struct swap_device *dev, unsigned long slot)
{
	u16 *count = slot_count(dev, slot);

	VM_BUG_ON(!(*count & SWAP_HAS_CACHE));
	*swap_slot_cache(dev, slot) = NULL;
	*count &= ~SWAP_HAS_CACHE;
	if (!*count)
		device_free_slot(dev, slot);
}

bool swap_hold_cache(struct swap_device *dev, unsigned long slot, struct page *page)
{
	struct swap_cluster *cluster = slot_cluster(dev, slot);
	u16 *count;

	if (!cluster->table)
		return false;
	count = slot_count(dev, slot);
	if (!*count || (*count & SWAP_HAS_CACHE))
		return false;
	*count |= SWAP_HAS_CACHE;
	*swap_slot_cache(dev, slot) = page;
	return true;
}

/* Drop a reference of a PTE. Returns what is left: the count and SWAP_HAS_CACHE. */
static u16 drop_reference(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	u16 left;

	spin_lock(&dev->lock);
	VM_BUG_ON(!(*slot_count(dev, slot) & SWAP_COUNT_MAX));
	left = --*slot_count(dev, slot);
	if (!left)
		device_free_slot(dev, slot);
	spin_unlock(&dev->lock);
	return left;
}

void swap_free(swp_entry_t entry)
{
	drop_reference(entry);
}

void free_swap_and_cache(swp_entry_t entry)
{
	if (drop_reference(entry) == SWAP_HAS_CACHE)
		swap_cache_reclaim(entry);
}

int swap_entry_count(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	int count = 0;

	spin_lock(&dev->lock);
	if (slot_cluster(dev, slot)->count)
		count = *slot_count(dev, slot) & SWAP_COUNT_MAX;
	spin_unlock(&dev->lock);
	return count;
}
