/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vmem_park.c - frees that are put off are not seen
 *
 * Three arenas as kernel stacks have them, twice: a listener on the root of one
 * chain keeps it from putting anything off, so it is the other's model.
 */
#include <stdlib.h>

#include "alloc/arena.h"
#include "arenarig.h"
#include "kvtest.h"

/* Quanta: slots of 5, chunks of 35 + 5, aligned to 8 (freebsd.md 6). */
enum { SLOT = 5, IQ = 35, ALIGN = 8, DEPTH = 3, STEPS = 4000, LIVE = 100 };

struct chain {
	struct kv_host host;
	struct kv_vmem *vm[DEPTH];
	struct kv_link link[DEPTH];
};

static void
deaf(void *arg, const struct kv_event *event)
{
	(void)arg;
	(void)event;
}

static void
chain_open(struct chain *c, bool parks)
{
	struct kv_vmem_config cfg = {.name = "a", .quantum = Q};

	kv_host_libc(&c->host);
	cfg.host = &c->host;
	for (int i = 0; i < DEPTH; i++) {
		cfg.tap.fn = parks ? NULL : deaf;
		ck_assert_int_eq(kv_vmem_create(&cfg, &c->vm[i]), 0);
	}
	ck_assert_int_eq(kv_vmem_add(c->vm[0], 80 * Q, 4000 * Q), 0);
	c->link[1] = (struct kv_link){
	    .parent = c->vm[0], .align = ALIGN * Q, .quantum = ALIGN * Q};
	c->link[2] = (struct kv_link){.parent = c->vm[1],
	    .align = ALIGN * Q,
	    .quantum = IQ * Q,
	    .slot = SLOT * Q,
	    .origin = 80 * Q};
	ck_assert_int_eq(kv_link_set(c->vm[1], &c->link[1]), 0);
	ck_assert_int_eq(kv_link_set(c->vm[2], &c->link[2]), 0);
}

static void
chain_close(struct chain *c)
{
	for (int i = DEPTH - 1; i >= 0; i--)
		kv_vmem_destroy(c->vm[i]);
	ck_assert_uint_eq(c->host.bytes, 0);
}

static bool
parked(const struct kv_vmem *vm)
{
	return vm->parked != BT_NONE;
}

/* What can be seen of one arena, all of it but its metadata. */
static void
same(const struct kv_vmem *a, const struct kv_vmem *b)
{
	struct kv_vmem_stats s = kv_vmem_stats(a), t = kv_vmem_stats(b);

	ck_assert_uint_ge(s.fail, t.fail); /* the host failed some, too */
	s.fail = t.fail;
	ck_assert_mem_eq(&s, &t, sizeof(s));
	ck_assert_str_eq(picture(a).text, picture(b).text);
	for (unsigned i = 0; i < FREELIST_CLASSES; i++)
		ck_assert_str_eq(
		    class_picture(a, i).text, class_picture(b, i).text);
	ck_assert_uint_eq(kv_vmem_largest_free(a), kv_vmem_largest_free(b));
	ck_assert_uint_eq(a->spare, b->spare);
	arena_check(a);
}

static void
same_chains(const struct chain *a, const struct chain *b)
{
	for (int i = DEPTH - 1; i >= 0; i--)
		same(a->vm[i], b->vm[i]);
}

/* One block of one slot at quantum 80, freed without being looked at. */
static void
free_one(struct chain *c)
{
	kv_va_t va;

	ck_assert_int_eq(
	    kv_vmem_alloc(c->vm[2], SLOT * Q, KV_VMEM_BESTFIT, &va), 0);
	ck_assert_uint_eq(va, 80 * Q);
	ck_assert_int_eq(kv_vmem_free(c->vm[2], va, SLOT * Q, NULL), 0);
}

/* ---- What settles ----------------------------------------------------- */

enum look {
	STATS,
	WALK,
	CLASS,
	LARGEST,
	WHATIS,
	CHECK,
	LIMIT,
	SOURCE,
	ADD,
	TWICE,
	SMALLER,
	INSTANT,
	NEXT,
	LIMITED,
	OTHER,
	LOOKS
};

