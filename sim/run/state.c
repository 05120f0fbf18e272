/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c - all that a run has, as text: to compare, to show, to recognise
 *
 * 1 Concepts.  A state is what somebody has (stacks, blocks, pages of objects,
 *   mappings) and how the rest stands (segments and classes of arenas, queues
 *   of memory, reservations, tables).  A step that failed must leave the first
 *   as it was; the second may differ, as a kernel's does: KVA imported on the
 *   way stays, what was freed again stands elsewhere in its list.
 * 2 Representation.  Lines of text: equal texts are equal states, and what
 *   differs can be shown.  Mappings are runs of base pages, so that a leaf that
 *   was split says the same as before (V5 of systems.md).
 * 3 Invariants (reported as V8).
 *   A step that failed changed nothing, or exactly the part of its range that
 *   it says it did.
 * 4 Cost.  A walk over everything.
 * 5 Fidelity.  None claimed: nobody has such a view of a kernel.
 */
#include "run/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/sort.h"

/* ---- Arenas ---------------------------------------------------------- */

struct writer {
	const struct kv_run *run;
	struct kv_state *s;
	struct kv_buf *out;
	const char *name;
	uint64_t n; /* of what is walked */
};

static int
put_segment(void *arg, const struct kv_vmem_seg *seg)
{
	static const char *const kinds[] = {[KV_VMEM_SPAN] = "span",
	    [KV_VMEM_STATIC] = "static span",
	    [KV_VMEM_FREE] = "free",
	    [KV_VMEM_BUSY] = "busy",
	    [KV_VMEM_CURSOR] = "cursor"};
	struct writer *w = arg;

	kv_buf_printf(w->out,
	    "arena %s %" PRIu64 ": %s 0x%" PRIx64 " 0x%" PRIx64 "\n", w->name,
	    w->n++, kinds[seg->kind], seg->start, seg->size);
	return 0;
}

static int
put_busy(void *arg, const struct kv_vmem_seg *seg)
{
	struct writer *w = arg;

	if (seg->kind == KV_VMEM_BUSY)
		kv_buf_printf(w->out,
		    "block of %s: 0x%" PRIx64 " 0x%" PRIx64 "\n", w->name,
		    seg->start, seg->size);
	return 0;
}

static int
put_start(void *arg, const struct kv_vmem_seg *seg)
{
	struct writer *w = arg;

	if (w->n++ == 0)
		kv_buf_printf(w->out, "class of %s:", w->name);
	kv_buf_printf(w->out, " 0x%" PRIx64, seg->start);
	return 0;
}

/* Segments in their order, classes in theirs. */
static void
put_arena(struct writer *w, const struct kv_vmem *vm)
{
	enum { CLASSES = 90 };

	w->out = &w->s->rest;
	w->name = kv_vmem_name(vm);
	w->n = 0;
	kv_vmem_walk(vm, put_segment, w);
	for (unsigned class = 0; class < CLASSES; class ++) {
		w->n = 0;
		kv_vmem_walk_class(vm, class, put_start, w);
		if (w->n != 0)
			kv_buf_printf(w->out, "\n");
	}
}

static bool
is_source(const struct kv_scenario *sc, size_t arena)
{
	for (size_t i = 0; i < sc->narenas; i++)
		if (sc->arenas[i].parent == (int)arena)
			return true;
	return false;
}

/* What is busy in an arena from which others import is theirs, not used; the
 * drain finds what is lost of it. */
static void
put_arenas(struct writer *w)
{
	const struct kv_run *run = w->run;
	const struct kv_vmem *vm;
	unsigned k;
	size_t i;

	for (k = 0;
	     run->world != NULL && (vm = kv_world_arena(run->world, k)) != NULL;
	     k++)
		put_arena(w, vm);
	for (i = 0; i < run->sc->narenas; i++) {
		put_arena(w, run->arenas[i]);
		w->out = &w->s->used;
		if (!is_source(run->sc, i) &&
		    run->sc->arenas[i].qcache_max == 0)
			kv_vmem_walk(run->arenas[i], put_busy, w);
	}
}

/* ---- Stacks and objects ---------------------------------------------- */

static void
put_stack(struct writer *w, const struct kv_stack *stack)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	bool whole = kv_stack_pages(w->run->world->kstack, stack, pfns) == 0;

	kv_buf_printf(&w->s->used,
	    "stack 0x%" PRIx64 ": domain %u, pindex %" PRIu64 ", frames",
	    stack->ks, stack->domain, stack->pindex);
	for (unsigned i = 0; i < stack->npages && whole; i++)
		kv_buf_printf(&w->s->used, " 0x%" PRIx64, pfns[i]);
	kv_buf_printf(
	    &w->s->used, "%s\n", whole ? "" : " that are not all there");
}

