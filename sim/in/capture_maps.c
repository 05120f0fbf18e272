/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_maps.c - address space: vm.pmap.kernel_maps, ::vmem */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "in/capture_parts.h"
#include "out/mem.h"

/* ---- FreeBSD --------------------------------------------------------- */

/* "Kernel map:" -> "kernel" */
static bool
read_section(struct kv_capture_line *l, const char *at, const char *word)
{
	char name[24];
	size_t i;

	snprintf(name, sizeof(name), "%.20s", word);
	name[0] = (char)tolower((unsigned char)name[0]);
	word = kv_pool_text(&l->c->pool, name, strlen(name));
	if (!kv_capture_once(l, at, word))
		return false;
	kv_names_add(&l->c->sections, word, &i);
	return kv_capture_end(l);
}

static bool
read_range(struct kv_capture_line *l, struct kv_capture_map *m)
{
	uint64_t page = kv_machine_page_size(l->machine);
	const struct kv_capture_map *last = NULL;
	const struct kv_capture *c = l->c;
	const char *at = l->p;

	if (c->nmaps != 0 && c->maps[c->nmaps - 1].section == m->section)
		last = &c->maps[c->nmaps - 1];
	if (!kv_capture_hex(l, &m->start, "an address or \"NAME map:\""))
		return false;
	if (m->start % page != 0)
		return KV_CAPTURE_BACK(l, at, "0x%" PRIx64 " is no page of %s",
		    m->start, l->machine->name);
	if (last != NULL && m->start < last->end)
		return KV_CAPTURE_BACK(
		    l, at, "before the end of the range above");
	if (!kv_capture_skip(l, "-"))
		return kv_capture_refuse(l, "\"-\" expected");
	at = l->p;
	if (!kv_capture_hex(l, &m->end, "an address"))
		return false;
	if (m->end % page != 0 || m->end <= m->start)
		return KV_CAPTURE_BACK(l, at, "not a range of whole pages");
	return kv_capture_skip(l, " ") ||
	       kv_capture_refuse(l, "a blank expected");
}

/* "rw-sg WB": two words that say how it is mapped */
static bool
read_attr(struct kv_capture_line *l, struct kv_capture_map *m)
{
	const char *access = kv_capture_word(l, "access"), *mode, *both;
	char text[80];
	size_t i;

	if (access == NULL ||
	    (mode = kv_capture_word(l, "a memory type")) == NULL)
		return false;
	snprintf(text, sizeof(text), "%.30s %.30s", access, mode);
	both = kv_pool_text(&l->c->pool, text, strlen(text));
	kv_names_add(&l->attrs, both, &i);
	m->attr = (unsigned)i;
	return true;
}

static bool
read_leaves(struct kv_capture_line *l, struct kv_capture_map *m)
{
	const char *at;
	unsigned n = 0;

	do {
		at = l->p;
		if (n == KV_CAPTURE_LEVELS)
			return kv_capture_refuse(
			    l, "more than %d counts", (int)KV_CAPTURE_LEVELS);
		if (!kv_capture_uint(
			l, UINT64_C(1) << 52, &m->leaves[n++], "a count"))
			return false;
	} while (l->p < l->end);
	if (l->c->nleaves == 0)
		l->c->nleaves = n;
	if (n != l->c->nleaves || n < 3)
		return KV_CAPTURE_BACK(
		    l, at, "%u counts expected", n < 3 ? 3 : l->c->nleaves);
	if (n > 3 && l->machine->contig_order == 0)
		return KV_CAPTURE_BACK(l, at,
		    "%s has no contiguous pages for a fourth count; another "
		    "--machine?",
		    l->machine->name);
	return true;
}

