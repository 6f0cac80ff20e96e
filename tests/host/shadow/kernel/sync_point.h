/* SPDX-License-Identifier: MIT */
/*
 * Sync points on the host: each calls host_sync_point with its number, if a test has set it.
 */
#ifndef KERNEL_SYNC_POINT_H
#define KERNEL_SYNC_POINT_H

#include "kernel/sync_point_list.h"
#include "lib/compiler.h"

extern void (*host_sync_point)(int point);

#define SYNC_POINT(name)                            \
	do {                                        \
		if (unlikely(host_sync_point))      \
			host_sync_point(SP_##name); \
	} while (0)

#endif
