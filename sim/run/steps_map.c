/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_map.c - steps that change page tables */
#include "out/limit.h"
#include "run/runner_parts.h"

/* ---- Numbers that only the run knows --------------------------------- */

static bool
lookup(void *arg, const char *name, struct kv_value *value)
{
	struct kv_runner *r = arg;

	return kv_loops_pass(r, name, value) ||
	       kv_run_lookup(r->run, name, value);
}

int
kv_runner_late(struct kv_runner *r, const struct kv_late *late, uint64_t *value)
{
	struct kv_value v;

	*value = late->value;
	if (late->expr == NULL)
		return 0;
	if (kv_expr_eval(late->expr, lookup, r, &v, r->errors) != 0)
		return EINVAL;
	if (v.kind == KV_VALUE_NONE)
		return ENOENT;
	if (v.kind != KV_VALUE_UINT)
		return kv_runner_refuse(
		    r, &late->place, "this is no whole number");
	*value = v.u;
	return 0;
}

/* ---- Steps on a space ------------------------------------------------ */

/* One range of a step, at va, the i-th.  => 0; an error of pmap.h */
typedef int range_fn(
    struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i);

static struct kv_pmap *
pmap_of(struct kv_runner *r, const struct kv_map_step *s)
{
	return r->run->world->spaces[s->space].pmap;
}

static uint64_t
size_of(struct kv_runner *r, const struct kv_map_step *s)
{
	return s->npages << r->run->sc->machine->page_shift;
}

static int
is_leaf(void *arg, const struct kv_leaf *leaf)
{
	(void)arg;
	(void)leaf;
	return 1;
}

/* Does anything map a part of the range? */
static bool
is_mapped(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va)
{
	return kv_pmap_walk(
		   pmap_of(r, s), va, va + size_of(r, s), is_leaf, NULL) != 0;
}

/* What was there is not any more; what was not is in no TLB. */
static void
flush(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va)
{
	if (!s->flush || (r->run->sc->generation &&
			     kv_runner_planted(r, KV_PLANT_ELFUSE_F10)))
		return;
	kv_runner_flush(r, s->space, va, s->npages);
}

/* A step that fails midway has still changed the pages that it did. */
static void
flush_done(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va,
    uint64_t done, bool returns)
{
	const uint64_t npages = done >> r->run->sc->machine->page_shift;

	r->partial_pages += npages;
	if (!s->flush)
		return;
	if (!returns)
		kv_runner_flush(r, s->space, va, npages);
	if (r->run->sc->gather == NULL)
		kv_runner_judge_flushed(r, s->space, va, npages);
}

/* Where pages are entered and removed one by one superpages are split: what is
 * still busy is another space's table. */
static bool
is_borrowed(const struct kv_map_step *s, int fail)
{
	return s->how == KV_MAP_ENTER && fail != KV_MAP_FAIL_GROW &&
	       fail != KV_MAP_FAIL_GRAFT;
}

/* What no kernel survives is refused; what it reports is counted. */
static int
judge(struct kv_runner *r, const struct kv_map_step *s, int error, int fail)
{
	static const struct {
		int error;
		const char *why;
	} refused[] = {{EINVAL, "these are no addresses of the space"},
	    {EBUSY, "a superpage maps part of this: qenter and qremove "
		    "change base pages alone"},
	    {EEXIST, "something is mapped there already"}};
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].error == error &&
		    (error != EBUSY || !is_borrowed(s, fail)))
			return kv_runner_refuse(
			    r, &s->va.place, refused[i].why);
	r->map_fails[fail] += error != 0;
	r->run->op.error = error;
	return 0;
}

bool
kv_runner_refused(
    struct kv_runner *r, unsigned space, kv_va_t va, uint64_t size)
{
	const struct kv_space_spec *s = &r->run->sc->spaces[space];

	if (s->reserved_size == 0 ||
	    !kv_overlap(va, size, s->reserved, s->reserved_size))
		return false;
	if (s->unguarded || kv_runner_planted(r, KV_PLANT_ELFUSE_F11)) {
		r->reserved_passed++;
		return false;
	}
	r->reserved_refused++;
	return true;
}

/* Is it a call of the space's user, of a range that is not his? */
static bool
is_refused(
    struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, int fail)
{
	return fail <= KV_MAP_FAIL_PROTECT && !s->by_kernel &&
	       kv_runner_refused(r, s->space, va, size_of(r, s));
}

