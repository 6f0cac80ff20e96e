/* SPDX-License-Identifier: MIT */
/*
 * A position in a scattered buffer, in user or kernel memory: what a read fills and a write
 * empties.
 *
 * The same driver code serves read(), readv(), sendfile() and the kernel's own reads. An iterator
 * over user memory sleeps (page faults); one over kernel memory does not.
 */
#ifndef KERNEL_FS_IOV_ITER_H
#define KERNEL_FS_IOV_ITER_H

#include "lib/types.h"
#include "lib/compiler.h"

struct page;

struct iovec {
	void __user *iov_base;
	size_t iov_len;
};

#define UIO_MAXIOV  1024
#define UIO_FASTIOV 8

struct iov_iter {
	bool kernel;	 /* the buffers are kernel memory */
	bool append;	 /* RWF_APPEND: to the end of the file, whatever the position */
	unsigned int nr; /* segments left, the current one included */
	size_t offset;	 /* into the current segment */
	size_t count;	 /* bytes left in all */
	const struct iovec *iov;
	struct iovec one; /* the segment of a plain read() or write() */
};

/** iov_iter_user(), iov_iter_kernel() - over one buffer. */
static inline void iov_iter_user(struct iov_iter *i, const void __user *buf, size_t count)
{
	i->kernel = false;
	i->append = false;
	i->nr = 1;
	i->offset = 0;
	i->count = count;
	i->one.iov_base = (void __user *)buf;
	i->one.iov_len = count;
	i->iov = &i->one;
}

static inline void iov_iter_kernel(struct iov_iter *i, const void *buf, size_t count)
{
	iov_iter_user(i, (const void __force __user *)buf, count);
	i->kernel = true;
	i->append = false;
}

static inline size_t iov_iter_count(const struct iov_iter *i)
{
	return i->count;
}

/** iov_iter_segment() - bytes left of the segment that comes next. */
static inline size_t iov_iter_segment(struct iov_iter *i)
{
	if (i->offset && i->offset == i->iov->iov_len && i->nr > 1) {
		i->iov++;
		i->nr--;
		i->offset = 0;
	}
	return i->iov->iov_len - i->offset < i->count ? i->iov->iov_len - i->offset : i->count;
}

/** iov_iter_truncate() - at most @count bytes from here. */
static inline void iov_iter_truncate(struct iov_iter *i, size_t count)
{
	if (i->count > count)
		i->count = count;
}

/**
 * import_iovec() - take a user's iovec array.
 * @fast: room for UIO_FASTIOV segments; *alloc receives what must be kfree()d afterwards (or NULL).
 * Returns the bytes in all (cut to MAX_RW_COUNT), -EINVAL (too many, or a negative length),
 * -EFAULT, -ENOMEM.
 */
ssize_t import_iovec(struct iov_iter *i, const struct iovec __user *uvec, unsigned long nr,
		     struct iovec *fast, struct iovec **alloc);

/**
 * copy_to_iter(), copy_from_iter(), iov_iter_zero() - move bytes and advance.
 * Return how many were moved: fewer than asked at the end of the iterator or at a bad user address.
 */
size_t copy_to_iter(const void *data, size_t bytes, struct iov_iter *i);
size_t copy_from_iter(void *buf, size_t bytes, struct iov_iter *i);
size_t iov_iter_zero(size_t bytes, struct iov_iter *i);

/** copy_page_to_iter(), copy_page_from_iter() - the same from or into a page. */
size_t copy_page_to_iter(struct page *page, size_t offset, size_t bytes, struct iov_iter *i);
size_t copy_page_from_iter(struct page *page, size_t offset, size_t bytes, struct iov_iter *i);

void iov_iter_advance(struct iov_iter *i, size_t bytes);

#endif
