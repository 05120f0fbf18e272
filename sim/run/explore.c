/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.c - all sequences of operations up to a length, state by state
 *
 * 1 Concepts.  A state is what state.c writes: which entry a stack has, what it
 *   is called, and how many ticks have passed do not count, so sequences that
 *   differ in these meet.  States are visited in the order of their distance
 *   from the first one; so what leads to a violation first is shortest.
 * 2 Representation.  Each state knows how it was reached: from which one, by
 *   which operation, on which stack or block.  A world cannot be copied, so a
 *   state is reached by its operations, each time anew.  States are found by
 *   the hash of their texts, which are compared.
 * 3 Invariants.  Those of the modules, in every state; world-I1 to world-I3
 *   when all that a state has is given back.
 * 4 Cost.  States times operations runs of at most the length.
 * 5 Fidelity.  That of the models explored.
 */
#include "run/explore.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "in/doc.h"
#include "in/fields.h"
#include "out/limit.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/rng.h"
#include "run/state.h"

enum { NAME_SIZE = 24 };

/* Something that lives, made by the operation at a place of the path. */
struct live {
	kv_va_t va;
	unsigned at; /* from 1 */
	bool block;
};

struct node {
	size_t parent;
	unsigned depth;
	unsigned op; /* of explore.ops; nops: dispose or free */
	unsigned at; /* that goes: made at that place of the path */
	char *text;  /* owned */
	size_t size;
	uint64_t hash;
	struct live *live; /* owned; by address */
	unsigned nlive;
	size_t next; /* with the same slot of the table; + 1 */
};

struct edge {
	size_t from, to;
};

struct search {
	const struct kv_scenario *sc;
	const struct kv_run_config *cfg;
	struct kv_exploration *result;
	struct kv_errors *errors;
	struct node *nodes; /* owned */
	size_t nnodes, nodes_capacity;
	struct edge *edges; /* owned */
	size_t nedges, edges_capacity;
	size_t *table;	      /* owned; node + 1 */
	size_t slots;	      /* a power of two */
	struct kv_step *work; /* owned; set-up, then the path */
	char names[KV_EXPLORE_LENGTH + 1][NAME_SIZE];
	unsigned depth; /* operations of the path */
	bool drained;	/* nothing was violated before the drain */

	struct live live[2 * KV_EXPLORE_LENGTH];
	unsigned nlive;
	struct kv_state before, after;
};

/* ---- One sequence ---------------------------------------------------- */

static void
die(struct search *s, kv_va_t va, bool block)
{
	unsigned i = 0;

	while (
	    i < s->nlive && (s->live[i].va != va || s->live[i].block != block))
		i++;
	if (i == s->nlive)
		return;
	s->nlive--;
	memmove(
	    &s->live[i], &s->live[i + 1], (s->nlive - i) * sizeof(s->live[0]));
}

/* In order of address, so that equal states have equal lists. */
static void
be_born(struct search *s, kv_va_t va, bool block, unsigned at)
{
	unsigned i = s->nlive;

	for (; i != 0 &&
	       (s->live[i - 1].block > block ||
		   (s->live[i - 1].block == block && s->live[i - 1].va > va));
	     i--)
		s->live[i] = s->live[i - 1];
	s->live[i] = (struct live){va, at, block};
	s->nlive++;
}

/* Which step of the path an operation is; 0: of the set-up. */
static unsigned
place_of(const struct search *s, const struct kv_op *op)
{
	size_t i = (size_t)(op->step - s->work);

	return i < s->sc->nwork ? 0 : (unsigned)(i - s->sc->nwork) + 1;
}

static void
look(void *arg, const struct kv_run *run, bool after)
{
	struct search *s = arg;
	const struct kv_op *op = &run->op;
	unsigned at = place_of(s, op);

	if (at == 0)
		return;
	if (at == s->depth)
		kv_state_take(run, after ? &s->after : &s->before);
	if (!after || op->error != 0)
		return;
	if (op->kind == KV_STEP_SPAWN || op->kind == KV_STEP_ALLOC)
		be_born(s, op->va, op->kind == KV_STEP_ALLOC, at);
	else if (op->kind == KV_STEP_DISPOSE || op->kind == KV_STEP_FREE)
		die(s, op->va, op->kind == KV_STEP_FREE);
}

