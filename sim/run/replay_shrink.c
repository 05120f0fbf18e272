/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_shrink.c - the least scenario that violates what a replay violated
 *
 * 1 Concepts.  A recording has more operations than a scenario has lines, so
 *   most of them go first, by the replay itself: residents, then runs of forks
 *   and exits, halved.  What is left is a scenario with a step each, on stacks
 *   that have names, and its shrinking is that of all scenarios (shrink.c).
 * 2 Representation.  Operations up to the one that violated; each fork is of a
 *   thread of its own, so that any of them can go, with its exit.
 * 3 Invariants.  None of its own.
 * 4 Cost.  A replay a candidate, without figures; bounded as shrink.h says.
 * 5 Fidelity.  None claimed.
 */
#include "run/replay_shrink.h"

#include <inttypes.h>
#include <string.h>

#include "in/yaml.h"
#include "out/mem.h"

/* Few enough for the steps of a scenario. */
enum { FEW = 64 };

struct cut {
	const struct kv_replay_config *cfg;
	const struct kv_policy *policy;
	char id[KV_REPLAY_ID];
	struct kv_thread_op *ops; /* that reproduce, owned */
	size_t nops;
	uint32_t nthreads; /* one a fork */
	uint64_t resident;
	struct kv_shrunk *result;
	uint64_t done; /* operations of candidates */
};

/* ---- Candidates ------------------------------------------------------- */

/* Until the one that violated, each fork of a thread of its own. */
static void
cut_init(struct cut *c, const struct kv_replay *found)
{
	const struct kv_thread_trace *t = c->cfg->trace;
	uint32_t *now = kv_mem_resize(NULL, t->nthreads, sizeof(*now));

	c->nops = found->op < t->nops ? found->op + 1 : t->nops;
	c->ops = kv_mem_resize(NULL, c->nops, sizeof(*c->ops));
	for (size_t i = 0; i < c->nops; i++) {
		c->ops[i] = t->ops[i];
		if (t->ops[i].what == KV_THREAD_FORK)
			now[t->ops[i].thread] = c->nthreads++;
		c->ops[i].thread = now[t->ops[i].thread];
	}
	c->resident = c->cfg->resident;
	kv_mem_free(now);
}

static bool
reproduces(struct cut *c, const struct kv_thread_op *ops, size_t nops,
    uint64_t resident)
{
	struct kv_thread_trace trace = {.nops = nops,
	    .nthreads = c->nthreads,
	    .peak = nops,
	    .ndomains = c->cfg->trace->ndomains};
	struct kv_replay_config cfg = *c->cfg;
	struct kv_replay replay = {0};
	char id[KV_REPLAY_ID] = "";

	trace.ops = kv_mem_resize(NULL, nops, sizeof(*ops));
	for (size_t i = 0; i < nops; i++)
		trace.ops[i] = ops[i];
	cfg.trace = &trace;
	cfg.resident = resident;
	cfg.nsamples = 0;
	cfg.tap = (struct kv_tap){0};
	cfg.lean = true;
	c->result->runs++;
	c->done += nops + resident;
	if (kv_replay_run(&cfg, c->policy, &replay) == 0 &&
	    (replay.violated || replay.panicked))
		kv_replay_id(&replay, id);
	kv_replay_fini(&replay);
	kv_mem_free(trace.ops);
	return strcmp(id, c->id) == 0;
}

static bool
is_over(const struct cut *c)
{
	return c->result->runs >= KV_SHRINK_RUNS || c->done >= KV_SHRINK_OPS;
}

/* Without [first, first + n), and exits of threads that are not there. */
static bool
without(struct cut *c, size_t first, size_t n)
{
	struct kv_thread_op *ops = kv_mem_resize(NULL, c->nops, sizeof(*ops));
	bool *there = kv_mem_resize(NULL, c->nthreads, sizeof(*there));
	size_t nops = 0;

	memset(there, 0, c->nthreads * sizeof(*there));
	for (size_t i = 0; i < c->nops; i++) {
		const struct kv_thread_op *op = &c->ops[i];

		if (i - first < n ||
		    (op->what == KV_THREAD_EXIT && !there[op->thread]))
			continue;
		there[op->thread] = true;
		ops[nops++] = *op;
	}
	kv_mem_free(there);
	if (!reproduces(c, ops, nops, c->resident)) {
		kv_mem_free(ops);
		return false;
	}
	kv_mem_free(c->ops);
	c->ops = ops;
	c->nops = nops;
	return true;
}

