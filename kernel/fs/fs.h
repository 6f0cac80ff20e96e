/* SPDX-License-Identifier: MIT */
/*
 * The objects of the file system, and how they hold each other.
 *
 *   fd table --> struct file --> struct path { mount, dentry }    an open file, a name in the tree
 *                    |                           |   ^
 *                    |                           |   |  a child holds its parent;
 *                    v                           v   |  a hashed dentry holds itself
 *             file_operations              struct inode --> struct address_space: the pages
 *                                                |
 *                                                v
 *                                          struct super_block    one instance of a file system
 *
 * All file systems here live in memory, so the dentry tree *is* the directory tree of tmpfs and
 * /dev: a directory has no other list of its entries. /proc makes its dentries on demand and never
 * hashes them.
 *
 * HASHED-PINNED: a hashed dentry holds one reference for being hashed. So whoever finds it in the
 * hash, under dcache_lock, can take a reference by a plain increment, and nobody is ever found with
 * a count of zero.
 */
#ifndef KERNEL_FS_FS_H
#define KERNEL_FS_FS_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "kernel/mutex.h"
#include "kernel/rwsem.h"
#include "kernel/spinlock.h"
#include "mm/filemap.h"

struct task;
struct file;
struct inode;
struct dentry;
struct mount;
struct super_block;
struct fasync_head;
struct fown;
struct iov_iter;
struct poll_table;
struct pipe;
struct vm_area;
struct kstat;
struct file_operations;
struct file_system_type;
struct file_lock_context;
struct seq_file;

typedef u32 umode_t;

#define PATH_MAX     4096
#define NAME_MAX     255
#define MAX_RW_COUNT 0x7ffff000L /* longest transfer of one call, as on Linux */

/* File types and permission bits of i_mode. */
#define S_IFMT	  0170000
#define S_IFSOCK  0140000
#define S_IFLNK	  0120000
#define S_IFREG	  0100000
#define S_IFBLK	  0060000
#define S_IFDIR	  0040000
#define S_IFCHR	  0020000
#define S_IFIFO	  0010000
#define S_ISUID	  0004000
#define S_ISGID	  0002000
#define S_ISVTX	  0001000
#define S_IXGRP	  0000010
#define S_IALLUGO 07777

#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

#define DT_UNKNOWN 0
#define DT_DIR	   4
#define DT_REG	   8
#define DT_LNK	   10

/* open(2) flags, Linux's values. */
#define O_ACCMODE   00000003
#define O_RDONLY    00000000
#define O_WRONLY    00000001
#define O_RDWR	    00000002
#define O_CREAT	    00000100
#define O_EXCL	    00000200
#define O_NOCTTY    00000400
#define O_TRUNC	    00001000
#define O_APPEND    00002000
#define O_NONBLOCK  00004000
#define O_DSYNC	    00010000
#define O_ASYNC	    00020000
#define O_DIRECT    00040000
#define O_LARGEFILE 00100000
#define O_DIRECTORY 00200000
#define O_NOFOLLOW  00400000
#define O_NOATIME   01000000
#define O_CLOEXEC   02000000
#define O_SYNC	    04010000
#define O_PATH	    010000000
#define O_TMPFILE   020200000
#define __O_TMPFILE 020000000

#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define AT_FDCWD	    (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS	    0x200
#define AT_REMOVEDIR	    0x200
#define AT_SYMLINK_FOLLOW   0x400
#define AT_NO_AUTOMOUNT	    0x800
#define AT_EMPTY_PATH	    0x1000
#define AT_STATX_SYNC_TYPE  0x6000

/* Seals of a memfd: what can never happen to it again. */
#define F_SEAL_SEAL	    0x0001u
#define F_SEAL_SHRINK	    0x0002u
#define F_SEAL_GROW	    0x0004u
#define F_SEAL_WRITE	    0x0008u
#define F_SEAL_FUTURE_WRITE 0x0010u

/* Access wanted, for inode_permission(). */
#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4

