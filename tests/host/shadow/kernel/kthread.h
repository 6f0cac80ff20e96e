/* SPDX-License-Identifier: MIT */
/* Kernel threads do not run on the host: tests call what they would do. */
#ifndef KERNEL_KTHREAD_H
#define KERNEL_KTHREAD_H

#include "lib/types.h"

static inline bool kthread_should_stop(void)
{
	return true;
}

#endif
