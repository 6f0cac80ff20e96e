/* SPDX-License-Identifier: MIT */
/*
 * The memory calls, seen from a process: which address space is meant, which file a descriptor
 * names, and user memory in and out. What they do is in mm/, one family a file.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/pidfd.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "mm/access.h"
#include "mm/migrate.h"
#include "mm/mmap.h"
#include "mm/slab.h"

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot, unsigned long,
		flags, unsigned long, fd, unsigned long, offset)
{
	struct fd f;
	long ret;

	if (offset & (PAGE_SIZE - 1))
		return -EINVAL;
	if (flags & MAP_ANONYMOUS)
		return vm_mmap(current->mm, NULL, addr, len, prot, flags, offset >> PAGE_SHIFT);
	f = fdget((unsigned int)fd);
	if (!f.file)
		return -EBADF;
	ret = vm_mmap(current->mm, &f.file->vmf, addr, len, prot, flags, offset >> PAGE_SHIFT);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE2(munmap, unsigned long, addr, size_t, len)
{
	return vm_munmap(current->mm, addr, len);
}

SYSCALL_DEFINE3(mprotect, unsigned long, start, size_t, len, unsigned long, prot)
{
	return do_mprotect(current->mm, start, len, prot);
}

SYSCALL_DEFINE3(mseal, unsigned long, start, size_t, len, unsigned long, flags)
{
	return flags ? -EINVAL : do_mseal(current->mm, start, len);
}

SYSCALL_DEFINE5(mremap, unsigned long, addr, unsigned long, old_len, unsigned long, new_len,
		unsigned long, flags, unsigned long, new_addr)
{
	return do_mremap(current->mm, addr, old_len, new_len, flags, new_addr);
}

SYSCALL_DEFINE1(brk, unsigned long, brk)
{
	return (long)do_brk(current->mm, brk);
}

SYSCALL_DEFINE3(madvise, unsigned long, start, size_t, len, int, advice)
{
	return do_madvise(current->mm, start, len, advice);
}

SYSCALL_DEFINE3(msync, unsigned long, start, size_t, len, int, flags)
{
	return do_msync(current->mm, start, len, flags);
}

SYSCALL_DEFINE2(mlock, unsigned long, start, size_t, len)
{
	return do_mlock(current->mm, start, len, 0);
}

SYSCALL_DEFINE3(mlock2, unsigned long, start, size_t, len, int, flags)
{
	return flags & ~MLOCK_ONFAULT ? -EINVAL : do_mlock(current->mm, start, len, flags);
}

SYSCALL_DEFINE2(munlock, unsigned long, start, size_t, len)
{
	return do_munlock(current->mm, start, len);
}

SYSCALL_DEFINE1(mlockall, int, flags)
{
	return do_mlockall(current->mm, flags);
}

SYSCALL_DEFINE0(munlockall)
{
	return do_munlockall(current->mm);
}

/* In pieces of one page of answers. */
SYSCALL_DEFINE3(mincore, unsigned long, start, size_t, len, unsigned char __user *, uvec)
{
	unsigned long pages = (len >> PAGE_SHIFT) + !!(len & (PAGE_SIZE - 1));
	unsigned char *vec;
	long n = 0;

	if (start & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!access_ok(start, len))
		return -ENOMEM;
	if (!access_ok(uvec, pages))
		return -EFAULT;
	vec = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!vec)
		return -EAGAIN;
	while (pages) {
		n = do_mincore(current->mm, start, min(pages, PAGE_SIZE), vec);
		if (n <= 0)
			break;
		if (copy_to_user(uvec, vec, (unsigned long)n)) {
			n = -EFAULT;
			break;
		}
		pages -= (unsigned long)n;
		uvec += n;
		start += (unsigned long)n << PAGE_SHIFT;
	}
	kfree(vec);
	return n < 0 ? n : 0;
}

/*
 * Once a way to map a file in any order inside one mapping; since Linux 4.0, and here, a mapping of
 * its own over the old one. Its protection is that of the mapping it replaces.
 */
SYSCALL_DEFINE5(remap_file_pages, unsigned long, start, unsigned long, size, unsigned long, prot,
		unsigned long, pgoff, unsigned long, flags)
{
	struct mm *mm = current->mm;
	unsigned long populate = 0;
	struct vm_area *vma;
	long ret = -EINVAL;

	start &= PAGE_MASK;
	size &= PAGE_MASK;
	if (prot || !size || start + size <= start || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, start);
	if (vma && vma->vm_flags & VM_SHARED && vma->vm_file && start + size <= vma->vm_end) {
		unsigned long fl = MAP_SHARED | MAP_FIXED | MAP_POPULATE | (flags & MAP_NONBLOCK) |
				   (vma->vm_flags & VM_LOCKED ? MAP_LOCKED : 0);
		struct vm_file *file = vma->vm_file;

		prot = vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
		vm_file_get(file); /* the mapping that holds it goes */
		ret = do_mmap(mm, file, start, size, prot, fl, pgoff, &populate);
		vm_file_put(file);
	}
	mmap_write_unlock(mm);
	if (populate)
		mm_populate(mm, (unsigned long)ret, populate);
	return ret < 0 ? ret : 0;
}

/* --- other processes' memory ------------------------------------------------------------------ */

struct user_iovec {
	unsigned long base;
	size_t len;
};

/* What others may advise: nothing that changes what the process sees. */
static bool remote_advice_ok(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
	       advice == MADV_COLLAPSE;
}

