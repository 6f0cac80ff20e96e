/* SPDX-License-Identifier: MIT */
/* Columns: the model of merging and splitting, and drawing. See columns.h. */
#include "tests/host/columns.h"
#include "lib/string.h"
#include "mm/anon_vma.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "tests/host/test.h"

/* ---- the model ---- */

static bool in_range(int i)
{
	return i >= 0 && i < COLUMNS;
}

/*
 * The rule. Both faulted: one anon_vma, and indices that run on. One unfaulted: the other must not be
 * a family's. Both unfaulted: always.
 */
static bool may_be_one(const struct cell *a, const struct cell *b)
{
	if (!a->vma || !b->vma || a->attr != b->attr)
		return false;
	if (a->family && b->family)
		return a->family == b->family && a->moved == b->moved;
	return a->links + b->links <= 1;
}

/* The VMAs of a and b become one, with the anonymous side of whichever has one. */
static void unite(struct columns *c, int a, int b)
{
	const struct cell from = c->cell[a], to = c->cell[b];
	struct cell one = from.family ? from : to;

	for (int i = 0; i < COLUMNS; i++)
		if (c->cell[i].vma == from.vma || c->cell[i].vma == to.vma) {
			one.vma = to.vma;
			c->cell[i] = one;
		}
}

/* [from, to) is one VMA: merge it with what is before and behind. */
static void settle(struct columns *c, int from, int to)
{
	bool prev = in_range(from - 1) && may_be_one(&c->cell[from - 1], &c->cell[from]);
	bool next = in_range(to) && may_be_one(&c->cell[to - 1], &c->cell[to]);

	if (prev && next && !may_be_one(&c->cell[from - 1], &c->cell[to]))
		next = false;
	if (prev)
		unite(c, from - 1, from);
	if (next)
		unite(c, to - 1, to);
}

/* A border at `to`: what lies behind it of a VMA that goes on there gets a new number. */
static void isolate(struct columns *c, int to)
{
	int old = c->cell[to - 1].vma, behind = ++c->last_vma;

	for (int i = to; in_range(i) && old && c->cell[i].vma == old; i++)
		c->cell[i].vma = behind;
}

void columns_fill(struct columns *c, int from, int to, struct cell as)
{
	isolate(c, to);
	as.vma = ++c->last_vma;
	for (int i = from; i < to; i++)
		c->cell[i] = as;
	settle(c, from, to);
}

void columns_change(struct columns *c, int from, int to, int attr)
{
	struct cell as = c->cell[from];

	as.attr = attr;
	columns_fill(c, from, to, as);
}

void columns_cut(struct columns *c, int from, int to)
{
	isolate(c, to);
	memset(&c->cell[from], 0, (to - from) * sizeof(c->cell[0]));
}

/* ---- text ---- */

static char *text_buffer(void)
{
	static char buffers[8][COLUMN_TEXT];
	static unsigned int turn;

	return buffers[turn++ % ARRAY_SIZE(buffers)];
}

/* Letters in the order of appearance. */
struct letters {
	unsigned long seen[COLUMNS];
	int nr;
};

static char letter_of(struct letters *l, unsigned long family, bool moved)
{
	int i = 0;

	if (!family)
		return '-';
	while (i < l->nr && l->seen[i] != family)
		i++;
	if (i == l->nr)
		l->seen[l->nr++] = family;
	return (moved ? 'A' : 'a') + i;
}

const char *columns_text(const struct columns *c)
{
	char *text = text_buffer(), *s = text;
	struct letters letters = {{0}, 0};

	for (int i = 0; i < COLUMNS; i++) {
		const struct cell *cell = &c->cell[i];

		if (!cell->vma) {
			*s++ = '.';
			continue;
		}
		if (!i || cell[-1].vma != cell->vma)
			*s++ = '[';
		*s++ = letter_of(&letters, cell->family, cell->moved != 0);
		if (i == COLUMNS - 1 || cell[1].vma != cell->vma)
			*s++ = ']';
	}
	*s = 0;
	return text;
}

const char *columns_draw(struct mm *mm, unsigned long addr)
{
	char *text = text_buffer(), *s = text;
	struct letters letters = {{0}, 0};

	for (int i = 0; i < COLUMNS; i++, addr += PAGE_SIZE) {
		struct vm_area *vma = vma_lookup(mm, addr);

		if (!vma) {
			*s++ = '.';
			continue;
		}
		if (vma->vm_start == addr)
			*s++ = '[';
		*s++ = letter_of(&letters, (unsigned long)vma->anon_vma,
				 linear_anon_index(vma, addr) != addr >> PAGE_SHIFT);
		if (vma->vm_end == addr + PAGE_SIZE)
			*s++ = ']';
	}
	*s = 0;
	return text;
}
