/* SPDX-License-Identifier: MIT */
/*
 * /proc: the files that programs read, and what they must say. Passes on Linux too.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

static char text[1 << 20];

static const char *slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	CHECK(n == 0 && close(fd) == 0);
	text[len] = 0;
	return text;
}

/* The number after "KEY:" or "KEY " at the start of a line. */
static long field(const char *name, const char *key)
{
	const char *p = slurp(name);
	size_t len = strlen(key);

	for (; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (!strncmp(p, key, len))
			return strtol(p + len, NULL, 0);
	}
	return -1;
}

static void test_system(void)
{
	struct sysinfo si;
	long total;
	double up;

	total = field("/proc/meminfo", "MemTotal:");
	CHECK(sysinfo(&si) == 0 && total > 0);
	CHECK(labs((long)(si.totalram * si.mem_unit / 1024) - total) < 64);
	CHECK(field("/proc/meminfo", "MemFree:") > 0 && field("/proc/meminfo", "MemFree:") < total);
	CHECK(field("/proc/meminfo", "SwapTotal:") >= 0 &&
	      field("/proc/meminfo", "Committed_AS:") >= 0);
	CHECK(field("/proc/vmstat", "pgfault ") > 0 && field("/proc/vmstat", "pswpout ") >= 0);
	CHECK(field("/proc/stat", "ctxt ") > 0 && field("/proc/stat", "btime ") > 0 &&
	      field("/proc/stat", "processes ") > 0);
	CHECK(sscanf(slurp("/proc/uptime"), "%lf", &up) == 1 && up > 0);
	CHECK(strstr(slurp("/proc/cpuinfo"), "processor\t: 0\n"));
	CHECK(!strncmp(slurp("/proc/version"), "Linux version ", 14));
	CHECK(strstr(slurp("/proc/filesystems"), "nodev\ttmpfs\n") &&
	      strstr(text, "nodev\tproc\n"));
	CHECK(strstr(slurp("/proc/mounts"), " proc "));
	CHECK(!strncmp(slurp("/proc/swaps"), "Filename", 8));
	CHECK(strchr(slurp("/proc/loadavg"), '/') && strstr(slurp("/proc/buddyinfo"), "Node 0"));
	CHECK(atoi(slurp("/proc/sys/kernel/pid_max")) > 1000 &&
	      !strcmp(slurp("/proc/sys/kernel/ostype"), "Linux\n"));
	CHECK(atoi(slurp("/proc/sys/vm/max_map_count")) > 1000 &&
	      atoi(slurp("/proc/sys/vm/overcommit_memory")) >= 0);
	CHECK_ERRNO(open("/proc/nothing", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("/proc/x", O_CREAT | O_WRONLY, 0644), ENOENT);
	CHECK_ERRNO(mkdir("/proc/x", 0755), ENOENT);
}

static void test_zoneinfo(void)
{
	CHECK(!strncmp(slurp("/proc/zoneinfo"), "Node 0, zone ", 13));
	CHECK(strstr(text, "nr_inactive_anon ") && strstr(text, "  pages free "));
	CHECK(strstr(text, " min ") && strstr(text, " managed ") && strstr(text, "start_pfn:"));
}

/* The processors, as the C library and others look for them. */
static void test_sysfs_cpus(void)
{
	int last = 0, dirs = 0;
	struct dirent *entry;
	DIR *dir = opendir("/sys/devices/system/cpu");

	CHECK(dir);
	CHECK(!strncmp(slurp("/sys/devices/system/cpu/online"), "0", 1));
	CHECK(sscanf(text, "0-%d", &last) <= 1 && text[strlen(text) - 1] == '\n');
	CHECK(last + 1 == sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(!strncmp(slurp("/sys/devices/system/cpu/possible"), "0", 1));
	CHECK(!strncmp(slurp("/sys/devices/system/cpu/present"), "0", 1));
	CHECK(atoi(slurp("/sys/devices/system/cpu/kernel_max")) > 0);
	while ((entry = readdir(dir)))
		dirs += !strncmp(entry->d_name, "cpu", 3) && entry->d_name[3] >= '0' &&
			entry->d_name[3] <= '9';
	CHECK(closedir(dir) == 0 && dirs >= last + 1);
	CHECK(access("/sys/devices/system/cpu/cpu0", F_OK) == 0);
	CHECK_ERRNO(access("/sys/devices/system/cpu/cpu999", F_OK), ENOENT);
	CHECK_ERRNO(open("/sys/devices/system/cpu/online", O_RDWR), EACCES);
}

/* Readable while there is a record that has not been read. */
static void test_kmsg_poll(void)
{
	struct pollfd p = {open("/dev/kmsg", O_RDONLY | O_NONBLOCK), POLLIN, 0};

	if (p.fd < 0 && errno == EPERM)
		return; /* not for everybody on Linux */
	CHECK(p.fd >= 0 && poll(&p, 1, 0) >= 0);
	while (read(p.fd, text, sizeof(text)) > 0 || errno == EPIPE)
		;
	CHECK(errno == EAGAIN && poll(&p, 1, 0) == 0);
	CHECK(lseek(p.fd, 0, SEEK_SET) == 0 && poll(&p, 1, 1000) == 1 && p.revents & POLLIN);
	CHECK(close(p.fd) == 0);
}

/* What a process reads and writes is counted, its threads' with it; so is what dead threads did. */
static void *write_ten(void *fd)
{
	return (void *)(write(*(int *)fd, "0123456789", 10) == 10 ? NULL : fd);
}

static void test_io(void)
{
	long written = field("/proc/self/io", "wchar: "), calls = field("/proc/self/io", "syscw: ");
	long read_before = field("/proc/self/io", "rchar: ");
	int null = open("/dev/null", O_RDWR);
	pthread_t thread;
	void *failed;

	CHECK(written >= 0 && read_before > 0);
	CHECK(write(null, text, 1000) == 1000);
	CHECK(pthread_create(&thread, NULL, write_ten, &null) == 0);
	CHECK(pthread_join(thread, &failed) == 0 && !failed);
	CHECK(field("/proc/self/io", "wchar: ") == written + 1010);
	CHECK(field("/proc/self/io", "syscw: ") == calls + 2);
	CHECK(field("/proc/self/io", "rchar: ") > read_before);
	CHECK(field("/proc/thread-self/io", "wchar: ") >= 1000);
	CHECK(strstr(text, "cancelled_write_bytes: "));
}

static void test_stat(void)
{
	int pid, ppid, pgrp, sid;
	char comm[32], state;
	unsigned long vsize;
	long rss;

	CHECK(prctl(PR_SET_NAME, "a (b) c") == 0);
	CHECK(sscanf(slurp("/proc/self/stat"), "%d (%31[^\n]", &pid, comm) == 2 && pid == getpid());
	CHECK(!strncmp(comm, "a (b) c) ", 9));
	CHECK(sscanf(strrchr(text, ')') + 2,
		     "%c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %lu %ld",
		     &state, &ppid, &pgrp, &sid, &vsize, &rss) == 6);
	CHECK(state == 'R' && ppid == getppid() && pgrp == getpgrp() && sid == getsid(0) &&
	      vsize > 4096 && rss >= 0);
	int spaces = 0;
	for (char *p = strrchr(text, ')'); *p; p++)
		spaces += *p == ' ';
	CHECK(spaces == 50);
	CHECK(field("/proc/self/status", "Pid:") == getpid() &&
	      field("/proc/self/status", "PPid:") == getppid());
	CHECK(field("/proc/self/status", "Uid:") == (long)getuid() &&
	      field("/proc/self/status", "Threads:") == 1);
	CHECK(field("/proc/self/status", "VmRSS:") > 0 &&
	      field("/proc/self/status", "VmSize:") > 0);
	CHECK(!strcmp(slurp("/proc/self/comm"), "a (b) c\n"));
	int fd = open("/proc/self/comm", O_WRONLY);
	CHECK(fd >= 0 && write(fd, "new", 3) == 3 && close(fd) == 0 &&
	      !strcmp(slurp("/proc/self/comm"), "new\n"));
	CHECK(atol(slurp("/proc/self/statm")) > 0);
	struct rlimit rl;
	CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	CHECK(field("/proc/self/limits", "Max open files") == (long)rl.rlim_cur);
}

static char **saved_argv;

static void test_strings(void)
{
	char link[PATH_MAX] = "", cwd[PATH_MAX];
	struct stat a, b;

	CHECK(!strcmp(slurp("/proc/self/cmdline"), saved_argv[0]));
	CHECK(strstr(slurp("/proc/self/environ"), "") && open("/proc/self/auxv", O_RDONLY) >= 0);
	CHECK(readlink("/proc/self/exe", link, sizeof(link)) > 0 && link[0] == '/');
	CHECK(stat("/proc/self/exe", &a) == 0 && stat(link, &b) == 0 && a.st_ino == b.st_ino);
	CHECK(chdir("/dev") == 0 && readlink("/proc/self/cwd", cwd, sizeof(cwd)) == 4 &&
	      !memcmp(cwd, "/dev", 4));
	CHECK(stat("/proc/self/cwd/null", &a) == 0 && S_ISCHR(a.st_mode));
	CHECK(stat("/proc/self/root/dev/null", &b) == 0 && a.st_ino == b.st_ino);
	CHECK(readlink("/proc/self", link, sizeof(link)) > 0 && atoi(link) == getpid());
}

/* Names that a program chooses cannot write lines of their own. */
static void test_names_are_one_line(void)
{
	int fd = open("/tmp/a b\n7fff0000-7fff1000 rwxp\\", O_CREAT | O_RDWR, 0600);

	CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	CHECK(strstr(slurp("/proc/self/maps"), "/tmp/a b\\0127fff0000-7fff1000 rwxp\\\n"));
	CHECK(strstr(slurp("/proc/self/smaps"), "/tmp/a b\\0127fff0000-7fff1000 rwxp\\\n"));
	CHECK(unlink("/tmp/a b\n7fff0000-7fff1000 rwxp\\") == 0);
	CHECK(prctl(PR_SET_NAME, "a\nUid:\\") == 0);
	CHECK(strstr(slurp("/proc/self/status"), "Name:\ta\\nUid:\\\\\n"));
	CHECK(!strcmp(slurp("/proc/self/comm"), "a\nUid:\\\n"));
	CHECK(prctl(PR_SET_NAME, "procfs") == 0);
}

static void test_maps(void)
{
	char *m = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char line[64];
	unsigned long e[3];
	int fd;

	m[0] = 1;
	CHECK(mprotect(m + 4096, 4096, PROT_READ | PROT_EXEC) == 0);
	snprintf(line, sizeof(line), "%08lx-%08lx r-xp 00000000 00:00 0", (long)m + 4096,
		 (long)m + 8192);
	CHECK(strstr(slurp("/proc/self/maps"), line));
	CHECK(strstr(text, "[stack]\n") && (strstr(text, "/procfs") || strstr(text, "procfs")));
	CHECK(strstr(slurp("/proc/self/smaps"), line) && strstr(text, "VmFlags: rd ex"));
	CHECK(field("/proc/self/smaps_rollup", "Rss:") > 0);
	fd = open("/proc/self/pagemap", O_RDONLY);
	CHECK(fd >= 0 && pread(fd, e, 24, (unsigned long)m / 4096 * 8) == 24);
	CHECK(e[0] >> 63 == 1 && e[1] >> 62 == 0 && e[2] >> 62 == 0);
	CHECK_ERRNO(pread(fd, e, 7, 0), EINVAL);
	close(fd);
	fd = open("/proc/self/mem", O_RDWR);
	CHECK(fd >= 0 && pread(fd, line, 1, (long)m) == 1 && line[0] == 1);
	CHECK(pwrite(fd, "Q", 1, (long)m + 5) == 1 && m[5] == 'Q');
	CHECK_ERRNO(pread(fd, line, 1, 0), EIO);
	close(fd);
	CHECK(munmap(m, 3 * 4096) == 0);
}

static void test_fds(void)
{
	char link[64] = "", name[64];
	int p[2], fd, n = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	CHECK(pipe(p) == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	CHECK(readlink(name, link, sizeof(link)) > 0 && !strncmp(link, "pipe:[", 6));
	CHECK(lstat(name, &st) == 0 && S_ISLNK(st.st_mode) && stat(name, &st) == 0 &&
	      S_ISFIFO(st.st_mode));
	fd = open(name, O_WRONLY);
	CHECK(fd >= 0 && write(fd, "via", 3) == 3 && read(p[0], link, 10) == 3);
	close(fd);
	d = opendir("/proc/self/fd");
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	for (fd = 0; fd < 1024; fd++)
		n -= fcntl(fd, F_GETFD) >= 0;
	CHECK(n == 1); /* the listing's own */
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", p[0]);
	CHECK(field(name, "pos:") == 0);
	/* that it closes on exec is said of the descriptor */
	CHECK(field(name, "flags:") == 0 && fcntl(p[0], F_SETFD, FD_CLOEXEC) == 0);
	CHECK(field(name, "flags:") == O_CLOEXEC);
	CHECK_ERRNO(open("/proc/self/fd/99", O_RDONLY), ENOENT);
	fd = open("/dev/null", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	memset(link, 0, sizeof(link));
	CHECK(readlink(name, link, sizeof(link)) == 9 && !strcmp(link, "/dev/null"));
}

static void *sleeper(void *arg)
{
	sleep_ms(5000);
	return arg;
}

static void test_tasks(void)
{
	char name[64];
	struct dirent *e;
	int n = 0, found = 0, fd, status;
	pthread_t t;
	pid_t pid;
	DIR *d;

	CHECK(pthread_create(&t, NULL, sleeper, NULL) == 0);
	d = opendir("/proc/self/task");
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	CHECK(n == 2 && field("/proc/self/status", "Threads:") == 2);
	CHECK(readlink("/proc/thread-self", name, sizeof(name)) > 0);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	d = opendir("/proc");
	while ((e = readdir(d)))
		found += atoi(e->d_name) == pid;
	closedir(d);
	CHECK(found == 1);
	sleep_ms(20);
	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	CHECK(*(strrchr(slurp(name), ')') + 2) == 'S');
	fd = open(name, O_RDONLY);
	CHECK(kill(pid, SIGKILL) == 0);
	sleep_ms(50);
	CHECK(*(strrchr(slurp(name), ')') + 2) == 'Z');
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_ERRNO(open(name, O_RDONLY), ENOENT);
	CHECK_ERRNO(read(fd, name, 10), ESRCH);
}

static void test_oom_adj(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR);

	CHECK(fd >= 0 && write(fd, "500", 3) == 3 && close(fd) == 0 &&
	      atoi(slurp("/proc/self/oom_score_adj")) == 500);
	fd = open("/proc/self/oom_score_adj", O_WRONLY);
	CHECK_ERRNO(write(fd, "1001", 4), EINVAL);
	CHECK_ERRNO(write(fd, "abc", 3), EINVAL);
	close(fd);
	CHECK(atoi(slurp("/proc/self/oom_score")) >= 0);
	fd = open("/proc/self/clear_refs", O_WRONLY);
	CHECK(fd >= 0 && write(fd, "1", 1) == 1);
	CHECK_ERRNO(write(fd, "9", 1), EINVAL);
}

/* Without privilege one may go back to what was allowed once, but not by the old file. */
static void test_oom_adj_unprivileged(void)
{
	int score = open("/proc/self/oom_score_adj", O_WRONLY);
	int old = open("/proc/self/oom_adj", O_WRONLY);

	CHECK(score >= 0 && old >= 0 && write(score, "100", 3) == 3);
	CHECK(setuid(65534) == 0);
	CHECK(pwrite(score, "500", 3, 0) == 3 && pwrite(score, "100", 3, 0) == 3);
	CHECK(pwrite(score, "500", 3, 0) == 3);
	CHECK_ERRNO(pwrite(old, "5", 1, 0), EACCES);
	CHECK(pwrite(old, "15", 2, 0) == 2);
	CHECK(pwrite(score, "100", 3, 0) == 3);
}

static uid_t owner(int proc_self, const char *name)
{
	struct stat st;

	CHECK(fstatat(proc_self, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	return st.st_uid;
}

/* What is about a process that may not be looked into belongs to root, but for plain directories. */
static void test_owner(void)
{
	int self = open("/proc/self", O_PATH | O_DIRECTORY);

	CHECK(owner(self, "status") == 0 && owner(self, "fd") == 0);
	CHECK(setuid(65534) == 0);
	CHECK(owner(self, "status") == 0 && owner(self, "fd") == 0);
	CHECK(owner(self, "exe") == 0 && owner(self, "task") == 65534);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(owner(self, "status") == 65534 && owner(self, "fd") == 65534);
	CHECK(owner(self, "exe") == 65534 && owner(self, "fd/1") == 65534);
}

/* Settings that programs read: each a number, or a row of them. */
static void test_settings(void)
{
	static const char *const names[] = {
		"kernel/panic",
		"kernel/printk",
		"kernel/randomize_va_space",
		"kernel/dmesg_restrict",
		"kernel/core_uses_pid",
		"kernel/threads-max",
		"kernel/shmmax",
		"kernel/shmall",
		"kernel/shmmni",
		"vm/admin_reserve_kbytes",
		"vm/user_reserve_kbytes",
		"vm/overcommit_kbytes",
		"vm/overcommit_ratio",
		"vm/mmap_min_addr",
		"vm/panic_on_oom",
		"vm/swappiness",
		"vm/legacy_va_layout",
		"fs/nr_open",
		"fs/pipe-max-size",
		"fs/inotify/max_user_watches",
		"fs/inotify/max_queued_events",
	};
	char path[128], *end;
	int a, b, c, d;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
		strtoull(slurp(path), &end, 10);
		CHECK(*end == '\n' || *end == '\t');
	}
	CHECK(sscanf(slurp("/proc/sys/kernel/printk"), "%d %d %d %d", &a, &b, &c, &d) == 4);
}

/* Who looks for huge pages finds the same answer everywhere: they are there, or never heard of. */
static void test_huge_pages(void)
{
	bool there = strstr(slurp("/proc/meminfo"), "\nHugepagesize:");
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;

	CHECK(!access("/proc/sys/vm/nr_hugepages", F_OK) == there);
	CHECK(!access("/sys/kernel/mm/hugepages", F_OK) == there);
	if (there)
		return;
	CHECK_ERRNO(mmap(NULL, 1 << 21, PROT_READ, flags, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_memfd_create, "huge", MFD_HUGETLB), ENOSYS);
	CHECK_ERRNO(syscall(SYS_memfd_create, "huge", MFD_HUGETLB | 21u << 26), ENOSYS);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1 << 21, SHM_HUGETLB), EINVAL);
}

/* What another user's process has open, runs and maps is not told; what it is called is. */
static void test_of_others(void)
{
	static const char *const closed[] = {"maps",	"smaps", "smaps_rollup", "environ", "auxv",
					     "pagemap", "mem",	 "io",		 "fdinfo/0"};
	static const char *const open_ones[] = {"stat", "status", "cmdline", "comm", "limits"};
	static const char *const links[] = {"exe", "cwd", "root"};
	char name[64], target[64];
	int proc = open("/proc", O_PATH);
	pid_t pid, other = getpid();

	if (geteuid())
		return;
	CHECK(proc >= 0);
	pid = fork();
	if (pid) {
		CHECK_CHILD(pid);
		return;
	}
	CHECK(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		snprintf(name, sizeof(name), "%d/%s", other, closed[i]);
		if (openat(proc, name, O_RDONLY) >= 0)
			CHECK(!strcmp(closed[i], "io")); /* a Linux may say it when it is read */
		else
			CHECK(errno == EACCES);
	}
	for (size_t i = 0; i < sizeof(open_ones) / sizeof(open_ones[0]); i++) {
		snprintf(name, sizeof(name), "%d/%s", other, open_ones[i]);
		CHECK(openat(proc, name, O_RDONLY) >= 0);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(name, sizeof(name), "%d/%s", other, links[i]);
		CHECK_ERRNO(readlinkat(proc, name, target, sizeof(target)), EACCES);
		CHECK_ERRNO(openat(proc, name, O_RDONLY), EACCES);
	}
	snprintf(name, sizeof(name), "%d/exe", getpid());
	CHECK(readlinkat(proc, name, target, sizeof(target)) > 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	saved_argv = argv;
	TEST(test_system);
	TEST(test_zoneinfo);
	TEST(test_sysfs_cpus);
	TEST(test_kmsg_poll);
	TEST(test_io);
	TEST(test_stat);
	TEST(test_strings);
	TEST(test_maps);
	TEST(test_names_are_one_line);
	TEST(test_fds);
	TEST(test_of_others);
	TEST(test_tasks);
	TEST(test_oom_adj);
	TEST(test_oom_adj_unprivileged);
	TEST(test_owner);
	TEST(test_settings);
	TEST(test_huge_pages);
	return test_done();
}
