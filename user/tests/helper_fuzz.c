/* SPDX-License-Identifier: MIT */
/*
 * helper_fuzz - every system call with arguments that are wrong at random, from four processes at once.
 *
 *	helper_fuzz CALLS SEED
 *
 * The kernel must answer with an errno, end the process, or do what was asked; it must not panic,
 * hang, or keep what nobody owns any more. docs/abi/syscalls.txt says what each argument is meant to
 * be (build/user/tables/calls.h is made from it), so three of four arguments are of the right kind: an
 * open descriptor, a path, a pointer to memory that holds something plausible, a length, a flag.
 * The rest is anything at all. That is deep enough to get beyond the first check, and wrong enough
 * to meet the second.
 *
 * Four keepers share the calls. Each starts one life after the other: a process that makes a folder
 * and descriptors, does LIFE calls, and ends. A life that is ended by a signal, or hangs, is nothing
 * special; the next one goes on. Life n of keeper k draws its numbers from SEED, k and n alone, so a
 * failure can be repeated.
 *
 * When all are gone, the machine must be as it was after the first few lives: free memory and the
 * objects in the kernel's slabs are compared.
 *
 * Not tried, since they would end the experiment and not the kernel: signals to others, processes
 * that share this one's memory, and what would take away the files it needs. It runs on Verso alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPERS	   4
#define LIFE	   1000	 /* calls of one process */
#define WARM_LIVES 5	 /* of each keeper, before the first look at the machine */
#define TICK_US	   20000 /* a call that blocks is interrupted after this */
#define IDLE_TICKS 150	 /* without a call: the life hangs, and is ended */
#define PAGE	   4096UL
#define PAGES	   64UL
#define LAST_CALL  520
#define FDS	   24
#define FREE_SLACK \
	1024 /* kB that may be missing at the end: caches, and what the count itself takes */
#define SLAB_SLACK 300 /* objects of one cache */

struct call {
	int number;
	const char *name;
	bool supported;
	const char *kinds; /* one letter for each argument: tools/abi.py explains */
};
#include "build/user/tables/calls.h"

#define NR_CALLS ((int)(sizeof calls / sizeof *calls))

static uint64_t state;
static char *arena; /* PAGES of memory that calls may do anything with */
static int fds[FDS];

static const char *const paths[] = {
	"f",
	"d",
	"d/g",
	"l",
	"loop",
	"fifo",
	"none",
	"d/none",
	".",
	"..",
	"",
	"f/x",
	"d/../f",
	"/proc/self/maps",
	"/proc/self/smaps",
	"/proc/self/mem",
	"/proc/self/fd",
	"/proc/self/pagemap",
	"/proc/self/fd/3",
	"/proc/self/clear_refs",
	"/proc/self/status",
	"/proc/self/task",
	"/proc/meminfo",
	"/proc/vmstat",
	"/proc",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/ptmx",
	"/dev/shm",
	"tmpfs",
	"proc",
	"trusted.x",
	"user.y",
};

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* ---- arguments ---- */

/* Fill a part of the arena with what a structure might hold: noise, zeroes, small numbers, pointers, lengths. */
static void scribble(void)
{
	uint64_t *p = (uint64_t *)(arena + next() % 16 * PAGE + next() % 64 * 64);
	int kind = next() % 5;

	for (int i = 0; i < 24; i++) {
		uint64_t r = next();

		p[i] = kind == 0   ? r
		       : kind == 1 ? 0
		       : kind == 2 ? r % 16
		       : kind == 3 ? (i % 2 ? r % 5000 : (uint64_t)arena + r % (16 * PAGE))
				   : (r % 32) | (r >> 32) % 32 << 32;
	}
}

/* A pointer of every kind; most are to memory that can be read and written. */
static long pointer(void)
{
	uint64_t r = next();

	switch (next() % 16) {
	case 0:
		return 0;
	case 1:
		return (long)(0xffffffff80000000UL + r % 0x1000000);
	case 2:
		return (long)(0xffff888000000000UL + r % 0x10000000);
	case 3:
		return (long)(0x00007fffffffe000UL + r % 0x4000);
	case 4:
		return (long)(0x8000000000000000UL ^ r);
	case 5:
		return (long)(arena + 17 * PAGE -
			      r % 64); /* the page behind it cannot be touched */
	case 6:
		return (long)(arena + 18 * PAGE + r % PAGE); /* can only be read */
	case 7:
		return (long)(arena + r % (PAGES * PAGE));
	default:
		return (long)(arena + r % 16 * PAGE + r % 64 * 64);
	}
}

