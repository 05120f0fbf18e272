/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_enter.c - the step enter: a CPU goes from space to space */
#include "run/runner_parts.h"

static void
touch_image(struct kv_runner *r, const struct kv_image *image, uint64_t times)
{
	uint64_t page = kv_machine_page_size(r->run->sc->machine);

	for (uint64_t i = 0; i < times; i++)
		for (uint64_t k = 0; k < image->npages; k++)
			kv_runner_touch(
			    r, image->tag, image->va + k * page, false);
}

int
kv_step_enter(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_enter_step *s = step->enter;

	for (size_t i = 0; i < s->nspaces; i++) {
		unsigned space = s->spaces[i];
		const struct kv_space_spec *spec = &r->run->sc->spaces[space];
		struct kv_image image = {
		    space, spec->image_key, spec->image_va, spec->image_pages};

		if (kv_runner_planted(r, KV_PLANT_NUB_F5))
			image.key = 0;
		kv_runner_begin(r, step->kind);
		if (r->residents != NULL)
			r->run->op.error =
			    kv_residents_enter(r->residents, space);
		kv_cpus_enter(r->run->cpus, &image);
		touch_image(r, &image, s->touches);
		kv_runner_end(r, false);
	}
	return 0;
}
