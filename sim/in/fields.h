/* SPDX-License-Identifier: BSD-2-Clause */
/* fields.h - the keys of a map as a table; typed values with their place */
#ifndef KV_SIM_FIELDS_H
#define KV_SIM_FIELDS_H

#include "in/param.h"

/* A loop whose body is read. */
struct kv_loop_scope {
	const struct kv_loop_scope *outer; /* NULL: none */
	const char *name;
};

/* A scenario while it is read. */
struct kv_load {
	struct kv_scenario *sc;
	struct kv_errors *errors;
	struct kv_params params;
	struct kv_names arenas;		     /* in order of sc->arenas */
	struct kv_names blocks;		     /* that a step allocates */
	struct kv_names stacks;		     /* that a step creates */
	struct kv_names points;		     /* verifications with a name */
	struct kv_names objects;	     /* in order of sc->objects */
	struct kv_names spaces;		     /* in order of sc->spaces */
	struct kv_names tlb_arrays;	     /* in order of sc->tlb->arrays */
	struct kv_names actors;		     /* in order of sc->actors */
	struct kv_names regions;	     /* of layout, absent ones too */
	struct kv_names segments;	     /* of image, absent ones too */
	bool arenas_good;		     /* their section has no error */
	const struct kv_node *memory;	     /* of the machine; may be NULL */
	const struct kv_node *root;	     /* the file's */
	const struct kv_node *param;	     /* the section; may be NULL */
	const struct kv_node *const *values; /* as kv_scenario_read has them */
	const struct kv_define *defines;
	size_t ndefines;
	struct kv_names pools;		   /* in order of sc->pools */
	struct kv_names loops;		   /* that stand above, open or not */
	const struct kv_loop_scope *scope; /* the innermost that is open */
	uint64_t times;			   /* product of all that are open */
};

enum kv_field_kind {
	KV_FIELD_UINT,	 /* uint64_t: an expression, min..max */
	KV_FIELD_BOOL,	 /* bool: yes, no, on, off, true, false, 1, 0 */
	KV_FIELD_CHOICE, /* unsigned: index of one of words */
	KV_FIELD_WORD,	 /* const char *: a word */
	KV_FIELD_TEXT,	 /* const char *: any scalar, as it stands */
	KV_FIELD_NODE	 /* const struct kv_node *: read by the caller */
};

/* One key that a map may have.  A table of them describes the map. */
struct kv_field {
	const char *key;
	enum kv_field_kind kind;
	size_t offset; /* of the value in the caller's struct */
	bool required;
	uint64_t min, max;	  /* UINT; max 0 = no limit */
	const char *const *words; /* CHOICE; ended by NULL */
};

/*
 * Read a map.  what: its name in messages; key: what its keys are called
 * ("key", "section").  Values that are not there stay as the caller preset
 * them; all errors of the map are noted.
 * => 0; EINVAL: some value is not usable
 */
int kv_fields_read(struct kv_load *ld, const struct kv_node *map,
    const char *what, const char *key, const struct kv_field *fields,
    size_t nfields, void *out);

/* Read one value, of any kind but NODE.  => 0, EINVAL */
int kv_load_value(struct kv_load *ld, const struct kv_node *node,
    const struct kv_field *field, void *out);

/* The value of a key.  => NULL: not there, or not a map */
const struct kv_node *kv_map_get(const struct kv_node *map, const char *key);

/* A list, or noted and NULL.  what: its name in messages. */
const struct kv_node *kv_load_list(
    struct kv_load *ld, const struct kv_node *node, const char *what);

/*
 * A word; one that names a parameter means the word that the parameter is.
 * => 0 and *word, which lives in the pool; EINVAL
 */
int kv_load_word(struct kv_load *ld, const struct kv_node *node,
    const char *what, const char **word);

/* Where to look when the value is wrong: the node, or behind -D when all it
 * does is name a parameter given there. */
struct kv_place kv_load_place(
    const struct kv_load *ld, const struct kv_node *node);

/* Note an error at kv_load_place.  => EINVAL */
int kv_load_refuse(struct kv_load *ld, const struct kv_node *node,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Note a word that is none of names.  => EINVAL */
int kv_load_unknown(struct kv_load *ld, const struct kv_node *node,
    const char *what, const char *word, const char *const *names, size_t count);

#endif
