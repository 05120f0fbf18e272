/* SPDX-License-Identifier: BSD-2-Clause */
/* test_verdict.c - the verdict says what the figures say, and no more */
#include "kvtest.h"
#include "out/report_replay.h"

static struct kv_replay replays[3];
static struct kv_buf verdict;

static void
teardown(void)
{
	for (size_t i = 0; i < 3; i++)
		kv_replay_fini(&replays[i]);
	kv_buf_fini(&verdict);
}

/* What a policy is said to have come to. */
struct outcome {
	const char *policy;
	uint64_t full, partial, unused, failed;
};

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

static void
ck_verdict(const struct outcome *outcomes, size_t n, const char *expected)
{
	struct kv_replay_report report = {.replays = replays, .count = n};

	for (size_t i = 0; i < n; i++) {
		struct kv_metrics *m = &replays[i].peak.metrics;

		replays[i].policy = kv_policy_find(outcomes[i].policy);
		put(m, "kstack.live", 1000);
		put(m, "kstack.phys_contiguous", 900);
		put(m, "kstack.failed", outcomes[i].failed);
		put(m, "reserv.full", outcomes[i].full);
		put(m, "reserv.partial", outcomes[i].partial);
		put(m, "reserv.unused_pages", outcomes[i].unused);
	}
	kv_report_replay_verdict(&report, &verdict);
	ck_assert_str_eq(verdict.data, expected);
}

START_TEST(fewer)
{
	static const struct outcome o[] = {
	    {"freebsd-linear", 0, 15, 1680, 0},
	    {"freebsd-d38852", 9, 3, 144, 0},
	    {"freebsd-16", 0, 0, 0, 0},
	};

	ck_verdict(o, 3,
	    "At the peak freebsd-d38852 fills 9 of 12 reservations and leaves "
	    "144 pages unused where freebsd-linear leaves 1680: 11.7 times "
	    "fewer; freebsd-16 holds no reservations and has 90.0 % of its "
	    "stacks in consecutive frames.");
}
END_TEST

START_TEST(more)
{
	static const struct outcome o[] = {
	    {"freebsd-d38852", 9, 3, 144, 0},
	    {"freebsd-linear", 0, 15, 1680, 0},
	};

	ck_verdict(o, 2,
	    "At the peak freebsd-linear fills 0 of 15 reservations and leaves "
	    "1680 pages unused where freebsd-d38852 leaves 144: 11.7 times as "
	    "many.");
}
END_TEST

START_TEST(equal)
{
	static const struct outcome o[] = {
	    {"freebsd-linear", 0, 1, 312, 0},
	    {"freebsd-d38852", 0, 1, 312, 0},
	};

	ck_verdict(o, 2,
	    "At the peak freebsd-d38852 fills 0 of 1 reservation and leaves "
	    "312 pages unused, as freebsd-linear does.");
}
END_TEST

START_TEST(none_against_some)
{
	static const struct outcome o[] = {
	    {"freebsd-linear", 0, 2, 1, 0},
	    {"freebsd-d38852", 2, 0, 0, 0},
	};

	ck_verdict(o, 2,
	    "At the peak freebsd-d38852 fills 2 of 2 reservations and leaves "
	    "no page unused where freebsd-linear leaves 1.");
}
END_TEST

START_TEST(some_against_none)
{
	static const struct outcome o[] = {
	    {"freebsd-d38852", 2, 0, 0, 0},
	    {"freebsd-linear", 1, 1, 1, 0},
	};

	ck_verdict(o, 2,
	    "At the peak freebsd-linear fills 1 of 2 reservations and leaves "
	    "1 page unused where freebsd-d38852 leaves none.");
}
END_TEST

START_TEST(alone)
{
	static const struct outcome o[] = {{"freebsd-linear", 0, 15, 1680, 7}};

	ck_verdict(o, 1,
	    "At the peak freebsd-linear fills 0 of 15 reservations and leaves "
	    "1680 pages unused; freebsd-linear was out of memory for 7 "
	    "stacks.");
}
END_TEST

START_TEST(no_reservations)
{
	static const struct outcome o[] = {{"freebsd-16", 0, 0, 0, 1}};

	ck_verdict(o, 1,
	    "At the peak freebsd-16 holds no reservations and has 90.0 % of "
	    "its stacks in consecutive frames; freebsd-16 was out of memory "
	    "for 1 stack.");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("verdict");
	TCase *t = tcase_create("verdict");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, fewer);
	tcase_add_test(t, more);
	tcase_add_test(t, equal);
	tcase_add_test(t, none_against_some);
	tcase_add_test(t, some_against_none);
	tcase_add_test(t, alone);
	tcase_add_test(t, no_reservations);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return kv_test_main(suite());
}
