/* SPDX-License-Identifier: MIT */
/*
 * The path walk.
 *
 *      "usr/lib/../bin/sh"  ->  one component at a time, from the root or the working directory
 *
 * What has to be minded on the way: "." and ".."; mounts, downwards and upwards; the task's root,
 * which ".." cannot leave; symbolic links, whose text is walked in place of the component (at most
 * 40 of them: ELOOP); the execute bit of every directory passed; and "/" at the end, which demands
 * a directory.
 *
 * The walk runs in stretches. walk_cached() goes as far as the dcache leads, under one dcache_lock
 * and with borrowed pointers; it takes references only where it stops. It stops at the end, at a
 * symbolic link, and at a name that the file system must be asked for (/proc). The rest of walk()
 * handles these with sleeping allowed, and goes on.
 *
 *   walk_cached --END-----> done
 *     ^         --LINK----> nd_follow: push what is left of the name, continue with the link's text
 *     |         --LOOKUP--> walk_lookup: ask the file system; the answer may itself be a link
 *     |         --LAST----> LOOKUP_PARENT: stop before the last component (create, unlink, rename)
 *     +---- after LINK and LOOKUP
 *
 * BASE-HELD: between stretches nd->path holds references; within one, `cur` is protected by
 * dcache_lock alone.
 */
#include "kernel/fs/namei_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/task.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

enum walk_stop { WALK_END, WALK_LAST, WALK_LINK, WALK_LOOKUP };

static struct kmem_cache *names_cache;

void namei_init(void)
{
	names_cache = kmem_cache_create("names_cache", PATH_MAX, 0, SLAB_PANIC, NULL);
}

char *getname(const char __user *name, unsigned int flags)
{
	char *buf = kmem_cache_alloc(names_cache, GFP_KERNEL);
	long len;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	len = strncpy_from_user(buf, name, PATH_MAX);
	if (len >= PATH_MAX)
		len = -ENAMETOOLONG;
	else if (len == 0 && !(flags & LOOKUP_EMPTY))
		len = -ENOENT;
	if (len < 0) {
		kmem_cache_free(names_cache, buf);
		return ERR_PTR(len);
	}
	return buf;
}

void putname(char *name)
{
	if (name)
		kmem_cache_free(names_cache, name);
}

void path_get(const struct path *path)
{
	mntget(path->mnt);
	dget(path->dentry);
}

void path_put(const struct path *path)
{
	dput(path->dentry);
	mntput(path->mnt);
}

/* Setting out ---------------------------------------------------------------------------------- */

static int start_at_fd(struct nameidata *nd, int dfd)
{
	struct fd f = fdget_raw(dfd);
	int err = 0;

	if (!f.file)
		return -EBADF;
	if (*nd->name && !S_ISDIR(f.file->f_inode->i_mode)) {
		err = -ENOTDIR;
	} else {
		nd->path = f.file->f_path;
		path_get(&nd->path);
	}
	fdput(f);
	return err;
}

/* The start is the root of the walk too. */
static int start_scoped(struct nameidata *nd, int dfd)
{
	int err = 0;

	if (dfd == AT_FDCWD)
		get_fs_pwd(current->fs, &nd->path);
	else
		err = start_at_fd(nd, dfd);
	if (err)
		return err;
	path_put(&nd->root);
	nd->root = nd->path;
	path_get(&nd->root);
	return 0;
}

int nd_start(struct nameidata *nd, int dfd, const char *name, unsigned int flags)
{
	struct fs_struct *fs = current->fs;
	int err;

	nd->name = name;
	nd->body = NULL;
	nd->flags = flags;
	nd->depth = nd->links = 0;
	nd->slash = false;
	nd->last_type = LAST_ROOT;
	get_fs_root(fs, &nd->root);
	if (!*name && !(flags & LOOKUP_EMPTY)) {
		err = -ENOENT;
	} else if (*name == '/' && flags & LOOKUP_BENEATH) {
		err = -EXDEV;
	} else if (flags & LOOKUP_SCOPED) {
		err = start_scoped(nd, dfd);
		if (!err)
			return 0;
	} else if (*name == '/') {
		nd->path = nd->root;
		path_get(&nd->path);
		return 0;
	} else if (dfd == AT_FDCWD) {
		get_fs_pwd(fs, &nd->path);
		return 0;
	} else {
		err = start_at_fd(nd, dfd);
	}
	if (err)
		path_put(&nd->root);
	return err;
}

