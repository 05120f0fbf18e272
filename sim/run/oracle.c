/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle.c - the independent judge of what happens
 *
 * 1 Concepts.  The judge is told events, and nothing else: from them it builds
 *   arenas, memory, objects, reservations, stacks, tables and what a TLB may
 *   hold, by code of its own, and says where they contradict each other.  The
 *   allocators check their lists; the judge does not know that there are any.
 * 2 Representation.  Ranges in trees, pages in hashes (oracle_set.c); one file
 *   a kind of event.
 * 3 Invariants.  Those of the model, by the names that it reports them under:
 *   arenas   V1 V2, freebsd-I5 I6 I8 for those of the stacks, vmem-I3
 *            (oracle_arena.c)
 *   memory   phys-I1 I2 I3, V6, reserv-I1 I2 I3, freebsd-I3 (oracle_page.c)
 *   stacks   freebsd-I1 I2 I3 I4 I5 I7 I9 I10, space-I1 (oracle_stack.c)
 *   tables   V3 V4 V5, space-I2 (oracle_table.c)
 *   TLB      V7 (oracle_tlb.c)
 *   steps    V8 (oracle_step.c)
 *   V9 is the planner's, which has no events.
 * 4 Cost.  An event: a hash or a tree or two.  An event gets one finding, the
 *   first, and is then taken as it was meant where that is possible, so that
 *   one fault does not count as many.
 * 5 Fidelity.  freebsd.md 3.8; systems.md 0.
 */
#include "run/oracle_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

/* ---- Findings ----------------------------------------------------------- */

void
oracle_blame(struct kv_oracle *o, const char *module, unsigned invariant,
    uint64_t address, const char *text)
{
	if (o->blamed)
		return;
	o->blamed = true;
	o->total++;
	if (o->nfound == KV_ORACLE_FINDINGS)
		return;
	o->found[o->nfound++] = (struct kv_finding){
	    module, invariant, o->step, o->events, address, text};
}

void
kv_finding_id(const struct kv_finding *f, char id[KV_FINDING_ID])
{
	bool generic = strcmp(f->module, "V") == 0;

	snprintf(id, KV_FINDING_ID, generic ? "%s%u" : "%s-I%u", f->module,
	    f->invariant);
}

bool
kv_finding_meets(const char *id, const char *expected)
{
	return strcmp(id, expected) == 0 ||
	       (strcmp(id, "V1") == 0 && strcmp(expected, "vmem-I5") == 0);
}

const struct kv_finding *
kv_oracle_findings(const struct kv_oracle *o, size_t *count)
{
	*count = o->nfound;
	return o->found;
}

void
kv_oracle_mark(struct kv_oracle *o, uint64_t event)
{
	o->events = event - 1;
}

uint64_t
kv_oracle_found(const struct kv_oracle *o)
{
	return o->total;
}

void
oracle_list_add(struct oracle_list *list, uint64_t at)
{
	if (list->count == list->room) {
		list->room = list->room == 0 ? 64 : 2 * list->room;
		list->at =
		    kv_mem_resize(list->at, list->room, sizeof(*list->at));
	}
	list->at[list->count++] = at;
}

/* ---- Events ---------------------------------------------------------------
 */

void
kv_oracle_settle(struct kv_oracle *o)
{
	if (o->left == 0)
		return;
	o->blamed = false;
	oracle_arena_settle(o);
	oracle_page_settle(o);
	oracle_stack_settle(o);
	oracle_table_settle(o);
}

static bool
is_pow2(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

static void
run_event(struct kv_oracle *o, const struct kv_event *e)
{
	const uint64_t *v = e->value;

	switch (e->kind) {
	case KV_EV_RUN_MACHINE:
		if (!is_pow2(v[0]) || !is_pow2(v[1]) || v[1] < v[0])
			break;
		o->page = v[0];
		o->reserv = v[1];
		o->domains = v[2];
		o->shift = (unsigned)__builtin_ctzll(v[0]);
		break;
	case KV_EV_RUN_OP:
		kv_oracle_settle(o);
		oracle_step_begin(o);
		o->step = v[0];
		break;
	case KV_EV_RUN_END:
		kv_oracle_settle(o);
		break;
	case KV_EV_RUN_DRAINED:
		kv_oracle_settle(o);
		o->blamed = false;
		oracle_drained(o, v[0]);
		break;
	default:
		break;
	}
}

/* Kinds stand in groups: the last kind of each, and who takes it. */
static const struct {
	enum kv_event_kind last;
	oracle_fn *fn;
} groups[] = {{KV_EV_VMEM_RELEASE, oracle_arena_event},
    {KV_EV_PHYS_FREE, oracle_phys_event},
    {KV_EV_OBJECT_ABSENT, oracle_object_event},
    {KV_EV_RESERV_FREE, oracle_reserv_event},
    {KV_EV_KSTACK_DISPOSE, oracle_stack_event}, {KV_EV_RUN_END, run_event},
    {KV_EV_PT_UNGRAFT, oracle_table_event},
    {KV_EV_FAIL_LEAF, oracle_step_event}, {KV_EV_TLB_ALL, oracle_tlb_event}};

static void
tell(void *arg, const struct kv_event *event)
{
	struct kv_oracle *o = arg;
	size_t i = 0;

	if (o->left == 0)
		return;
	o->left--;
	o->events++;
	o->blamed = false;
	if (o->owing != NULL)
		oracle_arena_due(o, event);
	while (event->kind > groups[i].last)
		i++;
	groups[i].fn(o, event);
}

struct kv_tap
kv_oracle_tap(struct kv_oracle *o)
{
	return (struct kv_tap){tell, o};
}

/* ---- Create -----------------------------------------------------------------
 */

/* Until a machine is told of, one of pages of 4 KiB. */
enum { PAGE_SHIFT = 12, RESERV_SHIFT = 21 };

struct kv_oracle *
kv_oracle_create(void)
{
	struct kv_oracle *o = kv_mem_resize(NULL, 1, sizeof(*o));

	memset(o, 0, sizeof(*o));
	o->shift = PAGE_SHIFT;
	o->page = UINT64_C(1) << PAGE_SHIFT;
	o->reserv = UINT64_C(1) << RESERV_SHIFT;
	o->domains = 1;
	o->left = UINT64_MAX;
	o->arena_end = &o->arenas;
	o->object_end = &o->objects;
	return o;
}

void
kv_oracle_bound(struct kv_oracle *o, uint64_t events)
{
	o->left = events;
}

void
kv_oracle_destroy(struct kv_oracle *o)
{
	if (o == NULL)
		return;
	oracle_arena_fini(o);
	oracle_page_fini(o);
	oracle_tlb_fini(o);
	oracle_table_fini(o);
	kv_oranges_fini(&o->slots);
	kv_mem_free(o->stacks);
	kv_mem_free(o->changes.list);
	kv_mem_free(o->freed.at);
	kv_mem_free(o->changed.at);
	kv_mem_free(o);
}
