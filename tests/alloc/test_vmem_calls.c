/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vmem_calls.c - arenas: rules, frees, quantum caches, what is told
 *
 * Addresses and sizes are counted in quanta, as in test_vmem.c.
 */
#include "arenarig.h"
#include "kvtest.h"

/* Each rule that FreeBSD asserts; arena 0..16 quanta. */
static const struct {
	struct kv_vmem_req rq;
	const char *text;
} broken[] = {
    {{.size = 0}, "size is zero or rounds up past 2^64"},
    {{.size = UINT64_MAX}, "size is zero or rounds up past 2^64"},
    {{.size = Q, .align = Q / 2},
	"align, phase and nocross must be multiples of the quantum"},
    {{.size = Q, .align = 4 * Q, .phase = 1},
	"align, phase and nocross must be multiples of the quantum"},
    {{.size = Q, .nocross = 4 * Q + 1},
	"align, phase and nocross must be multiples of the quantum"},
    {{.size = Q, .align = 3 * Q}, "align and nocross must be powers of two"},
    {{.size = Q, .nocross = 3 * Q}, "align and nocross must be powers of two"},
    {{.size = Q, .align = 2 * Q, .phase = 2 * Q},
	"phase must be less than align"},
    {{.size = Q, .phase = Q}, "phase must be less than align"},
    {{.size = 5 * Q, .nocross = 4 * Q}, "nocross must be at least the size"},
    {{.size = 3 * Q + 1, .nocross = 2 * Q},
	"nocross must be at least the size"},
    {{.size = Q, .align = 4 * Q, .nocross = 4 * Q},
	"nocross must be more than align"},
    {{.size = 3 * Q, .align = 4 * Q, .phase = 3 * Q, .nocross = 8 * Q}, NULL},
    {{.size = 6 * Q, .align = 4 * Q, .phase = 3 * Q, .nocross = 8 * Q},
	"[phase, phase + size) must not cross nocross"},
    {{.size = Q, .min = 8 * Q, .max = 4 * Q}, "min must not be more than max"},
    {{.size = Q, .fit = KV_VMEM_NEXTFIT, .min = 1}, "next fit takes no limits"},
    {{.size = Q, .fit = KV_VMEM_NEXTFIT, .max = 8 * Q},
	"next fit takes no limits"},
    {{.size = Q + 1, .fit = KV_VMEM_NEXTFIT},
	"next fit takes multiples of the quantum"},
    {{.size = Q, .fit = KV_VMEM_NEXTFIT, .max = UINT64_MAX}, NULL},
    {{.size = 1}, NULL},
};

START_TEST(rules)
{
	struct kv_diag diag = {.text = "none"};
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);
	const struct kv_vmem_req *rq = &broken[_i].rq;
	int want = broken[_i].text == NULL ? 0 : EINVAL;
	kv_va_t va = UNTOUCHED;

	ck_assert_int_eq(kv_vmem_req_check(vm, rq, &diag), want);
	if (want != 0) {
		ck_assert_str_eq(diag.module, "vmem");
		ck_assert_str_eq(diag.text, broken[_i].text);
	}
	ck_assert_int_eq(kv_vmem_xalloc(vm, rq, &va), want);
	if (want != 0) {
		ck_assert_uint_eq(va, UNTOUCHED);
		PICTURE_IS(vm, "c S f16");
		ck_assert_uint_eq(kv_vmem_stats(vm).fail, 0);
	}
	arena_close(&host, vm);
}
END_TEST

