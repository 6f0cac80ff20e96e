/* SPDX-License-Identifier: MIT */
/*
 * bugs_move - races of moving and growing memory, each at the instant where it once was a bug.
 *
 * The catalogue (docs/catalogue.md) names them; each test parks one side at a sync point, lets the
 * other side act, and looks at what user space sees: the bytes, SIGSEGV, and the audit.
 */
#include "bugs.h"

/*
 * Where pages move about: far from where mmap() would put the stacks of threads into a hole, and
 * aligned to a table.
 */
#define ARENA ((unsigned char *)0x200000000000)

static unsigned char *map_arena(unsigned char *at, unsigned long pages)
{
	CHECK(mmap(at, pages * PAGE, RW, ANON | MAP_FIXED, -1, 0) == at);
	return at;
}

/* ---- b01: mremap hides a PTE from a walk ---- */

struct move {
	unsigned char *from, *to;
	unsigned long bytes;
};

static void do_move(void *arg)
{
	struct move *m = arg;

	CHECK(mremap(m->from, m->bytes, m->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, m->to) == m->to);
}

/*
 * A migration has looked at the first of the two VMAs that hold the page's index; then the move
 * happens, as far as it can; then the migration looks at the other. It must have met the page.
 */
static void move_between_two_looks(struct move *m)
{
	struct worker mover, migrator;

	worker_start(&migrator, 0, migrate_page, m->from + PAGE);
	worker_start(&mover, 1, do_move, m);
	ARM("migrate_before_restore", migrator.tid);
	worker_go(&migrator);
	AWAIT("migrate_before_restore");
	ARM("move_before_tables", mover.tid);
	worker_go(&mover);
	AWAIT("move_before_tables");
	ARM("walk_between_avcs", migrator.tid);
	RELEASE("migrate_before_restore");
	AWAIT("walk_between_avcs");
	ARM("munmap_after_zap_before_unlink", mover.tid);
	RELEASE("move_before_tables");
	arrives("munmap_after_zap_before_unlink", 200); /* unless it waits for the walk */
	RELEASE("walk_between_avcs");
	worker_wait(&migrator);
	instrument("release munmap_after_zap_before_unlink");
	worker_join(&mover);
	worker_join(&migrator);
	AUDIT();
}

static void check_moved(const struct move *m)
{
	for (unsigned long at = 0; at < m->bytes; at += PAGE)
		CHECK(m->to[at] == (unsigned char)(0x40 + at / PAGE));
}

static void fill(unsigned char *p, unsigned long bytes)
{
	for (unsigned long at = 0; at < bytes; at += PAGE)
		p[at] = (unsigned char)(0x40 + at / PAGE);
}

static void b01_mremap_to_a_new_vma(void)
{
	unsigned char *arena = map_arena(ARENA, 4);
	struct move up = {arena, arena + 32 * PAGE, 4 * PAGE};
	struct move down = {up.to, arena + 8 * PAGE, 4 * PAGE};

	fill(arena, up.bytes);
	move_between_two_looks(&up);
	check_moved(&up);
	move_between_two_looks(&down);
	check_moved(&down);
}

/* Moved away and back: it merges with where it came from, which a walk visits first. */
static void b01_mremap_back_into_its_vma(void)
{
	unsigned char *arena = map_arena(ARENA, 8);
	struct move away = {arena + 4 * PAGE, arena + 40 * PAGE, 4 * PAGE};
	struct move back = {away.to, away.from, away.bytes};

	memset(arena, 1, 8 * PAGE);
	fill(away.from, away.bytes);
	do_move(&away);
	move_between_two_looks(&back);
	check_moved(&back);
}

/* ---- b03, b04: the old address still works after the page is gone from it ---- */

/*
 * The mover stands with the old translation in a TLB. Meanwhile the page is migrated, if it can be;
 * then its old frame is free, and poisoned. Who reads through the TLB must not see that.
 */
static void read_old_while_moving(struct move *m, const char *point, int cpu)
{
	struct worker mover, migrator;
	struct toucher t;

	toucher_start(&t, 1);
	worker_start(&migrator, cpu, migrate_frame, (void *)page_frame(m->from));
	CHECK(touch_read(&t, m->from) == 0x40);
	WORKER_AT(&mover, 0, do_move, m, point);
	worker_go(&migrator);
	worker_done(&migrator);
	touch(&t, m->from, false, 0);
	if (touched(&t) && t.ok)
		CHECK(t.value == 0x40);
	WORKER_FINISH(&mover, point);
	worker_join(&migrator);
	touch_end(&t);
	CHECK(!t.ok || t.value == 0x40);
	CHECK(touch_read(&t, m->to) == 0x40);
	touch(&t, m->from, false, 0);
	CHECK(!touch_end(&t));
	toucher_end(&t);
	AUDIT();
}

