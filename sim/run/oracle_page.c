/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_page.c - the judge's memory: frames, objects, reservations
 *
 *   phys-I1  What is given out and freed is memory.
 *   phys-I2  No page is given out twice, or freed twice.
 *   phys-I3  A page comes from the domain that was asked.
 *   V6       A page of an object is used, and stands at one pindex; a page that
 *            is freed is no object's.  Of objects of stacks: freebsd-I3.
 *   reserv-I1  A reservation is a block of its own, aligned, of its domain.
 *   reserv-I2  Its population is that of the pages that entered and left.
 *   reserv-I3  A page in it is its object's, in the frame of its pindex; one
 *            that is to be freed is there.
 *   space-I2   No leaf maps a free page, once the operation is complete.
 */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/oracle_parts.h"

/* ---- Frames ----------------------------------------------------------------
 */

uint64_t
oracle_domain(const struct kv_oracle *o, uint64_t pfn)
{
	const struct kv_orange *r = kv_oranges_holder(&o->segs, pfn);

	return r == NULL ? o->domains : r->value;
}

static uint64_t
frame_of(const struct oracle_object *object, uint64_t pindex)
{
	const uint64_t low = (UINT64_C(1) << FRAME_OBJECT_SHIFT) - 1;

	return FRAME_USED | object->number << FRAME_OBJECT_SHIFT |
	       (pindex & low);
}

/* Is the run memory of one segment, and no longer than a log of ours says? */
static bool
is_memory(struct kv_oracle *o, uint64_t pfn, uint64_t npages)
{
	const struct kv_orange *r = kv_oranges_holder(&o->segs, pfn);

	if (r != NULL && npages != 0 && npages <= ORACLE_RUN_MAX &&
	    npages - 1 <= r->last - pfn)
		return true;
	oracle_blame(o, "phys", 1, pfn << o->shift,
	    "what is given out or freed is no memory");
	return false;
}

static uint64_t
reserv_pages(const struct kv_oracle *o)
{
	return o->reserv >> o->shift;
}

static struct oracle_reserv *
reserv_at(struct kv_oracle *o, uint64_t pfn)
{
	uint64_t i = kv_owords_get(&o->reserv_of, pfn / reserv_pages(o));

	return i == 0 ? NULL : &o->reservs[i - 1];
}

static void
phys_alloc(struct kv_oracle *o, uint64_t pa, uint64_t npages, uint64_t domain)
{
	uint64_t pfn = pa >> o->shift;

	if (!is_memory(o, pfn, npages))
		return;
	if (oracle_domain(o, pfn) != domain)
		oracle_blame(
		    o, "phys", 3, pa, "a page is of another domain than asked");
	for (uint64_t i = 0; i < npages; i++) {
		uint64_t *frame = kv_owords_word(&o->frame, pfn + i);

		if (*frame != 0)
			oracle_blame(o, "phys", 2, (pfn + i) << o->shift,
			    "a page is given out twice");
		o->used += *frame == 0;
		*frame |= FRAME_USED;
	}
}

static void
phys_free(struct kv_oracle *o, uint64_t pa, uint64_t npages)
{
	uint64_t pfn = pa >> o->shift, block = reserv_pages(o);

	if (!is_memory(o, pfn, npages))
		return;
	for (uint64_t i = 0; i < npages; i++) {
		uint64_t *frame = kv_owords_word(&o->frame, pfn + i);

		if ((i == 0 || (pfn + i) % block == 0) &&
		    reserv_at(o, pfn + i) != NULL)
			oracle_blame(o, "reserv", 3, (pfn + i) << o->shift,
			    "a page is freed that a reservation holds");

		if (*frame == 0) {
			oracle_blame(o, "phys", 2, (pfn + i) << o->shift,
			    "a page is freed that is free");
			continue;
		}
		if (*frame != FRAME_USED)
			oracle_blame_v(o, 6, (pfn + i) << o->shift,
			    "a page is freed that an object has");
		*frame = 0;
		o->used--;
		if (kv_owords_get(&o->mapped, pfn + i) != 0)
			oracle_list_add(&o->freed, pfn + i);
	}
}

void
oracle_phys_event(struct kv_oracle *o, const struct kv_event *e)
{
	const uint64_t *v = e->value;
	uint64_t start = v[0] >> o->shift, n = v[1] >> o->shift;

	if (e->kind == KV_EV_PHYS_ALLOC) {
		phys_alloc(o, v[0], v[1], v[2]);
	} else if (e->kind == KV_EV_PHYS_FREE) {
		phys_free(o, v[0], v[1]);
	} else if (n == 0 || start + (n - 1) < start ||
		   kv_oranges_meet(&o->segs, start, start + (n - 1)) != NULL) {
		oracle_blame(o, "phys", 6, v[0], "segments overlap");
	} else {
		kv_oranges_add(&o->segs, start, start + (n - 1))->value = v[2];
	}
}

