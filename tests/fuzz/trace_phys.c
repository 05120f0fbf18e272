/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_phys.c - traces of physical memory: one line an operation, or a refusal
 *
 * What was accepted is accepted again with a check behind every eighth line.
 */
#include "fuzz.h"
#include "in/trace_phys.h"

enum { MEMORY_MAX = 64 << 20 };

/* Machines of more memory are slow to walk through, and show no more. */
static int
is_small(const char *text)
{
	const char *at = strstr(text, "machine");
	unsigned long long size = 0;
	char unit = 0;

	if (at == NULL ||
	    sscanf(at, "machine %lli%c", (long long *)&size, &unit) < 1)
		return 1;
	if (unit == 'K' || unit == 'k')
		return size <= MEMORY_MAX >> 10;
	if (unit == 'M' || unit == 'm')
		return size <= MEMORY_MAX >> 20;
	return unit != 'G' && unit != 'g' && size <= MEMORY_MAX;
}

static int
run(const struct kv_text *text, struct kv_buf *out)
{
	struct kv_errors errors = {0};
	int error = kv_trace_phys_run(text, out, &errors);

	ck_assert((error != 0) == (errors.count == 1));
	kv_errors_fini(&errors);
	return error;
}

/* The trace with checks in between.  The first operation makes the machine. */
static struct kv_buf
checked(const struct kv_text *text)
{
	const char *at = text->data, *end = at + text->size, *stop;
	struct kv_buf b = {0};
	int ready = 0;
	unsigned line = 0;

	for (; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop == NULL ? end : stop;
		kv_buf_add(&b, at, (size_t)(stop - at));
		at += strspn(at, " \t\r");
		ready |= at < stop && *at != '#' && *at != '\n';
		kv_buf_printf(
		    &b, ready && ++line % 8 == 0 ? "\ncheck\n" : "\n");
	}
	kv_buf_add(&b, "", 1);
	b.size--;
	return b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kv_buf out = {0}, again = {0}, more;
	struct kv_text text;

	fuzz_start();
	text = fuzz_text(data, size);
	if (is_small(text.data) && run(&text, &out) == 0) {
		more = checked(&text);
		ck_assert(run(&(struct kv_text){(char[]){"input"}, more.data,
				  more.size},
			      &again) == 0);
		ck_assert(again.size >= out.size);
		kv_buf_fini(&more);
	}
	kv_buf_fini(&out);
	kv_buf_fini(&again);
	kv_text_fini(&text);
	return 0;
}
