/* SPDX-License-Identifier: MIT */
/* The oracle of the random tests: comparing the real thing with it. */
#include "tests/host/mm_oracle.h"
#include "mm/audit.h"
#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/vma.h"
#include "tests/host/mm_scan.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

struct model procs[PROCS];
struct model_file files[FILES];
unsigned long step;
const char *operation = "start";
bool memory_fails;

u64 *value_of(struct model_page *p)
{
	if (!p->file || p->own)
		return &p->value;
	return p->pgoff < FILE_PAGES ? &files[p->file - 1].value[p->pgoff] : NULL;
}

static void check_value(struct model *m, unsigned int page, u64 got)
{
	struct model_page *p = &m->page[page];

	if (got == *value_of(p))
		return;
	if (p->lazy && got == 0) {
		p->value = 0;
		return;
	}
	test_fail(__FILE__, __LINE__, "step %lu: process %ld page %u holds %llx, not %llx", step,
		  (long)(m - procs), page, (unsigned long long)got,
		  (unsigned long long)*value_of(p));
}

unsigned int expected_fault(struct model_page *p, bool write)
{
	if (!p->mapped)
		return VM_FAULT_BADMAP;
	if (!p->prot || (write && !(p->prot & PROT_WRITE)))
		return VM_FAULT_BADACCESS;
	if (p->guard)
		return VM_FAULT_BADMAP;
	return value_of(p) ? 0 : VM_FAULT_SIGBUS;
}

void check_page(struct model *m, unsigned int page)
{
	struct model_page *p = &m->page[page];
	int cpu = test_rand_below(SIM_CPUS);
	u64 value = 0;
	unsigned int err = sim_read(m->mm, cpu, address_of(page), &value);

	if (memory_fails && err == VM_FAULT_OOM)
		return;
	CHECK_EQ(err, expected_fault(p, false));
	if (!err)
		check_value(m, page, value);
}

void check_everything(void)
{
	for (int i = 0; i < PROCS; i++)
		for (unsigned int page = 0; procs[i].mm && page < PAGES; page++)
			check_page(&procs[i], page);
}

void check_structures(void)
{
	struct rmap_audit audit = {.counters = true};

	CHECK_EQ(sim_stale_translations(), 0);
	scan_everything();
	if (step % 100)
		return;
	rmap_audit(&audit);
	CHECK_EQ(audit.differences, 0);
	CHECK_EQ(audit.migration_ptes, 0);
	CHECK_EQ(audit.skipped, 0);
}

void check_mappings(struct model *m)
{
	struct vm_area *vma = find_vma(m->mm, WINDOW);

	for (unsigned int i = 0; i < PAGES; i++) {
		bool mapped;

		if (vma && vma->vm_end <= address_of(i))
			vma = vma_next(vma);
		mapped = vma && vma->vm_start <= address_of(i);
		if (mapped != m->page[i].mapped ||
		    (mapped && (vma->vm_flags & VM_ACCESS_FLAGS) != m->page[i].prot))
			test_fail(
				__FILE__, __LINE__,
				"step %lu: %s: process %ld page %u is %s, flags %lx; expected %s, %x",
				step, operation, (long)(m - procs), i, mapped ? "mapped" : "free",
				mapped ? vma->vm_flags : 0, m->page[i].mapped ? "mapped" : "free",
				m->page[i].prot);
	}
}
