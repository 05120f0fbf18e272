/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_chunk_patterns.c - where a chunk falls decides which reservations fill
 *
 * The worked example of freebsd.md 6, for every chunk base m = 0..9 (in 2 MiB
 * units), 0..4 guard pages and stacks of 2, 4, 6 and 8 pages.  What to expect
 * is computed here from the formulas alone:
 *
 *   L0 = 512 m            page number of the chunk's parent address
 *   b = -L0 mod k         bump, k = s + g
 *   p = s (L0 + b) / k    first pindex
 *   511 stacks            one slot of 512 is given up: [p, p + 511 s)
 */
#include <stdio.h>

#include "kvtest.h"
#include "run/world.h"

#define MIB (UINT64_C(1) << 20)

enum {
	WINDOW = 512, /* pages of a reservation */
	SLOTS = WINDOW - 1,
	BASES = 10,
	GUARDS = 5,
	SIZES = 4,
	WINDOWS_MAX = 16
};

/* What a lone full chunk looks like. */
struct picture {
	uint64_t bump, pindex;
	unsigned windows;
	unsigned pages[WINDOWS_MAX]; /* in each reservation */
	char word[WINDOWS_MAX + 1];
};

static struct picture
derive(uint64_t m, uint64_t s, uint64_t g)
{
	uint64_t k = s + g, page = WINDOW * m, left = SLOTS * s, edge;
	struct picture x = {.bump = (k - page % k) % k};

	x.pindex = s * (page + x.bump) / k;
	edge = (WINDOW - x.pindex % WINDOW) % WINDOW;
	if (edge != 0) {
		x.word[x.windows] = 'E';
		x.pages[x.windows++] = (unsigned)edge;
		left -= edge;
	}
	for (; left >= WINDOW; left -= WINDOW) {
		x.word[x.windows] = 'F';
		x.pages[x.windows++] = WINDOW;
	}
	if (left != 0) {
		x.word[x.windows] = 'B';
		x.pages[x.windows++] = (unsigned)left;
	}
	return x;
}

/* The same from the allocator, through a world with one full chunk. */
struct found {
	unsigned chunks, windows;
	struct kv_kstack_chunk chunk;
	unsigned pages[WINDOWS_MAX];
};

static int
see_chunk(void *arg, const struct kv_kstack_chunk *chunk)
{
	struct found *f = arg;

	f->chunks++;
	f->chunk = *chunk;
	return 0;
}

static int
see_reserv(void *arg, const struct kv_reserv_info *info)
{
	struct found *f = arg;

	ck_assert_uint_lt(f->windows, WINDOWS_MAX);
	f->pages[f->windows++] = info->popcnt;
	return 0;
}

static struct kv_world *
fill_chunk(uint64_t m, unsigned s, unsigned g)
{
	struct kv_phys_range range = {16 * MIB, 80 * MIB, 0};
	struct kv_world_spec spec = {.machine = kv_machine_find("amd64"),
	    .ranges = &range,
	    .nranges = 1,
	    .ndomains = 1,
	    .scheme = KV_KSTACK_NEW,
	    .npages = s,
	    .gpages = g,
	    .first_kva = m * 2 * MIB};
	struct kv_world *w;
	unsigned i;

	ck_assert_int_eq(kv_world_create(&spec, &w), 0);
	for (i = 0; i < SLOTS; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
	return w;
}

static void
check(uint64_t m, unsigned s, unsigned g)
{
	struct picture want = derive(m, s, g);
	struct kv_world *w = fill_chunk(m, s, g);
	kv_va_t origin = w->spec.machine->kva_start;
	struct kv_metrics metrics = {0};
	struct found got = {0};
	struct kv_diag diag;
	unsigned i;

	kv_kstack_walk_chunks(w->kstack, see_chunk, &got);
	kv_reserv_walk(
	    w->reserv, kv_kstack_object(w->kstack), see_reserv, &got);
	ck_assert_uint_eq(got.chunks, 1);
	ck_assert_uint_eq(got.chunk.parent - origin, m * 2 * MIB);
	ck_assert_uint_eq(got.chunk.base - got.chunk.parent, want.bump * 4096);
	ck_assert_uint_eq(got.chunk.pindex, want.pindex);
	ck_assert_uint_eq(got.chunk.npindex, (uint64_t)SLOTS * s);
	ck_assert_uint_eq(got.windows, want.windows);
	for (i = 0; i < want.windows; i++)
		ck_assert_uint_eq(got.pages[i], want.pages[i]);
	kv_world_measure(w, &metrics);
	ck_assert_str_eq(
	    kv_metrics_find(&metrics, "kstack.pattern")->text, want.word);
	ck_assert_uint_eq(kv_metrics_find(&metrics, "guard.mapped")->u, 0);
	ck_assert_int_eq(kv_world_check(w, &diag), 0);
	/* The 512th stack needs the next chunk. */
	ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
	ck_assert_uint_eq(kv_kstack_stats(w->kstack).imports, 2);
	kv_metrics_fini(&metrics);
	kv_world_destroy(w);
}

START_TEST(test_all_chunks)
{
	static const unsigned sizes[SIZES] = {2, 4, 6, 8};
	unsigned s = sizes[_i % SIZES], g = (unsigned)_i / SIZES % GUARDS;
	uint64_t m = (uint64_t)_i / (SIZES * GUARDS);

	check(m, s, g);
}
END_TEST

/* The table of section 6 as printed: the derivation above must give it. */
START_TEST(test_printed_table)
{
	static const struct {
		unsigned bump, edge, end;
		const char *word;
	} rows[] = {{0, 0, 508, "FFFB"}, {3, 100, 408, "EFFFB"},
	    {1, 204, 304, "EFFFB"}, {4, 304, 204, "EFFFB"},
	    {2, 408, 100, "EFFFB"}};
	uint64_t m;

	for (m = 0; m < BASES; m++) {
		struct picture x = derive(m, 4, 1);

		ck_assert_uint_eq(x.bump, rows[m % 5].bump);
		ck_assert_str_eq(x.word, rows[m % 5].word);
		ck_assert_uint_eq(x.pages[x.windows - 1], rows[m % 5].end);
		if (rows[m % 5].edge != 0)
			ck_assert_uint_eq(x.pages[0], rows[m % 5].edge);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("chunk_patterns");
	TCase *t = tcase_create("chunk_patterns");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_all_chunks, 0, BASES * GUARDS * SIZES);
	tcase_add_test(t, test_printed_table);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
