/* SPDX-License-Identifier: MIT */
/*
 * What travels between the two ends of a socket pair: messages.
 *
 *      end A                                             end B
 *        sock_send() ---> [ "abc" ] [ "" ] [ "defg" ] ---> sock_recv()
 *        charged           newest           oldest         queue, bytes
 *
 * A write makes a message; on a stream a long one makes several, and nobody sees where one ends.
 * Of the other types a read takes exactly one, and what does not fit is lost. A message is charged
 * to the end that sent it until it has been read: an end may send as long as less than its SO_SNDBUF
 * is charged, so one message that fits into SO_SNDBUF can always be sent in the end.
 *
 *               the peer is closed            I shut down writing, or it reading   it shut down writing
 *   stream      send EPIPE + SIGPIPE, recv 0  EPIPE + SIGPIPE                      recv 0
 *   seqpacket   EPIPE, recv 0                 EPIPE                                recv 0
 *   datagram    ECONNREFUSED once, ENOTCONN   EPIPE                                nothing
 *
 * A connected peer (stream, seqpacket) that closes without having read all leaves ECONNRESET, once.
 * Its shutdown is mirrored: what it does not read I cannot write. Datagrams are not connected.
 *
 * Locks: pair->lock for all that both ends see; it is held for a few instructions. A reader copies
 * to its user with only its end's read_mutex held, which keeps the oldest message where it is; it
 * sleeps for data without it, so that O_NONBLOCK means what it says.
 */
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/socket.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

struct sock_msg {
	struct list_head node;
	size_t len, offset; /* of a stream: what has been read of it */
	size_t charge;
	u8 data[];
};

/* A stream is cut into messages that fill a page with their header. */
#define STREAM_CHUNK (PAGE_SIZE - sizeof(struct sock_msg))
/* What a message shall leave of SO_SNDBUF. */
#define MSG_OVERHEAD 32

void sock_init_end(struct sock_end *end, struct sock_pair *pair, struct sock_end *peer)
{
	*end = (struct sock_end){.pair = pair, .peer = peer, .connected = true, .rcvlowat = 1};
	end->sndbuf = end->rcvbuf = SOCK_DEF_BUF;
	mutex_init(&end->read_mutex);
	INIT_LIST_HEAD(&end->queue);
	init_waitqueue_head(&end->rd_wait);
	init_waitqueue_head(&end->wr_wait);
	fasync_init(&end->fasync);
}

/*
 * Linux's price of a message, which programs see in how many they can send. What fills a page costs
 * its bytes alone, so that a stream, too, holds SO_SNDBUF bytes.
 */
static size_t message_charge(size_t len)
{
	if (len <= PAGE_SIZE - 320)
		return 256 + roundup_pow_of_two(len + 320);
	return len <= STREAM_CHUNK ? len : ALIGN(len, PAGE_SIZE) + 768;
}

static struct sock_msg *alloc_message(size_t len)
{
	size_t size = sizeof(struct sock_msg) + len;
	struct sock_msg *msg = size <= PAGE_SIZE ? kmalloc(size, GFP_KERNEL) : vmalloc(size);

	if (msg) {
		msg->len = len;
		msg->offset = 0;
		msg->charge = message_charge(len);
	}
	return msg;
}

static void free_message(struct sock_msg *msg)
{
	if (sizeof(*msg) + msg->len <= PAGE_SIZE)
		kfree(msg);
	else
		vfree(msg);
}

static void wake_readers(struct sock_end *end, u32 events)
{
	__wake_up(&end->rd_wait, TASK_INTERRUPTIBLE, 0, (void *)(unsigned long)(events));
}

/* The end can be read, or nothing more will come: wake, and signal. */
static void tell(struct sock_end *end, int reason, u32 events)
{
	wake_readers(end, events);
	kill_fasync(&end->fasync, FMODE_READ, reason);
}

