/* SPDX-License-Identifier: MIT */
/*
 * The machine under the tests: locks that check, CPUs that are pretended, memory that is a file.
 *
 * Everything mm/ needs from arch/ and kernel/ and that the shadow headers only declare is here.
 */
#define _GNU_SOURCE
#include <execinfo.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The system's PROT_ and MAP_ constants would get in the way of the kernel's. */
static const int prot_rw = PROT_READ | PROT_WRITE, prot_none = PROT_NONE;
static const int map_shared = MAP_SHARED, map_reserve = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
static const int map_anon = MAP_PRIVATE | MAP_ANONYMOUS, map_fixed = MAP_FIXED;
#undef PROT_READ
#undef PROT_WRITE
#undef PROT_EXEC
#undef PROT_NONE
#undef PROT_GROWSDOWN
#undef PROT_GROWSUP

#include "arch/x86_64/kmap.h"
#include "arch/x86_64/tlb.h"
#include "kernel/lockdep.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/interval_tree.h"
#include "mm/lru.h"
#include "mm/memblock.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/radix_pool.h"
#include "mm/reclaim.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"
#include "tests/host/point.h"
#include "tests/host/test.h"

/* ---- messages and panics ---- */

static void say(const char *fmt, va_list ap)
{
	if (fmt[0] == KERN_SOH[0] && fmt[1])
		fmt += 2;
	vfprintf(stderr, fmt, ap);
}

int vprintk(const char *fmt, va_list ap)
{
	/* Only what is worse than a notice: tests are quiet. */
	if (fmt[0] != KERN_SOH[0] || fmt[1] < '5' || fmt[1] == 'c')
		say(fmt, ap);
	return 0;
}

int printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(fmt, ap);
	va_end(ap);
	return 0;
}

bool printk_allowed(struct printk_ratelimit *limit)
{
	return true;
}

void dump_stack(void)
{
	void *frames[32];

	backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "panic: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	dump_stack();
	if (host_failure_report)
		host_failure_report();
	fflush(NULL);
	_exit(99);
}

void __bug(const struct bug_site *site)
{
	panic("%s:%d: %s: %s", site->file, site->line, site->func, site->what);
}

bool __warn(const struct bug_site *site)
{
	panic("warning: %s:%d: %s: %s", site->file, site->line, site->func, site->what);
}

bool panic_in_progress(void)
{
	return false;
}

/* ---- CPUs ---- */

void (*host_sync_point)(int point);

extern char __start_percpu[], __stop_percpu[];

unsigned long __per_cpu_offset[HOST_CPUS];
unsigned int host_cpu, nr_cpu_ids = HOST_CPUS;
u64 cpu_online_mask = (1 << HOST_CPUS) - 1;
int host_preempt_count;
bool host_irqs_off;

/* The copies of the per-CPU section live as long as the program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* Each in pages of its own, which the explorer can put back. */
__attribute__((constructor)) static void setup_percpu(void)
{
	size_t size = __stop_percpu - __start_percpu;

	for (unsigned int cpu = 1; cpu < HOST_CPUS; cpu++) {
		void *copy = mmap(NULL, size, prot_rw, map_anon, -1, 0);

		memcpy(copy, __start_percpu, size);
		__per_cpu_offset[cpu] = (unsigned long)copy - (unsigned long)__start_percpu;
	}
}

void host_set_cpu(unsigned int cpu)
{
	BUG_ON(cpu >= HOST_CPUS || host_preempt_count || host_irqs_off);
	host_cpu = cpu;
}

void preempt_enable(void)
{
	BUG_ON(host_preempt_count <= 0);
	host_preempt_count--;
}

void host_might_sleep(const char *file, int line)
{
	if (host_preempt_count || host_irqs_off || host_rcu_depth)
		panic("%s:%d may sleep: preempt count %d, irqs %s, RCU depth %d", file, line,
		      host_preempt_count, host_irqs_off ? "off" : "on", host_rcu_depth);
}

void host_deadlock(const char *what, const char *file, int line)
{
	panic("%s:%d waits for ever: %s", file, line, what);
}

/* ---- locks ---- */

int host_locks_held;

static bool free_for_reading(const void *lock)
{
	return ((const struct host_lock *)lock)->state >= 0;
}

static bool free_for_writing(const void *lock)
{
	return !((const struct host_lock *)lock)->state;
}

