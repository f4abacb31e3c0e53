/* audit: one logfmt line for each decision and change: quoted, capped, never a secret. */
#ifndef AK_AUDIT_H
#define AK_AUDIT_H

#include <stdint.h>

#include "text.h"

/* Room for every field that one line has, each at its longest: no value can push another out. */
#define AUDIT_LINE_CAP 6144
#define AUDIT_VALUE_MAX_B 256

struct audit {
	char line[AUDIT_LINE_CAP];
	struct text text;
};

void audit_start(struct audit *a, const char *event);

/*
 * ` name=value`; nothing when value is NULL or "". Quoted when it is not plain;
 * control bytes, quotes and backslashes as \xNN, \" and \\; cut after
 * AUDIT_VALUE_MAX_B bytes of that with `...`. From what looks like a token on
 * (its prefix in any case, or a secret's length of letters and digits) it is
 * `(redacted)`, wherever it stands: people type tokens as user names.
 */
void audit_add(struct audit *a, const char *name, const char *value);
void audit_add_number(struct audit *a, const char *name, uint64_t value);

#endif
