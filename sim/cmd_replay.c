/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_replay.c - kvasir replay TRACE: a recording through some policies */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "in/lines.h"
#include "in/thread_trace.h"
#include "in/trace_kv.h"
#include "out/event_log.h"
#include "out/files.h"
#include "out/hint.h"
#include "out/log.h"
#include "out/mem.h"
#include "out/plot.h"
#include "out/report_replay.h"
#include "out/report_shrunk.h"
#include "run/replay_shrink.h"

/* Columns of the pictures over time. */
enum { SAMPLES = 200 };

/* The policies to drive, in the order asked for. */
struct choice {
	const struct kv_policy **list;
	size_t count;
};

/* ---- Policies --------------------------------------------------------- */

static int
unknown_policy(const char *name)
{
	size_t count, i;
	const struct kv_policy *table = kv_policy_table(&count);
	const char **names = kv_mem_resize(NULL, count, sizeof(*names));
	const char *hint;

	for (i = 0; i < count; i++)
		names[i] = table[i].name;
	hint = kv_hint_find(name, names, count);
	if (hint != NULL)
		kv_log_error("replay: no policy \"%s\"; did you mean \"%s\"?",
		    name, hint);
	else
		kv_log_error(
		    "replay: no policy \"%s\" (see kvasir list policies)",
		    name);
	kv_mem_free(names);
	return KV_EXIT_USAGE;
}

static int
choice_add(struct choice *c, const char *name)
{
	const struct kv_policy *policy = kv_policy_find(name);

	if (policy == NULL)
		return unknown_policy(name);
	for (size_t i = 0; i < c->count; i++)
		if (c->list[i] == policy) {
			kv_log_error("replay: policy \"%s\" twice", name);
			return KV_EXIT_USAGE;
		}
	c->list = kv_mem_resize(c->list, c->count + 1, sizeof(*c->list));
	c->list[c->count++] = policy;
	return 0;
}

/* All policies that work, or those of "P,P,P". */
static int
choice_parse(struct choice *c, const char *words)
{
	size_t count;
	const struct kv_policy *table = kv_policy_table(&count);
	int error = 0;

	for (size_t i = 0; words == NULL && i < count; i++)
		choice_add(c, table[i].name);
	while (words != NULL && error == 0) {
		size_t size = strcspn(words, ",");
		char *name = kv_mem_text(words);

		name[size] = '\0';
		error = choice_add(c, name);
		kv_mem_free(name);
		words = words[size] == ',' ? words + size + 1 : NULL;
	}
	return error;
}

/* ---- Output ----------------------------------------------------------- */

static int
reports_write(const struct kv_replay_report *r, const char *folder)
{
	struct kv_buf text = {0}, json = {0};
	int error;

	kv_report_replay_text(r, &text);
	kv_report_replay_json(r, &json);
	error = kv_files_report(folder, &text, &json);
	kv_buf_fini(&text);
	kv_buf_fini(&json);
	return error;
}

static int
plots_write(const struct kv_replay_report *r, const char *folder)
{
	struct kv_plot_source *sources =
	    kv_mem_resize(NULL, r->count, sizeof(*sources));
	int error;

	for (size_t i = 0; i < r->count; i++)
		sources[i] =
		    (struct kv_plot_source){.name = r->replays[i].policy->name,
			.machine = r->cfg->machine,
			.timeline = &r->replays[i].timeline,
			.map_runs = &r->replays[i].map_runs,
			.frame_runs = &r->replays[i].frame_runs,
			.bins = r->replays[i].peak.bins};
	error = kv_plot_write(folder, sources, r->count);
	kv_mem_free(sources);
	return error;
}

/* ---- Violations ------------------------------------------------------- */

/* What a policy violated comes down to. */
struct found {
	char id[KV_REPLAY_ID];
	struct kv_buf what;
	struct kv_shrunk shrunk;
	struct kv_counterexample counterexample;
};

/* The least scenario goes beside the report, which tells of it.
 * => 0; an errno, noted */
static int
shrink(const struct kv_replay_report *r, size_t i, struct kv_replay *x,
    struct found *f, const char *folder)
{
	char file[KV_SHRUNK_FILE];

