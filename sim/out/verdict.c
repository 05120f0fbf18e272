/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict.c - what the figures of a replay say, in one sentence */
#include <inttypes.h>
#include <stdlib.h>

#include "out/mem.h"
#include "out/report_replay.h"

/* What the verdict weighs, of one policy at the peak. */
struct weight {
	const char *name;
	uint64_t live, failed, contiguous;
	uint64_t full, reservations, unused;
};

static uint64_t
figure(const struct kv_moment *m, const char *name)
{
	const struct kv_metric *x = kv_metrics_find(&m->metrics, name);

	return x == NULL ? 0 : x->u;
}

static struct weight
weigh(const struct kv_replay *r)
{
	const struct kv_moment *m = &r->peak;
	uint64_t full = figure(m, "reserv.full");

	return (struct weight){
	    .name = r->policy->name,
	    .live = figure(m, "kstack.live"),
	    .failed = figure(m, "kstack.failed"),
	    .contiguous = figure(m, "kstack.phys_contiguous"),
	    .full = full,
	    .reservations = full + figure(m, "reserv.partial"),
	    .unused = figure(m, "reserv.unused_pages"),
	};
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "P fills F of R reservations and leaves U pages unused" */
static void
add_fill(struct kv_buf *b, const struct weight *w)
{
	kv_buf_printf(b,
	    "%s fills %" PRIu64 " of %" PRIu64 " reservation%s and leaves ",
	    w->name, w->full, w->reservations, plural(w->reservations));
	if (w->unused == 0)
		kv_buf_printf(b, "no page unused");
	else
		kv_buf_printf(b, "%" PRIu64 " page%s unused", w->unused,
		    plural(w->unused));
}

/* What the other policy's unused pages are to those of the first one. */
static void
add_against(
    struct kv_buf *b, const struct weight *other, const struct weight *base)
{
	uint64_t mine = other->unused, theirs = base->unused;

	if (mine == theirs) {
		kv_buf_printf(b, ", as %s does", base->name);
		return;
	}
	if (theirs == 0)
		kv_buf_printf(b, " where %s leaves none", base->name);
	else
		kv_buf_printf(
		    b, " where %s leaves %" PRIu64, base->name, theirs);
	if (mine != 0 && mine < theirs)
		kv_buf_printf(
		    b, ": %.1f times fewer", (double)theirs / (double)mine);
	else if (theirs != 0 && mine > theirs)
		kv_buf_printf(
		    b, ": %.1f times as many", (double)mine / (double)theirs);
}

static void
add_bare(struct kv_buf *b, const struct weight *w)
{
	if (w->live == 0)
		kv_buf_printf(b, "%s holds no stack", w->name);
	else
		kv_buf_printf(b,
		    "%s holds no reservations and has %.1f %% of its stacks in "
		    "consecutive frames",
		    w->name, 100.0 * (double)w->contiguous / (double)w->live);
}

/* The first policy that reserves, and of the others that which leaves the
 * fewest pages unused; SIZE_MAX: there is none. */
static void
pick(const struct weight *w, size_t n, size_t *base, size_t *best)
{
	*base = *best = SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		if (w[i].reservations == 0)
			continue;
		if (*base == SIZE_MAX)
			*base = i;
		else if (*best == SIZE_MAX || w[i].unused < w[*best].unused)
			*best = i;
	}
}

static void
add_pair(struct kv_buf *b, const struct weight *w, size_t base, size_t best)
{
	if (base == SIZE_MAX)
		return;
	if (best == SIZE_MAX)
		best = base;
	add_fill(b, &w[best]);
	if (best != base)
		add_against(b, &w[best], &w[base]);
}

void
kv_report_replay_verdict(const struct kv_replay_report *r, struct kv_buf *b)
{
	struct weight *w = kv_mem_resize(NULL, r->count, sizeof(*w));
	size_t base, best;

	for (size_t i = 0; i < r->count; i++)
		w[i] = weigh(&r->replays[i]);
	pick(w, r->count, &base, &best);
	kv_buf_printf(b, "At the peak ");
	add_pair(b, w, base, best);
	for (size_t i = 0; i < r->count; i++) {
		const char *stop = i > 0 || base != SIZE_MAX ? "; " : "";

		if (w[i].reservations == 0) {
			kv_buf_printf(b, "%s", stop);
			add_bare(b, &w[i]);
		}
		if (w[i].failed > 0)
			kv_buf_printf(b,
			    "; %s was out of memory for %" PRIu64 " stack%s",
			    w[i].name, w[i].failed, plural(w[i].failed));
	}
	kv_buf_printf(b, ".");
	kv_mem_free(w);
}
