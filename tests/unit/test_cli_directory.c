/* --in directory: keys in LDAP, by the same verbs: who else works there, what is refused, whom the command binds as. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dirtext.h"
#include "freshness.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

#define IN "--in", "directory"

/* The pretence finds by any filter; one that is narrower than all keys shows those of ops alone. */
struct narrow {
	const struct dirserver_search *s;
	dirserver_take_fn *take;
	void *ctx;
};

static enum ak_err
take_narrow(void *ctx, const struct directory_entry *e, const char *version, struct diag *why)
{
	const struct narrow *n = ctx;

	if (strcmp(n->s->filter, "(objectClass=apikeyKey)") != 0 &&
	    !strv_has(e->values[SLOT_KEY_OWNER], "ops"))
		return AK_OK;
	return n->take(n->ctx, e, version, why);
}

static enum ak_err
search_narrow(void *server, const struct dirserver_search *s, dirserver_take_fn *take,
    void *ctx, struct diag *why)
{
	struct narrow n = {.s = s, .take = take, .ctx = ctx};

	return fake_dirserver.search(server, s, take_narrow, &n, why);
}

static enum ak_err
read_counter(
    void *server, const char *dn, const char *attribute, uint64_t *number, struct diag *why)
{
	const struct fake_directory *d = server;

	(void)why;
	assert_string_equal(attribute, "apikeyNextUid");
	if (d->next_uid == 0 || strcmp(dn, FAKE_COUNTER) != 0)
		return AK_ERR_NOT_FOUND;
	*number = d->next_uid;
	return AK_OK;
}

static struct dirserver_calls served;

static void
make(struct cli_test *t, void **state)
{
	cli_test_make(t, state);
	served = fake_dirserver;
	served.search = search_narrow;
	served.read = read_counter;
	t->cli.host.directory = &served;
	host_settings(&t->host, CLI_DIRECTORY_SETTINGS);
	t->directory.next_uid = DIRECTORY_UID;
}

static void
done(struct cli_test *t)
{
	assert_int_equal(t->directory.opened, t->directory.closed);
	fake_clear(&t->directory);
	cli_test_clear(t);
}

static void
a_key_is_made_changed_and_ended_there(void **state)
{
	struct cli_test t;

	make(&t, state);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", "--role", "viewer", "--duration",
	    "30d", IN);
	assert_member(&t, "source", "\"directory\"");
	assert_member(&t, "uid", "1879048192");
	assert_member(&t, "home", "\"/home/a\"");
	assert_string_equal(fake_value(&t.directory, "a", SLOT_BINDING), "viewer");
	assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_CREATED_BY), "alice");
	assert_non_null(strstr(t.log, "event=key-created"));
	assert_non_null(strstr(t.log, "source=directory"));
	/* Not a byte of this host's. */
	assert_int_equal(cli_test_generation(&t), 0);

	assert_run(&t, CLI_DONE, NULL, "set", "a", "--owner", "bob", "--role", "", IN);
	assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_OWNER), "bob");
	assert_null(fake_value(&t.directory, "a", SLOT_BINDING));
	assert_run(&t, CLI_DONE, NULL, "role", "add", "a", "viewer:spaces:staging", IN);
	assert_string_equal(
	    fake_value(&t.directory, "a", SLOT_BINDING), "viewer:spaces:staging");
	assert_run(&t, CLI_DONE, NULL, "role", "remove", "a", "viewer:spaces:staging", IN);
	assert_null(fake_value(&t.directory, "a", SLOT_BINDING));
	assert_run(&t, CLI_DONE, NULL, "group", "add", "a", "Domain Users", IN);
	assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_GROUP), "Domain Users");
	assert_run(&t, CLI_DONE, NULL, "group", "remove", "a", "Domain Users", IN);
	assert_null(fake_value(&t.directory, "a", SLOT_KEY_GROUP));
	assert_run(&t, CLI_DONE, NULL, "rotate", "a", IN);
	assert_member(&t, "secrets.0.number", "2");
	assert_member(&t, "secrets.1", "(none)");
	assert_int_equal(strncmp(fake_value(&t.directory, "a", SLOT_KEY_VERIFIER), "2 ", 2), 0);
	assert_run(&t, CLI_DONE, NULL, "disable", "a", IN);
	assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_STATE), "disabled");
	assert_run(&t, CLI_DONE, NULL, "enable", "a", IN);
	assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_STATE), "active");
	assert_run(&t, CLI_DONE, NULL, "list", IN, "-o", "json");
	assert_member(&t, "0.name", "\"a\"");
	assert_member(&t, "0.source", "\"directory\"");
	assert_run(&t, CLI_DONE, NULL, "delete", "a", IN);
	assert_null(fake_value(&t.directory, "a", SLOT_NAME));
	assert_run(&t, CLI_REFUSED, "the directory has no key `a'", "show", "a", IN);
	done(&t);
}

