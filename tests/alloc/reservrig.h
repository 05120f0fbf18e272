/* SPDX-License-Identifier: BSD-2-Clause */
/* reservrig.h - a small machine with an object, drawn as text, for tests */
#ifndef KV_TEST_RESERVRIG_H
#define KV_TEST_RESERVRIG_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "alloc/bitmap.h"
#include "alloc/kv.h"

/* Reservations of 64 pages, blocks up to 128, no low memory. */
static const struct kv_machine tiny = {
    .name = "tiny", .page_shift = 12, .reserv_order = 6, .max_order = 7};

enum { N = 64 };

/* One machine with one object. */
struct rig {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_reserv *rv;
	struct kv_object *obj;
};

static inline struct kv_object *
object_of(
    struct rig *rig, uint64_t size, bool anon, unsigned color, bool colored)
{
	struct kv_object_config cfg = {.name = "o",
	    .size = size,
	    .anon = anon,
	    .colored = colored,
	    .pg_color = color,
	    .host = &rig->host};
	struct kv_object *obj = NULL;

	ck_assert_int_eq(kv_object_create(&cfg, &obj), 0);
	return obj;
}

static inline void
rig_open(struct rig *rig, const struct kv_machine *m,
    const struct kv_phys_range *ranges, size_t nranges, unsigned ndomains)
{
	struct kv_phys_config pc = {.machine = m,
	    .ranges = ranges,
	    .nranges = nranges,
	    .ndomains = ndomains,
	    .host = &rig->host};
	struct kv_reserv_config rc;

	kv_host_libc(&rig->host);
	ck_assert_int_eq(kv_phys_create(&pc, &rig->phys), 0);
	rc = (struct kv_reserv_config){.phys = rig->phys, .host = &rig->host};
	ck_assert_int_eq(kv_reserv_create(&rc, &rig->rv), 0);
	rig->obj = object_of(rig, UINT64_C(1) << 40, false, 0, true);
}

/* One domain of so many reservations, from page 0. */
static inline void
rig_small(struct rig *rig, unsigned reservations)
{
	struct kv_phys_range memory = {0, (uint64_t)reservations * N << 12, 0};

	rig_open(rig, &tiny, &memory, 1, 1);
}

static inline void
rig_check(const struct rig *rig)
{
	struct kv_diag diag = {0};

	ck_assert_msg(kv_phys_check(rig->phys, &diag) == 0 &&
			  kv_object_check(rig->obj, &diag) == 0 &&
			  kv_reserv_check(rig->rv, &diag) == 0,
	    "%s I%u at %llx: %s", diag.module, diag.invariant,
	    (unsigned long long)diag.address, diag.text);
}

static inline void
rig_close(struct rig *rig)
{
	kv_object_destroy(rig->obj);
	kv_reserv_destroy(rig->rv);
	kv_phys_destroy(rig->phys);
	ck_assert_uint_eq(rig->host.bytes, 0);
}

/* ---- Pictures ---------------------------------------------------------- */

static inline int
draw(void *arg, const struct kv_reserv_info *info)
{
	char *s = arg;

	sprintf(s + strlen(s), "%s%d:%u%c%s", *s == '\0' ? "" : " ",
	    (int)info->pindex / N, info->popcnt,
	    kv_reserv_letter(info->popmap, info->npages),
	    info->queued ? "" : "!");
	return 0;
}

/* Reservations of an object as pindex/64:popcnt and letter; ! = not queued. */
static inline void
ck_assert_reservs(
    const struct rig *rig, const struct kv_object *obj, const char *want)
{
	char got[512] = "";

	kv_reserv_walk(rig->rv, obj, draw, got);
	ck_assert_str_eq(got, want);
	rig_check(rig);
}

/* The partial queue, head first, likewise. */
static inline void
ck_assert_queue(const struct rig *rig, unsigned domain, const char *want)
{
	char got[512] = "";

	kv_reserv_walk_queue(rig->rv, domain, draw, got);
	ck_assert_str_eq(got, want);
	rig_check(rig);
}

/* Pages [pindex, pindex + n).  => the first one's frame, or -1 */
static inline int
take_of(struct rig *rig, struct kv_object *obj, kv_pindex_t pindex, unsigned n,
    unsigned domain)
{
	kv_pfn_t pfn[2 * N];

	if (kv_page_alloc(rig->rv, obj, pindex, n, domain, pfn) != 0)
		return -1;
	return (int)pfn[0];
}

static inline int
take(struct rig *rig, kv_pindex_t pindex, unsigned n)
{
	return take_of(rig, rig->obj, pindex, n, 0);
}

static inline void
give(struct rig *rig, kv_pindex_t pindex, unsigned n)
{
	ck_assert_int_eq(kv_page_free(rig->rv, rig->obj, pindex, n, NULL), 0);
}

static inline int
anon(struct rig *rig)
{
	kv_pfn_t pfn;

	return kv_page_alloc_anon(rig->rv, 0, &pfn) == 0 ? (int)pfn : -1;
}

/* Use up the queues. */
static inline void
drain(struct rig *rig)
{
	while (kv_phys_queued(rig->phys, 0) != 0)
		ck_assert_int_ge(anon(rig), 0);
}

static inline unsigned
idle_of(const struct rig *rig)
{
	return (unsigned)kv_reserv_stats(rig->rv).unused_pages;
}

/* ---- Blocks ------------------------------------------------------------ */

static inline int
note_block(void *arg, const struct kv_phys_block *b)
{
	char *s = arg;

	sprintf(s + strlen(s), " %u@%u", b->order, (unsigned)b->pfn);
	return 0;
}

static inline void
ck_assert_blocks(const struct rig *rig, const char *want)
{
	char got[512] = "";

	kv_phys_walk(rig->phys, note_block, got);
	ck_assert_str_eq(got, want);
}

#endif
