/* SPDX-License-Identifier: BSD-2-Clause */
/* runner.c - executes the steps of a scenario, one operation after another */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out/limit.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/runner_parts.h"

/* ---- Operations ------------------------------------------------------ */

/* The draws of operations count, and not those of what looks at them. */
static void
draw(const struct kv_run *run, bool on)
{
	if (run->cfg.draws == NULL)
		return;
	run->cfg.draws->off = !on;
	run->cfg.draws->stuck = 0;
}

static void
tell(struct kv_run *run, bool after)
{
	draw(run, false);
	if (run->cfg.tell != NULL)
		run->cfg.tell(run->cfg.tell_arg, run, after);
	draw(run, !after);
}

void
kv_runner_end(struct kv_runner *r, bool created)
{
	struct kv_run *run = r->run;

	if (r->over)
		return;
	r->busy = false;
	tell(run, true);
	if (run->world != NULL)
		kv_world_note_usage(run->world);
	if (!run->cfg.lean)
		kv_samples_take(r);
	kv_audit_operation(r, created);
	kv_runner_hear(r);
}

/* The run is over, midway in an operation or not. */
static void
give_up(struct kv_runner *r, int error)
{
	r->panicked = true;
	kv_runner_hear(r);
	if (!r->busy)
		return;
	r->busy = false;
	r->run->op.error = error;
	tell(r->run, true);
}

void
kv_runner_panic_as(
    struct kv_runner *r, const struct kv_diag *diag, const char *generic)
{
	kv_run_violate_both(r->run, diag, generic);
	r->run->outcome = KV_OUTCOME_WOULD_PANIC;
	give_up(r, EFAULT);
}

void
kv_runner_panic(struct kv_runner *r, const struct kv_diag *diag)
{
	kv_runner_panic_as(r, diag, NULL);
}

void
kv_runner_hang(struct kv_runner *r, const struct kv_diag *diag)
{
	kv_run_violate(r->run, diag);
	give_up(r, EDEADLK);
}

int
kv_runner_refuse(
    struct kv_runner *r, const struct kv_place *place, const char *why)
{
	char passes[128];

	kv_loops_words(r, passes, sizeof(passes));
	kv_errors_add(r->errors, place->path, place->line, place->column,
	    "%s%s", why, passes);
	return EINVAL;
}

void
kv_runner_begin(struct kv_runner *r, enum kv_step_kind kind)
{
	if (r->over)
		return;
	kv_limit_step();
	r->run->ops++;
	kv_tap_emit(&r->tap, KV_EV_RUN_OP, "run", r->run->ops, 0, 0, 0);
	r->run->op = (struct kv_op){.step = r->step, .kind = kind};
	r->busy = true;
	if (r->run->cpus != NULL && r->step->cpu != KV_ANYWHERE &&
	    r->run->cpus->cfg.count > 1)
		kv_cpus_run_on(r->run->cpus, r->step->cpu);
	if (r->actors != NULL)
		kv_actors_act(r->actors);
	r->done++;
	if (!r->run->cfg.nested)
		kv_log_progress("run", r->done, r->total);
	tell(r->run, false);
}

/* ---- Steps ----------------------------------------------------------- */

static int
step_idle(struct kv_runner *r, const struct kv_step *step)
{
	uint64_t i;

	for (i = 0; i < step->count; i++) {
		kv_runner_begin(r, KV_STEP_IDLE);
		if (r->run->world != NULL)
			kv_world_tick(r->run->world);
		kv_runner_end(r, false);
	}
	return 0;
}

