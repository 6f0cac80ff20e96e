/* SPDX-License-Identifier: MIT */
/*
 * bugs_fork - races of fork, copy-on-write, mprotect and munmap.
 *
 * The catalogue (docs/catalogue.md) names them; bugs_move.c says how these tests work.
 */
#include "bugs.h"

/* ---- b08, b09: fork while other threads use the memory ---- */

/* A fork in a thread. The child waits until it is told to look, and reports the byte it sees. */
struct forked {
	unsigned char *page;
	int go[2], report[2];
	pid_t pid;
};

static void do_fork(void *arg)
{
	struct forked *f = arg;
	unsigned char seen;
	pid_t pid = fork();
	char c;

	if (pid) {
		f->pid = pid;
		return;
	}
	if (read(f->go[0], &c, 1) != 1)
		_exit(1);
	seen = *(volatile unsigned char *)f->page;
	_exit(write(f->report[1], &seen, 1) == 1 ? 0 : 1);
}

static void forked_init(struct forked *f, unsigned char *page)
{
	f->page = page;
	CHECK(pipe(f->go) == 0 && pipe(f->report) == 0);
}

static unsigned char child_sees(struct forked *f)
{
	unsigned char seen;

	CHECK(f->pid > 0 && write(f->go[1], "", 1) == 1);
	CHECK(read(f->report[0], &seen, 1) == 1);
	CHECK_CHILD(f->pid);
	return seen;
}

/*
 * While fork is half done, the memory of the process cannot be written: a write would wait for it.
 * So the test looks from another process, and what both talk through is shared memory.
 */
struct victim {
	unsigned char *page, *fresh; /* the latter's VMA has no anon_vma */
	int finish[2];		     /* a pipe that the controller closes */
	int vma;		     /* which of the process's VMAs the page is in, from 1 */
	struct toucher t, copier;
	struct worker forker;
	struct forked forked;
	atomic_int ready;
	unsigned char byte[2], seen_first, seen_last; /* what must be found in the end */
};

/* The line of /proc/self/maps that holds an address. */
static int vma_number(void *addr)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512];
	int nr = 0;

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps)) {
		nr++;
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= (unsigned long)addr &&
		    (unsigned long)addr < end)
			break;
	}
	fclose(maps);
	return nr;
}

static void victim_main(struct victim *v)
{
	unsigned char seen;
	char c;

	close(v->finish[1]);
	be_present();
	pin(1); /* the copier's CPU is not to know the page */
	v->forked.page = v->page = map_pages(1, 0x11);
	v->fresh = mmap(NULL, PAGE, RW, ANON | MAP_NORESERVE, -1, 0);
	toucher_start(&v->t, 1);
	toucher_start(&v->copier, 0);
	worker_start(&v->forker, 0, do_fork, &v->forked);
	touch_write(&v->t, v->page, 0x12);
	v->vma = vma_number(v->page);
	atomic_store(&v->ready, 1);
	CHECK(read(v->finish[0], &c, 1) == 0);
	worker_join(&v->forker);
	CHECK(v->page[0] == v->byte[0] && v->page[1] == v->byte[1] && v->page[2] == 0x11);
	seen = child_sees(&v->forked);
	CHECK(seen >= v->seen_first && seen <= v->seen_last);
	toucher_end(&v->t);
	toucher_end(&v->copier);
	_exit(0);
}

