/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shrink.c - the least scenario that still violates what a run violated
 *
 * 1 Concepts.  Delta debugging, down the tree of the scenario: first the list
 *   of steps (runs of them, halved), then sections, keys and items, then
 *   numbers (halved, or made 1 or 0).  What is tried is always the whole file,
 *   read as any other, so what is left is one that reproduces.
 * 2 Representation.  The tree of doc.c; a change is made to a copy, which takes
 *   its place when the violation is still there.
 * 3 Invariants.  None of its own.
 * 4 Cost.  A run a candidate, about n log n of them for n steps; bounded.
 * 5 Fidelity.  None claimed.
 */
#include "run/shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/unroll.h"

struct shrink {
	const struct kv_once_config *cfg;
	struct kv_once_config try; /* how candidates are run */
	const char *id;
	struct kv_doc *root; /* that reproduces */
	struct kv_shrunk *result;
	uint64_t ops;
};

/* ---- Candidates ------------------------------------------------------ */

static bool
is_over(const struct shrink *s)
{
	return s->result->runs >= KV_SHRINK_RUNS || s->ops >= KV_SHRINK_OPS;
}

static const struct kv_violation *
violation_of(const struct kv_run *run, const char *id)
{
	for (size_t i = 0; i < run->nviolations; i++)
		if (strcmp(run->violations[i].id, id) == 0)
			return &run->violations[i];
	return NULL;
}

/* Run a text.  => 0 and *once, not drained yet */
static int
run_text(const struct shrink *s, const struct kv_buf *b, struct kv_once *once)
{
	struct kv_once_config cfg = s->try;
	struct kv_errors errors = {0};
	struct kv_text text = {.path = kv_mem_text("shrunk.yaml"),
	    .data = kv_mem_resize(NULL, b->size + 1, 1),
	    .size = b->size};
	int error;

	memcpy(text.data, b->data, b->size + 1);
	cfg.path = "shrunk.yaml";
	cfg.text = &text;
	error = kv_once_run(&cfg, once, &errors);
	kv_errors_fini(&errors);
	return error;
}

static bool
reproduces(struct shrink *s, const struct kv_doc *root)
{
	struct kv_once once = {0};
	struct kv_buf b = {0};
	bool found = false;

	s->result->runs++;
	kv_doc_write(root, &b);
	if (run_text(s, &b, &once) == 0) {
		s->ops += once.run->ops;
		found = violation_of(once.run, s->id) != NULL;
	}
	kv_once_fini(&once);
	kv_buf_fini(&b);
	return found;
}

/* Keep the candidate if it reproduces; it is owned.  => it does */
static bool
keep(struct shrink *s, struct kv_doc *candidate)
{
	if (is_over(s) || !reproduces(s, candidate)) {
		kv_doc_free(candidate);
		return false;
	}
	kv_doc_free(s->root);
	s->root = candidate;
	return true;
}

/* ---- Steps ----------------------------------------------------------- */

/* The word behind a key of the only key of a step, or NULL. */
static const char *
word_of(const struct kv_doc *item, const char *step, const char *key)
{
	const struct kv_doc *value;

	if (item->kind != KV_NODE_MAP || item->count != 2 ||
	    strcmp(item->list[0]->text, step) != 0)
		return NULL;
	value = kv_doc_get(item->list[1], key);
	return value != NULL ? value->text : NULL;
}

static bool
is_made(
    const struct kv_doc *work, size_t before, const char *name, const char *by)
{
	const char *made;

	for (size_t i = 0; i < before; i++) {
		made = word_of(work->list[i], by, "as");
		if (made != NULL && strcmp(made, name) == 0)
			return true;
	}
	return false;
}

/* What nobody makes any more, nobody can dispose of. */
static void
drop_orphans(struct kv_doc *work)
{
	for (size_t i = work->count; i-- != 0;) {
		const char *stack = word_of(work->list[i], "dispose", "name");
		const char *block = word_of(work->list[i], "free", "name");

		if ((stack != NULL && !is_made(work, i, stack, "spawn")) ||
		    (block != NULL && !is_made(work, i, block, "alloc")))
			kv_doc_remove(work, i, 1);
	}
}

