/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_run.c - kvasir run SCENARIO: run one scenario, print its report */
#include <stdio.h>

#include "cmd.h"
#include "out/files.h"
#include "out/log.h"
#include "out/plot.h"
#include "out/plot_tlb.h"
#include "out/report_run.h"
#include "run/plant.h"
#include "out/shape.h"

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

/* The state is written before it is drained; what that shows to be lost comes
 * into the report all the same. */
static int
render_and_drain(struct kv_run *run, const char *folder, struct kv_buf *text,
    struct kv_buf *json)
{
	int error = 0;

	render(run, text, json);
	if (folder != NULL)
		error = files_write(run, folder, text, json);
	kv_run_drain(run);
	render(run, text, json);
	if (folder != NULL && error == 0)
		error = kv_files_report(folder, text, json);
	return error;
}

static int
report(struct kv_run *run, const struct kv_opts *opts)
{
	struct kv_buf text = {0}, json = {0};
	const struct kv_buf *out =
	    opts->format == KV_FORMAT_JSON ? &json : &text;
	int status = KV_EXIT_OK;

	if (render_and_drain(run, opts->output, &text, &json) != 0)
		status = KV_EXIT_USAGE;
	if (status == KV_EXIT_OK) {
		fwrite(out->data, 1, out->size, stdout);
		status = kv_run_passed(run) ? KV_EXIT_OK : KV_EXIT_FAILED;
	}
	kv_buf_fini(&text);
	kv_buf_fini(&json);
	return status;
}

/* ---- Machines -------------------------------------------------------- */

/* Does the scenario map anything? */
static bool
maps(const struct kv_scenario *sc)
{
	return sc->kstacks.present || sc->paging;
}

/* The faults of --inject join those of the scenario.  => exit status */
static int
plants_of(const struct kv_opts *opts, unsigned *plants)
{
	enum kv_plant plant;

	if (opts->inject == NULL)
		return KV_EXIT_OK;
	plant = kv_plant_find(opts->inject);
	if (plant == KV_PLANTS) {
		kv_log_error("run: no fault \"%s\" in this version "
			     "(see kvasir list faults)",
		    opts->inject);
		return KV_EXIT_USAGE;
	}
	*plants |= 1u << plant;
	return KV_EXIT_OK;
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

/* The machines that the run is held against.  => exit status */
static int
open_machines(const struct kv_opts *opts, const struct kv_scenario *sc,
    struct kv_verifier **verifier)
{
	struct kv_verify_config cfg = {.seed = opts->seed,
	    .huge = sc->huge,
	    .twin = kv_verify_model,
	    .real = opts->kvm ? kv_mmu_kvm_open : NULL,
	    .plants = sc->plants};
	const struct kv_pte_format *format = kv_pte_find(sc->machine->name);
	const char *reason = NULL;
	int status = plants_of(opts, &cfg.plants), error;

	if (status != KV_EXIT_OK)
		return status;
	kv_verifier_create(&cfg, verifier);
	if (!opts->kvm || !maps(sc))
		return KV_EXIT_OK;
	if (sc->nspaces != 0)
		format = sc->spaces[0].format;
	error = kv_verifier_open(*verifier, format, &reason);
	return error == 0 ? KV_EXIT_OK : absent(opts, error, reason);
}

/* ---- The run --------------------------------------------------------- */

static int
execute(const struct kv_opts *opts, const struct kv_scenario *sc,
    struct kv_verifier *verifier, struct kv_errors *errors)
{
	const struct kv_run_config cfg = {.seed = opts->seed,
	    .audit = opts->audit,
	    .nsamples = opts->output != NULL ? SAMPLES : 0,
	    .verifier = verifier,
	    .verify = opts->kvm || opts->inject != NULL || sc->plants != 0,
	    .kvm = opts->kvm};
	struct kv_run *run = NULL;
	int status = KV_EXIT_USAGE;

	if (kv_run_execute(sc, &cfg, &run, errors) == 0)
		status = report(run, opts);
	kv_run_free(run);
	return status;
}

int
kv_cmd_run(const struct kv_opts *opts)
{
	struct kv_verifier *verifier = NULL;
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	int status = KV_EXIT_USAGE;

	if (kv_scenario_load(opts->operands[0], opts->defines, opts->ndefines,
		&sc, &errors) == 0)
		status = open_machines(opts, sc, &verifier);
	if (sc != NULL && status == KV_EXIT_OK)
		status = execute(opts, sc, verifier, &errors);
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_verifier_destroy(verifier);
	kv_scenario_free(sc);
	return status;
}