static long wild(void)
{
	uint64_t r = next();

	switch (next() % 10) {
	case 0:
		return 0;
	case 1:
		return -1;
	case 2:
		return 16 + r % 64;
	case 3:
		return 1L << (r % 64);
	case 4:
		return -(long)(r % 200) - 100;
	case 5:
		return r % (64 * PAGE);
	case 6:
		return INT_MAX - (long)(r % 3);
	case 7:
		return LONG_MAX - (long)(r % 4096);
	case 8:
		return pointer();
	default:
		return (long)r;
	}
}

/* Whom a call is about: this process, nobody, or no possible number. Never somebody else. */
static long somebody(void)
{
	static const long nobody[] = {0, 99999, 1 << 30, INT_MIN, LONG_MAX};

	return next() % 3 ? getpid() : nobody[next() % 5];
}

static long flags(void)
{
	uint64_t r = next();

	switch (next() % 5) {
	case 0:
		return 0;
	case 1:
		return 1L << (r % 32);
	case 2:
		return 1L << (r % 32) | 1L << (r / 32 % 32);
	case 3:
		return r % 64;
	default:
		return (uint32_t)r & (uint32_t)next() & (uint32_t)next();
	}
}

static long length(void)
{
	uint64_t r = next();

	switch (next() % 6) {
	case 0:
		return r % 9;
	case 1:
		return 8;
	case 2:
		return r % 128;
	case 3:
		return r % (4 * PAGE);
	case 4:
		return (r % 20) * PAGE;
	default:
		return r % (16 << 20);
	}
}

static long argument(char kind)
{
	if (kind == 'p') /* wild numbers would be somebody */
		return somebody();
	if (next() % 4 == 0)
		return wild();
	switch (kind) {
	case 'd':
		return fds[next() % FDS];
	case 's':
		return next() % 8 ? (long)paths[next() % (sizeof paths / sizeof *paths)]
				  : pointer();
	case 'f':
		return flags();
	case 'n':
		return length();
	case 'v':
		return next() % 2 ? (long)(next() % 32) : flags();
	case 'm':
		return (long)(arena + next() % PAGES * PAGE);
	default:
		return pointer();
	}
}

/* ---- one life ---- */

static void tick(int sig)
{
}

