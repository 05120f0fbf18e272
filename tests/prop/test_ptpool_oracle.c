/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ptpool_oracle.c - a space on a page-table pool against arrays of pages
 *
 * The oracle knows no tables and no pool: for each page of a few blocks whether
 * it is mapped and what it allows, for each block whether it is in pieces, and
 * how many pages are left.  It decides from systems.md 1.1 alone what a map, a
 * protect or an unmap draws, where one that finds no page ends, and what comes
 * back.  Every way to reclaim, with and without a reserve, in pools that are
 * too small more often than not.
 *
 * KV_SEED=N runs one seed; otherwise seeds 1 to SEEDS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "run/space.h"

enum { SEEDS = 36, OPS = 300, EVERY = 5, BLOCKS = 7, PAGES = 512, UPPER = 3 };
static const uint64_t page = 4096, block_size = (uint64_t)PAGES * 4096,
		      base = UINT64_C(8) << 30;

struct block {
	bool pieces;		   /* a table maps it */
	unsigned char perm[PAGES]; /* 0: not mapped; else KV_PTE_* + 1 */
};

static struct block blocks[BLOCKS];
static uint64_t x, left, reserve, draws, most, splits;
static enum kv_ptpool_reclaim reclaim;
static struct kv_host host;
static struct kv_ptpool *pool;
static struct kv_space space;

static uint64_t
rnd(uint64_t below)
{
	x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (x >> 33) % below;
}

/* ---- The oracle ------------------------------------------------------- */

static unsigned
mapped(const struct block *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PAGES; i++)
		n += b->perm[i] != 0;
	return n;
}

static bool
uniform(const struct block *b)
{
	for (unsigned i = 1; i < PAGES; i++)
		if (b->perm[i] != b->perm[0])
			return false;
	return true;
}

static bool
draw(bool urgent)
{
	if (left <= (urgent ? 0 : reserve))
		return false;
	left--;
	draws++;
	most = draws > most ? draws : most;
	return true;
}

/* What is left of a block that was changed. */
static void
settle(struct block *b)
{
	bool whole = mapped(b) == PAGES && uniform(b);

	if (!b->pieces || reclaim == KV_PTPOOL_NONE)
		return;
	if (mapped(b) != 0 && !(reclaim == KV_PTPOOL_PROMOTE && whole))
		return;
	b->pieces = false;
	left++;
}

/* Pages [from, to) of a block become perm, or go.  => false: no page left */
static bool
edit_block(struct block *b, unsigned from, unsigned to, unsigned char perm)
{
	bool changes = false;

	for (unsigned i = from; i < to; i++)
		changes |= b->perm[i] != 0 && b->perm[i] != perm;
	if (changes && !b->pieces && to - from != PAGES) {
		if (!draw(perm == 0))
			return false;
		b->pieces = true;
		splits++;
	}
	for (unsigned i = from; i < to; i++)
		if (b->perm[i] != 0)
			b->perm[i] = perm;
	settle(b);
	return true;
}

/* => pages that were done */
static unsigned
edit(unsigned first, unsigned n, unsigned char perm)
{
	unsigned at = first, end = first + n;

	while (at < end) {
		unsigned from = at % PAGES;
		unsigned to = end - at + from < PAGES ? end - at + from : PAGES;

		if (!edit_block(&blocks[at / PAGES], from, to, perm))
			break;
		at += to - from;
	}
	return at - first;
}

/* ---- Agreement -------------------------------------------------------- */

static int
take_leaf(void *arg, const struct kv_leaf *leaf)
{
	unsigned char *seen = arg;
	unsigned first = (unsigned)((leaf->va - base) / page);
	unsigned n = leaf->level == 0 ? 1 : PAGES;

	ck_assert_uint_le(leaf->level, 1);
	ck_assert_uint_eq(leaf->pa, leaf->va);
	ck_assert_int_eq(blocks[first / PAGES].pieces, leaf->level == 0);
	memset(seen + first, (int)(leaf->attr & (KV_PTE_W | KV_PTE_X)) + 1, n);
	return 0;
}

