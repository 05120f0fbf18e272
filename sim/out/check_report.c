/* SPDX-License-Identifier: BSD-2-Clause */
/* check_report.c - the verdicts of a check: KTAP and JUnit */
#include <string.h>

#include "out/check.h"

/* ---- KTAP ------------------------------------------------------------ */

/* In a name or a reason, # would begin a directive. */
static void
put_plain(struct kv_buf *b, const char *text)
{
	char c;

	for (; *text != '\0'; text++) {
		c = (unsigned char)*text < ' ' || *text == '#' ? '_' : *text;
		kv_buf_add(b, &c, 1);
	}
}

/* Each line of what is known, before its result as KTAP has it. */
static void
put_lines(struct kv_buf *b, const char *lines)
{
	const char *end;

	for (; *lines != '\0'; lines = end + (*end != '\0')) {
		end = lines + strcspn(lines, "\n");
		kv_buf_printf(b, "# %.*s\n", (int)(end - lines), lines);
	}
}

static void
put_item(struct kv_buf *b, const struct kv_check_item *item, size_t number)
{
	if (item->verdict == KV_CHECK_FAILED)
		put_lines(b, item->details);
	kv_buf_printf(b, "%sok %zu ",
	    item->verdict == KV_CHECK_FAILED ? "not " : "", number);
	put_plain(b, item->name);
	if (item->verdict == KV_CHECK_SKIPPED) {
		kv_buf_printf(b, " # SKIP ");
		put_plain(b, item->why);
	}
	kv_buf_add(b, "\n", 1);
}

void
kv_check_ktap(const struct kv_check *c, struct kv_buf *b)
{
	size_t i;

	kv_buf_printf(b, "KTAP version 1\n1..%zu\n", c->count);
	for (i = 0; i < c->count; i++)
		put_item(b, &c->items[i], i + 1);
	kv_buf_printf(b,
	    "# Totals: pass:%zu fail:%zu xfail:0 xpass:0 skip:%zu error:0\n",
	    c->counts[KV_CHECK_PASSED], c->counts[KV_CHECK_FAILED],
	    c->counts[KV_CHECK_SKIPPED]);
}

/* ---- JUnit ----------------------------------------------------------- */

/* Bytes of the character that begins here; 0: XML has no such character. */
static size_t
character(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = *s < 0x80   ? 1
		   : *s < 0xc2 ? 0
		   : *s < 0xe0 ? 2
		   : *s < 0xf0 ? 3
		   : *s < 0xf5 ? 4
			       : 0,
	       i;

	if (n == 1)
		return *s >= ' ' || *s == '\n' || *s == '\t';
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, surrogates, beyond Unicode, not characters. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90) ||
	    (*s == 0xef && s[1] == 0xbf && s[2] >= 0xbe))
		return 0;
	return n;
}

static void
put_xml(struct kv_buf *b, const char *text, size_t size)
{
	const char *end = text + size;
	size_t n;

	while (text < end) {
		n = character(text);
		if (n == 0)
			kv_buf_add(b, "?", 1);
		else if (*text == '&')
			kv_buf_printf(b, "&amp;");
		else if (*text == '<')
			kv_buf_printf(b, "&lt;");
		else if (*text == '>')
			kv_buf_printf(b, "&gt;");
		else if (*text == '"')
			kv_buf_printf(b, "&quot;");
		else
			kv_buf_add(b, text, n);
		text += n == 0 ? 1 : n;
	}
}

static void
put_attribute(struct kv_buf *b, const char *key, const char *text, size_t size)
{
	kv_buf_printf(b, " %s=\"", key);
	put_xml(b, text, size);
	kv_buf_add(b, "\"", 1);
}

/* The folder is the class, as the name of a package would be. */
static void
put_class(struct kv_buf *b, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		put_attribute(b, "classname", ".", 1);
	else
		put_attribute(b, "classname", path,
		    slash == path ? 1 : (size_t)(slash - path));
}

static void
put_case(struct kv_buf *b, const struct kv_check_item *item)
{
	static const char *const tags[] = {[KV_CHECK_FAILED] = "failure",
	    [KV_CHECK_SKIPPED] = "skipped",
	    [KV_CHECK_REFUSED] = "error"};
	const char *tag = tags[item->verdict];

	kv_buf_printf(b, "    <testcase");
	put_attribute(b, "name", item->name, strlen(item->name));
	put_class(b, item->path);
	if (item->verdict == KV_CHECK_PASSED) {
		kv_buf_printf(b, "/>\n");
		return;
	}
	kv_buf_printf(b, ">\n      <%s", tag);
	put_attribute(b, "message", item->why, strlen(item->why));
	if (item->verdict == KV_CHECK_SKIPPED) {
		kv_buf_printf(b, "/>\n    </testcase>\n");
		return;
	}
	put_attribute(b, "type", tag, strlen(tag));
	kv_buf_add(b, ">", 1);
	put_xml(b, item->details, strlen(item->details));
	kv_buf_printf(b, "</%s>\n    </testcase>\n", tag);
}

/* There are no times: the same input gives the same bytes. */
void
kv_check_junit(const struct kv_check *c, struct kv_buf *b)
{
	size_t i;

	kv_buf_printf(b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites>\n"
	    "  <testsuite name=\"kvasir\" tests=\"%zu\" failures=\"%zu\" "
	    "errors=\"%zu\" skipped=\"%zu\">\n",
	    c->count, c->counts[KV_CHECK_FAILED], c->counts[KV_CHECK_REFUSED],
	    c->counts[KV_CHECK_SKIPPED]);
	for (i = 0; i < c->count; i++)
		put_case(b, &c->items[i]);
	kv_buf_printf(b, "  </testsuite>\n</testsuites>\n");
}
