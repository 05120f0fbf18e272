/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_run.c - kvasir run SCENARIO: run one scenario, print its report */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "out/event_log.h"
#include "out/files.h"
#include "out/log.h"
#include "out/plot.h"
#include "out/plot_tlb.h"
#include "out/report_run.h"
#include "out/report_shrunk.h"
#include "run/once.h"
#include "out/shape.h"
#include "run/shrink.h"

/* Columns of the pictures over time. */
enum { SAMPLES = 200 };

/* NAME.dat and NAME.gp of each series. */
static int
series_write(const struct kv_run *run, const char *folder, struct kv_buf *b)
{
	struct kv_buf name = {0};
	struct kv_emit e;
	int error = 0;
	size_t i;

	for (i = 0; i < run->sc->nsamples && error == 0; i++) {
		struct kv_series s = kv_report_run_series(run, i);

		b->size = name.size = 0;
		kv_emit_init(&e, b, KV_FORM_COLUMNS);
		kv_emit_series(&e, &s);
		kv_buf_printf(&name, "%s.dat", s.name);
		error = kv_files_write(folder, name.data, b);
		b->size = name.size = 0;
		kv_plot_series_script(b, s.name);
		kv_buf_printf(&name, "%s.gp", s.name);
		if (error == 0)
			error = kv_files_write(folder, name.data, b);
	}
	kv_buf_fini(&name);
	return error;
}

/* What plots/ draws of kernel stacks and the memory under them. */
static int
plots_write(const struct kv_run *run, const char *folder, struct kv_buf *b)
{
	uint64_t bins[KV_MOMENT_BINS] = {0};
	struct kv_runs map_runs = {0}, frame_runs = {0};
	struct kv_plot_source source = {.name = run->sc->name,
	    .machine = run->sc->machine,
	    .timeline = &run->timeline,
	    .map_runs = &map_runs,
	    .frame_runs = &frame_runs,
	    .bins = bins};
	int error;

	kv_runs_of_map(run->world, &map_runs);
	kv_runs_of_frames(run->world, &frame_runs);
	kv_bins_take(run->world, bins);
	error = kv_plot_write(folder, &source, 1);
	b->size = 0;
	kv_plot_free_map(b, run->world->phys);
	if (error == 0)
		error = kv_files_write(folder, "free_map.dat", b);
	if (error == 0)
		error = kv_plot_write_script(folder, "free_map.gp");
	b->size = 0;
	if (error == 0 && run->sc->ndomains > 1) {
		kv_plot_misplacement(b, &run->timeline, run->sc->ndomains);
		error = kv_files_write(folder, "misplacement.dat", b);
		if (error == 0)
			error = kv_plot_write_script(folder, "misplacement.gp");
	}
	kv_runs_fini(&map_runs);
	kv_runs_fini(&frame_runs);
	return error;
}

/* Both forms, and the state as the kernels' own tools would show it. */
static int
files_write(const struct kv_run *run, const char *folder,
    const struct kv_buf *text, const struct kv_buf *json)
{
	int error = kv_files_report(folder, text, json);
	struct kv_buf b = {0};
	size_t i;

	for (i = 0; i < kv_nshapes && error == 0; i++) {
		b.size = 0;
		kv_shapes[i].write(run, &b);
		if (b.size != 0)
			error = kv_files_write(folder, kv_shapes[i].file, &b);
	}
	if (error == 0)
		error = series_write(run, folder, &b);
	if (error == 0 && run->sc->kstacks.present)
		error = plots_write(run, folder, &b);
	if (error == 0)
		error = kv_plot_write_paging(folder, run);
	kv_buf_fini(&b);
	return error;
}

static void
render(const struct kv_run *run, struct kv_buf *text, struct kv_buf *json)
{
	text->size = json->size = 0;
	kv_report_run_text(run, text);
	kv_report_run_json(run, json);
}

/* ---- Violations ------------------------------------------------------ */

/* The first that nobody expects, or NULL. */
static const struct kv_violation *
unexpected(const struct kv_run *run)
{
	for (size_t i = 0; i < run->nviolations; i++)
		if (!run->violations[i].expected)
			return &run->violations[i];
	return NULL;
}

/* Beside the report: the least scenario that violates the same.  The report
 * tells of it.  => 0; an errno, noted */
static int
write_shrunk(struct kv_run *run, const struct kv_once_config *cfg,
    const char *folder, struct kv_buf *text, struct kv_buf *json)
{
	const struct kv_violation *v = unexpected(run);
	struct kv_buf what = {0};
	struct kv_shrunk s;
	int error = 0;

	if (v == NULL || cfg->text != NULL || strcmp(cfg->path, "-") == 0)
		return 0;
	kv_shrink(cfg, v->id, &s);
	if (s.reproduced) {
		const struct kv_counterexample c =
		    kv_counterexample_of(&s, v->id, &what);

		run->counterexample = &c;
		render(run, text, json);
		run->counterexample = NULL;
		error = kv_files_write(folder, "shrunk.yaml", &s.scenario);
	}
	kv_buf_fini(&what);
	kv_shrunk_fini(&s);
	return error;
}

/* ---- The report ------------------------------------------------------ */

