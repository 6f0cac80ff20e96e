/* SPDX-License-Identifier: MIT */
/*
 * Open files: their making and their end.
 *
 *   alloc_file --> [count 1] --get_file/fget--> [count n] --fput--> ... --> 0: release, then locks,
 *                                                                     path and write access go
 *
 * struct file memory is type-stable (SLAB_TYPESAFE_BY_RCU): a reader of a descriptor table may look
 * at f_count of a file that is being freed, never at another kind of object. So the count of a file
 * in the free list stays zero, and a new file's count is set last (fget's check of the slot does
 * the rest, see file.c).
 *
 * A mapping holds the file through its vm_file: the same count.
 */
#include "kernel/events/inotify.h"
#include "kernel/events/epoll.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/super.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vma.h"

static struct kmem_cache *file_cache;
static atomic_long_t nr_files; /* open files in all */

unsigned long nr_open_files(void)
{
	return atomic_long_read(&nr_files);
}

/* What a mapping does with its file ------------------------------------------------------------ */

static struct file *vm_to_file(struct vm_file *vmf)
{
	return container_of(vmf, struct file, vmf);
}

static void file_vm_get(struct vm_file *vmf)
{
	get_file(vm_to_file(vmf));
}

static void file_vm_put(struct vm_file *vmf)
{
	fput(vm_to_file(vmf));
}

static int file_vm_mmap(struct vm_file *vmf, struct vm_area *vma)
{
	struct file *file = vm_to_file(vmf);

	return file->f_op->mmap ? file->f_op->mmap(file, vma) : -ENODEV;
}

static char *file_vm_name(struct vm_file *vmf, char *buf, size_t size)
{
	return d_path(&vm_to_file(vmf)->f_path, buf, size);
}

static void file_vm_ident(struct vm_file *vmf, dev_t *dev, u64 *ino)
{
	struct inode *inode = vm_to_file(vmf)->f_inode;

	*dev = inode->i_sb->s_dev;
	*ino = inode->i_ino;
}

/* Who may write to the file, or could let himself, spies on nobody by learning what is read of it. */
static bool file_vm_may_see(struct vm_file *vmf)
{
	struct inode *inode = vm_to_file(vmf)->f_inode;

	return inode_owner_or_capable(inode) || !inode_permission(inode, MAY_WRITE);
}

static int file_vm_punch_hole(struct vm_file *vmf, loff_t offset, loff_t len)
{
	return (int)file_fallocate(vm_to_file(vmf), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   offset, len);
}

static const struct vm_file_ops file_vm_ops = {
	.get = file_vm_get,
	.put = file_vm_put,
	.mmap = file_vm_mmap,
	.name = file_vm_name,
	.ident = file_vm_ident,
	.may_see = file_vm_may_see,
	.punch_hole = file_vm_punch_hole,
};

struct file *vm_file_to_file(struct vm_file *vmf)
{
	return vmf && vmf->ops == &file_vm_ops ? vm_to_file(vmf) : NULL;
}

/* Life ----------------------------------------------------------------------------------------- */

static unsigned int mode_of_flags(unsigned int flags)
{
	static const u8 modes[4] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};

	return flags & O_PATH ? FMODE_PATH : modes[flags & O_ACCMODE];
}

/* What an O_PATH file can do: nothing. */
static const struct file_operations path_fops = {.llseek = NULL};

struct file *alloc_file(struct path *path, unsigned int flags, const struct file_operations *fop)
{
	struct file *file = kmem_cache_alloc(file_cache, GFP_KERNEL);
	struct inode *inode = path->dentry->d_inode;

	if (!file) {
		path_put(path);
		return ERR_PTR(-ENOMEM);
	}
	file->f_op = fop = flags & O_PATH ? &path_fops : fop;
	file->f_inode = inode;
	file->f_path = *path;
	file->f_mode = mode_of_flags(flags);
	file->f_flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
	file->f_pos = 0;
	mutex_init(&file->f_pos_lock);
	spin_lock_init(&file->f_lock);
	file->f_version = 0;
	file->f_owner = NULL;
	file->private = NULL;
	file->f_watches = NULL;
	file->vmf.mapping = S_ISREG(inode->i_mode) ? &inode->i_data : NULL;
	file->vmf.ops = &file_vm_ops;
	file->vmf.flags = (file->f_mode & FMODE_READ ? VMF_READ : 0) |
			  (file->f_mode & FMODE_WRITE ? VMF_WRITE : 0) |
			  (path->mnt && path->mnt->mnt_flags & MS_NOEXEC ? VMF_NOEXEC : 0);
	if (fop->llseek)
		file->f_mode |= FMODE_LSEEK;
	if (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode))
		file->f_mode |= FMODE_ATOMIC_POS;
	atomic_long_inc(&nr_files);
	atomic_long_set(&file->f_count, 1);
	return file;
}

/* The last reference is gone: the file ends. */
static noinline void __fput(struct file *file)
{
	struct path path = file->f_path;

	if (!(file->f_mode & FMODE_PATH)) {
		notify_file(file, file->f_mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
		epoll_release_file(file);
		fown_release(file);
		locks_remove_file(file);
		if (file->f_op->release)
			file->f_op->release(file->f_inode, file);
		if (file->f_mode & FMODE_WRITER) {
			put_write_access(file->f_inode);
			mnt_put_writer(path.mnt);
		}
		if (file->f_mode & FMODE_EXEC)
			allow_write_access(file->f_inode);
	}
	kmem_cache_free(file_cache, file);
	atomic_long_dec(&nr_files);
	path_put(&path);
}

void fput(struct file *file)
{
	if (atomic_long_dec_and_test(&file->f_count))
		__fput(file);
}

/* Files without a name ------------------------------------------------------------------------- */

static struct super_block *pseudo_sb;

static const struct super_operations pseudo_super_ops = {.evict = NULL};
static const struct file_system_type pseudo_fs_type = {.name = "anon_inodefs", .flags = FS_NODEV};

struct file *pseudo_file(const char *name, struct inode *inode, const struct file_operations *fop,
			 unsigned int flags)
{
	struct path path = {NULL, d_alloc_pseudo(name, inode)};

	if (!path.dentry)
		return ERR_PTR(-ENOMEM);
	return alloc_file(&path, flags, fop);
}

struct inode *pseudo_inode(umode_t mode)
{
	struct inode *inode = new_inode(pseudo_sb, mode, 0);

	if (inode)
		init_special_inode(inode); /* for an open through /proc/PID/fd */
	return inode;
}

struct file *anon_inode_file(const char *name, const struct file_operations *fop, void *private,
			     unsigned int flags)
{
	struct inode *inode = pseudo_inode(0600);
	struct file *file;
	char full[48];

	if (!inode)
		return ERR_PTR(-ENOMEM);
	snprintf(full, sizeof(full), "anon_inode:%s", name);
	file = pseudo_file(full, inode, fop, flags);
	if (IS_ERR(file))
		return file;
	file->private = private;
	file->f_mode |= FMODE_NO_PREAD;
	return file;
}

void file_init(void)
{
	file_cache =
		kmem_cache_create("filp", sizeof(struct file), 0,
				  SLAB_PANIC | SLAB_HWCACHE_ALIGN | SLAB_TYPESAFE_BY_RCU, NULL);
	pseudo_sb = alloc_super(&pseudo_fs_type, &pseudo_super_ops);
}
