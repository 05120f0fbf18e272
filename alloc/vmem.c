/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem.c - arenas
 *
 * 1 Concepts.
 *   An arena hands out segments of the spans that it owns, in multiples of its
 *   quantum.  Spans are added (static) or imported from a source arena; an
 *   imported span that is free again as a whole goes back at once, if the arena
 *   has a release function.  Free segments stand in size classes; best fit
 *   takes the first block, in list order, of the first class that has one that
 *   fits: not the smallest.  Instant fit (M_FIRSTFIT) looks at the heads of
 *   classes whose every block is large enough.  Next fit walks the segments
 *   from a cursor.  The cursor is itself a member of the segment list, so it
 *   keeps its neighbours from coalescing; that is part of the behaviour.
 * 2 Representation.
 *   Boundary tags in a segment list (bt.c), free ones also in a class
 *   (freelist.c), busy ones in a hash by start address.  The list runs in
 *   order of insertion of spans; inside a span it runs in order of address.
 * 3 Invariants.
 *   I1  size = sum of the span tags, inuse = sum of the BUSY tags.
 *   I2  The segments after a span tag tile that span, in order, without gap
 *       (a joined span continues the one before it).
 *   I3  Spans do not overlap.
 *   I4  Free neighbours are coalesced, unless the cursor stands or stood
 *       between them.
 *   I5  Every FREE tag stands in exactly one class, not above that of its
 *       size; every BUSY tag stands in the hash, and only they do.
 *   I6  An imported span that is one FREE tag next to its span tag does not
 *       exist right after a free (it was released).  Not checked: an import in
 *       vain and the cursor both leave such spans behind.
 *   I7  spare is what FreeBSD's stock of free boundary tags would hold: at
 *       least 4 before an operation, at most 32 after a free.
 * 4 Cost.
 *   Allocation: one class lookup in a bit map, then the head of an exact class
 *   or one descent of a range class; constrained requests try blocks in list
 *   order.  Free: one hash lookup, two neighbours.  32 bytes a segment and 16
 *   to 32 a busy one.  Next fit is linear in the segments, as upstream.
 * 5 Fidelity.
 *   FreeBSD sys/kern/subr_vmem.c, 13.0 to 16.0-CURRENT: spec freebsd.md 1,
 *   vmem.md; addresses are identical on 30 golden traces.  Where upstream
 *   loops for ever (next fit, nothing fits, cursor at the head of the list) or
 *   runs out of tags (limits in an importing arena), the answer is ENOMEM; an
 *   import made in vain stays, as it does in stable/12.  Bad frees are results
 *   (upstream panics: "bt != NULL").  Never sleeps: every request is M_NOWAIT.
 */
#include <string.h>

#include "arena.h"
#include "arith.h"

/* ---- Create ---------------------------------------------------------- */

int
kv_vmem_create(const struct kv_vmem_config *cfg, struct kv_vmem **vm)
{
	uint64_t ncaches;
	struct kv_vmem *v;

	if (!kv_is_pow2(cfg->quantum) || cfg->qcache_max % cfg->quantum != 0)
		return EINVAL;
	v = kv_host_zalloc(cfg->host, 1, sizeof(*v));
	if (v == NULL)
		return ENOMEM;
	ncaches = cfg->qcache_max / cfg->quantum;
	v->ncaches = ncaches < QCACHE_MAX ? (unsigned)ncaches : QCACHE_MAX;
	v->batch = 1;
	v->qmask = cfg->quantum - 1;
	v->qshift = kv_log2(cfg->quantum);
	v->tap = cfg->tap;
	v->name = cfg->name;
	v->cache = kv_host_zalloc(cfg->host, v->ncaches, sizeof(*v->cache));
	if ((v->ncaches != 0 && v->cache == NULL) ||
	    bt_store_init(&v->store, cfg->host, v->qshift) != 0) {
		kv_host_free(
		    cfg->host, v->cache, v->ncaches, sizeof(*v->cache));
		kv_host_free(cfg->host, v, 1, sizeof(*v));
		return ENOMEM;
	}
	freelist_init(&v->free, &v->store, v->qshift);
	*vm = v;
	return 0;
}