START_TEST(sizes_are_rounded)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 1, 8);
	struct kv_diag diag;
	kv_va_t va = UNTOUCHED;

	ck_assert_int_eq(kv_vmem_alloc(vm, 1, KV_VMEM_BESTFIT, &va), 0);
	ck_assert_uint_eq(va, Q);
	ck_assert_int_eq(kv_vmem_alloc(vm, Q + 1, KV_VMEM_FIRSTFIT, &va), 0);
	ck_assert_uint_eq(va, 2 * Q);
	PICTURE_IS(vm, "c S a1 a2 f5");
	va = UNTOUCHED;
	ck_assert_int_eq(
	    kv_vmem_alloc(vm, Q + 1, KV_VMEM_NEXTFIT, &va), EINVAL);
	ck_assert_int_eq(kv_vmem_alloc(vm, 0, KV_VMEM_BESTFIT, &va), EINVAL);
	ck_assert_int_eq(
	    kv_vmem_alloc(vm, UINT64_MAX, KV_VMEM_BESTFIT, &va), EINVAL);
	ck_assert_uint_eq(va, UNTOUCHED);
	ck_assert_int_eq(kv_vmem_xfree(vm, 2 * Q, Q, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 2 * Q, 2 * Q - 1, &diag), 0);
	ck_assert_int_eq(kv_vmem_xfree(vm, Q, Q, &diag), 0);
	PICTURE_IS(vm, "c S f8");
	arena_close(&host, vm);
}
END_TEST

START_TEST(bad_frees)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);
	struct kv_diag diag = {0};

	ck_assert_uint_eq(best(vm, 4), 0);
	ck_assert_int_eq(kv_vmem_xfree(vm, Q, 4 * Q, &diag), ENOENT);
	ck_assert_uint_eq(diag.address, Q);
	ck_assert_ptr_nonnull(strstr(diag.text, "bt != NULL"));
	ck_assert_int_eq(kv_vmem_free(vm, 1, 4 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_xfree(vm, 4 * Q, 12 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 3 * Q, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 0, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, UINT64_MAX, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 5 * Q, NULL), EINVAL);
	PICTURE_IS(vm, "c S a4 f12");
	put(vm, 0, 4);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 4 * Q, &diag), ENOENT);
	ck_assert_uint_eq(kv_vmem_stats(vm).free, 1);
	arena_close(&host, vm);
}
END_TEST

/* ---- 12: quantum caches ----------------------------------------------------
 */

static struct kv_vmem *
cached(struct kv_host *host, uint64_t start, uint64_t n, uint64_t batch)
{
	struct kv_vmem *vm;

	kv_host_libc(host);
	vm = arena_open(host, 4);
	ck_assert_int_eq(kv_vmem_add(vm, start * Q, n * Q), 0);
	kv_vmem_set_qcache_batch(vm, batch);
	return vm;
}

START_TEST(b12_cached_items_are_allocated)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 0, 16, 1);

	/* Caches import from 1 on: address 0 is not among them. */
	ck_assert_uint_eq(best(vm, 2), 1);
	PICTURE_IS(vm, "c S f1 a2 f13");
	put(vm, 1, 2);
	PICTURE_IS(vm, "c S f1 a2 f13");
	ck_assert_uint_eq(kv_vmem_cached(vm), 2 * Q);
	ck_assert_uint_eq(kv_vmem_stats(vm).inuse, 2 * Q);
	ck_assert_uint_eq(best(vm, 1), 3);
	ck_assert_uint_eq(best(vm, 2), 1); /* a hit */
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	ck_assert_uint_eq(best(vm, 5), 4); /* past qcache_max: no cache */
	put(vm, 4, 5);
	PICTURE_IS(vm, "c S f1 a2 a1 f12");
	arena_close(&host, vm);
}
END_TEST

START_TEST(b12_stack_order_and_batch)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 32, 3);

	ck_assert_uint_eq(best(vm, 2), 5); /* imports 1, 3, 5; pops the last */
	ck_assert_uint_eq(kv_vmem_cached(vm), 4 * Q);
	ck_assert_uint_eq(best(vm, 2), 3);
	put(vm, 5, 2);
	ck_assert_uint_eq(best(vm, 2), 5);
	ck_assert_uint_eq(best(vm, 2), 1);
	ck_assert_uint_eq(best(vm, 2), 11);
	arena_close(&host, vm);
}
END_TEST

