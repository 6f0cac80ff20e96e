; SPDX-License-Identifier: MIT
;
; Where a further CPU begins: in real mode, at the start of a page below 1 MiB, in which smp.c has
; put a copy of this. The page number was the argument of the start-up interrupt, so cs = page
; address / 16 and ip = 0. All addresses are taken relative to ebx, the page's address.
;
; The C side fills in the parameters at the end before each start: which page table (one that also
; maps this page to itself), which stack, which per-CPU area, which number. It waits until the CPU
; has reported itself before it reuses them.

%include "arch/x86_64/layout.inc"

global ap_trampoline, ap_trampoline_end, ap_trampoline_params

CODE32	equ 0x08
CODE64	equ KERNEL_CS
DATA	equ KERNEL_DS
%define REL(x) ((x) - ap_trampoline)

section .rodata
align 16

bits 16
ap_trampoline:
	cli
	cld
	mov ax, cs
	mov ds, ax
	xor ebx, ebx
	mov bx, ax
	shl ebx, 4
	lea eax, [ebx + REL(gdt)]
	mov [REL(gdtr) + 2], eax
	lea eax, [ebx + REL(protected)]
	mov [REL(to_protected)], eax
	lea eax, [ebx + REL(long_mode)]
	mov [REL(to_long)], eax
	o32 lgdt [REL(gdtr)]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword far [REL(to_protected)]

bits 32
protected:
	mov eax, DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov eax, cr4
	or eax, 1 << 5			; PAE
	mov cr4, eax
	mov eax, [ebx + REL(param_cr3)]
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, (1 << 0) | (1 << 8) | (1 << 11)		; SCE, LME, NXE
	wrmsr
	mov eax, cr0
	and eax, ~((1 << 2) | (1 << 3) | (1 << 29) | (1 << 30))
	or eax, (1 << 31) | (1 << 16) | (1 << 5) | (1 << 1)	; PG, WP, NE, MP
	mov cr0, eax
	jmp far [ebx + REL(to_long)]

bits 64
long_mode:
	mov ebx, ebx
	mov eax, [rbx + REL(param_gs_base)]
	mov edx, [rbx + REL(param_gs_base) + 4]
	mov ecx, MSR_GS_BASE
	wrmsr
	mov rsp, [rbx + REL(param_stack)]
	mov edi, [rbx + REL(param_cpu)]
	mov rax, [rbx + REL(param_entry)]
	xor ebp, ebp
	push rbp			; a return address of 0 ends the backtrace
	jmp rax

align 8
gdt:
	dq 0
	dq 0x00cf9b000000ffff		; CODE32
	dq 0x00af9b000000ffff		; CODE64
	dq 0x00cf93000000ffff		; DATA
gdtr:
	dw $ - gdt - 1
	dd 0
align 8
to_protected:
	dd 0
	dw CODE32
align 8
to_long:
	dd 0
	dw CODE64
align 8
ap_trampoline_params:			; struct trampoline_params in smp.c
param_cr3:	dq 0
param_stack:	dq 0
param_gs_base:	dq 0
param_entry:	dq 0
param_cpu:	dq 0
ap_trampoline_end:
