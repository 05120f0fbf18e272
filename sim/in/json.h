/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - reports read back: strict JSON with the place of every value
 *
 * Our own reader, because the packaged ones lose what compare must not: 64-bit
 * counts become signed or floating, and values have no place in the file.
 */
#ifndef KV_SIM_JSON_H
#define KV_SIM_JSON_H

#include "in/pool.h"
#include "in/text.h"

enum kv_json_kind {
	KV_JSON_NULL,
	KV_JSON_FALSE,
	KV_JSON_TRUE,
	KV_JSON_NUMBER, /* text: as it stands */
	KV_JSON_STRING, /* text: decoded, UTF-8 */
	KV_JSON_LIST,
	KV_JSON_OBJECT
};

/* A value; lists and objects hold theirs in order. */
struct kv_json {
	enum kv_json_kind kind;
	const char *key;  /* of a member of an object, else NULL */
	const char *text; /* NUMBER, STRING */
	struct kv_json *child, *next;
	unsigned line, column; /* of its first character, from 1 */
};

/*
 * Parse a text as RFC 8259 has it, at most 64 levels deep; a key that comes
 * twice is an error.  All comes from the pool.
 * => the outermost value; NULL with one entry in *errors
 */
const struct kv_json *kv_json_parse(
    const struct kv_text *text, struct kv_pool *pool, struct kv_errors *errors);

/* The member of that key, or NULL (also when it is no object). */
const struct kv_json *kv_json_get(
    const struct kv_json *object, const char *key);

#endif
