/* SPDX-License-Identifier: BSD-2-Clause */
/* once.c - one scenario, from its file to a run that is judged */
#include "run/once.h"

#include <string.h>

#include "hw/jail.h"
#include "out/log.h"
#include "run/plant.h"

/* Does the scenario map anything? */
static bool
maps(const struct kv_scenario *sc)
{
	return sc->kstacks.present || sc->paging;
}

/* The machines that the run is held against. */
static int
open_machines(const struct kv_once_config *cfg, struct kv_once *o)
{
	const struct kv_scenario *sc = o->sc;
	struct kv_verify_config verify = {.seed = cfg->run.seed,
	    .huge = sc->huge,
	    .twin = kv_verify_model,
	    .real = cfg->run.kvm ? kv_mmu_kvm_open : NULL,
	    .plants = sc->plants};
	const struct kv_pte_format *format = kv_pte_find(sc->machine->name);

	kv_verifier_create(&verify, &o->verifier);
	if (!cfg->run.kvm || !maps(sc))
		return 0;
	if (sc->nspaces != 0)
		format = sc->spaces[0].format;
	return kv_verifier_open(o->verifier, format, &o->reason);
}

/* The machines are open: nothing new is needed. */
static void
shut_in(void)
{
	int error = kv_jail_close();

	if (error != 0)
		kv_log_info(
		    "system calls are not filtered here: %s", strerror(error));
}

int
kv_once_run(const struct kv_once_config *cfg, struct kv_once *o,
    struct kv_errors *errors)
{
	const struct kv_given given = {.defines = cfg->defines,
	    .ndefines = cfg->ndefines,
	    .inject = cfg->inject,
	    .sound = cfg->sound};
	struct kv_run_config run = cfg->run;
	int error = kv_scenario_load_given(
	    cfg->text, cfg->path, &given, &o->sc, errors);

	if (error == 0)
		error = open_machines(cfg, o);
	if (error != 0)
		return error;
	if (cfg->run.kvm)
		shut_in();
	if (cfg->ready != NULL)
		cfg->ready(cfg->arg, o->sc);
	run.verifier = o->verifier;
	/* The sound twin of a run is held against machines as that is. */
	run.verify = run.kvm || kv_plants_in_machine(&o->sc->own) ||
		     kv_plants_in_machine(&o->sc->plants);
	return kv_run_execute(o->sc, &run, &o->run, errors);
}

void
kv_once_fini(struct kv_once *o)
{
	kv_run_free(o->run);
	kv_verifier_destroy(o->verifier);
	kv_scenario_free(o->sc);
	*o = (struct kv_once){0};
}
