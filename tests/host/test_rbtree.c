/* SPDX-License-Identifier: MIT */
/*
 * lib/rbtree and lib/interval_tree_generic.h against a flat array.
 *
 * After every step the tree is walked whole: colours, parent pointers, order, the augmented value,
 * and the answers to queries are compared with what the array says, ties included.
 */
#include "tests/host/test.h"

static unsigned long visits;
#define INTERVAL_TREE_VISIT(node) (visits++)

#include "lib/interval_tree_generic.h"

struct item {
	struct rb_node rb;
	unsigned long start, last, subtree_last;
	unsigned long born; /* order of insertion */
	bool in_tree;
};

#define ITEM_START(n) ((n)->start)
#define ITEM_LAST(n)  ((n)->last)
INTERVAL_TREE_DEFINE(struct item, rb, unsigned long, subtree_last, ITEM_START, ITEM_LAST, static,
		     item)

#define NR_ITEMS 300

static struct item items[NR_ITEMS];
static struct rb_root_cached root;
static unsigned long clock_of_births;

static bool is_black(const struct rb_node *n)
{
	return !n || (n->__rb_parent_color & 1);
}

/* Checks the subtree; returns its black height. */
static int check_subtree(struct rb_node *n, struct rb_node *parent)
{
	struct item *item = rb_entry(n, struct item, rb), *child;
	unsigned long max;
	int left, right;

	if (!n)
		return 1;
	max = item->last;
	CHECK(rb_parent(n) == parent);
	CHECK(is_black(n) || (is_black(n->rb_left) && is_black(n->rb_right)));
	left = check_subtree(n->rb_left, n);
	right = check_subtree(n->rb_right, n);
	CHECK_EQ(left, right);
	if (n->rb_left) {
		child = rb_entry(n->rb_left, struct item, rb);
		max = max(max, child->subtree_last);
	}
	if (n->rb_right) {
		child = rb_entry(n->rb_right, struct item, rb);
		max = max(max, child->subtree_last);
	}
	CHECK_EQ(item->subtree_last, max);
	return left + is_black(n);
}

static bool before(const struct item *a, const struct item *b)
{
	return a->start < b->start || (a->start == b->start && a->born < b->born);
}

static void check_tree(void)
{
	struct rb_node *n;
	struct item *prev = NULL, *item;
	unsigned int count = 0, expect = 0;

	CHECK(is_black(root.rb_root.rb_node));
	check_subtree(root.rb_root.rb_node, NULL);
	CHECK(rb_first(&root.rb_root) == root.rb_leftmost);
	for (n = rb_first(&root.rb_root); n; n = rb_next(n)) {
		item = rb_entry(n, struct item, rb);
		CHECK(item->in_tree);
		CHECK(!prev || before(prev, item));
		CHECK(rb_prev(n) == (prev ? &prev->rb : NULL));
		prev = item;
		count++;
	}
	CHECK(rb_last(&root.rb_root) == (prev ? &prev->rb : NULL));
	for (unsigned int i = 0; i < NR_ITEMS; i++)
		expect += items[i].in_tree;
	CHECK_EQ(count, expect);
}

/* The next overlap after `prev` in (start, birth) order, by looking at every item. */
static struct item *naive_next(const struct item *prev, unsigned long start, unsigned long last)
{
	struct item *best = NULL;

	for (unsigned int i = 0; i < NR_ITEMS; i++) {
		struct item *it = &items[i];

		if (!it->in_tree || it->start > last || it->last < start)
			continue;
		if (prev && !before(prev, it))
			continue;
		if (!best || before(it, best))
			best = it;
	}
	return best;
}

static void check_query(unsigned long start, unsigned long last, unsigned int nr)
{
	struct item *got, *want = NULL;
	unsigned long m = 0;

	visits = 0;
	got = item_iter_first(&root, start, last);
	for (;;) {
		want = naive_next(want, start, last);
		CHECK(got == want);
		if (!got)
			break;
		m++;
		got = item_iter_next(got, start, last);
	}
	/* Height is at most 2 log2(n + 1); each hit costs at most a way up and a way down. */
	CHECK(visits <= 4 * (m + 1) * (__builtin_clzl(1) - __builtin_clzl(nr + 1) + 2));
}