/* What failed, for who judges by events. */
static void
tell_failure(
    struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, int fail)
{
	static const enum kv_event_kind kinds[] = {
	    [KV_MAP_FAIL_MAP] = KV_EV_FAIL_MAP,
	    [KV_MAP_FAIL_UNMAP] = KV_EV_FAIL_UNMAP,
	    [KV_MAP_FAIL_PROTECT] = KV_EV_FAIL_PROTECT};
	const bool edits =
	    fail == KV_MAP_FAIL_UNMAP || fail == KV_MAP_FAIL_PROTECT;

	kv_tap_emit(&r->tap,
	    fail <= KV_MAP_FAIL_PROTECT ? kinds[fail] : KV_EV_FAIL_LEAF,
	    r->run->sc->spaces[s->space].name, va, s->npages,
	    edits ? r->run->op.done : 0,
	    fail == KV_MAP_FAIL_PROTECT ? s->attr : 0);
}

/* The step's ranges, one operation each. */
static int
each(struct kv_runner *r, const struct kv_step *step, range_fn *fn, int fail)
{
	const struct kv_map_step *s = step->map;
	struct kv_range_watch watch = {.size = 0};
	kv_va_t va = 0;
	uint64_t i;
	int late = kv_runner_late(r, &s->va, &va), error = late;
	const bool judged = late == 0 && kv_range_is_judged(r);

	if (late == EINVAL)
		return EINVAL;
	for (i = 0; i < step->count; i++, va += s->stride) {
		kv_runner_begin(r, step->kind);
		kv_limit_through(s->npages);
		kv_runner_need(r, s->space);
		r->run->op.space = s->space;
		r->run->op.va = va;
		if (judged)
			kv_range_before(r, s, va, &watch);
		if (late == 0)
			error = is_refused(r, s, va, fail) ? EPERM
							   : fn(r, s, va, i);
		if (late == 0 && error != 0)
			tell_failure(r, s, va, fail);
		if (judge(r, s, error, fail) != 0)
			break;
		if (judged)
			kv_range_after(
			    r, s, &watch, fail, error, r->run->op.done);
		kv_runner_end(r, false);
	}
	kv_range_watch_fini(&watch);
	return i < step->count ? EINVAL : 0;
}

/* Later: where nothing is mapped yet, or to be. */
static int
map_lazily(struct kv_runner *r, const struct kv_map_step *s,
    const struct kv_space_range *range)
{
	const struct kv_lazy_range lazy = {.space = s->space,
	    .level = 1,
	    .attr = s->attr,
	    .va = range->va,
	    .size = size_of(r, s),
	    .pa = range->pa};
	const kv_va_t last = lazy.va + (lazy.size - 1);
	struct kv_leaf leaf;

	kv_world_tick(r->run->world);
	if (last < lazy.va ||
	    kv_pmap_extract(pmap_of(r, s), lazy.va, &leaf) == EINVAL ||
	    kv_pmap_extract(pmap_of(r, s), last, &leaf) == EINVAL)
		return EINVAL;
	if (is_mapped(r, s, lazy.va) ||
	    kv_lazy_meets(&r->lazy, s->space, lazy.va, lazy.size))
		return EEXIST;
	kv_lazy_add(&r->lazy, &lazy);
	return 0;
}

/* By mode: where nothing is mapped yet. */
static int
map_data(struct kv_runner *r, const struct kv_map_step *s,
    const struct kv_space_range *range)
{
	const struct kv_object_spec *spec = &r->run->sc->objects[s->object];
	struct kv_world *w = r->run->world;
	struct kv_data_range data = {.space = s->space,
	    .object = (unsigned)s->object,
	    .pages = range->object,
	    .npages_object = spec->npages,
	    .same = spec->same,
	    .range = *range,
	    .mode = s->mode,
	    .flush = s->on_fault,
	    .in_place = s->in_place || kv_runner_planted(r, KV_PLANT_NUB_F11)};

	if (s->mode == KV_COW_DIRECT_RO &&
	    kv_runner_planted(r, KV_PLANT_NUB_F2)) {
		data.mode = KV_COW_EAGER;
		data.range.attr |= KV_PTE_W;
	}
	if (kv_runner_planted(r, KV_PLANT_NUB_F1))
		data.flush = KV_COW_FLUSH_NEVER;
	if (kv_runner_planted(r, KV_PLANT_NUB_F7))
		data.range.attr |= KV_PTE_G;
	kv_world_tick(w);
	if (is_mapped(r, s, range->va))
		return EEXIST;
	return kv_data_map(w->data, &w->spaces[s->space], &data);
}

