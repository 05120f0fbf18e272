/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_whatis.c - kvasir whatis SCENARIO ADDRESS...: what addresses are */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "out/log.h"
#include "out/mem.h"
#include "out/report_whatis.h"

/* All of them, before anything is run. */
static int
parse(const struct kv_opts *opts, uint64_t *addresses)
{
	size_t i;

	for (i = 1; i < opts->noperands; i++)
		if (!kv_opts_number(opts->operands[i], &addresses[i])) {
			kv_log_error("whatis: %s: expected an address",
			    opts->operands[i]);
			return KV_EXIT_USAGE;
		}
	return 0;
}

static void
print(const struct kv_run *run, const uint64_t *addresses, size_t count)
{
	struct kv_buf b = {0};
	size_t i;

	for (i = 1; i < count; i++)
		kv_report_whatis(run, addresses[i], &b);
	fwrite(b.data, 1, b.size, stdout);
	kv_buf_fini(&b);
}

int
kv_cmd_whatis(const struct kv_opts *opts)
{
	uint64_t *addresses =
	    kv_mem_resize(NULL, opts->noperands, sizeof(*addresses));
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	struct kv_run *run = NULL;
	const struct kv_run_config cfg = {
	    .seed = opts->seed, .audit = opts->audit};
	int status = parse(opts, addresses);

	if (status == 0)
		status = kv_scenario_load(opts->operands[0], opts->defines,
			     opts->ndefines, &sc, &errors) == 0 &&
				 kv_run_execute(sc, &cfg, &run, &errors) == 0
			     ? KV_EXIT_OK
			     : KV_EXIT_USAGE;
	if (status == 0)
		print(run, addresses, opts->noperands);
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_run_free(run);
	kv_scenario_free(sc);
	kv_mem_free(addresses);
	return status;
}
