/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.c - the state of a real kernel, as its own tools print it
 *
 * Shapes are those that users see; where they were not checked against a
 * running system, scenarios/README.md says so.
 */
#include "in/capture.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/capture_parts.h"
#include "in/scan.h"
#include "out/mem.h"

/* What the first line that is not blank begins with.  A sysctl may stand with
 * its name or, from `sysctl -n`, without. */
static const struct {
	const char *word;
	enum kv_capture_kind kind;
	bool alone; /* a name, with nothing else on its line */
} openings[] = {{"vm.phys_free:", KV_CAPTURE_PHYS_FREE, true},
    {"vm.reserv.partpopq:", KV_CAPTURE_PARTPOPQ, true},
    {"vm.pmap.kernel_maps:", KV_CAPTURE_KERNEL_MAPS, true},
    {"Node ", KV_CAPTURE_BUDDYINFO, false},
    {"DOMAIN LEVEL", KV_CAPTURE_PARTPOPQ, false},
    {"DOMAIN ", KV_CAPTURE_PHYS_FREE, false},
    {"FREE LIST", KV_CAPTURE_PHYS_FREE, false},
    {"ADDR NAME", KV_CAPTURE_VMEM, false},
    {"0x", KV_CAPTURE_KERNEL_MAPS, false},
    {"Recursive map:", KV_CAPTURE_KERNEL_MAPS, false},
    {"Large map:", KV_CAPTURE_KERNEL_MAPS, false},
    {"Direct map:", KV_CAPTURE_KERNEL_MAPS, false},
    {"Kernel map:", KV_CAPTURE_KERNEL_MAPS, false}};

static const struct {
	const char *name;
	kv_capture_fn *fn;
} kinds[KV_CAPTURE_KINDS] = {
    [KV_CAPTURE_BUDDYINFO] = {"buddyinfo", kv_capture_buddyinfo},
    [KV_CAPTURE_PHYS_FREE] = {"vm.phys_free", kv_capture_phys_free},
    [KV_CAPTURE_PARTPOPQ] = {"vm.reserv.partpopq", kv_capture_partpopq},
    [KV_CAPTURE_KERNEL_MAPS] = {"vm.pmap.kernel_maps", kv_capture_kernel_maps},
    [KV_CAPTURE_VMEM] = {"::vmem", kv_capture_vmem}};

const char *
kv_capture_name(enum kv_capture_kind kind)
{
	return kinds[kind].name;
}

/* ---- Words ----------------------------------------------------------- */

bool
kv_capture_refuse(const struct kv_capture_line *l, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kv_errors_add(l->errors, l->lines->path, l->lines->number,
	    (unsigned)(l->p - l->lines->line) + 1, "%s", text);
	return false;
}

/* As many characters as match; a blank of the literal is any number of them,
 * at least one.  => NULL: no match */
static const char *
match(const char *p, const char *end, const char *literal)
{
	for (; *literal != '\0'; literal++) {
		const char *next = kv_scan_blanks(p, end);

		if (*literal == ' ' && next != p)
			p = next;
		else if (*literal != ' ' && p < end && *p == *literal)
			p++;
		else
			return NULL;
	}
	return p;
}

bool
kv_capture_skip(struct kv_capture_line *l, const char *literal)
{
	const char *p = match(l->p, l->end, literal);

	if (p == NULL)
		return false;
	l->p = kv_scan_blanks(p, l->end);
	return true;
}

bool
kv_capture_uint(
    struct kv_capture_line *l, uint64_t max, uint64_t *value, const char *what)
{
	if (!kv_scan_uint(&l->p, l->end, max, value))
		return kv_capture_refuse(l, "%s expected%s", what,
		    l->p < l->end && isdigit((unsigned char)*l->p)
			? ", not that large"
			: "");
	l->p = kv_scan_blanks(l->p, l->end);
	return true;
}

bool
kv_capture_hex(struct kv_capture_line *l, uint64_t *value, const char *what)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = l->p;
	uint64_t v = 0;
	unsigned n;

	if (l->end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	for (n = 0; p < l->end && n < 17; n++, p++) {
		const char *digit =
		    *p == '\0' ? NULL
			       : strchr(digits, tolower((unsigned char)*p));

		if (digit == NULL)
			break;
		v = v << 4 | (uint64_t)(digit - digits);
	}
	if (n == 0 || n > 16)
		return kv_capture_refuse(l, "%s expected", what);
	*value = v;
	l->p = p;
	return true;
}

