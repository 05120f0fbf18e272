/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_parts.h - what the readers of captured states share */
#ifndef KV_SIM_CAPTURE_PARTS_H
#define KV_SIM_CAPTURE_PARTS_H

#include "in/capture.h"
#include "in/lines.h"

/* A line while it is read; p stands before the next word. */
struct kv_capture_line {
	const char *p, *end;
	const struct kv_lines *lines;
	struct kv_errors *errors;
	const struct kv_machine *machine;
	struct kv_capture *c;
	/* where the lines before left off */
	unsigned domain, list;
	bool listed;	 /* phys_free: a FREE LIST line came */
	size_t last;	 /* number of the last section, zone, ... */
	unsigned column; /* kernel_maps: counts of the first range */
	struct kv_names attrs;
	struct kv_names seen; /* names that may come once */
};

/* An error at the next word.  => false */
bool kv_capture_refuse(const struct kv_capture_line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Skip a literal and the blanks behind it.  => false: it is not there */
bool kv_capture_skip(struct kv_capture_line *l, const char *literal);

/* A decimal (hex) number of at most max, which must be there; what: its name
 * in the message.  => false: noted */
bool kv_capture_uint(
    struct kv_capture_line *l, uint64_t max, uint64_t *value, const char *what);
bool kv_capture_hex(
    struct kv_capture_line *l, uint64_t *value, const char *what);

/* A word up to the next blank, copied into the pool.  => NULL: noted */
const char *kv_capture_word(struct kv_capture_line *l, const char *what);

/* Nothing more on the line.  => false: noted */
bool kv_capture_end(struct kv_capture_line *l);

/* A name that may come once; `at` is where it stands.  => false: noted */
bool kv_capture_once(
    struct kv_capture_line *l, const char *at, const char *name);

/* An error at a place that was read already.  => false */
#define KV_CAPTURE_BACK(l, at, ...) \
	((l)->p = (at), kv_capture_refuse(l, __VA_ARGS__))

/* Each reads one line that is not blank.  => false: noted */
typedef bool kv_capture_fn(struct kv_capture_line *l);
kv_capture_fn kv_capture_buddyinfo, kv_capture_phys_free, kv_capture_partpopq;
kv_capture_fn kv_capture_kernel_maps, kv_capture_vmem;

#endif
