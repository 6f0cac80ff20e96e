/* SPDX-License-Identifier: MIT */
/*
 * Mounts and the file systems on them.
 *
 *        root tmpfs           /proc            a second tmpfs on /mnt
 *           "/"  ...           "/"                 "/"
 *          /   \                ^                   ^
 *       bin    proc  ...........| mnt_mountpoint    |
 *                \                                  |
 *                mnt ...............................|
 *
 * A path is a pair (mount, dentry). Going down onto a dentry with DCACHE_MOUNTED, the walk looks
 * for the mount whose (mnt_parent, mnt_mountpoint) is the path it stands on, and continues at that
 * mount's root; going up from a mount's root it continues at its mountpoint. The newest mount on a
 * place hides the older ones: the search runs backwards.
 *
 * Life: a mount has one reference for being in the tree and one for every path that stands in it.
 * umount needs the first to be the last (EBUSY), unless it is lazy (MNT_DETACH): then the mount
 * leaves the tree now and dies with its last path. A mount holds its super block; the last mount
 * takes the file system down.
 *
 * Locks: mount_mutex serialises changes; the tree itself is read under dcache_lock by path walks.
 * mount_mutex -> i_rwsem of the place -> dcache_lock.
 */
#include "kernel/events/inotify.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/namei.h"
#include "kernel/cred.h"
#include "kernel/panic.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

LIST_HEAD(mount_list);
DEFINE_MUTEX(mount_mutex);
struct mount *root_mnt;

static LIST_HEAD(file_systems);
static DEFINE_SPINLOCK(file_systems_lock);
static atomic_t next_dev = {1};
DECLARE_WAIT_QUEUE_HEAD(mount_wait);
unsigned int mount_event;
static int next_mnt_id = 1; /* mount_mutex */

void register_filesystem(struct file_system_type *type)
{
	spin_lock(&file_systems_lock);
	list_add_tail(&type->list, &file_systems);
	spin_unlock(&file_systems_lock);
}

/* Types are never removed, so the list may be walked without the lock once read. */
void for_each_filesystem(void (*fn)(const struct file_system_type *type, void *arg), void *arg)
{
	struct file_system_type *type;

	list_for_each_entry (type, &file_systems, list)
		fn(type, arg);
}

static const struct file_system_type *find_filesystem(const char *name)
{
	struct file_system_type *type;

	list_for_each_entry (type, &file_systems, list) {
		if (!strcmp(type->name, name))
			return type;
	}
	return NULL;
}

struct super_block *alloc_super(const struct file_system_type *type,
				const struct super_operations *ops)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	sb->s_dev = MKDEV(0, atomic_inc_return(&next_dev));
	atomic_set(&sb->s_active, 1);
	sb->s_op = ops;
	sb->s_type = type;
	spin_lock_init(&sb->s_lock);
	sb->s_next_ino = 1;
	return sb;
}

void deactivate_super(struct super_block *sb)
{
	if (!atomic_dec_and_test(&sb->s_active))
		return;
	notify_unmount(sb);
	if (sb->s_root) {
		d_genocide(sb->s_root);
		dput(sb->s_root);
	}
	if (sb->s_op->put_super)
		sb->s_op->put_super(sb);
	kfree(sb);
}

/*
 * What a mount keeps of the flags of mount(2): relatime unless told otherwise. A remount that says
 * nothing about access times leaves them as they were.
 */
static unsigned int mount_flags(unsigned int flags, unsigned int old)
{
	unsigned int kept = flags & MNT_FLAG_MASK & ~MS_RELATIME;

	if (flags & MS_REMOUNT && !(flags & (MNT_ATIME_MASK | MS_STRICTATIME)))
		return kept | (old & MNT_ATIME_MASK);
	if (flags & MS_STRICTATIME)
		return kept & ~MS_NOATIME;
	return flags & MS_NOATIME ? kept : kept | MS_RELATIME;
}

static struct mount *alloc_mount(struct super_block *sb, struct dentry *root, const char *devname)
{
	struct mount *mnt = kzalloc(sizeof(*mnt), GFP_KERNEL);

	if (!mnt)
		return NULL;
	mnt->mnt_devname = kstrdup(devname, GFP_KERNEL);
	if (!mnt->mnt_devname) {
		kfree(mnt);
		return NULL;
	}
	atomic_set(&mnt->mnt_count, 1);
	atomic_inc(&sb->s_active);
	mnt->mnt_sb = sb;
	mnt->mnt_root = dget(root);
	mnt->mnt_id = next_mnt_id++;
	mnt->mnt_flags = MS_RELATIME;
	INIT_LIST_HEAD(&mnt->mnt_list);
	return mnt;
}

