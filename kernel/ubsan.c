/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls when a debug kernel (-fsanitize=undefined) does something that C leaves
 * undefined. Each handler gets a record that the compiler laid down at the place, and panics with
 * file, line and what was wrong. The record layouts are those of LLVM's compiler-rt, which gcc
 * shares.
 */
#ifdef CONFIG_DEBUG

#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/types.h"

struct source_location {
	const char *file;
	u32 line, column;
};

struct type_descriptor {
	u16 kind, info;
	char name[];
};

/* Every record begins with a location; those that name types have them next. */
struct ubsan_data {
	struct source_location at;
	const struct type_descriptor *type, *type2;
};

struct pointer_data {
	struct source_location at;
	const struct type_descriptor *type;
	u8 log_alignment, kind;
};

static void __noreturn report(const struct source_location *at, const char *what)
{
	panic("undefined behaviour: %s, at %s:%u:%u", what, at->file, at->line, at->column);
}

#define HANDLER(name, ...)                       \
	void __ubsan_handle_##name(__VA_ARGS__); \
	void __ubsan_handle_##name(__VA_ARGS__)

HANDLER(add_overflow, struct ubsan_data *data, unsigned long a, unsigned long b)
{
	report(&data->at, "addition overflows");
}

HANDLER(sub_overflow, struct ubsan_data *data, unsigned long a, unsigned long b)
{
	report(&data->at, "subtraction overflows");
}

HANDLER(mul_overflow, struct ubsan_data *data, unsigned long a, unsigned long b)
{
	report(&data->at, "multiplication overflows");
}

HANDLER(negate_overflow, struct ubsan_data *data, unsigned long a)
{
	report(&data->at, "negation overflows");
}

HANDLER(divrem_overflow, struct ubsan_data *data, unsigned long a, unsigned long b)
{
	report(&data->at, "division by zero, or overflows");
}

HANDLER(shift_out_of_bounds, struct ubsan_data *data, unsigned long a, unsigned long b)
{
	pr_emerg("shift of %lx by %lu\n", a, b);
	report(&data->at, "shift out of bounds");
}

HANDLER(out_of_bounds, struct ubsan_data *data, unsigned long index)
{
	pr_emerg("index %ld into %s\n", (long)index, data->type->name);
	report(&data->at, "array index out of bounds");
}

HANDLER(load_invalid_value, struct ubsan_data *data, unsigned long value)
{
	pr_emerg("value %lu in %s\n", value, data->type->name);
	report(&data->at, "invalid value");
}

HANDLER(type_mismatch_v1, struct pointer_data *data, unsigned long pointer)
{
	pr_emerg("access to %s at %lx\n", data->type->name, pointer);
	report(&data->at, pointer ? "misaligned or short object" : "null pointer");
}

HANDLER(pointer_overflow, struct ubsan_data *data, unsigned long base, unsigned long result)
{
	pr_emerg("pointer %lx becomes %lx\n", base, result);
	report(&data->at, "pointer arithmetic overflows");
}

HANDLER(vla_bound_not_positive, struct ubsan_data *data, unsigned long bound)
{
	report(&data->at, "array of no or negative length");
}

HANDLER(nonnull_arg, struct ubsan_data *data)
{
	report(&data->at, "null passed for an argument that may not be");
}

HANDLER(nonnull_return_v1, struct ubsan_data *data, struct source_location *at)
{
	report(at, "null returned by a function that may not");
}

HANDLER(invalid_builtin, struct ubsan_data *data)
{
	report(&data->at, "builtin called with an invalid argument");
}

HANDLER(builtin_unreachable, struct ubsan_data *data)
{
	report(&data->at, "reached unreachable code");
}

HANDLER(missing_return, struct ubsan_data *data)
{
	report(&data->at, "function ends without returning a value");
}

HANDLER(function_type_mismatch, struct ubsan_data *data, unsigned long function)
{
	report(&data->at, "call through a pointer of the wrong type");
}

#endif /* CONFIG_DEBUG */
