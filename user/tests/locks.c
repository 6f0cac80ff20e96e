/* SPDX-License-Identifier: MIT */
/*
 * Locks on files: of processes, of open files, flock; leases and hints.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/file.h>

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif

static int fd, again, reader; /* the same file, opened three times */

static void begin(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/locks.%d", getpid());
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	again = open(name, O_RDWR);
	reader = open(name, O_RDONLY);
	CHECK(fd >= 0 && again >= 0 && reader >= 0 && unlink(name) == 0);
}

static int lock(int file, int command, int type, long start, long length)
{
	struct flock lock = {.l_type = (short)type, .l_start = start, .l_len = length};

	return fcntl(file, command, &lock);
}

/* Who stands in the way of a lock on the whole file: 0 nobody, -1 an open file, else a process. */
static pid_t in_the_way(int file, int command)
{
	struct flock lock = {.l_type = F_WRLCK};

	CHECK(fcntl(file, command, &lock) == 0);
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* What another process sees. */
static pid_t seen_by_a_child(void)
{
	int pipe_fds[2];
	pid_t child, seen;

	CHECK(pipe(pipe_fds) == 0);
	child = fork();
	if (!child) {
		seen = in_the_way(fd, F_GETLK);
		_exit(write(pipe_fds[1], &seen, sizeof(seen)) != sizeof(seen));
	}
	CHECK_CHILD(child);
	CHECK(read(pipe_fds[0], &seen, sizeof(seen)) == sizeof(seen));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return seen;
}

static void test_record_locks(void)
{
	pid_t child;

	begin();
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK(in_the_way(again, F_GETLK) == 0); /* one's own locks are never */
	CHECK(seen_by_a_child() == getpid());
	child = fork();
	if (!child) {
		CHECK_ERRNO(lock(fd, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
		CHECK(lock(fd, F_SETLK, F_RDLCK, 10, 1) == 0);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK(seen_by_a_child() == getpid()); /* the child's end took nothing of ours */
	CHECK(close(dup(again)) == 0); /* closing any descriptor of the file lets go of all */
	CHECK(seen_by_a_child() == 0);
	CHECK_ERRNO(lock(reader, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERRNO(lock(fd, F_SETLK, 7, 0, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	CHECK(lock(fd, F_SETLK, F_RDLCK, 5, -5) == 0 && lock(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
}

/* Two processes take turns by a byte in a pipe. */
static void tell(const int pipe_fds[2])
{
	CHECK(write(pipe_fds[1], "x", 1) == 1);
}

static void hear(const int pipe_fds[2])
{
	char c;

	CHECK(read(pipe_fds[0], &c, 1) == 1);
}

/* `pid` sleeps in a call, or is gone. */
static void wait_asleep(pid_t pid)
{
	char path[64], text[512], *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		usleep(1000);
		f = fopen(path, "r");
		CHECK(f && fgets(text, sizeof(text), f));
		fclose(f);
		state = strrchr(text, ')');
	} while (!state || (state[2] != 'S' && state[2] != 'Z'));
}

/* A child that holds byte `own`, and on a word waits for byte `other`. Its status: did it get it? */
static pid_t lock_two(long own, long other, int ready[2], int go[2])
{
	pid_t child = fork();

	if (child) {
		hear(ready);
		return child;
	}
	CHECK(lock(fd, F_SETLK, F_WRLCK, own, 1) == 0);
	tell(ready);
	hear(go);
	_exit(lock(fd, F_SETLKW, F_WRLCK, other, 1) == 0 ? 0 : errno);
}

static int status_of(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_deadlock(void)
{
	int ready[2], go[2];
	pid_t child;

	begin();
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	child = lock_two(1, 0, ready, go);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	tell(go);
	wait_asleep(child);
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 1, 1), EAGAIN);
	CHECK_ERRNO(lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 1) == 0 && status_of(child) == 0);
}

/* A child that holds byte 9 and waits for bytes 0 and 1. */
static pid_t wait_for_two(int ready[2])
{
	pid_t child = fork();

	if (!child) {
		CHECK(lock(fd, F_SETLK, F_WRLCK, 9, 1) == 0);
		tell(ready);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 2) != 0);
	}
	hear(ready);
	wait_asleep(child);
	return child;
}

/*
 * Two stand in the way of a waiter. The one who has not let go may not wait for him, also if the
 * waiter came upon the other first.
 */
static void test_deadlock_of_three(void)
{
	int ready[2], go[2];
	pid_t waiter, other;

	begin();
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	other = lock_two(1, 9, ready, go);
	waiter = wait_for_two(ready);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 1) == 0);
	sleep_ms(50);
	wait_asleep(waiter);
	tell(go);
	CHECK(status_of(other) == EDEADLK);
	CHECK_CHILD(waiter);
}

/* And the one who has let go may: that is no circle. */
static void test_no_deadlock(void)
{
	int ready[2], go[2];
	pid_t waiter, other;

	begin();
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	other = fork();
	if (!other) {
		CHECK(lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
		tell(ready);
		hear(go);
		wait_asleep(getppid());
		_exit(0);
	}
	hear(ready);
	waiter = wait_for_two(ready);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 1) == 0);
	tell(go);
	CHECK(lock(fd, F_SETLKW, F_WRLCK, 9, 1) == 0);
	CHECK_CHILD(waiter);
	CHECK_CHILD(other);
}

/* Executes itself `times` times, then waits for a word from descriptor `words`. */
static int exec_again(int times, int words)
{
	char left[16], from[16], c;

	if (!times)
		return read(words, &c, 1) != 1;
	snprintf(left, sizeof(left), "%d", times - 1);
	snprintf(from, sizeof(from), "%d", words);
	execl("/proc/self/exe", "locks", left, from, NULL);
	return 1;
}

static void look_at_descriptors(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL)
		;
	if (dir)
		closedir(dir);
}

/* A process keeps its locks through execve, whoever looks at its descriptors meanwhile. */
static void test_locks_across_exec(void)
{
	int ready[2], go[2];
	pid_t child;

	begin();
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	child = fork();
	if (!child) {
		CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
		tell(ready);
		_exit(exec_again(100, go[0]));
	}
	hear(ready);
	for (int i = 0; i < 2000 && in_the_way(fd, F_GETLK) == child; i++)
		look_at_descriptors(child);
	CHECK(in_the_way(fd, F_GETLK) == child);
	tell(go);
	CHECK_CHILD(child);
}

static void *lock_again(void *arg)
{
	return (void *)(long)(lock(again, F_SETLKW, F_WRLCK, 0, 10) ? errno : 0);
}

/* Nothing is left locked of a descriptor that another thread closes while one waits for the lock. */
static void test_close_while_locking(void)
{
	int ready[2], go[2];
	pthread_t thread;
	void *error;
	pid_t child;

	begin();
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	child = fork();
	if (!child) {
		CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
		tell(ready);
		hear(go);
		_exit(0);
	}
	hear(ready);
	CHECK(pthread_create(&thread, NULL, lock_again, NULL) == 0);
	sleep_ms(50);
	CHECK(close(again) == 0);
	tell(go);
	CHECK(pthread_join(thread, &error) == 0 && (long)error == EBADF);
	CHECK_CHILD(child);
	CHECK(seen_by_a_child() == 0);
}

static void test_open_file_locks(void)
{
	begin();
	CHECK(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
	CHECK_ERRNO(lock(again, F_OFD_SETLK, F_RDLCK, 0, 0), EAGAIN);
	CHECK_ERRNO(lock(fd, F_SETLK, F_RDLCK, 0, 0), EAGAIN);
	CHECK(in_the_way(again, F_OFD_GETLK) == -1 && in_the_way(fd, F_OFD_GETLK) == 0);
	CHECK(close(dup(fd)) == 0 && seen_by_a_child() == -1);
	CHECK(close(fd) == 0 && in_the_way(again, F_OFD_GETLK) == 0);
}

static void test_flock(void)
{
	pid_t child;
	int neither;

	begin();
	CHECK(flock(fd, LOCK_EX) == 0);
	CHECK_ERRNO(flock(again, LOCK_SH | LOCK_NB), EAGAIN);
	child = fork();
	if (!child)
		_exit(flock(fd, LOCK_UN) != 0); /* a child has the same open file */
	CHECK_CHILD(child);
	CHECK(flock(again, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERRNO(flock(fd, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK(close(again) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERRNO(flock(fd, 7), EINVAL);
	CHECK_ERRNO(flock(999, LOCK_SH), EBADF);
	CHECK_ERRNO(flock(999, 7), EINVAL);
	neither = open("/dev/null", 3); /* neither for reading nor for writing */
	CHECK_ERRNO(flock(neither, LOCK_SH), EBADF);
	CHECK(flock(neither, LOCK_UN) == 0);
}

/* A change of kind is no atomic one: the old lock is given up first, so nobody waits for ever. */
static void test_flock_conversion(void)
{
	pid_t child;

	begin();
	CHECK(flock(fd, LOCK_SH) == 0 && flock(again, LOCK_SH) == 0);
	CHECK_ERRNO(flock(fd, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK(flock(again, LOCK_EX | LOCK_NB) == 0); /* fd has none any more */
	CHECK(flock(again, LOCK_SH) == 0 && flock(fd, LOCK_SH) == 0);
	child = fork();
	if (!child)
		_exit(flock(fd, LOCK_EX) != 0);
	wait_asleep(child);
	CHECK(flock(again, LOCK_EX) == 0 && flock(again, LOCK_UN) == 0);
	CHECK_CHILD(child);
}

/* A lease is refused while somebody else has the file open. */
static void test_leases(void)
{
	int folder = open("/tmp", O_RDONLY | O_DIRECTORY);

	begin();
	CHECK(fcntl(fd, F_GETLEASE) == F_UNLCK);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, 99), EINVAL);
	CHECK_ERRNO(fcntl(folder, F_SETLEASE, F_RDLCK), EINVAL);
}

static void test_write_hints(void)
{
	uint64_t hint = 9;

	begin();
	CHECK(fcntl(fd, 1035, &hint) == 0 && hint == 0);
	hint = 2;
	CHECK(fcntl(fd, 1036, &hint) == 0);
	hint = 0;
	CHECK(fcntl(again, 1035, &hint) == 0 && hint == 2);
	hint = 6;
	CHECK_ERRNO(fcntl(fd, 1036, &hint), EINVAL);
	CHECK_ERRNO(fcntl(fd, 1035, 8L), EFAULT);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return exec_again(atoi(argv[1]), atoi(argv[2]));
	TEST(test_record_locks);
	TEST(test_deadlock);
	TEST(test_deadlock_of_three);
	TEST(test_no_deadlock);
	TEST(test_locks_across_exec);
	TEST(test_close_while_locking);
	TEST(test_open_file_locks);
	TEST(test_flock);
	TEST(test_flock_conversion);
	TEST(test_leases);
	TEST(test_write_hints);
	return test_done();
}
