/* SPDX-License-Identifier: MIT */
/*
 * The lock validator (debug kernels only).
 *
 * A deadlock needs bad luck; the order of locks that makes it possible does not. So the validator
 * does not look for deadlocks but for the possibility: it remembers every order in which locks were
 * ever taken, and the first acquisition that contradicts what was seen before, on any CPU at any
 * time, ends the kernel with both chains, even if nothing would have hung this time.
 *
 *	classes		all locks initialised at one place (and subclass) are one node
 *	edges		A -> B: once, a task holding A took B
 *	usage		per class: taken in an interrupt handler? taken with interrupts enabled?
 *
 * Rules, checked when an edge or a usage is new (so that the common case is a bit test):
 *
 *	LOCK-ORDER	the graph has no cycle. A new edge A -> B with a path B -> ... -> A is an
 *	inversion.
 *			A class is before itself: taking two of one class needs a subclass.
 *	LOCK-IRQ	no class is both taken in an interrupt handler and held with interrupts
 *	enabled: the
 *			handler could interrupt the holder and wait for it for ever.
 *	LOCK-IRQ-PATH	no path leads from a class taken in handlers to one held with interrupts
 *	enabled:
 *
 *			CPU 0: holds B, interrupts on		CPU 1: holds A (interrupts off),
 *			waits for B
 *			CPU 0: interrupt handler waits for A, and neither ever goes on
 *
 * A trylock cannot wait, so nothing leads *to* it; but what is taken under it is an edge. Readers
 * count as writers: rw_semaphores are fair, so a reader can wait for a writer that waits for a
 * reader. Locks taken by a handler are no successors of those that the interrupted code holds:
 * LOCK-IRQ is the rule for those.
 *
 * The graph is a bit matrix; one raw spinlock guards all of this. What a task holds is in its
 * struct task, and handlers push and pop on the task they interrupted. Raw spinlocks (run queues,
 * timers, the log) are outside; they are leaves.
 */
#ifdef CONFIG_DEBUG

#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "lib/bitops.h"
#include "lib/string.h"
#include "arch/x86_64/irq.h"

#define MAX_CLASSES 512
#define MAX_EDGES   4096
#define ROW	    (MAX_CLASSES / 64)

#define USED_IN_IRQ  1u
#define USED_IRQS_ON 2u

struct lock_class {
	const char *name;
	unsigned int subclass;
	u8 usage;
	unsigned long irq_ip; /* where it was first taken in a handler */
	unsigned long on_ip;  /* where it was first taken with interrupts enabled */
};

/* Where an edge was seen first. */
struct lock_edge {
	u16 from, to;
	unsigned long from_ip, to_ip;
};

static struct raw_spinlock graph_lock;
static struct lock_class classes[MAX_CLASSES];
static unsigned int nr_classes = 1; /* class 0: not seen yet */
static u64 after[MAX_CLASSES][ROW]; /* after[A] has B: edge A -> B */
static struct lock_edge edges[MAX_EDGES];
static unsigned int nr_edges;
static bool disabled;	       /* after the first report, or out of room */
static struct task *expecting; /* a test that provokes a report */
static bool expected_seen;

static bool edge_known(unsigned int from, unsigned int to)
{
	return READ_ONCE(after[from][to / 64]) >> (to % 64) & 1;
}

/* ---- reporting ---- */

static void print_class(unsigned int class)
{
	if (classes[class].subclass)
		pr_cont("%s/%u", classes[class].name, classes[class].subclass);
	else
		pr_cont("%s", classes[class].name);
}

static void print_held(const struct task *task)
{
	int i;

	if (!task->lockdep.depth)
		printk(KERN_EMERG "  %s/%d holds no locks\n", task->comm, task->pid);
	for (i = task->lockdep.depth - 1; i >= 0; i--) {
		const struct held_lock *held = &task->lockdep.held[i];

		printk(KERN_EMERG "  #%d %s%s ", i, held->mode == LOCKDEP_READ ? "(read) " : "",
		       held->in_irq ? "(in interrupt)" : "");
		print_class(held->class);
		pr_cont(" at %p, taken by %pS\n", held->lock, (void *)held->ip);
	}
}

