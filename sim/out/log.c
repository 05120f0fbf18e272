/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - what goes to stderr: warnings, log lines, the progress bar */
#include "out/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAR_CELLS = 30, DRAWS_PER_S = 10 };

static struct {
	int verbosity;
	bool color;
	bool progress;
	bool always;	 /* a bar even for work that ended at once */
	bool drawn;	 /* a bar stands on the last line */
	uint64_t last;	 /* time of the last drawing, ns */
	uint64_t skip;	 /* look at the clock when done gets here */
	uint64_t stride; /* work between two looks */
} state;

static bool
decide(enum kv_when when)
{
	return when == KV_WHEN_ALWAYS ||
	       (when == KV_WHEN_AUTO && isatty(STDERR_FILENO) == 1);
}

void
kv_log_setup(int verbosity, enum kv_when progress, enum kv_when color)
{
	state.verbosity = verbosity;
	state.color = decide(color);
	state.always = progress == KV_WHEN_ALWAYS;
	state.progress = decide(progress) && (verbosity >= 0 || state.always);
}

/* One line; a progress bar that stands there makes room. */
static void
say(const char *color, const char *word, const char *fmt, va_list ap)
{
	if (state.drawn)
		fputs("\r\033[K", stderr);
	state.drawn = false;
	fputs("kvasir: ", stderr);
	if (word[0] != '\0')
		fprintf(stderr, "%s%s%s: ", state.color ? color : "", word,
		    state.color ? "\033[0m" : "");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void
kv_log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("\033[1;31m", "error", fmt, ap);
	va_end(ap);
}

void
kv_log_warn(const char *fmt, ...)
{
	va_list ap;

	if (state.verbosity < 0)
		return;
	va_start(ap, fmt);
	say("\033[1;33m", "warning", fmt, ap);
	va_end(ap);
}

void
kv_log_info(const char *fmt, ...)
{
	va_list ap;

	if (state.verbosity < 1)
		return;
	va_start(ap, fmt);
	say("", "", fmt, ap);
	va_end(ap);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
}

uint64_t
kv_log_begin(void)
{
	return now_ns();
}

static void
note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", "", fmt, ap);
	va_end(ap);
}

void
kv_log_took(const char *what, uint64_t begun)
{
	if (state.verbosity >= 0)
		note("%s in %.1f s", what, (double)(now_ns() - begun) / 1e9);
}

static void
draw(const char *what, uint64_t done, uint64_t total)
{
	double share = total == 0 ? 1 : (double)done / (double)total;
	int i, full = (int)(share * BAR_CELLS);

	fprintf(stderr, "\r%s [", what);
	for (i = 0; i < BAR_CELLS; i++)
		fputc(i < full ? '#' : '.', stderr);
	fprintf(stderr, "] %3d %%", (int)(share * 100));
	state.drawn = true;
}

static void
finish(const char *what, uint64_t total)
{
	/* Work that ended before its first drawing shows no bar. */
	if (state.drawn || state.always) {
		draw(what, total, total);
		fputc('\n', stderr);
	}
	state.drawn = false;
	state.last = state.skip = state.stride = 0;
}

void
kv_log_progress(const char *what, uint64_t done, uint64_t total)
{
	uint64_t now, period = UINT64_C(1000000000) / DRAWS_PER_S;

	if (!state.progress)
		return;
	if (done >= total) {
		finish(what, total);
		return;
	}
	if (done < state.skip)
		return;
	now = now_ns();
	if (state.last == 0)
		state.last = now;
	/* Double the stride while looks come too often to draw. */
	if (now - state.last < period / 4)
		state.stride = state.stride == 0 ? 64 : 2 * state.stride;
	else if (now - state.last > period)
		state.stride /= 2;
	state.skip = done + state.stride;
	if (now - state.last < period)
		return;
	state.last = now;
	draw(what, done, total);
}
