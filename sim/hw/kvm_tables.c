/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_tables.c - page tables in a guest's memory, after those of a pmap
 *
 * 1 Concepts.  A pmap is the truth of what the tables are to be.  The guest has
 *   a copy, which its MMU walks, and in which it alone sets A and M.  What the
 *   pmap stores is queued; a commit writes it: the host writes where nothing
 *   was present, the guest everything else, for under shadow paging KVM does
 *   not see what the host changes (kvm.md 0); then the guest reloads CR3.
 * 2 Representation.  A table of the pmap stands at the address in the guest's
 *   pool that the pmap knows it by.  For each there is here what its entries
 *   are to be and a bit for those that are queued, so that an entry that
 *   changes twice is written once.  A page that is given back keeps its
 *   contents; whoever gets it again has them cleared first, by the queue.
 *
 *   The copy differs from the pmap: below the root all entries have U, for
 *   pages are touched at CPL 3; a leaf that has it from the pmap, too, says so
 *   in a bit that the hardware leaves alone.  The root exists twice: without U
 *   for CPL 0, with U for probes; everything below is shared.
 *
 * 3 Invariants.
 *   I1  Outside of a commit an entry that is not queued is what it is to be,
 *       but for A and M and for U as above.
 *   I2  The host writes no entry that is present, except to clear an A that
 *       KVM_TRANSLATE has set.
 * 4 Cost.  An entry costs 10 to 20 ns, a commit that changes present entries
 *   one run of the guest.
 * 5 Fidelity.  A leaf that is written anew for the same frame keeps A and M, as
 *   pmap_protect does; one that was removed in between does not.
 */
#include "hw/kvm_tables.h"

#include <stdlib.h>
#include <string.h>

#include "hw/pmap_parts.h"
#include "out/mem.h"

/* The bit for software that keeps the pmap's U. */
enum { SOFT_U = 1 << 9 };

struct kv_kvm_page {
	uint64_t *queued; /* a bit an entry; behind the entries */
	uint64_t warm;	  /* a bit a line */
	uint64_t entry[]; /* what they are to be */
};

static unsigned
bits(const struct kv_kvm_tables *t)
{
	return t->format->pt_shift;
}

/* ---- Tables ---------------------------------------------------------- */

/* The guest physical address of a table. */
static kv_pa_t
pa_of(const struct kv_kvm_tables *t, size_t page)
{
	size_t npages;

	if (page == 0)
		return kv_vm_root(t->vm, false);
	return kv_vm_pool(t->vm, &npages) +
	       ((page - 1) << t->format->page_shift);
}

static size_t
page_of(const struct kv_kvm_tables *t, kv_pa_t pa)
{
	size_t npages;

	if (pa == kv_vm_root(t->vm, false))
		return 0;
	return (size_t)((pa - kv_vm_pool(t->vm, &npages)) >>
			t->format->page_shift) +
	       1;
}

static uint64_t *
guest_entry(const struct kv_kvm_tables *t, size_t page, unsigned index)
{
	return (uint64_t *)kv_vm_control(t->vm, pa_of(t, page)) + index;
}

static bool
is_queued(const struct kv_kvm_page *p, unsigned index)
{
	return (p->queued[index / 64] >> index % 64 & 1) != 0;
}

static void
enqueue(struct kv_kvm_tables *t, size_t page, unsigned index, uint64_t entry)
{
	struct kv_kvm_page *p = t->pages[page];

	p->entry[index] = entry;
	if (is_queued(p, index))
		return;
	p->queued[index / 64] |= UINT64_C(1) << index % 64;
	if (t->nqueue == t->queue_size) {
		t->queue_size = 2 * t->queue_size + KV_VM_BATCH;
		t->queue =
		    kv_mem_resize(t->queue, t->queue_size, sizeof(*t->queue));
	}
	t->queue[t->nqueue++] = (uint32_t)(page << bits(t) | index);
}

static void
page_create(struct kv_kvm_tables *t)
{
	const size_t n = (size_t)1 << bits(t);
	struct kv_kvm_page *p;
	size_t size = sizeof(*p) + (n + n / 64) * sizeof(uint64_t);

	t->pages = kv_mem_resize(t->pages, t->npages + 1, sizeof(*t->pages));
	t->free = kv_mem_resize(t->free, t->npages + 1, sizeof(*t->free));
	p = memset(kv_mem_resize(NULL, size, 1), 0, size);
	p->queued = p->entry + n;
	t->pages[t->npages++] = p;
}

