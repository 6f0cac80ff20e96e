/* SPDX-License-Identifier: MIT */
/*
 * User memory: strings, atomic operations for futexes, and access where no fault may be resolved.
 *
 * Strings are read eight bytes at a time once the pointer is aligned: an aligned word never crosses
 * into a page that the string may not reach. A word holds a zero byte if and only if
 *
 *	(word - 0x0101010101010101) & ~word & 0x8080808080808080
 *
 * is not zero, and the lowest set bit then marks the first one. (Mycroft 1987; Hacker's Delight,
 * 6-1)
 */

#include "arch/x86_64/uaccess.h"
#include "kernel/task.h"
#include "lib/string.h"

#define ONES  0x0101010101010101UL
#define HIGHS 0x8080808080808080UL

static inline u64 zero_byte_mask(u64 word)
{
	return (word - ONES) & ~word & HIGHS;
}

unsigned long copy_from_user(void *to, const void __user *from, unsigned long n)
{
	unsigned long left = n;

	if (likely(access_ok(from, n)))
		left = __copy_user(to, (const void __force *)from, n);
	if (unlikely(left))
		memset((char *)to + (n - left), 0, left);
	return left;
}

/*
 * Walk a user string up to @max bytes; copy it if @to is not NULL. Returns the length without NUL,
 * or @max if there was none, or -EFAULT.
 */
static long walk_user_string(char *to, const char __user *from, long max)
{
	long done = 0;
	u64 word;

	while (done < max) {
		bool whole = !((__force unsigned long)(from + done) & 7) && max - done >= 8;
		u64 zeroes;

		if (!access_ok(from + done, whole ? 8 : 1) ||
		    __get_user_sized(&word, from + done, whole ? 8 : 1))
			return -EFAULT;
		zeroes = zero_byte_mask(word);
		if (whole && !zeroes) {
			if (to)
				memcpy(to + done, &word, 8);
			done += 8;
			continue;
		}
		if (to)
			to[done] = (char)word;
		if (!(word & 0xff))
			return done;
		done++;
		for (; whole && (zeroes >>= 8); done++) {
			word >>= 8;
			if (to)
				to[done] = (char)word;
			if (!(word & 0xff))
				return done;
		}
	}
	return max;
}

long strncpy_from_user(char *to, const char __user *from, long size)
{
	return size > 0 ? walk_user_string(to, from, size) : 0;
}

long strnlen_user(const char __user *str, long max)
{
	long length = max > 0 ? walk_user_string(NULL, str, max) : 0;

	return length < 0 ? 0 : length + 1;
}

void pagefault_disable(void)
{
	current->thread.pagefault_disabled++;
	barrier();
}

void pagefault_enable(void)
{
	barrier();
	current->thread.pagefault_disabled--;
}

bool pagefault_disabled(void)
{
	return current->thread.pagefault_disabled != 0;
}

unsigned long copy_from_user_nofault(void *to, const void __user *from, unsigned long n)
{
	unsigned long left;

	pagefault_disable();
	left = copy_from_user(to, from, n);
	pagefault_enable();
	return left;
}

int copy_from_kernel_nofault(void *to, const void *from, unsigned long n)
{
	if ((unsigned long)from < DIRECT_MAP_BASE)
		return -EFAULT;
	return __copy_user(to, from, n) ? -EFAULT : 0;
}

int user_cmpxchg_u32(u32 __user *uaddr, u32 old, u32 new, u32 *cur)
{
	int err = 0;

	if (!access_ok(uaddr, sizeof(*uaddr)))
		return -EFAULT;
	asm volatile(ASM_STAC "1:\tlock cmpxchgl %3, %1\n2:\n" ASM_CLAC
			      ".pushsection .text.fixup,\"ax\"\n"
			      "3:\tmovl %4, %0\n\tjmp 2b\n.popsection\n" ASM_EXTABLE(1b, 3b)
		     : "+r"(err), "+m"(*(u32 __force *)uaddr), "+a"(old)
		     : "r"(new), "i"(-EFAULT)
		     : "memory");
	*cur = old;
	return err;
}

static int futex_result(int op, u32 value, u32 arg, u32 *result)
{
	switch (op) {
	case 0:
		*result = arg;
		return 0;
	case 1:
		*result = value + arg;
		return 0;
	case 2:
		*result = value | arg;
		return 0;
	case 3:
		*result = value & ~arg;
		return 0;
	case 4:
		*result = value ^ arg;
		return 0;
	}
	return -ENOSYS;
}

int user_atomic_op(int op, u32 __user *uaddr, u32 arg, u32 *old)
{
	u32 value, found, result;
	int error = get_user(value, uaddr);

	for (; !error; value = found) {
		error = futex_result(op, value, arg, &result);
		if (!error)
			error = user_cmpxchg_u32(uaddr, value, result, &found);
		if (!error && found == value)
			break;
	}
	*old = value;
	return error;
}
