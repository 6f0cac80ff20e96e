/* SPDX-License-Identifier: MIT */
/* What the files that write core files share. The picture is in coredump.c. */
#ifndef KERNEL_COREDUMP_INTERNAL_H
#define KERNEL_COREDUMP_INTERNAL_H

#include "kernel/completion.h"
#include "kernel/coredump.h"
#include "lib/atomic.h"
#include "lib/types.h"

struct file;
struct mm;
struct task;

/* signal->core_state while a core file is being written. (s) siglock. */
struct core_state {
	atomic_t users;		      /* who still looks at it; the last one frees it */
	unsigned int missing;	      /* (s) threads that have yet to park */
	struct completion all_parked; /* missing has become 0 */
	struct completion done;	      /* the file is written: go on */
	struct core_thread *threads;  /* (s) those parked */
};

struct core_thread {
	struct task *task;
	struct core_thread *next;
};

/* One VMA of the file. */
struct core_vma {
	unsigned long start, end, flags, pgoff;
	unsigned long dump; /* bytes of it that are written */
	bool sparse;	    /* private memory: pages that are not there are zeroes */
	bool headers_only;  /* the page is wanted if it begins an ELF file */
	u32 name;	    /* of the mapped file: offset in `names`; 0: none */
};

struct coredump {
	struct core_state state; /* first */
	const siginfo_t *info;
	struct core_vma *vmas;
	unsigned int nr_vmas, nr_files;
	char *names; /* of mapped files, one after the other, from offset 1 on */
	size_t names_len, names_size;
	char *notes;
	size_t notes_len, notes_size;
	struct file *file;
	loff_t pos, limit;
	int error;
};

/* coredump_name.c: what the file of a process that dies of a signal is called. */
void coredump_name(char *buf, size_t size, int sig);

/* coredump_notes.c: all notes, into cd->notes. An error goes to cd->error. */
void coredump_add_notes(struct coredump *cd, struct mm *mm);

#endif
