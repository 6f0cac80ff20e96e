/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-random numbers.
 *
 * ChaCha20's state is a square of sixteen words: four constants, eight of key, a block counter and
 * three of nonce. Twenty rounds of add, xor and rotate, over columns and then diagonals, mix it;
 * the result plus the state before is the output, so that the mixing cannot be undone.
 */
#include "lib/random.h"
#include "lib/compiler.h"
#include "lib/string.h"

static u32 load_le32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

void chacha20_init(struct chacha20 *c, const u8 key[CHACHA20_KEY_SIZE],
		   const u8 nonce[CHACHA20_NONCE_SIZE], u32 counter)
{
	c->state[0] = 0x61707865; /* "expand 32-byte k" */
	c->state[1] = 0x3320646e;
	c->state[2] = 0x79622d32;
	c->state[3] = 0x6b206574;
	for (int i = 0; i < 8; i++)
		c->state[4 + i] = load_le32(key + 4 * i);
	c->state[12] = counter;
	for (int i = 0; i < 3; i++)
		c->state[13 + i] = load_le32(nonce + 4 * i);
}

static u32 rotl32(u32 x, int n)
{
	return x << n | x >> (32 - n);
}

static void quarter_round(u32 *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotl32(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl32(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl32(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl32(x[b] ^ x[c], 7);
}

void chacha20_block(struct chacha20 *c, u8 out[CHACHA20_BLOCK_SIZE])
{
	u32 x[16];

	memcpy(x, c->state, sizeof(x));
	for (int i = 0; i < 10; i++) {
		for (int col = 0; col < 4; col++)
			quarter_round(x, col, 4 + col, 8 + col, 12 + col);
		for (int col = 0; col < 4; col++)
			quarter_round(x, col, 4 + (col + 1) % 4, 8 + (col + 2) % 4,
				      12 + (col + 3) % 4);
	}
	for (int i = 0; i < 16; i++) {
		u32 v = x[i] + c->state[i];

		for (int b = 0; b < 4; b++)
			out[4 * i + b] = (u8)(v >> (8 * b));
	}
	c->state[12]++;
}

/* splitmix64: turns any seed, 0 too, into well-mixed state. */
void prng_seed(struct prng *r, u64 seed)
{
	for (int i = 0; i < 4; i++) {
		u64 z = seed += 0x9e3779b97f4a7c15ULL;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		r->s[i] = z ^ (z >> 31);
	}
}

static u64 rotl64(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

u64 prng_next(struct prng *r)
{
	u64 result = rotl64(r->s[1] * 5, 7) * 9;
	u64 t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl64(r->s[3], 45);
	return result;
}
