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
 *   I4  Free neighbours are coalesced, unless the cursor stands between
 *       them.
 *   I5  Every FREE tag, but for a parked one (vmem_park.c), stands in exactly
 *       one class, not above that of its size (that of its size, if the arena
 *       is to relist); every BUSY tag stands in the hash, and only they do.
 *   I6  An imported span that is one FREE tag next to its span tag does not
 *       exist right after a free (it was released).  Not checked: an import in
 *       vain and the cursor both leave such spans behind.
 *   I7  spare is what FreeBSD's stock of free boundary tags would hold: at
 *       least 4 before an operation, at most 32 after a free.
 * 4 Cost.
 *   Allocation: one class lookup in a bit map, then the head of an exact class
 *   or one search of a range class; constrained requests try blocks in list
 *   order.  Free: one hash lookup, two neighbours; it needs no memory, so it
 *   cannot fail.  32 bytes a segment and 8 to 16 a busy one.  Next fit is
 *   linear in the segments, as upstream.  An arena that needs no care
 *   (ARENA_*) goes the shortest way (vmem_quick.h).
 * 5 Fidelity.
 *   FreeBSD sys/kern/subr_vmem.c, 13.0 to 16.0-CURRENT: spec freebsd.md 1,
 *   vmem.md; addresses are identical on 30 golden traces.  Where upstream
 *   loops for ever (next fit, nothing fits, cursor at the head of the list) or
 *   runs out of tags (limits in an importing arena), the answer is ENOMEM; an
 *   import made in vain stays, as it does in stable/12.  Bad frees are results
 *   (upstream panics: "bt != NULL").  Never sleeps: every request is M_NOWAIT.
 */
#include "arena.h"

/* ---- Create ---------------------------------------------------------- */

int
kv_vmem_create(const struct kv_vmem_config *cfg, struct kv_vmem **vm)
{
	uint64_t ncaches;
	struct kv_vmem *v;

	if (!kv_is_pow2(cfg->quantum) || cfg->qcache_max % cfg->quantum != 0 ||
	    (cfg->pow2 && cfg->quantum >> ARENA_POW2_SHIFT == 0))
		return EINVAL;
	v = kv_host_zalloc(cfg->host, 1, sizeof(*v));
	if (v == NULL)
		return ENOMEM;
	ncaches = cfg->qcache_max / cfg->quantum;
	v->ncaches = ncaches < QCACHE_MAX ? (unsigned)ncaches : QCACHE_MAX;
	if (cfg->tap.fn != NULL)
		v->careful |= ARENA_TOLD;
	if (v->ncaches != 0 || cfg->pow2 || cfg->host->draws != NULL)
		v->careful |= ARENA_OTHER;
	v->pow2 = cfg->pow2;
	v->relist = cfg->relist;
	v->stale = cfg->stale;
	v->batch = 1;
	v->qmask = cfg->quantum - 1;
	v->qshift = kv_log2(cfg->quantum);
	v->tap = cfg->tap;
	v->name = cfg->name;
	v->cache = kv_host_zalloc(cfg->host, v->ncaches, sizeof(*v->cache));
	if ((v->ncaches != 0 && v->cache == NULL) ||
	    kv_bt_store_init(&v->store, cfg->host, v->qshift) != 0) {
		kv_host_free(
		    cfg->host, v->cache, v->ncaches, sizeof(*v->cache));
		kv_host_free(cfg->host, v, 1, sizeof(*v));
		return ENOMEM;
	}
	kv_freelist_init(&v->free, &v->store,
	    v->qshift - (cfg->pow2 ? ARENA_POW2_SHIFT : 0));
	kv_tap_emit(&v->tap, KV_EV_VMEM_ARENA, v->name, cfg->quantum,
	    cfg->qcache_max, cfg->pow2, 0);
	*vm = v;
	return 0;
}

void
kv_vmem_destroy(struct kv_vmem *vm)
{
	struct kv_host *host;

	if (vm == NULL)
		return;
	kv_arena_settle(vm);
	host = vm->store.host;
	for (unsigned i = 0; i < vm->ncaches; i++)
		kv_qcache_fini(&vm->cache[i], host);
	kv_host_free(host, vm->cache, vm->ncaches, sizeof(*vm->cache));
	kv_freelist_fini(&vm->free);
	kv_bt_store_fini(&vm->store);
	kv_host_free(host, vm, 1, sizeof(*vm));
}

