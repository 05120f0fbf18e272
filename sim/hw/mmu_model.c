/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_model.c - the model's machine: memory with page tables in it
 *
 * 1 Concepts.  A pmap says what the tables shall be; the machine has a memory
 *   in which they are, and walks that as a processor does: from the root, by
 *   physical addresses, entry by entry.  The two share the format and nothing
 *   else, so that each is checked by the other.
 * 2 Representation.  Table pages have small numbers of their own (they are not
 *   in the memory that pa means); page[n] is the content of page n.  An edit of
 *   the pmap queues the entries that it changes; commit writes them:
 *
 *     map -> pmap -> store(table, index, entry) -> queue -> commit -> page[n]
 *                                                 touch, translate <- page[n]
 *
 * 3 Invariants.
 *   I1  With an empty queue the memory is what the pmap says, but for A and M,
 *       which the machine sets there alone, and for planted faults.
 * 4 Cost.  An entry is written thrice: pmap, queue, memory.  A touch is one
 *   load a level.
 * 5 Fidelity.  Faults as amd64 has them with CR0.WP, EFER.NXE and no SMAP: P
 *   when an entry was there, W, I by the access, RSVD for reserved bits; U
 *   never, for the model touches as a kernel.  A processor with a translation
 *   cache may not see an entry that was committed before it flushed; here a
 *   commit flushes all (tlb.h is where staleness lives).  A and M survive an
 *   edit that keeps the frame, as the atomic updates of kernels see to.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc/bitmap.h"
#include "hw/mmu.h"
#include "hw/pte_code.h"
#include "out/mem.h"

enum { DOUBLE_FAULT = 8, GENERAL_PROTECTION = 13, PAGE_FAULT = 14, PUSH = 8 };

/* One entry of a table, or, fresh, a table that starts empty. */
struct edit {
	uint64_t entry;
	uint32_t page;
	uint16_t index;
	uint8_t level;
	bool fresh;
};

struct model {
	struct kv_mmu mmu;
	const struct kv_pte_format *format; /* (c) */
	bool low_half;			    /* (c) */
	struct kv_pmap *pmap;		    /* as it will be at the commit */
	kv_pa_t root;			    /* (c) of its tables */
	uint64_t **page;		    /* contents of table pages */
	uint8_t *level;			    /* of the table that has a page */
	uint32_t npages;
	uint32_t *idle; /* pages that no table has; the last goes first */
	size_t nidle;
	struct edit *queue;
	size_t nqueued, capacity;
	bool quiet; /* what the pmap stores is known already */
	struct kv_pmap_stats committed;
	uint64_t **dirty; /* chunks of a bit a page; NULL: none dirty */
	size_t ndirty;
};

static struct model *
model(struct kv_mmu *mmu)
{
	return (struct model *)mmu;
}

static uint64_t
page_size(const struct model *m)
{
	return UINT64_C(1) << m->format->page_shift;
}

/* ---- Tables: what the pmap tells ---------------------------------------- */

static void
enqueue(struct model *m, struct edit edit)
{
	if (m->nqueued == m->capacity) {
		m->capacity = 2 * m->capacity + 64;
		m->queue =
		    kv_mem_resize(m->queue, m->capacity, sizeof(*m->queue));
	}
	m->queue[m->nqueued++] = edit;
}

static int
get(void *arg, unsigned level, kv_pa_t *pa)
{
	struct model *m = arg;
	uint32_t n = m->npages;

	if (m->nidle != 0) {
		n = m->idle[--m->nidle];
	} else {
		m->npages++;
		m->page = kv_mem_resize(m->page, m->npages, sizeof(*m->page));
		m->level = kv_mem_resize(m->level, m->npages, 1);
		m->idle = kv_mem_resize(m->idle, m->npages, sizeof(*m->idle));
		m->page[n] = kv_mem_resize(NULL, page_size(m), 1);
	}
	m->level[n] = (uint8_t)level;
	enqueue(m, (struct edit){.page = n, .fresh = true});
	*pa = (kv_pa_t)n << m->format->page_shift;
	return 0;
}

static void
put(void *arg, unsigned level, kv_pa_t pa)
{
	struct model *m = arg;

	(void)level;
	m->idle[m->nidle++] = (uint32_t)(pa >> m->format->page_shift);
}

static void
store(void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry)
{
	struct model *m = arg;
	const uint32_t n = (uint32_t)(table >> m->format->page_shift);

	(void)old;
	if (!m->quiet)
		enqueue(m, (struct edit){.page = n,
			       .index = (uint16_t)index,
			       .level = m->level[n],
			       .entry = entry});
}

