/* SPDX-License-Identifier: MIT */
/*
 * /proc/verso/mm: what its two files share. docs/instruments.md is the manual.
 */
#ifndef KERNEL_FS_PROC_VERSO_H
#define KERNEL_FS_PROC_VERSO_H

#include "kernel/fs/seq_file.h"
#include "lib/compiler.h"
#include "lib/types.h"

/* One open file. */
struct verso_file {
	struct mutex lock;	/* one command at a time */
	struct seq_file answer; /* to what was written last */
	size_t read;		/* bytes of it that have been read */
	bool failing;		/* it has let allocations fail, and not ended that */
};

#define VERSO_MAX_WORDS 6

/* A command, and what it takes. argv[0] is its name. The answer goes to vf->answer. */
struct verso_command {
	const char *name;
	const char *usage;
	const char *what;
	void (*run)(struct verso_file *vf, int argc, char **argv);
};

/* Commands about pages and mappings (proc_verso_mm.c). Ends with a NULL name. */
extern const struct verso_command verso_mm_commands[];

/** verso_answer() - add to the answer; printf. */
#define verso_answer(vf, ...) seq_printf(&(vf)->answer, __VA_ARGS__)
/** verso_error() - the same, as an error. */
#define verso_error(vf, ...)                   \
	do {                                   \
		verso_answer(vf, "error: ");   \
		verso_answer(vf, __VA_ARGS__); \
	} while (0)

/** verso_number() - a word as a number, decimal or 0x...; false after an error was answered. */
bool verso_number(struct verso_file *vf, const char *word, unsigned long *value);

/** verso_usage() - answer how the command is used. */
void verso_usage(struct verso_file *vf, const char *name);

#endif