bool host_lock_try(struct host_lock *lock, bool write)
{
	if (!(write ? free_for_writing : free_for_reading)(lock))
		return false;
	if (host_exploring)
		explore_lock_taken(lock, write);
	lock->state = write ? -1 : lock->state + 1;
	lock->taken++;
	host_locks_held++;
	return true;
}

void host_lock_acquire(struct host_lock *lock, bool write, const char *file, int line)
{
	if (host_exploring)
		host_block(write ? free_for_writing : free_for_reading, lock, lock->name, file,
			   line);
	if (!host_lock_try(lock, write))
		panic("%s:%d: %s is held already (%d)", file, line, lock->name, lock->state);
}

void host_lock_release(struct host_lock *lock, bool write, const char *file, int line)
{
	if (write ? lock->state != -1 : lock->state <= 0)
		panic("%s:%d: %s is released, but not held (%d)", file, line, lock->name,
		      lock->state);
	if (host_exploring)
		explore_lock_dropped(lock, write, file, line);
	lock->state = write ? 0 : lock->state - 1;
	host_locks_held--;
}

void host_lock_leave(struct host_lock *lock, bool write, const char *file, int line)
{
	host_lock_release(lock, write, file, line);
	if (host_exploring)
		explore_wake_waiters(lock, file, line);
}

void lockdep_check_freed(const void *mem, size_t size)
{
	if (host_exploring && explore_lock_in_use(mem, size))
		panic("memory %p is freed with a lock in it that is in use", mem);
}

void host_lock_downgrade(struct host_lock *lock, const char *file, int line)
{
	host_lock_release(lock, true, file, line);
	if (!host_lock_try(lock, false))
		panic("%s:%d: %s was not the caller's", file, line, lock->name);
}

void host_lock_assert(const struct host_lock *lock, bool write, const char *what, const char *file,
		      int line)
{
	if (!lock->state || (write && lock->state != -1) ||
	    (host_exploring && !explore_lock_is_mine(lock)))
		panic("%s:%d: %s is not held%s", file, line, what, write ? " for writing" : "");
}

void host_lock_assert_free(const struct host_lock *lock, const char *what, const char *file,
			   int line)
{
	if (host_exploring ? explore_lock_is_mine(lock) : lock->state)
		panic("%s:%d: %s is held", file, line, what);
}

/* ---- RCU ---- */

int host_rcu_depth;
static struct rcu_head *rcu_queue, **rcu_tail = &rcu_queue;

void rcu_read_unlock(void)
{
	BUG_ON(host_rcu_depth <= 0);
	host_rcu_depth--;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = NULL;
	*rcu_tail = head;
	rcu_tail = &head->next;
}