static void print_edge(unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = 0; i < nr_edges; i++) {
		if (edges[i].from != from || edges[i].to != to)
			continue;
		printk(KERN_EMERG "  ");
		print_class(from);
		pr_cont(" (taken by %pS), then ", (void *)edges[i].from_ip);
		print_class(to);
		pr_cont(" (by %pS)\n", (void *)edges[i].to_ip);
		return;
	}
}

/*
 * A rule is broken. True: a test expected it, go on in silence. Otherwise the validator is off from
 * here on (its report must not set off another one) and the caller prints and panics. graph_lock
 * held.
 */
static bool report_is_expected(void)
{
	if (expecting == current) {
		expected_seen = true;
		return true;
	}
	disabled = true;
	return false;
}

void lockdep_dump_held(struct task *task)
{
	pr_emerg("locks held by %s/%d:\n", task->comm, task->pid);
	print_held(task);
}

/* ---- the graph ---- */

static u16 queue[MAX_CLASSES];
static u16 reached_from[MAX_CLASSES];
static u64 reached[ROW];

/*
 * Breadth-first from @start along the edges (or against them) to the first class that @match
 * accepts. 0 when there is none; otherwise reached_from[] leads back to @start. graph_lock held.
 */
static unsigned int search(unsigned int start, bool forward,
			   bool (*match)(unsigned int class, unsigned int arg), unsigned int arg)
{
	unsigned int head = 0, tail = 0, next;

	memset(reached, 0, sizeof(reached));
	reached[start / 64] |= 1ULL << (start % 64);
	reached_from[start] = 0;
	queue[tail++] = (u16)start;
	while (head < tail) {
		unsigned int class = queue[head++];

		if (match(class, arg))
			return class;
		for (next = 1; next < nr_classes; next++) {
			if (!(forward ? edge_known(class, next) : edge_known(next, class)))
				continue;
			if (reached[next / 64] >> (next % 64) & 1)
				continue;
			reached[next / 64] |= 1ULL << (next % 64);
			reached_from[next] = (u16) class;
			queue[tail++] = (u16)next;
		}
	}
	return 0;
}

static bool match_class(unsigned int class, unsigned int arg)
{
	return class == arg;
}

static bool match_usage(unsigned int class, unsigned int arg)
{
	return classes[class].usage & arg;
}

static void __noreturn report_inversion(unsigned int held, unsigned int new, unsigned long ip)
{
	unsigned int class;

	pr_emerg("lock order inversion (LOCK-ORDER): %s/%d holds and wants\n", current->comm,
		 current->pid);
	print_held(current);
	printk(KERN_EMERG "  and now takes ");
	print_class(new);
	pr_cont(" by %pS\n", (void *)ip);
	pr_emerg("but before, the order was (last step first):\n");
	for (class = held; class != new; class = reached_from[class])
		print_edge(reached_from[class], class);
	raw_spin_unlock(&graph_lock);
	panic("lock order inversion: %s then %s", classes[held].name, classes[new].name);
}

static void __noreturn report_irq_path(unsigned int in_irq, unsigned int irqs_on, unsigned int held,
				       unsigned int new)
{
	pr_emerg("LOCK-IRQ-PATH: %s is taken in interrupt handlers (%pS)\n", classes[in_irq].name,
		 (void *)classes[in_irq].irq_ip);
	pr_emerg("and leads, by %s -> %s, to %s, which is taken with interrupts enabled (%pS)\n",
		 classes[held].name, classes[new].name, classes[irqs_on].name,
		 (void *)classes[irqs_on].on_ip);
	print_held(current);
	raw_spin_unlock(&graph_lock);
	panic("interrupt-unsafe lock order: %s then %s", classes[in_irq].name,
	      classes[irqs_on].name);
}

/* LOCK-IRQ-PATH, for all paths over the edge @from -> @to. graph_lock held. */
static bool check_irq_path(unsigned int from, unsigned int to)
{
	unsigned int irqs_on = search(to, true, match_usage, USED_IRQS_ON);
	unsigned int in_irq = irqs_on ? search(from, false, match_usage, USED_IN_IRQ) : 0;

	if (!in_irq)
		return true;
	if (!report_is_expected())
		report_irq_path(in_irq, irqs_on, from, to);
	return false;
}