/* The timer that ends calls which block, whatever the call before did to it. */
static void keep_ticking(void)
{
	struct itimerval often = {{0, TICK_US}, {0, TICK_US}};
	struct sigaction action = {.sa_handler = tick};
	sigset_t none;

	sigemptyset(&none);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void make_arena(void)
{
	arena = mmap((void *)0x20000000UL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mprotect(arena + 17 * PAGE, PAGE, PROT_NONE);
	mprotect(arena + 18 * PAGE, PAGE, PROT_READ);
}

static void make_files(void)
{
	int ends[2], n = 0;

	mkdir("d", 0755);
	fds[n++] = open("f", O_RDWR | O_CREAT, 0644);
	fds[n++] = open("d/g", O_RDWR | O_CREAT | O_APPEND, 0644);
	symlink("f", "l");
	symlink("loop", "loop");
	mkfifo("fifo", 0644);
	ftruncate(fds[0], 5 * PAGE + 77);
	fds[n++] = open("d", O_RDONLY | O_DIRECTORY);
	fds[n++] = open("f", O_PATH);
	fds[n++] = open("fifo", O_RDWR | O_NONBLOCK);
	pipe2(ends, O_NONBLOCK);
	fds[n++] = ends[0];
	fds[n++] = ends[1];
	pipe(ends);
	fds[n++] = ends[0];
	fds[n++] = ends[1];
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	fds[n++] = ends[0];
	fds[n++] = ends[1];
	fds[n++] = epoll_create1(0);
	fds[n++] = timerfd_create(CLOCK_MONOTONIC, 0);
	fds[n++] = eventfd(3, EFD_NONBLOCK);
	fds[n++] = syscall(SYS_memfd_create, "m", 2);
	fds[n++] = syscall(SYS_pidfd_open, getpid(), 0);
	fds[n++] = open("/proc/self/maps", O_RDONLY);
	fds[n++] = open("/proc/self/mem", O_RDWR);
	fds[n++] = open("/dev/zero", O_RDWR);
	fds[n++] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	fds[n++] = open("/proc/self/pagemap", O_RDONLY);
	fds[n++] = open("/proc", O_RDONLY | O_DIRECTORY);
	while (n < FDS)
		fds[n++] = AT_FDCWD;
}

/* Calls that end this experiment, not the kernel, whatever their arguments. */
static bool is_spared(int number)
{
	static const short spared[] = {SYS_exit,   SYS_exit_group, SYS_vfork,  SYS_clone,
				       SYS_clone3, SYS_reboot,	   SYS_swapoff};

	for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
		if (spared[i] == number)
			return true;
	/* A frame that was never pushed: worth a try, but each ends a life. */
	return number == SYS_rt_sigreturn && next() % 16;
}

/* Would these arguments reach what the experiment stands on: other processes, the mounts of this machine? */
static bool is_harmful(const struct call *c, const long *arg)
{
	int number = c->number;

	if (number == SYS_kill || number == SYS_tkill || number == SYS_rt_sigqueueinfo)
		return (int)arg[0] == -1 || (int)arg[1] == SIGSTOP;
	if (number == SYS_mount || number == SYS_umount2 || number == SYS_pivot_root)
		for (int i = 0; i < 2; i++)
			if (arg[i] > PATH_MAX && (unsigned long)arg[i] < (unsigned long)arena &&
			    *(char *)arg[i] == '/')
				return true;
	return false;
}

static const struct call *some_call(void)
{
	static const struct call unknown = {LAST_CALL, "unknown", false, "aaaaaa"};

	for (;;) {
		const struct call *c = next() % 200 ? calls + next() % NR_CALLS : &unknown;

		if (!is_spared(c->number) && (c->supported || next() % 10 == 0))
			return c;
	}
}

static void one_call(void)
{
	const struct call *c = some_call();
	const char *kind = c->kinds;
	long arg[6], ret;

	if (next() % 4 == 0)
		scribble();
	for (int i = 0; i < 6; i++)
		arg[i] = argument(*kind ? *kind++ : 'a');
	if (is_harmful(c, arg))
		return;
	ret = syscall(c->number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (c->number == SYS_fork && ret == 0)
		_exit(0);
	if (c->number == SYS_rt_sigaction || c->number == SYS_rt_sigprocmask ||
	    c->number == SYS_setitimer || c->number == SYS_alarm)
		keep_ticking();
}

static void __attribute__((noreturn)) live(uint64_t seed, const char *folder, volatile long *done)
{
	int null = open("/dev/null", O_RDWR);

	for (int i = 0; i < 3; i++)
		dup2(null, i);
	setsid();
	chdir(folder);
	state = seed * 0x9e3779b97f4a7c15ULL | 1;
	for (int i = 0; i < 4; i++)
		next();
	make_arena();
	make_files();
	keep_ticking();
	for (int i = 0; i < LIFE; i++) {
		one_call();
		++*done;
	}
	_exit(0);
}

/* ---- keepers ---- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	if (walk->level)
		remove(path);
	return 0;
}

static int open_up(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	if (S_ISDIR(st->st_mode))
		chmod(path, 0700);
	return 0;
}

/* Empty a folder, whatever a life has made of it. */
static void empty(const char *folder)
{
	static const char *const names[] = {"d", ".", "f", "d/none", "none"};
	char place[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(place, sizeof place, "%s/%s", folder, names[i]);
		while (umount2(place, MNT_DETACH) == 0)
			;
	}
	chmod(folder, 0700);
	nftw(folder, open_up, 16, FTW_PHYS);
	nftw(folder, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
}

/* Memory of System V outlives everybody: take away what a life has left. */
static void remove_segments(void)
{
	struct shmid_ds ds;

	for (int i = 0; i < 4096; i++) {
		int id = shmctl(i, SHM_STAT, &ds);

		if (id >= 0)
			shmctl(id, IPC_RMID, NULL);
	}
}

static void one_life(uint64_t seed, int keeper, volatile long *done)
{
	long before = *done;
	char folder[64];
	int idle = 0;
	pid_t pid;

	snprintf(folder, sizeof folder, "/tmp/fuzz.%d", keeper);
	mkdir(folder, 0755);
	pid = fork();
	if (pid == 0)
		live(seed, folder, done);
	while (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0) {
		usleep(TICK_US / 4);
		idle = *done == before ? idle + 1 : 0;
		before = *done;
		if (idle > IDLE_TICKS * 4)
			kill(pid, SIGKILL);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	empty(folder);
}

/* lives at most `lives` lives, until the keepers together have done `calls` calls */
static void keep(uint64_t seed, int keeper, long lives, long enough, volatile long *done)
{
	for (long life = 0; life < lives && done[keeper] < enough; life++)
		one_life((seed * KEEPERS + keeper) * 1000003 + life, keeper, done + keeper);
	_exit(0);
}

static void run(uint64_t seed, long lives, long enough, volatile long *done)
{
	for (int i = 0; i < KEEPERS; i++) {
		done[i] = 0;
		if (fork() == 0)
			keep(seed, i, lives, enough / KEEPERS, done);
	}
	while (wait(NULL) > 0)
		;
	remove_segments();
}

/* ---- is anything missing? ---- */

struct machine {
	long free_kb;
	struct {
		char name[32];
		long objects;
	} caches[96];
	int nr_caches;
};

static long meminfo(const char *what)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kb = 0;

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, what, strlen(what)))
			kb = strtol(line + strlen(what), NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

/* Free memory, counting what is only cached or swapped out as it would be without pressure. */
static void look(struct machine *m)
{
	FILE *f;
	char line[256];

	usleep(300000); /* what RCU and the threads of the kernel still have in hand */
	m->free_kb = meminfo("MemFree:") + meminfo("Cached:") + meminfo("AnonPages:");
	m->nr_caches = 0;
	f = fopen("/proc/slabinfo", "r");
	while (f && fgets(line, sizeof line, f) && m->nr_caches < 96)
		if (sscanf(line, "%31s %ld", m->caches[m->nr_caches].name,
			   &m->caches[m->nr_caches].objects) == 2)
			m->nr_caches++;
	if (f)
		fclose(f);
}

static bool same(const struct machine *before, const struct machine *after)
{
	bool good = true;

	printf("free %ld kB before, %ld kB after\n", before->free_kb, after->free_kb);
	if (after->free_kb < before->free_kb - FREE_SLACK)
		good = false;
	for (int i = 0; i < after->nr_caches && i < before->nr_caches; i++)
		if (after->caches[i].objects > before->caches[i].objects + SLAB_SLACK) {
			printf("%s: %ld objects before, %ld after\n", after->caches[i].name,
			       before->caches[i].objects, after->caches[i].objects);
			good = false;
		}
	return good;
}

int main(int argc, char **argv)
{
	long enough = argc > 1 ? atol(argv[1]) : 100000;
	uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	static struct machine before, after;
	volatile long *done;
	struct utsname name;
	long total = 0;

	uname(&name);
	if (!strstr(name.release, "verso")) {
		fprintf(stderr,
			"helper_fuzz: this is %s: wild system calls belong on a Verso machine\n",
			name.sysname);
		return 2;
	}
	printf("seed %lu\n", seed);
	fflush(stdout);
	done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run(seed + 1000000, WARM_LIVES, LONG_MAX, done);
	look(&before);
	run(seed, LONG_MAX, enough, done);
	look(&after);
	for (int i = 0; i < KEEPERS; i++)
		total += done[i];
	printf("%ld calls\n", total);
	if (!same(&before, &after))
		return printf("FAILED\n"), 1;
	printf("PASSED\n");
	return 0;
}
