; SPDX-License-Identifier: MIT
;
; From the boot loader to 64-bit C.
;
; Both entries find the CPU in 32-bit protected mode without paging, flat segments, interrupts off,
; A20 on:
;
;   mb2_entry   GRUB, Multiboot2      eax = 0x36d76289, ebx = boot information
;   pvh_entry   qemu -kernel, PVH     ebx = struct hvm_start_info
;
; What can be wrong with the CPU is checked here, where a sentence can still be printed; after
; paging is on, a missing feature would be a triple fault. Then:
;
;   boot_pml4 --[  0]--> boot_pdpt_low --[0..3]--> boot_pd 0..3   identity, 4 GiB, 2 MiB pages
;             --[273]--> boot_pdpt_low                             the same at DIRECT_MAP_BASE
;             --[511]--> boot_pdpt_high --[510]--> boot_pd 0       the first GiB at KERNEL_BASE
;
; These tables allow everything; paging_init() replaces them by the real ones. The identity part
; stays in use for the start of further CPUs (trampoline.asm).

%include "arch/x86_64/layout.inc"

bits 32

global mb2_entry, pvh_entry
global boot_pml4, init_stack, boot_entry_tsc
extern boot_say_and_stop, boot_mb2_info
extern x86_64_start

MB2_LOADER_MAGIC	equ 0x36d76289
BOOT_BY_MULTIBOOT2	equ 1
BOOT_BY_PVH		equ 2
HVM_START_MAGIC		equ 0x336ec578

PAGE_TABLE_FLAGS	equ 0x3		; present, writable
PAGE_2M_FLAGS		equ 0x83

CPUID_1_EDX_NEEDED	equ (1 << 0) | (1 << 5) | (1 << 6) | (1 << 24) | (1 << 25) | (1 << 26)
						; FPU, MSR, PAE, FXSR, SSE, SSE2
CPUID_EXT_LM		equ 1 << 29
CPUID_EXT_NX		equ 1 << 20
CPUID_EXT_SYSCALL	equ 1 << 11

section .boot.text progbits alloc exec nowrite align=16

mb2_entry:
	mov edi, BOOT_BY_MULTIBOOT2
	cmp eax, MB2_LOADER_MAGIC
	mov [boot_mb2_info - KERNEL_BASE], ebx
	je start32
	mov dword [boot_mb2_info - KERNEL_BASE], 0
	mov esp, init_stack_top - KERNEL_BASE
	mov esi, .not_multiboot2
	jmp boot_say_and_stop
.not_multiboot2:
	db "this kernel was started by something that is not a Multiboot2 loader", 0

pvh_entry:
	mov edi, BOOT_BY_PVH
	cmp dword [ebx], HVM_START_MAGIC
	je start32
	mov esp, init_stack_top - KERNEL_BASE
	mov esi, .not_pvh
	jmp boot_say_and_stop
.not_pvh:
	db "the PVH start information has no valid magic number", 0

start32:				; edi = kind of loader, ebx = its information
	cli
	cld
	mov esp, init_stack_top - KERNEL_BASE
	rdtsc
	mov [boot_entry_tsc - KERNEL_BASE], eax
	mov [boot_entry_tsc - KERNEL_BASE + 4], edx
	push ebx
	call check_cpu
	call build_boot_tables
	pop ebp				; nothing below touches ebp and edi

	mov eax, cr4
	or eax, 1 << 5			; PAE
	mov cr4, eax
	mov eax, boot_pml4 - KERNEL_BASE
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, (1 << 0) | (1 << 8) | (1 << 11)		; SCE, LME, NXE
	wrmsr
	mov eax, cr0
	and eax, ~((1 << 2) | (1 << 3) | (1 << 29) | (1 << 30))	; not EM, TS, NW, CD
	or eax, (1 << 31) | (1 << 16) | (1 << 5) | (1 << 1) | (1 << 0)	; PG, WP, NE, MP, PE
	mov cr0, eax
	lgdt [boot_gdtr]
	jmp KERNEL_CS:start64

