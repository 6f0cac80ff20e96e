/* SPDX-License-Identifier: MIT */
/* The operations of the random test that processes do themselves. See mm_random_ops.h. */
#include "tests/host/mm_random_ops.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/pgwalk.h"
#include "mm/swapops.h"
#include "tests/host/mm_oracle.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

#define BUSY 48 /* most operations stay in the first so many pages of a table */

static unsigned long nr_values;
unsigned long nr_failed;

bool no_memory(long err)
{
	if (!memory_fails || err != -ENOMEM)
		return false;
	nr_failed++;
	return true;
}

struct model *random_proc(void)
{
	for (;;) {
		struct model *m = &procs[test_rand_below(PROCS)];

		if (m->mm)
			return m;
	}
}

void random_range(unsigned int *start, unsigned int *len)
{
	unsigned int table = test_rand_below(4) * 512;

	if (test_rand_below(24) == 0) {
		*start = table;
		*len = 512;
		return;
	}
	*len = 1 + test_rand_below(test_rand_below(4) ? 6 : 30);
	*start = table + test_rand_below(BUSY - *len);
	if (test_rand_below(8) == 0) { /* across the border of two tables */
		*start = table ? table - *len / 2 : 0;
	}
}

/* -------------------------------------------------------------------------------- touching */

void op_write(void)
{
	struct model *m = random_proc();
	unsigned int start, len;

	random_range(&start, &len);
	len = min(len, 12u);
	for (unsigned int i = start; i < start + len; i++) {
		struct model_page *p = &m->page[i];
		u64 value = ++nr_values << 8 | 0x5a;
		unsigned int err =
			sim_write(m->mm, test_rand_below(SIM_CPUS), address_of(i), value);

		if (memory_fails && err == VM_FAULT_OOM)
			continue;
		CHECK_EQ(err, expected_fault(p, true));
		if (err)
			continue;
		if (p->file && !p->shared)
			p->own = true;
		*value_of(p) = value;
		p->lazy = false;
	}
}

void op_read(void)
{
	struct model *m = random_proc();
	unsigned int start, len;

	random_range(&start, &len);
	for (unsigned int i = start; i < start + min(len, 12u); i++)
		check_page(m, i);
}

/* ------------------------------------------------------------------------------- mappings */

static void forget(struct model *m, unsigned int start, unsigned int len)
{
	memset(&m->page[start], 0, len * sizeof(struct model_page));
}

void op_mmap(void)
{
	static const u8 prots[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				   PROT_NONE};
	struct model *m = random_proc();
	u8 prot = prots[test_rand_below(ARRAY_SIZE(prots))];
	unsigned int start, len;
	long at;

	random_range(&start, &len);
	at = vm_mmap(m->mm, NULL, address_of(start), len * PAGE_SIZE, prot,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(start));
	forget(m, start, len);
	for (unsigned int i = start; i < start + len; i++) {
		m->page[i].mapped = true;
		m->page[i].prot = prot;
	}
}

/* A part of a file, shared or private. */
void op_mmap_file(void)
{
	struct model *m = random_proc();
	unsigned int file = test_rand_below(FILES), start, len, pgoff;
	bool shared = test_rand_below(2);
	long at;

	random_range(&start, &len);
	len = min(len, 24u);
	pgoff = test_rand_below(FILE_PAGES - len + 2);
	at = vm_mmap(m->mm, files[file].vmf, address_of(start), len * PAGE_SIZE,
		     PROT_READ | PROT_WRITE, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED,
		     pgoff);
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(start));
	for (unsigned int i = 0; i < len; i++)
		m->page[start + i] = (struct model_page){.mapped = true,
							 .shared = shared,
							 .prot = PROT_READ | PROT_WRITE,
							 .file = file + 1,
							 .pgoff = pgoff + i};
}

void op_munmap(void)
{
	struct model *m = random_proc();
	unsigned int start, len;
	int err;

	random_range(&start, &len);
	err = vm_munmap(m->mm, address_of(start), len * PAGE_SIZE);
	if (no_memory(err))
		return;
	CHECK_EQ(err, 0);
	forget(m, start, len);
}

