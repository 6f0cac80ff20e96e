/* SPDX-License-Identifier: MIT */
/*
 * Steering the clock: adjtimex, clock_adjtime, adjtime. On Linux only what leaves the host's clock
 * alone: reading, arguments that are refused, and those that change nothing. The rest is done on
 * Verso, and taken back.
 */
#include "test.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#define PPM	    65536L
#define NOTHING	    0x0800 /* a mode that means nothing, but wants to change something */
#define ADJ_ADJTIME 0x8000

static bool on_verso(void)
{
	struct utsname name;

	return uname(&name) == 0 && strstr(name.release, "verso");
}

/* Past glibc and musl, which have ideas of their own. */
static int call(struct timex *tx)
{
	return (int)syscall(SYS_adjtimex, tx);
}

static bool may_set(void)
{
	struct timex tx = {.modes = NOTHING};

	return call(&tx) >= 0;
}

static int change(struct timex tx)
{
	return call(&tx);
}

static struct timex get(void)
{
	struct timex tx = {0};

	CHECK(call(&tx) >= 0);
	return tx;
}

static void test_read(void)
{
	struct timex tx = {0}, again = {0}, left = {.modes = ADJ_OFFSET_SS_READ};

	CHECK(call(&tx) >= TIME_OK && tx.modes == 0 && tx.precision == 1);
	CHECK(tx.tolerance == 500 * PPM && tx.tick >= 9000 && tx.tick <= 11000);
	CHECK(tx.freq >= -tx.tolerance && tx.freq <= tx.tolerance);
	CHECK(tx.maxerror >= 0 && tx.maxerror <= 16000000 && tx.esterror <= 16000000);
	CHECK(!(tx.status & STA_UNSYNC) ||
	      syscall(SYS_clock_adjtime, CLOCK_REALTIME, &again) == TIME_ERROR);
	CHECK(call(&left) >= 0);
	CHECK(tx.time.tv_usec >= 0 &&
	      tx.time.tv_usec < (tx.status & STA_NANO ? 1000000000 : 1000000));
}

static void test_clocks(void)
{
	static const int others[] = {CLOCK_MONOTONIC,
				     CLOCK_MONOTONIC_RAW,
				     CLOCK_BOOTTIME,
				     CLOCK_TAI,
				     CLOCK_PROCESS_CPUTIME_ID,
				     CLOCK_THREAD_CPUTIME_ID,
				     CLOCK_REALTIME_COARSE,
				     -2,
				     -6,
				     -1};
	struct timex tx = {0};

	for (unsigned int i = 0; i < sizeof(others) / sizeof(*others); i++)
		CHECK_ERRNO(syscall(SYS_clock_adjtime, others[i], &tx), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, 99, &tx), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, 10, &tx), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, (int)(~1000u << 3 | 3), &tx),
		    EINVAL); /* a descriptor's */
	CHECK_ERRNO(syscall(SYS_clock_adjtime, 99, 8L), EFAULT);
	CHECK_ERRNO(syscall(SYS_adjtimex, 8L), EFAULT);
}

static void test_refused(void)
{
	if (!may_set())
		return;
	CHECK_ERRNO(change((struct timex){.modes = ADJ_TICK, .tick = 8999}), EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_TICK, .tick = 11001}), EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_TICK}), EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_FREQUENCY, .freq = LONG_MAX}), EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_FREQUENCY, .freq = LONG_MIN}), EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET, .time.tv_usec = -1}), EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET, .time.tv_usec = 1000000}),
		    EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET | ADJ_NANO,
					  .time.tv_usec = 1000000000}),
		    EINVAL);
	/* to before the boot, and after the end of time */
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET, .time.tv_sec = -time(NULL)}),
		    EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET, .time.tv_sec = 9000000000}),
		    EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET, .time.tv_sec = LONG_MAX}),
		    EINVAL);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_SETOFFSET, .time.tv_sec = LONG_MIN}),
		    EINVAL);
}

static void test_set_too_far(void)
{
	struct timespec boot = {0, 0}, end = {9000000000, 0};
	struct timeval old = {0, 0};

	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &end), EINVAL);
	if (!may_set())
		return;
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &boot), EINVAL);
	CHECK_ERRNO(syscall(SYS_settimeofday, &old, NULL), EINVAL);
}

