/* The settings and policy of now: from the stored image only while it is certain to be of these files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "live.h"
#include "live_trust.h"
#include "safefile.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "text.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What the clock says while this is not 0. */
static int64_t clock_at_ns;

/* Where somebody writes when a policy has just been put in its place. */
static const char *intruded;
static const char INTRUDERS[] = "version: 1\nroles: {viewer: {services: [z]}}\n";

int __real_clock_gettime(clockid_t which, struct timespec *out);
int __wrap_clock_gettime(clockid_t which, struct timespec *out);

int
__wrap_clock_gettime(clockid_t which, struct timespec *out)
{
	if (which == CLOCK_REALTIME_COARSE && intruded != NULL)
		file_write(intruded, INTRUDERS, sizeof(INTRUDERS) - 1, 0644);
	if (which != CLOCK_REALTIME || clock_at_ns == 0)
		return __real_clock_gettime(which, out);
	*out = (struct timespec){
	    .tv_sec = clock_at_ns / 1000000000, .tv_nsec = clock_at_ns % 1000000000};
	return 0;
}

/* Loaded, looked at, let go: was it the stored image? */
static bool
is_from_store(const struct host *h)
{
	struct live l;
	bool from_store;

	live_load(&h->paths, &l);
	assert_non_null(l.image);
	assert_true(l.settings_ok);
	assert_true(image_find_role(l.image, "viewer") != IMAGE_NONE);
	from_store = l.from_store;
	live_clear(&l);
	return from_store;
}

/* No image, settings as told, and a sentence; the sentence is returned. */
static const char *
has_no_policy(const struct host *h, bool settings_ok)
{
	static struct live l;

	live_load(&h->paths, &l);
	assert_null(l.image);
	assert_false(l.from_store);
	assert_int_equal(l.settings_ok, settings_ok);
	assert_string_not_equal(l.problem.text, "");
	return l.problem.text;
}

/* An image as it is stored when it was compiled three seconds after the last edit. */
static void
store_old_image(const struct host *h, int64_t after_ns)
{
	struct live l;
	struct image_sources src;
	int64_t newest;

	live_load(&h->paths, &l);
	assert_non_null(l.image);
	src = *image_borrow_sources(l.image);
	newest =
	    src.policy.ctime_ns > src.group.ctime_ns ? src.policy.ctime_ns : src.group.ctime_ns;
	if (src.settings.ctime_ns > newest)
		newest = src.settings.ctime_ns;
	src.built_at_ns = newest + after_ns;
	image_set_sources(l.image, &src);
	l.from_store = false;
	(void)unlink(h->paths.image);
	assert_err("", AK_OK, live_store(&h->paths, &l, NULL));
	live_clear(&l);
}

#define S INT64_C(1000000000)

static void
a_host_without_settings_has_the_defaults(void **state)
{
	struct host h;
	struct live l;

	host_make(&h, *state);
	live_load(&h.paths, &l);
	assert_non_null(l.image);
	assert_true(l.settings_ok);
	assert_int_equal(l.settings.uids.min, 70000);
	assert_true(l.sources.settings.ino == 0);
	assert_true(l.policy_id != 0 && l.group_id != 0);
	assert_string_equal(l.problem.text, "");
	live_clear(&l);
	live_clear(&l);
}

static void
abuse_061_without_a_policy_there_is_none_and_a_sentence(void **state)
{
	struct host h;

	host_make(&h, *state);
	host_policy(&h, NULL);
	assert_non_null(strstr(has_no_policy(&h, true), "no such file"));
}

static void
abuse_058_172_an_image_is_trusted_two_seconds_after_the_last_edit(void **state)
{
	static const struct {
		int64_t after_ns;
		bool trusted;
	} rows[] = {{3 * S, true}, {2 * S, true}, {2 * S - 1, false}, {0, false}, {-S, false}};
	struct host h;

	host_make(&h, *state);
	host_settings(&h, "version: 1\nspace: root\n");
	assert_false(is_from_store(&h));
	for (size_t i = 0; i < N(rows); i++) {
		store_old_image(&h, rows[i].after_ns);
		assert_int_equal(is_from_store(&h), rows[i].trusted);
	}
}

