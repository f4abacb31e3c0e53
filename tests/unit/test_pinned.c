/* Policies that sessions are still judged by: kept whole, found by their id, gone with the last session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pinned.h"
#include "policy.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_keys.h"

static struct image *
compiled(const char *text)
{
	struct settings settings;
	struct image *im = NULL;

	settings_default(&settings);
	assert_err(text, AK_OK,
	    policy_compile(text, strlen(text), "/etc/p.yaml", &settings, &im, NULL));
	return im;
}

static uint64_t
kept(const struct host *h, const char *text)
{
	struct image *im = compiled(text);
	struct image_sources src = {.built_at_ns = 7, .policy = {.ino = 8}};
	uint64_t id = 0, again = 0;

	assert_err(text, AK_OK, pinned_keep(&h->paths, im, &id, NULL));
	assert_true(id != 0);
	/* Built at another time, of other files: the same policy. */
	image_set_sources(im, &src);
	assert_err(text, AK_OK, pinned_keep(&h->paths, im, &again, NULL));
	assert_true(again == id);
	image_free(&im);
	return id;
}

static enum ak_err
loads(const struct host *h, uint64_t id)
{
	struct image *im = NULL;
	enum ak_err err = pinned_load(&h->paths, id, &im);

	assert_int_equal(err == AK_OK, im != NULL);
	image_free(&im);
	return err;
}

static void
path_of(const struct host *h, uint64_t id, char path[PATH_CAP])
{
	(void)snprintf(
	    path, PATH_CAP, "%.200s/policies/%016llx", h->paths.run, (unsigned long long)id);
}