static void wake_writers(struct sock_end *end)
{
	__wake_up(&end->wr_wait, TASK_INTERRUPTIBLE, 0,
		  (void *)(unsigned long)(POLLOUT | POLLWRNORM | POLLWRBAND));
}

static bool is_stream(const struct sock_end *end)
{
	return end->pair->type == SOCK_STREAM;
}

static bool is_datagram(const struct sock_end *end)
{
	return end->pair->type == SOCK_DGRAM;
}

static int take_error_locked(struct sock_end *end)
{
	int err = end->err;

	end->err = 0;
	return err;
}

int sock_take_error(struct sock_end *end)
{
	int err;

	spin_lock(&end->pair->lock);
	err = take_error_locked(end);
	spin_unlock(&end->pair->lock);
	return err;
}

/* Poll's idea of room: a quarter of the buffer is used at most. */
static bool sock_writable(const struct sock_end *end)
{
	return READ_ONCE(end->charged) * 4 <= (size_t)READ_ONCE(end->sndbuf);
}

/* Sending -------------------------------------------------------------------------------------- */

/* Why nothing can be sent: 0 or -E. pair->lock held. */
static int send_error(struct sock_end *end)
{
	if (!end->connected)
		return -ENOTCONN;
	if (end->err && !is_stream(end))
		return -take_error_locked(end);
	if (end->shut & BIT(SHUT_WR) || (is_stream(end) && end->peer->closed))
		return -EPIPE;
	return 0;
}

static bool may_send(struct sock_end *end)
{
	return READ_ONCE(end->charged) < (size_t)READ_ONCE(end->sndbuf);
}

/* What a sender sleeps for: that send_error() or may_send() has changed its answer. No lock. */
static bool send_has_answer(struct sock_end *end)
{
	return may_send(end) || READ_ONCE(end->shut) & BIT(SHUT_WR) ||
	       (READ_ONCE(end->err) && !is_stream(end)) || !READ_ONCE(end->connected);
}

/* And a reader: readable(). */
static bool recv_has_answer(struct sock_end *end)
{
	return !list_empty(&end->queue) || READ_ONCE(end->shut) & BIT(SHUT_RD) ||
	       READ_ONCE(end->err);
}

/* Have @charge charged, if need be after a sleep. 0, -EAGAIN, -ERESTARTSYS, -EINTR, send_error(). */
static int reserve(struct sock_end *end, size_t charge, bool nonblock)
{
	s64 left = (s64)READ_ONCE(end->timeout[1]);
	bool timed = left;
	int err;

	for (;;) {
		spin_lock(&end->pair->lock);
		err = send_error(end);
		if (!err && may_send(end))
			end->charged += charge;
		else if (!err)
			err = -EAGAIN;
		end->no_room |= err == -EAGAIN;
		spin_unlock(&end->pair->lock);
		if (err != -EAGAIN || nonblock || (timed && !left))
			return err;
		if (timed)
			left = wait_event_interruptible_timeout_ns(&end->wr_wait,
								   send_has_answer(end), left);
		else
			err = wait_event_interruptible(&end->wr_wait, send_has_answer(end));
		if (timed ? left < 0 : err < 0 && err != -EAGAIN)
			return timed ? -EINTR : err;
	}
}

static void unreserve(struct sock_end *end, size_t charge)
{
	spin_lock(&end->pair->lock);
	end->charged -= charge;
	spin_unlock(&end->pair->lock);
	if (may_send(end))
		wake_writers(end);
}

/* The message is complete: into the peer's queue, if that still wants any. 0 or -E. */
static int deliver(struct sock_end *end, struct sock_msg *msg)
{
	struct sock_end *peer = end->peer;
	int err = 0;

	spin_lock(&end->pair->lock);
	if (peer->closed && is_datagram(end)) {
		end->connected = false;
		err = -ECONNREFUSED;
	} else if (peer->closed || peer->shut & BIT(SHUT_RD)) {
		err = -EPIPE;
	} else {
		list_add_tail(&msg->node, &peer->queue);
		peer->bytes += msg->len;
	}
	spin_unlock(&end->pair->lock);
	if (!err)
		tell(peer, POLL_IN, POLLIN | POLLRDNORM);
	return err;
}

