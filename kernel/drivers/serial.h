/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_SERIAL_H
#define KERNEL_DRIVERS_SERIAL_H

/* serial_tty_init - ttyS0 to ttyS3, those that exist. Process context, after hostio_init(). */
void serial_tty_init(void);

#endif /* KERNEL_DRIVERS_SERIAL_H */
