/* SPDX-License-Identifier: MIT */
/*
 * Explored: VMAs that change under walks of the reverse map, and anon_vmas that come and go under
 * who looks for them. ADJUST-LOCKED, INDEX-FRESH, ANON_VMA-LIVE.
 */
#include "mm/access.h"
#include "mm/anon_vma.h"
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

static struct page *page;

static void migrate(void)
{
	x_migrate(page);
}

static void reclaim(void)
{
	x_reclaim(page);
}

static void protect(unsigned long addr, unsigned int nr, unsigned long prot)
{
	CHECK_EQ(do_mprotect(MM, addr, PAGE(nr), prot), 0);
}

/*
 * ---- B16: the boundary between an unfaulted and a faulted VMA moves ----
 *
 *	[uu|FFFF]  ->  [uuf|FFF]	only the second has an anon_vma, and it must be locked
 */

#define RWX (RW | PROT_EXEC)

static void prepare_boundary(void)
{
	x_machine();
	x_map(BASE + PAGE(2), 4);
	protect(BASE + PAGE(2), 4, RWX);
	map_anon(MM, BASE, PAGE(2), RW);
	CHECK_EQ(MM->map_count, 2);
	page = x_isolate(MM, BASE + PAGE(4));
}

static void boundary_up(void)
{
	protect(BASE + PAGE(2), 1, RW);
	CHECK_EQ(MM->map_count, 2);
}

/* And back: the second grows down into the first. */
static void boundary_up_and_down(void)
{
	protect(BASE + PAGE(2), 1, RW);
	protect(BASE + PAGE(2), 1, RWX);
}

static void check_boundary(void)
{
	x_check_pages(MM, BASE + PAGE(2), 4);
	x_finish();
}

EXPLORE(b16_boundary_moves_vs_migration, prepare_boundary, check_boundary, THREAD(boundary_up),
	THREAD(migrate));
EXPLORE(b16_boundary_moves_vs_reclaim, prepare_boundary, check_boundary,
	THREAD(boundary_up_and_down), THREAD(reclaim));

static void boundary_down(void)
{
	protect(BASE + PAGE(1), 1, RWX);
	CHECK_EQ(MM->map_count, 2);
}

EXPLORE(b16_boundary_down_vs_migration, prepare_boundary, check_boundary, THREAD(boundary_down),
	THREAD(migrate));

/*
 * ---- B19, B5: merges; what migration puts back has the rights of now ----
 *
 *	[RR|ww|RR]  ->  [RRRRRR]
 */

static void prepare_merge(void)
{
	x_machine();
	x_map(BASE, 6);
	protect(BASE, 2, RO);
	protect(BASE + PAGE(4), 2, RO);
	page = x_isolate(MM, BASE + PAGE(2));
}

static void merge_three(void)
{
	protect(BASE + PAGE(2), 2, RO);
	CHECK_EQ(x_write(MM, BASE + PAGE(2), 1), VM_FAULT_BADACCESS);
}

static void check_merge(void)
{
	CHECK_EQ(x_write(MM, BASE + PAGE(2), 1), VM_FAULT_BADACCESS);
	CHECK_EQ(MM->map_count, 1);
	x_check_pages(MM, BASE, 6);
	x_finish();
}

EXPLORE(b19_merge_vs_migration, prepare_merge, check_merge, THREAD(merge_three), THREAD(migrate));
EXPLORE(b19_merge_vs_reclaim, prepare_merge, check_merge, THREAD(merge_three), THREAD(reclaim));

static void split_and_merge(void)
{
	protect(BASE + PAGE(3), 1, RO);
	protect(BASE + PAGE(3), 1, RW);
}

static void check_split(void)
{
	x_poke(MM, BASE + PAGE(2), x_value(BASE + PAGE(2)));
	x_check_pages(MM, BASE, 6);
	x_finish();
}

EXPLORE(b19_split_vs_migration, prepare_merge, check_split, THREAD(split_and_merge),
	THREAD(migrate));

/* ---- B15: a stack that grows; B17: exec, which writes to a stack while it grows ---- */

#define STACK_TOP (BASE + PAGE(600))

static void prepare_stack(void)
{
	x_machine();
	CHECK_EQ(setup_stack_vma(MM, STACK_TOP, PAGE(2), 0), 0);
	poke(MM, STACK_TOP - PAGE(1), x_value(STACK_TOP - PAGE(1)));
	page = x_isolate(MM, STACK_TOP - PAGE(1));
}

static void grow_by_three(void)
{
	x_poke(MM, STACK_TOP - PAGE(3), x_value(STACK_TOP - PAGE(3)));
}

static void grow_by_five(void)
{
	x_poke(MM, STACK_TOP - PAGE(5), x_value(STACK_TOP - PAGE(5)));
}

static void check_stack(void)
{
	x_check_pages(MM, STACK_TOP - PAGE(1), 1);
	x_check_pages(MM, STACK_TOP - PAGE(3), 1);
	x_check_pages(MM, STACK_TOP - PAGE(5), 1);
	x_finish();
}

EXPLORE(b15_stack_growth_vs_migration, prepare_stack, check_stack, THREAD(grow_by_three),
	THREAD(grow_by_five), THREAD(migrate));
EXPLORE(b15_stack_growth_vs_reclaim, prepare_stack, check_stack, THREAD(grow_by_three),
	THREAD(grow_by_five), THREAD(reclaim));

