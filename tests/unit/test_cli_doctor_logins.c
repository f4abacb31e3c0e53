/* doctor: PAM, sshd and sudo on made-up hosts: each setting that keeps keys out, or lets them in by the wrong door, is told, with what mends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_doctor.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

#define AUTH                                                                                   \
	"auth [success=done user_unknown=ignore ignore=ignore module_unknown=ignore "          \
	"default=die] pam_apikey.so\nauth required pam_unix.so\n"
#define ACCOUNT                                                                                \
	"account [success=done user_unknown=ignore module_unknown=ignore default=die] "        \
	"pam_apikey.so\naccount required pam_unix.so\n"
#define SESSION                                                                                \
	"session [success=ok ignore=ignore user_unknown=ignore module_unknown=ignore "         \
	"default=die] pam_apikey.so\nsession required pam_unix.so\n"

/* ---- PAM ---- */

/* Of this build. */
#define MODULES "root" AK_LIBDIR "/security"

static void
put_pam(struct cli_test *t)
{
	doctor_put(t, "etc/pam.d/common-auth", AUTH);
	doctor_put(t, "etc/pam.d/common-account", ACCOUNT);
	doctor_put(t, "etc/pam.d/common-session", SESSION);
	doctor_put(t, "etc/pam.d/sshd",
	    "@include common-auth\n@include common-account\n"
	    "@include common-session\n");
	doctor_put(t, "root/usr/lib/pam.d/systemd-user",
	    "account include common-account\nsession include common-session\n");
	doctor_put(t, MODULES "/pam_permit.so", "");
	doctor_put(t, MODULES "/pam_apikey.so", "");
}

static void
make_pam(struct cli_test *t, void **state)
{
	cli_test_make(t, state);
	put_pam(t);
}

static const char *
no_yaml(struct cli_test *t, const char *path)
{
	(void)t;
	return strstr(path, "pam_apikey.so") == NULL ? "" : "libyaml-0.so.2: no such file";
}

static const char *
no_i386(struct cli_test *t, const char *path)
{
	(void)t;
	return strstr(path, "i386") == NULL ? "" : "wrong ELF class: ELFCLASS32";
}

static void
each_stack_is_followed_and_a_fault_is_told_once(void **state)
{
	struct cli_test t;

	make_pam(&t, state);
	assert_true(doctor_says(&t, "pam", "ok", "in sshd, systemd-user", NULL));
	assert_int_equal(doctor_said(&t, "pam", "attention"), 0);
	doctor_put(&t, "etc/pam.d/common-account", "account required pam_unix.so\n");
	assert_true(doctor_says(&t, "pam", "attention", "common-account:1: account", NULL));
	assert_true(doctor_says(&t, "pam", "attention", "in sshd, systemd-user", NULL));
	assert_int_equal(doctor_said(&t, "pam", "attention"), 1);
	assert_int_equal(doctor_said(&t, "pam", "ok"), 1);
	cli_test_clear(&t);
}

static void
the_advice_mends_a_stack(void **state)
{
	static const struct {
		const char *file, *text, *says;
	} rows[] = {
	    {"common-auth", "auth required pam_unix.so\n", "no line of"},
	    {"common-account", "account required pam_unix.so\n", "no line of"},
	    {"common-session", "# no\nsession required pam_unix.so\n", "not recorded"},
	    {"sshd",
		"auth required pam_unix.so\n@include common-account\n@include "
		"common-session\n",
		"sshd:1: auth"},
	    {"login",
		"auth [success=1 default=ignore] pam_succeed_if.so uid = 0\n"
		"auth required pam_deny.so\nauth required pam_permit.so\n"
		"account required pam_unix.so\nsession required pam_unix.so\n",
		"login:1: auth"},
	    {"common-auth",
		"auth required pam_apikey.so config=/etc/x/y.yaml debug\n"
		"auth required pam_unix.so\n",
		"refuses everybody"},
	    {"common-auth",
		"auth required pam_apikey.so debug [prompt=API token: ]\n"
		"auth required pam_unix.so\n",
		"refuses everybody"},
	    {"common-auth",
		"auth [success=done user_unknown=ignore ignore=ignore "
		"module_unknown=ignore default=die] pam_apikey.so what debug\n"
		"auth required pam_unix.so\n",
		"(what)"},
	};
	struct cli_test t;
	char advice[ADVICE_CAP];

	make_pam(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		char path[200];

		put_pam(&t);
		(void)snprintf(path, sizeof(path), "etc/pam.d/%s", rows[i].file);
		doctor_put(&t, path, rows[i].text);
		assert_row(
		    rows[i].text, doctor_says(&t, "pam", "attention", rows[i].says, advice));
		/* Options with blanks are left to a person. */
		if (strstr(rows[i].text, "[prompt") != NULL) {
			assert_non_null(strstr(advice, "sed -i"));
			assert_non_null(strstr(advice, "[prompt=API token: ]"));
		}
		doctor_follow(&t, advice);
		for (int more = 0; more < 2 && doctor_says(&t, "pam", "attention", "", advice);
		     more++)
			doctor_follow(&t, advice);
		assert_row(rows[i].text, !doctor_says(&t, "pam", "attention", "", NULL));
		if (strstr(rows[i].text, "debug") != NULL) {
			char *now = file_read(tmp_path(t.tmp, path), &(size_t){0});

			assert_row(rows[i].text, strstr(now, "debug") != NULL);
			free(now);
		}
	}
	cli_test_clear(&t);
}

