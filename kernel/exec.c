/* SPDX-License-Identifier: MIT */
/*
 * execve: a process becomes another program.
 *
 *	 open file, follow #!            |
 *	 measure arguments               |  errors are returned, the caller
 *	 new mm: map program, loader,    |  goes on as if nothing had been
 *	   fill the stack                |
 *	 end the other threads           |
 *	---------------------------- point of no return
 *	 switch to the new mm            |  errors kill the process: there is
 *	 close files, reset signals,     |  nothing left to return to
 *	   credentials, registers        |
 *
 * Everything that can fail for a reason of the program's (its format, its size, bad pointers) comes
 * first: the whole new address space is built beside the old one, through access_remote_vm(), and
 * its stack is built where it stays. After the point of no return only memory for a few small
 * objects can be missing.
 *
 * When another thread than the leader calls execve it survives alone, and takes over the leader's
 * number, place in the family and start time: the process keeps its identity (de_thread()).
 *
 * A script is replaced by its interpreter, and its arguments by "interpreter [option] script
 * args...", up to five times over.
 */
#include "kernel/binprm.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cmdline.h"
#include "kernel/sync_point.h"
#include "kernel/uapi/misc.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/oom_kill.h"
#include "kernel/proc_internal.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/kstrto.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

#define MAX_ARG_STRLEN	   (32 * PAGE_SIZE)
#define MIN_ARG_SPACE	   KB(128)
#define MAX_ARG_SPACE	   MB(6)
#define MAX_SCRIPT_DEPTH   5
#define ADDR_NO_RANDOMIZE  0x0040000UL
#define ADDR_COMPAT_LAYOUT 0x0200000UL

int randomize_va_space = 2, legacy_va_layout;

static int set_norandmaps(const char *value)
{
	randomize_va_space = 0;
	return 0;
}
CMDLINE_PARAM("norandmaps", set_norandmaps);

unsigned long exec_random(unsigned int bits)
{
	if (!randomize_va_space || current->personality & ADDR_NO_RANDOMIZE)
		return 0;
	return (get_random_u64() & ((1UL << bits) - 1)) << PAGE_SHIFT;
}

/* --- argument lists --------------------------------------------------------------------------- */

int exec_string(const struct exec_strings *list, int i, const char **kernel,
		const char __user **user)
{
	*kernel = NULL;
	*user = NULL;
	if (list->kernel)
		*kernel = list->kernel[list->skip + i];
	else if (list->user && get_user(*user, &list->user[list->skip + i]))
		return -EFAULT;
	return 0;
}

