/* SPDX-License-Identifier: MIT */
/*
 * socketpair(AF_UNIX, SOCK_STREAM): two pipes, crossed.
 *
 *        end A                        end B
 *         tx ------- pipe[0] --------> rx
 *         rx <------ pipe[1] --------- tx
 *
 * Each end is a writer of one pipe and a reader of the other; shutdown() gives up one of the two,
 * close() what is left. The pair itself, which holds the pipes, goes with the second end.
 *
 * There are no other sockets: every other family is EAFNOSUPPORT, and nothing has an address, so
 * bind, listen and accept have nothing to do. Control messages (descriptors in transit) are not
 * carried: EOPNOTSUPP.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/pipe.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/signal.h"
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

#define MSG_OOB	       0x1
#define MSG_PEEK       0x2
#define MSG_DONTWAIT   0x40
#define MSG_WAITALL    0x100
#define MSG_NOSIGNAL   0x4000
#define MSG_WAITFORONE 0x10000

#define SHUT_RD	  0
#define SHUT_WR	  1
#define SHUT_RDWR 2

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

/* Data ----------------------------------------------------------------------------------------- */

static ssize_t read_pipe(struct pipe *pipe, struct iov_iter *to, bool nonblock, bool peek)
{
	return peek ? pipe_peek(pipe, to, nonblock) : pipe_read(pipe, to, nonblock);
}

/* read_pipe() with a time limit, SO_RCVTIMEO. */
static ssize_t timed_read(struct sock_end *end, struct iov_iter *to, s64 left, bool peek)
{
	ssize_t n;

	for (;;) {
		n = read_pipe(end->rx, to, true, peek);
		if (n != -EAGAIN || !left)
			return n;
		left = wait_event_interruptible_timeout_ns(&end->rx->rd_wait,
							   pipe_has_answer(end->rx), left);
		if (left < 0)
			return -EINTR;
	}
}

/* pipe_write() with a time limit for each wait, SO_SNDTIMEO. */
static ssize_t timed_write(struct sock_end *end, struct iov_iter *from, unsigned int flags,
			   s64 limit)
{
	ssize_t done = 0, n;
	s64 left = 1;

	for (;;) {
		n = pipe_write(end->tx, from, flags | PIPE_NONBLOCK);
		if (n > 0)
			done += n;
		if (!iov_iter_count(from) || (n < 0 && n != -EAGAIN) || !left)
			return done ?: n;
		left = wait_event_interruptible_timeout_ns(&end->tx->wr_wait,
							   pipe_has_room(end->tx), limit);
		if (left < 0)
			return done ?: -EINTR;
	}
}

static ssize_t sock_read(struct file *file, struct iov_iter *to, unsigned int flags)
{
	struct sock_end *end = file->private;
	bool nonblock = file->f_flags & O_NONBLOCK || flags & MSG_DONTWAIT;
	s64 limit = nonblock ? 0 : (s64)READ_ONCE(end->timeout[0]);
	bool peek = flags & MSG_PEEK;
	ssize_t done = 0, n;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	do {
		if (test_bit(SHUT_RD, &end->shut) && pipe_empty(end->rx))
			return done;
		n = limit ? timed_read(end, to, limit, peek)
			  : read_pipe(end->rx, to, nonblock, peek);
		if (n <= 0)
			return done ?: n;
		done += n;
	} while (flags & MSG_WAITALL && !peek && iov_iter_count(to));
	return done;
}

static ssize_t sock_write(struct file *file, struct iov_iter *from, unsigned int flags)
{
	struct sock_end *end = file->private;
	bool nonblock = file->f_flags & O_NONBLOCK || flags & MSG_DONTWAIT;
	s64 limit = nonblock ? 0 : (s64)READ_ONCE(end->timeout[1]);
	unsigned int pipe_flags;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	/* Even nothing cannot be sent to nobody; a pipe takes it. */
	if (test_bit(SHUT_WR, &end->shut) || !READ_ONCE(end->tx->readers)) {
		if (!(flags & MSG_NOSIGNAL))
			send_sig(SIGPIPE, current);
		return -EPIPE;
	}
	pipe_flags = flags & MSG_NOSIGNAL ? 0 : PIPE_SIGNAL;
	if (limit)
		return timed_write(end, from, pipe_flags, limit);
	return pipe_write(end->tx, from, pipe_flags | (nonblock ? PIPE_NONBLOCK : 0));
}

static ssize_t sock_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return sock_read(file, to, 0);
}

static ssize_t sock_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return sock_write(file, from, 0);
}

static u32 sock_poll(struct file *file, struct poll_table *table)
{
	struct sock_end *end = file->private;
	bool eof, broken;
	u32 mask = 0;

	poll_wait(file, &end->rx->rd_wait, table);
	poll_wait(file, &end->tx->wr_wait, table);
	eof = !READ_ONCE(end->rx->writers) || test_bit(SHUT_RD, &end->shut);
	broken = !READ_ONCE(end->tx->readers) || test_bit(SHUT_WR, &end->shut);
	if (!pipe_empty(end->rx) || eof)
		mask |= POLLIN | POLLRDNORM;
	if (!pipe_full(end->tx) || broken)
		mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
	if (eof)
		mask |= POLLRDHUP;
	return eof && broken ? mask | POLLHUP : mask;
}

static long sock_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sock_end *end = file->private;

	if (cmd == FIONREAD)
		return put_user(pipe_bytes(end->rx), (int __user *)arg);
	if (cmd == TIOCOUTQ)
		return put_user(pipe_bytes(end->tx), (int __user *)arg);
	return -ENOIOCTLCMD;
}

