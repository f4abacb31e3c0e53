/* The model as files, and back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index.h"
#include "model.h"
#include "snapshot.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_ldap.h"
#include "testlib_tmp.h"

#define NOW INT64_C(1800000000)

struct world {
	struct paths paths;
	struct model *m;
	struct snapshot s;
	struct diag why;
};

static void
world_make(struct world *w, struct tmp *tmp)
{
	*w = (struct world){.m = model_new()};
	assert_non_null(w->m);
	assert_err("", AK_OK, paths_under(tmp->dir, tmp->dir, geteuid(), &w->paths));
}

static struct model_changes
settle(struct world *w)
{
	struct model_changes changes;
	struct ldap_host host;

	ldap_host_start(&host);
	ldap_host_local(&host, 0, "local", 70000, "L000000000");
	host.settings.directory.uids.max = FIRST_UID + 1000;
	assert_err("", AK_OK, model_settle(w->m, ldap_host_look(&host), &changes));
	assert_int_equal(host.n_skipped, 0);
	ldap_host_end(&host);
	return changes;
}

/* values: by slot, one each; NULL: none. */
static void
put(struct world *w, enum directory_search_id search, unsigned char uuid, const char *dn,
    const char *const values[SLOT_COUNT])
{
	struct directory_entry e = {.search = search, .uuid = {uuid}, .dn = dn};

	for (unsigned s = 1; s < SLOT_COUNT; s++)
		if (values[s] != NULL)
			e.values[s] = (struct strv){values[s], strlen(values[s]) + 1};
	assert_err("", AK_OK, model_put(w->m, &e));
}

static void
put_key(struct world *w, unsigned char uuid, const char *name, const char *id, const char *uid)
{
	put(w, DIRECTORY_KEYS, uuid, name,
	    (const char *const[SLOT_COUNT]){
		[SLOT_NAME] = name, [SLOT_KEY_ID] = id, [SLOT_KEY_UID] = uid});
}

static void
put_group(struct world *w, unsigned char uuid, const char *name, const char *member)
{
	put(w, DIRECTORY_GROUPS, uuid, name,
	    (const char *const[SLOT_COUNT]){
		[SLOT_NAME] = name, [SLOT_MEMBER_NAME] = member, [SLOT_BINDING] = "viewer"});
}

static void
set_cookie(struct world *w, enum directory_search_id s, const char *text)
{
	assert_err(
	    "", AK_OK, model_set_cookie(w->m, s, (const unsigned char *)text, strlen(text)));
}

/* Two keys, two groups, a principal of the host's key: one entry that two searches find. */
static void
fill(struct world *w)
{
	put_key(w, 1, "dora", "A000000001", "1879048192");
	put_key(w, 2, "emil", "A000000002", "1879048200");
	put_group(w, 3, "staff", "dora");
	put_group(w, 4, "ops", "local");
	put(w, DIRECTORY_PRINCIPALS, 4, "cn=l",
	    (const char *const[SLOT_COUNT]){[SLOT_NAME] = "Local"});
	set_cookie(w, DIRECTORY_KEYS, "k1");
	set_cookie(w, DIRECTORY_GROUPS, "g1");
	set_cookie(w, DIRECTORY_PRINCIPALS, "p1");
}

static void
write_all(struct world *w)
{
	struct model_changes changes = settle(w);

	assert_true(changes.keys && changes.groups);
	assert_err("", AK_OK, snapshot_write(&w->paths, w->m, &changes, NOW, &w->s, &w->why));
}

static bool
has_cookie(const struct world *w, enum directory_search_id s, const char *text)
{
	size_t len_b;
	const unsigned char *c = model_borrow_cookie(w->m, s, &len_b);

	return len_b == strlen(text) && (len_b == 0 || memcmp(c, text, len_b) == 0);
}

static void
load(struct world *w)
{
	model_free(&w->m);
	w->m = model_new();
	assert_non_null(w->m);
	w->why = DIAG_INIT;
	assert_err("", AK_OK, snapshot_load(&w->paths, w->m, &w->s, &w->why));
}

