/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table.
 *
 *     files_struct --fdt--> fdtable { fd[], open_fds, close_on_exec }
 *
 * A slot that is NULL while its open_fds bit is set is reserved: the file is being made.
 *
 * Readers run under RCU. Two things can change under them, and each has its answer:
 *   - the table grows: a new one is filled and published, the old one is freed after a grace
 *     period;
 *   - the slot is closed: struct file memory is type-stable, so a reader that has taken a reference
 *     (only ever from a count that is not zero) looks at the slot again. If it still holds the same
 *     file, the reference is good.
 *
 * SOLE-USER: as long as files->count is 1, only the current task closes what is in its table, so its
 * system calls may use a file without taking a reference (fdget() in file.h). Who looks at another
 * task's table (/proc) does so under task_lock(), which keeps the table, and takes references to
 * files only. He does not raise the count: a table that seems shared would be copied by execve, and
 * the end of the old one would take the process's record locks with it.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/locks.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/uapi/resource.h"
#include "kernel/uapi/sched.h"
#include "lib/bitmap.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "mm/page.h"

static struct kmem_cache *files_cache;

/* Tables --------------------------------------------------------------------------------------- */

static void free_fdtable(struct fdtable *fdt)
{
	vfree(fdt->fd);
	kfree(fdt);
}

static void free_fdtable_rcu(struct rcu_head *head)
{
	free_fdtable(container_of(head, struct fdtable, rcu));
}

/* One block holds the slots and both bitmaps. */
static struct fdtable *alloc_fdtable(unsigned int nr)
{
	struct fdtable *fdt = kmalloc(sizeof(*fdt), GFP_KERNEL);
	size_t slots, bits;

	if (!fdt)
		return NULL;
	nr = roundup_pow_of_two(max(nr, 2u * NR_OPEN_INLINE));
	slots = nr * sizeof(struct file *);
	bits = nr / 8;
	fdt->max_fds = nr;
	fdt->fd = vzalloc(slots + 2 * bits);
	if (!fdt->fd) {
		kfree(fdt);
		return NULL;
	}
	fdt->open_fds = (unsigned long *)((char *)fdt->fd + slots);
	fdt->close_on_exec = (unsigned long *)((char *)fdt->open_fds + bits);
	return fdt;
}

static void copy_fdtable(struct fdtable *to, const struct fdtable *from)
{
	memcpy(to->fd, from->fd, from->max_fds * sizeof(struct file *));
	memcpy(to->open_fds, from->open_fds, from->max_fds / 8);
	memcpy(to->close_on_exec, from->close_on_exec, from->max_fds / 8);
}

/*
 * Make room for descriptor @fd. Drops file_lock to allocate: the caller looks again. 0, -EMFILE,
 * -ENOMEM.
 */
static int expand_files(struct files_struct *files, unsigned int fd) __must_hold(&files->file_lock)
{
	struct fdtable *old, *new;

	if (fd >= NR_OPEN_MAX)
		return -EMFILE;
	spin_unlock(&files->file_lock);
	new = alloc_fdtable(fd + 1);
	spin_lock(&files->file_lock);
	if (!new)
		return -ENOMEM;
	old = files->fdt;
	if (old->max_fds >= new->max_fds) { /* another thread was faster */
		spin_unlock(&files->file_lock);
		free_fdtable(new);
		spin_lock(&files->file_lock);
		return 0;
	}
	copy_fdtable(new, old);
	rcu_assign_pointer(files->fdt, new);
	if (old != &files->fdtab)
		call_rcu(&old->rcu, free_fdtable_rcu);
	return 0;
}

static struct files_struct *alloc_files(void)
{
	struct files_struct *files = kmem_cache_zalloc(files_cache, GFP_KERNEL);

	if (!files)
		return NULL;
	atomic_set(&files->count, 1);
	spin_lock_init(&files->file_lock);
	files->fdtab.max_fds = NR_OPEN_INLINE;
	files->fdtab.fd = files->fd_array;
	files->fdtab.open_fds = files->open_fds_init;
	files->fdtab.close_on_exec = files->close_on_exec_init;
	files->fdt = &files->fdtab;
	return files;
}

/* Lookup --------------------------------------------------------------------------------------- */

/*
 * One look. With a reference; or NULL, and perhaps *stale: a file that was there no more when the
 * reference had been taken. It is to be put, which may sleep, before the next look. RCU held.
 */
