// SPDX-License-Identifier: MIT
/*
 * Which devices are the console. See console.h for the rules; this file reads `console=`.
 *
 * The option is read before there is memory, terminals or even a probed UART, so the names are only
 * remembered. Every driver asks console_wanted() when it has found its device, and /dev/console is
 * looked up when it is opened.
 */

#include "kernel/cmdline.h"
#include "kernel/drivers/console.h"
#include "kernel/drivers/tty.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MAX_CONSOLES 8
#define NAME_SIZE    32

static char console_names[MAX_CONSOLES][NAME_SIZE];
static int nr_consoles;

static int console_option(const char *value)
{
	if (!*value || nr_consoles == MAX_CONSOLES)
		return -EINVAL;
	strscpy(console_names[nr_consoles++], value, NAME_SIZE);
	return 0;
}
CMDLINE_PARAM("console", console_option);

static bool same_console(const char *option, const char *name)
{
	size_t n = strlen(name);

	if (!strncmp(option, name, n) && (!option[n] || option[n] == ','))
		return true;
	return !strcmp(name, "tty0") && !strcmp(option, "tty1");
}

bool console_wanted(const char *name, char *options, size_t size)
{
	const char *comma;
	int i;

	if (options)
		options[0] = '\0';
	if (!nr_consoles)
		return !strcmp(name, "tty0") || !strcmp(name, "ttyS0");
	for (i = nr_consoles - 1; i >= 0; i--) {
		if (!same_console(console_names[i], name))
			continue;
		comma = strchr(console_names[i], ',');
		if (options && comma)
			strscpy(options, comma + 1, size);
		return true;
	}
	return false;
}

static struct tty_struct *named_tty(const char *option)
{
	char name[NAME_SIZE];
	char *comma;

	strscpy(name, option, sizeof(name));
	comma = strchr(name, ',');
	if (comma)
		*comma = '\0';
	return tty_find(strcmp(name, "tty0") ? name : "tty1");
}

struct tty_struct *console_tty(void)
{
	struct tty_struct *tty;
	int i;

	for (i = nr_consoles - 1; i >= 0; i--) {
		tty = named_tty(console_names[i]);
		if (tty)
			return tty;
	}
	tty = tty_find("tty1");
	return tty ? tty : tty_next(NULL);
}
