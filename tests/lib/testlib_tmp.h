/* testlib_tmp: a folder of a test's own, removed with all that is in it; whole files in and out. */
#ifndef TESTLIB_TMP_H
#define TESTLIB_TMP_H

#include <stddef.h>
#include <sys/types.h>

#define TMP_CAP 128

struct tmp {
	char dir[TMP_CAP]; /* absolute, mode 0700 */
	char path[16][2 * TMP_CAP]; /* what tmp_path gave last */
	unsigned turn;
};

/* For cmocka_unit_test_setup_teardown: *state is a struct tmp. */
int tmp_setup(void **state);
int tmp_teardown(void **state);

/* DIR/name; good until the sixteenth call after it. */
const char *tmp_path(struct tmp *t, const char *name);

/* A file of exactly these bytes and this mode, whatever was there; the test fails when that can't be done. */
void file_write(const char *path, const void *bytes, size_t len_b, mode_t mode);
/* All of it, with a NUL behind, for free(); NULL when it can't be opened. */
char *file_read(const char *path, size_t *len_b);
/* Is there anything of that name? A link counts. */
int file_is_there(const char *path);
/* Does it hold just this text? */
int file_holds(const char *path, const char *text);

#endif
