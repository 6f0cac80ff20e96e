/* SPDX-License-Identifier: MIT */
/*
 * socketpair(AF_UNIX) and the calls on its two descriptors: SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM.
 *
 *        file A -> sock_pair.end[0]  <--peer-->  end[1] <- file B
 *
 * What is sent and read is sock_queue.c's; here are the files and the system calls. The pair, which
 * holds both ends, goes with the second file.
 *
 * There are no other sockets: every other family is EAFNOSUPPORT, and nothing has an address, so
 * bind, listen and accept have nothing to do. Control messages (descriptors in transit) are not
 * carried: EOPNOTSUPP.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/termios.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/page.h"
#include "mm/slab.h"

#define SOCK_TYPE     0xf
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC  O_CLOEXEC
#define SOCKADDR_MAX  128

struct user_msghdr {
	void __user *name;
	int namelen;
	struct iovec __user *iov;
	size_t iovlen;
	void __user *control;
	size_t controllen;
	unsigned int flags;
};

static const struct file_operations socket_fops;

/* Files ---------------------------------------------------------------------------------------- */

static ssize_t sock_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	unsigned int msg_flags = 0;

	return iov_iter_count(to) ? sock_recv(file, to, 0, &msg_flags) : 0;
}

static ssize_t sock_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return sock_send(file, from, 0);
}

static long sock_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sock_end *end = file->private;

	if (cmd == FIONREAD)
		return put_user(sock_inq(end), (int __user *)arg);
	if (cmd == TIOCOUTQ)
		return put_user((int)READ_ONCE(end->charged), (int __user *)arg);
	return -ENOIOCTLCMD;
}

static void sock_release(struct inode *inode, struct file *file)
{
	struct sock_end *end = file->private;
	struct sock_pair *pair = end->pair;

	sock_close_end(end);
	if (atomic_dec_and_test(&pair->ends))
		kfree(pair);
}

static struct fasync_head *sock_fasync(struct file *file)
{
	struct sock_end *end = file->private;

	return &end->fasync;
}

static const struct file_operations socket_fops = {
	.read_iter = sock_read_iter,
	.write_iter = sock_write_iter,
	.poll = sock_poll,
	.ioctl = sock_ioctl,
	.fasync = sock_fasync,
	.release = sock_release,
};

static struct sock_pair *alloc_pair(int type)
{
	struct sock_pair *pair = kzalloc(sizeof(*pair), GFP_KERNEL);

	if (!pair)
		return NULL;
	pair->maker = (struct ucred){current->tgid, current_euid(), current_cred()->egid};
	pair->type = type == SOCK_RAW ? SOCK_DGRAM : type;
	spin_lock_init(&pair->lock);
	for (int i = 0; i < 2; i++)
		sock_init_end(&pair->end[i], pair, &pair->end[!i]);
	return pair;
}

static struct file *make_end(struct sock_pair *pair, int i, unsigned int flags)
{
	struct inode *inode = pseudo_inode(S_IFSOCK | 0777);
	struct file *file;
	char name[32];

	if (!inode)
		return ERR_PTR(-ENOMEM);
	snprintf(name, sizeof(name), "socket:[%llu]", inode->i_ino);
	file = pseudo_file(name, inode, &socket_fops, O_RDWR | (flags & SOCK_NONBLOCK));
	if (IS_ERR(file))
		return file;
	file->private = &pair->end[i];
	atomic_inc(&pair->ends);
	return file;
}

/* Two descriptors for two files, told to the user; both files are put on failure. */
static long install_pair(struct file *files[2], unsigned int flags, int __user *ufds)
{
	int fds[2];
	long err;

	err = fds[0] = get_unused_fd(flags);
	if (err < 0)
		goto fail;
	err = fds[1] = get_unused_fd(flags);
	if (err < 0)
		goto fail_fd;
	err = -EFAULT;
	if (copy_to_user(ufds, fds, sizeof(fds)))
		goto fail_fds;
	fd_install(fds[0], files[0]);
	fd_install(fds[1], files[1]);
	return 0;
fail_fds:
	put_unused_fd(fds[1]);
fail_fd:
	put_unused_fd(fds[0]);
fail:
	fput(files[0]);
	fput(files[1]);
	return err;
}