void
kv_vmem_destroy(struct kv_vmem *vm)
{
	struct kv_host *host;

	if (vm == NULL)
		return;
	host = vm->store.host;
	for (unsigned i = 0; i < vm->ncaches; i++)
		qcache_fini(&vm->cache[i], host);
	kv_host_free(host, vm->cache, vm->ncaches, sizeof(*vm->cache));
	freelist_fini(&vm->free);
	bt_store_fini(&vm->store);
	kv_host_free(host, vm, 1, sizeof(*vm));
}

int
kv_vmem_set_source(struct kv_vmem *vm, const struct kv_vmem_source *src)
{
	if (src->import_quantum == 0 || src->import == NULL)
		return EINVAL;
	if (vm->size != 0)
		return EBUSY;
	vm->source = *src;
	return 0;
}

void
kv_vmem_set_limit(struct kv_vmem *vm, uint64_t bytes)
{
	vm->limit = bytes;
}

void
kv_vmem_set_qcache_batch(struct kv_vmem *vm, uint64_t items)
{
	vm->batch = items;
}

/* ---- Free segments --------------------------------------------------- */

static void
free_push(struct kv_vmem *vm, bt_id id)
{
	freelist_push(&vm->free, id);
	vm->nfree++;
}

static void
free_remove(struct kv_vmem *vm, bt_id id)
{
	freelist_remove(&vm->free, id);
	vm->nfree--;
}

/* Before an operation: four tags in stock (bt_fill), and as many for us. */
static int
tags_fill(struct kv_vmem *vm)
{
	if (vm->spare < SPARE_MIN)
		vm->spare = SPARE_MIN;
	return bt_reserve(&vm->store, TAGS_PER_OP);
}

static void
tags_trim(struct kv_vmem *vm)
{
	if (vm->spare > SPARE_MAX)
		vm->spare = SPARE_MAX;
}

static void
tag_drop(struct kv_vmem *vm, bt_id id)
{
	bt_drop(&vm->store, id);
	vm->spare++;
}

static bt_id
tag_insert(struct kv_vmem *vm, bt_id where, enum kv_vmem_kind kind,
    kv_va_t start, uint64_t size)
{
	vm->spare--;
	return bt_insert_before(&vm->store, where, kind, start, size);
}

/* ---- Spans ----------------------------------------------------------- */

/* Does a new span at va continue the last segment?  Only arenas that never
 * give spans back join them. */
static bool
span_joins(const struct kv_vmem *vm, kv_va_t va)
{
	const struct bt *last = tag_of(vm, bt_prev(tag_of(vm, BT_NONE)));
	enum kv_vmem_kind kind = bt_kind(last);

	return vm->source.release == NULL &&
	       (kind == KV_VMEM_FREE || kind == KV_VMEM_BUSY) &&
	       last->start + last->size == va;
}

/* Room in the classes for a span of that size, joined or not. */
static int
span_reserve(struct kv_vmem *vm, uint64_t size)
{
	const struct bt *last = tag_of(vm, bt_prev(tag_of(vm, BT_NONE)));

	if (freelist_reserve(&vm->free, size) != 0)
		return ENOMEM;
	if (bt_is_free(last) && last->size <= UINT64_MAX - size)
		return freelist_reserve(&vm->free, last->size + size);
	return 0;
}

/* vmem_add1: tags and classes are reserved. */
static void
span_add(struct kv_vmem *vm, kv_va_t va, uint64_t size, enum kv_vmem_kind kind)
{
	bt_id last = bt_prev(tag_of(vm, BT_NONE));

	vm->size += size;
	if (!span_joins(vm, va)) {
		tag_insert(vm, BT_NONE, kind, va, size);
		vm->nspan++;
	} else if (bt_is_free(tag_of(vm, last))) {
		free_remove(vm, last);
		tag_of(vm, last)->size += size;
		free_push(vm, last);
		return;
	}
	free_push(vm, tag_insert(vm, BT_NONE, KV_VMEM_FREE, va, size));
}