	kv_replay_id(x, f->id);
	kv_replay_shrink(r->cfg, x, r->inject, r->seed, &f->shrunk);
	if (!f->shrunk.reproduced)
		return 0;
	f->counterexample = kv_counterexample_of(&f->shrunk, f->id, &f->what);
	x->counterexample = &f->counterexample;
	kv_report_replay_shrunk_file(r, i, file);
	return kv_files_write(folder, file, &f->shrunk.scenario);
}

/* ---- Running ---------------------------------------------------------- */

static int
policies_run(const struct kv_replay_report *r, const struct choice *c,
    struct kv_replay *replays)
{
	for (size_t i = 0; i < c->count; i++) {
		int error = kv_replay_run(r->cfg, c->list[i], &replays[i]);

		if (error != 0) {
			kv_log_error("replay: %s: %s", c->list[i]->name,
			    strerror(error));
			return KV_EXIT_USAGE;
		}
	}
	return 0;
}

/* => 0; KV_EXIT_USAGE, what is in the way was noted */
static int
files_write(struct kv_replay_report *r, struct kv_replay *replays,
    struct found *found, const char *folder)
{
	if (reports_write(r, folder) != 0 || plots_write(r, folder) != 0)
		return KV_EXIT_USAGE;
	if (!kv_report_replay_failed(r))
		return 0;
	for (size_t i = 0; i < r->count; i++)
		if ((replays[i].violated || replays[i].panicked) &&
		    shrink(r, i, &replays[i], &found[i], folder) != 0)
			return KV_EXIT_USAGE;
	return reports_write(r, folder) != 0 ? KV_EXIT_USAGE : 0;
}

static int
report_print(const struct kv_replay_report *r, const struct kv_opts *opts)
{
	struct kv_buf b = {0};

	if (opts->format == KV_FORMAT_JSON)
		kv_report_replay_json(r, &b);
	else
		kv_report_replay_text(r, &b);
	fwrite(b.data, 1, b.size, stdout);
	kv_buf_fini(&b);
	return kv_report_replay_failed(r) ? KV_EXIT_FAILED : KV_EXIT_OK;
}

static int
policies_report(const struct kv_replay_report *r, const struct choice *c,
    const struct kv_opts *opts)
{
	struct kv_replay *replays = kv_mem_zalloc(c->count, sizeof(*replays));
	struct found *found = kv_mem_zalloc(c->count, sizeof(*found));
	struct kv_replay_report report = *r;
	int status;

	report.replays = replays;
	report.count = c->count;
	status = policies_run(r, c, replays);
	if (status == 0 && opts->output != NULL)
		status = files_write(&report, replays, found, opts->output);
	if (status == 0)
		status = report_print(&report, opts);
	for (size_t i = 0; i < c->count; i++) {
		kv_replay_fini(&replays[i]);
		kv_shrunk_fini(&found[i].shrunk);
		kv_buf_fini(&found[i].what);
	}
	kv_mem_free(replays);
	kv_mem_free(found);
	return status;
}

/* => 0; KV_EXIT_USAGE, noted: no such fault of kernel stacks */
static int
plant(const char *id, struct kv_plants *plants)
{
	enum kv_plant fault = kv_plant_find(id);

	if (fault != KV_PLANTS)
		kv_plants_add(plants, fault);
	if (kv_plants_of_kstacks(plants) != 0)
		return 0;
	kv_log_error("replay: no fault \"%s\" of kernel stacks (see kvasir "
		     "list faults)",
	    id);
	return KV_EXIT_USAGE;
}

/* No two samples at the same operation, but two at least. */
static unsigned
sample_count(const struct kv_thread_trace *trace)
{
	if (trace->nops == 0)
		return 2;
	return trace->nops < SAMPLES ? (unsigned)trace->nops + 1 : SAMPLES;
}

