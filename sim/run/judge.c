/* SPDX-License-Identifier: BSD-2-Clause */
/* judge.c - figures, expectations and violations of a run */
#include <stdio.h>
#include <string.h>

#include "in/attribute.h"
#include "out/emit.h"
#include "run/measure_tlb.h"
#include "run/runner_parts.h"

/* ---- Violations ------------------------------------------------------ */

static bool
is_expected(const struct kv_scenario *sc, const char *id)
{
	size_t i;

	for (i = 0; i < sc->nexpect; i++)
		if (sc->expect[i].violation != NULL && !sc->expect[i].absent &&
		    strcmp(sc->expect[i].violation, id) == 0)
			return true;
	return false;
}

/* Did another judge say so of the same place after this operation? */
static bool
is_listed(const struct kv_run *run, const char *id, uint64_t address)
{
	size_t i = run->nviolations;

	while (i-- != 0 && run->violations[i].step == run->ops)
		if (run->violations[i].address == address &&
		    strcmp(run->violations[i].id, id) == 0)
			return true;
	return false;
}

/* also: another name of what it breaks, or NULL; who expects one of them
 * expects it. */
static void
note(struct kv_run *run, const char *id, const char *also, uint64_t address,
    const char *text)
{
	struct kv_violation v = {
	    .step = run->ops, .address = address, .text = text};

	if (is_listed(run, id, address))
		return;
	snprintf(v.id, sizeof(v.id), "%s", id);
	v.expected = is_expected(run->sc, id) ||
		     (also != NULL && is_expected(run->sc, also));
	run->unexpected += !v.expected;
	if (run->nviolations < KV_VIOLATIONS_MAX)
		run->violations[run->nviolations++] = v;
	else
		run->unlisted++;
}

void
kv_run_violate_id(
    struct kv_run *run, const char *id, uint64_t address, const char *text)
{
	note(run, id, NULL, address, text);
}

void
kv_run_violate_both(
    struct kv_run *run, const struct kv_diag *diag, const char *other)
{
	bool generic = strcmp(diag->module, "V") == 0;
	char id[40];

	snprintf(id, sizeof(id), generic ? "%s%u" : "%s-I%u", diag->module,
	    diag->invariant);
	if (other == NULL)
		other = kv_generic_of(id);
	note(run, id, other, diag->address, diag->text);
	if (other != NULL)
		note(run, other, id, diag->address, diag->text);
}

void
kv_run_violate(struct kv_run *run, const struct kv_diag *diag)
{
	kv_run_violate_both(run, diag, NULL);
}

/* Was it noted in this operation already, by whoever checks the allocators? */
static bool
is_noted(const struct kv_run *run, const char *id)
{
	size_t i = run->nviolations;

	while (i-- != 0 && run->violations[i].step == run->ops)
		if (kv_finding_meets(id, run->violations[i].id))
			return true;
	return false;
}

void
kv_runner_hear(struct kv_runner *r)
{
	const struct kv_finding *list;
	char id[KV_FINDING_ID];
	size_t count;

	if (r->oracle == NULL)
		return;
	kv_oracle_settle(r->oracle);
	list = kv_oracle_findings(r->oracle, &count);
	for (; r->heard < count; r->heard++) {
		kv_finding_id(&list[r->heard], id);
		if (!is_noted(r->run, id))
			kv_run_violate_id(r->run, id, list[r->heard].address,
			    list[r->heard].text);
	}
}

static uint64_t
violations_of(const struct kv_run *run, const char *id)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < run->nviolations; i++)
		n += strcmp(run->violations[i].id, id) == 0;
	return n;
}

/* ---- Names ----------------------------------------------------------- */

static struct kv_value
value_of(const struct kv_metric *x)
{
	struct kv_value v = {.kind = KV_VALUE_UINT, .u = x->u};

	if (x->kind == KV_METRIC_SIGNED && x->i < 0)
		v = (struct kv_value){.kind = KV_VALUE_INT, .i = x->i};
	else if (x->kind == KV_METRIC_SIGNED)
		v.u = (uint64_t)x->i;
	else if (x->kind == KV_METRIC_RATIO)
		v = (struct kv_value){.kind = KV_VALUE_REAL, .r = x->r};
	else if (x->kind == KV_METRIC_TEXT)
		v = (struct kv_value){.kind = KV_VALUE_WORD, .w = x->text};
	return v;
}