static void
keys_and_memberships_are_found_by_logins(void **state)
{
	struct world w;
	struct index ix;
	struct index_record raw;
	struct key_record k;
	struct strv groups, bindings;
	struct record_key by[] = {record_key_text(RECORD_NAME, "dora"),
	    record_key_text(RECORD_ID, "A000000001"), record_key_number(RECORD_UID, FIRST_UID)};
	static const struct {
		const char *name, *group; /* NULL: no record; "": none */
	} rows[] = {{"dora", "staff"}, {"emil", ""}, {"local", "ops"}, {"nobody", NULL}};

	world_make(&w, *state);
	fill(&w);
	write_all(&w);
	assert_err("", AK_OK, index_open(w.paths.directory_keys, geteuid(), &ix));
	for (size_t i = 0; i < 3; i++) {
		assert_err("", AK_OK, index_find(&ix, by[i].bytes, by[i].len_b, &raw));
		assert_err(
		    "", AK_OK, key_record_unpack(raw.view.value, raw.view.value_len_b, &k));
		assert_int_equal(k.uid, FIRST_UID);
		assert_string_equal(k.home, "");
		assert_string_equal(k.shell, "");
		index_record_clear(&raw);
	}
	assert_int_equal(ix.head.built_at, NOW);
	index_close(&ix);
	assert_err("", AK_OK, index_open(w.paths.directory_groups, geteuid(), &ix));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record_key n = record_key_text(RECORD_NAME, rows[i].name);

		assert_err(rows[i].name, rows[i].group == NULL ? AK_ERR_NOT_FOUND : AK_OK,
		    index_find(&ix, n.bytes, n.len_b, &raw));
		if (rows[i].group == NULL)
			continue;
		assert_err(rows[i].name, AK_OK,
		    membership_unpack(raw.view.value, raw.view.value_len_b, &groups, &bindings));
		assert_row(rows[i].name, strv_count(groups) == (rows[i].group[0] != '\0'));
		assert_row(rows[i].name,
		    rows[i].group[0] == '\0' ||
			(strv_has(groups, rows[i].group) && strv_has(bindings, "viewer")));
		index_record_clear(&raw);
	}
	index_close(&ix);
	model_free(&w.m);
}

static void
what_was_written_is_loaded_and_comes_to_the_same(void **state)
{
	struct world w;
	struct snapshot before;
	struct model_changes changes;

	world_make(&w, *state);
	fill(&w);
	write_all(&w);
	before = w.s;
	load(&w);
	assert_string_equal(w.why.text, "");
	assert_memory_equal(&w.s, &before, sizeof(before));
	assert_int_equal(w.s.keys.generation, 1);
	assert_int_equal(w.s.groups_built_at, NOW);
	assert_int_equal(model_count(w.m, DIRECTORY_KEYS), 2);
	assert_int_equal(model_count(w.m, DIRECTORY_GROUPS), 2);
	assert_int_equal(model_count(w.m, DIRECTORY_PRINCIPALS), 1);
	assert_true(has_cookie(&w, DIRECTORY_KEYS, "k1"));
	assert_true(has_cookie(&w, DIRECTORY_GROUPS, "g1"));
	assert_true(has_cookie(&w, DIRECTORY_PRINCIPALS, "p1"));
	changes = settle(&w);
	assert_int_equal(changes.n_uids, 3);
	model_free(&w.m);
}

static void
only_the_file_that_differs_is_written_and_generations_count_up(void **state)
{
	struct world w;
	struct model_changes changes;

	world_make(&w, *state);
	fill(&w);
	write_all(&w);
	put_group(&w, 3, "crew", "dora");
	changes = settle(&w);
	assert_true(changes.groups && !changes.keys);
	assert_err("", AK_OK, snapshot_write(&w.paths, w.m, &changes, NOW, &w.s, &w.why));
	assert_int_equal(w.s.groups.generation, 2);
	assert_int_equal(w.s.keys.generation, 1);
	load(&w);
	assert_int_equal(w.s.groups.generation, 2);
	assert_int_equal(w.s.keys.generation, 1);
	put_key(&w, 2, "emil", "A000000002", "1879048201");
	write_all(&w);
	assert_int_equal(w.s.groups.generation, 3);
	assert_int_equal(w.s.keys.generation, 2);
	model_free(&w.m);
}

