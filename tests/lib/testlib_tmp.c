#include "testlib_tmp.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "text.h"

int
tmp_setup(void **state)
{
	struct tmp *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/apikey-test-XXXXXX");
	if (mkdtemp(t->dir) == NULL) {
		free(t);
		return -1;
	}
	*state = t;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int
tmp_teardown(void **state)
{
	struct tmp *t = *state;
	int failed = nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(t);
	return failed;
}

const char *
tmp_path(struct tmp *t, const char *name)
{
	char *path = t->path[t->turn++ % 16];
	struct text made = text_over(path, sizeof(t->path[0]));

	text_add(&made, "%s/", t->dir);
	text_add(&made, "%s", name);
	assert_false(made.cut);
	return path;
}

void
file_write(const char *path, const void *bytes, size_t len_b, mode_t mode)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		fail_msg("%s cannot be made", path);
	if (write(fd, bytes, len_b) != (ssize_t)len_b || fchmod(fd, mode) == -1)
		fail_msg("%s cannot be written", path);
	(void)close(fd);
}

char *
file_read(const char *path, size_t *len_b)
{
	FILE *f = fopen(path, "re");
	size_t cap_b = 0;
	char *bytes = NULL;

	*len_b = 0;
	if (f == NULL)
		return NULL;
	do {
		cap_b += 65536;
		bytes = realloc(bytes, cap_b + 1);
		assert_non_null(bytes);
		*len_b += fread(bytes + *len_b, 1, cap_b - *len_b, f);
	} while (*len_b == cap_b);
	bytes[*len_b] = '\0';
	(void)fclose(f);
	return bytes;
}

int
file_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int
file_holds(const char *path, const char *text)
{
	size_t len_b;
	char *bytes = file_read(path, &len_b);
	int same = bytes != NULL && len_b == strlen(text) && memcmp(bytes, text, len_b) == 0;

	free(bytes);
	return same;
}
