/* SPDX-License-Identifier: BSD-2-Clause */
/* test_world.c - golden runs of the spec, and figures against brute force */
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "out/emit.h"
#include "run/rng.h"
#include "run/world.h"

#define MIB (UINT64_C(1) << 20)

static struct kv_world *
world(enum kv_kstack_scheme scheme, unsigned npages, unsigned gpages,
    uint64_t first_kva, uint64_t memory, unsigned ndomains)
{
	struct kv_phys_range ranges[] = {{16 * MIB, 16 * MIB + memory, 0},
	    {16 * MIB + memory, 16 * MIB + 2 * memory, 1}};
	struct kv_world_spec spec = {.machine = kv_machine_find("amd64"),
	    .ranges = ranges,
	    .nranges = ndomains,
	    .ndomains = ndomains,
	    .scheme = scheme,
	    .npages = npages,
	    .gpages = gpages,
	    .first_kva = first_kva,
	    .hash = true};
	struct kv_world *w;

	ck_assert_int_eq(kv_world_create(&spec, &w), 0);
	return w;
}

static uint64_t
count(const struct kv_metrics *m, const char *name)
{
	const struct kv_metric *x = kv_metrics_find(m, name);

	ck_assert_msg(x != NULL, "no figure %s", name);
	return x->u;
}

static void
assert_sound(const struct kv_world *w)
{
	struct kv_diag diag = {.module = "?", .text = "?"};
	int error = kv_world_check(w, &diag);

	ck_assert_msg(error == 0, "%s I%u: %s (0x%llx)", diag.module,
	    diag.invariant, diag.text, (unsigned long long)diag.address);
}

/* The churn of freebsd.md 8.3. */
static void
churn(struct kv_world *w, uint64_t steps, size_t limit)
{
	struct kv_rng rng = {12345};
	struct kv_diag diag;

	for (; steps != 0; steps--)
		if (w->nstacks == 0 ||
		    (w->nstacks < limit && (kv_rng_next(&rng) & 1) != 0))
			kv_world_spawn(w, 0, 0);
		else
			ck_assert_int_eq(
			    kv_world_dispose(
				w, kv_rng_next(&rng) % w->nstacks, &diag),
			    0);
}

/* ---- Golden rows: the table of freebsd.md 8.3, as printed there -------- */

static const struct row {
	enum kv_kstack_scheme scheme;
	uint64_t first_kva;
	size_t stacks;
	uint64_t memory, steps, live, full, partial, unused, broken, contiguous,
	    both, fnv;
} rows[] = {{KV_KSTACK_NEW, 0, 1022, 64, 0, 1022, 6, 2, 8, 0, 1022, 254,
		0x18cdee2757d05c39},
    {KV_KSTACK_NEW, 2, 1022, 64, 0, 1022, 6, 3, 520, 0, 1022, 256,
	0x70dcb34ef16e33ae},
    {KV_KSTACK_OLD, 0, 1022, 64, 0, 1022, 0, 10, 1032, 0, 1022, 255,
	0x11a777c4f83f0e52},
    {KV_KSTACK_OLD, 2, 1022, 64, 0, 1022, 0, 10, 1032, 0, 1022, 255,
	0x8166a7c825aa5372},
    {KV_KSTACK_OLD, 2, 1022, 64, 20000, 868, 0, 10, 1648, 0, 868, 217,
	0xf956e7a4402e0e47},
    {KV_KSTACK_NORES, 2, 1022, 64, 20000, 868, 0, 0, 0, 0, 868, 220,
	0x3fe09a388af060f6},
    {KV_KSTACK_NEW, 2, 1500, 24, 20000, 1346, 1, 10, 600, 1, 1346, 335,
	0x81bc456dab48748a}};

