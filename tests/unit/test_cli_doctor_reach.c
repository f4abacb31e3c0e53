/* doctor: the name service, its caches and shared accounts, on made-up hosts: each that is broken is told, with what mends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_doctor.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define GOOD "passwd: files apikey\ngroup: files [SUCCESS=merge] apikey\n"

static const char shared_policy[] =
    "version: 1\n"
    "roles:\n"
    "  viewer: {services: [sshd], accounts: [deploy, 'web-*']}\n"
    "  admin: {services: ['*'], accounts: ['*']}\n";
static const char only_policy[] = "version: 1\n"
				  "roles:\n"
				  "  viewer: {services: [sshd], accounts: [deploy]}\n"
				  "accounts:\n"
				  "  deploy: {only_keys: true}\n";

/* ---- the name service ---- */

static void
each_line_that_hides_keys_is_told_and_mended(void **state)
{
	static const struct {
		const char *text, *state, *says;
	} rows[] = {
	    {"passwd: files\ngroup: files [SUCCESS=merge] apikey\n", "attention",
		":1: passwd does not have apikey"},
	    {"passwd: apikey files\ngroup: files [SUCCESS=merge] apikey\n", "attention",
		"apikey before files"},
	    {"passwd:apikey [NOTFOUND=return] files systemd\ngroup: files [SUCCESS=merge] "
	     "apikey\n",
		"attention", "apikey before files"},
	    {"passwd: compat\ngroup: compat\n", "attention", "passwd does not have apikey"},
	    {"passwd: files [!SUCCESS=return] apikey\ngroup: files [SUCCESS=merge] apikey\n",
		"attention", "ends behind files"},
	    {"passwd: files [SUCCESS=merge] apikey\ngroup: files [SUCCESS=merge] apikey\n",
		"attention", "local users are not found"},
	    {"passwd: files ldap apikey\ngroup: files [SUCCESS=merge] apikey\n", "note",
		"asks ldap about each key"},
	    {"passwd: files hesiod apikey\ngroup: files [SUCCESS=merge] apikey\n", "note",
		"asks hesiod"},
	    {"passwd: files apikey\ngroup: files\n", "attention", "group does not have apikey"},
	    {"passwd: files apikey\ngroup: files apikey\n", "attention",
		"does not have [SUCCESS=merge]"},
	    {"passwd: files apikey\ngroup: files [SUCCESS=merge] systemd\n", "attention",
		"group does not have apikey"},
	    {"passwd: files apikey\n", "attention", "no line group"},
	    {"group: files [SUCCESS=merge] apikey\n", "attention", "no line passwd"},
	    {"", "attention", "no line passwd"},
	    {GOOD "initgroups: files\n", "attention", ":3: initgroups does not come"},
	    {GOOD "initgroups: files [SUCCESS=return] apikey\n", "attention",
		"initgroups does not come"},
	    {GOOD "initgroups: files [!UNAVAIL=return] apikey\n", "attention",
		"initgroups does not come"},
	    {GOOD "initgroups: files [SUCCESS=continue] apikey sss\n", "attention",
		":3: initgroups goes on behind local users, so that they have groups of sss"},
	    {GOOD "initgroups: files [success=merge] apikey ldap\n", "attention",
		"groups of ldap"},
	    {"passwd: apikey\ngroup: files [SUCCESS=merge] apikey\n", "attention",
		"passwd does not have files"},
	    /* The last line counts. */
	    {"passwd: files apikey\n" GOOD "passwd: files # apikey\n", "attention",
		":4: passwd does not have apikey"},
	};
	struct cli_test t;
	char advice[ADVICE_CAP], *once, *twice;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/nsswitch.conf", rows[i].text);
		assert_row(rows[i].text,
		    doctor_says(&t, "nsswitch", rows[i].state, rows[i].says, advice));
		for (int step = 0;
		     step < 4 && doctor_says(&t, "nsswitch", rows[i].state, "", advice); step++)
			doctor_follow(&t, advice);
		assert_row(rows[i].text, doctor_says(&t, "nsswitch", "ok", "", NULL));
		assert_row(rows[i].text, doctor_said(&t, "nsswitch", rows[i].state) == 0);
		once = file_read(tmp_path(t.tmp, "etc/nsswitch.conf"), &(size_t){0});
		if (strncmp(advice, "sed", 3) == 0)
			doctor_follow(&t, advice);
		twice = file_read(tmp_path(t.tmp, "etc/nsswitch.conf"), &(size_t){0});
		assert_row(rows[i].text, strcmp(once, twice) == 0);
		free(once);
		free(twice);
	}
	cli_test_clear(&t);
}

