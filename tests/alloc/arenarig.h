/* SPDX-License-Identifier: BSD-2-Clause */
/* arenarig.h - arenas counted in quanta, seen as pictures, for tests */
#ifndef KV_ARENARIG_H
#define KV_ARENARIG_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "alloc/kv.h"
#include "alloc/link.h"

#define Q UINT64_C(0x1000) /* bytes of a quantum */
#define NONE UINT64_MAX	   /* no address: ENOMEM */
#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

enum { PICTURE = 512 };

struct picture {
	char text[PICTURE];
};

static inline void
arena_check(const struct kv_vmem *vm)
{
	struct kv_diag diag = {.module = "no memory to check"};
	int error = kv_vmem_check(vm, &diag);

	ck_assert_msg(error == 0 || (error == ENOMEM && diag.text == NULL),
	    "%s I%u at %llx: %s", diag.module, diag.invariant,
	    (unsigned long long)diag.address, diag.text);
}

static inline struct kv_vmem *
arena_open(struct kv_host *host, uint64_t qcache_quanta)
{
	struct kv_vmem_config cfg = {.name = "a",
	    .quantum = Q,
	    .qcache_max = qcache_quanta * Q,
	    .host = host};
	struct kv_vmem *vm = NULL;

	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	return vm;
}

/* An arena with one static span of n quanta at quantum `start`. */
static inline struct kv_vmem *
arena_with(struct kv_host *host, uint64_t start, uint64_t n)
{
	struct kv_vmem *vm;

	kv_host_libc(host);
	vm = arena_open(host, 0);
	ck_assert_int_eq(kv_vmem_add(vm, start * Q, n * Q), 0);
	return vm;
}

/* The last arena of a host; nothing may be left. */
static inline void
arena_close(struct kv_host *host, struct kv_vmem *vm)
{
	arena_check(vm);
	kv_vmem_destroy(vm);
	ck_assert_uint_eq(host->bytes, 0);
}

/* => quantum number, NONE for ENOMEM */
static inline uint64_t
get(struct kv_vmem *vm, uint64_t n, enum kv_vmem_fit fit)
{
	kv_va_t va = UNTOUCHED;
	int error = kv_vmem_alloc(vm, n * Q, fit, &va);

	arena_check(vm);
	if (error == 0)
		return va / Q;
	ck_assert_int_eq(error, ENOMEM);
	ck_assert_uint_eq(va, UNTOUCHED);
	return NONE;
}

static inline uint64_t
best(struct kv_vmem *vm, uint64_t n)
{
	return get(vm, n, KV_VMEM_BESTFIT);
}

static inline uint64_t
next(struct kv_vmem *vm, uint64_t n)
{
	return get(vm, n, KV_VMEM_NEXTFIT);
}

static inline uint64_t
xget(struct kv_vmem *vm, struct kv_vmem_req rq)
{
	kv_va_t va = UNTOUCHED;
	int error = kv_vmem_xalloc(vm, &rq, &va);

	arena_check(vm);
	if (error == 0)
		return va / Q;
	ck_assert_int_eq(error, ENOMEM);
	ck_assert_uint_eq(va, UNTOUCHED);
	return NONE;
}

static inline void
put(struct kv_vmem *vm, uint64_t start, uint64_t n)
{
	ck_assert_int_eq(kv_vmem_free(vm, start * Q, n * Q, NULL), 0);
	arena_check(vm);
}

/* Everything: "c" cursor, "S" static span, "I" imported span, "a5", "f5". */
static inline int
picture_add(void *arg, const struct kv_vmem_seg *seg)
{
	static const char letter[] = "ISfac";
	struct picture *p = arg;
	size_t n = strlen(p->text);
	int wrote;

	if (seg->kind == KV_VMEM_FREE || seg->kind == KV_VMEM_BUSY)
		wrote = snprintf(p->text + n, PICTURE - n, "%s%c%llu",
		    n == 0 ? "" : " ", letter[seg->kind],
		    (unsigned long long)(seg->size / Q));
	else
		wrote = snprintf(p->text + n, PICTURE - n, "%s%c",
		    n == 0 ? "" : " ", letter[seg->kind]);
	ck_assert_int_lt(wrote, (int)(PICTURE - n));
	return 0;
}

static inline struct picture
picture(const struct kv_vmem *vm)
{
	struct picture p = {""};

	ck_assert_int_eq(kv_vmem_walk(vm, picture_add, &p), 0);
	return p;
}

static inline int
class_add(void *arg, const struct kv_vmem_seg *seg)
{
	struct picture *p = arg;
	size_t n = strlen(p->text);
	int wrote = snprintf(p->text + n, PICTURE - n, "%s%llu+%llu",
	    n == 0 ? "" : " ", (unsigned long long)(seg->start / Q),
	    (unsigned long long)(seg->size / Q));

	ck_assert_int_eq(seg->kind, KV_VMEM_FREE);
	ck_assert_int_lt(wrote, (int)(PICTURE - n));
	return 0;
}

/* The blocks of a class, newest first: "START+QUANTA START+QUANTA". */
static inline struct picture
class_picture(const struct kv_vmem *vm, unsigned class)
{
	struct picture p = {""};

	ck_assert_int_eq(kv_vmem_walk_class(vm, class, class_add, &p), 0);
	return p;
}

#define PICTURE_IS(vm, words) ck_assert_str_eq(picture(vm).text, words)
#define CLASS_IS(vm, class, words) \
	ck_assert_str_eq(class_picture(vm, class).text, words)

/* a40 a1 a33 a1 a50 a1 a70 a1: one block each, apart. */
static inline struct kv_vmem *
apart(struct kv_host *host)
{
	static const uint64_t size[] = {40, 1, 33, 1, 50, 1, 70, 1};
	struct kv_vmem *vm = arena_with(host, 0, 197);
	uint64_t at = 0;

	for (unsigned i = 0; i < 8; i++) {
		ck_assert_uint_eq(best(vm, size[i]), at);
		at += size[i];
	}
	PICTURE_IS(vm, "c S a40 a1 a33 a1 a50 a1 a70 a1");
	return vm;
}

#endif