static void
ensure_makes_it_once_and_writes_no_more_than_it_must(void **state)
{
	struct cli_test t;
	unsigned written;

	make(&t, state);
	assert_run(&t, CLI_DONE, "", "ensure", "a", "--role", "viewer", "--duration", "9d", IN);
	written = t.directory.written;
	assert_run(
	    &t, CLI_DONE, NULL, "ensure", "a", "--role", "viewer", "--duration", "9d", IN);
	assert_member(&t, "changed", "false");
	assert_int_equal(t.directory.written, written);
	assert_run(&t, CLI_DONE, NULL, "ensure", "a", "--owner", "bob", IN);
	assert_member(&t, "changed", "true");
	assert_int_equal(t.directory.written, written + 1);
	done(&t);
}

static void
disable_it(struct fake_directory *d)
{
	struct key_record k = directory_key("a", DIRECTORY_UID);

	k.state = KEY_DISABLED;
	fake_put(d, &k);
}

static void
drop_it(struct fake_directory *d)
{
	fake_drop(d, "a");
}

static void
what_somebody_else_changed_is_never_overwritten(void **state)
{
	static const char *const says = "a was changed meanwhile by somebody else";
	struct key_record a = directory_key("a", DIRECTORY_UID);
	struct cli_test t;

	make(&t, state);
	for (int versions = 0; versions < 2; versions++) {
		t.directory.no_versions = versions == 0;
		fake_put(&t.directory, &a);
		t.directory.meanwhile = disable_it;
		assert_run(&t, CLI_REFUSED, says, "disable", "a", IN);
		fake_put(&t.directory, &a);
		t.directory.meanwhile = drop_it;
		assert_run(&t, CLI_REFUSED, says, "set", "a", "--owner", "x", IN);
		assert_null(fake_value(&t.directory, "a", SLOT_NAME));
		fake_put(&t.directory, &a);
		t.directory.meanwhile = drop_it;
		assert_run(&t, CLI_REFUSED, says, "delete", "a", IN);
	}
	/* Another attribute: only a server that has versions can tell. */
	fake_put(&t.directory, &a);
	t.directory.meanwhile = disable_it;
	assert_run(&t, CLI_REFUSED, says, "set", "a", "--owner", "x", IN);
	assert_null(fake_value(&t.directory, "a", SLOT_KEY_OWNER));
	assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_STATE), "disabled");
	assert_string_equal(t.log, "");
	done(&t);
}

static void
of_several_those_are_logged_that_were_written(void **state)
{
	struct key_record a = directory_key("a", DIRECTORY_UID);
	struct key_record b = directory_key("b", DIRECTORY_UID + 1);
	struct cli_test t;

	make(&t, state);
	fake_put(&t.directory, &a);
	fake_put(&t.directory, &b);
	t.directory.meanwhile = drop_it;
	assert_run(&t, CLI_REFUSED, "a was changed meanwhile", "disable", "b", "a", IN);
	assert_string_equal(fake_value(&t.directory, "b", SLOT_KEY_STATE), "disabled");
	assert_non_null(strstr(t.log, "key=b"));
	assert_null(strstr(t.log, "key=a"));
	done(&t);
}

