/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-random numbers: a strong generator for programs, a fast one for tests.
 */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include "lib/types.h"

/* ChaCha20 (Bernstein 2008; layout of RFC 8439): constants, key, block counter, nonce. */
struct chacha20 {
	u32 state[16];
};

#define CHACHA20_KEY_SIZE   32
#define CHACHA20_NONCE_SIZE 12
#define CHACHA20_BLOCK_SIZE 64

void chacha20_init(struct chacha20 *c, const u8 key[CHACHA20_KEY_SIZE],
		   const u8 nonce[CHACHA20_NONCE_SIZE], u32 counter);
/* The next 64 bytes of the key stream; the counter goes up by one. */
void chacha20_block(struct chacha20 *c, u8 out[CHACHA20_BLOCK_SIZE]);

/* xoshiro256** (Blackman and Vigna 2018): fast, long period, not for secrets. */
struct prng {
	u64 s[4];
};

void prng_seed(struct prng *r, u64 seed);
u64 prng_next(struct prng *r);

/* Evenly distributed in [0, n), n > 0. */
static inline u64 prng_below(struct prng *r, u64 n)
{
	return (u64)(((unsigned __int128)prng_next(r) * n) >> 64);
}

#endif
