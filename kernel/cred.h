/* SPDX-License-Identifier: MIT */
/*
 * Credentials: who a thread is. A struct cred never changes once it is shared; a call that changes
 * identity copies it, changes the copy, and swaps current's pointer (old ones are freed after RCU).
 */
#pragma once

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include "kernel/rcu.h"

struct task;

#define NGROUPS_MAX   65536
#define NGROUPS_SMALL 32
#define CAP_FULL_SET  ((1ULL << 41) - 1)

/* Per-user counts, for RLIMIT_NPROC and RLIMIT_SIGPENDING. */
struct user_struct {
	u32 uid;
	atomic_t count;
	atomic_t processes;
	atomic_t sigpending;
	atomic_long_t locked_shm; /* pages, RLIMIT_MEMLOCK */
	struct user_struct *next; /* hash chain */
};

struct group_info {
	atomic_t count;
	int ngroups;
	u32 gid[]; /* sorted */
};

struct cred {
	atomic_t count;
	u32 uid, gid;
	u32 euid, egid;
	u32 suid, sgid;
	u32 fsuid, fsgid;
	u32 securebits;
	bool keep_caps;
	bool no_new_privs;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	struct group_info *groups; /* counted, NULL = none */
	struct user_struct *user;  /* counted */
	struct rcu_head rcu;
};

extern struct cred init_cred;

#define current_cred()	(current->cred)
#define current_uid()	(current->cred->uid)
#define current_euid()	(current->cred->euid)
#define current_fsuid() (current->cred->fsuid)
#define current_fsgid() (current->cred->fsgid)

void cred_init(void);
/* True if current may do what `cap` (CAP_*) allows. */
bool capable(int cap);
/* The same of another task. */
bool task_capable(struct task *t, int cap);
/* True if current's filesystem gid or one of its groups is `gid`. */
bool in_group_p(u32 gid);
/* Another reference; the last put frees after RCU. */
struct cred *get_cred(struct cred *c);
void put_cred(struct cred *c);
/* A private copy of current's credentials or NULL; end with commit_creds() or put_cred(). */
struct cred *prepare_creds(void);
void commit_creds(struct cred *new);
/*
 * execve of a set-user-id or ordinary file: `suid`/`sgid` are -1 or the file's owner. 0 or
 * -ENOMEM.
 */
int exec_creds(u32 suid, u32 sgid, bool *secure);
/* Between cred.c and sys_id.c: see there. */
void cred_fixup_caps(struct cred *new, const struct cred *old);
int cred_set_user(struct cred *new, u32 uid);
/* May current signal, or change the scheduling of, t? */
bool kill_ok_by_cred(struct task *t);
bool same_owner(struct task *t);
/* Are all user and group ids of t the real ones of current? What prlimit() asks. */
bool same_ids(struct task *t);
/*
 * May current look into t, as a debugger does: its memory, its files? For one who is not root that
 * takes more than kill(): t has no ids and no capabilities that current lacks, and is dumpable.
 * With REALCREDS it is current's real ids that count, with FSCREDS those that it opens files with.
 */
enum ptrace_ids { PTRACE_REALCREDS, PTRACE_FSCREDS };
bool ptrace_may_access(struct task *t, enum ptrace_ids ids);

struct user_struct *get_user_struct(struct user_struct *u);
void put_user_struct(struct user_struct *u);