/* Each byte of a file in turn is another one: nothing, or all of its searches. */
static void
damage_each_byte(struct world *w, const char *path, const char *name, bool keys)
{
	size_t len_b;
	char *bytes = file_read(path, &len_b);

	assert_non_null(bytes);
	for (size_t i = 0; i < len_b; i++) {
		size_t n, wanted = keys ? 2 : 3;

		bytes[i] ^= 0x10;
		file_write(path, bytes, len_b, 0600);
		bytes[i] ^= 0x10;
		load(w);
		n = keys ? model_count(w->m, DIRECTORY_KEYS)
			 : model_count(w->m, DIRECTORY_GROUPS) +
			       model_count(w->m, DIRECTORY_PRINCIPALS);
		assert_true(n == 0 || n == wanted);
		assert_true((n == 0) == (w->why.text[0] != '\0'));
		assert_true(n != 0 || strstr(w->why.text, name) != NULL);
		assert_true(n != 0 || strstr(w->why.text, "fetched anew") != NULL);
		assert_true(has_cookie(w, keys ? DIRECTORY_KEYS : DIRECTORY_GROUPS,
		    n == 0 ? ""
		    : keys ? "k1"
			   : "g1"));
		/* The other file is as it was. */
		assert_int_equal(model_count(w->m, keys ? DIRECTORY_GROUPS : DIRECTORY_KEYS), 2);
	}
	file_write(path, bytes, len_b, 0600);
	free(bytes);
}

static void
a_damaged_file_is_forgotten_as_a_whole_and_says_so(void **state)
{
	struct world w;

	world_make(&w, *state);
	fill(&w);
	write_all(&w);
	damage_each_byte(&w, w.paths.directory_keys, "directory-keys.idx", true);
	damage_each_byte(&w, w.paths.directory_groups, "directory-groups.idx", false);
	model_free(&w.m);
}

static void
missing_files_are_an_empty_model(void **state)
{
	struct world w;

	world_make(&w, *state);
	load(&w);
	assert_non_null(strstr(w.why.text, "directory-keys.idx"));
	assert_non_null(strstr(w.why.text, "directory-groups.idx"));
	assert_int_equal(w.s.keys.generation, 0);
	assert_int_equal(model_count(w.m, DIRECTORY_KEYS), 0);
	model_free(&w.m);
}

static void
what_a_killed_writer_left_beside_is_removed(void **state)
{
	struct world w;
	const char *names[] = {".directory-keys.idx.new", ".directory-groups.idx.new"};

	world_make(&w, *state);
	for (size_t i = 0; i < 2; i++)
		file_write(tmp_path(*state, names[i]), "half", 4, 0600);
	load(&w);
	for (size_t i = 0; i < 2; i++)
		assert_row(names[i], !file_is_there(tmp_path(*state, names[i])));
	model_free(&w.m);
}

/* Whole by its checksums, but of the other file's entries. */
static void
an_entry_of_another_search_is_damage_too(void **state)
{
	struct world w;
	size_t len_b;
	char *groups;

	world_make(&w, *state);
	fill(&w);
	/* Without cookies: those are found out too. */
	for (int search = DIRECTORY_KEYS; search <= DIRECTORY_PRINCIPALS; search++)
		set_cookie(&w, (enum directory_search_id)search, "");
	write_all(&w);
	groups = file_read(w.paths.directory_groups, &len_b);
	file_write(w.paths.directory_keys, groups, len_b, 0600);
	free(groups);
	load(&w);
	assert_non_null(strstr(w.why.text, "directory-keys.idx"));
	assert_null(strstr(w.why.text, "directory-groups.idx"));
	assert_int_equal(model_count(w.m, DIRECTORY_KEYS), 0);
	assert_int_equal(model_count(w.m, DIRECTORY_GROUPS), 2);
	assert_true(has_cookie(&w, DIRECTORY_KEYS, ""));
	model_free(&w.m);
}

