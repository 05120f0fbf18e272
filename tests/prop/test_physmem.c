/* SPDX-License-Identifier: BSD-2-Clause */
/* test_physmem.c - phys, object and reserv against the page-at-a-time model */
#include "kvtest.h"
#include "prop/physops.h"

START_TEST(random_operations)
{
	const struct setup *su = &setups[_i % SETUPS];
	struct rig *rig = malloc(sizeof(*rig));

	rig_open(rig, su, 1000 + (unsigned)_i);
	model_boot(rig->md, su->ndomains);
	same(rig);
	for (rig->step = 0; rig->step < su->steps; rig->step++)
		step(rig);
	same(rig);
	rig_close(rig);
	free(rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("physical memory");
	TCase *t = tcase_create("against the model");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, random_operations, 0, SETUPS * SEEDS);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