static kv_step_fn *const steps[] = {[KV_STEP_SPAWN] = kv_step_spawn,
    [KV_STEP_DISPOSE] = kv_step_dispose,
    [KV_STEP_CHURN] = kv_step_churn,
    [KV_STEP_RECLAIM] = kv_step_reclaim,
    [KV_STEP_SWAPOUT] = kv_step_swapout,
    [KV_STEP_SWAPIN] = kv_step_swapin,
    [KV_STEP_IDLE] = step_idle,
    [KV_STEP_DRAIN] = kv_step_drain,
    [KV_STEP_ALLOC] = kv_step_alloc,
    [KV_STEP_FREE] = kv_step_free,
    [KV_STEP_ADD] = kv_step_add,
    [KV_STEP_COMB] = kv_step_comb,
    [KV_STEP_DOUBLING] = kv_step_doubling,
    [KV_STEP_FIXED_CHURN] = kv_step_fixed_churn,
    [KV_STEP_ARENA_CHURN] = kv_step_arena_churn,
    [KV_STEP_MAP] = kv_step_map,
    [KV_STEP_UNMAP] = kv_step_unmap,
    [KV_STEP_PROTECT] = kv_step_protect,
    [KV_STEP_PROMOTE] = kv_step_promote,
    [KV_STEP_DEMOTE] = kv_step_demote,
    [KV_STEP_RELEASE] = kv_step_release,
    [KV_STEP_GROW] = kv_step_grow,
    [KV_STEP_GRAFT] = kv_step_graft,
    [KV_STEP_DRAW] = kv_step_draw,
    [KV_STEP_RESET] = kv_step_reset,
    [KV_STEP_COPY] = kv_step_copy,
    [KV_STEP_TOUCH] = kv_step_touch,
    [KV_STEP_FLUSH] = kv_step_flush,
    [KV_STEP_ENTER] = kv_step_enter,
    [KV_STEP_PARK] = kv_step_park,
    [KV_STEP_DROP] = kv_step_drop,
    [KV_STEP_VERIFY] = kv_step_verify,
    [KV_STEP_OVERFLOW] = kv_step_overflow};

static void
plan(struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	uint64_t all;
	size_t i;

	for (i = 0; i < sc->nwork; i++) {
		const struct kv_step *s = &sc->work[i];

		if ((s->kind == KV_STEP_DISPOSE ||
			s->kind == KV_STEP_SWAPOUT) &&
		    s->order != KV_ORDER_RANDOM)
			r->aged = true;
		if (!kv_mul(s->count, s->times, &all) ||
		    !kv_add(r->total, all, &r->total))
			r->total = UINT64_MAX;
	}
}

static int
work(struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	int error = 0;
	size_t i;

	kv_audit_begin(r);
	kv_blocks_index(r);
	if (!r->run->cfg.lean)
		error = kv_samples_open(r);
	for (i = 0; i < sc->nwork && error == 0 && !r->panicked;
	     i = kv_loops_next(r, i)) {
		const struct kv_place *at = &sc->work[i].place;

		r->step = &sc->work[i];
		kv_limit_place(at->path, at->line, at->column);
		kv_limit_step(); /* a loop around nothing takes time, too */
		if (steps[sc->work[i].kind] != NULL)
			error = steps[sc->work[i].kind](r, r->step);
	}
	kv_tap_emit(&r->tap, KV_EV_RUN_END, "run", r->run->ops, 0, 0, 0);
	kv_runner_hear(r);
	if (!r->run->cfg.lean)
		kv_samples_close(r);
	if (!r->run->cfg.nested)
		kv_log_progress("run", r->total, r->total);
	if (error == 0 && r->run->cfg.audit >= 1)
		kv_audit_all(r->run);
	if (error == 0)
		kv_runner_verify_end(r);
	if (r->traced && r->run->world == NULL)
		kv_metrics_put_uint(
		    &r->run->metrics, KV_METRIC_HEX, "trace.fnv", r->fnv);
	return error;
}

/* ---- Create ---------------------------------------------------------- */

static struct kv_object_config *
objects_of(const struct kv_scenario *sc)
{
	struct kv_object_config *list =
	    kv_mem_resize(NULL, sc->nobjects, sizeof(*list));
	size_t i;

	for (i = 0; i < sc->nobjects; i++)
		list[i] = (struct kv_object_config){.name = sc->objects[i].name,
		    .size = sc->objects[i].npages,
		    .colored = sc->objects[i].colored,
		    .pg_color = sc->objects[i].color};
	return list;
}

static struct kv_space_config *
spaces_of(const struct kv_scenario *sc)
{
	struct kv_space_config *list =
	    kv_mem_resize(NULL, sc->nspaces, sizeof(*list));
	const bool lossy = kv_plants_has(&sc->plants, KV_PLANT_ELFUSE_F6);
	size_t i;

	for (i = 0; i < sc->nspaces; i++)
		list[i] = (struct kv_space_config){.name = sc->spaces[i].name,
		    .format = sc->spaces[i].format,
		    .promotion = sc->spaces[i].promotion,
		    .split = lossy ? KV_PMAP_SPLIT_FRAME : sc->spaces[i].split,
		    .join_any = sc->spaces[i].join_any,
		    .shared = sc->spaces[i].shared};
	return list;
}

