#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "settings.h"
#include "testlib_alloc.h"
#include "testlib_random.h"

static enum ak_err
read_text(const char *text, struct settings *out, struct diag *why)
{
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	settings_default(out);
	if ((err = yamltree_parse(text, strlen(text), "apikey.yaml", &doc, why)) != AK_OK)
		return err;
	err = settings_from_yaml(yamltree_root_borrow(doc), "apikey.yaml", out, why);
	yamltree_free(&doc);
	return err;
}

/* words: with a blank between. */
static void
assert_strv(struct strv v, const char *words)
{
	char buf[256];
	struct text t = text_over(buf, sizeof(buf));

	strv_for (v, entry) {
		text_add(&t, "%s%s", t.len == 0 ? "" : " ", entry);
	}
	assert_string_equal(buf, words);
}

/* Of what a directory need not say. */
static void
assert_directory_defaults(const struct directory_settings *d)
{
	assert_string_equal(d->ca_file, "/etc/ssl/certs/ca-certificates.crt");
	assert_string_equal(d->cert_file, "");
	assert_string_equal(d->key_file, "");
	assert_string_equal(d->bind_dn, "");
	assert_string_equal(d->password_file, "");
	assert_int_equal(d->sasl, DIRECTORY_NO_SASL);
	assert_int_equal(d->timeout_s, 5);
	assert_int_equal(d->poll_s, 60);
	assert_int_equal(d->reconcile_s, 3600);
	assert_int_equal(d->max_age_s, 15 * 60);
	assert_int_equal(d->keys_max_age_s, 86400);
	assert_int_equal(d->may_grant.len_b, 0);
	assert_int_equal(d->uids.min, 1879048192);
	assert_int_equal(d->uids.max, 1999999999);
	assert_string_equal(d->counter, "");
	assert_string_equal(d->keys.base, "");
	assert_string_equal(d->keys.filter, "(objectClass=apikeyKey)");
	assert_string_equal(d->groups.base, "");
	assert_string_equal(d->groups.filter, "(objectClass=groupOfNames)");
	assert_string_equal(d->group_name, "cn");
	assert_strv(d->members, "member uniqueMember memberUid");
	assert_true(d->nested);
	assert_string_equal(d->role_attribute, "");
	assert_string_equal(d->principal.base, "");
	assert_string_equal(d->principal.filter, "(uid=%n)");
}

static void
assert_defaults(const struct settings *s)
{
	assert_int_equal(s->hosts.len_b, 0);
	assert_string_equal(s->space, "root");
	assert_int_equal(s->uids.min, 70000);
	assert_int_equal(s->uids.max, 99999);
	assert_int_equal(s->gids.min, 69000);
	assert_int_equal(s->gids.max, 69999);
	assert_string_equal(s->home, "/home/%n");
	assert_string_equal(s->shell, "/bin/bash");
	assert_string_equal(s->keys_group, "apikey");
	assert_true(s->create_home);
	assert_true(s->enumerate);
	assert_false(s->public_key_logins);
	assert_false(s->audit_required);
	assert_true(s->max_duration_s == NUM_NEVER);
	assert_int_equal(s->samples_max, 1000);
	assert_int_equal(s->samples_max_age_s, 30 * 86400);
	assert_false(s->directory.present);
	assert_int_equal(s->directory.uris.len_b, 0);
	assert_directory_defaults(&s->directory);
}

static void
abuse_051_an_empty_file_gives_every_default(void **state)
{
	static const char *const rows[] = {"", "# nothing\n", "version: 1\n"};
	struct settings s;

	(void)state;
	settings_default(&s);
	assert_defaults(&s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err(rows[i], AK_OK, read_text(rows[i], &s, NULL));
		assert_defaults(&s);
	}
}

static const char everything[] =
    "version: 1\n"
    "host: [bastion-1, Bastion-1.example.com]\n"
    "space: production\n"
    "uid_range: 200000-200000\n"
    "gid_range: 70000-70999\n"
    "home: /srv/%i/%n-%u-100%%\n"
    "create_home: false\n"
    "shell: /bin/sh\n"
    "keys_group: _keys\n"
    "enumerate: false\n"
    "max_duration: 90d\n"
    "public_key_logins: allow\n"
    "audit: required\n"
    "samples: {max: 0, max_age: 12h}\n"
    "directory:\n"
    "  uris: [ldaps://l1.example.com, 'ldaps://[2001:db8::1]:6636/']\n"
    "  tls: ldaps\n"
    "  ca_file: /etc/ca.pem\n"
    "  cert_file: /etc/cert.pem\n"
    "  key_file: /etc/key.pem\n"
    "  bind_dn: cn=bastion-1,dc=example\n"
    "  password_file: /etc/apikey/ldap.password\n"
    "  timeout: 1h\n"
    "  poll: 5m\n"
    "  reconcile: never\n"
    "  max_age: 1h\n"
    "  keys_max_age: 4w\n"
    "  may_grant: [viewer, '*']\n"
    "  uid_range: 1900000000-1900000009\n"
    "  counter: cn=uids,dc=example\n"
    "  keys: {base: 'ou=keys,dc=example', filter: '(a=b)'}\n"
    "  groups: {base: 'ou=groups,dc=example', filter: '(|(a=b)(c=\\28*))', name: "
    "ou,\n"
    "    member: memberUid, nested: false, role_attribute: apikey-Role1}\n"
    "  principal: {base: 'dc=example', filter: '(&(a=b)(sAMAccountName=%n))'}\n";

