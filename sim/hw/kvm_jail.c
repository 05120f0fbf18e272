/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_jail.c - what drives a guest runs in a process that may do little else
 *
 * A guest is code on the real CPU beside a large and old interface.  Ours is a
 * page that we wrote; should it, or KVM, go wrong all the same, then the
 * process around it cannot start others, reach the network, or look into its
 * like.
 *
 * The filter is a list of system calls, as plain BPF: libseccomp would be one
 * more thing to depend on, for a table of numbers.  What is on it: memory,
 * files (reports are written from in here, or sent to who started this: there
 * are no sockets but those that were), signals and timers of the watchdog,
 * threads of this process, and ioctl for KVM and terminals.
 */
#define _DEFAULT_SOURCE /* syscall */
#include "hw/jail.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "out/log.h"

/* Sanitizers make calls of their own, and look for leaks with ptrace. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool inside; /* this process is a jail */

/* ---- The filter ------------------------------------------------------ */

static const unsigned allowed[] = {
    /* memory */
    SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_mincore,
    SYS_brk,
    /* files */
    SYS_read, SYS_pread64, SYS_write, SYS_writev, SYS_open, SYS_openat,
    SYS_close, SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_stat, SYS_access,
    SYS_readlink, SYS_getdents64, SYS_fcntl, SYS_dup, SYS_rename, SYS_unlink,
    SYS_mkdir, SYS_poll, SYS_sendto,
    /* signals and time */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigtimedwait,
    SYS_tgkill, SYS_timer_create, SYS_timer_settime, SYS_timer_delete,
    SYS_clock_gettime, SYS_clock_nanosleep, SYS_restart_syscall,
    /* this process and its threads */
    SYS_futex, SYS_getpid, SYS_gettid, SYS_set_robust_list, SYS_rseq,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sysinfo, SYS_getrandom,
    SYS_exit, SYS_exit_group};

enum {
	NALLOWED = sizeof(allowed) / sizeof(allowed[0]),
	FILTER_MAX = 2 * NALLOWED + 32,
	IOCTL_TYPE = 0xff00,
	TERMINAL = 0x5401 /* TCGETS: is it one? */
};

struct program {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void
emit(struct program *p, unsigned op, unsigned k, unsigned yes, unsigned no)
{
	p->code[p->n++] = (struct sock_filter){
	    (unsigned short)op, (unsigned char)yes, (unsigned char)no, k};
}

static void
load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void
give(struct program *p, unsigned action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* If the accumulator is k, that is the answer. */
static void
on(struct program *p, unsigned k, unsigned action)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	give(p, action);
}

/* Low half of an argument, which is all of what these calls look at. */
static size_t
argument(unsigned i)
{
	return offsetof(struct seccomp_data, args) + i * sizeof(__u64);
}

/* An accumulator that is not nr skips the n instructions behind. */
static void
unless(struct program *p, unsigned nr, unsigned n)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, n);
}

static void
compile(struct program *p)
{
	size_t i;

	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	give(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	for (i = 0; i < NALLOWED; i++)
		on(p, allowed[i], SECCOMP_RET_ALLOW);
	/* Its flags are in memory; the C library then takes clone. */
	on(p, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	unless(p, SYS_clone, 4);
	load(p, argument(0));
	emit(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
	give(p, SECCOMP_RET_ALLOW);
	give(p, SECCOMP_RET_KILL_PROCESS);
	unless(p, SYS_ioctl, 6);
	load(p, argument(1));
	on(p, TERMINAL, SECCOMP_RET_ALLOW);
	emit(p, BPF_ALU | BPF_AND | BPF_K, IOCTL_TYPE, 0, 0);
	on(p, KVMIO << 8, SECCOMP_RET_ALLOW);
	give(p, SECCOMP_RET_KILL_PROCESS); /* all that is not on the list */
}

int
kv_jail_close(void)
{
	struct program p = {.n = 0};
	struct sock_fprog fprog;

	if (!inside)
		return 0;
	if (SANITIZED)
		return ENOSYS;
	compile(&p);
	fprog = (struct sock_fprog){p.n, p.code};
	/* Threads that run already are shut in as well. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_TSYNC, &fprog) == 0)
		return 0;
	return errno != 0 ? errno : EBUSY;
}

/* ---- The process ----------------------------------------------------- */

void
kv_jail_enter(void)
{
	inside = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static _Noreturn void
child(kv_jail_fn *work, const void *arg, pid_t parent)
{
	int status;

	/* A parent that ended before this is no parent any more. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
	kv_jail_enter();
	status = work(arg);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		kv_log_error("cannot write to stdout");
		status = 2;
	}
	exit(status);
}

int
kv_jail_run(kv_jail_fn *work, const void *arg)
{
	pid_t parent = getpid(), pid;
	int state = 0;

	/* What is buffered here is not the child's to write. */
	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid == 0)
		child(work, arg, parent);
	if (pid < 0)
		return work(arg);
	while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(state))
		return WEXITSTATUS(state);
	if (WTERMSIG(state) == SIGSYS)
		kv_log_error("the process of the guest made a system call "
			     "that it may not make, and was ended");
	else
		kv_log_error("the process of the guest was ended by signal %d",
		    WTERMSIG(state));
	return 1;
}
