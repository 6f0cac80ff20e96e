/* SPDX-License-Identifier: MIT */
/* Settings of shared memory, for /proc/sys/kernel. */
#ifndef KERNEL_IPC_SHM_H
#define KERNEL_IPC_SHM_H

#include "kernel/ipc/ipc.h"

extern struct ipc_table shm_table;  /* its max is shmmni */
extern unsigned long shm_max_bytes; /* shmmax: the largest segment */
extern unsigned long shm_all_pages; /* shmall: all of them together */

#endif