void mntput(struct mount *mnt)
{
	if (!mnt || !atomic_dec_and_test(&mnt->mnt_count))
		return;
	dput(mnt->mnt_root);
	deactivate_super(mnt->mnt_sb);
	kfree(mnt->mnt_devname);
	kfree(mnt);
}

struct mount *__lookup_mnt(const struct path *path)
{
	struct mount *mnt;

	list_for_each_entry_reverse (mnt, &mount_list, mnt_list) {
		if (mnt->mnt_mountpoint == path->dentry && mnt->mnt_parent == path->mnt)
			return mnt;
	}
	return NULL;
}

int mnt_want_write(const struct mount *mnt)
{
	return mnt && READ_ONCE(mnt->mnt_flags) & MS_RDONLY ? -EROFS : 0;
}

/* Counted before it looks, as who makes the mount read-only forbids before it looks. */
int mnt_get_writer(struct mount *mnt)
{
	int err;

	if (!mnt)
		return 0;
	atomic_inc(&mnt->mnt_writers);
	smp_mb();
	err = mnt_want_write(mnt);
	if (err)
		atomic_dec(&mnt->mnt_writers);
	return err;
}

void mnt_put_writer(struct mount *mnt)
{
	if (mnt)
		atomic_dec(&mnt->mnt_writers);
}

/* Hang @mnt at @path, on top of what is there. Takes over the caller's reference to @mnt. */
static int attach_mount(struct mount *mnt, const struct path *path) __must_hold(&mount_mutex)
{
	struct inode *inode = path->dentry->d_inode;
	int err = 0;

	if (S_ISDIR(inode->i_mode) != S_ISDIR(mnt->mnt_root->d_inode->i_mode))
		return -ENOTDIR;
	/* who removes the directory looks for mounts on it under the same lock */
	down_write(&inode->i_rwsem);
	spin_lock(&dcache_lock);
	if (inode->i_flags & S_DEAD) {
		err = -ENOENT;
	} else if (!(path->dentry->d_flags & DCACHE_HASHED) &&
		   path->dentry->d_parent != path->dentry) {
		err = -ENOENT;
	} else {
		mnt->mnt_parent = mntget(path->mnt);
		mnt->mnt_mountpoint = dget(path->dentry);
		path->dentry->d_flags |= DCACHE_MOUNTED;
		list_add_tail(&mnt->mnt_list, &mount_list);
	}
	spin_unlock(&dcache_lock);
	up_write(&inode->i_rwsem);
	return err;
}

static bool has_children(const struct mount *parent) __must_hold(&dcache_lock)
{
	struct mount *mnt;

	list_for_each_entry (mnt, &mount_list, mnt_list) {
		if (mnt->mnt_parent == parent)
			return true;
	}
	return false;
}

/*
 * Leave the tree. The references to the place are handed to the caller, who drops them without
 * locks.
 */
static void detach_mount(struct mount *mnt, struct path *place) __must_hold(&dcache_lock)
{
	struct mount *other;
	bool still_mounted = false;

	place->mnt = mnt->mnt_parent;
	place->dentry = mnt->mnt_mountpoint;
	list_del_init(&mnt->mnt_list);
	mnt->mnt_parent = NULL;
	mnt->mnt_mountpoint = NULL;
	list_for_each_entry (other, &mount_list, mnt_list)
		still_mounted |= other->mnt_mountpoint == place->dentry;
	if (!still_mounted)
		place->dentry->d_flags &= ~DCACHE_MOUNTED;
}

static int do_new_mount(const char *devname, const struct path *path, const char *name,
			unsigned int flags, const char *data) __must_hold(&mount_mutex)
{
	const struct file_system_type *type = find_filesystem(name);
	struct super_block *sb;
	struct mount *mnt;
	int err;

	if (!type)
		return -ENODEV;
	sb = type->get_sb(type, data);
	if (IS_ERR(sb))
		return PTR_ERR(sb);
	if (path->mnt && path->mnt->mnt_sb == sb &&
	    path->dentry == sb->s_root) { /* the same once more */
		deactivate_super(sb);
		return -EBUSY;
	}
	mnt = alloc_mount(sb, sb->s_root, devname);
	deactivate_super(sb); /* the mount has its own */
	if (!mnt)
		return -ENOMEM;
	mnt->mnt_flags = mount_flags(flags, 0);
	err = attach_mount(mnt, path);
	if (err)
		mntput(mnt);
	return err;
}

/* Tell those who poll /proc/PID/mounts, if it went well. Returns @err. */
static int mount_changed(int err) __must_hold(&mount_mutex)
{
	if (!err) {
		WRITE_ONCE(mount_event, mount_event + 1);
		wake_up_all(&mount_wait);
	}
	return err;
}

