#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Write the ISO to a USB stick. With no device it explains; with one it shows what the device is, and writes only when
# it is removable, not in use, and the person says yes.
#
# usage: tools/usb.sh ISO [DEVICE]
set -eu

iso=${1:?usage: tools/usb.sh ISO [DEVICE]}
device=${2:-}

fail() {
	printf 'usb: %s\n' "$1" >&2
	exit 1
}

removable_disks() {
	for disk in /sys/block/*; do
		name=${disk##*/}
		[ "$(cat "$disk/removable" 2>/dev/null)" = 1 ] || continue
		[ "$(cat "$disk/size")" != 0 ] || continue
		describe "$name"
	done
}

describe() {
	sectors=$(cat "/sys/block/$1/size")
	model=$(cat "/sys/block/$1/device/model" 2>/dev/null || echo "unknown model")
	printf '  /dev/%-8s %s MiB, %s\n' "$1" "$((sectors / 2048))" "$model"
}

if [ -z "$device" ]; then
	cat <<TXT
The ISO is also the image of a USB stick: BIOS and UEFI start from it. Everything on the stick is overwritten.

  make usb DEVICE=/dev/sdX      writes it, after showing the device and asking

Removable disks here:
TXT
	disks=$(removable_disks)
	printf '%s\n' "${disks:-  none}"
	echo
	echo "On the PC, switch Secure Boot off: the image is not signed."
	exit 0
fi

name=${device##*/}
[ -b "$device" ] || fail "$device is not a block device: name the whole stick, as /dev/sdb."
[ -d "/sys/block/$name" ] || fail "$device is a partition or no disk: name the whole stick, as /dev/sdb."
[ "$(cat "/sys/block/$name/removable")" = 1 ] || fail "$device is not removable, so nothing is written to it."
if grep -q "^$device" /proc/mounts; then
	fail "$device is mounted: unmount it first."
fi
[ "$(($(cat "/sys/block/$name/size") * 512))" -ge "$(stat -c %s "$iso")" ] || fail "$device is smaller than the image."
[ -w "$device" ] || fail "$device cannot be written by you: run it as root."
echo "Everything on this device will be overwritten:"
describe "$name"
[ -t 0 ] || fail "there is no terminal to ask on, so nothing was written."
printf 'Type yes to go on: '
read -r answer
[ "$answer" = yes ] || fail "nothing was written."
dd if="$iso" of="$device" bs=4M conv=fsync status=progress
echo "Done: $device now starts Verso."