static unsigned long random_point(void)
{
	switch (test_rand_below(20)) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	default:
		return test_rand_below(200);
	}
}

static void insert_random(struct item *item)
{
	item->start = random_point();
	item->last = random_point();
	if (item->start > item->last)
		swap(item->start, item->last);
	item->born = clock_of_births++;
	item->in_tree = true;
	item_insert(item, &root);
}

TEST(interval_tree_against_array)
{
	unsigned int nr = 0;

	root = RB_ROOT_CACHED;
	for (unsigned long step = 0; step < test_iterations(4000); step++) {
		struct item *item = &items[test_rand_below(NR_ITEMS)];
		unsigned long a = random_point(), b = random_point();

		if (item->in_tree) {
			item_remove(item, &root);
			item->in_tree = false;
			nr--;
		} else {
			insert_random(item);
			nr++;
		}
		check_tree();
		check_query(min(a, b), max(a, b), nr);
		check_query(a, a, nr);
	}
	check_query(0, ~0UL, nr);
}

TEST(interval_tree_ties_keep_order)
{
	struct item *got;
	unsigned long born = 0;

	root = RB_ROOT_CACHED;
	for (unsigned int i = 0; i < NR_ITEMS; i++) {
		items[i] = (struct item){.start = 7, .last = 7, .born = i, .in_tree = true};
		item_insert(&items[i], &root);
	}
	for (got = item_iter_first(&root, 7, 7); got; got = item_iter_next(got, 7, 7))
		CHECK_EQ(got->born, born++);
	CHECK_EQ(born, NR_ITEMS);
	CHECK(!item_iter_first(&root, 0, 6) && !item_iter_first(&root, 8, ~0UL));
}

/*
 * 64K neighbouring intervals, as a VMA split into single pages has: a point query visits O(log n).
 */
TEST(interval_tree_point_query_is_logarithmic)
{
	unsigned int n = 65536;
	struct item *many = calloc(n, sizeof(*many));
	unsigned long worst = 0;

	root = RB_ROOT_CACHED;
	for (unsigned int i = 0; i < n; i++) {
		many[i].start = many[i].last = i;
		item_insert(&many[i], &root);
	}
	for (unsigned int i = 0; i < n; i++) {
		visits = 0;
		CHECK(item_iter_first(&root, i, i) == &many[i]);
		CHECK(!item_iter_next(&many[i], i, i));
		worst = max(worst, visits);
	}
	CHECK(worst <= 2 * 17 + 2);
	free(many);
}

static bool item_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, rb)->start < rb_entry(b, struct item, rb)->start;
}

/* The plain tree: no augmentation, replace, postorder. */
TEST(rbtree_plain)
{
	struct rb_root plain = RB_ROOT;
	struct rb_node *n;
	struct item replacement, *pos, *next;
	unsigned int left = NR_ITEMS, seen = 0;
	unsigned long prev = 0;

	for (unsigned int i = 0; i < NR_ITEMS; i++) {
		items[i].start = test_rand_below(100);
		rb_add(&items[i].rb, &plain, item_less);
	}
	replacement.start = items[17].start;
	rb_replace_node(&items[17].rb, &replacement.rb, &plain);
	for (n = rb_first(&plain); n; n = rb_next(n)) {
		CHECK(rb_entry(n, struct item, rb)->start >= prev);
		CHECK(n != &items[17].rb);
		prev = rb_entry(n, struct item, rb)->start;
		seen++;
	}
	CHECK_EQ(seen, NR_ITEMS);
	for (unsigned int i = 0; i < NR_ITEMS / 2; i++) {
		rb_erase(i == 17 ? &replacement.rb : &items[i].rb, &plain);
		left--;
	}
	rbtree_postorder_for_each_entry_safe(pos, next, &plain, rb)
	{
		/* Children come first: poisoning the node must not hurt the walk. */
		memset(&pos->rb, 0x6b, sizeof(pos->rb));
		left--;
	}
	CHECK_EQ(left, 0);
}
