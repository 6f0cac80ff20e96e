/* SPDX-License-Identifier: MIT */
/*
 * The directory tree.
 *
 * A dentry is one name in one directory. The tree of dentries below a root is the whole contents of
 * an in-memory file system: there is no other copy of a directory to read it from, so an entry
 * stays as long as the name exists.
 *
 *    d_alloc            d_add                           d_drop (unlink, rename over it)
 *   --------> unhashed -------> hashed: found by name -----------------------------> unhashed:
 *             count 1           count 1 + the pin            open files and cwds keep it; 0: freed
 *
 * HASHED-PINNED (fs.h) makes lookup simple: what is in the hash has a reference of its own, so a
 * reader under dcache_lock may increment the count without asking. PARENT-HELD: a dentry holds a
 * reference to its parent, so a count that falls to zero has no children, and nobody else can reach
 * the object any more.
 *
 * One spinlock, dcache_lock, guards the hash, the names and the shape of the tree. A path walk
 * takes it once for all the components that it finds (namei.c), which costs less than a lock for
 * each of them; a sharper design (Linux's RCU walk with a sequence count per dentry) buys scaling
 * beyond the handful of CPUs that Verso is for.
 *
 * Changes of a directory's entries also hold its inode's i_rwsem for writing, which keeps "look
 * whether it exists, then make it" together across sleeping.
 */
#include "kernel/events/inotify.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei_internal.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/slab.h"

#define DCACHE_HASH_BITS 10

DEFINE_SPINLOCK(dcache_lock);
static struct hlist_head dcache_hash[1 << DCACHE_HASH_BITS]; /* dcache_lock */
static struct kmem_cache *dentry_cache;

u32 name_hash(const char *name, u32 len)
{
	u32 hash = name_hash_init();

	while (len--)
		hash = name_hash_step(hash, *name++);
	return hash;
}

static struct hlist_head *d_bucket(const struct dentry *parent, u32 hash)
{
	u64 key = (unsigned long)parent / sizeof(struct dentry) + hash;

	return &dcache_hash[hash_64(key, DCACHE_HASH_BITS)];
}

static struct dentry *d_alloc_any(struct dentry *parent, const struct qstr *name,
				  unsigned int flags)
{
	struct dentry *dentry = kmem_cache_alloc(dentry_cache, GFP_KERNEL);
	char *copy;

	if (!dentry)
		return NULL;
	copy = dentry->d_iname;
	if (name->len >= DNAME_INLINE_LEN) {
		copy = kmalloc(name->len + 1, GFP_KERNEL);
		if (!copy) {
			kmem_cache_free(dentry_cache, dentry);
			return NULL;
		}
	}
	memcpy(copy, name->name, name->len);
	copy[name->len] = '\0';
	dentry->d_name = (struct qstr){copy, name->len, name->hash};
	atomic_set(&dentry->d_count, 1);
	dentry->d_flags = flags;
	dentry->d_parent = parent ? dget(parent) : dentry;
	dentry->d_inode = NULL;
	INIT_HLIST_NODE(&dentry->d_hash);
	INIT_LIST_HEAD(&dentry->d_child);
	INIT_LIST_HEAD(&dentry->d_subdirs);
	dentry->d_cookie = 0;
	dentry->d_next_cookie = 2; /* "." and ".." are 0 and 1 */
	return dentry;
}

struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)
{
	return d_alloc_any(parent, name, 0);
}

struct dentry *d_alloc_root(struct inode *inode)
{
	static const struct qstr slash = {"/", 1, 0};
	struct dentry *dentry = d_alloc_any(NULL, &slash, 0);

	if (dentry)
		d_instantiate(dentry, inode);
	else
		iput(inode);
	return dentry;
}

struct dentry *d_alloc_pseudo(const char *name, struct inode *inode)
{
	struct qstr q = {name, strlen(name), 0};
	struct dentry *dentry = d_alloc_any(NULL, &q, DCACHE_PSEUDO);

	if (dentry)
		d_instantiate(dentry, inode);
	else
		iput(inode);
	return dentry;
}

void d_instantiate(struct dentry *dentry, struct inode *inode)
{
	VM_BUG_ON(dentry->d_inode);
	dentry->d_inode = inode;
}

static void d_hash_locked(struct dentry *dentry) __must_hold(&dcache_lock)
{
	struct dentry *parent = dentry->d_parent;

	dentry->d_cookie = parent->d_next_cookie++;
	list_add_tail(&dentry->d_child, &parent->d_subdirs);
	hlist_add_head(&dentry->d_hash, d_bucket(parent, dentry->d_name.hash));
	dentry->d_flags |= DCACHE_HASHED;
}

static void d_unhash_locked(struct dentry *dentry) __must_hold(&dcache_lock)
{
	hlist_del_init(&dentry->d_hash);
	list_del_init(&dentry->d_child);
	dentry->d_flags &= ~DCACHE_HASHED;
}

