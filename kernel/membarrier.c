/* SPDX-License-Identifier: MIT */
/*
 * membarrier(2): one thread pays for the memory barriers of all the others.
 *
 * A reader that runs often does without a barrier, a writer that runs seldom calls this, and then
 * every other thread has passed a barrier. A thread that is off the CPU has passed one in the
 * switch; so it is enough to interrupt every CPU. All are asked, also those that run something
 * else: more than needed, always enough.
 *
 *	GLOBAL, GLOBAL_EXPEDITED	every process		no registration needed to ask
 *	PRIVATE_EXPEDITED		this process		\
 *	   ..._SYNC_CORE		and code that changed	 } each registered for, else EPERM
 *	   ..._RSEQ			and rseq sections	/
 *
 * SYNC_CORE is for those who write code: an interrupted CPU also throws away what it has fetched.
 * RSEQ restarts the restartable sequences of the process. There are none, since rseq(2) is ENOSYS;
 * so the barrier is all that is left of it.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"
#include "kernel/preempt.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/bitops.h"
#include "mm/mm.h"

static void barrier_on_cpu(void *arg)
{
	smp_mb();
}

/* CPUID serialises: nothing fetched before it is executed after it. */
static void sync_core_on_cpu(void *arg)
{
	u32 a, b, c, d;

	smp_mb();
	cpuid(0, 0, &a, &b, &c, &d);
}

static long barrier_on(u64 cpus, void (*fn)(void *))
{
	preempt_disable();
	fn(NULL);
	smp_call_function_mask(cpus & READ_ONCE(cpu_online_mask) & ~BIT_ULL(smp_processor_id()), fn,
			       NULL, true);
	fn(NULL);
	preempt_enable();
	return 0;
}

static long private_barrier(int registered, u64 cpus, void (*fn)(void *))
{
	return test_bit(registered, &current->mm->flags) ? barrier_on(cpus, fn) : -EPERM;
}

static long register_for(int flag)
{
	set_bit(flag, &current->mm->flags);
	return 0;
}

/* A CPU that there is not needs no barrier; a negative number means all. */
static u64 only_cpu(int cpu)
{
	if (cpu < 0)
		return ~0ULL;
	return cpu < MAX_CPUS ? BIT_ULL(cpu) : 0;
}

SYSCALL_DEFINE3(membarrier, int, cmd, unsigned int, flags, int, cpu)
{
	if (flags &&
	    (cmd != MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ || flags != MEMBARRIER_CMD_FLAG_CPU))
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_CMD_ALL;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		return register_for(MMF_MEMBARRIER);
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		return register_for(MMF_MEMBARRIER_SYNC_CORE);
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		return register_for(MMF_MEMBARRIER_RSEQ);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return private_barrier(MMF_MEMBARRIER, ~0ULL, barrier_on_cpu);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return private_barrier(MMF_MEMBARRIER_SYNC_CORE, ~0ULL, sync_core_on_cpu);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return private_barrier(MMF_MEMBARRIER_RSEQ, flags ? only_cpu(cpu) : ~0ULL,
				       barrier_on_cpu);
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier_on(~0ULL, barrier_on_cpu);
	}
	return -EINVAL;
}