static void
a_good_line_is_left_alone(void **state)
{
	static const char *const rows[] = {GOOD,
	    "passwd:\tfiles apikey systemd\ngroup: files [success=merge] apikey\n",
	    "passwd: compat apikey\ngroup: compat [SUCCESS=merge] apikey # x\n",
	    "passwd: files systemd apikey sss\ngroup: files [SUCCESS=merge] systemd "
	    "[SUCCESS=merge] apikey\n",
	    GOOD "initgroups: files [SUCCESS=continue] apikey\n",
	    GOOD "initgroups: apikey files sss\n"};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/nsswitch.conf", rows[i]);
		assert_row(rows[i], doctor_says(&t, "nsswitch", "ok", "no key yet", NULL));
		assert_row(rows[i], doctor_said(&t, "nsswitch", "attention") == 0);
		assert_row(rows[i], doctor_said(&t, "nsswitch", "note") == 0);
	}
	cli_test_clear(&t);
}

static void
what_nsswitch_conf_does_not_know_is_told(void **state)
{
	static const char *const rows[] = {
	    "passwd: files [SUCCES=merge] apikey\ngroup: files\n",
	    "passwd: files [NOTFOUND=stop] apikey\n", "passwd: files [NOTFOUND=return apikey\n",
	    "passwd: [NOTFOUND=return] files apikey\n"};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/nsswitch.conf", rows[i]);
		assert_row(rows[i], doctor_says(&t, "nsswitch", "attention",
					"nothing that nsswitch.conf(5) knows", NULL));
	}
	cli_test_clear(&t);
}

static const char *
no_nss(struct cli_test *t, const char *path)
{
	(void)t;
	return strcmp(path, "libnss_apikey.so.2") == 0 ? "wrong ELF class: ELFCLASS32" : "";
}

static void
the_name_service_is_asked_for_a_key(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	cli_test_create(&t, "ci", "viewer", NULL);
	doctor_put(&t, "etc/nsswitch.conf", GOOD);
	assert_true(doctor_says(&t, "nsswitch", "attention", "does not know the key ci", NULL));
	t.user = "ci";
	t.user_uid = 70000;
	assert_true(doctor_says(&t, "nsswitch", "ok", "knows the key ci (uid 70000)", NULL));
	t.user_uid = 1000;
	assert_true(
	    doctor_says(&t, "nsswitch", "attention", "another user with uid 1000", NULL));
	t.user_uid = 70000;
	t.load = no_nss;
	assert_true(doctor_says(&t, "nsswitch", "attention", "wrong ELF class", NULL));
	t.load = NULL;
	doctor_put(&t, "root/usr/lib/x86_64-linux-gnu/libnss_apikey.so.2", "");
	doctor_put(&t, "root/usr/lib/x86_64-linux-gnu/libc.so.6", "");
	assert_true(doctor_says(&t, "nsswitch", "ok", "knows the key ci", NULL));
	assert_int_equal(doctor_said(&t, "nsswitch", "note"), 0);
	doctor_put(&t, "root/usr/lib/i386-linux-gnu/libc.so.6", "");
	assert_true(doctor_says(&t, "nsswitch", "note", "architecture i386 see no key", NULL));
	cli_test_clear(&t);
}