static void
assert_every_directory_option(const struct directory_settings *d)
{
	assert_true(d->present);
	assert_strv(d->uris, "ldaps://l1.example.com ldaps://[2001:db8::1]:6636/");
	assert_ptr_equal(d->uris.bytes, d->uris_bytes);
	assert_string_equal(d->ca_file, "/etc/ca.pem");
	assert_string_equal(d->cert_file, "/etc/cert.pem");
	assert_string_equal(d->key_file, "/etc/key.pem");
	assert_string_equal(d->bind_dn, "cn=bastion-1,dc=example");
	assert_string_equal(d->password_file, "/etc/apikey/ldap.password");
	assert_int_equal(d->sasl, DIRECTORY_NO_SASL);
	assert_int_equal(d->timeout_s, 3600);
	assert_int_equal(d->poll_s, 300);
	assert_true(d->reconcile_s == NUM_NEVER);
	assert_int_equal(d->max_age_s, 3600);
	assert_int_equal(d->keys_max_age_s, 4 * 7 * 86400);
	assert_strv(d->may_grant, "viewer *");
	assert_ptr_equal(d->may_grant.bytes, d->may_grant_bytes);
	assert_int_equal(d->uids.min, 1900000000);
	assert_int_equal(d->uids.max, 1900000009);
	assert_string_equal(d->counter, "cn=uids,dc=example");
	assert_string_equal(d->keys.base, "ou=keys,dc=example");
	assert_string_equal(d->keys.filter, "(a=b)");
	assert_string_equal(d->groups.base, "ou=groups,dc=example");
	assert_string_equal(d->groups.filter, "(|(a=b)(c=\\28*))");
	assert_string_equal(d->group_name, "ou");
	assert_strv(d->members, "memberUid");
	assert_ptr_equal(d->members.bytes, d->members_bytes);
	assert_false(d->nested);
	assert_string_equal(d->role_attribute, "apikey-Role1");
	assert_string_equal(d->principal.base, "dc=example");
	assert_string_equal(d->principal.filter, "(&(a=b)(sAMAccountName=%n))");
}

static void
assert_everything(const struct settings *s)
{
	assert_int_equal(strv_count(s->hosts), 2);
	assert_true(strv_has(s->hosts, "bastion-1"));
	assert_true(strv_has(s->hosts, "Bastion-1.example.com"));
	assert_ptr_equal(s->hosts.bytes, s->hosts_bytes);
	assert_string_equal(s->space, "production");
	assert_int_equal(s->uids.min, 200000);
	assert_int_equal(s->uids.max, 200000);
	assert_int_equal(s->gids.min, 70000);
	assert_int_equal(s->gids.max, 70999);
	assert_string_equal(s->home, "/srv/%i/%n-%u-100%%");
	assert_true(s->audit_required);
	assert_string_equal(s->shell, "/bin/sh");
	assert_string_equal(s->keys_group, "_keys");
	assert_false(s->create_home);
	assert_false(s->enumerate);
	assert_true(s->public_key_logins);
	assert_int_equal(s->max_duration_s, 90 * 86400);
	assert_int_equal(s->samples_max, 0);
	assert_int_equal(s->samples_max_age_s, 12 * 3600);
	assert_every_directory_option(&s->directory);
}

static void
every_option_is_read(void **state)
{
	struct settings s;
	struct diag why = DIAG_INIT;

	(void)state;
	assert_err(why.text, AK_OK, read_text(everything, &s, &why));
	assert_everything(&s);
	assert_err("one host", AK_OK, read_text("version: 1\nhost: db\n", &s, NULL));
	assert_int_equal(strv_count(s.hosts), 1);
	assert_err("no host", AK_OK, read_text("version: 1\nhost: []\n", &s, NULL));
	assert_int_equal(s.hosts.len_b, 0);
}

struct refusal {
	const char *text;
	unsigned line, col;
	const char *says;
};

static void
check_refusals(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct settings s;
		struct diag why = DIAG_INIT;
		char row[1024];

		assert_err(rows[i].text, AK_ERR_INVALID, read_text(rows[i].text, &s, &why));
		(void)diag_print(&why, row, sizeof(row));
		assert_row(row, strcmp(why.file, "apikey.yaml") == 0);
		assert_row(row, why.line == rows[i].line && why.col == rows[i].col);
		assert_row(row, strstr(why.text, rows[i].says) != NULL);
		assert_defaults(&s);
	}
}

#define CHECK_REFUSALS(rows) check_refusals((rows), sizeof(rows) / sizeof((rows)[0]))

