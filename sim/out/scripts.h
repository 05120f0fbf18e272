/* SPDX-License-Identifier: BSD-2-Clause */
/* scripts.h - the scripts of plots/, which the program carries */
#ifndef KV_SIM_SCRIPTS_H
#define KV_SIM_SCRIPTS_H

#include <stddef.h>

/*
 * A file of plots/, as the build found it.  The table is generated, so that
 * the program finds its scripts wherever it is installed.
 */
struct kv_plot_script {
	const char *name; /* "pindex.gp" */
	const unsigned char *data;
	size_t size;
};
extern const struct kv_plot_script kv_plot_scripts[];
extern const size_t kv_plot_nscripts;

#endif
