/* SPDX-License-Identifier: MIT */
/*
 * Core files: which deaths leave one, and what a debugger finds in it.
 */
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
#define PAGE 4096L

static char folder[64], pattern[128];

/* Where core files go by their simple name; else the tests have nothing to look at. */
static int cores_here(void)
{
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	ssize_t n = read(fd, pattern, sizeof(pattern) - 1);

	close(fd);
	return n >= 5 && !strcmp(pattern, "core\n");
}

static void begin(void)
{
	struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};

	snprintf(folder, sizeof(folder), "/tmp/core.%d", getpid());
	CHECK(mkdir(folder, 0755) == 0 && chdir(folder) == 0);
	CHECK(setrlimit(RLIMIT_CORE, &lim) == 0);
	signal(SIGALRM, SIG_DFL);
}

static void end(void)
{
	unlink("core");
	CHECK(chdir("/") == 0);
	rmdir(folder);
}

static char *marked;

static void *stand_still(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

static int die(int sig)
{
	static int standing;
	pthread_t thread;

	marked = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(marked + 3 * PAGE, "found in the core file");
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, stand_still, &standing);
	while (__atomic_load_n(&standing, __ATOMIC_SEQ_CST) < 3)
		;
	raise(sig);
	return 0;
}

static int run(int (*fn)(int), int sig)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(sig));
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static char *core;
static size_t core_size;

static void load(void)
{
	struct stat st;
	int fd = open("core", O_RDONLY);

	CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600);
	core_size = (size_t)st.st_size;
	core = mmap(NULL, core_size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(core != MAP_FAILED);
	close(fd);
}

static Elf64_Phdr *headers(int *n)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)core;

	CHECK(!memcmp(eh->e_ident, ELFMAG, SELFMAG) && eh->e_type == ET_CORE);
	CHECK(eh->e_machine == EM_X86_64 && eh->e_phentsize == sizeof(Elf64_Phdr));
	*n = eh->e_phnum;
	return (Elf64_Phdr *)(core + eh->e_phoff);
}

/* The n-th note of this type, its length in *len; NULL: there are fewer. */
static void *note(uint32_t type, int n, uint32_t *len)
{
	int count;
	Elf64_Phdr *ph = headers(&count);
	char *p, *stop;

	CHECK(ph->p_type == PT_NOTE);
	p = core + ph->p_offset;
	stop = p + ph->p_filesz;
	while (p < stop) {
		uint32_t *head = (uint32_t *)p;
		char *value = p + 12 + ((head[0] + 3) & ~3u);

		if (head[2] == type && !n--) {
			*len = head[1];
			return value;
		}
		p = value + ((head[1] + 3) & ~3u);
	}
	return NULL;
}

static void check_memory(void)
{
	int n, found = 0;
	Elf64_Phdr *ph = headers(&n);

	for (int i = 1; i < n; i++) {
		CHECK(ph[i].p_type == PT_LOAD && ph[i].p_offset + ph[i].p_filesz <= core_size);
		for (size_t at = 0; at + 64 < ph[i].p_filesz; at += PAGE)
			if (!strcmp(core + ph[i].p_offset + at, "found in the core file"))
				found += (ph[i].p_flags & (PF_R | PF_W)) == (PF_R | PF_W);
	}
	CHECK(found == 1);
}

static void test_core(void)
{
	int status, threads = 0;
	struct elf_prstatus *st;
	struct elf_prpsinfo *ps;
	siginfo_t *si;
	uint32_t len;

	begin();
	status = run(die, SIGQUIT);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT && WCOREDUMP(status));
	load();
	st = note(NT_PRSTATUS, 0, &len);
	CHECK(st && len == sizeof(*st) && st->pr_cursig == SIGQUIT &&
	      st->pr_info.si_signo == SIGQUIT);
	CHECK(st->pr_ppid == getpid() && st->pr_pid > 0 && st->pr_fpvalid == 1);
	ps = note(NT_PRPSINFO, 0, &len);
	CHECK(ps && len == sizeof(*ps) && ps->pr_pid == st->pr_pid && ps->pr_uid == getuid());
	CHECK(strstr(ps->pr_fname, "core") && strstr(ps->pr_psargs, "core"));
	si = note(0x53494749, 0, &len);
	CHECK(si && len == sizeof(*si) && si->si_signo == SIGQUIT && si->si_code == SI_TKILL);
	CHECK(note(NT_AUXV, 0, &len) && len >= 16 * 10 && note(0x46494c45, 0, &len));
	while (note(NT_PRSTATUS, threads, &len))
		threads++;
	CHECK(threads == 4 && note(NT_FPREGSET, 3, &len) && len == 512);
	CHECK(((struct elf_prstatus *)note(NT_PRSTATUS, 1, &len))->pr_pid != st->pr_pid);
	check_memory();
	end();
}

static int fault(int sig)
{
	*(volatile int *)0x123456 = 7;
	return 0;
}

