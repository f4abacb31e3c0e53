/*
 * pam_driver: an application that calls the installed stack, as sshd, sudo or su
 * would. pam.sh runs it in a namespace of its own, as that one's root: it makes
 * itself another root folder, whose /etc and /var are its own.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handles.h"
#include "num.h"
#include "pam_host.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

extern char **environ;

/* ---- whose account ---- */

static void
a_key_enters_with_its_token_by_all_phases(void **state)
{
	(void)state;
	assert_code("sshd", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	assert_int_equal(conv.asked, 1);
	assert_string_equal(conv.prompt, "Password: ");
	assert_int_equal(conv.told, 0);
	assert_non_null(strstr(
	    log_lines, "event=authenticate decision=allow key=ci id=K000070000 uid=70000"));
	assert_non_null(strstr(log_lines, "why=\"a role permits sshd\""));
	assert_non_null(strstr(log_lines, "event=open_session decision=allow"));
}

static void
abuse_162_nobody_elses_account_is_ours_in_any_phase(void **state)
{
	static const char *const users[] = {"bob", "root", "toor", "nobody-here"};

	(void)state;
	for (size_t u = 0; u < N(users); u++)
		for (const char *phase = "amsocdp"; *phase != '\0'; phase++) {
			char one[2] = {*phase, '\0'};

			assert_code(
			    users[u], PAM_USER_UNKNOWN, enter("sshd", users[u], ci_text, one));
		}
	assert_int_equal(conv.asked, 0);
	assert_int_equal(conv.told, 0);
	assert_string_equal(log_lines, "");
}

static void
a_uid_of_the_range_without_its_key_is_refused_and_let_go(void **state)
{
	static const char *const users[] = {"ghost", "alias"};

	(void)state;
	for (size_t u = 0; u < N(users); u++) {
		for (const char *phase = "amop"; *phase != '\0'; phase++) {
			char one[2] = {*phase, '\0'};

			assert_code(
			    users[u], PAM_PERM_DENIED, enter("sshd", users[u], ci_text, one));
		}
		assert_code(users[u], PAM_SUCCESS, enter("sshd", users[u], ci_text, "scd"));
	}
	assert_int_equal(conv.asked, 0);
	assert_non_null(strstr(log_lines, "no key has this name and uid"));
}

static void
abuse_021_to_031_strange_user_names_are_nobody(void **state)
{
	static char longest[257];
	static const char *const names[] = {"-ci", "+ci", ".ci", "ci:x", "ci\n", "/../ci",
	    "*)(uid=*", "CI", "Ci", "0", "70000", "ci@realm", "с\321\226", "ci ", " ci", "%n%s",
	    "ci\\", longest};

	(void)state;
	memset(longest, 'c', sizeof(longest) - 1);
	for (size_t i = 0; i < N(names); i++)
		assert_code(names[i], PAM_USER_UNKNOWN, enter("sshd", names[i], ci_text, "a"));
	assert_int_equal(conv.asked, 0);
	conv.answer = "";
	assert_code("empty", PAM_USER_UNKNOWN, enter("sshd", "", NULL, "m"));
	assert_code("none", PAM_USER_UNKNOWN, enter("sshd", NULL, NULL, "m"));
	assert_code(
	    "a token as a name", PAM_USER_UNKNOWN, enter("sshd", ci_text, ci_text, "am"));
	assert_string_equal(log_lines, "");
}

static void
to_second(pam_handle_t *pamh, char before)
{
	if (before != 'a')
		assert_int_equal(pam_set_item(pamh, PAM_USER, "second"), PAM_SUCCESS);
}

static void
abuse_032_one_keys_token_does_not_carry_over_to_another_user(void **state)
{
	(void)state;
	how.between = to_second;
	assert_code("sshd", PAM_PERM_DENIED, enter("sshd", "ci", ci_text, "am"));
	assert_non_null(strstr(log_lines, "reason=no-token"));
}

/* ---- the token ---- */

static void
abuse_001_to_019_wrong_tokens_are_refused_and_nothing_of_them_is_logged(void **state)
{
	static char long_511[512], long_512[513], long_1024[1025], long_65536[65537];
	char cut[SECRET_CAP], more[SECRET_CAP + 8], flipped[SECRET_CAP + 8];
	struct token wrong, nobodys;
	const char *rows[] = {"", "apikey_", "password", cut, more, flipped, long_511, long_512,
	    long_1024, long_65536, "\b\n\r\177INCORRECT", "\303\050", "%n%s", NULL, NULL, NULL};

	(void)state;
	assert_err("", AK_OK, token_new("K000070000", &wrong));
	assert_err("", AK_OK, token_new("Q000070000", &nobodys));
	rows[13] = text_of(&wrong);
	rows[14] = text_of(&nobodys);
	rows[15] = text_of(&tok_second);
	(void)snprintf(cut, sizeof(cut), "%s", ci_text);
	cut[TOKEN_LEN - 1] = '\0';
	(void)snprintf(more, sizeof(more), "%s\n", ci_text);
	(void)snprintf(flipped, sizeof(flipped), "APIKEY_%s", ci_text + 7);
	memset(long_511, 'a', sizeof(long_511) - 1);
	memset(long_512, 'a', sizeof(long_512) - 1);
	memset(long_1024, 'a', sizeof(long_1024) - 1);
	memset(long_65536, 'a', sizeof(long_65536) - 1);
	memcpy(long_65536, ci_text, TOKEN_LEN);
	for (size_t i = 0; i < N(rows); i++) {
		log_lines[0] = '\0';
		assert_code(rows[i], PAM_AUTH_ERR, enter("sshd", "ci", rows[i], "a"));
		assert_non_null(strstr(log_lines, "decision=deny"));
		assert_non_null(strstr(log_lines, "why=\"wrong token\""));
		assert_null(strstr(log_lines, "apikey_"));
		assert_null(strstr(log_lines, ci_text + 20));
	}
	token_clear(&wrong);
	token_clear(&nobodys);
}

static void
abuse_006_007_020_keys_that_may_not_are_refused_in_every_phase(void **state)
{
	static const struct {
		const char *user, *service;
		unsigned tok;
		int auth, account;
	} rows[] = {
	    {"disabled", "sshd", 0, PAM_AUTH_ERR, PAM_PERM_DENIED},
	    {"expired", "sshd", 1, PAM_AUTH_ERR, PAM_ACCT_EXPIRED},
	    {"early", "sshd", 2, PAM_AUTH_ERR, PAM_PERM_DENIED},
	    {"roleless", "sshd", 3, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"sshonly", "cron", 4, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"bound", "sshd", 5, PAM_PERM_DENIED, PAM_PERM_DENIED},
	};

	(void)state;
	host_settings(&host, "version: 1\npublic_key_logins: allow\n");
	for (size_t i = 0; i < N(rows); i++) {
		const char *token = text_of(&tok_other[rows[i].tok]);

		assert_code(rows[i].user, rows[i].auth,
		    enter(rows[i].service, rows[i].user, token, "a"));
		assert_true(conv.told > 0);
		assert_code(rows[i].user, rows[i].account,
		    enter(rows[i].service, rows[i].user, token, "m"));
		assert_code(rows[i].user, PAM_SESSION_ERR,
		    enter(rows[i].service, rows[i].user, token, "o"));
	}
	assert_code("sshonly by sshd", PAM_SUCCESS,
	    enter("sshd", "sshonly", text_of(&tok_other[4]), "amo"));
}

static void
a_keys_networks_are_asked_of_the_address_alone(void **state)
{
	static const struct {
		const char *rhost;
		int code;
	} rows[] = {
	    {"192.0.2.7", PAM_SUCCESS},
	    {"::ffff:192.0.2.7", PAM_SUCCESS},
	    {"198.51.100.1", PAM_PERM_DENIED},
	    {"host.example.com", PAM_PERM_DENIED},
	    {"UNKNOWN", PAM_PERM_DENIED},
	    {"127.0.0.1", PAM_PERM_DENIED},
	    {"127.8.9.1", PAM_PERM_DENIED},
	    {"::1", PAM_PERM_DENIED},
	    {"", PAM_PERM_DENIED},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		how.rhost = rows[i].rhost;
		assert_code(rows[i].rhost, rows[i].code,
		    enter("sshd", "bound", text_of(&tok_other[5]), "a"));
	}
}

/* ---- the conversation ---- */

static void
abuse_002_033_to_037_whatever_the_conversation_does_it_is_a_denial(void **state)
{
	/* What a conversation must not be able to make a stack pass over. */
	static const int codes[] = {PAM_CONV_ERR, PAM_CONV_AGAIN, PAM_BUF_ERR, PAM_IGNORE,
	    PAM_USER_UNKNOWN, PAM_ABORT, PAM_NEW_AUTHTOK_REQD, 4711, -1};

	(void)state;
	for (size_t i = 0; i < N(codes); i++) {
		int code;
		char row[32];

		conv.code = codes[i];
		(void)snprintf(row, sizeof(row), "conversation %d", codes[i]);
		code = enter("sshd", "ci", ci_text, "a");
		assert_row(
		    row, code == PAM_CONV_ERR || code == PAM_INCOMPLETE || code == PAM_BUF_ERR);
	}
	conv.code = PAM_SUCCESS;
	conv.answer = NULL;
	assert_code("success without an answer", PAM_AUTH_ERR, enter("sshd", "ci", NULL, "a"));
}

static void
abuse_033_without_a_conversation_nobody_enters(void **state)
{
	static const struct pam_conv none = {.conv = NULL};
	pam_handle_t *pamh = NULL;

	(void)state;
	assert_int_equal(pam_start("sshd", "ci", &none, &pamh), PAM_SUCCESS);
	assert_int_not_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	(void)pam_end(pamh, 0);
}

static void
abuse_036_with_pam_silent_nobody_is_told_why(void **state)
{
	(void)state;
	how.flags = PAM_SILENT;
	assert_code("", PAM_AUTH_ERR, enter("sshd", "disabled", text_of(&tok_other[0]), "a"));
	assert_int_equal(conv.told, 0);
	assert_code("", PAM_AUTH_ERR, enter("sshd", "disabled", text_of(&tok_other[0]), "a"));
	assert_string_equal(conv.last_told, "the key is disabled");
}

static void
abuse_038_no_phase_but_authenticate_asks_for_anything(void **state)
{
	(void)state;
	assert_code("", PAM_SUCCESS, enter("cron", "ci", ci_text, "msocd"));
	assert_int_equal(conv.asked, 0);
}

static void
is_unset(pam_handle_t *pamh)
{
	assert_null(pam_getenv(pamh, "PAM_AUTHTOK"));
}

static void
abuse_163_the_token_is_left_for_no_other_module(void **state)
{
	(void)state;
	how.after = is_unset;
	assert_code("", PAM_SUCCESS, enter("shows", "ci", ci_text, "a"));
	how.after = is_unset;
	assert_code("", PAM_AUTH_ERR, enter("shows", "ci", text_of(&tok_second), "a"));
}

/* ---- options ---- */

static void
abuse_039_a_bad_option_is_an_error_for_keys_alone(void **state)
{
	static const char *const services[] = {"bad-option", "bad-config"};

	(void)state;
	for (size_t i = 0; i < N(services); i++) {
		assert_code(
		    services[i], PAM_SERVICE_ERR, enter(services[i], "ci", ci_text, "a"));
		assert_code(
		    services[i], PAM_SERVICE_ERR, enter(services[i], "ci", ci_text, "m"));
		assert_code(
		    services[i], PAM_SERVICE_ERR, enter(services[i], "ci", ci_text, "o"));
		assert_code(services[i], PAM_SUCCESS, enter(services[i], "ci", ci_text, "scd"));
		assert_code(services[i], PAM_USER_UNKNOWN, enter(services[i], "bob", NULL, "a"));
		assert_code(
		    services[i], PAM_USER_UNKNOWN, enter(services[i], "root", NULL, "m"));
	}
	assert_int_equal(conv.asked, 0);
}

static void
a_prompt_a_file_and_a_word_in_the_log_can_be_had(void **state)
{
	(void)state;
	assert_code("", PAM_SUCCESS, enter("words", "ci", ci_text, "a"));
	assert_string_equal(conv.prompt, "Key:");
	assert_code("", PAM_USER_UNKNOWN, enter("words", "bob", ci_text, "a"));
	assert_non_null(strstr(log_lines, "event=debug phase=authenticate service=words "
					  "subject=not-ours answer=10"));
	assert_null(strstr(log_lines, "bob"));
	assert_null(strstr(log_lines, ci_text + 20));
}

static void
what_another_module_asked_for_is_taken_as_the_option_says(void **state)
{
	static const struct {
		const char *service;
		int token, password, nothing; /* what the other module got */
		unsigned asked; /* with a password */
	} rows[] = {
	    {"ask-first", PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, 1},
	    {"try-first", PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, 1},
	    {"use-first", PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTH_ERR, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(setenv("PAM_AUTHTOK", ci_text, 1), 0);
		conv.asked = 0;
		assert_code(
		    rows[i].service, rows[i].token, enter(rows[i].service, "ci", ci_text, "a"));
		assert_int_equal(conv.asked, i == 0);
		assert_int_equal(setenv("PAM_AUTHTOK", "a password", 1), 0);
		conv.asked = 0;
		assert_code(rows[i].service, rows[i].password,
		    enter(rows[i].service, "ci", ci_text, "a"));
		assert_int_equal(conv.asked, rows[i].asked);
		assert_int_equal(unsetenv("PAM_AUTHTOK"), 0);
		assert_code(rows[i].service, rows[i].nothing,
		    enter(rows[i].service, "ci", ci_text, "a"));
	}
	assert_int_equal(setenv("PAM_AUTHTOK", text_of(&tok_second), 1), 0);
	assert_code(
	    "a wrong token is final", PAM_AUTH_ERR, enter("try-first", "ci", ci_text, "a"));
	assert_int_equal(unsetenv("PAM_AUTHTOK"), 0);
}

/* ---- the files ---- */

static void
remove_local(void)
{
	assert_int_equal(unlink(host.paths.local), 0);
}

static void
empty_local(void)
{
	file_write(host.paths.local, "", 0, 0600);
}

static void
open_local(void)
{
	assert_int_equal(chmod(host.paths.local, 0666), 0);
}

static void
fifo_local(void)
{
	remove_local();
	assert_int_equal(mkfifo(host.paths.local, 0600), 0);
}

static void
old_local(void)
{
	char prev[PATH_CAP + 8];

	amend(UID_DISABLED, NULL);
	(void)snprintf(prev, sizeof(prev), "%s.prev", host.paths.local);
	assert_int_equal(rename(prev, host.paths.local), 0);
}

static void
cut_local(void)
{
	assert_int_equal(truncate(host.paths.local, 300), 0);
}

static void
remove_users(void)
{
	assert_int_equal(unlink(host.paths.users), 0);
}

static void
empty_users(void)
{
	file_write(host.paths.users, "", 0, 0644);
}

static void
remove_policy(void)
{
	host_policy(&host, NULL);
}

static void
break_policy(void)
{
	host_policy(&host, "version: 1\nroles: [\n");
}

static void
open_policy(void)
{
	assert_int_equal(chmod(host.paths.policy, 0666), 0);
}

static void
break_settings(void)
{
	host_settings(&host, "version: 1\nno_such: true\n");
}

static void
break_image(void)
{
	file_write(host.paths.image, "x", 1, 0600);
}

static void
lock_down(void)
{
	file_write(host.paths.lockdown, "", 0, 0600);
}

static void
lock_down_by_a_dangling_link(void)
{
	assert_int_equal(symlink("/nowhere", host.paths.lockdown), 0);
}

static void
abuse_041_to_069_158_broken_files_stop_keys_and_nobody_else(void **state)
{
	static const struct {
		const char *name;
		void (*break_it)(void);
		int auth, account;
	} rows[] = {
	    {"local.idx missing", remove_local, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
	    {"local.idx empty", empty_local, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
	    {"local.idx cut", cut_local, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
	    {"local.idx writable", open_local, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
	    {"local.idx a FIFO", fifo_local, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
	    {"local.idx old", old_local, PAM_AUTHINFO_UNAVAIL, PAM_AUTHINFO_UNAVAIL},
	    {"users.idx missing", remove_users, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN},
	    {"users.idx empty", empty_users, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN},
	    {"policy missing", remove_policy, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"policy broken", break_policy, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"policy writable", open_policy, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"settings broken", break_settings, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"image broken", break_image, PAM_SUCCESS, PAM_SUCCESS},
	    {"lockdown", lock_down, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"lockdown, a link", lock_down_by_a_dangling_link, PAM_PERM_DENIED, PAM_PERM_DENIED},
	};

	for (size_t i = 0; i < N(rows); i++) {
		(void)set_up(state);
		rows[i].break_it();
		assert_code(rows[i].name, rows[i].auth, enter("cron", "ci", ci_text, "a"));
		assert_code(rows[i].name, rows[i].account, enter("cron", "ci", ci_text, "m"));
		assert_code(rows[i].name, PAM_USER_UNKNOWN, enter("cron", "bob", ci_text, "a"));
		assert_code(rows[i].name, PAM_USER_UNKNOWN, enter("cron", "bob", ci_text, "m"));
		assert_code(rows[i].name, PAM_USER_UNKNOWN, enter("cron", "root", ci_text, "a"));
		assert_code(rows[i].name, PAM_USER_UNKNOWN, enter("cron", "root", ci_text, "m"));
	}
}

/* The folder of the settings is none. */
static void
a_lockdown_that_cannot_be_told_counts_as_one(void **state)
{
	char folder[PATH_CAP], aside[PATH_CAP + 8];
	int code;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s", host.paths.lockdown);
	*strrchr(folder, '/') = '\0';
	(void)snprintf(aside, sizeof(aside), "%s.aside", folder);
	assert_int_equal(rename(folder, aside), 0);
	file_write(folder, "", 0, 0600);
	code = enter("cron", "ci", ci_text, "m");
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(rename(aside, folder), 0);
	assert_code("", PAM_PERM_DENIED, code);
	assert_non_null(strstr(log_lines, "reason=lockdown"));
}

static void
a_user_that_nobody_named_is_asked_for_in_authenticate_alone(void **state)
{
	(void)state;
	assert_code("asked", PAM_AUTH_ERR, enter("sshd", NULL, "ci", "a"));
	assert_int_equal(conv.asked, 2);
	assert_non_null(strstr(log_lines, "event=authenticate decision=deny key=ci"));
	assert_code("not asked", PAM_USER_UNKNOWN, enter("sshd", NULL, "ci", "m"));
	assert_code("not asked", PAM_USER_UNKNOWN, enter("sshd", NULL, "ci", "o"));
	real_uid = UID_CI;
	assert_code("under sudo", PAM_USER_UNKNOWN, enter("sudo", NULL, "ci", "m"));
	assert_int_equal(conv.asked, 2);
	conv.code = PAM_CONV_ERR;
	assert_code("nobody answers", PAM_USER_UNKNOWN, enter("sshd", NULL, "ci", "a"));
	conv.code = PAM_SUCCESS;
}

static void
abuse_064_no_flipped_byte_lets_a_wrong_token_in_or_stops_bob(void **state)
{
	struct host_files good;
	char *both[2];
	size_t len_b[2];

	(void)state;
	host_keep(&host, &good);
	both[0] = good.local;
	len_b[0] = good.local_len_b;
	both[1] = good.users;
	len_b[1] = good.users_len_b;
	for (unsigned f = 0; f < 2; f++)
		for (size_t at = 0; at < len_b[f]; at += 3) {
			both[f][at] ^= 0x08;
			host_put_back(&host, &good);
			both[f][at] ^= 0x08;
			assert_true(
			    enter("sshd", "ci", text_of(&tok_second), "a") != PAM_SUCCESS);
			assert_int_equal(enter("sshd", "bob", ci_text, "a"), PAM_USER_UNKNOWN);
		}
	host_files_clear(&good);
}

static void
abuse_101_a_clock_behind_the_files_stops_keys_that_expire_and_no_others(void **state)
{
	struct store *s;

	(void)state;
	assert_code("before", PAM_ACCT_EXPIRED, enter("cron", "expired", NULL, "m"));
	s = host_open(&host);
	assert_err("", AK_OK, host_publish_open(&host, s, time(NULL) + 86400));
	store_close(&s);
	assert_code("expires", PAM_PERM_DENIED, enter("cron", "expired", NULL, "m"));
	assert_non_null(strstr(log_lines, "reason=time-undefined"));
	assert_code("never expires", PAM_SUCCESS, enter("cron", "ci", ci_text, "am"));
}

/* ---- services ---- */

static void
abuse_144_without_a_token_only_some_services_pass(void **state)
{
	static const struct {
		const char *service;
		int code, allowed;
	} rows[] = {
	    {"sshd", PAM_PERM_DENIED, PAM_SUCCESS},
	    {"login", PAM_PERM_DENIED, PAM_SUCCESS},
	    {"cron", PAM_SUCCESS, PAM_SUCCESS},
	    {"su", PAM_SUCCESS, PAM_SUCCESS},
	    {"su-l", PAM_SUCCESS, PAM_SUCCESS},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_code(
		    rows[i].service, rows[i].code, enter(rows[i].service, "ci", NULL, "m"));
	assert_non_null(strstr(log_lines, "reason=no-token"));
	host_settings(&host, "version: 1\npublic_key_logins: allow\n");
	for (size_t i = 0; i < N(rows); i++)
		assert_code(
		    rows[i].service, rows[i].allowed, enter(rows[i].service, "ci", NULL, "m"));
}

static void
a_line_may_name_other_settings(void **state)
{
	static const char text[] = "version: 1\npublic_key_logins: allow\n";

	(void)state;
	file_write("/etc/other.yaml", text, sizeof(text) - 1, 0644);
	assert_code("", PAM_SUCCESS, enter("own-config", "ci", NULL, "mo"));
	assert_code("", PAM_PERM_DENIED, enter("other", "ci", NULL, "m"));
	assert_int_equal(unlink("/etc/other.yaml"), 0);
	assert_code("gone: the defaults", PAM_PERM_DENIED, enter("own-config", "ci", NULL, "m"));
}

static void
to_root(pam_handle_t *pamh, char before)
{
	if (before == 's')
		assert_int_equal(pam_set_item(pamh, PAM_USER, "root"), PAM_SUCCESS);
}

static void
under_sudo_the_subject_is_who_calls_it(void **state)
{
	(void)state;
	real_uid = UID_CI;
	how.between = to_root;
	assert_code("ci", PAM_SUCCESS, enter("sudo", "ci", ci_text, "amsocd"));
	assert_null(strstr(log_lines, "user=root decision=deny"));
	assert_code("NOPASSWD", PAM_SUCCESS, enter("sudo", "ci", NULL, "m"));
	assert_code("targetpw", PAM_SUCCESS, enter("sudo", "root", NULL, "m"));
	assert_code(
	    "166 targetpw asks root", PAM_USER_UNKNOWN, enter("sudo", "root", ci_text, "a"));
	real_uid = UID_ROLELESS;
	assert_code("no role", PAM_PERM_DENIED, enter("sudo", "root", NULL, "m"));
	assert_code("sudo-i", PAM_PERM_DENIED, enter("sudo-i", "roleless", NULL, "m"));
	real_uid = 1000;
	assert_code("bob", PAM_USER_UNKNOWN, enter("sudo", "bob", NULL, "m"));
	assert_code("bob, runaspw", PAM_USER_UNKNOWN, enter("sudo", "ci", NULL, "m"));
	real_uid = 0;
	assert_code("root", PAM_USER_UNKNOWN, enter("sudo", "root", NULL, "m"));
	real_uid = 70009;
	assert_code("a uid of the range", PAM_PERM_DENIED, enter("sudo", "root", NULL, "m"));
}

static void
roots_own_su_needs_no_role_and_nobody_elses(void **state)
{
	(void)state;
	how.ruser = "root";
	assert_code("root", PAM_SUCCESS, enter("su", "roleless", NULL, "mso"));
	how.ruser = "bob";
	assert_code("bob", PAM_PERM_DENIED, enter("su", "roleless", NULL, "m"));
	how.ruser = "root";
	assert_code("another service", PAM_PERM_DENIED, enter("cron", "roleless", NULL, "m"));
	real_uid = 1000;
	how.ruser = "root";
	assert_code("a uid that lies", PAM_PERM_DENIED, enter("su", "roleless", NULL, "m"));
}

/* ---- the session ---- */

static void
disable(struct key_record *k)
{
	k->state = KEY_DISABLED;
}

static void
disable_before_open(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'o')
		amend(UID_CI, disable);
}

static void
abuse_141_a_key_revoked_after_the_account_phase_gets_no_session(void **state)
{
	(void)state;
	how.between = disable_before_open;
	assert_code("", PAM_SESSION_ERR, enter("sshd", "ci", ci_text, "amso"));
	assert_non_null(strstr(log_lines, "event=open_session decision=deny"));
}

static void
end_secret(struct key_record *k)
{
	k->n_secrets = 0;
}

static void
end_secret_before_open(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'o')
		amend(UID_CI, end_secret);
}

static void
abuse_146_a_secret_that_ended_after_the_account_phase_opens_no_session(void **state)
{
	(void)state;
	how.between = end_secret_before_open;
	assert_code("", PAM_SESSION_ERR, enter("sshd", "ci", ci_text, "amso"));
	assert_non_null(strstr(log_lines, "reason=secret-ended"));
}

static void
delete_before_close(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'c')
		amend(UID_CI, NULL);
}

static void
a_deleted_keys_session_is_closed_and_its_credentials_are_let_go(void **state)
{
	(void)state;
	how.between = delete_before_close;
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
}

static void
knows_who_it_is(pam_handle_t *pamh)
{
	assert_string_equal(pam_getenv(pamh, "APIKEY_NAME"), "ci");
	assert_string_equal(pam_getenv(pamh, "APIKEY_ID"), "K000070000");
	assert_string_equal(pam_getenv(pamh, "APIKEY_ROLES"), "all");
	assert_string_equal(pam_getenv(pamh, "APIKEY_SPACE"), "root");
}

static void
knows_nothing(pam_handle_t *pamh)
{
	assert_null(pam_getenv(pamh, "APIKEY_NAME"));
}

static void
a_session_is_told_who_it_is_but_not_under_sudo(void **state)
{
	(void)state;
	how.after = knows_who_it_is;
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amso"));
	how.after = knows_nothing;
	real_uid = UID_CI;
	assert_code("", PAM_SUCCESS, enter("sudo", "ci", ci_text, "amso"));
	real_uid = 0;
	how.after = knows_nothing;
	assert_code("", PAM_PERM_DENIED, enter("sshd", "roleless", text_of(&tok_other[3]), "a"));
}

static void
a_keys_password_is_not_changed_here(void **state)
{
	(void)state;
	assert_code("", PAM_PERM_DENIED, enter("sshd", "ci", ci_text, "p"));
	assert_non_null(strstr(conv.last_told, "apikey rotate"));
	assert_true(has_logged("event=chauthtok decision=deny key=ci "));
}

/* ---- shared accounts ---- */

#define SHARED                                                                                 \
	"version: 1\n"                                                                         \
	"spaces: {elsewhere: {}}\n"                                                            \
	"roles:\n"                                                                             \
	"  all: {services: ['*']}\n"                                                           \
	"  sshonly: {services: [sshd]}\n"                                                      \
	"  opens: {services: ['*'], accounts: [deploy, 'r*', 't*']}\n"                         \
	"  enters: {services: [sshd], accounts: [deploy]}\n"                                   \
	"  night: {services: [], unix_groups: [nightwatch]}\n"

static void
bind_opens(struct key_record *k)
{
	key_bind(k, "opens");
}

static void
bind_enters(struct key_record *k)
{
	key_bind(k, "enters");
}

/* ci opens deploy by every service, second by sshd alone, the others not at all. */
static void
share(const char *more)
{
	char policy[2048];

	(void)snprintf(policy, sizeof(policy), "%s%s", SHARED, more);
	host_policy(&host, policy);
	amend(UID_CI, bind_opens);
	amend(UID_SECOND, bind_enters);
}

static void
has_no_handle(pam_handle_t *pamh)
{
	assert_null(pam_getenv(pamh, "APIKEY_HANDLE"));
	assert_int_equal(count_records("handles", false), 0);
}

static void
is_ci_on_deploy(pam_handle_t *pamh)
{
	assert_string_equal(pam_getenv(pamh, "APIKEY_NAME"), "ci");
	assert_int_equal(count_records("sessions", false), 1);
	has_no_handle(pamh);
}

static void
a_key_enters_an_account_that_its_role_opens(void **state)
{
	(void)state;
	share("");
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "a"));
	assert_int_equal(conv.asked, 1);
	assert_string_equal(conv.prompt, "Password: ");
	assert_non_null(strstr(log_lines, "event=authenticate decision=allow key=ci"));
	empty_folder("handles");
	assert_code("pam_unix is asked of its expiry", PAM_USER_UNKNOWN,
	    enter("sshd", "deploy", ci_text, "am"));
	assert_non_null(strstr(log_lines, "event=account decision=allow key=ci"));
	empty_folder("handles");
	how.past_unknown = true;
	how.after = is_ci_on_deploy;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "amso"));
	how.past_unknown = true;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "amsocd"));
	assert_int_equal(count_records("sessions", false), 1);
	assert_code("no role opens it", PAM_PERM_DENIED,
	    enter("sshd", "deploy", text_of(&tok_other[4]), "a"));
	assert_code("a disabled key", PAM_AUTH_ERR,
	    enter("sshd", "deploy", text_of(&tok_other[0]), "a"));
	assert_code("not by this service", PAM_PERM_DENIED,
	    enter("login", "deploy", text_of(&tok_second), "a"));
	assert_code("nobody opens bob", PAM_USER_UNKNOWN, enter("sshd", "bob", ci_text, "a"));
	conv.asked = 0;
	assert_code("022 toor", PAM_USER_UNKNOWN, enter("sshd", "toor", ci_text, "a"));
	assert_code("022 root", PAM_USER_UNKNOWN, enter("sshd", "root", ci_text, "a"));
	assert_int_equal(conv.asked, 0);
}

