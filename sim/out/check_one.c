/* SPDX-License-Identifier: BSD-2-Clause */
/* check_one.c - one scenario of a check, from its file to its verdict */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/baseline.h"
#include "out/check_parts.h"
#include "out/mem.h"
#include "run/failing.h"
#include "run/oracle_log.h"

/* What becomes a row. */
struct one {
	const struct kv_check_config *cfg;
	const char *path;
	bool *known; /* one a define */
	enum kv_check_verdict verdict;
	struct kv_buf why, details, baseline;
};

/* ---- Reproduce ------------------------------------------------------- */

/* One word for a shell. */
static void
put_word(struct kv_buf *b, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789_./=:,+-";

	if (*text != '\0' && text[strspn(text, plain)] == '\0') {
		kv_buf_printf(b, "%s", text);
		return;
	}
	kv_buf_add(b, "'", 1);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			kv_buf_add(b, "'\\'", 3);
		kv_buf_add(b, text, 1);
	}
	kv_buf_add(b, "'", 1);
}

static void
put_define(struct kv_buf *b, const struct kv_define *d)
{
	struct kv_buf word = {0};

	kv_buf_printf(&word, "%s=%s", d->name, d->value);
	kv_buf_printf(b, " -D ");
	put_word(b, word.data);
	kv_buf_fini(&word);
}

void
kv_check_command(const struct kv_check_config *cfg, const char *verb,
    const char *path, const bool *known, struct kv_buf *b)
{
	size_t i;

	kv_buf_printf(b, "kvasir %s ", verb);
	if (path[0] == '-')
		kv_buf_printf(b, "./");
	put_word(b, path);
	for (i = 0; i < cfg->ndefines; i++)
		if (known == NULL || known[i])
			put_define(b, &cfg->defines[i]);
	kv_buf_printf(
	    b, " --seed %" PRIu64 " --audit %u", cfg->seed, cfg->audit);
	if (cfg->kvm)
		kv_buf_printf(b, " --backend kvm");
	if (cfg->inject != NULL) {
		kv_buf_printf(b, " --inject ");
		put_word(b, cfg->inject);
	}
}

static void
put_command(struct one *o, bool drift)
{
	kv_buf_printf(&o->details, "reproduce: ");
	kv_check_command(
	    o->cfg, drift ? "check" : "run", o->path, o->known, &o->details);
	if (drift) {
		kv_buf_printf(&o->details, " --baseline ");
		put_word(&o->details, o->cfg->baseline);
	}
	kv_buf_add(&o->details, "\n", 1);
}

/* ---- Errors ---------------------------------------------------------- */

static void
refuse(struct one *o, int error, const struct kv_errors *errors)
{
	const struct kv_error *e = NULL;

	/* A fault that is not for it says nothing about a scenario. */
	o->verdict = error == ENOTSUP ? KV_CHECK_SKIPPED : KV_CHECK_REFUSED;
	while ((e = kv_errors_next(errors, e)) != NULL)
		kv_buf_printf(&o->details, "%s\n", e->text);
	if (errors->dropped != 0)
		kv_buf_printf(
		    &o->details, "... and %zu more errors\n", errors->dropped);
}

/* No KVM is a reason to skip, unless it is required. */
static void
absent(struct one *o, int error, const char *reason)
{
	bool skip = kv_mmu_absent(error) && !o->cfg->require_kvm;

	o->verdict = skip ? KV_CHECK_SKIPPED : KV_CHECK_FAILED;
	kv_buf_printf(&o->details, "%s: %s\n",
	    kv_mmu_absent(error) ? "no KVM" : "KVM fails", reason);
}

/* ---- Parameters ------------------------------------------------------ */

static bool
has_param(const struct kv_scenario_file *file, const char *name)
{
	const struct kv_axis *axes;
	size_t count, i;

	axes = kv_scenario_axes(file, &count);
	for (i = 0; i < count; i++)
		if (strcmp(axes[i].name, name) == 0)
			return true;
	return false;
}