/* One of the two alone would become unique, and so a login. */
static void
two_keys_that_share_a_uid_or_an_id_are_each_changed(void **state)
{
	struct key_record a = directory_key("a", DIRECTORY_UID), b[2];
	struct cli_test t;

	make(&t, state);
	b[0] = directory_key("b", DIRECTORY_UID + 1);
	b[0].uid = a.uid;
	b[1] = directory_key("b", DIRECTORY_UID + 1);
	memcpy(b[1].id, a.id, sizeof(a.id));
	for (size_t i = 0; i < 2; i++) {
		t.log[0] = '\0';
		fake_put(&t.directory, &a);
		fake_put(&t.directory, &b[i]);
		assert_run(&t, CLI_DONE, NULL, "disable", "a", "b", "a", IN);
		assert_string_equal(fake_value(&t.directory, "a", SLOT_KEY_STATE), "disabled");
		assert_string_equal(fake_value(&t.directory, "b", SLOT_KEY_STATE), "disabled");
		assert_non_null(strstr(t.log, "event=key-disabled key=b"));
		assert_run(&t, CLI_DONE, NULL, "delete", "a", "b", "a", IN);
		assert_null(fake_value(&t.directory, "a", SLOT_NAME));
		assert_null(fake_value(&t.directory, "b", SLOT_NAME));
		assert_non_null(strstr(t.log, "event=key-deleted key=b"));
	}
	done(&t);
}

static void
make_it(struct fake_directory *d)
{
	struct key_record k = directory_key("a", DIRECTORY_UID + 5);

	fake_put(d, &k);
}

static void
a_name_is_taken_once(void **state)
{
	struct key_record mine = key_make("mine", 70000), seen;
	struct cli_test t;

	make(&t, state);
	/* By another administrator, between the look and the writing. */
	t.directory.meanwhile = make_it;
	assert_run(&t, CLI_REFUSED, "there is a key a in the directory already", "create",
	    "--name", "a", IN);
	assert_string_equal(t.out, "");
	assert_run(&t, CLI_REFUSED,
	    "there is a key a already: see `apikey show a --in directory`", "create", "--name",
	    "a", IN);
	t.user = "daemon";
	t.user_uid = 1;
	assert_run(&t, CLI_REFUSED, "has a user daemon", "create", "--name", "daemon", IN);
	assert_int_equal(host_put(&t.host, &mine), AK_OK);
	assert_run(&t, CLI_REFUSED, "this host has a key mine of its own", "create", "--name",
	    "mine", IN);
	assert_run(&t, CLI_REFUSED, "mine is a key of this host alone: leave out --in",
	    "disable", "mine", IN);
	/* And the other way round, as far as the snapshot knows. */
	seen = directory_key("seen", DIRECTORY_UID + 1);
	(void)directory_write_keys(&t.host.paths, &seen, 1, HOST_NOW);
	assert_int_equal(host_publish(&t.host, HOST_NOW), AK_OK);
	assert_run(&t, CLI_REFUSED, "there is a key seen in the directory", "create", "--name",
	    "seen");
	assert_run(&t, CLI_REFUSED, "there is a key seen in the directory", "ensure", "seen");
	assert_run(&t, CLI_REFUSED, "seen lives in the directory: add --in directory",
	    "disable", "seen");
	assert_run(&t, CLI_REFUSED, "seen lives in the directory: add --in directory", "role",
	    "add", "seen", "viewer");
	done(&t);
}

static void
uids_are_counted_and_taken_ones_passed_over(void **state)
{
	struct key_record other = directory_key("other", DIRECTORY_UID);
	struct cli_test t;

	make(&t, state);
	fake_put(&t.directory, &other);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", IN);
	assert_member(&t, "uid", "1879048193");
	t.directory.next_uid = DIRECTORY_UID + 7;
	assert_run(&t, CLI_DONE, "", "create", "--name", "b", IN);
	assert_member(&t, "uid", "1879048199");
	assert_run(&t, CLI_FAILED, "no uid is left in 1879048192-1879048199", "create",
	    "--name", "c", IN);
	t.directory.next_uid = 5;
	assert_run(&t, CLI_REFUSED, "stands at 5, below", "create", "--name", "c", IN);
	t.directory.next_uid = 0;
	assert_run(&t, CLI_REFUSED,
	    "`dn: cn=uids,dc=x', `objectClass: apikeyCounter', `cn: uids', `apikeyNextUid: "
	    "1879048192'",
	    "create", "--name", "c", IN);
	assert_run(&t, CLI_REFUSED, "`apikeyNextUid: 1879048192'", "create", "--name", "c",
	    "--uid", "1879048196", IN);
	/* By name: within the range, never counted, and free, here too. */
	t.directory.next_uid = DIRECTORY_UID + 5;
	assert_run(&t, CLI_REFUSED, "uid 1879048196 may have been a deleted key's", "create",
	    "--name", "c", "--uid", "1879048196", IN);
	t.directory.next_uid = DIRECTORY_UID + 4;
	assert_run(&t, CLI_DONE, "", "create", "--name", "c", "--uid", "1879048196", IN);
	assert_run(&t, CLI_REFUSED, "uid 1879048196 is another key's", "create", "--name", "d",
	    "--uid", "1879048196", IN);
	assert_run(&t, CLI_REFUSED, "is not in directory.uid_range", "create", "--name", "d",
	    "--uid", "70000", IN);
	t.taken = 1879048197;
	assert_run(&t, CLI_REFUSED, "is a user's or group's of this host", "create", "--name",
	    "d", "--uid", "1879048197", IN);
	done(&t);
}

