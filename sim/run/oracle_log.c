/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle_log.c - the judge, over a log that was written */
#include <string.h>

#include "out/mem.h"
#include "run/oracle_log.h"

/* The scenario that was run, with the parameters that it had. */
static int
scenario_of(const struct kv_event_reader *reader, struct kv_scenario **sc,
    struct kv_errors *errors)
{
	const char *name = kv_event_reader_word(reader, "run");
	size_t count, n = 0, i;
	const struct kv_log_head *head = kv_event_reader_head(reader, &count);
	struct kv_define *defines;
	struct kv_text text;
	int error;

	*sc = NULL;
	if (name == NULL)
		return 0;
	defines = kv_mem_resize(NULL, count, sizeof(*defines));
	for (i = 0; i < count; i++) {
		char *equals = strchr(head[i].text, '=');

		if (strcmp(head[i].word, "define") != 0 || equals == NULL)
			continue;
		*equals = '\0';
		defines[n++] = (struct kv_define){head[i].text, equals + 1};
	}
	kv_event_reader_input(reader, &text);
	error = kv_scenario_load_text(&text, name, defines, n, sc, errors);
	kv_mem_free(defines);
	return error;
}

static int
events_judge(struct kv_event_reader *reader, struct kv_oracle *o,
    struct kv_errors *errors)
{
	struct kv_tap tap = kv_oracle_tap(o);
	struct kv_event event;
	int error;

	while (kv_event_reader_next(reader, &event, &error, errors)) {
		kv_oracle_mark(o, kv_event_reader_line(reader));
		tap.fn(tap.arg, &event);
	}
	kv_oracle_settle(o);
	return error;
}

int
kv_oracle_judge_log(const char *path, struct kv_oracle **o,
    struct kv_scenario **sc, struct kv_errors *errors)
{
	struct kv_oracle *judge = kv_oracle_create();
	struct kv_scenario *run = NULL;
	struct kv_event_reader *reader = NULL;
	int error = kv_event_reader_open(path, &reader, errors);

	if (error == 0)
		error = scenario_of(reader, &run, errors);
	if (error == 0)
		error = events_judge(reader, judge, errors);
	/* its names are the reader's: it is told nothing more */
	if (kv_event_reader_close(reader, errors) != 0 || error != 0) {
		kv_oracle_destroy(judge);
		kv_scenario_free(run);
		return EINVAL;
	}
	*o = judge;
	*sc = run;
	return 0;
}
