/* SPDX-License-Identifier: BSD-2-Clause */
/* ops_phys.c - operations on pages, and on the model that knows each of them */
#define KV_MODEL_PAGES (1 << 11)
#define KV_MODEL_PINDEXES (1 << 10)
#include "fuzz.h"
#include "prop/physops.h"

enum { OPS_MAX = 200 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig rig;
	const struct setup *su;

	fuzz_start();
	if (size == 0)
		return -1;
	/* Those that are quick to compare. */
	su = &setups[data[0] % 4];
	rig_open(&rig, su, 0);
	model_boot(rig.md, su->ndomains);
	rig.at = data + 1;
	rig.end = data + size;
	for (; rig.step < OPS_MAX && rig.at < rig.end; rig.step++)
		step(&rig);
	same(&rig);
	rig_close(&rig);
	return 0;
}
