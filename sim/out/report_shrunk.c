/* SPDX-License-Identifier: BSD-2-Clause */
/* report_shrunk.c - what a violation comes down to, in a report */
#include "out/report_shrunk.h"

#include <inttypes.h>
#include <string.h>

#include "out/report_whatis.h"

static const char *
text_of(const struct kv_buf *b)
{
	return b->data != NULL ? b->data : "";
}

/* What the address is, in the run that is left. */
static void
whatis(const struct kv_run *run, const char *id, struct kv_buf *b)
{
	for (size_t i = 0; run != NULL && i < run->nviolations; i++)
		if (strcmp(run->violations[i].id, id) == 0) {
			kv_report_whatis(run, run->violations[i].address, b);
			return;
		}
}

struct kv_counterexample
kv_counterexample_of(
    const struct kv_shrunk *s, const char *id, struct kv_buf *what)
{
	whatis(s->once.run, id, what);
	return (struct kv_counterexample){.id = id,
	    .from = s->from,
	    .steps = s->steps,
	    .runs = s->runs,
	    .op = s->op,
	    .scenario = text_of(&s->scenario),
	    .diff = text_of(&s->diff),
	    .whatis = text_of(what)};
}

static void
put_lines(struct kv_buf *b, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		kv_buf_printf(b, "  %.*s\n", (int)n, text);
		text += n + (text[n] != '\0');
	}
}

void
kv_counterexample_text(
    const struct kv_counterexample *c, const char *file, struct kv_buf *b)
{
	kv_buf_printf(b,
	    "  %s: %" PRIu64 " steps to %" PRIu64 " in %" PRIu64
	    " runs; %s violates it by itself\n",
	    c->id, c->from, c->steps, c->runs, file);
	put_lines(b, c->scenario);
	kv_buf_printf(b,
	    "  Operation %" PRIu64 " of it, before (-) and after (+):\n",
	    c->op);
	put_lines(b, c->diff);
	put_lines(b, c->whatis);
}

void
kv_counterexample_json(const struct kv_counterexample *c, struct kv_emit *e)
{
	if (c == NULL)
		return;
	kv_emit_open(e, "shrunk", '{');
	kv_emit_text(e, "diff", c->diff);
	kv_emit_uint(e, "from", c->from);
	kv_emit_text(e, "id", c->id);
	kv_emit_uint(e, "operation", c->op);
	kv_emit_uint(e, "runs", c->runs);
	kv_emit_text(e, "scenario", c->scenario);
	kv_emit_uint(e, "steps", c->steps);
	kv_emit_text(e, "whatis", c->whatis);
	kv_emit_close(e, '}');
}
