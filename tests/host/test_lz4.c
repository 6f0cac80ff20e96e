/* SPDX-License-Identifier: MIT */
/* lib/lz4.c: what goes in comes out; broken input does no harm. */
#include "tests/host/test.h"

#include "lib/errno.h"
#include "lib/lz4.h"

static u16 state[LZ4_STATE_SIZE / sizeof(u16)];

/* Data of many kinds: noise, runs, words, and copies of what was before. */
static void random_data(u8 *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t len = min_t(size_t, 1 + test_rand_below(300), n - i);
		u64 word = test_rand();

		switch (test_rand_below(5)) {
		case 0:
			for (size_t k = 0; k < len; k++)
				p[i + k] = (u8)test_rand();
			break;
		case 1:
			memset(p + i, (u8)word, len);
			break;
		case 2:
			for (size_t k = 0; k < len; k++)
				p[i + k] = ((u8 *)&word)[k % (1 + word % 8)];
			break;
		case 3:
			for (size_t k = 0; k < len; k++)
				p[i + k] = "the rain in spain "[(i + k) % 18];
			break;
		case 4:
			for (size_t k = 0, back = i ? 1 + test_rand_below(i) : 0; k < len; k++)
				p[i + k] = back ? p[i + k - back] : 0;
			break;
		}
		i += len;
	}
}

TEST(lz4_round_trip)
{
	for (unsigned long i = 0; i < test_iterations(4000); i++) {
		int n = (int)(test_rand_below(3) ? 4096 : test_rand_below(5000));
		int max = (int)test_rand_below(2) ? n + n / 255 + 16 : (int)test_rand_below(n + 16);
		u8 *in = malloc(n + 1), *packed = malloc(max + 1), *out = malloc(n + 1), *exact;
		int size;

		random_data(in, n);
		size = lz4_compress(in, n, packed, max, state);
		CHECK(size >= 0 && size <= max);
		CHECK(size || max < n + n / 255 + 16);
		if (size) {
			exact = malloc(size);
			memcpy(exact, packed, size);
			CHECK_EQ(lz4_decompress(exact, size, out, n), n);
			CHECK(!memcmp(in, out, n));
			if (n)
				CHECK_EQ(lz4_decompress(exact, size, out, n - 1), -EINVAL);
			free(exact);
		}
		free(in);
		free(packed);
		free(out);
	}
}

TEST(lz4_compresses)
{
	static u8 in[4096], out[4200];

	memset(in, 0, sizeof(in));
	CHECK(lz4_compress(in, 4096, out, sizeof(out), state) < 40);
	for (unsigned int i = 0; i < 4096; i++)
		in[i] = (i / 8) % 2 ? 0 : (u8)test_rand();
	CHECK(lz4_compress(in, 4096, out, sizeof(out), state) < 4096 * 3 / 4);
	for (unsigned int i = 0; i < 4096; i++)
		in[i] = (u8)test_rand();
	CHECK_EQ(lz4_compress(in, 4096, out, 4000, state), 0);
}

/* Any input: the result is an error or fits; ASan watches both buffers. */
TEST(lz4_malformed)
{
	for (unsigned long i = 0; i < test_iterations(30000); i++) {
		int n = (int)test_rand_below(100), max = (int)test_rand_below(300), size;
		u8 *in = malloc(n + 1), *packed = malloc(n ? n : 1), *out = malloc(max ? max : 1);

		if (test_rand_below(2)) {
			for (int k = 0; k < n; k++)
				packed[k] = (u8)test_rand();
		} else {
			random_data(in, n);
			lz4_compress(in, n, packed, n, state);
			for (int k = 0; k < 3 && n; k++)
				packed[test_rand_below(n)] = (u8)test_rand();
		}
		size = lz4_decompress(packed, n, out, max);
		CHECK(size == -EINVAL || (size >= 0 && size <= max));
		free(in);
		free(packed);
		free(out);
	}
}

/* A block written by hand from the format's description. */
TEST(lz4_known_block)
{
	static const u8 block[] = {0x35, 'a', 'b', 'c', 3, 0, 0x50, 'v', 'w', 'x', 'y', 'z'};
	u8 out[32];

	CHECK_EQ(lz4_decompress(block, sizeof(block), out, sizeof(out)), 17);
	CHECK(!memcmp(out, "abcabcabcabcvwxyz", 17));
}