static void
what_keys_have_that_this_host_does_not_see_is_taken(void **state)
{
	static const char narrow[] =
	    "version: 1\nhost: bastion-1\ncreate_home: false\nshell: /bin/sh\n"
	    "directory:\n"
	    "  uris: ['ldapi:///']\n"
	    "  uid_range: 1879048192-1879048199\n"
	    "  counter: 'cn=uids,dc=x'\n"
	    "  keys: {base: 'ou=keys,dc=x', filter: '(apikeyOwner=ops)'}\n";
	struct key_record other = directory_key("other", DIRECTORY_UID + 1);
	char verifier[DIRTEXT_SECRET_CAP];
	struct cli_test t;

	make(&t, state);
	host_settings(&t.host, narrow);
	assert_run(&t, CLI_DONE, NULL, "token", "new", "--id", other.id, "-o", "json");
	assert_int_equal(sscanf(cli_test_member(&t, "verifier"), "\"%255[^\"]", verifier), 1);
	fake_put(&t.directory, &other);
	t.directory.next_uid = DIRECTORY_UID + 1;
	assert_run(&t, CLI_REFUSED, "the directory has no key `other'", "show", "other", IN);
	assert_run(&t, CLI_REFUSED, "uid 1879048193 is another key's", "create", "--name", "a",
	    "--uid", "1879048193", IN);
	assert_run(&t, CLI_REFUSED, "is another entry's in the directory", "create", "--name",
	    "a", "--verifier", verifier, IN);
	assert_run(&t, CLI_DONE, "", "create", "--name", "a", IN);
	assert_member(&t, "uid", "1879048194");
	done(&t);
}

static void
what_the_host_would_not_honour_is_not_written(void **state)
{
	struct key_record a = directory_key("a", DIRECTORY_UID);
	struct cli_test t;

	make(&t, state);
	fake_put(&t.directory, &a);
	assert_run(&t, CLI_REFUSED, "the role editor may not come through the directory",
	    "create", "--name", "b", "--role", "editor", IN);
	assert_run(&t, CLI_REFUSED, "the role editor may not come through the directory", "set",
	    "a", "--role", "editor:spaces:staging", IN);
	assert_run(&t, CLI_REFUSED, "the role admin may not come through the directory", "role",
	    "add", "a", "admin", IN);
	assert_run(&t, CLI_REFUSED, "declares no role", "role", "add", "a", "nope", IN);
	assert_run(&t, CLI_USAGE, "leave out --home and --shell", "create", "--name", "b",
	    "--home", "/x", IN);
	assert_run(&t, CLI_USAGE, "leave out --home and --shell", "set", "a", "--shell",
	    "/bin/sh", IN);
	assert_int_equal(t.directory.written, 0);
	done(&t);
}

