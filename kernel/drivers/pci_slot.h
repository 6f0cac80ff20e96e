/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_PCI_SLOT_H
#define KERNEL_DRIVERS_PCI_SLOT_H

/* pci_slots_init - watch the hot-plug slots. Process context, once, after the drivers are up. */
void pci_slots_init(void);

#endif /* KERNEL_DRIVERS_PCI_SLOT_H */
