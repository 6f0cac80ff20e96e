// SPDX-License-Identifier: MIT
/*
 * What a core file is called: core_pattern, with what follows a % replaced as on Linux.
 *
 *	%p %P	the process		%u %g	its user and group	%s	the signal
 *	%i %I	the thread		%d	may it be looked into?	%c	RLIMIT_CORE
 *	%h	the machine		%t	the time		%%	a %
 *	%e	the thread's name	%f %E	the program's file, its whole path
 *
 * A name that the program gave itself must not lead elsewhere: what a letter stands for is never
 * empty, "." or "..", and has ! where it had a slash.
 */
#include "kernel/coredump_internal.h"
#include "kernel/cred.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/super.h"
#include "kernel/sys_info.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"

char core_pattern[CORE_PATTERN_SIZE] = "core";
int core_uses_pid;

struct core_name {
	char *buf;
	size_t size, n;
};

static __printf(2, 3) void put(struct core_name *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	name->n += (size_t)vscnprintf(name->buf + name->n, name->size - name->n, format, args);
	va_end(args);
}

/* A part that may say anything. */
static void put_word(struct core_name *name, const char *word)
{
	char *begin = name->buf + name->n;

	if (!*word || !strcmp(word, ".") || !strcmp(word, "..")) {
		put(name, "!%s", *word ? word + 1 : "");
		return;
	}
	put(name, "%s", word);
	for (char *p = begin; *p; p++)
		if (*p == '/')
			*p = '!';
}

/* The file of the program, or all of its path. Where there is none: the thread's name. */
static void put_program(struct core_name *name, bool whole_path)
{
	struct mm *mm = current->mm;
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *path = NULL, *last;
	struct file *file;

	mmap_read_lock(mm);
	file = vm_file_to_file(mm->exe_file);
	if (file && buf)
		path = d_path(&file->f_path, buf, PATH_MAX);
	mmap_read_unlock(mm);
	if (IS_ERR_OR_NULL(path)) {
		put_word(name, current->comm);
	} else {
		last = strrchr(path, '/');
		put_word(name, whole_path || !last ? path : last + 1);
	}
	kfree(buf);
}

static void put_letter(struct core_name *name, char letter, int sig)
{
	switch (letter) {
	case '%':
		put(name, "%%");
		break;
	case 'p':
	case 'P':
		put(name, "%d", current->tgid);
		break;
	case 'i':
	case 'I':
		put(name, "%d", current->pid);
		break;
	case 'u':
		put(name, "%u", current_uid());
		break;
	case 'g':
		put(name, "%u", current_cred()->gid);
		break;
	case 'd':
		put(name, "%d", !test_bit(MMF_NOT_DUMPABLE, &current->mm->flags));
		break;
	case 's':
		put(name, "%d", sig);
		break;
	case 't':
		put(name, "%llu", ktime_get_real_ns() / NSEC_PER_SEC);
		break;
	case 'c':
		put(name, "%lu", rlimit_of(current->signal, RLIMIT_CORE));
		break;
	case 'h':
		put_word(name, system_utsname.nodename);
		break;
	case 'e':
		put_word(name, current->comm);
		break;
	case 'f':
	case 'E':
		put_program(name, letter == 'E');
		break;
	}
}

void coredump_name(char *buf, size_t size, int sig)
{
	struct core_name name = {buf, size, 0};
	bool pid = false;

	*buf = '\0';
	for (const char *p = core_pattern; *p; p++) {
		if (*p != '%') {
			put(&name, "%c", *p);
		} else if (p[1]) {
			put_letter(&name, *++p, sig);
			pid |= *p == 'p';
		}
	}
	if (core_uses_pid && !pid)
		put(&name, ".%d", current->tgid);
}