/* In order of address: which entry a stack has does not matter. */
static void
put_stacks(struct writer *w)
{
	const struct kv_world *world = w->run->world;
	struct kv_keyed *order =
	    kv_mem_resize(NULL, world->nstacks, sizeof(*order));

	for (size_t i = 0; i < world->nstacks; i++)
		order[i] = (struct kv_keyed){world->stacks[i].ks, i};
	kv_keyed_sort(order, world->nstacks);
	for (size_t i = 0; i < world->nstacks; i++)
		put_stack(w, &world->stacks[order[i].index]);
	kv_mem_free(order);
	if (world->kstack != NULL)
		kv_buf_printf(&w->s->rest, "turn %" PRIu64 "\n",
		    kv_kstack_stats(world->kstack).turn % world->spec.ndomains);
}

/* Pages of an object in a row, on frames in a row. */
struct pages {
	struct writer *w;
	kv_pindex_t pindex;
	kv_pfn_t pfn;
	uint64_t count;
};

static void
put_pages(const struct pages *p)
{
	if (p->count != 0)
		kv_buf_printf(&p->w->s->used,
		    "pages of %s: pindex %" PRIu64 ", %" PRIu64
		    ", frames from 0x%" PRIx64 "\n",
		    p->w->name, p->pindex, p->count, p->pfn);
}

static int
add_page(void *arg, kv_pindex_t pindex, kv_pfn_t pfn)
{
	struct pages *p = arg;

	if (pindex != p->pindex + p->count || pfn != p->pfn + p->count) {
		put_pages(p);
		*p = (struct pages){p->w, pindex, pfn, 0};
	}
	p->count++;
	return 0;
}

static void
put_objects(struct writer *w)
{
	const struct kv_world *world = w->run->world;

	for (size_t i = 0; i < world->nobjects; i++) {
		struct pages p = {.w = w};

		w->name = kv_object_config(world->objects[i])->name;
		kv_object_walk(world->objects[i], add_page, &p);
		put_pages(&p);
	}
}

/* ---- Memory ---------------------------------------------------------- */

/* Blocks come queue by queue, in the order in which they stand there. */
struct queues {
	struct writer *w;
	struct kv_phys_block last;
	bool open;
};

static int
put_block(void *arg, const struct kv_phys_block *b)
{
	struct queues *q = arg;
	struct kv_buf *out = &q->w->s->rest;

	if (!q->open || b->domain != q->last.domain ||
	    b->list != q->last.list || b->pool != q->last.pool ||
	    b->order != q->last.order)
		kv_buf_printf(out,
		    "%squeue %u.%u.%u order %u:", q->open ? "\n" : "",
		    b->domain, b->list, b->pool, b->order);
	kv_buf_printf(out, " 0x%" PRIx64, b->pfn);
	q->last = *b;
	q->open = true;
	return 0;
}

static int
put_reservation(void *arg, const struct kv_reserv_info *r)
{
	struct writer *w = arg;

	kv_buf_printf(w->out,
	    "reservation 0x%" PRIx64 ": %s pindex %" PRIu64 ", pages", r->pfn,
	    kv_object_config(r->object)->name, r->pindex);
	for (unsigned i = 0; i < r->npages / 64; i++)
		if (r->popmap[i] != 0)
			kv_buf_printf(w->out, " %u:%" PRIx64, i, r->popmap[i]);
	kv_buf_printf(w->out, "\n");
	return 0;
}

static int
put_queued(void *arg, const struct kv_reserv_info *r)
{
	struct writer *w = arg;

	kv_buf_printf(w->out, " 0x%" PRIx64, r->pfn);
	return 0;
}

static bool
caches(const struct kv_world *world)
{
	return world->page_cache != NULL || world->stack_cache != NULL;
}

static void
put_memory(struct writer *w)
{
	const struct kv_world *world = w->run->world;
	struct queues q = {.w = w};

	w->out = &w->s->rest;
	kv_phys_walk(world->phys, put_block, &q);
	kv_buf_printf(w->out, "\n");
	kv_reserv_walk(world->reserv, NULL, put_reservation, w);
	for (unsigned d = 0; d < kv_phys_domains(world->phys); d++) {
		kv_buf_printf(&w->s->rest, "partial queue %u:", d);
		kv_reserv_walk_queue(world->reserv, d, put_queued, w);
		kv_buf_printf(&w->s->rest, "\n");
		if (!caches(world))
			kv_buf_printf(&w->s->used,
			    "pages free in domain %u: %" PRIu64 "\n", d,
			    kv_phys_free_count(world->phys, d));
	}
}

/* ---- Spaces ---------------------------------------------------------- */

struct mapping {
	struct kv_state *s;
	unsigned space;
	const struct kv_pte_format *format;
};

