#include "fuzz_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_check.h"

const char *
fuzz_folder(void)
{
	static char folder[128];
	const char *above = getenv("TMPDIR");
	int err = EEXIST;

	if (folder[0] != '\0')
		return folder;
	for (unsigned i = 0; err == EEXIST; i++) {
		(void)snprintf(folder, sizeof(folder), "%s/fuzz-%u",
		    above == NULL || strlen(above) > 100 ? "/tmp" : above, i);
		err = mkdir(folder, 0700) == 0 ? 0 : errno;
	}
	fuzz_check(err == 0, "there is a folder for files");
	return folder;
}

const char *
fuzz_path(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
	return path;
}

const struct paths *
fuzz_paths(void)
{
	static struct paths p;
	char etc[160];

	if (p.state[0] != '\0')
		return &p;
	(void)snprintf(etc, sizeof(etc), "%s", fuzz_path("etc"));
	fuzz_check(mkdir(etc, 0755) == 0 && mkdir(fuzz_path("state"), 0755) == 0 &&
		       paths_under(etc, fuzz_path("state"), getuid(), &p) == AK_OK &&
		       (mkdir(p.run, 0755) == 0 || access(p.run, F_OK) == 0),
	    "there is a host");
	return &p;
}

void
fuzz_file(const char *path, const void *bytes, size_t len_b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_check(fd != -1 && write(fd, bytes, len_b) == (ssize_t)len_b && close(fd) == 0,
	    "a file can be written");
}
