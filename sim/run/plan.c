/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.c - figures and violations of layouts and images; the checks */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/emit.h"
#include "run/runner_parts.h"

/* ---- Layouts --------------------------------------------------------- */

struct names {
	struct kv_metrics *m;
	struct kv_buf name;
};

/* The name of a figure of one region or segment, until the next one. */
static const char *
name_of(struct names *n, const char *pattern, const char *of, const char *what)
{
	n->name.size = 0;
	kv_buf_printf(&n->name, pattern, of, what);
	return n->name.data;
}

static int64_t
as_signed(uint64_t u)
{
	return u >> 63 != 0 ? -(int64_t)(~u) - 1 : (int64_t)u;
}

static void
region_put(struct names *n, const struct kv_region *r)
{
	kv_metrics_put_uint(n->m, KV_METRIC_HEX,
	    name_of(n, "layout.%s.%s", r->name, "base"), r->base);
	kv_metrics_put_uint(n->m, KV_METRIC_HEX,
	    name_of(n, "layout.%s.%s", r->name, "end"), r->end);
	name_of(n, "layout.%s.%s", r->name, "size");
	if ((r->flags & KV_REGION_NEGATIVE) != 0)
		kv_metrics_put_int(n->m, n->name.data, as_signed(r->size));
	else
		kv_metrics_put_uint(
		    n->m, KV_METRIC_BYTES, n->name.data, r->size);
}

struct diff {
	struct names *n;
	uint64_t moved;
};

static int
change_put(void *arg, const struct kv_layout_change *c)
{
	struct diff *d = arg;
	const char *name = c->to != NULL ? c->to->name : c->from->name;

	if (c->from == NULL || c->to == NULL) {
		d->moved++;
		return 0;
	}
	d->moved += c->moved != 0 || c->grown != 0;
	kv_metrics_put_int(
	    d->n->m, name_of(d->n, "layout.%s.%s", name, "moved"), c->moved);
	kv_metrics_put_int(
	    d->n->m, name_of(d->n, "layout.%s.%s", name, "grown"), c->grown);
	return 0;
}

static void
layout_put(const struct kv_scenario *sc, struct names *n)
{
	struct kv_layout_stats s = kv_layout_stats(sc->layout);
	struct diff d = {.n = n};
	size_t i;

	for (i = 0; i < kv_layout_count(sc->layout); i++)
		region_put(n, kv_layout_region(sc->layout, i));
	kv_metrics_put_uint(n->m, KV_METRIC_COUNT, "layout.overlap",
	    s.overlaps + s.wraps + s.negative != 0);
	kv_metrics_put_uint(
	    n->m, KV_METRIC_BYTES, "layout.overlap_bytes", s.overlap_size);
	kv_metrics_put_uint(
	    n->m, KV_METRIC_COUNT, "layout.clamped", s.clamped != 0);
	if (sc->against == NULL)
		return;
	kv_layout_diff(sc->against, sc->layout, change_put, &d);
	kv_metrics_put_uint(n->m, KV_METRIC_COUNT, "layout.changed", d.moved);
}

/* ---- Images ---------------------------------------------------------- */

static void
segment_put(struct names *n, const struct kv_image_spec *im, size_t i)
{
	const struct kv_segment_place *p = &im->places[i];
	const struct {
		const char *pattern, *what;
		uint64_t value;
	} rows[] = {{"image.%s.%s", "offset", p->offset},
	    {"image.%s.%s", "end", p->offset + p->size},
	    {"image.%s.%s", "va", p->va}, {"image.%s.%s", "size", p->size},
	    {"image.%s.%s", "pad", p->pad},
	    {"load.%s.%s", "exposed", im->loads[i].exposed},
	    {"load.%s.%s", "lost", im->loads[i].lost}};
	size_t j;

	for (j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
		kv_metrics_put_uint(n->m, KV_METRIC_BYTES,
		    name_of(
			n, rows[j].pattern, im->segments[i].name, rows[j].what),
		    rows[j].value);
}

static void
image_put(const struct kv_image_spec *im, struct names *n)
{
	static const char *const outcomes[] = {[KV_IMAGE_OK] = "ok",
	    [KV_IMAGE_EINVAL] = "einval",
	    [KV_IMAGE_SKIPPED] = "skipped"};
	size_t i;

	for (i = 0; i < im->nsegments; i++)
		if (im->segments[i].nsizes != 0)
			segment_put(n, im, i);
	kv_metrics_put_uint(n->m, KV_METRIC_BYTES, "image.bytes", im->bytes);
	kv_metrics_put_text(n->m, "load.outcome", outcomes[im->load.outcome]);
	kv_metrics_put_uint(n->m, KV_METRIC_COUNT, "load.writable_pages",
	    im->load.writable_pages);
	kv_metrics_put_uint(n->m, KV_METRIC_BYTES, "load.private_bytes",
	    im->load.private_bytes);
	kv_metrics_put_uint(n->m, KV_METRIC_COUNT, "load.doubled_pages",
	    im->load.doubled_pages);
}

void
kv_plan_measure(const struct kv_scenario *sc, struct kv_metrics *m)
{
	struct names n = {.m = m};

	if (sc->layout != NULL)
		layout_put(sc, &n);
	if (sc->image != NULL)
		image_put(sc->image, &n);
	kv_buf_fini(&n.name);
}

/* ---- Violations ------------------------------------------------------ */

static int
fault_note(void *arg, const struct kv_layout_fault *f)
{
	struct kv_run *run = arg;
	char text[160];

	switch (f->wrong) {
	case KV_LAYOUT_WRAPS:
		snprintf(
		    text, sizeof(text), "region %s wraps at 2^64", f->a->name);
		break;
	case KV_LAYOUT_NEGATIVE:
		snprintf(text, sizeof(text),
		    "region %s ends %" PRIu64 " bytes before it starts",
		    f->a->name, 0 - f->a->size);
		break;
	case KV_LAYOUT_OUTSIDE:
		snprintf(text, sizeof(text),
		    "%" PRIu64 " bytes of region %s are outside the window",
		    f->size, f->a->name);
		break;
	case KV_LAYOUT_OVERLAP:
		snprintf(text, sizeof(text),
		    "regions %s and %s share %" PRIu64 " bytes", f->a->name,
		    f->b->name, f->size);
		break;
	}
	kv_run_violate_id(run, "V9", f->address,
	    kv_pool_text(&run->texts, text, strlen(text)));
	return 0;
}

/* What no figure says anything about does not fail. */
static int
check_judge(
    struct kv_run *run, const struct kv_formula *f, struct kv_errors *errors)
{
	static const char fails[] = " does not hold";
	struct kv_value v;
	char *text;

	if (kv_expr_eval(f->expr, kv_run_lookup, run, &v, errors) != 0)
		return EINVAL;
	if (v.kind == KV_VALUE_NONE || kv_value_true(&v))
		return 0;
	text = kv_pool_alloc(&run->texts, strlen(f->text) + sizeof(fails));
	strcat(strcpy(text, f->text), fails);
	kv_run_violate_id(run, f->violation, 0, text);
	return 0;
}

int
kv_plan_judge(struct kv_run *run, struct kv_errors *errors)
{
	const struct kv_scenario *sc = run->sc;
	int error = 0;
	size_t i;

	if (sc->layout != NULL)
		kv_layout_walk_faults(sc->layout, fault_note, run);
	for (i = 0; i < sc->nchecks; i++)
		if (check_judge(run, &sc->checks[i], errors) != 0)
			error = EINVAL;
	return error;
}
