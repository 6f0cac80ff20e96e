/* SPDX-License-Identifier: MIT */
/*
 * threads - futexes, thread creation and end, mutexes and condition variables under load, robust
 * locks, clocks.
 */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

/* The ABI's numbers; musl has no header for them. */
#define FUTEX_PRIVATE 128
enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET
};
#define FUTEX_WAIT_BITSET_PRIVATE      (FUTEX_WAIT_BITSET | FUTEX_PRIVATE)
#define FUTEX_WAKE_BITSET_PRIVATE      (FUTEX_WAKE_BITSET | FUTEX_PRIVATE)
#define FUTEX_WAKE_PRIVATE	       (FUTEX_WAKE | FUTEX_PRIVATE)
#define FUTEX_CMP_REQUEUE_PRIVATE      (FUTEX_CMP_REQUEUE | FUTEX_PRIVATE)
#define FUTEX_WAKE_OP_PRIVATE	       (FUTEX_WAKE_OP | FUTEX_PRIVATE)
#define FUTEX_OP_ADD		       1
#define FUTEX_OP_CMP_GT		       4
#define FUTEX_OP(op, arg, cmp, cmparg) ((op) << 28 | (cmp) << 24 | (arg) << 12 | (cmparg))

static long futex(void *addr, int op, unsigned val, const void *ts, void *addr2, unsigned val3)
{
	return syscall(SYS_futex, addr, op, val, ts, addr2, val3);
}

static void futex_errors(void)
{
	struct timespec bad = {0, 2000000000}, tiny = {0, 5000000};
	unsigned word = 1;

	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex((char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((void *)4096, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &tiny, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 1, &tiny, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 1, &tiny, NULL, ~0U), ETIMEDOUT);
	CHECK_ERRNO(futex(&word, 99, 1, NULL, NULL, 0), ENOSYS);
	CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 5), EAGAIN);
}

struct shared {
	atomic_uint word, word2, woken, ready;
};

static struct shared *share(void)
{
	struct shared *s =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(s != MAP_FAILED);
	return s;
}

