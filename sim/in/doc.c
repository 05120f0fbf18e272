/* SPDX-License-Identifier: BSD-2-Clause */
/* doc.c - the tree of a scenario, to change and to write again */
#include "in/doc.h"

#include <string.h>

#include "out/mem.h"

/* ---- Nodes ----------------------------------------------------------- */

static struct kv_doc *
node_of(enum kv_node_kind kind)
{
	struct kv_doc *d = kv_mem_zalloc(1, sizeof(*d));

	d->kind = kind;
	return d;
}

struct kv_doc *
kv_doc_scalar(const char *text)
{
	struct kv_doc *d = node_of(KV_NODE_SCALAR);

	d->text = kv_mem_text(text);
	return d;
}

struct kv_doc *
kv_doc_raw(const char *yaml)
{
	struct kv_doc *d = kv_doc_scalar(yaml);

	d->raw = true;
	return d;
}

struct kv_doc *
kv_doc_list(void)
{
	return node_of(KV_NODE_LIST);
}

void
kv_doc_add(struct kv_doc *list, struct kv_doc *item)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
		list->list = kv_mem_resize(
		    list->list, list->capacity, sizeof(*list->list));
	}
	list->list[list->count++] = item;
}

/* Recursion: bounded by the depth of the tree, as all below. */
struct kv_doc *
kv_doc_copy(const struct kv_node *node)
{
	struct kv_doc *d = node_of(node->kind);
	const struct kv_node *child;

	if (node->kind == KV_NODE_SCALAR)
		d->text = kv_mem_text(node->text);
	d->quoted = node->quoted;
	for (child = node->child; child != NULL; child = child->next)
		kv_doc_add(d, kv_doc_copy(child));
	return d;
}

struct kv_doc *
kv_doc_clone(const struct kv_doc *doc)
{
	struct kv_doc *d = node_of(doc->kind);

	if (doc->text != NULL)
		d->text = kv_mem_text(doc->text);
	d->quoted = doc->quoted;
	d->raw = doc->raw;
	for (size_t i = 0; i < doc->count; i++)
		kv_doc_add(d, kv_doc_clone(doc->list[i]));
	return d;
}

void
kv_doc_free(struct kv_doc *doc)
{
	if (doc == NULL)
		return;
	kv_doc_remove(doc, 0, doc->count);
	kv_mem_free(doc->list);
	kv_mem_free(doc->text);
	kv_mem_free(doc);
}

void
kv_doc_remove(struct kv_doc *doc, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		kv_doc_free(doc->list[i]);
	if (n != 0)
		memmove(&doc->list[first], &doc->list[first + n],
		    (doc->count - first - n) * sizeof(*doc->list));
	doc->count -= n;
}

/* ---- Maps ------------------------------------------------------------ */

/* => where the key stands, or count */
static size_t
find(const struct kv_doc *map, const char *key)
{
	size_t i;

	for (i = 0; i + 1 < map->count; i += 2)
		if (map->list[i]->text != NULL &&
		    strcmp(map->list[i]->text, key) == 0)
			return i;
	return map->count;
}

struct kv_doc *
kv_doc_get(const struct kv_doc *map, const char *key)
{
	size_t i;

	if (map->kind != KV_NODE_MAP)
		return NULL;
	i = find(map, key);
	return i == map->count ? NULL : map->list[i + 1];
}

void
kv_doc_set(struct kv_doc *map, const char *key, struct kv_doc *value)
{
	size_t i = find(map, key);

	if (i != map->count) {
		kv_doc_free(map->list[i + 1]);
		map->list[i + 1] = value;
		return;
	}
	kv_doc_add(map, kv_doc_scalar(key));
	kv_doc_add(map, value);
}

void
kv_doc_unset(struct kv_doc *map, const char *key)
{
	size_t i = find(map, key);

	if (i != map->count)
		kv_doc_remove(map, i, 2);
}

/* ---- Text ------------------------------------------------------------ */

static void
write_quoted(const char *text, struct kv_buf *out)
{
	kv_buf_add(out, "\"", 1);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			kv_buf_printf(out, "\\%c", c);
		else if (c < 0x20)
			kv_buf_printf(out, "\\x%02x", c);
		else
			kv_buf_add(out, text, 1);
	}
	kv_buf_add(out, "\"", 1);
}