/* ---- caches ---- */

static void
a_cache_of_names_is_told(void **state)
{
	static const struct {
		const char *conf;
		bool runs, can_be_told;
		const char *state, *says;
	} rows[] = {
	    {"", false, true, "ok", "nothing keeps"},
	    {"enable-cache passwd yes\n", false, true, "ok", "nothing keeps"},
	    {"\tenable-cache\tpasswd\tyes\nenable-cache group yes\n", true, true, "note",
		"users and groups"},
	    {"enable-cache group yes\n", true, true, "note", "keeps groups"},
	    {"enable-cache passwd yes # no\n", true, false, "attention", "can't be told"},
	    {"#enable-cache passwd yes\nenable-cache hosts yes\n", true, true, "ok", "neither"},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/nscd.conf", rows[i].conf);
		doctor_put(&t, "root/run/nscd/socket", "");
		doctor_put(&t, "root/usr/sbin/nscd", "");
		if (!rows[i].runs)
			assert_int_equal(unlink(tmp_path(t.tmp, "root/run/nscd/socket")), 0);
		if (!rows[i].can_be_told)
			assert_int_equal(unlink(tmp_path(t.tmp, "root/usr/sbin/nscd")), 0);
		assert_row(
		    rows[i].conf, doctor_says(&t, "caches", rows[i].state, rows[i].says, NULL));
	}
	cli_test_clear(&t);
}

/* ---- shared accounts ---- */

static void
make_shared(struct cli_test *t, void **state, const char *policy)
{
	cli_test_make(t, state);
	host_policy(&t->host, policy);
	doctor_put(t, "etc/passwd",
	    "root:x:0:0:root:/root:/bin/bash\n"
	    "deploy:x:1001:1001:,,,:/home/deploy:/bin/bash\n"
	    "web-1:x:1002:1002::/home/web-1:/usr/sbin/nologin\n");
	doctor_put(t, "etc/shadow", "deploy:!:19000:0:99999:7:::\nweb-1:*:19000:0:99999:7:::\n");
	doctor_put(t, "root/bin/bash", "");
	doctor_put(t, "root/usr/sbin/nologin", "");
	assert_int_equal(chmod(tmp_path(t->tmp, "root/bin/bash"), 0755), 0);
	assert_int_equal(chmod(tmp_path(t->tmp, "root/usr/sbin/nologin"), 0755), 0);
}

static void
shared_accounts_are_looked_at_one_by_one(void **state)
{
	struct cli_test t;

	make_shared(&t, state, shared_policy);
	assert_true(doctor_says(&t, "shared", "ok", "1 of 2 shared accounts", NULL));
	assert_true(
	    doctor_says(&t, "shared", "attention", "passwd:3: the shared account web-1", NULL));
	assert_int_equal(doctor_said(&t, "shared", "note"), 0);
	doctor_put(&t, "etc/passwd", "root:x:0:0::/root:/bin/bash\n");
	assert_true(doctor_says(&t, "shared", "note", "this host does not have", NULL));
	t.user = "deploy";
	assert_true(doctor_says(&t, "shared", "note", "not one of passwd(5)", NULL));
	cli_test_clear(&t);
}

