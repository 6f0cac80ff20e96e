/* SPDX-License-Identifier: MIT */
/*
 * The calls about memory nodes, of which there is one.
 *
 * Every page is where any policy wants it, so a policy has no effect. But it is checked, kept and
 * told as Linux does: a program that sets one and asks for it finds it. A thread's policy stands in
 * its task; children and programs that it executes inherit it. That of a mapping is a few bits of
 * its vm_flags: so it goes with the VMA through splits, moves and forks, and VMAs with different
 * policies do not merge.
 *
 *	vm_flags:	| flags (3) | mode (3) | VM_* (32) |
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "mm/migrate.h"
#include "mm/mm.h"
#include "mm/vma.h"

enum { MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, MPOL_LOCAL, MPOL_PREFERRED_MANY };

#define MPOL_F_NUMA_BALANCING 0x2000
#define MPOL_F_RELATIVE_NODES 0x4000
#define MPOL_F_STATIC_NODES   0x8000
#define MPOL_MODE_FLAGS	      0xe000
#define MPOL_MODE_FLAG_SHIFT  13
#define MPOL_MODE_BITS	      3
#define MPOL_F_NODE	      1
#define MPOL_F_ADDR	      2
#define MPOL_F_MEMS_ALLOWED   4
#define MPOL_MF_VALID	      7
#define MPOL_MF_MOVE	      2
#define MPOL_MF_MOVE_ALL      4
#define MAX_NODES	      1024
#define MOVE_BATCH	      64

/* A mask of nodes, of which only the first may be set. */
static int get_nodes(const unsigned long __user *umask, unsigned long maxnode, unsigned long *nodes)
{
	unsigned long word;

	*nodes = 0;
	if (!--maxnode || !umask)
		return 0;
	if (maxnode > PAGE_SIZE * 8) /* also what 0 has become */
		return -EINVAL;
	for (unsigned long i = 0; i < maxnode; i += 64) {
		if (get_user(word, &umask[i / 64]))
			return -EFAULT;
		if (maxnode - i < 64)
			word &= (1UL << (maxnode - i)) - 1;
		if (i >= MAX_NODES && word)
			return -EINVAL;
		*nodes |= i ? 0 : word;
	}
	return 0;
}

/* --- policies --------------------------------------------------------------------------------- */

/* The policy that (mode, nodes) stands for, as a mode with its flags, or -EINVAL. */
static int make_policy(int mode, unsigned long nodes)
{
	int flags = mode & MPOL_MODE_FLAGS, place = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

	mode &= ~MPOL_MODE_FLAGS;
	if (mode < MPOL_DEFAULT || mode > MPOL_PREFERRED_MANY || (flags & place) == place ||
	    (flags & MPOL_F_NUMA_BALANCING && mode != MPOL_BIND))
		return -EINVAL;
	switch (mode) {
	case MPOL_DEFAULT:
		return nodes ? -EINVAL : MPOL_DEFAULT;
	case MPOL_LOCAL:
		return nodes || flags & place ? -EINVAL : MPOL_LOCAL;
	case MPOL_PREFERRED:
		if (!nodes)
			return flags & place ? -EINVAL : MPOL_LOCAL;
		break;
	}
	/* Relative nodes are counted round, so that any of them is ours. */
	return nodes & 1 || (nodes && flags & MPOL_F_RELATIVE_NODES) ? mode | flags : -EINVAL;
}

/* The policy that the caller gives, or -EINVAL, -EFAULT. */
static int get_policy(unsigned long mode, const unsigned long __user *umask, unsigned long maxnode)
{
	unsigned long nodes;
	int err = get_nodes(umask, maxnode, &nodes);

	return err ?: make_policy((int)mode, nodes);
}

static unsigned long policy_to_flags(int policy)
{
	unsigned long bits = (policy & ~MPOL_MODE_FLAGS) |
			     (unsigned int)policy >> MPOL_MODE_FLAG_SHIFT << MPOL_MODE_BITS;

	return bits << VM_POLICY_SHIFT;
}

