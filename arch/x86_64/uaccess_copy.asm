; SPDX-License-Identifier: MIT
;
; Copies that may fault on either side. Eight bytes at a time, then the rest byte by byte. When an
; eight-byte move faults, what is left is tried again byte by byte, so that the count returned is
; exact: every byte before the first inaccessible one has been copied.

bits 64
default abs

global __copy_user, __clear_user

section .text

; stac or clac, if the CPU has SMAP: cpu.c writes the instruction over the three bytes.
%macro SMAP_SITE 1
%%site:
	db 0x0f, 0x1f, 0x00
	[section .smap_sites progbits alloc noexec nowrite align=4]
	dd %%site - $
	dd %1
	__?SECT?__
%endmacro
%macro STAC 0
	SMAP_SITE 1
%endmacro
%macro CLAC 0
	SMAP_SITE 0
%endmacro

; If the instruction at %1 faults, go on at %2.
%macro EXTABLE 2
	[section __ex_table progbits alloc noexec nowrite align=4]
	dd %1 - $
	dd %2 - $
	__?SECT?__
%endmacro

; rdi = to, rsi = from, rdx = bytes. Returns the number of bytes not copied.
__copy_user:
	STAC
	mov rcx, rdx
	and edx, 7
	shr rcx, 3
.words:	rep movsq
	mov ecx, edx
.bytes:	rep movsb
.done:	CLAC
	mov rax, rcx
	ret
.words_fault:
	lea rcx, [rdx + rcx * 8]
	jmp .bytes
	EXTABLE .words, .words_fault
	EXTABLE .bytes, .done

; rdi = to, rsi = bytes. Returns the number of bytes not cleared.
__clear_user:
	STAC
	xor eax, eax
	mov rcx, rsi
	and esi, 7
	shr rcx, 3
.words:	rep stosq
	mov ecx, esi
.bytes:	rep stosb
.done:	CLAC
	mov rax, rcx
	ret
.words_fault:
	lea rcx, [rsi + rcx * 8]
	jmp .bytes
	EXTABLE .words, .words_fault
	EXTABLE .bytes, .done