; Returns if the CPU can run this kernel; else says what is missing and stops.
check_cpu:
	push edi
	pushfd				; CPUID exists if its flag can be flipped
	pop eax
	mov ecx, eax
	xor eax, 1 << 21
	push eax
	popfd
	pushfd
	pop eax
	push ecx
	popfd
	mov esi, .no_cpuid
	cmp eax, ecx
	je boot_say_and_stop

	mov eax, 0x80000000
	cpuid
	mov esi, .no_long_mode
	cmp eax, 0x80000001
	jb boot_say_and_stop
	mov eax, 0x80000001
	cpuid
	test edx, CPUID_EXT_LM
	jz boot_say_and_stop
	mov esi, .no_nx
	test edx, CPUID_EXT_NX
	jz boot_say_and_stop
	mov eax, 1
	cpuid
	and edx, CPUID_1_EDX_NEEDED
	mov esi, .no_sse2
	cmp edx, CPUID_1_EDX_NEEDED
	jne boot_say_and_stop
	pop edi
	ret

.no_cpuid:
	db "this CPU has no CPUID instruction; Verso needs a 64-bit x86 CPU", 0
.no_long_mode:
	db "this CPU has no 64-bit mode (long mode); Verso needs a 64-bit x86 CPU", 0
.no_nx:
	db "this CPU cannot forbid the execution of data (no NX), or the firmware has switched "
	db "that off ('Execute Disable' in its set-up); Verso needs it", 0
.no_sse2:
	db "this CPU lacks PAE, MSRs, FXSR or SSE2; Verso needs a 64-bit x86 CPU", 0

build_boot_tables:
	mov eax, boot_pdpt_low - KERNEL_BASE + PAGE_TABLE_FLAGS
	mov [boot_pml4 - KERNEL_BASE], eax
	mov [boot_pml4 - KERNEL_BASE + 8 * 273], eax
	mov eax, boot_pdpt_high - KERNEL_BASE + PAGE_TABLE_FLAGS
	mov [boot_pml4 - KERNEL_BASE + 8 * 511], eax
	mov eax, boot_pd - KERNEL_BASE + PAGE_TABLE_FLAGS
	mov [boot_pdpt_high - KERNEL_BASE + 8 * 510], eax
	xor ecx, ecx
.next_gib:
	mov [boot_pdpt_low - KERNEL_BASE + ecx * 8], eax
	add eax, PAGE_SIZE
	inc ecx
	cmp ecx, 4
	jb .next_gib

	mov eax, PAGE_2M_FLAGS
	xor ecx, ecx
.next_entry:
	mov [boot_pd - KERNEL_BASE + ecx * 8], eax
	add eax, 0x200000
	inc ecx
	cmp ecx, 4 * 512
	jb .next_entry
	ret

bits 64
start64:
	mov rax, start64_high
	jmp rax

section .boot.rodata progbits alloc noexec nowrite align=8
boot_gdt:
	dq 0
	dq 0
	dq 0x00af9b000000ffff		; KERNEL_CS
	dq 0x00cf93000000ffff		; KERNEL_DS
boot_gdtr:
	dw $ - boot_gdt - 1
	dd boot_gdt

section .text
start64_high:
	mov eax, KERNEL_DS
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	xor edx, edx			; CPU 0 uses the per-CPU section where it was linked
	mov ecx, MSR_GS_BASE
	wrmsr
	mov rsp, init_stack_top
	mov esi, ebp
	xor ebp, ebp			; the end of every backtrace
	call x86_64_start		; (kind of loader, physical address of its information)
	ud2

section .bss
alignb 8
boot_entry_tsc:	resq 1

section .bss.page_aligned nobits alloc noexec write align=4096
boot_pml4:	resb PAGE_SIZE
boot_pdpt_low:	resb PAGE_SIZE
boot_pdpt_high:	resb PAGE_SIZE
boot_pd:	resb 4 * PAGE_SIZE
	alignb THREAD_SIZE
init_stack:	resb THREAD_SIZE
init_stack_top:
