/* SPDX-License-Identifier: BSD-2-Clause */
/* runrig.h - a scenario as text, its run, and what that came to */
#ifndef KV_TEST_RUNRIG_H
#define KV_TEST_RUNRIG_H

#include <stdio.h>
#include <string.h>

#include "input.h"
#include "kvtest.h"
#include "run/runner.h"

static struct kv_scenario *sc;
static struct kv_run *run;
static struct kv_errors errors;

/* Let go of the last run, at the latest when the test ends. */
static inline void
finish(void)
{
	kv_run_free(run);
	kv_scenario_free(sc);
	kv_errors_fini(&errors);
	run = NULL;
	sc = NULL;
	memset(&errors, 0, sizeof(errors));
	input_remove();
}

/* Run a text in two parts, which is right.  => what kv_run_execute answers */
static inline int
execute_text(
    const struct kv_run_config *cfg, const char *head, const char *steps)
{
	static char text[1 << 16];
	int length;

	finish();
	length = snprintf(text, sizeof(text), "%s%s", head, steps);
	ck_assert_uint_lt((size_t)length, sizeof(text));
	if (kv_scenario_load(input_file(text), NULL, 0, &sc, &errors) != 0)
		ck_abort_msg("%s", errors.list[0].text);
	return kv_run_execute(sc, cfg, &run, &errors);
}

static inline uint64_t
figure(const char *name)
{
	const struct kv_metric *x = kv_metrics_find(&run->metrics, name);

	ck_assert_msg(x != NULL, "no figure %s", name);
	return x->u;
}

#endif
