/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: from a vector number to the driver that waits for it.
 *
 *   device wire --> IOAPIC input (GSI) --> vector --> irq_line --> action -> action (shared line)
 *   device message (MSI) ---------------> vector --> irq_line --> action
 *
 * ISA interrupt numbers are those of the old PC; the MADT lists the few that reach another GSI or
 * have another polarity (override), the rest are GSIs themselves, edge-triggered. Device interrupts
 * all go to CPU 0: there are few, and their handlers are short.
 *
 * Lines and actions are only ever added, each published by one store, so the interrupt path takes
 * no lock.
 */

#include "arch/x86_64/irq.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/smp.h"
#include "kernel/mutex.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define NR_DEVICE_VECTORS (LAST_DEVICE_VECTOR - FIRST_DEVICE_VECTOR + 1)
#define NO_GSI		  (~0u)
#define MSI_ADDRESS	  0xfee00000UL

struct irq_action {
	irq_handler_t fn;
	void *arg;
	const char *name;
	struct irq_action *next;
};

struct irq_line {
	struct irq_action *actions;
	u32 gsi; /* NO_GSI: a message */
	int irq; /* the number it was asked for by */
	u64 count;
};

enum local_irq { LOCAL_TIMER, LOCAL_RESCHEDULE, LOCAL_CALL, LOCAL_ERROR, LOCAL_SPURIOUS, NR_LOCAL };

static const struct {
	const char *label, *name;
} local_names[NR_LOCAL] = {
	{"LOC", "Local timer interrupts"},   {"RES", "Rescheduling interrupts"},
	{"CAL", "Function call interrupts"}, {"ERR", "Local APIC errors"},
	{"SPU", "Spurious interrupts"},
};

static struct irq_line irq_lines[NR_DEVICE_VECTORS];
static unsigned int nr_irq_lines;
static DEFINE_MUTEX(irq_mutex); /* adding lines and actions */
static DEFINE_PER_CPU(u64, local_counts[NR_LOCAL]);

static void run_line(unsigned int vector)
{
	struct irq_line *line = &irq_lines[vector - FIRST_DEVICE_VECTOR];
	struct irq_action *action = smp_load_acquire(&line->actions);

	line->count++;
	for (; action; action = READ_ONCE(action->next))
		action->fn(action->arg);
}

static void apic_error(void)
{
	static struct printk_ratelimit limit = PRINTK_RATELIMIT(5000000000ULL, 5);
	u32 status = lapic_error();

	if (printk_allowed(&limit))
		pr_warn("CPU %u: local APIC error %02x\n", smp_processor_id(), status);
}

static void run_local(unsigned int vector, bool user)
{
	u64 *counts = this_cpu_ptr(&local_counts[0]);

	switch (vector) {
	case TIMER_VECTOR:
		counts[LOCAL_TIMER]++;
		lapic_eoi();
		timer_interrupt(user);
		return;
	case RESCHEDULE_VECTOR: /* irq_exit() sees the request */
		counts[LOCAL_RESCHEDULE]++;
		break;
	case CALL_FUNCTION_VECTOR:
		counts[LOCAL_CALL]++;
		lapic_eoi();
		smp_call_function_interrupt();
		return;
	case ERROR_APIC_VECTOR:
		counts[LOCAL_ERROR]++;
		apic_error();
		break;
	default: /* spurious, or what a masked PIC let slip: not to be acknowledged */
		counts[LOCAL_SPURIOUS]++;
		return;
	}
	lapic_eoi();
}

void handle_interrupt(struct pt_regs *regs)
{
	unsigned int vector = ~regs->orig_ax & 0xff;

	regs->orig_ax = -1UL;
	irq_enter();
	if (vector >= FIRST_DEVICE_VECTOR && vector <= LAST_DEVICE_VECTOR) {
		run_line(vector);
		lapic_eoi();
	} else {
		run_local(vector, user_mode(regs));
	}
	irq_exit();
	if (!user_mode(regs) && preempt_should_schedule())
		preempt_schedule_irq();
}

/*
 * GSI and trigger of an interrupt number. PCI interrupts (16 and up) are level-triggered, active
 * low.
 */
