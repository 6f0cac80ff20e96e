/* SPDX-License-Identifier: MIT */
/*
 * The memory calls, seen from a process: which address space is meant, which file a descriptor
 * names, and user memory in and out. What they do is in mm/, one family a file.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/file.h"
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

#define UIO_MAXIOV 1024

static bool remote_advice_ok(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
	       advice == MADV_COLLAPSE;
}

SYSCALL_DEFINE5(process_madvise, int, pidfd, const struct user_iovec __user *, uvec, size_t, vlen,
		int, advice, unsigned int, flags)
{
	struct user_iovec iov;
	struct mm *mm;
	size_t i;
	long done = 0;
	int err = 0;

	if (flags || vlen > UIO_MAXIOV)
		return -EINVAL;
	mm = pidfd_get_mm(pidfd);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (!remote_advice_ok(advice))
		err = -EINVAL;
	for (i = 0; i < vlen && !err; i++) {
		if (copy_from_user(&iov, uvec + i, sizeof(iov)))
			err = -EFAULT;
		else
			err = do_madvise(mm, iov.base, iov.len, advice);
		if (!err)
			done += (long)iov.len;
	}
	mmput(mm);
	return done ? done : err;
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
		n = access_remote_vm(mm, remote + done, buf, part, write);
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

static long process_vm_rw(pid_t pid, struct iov_cursor local, struct iov_cursor remote, bool write)
{
	struct task *t = find_get_task_by_pid(pid);
	struct mm *mm;
	char *buf;
	long done = 0;
	int more = 0;

	if (!t)
		return -ESRCH;
	mm = same_owner(t) || capable(CAP_SYS_PTRACE) ? get_task_mm(t) : ERR_PTR(-EPERM);
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

/* --- memory nodes: there is one --------------------------------------------------------------- */

#define MPOL_DEFAULT	    0
#define MPOL_LOCAL	    4
#define MPOL_MODE_FLAGS	    0xe000
#define MPOL_F_NODE	    1
#define MPOL_F_ADDR	    2
#define MPOL_F_MEMS_ALLOWED 4
#define MAX_NODES	    1024
#define MOVE_BATCH	    64
#define MPOL_MF_MOVE	    2
#define MPOL_MF_MOVE_ALL    4

/* A node mask may name node 0 only. 0, -EINVAL, -EFAULT. */
static int check_nodemask(const unsigned long __user *umask, unsigned long maxnode, bool *empty)
{
	unsigned long i, words, word;

	*empty = true;
	if (!umask || maxnode < 2)
		return 0;
	if (maxnode - 1 > PAGE_SIZE * 8)
		return -EINVAL;
	words = DIV_ROUND_UP(maxnode - 1, 64);
	for (i = 0; i < words; i++) {
		if (get_user(word, umask + i))
			return -EFAULT;
		if (word & ~(i ? 0UL : 1UL))
			return -EINVAL;
		*empty &= !word;
	}
	return 0;
}

static int check_mpol(int mode, const unsigned long __user *umask, unsigned long maxnode)
{
	bool empty;
	int err = check_nodemask(umask, maxnode, &empty);

	mode &= ~MPOL_MODE_FLAGS;
	if (err)
		return err;
	if (mode < MPOL_DEFAULT || mode > MPOL_LOCAL + 1)
		return -EINVAL;
	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
		return empty ? 0 : -EINVAL;
	return empty && mode != 1 ? -EINVAL : 0; /* 1: MPOL_PREFERRED, empty = local */
}

SYSCALL_DEFINE3(set_mempolicy, int, mode, const unsigned long __user *, umask, unsigned long,
		maxnode)
{
	return check_mpol(mode, umask, maxnode);
}

SYSCALL_DEFINE6(mbind, unsigned long, start, unsigned long, len, unsigned long, mode,
		const unsigned long __user *, umask, unsigned long, maxnode, unsigned int, flags)
{
	struct mm *mm = current->mm;
	unsigned long end = start + ALIGN(len, PAGE_SIZE);
	struct vm_area *vma;
	int err;

	if (flags & ~7U || start & (PAGE_SIZE - 1) || end < start)
		return -EINVAL;
	err = check_mpol((int)mode, umask, maxnode);
	if (err || start == end)
		return err;
	mmap_read_lock(mm);
	for (vma = find_vma(mm, start); start < end; vma = vma_next(vma)) {
		if (!vma || vma->vm_start > start) {
			err = -EFAULT;
			break;
		}
		start = vma->vm_end;
		if (start >= end)
			break;
	}
	mmap_read_unlock(mm);
	return err;
}