static void add_edge(const struct held_lock *held, unsigned int new, unsigned long ip)
{
	unsigned int from = held->class;

	if (edge_known(from, new))
		return;
	if (search(new, true, match_class, from)) {
		if (!report_is_expected())
			report_inversion(from, new, ip);
		return;
	}
	if (nr_edges == MAX_EDGES) {
		disabled = true;
		pr_warn("lockdep: more than %d lock orders; off from here\n", MAX_EDGES);
		return;
	}
	edges[nr_edges++] = (struct lock_edge){(u16)from, (u16) new, held->ip, ip};
	after[from][new / 64] |= 1ULL << (new % 64);
	if (!check_irq_path(from, new))
		after[from][new / 64] &= ~(1ULL << (new % 64));
}

static void __noreturn report_irq_usage(struct lock_class *class, unsigned long ip)
{
	pr_emerg("LOCK-IRQ: %s is taken in interrupt handlers (%pS)\n", class->name,
		 (void *)class->irq_ip);
	pr_emerg("and with interrupts enabled (%pS); now by %pS\n", (void *)class->on_ip,
		 (void *)ip);
	print_held(current);
	raw_spin_unlock(&graph_lock);
	panic("lock %s used both in interrupts and with interrupts enabled", class->name);
}

static void add_usage(unsigned int index, unsigned int usage, unsigned long ip)
{
	struct lock_class *class = &classes[index];

	if (usage & USED_IN_IRQ)
		class->irq_ip = ip;
	else
		class->on_ip = ip;
	class->usage |= usage;
	if (class->usage == (USED_IN_IRQ | USED_IRQS_ON)) {
		if (!report_is_expected())
			report_irq_usage(class, ip);
		class->usage &= ~usage;
		return;
	}
	if (!check_irq_path(index, index))
		class->usage &= ~usage;
}

/* ---- acquire and release ---- */

/* The class of @key and @subclass, made on first sight. graph_lock held. */
static unsigned int new_class(struct lock_class_key *key, unsigned int subclass)
{
	if (key->class[subclass])
		return key->class[subclass];
	if (nr_classes == MAX_CLASSES) {
		disabled = true;
		pr_warn("lockdep: more than %d lock classes; off from here\n", MAX_CLASSES);
		return 0;
	}
	classes[nr_classes].name = key->name;
	classes[nr_classes].subclass = subclass;
	WRITE_ONCE(key->class[subclass], (u16)nr_classes);
	return nr_classes++;
}

/* What is new about this acquisition: edges from every lock held, and the usage. */
static void learn(unsigned int class, unsigned int usage, bool trylock, unsigned long ip)
{
	struct lockdep_task *lt = &current->lockdep;
	bool irq = in_irq();
	int i;

	for (i = 0; i < lt->depth && !trylock && !disabled; i++) {
		if (lt->held[i].in_irq == irq)
			add_edge(&lt->held[i], class, ip);
	}
	if (usage & ~classes[class].usage && !disabled)
		add_usage(class, usage, ip);
}

static bool nothing_new(unsigned int class, unsigned int usage, bool trylock)
{
	struct lockdep_task *lt = &current->lockdep;
	bool irq = in_irq();
	int i;

	if (!class || (usage & ~READ_ONCE(classes[class].usage)))
		return false;
	for (i = 0; i < lt->depth && !trylock; i++) {
		if (lt->held[i].in_irq == irq && !edge_known(lt->held[i].class, class))
			return false;
	}
	return true;
}

static void push_held(const void *lock, unsigned int class, enum lockdep_mode mode,
		      unsigned long ip)
{
	struct lockdep_task *lt = &current->lockdep;

	if (lt->depth == LOCKDEP_MAX_HELD) {
		disabled = true;
		lockdep_dump_held(current);
		panic("more than %d locks held by one task", LOCKDEP_MAX_HELD);
	}
	lt->held[lt->depth++] = (struct held_lock){
		.lock = lock, .ip = ip, .class = (u16) class, .mode = (u8)mode, .in_irq = in_irq()};
}

