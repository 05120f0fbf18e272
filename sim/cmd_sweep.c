/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_sweep.c - kvasir sweep SCENARIO: run it at every point of its lists */
#include <errno.h>
#include <stdio.h>

#include "cmd.h"
#include "out/files.h"
#include "out/mem.h"
#include "out/plot.h"
#include "out/sweep.h"

static int
files_write(const struct kv_sweep *s, const char *folder)
{
	struct kv_buf text = {0}, other = {0};
	int error;

	kv_sweep_text(s, &text);
	kv_sweep_json(s, &other);
	error = kv_files_report(folder, &text, &other);
	other.size = 0;
	kv_sweep_csv(s, &other);
	if (error == 0)
		error = kv_files_write(folder, "report.csv", &other);
	other.size = 0;
	kv_sweep_columns(s, &other);
	if (error == 0)
		error = kv_files_write(folder, "sweep.dat", &other);
	kv_buf_fini(&text);
	kv_buf_fini(&other);
	return error;
}

/* The scripts that draw the columns; they are the same at every point. */
static int
pictures_write(struct kv_scenario_file *file, const struct kv_sweep_config *cfg,
    const char *folder)
{
	struct kv_errors refused = {0};
	struct kv_scenario *sc = NULL;
	int error = 0;
	size_t i;

	if (kv_scenario_read(
		file, NULL, cfg->defines, cfg->ndefines, &sc, &refused) == 0)
		for (i = 0; error == 0 && i < sc->nplots; i++)
			error = kv_plot_write_script(folder, sc->plots[i]);
	kv_scenario_free(sc);
	kv_errors_fini(&refused);
	return error;
}

static int
report(const struct kv_sweep *s, const struct kv_opts *opts)
{
	static void (*const forms[])(const struct kv_sweep *,
	    struct kv_buf *) = {[KV_FORMAT_TEXT] = kv_sweep_text,
	    [KV_FORMAT_JSON] = kv_sweep_json,
	    [KV_FORMAT_CSV] = kv_sweep_csv};
	struct kv_buf b = {0};

	if (opts->output != NULL && files_write(s, opts->output) != 0)
		return KV_EXIT_USAGE;
	forms[opts->format](s, &b);
	fwrite(b.data, 1, b.size, stdout);
	kv_buf_fini(&b);
	return kv_sweep_passed(s) ? KV_EXIT_OK : KV_EXIT_FAILED;
}

/* => 0 and an owned sweep */
static int
sweep(struct kv_scenario_file *file, const struct kv_sweep_config *cfg,
    struct kv_sweep **s, struct kv_errors *errors)
{
	struct kv_scenario *sc = NULL;

	if (kv_errors_noted(errors) == 0)
		return kv_sweep_run(file, cfg, s, errors);
	/* What the parser left is said beside all the rest. */
	kv_scenario_read(file, NULL, cfg->defines, cfg->ndefines, &sc, errors);
	kv_scenario_free(sc);
	return EINVAL;
}

int
kv_cmd_sweep(const struct kv_opts *opts)
{
	const struct kv_sweep_config cfg = {.seed = opts->seed,
	    .audit = opts->audit,
	    .njobs = (unsigned)opts->jobs,
	    .defines = opts->defines,
	    .ndefines = opts->ndefines,
	    .metrics = (const char *const *)opts->metrics,
	    .nmetrics = opts->nmetrics};
	struct kv_scenario_file *file = NULL;
	struct kv_errors errors = {0};
	struct kv_sweep *s = NULL;
	int status = KV_EXIT_USAGE;

	if (kv_scenario_open(opts->operands[0], &file, &errors) == 0 &&
	    sweep(file, &cfg, &s, &errors) == 0)
		status = report(s, opts);
	if (opts->output != NULL && status != KV_EXIT_USAGE &&
	    pictures_write(file, &cfg, opts->output) != 0)
		status = KV_EXIT_USAGE;
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_sweep_free(s);
	kv_scenario_close(file);
	return status;
}