/* Touched until the clock's grain shows that it came after the others. */
static int64_t
edit_last(const char *path, int64_t after_ns)
{
	struct safefile_id id;

	do {
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(chmod(path, 0644), 0);
		assert_err(path, AK_OK, safefile_identify(path, &id));
	} while (id.ctime_ns <= after_ns);
	return id.ctime_ns;
}

/* The same, of a folder. */
static void
edit_folder(const char *path, int64_t after_ns)
{
	struct safefile_id id;

	do {
		assert_int_equal(chmod(path, 0700), 0);
		assert_int_equal(chmod(path, 0755), 0);
		assert_err(path, AK_OK, safefile_identify(path, &id));
	} while (id.ctime_ns <= after_ns);
}

static void
abuse_172_the_last_edit_of_each_of_the_three_files_counts(void **state)
{
	struct host h;
	const char *paths[3];
	struct live l;
	struct image_sources src;
	int64_t before = 0, last;

	host_make(&h, *state);
	host_settings(&h, "version: 1\n");
	paths[0] = h.paths.policy;
	paths[1] = h.paths.config;
	paths[2] = h.paths.group;
	before = edit_last(paths[2], 0);
	for (size_t i = 0; i < N(paths); i++) {
		last = edit_last(paths[i], before);
		for (int64_t built = before + 2 * S; built <= last + 2 * S;
		     built += last - before) {
			live_load(&h.paths, &l);
			assert_non_null(l.image);
			src = *image_borrow_sources(l.image);
			src.built_at_ns = built;
			image_set_sources(l.image, &src);
			l.from_store = false;
			assert_err("", AK_OK, live_store(&h.paths, &l, NULL));
			live_clear(&l);
			assert_int_equal(is_from_store(&h), built == last + 2 * S);
		}
		before = last;
	}
}

/* Loaded at a moment: may none of its files be half saved? And when it is to be asked again. */
static bool
is_trusted_at(const struct host *h, int64_t now_ns, int64_t *trusted_at_ns)
{
	struct live l;
	bool trusted;

	clock_at_ns = now_ns;
	live_load(&h->paths, &l);
	clock_at_ns = 0;
	trusted = l.trusted;
	*trusted_at_ns = l.trusted_at_ns;
	live_clear(&l);
	return trusted;
}

static int64_t
changed_at(const char *path)
{
	struct safefile_id id;

	assert_err(path, AK_OK, safefile_identify(path, &id));
	return id.ctime_ns;
}

static void
abuse_058_what_was_written_within_two_seconds_may_be_half_saved(void **state)
{
	int64_t before, at;
	const char *paths[3];
	struct host h;

	host_make(&h, *state);
	host_settings(&h, "version: 1\n");
	paths[0] = h.paths.policy;
	paths[1] = h.paths.config;
	paths[2] = h.paths.group;
	before = edit_last(paths[2], 0);
	for (size_t i = 0; i < N(paths); i++) {
		int64_t last = before = edit_last(paths[i], before);

		assert_false(is_trusted_at(&h, last, &at));
		assert_true(at == last + 2 * S);
		assert_false(is_trusted_at(&h, last + 2 * S - 1, &at));
		assert_true(at == last + 2 * S);
		assert_true(is_trusted_at(&h, last + 2 * S, &at));
		/* Written while it was looked at. */
		assert_false(is_trusted_at(&h, last - 1, &at));
		/* The clock was set back since. */
		assert_false(is_trusted_at(&h, last - 60 * S, &at));
		assert_true(is_trusted_at(&h, last - 61 * S, &at));
		/* By so much, of the one that was written first. */
		for (size_t k = 0; k < N(paths); k++)
			if (changed_at(paths[k]) < last)
				last = changed_at(paths[k]);
		assert_false(is_trusted_at(&h, last - 60 * S, &at));
	}
}

static char *
folder_of(const char *path, char out[PATH_CAP])
{
	assert_err("", AK_OK, text_copy(out, PATH_CAP, path));
	*strrchr(out, '/') = '\0';
	return out;
}

static void
a_policy_that_is_none_is_never_trusted(void **state)
{
	struct host h;
	int64_t at, last;

	host_make(&h, *state);
	host_policy(&h, "version: 1\nroles: {vie");
	last = changed_at(h.paths.policy);
	assert_false(is_trusted_at(&h, last + 1, &at));
	assert_true(at == last + 2 * S);
	assert_false(is_trusted_at(&h, last + 100 * S, &at));
	assert_true(at < last + 100 * S);
	host_policy(&h, NULL);
	assert_false(is_trusted_at(&h, last + 100 * S, &at));
}

