/* SPDX-License-Identifier: MIT */
/*
 * RCU on the host: callbacks wait in a queue until the test says that a grace period has passed
 * (host_rcu_quiesce()), or somebody waits for one. So a test can look at what a reader would see in
 * between.
 */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include "lib/compiler.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

extern int host_rcu_depth;

static inline void rcu_read_lock(void)
{
	host_rcu_depth++;
}

void rcu_read_unlock(void);

static inline bool rcu_read_lock_held(void)
{
	return host_rcu_depth > 0;
}

#define rcu_dereference(p)	 READ_ONCE(p)
#define rcu_access_pointer(p)	 READ_ONCE(p)
#define rcu_dereference_raw(p)	 READ_ONCE(p)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v)	 WRITE_ONCE(p, v)

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void kfree_call_rcu(struct rcu_head *head, size_t offset);
#define kfree_rcu(ptr, field) kfree_call_rcu(&(ptr)->field, offsetof(__typeof__(*(ptr)), field))

void synchronize_rcu(void);
void rcu_barrier(void);
/* Run all callbacks queued, and those that they queue. Returns how many. */
unsigned int host_rcu_quiesce(void);

#endif
