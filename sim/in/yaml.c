/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * yaml.c - the strict subset of YAML as a tree in which all has its place
 *
 * libyaml has no limit of depth, and its loader expands nothing but accepts
 * aliases, tags and a second document in silence; so the tree is built here
 * from its events, which stop as soon as something is too deep.
 */
#include "in/yaml.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 32 };

struct builder {
	const struct kv_text *text;
	struct kv_pool *pool;
	struct kv_errors *errors;
	const struct kv_node *root;
	struct kv_node *stack[DEPTH_MAX]; /* open lists and maps */
	struct kv_node *last[DEPTH_MAX];  /* their newest child */
	unsigned depth;
	/* A byte of the text and its number as a character: only forward. */
	size_t byte, character;
};

/* ---- Text ------------------------------------------------------------ */

/* Length of the UTF-8 sequence at p and its code point.  => 0: none */
static size_t
decode(const unsigned char *p, size_t left, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc0 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf8 ? 4
				 : 0;
	size_t i;

	if (n == 0 || n > left)
		return 0;
	*code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3f);
	}
	return *code < least[n] || *code > 0x10ffff ? 0 : n;
}

/* Characters of YAML, but none that would count as a line break only here. */
static bool
is_text(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c < 0x7f ||
	       (c >= 0xa0 && c < 0xd800 && c != 0x2028 && c != 0x2029) ||
	       (c >= 0xe000 && c < 0xfffe && c != 0xfeff) || c >= 0x10000;
}

/*
 * Refuse what is not text, at its first byte, and every tab that indents
 * (libyaml would blame a token further on).  => false: give up
 */
static bool
check_text(struct builder *b, size_t start)
{
	const unsigned char *p = (const unsigned char *)b->text->data;
	size_t size = b->text->size, i, n;
	unsigned line = 1, column = 1, tabs = 0;
	bool indent = true;
	uint32_t c;

	for (i = start; i < size; i += n) {
		n = decode(p + i, size - i, &c);
		if (n == 0 || !is_text(c) ||
		    (c == '\r' && (i + 1 == size || p[i + 1] != '\n'))) {
			kv_errors_add(b->errors, b->text->path, line, column,
			    "byte 0x%02x does not belong in a text (UTF-8, no "
			    "control characters)",
			    p[i]);
			return false;
		}
		if (c == '\t' && indent) {
			kv_errors_add(b->errors, b->text->path, line, column,
			    "a tab cannot indent; use spaces");
			tabs++;
			indent = false;
		}
		indent = c == '\n' || (indent && c == ' ');
		line += c == '\n';
		column = c == '\n' ? 1 : column + 1;
	}
	return tabs == 0;
}

/* The byte at a mark of libyaml, which counts characters. */
static char
byte_at(struct builder *b, const yaml_mark_t *mark)
{
	const char *data = b->text->data;

	for (; b->character < mark->index && b->byte < b->text->size;
	     b->character++) {
		do
			b->byte++;
		while (((unsigned char)data[b->byte] & 0xc0) == 0x80);
	}
	return data[b->byte];
}

/* ---- Tree ------------------------------------------------------------ */

static void
refuse(struct builder *b, const yaml_mark_t *mark, const char *why)
{
	kv_errors_add(b->errors, b->text->path, (unsigned)mark->line + 1,
	    (unsigned)mark->column + 1, "%s", why);
}

/* A key is a plain or quoted word. */
static void
check_key(struct builder *b, struct kv_node *node, const yaml_mark_t *mark)
{
	if (node->kind != KV_NODE_SCALAR) {
		refuse(b, mark, "a key must be a word");
	} else if (!node->quoted && strcmp(node->text, "<<") == 0) {
		refuse(b, mark, "merge keys are not part of the language");
		node->kind = KV_NODE_BAD;
	}
}

static struct kv_node *
node_add(struct builder *b, enum kv_node_kind kind, const yaml_mark_t *mark)
{
	struct kv_node *node = kv_pool_alloc(b->pool, sizeof(*node));
	struct kv_node *parent;

	node->kind = kind;
	node->line = (unsigned)mark->line + 1;
	node->column = (unsigned)mark->column + 1;
	if (b->depth == 0) {
		b->root = node;
		return node;
	}
	parent = b->stack[b->depth - 1];
	if (parent->count++ == 0)
		parent->child = node;
	else
		b->last[b->depth - 1]->next = node;
	b->last[b->depth - 1] = node;
	return node;
}

static bool
is_key(const struct builder *b)
{
	const struct kv_node *parent =
	    b->depth == 0 ? NULL : b->stack[b->depth - 1];

	return parent != NULL && parent->kind == KV_NODE_MAP &&
	       parent->count % 2 == 1;
}

/* What YAML allows in front of a node, and the subset does not. */
static void
check_properties(struct builder *b, const yaml_char_t *anchor,
    const yaml_char_t *tag, const yaml_mark_t *mark)
{
	if (anchor != NULL)
		refuse(b, mark, "anchors (&NAME) are not part of the language");
	if (tag != NULL)
		refuse(b, mark,
		    "tags (!...) are not part of the language; quote an "
		    "expression that begins with '!'");
}