/* START-END ACCESS MODE n1G n2M [n64K] n4K, below "NAME map:" */
bool
kv_capture_kernel_maps(struct kv_capture_line *l)
{
	static const char *const sections[] = {
	    "Recursive", "Large", "Direct", "Kernel"};
	struct kv_capture *c = l->c;
	struct kv_capture_map m = {0};
	size_t i;

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const char *start = l->p;

		if (kv_capture_skip(l, sections[i]) &&
		    kv_capture_skip(l, "map:"))
			return read_section(l, start, sections[i]);
		l->p = start;
	}
	if (c->sections.count == 0)
		kv_names_add(&c->sections, "kernel", &i);
	m.section = c->sections.count - 1;
	if (!read_range(l, &m) || !read_attr(l, &m) || !read_leaves(l, &m))
		return false;
	c->maps = kv_mem_resize(c->maps, c->nmaps + 1, sizeof(*c->maps));
	c->maps[c->nmaps++] = m;
	return true;
}

/* ---- illumos --------------------------------------------------------- */

/* Where the last four words begin: what is ahead of them is the name. */
static const char *
name_end(const struct kv_capture_line *l)
{
	const char *p = l->end;
	unsigned words;

	for (words = 0; words < 4; words++) {
		while (p > l->p && (p[-1] == ' ' || p[-1] == '\t'))
			p--;
		while (p > l->p && p[-1] != ' ' && p[-1] != '\t')
			p--;
	}
	while (p > l->p && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p;
}

/* A name that comes again goes by its address too. */
static bool
read_name(
    struct kv_capture_line *l, uint64_t address, struct kv_capture_arena *a)
{
	const char *at = l->p, *end = name_end(l), *p;
	char other[128];
	size_t i;

	for (p = l->p; p < end; p++)
		if (iscntrl((unsigned char)*p))
			return kv_capture_refuse(l, "a control character");
	if (end == l->p)
		return kv_capture_refuse(
		    l, "NAME INUSE TOTAL SUCCEED FAIL expected");
	a->name = kv_pool_text(&l->c->pool, l->p, (size_t)(end - l->p));
	if (!kv_names_add(&l->seen, a->name, &i)) {
		snprintf(
		    other, sizeof(other), "%.100s@%" PRIx64, a->name, address);
		a->name = kv_pool_text(&l->c->pool, other, strlen(other));
		if (!kv_capture_once(l, at, a->name))
			return false;
	}
	l->p = end;
	return kv_capture_skip(l, " ") ||
	       kv_capture_refuse(l, "a blank expected");
}

static bool
read_figures(struct kv_capture_line *l, struct kv_capture_arena *a)
{
	const char *inuse = l->p;

	if (!kv_capture_uint(l, UINT64_MAX, &a->inuse, "INUSE") ||
	    !kv_capture_uint(l, UINT64_MAX, &a->total, "TOTAL"))
		return false;
	if (a->inuse > a->total)
		return KV_CAPTURE_BACK(l, inuse, "INUSE is more than TOTAL");
	return kv_capture_uint(l, UINT64_MAX, &a->succeed, "SUCCEED") &&
	       kv_capture_uint(l, UINT64_MAX, &a->fail, "FAIL") &&
	       kv_capture_end(l);
}

/* ADDR NAME INUSE TOTAL SUCCEED FAIL; a name is indented below its source */
bool
kv_capture_vmem(struct kv_capture_line *l)
{
	struct kv_capture *c = l->c;
	struct kv_capture_arena a = {.source = -1};
	const char *addr_end;
	uint64_t address;
	size_t i;

	if (kv_capture_skip(l, "ADDR NAME INUSE TOTAL SUCCEED FAIL"))
		return kv_capture_end(l);
	if (!kv_capture_hex(l, &address, "an address"))
		return false;
	addr_end = l->p;
	if (!kv_capture_skip(l, " "))
		return kv_capture_refuse(l, "a blank expected");
	a.indent = (unsigned)(l->p - addr_end);
	for (i = c->narenas; i-- != 0 && a.source < 0;)
		if (c->arenas[i].indent < a.indent)
			a.source = (int)i;
	if (!read_name(l, address, &a) || !read_figures(l, &a))
		return false;
	c->arenas =
	    kv_mem_resize(c->arenas, c->narenas + 1, sizeof(*c->arenas));
	c->arenas[c->narenas++] = a;
	return true;
}