static int
trace_run(const struct kv_thread_trace *trace, const struct choice *c,
    const struct kv_opts *opts, const struct kv_tap *tap)
{
	struct kv_replay_config cfg = {
	    .trace = trace,
	    .machine = kv_machine_find("amd64"),
	    .resident = opts->resident,
	    .audit = opts->audit,
	    .tap = *tap,
	};
	struct kv_replay_report report = {
	    .name = kv_files_name(opts->operands[0]),
	    .cfg = &cfg,
	    .seed = opts->seed,
	    .inject = opts->inject,
	    .strict = opts->strict,
	};

	if (opts->inject != NULL && plant(opts->inject, &cfg.plants) != 0)
		return KV_EXIT_USAGE;
	if (opts->output != NULL)
		cfg.nsamples = sample_count(trace);
	if (cfg.resident > kv_replay_capacity(&cfg)) {
		kv_log_error("replay: --resident %" PRIu64
			     ": memory has room for %" PRIu64 " stacks",
		    cfg.resident, kv_replay_capacity(&cfg));
		return KV_EXIT_USAGE;
	}
	return policies_report(&report, c, opts);
}

int
kv_cmd_replay_from(
    const struct kv_opts *opts, const char *path, const struct kv_tap *tap)
{
	struct kv_thread_trace trace;
	struct kv_errors errors = {0};
	struct choice choice = {0};
	int status = choice_parse(&choice, opts->policy);

	if (status == 0 && tap->fn != NULL && choice.count != 1) {
		kv_log_error("replay: an event log is of one policy "
			     "(--policy P)");
		status = KV_EXIT_USAGE;
	}
	if (status == 0 &&
	    kv_thread_trace_read(path, opts->strict, &trace, &errors) != 0)
		status = KV_EXIT_USAGE;
	else if (status == 0) {
		status = trace_run(&trace, &choice, opts, tap);
		kv_thread_trace_fini(&trace);
	}
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_mem_free(choice.list);
	return status;
}

/* ---- Event logs ------------------------------------------------------- */

static void
input_line(struct kv_event_log *log, const struct kv_lines *lines)
{
	size_t size = (size_t)(lines->end - lines->line);

	kv_event_log_input(
	    log, size != 0 ? lines->line : "\n", size != 0 ? size : 1);
}

/* What was asked, and the recording, so that the log can be replayed. */
static int
head_write(const struct kv_opts *opts, struct kv_event_log *log)
{
	struct kv_errors errors = {0};
	struct kv_lines lines;
	struct kv_buf b = {0};
	int error = kv_lines_open(opts->operands[0], &lines, &errors);

	kv_event_log_head(log, "replay", kv_files_name(opts->operands[0]));
	kv_event_log_head(
	    log, "policy", opts->policy != NULL ? opts->policy : "");
	kv_buf_printf(&b, "%" PRIu64, opts->seed);
	kv_event_log_head(log, "seed", b.data);
	b.size = 0;
	kv_buf_printf(&b, "%u", opts->audit);
	kv_event_log_head(log, "audit", b.data);
	b.size = 0;
	kv_buf_printf(&b, "%" PRIu64, opts->resident);
	kv_event_log_head(log, "resident", b.data);
	if (opts->strict)
		kv_event_log_head(log, "strict", "yes");
	if (opts->inject != NULL)
		kv_event_log_head(log, "inject", opts->inject);
	kv_buf_fini(&b);
	if (error == 0) {
		while (kv_lines_next(&lines))
			input_line(log, &lines);
		error = kv_lines_close(&lines, &errors);
	}
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	return error;
}

static int
replay_traced(const struct kv_opts *opts)
{
	struct kv_event_log *log;
	struct kv_tap tap;
	int error = kv_event_log_create(opts->trace, &log);
	int status = KV_EXIT_USAGE;

	if (error == 0 && head_write(opts, log) == 0) {
		tap = kv_event_log_tap(log);
		status = kv_cmd_replay_from(opts, opts->operands[0], &tap);
	}
	if (error == 0)
		error = kv_event_log_close(
		    log, status == KV_EXIT_OK || status == KV_EXIT_FAILED);
	if (error == 0)
		return status;
	kv_log_error("--trace %s: %s", opts->trace, strerror(error));
	return KV_EXIT_USAGE;
}

int
kv_cmd_replay(const struct kv_opts *opts)
{
	const struct kv_tap nobody = {0};

	if (kv_event_log_recognise(opts->operands[0]))
		return kv_cmd_replay_log(opts);
	if (opts->trace == NULL)
		return kv_cmd_replay_from(opts, opts->operands[0], &nobody);
	if (strcmp(opts->operands[0], "-") != 0)
		return replay_traced(opts);
	kv_log_error("replay: --trace needs a recording that is a file");
	return KV_EXIT_USAGE;
}