int
kv_vmem_set_source(struct kv_vmem *vm, const struct kv_vmem_source *src)
{
	if (src->import_quantum == 0 || src->import == NULL)
		return EINVAL;
	arena_settle(vm);
	if (vm->size != 0)
		return EBUSY;
	vm->source = *src;
	if (vm->pow2) /* what is put off is foreseen for the other lists */
		vm->source.block = NULL;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_SOURCE, vm->name, src->import_quantum,
	    src->release != NULL, 0, 0);
	return 0;
}

void
kv_vmem_set_limit(struct kv_vmem *vm, uint64_t bytes)
{
	arena_settle(vm);
	vm->limit = bytes;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_LIMIT, vm->name, bytes, 0, 0, 0);
}

void
kv_vmem_set_qcache_batch(struct kv_vmem *vm, uint64_t items)
{
	vm->batch = items;
}

int
kv_vmem_add(struct kv_vmem *vm, kv_va_t va, uint64_t size)
{
	if (size == 0 || ((va | size) & vm->qmask) != 0 || va + (size - 1) < va)
		return EINVAL;
	arena_settle(vm);
	if (tags_fill(vm) != 0)
		return ENOMEM;
	freelist_push(&vm->free, kv_arena_add(vm, va, size, KV_VMEM_STATIC));
	kv_tap_emit(&vm->tap, KV_EV_VMEM_ADD, vm->name, va, size, 0, 0);
	return 0;
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

static void
request_tell(const struct kv_vmem *vm, const struct kv_vmem_req *rq)
{
	if (vm->tap.fn == NULL)
		return;
	kv_tap_tell(&vm->tap, KV_EV_VMEM_REQUEST, vm->name, rq->size, rq->align,
	    rq->phase, rq->nocross);
	kv_tap_tell(&vm->tap, KV_EV_VMEM_BOUNDS, vm->name, rq->min, rq->max,
	    (uint64_t)rq->fit, 0);
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
	request_tell(vm, &rq);
	error = tags_fill(vm);
	if (error == 0 && rq.fit == KV_VMEM_NEXTFIT)
		error = kv_arena_next(vm, &rq, &got);
	else if (error == 0)
		error =
		    (vm->pow2 ? kv_arena_pow2 : kv_arena_best)(vm, &rq, &got);
	if (error != 0) {
		vm->count_fail++;
		kv_tap_emit(
		    &vm->tap, KV_EV_VMEM_FAIL, vm->name, rq.size, 0, 0, 0);
		return ENOMEM;
	}
	alloc_note(vm, got, rq.size);
	*va = got;
	return 0;
}

/* Alignment at most, as every import asks: few rules can be broken. */
static bool
is_simple(const struct kv_vmem *vm, const struct kv_vmem_req *rq)
{
	return (rq->phase | rq->nocross | rq->min | rq->max) == 0 &&
	       rq->fit != KV_VMEM_NEXTFIT && rq->size != 0 &&
	       rq->size <= UINT64_MAX - vm->qmask &&
	       (rq->align & (rq->align - 1)) == 0 &&
	       (rq->align & vm->qmask) == 0;
}

static int
simple_alloc(struct kv_vmem *vm, const struct kv_vmem_req *req, kv_va_t *va)
{
	struct kv_vmem_req rq = {
	    .size = kv_align_up(req->size, vm->qmask + 1),
	    .align = req->align == 0 ? vm->qmask + 1 : req->align,
	    .max = KV_ADDR_MAX,
	    .fit = req->fit,
	};
	int error = req->fit == KV_VMEM_BESTFIT
			? kv_arena_alloc_front(vm, &rq, va)
			: EAGAIN;

	return error == EAGAIN ? request_alloc(vm, req, va) : error;
}

int
kv_vmem_xalloc(struct kv_vmem *vm, const struct kv_vmem_req *req, kv_va_t *va)
{
	if (vm->below != NULL)
		kv_arena_let_go(vm);
	if (req->fit == KV_VMEM_NEXTFIT)
		arena_settle(vm);
	if (is_simple(vm, req))
		return simple_alloc(vm, req, va);
	return rule_broken(vm, req) == NULL ? request_alloc(vm, req, va)
					    : EINVAL;
}

int
kv_arena_find(const struct kv_vmem *vm, kv_va_t va, uint64_t size, bt_id *id,
    struct kv_diag *diag)
{
	const struct bt *t;

	*id = bt_hash_find(&vm->store, va);
	if (*id == BT_NONE)
		return kv_diag_set(diag, ENOENT, "vmem", 5, va,
		    "bt != NULL: no busy segment starts at this address");
	t = tag_of(vm, *id);
	if (t->size - kv_align_up(size, vm->qmask + 1) > vm->qmask)
		return kv_diag_set(diag, EINVAL, "vmem", 5, va,
		    "the busy segment has another size");
	if (t->back == TAG_CACHED)
		return kv_diag_set(diag, ENOENT, "vmem", 5, va,
		    "the segment is free already: it is in a quantum cache");
	return 0;
}

/* ---- Quantum caches --------------------------------------------------- */

/* A busy tag goes into a cache that has room. */
static void
cache_push(struct kv_vmem *vm, struct qcache *qc, bt_id id)
{
	struct bt *t = tag_of(vm, id);

	t->back = TAG_CACHED;
	qc->item[qc->count++] = id;
	kv_tap_emit(
	    &vm->tap, KV_EV_VMEM_CACHE, vm->name, t->start, t->size, 0, 0);
}

static bt_id
cache_pop(struct kv_vmem *vm, struct qcache *qc)
{
	bt_id id = qc->item[--qc->count];
	struct bt *t = tag_of(vm, id);

	t->back = 0;
	kv_tap_emit(
	    &vm->tap, KV_EV_VMEM_REUSE, vm->name, t->start, t->size, 0, 0);
	return id;
}

/* Free a busy tag, now.  => as kv_vmem_xfree */
static int
free_tag(struct kv_vmem *vm, bt_id id, struct kv_diag *diag)
{
	const struct bt *t = tag_of(vm, id);

	return kv_vmem_xfree(vm, t->start, t->size, diag);
}

/* All caches, smallest size first, each from its top down. */
static void
caches_drain(struct kv_vmem *vm)
{
	for (unsigned i = 0; i < vm->ncaches; i++)
		while (vm->cache[i].count > 0)
			free_tag(vm, cache_pop(vm, &vm->cache[i]), NULL);
}

bool
kv_arena_drain(struct kv_vmem *vm)
{
	uint64_t before = vm->size - vm->inuse;

	if (vm->ncaches == 0)
		return false;
	caches_drain(vm);
	return vm->size - vm->inuse > before &&
	       bt_reserve(&vm->store, TAGS_PER_OP) == 0;
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
	kv_va_t va;

	rq->min = 1;
	while (got.count < vm->batch &&
	       kv_qcache_reserve(&got, vm->store.host, 1) == 0 &&
	       kv_vmem_xalloc(vm, rq, &va) == 0)
		got.item[got.count++] = bt_hash_find(&vm->store, va);
	rq->min = 0;
	if (kv_qcache_reserve(qc, vm->store.host, got.count) == 0) {
		for (size_t i = 0; i < got.count; i++)
			cache_push(vm, qc, got.item[i]);
	} else {
		while (got.count > 0)
			kv_vmem_xfree(vm,
			    tag_of(vm, got.item[--got.count])->start, rq->size,
			    NULL);
	}
	kv_qcache_fini(&got, vm->store.host);
}

int
kv_arena_alloc(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	struct qcache *qc = cache_for(vm, size);
	struct kv_vmem_req rq = {.size = size, .fit = fit};

	if (vm->below == NULL && qc == NULL && !vm->pow2 &&
	    fit != KV_VMEM_NEXTFIT && kv_arena_plain(vm, size, fit, va) == 0)
		return 0;
	if (qc == NULL || rule_broken(vm, &rq) != NULL)
		return kv_vmem_xalloc(vm, &rq, va);
	if (vm->below != NULL)
		kv_arena_let_go(vm);
	rq.size = kv_align_up(size, vm->qmask + 1);
	if (qc->count == 0)
		cache_fill(vm, qc, &rq);
	if (qc->count == 0)
		return kv_vmem_xalloc(vm, &rq, va);
	*va = tag_of(vm, cache_pop(vm, qc))->start;
	return 0;
}

int
kv_arena_cache(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	struct qcache *qc = cache_for(vm, size);
	bt_id id;
	int error;

	if (qc == NULL || va == 0)
		return kv_vmem_xfree(vm, va, size, diag);
	if (vm->below != NULL)
		kv_arena_let_go(vm);
	error = kv_arena_find(vm, va, size, &id, diag);
	if (error != 0) {
		kv_tap_emit(&vm->tap, KV_EV_VMEM_FREE, vm->name, va,
		    kv_align_up(size, vm->qmask + 1), 0, 0);
		return error;
	}
	if (kv_qcache_reserve(qc, vm->store.host, 1) != 0)
		return free_tag(vm, id, diag);
	cache_push(vm, qc, id);
	return 0;
}
