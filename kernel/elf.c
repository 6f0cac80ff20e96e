/* SPDX-License-Identifier: MIT */
/*
 * ELF: from a file's program headers to an address space with a filled stack.
 *
 *	0x7fff........	stack    strings, auxiliary vector, argv: see stack_fill()
 *	                  |
 *	0x7f..........	mmap area, growing down: PT_INTERP's loader, libraries
 *	                  ^
 *	                heap (brk) after the program's bss
 *	0x5555........	ET_DYN program (its headers start at 0), or
 *	0x400000	ET_EXEC program, where it was linked to be
 *
 * One PT_LOAD segment:
 *
 *	 p_vaddr                p_vaddr+p_filesz            p_vaddr+p_memsz
 *	    |  mapped from the file   |  zeroed  |  anonymous     |
 *	+---+-------------------------+----------+----------------+-------+
 *	page boundary                       page boundary            page boundary
 *
 * All of this happens to an mm that nobody runs on yet, so a file that turns out to be broken half
 * way costs its caller an error and nothing else. The headers are data from anywhere: every sum is
 * checked before it is used as an address.
 */
#include "kernel/binprm.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/fs.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/uapi/elf.h"
#include "kernel/uapi/time.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/slab.h"

#define ELF_ET_DYN_BASE ((TASK_SIZE / 3 * 2) & PAGE_MASK)
#define ELF_MIN_ALIGN	PAGE_SIZE
#define MAX_PHDRS_BYTES 65536
#define STACK_HEADROOM \
	KB(128) /* below the initial stack pointer, so that the first calls do not fault it in page by page */
#define NR_AUXV	       19
#define SIGFRAME_FIXED (8 + 304 + 128) /* return address, ucontext, siginfo of a signal frame */

/* One ELF file being mapped. */
struct elf_image {
	struct file *file;
	struct elf64_hdr hdr;
	struct elf64_phdr *phdrs; /* kfree */
	unsigned long low, high;  /* page-aligned span of all PT_LOAD */
	unsigned long align;	  /* the largest p_align */
	unsigned long bias;	  /* added to every address in the file */
};

static bool header_ok(const struct elf64_hdr *h)
{
	return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == EM_X86_64 &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
	       h->e_phentsize == sizeof(struct elf64_phdr) && h->e_phnum &&
	       h->e_phnum * sizeof(struct elf64_phdr) <= MAX_PHDRS_BYTES;
}

int elf_check(const struct binprm *bprm)
{
	struct elf64_hdr h;

	memcpy(&h, bprm->buf, sizeof(h));
	return header_ok(&h) ? 0 : -ENOEXEC;
}

/* The span and alignment of the segments. 0 or -ENOEXEC. */
static int measure_segments(struct elf_image *img)
{
	bool any = false;
	int i;

	img->low = ~0UL;
	img->high = 0;
	img->align = ELF_MIN_ALIGN;
	for (i = 0; i < img->hdr.e_phnum; i++) {
		const struct elf64_phdr *ph = &img->phdrs[i];

		if (ph->p_type != PT_LOAD || !ph->p_memsz)
			continue;
		if (ph->p_filesz > ph->p_memsz || ph->p_vaddr > TASK_SIZE ||
		    ph->p_memsz > TASK_SIZE - ph->p_vaddr ||
		    (ph->p_vaddr ^ ph->p_offset) & (PAGE_SIZE - 1) ||
		    ph->p_offset + ph->p_filesz < ph->p_offset)
			return -ENOEXEC;
		img->low = min_t(unsigned long, img->low, ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE));
		img->high = max_t(unsigned long, img->high,
				  ALIGN(ph->p_vaddr + ph->p_memsz, PAGE_SIZE));
		if (!(ph->p_align & (ph->p_align - 1)) && ph->p_align < TASK_SIZE / 4)
			img->align = max_t(unsigned long, img->align, ph->p_align);
		any = true;
	}
	return any ? 0 : -ENOEXEC;
}

