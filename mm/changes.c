/* SPDX-License-Identifier: MIT */
/*
 * The change ring.
 *
 * A mapping that is wrong was made wrong some time ago, by somebody else. So a debug kernel writes
 * down each change of a PTE, of a VMA, and of a VMA's links in the trees of its anon_vmas:
 *
 *	when   which CPU, which task   what changed   old value   new value   which function
 *
 * The records form one ring. A writer takes a number by an atomic increment, and with it a slot; no
 * writer ever waits, so that a change can be recorded with any lock held. A slot's seq is 0 while
 * it is written and its number + 1 afterwards: a reader that finds another number than it looks
 * for, before or after it has copied the record, has come too late.
 *
 *	     number & mask
 *	   +------+------+------+------+
 *	   | 8197 | 8198 |  0   | 8192 |	head 8199: 8198 is the last that is whole,
 *	   +------+------+------+------+	the slot behind is being written
 *
 * PTEs are recorded by the accessors (arch/x86_64/pgtable.h), which know neither process nor
 * address: a record names the PTE by where it lies. Who asks for an address finds its PTE by the
 * page table, and its history by the PTE. The history begins where the table was made: a page that
 * was a table before, or was something else, is another story. A table that moves whole (mremap)
 * takes its history along.
 */
#ifdef CONFIG_DEBUG

#include "mm/changes.h"
#include "arch/x86_64/pgtable.h"
#include "kernel/printk.h"
#include "kernel/witness.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/printf.h"
#include "mm/anon_vma.h"
#include "mm/mm.h"
#include "mm/pgwalk.h"
#include "mm/swapops.h"
#include "mm/vma.h"

#define RING_SIZE 16384 /* a power of 2 */
#define DUMP_LAST 16
#define NSEC	  1000000000ULL

static struct change ring[RING_SIZE];
static atomic_long_t head;
static bool recording;

/* ------------------------------------------------------------------------------- writing */

static void record(enum change_kind kind, unsigned long where, u64 old, u64 new,
		   unsigned long object, unsigned long caller)
{
	struct witness w;
	struct change *c;
	u64 nr;

	if (!READ_ONCE(recording))
		return;
	nr = (u64)atomic_long_add_return(1, &head) - 1;
	c = &ring[nr % RING_SIZE];
	WRITE_ONCE(c->seq, 0);
	smp_wmb();
	witness(&w);
	c->time_ns = w.time_ns;
	c->where = where;
	c->old = old;
	c->new = new;
	c->object = object;
	c->caller = caller;
	c->task = w.task;
	c->cpu = (u16)w.cpu;
	c->kind = (u16)kind;
	smp_store_release(&c->seq, nr + 1);
}

void changes_start(void)
{
	WRITE_ONCE(recording, true);
}

void pte_changed(const pte_t *ptep, u64 old, u64 new)
{
	if (old != new)
		record(CHANGE_PTE, (unsigned long)ptep, old, new, 0,
		       (unsigned long)__builtin_return_address(0));
}

void change_table(const void *table, const struct mm *mm)
{
	record(CHANGE_TABLE, (unsigned long)table, 0, 0, (unsigned long)mm,
	       (unsigned long)__builtin_return_address(0));
}

void __change_vma(enum change_kind kind, const struct vm_area *vma, unsigned long caller)
{
	record(kind, (unsigned long)vma->vm_mm, vma->vm_start, vma->vm_end,
	       kind == CHANGE_VMA_FLAGS ? vma->vm_flags : (unsigned long)vma, caller);
}

void __change_avc(enum change_kind kind, const struct anon_vma_chain *avc, unsigned long caller)
{
	record(kind, (unsigned long)avc->vma->vm_mm, avc->vma->vm_start, avc->vma->vm_end,
	       (unsigned long)avc->anon_vma, caller);
}

/* ------------------------------------------------------------------------------- asking */

