; SPDX-License-Identifier: MIT
;
; Into the kernel and out of it again.
;
; Three ways in:
;
;   syscall_entry     SYSCALL. The CPU changes only rip, rcx, r11 and flags: still the user's stack
;   vector entries    exceptions, interrupts: stack from the TSS, return frame pushed by the CPU
;   paranoid entries  NMI, double fault, machine check, debug: own stacks, at any moment whatever
;
; GS. In user mode the GS base is the user's and the kernel's waits in MSR_KERNEL_GS_BASE; in kernel
; mode it is the other way round; swapgs exchanges the two. An entry from user mode (the saved CS
; says so) swaps, one from kernel mode does not. A paranoid entry from kernel mode cannot know how
; far an interrupted entry had come: it saves whatever GS base it finds, loads the one at the top of
; its stack (see gdt.c), and puts the old one back when it leaves.
;
; What all build on the stack is a struct pt_regs. Under it, the vector entries push the interrupted
; rip and rbp as if a function had been called, so that a backtrace goes on into what was
; interrupted.
;
; The way out to user mode is one: interrupts off, exit_to_user_mode(regs) (signals, rescheduling),
; then SYSRET if the registers still look as SYSCALL left them, else IRET. SYSRET with a
; non-canonical rcx would fault in ring 0 with the user's stack pointer, and IRET with one would
; fault as well: such an address becomes a SIGSEGV before.
;
; The fast path is what every system call pays: about 60 instructions here.

%include "arch/x86_64/layout.inc"

bits 64
default abs

extern do_syscall, exit_to_user_mode, handle_interrupt, handle_exception, handle_paranoid_exception
extern do_page_fault, handle_bad_user_ip, arch_ret_from_fork
extern cpu_tss, syscall_user_sp

global syscall_entry, vector_entries, ret_from_fork

%define TSS_SP0		cpu_tss + 8
%define FLAGS_TF_RF	0x10100

; clac, if the CPU has SMAP: cpu.c writes the instruction over the three bytes.
%macro CLAC_SITE 0
%%site:
	db 0x0f, 0x1f, 0x00
	[section .smap_sites progbits alloc noexec nowrite align=4]
	dd %%site - $
	dd 0
	__?SECT?__
%endmacro

%macro PUSH_REGS 0
	push rdi
	push rsi
	push rdx
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
%endmacro

%macro POP_REGS 0
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rax
	pop rcx
	pop rdx
	pop rsi
	pop rdi
%endmacro

section .text.entry progbits alloc exec nowrite align=64

; ---- system calls ----

; rax number, rdi rsi rdx r10 r8 r9 arguments, rcx return address, r11 flags; interrupts off
; (MSR_SYSCALL_MASK).
syscall_entry:
	swapgs
	mov [gs:syscall_user_sp], rsp
	mov rsp, [gs:TSS_SP0]
	push USER_DS
	push qword [gs:syscall_user_sp]
	push r11
	push USER_CS
	push rcx
	push rax
	PUSH_REGS
	xor ebp, ebp
	mov rdi, rsp
	sti
	call do_syscall
	cli
	mov rdi, rsp
	call exit_to_user_mode

	mov rcx, [rsp + PT_IP]
	mov r11, [rsp + PT_FLAGS]
	cmp rcx, [rsp + PT_CX]
	jne return_by_iret
	cmp r11, [rsp + PT_R11]
	jne return_by_iret
	mov rax, rcx
	shr rax, 47
	jnz return_by_iret
	test r11d, FLAGS_TF_RF
	jnz return_by_iret
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	add rsp, 8			; r11 holds the flags
	pop r10
	pop r9
	pop r8
	pop rax
	add rsp, 8			; rcx holds the return address
	pop rdx
	pop rsi
	pop rdi
	mov rsp, [rsp + PT_SP - PT_ORIG_AX]
	swapgs
	o64 sysret

; ---- the way out ----

; rsp = pt_regs. From an exception or interrupt: to whatever was interrupted.
return_from_exception:
	test byte [rsp + PT_CS], 3
	jnz return_to_user
	POP_REGS
	add rsp, 8
	iretq

return_to_user:
	cli
	mov rdi, rsp
	call exit_to_user_mode
return_by_iret:				; interrupts off, nothing left to do
	mov rax, [rsp + PT_IP]
	shr rax, 47
	jnz .bad_address
	mov qword [rsp + PT_CS], USER_CS
	mov qword [rsp + PT_SS], USER_DS
	POP_REGS
	add rsp, 8
	swapgs
	iretq
.bad_address:
	mov rdi, rsp
	call handle_bad_user_ip
	jmp return_to_user

; A new task runs for the first time: switch.asm returns to here. rax = previous task, rbx =
; function or 0, r12 = its argument.
ret_from_fork:
	xor ebp, ebp
	mov rdi, rax
	mov rsi, rbx
	mov rdx, r12
	call arch_ret_from_fork
	jmp return_to_user

; ---- exceptions and interrupts ----

