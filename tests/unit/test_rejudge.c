/* A recorded session is decided again: what ends it, what time alone ends, and what can't. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "pinned.h"
#include "rejudge.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* HOST_NOW is Friday, 2027-01-15, 08:00:00 UTC; the session is ten minutes old. */
#define SINCE (HOST_NOW - 600)
#define CI 70000U
#define DEPLOY_GID 1005U

#define ROLES                                                                                  \
	"version: 1\nspaces: {production: {}, staging: {}}\nroles:\n"                          \
	"  viewer: {services: [sshd]}\n"                                                       \
	"  editor: {services: [sshd], unix_groups: [editors]}\n"                               \
	"  writer: {services: [sshd], unix_groups: [editors]}\n"                               \
	"  ops: {services: [sshd, su], accounts: [app, toor], unix_groups: [ops]}\n"           \
	"groups: {team: [{role: ops}], crew: [{role: viewer}]}\n"

static const char roles[] = ROLES;
static const char ended_window[] =
    ROLES "deny:\n- {id: w, reason: r, login: '*', time: {hours: '08:00-09:00'}}\n";
static const char other_window[] =
    ROLES "deny:\n- {id: w, reason: r, login: '*', time: {hours: '07:00-09:00'}}\n";
static const char window_role[] =
    ROLES "grant:\n- {role: editor, login: ci, time: {hours: '07:00-08:00'}}\n";
static const char window_taken_away[] =
    ROLES "grant:\n- {role: editor, login: ci, time: {hours: '09:00-10:00'}}\n";
static const char address_rule[] =
    ROLES "deny:\n- {id: net, reason: r, login: ci, from: [192.0.2.0/24]}\n";
static const char origin_rule[] =
    ROLES "deny:\n- {id: net, reason: r, login: ci, creator_from: [192.0.2.0/24]}\n";
static const char group_rule[] =
    ROLES "deny:\n- {id: g, reason: r, login: ci, not: {group: team}}\n";
static const char admitted[] = ROLES "allow:\n- {group: team}\n";
static const char no_roles[] = "version: 1\n";
static const char no_group[] =
    "version: 1\nroles:\n  viewer: {services: [sshd]}\n  editor: {services: [sshd]}\n";
static const char now_role[] =
    ROLES "grant:\n- {role: editor, login: ci, time: {hours: '08:00-09:00'}}\n";
static const char unpublished_group[] =
    "version: 1\nroles:\n  editor: {services: [sshd], unix_groups: [nowhere]}\n";
static const char two_groups[] =
    "version: 1\nroles:\n  viewer: {services: [sshd], unix_groups: [editors, app]}\n";
static const char renamed_group[] =
    "version: 1\nroles:\n  editor: {services: [sshd], unix_groups: [app]}\n";

#define DIRECTORY                                                                              \
	"version: 1\ndirectory:\n  uris: [ldaps://ldap.example.com]\n  may_grant: ['*']\n"

/* A host with the key `ci` and a session of it, as they are changed by a row. */
struct scene {
	struct host h;
	struct key_record key;
	struct session s;
	int64_t now;
	bool deleted;
	bool unsettled; /* the policy was written just now */
	bool damaged_keys; /* local.idx, after all else */
};

static void
scene_make(struct scene *sc, struct tmp *tmp)
{
	*sc = (struct scene){.now = HOST_NOW};
	host_make(&sc->h, tmp);
	host_wipe(&sc->h);
	host_policy(&sc->h, roles);
	sc->key = key_make("ci", CI);
	sc->key.n_secrets = 1;
	sc->key.secrets[0] = (struct key_secret){
	    .number = 1, .created_at = HOST_NOW - 1000, .not_after = NUM_NEVER};
	key_bind(&sc->key, "viewer");
	sc->s = (struct session){.state = SESSION_OPEN,
	    .uid = CI,
	    .key = "ci",
	    .secret = 1,
	    .account = "ci",
	    .account_uid = CI,
	    .service = "sshd",
	    .address = "192.0.2.7",
	    .since = SINCE};
	(void)snprintf(sc->s.key_id, sizeof(sc->s.key_id), "%s", sc->key.id);
}

static struct rejudgement
judge(struct scene *sc)
{
	struct rejudgement out;
	struct rejudge r;

	if (!sc->unsettled)
		host_settle(&sc->h);
	if (sc->damaged_keys)
		file_write(sc->h.paths.local, "x", 1, 0600);
	rejudge_open(&sc->h.paths, sc->now, &r);
	assert_err("", AK_OK, rejudge_session(&r, &sc->s, &out));
	rejudge_close(&r);
	return out;
}

static void
deletes(struct scene *sc)
{
	sc->deleted = true;
}

static void
disables(struct scene *sc)
{
	sc->key.state = KEY_DISABLED;
}

static void
disables_and_enables(struct scene *sc)
{
	sc->key.state = KEY_DISABLED;
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	sc->key.state = KEY_ACTIVE;
}

static void
is_another(struct scene *sc)
{
	(void)snprintf(sc->s.key_id, sizeof(sc->s.key_id), "K999999999");
}

static void
is_renamed(struct scene *sc)
{
	(void)snprintf(sc->s.key, sizeof(sc->s.key), "other");
}

static void
expires(struct scene *sc)
{
	sc->key.expires_at = HOST_NOW;
}

static void
expires_later(struct scene *sc)
{
	sc->key.expires_at = HOST_NOW + 1;
}

static void
expired_before_it_began(struct scene *sc)
{
	sc->key.expires_at = SINCE;
}

static void
is_not_valid_yet(struct scene *sc)
{
	sc->key.not_before = HOST_NOW + 1;
}

static void
replaces_the_secret(struct scene *sc)
{
	sc->key.secrets[0].number = 2;
}

static void
rotates(struct scene *sc, int64_t not_after)
{
	sc->key.n_secrets = 2;
	sc->key.secrets[0].number = 2;
	sc->key.secrets[1] = (struct key_secret){
	    .number = 1, .created_at = HOST_NOW - 1000, .not_after = not_after};
}

static void
overlaps(struct scene *sc)
{
	rotates(sc, HOST_NOW + 1);
}

static void
overlap_is_over(struct scene *sc)
{
	rotates(sc, HOST_NOW);
}

static void
overlap_is_over_and_it_expired(struct scene *sc)
{
	rotates(sc, HOST_NOW);
	sc->key.expires_at = HOST_NOW;
}

