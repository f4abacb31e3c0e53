/* The directory's secrets: read for the engine when nobody else can read them. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credentials.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct directory_settings
named(struct tmp *tmp)
{
	struct directory_settings d = {.present = true};

	assert_err("", AK_OK, text_copy(d.ca_file, 256, tmp_path(tmp, "ca")));
	assert_err("", AK_OK, text_copy(d.cert_file, 256, tmp_path(tmp, "cert")));
	assert_err("", AK_OK, text_copy(d.key_file, 256, tmp_path(tmp, "key")));
	assert_err("", AK_OK, text_copy(d.password_file, 256, tmp_path(tmp, "password")));
	file_write(d.ca_file, "CA", 2, 0644);
	file_write(d.cert_file, "CERT", 4, 0644);
	file_write(d.key_file, "KEY", 3, 0600);
	file_write(d.password_file, "secret\n", 7, 0600);
	return d;
}

static void
all_four_are_read_and_the_passwords_newline_is_none_of_it(void **state)
{
	struct directory_settings d = named(*state), none = {.present = true};
	struct credentials c;

	assert_err("all", AK_OK, credentials_read(&d, geteuid(), &c, NULL));
	assert_int_equal(c.ca.len_b, 2);
	assert_int_equal(c.cert.len_b, 4);
	assert_int_equal(c.key.len_b, 3);
	assert_int_equal(c.password.len_b, 6);
	assert_memory_equal(c.password.bytes, "secret", 6);
	credentials_clear(&c);
	assert_err("none", AK_OK, credentials_read(&none, geteuid(), &c, NULL));
	assert_null(c.ca.bytes);
	assert_null(c.password.bytes);
}

static void
links_are_followed_as_certificates_are_handed_out(void **state)
{
	struct directory_settings d = named(*state);
	struct credentials c;

	assert_int_equal(rename(d.key_file, tmp_path(*state, "key.1")), 0);
	assert_int_equal(symlink("key.1", d.key_file), 0);
	assert_err("", AK_OK, credentials_read(&d, geteuid(), &c, NULL));
	credentials_clear(&c);
}

static void
files_that_others_can_reach_are_refused(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		enum ak_err err;
	} rows[] = {
	    {"ca", 0644, AK_OK},
	    {"ca", 0664, AK_ERR_UNSAFE},
	    {"ca", 0646, AK_ERR_UNSAFE},
	    {"cert", 0620, AK_ERR_UNSAFE},
	    {"key", 0640, AK_ERR_UNSAFE},
	    {"key", 0604, AK_ERR_UNSAFE},
	    {"key", 0400, AK_OK},
	    {"password", 0644, AK_ERR_UNSAFE},
	    {"password", 0601, AK_ERR_UNSAFE},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct directory_settings d = named(*state);
		struct diag why = DIAG_INIT;
		struct credentials c;

		assert_int_equal(chmod(tmp_path(*state, rows[i].name), rows[i].mode), 0);
		assert_err(rows[i].name, rows[i].err, credentials_read(&d, geteuid(), &c, &why));
		assert_row(rows[i].name, (why.text[0] == '\0') == (rows[i].err == AK_OK));
		credentials_clear(&c);
		assert_int_equal(unlink(d.key_file), 0);
		assert_int_equal(unlink(d.password_file), 0);
	}
}

static void
another_users_file_is_refused(void **state)
{
	struct directory_settings d = named(*state);
	struct credentials c;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(d.password_file, 65534, 65534), 0);
	assert_err("", AK_ERR_UNSAFE, credentials_read(&d, 0, &c, NULL));
	assert_null(c.key.bytes);
}

static void
abuse_094_an_empty_password_is_refused(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len_b;
		enum ak_err err;
	} rows[] = {
	    {"nothing", "", 0, AK_ERR_INVALID},
	    {"a newline", "\n", 1, AK_ERR_INVALID},
	    {"two newlines", "\n\n", 2, AK_ERR_INVALID},
	    {"two lines", "a\nb\n", 4, AK_ERR_INVALID},
	    {"a NUL", "a\0b", 3, AK_ERR_INVALID},
	    {"a blank", " ", 1, AK_OK},
	    {"no newline", "secret", 6, AK_OK},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct directory_settings d = named(*state);
		struct diag why = DIAG_INIT;
		struct credentials c;

		file_write(d.password_file, rows[i].bytes, rows[i].len_b, 0600);
		assert_err(rows[i].name, rows[i].err, credentials_read(&d, geteuid(), &c, &why));
		assert_row(rows[i].name, (why.text[0] == '\0') == (rows[i].err == AK_OK));
		assert_row(rows[i].name, rows[i].err == AK_OK || c.key.bytes == NULL);
		credentials_clear(&c);
	}
}

static void
abuse_069_what_is_no_file_is_refused_and_blocks_nothing(void **state)
{
	struct directory_settings d = named(*state);
	struct diag why = DIAG_INIT;
	struct credentials c;

	assert_int_equal(unlink(d.key_file), 0);
	assert_err("missing", AK_ERR_UNAVAILABLE, credentials_read(&d, geteuid(), &c, &why));
	assert_non_null(strstr(why.text, "key_file"));
	assert_int_equal(mkfifo(d.key_file, 0600), 0);
	assert_err("a FIFO", AK_ERR_UNSAFE, credentials_read(&d, geteuid(), &c, NULL));
	assert_int_equal(unlink(d.key_file), 0);
	assert_int_equal(mkdir(d.key_file, 0700), 0);
	assert_err("a folder", AK_ERR_UNSAFE, credentials_read(&d, geteuid(), &c, NULL));
	assert_int_equal(rmdir(d.key_file), 0);
	file_write(d.key_file, "", 0, 0600);
	assert_int_equal(truncate(d.key_file, 2 << 20), 0);
	assert_err("too large", AK_ERR_INVALID, credentials_read(&d, geteuid(), &c, NULL));
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(all_four_are_read_and_the_passwords_newline_is_none_of_it),
	    T(links_are_followed_as_certificates_are_handed_out),
	    T(files_that_others_can_reach_are_refused),
	    T(another_users_file_is_refused),
	    T(abuse_094_an_empty_password_is_refused),
	    T(abuse_069_what_is_no_file_is_refused_and_blocks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