/* Smallest size first, each from the top; only then does the request fit. */
START_TEST(b12_drain)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 8, 1);

	for (uint64_t at = 1; at < 9; at++)
		ck_assert_uint_eq(best(vm, 1), at);
	for (uint64_t at = 1; at < 9; at++)
		put(vm, at, 1);
	ck_assert_uint_eq(kv_vmem_cached(vm), 8 * Q);
	ck_assert_uint_eq(best(vm, 8), 1);
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	ck_assert_uint_eq(best(vm, 1), NONE);
	arena_close(&host, vm);
}
END_TEST

START_TEST(b12_drain_in_vain)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 8, 1);

	ck_assert_uint_eq(best(vm, 2), 1);
	ck_assert_uint_eq(best(vm, 6), 3);
	put(vm, 1, 2);
	ck_assert_uint_eq(best(vm, 3), NONE);
	PICTURE_IS(vm, "c S f2 a6");
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	arena_close(&host, vm);
}
END_TEST

START_TEST(b12_address_0)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 0, 1, 1);

	ck_assert_uint_eq(best(vm, 1), 0); /* past the cache */
	put(vm, 0, 1);			   /* and past it */
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	PICTURE_IS(vm, "c S f1");
	arena_close(&host, vm);
}
END_TEST

/* A free of what the cache holds is a double free, even if upstream's caches
 * would take it; xalloc'ed blocks may well be given to the cache. */
START_TEST(b12_bad_frees)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 8, 1);
	struct kv_diag diag;

	ck_assert_uint_eq(best(vm, 2), 1);
	ck_assert_uint_eq(best(vm, 2), 3);
	ck_assert_int_eq(kv_vmem_free(vm, 2 * Q, 2 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_free(vm, Q, Q, &diag), EINVAL);
	put(vm, 1, 2);
	put(vm, 3, 2);
	ck_assert_int_eq(kv_vmem_free(vm, Q, 2 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_free(vm, 3 * Q, 2 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_xfree(vm, Q, 2 * Q, &diag), ENOENT);
	ck_assert_uint_eq(kv_vmem_cached(vm), 4 * Q);
	ck_assert_uint_eq(best(vm, 2), 3);
	ck_assert_uint_eq(best(vm, 2), 1);
	put(vm, 1, 2);
	put(vm, 3, 2);
	ck_assert_uint_eq(best(vm, 8), 1); /* the drain meets each once */
	arena_close(&host, vm);
}
END_TEST

/* ---- Inspect ----------------------------------------------------------------
 */

START_TEST(whatis_and_stats)
{
	struct kv_vmem_seg seg = {.start = UNTOUCHED};
	struct kv_vmem_stats s;
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 4, 16);

	ck_assert_str_eq(kv_vmem_name(vm), "a");
	ck_assert_uint_eq(kv_vmem_quantum(vm), Q);
	ck_assert_uint_eq(best(vm, 3), 4);
	ck_assert_uint_eq(best(vm, 1), 7);
	put(vm, 4, 3);
	ck_assert_int_eq(kv_vmem_whatis(vm, 4 * Q - 1, &seg), ENOENT);
	ck_assert_int_eq(kv_vmem_whatis(vm, 20 * Q, &seg), ENOENT);
	ck_assert_uint_eq(seg.start, UNTOUCHED);
	ck_assert_int_eq(kv_vmem_whatis(vm, 4 * Q, &seg), 0);
	ck_assert_int_eq(seg.kind, KV_VMEM_FREE);
	ck_assert_uint_eq(seg.size, 3 * Q);
	ck_assert_int_eq(kv_vmem_whatis(vm, 8 * Q - 1, &seg), 0);
	ck_assert_int_eq(seg.kind, KV_VMEM_BUSY);
	ck_assert_uint_eq(seg.start, 7 * Q);
	s = kv_vmem_stats(vm);
	ck_assert_uint_eq(s.size, 16 * Q);
	ck_assert_uint_eq(s.inuse, Q);
	ck_assert_uint_eq(s.maxfree, 12 * Q);
	ck_assert_uint_eq(s.nbusy, 1);
	ck_assert_uint_eq(s.nfree, 2);
	ck_assert_uint_eq(s.nspan, 1);
	ck_assert_uint_eq(s.alloc, 2);
	ck_assert_uint_eq(s.free, 1);
	ck_assert_uint_eq(s.fail, 0);
	arena_close(&host, vm);
}
END_TEST

/* Stops at the third segment. */
static int
third(void *arg, const struct kv_vmem_seg *seg)
{
	unsigned *seen = arg;

	(void)seg;
	return ++*seen == 3 ? 42 : 0;
}

START_TEST(walk_stops)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);
	unsigned seen = 0;

	ck_assert_uint_eq(best(vm, 3), 0);
	ck_assert_int_eq(kv_vmem_walk(vm, third, &seen), 42);
	ck_assert_uint_eq(seen, 3);
	arena_close(&host, vm);
}
END_TEST