static int
count_seg(void *arg, const struct kv_vmem_seg *seg)
{
	uint64_t *sum = arg;

	*sum = *sum * 31 + seg->start + seg->size;
	return 0;
}

/* => something that depends on the state of the arena */
static uint64_t
look_at(struct kv_vmem *vm, enum look look)
{
	struct kv_vmem_req limited = {.size = SLOT * Q, .min = Q};
	struct kv_vmem_source source = vm->source;
	struct kv_vmem_seg seg = {0};
	kv_va_t va = 0;
	uint64_t sum = 0;
	int error = 0;

	switch (look) {
	case STATS:
		return kv_vmem_stats(vm).free + kv_vmem_stats(vm).size;
	case WALK:
		return (uint64_t)kv_vmem_walk(vm, count_seg, &sum) + sum;
	case CLASS:
		for (unsigned i = 0; i < FREELIST_CLASSES; i++)
			kv_vmem_walk_class(vm, i, count_seg, &sum);
		return sum;
	case LARGEST:
		return kv_vmem_largest_free(vm);
	case WHATIS:
		error = kv_vmem_whatis(vm, 81 * Q, &seg);
		return (uint64_t)error + seg.size + seg.kind;
	case CHECK:
		return (uint64_t)kv_vmem_check(vm, NULL);
	case LIMIT:
		kv_vmem_set_limit(vm, 2 * Q);
		break;
	case SOURCE:
		return source.import == NULL
			   ? 0
			   : (uint64_t)kv_vmem_set_source(vm, &source);
	case ADD:
		return (uint64_t)kv_vmem_add(vm, 5000 * Q, 3 * Q);
	case TWICE:
		return (uint64_t)kv_vmem_free(vm, 80 * Q, SLOT * Q, NULL);
	case SMALLER:
		return (uint64_t)kv_vmem_xfree(vm, 80 * Q, 2 * Q, NULL);
	case INSTANT:
		error = kv_vmem_alloc(vm, SLOT * Q, KV_VMEM_FIRSTFIT, &va);
		break;
	case NEXT:
		error = kv_vmem_alloc(vm, SLOT * Q, KV_VMEM_NEXTFIT, &va);
		break;
	case LIMITED:
		error = kv_vmem_xalloc(vm, &limited, &va);
		break;
	case OTHER:
		error = kv_vmem_alloc(vm, Q, KV_VMEM_BESTFIT, &va);
		break;
	case LOOKS:
		break;
	}
	return va + (uint64_t)error;
}

/* Each way to look, at each arena, after one or several pairs. */
START_TEST(every_look_settles)
{
	int look = _i % LOOKS, depth = _i / LOOKS % DEPTH;
	int pairs = 1 + _i / LOOKS / DEPTH * 2;
	struct chain a, b;

	chain_open(&a, true);
	chain_open(&b, false);
	for (int i = 0; i < pairs; i++) {
		free_one(&a);
		free_one(&b);
	}
	ck_assert(parked(a.vm[2]));
	ck_assert(!parked(b.vm[2]));
	ck_assert_uint_eq(look_at(a.vm[depth], (enum look)look),
	    look_at(b.vm[depth], (enum look)look));
	/* requests and frees in the arena itself leave the span alone; the root
	 * has no source to be set */
	if (depth == 2 ? look < SOURCE : depth == 1 || look != SOURCE)
		ck_assert(!parked(a.vm[2]));
	same_chains(&a, &b);
	chain_close(&a);
	chain_close(&b);
}
END_TEST

/* Destroyed with a free owed: the source has its block back all the same. */
START_TEST(destroy_settles)
{
	struct chain c;

	chain_open(&c, true);
	free_one(&c);
	ck_assert(parked(c.vm[2]));
	kv_vmem_destroy(c.vm[2]);
	c.vm[2] = NULL;
	ck_assert(parked(c.vm[1]));
	kv_vmem_destroy(c.vm[1]);
	c.vm[1] = NULL;
	PICTURE_IS(c.vm[0], "c S f4000");
	chain_close(&c);
}
END_TEST

