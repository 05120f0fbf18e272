/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_zone.c - per-CPU buckets: sizes, order of items, limits, domains
 *
 * Items are numbers that the source hands out ascending; the tens of thousands
 * say their domain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

enum { DOMAIN = 10000, RELEASED = 4096 };

struct store {
	uint64_t next[4]; /* by domain */
	uint64_t supply;  /* items left */
	uint64_t own; /* 1: items are of the other domain; else counts down to
			 it; 0: they never are */
	uint64_t released[RELEASED];
	size_t nreleased;
	uint64_t refuse; /* release of this item would panic */
};

static unsigned
import(void *arg, void *items, unsigned n, unsigned domain)
{
	struct store *s = arg;
	uint64_t item;
	unsigned i;

	for (i = 0; i < n && s->supply != 0; i++, s->supply--) {
		unsigned of = s->own == 1 ? 1 - domain : domain;

		s->own -= s->own > 1;
		item = of * DOMAIN + ++s->next[of];
		memcpy((char *)items + i * sizeof(item), &item, sizeof(item));
	}
	return i;
}

static int
release(void *arg, const void *item, struct kv_diag *diag)
{
	struct store *s = arg;
	uint64_t value;

	memcpy(&value, item, sizeof(value));
	if (value == s->refuse)
		return kv_diag_set(diag, EINVAL, "test", 1, value, "refused");
	ck_assert_uint_lt(s->nreleased, RELEASED);
	s->released[s->nreleased++] = value;
	return 0;
}

static unsigned
domain_of(void *arg, const void *item)
{
	uint64_t value;

	(void)arg;
	memcpy(&value, item, sizeof(value));
	return (unsigned)(value / DOMAIN);
}

static struct kv_zone_config
config(struct store *s, struct kv_host *host, unsigned ncpus, unsigned ndomains,
    uint64_t limit)
{
	return (struct kv_zone_config){.item_size = sizeof(uint64_t),
	    .ncpus = ncpus,
	    .ndomains = ndomains,
	    .limit = limit,
	    .source = {import, release, domain_of, s},
	    .host = host};
}

static struct kv_zone *
open_zone(const struct kv_zone_config *cfg)
{
	struct kv_zone *z;

	kv_host_libc(cfg->host);
	ck_assert_int_eq(kv_zone_create(cfg, &z), 0);
	return z;
}

static void
check(const struct kv_zone *z)
{
	struct kv_diag diag = {.text = ""};

	ck_assert_msg(kv_zone_check(z, &diag) == 0, "%s", diag.text);
}

static void
close_zone(struct kv_zone *z, struct kv_host *host)
{
	ck_assert_int_eq(kv_zone_drain(z, NULL), 0);
	check(z);
	ck_assert_uint_eq(kv_zone_stats(z).cached, 0);
	kv_zone_destroy(z);
	ck_assert_uint_eq(host->bytes, 0);
}

static uint64_t
take(struct kv_zone *z, unsigned cpu)
{
	uint64_t item = 0;

	ck_assert_int_eq(kv_zone_alloc(z, cpu, &item), 0);
	check(z);
	return item;
}

static void
give(struct kv_zone *z, unsigned cpu, uint64_t item)
{
	ck_assert_int_eq(kv_zone_free(z, cpu, &item, NULL), 0);
	check(z);
}

/* freebsd.md 3.5: N = max(128, 4 ncpu), nb = 2 ncpu (+ ncpu + ndomains),
 * b = N / nb / 2, at least 1 if N >= nb; full buckets hold N - nb b. */
