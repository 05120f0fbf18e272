/* SPDX-License-Identifier: BSD-2-Clause */
/* report_whatis.c - what an address is, in words */
#include "out/report_whatis.h"

#include <inttypes.h>
#include <stdio.h>

#include "out/leaf_list.h"

/* What is being described, to what end. */
struct page {
	const struct kv_run *run;
	struct kv_buf *b;
	uint64_t address;
	bool known; /* something was said */
};

/* "  stack        " and the rest of the line by the caller. */
static void
head(struct page *p, const char *what)
{
	p->known = true;
	kv_buf_printf(p->b, "  %-12s", what);
}

static void
put_range(struct kv_buf *b, uint64_t start, uint64_t size)
{
	kv_buf_printf(b, "[0x%" PRIx64 ", 0x%" PRIx64 ")", start, start + size);
}

/* ---- Arenas ---------------------------------------------------------- */

struct span_search {
	uint64_t address;
	struct kv_vmem_seg span; /* the last one passed */
	struct kv_vmem_seg found;
	bool hit;
};

static int
span_visit(void *arg, const struct kv_vmem_seg *seg)
{
	struct span_search *s = arg;

	if (seg->kind == KV_VMEM_SPAN || seg->kind == KV_VMEM_STATIC) {
		s->span = *seg;
		return 0;
	}
	if (seg->kind == KV_VMEM_CURSOR || s->address < seg->start ||
	    s->address - seg->start >= seg->size)
		return 0;
	s->found = *seg;
	s->hit = true;
	return 1;
}

static void
put_arena(struct page *p, const struct kv_vmem *vm)
{
	struct span_search s = {.address = p->address};

	kv_vmem_walk(vm, span_visit, &s);
	if (!s.hit)
		return;
	head(p, "arena");
	kv_buf_printf(p->b, "%s: %s segment ", kv_vmem_name(vm),
	    s.found.kind == KV_VMEM_BUSY ? "busy" : "free");
	put_range(p->b, s.found.start, s.found.size);
	kv_buf_printf(p->b, " of the %s span ",
	    s.span.kind == KV_VMEM_SPAN ? "imported" : "static");
	put_range(p->b, s.span.start, s.span.size);
	kv_buf_add(p->b, "\n", 1);
}

static void
put_arenas(struct page *p)
{
	const struct kv_run *run = p->run;
	const struct kv_vmem *vm;
	unsigned i;

	for (i = 0;
	     run->world != NULL && (vm = kv_world_arena(run->world, i)) != NULL;
	     i++)
		put_arena(p, vm);
	for (i = 0; i < run->sc->narenas; i++)
		put_arena(p, run->arenas[i]);
}

/* ---- Frames ---------------------------------------------------------- */

static void
put_reservation(struct page *p, kv_pfn_t pfn)
{
	const struct kv_world *w = p->run->world;
	struct kv_reserv_info info;

	if (kv_reserv_whatis(w->reserv, pfn, &info) != 0)
		return;
	head(p, "reservation");
	kv_buf_printf(p->b,
	    "at 0x%" PRIx64 ", domain %u, pindex %" PRIu64 ", %c: %u of %u "
	    "pages in use%s\n",
	    info.pfn << w->spec.machine->page_shift, info.domain, info.pindex,
	    kv_reserv_letter(info.popmap, info.npages), info.popcnt,
	    info.npages, info.queued ? ", on the partial queue" : "");
}

static void
put_frame(struct page *p, kv_pfn_t pfn)
{
	const struct kv_world *w = p->run->world;
	unsigned shift = w->spec.machine->page_shift;

	head(p, "frame");
	kv_buf_printf(p->b, "0x%" PRIx64 ", domain %u\n", pfn << shift,
	    kv_phys_domain(w->phys, pfn));
	put_reservation(p, pfn);
}

/* ---- Stacks ---------------------------------------------------------- */

