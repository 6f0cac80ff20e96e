#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run every test program of a folder, on Linux or on Verso alike, and count. A test program prints what it checks,
# `ok NAME` or `FAILED NAME: why`, and exits with 0 or 1; a program that ends any other way counts as one failure.
#
# usage: run-all.sh FOLDER
folder=${1:?usage: run-all.sh FOLDER}
passed=0 failed=0
for test in "$folder"/*; do
	name=${test##*/}
	case $name in
	*.sh | *.d | pressure | helper_*) continue ;;
	esac
	[ -x "$test" ] || continue
	"$test" </dev/null
	status=$?
	if [ $status = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED program $name: status $status"
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
