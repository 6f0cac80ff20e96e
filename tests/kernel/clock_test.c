/* SPDX-License-Identifier: MIT */
/*
 * The steering of the clock: what the discipline asks for (ntp.c) is what a clock gains (time.c),
 * with cycles and seconds of the test's making; and time goes on while the rate of the real clock
 * changes.
 */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/ntp.h"
#include "kernel/sched.h"
#include "kernel/timekeeper.h"
#include "kernel/timer.h"
#include "lib/atomic.h"
#include "lib/random.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"

#define HZ_ODD	 2894560007ULL
#define SECOND	 (NSEC_PER_SEC << NTP_SCALE_SHIFT)
#define START	 1700000000 /* the wall clock's second when the clock starts; not near midnight */
#define PPM	 (1LL << 16)
#define MIDWAY	 (12345 * 86400LL + 1000) /* and one in a day of which the tests know the end */
#define MIDNIGHT (12346 * 86400LL)

/* A clock that is steered: its timer comes late by up to `late` ns. */
struct steered {
	struct timekeeper tk;
	struct ntp ntp;
	u64 cycles;
	u64 last;
	u64 late;
	struct prng random;
	bool slewing, went_back;
};

static void start_clock(struct steered *s, u64 late)
{
	*s = (struct steered){.ntp = NTP_INIT, .cycles = 1ULL << 40, .late = late};
	prng_seed(&s->random, 1);
	tk_start(&s->tk, s->cycles, HZ_ODD);
}

static void look(struct steered *s)
{
	u64 now = tk_read(&s->tk, s->cycles);

	s->went_back |= now < s->last;
	s->last = now;
}

static void one_second(struct steered *s, s64 sec)
{
	u64 late = s->late ? prng_below(&s->random, s->late) : 0;
	u64 end = (u64)(sec - START) * NSEC_PER_SEC + late;
	int jump;

	while (tk_read(&s->tk, s->cycles) < end) {
		s->cycles += HZ_ODD / 500;
		look(s);
	}
	s->slewing = tk_start_second(&s->tk, s->cycles, ntp_next_second(&s->ntp, sec, &jump));
	look(s);
}

/* Until the discipline rests. Returns what the clock has gained over one that nobody steers. */
static s64 gain_until_idle(struct steered *s)
{
	struct timekeeper free;
	u64 begin = s->cycles;
	s64 sec = START;

	tk_start(&free, begin, HZ_ODD);
	do {
		one_second(s, ++sec);
	} while (sec < START + 2000 && (s->slewing || !ntp_idle(&s->ntp)));
	return (s64)(tk_read(&s->tk, s->cycles) - tk_read(&free, s->cycles));
}

static int call(struct ntp *ntp, struct timex *tx, s64 sec)
{
	struct timespec now = {.tv_sec = sec, .tv_nsec = 250000000};
	s32 tai = 37;

	return ntp_adjtimex(ntp, tx, &now, &tai);
}

static s64 adjtime_gain(s64 us, u64 late)
{
	struct timex tx = {.modes = ADJ_ADJTIME | ADJ_OFFSET, .offset = us};
	struct steered s;
	s64 gain;

	start_clock(&s, late);
	call(&s.ntp, &tx, START);
	gain = gain_until_idle(&s);
	return s.went_back ? S64_MAX : gain;
}

static bool about(s64 value, s64 expected)
{
	return value >= expected - 1 && value <= expected + 1;
}

KTEST(clock_adjtime_is_exact)
{
	static const s64 us[] = {1, -1, 499, 500, 501, 12345, -12345, 100000};
	static const u64 late[] = {0, 20000, 5 * NSEC_PER_MSEC, 3 * NSEC_PER_SEC};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(us); i++) {
		for (j = 0; j < ARRAY_SIZE(late); j++) {
			s64 gain = adjtime_gain(us[i], late[j]);

			if (!about(gain, us[i] * (s64)NSEC_PER_USEC))
				KTEST_FAIL("%lld us, late by %llu: gained %lld ns",
					   (long long)us[i], (unsigned long long)late[j],
					   (long long)gain);
		}
	}
}

/* No more than 500 us in a second, and what is left can be read. */
KTEST(clock_adjtime_is_slow)
{
	struct timex tx = {.modes = ADJ_ADJTIME | ADJ_OFFSET, .offset = 1200};
	struct ntp ntp = NTP_INIT;
	int jump;

	call(&ntp, &tx, START);
	KTEST_EQ(tx.offset, 0);
	KTEST_EQ(ntp_next_second(&ntp, START + 1, &jump), (500000LL << NTP_SCALE_SHIFT));
	tx.modes = ADJ_ADJTIME | ADJ_OFFSET | ADJ_OFFSET_SS_READ;
	call(&ntp, &tx, START + 1);
	KTEST_EQ(tx.offset, 700);
	KTEST_EQ(ntp_next_second(&ntp, START + 2, &jump), (500000LL << NTP_SCALE_SHIFT));
	KTEST_EQ(ntp_next_second(&ntp, START + 3, &jump), (200000LL << NTP_SCALE_SHIFT));
	KTEST_TRUE(ntp_idle(&ntp));
}