START_TEST(test_golden_row)
{
	const struct row *r = &rows[_i];
	struct kv_world *w =
	    world(r->scheme, 4, 1, r->first_kva * MIB, r->memory * MIB, 1);
	struct kv_metrics m = {0};
	size_t i;

	for (i = 0; i < r->stacks; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
	churn(w, r->steps, r->stacks);
	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "kstack.live"), r->live);
	ck_assert_uint_eq(count(&m, "reserv.full"), r->full);
	ck_assert_uint_eq(count(&m, "reserv.partial"), r->partial);
	ck_assert_uint_eq(count(&m, "reserv.unused_pages"), r->unused);
	ck_assert_uint_eq(count(&m, "reserv.broken"), r->broken);
	ck_assert_uint_eq(count(&m, "kstack.phys_contiguous"), r->contiguous);
	ck_assert_uint_eq(count(&m, "kstack.coalescable_16k"), r->both);
	ck_assert_uint_eq(count(&m, "guard.mapped"), 0);
	ck_assert_uint_eq(count(&m, "trace.fnv"), r->fnv);
	assert_sound(w);
	kv_metrics_fini(&m);
	kv_world_destroy(w);
}
END_TEST

/* 24 MB under the linear scheme: 89 of 1346 stay contiguous (8.3, text). */
START_TEST(test_golden_pressure)
{
	struct kv_world *w = world(KV_KSTACK_OLD, 4, 1, 2 * MIB, 24 * MIB, 1);
	struct kv_metrics m = {0};
	size_t i;

	for (i = 0; i < 1500; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
	churn(w, 20000, 1500);
	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "kstack.live"), 1346);
	ck_assert_uint_eq(count(&m, "kstack.phys_contiguous"), 89);
	kv_metrics_fini(&m);
	kv_world_destroy(w);
}
END_TEST

/* ---- Brute force ----------------------------------------------------- */

/* A page mapped by a stack. */
struct map {
	kv_va_t va;
	kv_pa_t pa;
};

static int
by_va(const void *a, const void *b)
{
	const struct map *x = a, *y = b;

	return (x->va > y->va) - (x->va < y->va);
}

static int
longest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* All pages of all stacks, page by page. */
static size_t
map_all(const struct kv_world *w, struct map *maps)
{
	size_t i, n = 0;
	uint32_t p;

	for (i = 0; i < w->nstacks; i++) {
		const struct kv_stack *s = &w->stacks[i];
		kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];

		ck_assert_int_eq(kv_stack_pages(w->kstack, s, pfns), 0);
		for (p = 0; p < s->npages; p++)
			maps[n++] =
			    (struct map){s->ks + p * 4096, pfns[p] * 4096};
	}
	qsort(maps, n, sizeof(*maps), by_va);
	return n;
}

/* Twin of map.*: runs by comparing every page with the one before. */
static void
twin_runs(const struct kv_world *w, const struct kv_metrics *m)
{
	struct map *maps = calloc(w->nstacks * 32 + 1, sizeof(*maps));
	uint64_t *runs = calloc(w->nstacks * 32 + 1, sizeof(*runs)), sum;
	size_t n = map_all(w, maps), nruns = 0, i, k;
	const unsigned percents[] = {80, 90, 99}, covers[] = {32, 128};
	char name[32];

	for (i = 0; i < n; i++) {
		if (i == 0 || maps[i].va != maps[i - 1].va + 4096 ||
		    maps[i].pa != maps[i - 1].pa + 4096)
			nruns++;
		runs[nruns - 1]++;
	}
	qsort(runs, nruns, sizeof(*runs), longest_first);
	ck_assert_uint_eq(count(m, "map.pages"), n);
	ck_assert_uint_eq(count(m, "map.runs"), nruns);
	for (k = 0; k < 3; k++) {
		for (i = 0, sum = 0; sum * 100 < n * percents[k]; i++)
			sum += runs[i];
		snprintf(name, sizeof(name), "map.n%u", percents[k]);
		ck_assert_uint_eq(count(m, name), i);
	}
	for (k = 0; k < 2; k++) {
		for (i = 0, sum = 0; i < covers[k] && i < nruns; i++)
			sum += runs[i];
		snprintf(name, sizeof(name), "map.cover%u", covers[k]);
		ck_assert_double_eq_tol(kv_metrics_find(m, name)->r,
		    n == 0 ? 0 : 100.0 * (double)sum / (double)n, 1e-9);
	}
	free(maps);
	free(runs);
}

