/* Each allocation of each phase fails in its turn, alone and with all behind it: what is answered, and what is left behind. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pam_host.h"
#include "sessions.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

#define UID_ROBOT DIRECTORY_UID
#define OWN_PASSWORD "its own password"

static struct token tok_robot;

/* One way to log in: its phases, and who answers the prompt with what. */
struct login {
	const char *name, *service, *user;
	const struct token *token; /* NULL: the account's own password */
	const char *phases;
	bool in_child; /* authenticate and account are asked in a child, as sshd does */
	uid_t caller; /* sudo's */
	const char *ruser;
	bool in_session; /* of ci on deploy, which is open */
};

static const struct login shared = {.name = "login, shared",
    .service = "login",
    .user = "deploy",
    .token = &tok_ci,
    .phases = "amsocd"};

static const struct login logins[] = {
    {.name = "sshd", .service = "sshd", .user = "ci", .token = &tok_ci, .phases = "amsocd"},
    {.name = "sshd, a child",
	.service = "sshd",
	.user = "ci",
	.token = &tok_ci,
	.phases = "amsocd",
	.in_child = true},
    {.name = "sshd, shared",
	.service = "sshd",
	.user = "deploy",
	.token = &tok_ci,
	.phases = "amsocd"},
    {.name = "sshd, shared, a child",
	.service = "sshd",
	.user = "deploy",
	.token = &tok_ci,
	.phases = "amsocd",
	.in_child = true},
    {.name = "sshd, a long record",
	.service = "sshd",
	.user = "second",
	.token = &tok_second,
	.phases = "amsocd"},
    {.name = "sshd, of a directory",
	.service = "sshd",
	.user = "robot",
	.token = &tok_robot,
	.phases = "amsocd"},
    {.name = "login, shared, its own password",
	.service = "login",
	.user = "deploy",
	.phases = "amsocd"},
    {.name = "a role that is not there",
	.service = "sshd",
	.user = "roleless",
	.token = &tok_other[3],
	.phases = "am"},
    {.name = "su",
	.service = "su",
	.user = "ci",
	.token = &tok_ci,
	.phases = "amsocd",
	.ruser = "bob"},
    {.name = "root's su", .service = "su", .user = "ci", .phases = "msocd", .ruser = "root"},
    {.name = "sudo",
	.service = "sudo",
	.user = "ci",
	.token = &tok_ci,
	.phases = "amsocd",
	.caller = UID_CI},
    {.name = "sudo without a token",
	.service = "sudo",
	.user = "root",
	.phases = "msocd",
	.caller = UID_CI},
    {.name = "sudo in a shared session",
	.service = "sudo",
	.user = "root",
	.phases = "msocd",
	.caller = UID_DEPLOY,
	.in_session = true},
    {.name = "bob", .service = "sshd", .user = "bob", .token = &tok_ci, .phases = "amsocdp"},
    {.name = "root", .service = "sshd", .user = "root", .token = &tok_ci, .phases = "amsocdp"},
};

/* ---- what is left ---- */

struct left {
	int code;
	unsigned handles, open, others, fds;
	bool in_env, handover, named;
	bool unasked; /* libpam itself had no memory, and called nobody */
	int n_groups;
};

static enum ak_err
count_session(void *ctx, const struct session *s)
{
	struct left *left = ctx;

	if (s->state == SESSION_OPEN)
		left->open++;
	else
		left->others++;
	return AK_OK;
}

static unsigned
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static struct left
look(pam_handle_t *pamh, int code)
{
	struct left left = {.code = code,
	    .handles = count_records("handles", false),
	    .fds = count_fds(),
	    .in_env = pam_getenv(pamh, "APIKEY_HANDLE") != NULL,
	    .named = pam_getenv(pamh, "APIKEY_NAME") != NULL,
	    .handover = keeps_handover,
	    .unasked = strstr(log_lines, "_pam_dispatch_aux") != NULL,
	    .n_groups = n_groups};

	assert_err("", AK_OK, sessions_each(&host.paths, count_session, &left));
	return left;
}

/* ---- one login up to one phase, in which memory is scarce from the n-th allocation on ---- */

static int
call(pam_handle_t *pamh, char phase)
{
	switch (phase) {
	case 'a':
		return pam_authenticate(pamh, 0);
	case 'm':
		return pam_acct_mgmt(pamh, 0);
	case 's':
		return pam_setcred(pamh, PAM_ESTABLISH_CRED);
	case 'o':
		return pam_open_session(pamh, 0);
	case 'c':
		return pam_close_session(pamh, 0);
	case 'd':
		return pam_setcred(pamh, PAM_DELETE_CRED);
	default:
		return pam_chauthtok(pamh, 0);
	}
}

static int
call_scarce(pam_handle_t *pamh, char phase, unsigned n)
{
	int code;

	one_failed = false;
	countdown = n;
	code = call(pamh, phase);
	countdown = 0;
	return code;
}