static struct file *files_look(struct files_struct *files, unsigned int fd, struct file **stale)
{
	struct fdtable *fdt;
	struct file *file;

	*stale = NULL;
	for (;;) {
		fdt = rcu_dereference(files->fdt);
		file = fd < fdt->max_fds ? rcu_dereference(fdt->fd[fd]) : NULL;
		if (!file)
			return NULL;
		if (atomic_long_inc_not_zero(&file->f_count))
			break;
	}
	if (likely(rcu_dereference(files->fdt) == fdt && READ_ONCE(fdt->fd[fd]) == file))
		return file;
	*stale = file; /* another file by now, and we may be its last user */
	return NULL;
}

static struct file *files_lookup_get(struct files_struct *files, unsigned int fd)
{
	struct file *file, *stale;

	for (;;) {
		rcu_read_lock();
		file = files_look(files, fd, &stale);
		rcu_read_unlock();
		if (likely(!stale))
			return file;
		fput(stale);
	}
}

struct file *fget_raw(unsigned int fd)
{
	return files_lookup_get(current->files, fd);
}

struct file *fget(unsigned int fd)
{
	struct file *file = fget_raw(fd);

	if (file && file->f_mode & FMODE_PATH) {
		fput(file);
		file = NULL;
	}
	return file;
}

struct fd fdget_shared(unsigned int fd)
{
	struct file *file = fget_raw(fd);

	return (struct fd){file, file ? FDPUT_FPUT : 0};
}

struct file *fget_task(struct task *task, unsigned int fd)
{
	struct file *file, *stale;

	do {
		file = stale = NULL;
		task_lock(task);
		rcu_read_lock();
		if (task->files)
			file = files_look(task->files, fd, &stale);
		rcu_read_unlock();
		task_unlock(task);
		if (stale)
			fput(stale);
	} while (stale);
	return file;
}

bool close_on_exec_task(struct task *task, unsigned int fd)
{
	const struct fdtable *fdt;
	bool on = false;

	task_lock(task);
	rcu_read_lock();
	if (task->files) {
		fdt = rcu_dereference(task->files->fdt);
		on = fd < fdt->max_fds && test_bit(fd, fdt->close_on_exec);
	}
	rcu_read_unlock();
	task_unlock(task);
	return on;
}

/* The first descriptor in use at or after @fd, or -1. */
static int next_open_fd(struct task *task, unsigned int fd)
{
	struct fdtable *fdt;
	int next = -1;

	task_lock(task);
	rcu_read_lock();
	if (task->files) {
		fdt = rcu_dereference(task->files->fdt);
		fd = find_next_bit(fdt->open_fds, fdt->max_fds, fd);
		next = fd < fdt->max_fds ? (int)fd : -1;
	}
	rcu_read_unlock();
	task_unlock(task);
	return next;
}

int next_fd_task(struct task *task, unsigned int fd, struct file **filep)
{
	int next = next_open_fd(task, fd);

	while (next >= 0) {
		*filep = fget_task(task, (unsigned int)next);
		if (*filep)
			return next;
		next = next_open_fd(task, (unsigned int)next + 1); /* it was just being made */
	}
	return -1;
}

/* Descriptors ---------------------------------------------------------------------------------- */

static int alloc_fd(unsigned int start, unsigned int end, unsigned int flags)
{
	struct files_struct *files = current->files;
	struct fdtable *fdt;
	unsigned int fd;
	int err;

	spin_lock(&files->file_lock);
	for (;;) {
		fdt = files->fdt;
		fd = max(start, files->next_fd);
		if (fd < fdt->max_fds)
			fd = find_next_zero_bit(fdt->open_fds, fdt->max_fds, fd);
		err = -EMFILE;
		if (fd >= end)
			goto out;
		if (fd < fdt->max_fds)
			break;
		err = expand_files(files, fd);
		if (err)
			goto out;
	}
	if (start <= files->next_fd)
		files->next_fd = fd + 1;
	__set_bit(fd, fdt->open_fds);
	if (flags & O_CLOEXEC)
		__set_bit(fd, fdt->close_on_exec);
	else
		__clear_bit(fd, fdt->close_on_exec);
	err = fd;
out:
	spin_unlock(&files->file_lock);
	return err;
}

static unsigned int nofile_limit(void)
{
	return min_t(unsigned long, rlimit_of(current->signal, RLIMIT_NOFILE), NR_OPEN_MAX);
}

