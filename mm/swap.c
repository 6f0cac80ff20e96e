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
 * A slot that could not be written carries SWAP_BAD: whoever holds its entry goes on holding it
 * (the bytes are elsewhere then, mm/swap_io.c), and when the last has gone it is not free but
 * lost.
 *
 * SLOT-HELD: an entry in a PTE is counted, and whoever fetches a page for it puts that page into
 * the swap cache before reading. So there is one frame for one slot at any time, and a slot cannot
 * be freed and used again for other bytes while somebody still compares his PTE with the entry: he
 * holds a reference to the page in the cache (bug class B12).
 *
 * Which device. The one of highest priority that has room; devices of equal priority take turns,
 * TURN slots each. Compressed RAM stands above the disks, and what it cannot take goes to them.
 *
 * Which slot. Slots come in clusters of 256. A cluster without a used slot has no tables, so a
 * device costs 16 bytes for 256 slots until it is used. Each CPU takes its slots from a cluster of
 * its own, in rising order: pages that leave memory together lie together, on a disk as one run to
 * write and to read ahead, in compressed RAM in the same frames.
 *
 * Locks: swap_device.lock guards the slots of a device. It is innermost but for the devices' own
 * locks under free_slot(), and is taken under PTLs and the i_pages lock; never two devices' locks
 * at once. swap_lock guards the table of devices and is taken outside. A struct swap_device is
 * never freed: an entry read from a PTE without its lock may be stale, so that whoever uses it
 * takes the device's lock and finds that it has no such slot (slots is 0 once the device is gone).
 * What a device has behind ->private is freed, after a grace period: swap_submit() needs no slot.
 *
 * Alternatives: an extent tree of free slots (Linux had one for clusters) finds long runs at once,
 * and costs more than it gives where a slot is RAM. A count in a byte with continuation pages
 * (Linux) saves three bytes a slot; thirty bits need no continuation.
 */
#include "mm/swap.h"

#include "arch/x86_64/cpu.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap_internal.h"
#include "mm/vmalloc.h"

/* Devices of equal priority give so many slots before it is the next one's turn. */
#define TURN 32
/* Writes that fail in a row, after which a device gets no more pages. */
#define MAX_FAILURES 32

static struct swap_device *devices[MAX_SWAPFILES];
static unsigned int nr_devices; /* ... of which the structs exist */
static DEFINE_SPINLOCK(swap_lock);
static int least_prio = -1; /* (swap_lock) the last one given to a device that named none */
static atomic_t turns;

/* ---- devices ---- */

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

static bool cluster_make_tables(struct swap_cluster *cluster, gfp_t gfp);

static void free_clusters(struct swap_cluster *clusters, unsigned long nr)
{
	for (unsigned long c = 0; c < nr; c++) {
		free_page((unsigned long)clusters[c].table);
		kfree(clusters[c].count);
	}
	vfree(clusters);
}

/* The header's list of bad slots. Nobody knows the clusters yet. Returns how many, or -ENOMEM. */
static long mark_bad_slots(struct swap_cluster *clusters, unsigned long slots, const u32 *bad,
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
	marked = mark_bad_slots(clusters, slots, bad, nr_bad);
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
	free_clusters(clusters, nr_clusters);
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
	free_clusters(clusters, dev->nr_clusters);
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
	if (READ_ONCE(dev->failures) < MAX_FAILURES && ++dev->failures == MAX_FAILURES)
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

static bool device_has_room(struct swap_device *dev)
{
	return READ_ONCE(dev->writable) && READ_ONCE(dev->used) < swap_usable_slots(dev) &&
	       READ_ONCE(dev->failures) < MAX_FAILURES && !(dev->ops->full && dev->ops->full(dev));
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

static struct swap_device *best_device(unsigned long tried)
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
	return best_device(0) != NULL;
}

swp_entry_t swap_take_slot(struct page *page, unsigned long tried)
{
	struct swap_device *dev;

	while ((dev = best_device(tried))) {
		unsigned long slot;

		spin_lock(&dev->lock);
		slot = device_take_slot(dev, page ? SWAP_HAS_CACHE : 1);
		if (slot)
			*swap_slot_cache(dev, slot) = page;
		spin_unlock(&dev->lock);
		if (slot) {
			if (nr_devices > 1)
				atomic_inc(&turns);
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