static void
an_account_that_nobody_can_enter_is_told(void **state)
{
	static const struct {
		const char *passwd, *shadow, *says;
	} rows[] = {
	    {"deploy:x:1001:1001::/home/deploy:/bin/bash\n", "deploy:!:1:0:9:7::20833:\n",
		"has expired"},
	    {"deploy:x:1001:1001::/home/deploy:/bin/bash\n", "deploy:!:1:0:9:7::20834:\n", NULL},
	    {"deploy:x:1001:1001::/home/deploy:/bin/bash\n", "deploy:!:1:0:9:7::0:\n",
		"has expired"},
	    {"deploy:x:1001:1001::/home/deploy:/bin/fish\n", "", "has no shell"},
	    {"deploy:x:1001:1001::/home/deploy:/usr/sbin/nologin\n", "", "has no shell"},
	    {"deploy:x:0:0::/root:/bin/bash\n", "", "has uid 0"},
	};
	struct cli_test t;

	make_shared(&t, state, shared_policy);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/passwd", rows[i].passwd);
		doctor_put(&t, "etc/shadow", rows[i].shadow);
		t.now = INT64_C(1800000000); /* day 20833 */
		if (rows[i].says != NULL)
			assert_row(rows[i].says,
			    doctor_says(&t, "shared", "attention", rows[i].says, NULL));
		else
			assert_row(
			    rows[i].shadow, !doctor_says(&t, "shared", "attention", "", NULL));
	}
	cli_test_clear(&t);
}

static void
other_ways_into_a_shared_account_are_noted(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_shared(&t, state, only_policy);
	assert_true(doctor_says(&t, "shared", "ok", "1 of 1", NULL));
	doctor_put(&t, "etc/shadow", "deploy:$y$j9T$x:19000:0:99999:7:::\n");
	assert_true(doctor_says(&t, "shared", "note", "has a password, which", advice));
	assert_string_equal(advice, "usermod --lock deploy");
	doctor_put(&t, "etc/shadow", "deploy::19000:0:99999:7:::\n");
	assert_true(doctor_says(&t, "shared", "note", "has a password, which", NULL));
	doctor_put(&t, "etc/shadow", "deploy:!$y$j9T$x:19000:0:99999:7:::\n");
	assert_int_equal(doctor_says(&t, "shared", "note", "", NULL), 0);
	doctor_put(&t, "root/home/deploy/.ssh/authorized_keys", "");
	assert_true(
	    doctor_says(&t, "shared", "note", "/home/deploy/.ssh/authorized_keys", advice));
	assert_non_null(strstr(
	    advice, "as deploy, not as root, move away /home/deploy/.ssh/authorized_keys:"));
	host_policy(&t.host, shared_policy);
	assert_true(doctor_says(&t, "shared", "note", "with no key of apikey behind", advice));
	assert_non_null(strstr(
	    advice, "as deploy, not as root, move away /home/deploy/.ssh/authorized_keys:"));
	cli_test_clear(&t);
}

/* Without its quoted words: what a shell would take for its own. */
static void
drop_words(char *text)
{
	bool quoted = false;
	char *to = text;

	for (const char *at = text; *at != '\0'; at++)
		if (*at == '\'')
			quoted = !quoted;
		else if (!quoted)
			*to++ = *at;
	*to = '\0';
}

/* A holder of the account chooses what its paths lead to, and maybe what they are called. */
static void
no_advice_is_a_command_on_what_is_in_a_home(void **state)
{
	static const char *const homes[] = {"/home/deploy", "/home/$(id)", "/home/`id`",
	    "/home/a b;id", "/home/it's", "/home/\x1b[m"};
	static const char *const policies[] = {only_policy, shared_policy};
	char advice[ADVICE_CAP], line[300], path[300];
	struct cli_test t;

	make_shared(&t, state, only_policy);
	for (size_t i = 0; i < 2 * N(homes); i++) {
		const char *home = homes[i / 2];
		FILE *f;

		host_policy(&t.host, policies[i % 2]);
		(void)snprintf(line, sizeof(line), "deploy:x:1001:1001::%s:/bin/bash\n", home);
		doctor_put(&t, "etc/passwd", line);
		doctor_put(&t, "root/home/x", "");
		(void)snprintf(path, sizeof(path), "root%s", home);
		(void)mkdir(tmp_path(t.tmp, path), 0755);
		(void)snprintf(path, sizeof(path), "root%s/.ssh", home);
		(void)mkdir(tmp_path(t.tmp, path), 0755);
		(void)snprintf(path, sizeof(path), "root%s/.ssh/authorized_keys", home);
		assert_non_null(f = fopen(tmp_path(t.tmp, path), "we"));
		assert_int_equal(fclose(f), 0);
		assert_row(home, doctor_says(&t, "shared", "note", "authorized_keys", advice));
		assert_row(home, strstr(advice, "as deploy, not as root, move away") != NULL);
		assert_row(home, strchr(advice, '\x1b') == NULL);
		drop_words(advice);
		assert_row(home, strpbrk(advice, "`$&|<>") == NULL);
		assert_row(home, strstr(advice, "mv ") == NULL);
	}
	cli_test_clear(&t);
}

