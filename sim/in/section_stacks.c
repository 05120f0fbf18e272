/* SPDX-License-Identifier: BSD-2-Clause */
/* section_stacks.c - steps on kernel stacks, checked */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "in/lex.h"
#include "in/work_parts.h"

const struct kv_node *
kv_step_at(const struct kv_reading *r, const char *key)
{
	const struct kv_node *node = kv_map_get(r->map, key);

	return node != NULL ? node : r->key;
}

int
kv_step_check_name(
    struct kv_reading *r, const char *what, struct kv_names *names)
{
	size_t i;

	if (r->args.name == NULL)
		return 0;
	if (!kv_is_name(r->args.name, strlen(r->args.name)))
		return kv_load_refuse(r->ld, kv_step_at(r, "as"),
		    "'%.40s' cannot name %s (letters, digits and _)",
		    r->args.name, what);
	kv_names_add(names, r->args.name, &i);
	return 0;
}

/* ---- Kernel stacks --------------------------------------------------- */

static int
need_kstacks(struct kv_reading *r)
{
	if (r->ld->sc->kstacks.present)
		return 0;
	return kv_load_refuse(r->ld, r->key,
	    "'%s' needs kernel stacks: the section 'kstacks' is missing",
	    r->key->text);
}

/* dispose, churn, and what all of them need: a CPU that is there. */
int
kv_step_check_stacks(struct kv_reading *r)
{
	const struct kv_scenario *sc = r->ld->sc;

	if (need_kstacks(r) != 0)
		return EINVAL;
	if (r->args.cpu != KV_ANYWHERE && r->args.cpu >= sc->ncpus)
		return kv_load_refuse(r->ld, kv_step_at(r, "cpu"),
		    "CPU %" PRIu64 " is not there: the machine has %u",
		    r->args.cpu, sc->ncpus);
	return 0;
}

/* A count, or one stack that has a name. */
static int
check_count(struct kv_reading *r)
{
	if (r->args.count == 0 && r->args.name == NULL)
		return kv_load_refuse(r->ld, r->map, "key 'count' is missing");
	if (r->args.count > 1 && r->args.name != NULL)
		return kv_load_refuse(
		    r->ld, kv_step_at(r, "count"), "a name is for one stack");
	r->args.count = r->args.count == 0 ? 1 : r->args.count;
	return 0;
}

static int
check_domain(struct kv_reading *r)
{
	unsigned ndomains = r->ld->sc->ndomains;

	if (r->args.domain == KV_ANYWHERE || r->args.domain < ndomains)
		return 0;
	return kv_load_refuse(r->ld, kv_step_at(r, "domain"),
	    "domain %" PRIu64 " is not there: the machine has %u",
	    r->args.domain, ndomains);
}

/* A stack that a step above creates. */
int
kv_step_check_dispose(struct kv_reading *r)
{
	size_t i;

	if (kv_step_check_stacks(r) != 0 || check_count(r) != 0)
		return EINVAL;
	if (r->args.name == NULL ||
	    kv_names_find(&r->ld->stacks, r->args.name, &i))
		return 0;
	return kv_load_unknown(r->ld, kv_step_at(r, "name"), "stack",
	    r->args.name, r->ld->stacks.list, r->ld->stacks.count);
}

int
kv_step_check_spawn(struct kv_reading *r)
{
	const struct kv_scenario *sc = r->ld->sc;

	if (kv_step_check_stacks(r) != 0 || check_count(r) != 0 ||
	    kv_step_check_name(r, "a stack", &r->ld->stacks) != 0)
		return EINVAL;
	if (r->args.pages > sc->machine->kstack_max)
		return kv_load_refuse(r->ld, kv_step_at(r, "pages"),
		    "stacks of %" PRIu64 " pages: the machine has at most %u",
		    r->args.pages, sc->machine->kstack_max);
	return check_domain(r);
}

/* Nothing is reserved without kernel stacks or objects. */
int
kv_step_check_reclaim(struct kv_reading *r)
{
	if (!r->ld->sc->kstacks.present && !r->ld->sc->paging)
		return kv_load_refuse(r->ld, r->key,
		    "'reclaim' needs what has reservations: kernel stacks or "
		    "objects");
	return check_domain(r);
}
