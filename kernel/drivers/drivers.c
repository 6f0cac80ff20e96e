// SPDX-License-Identifier: MIT
/*
 * The order in which the drivers come up. hostio goes first, because it may claim the second serial
 * port; the screen goes before the keyboard, which types into it.
 */

#include "kernel/drivers/block/block.h"
#include "kernel/drivers/drivers.h"
#include "kernel/drivers/hostio.h"
#include "kernel/drivers/pci.h"
#include "kernel/drivers/pci_slot.h"
#include "kernel/drivers/screen.h"
#include "kernel/drivers/serial.h"
#include "kernel/drivers/pty.h"
#include "kernel/drivers/tty.h"

void drivers_init(void)
{
	struct tty_struct *screen;

	tty_core_init();
	pty_init();
	hostio_init();
	serial_tty_init();
	screen = screen_tty_init();
	if (screen)
		keyboard_init(screen);
	pci_init();
	virtio_blk_init();
	ahci_init();
	nvme_init();
	pci_slots_init();
}
