/* SPDX-License-Identifier: MIT */
/*
 * Translation caches.
 *
 * A CPU remembers translations until it is told to forget them. Whoever takes a permission or a
 * page away from a page table must therefore tell every CPU that may have used it, and wait, before
 * the page is used for anything else (TLB-BEFORE-FREE).
 *
 * Generations. mm->arch.tlb_gen counts the flushes of an address space. Each CPU remembers, for the
 * address spaces whose translations it may hold, up to which generation it has flushed:
 *
 *	change PTE; gen = ++mm->tlb_gen;   then, on each CPU that has mm loaded:
 *
 *		mine == gen		nothing to do, a later flush was done for all
 *		mine + 1 == gen		forget this range
 *		else			some flushes were missed: forget everything
 *
 * so that a burst of flushes costs a CPU one, and an address space that is not loaded costs it
 * nothing: it finds its generation outdated when it comes to load it.
 *
 * Who is told: mm->arch.cpumask holds the CPUs that have the page table loaded.
 *
 *	switch_mm():  set own bit; (full barrier) read tlb_gen; load
 *	flush:        change PTE; ++tlb_gen; (full barrier) read cpumask
 *
 * Either the flush sees the bit and sends an interrupt, or the switch sees the new generation.
 *
 * Lazy CPUs. A kernel thread runs on the page table of whoever ran before. The kernel does not
 * touch user addresses there, but the CPU may still walk the tables speculatively, so they must not
 * be freed under it. The first flush that reaches a lazy CPU makes it drop the user's table
 * altogether; it is not disturbed again until it next runs a user task.
 *
 * PCID. Where the CPU can tag translations, each CPU keeps those of the last NR_ASIDS address
 * spaces, tags 1 to NR_ASIDS, and loads CR3 without flushing if the generation of the tag is still
 * right. Kernel mappings are global and belong to no tag; tag 0 is the kernel's own table.
 */

#include "arch/x86_64/tlb.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/smp.h"
#include "kernel/preempt.h"
#include "mm/mm.h"

#define NR_ASIDS	   6
#define FLUSH_ALL	   (~0UL)
#define MAX_SINGLE_FLUSHES 33 /* more pages than this: forgetting everything is cheaper */

/* Changed with interrupts off, by its own CPU only. */
struct tlb_state {
	struct mm *loaded_mm; /* NULL: the kernel's own table */
	bool lazy;
	unsigned int asid; /* index into ctxs of the loaded mm */
	unsigned int next_asid;
	struct {
		u64 ctx_id;
		long tlb_gen;
	} ctxs[NR_ASIDS];
};

static DEFINE_PER_CPU(struct tlb_state, tlb_state);

struct flush_info {
	struct mm *mm;
	unsigned long start, end; /* end == FLUSH_ALL: everything */
	long new_gen;
};

static atomic_long_t last_ctx_id;

void arch_mm_init(struct mm *mm)
{
	mm->arch.cpumask = 0;
	mm->arch.ctx_id = (u64)atomic_long_add_return(1, &last_ctx_id);
	atomic_long_set(&mm->arch.tlb_gen, 1);
}

