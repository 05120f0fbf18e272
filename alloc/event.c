/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.c - names of the events
 *
 * 1 Concepts.  alloc/ keeps no log.  What it does is told to a tap, a callback
 *   that the owner of an allocator installs; fingerprints, counters, traces
 *   and the judge are listeners of that kind.
 * 2 Representation.  event.def is the one list: kind, name, field names.
 * 3 Invariants.  I1 every kind has a name and its fields are named in order.
 * 4 Cost.  Without a listener one predictable branch an event.
 * 5 Fidelity.  Names are ours, after FreeBSD's counters (vm.reserv.broken).
 */
#include "event.h"

static const struct {
	const char *name, *other;
	const char *field[4];
} kinds[KV_EV_COUNT] = {
#define X(kind, name, other, a, b, c, d) {name, other, {a, b, c, d}},
#include "event.def"
#undef X
};

const char *
kv_event_name(enum kv_event_kind kind)
{
	return kinds[kind].name;
}

const char *
kv_event_field(enum kv_event_kind kind, unsigned i)
{
	return i < 4 ? kinds[kind].field[i] : "";
}

void
kv_tap_tell(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct kv_event event = {kind, source, NULL, {a, b, c, d}};

	tap->fn(tap->arg, &event);
}

const char *
kv_event_other(enum kv_event_kind kind)
{
	return kinds[kind].other;
}

void
kv_tap_tell_of(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, const char *other, const uint64_t value[4])
{
	struct kv_event event = {
	    kind, source, other, {value[0], value[1], value[2], value[3]}};

	if (tap->fn != NULL)
		tap->fn(tap->arg, &event);
}
