/* SPDX-License-Identifier: MIT */
/*
 * The table of swap devices: which there are, and which gets the next page.
 *
 * Which device. The one of highest priority that has room; devices of equal priority take turns,
 * TURN slots each. Compressed RAM stands above the disks, and what it cannot take goes to them. A
 * device added without a priority comes after all that were added so before it: -2, -3, and so on.
 *
 *	   swap_device_add()                     swapoff: swap_set_writable(false)
 *	(none) ------------------> slots, writable ----------------------------> slots, not writable
 *	   ^                                                                          |
 *	   +----------------- swap_retire_device(), when no slot is in use -----------+
 *
 * A struct swap_device is never freed: an entry read from a PTE without its lock may be stale, so
 * that whoever uses it takes the device's lock and finds that it has no such slot (slots is 0 once
 * the device is gone). What a device has behind ->private is freed, after a grace period:
 * swap_submit() needs no slot.
 *
 * Locks: swap_change_lock is held by whoever adds or retires a device; swap_lock guards priorities
 * and is taken under it; a device's lock guards its slots (mm/swap.c). The table is read without.
 */
#include "kernel/rcu.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/swap_internal.h"
#include "mm/vmalloc.h"

/* Devices of equal priority give so many slots before it is the next one's turn. */
#define TURN 32

static struct swap_device *devices[MAX_SWAPFILES];
static unsigned int nr_devices; /* ... of which the structs exist */
static DEFINE_SPINLOCK(swap_lock);
static int least_prio = -1; /* (swap_lock) the last one given to a device that named none */
static atomic_t turns;

/* ---- the table ---- */

struct swap_device *swap_device(unsigned int type)
{
	struct swap_device *dev =
		type < smp_load_acquire(&nr_devices) ? READ_ONCE(devices[type]) : NULL;

	return dev && READ_ONCE(dev->slots) ? dev : NULL;
}

struct swap_device *swap_entry_device(swp_entry_t entry)
{
	struct swap_device *dev = devices[swp_type(entry)];

	VM_BUG_ON(!dev);
	return dev;
}

/* The struct for a new device: one whose device has gone, or a new one. NULL: no memory or type. */
static struct swap_device *claim_device(int *err)
{
	struct swap_device *dev;

	for (unsigned int i = 0; i < nr_devices; i++)
		if (!devices[i]->slots && !devices[i]->clusters)
			return devices[i];
	*err = -EPERM;
	if (nr_devices == MAX_SWAPFILES)
		return NULL;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	*err = -ENOMEM;
	if (!dev)
		return NULL;
	spin_lock_init(&dev->lock);
	dev->type = nr_devices;
	devices[dev->type] = dev;
	smp_store_release(&nr_devices, dev->type + 1);
	return dev;
}

/* All that may fail is done: slots can be taken as soon as `slots` is stored. */
static void start_device(struct swap_device *dev, unsigned long slots, int prio)
{
	dev->used = dev->next_cluster = dev->failures = 0;
	memset(dev->cpu_cluster, 0, sizeof(dev->cpu_cluster));
	dev->queued = dev->has_failed = dev->no_empty = false;
	spin_lock(&swap_lock);
	dev->prio = prio < 0 ? --least_prio : min(prio, SWAP_PRIO_MAX);
	spin_unlock(&swap_lock);
	spin_lock(&dev->lock);
	dev->writable = true;
	WRITE_ONCE(dev->slots, slots);
	spin_unlock(&dev->lock);
}

int swap_device_add(const char *name, const struct swap_ops *ops, void *private,
		    unsigned long slots, int prio, const u32 *bad, unsigned int nr_bad)
{
	unsigned long nr_clusters = DIV_ROUND_UP(slots, SWAP_CLUSTER_SLOTS);
	struct swap_cluster *clusters;
	struct swap_device *dev;
	int err = -ENOMEM;
	long marked;

	if (slots < 2)
		return -EINVAL;
	clusters = vzalloc(nr_clusters * sizeof(*clusters));
	if (!clusters)
		return -ENOMEM;
	marked = swap_mark_bad_slots(clusters, slots, bad, nr_bad);
	mutex_lock(&swap_change_lock);
	dev = marked < 0 ? NULL : claim_device(&err);
	if (dev) {
		strscpy(dev->name, name, sizeof(dev->name));
		dev->ops = ops;
		dev->private = private;
		dev->bad = marked;
		dev->clusters = clusters;
		dev->nr_clusters = nr_clusters;
		start_device(dev, slots, prio);
	}
	mutex_unlock(&swap_change_lock);
	if (dev)
		return dev->type;
	swap_free_clusters(clusters, nr_clusters);
	return err;
}

