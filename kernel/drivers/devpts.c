/* SPDX-License-Identifier: MIT */
/*
 * devpts: the file system of /dev/pts, a tmpfs whose nodes are made and removed with the pairs of
 * pty.c. There is one, however often it is mounted.
 */
#include "kernel/drivers/pty.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/namei_internal.h"
#include "kernel/fs/super.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"

static struct super_block *devpts_sb; /* made at boot */

int devpts_make_node(unsigned int index, dev_t dev, struct dentry **nodep)
{
	struct dentry *root = devpts_sb->s_root, *node;
	struct qstr name;
	char text[16];

	snprintf(text, sizeof(text), "%u", index);
	name = (struct qstr){text, (u32)strlen(text), name_hash(text, (u32)strlen(text))};
	down_write(&root->d_inode->i_rwsem);
	node = vfs_create_at(root, &name, S_IFCHR | 0620, dev);
	up_write(&root->d_inode->i_rwsem);
	if (IS_ERR(node))
		return (int)PTR_ERR(node);
	*nodep = node;
	return 0;
}

/* Somebody may have removed it himself. */
void devpts_remove_node(struct dentry *node)
{
	struct inode *dir = devpts_sb->s_root->d_inode;

	down_write(&dir->i_rwsem);
	if (node->d_flags & DCACHE_HASHED && !dir->i_op->unlink(dir, node))
		d_drop(node, true);
	up_write(&dir->i_rwsem);
	dput(node);
}

static struct super_block *devpts_get_sb(const struct file_system_type *type, const char *data)
{
	if (!devpts_sb) {
		struct super_block *sb = tmpfs_get_sb(type, "mode=0755");

		if (IS_ERR(sb))
			return sb;
		devpts_sb = sb;
	}
	atomic_inc(&devpts_sb->s_active);
	return devpts_sb;
}

static struct file_system_type devpts_type = {
	.name = "devpts", .flags = FS_NODEV, .get_sb = devpts_get_sb};

int devpts_init(void)
{
	int err;

	register_filesystem(&devpts_type);
	err = kernel_mkdir("/dev/pts", 0755);
	if (err && err != -EEXIST)
		return err;
	return kernel_mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, NULL);
}