/* A chunk whose last slot is not its first comes back all the same. */
START_TEST(parks_whatever_was_last)
{
	struct chain c;

	chain_open(&c, true);
	ck_assert_uint_eq(best(c.vm[2], SLOT), 80);
	ck_assert_uint_eq(best(c.vm[2], SLOT), 85);
	ck_assert_int_eq(kv_vmem_free(c.vm[2], 80 * Q, SLOT * Q, NULL), 0);
	ck_assert(!parked(c.vm[2]));
	ck_assert_int_eq(kv_vmem_free(c.vm[2], 85 * Q, SLOT * Q, NULL), 0);
	ck_assert(parked(c.vm[2]));
	ck_assert_uint_eq(best(c.vm[2], SLOT), 80);
	ck_assert(!parked(c.vm[2]));
	ck_assert_uint_eq(kv_vmem_stats(c.vm[1]).import, 2);
	ck_assert_uint_eq(kv_vmem_stats(c.vm[1]).release, 1);
	ck_assert_uint_eq(kv_vmem_stats(c.vm[0]).alloc, 2);
	chain_close(&c);
}
END_TEST

/* ---- Where it would be seen -------------------------------------------- */

enum { TAKE, GIVE, LIMIT_TO, END };

struct step {
	int what, arena;
	uint64_t size, align; /* quanta */
	unsigned block;	      /* GIVE: which TAKE's; TAKE: the fit */
};

/* Sequences in which what comes back is not what was there, or goes wrong. */
static const struct script {
	bool plain; /* no alignments, no slots */
	struct step step[12];
} scripts[] = {
    /* the span was larger, for the alignment's sake */
    {false, {{TAKE, 1, 5, 16, 0}, {GIVE, 1, 5, 0, 0}, {TAKE, 1, 5, 0, 0},
		{END, 0, 0, 0, 0}}},
    /* the same size comes back on another alignment */
    {false, {{TAKE, 2, 5, 0, 0}, {TAKE, 2, 5, 0, 0}, {GIVE, 2, 5, 0, 0},
		{GIVE, 2, 5, 0, 1}, {TAKE, 1, 40, 16, 0}, {END, 0, 0, 0, 0}}},
    /* what went back is more than may come */
    {false, {{TAKE, 2, 5, 0, 0}, {LIMIT_TO, 2, 34, 0, 0}, {GIVE, 2, 5, 0, 0},
		{TAKE, 2, 5, 0, 0}, {END, 0, 0, 0, 0}}},
    {false, {{TAKE, 2, 5, 0, 0}, {LIMIT_TO, 1, 39, 0, 0}, {GIVE, 2, 5, 0, 0},
		{TAKE, 2, 5, 0, 0}, {END, 0, 0, 0, 0}}},
    /* the chunk is freed behind the arena's back (freebsd-F6), while nothing
     * is held, while it is, and while the span is free already */
    {true, {{TAKE, 2, 5, 0, 0}, {GIVE, 1, 40, 0, 0}, {GIVE, 2, 5, 0, 0},
	       {END, 0, 0, 0, 0}}},
    {true, {{TAKE, 2, 5, 0, 0}, {GIVE, 2, 5, 0, 0}, {TAKE, 2, 5, 0, 0},
	       {GIVE, 1, 40, 0, 0}, {GIVE, 2, 5, 0, 0}, {END, 0, 0, 0, 0}}},
    {true, {{TAKE, 2, 5, 0, 0}, {GIVE, 2, 5, 0, 0}, {GIVE, 1, 40, 0, 0},
	       {TAKE, 2, 5, 0, 0}, {END, 0, 0, 0, 0}}},
    /* the span was larger, for it was made for more */
    {false, {{TAKE, 1, 100, 0, 0}, {TAKE, 1, 4, 0, 0}, {GIVE, 1, 100, 0, 0},
		{TAKE, 2, 5, 0, 0}, {GIVE, 1, 4, 0, 1}, {GIVE, 2, 5, 0, 2},
		{TAKE, 2, 5, 0, 0}, {END, 0, 0, 0, 0}}},
    /* instant fit would have the source take another block */
    {false, {{TAKE, 2, 5, 0, 0}, {TAKE, 1, 16, 0, 0}, {TAKE, 1, 70, 0, 0},
		{TAKE, 1, 2, 0, 0}, {GIVE, 1, 70, 0, 2}, {GIVE, 2, 5, 0, 0},
		{TAKE, 2, 5, 0, KV_VMEM_FIRSTFIT}, {END, 0, 0, 0, 0}}},
    {false, {{TAKE, 2, 5, 0, 0}, {TAKE, 1, 16, 0, 0}, {TAKE, 1, 70, 0, 0},
		{TAKE, 1, 2, 0, 0}, {GIVE, 1, 70, 0, 2}, {GIVE, 2, 5, 0, 0},
		{TAKE, 2, 5, 8, KV_VMEM_FIRSTFIT}, {END, 0, 0, 0, 0}}},
    /* taken, given and taken by other sizes in turn */
    {true, {{TAKE, 2, 5, 0, 0}, {GIVE, 2, 5, 0, 0}, {TAKE, 2, 6, 0, 0},
	       {GIVE, 2, 6, 0, 1}, {TAKE, 2, 5, 0, 0}, {END, 0, 0, 0, 0}}},
    /* a source that never brings another size: the rest of its block's span is
     * large enough */
    {false, {{TAKE, 1, 100, 16, 0}, {TAKE, 1, 36, 0, 0}, {GIVE, 1, 100, 0, 0},
		{TAKE, 2, 5, 0, 0}, {GIVE, 2, 5, 0, 2}, {TAKE, 2, 36, 0, 0},
		{END, 0, 0, 0, 0}}},
};