/* ---- Reservations
 * ------------------------------------------------------------ */

/* Free, or idle in a reservation. */
static bool
is_free(struct kv_oracle *o, uint64_t pfn)
{
	uint64_t frame = kv_owords_get(&o->frame, pfn);

	return frame == 0 || (frame == FRAME_USED && reserv_at(o, pfn) != NULL);
}

/* A leaf maps a page of memory that is free: only in passing. */
void
oracle_page_settle(struct kv_oracle *o)
{
	for (size_t i = 0; i < o->freed.count; i++) {
		uint64_t pfn = o->freed.at[i];

		if (is_free(o, pfn) && kv_owords_get(&o->mapped, pfn) != 0 &&
		    oracle_domain(o, pfn) != o->domains)
			oracle_blame(o, "space", 2, pfn << o->shift,
			    "a leaf maps a page of memory that is free");
	}
	o->freed.count = 0;
}

static void
reserv_add(struct kv_oracle *o, struct oracle_object *object, uint64_t pfn,
    const uint64_t v[4])
{
	size_t i = o->reserv_spare;

	if (i != 0) {
		o->reserv_spare = (size_t)o->reservs[i - 1].first;
	} else {
		if (o->nreservs == o->reservs_room) {
			o->reservs_room =
			    o->reservs_room == 0 ? 64 : 2 * o->reservs_room;
			o->reservs = kv_mem_resize(
			    o->reservs, o->reservs_room, sizeof(*o->reservs));
		}
		i = ++o->nreservs;
	}
	o->reservs[i - 1] = (struct oracle_reserv){
	    .pfn = pfn, .first = v[1], .object = object, .domain = v[2]};
	kv_owords_put(&o->reserv_of, pfn / reserv_pages(o), i);
}

static void
reserv_remove(struct kv_oracle *o, struct oracle_reserv *r)
{
	size_t i = (size_t)(r - o->reservs) + 1;

	kv_owords_put(&o->reserv_of, r->pfn / reserv_pages(o), 0);
	*r = (struct oracle_reserv){.first = o->reserv_spare};
	o->reserv_spare = i;
}

static void
reserv_create(struct kv_oracle *o, struct oracle_object *object, uint64_t pfn,
    const uint64_t v[4])
{
	uint64_t n = reserv_pages(o), i;

	if (pfn % n != 0 || (v[1] + object->color) % n != 0 ||
	    oracle_domain(o, pfn) != v[2] ||
	    oracle_domain(o, pfn) == o->domains)
		oracle_blame(o, "reserv", 1, v[0],
		    "a reservation is not aligned, or of another domain");
	if (reserv_at(o, pfn) != NULL) {
		oracle_blame(
		    o, "reserv", 1, v[0], "a reservation where there is one");
		return;
	}
	for (i = 0; i < n; i++)
		if (kv_owords_get(&o->frame, pfn + i) != FRAME_USED)
			oracle_blame(o, "reserv", 1, v[0],
			    "a reservation of pages that it did not get");
	reserv_add(o, object, pfn, v);
}

void
oracle_reserv_event(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_object *object = oracle_object_find(o, e->other);
	const uint64_t *v = e->value;
	uint64_t pfn = v[0] >> o->shift;
	struct oracle_reserv *r = reserv_at(o, pfn);

	if (e->kind == KV_EV_RESERV_CREATE && object != NULL) {
		reserv_create(o, object, pfn, v);
		return;
	}
	if (object == NULL || r == NULL || r->pfn != pfn ||
	    r->object != object || r->first != v[1] || r->domain != v[2]) {
		oracle_blame(o, "reserv", 1, v[0], "no such reservation");
		return;
	}
	if (e->kind == KV_EV_RESERV_FULL && r->popcnt != reserv_pages(o))
		oracle_blame(o, "reserv", 2, v[0], "it is not full");
	if (e->kind == KV_EV_RESERV_FREE && r->popcnt != 0)
		oracle_blame(o, "reserv", 2, v[0],
		    "a reservation is freed that is used");
	if (e->kind == KV_EV_RESERV_BREAK && r->popcnt != v[3])
		oracle_blame(
		    o, "reserv", 2, v[0], "its population is another one");
	if (e->kind != KV_EV_RESERV_FULL)
		reserv_remove(o, r);
}

/* ---- Objects
 * ------------------------------------------------------------------- */

