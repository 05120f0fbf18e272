/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_verify.c - steps that hold what is mapped against machines */
#include "run/runner_parts.h"

/* The first disagreement is a violation; what comes after may follow of it. */
static void
judge(struct kv_runner *r, int error)
{
	struct kv_diag diag;

	if (error == 0 || r->disputed)
		return;
	r->disputed = true;
	kv_verifier_dispute(r->run->cfg.verifier, &diag);
	kv_run_violate(r->run, &diag);
}

static void
verify(struct kv_runner *r, const struct kv_verify_point *point)
{
	struct kv_run *run = r->run;

	r->verified = run->ops + 1;
	judge(r, kv_verify_point(run->cfg.verifier, run->world, point));
}

int
kv_step_verify(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_verify_step *s = step->verify;
	const struct kv_verify_point point = {
	    .guards = s->guards == 0 ? KV_VERIFY_GUARDS : s->guards,
	    .read = s->access == KV_ACCESSES_READ,
	    .write = s->access == KV_ACCESSES_WRITE};

	if (r->run->cfg.verifier == NULL || r->run->world == NULL)
		return 0;
	verify(r, &point);
	if (s->name != NULL)
		kv_verifier_measure_leaves(
		    r->run->cfg.verifier, s->name, &r->run->metrics);
	return 0;
}

int
kv_step_overflow(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_run *run = r->run;

	if (run->cfg.verifier != NULL)
		judge(r, kv_verify_overflow(run->cfg.verifier, run->world,
			     step->count, step->verify->size));
	return 0;
}

void
kv_runner_verify_end(struct kv_runner *r)
{
	const struct kv_verify_point point = {.guards = KV_VERIFY_GUARDS};
	struct kv_run *run = r->run;

	/* What broke unforeseen needs no machine to show it. */
	if (run->cfg.verify && run->world != NULL && !r->panicked &&
	    run->unexpected == 0 && r->verified != run->ops + 1)
		verify(r, &point);
}
