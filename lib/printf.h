/* SPDX-License-Identifier: MIT */
/*
 * Formatted text into a buffer.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %%, with flags - 0 + space #, width and precision
 * (also *), and lengths hh h l ll z t j. No floating point.
 *
 *	%p	0x and 16 hexadecimal digits
 *	%pS	an address as symbol+0xoffset, through printf_symbol
 *	%s	a NULL pointer prints (null)
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include "lib/compiler.h"

/*
 * Write at most size bytes, the last a 0 (if size is not 0). The first two return the length the
 * whole text would have, the sc forms the length that was really written, without the 0.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* How %pS finds names; NULL until the symbol table is there. Same contract as snprintf. */
extern int (*printf_symbol)(char *buf, size_t n, unsigned long addr);

#endif