static void
two_entries_of_one_name_are_neither(void **state)
{
	struct key_record a = directory_key("a", DIRECTORY_UID);
	struct cli_test t;

	make(&t, state);
	fake_put(&t.directory, &a);
	fake_put(&t.directory, &a);
	t.directory.entries[1] = t.directory.entries[0];
	memset(t.directory.entries[1].values, 0, sizeof(t.directory.entries[1].values));
	pack_entry(&t.directory.entries[1].values[SLOT_NAME], "a");
	(void)snprintf(t.directory.entries[1].dn, 256, "apikeyName=a,ou=x,%s", FAKE_BASE);
	assert_run(&t, CLI_REFUSED, "two entries are that key", "disable", "a", IN);
	fake_drop(&t.directory, "a");
	/* One that is no whole key. */
	assert_run(&t, CLI_REFUSED, "is no key that can be used: apikeyId is missing",
	    "disable", "a", IN);
	assert_run(&t, CLI_DONE, "1 entries are no whole keys", "list", IN);
	done(&t);
}

static void
outages_and_refusals_are_not_the_same(void **state)
{
	struct cli_test t;

	make(&t, state);
	t.directory.away = 1;
	assert_run(&t, CLI_DONE, NULL, "list", IN);
	assert_string_equal(t.directory.uri, "ldapi://%2Fother");
	t.directory.away = 2;
	assert_run(&t, CLI_FAILED, "can't be reached", "list", IN);
	assert_run(&t, CLI_FAILED, "can't be reached", "create", "--name", "a", IN);
	t.directory.away = 0;
	t.directory.refuses = true;
	assert_run(&t, CLI_REFUSED, "the bind failed", "create", "--name", "a", IN);
	t.directory.refuses = false;
	t.directory.no_base = true;
	assert_run(&t, CLI_REFUSED, "shows no entry " FAKE_BASE, "create", "--name", "a", IN);
	assert_run(&t, CLI_REFUSED, "shows no entry " FAKE_BASE, "list", IN);
	host_settings(&t.host, CLI_SETTINGS);
	assert_run(&t, CLI_REFUSED, "names no directory for keys", "list", IN);
	host_settings(&t.host, "version: 1\nnope: 1\n");
	assert_run(&t, CLI_FAILED, "nope", "disable", "a", IN);
	done(&t);
}

static void
the_command_binds_as_it_is_told(void **state)
{
	static const char dn[] = "cn=me";
	const char *file;
	struct cli_test t;

	make(&t, state);
	file = tmp_path(t.tmp, "pw");
	file_write(file, "s3cret\n", 7, 0600);
	assert_run(&t, CLI_DONE, NULL, "list", IN);
	assert_int_equal(t.directory.login.bind, DIRSERVER_EXTERNAL);
	assert_run(&t, CLI_DONE, NULL, "list", IN, "-D", dn, "-y", file);
	assert_int_equal(t.directory.login.bind, DIRSERVER_SIMPLE);
	assert_string_equal(t.directory.dn, dn);
	assert_string_equal(t.directory.password, "s3cret");
	t.input = "typed\n";
	assert_run(&t, CLI_DONE, NULL, "list", IN, "-D", dn, "-W");
	assert_string_equal(t.directory.password, "typed");
	assert_run(&t, CLI_DONE, NULL, "list", IN, "-Y", "gssapi", "-H", "ldap://there");
	assert_int_equal(t.directory.login.bind, DIRSERVER_GSSAPI);
	assert_string_equal(t.directory.uri, "ldap://there");
	done(&t);
}