; Stack: ss, rsp, rflags, cs, rip, error code or ~vector. Finishes the pt_regs and links the frame.
%macro ENTER_KERNEL 0
	CLAC_SITE
	cld
	test byte [rsp + 16], 3
	jz %%from_kernel
	swapgs
%%from_kernel:
	PUSH_REGS
	mov rdi, rsp
	push qword [rsp + PT_IP]
	push rbp
	mov rbp, rsp
%endmacro

align 64
interrupt_common:
	ENTER_KERNEL
	call handle_interrupt
	add rsp, 16
	jmp return_from_exception

align 64
page_fault_entry:
	ENTER_KERNEL
	mov rsi, [rdi + PT_ORIG_AX]
	mov qword [rdi + PT_ORIG_AX], -1
	call do_page_fault
	add rsp, 16
	jmp return_from_exception

; As above, with the vector number on top of the error code.
align 64
exception_common:
	CLAC_SITE
	cld
	test byte [rsp + 24], 3
	jz .from_kernel
	swapgs
.from_kernel:
	xchg rdi, [rsp]			; rdi = vector; its slot becomes pt_regs.di
	push rsi
	push rdx
	mov edx, edi
exception_save_rest:			; edx = vector, the original is saved
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov rdi, rsp
	push qword [rsp + PT_IP]
	push rbp
	mov rbp, rsp
	mov rsi, [rdi + PT_ORIG_AX]
	mov qword [rdi + PT_ORIG_AX], -1
	call handle_exception		; (regs, error code, vector)
	add rsp, 16
	jmp return_from_exception

; A debug exception has a stack of its own, but its signal is delivered from the task's: move over.
debug_entry:
	test byte [rsp + 8], 3
	jz debug_from_kernel
	CLAC_SITE
	swapgs
	push rdi
	mov rdi, rsp
	mov rsp, [gs:TSS_SP0]
	push qword [rdi + 40]		; ss
	push qword [rdi + 32]
	push qword [rdi + 24]
	push qword [rdi + 16]
	push qword [rdi + 8]		; rip
	push 0
	push qword [rdi]		; rdi
	cld
	push rsi
	push rdx
	mov edx, 1
	jmp exception_save_rest
debug_from_kernel:
	push 0
	push 1
	jmp paranoid_common

; rsp = pt_regs without registers, and the vector on top of the error code; an IST stack.
paranoid_common:
	CLAC_SITE
	cld
	xchg rdi, [rsp]
	push rsi
	push rdx
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov r12, rdi			; vector
	mov ecx, MSR_GS_BASE
	rdmsr
	mov ebx, eax
	shl rdx, 32
	or rbx, rdx			; the GS base that was found
	mov rdx, rsp
	or rdx, IST_STACK_SIZE - 1
	mov rax, [rdx - 7]		; the kernel's, at the top of the stack
	mov rdx, rax
	shr rdx, 32
	wrmsr
	mov rdi, rsp
	push qword [rsp + PT_IP]
	push rbp
	mov rbp, rsp
	mov rsi, [rdi + PT_ORIG_AX]
	mov qword [rdi + PT_ORIG_AX], -1
	mov rdx, r12
	call handle_paranoid_exception	; (regs, error code, vector)
	add rsp, 16
	mov rax, rbx
	mov rdx, rbx
	shr rdx, 32
	mov ecx, MSR_GS_BASE
	wrmsr
	POP_REGS
	add rsp, 8
	iretq

; One stub per vector. The CPU pushes an error code for some exceptions; the others get a zero.
%macro EXCEPTION 1
vector_%1:
	push 0
	push %1
	jmp exception_common
%endmacro
%macro EXCEPTION_WITH_CODE 1
vector_%1:
	push %1
	jmp exception_common
%endmacro
%macro PARANOID 1
vector_%1:
	push 0
	push %1
	jmp paranoid_common
%endmacro

EXCEPTION 0
vector_1 equ debug_entry
PARANOID 2
EXCEPTION 3
EXCEPTION 4
EXCEPTION 5
EXCEPTION 6
EXCEPTION 7
vector_8:
	push 8
	jmp paranoid_common
EXCEPTION 9
EXCEPTION_WITH_CODE 10
EXCEPTION_WITH_CODE 11
EXCEPTION_WITH_CODE 12
EXCEPTION_WITH_CODE 13
vector_14 equ page_fault_entry
EXCEPTION 15
EXCEPTION 16
EXCEPTION_WITH_CODE 17
PARANOID 18
EXCEPTION 19
EXCEPTION 20
EXCEPTION_WITH_CODE 21
%assign vector 22
%rep 7
EXCEPTION vector
%assign vector vector + 1
%endrep
EXCEPTION_WITH_CODE 29
EXCEPTION_WITH_CODE 30
EXCEPTION 31

%assign vector 32
%rep 256 - 32
vector_ %+ vector:
	push ~vector
	jmp interrupt_common
%assign vector vector + 1
%endrep

section .rodata
align 8
vector_entries:
%assign vector 0
%rep 256
	dq vector_ %+ vector
%assign vector vector + 1
%endrep
