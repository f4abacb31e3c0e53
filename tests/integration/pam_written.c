/* What the module writes down: the audit log, when a key was used last, a session's record; and what follows where it can't. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lastused.h"
#include "pam_host.h"
#include "sessions.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"

#define REQUIRED "version: 1\naudit: required\n"
#define GROUPS                                                                                 \
	"version: 1\n"                                                                         \
	"roles:\n"                                                                             \
	"  all: {services: ['*'], accounts: [deploy]}\n"                                       \
	"  sshonly: {services: [sshd], unix_groups: [nightwatch, readers]}\n"                  \
	"  night: {services: [], unix_groups: [nightwatch, sleepers]}\n"

static char audit_folder[PATH_CAP];

/* Its folder, empty. */
static int
set_up_written(void **state)
{
	(void)snprintf(audit_folder, sizeof(audit_folder), "%s", host.paths.audit);
	*strrchr(audit_folder, '/') = '\0';
	assert_int_equal(chmod(audit_folder, 0750), 0);
	(void)unlink(host.paths.lastused);
	return set_up(state);
}

/* ---- the audit log ---- */

/* The log without what differs: "time=… " in the file, "<LEVEL> " in syslog; for free(). */
static char *
strip(const char *lines, char until)
{
	char *out = calloc(1, strlen(lines) + 1), *at = out;

	assert_non_null(out);
	while (*lines != '\0') {
		const char *line = strchr(lines, until) + 1, *end = strchr(line, '\n') + 1;

		memcpy(at, line, (size_t)(end - line));
		at += end - line;
		lines = end;
	}
	return out;
}

static void
each_line_of_syslog_stands_in_the_audit_log(void **state)
{
	char *file, *mine, *theirs;
	size_t len_b;

	(void)state;
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	assert_code("", PAM_AUTH_ERR, enter("sshd", "ci", text_of(&tok_second), "a"));
	assert_code("", PAM_PERM_DENIED, enter("sshd", "roleless", NULL, "m"));
	assert_code("", PAM_USER_UNKNOWN, enter("sshd", "bob", ci_text, "a"));
	real_uid = UID_CI;
	assert_code("", PAM_SUCCESS, enter("sudo", "ci", ci_text, "amo"));
	file = file_read(host.paths.audit, &len_b);
	assert_non_null(file);
	mine = strip(file, ' ');
	theirs = strip(log_lines, ' ');
	assert_string_equal(mine, theirs);
	assert_non_null(strstr(mine, "event=close_session decision=allow key=ci "));
	assert_non_null(strstr(mine, "event=authenticate decision=deny key=ci "));
	assert_null(strstr(mine, "bob"));
	assert_null(strstr(mine, ci_text + 20));
	free(file);
	free(mine);
	free(theirs);
}

/* ---- audit: required ---- */

static void
make_no_folder(void)
{
	(void)unlink(host.paths.audit);
	assert_int_equal(rmdir(audit_folder), 0);
}

static void
make_folder_of_others(void)
{
	assert_int_equal(chmod(audit_folder, 0777), 0);
}

static void
make_fifo(void)
{
	(void)unlink(host.paths.audit);
	assert_int_equal(mkfifo(host.paths.audit, 0600), 0);
}

static void
make_link(void)
{
	(void)unlink(host.paths.audit);
	assert_int_equal(symlink("/dev/null", host.paths.audit), 0);
}

static void
make_no_room_in_files(void)
{
	struct rlimit none;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &none), 0);
	none.rlim_cur = 65536;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

/* Room for a part of a line. */
static void
make_full_disk(void)
{
	char fill[4000];

	assert_int_equal(
	    mount("none", audit_folder, "tmpfs", 0, "mode=0750,size=4k,nr_inodes=4"), 0);
	memset(fill, 'x', sizeof(fill));
	fill[sizeof(fill) - 1] = '\n';
	file_write(host.paths.audit, fill, sizeof(fill), 0640);
}

static void
mend(void)
{
	struct rlimit all;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	all.rlim_cur = all.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	(void)umount(audit_folder);
	(void)unlink(host.paths.audit);
	(void)mkdir(audit_folder, 0750);
	assert_int_equal(chmod(audit_folder, 0750), 0);
}

static const struct {
	const char *name;
	void (*break_it)(void);
} breaks[] = {
    {"no folder", make_no_folder},
    {"another may write to the folder", make_folder_of_others},
    {"a pipe", make_fifo},
    {"a link", make_link},
    {"a limit on file sizes", make_no_room_in_files},
    {"abuse 132: a full disk", make_full_disk},
};

static enum ak_err
keep_session(void *ctx, const struct session *s)
{
	*(struct session *)ctx = *s;
	return AK_OK;
}

/* The one that there is. */
static struct session
the_session(void)
{
	struct session s = {.id = ""};

	assert_int_equal(count_records("sessions", false), 1);
	assert_err("", AK_OK, sessions_each(&host.paths, keep_session, &s));
	return s;
}

static void
break_before_open(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'o')
		make_folder_of_others();
}

static void
is_refused_later(pam_handle_t *pamh)
{
	mend();
	assert_null(pam_getenv(pamh, "APIKEY_HANDLE"));
	assert_int_equal(count_records("handles", false), 0);
	assert_code("nobody was verified", PAM_PERM_DENIED, pam_acct_mgmt(pamh, 0));
	assert_true(has_logged("reason=no-token"));
}

static void
abuse_132_with_audit_required_nobody_enters_whose_line_is_not_written(void **state)
{
	for (size_t i = 0; i < N(breaks); i++) {
		const char *row = breaks[i].name;

		(void)set_up_written(state);
		host_settings(&host, REQUIRED);
		change(NULL);
		breaks[i].break_it();
		how.after = is_refused_later;
		assert_code(row, PAM_SYSTEM_ERR, enter("sshd", "ci", ci_text, "a"));
		breaks[i].break_it();
		assert_code(row, PAM_SYSTEM_ERR, enter("cron", "ci", NULL, "m"));
		assert_string_equal(conv.last_told,
		    "the audit log can't be written, and the settings require it");
		assert_true(has_logged("<3> event=account decision=deny key=ci id=K000070000 "
				       "uid=70000 user=ci service=cron reason=audit why="));
		assert_false(file_is_there(host.paths.lastused));
		assert_code(row, PAM_USER_UNKNOWN, enter("sshd", "bob", ci_text, "a"));
		assert_code(row, PAM_USER_UNKNOWN, enter("sshd", "root", NULL, "m"));
		assert_code("a denial is one", PAM_AUTH_ERR,
		    enter("sshd", "ci", text_of(&tok_second), "a"));
		real_uid = UID_CI;
		assert_code(row, PAM_SYSTEM_ERR, enter("sudo", "ci", NULL, "m"));
		mend();
		assert_code("mended", PAM_SUCCESS, enter("sudo", "ci", NULL, "m"));
	}
}

static void
with_audit_as_it_is_by_default_nobody_notices(void **state)
{
	for (size_t i = 0; i < N(breaks); i++) {
		(void)set_up_written(state);
		breaks[i].break_it();
		assert_code(breaks[i].name, PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
		assert_true(has_logged("event=open_session decision=allow"));
		mend();
	}
}

static void
close_it(pam_handle_t *pamh)
{
	(void)pam_close_session(pamh, 0);
}

static void
with_audit_required_a_session_whose_line_is_not_written_is_refused_on_record(void **state)
{
	struct session s;

	(void)state;
	host_settings(&host, REQUIRED);
	change(NULL);
	how.between = break_before_open;
	how.after = close_it; /* what nobody should */
	assert_code("", PAM_SYSTEM_ERR, enter("login", "ci", ci_text, "amso"));
	assert_non_null(strstr(log_lines, "event=open_session decision=deny key=ci"));
	assert_true(has_logged("reason=audit"));
	s = the_session();
	assert_int_equal(s.state, SESSION_REFUSED);
	assert_string_equal(s.key, "ci");
	mend();
}

static void
break_before_letting_go(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'c' || (before == 'o' && real_uid != 0))
		make_folder_of_others();
}

static void
with_audit_required_what_lets_go_and_sudos_session_go_on(void **state)
{
	(void)state;
	host_settings(&host, REQUIRED);
	change(NULL);
	how.between = break_before_letting_go;
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	assert_int_equal(count_records("sessions", false), 0);
	mend();
	real_uid = UID_CI;
	how.between = break_before_letting_go;
	assert_code("sudo", PAM_SUCCESS, enter("sudo", "ci", ci_text, "amsocd"));
	mend();
}

static void
with_audit_required_a_shared_account_is_not_entered_by_a_key_but_by_its_password(void **state)
{
	(void)state;
	host_policy(&host, GROUPS);
	host_settings(&host, REQUIRED);
	change(NULL);
	make_folder_of_others();
	assert_code("", PAM_SYSTEM_ERR, enter("sshd", "deploy", ci_text, "a"));
	assert_int_equal(count_records("handles", false), 0);
	assert_code("", PAM_USER_UNKNOWN, enter("sshd", "deploy", "pw", "am"));
	mend();
	how.past_unknown = true;
	how.between = break_before_open;
	assert_code("", PAM_SYSTEM_ERR, enter("sshd", "deploy", ci_text, "amso"));
	assert_int_equal(the_session().state, SESSION_REFUSED);
	mend();
}

/* ---- when a key was used last ---- */

static struct lastused
last_used(uint32_t uid)
{
	const struct key_record k = key_make("", uid);
	struct lastused_file f;
	struct lastused use;

	assert_err("", AK_OK, lastused_open(&host.paths, &f));
	lastused_find(&f, &k, &use);
	lastused_close(&f);
	return use;
}

static void
a_permitted_account_phase_notes_when_from_where_and_by_what(void **state)
{
	static const struct {
		const char *service, *user, *rhost, *phases;
		int code;
		const char *from, *account;
	} rows[] = {
	    {"sshd", "ci", "192.0.2.7", "am", PAM_SUCCESS, "192.0.2.7", "ci"},
	    {"sshd", "ci", "2001:db8::7", "am", PAM_SUCCESS, "2001:db8::7", "ci"},
	    {"sshd", "ci", "127.0.0.1", "am", PAM_SUCCESS, "127.0.0.1", "ci"},
	    {"sshd", "ci", "host.example.com", "am", PAM_SUCCESS, "", "ci"},
	    {"cron", "ci", NULL, "m", PAM_SUCCESS, "", "ci"},
	    {"sshd", "deploy", "192.0.2.7", "am", PAM_USER_UNKNOWN, "192.0.2.7", "deploy"},
	    {"sshd", "ci", "192.0.2.7", "a", PAM_SUCCESS, NULL, NULL},
	    {"sshd", "ci", "192.0.2.7", "m", PAM_PERM_DENIED, NULL, NULL},
	    {"systemd-user", "ci", NULL, "m", PAM_SUCCESS, NULL, NULL},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct lastused use;
		int64_t before = (int64_t)time(NULL);

		(void)set_up_written(state);
		host_policy(&host, GROUPS);
		how.rhost = rows[i].rhost;
		assert_code(rows[i].service, rows[i].code,
		    enter(rows[i].service, rows[i].user, ci_text, rows[i].phases));
		use = last_used(UID_CI);
		assert_row(rows[i].service, (use.at != 0) == (rows[i].from != NULL));
		if (rows[i].from == NULL)
			continue;
		assert_row(rows[i].service, use.at >= before && use.at <= (int64_t)time(NULL));
		assert_string_equal(use.from, rows[i].from);
		assert_string_equal(use.service, rows[i].service);
		assert_string_equal(use.account, rows[i].account);
		assert_int_equal(last_used(UID_SECOND).at, 0);
	}
}

static void
sudo_is_a_use_from_where_its_session_is_from(void **state)
{
	struct session s;
	struct lastused use;
	char wanted[64];

	(void)state;
	how.rhost = "192.0.2.7";
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amso"));
	s = the_session();
	(void)unlink(host.paths.lastused);
	real_uid = UID_CI;
	assert_code("", PAM_SUCCESS, enter("sudo", "ci", NULL, "m"));
	use = last_used(UID_CI);
	assert_string_equal(use.from, "192.0.2.7");
	assert_string_equal(use.service, "sudo");
	assert_string_equal(use.account, "ci");
	(void)snprintf(wanted, sizeof(wanted), " session=%s service=sudo ", s.id);
	assert_true(has_logged(wanted));
}

/* ---- the record ---- */

static void
bind_sshonly(struct key_record *k)
{
	key_bind(k, "sshonly");
}

static bool
has_group(const struct session *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->groups[i].name, name) == 0)
			return s->groups[i].gid != 0;
	return false;
}