static void
add_scalar(struct builder *b, const yaml_event_t *e)
{
	yaml_scalar_style_t style = e->data.scalar.style;
	struct kv_node *node = node_add(b, KV_NODE_SCALAR, &e->start_mark);
	const char *text = (const char *)e->data.scalar.value;
	const yaml_char_t *tag = e->data.scalar.tag;

	/* libyaml drops a tag that is '!' alone. */
	if (byte_at(b, &e->start_mark) == '!')
		tag = (const yaml_char_t *)"!";
	check_properties(b, e->data.scalar.anchor, tag, &e->start_mark);
	if (tag != NULL)
		node->kind = KV_NODE_BAD;
	node->quoted = style != YAML_PLAIN_SCALAR_STYLE;
	node->one_line = style != YAML_LITERAL_SCALAR_STYLE &&
			 style != YAML_FOLDED_SCALAR_STYLE &&
			 e->start_mark.line == e->end_mark.line;
	node->text_column = node->column + node->quoted;
	node->text = kv_pool_text(b->pool, text, e->data.scalar.length);
	if (strlen(text) != e->data.scalar.length)
		refuse(b, &e->start_mark, "a text cannot hold \\0");
	if (is_key(b) && tag == NULL)
		check_key(b, node, &e->start_mark);
}

/* => false: too deep */
static bool
open_node(struct builder *b, enum kv_node_kind kind, const yaml_event_t *e)
{
	struct kv_node *node;

	if (b->depth == DEPTH_MAX) {
		refuse(b, &e->start_mark, "deeper than 32 levels");
		return false;
	}
	node = node_add(b, kind, &e->start_mark);
	if (is_key(b))
		check_key(b, node, &e->start_mark);
	b->stack[b->depth++] = node;
	return true;
}

/* ---- Events ---------------------------------------------------------- */

/* => false: nothing after this can be understood */
static bool
start_document(struct builder *b, const yaml_event_t *e)
{
	if (b->root != NULL) {
		refuse(b, &e->start_mark, "a second document; one is allowed");
		return false;
	}
	if (e->data.document_start.version_directive != NULL ||
	    e->data.document_start.tag_directives.start !=
		e->data.document_start.tag_directives.end)
		refuse(b, &e->start_mark,
		    "directives (%...) are not part of the language");
	return true;
}

/* => false: give up */
static bool
handle(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return start_document(b, e);
	case YAML_ALIAS_EVENT:
		refuse(b, &e->start_mark,
		    "aliases (*NAME) are not part of the language");
		node_add(b, KV_NODE_BAD, &e->start_mark);
		return true;
	case YAML_SCALAR_EVENT:
		add_scalar(b, e);
		return true;
	case YAML_SEQUENCE_START_EVENT:
		check_properties(b, e->data.sequence_start.anchor,
		    e->data.sequence_start.tag, &e->start_mark);
		return open_node(b, KV_NODE_LIST, e);
	case YAML_MAPPING_START_EVENT:
		check_properties(b, e->data.mapping_start.anchor,
		    e->data.mapping_start.tag, &e->start_mark);
		return open_node(b, KV_NODE_MAP, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return true;
	default:
		return true;
	}
}

static void
report(struct builder *b, const yaml_parser_t *parser)
{
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *problem =
	    parser->problem != NULL ? parser->problem : "cannot be parsed";
	const char *hint = "";

	if (strstr(problem, "mapping values are not allowed") != NULL)
		hint = "; quote a text or an expression that holds ': '";
	if (parser->context != NULL && strstr(parser->context, "tag") != NULL)
		hint = "; quote an expression that begins with '!'";
	if (parser->context == NULL)
		kv_errors_add(b->errors, b->text->path,
		    (unsigned)mark->line + 1, (unsigned)mark->column + 1,
		    "%s%s", problem, hint);
	else
		kv_errors_add(b->errors, b->text->path,
		    (unsigned)mark->line + 1, (unsigned)mark->column + 1,
		    "%s (%s that starts in line %u)%s", problem,
		    parser->context, (unsigned)parser->context_mark.line + 1,
		    hint);
}

/* => false: the syntax is broken, and that is noted */
static bool
read_events(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_t e;
	bool more = true, good = true;

	while (more && good) {
		if (!yaml_parser_parse(parser, &e)) {
			report(b, parser);
			return false;
		}
		good = handle(b, &e);
		more = e.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	return good;
}

const struct kv_node *
kv_yaml_parse(
    const struct kv_text *text, struct kv_pool *pool, struct kv_errors *errors)
{
	struct builder b = {.text = text, .pool = pool, .errors = errors};
	yaml_parser_t parser;
	bool good;

	/* A byte order mark is no character of the first line. */
	if (text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
		b.byte = 3;
	if (!check_text(&b, b.byte))
		return NULL;
	if (!yaml_parser_initialize(&parser)) {
		kv_errors_add(errors, text->path, 0, 0, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser,
	    (const unsigned char *)text->data + b.byte, text->size - b.byte);
	good = read_events(&b, &parser);
	yaml_parser_delete(&parser);
	if (good && b.root == NULL)
		kv_errors_add(errors, text->path, 1, 1, "the file is empty");
	return good ? b.root : NULL;
}
