/* SPDX-License-Identifier: MIT */
/*
 * /proc: the kernel's state as files.
 *
 * Nothing of it is stored. A name is looked up in tables (struct proc_entry) and, in a few
 * directories, by number (processes, threads, descriptors); what is found becomes a fresh inode and
 * dentry that no hash knows, and vanishes with its last user. So there is nothing to invalidate
 * when a process ends: its files stay open and say ESRCH.
 *
 *     /proc              proc_root_entries, self, thread-self, and every process
 *       /PID             proc_pid_entries
 *         /task/TID      proc_tid_entries
 *         /fd/N          links to open files
 *       /sys             proc_sys_entries
 *
 * /sys is a second tree of such tables (sysfs.c).
 *
 * An inode remembers its process as a counted struct pid: the number is not given out again while
 * it is held, so a file that was opened through /proc/7 never shows another process 7.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/pid.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"

#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC	 0x62656572
#define PROC_WRITE_MAX	 4095

static const struct inode_operations proc_dir_iops, proc_object_link_iops, proc_text_link_iops;
static const struct inode_operations proc_file_iops = {.lookup = NULL};
static const struct file_operations proc_dir_fops, proc_text_fops;
static const struct proc_dir proc_root_dir;

static const struct proc_entry proc_root_entry = {.name = "", .mode = 0555, .dir = &proc_root_dir};
static const struct proc_entry sysfs_root_entry = {
	.name = "", .mode = 0555, .children = sysfs_root_entries};
static const struct proc_entry proc_pid_entry = {
	.name = "", .mode = 0555, .children = proc_pid_entries};
static const struct proc_entry proc_tid_entry = {
	.name = "", .mode = 0555, .children = proc_tid_entries};

/* Tasks ---------------------------------------------------------------------------------------- */

struct task *proc_task(const struct inode *inode)
{
	return pid_get_task(proc_i(inode)->pid);
}

struct pid *proc_pid_of_directory(struct file *file)
{
	struct inode *inode = file->f_inode;

	if (file->f_op != &proc_dir_fops || proc_i(inode)->entry != &proc_pid_entry)
		return NULL;
	return get_pid(proc_i(inode)->pid);
}

struct mm *proc_mm(const struct inode *inode)
{
	struct task *task = proc_task(inode);
	struct mm *mm;

	if (!task)
		return ERR_PTR(-ESRCH);
	mm = get_task_mm(task);
	put_task_struct(task);
	return mm;
}

bool parse_decimal(const char *s, u32 len, unsigned int *value)
{
	unsigned int n = 0;

	if (!len || len > 9 || (len > 1 && *s == '0'))
		return false;
	for (; len; len--, s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (*s - '0');
	}
	*value = n;
	return true;
}

/* Inodes --------------------------------------------------------------------------------------- */

static umode_t entry_type(const struct proc_entry *entry)
{
	if (entry->children || entry->dir)
		return S_IFDIR;
	return entry->readlink || entry->follow ? S_IFLNK : S_IFREG;
}

/* Numbers that stay the same for the same name: tools compare them. */
static u64 entry_ino(const struct proc_entry *entry, const struct pid *pid, unsigned int id)
{
	u64 place = ((unsigned long)entry >> 3) & 0xffff;

	return 1 + place + ((u64)(pid ? pid->nr : 0) << 16) + ((u64)id << 40);
}

/*
 * What is about a process belongs to its user; but for directories that tell nobody anything, only
 * while he may look into it.
 */
static void give_to_task(struct inode *inode, struct task *task)
{
	bool open_to_user;

	task_lock(task);
	open_to_user = task->mm && !test_bit(MMF_NOT_DUMPABLE, &task->mm->flags);
	task_unlock(task);
	if (!open_to_user && inode->i_mode != (S_IFDIR | 0555))
		return;
	rcu_read_lock();
	inode->i_uid = rcu_dereference(task->cred)->euid;
	inode->i_gid = rcu_dereference(task->cred)->egid;
	rcu_read_unlock();
}

/* Takes over the reference to @pid, also on failure. */
static struct inode *proc_inode(struct super_block *sb, const struct proc_entry *entry,
				struct pid *pid, unsigned int id)
{
	struct proc_inode *pi = kmalloc(sizeof(*pi), GFP_KERNEL);
	struct inode *inode = pi ? new_inode(sb, entry_type(entry) | entry->mode, 0) : NULL;
	struct task *task;

