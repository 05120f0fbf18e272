/* SPDX-License-Identifier: BSD-2-Clause */
/* opt.c - options of all verbs: one table, one parser, one struct */
#include "opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "out/hint.h"
#include "out/limit.h"
#include "out/log.h"
#include "out/mem.h"

enum { NOPTIONS_MAX = 64, JOBS_MAX = 256 };

/* Everything that is read before it is stored. */
struct parse {
	struct kv_opts *opts;
	int verbosity;
	enum kv_when progress, color;
	bool help;
};

/* => false: the value is not legal */
typedef bool set_fn(struct parse *p, char *value);

bool
kv_opts_number(const char *s, uint64_t *value)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = hex ? s + 2 : s;
	unsigned long long n;
	char *end;

	if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") !=
		strlen(digits) ||
	    *digits == '\0')
		return false;
	errno = 0;
	n = strtoull(digits, &end, hex ? 16 : 10);
	if (errno != 0 || n > UINT64_MAX)
		return false;
	*value = n;
	return true;
}

static bool
to_word(const char *s, const char *const *words, unsigned *index)
{
	unsigned i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(s, words[i]) == 0) {
			*index = i;
			return true;
		}
	return false;
}

static bool
set_seed(struct parse *p, char *value)
{
	return kv_opts_number(value, &p->opts->seed);
}

static bool
set_define(struct parse *p, char *value)
{
	struct kv_opts *o = p->opts;
	char *equals = strchr(value, '=');

	if (equals == NULL || equals == value)
		return false;
	*equals = '\0';
	o->defines =
	    kv_mem_resize(o->defines, o->ndefines + 1, sizeof(*o->defines));
	o->defines[o->ndefines++] = (struct kv_define){value, equals + 1};
	return true;
}

static bool
set_backend(struct parse *p, char *value)
{
	static const char *const words[] = {"model", "kvm", NULL};
	unsigned index;

	if (!to_word(value, words, &index))
		return false;
	p->opts->kvm = index == 1;
	return true;
}

static bool
set_require_kvm(struct parse *p, char *value)
{
	(void)value;
	p->opts->require_kvm = true;
	return true;
}

static bool
set_audit(struct parse *p, char *value)
{
	uint64_t level;

	if (!kv_opts_number(value, &level) || level > 3)
		return false;
	p->opts->audit = (unsigned)level;
	return true;
}

static bool
set_inject(struct parse *p, char *value)
{
	p->opts->inject = value;
	return true;
}

static bool
set_format(struct parse *p, char *value)
{
	static const char *const words[] = {"text", "json", NULL};
	unsigned index;

	if (!to_word(value, words, &index))
		return false;
	p->opts->format = index == 0 ? KV_FORMAT_TEXT : KV_FORMAT_JSON;
	return true;
}

static bool
set_format_csv(struct parse *p, char *value)
{
	if (strcmp(value, "csv") != 0)
		return set_format(p, value);
	p->opts->format = KV_FORMAT_CSV;
	return true;
}

/* What check prints is that anyway. */
static bool
set_format_ktap(struct parse *p, char *value)
{
	(void)p;
	return strcmp(value, "ktap") == 0;
}

static bool
set_junit(struct parse *p, char *value)
{
	p->opts->junit = value;
	return *value != '\0';
}

static bool
set_baseline(struct parse *p, char *value)
{
	p->opts->baseline = value;
	return *value != '\0';
}

static bool
set_update_baseline(struct parse *p, char *value)
{
	(void)value;
	p->opts->update_baseline = true;
	return true;
}

/* all, N, or N,M for a pair */
static bool
set_fail_each(struct parse *p, char *value)
{
	struct kv_opts *o = p->opts;
	char *comma = strchr(value, ',');

	o->fail_each = true;
	if (strcmp(value, "all") == 0)
		return true;
	if (comma != NULL)
		*comma = '\0';
	return kv_opts_number(value, &o->refuse[0]) && o->refuse[0] != 0 &&
	       (comma == NULL || (kv_opts_number(comma + 1, &o->refuse[1]) &&
				     o->refuse[1] > o->refuse[0]));
}

