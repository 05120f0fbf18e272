/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kernmap.c - the kernel map: the lowest gap that fits
 *
 * Against a map of units that are taken or not.
 */
#include "alloc/kernmap.h"
#include "kvtest.h"

enum { UNITS = 64, UNIT = 0x200000, START = 0x100000, OPS = 20000 };

static uint32_t
draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		 UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* First of n free units in a row, or UNITS. */
static unsigned
lowest(const bool taken[UNITS], unsigned n)
{
	for (unsigned i = 0; i + n <= UNITS; i++) {
		unsigned k = 0;

		while (k < n && !taken[i + k])
			k++;
		if (k == n)
			return i;
	}
	return UNITS;
}

/* The map starts within a unit: its first address is the next one's. */
START_TEST(lowest_gap)
{
	bool taken[UNITS] = {false};
	struct {
		unsigned at, n;
	} out[UNITS];
	unsigned nout = 0;
	uint64_t state = (uint64_t)_i + 1;
	struct kv_kernmap map;
	struct kv_host host;
	struct kv_diag diag = {.text = "?"};

	kv_host_libc(&host);
	kv_kernmap_init(&map, &host, UNIT, START, (UNITS + 1) * (kv_va_t)UNIT);
	for (unsigned op = 0; op < OPS; op++) {
		unsigned n = 1 + draw(&state) % 7;

		if (nout != 0 && draw(&state) % 2 == 0) {
			unsigned k = draw(&state) % nout;

			kv_kernmap_free(&map, UNIT + out[k].at * (kv_va_t)UNIT,
			    out[k].n * (uint64_t)UNIT);
			for (unsigned u = 0; u < out[k].n; u++)
				taken[out[k].at + u] = false;
			out[k] = out[--nout];
		} else {
			unsigned want = lowest(taken, n);
			kv_va_t va = 7;
			int error =
			    kv_kernmap_alloc(&map, n * (uint64_t)UNIT, &va);

			ck_assert_msg(error == (want == UNITS ? ENOMEM : 0),
			    "seed %d operation %u", _i, op);
			ck_assert_msg(
			    va ==
				(error != 0 ? 7 : UNIT + want * (kv_va_t)UNIT),
			    "seed %d operation %u: %llx", _i, op,
			    (unsigned long long)va);
			if (error != 0)
				continue;
			for (unsigned u = 0; u < n; u++)
				taken[want + u] = true;
			out[nout].at = want;
			out[nout++].n = n;
		}
		ck_assert_msg(
		    kv_kernmap_check(&map, &diag) == 0, "%s", diag.text);
	}
	kv_kernmap_fini(&map);
	ck_assert_uint_eq(host.bytes, 0);
}
END_TEST

/* Without metadata an allocation fails; a free never needs any. */
START_TEST(no_metadata)
{
	struct kv_kernmap map;
	struct kv_host host;
	kv_va_t va[UNITS];

	kv_host_libc(&host);
	kv_kernmap_init(&map, &host, UNIT, 0, UNITS * (kv_va_t)UNIT);
	kv_host_fail_at(&host, 1);
	ck_assert_int_eq(kv_kernmap_alloc(&map, UNIT, &va[0]), ENOMEM);
	kv_host_fail_at(&host, 0);
	for (unsigned i = 0; i < UNITS; i++)
		ck_assert_int_eq(kv_kernmap_alloc(&map, UNIT, &va[i]), 0);
	kv_host_fail_at(&host, host.calls + 1);
	for (unsigned i = 0; i < UNITS; i += 2)
		kv_kernmap_free(&map, va[i], UNIT);
	for (unsigned i = 1; i < UNITS; i += 2)
		kv_kernmap_free(&map, va[i], UNIT);
	ck_assert_int_eq(kv_kernmap_check(&map, NULL), 0);
	ck_assert_int_eq(
	    kv_kernmap_alloc(&map, UNITS * (uint64_t)UNIT, &va[0]), 0);
	ck_assert_uint_eq(va[0], 0);
	kv_kernmap_fini(&map);
}
END_TEST

/* The check sees gaps that are odd, empty, touch, or have no room. */
START_TEST(check)
{
	struct kv_kernmap_gap gaps[2] = {
	    {UNIT, 2 * UNIT}, {3 * UNIT, 4 * UNIT}};
	struct kv_kernmap map = {.align = UNIT,
	    .next = 5 * UNIT,
	    .gaps = gaps,
	    .ngaps = 2,
	    .capacity = 4,
	    .given = 3};
	struct kv_diag diag;

	ck_assert_int_eq(kv_kernmap_check(&map, &diag), 0);
	map.given = 4;
	ck_assert_int_eq(kv_kernmap_check(&map, &diag), EFAULT);
	ck_assert_uint_eq(diag.invariant, 2);
	map.given = 3;
	map.next = 4 * UNIT;
	ck_assert_int_eq(kv_kernmap_check(&map, &diag), EFAULT);
	ck_assert_uint_eq(diag.invariant, 1);
	map.next = 5 * UNIT;
	gaps[1].start = 2 * UNIT;
	ck_assert_int_eq(kv_kernmap_check(&map, &diag), EFAULT);
	gaps[1].start = 4 * UNIT;
	ck_assert_int_eq(kv_kernmap_check(&map, &diag), EFAULT);
	gaps[1].start = 3 * UNIT + 1;
	ck_assert_int_eq(kv_kernmap_check(&map, &diag), EFAULT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kernmap");
	TCase *t = tcase_create("gaps");

	tcase_add_loop_test(t, lowest_gap, 0, 4);
	tcase_add_test(t, no_metadata);
	tcase_add_test(t, check);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
