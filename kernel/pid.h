/* SPDX-License-Identifier: MIT */
/*
 * Process identifiers. A struct pid is the number itself: as long as a thread, a process group or a
 * session bears it, or somebody holds a reference (a pidfd, a terminal), the number is not given
 * out again.
 */
#pragma once

#include "kernel/rcu.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/types.h"

struct task;

#define PID_MAX 32768

struct pid {
	pid_t nr;
	atomic_t count;
	struct hlist_node hash; /* pid_lock; RCU to read */
	struct task *task; /* the thread with this number or NULL: tasklist_lock; RCU to read */
	struct list_head pgrp_members; /* signal_struct.pgrp_node: tasklist_lock */
	struct list_head session_members;
	struct wait_queue_head wait_pidfd; /* woken when the process is a zombie or gone */
	struct rcu_head rcu;
};

void pid_init(void);
/*
 * A new number with one reference: `wanted`, or any if that is 0. ERR_PTR: -EEXIST when the wanted
 * one is taken, -EAGAIN when all are, -ENOMEM.
 */
struct pid *alloc_pid(pid_t wanted);
struct pid *get_pid(struct pid *pid);
/* The last put frees the number. */
void put_pid(struct pid *pid);
/* The number's struct pid, RCU read lock held; NULL if unused. find_get_pid: with a reference. */
struct pid *find_pid(pid_t nr);
struct pid *find_get_pid(pid_t nr);
/* The thread that bears it, with a reference; NULL: @pid is, or nobody does. */
struct task *pid_get_task(struct pid *pid);
