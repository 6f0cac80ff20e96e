/* SPDX-License-Identifier: MIT */
/*
 * lib/rbtree and lib/interval_tree_generic.h against a flat array.
 *
 * The array holds the same items in the order that the tree should have: by start, equal starts by
 * birth. After every step the tree is walked whole: colours, black height, parent pointers, order,
 * the maxima; and queries must give what the array says, looking at no more nodes than the promise of
 * O((m + 1) log n) allows. Then each way in which a tree can be kept wrongly is tried, and must be
 * noticed.
 */
#include <math.h>

#include "tests/host/test.h"

static unsigned long visits;
static enum mutation { SOUND, TIES_LEFT, NO_PROPAGATE, NO_COPY, NO_ROTATE, NR_MUTATIONS } mutation;

#define INTERVAL_TREE_VISIT(node)  (visits++)
#define INTERVAL_TREE_BEFORE(a, b) ((a) < (b) || (mutation == TIES_LEFT && (a) == (b)))
#define INTERVAL_TREE_AUGMENT(own) mutant(own)

#include "lib/rbtree_augmented.h"

static void do_nothing(struct rb_node *from, struct rb_node *to)
{
}

static const struct rb_augment_callbacks *mutant(const struct rb_augment_callbacks *own)
{
	static struct rb_augment_callbacks broken;

	broken = *own;
	if (mutation == NO_PROPAGATE)
		broken.propagate = do_nothing;
	else if (mutation == NO_COPY)
		broken.copy = do_nothing;
	else if (mutation == NO_ROTATE)
		broken.rotate = do_nothing;
	return &broken;
}

#include "lib/interval_tree_generic.h"

struct item {
	struct rb_node rb;
	unsigned long start, last, subtree_last;
	unsigned long born; /* order of insertion */
};

#define ITEM_START(n) ((n)->start)
#define ITEM_LAST(n)  ((n)->last)
INTERVAL_TREE_DEFINE(struct item, rb, unsigned long, subtree_last, ITEM_START, ITEM_LAST, static,
		     item)

#define NR_ITEMS 300

static struct item items[NR_ITEMS];
static struct item *sorted[NR_ITEMS],
	*unused[NR_ITEMS]; /* those in the tree, in its order; others */
static unsigned int nr_sorted, nr_unused;
static struct rb_root_cached root;
static unsigned long clock_of_births;
static double worst_visits; /* of a query, in units of (m + 1) log2(n + 2) */

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

static void check_tree(void)
{
	struct rb_node *n = rb_first(&root.rb_root);

	CHECK(is_black(root.rb_root.rb_node));
	check_subtree(root.rb_root.rb_node, NULL);
	CHECK(n == root.rb_leftmost);
	for (unsigned int i = 0; i < nr_sorted; i++, n = rb_next(n)) {
		CHECK(n == &sorted[i]->rb);
		CHECK(rb_prev(n) == (i ? &sorted[i - 1]->rb : NULL));
	}
	CHECK(!n);
	CHECK(rb_last(&root.rb_root) == (nr_sorted ? &sorted[nr_sorted - 1]->rb : NULL));
}

static void check_query(unsigned long start, unsigned long last)
{
	struct item *got;
	unsigned long m = 0;
	double promise;

	visits = 0;
	got = item_iter_first(&root, start, last);
	for (unsigned int i = 0; i < nr_sorted; i++) {
		if (sorted[i]->start > last || sorted[i]->last < start)
			continue;
		CHECK(got == sorted[i]);
		m++;
		got = item_iter_next(got, start, last);
	}
	CHECK(!got);
	promise = (double)(m + 1) * log2(nr_sorted + 2);
	if (visits / promise > worst_visits)
		worst_visits = visits / promise;
	CHECK(visits <= 2 * promise);
}

static unsigned long random_point(unsigned int range)
{
	switch (test_rand_below(20)) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	default:
		return test_rand_below(range);
	}
}

static void insert_random(unsigned int range)
{
	struct item *item = unused[--nr_unused];
	unsigned int at = nr_sorted++;

	item->start = random_point(range);
	item->last = random_point(range);
	if (item->start > item->last)
		swap(item->start, item->last);
	item->born = clock_of_births++;
	for (; at && sorted[at - 1]->start > item->start; at--)
		sorted[at] = sorted[at - 1];
	sorted[at] = item;
	item_insert(item, &root);
}

static void remove_random(void)
{
	unsigned int at = test_rand_below(nr_sorted);
	struct item *item = sorted[at];

	item_remove(item, &root);
	unused[nr_unused++] = item;
	nr_sorted--;
	for (; at < nr_sorted; at++)
		sorted[at] = sorted[at + 1];
}

/* Trees of several sizes one after the other, most of them small: those are checked more often. */
static void random_steps(unsigned long steps)
{
	static const unsigned int sizes[] = {5, 20, 20, 40, 40, 40, NR_ITEMS};
	unsigned int size = 0, range = 0;

	root = RB_ROOT_CACHED;
	nr_sorted = nr_unused = 0;
	while (nr_unused < NR_ITEMS)
		unused[nr_unused] = &items[nr_unused], nr_unused++;
	for (unsigned long step = 0; step < steps; step++) {
		unsigned long a, b;

		if (step % 2000 == 0) {
			size = sizes[test_rand_below(ARRAY_SIZE(sizes))];
			range = 1 + test_rand_below(2 * size);
		}
		if (nr_sorted && (nr_sorted > size || test_rand_below(size) < nr_sorted))
			remove_random();
		else
			insert_random(range);
		check_tree();
		a = random_point(range);
		b = random_point(range);
		check_query(min(a, b), max(a, b));
		check_query(a, a);
	}
	check_query(0, ~0UL);
}

TEST(interval_tree_against_array)
{
	unsigned long steps = test_iterations(1000000);

	random_steps(steps);
	printf("interval tree: %lu operations; a query that finds m of n looks at no more than "
	       "%.2f (m + 1) log2(n + 2) nodes\n",
	       steps, worst_visits);
}

static void with_mutation(void *arg)
{
	mutation = *(enum mutation *)arg;
	random_steps(20000);
}

/* The test above notices each way of keeping a tree wrongly. */
TEST(interval_tree_mutants_are_noticed)
{
	enum mutation m = SOUND;

	CHECK(!test_panics(with_mutation, &m));
	for (m = SOUND + 1; m < NR_MUTATIONS; m++) {
		test_note("mutation %d", m);
		CHECK_PANICS(with_mutation, &m);
	}
}

TEST(interval_tree_ties_keep_order)
{
	struct item *got;
	unsigned long born = 0;

	root = RB_ROOT_CACHED;
	for (unsigned int i = 0; i < NR_ITEMS; i++) {
		items[i] = (struct item){.start = 7, .last = 7, .born = i};
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
