/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_machine.c - kvasir machine: what this host can stand in with */
#include <stdio.h>

#include "cmd.h"
#include "hw/mmu.h"
#include "out/emit.h"
#include "out/log.h"

/* What KVM answered. */
struct answer {
	int error;
	const char *reason; /* of an error */
	struct kv_mmu_caps caps;
};

static const char *
ring(bool native)
{
	return native ? "native" : "emulated";
}

/* What a KVM has that one would not expect, or what its figures mean. */
static void
put_quirks(const struct kv_mmu_caps *c, struct kv_buf *b)
{
	const struct {
		bool holds;
		const char *text;
	} rows[] = {
	    {!c->cpl0_native,
		"CPL 0 runs in an emulator: pages are touched at CPL 3"},
	    {!c->cpl3_native, "CPL 3 runs in an emulator: everything is slow"},
	    {!c->host_coherent,
		"edits of page tables by the host stay unseen: the guest makes "
		"them"},
	    {c->bad_slot_256,
		"CPL 3 meets false faults in the lowest root slot of the upper "
		"half: refused there"},
	    {c->stats && c->leaf_guest,
		"a large leaf counts where guest and host both have one"},
	    {c->stats && !c->leaf_guest,
		"leaves are counted as the host has them, whatever the guest "
		"has"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].holds)
			kv_buf_printf(b, "quirk         %s\n", rows[i].text);
}

static void
put_text(const struct answer *a, struct kv_buf *b)
{
	const struct kv_mmu_caps *c = &a->caps;

	kv_buf_printf(
	    b, "model   yes   every machine of `kvasir list machines`\n");
	if (a->error != 0) {
		kv_buf_printf(b, "kvm     no    %s\n", a->reason);
		return;
	}
	kv_buf_printf(b,
	    "kvm     yes   kind=%s paging=%s cpl0=%s cpl3=%s gb=%d la57=%d "
	    "coherent=%d stats=%d\n",
	    c->kind, c->paging, ring(c->cpl0_native), ring(c->cpl3_native),
	    c->gb_pages, c->la57, c->host_coherent, c->stats);
	put_quirks(c, b);
}

/* Keys in the order of the alphabet, as in all reports. */
static void
put_json(const struct answer *a, struct kv_buf *b)
{
	const struct kv_mmu_caps *c = &a->caps;
	struct kv_emit e;

	kv_emit_init(&e, b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_open(&e, "kvm", '{');
	kv_emit_uint(&e, "available", a->error == 0);
	if (a->error != 0) {
		kv_emit_text(&e, "reason", a->reason);
	} else {
		kv_emit_uint(&e, "bad_slot_256", c->bad_slot_256);
		kv_emit_uint(&e, "coherent", c->host_coherent);
		kv_emit_text(&e, "cpl0", ring(c->cpl0_native));
		kv_emit_text(&e, "cpl3", ring(c->cpl3_native));
		kv_emit_uint(&e, "gb", c->gb_pages);
		kv_emit_text(&e, "kind", c->kind);
		kv_emit_uint(&e, "la57", c->la57);
		kv_emit_uint(&e, "leaf_guest", c->leaf_guest);
		kv_emit_text(&e, "paging", c->paging);
		kv_emit_uint(&e, "stats", c->stats);
	}
	kv_emit_close(&e, '}');
	kv_emit_open(&e, "model", '{');
	kv_emit_uint(&e, "available", 1);
	kv_emit_close(&e, '}');
	kv_emit_close(&e, '}');
}

int
kv_cmd_machine(const struct kv_opts *opts)
{
	struct answer a = {0};
	struct kv_buf b = {0};

	a.error = kv_mmu_kvm_probe("/dev/kvm", &a.caps, &a.reason);
	if (opts->format == KV_FORMAT_JSON)
		put_json(&a, &b);
	else
		put_text(&a, &b);
	fwrite(b.data, 1, b.size, stdout);
	kv_buf_fini(&b);
	if (a.error == 0 || !opts->require_kvm)
		return KV_EXIT_OK;
	kv_log_error("machine: no KVM: %s", a.reason);
	return KV_EXIT_FAILED;
}
