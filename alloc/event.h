/* SPDX-License-Identifier: BSD-2-Clause */
/* event.h - what happened, told to at most one listener: the tap */
#ifndef KV_EVENT_H
#define KV_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum kv_event_kind {
#define X(kind, name, other, a, b, c, d) KV_EV_##kind,
#include "event.def"
#undef X
	KV_EV_COUNT
};

struct kv_event {
	enum kv_event_kind kind;
	const char *source; /* arena, object or module; owned by the source */
	const char *other;  /* what it has to do with, or NULL; likewise */
	uint64_t value[4];  /* meaning per kind: see event.def */
};

typedef void kv_tap_fn(void *arg, const struct kv_event *event);

/* The listener; fn NULL = nobody listens, which costs one branch. */
struct kv_tap {
	kv_tap_fn *fn;
	void *arg;
};

/* "vmem.alloc" and so on; the kind must be below KV_EV_COUNT. */
const char *kv_event_name(enum kv_event_kind kind);

/* Name of field i (0..3) of a kind; "" when the kind has no such field. */
const char *kv_event_field(enum kv_event_kind kind, unsigned i);

/* What the other name of a kind says, as a field; "" when it has none. */
const char *kv_event_other(enum kv_event_kind kind);

/* The listener is told: kept out of line, for there mostly is none. */
void kv_tap_tell(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* The same of a kind that has another name. */
void kv_tap_tell_of(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, const char *other, const uint64_t value[4]);

static inline void
kv_tap_emit(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	if (tap->fn != NULL)
		kv_tap_tell(tap, kind, source, a, b, c, d);
}

#endif
