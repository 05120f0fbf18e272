/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tlb_cover.c - how many entries a space needs */
#include "run/rng.h"
#include "tlbrig.h"

static struct kv_tlb_cover
cover(const struct kv_pmap *pmap)
{
	struct kv_tlb_cover c;

	kv_tlb_cover(pmap, BASE, BASE + (UINT64_C(1) << 32), &c);
	return c;
}

/* Share of coalescable stack pages by guard size (metrics.md 2), over 512
 * stacks of one gapless run on frames that are all 16 KiB-aligned. */
START_TEST(test_closed_form)
{
	static const struct {
		unsigned npages, gpages, percent;
	} rows[] = {{4, 0, 100}, {4, 1, 25}, {4, 2, 50}, {4, 3, 25},
	    {4, 4, 100}, {8, 1, 25}};
	unsigned npages = rows[_i].npages, kpages = npages + rows[_i].gpages;
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_tlb_cover c;

	for (unsigned i = 0; i < 512; i++)
		map(pmap,
		    BASE + ((uint64_t)i * kpages + rows[_i].gpages) * PAGE,
		    FRAMES + (uint64_t)i * npages * PAGE, npages,
		    KV_PTE_W | KV_PTE_G);
	c = cover(pmap);
	ck_assert_uint_eq(c.pages, 512 * npages);
	ck_assert_uint_eq(c.base, 512 * npages);
	ck_assert_uint_eq(c.pages_16k * 100, c.pages * rows[_i].percent);
	ck_assert_uint_eq(c.with_16k, c.pages - c.pages_16k / 4 * 3);
	if (rows[_i].gpages != 0) {
		ck_assert_uint_eq(c.pages_64k, 0);
		ck_assert_uint_eq(c.with_64k, c.with_16k);
	} else {
		ck_assert_uint_eq(c.with_64k, 512 * 4 / 16);
	}
	ck_assert_uint_eq(c.with_super, c.with_64k);
	kv_pmap_destroy(pmap);
}
END_TEST

/* Random pages: each page says by itself in which group it is. */
static void
cover_by_page(const struct kv_leaf *pages, const bool *there, unsigned n,
    unsigned page_shift, struct kv_tlb_cover *want)
{
	unsigned orders[2] = {page_shift < 14 ? 14 - page_shift : 0,
	    page_shift < 16 ? 16 - page_shift : 0};
	double entries[2] = {0, 0};

	*want = (struct kv_tlb_cover){0};
	for (unsigned i = 0; i < n; i++) {
		unsigned size[2] = {1, 1};

		if (!there[i])
			continue;
		want->pages++;
		for (int k = 0; k < 2; k++) {
			unsigned g = 1u << orders[k], first = i / g * g, same;

			for (same = 0; same < g; same++)
				if (!there[first + same] ||
				    pages[first + same].pa !=
					pages[first].pa +
					    ((kv_pa_t)same << page_shift) ||
				    pages[first + same].attr !=
					pages[first].attr)
					break;
			if (same == g &&
			    (pages[first].pa >> page_shift) % g == 0)
				size[k] = g;
			if (size[k] == g)
				*(k == 0 ? &want->pages_16k
					 : &want->pages_64k) += 1;
		}
		if (size[1] < size[0])
			size[1] = size[0];
		entries[0] += 1.0 / size[0];
		entries[1] += 1.0 / size[1];
	}
	want->base = want->pages;
	want->with_16k = (uint64_t)(entries[0] + 0.5);
	want->with_64k = want->with_super = (uint64_t)(entries[1] + 0.5);
}

START_TEST(test_cover_random)
{
	static const char *const formats[] = {
	    "amd64", "arm64-16k", "arm64-64k"};
	enum { N = 256 };
	struct kv_rng rng = kv_rng_stream((uint64_t)_i, "cover");

	for (int f = 0; f < 3; f++) {
		struct kv_pmap *pmap = new_pmap(formats[f]);
		unsigned shift = kv_pmap_format(pmap)->page_shift;
		struct kv_leaf pages[N];
		bool there[N] = {false};
		struct kv_tlb_cover want, got;

		for (unsigned k = 0; k < 40; k++) {
			unsigned at = (unsigned)kv_rng_below(&rng, N);
			unsigned n = 1 + (unsigned)kv_rng_below(&rng, 40);
			unsigned delta = kv_rng_below(&rng, 3) == 0
					     ? (unsigned)kv_rng_below(&rng, 32)
					     : 0;
			unsigned attr =
			    kv_rng_below(&rng, 6) == 0 ? 0 : KV_PTE_W;
			bool gone = kv_rng_below(&rng, 4) == 0;

			if (at % 2 != 0)
				at = at / 16 * 16;
			for (unsigned i = at; i < at + n && i < N; i++) {
				kv_va_t va = BASE + ((kv_va_t)i << shift);
				kv_pa_t pa = (FRAMES * 64) +
					     ((kv_pa_t)(i + delta) << shift);

				there[i] = !gone;
				pages[i] =
				    (struct kv_leaf){.pa = pa, .attr = attr};
				if (gone)
					unmap(pmap, va, 1);
				else
					map(pmap, va, pa, 1, attr);
			}
		}
		cover_by_page(pages, there, N, shift, &want);
		got = cover(pmap);
		ck_assert_uint_eq(got.pages, want.pages);
		ck_assert_uint_eq(got.base, want.base);
		ck_assert_uint_eq(got.pages_16k, want.pages_16k);
		ck_assert_uint_eq(got.pages_64k, want.pages_64k);
		ck_assert_uint_eq(got.with_16k, want.with_16k);
		ck_assert_uint_eq(got.with_64k, want.with_64k);
		ck_assert_uint_eq(got.with_super, want.with_super);
		kv_pmap_destroy(pmap);
	}
}
END_TEST

/* A superpage is one entry or as many as its parts. */
START_TEST(test_cover_superpage)
{
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_tlb_cover c;

	ck_assert_int_eq(kv_pmap_enter_leaf(pmap, BASE, FRAMES, 1, 2, 0), 0);
	map(pmap, BASE + (UINT64_C(4) << 20), 2 * FRAMES + PAGE, 1, 0);
	c = cover(pmap);
	ck_assert_uint_eq(c.pages, 1025);
	ck_assert_uint_eq(c.base, 1025);
	ck_assert_uint_eq(c.with_16k, 257);
	ck_assert_uint_eq(c.with_64k, 65);
	ck_assert_uint_eq(c.with_super, 3);
	ck_assert_uint_eq(c.pages_16k, 1024);
	ck_assert_uint_eq(c.pages_64k, 1024);
	kv_pmap_destroy(pmap);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tlb_cover");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, test_closed_form, 0, 6);
	tcase_add_loop_test(tc, test_cover_random, 1, 11);
	tcase_add_test(tc, test_cover_superpage);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