static int read_image(struct elf_image *img, struct file *file, const struct elf64_hdr *hdr)
{
	size_t size = hdr->e_phnum * sizeof(struct elf64_phdr);
	ssize_t n;

	img->file = file;
	img->hdr = *hdr;
	img->phdrs = kmalloc(size, GFP_KERNEL);
	if (!img->phdrs)
		return -ENOMEM;
	n = kernel_read(file, img->phdrs, size, (loff_t)hdr->e_phoff);
	if (n != (ssize_t)size)
		return n < 0 ? (int)n : -ENOEXEC;
	return measure_segments(img);
}

static unsigned long segment_prot(u32 p_flags)
{
	return (p_flags & PF_R ? PROT_READ : 0) | (p_flags & PF_W ? PROT_WRITE : 0) |
	       (p_flags & PF_X ? PROT_EXEC : 0);
}

/* The rest of the last file page of a segment reads as zero. */
static int zero_tail(struct mm *mm, unsigned long addr, u32 p_flags)
{
	static const char zeroes[PAGE_SIZE];
	size_t len = -addr & (PAGE_SIZE - 1);

	if (!len || !(p_flags & PF_W))
		return 0;
	return access_remote_vm(mm, addr, (void *)zeroes, len, true) == (long)len ? 0 : -ENOMEM;
}

static int map_segment(struct mm *mm, const struct elf_image *img, const struct elf64_phdr *ph,
		       unsigned long fixed)
{
	unsigned long start = ph->p_vaddr + img->bias;
	unsigned long file_end = start + ph->p_filesz, mem_end = start + ph->p_memsz;
	unsigned long page = ALIGN_DOWN(start, PAGE_SIZE), anon = ALIGN(file_end, PAGE_SIZE);
	unsigned long prot = segment_prot(ph->p_flags), populate;
	long ret;
	int err;

	if (!ph->p_filesz) {
		anon = page;
	} else {
		mmap_write_lock(mm);
		ret = do_mmap(mm, &img->file->vmf, page, anon - page, prot, MAP_PRIVATE | fixed,
			      (ph->p_offset - (start - page)) >> PAGE_SHIFT, &populate);
		mmap_write_unlock(mm);
		if (ret < 0)
			return (int)ret;
		if (mem_end > file_end) {
			err = zero_tail(mm, file_end, ph->p_flags);
			if (err)
				return err;
		}
	}
	if (ALIGN(mem_end, PAGE_SIZE) > anon) {
		ret = vm_mmap(mm, NULL, anon, ALIGN(mem_end, PAGE_SIZE) - anon, prot,
			      MAP_PRIVATE | MAP_ANONYMOUS | fixed, 0);
		if (ret < 0)
			return (int)ret;
	}
	return 0;
}

/* Map all segments at img->bias. The first must hit free space, the others may share its pages. */
static int map_image(struct mm *mm, const struct elf_image *img)
{
	unsigned long fixed = MAP_FIXED_NOREPLACE;
	int i, err;

	for (i = 0; i < img->hdr.e_phnum; i++) {
		if (img->phdrs[i].p_type != PT_LOAD || !img->phdrs[i].p_memsz)
			continue;
		err = map_segment(mm, img, &img->phdrs[i], fixed);
		if (err)
			return err == -EEXIST ? -ENOMEM : err;
		fixed = MAP_FIXED;
	}
	return 0;
}

/* Where a position-independent loader goes: the highest free place. */
static int place_interp(struct mm *mm, struct elf_image *img)
{
	unsigned long addr;

	mmap_read_lock(mm);
	addr = get_unmapped_area(mm, 0, img->high - img->low + img->align - PAGE_SIZE, MAP_PRIVATE);
	mmap_read_unlock(mm);
	if ((long)addr < 0)
		return (int)(long)addr;
	img->bias = ALIGN(addr, img->align) - img->low;
	return 0;
}

