; SPDX-License-Identifier: MIT
;
; Text on the linear framebuffer before long mode, for say.asm: GRUB has usually switched to
; graphics already, and what is written to the VGA text screen is then not seen. Paging is off, so
; the framebuffer is simply there; one above 4 GiB cannot be reached from here. White on black, at
; the top left, wrapped at the right edge; never scrolls.

%include "arch/x86_64/layout.inc"

bits 32

global fb_find, fb_write, boot_mb2_info
extern font_glyphs, font_map, font_map_size

MB2_TAG_FRAMEBUFFER	equ 8
MB2_FB_RGB		equ 1
GLYPH_WIDTH		equ 8
GLYPH_HEIGHT		equ 16

; A tag of type 8: address (64 bits), pitch, width, height, bits per pixel, kind.
TAG_ADDRESS		equ 8
TAG_PITCH		equ 16
TAG_WIDTH		equ 20
TAG_BPP			equ 28
TAG_KIND		equ 29

%define AT(symbol) (symbol) - KERNEL_BASE

section .boot.text progbits alloc exec nowrite align=16

; Look for a framebuffer in what boot_mb2_info points to. fb_cursor stays 0 if there is none that
; can be used.
fb_find:
	mov ebx, [AT(boot_mb2_info)]
	test ebx, ebx
	jz .none
	mov ecx, [ebx]			; total size
	add ecx, ebx
	add ebx, 8
.tag:
	cmp ebx, ecx
	jae .none
	cmp dword [ebx], 0
	je .none
	cmp dword [ebx], MB2_TAG_FRAMEBUFFER
	je .found
	mov eax, [ebx + 4]
	add eax, 7
	and eax, ~7
	jz .none
	add ebx, eax
	jmp .tag
.found:
	cmp dword [ebx + TAG_ADDRESS + 4], 0
	jne .none
	cmp byte [ebx + TAG_KIND], MB2_FB_RGB
	jne .none
	movzx eax, byte [ebx + TAG_BPP]
	shr eax, 3
	cmp eax, 3
	jb .none
	mov [AT(fb_pixel_bytes)], eax
	mov eax, [ebx + TAG_PITCH]
	mov [AT(fb_pitch)], eax
	mov eax, [ebx + TAG_WIDTH]
	mov [AT(fb_width)], eax
	mov eax, [ebx + TAG_ADDRESS]
	mov [AT(fb_cursor)], eax
.none:
	ret

; esi = text, NUL-terminated: draw it from where the last one ended.
fb_write:
	cmp dword [AT(fb_cursor)], 0
	je .done
.next:
	lodsb
	test al, al
	jz .done
	call draw_character
	jmp .next
.done:
	ret

; al = character. One that the font does not have leaves no trace.
draw_character:
	pusha
	movzx eax, al
	mov ecx, [AT(font_map_size)]
	mov ebx, AT(font_map)		; pairs of 16 bits: character, glyph
.search:
	cmp [ebx], ax
	je .found
	add ebx, 4
	loop .search
	popa
	ret
.found:
	movzx ebx, word [ebx + 2]
	shl ebx, 4			; a glyph has 16 bytes, one a line
	add ebx, AT(font_glyphs)
	call make_room
	mov edi, [AT(fb_column)]
	imul edi, [AT(fb_pixel_bytes)]
	add edi, [AT(fb_cursor)]
	mov edx, GLYPH_HEIGHT
.line:
	mov ah, [ebx]
	inc ebx
	push edi
	mov ecx, GLYPH_WIDTH
.pixel:
	shl ah, 1
	sbb al, al			; 255 where the glyph has a bit
	mov [edi], al
	mov [edi + 1], al
	mov [edi + 2], al
	add edi, [AT(fb_pixel_bytes)]
	loop .pixel
	pop edi
	add edi, [AT(fb_pitch)]
	dec edx
	jnz .line
	add dword [AT(fb_column)], GLYPH_WIDTH
	popa
	ret

; At the right edge, go to the start of the next line.
make_room:
	mov eax, [AT(fb_column)]
	add eax, GLYPH_WIDTH
	cmp eax, [AT(fb_width)]
	jbe .done
	mov dword [AT(fb_column)], 0
	mov eax, [AT(fb_pitch)]
	shl eax, 4
	add [AT(fb_cursor)], eax
.done:
	ret

section .bss nobits alloc noexec write align=8
boot_mb2_info:	resd 1		; physical address of the Multiboot2 information, 0: another loader
fb_cursor:	resd 1		; address of the current text line
fb_column:	resd 1		; in pixels
fb_pitch:	resd 1
fb_width:	resd 1
fb_pixel_bytes:	resd 1
