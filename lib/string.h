/* SPDX-License-Identifier: MIT */
/*
 * Memory and strings, with C's names and meanings. The compiler may replace calls of a small
 * constant size by a few moves, which is why the names are macros for its builtins.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int strcasecmp(const char *a, const char *b);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strchrnul(const char *s, int c);
char *strstr(const char *haystack, const char *needle);
char *strpbrk(const char *s, const char *accept);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);
char *strsep(char **s, const char *delims);

/*
 * Copy as much of src as fits into size bytes, always ending it with a 0 (if size is not 0).
 * Returns the length copied, or -E2BIG when src was cut.
 */
ssize_t strscpy(char *dst, const char *src, size_t size);

/* First byte of s that differs from c; NULL when all n are c. Fast: it compares words. */
const void *memchr_inv(const void *s, int c, size_t n);

#define memcpy(d, s, n)	 __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)	 __builtin_memset(d, c, n)
#define memcmp(a, b, n)	 __builtin_memcmp(a, b, n)
#define strlen(s)	 __builtin_strlen(s)

#endif
