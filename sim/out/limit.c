/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit.c - how much memory and work an input may cost
 *
 * Both are counted here, not left to the system: what is refused must not
 * depend on the machine, nor bring other programs into need before.
 */
#include "out/limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "out/log.h"

enum { THINGS_A_STEP = 64 };

static void too_much_memory(struct kv_budget *b);

static struct {
	struct kv_budget memory;
	uint64_t steps, max_steps;
	bool joined;	  /* runs are counted together */
	const char *path; /* NULL: not known */
	unsigned line, column;
} state = {.memory = {.limit = KV_LIMIT_MEMORY, .exceeded = too_much_memory},
    .max_steps = KV_LIMIT_STEPS};

/* Nothing of a report is on stdout yet: reports are printed when they are
 * complete. */
static _Noreturn void
end(const char *what, uint64_t limit, const char *option)
{
	char place[32] = "";

	if (state.path == NULL) {
		kv_log_error(
		    "more than %" PRIu64 " %s (%s)", limit, what, option);
		exit(2);
	}
	if (state.line != 0 && state.column != 0)
		snprintf(
		    place, sizeof(place), "%u:%u:", state.line, state.column);
	else if (state.line != 0)
		snprintf(place, sizeof(place), "%u:", state.line);
	fprintf(stderr, "%s:%s more than %" PRIu64 " %s (%s)\n", state.path,
	    place, limit, what, option);
	exit(2);
}

static void
too_much_memory(struct kv_budget *b)
{
	end("bytes of memory", b->limit, "--max-memory");
}

void
kv_limit_set(uint64_t memory, uint64_t steps)
{
	state.memory.limit = memory;
	state.max_steps = steps;
}

void
kv_limit_start(void)
{
	if (!state.joined)
		state.steps = 0;
	state.path = NULL;
}

void
kv_limit_join(bool on)
{
	kv_limit_start();
	state.joined = on;
}

static void
take(uint64_t nsteps)
{
	if (nsteps > state.max_steps - state.steps)
		end("steps", state.max_steps, "--max-steps");
	state.steps += nsteps;
}

void
kv_limit_step(void)
{
	take(1);
}

void
kv_limit_through(uint64_t nthings)
{
	take(nthings / THINGS_A_STEP);
}

void
kv_limit_place(const char *path, unsigned line, unsigned column)
{
	state.path = path;
	state.line = line;
	state.column = column;
}

struct kv_budget *
kv_limit_memory(void)
{
	return &state.memory;
}
