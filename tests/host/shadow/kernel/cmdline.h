/* SPDX-License-Identifier: MIT */
/* The host machine has no command line: options keep their defaults; tests call the functions. */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include "lib/types.h"

#define CMDLINE_PARAM(option, fn) \
	int (*const host_param_##fn)(const char *value) __attribute__((unused)) = (fn)

#endif
