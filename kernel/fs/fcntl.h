/* SPDX-License-Identifier: MIT */
/*
 * fcntl(2): the Linux ABI's commands and structures.
 */
#ifndef KERNEL_FS_FCNTL_H
#define KERNEL_FS_FCNTL_H

#include "lib/types.h"

#define F_DUPFD		       0
#define F_GETFD		       1
#define F_SETFD		       2
#define F_GETFL		       3
#define F_SETFL		       4
#define F_GETLK		       5
#define F_SETLK		       6
#define F_SETLKW	       7
#define F_SETOWN	       8
#define F_GETOWN	       9
#define F_SETSIG	       10
#define F_GETSIG	       11
#define F_SETOWN_EX	       15
#define F_GETOWN_EX	       16
#define F_OFD_GETLK	       36
#define F_OFD_SETLK	       37
#define F_OFD_SETLKW	       38
#define F_DUPFD_CLOEXEC	       1030
#define F_SETPIPE_SZ	       1031
#define F_GETPIPE_SZ	       1032
#define F_ADD_SEALS	       1033
#define F_GET_SEALS	       1034
#define F_SETLEASE	       1024
#define F_GETLEASE	       1025
#define F_GET_RW_HINT	       1035
#define F_SET_RW_HINT	       1036
#define RWH_WRITE_LIFE_EXTREME 5

#define FD_CLOEXEC 1

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

struct flock {
	s16 l_type;
	s16 l_whence;
	s64 l_start;
	s64 l_len;
	pid_t l_pid;
};

struct f_owner_ex {
	int type; /* 0 thread, 1 process, 2 group */
	pid_t pid;
};

#define LOCK_SH	  1
#define LOCK_EX	  2
#define LOCK_NB	  4
#define LOCK_UN	  8
#define LOCK_MAND 32

#endif