int
kv_vmem_add(struct kv_vmem *vm, kv_va_t va, uint64_t size)
{
	if (size == 0 || ((va | size) & vm->qmask) != 0 || va + (size - 1) < va)
		return EINVAL;
	if (tags_fill(vm) != 0 || span_reserve(vm, size) != 0)
		return ENOMEM;
	span_add(vm, va, size, KV_VMEM_STATIC);
	return 0;
}

/*
 * vmem_try_release: hand a free segment back when it is a whole imported span.
 * The cursor between span tag and segment prevents that.
 * => true when it is gone; *error then says what the source answered
 */
static bool
span_release(
    struct kv_vmem *vm, bt_id id, bool listed, int *error, struct kv_diag *diag)
{
	struct bt *t = tag_of(vm, id);
	bt_id span = bt_prev(t);
	kv_va_t va = t->start;
	uint64_t size = t->size;

	if (vm->source.release == NULL || span == BT_NONE ||
	    bt_kind(tag_of(vm, span)) != KV_VMEM_SPAN ||
	    tag_of(vm, span)->size != size)
		return false;
	if (listed)
		free_remove(vm, id);
	tag_drop(vm, id);
	tag_drop(vm, span);
	tags_trim(vm);
	vm->size -= size;
	vm->nspan--;
	vm->count_release++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_RELEASE, vm->name, va, size, 0, 0);
	*error = vm->source.release(vm->source.arg, va, size, diag);
	return true;
}

/* vmem_import.  => 0, ENOMEM */
static int
span_import(struct kv_vmem *vm, const struct kv_vmem_req *rq)
{
	uint64_t ask = rq->size, got;
	kv_va_t va;

	if (vm->source.import == NULL || vm->spare < SPARE_MIN)
		return ENOMEM;
	if (rq->align != vm->qmask + 1 &&
	    (rq->align > UINT64_MAX / 2 || !kv_add(ask, 2 * rq->align, &ask)))
		return ENOMEM;
	if (!kv_round_up(ask, vm->source.import_quantum, &ask))
		return ENOMEM;
	if (vm->limit != 0 && (ask > vm->limit || vm->size > vm->limit - ask))
		return ENOMEM;
	if (bt_reserve(&vm->store, TAGS_PER_OP) != 0 ||
	    span_reserve(vm, ask) != 0)
		return ENOMEM;
	if (vm->source.import(vm->source.arg, ask, rq->fit, &va, &got) != 0)
		return ENOMEM;
	vm->count_import++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_IMPORT, vm->name, va, got, 0, 0);
	span_add(vm, va, got, KV_VMEM_SPAN);
	return 0;
}

/* ---- Fit and clip ---------------------------------------------------- */

/*
 * vmem_fit: where in the segment the request goes.  Arithmetic is modulo 2^64
 * as upstream; one correction for nocross, so a candidate that no longer fits
 * is given up.  => true and *va
 */
static bool
tag_fits(const struct bt *t, const struct kv_vmem_req *rq, kv_va_t *va)
{
	kv_va_t start = t->start > rq->min ? t->start : rq->min;
	kv_va_t end = t->start + (t->size - 1);

	if (end > rq->max)
		end = rq->max;
	if (start > end)
		return false;
	start = kv_align_up(start - rq->phase, rq->align) + rq->phase;
	if (start < t->start)
		start += rq->align;
	if (rq->nocross != 0 &&
	    ((start ^ (start + rq->size - 1)) & (0 - rq->nocross)) != 0)
		start = kv_align_up(start - rq->phase, rq->nocross) + rq->phase;
	if (start > end || end - start < rq->size - 1)
		return false;
	*va = start;
	return true;
}

