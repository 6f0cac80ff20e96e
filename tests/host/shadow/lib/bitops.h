/* SPDX-License-Identifier: MIT */
/* The real thing; bits that are taken like locks are scheduling points. */
#ifndef SHADOW_LIB_BITOPS_H
#define SHADOW_LIB_BITOPS_H

#include "../../../../lib/bitops.h"

#include "tests/host/point.h"

#define test_and_set_bit(nr, addr) \
	(host_point(POINT_ATOMIC, addr, "test_and_set_bit"), test_and_set_bit(nr, addr))

#endif
