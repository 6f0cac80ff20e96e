/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include "kernel/lockdep.h"
#include "kernel/preempt.h"

struct mutex {
	struct host_lock h;
};

#define DEFINE_MUTEX(m) struct mutex m = {{#m, 0, 0}}
#define mutex_init(m)	(*(m) = (struct mutex){{#m, 0, 0}})
#define mutex_lock(m)                                                 \
	do {                                                          \
		might_sleep();                                        \
		host_point(POINT_LOCK, &(m)->h, "mutex_lock");        \
		host_lock_acquire(&(m)->h, true, __FILE__, __LINE__); \
	} while (0)
#define mutex_lock_killable(m) \
	({                     \
		mutex_lock(m); \
		0;             \
	})
#define mutex_trylock(m) \
	(host_point(POINT_LOCK, &(m)->h, "mutex_trylock"), host_lock_try(&(m)->h, true))
#define mutex_unlock(m)	   host_lock_release(&(m)->h, true, __FILE__, __LINE__)
#define mutex_is_locked(m) ((m)->h.state != 0)

#endif