static int
run_step(struct chain *c, const struct step *s, kv_va_t *block, unsigned *n)
{
	struct kv_vmem_req rq = {.size = s->size * Q,
	    .align = s->align * Q,
	    .fit = (enum kv_vmem_fit)s->block};

	if (s->what == TAKE && rq.align == 0)
		return kv_vmem_alloc(
		    c->vm[s->arena], rq.size, rq.fit, &block[(*n)++]);
	if (s->what == TAKE)
		return kv_vmem_xalloc(c->vm[s->arena], &rq, &block[(*n)++]);
	if (s->what == GIVE)
		return kv_vmem_xfree(
		    c->vm[s->arena], block[s->block], s->size * Q, NULL);
	kv_vmem_set_limit(c->vm[s->arena], s->size * Q);
	return 0;
}

START_TEST(only_what_comes_back)
{
	const struct script *script = &scripts[_i];
	kv_va_t x[12] = {0}, y[12] = {0};
	unsigned n = 0, m = 0;
	struct chain a, b;

	chain_open(&a, true);
	chain_open(&b, false);
	for (int i = 1; script->plain && i < DEPTH; i++) {
		a.link[i] =
		    (struct kv_link){.parent = a.vm[i - 1], .quantum = 40 * Q};
		b.link[i] =
		    (struct kv_link){.parent = b.vm[i - 1], .quantum = 40 * Q};
		ck_assert_int_eq(kv_link_set(a.vm[i], &a.link[i]), 0);
		ck_assert_int_eq(kv_link_set(b.vm[i], &b.link[i]), 0);
	}
	for (const struct step *s = script->step; s->what != END; s++) {
		ck_assert_int_eq(
		    run_step(&a, s, x, &n), run_step(&b, s, y, &m));
		ck_assert_mem_eq(x, y, sizeof(x));
	}
	same_chains(&a, &b);
	chain_close(&a);
	chain_close(&b);
}
END_TEST

/*
 * Arenas of other quanta: spans of the middle one are 2.5 of its quanta, and
 * join, so that a segment may be followed by one that is less than a quantum,
 * or be larger than what was asked for.
 */
static void
odd_spans(bool parks, uint64_t iq, uint64_t chunk, struct kv_vmem_stats *stats,
    struct picture *seen)
{
	static const uint64_t quantum[] = {1024, 4096, 4096};
	struct kv_vmem_config cfg = {.name = "a"};
	struct chain c;
	kv_va_t va, other;

