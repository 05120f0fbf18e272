/* SPDX-License-Identifier: BSD-2-Clause */
/* files.h - the folder that -o names */
#ifndef KV_SIM_FILES_H
#define KV_SIM_FILES_H

#include "out/emit.h"

/* Both forms of a report: report.txt and report.json; the folder is created.
 * => 0; an errno, noted in the log */
int kv_files_report(
    const char *folder, const struct kv_buf *text, const struct kv_buf *json);

/* One file into a folder that is there.  => 0; an errno, noted in the log */
int kv_files_write(
    const char *folder, const char *name, const struct kv_buf *content);

/* The name of a file without its folder, as reports give it. */
const char *kv_files_name(const char *path);

#endif