/* Pools as the faults of theirs leave them. */
static struct kv_ptpool_config *
pools_of(const struct kv_scenario *sc)
{
	struct kv_ptpool_config *list =
	    kv_mem_resize(NULL, sc->npools, sizeof(*list));
	size_t i;

	for (i = 0; i < sc->npools; i++) {
		list[i] = sc->pools[i];
		if (kv_plants_has(&sc->plants, KV_PLANT_ELFUSE_F1) &&
		    list[i].capacity > 240 && list[i].reserve <= 240)
			list[i].capacity = 240;
		if (kv_plants_has(&sc->plants, KV_PLANT_ELFUSE_F2))
			list[i].reserve = 0;
	}
	return list;
}

static size_t *
tables_of(const struct kv_scenario *sc)
{
	size_t *list = kv_mem_resize(NULL, sc->nspaces, sizeof(*list));
	size_t i;

	for (i = 0; i < sc->nspaces; i++)
		list[i] = sc->spaces[i].tables;
	return list;
}

static int
build_world(struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	struct kv_world_spec spec = {.machine = sc->machine,
	    .ranges = sc->ranges,
	    .nranges = sc->nranges,
	    .ndomains = sc->ndomains,
	    .scheme = sc->kstacks.scheme,
	    .npages = sc->kstacks.npages,
	    .gpages = sc->kstacks.gpages,
	    .domain_guard = sc->kstacks.domain_guard,
	    .request = sc->kstacks.request,
	    .domains = sc->kstacks.domains,
	    .iterator = sc->kstacks.iterator,
	    .free_min = sc->free_min,
	    .free_reserved = sc->free_reserved,
	    .returned = sc->kstacks.returned,
	    .import_quantum = sc->kstacks.import_quantum,
	    .stack_cache = sc->kstacks.cache,
	    .page_cache = sc->page_cache,
	    .lazy_init = sc->lazy_init,
	    .ncpus = sc->ncpus,
	    .first_kva = sc->kstacks.first_kva,
	    .faults = kv_plants_of_kstacks(&sc->plants),
	    .mapping = sc->kstacks.enter ? KV_WORLD_ENTER : KV_WORLD_QENTER,
	    .no_kstacks = !sc->kstacks.present,
	    .nobjects = sc->nobjects,
	    .nspaces = sc->nspaces,
	    .npools = sc->npools,
	    .nested = r->run->cfg.nested,
	    .draws = r->run->cfg.draws,
	    .hash = true,
	    .tap = r->tap};
	struct kv_place place = {.path = sc->text.path};
	struct kv_object_config *objects;
	struct kv_space_config *spaces;
	struct kv_ptpool_config *pools;
	size_t *tables;
	int error;

	if (!sc->kstacks.present && !sc->paging && sc->nactors == 0)
		return 0;
	spec.objects = objects = objects_of(sc);
	spec.spaces = spaces = spaces_of(sc);
	spec.tables = tables = tables_of(sc);
	spec.pools = pools = pools_of(sc);
	error = kv_world_create(&spec, &r->run->world);
	kv_mem_free(objects);
	kv_mem_free(spaces);
	kv_mem_free(tables);
	kv_mem_free(pools);
	if (error == ENOMEM)
		return kv_runner_refuse(r, &place, "out of memory");
	if (error != 0)
		return kv_runner_refuse(r, &place,
		    "this memory or these kernel stacks are not legal on the "
		    "machine");
	return 0;
}

static int
build_actors(struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	struct kv_place place = {.path = sc->text.path};

	if (kv_actors_create(r->run->world, sc->actors, sc->nactors,
		r->run->cfg.seed, &r->actors) == 0)
		return 0;
	return kv_runner_refuse(r, &place, "out of memory");
}

/* Would its figures carry the names of another arena's? */
static bool
is_taken(const struct kv_run *run, const char *name)
{
	const struct kv_vmem *vm;
	unsigned i;

	if (run->world == NULL)
		return false;
	for (i = 0; (vm = kv_world_arena(run->world, i)) != NULL; i++)
		if (strcmp(kv_vmem_name(vm), name) == 0)
			return true;
	return false;
}

/* The faults of an import with slots. */
static unsigned
link_faults_of(const struct kv_scenario *sc)
{
	static const struct {
		enum kv_plant plant;
		enum kv_link_fault fault;
	} rows[] = {{KV_PLANT_FREEBSD_F6, KV_LINK_KEEP_BUMP},
	    {KV_PLANT_FREEBSD_F18, KV_LINK_NO_SPARE_SLOT},
	    {KV_PLANT_FREEBSD_F19, KV_LINK_BYTE_ASSERT},
	    {KV_PLANT_FREEBSD_F24, KV_LINK_ADD_ASKED}};
	unsigned faults = 0;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (kv_plants_has(&sc->plants, rows[i].plant))
			faults |= (unsigned)rows[i].fault;
	return faults;
}

