/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutants.c - do the judges see the faults that can be injected?
 *
 * A scenario that injects a fault says how it shows.  It is run as it is, and
 * once more without the fault: it kills the fault if it passes the first time
 * only, for then what it expects is the fault's doing.  If it passes both times
 * with the same figures, the fault changed nothing that can be seen.
 */
#include "out/mutants.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "out/check_parts.h"
#include "out/jobs.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/plant.h"

/* What a scenario says of the fault that it injects; the texts follow: the
 * invariant, why, errors.  In a pipe, so all of it is set. */
struct head {
	enum kv_plant fault; /* KV_PLANTS: it injects none, or several */
	enum kv_mutant_fate fate;
	uint64_t step;
};

struct hunt {
	struct kv_check *c;
	struct kv_mutants *m;
	size_t refused;
};

/* ---- One scenario ---------------------------------------------------- */

struct trial {
	struct head head;
	struct kv_buf by, why, errors;
};

/* The fault, if it is one. */
static enum kv_plant
fault_of(const struct kv_scenario *sc)
{
	enum kv_plant found = KV_PLANTS;
	unsigned i;

	for (i = 0; i < KV_PLANTS; i++) {
		if (!kv_plants_has(&sc->plants, (enum kv_plant)i))
			continue;
		if (found != KV_PLANTS)
			return KV_PLANTS;
		found = (enum kv_plant)i;
	}
	return found;
}

static void
note_errors(struct trial *t, const struct kv_errors *errors)
{
	const struct kv_error *e = NULL;

	while ((e = kv_errors_next(errors, e)) != NULL)
		kv_buf_printf(&t->errors, "%s\n", e->text);
}

/* The first line of what does not hold. */
static void
explain(struct kv_run *run, struct kv_buf *b)
{
	struct kv_buf lines = {0};

	kv_buf_add(&lines, "", 0);
	kv_check_explain(run, &lines);
	kv_buf_add(b, lines.data, strcspn(lines.data, "\n"));
	kv_buf_fini(&lines);
}

static bool
is_same_metric(const struct kv_metric *a, const struct kv_metric *b)
{
	if (b == NULL || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case KV_METRIC_SIGNED:
		return a->i == b->i;
	case KV_METRIC_RATIO:
		return !(a->r < b->r) && !(a->r > b->r);
	case KV_METRIC_TEXT:
		return strcmp(a->text, b->text) == 0;
	default:
		return a->u == b->u;
	}
}

static bool
is_same(const struct kv_run *a, const struct kv_run *b)
{
	size_t i;

	if (a->metrics.count != b->metrics.count ||
	    a->nviolations != b->nviolations)
		return false;
	for (i = 0; i < a->metrics.count; i++)
		if (!is_same_metric(&a->metrics.list[i],
			kv_metrics_find(&b->metrics, a->metrics.list[i].name)))
			return false;
	return true;
}

/* The first of that id, which begins a text; NULL: it does not happen. */
static const struct kv_violation *
find_violation(const struct kv_run *run, const char *id, size_t length)
{
	size_t i;

	for (i = 0; i < run->nviolations; i++)
		if (strlen(run->violations[i].id) == length &&
		    strncmp(run->violations[i].id, id, length) == 0)
			return &run->violations[i];
	return NULL;
}

/* That, unless the sound run has it, too. */
static bool
is_killer(struct trial *t, const struct kv_run *run, const struct kv_run *sound,
    const char *id, size_t length)
{
	const struct kv_violation *v = find_violation(run, id, length);

	if (v == NULL || find_violation(sound, id, length) != NULL)
		return false;
	kv_buf_printf(&t->by, "%s", v->id);
	t->head.step = v->step;
	return true;
}

/* What told: the first violation of those that the table names, else any, that
 * the sound run does not have; or a figure. */
static void
name_killer(
    struct trial *t, const struct kv_run *run, const struct kv_run *sound)
{
	size_t count, n, i;
	const char *id = kv_plant_table(&count)[t->head.fault].caught;

	t->head.fate = KV_MUTANT_KILLED;
	for (; *id != '\0'; id += n + (id[n] == ' ')) {
		n = strcspn(id, " ");
		if (is_killer(t, run, sound, id, n))
			return;
	}
	for (i = 0; i < run->nviolations; i++) {
		id = run->violations[i].id;
		if (is_killer(t, run, sound, id, strlen(id)))
			return;
	}
	kv_buf_printf(&t->by, "figures");
}

static void
judge(struct trial *t, struct kv_run *run, struct kv_run *sound)
{
	t->head.fate = KV_MUTANT_SURVIVED;
	kv_run_drain(sound);
	explain(run, &t->why); /* drains it */
	if (!kv_run_passed(run))
		return;
	if (!kv_run_passed(sound))
		name_killer(t, run, sound);
	else if (is_same(run, sound))
		t->head.fate = KV_MUTANT_INVISIBLE;
	else
		kv_buf_printf(&t->why, "passes without it, too");
}

static struct kv_once_config
config(const struct kv_check *c, const char *path, bool sound)
{
	return (struct kv_once_config){.path = path,
	    .run = {.seed = c->cfg->seed,
		.audit = c->cfg->audit,
		.nested = true},
	    .sound = sound};
}

static void
try_both(struct trial *t, const struct kv_check *c, const char *path)
{
	struct kv_once_config with = config(c, path, false),
			      without = config(c, path, true);
	struct kv_once run = {0}, sound = {0};
	struct kv_errors errors = {0};

	if (kv_once_run(&with, &run, &errors) == 0 &&
	    kv_once_run(&without, &sound, &errors) == 0)
		judge(t, run.run, sound.run);
	note_errors(t, &errors);
	kv_errors_fini(&errors);
	kv_once_fini(&run);
	kv_once_fini(&sound);
}

