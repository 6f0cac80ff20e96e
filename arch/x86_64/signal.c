/* SPDX-License-Identifier: MIT */
/*
 * Signal frames: a handler is a function call that the program did not make.
 *
 * Everything that the interrupted code had in registers goes onto the user's stack, in the layout
 * that libraries and unwinders have compiled in; the registers are then set as if the handler had
 * just been called, with the restorer as its return address. The restorer makes the rt_sigreturn
 * call, which takes the registers from the frame again, changed or not by the handler.
 *
 *	interrupted sp ->  +---------------------------+
 *			   | red zone, 128 bytes       |  may hold data of a leaf function
 *			   +---------------------------+  <- or the top of the alternate stack
 *			   | FPU state (XSAVE image)   |  64-byte aligned
 *			   +---------------------------+
 *			   | siginfo                   |
 *			   | ucontext: altstack,       |
 *			   |   registers, old mask     |
 *			   | restorer                  |  handler's sp: 16n + 8, as after a call
 *			   +---------------------------+
 *
 * What rt_sigreturn reads back may be anything. Registers cannot hurt the kernel except segment
 * selectors, privileged flags and a return address outside user space: selectors are forced, flags
 * are masked, and the way out checks the address. A frame that cannot be read is a SIGSEGV.
 */
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/string.h"

#define RED_ZONE	   128
#define NR_restart_syscall 219

#define UC_FP_XSTATE	     0x1
#define UC_SIGCONTEXT_SS     0x2
#define UC_STRICT_RESTORE_SS 0x4

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate; /* address of the FPU state, 0: none */
	u64 reserved[8];
};

struct ucontext {
	u64 uc_flags;
	u64 uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	sigset_t uc_sigmask;
};

struct rt_sigframe {
	u64 pretcode;
	struct ucontext uc;
	siginfo_t info;
	u64 info_rest[(SIGINFO_SIZE - sizeof(siginfo_t)) / 8];
};

_Static_assert(!(sizeof(struct sigcontext) != 256), "frame layout");
_Static_assert(!(offsetof(struct rt_sigframe, info) != 8 + 304), "frame layout");
_Static_assert(!(sizeof(struct rt_sigframe) != 8 + 304 + 128), "frame layout");

static void save_context(struct sigcontext *sc, const struct pt_regs *regs, sigset_t mask)
{
	sc->r8 = regs->r8;
	sc->r9 = regs->r9;
	sc->r10 = regs->r10;
	sc->r11 = regs->r11;
	sc->r12 = regs->r12;
	sc->r13 = regs->r13;
	sc->r14 = regs->r14;
	sc->r15 = regs->r15;
	sc->di = regs->di;
	sc->si = regs->si;
	sc->bp = regs->bp;
	sc->bx = regs->bx;
	sc->dx = regs->dx;
	sc->ax = regs->ax;
	sc->cx = regs->cx;
	sc->sp = regs->sp;
	sc->ip = regs->ip;
	sc->flags = regs->flags;
	sc->cs = (u16)regs->cs;
	sc->ss = (u16)regs->ss;
	sc->err = current->thread.error_code;
	sc->trapno = current->thread.trap_nr;
	sc->cr2 = current->thread.cr2;
	sc->oldmask = mask;
}

static void restore_context(struct pt_regs *regs, const struct sigcontext *sc)
{
	regs->r8 = sc->r8;
	regs->r9 = sc->r9;
	regs->r10 = sc->r10;
	regs->r11 = sc->r11;
	regs->r12 = sc->r12;
	regs->r13 = sc->r13;
	regs->r14 = sc->r14;
	regs->r15 = sc->r15;
	regs->di = sc->di;
	regs->si = sc->si;
	regs->bp = sc->bp;
	regs->bx = sc->bx;
	regs->dx = sc->dx;
	regs->ax = sc->ax;
	regs->cx = sc->cx;
	regs->sp = sc->sp;
	regs->ip = sc->ip;
	regs->flags = (regs->flags & ~X86_EFLAGS_USER) | (sc->flags & X86_EFLAGS_USER);
	regs->orig_ax = -1UL;
}

/* Where the frame and the FPU state go. False: the alternate stack has no room. */
static bool place_frame(const struct ksignal *ksig, const struct pt_regs *regs,
			unsigned long *frame, unsigned long *fp)
{
	unsigned long sp = regs->sp - RED_ZONE;
	bool nested = on_sig_stack(regs->sp), entering = false;

	if (ksig->ka.sa_flags & SA_ONSTACK && !nested && current->sas_ss_size) {
		sp = current->sas_ss_sp + current->sas_ss_size;
		entering = true;
	}
	*fp = ALIGN_DOWN(sp - fpu_sigframe_size(), 64);
	*frame = ALIGN_DOWN(*fp - sizeof(struct rt_sigframe), 16) - 8;
	if (entering || nested)
		return *frame > current->sas_ss_sp && *frame < sp;
	return *frame < sp;
}

