/* SPDX-License-Identifier: MIT */
/*
 * Scattered buffers.
 *
 *      iov ----> [ seg | seg | seg | ... ]    nr of them left
 *                   ^offset                   bytes of the first that are used up
 *
 * `count` bytes may still be moved, possibly fewer than the segments hold.
 *
 * Every move is the same loop over the segments, with another copy in the middle; for_each_piece()
 * is that loop. User copies may stop short at a bad address: the iterator then stands at the first
 * byte that was not moved, and the caller reports what was moved before, or EFAULT if that is
 * nothing.
 */
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/fs.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

/*
 * The part of the current segment that the next move can use, at most @bytes; skips empty segments.
 * 0: the end.
 */
static size_t piece(struct iov_iter *i, size_t bytes)
{
	size_t room;

	bytes = min(bytes, i->count);
	if (!bytes)
		return 0;
	for (;;) {
		room = i->iov->iov_len - i->offset;
		if (likely(room))
			return min(bytes, room);
		if (i->nr <= 1)
			return 0;
		i->iov++;
		i->nr--;
		i->offset = 0;
	}
}

#define for_each_piece(i, addr, len, bytes, left)                                     \
	for (size_t __left_in = (bytes), len = piece(i, __left_in), left = 0;         \
	     len && ((addr) = (char __user *)(i)->iov->iov_base + (i)->offset, true); \
	     (i)->offset += len - left, (i)->count -= len - left,                     \
		    __left_in = left ? 0 : __left_in - len, len = piece(i, __left_in))

size_t copy_to_iter(const void *data, size_t bytes, struct iov_iter *i)
{
	const char *from = data;
	size_t start = i->count;
	char __user *addr;

	for_each_piece(i, addr, len, bytes, left)
	{
		if (i->kernel)
			memcpy((void __force *)addr, from, len);
		else
			left = copy_to_user(addr, from, len);
		from += len;
	}
	return start - i->count;
}

size_t copy_from_iter(void *buf, size_t bytes, struct iov_iter *i)
{
	char *to = buf;
	size_t start = i->count;
	char __user *addr;

	for_each_piece(i, addr, len, bytes, left)
	{
		if (i->kernel)
			memcpy(to, (void __force *)addr, len);
		else
			left = copy_from_user(to, addr, len);
		to += len;
	}
	return start - i->count;
}

size_t iov_iter_zero(size_t bytes, struct iov_iter *i)
{
	size_t start = i->count;
	char __user *addr;

	for_each_piece(i, addr, len, bytes, left)
	{
		if (i->kernel)
			memset((void __force *)addr, 0, len);
		else
			left = clear_user(addr, len);
	}
	return start - i->count;
}

size_t copy_page_to_iter(struct page *page, size_t offset, size_t bytes, struct iov_iter *i)
{
	return copy_to_iter((char *)page_address(page) + offset, bytes, i);
}

size_t copy_page_from_iter(struct page *page, size_t offset, size_t bytes, struct iov_iter *i)
{
	return copy_from_iter((char *)page_address(page) + offset, bytes, i);
}

void iov_iter_advance(struct iov_iter *i, size_t bytes)
{
	size_t len;

	while ((len = piece(i, bytes)) > 0) {
		i->offset += len;
		i->count -= len;
		bytes -= len;
	}
}

ssize_t import_iovec(struct iov_iter *i, const struct iovec __user *uvec, unsigned long nr,
		     struct iovec *fast, struct iovec **alloc)
{
	struct iovec *iov = fast;
	size_t total = 0;

	*alloc = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FASTIOV) {
		iov = kmalloc_array(nr, sizeof(*iov), GFP_KERNEL);
		if (!iov)
			return -ENOMEM;
		*alloc = iov;
	}
	if (copy_from_user(iov, uvec, nr * sizeof(*iov)))
		return -EFAULT;
	for (unsigned long n = 0; n < nr; n++) {
		if ((ssize_t)iov[n].iov_len < 0)
			return -EINVAL;
		if (!access_ok(iov[n].iov_base, iov[n].iov_len))
			return -EFAULT;
		iov[n].iov_len = min(iov[n].iov_len, (size_t)MAX_RW_COUNT - total);
		total += iov[n].iov_len;
	}
	i->kernel = false;
	i->append = false;
	i->iov = iov;
	i->nr = nr;
	i->offset = 0;
	i->count = total;
	return total;
}
