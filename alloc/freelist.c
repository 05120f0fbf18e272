/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * freelist.c - size classes, searched without walking them
 *
 * 1 Concepts.  Free segments stand in 90 classes by size in quanta: 1..31 have
 *   a class each, from 32 on a class is a power of two.  Every class is LIFO:
 *   insertion is at the head, best fit takes the first block of the class, in
 *   list order, that is large enough.
 * 2 Representation.  A class is a linked list.  When a search of a range class
 *   has passed many blocks in vain, the list becomes a log: an array in order
 *   of insertion, read from its end, with a tree above it that bounds the sizes
 *   of every 16 entries, of every 256, and so on.  "The newest block of at
 *   least n quanta" is then a descent, and it names exactly the block that a
 *   walk of the list would have found.  A removal leaves the bounds above it as
 *   they are; the search that meets one too high lowers it.  A log that has
 *   become short, or cannot grow, becomes a list again, so nothing here fails.
 *   List: link is the next older tag, back the next newer one; a tag of its own
 *   stands before the newest and after the oldest, so that a removal needs no
 *   branch.  Log: link is FREELIST_LOG of the class, back the position.  Keys
 *   are quanta saturated to 32 bits; the tag itself has the last word.
 * 3 Invariants.
 *   I1  filled has a class's bit exactly when the class has a tag.
 *   I2  Every FREE tag stands in one class, once; nothing else does.
 *   I3  The tag's class is that of its size, unless it grew in place
 *       (freebsd-F23); then it is a lower one.
 *   I4  key[0][i] is the key of tag[i]; key[l+1][i] is at least the largest
 *       of its group.
 *   I5  The last entry of a log is live.
 * 4 Cost.  Lists: a constant number of lines touched, a search at most
 *   LIST_SCAN blocks.  Logs: a push and a removal touch one entry, a search one
 *   line a level, levels = log16(entries), and one more for each bound that it
 *   lowers; a removal leaves at most one such bound a level.  Compaction runs
 *   after as many removals as there are live entries.
 * 5 Fidelity.  FreeBSD sys/kern/subr_vmem.c keeps linked lists and walks them
 *   (freebsd.md 1.2, 1.3; vmem.md, behaviours 1-3); which block is found is the
 *   same, the time is not: this is where the real code is slow.
 */
#include <string.h>

#include "freelist.h"

enum {
	LIST_SCAN = 24, /* blocks passed in vain that make a list a log */
	LOG_MIN = 8,	/* fewer live entries make it a list again */
	FANOUT = 16,	/* one cache line of keys */
	LEVELS = 8
};

struct freelist_log {
	bt_id *tag;	       /* tag[0..used); BT_NONE where one was removed */
	uint32_t *key[LEVELS]; /* level 0: quanta of tag[i], 0 = hole; above:
				  bound of a group */
	uint32_t used, live, capacity;
	unsigned levels;
};

void
kv_freelist_init(struct freelist *f, struct bt_store *store, unsigned qshift)
{
	*f = (struct freelist){.store = store, .qshift = qshift};
	for (unsigned i = 0; i < FREELIST_CLASSES; i++) {
		struct bt *head = bt_of(store->tag, freelist_head_of(i));

		head->back = head->link = freelist_head_of(i);
	}
}

/* ---- Keys ------------------------------------------------------------ */

static uint32_t
key_of(const struct freelist *f, uint64_t size)
{
	uint64_t q = size >> f->qshift;

	return q < UINT32_MAX ? (uint32_t)q : UINT32_MAX;
}

static uint32_t
padded(uint32_t width)
{
	return (width + FANOUT - 1) / FANOUT * FANOUT;
}

/* Entries of all levels of a log of that capacity. */
static size_t
key_count(uint32_t capacity)
{
	size_t total = padded(capacity);

	while (capacity >= FANOUT) {
		capacity /= FANOUT;
		total += padded(capacity);
	}
	return total;
}

/* Cut the block of keys into levels. */
static void
key_levels(struct freelist_log *log)
{
	uint32_t width = log->capacity;

	for (log->levels = 1; width >= FANOUT; log->levels++) {
		log->key[log->levels] =
		    log->key[log->levels - 1] + padded(width);
		width /= FANOUT;
	}
}

