/* SPDX-License-Identifier: MIT */
/*
 * The switches of mm/sabotage.h: which of them is on.
 *
 * One number, read where a rule is kept and written by whoever tests the tests: the command line,
 * the host's test program, /proc/verso/mm. Nothing orders the store before what other CPUs do; a
 * test throws its switch before it begins.
 */
#ifdef CONFIG_DEBUG

#include "mm/sabotage.h"
#include "kernel/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"

enum sabotage sabotage_active;

static const struct {
	const char *name, *rule;
} switches[NR_SABOTAGES] = {
#define SABOTAGE_ROW(switch_name, switch_rule) \
	[SABOTAGE_##switch_name] = {.name = #switch_name, .rule = switch_rule},
	SABOTAGES(SABOTAGE_ROW)
#undef SABOTAGE_ROW
};

bool sabotage_describe(unsigned int i, const char **name, const char **rule)
{
	if (i == SABOTAGE_NONE || i >= NR_SABOTAGES)
		return false;
	*name = switches[i].name;
	*rule = switches[i].rule;
	return true;
}

int sabotage_set(const char *name, bool on)
{
	for (unsigned int i = SABOTAGE_NONE + 1; i < NR_SABOTAGES; i++) {
		if (strcmp(switches[i].name, name))
			continue;
		if (on)
			WRITE_ONCE(sabotage_active, i);
		else if (sabotage_active == i)
			WRITE_ONCE(sabotage_active, SABOTAGE_NONE);
		return 0;
	}
	return -EINVAL;
}

static int sabotage_param(const char *name)
{
	return sabotage_set(name, true);
}
CMDLINE_PARAM("sabotage", sabotage_param);

#endif /* CONFIG_DEBUG */