static char left[PAM_MAX_RESP_SIZE + 16];

static void
keep_authtok(pam_handle_t *pamh)
{
	const char *token = pam_getenv(pamh, "PAM_AUTHTOK");

	(void)snprintf(left, sizeof(left), "%s", token == NULL ? "(none)" : token);
}

static void
the_accounts_own_password_goes_on_as_it_was_typed(void **state)
{
	static char longest[PAM_MAX_RESP_SIZE];
	static const char *const rows[] = {"a password", "", " ", "apikey", "APIKEY_x",
	    " apikey_x", "p\303\244ss%n", "\b\n\r\177INCORRECT", longest};

	(void)state;
	share("");
	memset(longest, 'p', sizeof(longest) - 1);
	for (size_t i = 0; i < N(rows); i++) {
		conv.asked = 0;
		how.after = keep_authtok;
		assert_code(rows[i], PAM_USER_UNKNOWN, enter("shows", "deploy", rows[i], "a"));
		assert_string_equal(left, rows[i]);
		assert_int_equal(conv.asked, 1);
	}
	conv.answer = NULL;
	assert_code("no answer", PAM_USER_UNKNOWN, enter("shows", "deploy", NULL, "a"));
	conv.code = PAM_CONV_ERR;
	assert_code("no conversation", PAM_USER_UNKNOWN, enter("shows", "deploy", "x", "a"));
	assert_null(strstr(log_lines, "event="));
}