static void test_core_fault(void)
{
	struct elf_prstatus *st;
	siginfo_t *si;
	uint32_t len;
	int status;

	begin();
	status = run(fault, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
	load();
	si = note(0x53494749, 0, &len);
	CHECK(si && si->si_code == SEGV_MAPERR && si->si_addr == (void *)0x123456);
	/* the instruction pointer lies in the function that did it */
	st = note(NT_PRSTATUS, 0, &len);
	CHECK(st->pr_reg[16] - (uint64_t)fault < 100);
	end();
}

static int plain(int sig)
{
	raise(sig);
	return 0;
}

static int undumpable(int sig)
{
	prctl(PR_SET_DUMPABLE, 0);
	raise(sig);
	return 0;
}

static void test_core_none(void)
{
	struct rlimit lim = {0, RLIM_INFINITY};
	int status;

	begin();
	status = run(plain, SIGTERM);
	CHECK(WTERMSIG(status) == SIGTERM && !WCOREDUMP(status) && access("core", F_OK));
	status = run(undumpable, SIGABRT);
	CHECK(WTERMSIG(status) == SIGABRT && !WCOREDUMP(status) && access("core", F_OK));
	CHECK(setrlimit(RLIMIT_CORE, &lim) == 0);
	status = run(plain, SIGABRT);
	CHECK(WTERMSIG(status) == SIGABRT && !WCOREDUMP(status) && access("core", F_OK));
	end();
}

static void test_core_filter(void)
{
	char text[16] = "";
	int fd = open("/proc/self/coredump_filter", O_RDWR), status;

	begin();
	CHECK(read(fd, text, sizeof(text)) == 9 && strtoul(text, NULL, 16) == 0x33);
	CHECK(pwrite(fd, "0", 1, 0) == 1 && pread(fd, text, sizeof(text), 0) == 9);
	CHECK(!strcmp(text, "00000000\n"));
	status = run(die, SIGQUIT);
	CHECK(WCOREDUMP(status));
	load();
	CHECK(!memmem(core, core_size, "found in the core file", 22));
	end();
}

/* A core file takes its name from whatever had it, and never costs that its contents. */
static void test_core_linked(void)
{
	struct stat st;
	int fd, status;

	begin();
	fd = open("precious", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0 && write(fd, "contents", 8) == 8 && link("precious", "core") == 0);
	status = run(plain, SIGABRT);
	CHECK(WTERMSIG(status) == SIGABRT && WCOREDUMP(status));
	CHECK(fstat(fd, &st) == 0 && st.st_size == 8 && st.st_nlink == 1);
	CHECK(unlink("core") == 0 && symlink("precious", "core") == 0);
	status = run(plain, SIGABRT);
	CHECK(WCOREDUMP(status) && fstat(fd, &st) == 0 && st.st_size == 8);
	CHECK(unlink("core") == 0 && mkdir("core", 0700) == 0);
	status = run(plain, SIGABRT);
	CHECK(WTERMSIG(status) == SIGABRT && !WCOREDUMP(status) && rmdir("core") == 0);
	CHECK(unlink("precious") == 0);
	close(fd);
	end();
}

static int huge(int sig)
{
	/* so much that looking at every page of it would take hours */
	for (int i = 0; i < 64; i++)
		mmap(NULL, 1L << 40, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	raise(sig);
	return 0;
}

/* SIGKILL ends the writing of a core file of a huge address space. */
static void test_core_killed(void)
{
	int status;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid)
		_exit(huge(SIGABRT));
	while (access("core", F_OK))
		usleep(1000);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	end();
}

#define MARKED_PAGES 4096
static const char mark[] = "a page of the dead";

static int many_pages(int sig)
{
	char *mem = mmap(NULL, MARKED_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (long i = 0; i < MARKED_PAGES; i++)
		memcpy(mem + i * PAGE, mark, sizeof(mark));
	raise(sig);
	return 0;
}

/* process_mrelease() takes nothing away from a core file that is being written. */
static void test_core_mrelease(void)
{
	int found = 0, status, fd;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid)
		_exit(many_pages(SIGABRT));
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	while (syscall(SYS_process_mrelease, fd, 0) && errno == EINVAL)
		;
	CHECK(waitpid(pid, &status, 0) == pid && WCOREDUMP(status));
	load();
	for (size_t at = 0; at + sizeof(mark) <= core_size; at += PAGE)
		found += !memcmp(core + at, mark, sizeof(mark));
	CHECK(found == MARKED_PAGES);
	close(fd);
	end();
}

static int die_by_name(int sig)
{
	CHECK(prctl(PR_SET_NAME, "../x/y") == 0);
	raise(sig);
	return 0;
}

/* core_pattern for one death, which leaves a file of that name. Only on Verso, whose pattern is ours. */
static void check_name(const char *text, const char *expected)
{
	int fd = open("/proc/sys/kernel/core_pattern", O_WRONLY);

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(WCOREDUMP(run(die_by_name, SIGQUIT)));
	CHECK(unlink(expected) == 0);
	CHECK(pwrite(fd, "core", 4, 0) == 4);
	close(fd);
}

static void test_core_name(void)
{
	struct utsname name;
	char exe[512], expected[600];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	CHECK(uname(&name) == 0 && n > 0);
	if (!strstr(name.release, "verso"))
		return;
	exe[n] = '\0';
	begin();
	check_name("c-%e-%s-%u-%d-%%%", "c-..!x!y-3-0-1-%");
	snprintf(expected, sizeof(expected), "f-%s", strrchr(exe, '/') + 1);
	check_name("f-%f", expected);
	for (char *p = exe; *p; p++)
		if (*p == '/')
			*p = '!';
	check_name("%E", exe);
	end();
}

int main(void)
{
	if (!cores_here()) {
		printf("ok core # skip: core files do not go to \"core\"\n");
		return 0;
	}
	TEST(test_core);
	TEST(test_core_fault);
	TEST(test_core_none);
	TEST(test_core_filter);
	TEST(test_core_linked);
	TEST(test_core_killed);
	TEST(test_core_mrelease);
	TEST(test_core_name);
	return test_done();
}
