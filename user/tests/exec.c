/* SPDX-License-Identifier: MIT */
/*
 * exec - execve and execveat: what a program finds when it starts, and every way to fail. It
 * executes itself, told by argv[1] what to check.
 */
#include "test.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

extern char **environ;
static char self[256];

static pid_t spawn(char *const argv[], char *const envp[])
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		execve(self, argv, envp);
		_exit(100);
	}
	return pid;
}

#define ARGV(...) ((char *const[]){self, __VA_ARGS__, NULL})
#define ENVP(...) ((char *const[]){__VA_ARGS__, NULL})

static void arguments_and_environment(void)
{
	pid_t pid =
		spawn(ARGV("args", "", "two words", "x"), ENVP("A=1", "LONG=abc def", "EMPTY="));

	CHECK_CHILD(pid);
}

static int child_args(int argc, char **argv)
{
	CHECK(argc == 5 && !strcmp(argv[2], "") && !strcmp(argv[3], "two words") &&
	      !strcmp(argv[4], "x"));
	CHECK(!argv[5]);
	CHECK(!strcmp(environ[0], "A=1") && !strcmp(environ[1], "LONG=abc def") &&
	      !strcmp(environ[2], "EMPTY="));
	CHECK(!environ[3]);
	return 0;
}

static void auxiliary_vector(void)
{
	CHECK_CHILD(spawn(ARGV("auxv"), environ));
}

static int child_auxv(void)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	const ElfW(Phdr) *ph = (const void *)getauxval(AT_PHDR);
	unsigned i, loads = 0, sum = 0;

	CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_CLKTCK) == 100);
	CHECK(getauxval(AT_PHENT) == sizeof(ElfW(Phdr)) && getauxval(AT_PHNUM) > 1);
	for (i = 0; i < getauxval(AT_PHNUM); i++)
		loads += ph[i].p_type == PT_LOAD;
	CHECK(loads >= 1);
	CHECK(random);
	for (i = 0; i < 16; i++)
		sum += random[i];
	CHECK(sum);
	CHECK(!strcmp((const char *)getauxval(AT_EXECFN), self));
	CHECK(!strcmp((const char *)getauxval(AT_PLATFORM), "x86_64"));
	CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid() &&
	      !getauxval(AT_SECURE));
	CHECK(getauxval(AT_ENTRY) && ((uintptr_t)__builtin_frame_address(0) & 15) == 0);
	return 0;
}

static void errors(void)
{
	char *const argv[] = {"x", NULL};
	char path[] = "/tmp/exec_test_XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_ERRNO(execve("/no/such/file", argv, environ), ENOENT);
	CHECK_ERRNO(execve("", argv, environ), ENOENT);
	CHECK_ERRNO(execve("/tmp", argv, environ), EACCES);
	CHECK_ERRNO(syscall(SYS_execve, 8, argv, environ), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, self, 8, environ), EFAULT);
	CHECK_ERRNO(execve(self, (char *const[]){(char *)8, NULL}, environ), EFAULT);
	CHECK(write(fd, "garbage, not a program\n", 23) == 23);
	CHECK(fchmod(fd, 0644) == 0);
	close(fd);
	CHECK_ERRNO(execve(path, argv, environ), EACCES);
	CHECK(chmod(path, 0755) == 0);
	CHECK_ERRNO(execve(path, argv, environ), ENOEXEC);
	CHECK(truncate(path, 0) == 0);
	CHECK_ERRNO(execve(path, argv, environ), ENOEXEC);
	CHECK_ERRNO(execve(strcat(strcpy((char[300]){0}, path), "/x"), argv, environ), ENOTDIR);
	unlink(path);
}

