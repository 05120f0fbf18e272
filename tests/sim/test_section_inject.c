/* SPDX-License-Identifier: BSD-2-Clause */
/* test_section_inject.c - faults that are data of a scenario */
#include "in/sections.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "out/mem.h"
#include "run/plant.h"

static struct kv_scenario *sc;
static struct kv_errors errors;

static void
teardown(void)
{
	kv_scenario_free(sc);
	sc = NULL;
	kv_errors_fini(&errors);
	errors = (struct kv_errors){0};
}

static int
load(const char *text, const struct kv_given *given)
{
	struct kv_text copy = {.size = strlen(text)};

	teardown();
	copy.path = kv_mem_text("given");
	copy.data = kv_mem_text(text);
	return kv_scenario_load_given(&copy, "given", given, &sc, &errors);
}

static bool
has_error(const char *text)
{
	size_t i;

	for (i = 0; i < errors.count; i++)
		if (strcmp(errors.list[i].text, text) == 0)
			return true;
	return false;
}

static uint64_t
param(const char *name)
{
	size_t i;

	for (i = 0; i < sc->nparams; i++)
		if (strcmp(sc->params[i].name, name) == 0)
			return sc->params[i].value.u;
	ck_abort_msg("no parameter %s", name);
	return 0;
}

/* ---- Texts ----------------------------------------------------------- */

/* Each '@' is what stood there, in brackets, so that 2 * @ is twice a sum. */
START_TEST(test_text)
{
	static const struct {
		const char *text, *old, *wanted;
	} rows[] = {{"2 * @", "a + b", "2 * (a + b)"}, {"4K", "x", "4K"},
	    {"@", "", "()"}, {"@ + @ % @", "12", "(12) + (12) % (12)"},
	    {"", "x", ""}};
	struct kv_pool pool = {0};

	ck_assert_str_eq(kv_params_text(&pool, rows[_i].text, rows[_i].old),
	    rows[_i].wanted);
	kv_pool_fini(&pool);
}
END_TEST

/* ---- Parameters ------------------------------------------------------ */

static const char freed[] = "kvasir: 1\n"
			    "param: {fault: illumos-F9, freed: 3 + half, "
			    "half: 4, four: 4 * freed}\n"
			    "inject: [fault]\n";

/* The value is that of -D if there is one; others follow it.  The sound twin
 * has none of it. */
START_TEST(test_param)
{
	const struct kv_define define = {"freed", "half + 1"};
	const struct kv_given plain = {0}, sound = {.sound = true},
			      defined = {.defines = &define, .ndefines = 1};

	ck_assert_int_eq(load(freed, &plain), 0);
	ck_assert_uint_eq(param("freed"), 2 * (3 + 4));
	ck_assert_uint_eq(param("four"), 4 * 2 * (3 + 4));
	ck_assert_uint_eq(param("half"), 4);
	ck_assert_int_eq(load(freed, &defined), 0);
	ck_assert_uint_eq(param("freed"), 2 * (4 + 1));
	ck_assert_int_eq(load(freed, &sound), 0);
	ck_assert_uint_eq(param("freed"), 3 + 4);
	ck_assert(!kv_plants_has(&sc->plants, KV_PLANT_ILLUMOS_F9));
	ck_assert(kv_plants_has(&sc->own, KV_PLANT_ILLUMOS_F9));
}
END_TEST

/* ---- Sections -------------------------------------------------------- */

static const char plan[] =
    "kvasir: 1\n"
    "param: {fault: [none, elfuse-F4], n: 8}\n"
    "layout:\n"
    "  regions:\n"
    "    shim: {at: 1M, size: 64K}\n"
    "    pool: {at: 512K, end: 'n < 8 ? 0 : shim.base'}\n"
    "  against: {n: 9}\n"
    "inject: [fault]\n";

/* One key changes, those around it stay. */
START_TEST(test_tree)
{
	const struct kv_given plain = {0}, given = {.inject = "elfuse-F4"};
	const struct kv_region *pool;

	ck_assert_int_eq(load(plan, &plain), 0);
	pool = kv_layout_find(sc->layout, "pool");
	ck_assert_uint_eq(pool->end, 1 << 20);
	ck_assert_int_eq(load(plan, &given), 0);
	ck_assert(kv_plants_has(&sc->plants, KV_PLANT_ELFUSE_F4));
	ck_assert_uint_eq(kv_layout_find(sc->layout, "shim")->base, 1 << 20);
	pool = kv_layout_find(sc->layout, "pool");
	ck_assert_uint_eq(pool->base, 512 << 10);
	ck_assert_uint_eq(pool->end, (1 << 20) + 4096);
	ck_assert_uint_eq(
	    kv_layout_find(sc->against, "pool")->end, (1 << 20) + 4096);
}
END_TEST

