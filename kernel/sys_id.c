/* SPDX-License-Identifier: MIT */
/*
 * User and group ids, supplementary groups, capabilities.
 *
 * Each call makes a copy of the credentials, changes it as POSIX and capabilities(7) say, and
 * commits. -1 means "leave as it is". Without CAP_SETUID (CAP_SETGID) an id may only become one of
 * those the process already has.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/sort.h"
#include "mm/slab.h"
#include "mm/mm.h"

#define KEEP ((u32)-1)

SYSCALL_DEFINE0(getuid)
{
	return current->cred->uid;
}

SYSCALL_DEFINE0(geteuid)
{
	return current->cred->euid;
}

SYSCALL_DEFINE0(getgid)
{
	return current->cred->gid;
}

SYSCALL_DEFINE0(getegid)
{
	return current->cred->egid;
}

static bool has_uid(const struct cred *c, u32 id)
{
	return id == KEEP || id == c->uid || id == c->euid || id == c->suid;
}

static bool has_gid(const struct cred *c, u32 id)
{
	return id == KEEP || id == c->gid || id == c->egid || id == c->sgid;
}

/* Sets the user ids that are not KEEP. */
static int change_uids(u32 uid, u32 euid, u32 suid, u32 fsuid)
{
	struct cred *new = prepare_creds();
	int err = 0;

	if (!new)
		return -ENOMEM;
	if (uid != KEEP) {
		new->uid = uid;
		err = cred_set_user(new, uid);
	}
	if (err) {
		put_cred(new);
		return err;
	}
	if (euid != KEEP)
		new->euid = euid;
	if (suid != KEEP)
		new->suid = suid;
	new->fsuid = fsuid != KEEP ? fsuid : new->euid;
	cred_fixup_caps(new, current->cred);
	commit_creds(new);
	return 0;
}

static int change_gids(u32 gid, u32 egid, u32 sgid, u32 fsgid)
{
	struct cred *new = prepare_creds();

	if (!new)
		return -ENOMEM;
	if (gid != KEEP)
		new->gid = gid;
	if (egid != KEEP)
		new->egid = egid;
	if (sgid != KEEP)
		new->sgid = sgid;
	new->fsgid = fsgid != KEEP ? fsgid : new->egid;
	commit_creds(new);
	return 0;
}

SYSCALL_DEFINE1(setuid, u32, uid)
{
	const struct cred *c = current->cred;

	if (uid == KEEP)
		return -EINVAL;
	if (capable(CAP_SETUID))
		return change_uids(uid, uid, uid, KEEP);
	if (uid != c->uid && uid != c->suid)
		return -EPERM;
	return change_uids(KEEP, uid, KEEP, KEEP);
}

SYSCALL_DEFINE2(setreuid, u32, ruid, u32, euid)
{
	const struct cred *c = current->cred;
	u32 suid = KEEP;

	if (!capable(CAP_SETUID) &&
	    ((ruid != KEEP && ruid != c->uid && ruid != c->euid) || !has_uid(c, euid)))
		return -EPERM;
	if (ruid != KEEP || (euid != KEEP && euid != c->uid))
		suid = euid != KEEP ? euid : c->euid;
	return change_uids(ruid, euid, suid, KEEP);
}

SYSCALL_DEFINE3(setresuid, u32, ruid, u32, euid, u32, suid)
{
	const struct cred *c = current->cred;

	if (!capable(CAP_SETUID) && (!has_uid(c, ruid) || !has_uid(c, euid) || !has_uid(c, suid)))
		return -EPERM;
	return change_uids(ruid, euid, suid, KEEP);
}

SYSCALL_DEFINE3(getresuid, u32 __user *, ruid, u32 __user *, euid, u32 __user *, suid)
{
	const struct cred *c = current->cred;

	return put_user(c->uid, ruid) || put_user(c->euid, euid) || put_user(c->suid, suid)
		       ? -EFAULT
		       : 0;
}

/* Answers the old value, and says nothing about failure: that is its contract. */
SYSCALL_DEFINE1(setfsuid, u32, uid)
{
	const struct cred *c = current->cred;
	u32 old = c->fsuid;

	if (uid != KEEP && uid != old && (has_uid(c, uid) || capable(CAP_SETUID)))
		change_uids(KEEP, KEEP, KEEP, uid);
	return old;
}

SYSCALL_DEFINE1(setgid, u32, gid)
{
	const struct cred *c = current->cred;

	if (gid == KEEP)
		return -EINVAL;
	if (capable(CAP_SETGID))
		return change_gids(gid, gid, gid, KEEP);
	if (gid != c->gid && gid != c->sgid)
		return -EPERM;
	return change_gids(KEEP, gid, KEEP, KEEP);
}

SYSCALL_DEFINE2(setregid, u32, rgid, u32, egid)
{
	const struct cred *c = current->cred;
	u32 sgid = KEEP;

	if (!capable(CAP_SETGID) &&
	    ((rgid != KEEP && rgid != c->gid && rgid != c->egid) || !has_gid(c, egid)))
		return -EPERM;
	if (rgid != KEEP || (egid != KEEP && egid != c->gid))
		sgid = egid != KEEP ? egid : c->egid;
	return change_gids(rgid, egid, sgid, KEEP);
}