/*
 * The priority that a device was given because it named none is free again: those that were added
 * after it move up, and the next one comes after them.
 */
static void close_gap(int prio)
{
	if (prio >= 0)
		return;
	spin_lock(&swap_lock);
	for (unsigned int i = 0; i < nr_devices; i++)
		if (devices[i]->prio < prio)
			WRITE_ONCE(devices[i]->prio, devices[i]->prio + 1);
	least_prio++;
	spin_unlock(&swap_lock);
}

void swap_retire_device(struct swap_device *dev)
{
	struct swap_cluster *clusters;

	close_gap(dev->prio);
	spin_lock(&dev->lock);
	VM_BUG_ON(dev->used || dev->writable);
	clusters = dev->clusters;
	WRITE_ONCE(dev->slots, 0);
	spin_unlock(&dev->lock);
	/* Whoever found it with slots just before may still be about to submit() to it. */
	synchronize_rcu();
	if (dev->ops->release)
		dev->ops->release(dev);
	swap_free_clusters(clusters, dev->nr_clusters);
	dev->clusters = NULL;
}

void swap_set_writable(struct swap_device *dev, bool writable)
{
	spin_lock(&dev->lock);
	dev->writable = writable;
	spin_unlock(&dev->lock);
}

/* Slot 0 is no slot. The device may be on its way out: then there are none. */
unsigned long swap_usable_slots(const struct swap_device *dev)
{
	unsigned long slots = READ_ONCE(dev->slots);

	return slots ? slots - 1 - READ_ONCE(dev->bad) : 0;
}

unsigned long total_swap_pages(void)
{
	unsigned long total = 0;

	for (unsigned int i = 0; i < MAX_SWAPFILES; i++) {
		struct swap_device *dev = swap_device(i);

		if (dev && READ_ONCE(dev->writable))
			total += swap_usable_slots(dev);
	}
	return total;
}

unsigned long nr_free_swap_pages(void)
{
	unsigned long free = 0;

	for (unsigned int i = 0; i < MAX_SWAPFILES; i++) {
		struct swap_device *dev = swap_device(i);

		if (dev && READ_ONCE(dev->writable))
			free += swap_usable_slots(dev) - READ_ONCE(dev->used);
	}
	return free;
}

/* ---- whose turn it is ---- */

static bool device_has_room(struct swap_device *dev)
{
	return READ_ONCE(dev->writable) && READ_ONCE(dev->used) < swap_usable_slots(dev) &&
	       READ_ONCE(dev->failures) < SWAP_MAX_FAILURES &&
	       !(dev->ops->full && dev->ops->full(dev));
}

/*
 * The turn-th (from 0) of the devices of highest priority among those that have room and are not
 * among `tried` (a bit for each type); *equals is how many have that priority.
 */
static struct swap_device *find_device(unsigned long tried, unsigned int turn, unsigned int *equals)
{
	unsigned int n = READ_ONCE(nr_devices);
	struct swap_device *best = NULL;

	*equals = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct swap_device *dev = swap_device(i);

		if (!dev || tried & BIT(dev->type) || (best && dev->prio < best->prio) ||
		    !device_has_room(dev))
			continue;
		if (best && dev->prio > best->prio)
			*equals = 0;
		if (++*equals <= turn + 1)
			best = dev;
	}
	return best;
}

struct swap_device *swap_best_device(unsigned long tried)
{
	unsigned int equals, turn;
	struct swap_device *best = find_device(tried, 0, &equals);

	if (equals < 2)
		return best;
	turn = (unsigned int)atomic_read(&turns) / TURN % equals;
	return find_device(tried, turn, &equals);
}

bool swap_has_room(void)
{
	return swap_best_device(0) != NULL;
}

void swap_count_turn(void)
{
	if (READ_ONCE(nr_devices) > 1)
		atomic_inc(&turns);
}