	if (!inode) {
		kfree(pi);
		if (pid)
			put_pid(pid);
		return NULL;
	}
	*pi = (struct proc_inode){entry, pid, id};
	inode->i_private = pi;
	inode->i_ino = entry_ino(entry, pid, id);
	inode->i_uid = inode->i_gid = 0;
	task = pid_get_task(pid);
	if (task) {
		give_to_task(inode, task);
		put_task_struct(task);
	}
	if (S_ISDIR(inode->i_mode)) {
		inode->i_op = &proc_dir_iops;
		inode->i_fop = &proc_dir_fops;
		inode->i_nlink = 2;
	} else if (S_ISLNK(inode->i_mode)) {
		inode->i_op = entry->follow ? &proc_object_link_iops : &proc_text_link_iops;
		inode->i_flags |= S_DYNLINK;
		init_special_inode(inode);
		if (entry->follow)
			inode->i_data.i_size = 64;
	} else {
		inode->i_op = &proc_file_iops;
		inode->i_fop = entry->fops ?: &proc_text_fops;
	}
	return inode;
}

static void proc_evict(struct inode *inode)
{
	struct proc_inode *pi = proc_i(inode);

	if (pi->pid)
		put_pid(pi->pid);
	kfree(pi);
}

/* Directories ---------------------------------------------------------------------------------- */

static const struct proc_entry *find_in_table(const struct proc_entry *table, const char *name,
					      u32 len)
{
	for (; table && table->name; table++) {
		if (strlen(table->name) == len && !memcmp(table->name, name, len))
			return table;
	}
	return NULL;
}

static struct dentry *proc_lookup(struct dentry *dir, const struct qstr *name)
{
	struct proc_inode *pi = proc_i(dir->d_inode);
	const struct proc_dir *pd = pi->entry->dir;
	const struct proc_entry *entry =
		find_in_table(pd ? pd->children : pi->entry->children, name->name, name->len);
	struct task *task = pid_get_task(pi->pid);
	struct pid *pid = pi->pid;
	struct dentry *dentry;
	struct inode *inode;
	unsigned int id = pi->id;

	if (pi->pid && !task)
		return ERR_PTR(-ENOENT);
	if (entry && pid)
		get_pid(pid);
	else if (!entry && pd)
		entry = pd->find(task, name->name, name->len, &pid, &id);
	if (task)
		put_task_struct(task);
	if (!entry)
		return ERR_PTR(-ENOENT);
	inode = proc_inode(dir->d_inode->i_sb, entry, pid, id);
	dentry = inode ? d_alloc(dir, name) : NULL;
	if (dentry)
		d_instantiate(dentry, inode);
	else if (inode)
		iput(inode);
	return dentry ?: ERR_PTR(-ENOMEM);
}

/* Positions: 2 … for the table, then FIRST_NUMBER + n for the number n. */
#define FIRST_NUMBER 256

static bool emit_table(const struct proc_entry *table, struct pid *pid, struct dir_context *ctx)
{
	loff_t at = 2;

	for (; table && table->name; table++, at++) {
		if (at < ctx->pos)
			continue;
		if (!ctx->actor(ctx, table->name, strlen(table->name), at, entry_ino(table, pid, 0),
				entry_type(table) >> 12))
			return false;
		ctx->pos = at + 1;
	}
	return true;
}

static void emit_numbers(struct inode *inode, struct task *task, const struct proc_dir *pd,
			 struct dir_context *ctx)
{
	bool links = pd == &proc_fd_dir;
	unsigned int id;
	char name[16];
	int len;

	if (ctx->pos < FIRST_NUMBER)
		ctx->pos = FIRST_NUMBER;
	for (id = ctx->pos - FIRST_NUMBER; pd->next(task, &id); id++) {
		len = snprintf(name, sizeof(name), "%s%u", pd->prefix ?: "", id);
		if (!ctx->actor(ctx, name, len, FIRST_NUMBER + id, inode->i_ino + ((u64)id << 16),
				links			 ? DT_LNK
				: pd == &proc_fdinfo_dir ? DT_REG
							 : DT_DIR))
			return;
		ctx->pos = FIRST_NUMBER + id + 1;
	}
}

static int proc_readdir(struct file *file, struct dir_context *ctx)
{
	struct inode *inode = file->f_inode;
	struct proc_inode *pi = proc_i(inode);
	const struct proc_dir *pd = pi->entry->dir;
	struct task *task = pid_get_task(pi->pid);

	if (pi->pid && !task)
		return -ENOENT;
	if (dir_emit_dots(file, ctx) &&
	    emit_table(pd ? pd->children : pi->entry->children, pi->pid, ctx) && pd)
		emit_numbers(inode, task, pd, ctx);
	if (task)
		put_task_struct(task);
	return 0;
}

static const struct inode_operations proc_dir_iops = {.lookup = proc_lookup};
static const struct file_operations proc_dir_fops = {.llseek = dcache_dir_lseek,
						     .readdir = proc_readdir};

