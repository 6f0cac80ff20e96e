/* SPDX-License-Identifier: MIT */
/*
 * signals - delivery, masks, queues, information, alternate stacks, interrupted calls.
 */
#include "signals.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

static void handler_runs(void)
{
	handle(SIGUSR1, on_info, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(hits == 1 && last_sig == SIGUSR1 && last_code == SI_USER && last_pid == getpid());
	CHECK(raise(SIGUSR1) == 0 && hits == 2 && last_code == SI_TKILL);
}

static void action_errors(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	CHECK_ERRNO(sigaction(SIGKILL, &sa, NULL), EINVAL);
	CHECK_ERRNO(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 9, &sa, NULL, 8), EINVAL);
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(0x7ffffff0, 0), ESRCH);
	CHECK(kill(getpid(), 0) == 0);
	CHECK_ERRNO(syscall(SYS_tgkill, getpid(), getpid() + 100000, SIGUSR1), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, 0, getpid(), SIGUSR1), EINVAL);
}

static void masks_and_pending(void)
{
	sigset_t set;

	handle(SIGUSR1, on_info, 0);
	block(SIGUSR1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK(hits == 0);
	CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR1) && !sigismember(&set, SIGUSR2));
	unblock(SIGUSR1);
	CHECK(hits == 1); /* two became one */
	block(SIGUSR1);
	kill(getpid(), SIGUSR1);
	signal(SIGUSR1, SIG_IGN); /* discards it */
	CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGUSR1));
	/* SIGKILL and SIGSTOP cannot be blocked */
	sigfillset(&set);
	CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0 && sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP) &&
	      sigismember(&set, SIGTERM));
}

static int order[16], n_order;

static void on_rt(int sig, siginfo_t *info, void *uc)
{
	(void)uc;
	order[n_order++] = sig << 8 | info->si_value.sival_int;
}

static void real_time_queue(void)
{
	int a = SIGRTMIN + 1, b = SIGRTMIN + 2, i;

	handle(a, on_rt, 0);
	handle(b, on_rt, 0);
	block(a);
	block(b);
	for (i = 0; i < 3; i++) {
		CHECK(sigqueue(getpid(), b, (union sigval){.sival_int = i}) == 0);
		CHECK(sigqueue(getpid(), a, (union sigval){.sival_int = i}) == 0);
	}
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(n_order == 3);
	for (i = 0; i < 3; i++)
		CHECK(order[i] == (a << 8 | (2 - i)) || order[i] == (a << 8 | i));
	unblock(b);
	CHECK(n_order == 6);
}

static void pending_limit(void)
{
	struct rlimit lim = {10, 10};
	int i, ok = 0;

	if (getuid() == 0 && setuid(65534))
		return;
	CHECK(setrlimit(RLIMIT_SIGPENDING, &lim) == 0);
	block(SIGRTMIN + 3);
	for (i = 0; i < 30; i++)
		ok += sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = i}) == 0;
	CHECK(ok > 0 && ok <= 10 && errno == EAGAIN);
}

static void wait_for_signal(void)
{
	struct timespec zero = {0, 0}, short_time = {0, 20000000};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	block(SIGUSR1);
	CHECK_ERRNO(sigtimedwait(&set, &info, &zero), EAGAIN);
	CHECK_ERRNO(sigtimedwait(&set, &info, &short_time), EAGAIN);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_pid == getpid() &&
	      info.si_code == SI_USER);
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		sleep_ms(30);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_pid == pid);
	CHECK_CHILD(pid);
}

static void suspend(void)
{
	pid_t parent = getpid(), pid;
	sigset_t set;

	handle(SIGUSR1, on_info, 0);
	block(SIGUSR1);
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	sigemptyset(&set);
	CHECK_ERRNO(sigsuspend(&set), EINTR);
	CHECK(hits == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, SIGUSR1));
	CHECK_CHILD(pid);
}

static void nesting(int sig, siginfo_t *info, void *uc)
{
	sigset_t set;

	(void)info;
	(void)uc;
	hits++;
	sigprocmask(SIG_BLOCK, NULL, &set);
	last_value = sigismember(&set, sig) * 2 + sigismember(&set, SIGUSR2);
}

static void handler_mask(void)
{
	struct sigaction sa;
	sigset_t set;

	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = nesting;
	sa.sa_flags = SA_SIGINFO;
	sigaddset(&sa.sa_mask, SIGUSR2);
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	CHECK(hits == 1 && last_value == 3);
	sa.sa_flags |= SA_NODEFER | SA_RESETHAND;
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	CHECK(hits == 2 && last_value == 1);
	CHECK(sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0 && !sigismember(&set, SIGUSR1) &&
	      !sigismember(&set, SIGUSR2));
}

static sigjmp_buf jump;

static void jump_out(int sig, siginfo_t *info, void *uc)
{
	on_info(sig, info, uc);
	siglongjmp(jump, 1);
}