static bool
set_mutants(struct parse *p, char *value)
{
	(void)value;
	p->opts->mutants = true;
	return true;
}

static bool
set_output(struct parse *p, char *value)
{
	p->opts->output = value;
	return *value != '\0';
}

static bool
set_trace(struct parse *p, char *value)
{
	p->opts->trace = value;
	return *value != '\0';
}

static bool
set_policy(struct parse *p, char *value)
{
	p->opts->policy = value;
	return *value != '\0';
}

static bool
set_resident(struct parse *p, char *value)
{
	return kv_opts_number(value, &p->opts->resident);
}

static bool
set_strict(struct parse *p, char *value)
{
	(void)value;
	p->opts->strict = true;
	return true;
}

static bool
set_machine(struct parse *p, char *value)
{
	p->opts->machine = kv_machine_find(value);
	return p->opts->machine != NULL;
}

static bool
set_tolerance(struct parse *p, char *value)
{
	struct kv_opts *o = p->opts;

	o->tolerances = kv_mem_resize(
	    o->tolerances, o->ntolerances + 1, sizeof(*o->tolerances));
	o->tolerances[o->ntolerances++] = value;
	return strchr(value, '=') != NULL;
}

static bool
set_jobs(struct parse *p, char *value)
{
	return kv_opts_number(value, &p->opts->jobs) && p->opts->jobs >= 1 &&
	       p->opts->jobs <= JOBS_MAX;
}

static bool
set_metric(struct parse *p, char *value)
{
	struct kv_opts *o = p->opts;

	o->metrics =
	    kv_mem_resize(o->metrics, o->nmetrics + 1, sizeof(*o->metrics));
	o->metrics[o->nmetrics++] = value;
	return *value != '\0';
}

static bool
set_of(struct parse *p, char *value)
{
	p->opts->of = value;
	return *value != '\0';
}

/* Bytes, with K, M or G: as many as a process can have. */
static bool
set_max_memory(struct parse *p, char *value)
{
	static const char units[] = "KMG";
	size_t last = strlen(value);
	const char *unit = last == 0 ? NULL : strchr(units, value[last - 1]);
	unsigned shift = 0;

	if (unit != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		value[last - 1] = '\0';
	}
	if (!kv_opts_number(value, &p->opts->max_memory) ||
	    p->opts->max_memory == 0 ||
	    p->opts->max_memory > UINT64_MAX >> shift)
		return false;
	p->opts->max_memory <<= shift;
	return true;
}

static bool
set_max_steps(struct parse *p, char *value)
{
	return kv_opts_number(value, &p->opts->max_steps) &&
	       p->opts->max_steps != 0;
}

static bool
set_quiet(struct parse *p, char *value)
{
	(void)value;
	p->verbosity = -1;
	return true;
}

static bool
set_verbose(struct parse *p, char *value)
{
	(void)value;
	p->verbosity = 1;
	return true;
}

static bool
to_when(const char *value, enum kv_when *when)
{
	static const char *const words[] = {"auto", "always", "never", NULL};
	static const enum kv_when whens[] = {
	    KV_WHEN_AUTO, KV_WHEN_ALWAYS, KV_WHEN_NEVER};
	unsigned index;

	if (!to_word(value, words, &index))
		return false;
	*when = whens[index];
	return true;
}

static bool
set_progress(struct parse *p, char *value)
{
	return to_when(value, &p->progress);
}

static bool
set_color(struct parse *p, char *value)
{
	return to_when(value, &p->color);
}

static bool
set_help(struct parse *p, char *value)
{
	(void)value;
	p->help = true;
	return true;
}

