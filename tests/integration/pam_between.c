/* What comes between two phases, or before the first: another key in the place of the one that was verified, and words of sshd's that decide. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "live.h"
#include "live_trust.h"
#include "handles.h"
#include "pam_host.h"
#include "sessions.h"
#include "testlib_cmocka.h"

/* ---- the address, where sshd says it in the environment alone ---- */

static const char *connection;

static void
say_connection(pam_handle_t *pamh, char before)
{
	char pair[256];

	(void)before;
	(void)snprintf(pair, sizeof(pair), "SSH_CONNECTION=%s", connection);
	assert_int_equal(pam_putenv(pamh, pair), PAM_SUCCESS);
}

static void
a_keys_networks_are_asked_of_what_sshd_says_of_its_connection(void **state)
{
	static const struct {
		const char *rhost, *connection;
		int code;
	} rows[] = {
	    {NULL, "192.0.2.7 50000 198.51.100.9 22", PAM_SUCCESS},
	    {NULL, "192.0.2.7", PAM_SUCCESS},
	    {NULL, "198.51.100.1 50000 192.0.2.7 22", PAM_PERM_DENIED},
	    {NULL, " 192.0.2.7 50000", PAM_PERM_DENIED},
	    {NULL, "192.0.2.7,50000", PAM_PERM_DENIED},
	    {NULL, "", PAM_PERM_DENIED},
	    {NULL, "127.0.0.1 50000 127.0.0.1 22", PAM_PERM_DENIED},
	    {NULL, "192.0.2.7000000000000000000000000000000000000000000000000000000000 1 2 3",
		PAM_PERM_DENIED},
	    {"a.name.example.com", "192.0.2.7 50000 198.51.100.9 22", PAM_SUCCESS},
	    {"198.51.100.1", "192.0.2.7 50000 198.51.100.9 22", PAM_PERM_DENIED},
	    {"192.0.2.7", "198.51.100.1 50000 192.0.2.9 22", PAM_SUCCESS},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		connection = rows[i].connection;
		how.rhost = rows[i].rhost;
		how.between = say_connection;
		assert_code(rows[i].connection, rows[i].code,
		    enter("sshd", "bound", text_of(&tok_other[5]), "a"));
	}
}

/* ---- another key than the one that was verified ---- */

static void
bind_opens(struct key_record *k)
{
	key_bind(k, "opens");
}

void
share_deploy(void)
{
	host_policy(&host, "version: 1\nroles:\n"
			   "  all: {services: ['*']}\n"
			   "  opens: {services: ['*'], accounts: [deploy]}\n");
	amend(UID_CI, bind_opens);
}

static void
call_it_other(struct key_record *k)
{
	(void)snprintf(k->name, sizeof(k->name), "other");
}

void
rename_ci(void)
{
	amend(UID_CI, call_it_other);
}

void
delete_ci(void)
{
	amend(UID_CI, NULL);
}

static char moment;
static void (*happens)(void);

static void
let_it_happen(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == moment)
		happens();
}

