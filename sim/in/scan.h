/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.h - reading numbers and blanks from a line of a trace, by hand */
#ifndef KV_SIM_SCAN_H
#define KV_SIM_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * sscanf and strtoull are several times slower than the work on an event, and
 * accept signs, blanks and octal; so lines are read with these.  Each moves
 * *p, never past end, and only when it succeeds.
 */

static inline const char *
kv_scan_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* A decimal number of at least one digit, at most max. */
static inline bool
kv_scan_uint(const char **p, const char *end, uint64_t max, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (s == *p)
		return false;
	*p = s;
	*value = v;
	return true;
}

/* SECONDS[.FRACTION] -> nanoseconds; digits past the ninth are dropped. */
static inline bool
kv_scan_seconds(const char **p, const char *end, uint64_t *nsec)
{
	const char *s = *p;
	uint64_t v, unit = 100000000;

	if (!kv_scan_uint(&s, end, UINT64_MAX / 1000000000 - 1, &v))
		return false;
	v *= 1000000000;
	if (end - s > 1 && *s == '.' && s[1] >= '0' && s[1] <= '9')
		for (s++; s < end && *s >= '0' && *s <= '9'; s++) {
			v += (uint64_t)(*s - '0') * unit;
			unit /= 10;
		}
	*p = s;
	*nsec = v;
	return true;
}

#endif