static void
what_no_command_mends_safely_is_said_in_words(void **state)
{
	static const struct {
		const char *text, *says, *advice;
	} rows[] = {
	    {"auth [success=done default=die] \\\n pam_apikey.so\nauth required pam_unix.so\n",
		"refuses everybody", "mend line 1 of "},
	    {"auth required pam_unix.so\nauth required pam_apikey.so config=/a&b\n",
		"stands behind", "move line 2 of "},
	    {"auth sufficient pam_localuser.so\n" AUTH, "jump over it", "move line 2 of "},
	    {"auth required pam_apikey.so prompt=a|b\nauth required pam_unix.so\n",
		"refuses everybody", "mend line 1 of "},
	    {"auth required pam_apikey.so prompt=a\\b\nauth required pam_unix.so\n",
		"refuses everybody", "mend line 1 of "},
	};
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_pam(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/pam.d/common-auth", rows[i].text);
		assert_row(
		    rows[i].text, doctor_says(&t, "pam", "attention", rows[i].says, advice));
		assert_row(
		    rows[i].text, strncmp(advice, rows[i].advice, strlen(rows[i].advice)) == 0);
	}
	cli_test_clear(&t);
}

static void
a_program_without_a_file_is_judged_by_other(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_pam(&t, state);
	doctor_put(&t, "root/usr/bin/su", "");
	assert_true(doctor_says(&t, "pam", "attention", "su has no file in ", NULL));
	doctor_put(&t, "etc/pam.d/other", "auth required pam_unix.so\n" ACCOUNT SESSION);
	assert_true(doctor_says(&t, "pam", "attention", "in su (by `other'", advice));
	assert_int_equal(strncmp(advice, "give the service a file", 23), 0);
	/* So are the phases of which a file says nothing. */
	doctor_put(&t, "etc/pam.d/su", ACCOUNT SESSION);
	assert_true(doctor_says(&t, "pam", "attention", "in su", advice));
	assert_int_equal(strncmp(advice, "give the service a file", 23), 0);
	assert_int_equal(unlink(tmp_path(t.tmp, "etc/pam.d/su")), 0);
	doctor_put(&t, "etc/pam.d/other", AUTH ACCOUNT SESSION);
	assert_true(doctor_says(&t, "pam", "ok", "sshd, su (by `other'", NULL));
	cli_test_clear(&t);
}

static void
advices_for_one_file_hold_when_all_are_pasted(void **state)
{
	char advice[3][ADVICE_CAP];
	static const char *const phases[] = {"auth:", "account:", "session:"};
	struct cli_test t;

	make_pam(&t, state);
	doctor_put(&t, "etc/pam.d/login",
	    "auth required pam_env.so\nauth required pam_unix.so\n"
	    "account required pam_nologin.so\naccount required pam_unix.so\n"
	    "session required pam_unix.so\n");
	for (size_t i = 0; i < N(phases); i++)
		assert_true(doctor_says(&t, "pam", "attention", phases[i], advice[i]));
	/* As they are told: from the end on. */
	assert_true(doctor_says(&t, "pam", "attention", "", advice[2]));
	assert_non_null(strstr(advice[2], "5{"));
	for (size_t i = N(phases); i-- > 0;)
		doctor_follow(&t, advice[i]);
	assert_false(doctor_says(&t, "pam", "attention", "", NULL));
	doctor_follow(&t, advice[0]);
	cli_test_clear(&t);
}

