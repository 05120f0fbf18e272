/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.c - two reports with a 0xff or a line of "--" between them: nothing
 * is beyond a tolerance of one with itself */
#include "fuzz.h"
#include "out/compare.h"

static struct kv_comparison
compared(const struct kv_compared *a, const struct kv_compared *b)
{
	static const struct kv_tolerance tolerances[] = {
	    {"a*", KV_WITHIN_PERCENT, 5}, {"*.b", KV_WITHIN_ABSOLUTE, 2}};
	struct kv_comparison c = {
	    .a = a, .b = b, .tolerances = tolerances, .ntolerances = 2};
	struct kv_buf buf = {0};

	kv_compare(&c);
	kv_comparison_text(&c, &buf);
	kv_comparison_json(&c, &buf);
	kv_buf_fini(&buf);
	return c;
}

static void
judge(const struct kv_compared side[2])
{
	struct kv_comparison same = compared(&side[0], &side[0]);
	struct kv_comparison there = compared(&side[0], &side[1]);
	struct kv_comparison back = compared(&side[1], &side[0]);

	ck_assert(same.beyond == 0 && same.count == 0);
	ck_assert(there.same == back.same && there.count == back.count);
	kv_comparison_fini(&same);
	kv_comparison_fini(&there);
	kv_comparison_fini(&back);
}

/* Where the second report begins; size: there is none. */
static size_t
parting(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i++)
		if (memcmp(data + i, "\n--\n", 4) == 0)
			return i + 1;
	return size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = parting(data, size), from = at == size ? 0 : at + 3;
	struct kv_text text[2] = {
	    fuzz_text(data, at), fuzz_text(data + from, size - from)};
	struct kv_compared side[2];
	struct kv_errors errors = {0};
	struct kv_pool pool = {0};
	int good = 0;

	fuzz_start();
	for (int i = 0; i < 2; i++) {
		const struct kv_json *json =
		    kv_json_parse(&text[i], &pool, &errors);

		side[i] = (struct kv_compared){.path = "input"};
		good += json != NULL &&
			kv_compared_open(&side[i], json, &errors) == 0;
	}
	ck_assert((good == 2) == (kv_errors_noted(&errors) == 0));
	if (good == 2)
		judge(side);
	kv_errors_fini(&errors);
	kv_pool_fini(&pool);
	kv_text_fini(&text[0]);
	kv_text_fini(&text[1]);
	return 0;
}