static inline void invlpg(unsigned long addr)
{
	asm volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

static inline u64 this_cpu_bit(void)
{
	return BIT(smp_processor_id());
}

void load_kernel_pgd(void)
{
	struct tlb_state *ts = this_cpu_ptr(&tlb_state);
	struct mm *mm = ts->loaded_mm;

	write_cr3(__pa(swapper_pg_dir));
	ts->loaded_mm = NULL;
	ts->lazy = false;
	if (mm)
		__atomic_fetch_and(&mm->arch.cpumask, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
}

/* Choose the tag for @mm; returns whether what the CPU remembers under it is outdated. */
static bool choose_asid(struct tlb_state *ts, const struct mm *mm, long gen)
{
	unsigned int i;

	for (i = 0; cpu_features.pcid && i < NR_ASIDS; i++) {
		if (ts->ctxs[i].ctx_id == mm->arch.ctx_id) {
			ts->asid = i;
			return ts->ctxs[i].tlb_gen != gen;
		}
	}
	ts->asid = cpu_features.pcid ? ts->next_asid++ % NR_ASIDS : 0;
	ts->ctxs[ts->asid].ctx_id = mm->arch.ctx_id;
	return true;
}

static void load_mm(struct tlb_state *ts, struct mm *mm, long gen)
{
	bool flush = choose_asid(ts, mm, gen);
	u64 cr3 = __pa(mm->pgd);

	ts->ctxs[ts->asid].tlb_gen = gen;
	if (cpu_features.pcid)
		cr3 |= (ts->asid + 1) | (flush ? 0 : CR3_NOFLUSH);
	write_cr3(cr3);
	ts->loaded_mm = mm;
}

static void flush_loaded(struct tlb_state *ts, long gen)
{
	ts->ctxs[ts->asid].tlb_gen = gen;
	write_cr3(read_cr3());
}

void switch_mm(struct mm *prev, struct mm *next)
{
	struct tlb_state *ts = this_cpu_ptr(&tlb_state);
	struct mm *loaded = ts->loaded_mm;
	long gen;

	if (loaded == next) {
		ts->lazy = false;
		gen = atomic_long_read(&next->arch.tlb_gen);
		if (ts->ctxs[ts->asid].tlb_gen != gen)
			flush_loaded(ts, gen);
		return;
	}
	__atomic_fetch_or(&next->arch.cpumask, this_cpu_bit(), __ATOMIC_SEQ_CST);
	gen = atomic_long_read(&next->arch.tlb_gen);
	load_mm(ts, next, gen);
	ts->lazy = false;
	if (loaded)
		__atomic_fetch_and(&loaded->arch.cpumask, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
}

void enter_lazy_tlb(struct mm *active_mm)
{
	struct tlb_state *ts = this_cpu_ptr(&tlb_state);

	if (ts->loaded_mm)
		ts->lazy = true;
}

/* On a CPU that may have info->mm loaded, interrupts off. */
static void flush_local(void *arg)
{
	const struct flush_info *info = arg;
	struct tlb_state *ts = this_cpu_ptr(&tlb_state);
	unsigned long addr;
	long mine, gen;

	if (ts->loaded_mm != info->mm)
		return;
	if (ts->lazy) {
		load_kernel_pgd();
		return;
	}
	gen = atomic_long_read(&info->mm->arch.tlb_gen);
	mine = ts->ctxs[ts->asid].tlb_gen;
	if (mine == gen)
		return;
	if (info->end == FLUSH_ALL || gen != info->new_gen || mine + 1 != gen) {
		flush_loaded(ts, gen);
		return;
	}
	for (addr = info->start; addr < info->end; addr += PAGE_SIZE)
		invlpg(addr);
	ts->ctxs[ts->asid].tlb_gen = gen;
}

static void flush_mm_range(struct mm *mm, unsigned long start, unsigned long end)
{
	struct flush_info info = {.mm = mm, .start = start, .end = end};
	unsigned long flags;
	u64 others;

	preempt_disable();
	info.new_gen = atomic_long_add_return(1, &mm->arch.tlb_gen);
	local_irq_save(flags);
	flush_local(&info);
	local_irq_restore(flags);
	others = READ_ONCE(mm->arch.cpumask) & ~this_cpu_bit();
	if (unlikely(others))
		smp_call_function_mask(others, flush_local, &info, true);
	preempt_enable();
}

void flush_tlb_mm(struct mm *mm)
{
	flush_mm_range(mm, 0, FLUSH_ALL);
}

void flush_tlb_range(struct mm *mm, unsigned long start, unsigned long end)
{
	start &= PAGE_MASK;
	if ((end - start) >> PAGE_SHIFT > MAX_SINGLE_FLUSHES)
		end = FLUSH_ALL;
	flush_mm_range(mm, start, end);
}

void flush_tlb_page(struct mm *mm, unsigned long addr)
{
	addr &= PAGE_MASK;
	flush_mm_range(mm, addr, addr + PAGE_SIZE);
}

/* Global entries survive a CR3 load; changing CR4.PGE drops everything under all tags. */
static void flush_everything(void)
{
	unsigned long cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

static void flush_kernel_local(void *arg)
{
	const struct flush_info *info = arg;
	unsigned long addr;

	if (info->end == FLUSH_ALL) {
		flush_everything();
		return;
	}
	for (addr = info->start; addr < info->end; addr += PAGE_SIZE)
		invlpg(addr);
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	struct flush_info info = {.start = start & PAGE_MASK, .end = end};
	unsigned long flags;
	u64 others;

	if ((end - info.start) >> PAGE_SHIFT > MAX_SINGLE_FLUSHES)
		info.end = FLUSH_ALL;
	preempt_disable();
	local_irq_save(flags);
	flush_kernel_local(&info);
	local_irq_restore(flags);
	others = READ_ONCE(cpu_online_mask) & ~this_cpu_bit();
	if (others)
		smp_call_function_mask(others, flush_kernel_local, &info, true);
	preempt_enable();
}

void tlb_batch_add(struct tlb_batch *batch, struct mm *mm)
{
	atomic_long_add_return(1, &mm->arch.tlb_gen);
	batch->cpumask |= READ_ONCE(mm->arch.cpumask);
	batch->pending = true;
}

/* Whatever is loaded: bring it up to its generation. */
static void flush_batch_local(void *arg __always_unused)
{
	struct tlb_state *ts = this_cpu_ptr(&tlb_state);
	long gen;

	if (!ts->loaded_mm)
		return;
	if (ts->lazy) {
		load_kernel_pgd();
		return;
	}
	gen = atomic_long_read(&ts->loaded_mm->arch.tlb_gen);
	if (ts->ctxs[ts->asid].tlb_gen != gen)
		flush_loaded(ts, gen);
}

void tlb_batch_flush(struct tlb_batch *batch)
{
	unsigned long flags;
	u64 others;

	if (!batch->pending)
		return;
	preempt_disable();
	local_irq_save(flags);
	flush_batch_local(NULL);
	local_irq_restore(flags);
	others = batch->cpumask & ~this_cpu_bit();
	if (others)
		smp_call_function_mask(others, flush_batch_local, NULL, true);
	preempt_enable();
	batch->cpumask = 0;
	batch->pending = false;
}
