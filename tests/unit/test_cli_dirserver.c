/* dirserver: what the command makes of an LDAP server's answers that slapd would hardly give. */
#include <lber.h>
#include <ldap.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirtext.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

/* What a server has: three keys or none, and a counter. */
struct content {
	const struct berval *description; /* of the second key; NULL: no keys */
	ber_int_t counter_rc;
	const char *counter; /* NULL: an entry that does not show it */
};

static void
say(Sockbuf *peer, BerElement *ber)
{
	if (ber_flush2(peer, ber, LBER_FLUSH_FREE_ALWAYS) != 0)
		_exit(1);
}

static void
say_result(Sockbuf *peer, ber_int_t id, ber_tag_t tag, ber_int_t rc)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	(void)ber_printf(ber, "{it{ess}}", id, tag, rc, "", "");
	say(peer, ber);
}

static const char *
value_of(const struct key_record *k, enum directory_slot slot, struct pack *bytes)
{
	dirtext_values_of_key(k, slot, bytes);
	return strv_next(pack_borrow_strv(bytes), NULL);
}

static void
say_key(Sockbuf *peer, ber_int_t id, const char *name, uint32_t uid, const struct berval *d)
{
	struct key_record k = directory_key(name, uid);
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	char dn[128];

	(void)snprintf(dn, sizeof(dn), "apikeyName=%s," FAKE_BASE, name);
	(void)ber_printf(ber, "{it{s{", id, LDAP_RES_SEARCH_ENTRY, dn);
	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		const char *attribute = dirtext_attribute((enum directory_slot)slot), *value;
		struct pack bytes = PACK_INIT;

		if (attribute == NULL)
			continue;
		if (slot == SLOT_KEY_DESCRIPTION && d != NULL)
			(void)ber_printf(ber, "{s[O]}", attribute, d);
		else if ((value = value_of(&k, (enum directory_slot)slot, &bytes)) != NULL)
			(void)ber_printf(ber, "{s[s]}", attribute, value);
		pack_clear(&bytes);
	}
	(void)ber_printf(ber, "}}}");
	say(peer, ber);
}

static void
say_counter(Sockbuf *peer, ber_int_t id, const char *counter)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	(void)ber_printf(ber, "{it{s{", id, LDAP_RES_SEARCH_ENTRY, FAKE_COUNTER);
	if (counter != NULL)
		(void)ber_printf(ber, "{s[s]}", DIRTEXT_COUNTER_ATTRIBUTE, counter);
	(void)ber_printf(ber, "}}}");
	say(peer, ber);
}

/* With all keys, whatever is asked for; or with the counter, by its name alone. */
static void
answer(Sockbuf *peer, ber_int_t id, BerElement *ber, const struct content *c)
{
	struct berval base;
	ber_int_t scope = 0, rc = LDAP_SUCCESS;

	if (ber_scanf(ber, "{me", &base, &scope) == LBER_ERROR)
		_exit(1);
	if (scope == LDAP_SCOPE_BASE && strcmp(base.bv_val, FAKE_COUNTER) == 0) {
		if ((rc = c->counter_rc) == LDAP_SUCCESS)
			say_counter(peer, id, c->counter);
	} else if (c->description != NULL) {
		say_key(peer, id, "a", DIRECTORY_UID, NULL);
		say_key(peer, id, "b", DIRECTORY_UID + 1, c->description);
		say_key(peer, id, "c", DIRECTORY_UID + 2, NULL);
	}
	say_result(peer, id, LDAP_RES_SEARCH_RESULT, rc);
}

