/* SPDX-License-Identifier: MIT */
/*
 * One schedule: coroutines, scheduling points, locks that are waited for. See explorer.h.
 *
 * A coroutine has what a CPU and a task have: a number, a stack, a preempt count, the locks it
 * holds. Only one runs at a time, and it goes on until a point at which the schedule names another
 * one, or until it has to wait:
 *
 *		  point, not chosen
 *	 RUNNING ------------------> READY --- chosen ---> RUNNING
 *	    |  \----- host_block() -> BLOCKED -- ready(arg) true, and chosen --> RUNNING
 *	    \-------- returns ------> DONE
 *
 * Waiting is a predicate, looked at whenever somebody is to be chosen: nothing has to be woken, and
 * if no coroutine can go on, that is a deadlock.
 */
#include "tests/host/explorer_internal.h"

#include "kernel/lockdep.h"
#include "kernel/preempt.h"
#include "kernel/rcu.h"
#include "kernel/sync_point.h"
#include "mm/page.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#define STACK_SIZE (256 << 10)
#define MAX_HELD   48
#define MAIN	   EXPLORE_THREADS /* the test itself, which waits for all to end */

enum state { UNUSED, READY, BLOCKED, DONE };

struct held_lock {
	const struct host_lock *lock;
	bool write;
};

struct coroutine {
	enum state state;
	void *sp; /* saved stack pointer while it does not run */
	void *fake_stack;
	const void *stack;
	size_t stack_size;

	bool (*ready)(const void *arg); /* BLOCKED: until this is true */
	const void *arg;
	const char *waits_for, *file;
	int line;
	bool woken;

	/* What the machine keeps in variables for the one that runs. */
	int preempt_count, rcu_depth, locks_held;
	bool irqs_off;

	unsigned int nr_held;
	struct held_lock held[MAX_HELD];
	const struct host_lock *leaving; /* dropped, but not out of it yet */
};

bool host_exploring;
struct exploration *ex;
static struct coroutine coroutines[EXPLORE_THREADS + 1];
static unsigned int current = MAIN;
static char *stacks;

unsigned int explore_self(void)
{
	return current;
}

/* ---- who has used what ---- */

#define OBJECTS (1u << 16)

/* By hash of the address, in persistent memory; `users`: bit n for coroutine n. */
struct object {
	const void *obj;
	u8 users;
};

static struct object *objects;

static struct object *object_of(const void *obj)
{
	unsigned int i = ((unsigned long)obj * 0x9e3779b97f4a7c15UL) >> 48;

	while (objects[i].obj && objects[i].obj != obj)
		i = (i + 1) % OBJECTS;
	objects[i].obj = obj;
	return &objects[i];
}

void explore_touch(const void *obj)
{
	if (current != MAIN)
		object_of(obj)->users |= 1 << current;
}

bool explore_is_shared(const void *obj)
{
	u8 users;

	if (!obj)
		return true;
	users = object_of(obj)->users;
	return users & (users - 1);
}

/* ---- switching ---- */

/*
 * Store the registers that a function call keeps and the stack pointer, and continue where another
 * coroutine did the same.
 */
void explore_switch_stack(void **save, void *load);
__asm__(".text\n"
	".globl explore_switch_stack\n"
	"explore_switch_stack:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n"
	"	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n");

static void save_cpu(struct coroutine *co)
{
	co->preempt_count = host_preempt_count;
	co->rcu_depth = host_rcu_depth;
	co->locks_held = host_locks_held;
	co->irqs_off = host_irqs_off;
}

static void load_cpu(const struct coroutine *co)
{
	host_preempt_count = co->preempt_count;
	host_rcu_depth = co->rcu_depth;
	host_locks_held = co->locks_held;
	host_irqs_off = co->irqs_off;
	host_cpu = current == MAIN ? 0 : current;
}

