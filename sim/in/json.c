/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - reports read back: strict JSON with the place of every value */
#include "in/json.h"

#include <string.h>

#include "in/names.h"

enum { DEPTH_MAX = 64 };

struct parser {
	const char *p, *end;
	const char *line; /* where the line of p begins */
	unsigned number;  /* of that line */
	unsigned depth;
	const struct kv_text *text;
	struct kv_pool *pool;
	struct kv_errors *errors;
	bool refused;
};

/* One error, the first.  => NULL */
static struct kv_json *
refuse(struct parser *ps, const char *message)
{
	if (!ps->refused)
		kv_errors_add(ps->errors, ps->text->path, ps->number,
		    (unsigned)(ps->p - ps->line) + 1, "%s", message);
	ps->refused = true;
	return NULL;
}

static void
skip_blanks(struct parser *ps)
{
	for (; ps->p < ps->end; ps->p++)
		if (*ps->p == '\n') {
			ps->number++;
			ps->line = ps->p + 1;
		} else if (*ps->p != ' ' && *ps->p != '\t' && *ps->p != '\r') {
			return;
		}
}

/* Take a character that must, or may, stand next. */
static bool
take(struct parser *ps, char c)
{
	if (ps->p == ps->end || *ps->p != c)
		return false;
	ps->p++;
	return true;
}

/* ---- Strings --------------------------------------------------------- */

/* Four hex digits.  => false: they are not there */
static bool
take_hex(struct parser *ps, unsigned *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	unsigned i, v = 0;

	for (i = 0; i < 4; i++, ps->p++) {
		const char *d = ps->p < ps->end && *ps->p != '\0'
				    ? strchr(digits, *ps->p)
				    : NULL;

		if (d == NULL)
			return false;
		v = v * 16 + (unsigned)(d - digits) -
		    (d - digits > 15 ? 6u : 0u);
	}
	*value = v;
	return true;
}

static char *
put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 0xc);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 0xc & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* Four hex digits, or two surrogates.  => 0: not a character */
static unsigned
take_character(struct parser *ps)
{
	unsigned c, low;

	if (!take_hex(ps, &c) || (c >= 0xdc00 && c < 0xe000))
		return 0;
	if (c < 0xd800 || c >= 0xe000)
		return c;
	if (!take(ps, '\\') || !take(ps, 'u') || !take_hex(ps, &low) ||
	    low < 0xdc00 || low >= 0xe000)
		return 0;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* What stands behind a backslash and a u.  => NULL: noted */
static char *
take_unicode(struct parser *ps, char *to)
{
	unsigned c = take_character(ps);

	if (c == 0) {
		refuse(ps, "\\u needs four hex digits of a character");
		return NULL;
	}
	return put_utf8(to, c);
}

static char *
take_escape(struct parser *ps, char *to)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (take(ps, 'u'))
		return take_unicode(ps, to);
	found =
	    ps->p < ps->end && *ps->p != '\0' ? strchr(letters, *ps->p) : NULL;
	if (found == NULL) {
		refuse(ps, "no such escape in a string");
		return NULL;
	}
	ps->p++;
	*to++ = means[found - letters];
	return to;
}

/* The string that begins here, decoded; it never grows.  => NULL: noted */
static const char *
take_string(struct parser *ps)
{
	const char *close;
	char *text, *to;

	if (!take(ps, '"')) {
		refuse(ps, "a string in double quotes expected");
		return NULL;
	}
	for (close = ps->p; close < ps->end && *close != '"'; close++)
		close += *close == '\\' && close + 1 < ps->end;
	text = to = kv_pool_alloc(ps->pool, (size_t)(close - ps->p) + 1);
	while (ps->p < ps->end && *ps->p != '"') {
		if ((unsigned char)*ps->p < ' ') {
			refuse(ps, "a control character in a string");
			return NULL;
		}
		if (*ps->p != '\\') {
			*to++ = *ps->p++;
			continue;
		}
		ps->p++;
		if ((to = take_escape(ps, to)) == NULL)
			return NULL;
	}
	if (!take(ps, '"')) {
		refuse(ps, "the string does not end");
		return NULL;
	}
	*to = '\0';
	return text;
}

/* ---- Values ---------------------------------------------------------- */

static size_t
take_digits(struct parser *ps)
{
	const char *start = ps->p;

	while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9')
		ps->p++;
	return (size_t)(ps->p - start);
}