static void
run_item(void *arg, size_t i, struct kv_buf *row)
{
	const struct hunt *h = arg;
	const char *path = h->c->items[i].path;
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	struct trial t;

	memset(&t, 0, sizeof(t));
	t.head.fault = KV_PLANTS;
	if (kv_scenario_load(path, NULL, 0, &sc, &errors) == 0)
		t.head.fault = fault_of(sc);
	note_errors(&t, &errors);
	if (t.head.fault != KV_PLANTS)
		try_both(&t, h->c, path);
	kv_buf_add(row, (const char *)&t.head, sizeof(t.head));
	kv_buf_printf(row, "%s%c", t.by.size != 0 ? t.by.data : "", 0);
	kv_buf_printf(row, "%s%c", t.why.size != 0 ? t.why.data : "", 0);
	kv_buf_printf(row, "%s%c", t.errors.size != 0 ? t.errors.data : "", 0);
	kv_buf_fini(&t.by);
	kv_buf_fini(&t.why);
	kv_buf_fini(&t.errors);
	kv_errors_fini(&errors);
	kv_scenario_free(sc);
}

/* ---- All of them ----------------------------------------------------- */

/* Takes the row. */
static void
keep(void *arg, size_t i, char *row)
{
	struct hunt *h = arg;
	struct kv_check_item *item = &h->c->items[i];
	const char *errors;

	item->row = row;
	item->why = row + sizeof(struct head);
	item->details = item->why + strlen(item->why) + 1;
	errors = item->details + strlen(item->details) + 1;
	fprintf(stderr, "%s", errors);
	h->refused += *errors != '\0';
}

/* A fault that shows nowhere is declared so, with the reason. */
static bool
is_declared_invisible(enum kv_plant fault)
{
	size_t count;

	return strncmp(kv_plant_table(&count)[fault].caught, "nothing", 7) == 0;
}

/* A killer is preferred, then what was tried first. */
static void
settle(struct hunt *h, const struct kv_check_item *item)
{
	struct kv_mutant *x;
	struct head head;

	memcpy(&head, item->row, sizeof(head));
	if (head.fault == KV_PLANTS)
		return;
	x = &h->m->list[head.fault];
	if (x->scenario != NULL && x->fate <= head.fate)
		return;
	*x = (struct kv_mutant){.fate = head.fate,
	    .by = item->why,
	    .step = head.step,
	    .scenario = item->name,
	    .why = item->details};
	if (x->fate == KV_MUTANT_INVISIBLE &&
	    !is_declared_invisible(head.fault)) {
		x->fate = KV_MUTANT_SURVIVED;
		x->why = "changes no figure, and is to be caught";
	}
}

int
kv_mutants_run(
    struct kv_check *c, const struct kv_check_config *cfg, struct kv_mutants *m)
{
	struct hunt h = {.c = c, .m = m};
	const struct kv_jobs jobs = {.what = "check",
	    .count = kv_check_arrange(c, cfg),
	    .nprocesses = cfg->njobs,
	    .batch = 1,
	    .apart = true,
	    .run = run_item,
	    .keep = keep,
	    .arg = &h};
	int error;
	size_t i;

	kv_plant_table(&m->count);
	m->list = kv_mem_resize(NULL, m->count, sizeof(*m->list));
	for (i = 0; i < m->count; i++)
		m->list[i] = (struct kv_mutant){.fate = KV_MUTANT_SURVIVED,
		    .why = "no scenario injects it, alone"};
	error = kv_jobs_run(&jobs);
	if (error != 0 || h.refused != 0)
		return error != 0 ? error : EINVAL;
	for (i = 0; i < c->count; i++)
		settle(&h, &c->items[i]);
	for (i = 0; i < m->count; i++)
		m->fates[m->list[i].fate]++;
	return 0;
}

void
kv_mutants_fini(struct kv_mutants *m)
{
	kv_mem_free(m->list);
	*m = (struct kv_mutants){0};
}

/* ---- The kill table -------------------------------------------------- */

static void
put_mutant(const char *id, const struct kv_mutant *x, struct kv_buf *b)
{
	static const char *const words[] = {[KV_MUTANT_INVISIBLE] = "invisible",
	    [KV_MUTANT_SURVIVED] = "SURVIVED"};
	bool killed = x->fate == KV_MUTANT_KILLED;

	kv_buf_printf(b, "%-12s %-12s ", id, killed ? x->by : words[x->fate]);
	if (killed && strcmp(x->by, "figures") != 0)
		kv_buf_printf(b, "%8" PRIu64 "  ", x->step);
	else
		kv_buf_printf(b, "%8s  ", "-");
	kv_buf_printf(b, "%s", x->scenario != NULL ? x->scenario : "-");
	if (x->fate == KV_MUTANT_SURVIVED)
		kv_buf_printf(b, ": %s", x->why);
	kv_buf_add(b, "\n", 1);
}

void
kv_mutants_text(const struct kv_mutants *m, struct kv_buf *b)
{
	size_t count, i;
	const struct kv_plant_row *rows = kv_plant_table(&count);

	kv_buf_printf(b, "%-12s %-12s %8s  %s\n", "FAULT", "KILLED BY", "STEP",
	    "SCENARIO");
	for (i = 0; i < count; i++)
		put_mutant(rows[i].id, &m->list[i], b);
	kv_buf_printf(b,
	    "%zu faults: %zu killed, %zu invisible, %zu survived\n", count,
	    m->fates[KV_MUTANT_KILLED], m->fates[KV_MUTANT_INVISIBLE],
	    m->fates[KV_MUTANT_SURVIVED]);
}
