/* SPDX-License-Identifier: MIT */
/*
 * Every case of splitting and merging, drawn as columns.
 *
 * Three pieces of memory side by side, P, r and N. Before an operation each is in one of these
 * states, and r differs from its neighbours by a protection or an advice, so that it is a VMA of its
 * own:
 *
 *	-	not there (P and N only)
 *	u	unfaulted
 *	f	faulted, with an anon_vma of its own
 *	s	faulted, with an anon_vma common to all that are 's'
 *
 * and the same in a child of fork, whose chains are longer than one link, and with rmap=list. Then one
 * operation works on r, or on a part of it. What must be there afterwards the model says (columns.h);
 * every page must hold what it held, and be found by reverse mapping.
 *
 * --draw shows the cases; a failure shows its own:
 *
 *	mprotect lower half of r   P=f r=s N=u          [aaa][bbbb][--]  ->  [aaa][bb][bb][--]
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/string.h"
#include "mm/anon_vma.h"
#include "mm/copy.h"
#include "mm/mman.h"
#include "tests/host/columns.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

/* The pieces, in columns; and as addresses. */
enum { P = 0, R = 3, N = 7, END = COLUMNS };
#define AT(column) (TEST_BASE + PAGE(column))
#define AWAY	   (TEST_BASE + PAGE(64))

/* An unfaulted piece that may not be written gives its promise of memory back: unlike a faulted one. */
enum attr { PLAIN, ADVISED, EXECUTABLE, PROTECTED, UNPROMISED };

struct merge_case {
	char p, r, n;
	char r_now; /* what r holds after the operation: as above, '-' if that is not one thing */
	bool forked;
	enum attr differs; /* how r differs from its neighbours before the operation */
	struct mm *mm, *parent;
	struct columns c;
};

struct operation {
	const char *name;
	enum attr differs;
	bool (*possible)(const struct merge_case *m); /* NULL: always */
	/* Do it to the real thing and to the model. */
	void (*run)(struct merge_case *m);
};

/* ---- building ---- */

static u64 value_at(unsigned long addr)
{
	return addr * 3 + 1;
}

static void poke_range(struct mm *mm, int from, int to)
{
	for (int i = from; i < to; i++)
		poke(mm, AT(i), value_at(AT(i)));
}

static void advise(struct mm *mm, int from, int to, int advice)
{
	CHECK_EQ(do_madvise(mm, AT(from), PAGE(to - from), advice), 0);
}

static void protect(struct mm *mm, int from, int to, int prot)
{
	CHECK_EQ(do_mprotect(mm, AT(from), PAGE(to - from), prot), 0);
}

static void unmap(struct mm *mm, int from, int to)
{
	CHECK_EQ(vm_munmap(mm, AT(from), PAGE(to - from)), 0);
}

/* Pieces in state 's' are what remains of one faulted VMA. */
static void build_shared(struct merge_case *m)
{
	if (m->p != 's' && m->r != 's' && m->n != 's')
		return;
	map_anon(m->mm, AT(P), PAGE(END - P), RW);
	poke_range(m->mm, P, END);
	if (m->p != 's')
		unmap(m->mm, P, R);
	if (m->r != 's')
		unmap(m->mm, R, N);
	if (m->n != 's')
		unmap(m->mm, N, END);
	/* While r is built they differ from it, and it does not merge. */
	if (m->p == 's')
		advise(m->mm, P, R, MADV_DONTDUMP);
	if (m->n == 's')
		advise(m->mm, N, END, MADV_DONTDUMP);
}

/* A piece by itself. While it is faulted its flags differ from everybody's, so it borrows nothing. */
static void build_own(struct mm *mm, int from, int to, char state)
{
	if (state == '-')
		return;
	if (state != 's')
		map_anon(mm, AT(from), PAGE(to - from), RW);
	advise(mm, from, to, MADV_DONTDUMP);
	if (state == 'f')
		poke_range(mm, from, to);
	advise(mm, from, to, MADV_DODUMP);
}

static enum attr attr_of_piece(enum attr attr, char state)
{
	return attr == PROTECTED && state == 'u' ? UNPROMISED : attr;
}