/* A program that runs is not written to, nor cut short: not by an open for reading either. */
static void busy(void)
{
	char path[] = "/tmp/exec_busy_XXXXXX", buf[4096];
	int from = open(self, O_RDONLY), to = mkstemp(path), p[2];
	ssize_t n;
	pid_t pid;
	struct stat st;

	CHECK(from >= 0 && to >= 0 && pipe(p) == 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		CHECK(write(to, buf, (size_t)n) == n);
	CHECK(fchmod(to, 0755) == 0 && close(to) == 0);
	pid = fork();
	if (!pid) {
		CHECK(dup2(p[0], 0) == 0 && close(p[0]) == 0 && close(p[1]) == 0);
		execve(path, ARGV("listen"), environ);
		_exit(100);
	}
	do { /* it is there when it runs */
		char link[64];

		usleep(1000);
		snprintf(link, sizeof(link), "/proc/%d/exe", pid);
		n = readlink(link, buf, sizeof(buf) - 1);
		CHECK(n > 0);
		buf[n] = '\0';
	} while (strcmp(buf, path));
	CHECK_ERRNO(open(path, O_WRONLY), ETXTBSY);
	CHECK_ERRNO(open(path, O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERRNO(truncate(path, 0), ETXTBSY);
	CHECK(stat(path, &st) == 0 && st.st_size > 0 && unlink(path) == 0);
	close(p[1]);
	CHECK_CHILD(pid);
}

static int child_listen(void)
{
	char c;

	return read(0, &c, 1) != 0;
}

/* Headers that lie. Each must be refused, or the new program must die; nothing else may happen. */
static void broken_elf(void)
{
	char path[] = "/tmp/exec_elf_XXXXXX";
	static char image[65536];
	ElfW(Ehdr) *eh = (void *)image;
	ElfW(Phdr) * ph;
	int src = open(self, O_RDONLY), fd, i, status;
	ssize_t n = read(src, image, sizeof image);
	pid_t pid;

	CHECK(n > 1024);
	ph = (void *)(image + eh->e_phoff);
	close(mkstemp(path));
	for (i = 0; i < 8; i++) {
		ElfW(Ehdr) good = *eh;
		ElfW(Phdr) good0 = ph[0];

		switch (i) {
		case 0:
			eh->e_machine = EM_386;
			break;
		case 1:
			eh->e_ident[EI_CLASS] = ELFCLASS32;
			break;
		case 2:
			eh->e_phnum = 0;
			break;
		case 3:
			eh->e_phoff = 1ULL << 60;
			break;
		case 4:
			eh->e_phentsize = 3;
			break;
		case 5:
			ph[0].p_type = PT_LOAD;
			ph[0].p_vaddr = -4096UL;
			ph[0].p_memsz = 1UL << 40;
			break;
		case 6:
			ph[0].p_type = PT_LOAD;
			ph[0].p_memsz = 1;
			ph[0].p_filesz = 4096;
			break;
		case 7:
			eh->e_entry = ~0UL;
			break;
		}
		fd = open(path, O_WRONLY | O_TRUNC);
		CHECK(fd >= 0 && write(fd, image, (size_t)n) == n && fchmod(fd, 0755) == 0);
		close(fd);
		pid = fork();
		if (!pid) {
			execl(path, path, NULL);
			_exit(77);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 77) || WIFSIGNALED(status));
		*eh = good;
		ph[0] = good0;
	}
	unlink(path);
	close(src);
}

static void too_big(void)
{
	size_t size = 200 * 1024, i;
	char *big = malloc(size), **many = calloc(900001, sizeof(char *));

	memset(big, 'x', size);
	big[size - 1] = 0;
	CHECK_ERRNO(execve(self, ARGV(big), environ), E2BIG);
	for (i = 0; i < 900000; i++)
		many[i] = "argument";
	CHECK_ERRNO(execve(self, many, environ), E2BIG);
}

static void long_arguments(void)
{
	size_t size = 100 * 1024;
	char *big = malloc(size + 1);

	memset(big, 'y', size);
	big[size] = 0;
	CHECK_CHILD(spawn(ARGV("long", big, big, "end"), environ));
}

static int child_long(int argc, char **argv)
{
	size_t i;

	CHECK(argc == 5 && strlen(argv[2]) == 100 * 1024 && strlen(argv[3]) == 100 * 1024 &&
	      !strcmp(argv[4], "end"));
	for (i = 0; i < 100 * 1024; i++)
		CHECK(argv[2][i] == 'y' && argv[3][i] == 'y');
	return 0;
}

static void write_script(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void scripts(void)
{
	char text[400], *const argv[] = {"ignored", "a1", "a2", NULL};
	pid_t pid;

	snprintf(text, sizeof text, "#! %s  script opt \nrest of the file\n", self);
	write_script("/tmp/exec_script", text);
	pid = fork();
	if (!pid) {
		execve("/tmp/exec_script", argv, environ);
		_exit(100);
	}
	CHECK_CHILD(pid);
	write_script("/tmp/exec_script", "#!/no/such/interpreter\n");
	CHECK_ERRNO(execve("/tmp/exec_script", argv, environ), ENOENT);
	write_script("/tmp/exec_script", "#!\n");
	CHECK_ERRNO(execve("/tmp/exec_script", argv, environ), ENOEXEC);
	write_script("/tmp/exec_script", "#!/tmp/exec_script\n");
	CHECK_ERRNO(execve("/tmp/exec_script", argv, environ), ELOOP);
	unlink("/tmp/exec_script");
}

/* Everything after the interpreter is one argument, blanks inside it kept. */
static int child_script(int argc, char **argv)
{
	CHECK(argc == 5);
	CHECK(!strcmp(argv[0], self) && !strcmp(argv[1], "script opt"));
	CHECK(!strcmp(argv[2], "/tmp/exec_script") && !strcmp(argv[3], "a1") &&
	      !strcmp(argv[4], "a2"));
	return 0;
}

static void close_on_exec(void)
{
	int keep = open("/dev/null", O_RDONLY), gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char a[16], b[16];

	snprintf(a, sizeof a, "%d", keep);
	snprintf(b, sizeof b, "%d", gone);
	CHECK_CHILD(spawn(ARGV("cloexec", a, b), environ));
}

static int child_cloexec(char **argv)
{
	CHECK(fcntl(atoi(argv[2]), F_GETFD) == 0);
	CHECK_ERRNO(fcntl(atoi(argv[3]), F_GETFD), EBADF);
	return 0;
}

static void handler(int sig)
{
	(void)sig;
}

static void signals_across_exec(void)
{
	sigset_t set;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGTERM);
	CHECK_CHILD(spawn(ARGV("signals"), environ));
}

static int child_signals(void)
{
	struct sigaction sa;
	sigset_t set;

	CHECK(sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	CHECK(sigaction(SIGUSR2, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, SIGTERM));
	CHECK(sigpending(&set) == 0 &&
	      !sigismember(&set, SIGTERM)); /* pending belongs to the parent */
	return 0;
}

static void by_descriptor(void)
{
	char *const argv[] = {self, "ok", NULL};
	int fd = open(self, O_RDONLY | O_CLOEXEC);
	pid_t pid = fork();

	if (!pid) {
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(100);
	}
	CHECK_CHILD(pid);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "", argv, environ, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "x", argv, environ, 0), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_execveat, -1, "", argv, environ, AT_EMPTY_PATH), EBADF);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH | 0x8000), EINVAL);
}