static int policy_of_flags(unsigned long vm_flags)
{
	unsigned int bits = (vm_flags & VM_POLICY_MASK) >> VM_POLICY_SHIFT;

	return (int)((bits & ((1U << MPOL_MODE_BITS) - 1)) |
		     bits >> MPOL_MODE_BITS << MPOL_MODE_FLAG_SHIFT);
}

static bool policy_has_nodes(int policy)
{
	policy &= ~MPOL_MODE_FLAGS;
	return policy != MPOL_DEFAULT && policy != MPOL_LOCAL;
}

SYSCALL_DEFINE3(set_mempolicy, int, mode, const unsigned long __user *, umask, unsigned long,
		maxnode)
{
	int policy = get_policy((unsigned int)mode, umask, maxnode);

	if (policy < 0)
		return policy;
	current->mempolicy = policy;
	return 0;
}

/*
 * -EFAULT if there is a hole in [start, end); the default policy is for what is mapped, and must
 * only find anything at all. mmap_lock held.
 */
static int check_mapped(struct mm *mm, unsigned long start, unsigned long end, int policy)
{
	struct vm_area *vma;

	if (policy == MPOL_DEFAULT)
		return start == end || find_vma_intersection(mm, start, end) ? 0 : -EFAULT;
	for (vma = find_vma(mm, start); start < end; vma = vma_next(vma)) {
		if (!vma || vma->vm_start > start)
			return -EFAULT;
		start = vma->vm_end;
	}
	return 0;
}

/* Give all that is mapped in [start, end) the policy. 0 or -ENOMEM. mmap_lock held for writing. */
static int bind_range(struct mm *mm, unsigned long start, unsigned long end, int policy)
{
	struct vm_area *vma;

	while (start < end && (vma = find_vma_intersection(mm, start, end))) {
		unsigned long from = max(start, vma->vm_start), stop = min(end, vma->vm_end);
		unsigned long flags = (vma->vm_flags & ~VM_POLICY_MASK) | policy_to_flags(policy);

		/* A merge may have given this part to a VMA that has the policy. */
		if (flags != vma->vm_flags)
			vma = vma_modify_flags(vma, from, stop, flags);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
		start = stop;
	}
	return 0;
}

SYSCALL_DEFINE6(mbind, unsigned long, start, unsigned long, len, unsigned long, mode,
		const unsigned long __user *, umask, unsigned long, maxnode, unsigned int, flags)
{
	unsigned long end = start + ALIGN(len, PAGE_SIZE);
	struct mm *mm = current->mm;
	int policy = get_policy(mode, umask, maxnode), err;

	if (policy < 0)
		return policy;
	if (flags & ~MPOL_MF_VALID)
		return -EINVAL;
	if (flags & MPOL_MF_MOVE_ALL && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (start & (PAGE_SIZE - 1) || end < start)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = check_mapped(mm, start, end, policy) ?: bind_range(mm, start, end, policy);
	mmap_write_unlock(mm);
	return err;
}

/* The policy at addr, or -EFAULT. */
static int policy_at(unsigned long addr)
{
	struct vm_area *vma;
	int policy = -EFAULT;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma)
		policy = policy_of_flags(vma->vm_flags);
	mmap_read_unlock(current->mm);
	return policy;
}

/* Is there a page at addr, or can one be had by reading? */
static bool page_at(unsigned long addr)
{
	char byte;

	return !copy_from_user(&byte, (const void __user *)addr, 1);
}

/* What get_mempolicy() is to tell: a policy, or a node. Its nodes go to *nodes. */
static int ask_policy(unsigned long addr, unsigned long flags, unsigned long *nodes)
{
	int policy;

	*nodes = 0;
	if (flags & ~(unsigned long)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		*nodes = 1;
		return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : MPOL_DEFAULT;
	}
	if (addr && !(flags & MPOL_F_ADDR))
		return -EINVAL;
	policy = flags & MPOL_F_ADDR ? policy_at(addr) : current->mempolicy;
	if (policy < 0)
		return policy;
	if (flags & MPOL_F_ADDR && flags & MPOL_F_NODE && !page_at(addr))
		return -EFAULT;
	*nodes = policy_has_nodes(policy);
	if (!(flags & MPOL_F_NODE))
		return policy;
	/* The node of the page, or the next of those between which pages alternate: 0 each. */
	return flags & MPOL_F_ADDR || (policy & ~MPOL_MODE_FLAGS) == MPOL_INTERLEAVE ? 0 : -EINVAL;
}

