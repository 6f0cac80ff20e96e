/* SPDX-License-Identifier: MIT */
#ifndef MM_MM_H
#define MM_MM_H

/*
 * struct mm: one address space. Threads of a process share it; fork makes a new one.
 *
 * Two counts keep it alive. mm_users counts those who use the address space (tasks, and whoever
 * looks into it from outside, such as the OOM killer): when it falls to zero, every mapping goes
 * (exit_mmap()). mm_count counts those who only need the structure and its top page table (a CPU
 * that runs a kernel thread on a borrowed page table): all of mm_users together hold one of it.
 *
 *	mm_alloc() -- users 1, count 1 --> mmput() last user --> exit_mmap() --> mmdrop() --> freed
 */

#include "arch/x86_64/layout.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/lockdep.h"
#include "kernel/rwsem.h"
#include "kernel/spinlock.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"

struct vm_area;
struct vm_file;

/* What a page counts as in its mapper's resident set. */
enum mm_counter { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

/* Resource limits that the mm code enforces, in bytes; ~0UL means none. The kernel proper sets
 * them (setrlimit, exec, fork); a task allowed to lock any amount gets memlock = ~0UL. */
struct mm_limits {
	unsigned long as;
	unsigned long data;
	unsigned long data_max; /* the hard one: counts for mappings while data is 0 */
	unsigned long stack;
	unsigned long memlock;
	bool admin; /* CAP_SYS_ADMIN: may use admin_reserve_kbytes */
};

/* Bits of mm->flags (set_bit and friends). */
#define MMF_OOM_VICTIM	  0 /* chosen by the OOM killer: its tasks are dying */
#define MMF_OOM_REAPED	  1 /* its private anonymous memory has been taken already */
#define MMF_UNSTABLE	  2 /* contents may be gone: faults must fail instead of giving zeroes */
#define MMF_NOT_DUMPABLE  3 /* prctl(PR_SET_DUMPABLE, 0) */
#define MMF_LEGACY_LAYOUT 4 /* mmap searches upward from mmap_base */
#define MMF_DISABLE_THP	  5 /* prctl(PR_SET_THP_DISABLE): no huge pages here */
/* has registered for membarrier(PRIVATE_EXPEDITED ...) */
#define MMF_MEMBARRIER		 6
#define MMF_MEMBARRIER_SYNC_CORE 7
#define MMF_MEMBARRIER_RSEQ	 8
/* prctl(PR_SET_MDWE): no mapping may be writable and executable, or become executable later ... */
#define MMF_HAS_MDWE		9
#define MMF_HAS_MDWE_NO_INHERIT 10 /* ... but a child's, or those of the next program, may */
#define MMF_HAS_SEALED		11 /* some VMA has VM_SEALED */
/* What a child has of its parent. */
#define MMF_FORK_MASK                                                                     \
	(BIT(MMF_NOT_DUMPABLE) | BIT(MMF_LEGACY_LAYOUT) | BIT(MMF_DISABLE_THP) |          \
	 BIT(MMF_MEMBARRIER) | BIT(MMF_MEMBARRIER_SYNC_CORE) | BIT(MMF_MEMBARRIER_RSEQ) | \
	 BIT(MMF_HAS_SEALED) | BIT(MMF_HAS_MDWE))
/* What a program has of the one that it replaces. */
#define MMF_EXEC_MASK (BIT(MMF_DISABLE_THP) | BIT(MMF_HAS_MDWE))

/* The bits of `mask` that a new address space takes over from one with these flags. */
static inline unsigned long mmf_inherited(unsigned long flags, unsigned long mask)
{
	return flags & (flags & BIT(MMF_HAS_MDWE_NO_INHERIT) ? mask & ~BIT(MMF_HAS_MDWE) : mask);
}

#define AT_VECTOR_SIZE 48

/*
 * Lock key:
 *  (m) mmap_lock: read to look, write to change
 *  (p) page_table_lock
 *  (l) mmlist_lock
 *  (a) atomic or single-word, no lock
 *  (c) constant after mm_alloc() or exec
 */
struct mm {
	struct rb_root vma_root;       /* (m) VMAs by address, augmented by gap */
	struct vm_area *vma_cache;     /* (a) last VMA found; cleared under (m) write */
	pgd_t *pgd;		       /* (c) top page table, in the direct map */
	struct rw_semaphore mmap_lock; /* outermost lock of mm/ */
	spinlock_t page_table_lock;    /* upper-level tables; publication of vma->anon_vma */
	atomic_t mm_users;	       /* (a) */
	atomic_t mm_count;	       /* (a) */
	int map_count;		       /* (m) number of VMAs */
	int oom_score_adj;	       /* (a) -1000 .. 1000 */
	unsigned long mmap_base;       /* (c) top-down search starts here */
	unsigned long total_vm;	       /* (m) pages, of all mappings */
	unsigned long locked_vm;       /* (m) pages, of VM_LOCKED mappings */
	unsigned long data_vm;	       /* (m) pages, private writable not stack */
	unsigned long stack_vm;	       /* (m) pages, stack */
	unsigned long exec_vm;	       /* (m) pages, executable not writable */
	unsigned long hiwater_rss;     /* (a) pages; raised before the RSS falls */
	unsigned long hiwater_vm;      /* (m) pages */
	unsigned long def_flags;       /* (m) VM_LOCKED after mlockall(MCL_FUTURE) */
	unsigned long flags;	       /* (a) MMF_* */
	atomic_long_t rss_stat[NR_MM_COUNTERS];			  /* (a) pages */
	atomic_long_t pgtables_bytes;				  /* (a) */
	unsigned long start_code, end_code, start_data, end_data; /* (c) */
	unsigned long start_brk, brk;				  /* (m) */
	unsigned long start_stack;				  /* (c) */
	unsigned long arg_start, arg_end, env_start, env_end;	  /* (c) */
	unsigned long saved_auxv[AT_VECTOR_SIZE];		  /* (c) */
	struct mm_limits limits;				  /* (a) */
	struct list_head mmlist;				  /* (l) every user address space */
	struct vm_file *exe_file;     /* (m) counted reference or NULL */
	void *owner;		      /* the kernel's; opaque here */
	atomic_t tlb_batched;	      /* (a) PTEs cleared by reclaim whose flush was put off ... */
	atomic_t tlb_batched_flushed; /* (a) ... and those of them that are flushed since */
	struct arch_mm arch;	      /* CPU mask, TLB generation */
};

/* The kernel's own address space: what kernel threads and idle CPUs run on. Has no VMAs. */
extern struct mm init_mm;

/* Every user address space, for those who look for one (OOM killer, swapoff, the rmap audit).
 * Take mmget_not_zero() before the lock is dropped if the mm is to be used after. */
extern struct list_head mmlist;
extern spinlock_t mmlist_lock;

/* ---- life ---------------------------------------------------------------------------------- */

/* Create the slab caches of mm, VMA, anon_vma and AVC. Once, at boot, after slab_init(). */
void mm_caches_init(void);

/* Give init_mm the kernel's top-level table. Once, at boot, after paging_init(). */
void mm_init_kernel(void);

/* A new empty address space: users 1, count 1, kernel half mapped, limits unlimited, layout
 * default. May sleep. NULL when memory is short. */
struct mm *mm_alloc(void);

/* Take and drop a use of the address space. The last mmput() unmaps everything, so mmput() may
 * sleep and takes mmap_lock; it is not for atomic context. */
static inline void mmget(struct mm *mm)
{
	atomic_inc(&mm->mm_users);
}

static inline bool mmget_not_zero(struct mm *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

void mmput(struct mm *mm);

/* The same for one who may hold locks that the end of an address space takes (the OOM killer, deep
 * in an allocation): a last use is handed to kswapd. Does not sleep. */
void mmput_async(struct mm *mm);

/* Has mmput_async() left something that is not ended yet? Its memory will come. Any context. */
bool mm_end_pending(void);

/* End what mmput_async() has left. For kswapd, which holds no lock. May sleep. */
void mm_end_queued(void);

/* Keep and drop the structure alone. mmdrop() does not sleep; callable with interrupts on and
 * preemption off (the context switch does). */
static inline void mmgrab(struct mm *mm)
{
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm *mm);

/* Replace the program file that /proc/PID/exe names. Takes its own reference of vmf (may be NULL)
 * and drops the old one. Takes mmap_lock for writing. */
void mm_set_exe_file(struct mm *mm, struct vm_file *vmf);

/* Remove every mapping and every page table below the top one. For mmput() and for a fork that
 * failed half way. Nobody else may use the mm any more. Takes mmap_lock. */
void exit_mmap(struct mm *mm);

/* ---- mmap_lock ------------------------------------------------------------------------------ */

static inline void mmap_read_lock(struct mm *mm) __acquires(&mm->mmap_lock)
{
	down_read(&mm->mmap_lock);
}

static inline int mmap_read_lock_killable(struct mm *mm)
{
	return down_read_killable(&mm->mmap_lock);
}

static inline bool mmap_read_trylock(struct mm *mm)
{
	return down_read_trylock(&mm->mmap_lock);
}

static inline void mmap_read_unlock(struct mm *mm) __releases(&mm->mmap_lock)
{
	up_read(&mm->mmap_lock);
}

static inline void mmap_write_lock(struct mm *mm) __acquires(&mm->mmap_lock)
{
	down_write(&mm->mmap_lock);
}

/* The second mmap_lock of fork: the child's, inside the parent's. */
static inline void mmap_write_lock_nested(struct mm *mm, int subclass) __acquires(&mm->mmap_lock)
{
	down_write_nested(&mm->mmap_lock, subclass);
}

static inline int mmap_write_lock_killable(struct mm *mm)
{
	return down_write_killable(&mm->mmap_lock);
}

static inline bool mmap_write_trylock(struct mm *mm)
{
	return down_write_trylock(&mm->mmap_lock);
}

static inline void mmap_write_unlock(struct mm *mm) __releases(&mm->mmap_lock)
{
	up_write(&mm->mmap_lock);
}

static inline void mmap_write_downgrade(struct mm *mm)
{
	downgrade_write(&mm->mmap_lock);
}

#define mmap_assert_locked(mm)	     lockdep_assert_held(&(mm)->mmap_lock)
#define mmap_assert_write_locked(mm) lockdep_assert_held_write(&(mm)->mmap_lock)

/* ---- counters ------------------------------------------------------------------------------- */

static inline unsigned long get_mm_counter(struct mm *mm, int member)
{
	long val = atomic_long_read(&mm->rss_stat[member]);

	return val < 0 ? 0 : val;
}

static inline void add_mm_counter(struct mm *mm, int member, long pages)
{
	atomic_long_add(pages, &mm->rss_stat[member]);
}

static inline void inc_mm_counter(struct mm *mm, int member)
{
	atomic_long_inc(&mm->rss_stat[member]);
}

static inline void dec_mm_counter(struct mm *mm, int member)
{
	atomic_long_dec(&mm->rss_stat[member]);
}

/* Resident pages of all kinds. */
static inline unsigned long get_mm_rss(struct mm *mm)
{
	return get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_ANONPAGES) +
	       get_mm_counter(mm, MM_SHMEMPAGES);
}

/* Remember the highest resident set; call before pages are taken away. */
static inline void update_hiwater_rss(struct mm *mm)
{
	unsigned long rss = get_mm_rss(mm);

	if (READ_ONCE(mm->hiwater_rss) < rss)
		WRITE_ONCE(mm->hiwater_rss, rss);
}

static inline void mm_inc_table(struct mm *mm)
{
	atomic_long_add(PAGE_SIZE, &mm->pgtables_bytes);
}

static inline void mm_dec_table(struct mm *mm)
{
	atomic_long_sub(PAGE_SIZE, &mm->pgtables_bytes);
}

/* ---- commitment of memory (commit.c) --------------------------------------------------------- */

extern int sysctl_overcommit_memory; /* 0 heuristic, 1 always, 2 never */
extern int sysctl_overcommit_ratio;  /* percent of RAM, for mode 2 ... */
extern int sysctl_overcommit_kbytes; /* ... unless this is not 0 */
extern int sysctl_admin_reserve_kbytes, sysctl_user_reserve_kbytes; /* mode 2: commit.c */
extern int sysctl_max_map_count;				    /* VMAs per address space */

/* Boot, when memory is there: the reserves, of its size. */
void commit_init(void);

/* The address space of whoever runs; NULL: of a thread of the kernel. Set at boot. */
extern struct mm *(*mm_of_caller)(void);

/* Promise mm (NULL: whoever runs, for shared memory, which is nobody's) `pages` more pages. 0, or
 * -ENOMEM when the promise is one that obviously cannot be kept (mode 0: more than all RAM and
 * swap). No lock needed. */
int vm_enough_memory(const struct mm *mm, unsigned long pages);

/* The same when promises of `ending` pages, still counted now, are about to end. */
int vm_enough_memory_instead(const struct mm *mm, unsigned long pages, unsigned long ending);

/* Take the promise back. */
void vm_unacct_memory(unsigned long pages);

/* For /proc/meminfo: what is promised, and what mode 2 would allow, in pages. */
unsigned long vm_committed_pages(void);
unsigned long vm_commit_limit(void);

#endif