/* Letter of a row of 512 pages, by its definition in words. */
static char
twin_letter(const bool *used)
{
	unsigned starts = 0, n = 0, i;

	for (i = 0; i < 512; i++) {
		n += used[i];
		starts += used[i] && (i == 0 || !used[i - 1]);
	}
	if (n == 0)
		return '-';
	if (n == 512)
		return 'F';
	if (starts > 1)
		return 'H';
	if (used[511])
		return 'E';
	return used[0] ? 'B' : 'M';
}

/* The reservation at a window of the object, if there is one. */
struct window {
	uint64_t pindex;
	bool found;
	const struct kv_reserv_info *info;
	struct kv_reserv_info copy;
};

static int
window_find(void *arg, const struct kv_reserv_info *info)
{
	struct window *x = arg;

	if (info->pindex != x->pindex)
		return 0;
	x->found = true;
	x->copy = *info;
	return 1;
}

struct twin {
	const struct kv_world *w;
	struct kv_buf word;
	bool linear;
};

/* A word for pindices [start, end): window by window, page by page. */
static void
twin_word(struct twin *t, uint64_t start, uint64_t end)
{
	uint64_t base;
	bool any = false;

	for (base = start / 512 * 512; base < end; base += 512) {
		struct window x = {.pindex = base};
		bool used[512];
		unsigned i;

		kv_reserv_walk(t->w->reserv, kv_kstack_object(t->w->kstack),
		    window_find, &x);
		if (!x.found)
			continue;
		for (i = 0; i < 512; i++)
			used[i] = base + i >= start && base + i < end &&
				  (x.copy.popmap[i / 64] >> i % 64 & 1) != 0;
		kv_buf_printf(&t->word, "%c", twin_letter(used));
		any = true;
	}
	if (!any)
		kv_buf_printf(&t->word, "-");
}

static int
twin_chunk(void *arg, const struct kv_kstack_chunk *chunk)
{
	struct twin *t = arg;

	if (t->word.size != 0)
		kv_buf_printf(&t->word, " ");
	twin_word(t, chunk->pindex, chunk->pindex + chunk->npindex);
	return 0;
}

static void
twin_pattern(const struct kv_world *w, const struct kv_metrics *m)
{
	struct twin t = {.w = w};

	kv_buf_printf(&t.word, "%s", "");
	if (w->spec.scheme != KV_KSTACK_OLD)
		kv_kstack_walk_chunks(w->kstack, twin_chunk, &t);
	else if (w->nstacks != 0)
		twin_word(&t, 0, 32 * 512);
	ck_assert_str_eq(
	    kv_metrics_find(m, "kstack.pattern")->text, t.word.data);
	kv_buf_fini(&t.word);
}

static void
twin_alignment(const struct kv_world *w, const struct kv_metrics *m)
{
	uint64_t contiguous = 0, pa16k = 0, va16k = 0, both = 0, leaves = 0;
	static bool leaf[1 << 16];
	size_t i;
	uint32_t p;

	memset(leaf, 0, sizeof(leaf));
	for (i = 0; i < w->nstacks; i++) {
		const struct kv_stack *s = &w->stacks[i];
		kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
		bool c = true, pa, va = s->ks % 16384 == 0;

		ck_assert_int_eq(kv_stack_pages(w->kstack, s, pfns), 0);
		for (p = 0; p < s->npages; p++) {
			uint64_t window =
			    (s->ks + p * 4096 - 0xfffffe0000000000) >> 21;

			c = c && pfns[p] == pfns[0] + p;
			leaves += !leaf[window];
			leaf[window] = true;
		}
		pa = c && pfns[0] % 4 == 0;
		contiguous += c;
		pa16k += pa;
		va16k += va;
		both += va && pa;
	}
	ck_assert_uint_eq(count(m, "kstack.phys_contiguous"), contiguous);
	ck_assert_uint_eq(count(m, "kstack.pa16k_aligned"), pa16k);
	ck_assert_uint_eq(count(m, "kstack.va16k_aligned"), va16k);
	ck_assert_uint_eq(count(m, "kstack.coalescable_16k"), both);
	ck_assert_double_eq_tol(
	    kv_metrics_find(m, "kstack.pt_bytes_per_stack")->r,
	    w->nstacks == 0 ? 0 : (double)leaves * 4096 / (double)w->nstacks,
	    1e-9);
}

