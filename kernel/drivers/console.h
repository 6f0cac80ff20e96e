/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_CONSOLE_H
#define KERNEL_DRIVERS_CONSOLE_H

/*
 * Which devices are the system's console. Each `console=NAME[,OPTIONS]` on the command line names
 * one: kernel messages go to all of them, and /dev/console is the last one that exists. With none
 * on the command line, messages go to the screen and to ttyS0, and /dev/console is the screen if
 * there is one, else ttyS0. Names: tty0 (or tty1), ttyS0 to ttyS3. Serial options are Linux's,
 * as in 115200n8.
 */

#include "lib/types.h"

struct tty_struct;

/*
 * console_wanted - is this device to show kernel messages?
 * @options: if not NULL, becomes what stood behind the comma, or ""
 *
 * Any context; reads the command line.
 */
bool console_wanted(const char *name, char *options, size_t size);

/* console_tty - the terminal behind /dev/console, or NULL */
struct tty_struct *console_tty(void);

#endif /* KERNEL_DRIVERS_CONSOLE_H */