static int send_message(struct sock_end *end, struct iov_iter *from, size_t len, bool nonblock)
{
	size_t charge = message_charge(len);
	struct sock_msg *msg;
	int err;

	err = reserve(end, charge, nonblock);
	if (err)
		return err;
	msg = alloc_message(len);
	if (!msg)
		err = -ENOBUFS;
	else if (copy_from_iter(msg->data, len, from) < len)
		err = -EFAULT;
	else
		err = deliver(end, msg);
	if (err) {
		if (msg)
			free_message(msg);
		unreserve(end, charge);
	}
	return err;
}

static ssize_t send_stream(struct sock_end *end, struct iov_iter *from, bool nonblock, bool signal)
{
	ssize_t done = 0;
	int err;

	spin_lock(&end->pair->lock); /* even nothing cannot be sent to nobody */
	err = send_error(end);
	spin_unlock(&end->pair->lock);
	while (!err && iov_iter_count(from)) {
		size_t len = min_t(size_t, iov_iter_count(from), STREAM_CHUNK);

		err = send_message(end, from, len, nonblock);
		if (!err)
			done += (ssize_t)len;
	}
	if (!done && err == -EPIPE && signal)
		send_sig_current(SIGPIPE);
	return done ?: err;
}

ssize_t sock_send(struct file *file, struct iov_iter *from, unsigned int flags)
{
	struct sock_end *end = file->private;
	bool nonblock = file->f_flags & O_NONBLOCK || flags & MSG_DONTWAIT;
	size_t len = iov_iter_count(from);
	int err = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (is_stream(end))
		return send_stream(end, from, nonblock, !(flags & MSG_NOSIGNAL));
	if (len + MSG_OVERHEAD > (size_t)READ_ONCE(end->sndbuf)) {
		spin_lock(&end->pair->lock);
		if (!end->connected)
			err = -ENOTCONN;
		else
			err = -take_error_locked(end);
		spin_unlock(&end->pair->lock);
		return err ?: -EMSGSIZE;
	}
	return send_message(end, from, len, nonblock) ?: (ssize_t)len;
}

/* Receiving ------------------------------------------------------------------------------------ */

static struct sock_msg *first_message(struct sock_end *end)
{
	return list_empty(&end->queue) ? NULL
				       : list_first_entry(&end->queue, struct sock_msg, node);
}

/* A message has been read: its sender has room again. */
static void consume(struct sock_end *end, struct sock_msg *msg)
{
	struct sock_end *peer = end->peer;
	bool tell_room;

	spin_lock(&end->pair->lock);
	list_del(&msg->node);
	peer->charged -= msg->charge;
	tell_room = peer->no_room && sock_writable(peer);
	if (tell_room)
		peer->no_room = false;
	end->bytes -= msg->len - msg->offset;
	spin_unlock(&end->pair->lock);
	free_message(msg);
	if (may_send(peer))
		wake_writers(peer);
	if (tell_room)
		kill_fasync(&peer->fasync, FMODE_WRITE, POLL_OUT);
}

/*
 * 1: there is a message; 0: none and none will come; -EAGAIN: none now; or the end's error. An end
 * of packets tells its error before what is in the queue. pair->lock held.
 */
static int readable(struct sock_end *end, bool nonblock)
{
	bool empty = list_empty(&end->queue);

	if (end->err && (empty || !is_stream(end)))
		return -take_error_locked(end);
	if (!empty)
		return 1;
	if (end->shut & BIT(SHUT_RD) && !(is_datagram(end) && nonblock))
		return 0;
	return -EAGAIN;
}