static bool
without_steps(struct shrink *s, size_t first, size_t n)
{
	struct kv_doc *candidate = kv_doc_clone(s->root);
	struct kv_doc *work = kv_doc_get(candidate, "work");

	kv_doc_remove(work, first, n);
	drop_orphans(work);
	return keep(s, candidate);
}

static size_t
nsteps(const struct shrink *s)
{
	const struct kv_doc *work = kv_doc_get(s->root, "work");

	return work != NULL && work->kind == KV_NODE_LIST ? work->count : 0;
}

/* From the end, for what comes last is needed least. */
static bool
pass_steps(struct shrink *s, size_t size)
{
	bool any = false;

	for (size_t end = nsteps(s); end != 0 && !is_over(s);) {
		size_t first = end > size ? end - size : 0;

		any |= without_steps(s, first, end - first);
		end = first < nsteps(s) ? first : nsteps(s);
	}
	return any;
}

static void
shrink_steps(struct shrink *s)
{
	for (size_t size = (nsteps(s) + 1) / 2; size > 1; size /= 2)
		pass_steps(s, size);
	while (!is_over(s) && pass_steps(s, 1))
		;
}

/* ---- Keys and items -------------------------------------------------- */

/* A way down the tree: the child at each depth. */
struct path {
	size_t at[32];
	unsigned depth;
};

static struct kv_doc *
follow(struct kv_doc *d, const struct path *p)
{
	for (unsigned i = 0; i < p->depth; i++)
		d = d->list[p->at[i]];
	return d;
}

/* What is said of it stays as it is: the version, and the violation. */
static bool
is_fixed(const struct path *p, const struct kv_doc *key)
{
	return p->depth == 0 && (strcmp(key->text, "kvasir") == 0 ||
				    strcmp(key->text, "expect") == 0);
}

/* What the file cannot be without, or what would be larger without: memory has
 * a default. */
static bool
is_needed(const struct kv_doc *key)
{
	static const char *const needed[] = {"work", "machine", "memory"};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(key->text, needed[i]) == 0)
			return true;
	return false;
}

static void
shrink_keys(struct shrink *s, struct path *p)
{
	struct kv_doc *d = follow(s->root, p);
	size_t step = d->kind == KV_NODE_MAP ? 2 : 1;

	for (size_t i = d->count; i >= step && !is_over(s); i -= step) {
		struct kv_doc *candidate;

		d = follow(s->root, p);
		if (step == 2 && is_fixed(p, d->list[i - step]))
			continue;
		if (step == 1 || p->depth > 1 ||
		    !is_needed(d->list[i - step])) {
			candidate = kv_doc_clone(s->root);
			kv_doc_remove(follow(candidate, p), i - step, step);
			drop_orphans(kv_doc_get(candidate, "work"));
			if (keep(s, candidate))
				continue;
		}
		if (p->depth + 1 == 32)
			continue;
		p->at[p->depth++] = i - 1;
		if (follow(s->root, p)->kind != KV_NODE_SCALAR)
			shrink_keys(s, p);
		p->depth--;
	}
}

/* ---- Numbers --------------------------------------------------------- */

/* A whole number with its unit, if that is all.  => false: it is not */
static bool
number_of(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*value = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	if (*end == '\0')
		return true;
	unit = strchr(units, *end);
	return unit != NULL && end[1] == '\0' &&
	       kv_mul(*value, UINT64_C(1) << (10 * (unit - units + 1)), value);
}

static void
write_number(uint64_t value, char text[32])
{
	static const char units[] = "TGMK";

	for (unsigned i = 0; i < 4; i++) {
		uint64_t unit = UINT64_C(1) << (10 * (4 - i));

		if (value >= unit && value % unit == 0) {
			snprintf(
			    text, 32, "%" PRIu64 "%c", value / unit, units[i]);
			return;
		}
	}
	snprintf(text, 32, "%" PRIu64, value);
}

