/* SPDX-License-Identifier: MIT */
/*
 * An address space as text: /proc/PID/maps, smaps, smaps_rollup.
 *
 * maps and smaps are made in pieces of about a page, each under mmap_lock, as they are read: each
 * piece shows one state, and the next goes on at the address where the last one ended. smaps_rollup
 * counts in one go.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"

/* Names ---------------------------------------------------------------------------------------- */

static const char *anonymous_name(const struct vm_area *vma)
{
	const struct mm *mm = vma->vm_mm;

	if (vma->vm_ops && vma->vm_ops->name)
		return vma->vm_ops->name((struct vm_area *)vma);
	if (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk && mm->brk > mm->start_brk)
		return "[heap]";
	if (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

const char *proc_vma_name(const struct vm_area *vma, char *buf)
{
	const char *text;

	if (!vma->vm_file)
		return anonymous_name(vma);
	text = vma->vm_file->ops->name(vma->vm_file, buf, PATH_MAX);
	return IS_ERR(text) ? "?" : text;
}

/* Fill up to the column of names. */
static void pad_to_name(struct seq_file *m, size_t line_start)
{
	size_t width = 25 + sizeof(void *) * 6 - 1;

	while (m->count - line_start < width && !m->overflow)
		seq_write(m, " ", 1);
	seq_write(m, " ", 1);
}

static void show_line(struct seq_file *m, unsigned long start, unsigned long end,
		      unsigned long flags, unsigned long offset, dev_t dev, u64 ino)
{
	seq_printf(m, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %llu ", start, end,
		   flags & VM_READ ? 'r' : '-', flags & VM_WRITE ? 'w' : '-',
		   flags & VM_EXEC ? 'x' : '-', flags & VM_MAYSHARE ? 's' : 'p', offset, MAJOR(dev),
		   MINOR(dev), ino);
}

/* @name: a buffer of PATH_MAX. */
static void show_vma(struct seq_file *m, const struct vm_area *vma, char *name)
{
	const char *text = proc_vma_name(vma, name);
	size_t start = m->count;
	dev_t dev = 0;
	u64 ino = 0;

	if (vma->vm_file)
		vma->vm_file->ops->ident(vma->vm_file, &dev, &ino);
	show_line(m, vma->vm_start, vma->vm_end, vma->vm_flags,
		  vma->vm_file ? vma->vm_pgoff << PAGE_SHIFT : 0, dev, ino);
	if (text) {
		pad_to_name(m, start);
		/* Whoever names a file shall not write lines of this one. */
		seq_escape(m, text, "\n");
	}
	seq_puts(m, "\n");
}

/* Run @fn for every VMA of a task from m->cursor on, under mmap_lock, until the piece is full. */
static int for_each_task_vma(struct seq_file *m, struct task *task,
			     void (*fn)(struct seq_file *, struct vm_area *, void *), void *arg)
{
	struct mm *mm = get_task_mm(task);
	struct vm_area *vma;
	int err;

	if (!mm)
		return 0;
	err = mmap_read_lock_killable(mm);
	if (!err) {
		for (vma = find_vma(mm, m->cursor); vma && !m->overflow; vma = vma_next(vma)) {
			if (seq_nearly_full(m)) {
				m->cursor = vma->vm_start;
				m->more = true;
				break;
			}
			fn(m, vma, arg);
		}
		mmap_read_unlock(mm);
	}
	mmput(mm);
	return err;
}

static void maps_one(struct seq_file *m, struct vm_area *vma, void *arg)
{
	show_vma(m, vma, arg);
}

int proc_maps_show(struct seq_file *m, struct task *task)
{
	char *name = kmalloc(PATH_MAX, GFP_KERNEL);
	int err = -ENOMEM;

	if (name)
		err = for_each_task_vma(m, task, maps_one, name);
	kfree(name);
	return err;
}

/* smaps ---------------------------------------------------------------------------------------- */

#define PSS_SHIFT 12 /* of the share of a page that several map */

struct smaps {
	char *name;
	unsigned long first, last; /* of the rollup */
	u64 size, rss, pss, pss_dirty, shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, lazyfree, swap, swap_pss, locked;
};

static void count_page(struct smaps *s, const struct vm_area *vma, pte_t pte)
{
	struct page *page = vm_normal_page(pte);
	bool dirty;
	int maps;

	if (!page)
		return;
	maps = page_mapcount(page);
	dirty = pte_dirty(pte) || PageDirty(page);
	s->rss += PAGE_SIZE;
	if (PageAnon(page)) {
		s->anonymous += PAGE_SIZE;
		if (!PageSwapBacked(page) && !dirty)
			s->lazyfree += PAGE_SIZE;
	}
	if (pte_young(pte) || PageReferenced(page))
		s->referenced += PAGE_SIZE;
	s->pss += ((u64)PAGE_SIZE << PSS_SHIFT) / max(maps, 1);
	if (dirty)
		s->pss_dirty += ((u64)PAGE_SIZE << PSS_SHIFT) / max(maps, 1);
	if (vma->vm_flags & VM_LOCKED)
		s->locked += ((u64)PAGE_SIZE << PSS_SHIFT) / max(maps, 1);
	if (maps > 1)
		*(dirty ? &s->shared_dirty : &s->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &s->private_dirty : &s->private_clean) += PAGE_SIZE;
}

static void count_swap(struct smaps *s, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (!is_swap_entry(entry))
		return;
	s->swap += PAGE_SIZE;
	s->swap_pss += ((u64)PAGE_SIZE << PSS_SHIFT) / max(swap_entry_count(entry), 1);
}

/* Has the process a page of its own, or one mapped, where the file's is in swap? */
static bool has_page(struct vm_area *vma, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte = pgwalk_pte_lock(vma->vm_mm, addr, &ptl);
	bool has;

	if (!pte)
		return false;
	has = !pte_none(ptep_get(pte));
	spin_unlock(ptl);
	return has;
}

/* Shared memory leaves no entry in the page table: the file knows what of it is in swap. */
static void count_swap_of_file(struct smaps *s, struct vm_area *vma)
{
	struct address_space *mapping = vma->vm_file ? vma->vm_file->mapping : NULL;
	unsigned long index = vma->vm_pgoff, last = vma_last_pgoff(vma);

	if (!mapping || !is_shmem_mapping(mapping))
		return;
	for (; READ_ONCE(mapping->nrswapped) && filemap_next_value(mapping, &index); index++) {
		if (index > last)
			return;
		if (!has_page(vma, vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT)))
			s->swap += PAGE_SIZE;
		cond_resched();
	}
}

static void count_vma(struct smaps *s, struct vm_area *vma)
{
	struct pgwalk walk;
	spinlock_t *ptl;
	pte_t *pte;

	s->size += vma->vm_end - vma->vm_start;
	count_swap_of_file(s, vma);
	for_each_pmd(&walk, vma->vm_mm, vma->vm_start, vma->vm_end)
	{
		pte = pgwalk_pte_lock(vma->vm_mm, walk.addr, &ptl);
		if (!pte)
			continue;
		for (unsigned long addr = walk.addr; addr < walk.next; addr += PAGE_SIZE, pte++) {
			pte_t entry = ptep_get(pte);

			if (pte_present(entry))
				count_page(s, vma, entry);
			else if (is_swap_pte(entry))
				count_swap(s, entry);
		}
		spin_unlock(ptl);
	}
}

static void smaps_line(struct seq_file *m, const char *name, u64 bytes)
{
	seq_printf(m, "%-16s%8llu kB\n", name, bytes >> 10);
}

static void show_counts(struct seq_file *m, const struct smaps *s, bool rollup)
{
	if (!rollup) {
		smaps_line(m, "Size:", s->size);
		smaps_line(m, "KernelPageSize:", PAGE_SIZE);
		smaps_line(m, "MMUPageSize:", PAGE_SIZE);
	}
	smaps_line(m, "Rss:", s->rss);
	smaps_line(m, "Pss:", s->pss >> PSS_SHIFT);
	smaps_line(m, "Pss_Dirty:", s->pss_dirty >> PSS_SHIFT);
	smaps_line(m, "Shared_Clean:", s->shared_clean);
	smaps_line(m, "Shared_Dirty:", s->shared_dirty);
	smaps_line(m, "Private_Clean:", s->private_clean);
	smaps_line(m, "Private_Dirty:", s->private_dirty);
	smaps_line(m, "Referenced:", s->referenced);
	smaps_line(m, "Anonymous:", s->anonymous);
	smaps_line(m, "LazyFree:", s->lazyfree);
	smaps_line(m, "AnonHugePages:", 0);
	smaps_line(m, "ShmemPmdMapped:", 0);
	smaps_line(m, "FilePmdMapped:", 0);
	smaps_line(m, "Shared_Hugetlb:", 0);
	smaps_line(m, "Private_Hugetlb:", 0);
	smaps_line(m, "Swap:", s->swap);
	smaps_line(m, "SwapPss:", s->swap_pss >> PSS_SHIFT);
	smaps_line(m, "Locked:", s->locked >> PSS_SHIFT);
}

static void show_flags(struct seq_file *m, unsigned long flags)
{
	static const struct {
		unsigned long flag;
		char name[3];
	} names[] = {
		{VM_READ, "rd"},       {VM_WRITE, "wr"},       {VM_EXEC, "ex"},
		{VM_SHARED, "sh"},     {VM_MAYREAD, "mr"},     {VM_MAYWRITE, "mw"},
		{VM_MAYEXEC, "me"},    {VM_MAYSHARE, "ms"},    {VM_GROWSDOWN, "gd"},
		{VM_PFNMAP, "pf"},     {VM_MAYBE_GUARD, "gu"}, {VM_LOCKED, "lo"},
		{VM_IO, "io"},	       {VM_SEQ_READ, "sr"},    {VM_RAND_READ, "rr"},
		{VM_DONTCOPY, "dc"},   {VM_DONTEXPAND, "de"},  {VM_LOCKONFAULT, "lf"},
		{VM_ACCOUNT, "ac"},    {VM_NORESERVE, "nr"},   {VM_WIPEONFORK, "wf"},
		{VM_DONTDUMP, "dd"},   {VM_MIXEDMAP, "mm"},    {VM_HUGEPAGE, "hg"},
		{VM_NOHUGEPAGE, "nh"}, {VM_MERGEABLE, "mg"},   {VM_SEALED, "sl"},
	};

	seq_puts(m, "THPeligible:           0\nVmFlags: ");
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & names[i].flag)
			seq_printf(m, "%s ", names[i].name);
	}
	seq_puts(m, "\n");
}