/* Can it stand without quotes, and mean the same?  Expressions must, for in
 * quotes they are strings. */
static bool
is_plain(const char *text, bool flow)
{
	size_t n = strlen(text);

	if (n == 0 || strchr("?:,[]{}#&*!|>'\"%@` ", text[0]) != NULL ||
	    (text[0] == '-' && (n == 1 || text[1] == ' ')))
		return false;
	return text[n - 1] != ' ' && text[n - 1] != ':' &&
	       strpbrk(text, flow ? ",[]{}\n\t" : "\n\t") == NULL &&
	       strstr(text, ": ") == NULL && strstr(text, " #") == NULL;
}

/* Can all of it stand between braces? */
static bool
is_flow(const struct kv_doc *d)
{
	if (d->kind == KV_NODE_SCALAR)
		return d->raw || d->quoted || is_plain(d->text, true);
	for (size_t i = 0; i < d->count; i++)
		if (!is_flow(d->list[i]))
			return false;
	return true;
}

/* Folded, where it is neither plain nor a string. */
static void
write_scalar(const struct kv_doc *d, unsigned depth, struct kv_buf *out)
{
	if (d->raw || (!d->quoted && is_plain(d->text, false)))
		kv_buf_printf(out, "%s", d->text);
	else if (d->quoted || strpbrk(d->text, "\n\t") != NULL ||
		 d->text[0] == '\0' || d->text[0] == ' ')
		write_quoted(d->text, out);
	else
		kv_buf_printf(
		    out, ">-\n%*s%s", 2 * (int)depth + 2, "", d->text);
}

static void
write_flow(const struct kv_doc *d, struct kv_buf *out)
{
	bool map = d->kind == KV_NODE_MAP;

	if (d->kind == KV_NODE_SCALAR) {
		write_scalar(d, 0, out);
		return;
	}
	kv_buf_printf(out, "%s", map ? "{" : "[");
	for (size_t i = 0; i < d->count; i++) {
		kv_buf_printf(out, "%s",
		    i == 0		? ""
		    : map && i % 2 != 0 ? ": "
					: ", ");
		write_flow(d->list[i], out);
	}
	kv_buf_printf(out, "%s", map ? "}" : "]");
}

static void write_items(
    const struct kv_doc *d, unsigned depth, bool first, struct kv_buf *out);

/* Behind a key: on the same line, or in lines that are indented more. */
static void
write_value(const struct kv_doc *d, unsigned depth, struct kv_buf *out)
{
	kv_buf_printf(out, " ");
	if (d->kind == KV_NODE_SCALAR)
		write_scalar(d, depth, out);
	else if (is_flow(d))
		write_flow(d, out);
	else {
		out->data[out->size - 1] = '\n';
		write_items(d, depth + 1, false, out);
		return;
	}
	kv_buf_printf(out, "\n");
}

/* first: the first one stands behind a dash already. */
static void
write_items(
    const struct kv_doc *d, unsigned depth, bool first, struct kv_buf *out)
{
	bool map = d->kind == KV_NODE_MAP;

	for (size_t i = 0; i < d->count; i += map ? 2 : 1) {
		const struct kv_doc *item = d->list[i];

		if (!first)
			kv_buf_printf(out, "%*s", 2 * (int)depth, "");
		first = false;
		if (map) {
			kv_buf_printf(out, "%s:", item->text);
			write_value(d->list[i + 1], depth, out);
		} else if (item->kind == KV_NODE_MAP && item->count != 0) {
			kv_buf_printf(out, "- ");
			write_items(item, depth + 1, true, out);
		} else {
			kv_buf_printf(out, "-");
			write_value(item, depth, out);
		}
	}
}

void
kv_doc_write(const struct kv_doc *root, struct kv_buf *out)
{
	for (size_t i = 0; i + 1 < root->count; i += 2) {
		const struct kv_doc *value = root->list[i + 1];

		kv_buf_printf(out, "%s:", root->list[i]->text);
		if (strcmp(root->list[i]->text, "work") == 0 &&
		    value->kind == KV_NODE_LIST && value->count != 0) {
			kv_buf_printf(out, "\n");
			write_items(value, 1, false, out);
		} else
			write_value(value, 0, out);
	}
}