/* What the child found goes to its parent by a pipe; so does its environment, if it let somebody in. */
struct told {
	struct left left;
	bool failed;
	char pair[64];
};

/* Authenticate and account, in a child; before `until' nothing fails, and it ends behind that. */
static struct told
ask_in_child(pam_handle_t *pamh, char until, unsigned n)
{
	struct told told = {.failed = false};
	int ends[2], code;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	if ((pid = fork()) == 0) {
		const char *value;

		code = until == 'a' ? call_scarce(pamh, 'a', n) : call(pamh, 'a');
		if (until == 'm')
			code = call_scarce(pamh, 'm', n);
		else if (until == '\0')
			code = call(pamh, 'm');
		told.failed = one_failed;
		told.left = look(pamh, code);
		if ((value = pam_getenv(pamh, "APIKEY_HANDLE")) != NULL)
			(void)snprintf(told.pair, sizeof(told.pair), "APIKEY_HANDLE=%s", value);
		_exit(write(ends[1], &told, sizeof(told)) != sizeof(told));
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (until == '\0' && told.pair[0] != '\0')
		assert_int_equal(pam_putenv(pamh, told.pair), PAM_SUCCESS);
	return told;
}

static void
clean(void)
{
	empty_folder("sessions");
	empty_folder("handles");
	n_groups = 2;
}

static void
begin(const struct login *l, pam_handle_t **pamh)
{
	static const struct pam_conv with = {.conv = converse};

	keeps_handover = false;
	left_authtok[0] = '\0';
	log_lines[0] = '\0';
	real_uid = l->caller;
	conv.answer = l->token == NULL ? OWN_PASSWORD : text_of(l->token);
	assert_int_equal(pam_start(l->service, l->user, &with, pamh), PAM_SUCCESS);
	assert_int_equal(pam_set_item(*pamh, PAM_RHOST, "192.0.2.7"), PAM_SUCCESS);
	if (l->ruser != NULL)
		assert_int_equal(pam_set_item(*pamh, PAM_RUSER, l->ruser), PAM_SUCCESS);
}

/* n: 0: nothing fails. What is left behind that phase. */
static struct left
enter_until(const struct login *l, char until, unsigned n)
{
	const char *phase = l->phases;
	pam_handle_t *pamh = NULL, *session = NULL;
	struct told told;

	clean();
	if (l->in_session) {
		begin(&shared, &session);
		for (const char *before = "amso"; *before != '\0'; before++)
			(void)call(session, *before);
	}
	begin(l, &pamh);
	if (l->in_child) {
		bool there = until == 'a' || until == 'm';

		told = ask_in_child(pamh, there ? until : '\0', n);
		one_failed = told.failed;
		phase += there ? strlen(phase) : 2;
	}
	for (; *phase != '\0' && *phase != until; phase++)
		(void)call(pamh, *phase);
	if (*phase != '\0')
		told.left = look(pamh, call_scarce(pamh, until, n));
	(void)pam_end(pamh, 0);
	if (session != NULL)
		(void)pam_end(session, 0);
	return told.left;
}

/* ---- what may be left ---- */

static bool
leaves_the_same(const struct left *is, const struct left *well, char phase)
{
	/* For the secret of a handle there is another chance; groups of roles may lack. */
	bool later = phase == 's' || phase == 'o';

	return is->handles == well->handles && is->in_env == well->in_env &&
	       is->open == well->open && is->named == well->named &&
	       (is->handover == well->handover || (later && !is->handover)) &&
	       (is->n_groups == well->n_groups || (phase == 's' && is->n_groups == 2));
}

/* No session, and not a word of a key; but who was let in, and is refused later, is still known to be a key. */
static bool
leaves_nothing(char phase, const struct left *is, const struct left *before)
{
	if (is->named || is->open != before->open)
		return false;
	if (phase == 'm')
		return true;
	return is->handles == 0 && !is->in_env && (phase == 'o' || !is->handover);
}

/* Who has left word of a key is known to be one; else it may not be known whose account it is. */
static bool
may_be_unknown(const struct login *l, const struct left *is)
{
	return strcmp(l->service, "sudo") == 0 || !is->handover;
}

static bool
may_be_denied(char phase, const struct left *well, const struct left *is)
{
	bool lets_go = phase == 's' || phase == 'c' || phase == 'd';
	/* Where a key is let into an account that is not its own, the next module is asked too. */
	bool is_keys = well->code != PAM_USER_UNKNOWN || well->handover;

	return !lets_go && is_keys && (one_failed || is->code == well->code);
}

static bool
is_allowed(const struct login *l, char phase, const struct left *before,
    const struct left *well, const struct left *is)
{
	if (is->fds != well->fds || (phase == 'c' && is->open != well->open))
		return false;
	switch (is->code) {
	case PAM_IGNORE:
		return false;
	case PAM_SUCCESS:
		return well->code == PAM_SUCCESS && leaves_the_same(is, well, phase);
	case PAM_USER_UNKNOWN:
		if (well->code == PAM_USER_UNKNOWN && leaves_the_same(is, well, phase))
			return true;
		if (!one_failed || strchr("scd", phase) != NULL)
			return one_failed;
		return phase == 'm' ? may_be_unknown(l, is)
				    : may_be_unknown(l, is) && is->handles == 0 &&
					  !is->in_env && !is->named;
	default:
		return may_be_denied(phase, well, is) && leaves_nothing(phase, is, before);
	}
}

/* A token is left to no other module; what is none, to the next one, or to nobody. */
static bool
is_authtok_right(const struct login *l, const struct left *is)
{
	if (l->token != NULL || left_authtok[0] == '\0')
		return left_authtok[0] == '\0';
	return is->code == PAM_USER_UNKNOWN && strcmp(left_authtok, OWN_PASSWORD) == 0;
}

static void
print_left(const char *what, const struct left *is)
{
	print_error("%s: %d (%s): handles %u%s%s, sessions %u open, %u not%s, %d groups, %u "
		    "descriptors\n",
	    what, is->code, pam_strerror(NULL, is->code), is->handles,
	    is->in_env ? ", one in the environment" : "", is->handover ? ", a handover" : "",
	    is->open, is->others, is->named ? ", APIKEY_NAME" : "", is->n_groups, is->fds);
}

static void
fail_each(const struct login *l, char phase)
{
	const struct left well = enter_until(l, phase, 0), before = {.open = l->in_session};
	unsigned n = 0;

	do {
		struct left is = enter_until(l, phase, ++n);

		assert_row(l->name, n < 5000);
		if (is.unasked || (is_allowed(l, phase, &before, &well, &is) &&
				      (phase != 'a' || is_authtok_right(l, &is))))
			continue;
		print_error("%s, phase %c, allocation %u%s\n%s", l->name, phase, n,
		    all_fail ? " and all behind it" : "", log_lines);
		print_left("well", &well);
		print_left("is", &is);
		fail();
	} while (one_failed);
}

/* ---- a host with a directory and a shared account ---- */

static const char SETTINGS[] =
    "version: 1\n"
    "public_key_logins: allow\n"
    "directory: {uris: [ldaps://ldap.example.com], may_grant: [all]}\n";
static const char POLICY[] =
    "version: 1\n"
    "roles:\n"
    "  all: {services: ['*']}\n"
    "  opens: {services: ['*'], accounts: [deploy]}\n"
    "  night: {services: [nothing], unix_groups: [nightwatch]}\n"
    "groups: {team: [{role: all}]}\n"
    "deny: [{id: crew, reason: no crew, group: crew, login: 'second'}]\n"
    "grant:\n"
    "- {role: night, login: ci, from: [192.0.2.0/24]}\n"
    "- {role: opens, login: ci}\n";

static void
make_host(void)
{
	static const struct directory_member members[] = {{.name = "robot"}, {.name = "ci"},
	    {.name = "second", .groups = DIRECTORY_LIST("team")}};
	struct key_record robot = key_with_token("robot", UID_ROBOT, &tok_robot);

	host_settings(&host, SETTINGS);
	host_policy(&host, POLICY);
	robot.home = robot.shell = "";
	key_bind(&robot, "all");
	(void)directory_write_keys(&host.paths, &robot, 1, STAMP);
	(void)directory_write_members(&host.paths, members, N(members), STAMP);
	directory_write_contact(&host.paths, (int64_t)time(NULL));
	change(NULL);
}

static void
fail_all(void)
{
	make_host();
	for (const char *phase = shared.phases; *phase != '\0'; phase++)
		fail_each(&shared, *phase);
	for (size_t i = 0; i < N(logins); i++)
		for (const char *phase = logins[i].phases; *phase != '\0'; phase++)
			fail_each(&logins[i], *phase);
}

static void
abuse_128_an_allocation_that_fails_leaves_nothing_of_a_key_that_is_refused(void **state)
{
	(void)state;
	all_fail = false;
	fail_all();
}

static void
abuse_128_without_memory_from_some_point_on_nothing_of_a_key_is_left(void **state)
{
	(void)state;
	all_fail = true;
	fail_all();
	all_fail = false;
}

const struct CMUnitTest scarce_tests[] = {
    cmocka_unit_test_setup(
	abuse_128_an_allocation_that_fails_leaves_nothing_of_a_key_that_is_refused, set_up),
    cmocka_unit_test_setup(
	abuse_128_without_memory_from_some_point_on_nothing_of_a_key_is_left, set_up),
};
/* For a build whose allocations can be made to fail. */
const size_t n_scarce_tests = COUNTS_ALLOCATIONS ? N(scarce_tests) : 0;
