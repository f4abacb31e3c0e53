#include "testlib_cmocka.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ldapconn.h"

static struct ldapconn_config
config(const char *uri)
{
	return (struct ldapconn_config){.uri = uri, .timeout_s = 1};
}

/* A port on which somebody listens and never says a word; or, once fd is closed, nobody. */
static int
silent_port(int *fd)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET,
	    .sin_addr = {htonl(INADDR_LOOPBACK)},
	};
	socklen_t len = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(*fd, 8), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static void
assert_fails(struct ldapconn_config c, enum ak_err wanted, const char *sentence)
{
	struct diag why = DIAG_INIT;
	LDAP *ld = (LDAP *)&why;

	assert_err(c.uri, wanted, ldapconn_open(&c, &ld, &why));
	assert_null(ld);
	if (strstr(why.text, sentence) == NULL)
		fail_msg("'%s' does not say '%s'", why.text, sentence);
}

static void
a_bad_configuration_is_refused_before_anything_is_sent(void **state)
{
	struct ldapconn_config c;

	(void)state;
	assert_fails(config("http://x"), AK_ERR_INVALID, "no URI of an LDAP server");
	assert_fails(config("cldap://x"), AK_ERR_INVALID, "no URI of an LDAP server");
	assert_fails(config("ldap://a ldap://b"), AK_ERR_INVALID, "no URI of an LDAP server");
	assert_fails(config("ldap://a,b"), AK_ERR_INVALID, "no URI of an LDAP server");
	assert_fails(config(NULL), AK_ERR_INVALID, "no URI of an LDAP server");
	c = config("ldap://x");
	c.timeout_s = 0;
	assert_fails(c, AK_ERR_INVALID, "timeout");
	c = config("ldap://x");
	c.bind = LDAPCONN_SIMPLE;
	c.dn = "cn=a";
	c.password = "";
	assert_fails(c, AK_ERR_INVALID, "anonymous");
	c.password = NULL;
	assert_fails(c, AK_ERR_INVALID, "anonymous");
	c.dn = "";
	c.password = "x";
	assert_fails(c, AK_ERR_INVALID, "anonymous");
	c = config("ldap://x");
	c.cert_file = "/x";
	assert_fails(c, AK_ERR_INVALID, "client certificate");
	c = config("ldap://127.0.0.1:9");
	c.ca_file = "/nonexistent/ca.pem";
	assert_fails(c, AK_ERR_INVALID, "/nonexistent/ca.pem");
}

static void
a_server_that_is_not_there_is_unavailable(void **state)
{
	char uri[64];
	int fd, port = silent_port(&fd);

	(void)state;
	assert_int_equal(close(fd), 0);
	(void)snprintf(uri, sizeof(uri), "ldap://127.0.0.1:%d", port);
	assert_fails(config(uri), AK_ERR_UNAVAILABLE, "can't be reached");
	(void)snprintf(uri, sizeof(uri), "ldaps://127.0.0.1:%d", port);
	assert_fails(config(uri), AK_ERR_UNAVAILABLE, "can't be reached");
	assert_fails(
	    config("ldapi://%2Fnonexistent%2Fldapi"), AK_ERR_UNAVAILABLE, "can't be reached");
}

static void
a_server_that_never_answers_is_given_up(void **state)
{
	char uri[64];
	int fd, port = silent_port(&fd);

	(void)state;
	(void)snprintf(uri, sizeof(uri), "ldap://127.0.0.1:%d", port);
	assert_fails(config(uri), AK_ERR_UNAVAILABLE, uri);
	(void)snprintf(uri, sizeof(uri), "ldaps://127.0.0.1:%d", port);
	assert_fails(config(uri), AK_ERR_UNAVAILABLE, uri);
	assert_int_equal(close(fd), 0);
}

/* Takes one connection, and answers the bind on it with "invalid credentials" and these words. */
static _Noreturn void
refuse_bind(int fd, const char *words)
{
	unsigned char in[512], out[256] = {0x30, 0, 2, 1, 1, 0x61, 0, 0x0a, 1, 49, 4, 0, 4, 0};
	size_t len = strlen(words);
	int conn = accept(fd, NULL, NULL);
	bool ok = conn >= 0 && len < 100 && read(conn, in, sizeof(in)) > 0;

	out[1] = (unsigned char)(12 + len);
	out[6] = (unsigned char)(7 + len);
	out[13] = (unsigned char)len;
	if (ok) {
		memcpy(out + 14, words, len);
		ok = write(conn, out, 14 + len) == (ssize_t)(14 + len);
	}
	/* Until the other side hangs up. */
	while (ok && read(conn, in, sizeof(in)) > 0)
		;
	_exit(ok ? 0 : 1);
}

