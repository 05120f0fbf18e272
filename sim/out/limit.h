/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.h - how much memory and work an input may cost */
#ifndef KV_SIM_LIMIT_H
#define KV_SIM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "alloc/kv.h"

/* Unless --max-memory and --max-steps say something else. */
#define KV_LIMIT_MEMORY (UINT64_C(4) << 30)
#define KV_LIMIT_STEPS UINT64_C(1000000000)

/*
 * A step is an operation of the work or a line of a trace; what it goes through
 * (pages, touches, entries of a table) counts as one more for every 64.  The
 * count begins anew with each run.  What goes beyond a limit ends the program
 * with a message and status 2, before anything was written.
 */
void kv_limit_set(uint64_t memory, uint64_t steps);
void kv_limit_start(void);
void kv_limit_step(void);
void kv_limit_through(uint64_t nthings);

/* Until it is said otherwise the count goes on with each run: they are parts of
 * one work.  It begins with the first. */
void kv_limit_join(bool on);

/* What the next steps stand for, for the message; path NULL: not known.  The
 * path is not copied. */
void kv_limit_place(const char *path, unsigned line, unsigned column);

/* Of all memory: that of the program and that of its allocators. */
struct kv_budget *kv_limit_memory(void);

#endif