/* ---- The walk ----------------------------------------------------------- */

struct walk {
	uint64_t *slot; /* the last entry that was read */
	unsigned level;
	bool leaf; /* it is one; else it is not valid */
};

static bool
canonical(const struct model *m, kv_va_t va)
{
	const uint64_t mask = (UINT64_C(1) << m->format->va_bits) - 1;

	return kv_pte_va(m->format, m->low_half, va & mask) == va;
}

/* The entry that says what va is.  A table that is not in memory, which only a
 * planted fault can point to, reads as zeros. */
static struct walk
walk(const struct model *m, kv_va_t va)
{
	static uint64_t zero;
	const struct kv_pte_format *f = m->format;
	struct walk w = {NULL, f->levels - 1, false};
	uint64_t offset = va & ((UINT64_C(1) << f->va_bits) - 1);
	unsigned shift = kv_pte_shift(f, w.level);
	kv_pa_t pa = m->root;

	for (;;) {
		const uint64_t n = pa >> f->page_shift, entry = offset >> shift;

		w.slot = n < m->npages ? &m->page[n][entry] : &zero;
		if ((*w.slot & f->present.mask) != f->present.set)
			return w;
		w.leaf = w.level == 0 || !kv_pte_on(&f->is_table, *w.slot);
		if (w.leaf)
			return w;
		pa = kv_pte_frame(f, *w.slot);
		offset -= entry << shift;
		shift -= f->pt_shift;
		w.level--;
	}
}

/* Where the leaf of a walk puts its first byte. */
static kv_pa_t
leaf_pa(const struct model *m, const struct walk *w, kv_va_t va)
{
	const struct kv_pte_format *f = m->format;
	const uint64_t index = va >> kv_pte_shift(f, w->level);
	uint64_t entry = *w->slot;

	if (kv_pte_on(&f->attr[KV_PTE_CONTIG_BIT], entry))
		entry = kv_pte_alone(f, entry, kv_pte_group(f, w->level),
		    (unsigned)(index & UINT32_MAX));
	return kv_pte_frame(f, entry);
}

/* What the leaf of a walk to va maps. */
static struct kv_leaf
leaf_of(const struct model *m, const struct walk *w, kv_va_t va)
{
	const struct kv_pte_format *f = m->format;
	const unsigned shift = kv_pte_shift(f, w->level);

	return (struct kv_leaf){.va = va >> shift << shift,
	    .pa = leaf_pa(m, w, va),
	    .level = w->level,
	    .attr = kv_pte_decode(f, *w->slot)};
}

static int
translate(struct kv_mmu *mmu, kv_va_t va, struct kv_leaf *leaf)
{
	const struct model *m = model(mmu);
	const struct walk w = walk(m, va);

	if (!w.leaf || !canonical(m, va))
		return ENOENT;
	*leaf = leaf_of(m, &w, va);
	return 0;
}

int
kv_mmu_model_flip(struct kv_mmu *mmu, kv_va_t va, uint64_t bits)
{
	const struct walk w = walk(model(mmu), va);

	if (!w.leaf || !canonical(model(mmu), va))
		return ENOENT;
	*w.slot ^= bits;
	return 0;
}

/* ---- Edits -------------------------------------------------------------- */

/* Let the pmap know A and M of the leaf at va, as the machine has set them. */
static void
learn(struct model *m, const struct kv_leaf *leaf)
{
	const unsigned am = KV_PTE_A | KV_PTE_M;
	struct kv_leaf planned;
	unsigned differs;

	if (kv_pmap_extract(m->pmap, leaf->va, &planned) != 0 ||
	    planned.va != leaf->va || planned.pa != leaf->pa ||
	    planned.level != leaf->level)
		return;
	differs = (planned.attr ^ leaf->attr) & am;
	m->quiet = true;
	if ((leaf->attr & differs) != 0)
		kv_pmap_access(m->pmap, leaf->va, (leaf->attr & KV_PTE_M) != 0);
	if ((planned.attr & differs) != 0)
		kv_pmap_clear(m->pmap, leaf->va, planned.attr & differs);
	m->quiet = false;
}

/* Visit the leaves of [start, end) in the machine's tables; clear A and M of
 * those that were visited if asked to. */
