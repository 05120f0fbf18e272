/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vmem_pow2.c - the dialect with power-of-two lists against a model of it
 *
 * The model keeps the segments as an array in order of address.  A free one
 * carries the moment at which it was last put at the head of its list, so that
 * "first in list order" is "latest moment"; everything is found by looking at
 * all segments (systems.md 3.1(c)).
 */
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "vmem.h"

enum { Q = 64, SEGMENTS = 4000, BASE = 1 << 20 };

struct seg {
	uint64_t start, size, moment; /* moment 0: busy */
};

static struct seg segs[SEGMENTS];
static size_t nsegs;
static uint64_t clock_now;

static unsigned
list_of(uint64_t size)
{
	unsigned n = 0;

	while (size >>= 1)
		n++;
	return n;
}

/* Is a before b, in the order in which a fit looks? */
static bool
before(const struct seg *a, const struct seg *b, enum kv_vmem_fit fit)
{
	unsigned x = list_of(a->size), y = list_of(b->size);

	if (fit == KV_VMEM_BESTFIT && a->size != b->size)
		return a->size < b->size;
	return x != y ? x < y : a->moment > b->moment;
}

/* Of the lists from `list` on to end - 1.  => its number, or nsegs */
static size_t
first_of(uint64_t size, unsigned list, unsigned end, enum kv_vmem_fit fit)
{
	size_t best = nsegs, i;

	for (i = 0; i < nsegs; i++)
		if (segs[i].moment != 0 && segs[i].size >= size &&
		    list_of(segs[i].size) >= list &&
		    list_of(segs[i].size) < end &&
		    (best == nsegs || before(&segs[i], &segs[best], fit)))
			best = i;
	return best;
}

static size_t
model_find(uint64_t size, enum kv_vmem_fit fit)
{
	unsigned list = list_of(size);
	unsigned sure = list + ((size & (size - 1)) != 0);
	size_t i;

	if (fit != KV_VMEM_INSTANTFIT)
		return first_of(size, list, 64, fit);
	i = first_of(size, sure, 64, fit);
	return i != nsegs ? i : first_of(size, list, sure, fit);
}

/* => the address, or 0 */
static uint64_t
model_alloc(uint64_t size, enum kv_vmem_fit fit)
{
	size_t i = model_find(size, fit);
	uint64_t rest;

	if (i == nsegs)
		return 0;
	rest = segs[i].size - size;
	if (rest == 0) {
		segs[i].moment = 0;
		return segs[i].start;
	}
	memmove(&segs[i + 1], &segs[i], (nsegs - i) * sizeof(*segs));
	nsegs++;
	segs[i].size = size;
	segs[i].moment = 0;
	segs[i + 1].start += size;
	segs[i + 1].size = rest;
	if (list_of(rest) != list_of(rest + size))
		segs[i + 1].moment = ++clock_now;
	return segs[i].start;
}

static void
drop(size_t i)
{
	nsegs--;
	memmove(&segs[i], &segs[i + 1], (nsegs - i) * sizeof(*segs));
}

static void
model_free(uint64_t va)
{
	size_t i = 0;

	while (segs[i].start != va)
		i++;
	if (i + 1 < nsegs && segs[i + 1].moment != 0) {
		segs[i].size += segs[i + 1].size;
		drop(i + 1);
	}
	if (i > 0 && segs[i - 1].moment != 0) {
		segs[i - 1].size += segs[i].size;
		drop(i--);
	}
	segs[i].moment = ++clock_now;
}

static struct kv_vmem *
create(struct kv_host *host, uint64_t quanta)
{
	const struct kv_vmem_config cfg = {
	    .name = "a", .quantum = Q, .pow2 = true, .host = host};
	struct kv_vmem *vm;

	kv_host_libc(host);
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_vmem_add(vm, BASE, quanta * Q), 0);
	segs[0] = (struct seg){BASE, quanta * Q, 1};
	nsegs = clock_now = 1;
	return vm;
}

static uint64_t state;

static uint64_t
draw(uint64_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1;
	return (state >> 33) % n;
}

/* _i 0..2: one fit each, 3: all mixed; small blocks and large ones. */
START_TEST(random_requests)
{
	static const enum kv_vmem_fit fits[] = {
	    KV_VMEM_BESTFIT, KV_VMEM_FIRSTFIT, KV_VMEM_INSTANTFIT};
	struct kv_host host;
	struct kv_vmem *vm = create(&host, 6000);
	static struct seg live[SEGMENTS];
	struct kv_diag diag;
	size_t nlive = 0, peak = 0, failed = 0, i;

	state = (uint64_t)_i + 7;
	for (i = 0; i < 30000; i++) {
		enum kv_vmem_fit fit = fits[_i < 3 ? (size_t)_i : draw(3)];
		bool grow = i / 1000 % 2 == 0;
		uint64_t size = Q * (1 + draw(draw(4) == 0 ? 200 : 12)), want;
		kv_va_t va = 0;

		if (nlive != 0 && draw(10) < (grow ? 4 : 6)) {
			size_t k = draw(nlive);

			ck_assert_int_eq(kv_vmem_free(vm, live[k].start,
					     live[k].size, &diag),
			    0);
			model_free(live[k].start);
			live[k] = live[--nlive];
			continue;
		}
		want = model_alloc(size, fit);
		if (kv_vmem_alloc(vm, size, fit, &va) != 0)
			failed++;
		ck_assert_msg(va == want, "operation %zu: 0x%llx, not 0x%llx",
		    i, (unsigned long long)va, (unsigned long long)want);
		if (va != 0)
			live[nlive++] = (struct seg){va, size, 0};
		peak = nlive > peak ? nlive : peak;
		if (i % 97 == 0)
			ck_assert_int_eq(kv_vmem_check(vm, &diag), 0);
	}
	ck_assert_uint_gt(failed, 10);
	ck_assert_uint_gt(peak, 100);
	kv_vmem_destroy(vm);
	kv_host_fini(&host);
}
END_TEST

/* A block in the middle: the right rest is pushed first, then the left one. */
START_TEST(order_of_rests)
{
	struct kv_host host;
	struct kv_vmem *vm = create(&host, 21);
	const struct kv_vmem_req middle = {
	    .size = Q, .min = BASE + 10 * Q, .max = BASE + 11 * Q - 1};
	kv_va_t va;

	/* 10 free, 1 busy, 10 free, both in the list of 8 to 15 */
	ck_assert_int_eq(kv_vmem_xalloc(vm, &middle, &va), 0);
	ck_assert_uint_eq(va, BASE + 10 * Q);
	ck_assert_int_eq(kv_vmem_alloc(vm, 9 * Q, KV_VMEM_FIRSTFIT, &va), 0);
	ck_assert_uint_eq(va, BASE);
	kv_vmem_destroy(vm);
	kv_host_fini(&host);
}
END_TEST

START_TEST(small_quantum)
{
	struct kv_host host;
	struct kv_vmem_config cfg = {
	    .name = "a", .quantum = 32, .pow2 = true, .host = &host};
	struct kv_vmem *vm;

	kv_host_libc(&host);
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	kv_host_fini(&host);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vmem_pow2");
	TCase *tc = tcase_create("vmem_pow2");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, random_requests, 0, 4);
	tcase_add_test(tc, order_of_rests);
	tcase_add_test(tc, small_quantum);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
