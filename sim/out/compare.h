/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.h - two reports, metric by metric */
#ifndef KV_SIM_COMPARE_H
#define KV_SIM_COMPARE_H

#include "in/json.h"
#include "out/emit.h"

/* How far a metric may differ.  In a name, * stands for any characters. */
struct kv_tolerance {
	const char *name;
	enum { KV_WITHIN_ABSOLUTE, KV_WITHIN_PERCENT, KV_WITHIN_ANY } kind;
	double limit; /* in the metric's unit, or % of the first value */
};

/* "NAME=NUMBER", "NAME=NUMBER%" or "NAME=any"; the text is cut at its '='.
 * => false: it is none of them */
bool kv_tolerance_parse(char *text, struct kv_tolerance *tolerance);

/* One report: its figures, or those of one policy or zone of it. */
struct kv_compared {
	const char *path;
	const char *scenario;	       /* as the report has it, or NULL */
	const char *group;	       /* policy or zone, or NULL: all */
	const struct kv_json *metrics; /* an object */
	const struct kv_json *outcome; /* or NULL */
};

/* Find the figures in a parsed report.
 * => 0; EINVAL with one entry in *errors: no report, no such group */
int kv_compared_open(struct kv_compared *side, const struct kv_json *report,
    struct kv_errors *errors);

/* A metric that is not the same on both sides; a or b NULL: it is not there. */
struct kv_difference {
	const char *group, *name; /* group NULL: none */
	const struct kv_json *a, *b;
	bool numbers;	   /* both are */
	double difference; /* b - a */
	bool within;	   /* the tolerance for that name */
};

struct kv_comparison {
	const struct kv_compared *a, *b;
	const struct kv_tolerance *tolerances; /* the last that fits decides */
	size_t ntolerances;
	struct kv_difference *list; /* by group and name as in the reports */
	size_t count;
	size_t same, beyond; /* metrics */
};

/* Fill list, count, same and beyond.  Integers are compared exactly, whatever
 * their size.  Finish with kv_comparison_fini. */
void kv_compare(struct kv_comparison *c);
void kv_comparison_fini(struct kv_comparison *c);

/* A line for each difference, then how many there are. */
void kv_comparison_text(const struct kv_comparison *c, struct kv_buf *b);
void kv_comparison_json(const struct kv_comparison *c, struct kv_buf *b);

#endif
