/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * freelist.c - size classes, searched without walking them
 *
 * 1 Concepts.  Free segments stand in 90 classes by size in quanta: 1..31 have
 *   a class each, from 32 on a class is a power of two.  Every class is LIFO:
 *   insertion is at the head, best fit takes the first block of the class, in
 *   list order, that is large enough.
 * 2 Representation.  An exact class is a linked list.  A range class is a log:
 *   an array in order of insertion, read from its end, with a tree above it
 *   that keeps the largest size of every 16 entries, of every 256, and so on.
 *   "The newest block of at least n quanta" is then one descent, and it names
 *   exactly the block that a walk of the list would have found.
 *   A tag's link field holds FREELIST_MARK and the class while it stands in a
 *   log (back = its position); else link is the next older tag and back the
 *   next newer one, or FREELIST_MARK and the class at the head of the list.
 *   Keys are quanta saturated to 32 bits; the tag itself has the last word.
 * 3 Invariants.
 *   I1  filled has a class's bit exactly when the class has a tag.
 *   I2  Every FREE tag stands in one class, once; nothing else does.
 *   I3  The tag's class is that of its size, unless it grew in place
 *       (freebsd-F23); then it is a lower one.
 *   I4  key[0][i] is the key of tag[i]; key[l+1][i] the largest of its group.
 *   I5  The last entry of a log is live.
 * 4 Cost.  Exact classes: a constant number of lines touched.  Ranges: one line
 *   a level, levels = log16(entries); removal and push amortised the same.
 *   Compaction runs after as many removals as there are live entries.
 * 5 Fidelity.  FreeBSD sys/kern/subr_vmem.c keeps linked lists and walks them
 *   (freebsd.md 1.2, 1.3; vmem.md, behaviours 1-3); which block is found is the
 *   same, the time is not: this is where the real code is slow.
 */
#include <string.h>

#include "freelist.h"

enum { LOG_FIRST = 16 };

void
freelist_init(struct freelist *f, struct bt_store *store, unsigned qshift)
{
	*f = (struct freelist){.store = store, .qshift = qshift};
}

/* Entries of all levels of a log of that capacity; levels may be NULL. */
static size_t
log_keys(uint32_t capacity, unsigned *levels)
{
	size_t total = 0;
	unsigned n = 0;

	for (uint32_t width = capacity;; width /= FREELIST_FANOUT) {
		total += (width + FREELIST_FANOUT - 1) / FREELIST_FANOUT *
			 FREELIST_FANOUT;
		n++;
		if (width < FREELIST_FANOUT)
			break;
	}
	if (levels != NULL)
		*levels = n;
	return total;
}

static void
log_free(struct freelist *f, struct freelist_log *log)
{
	kv_host_free(
	    f->store->host, log->tag, log->capacity, sizeof(*log->tag));
	if (log->capacity != 0)
		kv_host_free(f->store->host, log->key[0],
		    log_keys(log->capacity, NULL), sizeof(uint32_t));
}

void
freelist_fini(struct freelist *f)
{
	for (unsigned i = 0; i < FREELIST_RANGES; i++)
		log_free(f, &f->log[i]);
}

static uint32_t
key_of(const struct freelist *f, bt_id id)
{
	uint64_t q = f->store->tag[id].size >> f->qshift;

	return q < UINT32_MAX ? (uint32_t)q : UINT32_MAX;
}

/* Largest key of the group that holds entry i. */
static uint32_t
group_max(const uint32_t *key, uint32_t i)
{
	const uint32_t *k = key + i / FREELIST_FANOUT * FREELIST_FANOUT;
	uint32_t max = 0;

	for (unsigned j = 0; j < FREELIST_FANOUT; j++)
		max = k[j] > max ? k[j] : max;
	return max;
}

/* Entry i gets a key not below its old one. */
static void
log_raise(struct freelist_log *log, uint32_t i, uint32_t key)
{
	for (unsigned l = 0; l < log->levels; l++, i /= FREELIST_FANOUT) {
		if (log->key[l][i] >= key)
			return;
		log->key[l][i] = key;
	}
}

/* Entry i becomes a hole. */
static void
log_clear(struct freelist_log *log, uint32_t i)
{
	uint32_t old = log->key[0][i], max = 0;

	log->key[0][i] = 0;
	for (unsigned l = 1; l < log->levels; l++) {
		max = group_max(log->key[l - 1], i);
		i /= FREELIST_FANOUT;
		if (log->key[l][i] != old || max == old)
			return;
		log->key[l][i] = max;
	}
}

/* Copy the live entries of one log to another, oldest first, and number
 * them. */
static void
log_refill(struct freelist *f, struct freelist_log *to,
    const struct freelist_log *from)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < from->used; i++) {
		bt_id id = from->tag[i];

		if (id == BT_NONE)
			continue;
		to->tag[used] = id;
		f->store->tag[id].back = used;
		used++;
	}
	to->used = to->live = used;
	memset(to->key[0], 0, log_keys(to->capacity, NULL) * sizeof(uint32_t));
	for (uint32_t i = 0; i < used; i++)
		log_raise(to, i, key_of(f, to->tag[i]));
}