static void
twin_all(const struct kv_world *w)
{
	struct kv_metrics m = {0};

	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "kstack.live"), w->nstacks);
	twin_runs(w, &m);
	twin_pattern(w, &m);
	twin_alignment(w, &m);
	kv_metrics_fini(&m);
}

/* Random stacks of random sizes in little memory, measured now and then. */
static void
random_states(enum kv_kstack_scheme scheme, unsigned npages, unsigned gpages,
    unsigned ndomains, uint64_t seed)
{
	struct kv_rng rng = kv_rng_stream(seed, "states");
	struct kv_world *w = world(scheme, npages, gpages,
	    2 * MIB * kv_rng_below(&rng, 5), 12 * MIB, ndomains);
	struct kv_diag diag;
	unsigned op;

	for (op = 0; op < 3000; op++) {
		bool grow = kv_rng_below(&rng, 3000) > op;

		if (w->nstacks == 0 || grow)
			kv_world_spawn(w,
			    kv_rng_below(&rng, 8) == 0
				? 2 + (unsigned)kv_rng_below(&rng, 8)
				: 0,
			    (unsigned)kv_rng_below(&rng, ndomains));
		else
			ck_assert_int_eq(
			    kv_world_dispose(
				w, kv_rng_below(&rng, w->nstacks), &diag),
			    0);
		if (op % 250 == 0)
			twin_all(w);
	}
	kv_world_destroy(w);
}

START_TEST(test_twins)
{
	const enum kv_kstack_scheme schemes[] = {
	    KV_KSTACK_OLD, KV_KSTACK_NEW, KV_KSTACK_NORES};

	random_states(schemes[_i % 3], 4, 1, 1, 1000 + (uint64_t)_i);
	random_states(schemes[_i % 3], 2 + 2 * (unsigned)(_i % 4),
	    (unsigned)_i % 5, 1 + (unsigned)_i % 2, 2000 + (uint64_t)_i);
}
END_TEST

/* ---- Small things ---------------------------------------------------- */

/* Nothing there: all figures exist and none divides by zero. */
START_TEST(test_empty)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 4, 1, 0, 64 * MIB, 1);
	struct kv_metrics m = {0};

	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "map.runs"), 0);
	ck_assert_uint_eq(count(&m, "map.n99"), 0);
	ck_assert_uint_eq(count(&m, "phys.pages"), 64 * MIB / 4096);
	ck_assert_uint_eq(count(&m, "phys.free_pages"), 64 * MIB / 4096);
	ck_assert_str_eq(kv_metrics_find(&m, "kstack.pattern")->text, "");
	ck_assert_uint_eq(count(&m, "trace.fnv"), KV_FNV_BASIS);
	assert_sound(w);
	kv_metrics_fini(&m);
	kv_world_destroy(w);
}
END_TEST

/* Every figure has a declaration of the same kind. */
START_TEST(test_declared)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 4, 1, 0, 64 * MIB, 2);
	struct kv_metrics m = {0};
	size_t i;

	kv_world_spawn(w, 0, 1);
	kv_world_measure(w, &m);
	for (i = 0; i < m.count; i++) {
		const struct kv_metric_decl *d =
		    kv_metric_declared(m.list[i].name);

		ck_assert_msg(d != NULL, "%s is not declared", m.list[i].name);
		ck_assert_msg(d->kind == m.list[i].kind,
		    "%s is of another kind", m.list[i].name);
	}
	kv_metrics_fini(&m);
	kv_world_destroy(w);
}
END_TEST