void nd_end(struct nameidata *nd)
{
	path_put(&nd->path);
	path_put(&nd->root);
	kfree(nd->body);
	while (nd->depth)
		kfree(nd->stack[--nd->depth].body);
}

/* One stretch ---------------------------------------------------------------------------------- */

/* Down: whatever is mounted on @cur, and on the root of that. */
static void cross_mounts(struct path *cur) __must_hold(&dcache_lock)
{
	struct mount *mnt;

	while (unlikely(cur->dentry->d_flags & DCACHE_MOUNTED)) {
		mnt = __lookup_mnt(cur);
		if (!mnt)
			return;
		cur->mnt = mnt;
		cur->dentry = mnt->mnt_root;
	}
}

/* Is @cur the walk's root, or below it? */
static bool below_root(const struct nameidata *nd, struct path cur) __must_hold(&dcache_lock)
{
	while (!path_equal(&cur, &nd->root)) {
		if (cur.mnt && cur.dentry == cur.mnt->mnt_root) {
			if (!cur.mnt->mnt_parent)
				return false;
			cur.dentry = cur.mnt->mnt_mountpoint;
			cur.mnt = cur.mnt->mnt_parent;
		} else if (cur.dentry == cur.dentry->d_parent) {
			return false;
		} else {
			cur.dentry = cur.dentry->d_parent;
		}
	}
	return true;
}

/*
 * 0, or -EXDEV where the walk may not go. -EAGAIN: while dcache_lock was dropped, somebody moved the
 * directory that the walk had come to out of the tree that it must stay in.
 */
static int walk_dotdot(struct nameidata *nd, struct path *cur) __must_hold(&dcache_lock)
{
	struct mount *mnt = cur->mnt;

	if (path_equal(cur, &nd->root))
		return nd->flags & LOOKUP_BENEATH ? -EXDEV : 0;
	while (!path_equal(cur, &nd->root)) {
		if (cur->mnt && cur->dentry == cur->mnt->mnt_root) {
			if (!cur->mnt->mnt_parent)
				break;
			cur->dentry = cur->mnt->mnt_mountpoint;
			cur->mnt = cur->mnt->mnt_parent;
			continue;
		}
		cur->dentry = cur->dentry->d_parent;
		cross_mounts(cur);
		break;
	}
	if (nd->flags & LOOKUP_SCOPED && !below_root(nd, *cur))
		return -EAGAIN;
	return nd->flags & LOOKUP_NO_XDEV && cur->mnt != mnt ? -EXDEV : 0;
}

/* Cut the next component off the name. False: nothing is left, in this string and below it. */
static bool next_component(struct nameidata *nd)
{
	const char *p;
	u32 hash;

	for (;;) {
		while (*nd->name == '/')
			nd->name++;
		if (*nd->name)
			break;
		if (!nd->depth)
			return false;
		kfree(nd->body);
		nd->depth--;
		nd->body = nd->stack[nd->depth].body;
		nd->name = nd->stack[nd->depth].rest;
	}
	p = nd->name;
	hash = name_hash_init();
	for (; *p && *p != '/'; p++)
		hash = name_hash_step(hash, *p);
	nd->last = (struct qstr){nd->name, p - nd->name, hash};
	nd->slash = *p == '/';
	while (*p == '/')
		p++;
	nd->name = p;
	nd->last_type = LAST_NORM;
	if (nd->last.name[0] == '.') {
		if (nd->last.len == 1)
			nd->last_type = LAST_DOT;
		else if (nd->last.len == 2 && nd->last.name[1] == '.')
			nd->last_type = LAST_DOTDOT;
	}
	return true;
}

