/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_RWSEM_H
#define KERNEL_RWSEM_H

#include "kernel/lockdep.h"
#include "kernel/preempt.h"

struct rw_semaphore {
	struct host_lock h;
};

#define __RWSEM_INITIALIZER(name)   \
	{                           \
		{                   \
#name, 0, 0 \
		}                   \
	}
#define DECLARE_RWSEM(name) struct rw_semaphore name = __RWSEM_INITIALIZER(name)
#define init_rwsem(s)	    (*(s) = (struct rw_semaphore){{#s, 0, 0}})

#define down_read(s)                                                   \
	do {                                                           \
		might_sleep();                                         \
		host_point(POINT_LOCK, &(s)->h, "down_read");          \
		host_lock_acquire(&(s)->h, false, __FILE__, __LINE__); \
	} while (0)
#define down_write(s)                                                 \
	do {                                                          \
		might_sleep();                                        \
		host_point(POINT_LOCK, &(s)->h, "down_write");        \
		host_lock_acquire(&(s)->h, true, __FILE__, __LINE__); \
	} while (0)
#define down_write_nested(s, sub) down_write(s)
#define down_read_nested(s, sub)  down_read(s)
#define down_read_killable(s) \
	({                    \
		down_read(s); \
		0;            \
	})
#define down_write_killable(s) \
	({                     \
		down_write(s); \
		0;             \
	})
#define down_read_trylock(s) \
	(host_point(POINT_LOCK, &(s)->h, "down_read_trylock"), host_lock_try(&(s)->h, false))
#define down_write_trylock(s) \
	(host_point(POINT_LOCK, &(s)->h, "down_write_trylock"), host_lock_try(&(s)->h, true))
#define up_read(s)	   host_lock_leave(&(s)->h, false, __FILE__, __LINE__)
#define up_write(s)	   host_lock_leave(&(s)->h, true, __FILE__, __LINE__)
#define downgrade_write(s) host_lock_downgrade(&(s)->h, __FILE__, __LINE__)
#define rwsem_is_locked(s) ((s)->h.state != 0)

#endif