	kv_host_libc(&c.host);
	cfg.host = &c.host;
	cfg.tap.fn = parks ? NULL : deaf;
	for (int i = 0; i < DEPTH; i++) {
		cfg.quantum = quantum[i];
		ck_assert_int_eq(kv_vmem_create(&cfg, &c.vm[i]), 0);
	}
	ck_assert_int_eq(kv_vmem_add(c.vm[0], 1 << 20, 1 << 20), 0);
	c.link[1] =
	    (struct kv_link){.parent = c.vm[0], .quantum = iq, .keep = true};
	c.link[2] = (struct kv_link){.parent = c.vm[1], .quantum = chunk};
	ck_assert_int_eq(kv_link_set(c.vm[1], &c.link[1]), 0);
	ck_assert_int_eq(kv_link_set(c.vm[2], &c.link[2]), 0);
	ck_assert_int_eq(kv_vmem_alloc(c.vm[2], 4096, KV_VMEM_BESTFIT, &va), 0);
	/* the middle arena grows behind it, and is left alone again */
	ck_assert_int_eq(
	    kv_vmem_alloc(c.vm[1], iq, KV_VMEM_BESTFIT, &other), 0);
	ck_assert_int_eq(kv_vmem_free(c.vm[1], other, iq, NULL), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kv_vmem_free(c.vm[2], va, 4096, NULL), 0);
		ck_assert_int_eq(
		    kv_vmem_alloc(c.vm[2], 4096, KV_VMEM_BESTFIT, &va), 0);
	}
	for (int i = DEPTH - 1; i >= 0; i--) {
		stats[i] = kv_vmem_stats(c.vm[i]);
		seen[i] = picture(c.vm[i]);
		arena_check(c.vm[i]);
	}
	chain_close(&c);
}

START_TEST(other_quanta)
{
	/* what the middle arena imports, and the last one asks it for */
	static const uint64_t sizes[][2] = {{3072, 12288}, {3072, 4096},
	    {10240, 8192}, {10240, 20480}, {10240, 10240}, {1024, 5120}};
	struct kv_vmem_stats s[DEPTH], t[DEPTH];
	struct picture p[DEPTH], q[DEPTH];

	odd_spans(true, sizes[_i][0], sizes[_i][1], s, p);
	odd_spans(false, sizes[_i][0], sizes[_i][1], t, q);
	ck_assert_mem_eq(s, t, sizeof(s));
	for (int i = 0; i < DEPTH; i++)
		ck_assert_str_eq(p[i].text, q[i].text);
}
END_TEST

/* ---- Another size ------------------------------------------------------- */

static const struct resized {
	uint64_t quantum[DEPTH], iq[DEPTH]; /* bytes; of an arena without: 0 */
	uint64_t align, pin; /* of the last arena's spans; stays in between */
	bool keep;	     /* the arena between keeps its spans */
	uint64_t size[2];
} resized[] = {
    /* larger, smaller, all that is there, more than that */
    {{Q, Q, Q}, {0, 16 * Q, Q}, 0, Q, false, {3 * Q, 5 * Q}},
    {{Q, Q, Q}, {0, 16 * Q, Q}, 0, Q, false, {5 * Q, 3 * Q}},
    {{Q, Q, Q}, {0, 16 * Q, Q}, 0, Q, false, {5 * Q, 15 * Q}},
    {{Q, Q, Q}, {0, 16 * Q, Q}, 0, Q, false, {5 * Q, 16 * Q}},
    /* the arena between gives its span back and asks for less */
    {{Q, Q, Q}, {0, 8 * Q, 8 * Q}, 8 * Q, 0, false, {40 * Q, 16 * Q}},
    /* no whole quanta of the source: asked for, and left */
    {{Q, Q, Q / 4}, {0, 16 * Q, Q / 4}, 0, Q, false, {Q, 5 * Q / 4}},
    {{Q / 4, Q, Q}, {0, 5 * Q / 2, Q}, 0, 0, true, {Q, 2 * Q}},
};

/* Open a chain of such arenas. */
static void
resized_open(struct chain *c, const struct resized *r, bool parks)
{
	struct kv_vmem_config cfg = {.name = "a", .host = &c->host};

	kv_host_libc(&c->host);
	cfg.tap.fn = parks ? NULL : deaf;
	for (int i = 0; i < DEPTH; i++) {
		cfg.quantum = r->quantum[i];
		ck_assert_int_eq(kv_vmem_create(&cfg, &c->vm[i]), 0);
	}
	ck_assert_int_eq(kv_vmem_add(c->vm[0], 80 * Q, 4000 * Q), 0);
	for (int i = 1; i < DEPTH; i++) {
		c->link[i] = (struct kv_link){.parent = c->vm[i - 1],
		    .align = i == 2 ? r->align : 0,
		    .keep = i == 1 && r->keep,
		    .quantum = r->iq[i]};
		ck_assert_int_eq(kv_link_set(c->vm[i], &c->link[i]), 0);
	}
}

