/* SPDX-License-Identifier: MIT */
/* What the machine calls itself: uname(2), /proc/version, /proc/sys/kernel. */
#pragma once

#include "kernel/uapi/misc.h"

extern struct utsname system_utsname;

/* /proc/sys/kernel: reading the log needs CAP_SYSLOG. */
extern int dmesg_restrict;
