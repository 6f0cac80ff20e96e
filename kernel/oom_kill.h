/* SPDX-License-Identifier: MIT */
/* Which processes end first when memory runs out. */
#pragma once

#include "lib/types.h"

struct mm;
struct task;

#define OOM_SCORE_ADJ_MIN (-1000) /* never */
#define OOM_SCORE_ADJ_MAX 1000

/* Gives mm/oom.c its hooks. Boot. */
void oom_kill_init(void);
/* /proc/sys/vm/panic_on_oom: end the machine rather than a process. */
extern int panic_on_oom;

/* Is a process, by its leader, on its way out, and no core file to be written yet? Takes siglock. */
bool process_is_dying(struct task *p);
/* Is every process that uses mm? Then nobody will look at its memory again. */
bool mm_users_are_dying(struct mm *mm);

/*
 * /proc/PID/oom_score_adj, or oom_adj (legacy), by which nobody can go back to where he once was.
 * 0, -EINVAL, -EACCES (lowering it is for the privileged).
 */
int set_oom_score_adj(struct task *t, int adj, bool legacy);