static u32 resolve_irq(int irq, bool *level, bool *active_low)
{
	unsigned int i;

	*level = *active_low = irq >= 16;
	for (i = 0; i < acpi_info.nr_overrides; i++) {
		const struct acpi_override *o = &acpi_info.overrides[i];

		if (o->irq == irq) {
			*level = o->level;
			*active_low = o->active_low;
			return o->gsi;
		}
	}
	return (u32)irq;
}

static struct irq_line *find_line(u32 gsi)
{
	unsigned int i;

	for (i = 0; i < nr_irq_lines; i++)
		if (irq_lines[i].gsi == gsi)
			return &irq_lines[i];
	return NULL;
}

/* irq_mutex held. */
static struct irq_line *new_line(u32 gsi, int irq)
{
	struct irq_line *line;

	if (nr_irq_lines == NR_DEVICE_VECTORS)
		return NULL;
	line = &irq_lines[nr_irq_lines++];
	line->gsi = gsi;
	line->irq = irq;
	return line;
}

static void add_action(struct irq_line *line, struct irq_action *action)
{
	action->next = line->actions;
	smp_store_release(&line->actions, action);
}

static struct irq_action *new_action(irq_handler_t fn, void *arg, const char *name)
{
	struct irq_action *action = kmalloc(sizeof(*action), GFP_KERNEL);

	if (action)
		*action = (struct irq_action){.fn = fn, .arg = arg, .name = name};
	return action;
}

static u8 line_vector(const struct irq_line *line)
{
	return FIRST_DEVICE_VECTOR + (u8)(line - irq_lines);
}

static int add_wired(int irq, struct irq_action *action)
{
	bool level, active_low;
	u32 gsi = resolve_irq(irq, &level, &active_low);
	struct irq_line *line = find_line(gsi);
	int error = 0;

	if (line) {
		add_action(line, action);
		return 0;
	}
	line = new_line(gsi, irq);
	if (!line)
		return -ENOSPC;
	add_action(line, action);
	error = ioapic_route(gsi, line_vector(line), cpu_apic_id[0], level, active_low);
	if (error) {
		line->actions = NULL;
		nr_irq_lines--;
	}
	return error;
}

int irq_register(int irq, irq_handler_t fn, void *arg, const char *name)
{
	struct irq_action *action;
	int error;

	if (!ioapic_present())
		return -ENODEV;
	action = new_action(fn, arg, name);
	if (!action)
		return -ENOMEM;
	mutex_lock(&irq_mutex);
	error = add_wired(irq, action);
	mutex_unlock(&irq_mutex);
	if (error)
		kfree(action);
	return error;
}

int irq_register_msi(irq_handler_t fn, void *arg, const char *name, u64 *address, u32 *data)
{
	struct irq_action *action = new_action(fn, arg, name);
	struct irq_line *line;

	if (!action)
		return -ENOMEM;
	mutex_lock(&irq_mutex);
	line = new_line(NO_GSI, -1);
	if (line)
		add_action(line, action);
	mutex_unlock(&irq_mutex);
	if (!line) {
		kfree(action);
		return -ENOSPC;
	}
	*address = MSI_ADDRESS | cpu_apic_id[0] << 12;
	*data = line_vector(line);
	return line_vector(line);
}

bool irq_stat_get(unsigned int index, struct irq_stat *stat)
{
	const struct irq_line *line = &irq_lines[index];

	if (index < nr_irq_lines) {
		const struct irq_action *action = smp_load_acquire(&line->actions);

		*stat = (struct irq_stat){
			.name = action ? action->name : "",
			.number = line->irq >= 0 ? (unsigned int)line->irq : line_vector(line),
		};
		return true;
	}
	index -= nr_irq_lines;
	if (index >= NR_LOCAL)
		return false;
	*stat = (struct irq_stat){
		.label = local_names[index].label,
		.name = local_names[index].name,
		.per_cpu = true,
	};
	return true;
}

u64 irq_stat_count(unsigned int index, unsigned int cpu)
{
	if (index < nr_irq_lines)
		return cpu == 0 ? READ_ONCE(irq_lines[index].count) : 0;
	return READ_ONCE(per_cpu(local_counts[index - nr_irq_lines], cpu));
}

u64 irq_stat_total(void)
{
	unsigned int index, cpu;
	u64 total = 0;

	for (index = 0; index < nr_irq_lines + NR_LOCAL; index++)
		for_each_online_cpu (cpu)
			total += irq_stat_count(index, cpu);
	return total;
}