/* Is the component that next_component() found the last one of the whole walk? */
static bool at_last(const struct nameidata *nd)
{
	if (*nd->name)
		return false;
	for (int i = 0; i < nd->depth; i++) {
		if (nd->stack[i].rest[strspn(nd->stack[i].rest, "/")])
			return false;
	}
	return true;
}

/* A link in the last place is followed if asked for, or if a slash comes after it. */
static bool want_follow(const struct nameidata *nd)
{
	return nd->flags & LOOKUP_FOLLOW || nd->slash || !at_last(nd);
}

static int may_walk(const struct path *cur)
{
	struct inode *inode = cur->dentry->d_inode;

	return S_ISDIR(inode->i_mode) ? inode_permission(inode, MAY_EXEC) : -ENOTDIR;
}

/* See the picture above. *link: the dentry of a symbolic link in @cur, borrowed. */
static int walk_stretch(struct nameidata *nd, struct path *cur, struct dentry **link)
	__must_hold(&dcache_lock)
{
	struct path next;
	int err;

	while (next_component(nd)) {
		err = may_walk(cur);
		if (err)
			return err;
		if (nd->flags & LOOKUP_PARENT && at_last(nd))
			return WALK_LAST;
		if (nd->last_type == LAST_DOT)
			continue;
		if (nd->last_type == LAST_DOTDOT) {
			err = walk_dotdot(nd, cur);
			if (err)
				return err;
			continue;
		}
		if (nd->last.len > NAME_MAX)
			return -ENAMETOOLONG;
		next.mnt = cur->mnt;
		next.dentry = __d_lookup(cur->dentry, &nd->last);
		if (!next.dentry)
			return cur->dentry->d_inode->i_op->lookup ? WALK_LOOKUP : -ENOENT;
		cross_mounts(&next);
		if (unlikely(next.mnt != cur->mnt) && nd->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		if (unlikely(S_ISLNK(next.dentry->d_inode->i_mode)) && want_follow(nd)) {
			*link = next.dentry;
			return WALK_LINK;
		}
		*cur = next;
	}
	return WALK_END;
}

static int walk_cached(struct nameidata *nd, struct dentry **link)
{
	struct path cur = nd->path, old = nd->path;
	int stop;

	spin_lock(&dcache_lock);
	stop = walk_stretch(nd, &cur, link);
	if (stop == WALK_LINK)
		dget(*link);
	if (!path_equal(&cur, &old))
		path_get(&cur);
	spin_unlock(&dcache_lock);
	if (!path_equal(&cur, &old)) {
		path_put(&old);
		nd->path = cur;
	}
	return stop;
}

/* Links and lookups ---------------------------------------------------------------------------- */

char *read_link(struct inode *inode)
{
	char *body;
	int len;

	if (!(inode->i_flags & S_DYNLINK)) {
		body = kstrdup(inode->i_link, GFP_KERNEL);
		return body ?: ERR_PTR(-ENOMEM);
	}
	body = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!body)
		return ERR_PTR(-ENOMEM);
	len = inode->i_op->readlink(inode, body, PATH_MAX - 1);
	if (len < 0) {
		kfree(body);
		return ERR_PTR(len);
	}
	body[len] = '\0';
	return body;
}

/* Continue with the link's text; what is left of the present name comes after it. */
static int push_link(struct nameidata *nd, struct inode *inode)
{
	char *body = read_link(inode);

	if (IS_ERR(body))
		return PTR_ERR(body);
	if (!*body) {
		kfree(body);
		return -ENOENT;
	}
	if (*body == '/' && (nd->flags & LOOKUP_BENEATH ||
			     (nd->flags & LOOKUP_NO_XDEV && nd->path.mnt != nd->root.mnt))) {
		kfree(body);
		return -EXDEV;
	}
	nd->stack[nd->depth].body = nd->body;
	nd->stack[nd->depth].rest = nd->name;
	nd->depth++;
	nd->body = body;
	nd->name = body;
	if (*body == '/') {
		path_put(&nd->path);
		nd->path = nd->root;
		path_get(&nd->path);
	}
	return 0;
}

