/* SPDX-License-Identifier: MIT */
/*
 * memfd_create(2): a tmpfs file without a name in any directory.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/super.h"
#include "kernel/syscall.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"

#define MFD_CLOEXEC	  0x0001u
#define MFD_ALLOW_SEALING 0x0002u
#define MFD_HUGETLB	  0x0004u
#define MFD_HUGE_SIZES	  0xfc000000u /* which size, with MFD_HUGETLB */
#define MFD_NAME_MAX	  (NAME_MAX - 6)

static struct file *memfd_file(const char *name, bool sealing)
{
	struct inode *inode = tmpfs_anon_inode(0777);
	char full[sizeof("/memfd:") + MFD_NAME_MAX];
	struct file *file;

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	if (sealing)
		inode->i_seals = 0;
	snprintf(full, sizeof(full), "/memfd:%s", name);
	file = pseudo_file(full, inode, &tmpfs_file_operations, O_RDWR | O_LARGEFILE);
	if (!IS_ERR(file))
		file->f_path.dentry->d_flags |= DCACHE_DELETED;
	return file;
}

SYSCALL_DEFINE2(memfd_create, const char __user *, uname, unsigned int, flags)
{
	char name[MFD_NAME_MAX + 1];
	struct file *file;
	long len;

	if (flags & MFD_HUGETLB)
		flags &= ~MFD_HUGE_SIZES;
	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB))
		return -EINVAL;
	len = strncpy_from_user(name, uname, sizeof(name));
	if (len < 0)
		return len;
	if (len >= (long)sizeof(name))
		return -EINVAL;
	if (flags & MFD_HUGETLB)
		return -ENOSYS; /* as on a Linux without huge pages */
	file = memfd_file(name, flags & MFD_ALLOW_SEALING);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}