/* A process whose fork stands at a point, for the n-th time; 0: when it comes to the page's VMA. */
static struct victim *victim_at(const char *point, int n, pid_t *pid)
{
	struct victim *v = mmap(NULL, sizeof(*v), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(v != MAP_FAILED);
	pin(0); /* another process on the toucher's CPU would cost it its TLB */
	forked_init(&v->forked, NULL);
	CHECK(pipe(v->finish) == 0);
	*pid = fork();
	if (!*pid)
		victim_main(v);
	while (!atomic_load(&v->ready))
		sched_yield();
	ARM_HIT(point, v->forker.tid, n ? n : v->vma);
	touch_write(&v->t, v->page, 0x12);
	worker_go(&v->forker);
	AWAIT(point);
	return v;
}

static void victim_end(struct victim *v, pid_t pid)
{
	touch_end(&v->t);
	touch_end(&v->copier);
	worker_wait(&v->forker);
	close(v->finish[1]);
	CHECK_CHILD(pid);
	AUDIT();
}

/* A write in the middle of fork waits until it is over: the child has the old byte. */
static void write_meets_fork(const char *point)
{
	pid_t pid;
	struct victim *v = victim_at(point, 0, &pid);

	memcpy(v->byte, (unsigned char[]){0x22, 0x11}, 2);
	v->seen_first = v->seen_last = 0x12;
	touch(&v->copier, v->fresh, true, 0x33);
	CHECK(!touched(&v->copier));
	RELEASE(point);
	worker_wait(&v->forker);
	touch_write(&v->t, v->page, 0x22);
	victim_end(v, pid);
}

static void b08_fault_waits_for_the_chain_of_fork(void)
{
	write_meets_fork("fork_after_anon_vma_before_copy");
}

static void b25_fault_waits_for_the_tables_of_fork(void)
{
	write_meets_fork("fork_vma_linked_before_tables");
}

/* The half-made child's VMA is in the trees, and walks come there: it has no page table yet. */
static void b25_walk_meets_a_child_without_tables(void)
{
	pid_t pid;
	struct victim *v = victim_at("fork_vma_linked_before_tables", 0, &pid);

	memcpy(v->byte, (unsigned char[]){0x12, 0x11}, 2);
	v->seen_first = v->seen_last = 0x12;
	CHECK(migrate_all_anon() > 0);
	RELEASE("fork_vma_linked_before_tables");
	victim_end(v, pid);
}

/*
 * fork has made the PTEs read-only, but a TLB still lets a thread write. What it writes now both
 * may see; what it writes after fork has returned, only the parent.
 */
static void b09_fork_flushes_before_it_returns(void)
{
	pid_t pid;
	struct victim *v = victim_at("fork_after_wrprotect_before_flush", 1, &pid);

	memcpy(v->byte, (unsigned char[]){0x14, 0x11}, 2);
	v->seen_first = 0x12;
	v->seen_last = 0x13;
	touch(&v->t, v->page, true, 0x13);
	touched(&v->t);
	RELEASE("fork_after_wrprotect_before_flush");
	worker_wait(&v->forker);
	CHECK(touch_end(&v->t));
	touch_write(&v->t, v->page, 0x14);
	victim_end(v, pid);
}

/*
 * One thread breaks the sharing while another still writes through its TLB: if the copy could be
 * made before the flush, the write would be lost.
 */
static void b09_no_copy_before_the_flush(void)
{
	pid_t pid;
	struct victim *v = victim_at("fork_after_wrprotect_before_flush", 1, &pid);

	memcpy(v->byte, (unsigned char[]){0x13, 0x21}, 2);
	v->seen_first = 0x12;
	v->seen_last = 0x13;
	ARM("cow_after_copy_before_set", v->copier.worker.tid);
	touch(&v->copier, v->page + 1, true, 0x21);
	arrives("cow_after_copy_before_set", 200); /* unless it waits for fork */
	touch(&v->t, v->page, true, 0x13);
	touched(&v->t);
	instrument("release cow_after_copy_before_set");
	RELEASE("fork_after_wrprotect_before_flush");
	victim_end(v, pid);
}

/* Two threads break the sharing of a page at once; the second copy must not undo a write. */
static void b09_two_copies_of_one_page(void)
{
	unsigned char *p = map_pages(1, 0x11);
	struct toucher first, second;
	struct forked f;

	forked_init(&f, p);
	toucher_start(&first, 0);
	toucher_start(&second, 1);
	do_fork(&f);
	ARM("cow_after_copy_before_set", first.worker.tid);
	touch(&first, p, true, 0x22);
	AWAIT("cow_after_copy_before_set");
	touch_write(&second, p + 1, 0x33);
	RELEASE("cow_after_copy_before_set");
	CHECK(touch_end(&first));
	CHECK(p[0] == 0x22 && p[1] == 0x33 && p[2] == 0x11);
	CHECK(child_sees(&f) == 0x11);
	toucher_end(&first);
	toucher_end(&second);
	AUDIT();
}

/* ---- b10: Dirty COW ---- */

static void force_write(void *arg)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(pwrite(fd, "B", 1, (long)arg) == 1);
	close(fd);
}

