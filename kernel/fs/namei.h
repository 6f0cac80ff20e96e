/* SPDX-License-Identifier: MIT */
/*
 * From names to objects: the path walk, and what is made and removed by name.
 */
#ifndef KERNEL_FS_NAMEI_H
#define KERNEL_FS_NAMEI_H

#include "kernel/fs/fs.h"

#define LOOKUP_FOLLOW	 BIT(0) /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY BIT(1) /* the result must be a directory */
#define LOOKUP_EMPTY	 BIT(2) /* an empty name means the starting point (AT_EMPTY_PATH) */
#define LOOKUP_PARENT	 BIT(3) /* stop before the last component */

/* What openat2(2) can forbid. */
#define LOOKUP_NO_XDEV	     BIT(4) /* to come into another mount: -EXDEV */
#define LOOKUP_NO_MAGICLINKS BIT(5) /* links that lead to an object, not to a name: -ELOOP */
#define LOOKUP_NO_SYMLINKS   BIT(6) /* links: -ELOOP */
#define LOOKUP_BENEATH	     BIT(7) /* to leave the tree below the start, even for a moment: -EXDEV */
#define LOOKUP_IN_ROOT	     BIT(8) /* no error: the start is the root directory */
#define LOOKUP_CACHED	     BIT(9) /* to ask a file system: -EAGAIN */
#define LOOKUP_SCOPED	     (LOOKUP_BENEATH | LOOKUP_IN_ROOT)

#define MAXSYMLINKS 40

/* How the last component of a LOOKUP_PARENT walk looks. */
enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

/**
 * getname() - copy a path from user space. ERR_PTR: -EFAULT, -ENAMETOOLONG, -ENOENT (empty, without
 * LOOKUP_EMPTY).
 */
char *getname(const char __user *name, unsigned int flags);
void putname(char *name);

/**
 * filename_lookup() - walk @name from @dfd (AT_FDCWD: the working directory). *path gets
 * references. 0 or -E.
 */
int filename_lookup(int dfd, const char *name, unsigned int flags, struct path *path);
/** user_path_at() - the same for a user's string. */
int user_path_at(int dfd, const char __user *name, unsigned int flags, struct path *path);
int kern_path(const char *name, unsigned int flags, struct path *path);

/** do_filp_open() - what open(2) does, without the descriptor. @lookup: what the walk may not do. */
struct file *do_filp_open(int dfd, const char *name, unsigned int flags, umode_t mode,
			  unsigned int lookup);

void path_get(const struct path *path);
void path_put(const struct path *path);

static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

/**
 * kernel_mkdir(), kernel_mknod(), kernel_symlink() - by absolute name, for the kernel itself. 0 or
 * -E.
 */
int kernel_mkdir(const char *name, umode_t mode);
int kernel_mknod(const char *name, umode_t mode, dev_t dev);
int kernel_symlink(const char *target, const char *name);
int kernel_link(const char *old, const char *name);
/** kernel_unlink() - a file. kernel_remove() - or an empty directory. */
int kernel_unlink(const char *name);
int kernel_remove(const char *name);

#endif
