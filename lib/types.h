/* SPDX-License-Identifier: MIT */
/*
 * The integer types of the kernel. Every other header may count on them.
 *
 * u64 is `unsigned long long`, as everywhere in Linux, so that %llu prints it.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

typedef long ssize_t;
typedef int pid_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int mode_t;
typedef u32 dev_t;
typedef long off_t;
typedef s64 loff_t;
typedef unsigned long ino_t;

typedef u64 phys_addr_t;
typedef unsigned int gfp_t;

#endif
