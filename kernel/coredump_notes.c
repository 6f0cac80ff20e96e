/* SPDX-License-Identifier: MIT */
/*
 * The notes of a core file: registers, the process, its auxiliary vector, which file is mapped where.
 *
 *	length of the name, of the value, type | "CORE" | the value, up to a multiple of 4
 */
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/switch.h"
#include "kernel/coredump_internal.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/uapi/elf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/mm.h"
#include "mm/vmalloc.h"

#define NOTES_GROW (64UL << 10)

struct elf_prstatus {
	s32 si_signo, si_code, si_errno;
	s16 cursig;
	u64 sigpend, sighold;
	s32 pid, ppid, pgrp, sid;
	struct timeval utime, stime, cutime, cstime;
	u64 regs[27];
	s32 fpvalid;
};

struct elf_prpsinfo {
	u8 state;
	char sname;
	u8 zombie;
	s8 nice;
	u64 flag;
	u32 uid, gid;
	s32 pid, ppid, pgrp, sid;
	char fname[16];
	char psargs[80];
};

static void *note_room(struct coredump *cd, size_t len)
{
	if (cd->notes_len + len > cd->notes_size) {
		size_t size = cd->notes_size + max(len, NOTES_GROW);
		char *bigger = vmalloc(size);

		if (!bigger) {
			cd->error = -ENOMEM;
			return NULL;
		}
		if (cd->notes_len)
			memcpy(bigger, cd->notes, cd->notes_len);
		vfree(cd->notes);
		cd->notes = bigger;
		cd->notes_size = size;
	}
	cd->notes_len += len;
	return memset(cd->notes + cd->notes_len - len, 0, len);
}

/* Room for a note's value, zeroed; NULL after an error. The name is "CORE". */
static void *add_note(struct coredump *cd, u32 type, size_t len)
{
	u32 *head = note_room(cd, 12 + 8 + ALIGN(len, 4));

	if (!head)
		return NULL;
	head[0] = 5;
	head[1] = (u32)len;
	head[2] = type;
	memcpy(head + 3, "CORE", 5);
	return head + 5;
}

static void fill_regs(u64 *r, struct task *t)
{
	const struct pt_regs *regs = task_pt_regs(t);

	memcpy(r, regs, 21 * sizeof(u64)); /* r15 … ss: the orders agree */
	r[21] = t == current ? arch_user_fsbase() : t->thread.fsbase;
	r[22] = t == current ? arch_user_gsbase() : t->thread.gsbase;
	/* ds, es, fs, gs: 0 */
}

static void add_thread(struct coredump *cd, struct task *t)
{
	struct elf_prstatus *st = add_note(cd, NT_PRSTATUS, sizeof(*st));
	u64 utime = t->utime_ns, stime = t->stime_ns;

	if (!st)
		return;
	cputime_adjust(task_sched_runtime(t), &utime, &stime);
	st->si_signo = st->cursig = (s16)cd->info->si_signo;
	st->si_code = cd->info->si_code;
	st->si_errno = cd->info->si_errno;
	st->sigpend = t->pending.signal;
	st->sighold = t->blocked;
	st->pid = t->pid;
	st->ppid = task_ppid(t);
	st->pgrp = task_pgrp_nr(t);
	st->sid = task_session_nr(t);
	st->utime = ns_to_timeval(utime);
	st->stime = ns_to_timeval(stime);
	st->cutime = ns_to_timeval(t->signal->cutime_ns);
	st->cstime = ns_to_timeval(t->signal->cstime_ns);
	fill_regs(st->regs, t);
	st->fpvalid = 1;
}

static void add_fpregs(struct coredump *cd, struct task *t)
{
	void *fx = add_note(cd, NT_FPREGSET, FPU_FXSAVE_SIZE);

	if (fx)
		fpu_get_fxsave(t, fx);
}

static void add_process(struct coredump *cd, struct mm *mm)
{
	struct elf_prpsinfo *ps = add_note(cd, NT_PRPSINFO, sizeof(*ps));
	unsigned long len = mm->arg_end - mm->arg_start;
	long n;

	if (!ps)
		return;
	ps->sname = 'R';
	ps->nice = (s8)current->nice;
	ps->flag = current->flags;
	ps->uid = current_uid();
	ps->gid = current_cred()->gid;
	ps->pid = current->tgid;
	ps->ppid = task_ppid(current);
	ps->pgrp = task_pgrp_nr(current);
	ps->sid = task_session_nr(current);
	memcpy(ps->fname, current->comm, sizeof(ps->fname));
	n = access_remote_vm(mm, mm->arg_start, ps->psargs, min(len, sizeof(ps->psargs) - 1),
			     false);
	for (long i = 0; i < n - 1; i++)
		if (!ps->psargs[i])
			ps->psargs[i] = ' ';
}

/* Which file is mapped where: counts, ranges, then the names in the same order. */
static void add_files(struct coredump *cd)
{
	size_t len = 16 + cd->nr_files * 24UL + cd->names_len - 1;
	u64 *p = cd->nr_files ? add_note(cd, NT_FILE, len) : NULL;

	if (!p)
		return;
	*p++ = cd->nr_files;
	*p++ = PAGE_SIZE;
	for (unsigned int i = 0; i < cd->nr_vmas; i++) {
		if (!cd->vmas[i].name)
			continue;
		*p++ = cd->vmas[i].start;
		*p++ = cd->vmas[i].end;
		*p++ = cd->vmas[i].pgoff;
	}
	memcpy(p, cd->names + 1, cd->names_len - 1);
}

void coredump_add_notes(struct coredump *cd, struct mm *mm)
{
	unsigned int n = 0;
	void *p;

	add_thread(cd, current);
	add_process(cd, mm);
	p = add_note(cd, NT_SIGINFO, SIGINFO_SIZE);
	if (p)
		memcpy(p, cd->info, sizeof(siginfo_t));
	while (n + 2 < AT_VECTOR_SIZE && mm->saved_auxv[n])
		n += 2;
	p = add_note(cd, NT_AUXV, (n + 2) * sizeof(u64));
	if (p)
		memcpy(p, mm->saved_auxv, (n + 2) * sizeof(u64));
	add_files(cd);
	add_fpregs(cd, current);
	for (struct core_thread *ct = cd->state.threads; ct; ct = ct->next) {
		add_thread(cd, ct->task);
		add_fpregs(cd, ct->task);
	}
}
