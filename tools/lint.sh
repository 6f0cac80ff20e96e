#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `make lint`: formatting, sparse (address spaces and lock contexts), cppcheck, and clang without a warning. gcc's build with
# warnings as errors is a job of its own in `make test`. Each check prints nothing when it is clean.
#
# usage: tools/lint.sh [format|sparse|cppcheck|clang]...
set -u
cd "$(dirname "$0")/.." || exit 1

kernel_sources() {
	git ls-files 'arch/*.c' 'kernel/*.c' 'mm/*.c' 'lib/*.c' 'tests/kernel/*.c'
}

all_sources() {
	git ls-files '*.c' '*.h'
}

clean_if_silent() { # NAME, then the output to judge on standard input
	out=$(cat)
	if [ -n "$out" ]; then
		printf '%s\n' "$out"
		printf 'lint: %s: NOT CLEAN\n' "$1"
		return 1
	fi
	printf 'lint: %s: clean\n' "$1"
}

format() {
	all_sources | xargs -r -n 40 clang-format --dry-run 2>&1 | clean_if_silent clang-format
}

sparse_each() {
	xargs -r -n 1 -P 2 sparse -std=gnu11 -nostdinc -isystem "$(gcc -print-file-name=include)" -I. -m64 -ffreestanding \
		-DCONFIG_DEBUG=1 -Wsparse-error -Wno-sparse-all -Waddress-space -Wcast-from-as -Wnon-pointer-null -Wbitwise \
		-Wno-decl "$@" 2>&1
}

# The kernel's own tests try and misuse locks on purpose, which no static check can follow.
check_sparse() {
	{
		kernel_sources | grep -v '^tests/' | sparse_each -Wcontext
		kernel_sources | grep '^tests/' | sparse_each -Wno-context
	} | clean_if_silent sparse
}

check_cppcheck() {
	mkdir -p build/cppcheck
	cppcheck --quiet -j 2 --std=c11 --platform=unix64 -I. -D__x86_64__ -DCONFIG_DEBUG --max-configs=1 \
		--cppcheck-build-dir=build/cppcheck --enable=warning,performance,portability \
		--suppressions-list=tools/cppcheck.txt --inline-suppr arch kernel mm lib user 2>&1 | clean_if_silent cppcheck
}

check_clang() {
	{
		make --no-print-directory -s -j2 CC=clang O=build/clang CI=1 kernel 2>&1 >/dev/null
		make --no-print-directory -s -j2 CC=clang O=build/clang-debug DEBUG=1 CI=1 kernel 2>&1 >/dev/null
	} | clean_if_silent clang
}

status=0
for check in ${*:-format sparse cppcheck clang}; do
	case $check in
	format) format ;;
	sparse) check_sparse ;;
	cppcheck) check_cppcheck ;;
	clang) check_clang ;;
	*) echo "lint: unknown check $check" >&2; exit 2 ;;
	esac || status=1
done
exit $status
