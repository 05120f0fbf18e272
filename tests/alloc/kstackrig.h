/* SPDX-License-Identifier: BSD-2-Clause */
/* kstackrig.h - kernel stacks under test, on memory and reservations */
#ifndef KV_TEST_KSTACKRIG_H
#define KV_TEST_KSTACKRIG_H

#include "alloc/kv.h"
#include "kvtest.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE UINT64_C(0x1000)

struct rig {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_reserv *rv;
	struct kv_kstack *ks;
	kv_va_t origin;
	unsigned faults; /* KV_KSTACK_..., before it is opened */
};

/* What a rig is made of. */
struct make {
	enum kv_kstack_scheme scheme;
	unsigned npages, gpages, ndomains;
	uint64_t first_kva; /* bytes */
	uint64_t megabytes; /* of each domain */
	bool returned;
	uint64_t import_quantum; /* bytes */
	enum kv_domainset_policy domains;
	enum kv_domainset_iterator iterator;
};

/* => 0 or what failed; rig_close undoes either */
static inline int
rig_try(struct rig *rig, const struct make *make)
{
	struct kv_phys_range ranges[3];
	struct kv_phys_config pc = {.machine = kv_machine_find("amd64"),
	    .ranges = ranges,
	    .nranges = make->ndomains,
	    .ndomains = make->ndomains,
	    .host = &rig->host};
	struct kv_reserv_config rc = {.host = &rig->host};
	struct kv_kstack_config kc = {.machine = pc.machine,
	    .host = &rig->host,
	    .scheme = make->scheme,
	    .npages = make->npages,
	    .gpages = make->gpages,
	    .ndomains = make->ndomains,
	    .first_kva = make->first_kva,
	    .returned = make->returned,
	    .import_quantum = make->import_quantum,
	    .domains = make->domains,
	    .iterator = make->iterator,
	    .faults = rig->faults};
	int error;

	for (unsigned i = 0; i < make->ndomains; i++)
		ranges[i] =
		    (struct kv_phys_range){16 * MIB + i * make->megabytes * MIB,
			16 * MIB + (i + 1) * make->megabytes * MIB, i};
	rig->origin = pc.machine->kva_start;
	error = kv_phys_create(&pc, &rig->phys);
	if (error != 0)
		return error;
	rc.phys = kc.phys = rig->phys;
	error = kv_reserv_create(&rc, &rig->rv);
	if (error != 0)
		return error;
	kc.reserv = rig->rv;
	return kv_kstack_create(&kc, &rig->ks);
}

static inline void
rig_open(struct rig *rig, const struct make *make)
{
	*rig = (struct rig){0};
	kv_host_libc(&rig->host);
	ck_assert_int_eq(rig_try(rig, make), 0);
}

/* Two domains of 2 MiB, 512 pages each, and what is to go wrong. */
static inline void
rig_small(struct rig *rig, enum kv_kstack_scheme scheme, unsigned gpages,
    unsigned faults)
{
	struct make make = {
	    scheme, 4, gpages, 2, 0, 2, false, 0, 0, KV_DOMAINSET_NEW};

	*rig = (struct rig){.faults = faults};
	kv_host_libc(&rig->host);
	ck_assert_int_eq(rig_try(rig, &make), 0);
}

static inline void
rig_check(const struct rig *rig)
{
	struct kv_diag diag = {.module = "?", .text = "no memory to check"};

	ck_assert_msg(kv_kstack_check(rig->ks, &diag) == 0 &&
			  kv_reserv_check(rig->rv, &diag) == 0 &&
			  kv_phys_check(rig->phys, &diag) == 0,
	    "%s I%u at %llx: %s", diag.module, diag.invariant,
	    (unsigned long long)diag.address, diag.text);
}

static inline void
rig_close(struct rig *rig)
{
	kv_kstack_destroy(rig->ks);
	if (rig->rv != NULL)
		kv_reserv_destroy(rig->rv);
	if (rig->phys != NULL)
		kv_phys_destroy(rig->phys);
	ck_assert_uint_eq(rig->host.bytes, 0);
}

static inline uint64_t
free_pages(const struct rig *rig)
{
	return kv_phys_stats(rig->phys).free_pages;
}

static inline struct kv_stack
spawn(struct rig *rig, unsigned domain)
{
	struct kv_stack s = {0};

	ck_assert_int_eq(kv_stack_create(rig->ks, 0, domain, &s), 0);
	return s;
}

static inline void
dispose(struct rig *rig, const struct kv_stack *s)
{
	struct kv_diag diag = {.text = "no diagnosis"};

	ck_assert_msg(
	    kv_stack_dispose(rig->ks, s, &diag) == 0, "%s", diag.text);
}

/* I10: no stack, no chunk, no page. */
static inline void
is_drained(const struct rig *rig)
{
	rig_check(rig);
	ck_assert_uint_eq(kv_kstack_stats(rig->ks).live, 0);
	ck_assert_uint_eq(kv_object_resident(kv_kstack_object(rig->ks)), 0);
	ck_assert_uint_eq(
	    kv_phys_stats(rig->phys).free_pages, kv_phys_pages(rig->phys));
	ck_assert_uint_eq(kv_reserv_stats(rig->rv).populated, 0);
	for (unsigned i = 2; kv_kstack_arena(rig->ks, i) != NULL; i += 2)
		ck_assert_uint_eq(
		    kv_vmem_stats(kv_kstack_arena(rig->ks, i)).size, 0);
}

#endif
