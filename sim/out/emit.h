/* SPDX-License-Identifier: BSD-2-Clause */
/* emit.h - one writer of structured output, three forms */
#ifndef KV_SIM_EMIT_H
#define KV_SIM_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "in/value.h"
#include "out/metrics.h"

/*
 * A growing buffer.  All output is built in one and written at the end, so
 * that a refused input leaves stdout empty and no file is half-written.
 */
struct kv_buf {
	char *data;
	size_t size, capacity;
};
void kv_buf_printf(struct kv_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void kv_buf_add(struct kv_buf *b, const char *data, size_t size);
void kv_buf_fini(struct kv_buf *b);

/* Write to a temporary file in the folder of path, then rename: whoever looks
 * sees the old file or the new one, also when we are killed.  A link is
 * replaced, not followed.  => 0 or an errno; nothing is left behind on failure
 */
int kv_buf_write_file(const struct kv_buf *b, const char *path);

/* Create a folder and those above it; one that is there already is fine.
 * => 0 or an errno */
int kv_folder_create(const char *path);

enum kv_form { KV_FORM_TEXT, KV_FORM_JSON, KV_FORM_COLUMNS };

/*
 * Writer of nested objects.  Text: "key value" lines, aligned, indented; JSON:
 * one object; columns: gnuplot tables ('#' header, blank-separated).
 *
 * key is NULL for the outermost object and for the members of a list.  Keys
 * stand in the order of the calls: it is the caller who sorts them.
 */
struct kv_emit {
	struct kv_buf *buf;
	enum kv_form form;
	unsigned depth;
	bool first; /* nothing stands behind the last opening bracket yet */
};
void kv_emit_init(struct kv_emit *e, struct kv_buf *buf, enum kv_form form);
void kv_emit_open(struct kv_emit *e, const char *key, char bracket);
void kv_emit_close(struct kv_emit *e, char bracket);
void kv_emit_uint(struct kv_emit *e, const char *key, uint64_t value);
void kv_emit_int(struct kv_emit *e, const char *key, int64_t value);
void kv_emit_hex(struct kv_emit *e, const char *key, uint64_t value);
void kv_emit_ratio(struct kv_emit *e, const char *key, double value);
void kv_emit_text(struct kv_emit *e, const char *key, const char *value);
void kv_emit_none(struct kv_emit *e, const char *key); /* null, or "-" */
/* hex: a whole number is an address or a hash. */
void kv_emit_value(
    struct kv_emit *e, const char *key, const struct kv_value *v, bool hex);
void kv_emit_bool(struct kv_emit *e, const char *key, bool value);
void kv_emit_metric(struct kv_emit *e, const struct kv_metric *x);
/* All of them, sorted by name; the set itself stays as it is. */
void kv_emit_metrics(struct kv_emit *e, const struct kv_metrics *m);

/* A table of figures over time or place, as a gnuplot file. */
struct kv_series {
	const char *name;  /* file name without .dat; JSON key */
	const char *about; /* header comment: units, provenance */
	const char *const *columns;
	size_t ncolumns;
	double *rows; /* nrows * ncolumns */
	size_t nrows;
};
void kv_emit_series(struct kv_emit *e, const struct kv_series *s);

#endif
