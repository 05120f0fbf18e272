/* SPDX-License-Identifier: BSD-2-Clause */
/* jail.h - what drives a guest runs in a process that may do little else */
#ifndef KV_SIM_JAIL_H
#define KV_SIM_JAIL_H

/*
 * Do the work in a process of its own, which cannot gain privileges, ends with
 * this one, and shuts itself in by kv_jail_close.  Where there are no such
 * processes it is done here.
 * => what the work returned, below 128; 1 and a message: the process was ended
 */
typedef int kv_jail_fn(const void *arg);
int kv_jail_run(kv_jail_fn *work, const void *arg);

/* The same for this process itself. */
void kv_jail_enter(void);

/*
 * All is open that will be needed: from now on a system call that a guest does
 * not need ends the process (SIGSYS).  Outside of a jail nothing happens.
 * => 0; ENOSYS, or what the host says: it has no such filters
 */
int kv_jail_close(void);

#endif
