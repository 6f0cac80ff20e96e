; SPDX-License-Identifier: MIT
;
; The only way to say something before long mode: the first serial port, and the screen, be it VGA
; text or a framebuffer.

bits 32

global boot_say_and_stop
extern fb_find, fb_write

COM1		equ 0x3f8
VGA_TEXT	equ 0xb8000
VGA_COLUMNS	equ 80
WHITE_ON_RED	equ 0x4f

section .boot.text progbits alloc exec nowrite align=16

; esi = sentence, NUL-terminated. Does not return. No stack is needed but for the calls.
boot_say_and_stop:
	push esi
	call serial_setup
	mov esi, prefix
	call serial_write
	mov esi, [esp]
	call serial_write
	mov esi, line_end
	call serial_write
	mov edi, VGA_TEXT
	mov esi, prefix
	call vga_write
	mov esi, [esp]
	call vga_write
	call fb_find
	mov esi, prefix
	call fb_write
	pop esi
	call fb_write
.stop:
	cli
	hlt
	jmp .stop

; 115200 baud, 8 bits, no parity.
serial_setup:
	mov ecx, setup_count
	mov esi, setup_pairs
.next:
	movzx edx, byte [esi]
	add edx, COM1
	mov al, [esi + 1]
	out dx, al
	add esi, 2
	loop .next
	ret

; The wait for the transmitter is bounded: there may be no port at all.
serial_write:
	lodsb
	test al, al
	jz .done
	mov ah, al
	mov ecx, 100000
	mov edx, COM1 + 5
.wait:
	in al, dx
	test al, 0x20
	jnz .ready
	loop .wait
.ready:
	mov edx, COM1
	mov al, ah
	out dx, al
	jmp serial_write
.done:
	ret

vga_write:
	mov ah, WHITE_ON_RED
.next:
	lodsb
	test al, al
	jz .done
	stosw
	cmp edi, VGA_TEXT + 2 * VGA_COLUMNS * 25
	jb .next
.done:
	ret

section .boot.rodata progbits alloc noexec nowrite align=8
prefix:		db "Verso cannot start: ", 0
line_end:	db ".", 13, 10, 0
setup_pairs:	db 1, 0x00,  3, 0x80,  0, 0x01,  1, 0x00,  3, 0x03,  2, 0xc7,  4, 0x03
setup_count	equ ($ - setup_pairs) / 2
