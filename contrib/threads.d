#!/usr/sbin/dtrace -s
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads.d - record births and deaths of kernel stacks for kvasir replay
 *
 * UNTRIED: it was run neither on FreeBSD nor on illumos.  It writes the neutral
 * thread trace, `SECONDS CPU fork|exit TID [pages=N]`:
 *
 *	dtrace -s threads.d > threads.txt	(Ctrl-C ends the recording)
 *	(head -1 threads.txt; tail -n +2 threads.txt | sort -n) > sorted.txt
 *	kvasir replay sorted.txt --resident N
 *
 * Buffers of several CPUs are printed one after another, hence the sort.  N are
 * the kernel stacks that were there before: on FreeBSD the lines of
 * `procstat -ta`, on illumos those of `echo ::threadlist | mdb -k`.
 *
 * FreeBSD: a stack is born when vm_thread_new returns and dies in
 * vm_thread_dispose, whether the thread has a process or not; a stack that the
 * cache of stacks keeps is born and dies all the same, which is what replay
 * wants.  illumos: a thread is born at proc:::lwp-create and dies at
 * proc:::lwp-exit; threads of the kernel alone are left out.  Probes that a
 * system does not have are passed over (zdefs).
 *
 * The identifier is the address of the thread's structure, in units of 64
 * bytes and cut to 32 bits: unique among live threads, and free again when the
 * structure is, as replay expects.  The domain of a thread is not recorded.
 */

#pragma D option quiet
#pragma D option zdefs
#pragma D option bufsize=16m
#pragma D option switchrate=10hz

dtrace:::BEGIN
{
	start = timestamp;
	printf("# kvasir threads 1\n");
}

fbt::vm_thread_new:entry
{
	stacks = 1;
	self->thread = arg0;
	self->pages = arg1;
}

/* arg1 is what it returned: 0 when there was no stack to be had. */
fbt::vm_thread_new:return
/self->thread && arg1 && self->pages <= 1/
{
	this->now = timestamp - start;
	printf("%d.%09d %d fork %d\n", this->now / 1000000000,
	    this->now % 1000000000, cpu,
	    (self->thread >> 6) & 0xffffffff);
}

fbt::vm_thread_new:return
/self->thread && arg1 && self->pages > 1/
{
	this->now = timestamp - start;
	printf("%d.%09d %d fork %d pages=%d\n", this->now / 1000000000,
	    this->now % 1000000000, cpu,
	    (self->thread >> 6) & 0xffffffff, self->pages);
}

fbt::vm_thread_new:return
/self->thread/
{
	self->thread = 0;
	self->pages = 0;
}

fbt::vm_thread_dispose:entry
{
	this->now = timestamp - start;
	printf("%d.%09d %d exit %d\n", this->now / 1000000000,
	    this->now % 1000000000, cpu, (arg0 >> 6) & 0xffffffff);
}

proc:::lwp-create
/!stacks/
{
	this->now = timestamp - start;
	printf("%d.%09d %d fork %d\n", this->now / 1000000000,
	    this->now % 1000000000, cpu,
	    ((uint64_t)args[0]->pr_addr >> 6) & 0xffffffff);
}

proc:::lwp-exit
/!stacks/
{
	this->now = timestamp - start;
	printf("%d.%09d %d exit %d\n", this->now / 1000000000,
	    this->now % 1000000000, cpu,
	    ((uint64_t)curlwpsinfo->pr_addr >> 6) & 0xffffffff);
}
