/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line (kernel/cmdline.h has its grammar).
 *
 * The text is split once into words, in place in a copy; later questions walk the words. A word is
 * NAME or NAME=VALUE; a double quote anywhere toggles whether blanks split, and is itself dropped.
 */
#define pr_fmt(fmt) "command line: " fmt
#include "kernel/cmdline.h"
#include "kernel/boot_info.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MAX_WORDS 128

extern const struct cmdline_param __cmdline_params_start[], __cmdline_params_end[];

static char given[BOOT_CMDLINE_SIZE];
static char text[BOOT_CMDLINE_SIZE];
static char *words[MAX_WORDS];
static int nr_words;	  /* words for the kernel */
static int nr_init_words; /* words behind "--", after those */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Cut the next word out of *@pos, dropping its quotes. NULL at the end. */
static char *next_word(char **pos)
{
	char *in = *pos, *out, *word;
	bool quoted = false;

	while (is_blank(*in))
		in++;
	if (!*in)
		return NULL;
	for (word = out = in; *in && (quoted || !is_blank(*in)); in++) {
		if (*in == '"')
			quoted = !quoted;
		else
			*out++ = *in;
	}
	*pos = *in ? in + 1 : in;
	*out = '\0';
	return word;
}

static void split(void)
{
	char *pos = text, *word;
	bool for_init = false;

	while ((word = next_word(&pos))) {
		if (!for_init && !strcmp(word, "--")) {
			for_init = true;
		} else if (nr_words + nr_init_words == MAX_WORDS) {
			pr_warn("more than %d words, the rest is ignored\n", MAX_WORDS);
			return;
		} else {
			words[nr_words + nr_init_words] = word;
			if (for_init)
				nr_init_words++;
			else
				nr_words++;
		}
	}
}

/* The value in @word if its name is @name: "" when it has none; else NULL. */
static const char *value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len))
		return NULL;
	if (word[len] == '=')
		return word + len + 1;
	return word[len] ? NULL : word + len;
}

static bool for_somebody_else(const char *word)
{
	const char *end = strchr(word, '=');
	const char *dot = strchr(word, '.');

	return dot && (!end || dot < end);
}

static void apply(const char *word)
{
	const struct cmdline_param *param;
	bool known = for_somebody_else(word) || value_of(word, "BOOT_IMAGE");

	for (param = __cmdline_params_start; param < __cmdline_params_end; param++) {
		const char *value = value_of(word, param->name);

		if (!value)
			continue;
		known = true;
		if (param->set(value))
			pr_warn("\"%s\": the value is not understood; ignored\n", word);
	}
	if (!known)
		pr_warn("unknown option \"%s\"; ignored\n", word);
}

void cmdline_parse(const char *cmdline)
{
	int i;

	strscpy(given, cmdline, sizeof(given));
	strscpy(text, cmdline, sizeof(text));
	split();
	for (i = 0; i < nr_words; i++)
		apply(words[i]);
}

int cmdline_get(const char *name, char *buf, size_t size)
{
	int i;

	for (i = nr_words - 1; i >= 0; i--) {
		const char *value = value_of(words[i], name);

		if (value) {
			strscpy(buf, value, size);
			return (int)strlen(buf);
		}
	}
	return -ENOENT;
}

int cmdline_for_each(const char *name, int (*fn)(const char *value))
{
	int i, ret = 0;

	for (i = 0; i < nr_words && !ret; i++) {
		const char *value = value_of(words[i], name);

		if (value)
			ret = fn(value);
	}
	return ret;
}

const char *cmdline_text(void)
{
	return given;
}

int cmdline_init_args(const char **argv, int max)
{
	int i, n = 0;

	for (i = 0; i < nr_init_words && n < max - 1; i++)
		argv[n++] = words[nr_words + i];
	argv[n] = NULL;
	return n;
}
