// SPDX-License-Identifier: MIT
/*
 * shmctl(2) and /proc/sysvipc/shm: what segments are, whose, and for how long.
 *
 * SHM_LOCK keeps the pages of a segment in memory and charges them to the user who asked; whoever
 * unlocks it, or takes it away, gives them back to him.
 */
#include "kernel/ipc/shm_internal.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/seq_file.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/errno.h"

#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

struct shmid64_ds {
	struct ipc64_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
	u64 nattch;
	u64 unused[2];
};

struct shminfo64 {
	u64 shmmax, shmmin, shmmni, shmseg, shmall;
	u64 unused[4];
};

struct shm_info {
	s32 used_ids;
	u64 shm_tot, shm_rss, shm_swp;
	u64 swap_attempts, swap_successes;
};

/* Looking ------------------------------------------------------------------------------------- */

static long shm_limits(struct shminfo64 *info)
{
	long last;

	mutex_lock(&shm_table.lock);
	*info = (struct shminfo64){.shmmax = shm_max_bytes,
				   .shmmin = 1,
				   .shmmni = (u64)shm_table.max,
				   .shmseg = (u64)shm_table.max,
				   .shmall = shm_all_pages};
	last = ipc_last_index(&shm_table);
	mutex_unlock(&shm_table.lock);
	return last;
}

static long shm_usage(struct shm_info *info)
{
	long last;

	mutex_lock(&shm_table.lock);
	*info = (struct shm_info){.used_ids = (s32)shm_table.used, .shm_tot = shm_total_pages};
	for (unsigned int i = 0; i < shm_table.size; i++) {
		struct ipc_object *object = shm_table.slots[i];

		if (!object)
			continue;
		info->shm_rss += READ_ONCE(to_segment(object)->mapping.nrpages);
		info->shm_swp += READ_ONCE(to_segment(object)->mapping.nrswapped);
	}
	last = ipc_last_index(&shm_table);
	mutex_unlock(&shm_table.lock);
	return last;
}

static void fill_ds(struct shmid64_ds *ds, const struct shm_segment *seg)
{
	*ds = (struct shmid64_ds){
		.segsz = seg->size,
		.atime = seg->atime,
		.dtime = seg->dtime,
		.ctime = seg->ctime,
		.cpid = seg->cpid,
		.lpid = seg->lpid,
		.nattch = seg->nattch,
	};
	ipc_fill_perm(&ds->perm, &seg->ipc);
}

/* 0 for IPC_STAT, the id for those that go by place. */
static long shm_stat(int id, int cmd, struct shmid64_ds *ds)
{
	struct ipc_object *object;
	long ret;

	mutex_lock(&shm_table.lock);
	object = cmd == IPC_STAT ? ipc_find(&shm_table, id) : ipc_find_index(&shm_table, id);
	if (IS_ERR(object)) {
		ret = PTR_ERR(object);
	} else {
		ret = cmd == SHM_STAT_ANY ? 0 : ipc_access(object, 0444);
		fill_ds(ds, to_segment(object));
		if (!ret && cmd != IPC_STAT)
			ret = object->id;
	}
	mutex_unlock(&shm_table.lock);
	return ret;
}

/* Changing ------------------------------------------------------------------------------------ */

/* IPC_RMID. Table locked. */
static void doom(struct shm_segment *seg)
{
	seg->ipc.key = IPC_PRIVATE;
	seg->ipc.mode |= SHM_DEST;
	if (!seg->nattch)
		shm_segment_remove(seg);
}