/* Largest key of the group that starts at entry i. */
static uint32_t
group_max(const uint32_t *key, uint32_t i)
{
	uint32_t max = 0;

	for (unsigned j = 0; j < FANOUT; j++)
		max = key[i + j] > max ? key[i + j] : max;
	return max;
}

/* Entry i gets a key; the bounds above it follow. */
static void
key_set(struct freelist_log *log, uint32_t i, uint32_t key)
{
	log->key[0][i] = key;
	for (unsigned l = 1; l < log->levels; l++) {
		i /= FANOUT;
		if (log->key[l][i] >= key)
			return;
		log->key[l][i] = key;
	}
}

/*
 * Last entry below `end` with a key of at least `key`, or UINT32_MAX.  Looks at
 * the entries of a group from i down to floor; goes down into a group that
 * promises one, up and to the left when there is none.
 */
static uint32_t
key_find(const struct freelist_log *log, uint32_t end, uint32_t key)
{
	uint32_t i = end, floor = end / FANOUT * FANOUT;
	unsigned level = 0;

	for (;;) {
		while (i > floor && log->key[level][i - 1] < key)
			i--;
		if (i > floor && level == 0)
			return i - 1;
		if (i > floor) {
			level--;
			floor = (i - 1) * FANOUT;
			i *= FANOUT;
			continue;
		}
		if (level + 1 == log->levels)
			return UINT32_MAX;
		level++;
		i = floor / FANOUT;
		log->key[level][i] = group_max(log->key[level - 1], floor);
		floor = i / FANOUT * FANOUT;
	}
}

/* ---- Logs ------------------------------------------------------------ */

static void
log_free(struct freelist *f, struct freelist_log *log)
{
	struct kv_host *host = f->store->host;

	if (log == NULL)
		return;
	kv_host_free(host, log->tag, log->capacity, sizeof(*log->tag));
	kv_host_free(
	    host, log->key[0], key_count(log->capacity), sizeof(uint32_t));
	kv_host_free(host, log, 1, sizeof(*log));
}

