/* SPDX-License-Identifier: MIT */
/*
 * What the files of the process code (task, fork, exec, exit, wait, ids) need of each other and
 * nobody else does.
 */
#pragma once

#include "arch/x86_64/layout.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/task.h"
#include "kernel/uapi/resource.h"
#include "kernel/uapi/time.h"

/* task.c: see there. */
struct task *dup_task_struct(void);
void free_new_task(struct task *p);

/*
 * A structure that grows from kernel to kernel. `usize` bytes are the caller's: what is missing
 * reads as zero, what is too much must be zero. 0, -E2BIG, -EFAULT.
 */
int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize);

/* wait4.c, sys_time.c and getrusage(2): CPU time, faults and memory of a process. */
void get_rusage(struct task *t, int who, struct rusage *ru);
/* A negative clock number: ~pid << 3 | kind, bit 2 set for a single thread. */
#define CPUCLOCK_PERTHREAD 4
#define CPUCLOCK_KIND	   3
#define CPUCLOCK_FD	   3

/* The calls' clocks: now on clock `id` in ns. 0 or -EINVAL. */
int clock_now(int id, u64 *ns);
/* What a timer on clock `id`, which is no CPU time, goes by. */
enum timer_clock timer_clock_of(int id, bool absolute);
/*
 * adjtimex.c: the wall clock is now at ns; timers on it are told. 0, -EPERM, -EINVAL: later than the
 * clock can count, or earlier than the boot would then have been.
 */
int set_wall_clock(u64 ns);
struct timeval ns_to_timeval(u64 ns);
struct timespec ns_to_timespec(u64 ns);
/* False if out of range. A time too large for u64 nanoseconds becomes the largest. */
bool timespec_to_ns(const struct timespec *ts, u64 *ns);
bool timeval_to_ns(const struct timeval *tv, u64 *ns);
int get_timespec(u64 *ns, const struct timespec __user *uts);

/* All time on a CPU of t's process, dead threads included, in ns. */
u64 thread_group_runtime(struct task *t);
/* The same with siglock held, for a process by its signal_struct. */
u64 thread_group_runtime_locked(struct signal_struct *sig);
/* posix_timer.c: timers on the CPU clocks of current's process that have expired. */
void check_posix_cpu_timers(void);
/* Divide `total` into user and system time by the sampled values in *utime and *stime. */
void cputime_adjust(u64 total, u64 *utime, u64 *stime);

/*
 * execve: end the other threads, become the leader. 0, or -EAGAIN when somebody else is ending the
 * process. Sleeps.
 */
int de_thread(void);

/* exec.c and exit.c: the parent of vfork goes on. */
void complete_vfork_done(struct task *t);
/* exec.c: what mm/ enforces of the limits of a task's process, and what the task is above. */
void update_mm_limits(struct mm *mm, struct task *t);
/* A task by number as the id calls mean it: 0 is current. With a reference, or NULL. */
struct task *get_task_or_self(pid_t pid);