#define MAJOR(dev)	((unsigned int)((dev) >> 20))
#define MINOR(dev)	((unsigned int)((dev)&0xfffff))
#define MKDEV(maj, min) (((dev_t)(maj) << 20) | (min))

/* Times of an inode are nanoseconds since 1970, which reaches to the year 2262. */
typedef s64 fstime_t;

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

struct qstr {
	const char *name; /* not NUL-terminated while it is a component of a longer path */
	u32 len;
	u32 hash;
};

/*
 * Locks of the fields of this header:
 *   c  constant after creation    D  dcache_lock       I  i_rwsem (of the directory, for names)
 *   s  sb->s_lock                 f  file->f_lock      F  file->f_pos_lock
 *   a  atomic                     o  see mm/filemap.h  n  read by anyone, written under I
 */

struct inode_operations {
	/*
	 * Directories: called with dir->i_rwsem held for writing, the name known to be absent
	 * (create, symlink, mkdir, mknod, link: @dentry is new, unhashed, and becomes an entry by
	 * d_add()).
	 */
	int (*create)(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*link)(struct inode *dir, struct dentry *old, struct dentry *dentry);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	/*
	 * Both directories locked. @target: the entry that is replaced, or NULL; with
	 * RENAME_EXCHANGE it takes the place of @dentry. Checks and keeps the link counts; the
	 * caller moves the dentries.
	 */
	int (*rename)(struct inode *old_dir, struct dentry *dentry, struct inode *new_dir,
		      struct dentry *target, unsigned int flags);
	/* O_TMPFILE: an inode with no name, or ERR_PTR. */
	struct inode *(*tmpfile)(struct inode *dir, umode_t mode);
	/*
	 * A name that is not in the dcache. NULL: then it does not exist. Otherwise returns an
	 * unhashed dentry with a reference (its inode set), or an ERR_PTR. Called without locks;
	 * may sleep.
	 */
	struct dentry *(*lookup)(struct dentry *dir, const struct qstr *name);

	/*
	 * Symbolic links: the target for readlink(). May sleep. Bytes written to @buf (not
	 * terminated), or -E.
	 */
	int (*readlink)(struct inode *inode, char *buf, int size);
	/*
	 * A link that leads to an object, not to a name (/proc/PID/exe, fd/N): fills *path with
	 * references.
	 */
	int (*follow)(struct inode *inode, struct path *path);

	/* i_rwsem held for writing. Sizes and allocation; NULL: -EINVAL or -EOPNOTSUPP. */
	int (*truncate)(struct inode *inode, loff_t size);
	int (*fallocate)(struct inode *inode, int mode, loff_t offset, loff_t len);
};

/* i_flags */
#define S_DEAD	   BIT(0) /* a removed directory: nothing can be created in it */
#define S_DYNLINK  BIT(1) /* a symlink whose target inode_operations make up (i_link unused) */
#define S_LINKABLE BIT(2) /* made by O_TMPFILE without O_EXCL: link() may give it a first name */

/*
 * Lock validator subclasses of i_rwsem: a directory, the second directory of a rename, the object
 * inside.
 */
#define I_RWSEM_PARENT2 1
#define I_RWSEM_CHILD	2

struct inode {
	umode_t i_mode;	       /* n */
	u32 i_uid, i_gid;      /* n */
	u32 i_nlink;	       /* I  of a directory; s  of others, which have names in several */
	u64 i_ino;	       /* c */
	dev_t i_rdev;	       /* c */
	unsigned int i_flags;  /* I */
	u8 i_write_hint;       /* a  fcntl(F_SET_RW_HINT) */
	atomic_t i_count;      /* a */
	atomic_t i_writecount; /* a  > 0: open for writing; < 0: being executed (ETXTBSY) */
	fstime_t i_atime, i_mtime, i_ctime, i_btime;
	const struct inode_operations *i_op; /* c */
	const struct file_operations *i_fop; /* c */
	struct super_block *i_sb;	     /* c */
	struct rw_semaphore i_rwsem;
	struct address_space i_data; /* o */
	union {
		char *i_link;	     /* c  target of a symlink, NUL-terminated */
		struct pipe *i_pipe; /* pipe.c's pipe_life_lock */
		void *i_private;     /* of the file system */
	};
	struct file_lock_context *i_flctx; /* set once; locks.c */
	struct hlist_head i_watches;	   /* who wants to be told (events/inotify.c) */
	unsigned int i_seals;		   /* I  F_SEAL_* of a memfd */
};