/* The advice for each part. Bytes advised before the first failure, or what failed. */
static long advise_vector(struct mm *mm, const struct iov_iter *parts, int advice)
{
	long done = 0;

	for (unsigned int i = 0; i < parts->nr; i++) {
		const struct iovec *part = &parts->iov[i];
		int err = do_madvise(mm, (__force unsigned long)part->iov_base, part->iov_len,
				     advice);

		if (err)
			return done ? done : err;
		done += (long)part->iov_len;
	}
	return done;
}

static long process_madvise(int pidfd, const struct iov_iter *parts, int advice)
{
	struct mm *mm = pidfd_get_mm(pidfd);
	bool own = mm == current->mm;
	long ret;

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (!(own ? madvise_known(advice) : remote_advice_ok(advice)))
		ret = -EINVAL;
	else if (!own && !capable(CAP_SYS_NICE))
		ret = -EPERM;
	else
		ret = advise_vector(mm, parts, advice);
	mmput(mm);
	return ret;
}

SYSCALL_DEFINE5(process_madvise, int, pidfd, const struct iovec __user *, uvec, size_t, vlen, int,
		advice, unsigned int, flags)
{
	struct iovec fast[UIO_FASTIOV], *alloc;
	struct iov_iter parts;
	long ret;

	if (flags)
		return -EINVAL;
	ret = import_iovec(&parts, uvec, vlen, fast, &alloc);
	if (ret >= 0)
		ret = process_madvise(pidfd, &parts, advice);
	kfree(alloc);
	return ret;
}

/* One piece of process_vm_readv or writev through a page of kernel memory. Bytes moved. */
static size_t copy_remote(struct mm *mm, unsigned long remote, char __user *local, size_t len,
			  char *buf, bool write)
{
	size_t done = 0;

	while (done < len) {
		size_t part = min(len - done, PAGE_SIZE);
		long n;

		if (write && copy_from_user(buf, local + done, part))
			break;
		n = access_permitted_vm(mm, remote + done, buf, part, write);
		if (n <= 0)
			break;
		if (!write && copy_to_user(local + done, buf, (unsigned long)n))
			break;
		done += (size_t)n;
		if ((size_t)n < part)
			break;
	}
	return done;
}

struct iov_cursor {
	const struct user_iovec __user *vec;
	unsigned long left; /* entries not yet fetched */
	struct user_iovec cur;
};

/* Makes cur non-empty. 1, 0 at the end, -EFAULT. */
static int iov_next(struct iov_cursor *c)
{
	while (!c->cur.len) {
		if (!c->left)
			return 0;
		if (copy_from_user(&c->cur, c->vec, sizeof(c->cur)))
			return -EFAULT;
		c->vec++;
		c->left--;
	}
	return 1;
}

/*
 * All of an array is looked at before anything is done, even before the process is looked for. More
 * than 0 if there is a byte in it; 0, -EFAULT, -EINVAL.
 */
static long check_vector(const struct iov_cursor *c)
{
	struct user_iovec one;
	size_t lengths = 0;

	for (unsigned long i = 0; i < c->left; i++) {
		if (copy_from_user(&one, c->vec + i, sizeof(one)))
			return -EFAULT;
		lengths |= one.len;
	}
	return (long)lengths < 0 ? -EINVAL : (long)lengths;
}

static long process_vm_rw(pid_t pid, struct iov_cursor local, struct iov_cursor remote, bool write)
{
	long done = check_vector(&local);
	struct task *t;
	struct mm *mm;
	char *buf;
	int more = 0;

	if (done > 0)
		done = check_vector(&remote);
	if (done <= 0)
		return done;
	done = 0;
	t = find_get_task_by_pid(pid);
	if (!t)
		return -ESRCH;
	mm = ptrace_may_access(t, PTRACE_REALCREDS) ? get_task_mm(t) : ERR_PTR(-EPERM);
	put_task_struct(t);
	if (IS_ERR_OR_NULL(mm))
		return mm ? PTR_ERR(mm) : -ESRCH;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	while (buf && (more = iov_next(&local)) > 0 && (more = iov_next(&remote)) > 0) {
		size_t len = min(local.cur.len, remote.cur.len), n;

		n = copy_remote(mm, remote.cur.base, (char __user *)local.cur.base, len, buf,
				write);
		done += (long)n;
		if (n < len) {
			more = -EFAULT;
			break;
		}
		local.cur.base += n;
		local.cur.len -= n;
		remote.cur.base += n;
		remote.cur.len -= n;
	}
	if (!buf)
		more = -ENOMEM;
	kfree(buf);
	mmput(mm);
	return done || more >= 0 ? done : more;
}

SYSCALL_DEFINE6(process_vm_readv, pid_t, pid, const struct user_iovec __user *, lvec, unsigned long,
		lcnt, const struct user_iovec __user *, rvec, unsigned long, rcnt, unsigned long,
		flags)
{
	if (flags || lcnt > UIO_MAXIOV || rcnt > UIO_MAXIOV)
		return -EINVAL;
	return process_vm_rw(pid, (struct iov_cursor){lvec, lcnt}, (struct iov_cursor){rvec, rcnt},
			     false);
}

SYSCALL_DEFINE6(process_vm_writev, pid_t, pid, const struct user_iovec __user *, lvec,
		unsigned long, lcnt, const struct user_iovec __user *, rvec, unsigned long, rcnt,
		unsigned long, flags)
{
	if (flags || lcnt > UIO_MAXIOV || rcnt > UIO_MAXIOV)
		return -EINVAL;
	return process_vm_rw(pid, (struct iov_cursor){lvec, lcnt}, (struct iov_cursor){rvec, rcnt},
			     true);
}
