/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_domainset.c - in which order domains are tried
 *
 * Against lists that are made as the spec says it (freebsd.md 3.6): write down
 * a pass, strike out what it skips, write down the second.
 */
#include <string.h>

#include "alloc/domainset.h"
#include "kvtest.h"

enum { DOMAINS = 5, LIST = 4 * DOMAINS };

struct list {
	unsigned of[LIST], n;
};

static bool
is_low(const void *arg, unsigned domain)
{
	const unsigned *mask = arg;

	return (*mask >> domain & 1) != 0;
}

static struct list
walk(struct kv_domainset *set, unsigned first, unsigned low)
{
	struct kv_domainset_walk w;
	struct list l = {.n = 0};

	kv_domainset_start(set, first, is_low, &low, &w);
	while (l.n < LIST && kv_domainset_next(&w, &l.of[l.n]))
		l.n++;
	return l;
}

/* One pass: the first domain, unless it is all by turns, then the others in
 * the order of the pointer.  upstream's `iter++ % cnt`, or `++iter % cnt` */
static void
pass(const struct kv_domainset *set, unsigned first, uint64_t *pointer,
    unsigned list[DOMAINS])
{
	unsigned n = 0;

	if (set->policy != KV_DOMAINSET_ROUND_ROBIN)
		list[n++] = first;
	while (n < set->ndomains) {
		uint64_t d;

		if (set->iterator == KV_DOMAINSET_NEW)
			d = (*pointer)++ % set->ndomains;
		else
			d = ++(*pointer) % set->ndomains;
		if (set->policy == KV_DOMAINSET_ROUND_ROBIN || d != first)
			list[n++] = (unsigned)d;
	}
}

/* What the spec wants; *pointer moves on. */
static struct list
wanted(const struct kv_domainset *set, unsigned first, unsigned low,
    uint64_t *pointer)
{
	bool new = set->iterator == KV_DOMAINSET_NEW;
	unsigned n = set->ndomains, all = (1u << n) - 1, list[DOMAINS];
	struct list l = {.n = 0};

	pass(set, first, pointer, list);
	for (unsigned i = 0; i < n; i++)
		if ((low >> list[i] & 1) == 0)
			l.of[l.n++] = list[i];
	if (new && (low & all) == 0)
		return l;
	pass(set, first, pointer, list);
	for (unsigned i = 0; i < n; i++)
		if (!new || (low >> list[i] & 1) != 0)
			l.of[l.n++] = list[i];
	return l;
}

/* All of them: domains, policies, who is low, who is asked, the pointer. */
START_TEST(as_the_spec_says)
{
	unsigned n = 1 + (unsigned)_i / 6;
	struct kv_domainset set = {.policy = (enum kv_domainset_policy)(_i % 3),
	    .iterator = (enum kv_domainset_iterator)(_i / 3 % 2),
	    .ndomains = n};
	unsigned count = 0;

	for (unsigned low = 0; low < 1u << n; low++)
		for (unsigned first = 0; first < n; first++)
			for (uint64_t at = 0; at < 2 * n; at++) {
				uint64_t pointer = at;
				struct list want =
				    wanted(&set, first, low, &pointer);
				struct list got;

				set.turn = at;
				got = walk(&set, first, low);
				ck_assert_uint_eq(got.n, want.n);
				ck_assert_mem_eq(
				    got.of, want.of, got.n * sizeof(got.of[0]));
				ck_assert_uint_eq(set.turn, pointer);
				count++;
			}
	ck_assert_uint_eq(count, (1u << n) * n * 2 * n);
}
END_TEST

static const struct {
	struct kv_domainset set;
	unsigned first, low;
	const char *want;
} rows[] = {
    /* the pointer: used then incremented, or the other way round */
    {{KV_DOMAINSET_ROUND_ROBIN, KV_DOMAINSET_NEW, 3, 0}, 0, 0, "012"},
    {{KV_DOMAINSET_ROUND_ROBIN, KV_DOMAINSET_OLD, 3, 0}, 0, 0, "120120"},
    {{KV_DOMAINSET_ROUND_ROBIN, KV_DOMAINSET_NEW, 3, 2}, 0, 0, "201"},
    /* the picture of domainset.c */
    {{KV_DOMAINSET_PREFER, KV_DOMAINSET_NEW, 4, 2}, 1, 8, "1203"},
    {{KV_DOMAINSET_PREFER, KV_DOMAINSET_OLD, 4, 2}, 1, 8, "1021302"},
    /* the preferred one is low itself */
    {{KV_DOMAINSET_PREFER, KV_DOMAINSET_NEW, 3, 0}, 1, 2, "021"},
    {{KV_DOMAINSET_FIRST_TOUCH, KV_DOMAINSET_NEW, 3, 0}, 2, 7, "201"},
    {{KV_DOMAINSET_PREFER, KV_DOMAINSET_NEW, 1, 0}, 0, 1, "0"},
    {{KV_DOMAINSET_PREFER, KV_DOMAINSET_OLD, 1, 0}, 0, 0, "00"},
};

START_TEST(by_hand)
{
	struct kv_domainset set = rows[_i].set;
	struct list l = walk(&set, rows[_i].first, rows[_i].low);
	char got[LIST + 1] = "";

	for (unsigned i = 0; i < l.n; i++)
		got[i] = (char)('0' + l.of[i]);
	ck_assert_str_eq(got, rows[_i].want);
}
END_TEST

/* Requests that find memory at once go round the domains. */
START_TEST(takes_turns)
{
	struct kv_domainset set = {
	    KV_DOMAINSET_ROUND_ROBIN, (enum kv_domainset_iterator)_i, 3, 0};
	unsigned low = 0, domain;

	for (unsigned i = 0; i < 9; i++) {
		struct kv_domainset_walk w;

		kv_domainset_start(&set, 0, is_low, &low, &w);
		ck_assert(kv_domainset_next(&w, &domain));
		ck_assert_uint_eq(
		    domain, (i + (_i == KV_DOMAINSET_OLD ? 1 : 0)) % 3);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("domainset");
	TCase *t = tcase_create("order");

	tcase_add_loop_test(t, as_the_spec_says, 0, DOMAINS * 6);
	tcase_add_loop_test(
	    t, by_hand, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(t, takes_turns, 0, 2);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