/* The number of pages from start on that are mapped without a gap, at most len. */
static unsigned int mapped_run(struct model *m, unsigned int start, unsigned int len)
{
	unsigned int run = 0;

	while (run < len && m->page[start + run].mapped)
		run++;
	return run;
}

/* An mprotect of several VMAs that failed may have changed the first of them, and no other page. */
static void look_at_protection(struct model *m, unsigned int start, unsigned int len, u8 prot)
{
	bool changed = true;

	for (unsigned int i = start; i < start + len; i++) {
		struct vm_area *vma = vma_lookup(m->mm, address_of(i));
		u8 now = vma->vm_flags & VM_ACCESS_FLAGS;

		if (changed && now != prot)
			changed = false;
		CHECK_EQ(now, changed ? prot : m->page[i].prot);
		m->page[i].prot = now;
	}
}

void op_mprotect(void)
{
	static const u8 prots[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_NONE,
				   PROT_READ | PROT_WRITE};
	struct model *m = random_proc();
	u8 prot = prots[test_rand_below(ARRAY_SIZE(prots))];
	unsigned int start, len, run;
	int err;

	random_range(&start, &len);
	run = mapped_run(m, start, len);
	err = do_mprotect(m->mm, address_of(start), len * PAGE_SIZE, prot);
	if (memory_fails && err == -ENOMEM) {
		look_at_protection(m, start, run, prot);
		return;
	}
	CHECK_EQ(err, run == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + run; i++)
		m->page[i].prot = prot;
}

void op_madvise(void)
{
	struct model *m = random_proc();
	bool lazy = test_rand_below(2);
	unsigned int start, len;
	int err;

	random_range(&start, &len);
	for (unsigned int i = start; i < start + len; i++)
		if (m->page[i].locked || (lazy && m->page[i].file))
			return; /* refused; MADV_FREE is for anonymous memory */
	err = do_madvise(m->mm, address_of(start), len * PAGE_SIZE,
			 lazy ? MADV_FREE : MADV_DONTNEED);
	CHECK_EQ(err, mapped_run(m, start, len) == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + len; i++) {
		if (!m->page[i].mapped)
			continue;
		m->page[i].lazy = lazy;
		if (lazy)
			continue;
		m->page[i].value = 0;
		m->page[i].own = false;
	}
}

static bool guard_at(struct model *m, unsigned int i)
{
	spinlock_t *ptl;
	pte_t *pte = pgwalk_pte_lock(m->mm, address_of(i), &ptl);
	bool guard = pte && is_guard_pte(ptep_get(pte));

	if (pte)
		pte_unmap_unlock(pte, ptl);
	return guard;
}

/*
 * The contents go, and a touch is refused until the guard goes. When memory ran out on the way, some
 * mappings have their guards and the others are as they were: the page tables say which.
 */
void op_guard(void)
{
	struct model *m = random_proc();
	bool install = test_rand_below(3);
	unsigned int start, len;
	int err;

	random_range(&start, &len);
	for (unsigned int i = start; i < start + len; i++)
		if (install && m->page[i].locked)
			return; /* refused */
	err = do_madvise(m->mm, address_of(start), len * PAGE_SIZE,
			 install ? MADV_GUARD_INSTALL : MADV_GUARD_REMOVE);
	if (!no_memory(err))
		CHECK_EQ(err, mapped_run(m, start, len) == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + len; i++) {
		struct model_page *p = &m->page[i];

		if (!p->mapped || (memory_fails && err && guard_at(m, i) != install))
			continue;
		p->guard = install;
		if (!install)
			continue;
		p->lazy = p->own = false;
		p->value = 0;
	}
}

