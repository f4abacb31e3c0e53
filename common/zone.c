#include "zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calendar.h"
#include "text.h"
#include "tzrule.h"

#define ZONE_MAX_B ((size_t)1 << 20)
#define HEADER_B 44U
#define TYPE_B 6U
/* No clock is further from Greenwich (RFC 8536 wants less than 26 h). */
#define OFFSET_MAX_S (26 * 3600)

/* Changes ascend: from times[i] on, until the next, the clocks are offsets[i] east. */
struct zone {
	size_t n_changes;
	int64_t *times;
	int32_t *offsets;
	int32_t before; /* the first change */
	bool has_rule; /* for what comes after the last one */
	struct tzrule rule;
};

/* What a header says follows it. */
struct counts {
	size_t utc, standard, leap, times, types, chars;
	size_t time_b; /* the width of a moment */
	char version;
};

static uint32_t
be32_load(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
be_time(const unsigned char *p, size_t width_b)
{
	if (width_b == 4)
		return (int32_t)be32_load(p);
	return (int64_t)((uint64_t)be32_load(p) << 32 | be32_load(p + 4));
}

static bool
read_header(const unsigned char *at, size_t left_b, size_t time_b, struct counts *c)
{
	if (left_b < HEADER_B || memcmp(at, "TZif", 4) != 0 ||
	    (at[4] != '\0' && (at[4] < '2' || at[4] > '4')))
		return false;
	*c = (struct counts){.version = (char)at[4],
	    .utc = be32_load(at + 20),
	    .standard = be32_load(at + 24),
	    .leap = be32_load(at + 28),
	    .times = be32_load(at + 32),
	    .types = be32_load(at + 36),
	    .chars = be32_load(at + 40),
	    .time_b = time_b};
	/* 32-bit counts times small factors: no overflow in 64 bits. */
	_Static_assert(sizeof(size_t) >= 8 || ZONE_MAX_B < SIZE_MAX / 64, "counts fit");
	return c->utc <= ZONE_MAX_B && c->standard <= ZONE_MAX_B && c->leap <= ZONE_MAX_B &&
	       c->times <= ZONE_MAX_B && c->types <= ZONE_MAX_B && c->chars <= ZONE_MAX_B;
}

static size_t
data_size(const struct counts *c)
{
	return c->times * (c->time_b + 1) + c->types * TYPE_B + c->chars +
	       c->leap * (c->time_b + 4) + c->standard + c->utc;
}

static bool
counts_are_sound(const struct counts *c)
{
	return c->leap == 0 && c->types > 0 && c->types <= 256 && c->chars > 0 &&
	       (c->utc == 0 || c->utc == c->types) &&
	       (c->standard == 0 || c->standard == c->types);
}

static bool
read_type(const unsigned char *types, size_t i, const struct counts *c, int32_t *offset)
{
	const unsigned char *at = types + i * TYPE_B;

	*offset = (int32_t)be32_load(at);
	return *offset > -OFFSET_MAX_S && *offset < OFFSET_MAX_S && at[4] <= 1 &&
	       at[5] < c->chars;
}

/* The block behind the header that counts describe: it lies within the bytes. */
static enum ak_err
read_block(const unsigned char *at, const struct counts *c, struct zone *z)
{
	const unsigned char *index = at + c->times * c->time_b;
	const unsigned char *types = index + c->times;
	int32_t unused;

	if (!counts_are_sound(c) || !read_type(types, 0, c, &z->before))
		return AK_ERR_CORRUPT;
	for (size_t i = 0; i < c->types; i++)
		if (!read_type(types, i, c, &unused))
			return AK_ERR_CORRUPT;
	z->times = calloc(c->times + 1, sizeof(*z->times));
	z->offsets = calloc(c->times + 1, sizeof(*z->offsets));
	if (z->times == NULL || z->offsets == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < c->times; i++) {
		z->times[i] = be_time(at + i * c->time_b, c->time_b);
		if (index[i] >= c->types || (i > 0 && z->times[i] <= z->times[i - 1]) ||
		    !read_type(types, index[i], c, &z->offsets[i]))
			return AK_ERR_CORRUPT;
	}
	z->n_changes = c->times;
	return AK_OK;
}

/* "\nRULE\n", to the last byte; an empty rule is none. */
static enum ak_err
read_footer(const unsigned char *at, size_t left_b, struct zone *z)
{
	const char *text = (const char *)at;

	if (left_b < 2 || text[0] != '\n' || text[left_b - 1] != '\n')
		return AK_ERR_CORRUPT;
	z->has_rule = left_b > 2;
	if (z->has_rule && tzrule_parse(text + 1, left_b - 2, &z->rule) != AK_OK)
		return AK_ERR_CORRUPT;
	return AK_OK;
}

/* Version 1's block holds 32-bit moments alone; what has more has it all again in 64 bits, and a footer. */
static enum ak_err
read_file(const unsigned char *at, size_t left_b, struct zone *z)
{
	struct counts c;
	enum ak_err err;

	if (!read_header(at, left_b, 4, &c) || data_size(&c) > left_b - HEADER_B)
		return AK_ERR_CORRUPT;
	if (c.version == '\0')
		return data_size(&c) == left_b - HEADER_B ? read_block(at + HEADER_B, &c, z)
							  : AK_ERR_CORRUPT;
	left_b -= HEADER_B + data_size(&c);
	at += HEADER_B + data_size(&c);
	if (!read_header(at, left_b, 8, &c) || c.version == '\0' ||
	    data_size(&c) > left_b - HEADER_B)
		return AK_ERR_CORRUPT;
	if ((err = read_block(at + HEADER_B, &c, z)) != AK_OK)
		return err;
	return read_footer(at + HEADER_B + data_size(&c), left_b - HEADER_B - data_size(&c), z);
}

enum ak_err
zone_parse(const void *bytes, size_t len_b, struct zone **out)
{
	struct zone *z;
	enum ak_err err;

	*out = NULL;
	if (len_b > ZONE_MAX_B)
		return AK_ERR_CORRUPT;
	if ((z = calloc(1, sizeof(*z))) == NULL)
		return AK_ERR_NOMEM;
	if ((err = read_file(bytes, len_b, z)) == AK_OK) {
		*out = z;
		z = NULL;
	}
	zone_free(&z);
	return err;
}

void
zone_free(struct zone **z)
{
	if (*z != NULL) {
		free((*z)->times);
		free((*z)->offsets);
	}
	free(*z);
	*z = NULL;
}

bool
zone_is_name(const char *s)
{
	static const char *const other[] = {"localtime", "posixrules", "posix", "right"};
	size_t len = strlen(s);

	if (len == 0 || len > ZONE_NAME_MAX)
		return false;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (strncmp(s, other[i], strcspn(s, "/")) == 0 &&
		    other[i][strcspn(s, "/")] == '\0')
			return false;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '/' && (i == 0 || s[i - 1] == '/' || i + 1 == len))
			return false;
		if (c != '/' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '+')
			return false;
	}
	return true;
}