/* GROUPS is what the roles give; apikey is every key's. */
static void
the_record_has_the_groups_that_the_session_has_by_roles(void **state)
{
	static const char by_night[] =
	    GROUPS "grant:\n- {role: night, login: [ci, sshonly], from: [192.0.2.0/24]}\n";
	static const struct {
		const char *user, *rhost;
		unsigned n;
		const char *groups[3];
	} rows[] = {
	    {"ci", "198.51.100.1", 0, {NULL}},
	    {"ci", "192.0.2.7", 2, {"nightwatch", "sleepers"}},
	    {"deploy", "192.0.2.7", 2, {"nightwatch", "sleepers"}},
	    {"deploy", "198.51.100.1", 0, {NULL}},
	    {"sshonly", "198.51.100.1", 2, {"nightwatch", "readers"}},
	    {"sshonly", "192.0.2.7", 3, {"nightwatch", "readers", "sleepers"}},
	};

	for (size_t i = 0; i < N(rows); i++) {
		bool is_other = strcmp(rows[i].user, "sshonly") == 0;
		struct session s;

		(void)set_up_written(state);
		host_policy(&host, by_night);
		change(NULL);
		amend(UID_SSHONLY, bind_sshonly);
		how.rhost = rows[i].rhost;
		how.past_unknown = true;
		assert_code(rows[i].user, PAM_SUCCESS,
		    enter("sshd", rows[i].user, is_other ? text_of(&tok_other[4]) : ci_text,
			"amso"));
		s = the_session();
		assert_row(rows[i].user, s.n_groups == rows[i].n);
		for (unsigned g = 0; g < rows[i].n; g++)
			assert_row(rows[i].groups[g], has_group(&s, rows[i].groups[g]));
	}
}

/* n roles' groups, unconditionally. */
static void
set_up_groups(unsigned n)
{
	static char yaml[16384];
	struct text t = text_over(yaml, sizeof(yaml));

	text_add(&t, "version: 1\nroles:\n  all: {services: ['*'], unix_groups: [");
	for (unsigned i = 0; i < n; i++)
		text_add(&t, "%sgroup-%u", i == 0 ? "" : ", ", i);
	text_add(&t, "]}\n");
	assert_false(t.cut);
	host_policy(&host, yaml);
	change(NULL);
}

static void
more_groups_than_a_record_holds_open_no_session(void **state)
{
	struct session s;

	(void)state;
	set_up_groups(SESSION_GROUPS_MAX);
	assert_code("", PAM_SUCCESS, enter("cron", "ci", NULL, "mo"));
	s = the_session();
	assert_int_equal(s.n_groups, SESSION_GROUPS_MAX);
	empty_folder("sessions");
	set_up_groups(SESSION_GROUPS_MAX + 1);
	conv.told = 0;
	assert_code("", PAM_SESSION_ERR, enter("cron", "ci", NULL, "mo"));
	assert_int_equal(count_records("sessions", false), 0);
	assert_string_equal(conv.last_told,
	    "the key's roles give more Unix groups than a session's record holds (128): "
	    "give it fewer");
	assert_true(has_logged(conv.last_told));
}

static void
the_record_says_what_the_stack_asked_for_and_whether_it_is_roots_su(void **state)
{
	struct session s;

	(void)state;
	assert_code("", PAM_SUCCESS, enter("role-all", "ci", NULL, "o"));
	s = the_session();
	assert_string_equal(s.requires, "all");
	assert_false(s.by_root);
	empty_folder("sessions");
	how.ruser = "root";
	assert_code("", PAM_SUCCESS, enter("su", "ci", NULL, "mso"));
	s = the_session();
	assert_string_equal(s.requires, "");
	assert_true(s.by_root);
	empty_folder("sessions");
	how.ruser = "bob";
	assert_code("", PAM_SUCCESS, enter("su", "ci", NULL, "mso"));
	assert_false(the_session().by_root);
	empty_folder("sessions");
	assert_code("", PAM_SESSION_ERR, enter("role-long", "ci", NULL, "o"));
	assert_int_equal(count_records("sessions", false), 0);
	assert_true(has_logged("role= is too long"));
}

/* ---- a session that is refused at the last moment ---- */

