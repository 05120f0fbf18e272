/* SPDX-License-Identifier: BSD-2-Clause */
/* event.h - what happened, told to at most one listener: the tap */
#ifndef KV_EVENT_H
#define KV_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum kv_event_kind {
#define X(kind, name, a, b, c, d) KV_EV_##kind,
#include "event.def"
#undef X
	KV_EV_COUNT
};

struct kv_event {
	enum kv_event_kind kind;
	const char *source; /* arena or module name; owned by the source */
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

/* The listener is told: kept out of line, for there mostly is none. */
void kv_tap_tell(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

static inline void
kv_tap_emit(const struct kv_tap *tap, enum kv_event_kind kind,
    const char *source, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	if (tap->fn != NULL)
		kv_tap_tell(tap, kind, source, a, b, c, d);
}

#endif