static void smaps_one(struct seq_file *m, struct vm_area *vma, void *arg)
{
	struct smaps s = {.name = arg};

	show_vma(m, vma, s.name);
	count_vma(&s, vma);
	show_counts(m, &s, false);
	show_flags(m, vma->vm_flags);
}

int proc_smaps_show(struct seq_file *m, struct task *task)
{
	char *name = kmalloc(PATH_MAX, GFP_KERNEL);
	int err = -ENOMEM;

	if (name)
		err = for_each_task_vma(m, task, smaps_one, name);
	kfree(name);
	return err;
}

static void rollup_one(struct seq_file *m, struct vm_area *vma, void *arg)
{
	struct smaps *s = arg;

	if (!s->last)
		s->first = vma->vm_start;
	s->last = vma->vm_end;
	count_vma(s, vma);
}

int proc_smaps_rollup_show(struct seq_file *m, struct task *task)
{
	struct smaps s = {.first = 0};
	size_t start = m->count;
	int err = for_each_task_vma(m, task, rollup_one, &s);

	if (err || !s.last)
		return err ?: -ESRCH;
	show_line(m, s.first, s.last, VM_NONE, 0, 0, 0);
	pad_to_name(m, start);
	seq_puts(m, "[rollup]\n");
	show_counts(m, &s, true);
	return 0;
}