/*
 * vmem_clip: make [va, va + size) of a free segment busy.  The leading piece is
 * pushed before the trailing one; the tag itself stays the trailing piece.
 * => 0, ENOMEM with nothing changed
 */
static int
tag_clip(struct kv_vmem *vm, bt_id id, kv_va_t va, uint64_t size)
{
	struct bt *t = tag_of(vm, id);
	uint64_t lead = va - t->start, rest = t->size - lead - size;
	bt_id busy = id;

	if ((lead != 0 && freelist_reserve(&vm->free, lead) != 0) ||
	    (rest > vm->qmask && freelist_reserve(&vm->free, rest) != 0))
		return ENOMEM;
	free_remove(vm, id);
	if (lead != 0) {
		free_push(vm, tag_insert(vm, id, KV_VMEM_FREE, t->start, lead));
		t->start = va;
		t->size -= lead;
	}
	if (rest > vm->qmask) {
		busy = tag_insert(vm, id, KV_VMEM_BUSY, va, size);
		t->start += size;
		t->size -= size;
		free_push(vm, id);
	} else {
		bt_set_kind(t, KV_VMEM_BUSY);
	}
	bt_hash_insert(&vm->store, busy);
	vm->inuse += tag_of(vm, busy)->size;
	return 0;
}

/* ---- Allocation ------------------------------------------------------ */

/* First block of any class from `class` on that fits.  => its tag and *va */
static bt_id
best_search(const struct kv_vmem *vm, const struct kv_vmem_req *rq,
    unsigned class, kv_va_t *va)
{
	bt_id id;

	for (class = freelist_next(&vm->free, class); class < FREELIST_CLASSES;
	     class = freelist_next(&vm->free, class + 1)) {
		id = BT_NONE;
		while ((id = freelist_find(&vm->free, class, id, rq->size)) !=
		       BT_NONE)
			if (tag_fits(tag_of(vm, id), rq, va))
				return id;
	}
	return BT_NONE;
}

/* The newest block of a class, whatever its size. */
static bt_id
class_head(const struct freelist *f, unsigned class)
{
	const struct freelist_log *log;

	if (class < FREELIST_EXACT)
		return f->head[class];
	log = &f->log[class - FREELIST_EXACT];
	return log->tag[log->used - 1];
}

/* Instant fit: heads only, of classes without a block that is too small. */
static bt_id
instant_search(
    const struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	unsigned class = freelist_class(&vm->free, rq->size);
	bt_id id;

	if (freelist_lower(class) != rq->size >> vm->qshift)
		class ++;
	for (class = freelist_next(&vm->free, class); class < FREELIST_CLASSES;
	     class = freelist_next(&vm->free, class + 1)) {
		id = class_head(&vm->free, class);
		if (tag_of(vm, id)->size >= rq->size &&
		    tag_fits(tag_of(vm, id), rq, va))
			return id;
	}
	return BT_NONE;
}

static void
qcache_drain(struct kv_vmem *vm)
{
	for (unsigned i = 0; i < vm->ncaches; i++) {
		struct qcache *qc = &vm->cache[i];

		while (
		    qc->count > 0 && kv_vmem_xfree(vm, qc->item[qc->count - 1],
					 (i + 1) * (vm->qmask + 1), NULL) == 0)
			qc->count--;
	}
}

/* vmem_try_fetch: import, else empty the quantum caches.
 * => true when another search may succeed */
static bool
fetch(struct kv_vmem *vm, const struct kv_vmem_req *rq)
{
	uint64_t before;

	if (span_import(vm, rq) == 0)
		return true;
	if (vm->ncaches == 0)
		return false;
	before = vm->size - vm->inuse;
	qcache_drain(vm);
	return vm->size - vm->inuse > before &&
	       bt_reserve(&vm->store, TAGS_PER_OP) == 0;
}