/* What is said of a bind that a server on a local socket refuses with these words. */
static struct diag
refused_with(const char *words)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/ldapconn.XXXXXX", uri[128];
	struct ldapconn_config c = config(uri);
	struct diag why = DIAG_INIT;
	LDAP *ld = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	pid_t child;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	(void)snprintf(uri, sizeof(uri), "ldapi://%%2Ftmp%%2F%s%%2Fs", dir + 5);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	if ((child = fork()) == 0)
		refuse_bind(fd, words);
	c.timeout_s = 30;
	c.bind = LDAPCONN_SIMPLE;
	c.dn = "cn=apikeyd";
	c.password = "correct horse";
	assert_err(words, AK_ERR_DENIED, ldapconn_open(&c, &ld, &why));
	assert_int_equal(close(fd), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(unlink(a.sun_path), 0);
	assert_int_equal(rmdir(dir), 0);
	return why;
}

static void
what_a_server_says_is_told_unless_the_password_is_in_it(void **state)
{
	static const struct {
		const char *words, *told;
	} rows[] = {
	    {"the account is locked", "the account is locked"},
	    {"correct", "correct"},
	    {"correct horse", NULL},
	    {"no bind with \"correct horse\" here", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag why = refused_with(rows[i].words);

		assert_row(why.text, strstr(why.text, "Invalid credentials") != NULL);
		assert_row(why.text, strstr(why.text, "horse") == NULL);
		assert_row(
		    why.text, rows[i].told == NULL || strstr(why.text, rows[i].told) != NULL);
		assert_row(
		    why.text, rows[i].told != NULL || strstr(why.text, "bind with") == NULL);
	}
}

static void
names_are_escaped_in_filters(void **state)
{
	static const struct {
		const char *text, *filter;
	} rows[] = {
	    {"", ""},
	    {"ci-deploy", "ci-deploy"},
	    {"a*(b)\\", "a\\2a\\28b\\29\\5c"},
	    {"a\nb", "a\\0ab"},
	    {" a b ", " a b "},
	    {"#a#", "#a#"},
	    {"a,b+c\"d;e<f>g=h", "a,b+c\"d;e<f>g=h"},
	    {"\303\274", "\303\274"},
	};
	char out[64], small[4];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err(rows[i].text, AK_OK,
		    ldapconn_escape_filter(rows[i].text, out, sizeof(out)));
		assert_string_equal(out, rows[i].filter);
	}
	assert_err("", AK_ERR_RANGE, ldapconn_escape_filter("ab*", small, sizeof(small)));
	assert_string_equal(small, "");
}

static void
results_are_told_apart(void **state)
{
	static const struct {
		int rc;
		enum ak_err err;
	} rows[] = {
	    {LDAP_SUCCESS, AK_OK},
	    {LDAP_NO_SUCH_OBJECT, AK_ERR_NOT_FOUND},
	    {LDAP_INVALID_CREDENTIALS, AK_ERR_DENIED},
	    {LDAP_INSUFFICIENT_ACCESS, AK_ERR_DENIED},
	    {LDAP_ALREADY_EXISTS, AK_ERR_EXISTS},
	    {LDAP_SIZELIMIT_EXCEEDED, AK_ERR_FULL},
	    {LDAP_SERVER_DOWN, AK_ERR_UNAVAILABLE},
	    {LDAP_BUSY, AK_ERR_UNAVAILABLE},
	    {LDAP_REFERRAL, AK_ERR_UNAVAILABLE},
	    {-999, AK_ERR_UNAVAILABLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag why = DIAG_INIT;

		assert_err("", rows[i].err, ldapconn_fail(NULL, rows[i].rc, "the search", &why));
		assert_int_equal(why.text[0] == '\0', rows[i].rc == LDAP_SUCCESS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bad_configuration_is_refused_before_anything_is_sent),
	    cmocka_unit_test(a_server_that_is_not_there_is_unavailable),
	    cmocka_unit_test(a_server_that_never_answers_is_given_up),
	    cmocka_unit_test(what_a_server_says_is_told_unless_the_password_is_in_it),
	    cmocka_unit_test(names_are_escaped_in_filters),
	    cmocka_unit_test(results_are_told_apart),
	};

	ldapconn_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