static void b03_mremap_flush_before_ptl_drop(void)
{
	unsigned char *arena = map_arena(ARENA, 1);
	struct move m = {arena, arena + 32 * PAGE, PAGE};

	fill(arena, PAGE);
	pin(3);
	read_old_while_moving(&m, "move_ptes_before_flush", 2);
}

#define TABLE (512 * PAGE)

static void b04_table_move_under_rmap_locks(void)
{
	unsigned char *arena = map_arena(ARENA, 512);
	struct move m = {arena, arena + 2 * TABLE, TABLE};

	fill(arena, TABLE);
	pin(1);
	read_old_while_moving(&m, "move_table_after_set", 1);
}

/* The other way round: the new address is in a TLB before the migration looks there. */
static void b04_table_move_new_address(void)
{
	unsigned char *arena = map_arena(ARENA, 512);
	struct move m = {arena, arena + 2 * TABLE, TABLE};
	struct worker mover, migrator;
	struct toucher t;

	fill(arena, TABLE);
	pin(1);
	toucher_start(&t, 1);
	worker_start(&migrator, 1, migrate_frame, (void *)page_frame(m.from));
	WORKER_AT(&mover, 0, do_move, &m, "move_table_after_set");
	touch(&t, m.to, false, 0);
	if (touched(&t))
		CHECK(t.ok && t.value == 0x40);
	worker_go(&migrator);
	worker_done(&migrator);
	WORKER_FINISH(&mover, "move_table_after_set");
	worker_join(&migrator);
	touch_end(&t);
	CHECK(touch_read(&t, m.to) == 0x40);
	toucher_end(&t);
	check_moved(&m);
	AUDIT();
}

/* ---- b15: two stacks' growth, and a walk in the middle of one ---- */

static void write_one(void *addr)
{
	*(volatile unsigned char *)addr = 0x5a;
}

static void b15_stack_grows_under_write_locks(void)
{
	unsigned char *stack = ARENA;
	struct worker first, second, migrator;

	CHECK(mmap(stack, 4 * PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == stack);
	fill(stack, 4 * PAGE);
	worker_start(&second, 1, write_one, stack - 6 * PAGE);
	worker_start(&migrator, 1, migrate_frame, (void *)page_frame(stack + 2 * PAGE));
	WORKER_AT(&first, 0, write_one, stack - 2 * PAGE, "expand_between_start_and_index");
	worker_go(&second);
	worker_go(&migrator);
	worker_done(&migrator);
	CHECK(!worker_done(&second)); /* it waits for mmap_lock */
	WORKER_FINISH(&first, "expand_between_start_and_index");
	worker_join(&second);
	worker_join(&migrator);
	CHECK(stack[-2 * (long)PAGE] == 0x5a && stack[-6 * (long)PAGE] == 0x5a);
	CHECK(stack[-4 * (long)PAGE] == 0 && stack[2 * PAGE] == 0x42);
	AUDIT();
}

/* ---- b17: a new program's stack, before anybody uses it ---- */

#define ARGUMENT (100 * 1024)

/* The program that is executed: prove that the argument is whole. */
static int check_argument(const char *argument)
{
	size_t len = strlen(argument);

	for (size_t i = 0; i < len; i++)
		if (argument[i] != 'a' + (char)(i % 26))
			return 1;
	return len == ARGUMENT ? 0 : 1;
}

static void b17_exec_stack_is_found(void)
{
	static char argument[ARGUMENT + 1];
	int ready[2];
	pid_t pid;
	char c;

	for (int i = 0; i < ARGUMENT; i++)
		argument[i] = 'a' + (char)(i % 26);
	CHECK(pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		CHECK(read(ready[0], &c, 1) == 1);
		execl("/proc/self/exe", "bugs_move", "argument", argument, NULL);
		_exit(1);
	}
	ARM("exec_stack_before_move", pid);
	CHECK(write(ready[1], "", 1) == 1);
	AWAIT("exec_stack_before_move");
	CHECK(migrate_all_anon() >= ARGUMENT / (int)PAGE);
	RELEASE("exec_stack_before_move");
	CHECK_CHILD(pid);
	AUDIT();
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "argument"))
		return check_argument(argv[2]);
	INSTRUMENT_TEST(b01_mremap_to_a_new_vma, 1);
	INSTRUMENT_TEST(b01_mremap_back_into_its_vma, 1);
	INSTRUMENT_TEST(b03_mremap_flush_before_ptl_drop, 4);
	INSTRUMENT_TEST(b04_table_move_under_rmap_locks, 2);
	INSTRUMENT_TEST(b04_table_move_new_address, 2);
	INSTRUMENT_TEST(b15_stack_grows_under_write_locks, 1);
	INSTRUMENT_TEST(b17_exec_stack_is_found, 1);
	return test_done();
}
