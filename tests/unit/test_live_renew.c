/* The settings and policy of a moment ago: kept while nothing has changed, and never longer. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "live.h"
#include "live_trust.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "testlib_tmp.h"
#include "text.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define S INT64_C(1000000000)

/* So far the clock is ahead: how old a file is. */
static int64_t ahead_s;

int __real_clock_gettime(clockid_t which, struct timespec *out);
int __wrap_clock_gettime(clockid_t which, struct timespec *out);

int
__wrap_clock_gettime(clockid_t which, struct timespec *out)
{
	int rc = __real_clock_gettime(which, out);

	out->tv_sec += ahead_s;
	return rc;
}

/* How many files were read. */
static unsigned n_read;

enum ak_err __real_safefile_read(
    const char *path, uid_t owner, size_t max_b, struct safefile *out, struct diag *why);
enum ak_err __wrap_safefile_read(
    const char *path, uid_t owner, size_t max_b, struct safefile *out, struct diag *why);

enum ak_err
__wrap_safefile_read(
    const char *path, uid_t owner, size_t max_b, struct safefile *out, struct diag *why)
{
	n_read++;
	return __real_safefile_read(path, owner, max_b, out, why);
}

#define POLICY(role) "version: 1\nroles: {" role ": {services: ['*']}}\n"

static struct host h;

/* Files that are old enough, and the image of them. */
static void
begin(void **state)
{
	struct image_sources src;
	struct live l;

	ahead_s = 0;
	host_make(&h, *state);
	host_settings(&h, "version: 1\nspace: root\n");
	host_policy(&h, POLICY("viewer"));
	live_load(&h.paths, &l);
	assert_non_null(l.image);
	src = *image_borrow_sources(l.image);
	src.built_at_ns += 10 * S;
	image_set_sources(l.image, &src);
	assert_err("", AK_OK, live_store(&h.paths, &l, NULL));
	live_clear(&l);
	ahead_s = 20;
}

/* Until the file's stamp is another than it was; what is done to it in between is one edit. */
static void
edit(const char *path, const char *text)
{
	struct safefile_id before, after;
	int fd;

	assert_err(path, AK_OK, safefile_identify(path, &before));
	do {
		assert_int_not_equal(fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), -1);
		assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
		assert_int_equal(close(fd), 0);
		assert_err(path, AK_OK, safefile_identify(path, &after));
	} while (after.ctime_ns == before.ctime_ns);
	assert_true(after.ino == before.ino);
}

static void
edit_policy(void)
{
	edit(h.paths.policy, POLICY("editor"));
}

static void
replace_policy(void)
{
	char fresh[PATH_CAP + 8];
	struct text t = text_over(fresh, sizeof(fresh));

	text_add(&t, "%s.new", h.paths.policy);
	file_write(fresh, POLICY("editor"), strlen(POLICY("editor")), 0644);
	assert_int_equal(rename(fresh, h.paths.policy), 0);
}

static void
break_policy(void)
{
	edit(h.paths.policy, "version: ");
}

static void
remove_policy(void)
{
	assert_int_equal(unlink(h.paths.policy), 0);
}

static void
edit_settings(void)
{
	edit(h.paths.config, "version: 1\nspace: edge\n");
}

static void
remove_settings(void)
{
	assert_int_equal(unlink(h.paths.config), 0);
}

static void
edit_group(void)
{
	edit(h.paths.group, "root:x:0:\nothers:x:4711:\n");
}

static void
remove_image(void)
{
	assert_int_equal(unlink(h.paths.image), 0);
}

static void
break_image(void)
{
	edit(h.paths.image, "x");
}

static void
open_image_to_others(void)
{
	assert_int_equal(chmod(h.paths.image, 0666), 0);
}

static void
put_folder_in_images_place(void)
{
	remove_image();
	assert_int_equal(mkdir(h.paths.image, 0700), 0);
}

