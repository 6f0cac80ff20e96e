/* SPDX-License-Identifier: MIT */
/*
 * A program on its way to being executed: what exec.c collects and elf.c turns into an address
 * space.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct file;
struct mm;

#define BINPRM_BUF_SIZE	  256
#define BINPRM_MAX_PREFIX 16

/* argv or envp: of user space, or (kernel_execve) of the kernel. */
struct exec_strings {
	const char *const *kernel;
	const char __user *const __user *user;
	int skip;  /* the first ones that a script's prefix replaces */
	int count; /* without those */
};

struct binprm {
	struct file *file;	   /* what is loaded: the program, or the interpreter of a script */
	char buf[BINPRM_BUF_SIZE]; /* its first bytes, zero-filled */
	const char *filename;	   /* as execve named it */
	char *script_name;	   /* /dev/fd/N/..., if execveat named it by a descriptor; kfree */
	char *prefix
		[BINPRM_MAX_PREFIX]; /* arguments before argv: interpreter, its option, script; kfree */
	int nr_prefix;
	struct exec_strings argv, envp;
	u32 *lens; /* of all strings, with NUL, in stack order */
	size_t lens_size;
	int argc, envc;
	unsigned long arg_bytes, env_bytes;
	u32 suid, sgid; /* owner of a set-id file, or -1 */
	bool secure;	/* AT_SECURE */

	struct mm *mm; /* the address space under construction */
	unsigned long stack_top;
	unsigned long sp;	   /* where the program will find argc */
	unsigned long stack_flags; /* VM_EXEC or 0 */
	unsigned long entry;	   /* first instruction: the program's, or its loader's */
	unsigned long phdr_addr, phnum, program_entry, interp_base; /* for the auxiliary vector */
};

/* Check that bprm->buf starts an ELF file that runs here. 0 or -ENOEXEC. */
int elf_check(const struct binprm *bprm);
/*
 * Map program and loader into bprm->mm. 0, -ENOEXEC, -ENOMEM, -EIO, errors of opening the loader.
 */
int elf_load(struct binprm *bprm);
/*
 * Lay out and fill the initial stack: arguments, environment, auxiliary vector. 0, -EFAULT,
 * -ENOMEM, -E2BIG.
 */
int stack_layout(struct binprm *bprm);
int stack_fill(struct binprm *bprm);
/* The i-th string of a list: its kernel address, or its user address in *user. 0, -EFAULT. */
int exec_string(const struct exec_strings *list, int i, const char **kernel,
		const char __user **user);

/* Randomise addresses: 0 nothing, 1 mmap base, stack and program, 2 also brk. */
extern int randomize_va_space;
/* /proc/sys/vm: mappings are placed from the bottom up. */
extern int legacy_va_layout;
/* A random multiple of a page below 2^bits pages, or 0 when nothing is to be random. */
unsigned long exec_random(unsigned int bits);
