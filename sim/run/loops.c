/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loops.c - loops of the work that have a name
 *
 * The two ends of a loop stand in the list of steps.  Which pass runs is a
 * number that expressions may name; how many ended, and how many of them
 * without a failure, are figures.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "run/runner_parts.h"

static uint64_t
failures(const struct kv_runner *r)
{
	const struct kv_world *w = r->run->world;
	uint64_t n = r->arena_fails + (w != NULL ? w->failed : 0);

	for (unsigned i = 0; i < KV_MAP_FAILS; i++)
		n += r->map_fails[i];
	return n;
}

static void
end_pass(struct kv_runner *r, struct kv_looping *l)
{
	l->passes++;
	l->clean += failures(r) == l->before;
}

/* The step behind the end of a loop. */
static size_t
behind(const struct kv_runner *r, const struct kv_step *loop)
{
	return (size_t)(loop - r->run->sc->work) + loop->loop->span + 2;
}

static size_t
enter(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_looping *l = &r->loops[step->loop->loop];

	if (step->loop->times == 0)
		return behind(r, step);
	r->open[r->nopen++] = step;
	l->pass = 0;
	l->before = failures(r);
	return (size_t)(step - r->run->sc->work) + 1;
}

/* The end of the innermost loop is reached. */
static size_t
again(struct kv_runner *r)
{
	const struct kv_step *step = r->open[r->nopen - 1];
	struct kv_looping *l = &r->loops[step->loop->loop];

	end_pass(r, l);
	if (++l->pass == step->loop->times) {
		r->nopen--;
		return behind(r, step);
	}
	l->before = failures(r);
	return (size_t)(step - r->run->sc->work) + 1;
}

/* The outermost loop that a failure ends: it and all in it are over. */
static bool
stop(struct kv_runner *r, size_t *next)
{
	unsigned i;

	for (i = 0; i < r->nopen; i++)
		if (r->open[i]->loop->stop &&
		    failures(r) != r->loops[r->open[i]->loop->loop].before)
			break;
	if (i == r->nopen)
		return false;
	*next = behind(r, r->open[i]);
	while (r->nopen > i)
		end_pass(r, &r->loops[r->open[--r->nopen]->loop->loop]);
	return true;
}

size_t
kv_loops_next(struct kv_runner *r, size_t step)
{
	const struct kv_step *s = &r->run->sc->work[step];
	size_t next;

	if (s->kind == KV_STEP_LOOP)
		return enter(r, s);
	if (stop(r, &next))
		return next;
	return s->kind == KV_STEP_END ? again(r) : step + 1;
}

bool
kv_loops_pass(
    const struct kv_runner *r, const char *name, struct kv_value *value)
{
	for (unsigned i = r->nopen; i-- != 0;)
		if (strcmp(r->open[i]->loop->name, name) == 0) {
			*value = (struct kv_value){.kind = KV_VALUE_UINT,
			    .u = r->loops[r->open[i]->loop->loop].pass};
			return true;
		}
	return false;
}

void
kv_loops_words(const struct kv_runner *r, char *words, size_t size)
{
	size_t used = 0;
	int n = 0;

	*words = '\0';
	for (unsigned i = 0; i < r->nopen && n >= 0 && used < size; i++) {
		n = snprintf(words + used, size - used, "%s%s = %" PRIu64 "%s",
		    i == 0 ? " (" : ", ", r->open[i]->loop->name,
		    r->loops[r->open[i]->loop->loop].pass,
		    i + 1 == r->nopen ? ")" : "");
		used += (size_t)n;
	}
}

void
kv_loops_measure(const struct kv_runner *r, struct kv_metrics *m)
{
	const struct kv_scenario *sc = r->run->sc;
	char name[64];

	for (size_t i = 0; i < sc->nwork; i++) {
		const struct kv_loop_step *s = sc->work[i].loop;

		if (sc->work[i].kind != KV_STEP_LOOP)
			continue;
		snprintf(name, sizeof(name), "repeat.%s.passes", s->name);
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, name, r->loops[s->loop].passes);
		snprintf(name, sizeof(name), "repeat.%s.clean", s->name);
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, name, r->loops[s->loop].clean);
	}
}