static void
cut_ops(struct cut *c)
{
	for (size_t size = (c->nops + 1) / 2; size != 0; size /= 2)
		for (size_t end = c->nops; end != 0 && !is_over(c);) {
			size_t first = end > size ? end - size : 0;

			if (c->nops <= FEW)
				return;
			without(c, first, end - first);
			end = first < c->nops ? first : c->nops;
		}
}

static void
cut_residents(struct cut *c)
{
	if (c->resident != 0 && reproduces(c, c->ops, c->nops, 0))
		c->resident = 0;
	while (c->resident > 1 && !is_over(c) &&
	       reproduces(c, c->ops, c->nops, c->resident / 2))
		c->resident /= 2;
}

/* ---- The scenario ----------------------------------------------------- */

static void
put_machine(const struct cut *c, struct kv_buf *b)
{
	unsigned ndomains = c->cfg->trace->ndomains;

	kv_buf_printf(b, "machine: {name: %s, domains: %u, memory: [",
	    c->cfg->machine->name, ndomains);
	for (unsigned i = 0; i < ndomains; i++)
		kv_buf_printf(b,
		    "%s{start: 0x%" PRIx64 ", size: 0x%" PRIx64 ", domain: %u}",
		    i == 0 ? "" : ", ",
		    KV_REPLAY_MEMORY_START + i * KV_REPLAY_MEMORY,
		    KV_REPLAY_MEMORY, i);
	kv_buf_printf(b, "]}\n");
}

static void
put_op(const struct cut *c, const struct kv_thread_op *op, struct kv_buf *b)
{
	if (op->what == KV_THREAD_EXIT) {
		kv_buf_printf(
		    b, "  - dispose: {name: thread%" PRIu32 "}\n", op->thread);
		return;
	}
	kv_buf_printf(b, "  - spawn: {as: thread%" PRIu32, op->thread);
	if (op->npages != 0)
		kv_buf_printf(b, ", pages: %u", op->npages);
	if (c->cfg->trace->ndomains > 1)
		kv_buf_printf(b, ", domain: %u", op->domain);
	kv_buf_printf(b, "}\n");
}

static void
put_scenario(const struct cut *c, const char *inject, struct kv_buf *b)
{
	kv_buf_printf(b, "kvasir: 1\n");
	put_machine(c, b);
	kv_buf_printf(
	    b, "kstacks: {policy: %s, first_kva: 0}\n", c->policy->name);
	if (inject != NULL)
		kv_buf_printf(b, "inject: [%s]\n", inject);
	kv_buf_printf(b, "work:\n");
	if (c->resident != 0)
		kv_buf_printf(b, "  - spawn: {count: %" PRIu64 ", domain: 0}\n",
		    c->resident);
	for (size_t i = 0; i < c->nops; i++)
		put_op(c, &c->ops[i], b);
	if (c->resident == 0 && c->nops == 0)
		kv_buf_printf(b, "  - idle: {operations: 1}\n");
}

static void
shrink_scenario(
    struct cut *c, const char *inject, uint64_t seed, struct kv_shrunk *result)
{
	struct kv_once_config cfg = {
	    .run = {.seed = seed, .audit = c->cfg->audit}};
	struct kv_errors errors = {0};
	struct kv_pool pool = {0};
	struct kv_buf b = {0};
	struct kv_text text = {0};
	const struct kv_node *root;

	put_scenario(c, inject, &b);
	text = (struct kv_text){
	    .path = kv_mem_text("shrunk.yaml"), .data = b.data, .size = b.size};
	root = kv_yaml_parse(&text, &pool, &errors);
	if (root != NULL)
		kv_shrink_doc(kv_doc_copy(root), &cfg, c->id, result);
	kv_mem_free(text.path);
	kv_pool_fini(&pool);
	kv_errors_fini(&errors);
	kv_buf_fini(&b);
}

void
kv_replay_shrink(const struct kv_replay_config *cfg,
    const struct kv_replay *found, const char *inject, uint64_t seed,
    struct kv_shrunk *result)
{
	struct cut c = {.cfg = cfg, .policy = found->policy, .result = result};

	*result =
	    (struct kv_shrunk){.from = cfg->trace->nops + (cfg->resident != 0)};
	kv_replay_id(found, c.id);
	cut_init(&c, found);
	if (reproduces(&c, c.ops, c.nops, c.resident)) {
		cut_residents(&c);
		cut_ops(&c);
		cut_residents(&c);
	}
	shrink_scenario(&c, inject, seed, result);
	kv_mem_free(c.ops);
}