/* Of several scenarios, each gets the parameters that it has; the only one
 * gets all, and says what is wrong with them.  => how many; *list is owned */
static size_t
defines_of(struct one *o, bool only, struct kv_define **list)
{
	const struct kv_check_config *cfg = o->cfg;
	struct kv_scenario_file *file = NULL;
	struct kv_errors unsaid = {0};
	size_t i, n = 0;

	*list = kv_mem_resize(NULL, cfg->ndefines, sizeof(**list));
	if (!only && cfg->ndefines != 0)
		kv_scenario_open(o->path, &file, &unsaid);
	for (i = 0; i < cfg->ndefines; i++) {
		o->known[i] =
		    only ||
		    (file != NULL && has_param(file, cfg->defines[i].name));
		if (o->known[i])
			(*list)[n++] = cfg->defines[i];
	}
	kv_scenario_close(file);
	kv_errors_fini(&unsaid);
	return n;
}

/* ---- One ------------------------------------------------------------- */

/* => the figures are not those of the baseline */
static bool
hold_against(struct one *o, const struct kv_once *once,
    const struct kv_define *defines, size_t ndefines, struct kv_errors *errors)
{
	const struct kv_baseline b = {.folder = o->cfg->baseline,
	    .name = once->sc->name,
	    .seed = o->cfg->seed,
	    .kvm = o->cfg->kvm,
	    .inject = o->cfg->inject,
	    .defines = defines,
	    .ndefines = ndefines,
	    .metrics = &once->run->metrics};
	size_t before = o->details.size;
	int error;

	if (o->cfg->update)
		error = kv_baseline_write(&b, &o->baseline, errors);
	else
		error = kv_baseline_compare(&b, &o->details, errors);
	if (error != 0)
		refuse(o, error, errors);
	else if (o->details.size != before)
		o->verdict = KV_CHECK_FAILED;
	return error == 0 && o->details.size != before;
}

/* Again with each of its draws refused. */
static void
fail_each(struct one *o, const struct kv_once *once, struct kv_errors *errors)
{
	struct kv_failing_config cfg = {.run = once->run->cfg,
	    .refuse = {o->cfg->refuse[0], o->cfg->refuse[1]}};
	struct kv_failing f;

	if (once->run->ops >= KV_FAILING_OPS && cfg.refuse[0] == 0) {
		o->verdict = KV_CHECK_SKIPPED;
		kv_buf_printf(&o->details,
		    "%" PRIu64 " operations: --fail-each all takes fewer than "
		    "%d\n",
		    once->run->ops, KV_FAILING_OPS);
		return;
	}
	/* What is broken need not fail well. */
	if (once->run->nviolations != 0 && cfg.refuse[0] == 0) {
		o->verdict = KV_CHECK_SKIPPED;
		kv_buf_printf(&o->details, "it violates %s by itself\n",
		    once->run->violations[0].id);
		return;
	}
	cfg.run.verifier = NULL;
	cfg.run.verify = false;
	cfg.run.tap = (struct kv_tap){0};
	if (kv_failing_run(once->sc, &cfg, &f, errors) != 0) {
		refuse(o, EINVAL, errors);
		return;
	}
	if (f.nfindings != 0)
		o->verdict = KV_CHECK_FAILED;
	kv_failing_text(&f, o->path, &o->details);
	kv_failing_fini(&f);
}

/* Without its faults it is not what a scenario's expectations are about. */
static bool
is_mended(const struct one *o, const struct kv_once *once)
{
	return o->cfg->fail_each &&
	       kv_plants_any(&once->sc->own, 0, KV_PLANTS - 1);
}

static void
judge(struct one *o, const struct kv_once *once,
    const struct kv_define *defines, size_t ndefines, struct kv_errors *errors)
{
	bool drift = false, mended = is_mended(o, once);

	if (!mended)
		kv_check_explain(once->run, &o->details);
	if (!mended && !kv_run_passed(once->run))
		o->verdict = KV_CHECK_FAILED;
	else if (o->cfg->fail_each)
		fail_each(o, once, errors);
	else if (o->cfg->baseline != NULL)
		drift = hold_against(o, once, defines, ndefines, errors);
	if (o->verdict == KV_CHECK_FAILED)
		put_command(o, drift);
}

