/* SPDX-License-Identifier: BSD-2-Clause */
/* hint.h - "did you mean ...?" for words that are not known */
#ifndef KV_SIM_HINT_H
#define KV_SIM_HINT_H

#include <stddef.h>

/*
 * The name nearest to word, as long as at most a third of it has to be typed
 * anew; the first of several.
 * => one of names, or NULL when none is near
 */
const char *kv_hint_find(
    const char *word, const char *const *names, size_t count);

#endif
