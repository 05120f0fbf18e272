/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.h - named figures of a run: declared once, collected, looked up */
#ifndef KV_SIM_METRICS_H
#define KV_SIM_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum kv_metric_kind {
	KV_METRIC_COUNT, /* unsigned */
	KV_METRIC_BYTES, /* unsigned */
	KV_METRIC_SIGNED,
	KV_METRIC_RATIO, /* six decimals */
	KV_METRIC_HEX,	 /* address or hash: "0x..." */
	KV_METRIC_TEXT
};

/* A row of metrics.def; NAME may stand for a part of the name. */
struct kv_metric_decl {
	const char *name;
	const char *unit;
	enum kv_metric_kind kind;
	const char *about; /* one line of meaning */
};
const struct kv_metric_decl *kv_metric_table(size_t *count);

/* The row that declares a name: "vmem.kernel.size" is vmem.NAME.size and
 * "phys.fmfi.o9" is phys.fmfi.oN.  => NULL: no row does */
const struct kv_metric_decl *kv_metric_declared(const char *name);

struct kv_metric {
	char *name; /* owned */
	enum kv_metric_kind kind;
	uint64_t u;
	int64_t i;
	double r;
	char *text; /* owned */
};

/* A set of figures; zero-initialise, finish with kv_metrics_fini. */
struct kv_metrics {
	struct kv_metric *list; /* sorted by name after kv_metrics_sort */
	size_t count, capacity;
	size_t *index; /* hash of names: place in list + 1, or 0 */
	size_t nindex; /* power of two, at least twice count; or 0 */
};

/* Set one figure; a name that is there already is replaced.  The kind of
 * put_uint is COUNT, BYTES or HEX.  name and text are copied. */
void kv_metrics_put_uint(struct kv_metrics *m, enum kv_metric_kind kind,
    const char *name, uint64_t value);
void kv_metrics_put_int(struct kv_metrics *m, const char *name, int64_t value);
void kv_metrics_put_ratio(struct kv_metrics *m, const char *name, double value);
void kv_metrics_put_text(
    struct kv_metrics *m, const char *name, const char *text);

/* The figure of that name, or NULL; valid until the next put. */
const struct kv_metric *kv_metrics_find(
    const struct kv_metrics *m, const char *name);

/* Order the list by name. */
void kv_metrics_sort(struct kv_metrics *m);

/* Free the names and texts; the set is empty after. */
void kv_metrics_fini(struct kv_metrics *m);

#endif