/* The one table of options; group 0 belongs to every verb. */
static const struct option_row {
	const char *name; /* long, or NULL */
	char letter;	  /* short, or 0 */
	const char *value;
	unsigned group; /* KV_OPT_* */
	set_fn *set;
	const char *about;
} rows[] = {
    {"seed", 0, "N", KV_OPT_SEED, set_seed, "seed of all choices (12345)"},
    {NULL, 'D', "NAME=VALUE", KV_OPT_DEFINE, set_define, "set a parameter"},
    {"backend", 0, "model|kvm", KV_OPT_BACKEND, set_backend,
	"what stands for the machine (model)"},
    {"require-kvm", 0, NULL, KV_OPT_BACKEND | KV_OPT_REQUIRE, set_require_kvm,
	"fail where there is no KVM"},
    {"audit", 0, "0..3", KV_OPT_AUDIT, set_audit,
	"0 no checks, 1 at the end, 2 on the way too, 3 after each step (1)"},
    {"audit", 0, "0..3", KV_OPT_CHECK, set_audit,
	"0 no checks, 1 at the end, 2 on the way too, 3 after each step (2)"},
    {"inject", 0, "FAULT", KV_OPT_INJECT, set_inject,
	"inject a fault (see kvasir list faults)"},
    {"format", 0, "text|json", KV_OPT_FORMAT, set_format,
	"form of the report (text)"},
    {"format", 0, "text|json|csv", KV_OPT_CSV, set_format_csv,
	"form of the rows (text)"},
    {"format", 0, "ktap", KV_OPT_CHECK, set_format_ktap,
	"form of the verdicts (ktap)"},
    {"junit", 0, "FILE", KV_OPT_CHECK, set_junit,
	"also write the verdicts to FILE as JUnit"},
    {"baseline", 0, "DIR", KV_OPT_CHECK, set_baseline,
	"hold the figures against those of DIR, a file a scenario"},
    {"update-baseline", 0, NULL, KV_OPT_CHECK, set_update_baseline,
	"write the figures of what passes to that folder instead"},
    {"fail-each", 0, "all|N[,M]", KV_OPT_CHECK, set_fail_each,
	"again for each draw, which is refused; or for these"},
    {"mutants", 0, NULL, KV_OPT_CHECK, set_mutants,
	"which scenario catches which fault: the kill table"},
    {NULL, 'o', "DIR", KV_OPT_OUTPUT, set_output,
	"also write the report's files to DIR"},
    {"trace", 0, "FILE", KV_OPT_TRACE, set_trace,
	"write what happens to FILE, event by event (packed if it ends in "
	".gz)"},
    {"policy", 0, "P[,P...]", KV_OPT_POLICY, set_policy,
	"policies to drive side by side (see kvasir list policies)"},
    {"resident", 0, "N", KV_OPT_RESIDENT, set_resident,
	"long-lived stacks created first (0)"},
    {"strict", 0, NULL, KV_OPT_STRICT, set_strict,
	"a garbled line is an error"},
    {"machine", 0, "MACHINE", KV_OPT_MACHINE, set_machine,
	"where it was captured, see kvasir list machines (amd64)"},
    {"tolerance", 0, "NAME=N|N%|any", KV_OPT_COMPARE, set_tolerance,
	"how far metrics may differ; * in NAME is anything; the last counts"},
    {NULL, 'j', "1..256", KV_OPT_SWEEP, set_jobs,
	"points at a time, each in a process of its own (1)"},
    {NULL, 'j', "1..256", KV_OPT_CHECK, set_jobs,
	"scenarios at a time, each in a process of its own (1)"},
    {"metric", 0, "NAME", KV_OPT_SWEEP, set_metric,
	"a column more, beside metrics: and what is expected; repeatable"},
    {"of", 0, "P[,Q]", KV_OPT_COMPARE, set_of,
	"policy or zone P of the first report, Q of the second"},
    {"max-memory", 0, "BYTES[K|M|G]", 0, set_max_memory,
	"refuse what needs more memory (4G)"},
    {"max-steps", 0, "N", 0, set_max_steps,
	"refuse what takes more steps (1000000000)"},
    {NULL, 'q', NULL, 0, set_quiet, "no warnings, no progress"},
    {NULL, 'v', NULL, 0, set_verbose, "say what is being done"},
    {"progress", 0, "auto|always|never", 0, set_progress,
	"progress bar on stderr (auto)"},
    {"color", 0, "auto|always|never", 0, set_color, "colour on stderr (auto)"},
    {"help", 'h', NULL, 0, set_help, "this text"}};