/* A forced write has made its copy; the copy is thrown away; the original must not be written. */
static void b10_forced_write_never_reaches_the_file(void)
{
	char name[] = "/tmp/b10-XXXXXX", c = 0;
	int fd = mkstemp(name);
	struct worker w;
	char *p;

	CHECK(fd >= 0 && unlink(name) == 0);
	CHECK(write(fd, "AAAA", 4) == 4);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && p[0] == 'A');
	WORKER_AT(&w, 0, force_write, p, "access_after_cow_before_retry");
	CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0);
	CHECK(p[0] == 'A'); /* the original is mapped again */
	WORKER_FINISH(&w, "access_after_cow_before_retry");
	CHECK(pread(fd, &c, 1, 0) == 1 && c == 'A');
	CHECK(p[0] == 'B' && p[1] == 'A');
	close(fd);
	AUDIT();
}

/* The same with the zero page: nobody's write may reach it. */
static void b30_forced_write_never_reaches_the_zero_page(void)
{
	volatile char *p = mmap(NULL, PAGE, PROT_READ, ANON, -1, 0), *q = (char *)map_pages(1, 0);
	struct worker w;

	CHECK(p != MAP_FAILED && p[0] == 0);
	WORKER_AT(&w, 0, force_write, (void *)p, "access_after_cow_before_retry");
	CHECK(madvise((void *)p, PAGE, MADV_DONTNEED) == 0);
	CHECK(p[0] == 0);
	WORKER_FINISH(&w, "access_after_cow_before_retry");
	CHECK(p[0] == 'B' && q[0] == 0);
	AUDIT();
}

/* ---- b19, b29: in the middle of mprotect ---- */

static void take_write_away(void *p)
{
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
}

/* The VMA has merged into one without the right; a migration installs PTEs; none has the right. */
static void b19_migration_while_a_merge_is_half_done(void)
{
	unsigned char *p = map_pages(2, 0x11);
	unsigned long frame = page_frame(p + PAGE);
	struct worker w;

	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	WORKER_AT(&w, 0, take_write_away, p + PAGE, "merge_before_protection");
	CHECK_ANSWER("migrated", "migrate frame %lu", frame);
	WORKER_FINISH(&w, "merge_before_protection");
	CHECK(!can_write(p + PAGE) && p[PAGE] == 0x11);
	AUDIT();
}

static void drop_page(void *p)
{
	CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0);
}

/* MADV_DONTNEED comes while mprotect changes the PTE: it must not take it for empty. */
static void b29_dontneed_while_mprotect_changes_the_pte(void)
{
	unsigned char *p = map_pages(1, 0x11);
	struct worker w, dropper;

	pin(1);
	worker_start(&dropper, 1, drop_page, p);
	WORKER_AT(&w, 0, take_write_away, p, "protect_pte_cleared");
	worker_go(&dropper);
	worker_done(&dropper);
	WORKER_FINISH(&w, "protect_pte_cleared");
	worker_join(&dropper);
	CHECK(p[0] == 0 && !can_write(p));
	AUDIT();
}

/* ---- b26, b27: in the middle of munmap ---- */

#define TABLE (512 * PAGE)
#define ARENA ((unsigned char *)0x200000000000)

static void unmap_table(void *p)
{
	CHECK(munmap(p, TABLE) == 0);
}

static void unmap_page(void *p)
{
	CHECK(munmap(p, PAGE) == 0);
}

