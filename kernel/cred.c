/* SPDX-License-Identifier: MIT */
/*
 * Credentials.
 *
 * A struct cred is shared by everything that was forked since the last change of identity, so it is
 * never written in place: prepare_creds() copies, the caller changes the copy, commit_creds() swaps
 * the pointer of current. Only a task writes its own pointer; others read it under RCU.
 *
 * Root is a set of capabilities. The rules that tie the two together are those of capabilities(7):
 * a change of user ids that gives up the last 0 clears the permitted set, an effective id that
 * leaves 0 clears the effective set, one that becomes 0 copies permitted into it; execve as root
 * fills all sets up to the bounding set.
 */
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/signal.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "kernel/uapi/misc.h"
#include "mm/mm.h"
#include "mm/slab.h"

#define USER_HASH_SIZE 16

static struct user_struct root_user = {
	.uid = 0,
	.count = ATOMIC_INIT(2),
	.processes = ATOMIC_INIT(1),
};

struct cred init_cred = {
	.count = ATOMIC_INIT(2),
	.cap_permitted = CAP_FULL_SET,
	.cap_effective = CAP_FULL_SET,
	.cap_bset = CAP_FULL_SET,
	.user = &root_user,
};

static struct user_struct *user_hash[USER_HASH_SIZE]; /* user_lock */
static DEFINE_SPINLOCK(user_lock);
static struct kmem_cache *cred_cache;

void cred_init(void)
{
	cred_cache = kmem_cache_create("cred", sizeof(struct cred), 0, SLAB_PANIC, NULL);
	user_hash[0] = &root_user;
}

struct user_struct *get_user_struct(struct user_struct *u)
{
	atomic_inc(&u->count);
	return u;
}

void put_user_struct(struct user_struct *u)
{
	struct user_struct **pp;
	unsigned long flags;

	spin_lock_irqsave(&user_lock, flags);
	if (!atomic_dec_and_test(&u->count)) {
		spin_unlock_irqrestore(&user_lock, flags);
		return;
	}
	for (pp = &user_hash[u->uid % USER_HASH_SIZE]; *pp != u;)
		pp = &(*pp)->next;
	*pp = u->next;
	spin_unlock_irqrestore(&user_lock, flags);
	kfree(u);
}

static struct user_struct *find_user(u32 uid) __must_hold(&user_lock)
{
	struct user_struct *u = user_hash[uid % USER_HASH_SIZE];

	while (u && u->uid != uid)
		u = u->next;
	return u ? get_user_struct(u) : NULL;
}

/* The counts of `uid`, with a reference, or NULL when there is no memory. */
static struct user_struct *alloc_uid(u32 uid)
{
	struct user_struct *u, *new = kzalloc(sizeof(*new), GFP_KERNEL);
	unsigned long flags;

	if (!new)
		return NULL;
	new->uid = uid;
	atomic_set(&new->count, 1);
	spin_lock_irqsave(&user_lock, flags);
	u = find_user(uid);
	if (!u) {
		new->next = user_hash[uid % USER_HASH_SIZE];
		user_hash[uid % USER_HASH_SIZE] = new;
		u = new;
		new = NULL;
	}
	spin_unlock_irqrestore(&user_lock, flags);
	kfree(new);
	return u;
}

static void put_groups(struct group_info *g)
{
	if (g && atomic_dec_and_test(&g->count))
		kfree(g);
}

struct cred *get_cred(struct cred *c)
{
	atomic_inc(&c->count);
	return c;
}

static void free_cred_rcu(struct rcu_head *head)
{
	struct cred *c = container_of(head, struct cred, rcu);

	put_groups(c->groups);
	put_user_struct(c->user);
	kmem_cache_free(cred_cache, c);
}

void put_cred(struct cred *c)
{
	if (atomic_dec_and_test(&c->count))
		call_rcu(&c->rcu, free_cred_rcu);
}

struct cred *prepare_creds(void)
{
	struct cred *new = kmem_cache_alloc(cred_cache, GFP_KERNEL);

	if (!new)
		return NULL;
	*new = *current->cred;
	atomic_set(&new->count, 1);
	get_user_struct(new->user);
	if (new->groups)
		atomic_inc(&new->groups->count);
	return new;
}

/* Is the process another one, as far as others' rights over it go? */
static bool changes_identity(const struct cred *old, const struct cred *new)
{
	return old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
	       old->fsgid != new->fsgid || new->cap_permitted & ~old->cap_permitted;
}

void commit_creds(struct cred *new)
{
	struct cred *old = current->cred;

	/* what it knows and whom it obeys is from its former life */
	if (changes_identity(old, new)) {
		if (current->mm)
			set_bit(MMF_NOT_DUMPABLE, &current->mm->flags);
		current->pdeath_signal = 0;
	}
	if (new->user != old->user) {
		atomic_inc(&new->user->processes);
		atomic_dec(&old->user->processes);
	}
	rcu_assign_pointer(current->cred, new);
	put_cred(old);
	/* CAP_IPC_LOCK and CAP_SYS_ADMIN may have come or gone. */
	if (current->mm)
		update_mm_limits(current->mm, current);
}