int get_unused_fd_from(unsigned int start, unsigned int flags)
{
	return alloc_fd(start, nofile_limit(), flags);
}

int get_unused_fd(unsigned int flags)
{
	return alloc_fd(0, nofile_limit(), flags);
}

static void free_fd_locked(struct files_struct *files, unsigned int fd)
	__must_hold(&files->file_lock)
{
	__clear_bit(fd, files->fdt->open_fds);
	if (fd < files->next_fd)
		files->next_fd = fd;
}

void put_unused_fd(unsigned int fd)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	free_fd_locked(files, fd);
	spin_unlock(&files->file_lock);
}

void fd_install(unsigned int fd, struct file *file)
{
	struct files_struct *files = current->files;

	if (atomic_read(&files->count) == 1) { /* SOLE-USER: nobody else can grow the table now */
		rcu_assign_pointer(files->fdt->fd[fd], file);
		return;
	}
	spin_lock(&files->file_lock);
	rcu_assign_pointer(files->fdt->fd[fd], file);
	spin_unlock(&files->file_lock);
}

int fd_install_new(struct file *file, unsigned int flags)
{
	int fd = get_unused_fd(flags);

	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}

/* What close() does to an open file: the process's record locks on it go, then this reference. */
static void filp_close(struct file *file, struct files_struct *owner)
{
	if (!(file->f_mode & FMODE_PATH)) {
		if (file->f_op->flush)
			file->f_op->flush(file);
		locks_remove_posix(file, owner);
	}
	fput(file);
}

/* Empty the slot. NULL: it is not open. */
static struct file *pick_file(struct files_struct *files, unsigned int fd)
	__must_hold(&files->file_lock)
{
	struct fdtable *fdt = files->fdt;
	struct file *file;

	if (fd >= fdt->max_fds)
		return NULL;
	file = fdt->fd[fd];
	if (file) {
		WRITE_ONCE(fdt->fd[fd], NULL);
		free_fd_locked(files, fd);
	}
	return file;
}

int close_fd(unsigned int fd)
{
	struct files_struct *files = current->files;
	struct file *file;

	spin_lock(&files->file_lock);
	file = pick_file(files, fd);
	spin_unlock(&files->file_lock);
	if (!file)
		return -EBADF;
	filp_close(file, files);
	return 0;
}

void set_close_on_exec(unsigned int fd, bool on)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	if (on)
		__set_bit(fd, files->fdt->close_on_exec);
	else
		__clear_bit(fd, files->fdt->close_on_exec);
	spin_unlock(&files->file_lock);
}

bool fd_refers_to(unsigned int fd, const struct file *file)
{
	struct files_struct *files = current->files;
	bool same;

	spin_lock(&files->file_lock);
	same = fd < files->fdt->max_fds && files->fdt->fd[fd] == file;
	spin_unlock(&files->file_lock);
	return same;
}

bool get_close_on_exec(unsigned int fd)
{
	struct files_struct *files = current->files;
	bool on;

	rcu_read_lock();
	on = test_bit(fd, rcu_dereference(files->fdt)->close_on_exec);
	rcu_read_unlock();
	return on;
}

int replace_fd(unsigned int fd, struct file *file, unsigned int flags)
{
	struct files_struct *files = current->files;
	struct file *old;
	struct fdtable *fdt;
	int err;

	if (fd >= nofile_limit())
		return -EBADF;
	spin_lock(&files->file_lock);
	while (fd >= files->fdt->max_fds) {
		err = expand_files(files, fd);
		if (err) {
			spin_unlock(&files->file_lock);
			return err == -EMFILE ? -EBADF : err;
		}
	}
	fdt = files->fdt;
	old = fdt->fd[fd];
	if (!old && test_bit(fd, fdt->open_fds)) { /* another thread's open() is about to fill it */
		spin_unlock(&files->file_lock);
		return -EBUSY;
	}
	rcu_assign_pointer(fdt->fd[fd], get_file(file));
	__set_bit(fd, fdt->open_fds);
	if (flags & O_CLOEXEC)
		__set_bit(fd, fdt->close_on_exec);
	else
		__clear_bit(fd, fdt->close_on_exec);
	spin_unlock(&files->file_lock);
	if (old)
		filp_close(old, files);
	return fd;
}

