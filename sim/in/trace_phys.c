/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_phys.c - the phys trace language: lines -> words -> operations
 *
 * A line is an operation and yields one line.  The first line that breaks a
 * rule ends the run, and nothing is printed.
 */
#include <stdlib.h>
#include <string.h>

#include "in/trace_phys.h"
#include "in/trace_phys_parts.h"
#include "out/limit.h"
#include "out/mem.h"

/* Words after the name: least and most; machine is needed but for itself. */
static const struct {
	const char *name;
	size_t least, most;
	kv_tp_op *run;
	bool walks; /* through what there is */
} ops[] = {
    {"machine", 2, KV_PT_WORDS, kv_tp_machine, false},
    {"segs", 0, 0, kv_tp_segs, false},
    {"object", 1, 5, kv_tp_op_object, false},
    {"page", 3, 3, kv_tp_op_page, false},
    {"pages", 4, 4, kv_tp_op_pages, false},
    {"pagefree", 2, 2, kv_tp_pagesfree, false},
    {"pagesfree", 3, 3, kv_tp_pagesfree, false},
    {"anon", 2, 2, kv_tp_anon, false},
    {"anonbatch", 2, 2, kv_tp_anonbatch, false},
    {"free", 1, 2, kv_tp_free, false},
    {"freerun", 2, 2, kv_tp_freerun, false},
    {"contig", 2, 2, kv_tp_contig, false},
    {"contigx", 6, 8, kv_tp_contigx, false},
    {"phys", 3, 3, kv_tp_phys, false},
    {"physfree", 2, 2, kv_tp_physfree, false},
    {"unfree", 1, 1, kv_tp_unfree, false},
    {"reclaim", 1, 1, kv_tp_reclaim, false},
    {"break", 1, 1, kv_tp_break, false},
    {"rename", 3, 3, kv_tp_rename, false},
    {"tick", 0, 1, kv_tp_tick, false},
    {"limit", 2, 2, kv_tp_limit, false},
    {"state", 0, 0, kv_tp_state, true},
    {"resv", 1, 1, kv_tp_resv, true},
    {"popmap", 2, 2, kv_tp_popmap, true},
    {"level", 2, 2, kv_tp_level, false},
    {"queue", 1, 1, kv_tp_queue, true},
    {"freelist", 4, 4, kv_tp_freelist, true},
    {"check", 0, 0, kv_tp_check, true},
};

enum {
	NOPS = sizeof(ops) / sizeof(ops[0]),
	ENTRY_BYTES = 64 /* of metadata, to estimate how much there is */
};

/* ---- Reading ----------------------------------------------------------- */

int
kv_tp_fail(struct kv_tp *t, size_t word, const char *message)
{
	unsigned column = word < t->nwords
			      ? (unsigned)(t->word[word].at - t->line_start) + 1
			      : 1;

	kv_errors_add(t->errors, t->text->path, t->line, column, "%s", message);
	return EINVAL;
}