static void switch_to(unsigned int to)
{
	struct coroutine *from = &coroutines[current], *next = &coroutines[to];
	const void *bottom;
	size_t size;

	if (from == next)
		return;
	save_cpu(from);
	current = to;
	load_cpu(next);
	__sanitizer_start_switch_fiber(from->state == DONE ? NULL : &from->fake_stack, next->stack,
				       next->stack_size);
	explore_switch_stack(&from->sp, next->sp);
	__sanitizer_finish_switch_fiber(from->fake_stack, &bottom, &size);
}

/* ---- choosing ---- */

u64 explore_rand(u64 below)
{
	ex->rng = ex->rng * 6364136223846793005UL + 1442695040888963407UL;
	return (ex->rng >> 33) % below;
}

/* Bit n: coroutine n can go on. */
static unsigned int can_run(void)
{
	unsigned int mask = 0;

	for (unsigned int i = 0; i < EXPLORE_THREADS; i++) {
		struct coroutine *co = &coroutines[i];

		if (co->state == READY || (co->state == BLOCKED && co->ready(co->arg)))
			mask |= 1u << i;
	}
	return mask;
}

static void report_deadlock(void)
{
	for (unsigned int i = 0; i < EXPLORE_THREADS; i++) {
		struct coroutine *co = &coroutines[i];

		if (co->state == BLOCKED)
			fprintf(stderr, "%s waits for %s at %s:%d, with %u locks held\n",
				ex->scenario->threads[i].name, co->waits_for, co->file, co->line,
				co->nr_held);
	}
	test_fail(__FILE__, __LINE__, "deadlock");
}

/* Whom the schedule names here; else who comes without it. */
static unsigned int follow_schedule(unsigned int at, unsigned int options, unsigned int usual)
{
	struct schedule *s = &ex->now;
	unsigned int to = usual;

	if (ex->next < s->nr && s->dev[ex->next].at == at) {
		to = s->dev[ex->next++].to;
		if (!(options & (1u << to)))
			test_fail(__FILE__, __LINE__, "this schedule does not fit: %u cannot run",
				  to);
	} else if (ex->random && s->nr < MAX_DEVIATIONS && !explore_rand(8)) {
		do {
			to = explore_rand(EXPLORE_THREADS);
		} while (!(options & (1u << to)));
		if (to != usual) {
			s->dev[s->nr++] = (struct deviation){at, to};
			ex->next = s->nr;
		}
	}
	return to;
}

/*
 * Who goes on? options: the candidates, of which there is one at least. Unless the schedule says
 * otherwise the running one, and when it cannot the next in the circle.
 */
static unsigned int decide(unsigned int options, const void *obj, bool forced)
{
	unsigned int usual = current, at = ex->nr_decisions;
	struct decision *d = &ex->decisions[at];

	if (forced)
		do {
			usual = (usual + 1) % EXPLORE_THREADS;
		} while (!(options & (1u << usual)));
	if (!(options & (options - 1)))
		return usual;
	d->options = options;
	d->obj = obj;
	d->forced = forced;
	d->chosen = follow_schedule(at, options, usual);
	ex->nr_decisions++;
	return d->chosen;
}

/* The running one cannot go on, or has come to its end. */
static void leave_cpu(void)
{
	unsigned int options = can_run();

	if (options) {
		switch_to(decide(options, NULL, true));
		return;
	}
	for (unsigned int i = 0; i < EXPLORE_THREADS; i++)
		if (coroutines[i].state == BLOCKED)
			report_deadlock();
	switch_to(MAIN);
}

/* ---- points ---- */

/* What goes on inside the allocators is theirs alone: their locks are waited for, not explored. */
static bool is_quiet(const char *file)
{
	static const char *const quiet[] = {"mm/slab",	    "mm/buddy.c",      "mm/page_alloc.c",
					    "mm/kmalloc.c", "mm/radix_pool.c", "mm/commit.c",
					    "mm/vmstat",    "mm/page_debug.c"};

	for (unsigned int i = 0; i < ARRAY_SIZE(quiet); i++)
		if (!strncmp(file, quiet[i], strlen(quiet[i])))
			return true;
	return false;
}