/* A whole small file. */
static enum ak_err
read_all(int fd, unsigned char **bytes, size_t *len_b)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return AK_ERR_UNAVAILABLE;
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return AK_ERR_UNSAFE;
	if (st.st_size < 0 || (uint64_t)st.st_size > ZONE_MAX_B)
		return AK_ERR_CORRUPT;
	if ((*bytes = malloc((size_t)st.st_size + 1)) == NULL)
		return AK_ERR_NOMEM;
	for (*len_b = 0; *len_b <= (size_t)st.st_size;) {
		ssize_t n = read(fd, *bytes + *len_b, (size_t)st.st_size + 1 - *len_b);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return AK_ERR_UNAVAILABLE;
		if (n == 0)
			return AK_OK;
		*len_b += (size_t)n;
	}
	return AK_ERR_UNAVAILABLE; /* it grows while it is read */
}

static enum ak_err
load_utc(struct zone **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? AK_ERR_NOMEM : AK_OK;
}

enum ak_err
zone_load(const char *dir, const char *name, struct zone **out)
{
	unsigned char *bytes = NULL;
	char path[512];
	struct text t = text_over(path, sizeof(path));
	size_t len_b = 0;
	enum ak_err err;
	int fd;

	*out = NULL;
	text_add(&t, "%s/%s", dir, name);
	if (!zone_is_name(name) || t.cut)
		return AK_ERR_INVALID;
	if (strcmp(name, "UTC") == 0)
		return load_utc(out);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) == -1)
		return errno == ENOENT || errno == ENOTDIR ? AK_ERR_NOT_FOUND
							   : AK_ERR_UNAVAILABLE;
	if ((err = read_all(fd, &bytes, &len_b)) == AK_OK)
		err = zone_parse(bytes, len_b, out);
	free(bytes);
	(void)close(fd);
	return err;
}

int32_t
zone_offset(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z->n_changes;

	/* The first change after t. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->times[mid] <= t)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->n_changes && z->has_rule)
		return tzrule_offset(&z->rule, t);
	return low == 0 ? z->before : z->offsets[low - 1];
}

struct moment
zone_moment(const struct zone *z, int64_t t)
{
	int64_t local, day;

	/* Days far from those that the calendar has: and t may be anything. */
	if (t < (int64_t)CALENDAR_DAY_MIN * 86400 || t > (int64_t)CALENDAR_DAY_MAX * 86400)
		return MOMENT_UNKNOWN;
	local = t + zone_offset(z, t);
	day = local / 86400 - (local % 86400 < 0 ? 1 : 0);
	return (struct moment){.known = true,
	    .weekday = (uint8_t)calendar_weekday(day),
	    .minute = (uint16_t)((local - day * 86400) / 60),
	    .date = (int32_t)day};
}