static void
a_bind_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *words[8];
		int code;
		const char *says;
	} rows[] = {
	    {{"list", "--in", "nowhere"}, CLI_USAGE, "--in is local or directory"},
	    {{"list", "-W"}, CLI_USAGE, "add --in directory, or leave them out"},
	    {{"show", "a", "--in", "local", "-H", "ldapi:///"}, CLI_USAGE, "add --in directory"},
	    {{"list", "--in", "directory", "-W"}, CLI_USAGE, "add -D DN"},
	    {{"list", "--in", "directory", "-D", "cn=me"}, CLI_USAGE, "add -W to be asked"},
	    {{"list", "--in", "directory", "-D", "cn=me", "-W", "-yx"}, CLI_USAGE,
		"one of them"},
	    {{"list", "--in", "directory", "-D", "cn=me", "-W"}, CLI_USAGE,
		"no password was given"},
	    {{"list", "--in", "directory", "-D", "cn=me", "-Y", "EXTERNAL"}, CLI_USAGE,
		"give one of them"},
	    {{"list", "--in", "directory", "-Y", "PLAIN"}, CLI_USAGE, "EXTERNAL or GSSAPI"},
	    {{"list", "--in", "directory", "-H", "http://x"}, CLI_USAGE, "is no server"},
	    {{"list", "--in", "directory", "-H", "ldap://x"}, CLI_REFUSED,
		"must know who you are"},
	};
	const char *file;
	struct cli_test t;

	make(&t, state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *words[10] = {"apikey"};

		memcpy(words + 1, rows[i].words, sizeof(rows[i].words));
		cli_test_assert(&t, rows[i].code, rows[i].says, cli_test_run(&t, words),
		    __FILE__, __LINE__);
	}
	file = tmp_path(t.tmp, "pw");
	file_write(file, "s3cret", 6, 0640);
	assert_run(&t, CLI_FAILED, "can read the password", "list", IN, "-D", "x", "-y", file);
	assert_int_equal(chmod(file, 0600), 0);
	file_write(file, "\n", 1, 0600);
	assert_run(&t, CLI_USAGE, "holds no password", "list", IN, "-D", "x", "-y", file);
	assert_run(&t, CLI_REFUSED, "No such file", "list", IN, "-D", "x", "-y", "/nowhere");
	assert_run(&t, CLI_FAILED, "no regular file", "list", IN, "-D", "x", "-y", "/dev/null");
	assert_int_equal(t.directory.opened, 0);
	done(&t);
}

static void
the_snapshot_is_listed_shown_and_explained_without_a_server(void **state)
{
	struct key_record b = directory_key("b", DIRECTORY_UID + 1);
	struct key_record a = key_make("a", 70000), c = key_make("c", 70001);
	const struct directory_member members[] = {
	    {"a", DIRECTORY_LIST("ops"), STRV_EMPTY}, {"b", STRV_EMPTY, STRV_EMPTY}};
	struct cli_test t;

	make(&t, state);
	host_policy(&t.host,
	    "version: 1\nroles:\n  viewer: {services: [sshd]}\n  editor: {services: [sudo]}\n"
	    "groups:\n  ops: [{role: viewer}, {role: editor}]\n");
	key_bind(&b, "viewer");
	(void)directory_write_keys(&t.host.paths, &b, 1, HOST_NOW);
	(void)directory_write_members(&t.host.paths, members, 2, HOST_NOW);
	directory_write_contact(&t.host.paths, HOST_NOW);
	assert_int_equal(host_put(&t.host, &a), AK_OK);
	assert_int_equal(host_put(&t.host, &c), AK_OK);
	assert_run(&t, CLI_DONE, NULL, "list", "-o", "json");
	assert_member(&t, "0.source", "\"local\"");
	assert_member(&t, "1.name", "\"b\"");
	assert_member(&t, "1.source", "\"directory\"");
	assert_member(&t, "2.name", "\"c\"");
	assert_run(&t, CLI_DONE, NULL, "show", "b", "-o", "json");
	assert_member(&t, "source", "\"directory\"");
	assert_run(&t, CLI_DONE, NULL, "explain", "b", "-o", "json");
	assert_member(&t, "published", "true");
	assert_member(&t, "directory.stale", "false");
	assert_member(&t, "held.0.through_directory", "false");
	assert_run(&t, CLI_DONE, NULL, "explain", "a", "-o", "json");
	assert_member(&t, "directory.groups", "[\"ops\"]");
	assert_member(&t, "held.0.role", "\"viewer\"");
	assert_member(&t, "held.0.through_directory", "true");
	assert_run(&t, CLI_DONE, NULL, "explain", "a");
	assert_non_null(strstr(t.out,
	    "role viewer: through the directory's group ops, as of 2027-01-15T08:00:00Z\n"));
	/* The key that the directory never spoke of. */
	assert_run(&t, CLI_REFUSED, "", "explain", "c", "-o", "json");
	assert_member(&t, "directory.known", "false");
	/* What was not heard for a quarter of an hour gives nothing; after a day the key ends. */
	t.now = HOST_NOW + 3600;
	assert_run(&t, CLI_REFUSED, "", "explain", "a", "-o", "json");
	assert_member(&t, "directory.stale", "true");
	assert_run(&t, CLI_DONE, NULL, "explain", "b");
	t.now = HOST_NOW + 90000;
	assert_run(&t, CLI_REFUSED, "", "explain", "b", "-o", "json");
	assert_member(&t, "reason", "\"directory\"");
	assert_int_equal(t.directory.opened, 0);
	done(&t);
}

