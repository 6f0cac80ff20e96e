/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_SCREEN_H
#define KERNEL_DRIVERS_SCREEN_H

#include "kernel/drivers/vt.h"

struct tty_struct;

/*
 * fbcon_probe, vgacon_probe - the machine's linear framebuffer, or its VGA in text mode, as a screen
 *
 * NULL if there is none that can be used. Need ioremap. Once.
 */
struct screen *fbcon_probe(void);
struct screen *vgacon_probe(void);

/* screen_tty_init - tty1 on the screen, if there is one. Process context. Returns it or NULL. */
struct tty_struct *screen_tty_init(void);

/* screen_cursor_keys_app - do the arrow keys send ESC O instead of ESC [ ? Any context. */
bool screen_cursor_keys_app(void);

/* keyboard_init - the PS/2 keyboard, if there is one, types into tty. Process context. */
void keyboard_init(struct tty_struct *tty);

#endif /* KERNEL_DRIVERS_SCREEN_H */
