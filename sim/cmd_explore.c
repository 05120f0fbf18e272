/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_explore.c - kvasir explore SCENARIO: all sequences up to a length */
#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"
#include "out/files.h"
#include "out/log.h"
#include "run/explore.h"

static const char unmerged[] = "states are told apart by their history alone: "
			       "something is cached, or acts by itself";

static void
put_depths(const struct kv_exploration *x, uint64_t length, struct kv_emit *e)
{
	kv_emit_open(e, "depths", '[');
	for (uint64_t d = 0; d <= length; d++) {
		kv_emit_open(e, NULL, '{');
		kv_emit_uint(e, "depth", d);
		kv_emit_uint(e, "sequences", x->sequences[d]);
		kv_emit_uint(e, "states", x->fresh[d]);
		kv_emit_close(e, '}');
	}
	kv_emit_close(e, ']');
}

static void
put_violation(const struct kv_exploration *x, struct kv_emit *e)
{
	kv_emit_open(e, "violations", '[');
	if (x->violated) {
		kv_emit_open(e, NULL, '{');
		kv_emit_hex(e, "address", x->violation.address);
		kv_emit_text(e, "id", x->violation.id);
		kv_emit_text(e, "scenario", x->scenario.data);
		kv_emit_uint(e, "step", x->violation.step);
		kv_emit_text(e, "text", x->violation.text);
		kv_emit_close(e, '}');
	}
	kv_emit_close(e, ']');
}

static void
render_json(const struct kv_scenario *sc, const struct kv_exploration *x,
    struct kv_buf *out)
{
	struct kv_emit e;

	kv_emit_init(&e, out, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_uint(&e, "depth", x->depth);
	put_depths(x, sc->explore.length, &e);
	kv_emit_text(&e, "kvasir", KV_VERSION);
	kv_emit_bool(&e, "merged", x->merged);
	kv_emit_text(&e, "outcome", x->violated ? "failed" : "ok");
	kv_emit_uint(&e, "refused", x->refused);
	kv_emit_text(&e, "scenario", sc->name);
	kv_emit_uint(&e, "states", x->states);
	kv_emit_uint(&e, "transitions", x->transitions);
	put_violation(x, &e);
	kv_emit_close(&e, '}');
}

static void
render_text(const struct kv_scenario *sc, const struct kv_exploration *x,
    struct kv_buf *out)
{
	kv_buf_printf(out,
	    "%s: %" PRIu64 " states, %" PRIu64 " transitions, %" PRIu64
	    " refused, depth %u of %" PRIu64 "\n",
	    sc->name, x->states, x->transitions, x->refused, x->depth,
	    sc->explore.length);
	if (!x->merged)
		kv_buf_printf(out, "%s\n", unmerged);
	for (uint64_t d = 0; d <= sc->explore.length && !x->violated; d++)
		kv_buf_printf(out,
		    "length %2" PRIu64 ": %" PRIu64 " sequences, %" PRIu64
		    " new states\n",
		    d, x->sequences[d], x->fresh[d]);
	if (!x->violated) {
		kv_buf_printf(out, "every invariant holds in every state\n");
		return;
	}
	kv_buf_printf(out,
	    "%s at 0x%" PRIx64 ": %s\n\nWhat the last operation did:\n%s\n"
	    "The shortest sequence, to run:\n\n%s",
	    x->violation.id, x->violation.address, x->violation.text,
	    x->diff.data != NULL ? x->diff.data : "", x->scenario.data);
}

static int
report(const struct kv_opts *opts, const struct kv_scenario *sc,
    const struct kv_exploration *x)
{
	struct kv_buf text = {0}, json = {0};
	const struct kv_buf *out =
	    opts->format == KV_FORMAT_JSON ? &json : &text;
	int error = 0;

	render_text(sc, x, &text);
	render_json(sc, x, &json);
	if (opts->output != NULL)
		error = kv_files_report(opts->output, &text, &json);
	if (error == 0 && opts->output != NULL && x->violated)
		error =
		    kv_files_write(opts->output, "shortest.yaml", &x->scenario);
	if (error == 0)
		fwrite(out->data, 1, out->size, stdout);
	kv_buf_fini(&text);
	kv_buf_fini(&json);
	if (error != 0)
		return KV_EXIT_USAGE;
	return x->violated ? KV_EXIT_FAILED : KV_EXIT_OK;
}

static int
explore(const struct kv_opts *opts, const struct kv_scenario *sc,
    struct kv_errors *errors)
{
	const struct kv_run_config cfg = {.seed = opts->seed};
	uint64_t begun = kv_log_begin();
	struct kv_exploration x = {0};
	int status = KV_EXIT_USAGE;

	if (sc->explore.length == 0)
		kv_errors_add(errors, sc->text.path, 1, 1,
		    "there is nothing to explore: the section 'explore' is "
		    "missing");
	else if (kv_explore(sc, &cfg, &x, errors) == 0)
		status = report(opts, sc, &x);
	if (status != KV_EXIT_USAGE)
		kv_log_took("explored", begun);
	kv_exploration_fini(&x);
	return status;
}

int
kv_cmd_explore(const struct kv_opts *opts)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	int status = KV_EXIT_USAGE;

	if (kv_scenario_load(opts->operands[0], opts->defines, opts->ndefines,
		&sc, &errors) == 0)
		status = explore(opts, sc, &errors);
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_scenario_free(sc);
	return status;
}