static void segv_information(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *gone;

	handle(SIGSEGV, jump_out, 0);
	if (!sigsetjmp(jump, 1))
		*wild = 1;
	CHECK(hits == 1 && last_code == SEGV_MAPERR && last_addr == (void *)16);
	if (!sigsetjmp(jump, 1))
		*(volatile char *)(page + 5) = 1;
	CHECK(hits == 2 && last_code == SEGV_ACCERR && last_addr == page + 5);
	gone = page;
	CHECK(munmap(page, 4096) == 0);
	if (!sigsetjmp(jump, 1))
		last_value = *gone;
	CHECK(hits == 3 && last_code == SEGV_MAPERR && last_addr == page);
}

static void other_faults(void)
{
	char path[] = "/tmp/sig_bus_XXXXXX";
	int fd = mkstemp(path);
	volatile int zero = 0, hundred = 100;
	volatile char *p;

	handle(SIGFPE, jump_out, 0);
	handle(SIGILL, jump_out, 0);
	handle(SIGBUS, jump_out, 0);
	handle(SIGTRAP, on_info, 0);
	if (!sigsetjmp(jump, 1))
		last_value = hundred / zero;
	CHECK(hits == 1 && last_sig == SIGFPE && last_code == FPE_INTDIV);
	if (!sigsetjmp(jump, 1))
		__asm__ volatile("ud2");
	CHECK(hits == 2 && last_sig == SIGILL);
	CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, 4096) == 0);
	p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && p[0] == 0);
	if (!sigsetjmp(jump, 1))
		last_value = p[4096];
	CHECK(hits == 3 && last_sig == SIGBUS && last_addr == p + 4096);
	__asm__ volatile("int3");
	CHECK(hits == 4 && last_sig == SIGTRAP);
}

/* Whatever the stop signal has come to when SIGCONT follows, the process goes on. */
static void stop_and_continue(void)
{
	volatile long *count =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			++*count;
	}
	CHECK(setpgid(pid, pid) == 0); /* a group that is not orphaned: it stops */
	for (int i = 0; i < 200; i++) {
		long before;

		CHECK(kill(pid, SIGTSTP) == 0);
		for (volatile int spin = 0; spin < i % 100 * 20; spin++)
			;
		CHECK(kill(pid, SIGCONT) == 0);
		for (before = *count; *count == before;)
			sched_yield();
	}
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static void fault_when_blocked_kills(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		handle(SIGSEGV, jump_out, 0);
		block(SIGSEGV);
		*wild = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGSEGV);
}

static char *volatile handler_sp;

static void note_stack(int sig, siginfo_t *info, void *uc)
{
	char here;

	handler_sp = &here;
	on_info(sig, info, uc);
}

static volatile int zero_step;

static void overflow(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	if (depth >= 0) /* always, but the compiler cannot know */
		overflow(depth + (zero_step ? 0 : 1));
	frame[1] = frame[0];
}

static void alternate_stack(void)
{
	static char area[65536];
	stack_t ss = {.ss_sp = area, .ss_size = sizeof area}, old;
	struct rlimit lim = {1 << 20, 1 << 20};

	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
	CHECK(sigaltstack(&ss, NULL) == 0);
	handle(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(hits == 1 && handler_sp > area && handler_sp < area + sizeof area);
	handle(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	CHECK(hits == 2 && !(handler_sp > area && handler_sp < area + sizeof area));
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == area && old.ss_flags == 0);
	ss.ss_size = 100;
	CHECK_ERRNO(syscall(SYS_sigaltstack, &ss, NULL), ENOMEM);
	ss.ss_flags = 77;
	CHECK_ERRNO(syscall(SYS_sigaltstack, &ss, NULL), EINVAL);
	/* a stack that has no room left is the classic use */
	CHECK(setrlimit(RLIMIT_STACK, &lim) == 0);
	handle(SIGSEGV, jump_out, SA_ONSTACK);
	if (!sigsetjmp(jump, 1))
		overflow(0);
	CHECK(hits == 3 && last_sig == SIGSEGV);
}

static void no_stack_at_all_kills(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		handle(SIGUSR1, on_info, 0);
		__asm__ volatile(
			"mov %0, %%rsp\n\tmov %1, %%rdi\n\tmov %2, %%rsi\n\tmov %3, %%rax\n\tsyscall\n\t"
			"ud2"
			:
			: "r"(64UL), "r"((long)getpid()), "r"((long)SIGUSR1), "i"(SYS_kill)
			: "rdi", "rsi", "rax", "rcx", "r11", "memory");
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGSEGV);
}

static void bad_frame_kills(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		__asm__ volatile("mov $64, %%rsp\n\tmov %0, %%eax\n\tsyscall\n\tud2"
				 :
				 : "i"(SYS_rt_sigreturn)
				 : "memory");
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGSEGV);
}

