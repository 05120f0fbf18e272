/* SPDX-License-Identifier: BSD-2-Clause */
/* scenariorig.h - a scenario as text, and what was read from it */
#ifndef KV_TEST_SCENARIORIG_H
#define KV_TEST_SCENARIORIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in/scenario.h"
#include "kvtest.h"

static char path[] = "/tmp/kv_scenario_XXXXXX";
static struct kv_scenario *sc;

static inline void
setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static inline void
teardown(void)
{
	kv_scenario_free(sc);
	unlink(path);
}

/* Load a text, which must be right. */
static inline void
load(const char *text, const struct kv_define *defines, size_t ndefines)
{
	struct kv_errors errors = {0};
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	kv_scenario_free(sc);
	sc = NULL;
	if (kv_scenario_load(path, defines, ndefines, &sc, &errors) != 0)
		ck_abort_msg("%s", errors.list[0].text);
	ck_assert_uint_eq(errors.count, 0);
}

static inline const struct kv_value *
param(const char *name)
{
	size_t i;

	for (i = 0; i < sc->nparams; i++)
		if (strcmp(sc->params[i].name, name) == 0)
			return &sc->params[i].value;
	ck_abort_msg("no parameter %s", name);
	return NULL;
}

static inline void
check_uint(const char *name, uint64_t u)
{
	ck_assert_int_eq(param(name)->kind, KV_VALUE_UINT);
	ck_assert_uint_eq(param(name)->u, u);
}

static inline void
check_word(const char *name, const char *word)
{
	ck_assert_int_eq(param(name)->kind, KV_VALUE_WORD);
	ck_assert_str_eq(param(name)->w, word);
}

/* A program whose tests each have a file and a scenario of their own. */
static inline Suite *
suite_of(const char *name, const TTest *const *tests, size_t ntests)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < ntests; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return s;
}

#endif
