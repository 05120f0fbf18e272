/* SPDX-License-Identifier: BSD-2-Clause */
/* test_generic.c - V1, V2, V5, V8: found where broken, silent elsewhere */
#include <stdlib.h>

#include "runrig.h"

static void
execute(const char *text, unsigned audit)
{
	const struct kv_run_config cfg = {.seed = 12345, .audit = audit};

	if (execute_text(&cfg, text, "") != 0)
		ck_abort_msg("%s", errors.list[0].text);
}

static unsigned
found(const char *id)
{
	unsigned n = 0;

	for (size_t i = 0; i < run->nviolations; i++)
		n += strcmp(run->violations[i].id, id) == 0;
	return n;
}

/* ---- Ranges (V5, V8) --------------------------------------------------- */

#define SPACE                                                          \
	"kvasir: 1\n"                                                  \
	"machine: {name: amd64, memory: [{start: 15T, size: 16M}]}\n"  \
	"pools: {tables: {capacity: %u, reclaim: %s}}\n"               \
	"spaces: {s: {promotion: false, tables: tables, split: %s}}\n" \
	"tlb: {preset: unlimited, on_fail: %s}\n"                      \
	"work:\n"                                                      \
	"  - map: {space: s, va: 8G, pa: 8G, size: 8M, how: leaf}\n"

/* A step of which part fails says so, or not. */
START_TEST(test_partial)
{
	static const char *const on_fail[] = {"flush", "return"};
	char text[2048];

	snprintf(text, sizeof(text),
	    SPACE "  - unmap: {space: s, va: 8G, size: 2M + 4K}\n", 3u, "none",
	    "exact", on_fail[_i]);
	for (unsigned audit = 1; audit <= 3; audit++) {
		execute(text, audit);
		/* Below 2 the runner, whom nobody told to expect it, does not
		 * look; the judge of events does. */
		ck_assert((found("V8") != 0) == (_i == 1));
		ck_assert_uint_eq(found("V5"), 0);
	}
	strcat(text, "expect: [violation(\"V8\")]\n");
	execute(text, 1);
	ck_assert_uint_eq(found("V8"), _i == 1);
	ck_assert(
	    run->outcome == (_i == 1 ? KV_OUTCOME_OK : KV_OUTCOME_FAILED));
}
END_TEST

START_TEST(test_split)
{
	static const char *const splits[] = {
	    "exact", "loses_frame", "loses_right"};
	char text[2048];

	snprintf(text, sizeof(text),
	    SPACE "  - protect: {space: s, va: 8G + 4M, size: 4K, prot: r}\n",
	    240u, "none", splits[_i], "flush");
	execute(text, 2);
	ck_assert((found("V5") != 0) == (_i != 0));
	ck_assert_uint_eq(found("V8"), 0);
}
END_TEST

/* Whatever is done to the leaves, nothing is found that is not wrong. */
START_TEST(test_silent)
{
	static const char *const steps[] = {
	    "map: {space: s, va: 8G + %u * 4K, pa: 8G + %u * 4K, size: %u * "
	    "4K, how: qenter}",
	    "unmap: {space: s, va: 8G + %u * 4K, size: 0 * %u + %u * 4K}",
	    "protect: {space: s, va: 8G + %u * 4K, size: 0 * %u + %u * 4K, "
	    "prot: r}",
	    "protect: {space: s, va: 8G + %u * 4K, size: 0 * %u + %u * 4K, "
	    "prot: rwx}",
	    "demote: {space: s, va: 8G + %u * 4K + 0 * %u * %u}",
	    "promote: {space: s, va: 8G + %u * 4K + 0 * %u * %u}"};
	static const char *const reclaims[] = {"none", "empty", "promote"};
	char *text = malloc(1 << 16);
	size_t n;

	srand((unsigned)_i + 1);
	/* A pool that is sometimes too small: then some steps fail. */
	n = (size_t)snprintf(text, 1 << 16, SPACE, 4u + (unsigned)rand() % 4,
	    reclaims[_i % 3], "exact", "flush");
	/* qenter changes base pages alone: behind the blocks. */
	for (int i = 0; i < 150; i++) {
		unsigned k = (unsigned)rand() % 6, at = (unsigned)rand() % 2100,
			 size = 1 + (unsigned)rand() % 600;

		if (k == 0)
			at += 2200;
		n += (size_t)snprintf(text + n, (1 << 16) - n, "  - ");
		n += (size_t)snprintf(
		    text + n, (1 << 16) - n, steps[k], at, at, size);
		n += (size_t)snprintf(text + n, (1 << 16) - n, "\n");
	}
	execute(text, 2);
	for (size_t i = 0; i < run->nviolations; i++)
		ck_abort_msg("seed %d: %s after operation %u, line %u: %s",
		    _i + 1, run->violations[i].id,
		    (unsigned)run->violations[i].step,
		    (unsigned)run->violations[i].step + 6,
		    run->violations[i].text);
	free(text);
}
END_TEST

