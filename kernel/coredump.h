/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_COREDUMP_H
#define KERNEL_COREDUMP_H

#include "kernel/signal.h"

struct core_state;

/**
 * do_coredump() - current is to die of a signal whose default action is a core file: end the other
 * threads and write it, if the limits and the process's settings allow. True: it was written, and
 * the wait status says so. Process context, no locks.
 */
bool do_coredump(const siginfo_t *info);

/**
 * coredump_park() - a thread that exits while another one of its process writes the core file
 * stops here, so that its registers are there to be written. siglock held, dropped meanwhile.
 */
void coredump_park(struct signal_struct *sig) __must_hold(&sig->siglock);

/* Settings of /proc/sys/kernel. */
#define CORE_PATTERN_SIZE 128
extern char core_pattern[CORE_PATTERN_SIZE];
extern int core_uses_pid;

#define COREDUMP_FILTER_DEFAULT 0x33

#endif
