/* SPDX-License-Identifier: MIT */
/* Interrupts on the host: a flag that assertions look at. */
#ifndef ARCH_X86_64_IRQ_H
#define ARCH_X86_64_IRQ_H

#include "lib/compiler.h"

extern bool host_irqs_off;

static inline bool irqs_disabled(void)
{
	return host_irqs_off;
}

static inline void local_irq_disable(void)
{
	host_irqs_off = true;
}

static inline void local_irq_enable(void)
{
	host_irqs_off = false;
}

static inline void local_irq_restore(unsigned long flags)
{
	host_irqs_off = flags;
}

#define local_irq_save(flags)            \
	do {                             \
		(flags) = host_irqs_off; \
		host_irqs_off = true;    \
	} while (0)

#endif