/* ---- Arenas (V1, V2) --------------------------------------------------- */

#define ARENAS                                             \
	"kvasir: 1\n"                                      \
	"arenas:\n"                                        \
	"  up: {base: 1G, size: 64M, quantum: 1M}\n"       \
	"  down: {parent: up, quantum: 1M, release: %s}\n" \
	"work:\n"                                          \
	"  - alloc: {arena: down, size: 2M, as: a}\n"      \
	"  - alloc: {arena: down, size: 1M, as: b}\n"

START_TEST(test_wrong_free)
{
	static const struct {
		const char *step;
		unsigned v1, v2;
	} rows[] = {{"free: {name: a}", 0, 0},
	    {"free: {name: a, size: 1M}", 1, 0},
	    {"free: {name: a, arena: up}", 0, 1},
	    {"free: {name: b, arena: up, size: 2M}", 1, 0}};
	char text[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(
		    text, sizeof(text), ARENAS "  - %s\n", "yes", rows[i].step);
		execute(text, 1);
		ck_assert_msg(found("V1") == rows[i].v1, "%s", rows[i].step);
		/* the runner's judge and that of events each say so */
		ck_assert_msg(
		    (found("V2") != 0) == rows[i].v2, "%s", rows[i].step);
		ck_assert((run->outcome == KV_OUTCOME_WOULD_PANIC) ==
			  (rows[i].v1 != 0));
	}
}
END_TEST

/* An arena that is to keep its spans keeps them, and joins neighbours. */
START_TEST(test_kept)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    ARENAS "  - free: {name: a}\n  - free: {name: b}\n", "no");
	execute(text, 3);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

/* Imports that come and go, one step at a time; then they no longer go. */
START_TEST(test_imports)
{
	static const char *const fits[] = {"bestfit", "firstfit"};
	char text[1024];

	for (unsigned kept = 0; kept < 2; kept++) {
		snprintf(text, sizeof(text),
		    "kvasir: 1\n"
		    "arenas:\n"
		    "  up: {base: 1G, size: 16G, quantum: 64K}\n"
		    "  down: {parent: up, quantum: 4K, import_quantum: %uK, "
		    "dialect: %s}\n"
		    "work: [churn: {arena: down, steps: 300, fit: %s}]\n"
		    "inject: [%s]\n",
		    64u << _i % 3, _i % 2 == 0 ? "freebsd" : "illumos",
		    fits[_i / 3], kept ? "illumos-F10" : "none");
		execute(text, 3);
		ck_assert((found("V2") != 0) == (kept != 0));
		ck_assert_uint_eq(run->nviolations, found("V2"));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("generic");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, NULL, finish);
	tcase_add_loop_test(tc, test_partial, 0, 2);
	tcase_add_loop_test(tc, test_split, 0, 3);
	tcase_add_loop_test(tc, test_silent, 0, KV_TEST_CASES(60));
	tcase_add_test(tc, test_wrong_free);
	tcase_add_test(tc, test_kept);
	tcase_add_loop_test(tc, test_imports, 0, 6);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
