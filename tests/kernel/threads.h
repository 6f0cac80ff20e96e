/* SPDX-License-Identifier: MIT */
/* Several kernel threads at once, for tests of what happens between CPUs. */
#ifndef TESTS_KERNEL_THREADS_H
#define TESTS_KERNEL_THREADS_H

/*
 * run_threads() - run @fn(@arg) in @n threads, the i-th bound to the i-th online CPU (round and
 * round), and wait for all of them. False when they could not be made. Sleeps.
 */
bool run_threads(unsigned int n, void (*fn)(void *arg), void *arg);

#endif /* TESTS_KERNEL_THREADS_H */
