/* SPDX-License-Identifier: MIT */
/* What the programs about signals share: handlers that note what they were told, and masks. */
#ifndef USER_TESTS_SIGNALS_H
#define USER_TESTS_SIGNALS_H

#include "test.h"

#include <stdint.h>

static volatile char *volatile wild __attribute__((unused)) =
	(volatile char *)16; /* nothing is mapped there */
static volatile sig_atomic_t hits __attribute__((unused)), last_sig __attribute__((unused)),
	last_code __attribute__((unused)), last_pid __attribute__((unused)),
	last_value __attribute__((unused));
static void *volatile last_addr __attribute__((unused));

static inline void on_signal(int sig)
{
	hits++;
	last_sig = sig;
}

static inline void on_info(int sig, siginfo_t *info, void *uc)
{
	(void)uc;
	hits++;
	last_sig = sig;
	last_code = info->si_code;
	last_pid = info->si_pid;
	last_value = info->si_value.sival_int;
	last_addr = info->si_addr;
}

static inline void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = fn;
	sa.sa_flags = SA_SIGINFO | flags;
	CHECK(sigaction(sig, &sa, NULL) == 0);
}

static inline void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static inline void unblock(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

#endif
