/* SPDX-License-Identifier: MIT */
/*
 * The initramfs: a cpio archive in memory becomes the root directory.
 *
 * The archive is read from front to back, and the pages behind the reader are handed to the page
 * allocator as it goes, so that archive and contents are in memory together for one file only:
 *
 *      |//// freed ////|  entry being unpacked  |   not read yet      |
 *      ^ freed_to                               ^ it.pos
 *
 * A hard link appears as several entries with one (device, inode); the contents come with one of
 * them, usually the last. The first is made as a file, the others as links to it; whichever has
 * contents writes them.
 *
 * A name that exists already is replaced, as it is when two archives are given one after the other.
 * A directory that exists keeps its contents and takes the mode.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/namei.h"
#include "kernel/printk.h"
#include "arch/x86_64/layout.h"
#include "kernel/uapi/time.h"
#include "lib/cpio.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/page.h"
#include "mm/slab.h"

struct hardlink {
	struct hardlink *next;
	u32 dev_major, dev_minor, ino;
	char name[];
};

struct unpack {
	struct hardlink *links;
	char path[PATH_MAX];
};

/* Absolute form of an archive's name ("./etc/motd", "etc/motd", "."). */
static int full_name(struct unpack *u, const char *name)
{
	size_t len;

	while (name[0] == '.' && name[1] == '/')
		name += 2;
	while (*name == '/')
		name++;
	if (name[0] == '.' && !name[1])
		name++;
	len = strlen(name);
	if (len + 2 > sizeof(u->path))
		return -ENAMETOOLONG;
	u->path[0] = '/';
	memcpy(u->path + 1, name, len + 1);
	return 0;
}

static int set_attributes(const char *name, const struct cpio_entry *e)
{
	struct inode *inode;
	struct path path;
	int err = kern_path(name, 0, &path);

	if (err)
		return err;
	inode = path.dentry->d_inode;
	if (!S_ISLNK(inode->i_mode))
		inode->i_mode = (inode->i_mode & S_IFMT) | (e->mode & S_IALLUGO);
	inode->i_uid = e->uid;
	inode->i_gid = e->gid;
	inode->i_mtime = inode->i_atime = inode->i_ctime = (fstime_t)e->mtime * NSEC_PER_SEC;
	path_put(&path);
	return 0;
}

/* The name under which this file was met before, or NULL; then it is remembered. */
static const char *known_link(struct unpack *u, const struct cpio_entry *e)
{
	struct hardlink *link;
	size_t len = strlen(u->path) + 1;

	for (link = u->links; link; link = link->next) {
		if (link->ino == e->ino && link->dev_major == e->dev_major &&
		    link->dev_minor == e->dev_minor)
			return link->name;
	}
	link = kmalloc(sizeof(*link) + len, GFP_KERNEL);
	if (link) {
		*link = (struct hardlink){u->links, e->dev_major, e->dev_minor, e->ino};
		memcpy(link->name, u->path, len);
		u->links = link;
	}
	return NULL;
}

static int write_contents(const char *name, const struct cpio_entry *e)
{
	struct file *file = kernel_open(name, O_WRONLY | O_CREAT | (e->size ? O_TRUNC : 0), 0600);
	size_t done = 0;
	ssize_t n = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	while (done < e->size) {
		n = kernel_write(file, (const char *)e->data + done, e->size - done, done);
		if (n <= 0)
			break;
		done += n;
	}
	fput(file);
	return n < 0 ? n : 0;
}

static int unpack_file(struct unpack *u, const struct cpio_entry *e)
{
	const char *first = e->nlink > 1 ? known_link(u, e) : NULL;

	if (first) {
		int err = kernel_link(first, u->path);

		if (err || !e->size)
			return err;
	}
	return write_contents(u->path, e);
}

static int unpack_symlink(struct unpack *u, const struct cpio_entry *e)
{
	char *target = kstrndup(e->data, e->size, GFP_KERNEL);
	int err;

	if (!target)
		return -ENOMEM;
	err = kernel_symlink(target, u->path);
	kfree(target);
	return err;
}