struct oracle_object *
oracle_object_find(struct kv_oracle *o, const char *name)
{
	struct oracle_object *x = o->last_object;

	if (name == NULL || (x != NULL && x->name == name))
		return name == NULL ? NULL : x;
	for (x = o->objects; x != NULL; x = x->next)
		if (strcmp(x->name, name) == 0) {
			o->last_object = x;
			return x;
		}
	return NULL;
}

bool
oracle_page_at(struct oracle_object *object, uint64_t pindex, uint64_t *pfn)
{
	uint64_t word = kv_owords_get(&object->page, pindex);

	*pfn = word - 1;
	return word != 0;
}

static void
object_create(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_object *x = kv_mem_resize(NULL, 1, sizeof(*x));

	memset(x, 0, sizeof(*x));
	x->name = e->source;
	x->npages = e->value[0];
	x->color = e->value[2];
	x->number = ++o->nobjects;
	/* the two of the stacks follow their arenas */
	x->of_stacks = o->policy.known && o->policy.nobjects < 2 &&
		       strncmp(x->name, "kstack", 6) == 0;
	if (x->of_stacks)
		o->policy.objects[o->policy.nobjects++] = x;
	o->policy.building = false;
	*o->object_end = x;
	o->object_end = &x->next;
}

static void
blame_page(struct kv_oracle *o, const struct oracle_object *x, uint64_t pindex,
    const char *text)
{
	if (x->of_stacks)
		oracle_blame(o, "freebsd", 3, pindex, text);
	else
		oracle_blame_v(o, 6, pindex, text);
}

/* A page enters or leaves a reservation: its own, in its own place. */
static void
populate(struct kv_oracle *o, const struct oracle_object *x, uint64_t pindex,
    uint64_t pfn, bool on)
{
	struct oracle_reserv *r = reserv_at(o, pfn);

	if (r == NULL)
		return;
	if (r->object != x || pindex - r->first != pfn - r->pfn)
		oracle_blame(o, "reserv", 3, pindex,
		    "a page of a reservation is in the wrong place");
	r->popcnt += on ? UINT64_C(1) : UINT64_MAX;
}

static void
insert(
    struct kv_oracle *o, struct oracle_object *x, uint64_t pindex, uint64_t pfn)
{
	uint64_t *page = kv_owords_word(&x->page, pindex);
	uint64_t *frame = kv_owords_word(&o->frame, pfn);

	if (*page != 0) {
		blame_page(o, x, pindex, "a pindex has a page already");
		return;
	}
	if (*frame != FRAME_USED)
		oracle_blame_v(o, 6, pfn << o->shift,
		    *frame == 0 ? "an object gets a page that is free"
				: "a page is at two pindexes");
	*page = pfn + 1;
	*frame = frame_of(x, pindex);
	x->resident++;
	populate(o, x, pindex, pfn, true);
}

static void
take_out(
    struct kv_oracle *o, struct oracle_object *x, uint64_t pindex, uint64_t pfn)
{
	uint64_t *page = kv_owords_word(&x->page, pindex);
	uint64_t *frame = kv_owords_word(&o->frame, pfn);

	if (*page != pfn + 1) {
		blame_page(o, x, pindex, "no such page at this pindex");
		return;
	}
	*page = 0;
	if (*frame == frame_of(x, pindex))
		*frame = FRAME_USED;
	x->resident--;
	populate(o, x, pindex, pfn, false);
	if (kv_owords_get(&o->mapped, pfn) != 0)
		oracle_list_add(&o->freed, pfn);
}

void
oracle_object_event(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_object *x = oracle_object_find(o, e->source);
	const uint64_t *v = e->value;

	if (e->kind == KV_EV_OBJECT_CREATE) {
		object_create(o, e);
		return;
	}
	if (x == NULL) {
		oracle_blame_v(o, 6, v[0], "there is no such object");
		return;
	}
	if (e->kind == KV_EV_OBJECT_ABSENT) {
		oracle_blame(
		    o, "reserv", 3, v[0], "freed page is not resident");
		return;
	}
	if (!is_memory(o, v[1], v[2]))
		return;
	for (uint64_t i = 0; i < v[2]; i++)
		(e->kind == KV_EV_OBJECT_INSERT ? insert : take_out)(
		    o, x, v[0] + i, v[1] + i);
}

void
oracle_page_fini(struct kv_oracle *o)
{
	while (o->objects != NULL) {
		struct oracle_object *x = o->objects;

		o->objects = x->next;
		kv_owords_fini(&x->page);
		kv_mem_free(x);
	}
	kv_oranges_fini(&o->segs);
	kv_owords_fini(&o->frame);
	kv_owords_fini(&o->mapped);
	kv_owords_fini(&o->reserv_of);
	kv_mem_free(o->reservs);
}
