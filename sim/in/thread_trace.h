/* SPDX-License-Identifier: BSD-2-Clause */
/* thread_trace.h - recorded births and deaths of threads, read for replay */
#ifndef KV_SIM_THREAD_TRACE_H
#define KV_SIM_THREAD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "in/lines.h"

enum kv_thread_what { KV_THREAD_FORK, KV_THREAD_EXIT };

/* Most domains that a trace may name. */
enum { KV_THREAD_DOMAINS = 8 };

/*
 * What happens to one kernel stack.  An exit always names a thread that is
 * live, a fork one that is not: the readers see to it.
 */
struct kv_thread_op {
	uint64_t nsec;	 /* time of the event, as recorded */
	uint32_t thread; /* below nthreads; used again after its exit */
	uint16_t npages; /* fork: stack pages asked for, 0 = the default */
	uint8_t domain;	 /* fork: domain asked for */
	uint8_t what;	 /* enum kv_thread_what */
};

/* What was in the file, the replay.* figures. */
struct kv_thread_counts {
	uint64_t events;      /* all that are known, not only forks and exits */
	uint64_t forks;	      /* births */
	uint64_t exits;	      /* deaths, of unknown threads too */
	uint64_t frees;	      /* task structures freed */
	uint64_t areas;	      /* requests for a stack that got an area */
	uint64_t lazy_frees;  /* areas put on the lazy list */
	uint64_t fresh_areas; /* forks that claimed an area of their own */
	uint64_t cache_hits;  /* the other forks */
	uint64_t lost_exits;  /* forks of a thread that was still live */
	uint64_t skipped;     /* well-formed events of other names */
	uint64_t garbled;     /* lines that are no event at all */
};

struct kv_thread_trace {
	struct kv_thread_op *ops;
	size_t nops, capacity;
	uint32_t nthreads; /* most threads live at once */
	size_t peak;	   /* operations until nthreads live, first time */
	unsigned ndomains; /* 1 + largest domain named */
	const char *form;  /* "perf script", "kvasir threads 1", "nothing" */
	struct kv_thread_counts counts;
};

/*
 * Read a recording: `perf script` text, or the neutral thread trace, told
 * apart by the first line.  What a reader can live with is warned of.
 * => 0, or EINVAL with entries in *errors; *trace is untouched then
 */
int kv_thread_trace_read(const char *path, bool strict,
    struct kv_thread_trace *trace, struct kv_errors *errors);
void kv_thread_trace_fini(struct kv_thread_trace *trace);

/* ---- For the readers of the formats ---------------------------------- */

/* A set of 64-bit keys, each with a number that starts as 0. */
struct kv_keymap {
	struct kv_keymap_entry {
		uint64_t key; /* key + 1; 0 = unused */
		uint32_t value;
	} * entries;
	size_t count, capacity; /* capacity is a power of two */
};

/* => where the key's number is, until the next call */
uint32_t *kv_keymap_at(struct kv_keymap *map, uint64_t key);
void kv_keymap_fini(struct kv_keymap *map);

/* A trace while it is read. */
struct kv_thread_reader {
	struct kv_thread_trace trace;
	struct kv_keymap threads; /* tid -> thread + 1; 0 = not live */
	uint32_t *idle;		  /* threads that exited, to be used again */
	uint32_t nidle, idle_capacity;
};

/*
 * A fork of a thread that is still live means that its exit was lost: it is
 * disposed of first.  An exit of an unknown thread is counted, no more.
 */
void kv_thread_reader_fork(struct kv_thread_reader *rd, uint64_t nsec,
    uint32_t tid, unsigned domain, unsigned npages);
void kv_thread_reader_exit(
    struct kv_thread_reader *rd, uint64_t nsec, uint32_t tid);

/*
 * Read from the current line, the first, to the last.
 * => 0, EINVAL with entries in *errors
 */
int kv_trace_perf_read(struct kv_lines *lines, bool strict,
    struct kv_thread_reader *rd, struct kv_errors *errors);
int kv_trace_threads_read(struct kv_lines *lines, struct kv_thread_reader *rd,
    struct kv_errors *errors);

#endif