static void
a_service_that_no_role_opens_is_a_note(void **state)
{
	struct cli_test t;

	make_pam(&t, state);
	doctor_put(&t, "etc/pam.d/login",
	    "auth required pam_unix.so\naccount required pam_unix.so\n"
	    "@include common-session\n");
	assert_true(doctor_says(&t, "pam", "attention", "login:1: auth", NULL));
	host_policy(&t.host, "version: 1\nroles:\n  viewer: {services: [sshd]}\n");
	assert_true(doctor_says(&t, "pam", "note", "which no role opens", NULL));
	assert_int_equal(doctor_said(&t, "pam", "attention"), 0);
	doctor_put(&t, "etc/pam.d/login",
	    "auth required pam_unix.so\naccount required pam_permit.so\n"
	    "@include common-session\n");
	assert_true(doctor_says(&t, "pam", "note", "without asking", NULL));
	cli_test_clear(&t);
}

static void
the_module_is_looked_for_where_libpam_looks(void **state)
{
	struct cli_test t;

	make_pam(&t, state);
	assert_true(doctor_says(&t, "pam", "ok", "can be loaded", NULL));
	/* Another architecture's is not what programs load here. */
	doctor_put(&t, "root/usr/lib/i386-linux-gnu/security/pam_permit.so", "");
	doctor_put(&t, "root/usr/lib/i386-linux-gnu/security/pam_apikey.so", "");
	t.load = no_i386;
	assert_true(doctor_says(&t, "pam", "ok", "can be loaded", NULL));
	t.load = no_yaml;
	assert_true(doctor_says(&t, "pam", "attention", "libyaml-0.so.2", NULL));
	t.load = NULL;
	assert_int_equal(chmod(tmp_path(t.tmp, MODULES "/pam_apikey.so"), 0666), 0);
	assert_true(doctor_says(&t, "pam", "attention", "was not loaded", NULL));
	/* Another architecture's folder does not count. */
	assert_int_equal(rename(tmp_path(t.tmp, MODULES "/pam_apikey.so"),
			     tmp_path(t.tmp, "root/pam_apikey.so")),
	    0);
	doctor_put(&t, "root/usr/lib/other/security/pam_apikey.so", "");
	assert_true(doctor_says(&t, "pam", "attention", "there is no pam_apikey.so in", NULL));
	cli_test_clear(&t);
}

static void
a_host_without_services_is_told(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	assert_true(doctor_says(&t, "pam", "attention", "no service that keys", NULL));
	cli_test_clear(&t);
}

/* ---- sshd ---- */

static const char *sshd_says, *sshd_says_of_deploy;
static int sshd_status;

static int
fake_programs(struct cli_test *t, char *const argv[], char *out, size_t cap)
{
	(void)t;
	if (strcmp(argv[0], "/usr/bin/id") == 0) {
		(void)snprintf(out, cap, "%s apikey\n", argv[2]);
		return 0;
	}
	if (strcmp(argv[0], "/bin/sh") != 0)
		return -1;
	if (strcmp(argv[3], "/usr/sbin/visudo") == 0)
		return 0;
	assert_string_equal(argv[3], "/usr/sbin/sshd");
	(void)snprintf(out, cap, "%s",
	    strncmp(argv[6], "user=deploy,", 12) == 0 ? sshd_says_of_deploy : sshd_says);
	return sshd_status;
}

#define SSHD(more)                                                                             \
	more "usepam yes\npasswordauthentication yes\nkbdinteractiveauthentication no\n"       \
	     "permitemptypasswords no\npermituserenvironment no\npermittunnel no\n"            \
	     "allowtcpforwarding no\nallowagentforwarding no\nallowstreamlocalforwarding no\n" \
	     "pidfile /run/sshd.pid\n"