static int
map(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i)
{
	struct kv_world *w = r->run->world;
	struct kv_space_range range = {.va = va,
	    .npages = s->npages,
	    .pindex = r->pindex + i * s->npages,
	    .pa = r->pa + i * size_of(r, s),
	    .how = (enum kv_space_how)s->how,
	    .level = s->level,
	    .present = (enum kv_space_present)s->present,
	    .attr = s->attr};

	bool before = r->run->cpus != NULL && is_mapped(r, s, va);
	int error;

	if (s->present == KV_PRESENT_SKIP &&
	    kv_runner_planted(r, KV_PLANT_ELFUSE_F8))
		range.present = KV_SPACE_REPLACE;
	if (s->object >= 0) {
		range.object = w->objects[s->object];
		range.domain = r->run->sc->objects[s->object].domain;
	}
	if (s->lazy)
		return map_lazily(r, s, &range);
	error = s->data ? map_data(r, s, &range)
			: kv_world_map(w, s->space, &range);
	if (error == 0)
		kv_lazy_unmap(&r->lazy, s->space, va, size_of(r, s));
	if (s->data)
		return error;
	if (before)
		flush(r, s, va);
	return error;
}

static int
unmap(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i)
{
	struct kv_space *space = &r->run->world->spaces[s->space];
	const bool returns = r->run->sc->returns_early ||
			     kv_runner_planted(r, KV_PLANT_ELFUSE_F3);
	uint64_t *done = &r->run->op.done;
	int error;

	(void)i;
	kv_world_tick(r->run->world);
	space->urgent = true;
	if (s->how == KV_MAP_QENTER)
		error = kv_pmap_qremove(space->pmap, va, s->npages);
	else
		error = kv_pmap_remove(space->pmap, va, size_of(r, s), done);
	space->urgent = false;
	kv_lazy_unmap(
	    &r->lazy, s->space, va, error == 0 ? size_of(r, s) : *done);
	if (error == 0)
		flush(r, s, va);
	else
		flush_done(r, s, va, *done, returns);
	/* Who returns early does not say what it did, either (V8). */
	if (error != 0 && returns)
		*done = 0;
	return error;
}

static int
protect(
    struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i)
{
	uint64_t *done = &r->run->op.done;
	int error;

	(void)i;
	kv_world_tick(r->run->world);
	error =
	    kv_pmap_protect(pmap_of(r, s), va, size_of(r, s), s->attr, done);
	kv_lazy_protect(&r->lazy, s->space, va,
	    error == 0 ? size_of(r, s) : *done, s->attr);
	if (error == 0)
		flush(r, s, va);
	else
		flush_done(r, s, va, *done, false);
	return error;
}

static int
promote(
    struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i)
{
	(void)i;
	kv_world_tick(r->run->world);
	return kv_pmap_promote(pmap_of(r, s), va);
}

static int
demote(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i)
{
	(void)i;
	kv_world_tick(r->run->world);
	return kv_pmap_demote(pmap_of(r, s), va);
}

static int
grow(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va, uint64_t i)
{
	(void)i;
	kv_world_tick(r->run->world);
	return kv_pmap_grow(pmap_of(r, s), va, size_of(r, s), s->level);
}

/* Where the pages begin in the object; it may name a block.
 * => 0; ENOENT: the block has no address; EINVAL, noted */
static int
pindex_of(struct kv_runner *r, const struct kv_step *step, kv_pindex_t *pindex)
{
	const struct kv_map_step *s = step->map;
	uint64_t size = r->run->sc->objects[s->object].npages;
	int error = kv_runner_late(r, &s->pindex, pindex);

	if (error == 0 && s->pindex.expr != NULL &&
	    (*pindex > size || s->npages * step->count > size - *pindex))
		error = kv_runner_refuse(r, &s->pindex.place,
		    "the pages end past those of the object");
	return error;
}

