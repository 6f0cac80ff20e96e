/* SPDX-License-Identifier: MIT */
/*
 * Formatted text.
 *
 * The output position may run past the end of the buffer: put() then only counts. That gives
 * snprintf's return value (the length wanted) without a second pass.
 *
 * A conversion is parsed into a struct spec and printed by one of two functions: number() or
 * text(). Everything else reduces to them.
 */
#include "lib/printf.h"
#include "lib/ctype.h"
#include "lib/string.h"

int (*printf_symbol)(char *buf, size_t n, unsigned long addr);

struct out {
	char *buf;
	size_t size;
	size_t pos; /* may exceed size */
};

struct spec {
	unsigned char base;
	bool left, zero, plus, space, alt, upper, is_signed;
	int width;
	int precision; /* -1: not given */
	int length;    /* bytes of the integer argument */
};

static void put(struct out *o, char c)
{
	if (o->pos < o->size)
		o->buf[o->pos] = c;
	o->pos++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void text(struct out *o, const char *s, const struct spec *sp)
{
	int len;

	if (!s)
		s = "(null)";
	len = (int)(sp->precision >= 0 ? strnlen(s, sp->precision) : strlen(s));
	if (!sp->left)
		pad(o, ' ', sp->width - len);
	for (int i = 0; i < len; i++)
		put(o, s[i]);
	if (sp->left)
		pad(o, ' ', sp->width - len);
}

/* Digits of v, least significant first; returns how many. */
static int digits(char *tmp, u64 v, const struct spec *sp)
{
	const char *set = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;

	for (; v; v /= sp->base)
		tmp[n++] = set[v % sp->base];
	return n;
}

static void number(struct out *o, u64 v, const struct spec *sp)
{
	char tmp[24], prefix[3];
	int np = 0, nd, zeros;

	if (sp->is_signed && (s64)v < 0) {
		prefix[np++] = '-';
		v = 0 - v;
	} else if (sp->is_signed && (sp->plus || sp->space)) {
		prefix[np++] = sp->plus ? '+' : ' ';
	}
	if (sp->alt && sp->base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = sp->upper ? 'X' : 'x';
	}
	nd = digits(tmp, v, sp);
	zeros = (sp->precision >= 0 ? sp->precision : 1) - nd;
	if (zeros < 0)
		zeros = 0;
	if (sp->alt && sp->base == 8 && !zeros)
		zeros = 1;
	if (sp->zero && !sp->left && sp->precision < 0 && sp->width > np + nd + zeros)
		zeros = sp->width - np - nd;

	if (!sp->left)
		pad(o, ' ', sp->width - np - zeros - nd);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	for (int i = nd; i > 0; i--)
		put(o, tmp[i - 1]);
	if (sp->left)
		pad(o, ' ', sp->width - np - zeros - nd);
}

/* Reads the argument of an integer conversion, widened the way its type says. */
static u64 integer_arg(va_list *ap, const struct spec *sp)
{
	u64 v = sp->length == 8 ? va_arg(*ap, u64) : va_arg(*ap, unsigned int);

	switch (sp->length) {
	case 1:
		return sp->is_signed ? (u64)(s64)(s8)v : (u8)v;
	case 2:
		return sp->is_signed ? (u64)(s64)(s16)v : (u16)v;
	case 4:
		return sp->is_signed ? (u64)(s64)(s32)v : (u32)v;
	}
	return v;
}

static void pointer(struct out *o, u64 v, struct spec *sp, const char **fmt)
{
	char name[128];

	if (**fmt == 'S') {
		(*fmt)++;
		if (printf_symbol) {
			printf_symbol(name, sizeof(name), v);
			text(o, name, sp);
			return;
		}
	}
	put(o, '0');
	put(o, 'x');
	sp->base = 16;
	sp->width = 16;
	sp->zero = true;
	sp->left = false;
	sp->precision = -1;
	number(o, v, sp);
}

static int width_arg(const char **fmt, va_list *ap)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*ap, int);
	}
	while (isdigit(**fmt))
		n = n * 10 + (*(*fmt)++ - '0');
	return n;
}

/* Parses what stands between % and the conversion letter. */
static void parse_spec(const char **fmt, va_list *ap, struct spec *sp)
{
	memset(sp, 0, sizeof(*sp));
	sp->base = 10;
	sp->precision = -1;
	sp->length = 4;
	for (;; (*fmt)++) {
		switch (**fmt) {
		case '-':
			sp->left = true;
			continue;
		case '0':
			sp->zero = true;
			continue;
		case '+':
			sp->plus = true;
			continue;
		case ' ':
			sp->space = true;
			continue;
		case '#':
			sp->alt = true;
			continue;
		}
		break;
	}
	sp->width = width_arg(fmt, ap);
	if (sp->width < 0) {
		sp->left = true;
		sp->width = -sp->width;
	}
	if (**fmt == '.') {
		(*fmt)++;
		sp->precision = width_arg(fmt, ap);
	}
	for (;; (*fmt)++) {
		switch (**fmt) {
		case 'h':
			sp->length /= 2;
			continue;
		case 'l':
		case 'z':
		case 't':
		case 'j':
			sp->length = 8;
			continue;
		}
		break;
	}
}

static void convert(struct out *o, const char **fmt, va_list *ap)
{
	struct spec sp;
	char one[2] = "";

	parse_spec(fmt, ap, &sp);
	switch (*(*fmt)++) {
	case 'd':
	case 'i':
		sp.is_signed = true;
		break;
	case 'u':
		break;
	case 'X':
		sp.upper = true;
		fallthrough;
	case 'x':
		sp.base = 16;
		break;
	case 'o':
		sp.base = 8;
		break;
	case 'c':
		one[0] = (char)va_arg(*ap, int);
		pad(o, ' ', sp.left ? 0 : sp.width - 1);
		put(o, one[0]);
		pad(o, ' ', sp.left ? sp.width - 1 : 0);
		return;
	case 's':
		text(o, va_arg(*ap, const char *), &sp);
		return;
	case 'p':
		pointer(o, (u64)(uintptr_t)va_arg(*ap, void *), &sp, fmt);
		return;
	case '%':
		put(o, '%');
		return;
	case '\0':
		(*fmt)--;
		return;
	default: /* show what was not understood */
		put(o, '%');
		put(o, (*fmt)[-1]);
		return;
	}
	number(o, integer_arg(ap, &sp), &sp);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = {.buf = buf, .size = size};
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%') {
			fmt++;
			convert(&o, &fmt, &args);
		} else {
			put(&o, *fmt++);
		}
	}
	va_end(args);
	if (size)
		buf[o.pos < size ? o.pos : size - 1] = '\0';
	return (int)o.pos;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if ((size_t)n < size)
		return n;
	return size ? (int)size - 1 : 0;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