int nd_follow(struct nameidata *nd, struct dentry *link)
{
	struct inode *inode = link->d_inode;
	struct path target;
	int err;

	if (nd->links++ >= MAXSYMLINKS || nd->flags & LOOKUP_NO_SYMLINKS ||
	    (nd->path.mnt && nd->path.mnt->mnt_flags & MS_NOSYMFOLLOW))
		return -ELOOP;
	if (inode->i_op->follow && nd->flags & (LOOKUP_NO_MAGICLINKS | LOOKUP_SCOPED))
		return nd->flags & LOOKUP_NO_MAGICLINKS ? -ELOOP : -EXDEV;
	if (nd->slash && at_last(nd))
		nd->flags |= LOOKUP_DIRECTORY;
	inode_accessed(inode);
	if (!inode->i_op->follow)
		return push_link(nd, inode);
	err = inode->i_op->follow(inode, &target);
	if (err)
		return err;
	if (nd->flags & LOOKUP_NO_XDEV && target.mnt != nd->path.mnt) {
		path_put(&target);
		return -EXDEV;
	}
	path_put(&nd->path);
	nd->path = target;
	return 0;
}

/* Ask the file system for the component at hand. */
static int walk_lookup(struct nameidata *nd)
{
	struct dentry *dir = nd->path.dentry, *dentry;
	int err = 0;

	if (nd->flags & LOOKUP_CACHED)
		return -EAGAIN;
	dentry = dir->d_inode->i_op->lookup(dir, &nd->last);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (S_ISLNK(dentry->d_inode->i_mode) && want_follow(nd)) {
		err = nd_follow(nd, dentry);
		dput(dentry);
		return err;
	}
	nd->path.dentry = dentry;
	dput(dir);
	return 0;
}

int nd_walk(struct nameidata *nd)
{
	bool must_be_dir;

	for (;;) {
		struct dentry *link = NULL;
		int stop = walk_cached(nd, &link), err = 0;

		if (stop < 0 || stop == WALK_LAST)
			return stop < 0 ? stop : 0;
		if (stop == WALK_END)
			break;
		if (stop == WALK_LINK) {
			err = nd_follow(nd, link);
			dput(link);
		} else {
			err = walk_lookup(nd);
		}
		if (err)
			return err;
	}
	if (nd->flags & LOOKUP_PARENT && nd->last_type == LAST_NORM)
		nd->last_type = LAST_ROOT; /* a link to an object without a name */
	must_be_dir = nd->flags & LOOKUP_DIRECTORY || nd->slash;
	return must_be_dir && !S_ISDIR(nd->path.dentry->d_inode->i_mode) ? -ENOTDIR : 0;
}

/* Entries -------------------------------------------------------------------------------------- */

int filename_lookup(int dfd, const char *name, unsigned int flags, struct path *path)
{
	struct nameidata nd;
	int err = nd_start(&nd, dfd, name, flags);

	if (err)
		return err;
	err = nd_walk(&nd);
	if (!err) {
		*path = nd.path;
		path_get(path);
	}
	nd_end(&nd);
	return err;
}

int kern_path(const char *name, unsigned int flags, struct path *path)
{
	return filename_lookup(AT_FDCWD, name, flags, path);
}

int user_path_at(int dfd, const char __user *uname, unsigned int flags, struct path *path)
{
	char *name = getname(uname, flags);
	int err;

	if (IS_ERR(name))
		return PTR_ERR(name);
	err = filename_lookup(dfd, name, flags, path);
	putname(name);
	return err;
}

struct dentry *lookup_one(struct dentry *dir, const struct qstr *name)
{
	struct inode *inode = dir->d_inode;
	struct dentry *dentry;

	if (name->len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	dentry = d_lookup(dir, name);
	/* ENOENT of a file system with a lookup method also means: nothing can be made there. */
	if (!dentry && inode->i_op->lookup)
		dentry = inode->i_op->lookup(dir, name);
	return dentry;
}

void follow_mounts(struct path *path)
{
	struct path cur = *path;

	spin_lock(&dcache_lock);
	cross_mounts(&cur);
	if (!path_equal(&cur, path))
		path_get(&cur);
	spin_unlock(&dcache_lock);
	if (!path_equal(&cur, path)) {
		path_put(path);
		*path = cur;
	}
}
