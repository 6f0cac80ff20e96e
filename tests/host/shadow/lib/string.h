/* SPDX-License-Identifier: MIT */
/*
 * Strings come from the host's C library, so that ASan sees them; what it does not have comes from
 * lib/string.c. The kernel's own versions of the others are tested under other names (names.h).
 */
#ifndef SHADOW_LIB_STRING_H
#define SHADOW_LIB_STRING_H

#include "lib/types.h"

#include <string.h>
#include <strings.h>

char *strchrnul(const char *s, int c);
char *strsep(char **s, const char *delims);
ssize_t strscpy(char *dst, const char *src, size_t size);
const void *memchr_inv(const void *s, int c, size_t n);

#endif