static void
agree(void)
{
	static unsigned char seen[BLOCKS * PAGES];
	struct kv_ptpool_stats s = kv_ptpool_stats(pool);
	struct kv_diag diag = {.text = ""};
	unsigned pieces = 0;

	memset(seen, 0, sizeof(seen));
	kv_pmap_walk(space.pmap, 0, UINT64_MAX, take_leaf, seen);
	for (unsigned b = 0; b < BLOCKS; b++) {
		ck_assert_int_eq(
		    memcmp(seen + b * PAGES, blocks[b].perm, PAGES), 0);
		pieces += blocks[b].pieces;
	}
	ck_assert_uint_eq(s.free, left);
	ck_assert_uint_eq(s.draws, draws);
	ck_assert_uint_eq(s.depth[3], pieces);
	ck_assert_uint_eq(kv_pmap_stats(space.pmap).demotions, splits);
	ck_assert_msg(kv_ptpool_check(pool, &diag) == 0 &&
			  kv_pmap_check(space.pmap, &diag) == 0,
	    "%s-I%u: %s", diag.module, diag.invariant, diag.text);
}

/* ---- Operations ------------------------------------------------------- */

static void
map(void)
{
	unsigned b = (unsigned)rnd(BLOCKS);
	kv_va_t va = base + b * block_size;
	unsigned attr = (unsigned)rnd(4) & (KV_PTE_W | KV_PTE_X);
	int error =
	    kv_pmap_enter_leaf(space.pmap, va, va, 1, 1, attr | KV_PTE_A);

	if (mapped(&blocks[b]) != 0) {
		ck_assert_int_eq(error, EEXIST);
		return;
	}
	ck_assert_int_eq(error, 0);
	memset(blocks[b].perm, (int)attr + 1, PAGES);
}

static void
change(bool remove)
{
	unsigned first = (unsigned)rnd(BLOCKS * PAGES), n, done;
	unsigned attr = (unsigned)rnd(4) & (KV_PTE_W | KV_PTE_X);
	kv_va_t va;
	uint64_t bytes;
	int error;

	n = 1 + (unsigned)rnd(rnd(2) ? 4 : 3 * PAGES);
	if (rnd(4) == 0) /* whole blocks */
		first -= first % PAGES, n = PAGES * (1 + n / PAGES);
	if (first + n > BLOCKS * PAGES)
		n = BLOCKS * PAGES - first;
	va = base + first * page;
	if (remove) {
		space.urgent = true;
		error = kv_pmap_remove(space.pmap, va, n * page, &bytes);
		space.urgent = false;
	} else
		error = kv_pmap_protect(space.pmap, va, n * page, attr, &bytes);
	done = edit(first, n, remove ? 0 : (unsigned char)(attr + 1));
	ck_assert_uint_eq(bytes, done * page);
	ck_assert_int_eq(error, done == n ? 0 : ENOMEM);
}

static void
run(uint64_t seed)
{
	struct kv_ptpool_config cfg = {
	    .name = "pt", .page_shift = 12, .host = &host};
	const struct kv_space_config user = {
	    .name = "s", .format = kv_pte_find("arm64-4k"), .user = true};
	struct kv_space_config with = user;

	x = seed;
	kv_host_libc(&host);
	memset(blocks, 0, sizeof(blocks));
	reclaim = cfg.reclaim = (enum kv_ptpool_reclaim)(seed % 3);
	reserve = cfg.reserve = seed / 3 % 2 * 2;
	left = cfg.capacity = UPPER + reserve + 1 + rnd(BLOCKS);
	draws = most = splits = 0;
	ck_assert_int_eq(kv_ptpool_create(&cfg, &pool), 0);
	with.pool = pool;
	ck_assert_int_eq(kv_space_init(&space, &with), 0);
	ck_assert_int_eq(kv_pmap_grow(space.pmap, base, page, 1), 0);
	for (unsigned i = 0; i < UPPER; i++)
		draw(false);
	for (unsigned i = 0; i < OPS; i++) {
		switch (rnd(4)) {
		case 0:
			map();
			break;
		case 1:
			change(true);
			break;
		default:
			change(false);
			break;
		}
		if (i % EVERY == 0)
			agree();
	}
	agree();
	kv_space_fini(&space);
	ck_assert_uint_eq(kv_ptpool_stats(pool).depth[0], 0);
	kv_ptpool_destroy(pool);
	ck_assert_uint_eq(host.bytes, 0);
}

START_TEST(test_oracle)
{
	const char *seed = getenv("KV_SEED");

	if (seed != NULL) {
		run(strtoull(seed, NULL, 0));
		return;
	}
	for (uint64_t s = 1; s <= SEEDS; s++) {
		fprintf(stderr, "\rseed %llu", (unsigned long long)s);
		run(s);
	}
	fprintf(stderr, "\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ptpool_oracle");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_oracle);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
