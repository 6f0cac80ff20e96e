/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: end one process so that the others can go on. The essay is in mm/oom.c.
 */
#ifndef MM_OOM_H
#define MM_OOM_H

#include "lib/types.h"

struct mm;

/*
 * How the kernel kills all tasks that use an address space. Set once by the kernel, called with no
 * locks held. The mm has a reference for the length of the call.
 */
extern void (*oom_kill_hook)(struct mm *mm, const char *why);

/*
 * Is the running task the victim already, or being killed? Then it must not wait for others. Set
 * once by the kernel; NULL: never.
 */
extern bool (*oom_current_is_dying)(void);

/*
 * out_of_memory() - reclaim has failed: choose the process whose end frees most, kill it, and take
 * its anonymous pages at once, unless there is memory by now (LAST-LOOK). May sleep. Returns true
 * when memory was or will be freed, so that the allocation should be tried again; false when there
 * is nobody to kill.
 */
bool out_of_memory(gfp_t gfp, unsigned int order);

/*
 * reap_dying_mm() - take the private anonymous memory of a process now that would free it by its
 * exit. All that use the mm are being killed: their faults fail from here on. Takes mmap_lock, may
 * sleep. 0, or -EINTR: the caller was killed while he waited.
 */
int reap_dying_mm(struct mm *mm);

/*
 * A page fault ended with VM_FAULT_OOM, all locks dropped: make room, the fault is then repeated.
 */
void pagefault_out_of_memory(void);

#define OOM_SCORE_ADJ_MIN (-1000) /* never chosen */
#define OOM_SCORE_ADJ_MAX 1000

/*
 * How much ending mm would free, in pages: resident, swapped, page tables, moved by oom_score_adj
 * thousandths of all memory, so it may be negative. LONG_MIN: must not be killed. Reads counters
 * only.
 */
long oom_badness(struct mm *mm);

#endif