static int put_nodes(unsigned long __user *umask, unsigned long maxnode, unsigned long nodes)
{
	unsigned long bytes = ALIGN(maxnode - 1, 64) / 8;

	if (bytes > PAGE_SIZE)
		return -EINVAL;
	if (!bytes)
		return 0;
	return put_user(nodes, umask) || clear_user(umask + 1, bytes - sizeof(*umask)) ? -EFAULT
										       : 0;
}

SYSCALL_DEFINE5(get_mempolicy, int __user *, upolicy, unsigned long __user *, umask, unsigned long,
		maxnode, unsigned long, addr, unsigned long, flags)
{
	unsigned long nodes;
	int policy;

	if (umask && maxnode < 1)
		return -EINVAL;
	policy = ask_policy(addr, flags, &nodes);
	if (policy < 0)
		return policy;
	if (upolicy && put_user(policy, upolicy))
		return -EFAULT;
	return umask ? put_nodes(umask, maxnode, nodes) : 0;
}

/* --- moving pages ----------------------------------------------------------------------------- */

/* One batch of move_pages(). 0, -EFAULT, -ENODEV ... */
static int move_batch(struct mm *mm, unsigned long n, const unsigned long __user *upages,
		      const int __user *unodes, int __user *ustatus, enum move_pages_how how)
{
	int nodes[MOVE_BATCH], status[MOVE_BATCH];
	unsigned long pages[MOVE_BATCH], done;

	if (copy_from_user(pages, upages, n * sizeof(pages[0])) ||
	    (unodes && copy_from_user(nodes, unodes, n * sizeof(nodes[0]))))
		return -EFAULT;
	done = do_move_pages(mm, n, pages, unodes ? nodes : NULL, status, how);
	if (copy_to_user(ustatus, status, done * sizeof(status[0])))
		return -EFAULT;
	return done < n ? -ENODEV : 0;
}

/* The address space of another process, for one who may move its pages. ERR_PTR(): why not. */
static struct mm *mm_to_migrate(pid_t pid)
{
	struct task *t = get_task_or_self(pid);
	struct mm *mm;

	if (!t)
		return ERR_PTR(-ESRCH);
	mm = ptrace_may_access(t, PTRACE_REALCREDS) ? get_task_mm(t) : ERR_PTR(-EPERM);
	put_task_struct(t);
	return mm ?: ERR_PTR(-EINVAL);
}

SYSCALL_DEFINE6(move_pages, pid_t, pid, unsigned long, nr, const unsigned long __user *, upages,
		const int __user *, unodes, int __user *, ustatus, int, flags)
{
	enum move_pages_how how = flags & MPOL_MF_MOVE_ALL ? MOVE_PAGES_ALL : MOVE_PAGES_OWN;
	struct mm *mm;
	unsigned long n;
	int err = 0;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	mm = mm_to_migrate(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (!unodes)
		how = MOVE_PAGES_ASK;
	if (nr > TASK_SIZE / sizeof(*upages))
		err = -EFAULT;
	while (nr && !err && !fatal_signal_pending(current)) {
		n = min(nr, (unsigned long)MOVE_BATCH);
		err = move_batch(mm, n, upages, unodes, ustatus, how);
		upages += n;
		ustatus += n;
		if (unodes)
			unodes += n;
		nr -= n;
	}
	mmput(mm);
	return err;
}

/* From the nodes named to others: with one node every page is where it should be. */
SYSCALL_DEFINE4(migrate_pages, pid_t, pid, unsigned long, maxnode, const unsigned long __user *,
		uold, const unsigned long __user *, unew)
{
	unsigned long old, new;
	struct mm *mm;
	int err = get_nodes(uold, maxnode, &old);

	if (!err)
		err = get_nodes(unew, maxnode, &new);
	if (err)
		return err;
	mm = mm_to_migrate(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	mmput(mm);
	if ((new & ~1UL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	return new & 1 ? 0 : -EINVAL;
}
