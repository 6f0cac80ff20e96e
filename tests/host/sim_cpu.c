/* SPDX-License-Identifier: MIT */
/*
 * A processor with a TLB, for tests of the real mm/ sources. See sim_cpu.h.
 *
 * What it has in common with the real thing, because kernels depend on it:
 *  - a translation is cached on first use, with the rights the PTE had then
 *  - A is set when a translation is loaded, D on the first write; a cached translation whose D was
 *    not set makes the CPU look at the PTE again before a write
 *  - an access that faults throws out the cached translation
 *  - nothing else ever leaves the TLB by itself (the worst case: real TLBs forget)
 */
#include "tests/host/sim_cpu.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "tests/host/point.h"
#include "tests/host/test.h"

#define TLB_ENTRIES 512

struct tlb_entry {
	struct mm *mm; /* NULL: empty */
	unsigned long vpn;
	unsigned long pfn;
	bool write; /* the PTE was writable and dirty */
	bool exec;
};

static struct tlb_entry tlb[SIM_CPUS][TLB_ENTRIES];

static struct tlb_entry *tlb_slot(struct mm *mm, int cpu, unsigned long addr)
{
	unsigned long hash = (addr >> PAGE_SHIFT) ^ ((unsigned long)mm >> 6) * 31;

	return &tlb[cpu][hash % TLB_ENTRIES];
}

static void flushed(struct mm *mm, unsigned long start, unsigned long end)
{
	for (int cpu = 0; cpu < SIM_CPUS; cpu++)
		for (int i = 0; i < TLB_ENTRIES; i++) {
			struct tlb_entry *e = &tlb[cpu][i];
			unsigned long addr = e->vpn << PAGE_SHIFT;

			if (e->mm == mm && addr >= start && addr < end)
				e->mm = NULL;
		}
}

void sim_cpu_init(void)
{
	for (int cpu = 0; cpu < SIM_CPUS; cpu++)
		for (int i = 0; i < TLB_ENTRIES; i++)
			tlb[cpu][i].mm = NULL;
	host_flush_tlb = flushed;
}

void sim_cpu_leave(struct mm *mm)
{
	flushed(mm, 0, TASK_SIZE);
}

/*
 * The PTE of an address as the hardware walk finds it, or NULL. The names in parentheses are the
 * functions, without the explorer's scheduling points: a CPU walks, sets A and D and fills its TLB
 * in one step, since it starts anew when the PTE has changed meanwhile.
 */
static pte_t *hardware_walk(struct mm *mm, unsigned long addr)
{
	pmd_t *pmd = pgwalk_pmd(mm, addr);
	pte_t *ptep;

	if (!pmd || pmd_none((pmdp_get)(pmd)))
		return NULL;
	ptep = (pte_t *)__va((pmdp_get)(pmd).val & PTE_PFN_MASK) + pte_index(addr);
	if (host_exploring)
		explore_touch(ptep);
	return ptep;
}

/* Load a translation good for the access; false: page fault. */
static bool tlb_load(struct mm *mm, int cpu, unsigned long addr, bool write)
{
	struct tlb_entry *e = tlb_slot(mm, cpu, addr);
	pte_t *ptep = hardware_walk(mm, addr), pte;

	e->mm = NULL;
	if (!ptep)
		return false;
	pte = (ptep_get)(ptep);
	if (!(pte_val(pte) & _PAGE_PRESENT) || !pte_user(pte) || (write && !pte_write(pte)))
		return false;
	pte = pte_mkyoung(pte);
	if (write)
		pte = pte_mkdirty(pte);
	(set_pte)(ptep, pte);
	*e = (struct tlb_entry){.mm = mm,
				.vpn = addr >> PAGE_SHIFT,
				.pfn = pte_pfn(pte),
				.write = pte_write(pte) && pte_dirty(pte),
				.exec = pte_exec(pte)};
	return true;
}

static void *translate(struct mm *mm, int cpu, unsigned long addr, bool write)
{
	struct tlb_entry *e = tlb_slot(mm, cpu, addr);
	bool hit = e->mm == mm && e->vpn == addr >> PAGE_SHIFT && (!write || e->write);

	if (!hit && !tlb_load(mm, cpu, addr, write))
		return NULL;
	if (!page_count(pfn_to_page(e->pfn)))
		test_fail(__FILE__, __LINE__, "CPU %d reaches a free frame through its TLB at %lx",
			  cpu, addr);
	return (char *)page_address(pfn_to_page(e->pfn)) + (addr & ~PAGE_MASK);
}

static unsigned int access(struct mm *mm, int cpu, unsigned long addr, bool write, u64 *value)
{
	unsigned int flags = FAULT_FLAG_USER | (write ? FAULT_FLAG_WRITE : 0);

	for (int i = 0; i < 100; i++) {
		u64 *bytes;
		vm_fault_t fault;

		if (i > 2)
			host_spin(); /* what it waits for is done by others */
		host_point(POINT_ACCESS, NULL, write ? "user write" : "user read");
		bytes = translate(mm, cpu, addr, write);
		if (bytes) {
			if (write)
				*bytes = *value;
			else
				*value = *bytes;
			return 0;
		}
		fault = handle_user_fault(mm, addr, flags);
		if (fault & VM_FAULT_ERROR)
			return fault & VM_FAULT_ERROR;
	}
	test_fail(__FILE__, __LINE__, "access to %lx faults for ever", addr);
}

unsigned int sim_read(struct mm *mm, int cpu, unsigned long addr, u64 *value)
{
	return access(mm, cpu, addr, false, value);
}

unsigned int sim_write(struct mm *mm, int cpu, unsigned long addr, u64 value)
{
	return access(mm, cpu, addr, true, &value);
}

bool sim_store(struct mm *mm, int cpu, unsigned long addr, u64 value)
{
	u64 *bytes = translate(mm, cpu, addr, true);

	if (bytes)
		*bytes = value;
	return bytes != NULL;
}

static bool translation_is_stale(const struct tlb_entry *e)
{
	pte_t *ptep, pte;

	if (!e->mm || atomic_read(&e->mm->tlb_batched) != atomic_read(&e->mm->tlb_batched_flushed))
		return false;
	ptep = hardware_walk(e->mm, e->vpn << PAGE_SHIFT);
	if (!ptep)
		return true;
	pte = (ptep_get)(ptep);
	if (!(pte_val(pte) & _PAGE_PRESENT) || pte_pfn(pte) != e->pfn)
		return true;
	return (e->write && !(pte_write(pte) && pte_dirty(pte))) || (e->exec && !pte_exec(pte));
}

unsigned int sim_stale_translations(void)
{
	unsigned int stale = 0;

	for (int cpu = 0; cpu < SIM_CPUS; cpu++)
		for (int i = 0; i < TLB_ENTRIES; i++)
			stale += translation_is_stale(&tlb[cpu][i]);
	return stale;
}
