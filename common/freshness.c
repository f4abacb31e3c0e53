#include "freshness.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "num.h"
#include "pack.h"
#include "safefile.h"

/*
 * 8 bytes magic, u32 version, u32 CRC-32 of all else, i64 contact_at, i64
 * max_age_s, i64 keys_max_age_s; little-endian.
 */
#define MAGIC "APIKEYFR"
#define AT_VERSION 8
#define AT_CRC 12
#define AT_NUMBERS 16
#define FILE_B 40

#define FRESHNESS_NEVER                                                                        \
	((struct freshness){.contact_at = 0, .max_age_s = 0, .keys_max_age_s = 0})

static uint32_t
checksum(const unsigned char *bytes)
{
	uint32_t crc = hash_crc32(0, bytes, AT_CRC);

	return hash_crc32(crc, bytes + AT_NUMBERS, FILE_B - AT_NUMBERS);
}

static enum ak_err
parse(const unsigned char *bytes, struct freshness *out)
{
	if (memcmp(bytes, MAGIC, 8) != 0 || le32_load(bytes + AT_VERSION) != FRESHNESS_VERSION ||
	    le32_load(bytes + AT_CRC) != checksum(bytes))
		return AK_ERR_CORRUPT;
	out->contact_at = (int64_t)le64_load(bytes + AT_NUMBERS);
	out->max_age_s = (int64_t)le64_load(bytes + AT_NUMBERS + 8);
	out->keys_max_age_s = (int64_t)le64_load(bytes + AT_NUMBERS + 16);
	if (out->contact_at >= 0 && out->max_age_s >= 0 && out->keys_max_age_s >= 0)
		return AK_OK;
	*out = FRESHNESS_NEVER;
	return AK_ERR_CORRUPT;
}

enum ak_err
freshness_read(const char *path, uid_t owner, struct freshness *out)
{
	unsigned char bytes[FILE_B + 1];
	enum ak_err err;
	struct stat st;
	ssize_t n;
	int fd;

	*out = FRESHNESS_NEVER;
	if ((err = safefile_open(path, owner, &fd, &st)) != AK_OK)
		return err;
	do
		n = pread(fd, bytes, sizeof(bytes), 0);
	while (n == -1 && errno == EINTR);
	(void)close(fd);
	if (n == -1)
		return AK_ERR_UNAVAILABLE;
	return n == FILE_B ? parse(bytes, out) : AK_ERR_CORRUPT;
}

enum ak_err
freshness_write(const char *path, const struct freshness *f, struct diag *why)
{
	unsigned char bytes[FILE_B];

	memcpy(bytes, MAGIC, 8);
	le32_store(bytes + AT_VERSION, FRESHNESS_VERSION);
	le64_store(bytes + AT_NUMBERS, (uint64_t)f->contact_at);
	le64_store(bytes + AT_NUMBERS + 8, (uint64_t)f->max_age_s);
	le64_store(bytes + AT_NUMBERS + 16, (uint64_t)f->keys_max_age_s);
	le32_store(bytes + AT_CRC, checksum(bytes));
	return safefile_replace(path, 0644, bytes, sizeof(bytes), 0, why);
}

static bool
is_older(const struct freshness *f, int64_t max_age_s, int64_t now)
{
	if (f->contact_at <= 0 || f->contact_at > now)
		return true;
	return max_age_s != NUM_NEVER && now - f->contact_at > max_age_s;
}

bool
freshness_is_stale(const struct freshness *f, int64_t now)
{
	return is_older(f, f->max_age_s, now);
}

bool
freshness_keys_are_stale(const struct freshness *f, int64_t now)
{
	return is_older(f, f->keys_max_age_s, now);
}