static bool
continues(const struct kv_mapped *m, const struct kv_mapped *next)
{
	return m->space == next->space && m->va + m->size == next->va &&
	       m->pa + m->size == next->pa && m->attr == next->attr;
}

static void
mapped_add(struct kv_state *s, const struct kv_mapped *next)
{
	if (s->nmapped != 0 && continues(&s->mapped[s->nmapped - 1], next)) {
		s->mapped[s->nmapped - 1].size += next->size;
		return;
	}
	if (s->nmapped == s->capacity) {
		s->capacity = s->capacity == 0 ? 64 : 2 * s->capacity;
		s->mapped =
		    kv_mem_resize(s->mapped, s->capacity, sizeof(*s->mapped));
	}
	s->mapped[s->nmapped++] = *next;
}

static int
add_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct mapping *m = arg;
	const struct kv_pte_format *f = m->format;
	struct kv_mapped next = {.space = m->space,
	    .va = leaf->va,
	    .pa = leaf->pa,
	    .size = UINT64_C(1) << (f->page_shift + f->pt_shift * leaf->level),
	    .attr = leaf->attr & ~(unsigned)KV_PTE_CONTIG};

	mapped_add(m->s, &next);
	return 0;
}

static int
put_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct mapping *m = arg;

	if (leaf->level != 0 || (leaf->attr & KV_PTE_CONTIG) != 0)
		kv_buf_printf(&m->s->rest,
		    "leaf of space %u: 0x%" PRIx64 " of level %u%s\n", m->space,
		    leaf->va, leaf->level,
		    (leaf->attr & KV_PTE_CONTIG) != 0 ? ", contiguous" : "");
	return 0;
}

static int
put_table(void *arg, kv_pa_t pa, const struct kv_ptpool_page *page)
{
	struct writer *w = arg;

	kv_buf_printf(&w->s->rest,
	    "page of pool %s: 0x%" PRIx64 ", depth %u of %u.%" PRIu32 "\n",
	    w->name, pa, page->depth, page->scope, page->id);
	return 0;
}

static void
put_spaces(struct writer *w)
{
	const struct kv_world *world = w->run->world;
	struct mapping m = {.s = w->s};

	for (; m.space < world->nspaces; m.space++) {
		const struct kv_pmap *pmap = world->spaces[m.space].pmap;

		m.format = kv_pmap_format(pmap);
		kv_pmap_walk(pmap, 0, KV_ADDR_MAX, add_leaf, &m);
		kv_pmap_walk(pmap, 0, KV_ADDR_MAX, put_leaf, &m);
		kv_buf_printf(&w->s->rest, "tables of space %u: %" PRIu64 "\n",
		    m.space, kv_pmap_stats(pmap).pt_pages);
	}
	for (size_t i = 0; i < world->npools; i++) {
		w->name = kv_ptpool_config(world->pools[i])->name;
		kv_ptpool_walk(world->pools[i], put_table, w);
		kv_buf_printf(&w->s->rest, "pool %s: %" PRIu64 " free\n",
		    w->name, kv_ptpool_stats(world->pools[i]).free);
	}
}

/* ---- The whole ------------------------------------------------------- */

void
kv_state_take(const struct kv_run *run, struct kv_state *s)
{
	struct writer w = {.run = run, .s = s};

	s->used.size = s->rest.size = s->nmapped = 0;
	put_arenas(&w);
	if (run->world == NULL)
		return;
	put_stacks(&w);
	put_objects(&w);
	put_memory(&w);
	put_spaces(&w);
}

void
kv_state_fini(struct kv_state *s)
{
	kv_buf_fini(&s->used);
	kv_buf_fini(&s->rest);
	kv_mem_free(s->mapped);
	*s = (struct kv_state){0};
}

/* ---- Compare --------------------------------------------------------- */

