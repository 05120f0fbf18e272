/* SPDX-License-Identifier: BSD-2-Clause */
/* expr.c - expressions: compiled, bound, evaluated; binding changes nothing */
#include "fuzz.h"
#include "in/expr.h"

static int
count(void *arg, const char *name, const struct kv_place *place)
{
	ck_assert(name[0] != '\0' && place->line >= 1);
	++*(unsigned *)arg;
	return 0;
}

/* Names that begin alike mean alike; some mean nothing. */
static bool
lookup(void *arg, const char *name, struct kv_value *value)
{
	static const uint64_t numbers[] = {
	    0, 1, 2, 4095, UINT64_C(1) << 63, UINT64_MAX};

	(void)arg;
	switch (name[0] % 8) {
	case 7:
		return false;
	case 6:
		*value = (struct kv_value){.kind = KV_VALUE_NONE};
		return true;
	default:
		*value = (struct kv_value){
		    .kind = KV_VALUE_UINT, .u = numbers[name[0] % 6]};
		return true;
	}
}

static void
evaluate(struct kv_expr *expr, struct kv_errors *errors)
{
	struct kv_value before = {0}, after = {0}, left = {0};
	int error = kv_expr_eval(expr, lookup, NULL, &before, errors);

	kv_expr_eval_left(expr, lookup, NULL, &left, errors);
	kv_expr_bind(expr, lookup, NULL);
	ck_assert((kv_expr_eval(expr, lookup, NULL, &after, errors) == 0) ==
		  (error == 0));
	ck_assert(error != 0 || before.kind == after.kind);
	if (error == 0 && before.kind == KV_VALUE_UINT)
		ck_assert(before.u == after.u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kv_place place = {"input", 1, 1};
	struct kv_text text;

	fuzz_start();
	text = fuzz_text(data, size);
	for (int reals = 0; reals < 2; reals++) {
		struct kv_errors errors = {0};
		struct kv_expr *expr;
		unsigned names = 0;

		if (kv_expr_compile(
			text.data, &place, reals != 0, &expr, &errors) == 0) {
			kv_expr_walk_names(expr, count, &names);
			ck_assert(names > 0 || kv_expr_name(expr) == NULL);
			evaluate(expr, &errors);
			kv_expr_free(expr);
		} else {
			ck_assert(kv_errors_noted(&errors) != 0);
		}
		kv_errors_fini(&errors);
	}
	kv_text_fini(&text);
	return 0;
}