/* Without the capability everything may be read and nothing changed; that comes before EINVAL. */
static void test_unprivileged(void)
{
	struct timespec end = {9000000000, 0}, now = {time(NULL), 0};
	struct timex left = {.modes = ADJ_OFFSET_SS_READ};

	CHECK(setuid(65534) == 0 || geteuid());
	CHECK(call(&left) >= 0);
	get();
	CHECK_ERRNO(change((struct timex){.modes = NOTHING}), EPERM);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_TICK}), EPERM);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_OFFSET_SINGLESHOT}), EPERM);
	CHECK_ERRNO(change((struct timex){.modes = ADJ_OFFSET_SS_READ | ADJ_SETOFFSET}), EPERM);
	CHECK(change((struct timex){.modes = ADJ_OFFSET_SS_READ | ADJ_TICK}) >= 0);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &now), EPERM);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &end), EINVAL);
}

static void test_values(void)
{
	struct timex tx;

	if (!on_verso())
		return;
	CHECK(change((struct timex){.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR |
					     ADJ_FREQUENCY,
				    .maxerror = -5,
				    .esterror = 99999999,
				    .status = STA_PLL | STA_CLOCKERR | STA_NANO,
				    .freq = -600 * PPM}) == TIME_OK);
	tx = get();
	CHECK(tx.status == STA_PLL && tx.maxerror < 16000000 && tx.esterror == 16000000);
	CHECK(tx.freq == -500 * PPM);
	CHECK(change((struct timex){.modes = ADJ_NANO | ADJ_TIMECONST, .constant = 7}) == TIME_OK);
	tx = get();
	CHECK(tx.status == (STA_PLL | STA_NANO) && tx.constant == 7);
	CHECK(change((struct timex){.modes = ADJ_MICRO | ADJ_TIMECONST, .constant = 1}) == TIME_OK);
	CHECK(get().constant == 5);
	CHECK(change((struct timex){.modes = ADJ_TIMECONST, .constant = 9}) == TIME_OK);
	CHECK(get().constant == 10);
	CHECK(change((struct timex){.modes = ADJ_OFFSET, .offset = -9000000}) == TIME_OK);
	tx = get();
	CHECK(tx.offset < -250000 && tx.offset >= -500000);
	CHECK(change((struct timex){.modes = ADJ_STATUS}) == TIME_OK && get().status == 0);
	CHECK(change((struct timex){.modes = ADJ_OFFSET | ADJ_FREQUENCY, .offset = 5}) >= 0);
	CHECK(get().freq == 0);
}

/* Of adjtime, in us. musl's adjtime reads the other offset. */
static long adjtime_left(void)
{
	struct timex tx = {.modes = ADJ_OFFSET_SS_READ};

	CHECK(call(&tx) >= 0);
	return tx.offset;
}

static void test_adjtime(void)
{
	struct timeval more = {0, 400}, less = {-1, -500000}, none = {0, 0}, old;
	long left;

	if (!on_verso())
		return;
	CHECK(adjtime(&less, NULL) == 0 && adjtime(&more, &old) == 0);
	left = old.tv_sec * 1000000 + old.tv_usec;
	CHECK(left >= -1500000 && left < -1400000);
	while (adjtime_left())
		sleep_ms(20);
	CHECK(adjtime(&more, NULL) == 0 && adjtime(&none, NULL) == 0 && !adjtime_left());
}