/* d_flags */
#define DCACHE_HASHED  BIT(0) /* D */
#define DCACHE_MOUNTED BIT(1) /* D  something is mounted here, in some mount */
#define DCACHE_DELETED BIT(2) /* D  unlinked: its path shows " (deleted)" */
#define DCACHE_PSEUDO  BIT(3) /* c  not in any tree (pipes, memfd): d_name is the whole path */

#define DNAME_INLINE_LEN 40

struct dentry {
	atomic_t d_count;	    /* a */
	unsigned int d_flags;	    /* D */
	struct dentry *d_parent;    /* D  itself at a root */
	struct inode *d_inode;	    /* c  after d_instantiate */
	struct qstr d_name;	    /* D  NUL-terminated */
	struct hlist_node d_hash;   /* D */
	struct list_head d_child;   /* D  in the parent's d_subdirs, by d_cookie */
	struct list_head d_subdirs; /* D */
	u64 d_cookie;	   /* D  position for readdir: grows with each new entry of a directory */
	u64 d_next_cookie; /* D  of a directory */
	char d_iname[DNAME_INLINE_LEN];
};

struct kstatfs {
	u32 f_type;
	u32 f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
};

struct super_operations {
	/*
	 * Last reference to an inode with i_nlink 0, or of a file system whose inodes do not stay.
	 * Free what it holds.
	 */
	void (*evict)(struct inode *inode);
	void (*statfs)(struct super_block *sb, struct kstatfs *buf);
	/* The mount options for /proc/mounts, such as "size=64k", into @buf. May be NULL. */
	int (*show_options)(struct super_block *sb, char *buf, size_t size);
	int (*remount)(struct super_block *sb, const char *data);
	void (*put_super)(struct super_block *sb);
};

struct super_block {
	dev_t s_dev;			       /* c */
	atomic_t s_active;		       /* a  mounts of it */
	const struct super_operations *s_op;   /* c */
	const struct file_system_type *s_type; /* c */
	struct dentry *s_root;		       /* c */
	spinlock_t s_lock;
	u64 s_next_ino;	 /* s */
	void *s_fs_info; /* of the file system */
};

struct file_system_type {
	const char *name;
	unsigned int flags; /* FS_NODEV: needs no device, as shown in /proc/filesystems */
	/*
	 * Make (or share) an instance. @data: options, NUL-terminated, may be NULL. ERR_PTR on
	 * failure.
	 */
	struct super_block *(*get_sb)(const struct file_system_type *type, const char *data);
	struct list_head list; /* file_systems_lock */
};

/* f_mode */
#define FMODE_READ	 BIT(0)
#define FMODE_WRITE	 BIT(1)
#define FMODE_PATH	 BIT(2) /* O_PATH: a name only */
#define FMODE_LSEEK	 BIT(3) /* has a position */
#define FMODE_ATOMIC_POS BIT(4) /* the position is guarded by f_pos_lock when the file is shared */
#define FMODE_WRITER	 BIT(5) /* counted in i_writecount */
#define FMODE_NO_PREAD	 BIT(6) /* lseek() is answered, but there is no position to read from */
#define FMODE_EXEC	 BIT(7) /* a program that runs: counted in i_writecount, against writers */

struct dir_context {
	/* Takes one entry. false: the buffer is full, stop and do not move pos past it. */
	bool (*actor)(struct dir_context *ctx, const char *name, int len, loff_t off, u64 ino,
		      unsigned int type);
	loff_t pos;
};

