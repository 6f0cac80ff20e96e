/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_UART_H
#define KERNEL_DRIVERS_UART_H

/*
 * Registers of the 16550 UART (National Semiconductor PC16550D data sheet), as offsets from its
 * base port. With LCR_DLAB set, registers 0 and 1 are the divisor of 115200 Hz.
 */

#include "arch/x86_64/io.h"

#define UART_RX	 0 /* read: a received byte */
#define UART_TX	 0 /* write: a byte to send */
#define UART_DLL 0
#define UART_IER 1 /* which events interrupt */
#define UART_DLM 1
#define UART_IIR 2 /* read: why it interrupted */
#define UART_FCR 2 /* write: FIFO control */
#define UART_LCR 3 /* word format */
#define UART_MCR 4 /* modem control lines */
#define UART_LSR 5 /* line status */
#define UART_MSR 6 /* modem status lines */
#define UART_SCR 7 /* scratch: holds what is written, and so tells that there is a UART */

#define UART_IER_RDI  0x01
#define UART_IER_THRI 0x02
#define UART_IER_RLSI 0x04
#define UART_IER_MSI  0x08

#define UART_IIR_NO_INT 0x01
#define UART_IIR_FIFO	0xc0 /* both bits: a 16550A or later, with working FIFOs */

#define UART_FCR_ENABLE	    0x01
#define UART_FCR_CLEAR_RX   0x02
#define UART_FCR_CLEAR_TX   0x04
#define UART_FCR_TRIGGER_14 0xc0
#define UART_FCR_TRIGGER_8  0x80

#define UART_LCR_WLEN5	0x00
#define UART_LCR_WLEN8	0x03
#define UART_LCR_STOP	0x04
#define UART_LCR_PARITY 0x08
#define UART_LCR_EVEN	0x10
#define UART_LCR_STICK	0x20
#define UART_LCR_BREAK	0x40
#define UART_LCR_DLAB	0x80

#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_MCR_OUT2 0x08 /* on a PC: lets the interrupt reach the controller */
#define UART_MCR_LOOP 0x10

#define UART_LSR_DR   0x01
#define UART_LSR_OE   0x02
#define UART_LSR_PE   0x04
#define UART_LSR_FE   0x08
#define UART_LSR_BI   0x10
#define UART_LSR_THRE 0x20
#define UART_LSR_TEMT 0x40

#define UART_MSR_CTS 0x10
#define UART_MSR_DSR 0x20
#define UART_MSR_RI  0x40
#define UART_MSR_DCD 0x80

#define UART_FIFO_SIZE 16
#define UART_CLOCK     115200

/* uart_present - is there a UART at this port? Its scratch register must hold two patterns. */
static inline bool uart_present(u16 port)
{
	outb(0x5a, port + UART_SCR);
	if (inb(port + UART_SCR) != 0x5a)
		return false;
	outb(0xa5, port + UART_SCR);
	return inb(port + UART_SCR) == 0xa5;
}

#endif /* KERNEL_DRIVERS_UART_H */