void d_add(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
	spin_lock(&dcache_lock);
	d_hash_locked(dentry);
	spin_unlock(&dcache_lock);
}

struct dentry *__d_lookup(struct dentry *parent, const struct qstr *name)
{
	struct dentry *dentry;

	hlist_for_each_entry (dentry, d_bucket(parent, name->hash), d_hash) {
		if (dentry->d_name.hash == name->hash && dentry->d_parent == parent &&
		    dentry->d_name.len == name->len &&
		    !memcmp(dentry->d_name.name, name->name, name->len))
			return dentry;
	}
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const struct qstr *name)
{
	struct dentry *dentry;

	spin_lock(&dcache_lock);
	dentry = __d_lookup(parent, name);
	if (dentry)
		dget(dentry);
	spin_unlock(&dcache_lock);
	return dentry;
}

void d_drop(struct dentry *dentry, bool deleted)
{
	bool pinned;

	spin_lock(&dcache_lock);
	pinned = dentry->d_flags & DCACHE_HASHED;
	if (pinned)
		d_unhash_locked(dentry);
	if (deleted)
		dentry->d_flags |= DCACHE_DELETED;
	spin_unlock(&dcache_lock);
	if (pinned)
		dput(dentry);
}

/* The names of two dentries change places; a short name lives inside its dentry and is copied. */
static void swap_names(struct dentry *a, struct dentry *b) __must_hold(&dcache_lock)
{
	bool a_inline = a->d_name.name == a->d_iname, b_inline = b->d_name.name == b->d_iname;
	char tmp[DNAME_INLINE_LEN];

	memcpy(tmp, a->d_iname, sizeof(tmp));
	memcpy(a->d_iname, b->d_iname, sizeof(tmp));
	memcpy(b->d_iname, tmp, sizeof(tmp));
	swap(a->d_name, b->d_name);
	if (b_inline)
		a->d_name.name = a->d_iname;
	if (a_inline)
		b->d_name.name = b->d_iname;
}

void d_move(struct dentry *dentry, struct dentry *vehicle)
{
	spin_lock(&dcache_lock);
	VM_BUG_ON(!(dentry->d_flags & DCACHE_HASHED) || vehicle->d_flags & DCACHE_HASHED);
	d_unhash_locked(dentry);
	swap_names(dentry, vehicle);
	swap(dentry->d_parent, vehicle->d_parent);
	d_hash_locked(dentry);
	spin_unlock(&dcache_lock);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	spin_lock(&dcache_lock);
	d_unhash_locked(a);
	d_unhash_locked(b);
	swap_names(a, b);
	swap(a->d_parent, b->d_parent);
	d_hash_locked(a);
	d_hash_locked(b);
	spin_unlock(&dcache_lock);
}

bool d_empty(struct dentry *dentry)
{
	bool empty;

	spin_lock(&dcache_lock);
	empty = list_empty(&dentry->d_subdirs);
	spin_unlock(&dcache_lock);
	return empty;
}

bool is_ancestor(struct dentry *a, struct dentry *b)
{
	spin_lock(&dcache_lock);
	while (b != a && b->d_parent != b)
		b = b->d_parent;
	spin_unlock(&dcache_lock);
	return a == b;
}

void dput(struct dentry *dentry)
{
	while (dentry && atomic_dec_and_test(&dentry->d_count)) {
		struct dentry *parent = dentry->d_parent == dentry ? NULL : dentry->d_parent;

		VM_BUG_ON(dentry->d_flags & DCACHE_HASHED || !list_empty(&dentry->d_subdirs));
		if (dentry->d_inode) {
			notify_gone(dentry->d_inode);
			iput(dentry->d_inode);
		}
		if (dentry->d_name.name != dentry->d_iname)
			kfree(dentry->d_name.name);
		kmem_cache_free(dentry_cache, dentry);
		dentry = parent;
	}
}

/* Leaves first: an entry can go once its own directory is empty. */
void d_genocide(struct dentry *root)
{
	struct dentry *dentry = dget(root), *parent;

	for (;;) {
		struct dentry *child = NULL;

		spin_lock(&dcache_lock);
		if (!list_empty(&dentry->d_subdirs))
			child = dget(list_first_entry(&dentry->d_subdirs, struct dentry, d_child));
		spin_unlock(&dcache_lock);
		if (child) {
			dput(dentry);
			dentry = child;
			continue;
		}
		if (dentry == root)
			break;
		parent = dget(dentry->d_parent);
		d_drop(dentry, true);
		dput(dentry);
		dentry = parent;
	}
	dput(root);
}

