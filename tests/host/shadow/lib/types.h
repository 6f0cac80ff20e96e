/* SPDX-License-Identifier: MIT */
/*
 * The kernel's types beside those of the host's C library, which are read first. The two disagree
 * about a few names; the kernel's meaning wins from here on. Only tests/host/test.h goes on to
 * include the library's functions.
 */
#ifndef SHADOW_LIB_TYPES_H
#define SHADOW_LIB_TYPES_H

#include <sys/types.h>

#define dev_t  kernel_dev_t
#define loff_t kernel_loff_t
#undef BIT
#undef major
#undef minor
#undef makedev

#include "../../../../lib/types.h"

#endif
