/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_vmem.c - the vmem trace language: lines -> arena calls -> lines
 *
 * A line is an operation and yields one line.  The rules that the real code
 * asserts are checked here, before the arena sees the request; the first broken
 * one ends the run and nothing is printed.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc/kv.h"
#include "in/ids.h"
#include "in/trace_vmem.h"
#include "out/limit.h"
#include "out/mem.h"

enum { WORDS_MAX = 16, NAME_MAX_LEN = 15, ARENAS_MAX = 1024 };

struct word {
	const char *at;
	size_t len;
};

struct arena {
	char name[NAME_MAX_LEN + 1];
	struct kv_vmem *vm;
	struct arena *parent; /* NULL: a root */
	struct kv_link link;  /* to it */
};

struct span {
	const struct arena *root;
	kv_va_t va;
	uint64_t size;
};

struct run {
	const struct kv_text *text;
	struct kv_buf *out;
	struct kv_errors *errors;
	struct kv_host host;
	unsigned line;
	const char *line_start;
	struct word word[WORDS_MAX];
	size_t nwords;
	struct arena *arena[ARENAS_MAX];
	size_t narenas;
	struct span *span; /* sorted by root, then va */
	size_t nspans, span_capacity;
	struct kv_ids ids;
	uint64_t qcbatch;
};

static int
fail(struct run *r, size_t word, const char *message)
{
	unsigned column = word < r->nwords
			      ? (unsigned)(r->word[word].at - r->line_start) + 1
			      : 1;

	kv_errors_add(r->errors, r->text->path, r->line, column, "%s", message);
	return EINVAL;
}

static bool
word_is(const struct word *w, const char *s)
{
	return strlen(s) == w->len && memcmp(w->at, s, w->len) == 0;
}

/* C syntax, decimal or hexadecimal, 64-bit; "max" is 2^64 - 1. */
static int
number(struct run *r, size_t i, uint64_t *value)
{
	const struct word *w = &r->word[i];
	unsigned base = 10;
	uint64_t v = 0;
	size_t k = 0;

	if (word_is(w, "max")) {
		*value = UINT64_MAX;
		return 0;
	}
	if (w->len > 2 && w->at[0] == '0' && (w->at[1] | 0x20) == 'x') {
		base = 16;
		k = 2;
	}
	for (; k < w->len; k++) {
		const char *digits = "0123456789abcdef";
		char c = w->at[k] >= 'A' && w->at[k] <= 'F'
			     ? (char)(w->at[k] | 0x20)
			     : w->at[k];
		const char *d = c == '\0' ? NULL : strchr(digits, c);

		if (d == NULL || (unsigned)(d - digits) >= base)
			return fail(r, i, "not a number");
		if (!kv_mul(v, base, &v) ||
		    !kv_add(v, (uint64_t)(d - digits), &v))
			return fail(r, i, "number does not fit 64 bits");
	}
	*value = v;
	return 0;
}

/* Words first .. first+n-1 as numbers. */
static int
numbers(struct run *r, size_t first, size_t n, uint64_t *value)
{
	for (size_t i = 0; i < n; i++)
		if (number(r, first + i, &value[i]) != 0)
			return EINVAL;
	return 0;
}

static struct arena *
arena_find(const struct run *r, const struct word *w)
{
	for (size_t i = 0; i < r->narenas; i++)
		if (word_is(w, r->arena[i]->name))
			return r->arena[i];
	return NULL;
}

static int
arena_at(struct run *r, size_t i, struct arena **a)
{
	*a = arena_find(r, &r->word[i]);
	return *a == NULL ? fail(r, i, "no arena of that name") : 0;
}

static int
fit_at(struct run *r, size_t i, enum kv_vmem_fit *fit)
{
	static const char *const words[] = {"bestfit", "firstfit", "nextfit"};

	*fit = KV_VMEM_BESTFIT;
	if (i >= r->nwords)
		return 0;
	for (unsigned k = 0; k < 3; k++)
		if (word_is(&r->word[i], words[k])) {
			*fit = (enum kv_vmem_fit)k;
			return 0;
		}
	return fail(r, i, "strategy is bestfit, firstfit or nextfit");
}

/* ---- Spans ----------------------------------------------------------- */