const char *
kv_capture_word(struct kv_capture_line *l, const char *what)
{
	const char *start = l->p;

	while (l->p < l->end && *l->p != ' ' && *l->p != '\t')
		if (iscntrl((unsigned char)*l->p++)) {
			l->p--;
			kv_capture_refuse(l, "a control character");
			return NULL;
		}
	if (l->p == start) {
		kv_capture_refuse(l, "%s expected", what);
		return NULL;
	}
	start = kv_pool_text(&l->c->pool, start, (size_t)(l->p - start));
	l->p = kv_scan_blanks(l->p, l->end);
	return start;
}

bool
kv_capture_end(struct kv_capture_line *l)
{
	return l->p == l->end ||
	       kv_capture_refuse(l, "the end of the line expected");
}

bool
kv_capture_once(struct kv_capture_line *l, const char *at, const char *name)
{
	size_t i;

	return kv_names_add(&l->seen, name, &i) ||
	       KV_CAPTURE_BACK(l, at, "%.60s stands here twice", name);
}

/* ---- Files ----------------------------------------------------------- */

/* Move to the first word.  => false: a blank line */
static bool
line_open(struct kv_capture_line *l)
{
	l->end = l->lines->end;
	while (l->end > l->lines->line &&
	       (l->end[-1] == ' ' || l->end[-1] == '\t' || l->end[-1] == '\r'))
		l->end--;
	l->p = kv_scan_blanks(l->lines->line, l->end);
	return l->p < l->end;
}

/* => false: noted */
static bool
recognise(struct kv_capture_line *l, bool *consumed)
{
	size_t i;

	for (i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		if (match(l->p, l->end, openings[i].word) == NULL)
			continue;
		l->c->kind = openings[i].kind;
		*consumed = openings[i].alone;
		if (!*consumed)
			return true;
		kv_capture_skip(l, openings[i].word);
		return kv_capture_end(l);
	}
	return kv_capture_refuse(l,
	    "this is none of buddyinfo, vm.phys_free, vm.reserv.partpopq, "
	    "vm.pmap.kernel_maps and ::vmem");
}

static bool
read_lines(struct kv_capture_line *l, struct kv_lines *lines)
{
	bool known = false, good = true;

	while (kv_lines_next(lines) && !kv_errors_full(l->errors)) {
		bool consumed = false;

		if (!line_open(l))
			continue;
		if (!known && !recognise(l, &consumed))
			return false;
		known = true;
		if (!consumed && !kinds[l->c->kind].fn(l))
			good = false;
	}
	if (!known)
		kv_errors_add(l->errors, lines->path, 0, 0, "nothing in it");
	return known && good;
}

/* A name and nothing behind it is no state. */
static bool
is_empty(const struct kv_capture *c)
{
	return c->nzones + c->nqueues + c->nmaps + c->narenas == 0;
}

int
kv_capture_read(const char *path, const struct kv_machine *machine,
    struct kv_capture *capture, struct kv_errors *errors)
{
	struct kv_capture c = {0};
	struct kv_lines lines;
	struct kv_capture_line l = {
	    .lines = &lines, .errors = errors, .machine = machine, .c = &c};
	bool good;

	if (kv_lines_open(path, &lines, errors) != 0)
		return EINVAL;
	good = read_lines(&l, &lines);
	/* No partial reservation is a state. */
	if (good && is_empty(&c) && c.kind != KV_CAPTURE_PARTPOPQ) {
		kv_errors_add(errors, lines.path, lines.number, 0,
		    "no %s but its head", kv_capture_name(c.kind));
		good = false;
	}
	good = kv_lines_close(&lines, errors) == 0 && good;
	kv_names_fini(&l.attrs);
	kv_names_fini(&l.seen);
	if (good)
		*capture = c;
	else
		kv_capture_fini(&c);
	return good ? 0 : EINVAL;
}

void
kv_capture_fini(struct kv_capture *c)
{
	kv_mem_free(c->zones);
	kv_mem_free(c->queues);
	kv_mem_free(c->maps);
	kv_mem_free(c->arenas);
	kv_names_fini(&c->sections);
	kv_pool_fini(&c->pool);
	*c = (struct kv_capture){0};
}