static int
illegal(struct kv_runner *r, const struct kv_arena_spec *s, int error,
    const char *why)
{
	return kv_runner_refuse(
	    r, &s->place, error == ENOMEM ? "out of memory" : why);
}

static int
build_arena(struct kv_runner *r, size_t i)
{
	const struct kv_arena_spec *s = &r->run->sc->arenas[i];
	struct kv_vmem **arenas = r->run->arenas;
	struct kv_vmem_config cfg = {.name = s->name,
	    .quantum = s->quantum,
	    .qcache_max = s->qcache_max,
	    .pow2 = s->pow2,
	    .relist = s->relist,
	    .stale = kv_plants_has(&r->run->sc->plants, KV_PLANT_FREEBSD_F23),
	    .host = &r->host,
	    .tap = r->tap};
	struct kv_link *link = &r->links[i];
	int error;

	if (is_taken(r->run, s->name))
		return kv_runner_refuse(r, &s->place,
		    "the kernel stacks have an arena of that name");
	error = kv_vmem_create(&cfg, &arenas[i]);
	if (error != 0)
		return illegal(r, s, error, "not a legal arena");
	if (s->limit != 0)
		kv_vmem_set_limit(arenas[i], s->limit);
	if (s->parent >= 0) {
		*link = (struct kv_link){.parent = arenas[s->parent],
		    .align = s->import_align,
		    .quantum = s->import_quantum,
		    .slot = s->kpages * s->quantum,
		    .origin = s->origin,
		    .keep = !s->release || kv_plants_has(&r->run->sc->plants,
					       KV_PLANT_ILLUMOS_F10),
		    .faults = link_faults_of(r->run->sc)};
		if (kv_link_set(arenas[i], link) != 0)
			return kv_runner_refuse(
			    r, &s->place, "not a legal import");
	}
	if (s->size != 0)
		error = kv_vmem_add(arenas[i], s->base, s->size);
	if (error != 0)
		return illegal(r, s, error, "not a legal span");
	return 0;
}

/* CPUs as the faults of their disciplines leave them. */
static int
build_cpus(struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	struct kv_cpus_config cfg = {.tlb = sc->tlb,
	    .count = sc->tlb_per_cpu ? sc->ncpus : 1,
	    .shootdown = sc->shootdown,
	    .on_enter = sc->on_enter,
	    .shared =
		sc->last_shared || kv_plants_has(&sc->plants, KV_PLANT_NUB_F9)};
	int error;

	if (kv_plants_has(&sc->plants, KV_PLANT_NUB_F4))
		cfg.on_enter = KV_ENTRY_NONE;
	if (kv_plants_has(&sc->plants, KV_PLANT_NUB_F6))
		cfg.on_enter = KV_ENTRY_NEXT_COUNT;
	error = kv_cpus_create(&cfg, &r->run->cpus);
	if (error != 0)
		return error;
	kv_cpus_listen(r->run->cpus, &r->tap);
	r->run->world->cpus = r->run->cpus;
	return 0;
}

static int
build(struct kv_runner *r)
{
	size_t n = r->run->sc->narenas, i;
	int error;

	/* An arena of the host takes longer to make than many a point. */
	kv_mem_host(&r->host, !r->run->cfg.nested);
	r->host.draws = r->run->cfg.draws;
	draw(r->run, true);
	error = build_world(r);
	if (error == 0 && r->run->sc->tlb != NULL)
		error = build_cpus(r);
	if (error == 0 && r->run->sc->residents.limit != 0)
		r->residents =
		    kv_residents_create(&r->run->sc->residents, r->run->world);
	if (error == 0 && r->run->sc->nactors != 0)
		error = build_actors(r);
	for (i = 0; i < n && error == 0; i++)
		error = build_arena(r, i);
	draw(r->run, false);
	return error;
}

/* Zeroed memory for count things, which may be none. */
static void *
zeroed(size_t count, size_t size)
{
	void *p = kv_mem_resize(NULL, count, size);

	memset(p, 0, count * size);
	return p;
}

/* Is the judge of events to hear all of them?  At level 1 where a fault is
 * planted, or a violation expected. */
