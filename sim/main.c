/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - kvasir: the table of verbs */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "hw/jail.h"
#include "out/hint.h"
#include "out/log.h"

/* What drives a scenario, whatever is asked about it then. */
enum {
	RUN_OPTIONS =
	    KV_OPT_SEED | KV_OPT_DEFINE | KV_OPT_BACKEND | KV_OPT_AUDIT
};

/* In the order in which --help shows them. */
static const struct kv_verb verbs[] = {
    {"run", "SCENARIO", "run a scenario and judge what it expects", 1, 1,
	RUN_OPTIONS | KV_OPT_INJECT | KV_OPT_FORMAT | KV_OPT_OUTPUT |
	    KV_OPT_TRACE,
	kv_cmd_run},
    {"check", "[PATH...]",
	"run scenarios, judge each; PATH: files, folders (./scenarios)", 0,
	SIZE_MAX,
	KV_OPT_SEED | KV_OPT_DEFINE | KV_OPT_BACKEND | KV_OPT_INJECT |
	    KV_OPT_CHECK,
	kv_cmd_check},
    {"sweep", "SCENARIO", "run a scenario at every combination of parameters",
	1, 1,
	KV_OPT_SEED | KV_OPT_DEFINE | KV_OPT_AUDIT | KV_OPT_CSV |
	    KV_OPT_OUTPUT | KV_OPT_SWEEP,
	kv_cmd_sweep},
    {"replay", "TRACE", "drive stack policies with recorded threads", 1, 1,
	KV_OPT_SEED | KV_OPT_AUDIT | KV_OPT_INJECT | KV_OPT_FORMAT |
	    KV_OPT_OUTPUT | KV_OPT_POLICY | KV_OPT_RESIDENT | KV_OPT_STRICT |
	    KV_OPT_TRACE,
	kv_cmd_replay},
    {"vmem", "TRACE", "run a vmem trace; one output line an operation", 1, 1, 0,
	kv_cmd_vmem},
    {"phys", "TRACE", "run a phys trace; one output line an operation", 1, 1, 0,
	kv_cmd_phys},
    {"compare", "A.json [B.json]", "compare two reports metric by metric", 1, 2,
	KV_OPT_COMPARE | KV_OPT_FORMAT, kv_cmd_compare},
    {"report", "FILE", "show our figures for the state of a real kernel", 1, 1,
	KV_OPT_FORMAT | KV_OPT_OUTPUT | KV_OPT_MACHINE, kv_cmd_report},
    {"whatis", "SCENARIO ADDRESS...",
	"run a scenario, then say what each address is", 2, SIZE_MAX,
	RUN_OPTIONS, kv_cmd_whatis},
    {"explore", "SCENARIO", "try all sequences of operations up to a length", 1,
	1, KV_OPT_SEED | KV_OPT_DEFINE | KV_OPT_FORMAT | KV_OPT_OUTPUT,
	kv_cmd_explore},
    {"list", "WHAT",
	"show a table: metrics, policies, faults, invariants, "
	"machines, tlbs",
	1, 1, 0, kv_cmd_list},
    {"machine", "", "show what this host can stand in for a machine", 0, 0,
	KV_OPT_FORMAT | KV_OPT_REQUIRE, kv_cmd_machine},
};

enum { NVERBS = sizeof(verbs) / sizeof(verbs[0]) };

static int
help(void)
{
	size_t i;

	printf("usage: kvasir VERB [OPTION...] [OPERAND...]\n"
	       "A faithful userspace model of a kernel's address space, "
	       "FreeBSD's above all.\n"
	       "\n");
	for (i = 0; i < NVERBS; i++)
		printf("  %-8s %-22s %s\n", verbs[i].name, verbs[i].operands,
		    verbs[i].about);
	printf("\nkvasir VERB --help shows the options of a verb; "
	       "kvasir --version the version.\n");
	return KV_EXIT_OK;
}

static int
unknown(const char *word)
{
	const char *names[NVERBS], *hint;
	size_t i;

	for (i = 0; i < NVERBS; i++)
		names[i] = verbs[i].name;
	hint = kv_hint_find(word, names, NVERBS);
	if (hint != NULL)
		kv_log_error(
		    "no verb \"%s\"; did you mean \"%s\"?", word, hint);
	else
		kv_log_error("no verb \"%s\" (see kvasir --help)", word);
	return KV_EXIT_USAGE;
}

struct job {
	const struct kv_verb *verb;
	const struct kv_opts *opts;
};

static int
work(const void *arg)
{
	const struct job *job = arg;

	return job->verb->run(job->opts);
}

static int
run(const struct kv_verb *verb, int argc, char **argv)
{
	struct kv_opts opts;
	int status = kv_opts_parse(verb, argc, argv, &opts);

	if (status < 0) {
		kv_opts_help(verb, stdout);
		return KV_EXIT_OK;
	}
	if (status != 0)
		return status;
	/* Only the model's machine is nothing but data. */
	if (opts.kvm)
		status = kv_jail_run(work, &(struct job){verb, &opts});
	else
		status = verb->run(&opts);
	kv_opts_fini(&opts);
	return status;
}

static int
dispatch(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		kv_log_error("which verb? (see kvasir --help)");
		return KV_EXIT_USAGE;
	}
	for (i = 0; i < NVERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run(&verbs[i], argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0) {
		printf("kvasir %s\n", KV_VERSION);
		return KV_EXIT_OK;
	}
	return unknown(argv[1]);
}

int
main(int argc, char **argv)
{
	int status;

	kv_log_setup(0, KV_WHEN_AUTO, KV_WHEN_AUTO);
	status = dispatch(argc, argv);
	/* A report that could not be written is not a report. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		kv_log_error("cannot write to stdout");
		return KV_EXIT_USAGE;
	}
	return status;
}