static void
a_folder_that_cannot_be_written_leaves_what_stands(void **state)
{
	struct world w;
	struct model_changes changes;
	struct snapshot before;

	world_make(&w, *state);
	fill(&w);
	write_all(&w);
	before = w.s;
	put_group(&w, 3, "crew", "dora");
	changes = settle(&w);
	assert_err("", AK_OK,
	    text_copy(w.paths.directory_groups, sizeof(w.paths.directory_groups),
		"/proc/none/directory-groups.idx"));
	assert_err(
	    "", AK_ERR_UNAVAILABLE, snapshot_write(&w.paths, w.m, &changes, NOW, &w.s, &w.why));
	assert_memory_equal(&w.s, &before, sizeof(before));
	assert_string_not_equal(w.why.text, "");
	model_free(&w.m);
}

/* What is written is not written again, by whoever tries again for the rest. */
static void
of_two_files_one_may_fail(void **state)
{
	struct world w;
	struct model_changes due = {.keys = true, .groups = true};

	world_make(&w, *state);
	fill(&w);
	(void)settle(&w);
	assert_err("", AK_OK,
	    text_copy(w.paths.directory_keys, sizeof(w.paths.directory_keys),
		"/proc/none/directory-keys.idx"));
	assert_err(
	    "", AK_ERR_UNAVAILABLE, snapshot_write(&w.paths, w.m, &due, NOW, &w.s, &w.why));
	assert_true(due.keys);
	assert_false(due.groups);
	assert_int_not_equal(w.s.groups.generation, 0);
	model_free(&w.m);
}

static void
loading_and_writing_without_memory_are_said(void **state)
{
	struct world w;
	struct model_changes changes;
	enum ak_err err;

	world_make(&w, *state);
	fill(&w);
	(void)settle(&w);
	for (unsigned n = 1;; n++) {
		changes = (struct model_changes){.keys = true, .groups = true};
		alloc_fail_nth(n);
		err = snapshot_write(&w.paths, w.m, &changes, NOW, &w.s, &w.why);
		if (!alloc_stop())
			break;
		assert_true(err == AK_OK || err == AK_ERR_NOMEM);
	}
	assert_err("", AK_OK, err);
	for (unsigned n = 1;; n++) {
		model_free(&w.m);
		w.m = model_new();
		alloc_fail_nth(n);
		err = snapshot_load(&w.paths, w.m, &w.s, &w.why);
		if (!alloc_stop())
			break;
		/* A hash table that can't grow goes on as it is. */
		assert_true(err == AK_ERR_NOMEM ||
			    (err == AK_OK && model_count(w.m, DIRECTORY_KEYS) == 2 &&
				has_cookie(&w, DIRECTORY_GROUPS, "g1")));
	}
	assert_err("", AK_OK, err);
	assert_int_equal(model_count(w.m, DIRECTORY_KEYS), 2);
	model_free(&w.m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(keys_and_memberships_are_found_by_logins),
	    T(what_was_written_is_loaded_and_comes_to_the_same),
	    T(only_the_file_that_differs_is_written_and_generations_count_up),
	    T(a_damaged_file_is_forgotten_as_a_whole_and_says_so),
	    T(missing_files_are_an_empty_model),
	    T(what_a_killed_writer_left_beside_is_removed),
	    T(an_entry_of_another_search_is_damage_too),
	    T(a_folder_that_cannot_be_written_leaves_what_stands),
	    T(of_two_files_one_may_fail),
	    T(of_two_files_one_may_fail),
	    T(loading_and_writing_without_memory_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
