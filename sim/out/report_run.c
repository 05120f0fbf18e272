/* SPDX-License-Identifier: BSD-2-Clause */
/* report_run.c - the report of `kvasir run` as text */
#include "out/report_run.h"

#include <inttypes.h>

#include "out/format.h"
#include "out/report_figures.h"
#include "out/report_shrunk.h"
#include "run/policy.h"

enum { CELL = 48 };

static void
title(struct kv_buf *b, const char *text)
{
	kv_buf_printf(b, "\n%s\n", text);
}

static void
put_machine(const struct kv_run *run, struct kv_buf *b)
{
	const struct kv_scenario *sc = run->sc;
	char page[CELL], reserv[CELL], memory[CELL];
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < sc->nranges; i++)
		bytes += sc->ranges[i].end - sc->ranges[i].start;
	kv_format_bytes(page, sizeof(page), kv_machine_page_size(sc->machine));
	kv_format_bytes(
	    reserv, sizeof(reserv), kv_machine_reserv_size(sc->machine));
	kv_format_bytes(memory, sizeof(memory), bytes);
	kv_buf_printf(b,
	    "  machine   %s, %s in %u domain%s, page %s, reservation %s\n",
	    sc->machine->name, memory, sc->ndomains,
	    sc->ndomains == 1 ? "" : "s", page, reserv);
}

/* What stood for the machine, with --backend kvm. */
static void
put_backend(const struct kv_run *run, struct kv_buf *b)
{
	const char *reason = NULL;
	const struct kv_mmu_caps *c;

	if (!run->cfg.kvm)
		return;
	c = kv_verifier_caps(run->cfg.verifier, &reason);
	if (run->world == NULL)
		kv_buf_printf(b,
		    "  backend   kvm, which has nothing to map here: neither "
		    "kernel stacks nor spaces\n");
	else if (c == NULL)
		kv_buf_printf(b, "  backend   the model alone: %s\n", reason);
	else
		kv_buf_printf(b,
		    "  backend   kvm (%s, %s paging, CPL 3 %s) against the "
		    "model\n",
		    c->kind, c->paging, c->cpl3_native ? "native" : "emulated");
}

static void
put_head(const struct kv_run *run, struct kv_buf *b)
{
	const struct kv_scenario *sc = run->sc;
	char cell[CELL];
	size_t i;

	kv_buf_printf(b, "%s: %s\n", sc->name,
	    sc->title != NULL ? sc->title : "no title");
	if (run->world != NULL)
		put_machine(run, b);
	if (sc->kstacks.present)
		kv_buf_printf(b,
		    "  stacks    %s, scheme %s, %u pages and %u guard, first "
		    "KVA at 0x%" PRIx64 "\n",
		    sc->kstacks.policy->name,
		    kv_kstack_scheme_name(sc->kstacks.scheme),
		    sc->kstacks.npages, sc->kstacks.gpages,
		    sc->machine->kva_start + sc->kstacks.first_kva);
	for (i = 0; i < sc->nparams; i++) {
		kv_format_value(
		    cell, sizeof(cell), &sc->params[i].value, false);
		kv_buf_printf(b, "%s%s = %s%s", i == 0 ? "  params    " : ", ",
		    sc->params[i].name, cell, i + 1 == sc->nparams ? "\n" : "");
	}
	put_backend(run, b);
	kv_buf_printf(b,
	    "  run       seed %" PRIu64 ", audit %u, %" PRIu64 " operations\n",
	    run->cfg.seed, run->cfg.audit, run->ops);
}

static void
put_expect(const struct kv_run *run, struct kv_buf *b)
{
	char cell[CELL];
	size_t i;

	if (run->sc->nexpect != 0)
		title(b, "Expected");
	for (i = 0; i < run->sc->nexpect; i++) {
		const struct kv_judgement *j = &run->judged[i];

		kv_format_value(cell, sizeof(cell), &j->value, j->hex);
		kv_buf_printf(b, "  %-6s %s", j->ok ? "ok" : "FAILED", j->text);
		kv_buf_printf(b, j->ok ? "\n" : " (it is %s)\n", cell);
	}
}

static void
put_violations(const struct kv_run *run, struct kv_buf *b)
{
	size_t i;

	if (run->nviolations != 0)
		title(b, "Violations");
	for (i = 0; i < run->nviolations; i++) {
		const struct kv_violation *v = &run->violations[i];

		kv_buf_printf(b,
		    "  %-10s operation %" PRIu64 ", 0x%" PRIx64 ": %s%s\n",
		    v->id, v->step, v->address, v->text,
		    v->expected ? " (expected)" : "");
	}
	if (run->unlisted != 0)
		kv_buf_printf(b, "  and %" PRIu64 " more\n", run->unlisted);
}

static void
put_counterexample(const struct kv_run *run, struct kv_buf *b)
{
	if (run->counterexample == NULL)
		return;
	title(b, "Shrunk");
	kv_counterexample_text(run->counterexample, "shrunk.yaml", b);
}

static void
put_outcome(const struct kv_run *run, struct kv_buf *b)
{
	size_t held = 0, i;

	for (i = 0; i < run->sc->nexpect; i++)
		held += run->judged[i].ok;
	kv_buf_printf(b, "\nOutcome: %s; %zu of %zu expectations hold",
	    kv_outcome_name(run->outcome), held, run->sc->nexpect);
	kv_buf_printf(b,
	    run->unexpected == 0 ? "\n"
				 : ", %" PRIu64 " violations not expected\n",
	    run->unexpected);
}

void
kv_report_run_text(const struct kv_run *run, struct kv_buf *b)
{
	put_head(run, b);
	kv_report_figures(run, b);
	put_expect(run, b);
	put_violations(run, b);
	put_counterexample(run, b);
	put_outcome(run, b);
}
