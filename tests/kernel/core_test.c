/* SPDX-License-Identifier: MIT */
/* The log, the command line, symbol names, random bytes, per-CPU variables. */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/cmdline.h"
#include "kernel/ksyms.h"
#include "kernel/main.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "arch/x86_64/cpu.h"

KTEST(printk_keeps_the_newest)
{
	char buf[256], want[32];
	u64 seq;
	int i;

	for (i = 0; i < 3000; i++)
		printk(KERN_DEBUG "ring %d\n", i);
	KTEST_TRUE(log_first_seq() > 0);
	KTEST_TRUE(log_next_seq() - log_first_seq() <= 1024);
	seq = 0; /* long gone: the oldest there is */
	KTEST_TRUE(log_read(&seq, buf, sizeof(buf), false, NULL) > 0);
	KTEST_TRUE(seq > log_first_seq() - 1);
	seq = log_next_seq() - 1;
	snprintf(want, sizeof(want), "ring %d\n", i - 1);
	KTEST_TRUE(log_read(&seq, buf, sizeof(buf), false, NULL) > strlen(want));
	KTEST_TRUE(strstr(buf, want) != NULL);
	KTEST_EQ(log_read(&seq, buf, sizeof(buf), false, NULL), 0);
}

KTEST(printk_kmsg_format)
{
	char buf[256];
	int level = 0;
	u64 seq = log_next_seq();

	printk(KERN_DEBUG "a line of the log\n");
	KTEST_TRUE(log_read(&seq, buf, sizeof(buf), true, &level) > 0);
	KTEST_EQ(level, 7);
	KTEST_TRUE(buf[0] == '7' && buf[1] == ',');
	KTEST_TRUE(strstr(buf, ",-;a line of the log\n") != NULL);
	seq = log_next_seq() - 1;
	KTEST_TRUE(log_read(&seq, buf, 8, true, NULL) < 8);
	KTEST_EQ(buf[7], 0);
}

static void log_worker(void *arg)
{
	int i;

	for (i = 0; i < 500; i++)
		printk(KERN_DEBUG "%s\n", (const char *)arg);
}

/* Lines of several CPUs at once are not mixed. */
KTEST(printk_from_all_cpus)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char buf[256];
	u64 seq;

	KTEST_TRUE(run_threads(num_online_cpus() * 2, log_worker, (void *)text));
	for (seq = log_first_seq(); log_read(&seq, buf, sizeof(buf), true, NULL);) {
		if (strchr(buf, ';')[1] == 'a')
			KTEST_EQ(strncmp(strchr(buf, ';') + 1, text, sizeof(text) - 1), 0);
	}
}

KTEST(cmdline_finds_options)
{
	char buf[8];

	KTEST_TRUE(cmdline_get("test", buf, sizeof(buf)) > 0);
	KTEST_EQ(cmdline_get("tes", buf, sizeof(buf)), -ENOENT);
	KTEST_EQ(cmdline_get("no.such.option", buf, sizeof(buf)), -ENOENT);
	KTEST_TRUE(strstr(cmdline_text(), "test=") != NULL);
}

KTEST(ksyms_name_functions)
{
	unsigned long offset, addr = ksym_address("kernel_main");
	const char *name;
	char buf[64];

	KTEST_EQ(addr, (unsigned long)kernel_main);
	name = ksym_lookup(addr + 4, &offset);
	KTEST_TRUE(name && !strcmp(name, "kernel_main"));
	KTEST_EQ(offset, 4);
	KTEST_TRUE(!ksym_lookup(0x1000, &offset));
	snprintf(buf, sizeof(buf), "%pS", (void *)addr);
	KTEST_TRUE(!strcmp(buf, "kernel_main+0x0"));
}

KTEST(random_bytes_are_random)
{
	u64 words[64], again;
	unsigned int i, ones = 0;

	get_random_bytes(words, sizeof(words));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		ones += hweight64(words[i]);
	/* 4096 fair bits: 12 standard deviations of 32 each way. */
	KTEST_TRUE(ones > 2048 - 384 && ones < 2048 + 384);
	again = get_random_u64();
	for (i = 0; i < ARRAY_SIZE(words); i++)
		KTEST_TRUE(words[i] != again);
}

static DEFINE_PER_CPU(unsigned long, percpu_counter);

static void percpu_worker(void *arg)
{
	int i;

	for (i = 0; i < 10000; i++)
		this_cpu_inc(percpu_counter);
}

KTEST(percpu_counts_are_exact)
{
	unsigned long sum = 0;
	unsigned int cpu;

	for_each_online_cpu (cpu)
		per_cpu(percpu_counter, cpu) = 0;
	KTEST_TRUE(run_threads(8, percpu_worker, NULL));
	for_each_online_cpu (cpu)
		sum += per_cpu(percpu_counter, cpu);
	KTEST_EQ(sum, 80000);
}
