/* SPDX-License-Identifier: MIT */
/* Random bytes: ChaCha20, keyed from RDRAND, RDSEED and timing. */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include "lib/types.h"

/* get_random_bytes() - fill @buf. Any context. */
void get_random_bytes(void *buf, size_t len);
u64 get_random_u64(void);
/* add_randomness() - stir @value (a time, a key, user-written bytes) into the pool. Any context. */
void add_randomness(const void *buf, size_t len);
void random_init(void);

#endif /* KERNEL_RANDOM_H */