SYSCALL_DEFINE5(get_mempolicy, int __user *, upolicy, unsigned long __user *, umask, unsigned long,
		maxnode, unsigned long, addr, unsigned long, flags)
{
	bool at_addr = flags & MPOL_F_ADDR;
	unsigned long allowed = flags & MPOL_F_MEMS_ALLOWED ? 1 : 0;

	if (flags & ~7UL || (umask && maxnode < 1) || (!at_addr && addr) ||
	    (flags & MPOL_F_MEMS_ALLOWED && flags & (MPOL_F_NODE | MPOL_F_ADDR)) ||
	    ((flags & (MPOL_F_NODE | MPOL_F_ADDR)) == MPOL_F_NODE))
		return -EINVAL;
	if (at_addr) {
		bool mapped;

		mmap_read_lock(current->mm);
		mapped = vma_lookup(current->mm, addr);
		mmap_read_unlock(current->mm);
		if (!mapped)
			return -EFAULT;
	}
	if (upolicy && put_user(MPOL_DEFAULT, upolicy))
		return -EFAULT;
	if (umask &&
	    (clear_user(umask, DIV_ROUND_UP(min_t(unsigned long, maxnode, MAX_NODES), 64) * 8) ||
	     put_user(allowed, umask)))
		return -EFAULT;
	return 0;
}

/* One batch of move_pages(). 0, -EFAULT, -ENODEV ... */
static int move_batch(struct mm *mm, unsigned long n, const unsigned long __user *upages,
		      const int __user *unodes, int __user *ustatus, enum move_pages_how how)
{
	int nodes[MOVE_BATCH], status[MOVE_BATCH];
	unsigned long pages[MOVE_BATCH], done;

	if (copy_from_user(pages, upages, n * sizeof(pages[0])) ||
	    (unodes && copy_from_user(nodes, unodes, n * sizeof(nodes[0]))))
		return -EFAULT;
	done = do_move_pages(mm, n, pages, unodes ? nodes : NULL, status, how);
	if (copy_to_user(ustatus, status, done * sizeof(status[0])))
		return -EFAULT;
	return done < n ? -ENODEV : 0;
}

/* The address space of another process, for one who may move its pages. ERR_PTR(): why not. */
static struct mm *mm_to_migrate(pid_t pid)
{
	struct task *t = get_task_or_self(pid);
	struct mm *mm;

	if (!t)
		return ERR_PTR(-ESRCH);
	mm = same_owner(t) || capable(CAP_SYS_NICE) ? get_task_mm(t) : ERR_PTR(-EPERM);
	put_task_struct(t);
	return mm ?: ERR_PTR(-EINVAL);
}

SYSCALL_DEFINE6(move_pages, pid_t, pid, unsigned long, nr, const unsigned long __user *, upages,
		const int __user *, unodes, int __user *, ustatus, int, flags)
{
	enum move_pages_how how = flags & MPOL_MF_MOVE_ALL ? MOVE_PAGES_ALL : MOVE_PAGES_OWN;
	struct mm *mm;
	unsigned long n;
	int err = 0;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	mm = mm_to_migrate(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (!unodes)
		how = MOVE_PAGES_ASK;
	if (nr > TASK_SIZE / sizeof(*upages))
		err = -EFAULT;
	while (nr && !err && !fatal_signal_pending(current)) {
		n = min(nr, (unsigned long)MOVE_BATCH);
		err = move_batch(mm, n, upages, unodes, ustatus, how);
		upages += n;
		ustatus += n;
		if (unodes)
			unodes += n;
		nr -= n;
	}
	mmput(mm);
	return err;
}

/* A mask of nodes, of which only the first may be set. */
static int get_nodes(const unsigned long __user *umask, unsigned long maxnode, unsigned long *nodes)
{
	unsigned long word;

	*nodes = 0;
	if (!--maxnode || !umask)
		return 0;
	if (maxnode > PAGE_SIZE * 8) /* also what 0 has become */
		return -EINVAL;
	for (unsigned long i = 0; i < maxnode; i += 64) {
		if (get_user(word, &umask[i / 64]))
			return -EFAULT;
		if (maxnode - i < 64)
			word &= (1UL << (maxnode - i)) - 1;
		if (i >= MAX_NODES && word)
			return -EINVAL;
		*nodes |= i ? 0 : word;
	}
	return 0;
}

/* From the nodes named to others: with one node every page is where it should be. */
SYSCALL_DEFINE4(migrate_pages, pid_t, pid, unsigned long, maxnode, const unsigned long __user *,
		uold, const unsigned long __user *, unew)
{
	unsigned long old, new;
	struct mm *mm;
	int err = get_nodes(uold, maxnode, &old);

	if (!err)
		err = get_nodes(unew, maxnode, &new);
	if (err)
		return err;
	mm = mm_to_migrate(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	mmput(mm);
	if ((new & ~1UL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	return new & 1 ? 0 : -EINVAL;
}
