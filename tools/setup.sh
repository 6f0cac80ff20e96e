#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Find what is missing on this machine for a set of Verso's commands, say what will be installed and why, and install it
# through the system's package manager. When all is there, nothing happens and nothing is printed.
#
# usage: tools/setup.sh build|run|debug|test
#
# On Debian and Ubuntu it installs as root or with sudo, asks when there is a terminal, and goes on when there is none. On
# another system it prints the list.
set -u

set_name=${1:?usage: tools/setup.sh build|run|debug|test}
missing=

# need PACKAGE PROOF WHY: PROOF is a command, or a file when it begins with a slash.
need() {
	case $2 in
	/*) [ -e "$2" ] && return ;;
	*) command -v "$2" >/dev/null 2>&1 && return ;;
	esac
	missing="$missing $1"
	printf '  %-22s %s\n' "$1" "$3" >&2
}

{
	need gcc gcc "compiles the kernel"
	need binutils ld "links it"
	need nasm nasm "assembles the boot code"
	need python3 python3 "runs the tools"
	need musl-tools musl-gcc "compiles the programs of user/"
	need console-setup-linux /usr/share/consolefonts/Uni2-VGA16.psf.gz "the font of the framebuffer console"
}
case $set_name in
run | debug | test)
	need qemu-system-x86 qemu-system-x86_64 "the machine that Verso runs on"
	need busybox-static /bin/busybox "the shell in the image"
	need grub-common grub-mkrescue "makes the ISO"
	need grub-pc-bin /usr/lib/grub/i386-pc/moddep.lst "boots it on BIOS"
	need grub-efi-amd64-bin /usr/lib/grub/x86_64-efi/moddep.lst "boots it on UEFI"
	need xorriso xorriso "writes the ISO"
	need mtools mcopy "writes the UEFI partition in it"
	;;
esac
case $set_name in
debug | test) need gdb gdb "the debugger behind make debug" ;;
esac
case $set_name in
test)
	need libc6-dev /usr/include/stdio.h "the C library of the host tests"
	need ovmf /usr/share/OVMF/OVMF_CODE_4M.fd "UEFI firmware for QEMU"
	need git git "lists the sources to lint"
	need clang clang "the second compiler"
	need clang-format clang-format "checks the formatting"
	need sparse sparse "checks address spaces and lock contexts"
	need cppcheck cppcheck "checks the code"
	need lz4 lz4 "the oracle of the compression tests"
	need util-linux /sbin/mkswap "makes the swap areas of the disk tests"
	need stress-ng stress-ng "stresses memory, to see whether Verso keeps it"
	;;
esac
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	printf 'Verso needs the programs above. This system has no apt-get: install their equivalents of\n %s\nand start again.\n' \
		"$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		printf 'Verso needs the packages above. As root, run:\n  apt-get install%s\n' "$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
printf 'Verso needs the packages above and will install them with apt-get:%s\n' "$missing" >&2
if [ -t 0 ]; then
	printf 'Go on? [Y/n] ' >&2
	read -r answer
	case $answer in
	n* | N*) echo "Nothing was installed." >&2; exit 1 ;;
	esac
fi
# shellcheck disable=SC2086
$sudo apt-get update -qq >&2 &&
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >&2 || {
	printf 'apt-get could not install them. Its last lines above say why; when they are in place, start again.\n' >&2
	exit 1
}