int do_mount_at(const char *devname, const struct path *path, const char *type, unsigned int flags,
		const char *data)
{
	int err;

	mutex_lock(&mount_mutex);
	err = mount_changed(do_new_mount(devname, path, type, flags, data));
	mutex_unlock(&mount_mutex);
	return err;
}

int kernel_mount(const char *devname, const char *dir, const char *type, unsigned int flags,
		 const char *data)
{
	struct path path;
	int err = kern_path(dir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = do_mount_at(devname, &path, type, flags, data);
	path_put(&path);
	return err;
}

void mount_rootfs(void)
{
	const struct file_system_type *type = find_filesystem("tmpfs");
	struct super_block *sb = type->get_sb(type, "rootfs");

	if (IS_ERR(sb))
		panic("cannot make the root file system: error %ld", -PTR_ERR(sb));
	root_mnt = alloc_mount(sb, sb->s_root, "tmpfs");
	if (!root_mnt)
		panic("cannot mount the root file system: out of memory");
	deactivate_super(sb);
	list_add_tail(&root_mnt->mnt_list, &mount_list);
}

int for_each_mount(int (*fn)(struct mount *mnt, void *arg), void *arg)
{
	struct mount *mnt, *prev = NULL;
	int ret = 0;

	mutex_lock(&mount_mutex);
	list_for_each_entry (mnt, &mount_list, mnt_list) {
		ret = fn(mntget(mnt), arg);
		mntput(prev);
		prev = mnt;
		if (ret)
			break;
	}
	mutex_unlock(&mount_mutex);
	mntput(prev);
	return ret;
}

/* mount(2) ------------------------------------------------------------------------------------- */

static void set_mount_flags(struct mount *mnt, unsigned int flags)
{
	spin_lock(&dcache_lock);
	WRITE_ONCE(mnt->mnt_flags, flags);
	spin_unlock(&dcache_lock);
}

/* Nobody opens a file for writing from here on, unless somebody had one open: then -EBUSY. */
static int make_readonly(struct mount *mnt) __must_hold(&mount_mutex)
{
	unsigned int old = mnt->mnt_flags;

	set_mount_flags(mnt, old | MS_RDONLY);
	smp_mb();
	if (!atomic_read(&mnt->mnt_writers))
		return 0;
	set_mount_flags(mnt, old);
	return -EBUSY;
}

static int do_remount(const struct path *path, unsigned int flags, const char *data)
	__must_hold(&mount_mutex)
{
	struct mount *mnt = path->mnt;
	unsigned int old;
	int err = 0;

	if (!mnt || path->dentry != mnt->mnt_root)
		return -EINVAL;
	old = mnt->mnt_flags;
	if (flags & MS_RDONLY)
		err = make_readonly(mnt);
	if (err)
		return err;
	if (!(flags & MS_BIND) && mnt->mnt_sb->s_op->remount)
		err = mnt->mnt_sb->s_op->remount(mnt->mnt_sb, data);
	set_mount_flags(mnt, err ? old : mount_flags(flags, old));
	return err;
}

static int do_bind(const char *from, const struct path *path) __must_hold(&mount_mutex)
{
	struct path old;
	struct mount *mnt;
	int err = kern_path(from, LOOKUP_FOLLOW, &old);

	if (err)
		return err;
	err = -EINVAL;
	if (old.mnt) {
		mnt = alloc_mount(old.mnt->mnt_sb, old.dentry, old.mnt->mnt_devname);
		err = -ENOMEM;
		if (mnt) {
			mnt->mnt_flags = old.mnt->mnt_flags;
			err = attach_mount(mnt, path);
			if (err)
				mntput(mnt);
		}
	}
	path_put(&old);
	return err;
}

static int do_move_mount(const char *from, const struct path *path) __must_hold(&mount_mutex)
{
	struct path old, place;
	struct mount *mnt;
	int err = kern_path(from, LOOKUP_FOLLOW, &old);

	if (err)
		return err;
	mnt = old.mnt;
	err = -EINVAL;
	if (!mnt || old.dentry != mnt->mnt_root || !mnt->mnt_parent)
		goto out;
	err = -ENOTDIR;
	if (S_ISDIR(path->dentry->d_inode->i_mode) != S_ISDIR(mnt->mnt_root->d_inode->i_mode))
		goto out;
	err = -ELOOP;
	spin_lock(&dcache_lock);
	for (struct mount *m = path->mnt; m; m = m->mnt_parent) {
		if (m == mnt) {
			spin_unlock(&dcache_lock);
			goto out;
		}
	}
	detach_mount(mnt, &place);
	spin_unlock(&dcache_lock);
	err = attach_mount(mnt, path);
	if (err)
		attach_mount(mnt, &place);
	path_put(&place);
out:
	path_put(&old);
	return err;
}

/* There is one namespace, and nobody to share with: one kind is as good as another. */
static int set_propagation(const struct path *path, unsigned int flags)
{
	unsigned int type = flags & ~(MS_REC | MS_SILENT);

	if (type & ~MS_PROPAGATION || type & (type - 1))
		return -EINVAL;
	return path->mnt && path->dentry == path->mnt->mnt_root ? 0 : -EINVAL;
}

/* Another propagation is no change that /proc/PID/mounts would show. */
static bool changes_mounts(unsigned int flags)
{
	return flags & (MS_REMOUNT | MS_BIND) || !(flags & MS_PROPAGATION);
}

static int do_mount(const char *dev, const char __user *dir, const char *type, unsigned int flags,
		    const char *data)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, dir, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	if (flags & MS_REMOUNT)
		err = do_remount(&path, flags, data);
	else if (flags & MS_BIND)
		err = dev && *dev ? do_bind(dev, &path) : -EINVAL;
	else if (flags & MS_PROPAGATION)
		err = set_propagation(&path, flags);
	else if (flags & MS_MOVE)
		err = dev && *dev ? do_move_mount(dev, &path) : -EINVAL;
	else
		err = type ? do_new_mount(dev ?: "none", &path, type, flags, data) : -EINVAL;
	if (changes_mounts(flags))
		mount_changed(err);
	mutex_unlock(&mount_mutex);
	path_put(&path);
	return err;
}

