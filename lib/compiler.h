/* SPDX-License-Identifier: MIT */
/*
 * What C does not say by itself: attributes, memory barriers, single accesses to shared data,
 * and the small arithmetic that every part uses.
 */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#include "lib/types.h"

/* --- annotations for sparse; they vanish in a normal build --- */
#ifdef __CHECKER__
#define __user	__attribute__((noderef, address_space(1)))
#define __iomem __attribute__((noderef, address_space(2)))
#define __percpu
#define __force __attribute__((force))
#define __rcu
#define __acquires(x)  __attribute__((context(x, 0, 1)))
#define __releases(x)  __attribute__((context(x, 1, 0)))
#define __must_hold(x) __attribute__((context(x, 1, 1)))
#define __acquire(x)   __context__(x, 1)
#define __release(x)   __context__(x, -1)
#define __cond_lock(x, c)     \
	((c) ? ({             \
		__acquire(x); \
		1;            \
	})                    \
	     : 0)
#else
#define __user
#define __iomem
#define __percpu
#define __force
#define __rcu
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x)	  ((void)0)
#define __release(x)	  ((void)0)
#define __cond_lock(x, c) (c)
#endif

/* --- attributes --- */
#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __section(s)	__attribute__((section(s)))
#define __used		__attribute__((used))
#define __noreturn	__attribute__((noreturn))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __must_check	__attribute__((warn_unused_result))
#define __always_unused __attribute__((unused))
#define __maybe_unused	__attribute__((unused))
#define __weak		__attribute__((weak))
#define __cold		__attribute__((cold))
#define __pure		__attribute__((pure))
#define __malloc	__attribute__((malloc))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define noinline	__attribute__((noinline))
#define __init
#define __cacheline_aligned __aligned(64)

#if defined(__GNUC__) && !defined(__CHECKER__)
#define fallthrough __attribute__((fallthrough))
#else
#define fallthrough \
	do {        \
	} while (0)
#endif

#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define unreachable() __builtin_unreachable()

#define __STRINGIFY(x)	 #x
#define STRINGIFY(x)	 __STRINGIFY(x)
#define __PASTE2(a, b)	 a##b
#define __PASTE(a, b)	 __PASTE2(a, b)
#define __UNIQUE_ID(pfx) __PASTE(pfx, __COUNTER__)

#define BUILD_BUG_ON(cond) _Static_assert(!(cond), "BUILD_BUG_ON: " #cond)

/* True (1) when x has exactly the type t; a compile-time check, never evaluated. */
#define typecheck(t, x)                   \
	({                                \
		t __tc1;                  \
		typeof(x) __tc2;          \
		(void)(&__tc1 == &__tc2); \
		1;                        \
	})

#define container_of(ptr, type, member)                                     \
	({                                                                  \
		const typeof(((type *)0)->member) *__mp = (ptr);            \
		(type *)((char *)(uintptr_t)__mp - offsetof(type, member)); \
	})

#define ARRAY_SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define sizeof_field(t, f) sizeof(((t *)0)->f)

/* --- arithmetic; every argument is evaluated once --- */
#define min(a, b)                                  \
	({                                         \
		typeof(a) __min1 = (a);            \
		typeof(b) __min2 = (b);            \
		(void)(&__min1 == &__min2);        \
		__min1 < __min2 ? __min1 : __min2; \
	})
#define max(a, b)                                  \
	({                                         \
		typeof(a) __max1 = (a);            \
		typeof(b) __max2 = (b);            \
		(void)(&__max1 == &__max2);        \
		__max1 > __max2 ? __max1 : __max2; \
	})
#define min_t(t, a, b)                                 \
	({                                             \
		t __mint1 = (a);                       \
		t __mint2 = (b);                       \
		__mint1 < __mint2 ? __mint1 : __mint2; \
	})
#define max_t(t, a, b)                                 \
	({                                             \
		t __maxt1 = (a);                       \
		t __maxt2 = (b);                       \
		__maxt1 > __maxt2 ? __maxt1 : __maxt2; \
	})
#define clamp(v, lo, hi)      min_t(typeof(v), max_t(typeof(v), v, lo), hi)
#define clamp_t(t, v, lo, hi) min_t(t, max_t(t, v, lo), hi)
#define swap(a, b)                      \
	do {                            \
		typeof(a) __swap = (a); \
		(a) = (b);              \
		(b) = __swap;           \
	} while (0)

/* Alignment to a power of two. Works for integers; PTR_ALIGN for pointers. */
#define ALIGN(x, a)	   (((x) + ((typeof(x))(a)-1)) & ~((typeof(x))(a)-1))
#define ALIGN_DOWN(x, a)   ((x) & ~((typeof(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((typeof(x))(a)-1)) == 0)
#define PTR_ALIGN(p, a)	   ((typeof(p))ALIGN((unsigned long)(p), (a)))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define round_up(x, y)	   (DIV_ROUND_UP((x), (y)) * (y))
#define round_down(x, y)   ((x) - (x) % (y))
#define BIT(n)		   (1UL << (n))
#define BIT_ULL(n)	   (1ULL << (n))
#define GENMASK(h, l)	   ((~0UL << (l)) & (~0UL >> (63 - (h))))
#define UL(x)		   (x##UL)

#define S32_MAX 0x7fffffff
#define U32_MAX 0xffffffffu
#define S64_MAX 0x7fffffffffffffffLL
#define U64_MAX (~0ULL)
#ifndef INT_MAX
#define INT_MAX	  0x7fffffff
#define INT_MIN	  (-INT_MAX - 1)
#define UINT_MAX  (~0u)
#define LONG_MAX  0x7fffffffffffffffL
#define LONG_MIN  (-LONG_MAX - 1)
#define ULONG_MAX (~0UL)
#endif

#define KB(n) ((n)*1024UL)
#define MB(n) ((n)*1024UL * 1024UL)

#define check_add_overflow(a, b, res) __builtin_add_overflow(a, b, res)
#define check_mul_overflow(a, b, res) __builtin_mul_overflow(a, b, res)

/*
 * --- shared memory ---
 * READ_ONCE/WRITE_ONCE: exactly one access, neither torn, repeated nor left out by the compiler.
 * x86 keeps loads in order with loads and stores with stores (SDM vol. 3, 8.2), so acquire,
 * release, rmb and wmb need only hold back the compiler; only store-then-load needs an
 * instruction (smp_mb).
 */
#define barrier()    __asm__ __volatile__("" : : : "memory")
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)                           \
	do {                                       \
		*(volatile typeof(x) *)&(x) = (v); \
	} while (0)
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() barrier()
#define smp_wmb() barrier()
#define smp_store_release(p, v)        \
	do {                           \
		barrier();             \
		WRITE_ONCE(*(p), (v)); \
	} while (0)
#define smp_load_acquire(p)                          \
	({                                           \
		typeof(*(p)) __la = READ_ONCE(*(p)); \
		barrier();                           \
		__la;                                \
	})

#endif