static void piece_of_model(struct merge_case *m, int from, int to, char state, enum attr attr)
{
	struct cell as = {.attr = attr_of_piece(attr, state), .vma = ++m->c.last_vma};

	if (state == '-')
		return;
	if (state != 'u') {
		as.family = state == 's' ? COLUMNS : from + 1;
		/* Only neighbours pass a common anon_vma on to a common one in the child. */
		if (state == 's' && m->forked && from == N && m->r != 's')
			as.family = COLUMNS + 2;
		as.links = m->forked ? 2 : 1;
	}
	for (int i = from; i < to; i++)
		m->c.cell[i] = as;
}

static void build(struct merge_case *m)
{
	m->mm = test_mm();
	m->parent = NULL;
	memset(&m->c, 0, sizeof(m->c));
	build_shared(m);
	if (m->r != 's')
		map_anon(m->mm, AT(R), PAGE(N - R), RW);
	advise(m->mm, R, N, MADV_SEQUENTIAL);
	if (m->r == 'f')
		poke_range(m->mm, R, N);
	build_own(m->mm, P, R, m->p);
	build_own(m->mm, N, END, m->n);
	if (m->differs != ADVISED) {
		protect(m->mm, R, N, m->differs == PROTECTED ? PROT_READ : RW | PROT_EXEC);
		advise(m->mm, R, N, MADV_NORMAL);
	}
	piece_of_model(m, P, R, m->p, PLAIN);
	piece_of_model(m, R, N, m->r, m->differs);
	piece_of_model(m, N, END, m->n, PLAIN);
	if (!m->forked)
		return;
	m->parent = m->mm;
	m->mm = mm_dup(m->parent);
	CHECK(!IS_ERR(m->mm));
}

/* ---- the operations ---- */

static void advise_all(struct merge_case *m)
{
	advise(m->mm, R, N, MADV_NORMAL);
	columns_change(&m->c, R, N, PLAIN);
}
static void advise_lower(struct merge_case *m)
{
	advise(m->mm, R, R + 2, MADV_NORMAL);
	columns_change(&m->c, R, R + 2, PLAIN);
}
static void advise_upper(struct merge_case *m)
{
	advise(m->mm, R + 2, N, MADV_NORMAL);
	columns_change(&m->c, R + 2, N, PLAIN);
}
static void advise_middle(struct merge_case *m)
{
	advise(m->mm, R + 1, N - 1, MADV_NORMAL);
	columns_change(&m->c, R + 1, N - 1, PLAIN);
}
static void protect_all(struct merge_case *m)
{
	protect(m->mm, R, N, RW);
	columns_change(&m->c, R, N, PLAIN);
}
static void protect_lower(struct merge_case *m)
{
	protect(m->mm, R, R + 2, RW);
	columns_change(&m->c, R, R + 2, PLAIN);
}
static void protect_upper(struct merge_case *m)
{
	protect(m->mm, R + 2, N, RW);
	columns_change(&m->c, R + 2, N, PLAIN);
}
static void protect_middle(struct merge_case *m)
{
	protect(m->mm, R + 1, N - 1, RW);
	columns_change(&m->c, R + 1, N - 1, PLAIN);
}

/* Over a border: each VMA's part by itself, from below. */
static void protect_border(struct merge_case *m)
{
	protect(m->mm, R - 1, R + 1, PROT_READ);
	columns_change(&m->c, R - 1, R, attr_of_piece(PROTECTED, m->p));
}
static void execute_border(struct merge_case *m)
{
	protect(m->mm, R - 1, R + 1, RW | PROT_EXEC);
	columns_change(&m->c, R - 1, R, EXECUTABLE);
}
static bool has_p(const struct merge_case *m)
{
	return m->p != '-';
}

static void cut(struct merge_case *m, int from, int to)
{
	unmap(m->mm, from, to);
	columns_cut(&m->c, from, to);
}
static void unmap_all(struct merge_case *m)
{
	cut(m, R, N);
}
static void unmap_lower(struct merge_case *m)
{
	cut(m, R, R + 2);
}
static void unmap_upper(struct merge_case *m)
{
	cut(m, R + 2, N);
}
static void unmap_middle(struct merge_case *m)
{
	cut(m, R + 1, N - 1);
}
static void unmap_borders(struct merge_case *m)
{
	cut(m, R - 1, N + 1);
}

/* New memory in the place of r. */
static void map_again(struct merge_case *m)
{
	cut(m, R, N);
	map_anon(m->mm, AT(R), PAGE(N - R), RW);
	columns_fill(&m->c, R, N, (struct cell){.attr = PLAIN});
	m->r_now = 'u';
}
static void map_over(struct merge_case *m)
{
	map_anon(m->mm, AT(R + 1), PAGE(2), RW);
	columns_fill(&m->c, R + 1, R + 3, (struct cell){.attr = PLAIN});
	m->r_now = '-';
}

