/* SPDX-License-Identifier: MIT */
/*
 * helper_crowd - sixty-four threads that share everything the C library offers them.
 *
 * Built twice, statically: with musl and with glibc (build/user/glibc/). Each part is a small
 * contest in which one lost wakeup, one torn lock or one signal to the wrong thread changes the sum
 * at its end or stops the program for ever; it prints the sum, so Linux and Verso can be compared.
 *
 *	mutex	  counters under normal, recursive and error-checking mutexes
 *	ring	  a token goes round, passed by condition variables
 *	barrier	  rounds in which each thread needs what all others wrote in the round before
 *	tls	  thread-local variables, and keys whose destructors must each run once
 *	rwlock	  readers that never see a half-written pair
 *	semaphore a bounded buffer between producers and consumers
 *	signals	  each thread signals its neighbour, which counts in its own thread-local variable
 *	sigwait	  signals to the process, taken one by one by whoever waits
 *	once	  pthread_once, cancellation with cleanup, a robust mutex whose owner dies, detached threads
 *
 * It ends with 0 when all sums are right. tests/crowd.py runs it over and over.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 64
#define ROUNDS	40
#define ITEMS	1600 /* through the bounded buffer */
#define SLOTS	8
#define SECONDS 120

static pthread_t crowd[THREADS];
static int bad;

/* Run fn in all threads and wait for them. Returns the sum of what they returned. */
static long all(void *(*fn)(void *))
{
	pthread_attr_t attr;
	long sum = 0;
	void *ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (long i = 0; i < THREADS; i++) {
		int err = pthread_create(&crowd[i], &attr, fn, (void *)i);

		if (err) {
			printf("pthread_create: %s\n", strerror(err));
			_exit(1);
		}
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(crowd[i], &ret);
		sum += (long)ret;
	}
	pthread_attr_destroy(&attr);
	return sum;
}

static void result(const char *part, long got, long want)
{
	printf("%s %ld\n", part, got);
	if (got != want) {
		printf("FAILED %s: %ld expected\n", part, want);
		bad = 1;
	}
}

/* ---- mutex ---- */

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, recursive, checking;
static long counters[3];

static void *count(void *arg)
{
	long errors = 0;

	for (int i = 0; i < ROUNDS * 5; i++) {
		pthread_mutex_lock(&normal);
		counters[0]++;
		pthread_mutex_unlock(&normal);
		pthread_mutex_lock(&recursive);
		pthread_mutex_lock(&recursive);
		counters[1]++;
		pthread_mutex_unlock(&recursive);
		pthread_mutex_unlock(&recursive);
		errors += pthread_mutex_unlock(&checking) != EPERM;
		pthread_mutex_lock(&checking);
		errors += pthread_mutex_lock(&checking) != EDEADLK;
		counters[2]++;
		pthread_mutex_unlock(&checking);
	}
	return (void *)errors;
}

static void init_mutex(pthread_mutex_t *mutex, int type, int robust)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void mutexes(void)
{
	memset(counters, 0, sizeof counters);
	init_mutex(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED);
	init_mutex(&checking, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
	result("mutex errors", all(count), 0);
	for (int i = 0; i < 3; i++)
		result("mutex", counters[i], THREADS * ROUNDS * 5);
}

/* ---- ring ---- */

static pthread_cond_t turns[THREADS];
static long token, passed;

static void *pass(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&normal);
		while (token != me)
			pthread_cond_wait(&turns[me], &normal);
		token = (me + 1) % THREADS;
		passed = passed * 31 % 1000003 + me;
		pthread_cond_signal(&turns[token]);
		pthread_mutex_unlock(&normal);
	}
	return NULL;
}

static void ring(void)
{
	long want = 0;

	token = passed = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_cond_init(&turns[i], NULL);
	for (int i = 0; i < ROUNDS * THREADS; i++)
		want = want * 31 % 1000003 + i % THREADS;
	all(pass);
	result("ring", passed, want);
}

/* ---- barrier ---- */

static pthread_barrier_t barrier;
static long board[2][THREADS];

