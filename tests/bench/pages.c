/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages.c - one run of the page tables: kernel stacks entered, or translated
 *
 *   pages enter STACKS       map stacks of 4 + 1 pages, as pmap_qenter does
 *   pages translate STACKS   translate an address of each page, in random order
 *
 * Prints nanoseconds a page, loop included: of the best run with all tables in
 * place, and, for enter, of the first, which makes them.  Built a second time
 * with KV_BENCH_PAGES_FLOOR it runs the loops alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc/base.h"

enum { NPAGES = 4, KPAGES = 5, PAGE = 4096, REPEATS = 9 };
#define KVA UINT64_C(0xfffffe0000000000)

#ifdef KV_BENCH_PAGES_FLOOR

static uint64_t sum;

static void
setup(void)
{
}

static inline void
enter(kv_va_t va, kv_pa_t pa)
{
	sum += va ^ pa;
}

static void
clear(uint64_t npages)
{
	sum ^= npages;
}

static inline kv_pa_t
translate(kv_va_t va)
{
	return va;
}

#else
#include "hw/pmap.h"

static struct kv_pmap *pmap;

static void
setup(void)
{
	struct kv_pmap_config cfg = {.format = kv_pte_find("amd64")};

	if (kv_pmap_create(&cfg, &pmap) != 0)
		abort();
}

static inline void
enter(kv_va_t va, kv_pa_t pa)
{
	if (kv_pmap_qenter_run(pmap, va, pa, NPAGES, KV_PTE_W | KV_PTE_G) != 0)
		abort();
}

static void
clear(uint64_t npages)
{
	if (kv_pmap_qremove(pmap, KVA, npages) != 0)
		abort();
}

static inline kv_pa_t
translate(kv_va_t va)
{
	struct kv_leaf leaf;

	if (kv_pmap_extract(pmap, va, &leaf) != 0)
		abort();
	return leaf.pa;
}

#endif

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
enter_all(uint64_t stacks)
{
	const double start = seconds();

	for (uint64_t s = 0; s < stacks; s++)
		enter(KVA + (s * KPAGES + 1) * PAGE, s * NPAGES * PAGE);
	return seconds() - start;
}

/* An address in each page, shuffled. */
static kv_va_t *
addresses(uint64_t stacks)
{
	const uint64_t n = stacks * NPAGES;
	kv_va_t *list = malloc(n * sizeof(*list));
	uint64_t x = 1;

	if (list == NULL)
		abort();
	for (uint64_t i = 0; i < n; i++) {
		uint64_t j;

		x = x * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
		j = (x >> 33) % (i + 1);
		list[i] = list[j];
		list[j] = KVA + (i / NPAGES * KPAGES + 1 + i % NPAGES) * PAGE +
			  (x >> 52);
	}
	return list;
}

static double
translate_all(const kv_va_t *list, uint64_t n, kv_pa_t *sum_)
{
	const double start = seconds();

	for (uint64_t i = 0; i < n; i++)
		*sum_ += translate(list[i]);
	return seconds() - start;
}

int
main(int argc, char **argv)
{
	const uint64_t stacks = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	const bool entering = argc == 3 && strcmp(argv[1], "enter") == 0;
	const double unit = 1e9 / (double)(stacks * NPAGES);
	double first, best = 1e9;
	kv_va_t *list = NULL;
	kv_pa_t found = 0;

	if (stacks == 0 || (!entering && strcmp(argv[1], "translate") != 0))
		return 2;
	setup();
	first = enter_all(stacks);
	if (!entering)
		list = addresses(stacks);
	for (int i = 0; i < REPEATS; i++) {
		double took;

		if (entering)
			clear(stacks * KPAGES);
		took = entering ? enter_all(stacks)
				: translate_all(list, stacks * NPAGES, &found);
		best = took < best ? took : best;
	}
	free(list);
	printf("%.2f %.2f\n", best * unit, entering ? first * unit : 0.0);
	return found == 1;
}
