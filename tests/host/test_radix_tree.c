/* SPDX-License-Identifier: MIT */
/* lib/radix_tree.c against a sorted array. */
#include "tests/host/test.h"

#include "lib/errno.h"
#include "lib/radix_tree.h"

#define NR 200

static unsigned long keys[NR];
static void *values[NR];
static unsigned int nr;
static struct radix_tree_root root;
static unsigned long nodes_out;

static void fill(struct radix_tree_pool *pool)
{
	while (pool->count < pool->needed) {
		radix_tree_pool_push(pool, calloc(1, sizeof(struct radix_tree_node)));
		nodes_out++;
	}
}

static void empty(struct radix_tree_pool *pool)
{
	struct radix_tree_node *node;

	while ((node = radix_tree_pool_pop(pool))) {
		free(node);
		nodes_out--;
	}
}

static unsigned long random_key(void)
{
	if (nr && test_rand_below(3) == 0)
		return keys[test_rand_below(nr)] + test_rand_below(3) - 1;
	return test_rand() >> test_rand_below(64);
}

static unsigned int position(unsigned long key)
{
	unsigned int i = 0;

	while (i < nr && keys[i] < key)
		i++;
	return i;
}

static void insert(unsigned long key)
{
	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
	unsigned int at = position(key);
	void *value = (void *)(test_rand() | 1);
	int err = radix_tree_insert(&root, key, value, &pool);

	if (at < nr && keys[at] == key) {
		CHECK_EQ(err, -EEXIST);
		return;
	}
	if (err) {
		CHECK_EQ(err, -ENOMEM);
		CHECK(!radix_tree_lookup(&root, key));
		CHECK(pool.needed <= RADIX_TREE_MAX_HEIGHT * 2);
		fill(&pool);
		CHECK_EQ(radix_tree_insert(&root, key, value, &pool), 0);
		CHECK_EQ(pool.count, 0);
	}
	memmove(keys + at + 1, keys + at, (nr - at) * sizeof(keys[0]));
	memmove(values + at + 1, values + at, (nr - at) * sizeof(values[0]));
	keys[at] = key;
	values[at] = value;
	nr++;
}

static void remove_key(unsigned long key)
{
	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
	unsigned int at = position(key);
	void *got = radix_tree_delete(&root, key, &pool);

	if (at == nr || keys[at] != key) {
		CHECK(!got && !pool.count);
		return;
	}
	CHECK(got == values[at]);
	empty(&pool);
	nr--;
	memmove(keys + at, keys + at + 1, (nr - at) * sizeof(keys[0]));
	memmove(values + at, values + at + 1, (nr - at) * sizeof(values[0]));
}

static void check_all(void)
{
	unsigned long index, indices[NR], start = random_key();
	unsigned int i = 0, n;
	void *item, *items[NR];

	radix_tree_for_each(item, &root, index)
	{
		CHECK(i < nr && index == keys[i] && item == values[i]);
		i++;
		if (index == ~0UL)
			break;
	}
	CHECK_EQ(i, nr);
	n = radix_tree_gang_lookup(&root, items, indices, start, NR);
	i = position(start);
	CHECK_EQ(n, nr - i);
	for (unsigned int k = 0; k < n; k++)
		CHECK(indices[k] == keys[i + k] && items[k] == values[i + k]);
}

TEST(radix_tree_against_array)
{
	unsigned long key;

	for (unsigned long step = 0; step < test_iterations(20000); step++) {
		key = random_key();
		if (nr < NR && (nr == 0 || test_rand_below(2)))
			insert(key);
		else
			remove_key(test_rand_below(2) ? keys[test_rand_below(nr)] : key);
		key = random_key();
		CHECK(radix_tree_lookup(&root, key) ==
		      (position(key) < nr && keys[position(key)] == key ? values[position(key)]
									: NULL));
		if (nr && test_rand_below(10) == 0) {
			unsigned int i = test_rand_below(nr);
			void *old = values[i];

			values[i] = (void *)(test_rand() | 1);
			CHECK(radix_tree_replace(&root, keys[i], values[i]) == old);
		}
		if (step % 16 == 0)
			check_all();
	}
	while (nr)
		remove_key(keys[test_rand_below(nr)]);
	CHECK(radix_tree_empty(&root));
	CHECK_EQ(nodes_out, 0);
}