/* Overlapping spans are the caller's to avoid and check's to find. */
START_TEST(check_finds_overlap)
{
	struct kv_diag diag = {0};
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);

	ck_assert_int_eq(kv_vmem_add(vm, 8 * Q, 16 * Q), 0);
	ck_assert_int_eq(kv_vmem_check(vm, &diag), EFAULT);
	ck_assert_str_eq(diag.module, "vmem");
	ck_assert_uint_eq(diag.invariant, 3);
	ck_assert_uint_eq(diag.address, 8 * Q);
	kv_vmem_destroy(vm);
}
END_TEST

static void
tell(void *arg, const struct kv_event *event)
{
	struct picture *p = arg;
	size_t n = strlen(p->text);

	snprintf(p->text + n, PICTURE - n, "%s %s %llu+%llu; ", event->source,
	    kv_event_name(event->kind),
	    (unsigned long long)(event->value[0] / Q),
	    (unsigned long long)(event->value[1] / Q));
}

START_TEST(events)
{
	struct picture log = {""};
	struct kv_vmem_config cfg = {
	    .name = "child", .quantum = Q, .tap = {tell, &log}};
	struct kv_host host;
	struct kv_vmem *parent = arena_with(&host, 8, 64), *vm;
	struct kv_link link = {.parent = parent, .quantum = 4 * Q};

	cfg.host = &host;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	ck_assert_uint_eq(best(vm, 3), 8);
	put(vm, 8, 3);
	ck_assert_str_eq(log.text,
	    "child vmem.arena 1+0; child vmem.source 4+0; "
	    "child vmem.link 0+0; child vmem.request 3+1; "
	    "child vmem.bounds 0+4503599627370495; " /* to the end */
	    "child vmem.import 8+4; child vmem.alloc 8+3; "
	    "child vmem.free 8+3; child vmem.release 8+4; ");
	kv_vmem_destroy(vm);
	arena_close(&host, parent);
}
END_TEST

START_TEST(create_is_refused)
{
	struct kv_host host;
	struct kv_vmem_config cfg = {.name = "a", .host = &host};
	struct kv_vmem *vm = NULL;
	struct kv_vmem_source none = {.import_quantum = Q};

	kv_host_libc(&host);
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	cfg.quantum = 3 * Q;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	cfg.quantum = Q;
	cfg.qcache_max = Q + 1;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	cfg.qcache_max = 64 * Q; /* 16 sizes are cached */
	ck_assert_ptr_null(vm);
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_vmem_set_source(vm, &none), EINVAL);
	ck_assert_int_eq(kv_vmem_add(vm, Q, 64 * Q), 0);
	put(vm, best(vm, 16), 16);
	ck_assert_uint_eq(kv_vmem_cached(vm), 16 * Q);
	put(vm, best(vm, 17), 17);
	ck_assert_uint_eq(kv_vmem_cached(vm), 16 * Q);
	kv_vmem_destroy(NULL);
	arena_close(&host, vm);
}
END_TEST

