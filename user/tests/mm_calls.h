/* SPDX-License-Identifier: MIT */
/* What the programs about memory calls share: faults that are survived, and pages with contents. */
#ifndef USER_TESTS_MM_CALLS_H
#define USER_TESTS_MM_CALLS_H

#include "test.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PAGE  4096UL
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW    (PROT_READ | PROT_WRITE)
#define ARENA ((char *)0x210000000000)

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* ---- faults that are survived ---- */

static sigjmp_buf fault_jump;
static volatile int fault_signal, fault_code;

static inline void on_fault(int sig, siginfo_t *info, void *context)
{
	fault_signal = sig;
	fault_code = info->si_code;
	siglongjmp(fault_jump, 1);
}

static inline void catch_faults(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* 0, or the signal's code. */
static inline int try_read(volatile char *at)
{
	if (sigsetjmp(fault_jump, 1))
		return fault_code;
	(void)*at;
	return 0;
}

static inline int try_write(volatile char *at)
{
	if (sigsetjmp(fault_jump, 1))
		return fault_code;
	*at = 1;
	return 0;
}

static inline char *map(char *addr, unsigned long pages, int prot)
{
	char *p = mmap(addr, pages * PAGE, prot, ANON | (addr ? MAP_FIXED : 0), -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static inline void fill(char *at, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		*(uint64_t *)(at + i * PAGE) = i + 1;
}

static inline void check_filled(char *at, unsigned long first, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		CHECK(*(uint64_t *)(at + i * PAGE) == first + i + 1);
}

#endif