static void
disable(struct key_record *k)
{
	k->state = KEY_DISABLED;
}

static void
revoke_before_open(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'o')
		amend(UID_CI, disable);
}

enum { BY_DEFAULT, IGNORED, HANDLED, BLOCKED };

static void
pass_over(int sig)
{
	(void)sig;
}

static void
treat_hangups(int how_so)
{
	struct sigaction act = {.sa_handler = how_so == IGNORED   ? SIG_IGN
					      : how_so == HANDLED ? pass_over
								  : SIG_DFL};
	sigset_t hangup;

	assert_int_equal(sigaction(SIGHUP, &act, NULL), 0);
	(void)sigemptyset(&hangup);
	(void)sigaddset(&hangup, SIGHUP);
	assert_int_equal(
	    sigprocmask(how_so == BLOCKED ? SIG_BLOCK : SIG_UNBLOCK, &hangup, NULL), 0);
}

/* The status of a process that enters so, as waitpid(2) has it. */
static int
status_of(const char *service, const char *user, const char *phases, int how_so)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		treat_hangups(how_so);
		_exit(enter(service, user, ci_text, phases));
	}
	memset(&how, 0, sizeof(how));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
abuse_141_a_refused_session_takes_sshds_process_with_it(void **state)
{
	static const struct {
		const char *name, *service, *user;
		int how_so;
		bool revoked, ends;
	} rows[] = {
	    {"sshd", "sshd", "ci", BY_DEFAULT, true, true},
	    {"a shared account", "sshd", "deploy", BY_DEFAULT, true, true},
	    {"ignored", "sshd", "ci", IGNORED, true, false},
	    {"handled", "sshd", "ci", HANDLED, true, false},
	    {"blocked", "sshd", "ci", BLOCKED, true, false},
	    {"another service", "login", "ci", BY_DEFAULT, true, false},
	    {"permitted", "sshd", "ci", BY_DEFAULT, false, false},
	};

	for (size_t i = 0; i < N(rows); i++) {
		int status;

		(void)set_up_written(state);
		host_policy(&host, GROUPS);
		how.past_unknown = true;
		how.between = rows[i].revoked ? revoke_before_open : NULL;
		status = status_of(rows[i].service, rows[i].user, "amso", rows[i].how_so);
		if (rows[i].ends)
			assert_row(
			    rows[i].name, WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
		else
			assert_row(rows[i].name,
			    WIFEXITED(status) &&
				WEXITSTATUS(status) ==
				    (rows[i].revoked ? PAM_SESSION_ERR : PAM_SUCCESS));
		assert_int_equal(
		    the_session().state, rows[i].revoked ? SESSION_REFUSED : SESSION_OPEN);
	}
	(void)set_up_written(state);
	assert_true(WIFEXITED(status_of("sshd", "bob", "o", BY_DEFAULT)));
	/* A module before ours says that it is sshd. */
	assert_int_equal(setenv("PAM_SERVICE", "sshd", 1), 0);
	assert_true(WIFEXITED(status_of("ignoring-sshd", "bob", "o", BY_DEFAULT)));
	assert_true(WIFSIGNALED(status_of("ignoring-sshd", "ghost", "o", BY_DEFAULT)));
	assert_int_equal(unsetenv("PAM_SERVICE"), 0);
	assert_true(WIFSIGNALED(status_of("sshd", "ghost", "o", BY_DEFAULT)));
}

/* ---- what happens between the record and the decision ---- */

static void (*revocation)(void);

static void
revoke_once_recorded(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'o')
		once_recorded = revocation;
}

static void
disable_it(void)
{
	amend(UID_CI, disable);
}

static void
delete_it(void)
{
	amend(UID_CI, NULL);
}

static void
give_other_id(struct key_record *k)
{
	memcpy(k->id, "Z000070000", sizeof(k->id));
}

static void
make_it_anothers(void)
{
	amend(UID_CI, give_other_id);
}

static void
take_roles_away(void)
{
	host_policy(&host, "version: 1\nroles:\n  other: {services: [x]}\n");
}

static void
lose_the_keys(void)
{
	assert_int_equal(unlink(host.paths.local), 0);
}

static void
lose_the_users(void)
{
	assert_int_equal(unlink(host.paths.users), 0);
}

static void
nothing(void)
{
}