static void
abuse_044_an_unknown_key_is_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspcae: x\n", 2, 1, "did you mean `space'?"},
	    {"version: 1\nhosts: x\n", 2, 1, "did you mean `host'?"},
	    {"version: 1\nuid-range: 70000-80000\n", 2, 1, "did you mean `uid_range'?"},
	    {"version: 1\nSpace: x\n", 2, 1, "did you mean `space'?"},
	    {"version: 1\nlogging: required\n", 2, 1, "apikey.yaml has no key `logging'"},
	    {"version: 1\nsamples: {maximum: 10}\n", 2, 11, "samples has no key `maximum'"},
	    {"version: 1\nsamples.max: 10\n", 2, 1, "no key `samples.max'"},
	    {"version: 1\nmax_age: 10d\n", 2, 1, "no key `max_age'"},
	    {"version: 1\nbind_dn: cn=x\n", 2, 1, "no key `bind_dn'"},
	    {"version: 1\ndirectory.uris: ldaps://a\n", 2, 1, "no key `directory.uris'"},
	    {"version: 1\ndirectory: {uri: ldaps://a}\n", 2, 13,
		"directory has no key `uri': did you mean `uris'?"},
	    {"version: 1\ndirectory: {keys.base: o=x}\n", 2, 13,
		"directory has no key `keys.base'"},
	    {"version: 1\ndirectory: {groups: {bas: o=x}}\n", 2, 22,
		"directory.groups has no key `bas'"},
	    {"version: 1\n'': x\n", 2, 1, "no key `'"},
	    {"version: 1\n<<: {}\n", 2, 1, "no key `<<'"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
the_version_must_be_there_and_1(void **state)
{
	static const struct refusal rows[] = {
	    {"space: x\n", 1, 1, "`version: 1' is missing"},
	    {"{}\n", 1, 1, "`version: 1' is missing"},
	    {"version: 2\n", 1, 10, "version `2' is not known"},
	    {"version: 1.0\n", 1, 10, "`1.0'"},
	    {"version: 01\n", 1, 10, "`01'"},
	    {"version:\n", 1, 9, "no value"},
	    {"version: [1]\n", 1, 10, "one text, not a list"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
the_file_must_be_a_mapping(void **state)
{
	static const struct refusal rows[] = {
	    {"words\n", 1, 1, "is a mapping"},
	    {"- version: 1\n", 1, 1, "is a mapping"},
	    {"''\n", 1, 1, "is a mapping"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_049_only_true_and_false_are_booleans(void **state)
{
	static const char *const words[] = {
	    "yes", "no", "on", "off", "1", "0", "True", "TRUE", "y", "'true '", "~"};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[64];
		struct diag why = DIAG_INIT;

		(void)snprintf(text, sizeof(text), "version: 1\nenumerate: %s\n", words[i]);
		assert_err(text, AK_ERR_INVALID, read_text(text, &s, &why));
		assert_row(why.text, strstr(why.text, "enumerate is true or false") != NULL);
	}
}

static void
bad_values_are_refused_at_their_place(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspace: Prod\n", 2, 8, "`Prod' is not a space's name"},
	    {"version: 1\nspace:\n", 2, 7, "space has no value"},
	    {"version: 1\nspace: [a]\n", 2, 8, "one text, not a list"},
	    {"version: 1\nspace: {a: b}\n", 2, 8, "one text, not a mapping"},
	    {"version: 1\nhost: a,b\n", 2, 7, "`a,b' is not a host's name"},
	    {"version: 1\nhost: [a, b, a]\n", 2, 14, "`a' is given twice (first at line 2)"},
	    {"version: 1\nhost: [a, [b]]\n", 2, 11, "one text, not a list"},
	    {"version: 1\nhost: [a, '']\n", 2, 11, "no value"},
	    {"version: 1\nhome: home/%n\n", 2, 7, "an absolute path"},
	    {"version: 1\nhome: /home/%h\n", 2, 7, "%n, %u, %i and %%"},
	    {"version: 1\nhome: /home/%\n", 2, 7, "an absolute path"},
	    {"version: 1\nhome: /a:b\n", 2, 7, "no colon"},
	    {"version: 1\nhome: \"/a\\nb\"\n", 2, 7, "an absolute path"},
	    {"version: 1\nshell: bash\n", 2, 8, "an absolute path"},
	    {"version: 1\nshell: /bin/sh:x\n", 2, 8, "without a colon"},
	    {"version: 1\nkeys_group: API\n", 2, 13, "a Unix group's name"},
	    {"version: 1\nkeys_group: a123456789012345678901234567890x\n", 2, 13, "31 at most"},
	    {"version: 1\nmax_duration: 1y\n", 2, 15, "no duration"},
	    {"version: 1\nmax_duration: 0\n", 2, 15, "no duration"},
	    {"version: 1\nmax_duration: -1d\n", 2, 15, "no duration"},
	    {"version: 1\nmax_duration: 99999999999999999999d\n", 2, 15, "no duration"},
	    {"version: 1\nsamples: 10\n", 2, 10, "samples is a mapping"},
	    {"version: 1\nsamples: {max: -1}\n", 2, 16, "no whole number from 0 to 1000000"},
	    {"version: 1\nsamples: {max: 1000001}\n", 2, 16, "no whole number"},
	    {"version: 1\nsamples: {max: [1]}\n", 2, 16, "one text, not a list"},
	    {"version: 1\nsamples: {max_age: 0}\n", 2, 20, "no duration"},
	    {"version: 1\naudit: yes\n", 2, 8, "best-effort"},
	    {"version: 1\npublic_key_logins: true\n", 2, 20, "allow or deny, not `true'"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
ranges_that_are_reserved_reversed_or_overlap_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nuid_range: 70000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: -70000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000-\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000 - 80000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000-80000-90000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 0x11170-80000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000-4294967296\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 99999999999999999999-1\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 80000-70000\n", 2, 12, "begins after its end"},
	    {"version: 1\nuid_range: 0-0\n", 2, 12, "holds 0, which"},
	    {"version: 1\nuid_range: 500-2000\n", 2, 12, "holds 500, which"},
	    {"version: 1\nuid_range: 1000-70000\n", 2, 12, "holds 60001, which"},
	    {"version: 1\nuid_range: 65000-66000\n", 2, 12, "holds 65000, which"},
	    {"version: 1\nuid_range: 65534-65534\n", 2, 12, "holds 65534, which"},
	    {"version: 1\nuid_range: 400000-600000\n", 2, 12, "holds 524288, which"},
	    {"version: 1\nuid_range: 70000-4294967295\n", 2, 12, "holds 524288, which"},
	    {"version: 1\nuid_range: 4294967295-4294967295\n", 2, 12, "holds 4294967295"},
	    {"version: 1\ngid_range: 0-100\n", 2, 12, "holds 0, which"},
	    {"version: 1\nuid_range: 60000-60001\n", 2, 12, "holds 60001, which"},
	    {"version: 1\ngid_range: 69999-70000\n", 2, 12, "overlap"},
	    {"version: 1\nuid_range: 69500-69600\n", 2, 12, "overlap"},
	    {"version: 1\nuid_range: 68000-69000\n", 2, 12, "overlap"},
	    {"version: 1\nuid_range: 66000-80000\ngid_range: 67000-67001\n", 3, 12, "overlap"},
	};
	struct settings s;

	(void)state;
	CHECK_REFUSALS(rows);
	assert_err("next to each other", AK_OK,
	    read_text("version: 1\nuid_range: 66000-67000\ngid_range: 67001-67001\n", &s, NULL));
}

/* A text of n bytes after `before`, quoted. */
static char *
with_long(const char *before, const char *start, size_t n)
{
	char *text = malloc(strlen(before) + n + 8);
	char *at = text;

	assert_non_null(text);
	at += sprintf(at, "%s\"%s", before, start);
	memset(at, 'a', n - strlen(start));
	at += n - strlen(start);
	(void)strcpy(at, "\"\n");
	return text;
}

static void
values_have_their_longest(void **state)
{
	struct settings s;
	char *text = with_long("version: 1\nhome: ", "/", sizeof(s.home) - 1);

	(void)state;
	assert_err("home", AK_OK, read_text(text, &s, NULL));
	assert_int_equal(strlen(s.home), sizeof(s.home) - 1);
	free(text);
	text = with_long("version: 1\nshell: ", "/", sizeof(s.shell));
	assert_err("shell", AK_ERR_INVALID, read_text(text, &s, NULL));
	free(text);
	text = with_long("version: 1\nspace: ", "a", POLICY_NAME_MAX + 1);
	assert_err("space", AK_ERR_INVALID, read_text(text, &s, NULL));
	free(text);
}

static void
more_host_names_than_fit_are_refused(void **state)
{
	char text[4096];
	struct text t = text_over(text, sizeof(text));
	struct settings s;
	struct diag why = DIAG_INIT;

	(void)state;
	text_add(&t, "version: 1\nhost: [");
	for (unsigned i = 0; i < 256; i++)
		text_add(&t, "%03u,", i);
	text_add(&t, "]\n");
	assert_err("just", AK_OK, read_text(text, &s, NULL));
	assert_int_equal(s.hosts.len_b, 1024);
	t = text_over(text, sizeof(text));
	text_add(&t, "version: 1\nhost: [x");
	for (unsigned i = 0; i < 256; i++)
		text_add(&t, ",%03u", i);
	text_add(&t, "]\n");
	assert_err("one more", AK_ERR_INVALID, read_text(text, &s, &why));
	assert_non_null(strstr(why.text, "1024 bytes"));
	assert_defaults(&s);
}

#define D "version: 1\ndirectory:\n  uris: ldaps://a\n"

static void
a_directory_that_says_its_servers_has_every_default(void **state)
{
	struct settings s;

	(void)state;
	assert_err("", AK_OK, read_text(D, &s, NULL));
	assert_true(s.directory.present);
	assert_strv(s.directory.uris, "ldaps://a");
	assert_directory_defaults(&s.directory);
	assert_err("none", AK_OK,
	    read_text(D "  groups: {base: o=x, role_attribute: none}\n", &s, NULL));
	assert_string_equal(s.directory.role_attribute, "");
	assert_err("no members", AK_OK,
	    read_text(D "  may_grant: []\n  max_age: never\n  keys_max_age: never\n", &s, NULL));
	assert_true(s.directory.max_age_s == NUM_NEVER);
	assert_true(s.directory.keys_max_age_s == NUM_NEVER);
}

static void
a_directory_without_a_server_is_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\ndirectory: {}\n", 2, 12, "directory.uris is missing"},
	    {"version: 1\ndirectory:\n", 2, 11, "directory.uris is missing"},
	    {"version: 1\ndirectory: {uris: []}\n", 2, 19, "name a server"},
	    {"version: 1\ndirectory: {max_age: 1h}\n", 2, 12, "directory.uris is missing"},
	    {"version: 1\ndirectory: ldaps://a\n", 2, 12, "directory is a mapping"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
a_uri_says_the_server_and_nothing_more(void **state)
{
	static const struct {
		const char *uri;
		bool good;
	} rows[] = {
	    {"ldap://a", true},
	    {"ldap://a/", true},
	    {"ldap://a.example.com:389", true},
	    {"ldap://192.0.2.1:389/", true},
	    {"ldap://[2001:db8::1]", true},
	    {"ldaps://[::1]:65535/", true},
	    {"ldapi://", true},
	    {"ldapi:///", true},
	    {"ldapi://%2Frun%2Fslapd-1%2Fldapi_x.sock", true},
	    {"ldapi://%2Frun%2Fldapi/", true},
	    {"ldap://", false},
	    {"ldap:///", false},
	    {"ldap:a", false},
	    {"LDAP://a", false},
	    {"http://a", false},
	    {"a.example.com", false},
	    {"cldap://a", false},
	    {"ldap://a//", false},
	    {"ldap://a/dc=example", false},
	    {"ldap://a?x", false},
	    {"ldap://a b", false},
	    {"ldap://user@a", false},
	    {"ldap://a:", false},
	    {"ldap://a:0", false},
	    {"ldap://a:65536", false},
	    {"ldap://a:38x", false},
	    {"ldap://2001:db8::1", false},
	    {"ldap://[2001:db8::1", false},
	    {"ldap://[2001:db8::g]", false},
	    {"ldap://[fe80::1%eth0]", false},
	    {"ldap://[192.0.2.1]", false},
	    {"ldap://[::1]x", false},
	    {"ldap://[]", false},
	    {"ldapi://run%2Fldapi", false},
	    {"ldapi://%2F", false},
	    {"ldapi://%2frun", false},
	    {"ldapi:///run/ldapi", false},
	    {"ldapi://%2Frun%00", false},
	    {"ldapi://%2Frun/dc=x", false},
	};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		struct diag why = DIAG_INIT;

		(void)snprintf(
		    text, sizeof(text), "version: 1\ndirectory: {uris: ['%s']}\n", rows[i].uri);
		assert_err(rows[i].uri, rows[i].good ? AK_OK : AK_ERR_INVALID,
		    read_text(text, &s, &why));
		if (!rows[i].good) {
			assert_row(rows[i].uri, why.line == 2 && why.col == 20);
			assert_row(why.text, strstr(why.text, "is not ldaps://HOST[:PORT]"));
		}
	}
}

static void
a_filter_is_one_whole_filter(void **state)
{
	static const struct {
		const char *filter;
		bool keys, principal;
	} rows[] = {
	    {"(uid=%n)", true, true},
	    {"(&(a=b)(uid=%n))", true, true},
	    {"(&(uid=%n)(!(a=b\\29)))", true, true},
	    {"(x-1=%n)", true, true},
	    {"(a=b)", true, false},
	    {"(a=%n*)", true, false},
	    {"(a=*%n)", true, false},
	    {"(a:caseExactMatch:=%n)", true, false},
	    {"(1a=%n)", true, false},
	    {"(=%n)", true, false},
	    {"(a>=%n)", true, false},
	    {"(|(a=%n)(b=%n))", true, false},
	    {"(&(a=%n)(b=%u))", true, false},
	    {"(&(a=%n)(b=%%))", true, false},
	    {"(a=%N)", true, false},
	    {"a=%n", false, false},
	    {"(a=%n", false, false},
	    {"a=%n)", false, false},
	    {"((a=%n)", false, false},
	    {"(a=%n))", false, false},
	    {"(a=%n)(b=c)", false, false},
	    {"(a=%n)x", false, false},
	    {"(a=\\2)(b=%n)", false, false},
	    {"(&(a=\\)(uid=%n))", false, false},
	    {"(a=\t)", false, false},
	};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), D "  keys: {base: 'o=x', filter: '%s'}\n",
		    rows[i].filter);
		assert_err(
		    text, rows[i].keys ? AK_OK : AK_ERR_INVALID, read_text(text, &s, NULL));
		(void)snprintf(text, sizeof(text),
		    D "  principal: {base: 'o=x', filter: '%s'}\n", rows[i].filter);
		assert_err(text, rows[i].principal ? AK_OK : AK_ERR_INVALID,
		    read_text(text, &s, NULL));
	}
}

static void
bad_values_of_the_directory_are_refused_at_their_place(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\ndirectory: {uris: [ldaps://a, 'ldap://a/x']}\n", 2, 31,
		"directory.uris: `ldap://a/x' is not"},
	    {"version: 1\ndirectory: {uris: [ldaps://a, ldaps://a]}\n", 2, 31, "given twice"},
	    {D "  tls: plain\n", 4, 8, "`plain' is not starttls, ldaps or ldapi"},
	    {D "  tls: false\n", 4, 8, "is not starttls"},
	    {D "  ca_file: ca.pem\n", 4, 12, "is not an absolute path"},
	    {D "  cert_file: ./c\n  key_file: /k\n", 4, 14, "is not an absolute path"},
	    {D "  cert_file: /c\n  key_file: k\n", 5, 13, "is not an absolute path"},
	    {D "  bind_dn: admin\n  password_file: /p\n", 4, 12, "is not a DN"},
	    {D "  bind_dn: ''\n  password_file: /p\n", 4, 12, "no value"},
	    {D "  bind_dn: cn=x\n  password_file: \"/a\\nb\"\n", 5, 18,
		"is not an absolute path"},
	    {D "  sasl: gssapi\n", 4, 9, "is not external"},
	    {D "  timeout: 0\n", 4, 12, "no duration (from 1s to 1h)"},
	    {D "  timeout: 3601\n", 4, 12, "from 1s to 1h"},
	    {D "  timeout: never\n", 4, 12, "from 1s to 1h"},
	    {D "  poll: never\n", 4, 9, "and not never"},
	    {D "  reconcile: 0\n", 4, 14, "no duration"},
	    {D "  max_age: soon\n", 4, 12, "no duration"},
	    {D "  keys_max_age: -1\n", 4, 17, "no duration"},
	    {D "  may_grant: [viewer, a*]\n", 4, 23, "is not a role's name, nor `*'"},
	    {D "  may_grant: [Viewer]\n", 4, 15, "is not a role's name"},
	    {D "  uid_range: 5\n", 4, 14, "no range of ids"},
	    {D "  uid_range: 500-999\n", 4, 14, "holds 500, which"},
	    {D "  uid_range: 1999999999-1879048192\n", 4, 14, "begins after its end"},
	    {D "  counter: uids\n", 4, 12, "is not a DN"},
	    {D "  keys: {base: keys}\n", 4, 16, "is not a DN"},
	    {D "  keys: {base: ''}\n", 4, 16, "no value"},
	    {D "  keys: {filter: (a=b)}\n", 4, 9, "directory.keys.base is missing"},
	    {D "  groups: {}\n", 4, 11, "directory.groups.base is missing"},
	    {D "  groups: {base: x}\n", 4, 18, "is not a DN"},
	    {D "  groups: {base: o=x, filter: a=b}\n", 4, 31, "is not a filter"},
	    {D "  groups: {base: o=x, name: 1cn}\n", 4, 29, "is not an attribute's name"},
	    {D "  groups: {base: o=x, name: c_n}\n", 4, 29, "is not an attribute's name"},
	    {D "  groups: {base: o=x, member: [a, 'b;binary']}\n", 4, 35,
		"is not an attribute's name"},
	    {D "  groups: {base: o=x, nested: yes}\n", 4, 31, "is true or false"},
	    {D "  groups: {base: o=x, role_attribute: a b}\n", 4, 39,
		"is not an attribute's name"},
	    {D "  principal: {filter: (uid=%n)}\n", 4, 14,
		"directory.principal.base is missing"},
	    {D "  principal: {base: x}\n", 4, 21, "is not a DN"},
	    {D "  principal: {base: o=x, filter: (uid=root)}\n", 4, 34, "(ATTRIBUTE=%n) once"},
	    {D "  principal: []\n", 4, 14, "directory.principal is a mapping"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
options_that_contradict_each_other_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\ndirectory: {uris: [ldaps://a, ldap://b], tls: ldaps}\n", 2, 31,
		"`ldap://b' is not what `tls: ldaps' says"},
	    {D "  tls: starttls\n", 3, 9, "`ldaps://a' is not what `tls: starttls' says"},
	    {D "  tls: ldapi\n", 3, 9, "`ldaps://a' is not what `tls: ldapi' says"},
	    {D "  bind_dn: cn=x\n", 4, 12, "needs directory.password_file"},
	    {D "  password_file: /p\n", 4, 18, "needs directory.bind_dn"},
	    {D "  cert_file: /c\n", 4, 14, "needs directory.key_file"},
	    {D "  key_file: /k\n", 4, 13, "needs directory.cert_file"},
	    {D "  sasl: external\n", 4, 9, "needs directory.cert_file"},
	    {"version: 1\ndirectory: {uris: [ldapi://, ldaps://a], sasl: external}\n", 2, 48,
		"needs directory.cert_file"},
	    {D "  cert_file: /c\n  key_file: /k\n  sasl: external\n  bind_dn: cn=x\n  "
	       "password_file: /p\n",
		6, 9, "two ways"},
	    {"version: 1\nuid_range: 1900000000-1900000001\n"
	     "directory: {uris: ldaps://a}\n",
		2, 12, "could be given twice"},
	    {"version: 1\ngid_range: 1900000000-1900000001\n"
	     "directory: {uris: ldaps://a}\n",
		2, 12, "gid_range overlap"},
	    {D "  uid_range: 99999-100000\n", 4, 14,
		"directory.uid_range and uid_range overlap"},
	    {D "  uid_range: 69999-69999\n", 4, 14, "directory.uid_range and gid_range overlap"},
	};
	static const char *const good[] = {
	    "version: 1\ndirectory: {uris: [ldapi://, 'ldapi://%2Frun%2Fl'], sasl: external, "
	    "tls: ldapi}\n",
	    D "  cert_file: /c\n  key_file: /k\n  sasl: external\n",
	    D "  uid_range: 100000-100000\n",
	    "version: 1\ndirectory: {uris: ldap://a, tls: starttls}\n",
	    /* nobody asks for the range of a directory that is not there */
	    "version: 1\nuid_range: 1900000000-1900000001\n",
	};
	struct settings s;

	(void)state;
	CHECK_REFUSALS(rows);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_err(good[i], AK_OK, read_text(good[i], &s, NULL));
}

static void
a_copy_borrows_from_itself(void **state)
{
	struct settings s, copy;

	(void)state;
	assert_err("", AK_OK, read_text(everything, &s, NULL));
	settings_copy(&copy, &s);
	memset(&s, 'x', sizeof(s));
	assert_everything(&copy);
}

static void
a_role_comes_through_the_directory_when_it_is_named(void **state)
{
	static const struct {
		const char *may_grant, *role;
		bool root_equivalent, may;
	} rows[] = {
	    {"[]", "viewer", false, false},
	    {"[]", "*", false, false},
	    {"[viewer]", "viewer", false, true},
	    {"[viewer]", "view", false, false},
	    {"[viewer]", "admin", true, false},
	    {"[viewer, admin]", "admin", true, true},
	    {"['*']", "viewer", false, true},
	    {"['*']", "admin", true, false},
	    {"[admin, '*']", "admin", true, true},
	};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), D "  may_grant: %s\n", rows[i].may_grant);
		assert_err(text, AK_OK, read_text(text, &s, NULL));
		assert_row(text, settings_may_grant(&s.directory, rows[i].role,
				     rows[i].root_equivalent) == rows[i].may);
	}
	settings_default(&s);
	assert_false(settings_may_grant(&s.directory, "viewer", false));
}

/* One field of sound settings that holds what it can't. */
#define BROKEN(member, type, ...)                                                              \
	{                                                                                      \
#member " " #__VA_ARGS__, offsetof(struct settings, member), sizeof(type),     \
		    &(const type)                                                              \
		{                                                                              \
			__VA_ARGS__                                                            \
		}                                                                              \
	}
#define LIST_OF(s) (s), sizeof(s)

static void
what_no_file_could_say_does_not_unpack(void **state)
{
	const struct {
		const char *name;
		size_t offset, size_b;
		const void *value;
	} rows[] = {
	    BROKEN(directory.uris, struct strv, NULL, 0),
	    BROKEN(directory.uris, struct strv, LIST_OF("ldap://a/x")),
	    BROKEN(directory.may_grant, struct strv, LIST_OF("viewer\0Admin")),
	    BROKEN(directory.members, struct strv, LIST_OF("a b")),
	    BROKEN(directory.ca_file, char[2], ""),
	    BROKEN(directory.ca_file, char[2], "x"),
	    BROKEN(directory.bind_dn, char[2], ""),
	    BROKEN(directory.password_file, char[2], ""),
	    BROKEN(directory.cert_file, char[2], ""),
	    BROKEN(directory.key_file, char[2], ""),
	    BROKEN(directory.sasl, enum directory_sasl, DIRECTORY_EXTERNAL),
	    BROKEN(directory.timeout_s, int64_t, 0),
	    BROKEN(directory.timeout_s, int64_t, 3601),
	    BROKEN(directory.poll_s, int64_t, NUM_NEVER),
	    BROKEN(directory.max_age_s, int64_t, -1),
	    BROKEN(directory.uids, struct id_range, 200000, 200000),
	    BROKEN(directory.uids, struct id_range, 70999, 71000),
	    BROKEN(directory.uids, struct id_range, 0, 0),
	    BROKEN(directory.keys.base, char[2], "x"),
	    BROKEN(directory.keys.filter, char[2], ""),
	    BROKEN(directory.groups.filter, char[4], "()("),
	    BROKEN(directory.group_name, char[2], "1"),
	    BROKEN(directory.role_attribute, char[2], "-"),
	    BROKEN(directory.principal.filter, char[6], "(a=b)"),
	};
	struct settings s, back;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pack p = PACK_INIT;

		assert_err("", AK_OK, read_text(everything, &s, NULL));
		memcpy((unsigned char *)&s + rows[i].offset, rows[i].value, rows[i].size_b);
		settings_pack(&s, &p);
		assert_err(
		    rows[i].name, AK_ERR_CORRUPT, settings_unpack(p.bytes, p.len_b, &back));
		assert_defaults(&back);
		pack_clear(&p);
	}
}

static void
packed_settings_come_back(void **state)
{
	struct pack p = PACK_INIT;
	struct settings s, back;

	(void)state;
	assert_err("", AK_OK, read_text(everything, &s, NULL));
	settings_pack(&s, &p);
	assert_err("", AK_OK, p.err);
	assert_err("", AK_OK, settings_unpack(p.bytes, p.len_b, &back));
	assert_everything(&back);
	for (size_t cut = 0; cut < p.len_b; cut++) {
		assert_err("cut", AK_ERR_CORRUPT, settings_unpack(p.bytes, cut, &back));
		assert_defaults(&back);
	}
	pack_u8(&p, 0);
	assert_err("more", AK_ERR_CORRUPT, settings_unpack(p.bytes, p.len_b, &back));
	pack_clear(&p);
}

/* What unpack takes, the file could have said: so packing it again gives the same. */
static void
changed_bytes_unpack_to_sound_settings_or_none(void **state)
{
	struct rnd r = rnd_start("changed_bytes_unpack_to_sound_settings_or_none");
	struct pack p = PACK_INIT;
	struct settings s;

	(void)state;
	assert_err("", AK_OK, read_text(everything, &s, NULL));
	settings_pack(&s, &p);
	for (int round = 0; round < 20000; round++) {
		size_t at = rnd_below(&r, p.len_b);
		unsigned char was = p.bytes[at];
		struct pack again = PACK_INIT;
		enum ak_err err;

		p.bytes[at] = (unsigned char)rnd_u64(&r);
		err = settings_unpack(p.bytes, p.len_b, &s);
		assert_true(err == AK_OK || err == AK_ERR_CORRUPT);
		if (err == AK_OK) {
			settings_pack(&s, &again);
			assert_int_equal(again.len_b, p.len_b);
			assert_memory_equal(again.bytes, p.bytes, p.len_b);
		}
		pack_clear(&again);
		p.bytes[at] = was;
	}
	pack_clear(&p);
}

static void
home_is_filled_in(void **state)
{
	static const struct {
		const char *pattern, *home;
	} rows[] = {
	    {"/home/%n", "/home/ci-deploy"},
	    {"/srv/%u/%i", "/srv/70001/Abcdefghij"},
	    {"/%%n/%%", "/%n/%"},
	    {"/x", "/x"},
	};
	struct key_record key = KEY_RECORD_INIT;
	char out[64];

	(void)state;
	(void)strcpy(key.name, "ci-deploy");
	(void)strcpy(key.id, "Abcdefghij");
	key.uid = 70001;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err("", AK_OK, settings_expand(rows[i].pattern, &key, out, sizeof(out)));
		assert_string_equal(out, rows[i].home);
	}
	assert_err("just", AK_OK, settings_expand("/home/%n", &key, out, 16));
	assert_err("too long", AK_ERR_RANGE, settings_expand("/home/%n", &key, out, 15));
	assert_string_equal(out, "");
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	struct yaml_doc *doc = NULL;

	(void)state;
	assert_err("", AK_OK, yamltree_parse(everything, strlen(everything), "f", &doc, NULL));
	for (unsigned n = 1;; n++) {
		struct settings s;
		struct diag why = DIAG_INIT;
		enum ak_err err;

		alloc_fail_nth(n);
		err = settings_from_yaml(yamltree_root_borrow(doc), "f", &s, &why);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_string_equal(why.text, "out of memory");
		assert_defaults(&s);
	}
	yamltree_free(&doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(abuse_051_an_empty_file_gives_every_default),
	    cmocka_unit_test(every_option_is_read),
	    cmocka_unit_test(abuse_044_an_unknown_key_is_refused),
	    cmocka_unit_test(the_version_must_be_there_and_1),
	    cmocka_unit_test(the_file_must_be_a_mapping),
	    cmocka_unit_test(abuse_049_only_true_and_false_are_booleans),
	    cmocka_unit_test(bad_values_are_refused_at_their_place),
	    cmocka_unit_test(ranges_that_are_reserved_reversed_or_overlap_are_refused),
	    cmocka_unit_test(values_have_their_longest),
	    cmocka_unit_test(more_host_names_than_fit_are_refused),
	    cmocka_unit_test(a_directory_that_says_its_servers_has_every_default),
	    cmocka_unit_test(a_directory_without_a_server_is_refused),
	    cmocka_unit_test(a_uri_says_the_server_and_nothing_more),
	    cmocka_unit_test(a_filter_is_one_whole_filter),
	    cmocka_unit_test(bad_values_of_the_directory_are_refused_at_their_place),
	    cmocka_unit_test(options_that_contradict_each_other_are_refused),
	    cmocka_unit_test(a_copy_borrows_from_itself),
	    cmocka_unit_test(a_role_comes_through_the_directory_when_it_is_named),
	    cmocka_unit_test(what_no_file_could_say_does_not_unpack),
	    cmocka_unit_test(packed_settings_come_back),
	    cmocka_unit_test(changed_bytes_unpack_to_sound_settings_or_none),
	    cmocka_unit_test(home_is_filled_in),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
