/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_APIC_H
#define ARCH_X86_64_APIC_H

/* The local APIC (one per CPU, in xAPIC or x2APIC mode) and the IOAPICs. */

#include "lib/types.h"
#include "lib/compiler.h"

/* Boot CPU: choose the mode, map the registers. Then on every CPU lapic_cpu_setup(). */
void lapic_init(void);
void lapic_cpu_setup(void);
void lapic_eoi(void);
/* Send @vector to one CPU by its APIC id. Interrupts may be on; any context. */
void lapic_send_ipi(u32 apic_id, u8 vector);
void lapic_send_nmi(u32 apic_id);
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, unsigned long trampoline);
/* The error status register, cleared by reading. */
u32 lapic_error(void);

/* Timer registers: see arch_timer.h for the use. */
void lapic_timer_oneshot(u32 count, bool masked);
void lapic_timer_unmask(void);
u32 lapic_timer_current(void);
void lapic_timer_deadline_mode(void);

/*
 * The old PICs: mask and re-vector them. Before lapic_cpu_setup(): an interrupt of theirs that is
 * already on its way to the CPU is withdrawn only while the local APIC still passes them through.
 */
void pic_silence(void);

/* IOAPICs: map all, mask all lines. */
void ioapic_init(void);
/* Program the line of @gsi: 0 or -EINVAL. */
int ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool active_low);
/* True if there is any. */
bool ioapic_present(void);

#endif