void change_query_init(struct change_query *q, struct mm *mm, unsigned long addr)
{
	pmd_t *pmd;

	*q = (struct change_query){.mm = mm, .addr = addr};
	q->next = (u64)atomic_long_read(&head);
	if (!mm)
		return;
	mmap_assert_locked(mm);
	pmd = pgwalk_pmd(mm, addr);
	if (pmd && pmd_table(pmdp_get(pmd)))
		q->ptep = (unsigned long)pte_offset(pmd, addr);
}

static bool concerns(const struct change_query *q, const struct change *c)
{
	if (!q->mm)
		return true;
	if (c->kind == CHANGE_PTE)
		return c->where == q->ptep;
	return c->where == (unsigned long)q->mm && q->addr >= c->old && q->addr < c->new;
}

static bool copy_record(u64 nr, struct change *out)
{
	const struct change *c = &ring[nr % RING_SIZE];

	if (smp_load_acquire(&c->seq) != nr + 1)
		return false;
	*out = *c;
	smp_rmb();
	return READ_ONCE(c->seq) == nr + 1;
}

bool change_query_next(struct change_query *q, struct change *out)
{
	while (q->next && (u64)atomic_long_read(&head) - q->next < RING_SIZE) {
		if (!copy_record(--q->next, out))
			continue;
		if (out->kind == CHANGE_TABLE && q->ptep && (q->ptep & PAGE_MASK) == out->where) {
			q->ptep = 0;
			return true;
		}
		if (concerns(q, out))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------------------- showing */

static const char *const kind_names[] = {
#define CHANGE_NAME(name, text) text,
	CHANGE_KINDS(CHANGE_NAME)
#undef CHANGE_NAME
};

static int entry_text(swp_entry_t entry, char *buf, size_t size)
{
	if (is_migration_entry(entry))
		return scnprintf(buf, size, "migrating %lx", migration_entry_pfn(entry));
	if (is_swap_entry(entry))
		return scnprintf(buf, size, "swap %llx", entry.val);
	if (is_guard_entry(entry))
		return scnprintf(buf, size, "guard");
	return scnprintf(buf, size, "entry %llx", entry.val);
}

static int pte_text(u64 value, char *buf, size_t size)
{
	pte_t pte = __pte(value);

	if (pte_none(pte))
		return scnprintf(buf, size, "none");
	if (!pte_present(pte))
		return entry_text(pte_to_swp_entry(pte), buf, size);
	return scnprintf(buf, size, "frame %lx %s%s%s", pte_pfn(pte), pte_write(pte) ? "rw" : "r-",
			 pte_exec(pte) ? "x" : "-", pte_dirty(pte) ? " dirty" : "");
}

int change_text(const struct change *c, char *buf, size_t size)
{
	int n = scnprintf(buf, size, "%llu.%09llu cpu %u task %d %s ", c->time_ns / NSEC,
			  c->time_ns % NSEC, c->cpu, c->task, kind_names[c->kind]);

	if (c->kind == CHANGE_PTE) {
		n += pte_text(c->old, buf + n, size - n);
		n += scnprintf(buf + n, size - n, " -> ");
		n += pte_text(c->new, buf + n, size - n);
	} else if (c->kind == CHANGE_TABLE) {
		n += scnprintf(buf + n, size - n, "%lx", c->where);
	} else {
		n += scnprintf(buf + n, size - n, "%llx-%llx %s %lx", c->old, c->new,
			       c->kind == CHANGE_VMA_FLAGS ? "to" : "of", c->object);
	}
	return n + scnprintf(buf + n, size - n, " by %pS", (void *)c->caller);
}

void changes_dump(struct change_query *q, unsigned int n)
{
	char line[CHANGE_LINE];
	struct change c;

	pr_emerg("the last changes, newest first:\n");
	while (n-- && change_query_next(q, &c)) {
		change_text(&c, line, sizeof(line));
		pr_emerg("  %s\n", line);
	}
}

void changes_dump_last(void)
{
	struct change_query q;

	change_query_init(&q, NULL, 0);
	changes_dump(&q, DUMP_LAST);
}

#endif /* CONFIG_DEBUG */