/* The first table that the pmap asks for is its root. */
static int
source_get(void *arg, unsigned level, kv_pa_t *pa)
{
	struct kv_kvm_tables *t = arg;
	unsigned i;
	size_t page;

	(void)level;
	if (t->nfree == 0) {
		if (t->npages > t->most)
			return ENOSPC;
		page_create(t);
		*pa = pa_of(t, t->npages - 1);
		return 0;
	}
	page = t->free[--t->nfree];
	for (i = 0; i < 1U << bits(t); i++)
		if (t->pages[page]->entry[i] != 0)
			enqueue(t, page, i, 0);
	*pa = pa_of(t, page);
	return 0;
}

static void
source_put(void *arg, unsigned level, kv_pa_t pa)
{
	struct kv_kvm_tables *t = arg;

	(void)level;
	t->free[t->nfree++] = (uint32_t)page_of(t, pa);
}

static bool
same_leaf(const struct kv_kvm_tables *t, uint64_t old, uint64_t entry)
{
	const struct kv_pte_format *f = t->format;
	const uint64_t kind = f->frame_mask | f->is_table.mask;

	return old != 0 && ((old ^ entry) & kind) == 0;
}

/* The guest's A and M are newer than the pmap's. */
static void
store(void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry)
{
	struct kv_kvm_tables *t = arg;
	size_t page = page_of(t, table);
	const struct kv_kvm_page *p = t->pages[page];

	if (entry != 0 && same_leaf(t, old, entry)) {
		uint64_t newer = is_queued(p, index)
				     ? p->entry[index]
				     : *guest_entry(t, page, index);

		entry = (entry & ~t->am) | (newer & t->am);
	}
	enqueue(t, page, index, entry);
}

/* ---- Create ---------------------------------------------------------- */

int
kv_kvm_tables_init(struct kv_kvm_tables *t, struct kv_vm *vm,
    const struct kv_pte_format *format)
{
	struct kv_pmap_config cfg = {.format = format,
	    .source = {source_get, source_put, t},
	    .store = store,
	    .store_arg = t};

	*t = (struct kv_kvm_tables){.vm = vm,
	    .format = format,
	    .u = kv_pte_encode(format, KV_PTE_U) ^ kv_pte_encode(format, 0),
	    .am = kv_pte_encode(format, KV_PTE_A | KV_PTE_M) ^
		  kv_pte_encode(format, 0)};
	(void)kv_vm_pool(vm, &t->most);
	return kv_pmap_create(&cfg, &t->pmap);
}

void
kv_kvm_tables_fini(struct kv_kvm_tables *t)
{
	size_t i;

	kv_pmap_destroy(t->pmap);
	for (i = 0; i < t->npages; i++)
		kv_mem_free(t->pages[i]);
	kv_mem_free(t->pages);
	kv_mem_free(t->free);
	kv_mem_free(t->queue);
}

/* ---- A and M --------------------------------------------------------- */

void
kv_kvm_tables_pull(struct kv_kvm_tables *t, kv_va_t va, bool large)
{
	struct kv_pt *pt = kv_pt_lookup(t->pmap, va);
	size_t page = page_of(t, pt->pa);
	const struct kv_kvm_page *p = t->pages[page];
	const uint64_t *guest = guest_entry(t, page, 0);
	unsigned i;

	if (large && pt->level == 0)
		return;
	for (i = 0; i < 1U << bits(t); i++)
		if (pt->entry[i] != 0 && !is_queued(p, i) &&
		    (pt->level == 0 || pt->child[i] == NULL))
			pt->entry[i] =
			    (pt->entry[i] & ~t->am) | (guest[i] & t->am);
}

/* ---- Commit ---------------------------------------------------------- */

/* Let the guest make the stores of the list. */
static int
list_run(struct kv_kvm_tables *t)
{
	struct kv_vm_call call = {.entry = kv_guest_store,
	    .next = kv_guest_store_next,
	    .user = true,
	    .count = t->nlist};
	const uint64_t *list = kv_vm_list(t->vm);
	kv_va_t window = kv_vm_window(t->vm, t->vm->base);
	size_t i;
	int error;

	if (t->nlist == 0)
		return 0;
	kv_vm_stale(t->vm);
	error = kv_vm_run(t->vm, &call);
	for (i = 0; error == 0 && i < t->nlist; i++)
		if (*(uint64_t *)kv_vm_control(
			t->vm, t->vm->base + list[2 * i] - window) !=
		    list[2 * i + 1]) {
			t->vm->reason = "a store of the guest went elsewhere";
			error = EIO;
		}
	t->nlist = 0;
	return error;
}