/* What a user locks in segments is limited for all of his processes together. 0 or -ENOMEM. */
static int charge_locker(struct shm_segment *seg)
{
	struct user_struct *user = current->cred->user;
	unsigned long limit = rlimit_of(current->signal, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long locked = atomic_long_add_return(pages_of(seg), &user->locked_shm);

	if (locked > limit && !capable(CAP_IPC_LOCK)) {
		atomic_long_sub(pages_of(seg), &user->locked_shm);
		return -ENOMEM;
	}
	seg->locker = get_user_struct(user);
	return 0;
}

void shm_uncharge_locker(struct shm_segment *seg)
{
	if (!seg->locker)
		return;
	atomic_long_sub(pages_of(seg), &seg->locker->locked_shm);
	put_user_struct(seg->locker);
	seg->locker = NULL;
}

static int lock_pages(struct shm_segment *seg, bool lock)
{
	u32 euid = current_euid();

	if (!capable(CAP_IPC_LOCK)) {
		if (euid != seg->ipc.uid && euid != seg->ipc.cuid)
			return -EPERM;
		if (lock && !rlimit_of(current->signal, RLIMIT_MEMLOCK))
			return -EPERM;
	}
	if (lock && !seg->locker && charge_locker(seg))
		return -ENOMEM;
	if (!lock)
		shm_uncharge_locker(seg);
	seg->mapping.flags = (seg->mapping.flags & ~AS_UNEVICTABLE) | (lock ? AS_UNEVICTABLE : 0);
	seg->ipc.mode = (seg->ipc.mode & ~(u32)SHM_LOCKED) | (lock ? SHM_LOCKED : 0);
	return 0;
}

/* The commands that change a segment. @perm: of IPC_SET. */
static long shm_change(int id, int cmd, const struct ipc64_perm *perm)
{
	struct ipc_object *object;
	int err;

	mutex_lock(&shm_table.lock);
	object = ipc_find(&shm_table, id);
	if (IS_ERR(object)) {
		err = (int)PTR_ERR(object);
	} else if (cmd == SHM_LOCK || cmd == SHM_UNLOCK) {
		err = lock_pages(to_segment(object), cmd == SHM_LOCK);
	} else {
		err = ipc_may_change(object);
		if (!err && cmd == IPC_RMID)
			doom(to_segment(object));
		else if (!err)
			err = ipc_set_owner(object, perm);
		if (!err && cmd == IPC_SET)
			to_segment(object)->ctime = ipc_now();
	}
	mutex_unlock(&shm_table.lock);
	return err;
}

/* The call ------------------------------------------------------------------------------------ */

SYSCALL_DEFINE3(shmctl, int, id, int, cmd, struct shmid64_ds __user *, ubuf)
{
	struct shmid64_ds ds = {};
	struct shminfo64 limits;
	struct shm_info usage;
	long ret;

	cmd &= ~IPC_64;
	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		ret = shm_limits(&limits);
		return copy_to_user(ubuf, &limits, sizeof(limits)) ? -EFAULT : ret;
	case SHM_INFO:
		ret = shm_usage(&usage);
		return copy_to_user(ubuf, &usage, sizeof(usage)) ? -EFAULT : ret;
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		ret = shm_stat(id, cmd, &ds);
		return ret >= 0 && copy_to_user(ubuf, &ds, sizeof(ds)) ? -EFAULT : ret;
	case IPC_SET:
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		if (cmd == IPC_SET && copy_from_user(&ds, ubuf, sizeof(ds)))
			return -EFAULT;
		return shm_change(id, cmd, &ds.perm);
	}
	return -EINVAL;
}

/* /proc/sysvipc/shm ---------------------------------------------------------------------------- */

static void show_segment(struct seq_file *m, const struct shm_segment *seg)
{
	const struct ipc_object *ipc = &seg->ipc;

	seq_printf(m, "%10d %10d  %4o %21llu %5u %5u  %5lu %5u %5u %5u %5u ", ipc->key, ipc->id,
		   ipc->mode, seg->size, (u32)seg->cpid, (u32)seg->lpid, seg->nattch, ipc->uid,
		   ipc->gid, ipc->cuid, ipc->cgid);
	seq_printf(m, "%10llu %10llu %10llu %21lu %21lu\n", (u64)seg->atime, (u64)seg->dtime,
		   (u64)seg->ctime, READ_ONCE(seg->mapping.nrpages) << PAGE_SHIFT,
		   READ_ONCE(seg->mapping.nrswapped) << PAGE_SHIFT);
}

int proc_sysvipc_shm_show(struct seq_file *m, struct task *task)
{
	seq_puts(m,
		 "       key      shmid perms                  size  cpid  lpid nattch   uid   gid"
		 "  cuid  cgid      atime      dtime      ctime                   rss"
		 "                  swap\n");
	mutex_lock(&shm_table.lock);
	for (unsigned int i = 0; i < shm_table.size; i++) {
		if (shm_table.slots[i])
			show_segment(m, to_segment(shm_table.slots[i]));
	}
	mutex_unlock(&shm_table.lock);
	return 0;
}