START_TEST(sizes_of_the_stack_cache)
{
	static const struct {
		unsigned ncpus, ndomains, bucket;
		uint64_t limit, full;
	} rows[] = {{2, 1, 16, 128, 64}, {8, 1, 4, 128, 64},
	    {64, 1, 1, 256, 128}, {4, 2, 4, 128, 72}, {1, 1, 32, 128, 64},
	    {4, 1, 0, 7, 7}, {4, 1, 1, 8, 0}};
	struct kv_zone_config cfg = {.ncpus = rows[_i].ncpus,
	    .ndomains = rows[_i].ndomains,
	    .limit = rows[_i].limit};
	struct kv_zone_sizes sizes = kv_zone_sizes(&cfg);

	ck_assert_uint_eq(sizes.bucket, rows[_i].bucket);
	ck_assert_uint_eq(sizes.full, rows[_i].full);
	cfg.bucket_max = 3;
	sizes = kv_zone_sizes(&cfg);
	ck_assert_uint_le(sizes.bucket, 3);
}
END_TEST

/* A free goes to the alloc bucket while that has room, although there is a
 * free bucket by then. */
START_TEST(free_fills_the_alloc_bucket)
{
	struct kv_host host;
	struct store s = {.supply = 2};
	struct kv_zone_config cfg = config(&s, &host, 1, 1, 8);
	struct kv_zone *z = open_zone(&cfg);

	ck_assert_uint_eq(kv_zone_sizes(&cfg).bucket, 2);
	ck_assert_uint_eq(take(z, 0), 2);
	give(z, 0, 2);
	give(z, 0, 7); /* makes the free bucket */
	ck_assert_uint_eq(take(z, 0), 2);
	give(z, 0, 9);
	ck_assert_uint_eq(take(z, 0), 9);
	ck_assert_uint_eq(take(z, 0), 1);
	ck_assert_uint_eq(take(z, 0), 7);
	close_zone(z, &host);
}
END_TEST

START_TEST(items_come_from_the_end_of_a_bucket)
{
	struct store s = {.supply = 100};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 1, 1, 16);
	struct kv_zone *z = open_zone(&cfg); /* buckets of 4, 8 in full ones */

	for (uint64_t want = 4; want > 0; want--)
		ck_assert_uint_eq(take(z, 0), want);
	ck_assert_uint_eq(take(z, 0), 8);
	/* last in, first out */
	give(z, 0, 8);
	ck_assert_uint_eq(take(z, 0), 8);
	ck_assert_uint_eq(kv_zone_stats(z).misses, 2);
	ck_assert_uint_eq(kv_zone_stats(z).hits, 4);
	ck_assert_uint_eq(kv_zone_stats(z).imported, 8);
	ck_assert_uint_eq(kv_zone_stats(z).cached, 3);
	close_zone(z, &host);
}
END_TEST

START_TEST(full_buckets_wait_or_are_drained)
{
	struct store s = {.supply = 100};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 1, 1, 16);
	struct kv_zone *z = open_zone(&cfg);
	uint64_t i;

	for (i = 0; i < 20; i++) /* bucket by bucket: 4 3 2 1 8 7 6 5 ... */
		take(z, 0);
	/* the empty alloc bucket takes 4, then the free buckets: the first two
	 * full ones (5..8, 9..12) wait, that of 13..16 is drained by 17 */
	for (i = 1; i <= 16; i++)
		give(z, 0, i);
	ck_assert_uint_eq(s.nreleased, 0);
	give(z, 0, 17);
	ck_assert_uint_eq(s.nreleased, 4);
	for (i = 0; i < 4; i++)
		ck_assert_uint_eq(s.released[i], 13 + i); /* index 0 up */
	/* back: alloc bucket, free bucket, then the lists, youngest first */
	for (i = 4; i > 0; i--)
		ck_assert_uint_eq(take(z, 0), i);
	ck_assert_uint_eq(take(z, 0), 17);
	for (i = 12; i > 8; i--)
		ck_assert_uint_eq(take(z, 0), i);
	for (i = 8; i > 4; i--)
		ck_assert_uint_eq(take(z, 0), i);
	ck_assert_uint_eq(take(z, 0), 24); /* a new bucket */
	close_zone(z, &host);
}
END_TEST