static int
list_add(struct kv_kvm_tables *t, kv_pa_t at, uint64_t entry)
{
	uint64_t *list = kv_vm_list(t->vm);

	list[2 * t->nlist] = kv_vm_window(t->vm, at);
	list[2 * t->nlist + 1] = entry;
	return ++t->nlist == KV_VM_BATCH ? list_run(t) : 0;
}

static int
write_entry(struct kv_kvm_tables *t, kv_pa_t at, uint64_t entry)
{
	uint64_t *guest = kv_vm_control(t->vm, at);

	if (*guest == entry)
		return 0;
	if (kv_pte_on(&t->format->present, *guest))
		return list_add(t, at, entry);
	*guest = entry;
	return 0;
}

static int
write_slot(struct kv_kvm_tables *t, uint32_t slot)
{
	size_t page = slot >> bits(t);
	unsigned index = slot & ((1U << bits(t)) - 1);
	struct kv_kvm_page *p = t->pages[page];
	uint64_t entry = p->entry[index];
	kv_pa_t offset = index * sizeof(entry);
	int error;

	p->queued[index / 64] &= ~(UINT64_C(1) << index % 64);
	p->warm &= ~(UINT64_C(1) << index / KV_KVM_LINE);
	if (page == 0) { /* the root: the format gives all tables U */
		error = write_entry(t, pa_of(t, 0) + offset, entry & ~t->u);
		return error != 0
			   ? error
			   : write_entry(
				 t, kv_vm_root(t->vm, true) + offset, entry);
	}
	if (entry != 0)
		entry |= (entry & t->u) != 0 ? SOFT_U : t->u;
	return write_entry(t, pa_of(t, page) + offset, entry);
}

int
kv_kvm_tables_commit(struct kv_kvm_tables *t)
{
	size_t i;
	int error = 0, first = 0;

	for (i = 0; i < t->nqueue; i++) {
		error = write_slot(t, t->queue[i]);
		first = first != 0 ? first : error;
	}
	t->nqueue = 0;
	error = list_run(t);
	return first != 0 ? first : error;
}

/* ---- Lines ----------------------------------------------------------- */

/* Where an entry of the guest's tables is. */
static kv_pa_t
at_of(const struct kv_kvm_tables *t, const uint64_t *entry)
{
	return t->vm->base + (uint64_t)((const char *)entry - t->vm->control);
}

int
kv_kvm_tables_store(
    struct kv_kvm_tables *t, const uint64_t *entry, uint64_t value)
{
	return list_add(t, at_of(t, entry), value);
}

int
kv_kvm_tables_flush(struct kv_kvm_tables *t)
{
	return list_run(t);
}

/* The table of a line, and the line's bit. */
static struct kv_kvm_page *
page_of_line(const struct kv_kvm_tables *t, const uint64_t *line, uint64_t *bit)
{
	const uint64_t size = UINT64_C(1) << t->format->page_shift;
	const kv_pa_t at = at_of(t, line);

	*bit = UINT64_C(1) << at % size / (KV_KVM_LINE * sizeof(*line));
	return t->pages[page_of(t, at & ~(size - 1))];
}

bool
kv_kvm_line_warm(struct kv_kvm_tables *t, const uint64_t *line)
{
	uint64_t bit;
	struct kv_kvm_page *p = page_of_line(t, line, &bit);

	if ((p->warm & bit) != 0)
		return false;
	p->warm |= bit;
	return true;
}

void
kv_kvm_line_cool(struct kv_kvm_tables *t, const uint64_t *line)
{
	uint64_t bit;
	struct kv_kvm_page *p = page_of_line(t, line, &bit);

	p->warm &= ~bit;
}

/* ---- Inspect --------------------------------------------------------- */

static unsigned
index_of(const struct kv_kvm_tables *t, kv_va_t va, unsigned level)
{
	return (unsigned)(va >> kv_pte_shift(t->format, level)) &
	       ((1U << bits(t)) - 1);
}