static void
abuse_141_what_is_revoked_once_the_record_is_there_opens_no_session(void **state)
{
	static const struct {
		const char *name;
		void (*revoke)(void);
		int code;
		const char *logged;
	} rows[] = {
	    {"disabled", disable_it, PAM_SESSION_ERR, "reason=disabled"},
	    {"deleted", delete_it, PAM_SESSION_ERR, "reason=deleted why=\"the key is no more\""},
	    {"another's", make_it_anothers, PAM_SESSION_ERR,
		"reason=deleted why=\"the key is no more\""},
	    {"no role", take_roles_away, PAM_SESSION_ERR, "reason=role"},
	    {"no keys", lose_the_keys, PAM_SESSION_ERR, "why=\"the keys can't be read\""},
	    {"no users", lose_the_users, PAM_SESSION_ERR, "why=\"the keys can't be read\""},
	    {"nothing", nothing, PAM_SUCCESS, "decision=allow key=ci id=K000070000"},
	};
	static const char *const users[] = {"ci", "deploy"};

	for (size_t i = 0; i < N(rows) * N(users); i++) {
		const char *user = users[i / N(rows)];
		size_t r = i % N(rows);

		(void)set_up_written(state);
		host_policy(&host, GROUPS);
		revocation = rows[r].revoke;
		how.past_unknown = true;
		how.between = revoke_once_recorded;
		assert_code(rows[r].name, rows[r].code, enter("sshd", user, ci_text, "amso"));
		assert_null(once_recorded);
		assert_row(rows[r].name,
		    the_session().state ==
			(rows[r].code == PAM_SUCCESS ? SESSION_OPEN : SESSION_REFUSED));
		assert_string_equal(the_session().key_id, "K000070000");
		assert_non_null(strstr(
		    log_lines, rows[r].code == PAM_SUCCESS
				   ? "event=open_session decision=allow"
				   : "event=open_session decision=deny key=ci id=K000070000"));
		assert_true(has_logged(rows[r].logged));
	}
}

static void
give_group(const char *name)
{
	char yaml[256];
	struct text t = text_over(yaml, sizeof(yaml));

	text_add(
	    &t, "version: 1\nroles: {all: {services: ['*'], accounts: [deploy], unix_groups: [%s]}}\n",
	    name);
	host_policy(&host, yaml);
	change(NULL);
}

static void
give_the_other_group(void)
{
	give_group("bob");
}

static void
the_groups_of_before_and_after_the_record_are_all_in_it(void **state)
{
	static const char *const users[] = {"ci", "deploy"};

	for (size_t i = 0; i < N(users); i++) {
		struct session s;

		(void)set_up_written(state);
		give_group("nightwatch");
		revocation = give_the_other_group;
		how.past_unknown = true;
		how.between = revoke_once_recorded;
		assert_code(users[i], PAM_SUCCESS, enter("sshd", users[i], ci_text, "amso"));
		s = the_session();
		assert_true(has_group(&s, "nightwatch") && has_group(&s, "bob"));
		assert_int_equal(s.n_groups, 2);
	}
}

#define T(test) cmocka_unit_test_setup(test, set_up_written)

const struct CMUnitTest written_tests[] = {
    T(each_line_of_syslog_stands_in_the_audit_log),
    T(abuse_132_with_audit_required_nobody_enters_whose_line_is_not_written),
    T(with_audit_as_it_is_by_default_nobody_notices),
    T(with_audit_required_a_session_whose_line_is_not_written_is_refused_on_record),
    T(with_audit_required_what_lets_go_and_sudos_session_go_on),
    T(with_audit_required_a_shared_account_is_not_entered_by_a_key_but_by_its_password),
    T(a_permitted_account_phase_notes_when_from_where_and_by_what),
    T(sudo_is_a_use_from_where_its_session_is_from),
    T(the_record_has_the_groups_that_the_session_has_by_roles),
    T(more_groups_than_a_record_holds_open_no_session),
    T(the_record_says_what_the_stack_asked_for_and_whether_it_is_roots_su),
    T(abuse_141_a_refused_session_takes_sshds_process_with_it),
    T(abuse_141_what_is_revoked_once_the_record_is_there_opens_no_session),
    T(the_groups_of_before_and_after_the_record_are_all_in_it),
};
const size_t n_written_tests = N(written_tests);
