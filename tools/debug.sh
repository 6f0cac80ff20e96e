#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Start QEMU stopped at its first instruction and attach GDB with Verso's helpers (tools/gdb/verso.py). The console goes to
# a log file, since GDB has the terminal. QEMU ends with GDB.
#
# usage: tools/debug.sh KERNEL ISO MEM CPUS
set -eu

kernel=$1 iso=$2 mem=$3 cpus=$4
folder=$(mktemp -d)
log=$(dirname "$kernel")/debug-console.log
qemu-system-x86_64 -m "$mem" -smp "$cpus" -accel tcg,thread=single -cpu max -no-reboot -nodefaults -display none \
	-serial "file:$log" -cdrom "$iso" -S -chardev "socket,id=gdb,path=$folder/gdb,server=on,wait=off" -gdb chardev:gdb &
machine=$!
trap 'kill $machine 2>/dev/null || true; rm -rf "$folder"' EXIT INT TERM
while [ ! -S "$folder/gdb" ]; do
	kill -0 $machine 2>/dev/null || exit 1
	sleep 0.1
done
echo "The machine is stopped at its first instruction; its console goes to $log."
echo "Try: hbreak kernel_main, continue, verso-tasks, verso-vmas, verso-rmap PFN"
gdb -q -ex "set confirm off" -ex "target remote $folder/gdb" -x "$(dirname "$0")/gdb/verso.py" "$kernel"