/* What exec does: strings from the top down, through the kernel. */
static void exec_writes_arguments(void)
{
	for (unsigned long addr = STACK_TOP - PAGE(1); addr >= STACK_TOP - PAGE(5);
	     addr -= PAGE(1)) {
		u64 value = x_value(addr);

		mmap_write_lock(MM);
		CHECK_EQ(expand_stack_locked(find_vma(MM, addr), addr), 0);
		mmap_write_unlock(MM);
		CHECK_EQ(access_remote_vm(MM, addr, &value, sizeof(value), true), sizeof(value));
	}
}

static void check_arguments(void)
{
	x_check_pages(MM, STACK_TOP - PAGE(5), 5);
	x_finish();
}

EXPLORE(b17_exec_stack_vs_migration, prepare_stack, check_arguments, THREAD(exec_writes_arguments),
	THREAD(migrate));
EXPLORE(b17_exec_stack_vs_reclaim, prepare_stack, check_arguments, THREAD(exec_writes_arguments),
	THREAD(reclaim));

/*
 * ---- B20: an anon_vma that is freed, and used again, between a look at page->mapping and a
 * reference ----
 */

static struct anon_vma *found, *reused;

static void prepare_teardown(void)
{
	x_machine();
	x_map(BASE, 1);
	page = x_isolate(MM, BASE);
}

static void look_up_anon_vma(void)
{
	found = page_get_anon_vma(page);
	CHECK(!found || found != reused);
	if (found)
		put_anon_vma(found);
	x_reclaim(page);
}

static void unmap_and_map(void)
{
	CHECK_EQ(vm_munmap(MM, BASE, PAGE(1)), 0);
	map_anon(MM, BASE + PAGE(64), PAGE(1), RW);
	x_poke(MM, BASE + PAGE(64), 1);
	mmap_read_lock(MM);
	reused = vma_at(MM, BASE + PAGE(64))->anon_vma;
	mmap_read_unlock(MM);
}

EXPLORE(b20_anon_vma_lookup_vs_teardown, prepare_teardown, x_finish, THREAD(look_up_anon_vma),
	THREAD(unmap_and_map));

/*
 * What a lookup does when the page has gone, and its anon_vma is being used again, for the child of
 * another family: it gets a reference, sees its mistake, and gives it back; as the last one, if the
 * child is gone by then, together with what the anon_vma holds of that family's root.
 */
static struct anon_vma *stale;

static void prepare_recycled(void)
{
	x_machine();
	x_map(BASE, 1);
	x_map(BASE + PAGE(64), 1);
	stale = vma_at(MM, BASE)->anon_vma;
	/* It lies where the CPU of the one that forks will take it from. */
	host_set_cpu(1);
	CHECK_EQ(vm_munmap(MM, BASE, PAGE(1)), 0);
	host_set_cpu(0);
}

static void reference_by_mistake(void)
{
	if (atomic_inc_not_zero(&stale->refcount))
		put_anon_vma(stale);
}

static void fork_and_unmap(void)
{
	x_fork(MM, 1);
	CHECK(vma_at(x_mm[1], BASE + PAGE(64))->anon_vma == stale);
	CHECK_EQ(vm_munmap(x_mm[1], BASE + PAGE(64), PAGE(1)), 0);
}

EXPLORE(b20_reference_of_a_recycled_anon_vma, prepare_recycled, x_finish,
	THREAD(reference_by_mistake), THREAD(fork_and_unmap));

/* The root of a family goes with its last member, while a walk holds or wants its lock. */
static void prepare_family(void)
{
	x_machine();
	x_map(BASE, 1);
	x_fork(MM, 1);
	poke(x_mm[1], BASE, 7);
	page = x_isolate(x_mm[1], BASE);
}

static void parent_exits(void)
{
	CHECK_EQ(vm_munmap(MM, BASE, PAGE(1)), 0);
}

static void child_exits(void)
{
	CHECK_EQ(vm_munmap(x_mm[1], BASE, PAGE(1)), 0);
}

EXPLORE(b20_family_teardown_vs_migration, prepare_family, x_finish, THREAD(parent_exits),
	THREAD(child_exits), THREAD(migrate));
EXPLORE(b20_family_teardown_vs_reclaim, prepare_family, x_finish, THREAD(parent_exits),
	THREAD(child_exits), THREAD(reclaim));

/* ---- B21: two first faults in one VMA, and one in its neighbour, which may share ---- */

static void prepare_unfaulted(void)
{
	x_machine();
	map_anon(MM, BASE, PAGE(2), RW);
	map_anon(MM, BASE + PAGE(2), PAGE(1), RW | PROT_EXEC);
}

static void touch_0(void)
{
	x_poke(MM, BASE, x_value(BASE));
}

static void touch_1(void)
{
	x_poke(MM, BASE + PAGE(1), x_value(BASE + PAGE(1)));
}

static void touch_2(void)
{
	x_poke(MM, BASE + PAGE(2), x_value(BASE + PAGE(2)));
}

static void check_touched(void)
{
	x_check_pages(MM, BASE, 3);
	x_finish();
}

EXPLORE(b21_first_faults_prepare_anon_vma, prepare_unfaulted, check_touched, THREAD(touch_0),
	THREAD(touch_1), THREAD(touch_2));
