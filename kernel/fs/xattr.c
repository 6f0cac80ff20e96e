/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: no file here has any. The calls find their file, so that the errors about
 * names and descriptors are right, and then say so: EOPNOTSUPP, or an empty list.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/namei.h"
#include "kernel/syscall.h"
#include "lib/errno.h"

static long xattr_path(const char __user *name, unsigned int lookup, long result)
{
	struct path path;
	long err = user_path_at(AT_FDCWD, name, lookup, &path);

	if (err)
		return err;
	path_put(&path);
	return result;
}

static long xattr_fd(unsigned int fd, long result)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	fdput(f);
	return result;
}

#define XATTR_PATH_CALL(call, lookup, result)            \
	SYSCALL_DEFINE1(call, const char __user *, name) \
	{                                                \
		return xattr_path(name, lookup, result); \
	}
#define XATTR_FD_CALL(call, result)             \
	SYSCALL_DEFINE1(call, unsigned int, fd) \
	{                                       \
		return xattr_fd(fd, result);    \
	}

XATTR_PATH_CALL(setxattr, LOOKUP_FOLLOW, -EOPNOTSUPP)
XATTR_PATH_CALL(lsetxattr, 0, -EOPNOTSUPP)
XATTR_FD_CALL(fsetxattr, -EOPNOTSUPP)
XATTR_PATH_CALL(getxattr, LOOKUP_FOLLOW, -EOPNOTSUPP)
XATTR_PATH_CALL(lgetxattr, 0, -EOPNOTSUPP)
XATTR_FD_CALL(fgetxattr, -EOPNOTSUPP)
XATTR_PATH_CALL(listxattr, LOOKUP_FOLLOW, 0)
XATTR_PATH_CALL(llistxattr, 0, 0)
XATTR_FD_CALL(flistxattr, 0)
XATTR_PATH_CALL(removexattr, LOOKUP_FOLLOW, -EOPNOTSUPP)
XATTR_PATH_CALL(lremovexattr, 0, -EOPNOTSUPP)
XATTR_FD_CALL(fremovexattr, -EOPNOTSUPP)