static void
make_sshd(struct cli_test *t, void **state)
{
	cli_test_make(t, state);
	doctor_put(t, "root/usr/sbin/sshd", "");
	doctor_put(
	    t, "etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n");
	doctor_put(t, "root/run/sshd/x", "");
	cli_test_create(t, "ci", "viewer", NULL);
	t->tool = fake_programs;
	sshd_says = sshd_says_of_deploy = SSHD("");
	sshd_status = 0;
}

static void
what_sshd_says_of_a_key_is_judged(void **state)
{
	static const struct {
		const char *says, *state, *text, *advice;
	} rows[] = {
	    {SSHD(""), "ok", "the key ci may log in", ""},
	    {SSHD("usepam no\n"), "attention", "does not use PAM",
		"sed -i '1i UsePAM yes' /etc/ssh/sshd_config"},
	    {SSHD("passwordauthentication no\n"), "attention", "type no password",
		"printf '\\nMatch Group apikey\\n    PasswordAuthentication yes\\nMatch "
		"all\\n' "
		">>/etc/ssh/sshd_config.d/00-apikey.conf"},
	    {SSHD("passwordauthentication no\nkbdinteractiveauthentication yes\n"), "ok",
		"may log in", ""},
	    {SSHD("authenticationmethods publickey\n"), "attention",
		"AuthenticationMethods publickey", "AuthenticationMethods password\\n"},
	    {SSHD("authenticationmethods publickey publickey,password\n"), "ok", "may log in",
		""},
	    {SSHD("authenticationmethods keyboard-interactive:pam\n"), "attention",
		"can't meet", "AuthenticationMethods password\\n"},
	    {SSHD("allowusers alice\nallowusers bob\n"), "attention", "AllowUsers keeps",
		"AllowUsers *"},
	    {SSHD("allowusers alice\nallowusers c?\n"), "ok", "may log in", ""},
	    {SSHD("allowusers ci@192.0.2.*\n"), "ok", "may log in", ""},
	    {SSHD("allowgroups staff\n"), "attention", "AllowGroups keeps", "AllowGroups *"},
	    {SSHD("allowgroups staff\nallowgroups api*\n"), "ok", "may log in", ""},
	    {SSHD("denyusers *\n"), "attention", "DenyUsers keeps", "take the name"},
	    {SSHD("denyusers *@192.0.2.1\n"), "ok", "may log in", ""},
	    {SSHD("denygroups apikey\n"), "attention", "DenyGroups keeps", "take the name"},
	    {SSHD("permitemptypasswords yes\n"), "note", "PermitEmptyPasswords is on",
		"PermitEmptyPasswords no"},
	    {SSHD("permituserenvironment LANG\n"), "note", "PermitUserEnvironment is on",
		"PermitUserEnvironment no"},
	    {SSHD("allowtcpforwarding local\n"), "note", "may forward", "DisableForwarding yes"},
	    {SSHD("permittunnel point-to-point\n"), "note", "may forward",
		"DisableForwarding yes"},
	    {SSHD("disableforwarding yes\nallowtcpforwarding yes\n"), "ok", "may log in", ""},
	};
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_sshd(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		sshd_says = rows[i].says;
		assert_row(
		    rows[i].says, doctor_says(&t, "sshd", rows[i].state, rows[i].text, advice));
		assert_row(rows[i].says, strstr(advice, rows[i].advice) != NULL);
		assert_row(rows[i].says, doctor_said(&t, "sshd", "attention") ==
					     (strcmp(rows[i].state, "attention") == 0));
		assert_row(rows[i].says,
		    doctor_said(&t, "sshd", "note") == (strcmp(rows[i].state, "note") == 0));
	}
	cli_test_clear(&t);
}