static void
a_password_that_sshd_could_take_is_noted(void **state)
{
	static const struct {
		const char *shadow;
		bool noted;
	} rows[] = {
	    {"deploy:$y$j9T$x:19000:0:99999:7:::\n", true},
	    {"deploy::19000:0:99999:7:::\n", true},
	    {"deploy:!$y$j9T$x:19000:0:99999:7:::\n", false},
	    {"deploy:*:19000:0:99999:7:::\n", false},
	};
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_shared(&t, state, shared_policy);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/shadow", rows[i].shadow);
		advice[0] = '\0';
		assert_row(rows[i].shadow,
		    doctor_says(&t, "shared", "note", "deploy has a password of its own",
			advice) == rows[i].noted);
		assert_row(rows[i].shadow,
		    !rows[i].noted || strstr(advice, "'passwd -l deploy'") != NULL);
		assert_row(rows[i].shadow,
		    doctor_says(&t, "shared", "ok", "with keys alone", NULL) != rows[i].noted);
	}
	cli_test_clear(&t);
}

static void
what_begins_there_by_itself_is_noted(void **state)
{
	char advice[ADVICE_CAP], job[300];
	struct cli_test t;

	make_shared(&t, state, only_policy);
	doctor_put(&t, "crontabs/deploy", "");
	assert_true(doctor_says(&t, "shared", "note", "crontabs/deploy", NULL));
	assert_int_equal(unlink(tmp_path(t.tmp, "crontabs/deploy")), 0);
	doctor_put(&t, "root/var/lib/systemd/linger/deploy", "");
	assert_true(doctor_says(&t, "shared", "note", "lingers", advice));
	assert_string_equal(advice, "loginctl disable-linger deploy");
	assert_int_equal(unlink(tmp_path(t.tmp, "root/var/lib/systemd/linger/deploy")), 0);
	/* A job is whose file it is. */
	doctor_put(&t, "atjobs/a00001", "");
	assert_int_equal(doctor_says(&t, "shared", "note", "", NULL), 0);
	(void)snprintf(job, sizeof(job), "deploy:x:%u:1::/home/deploy:/bin/bash\n",
	    getuid() == 0 ? 1001 : (unsigned)getuid());
	doctor_put(&t, "etc/passwd", job);
	if (getuid() == 0)
		assert_int_equal(chown(tmp_path(t.tmp, "atjobs/a00001"), 1001, 1001), 0);
	assert_true(doctor_says(&t, "shared", "note", "atjobs/a00001", NULL));
	cli_test_clear(&t);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_line_that_hides_keys_is_told_and_mended),
	    T(a_good_line_is_left_alone),
	    T(what_nsswitch_conf_does_not_know_is_told),
	    T(the_name_service_is_asked_for_a_key),
	    T(a_cache_of_names_is_told),
	    T(shared_accounts_are_looked_at_one_by_one),
	    T(an_account_that_nobody_can_enter_is_told),
	    T(other_ways_into_a_shared_account_are_noted),
	    T(no_advice_is_a_command_on_what_is_in_a_home),
	    T(a_password_that_sshd_could_take_is_noted),
	    T(what_begins_there_by_itself_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