bool
kv_tp_word_is(const struct kv_tp_word *w, const char *s)
{
	return strlen(s) == w->len && memcmp(w->at, s, w->len) == 0;
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static uint64_t
suffix_of(char c)
{
	switch (c) {
	case 'K':
		return UINT64_C(1) << 10;
	case 'M':
		return UINT64_C(1) << 20;
	case 'G':
		return UINT64_C(1) << 30;
	default:
		return 1;
	}
}

int
kv_tp_number_in(
    struct kv_tp *t, size_t word, size_t from, uint64_t max, uint64_t *value)
{
	const struct kv_tp_word *w = &t->word[word];
	size_t end = w->len;
	uint64_t base = 10, unit = 1, v = 0;

	if (end > from + 2 && w->at[from] == '0' && w->at[from + 1] == 'x') {
		base = 16;
		from += 2;
	}
	if (end > from + 1 && suffix_of(w->at[end - 1]) != 1)
		unit = suffix_of(w->at[--end]);
	if (from >= end)
		return kv_tp_fail(t, word, "expected a number");
	for (; from < end; from++) {
		uint64_t digit = (uint64_t)digit_of(w->at[from]);

		if (digit >= base)
			return kv_tp_fail(t, word,
			    "not a number (decimal or 0x hexadecimal, suffix "
			    "K, M or G)");
		if (!kv_mul(v, base, &v) || !kv_add(v, digit, &v))
			return kv_tp_fail(
			    t, word, "number does not fit 64 bits");
	}
	if (!kv_mul(v, unit, &v))
		return kv_tp_fail(t, word, "number does not fit 64 bits");
	if (v > max)
		return kv_tp_fail(t, word, "number is too large here");
	*value = v;
	return 0;
}

int
kv_tp_number(struct kv_tp *t, size_t word, uint64_t max, uint64_t *value)
{
	return kv_tp_number_in(t, word, 0, max, value);
}

int
kv_tp_domain(struct kv_tp *t, size_t word, unsigned *domain)
{
	uint64_t value;

	if (kv_tp_number(t, word, UINT64_MAX, &value) != 0)
		return EINVAL;
	if (value >= kv_phys_domains(t->phys))
		return kv_tp_fail(t, word, "no such domain");
	*domain = (unsigned)value;
	return 0;
}

int
kv_tp_object(struct kv_tp *t, size_t word, struct kv_object **obj)
{
	for (size_t i = 0; i < t->nobjects; i++)
		if (kv_tp_word_is(&t->word[word], t->object[i].name)) {
			*obj = t->object[i].obj;
			return 0;
		}
	return kv_tp_fail(t, word, "no object of that name");
}

int
kv_tp_pindex(struct kv_tp *t, size_t word, kv_pindex_t *pindex)
{
	return kv_tp_number(t, word, KV_OBJECT_SIZE_MAX / 2, pindex);
}

int
kv_tp_npages(struct kv_tp *t, size_t word, uint64_t *npages)
{
	if (kv_tp_number(t, word, UINT64_MAX, npages) != 0)
		return EINVAL;
	if (*npages == 0)
		return kv_tp_fail(t, word, "expected at least one page");
	if (*npages > KV_PT_PAGES_MAX)
		return kv_tp_fail(
		    t, word, "an operation takes at most 16777216 pages");
	kv_limit_through(*npages);
	return 0;
}

int
kv_tp_page(struct kv_tp *t, size_t word, kv_pfn_t *pfn)
{
	uint64_t pa;

	if (kv_tp_number(t, word, UINT64_MAX, &pa) != 0)
		return EINVAL;
	if ((pa & ((UINT64_C(1) << t->page_shift) - 1)) != 0)
		return kv_tp_fail(t, word, "not the address of a page");
	if (pa >> t->page_shift >= t->npfns)
		return kv_tp_fail(t, word, "address is past the memory");
	*pfn = pa >> t->page_shift;
	return 0;
}

/* ---- Writing ----------------------------------------------------------- */

unsigned long long
kv_tp_pa(const struct kv_tp *t, kv_pfn_t pfn)
{
	return (unsigned long long)pfn << t->page_shift;
}

static void
run_flush(struct kv_tp *t)
{
	if (t->run_npages == 0)
		return;
	kv_buf_printf(t->out, "%s0x%llx+%llu",
	    t->out->size == t->line_size ? "" : ",", kv_tp_pa(t, t->run_pfn),
	    (unsigned long long)t->run_npages);
	t->run_npages = 0;
}

void
kv_tp_run_add(struct kv_tp *t, kv_pfn_t pfn)
{
	if (t->run_npages != 0 && pfn == t->run_pfn + t->run_npages) {
		t->run_npages++;
		return;
	}
	run_flush(t);
	t->run_pfn = pfn;
	t->run_npages = 1;
}

void
kv_tp_run_end(struct kv_tp *t, const char *why)
{
	run_flush(t);
	if (why != NULL)
		kv_buf_printf(t->out, "%s%s",
		    t->out->size == t->line_size ? "" : ",", why);
	kv_buf_add(t->out, "\n", 1);
}

/* ---- Running ----------------------------------------------------------- */

static int
bounds(struct kv_tp *t)
{
	if (t->host.bytes > KV_PT_METADATA_MAX)
		return kv_tp_fail(t, 0, "more than 2 GiB of metadata");
	if (t->out->size > KV_PT_OUTPUT_MAX)
		return kv_tp_fail(t, 0, "more than 1 GiB of output");
	return 0;
}

static int
run_line(struct kv_tp *t)
{
	size_t op = 0, given = t->nwords - 1;

	while (op < NOPS && !kv_tp_word_is(&t->word[0], ops[op].name))
		op++;
	if (op == NOPS)
		return kv_tp_fail(t, 0, "unknown operation");
	if (given < ops[op].least)
		return kv_tp_fail(t, 0, "too few operands");
	if (given > ops[op].most)
		return kv_tp_fail(t, ops[op].most + 1, "unexpected operand");
	if (t->phys == NULL && ops[op].run != kv_tp_machine)
		return kv_tp_fail(t, 0, "machine must come first");
	t->line_size = t->out->size;
	if (ops[op].walks)
		kv_limit_through(t->host.bytes / ENTRY_BYTES);
	return ops[op].run(t) != 0 ? EINVAL : bounds(t);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cut a line into words, up to a comment. */
static int
split_line(struct kv_tp *t, const char *p, const char *end)
{
	t->line_start = p;
	t->nwords = 0;
	for (;;) {
		const char *start;

		while (p < end && is_blank(*p))
			p++;
		if (p == end || *p == '#')
			return 0;
		if (t->nwords == KV_PT_WORDS)
			return kv_tp_fail(t, 0, "too many words");
		start = p;
		while (p < end && !is_blank(*p) && *p != '#')
			p++;
		t->word[t->nwords++] =
		    (struct kv_tp_word){start, (size_t)(p - start)};
	}
}

static int
run_text(struct kv_tp *t)
{
	const char *p = t->text->data, *end = p + t->text->size;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (stop == NULL)
			stop = end;
		t->line++;
		if (split_line(t, p, stop) != 0)
			return EINVAL;
		kv_limit_place(t->text->path, t->line, 0);
		kv_limit_step();
		if (t->nwords != 0 && run_line(t) != 0)
			return EINVAL;
		p = stop == end ? end : stop + 1;
	}
	return 0;
}

int
kv_trace_phys_run(
    const struct kv_text *text, struct kv_buf *out, struct kv_errors *errors)
{
	struct kv_tp *t = kv_mem_zalloc(1, sizeof(*t));
	int error;

	t->text = text;
	t->out = out;
	t->errors = errors;
	kv_mem_host(&t->host, true);
	kv_limit_start();
	error = run_text(t);
	kv_limit_place(NULL, 0, 0);
	for (size_t i = 0; i < t->nobjects; i++) {
		kv_object_destroy(t->object[i].obj);
		kv_mem_free(t->object[i].name);
	}
	kv_reserv_destroy(t->rv);
	kv_phys_destroy(t->phys);
	kv_host_fini(&t->host);
	kv_mem_free(t->bare);
	kv_mem_free(t);
	return error;
}