/* A page table that is read or written must not have been freed: B26. */
static void check_table(const void *entry, const char *file, int line)
{
	unsigned long addr = (unsigned long)entry;

	if (addr - DIRECT_MAP_BASE >= host_ram_size || PageTable(virt_to_page(addr)))
		return;
	test_fail(file, line, "an entry of a page table that has been freed");
}

void explore_point(enum point_kind kind, const void *obj, const char *what, const char *func,
		   const char *file, int line)
{
	unsigned int others;

	if (current == MAIN || is_quiet(file))
		return;
	if (ex->nr_steps == MAX_STEPS)
		test_fail(file, line, "the schedule does not come to an end");
	ex->steps[ex->nr_steps++] = (struct step){.obj = obj,
						  .what = what,
						  .func = func,
						  .file = file,
						  .line = line,
						  .kind = kind,
						  .thread = current,
						  .decision = ex->nr_decisions};
	if (obj)
		explore_touch(obj);
	if (kind == POINT_PTE)
		check_table(obj, file, line);
	others = can_run() & ~(1u << current);
	if (others)
		switch_to(decide(others | 1u << current, obj, false));
}

#define SYNC_NAME(name, meaning) [SP_##name] = #name,

static void sync_point_reached(int point)
{
	static const char *const names[] = {SYNC_POINTS(SYNC_NAME)};

	if (host_exploring)
		explore_point(POINT_SYNC, NULL, names[point], "", "sync point", 0);
}

void host_block(bool (*ready)(const void *arg), const void *arg, const char *what, const char *file,
		int line)
{
	struct coroutine *co = &coroutines[current];

	if (!host_exploring || current == MAIN) {
		if (!ready(arg))
			panic("%s:%d waits for ever: %s", file, line, what);
		return;
	}
	while (!ready(arg)) {
		co->ready = ready;
		co->arg = arg;
		co->waits_for = what;
		co->file = file;
		co->line = line;
		co->state = BLOCKED;
		leave_cpu();
		co->state = READY;
	}
}

static bool always(const void *unused)
{
	return true;
}

void host_spin(void)
{
	struct coroutine *co = &coroutines[current];
	unsigned int others;

	if (!host_exploring || current == MAIN)
		return;
	co->ready = always;
	others = can_run() & ~(1u << current);
	if (ex->nr_steps == MAX_STEPS)
		test_fail(__FILE__, __LINE__, "the schedule does not come to an end");
	if (others)
		switch_to(decide(others, NULL, true));
}

/* Sleeping on a queue lasts until it is woken, whatever the condition: lost wake-ups are found. */
static bool is_woken(const void *coroutine)
{
	return ((const struct coroutine *)coroutine)->woken;
}

void host_prepare_to_wait(void)
{
	coroutines[current].woken = false;
}

void host_wait(const void *wq, const char *what, const char *file, int line)
{
	struct coroutine *co = &coroutines[current];

	if (!host_exploring)
		panic("%s:%d waits for ever: %s", file, line, what);
	host_block(is_woken, co, what, file, line);
}

/* The queues of pages are shared by hash: who sleeps is woken, and looks again. */
void host_wake(const void *wq)
{
	for (unsigned int i = 0; i < EXPLORE_THREADS; i++)
		coroutines[i].woken = true;
}

/* ---- locks of a coroutine ---- */

void explore_lock_taken(const struct host_lock *lock, bool write)
{
	struct coroutine *co = &coroutines[current];

	BUG_ON(co->nr_held == MAX_HELD);
	co->held[co->nr_held++] = (struct held_lock){lock, write};
}

void explore_lock_dropped(const struct host_lock *lock, bool write, const char *file, int line)
{
	struct coroutine *co = &coroutines[current];

	for (unsigned int i = co->nr_held; i--;)
		if (co->held[i].lock == lock && co->held[i].write == write) {
			co->held[i] = co->held[--co->nr_held];
			return;
		}
	panic("%s:%d: %s is released, but another coroutine holds it", file, line, lock->name);
}