static void
abuse_163_what_looks_like_a_token_is_final_and_goes_nowhere(void **state)
{
	char cut[SECRET_CAP], more[SECRET_CAP + 8];
	static char huge[600] = "apikey_";
	const char *rows[] = {"apikey_", "apikey_x", cut, more, huge};

	(void)state;
	share("");
	(void)snprintf(cut, sizeof(cut), "%.*s", (int)TOKEN_LEN - 1, ci_text);
	(void)snprintf(more, sizeof(more), "%sx", ci_text);
	memset(huge + 7, 'x', sizeof(huge) - 8);
	for (size_t i = 0; i < N(rows); i++) {
		how.after = keep_authtok;
		assert_code(rows[i], PAM_AUTH_ERR, enter("shows", "deploy", rows[i], "a"));
		assert_string_equal(left, "(none)");
	}
	assert_null(strstr(log_lines, " key="));
	how.after = keep_authtok;
	assert_code("right", PAM_SUCCESS, enter("shows", "deploy", ci_text, "a"));
	assert_string_equal(left, "(none)");
	assert_null(strstr(log_lines, ci_text + 20));
	assert_int_equal(unlink(host.paths.local), 0);
	assert_code(
	    "no file tells", PAM_AUTHINFO_UNAVAIL, enter("shows", "deploy", ci_text, "a"));
}

static const char *second_answer;

static void
answer_anew(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'a' && conv.asked == 1)
		conv.answer = second_answer;
}

static void
becomes_bob(pam_handle_t *pamh, char before)
{
	if (before != 'a')
		assert_int_equal(pam_set_item(pamh, PAM_USER, "bob"), PAM_SUCCESS);
}

static void
nobody_is_behind_it(const char *row)
{
	assert_row(row, strstr(log_lines, "event=account") == NULL);
	assert_row(row, strstr(log_lines, "event=open_session") == NULL);
	assert_row(row, count_records("sessions", false) == 0);
	log_lines[0] = '\0';
	conv.asked = 0;
}