static bool
is_leaf(const struct kv_kvm_tables *t, uint64_t entry, unsigned level)
{
	return level == 0 || !kv_pte_on(&t->format->is_table, entry);
}

/* What the leaf says, its U as the pmap has it. */
static struct kv_leaf
leaf_of(
    const struct kv_kvm_tables *t, uint64_t entry, unsigned level, kv_va_t va)
{
	const unsigned shift = kv_pte_shift(t->format, level);

	if ((entry & SOFT_U) == 0)
		entry &= ~t->u;
	return (struct kv_leaf){.va = va >> shift << shift,
	    .pa = kv_pte_frame(t->format, entry),
	    .level = level,
	    .attr = kv_pte_decode(t->format, entry)};
}

static uint64_t *
table_at(const struct kv_kvm_tables *t, uint64_t entry)
{
	return kv_vm_control(t->vm, kv_pte_frame(t->format, entry));
}

uint64_t *
kv_kvm_tables_find(
    const struct kv_kvm_tables *t, kv_va_t va, struct kv_leaf *leaf)
{
	uint64_t *table = kv_vm_control(t->vm, kv_vm_root(t->vm, false)), *e;
	unsigned level = t->format->levels - 1;

	if (!kv_pt_canonical(t->pmap, va) ||
	    index_of(t, va, level) == kv_vm_window_slot(t->vm))
		return NULL;
	for (;; level--) {
		e = &table[index_of(t, va, level)];
		if (!kv_pte_on(&t->format->present, *e))
			return NULL;
		if (is_leaf(t, *e, level))
			break;
		table = table_at(t, *e);
	}
	*leaf = leaf_of(t, *e, level, va);
	return e;
}

/* What is to be done at each leaf of a range. */
struct visit {
	struct kv_kvm_tables *t;
	kv_leaf_fn *cb; /* NULL: clear A and M */
	void *arg;
	kv_va_t start, last;
};

static int
visit_leaf(
    struct visit *v, kv_pa_t at, uint64_t entry, unsigned level, kv_va_t va)
{
	struct kv_leaf leaf;

	if (v->cb == NULL)
		return (entry & v->t->am) == 0
			   ? 0
			   : list_add(v->t, at, entry & ~v->t->am);
	leaf = leaf_of(v->t, entry, level, va);
	return v->cb(v->arg, &leaf);
}

/* The table at pa maps [va, ...). */
static int
visit_table(struct visit *v, kv_pa_t pa, unsigned level, kv_va_t va)
{
	const struct kv_pte_format *f = v->t->format;
	const uint64_t *table = kv_vm_control(v->t->vm, pa);
	unsigned shift = kv_pte_shift(f, level), i;

	for (i = 0; i < 1U << bits(v->t); i++) {
		kv_va_t from, to;
		int ended;

		if (!kv_pte_on(&f->present, table[i]))
			continue;
		from = kv_pt_va(v->t->pmap,
		    (va + ((uint64_t)i << shift)) & v->t->pmap->va_mask);
		to = from + ((UINT64_C(1) << shift) - 1);
		if (to < v->start || from > v->last ||
		    (level == f->levels - 1 &&
			i == kv_vm_window_slot(v->t->vm)))
			continue;
		ended = is_leaf(v->t, table[i], level)
			    ? visit_leaf(v, pa + i * sizeof(*table), table[i],
				  level, from)
			    : visit_table(v, kv_pte_frame(f, table[i]),
				  level - 1, from);
		if (ended != 0)
			return ended;
	}
	return 0;
}

static int
visit(struct visit *v, kv_va_t start, kv_va_t end)
{
	if (start >= end)
		return 0;
	v->start = start;
	v->last = end - 1;
	return visit_table(
	    v, kv_vm_root(v->t->vm, false), v->t->format->levels - 1, 0);
}

int
kv_kvm_tables_walk(struct kv_kvm_tables *t, kv_va_t start, kv_va_t end,
    kv_leaf_fn *cb, void *arg)
{
	struct visit v = {.t = t, .cb = cb, .arg = arg};

	return visit(&v, start, end);
}

int
kv_kvm_tables_clear(struct kv_kvm_tables *t, kv_va_t start, kv_va_t end)
{
	struct visit v = {.t = t};
	int error = visit(&v, start, end);

	return error != 0 ? error : list_run(t);
}