bool capable(int cap)
{
	return current->cred->cap_effective >> cap & 1;
}

bool task_capable(struct task *t, int cap)
{
	bool has;

	rcu_read_lock();
	has = rcu_dereference(t->cred)->cap_effective >> cap & 1;
	rcu_read_unlock();
	return has;
}

bool in_group_p(u32 gid)
{
	const struct cred *c = current->cred;
	int lo = 0, hi = c->groups ? c->groups->ngroups : 0;

	if (gid == c->fsgid)
		return true;
	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if (c->groups->gid[mid] == gid)
			return true;
		if (c->groups->gid[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool same_owner(struct task *t)
{
	const struct cred *c = current->cred, *tc;
	bool same;

	rcu_read_lock();
	tc = rcu_dereference(t->cred);
	same = c->euid == tc->euid || c->euid == tc->uid;
	rcu_read_unlock();
	return same;
}

/* All ids of @tc. RCU held. */
static bool ids_are(const struct cred *tc, u32 uid, u32 gid)
{
	return tc->uid == uid && tc->euid == uid && tc->suid == uid && tc->gid == gid &&
	       tc->egid == gid && tc->sgid == gid;
}

bool same_ids(struct task *t)
{
	bool same;

	rcu_read_lock();
	same = ids_are(rcu_dereference(t->cred), current->cred->uid, current->cred->gid);
	rcu_read_unlock();
	return same;
}

static bool task_dumpable(struct task *t)
{
	bool dumpable;

	task_lock(t);
	dumpable = !t->mm || !test_bit(MMF_NOT_DUMPABLE, &t->mm->flags);
	task_unlock(t);
	return dumpable;
}

bool ptrace_may_access(struct task *t, enum ptrace_ids ids)
{
	const struct cred *c = current->cred, *tc;
	u32 uid = ids == PTRACE_FSCREDS ? c->fsuid : c->uid;
	u32 gid = ids == PTRACE_FSCREDS ? c->fsgid : c->gid;
	bool no_more;

	if (t->signal == current->signal || capable(CAP_SYS_PTRACE))
		return true;
	rcu_read_lock();
	tc = rcu_dereference(t->cred);
	no_more = ids_are(tc, uid, gid) && !(tc->cap_permitted & ~c->cap_permitted);
	rcu_read_unlock();
	return no_more && task_dumpable(t);
}

bool kill_ok_by_cred(struct task *t)
{
	const struct cred *c = current->cred, *tc;
	bool ok;

	rcu_read_lock();
	tc = rcu_dereference(t->cred);
	ok = c->euid == tc->suid || c->euid == tc->uid || c->uid == tc->suid || c->uid == tc->uid ||
	     capable(CAP_KILL);
	rcu_read_unlock();
	return ok;
}

/* Capabilities after the user ids of `new` changed from those of `old` (capabilities(7)). */
void cred_fixup_caps(struct cred *new, const struct cred *old)
{
	bool had_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
	bool has_root = new->uid == 0 || new->euid == 0 || new->suid == 0;

	if (had_root && !has_root) {
		if (!new->keep_caps) {
			new->cap_permitted = 0;
			new->cap_effective = 0;
		}
		new->cap_ambient = 0;
	}
	if (old->euid == 0 && new->euid != 0)
		new->cap_effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->cap_effective = new->cap_permitted;
}

/* The counts of RLIMIT_NPROC follow the real user id. 0 or -EAGAIN. */
int cred_set_user(struct cred *new, u32 uid)
{
	struct user_struct *u;

	if (new->user->uid == uid)
		return 0;
	u = alloc_uid(uid);
	if (!u)
		return -EAGAIN;
	put_user_struct(new->user);
	new->user = u;
	return 0;
}

static bool root_fills_caps(const struct cred *c)
{
	return c->uid == 0 || c->euid == 0;
}

int exec_creds(u32 suid, u32 sgid, bool *secure)
{
	const struct cred *old = current->cred;
	struct cred *new;

	*secure = old->euid != old->uid || old->egid != old->gid;
	if (suid == (u32)-1 && sgid == (u32)-1 && old->suid == old->euid &&
	    old->sgid == old->egid && old->fsuid == old->euid && old->fsgid == old->egid &&
	    !old->keep_caps && (!root_fills_caps(old) || old->cap_permitted == old->cap_bset))
		return 0;

	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	if (suid != (u32)-1 && !old->no_new_privs)
		new->euid = suid;
	if (sgid != (u32)-1 && !old->no_new_privs)
		new->egid = sgid;
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	new->keep_caps = false;
	new->cap_permitted = new->cap_ambient;
	new->cap_effective = new->cap_ambient;
	if (root_fills_caps(new)) {
		new->cap_permitted = new->cap_bset | new->cap_inheritable;
		new->cap_effective = new->euid == 0 ? new->cap_permitted : 0;
	}
	*secure = new->euid != new->uid || new->egid != new->gid;
	commit_creds(new);
	return 0;
}