static void
expired_and_disabled(struct scene *sc)
{
	sc->key.expires_at = HOST_NOW;
	sc->key.state = KEY_DISABLED;
}

static void
moves_its_networks(struct scene *sc)
{
	static const char networks[] = "198.51.100.0/24";

	sc->key.from = DIRECTORY_LIST(networks);
}

static void
moves_its_networks_with_no_address(struct scene *sc)
{
	moves_its_networks(sc);
	sc->s.address[0] = '\0';
}

static void
loses_its_role(struct scene *sc)
{
	key_bind(&sc->key, "ops:spaces:staging");
}

static void
holds_editors(struct scene *sc)
{
	sc->s.n_groups = 1;
	sc->s.groups[0] = (struct session_group){.gid = 69001, .name = "editors"};
}

static void
has_the_group_by_a_role(struct scene *sc)
{
	holds_editors(sc);
	key_bind(&sc->key, "editor");
}

static void
has_the_group_by_another_role(struct scene *sc)
{
	holds_editors(sc);
	key_bind(&sc->key, "writer");
}

static void
has_the_keys_group_and_another(struct scene *sc)
{
	holds_editors(sc);
	sc->s.n_groups = 2;
	sc->s.groups[1] = sc->s.groups[0];
	(void)snprintf(sc->s.groups[0].name, sizeof(sc->s.groups[0].name), "%s", "apikey");
}

static void
has_the_group_by_its_second_role(struct scene *sc)
{
	holds_editors(sc);
	sc->key.bindings = DIRECTORY_LIST("viewer\0writer");
}