/* The state is written before it is drained; what that shows to be lost comes
 * into the report all the same. */
static int
render_and_drain(struct kv_run *run, const struct kv_once_config *cfg,
    const char *folder, struct kv_buf *text, struct kv_buf *json)
{
	int error = 0;

	render(run, text, json);
	if (folder != NULL)
		error = files_write(run, folder, text, json);
	kv_run_drain(run);
	render(run, text, json);
	if (folder != NULL && error == 0)
		error = write_shrunk(run, cfg, folder, text, json);
	if (folder != NULL && error == 0)
		error = kv_files_report(folder, text, json);
	return error;
}

static int
report(struct kv_run *run, const struct kv_once_config *cfg,
    const struct kv_opts *opts)
{
	struct kv_buf text = {0}, json = {0};
	const struct kv_buf *out =
	    opts->format == KV_FORMAT_JSON ? &json : &text;
	int status = KV_EXIT_OK;

	if (render_and_drain(run, cfg, opts->output, &text, &json) != 0)
		status = KV_EXIT_USAGE;
	if (status == KV_EXIT_OK) {
		fwrite(out->data, 1, out->size, stdout);
		status = kv_run_passed(run) ? KV_EXIT_OK : KV_EXIT_FAILED;
	}
	kv_buf_fini(&text);
	kv_buf_fini(&json);
	return status;
}

/* No KVM is a reason to skip, unless it is required.  => exit status */
static int
absent(const struct kv_opts *opts, int error, const char *reason)
{
	if (!kv_mmu_absent(error)) {
		kv_log_error("run: KVM fails: %s", reason);
		return KV_EXIT_FAILED;
	}
	kv_log_error("run: no KVM: %s", reason);
	return opts->require_kvm ? KV_EXIT_FAILED : KV_EXIT_SKIPPED;
}

int
kv_cmd_run_once(const struct kv_opts *opts, struct kv_once_config *cfg,
    struct kv_errors *errors)
{
	struct kv_once once = {0};
	int error, status;

	cfg->defines = opts->defines;
	cfg->ndefines = opts->ndefines;
	cfg->run.seed = opts->seed;
	cfg->run.audit = opts->audit;
	cfg->run.nsamples = opts->output != NULL ? SAMPLES : 0;
	cfg->run.kvm = opts->kvm;
	cfg->inject = opts->inject;
	error = kv_once_run(cfg, &once, errors);
	if (error == 0)
		status = report(once.run, cfg, opts);
	else if (once.reason != NULL)
		status = absent(opts, error, once.reason);
	else
		status = KV_EXIT_USAGE;
	kv_once_fini(&once);
	return status;
}

/* ---- Event logs ------------------------------------------------------- */

/* A run that is written down. */
struct traced {
	const struct kv_opts *opts;
	struct kv_event_log *log;
};

/* What the run is asked, so that its log can be replayed. */
static void
head_write(void *arg, const struct kv_scenario *sc)
{
	const struct traced *t = arg;
	const struct kv_opts *opts = t->opts;
	struct kv_buf b = {0};
	size_t i;

	kv_event_log_head(t->log, "run", kv_files_name(sc->text.path));
	kv_buf_printf(&b, "%" PRIu64, opts->seed);
	kv_event_log_head(t->log, "seed", b.data);
	b.size = 0;
	kv_buf_printf(&b, "%u", opts->audit);
	kv_event_log_head(t->log, "audit", b.data);
	if (opts->kvm)
		kv_event_log_head(t->log, "backend", "kvm");
	if (opts->inject != NULL)
		kv_event_log_head(t->log, "inject", opts->inject);
	for (i = 0; i < opts->ndefines; i++) {
		b.size = 0;
		kv_buf_printf(
		    &b, "%s=%s", opts->defines[i].name, opts->defines[i].value);
		kv_event_log_head(t->log, "define", b.data);
	}
	kv_event_log_input(t->log, sc->text.data, sc->text.size);
	kv_buf_fini(&b);
}

static int
trace_failed(const struct kv_opts *opts, int error)
{
	kv_log_error("--trace %s: %s", opts->trace, strerror(error));
	return KV_EXIT_USAGE;
}

/* A log is kept of a run that has a report. */
static int
run_traced(const struct kv_opts *opts, struct kv_once_config *cfg,
    struct kv_errors *errors)
{
	struct traced t = {.opts = opts};
	int error = kv_event_log_create(opts->trace, &t.log), status;

	if (error != 0)
		return trace_failed(opts, error);
	cfg->ready = head_write;
	cfg->arg = &t;
	cfg->run.tap = kv_event_log_tap(t.log);
	status = kv_cmd_run_once(opts, cfg, errors);
	error = kv_event_log_close(
	    t.log, status == KV_EXIT_OK || status == KV_EXIT_FAILED);
	return error != 0 ? trace_failed(opts, error) : status;
}

int
kv_cmd_run(const struct kv_opts *opts)
{
	struct kv_once_config cfg = {.path = opts->operands[0]};
	struct kv_errors errors = {0};
	int status = opts->trace != NULL ? run_traced(opts, &cfg, &errors)
					 : kv_cmd_run_once(opts, &cfg, &errors);

	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	return status;
}