static int
visit(struct model *m, kv_va_t start, kv_va_t end, bool clear, kv_leaf_fn *cb,
    void *arg)
{
	const struct kv_pte_format *f = m->format;
	const uint64_t half = UINT64_C(1) << (f->va_bits - 1);
	const kv_va_t upper =
	    kv_pte_va(f, m->low_half, f->root_per_half ? 0 : half);
	int ended = 0;

	for (kv_va_t va = start, next; va < end && ended == 0; va = next) {
		const struct walk w = walk(m, va);
		const uint64_t size = UINT64_C(1) << kv_pte_shift(f, w.level);

		next =
		    canonical(m, va) ? kv_align_down(va, size) + size : upper;
		if (w.leaf && canonical(m, va)) {
			const struct kv_leaf leaf = leaf_of(m, &w, va);

			ended = cb(arg, &leaf);
			for (unsigned i = KV_PTE_A_BIT;
			     clear && i <= KV_PTE_M_BIT; i++)
				*w.slot =
				    kv_pte_set(&f->attr[i], *w.slot, false);
		}
		if (next == 0)
			break;
	}
	return ended;
}

static int
learn_leaf(void *arg, const struct kv_leaf *leaf)
{
	learn(arg, leaf);
	return 0;
}

/* ... of all leaves of the table that says what va is. */
static void
learn_table(struct model *m, kv_va_t va)
{
	const unsigned level = walk(m, va).level + 1,
		       top = m->format->levels - 1;
	const uint64_t size =
	    UINT64_C(1) << kv_pte_shift(m->format, level < top ? level : top);

	va = kv_align_down(va, size);
	visit(m, va, va + (size - 1), false, learn_leaf, m);
}

/* ... of what an edit may take apart that ends, or begins, at va. */
static void
learn_edge(struct model *m, kv_va_t va)
{
	const struct walk w = walk(m, va);

	if (w.leaf && (w.level != 0 || (kv_pte_decode(m->format, *w.slot) &
					   KV_PTE_CONTIG) != 0))
		learn_table(m, va);
}

static int
map(struct kv_mmu *mmu, kv_va_t va, kv_pa_t pa, unsigned level, size_t n,
    unsigned attr)
{
	const unsigned known =
	    KV_PTE_W | KV_PTE_X | KV_PTE_G | KV_PTE_U | KV_PTE_A | KV_PTE_M;

	return kv_pmap_enter_leaf(
	    model(mmu)->pmap, va, pa, level, n, attr & known);
}

static int
unmap(struct kv_mmu *mmu, kv_va_t va, uint64_t size)
{
	struct model *m = model(mmu);

	learn_edge(m, va);
	learn_edge(m, va + size - 1);
	return kv_pmap_remove(m->pmap, va, size, NULL);
}

static int
protect(struct kv_mmu *mmu, kv_va_t va, uint64_t size, unsigned attr)
{
	struct model *m = model(mmu);

	learn_edge(m, va);
	learn_edge(m, va + size - 1);
	if (va <= UINT64_MAX - size)
		visit(m, va, va + size, false, learn_leaf, m);
	return kv_pmap_protect(m->pmap, va, size, attr, NULL);
}

static int
promote(struct kv_mmu *mmu, kv_va_t va)
{
	learn_table(model(mmu), va);
	return kv_pmap_promote(model(mmu)->pmap, va);
}

static int
demote(struct kv_mmu *mmu, kv_va_t va)
{
	learn_table(model(mmu), va);
	return kv_pmap_demote(model(mmu)->pmap, va);
}

static bool
is_leaf(const struct model *m, unsigned level, uint64_t entry)
{
	return kv_pte_on(&m->format->present, entry) &&
	       (level == 0 || !kv_pte_on(&m->format->is_table, entry));
}

/* Write one entry; a leaf that keeps its frame keeps A, and M where it can. */
static void
write_entry(struct model *m, const struct edit *ed)
{
	const struct kv_pte_format *f = m->format;
	uint64_t *slot = &m->page[ed->page][ed->index], entry = ed->entry;
	const uint64_t old = *slot;

	if (is_leaf(m, ed->level, old) && is_leaf(m, ed->level, entry) &&
	    ((old ^ entry) & f->frame_mask) == 0) {
		const bool can = !f->modified_is_write ||
				 kv_pte_on(&f->attr[KV_PTE_W_BIT], entry);
		const struct kv_pte_bits *a = &f->attr[KV_PTE_A_BIT];
		const struct kv_pte_bits *modified = &f->attr[KV_PTE_M_BIT];

		entry = kv_pte_set(a, entry, kv_pte_on(a, old));
		entry = kv_pte_set(
		    modified, entry, can && kv_pte_on(modified, old));
	}
	*slot = entry;
}

