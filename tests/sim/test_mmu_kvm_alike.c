/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm_alike.c - all machines told the same, at random */
#include "mmurig.h"

/* ---- Both ------------------------------------------------------------ */

static uint64_t seed = 20240617;

static unsigned
draw(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

enum { REGIONS = 3, SPACE = REGIONS * ENTRIES };

/* One edit, the same for both.  => its result */
static int
random_edit(struct kv_mmu *m, unsigned kind, unsigned page, unsigned n,
    unsigned frame, unsigned attr)
{
	kv_va_t va = BASE + (kv_va_t)page * PAGE;

	switch (kind) {
	case 0:
	case 1:
		return m->ops->map(m, va, (kv_pa_t)frame * PAGE, 0, n, attr);
	case 2:
		va -= va % BIG;
		return m->ops->map(m, va, (kv_pa_t)frame % 8 * BIG, 1, 1, attr);
	case 3:
		return m->ops->unmap(m, va, (uint64_t)n * PAGE);
	case 4:
		return m->ops->protect(m, va, (uint64_t)n * PAGE, attr);
	case 5:
		return m->ops->promote(m, va);
	default:
		return m->ops->demote(m, va);
	}
}

/* Everything that both can be asked. */
static void
compare(struct kv_mmu *const m[MACHINES], enum kv_access access)
{
	static struct kv_fault found[MACHINES][SPACE];
	static kv_va_t list[SPACE];
	struct kv_leaf l[MACHINES];
	size_t n[MACHINES], nlist = 0, i;
	int k, e[MACHINES];

	for (i = 0; i < SPACE; i++)
		if (draw(4) == 0)
			list[nlist++] = BASE + i * PAGE + draw(PAGE);
	for (k = 0; k < MACHINES; k++)
		ok(m[k]->ops->touch(
		    m[k], access, list, nlist, found[k], SPACE, &n[k]));
	for (k = 1; k < MACHINES; k++) {
		ck_assert_uint_eq(n[0], n[k]);
		for (i = 0; i < n[0]; i++) {
			ck_assert_uint_eq(found[0][i].index, found[k][i].index);
			ck_assert_uint_eq(found[0][i].va, found[k][i].va);
			ck_assert_uint_eq(found[0][i].error & KV_FAULT_COMPARED,
			    found[k][i].error & KV_FAULT_COMPARED);
			ck_assert_uint_eq(
			    found[0][i].vector, found[k][i].vector);
		}
	}
	for (i = 0; i < SPACE; i++)
		for (k = 0; k < MACHINES; k++) {
			e[k] =
			    m[k]->ops->translate(m[k], BASE + i * PAGE, &l[k]);
			ck_assert_int_eq(e[0], e[k]);
			if (e[0] != 0)
				continue;
			ck_assert_uint_eq(l[0].va, l[k].va);
			ck_assert_uint_eq(l[0].pa, l[k].pa);
			ck_assert_uint_eq(l[0].level, l[k].level);
			ck_assert_uint_eq(l[0].attr, l[k].attr);
		}
}

START_TEST(test_alike)
{
	enum { STEPS = 40 };
	static const unsigned attrs[] = {
	    0, KV_PTE_W, KV_PTE_W | KV_PTE_G, KV_PTE_W | KV_PTE_X | KV_PTE_U};
	static const unsigned start[] = {0, 0, KV_PTE_A, KV_PTE_A | KV_PTE_M};
	struct kv_mmu *m[MACHINES];
	unsigned step, edits;
	int k;

	for (k = 0; k < MACHINES; k++)
		m[k] = machine(k, false);
	use(m[KVM]);
	for (step = 0; step < STEPS; step++) {
		for (edits = draw(12); edits != 0; edits--) {
			unsigned kind = draw(7),
				 attr = attrs[draw(4)] | start[draw(4)];
			unsigned page = draw(SPACE), frame = draw(4 * SPACE);
			unsigned n = draw(4) == 0 ? ENTRIES : 1 + draw(20);
			int e[MACHINES];

			if (n == ENTRIES) /* as promotion wants it */
				page -= page % ENTRIES,
				    frame -= frame % ENTRIES;
			if (n > SPACE - page)
				n = SPACE - page;
			for (k = 0; k < MACHINES; k++)
				e[k] = random_edit(
				    m[k], kind, page, n, frame, attr);
			for (k = 1; k < MACHINES; k++)
				ck_assert_msg(e[0] == e[k],
				    "step %u, edit %u: %s and %s", step, kind,
				    strerror(e[0]), strerror(e[k]));
		}
		for (k = 0; k < MACHINES; k++)
			ok(m[k]->ops->commit(m[k]));
		compare(m, draw(3));
		for (k = 0; k < MACHINES; k++) {
			struct tally t = {0};

			if (step % 5 == 4)
				m[k]->ops->harvest(m[k], BASE,
				    BASE + 700 * PAGE, true, tally, &t);
		}
	}
	for (k = 0; k < MACHINES; k++)
		m[k]->ops->close(m[k]);
}
END_TEST

int
main(void)
{
	const struct rig_test real[] = {{"alike", test_alike}};

	return rig_main(NULL, 0, real, sizeof(real) / sizeof(real[0]));
}