struct file_operations {
	/*
	 * Bytes moved, 0 at the end, -EAGAIN, -ERESTARTSYS … @pos is the caller's and is moved on
	 * by the callee.
	 */
	ssize_t (*read_iter)(struct file *file, struct iov_iter *to, loff_t *pos);
	ssize_t (*write_iter)(struct file *file, struct iov_iter *from, loff_t *pos);
	loff_t (*llseek)(struct file *file, loff_t offset, int whence); /* NULL: -ESPIPE */
	long (*ioctl)(struct file *file, unsigned int cmd,
		      unsigned long arg); /* NULL or -ENOIOCTLCMD: -ENOTTY */
	u32 (*poll)(struct file *file,
		    struct poll_table *table); /* NULL: always readable and writable */
	int (*mmap)(struct file *file, struct vm_area *vma); /* NULL: -ENODEV */
	int (*open)(struct inode *inode, struct file *file);
	void (*release)(struct inode *inode, struct file *file); /* last reference dropped */
	void (*flush)(struct file *file);			 /* each close() of a descriptor */
	int (*readdir)(struct file *file,
		       struct dir_context *ctx); /* i_rwsem of the directory held for reading */
	int (*fsync)(struct file *file);
	/* What the file's news are told on (fasync.h), or ERR_PTR. NULL: there are none. */
	struct fasync_head *(*fasync)(struct file *file);
	void (*fdinfo)(struct seq_file *m,
		       struct file *file); /* more lines of /proc/PID/fdinfo/N */
};

struct file {
	const struct file_operations *f_op; /* c */
	struct inode *f_inode;		    /* c */
	struct path f_path;		    /* c */
	unsigned int f_mode;		    /* c  FMODE_* */
	unsigned int f_flags;		    /* f  O_* */
	atomic_long_t f_count;		    /* a */
	loff_t f_pos;			    /* F  when shared */
	struct mutex f_pos_lock;
	spinlock_t f_lock;
	unsigned int f_version; /* c  of a fifo's reader: opens for writing that it does not know */
	struct fown *f_owner;	/* set once: whom O_ASYNC tells, or NULL (fasync.c) */
	void *private;		/* of the driver or file system */
	struct list_head *f_watches; /* f  epoll sets it is in, or NULL (events/epoll.c) */
	struct vm_file vmf;	     /* c  what a mapping of this file holds */
};

struct kstat {
	u64 ino, size, blocks;
	dev_t dev, rdev;
	umode_t mode;
	u32 nlink, uid, gid, blksize;
	fstime_t atime, mtime, ctime, btime;
};

/* inode.c -------------------------------------------------------------------------------------- */

/**
 * new_inode() - an inode of @sb with number, mode, owner (the caller's fsuid) and times set; one
 * reference. NULL: memory.
 */
struct inode *new_inode(struct super_block *sb, umode_t mode, dev_t rdev);

/** ihold(), iput() - references. iput() may evict and sleep. */
void ihold(struct inode *inode);
void iput(struct inode *inode);

/**
 * init_special_inode() - give a device node, fifo or socket inode its file_operations, by i_mode
 * and i_rdev.
 */
void init_special_inode(struct inode *inode);

/** fs_now() - the time for i_mtime. */
fstime_t fs_now(void);

/** touch_mtime() - contents changed now: mtime and ctime. touch_ctime(): attributes only. */
void touch_mtime(struct inode *inode);
void touch_ctime(struct inode *inode);

/** file_accessed() - contents read now: atime, by the relatime rule, unless O_NOATIME. */
void file_accessed(struct file *file);
void inode_accessed(struct inode *inode);

/** inode_permission() - may the current task do MAY_* with it? 0, -EACCES. */
int inode_permission(struct inode *inode, int mask);

#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2
struct file;
/** file_fallocate() - what fallocate(2) does to an open file. Takes the inode's lock. 0 or -E. */
long file_fallocate(struct file *file, int mode, loff_t offset, loff_t len);