/* The step at a place of the path. */
static void
put_step(struct search *s, const struct node *n, unsigned at, bool block)
{
	struct kv_step *step = &s->work[s->sc->nwork + at - 1];
	const struct kv_explore_spec *e = &s->sc->explore;

	if (n->op < e->nops) {
		*step = e->ops[n->op];
		if (step->kind == KV_STEP_SPAWN || step->kind == KV_STEP_ALLOC)
			step->name = s->names[at];
		return;
	}
	*step = (struct kv_step){.kind = block ? KV_STEP_FREE : KV_STEP_DISPOSE,
	    .place = e->place,
	    .count = 1,
	    .times = 1,
	    .domain = KV_ANYWHERE,
	    .cpu = KV_ANYWHERE,
	    .name = s->names[n->at]};
}

static bool
is_block(const struct search *s, unsigned at)
{
	return s->work[s->sc->nwork + at - 1].kind == KV_STEP_ALLOC;
}

/* The path to a node, then one more, which is not listed yet. */
static void
put_path(struct search *s, const struct node *last)
{
	const struct node *n = last;
	const struct node *path[KV_EXPLORE_LENGTH + 1];

	s->depth = last->depth;
	for (unsigned d = last->depth; d != 0; d--) {
		path[d] = n;
		n = &s->nodes[n->parent];
	}
	for (unsigned d = 1; d <= last->depth; d++)
		put_step(s, path[d], d,
		    path[d]->op == s->sc->explore.nops &&
			is_block(s, path[d]->at));
}

static void
note_violation(struct search *s, const struct kv_run *run)
{
	struct kv_exploration *r = s->result;

	if (run->nviolations == 0 || r->violated)
		return;
	r->violated = true;
	r->violation = run->violations[0];
}

/* Run the path; *text gets what the state is.  => 0, EINVAL */
static int
run_path(struct search *s, struct kv_buf *text)
{
	struct kv_run_config cfg = *s->cfg;
	struct kv_scenario sc = *s->sc;
	struct kv_errors errors = {0};
	struct kv_run *run = NULL;
	int error;

	sc.nexpect = sc.nmetrics = sc.nsamples = 0;
	sc.work = s->work;
	sc.nwork = s->sc->nwork + s->depth;
	cfg.audit = 1;
	cfg.nested = cfg.lean = true;
	cfg.tell = look;
	cfg.tell_arg = s;
	s->nlive = 0;
	s->drained = false;
	error = kv_run_execute(
	    &sc, &cfg, &run, s->depth == 0 ? s->errors : &errors);
	kv_errors_fini(&errors);
	if (error != 0)
		return error;
	if (s->depth == 0)
		kv_state_take(run, &s->after);
	s->drained = run->nviolations == 0;
	kv_run_drain(run);
	note_violation(s, run);
	kv_run_free(run);
	text->size = 0;
	kv_state_text(&s->after, text);
	kv_limit_place(s->sc->text.path, 0, 0);
	kv_limit_through(text->size);
	return 0;
}

/* ---- States ---------------------------------------------------------- */

