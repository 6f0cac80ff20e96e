/* SPDX-License-Identifier: MIT */
/*
 * What the parts of kernel/fs tell each other and nobody else.
 */
#ifndef KERNEL_FS_SUPER_H
#define KERNEL_FS_SUPER_H

#include "kernel/fs/fs.h"

/** pseudo_inode() - an inode of the file system without names. NULL: memory. */
struct inode *pseudo_inode(umode_t mode);
/**
 * pseudo_file() - an open file on such an inode; takes over the reference, also on failure.
 * @name: what /proc/PID/fd shows. ERR_PTR.
 */
struct file *pseudo_file(const char *name, struct inode *inode, const struct file_operations *fop,
			 unsigned int flags);

/**
 * vm_file_to_file() - the open file behind a mapping's handle, or NULL when it is something else.
 * No reference.
 */
struct file *vm_file_to_file(struct vm_file *vmf);

unsigned long nr_open_files(void);

/**
 * tmpfs_inode() - a tmpfs inode without a name (memfd, O_TMPFILE), of the kernel's own tmpfs.
 * ERR_PTR.
 */
struct inode *tmpfs_anon_inode(umode_t mode);
/** tmpfs_get_sb() - a new tmpfs, for a file system type that is one. @data: its options. ERR_PTR. */
struct super_block *tmpfs_get_sb(const struct file_system_type *type, const char *data);
extern const struct file_operations tmpfs_file_operations;
extern const struct file_operations simple_dir_operations;

/** do_truncate() - set a file's length, and its times. 0 or -E. Takes i_rwsem. */
int do_truncate(struct inode *inode, loff_t size);
/**
 * inode_newsize_ok() - may the file become that long? 0, or -EFBIG, with SIGXFSZ: beyond the process's
 * limit (RLIMIT_FSIZE).
 */
int inode_newsize_ok(const struct inode *inode, loff_t size);

/**
 * notify: set-user-id bits go when a file is changed by somebody without privilege. i_rwsem held.
 */
void strip_setid(struct inode *inode);

/* Called by vfs_init() in this order. */
void file_init(void);
void tmpfs_init(void);
void pipe_init(void);
void locks_init(void);
void proc_init(void);
/* Whose directory /proc/PID this is, with a reference; NULL: it is something else. */
struct pid *proc_pid_of_directory(struct file *file);
void chrdev_populate_dev(void);
void memdev_init(void);

#endif
