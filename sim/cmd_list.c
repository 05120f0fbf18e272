/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_list.c - kvasir list: tables of what works, one line of meaning each */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "hw/tlb.h"
#include "out/emit.h"
#include "out/hint.h"
#include "out/log.h"
#include "run/plant.h"
#include "run/policy.h"

static void
list_metrics(struct kv_buf *b)
{
	size_t count, i;
	const struct kv_metric_decl *rows = kv_metric_table(&count);

	kv_buf_printf(b, "%-26s %-13s %s\n", "METRIC", "UNIT", "MEANING");
	for (i = 0; i < count; i++)
		kv_buf_printf(b, "%-26s %-13s %s\n", rows[i].name,
		    rows[i].unit[0] != '\0' ? rows[i].unit : "-",
		    rows[i].about);
}

static void
list_policies(struct kv_buf *b)
{
	size_t count, i;
	const struct kv_policy *rows = kv_policy_table(&count);

	kv_buf_printf(b, "%-16s %s\n", "POLICY", "MEANING");
	for (i = 0; i < count; i++)
		kv_buf_printf(b, "%-16s %s; era %s\n", rows[i].name,
		    rows[i].about, rows[i].era);
}

static void
list_machines(struct kv_buf *b)
{
	size_t count, i;
	const struct kv_machine *rows = kv_machine_table(&count);

	kv_buf_printf(b, "%-12s %s\n", "MACHINE", "MEANING");
	for (i = 0; i < count; i++)
		kv_buf_printf(b, "%-12s %s\n", rows[i].name, rows[i].about);
}

static void
list_tlbs(struct kv_buf *b)
{
	size_t count, i;
	const struct kv_tlb_config *rows = kv_tlb_table(&count);

	kv_buf_printf(b, "%-16s %s\n", "TLB", "MEANING");
	for (i = 0; i < count; i++)
		kv_buf_printf(b, "%-16s %s\n", rows[i].name, rows[i].about);
}

static void
list_faults(struct kv_buf *b)
{
	size_t count, i;
	const struct kv_plant_row *rows = kv_plant_table(&count);

	kv_buf_printf(b, "%-12s %s\n", "FAULT", "MEANING; SOURCE; CAUGHT BY");
	for (i = 0; i < count; i++)
		kv_buf_printf(b, "%-12s %s; %s; %s\n", rows[i].id,
		    rows[i].about, rows[i].source, rows[i].caught);
}

static const struct {
	const char *id, *about;
} invariants[] = {
#define X(id, about) {id, about},
#include "run/invariants.def"
#include "run/claims.def"
#undef X
};

static void
list_invariants(struct kv_buf *b)
{
	size_t i;

	kv_buf_printf(b, "%-12s %s\n", "INVARIANT", "MEANING");
	for (i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++)
		kv_buf_printf(
		    b, "%-12s %s\n", invariants[i].id, invariants[i].about);
}

static const struct {
	const char *name;
	void (*list)(struct kv_buf *b);
} tables[] = {{"metrics", list_metrics}, {"policies", list_policies},
    {"faults", list_faults}, {"invariants", list_invariants},
    {"machines", list_machines}, {"tlbs", list_tlbs}};

enum { NTABLES = sizeof(tables) / sizeof(tables[0]) };

int
kv_cmd_list(const struct kv_opts *opts)
{
	const char *what = opts->operands[0], *names[NTABLES], *hint;
	struct kv_buf b = {0};
	size_t i;

	for (i = 0; i < NTABLES; i++) {
		names[i] = tables[i].name;
		if (strcmp(what, names[i]) == 0)
			break;
	}
	if (i == NTABLES) {
		hint = kv_hint_find(what, names, NTABLES);
		kv_log_error("list: no table \"%s\"%s%s%s", what,
		    hint != NULL ? "; did you mean \"" : "",
		    hint != NULL ? hint : " (metrics, policies, ...)",
		    hint != NULL ? "\"?" : "");
		return KV_EXIT_USAGE;
	}
	tables[i].list(&b);
	fwrite(b.data, 1, b.size, stdout);
	kv_buf_fini(&b);
	return KV_EXIT_OK;
}
