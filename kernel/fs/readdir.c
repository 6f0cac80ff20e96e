/* SPDX-License-Identifier: MIT */
/*
 * Listing directories: getdents and getdents64.
 *
 * The file system's readdir() offers entries one by one to an actor, which packs them into the
 * user's buffer until one does not fit. d_off of an entry is the position of the next one, known
 * only when that comes: it is filled in then, and for the last entry at the end.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/syscall.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"

struct dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};
#define DIRENT64_NAME offsetof(struct dirent64, d_name)

/* The old form keeps the type in the last byte, after the name's NUL. */
struct dirent {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	char d_name[];
};
#define DIRENT_NAME offsetof(struct dirent, d_name)

struct getdents {
	struct dir_context ctx;
	char __user *buf;
	char __user *prev; /* the last entry packed, its d_off still open */
	unsigned int left;
	int error;
	bool old;
};

static int close_prev(struct getdents *g, loff_t off)
{
	if (g->prev && put_user(off, &((struct dirent64 __user *)g->prev)->d_off))
		return -EFAULT;
	return 0;
}

/* @g->buf may be any address that a program made up, NULL too: only arithmetic on it. */
static int put_entry(struct getdents *g, const char *name, int len, u64 ino, unsigned int type,
		     u16 reclen)
{
	char __user *name_at = g->buf + (g->old ? DIRENT_NAME : DIRENT64_NAME);
	char __user *type_at = g->buf + (g->old ? reclen - 1u : offsetof(struct dirent64, d_type));

	if (put_user(ino, (u64 __user *)g->buf) ||
	    put_user(reclen, (u16 __user *)(g->buf + offsetof(struct dirent64, d_reclen))) ||
	    copy_to_user(name_at, name, len) || put_user((char)0, name_at + len) ||
	    put_user((char)type, type_at))
		return -EFAULT;
	return 0;
}

static bool getdents_actor(struct dir_context *ctx, const char *name, int len, loff_t off, u64 ino,
			   unsigned int type)
{
	struct getdents *g = container_of(ctx, struct getdents, ctx);
	u16 reclen = g->old ? ALIGN(DIRENT_NAME + len + 2, 8) : ALIGN(DIRENT64_NAME + len + 1, 8);

	if (reclen > g->left) {
		g->error = -EINVAL; /* told only if not one entry fits */
		return false;
	}
	g->error = close_prev(g, off);
	if (!g->error)
		g->error = put_entry(g, name, len, ino, type, reclen);
	if (g->error)
		return false;
	g->prev = g->buf;
	g->buf += reclen;
	g->left -= reclen;
	return true;
}

static long do_getdents(unsigned int fd, void __user *buf, unsigned int count, bool old)
{
	struct getdents g = {.ctx.actor = getdents_actor, .buf = buf, .left = count, .old = old};
	struct fd f = fdget_pos(fd);
	struct inode *dir;
	long ret;

	if (!f.file)
		return -EBADF;
	dir = f.file->f_inode;
	ret = -ENOTDIR;
	if (!f.file->f_op->readdir)
		goto out;
	ret = -ENOENT;
	down_read(&dir->i_rwsem);
	if (!(dir->i_flags & S_DEAD)) {
		g.ctx.pos = f.file->f_pos;
		ret = f.file->f_op->readdir(f.file, &g.ctx);
		f.file->f_pos = g.ctx.pos;
	}
	up_read(&dir->i_rwsem);
	if (ret)
		goto out;
	file_accessed(f.file);
	if (g.prev)
		ret = close_prev(&g, g.ctx.pos) ?: (long)(count - g.left);
	else
		ret = g.error;
out:
	fdput_pos(f);
	return ret;
}

SYSCALL_DEFINE3(getdents, unsigned int, fd, void __user *, buf, unsigned int, count)
{
	return do_getdents(fd, buf, count, true);
}

SYSCALL_DEFINE3(getdents64, unsigned int, fd, void __user *, buf, unsigned int, count)
{
	return do_getdents(fd, buf, count, false);
}