/* A key that was not there is, and what a plan is compared with has the
 * parameters of the fault. */
START_TEST(test_new_key)
{
	const struct kv_given given = {.inject = "illumos-F7"},
			      more = {.inject = "illumos-F6"};
	static const char text[] = "kvasir: 1\n"
				   "param: {P: 1T, half: P / 2}\n"
				   "layout:\n"
				   "  regions: {kpm: {at: 1G, size: P}}\n"
				   "  against: {half: 1}\n";

	ck_assert_int_eq(load(text, &given), 0);
	ck_assert_uint_eq(kv_layout_find(sc->layout, "kpm")->base,
	    UINT64_C(0xffff800000000000) + (UINT64_C(1) << 40));
	ck_assert_int_eq(load(text, &more), 0);
	ck_assert_uint_eq(param("half"), UINT64_C(10) << 40);
	ck_assert_uint_eq(
	    kv_layout_find(sc->layout, "kpm")->size, UINT64_C(20) << 40);
	ck_assert_uint_eq(
	    kv_layout_find(sc->against, "kpm")->size, UINT64_C(20) << 40);
}
END_TEST

/* ---- Refused --------------------------------------------------------- */

/* Of what the scenario lacks alone, ENOTSUP; with errors of its own, or if
 * nobody knows the fault, EINVAL. */
START_TEST(test_refused)
{
	const struct kv_given none = {.inject = "guile-F4"},
			      unknown = {.inject = "guile-F99"};

	ck_assert_int_eq(load("kvasir: 1\n", &none), ENOTSUP);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert(has_error("--inject: fault 'guile-F4' needs "
			    "'image.segments.u', which is not here"));
	ck_assert_ptr_null(sc);
	ck_assert_int_eq(load("kvasir: 1\nparam: {a: 1 +}\n", &none), EINVAL);
	ck_assert_uint_eq(errors.count, 2);
	ck_assert_int_eq(load("kvasir: 1\n", &unknown), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_int_eq(
	    load("kvasir: 1\nimage: {segments: {u: 4}}\n", &none), EINVAL);
	ck_assert_int_eq(load("kvasir: 1\nlayout: 3\n",
			     &(struct kv_given){.inject = "illumos-F7"}),
	    EINVAL);
}
END_TEST

/* What a fault puts is said where it is an error there, and not elsewhere. */
START_TEST(test_explained)
{
	const struct kv_given given = {.inject = "illumos-F1"};
	static const char explained[] =
	    "given: fault 'illumos-F1' puts 'wrap(-roundup(4 * P, 512G))' for "
	    "layout.regions.kpm.at";

	ck_assert_int_eq(load("kvasir: 1\n"
			      "layout: {regions: {kpm: {at: 1G, size: 4K}}}\n",
			     &given),
	    EINVAL);
	ck_assert_uint_eq(errors.count, 2);
	ck_assert(has_error(explained));
	ck_assert_int_eq(load("kvasir: 1\n"
			      "param: {P: 1G, Q: 1 / 0}\n"
			      "layout: {regions: {kpm: {at: 1G, size: 4K}}}\n",
			     &given),
	    EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert(!has_error(explained));
}
END_TEST

/* ---- The table ------------------------------------------------------- */

/* A path that is to be changed is one of a parameter or of a section; steps are
 * only looked for. */
START_TEST(test_table)
{
	size_t count, i;
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	for (i = 0; i < count; i++, e++) {
		const char *path = *e->path == '?' ? e->path + 1 : e->path;

		ck_assert_int_le(e->first, e->last);
		ck_assert_int_lt(e->last, KV_PLANTS);
		ck_assert_uint_lt(strlen(path), 64);
		if (e->text != NULL) {
			ck_assert_int_eq(e->first, e->last);
			ck_assert_ptr_nonnull(strchr(path, '.'));
			ck_assert_int_ne(strncmp(path, "work", 4), 0);
		}
	}
}
END_TEST

/* Every fault says what it needs. */
START_TEST(test_needs)
{
	size_t count, i = 0;
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	while (i < count && (_i < (int)e[i].first || _i > (int)e[i].last))
		i++;
	ck_assert_msg(i < count, "fault %d needs nothing", _i);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("section_inject");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, test_text, 0, 5);
	tcase_add_test(tc, test_param);
	tcase_add_test(tc, test_tree);
	tcase_add_test(tc, test_new_key);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_explained);
	tcase_add_test(tc, test_table);
	tcase_add_loop_test(tc, test_needs, 0, KV_PLANTS);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