/* The path in PT_INTERP, kfree it; NULL if there is none. */
static char *interp_path(const struct elf_image *img)
{
	const struct elf64_phdr *ph = NULL;
	char *path;
	ssize_t n;
	int i;

	for (i = 0; i < img->hdr.e_phnum && !ph; i++)
		if (img->phdrs[i].p_type == PT_INTERP)
			ph = &img->phdrs[i];
	if (!ph)
		return NULL;
	if (ph->p_filesz < 2 || ph->p_filesz > PATH_MAX)
		return ERR_PTR(-ENOEXEC);
	path = kmalloc(ph->p_filesz, GFP_KERNEL);
	if (!path)
		return ERR_PTR(-ENOMEM);
	n = kernel_read(img->file, path, ph->p_filesz, (loff_t)ph->p_offset);
	if (n != (ssize_t)ph->p_filesz || path[n - 1]) {
		kfree(path);
		return ERR_PTR(n < 0 ? n : -ENOEXEC);
	}
	return path;
}

/* The loader takes the program's place as what runs first. */
static int load_interp(struct binprm *bprm, const char *path)
{
	struct elf_image img = {};
	struct elf64_hdr hdr;
	struct file *file = open_exec(path);
	ssize_t n;
	int err;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	n = kernel_read(file, &hdr, sizeof(hdr), 0);
	err = n < 0 ? (int)n : 0;
	if (!err && (n != sizeof(hdr) || !header_ok(&hdr)))
		err = -ELIBBAD;
	if (!err)
		err = read_image(&img, file, &hdr);
	if (!err && hdr.e_type == ET_DYN)
		err = place_interp(bprm->mm, &img);
	if (!err)
		err = map_image(bprm->mm, &img);
	if (!err) {
		bprm->interp_base = img.bias;
		bprm->entry = hdr.e_entry + img.bias;
		if (bprm->entry >= TASK_SIZE)
			err = -ENOEXEC;
	}
	kfree(img.phdrs);
	exec_done(file);
	return err;
}

/* What /proc and brk(2) want to know; and where the program headers can be seen in memory. */
static void note_image(struct binprm *bprm, const struct elf_image *img)
{
	struct mm *mm = bprm->mm;
	int i;

	mm->start_code = ~0UL;
	for (i = 0; i < img->hdr.e_phnum; i++) {
		const struct elf64_phdr *ph = &img->phdrs[i];
		unsigned long start = ph->p_vaddr + img->bias, end = start + ph->p_filesz;

		if (ph->p_type == PT_GNU_STACK && ph->p_flags & PF_X)
			bprm->stack_flags = VM_EXEC;
		if (ph->p_type != PT_LOAD)
			continue;
		if (ph->p_flags & PF_X) {
			mm->start_code = min(mm->start_code, start);
			mm->end_code = max(mm->end_code, end);
		}
		mm->start_data = max(mm->start_data, start);
		mm->end_data = max(mm->end_data, end);
		if (img->hdr.e_phoff >= ph->p_offset &&
		    img->hdr.e_phoff < ph->p_offset + ph->p_filesz)
			bprm->phdr_addr = img->hdr.e_phoff - ph->p_offset + start;
	}
	if (mm->start_code == ~0UL)
		mm->start_code = img->low + img->bias;
	mm->start_brk = img->high + img->bias;
	if (randomize_va_space > 1)
		mm->start_brk += exec_random(13);
	mm->brk = mm->start_brk;
	bprm->phnum = img->hdr.e_phnum;
	bprm->program_entry = img->hdr.e_entry + img->bias;
	bprm->entry = bprm->program_entry;
}

int elf_load(struct binprm *bprm)
{
	struct elf_image img = {};
	struct elf64_hdr hdr;
	char *interp = NULL;
	int err;

	memcpy(&hdr, bprm->buf, sizeof(hdr));
	err = read_image(&img, bprm->file, &hdr);
	if (err)
		goto out;
	interp = interp_path(&img);
	err = PTR_ERR_OR_ZERO(interp);
	if (err) {
		interp = NULL;
		goto out;
	}
	if (hdr.e_type == ET_DYN)
		img.bias = ALIGN_DOWN(ELF_ET_DYN_BASE + exec_random(28), img.align) - img.low;
	err = map_image(bprm->mm, &img);
	if (err)
		goto out;
	note_image(bprm, &img);
	if (bprm->program_entry >= TASK_SIZE)
		err = -ENOEXEC;
	else if (interp)
		err = load_interp(bprm, interp);
out:
	kfree(interp);
	kfree(img.phdrs);
	return err;
}