static void
a_block_comes_where_sshd_takes_it(void **state)
{
	static const struct {
		const char *config, *advice;
	} rows[] = {
	    {"Port 22\nInclude /etc/ssh/sshd_config.d/*.conf\nMatch User bob\n",
		">>/etc/ssh/sshd_config.d/00-apikey.conf"},
	    {"include sshd_config.d/*.conf\n", ">>/etc/ssh/sshd_config.d/00-apikey.conf"},
	    {"#Include /etc/ssh/sshd_config.d/*.conf\n", ">>/etc/ssh/sshd_config"},
	    {"Port 22\n\tMatch User bob\n X11Forwarding no\n",
		"sed -i '2i Match Group apikey\\n    PasswordAuthentication yes' /etc/ssh"},
	    {"Match all\nInclude /etc/ssh/sshd_config.d/*.conf\n",
		"sed -i '1i Match Group apikey\\n"},
	};
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_sshd(&t, state);
	sshd_says = SSHD("passwordauthentication no\n");
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/ssh/sshd_config", rows[i].config);
		assert_row(rows[i].config,
		    doctor_says(&t, "sshd", "attention", "type no password", advice));
		assert_row(rows[i].config, strstr(advice, rows[i].advice) != NULL);
		assert_row(rows[i].config, strstr(advice, "kill") == NULL);
	}
	doctor_put(&t, "root/run/sshd.pid", "1\n");
	assert_true(doctor_says(&t, "sshd", "attention", "type no password", advice));
	assert_non_null(
	    strstr(advice, " && /usr/sbin/sshd -t && kill -HUP \"$(cat /run/sshd.pid)\""));
	doctor_put(&t, "root/run/systemd/system/x", "");
	assert_true(doctor_says(&t, "sshd", "attention", "type no password", advice));
	assert_non_null(strstr(advice, " && /usr/sbin/sshd -t && systemctl reload sshd"));
	doctor_put(&t, "root/usr/lib/systemd/system/ssh.service", "");
	assert_true(doctor_says(&t, "sshd", "attention", "type no password", advice));
	assert_non_null(strstr(advice, " && systemctl reload ssh"));
	assert_null(strstr(advice, "reload sshd"));
	cli_test_clear(&t);
}

static void
a_block_for_addresses_makes_it_a_note(void **state)
{
	static const struct {
		const char *text;
		bool note;
	} rows[] = {
	    {"Match Address 10.0.0.0/8\n", true},
	    {"Match User bob LocalAddress 10.0.0.1\n", true},
	    {"match host=*.example.org\n", true},
	    {"#Match Address 10.0.0.0/8\n", false},
	    {"Match User bob\n", false},
	};
	static const char *const says[] = {
	    SSHD("passwordauthentication no\n"), SSHD("authenticationmethods publickey\n")};
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_sshd(&t, state);
	for (size_t i = 0; i < N(rows) * N(says); i++) {
		bool note = rows[i / N(says)].note;

		sshd_says = says[i % N(says)];
		doctor_put(&t, "etc/ssh/sshd_config.d/a.conf", rows[i / N(says)].text);
		assert_row(rows[i / N(says)].text,
		    doctor_says(&t, "sshd", note ? "note" : "attention", "", advice));
		assert_row(rows[i / N(says)].text, (strncmp(advice, "ask ", 4) == 0) == note);
		assert_int_equal(doctor_said(&t, "sshd", "attention"), !note);
	}
	cli_test_clear(&t);
}

static unsigned asked_of_id;

static int
id_hangs(struct cli_test *t, char *const argv[], char *out, size_t cap)
{
	if (strcmp(argv[0], "/usr/bin/id") == 0 && strcmp(argv[2], "ci") != 0) {
		asked_of_id++;
		return -1;
	}
	return fake_programs(t, argv, out, cap);
}

static void
a_program_that_hangs_is_not_asked_again(void **state)
{
	struct cli_test t;

	make_sshd(&t, state);
	host_policy(&t.host,
	    "version: 1\nroles:\n  viewer: {services: [sshd], accounts: [a, b, c, d]}\n");
	t.tool = id_hangs;
	asked_of_id = 0;
	assert_true(doctor_says(&t, "sshd", "note", "asked about 1 of 4 shared", NULL));
	assert_int_equal(asked_of_id, 1);
	cli_test_clear(&t);
}

static void
the_place_of_a_setting_is_told(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_sshd(&t, state);
	sshd_says = SSHD("usepam no\n");
	doctor_put(&t, "etc/ssh/sshd_config.d/b.conf", "# UsePAM no\n\n usepam = no # why\n");
	assert_true(doctor_says(&t, "sshd", "attention", "does not use PAM", NULL));
	doctor_put(&t, "etc/ssh/sshd_config.d/a.conf", "# UsePAM no\n\n  usepam no\n");
	assert_true(doctor_says(&t, "sshd", "attention", "sshd_config.d/a.conf:3: ", advice));
	assert_non_null(strstr(advice, "sed -i '3s/.*/UsePAM yes/' "));
	doctor_follow(&t, advice);
	assert_true(file_holds(
	    tmp_path(t.tmp, "etc/ssh/sshd_config.d/a.conf"), "# UsePAM no\n\nUsePAM yes\n"));
	cli_test_clear(&t);
}