/* Processes in /proc, threads in task/ --------------------------------------------------------- */

static const struct proc_entry *find_process(struct task *unused, const char *name, u32 len,
					     struct pid **pidp, unsigned int *id)
{
	struct task *task = NULL;
	unsigned int nr;
	struct pid *pid;

	if (!parse_decimal(name, len, &nr) || !nr)
		return NULL;
	pid = find_get_pid(nr);
	if (!pid)
		return NULL;
	task = pid_get_task(pid);
	if (!task) {
		put_pid(pid);
		return NULL;
	}
	put_task_struct(task);
	*pidp = pid;
	return &proc_pid_entry;
}

static bool next_process(struct task *unused, unsigned int *id)
{
	struct task *p;
	unsigned int best = 0;

	rcu_read_lock();
	for_each_process(p)
	{
		unsigned int nr = READ_ONCE(p->tgid);

		if (nr >= *id && nr && (!best || nr < best))
			best = nr;
	}
	rcu_read_unlock();
	*id = best;
	return best != 0;
}

static const struct proc_entry *find_thread(struct task *leader, const char *name, u32 len,
					    struct pid **pidp, unsigned int *id)
{
	struct task *task;
	unsigned int nr;
	struct pid *pid;
	bool member;

	if (!parse_decimal(name, len, &nr) || !nr)
		return NULL;
	pid = find_get_pid(nr);
	task = pid_get_task(pid);
	member = task && task->signal == leader->signal;
	if (task)
		put_task_struct(task);
	if (!member) {
		if (pid)
			put_pid(pid);
		return NULL;
	}
	*pidp = pid;
	return &proc_tid_entry;
}

static bool next_thread_id(struct task *leader, unsigned int *id)
{
	struct task *t;
	unsigned int best = 0;

	rcu_read_lock();
	for_each_thread (leader, t) {
		unsigned int nr = READ_ONCE(t->pid);

		if (nr >= *id && nr && (!best || nr < best))
			best = nr;
	}
	rcu_read_unlock();
	*id = best;
	return best != 0;
}

static const struct proc_dir proc_root_dir = {
	.children = proc_root_entries, .find = find_process, .next = next_process};
const struct proc_dir proc_task_dir = {.find = find_thread, .next = next_thread_id};

/* Links ---------------------------------------------------------------------------------------- */

/* What a process has open and runs is for who may look into it. */
static int proc_follow(struct inode *inode, struct path *path)
{
	struct proc_inode *pi = proc_i(inode);
	struct task *task = proc_task(inode);
	int err = -EACCES;

	if (!task)
		return -ENOENT;
	if (ptrace_may_access(task, PTRACE_FSCREDS))
		err = pi->entry->follow(task, pi->id, path);
	put_task_struct(task);
	return err;
}

/* Where an object link leads, as a path. */
static int proc_object_name(struct inode *inode, char *buf, int size)
{
	struct path path;
	char *text;
	int ret = proc_follow(inode, &path);

	if (ret)
		return ret;
	text = d_path(&path, buf, size);
	ret = IS_ERR(text) ? PTR_ERR(text) : (int)strlen(text);
	if (ret > 0)
		memmove(buf, text, ret);
	path_put(&path);
	return ret;
}

static int proc_text_link(struct inode *inode, char *buf, int size)
{
	struct task *task = proc_task(inode);
	int ret = proc_i(inode)->entry->readlink(task, buf, size);

	if (task)
		put_task_struct(task);
	return ret;
}

static const struct inode_operations proc_object_link_iops = {.readlink = proc_object_name,
							      .follow = proc_follow};
static const struct inode_operations proc_text_link_iops = {.readlink = proc_text_link};

/* Text files ----------------------------------------------------------------------------------- */

int proc_may_look_inside(const struct inode *inode)
{
	struct task *task = proc_task(inode);
	int err = -ESRCH;

	if (task) {
		err = ptrace_may_access(task, PTRACE_FSCREDS) ? 0 : -EACCES;
		put_task_struct(task);
	}
	return err;
}

int proc_text_open(struct inode *inode, struct file *file)
{
	struct seq_file *m;
	int err;

	if (proc_i(inode)->entry->inside) {
		err = proc_may_look_inside(inode);
		if (err)
			return err;
	}
	if (!proc_i(inode)->entry->show && file->f_mode & FMODE_READ)
		return -EACCES;
	if (!proc_i(inode)->entry->store && file->f_mode & FMODE_WRITE)
		return -EACCES;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	mutex_init(&m->lock);
	file->private = m;
	return 0;
}

static void proc_text_release(struct inode *inode, struct file *file)
{
	seq_free(file->private);
	kfree(file->private);
}