static void *meet(void *arg)
{
	long me = (long)arg, serial = 0;

	for (int round = 0; round < ROUNDS; round++) {
		long sum = 0;

		for (int i = 0; i < THREADS; i++)
			sum += board[round % 2][i];
		board[(round + 1) % 2][me] = sum % 1009 + me;
		serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
	}
	return (void *)serial;
}

static void barriers(void)
{
	static long want[2][THREADS];
	long got = 0, wanted = 0;

	memset(board, 0, sizeof board);
	memset(want, 0, sizeof want);
	pthread_barrier_init(&barrier, NULL, THREADS);
	result("barrier serial", all(meet), ROUNDS);
	pthread_barrier_destroy(&barrier);
	for (int round = 0; round < ROUNDS; round++) {
		long sum = 0;

		for (int i = 0; i < THREADS; i++)
			sum += want[round % 2][i];
		for (int i = 0; i < THREADS; i++)
			want[(round + 1) % 2][i] = sum % 1009 + i;
	}
	for (int i = 0; i < THREADS; i++) {
		got += board[ROUNDS % 2][i] * (i + 1);
		wanted += want[ROUNDS % 2][i] * (i + 1);
	}
	result("barrier", got, wanted);
}

/* ---- thread-local storage ---- */

static __thread long mine = 7;
static __thread char large[3000] = {1, 2, 3};
static pthread_key_t key;
static long destroyed;

static void destroy(void *value)
{
	__atomic_add_fetch(&destroyed, (long)value, __ATOMIC_SEQ_CST);
}

static void *local(void *arg)
{
	long me = (long)arg;

	if (mine != 7 || large[2] != 3 || large[2999] || pthread_getspecific(key))
		return (void *)1000000L;
	pthread_setspecific(key, (void *)(me + 1));
	for (int i = 0; i < ROUNDS; i++) {
		mine += me;
		large[2999] = (char)me;
		sched_yield();
	}
	return (void *)(mine + large[2999] + (long)pthread_getspecific(key));
}

static void storage(void)
{
	long want = 0;

	destroyed = 0;
	pthread_key_create(&key, destroy);
	for (int i = 0; i < THREADS; i++)
		want += 7 + ROUNDS * i + i + i + 1;
	result("tls", all(local), want);
	result("destructors", destroyed, THREADS * (THREADS + 1) / 2);
	pthread_key_delete(key);
}

/* ---- readers and writers ---- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long pair[2];

static void *read_or_write(void *arg)
{
	long torn = 0;

	for (int i = 0; i < ROUNDS; i++) {
		if ((long)arg % 8 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			pair[0]++;
			sched_yield();
			pair[1]++;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			torn += pair[0] != pair[1];
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return (void *)torn;
}

static void readers(void)
{
	pair[0] = pair[1] = 0;
	result("rwlock torn", all(read_or_write), 0);
	result("rwlock", pair[0] + pair[1], 2 * THREADS / 8 * ROUNDS);
}

/* ---- semaphores ---- */

static sem_t room, filled;
static long buffer[SLOTS], put_at, take_at;

/* Even threads put the numbers from 1 on, odd ones take them. */
static void *produce_or_consume(void *arg)
{
	long sum = 0;

	for (int i = 0; i < ITEMS / (THREADS / 2); i++) {
		sem_wait((long)arg % 2 ? &filled : &room);
		pthread_mutex_lock(&normal);
		if ((long)arg % 2) {
			sum += buffer[take_at++ % SLOTS];
		} else {
			buffer[put_at % SLOTS] = put_at + 1;
			put_at++;
		}
		pthread_mutex_unlock(&normal);
		sem_post((long)arg % 2 ? &room : &filled);
	}
	return (void *)sum;
}

static void semaphores(void)
{
	put_at = take_at = 0;
	sem_init(&room, 0, SLOTS);
	sem_init(&filled, 0, 0);
	result("semaphore", all(produce_or_consume), (long)ITEMS * (ITEMS + 1) / 2);
}

/* ---- signals between threads ---- */

static __thread volatile sig_atomic_t caught;
static __thread sem_t *wakeup;
static sem_t wakeups[THREADS];