enum { NROWS = sizeof(rows) / sizeof(rows[0]), LONG_BASE = 256 };

static bool
takes(const struct kv_verb *verb, const struct option_row *row)
{
	return row->group == 0 || (verb->options & row->group) != 0;
}

/* Tables for getopt_long; the value of row i is LONG_BASE + i. */
struct getopt_tables {
	struct option longs[NOPTIONS_MAX];
	char shorts[2 * NOPTIONS_MAX + 3];
	const char *names[NOPTIONS_MAX]; /* of long options, for hints */
	size_t nlongs;
};

static void
tables_fill(const struct kv_verb *verb, struct getopt_tables *t)
{
	char *s = t->shorts;
	int i;

	*s++ = '+'; /* stop at operands: the order is ours to define */
	*s++ = ':';
	for (i = 0; i < NROWS; i++) {
		if (!takes(verb, &rows[i]))
			continue;
		if (rows[i].letter != 0)
			*s++ = rows[i].letter;
		if (rows[i].letter != 0 && rows[i].value != NULL)
			*s++ = ':';
		if (rows[i].name == NULL)
			continue;
		t->names[t->nlongs] = rows[i].name;
		t->longs[t->nlongs++] = (struct option){rows[i].name,
		    rows[i].value != NULL ? required_argument : no_argument,
		    NULL, LONG_BASE + i};
	}
}

/* What the language of commands has, but not this version of a sweep. */
static const char *const later[] = {"shard", "resume", "merge"};

static bool
is_later(const struct kv_verb *verb, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if ((verb->options & KV_OPT_SWEEP) != 0 &&
		    strcmp(name, later[i]) == 0)
			return true;
	return false;
}

/* getopt_long takes prefixes of long options; scripts must not rely on them */
static bool
long_known(
    const struct kv_verb *verb, const struct getopt_tables *t, const char *word)
{
	size_t length = strcspn(word, "="), i;
	const char *hint;
	char name[32];

	for (i = 0; i < t->nlongs; i++)
		if (strlen(t->names[i]) == length &&
		    strncmp(t->names[i], word, length) == 0)
			return true;
	snprintf(name, sizeof(name), "%.*s", (int)length, word);
	hint = kv_hint_find(name, t->names, t->nlongs);
	if (is_later(verb, name))
		kv_log_error(
		    "%s: this version has no --%s yet", verb->name, name);
	else if (hint != NULL)
		kv_log_error("%s: no option --%s; did you mean --%s?",
		    verb->name, name, hint);
	else
		kv_log_error("%s: no option --%s (see kvasir %s --help)",
		    verb->name, name, verb->name);
	return false;
}

static const struct option_row *
row_of(const struct kv_verb *verb, int code)
{
	int i;

	if (code >= LONG_BASE)
		return &rows[code - LONG_BASE];
	for (i = 0; i < NROWS; i++)
		if (rows[i].letter == code && takes(verb, &rows[i]))
			return &rows[i];
	return NULL;
}

/* "--seed", "-D", as the user writes it. */
static const char *
spelling(const struct option_row *row, char *buf, size_t size)
{
	if (row->name != NULL)
		snprintf(buf, size, "--%s", row->name);
	else
		snprintf(buf, size, "-%c", row->letter);
	return buf;
}