/* A string argument that may be NULL. */
static char *copy_mount_string(const char __user *str)
{
	return str ? getname(str, LOOKUP_EMPTY) : NULL;
}

SYSCALL_DEFINE5(mount, const char __user *, dev, const char __user *, dir, const char __user *,
		type, unsigned long, flags, const void __user *, data)
{
	char *kdev, *ktype, *kdata;
	long err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	kdev = copy_mount_string(dev);
	if (IS_ERR(kdev))
		return PTR_ERR(kdev);
	ktype = copy_mount_string(type);
	err = PTR_ERR(ktype);
	if (IS_ERR(ktype))
		goto out_dev;
	kdata = copy_mount_string(data);
	err = PTR_ERR(kdata);
	if (IS_ERR(kdata))
		goto out_type;
	if ((flags & 0xffff0000UL) == 0xc0ed0000UL) /* the magic number of old mount programs */
		flags &= 0xffff;
	err = do_mount(kdev, dir, ktype, flags, kdata);
	putname(kdata);
out_type:
	putname(ktype);
out_dev:
	putname(kdev);
	return err;
}

static bool is_below(const struct mount *mnt, const struct mount *top) __must_hold(&dcache_lock)
{
	while (mnt && mnt != top)
		mnt = mnt->mnt_parent;
	return mnt == top;
}

/*
 * Take @mnt and all that is mounted below it out of the tree. The list is in the order of mounting,
 * so from its end the leaves come before what they hang on.
 */
static void detach_tree(struct mount *top) __must_hold(&mount_mutex)
{
	struct mount *mnt, *leaf;
	struct path place;

	do {
		leaf = NULL;
		spin_lock(&dcache_lock);
		list_for_each_entry_reverse (mnt, &mount_list, mnt_list) {
			if (is_below(mnt, top)) {
				leaf = mnt;
				detach_mount(leaf, &place);
				break;
			}
		}
		spin_unlock(&dcache_lock);
		path_put(&place);
		mntput(leaf);
	} while (leaf != top);
}

static int do_umount(struct path *path, int flags)
{
	struct mount *mnt = path->mnt;
	int err = 0;

	mutex_lock(&mount_mutex);
	spin_lock(&dcache_lock);
	if (!mnt || path->dentry != mnt->mnt_root || list_empty(&mnt->mnt_list))
		err = -EINVAL;
	else if (flags & MNT_EXPIRE && (flags & (MNT_FORCE | MNT_DETACH) || !mnt->mnt_parent))
		err = -EINVAL;
	else if (!mnt->mnt_parent)
		err = -EBUSY;
	else if (!(flags & MNT_DETACH) &&
		 (has_children(mnt) || atomic_read(&mnt->mnt_count) > 2)) /* tree, @path */
		err = -EBUSY;
	spin_unlock(&dcache_lock);
	if (!err)
		detach_tree(mnt);
	mount_changed(err);
	mutex_unlock(&mount_mutex);
	return err;
}

SYSCALL_DEFINE2(umount2, const char __user *, name, int, flags)
{
	struct path path;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = do_umount(&path, flags);
	path_put(&path);
	return err;
}