/* Memory of a device.  => 0; ENOENT: the block has no address; EINVAL, noted */
static int
pa_of(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_scenario *sc = r->run->sc;
	const struct kv_late *pa = &step->map->pa;
	const uint64_t size = size_of(r, step->map) * step->count;
	int error = kv_runner_late(r, pa, &r->pa);

	if (error == 0 && r->pa % kv_machine_page_size(sc->machine) != 0)
		error = kv_runner_refuse(
		    r, &pa->place, "this is no multiple of a page");
	for (size_t i = 0; error == 0 && pa->expr != NULL && i < sc->nranges;
	     i++)
		if (kv_overlap(r->pa, size, sc->ranges[i].start,
			sc->ranges[i].end - sc->ranges[i].start))
			error = kv_runner_refuse(r, &pa->place,
			    "memory of the machine is mapped by 'object'");
	return error;
}

int
kv_step_map(struct kv_runner *r, const struct kv_step *step)
{
	int error = step->map->object >= 0 ? pindex_of(r, step, &r->pindex)
					   : pa_of(r, step);

	if (error == ENOENT)
		r->map_fails[KV_MAP_FAIL_MAP] += step->count;
	if (error != 0)
		return error == EINVAL ? EINVAL : 0;
	return each(r, step, map, KV_MAP_FAIL_MAP);
}

int
kv_step_unmap(struct kv_runner *r, const struct kv_step *step)
{
	return each(r, step, unmap, KV_MAP_FAIL_UNMAP);
}

int
kv_step_protect(struct kv_runner *r, const struct kv_step *step)
{
	return each(r, step, protect, KV_MAP_FAIL_PROTECT);
}

int
kv_step_promote(struct kv_runner *r, const struct kv_step *step)
{
	return each(r, step, promote, KV_MAP_FAIL_PROMOTE);
}

int
kv_step_demote(struct kv_runner *r, const struct kv_step *step)
{
	return each(r, step, demote, KV_MAP_FAIL_DEMOTE);
}

int
kv_step_grow(struct kv_runner *r, const struct kv_step *step)
{
	return each(r, step, grow, KV_MAP_FAIL_GROW);
}

int
kv_step_graft(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_map_step *s = step->map;
	kv_va_t va;
	int error = kv_runner_late(r, &s->va, &va);

	if (error == EINVAL)
		return EINVAL;
	kv_runner_begin(r, step->kind);
	kv_world_tick(r->run->world);
	if (error == 0)
		error = kv_space_graft(&r->run->world->spaces[s->space],
		    &r->run->world->spaces[s->owner], va);
	if (judge(r, s, error, KV_MAP_FAIL_GRAFT) != 0)
		return EINVAL;
	kv_runner_end(r, false);
	return 0;
}

/* Somebody else takes pages, for no table of a space. */
int
kv_step_draw(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_ptpool_page want = {
	    .scope = KV_PTPOOL_GLOBAL, .depth = KV_PTPOOL_OTHER};
	struct kv_ptpool *pool = r->run->world->pools[step->pool];
	uint64_t i;
	kv_pa_t pa;

	for (i = 0; i < step->count; i++) {
		kv_runner_begin(r, step->kind);
		kv_world_tick(r->run->world);
		r->run->op.error =
		    kv_draws_refuse(r->run->cfg.draws, KV_DRAW_TABLE)
			? ENOMEM
			: kv_ptpool_get(pool, &want, false, &pa);
		r->map_fails[KV_MAP_FAIL_DRAW] += r->run->op.error != 0;
		kv_runner_end(r, false);
	}
	return 0;
}

/* ---- Pages of objects ------------------------------------------------ */

/* A page that is not there is what a kernel panics on. */
int
kv_step_release(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_map_step *s = step->map;
	struct kv_diag diag = {.module = "object", .text = "cannot free"};
	uint64_t left = s->npages, n;
	kv_pindex_t pindex;
	int error = pindex_of(r, step, &pindex);

	if (error != 0)
		return error == EINVAL ? EINVAL : 0;
	kv_runner_begin(r, KV_STEP_RELEASE);
	kv_limit_through(s->npages);
	kv_world_tick(r->run->world);
	for (; left != 0 && error == 0; left -= n) {
		n = left < UINT32_MAX ? left : UINT32_MAX;
		error = kv_page_free(r->run->world->reserv,
		    r->run->world->objects[s->object],
		    pindex + (s->npages - left), (unsigned)n, &diag);
	}
	if (error != 0)
		kv_runner_panic(r, &diag);
	else
		kv_runner_end(r, false);
	return 0;
}