/* --- the stack -------------------------------------------------------------------------------- */

/*
 * The stack as a program finds it, from the top:
 *
 *	stack_top	8 zero bytes
 *			name of the program (AT_EXECFN)
 *	env_end		environment strings
 *	arg_end		argument strings
 *	arg_start	"x86_64", 16 random bytes
 *			auxiliary vector, AT_NULL last
 *			envp[], NULL
 *			argv[], NULL
 *	sp		argc			16-byte aligned
 *
 * It is written once, upward, through a buffer of one page.
 */
static const char platform[] = "x86_64";

struct stack_plan {
	unsigned long execfn, env, arg, platform, random;
};

static struct stack_plan plan_stack(const struct binprm *bprm)
{
	struct stack_plan p;

	p.execfn = bprm->stack_top - 8 - (strlen(bprm->filename) + 1);
	p.env = p.execfn - bprm->env_bytes;
	p.arg = p.env - bprm->arg_bytes;
	p.platform = p.arg - sizeof(platform);
	p.random = ALIGN_DOWN(p.platform - 16, 16);
	return p;
}

int stack_layout(struct binprm *bprm)
{
	struct stack_plan plan = plan_stack(bprm);
	unsigned long words = 1 + bprm->argc + 1 + bprm->envc + 1 + 2 * NR_AUXV;
	unsigned long size;

	bprm->sp = ALIGN_DOWN(plan.random - words * sizeof(long), 16);
	size = ALIGN(bprm->stack_top - bprm->sp, PAGE_SIZE) + STACK_HEADROOM;
	return setup_stack_vma(bprm->mm, bprm->stack_top, size, bprm->stack_flags);
}

struct stack_writer {
	struct mm *mm;
	unsigned long addr; /* where buf[0] goes */
	size_t fill;
	int err;
	char *buf; /* one page */
};

static void writer_flush(struct stack_writer *w)
{
	if (!w->err && w->fill &&
	    access_remote_vm(w->mm, w->addr, w->buf, w->fill, true) != (long)w->fill)
		w->err = fatal_signal_pending(current) ? -EINTR : -ENOMEM;
	w->addr += w->fill;
	w->fill = 0;
}

/* Room in the buffer for up to n bytes: at least one. */
static size_t writer_room(struct stack_writer *w, size_t n)
{
	if (w->fill == PAGE_SIZE)
		writer_flush(w);
	return min_t(size_t, n, PAGE_SIZE - w->fill);
}

static void write_bytes(struct stack_writer *w, const void *data, size_t n)
{
	while (n && !w->err) {
		size_t part = writer_room(w, n);

		memcpy(w->buf + w->fill, data, part);
		w->fill += part;
		data = (const char *)data + part;
		n -= part;
	}
}

static void write_word(struct stack_writer *w, unsigned long word)
{
	write_bytes(w, &word, sizeof(word));
}

static void write_zeroes_to(struct stack_writer *w, unsigned long addr)
{
	static const char zeroes[64];

	while (!w->err && w->addr + w->fill < addr)
		write_bytes(w, zeroes,
			    min_t(unsigned long, sizeof(zeroes), addr - w->addr - w->fill));
}

static void write_user_string(struct stack_writer *w, const char __user *s, size_t len)
{
	size_t left = len - 1;

	while (left && !w->err) {
		size_t part = writer_room(w, left);

		if (copy_from_user(w->buf + w->fill, s, part))
			w->err = -EFAULT;
		w->fill += part;
		s += part;
		left -= part;
	}
	write_bytes(w, "", 1);
}

