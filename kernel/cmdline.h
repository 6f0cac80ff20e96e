/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line: NAME or NAME=VALUE, separated by blanks; "quotes" keep blanks together.
 *
 * A part of the kernel declares its option where it is used:
 *
 *	static int set_rmap(const char *value) { ... return 0; }
 *	CMDLINE_PARAM("rmap", set_rmap);
 *
 * The functions run once, early: before memory allocation, so they only remember. What follows
 * "--", and names with a '.' (verso.run=1), are not the kernel's: init and cmdline_get() see them.
 * Any other name that nobody declared gives one warning.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include "lib/types.h"
#include "lib/compiler.h"

struct cmdline_param {
	const char *name;
	/* @value: "" when there is none. 0, or -EINVAL: not understood, which is reported. */
	int (*set)(const char *value);
};

#define CMDLINE_PARAM(param_name, function)                                   \
	static const struct cmdline_param __PASTE(__cmdline_param_, __LINE__) \
		__used __section(".cmdline_params") __aligned(8) = {param_name, function}

/* cmdline_parse() - hand every option to its function. Once, at boot. */
void cmdline_parse(const char *cmdline);
/*
 * cmdline_get() - the value of the last NAME=VALUE (or "" for NAME) into @buf, cut to @size.
 * Returns its length, or -ENOENT. Any context, any time.
 */
int cmdline_get(const char *name, char *buf, size_t size);
/*
 * cmdline_for_each() - call @fn with every value of @name, in order; stops at and returns the
 * first non-zero.
 */
int cmdline_for_each(const char *name, int (*fn)(const char *value));
/* The command line as it was given, for /proc/cmdline. */
const char *cmdline_text(void);
/* The words after "--": arguments for init, NULL-terminated; at most @max - 1 of them. */
int cmdline_init_args(const char **argv, int max);

#endif /* KERNEL_CMDLINE_H */
