/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_DRIVERS_H
#define KERNEL_DRIVERS_DRIVERS_H

/* What kernel/main.c calls, in this order. */

/*
 * serial_console_init - let printk speak on the serial ports that console= names
 *
 * Needs nothing but boot_info: no memory, no interrupts. With no console= on the command line:
 * on ttyS0 if it exists.
 */
void serial_console_init(void);

/*
 * screen_console_init - find the screen (linear framebuffer or VGA text) and let printk speak on it
 *
 * Needs kmalloc, vmalloc and ioremap. A machine without a screen is fine.
 */
void screen_console_init(void);

/*
 * screen_console_emergency - the same before paging_init(), for a last sentence to the person
 *
 * Needs memblock. Nothing happens on a screen that lies above 4 GiB.
 */
void screen_console_emergency(void);

/*
 * drivers_init - everything that has a device file or an interrupt: ttys, keyboard, hostio, PCI
 *
 * Process context with interrupts on, after vfs_init(). May sleep.
 */
void drivers_init(void);

#endif /* KERNEL_DRIVERS_DRIVERS_H */
