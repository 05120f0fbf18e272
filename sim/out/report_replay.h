/* SPDX-License-Identifier: BSD-2-Clause */
/* report_replay.h - what a replay found: for people, and for scripts */
#ifndef KV_SIM_REPORT_REPLAY_H
#define KV_SIM_REPORT_REPLAY_H

#include "out/emit.h"
#include "run/replay.h"

/* One recording through some policies, side by side. */
struct kv_replay_report {
	const char *name; /* of the recording, without its folder */
	const struct kv_replay_config *cfg;
	uint64_t seed;
	const char *inject; /* the fault of cfg; NULL: none */
	bool strict;
	const struct kv_replay *replays;
	size_t count; /* at least 1 */
};

/* Header, table, a word for each chunk, occupancy, verdict. */
void kv_report_replay_text(const struct kv_replay_report *r, struct kv_buf *b);

/* One JSON object (interface.md): figures at the end under their names, at the
 * peak under "peak.NAME". */
void kv_report_replay_json(const struct kv_replay_report *r, struct kv_buf *b);

/*
 * One sentence that the figures at the peak bear out: which policy leaves the
 * fewest pages unused, against the first one named.  No newline.
 */
void kv_report_replay_verdict(
    const struct kv_replay_report *r, struct kv_buf *b);

/* What the scenario of replay i is called: shrunk.yaml, or, of several
 * policies, shrunk-POLICY.yaml. */
enum { KV_SHRUNK_FILE = 64 };
void kv_report_replay_shrunk_file(
    const struct kv_replay_report *r, size_t i, char name[KV_SHRUNK_FILE]);

/* Did an invariant fail, or would a kernel have panicked? */
bool kv_report_replay_failed(const struct kv_replay_report *r);

#endif