int close_fd_range(unsigned int first, unsigned int last, bool cloexec_only)
{
	struct files_struct *files = current->files;
	struct file *file;

	for (;; first++) {
		spin_lock(&files->file_lock);
		first = find_next_bit(files->fdt->open_fds, files->fdt->max_fds, first);
		if (first > last || first >= files->fdt->max_fds)
			break;
		file = NULL;
		if (cloexec_only)
			__set_bit(first, files->fdt->close_on_exec);
		else
			file = pick_file(files, first);
		spin_unlock(&files->file_lock);
		if (file)
			filp_close(file, files);
		if (first == UINT_MAX)
			return 0;
	}
	spin_unlock(&files->file_lock);
	return 0;
}

/* Tables of tasks ------------------------------------------------------------------------------ */

static void close_files(struct files_struct *files)
{
	struct fdtable *fdt = files->fdt;
	unsigned long fd;

	for_each_set_bit(fd, fdt->open_fds, fdt->max_fds)
	{
		struct file *file = fdt->fd[fd];

		if (file) {
			filp_close(file, files);
			cond_resched();
		}
	}
}

static void put_files_struct(struct files_struct *files)
{
	if (!atomic_dec_and_test(&files->count))
		return;
	close_files(files);
	if (files->fdt != &files->fdtab)
		free_fdtable(files->fdt);
	kmem_cache_free(files_cache, files);
}

/* A copy with the same open files. A slot whose file is still being made is not copied. */
static struct files_struct *dup_files(struct files_struct *old)
{
	struct files_struct *new = alloc_files();
	struct fdtable *fdt;
	unsigned long fd;

	if (!new)
		return NULL;
	spin_lock(&old->file_lock);
	while (old->fdt->max_fds > new->fdt->max_fds) {
		unsigned int nr = old->fdt->max_fds;

		spin_unlock(&old->file_lock);
		if (new->fdt != &new->fdtab)
			free_fdtable(new->fdt);
		fdt = alloc_fdtable(nr);
		new->fdt = fdt ?: &new->fdtab;
		if (!fdt) {
			kmem_cache_free(files_cache, new);
			return NULL;
		}
		spin_lock(&old->file_lock);
	}
	fdt = new->fdt;
	copy_fdtable(fdt, old->fdt);
	new->next_fd = old->next_fd;
	for_each_set_bit(fd, fdt->open_fds, old->fdt->max_fds)
	{
		if (fdt->fd[fd])
			get_file(fdt->fd[fd]);
		else
			__clear_bit(fd, fdt->open_fds),
				new->next_fd = min_t(unsigned int, new->next_fd, fd);
	}
	spin_unlock(&old->file_lock);
	return new;
}

int copy_files(unsigned long clone_flags, struct task *child)
{
	struct files_struct *files = current->files;

	if (!files) { /* a kernel thread's child */
		child->files = NULL;
		return 0;
	}
	if (clone_flags & CLONE_FILES) {
		atomic_inc(&files->count);
		child->files = files;
		return 0;
	}
	child->files = dup_files(files);
	return child->files ? 0 : -ENOMEM;
}

void exit_files(struct task *task)
{
	struct files_struct *files;

	task_lock(task);
	files = task->files;
	task->files = NULL;
	task_unlock(task);
	if (files)
		put_files_struct(files);
}

int unshare_files(void)
{
	struct files_struct *old = current->files, *new;

	if (atomic_read(&old->count) == 1)
		return 0;
	new = dup_files(old);
	if (!new)
		return -ENOMEM;
	task_lock(current);
	current->files = new;
	task_unlock(current);
	put_files_struct(old);
	return 0;
}

int files_exec(struct task *task)
{
	struct files_struct *files;
	unsigned long fd;
	int err = unshare_files();

	if (err)
		return err;
	files = task->files;
	for_each_set_bit(fd, files->fdt->close_on_exec, files->fdt->max_fds)
	{
		struct file *file;

		spin_lock(&files->file_lock);
		__clear_bit(fd, files->fdt->close_on_exec);
		file = pick_file(files, fd);
		spin_unlock(&files->file_lock);
		if (file)
			filp_close(file, files);
	}
	return 0;
}

int init_files(struct task *task)
{
	task->files = alloc_files();
	return task->files ? 0 : -ENOMEM;
}

void file_table_init(void)
{
	files_cache =
		kmem_cache_create("files_cache", sizeof(struct files_struct), 0, SLAB_PANIC, NULL);
}