static void
a_damaged_snapshot_is_said_and_no_key_is_left_out_silently(void **state)
{
	struct key_record a = key_make("a", 70000), b = directory_key("b", DIRECTORY_UID);
	struct cli_test t;

	make(&t, state);
	/* Nothing was fetched yet: that is no damage. */
	assert_int_equal(host_put(&t.host, &a), AK_OK);
	assert_run(&t, CLI_DONE, NULL, "list");
	assert_run(&t, CLI_REFUSED, "there is no key `b'", "show", "b");
	(void)directory_write_keys(&t.host.paths, &b, 1, HOST_NOW);
	assert_int_equal(host_publish(&t.host, HOST_NOW), AK_OK);
	directory_damage(t.host.paths.directory_keys);
	assert_run(&t, CLI_FAILED, "directory-keys.idx: ", "list");
	assert_non_null(strstr(t.err, "fetch it anew by `apikey sync`"));
	assert_non_null(strstr(t.out, "a  "));
	assert_run(&t, CLI_FAILED, "directory-keys.idx: ", "list", "-o", "json");
	assert_member(&t, "0.name", "\"a\"");
	assert_member(&t, "1", "(none)");
	assert_run(&t, CLI_DONE, "", "show", "a");
	done(&t);
}

static void
a_damaged_snapshot_keeps_no_policy_from_going_live(void **state)
{
	static const char emergency[] = "version: 1\nroles:\n  viewer: {services: [sshd]}\n"
					"deny:\n- {id: all, reason: all are out, login: '*'}\n";
	struct key_record a = key_make("a", 70000), b = directory_key("b", DIRECTORY_UID);
	const char *path;
	struct cli_test t;

	make(&t, state);
	key_bind(&a, "viewer");
	assert_int_equal(host_put(&t.host, &a), AK_OK);
	(void)directory_write_keys(&t.host.paths, &b, 1, HOST_NOW);
	assert_int_equal(host_publish(&t.host, HOST_NOW), AK_OK);
	path = tmp_path(t.tmp, "draft.yaml");
	file_write(path, emergency, strlen(emergency), 0600);
	for (int times = 0; times < 2; times++) {
		/* By a bit in its records, then all of it. */
		if (times == 0)
			directory_damage(t.host.paths.directory_keys);
		else
			file_write(t.host.paths.directory_keys, "x", 1, 0600);
		assert_run(&t, CLI_DONE, "directory-keys.idx: ", "policy", "apply", path, "-o",
		    "json");
		assert_non_null(strstr(t.err, "`apikey sync`"));
		assert_member(&t, "changed", "true");
		assert_member(&t, "keys", "1");
		assert_member(&t, "changes.0.key", "\"a\"");
		assert_run(&t, CLI_REFUSED, "", "explain", "a", "-o", "json");
		assert_member(&t, "rule", "\"all\"");
		assert_run(&t, CLI_DONE, "directory-keys.idx: ", "policy", "rollback");
	}
	done(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_key_is_made_changed_and_ended_there),
	    T(ensure_makes_it_once_and_writes_no_more_than_it_must),
	    T(what_somebody_else_changed_is_never_overwritten),
	    T(of_several_those_are_logged_that_were_written),
	    T(two_keys_that_share_a_uid_or_an_id_are_each_changed),
	    T(a_name_is_taken_once),
	    T(uids_are_counted_and_taken_ones_passed_over),
	    T(what_keys_have_that_this_host_does_not_see_is_taken),
	    T(what_the_host_would_not_honour_is_not_written),
	    T(two_entries_of_one_name_are_neither),
	    T(outages_and_refusals_are_not_the_same),
	    T(the_command_binds_as_it_is_told),
	    T(a_bind_that_makes_no_sense_is_refused),
	    T(the_snapshot_is_listed_shown_and_explained_without_a_server),
	    T(a_damaged_snapshot_is_said_and_no_key_is_left_out_silently),
	    T(a_damaged_snapshot_keeps_no_policy_from_going_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