static bool
with_number(struct shrink *s, const struct path *p, uint64_t value)
{
	struct kv_doc *candidate = kv_doc_clone(s->root), *d;
	char text[32];

	write_number(value, text);
	d = follow(candidate, p);
	kv_mem_free(d->text);
	d->text = kv_mem_text(text);
	return keep(s, candidate);
}

static void
shrink_number(struct shrink *s, const struct path *p)
{
	uint64_t value, least = 0;
	const struct kv_doc *d = follow(s->root, p);

	if (d->quoted || d->raw || !number_of(d->text, &value) || value <= 1)
		return;
	for (; least < 2; least++)
		if (with_number(s, p, least))
			return;
	while (value > 2 && !is_over(s) && with_number(s, p, value / 2))
		value /= 2;
}

static void
shrink_numbers(struct shrink *s, struct path *p)
{
	const struct kv_doc *d = follow(s->root, p);
	size_t step = d->kind == KV_NODE_MAP ? 2 : 1;
	size_t count = d->count;

	if (d->kind == KV_NODE_SCALAR) {
		shrink_number(s, p);
		return;
	}
	for (size_t i = 0; i + step <= count && p->depth < 32; i += step) {
		d = follow(s->root, p);
		if (step == 2 && is_fixed(p, d->list[i]))
			continue;
		p->at[p->depth++] = i + step - 1;
		shrink_numbers(s, p);
		p->depth--;
	}
}

/* ---- Around the violation -------------------------------------------- */

struct around {
	uint64_t op;
	struct kv_state before, after;
};

static void
look(void *arg, const struct kv_run *run, bool after)
{
	struct around *a = arg;

	if (run->ops == a->op)
		kv_state_take(run, after ? &a->after : &a->before);
}

/* Run what is left, twice: where it is found, and what was around that. */
static void
tell(struct shrink *s)
{
	enum { LINES = 60 };
	struct kv_shrunk *r = s->result;
	struct around a = {0};
	struct kv_once once = {0};
	const struct kv_violation *v = NULL;

	if (run_text(s, &r->scenario, &once) == 0) {
		v = violation_of(once.run, s->id);
		r->op = a.op = v != NULL ? v->step : once.run->ops;
	}
	kv_once_fini(&once);
	s->try.run.tell = look;
	s->try.run.tell_arg = &a;
	if (run_text(s, &r->scenario, &r->once) == 0)
		kv_state_diff(&a.before, &a.after, LINES, &r->diff);
	s->try.run.tell = NULL;
	s->try.run.tell_arg = NULL;
	kv_state_fini(&a.before);
	kv_state_fini(&a.after);
}

/* ---- The whole ------------------------------------------------------- */

/* What has no part in a violation, and what expects it. */
static void
prepare(struct shrink *s)
{
	static const char *const gone[] = {
	    "title", "about", "source", "metrics", "sample", "plot", "explore"};
	char text[64];

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		kv_doc_unset(s->root, gone[i]);
	snprintf(text, sizeof(text), "[violation(\"%s\")]", s->id);
	kv_doc_set(s->root, "expect", kv_doc_raw(text));
}

/* What else the run violates, it expects as well: nothing is left to fail but
 * what only the drain behind it shows. */
static void
expect_all(struct shrink *s)
{
	struct kv_once once = {0};
	struct kv_buf file = {0}, list = {0};
	const struct kv_run *run;

	kv_doc_write(s->root, &file);
	kv_buf_printf(&list, "[violation(\"%s\")", s->id);
	if (run_text(s, &file, &once) == 0) {
		run = once.run;
		for (size_t i = 0; i < run->nviolations; i++)
			if (!run->violations[i].expected &&
			    violation_of(run, run->violations[i].id) ==
				&run->violations[i])
				kv_buf_printf(&list, ", violation(\"%s\")",
				    run->violations[i].id);
	}
	kv_buf_printf(&list, "]");
	kv_doc_set(s->root, "expect", kv_doc_raw(list.data));
	kv_once_fini(&once);
	kv_buf_fini(&file);
	kv_buf_fini(&list);
}