static void write_strings(struct stack_writer *w, const struct exec_strings *list, const u32 *lens)
{
	const char __user *u;
	const char *k;
	int i;

	for (i = 0; i < list->count && !w->err; i++) {
		w->err = exec_string(list, i, &k, &u);
		if (w->err)
			return;
		if (k)
			write_bytes(w, k, lens[i]);
		else
			write_user_string(w, u, lens[i]);
	}
}

/* Pointers to consecutive strings, and NULL. */
static void write_pointers(struct stack_writer *w, unsigned long addr, const u32 *lens, int count)
{
	int i;

	for (i = 0; i < count && !w->err; i++) {
		write_word(w, addr);
		addr += lens[i];
	}
	write_word(w, 0);
}

static void write_auxv(struct stack_writer *w, const struct binprm *bprm,
		       const struct stack_plan *plan)
{
	const struct cred *c = current->cred;
	const unsigned long auxv[2 * NR_AUXV] = {
		AT_HWCAP,	cpu_hwcap(),
		AT_PAGESZ,	PAGE_SIZE,
		AT_CLKTCK,	USER_HZ,
		AT_PHDR,	bprm->phdr_addr,
		AT_PHENT,	sizeof(struct elf64_phdr),
		AT_PHNUM,	bprm->phnum,
		AT_BASE,	bprm->interp_base,
		AT_FLAGS,	0,
		AT_ENTRY,	bprm->program_entry,
		AT_UID,		c->uid,
		AT_EUID,	bprm->suid == (u32)-1 ? c->euid : bprm->suid,
		AT_GID,		c->gid,
		AT_EGID,	bprm->sgid == (u32)-1 ? c->egid : bprm->sgid,
		AT_SECURE,	bprm->secure,
		AT_RANDOM,	plan->random,
		AT_MINSIGSTKSZ, ALIGN(fpu_sigframe_size() + SIGFRAME_FIXED + 128 + 64, 16),
		AT_EXECFN,	plan->execfn,
		AT_PLATFORM,	plan->platform,
		AT_NULL,	0,
	};

	BUILD_BUG_ON(sizeof(auxv) > sizeof(bprm->mm->saved_auxv));
	memcpy(bprm->mm->saved_auxv, auxv, sizeof(auxv));
	write_bytes(w, auxv, sizeof(auxv));
}

static void write_stack(struct stack_writer *w, struct binprm *bprm, const struct stack_plan *plan)
{
	char random[16];
	int i;

	write_word(w, bprm->argc);
	write_pointers(w, plan->arg, bprm->lens, bprm->argc);
	write_pointers(w, plan->env, bprm->lens + bprm->argc, bprm->envc);
	write_auxv(w, bprm, plan);
	write_zeroes_to(w, plan->random);
	get_random_bytes(random, sizeof(random));
	write_bytes(w, random, sizeof(random));
	write_zeroes_to(w, plan->platform);
	write_bytes(w, platform, sizeof(platform));
	for (i = 0; i < bprm->nr_prefix; i++)
		write_bytes(w, bprm->prefix[i], bprm->lens[i]);
	write_strings(w, &bprm->argv, bprm->lens + bprm->nr_prefix);
	write_strings(w, &bprm->envp, bprm->lens + bprm->argc);
	write_bytes(w, bprm->filename, strlen(bprm->filename) + 1);
	write_zeroes_to(w, bprm->stack_top);
	writer_flush(w);
}

int stack_fill(struct binprm *bprm)
{
	struct stack_plan plan = plan_stack(bprm);
	struct stack_writer w = {.mm = bprm->mm, .addr = bprm->sp};
	struct mm *mm = bprm->mm;

	mm->start_stack = bprm->sp;
	mm->arg_start = plan.arg;
	mm->arg_end = mm->env_start = plan.env;
	mm->env_end = plan.execfn;
	w.buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!w.buf)
		return -ENOMEM;
	write_stack(&w, bprm, &plan);
	kfree(w.buf);
	return w.err;
}