/* Sets list->count. 0, -EFAULT, -E2BIG, -EINTR. */
static int count_strings(struct exec_strings *list)
{
	const char *k;
	const char __user *u;
	int err;

	for (list->count = 0;; list->count++) {
		if ((unsigned long)list->count > MAX_ARG_SPACE / sizeof(char *))
			return -E2BIG;
		err = exec_string(list, list->count, &k, &u);
		if (err)
			return err;
		if (!k && !u)
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

/* Lengths into lens[], their sum into *total; `room` is what may be used. */
static int measure_strings(const struct exec_strings *list, u32 *lens, unsigned long *total,
			   unsigned long room)
{
	const char *k;
	const char __user *u;
	long len;
	int i, err;

	for (i = 0; i < list->count; i++) {
		err = exec_string(list, i, &k, &u);
		if (err)
			return err;
		len = k ? (long)strlen(k) + 1 : strnlen_user(u, MAX_ARG_STRLEN);
		if (!len)
			return -EFAULT;
		if (len > (long)MAX_ARG_STRLEN || *total + len > room)
			return -E2BIG;
		lens[i] = (u32)len;
		*total += len;
		cond_resched();
	}
	return 0;
}

/* Count and measure all strings that go on the new stack. */
static int measure_args(struct binprm *bprm)
{
	unsigned long room =
		clamp(rlimit_of(current->signal, RLIMIT_STACK) / 4, MIN_ARG_SPACE, MAX_ARG_SPACE);
	unsigned long pointers, total = 0;
	int i, err;

	bprm->argc = bprm->nr_prefix + bprm->argv.count;
	bprm->envc = bprm->envp.count;
	pointers = ((unsigned long)bprm->argc + bprm->envc) * sizeof(char *);
	if (pointers >= room)
		return -E2BIG;
	room -= pointers;
	bprm->lens_size = ((size_t)bprm->argc + bprm->envc + 1) * sizeof(u32);
	bprm->lens = bprm->lens_size > PAGE_SIZE ? vmalloc(bprm->lens_size)
						 : kmalloc(bprm->lens_size, GFP_KERNEL);
	if (!bprm->lens)
		return -ENOMEM;
	for (i = 0; i < bprm->nr_prefix; i++) {
		bprm->lens[i] = (u32)strlen(bprm->prefix[i]) + 1;
		total += bprm->lens[i];
	}
	err = measure_strings(&bprm->argv, bprm->lens + bprm->nr_prefix, &total, room);
	if (err)
		return err;
	bprm->arg_bytes = total;
	err = measure_strings(&bprm->envp, bprm->lens + bprm->argc, &total, room);
	bprm->env_bytes = total - bprm->arg_bytes;
	return err;
}

/* --- scripts ---------------------------------------------------------------------------------- */

/*
 * Set-id bits count for programs, not for scripts: looked at after the last interpreter is known.
 */
static int read_head(struct binprm *bprm)
{
	ssize_t n;

	memset(bprm->buf, 0, sizeof(bprm->buf));
	n = kernel_read(bprm->file, bprm->buf, sizeof(bprm->buf), 0);
	return n < 0 ? (int)n : 0;
}

/*
 * Splits "#! interp [option]" in buf in place. The line must end within the buffer, or at least the
 * interpreter's name must. 0 or -ENOEXEC.
 */
static int parse_script(char *buf, char **interp, char **option)
{
	char *end = memchr(buf, '\n', BINPRM_BUF_SIZE);
	char *p = buf + 2, *last = buf + BINPRM_BUF_SIZE - 1;
	bool cut = !end && *last;

	if (!end)
		end = buf + strnlen(buf, BINPRM_BUF_SIZE - 1);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	if (!*p && cut)
		return -ENOEXEC;
	*option = NULL;
	if (*p) {
		*p++ = '\0';
		while (*p == ' ' || *p == '\t')
			p++;
		*option = *p ? p : NULL;
	}
	return 0;
}

static int push_prefix(struct binprm *bprm, const char *s)
{
	char *copy;

	if (bprm->nr_prefix == BINPRM_MAX_PREFIX)
		return -ELOOP;
	copy = kstrdup(s, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	memmove(bprm->prefix + 1, bprm->prefix, bprm->nr_prefix * sizeof(bprm->prefix[0]));
	bprm->prefix[0] = copy;
	bprm->nr_prefix++;
	return 0;
}

/* One level of #!: bprm->file becomes the interpreter. */
static int load_script(struct binprm *bprm, const char *name)
{
	char *interp, *option;
	struct file *file;
	int err;

	err = parse_script(bprm->buf, &interp, &option);
	if (err)
		return err;
	if (bprm->nr_prefix) { /* the interpreter's name gives way to its path */
		kfree(bprm->prefix[0]);
		bprm->nr_prefix--;
		memmove(bprm->prefix, bprm->prefix + 1, bprm->nr_prefix * sizeof(bprm->prefix[0]));
	} else if (bprm->argv.count) {
		bprm->argv.skip = 1;
		bprm->argv.count--;
	}
	err = push_prefix(bprm, name);
	if (!err && option)
		err = push_prefix(bprm, option);
	if (!err)
		err = push_prefix(bprm, interp);
	if (err)
		return err;
	file = open_exec(interp);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	exec_done(bprm->file);
	bprm->file = file;
	return 0;
}

/* Follow #! until there is a program. */
static int find_program(struct binprm *bprm)
{
	const char *name = bprm->filename;
	char *interp = NULL;
	int depth, err;

	for (depth = 0;; depth++) {
		err = read_head(bprm);
		if (err || bprm->buf[0] != '#' || bprm->buf[1] != '!')
			break;
		if (depth == MAX_SCRIPT_DEPTH) {
			err = -ELOOP;
			break;
		}
		err = load_script(bprm, name);
		if (err)
			break;
		kfree(interp);
		interp = kstrdup(bprm->prefix[0], GFP_KERNEL);
		err = interp ? 0 : -ENOMEM;
		if (err)
			break;
		name = interp;
	}
	kfree(interp);
	return err ?: elf_check(bprm);
}

static void find_setid(struct binprm *bprm)
{
	const struct inode *inode = bprm->file->f_inode;
	const struct mount *mnt = bprm->file->f_path.mnt;
	const struct cred *c = current->cred;
	u32 euid = c->euid, egid = c->egid;

	bprm->suid = bprm->sgid = (u32)-1;
	if (!c->no_new_privs && !(mnt && mnt->mnt_flags & MS_NOSUID)) {
		if (inode->i_mode & S_ISUID)
			euid = bprm->suid = inode->i_uid;
		if ((inode->i_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			egid = bprm->sgid = inode->i_gid;
	}
	bprm->secure = euid != c->uid || egid != c->gid;
}

/* --- the new address space -------------------------------------------------------------------- */

void update_mm_limits(struct mm *mm, struct task *t)
{
	const struct signal_struct *sig = t->signal;

	WRITE_ONCE(mm->limits.as, rlimit_of(sig, RLIMIT_AS));
	WRITE_ONCE(mm->limits.data, rlimit_of(sig, RLIMIT_DATA));
	WRITE_ONCE(mm->limits.data_max, READ_ONCE(sig->rlim[RLIMIT_DATA].rlim_max));
	WRITE_ONCE(mm->limits.stack, rlimit_of(sig, RLIMIT_STACK));
	WRITE_ONCE(mm->limits.memlock,
		   task_capable(t, CAP_IPC_LOCK) ? RLIM_INFINITY : rlimit_of(sig, RLIMIT_MEMLOCK));
	WRITE_ONCE(mm->limits.admin, task_capable(t, CAP_SYS_ADMIN));
}

static int build_mm(struct binprm *bprm)
{
	struct mm *mm;
	int err;

	bprm->mm = mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	update_mm_limits(mm, current);
	if (current->mm)
		mm->flags |= mmf_inherited(current->mm->flags, MMF_EXEC_MASK);
	/* Killing nobody for it would free nothing, and its reaping leave us without arguments. */
	mm->oom_score_adj = OOM_SCORE_ADJ_MIN;
	bprm->stack_top = TASK_SIZE - exec_random(22);
	mm_set_layout(mm, bprm->stack_top, exec_random(28) >> PAGE_SHIFT);
	if (legacy_va_layout || current->personality & ADDR_COMPAT_LAYOUT)
		set_bit(MMF_LEGACY_LAYOUT, &mm->flags);
	err = elf_load(bprm);
	if (!err)
		err = stack_layout(bprm);
	if (!err)
		err = stack_fill(bprm);
	SYNC_POINT(exec_stack_before_move);
	return err;
}

/* current runs on the new mm; the old one is dropped, and the parent of vfork goes on. */
static void exec_mmap(struct mm *mm)
{
	struct mm *old = current->mm, *active = current->active_mm;

	if (old) {
		mm_release(current, old);
		update_hiwater_rss(old);
		current->signal->maxrss = max(current->signal->maxrss, READ_ONCE(old->hiwater_rss));
	}
	task_lock(current);
	local_irq_disable();
	current->active_mm = mm;
	current->mm = mm;
	switch_mm(active, mm);
	local_irq_enable();
	/* Without process 1 nothing goes on. */
	if (current->tgid != 1)
		WRITE_ONCE(mm->oom_score_adj, READ_ONCE(current->signal->oom_score_adj));
	task_unlock(current);
	if (old)
		mmput(old);
	else if (active)
		mmdrop(active);
}

/* --- after the point of no return ------------------------------------------------------------- */

static int unshare_sighand(void)
{
	struct sighand_struct *old = current->sighand, *sh;

	if (atomic_read(&old->count) == 1)
		return 0;
	sh = sighand_alloc();
	if (!sh)
		return -ENOMEM;
	spin_lock_irq(&old->lock);
	memcpy(sh->action, old->action, sizeof(sh->action));
	spin_unlock_irq(&old->lock);
	spin_lock_irq(&current->signal->siglock);
	current->sighand = sh;
	spin_unlock_irq(&current->signal->siglock);
	sighand_put(old);
	return 0;
}

static const char *basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int install(struct binprm *bprm)
{
	bool secure;
	int err;

	bprm->file->f_mode |= FMODE_EXEC;
	mm_set_exe_file(bprm->mm, &bprm->file->vmf);
	exec_mmap(bprm->mm);
	bprm->mm = NULL;
	current->flags &= ~(PF_FORKNOEXEC | PF_KTHREAD);
	err = files_exec(current);
	if (!err)
		err = unshare_sighand();
	if (!err)
		err = exec_creds(bprm->suid, bprm->sgid, &secure);
	if (!err)
		err = flush_thread();
	if (err)
		return err;

	exit_itimers(current->signal);
	flush_signal_handlers(current->sighand, false);
	current->sas_ss_sp = 0;
	current->sas_ss_size = 0;
	current->sas_ss_flags = 0;
	current->robust_list = NULL;
	current->restart_block.fn = NULL;
	current->self_exec_id++;
	current->exit_signal = SIGCHLD; /* what another program had asked for is of no account */
	if (bprm->secure) {
		current->pdeath_signal = 0;
		set_bit(MMF_NOT_DUMPABLE, &current->mm->flags);
	}
	set_task_comm(current, basename(bprm->filename));
	start_thread(current_pt_regs(), bprm->entry, bprm->sp);
	return 0;
}

static void free_bprm(struct binprm *bprm)
{
	int i;

	if (bprm->mm)
		mmput(bprm->mm);
	if (bprm->file)
		exec_done(bprm->file);
	for (i = 0; i < bprm->nr_prefix; i++)
		kfree(bprm->prefix[i]);
	kfree(bprm->script_name);
	if (bprm->lens_size > PAGE_SIZE)
		vfree(bprm->lens);
	else
		kfree(bprm->lens);
	kfree(bprm);
}

/* bprm->file, filename, argv and envp are set. 0: current is the new program. */
static int exec_program(struct binprm *bprm)
{
	int err;

	err = count_strings(&bprm->argv);
	if (!err)
		err = count_strings(&bprm->envp);
	if (!err)
		err = find_program(bprm);
	if (err)
		return err;
	if (!bprm->argv.count && !bprm->nr_prefix) {
		err = push_prefix(bprm, ""); /* there is always an argv[0] */
		if (err)
			return err;
	}
	find_setid(bprm);
	err = measure_args(bprm);
	if (!err)
		err = build_mm(bprm);
	if (!err)
		err = de_thread();
	if (err)
		return err;
	err = install(bprm);
	if (err)
		force_fatal_sig(SIGKILL);
	return err;
}

static int do_execveat(int dfd, const char *name, const struct exec_strings *argv,
		       const struct exec_strings *envp, int flags)
{
	struct binprm *bprm = kzalloc(sizeof(*bprm), GFP_KERNEL);
	int err;

	if (!bprm)
		return -ENOMEM;
	bprm->argv = *argv;
	bprm->envp = *envp;
	bprm->filename = name;
	sched_exec();
	bprm->file = dfd == AT_FDCWD && !flags ? open_exec(name) : open_exec_at(dfd, name, flags);
	if (IS_ERR(bprm->file)) {
		err = (int)PTR_ERR(bprm->file);
		bprm->file = NULL;
		goto out;
	}
	if (dfd != AT_FDCWD && name[0] != '/') {
		char path[32 + NAME_MAX];

		snprintf(path, sizeof(path), *name ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd, name);
		bprm->script_name = kstrdup(path, GFP_KERNEL);
		err = bprm->script_name ? 0 : -ENOMEM;
		if (err)
			goto out;
		bprm->filename = bprm->script_name;
	}
	err = exec_program(bprm);
out:
	free_bprm(bprm);
	return err;
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec_strings args = {.kernel = argv}, env = {.kernel = envp};

	return do_execveat(AT_FDCWD, path, &args, &env, 0);
}

static long user_execveat(int dfd, const char __user *upath, const char __user *const __user *argv,
			  const char __user *const __user *envp, int flags)
{
	struct exec_strings args = {.user = argv}, env = {.user = envp};
	char *path = getname(upath, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	long err = -EINVAL;

	if (IS_ERR(path))
		return PTR_ERR(path);
	if (!(flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)))
		err = do_execveat(dfd, path, &args, &env, flags);
	putname(path);
	return err;
}

SYSCALL_DEFINE3(execve, const char __user *, path, const char __user *const __user *, argv,
		const char __user *const __user *, envp)
{
	return user_execveat(AT_FDCWD, path, argv, envp, 0);
}

SYSCALL_DEFINE5(execveat, int, dfd, const char __user *, path, const char __user *const __user *,
		argv, const char __user *const __user *, envp, int, flags)
{
	return user_execveat(dfd, path, argv, envp, flags);
}
