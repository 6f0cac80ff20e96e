/* SPDX-License-Identifier: MIT */
/*
 * Random bytes: ChaCha20 with fast key erasure.
 *
 * The state is a 256-bit key. A request runs the cipher under the key: its first 32 bytes of key
 * stream become the next key, the rest is the answer. So what was given out cannot be computed from
 * a later state.
 *
 * The key is seeded at boot from RDSEED or RDRAND where the CPU has them, and from the TSC, whose
 * low bits carry the timing of everything before. add_randomness() mixes more in: the pool's key is
 * added to the input in the cipher's block, so that input which an attacker chose can never take
 * randomness away.
 */
#include "kernel/random.h"
#include "kernel/spinlock.h"
#include "lib/compiler.h"
#include "lib/random.h"
#include "lib/string.h"
#include "arch/x86_64/cpu.h"

static DEFINE_SPINLOCK(pool_lock);
static u8 pool_key[CHACHA20_KEY_SIZE];

/* Replace the key by the cipher's output under it; @nonce enters too. pool_lock held. */
static void rekey(struct chacha20 *cipher, const u8 nonce[CHACHA20_NONCE_SIZE])
{
	u8 block[CHACHA20_BLOCK_SIZE];

	chacha20_init(cipher, pool_key, nonce, 0);
	chacha20_block(cipher, block);
	memcpy(pool_key, block, sizeof(pool_key));
	memset(block, 0, sizeof(block));
}

void add_randomness(const void *buf, size_t len)
{
	const u8 *in = buf;
	struct chacha20 cipher;
	unsigned long flags;
	u64 tsc = rdtsc();
	size_t i;

	spin_lock_irqsave(&pool_lock, flags);
	while (len) {
		u8 nonce[CHACHA20_NONCE_SIZE] = {0};

		memcpy(nonce, &tsc, sizeof(tsc));
		for (i = 0; i < sizeof(pool_key) && len; i++, len--)
			pool_key[i] ^= *in++;
		rekey(&cipher, nonce);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
}

void get_random_bytes(void *buf, size_t len)
{
	static const u8 nonce[CHACHA20_NONCE_SIZE];
	u8 block[CHACHA20_BLOCK_SIZE];
	struct chacha20 cipher;
	unsigned long flags;
	u8 *out = buf;

	spin_lock_irqsave(&pool_lock, flags);
	rekey(&cipher, nonce);
	spin_unlock_irqrestore(&pool_lock, flags);
	/* This cipher's remaining stream belongs to this request alone. */
	while (len) {
		size_t chunk = min_t(size_t, len, sizeof(block));

		chacha20_block(&cipher, block);
		memcpy(out, block, chunk);
		out += chunk;
		len -= chunk;
	}
	memset(block, 0, sizeof(block));
	memset(&cipher, 0, sizeof(cipher));
}

u64 get_random_u64(void)
{
	u64 value;

	get_random_bytes(&value, sizeof(value));
	return value;
}

/* 64 bits from the CPU's generator; false when it has none or it is exhausted. */
static bool cpu_random(u64 *value)
{
	bool ok = false;
	int tries;

	for (tries = 0; tries < 10 && !ok; tries++) {
		if (cpu_features.rdseed)
			asm volatile("rdseed %0" : "=r"(*value), "=@ccc"(ok));
		else if (cpu_features.rdrand)
			asm volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
		cpu_relax();
	}
	return ok;
}

void random_init(void)
{
	u64 seed[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seed); i++) {
		if (!cpu_random(&seed[i]))
			seed[i] = i;
		seed[i] ^= rdtsc() << 32 | rdtsc();
	}
	add_randomness(seed, sizeof(seed));
}
