/* SPDX-License-Identifier: MIT */
/*
 * The real thing; operations on whose result something is decided are scheduling points: a count
 * that may be the last one, a reference that may not be had.
 */
#ifndef SHADOW_LIB_ATOMIC_H
#define SHADOW_LIB_ATOMIC_H

#include "../../../../lib/atomic.h"

#include "tests/host/point.h"

#define ATOMIC_POINT(v, op) host_point(POINT_ATOMIC, v, #op)

#define atomic_dec_and_test(v)	    (ATOMIC_POINT(v, atomic_dec_and_test), atomic_dec_and_test(v))
#define atomic_inc_not_zero(v)	    (ATOMIC_POINT(v, atomic_inc_not_zero), atomic_inc_not_zero(v))
#define atomic_cmpxchg(v, old, new) (ATOMIC_POINT(v, atomic_cmpxchg), atomic_cmpxchg(v, old, new))

#endif