/*
 * Sleep until there is a message, and come back with read_mutex held: 1. Without it: 0 at the end,
 * -EAGAIN, -ERESTARTSYS, -EINTR after part of a time limit, the end's error.
 */
static int lock_readable(struct sock_end *end, bool nonblock)
{
	s64 left = (s64)READ_ONCE(end->timeout[0]);
	bool timed = left;
	int ret;

	for (;;) {
		mutex_lock(&end->read_mutex);
		spin_lock(&end->pair->lock);
		ret = readable(end, nonblock);
		spin_unlock(&end->pair->lock);
		if (ret == 1) {
			__release(
				&end->read_mutex); /* sparse follows locks within one function only */
			return 1;
		}
		mutex_unlock(&end->read_mutex);
		if (ret != -EAGAIN || nonblock || (timed && !left))
			return ret;
		if (timed)
			left = wait_event_interruptible_timeout_ns(&end->rd_wait,
								   recv_has_answer(end), left);
		else
			ret = wait_event_interruptible(&end->rd_wait, recv_has_answer(end));
		if (timed ? left < 0 : ret < 0 && ret != -EAGAIN)
			return timed ? -EINTR : ret;
	}
}

static ssize_t recv_packet(struct sock_end *end, struct iov_iter *to, unsigned int flags,
			   bool nonblock, unsigned int *msg_flags)
{
	size_t want, copied;
	struct sock_msg *msg;
	ssize_t ret = lock_readable(end, nonblock);

	if (ret <= 0)
		return ret;
	__acquire(&end->read_mutex);
	msg = first_message(end);
	want = min_t(size_t, msg->len, iov_iter_count(to));
	if (want < msg->len)
		*msg_flags |= MSG_TRUNC;
	copied = copy_to_iter(msg->data, want, to);
	ret = (ssize_t)(flags & MSG_TRUNC ? msg->len : want);
	if (!(flags & MSG_PEEK))
		consume(end, msg);
	mutex_unlock(&end->read_mutex);
	return copied < want ? -EFAULT : ret;
}

/* Copy what there is, over messages. read_mutex held. Bytes or -EFAULT. */
static ssize_t peek_stream(struct sock_end *end, struct iov_iter *to)
{
	struct sock_msg *msg = first_message(end), *next;
	ssize_t done = 0;

	while (msg && iov_iter_count(to)) {
		size_t want = min_t(size_t, msg->len - msg->offset, iov_iter_count(to));
		size_t copied = copy_to_iter(msg->data + msg->offset, want, to);

		done += (ssize_t)copied;
		if (copied < want)
			return done ?: -EFAULT;
		spin_lock(&end->pair->lock);
		next = list_is_last(&msg->node, &end->queue)
			       ? NULL
			       : list_entry(msg->node.next, struct sock_msg, node);
		spin_unlock(&end->pair->lock);
		msg = next;
	}
	return done;
}

/* The same, and it is gone then. */
static ssize_t take_stream(struct sock_end *end, struct iov_iter *to)
{
	ssize_t done = 0;

	while (iov_iter_count(to) && !list_empty(&end->queue)) {
		struct sock_msg *msg = first_message(end);
		size_t want = min_t(size_t, msg->len - msg->offset, iov_iter_count(to));
		size_t copied = copy_to_iter(msg->data + msg->offset, want, to);

		spin_lock(&end->pair->lock);
		msg->offset += copied;
		end->bytes -= copied;
		spin_unlock(&end->pair->lock);
		done += (ssize_t)copied;
		if (msg->offset == msg->len)
			consume(end, msg);
		if (copied < want)
			return done ?: -EFAULT;
	}
	return done;
}

