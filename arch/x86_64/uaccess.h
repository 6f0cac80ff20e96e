/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_UACCESS_H
#define ARCH_X86_64_UACCESS_H

/*
 * User memory. Every access here may fault; a fault that cannot be resolved ends in the exception
 * table, which turns it into an error code. A pointer is checked to lie below TASK_SIZE before it
 * is used; beyond that nothing is promised, so each value is fetched exactly once.
 *
 * With SMAP the CPU refuses kernel accesses to user pages, except between stac and clac. Both are
 * three-byte no-operations in the image; cpu.c writes the instructions over them at boot on CPUs
 * that have SMAP.
 *
 * All functions may sleep (page faults), except where stated, and then behave as if the page were
 * not there.
 */

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "arch/x86_64/layout.h"

#define __ASM_NOP3 ".byte 0x0f, 0x1f, 0x00"
#define ASM_STAC           \
	"881: " __ASM_NOP3 \
	"\n.pushsection .smap_sites,\"a\"\n.long 881b - .\n.long 1\n.popsection\n"
#define ASM_CLAC           \
	"882: " __ASM_NOP3 \
	"\n.pushsection .smap_sites,\"a\"\n.long 882b - .\n.long 0\n.popsection\n"
/* If the instruction at @from faults, go on at @to. */
#define ASM_EXTABLE(from, to)                                                       \
	".pushsection __ex_table,\"a\"\n.balign 4\n.long " #from " - .\n.long " #to \
	" - .\n.popsection\n"

/* True if [ptr, ptr + size) lies in user space. Says nothing about what is mapped there. */
#define access_ok(ptr, size) __access_ok((__force unsigned long)(ptr), (size))
static inline bool __access_ok(unsigned long addr, unsigned long size)
{
	return likely(size <= TASK_SIZE && addr <= TASK_SIZE - size);
}

#define __GET_USER(insn, reg)                                                                   \
	asm volatile(                                                                           \
		ASM_STAC                                                                        \
		"1:\t" insn " %2, %" reg "1\n2:\n" ASM_CLAC ".pushsection .text.fixup,\"ax\"\n" \
		"3:\tmovl %3, %0\n\txorl %k1, %k1\n\tjmp 2b\n.popsection\n" ASM_EXTABLE(1b, 3b) \
		: "+r"(err), "=&r"(*val)                                                        \
		: "m"(*(const volatile char __force *)ptr), "i"(-EFAULT))

static __always_inline int __get_user_sized(u64 *val, const void __user *ptr, size_t size)
{
	int err = 0;

	switch (size) {
	case 1:
		__GET_USER("movzbl", "k");
		break;
	case 2:
		__GET_USER("movzwl", "k");
		break;
	case 4:
		__GET_USER("movl", "k");
		break;
	default:
		__GET_USER("movq", "q");
	}
	return err;
}
#undef __GET_USER

#define __PUT_USER(insn, reg)                                                                \
	asm volatile(ASM_STAC "1:\t" insn " %" reg "1, %2\n2:\n" ASM_CLAC                    \
			      ".pushsection .text.fixup,\"ax\"\n"                            \
			      "3:\tmovl %3, %0\n\tjmp 2b\n.popsection\n" ASM_EXTABLE(1b, 3b) \
		     : "+r"(err)                                                             \
		     : "r"(val), "m"(*(volatile char __force *)ptr), "i"(-EFAULT)            \
		     : "memory")

static __always_inline int __put_user_sized(u64 val, void __user *ptr, size_t size)
{
	int err = 0;

	switch (size) {
	case 1:
		__PUT_USER("movb", "b");
		break;
	case 2:
		__PUT_USER("movw", "w");
		break;
	case 4:
		__PUT_USER("movl", "k");
		break;
	default:
		__PUT_USER("movq", "q");
	}
	return err;
}
#undef __PUT_USER

/*
 * get_user(x, ptr): x = *ptr for a scalar of 1, 2, 4 or 8 bytes. put_user(x, ptr): *ptr = x.
 * Return 0 or -EFAULT; after a failed get_user x is 0.
 */