SYSCALL_DEFINE3(setresgid, u32, rgid, u32, egid, u32, sgid)
{
	const struct cred *c = current->cred;

	if (!capable(CAP_SETGID) && (!has_gid(c, rgid) || !has_gid(c, egid) || !has_gid(c, sgid)))
		return -EPERM;
	return change_gids(rgid, egid, sgid, KEEP);
}

SYSCALL_DEFINE3(getresgid, u32 __user *, rgid, u32 __user *, egid, u32 __user *, sgid)
{
	const struct cred *c = current->cred;

	return put_user(c->gid, rgid) || put_user(c->egid, egid) || put_user(c->sgid, sgid)
		       ? -EFAULT
		       : 0;
}

SYSCALL_DEFINE1(setfsgid, u32, gid)
{
	const struct cred *c = current->cred;
	u32 old = c->fsgid;

	if (gid != KEEP && gid != old && (has_gid(c, gid) || capable(CAP_SETGID)))
		change_gids(KEEP, KEEP, KEEP, gid);
	return old;
}

SYSCALL_DEFINE2(getgroups, int, size, u32 __user *, list)
{
	const struct group_info *g = current->cred->groups;
	int n = g ? g->ngroups : 0;

	if (size < 0)
		return -EINVAL;
	if (size) {
		if (n > size)
			return -EINVAL;
		if (n && copy_to_user(list, g->gid, (size_t)n * sizeof(u32)))
			return -EFAULT;
	}
	return n;
}

static int compare_gids(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

SYSCALL_DEFINE2(setgroups, int, size, const u32 __user *, list)
{
	struct group_info *g = NULL, *old;
	struct cred *new;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned int)size > NGROUPS_MAX)
		return -EINVAL;
	if (size) {
		g = kmalloc(sizeof(*g) + (size_t)size * sizeof(u32), GFP_KERNEL);
		if (!g)
			return -ENOMEM;
		atomic_set(&g->count, 1);
		g->ngroups = size;
		if (copy_from_user(g->gid, list, (size_t)size * sizeof(u32))) {
			kfree(g);
			return -EFAULT;
		}
		sort(g->gid, (size_t)size, sizeof(u32), compare_gids);
	}
	new = prepare_creds();
	if (!new) {
		kfree(g);
		return -ENOMEM;
	}
	old = new->groups;
	new->groups = g;
	if (old && atomic_dec_and_test(&old->count))
		kfree(old);
	commit_creds(new);
	return 0;
}

/* --- capabilities ----------------------------------------------------------------------------- */

/*
 * The number of 32-bit words of the header's version; an unknown one is answered with the newest.
 */
static int cap_words(struct cap_user_header __user *uhdr, struct cap_user_header *hdr, int *words)
{
	if (copy_from_user(hdr, uhdr, sizeof(*hdr)))
		return -EFAULT;
	switch (hdr->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		*words = 1;
		return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		*words = 2;
		return 0;
	}
	return put_user((u32)_LINUX_CAPABILITY_VERSION_3, &uhdr->version) ? -EFAULT : -EINVAL;
}

SYSCALL_DEFINE2(capget, struct cap_user_header __user *, uhdr, struct cap_user_data __user *, udata)
{
	struct cap_user_header hdr;
	struct cap_user_data data[2];
	struct task *t;
	const struct cred *c;
	int words, i, err = cap_words(uhdr, &hdr, &words);

	if (err)
		return err == -EINVAL && !udata ? 0 : err;
	if (hdr.pid < 0)
		return -EINVAL;
	t = get_task_or_self(hdr.pid);
	if (!t)
		return -ESRCH;
	rcu_read_lock();
	c = rcu_dereference(t->cred);
	for (i = 0; i < 2; i++)
		data[i] = (struct cap_user_data){
			.effective = (u32)(c->cap_effective >> 32 * i),
			.permitted = (u32)(c->cap_permitted >> 32 * i),
			.inheritable = (u32)(c->cap_inheritable >> 32 * i),
		};
	rcu_read_unlock();
	put_task_struct(t);
	return udata && copy_to_user(udata, data, (size_t)words * sizeof(data[0])) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(capset, struct cap_user_header __user *, uhdr, const struct cap_user_data __user *,
		udata)
{
	const struct cred *c = current->cred;
	struct cap_user_data data[2] = {};
	struct cap_user_header hdr;
	u64 effective, permitted, inheritable;
	struct cred *new;
	int words, err = cap_words(uhdr, &hdr, &words);

	if (err)
		return err;
	if (hdr.pid && hdr.pid != current->pid)
		return -EPERM;
	if (copy_from_user(data, udata, (size_t)words * sizeof(data[0])))
		return -EFAULT;
	effective = (data[0].effective | (u64)data[1].effective << 32) & CAP_FULL_SET;
	permitted = (data[0].permitted | (u64)data[1].permitted << 32) & CAP_FULL_SET;
	inheritable = (data[0].inheritable | (u64)data[1].inheritable << 32) & CAP_FULL_SET;
	if (permitted & ~c->cap_permitted || effective & ~permitted ||
	    inheritable &
		    ~(c->cap_inheritable | (capable(CAP_SETPCAP) ? c->cap_bset : c->cap_permitted)))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	new->cap_effective = effective;
	new->cap_permitted = permitted;
	new->cap_inheritable = inheritable;
	new->cap_ambient &= permitted &inheritable;
	commit_creds(new);
	return 0;
}
