/* What lasts longer than a call: a prompt that waits, a session on its handle, and a second login on the same one. */
#include <stdio.h>
#include <string.h>

#include "pam_host.h"
#include "sessions.h"
#include "testlib_cmocka.h"

/* ---- while the prompt waits ---- */

static void
disable(struct key_record *k)
{
	k->state = KEY_DISABLED;
}

static void
disable_ci(void)
{
	amend(UID_CI, disable);
}

static void
what_is_revoked_while_the_prompt_waits_is_not_let_in(void **state)
{
	static const struct {
		const char *row, *user;
		void (*happens)(void);
		int code;
		const char *logged;
	} rows[] = {
	    {"deleted", "ci", delete_ci, PAM_AUTH_ERR, "key=ci "},
	    {"deleted, and why", "ci", delete_ci, PAM_AUTH_ERR, "the key is no more"},
	    {"renamed", "ci", rename_ci, PAM_AUTH_ERR, "the key is no more"},
	    {"disabled", "ci", disable_ci, PAM_AUTH_ERR, "reason=disabled"},
	    {"without a role", "ci", give_nothing, PAM_PERM_DENIED, "reason="},
	    {"users.idx is lost", "ci", lose_users, PAM_AUTHINFO_UNAVAIL, "decision=deny"},
	    {"deleted, shared", "deploy", delete_ci, PAM_AUTH_ERR, "wrong token"},
	    {"disabled, shared", "deploy", disable_ci, PAM_AUTH_ERR, "reason=disabled"},
	    {"without a role, shared", "deploy", give_nothing, PAM_PERM_DENIED, "reason="},
	    {"broken policy, shared", "deploy", spoil_policy, PAM_PERM_DENIED, "reason="},
	    {"no policy, shared", "deploy", take_policy_away, PAM_PERM_DENIED, "reason="},
	    {"users.idx is lost, shared", "deploy", lose_users, PAM_AUTHINFO_UNAVAIL,
		"decision=deny"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(set_up(state), 0);
		share_deploy();
		store_image();
		once_asked = rows[i].happens;
		assert_code(
		    rows[i].row, rows[i].code, enter("sshd", rows[i].user, ci_text, "a"));
		assert_row(rows[i].row, once_asked == NULL);
		assert_row(rows[i].row, has_logged(rows[i].logged));
		assert_int_equal(count_records("handles", false), 0);
	}
}

static void
describe_anew(struct key_record *k)
{
	k->description = "another";
}

static void
describe_ci(void)
{
	amend(UID_CI, describe_anew);
}

static void
a_change_that_takes_nothing_away_stops_nobody_at_the_prompt(void **state)
{
	static const char *const users[] = {"ci", "deploy"};

	for (size_t i = 0; i < N(users); i++) {
		assert_int_equal(set_up(state), 0);
		share_deploy();
		once_asked = describe_ci;
		assert_code(users[i], PAM_SUCCESS, enter("login", users[i], ci_text, "a"));
	}
}

/* ---- a second login on one handle ---- */

static struct {
	const char *user, *rhost, *answer; /* of the second */
	char begins; /* with this phase */
	unsigned after; /* so many of them */
	unsigned seen;
} second_login;

static void
begin_second(pam_handle_t *pamh, char before)
{
	if (before != second_login.begins || second_login.seen++ != second_login.after)
		return;
	conv.answer = second_login.answer;
	assert_int_equal(pam_set_item(pamh, PAM_USER, second_login.user), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_RHOST, second_login.rhost), PAM_SUCCESS);
}

static enum ak_err
take_address(void *ctx, const struct session *s)
{
	if (s->state == SESSION_OPEN)
		(void)snprintf(ctx, sizeof(s->address), "%s", s->address);
	return AK_OK;
}