int setup_rt_frame(struct ksignal *ksig, struct pt_regs *regs)
{
	struct rt_sigframe f;
	unsigned long frame, fp;

	/* there is no code of the kernel's for the handler to return to */
	if (!(ksig->ka.sa_flags & SA_RESTORER))
		return -EFAULT;
	if (!place_frame(ksig, regs, &frame, &fp))
		return -EFAULT;
	if (fpu_to_sigframe((void __user *)fp))
		return -EFAULT;

	memset(&f, 0, sizeof(f));
	f.pretcode = ksig->ka.sa_restorer;
	f.uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | UC_FP_XSTATE;
	do_sigaltstack(NULL, &f.uc.uc_stack, regs->sp, 0);
	save_context(&f.uc.uc_mcontext, regs, *sigmask_to_save());
	f.uc.uc_mcontext.fpstate = fp;
	f.uc.uc_sigmask = *sigmask_to_save();
	f.info = ksig->info;
	if (copy_to_user((void __user *)frame, &f, sizeof(f)))
		return -EFAULT;
	if (current->sas_ss_flags & SS_AUTODISARM) {
		current->sas_ss_sp = 0;
		current->sas_ss_size = 0;
		current->sas_ss_flags = SS_DISABLE;
	}

	regs->di = (unsigned long)ksig->sig;
	regs->si = frame + offsetof(struct rt_sigframe, info);
	regs->dx = frame + offsetof(struct rt_sigframe, uc);
	regs->ax = 0;
	regs->ip = ksig->ka.sa_handler;
	regs->sp = frame;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	return 0;
}

/* The call that the signal interrupted: does it start over when the handler returns? */
static void restart_before_handler(const struct ksignal *ksig, struct pt_regs *regs)
{
	if ((long)regs->orig_ax < 0)
		return;
	switch ((long)regs->ax) {
	case -ERESTART_RESTARTBLOCK:
	case -ERESTARTNOHAND:
		regs->ax = -(long)EINTR;
		break;
	case -ERESTARTSYS:
		if (!(ksig->ka.sa_flags & SA_RESTART)) {
			regs->ax = -(long)EINTR;
			break;
		}
		fallthrough;
	case -ERESTARTNOINTR:
		regs->ax = regs->orig_ax;
		regs->ip -= 2; /* the SYSCALL instruction */
	}
}

static void restart_without_handler(struct pt_regs *regs)
{
	if ((long)regs->orig_ax < 0)
		return;
	switch ((long)regs->ax) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
		regs->ax = regs->orig_ax;
		regs->ip -= 2;
		break;
	case -ERESTART_RESTARTBLOCK:
		regs->ax = NR_restart_syscall;
		regs->ip -= 2;
	}
}

void do_signal(struct pt_regs *regs)
{
	struct ksignal ksig;
	bool failed;

	if (!get_signal(&ksig)) {
		restart_without_handler(regs);
		regs->orig_ax = -1UL;
		restore_saved_sigmask();
		return;
	}
	restart_before_handler(&ksig, regs);
	regs->orig_ax = -1UL;
	failed = setup_rt_frame(&ksig, regs) != 0;
	if (!failed)
		fpu_from_sigframe(NULL);
	signal_setup_done(failed, &ksig);
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	const struct rt_sigframe __user *frame = (const struct rt_sigframe __user *)(regs->sp - 8);
	struct ucontext uc;

	if (copy_from_user(&uc, &frame->uc, sizeof(uc)))
		goto bad;
	set_current_blocked(uc.uc_sigmask);
	/* first the registers: a handler of the SIGSEGV for a bad FPU state goes back to them */
	restore_context(regs, &uc.uc_mcontext);
	if (fpu_from_sigframe((const void __user *)uc.uc_mcontext.fpstate)) {
		fpu_reset_current();
		goto bad;
	}
	current->restart_block.fn = NULL;
	/* a wrong alternate stack in the frame is not an error of sigreturn */
	do_sigaltstack(&uc.uc_stack, NULL, regs->sp, 0);
	return (long)regs->ax;
bad:
	force_sig(SIGSEGV);
	return 0;
}