#define get_user(x, ptr)                                                                     \
	({                                                                                   \
		const __typeof__(*(ptr)) __user *__gu_ptr = (ptr);                           \
		u64 __gu_val = 0;                                                            \
		int __gu_err = -EFAULT;                                                      \
		BUILD_BUG_ON(sizeof(*__gu_ptr) > 8);                                         \
		if (access_ok(__gu_ptr, sizeof(*__gu_ptr)))                                  \
			__gu_err = __get_user_sized(&__gu_val, __gu_ptr, sizeof(*__gu_ptr)); \
		(x) = (__force __typeof__(*(ptr)))__gu_val;                                  \
		__gu_err;                                                                    \
	})
#define put_user(x, ptr)                                                             \
	({                                                                           \
		__typeof__(*(ptr)) __user *__pu_ptr = (ptr);                         \
		__typeof__(*(ptr)) __pu_val = (x);                                   \
		int __pu_err = -EFAULT;                                              \
		BUILD_BUG_ON(sizeof(*__pu_ptr) > 8);                                 \
		if (access_ok(__pu_ptr, sizeof(*__pu_ptr)))                          \
			__pu_err = __put_user_sized((__force u64)__pu_val, __pu_ptr, \
						    sizeof(*__pu_ptr));              \
		__pu_err;                                                            \
	})

/*
 * uaccess_copy.asm; no range check. Bytes NOT copied. Exact: all bytes before the faulting one are
 * copied.
 */
unsigned long __copy_user(void *to, const void *from, unsigned long n);
unsigned long __clear_user(void __user *to, unsigned long n);

/*
 * Copy @n bytes. Return the number of bytes NOT copied, 0 for success. What copy_from_user() could
 * not fill is zeroed, so that no stale kernel memory is ever used as input.
 */
unsigned long copy_from_user(void *to, const void __user *from, unsigned long n);
static inline unsigned long copy_to_user(void __user *to, const void *from, unsigned long n)
{
	if (unlikely(!access_ok(to, n)))
		return n;
	return __copy_user((void __force *)to, from, n);
}
/* Zero user memory. Bytes NOT cleared. */
static inline unsigned long clear_user(void __user *to, unsigned long n)
{
	if (unlikely(!access_ok(to, n)))
		return n;
	return __clear_user(to, n);
}

/*
 * Copy a string of at most @size bytes with its NUL. Returns its length without the NUL; @size if
 * there was no NUL in @size bytes (the buffer is then full and not terminated); -EFAULT.
 */
long strncpy_from_user(char *to, const char __user *from, long size);
/* Length with the NUL; a number above @max if there is no NUL in @max bytes; 0 on a fault. */
long strnlen_user(const char __user *str, long max);

/*
 * Between these, a fault on user memory is not resolved but fails at once: for code that holds a
 * lock. They nest and belong to the running task. A context that may not sleep anyway (preemption
 * off) has the same effect.
 */
void pagefault_disable(void);
void pagefault_enable(void);
bool pagefault_disabled(void);

/* As copy_from_user() with page faults disabled: never sleeps, any context but NMI. */
unsigned long copy_from_user_nofault(void *to, const void __user *from, unsigned long n);
/* Read kernel memory that may not be mapped (backtraces). 0 or -EFAULT. */
int copy_from_kernel_nofault(void *to, const void *from, unsigned long n);

/* Atomic: *cur = *uaddr; if that equals @old, *uaddr = @new. 0 or -EFAULT. */
int user_cmpxchg_u32(u32 __user *uaddr, u32 old, u32 new, u32 *cur);
/*
 * Atomic *uaddr = *uaddr op arg, op as FUTEX_OP_SET 0, ADD 1, OR 2, ANDN 3, XOR 4. 0, -EFAULT,
 * -ENOSYS.
 */
int user_atomic_op(int op, u32 __user *uaddr, u32 arg, u32 *old);

/* Fault handler's: the address to go on at after a fault at @ip, 0 if the table has none. */
unsigned long search_exception_table(unsigned long ip);

#endif
