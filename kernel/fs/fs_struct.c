/* SPDX-License-Identifier: MIT */
/*
 * Where path names start: the root and working directory of a task, and the calls that change or
 * show them.
 *
 * Threads share one fs_struct (CLONE_FS), so reading a path out of it takes its lock and a
 * reference. A process's paths can be looked at from outside (/proc/PID/cwd, root) under
 * task_lock(), which keeps the pointer from going away.
 */
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/cred.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/sched.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

void get_fs_root(struct fs_struct *fs, struct path *root)
{
	spin_lock(&fs->lock);
	*root = fs->root;
	path_get(root);
	spin_unlock(&fs->lock);
}

void get_fs_pwd(struct fs_struct *fs, struct path *pwd)
{
	spin_lock(&fs->lock);
	*pwd = fs->pwd;
	path_get(pwd);
	spin_unlock(&fs->lock);
}

int task_fs_path(struct task *task, bool root, struct path *path)
{
	struct fs_struct *fs;
	int err = -ENOENT;

	task_lock(task);
	fs = task->fs;
	if (fs) {
		err = 0;
		if (root)
			get_fs_root(fs, path);
		else
			get_fs_pwd(fs, path);
	}
	task_unlock(task);
	return err;
}

static void set_path(struct fs_struct *fs, struct path *where, const struct path *path)
{
	struct path old;

	path_get(path);
	spin_lock(&fs->lock);
	old = *where;
	*where = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void set_fs_root(struct fs_struct *fs, const struct path *path)
{
	set_path(fs, &fs->root, path);
}

void set_fs_pwd(struct fs_struct *fs, const struct path *path)
{
	set_path(fs, &fs->pwd, path);
}

char *d_path(const struct path *path, char *buf, size_t size)
{
	struct fs_struct *fs = current->fs;
	struct path root = {root_mnt, root_mnt->mnt_root};
	char *text;

	if (fs)
		get_fs_root(fs, &root);
	text = d_path_root(path, &root, buf, size);
	if (fs)
		path_put(&root);
	return text;
}

umode_t current_umask(void)
{
	return current->fs->umask;
}

static struct fs_struct *dup_fs(struct fs_struct *old)
{
	struct fs_struct *fs = kmalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return NULL;
	atomic_set(&fs->count, 1);
	spin_lock_init(&fs->lock);
	fs->umask = old->umask;
	get_fs_root(old, &fs->root);
	get_fs_pwd(old, &fs->pwd);
	return fs;
}

static void put_fs(struct fs_struct *fs)
{
	if (!atomic_dec_and_test(&fs->count))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kfree(fs);
}

int copy_fs(unsigned long clone_flags, struct task *child)
{
	struct fs_struct *fs = current->fs;

	if (!fs) { /* a kernel thread's child */
		child->fs = NULL;
		return 0;
	}
	if (clone_flags & CLONE_FS) {
		atomic_inc(&fs->count);
		child->fs = fs;
		return 0;
	}
	child->fs = dup_fs(fs);
	return child->fs ? 0 : -ENOMEM;
}

void exit_fs(struct task *task)
{
	struct fs_struct *fs;

	task_lock(task);
	fs = task->fs;
	task->fs = NULL;
	task_unlock(task);
	if (fs)
		put_fs(fs);
}

int unshare_fs(void)
{
	struct fs_struct *old = current->fs, *new;

	if (atomic_read(&old->count) == 1)
		return 0;
	new = dup_fs(old);
	if (!new)
		return -ENOMEM;
	task_lock(current);
	current->fs = new;
	task_unlock(current);
	put_fs(old);
	return 0;
}

int init_fs(struct task *task)
{
	struct fs_struct *fs;

	if (task->fs) /* vfs_init() has walked paths already */
		return 0;
	fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	if (!fs)
		return -ENOMEM;
	atomic_set(&fs->count, 1);
	spin_lock_init(&fs->lock);
	fs->umask = 022;
	fs->root = fs->pwd = (struct path){root_mnt, root_mnt->mnt_root};
	path_get(&fs->root);
	path_get(&fs->pwd);
	task->fs = fs;
	return 0;
}

SYSCALL_DEFINE1(umask, int, mask)
{
	struct fs_struct *fs = current->fs;
	umode_t old;

	spin_lock(&fs->lock);
	old = fs->umask;
	fs->umask = mask & 0777;
	spin_unlock(&fs->lock);
	return old;
}

static int do_chdir(const struct path *path)
{
	int err = inode_permission(path->dentry->d_inode, MAY_EXEC);

	if (!err)
		set_fs_pwd(current->fs, path);
	return err;
}

SYSCALL_DEFINE1(chdir, const char __user *, name)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = do_chdir(&path);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE1(fchdir, unsigned int, fd)
{
	struct fd f = fdget_raw(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = S_ISDIR(f.file->f_inode->i_mode) ? do_chdir(&f.file->f_path) : -ENOTDIR;
	fdput(f);
	return err;
}

SYSCALL_DEFINE1(chroot, const char __user *, name)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = inode_permission(path.dentry->d_inode, MAY_EXEC);
	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		set_fs_root(current->fs, &path);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(getcwd, char __user *, buf, unsigned long, size)
{
	struct path pwd, root;
	char *page, *cwd;
	long ret;

	page = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	get_fs_pwd(current->fs, &pwd);
	get_fs_root(current->fs, &root);
	cwd = d_path_marked(&pwd, &root, page, PATH_MAX);
	if (IS_ERR(cwd)) {
		ret = PTR_ERR(cwd);
	} else if (READ_ONCE(pwd.dentry->d_flags) & DCACHE_DELETED) {
		ret = -ENOENT;
	} else {
		ret = page + PATH_MAX - cwd;
		if (ret > size)
			ret = -ERANGE;
		else if (copy_to_user(buf, cwd, ret))
			ret = -EFAULT;
	}
	path_put(&pwd);
	path_put(&root);
	kfree(page);
	return ret;
}