/* Life ----------------------------------------------------------------------------------------- */

static void shut_end(struct sock_end *end, bool rd, bool wr)
{
	if (rd && !test_and_set_bit(SHUT_RD, &end->shut))
		pipe_drop_ends(end->rx, true, false);
	if (wr && !test_and_set_bit(SHUT_WR, &end->shut))
		pipe_drop_ends(end->tx, false, true);
}

static void free_pair(struct sock_pair *pair)
{
	for (int i = 0; i < 2; i++) {
		if (pair->pipe[i])
			free_pipe(pair->pipe[i]);
	}
	kfree(pair);
}

static void sock_release(struct inode *inode, struct file *file)
{
	struct sock_end *end = file->private;

	shut_end(end, true, true);
	if (atomic_dec_and_test(&end->pair->ends))
		free_pair(end->pair);
	kfree(end);
}

static const struct file_operations socket_fops = {
	.read_iter = sock_read_iter,
	.write_iter = sock_write_iter,
	.poll = sock_poll,
	.ioctl = sock_ioctl,
	.release = sock_release,
};

static struct sock_pair *alloc_pair(void)
{
	struct sock_pair *pair = kzalloc(sizeof(*pair), GFP_KERNEL);

	if (!pair)
		return NULL;
	pair->maker = (struct ucred){current->tgid, current_euid(), current_cred()->egid};
	for (int i = 0; i < 2; i++) {
		pair->pipe[i] = alloc_pipe();
		if (!pair->pipe[i]) {
			free_pair(pair);
			return NULL;
		}
		pair->pipe[i]->readers = pair->pipe[i]->writers = 1;
		pair->pipe[i]->w_counter = pair->pipe[i]->r_counter = 1;
	}
	return pair;
}

static struct file *make_end(struct sock_pair *pair, int i, unsigned int flags)
{
	struct sock_end *end = kzalloc(sizeof(*end), GFP_KERNEL);
	struct inode *inode = end ? pseudo_inode(S_IFSOCK | 0777) : NULL;
	struct file *file;
	char name[32];

	if (!inode) {
		kfree(end);
		return ERR_PTR(-ENOMEM);
	}
	*end = (struct sock_end){.pair = pair, .rx = pair->pipe[i], .tx = pair->pipe[!i]};
	snprintf(name, sizeof(name), "socket:[%llu]", inode->i_ino);
	file = pseudo_file(name, inode, &socket_fops, O_RDWR | (flags & SOCK_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(end);
		return file;
	}
	file->private = end;
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

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if ((type & SOCK_TYPE) != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	pair = alloc_pair();
	if (!pair)
		return -ENOMEM;
	files[0] = make_end(pair, 0, flags);
	if (IS_ERR(files[0])) {
		free_pair(pair);
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

/* An address must be one, though nobody here has any. 0, -EINVAL, -EFAULT. */
static long check_address(const void __user *addr, int len)
{
	char copy[SOCKADDR_MAX];

	if (!addr)
		return 0;
	if (len < 0 || len > SOCKADDR_MAX)
		return -EINVAL;
	return copy_from_user(copy, addr, (size_t)len) ? -EFAULT : 0;
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
	ret = check_address(addr, addr_len);
	if (!ret)
		ret = addr && addr_len ? -EISCONN : sock_write(f.file, &iter, flags);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE6(recvfrom, int, fd, void __user *, buf, size_t, len, unsigned int, flags,
		void __user *, addr, int __user *, addr_len)
{
	struct iov_iter iter;
	struct fd f;
	long ret;

	f = sock_get(fd, &ret);
	if (!f.file)
		return ret;
	iov_iter_user(&iter, buf, min_t(size_t, len, MAX_RW_COUNT));
	ret = sock_read(f.file, &iter, flags);
	fdput(f);
	if (ret >= 0 && addr && addr_len && put_user(0, addr_len)) /* nobody has a name */
		ret = -EFAULT;
	return ret;
}

static long sock_msg(int fd, struct user_msghdr __user *umsg, unsigned int flags, bool send)
{
	struct iovec fast[UIO_FASTIOV], *alloc = NULL;
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
	ret = -EMSGSIZE;
	if (msg.iovlen > UIO_MAXIOV)
		goto out;
	ret = -EOPNOTSUPP;
	if (send && msg.controllen)
		goto out;
	ret = import_iovec(&iter, msg.iov, msg.iovlen, fast, &alloc);
	if (ret >= 0)
		ret = send ? sock_write(f.file, &iter, flags) : sock_read(f.file, &iter, flags);
	kfree(alloc);
	if (!send && ret >= 0 &&
	    (put_user(0, &umsg->namelen) || put_user((size_t)0, &umsg->controllen) ||
	     put_user(0u, &umsg->flags)))
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
		shut_end(f.file->private, how != SHUT_WR, how != SHUT_RD);
	fdput(f);
	return ret;
}

/* The address of a socket without a name: its family alone. */
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
	return put_user(2, ulen);
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
	return sock_check(fd) ?: -EINVAL;
}

SYSCALL_DEFINE3(accept, int, fd, void __user *, addr, int __user *, len)
{
	return sock_check(fd) ?: -EINVAL;
}

SYSCALL_DEFINE4(accept4, int, fd, void __user *, addr, int __user *, len, int, flags)
{
	return sock_check(fd) ?: -EINVAL;
}