KTEST(clock_offset_is_exact)
{
	struct timex tx = {.modes = ADJ_STATUS | ADJ_NANO | ADJ_TIMECONST | ADJ_OFFSET,
			   .status = STA_PLL | STA_FREQHOLD};
	static const s64 ns[] = {1000, -77777, 500000000, -500000000, 900000000};
	struct steered s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		start_clock(&s, i % 2 ? 30 * NSEC_PER_MSEC : 0);
		tx.offset = ns[i];
		tx.constant = i % 3;
		KTEST_EQ(call(&s.ntp, &tx, START), TIME_OK);
		KTEST_EQ(tx.offset, clamp_t(s64, ns[i], -500000000, 500000000));
		KTEST_EQ(tx.freq, 0);
		KTEST_TRUE(about(gain_until_idle(&s), tx.offset));
		KTEST_TRUE(!s.went_back);
	}
}

KTEST(clock_frequency_is_exact)
{
	static const s64 ppm[] = {500, -500, 100, -1};
	struct timex tx = {.modes = ADJ_FREQUENCY | ADJ_TICK};
	struct timekeeper tk;
	struct ntp ntp = NTP_INIT;
	u64 expected;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ppm); i++) {
		tx.freq = ppm[i] * PPM;
		tx.tick = 10000 + (s64)i * 100;
		call(&ntp, &tx, START);
		KTEST_EQ(tx.freq, ppm[i] * PPM);
		tk_start(&tk, 5, HZ_ODD);
		tk_set_frequency(&tk, 5, ntp_second_length(&ntp));
		expected = 1000 * (NSEC_PER_SEC + i * 10000000 + (u64)(ppm[i] * 1000));
		KTEST_TRUE(about((s64)(tk_read(&tk, 5 + 1000 * HZ_ODD) - expected), 0));
	}
	tx.freq = 9999 * PPM;
	call(&ntp, &tx, START);
	KTEST_EQ(tx.freq, 500 * PPM);
}

/* RFC 5905's loop: the frequency that an error stands for, by the seconds in which it came. */
KTEST(clock_loop_finds_the_frequency)
{
	struct timex tx = {.modes = ADJ_STATUS | ADJ_NANO | ADJ_TIMECONST, .status = STA_PLL};
	struct ntp ntp = NTP_INIT;

	call(&ntp, &tx, START); /* constant 0: at most 8 seconds count */
	tx = (struct timex){.modes = ADJ_OFFSET, .offset = 1024000};
	call(&ntp, &tx, START + 4);
	KTEST_EQ(tx.freq, 16 * PPM); /* 1024 us * 4 s / 2^8 */
	tx.modes = ADJ_OFFSET;
	tx.offset = 1024000;
	call(&ntp, &tx, START + 104);
	KTEST_EQ(tx.freq, 48 * PPM);
	tx = (struct timex){.modes = ADJ_STATUS | ADJ_FREQUENCY, .status = STA_PLL | STA_FLL};
	call(&ntp, &tx, START + 104);
	tx = (struct timex){.modes = ADJ_OFFSET, .offset = 512000};
	call(&ntp, &tx, START + 104 + 256); /* both loops: 512 us / 256 s / 4, 512 us * 8 s / 2^8 */
	KTEST_EQ(tx.freq, PPM / 2 + 16 * PPM);
	KTEST_TRUE(tx.status & STA_MODE);
}

KTEST(clock_error_grows)
{
	struct timex tx = {.modes = ADJ_STATUS | ADJ_MAXERROR};
	struct ntp ntp = NTP_INIT;
	int jump;

	KTEST_EQ(call(&ntp, &tx, START), TIME_OK);
	ntp_next_second(&ntp, START + 1, &jump);
	KTEST_EQ(ntp.maxerror, 500);
	ntp_pass_idle(&ntp, 31999);
	KTEST_EQ(ntp.maxerror, 16000000);
	KTEST_TRUE(!(ntp.status & STA_UNSYNC));
	ntp_pass_idle(&ntp, S64_MAX);
	KTEST_EQ(ntp.maxerror, 16000000);
	tx.modes = 0;
	KTEST_EQ(call(&ntp, &tx, START), TIME_ERROR);
}