START_TEST(a_cpu_has_its_own_buckets)
{
	struct store s = {.supply = 100};
	struct kv_host host;
	struct kv_zone_config cfg =
	    config(&s, &host, 2, 1, 16); /* buckets: 2 */
	struct kv_zone *z = open_zone(&cfg);

	ck_assert_uint_eq(take(z, 0), 2);
	ck_assert_uint_eq(take(z, 1), 4);
	give(z, 1, 2);
	ck_assert_uint_eq(take(z, 0), 1);
	ck_assert_uint_eq(take(z, 1), 2);
	ck_assert_uint_eq(take(z, 0), 6); /* 3 is on CPU 1 */
	close_zone(z, &host);
}
END_TEST

START_TEST(short_supply)
{
	struct store s = {.supply = 3};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 1, 1, 16);
	struct kv_zone *z = open_zone(&cfg);
	uint64_t item = 77;

	ck_assert_uint_eq(take(z, 0), 3);
	ck_assert_uint_eq(take(z, 0), 2);
	ck_assert_uint_eq(take(z, 0), 1);
	ck_assert_int_eq(kv_zone_alloc(z, 0, &item), ENOMEM);
	ck_assert_uint_eq(item, 77);
	ck_assert_uint_eq(kv_zone_stats(z).failed, 1);
	close_zone(z, &host);
}
END_TEST

/* Two CPUs, two domains, limit 56: nb 8, buckets of 3, 32 in full ones. */
START_TEST(items_go_home)
{
	struct store s = {.supply = 1000};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 2, 2, 56);
	struct kv_zone *z = open_zone(&cfg);

	ck_assert_uint_eq(take(z, 0), 3);
	ck_assert_uint_eq(take(z, 1), DOMAIN + 3);
	give(z, 1, 3); /* waits in the cross bucket of CPU 1 */
	ck_assert_uint_eq(take(z, 1), DOMAIN + 2);
	ck_assert_uint_eq(take(z, 0), 2);
	ck_assert_uint_eq(take(z, 0), 1);
	give(z, 1, 2);
	give(z, 1, 1);
	ck_assert_uint_eq(kv_zone_stats(z).cross, 3);
	ck_assert_uint_eq(take(z, 0), 6); /* not yet there */
	give(z, 1, 6);			  /* the full cross bucket is dealt */
	ck_assert_uint_eq(take(z, 0), 5);
	ck_assert_uint_eq(take(z, 0), 4);
	/* in the order in which they came to the other CPU, backwards */
	ck_assert_uint_eq(take(z, 0), 1);
	ck_assert_uint_eq(take(z, 0), 2);
	ck_assert_uint_eq(take(z, 0), 3);
	ck_assert_uint_eq(take(z, 0), 9);
	close_zone(z, &host);
}
END_TEST

/* A source may prefer a domain and fall back on the other: such items come from
 * the alloc bucket, and go home when they are freed. */
START_TEST(source_falls_back)
{
	struct store s = {.supply = 16, .own = 10};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 2, 2, 128);
	struct kv_zone *z = open_zone(&cfg);
	uint64_t items[8];

	ck_assert_uint_eq(kv_zone_sizes(&cfg).bucket, 8);
	ck_assert_uint_eq(take(z, 0), 8);
	for (int i = 0; i < 8; i++)
		items[i] = take(z, 1);
	ck_assert_uint_eq(items[7], DOMAIN + 1);
	ck_assert_uint_eq(items[6], 9);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(kv_zone_free(z, 1, &items[i], NULL), 0);
	check(z);
	ck_assert_uint_eq(kv_zone_stats(z).cross, 7);
	close_zone(z, &host);
}
END_TEST

START_TEST(a_release_that_panics_loses_nothing)
{
	struct store s = {.supply = 100, .refuse = 14};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 1, 1, 16);
	struct kv_zone *z = open_zone(&cfg);
	struct kv_diag diag = {0};
	uint64_t i;

	for (i = 0; i < 20; i++)
		take(z, 0);
	for (i = 1; i <= 16; i++)
		give(z, 0, i);
	ck_assert_int_eq(kv_zone_free(z, 0, &(uint64_t){17}, &diag), EINVAL);
	ck_assert_uint_eq(diag.address, 14);
	ck_assert_uint_eq(s.nreleased, 1); /* 13 */
	ck_assert_uint_eq(kv_zone_stats(z).cached, 15);
	s.refuse = 0;
	close_zone(z, &host);
}
END_TEST