/** inode_owner_or_capable() - does the current task own it, or is it root? */
bool inode_owner_or_capable(const struct inode *inode);

/** fill_kstat() - attributes of an inode, whatever its file system. */
void fill_kstat(struct inode *inode, struct kstat *stat);

/* For pread(2) and the like: a position given with the call means something. */
static inline bool file_has_positions(const struct file *file)
{
	return (file->f_mode & (FMODE_LSEEK | FMODE_NO_PREAD)) == FMODE_LSEEK;
}

static inline loff_t i_size_read(const struct inode *inode)
{
	return READ_ONCE(inode->i_data.i_size);
}

/** get_write_access() - open for writing: 0, or -ETXTBSY while the file is executed. */
int get_write_access(struct inode *inode);
void put_write_access(struct inode *inode);
/** deny_write_access() - a file is executed: 0, or -ETXTBSY while it is open for writing. */
int deny_write_access(struct inode *inode);
void allow_write_access(struct inode *inode);

void inode_init(void);

/* dcache.c ------------------------------------------------------------------------------------- */

extern spinlock_t dcache_lock;

u32 name_hash(const char *name, u32 len);

/**
 * d_alloc() - a dentry called @name below @parent (a reference is taken), without inode, not
 * hashed. NULL: memory.
 */
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name);
/**
 * d_alloc_root() - the root of a file system; takes over the reference to @inode. NULL: memory (the
 * inode is put).
 */
struct dentry *d_alloc_root(struct inode *inode);
/**
 * d_alloc_pseudo() - a dentry in no tree, whose path is @name. Takes over the reference to @inode,
 * also on failure.
 */
struct dentry *d_alloc_pseudo(const char *name, struct inode *inode);
/** d_instantiate() - give a fresh dentry its inode; the reference passes. It stays unhashed. */
void d_instantiate(struct dentry *dentry, struct inode *inode);
/**
 * d_add() - d_instantiate(), then make it an entry of its parent (HASHED-PINNED). Parent's i_rwsem
 * held.
 */
void d_add(struct dentry *dentry, struct inode *inode);
/** d_lookup() - the entry called @name with a reference, or NULL. Takes dcache_lock. */
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name);
struct dentry *__d_lookup(struct dentry *parent, const struct qstr *name) __must_hold(&dcache_lock);
/**
 * d_drop() - no entry any more; the pin is dropped. @deleted: it was unlinked, not only forgotten.
 * i_rwsem held.
 */
void d_drop(struct dentry *dentry, bool deleted);
/**
 * d_move() - @dentry takes the parent and name of @vehicle, a fresh dentry made for this, which
 * gets the old ones. d_exchange() - two entries swap places. Directories' i_rwsem held.
 */
void d_move(struct dentry *dentry, struct dentry *vehicle);
void d_exchange(struct dentry *a, struct dentry *b);
/** d_empty() - a directory has no entries. */
bool d_empty(struct dentry *dentry);
/** is_ancestor() - is @a above @b, or @b itself? Takes dcache_lock. */
bool is_ancestor(struct dentry *a, struct dentry *b);
/** d_genocide() - drop every entry below @root: its file system goes away. */
void d_genocide(struct dentry *root);

static inline struct dentry *dget(struct dentry *dentry)
{
	atomic_inc(&dentry->d_count);
	return dentry;
}
void dput(struct dentry *dentry);

/**
 * d_path() - the absolute path of @path as seen from @root (NULL: the task's), at the end of @buf.
 * Or ERR_PTR.
 */
char *d_path(const struct path *path, char *buf, size_t size);
char *d_path_root(const struct path *path, const struct path *root, char *buf, size_t size);
/* With "(unreachable)" in front if no way leads from @root to it. */
char *d_path_marked(const struct path *path, const struct path *root, char *buf, size_t size);