static uint64_t
hash_of(const struct kv_buf *text)
{
	uint64_t hash = KV_FNV_BASIS, word;
	size_t i;

	for (i = 0; i + sizeof(word) <= text->size; i += sizeof(word)) {
		memcpy(&word, text->data + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	for (; i < text->size; i++)
		hash = kv_fnv_mix(hash, (unsigned char)text->data[i]);
	return hash;
}

static void
table_grow(struct search *s)
{
	s->slots = s->slots == 0 ? 1024 : 2 * s->slots;
	kv_mem_free(s->table);
	s->table = kv_mem_zalloc(s->slots, sizeof(*s->table));
	for (size_t i = 0; i < s->nnodes; i++) {
		size_t *slot = &s->table[s->nodes[i].hash & (s->slots - 1)];

		s->nodes[i].next = *slot;
		*slot = i + 1;
	}
}

/* => the node with that text, or nnodes */
static size_t
find_state(const struct search *s, const struct kv_buf *text, uint64_t hash)
{
	size_t i;

	if (!s->result->merged || s->slots == 0)
		return s->nnodes;
	for (i = s->table[hash & (s->slots - 1)]; i != 0;
	     i = s->nodes[i - 1].next)
		if (s->nodes[i - 1].hash == hash &&
		    s->nodes[i - 1].size == text->size &&
		    memcmp(s->nodes[i - 1].text, text->data, text->size) == 0)
			return i - 1;
	return s->nnodes;
}

static void
add_state(struct search *s, const struct node *how, const struct kv_buf *text,
    uint64_t hash)
{
	struct node *n;

	if (s->nnodes == s->nodes_capacity) {
		s->nodes_capacity =
		    s->nodes_capacity == 0 ? 1024 : 2 * s->nodes_capacity;
		s->nodes = kv_mem_resize(
		    s->nodes, s->nodes_capacity, sizeof(*s->nodes));
	}
	n = &s->nodes[s->nnodes++];
	*n = *how;
	n->hash = hash;
	if (s->result->merged) {
		n->size = text->size;
		n->text = kv_mem_resize(NULL, text->size + 1, 1);
		memcpy(n->text, text->data, text->size);
	}
	n->nlive = s->nlive;
	n->live = kv_mem_resize(NULL, s->nlive, sizeof(*n->live));
	memcpy(n->live, s->live, s->nlive * sizeof(*n->live));
	s->result->states++;
	s->result->fresh[n->depth]++;
	s->result->depth = n->depth;
	if (s->nnodes > s->slots) {
		table_grow(s);
		return;
	}
	n->next = s->table[hash & (s->slots - 1)];
	s->table[hash & (s->slots - 1)] = s->nnodes;
}

static void
add_edge(struct search *s, size_t from, size_t to)
{
	if (s->nedges == s->edges_capacity) {
		s->edges_capacity =
		    s->edges_capacity == 0 ? 1024 : 2 * s->edges_capacity;
		s->edges = kv_mem_resize(
		    s->edges, s->edges_capacity, sizeof(*s->edges));
	}
	s->edges[s->nedges++] = (struct edge){from, to};
}

/* ---- A violation, to run --------------------------------------------- */

static void
put_op(const struct search *s, unsigned at, struct kv_doc *work)
{
	const struct kv_step *step = &s->work[s->sc->nwork + at - 1];
	const struct kv_node *node = kv_scenario_root(s->sc->file)->child,
			     *item;
	struct kv_doc *doc = NULL;
	char text[64];

	while (strcmp(node->text, "explore") != 0)
		node = node->next->next;
	node = kv_map_get(node->next, "operations");
	for (item = node->child; item != NULL && doc == NULL; item = item->next)
		if (item->kind == KV_NODE_MAP &&
		    item->child->line == step->place.line &&
		    item->child->column == step->place.column)
			doc = kv_doc_copy(item);
	if (doc != NULL) {
		if (step->name != NULL)
			kv_doc_set(
			    doc->list[1], "as", kv_doc_scalar(step->name));
	} else {
		snprintf(text, sizeof(text), "{%s: {name: %s}}",
		    step->kind == KV_STEP_FREE ? "free" : "dispose",
		    step->name);
		doc = kv_doc_raw(text);
	}
	kv_doc_add(work, doc);
}

static void
write_scenario(struct search *s)
{
	static const char *const gone[] = {
	    "explore", "expect", "metrics", "sample", "check"};
	struct kv_doc *root = kv_doc_copy(kv_scenario_root(s->sc->file));
	struct kv_doc *work = kv_doc_get(root, "work");
	char text[64];

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		kv_doc_unset(root, gone[i]);
	if (work == NULL)
		kv_doc_set(root, "work", work = kv_doc_list());
	for (unsigned at = 1; at <= s->depth; at++)
		put_op(s, at, work);
	if (s->drained)
		kv_doc_add(work, kv_doc_raw("{drain: {}}"));
	snprintf(
	    text, sizeof(text), "[violation(\"%s\")]", s->result->violation.id);
	kv_doc_set(root, "expect", kv_doc_raw(text));
	kv_doc_write(root, &s->result->scenario);
	kv_doc_free(root);
}

/* ---- The search ------------------------------------------------------ */

static int
step_to(struct search *s, const struct node *how)
{
	enum { LINES = 40 };
	struct kv_buf text = {0};
	uint64_t hash;
	size_t to;
	int error;

	put_path(s, how);
	error = run_path(s, &text);
	if (error != 0 && how->depth != 0) {
		/* What no kernel is asked for: an address that is taken. */
		s->result->refused++;
		kv_buf_fini(&text);
		return 0;
	}
	if (error == 0) {
		s->result->transitions += how->depth != 0;
		hash = hash_of(&text);
		to = find_state(s, &text, hash);
		if (how->depth != 0)
			add_edge(s, how->parent, to);
		if (to == s->nnodes)
			add_state(s, how, &text, hash);
	}
	if (error == 0 && s->result->violated) {
		kv_state_diff(&s->before, &s->after, LINES, &s->result->diff);
		write_scenario(s);
	}
	kv_buf_fini(&text);
	return error;
}

static unsigned
count_live(const struct node *n, bool block)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n->nlive; i++)
		count += n->live[i].block == block;
	return count;
}