/* At least SO_RCVLOWAT bytes, or all with MSG_WAITALL, unless the end comes first. */
static ssize_t recv_stream(struct sock_end *end, struct iov_iter *to, unsigned int flags,
			   bool nonblock)
{
	size_t size = iov_iter_count(to);
	size_t target = flags & MSG_WAITALL ? size : min_t(size_t, end->rcvlowat, size);
	ssize_t done = 0, ret;

	do {
		ret = lock_readable(end, nonblock);
		if (ret <= 0)
			break;
		__acquire(&end->read_mutex);
		ret = flags & MSG_PEEK ? peek_stream(end, to) : take_stream(end, to);
		mutex_unlock(&end->read_mutex);
		if (ret < 0)
			break;
		done += ret;
	} while ((size_t)done < target && !(flags & MSG_PEEK));
	return done ?: ret;
}

ssize_t sock_recv(struct file *file, struct iov_iter *to, unsigned int flags,
		  unsigned int *msg_flags)
{
	struct sock_end *end = file->private;
	bool nonblock = file->f_flags & O_NONBLOCK || flags & MSG_DONTWAIT;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	return is_stream(end) ? recv_stream(end, to, flags, nonblock)
			      : recv_packet(end, to, flags, nonblock, msg_flags);
}

/* State ---------------------------------------------------------------------------------------- */

u32 sock_poll(struct file *file, struct poll_table *table)
{
	struct sock_end *end = file->private;
	u32 mask = 0;

	poll_wait(file, &end->rd_wait, table);
	poll_wait(file, &end->wr_wait, table);
	spin_lock(&end->pair->lock);
	if (end->err)
		mask |= POLLERR;
	if (end->shut == (BIT(SHUT_RD) | BIT(SHUT_WR)))
		mask |= POLLHUP;
	if (end->shut & BIT(SHUT_RD))
		mask |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&end->queue))
		mask |= POLLIN | POLLRDNORM;
	if (sock_writable(end))
		mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
	else
		end->no_room = true;
	spin_unlock(&end->pair->lock);
	return mask;
}

int sock_inq(struct sock_end *end)
{
	const struct sock_msg *msg;
	size_t bytes;

	spin_lock(&end->pair->lock);
	msg = first_message(end);
	bytes = is_datagram(end) && msg ? msg->len : end->bytes;
	spin_unlock(&end->pair->lock);
	return (int)bytes;
}

static void wake_end(struct sock_end *end)
{
	wake_readers(end, POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP | POLLERR);
	wake_writers(end);
}

void sock_shutdown(struct sock_end *end, unsigned int how)
{
	struct sock_end *peer = end->peer;

	spin_lock(&end->pair->lock);
	WRITE_ONCE(end->shut, end->shut | how);
	if (!is_datagram(end))
		WRITE_ONCE(peer->shut, peer->shut | (how & BIT(SHUT_RD) ? BIT(SHUT_WR) : 0) |
					       (how & BIT(SHUT_WR) ? BIT(SHUT_RD) : 0));
	spin_unlock(&end->pair->lock);
	wake_end(end);
	if (is_datagram(end))
		return;
	wake_end(peer);
	if (how == (BIT(SHUT_RD) | BIT(SHUT_WR)))
		kill_fasync(&peer->fasync, FMODE_READ, POLL_HUP);
	else if (how & BIT(SHUT_WR))
		kill_fasync(&peer->fasync, FMODE_READ, POLL_IN);
}

void sock_close_end(struct sock_end *end)
{
	struct sock_end *peer = end->peer;
	struct sock_msg *msg;

	spin_lock(&end->pair->lock);
	end->closed = true;
	if (!is_datagram(end)) {
		WRITE_ONCE(peer->shut, BIT(SHUT_RD) | BIT(SHUT_WR));
		if (!list_empty(&end->queue))
			WRITE_ONCE(peer->err, ECONNRESET);
	}
	spin_unlock(&end->pair->lock);
	while ((msg = first_message(end))) /* deliver() adds none any more */
		consume(end, msg);
	wake_end(peer);
	if (!is_datagram(end))
		kill_fasync(&peer->fasync, FMODE_READ, POLL_HUP);
}
