/* SPDX-License-Identifier: MIT */
/*
 * getsockopt and setsockopt. Time limits, SO_SNDBUF and SO_RCVLOWAT are kept to; SO_RCVBUF, which is
 * nothing between two ends of one machine, and switches are remembered; SO_LINGER is taken.
 */
#include "kernel/fs/socket.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/timer.h"
#include "arch/x86_64/uaccess.h"
#include "lib/bitops.h"
#include "lib/errno.h"

#define SOL_SOCKET    1
#define SO_REUSEADDR  2
#define SO_TYPE	      3
#define SO_ERROR      4
#define SO_DONTROUTE  5
#define SO_BROADCAST  6
#define SO_SNDBUF     7
#define SO_RCVBUF     8
#define SO_KEEPALIVE  9
#define SO_OOBINLINE  10
#define SO_LINGER     13
#define SO_PEERCRED   17
#define SO_RCVLOWAT   18
#define SO_SNDLOWAT   19
#define SO_RCVTIMEO   20
#define SO_SNDTIMEO   21
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL   38
#define SO_DOMAIN     39

#define SO_SWITCHES                                                                      \
	(BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) | BIT(SO_KEEPALIVE) | \
	 BIT(SO_OOBINLINE))

/* One of the switches? */
static bool is_switch(int name)
{
	return name > 0 && name < 64 && SO_SWITCHES & BIT(name);
}

union sock_value {
	int number;
	struct ucred cred;
	struct timeval time;
};

/* Its length, or -ENOPROTOOPT. */
static long get_option(struct sock_end *end, int name, union sock_value *value)
{
	value->number = 0;
	switch (name) {
	case SO_TYPE:
		value->number = end->pair->type;
		break;
	case SO_DOMAIN:
		value->number = AF_UNIX;
		break;
	case SO_SNDBUF:
		value->number = READ_ONCE(end->sndbuf);
		break;
	case SO_RCVBUF:
		value->number = READ_ONCE(end->rcvbuf);
		break;
	case SO_RCVLOWAT:
		value->number = READ_ONCE(end->rcvlowat);
		break;
	case SO_SNDLOWAT:
		value->number = 1;
		break;
	case SO_ERROR:
		value->number = sock_take_error(end);
		break;
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
		break;
	case SO_PEERCRED:
		value->cred = end->pair->maker;
		return sizeof(value->cred);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		value->time = ns_to_timeval(READ_ONCE(end->timeout[name - SO_RCVTIMEO]));
		return sizeof(value->time);
	default:
		if (!is_switch(name))
			return -ENOPROTOOPT;
		value->number = test_bit(name, &end->options);
	}
	return sizeof(value->number);
}

SYSCALL_DEFINE5(getsockopt, int, fd, int, level, int, name, void __user *, uval, int __user *, ulen)
{
	union sock_value value;
	int len = 0;
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	ret = level == SOL_SOCKET ? get_option(f.file->private, name, &value) : -EOPNOTSUPP;
	fdput(f);
	if (ret == -EOPNOTSUPP)
		return ret;
	if (get_user(len, ulen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (ret < 0)
		return ret;
	len = min_t(int, len, ret);
	return copy_to_user(uval, &value, len) || put_user(len, ulen) ? -EFAULT : 0;
}

/* SO_RCVTIMEO, SO_SNDTIMEO: nothing or zero is no limit, less than nothing the shortest. */
static long set_timeout(struct sock_end *end, int name, const struct timeval __user *utime, int len)
{
	struct timeval tv;
	u64 ns;

	if (len < (int)sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, utime, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		ns = 1;
	else if (tv.tv_sec >= (s64)(S64_MAX / NSEC_PER_SEC))
		ns = 0;
	else
		ns = (u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_usec * 1000;
	WRITE_ONCE(end->timeout[name - SO_RCVTIMEO], ns);
	return 0;
}

/* A buffer is twice what is asked for, as on Linux: half of it is for what messages cost. */
static void set_size(struct sock_end *end, int name, int value)
{
	int twice = 2 * (int)min_t(unsigned int, (unsigned int)value, SOCK_MAX_BUF);

	if (name == SO_RCVLOWAT)
		WRITE_ONCE(end->rcvlowat, value < 0 ? INT_MAX : value ?: 1);
	else if (name == SO_RCVBUF)
		WRITE_ONCE(end->rcvbuf, max(twice, SOCK_MIN_RCV));
	else
		WRITE_ONCE(end->sndbuf, max(twice, SOCK_MIN_SND));
	wake_up_interruptible_all(&end->wr_wait);
}

static long set_option(struct sock_end *end, int name, const void __user *uval, int len)
{
	int value = 0;

	if (len < (int)sizeof(value))
		return -EINVAL;
	if (get_user(value, (const int __user *)uval))
		return -EFAULT;
	if (name == SO_RCVTIMEO || name == SO_SNDTIMEO)
		return set_timeout(end, name, uval, len);
	if (name == SO_SNDBUF || name == SO_RCVBUF || name == SO_RCVLOWAT) {
		set_size(end, name, value);
		return 0;
	}
	if (name == SO_LINGER)
		return 0;
	if (!is_switch(name))
		return -ENOPROTOOPT;
	if (value)
		set_bit(name, &end->options);
	else
		clear_bit(name, &end->options);
	return 0;
}

SYSCALL_DEFINE5(setsockopt, int, fd, int, level, int, name, const void __user *, uval, int, len)
{
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	if (len < 0)
		ret = -EINVAL;
	else
		ret = level == SOL_SOCKET ? set_option(f.file->private, name, uval, len)
					  : -EOPNOTSUPP;
	fdput(f);
	return ret;
}