static void
the_stored_image_is_trusted_at_once(void **state)
{
	struct host h;
	int64_t at;

	host_make(&h, *state);
	host_settings(&h, "version: 1\n");
	store_old_image(&h, 3 * S);
	assert_true(is_from_store(&h));
	assert_true(is_trusted_at(&h, changed_at(h.paths.policy), &at));
}

/* An editor takes the old file away, and then writes the new one; what was made in between may be stored. */
static void
abuse_058_a_file_that_has_just_gone_may_be_half_saved(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		char folder[PATH_CAP];
		const char *path;
		int64_t at, gone, newest;
		struct host h;
		void *own = NULL;

		(void)state;
		assert_int_equal(tmp_setup(&own), 0);
		host_make(&h, own);
		host_settings(&h, "version: 1\n");
		path = i == 0 ? h.paths.config : h.paths.group;
		newest = edit_last(i == 0 ? h.paths.group : h.paths.config, 0);
		newest = edit_last(h.paths.policy, newest);
		assert_int_equal(unlink(path), 0);
		edit_folder(folder_of(path, folder), newest + S / 10);
		gone = changed_at(folder);
		for (unsigned turn = 0; turn < 2; turn++) {
			assert_false(is_trusted_at(&h, gone + 2 * S - 1, &at));
			assert_true(at == gone + 2 * S);
			assert_true(is_trusted_at(&h, gone + 2 * S, &at));
			store_old_image(&h, 2 * S);
			assert_true(is_from_store(&h));
		}
		store_old_image(&h, gone - newest + 2 * S);
		assert_true(is_trusted_at(&h, gone, &at));
		/* Stamps lag behind by up to 50 ms. */
		store_old_image(&h, gone - newest + 2 * S - S / 20);
		assert_false(is_trusted_at(&h, gone, &at));
		store_old_image(&h, gone - newest + 2 * S - S / 20 + 1);
		assert_true(is_trusted_at(&h, gone, &at));
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* It is none until there is another: when is it to be looked for? */
static void
a_policy_that_has_just_gone_is_not_trusted_and_soon_asked_again(void **state)
{
	char folder[PATH_CAP];
	int64_t at, gone;
	struct host h;

	host_make(&h, *state);
	host_settings(&h, "version: 1\n");
	gone = edit_last(h.paths.config, changed_at(h.paths.group));
	assert_int_equal(unlink(h.paths.policy), 0);
	edit_folder(folder_of(h.paths.policy, folder), gone);
	gone = changed_at(folder);
	assert_false(is_trusted_at(&h, gone + S, &at));
	assert_true(at == gone + 2 * S);
	assert_false(is_trusted_at(&h, gone + 2 * S, &at));
}

/* Between the look at it and its reading. */
static void
abuse_058_another_group_file_than_was_looked_at_is_not_trusted(void **state)
{
	struct host h;
	struct live l;
	int64_t now;

	host_make(&h, *state);
	host_settings(&h, "version: 1\n");
	live_load(&h.paths, &l);
	now = changed_at(h.paths.group) + 100 * S;
	live_judge_trust(&h.paths, &l, now);
	assert_true(l.trusted);
	host_groups(&h, "root:x:0:\nothers:x:4711:\n");
	live_judge_trust(&h.paths, &l, now);
	assert_false(l.trusted);
	assert_true(l.trusted_at_ns == now + 2 * S);
	/* A stored image is of the file that was looked at. */
	l.from_store = true;
	live_judge_trust(&h.paths, &l, now);
	assert_true(l.trusted);
	live_clear(&l);
}

static void
abuse_172_what_apply_has_put_there_is_trusted_at_once(void **state)
{
	static const char text[] = "version: 1\nroles: {viewer: {services: [y]}}\n";
	struct image *im = NULL;
	char folder[PATH_CAP];
	int64_t at, written;
	struct host h;
	struct live l;

	host_make(&h, *state);
	/* One that was not written just now. */
	assert_err("", AK_OK, text_copy(h.paths.group, PATH_CAP, "/etc/group"));
	live_load(&h.paths, &l);
	assert_false(l.trusted);
	assert_err("", AK_OK,
	    live_compile(
		&h.paths, &l.settings, text, sizeof(text) - 1, h.paths.policy, &im, NULL));
	assert_err(
	    "", AK_OK, live_replace_policy(&h.paths, &l, text, sizeof(text) - 1, &im, NULL));
	assert_true(l.trusted);
	assert_err("", AK_OK, live_store(&h.paths, &l, NULL));
	live_clear(&l);
	assert_true(is_from_store(&h));
	written = changed_at(h.paths.policy);
	assert_true(is_trusted_at(&h, written, &at));
	/* No settings were there, and none are: until the folder changes. */
	(void)snprintf(folder, sizeof(folder), "%s", h.paths.config);
	*strrchr(folder, '/') = '\0';
	edit_folder(folder, written + S / 10);
	assert_true(is_from_store(&h));
	assert_false(is_trusted_at(&h, written, &at));
	assert_true(at == changed_at(folder) + 2 * S);
}

/* Its identity would vouch for an image of other bytes for ever. */
static void
no_image_is_stamped_with_what_it_was_not_made_from(void **state)
{
	static const char text[] = "version: 1\nroles: {viewer: {services: [y]}}\n";
	static const struct {
		const char *name;
		enum ak_err (*put)(const struct paths *p, struct live *l, const char *bytes,
		    size_t len_b, struct image **im, struct diag *why);
	} rows[] = {{"replaced", live_replace_policy}, {"swapped", live_swap_policy}};
	struct diag why = DIAG_INIT;
	char prev[PATH_CAP + 8];
	struct host h;
	struct live l;

	host_make(&h, *state);
	assert_err("", AK_OK, live_previous_path(&h.paths, prev));
	for (size_t i = 0; i < N(rows); i++) {
		struct image *im = NULL;
		uint64_t id;

		file_write(prev, text, sizeof(text) - 1, 0644);
		live_load(&h.paths, &l);
		id = l.policy_id;
		assert_err(rows[i].name, AK_OK,
		    live_compile(&h.paths, &l.settings, text, sizeof(text) - 1, h.paths.policy,
			&im, NULL));
		intruded = h.paths.policy;
		assert_err(rows[i].name, AK_ERR_UNAVAILABLE,
		    rows[i].put(&h.paths, &l, text, sizeof(text) - 1, &im, &why));
		intruded = NULL;
		assert_row(rows[i].name, strstr(why.text, "another text already") != NULL);
		assert_row(rows[i].name, im != NULL && l.policy_id == id);
		assert_row(rows[i].name, file_holds(h.paths.policy, INTRUDERS));
		image_free(&im);
		live_clear(&l);
	}
}

static void
what_the_image_gives_is_what_compiling_gives(void **state)
{
	struct host h;
	struct live stored, fresh;

	host_make(&h, *state);
	host_settings(&h, "version: 1\nuid_range: 71000-71999\nhost: [one, two]\n");
	live_load(&h.paths, &fresh);
	store_old_image(&h, 3 * S);
	live_load(&h.paths, &stored);
	assert_true(stored.from_store);
	assert_int_equal(stored.settings.uids.min, 71000);
	assert_true(strv_has(stored.hosts, "one") && strv_has(stored.hosts, "two"));
	assert_int_equal(strv_count(stored.hosts), 2);
	assert_true(stored.policy_id == fresh.policy_id && stored.group_id == fresh.group_id);
	assert_true(stored.settings_id == fresh.settings_id && stored.settings_id != 0);
	assert_err("stored already", AK_OK, live_store(&h.paths, &stored, NULL));
	live_clear(&stored);
	live_clear(&fresh);
}

static void
abuse_059_an_edit_of_any_of_the_three_files_is_seen_at_once(void **state)
{
	struct host h;
	struct live l;

	host_make(&h, *state);
	host_settings(&h, "version: 1\n");
	store_old_image(&h, 3 * S);
	assert_true(is_from_store(&h));
	host_groups(&h, "root:x:0:\n");
	assert_false(is_from_store(&h));
	store_old_image(&h, 3 * S);
	assert_true(is_from_store(&h));
	host_settings(&h, "version: 1\nspace: other\n");
	assert_false(is_from_store(&h));
	store_old_image(&h, 3 * S);
	assert_true(is_from_store(&h));
	host_policy(
	    &h, "version: 1\nroles: {viewer: {services: [x]}, other: {services: [y]}}\n");
	live_load(&h.paths, &l);
	assert_false(l.from_store);
	assert_int_equal(image_count_roles(l.image), 2);
	live_clear(&l);
	store_old_image(&h, 3 * S);
	host_settings(&h, NULL);
	assert_false(is_from_store(&h));
	store_old_image(&h, 3 * S);
	host_policy(&h, NULL);
	(void)has_no_policy(&h, true);
}

static void
abuse_056_a_policy_made_writable_for_others_is_refused_though_its_image_is_stored(void **state)
{
	struct host h;

	host_make(&h, *state);
	store_old_image(&h, 3 * S);
	assert_int_equal(chmod(h.paths.policy, 0666), 0);
	assert_non_null(strstr(has_no_policy(&h, true), "nobody else may write"));
}

static void
a_damaged_image_is_compiled_anew(void **state)
{
	struct host h;
	size_t len_b;
	char *bytes;

	host_make(&h, *state);
	store_old_image(&h, 3 * S);
	bytes = file_read(h.paths.image, &len_b);
	for (size_t at = 0; at < len_b; at++) {
		bytes[at] ^= 0x20;
		file_write(h.paths.image, bytes, len_b, 0600);
		bytes[at] ^= 0x20;
		assert_false(is_from_store(&h));
	}
	for (size_t len = 0; len < len_b; len += 7) {
		file_write(h.paths.image, bytes, len, 0600);
		assert_false(is_from_store(&h));
	}
	file_write(h.paths.image, bytes, len_b, 0600);
	assert_true(is_from_store(&h));
	file_write(h.paths.image, bytes, len_b, 0620);
	assert_false(is_from_store(&h));
	assert_int_equal(unlink(h.paths.image), 0);
	assert_int_equal(mkfifo(h.paths.image, 0600), 0);
	assert_false(is_from_store(&h));
	free(bytes);
}

static void
make_writable(struct host *h, const char *path)
{
	(void)h;
	assert_int_equal(chmod(path, 0664), 0);
}

static void
make_link(struct host *h, const char *path)
{
	char moved[PATH_CAP + 8];

	(void)h;
	(void)snprintf(moved, sizeof(moved), "%s.moved", path);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(symlink(moved, path), 0);
}

static void
make_fifo(struct host *h, const char *path)
{
	(void)h;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void
make_folder(struct host *h, const char *path)
{
	(void)h;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void
make_half(struct host *h, const char *path)
{
	(void)h;
	file_write(path, "version: 1\nroles: {view", 23, 0644);
}

static void
make_empty(struct host *h, const char *path)
{
	(void)h;
	file_write(path, "version: [", 10, 0644);
}

static void
make_below_writable(struct host *h, const char *path)
{
	char folder[PATH_CAP];

	(void)h;
	(void)snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(chmod(folder, 0775), 0);
}

static void
make_anothers(struct host *h, const char *path)
{
	(void)path;
	h->paths.owner++;
}

static void
abuse_051_055_056_057_058_069_unsafe_files_give_no_policy(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct host *h, const char *path);
		bool whole_folder; /* hits both files */
	} rows[] = {
	    {"056 writable", make_writable, false},
	    {"056 of another's", make_anothers, true},
	    {"056 in a folder that others may write", make_below_writable, true},
	    {"057 a link", make_link, false},
	    {"058 half written", make_half, false},
	    {"051 no policy at all", make_empty, false},
	    {"069 a FIFO", make_fifo, false},
	    {"069 a folder", make_folder, false},
	};

	for (size_t i = 0; i < N(rows) * 2; i++) {
		bool is_policy = i % 2 == 0;
		struct host h;
		struct tmp *t;
		void *own = NULL;

		(void)state;
		assert_int_equal(tmp_setup(&own), 0);
		t = own;
		host_make(&h, t);
		host_settings(&h, "version: 1\n");
		assert_false(is_from_store(&h));
		rows[i / 2].make(&h, is_policy ? h.paths.policy : h.paths.config);
		(void)has_no_policy(&h, is_policy && !rows[i / 2].whole_folder);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

static void
abuse_052_a_role_with_a_system_group_is_refused_with_its_place(void **state)
{
	struct host h;
	struct live l;

	host_make(&h, *state);
	host_policy(
	    &h, "version: 1\nroles: {viewer: {services: [sshd], unix_groups: [sudo]}}\n");
	live_load(&h.paths, &l);
	assert_null(l.image);
	assert_string_equal(l.problem.file, h.paths.policy);
	assert_int_equal(l.problem.line, 2);
	live_clear(&l);
	host_groups(&h, "sudo:x:1027:\n");
	assert_false(is_from_store(&h));
}

static void
without_a_name_in_the_settings_the_host_is_called_as_uname_says(void **state)
{
	struct host h;
	struct live l;
	struct utsname u;

	assert_int_equal(uname(&u), 0);
	host_make(&h, *state);
	live_load(&h.paths, &l);
	assert_true(strv_valid(l.hosts));
	assert_true(strv_has(l.hosts, u.nodename));
	u.nodename[strcspn(u.nodename, ".")] = '\0';
	assert_true(u.nodename[0] == '\0' || strv_has(l.hosts, u.nodename));
	live_clear(&l);
}

static void
a_local_groups_gid_is_the_one_of_etc_group(void **state)
{
	struct tmp *t = *state;
	const char *path = tmp_path(t, "group");
	char *large;
	size_t len;
	uint32_t gid = 0;

	assert_err("no file", AK_ERR_NOT_FOUND, live_local_gid(path, "a", &gid));
	large = malloc(400000);
	assert_non_null(large);
	len = (size_t)sprintf(large, "# a comment\n\nbroken line\nab:x:1:\nlarge:x:2000:m");
	for (unsigned i = 0; i < 30000; i++)
		len += (size_t)sprintf(large + len, ",m%u", i);
	len += (size_t)sprintf(large + len, "\na:x:1001:b\na:x:1002:\nlast:x:1003:");
	file_write(path, large, len, 0644);
	free(large);
	assert_err("", AK_OK, live_local_gid(path, "a", &gid));
	assert_int_equal(gid, 1001);
	assert_err("", AK_OK, live_local_gid(path, "large", &gid));
	assert_int_equal(gid, 2000);
	assert_err("no newline", AK_OK, live_local_gid(path, "last", &gid));
	assert_int_equal(gid, 1003);
	assert_err("", AK_ERR_NOT_FOUND, live_local_gid(path, "b", &gid));
	assert_err("", AK_ERR_NOT_FOUND, live_local_gid(path, "A", &gid));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_err("unreadable", AK_ERR_UNAVAILABLE, live_local_gid(path, "a", &gid));
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_host_without_settings_has_the_defaults),
	    T(abuse_061_without_a_policy_there_is_none_and_a_sentence),
	    T(abuse_058_172_an_image_is_trusted_two_seconds_after_the_last_edit),
	    T(abuse_172_the_last_edit_of_each_of_the_three_files_counts),
	    T(abuse_058_what_was_written_within_two_seconds_may_be_half_saved),
	    T(a_policy_that_is_none_is_never_trusted),
	    T(the_stored_image_is_trusted_at_once),
	    T(abuse_058_a_file_that_has_just_gone_may_be_half_saved),
	    T(a_policy_that_has_just_gone_is_not_trusted_and_soon_asked_again),
	    T(abuse_058_another_group_file_than_was_looked_at_is_not_trusted),
	    T(abuse_172_what_apply_has_put_there_is_trusted_at_once),
	    T(no_image_is_stamped_with_what_it_was_not_made_from),
	    T(what_the_image_gives_is_what_compiling_gives),
	    T(abuse_059_an_edit_of_any_of_the_three_files_is_seen_at_once),
	    T(abuse_056_a_policy_made_writable_for_others_is_refused_though_its_image_is_stored),
	    T(a_damaged_image_is_compiled_anew),
	    T(abuse_051_055_056_057_058_069_unsafe_files_give_no_policy),
	    T(abuse_052_a_role_with_a_system_group_is_refused_with_its_place),
	    T(without_a_name_in_the_settings_the_host_is_called_as_uname_says),
	    T(a_local_groups_gid_is_the_one_of_etc_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
