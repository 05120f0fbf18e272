/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_log.c - kvasir replay LOG: a run once more, from its event log
 *
 * The head of a log says what was asked, and holds the scenario: it is run
 * again, which gives the same report, and every event is held against the log.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "hw/jail.h"
#include "in/trace_kv.h"
#include "out/event_log.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/plant.h"

/* ---- The same events --------------------------------------------------- */

/* A run that is held against a log. */
struct follower {
	struct kv_event_reader *reader;
	struct kv_errors *errors;
	int error; /* of the reader */
	bool lost; /* they differ, which was said */
};

static bool
is_same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same(const struct kv_event *a, const struct kv_event *b)
{
	return a->kind == b->kind && is_same_name(a->source, b->source) &&
	       is_same_name(a->other, b->other) &&
	       memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

static void
lose(struct follower *f, const char *what, const struct kv_event *event)
{
	char line[KV_EVENT_LINE];
	size_t n = kv_event_log_line(event, line);

	f->lost = true;
	kv_log_error("%s:%u:1: %s: %.*s", kv_event_reader_path(f->reader),
	    kv_event_reader_line(f->reader), what, (int)n, line);
}

static void
follow(void *arg, const struct kv_event *event)
{
	struct follower *f = arg;
	struct kv_event logged;

	if (f->lost || f->error != 0)
		return;
	if (!kv_event_reader_next(f->reader, &logged, &f->error, f->errors)) {
		if (f->error == 0)
			lose(f, "the log ends, the run goes on", event);
		return;
	}
	if (!is_same(&logged, event))
		lose(f, "the run does something else", event);
}

/* Nothing may stand behind the last event. */
static void
follow_end(struct follower *f)
{
	struct kv_event logged;

	if (!f->lost && f->error == 0 &&
	    kv_event_reader_next(f->reader, &logged, &f->error, f->errors))
		lose(f, "the run is over, the log goes on", &logged);
}

/* ---- What was asked ----------------------------------------------------- */

static int
refuse(const struct kv_event_reader *reader, unsigned line, const char *why,
    struct kv_errors *errors)
{
	kv_errors_add(errors, kv_event_reader_path(reader), line, 1, "%s", why);
	return EINVAL;
}

static bool
set_define(struct kv_opts *o, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
		return false;
	*equals = '\0';
	o->defines =
	    kv_mem_resize(o->defines, o->ndefines + 1, sizeof(*o->defines));
	o->defines[o->ndefines++] = (struct kv_define){text, equals + 1};
	return true;
}

/* => false: it is not legal */
static bool
set(struct kv_opts *o, const struct kv_log_head *head)
{
	uint64_t number;

	if (strcmp(head->word, "run") == 0 || strcmp(head->word, "replay") == 0)
		return *head->text != '\0';
	if (strcmp(head->word, "policy") == 0) {
		o->policy = head->text;
		return *head->text != '\0';
	}
	if (strcmp(head->word, "resident") == 0)
		return kv_opts_number(head->text, &o->resident);
	if (strcmp(head->word, "strict") == 0)
		return o->strict = true;
	if (strcmp(head->word, "seed") == 0)
		return kv_opts_number(head->text, &o->seed);
	if (strcmp(head->word, "audit") == 0) {
		bool legal = kv_opts_number(head->text, &number) && number <= 3;

		o->audit = legal ? (unsigned)number : 0;
		return legal;
	}
	if (strcmp(head->word, "backend") == 0) {
		o->kvm = strcmp(head->text, "kvm") == 0;
		return o->kvm;
	}
	if (strcmp(head->word, "inject") == 0) {
		o->inject = head->text;
		return kv_plant_find(head->text) != KV_PLANTS;
	}
	return strcmp(head->word, "define") == 0 && set_define(o, head->text);
}

/* The options of the run, in the form that the user of replay wants. */
static int
head_apply(const struct kv_event_reader *reader, const struct kv_opts *opts,
    struct kv_opts *asked, struct kv_errors *errors)
{
	size_t count, i;
	const struct kv_log_head *head = kv_event_reader_head(reader, &count);

	*asked = (struct kv_opts){.seed = opts->seed,
	    .audit = opts->audit,
	    .format = opts->format,
	    .output = opts->output};
	if (kv_event_reader_word(reader, "run") == NULL &&
	    kv_event_reader_word(reader, "replay") == NULL)
		return refuse(reader, 1,
		    "the log does not say what was run, so it cannot be "
		    "replayed",
		    errors);
	for (i = 0; i < count; i++)
		if (!set(asked, &head[i]))
			return refuse(reader, head[i].line,
			    "no such word, or not a legal value", errors);
	return 0;
}

/* ---- Replay -------------------------------------------------------------- */

/* A recording is read from a file: from one without a name. */
static int
replay_recording(
    struct follower *f, const struct kv_opts *asked, const struct kv_tap *tap)
{
	char *called = kv_mem_text(kv_event_reader_word(f->reader, "replay"));
	struct kv_opts opts = *asked;
	char path[32];
	FILE *file = tmpfile();
	size_t size;
	const char *text = kv_event_reader_raw(f->reader, &size);
	int status = KV_EXIT_USAGE;

	opts.operands = &called;
	opts.noperands = 1;
	if (file != NULL && fwrite(text, 1, size, file) == size &&
	    fflush(file) == 0) {
		rewind(file);
		snprintf(path, sizeof(path), "/dev/fd/%d", fileno(file));
		status = kv_cmd_replay_from(&opts, path, tap);
	} else {
		kv_log_error("replay: no room for the recording");
	}
	if (file != NULL)
		fclose(file);
	kv_mem_free(called);
	return status;
}

static int
replay(struct follower *f, const struct kv_opts *asked)
{
	struct kv_once_config cfg = {
	    .path = kv_event_reader_word(f->reader, "run"),
	    .run.tap = {follow, f}};
	struct kv_text text;
	int status;

	/* What the log asks for, its reader did not. */
	if (asked->kvm)
		kv_jail_enter();
	if (cfg.path != NULL) {
		kv_event_reader_input(f->reader, &text);
		cfg.text = &text;
		status = kv_cmd_run_once(asked, &cfg, f->errors);
	} else {
		status = replay_recording(f, asked, &cfg.run.tap);
	}
	follow_end(f);
	if (f->error != 0)
		return KV_EXIT_USAGE;
	return f->lost && status == KV_EXIT_OK ? KV_EXIT_FAILED : status;
}

/* Is all of it legal?  A log that is not gets no report. */
static int
read_through(const char *path, struct kv_errors *errors)
{
	struct kv_event_reader *reader;
	struct kv_event event;
	int error, closed;

	if (kv_event_reader_open(path, &reader, errors) != 0)
		return EINVAL;
	while (kv_event_reader_next(reader, &event, &error, errors))
		;
	closed = kv_event_reader_close(reader, errors);
	return error != 0 ? error : closed;
}

int
kv_cmd_replay_log(const struct kv_opts *opts)
{
	struct kv_errors errors = {0};
	struct follower f = {.errors = &errors};
	struct kv_opts asked = {0};
	int status = KV_EXIT_USAGE;

	if (read_through(opts->operands[0], &errors) == 0 &&
	    kv_event_reader_open(opts->operands[0], &f.reader, &errors) == 0 &&
	    head_apply(f.reader, opts, &asked, &errors) == 0)
		status = replay(&f, &asked);
	if (kv_event_reader_close(f.reader, &errors) != 0)
		status = KV_EXIT_USAGE;
	kv_mem_free(asked.defines);
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	return status;
}