/* Take what getopt_long found, or say what is wrong with it. */
static int
option_take(struct parse *p, const struct kv_verb *verb, int code)
{
	bool wrong = code == ':' || code == '?';
	const struct option_row *row = row_of(verb, wrong ? optopt : code);
	char buf[32];

	if (row == NULL)
		kv_log_error("%s: no option -%c (see kvasir %s --help)",
		    verb->name, optopt, verb->name);
	else if (wrong)
		kv_log_error("%s: option %s %s", verb->name,
		    spelling(row, buf, sizeof(buf)),
		    code == ':' ? "needs a value" : "takes no value");
	else if (!row->set(p, optarg))
		kv_log_error("%s: %s %s: expected %s", verb->name,
		    spelling(row, buf, sizeof(buf)), optarg, row->value);
	else
		return 0;
	return KV_EXIT_USAGE;
}

/* All options and operands, whatever their order. */
static int
parse_all(struct parse *p, const struct kv_verb *verb, int argc, char **argv)
{
	struct getopt_tables t = {0};
	int code, error = 0;

	tables_fill(verb, &t);
	optind = 1;
	opterr = 0;
	while (error == 0 && optind < argc) {
		const char *word = argv[optind];
		bool dashes = strncmp(word, "--", 2) == 0;

		if (dashes && word[2] == '\0')
			break;
		if (dashes && !long_known(verb, &t, word + 2))
			return KV_EXIT_USAGE;
		code = getopt_long(argc, argv, t.shorts, t.longs, NULL);
		if (code != -1)
			error = option_take(p, verb, code);
		else
			p->opts->operands[p->opts->noperands++] =
			    argv[optind++];
	}
	if (error == 0 && optind < argc)
		for (optind++; optind < argc; optind++)
			p->opts->operands[p->opts->noperands++] = argv[optind];
	return error;
}

static int
operands_check(const struct kv_verb *verb, const struct kv_opts *opts)
{
	if (opts->noperands >= verb->least && opts->noperands <= verb->most)
		return 0;
	kv_log_error("%s: %s; usage: kvasir %s %s", verb->name,
	    opts->noperands < verb->least ? "something is missing"
					  : "too many operands",
	    verb->name, verb->operands);
	return KV_EXIT_USAGE;
}

int
kv_opts_parse(
    const struct kv_verb *verb, int argc, char **argv, struct kv_opts *opts)
{
	struct parse p = {.opts = opts};
	int error;

	*opts = (struct kv_opts){.seed = 12345,
	    .audit = (verb->options & KV_OPT_CHECK) != 0 ? 2 : 1,
	    .jobs = 1,
	    .max_memory = KV_LIMIT_MEMORY,
	    .max_steps = KV_LIMIT_STEPS,
	    .machine = kv_machine_find("amd64")};
	opts->operands =
	    kv_mem_resize(NULL, (size_t)argc, sizeof(*opts->operands));
	error = parse_all(&p, verb, argc, argv);
	kv_log_setup(p.verbosity, p.progress, p.color);
	kv_limit_set(opts->max_memory, opts->max_steps);
	if (error == 0 && p.help)
		error = -1;
	if (error == 0)
		error = operands_check(verb, opts);
	if (error != 0)
		kv_opts_fini(opts);
	return error;
}

void
kv_opts_fini(struct kv_opts *opts)
{
	kv_mem_free(opts->defines);
	kv_mem_free(opts->tolerances);
	kv_mem_free(opts->metrics);
	kv_mem_free(opts->operands);
	*opts = (struct kv_opts){0};
}

void
kv_opts_help(const struct kv_verb *verb, FILE *to)
{
	char head[64], name[32];
	int i;

	fprintf(to, "usage: kvasir %s [OPTION...] %s\n%s\n\n", verb->name,
	    verb->operands, verb->about);
	for (i = 0; i < NROWS; i++) {
		const struct option_row *row = &rows[i];

		if (!takes(verb, row))
			continue;
		spelling(row, name, sizeof(name));
		snprintf(head, sizeof(head), "%s %s", name,
		    row->value != NULL ? row->value : "");
		fprintf(to, "  %-32s %s\n", head, row->about);
	}
}