/** dcache_readdir() - readdir of a directory whose entries are its dentries, with "." and "..". */
int dcache_readdir(struct file *file, struct dir_context *ctx);
bool dir_emit_dots(struct file *file, struct dir_context *ctx);
/** dcache_dir_lseek() - llseek for such directories. */
loff_t dcache_dir_lseek(struct file *file, loff_t offset, int whence);
void dcache_init(void);

/* open files: open.c --------------------------------------------------------------------------- */

/**
 * alloc_file() - an open file on @path (references are taken over, also on failure) with @fop, no
 * ->open call.
 */
struct file *alloc_file(struct path *path, unsigned int flags, const struct file_operations *fop);

/** anon_inode_file() - an open file with no name, such as an eventfd: shown as anon_inode:@name. */
struct file *anon_inode_file(const char *name, const struct file_operations *fop, void *private,
			     unsigned int flags);

/** dentry_open() - open the object at @path (references are taken). */
struct file *dentry_open(const struct path *path, unsigned int flags);

/**
 * kernel_open() - open by name with the current task's root. @flags O_*, @mode for O_CREAT.
 * ERR_PTR.
 */
struct file *kernel_open(const char *name, unsigned int flags, umode_t mode);

/**
 * open_exec() - open a program for execution: a regular, executable file, locked against writers
 * until exec_done(). -EACCES, -ENOENT, -ETXTBSY … @name is a kernel string.
 */
struct file *open_exec(const char *name);
/** open_exec_at() - the same below a descriptor, with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW. */
struct file *open_exec_at(int dfd, const char *name, int flags);
/**
 * exec_done() - the image has been read: writers are allowed again, fput(). A program that now runs
 * (FMODE_EXEC) stays locked until the last mm that has it as its exe_file is gone.
 */
void exec_done(struct file *file);

/** kernel_read(), kernel_write() - at @pos, kernel memory. Bytes or -E. */
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos);
ssize_t kernel_write(struct file *file, const void *buf, size_t count, loff_t pos);

int generic_file_open(struct inode *inode, struct file *file);
int nonseekable_open(struct inode *inode, struct file *file);

/* read_write.c --------------------------------------------------------------------------------- */

loff_t generic_file_llseek(struct file *file, loff_t offset, int whence);
loff_t fixed_size_llseek(struct file *file, loff_t offset, int whence, loff_t size);
loff_t noop_llseek(struct file *file, loff_t offset, int whence);
ssize_t vfs_read_iter(struct file *file, struct iov_iter *to, loff_t *pos);
ssize_t vfs_write_iter(struct file *file, struct iov_iter *from, loff_t *pos);

/** rw_verify_area() - may a transfer be that long, from there? 0, or -EINVAL. */
int rw_verify_area(loff_t pos, size_t count);

/**
 * pagecache_read_iter(), pagecache_write_iter() - file_operations of files that live in the page
 * cache.
 */
ssize_t pagecache_read_iter(struct file *file, struct iov_iter *to, loff_t *pos);
ssize_t pagecache_write_iter(struct file *file, struct iov_iter *from, loff_t *pos);
int pagecache_mmap(struct file *file, struct vm_area *vma);
loff_t pagecache_llseek(struct file *file, loff_t offset, int whence);

/* Devices, see chrdev.h and drivers/block/blkdev.c */
extern const struct file_operations chrdev_open_fops;
extern const struct file_operations blkdev_open_fops;
extern const struct file_operations fifo_open_fops;

/**
 * vfs_init() - caches, the root tmpfs, /dev, /proc. Once, from kernel_main(), when the first task
 * exists.
 */
void vfs_init(void);

/**
 * initramfs_unpack() - the archive in memory [start, end) becomes the contents of the root
 * directory. Its pages are given to the page cache or to the allocator, so it is gone afterwards.
 * Physical addresses. Returns 0, or -E after a printed sentence that says what is wrong with the
 * archive.
 */
int initramfs_unpack(phys_addr_t start, phys_addr_t end);

#endif
