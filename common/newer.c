#include "newer.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "index.h"
#include "pack.h"
#include "safefile.h"

#define VERSION_MAX 255U

bool
newer_is(uint32_t version, uint32_t reads)
{
	return version > reads && version <= VERSION_MAX;
}

uint32_t
newer_version(const char *path, uid_t owner)
{
	unsigned char b[4] = {0};
	struct stat st;
	ssize_t n;
	int fd;

	if (safefile_open(path, owner, &fd, &st) != AK_OK)
		return 0;
	do
		n = pread(fd, b, sizeof(b), 8);
	while (n == -1 && errno == EINTR);
	(void)close(fd);
	return n == (ssize_t)sizeof(b) ? le32_load(b) : 0;
}

enum ak_err
newer_say(const char *path, uid_t owner, struct diag *why)
{
	return diag_say(why, AK_ERR_NEWER, path, 0, 0,
	    "was written by a newer apikey (format %u, this one reads %u): upgrade apikey, or "
	    "put a local.idx from before the upgrade back",
	    newer_version(path, owner), INDEX_VERSION);
}