static int
log_grow(struct freelist *f, struct freelist_log *log)
{
	struct kv_host *host = f->store->host;
	struct freelist_log bigger = {
	    .capacity = log->capacity == 0 ? LOG_FIRST : log->capacity * 4};
	size_t nkeys = log_keys(bigger.capacity, &bigger.levels);
	uint32_t width = bigger.capacity;

	bigger.tag = kv_host_zalloc(host, bigger.capacity, sizeof(*bigger.tag));
	bigger.key[0] = kv_host_zalloc(host, nkeys, sizeof(uint32_t));
	if (bigger.tag == NULL || bigger.key[0] == NULL) {
		kv_host_free(
		    host, bigger.tag, bigger.capacity, sizeof(*bigger.tag));
		kv_host_free(host, bigger.key[0], nkeys, sizeof(uint32_t));
		return ENOMEM;
	}
	for (unsigned l = 1; l < bigger.levels; l++) {
		bigger.key[l] =
		    bigger.key[l - 1] + (width + FREELIST_FANOUT - 1) /
					    FREELIST_FANOUT * FREELIST_FANOUT;
		width /= FREELIST_FANOUT;
	}
	log_refill(f, &bigger, log);
	log_free(f, log);
	*log = bigger;
	return 0;
}

int
freelist_log_reserve(struct freelist *f, unsigned class)
{
	struct freelist_log *log = &f->log[class - FREELIST_EXACT];

	if (log->used + 2 <= log->capacity)
		return 0;
	if (log->capacity != 0 && log->live <= log->capacity / 2) {
		log_refill(f, log, log);
		return 0;
	}
	return log_grow(f, log);
}

void
freelist_log_push(struct freelist *f, unsigned class, bt_id id)
{
	struct freelist_log *log = &f->log[class - FREELIST_EXACT];
	struct bt *t = &f->store->tag[id];

	KV_ASSERT(log->used < log->capacity);
	t->back = log->used;
	t->link = FREELIST_MARK | class;
	log->tag[log->used] = id;
	log_raise(log, log->used, key_of(f, id));
	log->used++;
	log->live++;
}

void
freelist_log_remove(struct freelist *f, bt_id id)
{
	struct bt *t = &f->store->tag[id];
	unsigned class = t->link & ~FREELIST_MARK;
	struct freelist_log *log = &f->log[class - FREELIST_EXACT];

	log->tag[t->back] = BT_NONE;
	log_clear(log, t->back);
	log->live--;
	while (log->used > 0 && log->tag[log->used - 1] == BT_NONE)
		log->used--;
	if (log->live == 0)
		f->filled[class / 64] &= ~(UINT64_C(1) << class % 64);
}

unsigned
freelist_class_of(const struct freelist *f, bt_id id)
{
	const struct bt *tag = f->store->tag;

	if (tag[id].link & FREELIST_MARK)
		return tag[id].link & ~FREELIST_MARK;
	while ((tag[id].back & FREELIST_MARK) == 0)
		id = tag[id].back;
	return tag[id].back & ~FREELIST_MARK;
}

void
freelist_grown(struct freelist *f, bt_id id)
{
	const struct bt *t = &f->store->tag[id];
	unsigned class = t->link & ~FREELIST_MARK;

	if (t->link & FREELIST_MARK)
		log_raise(
		    &f->log[class - FREELIST_EXACT], t->back, key_of(f, id));
}

/* Last entry below `end` with a key of at least `key`, or UINT32_MAX. */
static uint32_t
log_find(const struct freelist_log *log, uint32_t end, uint32_t key)
{
	unsigned level = 0;
	uint32_t i = end;

	for (;;) { /* climb: look left of i inside its group */
		while (i % FREELIST_FANOUT != 0)
			if (log->key[level][--i] >= key)
				goto descend;
		if (i == 0 || level + 1 == log->levels)
			return UINT32_MAX;
		i /= FREELIST_FANOUT;
		level++;
	}
descend:
	while (level-- > 0) {
		i = i * FREELIST_FANOUT + FREELIST_FANOUT - 1;
		while (log->key[level][i] < key)
			i--;
	}
	return i;
}

static bt_id
log_search(const struct freelist *f, const struct freelist_log *log,
    uint32_t end, uint64_t size)
{
	uint64_t q = size >> f->qshift;
	uint32_t key = q < UINT32_MAX ? (uint32_t)q : UINT32_MAX;

	while ((end = log_find(log, end, key)) != UINT32_MAX)
		if (f->store->tag[log->tag[end]].size >= size)
			return log->tag[end];
	return BT_NONE;
}

bt_id
freelist_find(
    const struct freelist *f, unsigned class, bt_id after, uint64_t size)
{
	const struct bt *tag = f->store->tag;
	bt_id id;

	if (class >= FREELIST_EXACT) {
		const struct freelist_log *log =
		    &f->log[class - FREELIST_EXACT];

		return log_search(f, log,
		    after == BT_NONE ? log->used : tag[after].back, size);
	}
	id = after == BT_NONE ? f->head[class] : tag[after].link;
	while (id != BT_NONE && tag[id].size < size)
		id = tag[id].link;
	return id;
}