/* In the FPU state of a frame: behind the 512 bytes of FXSAVE stands the header of XSAVE. */
#define FP_XSTATE_MAGIC1 0x46505853

static void spoil_fpu(int sig, siginfo_t *info, void *v)
{
	ucontext_t *uc = v;
	char *fpu = (char *)uc->uc_mcontext.fpregs;

	on_info(sig, info, v);
	if (*(uint32_t *)(fpu + 464) == FP_XSTATE_MAGIC1)
		memset(fpu + 512 + 16, 0xff, 8);
	else
		raise(SIGSEGV);
}

static volatile int faults;
static volatile unsigned int mxcsr_in_handler;

static void on_bad_fpu(int sig)
{
	faults++;
	mxcsr_in_handler = __builtin_ia32_stmxcsr();
	if (faults > 1)
		_exit(9);
}

/*
 * An FPU state that the CPU would refuse: SIGSEGV, once, with all other registers taken from the
 * frame already. So its handler returns to what the first signal interrupted, with a fresh FPU.
 */
static void bad_fpu_frame(void)
{
	unsigned int before = 0x9fc0; /* flush to zero, denormals are zero */
	unsigned long rbx = 0;

	handle(SIGUSR1, spoil_fpu, 0);
	signal(SIGSEGV, on_bad_fpu);
	__builtin_ia32_ldmxcsr(before);
	__asm__ volatile("mov $0x77, %%rbx\n\tsyscall\n\tmov %%rbx, %0"
			 : "=r"(rbx)
			 : "D"((long)getpid()), "S"((long)SIGUSR1), "a"(SYS_kill)
			 : "rbx", "rcx", "r11", "memory");
	CHECK(hits == 1 && faults == 1 && rbx == 0x77);
	CHECK(mxcsr_in_handler == 0x1f80);
	signal(SIGSEGV, SIG_DFL);
	__builtin_ia32_ldmxcsr(0x1f80);
}

/*
 * The context is the program's to change: here the faulting instruction is skipped and a register
 * set.
 */
static void edit_context(int sig, siginfo_t *info, void *v)
{
	ucontext_t *uc = v;

	on_info(sig, info, v);
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RBX] = 0x123456789abcdefLL;
	uc->uc_mcontext.gregs[REG_EFL] |= 0x3000; /* IOPL: must not take effect */
}

static void context_is_restored(void)
{
	unsigned long rbx = 1, r12 = 0;
	double x = 1.5, y = 2.25;

	handle(SIGILL, edit_context, 0);
	__asm__ volatile("mov $77, %%r12\n\tmov $1, %%rbx\n\tud2\n\tmov %%rbx, %0\n\tmov %%r12, %1"
			 : "=r"(rbx), "=r"(r12)
			 :
			 : "rbx", "r12", "memory");
	CHECK(hits == 1 && rbx == 0x123456789abcdefUL && r12 == 77);
	CHECK(x * y == 3.375);
}

static void use_fpu(int sig, siginfo_t *info, void *uc)
{
	volatile double a = 3.0, b = 7.0;

	on_info(sig, info, uc);
	a = a / b;
	__asm__ volatile("xorps %%xmm0, %%xmm0\n\txorps %%xmm7, %%xmm7\n\txorps %%xmm15, %%xmm15"
			 :
			 :
			 : "xmm0", "xmm7", "xmm15");
}

static void fpu_is_preserved(void)
{
	unsigned long in = 0x4045000000000000UL, out0, out15;

	handle(SIGUSR1, use_fpu, 0);
	__asm__ volatile("movq %2, %%xmm0\n\tmovq %2, %%xmm15\n\t"
			 "mov %3, %%rdi\n\tmov %4, %%rsi\n\tmov %5, %%rax\n\tsyscall\n\t"
			 "movq %%xmm0, %0\n\tmovq %%xmm15, %1"
			 : "=&r"(out0), "=&r"(out15)
			 : "r"(in), "r"((long)getpid()), "i"(SIGUSR1), "i"(SYS_kill)
			 : "rdi", "rsi", "rax", "rcx", "r11", "xmm0", "xmm15", "memory");
	CHECK(hits == 1 && out0 == in && out15 == in);
}

int main(void)
{
	TEST(handler_runs);
	TEST(action_errors);
	TEST(masks_and_pending);
	TEST(real_time_queue);
	TEST(pending_limit);
	TEST(wait_for_signal);
	TEST(suspend);
	TEST(handler_mask);
	TEST(segv_information);
	TEST(other_faults);
	TEST(stop_and_continue);
	TEST(fault_when_blocked_kills);
	TEST(alternate_stack);
	TEST(no_stack_at_all_kills);
	TEST(bad_frame_kills);
	TEST(bad_fpu_frame);
	TEST(context_is_restored);
	TEST(fpu_is_preserved);
	return test_done();
}