static void
without_a_key_the_block_for_its_group_must_do(void **state)
{
	struct cli_test t;

	make_sshd(&t, state);
	assert_run(&t, CLI_DONE, NULL, "delete", "ci");
	assert_true(doctor_says(&t, "sshd", "ok", "before there is one", NULL));
	sshd_says = SSHD("passwordauthentication no\nallowusers alice\n");
	assert_true(doctor_says(&t, "sshd", "attention", "lets keys type no password", NULL));
	doctor_put(&t, "etc/ssh/sshd_config.d/a.conf", "Match Group apikey\n");
	assert_true(doctor_says(&t, "sshd", "ok", "before there is one", NULL));
	sshd_says = SSHD("allowgroups staff\n");
	assert_true(doctor_says(&t, "sshd", "attention", "AllowGroups keeps keys out", NULL));
	cli_test_clear(&t);
}

static void
shared_accounts_are_asked_about_too(void **state)
{
	char advice[ADVICE_CAP];
	struct cli_test t;

	make_sshd(&t, state);
	host_policy(
	    &t.host, "version: 1\nroles:\n  viewer: {services: [sshd], accounts: [deploy]}\n");
	assert_true(doctor_says(&t, "sshd", "ok", "to the shared account deploy", NULL));
	sshd_says_of_deploy = SSHD("passwordauthentication no\n");
	assert_true(doctor_says(
	    &t, "sshd", "attention", "the shared account deploy type no password", advice));
	assert_non_null(
	    strstr(advice, "Match User deploy\\n    PasswordAuthentication yes\\nMatch all"));
	cli_test_clear(&t);
}

static void
an_sshd_that_cannot_answer_is_told(void **state)
{
	struct cli_test t;

	make_sshd(&t, state);
	sshd_status = 255;
	sshd_says = "/etc/ssh/sshd_config: line 3: Bad configuration option: x\r\nmore\n";
	assert_true(doctor_says(&t, "sshd",
	    "attention", "can't read its settings: /etc/ssh/sshd_config: line 3: Bad configuration option: x",
	    NULL));
	sshd_status = -1;
	sshd_says = "";
	assert_true(doctor_says(&t, "sshd", "attention", "it says nothing", NULL));
	assert_int_equal(rename(tmp_path(t.tmp, "root/run/sshd"), tmp_path(t.tmp, "x")), 0);
	assert_true(doctor_says(&t, "sshd", "note", "does not run", NULL));
	assert_int_equal(unlink(tmp_path(t.tmp, "root/usr/sbin/sshd")), 0);
	assert_true(doctor_says(&t, "sshd", "ok", "no sshd here", NULL));
	cli_test_clear(&t);
}

/* ---- sudo ---- */

static const char sudo_policy[] =
    "version: 1\n"
    "roles:\n"
    "  editor: {services: [sshd, sudo], unix_groups: [apikey-editors]}\n"
    "  admin: {services: ['*'], unix_groups: [apikey-admins], root_equivalent: true}\n";

