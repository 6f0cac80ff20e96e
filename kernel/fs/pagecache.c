/* SPDX-License-Identifier: MIT */
/*
 * read, write, seek and mmap of files that live in the page cache.
 *
 * A read copies out of pages that it holds a reference to, without their locks: it may see a write
 * half done, as POSIX lets it. A hole is not filled, its zeroes are made up.
 *
 * A write holds the inode's i_rwsem, so writes and truncation exclude each other. It copies into
 * the page without the page's lock, because the user's buffer may be a mapping of this very page
 * and has to be faulted in under it. Reclaim may take the page from the cache to swap meanwhile;
 * therefore
 *
 *     copy into the page --> lock it --> still in the cache? --yes--> dirty, done
 *                                              | no: it went to swap before our bytes were in
 *                                              +--> do this page again
 *
 * which loses no byte: a page that was in the cache when locked after the copy is written out, if
 * ever, with our bytes.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/vma.h"

/* Reading -------------------------------------------------------------------------------------- */

/*
 * The page at @index, or NULL for a hole, with a reference and not locked. One look at the tree
 * decides: what is in swap then is no hole, even if somebody brings it back before we do.
 */
static int read_page(struct address_space *mapping, unsigned long index, struct page **pagep)
{
	void *item = filemap_get_item(mapping, index);
	int err;

	if (!filemap_is_value(item)) {
		*pagep = item;
		return 0;
	}
	err = mapping->a_ops->get_page(mapping, index, GETPAGE_READ, pagep);
	if (!err && *pagep)
		unlock_page(*pagep);
	return err;
}

ssize_t pagecache_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct address_space *mapping = &file->f_inode->i_data;
	ssize_t done = 0;
	int err = 0;

	while (iov_iter_count(to)) {
		unsigned int offset = *pos & ~PAGE_MASK;
		loff_t size = READ_ONCE(mapping->i_size);
		size_t len, copied;
		struct page *page;

		if (*pos >= size)
			break;
		len = min_t(size_t, PAGE_SIZE - offset, size - *pos);
		len = min(len, iov_iter_count(to));
		err = read_page(mapping, *pos >> PAGE_SHIFT, &page);
		if (err)
			break;
		if (page) {
			copied = copy_page_to_iter(page, offset, len, to);
			mark_page_accessed(page);
			put_page(page);
		} else {
			copied = iov_iter_zero(len, to);
		}
		*pos += copied;
		done += copied;
		if (copied < len) {
			err = -EFAULT;
			break;
		}
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
	file_accessed(file);
	return done ?: err;
}

/* Writing -------------------------------------------------------------------------------------- */

/* Fill [offset, offset + len) of one page. Bytes copied, or -E. *from is moved on by as much. */
static ssize_t write_page(struct address_space *mapping, unsigned long index, unsigned int offset,
			  size_t len, struct iov_iter *from)
{
	struct iov_iter start = *from;
	struct page *page;
	size_t copied;
	bool kept;
	int err;

	for (;;) {
		err = mapping->a_ops->get_page(mapping, index, GETPAGE_WRITE, &page);
		if (err)
			return err;
		unlock_page(page);
		copied = copy_page_from_iter(page, offset, len, from);
		lock_page(page);
		kept = page->mapping == mapping;
		if (kept && !PageDirty(page))
			SetPageDirty(page);
		unlock_page(page);
		put_page(page);
		if (kept)
			return copied;
		*from = start;
	}
}

/* How far a write may go: the file size limit of the process, and of the file system. */
static ssize_t write_limits(struct inode *inode, loff_t pos, size_t count)
{
	unsigned long limit = rlimit_of(current->signal, RLIMIT_FSIZE);

	if (limit != RLIM_INFINITY) {
		if ((u64)pos >= limit) {
			send_sig_current(SIGXFSZ);
			return -EFBIG;
		}
		count = min_t(size_t, count, limit - pos);
	}
	if (pos >= MAX_FILE_SIZE)
		return -EFBIG;
	return min_t(size_t, count, MAX_FILE_SIZE - pos);
}

/* May a write of one page end there? Up to the page that would make a sealed file grow, it may. */
static int write_sealed(const struct inode *inode, loff_t end)
{
	if (inode->i_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	return inode->i_seals & F_SEAL_GROW && end > i_size_read(inode) ? -EPERM : 0;
}

void strip_setid(struct inode *inode)
{
	umode_t kill = S_ISUID | ((inode->i_mode & S_IXGRP) ? S_ISGID : 0);

	if (unlikely(inode->i_mode & kill) && S_ISREG(inode->i_mode) && !capable(CAP_FSETID))
		inode->i_mode &= ~kill;
}

static ssize_t write_locked(struct inode *inode, struct iov_iter *from, loff_t *pos)
{
	struct address_space *mapping = &inode->i_data;
	ssize_t done = 0, ret = write_limits(inode, *pos, iov_iter_count(from));

	if (ret < 0)
		return ret;
	iov_iter_truncate(from, ret);
	strip_setid(inode);
	while (iov_iter_count(from)) {
		unsigned int offset = *pos & ~PAGE_MASK;
		size_t len = min_t(size_t, PAGE_SIZE - offset, iov_iter_count(from));

		ret = write_sealed(inode, *pos + (loff_t)len)
			      ?: write_page(mapping, *pos >> PAGE_SHIFT, offset, len, from);
		if (ret <= 0) {
			ret = ret ?: -EFAULT;
			break;
		}
		*pos += ret;
		done += ret;
		if (*pos > mapping->i_size)
			WRITE_ONCE(mapping->i_size, *pos);
		if (ret < len || fatal_signal_pending(current)) {
			ret = ret < len ? -EFAULT : -EINTR;
			break;
		}
		cond_resched();
	}
	if (done)
		touch_mtime(inode);
	return done ?: ret;
}

ssize_t pagecache_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = file->f_inode;
	ssize_t ret;

	if (!iov_iter_count(from))
		return 0;
	down_write(&inode->i_rwsem);
	if (file->f_flags & O_APPEND || from->append)
		*pos = i_size_read(inode);
	ret = write_locked(inode, from, pos);
	up_write(&inode->i_rwsem);
	return ret;
}

/* Mapping and seeking -------------------------------------------------------------------------- */

/* A write through a mapping is a modification too; it is seen where the page becomes writable. */
static vm_fault_t pagecache_mkwrite(struct vm_fault *vmf)
{
	touch_mtime(vmf->vma->vm_file->mapping->host);
	return 0;
}

static const struct vm_operations pagecache_vm_ops = {
	.fault = filemap_fault,
	.page_mkwrite = pagecache_mkwrite,
};

int pagecache_mmap(struct file *file, struct vm_area *vma)
{
	struct inode *inode = file->f_inode;

	/* A sealed file may still be read: with a mapping that can never become writable. */
	if (vma->vm_flags & VM_SHARED && inode->i_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vma->vm_flags &= ~VM_MAYWRITE;
	}
	vma->vm_ops = &pagecache_vm_ops;
	file_accessed(file);
	return 0;
}

loff_t pagecache_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file->f_inode;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(file, offset, whence);
	if (offset < 0 || offset >= i_size_read(inode))
		return -ENXIO;
	offset = filemap_next(&inode->i_data, offset, whence == SEEK_DATA);
	if (whence == SEEK_DATA && offset >= i_size_read(inode))
		return -ENXIO;
	file->f_pos = offset;
	return offset;
}