/* => where both sizes went, in turn, as a sum that tells */
static uint64_t
resized_run(struct chain *c, const struct resized *r)
{
	uint64_t sum = 0;
	kv_va_t va = 0;

	if (r->pin != 0)
		ck_assert_int_eq(
		    kv_vmem_alloc(c->vm[1], r->pin, KV_VMEM_BESTFIT, &va), 0);
	for (int i = 0; i < 5; i++) {
		uint64_t size = r->size[i % 2];

		ck_assert_int_eq(
		    kv_vmem_alloc(c->vm[2], size, KV_VMEM_BESTFIT, &va), 0);
		sum = sum * 31 + va;
		ck_assert_int_eq(kv_vmem_free(c->vm[2], va, size, NULL), 0);
	}
	ck_assert_int_eq(
	    kv_vmem_alloc(c->vm[2], r->size[1], KV_VMEM_BESTFIT, &va), 0);
	return sum * 31 + va;
}

START_TEST(another_size)
{
	const struct resized *r = &resized[_i];
	struct chain a, b;

	resized_open(&a, r, true);
	resized_open(&b, r, false);
	ck_assert_uint_eq(resized_run(&a, r), resized_run(&b, r));
	same_chains(&a, &b);
	chain_close(&a);
	chain_close(&b);
}
END_TEST

/* A parked span that starts between two quanta of its arena: a request leaves
 * the part before the first one. */
static void
unaligned_span(bool parks, kv_va_t *va, struct picture *seen)
{
	struct kv_vmem_config cfg = {.name = "a", .quantum = 1024};
	struct kv_vmem *source, *vm;
	struct kv_link link = {.quantum = 10240};
	struct kv_host host;

	kv_host_libc(&host);
	cfg.host = &host;
	cfg.tap.fn = parks ? NULL : deaf;
	ck_assert_int_eq(kv_vmem_create(&cfg, &source), 0);
	cfg.quantum = 4096;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_vmem_add(source, (1 << 20) + 1024, 1 << 20), 0);
	link.parent = source;
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    kv_vmem_alloc(vm, 4096, KV_VMEM_BESTFIT, &va[i]), 0);
		if (i == 2)
			*seen = picture(vm);
		ck_assert_int_eq(kv_vmem_free(vm, va[i], 4096, NULL), 0);
		ck_assert(parked(vm) == parks);
	}
	kv_vmem_destroy(vm);
	kv_vmem_destroy(source);
}

START_TEST(starts_between_quanta)
{
	kv_va_t x[3], y[3];
	struct picture p, q;

	unaligned_span(true, x, &p);
	unaligned_span(false, y, &q);
	ck_assert_mem_eq(x, y, sizeof(x));
	ck_assert_str_eq(p.text, q.text);
}
END_TEST

/* ---- Anything at random ------------------------------------------------ */

static uint64_t
rnd(uint64_t *x, uint64_t below)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*x >> 33) % below;
}

struct blocks {
	struct {
		int arena;
		kv_va_t va;
		uint64_t size;
	} live[LIVE];
	unsigned n, refused; /* refused: for lack of metadata */
};

/* The same request to both; the one that parks meets a failing host now and
 * then, and asks again. */