void explore_wake_waiters(const struct host_lock *lock, const char *file, int line)
{
	struct coroutine *co = &coroutines[current];

	for (unsigned int i = 0; i < EXPLORE_THREADS; i++) {
		if (coroutines[i].state != BLOCKED || coroutines[i].arg != lock)
			continue;
		co->leaving = lock;
		explore_point(POINT_LOCK, lock, "wake waiters of", lock->name, file, line);
		co->leaving = NULL;
		return;
	}
}

static bool lies_in(const void *lock, const void *mem, unsigned long size)
{
	return (unsigned long)lock - (unsigned long)mem < size;
}

bool explore_lock_in_use(const void *mem, unsigned long size)
{
	for (unsigned int i = 0; i <= EXPLORE_THREADS; i++) {
		const struct coroutine *co = &coroutines[i];

		if (lies_in(co->leaving, mem, size))
			return true;
		for (unsigned int j = 0; j < co->nr_held; j++)
			if (lies_in(co->held[j].lock, mem, size))
				return true;
	}
	return false;
}

bool explore_lock_is_mine(const struct host_lock *lock)
{
	struct coroutine *co = &coroutines[current];

	for (unsigned int i = 0; i < co->nr_held; i++)
		if (co->held[i].lock == lock)
			return true;
	return false;
}

bool explore_no_rcu_readers(const void *unused)
{
	for (unsigned int i = 0; i < EXPLORE_THREADS; i++)
		if (i != current && coroutines[i].rcu_depth)
			return false;
	return true;
}

/* ---- a schedule ---- */

static void check_nothing_held(const struct coroutine *co)
{
	if (co->nr_held || host_preempt_count || host_rcu_depth || host_irqs_off)
		test_fail(__FILE__, __LINE__,
			  "%s ends with %u locks, preempt count %d, RCU depth %d, irqs %s",
			  ex->scenario->threads[current].name, co->nr_held, host_preempt_count,
			  host_rcu_depth, host_irqs_off ? "off" : "on");
}

static void coroutine_main(void)
{
	struct coroutine *co = &coroutines[current];
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	if (!coroutines[MAIN].stack) {
		coroutines[MAIN].stack = bottom;
		coroutines[MAIN].stack_size = size;
	}
	ex->scenario->threads[current].fn();
	check_nothing_held(co);
	co->state = DONE;
	leave_cpu();
	BUG();
}

/* A stack on which explore_switch_stack() finds zeroes for registers, and the function to go to. */
static void coroutine_create(unsigned int i)
{
	struct coroutine *co = &coroutines[i];
	void **sp;

	co->stack = stacks + i * STACK_SIZE;
	co->stack_size = STACK_SIZE;
	/* The one that ran here before has left its frames' red zones. */
	ASAN_UNPOISON_MEMORY_REGION(co->stack, STACK_SIZE);
	sp = (void **)(stacks + (i + 1) * STACK_SIZE);
	*--sp = NULL; /* where coroutine_main() would return to; and the ABI's alignment */
	*--sp = (void *)coroutine_main;
	co->sp = sp - 6;
	memset(co->sp, 0, 6 * sizeof(void *));
	co->state = READY;
}

void explore_init(const struct scenario *scenario)
{
	ex = persistent_alloc(sizeof(*ex));
	ex->scenario = scenario;
	objects = persistent_alloc(OBJECTS * sizeof(*objects));
	stacks = persistent_alloc(EXPLORE_THREADS * STACK_SIZE);
}

void explore_run(void)
{
	ex->nr_decisions = ex->nr_steps = ex->next = 0;
	ex->runs++;
	for (unsigned int i = 0; i < EXPLORE_THREADS; i++)
		if (ex->scenario->threads[i].fn)
			coroutine_create(i);
	host_sync_point = sync_point_reached;
	host_exploring = true;
	/* As if the one before the first had ended: any may begin. */
	switch_to(decide(can_run(), NULL, true));
	host_exploring = false;
}