static void
a_policy_is_found_by_its_id(void **state)
{
	struct image *im = NULL;
	char path[PATH_CAP];
	uint64_t one, other;
	struct host h;
	struct stat st;

	host_make(&h, *state);
	assert_err("nothing", AK_ERR_NOT_FOUND, loads(&h, 1));
	one = kept(&h, "version: 1\nroles: {a: {services: [x]}}\n");
	other = kept(&h, "version: 1\nroles: {b: {services: [x]}}\n");
	assert_true(one != other);
	assert_err("", AK_OK, pinned_load(&h.paths, one, &im));
	assert_true(image_find_role(im, "a") != IMAGE_NONE);
	image_free(&im);
	assert_err("", AK_OK, loads(&h, other));
	assert_err("another", AK_ERR_NOT_FOUND, loads(&h, one ^ other));
	path_of(&h, one, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	(void)snprintf(path, sizeof(path), "%.200s/policies", h.paths.run);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
what_is_not_that_policy_is_none(void **state)
{
	char path[PATH_CAP], other_path[PATH_CAP];
	uint64_t one, other;
	size_t len_b;
	struct host h;
	char *bytes;

	host_make(&h, *state);
	one = kept(&h, "version: 1\nroles: {a: {services: [x]}}\n");
	other = kept(&h, "version: 1\nroles: {b: {services: [x]}}\n");
	path_of(&h, one, path);
	path_of(&h, other, other_path);
	bytes = file_read(path, &len_b);
	bytes[len_b - 1] ^= 1;
	file_write(path, bytes, len_b, 0600);
	assert_err("damaged", AK_ERR_CORRUPT, loads(&h, one));
	file_write(path, "", 0, 0600);
	assert_err("empty", AK_ERR_CORRUPT, loads(&h, one));
	free(bytes);
	assert_int_equal(rename(other_path, path), 0);
	assert_err("another's", AK_ERR_CORRUPT, loads(&h, one));
	assert_int_equal(chmod(path, 0666), 0);
	assert_err("open to others", AK_ERR_UNSAFE, loads(&h, one));
}

static void
a_folder_that_cannot_be_made_is_told(void **state)
{
	struct image *im = compiled("version: 1\n");
	struct diag why = DIAG_INIT;
	uint64_t id = 1;
	struct host h;

	host_make(&h, *state);
	file_write(h.paths.run, "", 0, 0600);
	assert_true(pinned_keep(&h.paths, im, &id, &why) != AK_OK);
	assert_true(id == 0);
	assert_non_null(strstr(why.text, "/policies"));
	image_free(&im);
}

/* What its name would be cut to is another file's. */
static void
a_folder_whose_name_leaves_no_room_is_refused(void **state)
{
	struct image *im = compiled("version: 1\n");
	uint64_t id = 1;
	struct host h;
	size_t n;

	host_make(&h, *state);
	n = strlen(h.paths.run);
	assert_err("", AK_OK, pinned_keep(&h.paths, im, &id, NULL));
	memset(h.paths.run + n, '/', PATH_CAP - 20 - n);
	h.paths.run[PATH_CAP - 20] = '\0';
	assert_err("load", AK_ERR_RANGE, loads(&h, id));
	assert_err("keep", AK_ERR_RANGE, pinned_keep(&h.paths, im, &id, NULL));
	assert_true(id == 0);
	image_free(&im);
}

static const struct session nobodys = {.state = SESSION_OPEN,
    .uid = 70000,
    .key = "ci",
    .account = "ci",
    .account_uid = 70000,
    .service = "sshd"};

static void
what_no_session_names_goes(void **state)
{
	struct session s = nobodys;
	uint64_t named, other;
	struct host h;

	host_make(&h, *state);
	pinned_sweep(&h.paths);
	named = kept(&h, "version: 1\nroles: {a: {services: [x]}}\n");
	other = kept(&h, "version: 1\nroles: {b: {services: [x]}}\n");
	assert_err("", AK_OK, sessions_open(&h.paths, &s));
	s.policy = named;
	assert_err("", AK_OK, sessions_update(&h.paths, &s));
	pinned_sweep(&h.paths);
	assert_err("named", AK_OK, loads(&h, named));
	assert_err("not named", AK_ERR_NOT_FOUND, loads(&h, other));
	s.policy = 0;
	assert_err("", AK_OK, sessions_update(&h.paths, &s));
	pinned_sweep(&h.paths);
	assert_err("named no more", AK_ERR_NOT_FOUND, loads(&h, named));
	named = kept(&h, "version: 1\nroles: {a: {services: [x]}}\n");
	assert_err("", AK_OK, sessions_remove(&h.paths, s.id));
	pinned_sweep(&h.paths);
	assert_err("no session at all", AK_ERR_NOT_FOUND, loads(&h, named));
}

#define SESSIONS 9U

/* Without memory for their names nothing goes. */
static void
what_any_session_names_stays_whatever_fails(void **state)
{
	struct session s[SESSIONS];
	struct host h;
	bool failed = true;

	host_make(&h, *state);
	for (unsigned i = 0; i < SESSIONS; i++) {
		char policy[64];

		(void)snprintf(
		    policy, sizeof(policy), "version: 1\nroles: {r%u: {services: [x]}}\n", i);
		s[i] = nobodys;
		assert_err("", AK_OK, sessions_open(&h.paths, &s[i]));
		s[i].policy = kept(&h, policy);
		assert_err("", AK_OK, sessions_update(&h.paths, &s[i]));
	}
	for (unsigned n = 1; failed; n++) {
		alloc_fail_nth(n);
		pinned_sweep(&h.paths);
		failed = alloc_stop();
		assert_true(failed || n > 2);
		for (unsigned i = 0; i < SESSIONS; i++)
			assert_err("named", AK_OK, loads(&h, s[i].policy));
	}
}

/* The print of the key `ci` as it is stored, with these memberships. */
static uint64_t
print_of(const struct host *h, const struct membership *m)
{
	struct keyring ring;
	struct key key;
	uint64_t print;

	assert_err("", AK_OK, keyring_open(&h->paths, &ring));
	assert_err("", AK_OK, keyring_find_uid(&ring, 70000, &key));
	print = pinned_key_print(&key, m);
	key_clear(&key);
	keyring_close(&ring);
	assert_true(print != 0);
	return print;
}

static void
a_keys_print_is_of_all_that_is_its_own(void **state)
{
	const struct membership empty = {.groups = STRV_EMPTY},
				team = {.groups = DIRECTORY_LIST("team")},
				both = {.groups = DIRECTORY_LIST("team"),
				    .bindings = DIRECTORY_LIST("ops")},
				crew = {.groups = DIRECTORY_LIST("crew")},
				other = {.bindings = DIRECTORY_LIST("team")};
	struct key_record key = key_make("ci", 70000);
	uint64_t was;
	struct host h;

	host_make(&h, *state);
	assert_err("", AK_OK, host_put(&h, &key));
	was = print_of(&h, NULL);
	assert_true(print_of(&h, &empty) == was);
	assert_true(print_of(&h, &team) != was);
	assert_true(print_of(&h, &team) != print_of(&h, &crew));
	assert_true(print_of(&h, &team) != print_of(&h, &other));
	assert_true(print_of(&h, &both) != print_of(&h, &team));
	assert_err("the same again", AK_OK, host_put(&h, &key));
	assert_true(print_of(&h, NULL) == was);
	key.state = KEY_DISABLED;
	assert_err("", AK_OK, host_put(&h, &key));
	assert_true(print_of(&h, NULL) != was);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_policy_is_found_by_its_id),
	    T(what_is_not_that_policy_is_none),
	    T(a_folder_that_cannot_be_made_is_told),
	    T(a_folder_whose_name_leaves_no_room_is_refused),
	    T(what_no_session_names_goes),
	    T(what_any_session_names_stays_whatever_fails),
	    T(a_keys_print_is_of_all_that_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