/* Move [start, start + len) to `to`, of new_len pages. */
static void model_mremap(struct model *m, unsigned int start, unsigned int len, unsigned int to,
			 unsigned int new_len)
{
	static struct model_page moved[PAGES];
	unsigned int keep = min(len, new_len);

	memcpy(moved, &m->page[start], keep * sizeof(*moved));
	for (unsigned int i = keep; i < new_len; i++) {
		moved[i] = m->page[start];
		moved[i].pgoff += i;
		moved[i].lazy = moved[i].own = moved[i].guard = false;
		moved[i].value = 0;
	}
	forget(m, start, len);
	memcpy(&m->page[to], moved, new_len * sizeof(*moved));
}

/* The same size, for all that is mapped in the range: holes stay behind. */
static void model_mremap_several(struct model *m, unsigned int start, unsigned int len,
				 unsigned int to)
{
	for (unsigned int i = 0; i < len; i++) {
		if (!m->page[start + i].mapped)
			continue;
		m->page[to + i] = m->page[start + i];
		forget(m, start + i, 1);
	}
}

void op_mremap(void)
{
	struct model *m = random_proc();
	unsigned int start, len, to, new_len, in_vma;
	struct vm_area *vma;
	long at;

	random_range(&start, &len);
	random_range(&to, &new_len);
	if (test_rand_below(2))
		new_len = len;
	vma = vma_lookup(m->mm, address_of(start));
	if (!vma)
		return;
	in_vma = (vma->vm_end - address_of(start)) >> PAGE_SHIFT;
	if (test_rand_below(2))
		len = min(len, in_vma);
	if (test_rand_below(2) || len > in_vma)
		new_len = len;
	if (to + new_len > PAGES || (to < start + len && start < to + new_len))
		return;
	at = do_mremap(m->mm, address_of(start), len * PAGE_SIZE, new_len * PAGE_SIZE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, address_of(to));
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(to));
	if (new_len == len)
		model_mremap_several(m, start, len, to);
	else
		model_mremap(m, start, len, to, new_len);
}

/* Pages that have just appeared behind `like`: of its mapping, and empty. */
static struct model_page empty_page_like(const struct model_page *like, unsigned int distance)
{
	struct model_page p = *like;

	p.pgoff += distance;
	p.value = 0;
	p.lazy = p.own = p.guard = false;
	return p;
}

/* Pages move and their mapping stays, empty: a private one starts again. */
void op_mremap_dontunmap(void)
{
	struct model *m = random_proc();
	unsigned int start, len, to, ignored, in_vma;
	struct vm_area *vma;
	long at;

	random_range(&start, &len);
	random_range(&to, &ignored);
	vma = vma_lookup(m->mm, address_of(start));
	if (!vma || m->page[start].locked)
		return;
	in_vma = (vma->vm_end - address_of(start)) >> PAGE_SHIFT;
	len = min(len, in_vma);
	if (to + len > PAGES || (to < start + len && start < to + len))
		return;
	at = do_mremap(m->mm, address_of(start), len * PAGE_SIZE, len * PAGE_SIZE,
		       MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, address_of(to));
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(to));
	memcpy(&m->page[to], &m->page[start], len * sizeof(m->page[0]));
	for (unsigned int i = start; i < start + len; i++)
		m->page[i] = empty_page_like(&m->page[i], 0);
}

/* Several mappings and what is free between them: each moves by the same distance. */
void op_mremap_many(void)
{
	struct model *m = random_proc();
	unsigned int start, len, to, ignored;
	long at;

	random_range(&start, &len);
	random_range(&to, &ignored);
	if (!m->page[start].mapped || to + len > PAGES || (to < start + len && start < to + len))
		return;
	at = do_mremap(m->mm, address_of(start), len * PAGE_SIZE, len * PAGE_SIZE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, address_of(to));
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(to));
	for (unsigned int i = 0; i < len; i++) {
		if (!m->page[start + i].mapped)
			continue;
		m->page[to + i] = m->page[start + i];
		forget(m, start + i, 1);
	}
}

