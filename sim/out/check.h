/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h - many scenarios, each run and judged: the verdicts for a CI */
#ifndef KV_SIM_CHECK_H
#define KV_SIM_CHECK_H

#include "out/emit.h"
#include "run/runner.h"

struct kv_check_config {
	const struct kv_define *defines; /* each for those that know the name */
	size_t ndefines;
	uint64_t seed;
	unsigned audit;
	bool kvm, require_kvm;
	const char *inject;   /* a fault in all of them; NULL: none */
	const char *baseline; /* folder to hold the figures against, or NULL */
	bool update;	      /* write it instead */
	bool fail_each;	      /* again with each draw refused (failing.h) */
	uint64_t refuse[2];   /* with these alone; 0: all */
	size_t njobs;	      /* processes, from 1 */
};

enum kv_check_verdict {
	KV_CHECK_PASSED,
	KV_CHECK_FAILED,
	KV_CHECK_SKIPPED, /* it needs KVM, which is not here */
	KV_CHECK_REFUSED, /* the scenario or its baseline has an error */
	KV_CHECK_VERDICTS
};

/* One scenario.  The texts are owned, through row. */
struct kv_check_item {
	char *path, *name; /* name: file name without .yaml */
	enum kv_check_verdict verdict;
	const char *why;      /* the first reason, a line; "" if it passed */
	const char *details;  /* all of them, a line each */
	const char *baseline; /* what its file is to hold, when it is updated */
	char *row;
};

/* Zero-initialise; finish with kv_check_fini. */
struct kv_check {
	const struct kv_check_config *cfg;
	struct kv_check_item *items; /* by name, then by path */
	size_t count;
	size_t counts[KV_CHECK_VERDICTS];
	bool *known; /* one a define: a scenario has a parameter so named */
};

/*
 * Add a file, or the *.yaml of a folder (not of those in it).
 * => 0; an errno, noted in the log
 */
int kv_check_add(struct kv_check *c, const char *path);

/*
 * Run all of them, in processes of their own, and judge each.
 * => 0, whatever the verdicts; EINVAL, ECHILD, noted in the log: nothing is
 *    known
 */
int kv_check_run(struct kv_check *c, const struct kv_check_config *cfg);

/* Write the files of the baselines.  => 0; an errno, noted in the log */
int kv_check_update(const struct kv_check *c);

/* Free all that it owns; the check is empty after. */
void kv_check_fini(struct kv_check *c);

/* The verdicts in order: KTAP version 1, as kunit.py and kselftest read it;
 * JUnit, as GitHub, GitLab and Jenkins do. */
void kv_check_ktap(const struct kv_check *c, struct kv_buf *b);
void kv_check_junit(const struct kv_check *c, struct kv_buf *b);

#endif