static void
run(struct one *o, bool only)
{
	struct kv_define *defines;
	size_t n = defines_of(o, only, &defines);
	const struct kv_once_config cfg = {.path = o->path,
	    .defines = defines,
	    .ndefines = n,
	    .run = {.seed = o->cfg->seed,
		.audit = o->cfg->audit,
		.kvm = o->cfg->kvm,
		.nested = true},
	    .inject = o->cfg->inject,
	    .sound = o->cfg->fail_each};
	struct kv_errors errors = {0};
	struct kv_once once = {0};
	int error = kv_once_run(&cfg, &once, &errors);

	if (error == 0)
		judge(o, &once, defines, n, &errors);
	else if (once.reason != NULL)
		absent(o, error, once.reason);
	else
		refuse(o, error, &errors);
	kv_errors_fini(&errors);
	kv_once_fini(&once);
	kv_mem_free(defines);
}

/* ---- Event logs ------------------------------------------------------ */

/* Does the scenario that a log is of expect that? */
static bool
is_expected(const struct kv_scenario *sc, const char *id)
{
	size_t i;

	for (i = 0; sc != NULL && i < sc->nexpect; i++)
		if (sc->expect[i].violation != NULL && !sc->expect[i].absent &&
		    kv_finding_meets(id, sc->expect[i].violation))
			return true;
	return false;
}

static void
put_findings(
    struct one *o, const struct kv_oracle *oracle, const struct kv_scenario *sc)
{
	const struct kv_finding *list;
	char id[KV_FINDING_ID];
	size_t count, i;

	list = kv_oracle_findings(oracle, &count);
	for (i = 0; i < count; i++) {
		kv_finding_id(&list[i], id);
		if (is_expected(sc, id))
			continue;
		o->verdict = KV_CHECK_FAILED;
		kv_buf_printf(&o->details,
		    "%s:%" PRIu64 ":1: %s: %s, at 0x%" PRIx64
		    ", in operation %" PRIu64 "\n",
		    o->path, list[i].event, id, list[i].text, list[i].address,
		    list[i].step);
	}
}

/* By its events alone; nothing is run. */
static void
judge_log(struct one *o)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	struct kv_oracle *oracle;

	if (kv_oracle_judge_log(o->path, &oracle, &sc, &errors) != 0) {
		refuse(o, EINVAL, &errors);
	} else {
		put_findings(o, oracle, sc);
		kv_oracle_destroy(oracle);
		kv_scenario_free(sc);
	}
	kv_errors_fini(&errors);
}

/* The first line is why. */
static void
put_row(struct one *o, struct kv_buf *row)
{
	const char verdict = (char)o->verdict, none = '\0';
	size_t i;

	kv_buf_add(&o->details, "", 0);
	kv_buf_add(&o->why, o->details.data, strcspn(o->details.data, "\n"));
	kv_buf_add(row, &verdict, 1);
	for (i = 0; i < o->cfg->ndefines; i++)
		kv_buf_add(row, o->known[i] ? "y" : "n", 1);
	kv_buf_add(row, o->why.data, o->why.size + 1);
	kv_buf_add(row, o->details.data, o->details.size + 1);
	kv_buf_add(row, o->baseline.data, o->baseline.size);
	kv_buf_add(row, &none, 1);
}

void
kv_check_one(const struct kv_check *c, const char *path, struct kv_buf *row)
{
	struct one o = {.cfg = c->cfg,
	    .path = path,
	    .known = kv_mem_resize(NULL, c->cfg->ndefines, sizeof(*o.known))};

	if (kv_event_log_recognise(path))
		judge_log(&o);
	else
		run(&o, c->count == 1);
	put_row(&o, row);
	kv_buf_fini(&o.why);
	kv_buf_fini(&o.details);
	kv_buf_fini(&o.baseline);
	kv_mem_free(o.known);
}
