/* zone: a time zone's file (TZif, RFC 8536, versions 1 to 4), and what the local clock shows at a moment. */
#ifndef AK_ZONE_H
#define AK_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Where the system keeps them. TZ and TZDIR are never asked. */
#define ZONE_DIR "/usr/share/zoneinfo"

/* What the local clock and calendar show. */
struct moment {
	bool known; /* false: nothing below counts, and what asks is undefined */
	uint8_t weekday; /* 0 Monday to 6 Sunday */
	uint16_t minute; /* of the day, 0 to 1439 */
	int32_t date; /* days since 1970-01-01 */
};

#define MOMENT_UNKNOWN ((struct moment){.known = false})

/*
 * A name as the IANA data base has them ("Europe/Berlin", "Etc/GMT+5"):
 * letters, digits, `_`, `-` and `+`, parts between single slashes, no dot, at
 * most 63 characters. Not those that mean another clock (right/…, posix/…),
 * or whatever this host is set to (localtime, posixrules).
 */
#define ZONE_NAME_MAX 63
bool zone_is_name(const char *s);

struct zone;

/*
 * Read one from bytes. Every count and offset is checked; files that count
 * leap seconds are refused. AK_ERR_CORRUPT or AK_ERR_NOMEM. The bytes may go
 * when it returns. Free *out with zone_free.
 */
enum ak_err zone_parse(const void *bytes, size_t len_b, struct zone **out) AK_MUST_CHECK;

/*
 * DIR/NAME; UTC needs no file. Links are followed (Debian's zones are partly
 * links); what is at their end must be a regular file of at most 1 MiB that
 * group and others cannot write. AK_ERR_INVALID: no name of a zone;
 * AK_ERR_NOT_FOUND: no such file; AK_ERR_UNSAFE, AK_ERR_UNAVAILABLE,
 * AK_ERR_CORRUPT, AK_ERR_NOMEM.
 */
enum ak_err zone_load(const char *dir, const char *name, struct zone **out) AK_MUST_CHECK;
void zone_free(struct zone **z);

/* Seconds east of UTC at t (seconds since the epoch). */
int32_t zone_offset(const struct zone *z, int64_t t);

/* Unknown outside years 1 to 9999. */
struct moment zone_moment(const struct zone *z, int64_t t);

#endif