static int proc_text_show(struct seq_file *m, void *arg)
{
	const struct inode *inode = arg;
	struct proc_inode *pi = proc_i(inode);
	struct task *task = proc_task(inode);
	int err;

	if (pi->pid && !task)
		return -ESRCH;
	m->data = pi->entry->data;
	m->id = pi->id;
	err = pi->entry->show(m, task);
	if (task)
		put_task_struct(task);
	return err;
}

static ssize_t proc_text_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct seq_file *m = file->private;
	ssize_t ret;

	mutex_lock(&m->lock);
	ret = seq_read(m, to, pos, proc_text_show, file->f_inode);
	mutex_unlock(&m->lock);
	return ret;
}

static ssize_t proc_text_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct proc_inode *pi = proc_i(file->f_inode);
	size_t len = iov_iter_count(from);
	struct task *task;
	ssize_t ret;
	char *text;

	if (len > PROC_WRITE_MAX)
		return -EINVAL;
	text = kmalloc(len + 1, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = -EFAULT;
	if (copy_from_iter(text, len, from) == len) {
		size_t n = len && text[len - 1] == '\n' ? len - 1 : len;

		text[n] = '\0';
		task = proc_task(file->f_inode);
		ret = pi->pid && !task ? -ESRCH : pi->entry->store(pi->entry, task, text, n);
		if (task)
			put_task_struct(task);
	}
	kfree(text);
	if (ret)
		return ret;
	*pos += len;
	return len;
}

static long proc_text_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct proc_entry *entry = proc_i(file->f_inode)->entry;
	struct task *task;
	long ret;

	if (!entry->ioctl)
		return -ENOIOCTLCMD;
	task = proc_task(file->f_inode);
	if (!task)
		return -ESRCH;
	ret = entry->ioctl(task, cmd, arg);
	put_task_struct(task);
	return ret;
}

static const struct file_operations proc_text_fops = {
	.ioctl = proc_text_ioctl,
	.open = proc_text_open,
	.release = proc_text_release,
	.read_iter = proc_text_read,
	.write_iter = proc_text_write,
	.llseek = generic_file_llseek,
};

const struct file_operations proc_mounts_fops = {
	.open = proc_mounts_open,
	.poll = proc_mounts_poll,
	.release = proc_text_release,
	.read_iter = proc_text_read,
	.llseek = generic_file_llseek,
};

/* The file systems ----------------------------------------------------------------------------- */

static void proc_statfs(struct super_block *sb, struct kstatfs *buf)
{
	buf->f_type = PROC_SUPER_MAGIC;
	buf->f_bsize = PAGE_SIZE;
}

static void sysfs_statfs(struct super_block *sb, struct kstatfs *buf)
{
	buf->f_type = SYSFS_MAGIC;
	buf->f_bsize = PAGE_SIZE;
}

static const struct super_operations proc_super_ops = {.evict = proc_evict, .statfs = proc_statfs};
static const struct super_operations sysfs_super_ops = {.evict = proc_evict,
							.statfs = sysfs_statfs};

/* There is one super block of each, made at the first mount. mount_mutex held. */
static struct super_block *the_super(struct super_block **the_one,
				     const struct file_system_type *type,
				     const struct super_operations *ops,
				     const struct proc_entry *root_entry)
{
	struct super_block *sb = *the_one;
	struct inode *root;

	if (!sb) {
		sb = alloc_super(type, ops);
		if (!sb)
			return ERR_PTR(-ENOMEM);
		root = proc_inode(sb, root_entry, NULL, 0);
		sb->s_root = root ? d_alloc_root(root) : NULL;
		if (!sb->s_root) {
			deactivate_super(sb);
			return ERR_PTR(-ENOMEM);
		}
		*the_one = sb;
	}
	atomic_inc(&sb->s_active);
	return sb;
}

static struct super_block *proc_get_sb(const struct file_system_type *type, const char *data)
{
	static struct super_block *the_one; /* mount_mutex */

	return the_super(&the_one, type, &proc_super_ops, &proc_root_entry);
}

static struct super_block *sysfs_get_sb(const struct file_system_type *type, const char *data)
{
	static struct super_block *the_one; /* mount_mutex */

	return the_super(&the_one, type, &sysfs_super_ops, &sysfs_root_entry);
}

static struct file_system_type proc_type = {
	.name = "proc", .flags = FS_NODEV, .get_sb = proc_get_sb};
static struct file_system_type sysfs_type = {
	.name = "sysfs", .flags = FS_NODEV, .get_sb = sysfs_get_sb};

void proc_init(void)
{
	register_filesystem(&proc_type);
	register_filesystem(&sysfs_type);
}
