/* SPDX-License-Identifier: BSD-2-Clause */
/* test_object.c - pindex to page: windows, neighbours, sparse objects */
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

enum { ORDER = 6, PAGES = 1 << ORDER };

static struct kv_host host;

static struct kv_object *
object_of(unsigned color)
{
	struct kv_object_config cfg = {.name = "o",
	    .size = KV_OBJECT_SIZE_MAX,
	    .pg_color = color,
	    .host = &host};
	struct kv_object *obj = NULL;

	kv_host_libc(&host);
	ck_assert_int_eq(kv_object_create(&cfg, &obj), 0);
	ck_assert_int_eq(kv_object_bind(obj, ORDER), 0);
	return obj;
}

static int
put(struct kv_object *obj, kv_pindex_t pindex, kv_pfn_t pfn)
{
	struct kv_window *w;

	if (kv_object_window_get(obj, pindex, &w) != 0)
		return ENOMEM;
	if (kv_object_window_frames(obj, w) != 0) {
		kv_object_window_put(obj, w);
		return ENOMEM;
	}
	kv_object_add(obj, w, kv_object_window_page(obj, pindex), pfn);
	return 0;
}

static void
drop(struct kv_object *obj, kv_pindex_t pindex)
{
	struct kv_window *w = kv_object_window(obj, pindex);

	kv_object_remove_run(obj, w, kv_object_window_page(obj, pindex), 1);
	kv_object_window_put(obj, w);
}

static void
ck_assert_sound(const struct kv_object *obj)
{
	struct kv_diag diag = {0};

	ck_assert_msg(kv_object_check(obj, &diag) == 0, "I%u: %s",
	    diag.invariant, diag.text);
}

static void
done(struct kv_object *obj)
{
	kv_object_destroy(obj);
	ck_assert_uint_eq(host.bytes, 0);
}

/* found is the pindex, or -1: none. */
static void
ck_assert_near(const struct kv_object *obj, kv_pindex_t pindex,
    long long before, long long from)
{
	kv_pindex_t found = 0;
	kv_pfn_t pfn = 0;

	if (kv_object_before(obj, pindex, &found, &pfn) != 0)
		ck_assert_int_eq(before, -1);
	else {
		ck_assert_int_eq((long long)found, before);
		ck_assert_uint_eq(pfn, found % 1000 + 7);
	}
	if (kv_object_from(obj, pindex, &found, &pfn) != 0)
		ck_assert_int_eq(from, -1);
	else {
		ck_assert_int_eq((long long)found, from);
		ck_assert_uint_eq(pfn, found % 1000 + 7);
	}
}

START_TEST(empty)
{
	struct kv_object *obj = object_of(_i == 0 ? 0 : 37);
	kv_pfn_t pfn;

	ck_assert_int_eq(kv_object_lookup(obj, 0, &pfn), ENOENT);
	ck_assert_near(obj, 0, -1, -1);
	ck_assert_near(obj, UINT64_MAX, -1, -1);
	ck_assert_uint_eq(kv_object_resident(obj), 0);
	ck_assert_sound(obj);
	done(obj);
}
END_TEST

/* Far apart, so that the tree has to be high; with and without a colour. */
START_TEST(neighbours)
{
	static const kv_pindex_t at[] = {0, 1, 5, 63, 64, 700, 4095, 4096,
	    1 << 20, UINT64_C(1) << 40, (UINT64_C(1) << 61) + 3};
	enum { N = sizeof(at) / sizeof(at[0]) };
	struct kv_object *obj = object_of((unsigned)_i);

	/* The highest first on odd turns: the tree grows or is there. */
	for (int i = 0; i < N; i++) {
		int k = _i % 2 == 0 ? i : N - 1 - i;

		ck_assert_int_eq(put(obj, at[k], at[k] % 1000 + 7), 0);
		ck_assert_sound(obj);
	}
	ck_assert_uint_eq(kv_object_resident(obj), N);
	for (int i = 0; i < N; i++) {
		long long below = i == 0 ? -1 : (long long)at[i - 1];
		long long above = i == N - 1 ? -1 : (long long)at[i + 1];

		ck_assert_near(obj, at[i], below, (long long)at[i]);
		ck_assert_near(obj, at[i] + 1, (long long)at[i], above);
	}
	ck_assert_near(obj, UINT64_MAX, (long long)at[N - 1], -1);
	for (int i = 0; i < N; i++) {
		drop(obj, at[i]);
		ck_assert_sound(obj);
		ck_assert_near(
		    obj, 0, -1, i == N - 1 ? -1 : (long long)at[i + 1]);
	}
	done(obj);
}
END_TEST

/*
 * Colour 10, windows of 64:
 *   pindex  0 ........ 53 | 54 ......... 117 | 118
 *   window  0 from page 10  1                  2
 */