static void
a_handover_is_of_the_last_authenticate_that_went_well_and_of_its_user(void **state)
{
	(void)state;
	share("");
	second_answer = "deploy's password";
	how.between = answer_anew;
	how.past_unknown = true;
	how.after = has_no_handle;
	empty_folder("handles");
	assert_code("", PAM_SUCCESS, enter("login", "deploy", ci_text, "aamso"));
	nobody_is_behind_it("an earlier one");
	how.between = answer_anew;
	how.past_unknown = true;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "aamso"));
	nobody_is_behind_it("an earlier one, by handle");
	how.between = becomes_bob;
	how.past_unknown = true;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "amso"));
	nobody_is_behind_it("another user");
	second_answer = text_of(&tok_second);
	how.between = answer_anew;
	how.past_unknown = true;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "aam"));
	assert_non_null(strstr(log_lines, "event=account decision=allow key=second"));
	assert_null(strstr(log_lines, "event=account decision=allow key=ci"));
}

static void
then_account(pam_handle_t *pamh)
{
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_USER_UNKNOWN);
	assert_int_equal(pam_open_session(pamh, 0), PAM_USER_UNKNOWN);
}

static void
a_failed_authenticate_leaves_nothing(void **state)
{
	(void)state;
	share("");
	how.after = then_account;
	assert_code(
	    "role", PAM_PERM_DENIED, enter("sshd", "deploy", text_of(&tok_other[4]), "a"));
	nobody_is_behind_it("role");
	how.after = then_account;
	assert_code("wrong", PAM_AUTH_ERR, enter("sshd", "deploy", "apikey_", "a"));
	nobody_is_behind_it("wrong");
	assert_int_equal(chmod(host.paths.run, 0777), 0);
	how.after = then_account;
	assert_code("no handle can be left", PAM_AUTHINFO_UNAVAIL,
	    enter("sshd", "deploy", ci_text, "a"));
	nobody_is_behind_it("no handle can be left");
}

static void
an_account_of_only_keys_is_nobodys_without_one(void **state)
{
	(void)state;
	share("accounts: {deploy: {only_keys: true}}\n");
	assert_code("sshd", PAM_PERM_DENIED, enter("sshd", "deploy", NULL, "m"));
	assert_code("sudo", PAM_USER_UNKNOWN, enter("sudo", "deploy", NULL, "m"));
	real_uid = UID_DEPLOY;
	assert_code("sudo in it", PAM_PERM_DENIED, enter("sudo", "deploy", NULL, "m"));
	how.ruser = "root";
	assert_code(
	    "whose uid is not root's", PAM_PERM_DENIED, enter("su", "deploy", NULL, "m"));
	real_uid = 0;
	how.ruser = "root";
	assert_code("root's su", PAM_USER_UNKNOWN, enter("su", "deploy", NULL, "m"));
	how.ruser = "bob";
	assert_code("bob's su", PAM_PERM_DENIED, enter("su", "deploy", NULL, "m"));
	assert_code("cron", PAM_PERM_DENIED, enter("cron", "deploy", NULL, "m"));
	how.past_unknown = true;
	assert_code("a key", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "amso"));
	assert_code("cron now", PAM_USER_UNKNOWN, enter("cron", "deploy", NULL, "m"));
	assert_code("atd", PAM_USER_UNKNOWN, enter("systemd-user", "deploy", NULL, "m"));
	assert_code("but sshd", PAM_PERM_DENIED, enter("sshd", "deploy", NULL, "m"));
	empty_folder("sessions");
	assert_code("cron again", PAM_PERM_DENIED, enter("cron", "deploy", NULL, "m"));
	host_policy(&host, "version: 1\nroles: [\n");
	assert_code("a broken policy says nothing", PAM_USER_UNKNOWN,
	    enter("sshd", "deploy", NULL, "m"));
}

static struct rlimit descriptors;

/* As su's caller leaves it: the first one that is free is one too many. */
static void
take_descriptors(pam_handle_t *pamh, char before)
{
	struct rlimit none = descriptors;
	int next = dup(STDERR_FILENO);

	(void)pamh;
	(void)before;
	assert_int_not_equal(next, -1);
	assert_int_equal(close(next), 0);
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

/* Else the account's own password would be asked for instead. */
static void
whoever_begins_su_without_descriptors_enters_no_account_of_only_keys(void **state)
{
	struct rlimit now;
	int code;

	(void)state;
	share("accounts: {deploy: {only_keys: true}}\n");
	how.ruser = "bob";
	how.between = take_descriptors;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
	code = enter("su", "deploy", NULL, "m");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
	assert_code("", PAM_PERM_DENIED, code);
	assert_true(now.rlim_cur < descriptors.rlim_cur);
	assert_true(now.rlim_max == descriptors.rlim_max);
}

static void
sudo_on_a_shared_account_asks_the_key_of_its_session(void **state)
{
	(void)state;
	share("");
	real_uid = UID_DEPLOY;
	assert_code("nobody's", PAM_USER_UNKNOWN, enter("sudo", "deploy", NULL, "m"));
	assert_string_equal(log_lines, "");
	real_uid = 0;
	how.past_unknown = true;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "amso"));
	real_uid = UID_DEPLOY;
	log_lines[0] = '\0';
	how.between = to_root;
	how.past_unknown = true;
	assert_code("ci's", PAM_SUCCESS, enter("sudo", "deploy", NULL, "msocd"));
	assert_non_null(strstr(log_lines, "event=account decision=allow key=ci"));
	assert_non_null(strstr(log_lines, "event=open_session decision=allow key=ci"));
	assert_int_equal(count_records("sessions", false), 1);
	assert_code("targetpw", PAM_USER_UNKNOWN, enter("sudo", "root", NULL, "m"));
	assert_int_equal(n_groups, 2);
	amend(UID_CI, bind_enters);
	assert_code("its role is gone", PAM_PERM_DENIED, enter("sudo", "deploy", NULL, "m"));
	amend(UID_CI, bind_opens);
	assert_code("and back", PAM_USER_UNKNOWN, enter("sudo", "deploy", NULL, "m"));
	remove_local();
	assert_code("no file tells", PAM_AUTHINFO_UNAVAIL, enter("sudo", "deploy", NULL, "m"));
	host_wipe(&host);
	change(add_all);
	amend(UID_CI, NULL);
	assert_code("it is deleted", PAM_PERM_DENIED, enter("sudo", "deploy", NULL, "m"));
	real_uid = 1000;
	assert_code("bob's is his", PAM_USER_UNKNOWN, enter("sudo", "bob", NULL, "m"));
}

/* An application that waits for events calls again, and is a denial in no log meanwhile. */
static void
a_conversation_that_will_answer_later_is_asked_again(void **state)
{
	static const char *const users[] = {"ci", "deploy"};

	(void)state;
	share("");
	for (size_t i = 0; i < N(users); i++) {
		struct pam_conv with = {.conv = converse};
		pam_handle_t *pamh = NULL;

		log_lines[0] = '\0';
		assert_int_equal(pam_start("sshd", users[i], &with, &pamh), PAM_SUCCESS);
		conv.code = PAM_CONV_AGAIN;
		conv.answer = ci_text;
		assert_code(users[i], PAM_INCOMPLETE, pam_authenticate(pamh, 0));
		assert_null(strstr(log_lines, "event="));
		conv.code = PAM_SUCCESS;
		assert_code(users[i], PAM_SUCCESS, pam_authenticate(pamh, 0));
		(void)pam_end(pamh, 0);
	}
}

static void
a_line_may_ask_for_a_role(void **state)
{
	static const struct {
		const char *service;
		int ci, second, deploy;
	} rows[] = {
	    {"role-opens", PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS},
	    {"role-space", PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS},
	    {"role-host", PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS},
	    {"role-other", PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"role-unknown", PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"role-bad", PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_USER_UNKNOWN},
	};

	(void)state;
	share("");
	host_settings(&host, "version: 1\npublic_key_logins: allow\n");
	for (size_t i = 0; i < N(rows); i++) {
		conv.asked = 0;
		assert_code(
		    rows[i].service, rows[i].ci, enter(rows[i].service, "ci", ci_text, "am"));
		assert_code(rows[i].service, rows[i].second,
		    enter(rows[i].service, "second", text_of(&tok_second), "a"));
		conv.asked = 0;
		assert_code(rows[i].service, rows[i].deploy,
		    enter(rows[i].service, "deploy", ci_text, "a"));
		assert_int_equal(conv.asked, rows[i].deploy != PAM_USER_UNKNOWN);
		assert_code(rows[i].service, PAM_USER_UNKNOWN,
		    enter(rows[i].service, "deploy", "pw", "am"));
		assert_code(rows[i].service, PAM_USER_UNKNOWN,
		    enter(rows[i].service, "bob", NULL, "m"));
	}
}

/* As sshd asks: authenticate and account in a child, of which the parent sees no more than its PAM environment. */
static int
enter_by_child(pam_handle_t *pamh, const char *answer, bool is_child_of_child)
{
	char pair[256] = "";
	int ends[2], status;
	pid_t pid;

	conv.answer = answer;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		int code = is_child_of_child ? 0 : pam_authenticate(pamh, 0);
		const char *value;

		if (is_child_of_child && (pid = fork()) == 0)
			code = pam_authenticate(pamh, 0);
		else if (is_child_of_child)
			_exit(waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 99);
		if (code == PAM_SUCCESS)
			code = pam_acct_mgmt(pamh, 0);
		if ((value = pam_getenv(pamh, "APIKEY_HANDLE")) != NULL)
			(void)dprintf(ends[1], "APIKEY_HANDLE=%s", value);
		_exit(code);
	}
	(void)close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(read(ends[0], pair, sizeof(pair) - 1) >= 0);
	(void)close(ends[0]);
	if (pair[0] != '\0')
		assert_int_equal(pam_putenv(pamh, pair), PAM_SUCCESS);
	return WEXITSTATUS(status);
}

static void
abuse_150_164_a_handle_carries_the_key_from_the_child_that_asked(void **state)
{
	static const struct {
		const char *user, *rhost;
		bool far;
		int asked, opened;
		const char *key;
	} rows[] = {
	    {"deploy", NULL, false, PAM_USER_UNKNOWN, PAM_SUCCESS, "ci"},
	    {"deploy", "198.51.100.7", false, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, NULL},
	    {"deploy", NULL, true, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, NULL},
	    {"ci", NULL, false, PAM_SUCCESS, PAM_SUCCESS, "ci"},
	};
	struct pam_conv with = {.conv = converse};

	for (size_t i = 0; i < N(rows); i++) {
		pam_handle_t *pamh = NULL;
		const char *name;

		(void)set_up(state);
		share("");
		assert_int_equal(pam_start("sshd", rows[i].user, &with, &pamh), PAM_SUCCESS);
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
		assert_code(
		    rows[i].user, rows[i].asked, enter_by_child(pamh, ci_text, rows[i].far));
		assert_int_equal(count_records("handles", false), 1);
		if (rows[i].rhost != NULL)
			assert_int_equal(
			    pam_set_item(pamh, PAM_RHOST, rows[i].rhost), PAM_SUCCESS);
		assert_code(rows[i].user, rows[i].opened, pam_setcred(pamh, PAM_ESTABLISH_CRED));
		assert_code(rows[i].user, rows[i].opened, pam_open_session(pamh, 0));
		assert_null(pam_getenv(pamh, "APIKEY_HANDLE"));
		name = pam_getenv(pamh, "APIKEY_NAME");
		assert_string_equal(
		    name == NULL ? "" : name, rows[i].key == NULL ? "" : rows[i].key);
		assert_int_equal(count_records("sessions", false), rows[i].key != NULL);
		assert_code("again", rows[i].opened, pam_setcred(pamh, PAM_REINITIALIZE_CRED));
		assert_code("", rows[i].opened, pam_close_session(pamh, 0));
		assert_int_equal(count_records("sessions", false), 0);
		(void)pam_end(pamh, 0);
	}
}

