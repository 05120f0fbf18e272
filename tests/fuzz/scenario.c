/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scenario.c - scenarios: read, and run where that does not take long
 *
 * The run is rendered and drained as kvasir run does.
 */
#include "fuzz.h"
#include "in/scenario.h"
#include "out/limit.h"
#include "out/report_run.h"

enum { MEMORY_MAX = 64 << 20, WORK_MAX = 2000 };

/* As much work as a step may be, roughly: the more a step moves, the fewer of
 * its operations are too many. */
static uint64_t
work_of(const struct kv_step *s)
{
	uint64_t each = 1 + s->npages, times = s->times == 0 ? 1 : s->times;

	if (s->map != NULL)
		each += s->map->npages;
	if (s->touch != NULL)
		each += s->touch->stacks || s->touch->stride == 0
			    ? WORK_MAX / 16
			    : s->touch->size / s->touch->stride;
	if (s->loop != NULL)
		each += s->loop->times;
	if (each > WORK_MAX || s->count > WORK_MAX || times > WORK_MAX)
		return WORK_MAX + 1;
	return (s->count + 1) * each * times;
}

static bool
is_small(const struct kv_scenario *sc)
{
	uint64_t memory = 0, work = 0;
	size_t i;

	for (i = 0; i < sc->nranges; i++) {
		uint64_t size = sc->ranges[i].end - sc->ranges[i].start;

		if (size > MEMORY_MAX || sc->ranges[i].end > UINT64_C(1) << 40)
			return false;
		memory += size;
	}
	for (i = 0; i < sc->nwork && work <= WORK_MAX; i++) {
		const struct kv_step *s = &sc->work[i];

		work += work_of(s);
		/* Doublings end where they may have all there is. */
		if (s->kind == KV_STEP_DOUBLING &&
		    (s->req.size == 0 || s->limit / s->req.size > WORK_MAX))
			return false;
		if (s->kind == KV_STEP_OVERFLOW || s->kind == KV_STEP_ENTER)
			work += WORK_MAX / 16;
	}
	return memory <= MEMORY_MAX && work <= WORK_MAX && sc->nactors < 8;
}

static void
report(const struct kv_run *run)
{
	struct kv_buf b = {0};

	kv_report_run_text(run, &b);
	kv_report_run_json(run, &b);
	kv_buf_fini(&b);
}

static void
execute(const struct kv_scenario *sc, struct kv_errors *errors)
{
	const struct kv_run_config cfg = {
	    .seed = 1, .audit = 2, .nsamples = 8, .nested = true};
	struct kv_run *run;

	if (kv_run_execute(sc, &cfg, &run, errors) != 0) {
		ck_assert(kv_errors_noted(errors) != 0);
		return;
	}
	report(run);
	kv_run_drain(run);
	report(run);
	kv_run_passed(run);
	kv_run_free(run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc;

	fuzz_start();
	if (kv_scenario_load(fuzz_file(KV_FUZZ_NAME, data, size), NULL, 0, &sc,
		&errors) == 0) {
		if (is_small(sc))
			execute(sc, &errors);
		kv_scenario_free(sc);
	} else {
		ck_assert(kv_errors_noted(&errors) != 0);
	}
	kv_errors_fini(&errors);
	return 0;
}