/* In the child: one connection to its end. */
static void
serve(int fd, const struct content *c)
{
	Sockbuf *peer = ber_sockbuf_alloc();
	ber_int_t id;
	ber_len_t len;

	if (ber_sockbuf_add_io(peer, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER, &fd) != 0)
		_exit(1);
	for (;;) {
		BerElement *ber = ber_alloc_t(LBER_USE_DER);

		if (ber_get_next(peer, &len, ber) != LDAP_TAG_MESSAGE ||
		    ber_scanf(ber, "i", &id) == LBER_ERROR)
			_exit(0);
		switch (ber_peek_tag(ber, &len)) {
		case LDAP_REQ_BIND:
			say_result(peer, id, LDAP_RES_BIND, LDAP_SUCCESS);
			break;
		case LDAP_REQ_SEARCH:
			answer(peer, id, ber, c);
			break;
		default:
			_exit(0);
		}
		ber_free(ber, 1);
	}
}

/* A server that takes one connection. */
static pid_t
server_start(const char *path, const struct content *c)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_true(fd != -1);
	assert_int_equal(text_copy(at.sun_path, sizeof(at.sun_path), path), AK_OK);
	(void)unlink(path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	if ((pid = fork()) == 0)
		serve(accept(fd, NULL, NULL), c);
	assert_true(pid != -1);
	(void)close(fd);
	return pid;
}

/* ldapi://PATH, with its slashes escaped. */
static void
print_uri(const char *path, char *out, size_t cap)
{
	struct text t = text_over(out, cap);

	text_add(&t, "ldapi://");
	for (; *path != '\0'; path++)
		text_add(&t, *path == '/' ? "%%2F" : "%c", *path);
	assert_false(t.cut);
}

static void
make(struct cli_test *t, void **state, char path[128], char uri[256])
{
	cli_test_make(t, state);
	host_settings(&t->host, CLI_DIRECTORY_SETTINGS);
	t->cli.host.directory = &dirserver_ldap;
	(void)snprintf(path, 128, "%s", tmp_path(t->tmp, "ldapi"));
	print_uri(path, uri, 256);
}

#define IN(uri) "--in", "directory", "-H", (uri), "-Y", "EXTERNAL"

static void
a_bad_value_costs_its_entry_alone(void **state)
{
	static char empty[] = "", nul[] = "x\0y";
	static const struct {
		const char *sentence;
		struct berval description;
	} rows[] = {
	    {"an empty value", {.bv_len = 0, .bv_val = empty}},
	    {"a NUL in a value", {.bv_len = 3, .bv_val = nul}},
	};
	char uri[256], path[128];
	struct cli_test t;
	pid_t pid;

	make(&t, state, path, uri);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct content c = {.description = &rows[i].description};

		print_message("%s\n", rows[i].sentence);
		pid = server_start(path, &c);
		assert_run(
		    &t, CLI_DONE, "1 entries are no whole keys", "list", IN(uri), "-o", "json");
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_member(&t, "0.name", "\"a\"");
		assert_member(&t, "1.name", "\"c\"");
		assert_member(&t, "2", "(none)");
	}
	cli_test_clear(&t);
}

static void
the_counter_is_read_before_a_uid_is_given_by_hand(void **state)
{
	static const struct {
		struct content content;
		int code;
		const char *says;
	} rows[] = {
	    {{.counter = "1879048197"}, CLI_REFUSED, "stands at 1879048197"},
	    {{.counter_rc = LDAP_NO_SUCH_OBJECT}, CLI_REFUSED, "`cn: uids', `apikeyNextUid: "},
	    {{.counter = NULL}, CLI_FAILED, "does not tell apikeyNextUid of cn=uids,dc=x: "},
	    {{.counter = "many"}, CLI_FAILED, "does not tell apikeyNextUid of cn=uids,dc=x: "},
	    {{.counter_rc = LDAP_BUSY}, CLI_FAILED, "reading the counter of uids"},
	};
	char uri[256], path[128];
	struct cli_test t;
	pid_t pid;

	make(&t, state, path, uri);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid = server_start(path, &rows[i].content);
		assert_run(&t, rows[i].code, rows[i].says, "create", "--name", "x", "--uid",
		    "1879048196", IN(uri));
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_bad_value_costs_its_entry_alone),
	    T(the_counter_is_read_before_a_uid_is_given_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