/* "pool.end" of the layout, "against.pool.end" of the other one. */
static bool
is_of_layout(
    const struct kv_scenario *sc, const char *name, struct kv_value *value)
{
	static const char against[] = "against.";

	if (strncmp(name, against, strlen(against)) == 0 &&
	    kv_attribute_of_layout(sc->against, name + strlen(against), value))
		return true;
	return kv_attribute_of_layout(sc->layout, name, value);
}

bool
kv_run_lookup(void *arg, const char *name, struct kv_value *value)
{
	const struct kv_run *run = arg;
	const struct kv_metric *x = kv_metrics_find(&run->metrics, name);
	uint64_t u;
	size_t i;

	if (x != NULL) {
		*value = value_of(x);
		return true;
	}
	if (kv_attribute_of_machine(run->sc->machine, name, &u)) {
		*value = (struct kv_value){.kind = KV_VALUE_UINT, .u = u};
		return true;
	}
	for (i = 0; i < run->sc->nparams; i++)
		if (strcmp(run->sc->params[i].name, name) == 0) {
			*value = run->sc->params[i].value;
			return true;
		}
	if (is_of_layout(run->sc, name, value))
		return true;
	/* A name that another run would produce, or a region that it has. */
	if (kv_metric_declared(name) == NULL && !kv_is_region_attribute(name))
		return false;
	*value = (struct kv_value){.kind = KV_VALUE_NONE};
	return true;
}

/* ---- Judgement ------------------------------------------------------- */

/* as: what the figure is another name of, whose form it has; may be NULL. */
static void
put_value(struct kv_metrics *m, const char *name, const struct kv_value *v,
    const struct kv_metric *as)
{
	enum kv_metric_kind kind = KV_METRIC_COUNT;

	switch (v->kind) {
	case KV_VALUE_UINT:
		if (as != NULL && as->kind != KV_METRIC_SIGNED)
			kind = as->kind;
		kv_metrics_put_uint(m, kind, name, v->u);
		break;
	case KV_VALUE_INT:
		kv_metrics_put_int(m, name, v->i);
		break;
	case KV_VALUE_REAL:
		kv_metrics_put_ratio(m, name, v->r);
		break;
	case KV_VALUE_WORD:
		kv_metrics_put_text(m, name, v->w);
		break;
	case KV_VALUE_NONE:
		break;
	}
}

static int
define_metrics(struct kv_run *run, struct kv_errors *errors)
{
	const struct kv_scenario *sc = run->sc;
	struct kv_value v;
	const char *same;
	int error = 0;
	size_t i;

	for (i = 0; i < sc->nmetrics; i++) {
		same = kv_expr_name(sc->metrics[i].expr);
		if (kv_expr_eval(sc->metrics[i].expr, kv_run_lookup, run, &v,
			errors) == 0)
			put_value(&run->metrics, sc->metrics[i].text, &v,
			    same == NULL
				? NULL
				: kv_metrics_find(&run->metrics, same));
		else
			error = EINVAL;
	}
	return error;
}

static bool
is_true(const struct kv_value *v)
{
	return (v->kind == KV_VALUE_UINT && v->u != 0) ||
	       (v->kind == KV_VALUE_INT && v->i != 0) ||
	       (v->kind == KV_VALUE_REAL && v->r != 0);
}

/* Is the left side a single figure that is written in hex? */
static bool
is_hex(const struct kv_run *run, const char *text)
{
	char name[128];
	const struct kv_metric *x;
	size_t length = strcspn(text, " \t=<>!+-*/%?&|()");

	if (length >= sizeof(name))
		return false;
	memcpy(name, text, length);
	name[length] = '\0';
	x = kv_metrics_find(&run->metrics, name);
	return x != NULL && x->kind == KV_METRIC_HEX;
}

static int
judge_one(struct kv_run *run, const struct kv_formula *f,
    struct kv_judgement *j, struct kv_errors *errors)
{
	struct kv_value truth;

	*j = (struct kv_judgement){
	    .text = f->text, .limit = {.kind = KV_VALUE_NONE}};
	if (f->violation != NULL) {
		j->value.u = violations_of(run, f->violation);
		j->ok = (j->value.u != 0) != f->absent;
		return 0;
	}
	if (kv_expr_eval(f->expr, kv_run_lookup, run, &truth, errors) != 0 ||
	    kv_expr_eval_left(f->expr, kv_run_lookup, run, &j->value, errors) !=
		0 ||
	    kv_expr_eval_right(
		f->expr, kv_run_lookup, run, &j->limit, errors) != 0)
		return EINVAL;
	j->ok = is_true(&truth);
	j->hex = j->value.kind == KV_VALUE_UINT && is_hex(run, f->text);
	return 0;
}