/* A walk comes to a VMA whose PTEs are zapped: its tables must still be there. */
static void b26_tables_are_there_while_walks_come(void)
{
	struct worker w;
	struct forked f;

	CHECK(mmap(ARENA, TABLE, RW, ANON | MAP_FIXED, -1, 0) == ARENA);
	memset(ARENA, 0x11, 4 * PAGE);
	forked_init(&f, ARENA);
	do_fork(&f);
	WORKER_AT(&w, 0, unmap_table, ARENA, "munmap_after_zap_before_unlink");
	CHECK_ANSWER("not migrated", "migrate %d %p", f.pid, ARENA); /* munmap holds it */
	CHECK_ANSWER("vmas 2", "walk %d %p", f.pid, ARENA);
	WORKER_FINISH(&w, "munmap_after_zap_before_unlink");
	CHECK(child_sees(&f) == 0x11);
	AUDIT();
}

#define CANARIES 64

/* Files in memory take frames, and need no mmap_lock for it. */
static int take_frames(char *page)
{
	int fd = (int)syscall(SYS_memfd_create, "canaries", 0);

	CHECK(fd >= 0);
	memset(page, 0x77, PAGE);
	for (int i = 0; i < CANARIES; i++)
		CHECK(write(fd, page, PAGE) == (long)PAGE);
	return fd;
}

static void check_frames(int fd, char *page)
{
	for (int i = 0; i < CANARIES; i++) {
		CHECK(pread(fd, page, PAGE, i * (long)PAGE) == (long)PAGE);
		for (unsigned long at = 0; at < PAGE; at++)
			CHECK(page[at] == 0x77);
	}
	close(fd);
}

/* The page is unmapped, but a TLB knows it: until that is flushed nobody else may get its frame. */
static void unmap_before_flush(void (*unmap)(void *))
{
	static char page[PAGE];
	unsigned char *p = map_pages(1, 0x11);
	struct toucher t;
	struct worker w;
	int fd;

	pin(0);
	toucher_start(&t, 1);
	touch_write(&t, p, 0x12);
	WORKER_AT(&w, 0, unmap, p, "munmap_before_flush");
	fd = take_frames(page);
	touch(&t, p, true, 0x13);
	touched(&t);
	check_frames(fd, page);
	RELEASE("munmap_before_flush");
	worker_wait(&w);
	touch_end(&t);
	worker_join(&w);
	toucher_end(&t);
	AUDIT();
}

static void b27_munmap_frees_after_the_flush(void)
{
	unmap_before_flush(unmap_page);
}

static void b27_dontneed_frees_after_the_flush(void)
{
	unmap_before_flush(drop_page);
}

static void map_to_write(void *memfd)
{
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED, *(int *)memfd, 0);

	CHECK(p != MAP_FAILED);
	*p = 1;
}

/* A mapping that may write counts from when the seals were looked at: no seal slips in between. */
static void no_seal_while_a_mapping_is_made(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	struct worker w;

	CHECK(ftruncate(fd, PAGE) == 0);
	WORKER_AT(&w, 0, map_to_write, &fd, "mmap_before_link");
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	WORKER_FINISH(&w, "mmap_before_link");
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	AUDIT();
}

int main(void)
{
	INSTRUMENT_TEST(b08_fault_waits_for_the_chain_of_fork, 1);
	INSTRUMENT_TEST(b25_fault_waits_for_the_tables_of_fork, 1);
	INSTRUMENT_TEST(b25_walk_meets_a_child_without_tables, 1);
	INSTRUMENT_TEST(b09_fork_flushes_before_it_returns, 1);
	INSTRUMENT_TEST(b09_no_copy_before_the_flush, 1);
	INSTRUMENT_TEST(b09_two_copies_of_one_page, 1);
	INSTRUMENT_TEST(b10_forced_write_never_reaches_the_file, 1);
	INSTRUMENT_TEST(b30_forced_write_never_reaches_the_zero_page, 1);
	INSTRUMENT_TEST(b19_migration_while_a_merge_is_half_done, 1);
	INSTRUMENT_TEST(b29_dontneed_while_mprotect_changes_the_pte, 2);
	INSTRUMENT_TEST(b26_tables_are_there_while_walks_come, 1);
	INSTRUMENT_TEST(b27_munmap_frees_after_the_flush, 1);
	INSTRUMENT_TEST(b27_dontneed_frees_after_the_flush, 1);
	INSTRUMENT_TEST(no_seal_while_a_mapping_is_made, 1);
	return test_done();
}