static bool
texts_equal(const struct kv_buf *a, const struct kv_buf *b)
{
	return a->size == b->size &&
	       (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* The mappings but those of the range that is done; joined anew, for the edge
 * of the range may have cut a run in one state alone. */
static void
clip(const struct kv_state *s, const struct kv_op *op, struct kv_state *out)
{
	kv_va_t end = op->va + op->done;

	for (size_t i = 0; i < s->nmapped; i++) {
		struct kv_mapped m = s->mapped[i], left = m;

		if (m.space != op->space || op->done == 0 ||
		    !kv_overlap(m.va, m.size, op->va, op->done)) {
			mapped_add(out, &m);
			continue;
		}
		left.size = op->va > m.va ? op->va - m.va : 0;
		if (left.size != 0)
			mapped_add(out, &left);
		if (m.va + (m.size - 1) < end)
			continue;
		m.pa += end - m.va;
		m.size -= end - m.va;
		m.va = end;
		mapped_add(out, &m);
	}
}

static bool
mappings_equal(
    const struct kv_state *a, const struct kv_state *b, const struct kv_op *op)
{
	struct kv_state x = {0}, y = {0};
	bool equal;

	clip(a, op, &x);
	clip(b, op, &y);
	equal = x.nmapped == y.nmapped;
	for (size_t i = 0; i < x.nmapped && equal; i++)
		equal = x.mapped[i].space == y.mapped[i].space &&
			x.mapped[i].va == y.mapped[i].va &&
			x.mapped[i].pa == y.mapped[i].pa &&
			x.mapped[i].size == y.mapped[i].size &&
			x.mapped[i].attr == y.mapped[i].attr;
	kv_state_fini(&x);
	kv_state_fini(&y);
	return equal;
}

enum kv_state_change
kv_state_compare(const struct kv_state *before, const struct kv_state *after,
    const struct kv_op *op)
{
	struct kv_op whole = *op;

	whole.done = 0;
	if (!texts_equal(&before->used, &after->used))
		return KV_STATE_USED;
	if (mappings_equal(before, after, &whole))
		return texts_equal(&before->rest, &after->rest) ? KV_STATE_SAME
								: KV_STATE_REST;
	return op->done != 0 && mappings_equal(before, after, op)
		   ? KV_STATE_PREFIX
		   : KV_STATE_USED;
}

/* ---- Text ------------------------------------------------------------ */

static void
put_used(const struct kv_state *s, struct kv_buf *out)
{
	kv_buf_add(out, s->used.data, s->used.size);
	for (size_t i = 0; i < s->nmapped; i++) {
		const struct kv_mapped *m = &s->mapped[i];

		kv_buf_printf(out,
		    "mapped in space %u: 0x%" PRIx64 " to 0x%" PRIx64
		    ", 0x%" PRIx64 " bytes, %x\n",
		    m->space, m->va, m->pa, m->size, m->attr);
	}
}

void
kv_state_text(const struct kv_state *s, struct kv_buf *out)
{
	put_used(s, out);
	kv_buf_add(out, s->rest.data, s->rest.size);
}

/* The lines of a text, in the order of strcmp. */
struct lines {
	struct kv_buf text; /* lines end in NUL */
	const char **list;
	size_t count;
};

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
lines_of(struct lines *l)
{
	size_t i, from = 0;

	for (i = 0; i < l->text.size; i++)
		l->count += l->text.data[i] == '\n';
	l->list = kv_mem_resize(NULL, l->count, sizeof(*l->list));
	l->count = 0;
	for (i = 0; i < l->text.size; i++)
		if (l->text.data[i] == '\n') {
			l->text.data[i] = '\0';
			l->list[l->count++] = &l->text.data[from];
			from = i + 1;
		}
	if (l->count != 0)
		qsort(l->list, l->count, sizeof(*l->list), by_text);
}

static void
lines_fini(struct lines *l)
{
	kv_buf_fini(&l->text);
	kv_mem_free(l->list);
}

static void
put_line(struct kv_buf *out, const char *sign, const char *line)
{
	enum { LONG = 160 };

	kv_buf_printf(out, "%s %.*s%s\n", sign, LONG, line,
	    strlen(line) > LONG ? " ..." : "");
}

/* => how many lines differ; those below max are written */
static size_t
diff(struct lines *a, struct lines *b, size_t n, size_t max, struct kv_buf *out)
{
	size_t i = 0, k = 0;

	lines_of(a);
	lines_of(b);
	while (i < a->count || k < b->count) {
		int order = i == a->count   ? 1
			    : k == b->count ? -1
					    : strcmp(a->list[i], b->list[k]);

		if (order != 0 && n++ < max)
			put_line(out, order < 0 ? "-" : "+",
			    order < 0 ? a->list[i] : b->list[k]);
		i += order <= 0;
		k += order >= 0;
	}
	lines_fini(a);
	lines_fini(b);
	return n;
}

/* What somebody has comes first. */
void
kv_state_diff(const struct kv_state *before, const struct kv_state *after,
    size_t max, struct kv_buf *out)
{
	struct lines used[2] = {{{0}, NULL, 0}}, rest[2] = {{{0}, NULL, 0}};
	const struct kv_state *states[] = {before, after};
	size_t n;

	for (size_t i = 0; i < 2; i++) {
		put_used(states[i], &used[i].text);
		kv_buf_add(
		    &rest[i].text, states[i]->rest.data, states[i]->rest.size);
	}
	n = diff(&used[0], &used[1], 0, max, out);
	n = diff(&rest[0], &rest[1], n, max, out);
	if (n > max)
		kv_buf_printf(out, "... and %zu lines more\n", n - max);
}