/* ---- No memory --------------------------------------------------------------
 */

/* Import, fragment, coalesce, release; only the frees cannot fail. */
static void
exercise(struct kv_vmem *vm)
{
	enum { BLOCKS = 300 };
	uint64_t size[BLOCKS];
	kv_va_t va[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		size[i] = (33 + i * 7 % 31) * Q;
		if (kv_vmem_alloc(vm, size[i], KV_VMEM_BESTFIT, &va[i]) != 0)
			size[i] = 0;
	}
	for (unsigned i = 0; i < BLOCKS; i += 2)
		if (size[i] != 0)
			ck_assert_int_eq(
			    kv_vmem_free(vm, va[i], size[i], NULL), 0);
	arena_check(vm);
	for (unsigned i = 0; i < BLOCKS; i += 2) {
		size[i] = i % 4 == 0 ? 63 * Q : 0;
		if (kv_vmem_alloc(vm, size[i], KV_VMEM_BESTFIT, &va[i]) != 0)
			size[i] = 0;
	}
	arena_check(vm);
	for (unsigned i = 0; i < BLOCKS; i++)
		if (size[i] != 0)
			ck_assert_int_eq(
			    kv_vmem_free(vm, va[i], size[i], NULL), 0);
	arena_check(vm);
}

START_TEST(every_failure_of_memory)
{
	for (uint64_t n = 1;; n++) {
		struct kv_vmem_config cfg = {.name = "a", .quantum = Q};
		struct kv_vmem *parent = NULL, *vm = NULL;
		struct kv_link link = {.quantum = 512 * Q};
		struct kv_host host;
		uint64_t fail_at;

		kv_host_libc(&host);
		cfg.host = &host;
		kv_host_fail_at(&host, n);
		fail_at = host.fail_at;
		if (kv_vmem_create(&cfg, &parent) == 0 &&
		    kv_vmem_create(&cfg, &vm) == 0 &&
		    kv_vmem_add(parent, Q, (UINT64_C(1) << 20) * Q) == 0) {
			link.parent = parent;
			ck_assert_int_eq(kv_link_set(vm, &link), 0);
			exercise(vm);
			ck_assert_uint_eq(kv_vmem_stats(vm).size, 0);
			ck_assert_uint_eq(kv_vmem_stats(parent).inuse, 0);
		}
		kv_vmem_destroy(vm);
		kv_vmem_destroy(parent);
		ck_assert_uint_eq(host.bytes, 0);
		if (host.calls < fail_at)
			break;
	}
}
END_TEST

/* ---- The suite --------------------------------------------------------- */

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static TCase *
tcase_rest(void)
{
	TCase *t = tcase_create("calls");

	tcase_add_loop_test(t, rules, 0, COUNT(broken));
	tcase_add_test(t, sizes_are_rounded);
	tcase_add_test(t, bad_frees);
	tcase_add_test(t, b12_cached_items_are_allocated);
	tcase_add_test(t, b12_stack_order_and_batch);
	tcase_add_test(t, b12_drain);
	tcase_add_test(t, b12_drain_in_vain);
	tcase_add_test(t, b12_address_0);
	tcase_add_test(t, b12_bad_frees);
	tcase_add_test(t, whatis_and_stats);
	tcase_add_test(t, walk_stops);
	tcase_add_test(t, check_finds_overlap);
	tcase_add_test(t, events);
	tcase_add_test(t, create_is_refused);
	tcase_add_test(t, every_failure_of_memory);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("vmem calls");

	suite_add_tcase(s, tcase_rest());
	return kv_test_main(s);
}
