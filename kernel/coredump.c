/* SPDX-License-Identifier: MIT */
/*
 * Core files: what a process was when it died, as an ELF file that a debugger reads.
 *
 *	+-------------+
 *	| ELF header  |
 *	| PT_NOTE     |---> notes:  PRSTATUS of the thread that died, PRPSINFO, SIGINFO, AUXV, FILE,
 *	| PT_LOAD     |             FPREGSET; PRSTATUS and FPREGSET of every other thread
 *	| PT_LOAD ... |---> one for each VMA: its contents, or nothing where the file it maps has them
 *	+-------------+     pages that were never touched are holes in the core file
 *
 * Before anything is written the other threads must stand still. do_coredump() ends the process like
 * exit_group(); each other thread, on its way through do_exit(), stops in coredump_park() with its
 * user registers at the top of its kernel stack. When the last has come the file is written; then
 * all go on to exit.
 *
 *	the one that dies               each other thread
 *	core_state set, SIGKILL sent    do_exit -> exit_signals -> coredump_park
 *	waits until missing == 0  <---- missing--, queues itself
 *	writes
 *	core_state done           ----> goes on
 *
 * CORE-COUNTED: PF_EXITING is set under siglock, in the same section that looks for core_state. So
 * every thread is either counted here and parks, or was exiting before and is not counted.
 *
 * The file is called by core_pattern (coredump_name.c), in the working directory; pipes to programs
 * are not supported. RLIMIT_CORE bounds it.
 */
#include "kernel/coredump_internal.h"
#include "kernel/cred.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/super.h"
#include "kernel/sched.h"
#include "kernel/sys_info.h"
#include "kernel/task.h"
#include "kernel/uapi/elf.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/mm.h"
#include "mm/pgwalk.h"
#include "mm/slab.h"
#include "mm/vma.h"
#include "mm/vmalloc.h"

#define FILTER_ANON_PRIVATE 0x01
#define FILTER_ANON_SHARED  0x02
#define FILTER_FILE_PRIVATE 0x04
#define FILTER_FILE_SHARED  0x08
#define FILTER_ELF_HEADERS  0x10

/* Threads -------------------------------------------------------------------------------------- */

static void core_state_put(struct core_state *state)
{
	if (atomic_dec_and_test(&state->users))
		kfree(container_of(state, struct coredump, state));
}

void coredump_park(struct signal_struct *sig)
{
	struct core_state *state = sig->core_state;
	struct core_thread self = {current, state->threads};

	state->threads = &self;
	if (!--state->missing)
		complete(&state->all_parked);
	spin_unlock_irq(&sig->siglock);
	wait_for_completion(&state->done);
	core_state_put(state);
	spin_lock_irq(&sig->siglock);
}

/* End the process with every other thread parked. False: somebody else ends it already. */
static bool stop_threads(struct core_state *state, int code)
{
	struct signal_struct *sig = current->signal;
	struct task *t;
	bool first;

	spin_lock_irq(&sig->siglock);
	first = !(sig->flags & SIGNAL_GROUP_EXIT) && !sig->group_exec_task;
	if (first) {
		sig->group_exit_code = code;
		sig->flags = SIGNAL_GROUP_EXIT | (sig->flags & SIGNAL_UNKILLABLE);
		sig->group_stop_count = 0;
		sig->core_state = state;
		list_for_each_entry (t, &sig->thread_head, thread_node) {
			if (t == current || t->flags & PF_EXITING)
				continue;
			t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
			t->pending.signal |= sigmask(SIGKILL);
			signal_wake_up(t, true);
			state->missing++;
			atomic_inc(&state->users);
		}
	}
	spin_unlock_irq(&sig->siglock);
	if (first && atomic_read(&state->users) > 1)
		wait_for_completion(&state->all_parked);
	return first;
}

static void release_threads(struct core_state *state)
{
	struct signal_struct *sig = current->signal;

	spin_lock_irq(&sig->siglock);
	sig->core_state = NULL;
	spin_unlock_irq(&sig->siglock);
	complete_all(&state->done);
}

/* What is written of each VMA ------------------------------------------------------------------ */

static unsigned long dump_size(const struct vm_area *vma, unsigned int filter, bool *headers_only)
{
	unsigned long whole = vma->vm_end - vma->vm_start;
	bool shared = vma->vm_flags & VM_MAYSHARE;

	if (vma->vm_flags & (VM_DONTDUMP | VM_IO | VM_PFNMAP))
		return 0;
	if (vma->vm_file && shared)
		return filter & (vma->vm_file->mapping ? FILTER_FILE_SHARED : FILTER_ANON_SHARED)
			       ? whole
			       : 0;
	if ((!vma->vm_file || vma->anon_vma) && filter & FILTER_ANON_PRIVATE)
		return whole;
	if (!vma->vm_file)
		return 0;
	if (filter & FILTER_FILE_PRIVATE)
		return whole;
	*headers_only = true;
	return filter & FILTER_ELF_HEADERS ? PAGE_SIZE : 0;
}