static void on_signal(int sig)
{
	caught++;
	sem_post(wakeup);
}

/*
 * Signal the neighbour, wait for the signal of the other one: none may be lost, none may go astray.
 * A second signal of a kind merges with one that is still pending, so nobody begins the next round
 * before all have caught this one's.
 */
static void *signal_neighbour(void *arg)
{
	long me = (long)arg;

	caught = 0;
	wakeup = &wakeups[me];
	for (int i = 1; i <= ROUNDS / 4; i++) {
		pthread_barrier_wait(&barrier);
		pthread_kill(crowd[(me + 1) % THREADS], SIGUSR1);
		while (sem_wait(wakeup) && errno == EINTR)
			;
		if (caught != i)
			return NULL;
		pthread_barrier_wait(&barrier);
	}
	return (void *)(long)caught;
}

static void signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < THREADS; i++)
		sem_init(&wakeups[i], 0, 0);
	pthread_barrier_init(&barrier, NULL, THREADS);
	result("signals", all(signal_neighbour), THREADS * (ROUNDS / 4));
	pthread_barrier_destroy(&barrier);
}

static void *take_signals(void *arg)
{
	union sigval value = {.sival_int = (int)(long)arg + 1};
	siginfo_t info;
	sigset_t set;
	long sum = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	for (int i = 0; i < ROUNDS / 4; i++) {
		sigqueue(getpid(), SIGRTMIN + 1, value);
		while (sigwaitinfo(&set, &info) < 0)
			;
		sum += info.si_value.sival_int;
	}
	return (void *)sum;
}

static void waiting(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	result("sigwait", all(take_signals), (long)THREADS * (THREADS + 1) / 2 * (ROUNDS / 4));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* ---- life and death ---- */

static pthread_once_t once;
static pthread_mutex_t robust;
static long initialised, cleaned, gone;

static void initialise(void)
{
	initialised++;
}

static void clean(void *arg)
{
	__atomic_add_fetch(&cleaned, (long)arg, __ATOMIC_SEQ_CST);
}

static void *forever(void *arg)
{
	pthread_cleanup_push(clean, arg);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *die_with_lock(void *arg)
{
	pthread_mutex_lock(&robust);
	return NULL;
}

static void *leave(void *arg)
{
	pthread_detach(pthread_self());
	__atomic_add_fetch(&gone, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *live_and_die(void *arg)
{
	pthread_t other;
	void *ret;
	long me = (long)arg;

	pthread_once(&once, initialise);
	if (me >= THREADS / 4)
		return NULL;
	if (pthread_create(&other, NULL, forever, (void *)(me + 1)))
		return (void *)1L;
	pthread_cancel(other);
	pthread_join(other, &ret);
	if (ret != PTHREAD_CANCELED || pthread_create(&other, NULL, leave, NULL))
		return (void *)1L;
	return NULL;
}

static void lives(void)
{
	pthread_t owner;
	int died;

	once = (pthread_once_t)PTHREAD_ONCE_INIT;
	initialised = cleaned = gone = 0;
	result("cancel", all(live_and_die), 0);
	result("once", initialised, 1);
	/* A thread that is cancelled before its first step has pushed nothing to clean. */
	if (cleaned < 0 || cleaned > THREADS / 4 * (THREADS / 4 + 1) / 2)
		result("cleanup", cleaned, 0);
	while (__atomic_load_n(&gone, __ATOMIC_SEQ_CST) < THREADS / 4)
		sched_yield();
	init_mutex(&robust, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
	pthread_create(&owner, NULL, die_with_lock, NULL);
	pthread_join(owner, NULL);
	died = pthread_mutex_lock(&robust);
	result("robust", died, EOWNERDEAD);
	pthread_mutex_consistent(&robust);
	result("consistent", pthread_mutex_unlock(&robust), 0);
}

int main(void)
{
	alarm(SECONDS);
	mutexes();
	ring();
	barriers();
	storage();
	readers();
	semaphores();
	signals();
	waiting();
	lives();
	return bad;
}