/* As in the kernel: an "offset" instead of a function means kfree of the object around. */
void kfree_call_rcu(struct rcu_head *head, size_t offset)
{
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

unsigned int host_rcu_quiesce(void)
{
	unsigned int n = 0;

	BUG_ON(host_rcu_depth);
	while (rcu_queue) {
		struct rcu_head *head = rcu_queue;

		rcu_queue = head->next;
		if (!rcu_queue)
			rcu_tail = &rcu_queue;
		if ((unsigned long)head->func < 4096)
			kfree((char *)head - (unsigned long)head->func);
		else
			head->func(head);
		n++;
	}
	return n;
}

void synchronize_rcu(void)
{
	might_sleep();
	if (host_exploring)
		host_block(explore_no_rcu_readers, NULL, "a grace period", __FILE__, __LINE__);
	host_rcu_quiesce();
}

void rcu_barrier(void)
{
	synchronize_rcu();
}

/* ---- translation caches: flushes are counted, and told to who simulates one ---- */

unsigned long host_tlb_flushes;
void (*host_flush_tlb)(struct mm *mm, unsigned long start, unsigned long end);

static void flush(struct mm *mm, unsigned long start, unsigned long end)
{
	host_point(POINT_FLUSH, mm, "flush_tlb");
	host_tlb_flushes++;
	if (host_flush_tlb)
		host_flush_tlb(mm, start, end);
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	BUG_ON(host_irqs_off);
	host_tlb_flushes++;
}

void flush_tlb_mm(struct mm *mm)
{
	flush(mm, 0, TASK_SIZE);
}

void flush_tlb_range(struct mm *mm, unsigned long start, unsigned long end)
{
	flush(mm, start, end);
}

void flush_tlb_page(struct mm *mm, unsigned long addr)
{
	flush(mm, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
}

void tlb_batch_add(struct tlb_batch *batch, struct mm *mm)
{
	batch->pending = true;
	for (unsigned int i = 0; i < batch->nr; i++) {
		if (batch->mms[i] == mm)
			return;
	}
	if (batch->nr == HOST_BATCH_MMS) { /* flushing early is always right */
		flush(mm, 0, TASK_SIZE);
		return;
	}
	batch->mms[batch->nr++] = mm;
}

void tlb_batch_flush(struct tlb_batch *batch)
{
	for (unsigned int i = 0; i < batch->nr; i++)
		flush(batch->mms[i], 0, TASK_SIZE);
	batch->nr = 0;
	batch->pending = false;
}

/* ---- page tables: there is no kernel half ---- */

void (*host_idle_hook)(void);
pgd_t swapper_pg_dir[PTRS_PER_TABLE] __aligned(4096);

void pgd_init_kernel_half(pgd_t *pgd)
{
}

/* ---- memory ---- */

unsigned long host_direct_map, host_vmalloc, host_vmemmap;
size_t host_ram_size;
static int ram_fd = -1;

phys_addr_t host_pa(unsigned long addr)
{
	if (addr < host_direct_map || addr - host_direct_map >= host_ram_size)
		panic("__pa(%#lx): not in the direct map", addr);
	return addr - host_direct_map;
}

static void *map(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = mmap(addr, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		panic("mmap of %zu bytes on the host failed", size);
	return p;
}

void host_memory(unsigned int mib)
{
	size_t pages;

	host_ram_size = (size_t)mib << 20;
	ram_fd = memfd_create("ram", 0);
	if (ram_fd < 0 || ftruncate(ram_fd, (off_t)host_ram_size))
		panic("no memory file on the host");
	host_direct_map = (unsigned long)map(NULL, host_ram_size, prot_rw, map_shared, ram_fd, 0);
	pages = ALIGN(host_ram_size >> PAGE_SHIFT, PAGES_PER_BLOCK);
	host_vmemmap =
		(unsigned long)map(NULL, pages * sizeof(struct page), prot_rw, map_anon, -1, 0);
	host_vmalloc = (unsigned long)map(NULL, HOST_VMALLOC_SIZE, prot_none, map_reserve, -1, 0);
}

/* The page table of the vmalloc area: frame number + 1 by page of the area, 0: not mapped. */
static u32 vmalloc_table[HOST_VMALLOC_SIZE / PAGE_SIZE];

static u32 *vmalloc_entry(unsigned long vaddr)
{
	BUG_ON(vaddr < host_vmalloc || vaddr - host_vmalloc >= HOST_VMALLOC_SIZE);
	return &vmalloc_table[(vaddr - host_vmalloc) >> PAGE_SHIFT];
}

bool host_vmalloc_mapped(unsigned long vaddr)
{
	return *vmalloc_entry(vaddr);
}

int map_kernel_page(unsigned long vaddr, phys_addr_t phys, pgprot_t prot)
{
	BUG_ON(host_exploring); /* the host's mappings are not put back after a schedule */
	BUG_ON(*vmalloc_entry(vaddr));
	map((void *)vaddr, PAGE_SIZE, prot_rw, map_shared | map_fixed, ram_fd, (off_t)phys);
	*vmalloc_entry(vaddr) = (u32)PFN_DOWN(phys) + 1;
	return 0;
}

phys_addr_t unmap_kernel_page(unsigned long vaddr)
{
	u32 *entry = vmalloc_entry(vaddr), was = *entry;

	/* Under the explorer the mapping stays: the table says that there is one after a reset. */
	if (!host_exploring)
		map((void *)vaddr, PAGE_SIZE, prot_none, map_reserve | map_fixed, -1, 0);
	*entry = 0;
	return was ? PFN_PHYS(was - 1) : 0;
}

static bool tree_only;

void host_tree_only(void)
{
	tree_only = true;
}

void host_boot(unsigned int mib)
{
	host_memory(mib);
	memblock_add(0, host_ram_size);
	memblock_reserve(0, 1 << 20);
	page_init();
	buddy_init();
	slab_init();
	radix_pool_init();
	vmalloc_init();
	buddy_setup_cpus(nr_cpu_ids);
	lru_init();
	reclaim_init();
	mm_caches_init();
	shmem_init();
	fault_init();
	commit_init();
	swap_ram_init();
	if (test_option("rmap") && !tree_only)
		anon_rmap_list = !strcmp(test_option("rmap"), "list");
}