static void
a_key_that_is_no_more_is_behind_no_account_and_nor_is_another_with_its_uid(void **state)
{
	static const struct {
		const char *row, *user, *phases;
		void (*happens)(void);
		int code;
		const char *logged;
	} rows[] = {
	    {"deleted, shared account", "deploy", "am", delete_ci, PAM_PERM_DENIED,
		"the key behind this login is no more"},
	    {"renamed, shared account", "deploy", "am", rename_ci, PAM_PERM_DENIED,
		"the key behind this login is no more"},
	    {"deleted, own account", "ci", "am", delete_ci, PAM_PERM_DENIED,
		"no key has this name and uid"},
	    {"renamed, own account", "ci", "am", rename_ci, PAM_PERM_DENIED,
		"no key has this name and uid"},
	    {"deleted before the session", "deploy", "amo", delete_ci, PAM_SESSION_ERR,
		"the key behind this login is no more"},
	    {"renamed before the session", "deploy", "amo", rename_ci, PAM_SESSION_ERR,
		"the key behind this login is no more"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(set_up(state), 0);
		share_deploy();
		happens = rows[i].happens;
		moment = rows[i].phases[strlen(rows[i].phases) - 1];
		how.between = let_it_happen;
		how.past_unknown = true;
		assert_code(rows[i].row, rows[i].code,
		    enter("sshd", rows[i].user, ci_text, rows[i].phases));
		assert_row(rows[i].row, has_logged(rows[i].logged));
		assert_int_equal(count_records("sessions", false), 0);
		/* One that is left is sshd's, whose child was refused: it opens nothing, and has its time. */
		assert_int_equal(count_records("handles", false), moment == 'm' ? 1 : 0);
	}
}

static enum ak_err
take_secret(void *ctx, const struct session *s)
{
	*(uint32_t *)ctx = s->secret;
	return AK_OK;
}

/* By the handover in one process, by the handle from another; not by a handle of another key's. */
static void
a_session_is_of_the_secret_that_was_shown(void **state)
{
	static const char *const services[] = {"login", "sshd"};
	struct handle others = {
	    .uid = UID_SECOND, .key = "second", .secret = 9, .account = "ci"};
	char pair[sizeof("APIKEY_HANDLE=") + HANDLE_CAP] = "APIKEY_HANDLE=";
	static const struct pam_conv with = {.conv = converse};
	pam_handle_t *pamh = NULL;
	uint32_t secret;

	for (size_t i = 0; i < N(services); i++) {
		assert_int_equal(set_up(state), 0);
		secret = 77;
		assert_code(services[i], PAM_SUCCESS, enter(services[i], "ci", ci_text, "amo"));
		assert_err("", AK_OK, sessions_each(&host.paths, take_secret, &secret));
		assert_int_equal(secret, 1);
	}
	assert_int_equal(set_up(state), 0);
	host_settings(&host, "version: 1\npublic_key_logins: allow\n");
	assert_err("", AK_OK,
	    handles_issue(
		&host.paths, &others, handles_now(), pair + sizeof("APIKEY_HANDLE=") - 1));
	assert_int_equal(pam_start("sshd", "ci", &with, &pamh), PAM_SUCCESS);
	assert_int_equal(pam_putenv(pamh, pair), PAM_SUCCESS);
	assert_code("", PAM_SUCCESS, pam_open_session(pamh, 0));
	secret = 77;
	assert_err("", AK_OK, sessions_each(&host.paths, take_secret, &secret));
	assert_int_equal(secret, 0);
	(void)pam_end(pamh, 0);
}

/* A stack that goes on behind a refusal: the session phase asks about the key again, and opens nothing that nobody records. */
static void
a_session_behind_a_refused_account_phase_is_refused_too(void **state)
{
	static const struct pam_conv with = {.conv = converse};
	pam_handle_t *pamh = NULL;

	(void)state;
	share_deploy();
	conv.answer = ci_text;
	assert_int_equal(pam_start("login", "deploy", &with, &pamh), PAM_SUCCESS);
	assert_code("", PAM_SUCCESS, pam_authenticate(pamh, 0));
	delete_ci();
	assert_code("", PAM_PERM_DENIED, pam_acct_mgmt(pamh, 0));
	assert_code("", PAM_SESSION_ERR, pam_open_session(pamh, 0));
	assert_int_equal(count_records("sessions", false), 0);
	(void)pam_end(pamh, 0);
}

/* The record is there, and the decision is not made yet. */
static void
abuse_141_a_key_that_becomes_another_at_the_last_moment_has_no_session(void **state)
{
	static void (*const changes[])(void) = {rename_ci, delete_ci};

	for (size_t i = 0; i < N(changes); i++) {
		assert_int_equal(set_up(state), 0);
		assert_code("", PAM_SUCCESS, enter("login", "ci", ci_text, "am"));
		once_recorded = changes[i];
		assert_code("", PAM_SESSION_ERR, enter("login", "ci", NULL, "o"));
		assert_true(has_logged("why=\"the key is no more\""));
		assert_string_equal(conv.last_told, "the key is no more");
	}
}

static void
delete_ci_and_fill_the_disk(void)
{
	delete_ci();
	no_more_records = true;
}

/* An application that goes on nevertheless is found by it, and ended. */
static void
a_refused_session_whose_record_cannot_be_written_again_keeps_it(void **state)
{
	(void)state;
	assert_code("", PAM_SUCCESS, enter("login", "ci", ci_text, "am"));
	once_recorded = delete_ci_and_fill_the_disk;
	assert_code("", PAM_SESSION_ERR, enter("login", "ci", NULL, "o"));
	assert_true(has_logged("reason=deleted why=\"the key is no more\""));
	assert_int_equal(count_records("sessions", false), 1);
}

/* ---- another policy than the handle keeps ---- */

#define S INT64_C(1000000000)

/* The image of a policy that has long been there, old enough to be kept from phase to phase. */
void
store_image(void)
{
	struct image_sources src;
	struct safefile_id id;
	struct timespec now;
	struct live l;

	live_load(&host.paths, &l);
	assert_non_null(l.image);
	src = *image_borrow_sources(l.image);
	src.built_at_ns += 10 * S;
	image_set_sources(l.image, &src);
	assert_err("", AK_OK, live_store(&host.paths, &l, NULL));
	live_clear(&l);
	assert_err("", AK_OK, safefile_identify(host.paths.image, &id));
	do
		assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	while (!live_shows_edits(&id, (int64_t)now.tv_sec * S + now.tv_nsec));
	live_load(&host.paths, &l);
	assert_true(l.from_store && l.stored.ino != 0);
	live_clear(&l);
}

void
give_nothing(void)
{
	host_policy(&host, "version: 1\nroles:\n  nobodys: {services: [x]}\n");
}

void
spoil_policy(void)
{
	host_policy(&host, "version: ");
}

void
take_policy_away(void)
{
	host_policy(&host, NULL);
}

static void
a_policy_that_another_replaces_holds_in_no_later_phase(void **state)
{
	static void (*const changes[])(void) = {give_nothing, spoil_policy, take_policy_away};

	for (size_t i = 0; i < N(changes); i++) {
		assert_int_equal(set_up(state), 0);
		store_image();
		assert_code("unchanged", PAM_SUCCESS, enter("login", "ci", ci_text, "amsocd"));
		happens = changes[i];
		moment = 'm';
		how.between = let_it_happen;
		assert_code("account", PAM_PERM_DENIED, enter("login", "ci", ci_text, "am"));
		assert_int_equal(set_up(state), 0);
		store_image();
		moment = 'o';
		how.between = let_it_happen;
		assert_code("session", PAM_SESSION_ERR, enter("login", "ci", ci_text, "amo"));
		assert_int_equal(set_up(state), 0);
		store_image();
		once_recorded = changes[i];
		assert_code(
		    "last moment", PAM_SESSION_ERR, enter("login", "ci", ci_text, "amo"));
	}
}

static unsigned n_moments;

static void
let_it_happen_the_second_time(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == moment && ++n_moments == 2 && happens != NULL)
		happens();
}