static void
assert_same(const char *row, const struct live *a, const struct live *b)
{
	const void *a_bytes, *b_bytes;
	size_t a_b, b_b;

	assert_row(row, (a->image == NULL) == (b->image == NULL));
	assert_row(row, a->from_store == b->from_store && a->settings_ok == b->settings_ok);
	assert_row(row, a->policy_id == b->policy_id && a->settings_id == b->settings_id &&
			    a->group_id == b->group_id);
	assert_row(row, strcmp(a->settings.space, b->settings.space) == 0);
	assert_row(row, strcmp(a->problem.text, b->problem.text) == 0);
	assert_row(row, a->trusted == b->trusted);
	if (a->image == NULL)
		return;
	a_bytes = image_borrow_bytes(a->image, &a_b);
	b_bytes = image_borrow_bytes(b->image, &b_b);
	assert_row(row, a_b == b_b);
	if (a->from_store)
		assert_row(row, memcmp(a_bytes, b_bytes, a_b) == 0);
}

static void
whatever_changes_is_seen_by_the_next_renewal(void **state)
{
	static const struct {
		const char *row;
		void (*change)(void);
		const char *role; /* of the policy that holds then; NULL: there is none */
	} rows[] = {
	    {"policy edited in place", edit_policy, "editor"},
	    {"policy replaced", replace_policy, "editor"},
	    {"policy broken", break_policy, NULL},
	    {"policy gone", remove_policy, NULL},
	    {"settings edited in place", edit_settings, "viewer"},
	    {"settings gone", remove_settings, "viewer"},
	    {"group file edited in place", edit_group, "viewer"},
	    {"image gone", remove_image, "viewer"},
	    {"image broken in place", break_image, "viewer"},
	    {"image open to others", open_image_to_others, "viewer"},
	    {"a folder for an image", put_folder_in_images_place, "viewer"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		void *own = NULL;
		struct live l, anew;

		(void)state;
		assert_int_equal(tmp_setup(&own), 0);
		begin(&own);
		live_load(&h.paths, &l);
		assert_row(rows[i].row, l.from_store && l.stored.ino != 0);
		rows[i].change();
		live_renew(&h.paths, &l);
		assert_row(rows[i].row, !l.from_store);
		assert_row(rows[i].row, (l.image != NULL) == (rows[i].role != NULL));
		if (rows[i].role != NULL)
			assert_row(
			    rows[i].row, image_find_role(l.image, rows[i].role) != IMAGE_NONE);
		live_load(&h.paths, &anew);
		assert_same(rows[i].row, &l, &anew);
		live_clear(&anew);
		live_clear(&l);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
while_nothing_changes_the_image_is_not_read_again(void **state)
{
	struct live l, anew;

	begin(state);
	n_read = 0;
	live_load(&h.paths, &l);
	assert_int_equal(n_read, 1);
	for (unsigned i = 0; i < 3; i++)
		live_renew(&h.paths, &l);
	assert_int_equal(n_read, 1);
	live_load(&h.paths, &anew);
	assert_same("", &l, &anew);
	live_clear(&anew);
	live_clear(&l);
}

/* One that may have been edited within the clock's grain, and one that was compiled here, are read anew. */
static void
what_may_have_been_edited_unseen_is_not_kept(void **state)
{
	static const struct {
		int64_t age_ns, ctime_ns;
		bool shows;
	} rows[] = {
	    {50000000, 5 * S + 1, true},
	    {49999999, 5 * S + 1, false},
	    {0, 5 * S + 1, false},
	    {-S, 5 * S + 1, false},
	    {2 * S, 5 * S, true}, /* stamps of whole seconds */
	    {2 * S - 1, 5 * S, false},
	};
	struct live l;

	for (size_t i = 0; i < N(rows); i++) {
		struct safefile_id id = {.ctime_ns = rows[i].ctime_ns};

		assert_int_equal(
		    live_shows_edits(&id, rows[i].ctime_ns + rows[i].age_ns), rows[i].shows);
	}
	begin(state);
	ahead_s = -20;
	live_load(&h.paths, &l);
	assert_true(l.from_store && l.stored.ino == 0);
	live_clear(&l);
	remove_image();
	ahead_s = 20;
	live_load(&h.paths, &l);
	assert_true(!l.from_store && l.stored.ino == 0);
	live_clear(&l);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(while_nothing_changes_the_image_is_not_read_again),
	    T(whatever_changes_is_seen_by_the_next_renewal),
	    T(what_may_have_been_edited_unseen_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