/* "stack at KS, its page 2 of 4, pindex 414, domain 0" */
static void
put_stack(struct page *p, const struct kv_stack *s, kv_va_t va)
{
	const struct kv_world *w = p->run->world;
	unsigned shift = w->spec.machine->page_shift;
	uint64_t page = (va - s->ks) >> shift;
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];

	head(p, "stack");
	kv_buf_printf(p->b,
	    "0x%" PRIx64 ", page %" PRIu64 " of %u, KVA of domain %u\n", s->ks,
	    page, s->npages, s->domain);
	head(p, "pindex");
	kv_buf_printf(p->b, "%" PRIu64 "\n", s->pindex + page);
	if (kv_stack_pages(w->kstack, s, pfns) == 0)
		put_frame(p, pfns[page]);
}

static void
put_guard(struct page *p, const struct kv_stack *s)
{
	unsigned shift = p->run->world->spec.machine->page_shift;

	head(p, "guard");
	kv_buf_printf(p->b,
	    "page %" PRIu64 " below the stack at 0x%" PRIx64
	    "; no pindex, no frame\n",
	    ((s->ks - p->address - 1) >> shift) + 1, s->ks);
}

static int
put_chunk(void *arg, const struct kv_kstack_chunk *chunk)
{
	struct page *p = arg;

	if (p->address < chunk->base || p->address - chunk->base >= chunk->size)
		return 0;
	head(p, "chunk");
	put_range(p->b, chunk->base, chunk->size);
	kv_buf_printf(p->b,
	    ", parent 0x%" PRIx64 ", domain %u, pindex %" PRIu64 " to %" PRIu64
	    "\n",
	    chunk->parent, chunk->domain, chunk->pindex,
	    chunk->pindex + chunk->npindex - 1);
	return 1;
}

/* ---- Leaves ---------------------------------------------------------- */

/* As vm.pmap.kernel_maps writes it, then the accessed and modified bits. */
static void
put_mode(struct kv_buf *b, unsigned attr)
{
	char mode[KV_LEAF_MODE];

	kv_leaf_mode(attr, mode);
	kv_buf_printf(b, "%s%s%s%s", mode,
	    (attr & KV_PTE_A) != 0 ? ", accessed" : "",
	    (attr & KV_PTE_M) != 0 ? ", modified" : "",
	    (attr & KV_PTE_CONTIG) != 0 ? ", in a contiguous group" : "");
}

/* The leaf that maps the address in that space, in its page-table page. */
static void
put_leaf(struct page *p, const struct kv_space *s)
{
	const struct kv_pte_format *f = s->cfg.format;
	struct kv_leaf leaf;
	unsigned shift;

	if (kv_pmap_extract(s->pmap, p->address, &leaf) != 0)
		return;
	shift = f->page_shift + f->pt_shift * leaf.level;
	head(p, "leaf");
	kv_buf_printf(p->b, "%s: ", s->cfg.name);
	put_range(p->b, leaf.va, UINT64_C(1) << shift);
	kv_buf_printf(p->b, " to 0x%" PRIx64 ", ", leaf.pa);
	put_mode(p->b, leaf.attr);
	kv_buf_printf(p->b,
	    "; level %u, entry %" PRIu64 " of the page-table page of 0x%" PRIx64
	    "\n",
	    leaf.level, leaf.va >> shift & ((UINT64_C(1) << f->pt_shift) - 1),
	    leaf.va >> shift >> f->pt_shift << (shift + f->pt_shift));
}

static void
put_leaves(struct page *p)
{
	const struct kv_world *w = p->run->world;
	size_t i;

	for (i = 0; i < w->nspaces; i++)
		put_leaf(p, &w->spaces[i]);
}

/* ---- Kernel addresses ------------------------------------------------ */

static void
put_kva(struct page *p)
{
	const struct kv_world *w = p->run->world;
	struct kv_stack stack;

	if (w->kstack == NULL || p->address < w->spec.machine->kva_start ||
	    p->address >= w->spec.machine->kva_end)
		return;
	kv_kstack_walk_chunks(w->kstack, put_chunk, p);
	switch (kv_kstack_whatis(w->kstack, p->address, &stack)) {
	case KV_KSTACK_DATA:
		put_stack(p, &stack, p->address);
		break;
	case KV_KSTACK_GUARD:
		put_guard(p, &stack);
		break;
	case KV_KSTACK_IDLE:
		head(p, "stack");
		kv_buf_printf(p->b, "none here now\n");
		break;
	case KV_KSTACK_NOTHING:
		break;
	}
}