static struct freelist_log *
log_create(struct freelist *f, uint32_t capacity)
{
	struct kv_host *host = f->store->host;
	struct freelist_log *log = kv_host_zalloc(host, 1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->capacity = capacity;
	log->tag = kv_host_zalloc(host, capacity, sizeof(*log->tag));
	log->key[0] =
	    kv_host_zalloc(host, key_count(capacity), sizeof(uint32_t));
	if (log->tag != NULL && log->key[0] != NULL) {
		key_levels(log);
		return log;
	}
	log_free(f, log);
	return NULL;
}

static void
log_append(
    struct freelist *f, struct freelist_log *log, unsigned class, bt_id id)
{
	struct bt *t = bt_of(f->store->tag, id);

	t->back = log->used;
	t->link = FREELIST_LOG(class);
	log->tag[log->used] = id;
	key_set(log, log->used, key_of(f, t->size));
	log->used++;
	log->live++;
}

/* Copy the live entries to another log (or the same), oldest first. */
static void
log_copy(struct freelist *f, unsigned class, struct freelist_log *to,
    const struct freelist_log *from)
{
	uint32_t end = from->used;

	memset(to->key[0], 0, key_count(to->capacity) * sizeof(uint32_t));
	to->used = to->live = 0;
	for (uint32_t i = 0; i < end; i++)
		if (from->tag[i] != BT_NONE)
			log_append(f, to, class, from->tag[i]);
}

/* Back to a list: needs no memory. */
static void
log_to_list(struct freelist *f, unsigned class)
{
	struct freelist_log *log = f->log[class];

	f->log[class] = NULL;
	f->nlogs--;
	for (uint32_t i = 0; i < log->used; i++)
		if (log->tag[i] != BT_NONE)
			freelist_list_push(
			    f, f->store->tag, class, log->tag[i]);
	log_free(f, log);
}

/* A list of at least LIST_SCAN tags becomes a log, if there is memory. */
static void
list_to_log(struct freelist *f, unsigned class)
{
	struct bt *tag = f->store->tag, *head;
	struct freelist_log *log;
	bt_id id;
	uint32_t n = 0, capacity = FANOUT;

	head = bt_of(tag, freelist_head_of(class));
	for (id = head->link; id >= BT_FRESH; id = bt_of(tag, id)->link)
		n++;
	while (capacity < 2 * n)
		capacity *= 4;
	log = log_create(f, capacity);
	if (log == NULL)
		return;
	for (id = head->back; n > 0; n--) {
		bt_id newer = bt_of(tag, id)->back;

		log_append(f, log, class, id);
		id = newer;
	}
	head->back = head->link = freelist_head_of(class);
	f->log[class] = log;
	f->nlogs++;
}

/* Room for one more entry.  => false: it became a list instead */
static bool
log_grow(struct freelist *f, unsigned class)
{
	struct freelist_log *log = f->log[class], *bigger;

	if (log->live <= log->capacity / 2) {
		log_copy(f, class, log, log);
		return true;
	}
	bigger = log_create(f, log->capacity * 4);
	if (bigger == NULL) {
		log_to_list(f, class);
		return false;
	}
	log_copy(f, class, bigger, log);
	log_free(f, log);
	f->log[class] = bigger;
	return true;
}

void
kv_freelist_log_push(struct freelist *f, unsigned class, bt_id id)
{
	struct freelist_log *log = f->log[class];

	if (log->used == log->capacity && !log_grow(f, class))
		freelist_list_push(f, f->store->tag, class, id);
	else
		log_append(f, f->log[class], class, id);
}

void
kv_freelist_log_remove(struct freelist *f, bt_id id)
{
	const struct bt *t = bt_of(f->store->tag, id);
	unsigned class = t->link >> 1;
	struct freelist_log *log = f->log[class];

	log->tag[t->back] = BT_NONE;
	log->key[0][t->back] = 0;
	log->live--;
	while (log->used > 0 && log->tag[log->used - 1] == BT_NONE)
		log->used--;
	if (log->live < LOG_MIN)
		log_to_list(f, class);
}

bt_id
kv_freelist_log_head(const struct freelist_log *log)
{
	return log->tag[log->used - 1];
}

void
kv_freelist_fini(struct freelist *f)
{
	for (unsigned i = 0; i < FREELIST_CLASSES; i++)
		log_free(f, f->log[i]);
}

/* ---- Either ---------------------------------------------------------- */

void
kv_freelist_resized(struct freelist *f, bt_id id)
{
	const struct bt *t = bt_of(f->store->tag, id);

	if (t->link & FREELIST_LOG(0))
		key_set(f->log[t->link >> 1], t->back, key_of(f, t->size));
}

static bt_id
log_search(const struct freelist *f, const struct freelist_log *log,
    uint32_t end, uint64_t size)
{
	uint32_t key = key_of(f, size);

	while ((end = key_find(log, end, key)) != UINT32_MAX)
		if (bt_of(f->store->tag, log->tag[end])->size >= size)
			return log->tag[end];
	return BT_NONE;
}

bt_id
kv_freelist_find(struct freelist *f, unsigned class, bt_id after, uint64_t size)
{
	struct bt *tag = f->store->tag;
	unsigned passed = 0;
	bt_id id;

	if (f->log[class] != NULL)
		return log_search(f, f->log[class],
		    after == BT_NONE ? f->log[class]->used
				     : bt_of(tag, after)->back,
		    size);
	id = after == BT_NONE ? freelist_head_of(class) : after;
	id = bt_of(tag, id)->link;
	while (id >= BT_FRESH && bt_of(tag, id)->size < size &&
	       passed++ < LIST_SCAN)
		id = bt_of(tag, id)->link;
	if (id < BT_FRESH || bt_of(tag, id)->size >= size)
		return id < BT_FRESH ? BT_NONE : id;
	if (class >= FREELIST_EXACT) /* vmem_quick.h wants lists */
		list_to_log(f, class);
	if (f->log[class] != NULL)
		return log_search(f, f->log[class], bt_of(tag, id)->back, size);
	while (id >= BT_FRESH && bt_of(tag, id)->size < size)
		id = bt_of(tag, id)->link;
	return id < BT_FRESH ? BT_NONE : id;
}

bt_id
kv_freelist_older(const struct freelist *f, unsigned class, bt_id id)
{
	const struct freelist_log *log = f->log[class];
	uint32_t i;

	if (log == NULL) {
		id = bt_of(f->store->tag, id)->link;
		return id < BT_FRESH ? BT_NONE : id;
	}
	i = bt_of(f->store->tag, id)->back;
	while (i > 0 && log->tag[i - 1] == BT_NONE)
		i--;
	return i == 0 ? BT_NONE : log->tag[i - 1];
}
