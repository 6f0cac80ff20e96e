/* SPDX-License-Identifier: MIT */
/*
 * Numbers out of text.
 *
 * One scanner does the digits and notes overflow; the public functions differ only in what they
 * accept around them.
 */
#include "lib/kstrto.h"
#include "lib/compiler.h"
#include "lib/ctype.h"
#include "lib/errno.h"
#include "lib/string.h"

static int digit_value(char c)
{
	if (isdigit(c))
		return c - '0';
	if (isalpha(c))
		return tolower(c) - 'a' + 10;
	return 99;
}

/* Reads digits from s into *val; returns the first character after them, s if there are none. */
static const char *scan(const char *s, unsigned int base, unsigned long *val, bool *overflow)
{
	const char *p = s;

	*val = 0;
	*overflow = false;
	if (s[0] == '0' && tolower(s[1]) == 'x' && (base == 0 || base == 16) && isxdigit(s[2])) {
		base = 16;
		p = s + 2;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	for (; digit_value(*p) < (int)base; p++) {
		if (check_mul_overflow(*val, (unsigned long)base, val) ||
		    check_add_overflow(*val, (unsigned long)digit_value(*p), val))
			*overflow = true;
	}
	return p;
}

int kstrtoul(const char *s, unsigned int base, unsigned long *out)
{
	const char *digits = *s == '+' ? s + 1 : s, *end;
	unsigned long val;
	bool overflow;

	end = scan(digits, base, &val, &overflow);
	if (end == digits)
		return -EINVAL;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*out = val;
	return 0;
}

int kstrtol(const char *s, unsigned int base, long *out)
{
	unsigned long val;
	bool negative = *s == '-';
	int err;

	if (negative && s[1] == '+')
		return -EINVAL;
	err = kstrtoul(negative ? s + 1 : s, base, &val);
	if (err)
		return err;
	if (val > (unsigned long)LONG_MAX + negative)
		return -ERANGE;
	*out = negative ? (long)(0 - val) : (long)val;
	return 0;
}

int kstrtoint(const char *s, unsigned int base, int *out)
{
	long val;
	int err = kstrtol(s, base, &val);

	if (err)
		return err;
	if (val < INT_MIN || val > INT_MAX)
		return -ERANGE;
	*out = (int)val;
	return 0;
}

int kstrtobool(const char *s, bool *out)
{
	static const char *const yes[] = {"1", "y", "Y", "yes", "on"};
	static const char *const no[] = {"0", "n", "N", "no", "off"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(s, yes[i]) || !strcmp(s, no[i])) {
			*out = !strcmp(s, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

unsigned long simple_strtoul(const char *s, char **end, unsigned int base)
{
	unsigned long val;
	bool overflow;
	const char *p = scan(s, base, &val, &overflow);

	if (end)
		*end = (char *)(uintptr_t)p;
	return overflow ? ULONG_MAX : val;
}

unsigned long memparse(const char *s, char **end)
{
	char *p;
	unsigned long val = simple_strtoul(s, &p, 0);
	unsigned int shift = 0;

	switch (toupper(*p)) {
	case 'T':
		shift = 40;
		break;
	case 'G':
		shift = 30;
		break;
	case 'M':
		shift = 20;
		break;
	case 'K':
		shift = 10;
		break;
	}
	if (shift)
		p++;
	if (end)
		*end = p;
	return val > (ULONG_MAX >> shift) ? ULONG_MAX : val << shift;
}