static long move(struct mm *mm, unsigned long from, int pages, unsigned long to)
{
	return do_mremap(mm, from, PAGE(pages), PAGE(pages), MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

/* Unfaulted memory from elsewhere: it starts anew where it comes to. */
static void move_in_unfaulted(struct merge_case *m)
{
	cut(m, R, N);
	map_anon(m->mm, AWAY, PAGE(N - R), RW);
	CHECK_EQ(move(m->mm, AWAY, N - R, AT(R)), AT(R));
	columns_fill(&m->c, R, N, (struct cell){.attr = PLAIN});
	m->r_now = 'u';
}

/* Faulted memory from elsewhere: it brings its index (b06). */
static void move_in_faulted(struct merge_case *m)
{
	cut(m, R, N);
	map_anon(m->mm, AWAY, PAGE(N - R), RW);
	for (int i = R; i < N; i++)
		poke(m->mm, AWAY + PAGE(i - R), value_at(AT(i)));
	CHECK_EQ(move(m->mm, AWAY, N - R, AT(R)), AT(R));
	columns_fill(&m->c, R, N,
		     (struct cell){.attr = PLAIN, .family = COLUMNS + 1, .links = 1, .moved = 61});
	m->r_now = 'f';
}

/* Out of the middle of r, and back: what is split is one again. */
static void move_there_and_back(struct merge_case *m)
{
	CHECK_EQ(move(m->mm, AT(R + 1), 2, AWAY), AWAY);
	columns_cut(&m->c, R + 1, N - 1);
	if (strcmp(columns_draw(m->mm, AT(P)), columns_text(&m->c)))
		return; /* the comparison that follows will say so */
	CHECK_EQ(move(m->mm, AWAY, 2, AT(R + 1)), AT(R + 1));
	columns_fill(&m->c, R + 1, N - 1, m->c.cell[R]);
}

/* Shrink, then grow where there is room: the new part is unfaulted, unless it merges. */
static void shrink_and_grow(struct merge_case *m)
{
	CHECK_EQ(do_mremap(m->mm, AT(R), PAGE(4), PAGE(2), 0, 0), AT(R));
	columns_cut(&m->c, R + 2, N);
	CHECK_EQ(do_mremap(m->mm, AT(R), PAGE(2), PAGE(4), 0, 0), AT(R));
	/* The VMA itself grows, whatever its chain. */
	for (int i = R + 2; i < N; i++)
		m->c.cell[i] = m->c.cell[R];
	m->r_now = '-';
}

/* The heap is P, and grows over the place of r; below N a page stays free. */
static void grow_heap(struct merge_case *m)
{
	int to = m->n == '-' ? N : N - 1;

	cut(m, R, N);
	m->mm->start_brk = AT(P);
	m->mm->brk = AT(R);
	CHECK_EQ(do_brk(m->mm, AT(to)), AT(to));
	columns_fill(&m->c, R, to, (struct cell){.attr = PLAIN});
	m->r_now = 'u';
}
static void shrink_heap(struct merge_case *m)
{
	cut(m, R, N);
	m->mm->start_brk = AT(P);
	m->mm->brk = AT(R);
	CHECK_EQ(do_brk(m->mm, AT(P + 1)), AT(P + 1));
	columns_cut(&m->c, P + 1, R);
}

/*
 * N is a stack, and grows over the place of r. A guard gap below it must be free, so P goes as well.
 */
static void grow_stack(struct merge_case *m)
{
	cut(m, P, END);
	CHECK_EQ(setup_stack_vma(m->mm, AT(END), PAGE(END - N), 0), 0);
	columns_fill(&m->c, N, END, (struct cell){.attr = PLAIN});
	if (m->n != 'u') {
		poke(m->mm, AT(N), 1);
		for (int i = N; i < END; i++)
			m->c.cell[i].family = m->c.cell[i].links = 1;
	}
	poke(m->mm, AT(R), 2);
	for (int i = R; i < END; i++) {
		m->c.cell[i] = m->c.cell[N];
		m->c.cell[i].family = m->c.cell[i].links = 1;
	}
	m->r_now = m->n = '-';
}
static bool is_stack_case(const struct merge_case *m)
{
	return m->p == '-' && m->r == 'u' && m->n != '-' && m->n != 's';
}

static const struct operation operations[] = {
	{"madvise r", ADVISED, NULL, advise_all},
	{"madvise lower half of r", ADVISED, NULL, advise_lower},
	{"madvise upper half of r", ADVISED, NULL, advise_upper},
	{"madvise middle of r", ADVISED, NULL, advise_middle},
	{"mprotect r", PROTECTED, NULL, protect_all},
	{"mprotect lower half of r", PROTECTED, NULL, protect_lower},
	{"mprotect upper half of r", PROTECTED, NULL, protect_upper},
	{"mprotect middle of r", PROTECTED, NULL, protect_middle},
	{"mprotect border P|r", PROTECTED, has_p, protect_border},
	{"make border executable", EXECUTABLE, has_p, execute_border},
	{"munmap r", ADVISED, NULL, unmap_all},
	{"munmap lower half of r", ADVISED, NULL, unmap_lower},
	{"munmap upper half of r", ADVISED, NULL, unmap_upper},
	{"munmap middle of r", ADVISED, NULL, unmap_middle},
	{"munmap r and borders", ADVISED, NULL, unmap_borders},
	{"mmap in place of r", ADVISED, NULL, map_again},
	{"mmap over middle of r", ADVISED, NULL, map_over},
	{"mremap unfaulted to r", ADVISED, NULL, move_in_unfaulted},
	{"mremap faulted to r", ADVISED, NULL, move_in_faulted},
	{"mremap there and back", ADVISED, NULL, move_there_and_back},
	{"mremap shrinks, grows", ADVISED, NULL, shrink_and_grow},
	{"brk grows over r", ADVISED, has_p, grow_heap},
	{"brk shrinks P", ADVISED, has_p, shrink_heap},
	{"stack grows over r", ADVISED, is_stack_case, grow_stack},
};

/* ---- the cases ---- */

/* The pages that were not touched by the operation hold what they held, in the parent too. */
static void expect_piece(struct mm *mm, int from, int to, char state)
{
	for (int i = from; i < to; i++)
		if (state != '-' && vma_lookup(mm, AT(i)))
			expect(mm, AT(i), state == 'u' ? 0 : value_at(AT(i)));
}

static void expect_pieces(const struct merge_case *m, struct mm *mm, char r)
{
	expect_piece(mm, P, R, m->p);
	expect_piece(mm, R, N, r);
	expect_piece(mm, N, END, m->n);
}

static void run_case(const struct operation *op, struct merge_case *m)
{
	const char *before, *after, *want;
	char what[80];

	snprintf(what, sizeof(what), "%-24s P=%c r=%c N=%c%-6s%-5s", op->name, m->p, m->r, m->n,
		 m->forked ? " child" : "", anon_rmap_list ? " list" : "");
	test_note("%s", what);
	build(m);
	before = columns_draw(m->mm, AT(P));
	want = columns_text(&m->c);
	if (strcmp(before, want))
		test_fail(__FILE__, __LINE__, "%s: built %s, not %s", what, before, want);
	test_note("%s %s -> ?", what, before);
	m->r_now = m->r;
	op->run(m);
	after = columns_draw(m->mm, AT(P));
	want = columns_text(&m->c);
	if (strcmp(after, want))
		test_fail(__FILE__, __LINE__, "%s %s -> %s, expected %s", what, before, after,
			  want);
	test_note("%s %s -> %s", what, before, after);
	if (test_draw)
		printf("%s %15s -> %s\n", what, before, after);
	check_all(m->mm);
	expect_pieces(m, m->mm, m->r_now);
	if (m->parent) {
		check_all(m->parent);
		expect_pieces(m, m->parent, m->r);
		test_mm_end(m->parent);
	}
	check_all(m->mm);
	test_mm_end(m->mm);
}

static void all_states(const struct operation *op)
{
	static const char states[] = "-ufs";

	for (int i = 0; i < 192; i++) {
		struct merge_case m = {.p = states[i % 4],
				       .r = states[1 + i / 4 % 3],
				       .n = states[i / 12 % 4],
				       .forked = i / 48 % 2,
				       .differs = op->differs};

		/* No anon_vma is alive between two cases: the index may change its kind. */
		anon_rmap_list = i / 96;
		if (!op->possible || op->possible(&m))
			run_case(op, &m);
	}
}

TEST(merge_and_split_cases)
{
	host_boot(64);
	sim_cpu_init();
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		all_states(&operations[i]);
	CHECK_EQ(vm_committed_pages(), 0);
}