bool
kv_run_passed(const struct kv_run *run)
{
	size_t i;

	for (i = 0; i < run->sc->nexpect; i++)
		if (!run->judged[i].ok)
			return false;
	return run->unexpected == 0;
}

/* Calls of users that met what is reserved in their space. */
static void
measure_reserved(struct kv_run *run)
{
	kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT, "reserved.refused",
	    run->runner->reserved_refused);
	kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT, "reserved.passed",
	    run->runner->reserved_passed);
}

/* Steps on page tables that failed. */
static void
measure_fails(struct kv_run *run)
{
	static const char *const names[KV_MAP_FAILS] = {"fail.map",
	    "fail.unmap", "fail.protect", "fail.promote", "fail.demote",
	    "fail.grow", "fail.draw", "fail.graft", "fail.copy"};
	size_t i;

	for (i = 0; i < KV_MAP_FAILS && run->sc->paging; i++)
		kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT, names[i],
		    run->runner->map_fails[i]);
	if (run->sc->paging)
		kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT,
		    "fail.partial_pages", run->runner->partial_pages);
	if (run->runner->lazy.capacity != 0) {
		kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT,
		    "lazy.faults", run->runner->lazy.faults);
		kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT,
		    "lazy.failed", run->runner->lazy.failed);
	}
	for (i = 0; i < run->sc->nspaces; i++)
		if (run->sc->spaces[i].reserved_size != 0)
			measure_reserved(run);
}

static void
measure_loads(struct kv_run *run)
{
	struct kv_buf name = {0};
	size_t i;

	for (i = 0; i < run->sc->narenas; i++) {
		const struct kv_load_of *l = &run->runner->loads[i];

		name.size = 0;
		kv_buf_printf(
		    &name, "vmem.%s.first_fail", run->sc->arenas[i].name);
		if (l->first_fail != 0)
			kv_metrics_put_uint(&run->metrics, KV_METRIC_BYTES,
			    name.data, l->first_fail);
		name.size = 0;
		kv_buf_printf(&name, "vmem.%s.capped", run->sc->arenas[i].name);
		if (l->capping)
			kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT,
			    name.data, l->capped);
	}
	kv_buf_fini(&name);
}

static void
measure_all(struct kv_run *run)
{
	size_t i;

	if (run->world != NULL)
		kv_world_measure(run->world, &run->metrics);
	for (i = 0; i < run->sc->narenas; i++)
		kv_world_measure_arena(run->arenas[i], &run->metrics);
	measure_loads(run);
	kv_plan_measure(run->sc, &run->metrics);
	measure_fails(run);
	if (run->sc->kstacks.present)
		kv_metrics_put_uint(&run->metrics, KV_METRIC_COUNT,
		    "guard.hits", run->runner->guard_hits);
	kv_range_ops_measure(run->runner, &run->metrics);
	kv_loops_measure(run->runner, &run->metrics);
	if (run->cpus != NULL)
		kv_measure_tlb(run->cpus, &run->metrics);
	if (run->runner->residents != NULL)
		kv_residents_measure(run->runner->residents, &run->metrics);
	if (run->runner->actors != NULL)
		kv_actors_measure(run->runner->actors, &run->metrics);
}

void
kv_run_measure(struct kv_run *run, struct kv_errors *errors)
{
	measure_all(run);
	define_metrics(run, errors);
}

int
kv_run_judge(struct kv_run *run, struct kv_errors *errors)
{
	size_t i;
	int error;

	measure_all(run);
	if (run->world != NULL && run->cfg.verifier != NULL &&
	    (run->cfg.verify || run->sc->verifies))
		kv_verifier_measure(run->cfg.verifier, &run->metrics);
	error = define_metrics(run, errors);
	if (error == 0 && run->cfg.audit >= 1)
		error = kv_plan_judge(run, errors);
	for (i = 0; i < run->sc->nexpect; i++)
		if (judge_one(
			run, &run->sc->expect[i], &run->judged[i], errors) != 0)
			error = EINVAL;
	if (run->outcome != KV_OUTCOME_WOULD_PANIC && !kv_run_passed(run))
		run->outcome = KV_OUTCOME_FAILED;
	return error;
}

const char *
kv_outcome_name(enum kv_outcome outcome)
{
	static const char *const names[] = {"ok", "failed", "would-panic"};

	return names[outcome];
}