/* Ask for a leap second, at MIDWAY; step to the second before it, which changes nothing. */
static bool wait_for_leap(struct ntp *ntp, int flag, s64 leap_second)
{
	struct timex tx = {.modes = ADJ_STATUS | ADJ_MAXERROR, .status = flag};
	int jump, sum = 0;
	s64 sec;

	call(ntp, &tx, MIDWAY);
	for (sec = MIDWAY; sec < leap_second; sec++) {
		ntp_next_second(ntp, sec, &jump);
		sum += jump;
		ntp->maxerror = 0;
	}
	return !sum;
}

KTEST(clock_leap_second_inserted)
{
	struct ntp ntp = NTP_INIT;
	struct timex tx = {};
	int jump;

	KTEST_TRUE(wait_for_leap(&ntp, STA_INS, MIDNIGHT));
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT - 1), TIME_INS);
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT), TIME_OOP); /* the timer is late: it is told already */
	KTEST_EQ(tx.time.tv_sec, MIDNIGHT - 1);
	KTEST_EQ(tx.tai, 38);
	ntp_next_second(&ntp, MIDNIGHT, &jump);
	KTEST_EQ(jump, -1);
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT - 1), TIME_OOP);
	ntp_next_second(&ntp, MIDNIGHT, &jump);
	KTEST_EQ(jump, 0);
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT), TIME_WAIT);
	ntp_next_second(&ntp, MIDNIGHT + 1, &jump);
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT + 1), TIME_WAIT);
	tx = (struct timex){.modes = ADJ_STATUS};
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT + 1), TIME_WAIT);
	ntp_next_second(&ntp, MIDNIGHT + 2, &jump);
	KTEST_TRUE(ntp.state == TIME_OK && ntp_idle(&ntp));
}

KTEST(clock_leap_second_left_out)
{
	struct ntp ntp = NTP_INIT;
	struct timex tx = {};
	int jump;

	KTEST_TRUE(wait_for_leap(&ntp, STA_DEL, MIDNIGHT - 1));
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT - 2), TIME_DEL);
	ntp_next_second(&ntp, MIDNIGHT - 1, &jump);
	KTEST_EQ(jump, 1);
	KTEST_EQ(call(&ntp, &tx, MIDNIGHT), TIME_WAIT);
	ntp = (struct ntp)NTP_INIT;
	KTEST_TRUE(wait_for_leap(&ntp, STA_DEL, MIDNIGHT - 1));
	tx = (struct timex){.modes = ADJ_STATUS};
	call(&ntp, &tx, MIDNIGHT - 2); /* it was an error: nothing happens */
	ntp_next_second(&ntp, MIDNIGHT - 1, &jump);
	KTEST_TRUE(!jump && ntp.state == TIME_OK);
}

/* --- the machine's clock ---------------------------------------------------------------------- */

static u64 latest; /* that any CPU has seen */

static void watch(atomic_t *backwards, int times)
{
	while (times--) {
		u64 seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST), now;

		rdtsc_ordered(); /* the load above is done */
		now = ktime_get_ns();
		if (now < seen)
			atomic_inc(backwards);
		while (now > seen &&
		       !__atomic_compare_exchange_n(&latest, &seen, now, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
}

static atomic_t workers;

/* The first changes the rate, by as much as it may be; the others look. */
static void rate_worker(void *arg)
{
	bool writer = atomic_inc_return(&workers) == 1;
	int i;

	for (i = 0; i < 2000; i++) {
		if (writer) {
			local_irq_disable();
			timekeeping_set_frequency(i % 2 ? SECOND / 10 * 9 : SECOND / 10 * 11);
			timekeeping_start_second((i % 4 - 1) * (100000000LL << NTP_SCALE_SHIFT));
			local_irq_enable();
		}
		watch(arg, 20);
	}
}

KTEST(clock_steady_while_the_rate_changes)
{
	atomic_t backwards = ATOMIC_INIT(0);
	bool ran;

	atomic_set(&workers, 0);
	latest = 0;
	ran = run_threads(num_online_cpus(), rate_worker, &backwards);
	local_irq_disable();
	timekeeping_set_frequency(SECOND);
	timekeeping_stop_slew();
	local_irq_enable();
	KTEST_TRUE(ran);
	KTEST_EQ(atomic_read(&backwards), 0);
}

/* A clock that is set wrong on purpose, against the one that nobody steers. */
KTEST(clock_raw_is_free)
{
	u64 raw, end, steady;

	local_irq_disable();
	timekeeping_set_frequency(SECOND / 10 * 11);
	steady = ktime_get_ns();
	raw = ktime_get_raw_ns();
	do {
		end = ktime_get_raw_ns();
	} while (end - raw < NSEC_PER_MSEC);
	steady = ktime_get_ns() - steady;
	timekeeping_set_frequency(SECOND);
	local_irq_enable();
	KTEST_TRUE(steady >= (end - raw) / 10 * 11 - 2);
}