static void
sudoers_is_read_as_sudo_reads_it(void **state)
{
	static const struct {
		const char *text, *state, *says;
	} rows[] = {
	    {"Defaults env_reset\nroot ALL=(ALL) ALL\n", "ok", "asks a key for its token"},
	    {"Defaults rootpw\n", "attention", "sudoers:1: rootpw"},
	    {"# Defaults rootpw\n", "ok", ""},
	    {"Defaults env_reset, \\\n\ttargetpw\n", "attention", "sudoers:1: targetpw"},
	    {"Defaults x\\\n\nDefaults passprompt=\"a, rootpw\", runaspw # no\n", "attention",
		"sudoers:3: runaspw"},
	    {"Defaults passprompt=\"a, rootpw\"\n", "ok", ""},
	    {"Defaults !rootpw\n", "ok", ""},
	    {"Defaults rootpw\nDefaults !rootpw\n", "ok", ""},
	    {"Defaults:bob rootpw\n", "ok", ""},
	    {"Defaults:bob, %apikey rootpw\n", "attention", "rootpw"},
	    {"Defaults: bob , %apikey-editors rootpw\n", "attention", "rootpw"},
	    {"Defaults:ALL rootpw\n", "attention", "rootpw"},
	    {"Defaults rootpw\nDefaults:%apikey !rootpw\n", "ok", ""},
	    {"Defaults:ci-a !pam_acct_mgmt\n", "attention", "!pam_acct_mgmt"},
	    {"Defaults:CI !pam_acct_mgmt\n", "attention", "!pam_acct_mgmt"},
	    {"Defaults:%#69000 !pam_acct_mgmt\n", "attention", "!pam_acct_mgmt"},
	    {"Defaults:+all !pam_acct_mgmt\n", "attention", "!pam_acct_mgmt"},
	    {"Defaults:!bob !pam_acct_mgmt\n", "attention", "!pam_acct_mgmt"},
	    {"Defaults:%staff !pam_acct_mgmt\n", "ok", ""},
	    /* What is well for some mends nothing for the others. */
	    {"Defaults rootpw\nDefaults:ci-a !rootpw\n", "attention", "rootpw"},
	    {"Defaults rootpw\nDefaults:%apikey-editors !rootpw\n", "attention", "rootpw"},
	    {"Defaults rootpw\nDefaults:%apikey,!ci-a !rootpw\n", "attention", "rootpw"},
	    {"Defaults rootpw\nDefaults@otherhost !rootpw\n", "attention", "rootpw"},
	    {"Defaults>root rootpw\nDefaults !rootpw\n", "attention", "rootpw"},
	    {"Defaults@otherhost rootpw\nDefaults !rootpw\n", "ok", ""},
	    {"Defaults pam_askpass_service=other\n", "attention", "pam_askpass_service"},
	    {"Defaults@bastion rootpw\n", "attention", "rootpw"},
	    {"Defaults>root rootpw\n", "attention", "rootpw"},
	    {"Defaults !pam_acct_mgmt\n", "attention", ":1: !pam_acct_mgmt"},
	    {"Defaults pam_acct_mgmt\n", "ok", ""},
	    {"Defaults !authenticate\n", "note", "!authenticate"},
	    {"Defaults pam_service=sudo, pam_login_service = \"sudo-i\"\n", "ok", ""},
	    {"Defaults pam_service=su\n", "attention", "pam_service"},
	    {"Defaults rootpwx\n", "ok", ""},
	    {"%apikey-editors ALL=(ALL:ALL) ALL\n", "note", "and so may the role editor"},
	    {"%apikey-editors ALL=(root) NOPASSWD: /bin/a, ALL\n", "note", "role editor"},
	    {"%apikey-editors ALL=(root) NOPASSWD:SETENV: ALL\n", "note", "role editor"},
	    {"%apikey-editors ALL=(root) /bin/ALL\n", "ok", ""},
	    {"%apikey-editorsx ALL=(ALL) ALL\n", "ok", ""},
	    {"%apikey-admins ALL=(ALL) ALL\n", "ok", ""},
	    {"%apikey ALL=(ALL) ALL\n", "note", "every key may do all"},
	    {"@includedir /etc/sudoers.d\n", "attention", "sudoers.d/in:2: rootpw"},
	    {"#includedir sudoers.d\n", "attention", "sudoers.d/in:2: rootpw"},
	    {"@include /etc/sudoers.d/in\n", "attention", "sudoers.d/in:2: rootpw"},
	    {"@include sudoers\n", "ok", ""},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	t.tool = fake_programs;
	host_policy(&t.host, sudo_policy);
	doctor_put(&t, "root/usr/bin/sudo", "");
	doctor_put(&t, "etc/passwd", "bob:x:1000:1000::/home/bob:/bin/sh\n");
	doctor_put(&t, "etc/sudoers.d/in", "\nDefaults rootpw\n");
	doctor_put(&t, "etc/sudoers.d/in.bak", "Defaults targetpw\n");
	doctor_put(&t, "etc/sudoers.d/in~", "Defaults targetpw\n");
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/sudoers", rows[i].text);
		assert_row(
		    rows[i].text, doctor_says(&t, "sudo", rows[i].state, rows[i].says, NULL));
		assert_row(rows[i].text, doctor_said(&t, "sudo", "attention") +
						 doctor_said(&t, "sudo", "note") +
						 doctor_said(&t, "sudo", "ok") ==
					     1);
	}
	cli_test_clear(&t);
}