/* A failed creation counts, changes no list, and leaves all sound. */
START_TEST(test_exhaustion)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 4, 1, 0, 4 * MIB, 1);
	struct kv_metrics m = {0};
	struct kv_diag diag;
	size_t i;

	/* 1024 pages hold 256 stacks of 4. */
	for (i = 0; i < 300; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), i < 256 ? 0 : ENOMEM);
	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "kstack.live"), 256);
	ck_assert_uint_eq(count(&m, "kstack.failed"), 44);
	ck_assert_uint_eq(count(&m, "kstack.created"), 256);
	ck_assert_uint_eq(count(&m, "phys.free_pages"), 0);
	assert_sound(w);
	while (w->nstacks != 0)
		ck_assert_int_eq(kv_world_dispose(w, 0, &diag), 0);
	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "phys.free_pages"), 1024);
	ck_assert_uint_eq(count(&m, "vmem.kstack0.size"), 0);
	assert_sound(w);
	kv_metrics_fini(&m);
	kv_world_destroy(w);
}
END_TEST

/* Disposing of entry i moves the last entry into its place. */
START_TEST(test_last_moves)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 4, 1, 0, 64 * MIB, 1);
	struct kv_diag diag;
	kv_va_t last;
	int i;

	for (i = 0; i < 5; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
	last = w->stacks[4].ks;
	ck_assert_int_eq(kv_world_dispose(w, 1, &diag), 0);
	ck_assert_uint_eq(w->nstacks, 4);
	ck_assert_uint_eq(w->stacks[1].ks, last);
	ck_assert_uint_eq(w->ops, 6);
	kv_world_destroy(w);
}
END_TEST

/* What a policy or memory may not be. */
START_TEST(test_refused)
{
	struct kv_phys_range range = {16 * MIB, 32 * MIB, 0};
	struct kv_world_spec spec = {.machine = kv_machine_find("amd64"),
	    .ranges = &range,
	    .nranges = 1,
	    .ndomains = 1,
	    .npages = 0,
	    .gpages = 1};
	struct kv_world *w = NULL;

	ck_assert_int_eq(kv_world_create(&spec, &w), EINVAL);
	spec.npages = 4;
	range.end = range.start;
	ck_assert_int_eq(kv_world_create(&spec, &w), EINVAL);
	ck_assert_ptr_null(w);
}
END_TEST

/* Two domains: without earlier use of KVA no stack is on wrong pages (8.1). */
START_TEST(test_domains)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 4, 1, 0, 64 * MIB, 2);
	struct kv_metrics m = {0};
	unsigned i;

	for (i = 0; i < 1200; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, i % 2), 0);
	kv_world_measure(w, &m);
	ck_assert_uint_eq(count(&m, "kstack.wrong_domain"), 0);
	ck_assert_uint_eq(count(&m, "vmem.kstack0.busy"), 600);
	ck_assert_uint_eq(count(&m, "vmem.kstack1.busy"), 600);
	assert_sound(w);
	kv_metrics_fini(&m);
	kv_world_destroy(w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("world");
	TCase *t = tcase_create("golden"), *b = tcase_create("twins"),
	      *o = tcase_create("small");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(
	    t, test_golden_row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, test_golden_pressure);
	suite_add_tcase(s, t);
	tcase_set_timeout(b, 300);
	tcase_add_loop_test(b, test_twins, 0, 12);
	suite_add_tcase(s, b);
	tcase_add_test(o, test_empty);
	tcase_add_test(o, test_declared);
	tcase_add_test(o, test_exhaustion);
	tcase_add_test(o, test_last_moves);
	tcase_add_test(o, test_refused);
	tcase_add_test(o, test_domains);
	suite_add_tcase(s, o);
	return kv_test_main(s);
}