static void
group_becomes_local(struct scene *sc)
{
	has_the_group_by_a_role(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	host_groups(&sc->h, "root:x:0:\neditors:x:3000:\n");
}

static void
has_the_gid_under_another_name(struct scene *sc)
{
	sc->s.n_groups = 1;
	sc->s.groups[0] = (struct session_group){.gid = DEPLOY_GID, .name = "was-app"};
	key_bind(&sc->key, "editor");
}

static void
has_the_gid_by_its_second_role(struct scene *sc)
{
	has_the_gid_under_another_name(sc);
	sc->s.groups[0].gid = 69001;
	sc->key.bindings = DIRECTORY_LIST("viewer\0writer");
}

static void
has_the_gid_by_its_roles_second_group(struct scene *sc)
{
	has_the_gid_under_another_name(sc);
	key_bind(&sc->key, "viewer");
}

static void
has_another_gid_under_another_name(struct scene *sc)
{
	has_the_gid_under_another_name(sc);
	sc->s.groups[0].gid = DEPLOY_GID + 1;
}

/* By /etc/group alone: users.idx was made before a role had that group. */
static void
has_a_gid_that_is_not_published(struct scene *sc)
{
	has_the_gid_under_another_name(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	host_policy(&sc->h, renamed_group);
}

static void
its_role_has_a_group_that_is_nowhere(struct scene *sc)
{
	has_the_gid_under_another_name(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	host_policy(&sc->h, unpublished_group);
}

static void
has_a_gid_of_nothing(struct scene *sc)
{
	has_another_gid_under_another_name(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
}

static void
groups_cannot_be_read(struct scene *sc)
{
	has_a_gid_of_nothing(sc);
	directory_damage(sc->h.paths.users);
}

static void
has_the_keys_group(struct scene *sc)
{
	sc->s.n_groups = 1;
	(void)snprintf(sc->s.groups[0].name, sizeof(sc->s.groups[0].name), "%s", "apikey");
}

static void
has_the_keys_gid(struct scene *sc)
{
	sc->s.n_groups = 1;
	sc->s.groups[0] = (struct session_group){.gid = 69000, .name = "was-apikey"};
}

static void
is_required(struct scene *sc, const char *binding)
{
	(void)snprintf(sc->s.requires, sizeof(sc->s.requires), "%s", binding);
}

static void
requires_what_it_holds(struct scene *sc)
{
	is_required(sc, "viewer:spaces:staging");
}

static void
requires_what_it_lost(struct scene *sc)
{
	is_required(sc, "ops");
}

static void
requires_what_it_lost_there(struct scene *sc)
{
	key_bind(&sc->key, "viewer");
	is_required(sc, "ops:spaces:staging");
}

static void
is_roots_su(struct scene *sc)
{
	sc->s.by_root = true;
	sc->s.secret = 0;
	sc->deleted = true;
}

static void
is_on_a_shared_account(struct scene *sc)
{
	(void)snprintf(sc->s.account, sizeof(sc->s.account), "app");
	sc->s.account_uid = 1005;
}

static void
is_on_an_account_of_its_role(struct scene *sc)
{
	is_on_a_shared_account(sc);
	key_bind(&sc->key, "ops");
}

static void
is_on_an_account_of_no_role(struct scene *sc)
{
	is_on_a_shared_account(sc);
}

static void
is_on_an_account_of_uid_0(struct scene *sc)
{
	(void)snprintf(sc->s.account, sizeof(sc->s.account), "toor");
	sc->s.account_uid = 0;
	key_bind(&sc->key, "ops");
}

static void
is_bound_to_the_host(struct scene *sc)
{
	key_bind(&sc->key, "viewer:hosts:bastion");
}

/* As uname has it. */
static void
is_bound_to_this_host(struct scene *sc)
{
	static char binding[256];
	struct utsname u;

	assert_int_equal(uname(&u), 0);
	(void)snprintf(binding, sizeof(binding), "viewer:hosts:%.64s", u.nodename);
	for (char *c = binding; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	key_bind(&sc->key, binding);
}

static void
is_by_public_key(struct scene *sc)
{
	sc->s.secret = 0;
}

static void
is_by_public_key_without_settings(struct scene *sc)
{
	is_by_public_key(sc);
	host_policy(&sc->h, NULL);
}

static void
is_tokenless_su(struct scene *sc)
{
	is_by_public_key(sc);
	key_bind(&sc->key, "ops");
	(void)snprintf(sc->s.service, sizeof(sc->s.service), "su");
}

static void
comes_by_another_service(struct scene *sc)
{
	key_bind(&sc->key, "ops");
	(void)snprintf(sc->s.service, sizeof(sc->s.service), "su");
}

static void
host_is_locked_down(struct scene *sc)
{
	file_write(sc->h.paths.lockdown, "", 0, 0644);
}

/* abuse 171: what was built while the clock was ahead. */
static void
comes_from_the_future(struct scene *sc)
{
	sc->now = SINCE + 1;
	sc->key.expires_at = SINCE + 1;
	sc->key.not_before = SINCE + 60;
	rotates(sc, SINCE + 1);
	sc->s.since = SINCE - 100;
}

static void
comes_from_the_future_and_is_disabled(struct scene *sc)
{
	comes_from_the_future(sc);
	disables(sc);
}

static void
policy_is_half_saved(struct scene *sc)
{
	sc->unsettled = true;
	loses_its_role(sc);
	sc->s.n_groups = 1;
	is_required(sc, "ops");
}

static void
policy_is_half_saved_and_it_is_disabled(struct scene *sc)
{
	policy_is_half_saved(sc);
	disables(sc);
}

static void
policy_is_broken(struct scene *sc)
{
	host_policy(&sc->h, "version: 1\nroles: {vie");
	loses_its_role(sc);
	sc->s.n_groups = 1;
	is_required(sc, "ops");
}

static void
directory_writes(struct scene *sc, struct strv groups, struct strv bindings)
{
	const struct directory_member rows[] = {
	    {.name = "ci", .groups = groups, .bindings = bindings}};

	(void)directory_write_members(&sc->h.paths, rows, 1, HOST_NOW);
	directory_write_contact(&sc->h.paths, HOST_NOW);
}

/* A role by an LDAP group, and none else. */
static void
is_in_the_team(struct scene *sc)
{
	host_settings(&sc->h, DIRECTORY);
	sc->key.bindings = STRV_EMPTY;
	directory_writes(sc, DIRECTORY_LIST("team"), STRV_EMPTY);
	sc->s.n_groups = 1;
	sc->s.groups[0] = (struct session_group){.gid = 69002, .name = "ops"};
}

static void
has_a_directory_binding(struct scene *sc)
{
	is_in_the_team(sc);
	directory_writes(sc, STRV_EMPTY, DIRECTORY_LIST("ops"));
}

/* More than fits into a record's small buffer. */
static void
is_in_many_groups(struct scene *sc)
{
	static char groups[8000];
	size_t len_b = sizeof("team");

	is_in_the_team(sc);
	memcpy(groups, "team", len_b);
	for (unsigned i = 0; len_b < sizeof(groups) - 32; i++)
		len_b += (size_t)snprintf(groups + len_b, 32, "zz-%04u", i) + 1;
	directory_writes(sc, (struct strv){.bytes = groups, .len_b = len_b}, STRV_EMPTY);
}

static void
leaves_the_team(struct scene *sc)
{
	is_in_the_team(sc);
	directory_writes(sc, STRV_EMPTY, STRV_EMPTY);
}

static void
changes_the_team(struct scene *sc)
{
	is_in_the_team(sc);
	directory_writes(sc, DIRECTORY_LIST("crew"), STRV_EMPTY);
}

static void
directory_is_silent(struct scene *sc)
{
	is_in_the_team(sc);
	directory_write_contact(&sc->h.paths, HOST_NOW - 100000);
}

static void
memberships_are_damaged(struct scene *sc)
{
	is_in_the_team(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	directory_damage(sc->h.paths.directory_groups);
}

static void
memberships_are_lost(struct scene *sc)
{
	is_in_the_team(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	assert_int_equal(unlink(sc->h.paths.directory_groups), 0);
}

static void
memberships_are_damaged_and_a_role_is_its_own(struct scene *sc)
{
	key_bind(&sc->key, "viewer");
	is_in_the_team(sc);
	key_bind(&sc->key, "viewer");
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	directory_damage(sc->h.paths.directory_groups);
}

static void
memberships_are_damaged_and_it_is_required(struct scene *sc)
{
	memberships_are_damaged(sc);
	is_required(sc, "ops");
}

static void
memberships_are_damaged_and_it_is_denied(struct scene *sc)
{
	memberships_are_damaged(sc);
	host_policy(&sc->h, address_rule);
}

static void
memberships_were_never_known(struct scene *sc)
{
	is_in_the_team(sc);
	directory_wipe(&sc->h.paths);
}

static void
others_are_known(struct scene *sc)
{
	const struct directory_member rows[] = {{.name = "other"}};

	is_in_the_team(sc);
	(void)directory_write_members(&sc->h.paths, rows, 1, HOST_NOW);
}

static void
memberships_were_never_known_and_a_role_is_its_own(struct scene *sc)
{
	host_settings(&sc->h, DIRECTORY);
	directory_wipe(&sc->h.paths);
}

static void
outage_broken_policy_and_disabled(struct scene *sc)
{
	directory_is_silent(sc);
	policy_is_broken(sc);
	disables(sc);
}

static void
keys_cannot_be_read(struct scene *sc)
{
	disables(sc);
	sc->damaged_keys = true;
}

/* The key lives in LDAP. */
static void
lives_in_ldap(struct scene *sc)
{
	struct key_record key = directory_key("x", DIRECTORY_UID);
	const struct directory_member rows[] = {{.name = "x"}};

	host_settings(&sc->h, DIRECTORY);
	key_bind(&key, "viewer");
	key.n_secrets = 1;
	key.secrets[0] = sc->key.secrets[0];
	(void)directory_write_keys(&sc->h.paths, &key, 1, HOST_NOW);
	(void)directory_write_members(&sc->h.paths, rows, 1, HOST_NOW);
	directory_write_contact(&sc->h.paths, HOST_NOW);
	(void)snprintf(sc->s.key, sizeof(sc->s.key), "%s", key.name);
	(void)snprintf(sc->s.key_id, sizeof(sc->s.key_id), "%s", key.id);
	sc->s.uid = sc->s.account_uid = key.uid;
}

static void
lives_in_a_silent_ldap(struct scene *sc)
{
	lives_in_ldap(sc);
	directory_write_contact(&sc->h.paths, HOST_NOW - 1000000);
}

static void
may_hold_something_else(struct scene *sc)
{
	lives_in_ldap(sc);
	host_settings(&sc->h, "version: 1\ndirectory:\n  uris: [ldaps://ldap.example.com]\n"
			      "  may_grant: [ops]\n");
}

static void
is_gone_from_ldap(struct scene *sc)
{
	lives_in_ldap(sc);
	(void)directory_write_keys(&sc->h.paths, NULL, 0, HOST_NOW);
}

static void
directory_keys_are_damaged(struct scene *sc)
{
	lives_in_ldap(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	directory_damage(sc->h.paths.directory_keys);
}

static void
directory_keys_are_lost(struct scene *sc)
{
	lives_in_ldap(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	assert_int_equal(unlink(sc->h.paths.directory_keys), 0);
}

static void
host_leaves_ldap(struct scene *sc)
{
	lives_in_ldap(sc);
	host_settings(&sc->h, "version: 1\n");
}

static void
host_may_leave_ldap(struct scene *sc)
{
	host_leaves_ldap(sc);
	sc->unsettled = true;
}

/* users.idx was made from settings that were half saved; they are whole again. */
static void
users_are_behind_the_settings(struct scene *sc)
{
	host_leaves_ldap(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	host_settings(&sc->h, DIRECTORY);
}

static void
ranges_move_and_it_is_deleted(struct scene *sc)
{
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
	sc->deleted = true;
	host_settings(&sc->h, "version: 1\nuid_range: 80000-80999\n");
}

static void
ranges_move(struct scene *sc)
{
	host_settings(&sc->h, "version: 1\nuid_range: 80000-80999\n");
}

static void
ranges_move_and_it_may_be_deleted(struct scene *sc)
{
	ranges_move_and_it_is_deleted(sc);
	sc->unsettled = true;
}

struct row {
	const char *name;
	const char *policy; /* NULL: the usual one */
	const char *settings; /* NULL: none */
	void (*change)(struct scene *sc);
	enum rejudge_right right;
	enum reason reason;
	const char *why; /* a part of it, or NULL */
	bool published_before; /* the change is of files that users.idx was made from, and it is not made anew */
};

#define KEEPS REJUDGE_KEEPS, REASON_PERMITTED

static bool
is_of_the_key(enum reason reason)
{
	return reason == REASON_DELETED || reason == REASON_DISABLED ||
	       reason == REASON_SECRET_ENDED || reason == REASON_EXPIRED ||
	       reason == REASON_NOT_YET || reason == REASON_FROM;
}

static void
check_row(const struct row *row)
{
	struct rejudgement got;
	struct scene sc;
	void *own = NULL;
	char text[640];

	assert_int_equal(tmp_setup(&own), 0);
	scene_make(&sc, own);
	assert_err(row->name, AK_OK, host_put(&sc.h, &sc.key));
	if (row->policy != NULL)
		host_policy(&sc.h, row->policy);
	if (row->settings != NULL)
		host_settings(&sc.h, row->settings);
	if (row->change != NULL)
		row->change(&sc);
	if (!row->published_before)
		assert_err(row->name, AK_OK,
		    sc.deleted ? host_remove(&sc.h, CI) : host_put(&sc.h, &sc.key));
	got = judge(&sc);
	(void)snprintf(text, sizeof(text), "%s: %d, %s: %s", row->name, (int)got.right,
	    reason_word(got.reason), got.why);
	assert_row(text, got.right == row->right);
	assert_row(text, got.reason == row->reason);
	assert_row(text, got.why[0] != '\0');
	assert_row(text, row->why == NULL || strstr(got.why, row->why) != NULL);
	assert_row(text, got.key_gate == is_of_the_key(row->reason));
	assert_row(text, !got.unpin);
	assert_row(text, got.right == REJUDGE_KEEPS || got.next_at == NUM_NEVER);
	assert_int_equal(tmp_teardown(&own), 0);
}

static void
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i]);
}

static void
the_key_itself_ends_its_sessions(void **state)
{
	static const struct row rows[] = {
	    {.name = "nothing changed", NULL, NULL, NULL, KEEPS, "permits sshd"},
	    {.name = "deleted", NULL, NULL, deletes, REJUDGE_REVOKED, REASON_DELETED, "no more"},
	    {.name = "another key of that uid",
		NULL,
		NULL,
		is_another,
		REJUDGE_REVOKED,
		REASON_DELETED},
	    {.name = "another name", NULL, NULL, is_renamed, REJUDGE_REVOKED, REASON_DELETED},
	    {.name = "disabled", NULL, NULL, disables, REJUDGE_REVOKED, REASON_DISABLED},
	    {.name = "enabled again", NULL, NULL, disables_and_enables, KEEPS},
	    {.name = "expired", NULL, NULL, expires, REJUDGE_TIMED_OUT, REASON_EXPIRED},
	    {.name = "a second before", NULL, NULL, expires_later, KEEPS},
	    {.name = "made to have expired before",
		NULL,
		NULL,
		expired_before_it_began,
		REJUDGE_REVOKED,
		REASON_EXPIRED},
	    {.name = "not valid yet",
		NULL,
		NULL,
		is_not_valid_yet,
		REJUDGE_REVOKED,
		REASON_NOT_YET},
	    {.name = "146 its secret replaced",
		NULL,
		NULL,
		replaces_the_secret,
		REJUDGE_REVOKED,
		REASON_SECRET_ENDED},
	    {.name = "in the overlap", NULL, NULL, overlaps, KEEPS},
	    {.name = "146 the overlap is over",
		NULL,
		NULL,
		overlap_is_over,
		REJUDGE_REVOKED,
		REASON_SECRET_ENDED},
	    {.name = "146 that, and expired",
		NULL,
		NULL,
		overlap_is_over_and_it_expired,
		REJUDGE_REVOKED,
		REASON_SECRET_ENDED},
	    {.name = "expired and disabled",
		NULL,
		NULL,
		expired_and_disabled,
		REJUDGE_REVOKED,
		REASON_DISABLED},
	    {.name = "from other networks",
		NULL,
		NULL,
		moves_its_networks,
		REJUDGE_REVOKED,
		REASON_FROM},
	    {.name = "from other networks, no address",
		NULL,
		NULL,
		moves_its_networks_with_no_address,
		KEEPS},
	};

	(void)state;
	check_rows(rows, N(rows));
}

static void
what_it_may_do_ends_its_sessions(void **state)
{
	static const struct row rows[] = {
	    {.name = "its role is gone", NULL, NULL, loses_its_role, REJUDGE_REVOKED, REASON_ROLE},
	    {.name = "the role is gone", no_roles, NULL, NULL, REJUDGE_REVOKED, REASON_ROLE},
	    {.name = "a window closed", ended_window, NULL, NULL, REJUDGE_TIMED_OUT, REASON_RULE},
	    {.name = "a window was moved", other_window, NULL, NULL, REJUDGE_REVOKED, REASON_RULE},
	    {.name = "a role's window closed", window_role, NULL, has_the_group_by_a_role, KEEPS},
	    {.name = "the group's window closed",
		window_role,
		NULL,
		holds_editors,
		REJUDGE_TIMED_OUT,
		REASON_GROUP,
		"`editors' (gid 69001)"},
	    {.name = "the group's window was taken away",
		window_taken_away,
		NULL,
		holds_editors,
		REJUDGE_REVOKED,
		REASON_GROUP},
	    {.name = "145 the group is lost",
		NULL,
		NULL,
		holds_editors,
		REJUDGE_REVOKED,
		REASON_GROUP,
		"editors"},
	    {.name = "the group's role is held", NULL, NULL, has_the_group_by_a_role, KEEPS},
	    {.name = "another role gives the group",
		NULL,
		NULL,
		has_the_group_by_another_role,
		KEEPS},
	    {.name = "its second role gives the group",
		NULL,
		NULL,
		has_the_group_by_its_second_role,
		KEEPS},
	    {.name = "its second group is lost",
		NULL,
		NULL,
		has_the_keys_group_and_another,
		REJUDGE_REVOKED,
		REASON_GROUP,
		"`editors' (gid 69001)"},
	    {.name = "its role gives the group no more",
		no_group,
		NULL,
		has_the_group_by_a_role,
		REJUDGE_REVOKED,
		REASON_GROUP},
	    {.name = "174 the group is local now", NULL, NULL, group_becomes_local, KEEPS},
	    {.name = "the gid, under another name",
		renamed_group,
		NULL,
		has_the_gid_under_another_name,
		KEEPS},
	    {.name = "the gid, by its second role",
		NULL,
		NULL,
		has_the_gid_by_its_second_role,
		KEEPS},
	    {.name = "the gid, by its role's second group",
		two_groups,
		NULL,
		has_the_gid_by_its_roles_second_group,
		KEEPS},
	    {.name = "another gid, and another name",
		renamed_group,
		NULL,
		has_another_gid_under_another_name,
		REJUDGE_REVOKED,
		REASON_GROUP,
		"was-app"},
	    {.name = "the gid, which is not published",
		NULL,
		NULL,
		has_a_gid_that_is_not_published,
		KEEPS,
		NULL,
		true},
	    {.name = "a group that is nowhere",
		NULL,
		NULL,
		its_role_has_a_group_that_is_nowhere,
		REJUDGE_REVOKED,
		REASON_GROUP,
		NULL,
		true},

	    {.name = "the group of all keys", NULL, NULL, has_the_keys_group, KEEPS},
	    {.name = "its gid", NULL, NULL, has_the_keys_gid, KEEPS},
	    {.name = "a rule on its address",
		address_rule,
		NULL,
		NULL,
		REJUDGE_REVOKED,
		REASON_RULE},
	    {.name = "a rule on its origin", origin_rule, NULL, NULL, REJUDGE_REVOKED, REASON_RULE},
	    {.name = "a rule on an origin that can't be told",
		origin_rule,
		NULL,
		comes_by_another_service,
		KEEPS},
	    {.name = "not admitted", admitted, NULL, NULL, REJUDGE_REVOKED, REASON_NOT_ADMITTED},
	    {.name = "in a space that is not declared",
		NULL,
		"version: 1\nspace: moon\n",
		NULL,
		REJUDGE_REVOKED,
		REASON_SPACE},
	    {.name = "the stack's role is held", NULL, NULL, requires_what_it_holds, KEEPS},
	    {.name = "the stack's role is lost",
		NULL,
		NULL,
		requires_what_it_lost,
		REJUDGE_REVOKED,
		REASON_ROLE,
		"the stack asks for role ops"},
	    {.name = "it is lost there",
		NULL,
		NULL,
		requires_what_it_lost_there,
		REJUDGE_REVOKED,
		REASON_ROLE,
		"ops:spaces:staging"},
	    {.name = "an account of its role", NULL, NULL, is_on_an_account_of_its_role, KEEPS},
	    {.name = "022 an account of uid 0",
		NULL,
		NULL,
		is_on_an_account_of_uid_0,
		REJUDGE_REVOKED,
		REASON_ROLE,
		"uid 0"},
	    {.name = "a role on this host",
		NULL,
		"version: 1\nhost: bastion\n",
		is_bound_to_the_host,
		KEEPS},
	    {.name = "a role on another host",
		NULL,
		NULL,
		is_bound_to_the_host,
		REJUDGE_REVOKED,
		REASON_ROLE},
	    {.name = "a role on the host of this name", NULL, NULL, is_bound_to_this_host, KEEPS},

	    {.name = "an account of no role of its",
		NULL,
		NULL,
		is_on_an_account_of_no_role,
		REJUDGE_REVOKED,
		REASON_ROLE,
		"as app"},
	    {.name = "a public key, which is allowed",
		NULL,
		"version: 1\npublic_key_logins: allow\n",
		is_by_public_key,
		KEEPS},
	    {.name = "public keys are no more",
		NULL,
		NULL,
		is_by_public_key,
		REJUDGE_REVOKED,
		REASON_NO_TOKEN},
	    {.name = "a service without a token", NULL, NULL, is_tokenless_su, KEEPS},
	};

	(void)state;
	check_rows(rows, N(rows));
}

static void
what_cannot_be_told_ends_none(void **state)
{
	static const struct row rows[] = {
	    {.name = "158 lockdown", NULL, NULL, host_is_locked_down, KEEPS},
	    {.name = "root's own su", NULL, NULL, is_roots_su, KEEPS, "root"},
	    {.name = "058 a policy that may be half saved",
		no_roles,
		NULL,
		policy_is_half_saved,
		KEEPS},
	    {.name = "058 that, and disabled",
		no_roles,
		NULL,
		policy_is_half_saved_and_it_is_disabled,
		REJUDGE_REVOKED,
		REASON_DISABLED},
	    {.name = "058 a broken policy", NULL, NULL, policy_is_broken, KEEPS},
	    {.name = "no policy, and a public key",
		NULL,
		NULL,
		is_by_public_key_without_settings,
		KEEPS},
	    {.name = "a gid of nothing",
		NULL,
		NULL,
		has_a_gid_of_nothing,
		REJUDGE_REVOKED,
		REASON_GROUP,
		NULL,
		true},
	    {.name = "a gid, and unreadable groups",
		NULL,
		NULL,
		groups_cannot_be_read,
		KEEPS,
		NULL,
		true},
	    {.name = "061 unreadable keys", NULL, NULL, keys_cannot_be_read, KEEPS, "looked up"},
	};

	(void)state;
	check_rows(rows, N(rows));
}

static void
the_directory_gives_and_takes(void **state)
{
	static const struct row rows[] = {
	    {.name = "a group gives the role", NULL, NULL, is_in_the_team, KEEPS},
	    {.name = "one of many groups does", NULL, NULL, is_in_many_groups, KEEPS},
	    {.name = "the directory's binding gives it",
		NULL,
		NULL,
		has_a_directory_binding,
		KEEPS},
	    {.name = "the group is left",
		NULL,
		NULL,
		leaves_the_team,
		REJUDGE_REVOKED,
		REASON_ROLE},
	    {.name = "it has another group",
		NULL,
		NULL,
		changes_the_team,
		REJUDGE_REVOKED,
		REASON_GROUP,
		"ops"},
	    {.name = "a rule on the group that was left",
		group_rule,
		NULL,
		leaves_the_team,
		REJUDGE_REVOKED,
		REASON_RULE},
	    {.name = "072 the directory is silent", NULL, NULL, directory_is_silent, KEEPS},
	    {.name = "a rule, and the directory is silent",
		group_rule,
		NULL,
		directory_is_silent,
		KEEPS},
	    {.name = "064 damaged memberships",
		NULL,
		NULL,
		memberships_are_damaged,
		KEEPS,
		NULL,
		true},
	    {.name = "064 damaged memberships, and the stack's role",
		NULL,
		NULL,
		memberships_are_damaged_and_it_is_required,
		KEEPS,
		NULL,
		true},
	    {.name = "064 damaged memberships, and a group by LDAP",
		NULL,
		NULL,
		memberships_are_damaged_and_a_role_is_its_own,
		KEEPS,
		"LDAP",
		true},

	    {.name = "061 memberships are gone",
		NULL,
		NULL,
		memberships_are_lost,
		KEEPS,
		NULL,
		true},
	    {.name = "064 damaged memberships, and a rule",
		NULL,
		NULL,
		memberships_are_damaged_and_it_is_denied,
		REJUDGE_REVOKED,
		REASON_RULE,
		NULL,
		true},
	    {.name = "memberships that were never known",
		NULL,
		NULL,
		memberships_were_never_known,
		REJUDGE_REVOKED,
		REASON_ROLE},
	    {.name = "memberships of others alone",
		NULL,
		NULL,
		others_are_known,
		REJUDGE_REVOKED,
		REASON_ROLE},
	    {.name = "a rule on memberships that were never known",
		group_rule,
		NULL,
		memberships_were_never_known_and_a_role_is_its_own,
		KEEPS},

	    {.name = "173 an outage, a broken policy, disabled",
		NULL,
		NULL,
		outage_broken_policy_and_disabled,
		REJUDGE_REVOKED,
		REASON_DISABLED},
	};

	(void)state;
	check_rows(rows, N(rows));
}

static void
keys_of_the_directory_are_gone_only_when_that_is_sure(void **state)
{
	static const struct row rows[] = {
	    {.name = "it is there", NULL, NULL, lives_in_ldap, KEEPS},
	    {.name = "the directory is silent", NULL, NULL, lives_in_a_silent_ldap, KEEPS},
	    {.name = "it is gone", NULL, NULL, is_gone_from_ldap, REJUDGE_REVOKED, REASON_DELETED},
	    {.name = "156 a role outside may_grant",
		NULL,
		NULL,
		may_hold_something_else,
		REJUDGE_REVOKED,
		REASON_ROLE},

	    {.name = "the keys are damaged",
		NULL,
		NULL,
		directory_keys_are_damaged,
		KEEPS,
		NULL,
		true},
	    {.name = "the keys' file is gone",
		NULL,
		NULL,
		directory_keys_are_lost,
		KEEPS,
		NULL,
		true},
	    {.name = "the host has no directory any more",
		NULL,
		NULL,
		host_leaves_ldap,
		REJUDGE_REVOKED,
		REASON_DELETED},
	    {.name = "so it seems", NULL, NULL, host_may_leave_ldap, KEEPS},
	    {.name = "so it seemed", NULL, NULL, users_are_behind_the_settings, KEEPS, NULL, true},
	    {.name = "a local key outside the ranges, deleted",
		NULL,
		NULL,
		ranges_move_and_it_is_deleted,
		REJUDGE_REVOKED,
		REASON_DELETED},
	    {.name = "that, and the settings may be half saved",
		NULL,
		NULL,
		ranges_move_and_it_may_be_deleted,
		REJUDGE_REVOKED,
		REASON_DELETED},

	};

	(void)state;
	check_rows(rows, N(rows));
}

static void
abuse_171_nothing_ends_by_a_clock_that_cannot_be_believed(void **state)
{
	static const struct row rows[] = {
	    {.name = "171 a file from the future", NULL, NULL, comes_from_the_future, KEEPS},
	    {.name = "171 that, and a window", other_window, NULL, comes_from_the_future, KEEPS},
	    {.name = "171 that, and disabled",
		NULL,
		NULL,
		comes_from_the_future_and_is_disabled,
		REJUDGE_REVOKED,
		REASON_DISABLED},
	};

	(void)state;
	check_rows(rows, N(rows));
}

static void
without_users_idx_no_session_ends(void **state)
{
	struct rejudgement got;
	struct scene sc;

	scene_make(&sc, *state);
	sc.key.state = KEY_DISABLED;
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	assert_int_equal(judge(&sc).right, REJUDGE_REVOKED);
	assert_int_equal(unlink(sc.h.paths.users), 0);
	got = judge(&sc);
	assert_int_equal(got.right, REJUDGE_KEEPS);
	assert_non_null(strstr(got.why, "can't be read"));
}

static void
whose_key_it_is_is_told_though_the_key_is_gone(void **state)
{
	struct scene sc;

	scene_make(&sc, *state);
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	assert_false(judge(&sc).directory_key);
	assert_err("", AK_OK, host_remove(&sc.h, CI));
	assert_false(judge(&sc).directory_key);
	ranges_move(&sc);
	assert_err("", AK_OK, host_publish(&sc.h, HOST_NOW));
	assert_false(judge(&sc).directory_key);
	host_settings(&sc.h, NULL);
	assert_err("", AK_OK, host_publish(&sc.h, HOST_NOW));
	sc.damaged_keys = true;
	assert_false(judge(&sc).directory_key);
	sc.damaged_keys = false;
	host_wipe(&sc.h);
	assert_err("", AK_OK, host_publish(&sc.h, HOST_NOW));
	lives_in_ldap(&sc);
	assert_err("", AK_OK, host_publish(&sc.h, HOST_NOW));
	assert_true(judge(&sc).directory_key);
	is_gone_from_ldap(&sc);
	assert_true(judge(&sc).directory_key);
	host_leaves_ldap(&sc);
	assert_err("", AK_OK, host_publish(&sc.h, HOST_NOW));
	assert_true(judge(&sc).directory_key);
}

static void
time_may_change_the_answer_at_the_earliest_edge(void **state)
{
	static const struct {
		const char *name, *policy;
		int64_t expires_at, not_after, next_at;
		uint32_t secret;
		int64_t now;
		bool unsettled;
	} rows[] = {
	    {"never", roles, NUM_NEVER, NUM_NEVER, NUM_NEVER, 1, HOST_NOW, false},
	    {"expiry", roles, HOST_NOW + 50, NUM_NEVER, HOST_NOW + 50, 1, HOST_NOW, false},
	    {"overlap", roles, HOST_NOW + 50, HOST_NOW + 20, HOST_NOW + 20, 1, HOST_NOW, false},
	    {"another's overlap", roles, HOST_NOW + 50, HOST_NOW + 20, HOST_NOW + 50, 2,
		HOST_NOW, false},
	    {"window", window_taken_away, NUM_NEVER, NUM_NEVER, HOST_NOW + 3600, 1, HOST_NOW,
		false},
	    {"window and expiry", window_taken_away, HOST_NOW + 3599, NUM_NEVER,
		HOST_NOW + 3599, 1, HOST_NOW, false},
	    {"a policy that may be half saved", window_taken_away, HOST_NOW + 4000, NUM_NEVER,
		HOST_NOW + 4000, 1, HOST_NOW, true},
	    {"171 when the clock can be believed", window_taken_away, HOST_NOW + 50, NUM_NEVER,
		HOST_NOW - KEYRING_CLOCK_SLACK_S, 1, HOST_NOW - 3600, false},
	};
	struct scene sc;

	scene_make(&sc, *state);
	for (size_t i = 0; i < N(rows); i++) {
		struct rejudgement got;

		host_policy(&sc.h, rows[i].policy);
		rotates(&sc, rows[i].not_after);
		sc.key.expires_at = rows[i].expires_at;
		sc.s.secret = rows[i].secret;
		sc.now = rows[i].now;
		sc.unsettled = rows[i].unsettled;
		assert_err(rows[i].name, AK_OK, host_put(&sc.h, &sc.key));
		got = judge(&sc);
		assert_row(rows[i].name, got.right == REJUDGE_KEEPS);
		assert_row(rows[i].name, got.next_at == rows[i].next_at);
	}
}

/* The session is pinned to the policy that is live, and its key stays as it is. */
static void
pin(struct scene *sc)
{
	struct membership m;
	struct keyring ring;
	struct key key;
	struct live l;
	bool has;

	live_load(&sc->h.paths, &l);
	assert_non_null(l.image);
	assert_err("", AK_OK, pinned_keep(&sc->h.paths, l.image, &sc->s.policy, NULL));
	live_clear(&l);
	assert_err("", AK_OK, keyring_open(&sc->h.paths, &ring));
	assert_err("", AK_OK, keyring_find_uid(&ring, sc->s.uid, &key));
	has = keyring_membership(&sc->h.paths, key.rec.name, &m) == AK_OK;
	sc->s.key_print = pinned_key_print(&key, has ? &m : NULL);
	if (has)
		membership_clear(&m);
	key_clear(&key);
	keyring_close(&ring);
}

static void
assert_right(struct scene *sc, enum rejudge_right right, enum reason reason, bool unpin)
{
	struct rejudgement got = judge(sc);
	char text[400];

	(void)snprintf(text, sizeof(text), "%d, %s: %s, unpin %d", (int)got.right,
	    reason_word(got.reason), got.why, got.unpin);
	assert_row(text, got.right == right && got.reason == reason && got.unpin == unpin);
}

static void
a_pinned_session_is_judged_by_its_policy_until_its_key_changes(void **state)
{
	struct scene sc;

	scene_make(&sc, *state);
	host_policy(&sc.h, now_role);
	sc.key.expires_at = HOST_NOW + 90000;
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	pin(&sc);
	host_policy(&sc.h, no_roles);
	holds_editors(&sc);
	assert_right(&sc, KEEPS, false);
	assert_int_equal(judge(&sc).next_at, HOST_NOW + 3600);
	/* What its own policy takes away goes. */
	sc.now = HOST_NOW + 3600;
	assert_right(&sc, REJUDGE_REVOKED, REASON_GROUP, false);
	sc.s.since = HOST_NOW;
	assert_right(&sc, REJUDGE_TIMED_OUT, REASON_GROUP, false);
	sc.now = HOST_NOW;
	sc.s.n_groups = 0;
	/* The live one may be half saved: it is not asked. */
	sc.unsettled = true;
	assert_right(&sc, KEEPS, false);
	requires_what_it_lost(&sc);
	assert_right(&sc, REJUDGE_REVOKED, REASON_ROLE, false);
	sc.s.requires[0] = '\0';
	sc.unsettled = false;
	sc.key.description = "changed";
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	assert_right(&sc, REJUDGE_REVOKED, REASON_ROLE, true);
	host_policy(&sc.h, roles);
	assert_right(&sc, KEEPS, true);
}

static void
a_pinned_policy_has_its_own_settings(void **state)
{
	struct scene sc;

	scene_make(&sc, *state);
	is_in_the_team(&sc);
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	pin(&sc);
	host_settings(&sc.h, "version: 1\nhost: bastion\n");
	assert_right(&sc, KEEPS, false);
	sc.s.n_groups = 0;
	is_bound_to_the_host(&sc);
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	pin(&sc);
	host_settings(&sc.h, NULL);
	assert_right(&sc, KEEPS, false);
	sc.s.policy = 0;
	assert_right(&sc, REJUDGE_REVOKED, REASON_ROLE, false);
}

static void
a_pinned_session_ends_with_its_key(void **state)
{
	struct scene sc;

	scene_make(&sc, *state);
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	pin(&sc);
	host_policy(&sc.h, no_roles);
	sc.key.state = KEY_DISABLED;
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	assert_right(&sc, REJUDGE_REVOKED, REASON_DISABLED, true);
	assert_err("", AK_OK, host_remove(&sc.h, CI));
	assert_right(&sc, REJUDGE_REVOKED, REASON_DELETED, false);
}

static void
a_pinned_session_keeps_its_right_when_its_policy_is_lost(void **state)
{
	char path[PATH_CAP + 40];
	struct scene sc;

	scene_make(&sc, *state);
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	pin(&sc);
	host_policy(&sc.h, no_roles);
	(void)snprintf(path, sizeof(path), "%s/policies/%016llx", sc.h.paths.run,
	    (unsigned long long)sc.s.policy);
	assert_int_equal(unlink(path), 0);
	assert_right(&sc, KEEPS, false);
}

static void
a_changed_membership_is_a_changed_key(void **state)
{
	struct scene sc;

	scene_make(&sc, *state);
	host_settings(&sc.h, DIRECTORY);
	directory_writes(&sc, DIRECTORY_LIST("team"), STRV_EMPTY);
	assert_err("", AK_OK, host_put(&sc.h, &sc.key));
	pin(&sc);
	host_policy(&sc.h, no_roles);
	assert_right(&sc, KEEPS, false);
	directory_writes(&sc, DIRECTORY_LIST("crew"), STRV_EMPTY);
	assert_right(&sc, REJUDGE_REVOKED, REASON_ROLE, true);
	directory_writes(&sc, DIRECTORY_LIST("team"), DIRECTORY_LIST("ops"));
	assert_right(&sc, REJUDGE_REVOKED, REASON_ROLE, true);
	directory_writes(&sc, DIRECTORY_LIST("team"), STRV_EMPTY);
	assert_right(&sc, KEEPS, false);
	/* What can't be read is not known to have changed. */
	directory_damage(sc.h.paths.directory_groups);
	assert_right(&sc, KEEPS, false);
}

/* One pass over sessions of three policies: each is judged by its own, with its own windows. */
static void
each_session_has_its_own_policy(void **state)
{
	static const char early[] =
	    ROLES "grant:\n- {role: editor, login: ci, time: {hours: '08:30-10:00'}}\n";
	struct scene live, one, two;
	struct rejudge r;

	scene_make(&live, *state);
	host_policy(&live.h, now_role);
	assert_err("", AK_OK, host_put(&live.h, &live.key));
	one = two = live;
	pin(&one);
	host_policy(&live.h, early);
	two.h.edits = live.h.edits;
	pin(&two);
	assert_true(one.s.policy != two.s.policy);
	host_policy(&live.h, roles);
	host_settle(&live.h);
	holds_editors(&one);
	holds_editors(&two);
	rejudge_open(&live.h.paths, HOST_NOW, &r);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct rejudgement got;

		assert_err("", AK_OK, rejudge_session(&r, &one.s, &got));
		assert_true(got.right == REJUDGE_KEEPS && got.next_at == HOST_NOW + 3600);
		assert_err("", AK_OK, rejudge_session(&r, &live.s, &got));
		assert_true(got.right == REJUDGE_KEEPS && got.next_at == NUM_NEVER);
		assert_err("", AK_OK, rejudge_session(&r, &two.s, &got));
		assert_true(got.right == REJUDGE_REVOKED);
		two.s.n_groups = 0;
		assert_err("", AK_OK, rejudge_session(&r, &two.s, &got));
		assert_true(got.right == REJUDGE_KEEPS && got.next_at == HOST_NOW + 1800);
		holds_editors(&two);
	}
	rejudge_close(&r);
}

static void
loses_all_at_once(struct scene *sc)
{
	host_policy(&sc->h, window_taken_away);
	is_required(sc, "viewer:spaces:staging");
	holds_editors(sc);
	assert_err("", AK_OK, host_put(&sc->h, &sc->key));
}

static void
abuse_128_without_memory_it_keeps_its_right(void **state)
{
	static const struct {
		const char *row;
		void (*change)(struct scene *sc);
	} rows[] = {
	    {"a window, a group and the stack's role", loses_all_at_once},
	    {"a rule, and damaged memberships", memberships_are_damaged_and_it_is_denied},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct rejudgement got;
		struct rejudge r;
		struct scene sc;
		enum ak_err err;
		unsigned failed = 0;
		void *own = NULL;

		assert_int_equal(tmp_setup(&own), 0);
		scene_make(&sc, own);
		assert_err("", AK_OK, host_put(&sc.h, &sc.key));
		rows[i].change(&sc);
		host_settle(&sc.h);
		for (unsigned n = 1;; n++) {
			rejudge_open(&sc.h.paths, HOST_NOW, &r);
			alloc_fail_nth(n);
			err = rejudge_session(&r, &sc.s, &got);
			rejudge_close(&r);
			if (!alloc_stop())
				break;
			failed++;
			assert_err(rows[i].row, AK_ERR_NOMEM, err);
			assert_row(rows[i].row, got.right == REJUDGE_KEEPS);
		}
		assert_err(rows[i].row, AK_OK, err);
		assert_row(rows[i].row, got.right == REJUDGE_REVOKED);
		assert_row(rows[i].row, failed > 3);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_key_itself_ends_its_sessions),
	    cmocka_unit_test(what_it_may_do_ends_its_sessions),
	    cmocka_unit_test(what_cannot_be_told_ends_none),
	    cmocka_unit_test(the_directory_gives_and_takes),
	    cmocka_unit_test(keys_of_the_directory_are_gone_only_when_that_is_sure),
	    cmocka_unit_test(abuse_171_nothing_ends_by_a_clock_that_cannot_be_believed),
	    T(without_users_idx_no_session_ends),
	    T(whose_key_it_is_is_told_though_the_key_is_gone),
	    T(time_may_change_the_answer_at_the_earliest_edge),
	    T(a_pinned_session_is_judged_by_its_policy_until_its_key_changes),
	    T(a_pinned_policy_has_its_own_settings),
	    T(a_pinned_session_ends_with_its_key),
	    T(a_pinned_session_keeps_its_right_when_its_policy_is_lost),
	    T(a_changed_membership_is_a_changed_key),
	    T(each_session_has_its_own_policy),
	    cmocka_unit_test(abuse_128_without_memory_it_keeps_its_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
