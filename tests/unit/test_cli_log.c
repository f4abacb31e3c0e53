/* log: what it shows of the audit log, from which files, and that it follows them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "logread.h"
#include "testlib_child.h"
#include "testlib_cli.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* In place of the log, or (suffix ".1") of what it was rotated to. */
static const char *
path_of(const struct cli_test *t, const char *suffix)
{
	static char path[PATH_CAP + 16];

	(void)snprintf(path, sizeof(path), "%s%s", t->host.paths.audit, suffix);
	return path;
}

static void
set_mtime(const struct cli_test *t, const char *suffix, time_t at)
{
	const struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};

	assert_int_equal(utimensat(AT_FDCWD, path_of(t, suffix), times, 0), 0);
}

static void
put(const struct cli_test *t, const char *suffix, const char *text)
{
	file_write(path_of(t, suffix), text, strlen(text), 0640);
	set_mtime(t, suffix, HOST_NOW);
}

static void
lies_at(struct cli_test *t, const char *path)
{
	assert_err(path, AK_OK, text_copy(t->cli.paths.audit, PATH_CAP, path));
	assert_err(path, AK_OK, text_copy(t->host.paths.audit, PATH_CAP, path));
}

static void
append(const struct cli_test *t, const char *suffix, const char *text)
{
	int fd = open(path_of(t, suffix), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

#define KEY "key=ci-deploy id=QxNuZ8kVb2 uid=70000"

static const char story[] =
    "time=2026-11-22T10:00:00.004Z event=key-created " KEY " by=alice from=192.0.2.9 "
    "state=active secrets=1 expires=2026-12-22T10:00:00Z roles=viewer owner=\"team a\" "
    "home=/home/ci-deploy shell=/bin/sh\n"
    "time=2026-11-22T10:00:01.100Z event=authenticate decision=allow " KEY
    " user=ci-deploy service=sshd rhost=192.0.2.7 tty=ssh secret=1\n"
    "time=2026-11-22T10:00:01.110Z event=account decision=allow " KEY
    " user=ci-deploy service=sshd rhost=192.0.2.7 secret=1 roles=viewer reason=permitted\n"
    "time=2026-11-22T10:00:01.120Z event=open_session decision=allow " KEY
    " user=ci-deploy session=0123456789abcdef service=sshd rhost=192.0.2.7 secret=1 "
    "roles=viewer reason=permitted\n"
    "time=2026-11-22T10:00:01.130Z event=setcred decision=allow " KEY
    " user=ci-deploy service=sshd rhost=192.0.2.7\n"
    "time=2026-11-22T10:00:01.140Z event=open_session decision=allow " KEY
    " user=ci-deploy service=systemd-user\n"
    "time=2026-11-22T10:00:05.000Z event=authenticate decision=deny " KEY
    " user=ci-deploy service=sshd rhost=198.51.100.77 reason=wrong-token why=\"the token is "
    "wrong\"\n"
    "time=2026-11-22T10:00:06.000Z event=account decision=deny " KEY
    " user=ci-deploy session=0123456789abcdef service=sudo ruser=ci-deploy reason=role "
    "why=\"no role permits sudo\"\n"
    "time=2026-11-22T10:00:07.000Z event=key-changed " KEY
    " by=alice from=192.0.2.9 roles_before=viewer roles=viewer,editor\n"
    "time=2026-11-22T10:00:08.000Z event=account decision=allow " KEY
    " user=ci-deploy service=sudo roles=viewer,editor reason=permitted\n"
    "time=2026-11-22T10:00:08.001Z event=setcred decision=allow " KEY " service=sudo\n"
    "time=2026-11-22T10:00:08.002Z event=open_session decision=allow " KEY " service=sudo\n"
    "time=2026-11-22T10:00:08.003Z event=close_session decision=allow " KEY " service=sudo\n"
    "time=2026-11-22T10:00:09.000Z event=open_session decision=allow " KEY
    " user=deploy account=deploy service=cron roles=editor\n"
    "time=2026-11-22T10:00:10.000Z event=close_session decision=allow " KEY
    " user=deploy account=deploy service=cron\n"
    "time=2026-11-22T10:00:11.000Z event=key-changed " KEY " by=alice "
    "roles_before=viewer,editor not_before_before=x not_before=y\n"
    "time=2026-11-22T10:00:12.000Z event=key-deleted " KEY " by=alice\n"
    "time=2026-11-22T10:00:12.010Z event=session-ended " KEY
    " session=0123456789abcdef account=ci-deploy service=sshd rhost=192.0.2.7 "
    "since=2026-11-22T10:00:01Z reason=deleted why=\"the key is no more\" gently=no "
    "processes=3 by=alice\n"
    "time=2026-11-22T10:00:13.000Z event=authenticate decision=deny user=ci-deploy "
    "service=sshd rhost=192.0.2.7 why=\"no key has this name and uid\"\n"
    "time=2026-11-22T10:00:14.000Z event=policy-applied sha256_before=00fe sha256=00ff "
    "changed_keys=2 by=alice\n";

static const char story_rows[] =
    "TIME                  RESULT  WHAT           KEY           FROM             WHERE   "
    "DETAIL\n"
    "2026-11-22T10:00:00Z  -       key created    ci-deploy     192.0.2.9        -       "
    "expires 2026-12-22T10:00:00Z, roles viewer, owner \"team a\", by alice\n"
    "2026-11-22T10:00:01Z  allow   login          ci-deploy     192.0.2.7        sshd    roles "
    "viewer\n"
    "2026-11-22T10:00:05Z  deny    login          ci-deploy     198.51.100.77    sshd    the "
    "token is wrong\n"
    "2026-11-22T10:00:06Z  deny    sudo           ci-deploy     -                sudo    no "
    "role permits sudo\n"
    "2026-11-22T10:00:07Z  -       key changed    ci-deploy     192.0.2.9        -       roles "
    "viewer -> viewer,editor, by alice\n"
    "2026-11-22T10:00:08Z  allow   sudo           ci-deploy     -                sudo    roles "
    "viewer,editor\n"
    "2026-11-22T10:00:09Z  allow   login          ci-deploy     -                deploy/cron  "
    "roles editor\n"
    "2026-11-22T10:00:10Z  allow   logout         ci-deploy     -                deploy/cron  "
    "-\n"
    "2026-11-22T10:00:11Z  -       key changed    ci-deploy     -                -            "
    "roles viewer,editor -> -, not before x -> y, by alice\n"
    "2026-11-22T10:00:12Z  -       key deleted    ci-deploy     -                -            "
    "by alice\n"
    "2026-11-22T10:00:12Z  -       session ended  ci-deploy     192.0.2.7        sshd         "
    "the key is no more, processes 3, by alice\n"
    "2026-11-22T10:00:13Z  deny    login          ci-deploy     192.0.2.7        sshd         "
    "no key has this name and uid\n"
    "2026-11-22T10:00:14Z  -       policy applied  -             -                -            "
    "changed keys 2, by alice\n";

static void
the_table_tells_what_happened_in_a_row_for_each_thing(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	put(&t, "", story);
	assert_run(&t, CLI_DONE, NULL, "log");
	assert_string_equal(t.out, story_rows);
	cli_test_clear(&t);
}

static void
json_has_every_line_with_every_field(void **state)
{
	struct cli_test t;
	json_t *j;

	cli_test_make(&t, state);
	put(&t, "", "");
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
	assert_string_equal(t.out, "[]\n");
	put(&t, "", story);
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
	j = cli_test_json(&t);
	assert_int_equal(json_array_size(j), 20);
	json_decref(j);
	assert_member(&t, "13",
	    "{\"time\":\"2026-11-22T10:00:09.000Z\",\"event\":\"open_session\",\"decision\":"
	    "\"allow\",\"key\":\"ci-deploy\",\"id\":\"QxNuZ8kVb2\",\"uid\":\"70000\",\"user\":"
	    "\"deploy\",\"account\":\"deploy\",\"service\":\"cron\",\"roles\":\"editor\"}");
	cli_test_clear(&t);
}

/* One decision, and how it is worth a row. */
static void
a_row_is_left_out_only_when_another_tells_the_same(void **state)
{
	static const struct {
		const char *fields;
		bool shown;
	} rows[] = {
	    {"event=authenticate decision=allow service=sshd", false},
	    {"event=account decision=allow service=sshd", false},
	    {"event=open_session decision=allow service=sshd", true},
	    {"event=close_session decision=allow service=sshd", true},
	    {"event=setcred decision=allow service=sshd", false},
	    {"event=authenticate decision=deny service=sshd", true},
	    {"event=account decision=deny service=sshd", true},
	    {"event=open_session decision=deny service=sshd", true},
	    {"event=setcred decision=deny service=sshd", true},
	    {"event=account decision=allow service=login", false},
	    {"event=account decision=allow service=su", false},
	    {"event=account decision=allow service=su-l", false},
	    {"event=account decision=allow service=cron", false},
	    {"event=open_session decision=allow service=cron", true},
	    /* Whether these go on is not known. */
	    {"event=authenticate decision=allow service=polkit-1", true},
	    {"event=account decision=allow service=polkit-1", true},
	    {"event=authenticate decision=allow service=sudo", false},
	    {"event=account decision=allow service=sudo", true},
	    {"event=account decision=allow service=sudo-i", true},
	    {"event=open_session decision=allow service=sudo", false},
	    {"event=close_session decision=allow service=sudo", false},
	    {"event=authenticate decision=deny service=sudo", true},
	    {"event=open_session decision=allow service=systemd-user", false},
	    {"event=account decision=deny service=systemd-user", true},
	    {"event=chauthtok decision=deny service=passwd", true},
	    {"event=lockdown-on by=alice", true},
	    {"event=something-new", true},
	};
	struct cli_test t;
	char line[200];

	cli_test_make(&t, state);
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(
		    line, sizeof(line), "time=2026-11-22T10:00:00.000Z %s\n", rows[i].fields);
		put(&t, "", line);
		assert_run(&t, CLI_DONE, NULL, "log");
		assert_row(rows[i].fields, rows[i].shown == (strstr(t.out, "2026-") != NULL));
	}
	cli_test_clear(&t);
}

/* The names of the events that the last run gave as JSON, each with a blank behind. */
static const char *
events(const struct cli_test *t)
{
	static char names[4096];
	struct text all = text_over(names, sizeof(names));
	json_t *j = cli_test_json(t), *line;
	size_t i;

	text_add(&all, "%s", "");
	json_array_foreach(j, i, line)
	{
		text_add(&all, "%s ", json_string_value(json_object_get(line, "event")));
	}
	json_decref(j);
	return names;
}

static void
lines_are_shown_that_were_asked_for(void **state)
{
	static const char lines[] =
	    "time=2027-01-15T05:59:59.999Z event=a key=ci id=QxNuZ8kVb2 decision=deny\n"
	    "time=2027-01-15T06:00:00.000Z event=b key=ci id=QxNuZ8kVb2 decision=allow\n"
	    "time=2027-01-15T07:00:00.000Z event=c key=other id=Other00000 user=ci "
	    "decision=deny\n"
	    "time=2027-01-15T07:30:00.000Z event=d user=ci decision=deny\n"
	    "time=2027-01-15T07:30:00.001Z event=e why=ci decision=deny\n"
	    "time=2027-01-15T08:00:00.000Z event=f\n";
	static const struct {
		const char *words[6];
		const char *events;
	} rows[] = {
	    {{NULL}, "a b c d e f "},
	    {{"--key", "ci"}, "a b d "},
	    {{"--key", "QxNuZ8kVb2"}, "a b "},
	    {{"--key", "other"}, "c "},
	    {{"--key", "c"}, ""},
	    {{"--denied"}, "a c d e "},
	    {{"--denied", "--key", "ci"}, "a d "},
	    {{"--since", "2h"}, "b c d e f "},
	    {{"--since", "3600"}, "c d e f "},
	    {{"--since", "1s"}, "f "},
	    {{"--since", "10000d"}, "a b c d e f "},
	    {{"--since", "2h", "--denied", "--key", "ci"}, "d "},
	};
	struct cli_test t;

	cli_test_make(&t, state);
	put(&t, "", lines);
	for (size_t i = 0; i < N(rows); i++) {
		const char *words[10] = {"apikey", "log", "-o", "json"};

		for (size_t w = 0; w < 5 && rows[i].words[w] != NULL; w++)
			words[4 + w] = rows[i].words[w];
		assert_int_equal(cli_test_run(&t, words), CLI_DONE);
		assert_string_equal(t.err, "");
		assert_string_equal(events(&t), rows[i].events);
	}
	assert_run(&t, CLI_USAGE, "is no duration", "log", "--since", "yesterday");
	assert_run(&t, CLI_USAGE, "is no duration", "log", "--since", "never");
	cli_test_clear(&t);
}

static void
rotated_files_come_first_and_the_oldest_before_all(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	put(&t, "", "time=2027-01-15T07:59:00.000Z event=now\n");
	put(&t, ".1", "time=2027-01-15T07:00:00.000Z event=one\n");
	put(&t, ".2", "time=2027-01-15T06:00:00.000Z event=two\n");
	put(&t, ".10", "time=2027-01-10T06:00:00.000Z event=ten\n");
	put(&t, ".1.gz", "time=2027-01-10T06:00:00.000Z event=packed\n");
	put(&t, ".old", "time=2027-01-10T06:00:00.000Z event=old\n");
	put(&t, ".01x", "time=2027-01-10T06:00:00.000Z event=x\n");
	put(&t, "x", "time=2027-01-10T06:00:00.000Z event=x\n");
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
	assert_string_equal(events(&t), "ten two one now ");
	/* What was last written to before then needs no look. */
	put(&t, ".10", "time=2027-01-15T07:58:00.000Z event=ten\n");
	set_mtime(&t, ".10", HOST_NOW - 3600);
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json", "--since", "1h");
	assert_string_equal(events(&t), "ten one now ");
	set_mtime(&t, ".10", HOST_NOW - 3602);
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json", "--since", "1h");
	assert_string_equal(events(&t), "one now ");
	assert_int_equal(unlink(path_of(&t, "")), 0);
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
	assert_string_equal(events(&t), "ten two one ");
	assert_int_equal(mkdir(path_of(&t, ".3"), 0700), 0);
	assert_run(&t, CLI_FAILED, ".3: it is no regular file", "log");
	cli_test_clear(&t);
}

/* As logrotate does: the oldest is moved first. */
static void
rotate(const struct cli_test *t, unsigned n)
{
	char from[PATH_CAP + 16], suffix[16], line[32];

	for (unsigned i = n; i > 0; i--) {
		suffix[0] = '\0';
		if (i > 1)
			(void)snprintf(suffix, sizeof(suffix), ".%u", i - 1);
		(void)snprintf(from, sizeof(from), "%s", path_of(t, suffix));
		(void)snprintf(suffix, sizeof(suffix), ".%u", i);
		if (rename(from, path_of(t, suffix)) != 0)
			_exit(1);
	}
	(void)snprintf(line, sizeof(line), "event=e%u\n", n);
	put(t, "", line);
}

#define ROTATIONS 100U

static void
a_rotation_meanwhile_hides_nothing(void **state)
{
	char all[ROTATIONS * 8], one[16];
	struct cli_test t;
	int go[2], done[2], status;
	pid_t pid;

	cli_test_make(&t, state);
	put(&t, "", "event=e0\n");
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(done), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		(void)close(go[1]);
		for (unsigned n = 1; read(go[0], one, 1) == 1; n++) {
			rotate(&t, n);
			(void)!write(done[1], "", 1);
		}
		_exit(0);
	}
	(void)close(go[0]);
	(void)close(done[1]);
	all[0] = '\0';
	for (unsigned n = 0; n < ROTATIONS; n++) {
		(void)snprintf(one, sizeof(one), "e%u ", n);
		assert_int_equal(write(go[1], "", 1), 1);
		assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
		/* The new file's line may be there or not; all before it are. */
		strncat(all, one, sizeof(all) - strlen(all) - 1);
		if (strncmp(events(&t), all, strlen(all)) != 0)
			fail_msg("`%s' and not `%s'", events(&t), all);
		assert_int_equal(read(done[0], one, 1), 1);
	}
	(void)close(go[1]);
	(void)close(done[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	cli_test_clear(&t);
}

static void
what_is_no_line_is_counted_and_left_out(void **state)
{
	struct cli_test t;
	char *text = malloc(5 * LOGREAD_LINE_MAX_B);
	size_t len;

	assert_non_null(text);
	cli_test_make(&t, state);
	put(&t, "",
	    "time=2027-01-15T07:59:00.000Z event=a\n\ntime=2027-01-15T07:59:0\n"
	    "\033[2J\ntime=2027-01-15T07:59:00.000Z event=b\nevent=\n");
	assert_run(&t, CLI_DONE, "3 lines are none of the audit log's", "log", "-o", "json");
	assert_string_equal(events(&t), "a b ");
	assert_run(&t, CLI_DONE, "3 lines are none of the audit log's", "log");
	assert_null(strchr(t.out, '\033'));
	assert_null(strchr(t.err, '\033'));
	/* The end of a line is missing: it may be whole all the same. */
	put(&t, "", "event=a\nevent=b");
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
	assert_string_equal(events(&t), "a b ");
	/* Longer than any line, and than the room for it. */
	for (size_t more = 0; more < 3; more++) {
		memset(text, 'x', 3 * LOGREAD_LINE_MAX_B);
		memcpy(text, "event=a\nevent=", 14);
		len = 14 + LOGREAD_LINE_MAX_B * (more + 1) / (more == 2 ? 2 : 1);
		memcpy(text + len, "\nevent=b\n", 10);
		put(&t, "", text);
		assert_run(&t, CLI_DONE, "1 lines are none", "log", "-o", "json");
		assert_string_equal(events(&t), "a b ");
	}
	/* What follows on a whole room of it is its end, and not a line. */
	memset(text, 'x', 4 * LOGREAD_LINE_MAX_B);
	memcpy(text + 4 * LOGREAD_LINE_MAX_B, "event=a\nevent=b\n", 17);
	put(&t, "", text);
	assert_run(&t, CLI_DONE, "1 lines are none", "log", "-o", "json");
	assert_string_equal(events(&t), "b ");
	text[4 * LOGREAD_LINE_MAX_B] = '\0';
	put(&t, "", text);
	assert_run(&t, CLI_DONE, "1 lines are none", "log");
	cli_test_clear(&t);
	free(text);
}

static void
no_value_reaches_the_terminal_or_forges_a_column(void **state)
{
	struct rnd r = rnd_start("log");
	struct cli_test t;
	struct audit a;
	char value[200], line[AUDIT_LINE_CAP + 64];

	cli_test_make(&t, state);
	audit_start(&a, "authenticate");
	audit_add(&a, "decision", "deny");
	audit_add(&a, "user", "x  192.0.2.1  sshd  roles admin");
	audit_add(&a, "service", "a\033b");
	(void)snprintf(line, sizeof(line), "%s\n", a.line);
	put(&t, "", line);
	assert_run(&t, CLI_DONE, NULL, "log");
	assert_non_null(strstr(t.out, "\"x  192.0.2.1  sshd  roles admin\"  -"));
	assert_non_null(strstr(t.out, "\"a\\x1bb\""));
	for (unsigned round = 0; round < 300; round++) {
		static const char *const names[] = {"time", "decision", "user", "rhost",
		    "service", "account", "roles", "why", "roles_before", "new"};

		audit_start(&a, round % 2 == 0 ? "authenticate" : "key-changed");
		for (size_t i = 0; i < N(names); i++) {
			size_t len = rnd_below(&r, sizeof(value));

			rnd_bytes(&r, value, len);
			value[len] = '\0';
			audit_add(&a, names[i], value);
		}
		(void)snprintf(line, sizeof(line), "%s\n", a.line);
		put(&t, "", line);
		assert_run(&t, CLI_DONE, NULL, "log");
		for (const char *c = t.out; *c != '\0'; c++)
			assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
		assert_non_null(strchr(t.out, '\n'));
		assert_string_equal(strchr(strchr(t.out, '\n') + 1, '\n'), "\n");
	}
	cli_test_clear(&t);
}

static void
the_log_alone_is_needed(void **state)
{
	struct cli_test t;

	cli_test_make(&t, state);
	put(&t, "", "event=a\n");
	file_write(t.host.paths.users, "x", 1, 0644);
	file_write(t.host.paths.local, "x", 1, 0600);
	host_settings(&t.host, "version: 7\n");
	t.cli.paths.owner = geteuid() + 1; /* whoever asks */
	assert_run(&t, CLI_DONE, NULL, "log", "-o", "json");
	assert_string_equal(events(&t), "a ");
	assert_run(&t, CLI_REFUSED, "needs root", "list");
	cli_test_clear(&t);
}

/* Answers whether the refusal was the right one. */
static int
ask_as_nobody(void *ctx)
{
	struct cli_test *t = ctx;

	char apikey[] = "apikey", log[] = "log", *argv[] = {apikey, log, NULL}, *said;
	size_t len;

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return 2;
	if ((t->cli.out = t->cli.err = open_memstream(&said, &len)) == NULL ||
	    cli_run(&t->cli, 2, argv) != CLI_REFUSED || fflush(t->cli.err) != 0)
		return 3;
	return strstr(said, "/closed is for root and the group adm") != NULL;
}

static void
who_may_not_read_it_is_told(void **state)
{
	struct cli_test t;
	char folder[PATH_CAP];

	cli_test_make(&t, state);
	put(&t, "", "event=a\n");
	assert_int_equal(mkdir(tmp_path(t.tmp, "closed"), 0700), 0);
	(void)snprintf(folder, sizeof(folder), "%s", tmp_path(t.tmp, "closed"));
	lies_at(&t, tmp_path(t.tmp, "closed/audit.log"));
	assert_run(&t, CLI_DONE, NULL, "log");
	assert_int_equal(chmod(folder, 0), 0);
	assert_int_equal(chmod(t.tmp->dir, 0755), 0); /* the folder itself is closed */
	assert_int_equal(child_ask(ask_as_nobody, &t), 1);
	assert_int_equal(rmdir(folder), 0);
	assert_run(&t, CLI_FAILED, "make it by `install -d -m 2750 -g adm ", "log");
	assert_run(&t, CLI_FAILED, "the log cannot be followed", "log", "-f");
	cli_test_clear(&t);
}

/* --- following ---------------------------------------------------------------------------------- */

struct follower {
	pid_t pid;
	FILE *lines; /* what it prints */
};

/* Whatever waits for ever here is a failure. */
#define LIMIT_S 120

static struct follower
start(struct cli_test *t, const char *const *words)
{
	struct follower f;
	int ends[2];

	(void)alarm(LIMIT_S);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_not_equal(f.pid = fork(), -1);
	if (f.pid == 0) {
		(void)close(ends[0]);
		(void)signal(SIGPIPE, SIG_IGN);
		t->out_to = fdopen(ends[1], "w");
		_exit(cli_test_run(t, words));
	}
	(void)close(ends[1]);
	assert_non_null(f.lines = fdopen(ends[0], "r"));
	return f;
}
#define start(t, ...) start((t), (const char *const[]){"apikey", "log", __VA_ARGS__, NULL})

static void
assert_follows(const struct follower *f, const char *wanted)
{
	char line[500];

	assert_non_null(fgets(line, sizeof(line), f->lines));
	assert_string_equal(line, wanted);
}

/* Nothing is left to read, and it has ended so. */
static void
assert_ended(struct follower *f, int code)
{
	char line[500];
	int status;

	if (f->lines != NULL) {
		assert_null(fgets(line, sizeof(line), f->lines));
		(void)fclose(f->lines);
	}
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	(void)alarm(0);
}

/* Its reader goes, and so does it. */
static void
leave(struct follower *f)
{
	(void)fclose(f->lines);
	f->lines = NULL;
	assert_ended(f, CLI_DONE);
}

static void
f_prints_what_is_there_and_then_what_comes(void **state)
{
	struct cli_test t;
	struct follower f;

	cli_test_make(&t, state);
	put(&t, ".1", "event=a\n");
	put(&t, "", "event=b\n");
	f = start(&t, "-f", "-o", "json");
	assert_follows(&f, "{\"event\": \"a\"}\n");
	assert_follows(&f, "{\"event\": \"b\"}\n");
	append(&t, "", "event=c\nevent=d\n");
	assert_follows(&f, "{\"event\": \"c\"}\n");
	assert_follows(&f, "{\"event\": \"d\"}\n");
	append(&t, "", "event=");
	append(&t, "", "e v=");
	append(&t, "", "1\n");
	assert_follows(&f, "{\"event\": \"e\", \"v\": \"1\"}\n");
	leave(&f);
	cli_test_clear(&t);
}

static void
f_keeps_to_what_is_asked_for(void **state)
{
	struct cli_test t;
	struct follower f;

	cli_test_make(&t, state);
	put(&t, "", "event=a decision=deny key=x\nevent=b decision=allow key=x\n");
	f = start(&t, "-f", "--denied", "--key", "x");
	assert_follows(&f, "TIME                  RESULT  WHAT           KEY           FROM    "
			   "         WHERE   DETAIL\n");
	assert_follows(&f, "-                     deny    a              x             -       "
			   "         -       -\n");
	append(&t, "", "event=c decision=allow key=x\nevent=d decision=deny key=y\n");
	append(&t, "", "event=e decision=deny key=x\n");
	assert_follows(&f, "-                     deny    e              x             -       "
			   "         -       -\n");
	leave(&f);
	cli_test_clear(&t);
}

static void
f_goes_on_when_the_log_is_rotated(void **state)
{
	struct cli_test t;
	struct follower f;
	char old[PATH_CAP + 16];

	cli_test_make(&t, state);
	put(&t, "", "event=a\n");
	f = start(&t, "-f", "-o", "json");
	assert_follows(&f, "{\"event\": \"a\"}\n");
	for (unsigned round = 0; round < 3; round++) {
		(void)snprintf(old, sizeof(old), "%s", path_of(&t, ".1"));
		if (round > 0)
			assert_int_equal(rename(old, path_of(&t, ".2")), 0);
		assert_int_equal(rename(t.host.paths.audit, old), 0);
		/* By somebody who had opened it before. */
		append(&t, ".1", "event=late\n");
		put(&t, "", "");
		append(&t, "", "event=new\n");
		assert_follows(&f, "{\"event\": \"late\"}\n");
		assert_follows(&f, "{\"event\": \"new\"}\n");
	}
	leave(&f);
	cli_test_clear(&t);
}

static void
f_goes_on_when_the_log_is_emptied_or_removed(void **state)
{
	struct cli_test t;
	struct follower f;

	cli_test_make(&t, state);
	put(&t, ".1", "event=old\n");
	f = start(&t, "-f", "-o", "json");
	assert_follows(&f, "{\"event\": \"old\"}\n");
	append(&t, "", "event=a v=longer-than-what-comes\n");
	assert_follows(&f, "{\"event\": \"a\", \"v\": \"longer-than-what-comes\"}\n");
	assert_int_equal(truncate(t.host.paths.audit, 0), 0);
	append(&t, "", "event=b\n");
	assert_follows(&f, "{\"event\": \"b\"}\n");
	assert_int_equal(unlink(t.host.paths.audit), 0);
	append(&t, "", "event=c\n");
	assert_follows(&f, "{\"event\": \"c\"}\n");
	leave(&f);
	cli_test_clear(&t);
}

/* More than a pipe holds: it is in the middle of its answer. */
static void
f_ends_well_when_nobody_reads_on(void **state)
{
	static char lines[400000];
	struct text all = text_over(lines, sizeof(lines));
	struct cli_test t;
	struct follower f;

	cli_test_make(&t, state);
	while (all.len + 100 < sizeof(lines))
		text_add(&all, "event=a v=%zu\n", all.len);
	put(&t, "", lines);
	f = start(&t, "-f", "-o", "json");
	assert_follows(&f, "{\"event\": \"a\", \"v\": \"0\"}\n");
	leave(&f);
	cli_test_clear(&t);
}

static void
f_ends_when_the_folder_goes(void **state)
{
	struct cli_test t;
	struct follower f;
	char folder[PATH_CAP];

	cli_test_make(&t, state);
	(void)snprintf(folder, sizeof(folder), "%s", tmp_path(t.tmp, "log"));
	assert_int_equal(mkdir(folder, 0700), 0);
	lies_at(&t, tmp_path(t.tmp, "log/audit.log"));
	put(&t, "", "event=a\n");
	f = start(&t, "-f", "-o", "json");
	assert_follows(&f, "{\"event\": \"a\"}\n");
	assert_int_equal(rename(folder, tmp_path(t.tmp, "moved")), 0);
	assert_ended(&f, CLI_FAILED);
	cli_test_clear(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_table_tells_what_happened_in_a_row_for_each_thing),
	    T(json_has_every_line_with_every_field),
	    T(a_row_is_left_out_only_when_another_tells_the_same),
	    T(lines_are_shown_that_were_asked_for),
	    T(rotated_files_come_first_and_the_oldest_before_all),
	    T(a_rotation_meanwhile_hides_nothing),
	    T(what_is_no_line_is_counted_and_left_out),
	    T(no_value_reaches_the_terminal_or_forges_a_column),
	    T(the_log_alone_is_needed),
	    T(who_may_not_read_it_is_told),
	    T(f_prints_what_is_there_and_then_what_comes),
	    T(f_keeps_to_what_is_asked_for),
	    T(f_goes_on_when_the_log_is_rotated),
	    T(f_goes_on_when_the_log_is_emptied_or_removed),
	    T(f_ends_well_when_nobody_reads_on),
	    T(f_ends_when_the_folder_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