static int
commit(struct kv_mmu *mmu)
{
	struct model *m = model(mmu);

	for (size_t i = 0; i < m->nqueued; i++) {
		const struct edit *ed = &m->queue[i];

		if (ed->fresh)
			memset(m->page[ed->page], 0, page_size(m));
		else
			write_entry(m, ed);
	}
	m->nqueued = 0;
	m->committed = kv_pmap_stats(m->pmap);
	return 0;
}

/* ---- Accesses ----------------------------------------------------------- */

enum { CHUNK_SHIFT = 15 }; /* log2 pages of a chunk of the dirty log */

/* The chunk of a page, or NULL where nothing was written. */
static uint64_t *
dirty_chunk(const struct model *m, kv_pfn_t pfn)
{
	const uint64_t chunk = pfn >> CHUNK_SHIFT;

	return chunk < m->ndirty ? m->dirty[chunk] : NULL;
}

static void
log_write(struct model *m, kv_pfn_t pfn)
{
	const size_t chunk = (size_t)(pfn >> CHUNK_SHIFT);
	const size_t size = ((size_t)1 << CHUNK_SHIFT) / 8;
	const unsigned bit = (unsigned)pfn & ((1u << CHUNK_SHIFT) - 1);

	if (chunk >= m->ndirty) {
		m->dirty =
		    kv_mem_resize(m->dirty, chunk + 1, sizeof(*m->dirty));
		while (m->ndirty <= chunk)
			m->dirty[m->ndirty++] = NULL;
	}
	if (m->dirty[chunk] == NULL)
		m->dirty[chunk] = memset(kv_mem_resize(NULL, size, 1), 0, size);
	kv_bits_set(m->dirty[chunk], bit, 1);
}

/* May the leaf be used so?  => 0, or the error bits */
static unsigned
denied(const struct model *m, const struct walk *w, enum kv_access access)
{
	const struct kv_pte_format *f = m->format;

	if (!w->leaf)
		return 0;
	if ((*w->slot & f->reserved[w->level]) != 0)
		return KV_FAULT_P | KV_FAULT_RSVD;
	if (access == KV_ACCESS_WRITE)
		return kv_pte_on(&f->attr[KV_PTE_W_BIT], *w->slot) ? 0
								   : KV_FAULT_P;
	if (access == KV_ACCESS_EXEC)
		return (kv_pte_decode(f, *w->slot) & KV_PTE_X) != 0
			   ? 0
			   : KV_FAULT_P;
	return 0;
}

/* One access: A and M are set, the page is logged; or *fault says why not. */
static bool
access_one(
    struct model *m, kv_va_t va, enum kv_access access, struct kv_fault *fault)
{
	static const unsigned wanted[] = {
	    [KV_ACCESS_WRITE] = KV_FAULT_W, [KV_ACCESS_EXEC] = KV_FAULT_I};
	const struct kv_pte_bits *attr = m->format->attr;
	const bool right = canonical(m, va);
	const struct walk w = walk(m, va);
	const unsigned why = denied(m, &w, access);

	if (!right || !w.leaf || why != 0) {
		fault->va = va;
		fault->error = right ? why | wanted[access] : 0;
		fault->vector = right ? PAGE_FAULT : GENERAL_PROTECTION;
		return false;
	}
	*w.slot = kv_pte_set(&attr[KV_PTE_A_BIT], *w.slot, true);
	if (access == KV_ACCESS_WRITE) {
		const uint64_t low =
		    (UINT64_C(1) << kv_pte_shift(m->format, w.level)) - 1;

		*w.slot = kv_pte_set(&attr[KV_PTE_M_BIT], *w.slot, true);
		log_write(m,
		    (leaf_pa(m, &w, va) + (va & low)) >> m->format->page_shift);
	}
	return true;
}

static int
touch(struct kv_mmu *mmu, enum kv_access access, const kv_va_t *list, size_t n,
    struct kv_fault *faults, size_t cap, size_t *nfaults)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct kv_fault fault = {.index = i};

		if (access_one(model(mmu), list[i], access, &fault))
			continue;
		if (found < cap)
			faults[found] = fault;
		found++;
	}
	*nfaults = found;
	return 0;
}

static int
overflow(struct kv_mmu *mmu, kv_va_t top, uint64_t size, bool *hit,
    struct kv_fault *fault)
{
	struct model *m = model(mmu);
	const kv_va_t end = top - size;