static int
count(void *arg, const void *item)
{
	(void)item;
	++*(uint64_t *)arg;
	return 0;
}

/* Any sequence, any failing metadata call: no item is lost or doubled. */
START_TEST(random_operations)
{
	unsigned seed = (unsigned)_i + 1, ndomains = 1 + (unsigned)_i % 3;
	struct store s = {.supply = 3000};
	struct kv_host host;
	struct kv_zone_config cfg = config(
	    &s, &host, 1 + (unsigned)_i % 4, ndomains, 8 + (uint64_t)_i * 7);
	struct kv_zone *z = open_zone(&cfg);
	uint64_t live[512], walked = 0, item;
	size_t nlive = 0;

	for (unsigned n = 0; n < 4000; n++) {
		unsigned r = (unsigned)rand_r(&seed);
		unsigned cpu = r / 7 % cfg.ncpus;

		if (r % 31 == 0)
			kv_host_fail_at(&host, 1);
		if (r % 977 == 0)
			ck_assert_int_eq(kv_zone_drain(z, NULL), 0);
		if (nlive == 0 || (nlive < 512 && r / 64 % 2 == 0)) {
			if (kv_zone_alloc(z, cpu, &item) != 0)
				continue;
			for (size_t i = 0; i < nlive; i++)
				ck_assert_uint_ne(live[i], item);
			live[nlive++] = item;
		} else {
			size_t i = r / 128 % nlive;

			ck_assert_int_eq(
			    kv_zone_free(z, cpu, &live[i], NULL), 0);
			live[i] = live[--nlive];
		}
		check(z);
		s.nreleased = s.nreleased > RELEASED / 2 ? 0 : s.nreleased;
	}
	kv_zone_walk(z, count, &walked);
	ck_assert_uint_eq(walked, kv_zone_stats(z).cached);
	ck_assert_uint_eq(kv_zone_stats(z).imported,
	    kv_zone_stats(z).released + walked + nlive);
	kv_host_fail_at(&host, 0);
	s.nreleased = 0;
	close_zone(z, &host);
}
END_TEST

START_TEST(refuses_nonsense)
{
	struct store s = {0};
	struct kv_host host;
	struct kv_zone_config cfg = config(&s, &host, 0, 1, 16);
	struct kv_zone *z;

	kv_host_libc(&host);
	ck_assert_int_eq(kv_zone_create(&cfg, &z), EINVAL);
	cfg = config(&s, &host, 1, 2, 16);
	cfg.source.domain = NULL;
	ck_assert_int_eq(kv_zone_create(&cfg, &z), EINVAL);
	cfg = config(&s, &host, 1, 1, 16);
	for (uint64_t n = 1; n <= 3; n++) {
		kv_host_fail_at(&host, n);
		ck_assert_int_eq(kv_zone_create(&cfg, &z), ENOMEM);
		ck_assert_uint_eq(host.bytes, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("zone");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, sizes_of_the_stack_cache, 0, 7);
	tcase_add_test(tc, free_fills_the_alloc_bucket);
	tcase_add_test(tc, items_come_from_the_end_of_a_bucket);
	tcase_add_test(tc, full_buckets_wait_or_are_drained);
	tcase_add_test(tc, a_cpu_has_its_own_buckets);
	tcase_add_test(tc, short_supply);
	tcase_add_test(tc, items_go_home);
	tcase_add_test(tc, source_falls_back);
	tcase_add_test(tc, a_release_that_panics_loses_nothing);
	tcase_add_loop_test(tc, random_operations, 0, 12);
	tcase_add_test(tc, refuses_nonsense);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
