; SPDX-License-Identifier: MIT
;
; How boot loaders recognise the kernel.
;
; GRUB looks for the Multiboot2 header in the first 32 KiB of the file; it asks for a linear
; framebuffer, which on UEFI is the only screen there is. A size must be named: without one GRUB
; picks 800x600 in 24 bits. The kernel takes what it gets.
;
; QEMU's -kernel looks for an ELF note "Xen", type 18, that names a 32-bit entry point (the PVH boot
; protocol). There must be no Multiboot1 header: QEMU would prefer it, and then refuse a 64-bit ELF.

bits 32

extern mb2_entry
extern pvh_entry

MB2_MAGIC		equ 0xe85250d6
MB2_ARCH_I386		equ 0
MB2_TAG_END		equ 0
MB2_TAG_INFO_REQUEST	equ 1
MB2_TAG_FRAMEBUFFER	equ 5
MB2_TAG_MODULE_ALIGN	equ 6
MB2_TAG_OPTIONAL	equ 1

section .boot.header progbits alloc noexec nowrite align=8
header:
	dd MB2_MAGIC
	dd MB2_ARCH_I386
	dd header_end - header
	dd -(MB2_MAGIC + MB2_ARCH_I386 + (header_end - header))

	align 8
; Command line, loader name, modules, memory map, framebuffer, RSDP old and new.
.request:
	dw MB2_TAG_INFO_REQUEST, MB2_TAG_OPTIONAL
	dd .request_end - .request
	dd 1, 2, 3, 6, 8, 14, 15
.request_end:
	align 8
	dw MB2_TAG_FRAMEBUFFER, MB2_TAG_OPTIONAL
	dd 20
	dd 1024, 768, 32
	align 8
	dw MB2_TAG_MODULE_ALIGN, MB2_TAG_OPTIONAL
	dd 8
	align 8
	dw MB2_TAG_END, 0
	dd 8
header_end:

section .note.pvh note alloc noexec nowrite align=4
	dd 4			; name size
	dd 4			; descriptor size
	dd 18			; XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd pvh_entry