/* Its name, kept in cd->names. mmap_lock held. */
static u32 note_name(struct coredump *cd, struct vm_area *vma, char *buf)
{
	const char *name = vma->vm_file->ops->name(vma->vm_file, buf, PATH_MAX);
	size_t len = IS_ERR(name) ? 0 : strlen(name) + 1;
	u32 at = (u32)cd->names_len;

	if (!len || at + len > cd->names_size)
		return 0;
	memcpy(cd->names + at, name, len);
	cd->names_len += len;
	cd->nr_files++;
	return at;
}

/* The address space as a list, so that nothing is locked while the file is written. */
static int list_vmas(struct coredump *cd, struct mm *mm)
{
	unsigned int filter = READ_ONCE(current->signal->coredump_filter);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	struct vm_area *vma;

	mmap_read_lock(mm);
	cd->vmas = vzalloc((size_t)max(mm->map_count, 1) * sizeof(*cd->vmas));
	cd->names_size = (size_t)max(mm->map_count, 1) * 256;
	cd->names = vmalloc(cd->names_size);
	cd->names_len = 1;
	if (!buf || !cd->vmas || !cd->names)
		cd->error = -ENOMEM;
	for (vma = find_vma(mm, 0); vma && !cd->error; vma = vma_next(vma)) {
		struct core_vma *cv = &cd->vmas[cd->nr_vmas++];

		*cv = (struct core_vma){vma->vm_start, vma->vm_end, vma->vm_flags, vma->vm_pgoff};
		cv->dump = dump_size(vma, filter, &cv->headers_only);
		cv->sparse = !vma->vm_file;
		if (vma->vm_file)
			cv->name = note_name(cd, vma, buf);
	}
	mmap_read_unlock(mm);
	kfree(buf);
	return cd->error;
}

/*
 * Of a file that was not changed the first page is enough to know which file it was, if it is an
 * ELF file.
 */
static void check_headers(struct coredump *cd, struct mm *mm)
{
	for (unsigned int i = 0; i < cd->nr_vmas; i++) {
		struct core_vma *cv = &cd->vmas[i];
		char magic[SELFMAG];

		if (!cv->headers_only)
			continue;
		if (cv->pgoff || !(cv->flags & VM_READ) ||
		    access_remote_vm(mm, cv->start, magic, SELFMAG, false) != SELFMAG ||
		    memcmp(magic, ELFMAG, SELFMAG))
			cv->dump = 0;
	}
}

/* The file ------------------------------------------------------------------------------------- */

static void emit(struct coredump *cd, const void *data, size_t len)
{
	ssize_t n;

	if (cd->error)
		return;
	if (cd->pos + (loff_t)len > cd->limit) {
		cd->error = -EFBIG;
		return;
	}
	n = kernel_write(cd->file, data, len, cd->pos);
	if (n != (ssize_t)len)
		cd->error = n < 0 ? (int)n : -ENOSPC;
	cd->pos += (loff_t)len;
}

static void emit_headers(struct coredump *cd)
{
	loff_t at =
		(loff_t)(sizeof(struct elf64_hdr) + (cd->nr_vmas + 1) * sizeof(struct elf64_phdr));
	struct elf64_hdr eh = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = 1,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = (u16)(cd->nr_vmas + 1),
	};
	struct elf64_phdr ph = {
		.p_type = PT_NOTE, .p_offset = (u64)at, .p_filesz = cd->notes_len, .p_align = 4};

	emit(cd, &eh, sizeof(eh));
	emit(cd, &ph, sizeof(ph));
	at = ALIGN(at + (loff_t)cd->notes_len, (loff_t)PAGE_SIZE);
	for (unsigned int i = 0; i < cd->nr_vmas; i++) {
		const struct core_vma *cv = &cd->vmas[i];

		ph = (struct elf64_phdr){
			.p_type = PT_LOAD,
			.p_offset = (u64)at,
			.p_vaddr = cv->start,
			.p_filesz = cv->dump,
			.p_memsz = cv->end - cv->start,
			.p_flags = (cv->flags & VM_READ ? PF_R : 0) |
				   (cv->flags & VM_WRITE ? PF_W : 0) |
				   (cv->flags & VM_EXEC ? PF_X : 0),
			.p_align = PAGE_SIZE,
		};
		emit(cd, &ph, sizeof(ph));
		at += (loff_t)cv->dump;
	}
}

