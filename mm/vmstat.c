/* SPDX-License-Identifier: MIT */
/*
 * The memory manager's counters (mm/vmstat.h). Each CPU counts for itself; reading adds up.
 */
#include "mm/vmstat.h"
#include "lib/compiler.h"

DEFINE_PER_CPU(struct vm_event_state, vm_event_states);
DEFINE_PER_CPU(struct node_stat_state, node_stat_states);

#define VMSTAT_TEXT(name, text) [name] = text,
static const char *const vm_event_names[NR_VM_EVENTS] = {VM_EVENTS(VMSTAT_TEXT)};
static const char *const node_stat_names[NR_NODE_STATS] = {NODE_STATS(VMSTAT_TEXT)};

unsigned long vm_event_sum(enum vm_event e)
{
	unsigned long sum = 0;
	unsigned int cpu;

	for_each_possible_cpu (cpu)
		sum += READ_ONCE(per_cpu(vm_event_states, cpu).event[e]);
	return sum;
}

unsigned long node_stat(enum node_stat s)
{
	unsigned int cpu;
	long sum = 0;

	for_each_possible_cpu (cpu)
		sum += READ_ONCE(per_cpu(node_stat_states, cpu).stat[s]);
	return sum > 0 ? (unsigned long)sum : 0;
}

const char *vm_event_name(enum vm_event e)
{
	return vm_event_names[e];
}

const char *node_stat_name(enum node_stat s)
{
	return node_stat_names[s];
}
