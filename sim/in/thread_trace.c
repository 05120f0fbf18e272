/* SPDX-License-Identifier: BSD-2-Clause */
/* thread_trace.c - what the readers of thread traces share */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "in/thread_trace.h"
#include "out/log.h"
#include "out/mem.h"

/* ---- Map of keys ------------------------------------------------------ */

static size_t
slot_of(const struct kv_keymap *map, uint64_t key)
{
	size_t mask = map->capacity - 1;
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;

	while (map->entries[i].key != 0 && map->entries[i].key != key + 1)
		i = (i + 1) & mask;
	return i;
}

static void
keymap_grow(struct kv_keymap *map)
{
	struct kv_keymap old = *map;
	size_t capacity = old.capacity == 0 ? 1024 : 2 * old.capacity;

	map->capacity = capacity;
	map->entries = kv_mem_resize(NULL, capacity, sizeof(*map->entries));
	memset(map->entries, 0, capacity * sizeof(*map->entries));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.entries[i].key != 0)
			map->entries[slot_of(map, old.entries[i].key - 1)] =
			    old.entries[i];
	kv_mem_free(old.entries);
}

uint32_t *
kv_keymap_at(struct kv_keymap *map, uint64_t key)
{
	struct kv_keymap_entry *entry;

	if (2 * map->count >= map->capacity)
		keymap_grow(map);
	entry = &map->entries[slot_of(map, key)];
	if (entry->key == 0) {
		entry->key = key + 1;
		map->count++;
	}
	return &entry->value;
}

void
kv_keymap_fini(struct kv_keymap *map)
{
	kv_mem_free(map->entries);
	*map = (struct kv_keymap){0};
}

/* ---- Operations ------------------------------------------------------- */

static void
op_add(struct kv_thread_trace *t, struct kv_thread_op op)
{
	if (t->nops == t->capacity) {
		t->capacity = t->capacity == 0 ? 1024 : 2 * t->capacity;
		t->ops = kv_mem_resize(t->ops, t->capacity, sizeof(op));
	}
	t->ops[t->nops++] = op;
}

/* The stack of idle numbers has room for every number ever given out. */
static uint32_t
number_new(struct kv_thread_reader *rd)
{
	if (rd->nidle > 0)
		return rd->idle[--rd->nidle];
	if (rd->trace.nthreads == rd->idle_capacity) {
		rd->idle_capacity =
		    rd->idle_capacity == 0 ? 256 : 2 * rd->idle_capacity;
		rd->idle = kv_mem_resize(
		    rd->idle, rd->idle_capacity, sizeof(*rd->idle));
	}
	return rd->trace.nthreads++;
}

static void
dispose(struct kv_thread_reader *rd, uint64_t nsec, uint32_t *number)
{
	uint32_t thread = *number - 1;

	*number = 0;
	rd->idle[rd->nidle++] = thread;
	op_add(&rd->trace,
	    (struct kv_thread_op){
		.nsec = nsec, .thread = thread, .what = KV_THREAD_EXIT});
}

void
kv_thread_reader_fork(struct kv_thread_reader *rd, uint64_t nsec, uint32_t tid,
    unsigned domain, unsigned npages)
{
	struct kv_thread_trace *t = &rd->trace;
	uint32_t *number = kv_keymap_at(&rd->threads, tid);
	uint32_t most = t->nthreads;

	t->counts.forks++;
	if (*number != 0) {
		t->counts.lost_exits++;
		dispose(rd, nsec, number);
	}
	*number = number_new(rd) + 1;
	op_add(t, (struct kv_thread_op){.nsec = nsec,
		      .thread = *number - 1,
		      .npages = (uint16_t)npages,
		      .domain = (uint8_t)domain,
		      .what = KV_THREAD_FORK});
	if (domain >= t->ndomains)
		t->ndomains = domain + 1;
	if (t->nthreads > most)
		t->peak = t->nops; /* a new number: none was idle */
}

void
kv_thread_reader_exit(struct kv_thread_reader *rd, uint64_t nsec, uint32_t tid)
{
	uint32_t *number = kv_keymap_at(&rd->threads, tid);

	rd->trace.counts.exits++;
	if (*number != 0)
		dispose(rd, nsec, number);
}

/* ---- Reading ---------------------------------------------------------- */

static int
lines_read(struct kv_lines *lines, bool strict, struct kv_thread_reader *rd,
    struct kv_errors *errors)
{
	static const char head[] = "# kvasir";
	size_t size = sizeof(head) - 1;

	if (!kv_lines_next(lines))
		return 0;
	if ((size_t)(lines->end - lines->line) < size ||
	    memcmp(lines->line, head, size) != 0)
		return kv_trace_perf_read(lines, strict, rd, errors);
	return kv_trace_threads_read(lines, rd, errors);
}

/* => 0 and rd->trace is ready, else it is yet to be freed */
static int
file_read(const char *path, bool strict, struct kv_thread_reader *rd,
    struct kv_errors *errors)
{
	struct kv_lines lines;
	int error = kv_lines_open(path, &lines, errors), unread;

	if (error != 0)
		return error;
	error = lines_read(&lines, strict, rd, errors);
	unread = kv_lines_close(&lines, errors);
	if (error == 0 && unread == 0 && rd->trace.counts.lost_exits > 0)
		kv_log_warn("%s: %" PRIu64 " threads forked again while live: "
			    "their exits were lost",
		    lines.path, rd->trace.counts.lost_exits);
	return error != 0 || unread != 0 ? EINVAL : 0;
}

int
kv_thread_trace_read(const char *path, bool strict,
    struct kv_thread_trace *trace, struct kv_errors *errors)
{
	struct kv_thread_reader rd = {
	    .trace = {.ndomains = 1, .form = "nothing"}};
	int error = file_read(path, strict, &rd, errors);

	kv_keymap_fini(&rd.threads);
	kv_mem_free(rd.idle);
	if (error == 0)
		*trace = rd.trace;
	else
		kv_thread_trace_fini(&rd.trace);
	return error;
}

void
kv_thread_trace_fini(struct kv_thread_trace *trace)
{
	kv_mem_free(trace->ops);
	*trace = (struct kv_thread_trace){0};
}