static bool
take_number(struct parser *ps, struct kv_json *v)
{
	const char *start = ps->p, *first;

	take(ps, '-');
	first = ps->p;
	if (take_digits(ps) == 0 || (*first == '0' && ps->p - first > 1))
		return refuse(ps, "a number expected") != NULL;
	if (take(ps, '.') && take_digits(ps) == 0)
		return refuse(ps, "a digit expected") != NULL;
	if (take(ps, 'e') || take(ps, 'E')) {
		if (!take(ps, '+'))
			take(ps, '-');
		if (take_digits(ps) == 0)
			return refuse(ps, "a digit expected") != NULL;
	}
	v->kind = KV_JSON_NUMBER;
	v->text = kv_pool_text(ps->pool, start, (size_t)(ps->p - start));
	return true;
}

static bool
take_word(struct parser *ps, struct kv_json *v)
{
	static const char *const words[] = {[KV_JSON_NULL] = "null",
	    [KV_JSON_FALSE] = "false",
	    [KV_JSON_TRUE] = "true"};
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i]);

		if ((size_t)(ps->end - ps->p) < length ||
		    memcmp(ps->p, words[i], length) != 0)
			continue;
		ps->p += length;
		v->kind = (enum kv_json_kind)i;
		return true;
	}
	return refuse(ps, "a value expected") != NULL;
}

static struct kv_json *take_value(struct parser *ps, const char *key);

/* One member: of an object with its key.  => NULL: noted */
static struct kv_json *
take_member(struct parser *ps, bool object, struct kv_names *keys)
{
	const char *key = NULL, *start;
	size_t i;

	skip_blanks(ps);
	start = ps->p;
	if (object) {
		if ((key = take_string(ps)) == NULL)
			return NULL;
		if (!kv_names_add(keys, key, &i)) {
			ps->p = start;
			return refuse(ps, "this key stands here twice");
		}
		skip_blanks(ps);
		if (!take(ps, ':'))
			return refuse(ps, "':' expected");
	}
	return take_value(ps, key);
}

/* Members up to the closing bracket.  => false: noted */
static bool
take_members(struct parser *ps, struct kv_json *v, struct kv_names *keys)
{
	bool object = v->kind == KV_JSON_OBJECT;
	struct kv_json **next = &v->child;

	skip_blanks(ps);
	if (take(ps, object ? '}' : ']'))
		return true;
	do {
		struct kv_json *member = take_member(ps, object, keys);

		if (member == NULL)
			return false;
		*next = member;
		next = &member->next;
		skip_blanks(ps);
	} while (take(ps, ','));
	if (take(ps, object ? '}' : ']'))
		return true;
	refuse(ps, object ? "',' or '}' expected" : "',' or ']' expected");
	return false;
}

static struct kv_json *
take_value(struct parser *ps, const char *key)
{
	struct kv_json *v = kv_pool_alloc(ps->pool, sizeof(*v));
	struct kv_names keys = {0};
	bool good;

	skip_blanks(ps);
	*v = (struct kv_json){.key = key,
	    .line = ps->number,
	    .column = (unsigned)(ps->p - ps->line) + 1};
	if (ps->p < ps->end && (*ps->p == '{' || *ps->p == '[')) {
		if (ps->depth == DEPTH_MAX)
			return refuse(ps, "deeper than 64 levels");
		v->kind = *ps->p++ == '{' ? KV_JSON_OBJECT : KV_JSON_LIST;
		ps->depth++;
		good = take_members(ps, v, &keys);
		ps->depth--;
		kv_names_fini(&keys);
	} else if (ps->p < ps->end && *ps->p == '"') {
		v->kind = KV_JSON_STRING;
		good = (v->text = take_string(ps)) != NULL;
	} else if (ps->p < ps->end &&
		   (*ps->p == '-' || (*ps->p >= '0' && *ps->p <= '9'))) {
		good = take_number(ps, v);
	} else {
		good = take_word(ps, v);
	}
	return good ? v : NULL;
}

const struct kv_json *
kv_json_parse(
    const struct kv_text *text, struct kv_pool *pool, struct kv_errors *errors)
{
	struct parser ps = {.p = text->data,
	    .end = text->data + text->size,
	    .line = text->data,
	    .number = 1,
	    .text = text,
	    .pool = pool,
	    .errors = errors};
	const struct kv_json *v = take_value(&ps, NULL);

	skip_blanks(&ps);
	if (v != NULL && ps.p < ps.end)
		return refuse(&ps, "the end of the file expected");
	return v;
}

const struct kv_json *
kv_json_get(const struct kv_json *object, const char *key)
{
	const struct kv_json *v;

	if (object->kind != KV_JSON_OBJECT)
		return NULL;
	for (v = object->child; v != NULL; v = v->next)
		if (strcmp(v->key, key) == 0)
			return v;
	return NULL;
}