static void futex_between_processes(void)
{
	struct shared *s = share();
	pid_t pid = fork();

	if (!pid) {
		while (!s->word)
			futex(&s->word, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	sleep_ms(20);
	s->word = 1;
	futex(&s->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	CHECK_CHILD(pid);
}

static struct shared *sh;

static void *futex_waiter(void *arg)
{
	unsigned mask = (unsigned)(uintptr_t)arg;

	sh->ready++;
	futex(&sh->word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, mask);
	sh->woken++;
	return NULL;
}

static void wait_ready(unsigned n)
{
	while (sh->ready < n)
		sleep_ms(1);
	sleep_ms(30); /* from announcing to sleeping */
}

static void wait_woken(unsigned n)
{
	while (sh->woken < n)
		sleep_ms(1);
	sleep_ms(10);
	CHECK(sh->woken == n);
}

static void wake_some_by_bitset(void)
{
	pthread_t t[4];
	int i;

	sh = share();
	for (i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, futex_waiter,
				     (void *)(uintptr_t)(i < 2 ? 1 : 2)) == 0);
	wait_ready(4);
	CHECK(futex(&sh->word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4) == 0);
	CHECK(futex(&sh->word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2) == 2);
	wait_woken(2);
	CHECK(futex(&sh->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
	wait_woken(3);
	CHECK(futex(&sh->word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 1);
	for (i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static void requeue(void)
{
	pthread_t t[5];
	int i;

	sh = share();
	for (i = 0; i < 5; i++)
		CHECK(pthread_create(&t[i], NULL, futex_waiter, (void *)~0UL) == 0);
	wait_ready(5);
	CHECK(futex(&sh->word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &sh->word2, 0) == 4);
	wait_woken(1);
	CHECK(futex(&sh->word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 1);
	wait_woken(2);
	CHECK(futex(&sh->word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 3);
	for (i = 0; i < 5; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static void wake_op(void)
{
	pthread_t t[2];
	int i;

	sh = share();
	for (i = 0; i < 2; i++)
		CHECK(pthread_create(&t[i], NULL, futex_waiter, (void *)~0UL) == 0);
	wait_ready(2);
	sh->word2 = 7;
	/* word2 += 5; wake one on word; its old value was > 6, so one more on word2 (nobody there) */
	CHECK(futex(&sh->word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &sh->word2,
		    (unsigned)FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_GT, 6)) == 1);
	CHECK(sh->word2 == 12);
	CHECK(futex(&sh->word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 1);
	for (i = 0; i < 2; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter, queue[16], produced, consumed, sum;
static __thread long tls = 42;

static void *count(void *arg)
{
	int i;

	CHECK(tls == 42);
	tls = (long)arg;
	for (i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	CHECK(tls == (long)arg);
	return arg;
}

static void mutex_64_threads(void)
{
	pthread_t t[64];
	void *ret;
	long i;

	for (i = 0; i < 64; i++)
		CHECK(pthread_create(&t[i], NULL, count, (void *)i) == 0);
	for (i = 0; i < 64; i++)
		CHECK(pthread_join(t[i], &ret) == 0 && ret == (void *)i);
	CHECK(counter == 64 * 2000);
}

#define ITEMS 3000

static void *produce(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_mutex_lock(&mutex);
		while (produced - consumed == 16 && produced < ITEMS)
			pthread_cond_wait(&cond, &mutex);
		if (produced == ITEMS) {
			pthread_mutex_unlock(&mutex);
			return NULL;
		}
		queue[produced % 16] = produced;
		produced++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
}

static void *consume(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_mutex_lock(&mutex);
		while (produced == consumed && consumed < ITEMS)
			pthread_cond_wait(&cond, &mutex);
		if (consumed == ITEMS) {
			pthread_cond_broadcast(&cond);
			pthread_mutex_unlock(&mutex);
			return NULL;
		}
		sum += queue[consumed % 16];
		consumed++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
}

static void condition_variables(void)
{
	pthread_t t[8];
	int i;

	for (i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, i & 1 ? produce : consume, NULL) == 0);
	for (i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(sum == (long)ITEMS * (ITEMS - 1) / 2);
}

static pthread_barrier_t barrier;
static atomic_int phase_count[50];

static void *phases(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 50; i++) {
		phase_count[i]++;
		pthread_barrier_wait(&barrier);
		CHECK(phase_count[i] == 8);
	}
	return NULL;
}

static void barriers(void)
{
	pthread_t t[8];
	int i;

	CHECK(pthread_barrier_init(&barrier, NULL, 8) == 0);
	for (i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, phases, NULL) == 0);
	for (i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static void many_short_threads(void)
{
	pthread_t t;
	int i;

	for (i = 0; i < 500; i++) {
		CHECK(pthread_create(&t, NULL, nothing, NULL) == 0);
		CHECK(pthread_join(t, NULL) == 0);
	}
}

static void *die_with_lock(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void robust_mutex(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *m =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t t;
	pid_t pid;

	CHECK(pthread_mutexattr_init(&attr) == 0);
	CHECK(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutex_init(m, &attr) == 0);
	CHECK(pthread_create(&t, NULL, die_with_lock, m) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(m) == 0 && pthread_mutex_unlock(m) == 0);
	pid = fork();
	if (!pid) {
		pthread_mutex_lock(m);
		kill(getpid(), SIGKILL);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
}

static void *leader_gone(void *arg)
{
	(void)arg;
	sleep_ms(50);
	syscall(SYS_exit_group, 6);
	return NULL;
}

/* The leader ends first: the process lives on until its last thread ends. */
static void leader_ends_first(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		pthread_t t;

		CHECK(pthread_create(&t, NULL, leader_gone, NULL) == 0);
		syscall(SYS_exit, 1);
	}
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 6);
}

static void *forker(void *arg)
{
	int i, status;

	(void)arg;
	for (i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(i);
		CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == i);
	}
	return NULL;
}

static void *ends_with_seven(void *arg)
{
	(void)arg;
	sleep_ms(30);
	return (void *)syscall(SYS_exit, 7);
}

/* Of threads that end one by one the last has the word, be it the first one or not. */
static void last_thread_tells(void)
{
	int status;
	pid_t pid;

	for (int leader_first = 0; leader_first < 2; leader_first++) {
		pid = fork();
		if (!pid) {
			pthread_t t;

			CHECK(pthread_create(&t, NULL, ends_with_seven, NULL) == 0);
			if (!leader_first)
				sleep_ms(300);
			syscall(SYS_exit, 3);
		}
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		CHECK(WEXITSTATUS(status) == (leader_first ? 7 : 3));
	}
}

static void fork_from_threads(void)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, forker, NULL) == 0);
	for (i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static void clocks(void)
{
	struct timespec a, b, ts;
	struct timeval tv;
	struct tms tms;
	clockid_t cpu;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	sleep_ms(20);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec >= 20000000);
	CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0 && gettimeofday(&tv, NULL) == 0);
	CHECK(tv.tv_sec - ts.tv_sec <= 1 && time(NULL) - ts.tv_sec <= 1 && ts.tv_sec > 1500000000);
	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0 &&
	      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	CHECK(clock_getcpuclockid(0, &cpu) == 0 && clock_gettime(cpu, &ts) == 0);
	CHECK(clock_getres(CLOCK_MONOTONIC, &ts) == 0 && ts.tv_sec == 0 && ts.tv_nsec > 0);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 99, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
	CHECK(times(&tms) != (clock_t)-1);
	ts = (struct timespec){0, 1000000000};
	CHECK_ERRNO(nanosleep(&ts, NULL), EINVAL);
	ts = (struct timespec){-1, 0};
	CHECK_ERRNO(nanosleep(&ts, NULL), EINVAL);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	a.tv_nsec += 20000000;
	a.tv_sec += a.tv_nsec / 1000000000;
	a.tv_nsec %= 1000000000;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
}

static volatile sig_atomic_t ticks, overruns;

static void on_timer(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	if (info->si_code == SI_TIMER && info->si_value.sival_int == 77)
		ticks++;
	if (info->si_code == SI_TIMER && info->si_overrun > overruns)
		overruns = info->si_overrun;
}

static void posix_timers(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 4};
	struct itimerspec it = {{0, 3000000}, {0, 3000000}}, now;
	struct sigaction sa;
	sigset_t set;
	timer_t id;

	ev.sigev_value.sival_int = 77;
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = on_timer;
	sa.sa_flags = SA_SIGINFO;
	CHECK(sigaction(SIGRTMIN + 4, &sa, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &id) == 0);
	CHECK(timer_gettime(id, &now) == 0 && !now.it_value.tv_sec && !now.it_value.tv_nsec);
	CHECK(timer_settime(id, 0, &it, NULL) == 0);
	while (ticks < 5)
		pause();
	CHECK(timer_gettime(id, &now) == 0 && now.it_interval.tv_nsec == 3000000);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 4);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	sleep_ms(60);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(overruns >= 3 && timer_getoverrun(id) >= 0);
	memset(&it, 0, sizeof it);
	CHECK(timer_settime(id, 0, &it, NULL) == 0);
	CHECK(timer_delete(id) == 0);
	CHECK(syscall(SYS_timer_delete, 12345) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_timer_create, 99, NULL, &id) == -1 && errno == EINVAL);
}

/* A nice level further from that with which the tests were started. */
static int nicer(int start, int by)
{
	return start + by > 19 ? 19 : start + by;
}

static void affinity_and_priority(void)
{
	unsigned attr[14] = {
		0}; /* struct sched_attr: size, policy, flags (2), nice, priority ... */
	cpu_set_t set;
	int start;

	CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
	CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
	CPU_ZERO(&set);
	CHECK_ERRNO(sched_setaffinity(0, sizeof set, &set), EINVAL);
	CHECK(sched_yield() == 0);
	errno = 0;
	start = getpriority(PRIO_PROCESS, 0);
	CHECK(errno == 0);
	CHECK(setpriority(PRIO_PROCESS, 0, nicer(start, 7)) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == nicer(start, 7));
	CHECK_ERRNO(setpriority(99, 0, 0), EINVAL);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0x7ffffff0, 0), ESRCH);
	CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
	CHECK(syscall(SYS_sched_get_priority_max, SCHED_FIFO) == 99);
	CHECK(syscall(SYS_sched_getattr, 0, attr, sizeof attr, 0) == 0 && attr[0] == 56 &&
	      (int)attr[4] == nicer(start, 7));
	attr[4] = (unsigned)nicer(start, 9);
	CHECK(syscall(SYS_sched_setattr, 0, attr, 0) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == nicer(start, 9));
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, attr, 1), EINVAL);
}

int main(void)
{
	TEST(futex_errors);
	TEST(futex_between_processes);
	TEST(wake_some_by_bitset);
	TEST(requeue);
	TEST(wake_op);
	TEST(mutex_64_threads);
	TEST(condition_variables);
	TEST(barriers);
	TEST(many_short_threads);
	TEST(robust_mutex);
	TEST(leader_ends_first);
	TEST(last_thread_tells);
	TEST(fork_from_threads);
	TEST(clocks);
	TEST(posix_timers);
	TEST(affinity_and_priority);
	return test_done();
}