static void
take(struct chain *a, struct chain *b, struct blocks *l, uint64_t *x,
    uint64_t fail_at)
{
	bool usual = rnd(x, 60) != 0;
	int arena = usual ? 2 : (int)rnd(x, DEPTH), errors[2];
	struct kv_vmem_req rq = {.size = SLOT * Q};
	kv_va_t va[2] = {0, 0};
	uint64_t calls;

	if (!usual) {
		rq.size = (1 + rnd(x, 12)) * Q;
		rq.fit = (enum kv_vmem_fit)rnd(x, 3);
		rq.align = rnd(x, 2) * 4 * Q;
	}
	kv_host_fail_at(&a->host, fail_at);
	calls = a->host.calls;
	errors[0] = kv_vmem_xalloc(a->vm[arena], &rq, &va[0]);
	kv_host_fail_at(&a->host, 0);
	if (errors[0] != 0 && a->host.calls != calls) {
		l->refused++;
		errors[0] = kv_vmem_xalloc(a->vm[arena], &rq, &va[0]);
	}
	errors[1] = kv_vmem_xalloc(b->vm[arena], &rq, &va[1]);
	ck_assert_int_eq(errors[0], errors[1]);
	ck_assert_uint_eq(va[0], va[1]);
	if (errors[0] == 0) {
		l->live[l->n].arena = arena;
		l->live[l->n].va = va[0];
		l->live[l->n++].size = rq.size;
	}
}

static void
give(struct chain *a, struct chain *b, struct blocks *l, uint64_t *x)
{
	unsigned i = (unsigned)rnd(x, l->n);
	int arena = l->live[i].arena;

	kv_host_fail_at(&a->host, 1); /* a free needs no memory */
	ck_assert_int_eq(
	    kv_vmem_xfree(a->vm[arena], l->live[i].va, l->live[i].size, NULL),
	    0);
	kv_host_fail_at(&a->host, 0);
	ck_assert_int_eq(
	    kv_vmem_xfree(b->vm[arena], l->live[i].va, l->live[i].size, NULL),
	    0);
	l->live[i] = l->live[--l->n];
}

/* Few blocks live, so that chunks come and go; now and then all is compared. */
START_TEST(twins)
{
	uint64_t x = (uint64_t)_i;
	struct blocks l = {.n = 0};
	struct chain a, b;
	unsigned seen[DEPTH] = {0};

	chain_open(&a, true);
	chain_open(&b, false);
	for (unsigned i = 0; i < STEPS; i++) {
		if (l.n == LIVE || (l.n > 0 && rnd(&x, 100) < 52))
			give(&a, &b, &l, &x);
		else
			take(&a, &b, &l, &x, 0);
		for (int j = 0; j < DEPTH; j++)
			seen[j] += parked(a.vm[j]);
		if (rnd(&x, 20) == 0)
			same(a.vm[i % DEPTH], b.vm[i % DEPTH]);
	}
	ck_assert_uint_gt(seen[1] + seen[2], 50);
	same_chains(&a, &b);
	chain_close(&a);
	chain_close(&b);
}
END_TEST

/* In every n-th request the host refuses what is asked of it: the answer is
 * ENOMEM and nothing else, and a free that waits is done without memory. */
START_TEST(without_memory)
{
	uint64_t n = (uint64_t)_i, x = 7;
	struct blocks l = {.n = 0};
	struct chain a, b;

	chain_open(&a, true);
	chain_open(&b, false);
	/* many small blocks: tags and hashes of all three grow, over and over
	 */
	for (unsigned i = 0; i < 2000; i++) {
		if (l.n == LIVE || (l.n > 0 && rnd(&x, 100) < 45))
			give(&a, &b, &l, &x);
		else
			take(&a, &b, &l, &x, i % n == 0);
	}
	same_chains(&a, &b);
	ck_assert_uint_gt(l.refused, 0);
	chain_close(&a);
	chain_close(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vmem park");
	TCase *t = tcase_create("frees put off");

	tcase_add_loop_test(t, every_look_settles, 0, 3 * LOOKS * DEPTH);
	tcase_add_test(t, destroy_settles);
	tcase_add_test(t, parks_whatever_was_last);
	tcase_add_loop_test(t, only_what_comes_back, 0,
	    (int)(sizeof(scripts) / sizeof(scripts[0])));
	tcase_add_loop_test(t, other_quanta, 0, 6);
	tcase_add_loop_test(
	    t, another_size, 0, (int)(sizeof(resized) / sizeof(resized[0])));
	tcase_add_test(t, starts_between_quanta);
	tcase_add_loop_test(t, twins, 1, 25);
	tcase_add_loop_test(t, without_memory, 1, 4);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
