; SPDX-License-Identifier: MIT
;
; The context switch itself: push what a function must preserve, exchange the stack pointer, pop.
; From one instruction to the next the code runs on another task's stack, whose frames were left by
; that task's own call of this function, or were written by copy_thread() and lead to ret_from_fork.
;
;   prev's stack        next's stack
;   return address      return address      <- to __switch_to's caller, or ret_from_fork
;   rbp                 rbp
;   rbx                 rbx
;   r12 ... r15         r12 ... r15         <- thread.sp (offset 0 of struct task)

bits 64
default abs

global __switch_to
extern switch_to_finish

section .text

__switch_to:				; rdi = prev, rsi = next
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	mov [rdi], rsp
	mov rsp, [rsi]
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	jmp switch_to_finish		; (prev, next); it returns prev, on the new stack
