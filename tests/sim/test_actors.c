/* SPDX-License-Identifier: BSD-2-Clause */
/* test_actors.c - lives, limits, streams, and that all of it comes back */
#include "kvtest.h"
#include "run/actors.h"

#define MIB (UINT64_C(1) << 20)

struct rig {
	struct kv_world *world;
	struct kv_actors *actors;
	struct kv_metrics m;
	uint64_t pages; /* of memory */
};

static void
rig_open(struct rig *r, uint64_t mib, const struct kv_actor_spec *specs,
    size_t n, uint64_t seed)
{
	struct kv_phys_range memory = {16 * MIB, (16 + mib) * MIB, 0};
	struct kv_world_spec spec = {.machine = kv_machine_find("amd64"),
	    .ranges = &memory,
	    .nranges = 1,
	    .ndomains = 1,
	    .no_kstacks = true};

	*r = (struct rig){0};
	ck_assert_int_eq(kv_world_create(&spec, &r->world), 0);
	ck_assert_int_eq(
	    kv_actors_create(r->world, specs, n, seed, &r->actors), 0);
	r->pages = kv_phys_stats(r->world->phys).free_pages;
}

static void
rig_check(const struct rig *r)
{
	struct kv_diag diag = {.text = "no memory to check"};

	ck_assert_msg(kv_world_check(r->world, &diag) == 0, "%s", diag.text);
}

static void
rig_close(struct rig *r)
{
	kv_actors_drain(r->actors);
	rig_check(r);
	ck_assert_uint_eq(kv_phys_stats(r->world->phys).free_pages, r->pages);
	kv_actors_destroy(r->actors);
	kv_world_destroy(r->world);
	kv_metrics_fini(&r->m);
}

static void
act(struct rig *r, unsigned operations)
{
	while (operations-- != 0) {
		kv_world_tick(r->world);
		kv_actors_act(r->actors);
	}
}

static uint64_t
figure(struct rig *r, const char *name)
{
	const struct kv_metric *x;

	kv_metrics_fini(&r->m);
	r->m = (struct kv_metrics){0};
	kv_actors_measure(r->actors, &r->m);
	kv_metrics_sort(&r->m);
	x = kv_metrics_find(&r->m, name);
	ck_assert_ptr_nonnull(x);
	return x->u;
}

/* 10 pages at every 3rd operation, kept for 7: never more than 3 times. */
START_TEST(a_life_ends)
{
	const struct kv_actor_spec specs[] = {
	    {"a", (enum kv_actor_kind)_i, 10, 10, 7, 7, 3, 0}};
	static const uint64_t held[] = {
	    0, 0, 10, 10, 10, 20, 20, 20, 30, 20, 20, 30, 20};
	struct rig r;

	rig_open(&r, 8, specs, 1, 1);
	for (unsigned op = 0; op < 13; op++) {
		act(&r, 1);
		ck_assert_uint_eq(figure(&r, "actor.a.pages"), held[op]);
		rig_check(&r);
	}
	ck_assert_uint_eq(figure(&r, "actor.a.taken"), 40);
	ck_assert_uint_eq(figure(&r, "actor.a.failed"), 0);
	rig_close(&r);
}
END_TEST

START_TEST(a_limit_holds)
{
	const struct kv_actor_spec specs[] = {
	    {"a", KV_ACTOR_CACHE, 3, 40, 50, 500, 1, 100}};
	struct rig r;

	rig_open(&r, 8, specs, 1, (uint64_t)_i);
	for (unsigned i = 0; i < 2000; i++) {
		act(&r, 1);
		ck_assert_uint_le(figure(&r, "actor.a.pages"), 100);
	}
	ck_assert_uint_gt(figure(&r, "actor.a.taken"), 400);
	rig_close(&r);
}
END_TEST

/* More than there is: it fails, is counted, and hurts nobody. */
START_TEST(memory_runs_out)
{
	const struct kv_actor_spec specs[] = {
	    {"anon", KV_ACTOR_ANON, 1, 200, 40, 400, 1, 0},
	    {"cache", KV_ACTOR_CACHE, 1, 200, 40, 400, 1, 0},
	    {"kernel", KV_ACTOR_KERNEL, 1, 200, 40, 400, 1, 0}};
	struct rig r;

	rig_open(&r, 8, specs, 3, (uint64_t)_i);
	act(&r, 1500);
	rig_check(&r);
	ck_assert_uint_gt(figure(&r, "actor.anon.failed"), 0);
	ck_assert_uint_gt(figure(&r, "actor.cache.failed"), 0);
	ck_assert_uint_gt(figure(&r, "actor.kernel.failed"), 0);
	rig_close(&r);
}
END_TEST

/* With memory enough, one actor does the same whoever else is there. */
START_TEST(streams_are_their_own)
{
	const struct kv_actor_spec specs[] = {
	    {"b", KV_ACTOR_ANON, 1, 30, 10, 90, 2, 0},
	    {"a", KV_ACTOR_CACHE, 1, 30, 10, 90, 3, 0}};
	struct rig alone, both;

	rig_open(&alone, 64, specs + 1, 1, 7);
	rig_open(&both, 64, specs, 2, 7);
	for (unsigned i = 0; i < 300; i++) {
		act(&alone, 1);
		act(&both, 1);
		ck_assert_uint_eq(figure(&alone, "actor.a.taken"),
		    figure(&both, "actor.a.taken"));
		ck_assert_uint_eq(figure(&alone, "actor.a.pages"),
		    figure(&both, "actor.a.pages"));
	}
	rig_close(&alone);
	rig_close(&both);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("actors");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, a_life_ends, 0, 3);
	tcase_add_loop_test(tc, a_limit_holds, 1, 4);
	tcase_add_loop_test(tc, memory_runs_out, 1, 4);
	tcase_add_test(tc, streams_are_their_own);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