/* First recorded span of the root that ends past va. */
static size_t
span_slot(const struct run *r, const struct arena *root, kv_va_t va)
{
	size_t low = 0, high = r->nspans;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct span *s = &r->span[mid];

		if (s->root < root ||
		    (s->root == root && s->va + (s->size - 1) < va))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Remember a static span.  => 0; EEXIST: overlaps one of the same root */
static int
span_note(struct run *r, const struct arena *a, kv_va_t va, uint64_t size)
{
	size_t at;

	while (a->parent != NULL)
		a = a->parent;
	at = span_slot(r, a, va);
	if (at < r->nspans && r->span[at].root == a &&
	    kv_overlap(r->span[at].va, r->span[at].size, va, size))
		return EEXIST;
	if (r->nspans == r->span_capacity) {
		size_t capacity = r->span_capacity * 2 + 16;

		r->span = kv_mem_resize(r->span, capacity, sizeof(*r->span));
		r->span_capacity = capacity;
	}
	kv_limit_through(r->nspans - at);
	memmove(&r->span[at + 1], &r->span[at],
	    (r->nspans - at) * sizeof(*r->span));
	r->span[at] = (struct span){a, va, size};
	r->nspans++;
	return 0;
}

static int
span_check(
    struct run *r, struct arena *a, size_t word, kv_va_t va, uint64_t size)
{
	if (size == 0)
		return fail(r, word + 1, "size must not be zero");
	if (((va | size) & (kv_vmem_quantum(a->vm) - 1)) != 0)
		return fail(
		    r, word, "base and size must be multiples of the quantum");
	if (va + (size - 1) < va)
		return fail(r, word + 1, "span runs past 2^64");
	if (span_note(r, a, va, size) != 0)
		return fail(r, word, "span overlaps another of the same root");
	return 0;
}

/* ---- Operations ------------------------------------------------------ */

/* `parent P IQ IALIGN [kstack KPAGES ORIGIN]`, words 6 to 12. */
static int
parse_parent(struct run *r, struct arena *a, uint64_t quantum)
{
	uint64_t n[2], slots[2] = {0, 0};

	if (!word_is(&r->word[6], "parent") || r->nwords < 10)
		return fail(r, 6, "expected parent P IQ IALIGN");
	if (arena_at(r, 7, &a->parent) != 0 || numbers(r, 8, 2, n) != 0)
		return EINVAL;
	a->link.quantum = n[0];
	a->link.align = n[1];
	if (a->link.quantum == 0)
		return fail(r, 8, "import quantum must not be zero");
	if (a->link.align != 0 &&
	    (!kv_is_pow2(a->link.align) ||
		a->link.align < kv_vmem_quantum(a->parent->vm)))
		return fail(r, 9,
		    "import alignment is a power of two and a multiple of the "
		    "parent's quantum");
	if (r->nwords == 10)
		return 0;
	if (!word_is(&r->word[10], "kstack") || r->nwords != 13)
		return fail(r, 10, "expected kstack KPAGES ORIGIN");
	if (numbers(r, 11, 2, slots) != 0)
		return EINVAL;
	a->link.origin = slots[1];
	if (a->link.align == 0 || slots[0] == 0 ||
	    !kv_mul(slots[0], quantum, &a->link.slot))
		return fail(r, 11, "kernel stacks need pages and an alignment");
	if (a->link.quantum % a->link.slot != 0 ||
	    a->link.quantum > UINT64_MAX - a->link.slot)
		return fail(r, 8,
		    "import quantum must be a multiple of KPAGES * QUANTUM");
	return 0;
}

static int
arena_create(struct run *r, struct arena *a, const uint64_t n[4])
{
	struct kv_vmem_config cfg = {.name = a->name,
	    .quantum = n[2],
	    .qcache_max = n[3],
	    .host = &r->host};

	if (!kv_is_pow2(n[2]))
		return fail(r, 4, "quantum must be a power of two");
	if (n[3] % n[2] != 0)
		return fail(r, 5, "qcache_max must be a multiple of quantum");
	if (r->nwords > 6 && parse_parent(r, a, n[2]) != 0)
		return EINVAL;
	if (a->parent != NULL && n[1] != 0)
		return fail(r, 3, "an importing arena is created empty");
	if (kv_vmem_create(&cfg, &a->vm) != 0)
		return fail(r, 0, "out of memory");
	kv_vmem_set_qcache_batch(a->vm, r->qcbatch);
	if (a->parent != NULL) {
		a->link.parent = a->parent->vm;
		return kv_link_set(a->vm, &a->link) == 0
			   ? 0
			   : fail(r, 9, "import alignment is less than a slot");
	}
	if (n[1] == 0)
		return (n[0] & (n[2] - 1)) == 0
			   ? 0
			   : fail(r, 2,
				 "base must be a multiple of the quantum");
	if (span_check(r, a, 2, n[0], n[1]) != 0)
		return EINVAL;
	return kv_vmem_add(a->vm, n[0], n[1]);
}

static int
op_arena(struct run *r)
{
	const struct word *w = &r->word[1];
	struct arena *a;
	uint64_t n[4];

	if (w->len > NAME_MAX_LEN)
		return fail(r, 1, "names have at most 15 characters");
	if (arena_find(r, w) != NULL)
		return fail(r, 1, "an arena of that name exists");
	if (r->narenas == ARENAS_MAX)
		return fail(r, 1, "too many arenas");
	if (numbers(r, 2, 4, n) != 0)
		return EINVAL;
	a = kv_mem_zalloc(1, sizeof(*a));
	memcpy(a->name, w->at, w->len);
	if (arena_create(r, a, n) != 0) {
		kv_vmem_destroy(a->vm);
		kv_mem_free(a);
		return EINVAL;
	}
	r->arena[r->narenas++] = a;
	kv_buf_printf(r->out, "arena %s\n", a->name);
	return 0;
}

/* The id in word 1 must not be live. */
static int
new_id(struct run *r, uint64_t *id)
{
	if (number(r, 1, id) != 0)
		return EINVAL;
	return kv_ids_find(&r->ids, *id) != NULL ? fail(r, 1, "this id is live")
						 : 0;
}

/* Print the answer to word 1 and remember what must be freed. */
static int
answer(struct run *r, struct arena *a, uint64_t id, uint64_t size, bool x,
    kv_va_t va, int error)
{
	int len = (int)r->word[1].len;

	if (error != 0) {
		kv_buf_printf(r->out, "%.*s = ENOMEM\n", len, r->word[1].at);
		return 0;
	}
	kv_buf_printf(r->out, "%.*s = 0x%llx\n", len, r->word[1].at,
	    (unsigned long long)va);
	kv_ids_add(&r->ids, &(struct kv_id){.id = id,
				.owner = a,
				.va = va,
				.size = size,
				.constrained = x});
	return 0;
}

static int
request_check(
    struct run *r, const struct arena *a, const struct kv_vmem_req *rq)
{
	struct kv_diag diag;

	if (kv_vmem_req_check(a->vm, rq, &diag) != 0)
		return fail(r, 3, diag.text);
	if (a->link.slot != 0 && rq->size > a->link.quantum)
		return fail(r, 3, "request is larger than the import quantum");
	return 0;
}

static int
op_alloc(struct run *r)
{
	struct kv_vmem_req rq = {0};
	struct arena *a;
	kv_va_t va = 0;
	uint64_t id;
	int error;

	if (new_id(r, &id) != 0 || arena_at(r, 2, &a) != 0 ||
	    number(r, 3, &rq.size) != 0 || fit_at(r, 4, &rq.fit) != 0 ||
	    request_check(r, a, &rq) != 0)
		return EINVAL;
	error = kv_vmem_alloc(a->vm, rq.size, rq.fit, &va);
	return answer(r, a, id, rq.size, false, va, error);
}

static int
op_xalloc(struct run *r)
{
	struct kv_vmem_req rq;
	struct arena *a;
	kv_va_t va = 0;
	uint64_t id, n[6];
	int error;

	if (new_id(r, &id) != 0 || arena_at(r, 2, &a) != 0 ||
	    numbers(r, 3, 6, n) != 0)
		return EINVAL;
	rq = (struct kv_vmem_req){
	    n[0], n[1], n[2], n[3], n[4], n[5], KV_VMEM_BESTFIT};
	if (fit_at(r, 9, &rq.fit) != 0)
		return EINVAL;
	if (n[4] > n[5])
		return fail(r, 7, "min must not be more than max");
	if (request_check(r, a, &rq) != 0)
		return EINVAL;
	/* max 0 means "no limit" to the arena; here it is byte 0 */
	error = n[5] == 0 ? ENOMEM : kv_vmem_xalloc(a->vm, &rq, &va);
	return answer(r, a, id, rq.size, true, va, error);
}

static int
release_id(struct run *r, bool x)
{
	const struct kv_id *found;
	struct kv_diag diag = {.text = "out of memory"};
	int len = (int)r->word[1].len, error;
	struct kv_vmem *vm;
	uint64_t id;

	if (number(r, 1, &id) != 0)
		return EINVAL;
	found = kv_ids_find(&r->ids, id);
	if (found == NULL) {
		kv_buf_printf(r->out, "%.*s none\n", len, r->word[1].at);
		return 0;
	}
	if (found->constrained != x)
		return fail(r, 0, "free pairs with alloc, xfree with xalloc");
	vm = ((struct arena *)found->owner)->vm;
	error = x ? kv_vmem_xfree(vm, found->va, found->size, &diag)
		  : kv_vmem_free(vm, found->va, found->size, &diag);
	if (error != 0)
		return fail(r, 1, diag.text);
	kv_ids_remove(&r->ids, id);
	kv_buf_printf(r->out, "%.*s freed\n", len, r->word[1].at);
	return 0;
}

static int
op_free(struct run *r)
{
	return release_id(r, false);
}

static int
op_xfree(struct run *r)
{
	return release_id(r, true);
}

static int
op_add(struct run *r)
{
	struct arena *a;
	uint64_t n[2];
	int error;

	if (arena_at(r, 1, &a) != 0 || numbers(r, 2, 2, n) != 0 ||
	    span_check(r, a, 2, n[0], n[1]) != 0)
		return EINVAL;
	error = kv_vmem_add(a->vm, n[0], n[1]);
	kv_buf_printf(
	    r->out, "%s + %s\n", a->name, error == 0 ? "ok" : "ENOMEM");
	return 0;
}

static int
op_size(struct run *r)
{
	struct kv_vmem_stats s;
	struct arena *a;
	uint64_t value;

	if (arena_at(r, 1, &a) != 0)
		return EINVAL;
	s = kv_vmem_stats(a->vm);
	if (word_is(&r->word[2], "free"))
		value = s.size - s.inuse;
	else if (word_is(&r->word[2], "alloc"))
		value = s.inuse;
	else if (word_is(&r->word[2], "maxfree"))
		value = s.maxfree;
	else
		return fail(r, 2, "kind is free, alloc or maxfree");
	kv_buf_printf(r->out, "%s %.*s = %llu\n", a->name, (int)r->word[2].len,
	    r->word[2].at, (unsigned long long)value);
	return 0;
}

static int
op_qcbatch(struct run *r)
{
	enum { BATCH_MAX = 65536 };
	uint64_t n;

	if (number(r, 1, &n) != 0)
		return EINVAL;
	if (n == 0 || n > BATCH_MAX)
		return fail(r, 1, "a miss imports 1 to 65536 items");
	r->qcbatch = n;
	for (size_t i = 0; i < r->narenas; i++)
		kv_vmem_set_qcache_batch(r->arena[i]->vm, n);
	kv_buf_printf(r->out, "qcbatch %llu\n", (unsigned long long)n);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct run *r);
	size_t min, max; /* words, the name included */
} ops[] = {
    {"alloc", op_alloc, 4, 5},
    {"free", op_free, 2, 2},
    {"xalloc", op_xalloc, 9, 10},
    {"xfree", op_xfree, 2, 2},
    {"size", op_size, 3, 3},
    {"add", op_add, 4, 4},
    {"arena", op_arena, 6, 13},
    {"qcbatch", op_qcbatch, 2, 2},
};