static void
a_second_login_on_a_handle_is_decided_by_its_own_address(void **state)
{
	static const struct {
		const char *row, *first, *phases;
		char begins;
		unsigned after;
		const char *rhost;
		int code;
		const char *recorded;
	} rows[] = {
	    {"of the same key", "bound", "amsocdam", 'a', 1, "203.0.113.9", PAM_PERM_DENIED, ""},
	    {"behind another's", "ci", "amsocdam", 'a', 1, "203.0.113.9", PAM_PERM_DENIED, ""},
	    {"not let go", "bound", "amsocam", 'a', 1, "203.0.113.9", PAM_PERM_DENIED, ""},
	    {"not closed", "bound", "amsoam", 'a', 1, "203.0.113.9", PAM_PERM_DENIED,
		"192.0.2.7"},
	    {"this host's own", "bound", "amsocdam", 'a', 1, "127.0.0.1", PAM_PERM_DENIED, ""},
	    {"without a token", "bound", "amsocdm", 'm', 1, "203.0.113.9", PAM_PERM_DENIED, ""},
	    {"a session alone", "bound", "amsoco", 'o', 1, "203.0.113.9", PAM_SESSION_ERR, ""},
	    {"a session alone, the first not closed", "bound", "amsoo", 'o', 1, "203.0.113.9",
		PAM_SESSION_ERR, "192.0.2.7"},
	    {"from its network", "bound", "amsocdamso", 'a', 1, "192.0.2.9", PAM_SUCCESS,
		"192.0.2.9"},
	    {"not closed, from its network", "ci", "amsoamsoc", 'a', 1, "192.0.2.9",
		PAM_SUCCESS, "192.0.2.7"},
	};
	struct session s;

	for (size_t i = 0; i < N(rows); i++) {
		char address[sizeof(s.address)] = "";
		bool is_first = strcmp(rows[i].first, "bound") == 0;

		assert_int_equal(set_up(state), 0);
		second_login.user = "bound";
		second_login.rhost = rows[i].rhost;
		second_login.answer = text_of(&tok_other[5]);
		second_login.begins = rows[i].begins;
		second_login.after = rows[i].after;
		second_login.seen = 0;
		how.rhost = "192.0.2.7";
		how.between = begin_second;
		assert_code(rows[i].row, rows[i].code,
		    enter("login", rows[i].first, is_first ? text_of(&tok_other[5]) : ci_text,
			rows[i].phases));
		assert_err("", AK_OK, sessions_each(&host.paths, take_address, address));
		if (strcmp(address, rows[i].recorded) != 0)
			print_error("%s: %s\n", rows[i].row, address);
		assert_row(rows[i].row, strcmp(address, rows[i].recorded) == 0);
	}
}

/* The groups of a role that is held from the first one's network alone. */
static void
setcred_of_a_second_login_goes_by_its_own_address(void **state)
{
	static const struct {
		const char *phases, *rhost;
		int n_groups;
	} rows[] = {
	    {"amos", "198.51.100.1", 3}, /* the session's, whatever is said since */
	    {"amocams", "198.51.100.1", 2},
	    {"amoams", "198.51.100.1", 2},
	    {"amocs", "198.51.100.1", 2},
	    {"amocams", "192.0.2.8", 3},
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(set_up(state), 0);
		host_policy(&host, "version: 1\nroles:\n"
				   "  all: {services: ['*']}\n"
				   "  night: {services: [nothing], unix_groups: [nightwatch]}\n"
				   "grant:\n"
				   "- {role: night, login: ci, from: [192.0.2.0/24]}\n");
		second_login.user = "ci";
		second_login.rhost = rows[i].rhost;
		second_login.answer = ci_text;
		second_login.begins = 's';
		second_login.after = 0;
		second_login.seen = 0;
		how.rhost = "192.0.2.7";
		how.between = begin_second;
		assert_code(
		    rows[i].phases, PAM_SUCCESS, enter("login", "ci", ci_text, rows[i].phases));
		assert_row(rows[i].phases, n_groups == rows[i].n_groups);
	}
}

/* ---- what a session keeps ---- */

static void
a_session_keeps_no_policy_whatever_comes_behind_it(void **state)
{
	static const struct {
		const char *user, *phases;
		bool keeps;
	} rows[] = {
	    {"ci", "am", true},
	    {"ci", "ams", true},
	    {"ci", "amso", false},
	    {"ci", "amsos", false},
	    {"ci", "amsosm", false},
	    {"ci", "amsosc", false},
	    {"ci", "amsosds", false},
	    {"deploy", "ams", true},
	    {"deploy", "amsos", false},
	    {"bob", "am", true},
	    {"bob", "amsos", false},
	    {"bob", "amsoscd", false},
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(set_up(state), 0);
		share_deploy();
		store_image();
		how.past_unknown = true;
		assert_code(rows[i].phases, PAM_SUCCESS,
		    enter("login", rows[i].user,
			strcmp(rows[i].user, "bob") == 0 ? "pw" : ci_text, rows[i].phases));
		if (keeps_policy != rows[i].keeps)
			print_error("%s %s\n", rows[i].user, rows[i].phases);
		assert_row(rows[i].phases, keeps_policy == rows[i].keeps);
	}
}

#define T(test) cmocka_unit_test_setup(test, set_up)

const struct CMUnitTest again_tests[] = {
    T(what_is_revoked_while_the_prompt_waits_is_not_let_in),
    T(a_change_that_takes_nothing_away_stops_nobody_at_the_prompt),
    T(a_second_login_on_a_handle_is_decided_by_its_own_address),
    T(setcred_of_a_second_login_goes_by_its_own_address),
    T(a_session_keeps_no_policy_whatever_comes_behind_it),
};
const size_t n_again_tests = N(again_tests);