static int
best_alloc(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	unsigned class = freelist_class(&vm->free, rq->size);
	bool instant = rq->fit == KV_VMEM_FIRSTFIT;
	bt_id id;

	do {
		id = BT_NONE;
		if (instant)
			id = instant_search(vm, rq, va);
		instant = false;
		if (id == BT_NONE)
			id = best_search(vm, rq, class, va);
		if (id != BT_NONE)
			return tag_clip(vm, id, *va, rq->size);
	} while (fetch(vm, rq));
	return ENOMEM;
}

/* ---- Next fit -------------------------------------------------------- */

/*
 * Walk once round the segment list from the cursor.
 * => 0 and *id, *va; ENOMEM: nothing fits; EDEADLK: nothing fits and the cursor
 *    heads the list, where the real walk never ends
 */
static int
next_search(const struct kv_vmem *vm, const struct kv_vmem_req *rq, bt_id *id,
    kv_va_t *va)
{
	bt_id first = tag_of(vm, BT_NONE)->next;
	bt_id at = tag_of(vm, BT_CURSOR)->next;

	for (;; at = tag_of(vm, at)->next) {
		if (at == BT_NONE)
			at = first;
		if (at == BT_CURSOR)
			return first == BT_CURSOR ? EDEADLK : ENOMEM;
		if (bt_is_free(tag_of(vm, at)) &&
		    tag_of(vm, at)->size >= rq->size &&
		    tag_fits(tag_of(vm, at), rq, va))
			break;
	}
	*id = at;
	return 0;
}

/* The cursor goes before the first tag, from `at` on, that starts past the
 * block; there is none: to the head of the list. */
static void
cursor_move(struct kv_vmem *vm, bt_id at, kv_va_t past)
{
	bt_unlink(&vm->store, BT_CURSOR);
	while (at != BT_NONE && tag_of(vm, at)->start < past)
		at = tag_of(vm, at)->next;
	if (at == BT_NONE)
		at = tag_of(vm, BT_NONE)->next;
	bt_link_before(&vm->store, at, BT_CURSOR);
}

/*
 * Merge the free segments on both sides of the cursor.  The merged one keeps
 * its class (freebsd-F23).  => its tag, BT_NONE when there was nothing to merge
 */
static bt_id
cursor_merge(struct kv_vmem *vm)
{
	bt_id prev = bt_prev(tag_of(vm, BT_CURSOR));
	bt_id next = tag_of(vm, BT_CURSOR)->next;
	struct bt *p = tag_of(vm, prev), *n = tag_of(vm, next);

	if (prev == BT_NONE || next == BT_NONE || !bt_is_free(p) ||
	    !bt_is_free(n) || p->start + p->size != n->start)
		return BT_NONE;
	p->size += n->size;
	freelist_grown(&vm->free, prev);
	free_remove(vm, next);
	tag_drop(vm, next);
	return prev;
}

static int
next_once(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	bt_id id = BT_NONE, merged;
	int released, error = next_search(vm, rq, &id, va);

	if (error == EDEADLK)
		return error;
	if (error == 0 && (error = tag_clip(vm, id, *va, rq->size)) != 0)
		return EDEADLK; /* no metadata: nothing changed, no retry */
	merged = cursor_merge(vm);
	if (merged != BT_NONE && error == ENOMEM &&
	    tag_of(vm, merged)->size >= rq->size &&
	    tag_fits(tag_of(vm, merged), rq, va)) {
		if (tag_clip(vm, merged, *va, rq->size) != 0)
			return EDEADLK;
		id = merged;
		error = 0;
	} else if (merged != BT_NONE) {
		span_release(vm, merged, true, &released, NULL);
	}
	if (error == 0)
		cursor_move(vm, id, *va + rq->size);
	return error;
}

static int
next_alloc(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	int error;

	do
		error = next_once(vm, rq, va);
	while (error == ENOMEM && fetch(vm, rq));
	return error == 0 ? 0 : ENOMEM;
}

/* ---- Use ------------------------------------------------------------- */