/* ---- Lines ----------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Split [at, end) at blanks up to a '#'.  => 0; EINVAL: too many words */
static int
split(struct run *r, const char *at, const char *end)
{
	r->nwords = 0;
	while (at < end) {
		const char *start;

		while (at < end && is_blank(*at))
			at++;
		if (at == end || *at == '#')
			return 0;
		start = at;
		while (at < end && !is_blank(*at) && *at != '#')
			at++;
		if (r->nwords == WORDS_MAX)
			return fail(r, WORDS_MAX - 1, "too many words");
		r->word[r->nwords++] =
		    (struct word){start, (size_t)(at - start)};
	}
	return 0;
}

static int
run_line(struct run *r)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!word_is(&r->word[0], ops[i].name))
			continue;
		if (r->nwords < ops[i].min || r->nwords > ops[i].max)
			return fail(r, 0, "wrong number of words");
		return ops[i].run(r);
	}
	return fail(r, 0,
	    "unknown operation (arena, alloc, xalloc, free, xfree, add, size, "
	    "qcbatch)");
}

static int
run_lines(struct run *r)
{
	const char *at = r->text->data, *end = at + r->text->size;

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));

		eol = eol == NULL ? end : eol;
		r->line++;
		r->line_start = at;
		kv_limit_place(r->text->path, r->line, 0);
		kv_limit_step();
		if (split(r, at, eol) != 0 ||
		    (r->nwords != 0 && run_line(r) != 0))
			return EINVAL;
		at = eol + 1;
	}
	return 0;
}

int
kv_trace_vmem_run(
    const struct kv_text *text, struct kv_buf *out, struct kv_errors *errors)
{
	struct run *r = kv_mem_zalloc(1, sizeof(*r));
	int error;

	r->text = text;
	r->out = out;
	r->errors = errors;
	r->qcbatch = 1;
	kv_mem_host(&r->host, true);
	kv_limit_start();
	error = run_lines(r);
	kv_limit_place(NULL, 0, 0);
	for (size_t i = r->narenas; i-- > 0;) {
		kv_vmem_destroy(r->arena[i]->vm);
		kv_mem_free(r->arena[i]);
	}
	kv_ids_fini(&r->ids);
	kv_host_fini(&r->host);
	kv_mem_free(r->span);
	kv_mem_free(r);
	return error;
}