/* Is there a slot left for what the operation makes? */
static bool
has_room(const struct search *s, size_t i, unsigned op)
{
	const struct kv_explore_spec *e = &s->sc->explore;
	enum kv_step_kind kind = e->ops[op].kind;

	if (kind != KV_STEP_SPAWN && kind != KV_STEP_ALLOC)
		return true;
	return count_live(&s->nodes[i], kind == KV_STEP_ALLOC) < e->slots;
}

static int
expand(struct search *s, size_t i)
{
	const struct kv_explore_spec *e = &s->sc->explore;
	struct node how = {.parent = i, .depth = s->nodes[i].depth + 1};
	int error = 0;

	for (; how.op < e->nops && error == 0 && !s->result->violated; how.op++)
		if (has_room(s, i, how.op))
			error = step_to(s, &how);
	how.op = (unsigned)e->nops;
	for (unsigned k = 0;
	     k < s->nodes[i].nlive && error == 0 && !s->result->violated; k++) {
		how.at = s->nodes[i].live[k].at;
		if (s->nodes[i].live[k].block ? e->free : e->dispose)
			error = step_to(s, &how);
	}
	return error;
}

/* How many sequences of each length the edges stand for. */
static void
count_sequences(struct search *s)
{
	struct kv_exploration *r = s->result;
	uint64_t *now = kv_mem_zalloc(s->nnodes, sizeof(*now)), *next;

	now[0] = r->sequences[0] = 1;
	for (unsigned d = 1; d <= s->sc->explore.length; d++) {
		next = kv_mem_zalloc(s->nnodes, sizeof(*next));
		for (size_t i = 0; i < s->nedges; i++) {
			uint64_t *to = &next[s->edges[i].to], n;

			n = now[s->edges[i].from];
			*to = *to > UINT64_MAX - n ? UINT64_MAX : *to + n;
			n = r->sequences[d] > UINT64_MAX - n
				? UINT64_MAX - r->sequences[d]
				: n;
			r->sequences[d] += n;
		}
		kv_mem_free(now);
		now = next;
	}
	kv_mem_free(now);
}

/* Does the text of a state tell all that can follow? */
static bool
tells_all(const struct kv_scenario *sc)
{
	for (size_t i = 0; i < sc->narenas; i++)
		if (sc->arenas[i].qcache_max != 0)
			return false;
	return !sc->kstacks.cache && !sc->page_cache && sc->nactors == 0 &&
	       sc->tlb == NULL;
}

static void
search_fini(struct search *s)
{
	for (size_t i = 0; i < s->nnodes; i++) {
		kv_mem_free(s->nodes[i].text);
		kv_mem_free(s->nodes[i].live);
	}
	kv_mem_free(s->nodes);
	kv_mem_free(s->edges);
	kv_mem_free(s->table);
	kv_mem_free(s->work);
	kv_state_fini(&s->before);
	kv_state_fini(&s->after);
}

int
kv_explore(const struct kv_scenario *sc, const struct kv_run_config *cfg,
    struct kv_exploration *result, struct kv_errors *errors)
{
	struct search s = {
	    .sc = sc, .cfg = cfg, .result = result, .errors = errors};
	const struct node root = {.depth = 0};
	size_t n = sc->nwork + (size_t)sc->explore.length;
	int error;

	*result = (struct kv_exploration){.merged = tells_all(sc)};
	s.work = kv_mem_resize(NULL, n, sizeof(*s.work));
	if (sc->nwork != 0)
		memcpy(s.work, sc->work, sc->nwork * sizeof(*s.work));
	for (unsigned i = 1; i <= KV_EXPLORE_LENGTH; i++)
		snprintf(s.names[i], NAME_SIZE, "made%u", i);
	kv_limit_join(true);
	error = step_to(&s, &root);
	for (size_t i = 0; i < s.nnodes && error == 0 && !result->violated &&
			   s.nodes[i].depth < sc->explore.length;
	     i++) {
		error = expand(&s, i);
		if (!cfg->nested)
			kv_log_progress("explore", i, s.nnodes);
	}
	if (error == 0 && !result->violated)
		count_sequences(&s);
	kv_limit_join(false);
	search_fini(&s);
	return error;
}

void
kv_exploration_fini(struct kv_exploration *result)
{
	kv_buf_fini(&result->scenario);
	kv_buf_fini(&result->diff);
}