void lockdep_acquire(const void *lock, struct lock_class_key *key, unsigned int subclass,
		     enum lockdep_mode mode, bool trylock, unsigned long ip)
{
	unsigned int class, usage = 0;
	unsigned long flags;

	if (READ_ONCE(disabled) || in_nmi())
		return;
	if (!key)
		panic("lock %p taken by %pS was never initialised", lock, (void *)ip);
	local_irq_save(flags);
	if (in_irq())
		usage = USED_IN_IRQ;
	else if (!irqs_disabled_flags(flags))
		usage = USED_IRQS_ON;
	class = READ_ONCE(key->class[subclass]);
	if (!nothing_new(class, usage, trylock)) {
		raw_spin_lock(&graph_lock);
		class = new_class(key, subclass);
		if (class)
			learn(class, usage, trylock, ip);
		raw_spin_unlock(&graph_lock);
	}
	push_held(lock, class, mode, ip);
	local_irq_restore(flags);
}

static struct held_lock *find_held(const void *lock)
{
	struct lockdep_task *lt = &current->lockdep;
	int i;

	for (i = lt->depth - 1; i >= 0; i--) {
		if (lt->held[i].lock == lock)
			return &lt->held[i];
	}
	return NULL;
}

void lockdep_release(const void *lock, unsigned long ip)
{
	struct lockdep_task *lt = &current->lockdep;
	struct held_lock *held;
	unsigned long flags;

	if (READ_ONCE(disabled) || in_nmi())
		return;
	local_irq_save(flags);
	held = find_held(lock);
	if (!held) {
		disabled = true;
		lockdep_dump_held(current);
		panic("%pS releases lock %p, which %s/%d does not hold", (void *)ip, lock,
		      current->comm, current->pid);
	}
	memmove(held, held + 1, (size_t)(&lt->held[lt->depth] - (held + 1)) * sizeof(*held));
	lt->depth--;
	local_irq_restore(flags);
}

static struct lock_class_key reclaim_key = {.name = "reclaim"};

void lockdep_reclaim_begin(void)
{
	lockdep_acquire(&reclaim_key, &reclaim_key, 0, LOCKDEP_READ, false,
			(unsigned long)__builtin_return_address(0));
}

void lockdep_reclaim_end(void)
{
	lockdep_release(&reclaim_key, (unsigned long)__builtin_return_address(0));
}

void lockdep_might_reclaim(void)
{
	lockdep_reclaim_begin();
	lockdep_reclaim_end();
}

void lockdep_downgrade(const void *lock)
{
	struct held_lock *held = find_held(lock);

	if (held)
		held->mode = LOCKDEP_READ;
}

bool lockdep_is_held(const void *lock, enum lockdep_mode mode)
{
	const struct held_lock *held;

	if (READ_ONCE(disabled) || in_nmi())
		return true;
	held = find_held(lock);
	return held && (mode == LOCKDEP_ANY || held->mode == mode);
}

void lockdep_assert_failed(const void *lock, const char *what, const char *file, int line)
{
	if (READ_ONCE(disabled))
		return;
	disabled = true;
	lockdep_dump_held(current);
	panic("%s:%d: lock %p must be %s", file, line, lock, what);
}

void lockdep_check_freed(const void *mem, size_t size)
{
	const struct lockdep_task *lt = &current->lockdep;

	if (READ_ONCE(disabled) || in_nmi())
		return;
	for (int i = 0; i < lt->depth; i++) {
		if ((unsigned long)lt->held[i].lock - (unsigned long)mem >= size)
			continue;
		disabled = true;
		lockdep_dump_held(current);
		panic("memory %p is freed with lock %p in it, which is held", mem,
		      lt->held[i].lock);
	}
}

void lockdep_assert_none_held(const char *where)
{
	if (READ_ONCE(disabled) || !current->lockdep.depth)
		return;
	disabled = true;
	lockdep_dump_held(current);
	panic("%s: locks are still held", where);
}

void lockdep_expect_failure(void)
{
	expected_seen = false;
	WRITE_ONCE(expecting, current);
}

bool lockdep_take_failure(void)
{
	WRITE_ONCE(expecting, NULL);
	return expected_seen;
}

#endif /* CONFIG_DEBUG */