static void vfork_exec(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		pid_t pid = vfork();

		if (!pid) {
			execve(self, ARGV("ok"), environ);
			_exit(100);
		}
		CHECK_CHILD(pid);
	}
}

static volatile int heard[NSIG];

static void count_signal(int sig)
{
	heard[sig]++;
}

/* A child whose end is told by `sig`. */
static pid_t child_of_signal(int sig)
{
	return (pid_t)syscall(SYS_clone, sig, 0, 0, 0, 0);
}

/*
 * A program that was executed tells of its end by SIGCHLD, whatever its parent had asked for
 * before; and so does a child whose parent has become another program.
 */
static void exit_signals(void)
{
	pid_t pid;

	signal(SIGUSR1, count_signal);
	signal(SIGCHLD, count_signal);
	pid = child_of_signal(SIGUSR1);
	if (!pid)
		_exit(0);
	CHECK(waitpid(pid, NULL, __WCLONE) == pid);
	CHECK(heard[SIGUSR1] == 1 && heard[SIGCHLD] == 0);
	pid = child_of_signal(SIGUSR1);
	if (!pid) {
		execve(self, ARGV("ok"), environ);
		_exit(100);
	}
	while (!heard[SIGCHLD] && heard[SIGUSR1] == 1)
		usleep(1000);
	CHECK_CHILD(pid);
	CHECK(heard[SIGUSR1] == 1);
	pid = fork();
	if (!pid) {
		int p[2];
		char number[16], c;

		CHECK(pipe(p) == 0);
		if (!child_of_signal(SIGUSR1))
			_exit(read(p[0], &c, 1) != 1);
		snprintf(number, sizeof(number), "%d", p[1]);
		setenv("WORD_TO", number, 1);
		execve(self, ARGV("heir"), environ);
		_exit(100);
	}
	CHECK_CHILD(pid);
}