static int unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
	int err = full_name(u, e->name);

	if (err)
		return err;
	if (!S_ISDIR(e->mode))
		kernel_remove(u->path); /* usually there is nothing */
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		err = unpack_file(u, e);
		break;
	case S_IFDIR:
		err = u->path[1] ? kernel_mkdir(u->path, 0700) : 0;
		if (err == -EEXIST)
			err = 0;
		break;
	case S_IFLNK:
		err = unpack_symlink(u, e);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		err = kernel_mknod(u->path, e->mode & S_IFMT, MKDEV(e->rdev_major, e->rdev_minor));
		break;
	default:
		pr_warn("initramfs: %s: unknown kind of file, mode %o\n", u->path, e->mode);
		return 0;
	}
	return err ?: set_attributes(u->path, e);
}

/* What the first bytes say when they are no cpio header. */
static const char *compression(const u8 *p, size_t size)
{
	static const struct {
		u8 magic[4];
		u8 len;
		const char *name;
	} known[] = {
		{{0x1f, 0x8b}, 2, "gzip"},
		{{0xfd, '7', 'z', 'X'}, 4, "xz"},
		{{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstd"},
		{{0x02, 0x21, 0x4c, 0x18}, 4, "lz4"},
		{{0x04, 0x22, 0x4d, 0x18}, 4, "lz4"},
		{{'B', 'Z', 'h'}, 3, "bzip2"},
		{{0x5d, 0x00, 0x00}, 3, "lzma"},
		{{0x89, 'L', 'Z', 'O'}, 4, "lzo"},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
		if (size >= known[i].len && !memcmp(p, known[i].magic, known[i].len))
			return known[i].name;
	}
	return NULL;
}

static void free_links(struct hardlink *link)
{
	while (link) {
		struct hardlink *next = link->next;

		kfree(link);
		link = next;
	}
}

/* Hand whole pages up to @pos to the allocator. Returns where the rest begins. */
static const char *free_behind(const char *freed_to, const char *pos)
{
	for (; freed_to + PAGE_SIZE <= pos; freed_to += PAGE_SIZE)
		free_reserved_page(virt_to_page(freed_to));
	return freed_to;
}

static int unpack_all(struct unpack *u, const char *start, const char *end)
{
	const char *freed_to = PTR_ALIGN(start, PAGE_SIZE);
	struct cpio_entry e;
	struct cpio_iter it;
	int err;

	cpio_begin(&it, start, end - start);
	while ((err = cpio_next(&it, &e)) > 0) {
		err = unpack_entry(u, &e);
		if (err == -ENOMEM || err == -ENOSPC) {
			pr_err("initramfs: memory does not suffice to unpack %s (%zu bytes)\n",
			       u->path, e.size);
			return err;
		}
		if (err)
			pr_warn("initramfs: %s: not unpacked: error %d\n", u->path, -err);
		freed_to = free_behind(freed_to, it.pos);
	}
	if (err < 0)
		pr_err("initramfs: broken archive, at byte %zu of %zu: %s\n", it.offset,
		       (size_t)(end - start), it.error);
	else
		free_behind(freed_to, end);
	return err;
}

int initramfs_unpack(phys_addr_t start, phys_addr_t end)
{
	const char *from = __va(start), *to = __va(end);
	const char *method = compression((const u8 *)from, to - from);
	struct unpack *u;
	int err;

	if (method) {
		pr_err("initramfs: the archive is compressed with %s; Verso reads plain cpio (newc) archives: "
		       "decompress it first\n",
		       method);
		return -EINVAL;
	}
	u = kmalloc(sizeof(*u), GFP_KERNEL);
	if (!u)
		return -ENOMEM;
	u->links = NULL;
	err = unpack_all(u, from, to);
	free_links(u->links);
	kfree(u);
	return err;
}