static long long now(int clock)
{
	struct timespec ts;

	CHECK(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* The wall clock jumps, by what was asked and what time it takes; others do not. */
static void test_set_offset(void)
{
	long long steady = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
	long long jump = 1000250000000LL;

	if (!on_verso())
		return;
	CHECK(adjtime(&(struct timeval){1, 0}, NULL) == 0);
	CHECK(change((struct timex){.modes = ADJ_SETOFFSET, .time = {1000, 250000}}) == TIME_ERROR);
	CHECK(now(CLOCK_REALTIME) - real >= jump);
	CHECK(change((struct timex){.modes = ADJ_OFFSET_SS_READ}) == TIME_ERROR);
	CHECK(change((struct timex){.modes = ADJ_SETOFFSET | ADJ_NANO,
				    .time = {-1001, 750000000}}) == TIME_ERROR);
	real = now(CLOCK_REALTIME) - real;
	CHECK(real >= 0 && real <= now(CLOCK_MONOTONIC) - steady);
	CHECK(get().maxerror == 16000000 && get().status & STA_UNSYNC && get().status & STA_NANO);
	CHECK(change((struct timex){.modes = ADJ_MICRO}) == TIME_ERROR);
}

static void test_tai(void)
{
	struct timex left = {.modes = ADJ_OFFSET_SS_READ};
	long long real, tai;

	if (!on_verso())
		return;
	CHECK(change((struct timex){.modes = ADJ_TAI, .constant = 37}) >= 0 && get().tai == 37);
	real = now(CLOCK_REALTIME);
	tai = now(CLOCK_TAI);
	CHECK(tai >= real + 37000000000LL && tai <= now(CLOCK_REALTIME) + 37000000000LL);
	CHECK(change((struct timex){.modes = ADJ_TAI, .constant = -1}) >= 0 && get().tai == 37);
	CHECK(change((struct timex){.modes = ADJ_TAI, .constant = 100001}) >= 0 && get().tai == 37);
	CHECK(call(&left) >= 0 && left.tai == 37);
	CHECK(change((struct timex){.modes = ADJ_TAI}) >= 0 && get().tai == 0);
}

/* A tick of 11 ms makes the clock fast, and leaves the raw one alone. */
static void test_tick(void)
{
	long long raw, steady, begin, end;

	if (!on_verso())
		return;
	CHECK(change((struct timex){.modes = ADJ_TICK, .tick = 11000}) >= 0 && get().tick == 11000);
	begin = now(CLOCK_MONOTONIC);
	raw = now(CLOCK_MONOTONIC_RAW);
	sleep_ms(50);
	end = now(CLOCK_MONOTONIC_RAW);
	steady = now(CLOCK_MONOTONIC) - begin;
	CHECK(steady >= (end - raw) / 10 * 11 - 10);
	CHECK(change((struct timex){.modes = ADJ_TICK, .tick = 10000}) >= 0 && get().tick == 10000);
}

/* A second of the wall clock that comes twice, and one that does not come, at the end of a day. */
static void leap(int flag, int during, long long from_midnight)
{
	struct timex tx = {.modes = ADJ_SETOFFSET | ADJ_STATUS | ADJ_NANO, .status = flag};
	long long day = 86400000000000LL, real = now(CLOCK_REALTIME);
	long long midnight = (real / day + 1) * day, by, steady, tai;
	int state, before = flag == STA_INS ? TIME_INS : TIME_DEL;

	by = midnight + from_midnight - real;
	tx.time.tv_sec = by / 1000000000;
	tx.time.tv_usec = by % 1000000000;
	CHECK(call(&tx) >= 0);
	CHECK(change((struct timex){.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_TAI,
				    .status = flag,
				    .constant = 37}) == TIME_OK);
	steady = now(CLOCK_MONOTONIC);
	tai = now(CLOCK_TAI);
	do {
		sleep_ms(20);
		state = change((struct timex){.modes = ADJ_MAXERROR});
	} while (state == TIME_OK || state == before);
	CHECK((state == during || state == TIME_WAIT) && get().tai == (flag == STA_INS ? 38 : 36));
	CHECK(now(CLOCK_TAI) - now(CLOCK_REALTIME) <= get().tai * 1000000000LL);
	tai = now(CLOCK_TAI) - tai;
	CHECK(tai > 0 && tai <= now(CLOCK_MONOTONIC) - steady);
	while ((state = change((struct timex){.modes = ADJ_MAXERROR})) == TIME_OOP)
		sleep_ms(20);
	CHECK(state == TIME_WAIT);
	CHECK(change((struct timex){.modes = ADJ_STATUS}) == TIME_WAIT);
	while (change((struct timex){.modes = ADJ_MAXERROR}) == TIME_WAIT)
		sleep_ms(20);
	CHECK(get().status == STA_NANO);
	CHECK(change((struct timex){
		      .modes = ADJ_SETOFFSET | ADJ_NANO | ADJ_TAI,
		      .time = {-by / 1000000000 - 1, 1000000000 - by % 1000000000}}) >= 0);
	CHECK(change((struct timex){.modes = ADJ_MICRO}) == TIME_ERROR);
}

static void test_leap_seconds(void)
{
	if (!on_verso())
		return;
	leap(STA_INS, TIME_OOP, -2500000000LL);
	leap(STA_DEL, TIME_WAIT, -3500000000LL);
}

int main(void)
{
	TEST(test_read);
	TEST(test_clocks);
	TEST(test_refused);
	TEST(test_set_too_far);
	TEST(test_unprivileged);
	TEST(test_values);
	TEST(test_adjtime);
	TEST(test_set_offset);
	TEST(test_tai);
	TEST(test_tick);
	TEST(test_leap_seconds);
	return test_done();
}