/* ---- Physical addresses ---------------------------------------------- */

struct frame_search {
	kv_pfn_t pfn;
	kv_pindex_t pindex;
	bool hit;
};

static int
frame_visit(void *arg, kv_pindex_t pindex, kv_pfn_t pfn)
{
	struct frame_search *s = arg;

	if (pfn != s->pfn)
		return 0;
	s->pindex = pindex;
	s->hit = true;
	return 1;
}

/* The page of a scenario's object that the frame holds. */
static bool
put_object(struct page *p, size_t i, kv_pfn_t pfn)
{
	const struct kv_world *w = p->run->world;
	struct frame_search s = {.pfn = pfn};

	kv_object_walk(w->objects[i], frame_visit, &s);
	if (!s.hit)
		return false;
	head(p, "object");
	kv_buf_printf(p->b, "%s, page %" PRIu64 "\n",
	    kv_object_config(w->objects[i])->name, s.pindex);
	put_frame(p, pfn);
	return true;
}

/* The stack page that the frame holds.  => false: none of this object */
static bool
put_owner(struct page *p, const struct kv_object *obj, kv_pfn_t pfn)
{
	const struct kv_world *w = p->run->world;
	struct kv_pindex_map map = *kv_kstack_map(w->kstack);
	struct frame_search s = {.pfn = pfn};
	struct kv_stack stack;
	kv_va_t va;

	if (obj == NULL)
		return false;
	if (obj != kv_kstack_object(w->kstack))
		map.scheme = KV_PINDEX_LINEAR;
	kv_object_walk(obj, frame_visit, &s);
	if (!s.hit || kv_pindex_va(&map, s.pindex, &va) != 0 ||
	    kv_kstack_whatis(w->kstack, va, &stack) != KV_KSTACK_DATA)
		return false;
	put_stack(p, &stack, va);
	return true;
}

static bool
put_owners(struct page *p, kv_pfn_t pfn)
{
	const struct kv_world *w = p->run->world;
	size_t i;

	for (i = 0; i < w->nobjects; i++)
		if (put_object(p, i, pfn))
			return true;
	return w->kstack != NULL &&
	       (put_owner(p, kv_kstack_object(w->kstack), pfn) ||
		   put_owner(p, kv_kstack_alt_object(w->kstack), pfn));
}

static void
put_pa(struct page *p)
{
	const struct kv_world *w = p->run->world;
	unsigned shift = w->spec.machine->page_shift;
	kv_pfn_t pfn = p->address >> shift;
	struct kv_phys_block block;

	switch (kv_phys_whatis(w->phys, pfn, &block)) {
	case KV_PHYS_FREE:
		head(p, "memory");
		kv_buf_printf(p->b,
		    "free block of order %u at 0x%" PRIx64 ", domain %u, list "
		    "%u, pool %u\n",
		    block.order, block.pfn << shift, block.domain, block.list,
		    block.pool);
		break;
	case KV_PHYS_USED:
		head(p, "memory");
		kv_buf_printf(p->b, "not in a free queue\n");
		if (!put_owners(p, pfn))
			put_reservation(p, pfn);
		break;
	case KV_PHYS_ABSENT:
		break;
	}
}

void
kv_report_whatis(const struct kv_run *run, uint64_t address, struct kv_buf *b)
{
	struct page p = {.run = run, .b = b, .address = address};

	kv_buf_printf(b, "0x%" PRIx64 "\n", address);
	put_arenas(&p);
	if (run->world != NULL) {
		put_kva(&p);
		put_leaves(&p);
		put_pa(&p);
	}
	if (!p.known)
		kv_buf_printf(b, "  nothing that this scenario has\n");
}
