/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_HOSTIO_H
#define KERNEL_DRIVERS_HOSTIO_H

#include "lib/types.h"

/*
 * hostio_init - make /dev/hostin, hostout, hosterr and hostctl if `verso.hostio` was asked for
 *
 * Process context, once, after vfs_init() and with interrupts routed. A channel whose hardware is
 * absent gets no device file and one warning.
 */
void hostio_init(void);

/* hostio_owns_com2 - true if the second serial port carries /dev/hostin and is not ttyS1 */
bool hostio_owns_com2(void);

#endif /* KERNEL_DRIVERS_HOSTIO_H */
