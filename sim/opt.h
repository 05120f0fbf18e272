/* SPDX-License-Identifier: BSD-2-Clause */
/* opt.h - options of all verbs: one table, one parser, one struct */
#ifndef KV_SIM_OPT_H
#define KV_SIM_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "in/scenario.h"

/* Which options a verb takes; -q, -v, --progress, --color, --help always. */
enum {
	KV_OPT_SEED = 1 << 0,
	KV_OPT_DEFINE = 1 << 1,
	KV_OPT_BACKEND = 1 << 2, /* --backend and --require-kvm */
	KV_OPT_AUDIT = 1 << 3,
	KV_OPT_INJECT = 1 << 4,
	KV_OPT_FORMAT = 1 << 5, /* text and json */
	KV_OPT_OUTPUT = 1 << 6,
	KV_OPT_POLICY = 1 << 7,
	KV_OPT_RESIDENT = 1 << 8,
	KV_OPT_STRICT = 1 << 9,
	KV_OPT_REQUIRE = 1 << 10, /* --require-kvm alone */
	KV_OPT_MACHINE = 1 << 11,
	KV_OPT_COMPARE = 1 << 0xc, /* --tolerance and --of */
	KV_OPT_CSV = 1 << 0xd,	   /* --format: text, json and csv */
	KV_OPT_SWEEP = 1 << 0xe,   /* -j and --metric */
	KV_OPT_CHECK = 1 << 0xf,   /* -j, --junit, ...; --audit is 2 */
	KV_OPT_TRACE = 1 << 0x10
};

/* Exit statuses (interface.md). */
enum { KV_EXIT_OK, KV_EXIT_FAILED, KV_EXIT_USAGE, KV_EXIT_SKIPPED = 77 };

enum kv_format { KV_FORMAT_TEXT, KV_FORMAT_JSON, KV_FORMAT_CSV };

/* What stood on the command line, or the defaults. */
struct kv_opts {
	uint64_t seed;
	struct kv_define *defines; /* owned; strings belong to argv */
	size_t ndefines;
	bool kvm; /* --backend kvm */
	bool require_kvm;
	unsigned audit;
	const char *inject; /* NULL = nothing */
	enum kv_format format;
	const char *output; /* -o; NULL = stdout only */
	const char *trace;  /* --trace; NULL = none */
	const char *policy; /* as given: P[,P...]; NULL = the verb's default */
	uint64_t resident;
	uint64_t max_memory; /* bytes */
	uint64_t max_steps;
	bool strict;
	const struct kv_machine *machine; /* amd64 unless said */
	char **tolerances; /* owned list; strings belong to argv */
	size_t ntolerances;
	uint64_t jobs;	/* from 1 */
	char **metrics; /* owned list; strings belong to argv */
	size_t nmetrics;
	const char *junit, *baseline; /* NULL = none */
	bool update_baseline, mutants;
	bool fail_each;	    /* --fail-each */
	uint64_t refuse[2]; /* its draws; 0: all */
	const char *of;	    /* policies or zones, as given; NULL = all */
	char **operands;    /* owned list; strings belong to argv */
	size_t noperands;
};

/* A row of the verb table: what it takes, what it does. */
struct kv_verb {
	const char *name;
	const char *operands; /* for the usage line */
	const char *about;
	size_t least, most; /* operands */
	unsigned options;   /* KV_OPT_* */
	int (*run)(const struct kv_opts *opts);
};

/*
 * Parse what follows the verb (argv[0] is the verb).  Options may stand before
 * and after operands, up to "--"; long ones in full only.  The log is set up.
 * => 0; KV_EXIT_USAGE with a message on stderr; -1: --help was asked for
 */
int kv_opts_parse(
    const struct kv_verb *verb, int argc, char **argv, struct kv_opts *opts);
void kv_opts_fini(struct kv_opts *opts);

/* An unsigned number: decimal or 0x, never octal, nothing behind it. */
bool kv_opts_number(const char *text, uint64_t *value);

/* The usage line and the options of a verb. */
void kv_opts_help(const struct kv_verb *verb, FILE *to);

#endif