static bool
is_heard(const struct kv_run *run)
{
	size_t i;

	if (run->cfg.audit != 1)
		return run->cfg.audit >= 2;
	for (i = 0; i < run->sc->nexpect; i++)
		if (run->sc->expect[i].violation != NULL)
			return true;
	return kv_plants_any(
	    &run->sc->plants, (enum kv_plant)0, (enum kv_plant)(KV_PLANTS - 1));
}

static void
listen(struct kv_runner *r)
{
	const struct kv_run_config *cfg = &r->run->cfg;
	const bool all = is_heard(r->run);
	const bool small =
	    cfg->audit == 1 && !cfg->nested && r->total <= KV_ORACLE_SMALL;
	struct kv_tap tap;

	kv_ears_add(&r->ears, &cfg->tap);
	if (all || small) {
		r->oracle = kv_oracle_create();
		if (!all)
			kv_oracle_bound(r->oracle, KV_ORACLE_HEARD);
		tap = kv_oracle_tap(r->oracle);
		kv_ears_add(&r->ears, &tap);
	}
	r->tap = kv_ears_tap(&r->ears);
}

int
kv_run_execute(const struct kv_scenario *sc, const struct kv_run_config *cfg,
    struct kv_run **result, struct kv_errors *errors)
{
	struct kv_run *run = zeroed(1, sizeof(*run));
	struct kv_runner *r = zeroed(1, sizeof(*r));
	int error;

	*run = (struct kv_run){.sc = sc,
	    .cfg = *cfg,
	    .arenas = zeroed(sc->narenas, sizeof(struct kv_vmem *)),
	    .sampled = zeroed(sc->nsamples, sizeof(struct kv_sampled)),
	    .judged = zeroed(sc->nexpect, sizeof(struct kv_judgement)),
	    .runner = r};
	*r = (struct kv_runner){.run = run,
	    .errors = errors,
	    .watch = sc->kstacks.present || sc->paging ? cfg->nsamples : 0,
	    .loads = zeroed(sc->narenas, sizeof(*r->loads)),
	    .links = zeroed(sc->narenas, sizeof(*r->links)),
	    .blocks = zeroed(sc->nwork, sizeof(*r->blocks)),
	    .churns = zeroed(sc->nwork, sizeof(*r->churns)),
	    .loops = zeroed(sc->nloops, sizeof(*r->loops)),
	    .pick = kv_rng_stream(cfg->seed, "dispose"),
	    .touch = kv_rng_stream(cfg->seed, "touch"),
	    .fnv = KV_FNV_BASIS};
	plan(r);
	listen(r);
	kv_limit_start();
	kv_limit_place(sc->text.path, 0, 0);
	error = build(r);
	if (error == 0)
		error = work(r);
	kv_limit_place(NULL, 0, 0);
	if (error == 0 && !cfg->lean)
		error = kv_run_judge(run, errors);
	if (error == 0)
		*result = run;
	else
		kv_run_free(run);
	return error;
}

void
kv_run_free(struct kv_run *run)
{
	struct kv_runner *r;
	size_t i;

	if (run == NULL)
		return;
	r = run->runner;
	for (i = run->sc->narenas; i-- != 0;)
		if (run->arenas[i] != NULL)
			kv_vmem_destroy(run->arenas[i]);
	for (i = 0; i < run->sc->nwork; i++)
		kv_mem_free(r->churns[i].list);
	kv_actors_destroy(r->actors);
	kv_residents_destroy(r->residents);
	kv_world_destroy(run->world);
	kv_cpus_destroy(run->cpus);
	kv_oracle_destroy(r->oracle);
	kv_host_fini(&r->host);
	for (i = 0; i < run->sc->nsamples; i++) {
		kv_mem_free(run->sampled[i].columns);
		kv_mem_free(run->sampled[i].rows);
	}
	kv_mem_free(run->sampled);
	kv_timeline_fini(&run->timeline);
	kv_metrics_fini(&run->metrics);
	kv_lazy_fini(&r->lazy);
	kv_mem_free(r->links);
	kv_mem_free(r->loads);
	kv_mem_free(r->blocks);
	kv_mem_free(r->churns);
	kv_mem_free(r->loops);
	kv_mem_free(r->ages);
	kv_mem_free(r->named);
	kv_mem_free(r);
	kv_mem_free(run->arenas);
	kv_mem_free(run->judged);
	kv_pool_fini(&run->texts);
	kv_mem_free(run);
}
