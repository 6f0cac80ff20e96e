/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_SCREEN_H
#define KERNEL_DRIVERS_SCREEN_H

#include "kernel/drivers/vt.h"

struct tty_struct;

/*
 * fbcon_probe, vgacon_probe - the machine's linear framebuffer, or its VGA in text mode, as a
 * screen
 * @early: before paging_init(): the boot page tables reach what lies below 4 GiB. Else by ioremap.
 *
 * NULL if there is none that can be used.
 */
struct screen *fbcon_probe(bool early);
struct screen *vgacon_probe(bool early);

/* screen_tty_init - tty1 on the screen, if there is one. Process context. Returns it or NULL. */
struct tty_struct *screen_tty_init(void);

/* screen_cursor_keys_app - do the arrow keys send ESC O instead of ESC [ ? Any context. */
bool screen_cursor_keys_app(void);

/* keyboard_init - the PS/2 keyboard, if there is one, types into tty. Process context. */
void keyboard_init(struct tty_struct *tty);

#endif /* KERNEL_DRIVERS_SCREEN_H */