/* Put "/name" in front of *end. */
static int prepend_name(char **end, const char *start, const struct qstr *name)
{
	if (*end - start < (ssize_t)name->len + 1)
		return -ENAMETOOLONG;
	*end -= name->len;
	memcpy(*end, name->name, name->len);
	*--*end = '/';
	return 0;
}

static int prepend_path(const struct path *path, const struct path *root, char **end,
			const char *start) __must_hold(&dcache_lock)
{
	struct mount *mnt = path->mnt;
	struct dentry *dentry = path->dentry;
	int err;

	while (dentry != root->dentry || mnt != root->mnt) {
		if (mnt && dentry == mnt->mnt_root) {
			if (!mnt->mnt_parent)
				break;
			dentry = mnt->mnt_mountpoint;
			mnt = mnt->mnt_parent;
			continue;
		}
		if (dentry->d_parent == dentry)
			break;
		err = prepend_name(end, start, &dentry->d_name);
		if (err)
			return err;
		dentry = dentry->d_parent;
	}
	return dentry != root->dentry || mnt != root->mnt;
}

/* *@outside: @root is not above the path, which is then seen from where it ends. */
static char *make_path(const struct path *path, const struct path *root, char *buf, size_t size,
		       bool *outside)
{
	static const char deleted[] = " (deleted)";
	char *end = buf + size, *tail;
	int ret = 0;

	if (size < sizeof(deleted) + 1)
		return ERR_PTR(-ENAMETOOLONG);
	*--end = '\0';
	spin_lock(&dcache_lock);
	if (path->dentry->d_flags & DCACHE_DELETED) {
		end -= sizeof(deleted) - 1;
		memcpy(end, deleted, sizeof(deleted) - 1);
	}
	tail = end;
	if (path->dentry->d_flags & DCACHE_PSEUDO) {
		ret = prepend_name(&end, buf, &path->dentry->d_name);
		end++; /* a pseudo name brings its own slash, if any */
	} else {
		ret = prepend_path(path, root, &end, buf);
		if (end == tail && ret >= 0)
			*--end = '/';
	}
	spin_unlock(&dcache_lock);
	*outside = ret > 0;
	return ret < 0 ? ERR_PTR(ret) : end;
}

char *d_path_root(const struct path *path, const struct path *root, char *buf, size_t size)
{
	bool outside;

	return make_path(path, root, buf, size, &outside);
}

char *d_path_marked(const struct path *path, const struct path *root, char *buf, size_t size)
{
	static const char mark[] = "(unreachable)";
	bool outside;
	char *text = make_path(path, root, buf, size, &outside);

	if (IS_ERR(text) || !outside)
		return text;
	if (text - buf < (ssize_t)sizeof(mark) - 1)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(text - (sizeof(mark) - 1), mark, sizeof(mark) - 1);
}

/* readdir -------------------------------------------------------------------------------------- */

bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->f_path.dentry;

	if (ctx->pos == 0) {
		if (!ctx->actor(ctx, ".", 1, 0, dir->d_inode->i_ino, DT_DIR))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		u64 ino;

		spin_lock(&dcache_lock);
		ino = dir->d_parent->d_inode->i_ino;
		spin_unlock(&dcache_lock);
		if (!ctx->actor(ctx, "..", 2, 1, ino, DT_DIR))
			return false;
		ctx->pos = 2;
	}
	return true;
}

/*
 * The first entry at or after the position, with a reference. Entries are in the order of their
 * cookies.
 */
static struct dentry *next_entry(struct dentry *dir, struct dentry *prev, u64 pos)
{
	struct dentry *child = NULL, *found = NULL;

	spin_lock(&dcache_lock);
	if (prev && prev->d_flags & DCACHE_HASHED && prev->d_parent == dir && prev->d_cookie < pos)
		child = prev;
	else
		child = list_first_entry(&dir->d_subdirs, struct dentry, d_child);
	for (; &child->d_child != &dir->d_subdirs; child = list_next_entry(child, d_child)) {
		if (child->d_cookie >= pos) {
			found = dget(child);
			break;
		}
	}
	spin_unlock(&dcache_lock);
	return found;
}

int dcache_readdir(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->f_path.dentry, *prev = NULL, *child;

	if (!dir_emit_dots(file, ctx))
		return 0;
	while ((child = next_entry(dir, prev, ctx->pos)) != NULL) {
		struct inode *inode = child->d_inode;
		u64 cookie = child->d_cookie;
		bool room = ctx->actor(ctx, child->d_name.name, child->d_name.len, cookie,
				       inode->i_ino, (inode->i_mode & S_IFMT) >> 12);

		dput(prev);
		prev = child;
		if (!room)
			break;
		ctx->pos = cookie + 1;
	}
	dput(prev);
	return 0;
}

loff_t dcache_dir_lseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += file->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	file->f_pos = offset;
	return offset;
}

void dcache_init(void)
{
	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 0, SLAB_PANIC, NULL);
}