/* One rule that FreeBSD asserts: what is broken, or NULL. */
static const char *
rule_broken(const struct kv_vmem *vm, const struct kv_vmem_req *rq)
{
	uint64_t size = kv_align_up(rq->size, vm->qmask + 1);
	uint64_t max = rq->max == 0 ? KV_ADDR_MAX : rq->max;

	if (rq->size == 0 || size == 0)
		return "size is zero or rounds up past 2^64";
	if (((rq->align | rq->phase | rq->nocross) & vm->qmask) != 0)
		return "align, phase and nocross must be multiples of the "
		       "quantum";
	if ((rq->align & (rq->align - 1)) != 0 ||
	    (rq->nocross & (rq->nocross - 1)) != 0)
		return "align and nocross must be powers of two";
	if (rq->phase != 0 && rq->phase >= rq->align)
		return "phase must be less than align";
	if (rq->nocross != 0 && rq->nocross < size)
		return "nocross must be at least the size";
	if (rq->nocross != 0 && rq->nocross <= rq->align)
		return "nocross must be more than align";
	if (rq->nocross != 0 &&
	    ((rq->phase ^ (rq->phase + size - 1)) & (0 - rq->nocross)) != 0)
		return "[phase, phase + size) must not cross nocross";
	if (rq->min > max)
		return "min must not be more than max";
	if (rq->fit != KV_VMEM_NEXTFIT)
		return NULL;
	if (rq->min != 0 || max != KV_ADDR_MAX)
		return "next fit takes no limits";
	return size == rq->size ? NULL
				: "next fit takes multiples of the quantum";
}

int
kv_vmem_req_check(const struct kv_vmem *vm, const struct kv_vmem_req *req,
    struct kv_diag *diag)
{
	const char *broken = rule_broken(vm, req);

	return broken == NULL
		   ? 0
		   : kv_diag_set(diag, EINVAL, "vmem", 0, req->size, broken);
}

/* A request that keeps the rules: sizes rounded, defaults filled in. */
static int
request_alloc(struct kv_vmem *vm, const struct kv_vmem_req *req, kv_va_t *va)
{
	struct kv_vmem_req rq = *req;
	kv_va_t got;
	int error;

	rq.size = kv_align_up(rq.size, vm->qmask + 1);
	rq.align = rq.align == 0 ? vm->qmask + 1 : rq.align;
	rq.max = rq.max == 0 ? KV_ADDR_MAX : rq.max;
	error = tags_fill(vm);
	if (error == 0)
		error = rq.fit == KV_VMEM_NEXTFIT ? next_alloc(vm, &rq, &got)
						  : best_alloc(vm, &rq, &got);
	if (error != 0) {
		vm->count_fail++;
		return ENOMEM;
	}
	vm->count_alloc++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_ALLOC, vm->name, got, rq.size, 0, 0);
	*va = got;
	return 0;
}

int
kv_vmem_xalloc(struct kv_vmem *vm, const struct kv_vmem_req *req, kv_va_t *va)
{
	return rule_broken(vm, req) != NULL ? EINVAL
					    : request_alloc(vm, req, va);
}

/* The busy tag at va, of that size.  => 0 and *slot in the hash */
static int
busy_find(const struct kv_vmem *vm, kv_va_t va, uint64_t size, uint32_t *slot,
    struct kv_diag *diag)
{
	*slot = bt_hash_find(&vm->store, va);
	if (*slot == UINT32_MAX)
		return kv_diag_set(diag, ENOENT, "vmem", 5, va,
		    "bt != NULL: no busy segment starts at this address");
	if (tag_of(vm, (uint32_t)vm->store.hash[*slot])->size !=
	    kv_align_up(size, vm->qmask + 1))
		return kv_diag_set(diag, EINVAL, "vmem", 5, va,
		    "the busy segment has another size");
	return 0;
}