/* Nor is it taken for a person's: nobody would have a record of it. */
static void
a_session_whose_handle_cannot_be_read_is_refused(void **state)
{
	struct pam_conv with = {.conv = converse};
	pam_handle_t *pamh = NULL;
	char folder[PATH_CAP + 16];

	(void)state;
	share("");
	assert_int_equal(pam_start("sshd", "deploy", &with, &pamh), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
	assert_code("", PAM_USER_UNKNOWN, enter_by_child(pamh, ci_text, false));
	(void)snprintf(folder, sizeof(folder), "%s/handles", host.paths.run);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_code("", PAM_AUTHINFO_UNAVAIL, pam_open_session(pamh, 0));
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(count_records("sessions", false), 0);
	(void)pam_end(pamh, 0);
}

static void
so_is_one_whose_handle_is_damaged(void **state)
{
	struct pam_conv with = {.conv = converse};
	pam_handle_t *pamh = NULL;
	char path[PATH_CAP + 64];

	(void)state;
	share("");
	assert_int_equal(pam_start("sshd", "deploy", &with, &pamh), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
	assert_code("", PAM_USER_UNKNOWN, enter_by_child(pamh, ci_text, false));
	(void)snprintf(path, sizeof(path), "%s/handles/%s", host.paths.run,
	    pam_getenv(pamh, "APIKEY_HANDLE"));
	file_write(path, "damaged", 7, 0600);
	assert_code("", PAM_AUTHINFO_UNAVAIL, pam_open_session(pamh, 0));
	assert_int_equal(count_records("sessions", false), 0);
	(void)pam_end(pamh, 0);
}

static void
damage_users(void)
{
	char path[PATH_CAP + 64];

	(void)snprintf(path, sizeof(path), "%s/users.idx", host.paths.state);
	file_write(path, "damaged", 7, 0644);
}

/* Where whose it is can't be asked, what this login left says that it is a key's. */
static void
a_login_known_to_be_a_keys_is_no_strangers_when_the_keys_cannot_be_read(void **state)
{
	static const struct {
		const char *service, *user, *later;
		bool by_child;
		int code;
	} rows[] = {
	    {"cron", "deploy", "deploy", false, PAM_AUTHINFO_UNAVAIL},
	    {"cron", "ci", "ci", false, PAM_AUTHINFO_UNAVAIL},
	    {"cron", "deploy", "bob", false, PAM_USER_UNKNOWN},
	    {"sshd", "deploy", "deploy", true, PAM_AUTHINFO_UNAVAIL},
	    {"sshd", "deploy", "bob", true, PAM_USER_UNKNOWN},
	};
	struct pam_conv with = {.conv = converse};

	for (size_t i = 0; i < N(rows); i++) {
		pam_handle_t *pamh = NULL;

		(void)set_up(state);
		share("");
		assert_int_equal(pam_start(rows[i].by_child ? "sshd" : rows[i].service,
				     rows[i].user, &with, &pamh),
		    PAM_SUCCESS);
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
		conv.answer = ci_text;
		if (rows[i].by_child)
			(void)enter_by_child(pamh, ci_text, false);
		else
			(void)pam_authenticate(pamh, 0);
		assert_int_equal(pam_set_item(pamh, PAM_USER, rows[i].later), PAM_SUCCESS);
		damage_users();
		assert_code(rows[i].later, rows[i].code, pam_acct_mgmt(pamh, 0));
		(void)pam_end(pamh, 0);
	}
}

/* The session's record says it; and that bob's is none. */
static void
so_is_a_sudo_in_the_session_of_a_key(void **state)
{
	(void)state;
	share("");
	how.past_unknown = true;
	assert_code("", PAM_SUCCESS, enter("sshd", "deploy", ci_text, "amso"));
	damage_users();
	log_lines[0] = '\0';
	real_uid = UID_DEPLOY;
	assert_code("", PAM_AUTHINFO_UNAVAIL, enter("sudo", "deploy", NULL, "m"));
	assert_non_null(strstr(log_lines, "event=account decision=deny"));
	assert_code("", PAM_USER_UNKNOWN, enter("sudo", "deploy", NULL, "a"));
	real_uid = 1000;
	assert_code("", PAM_USER_UNKNOWN, enter("sudo", "bob", NULL, "m"));
	assert_int_equal(count_records("sessions", true), 1);
	real_uid = UID_DEPLOY;
	assert_code("", PAM_USER_UNKNOWN, enter("sudo", "deploy", NULL, "m"));
}

/* The handle is used up by the first. */
static void
a_second_session_is_of_the_secret_that_the_child_verified(void **state)
{
	static const char *const users[] = {"ci", "deploy"};
	struct pam_conv with = {.conv = converse};

	for (size_t i = 0; i < N(users); i++) {
		pam_handle_t *pamh = NULL;

		(void)set_up(state);
		share("");
		assert_int_equal(pam_start("sshd", users[i], &with, &pamh), PAM_SUCCESS);
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
		(void)enter_by_child(pamh, ci_text, false);
		assert_code(users[i], PAM_SUCCESS, pam_open_session(pamh, 0));
		assert_code(users[i], PAM_SUCCESS, pam_close_session(pamh, 0));
		amend(UID_CI, end_secret);
		assert_code(users[i], PAM_SESSION_ERR, pam_open_session(pamh, 0));
		assert_non_null(strstr(log_lines, "reason=secret-ended"));
		(void)pam_end(pamh, 0);
	}
}

/* A secret that is rotated away takes the login along that is on its way in with it. */
static void
a_secret_that_ended_after_the_child_asked_opens_no_session(void **state)
{
	static const struct {
		const char *user;
		bool ends;
		int opened;
	} rows[] = {
	    {"ci", false, PAM_SUCCESS},
	    {"ci", true, PAM_SESSION_ERR},
	    {"deploy", false, PAM_SUCCESS},
	    {"deploy", true, PAM_SESSION_ERR},
	};
	struct pam_conv with = {.conv = converse};

	for (size_t i = 0; i < N(rows); i++) {
		pam_handle_t *pamh = NULL;

		(void)set_up(state);
		share("");
		assert_int_equal(pam_start("sshd", rows[i].user, &with, &pamh), PAM_SUCCESS);
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
		(void)enter_by_child(pamh, ci_text, false);
		if (rows[i].ends)
			amend(UID_CI, end_secret);
		assert_code(rows[i].user, rows[i].opened, pam_open_session(pamh, 0));
		assert_true((strstr(log_lines, "reason=secret-ended") != NULL) == rows[i].ends);
		(void)pam_close_session(pamh, 0);
		(void)pam_end(pamh, 0);
	}
}

static void
two_sessions_of_one_process_are_closed_each_by_its_own(void **state)
{
	struct pam_conv with = {.conv = converse};
	pam_handle_t *one = NULL, *two = NULL;

	(void)state;
	assert_int_equal(pam_start("cron", "ci", &with, &one), PAM_SUCCESS);
	assert_int_equal(pam_start("cron", "second", &with, &two), PAM_SUCCESS);
	assert_code("", PAM_SUCCESS, pam_open_session(one, 0));
	assert_code("", PAM_SUCCESS, pam_open_session(two, 0));
	assert_int_equal(count_records("sessions", false), 2);
	assert_code("", PAM_SUCCESS, pam_close_session(one, 0));
	assert_code("twice", PAM_SUCCESS, pam_close_session(one, 0));
	assert_int_equal(count_records("sessions", false), 1);
	assert_code("", PAM_SUCCESS, pam_close_session(two, 0));
	assert_int_equal(count_records("sessions", false), 0);
	(void)pam_end(one, 0);
	(void)pam_end(two, 0);
}

#define NIGHT(condition) "grant:\n- {role: night, login: ci, " condition "}\n"

static bool
has_nightwatch(void)
{
	unsigned n = 0;

	for (int i = 0; i < n_groups; i++)
		n += groups[i] == 1500;
	assert_in_range(n, 0, 1);
	return n == 1;
}

/* As pam_env(8) reads ~/.pam_environment, behind us in open_session. */
static void
plant_address(pam_handle_t *pamh, char before)
{
	if (before == 's')
		assert_int_equal(
		    pam_putenv(pamh, "SSH_CONNECTION=192.0.2.7 1 192.0.2.8 22"), PAM_SUCCESS);
}

static void
setcred_adds_the_groups_of_roles_that_are_held_now(void **state)
{
	static const struct {
		const char *grant, *service, *user, *rhost, *phases;
		bool given;
	} rows[] = {
	    {NIGHT("from: [192.0.2.0/24]"), "sshd", "ci", "192.0.2.7", "s", true},
	    {NIGHT("from: [192.0.2.0/24]"), "sshd", "ci", "192.0.2.7", "ss", true},
	    {NIGHT("from: [192.0.2.0/24]"), "sshd", "ci", "198.51.100.1", "s", false},
	    {NIGHT("from: [192.0.2.0/24]"), "sshd", "ci", "UNKNOWN", "s", false},
	    {NIGHT("from: [0.0.0.0/0]"), "sshd", "ci", "127.0.0.1", "s", false},
	    {NIGHT("time: {dates: ['2000-01-01', '2001-01-01']}"), "sshd", "ci", NULL, "s",
		false},
	    {NIGHT("time: {dates: ['2000-01-01', '2201-01-01']}"), "sshd", "ci", NULL, "s",
		true},
	    {NIGHT("time: {dates: ['2000-01-01', '2201-01-01']}"), "sshd", "second", NULL, "s",
		false},
	    {NIGHT("time: {dates: ['2000-01-01', '2201-01-01']}"), "sudo", "ci", NULL, "ms",
		false},
	    {NIGHT("time: {dates: ['2000-01-01', '2201-01-01']}"), "sshd", "ci", NULL, "d",
		false},
	    {NIGHT("time: {dates: ['2000-01-01', '2201-01-01']}"), "sshd", "deploy", NULL,
		"ams", true},
	    {NIGHT("always: true"), "sshd", "ci", NULL, "s", false}, /* the name service's */
	    {NIGHT("always: true"), "sshd", "deploy", NULL, "ams", true},
	    {NIGHT("account: deploy"), "sshd", "deploy", NULL, "ams", true},
	    {NIGHT("service: su"), "sshd", "ci", NULL, "s", false},
	    {NIGHT("service: su"), "su", "ci", NULL, "s", true},
	};

	for (size_t i = 0; i < N(rows); i++) {
		char row[128];

		(void)snprintf(
		    row, sizeof(row), "%s %s %s", rows[i].service, rows[i].user, rows[i].grant);
		(void)set_up(state);
		share(rows[i].grant);
		real_uid = strcmp(rows[i].service, "sudo") == 0 ? UID_CI : 0;
		how.rhost = rows[i].rhost;
		how.past_unknown = true;
		assert_code(row, PAM_SUCCESS,
		    enter(rows[i].service, rows[i].user, ci_text, rows[i].phases));
		assert_row(row, has_nightwatch() == rows[i].given);
		assert_row(row, n_groups == (rows[i].given ? 3 : 2));
	}
	(void)set_up(state);
	share(NIGHT("from: [192.0.2.0/24]"));
	how.rhost = "host.example.com";
	how.between = plant_address;
	assert_code("the user's own words", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amos"));
	assert_false(has_nightwatch());
	how.rhost = "192.0.2.7";
	assert_code("the recorded one", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amos"));
	assert_true(has_nightwatch());
	(void)set_up(state);
	share(NIGHT("from: [192.0.2.0/24]"));
	groups_are_fixed = true;
	how.rhost = "192.0.2.7";
	assert_code("it can't be given", PAM_SUCCESS, enter("sshd", "ci", NULL, "s"));
	assert_non_null(strstr(log_lines, "could not be given"));
}

static void
without_a_place_for_records_keys_are_refused_and_nobody_else(void **state)
{
	(void)state;
	share("");
	assert_int_equal(chmod(host.paths.run, 0777), 0);
	assert_code("a key", PAM_AUTHINFO_UNAVAIL, enter("sshd", "ci", ci_text, "a"));
	assert_code("its session", PAM_SESSION_ERR, enter("cron", "ci", NULL, "mo"));
	assert_non_null(strstr(log_lines, "record could not be written"));
	assert_code(
	    "a shared account", PAM_AUTHINFO_UNAVAIL, enter("sshd", "deploy", ci_text, "a"));
	how.past_unknown = true;
	assert_code("its own", PAM_SUCCESS, enter("sshd", "deploy", "pw", "amsocd"));
	for (const char *phase = "amsocdp"; *phase != '\0'; phase++) {
		char one[2] = {*phase, '\0'};

		assert_code("bob", PAM_USER_UNKNOWN, enter("sshd", "bob", "pw", one));
		assert_code("deploy", PAM_USER_UNKNOWN, enter("sshd", "deploy", "pw", one));
	}
	real_uid = UID_DEPLOY;
	assert_code("sudo", PAM_USER_UNKNOWN, enter("sudo", "deploy", NULL, "m"));
}

/* libpam makes of a stack that only ignores a refusal. */
static void
a_line_may_ignore_who_is_not_ours_and_nobody_else(void **state)
{
	(void)state;
	assert_code("bob", PAM_PERM_DENIED, enter("ignoring", "bob", NULL, "m"));
	assert_code("ghost", PAM_PERM_DENIED, enter("ignoring", "ghost", NULL, "m"));
	assert_non_null(strstr(log_lines, "no key has this name and uid"));
	assert_code("ci", PAM_SUCCESS, enter("ignoring", "ci", ci_text, "amsocd"));
	assert_code("wrong", PAM_AUTH_ERR, enter("ignoring", "ci", "wrong", "a"));
	assert_code("no role", PAM_PERM_DENIED,
	    enter("ignoring", "roleless", text_of(&tok_other[3]), "a"));
	assert_code("a bad line", PAM_USER_UNKNOWN, enter("ignoring-bad", "bob", NULL, "m"));
}

static void
a_planted_handle_opens_nothing(void **state)
{
	static const char *const planted[] = {"APIKEY_HANDLE=", "APIKEY_HANDLE=../../etc/shadow",
	    "APIKEY_HANDLE=00000000000000000000000000000000", "APIKEY_HANDLE=%n%n"};
	struct pam_conv with = {.conv = converse};

	(void)state;
	share("");
	for (size_t i = 0; i < N(planted); i++) {
		pam_handle_t *pamh = NULL;

		assert_int_equal(pam_start("sshd", i % 2 == 0 ? "deploy" : "bob", &with, &pamh),
		    PAM_SUCCESS);
		assert_int_equal(pam_putenv(pamh, planted[i]), PAM_SUCCESS);
		assert_code(planted[i], PAM_USER_UNKNOWN, pam_acct_mgmt(pamh, 0));
		assert_code(planted[i], PAM_USER_UNKNOWN, pam_open_session(pamh, 0));
		assert_null(pam_getenv(pamh, "APIKEY_HANDLE"));
		(void)pam_end(pamh, 0);
	}
	assert_string_equal(log_lines, "");
}

/* ---- the caller's process ---- */

/* Open descriptors, environment, signals and locale, as text. */
static char *
print_process(void)
{
	char *text = NULL;
	size_t len_b;
	FILE *out = open_memstream(&text, &len_b);
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	struct sigaction act;
	sigset_t mask;

	while ((e = readdir(d)) != NULL) {
		char path[300], target[256] = "";
		uint64_t fd = 0;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		if (num_parse(e->d_name, 0, INT_MAX, &fd) == AK_OK && (int)fd != dirfd(d) &&
		    readlink(path, target, sizeof(target) - 1) > 0)
			(void)fprintf(out, "fd %s %s\n", e->d_name, target);
	}
	(void)closedir(d);
	for (char **v = environ; *v != NULL; v++)
		(void)fprintf(out, "env %s\n", *v);
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int s = 1; s < NSIG; s++)
		if (sigaction(s, NULL, &act) == 0)
			(void)fprintf(out, "signal %d %p %d %d\n", s,
			    (void *)(intptr_t)act.sa_handler, act.sa_flags,
			    sigismember(&mask, s));
	(void)fprintf(out, "locale %s\n", setlocale(LC_ALL, NULL));
	(void)fclose(out);
	return text;
}

static void
abuse_116_117_the_callers_process_is_as_it_was(void **state)
{
	char *before, *after;

	(void)state;
	(void)setlocale(LC_ALL, "tr_TR.UTF-8"); /* where there is one */
	assert_code("warm up", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	before = print_process();
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	assert_code("", PAM_AUTH_ERR, enter("sshd", "ci", "wrong", "a"));
	assert_code("", PAM_USER_UNKNOWN, enter("sshd", "bob", "wrong", "a"));
	remove_local();
	assert_code("", PAM_AUTHINFO_UNAVAIL, enter("sshd", "ci", ci_text, "a"));
	after = print_process();
	assert_string_equal(before, after);
	free(before);
	free(after);
	(void)setlocale(LC_ALL, "C");
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
allocated_b(void)
{
	return __sanitizer_get_current_allocated_bytes != NULL
		   ? __sanitizer_get_current_allocated_bytes()
		   : mallinfo2().uordblks;
}

#define ROUNDS (COUNTS_ALLOCATIONS ? 10000 : 1000)

static void
ten_thousand_logins_leave_no_descriptor_and_no_memory_behind(void **state)
{
	char *before = NULL, *after;
	size_t used_b = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i == ROUNDS / 10) {
			before = print_process();
			used_b = allocated_b();
		}
		(void)enter("sshd", "ci", ci_text, "amsocd");
		(void)enter("sshd", "ci", "wrong", "a");
		(void)enter("cron", "second", NULL, "m");
	}
	assert_in_range(allocated_b(), 0, used_b + 4096);
	after = print_process();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void
fail_from_here(pam_handle_t *pamh, char before)
{
	static unsigned n;

	(void)pamh;
	if (before == '0')
		n = 0;
	countdown = ++n;
}

static bool allow_failures; /* a key may be refused for them; nobody else */

static void
stop_failing(pam_handle_t *pamh)
{
	(void)pamh;
	countdown = 0;
}

/* One phase with the n-th allocation failing, for n = 1, 2, … until none does; at each the answer is one of these, or a refusal where that is allowed. */
static void
is_one_of(const char *user, const char *answer, const char *phases, int a, int b)
{
	unsigned past = 0;

	fail_from_here(NULL, '0');
	countdown = 0;
	while (past < 3) {
		int code;

		one_failed = false;
		how.between = fail_from_here;
		how.after = stop_failing;
		code = enter("cron", user, answer, phases);
		past += !one_failed;
		/* Before it is known whose account it is, every failure is nobody's. */
		if (code == a || code == b ||
		    (allow_failures && one_failed && code != PAM_SUCCESS && code != PAM_IGNORE))
			continue;
		print_error("%s %s: %s (%d)\n", user, phases, pam_strerror(NULL, code), code);
		fail();
	}
}

static void
abuse_128_without_memory_nobody_enters_who_should_not_and_bob_is_not_ours(void **state)
{
	(void)state;
	allow_failures = true;
	is_one_of("ci", text_of(&tok_second), "a", PAM_AUTH_ERR, PAM_PERM_DENIED);
	is_one_of("ci", ci_text, "a", PAM_SUCCESS, PAM_PERM_DENIED);
	is_one_of("roleless", NULL, "m", PAM_PERM_DENIED, PAM_PERM_DENIED);
	is_one_of("disabled", NULL, "o", PAM_SESSION_ERR, PAM_SESSION_ERR);
	is_one_of("ci", NULL, "m", PAM_SUCCESS, PAM_PERM_DENIED);
	is_one_of("ci", NULL, "o", PAM_SUCCESS, PAM_SESSION_ERR);
	is_one_of("ci", NULL, "s", PAM_SUCCESS, PAM_SUCCESS);
	is_one_of("ci", NULL, "c", PAM_SUCCESS, PAM_SUCCESS);
	allow_failures = false;
	for (const char *phase = "amsocdp"; *phase != '\0'; phase++) {
		char one[2] = {*phase, '\0'};

		is_one_of("bob", ci_text, one, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN);
		is_one_of("root", ci_text, one, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN);
	}
	share("");
	for (const char *phase = "amsocdp"; *phase != '\0'; phase++) {
		char one[2] = {*phase, '\0'};

		is_one_of("deploy", "its password", one, PAM_USER_UNKNOWN, PAM_USER_UNKNOWN);
	}
	allow_failures = true;
	is_one_of("deploy", ci_text, "a", PAM_SUCCESS, PAM_USER_UNKNOWN);
	is_one_of("deploy", text_of(&tok_other[4]), "a", PAM_PERM_DENIED, PAM_USER_UNKNOWN);
}

/* ---- keys of a directory, and what LDAP gives to local ones ---- */

#define UID_ROBOT DIRECTORY_UID
#define AGES_AGO INT64_C(90000) /* more than keys_max_age */
#define LONG_AGO INT64_C(1000) /* more than max_age */

static const char DIRECTORY_SETTINGS[] = "version: 1\n"
					 "directory:\n"
					 "  uris: [ldaps://ldap.example.com]\n"
					 "  may_grant: [all, watch]\n";
static const char DIRECTORY_POLICY[] =
    "version: 1\n"
    "roles:\n"
    "  all: {services: ['*']}\n"
    "  watch: {services: [sshd], unix_groups: [nightwatch]}\n"
    "  sshonly: {services: [sshd]}\n"
    "groups: {team: [{role: all}], guards: [{role: watch}], extra: [{role: sshonly}]}\n"
    "deny: [{id: crew, reason: no crew, group: crew, login: 'sshonly'}]\n";

static struct token tok_robot;

static void
write_members(const char *group, size_t len_b)
{
	const struct strv v = {.bytes = group, .len_b = len_b};
	const struct directory_member rows[] = {{.name = "robot"}, {.name = "ci"},
	    {.name = "roleless", .groups = v}, {.name = "sshonly", .groups = v}};

	(void)directory_write_members(&host.paths, rows, N(rows), STAMP);
}

#define MEMBERS(group) write_members((group), sizeof(group))

static void
write_robot(const char *binding, int64_t built_at)
{
	struct key_record k = key_with_token("robot", UID_ROBOT, &tok_robot);

	k.home = k.shell = "";
	key_bind(&k, binding);
	(void)directory_write_keys(&host.paths, &k, 1, built_at);
}

/* A directory that was heard so long ago; roleless and sshonly are in a group there. */
static void
set_up_directory(const char *group, size_t len_b, int64_t ago_s)
{
	host_settings(&host, DIRECTORY_SETTINGS);
	host_policy(&host, DIRECTORY_POLICY);
	write_robot("all", STAMP);
	write_members(group, len_b);
	directory_write_contact(&host.paths, (int64_t)time(NULL) - ago_s);
	change(NULL);
}

#define SET_UP(group, ago_s) set_up_directory((group), sizeof(group), (ago_s))

static void
a_key_of_the_directory_enters_with_its_token_by_all_phases(void **state)
{
	(void)state;
	SET_UP("team", 0);
	assert_code("sshd", PAM_SUCCESS, enter("sshd", "robot", text_of(&tok_robot), "amsocd"));
	assert_null(strstr(log_lines, "directory=\""));
	assert_null(strstr(log_lines, "directory=stale"));
	assert_true(
	    has_logged("key=robot id=K187904819 uid=1879048192 source=directory user=robot"));
	assert_code("a local one", PAM_SUCCESS, enter("sshd", "ci", ci_text, "am"));
	assert_null(strstr(log_lines, "source="));
	assert_code("another's", PAM_AUTH_ERR, enter("sshd", "robot", ci_text, "a"));
	assert_code("for another", PAM_AUTH_ERR, enter("sshd", "ci", text_of(&tok_robot), "a"));
	real_uid = UID_ROBOT;
	assert_code("its sudo", PAM_SUCCESS, enter("sudo", "root", NULL, "m"));
	real_uid = UID_ROBOT + 1;
	assert_code("nobody's", PAM_PERM_DENIED, enter("sudo", "root", NULL, "m"));
}

static void
a_key_of_the_directory_enters_a_shared_account_by_its_roles(void **state)
{
	(void)state;
	SET_UP("team", 0);
	host_policy(
	    &host, "version: 1\nroles:\n  all: {services: [sshd], accounts: [deploy]}\n");
	change(NULL);
	how.past_unknown = true;
	assert_code("in", PAM_SUCCESS, enter("sshd", "deploy", text_of(&tok_robot), "amso"));
	assert_true(has_logged("source=directory"));
	directory_damage(host.paths.directory_keys);
	assert_code(
	    "damaged", PAM_AUTHINFO_UNAVAIL, enter("sshd", "deploy", text_of(&tok_robot), "a"));
}

static void
a_directory_gives_roles_while_it_is_heard_and_keys_a_while_longer(void **state)
{
	static const struct {
		const char *what;
		int64_t ago_s;
		int by_group, robot;
		const char *logged;
	} rows[] = {
	    {"now", 0, PAM_SUCCESS, PAM_SUCCESS, "reason=permitted why="},
	    {"a while ago", 800, PAM_SUCCESS, PAM_SUCCESS, "reason=permitted why="},
	    {"long ago", LONG_AGO, PAM_PERM_DENIED, PAM_SUCCESS, "directory=stale why="},
	    {"ages ago", AGES_AGO, PAM_PERM_DENIED, PAM_PERM_DENIED,
		"reason=directory directory=stale why="},
	    {"in the future", -1000, PAM_PERM_DENIED, PAM_PERM_DENIED,
		"reason=directory directory=stale why="},
	};

	for (size_t i = 0; i < N(rows); i++) {
		(void)set_up(state);
		SET_UP("team", rows[i].ago_s);
		for (const char *phase = "am"; *phase != '\0'; phase++) {
			const char one[] = {*phase, '\0'};

			assert_code(rows[i].what, rows[i].by_group,
			    enter("cron", "roleless", text_of(&tok_other[3]), one));
			log_lines[0] = '\0';
			assert_code(rows[i].what, rows[i].robot,
			    enter("cron", "robot", text_of(&tok_robot), one));
			assert_true(has_logged(rows[i].logged));
			assert_code(
			    rows[i].what, PAM_SUCCESS, enter("cron", "ci", ci_text, one));
		}
	}
}

static void
remove_freshness(void)
{
	assert_int_equal(unlink(host.paths.freshness), 0);
}

static void
open_freshness(void)
{
	assert_int_equal(chmod(host.paths.freshness, 0666), 0);
}

static void
remove_keys(void)
{
	assert_int_equal(unlink(host.paths.directory_keys), 0);
}

static void
damage_keys(void)
{
	directory_damage(host.paths.directory_keys);
}

static void
open_keys(void)
{
	assert_int_equal(chmod(host.paths.directory_keys, 0620), 0);
}

static void
remove_groups(void)
{
	assert_int_equal(unlink(host.paths.directory_groups), 0);
}

static void
damage_groups(void)
{
	directory_damage(host.paths.directory_groups);
}

static void
abuse_064_a_broken_file_of_the_directory_stops_what_rests_on_it_alone(void **state)
{
	static const struct {
		const char *name;
		void (*break_it)(void);
		int robot, by_group;
	} rows[] = {
	    {"keys missing", remove_keys, PAM_AUTHINFO_UNAVAIL, PAM_SUCCESS},
	    {"keys damaged", damage_keys, PAM_AUTHINFO_UNAVAIL, PAM_SUCCESS},
	    {"keys writable", open_keys, PAM_AUTHINFO_UNAVAIL, PAM_SUCCESS},
	    {"groups missing", remove_groups, PAM_SUCCESS, PAM_PERM_DENIED},
	    {"groups damaged", damage_groups, PAM_SUCCESS, PAM_PERM_DENIED},
	    {"freshness missing", remove_freshness, PAM_PERM_DENIED, PAM_PERM_DENIED},
	    {"freshness writable", open_freshness, PAM_PERM_DENIED, PAM_PERM_DENIED},
	};

	for (size_t i = 0; i < N(rows); i++) {
		(void)set_up(state);
		SET_UP("team", 0);
		rows[i].break_it();
		assert_code(rows[i].name, rows[i].robot,
		    enter("sshd", "robot", text_of(&tok_robot), "a"));
		assert_code(rows[i].name, rows[i].robot, enter("cron", "robot", NULL, "m"));
		assert_code(rows[i].name, rows[i].by_group,
		    enter("sshd", "roleless", text_of(&tok_other[3]), "a"));
		assert_code(
		    rows[i].name, rows[i].by_group, enter("cron", "roleless", NULL, "m"));
		assert_code(rows[i].name, PAM_SUCCESS, enter("sshd", "ci", ci_text, "amso"));
		assert_code(rows[i].name, PAM_USER_UNKNOWN, enter("sshd", "bob", ci_text, "a"));
		assert_code(rows[i].name, PAM_USER_UNKNOWN, enter("sshd", "root", ci_text, "m"));
		real_uid = UID_ROBOT;
		assert_code(rows[i].name, rows[i].robot, enter("sudo", "root", NULL, "m"));
		assert_code(rows[i].name, PAM_SUCCESS, enter("sshd", "robot", NULL, "scd"));
	}
}

static void
a_deny_rule_fires_for_who_was_last_known_to_be_concerned_and_for_who_is_unknown(void **state)
{
	(void)state;
	SET_UP("crew", 0);
	assert_code(
	    "known", PAM_PERM_DENIED, enter("sshd", "sshonly", text_of(&tok_other[4]), "a"));
	assert_true(has_logged("reason=deny-rule"));
	directory_write_contact(&host.paths, (int64_t)time(NULL) - LONG_AGO);
	assert_code("as last known", PAM_PERM_DENIED,
	    enter("sshd", "sshonly", text_of(&tok_other[4]), "a"));
	assert_true(has_logged("reason=deny-rule directory=stale"));
	MEMBERS("other");
	assert_code("as last known", PAM_SUCCESS,
	    enter("sshd", "sshonly", text_of(&tok_other[4]), "a"));
	damage_groups();
	assert_code(
	    "unknown", PAM_PERM_DENIED, enter("sshd", "sshonly", text_of(&tok_other[4]), "a"));
	assert_true(has_logged("reason=deny-rule directory=unknown"));
}

static void
abuse_156_the_directory_gives_no_role_that_the_host_does_not_let_it(void **state)
{
	(void)state;
	SET_UP("extra", 0); /* gives sshonly, which may_grant doesn't name */
	assert_code("by a group", PAM_PERM_DENIED,
	    enter("sshd", "roleless", text_of(&tok_other[3]), "a"));
	assert_code("a local key's own", PAM_SUCCESS,
	    enter("sshd", "sshonly", text_of(&tok_other[4]), "a"));
	write_robot("sshonly", STAMP);
	assert_code(
	    "its own", PAM_PERM_DENIED, enter("sshd", "robot", text_of(&tok_robot), "a"));
}

static void
abuse_155_a_key_of_the_directory_named_like_a_local_one_is_nobodys(void **state)
{
	struct key_record k;

	(void)state;
	SET_UP("team", 0);
	k = key_with_token("ci", UID_ROBOT, &tok_robot);
	key_bind(&k, "all");
	(void)directory_write_keys(&host.paths, &k, 1, STAMP);
	assert_code("its token", PAM_AUTH_ERR, enter("sshd", "ci", text_of(&tok_robot), "a"));
	assert_code("the local one's", PAM_SUCCESS, enter("sshd", "ci", ci_text, "a"));
	assert_code("its uid", PAM_PERM_DENIED, enter("cron", "robot", NULL, "m"));
}

static void
without_a_directory_in_the_settings_its_files_are_not_asked(void **state)
{
	(void)state;
	SET_UP("team", 0);
	host_settings(&host, NULL);
	change(NULL);
	assert_code("by a group", PAM_PERM_DENIED,
	    enter("sshd", "roleless", text_of(&tok_other[3]), "a"));
	assert_null(strstr(log_lines, "directory"));
	directory_wipe(&host.paths);
	assert_code("a deny rule that asks for a group", PAM_SUCCESS,
	    enter("sshd", "sshonly", text_of(&tok_other[4]), "a"));
	assert_null(strstr(log_lines, "directory"));
	assert_code(
	    "its key", PAM_USER_UNKNOWN, enter("sshd", "robot", text_of(&tok_robot), "a"));
}

static void
abuse_101_a_clock_that_is_not_to_be_believed_makes_the_directory_stale(void **state)
{
	struct store *s;

	(void)state;
	SET_UP("team", 0);
	/* The snapshot's own stamp is nobody's: users.idx has one. */
	write_robot("all", (int64_t)time(NULL) + 3600);
	assert_code("its key", PAM_SUCCESS, enter("sshd", "robot", text_of(&tok_robot), "a"));
	s = host_open(&host);
	assert_err("", AK_OK, host_publish_open(&host, s, time(NULL) + 3600));
	store_close(&s);
	assert_code("by a group", PAM_PERM_DENIED,
	    enter("sshd", "roleless", text_of(&tok_other[3]), "a"));
	assert_true(has_logged("directory=stale"));
	assert_code(
	    "its key", PAM_PERM_DENIED, enter("sshd", "robot", text_of(&tok_robot), "a"));
	assert_true(has_logged("reason=directory"));
	assert_code("a key that never ends", PAM_SUCCESS, enter("sshd", "ci", ci_text, "a"));
}

static void
setcred_adds_no_group_that_the_name_service_serves_or_leaves_out_by_the_directory(void **state)
{
	static const int64_t rows[] = {0, LONG_AGO};

	for (size_t i = 0; i < N(rows); i++) {
		(void)set_up(state);
		SET_UP("guards", rows[i]);
		assert_code("", rows[i] == 0 ? PAM_SUCCESS : PAM_PERM_DENIED,
		    enter("sshd", "roleless", text_of(&tok_other[3]), "as"));
		assert_code("", PAM_SUCCESS, enter("sshd", "roleless", NULL, "s"));
		assert_false(has_nightwatch());
	}
}

/* libpam has no room in these phases: for data, in the environment. */
static const char *no_data, *no_env;

static void
fill_up(pam_handle_t *pamh, char before)
{
	(void)pamh;
	no_room_in_pam = strchr(no_data, before) != NULL;
	no_room_in_env = strchr(no_env, before) != NULL;
}

static void
without_room_for_word_of_the_key_nobody_enters(void **state)
{
	static const struct {
		const char *user, *phases, *no_data, *no_env;
		int code;
	} rows[] = {
	    {"ci", "a", "a", "", PAM_SYSTEM_ERR},
	    {"ci", "a", "", "a", PAM_SYSTEM_ERR},
	    {"ci", "am", "m", "", PAM_SYSTEM_ERR},
	    {"ci", "amo", "o", "", PAM_SESSION_ERR},
	    {"ci", "amo", "", "o", PAM_SESSION_ERR},
	    {"deploy", "a", "a", "", PAM_SYSTEM_ERR},
	    {"deploy", "a", "", "a", PAM_SYSTEM_ERR},
	    {"deploy", "am", "m", "", PAM_SYSTEM_ERR},
	};
	const char *denial;

	(void)state;
	share("");
	for (size_t i = 0; i < N(rows); i++) {
		no_data = rows[i].no_data;
		no_env = rows[i].no_env;
		how.between = fill_up;
		log_lines[0] = '\0';
		empty_folder("handles");
		assert_code(rows[i].phases, rows[i].code,
		    enter("sshd", rows[i].user, ci_text, rows[i].phases));
		no_room_in_pam = no_room_in_env = false;
		/* What is refused for our own want is not said to be permitted. */
		denial = strstr(log_lines, "decision=deny");
		assert_non_null(denial);
		assert_null(strstr(denial, "reason=permitted"));
		if (strcmp(rows[i].phases, "a") == 0)
			assert_int_equal(count_records("handles", false), 0);
	}
}

static void
an_address_that_no_handle_holds_opens_no_shared_account(void **state)
{
	static char wide[257];

	(void)state;
	share("");
	memset(wide, 'a', sizeof(wide) - 1);
	how.rhost = wide;
	assert_code("", PAM_SYSTEM_ERR, enter("sshd", "deploy", ci_text, "a"));
}

/* The uid is another key's by now. */
static void
a_handle_of_a_key_that_is_no_more_opens_nothing(void **state)
{
	struct handle h = {.uid = UID_CI, .key = "gone", .secret = 1, .account = "deploy"};
	char pair[sizeof("APIKEY_HANDLE=") + HANDLE_CAP] = "APIKEY_HANDLE=";
	struct pam_conv with = {.conv = converse};
	pam_handle_t *pamh = NULL;

	(void)state;
	share("");
	assert_err("", AK_OK,
	    handles_issue(&host.paths, &h, handles_now(), pair + sizeof("APIKEY_HANDLE=") - 1));
	assert_int_equal(pam_start("sshd", "deploy", &with, &pamh), PAM_SUCCESS);
	assert_int_equal(pam_putenv(pamh, pair), PAM_SUCCESS);
	assert_code("", PAM_PERM_DENIED, pam_acct_mgmt(pamh, 0));
	assert_non_null(strstr(log_lines, "the key behind this login is no more"));
	(void)pam_end(pamh, 0);
}

#define T(test) cmocka_unit_test_setup(test, set_up)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T(a_key_enters_with_its_token_by_all_phases),
	    T(abuse_162_nobody_elses_account_is_ours_in_any_phase),
	    T(a_uid_of_the_range_without_its_key_is_refused_and_let_go),
	    T(abuse_021_to_031_strange_user_names_are_nobody),
	    T(abuse_032_one_keys_token_does_not_carry_over_to_another_user),
	    T(abuse_001_to_019_wrong_tokens_are_refused_and_nothing_of_them_is_logged),
	    T(abuse_006_007_020_keys_that_may_not_are_refused_in_every_phase),
	    T(a_keys_networks_are_asked_of_the_address_alone),
	    T(abuse_002_033_to_037_whatever_the_conversation_does_it_is_a_denial),
	    T(a_conversation_that_will_answer_later_is_asked_again),
	    T(abuse_033_without_a_conversation_nobody_enters),
	    T(abuse_036_with_pam_silent_nobody_is_told_why),
	    T(abuse_038_no_phase_but_authenticate_asks_for_anything),
	    T(abuse_163_the_token_is_left_for_no_other_module),
	    T(abuse_039_a_bad_option_is_an_error_for_keys_alone),
	    T(a_prompt_a_file_and_a_word_in_the_log_can_be_had),
	    T(a_line_may_name_other_settings),
	    T(what_another_module_asked_for_is_taken_as_the_option_says),
	    T(abuse_041_to_069_158_broken_files_stop_keys_and_nobody_else),
	    T(abuse_101_a_clock_behind_the_files_stops_keys_that_expire_and_no_others),
	    T(abuse_144_without_a_token_only_some_services_pass),
	    T(under_sudo_the_subject_is_who_calls_it),
	    T(roots_own_su_needs_no_role_and_nobody_elses),
	    T(abuse_141_a_key_revoked_after_the_account_phase_gets_no_session),
	    T(abuse_146_a_secret_that_ended_after_the_account_phase_opens_no_session),
	    T(a_deleted_keys_session_is_closed_and_its_credentials_are_let_go),
	    T(a_session_is_told_who_it_is_but_not_under_sudo),
	    T(a_keys_password_is_not_changed_here),
	    T(a_key_enters_an_account_that_its_role_opens),
	    T(the_accounts_own_password_goes_on_as_it_was_typed),
	    T(abuse_163_what_looks_like_a_token_is_final_and_goes_nowhere),
	    T(a_handover_is_of_the_last_authenticate_that_went_well_and_of_its_user),
	    T(a_failed_authenticate_leaves_nothing),
	    T(an_account_of_only_keys_is_nobodys_without_one),
	    T(whoever_begins_su_without_descriptors_enters_no_account_of_only_keys),
	    T(sudo_on_a_shared_account_asks_the_key_of_its_session),
	    T(a_line_may_ask_for_a_role),
	    T(abuse_150_164_a_handle_carries_the_key_from_the_child_that_asked),
	    T(a_session_whose_handle_cannot_be_read_is_refused),
	    T(so_is_one_whose_handle_is_damaged),
	    T(a_login_known_to_be_a_keys_is_no_strangers_when_the_keys_cannot_be_read),
	    T(so_is_a_sudo_in_the_session_of_a_key),
	    T(a_second_session_is_of_the_secret_that_the_child_verified),
	    T(a_secret_that_ended_after_the_child_asked_opens_no_session),
	    T(two_sessions_of_one_process_are_closed_each_by_its_own),
	    T(setcred_adds_the_groups_of_roles_that_are_held_now),
	    T(without_a_place_for_records_keys_are_refused_and_nobody_else),
	    T(a_line_may_ignore_who_is_not_ours_and_nobody_else),
	    T(a_planted_handle_opens_nothing),
	    T(a_handle_of_a_key_that_is_no_more_opens_nothing),
	    T(an_address_that_no_handle_holds_opens_no_shared_account),
	    T(without_room_for_word_of_the_key_nobody_enters),
	    T(a_user_that_nobody_named_is_asked_for_in_authenticate_alone),
	    T(a_lockdown_that_cannot_be_told_counts_as_one),
	    T(a_key_of_the_directory_enters_with_its_token_by_all_phases),
	    T(a_key_of_the_directory_enters_a_shared_account_by_its_roles),
	    T(a_directory_gives_roles_while_it_is_heard_and_keys_a_while_longer),
	    T(abuse_064_a_broken_file_of_the_directory_stops_what_rests_on_it_alone),
	    T(a_deny_rule_fires_for_who_was_last_known_to_be_concerned_and_for_who_is_unknown),
	    T(abuse_156_the_directory_gives_no_role_that_the_host_does_not_let_it),
	    T(abuse_155_a_key_of_the_directory_named_like_a_local_one_is_nobodys),
	    T(without_a_directory_in_the_settings_its_files_are_not_asked),
	    T(abuse_101_a_clock_that_is_not_to_be_believed_makes_the_directory_stale),
	    T(setcred_adds_no_group_that_the_name_service_serves_or_leaves_out_by_the_directory),
	    T(abuse_116_117_the_callers_process_is_as_it_was),
	};
	const struct CMUnitTest slow[] = {
	    T(abuse_064_no_flipped_byte_lets_a_wrong_token_in_or_stops_bob),
	    T(ten_thousand_logins_leave_no_descriptor_and_no_memory_behind),
	    /* This one is for a build whose allocations can be made to fail. */
	    T(abuse_128_without_memory_nobody_enters_who_should_not_and_bob_is_not_ours),
	};
	const bool quick = argc == 3 && strcmp(argv[2], "quick") == 0;
	const struct {
		const struct CMUnitTest *v;
		size_t n;
	} files[] = {{written_tests, n_written_tests},
	    {stress_tests, quick ? 0 : n_stress_tests},
	    {memory_tests, quick ? 0 : n_memory_tests}, {between_tests, n_between_tests},
	    {again_tests, n_again_tests}, {scarce_tests, quick ? 0 : n_scarce_tests},
	    {tests, N(tests)}, {slow, quick ? 0 : N(slow) - (COUNTS_ALLOCATIONS ? 0 : 1)}};
	static struct CMUnitTest all[N(tests) + 64];
	size_t n = 0;

	if ((argc != 2 && !quick) || !is_own_namespace()) {
		(void)fprintf(stderr, "%s: only tests/integration/pam.sh runs this\n", argv[0]);
		return 2;
	}
	mount_host(argv[1]);
	/* The module ends sshd's process when a session is refused; this one lives on. */
	(void)signal(SIGHUP, SIG_IGN);
	for (size_t i = 0; i < N(files); n += files[i++].n) {
		assert_true(n + files[i].n <= N(all));
		memcpy(all + n, files[i].v, files[i].n * sizeof(*all));
	}
	return _cmocka_run_group_tests("tests", all, n, NULL, NULL);
}