START_TEST(colour_shifts_windows)
{
	struct kv_object *obj = object_of(PAGES + 10);

	ck_assert_uint_eq(kv_object_window_page(obj, 0), 10);
	ck_assert_uint_eq(kv_object_window_page(obj, 53), 63);
	ck_assert_uint_eq(kv_object_window_page(obj, 54), 0);
	ck_assert_int_eq(put(obj, 53, 1), 0);
	ck_assert_int_eq(put(obj, 54, 2), 0);
	ck_assert_int_eq(put(obj, 117, 3), 0);
	ck_assert_int_eq(put(obj, 118, 4), 0);
	ck_assert_ptr_ne(kv_object_window(obj, 53), kv_object_window(obj, 54));
	ck_assert_ptr_eq(kv_object_window(obj, 54), kv_object_window(obj, 117));
	ck_assert_uint_eq(kv_object_window(obj, 54)->first, 54);
	ck_assert_uint_eq(kv_object_window(obj, 53)->first, UINT64_MAX - 9);
	ck_assert_sound(obj);
	done(obj);
}
END_TEST

/* Frames: in a row they need no table; one that is not does. */
START_TEST(frames)
{
	struct kv_object *obj = object_of(0);
	struct kv_window *w;
	kv_pfn_t pfn = 0;

	ck_assert_int_eq(kv_object_window_get(obj, 0, &w), 0);
	kv_object_add(obj, w, 9, 3);
	kv_object_add(obj, w, 10, 4);
	ck_assert_ptr_null(w->frames);
	ck_assert_int_eq(kv_object_window_frames(obj, w), 0);
	kv_object_add(obj, w, 11, 1000);
	ck_assert_int_eq(kv_object_lookup(obj, 9, &pfn), 0);
	ck_assert_uint_eq(pfn, 3);
	ck_assert_int_eq(kv_object_lookup(obj, 11, &pfn), 0);
	ck_assert_uint_eq(pfn, 1000);
	ck_assert_int_eq(kv_object_lookup(obj, 12, &pfn), ENOENT);
	kv_object_remove_run(obj, w, 10, 2);
	ck_assert_int_eq(kv_object_lookup(obj, 11, &pfn), ENOENT);
	ck_assert_uint_eq(kv_object_resident(obj), 1);
	ck_assert_sound(obj);
	done(obj);
}
END_TEST

static int
note_page(void *arg, kv_pindex_t pindex, kv_pfn_t pfn)
{
	kv_pindex_t *seen = arg;

	ck_assert_uint_eq(pfn, pindex + 1);
	seen[++seen[0]] = pindex;
	return pindex == 300 ? 99 : 0;
}

START_TEST(walk)
{
	struct kv_object *obj = object_of(0);
	kv_pindex_t seen[8] = {0};

	put(obj, 300, 301);
	put(obj, 2, 3);
	put(obj, 65, 66);
	put(obj, 400, 401);
	ck_assert_int_eq(kv_object_walk(obj, note_page, seen), 99);
	ck_assert_uint_eq(seen[0], 3);
	ck_assert_uint_eq(seen[1], 2);
	ck_assert_uint_eq(seen[2], 65);
	ck_assert_uint_eq(seen[3], 300);
	done(obj);
}
END_TEST

/* Each allocation of metadata fails in turn: the object stays as it is. */
START_TEST(without_memory)
{
	struct kv_object *obj = object_of(0);
	kv_pindex_t far = UINT64_C(1) << 50;
	kv_pindex_t found;
	kv_pfn_t pfn;
	unsigned failed = 0;

	put(obj, 3, 10);
	put(obj, 1 << 20, 11);
	for (uint64_t n = 1;; n++) {
		kv_host_fail_at(&host, n);
		if (put(obj, far, 12) == 0)
			break;
		failed++;
		ck_assert_sound(obj);
		ck_assert_uint_eq(kv_object_resident(obj), 2);
		ck_assert_int_eq(kv_object_from(obj, 4, &found, &pfn), 0);
		ck_assert_uint_eq(found, 1 << 20);
		ck_assert_int_eq(
		    kv_object_from(obj, (1 << 20) + 1, &found, &pfn), ENOENT);
	}
	kv_host_fail_at(&host, 0);
	ck_assert_uint_ge(failed, 5);
	ck_assert_sound(obj);
	done(obj);
}
END_TEST

START_TEST(refused)
{
	struct kv_object_config cfg = {.name = "o", .host = &host};
	struct kv_object *obj = NULL;

	kv_host_libc(&host);
	ck_assert_int_eq(kv_object_create(&cfg, &obj), EINVAL);
	cfg.size = KV_OBJECT_SIZE_MAX + 1;
	ck_assert_int_eq(kv_object_create(&cfg, &obj), EINVAL);
	cfg.size = 1;
	ck_assert_int_eq(kv_object_create(&cfg, &obj), 0);
	ck_assert_int_eq(kv_object_bind(obj, 5), EINVAL);
	ck_assert_int_eq(kv_object_bind(obj, 9), 0);
	ck_assert_int_eq(kv_object_bind(obj, 9), 0);
	ck_assert_int_eq(kv_object_bind(obj, 11), EINVAL);
	done(obj);
	kv_host_fail_at(&host, 1);
	ck_assert_int_eq(kv_object_create(&cfg, &obj), ENOMEM);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("object");
	TCase *t = tcase_create("object");

	tcase_add_loop_test(t, empty, 0, 2);
	tcase_add_loop_test(t, neighbours, 0, 12);
	tcase_add_test(t, colour_shifts_windows);
	tcase_add_test(t, frames);
	tcase_add_test(t, walk);
	tcase_add_test(t, without_memory);
	tcase_add_test(t, refused);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