static void
sudo_is_mended_by_a_file_that_visudo_has_seen(void **state)
{
	static const struct {
		const char *text;
		bool file;
	} rows[] = {
	    {"Defaults rootpw\n", false},
	    {"Defaults rootpw\n# @includedir /etc/sudoers.d\n", false},
	    {"Defaults rootpw\n@include /etc/sudoers.d/x\n", false},
	    {"Defaults rootpw\n@includedir /etc/other.d\n", false},
	    {"Defaults rootpw\n@includedir /etc/sudoers.d", true},
	    {"Defaults rootpw\n#includedir /etc/sudoers.d\n", true},
	};
	char advice[ADVICE_CAP];
	struct cli_test t;

	cli_test_make(&t, state);
	t.tool = fake_programs;
	doctor_put(&t, "root/usr/bin/sudo", "");
	for (size_t i = 0; i < N(rows); i++) {
		doctor_put(&t, "etc/sudoers", rows[i].text);
		assert_row(rows[i].text, doctor_says(&t, "sudo", "attention", "rootpw", advice));
		assert_row(rows[i].text, strstr(advice, ">>") == NULL);
		assert_row(
		    rows[i].text, (strncmp(advice, "put the line", 12) == 0) == !rows[i].file);
		assert_row(rows[i].text,
		    (strstr(advice, "visudo -c -q -f /etc/sudoers.d/zz-apikey.new && ") !=
			NULL) == rows[i].file);
	}
	cli_test_clear(&t);
}

static int
visudo_complains(struct cli_test *t, char *const argv[], char *out, size_t cap)
{
	(void)t;
	(void)snprintf(
	    out, cap, "%s", "/etc/sudoers: parsed OK\n/etc/sudoers.d/x:1:6: syntax error\n");
	return strcmp(argv[0], "/bin/sh") == 0 && strcmp(argv[3], "/usr/sbin/visudo") == 0 ? 1
											   : -1;
}

static void
sudoers_that_cannot_be_read_is_told(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	t.tool = visudo_complains;
	assert_true(doctor_says(&t, "sudo", "ok", "no sudo here", NULL));
	doctor_put(&t, "root/usr/bin/sudo", "");
	assert_true(doctor_says(&t, "sudo", "attention", "sudoers can't be read", NULL));
	doctor_put(&t, "etc/sudoers", "");
	assert_true(doctor_says(&t, "sudo", "ok", "asks a key", NULL));
	doctor_put(&t, "root/usr/sbin/visudo", "");
	assert_true(doctor_says(
	    &t, "sudo", "attention", "not in order: /etc/sudoers.d/x:1:6: syntax error", NULL));
	cli_test_clear(&t);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_stack_is_followed_and_a_fault_is_told_once),
	    T(the_advice_mends_a_stack),
	    T(what_no_command_mends_safely_is_said_in_words),
	    T(a_program_without_a_file_is_judged_by_other),
	    T(advices_for_one_file_hold_when_all_are_pasted),
	    T(a_service_that_no_role_opens_is_a_note),
	    T(the_module_is_looked_for_where_libpam_looks),
	    T(a_host_without_services_is_told),
	    T(what_sshd_says_of_a_key_is_judged),
	    T(a_block_comes_where_sshd_takes_it),
	    T(a_block_for_addresses_makes_it_a_note),
	    T(a_program_that_hangs_is_not_asked_again),
	    T(the_place_of_a_setting_is_told),
	    T(without_a_key_the_block_for_its_group_must_do),
	    T(shared_accounts_are_asked_about_too),
	    T(an_sshd_that_cannot_answer_is_told),
	    T(sudoers_is_read_as_sudo_reads_it),
	    T(sudo_is_mended_by_a_file_that_visudo_has_seen),
	    T(sudoers_that_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