	if ((top | size) % PUSH != 0)
		return EINVAL;
	*hit = false;
	/* The pushes into one page have one answer. */
	for (kv_va_t va = top; va != end && !*hit;) {
		struct kv_fault why;
		const kv_va_t page = kv_align_down(va - PUSH, page_size(m));

		if (!access_one(m, va - PUSH, KV_ACCESS_WRITE, &why)) {
			*hit = true;
			*fault = (struct kv_fault){
			    .va = va - PUSH, .vector = DOUBLE_FAULT};
		}
		va = va - end < va - page ? end : page;
	}
	return 0;
}

/* ---- Inspect ------------------------------------------------------------ */

static int
harvest(struct kv_mmu *mmu, kv_va_t start, kv_va_t end, bool clear,
    kv_leaf_fn *cb, void *arg)
{
	return visit(model(mmu), start, end, clear, cb, arg);
}

static int
dirty(struct kv_mmu *mmu, kv_pa_t pa, uint64_t size, uint64_t *bitmap)
{
	const struct model *m = model(mmu);
	const kv_pfn_t first = pa >> m->format->page_shift;
	const uint64_t n = size >> m->format->page_shift;

	if (((pa | size) & (page_size(m) - 1)) != 0 || pa > UINT64_MAX - size)
		return EINVAL;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t *chunk = dirty_chunk(m, first + i);
		const unsigned bit =
		    (unsigned)(first + i) & ((1u << CHUNK_SHIFT) - 1);
		const uint64_t mask = UINT64_C(1) << i % 64;

		bitmap[i / 64] &= ~mask;
		if (chunk == NULL || !kv_bit_test(chunk, bit))
			continue;
		bitmap[i / 64] |= mask;
		kv_bits_clear(chunk, bit, 1);
	}
	return 0;
}

static int
leaves(struct kv_mmu *mmu, struct kv_mmu_leaves *leaves_)
{
	for (unsigned l = 0; l < 3; l++)
		leaves_->level[l] = model(mmu)->committed.leaves[l];
	return 0;
}

static int
witness(struct kv_mmu *mmu, kv_va_t va, kv_pa_t *pa)
{
	(void)mmu;
	(void)va;
	(void)pa;
	return EOPNOTSUPP;
}

static int
host(struct kv_mmu *mmu, struct kv_mmu_host *host_)
{
	(void)mmu;
	*host_ = (struct kv_mmu_host){0};
	return 0;
}

static int
collapse(struct kv_mmu *mmu, kv_pa_t pa, uint64_t size)
{
	(void)mmu;
	(void)pa;
	(void)size;
	return EOPNOTSUPP;
}

/* ---- Create ------------------------------------------------------------- */

static void
close_model(struct kv_mmu *mmu)
{
	struct model *m = model(mmu);

	kv_pmap_destroy(m->pmap);
	for (uint32_t i = 0; i < m->npages; i++)
		kv_mem_free(m->page[i]);
	for (size_t i = 0; i < m->ndirty; i++)
		kv_mem_free(m->dirty[i]);
	kv_mem_free(m->page);
	kv_mem_free(m->level);
	kv_mem_free(m->idle);
	kv_mem_free(m->queue);
	kv_mem_free(m->dirty);
	kv_mem_free(m);
}

static const struct kv_mmu_ops ops = {
    .close = close_model,
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .promote = promote,
    .demote = demote,
    .commit = commit,
    .touch = touch,
    .overflow = overflow,
    .translate = translate,
    .witness = witness,
    .harvest = harvest,
    .dirty = dirty,
    .leaves = leaves,
    .host = host,
    .collapse = collapse,
};

int
kv_mmu_model_open(const struct kv_mmu_config *cfg, struct kv_mmu **mmu)
{
	struct kv_pmap_config pc = {
	    .format = cfg->format, .store = store, .low_half = cfg->low_half};
	struct model *m;

	if (cfg->format == NULL)
		return EINVAL;
	m = memset(kv_mem_resize(NULL, 1, sizeof(*m)), 0, sizeof(*m));
	m->format = cfg->format;
	m->low_half = cfg->low_half;
	m->mmu.ops = &ops;
	m->mmu.caps = (struct kv_mmu_caps){.kind = "model",
	    .paging = "model",
	    .gb_pages = kv_pte_leaf_level(cfg->format, 2),
	    .la57 = cfg->format->levels == KV_PTE_LEVELS_MAX,
	    .host_coherent = true,
	    .stats = true,
	    .leaf_guest = true};
	pc.source = (struct kv_pt_source){get, put, m};
	pc.store_arg = m;
	/* get never fails, so this neither */
	(void)kv_pmap_create(&pc, &m->pmap);
	m->root = kv_pmap_root(m->pmap);
	(void)commit(&m->mmu);
	*mmu = &m->mmu;
	return 0;
}