/* At the end of a mapping, where it is: only if there is room. */
void op_mremap_grow(void)
{
	struct model *m = random_proc();
	unsigned int start, more, end, run = 0;
	struct vm_area *vma;
	long at;

	random_range(&start, &more);
	vma = vma_lookup(m->mm, address_of(start));
	if (!vma)
		return;
	end = start + ((vma->vm_end - address_of(start)) >> PAGE_SHIFT);
	if (end + more > PAGES)
		return;
	while (run < more && !m->page[end + run].mapped)
		run++;
	at = do_mremap(m->mm, address_of(start), (end - start) * PAGE_SIZE,
		       (end - start + more) * PAGE_SIZE, 0, 0);
	if (no_memory(at))
		return;
	CHECK_EQ(at, run == more ? (long)address_of(start) : -ENOMEM);
	for (unsigned int i = 0; run == more && i < more; i++)
		m->page[end + i] = empty_page_like(&m->page[end - 1], i + 1);
}

/* ---------------------------------------------------------------------------- flags of mappings */

/* Memory ran out on the way: a prefix has changed. Which, the VMAs say. */
static void look_at_flags(struct model *m, unsigned int start, unsigned int len)
{
	for (unsigned int i = start; i < start + len; i++) {
		struct vm_area *vma = vma_lookup(m->mm, address_of(i));

		if (!vma)
			continue;
		m->page[i].locked = vma->vm_flags & VM_LOCKED;
		m->page[i].dontfork = vma->vm_flags & VM_DONTCOPY;
		m->page[i].wipeonfork = vma->vm_flags & VM_WIPEONFORK;
	}
}

void op_mlock(void)
{
	struct model *m = random_proc();
	bool lock = test_rand_below(2);
	unsigned int start, len, run;
	int err;

	random_range(&start, &len);
	run = mapped_run(m, start, len);
	err = lock ? do_mlock(m->mm, address_of(start), len * PAGE_SIZE, MLOCK_ONFAULT)
		   : do_munlock(m->mm, address_of(start), len * PAGE_SIZE);
	if (memory_fails && (err == -ENOMEM || err == -EAGAIN)) {
		look_at_flags(m, start, len);
		return;
	}
	CHECK_EQ(err, run == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + run; i++)
		m->page[i].locked = lock;
}

/* What a child is to have of private anonymous memory. */
void op_fork_advice(void)
{
	static const int advices[] = {MADV_DONTFORK, MADV_DOFORK, MADV_DOFORK, MADV_WIPEONFORK,
				      MADV_KEEPONFORK};
	struct model *m = random_proc();
	int which = test_rand_below(ARRAY_SIZE(advices)), err;
	unsigned int start, len;

	random_range(&start, &len);
	for (unsigned int i = start; i < start + len; i++)
		if (m->page[i].file)
			return;
	err = do_madvise(m->mm, address_of(start), len * PAGE_SIZE, advices[which]);
	if (memory_fails && err == -EAGAIN) {
		look_at_flags(m, start, len);
		return;
	}
	CHECK_EQ(err, mapped_run(m, start, len) == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + len; i++) {
		if (!m->page[i].mapped)
			continue;
		if (which < 3)
			m->page[i].dontfork = advices[which] == MADV_DONTFORK;
		else
			m->page[i].wipeonfork = advices[which] == MADV_WIPEONFORK;
	}
}

/* A whole table that is one VMA, so that its table moves in one store, and maybe half way back. */
void op_mremap_table(void)
{
	struct model *m = random_proc();
	unsigned int from = test_rand_below(4) * 512, to = test_rand_below(4) * 512;
	long at;

	if (from == to)
		return;
	at = vm_mmap(m->mm, NULL, address_of(from), PMD_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(from));
	forget(m, from, 512);
	for (unsigned int i = 0; i < 512; i++) {
		struct model_page *p = &m->page[from + i];

		p->mapped = true;
		p->prot = PROT_READ | PROT_WRITE;
		if (i % 90)
			continue;
		if (!sim_write(m->mm, i & 1, address_of(from + i), nr_values + 1))
			p->value = ++nr_values;
		else
			CHECK(memory_fails);
	}
	at = do_mremap(m->mm, address_of(from), PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       address_of(to));
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(to));
	model_mremap(m, from, 512, to, 512);
}