/* Coalesce a tag that just became FREE: next neighbour, then previous. */
static void
coalesce(struct kv_vmem *vm, bt_id id)
{
	struct bt *t = tag_of(vm, id);
	bt_id next = t->next, prev = bt_prev(t);

	if (bt_is_free(tag_of(vm, next))) {
		free_remove(vm, next);
		t->size += tag_of(vm, next)->size;
		tag_drop(vm, next);
	}
	if (bt_is_free(tag_of(vm, prev))) {
		free_remove(vm, prev);
		t->start = tag_of(vm, prev)->start;
		t->size += tag_of(vm, prev)->size;
		tag_drop(vm, prev);
	}
}

/* Bytes that freeing this busy tag will leave in one piece. */
static uint64_t
coalesced_size(const struct kv_vmem *vm, const struct bt *t)
{
	const struct bt *next = tag_of(vm, t->next);
	const struct bt *prev = tag_of(vm, bt_prev(t));

	return t->size + (bt_is_free(next) ? next->size : 0) +
	       (bt_is_free(prev) ? prev->size : 0);
}

int
kv_vmem_xfree(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	uint32_t slot;
	bt_id id;
	int error = busy_find(vm, va, size, &slot, diag);

	if (error != 0)
		return error;
	id = (uint32_t)vm->store.hash[slot];
	if (freelist_reserve(&vm->free, coalesced_size(vm, tag_of(vm, id))) !=
	    0)
		return ENOMEM;
	bt_hash_remove(&vm->store, slot);
	vm->inuse -= tag_of(vm, id)->size;
	vm->count_free++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_FREE, vm->name, va,
	    tag_of(vm, id)->size, 0, 0);
	bt_set_kind(tag_of(vm, id), KV_VMEM_FREE);
	coalesce(vm, id);
	if (!span_release(vm, id, false, &error, diag)) {
		free_push(vm, id);
		tags_trim(vm);
	}
	return error;
}

/* The quantum cache for a size, or NULL. */
static struct qcache *
cache_for(struct kv_vmem *vm, uint64_t size)
{
	uint64_t i = (size - 1) >> vm->qshift;

	return size != 0 && i < vm->ncaches ? &vm->cache[i] : NULL;
}

/* A miss: import up to batch items, one by one, then push them all. */
static void
cache_fill(struct kv_vmem *vm, struct qcache *qc, struct kv_vmem_req *rq)
{
	struct qcache got = {0};

	rq->min = 1;
	while (got.count < vm->batch &&
	       qcache_reserve(&got, vm->store.host, 1) == 0 &&
	       kv_vmem_xalloc(vm, rq, &got.item[got.count]) == 0)
		got.count++;
	rq->min = 0;
	if (qcache_reserve(qc, vm->store.host, got.count) == 0) {
		for (size_t i = 0; i < got.count; i++)
			qc->item[qc->count++] = got.item[i];
	} else {
		while (got.count > 0)
			kv_vmem_xfree(
			    vm, got.item[--got.count], rq->size, NULL);
	}
	qcache_fini(&got, vm->store.host);
}

int
kv_vmem_alloc(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	struct kv_vmem_req rq = {.size = size, .fit = fit};
	struct qcache *qc = cache_for(vm, size);

	if (qc == NULL || rule_broken(vm, &rq) != NULL)
		return kv_vmem_xalloc(vm, &rq, va);
	rq.size = kv_align_up(size, vm->qmask + 1);
	if (qc->count == 0)
		cache_fill(vm, qc, &rq);
	if (qc->count == 0)
		return kv_vmem_xalloc(vm, &rq, va);
	*va = qc->item[--qc->count];
	return 0;
}

int
kv_vmem_free(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	struct qcache *qc = cache_for(vm, size);
	uint32_t slot;
	int error;

	if (qc == NULL || va == 0 || qcache_reserve(qc, vm->store.host, 1) != 0)
		return kv_vmem_xfree(vm, va, size, diag);
	error = busy_find(vm, va, size, &slot, diag);
	if (error == 0)
		qc->item[qc->count++] = va;
	return error;
}