/* As it is, or with a drain, where only that shows what is wrong: a report
 * drains after its expectations are judged. */
static bool
drains(struct shrink *s)
{
	struct kv_doc *candidate, *work;

	if (reproduces(s, s->root))
		return true;
	candidate = kv_doc_clone(s->root);
	work = kv_doc_get(candidate, "work");
	if (work == NULL || work->kind != KV_NODE_LIST) {
		kv_doc_free(candidate);
		return false;
	}
	kv_doc_add(work, kv_doc_raw("{drain: {}}"));
	return keep(s, candidate);
}

/* As `kvasir run` would without options, or as the run was. */
static bool
begins(struct shrink *s)
{
	s->try = (struct kv_once_config){
	    .run = {.seed = 12345, .audit = 1, .nested = true}};
	if (drains(s))
		return true;
	s->try.run.seed = s->cfg->run.seed;
	s->try.run.audit = s->cfg->run.audit;
	s->try.run.kvm = s->cfg->run.kvm;
	return drains(s);
}

/* Raw items become trees, so that what is in them can go as well. */
static struct kv_doc *
parse(const struct kv_doc *root)
{
	struct kv_errors errors = {0};
	struct kv_pool pool = {0};
	struct kv_buf b = {0};
	struct kv_doc *doc = NULL;
	struct kv_text text = {0};
	const struct kv_node *node;

	kv_doc_write(root, &b);
	text = (struct kv_text){.data = b.data, .size = b.size};
	text.path = kv_mem_text("shrunk.yaml");
	node = kv_yaml_parse(&text, &pool, &errors);
	if (node != NULL)
		doc = kv_doc_copy(node);
	kv_mem_free(text.path);
	kv_pool_fini(&pool);
	kv_errors_fini(&errors);
	kv_buf_fini(&b);
	return doc;
}

static void
head(const struct shrink *s, struct kv_buf *out)
{
	const struct kv_run_config *run = &s->try.run;

	if (run->seed != 12345 || run->audit != 1 || run->kvm)
		kv_buf_printf(out,
		    "# kvasir run --seed %" PRIu64 " --audit %u%s\n", run->seed,
		    run->audit, run->kvm ? " --backend kvm" : "");
}

void
kv_shrink_doc(struct kv_doc *root, const struct kv_once_config *cfg,
    const char *id, struct kv_shrunk *result)
{
	struct shrink s = {
	    .cfg = cfg, .id = id, .root = root, .result = result};
	struct path p = {.depth = 0};

	prepare(&s);
	s.root = parse(root);
	kv_doc_free(root);
	if (s.root == NULL)
		return;
	result->reproduced = begins(&s);
	if (result->reproduced) {
		shrink_steps(&s);
		shrink_keys(&s, &p);
		shrink_numbers(&s, &p);
		expect_all(&s);
		head(&s, &result->scenario);
		kv_doc_write(s.root, &result->scenario);
		result->steps = nsteps(&s);
		tell(&s);
	}
	kv_doc_free(s.root);
}

void
kv_shrink(
    const struct kv_once_config *cfg, const char *id, struct kv_shrunk *result)
{
	struct kv_doc *root;

	*result = (struct kv_shrunk){0};
	root = kv_unroll(cfg, &result->from);
	if (root != NULL)
		kv_shrink_doc(root, cfg, id, result);
}

void
kv_shrunk_fini(struct kv_shrunk *result)
{
	kv_buf_fini(&result->scenario);
	kv_buf_fini(&result->diff);
	kv_once_fini(&result->once);
	*result = (struct kv_shrunk){0};
}