SYSCALL_DEFINE4(socketpair, int, family, int, type, int, protocol, int __user *, ufds)
{
	unsigned int flags = type & ~SOCK_TYPE;
	struct file *files[2];
	struct sock_pair *pair;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) || (type & SOCK_TYPE) >= SOCK_MAX)
		return -EINVAL;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	type &= SOCK_TYPE;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_RAW && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	pair = alloc_pair(type);
	if (!pair)
		return -ENOMEM;
	files[0] = make_end(pair, 0, flags);
	if (IS_ERR(files[0])) {
		kfree(pair);
		return PTR_ERR(files[0]);
	}
	files[1] = make_end(pair, 1, flags);
	if (IS_ERR(files[1])) {
		fput(files[0]); /* the pair goes with it */
		return PTR_ERR(files[1]);
	}
	return install_pair(files, flags, ufds);
}

SYSCALL_DEFINE3(socket, int, family, int, type, int, protocol)
{
	if (type & ~SOCK_TYPE & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	return -EAFNOSUPPORT;
}

/* Calls on a socket ---------------------------------------------------------------------------- */

struct fd sock_get(unsigned int fd, long *err)
{
	struct fd f = fdget(fd);

	*err = f.file ? -ENOTSOCK : -EBADF;
	if (f.file && f.file->f_op != &socket_fops) {
		fdput(f);
		f = (struct fd){NULL, 0};
	}
	return f;
}

/* 0, or why the descriptor is no socket. */
static long sock_check(unsigned int fd)
{
	struct fd f;
	long err;

	f = sock_get(fd, &err);
	if (!f.file)
		return err;
	fdput(f);
	return 0;
}

/* The address of a socket without a name: its family alone. */
#define SOCKADDR_BARE 2

/*
 * The address that a message is sent to. Nobody has one: a stream refuses any, packets go to the
 * peer whatever it says, and a datagram finds nobody there. 0, -EINVAL, -EFAULT, -EISCONN,
 * -ECONNREFUSED.
 */
static long check_address(const struct file *file, const void __user *addr, int len)
{
	const struct sock_end *end = file->private;
	char copy[SOCKADDR_MAX];

	if (!addr)
		return 0;
	if (len < 0 || len > SOCKADDR_MAX)
		return -EINVAL;
	if (copy_from_user(copy, addr, (size_t)len))
		return -EFAULT;
	if (!len || end->pair->type == SOCK_SEQPACKET)
		return 0;
	if (end->pair->type == SOCK_STREAM)
		return -EISCONN;
	return len <= SOCKADDR_BARE ? -EINVAL : -ECONNREFUSED;
}

SYSCALL_DEFINE6(sendto, int, fd, const void __user *, buf, size_t, len, unsigned int, flags,
		const void __user *, addr, int, addr_len)
{
	struct iov_iter iter;
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	iov_iter_user(&iter, buf, min_t(size_t, len, MAX_RW_COUNT));
	ret = check_address(f.file, addr, addr_len) ?: sock_send(f.file, &iter, flags);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE6(recvfrom, int, fd, void __user *, buf, size_t, len, unsigned int, flags,
		void __user *, addr, int __user *, addr_len)
{
	unsigned int msg_flags = 0;
	struct iov_iter iter;
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	iov_iter_user(&iter, buf, min_t(size_t, len, MAX_RW_COUNT));
	ret = sock_recv(f.file, &iter, flags, &msg_flags);
	fdput(f);
	if (ret >= 0 && addr && addr_len && put_user(0, addr_len)) /* nobody has a name */
		ret = -EFAULT;
	return ret;
}

/* What recvmsg() says beside the data: no name, no control messages. 0, -EFAULT. */
static long put_msg(struct user_msghdr __user *umsg, const struct user_msghdr *msg,
		    unsigned int flags)
{
	if (msg->name && put_user(0, &umsg->namelen))
		return -EFAULT;
	return put_user((size_t)0, &umsg->controllen) || put_user(flags, &umsg->flags) ? -EFAULT
										       : 0;
}

static long sock_msg(int fd, struct user_msghdr __user *umsg, unsigned int flags, bool send)
{
	struct iovec fast[UIO_FASTIOV], *alloc = NULL;
	unsigned int msg_flags = flags & MSG_CMSG_CLOEXEC;
	struct user_msghdr msg;
	struct iov_iter iter;
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	ret = -EFAULT;
	if (copy_from_user(&msg, umsg, sizeof(msg)))
		goto out;
	ret = -EINVAL;
	if (msg.name && msg.namelen < 0)
		goto out;
	ret = send ? check_address(f.file, msg.name, msg.namelen) : 0;
	if (ret)
		goto out;
	ret = -EMSGSIZE;
	if (msg.iovlen > UIO_MAXIOV)
		goto out;
	ret = -EOPNOTSUPP;
	if (send && msg.controllen)
		goto out;
	ret = import_iovec(&iter, msg.iov, msg.iovlen, fast, &alloc);
	if (ret >= 0)
		ret = send ? sock_send(f.file, &iter, flags)
			   : sock_recv(f.file, &iter, flags, &msg_flags);
	kfree(alloc);
	if (!send && ret >= 0 && put_msg(umsg, &msg, msg_flags))
		ret = -EFAULT;
out:
	fdput(f);
	return ret;
}

SYSCALL_DEFINE3(sendmsg, int, fd, struct user_msghdr __user *, msg, unsigned int, flags)
{
	return sock_msg(fd, msg, flags, true);
}

SYSCALL_DEFINE3(recvmsg, int, fd, struct user_msghdr __user *, msg, unsigned int, flags)
{
	return sock_msg(fd, msg, flags, false);
}

struct user_mmsghdr {
	struct user_msghdr hdr;
	unsigned int len;
};

/* Several messages: how many were moved, or the error of the first one. */
static long sock_mmsg(int fd, struct user_mmsghdr __user *msgs, unsigned int n, unsigned int flags,
		      u64 deadline, bool send)
{
	long done = 0, ret = sock_check(fd);

	while (!ret && done < min_t(unsigned int, n, UIO_MAXIOV)) {
		ret = sock_msg(fd, &msgs[done].hdr, flags, send);
		if (ret >= 0)
			ret = put_user((unsigned int)ret, &msgs[done].len);
		if (!ret)
			done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (ktime_get_ns() >= deadline)
			break;
	}
	return done ? done : ret;
}

SYSCALL_DEFINE4(sendmmsg, int, fd, struct user_mmsghdr __user *, msgs, unsigned int, n,
		unsigned int, flags)
{
	return sock_mmsg(fd, msgs, n, flags, U64_MAX, true);
}

/* The time limit is looked at after each message, as Linux does. */
SYSCALL_DEFINE5(recvmmsg, int, fd, struct user_mmsghdr __user *, msgs, unsigned int, n,
		unsigned int, flags, const struct timespec __user *, uts)
{
	u64 ns, deadline = U64_MAX;
	int err;

	if (uts) {
		err = get_timespec(&ns, uts);
		if (err)
			return err;
		deadline = ktime_get_ns() + min_t(u64, ns, S64_MAX);
	}
	return sock_mmsg(fd, msgs, n, flags, deadline, false);
}

SYSCALL_DEFINE2(shutdown, int, fd, int, how)
{
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	ret = how >= SHUT_RD && how <= SHUT_RDWR ? 0 : -EINVAL;
	if (!ret)
		sock_shutdown(f.file->private, (how != SHUT_WR ? BIT(SHUT_RD) : 0) |
						       (how != SHUT_RD ? BIT(SHUT_WR) : 0));
	fdput(f);
	return ret;
}

static long sock_name(int fd, u16 __user *addr, int __user *ulen)
{
	long err = sock_check(fd);
	int len = 0;

	if (err)
		return err;
	if (get_user(len, ulen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (len >= 2 && put_user((u16)AF_UNIX, addr))
		return -EFAULT;
	return put_user(SOCKADDR_BARE, ulen);
}

SYSCALL_DEFINE3(getsockname, int, fd, u16 __user *, addr, int __user *, len)
{
	return sock_name(fd, addr, len);
}

SYSCALL_DEFINE3(getpeername, int, fd, u16 __user *, addr, int __user *, len)
{
	return sock_name(fd, addr, len);
}

/* Both ends are connected for life, and have no address. */

static long cannot_listen(int fd)
{
	const struct sock_end *end;
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	end = f.file->private;
	ret = end->pair->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
	fdput(f);
	return ret;
}

SYSCALL_DEFINE3(connect, int, fd, const void __user *, addr, int, len)
{
	return sock_check(fd) ?: -EISCONN;
}

SYSCALL_DEFINE3(bind, int, fd, const void __user *, addr, int, len)
{
	return sock_check(fd) ?: -EINVAL;
}

SYSCALL_DEFINE2(listen, int, fd, int, backlog)
{
	return cannot_listen(fd);
}

SYSCALL_DEFINE3(accept, int, fd, void __user *, addr, int __user *, len)
{
	return cannot_listen(fd);
}

SYSCALL_DEFINE4(accept4, int, fd, void __user *, addr, int __user *, len, int, flags)
{
	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) && sock_check(fd) != -EBADF)
		return -EINVAL;
	return cannot_listen(fd);
}