/*
 * How many bytes from @addr on nobody has touched: private memory that is not brought in only to be
 * written. 0, a page, or all that one page table would map and there is none.
 */
static unsigned long untouched(struct mm *mm, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte = pgwalk_pte_lock(mm, addr, &ptl);
	bool none;

	if (!pte)
		return PMD_SIZE - (addr & (PMD_SIZE - 1));
	none = pte_none(ptep_get(pte));
	spin_unlock(ptl);
	return none ? PAGE_SIZE : 0;
}

/* One page, or as much of a hole as is found at once: the bytes that the file goes on by. */
static unsigned long emit_page(struct coredump *cd, struct mm *mm, const struct core_vma *cv,
			       unsigned long at, char *page)
{
	unsigned long hole = 0;

	if (cv->sparse) {
		mmap_read_lock(mm);
		hole = min(untouched(mm, at), cv->start + cv->dump - at);
		mmap_read_unlock(mm);
	}
	if (!hole && access_remote_vm(mm, at, page, PAGE_SIZE, false) == PAGE_SIZE) {
		emit(cd, page, PAGE_SIZE);
		return PAGE_SIZE;
	}
	hole = hole ?: PAGE_SIZE;
	cd->pos += (loff_t)hole;
	return hole;
}

/* SIGKILL ends the writing too: what is to be written can be very long. */
static bool coredump_killed(void)
{
	return (READ_ONCE(current->pending.signal) |
		READ_ONCE(current->signal->shared_pending.signal)) &
	       sigmask(SIGKILL);
}

static void emit_memory(struct coredump *cd, struct mm *mm, char *page)
{
	cd->pos = ALIGN(cd->pos, (loff_t)PAGE_SIZE);
	for (unsigned int i = 0; i < cd->nr_vmas && !cd->error; i++) {
		const struct core_vma *cv = &cd->vmas[i];

		for (unsigned long at = cv->start; at < cv->start + cv->dump;) {
			if (!cd->error && coredump_killed())
				cd->error = -EINTR;
			if (!cd->error && cd->pos + (loff_t)PAGE_SIZE > cd->limit)
				cd->error = -EFBIG;
			if (cd->error)
				return;
			at += emit_page(cd, mm, cv, at, page);
			cond_resched();
		}
	}
}

/*
 * A new file, or -E. What had the name loses the name and not its contents, since somebody else may
 * have given it to a file that is not his.
 */
static int open_core(struct coredump *cd)
{
	char name[256];

	coredump_name(name, sizeof(name), cd->info->si_signo);
	if (!*name || *name == '|')
		return -EINVAL;
	kernel_unlink(name); /* usually there is nothing; what stays is EEXIST */
	cd->file = kernel_open(name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0600);
	return PTR_ERR_OR_ZERO(cd->file);
}

/* 0: the file is complete, or as much of it as RLIMIT_CORE allows. */
static int write_core(struct coredump *cd, struct mm *mm)
{
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	int err = page ? list_vmas(cd, mm) : -ENOMEM;

	if (!err) {
		check_headers(cd, mm);
		coredump_add_notes(cd, mm);
		err = cd->error ?: open_core(cd);
	}
	if (!err) {
		emit_headers(cd);
		emit(cd, cd->notes, cd->notes_len);
		emit_memory(cd, mm, page);
		if (!cd->error)
			do_truncate(cd->file->f_inode, cd->pos); /* the last pages may be holes */
		fput(cd->file);
		err = cd->error == -EFBIG ? 0 : cd->error;
	}
	kfree(page);
	vfree(cd->vmas);
	vfree(cd->names);
	vfree(cd->notes);
	return err;
}

bool do_coredump(const siginfo_t *info)
{
	struct signal_struct *sig = current->signal;
	unsigned long limit = rlimit_of(sig, RLIMIT_CORE);
	struct mm *mm = current->mm;
	struct coredump *cd;
	bool written = false;

	if (!mm || limit < PAGE_SIZE || test_bit(MMF_NOT_DUMPABLE, &mm->flags))
		return false;
	cd = kzalloc(sizeof(*cd), GFP_KERNEL);
	if (!cd)
		return false;
	cd->info = info;
	cd->limit = limit > (unsigned long)MAX_FILE_SIZE ? MAX_FILE_SIZE : (loff_t)limit;
	atomic_set(&cd->state.users, 1);
	init_completion(&cd->state.all_parked);
	init_completion(&cd->state.done);
	if (stop_threads(&cd->state, info->si_signo)) {
		written = !write_core(cd, mm);
		if (written)
			sig->group_exit_code |= 0x80;
		release_threads(&cd->state);
	}
	core_state_put(&cd->state);
	return written;
}