static void
a_handle_that_logs_in_twice_is_decided_by_the_files_of_each_time(void **state)
{
	static void (*const changes[])(void) = {
	    NULL, give_nothing, spoil_policy, take_policy_away, delete_ci};

	for (size_t i = 0; i < N(changes); i++) {
		assert_int_equal(set_up(state), 0);
		store_image();
		happens = changes[i];
		moment = 'a';
		n_moments = 0;
		how.between = let_it_happen_the_second_time;
		assert_code("", happens == NULL ? PAM_SUCCESS : PAM_PERM_DENIED,
		    enter("login", "ci", ci_text, "amsocdamsocd"));
		assert_int_equal(n_moments, 2);
	}
}

static int child_code;

/* The account phase in a child of the process that authenticated, and then in that one too. */
static void
ask_in_child(pam_handle_t *pamh, char before)
{
	int status = -1;
	pid_t pid;

	if (before != 'm')
		return;
	if (moment == 'p')
		happens();
	if ((pid = fork()) == 0) {
		if (moment == 'c')
			happens();
		_exit(pam_acct_mgmt(pamh, 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	child_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
what_a_handle_keeps_holds_on_neither_side_of_a_fork_when_the_policy_is_replaced(void **state)
{
	static void (*const changes[])(void) = {give_nothing, spoil_policy, delete_ci};
	static const char where[] = {'p', 'c'};

	for (size_t i = 0; i < 2 * N(changes); i++) {
		assert_int_equal(set_up(state), 0);
		store_image();
		happens = changes[i / 2];
		moment = where[i % 2];
		how.between = ask_in_child;
		assert_code("parent", PAM_PERM_DENIED, enter("login", "ci", ci_text, "am"));
		assert_code("child", PAM_PERM_DENIED, child_code);
	}
}

/* ---- letting go ---- */

void
lose_users(void)
{
	assert_int_equal(unlink(host.paths.users), 0);
}

static void
lose_local(void)
{
	assert_int_equal(unlink(host.paths.local), 0);
}

static void
a_session_is_let_go_whatever_became_of_its_account_and_of_the_files(void **state)
{
	static void (*const changes[])(void) = {
	    lose_users, lose_local, delete_ci, rename_ci, take_policy_away};

	for (size_t i = 0; i < N(changes); i++) {
		assert_int_equal(set_up(state), 0);
		happens = changes[i];
		moment = 'c';
		how.between = let_it_happen;
		assert_code("", PAM_SUCCESS, enter("login", "ci", ci_text, "amsocd"));
		assert_int_equal(count_records("sessions", false), 0);
		assert_true(has_logged("event=close_session decision=allow key=ci "));
	}
}

static void
become_bob(pam_handle_t *pamh, char before)
{
	if (before == moment)
		assert_int_equal(pam_set_item(pamh, PAM_USER, "bob"), PAM_SUCCESS);
}

static void
a_session_lets_nobody_go_but_its_own_account(void **state)
{
	static const char moments[] = {'c', 'd'};

	for (size_t i = 0; i < N(moments); i++) {
		assert_int_equal(set_up(state), 0);
		moment = moments[i];
		how.between = become_bob;
		assert_code("", PAM_USER_UNKNOWN,
		    enter("login", "ci", ci_text, i == 0 ? "amoc" : "amod"));
		assert_int_equal(count_records("sessions", false), 1);
	}
}

/* ---- what fits into no handle ---- */

static void
whose_address_fits_into_no_handle_has_no_login_by_sshd(void **state)
{
	char too_long[257]; /* a name of the DNS has 255 bytes at most */

	(void)state;
	memset(too_long, 'h', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	how.rhost = too_long;
	assert_code("one too many", PAM_SYSTEM_ERR, enter("sshd", "ci", ci_text, "a"));
	assert_true(has_logged("why=\"no handle could be left for the session\""));
	assert_int_equal(count_records("handles", false), 0);
	how.rhost = too_long + 1;
	assert_code(
	    "all that there is room for", PAM_SUCCESS, enter("sshd", "ci", ci_text, "a"));
	how.rhost = too_long;
	assert_code("others leave none", PAM_SUCCESS, enter("login", "ci", ci_text, "a"));
}

#define T(test) cmocka_unit_test_setup(test, set_up)

const struct CMUnitTest between_tests[] = {
    T(a_keys_networks_are_asked_of_what_sshd_says_of_its_connection),
    T(a_key_that_is_no_more_is_behind_no_account_and_nor_is_another_with_its_uid),
    T(a_session_is_of_the_secret_that_was_shown),
    T(a_session_behind_a_refused_account_phase_is_refused_too),
    T(abuse_141_a_key_that_becomes_another_at_the_last_moment_has_no_session),
    T(a_refused_session_whose_record_cannot_be_written_again_keeps_it),
    T(a_policy_that_another_replaces_holds_in_no_later_phase),
    T(a_handle_that_logs_in_twice_is_decided_by_the_files_of_each_time),
    T(what_a_handle_keeps_holds_on_neither_side_of_a_fork_when_the_policy_is_replaced),
    T(a_session_is_let_go_whatever_became_of_its_account_and_of_the_files),
    T(a_session_lets_nobody_go_but_its_own_account),
    T(whose_address_fits_into_no_handle_has_no_login_by_sshd),
};
const size_t n_between_tests = N(between_tests);
