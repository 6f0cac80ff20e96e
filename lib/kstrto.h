/* SPDX-License-Identifier: MIT */
/* Numbers out of text. */
#ifndef LIB_KSTRTO_H
#define LIB_KSTRTO_H

#include "lib/types.h"

/*
 * The whole string must be a number (one trailing newline is allowed). base 0: 0x is hexadecimal,
 * a leading 0 octal, else decimal. Returns 0, -EINVAL (no number) or -ERANGE (does not fit); *out
 * is written only on success.
 */
int kstrtoul(const char *s, unsigned int base, unsigned long *out);
int kstrtol(const char *s, unsigned int base, long *out);
int kstrtoint(const char *s, unsigned int base, int *out);
int kstrtobool(const char *s, bool *out); /* y n 1 0 on off */

/* The number at the start of s; *end is set after it. No error: no digits give 0. */
unsigned long simple_strtoul(const char *s, char **end, unsigned int base);

/* A size with an optional suffix K, M, G or T. *end is set after it. */
unsigned long memparse(const char *s, char **end);

#endif
