/* SPDX-License-Identifier: MIT */
/*
 * Signals as programs see them: numbers, flags and structures of the Linux x86-64 ABI.
 */
#pragma once

#include "lib/types.h"

#define SIGHUP	  1
#define SIGINT	  2
#define SIGQUIT	  3
#define SIGILL	  4
#define SIGTRAP	  5
#define SIGABRT	  6
#define SIGBUS	  7
#define SIGFPE	  8
#define SIGKILL	  9
#define SIGUSR1	  10
#define SIGSEGV	  11
#define SIGUSR2	  12
#define SIGPIPE	  13
#define SIGALRM	  14
#define SIGTERM	  15
#define SIGSTKFLT 16
#define SIGCHLD	  17
#define SIGCONT	  18
#define SIGSTOP	  19
#define SIGTSTP	  20
#define SIGTTIN	  21
#define SIGTTOU	  22
#define SIGURG	  23
#define SIGXCPU	  24
#define SIGXFSZ	  25
#define SIGVTALRM 26
#define SIGPROF	  27
#define SIGWINCH  28
#define SIGIO	  29
#define SIGPWR	  30
#define SIGSYS	  31
#define SIGRTMIN  32
#define SIGRTMAX  64
#define _NSIG	  64

/* How rt_sigprocmask changes the mask. */
#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SIG_DFL 0UL
#define SIG_IGN 1UL

#define SA_NOCLDSTOP	  0x00000001UL
#define SA_NOCLDWAIT	  0x00000002UL
#define SA_SIGINFO	  0x00000004UL
#define SA_UNSUPPORTED	  0x00000400UL
#define SA_EXPOSE_TAGBITS 0x00000800UL
#define SA_RESTORER	  0x04000000UL
#define SA_ONSTACK	  0x08000000UL
#define SA_RESTART	  0x10000000UL
#define SA_NODEFER	  0x40000000UL
#define SA_RESETHAND	  0x80000000UL

/* si_code of signals that a program or the kernel sent. */
#define SI_USER	    0
#define SI_KERNEL   0x80
#define SI_QUEUE    (-1)
#define SI_TIMER    (-2)
#define SI_MESGQ    (-3)
#define SI_ASYNCIO  (-4)
#define SI_SIGIO    (-5)
#define SI_TKILL    (-6)
#define SI_DETHREAD (-7)
#define SI_ASYNCNL  (-60)

#define ILL_ILLOPC    1
#define ILL_ILLOPN    2
#define FPE_INTDIV    1
#define FPE_INTOVF    2
#define FPE_FLTDIV    3
#define FPE_FLTOVF    4
#define FPE_FLTUND    5
#define FPE_FLTRES    6
#define FPE_FLTINV    7
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define BUS_OBJERR    3
#define BUS_MCEERR_AR 4
#define BUS_MCEERR_AO 5
#define TRAP_BRKPT    1
#define TRAP_TRACE    2
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM (1U << 31)
#define MINSIGSTKSZ   2048

#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD	2
#define SIGEV_THREAD_ID 4

typedef union {
	int sival_int;
	void *sival_ptr;
} sigval_t;

/*
 * What a handler with SA_SIGINFO gets: 128 bytes at the user, of which the kernel keeps the first
 * 48: the rest is zero.
 */
typedef struct siginfo {
	int si_signo;
	int si_errno;
	int si_code;
	int si_pad0;
	union {
		struct {
			pid_t si_pid; /* kill, rt_sigqueueinfo, SIGCHLD */
			u32 si_uid;
			union {
				sigval_t si_value;
				struct {
					int si_status;
					int si_pad1;
					long si_utime;
					long si_stime;
				};
			};
		};
		struct {
			int si_tid; /* SI_TIMER */
			int si_overrun;
			sigval_t si_timer_value;
			int si_sys_private;
		};
		struct {
			unsigned long si_addr; /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
			short si_addr_lsb;
		};
		struct {
			long si_band; /* SIGIO */
			int si_fd;
		};
		u64 si_words[4];
	};
} siginfo_t;

/* The size of the user's siginfo_t. */
#define SIGINFO_SIZE 128

/* struct sigaction of rt_sigaction(2). */
struct sigaction {
	unsigned long sa_handler;
	unsigned long sa_flags;
	unsigned long sa_restorer;
	u64 sa_mask;
};

typedef struct sigaltstack {
	unsigned long ss_sp;
	int ss_flags;
	int ss_pad;
	size_t ss_size;
} stack_t;

typedef struct sigevent {
	sigval_t sigev_value;
	int sigev_signo;
	int sigev_notify;
	int sigev_tid;
	int sigev_pad[11];
} sigevent_t;