/* Has a child that a former program made, and would die of SIGUSR1. */
static int child_heir(void)
{
	int status;

	signal(SIGCHLD, count_signal);
	CHECK(write(atoi(getenv("WORD_TO")), "x", 1) == 1);
	CHECK(waitpid(-1, &status, __WALL) > 0 && status == 0 && heard[SIGCHLD] == 1);
	return 0;
}

/* clone() takes any number for the signal: what is none is not sent. */
static void exit_signal_of_no_signal(void)
{
	pid_t pid;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, count_signal);
	pid = child_of_signal(200);
	if (!pid)
		_exit(0);
	CHECK(waitpid(pid, NULL, __WALL) == pid);
	sleep_ms(20);
	for (int sig = 1; sig < NSIG; sig++)
		CHECK(!heard[sig]);
}

static void *exec_in_thread(void *arg)
{
	(void)arg;
	execve(self, ARGV("thread"), environ);
	_exit(100);
}

static void *spin(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/*
 * A thread that is not the leader executes: the process keeps its number, the other threads are
 * gone.
 */
static void exec_from_a_thread(void)
{
	pid_t pid = fork();

	if (!pid) {
		pthread_t t;
		char number[16];
		int i;

		snprintf(number, sizeof number, "%d", getpid());
		setenv("EXPECT_PID", number, 1);
		for (i = 0; i < 4; i++)
			CHECK(pthread_create(&t, NULL, spin, NULL) == 0);
		CHECK(pthread_create(&t, NULL, exec_in_thread, NULL) == 0);
		for (;;)
			pause();
	}
	CHECK_CHILD(pid);
}

static int child_thread(void)
{
	CHECK(atoi(getenv("EXPECT_PID")) == getpid() && getpid() == syscall(SYS_gettid));
	return 0;
}

static void empty_argv(void)
{
	char *const argv[] = {NULL};
	pid_t pid = fork();
	int status;

	if (!pid) {
		execve(self, argv, ENVP("EMPTY_ARGV=1"));
		_exit(100);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 100);
}

static int run_child(int argc, char **argv)
{
	test_name = argv[1];
	if (!strcmp(argv[1], "args"))
		return child_args(argc, argv);
	if (!strcmp(argv[1], "auxv"))
		return child_auxv();
	if (!strcmp(argv[1], "long"))
		return child_long(argc, argv);
	if (!strcmp(argv[1], "script opt"))
		return child_script(argc, argv);
	if (!strcmp(argv[1], "cloexec"))
		return child_cloexec(argv);
	if (!strcmp(argv[1], "signals"))
		return child_signals();
	if (!strcmp(argv[1], "thread"))
		return child_thread();
	if (!strcmp(argv[1], "listen"))
		return child_listen();
	if (!strcmp(argv[1], "heir"))
		return child_heir();
	return strcmp(argv[1], "ok") ? 3 : 0;
}

int main(int argc, char **argv)
{
	ssize_t n;

	if (getenv("EMPTY_ARGV"))
		return argc == 1 && !argv[0][0] ? 0 : 4;
	n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n <= 0 && argc)
		strncpy(self, argv[0], sizeof self - 1);
	if (argc > 1)
		return run_child(argc, argv);
	TEST(arguments_and_environment);
	TEST(auxiliary_vector);
	TEST(errors);
	TEST(busy);
	TEST(broken_elf);
	TEST(too_big);
	TEST(long_arguments);
	TEST(scripts);
	TEST(close_on_exec);
	TEST(signals_across_exec);
	TEST(by_descriptor);
	TEST(vfork_exec);
	TEST(exit_signals);
	TEST(exit_signal_of_no_signal);
	TEST(exec_from_a_thread);
	TEST(empty_argv);
	return test_done();
}
