/* The pass that ends sessions, over a host that is made up: whom it signals, in which order, and whom it leaves alone. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "enforce.h"
#include "testlib_cmocka.h"
#include "testlib_directory.h"
#include "testlib_keys.h"

/* --- a host of made-up processes ------------------------------------------------------------ */

#define WORLD_MAX 128

struct someone {
	pid_t pid, parent;
	uint32_t audit;
	uid_t uid; /* real and saved; effective too */
	uid_t saved_is; /* where it is another; else 0 */
	bool effective_root, contained;
	dev_t tty;
	bool deaf; /* to SIGHUP */
	bool stuck; /* to SIGKILL too, as in an uninterruptible wait */
	int64_t slow_ms; /* SIGKILL takes so long; dies_ms: when, then */
	int64_t dies_ms;
	bool gone;
};

static struct {
	struct someone v[WORLD_MAX];
	size_t n;
	char log[4096]; /* what was done: `HUP 100; KILL 102; ` */
} world;

static void
note(const char *what, unsigned long number)
{
	size_t len = strlen(world.log);

	(void)snprintf(world.log + len, sizeof(world.log) - len, "%s %lu; ", what, number);
}

static struct someone *
find(pid_t pid)
{
	for (size_t i = 0; i < world.n; i++)
		if (world.v[i].pid == pid)
			return &world.v[i];
	return NULL;
}

static int
by_pid(const void *a, const void *b)
{
	const struct procs_one *x = a, *y = b;

	return x->id.pid < y->id.pid ? -1 : x->id.pid > y->id.pid;
}

static int64_t
clock_ms(void)
{
	struct timespec t;

	assert_return_code(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned looks;

static enum ak_err
world_look(struct procs *out)
{
	looks++;
	*out = PROCS_INIT;
	out->v = calloc(WORLD_MAX, sizeof(*out->v));
	assert_non_null(out->v);
	for (size_t i = 0; i < world.n; i++) {
		const struct someone *s = &world.v[i];

		if (s->gone || (s->dies_ms != 0 && clock_ms() >= s->dies_ms))
			continue;
		out->v[out->n++] = (struct procs_one){.id = {s->pid, (uint64_t)s->pid * 10},
		    .parent = s->parent,
		    .audit = s->audit,
		    .real = s->uid,
		    .effective = s->effective_root ? 0 : s->uid,
		    .saved = s->saved_is != 0 ? s->saved_is : s->uid,
		    .contained = s->contained,
		    .tty = s->tty};
	}
	qsort(out->v, out->n, sizeof(*out->v), by_pid);
	return AK_OK;
}

/* sshd's monitor takes its child along. */
static void
die(struct someone *s)
{
	s->gone = true;
}

static enum ak_err
world_signal(const struct proc_id *id, int sig)
{
	struct someone *s = find(id->pid);

	if (s == NULL || s->gone)
		return AK_ERR_NOT_FOUND;
	assert_int_equal(id->start, (uint64_t)id->pid * 10);
	note(sig == SIGKILL ? "KILL" : "HUP", (unsigned long)id->pid);
	if (sig == SIGKILL && s->slow_ms != 0) {
		if (s->dies_ms == 0)
			s->dies_ms = clock_ms() + s->slow_ms;
	} else if ((sig == SIGKILL && !s->stuck) || (sig == SIGHUP && !s->deaf))
		die(s);
	return AK_OK;
}

static enum ak_err
world_empty(uid_t uid, uid_t spare, struct diag *why)
{
	(void)why;
	assert_int_equal(spare, 99999);
	note("EMPTY", uid);
	for (size_t i = 0; i < world.n; i++)
		if (world.v[i].uid == uid)
			die(&world.v[i]);
	return AK_OK;
}

static void
world_tell(dev_t tty, const char *line)
{
	assert_non_null(strstr(line, "this session is ended"));
	note("TELL", (unsigned long)tty);
}

static enum ak_err
world_usermanager(uint32_t uid, int wait_ms)
{
	assert_true(wait_ms <= 1000);
	note("MANAGER", uid);
	return AK_OK;
}

static const struct enforce_calls calls = {
    world_look, world_signal, world_empty, world_tell, world_usermanager};

/* --- its sessions --------------------------------------------------------------------------- */

#define CI 70001U
#define NIGHTLY 70002U
#define DEPLOY 1005U

static struct host h;
static struct key_record ci, nightly;

static int
set_up(void **state)
{
	struct token tok = TOKEN_INIT;

	if (tmp_setup(state) != 0)
		return -1;
	host_make(&h, *state);
	ci = key_with_token("ci", CI, &tok);
	nightly = key_with_token("nightly", NIGHTLY, &tok);
	token_clear(&tok);
	key_bind(&ci, "viewer");
	key_bind(&nightly, "viewer");
	assert_int_equal(host_put(&h, &ci), AK_OK);
	assert_int_equal(host_put(&h, &nightly), AK_OK);
	memset(&world, 0, sizeof(world));
	return 0;
}

static struct someone *
add(pid_t pid, pid_t parent, uid_t uid, uint32_t audit)
{
	assert_true(world.n < WORLD_MAX);
	world.v[world.n] =
	    (struct someone){.pid = pid, .parent = parent, .uid = uid, .audit = audit};
	return &world.v[world.n++];
}

/* A login of the key by sshd: its monitor (pid), sshd's child and a shell on terminal pid, both of the account. */
static struct session
log_in(const struct key_record *key, uint32_t account_uid, pid_t pid)
{
	struct session s = {.state = SESSION_OPEN,
	    .uid = key->uid,
	    .account_uid = account_uid,
	    .secret = 1,
	    .service = "sshd",
	    .since = HOST_NOW - 100,
	    .leader = {pid, (uint64_t)pid * 10},
	    .namespace = proc_namespace(),
	    .audit = (uint32_t)pid};

	(void)snprintf(s.id, sizeof(s.id), "%016d", pid);
	(void)snprintf(s.key, sizeof(s.key), "%s", key->name);
	(void)snprintf(s.key_id, sizeof(s.key_id), "%s", key->id);
	(void)snprintf(
	    s.account, sizeof(s.account), "%s", account_uid == key->uid ? key->name : "deploy");
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	add(pid, 1, 0, (uint32_t)pid);
	add(pid + 1, pid, account_uid, (uint32_t)pid);
	add(pid + 2, pid + 1, account_uid, (uint32_t)pid)->tty = (dev_t)pid;
	return s;
}

static char ended[1024]; /* `ID REASON gently N; ` */

static void
take_ended(void *ctx, const struct enforce_ended *e)
{
	size_t len = strlen(ended);

	(void)ctx;
	(void)snprintf(ended + len, sizeof(ended) - len, "%s %s%s %u; ", e->session->id + 13,
	    reason_word(e->reason), e->gently ? " gently" : "", e->processes);
}

static struct enforce_result
pass(struct enforce_how how)
{
	struct enforce_result out;
	struct diag why = DIAG_INIT;

	how.paths = &h.paths;
	how.calls = &calls;
	how.ended = take_ended;
	if (how.now == 0)
		how.now = HOST_NOW;
	world.log[0] = ended[0] = '\0';
	assert_int_equal(enforce_run(&how, true, &out, &why), AK_OK);
	return out;
}

static struct enforce_result
pass_all(void)
{
	return pass((struct enforce_how){.guarded = false});
}

static void
disable(const struct key_record *key)
{
	struct key_record k = *key;

	k.state = KEY_DISABLED;
	assert_int_equal(host_put(&h, &k), AK_OK);
}

static bool
lives(pid_t pid)
{
	return find(pid) != NULL && !find(pid)->gone;
}

static enum ak_err
count_one(void *ctx, const struct session *s)
{
	(void)s;
	++*(unsigned *)ctx;
	return AK_OK;
}

static unsigned
count_records(void)
{
	unsigned n = 0;

	assert_int_equal(sessions_each(&h.paths, count_one, &n), AK_OK);
	return n;
}

static const char *
log_before(const char *one, const char *other)
{
	const char *a = strstr(world.log, one), *b = strstr(world.log, other);

	assert_non_null(a);
	assert_non_null(b);
	return a < b ? "before" : "after";
}

/* --- what ends ------------------------------------------------------------------------------ */

static void
who_keeps_the_right_is_left_alone(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)log_in(&ci, CI, 100);
	out = pass_all();
	assert_string_equal(world.log, "");
	assert_int_equal(out.live, 1);
	assert_int_equal(out.ended, 0);
	assert_int_equal(count_records(), 1);
}

static void
a_disabled_key_is_ended_and_its_uid_emptied(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	(void)log_in(&nightly, NIGHTLY, 200);
	add(150, 1, CI, PROC_NO_AUDIT); /* what no session carries */
	disable(&ci);
	assert_int_equal(pass_all().ended, 1);
	assert_string_equal(ended, "100 disabled 4; ");
	assert_string_equal(log_before("TELL 100", "HUP 100"), "before");
	assert_string_equal(log_before("HUP 100", "EMPTY 70001"), "before");
	assert_non_null(strstr(world.log, "MANAGER 70001"));
	assert_false(lives(100) || lives(101) || lives(102) || lives(150));
	assert_true(lives(200) && lives(201) && lives(202));
	assert_null(strstr(world.log, " 20"));
	assert_int_equal(count_records(), 1);
}

static void
what_it_became_root_for_goes_with_it(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	add(110, 102, 0, 100); /* sudo */
	add(111, 1, 0, 100); /* a daemon of it */
	add(112, 1, 0, 7); /* root's own */
	disable(&ci);
	(void)pass_all();
	assert_string_equal(ended, "100 disabled 5; ");
	assert_false(lives(110) || lives(111));
	assert_true(lives(112));
}

static void
of_a_shared_account_only_the_keys_own_goes(void **state)
{
	(void)state;
	(void)log_in(&ci, DEPLOY, 100);
	(void)log_in(&nightly, DEPLOY, 200);
	add(300, 1, DEPLOY, 300); /* by a public key: no session of ours */
	add(150, 1, DEPLOY, 100); /* with nohup */
	disable(&ci);
	(void)pass_all();
	assert_null(strstr(world.log, "EMPTY 1005"));
	assert_null(strstr(world.log, "MANAGER 1005"));
	assert_false(lives(100) || lives(102) || lives(150));
	assert_true(lives(200) && lives(202) && lives(300));
}

static void
nobody_is_emptied_whom_passwd_knows(void **state)
{
	FILE *f;

	(void)state;
	(void)log_in(&ci, CI, 100);
	add(150, 1, CI, PROC_NO_AUDIT);
	assert_non_null(f = fopen(h.paths.passwd, "w"));
	(void)fputs("somebody:x:70001:70001::/:/bin/sh\n", f);
	(void)fclose(f);
	disable(&ci);
	(void)pass_all();
	assert_null(strstr(world.log, "EMPTY"));
	assert_false(lives(102));
	assert_true(lives(150));
}

static void
a_login_inside_another_is_its_own(void **state)
{
	struct session inner;

	(void)state;
	(void)log_in(&ci, CI, 100);
	inner = log_in(&nightly, NIGHTLY, 200);
	find(200)->parent = 102; /* su, or an sshd that was started there */
	inner.audit = PROC_NO_AUDIT;
	assert_int_equal(sessions_update(&h.paths, &inner), AK_OK);
	find(200)->audit = find(201)->audit = find(202)->audit = 100;
	disable(&ci);
	(void)pass_all();
	assert_false(lives(100) || lives(102));
	assert_true(lives(200) && lives(201) && lives(202));
}

static void
an_administrators_su_keeps_its_root(void **state)
{
	struct session su = log_in(&ci, CI, 100);

	(void)state;
	(void)snprintf(su.service, sizeof(su.service), "su");
	su.by_root = true;
	su.secret = 0;
	su.audit = PROC_NO_AUDIT;
	assert_int_equal(sessions_update(&h.paths, &su), AK_OK);
	add(90, 1, 0, 90); /* the administrator's shell */
	find(100)->parent = 90;
	disable(&ci);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){CI}, .n_uids = 1});
	assert_true(lives(90) && lives(100));
	assert_false(lives(101) || lives(102)); /* they have the key's uid */
	assert_string_equal(ended, "");
}

static void
of_a_key_with_two_sessions_one_may_go_alone(void **state)
{
	struct session old = log_in(&ci, CI, 100);

	(void)state;
	(void)log_in(&ci, CI, 200);
	add(150, 1, CI, PROC_NO_AUDIT); /* begun by itself: by whom? */
	add(250, 1, CI, 200); /* with nohup, by the one that stays */
	old.secret = 7;
	assert_int_equal(sessions_update(&h.paths, &old), AK_OK);
	(void)pass_all();
	assert_string_equal(ended, "100 secret-ended 4; ");
	assert_null(strstr(world.log, "EMPTY"));
	assert_null(strstr(world.log, "MANAGER"));
	assert_false(lives(100) || lives(102) || lives(150));
	assert_true(lives(200) && lives(202) && lives(250));
}

static void
a_deleted_keys_uid_is_emptied_though_no_session_is_known(void **state)
{
	(void)state;
	add(150, 1, CI, PROC_NO_AUDIT);
	assert_int_equal(host_remove(&h, CI), AK_OK);
	(void)pass_all();
	assert_true(lives(150));
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){CI}, .n_uids = 1});
	assert_string_equal(world.log, "EMPTY 70001; MANAGER 70001; ");
	/* Nobody is asked to end what is not there. */
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){CI}, .n_uids = 1});
	assert_string_equal(world.log, "MANAGER 70001; ");
}

static void
a_pass_over_some_keys_judges_no_other(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	(void)log_in(&nightly, NIGHTLY, 200);
	disable(&ci);
	disable(&nightly);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){CI}, .n_uids = 1});
	assert_string_equal(ended, "100 disabled 3; ");
	assert_true(lives(200) && lives(202));
	assert_int_equal(count_records(), 1);
}

static void
a_leader_that_does_not_listen_is_killed(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	find(100)->deaf = true;
	disable(&ci);
	(void)pass_all();
	assert_string_equal(log_before("HUP 100", "KILL 100"), "before");
	assert_false(lives(100));
}

static void
what_the_kernel_holds_is_told_once_and_tried_again(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)log_in(&ci, DEPLOY, 100);
	find(102)->stuck = true;
	disable(&ci);
	out = pass_all();
	assert_int_equal(out.left, 1);
	assert_string_equal(ended, "100 disabled 3; ");
	/* Nor is it waited for again, by this key's passes or another's. */
	looks = 0;
	out = pass((struct enforce_how){.uids = (const uint32_t[]){NIGHTLY}, .n_uids = 1});
	assert_int_equal(out.left, 1);
	assert_true(looks <= 8);
	find(102)->stuck = false;
	out = pass_all();
	assert_string_equal(ended, "");
	assert_non_null(strstr(world.log, "KILL 102"));
	assert_int_equal(out.left, 0);
	assert_int_equal(count_records(), 0);
}

/* A busy machine: many are killed, and go one after the other. */
static void
whoever_goes_slowly_is_waited_for_while_fewer_are_left(void **state)
{
	(void)state;
	(void)log_in(&ci, DEPLOY, 100);
	for (pid_t i = 0; i < 3; i++)
		add(110 + i, 101, DEPLOY, 100)->slow_ms = 300 * (i + 1);
	disable(&ci);
	assert_int_equal(pass_all().left, 0);
	assert_int_equal(count_records(), 0);
}

static void
the_command_that_ends_its_own_session_comes_to_its_end(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	add(getpid(), 102, 0, 100);
	disable(&ci);
	(void)pass_all();
	assert_true(lives(getpid()));
	assert_false(lives(100) || lives(101) || lives(102));
	assert_int_equal(count_records(), 1);
	/* Nor does another's pass, apikeyd's for one, end it. */
	(void)pass_all();
	assert_true(lives(getpid()));
	assert_string_equal(ended, "");
	find(getpid())->gone = true;
	(void)pass_all();
	assert_int_equal(count_records(), 0);
}

/* --- what time ends ------------------------------------------------------------------------- */

static void
expire(int64_t at)
{
	struct key_record k = ci;

	k.expires_at = at;
	assert_int_equal(host_put(&h, &k), AK_OK);
}

static struct session kept_record;

static enum ak_err
take_first(void *ctx, const struct session *s)
{
	(void)ctx;
	kept_record = *s;
	return AK_ERR_EXISTS;
}

static struct session
the_record(void)
{
	assert_int_equal(sessions_each(&h.paths, take_first, NULL), AK_ERR_EXISTS);
	return kept_record;
}

/* How long it has until it is killed. */
static int64_t
grace_ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	return the_record().kill_at_ms - ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void
time_ends_gently(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)log_in(&ci, CI, 100);
	add(110, 102, 0, 100); /* sudo, and what it does */
	add(150, 1, CI, 100)->deaf = true; /* with nohup */
	add(151, 1, CI, PROC_NO_AUDIT);
	expire(HOST_NOW - 10);
	out = pass_all();
	assert_string_equal(ended, "100 expired gently 4; ");
	assert_true(lives(110) && lives(150) && lives(151));
	assert_false(lives(100) || lives(101) || lives(102));
	assert_null(strstr(world.log, "KILL"));
	assert_null(strstr(world.log, "EMPTY"));
	assert_int_equal(the_record().state, SESSION_ENDING);
	assert_true(grace_ms() > 3000 && grace_ms() <= 5000);
	assert_true(out.again_in_ms > 0 && out.again_in_ms <= 5000);
	(void)pass_all();
	assert_string_equal(world.log, "");
	assert_string_equal(ended, "");
	assert_int_equal(the_record().state, SESSION_ENDING);
}

static void
who_does_not_listen_is_killed_after_the_grace_and_root_goes_on(void **state)
{
	struct session s;

	(void)state;
	(void)log_in(&ci, CI, 100);
	add(110, 102, 0, 100);
	add(150, 1, CI, 100)->deaf = true;
	expire(HOST_NOW - 10);
	(void)pass_all();
	s = the_record();
	assert_int_equal(s.state, SESSION_ENDING);
	s.kill_at_ms = 1;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass_all();
	assert_string_equal(world.log, "KILL 150; ");
	assert_true(lives(110));
	assert_int_equal(the_record().state, SESSION_CLOSED);
	(void)pass_all();
	assert_string_equal(world.log, "");
	/* Revoked, it goes too. */
	disable(&ci);
	(void)pass_all();
	assert_false(lives(110));
	assert_string_equal(ended, "100 disabled 1; ");
}

static void
a_right_that_comes_back_in_time_ends_nothing_more(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	find(100)->deaf = find(101)->deaf = find(102)->deaf = true;
	expire(HOST_NOW - 10);
	(void)pass_all();
	expire(HOST_NOW + 1000);
	assert_int_equal(pass_all().next_at, HOST_NOW + 1000);
	assert_string_equal(world.log, "");
	assert_int_not_equal(the_record().state, SESSION_ENDING);
	assert_true(lives(102));
}

static void
a_revocation_does_not_wait_for_the_grace(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	find(102)->deaf = true;
	expire(HOST_NOW - 10);
	(void)pass_all();
	assert_true(lives(102));
	disable(&ci);
	(void)pass_all();
	assert_false(lives(102));
	assert_string_equal(ended, "100 disabled 1; ");
}

/* --- by hand, and records ------------------------------------------------------------------- */

static void
one_session_is_ended_by_its_id_and_nothing_beside_it(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	(void)log_in(&ci, CI, 200);
	add(150, 1, CI, PROC_NO_AUDIT);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){0}, .end_id = s.id});
	assert_string_equal(ended, "100 by-hand 3; ");
	assert_false(lives(100) || lives(102));
	assert_true(lives(200) && lives(202) && lives(150));
}

static void
all_of_a_key_are_ended_by_hand(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	(void)log_in(&ci, DEPLOY, 200);
	(void)log_in(&nightly, NIGHTLY, 300);
	add(150, 1, CI, PROC_NO_AUDIT);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){0}, .end_uid = CI});
	assert_non_null(strstr(ended, "100 by-hand 4; "));
	assert_non_null(strstr(ended, "200 by-hand 3; "));
	assert_false(lives(102) || lives(202) || lives(150));
	assert_true(lives(302));
}

static void
a_record_that_nothing_carries_is_removed(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	for (size_t i = 0; i < world.n; i++)
		world.v[i].gone = true;
	add(150, 1, CI, 100)->deaf = true; /* with nohup */
	s.state = SESSION_CLOSED;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass_all();
	assert_int_equal(count_records(), 1);
	find(150)->gone = true;
	disable(&ci);
	(void)pass_all();
	assert_int_equal(count_records(), 0);
	assert_string_equal(ended, "");
}

static void
a_session_that_was_refused_is_ended_without_a_word(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	s.state = SESSION_REFUSED;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass_all();
	assert_false(lives(100) || lives(101) || lives(102));
	assert_null(strstr(world.log, "EMPTY"));
	assert_string_equal(ended, "");
}

static void
sessions_of_another_pid_namespace_are_not_ours(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	s.namespace ++;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	disable(&ci);
	(void)pass_all();
	assert_true(lives(100) && lives(102));
	assert_string_equal(ended, "");
	assert_int_equal(count_records(), 1);
}

/* --- too many at once ----------------------------------------------------------------------- */

static struct enforce_result
guarded_pass(unsigned n_before)
{
	return pass((struct enforce_how){.guarded = true, .n_before = n_before});
}

/* Sessions of keys that live in LDAP: gone are those from the first of the range on, so many; the others are there. */
static void
log_in_from_directory(unsigned gone, unsigned there)
{
	struct key_record kept = directory_key("kept", DIRECTORY_UID + 500);

	host_settings(&h, "version: 1\n"
			  "directory:\n"
			  "  uris: [ldaps://ldap.example.com]\n"
			  "  keys: {base: 'ou=keys,dc=example,dc=com'}\n");
	(void)directory_write_keys(&h.paths, &kept, 1, HOST_NOW);
	assert_int_equal(host_publish(&h, HOST_NOW), AK_OK);
	for (unsigned i = 0; i < gone + there; i++) {
		char name[16];
		struct key_record k = kept;

		(void)snprintf(name, sizeof(name), "gone%u", i);
		if (i < gone)
			k = directory_key(name, DIRECTORY_UID + i);
		struct session s = log_in(&k, DEPLOY, (pid_t)(1000 + 10 * i));

		s.secret = 0;
		s.by_root = i >= gone;
		assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	}
}

static void
a_mass_ending_waits_for_an_administrator(void **state)
{
	struct enforce_result out;

	(void)state;
	log_in_from_directory(11, 10);
	out = guarded_pass(0);
	assert_int_equal(out.live, 21);
	assert_int_equal(out.held_back, 11);
	assert_string_equal(world.log, "");
	/* The clock's pass, or a command's, ends none of them. */
	assert_int_equal(pass_all().held_back, 11);
	assert_string_equal(world.log, "");
	out = pass((struct enforce_how){.accept = true});
	assert_int_equal(out.held_back, 0);
	assert_int_equal(out.ended, 11);
	assert_int_equal(count_records(), 10);
}

static const struct row {
	const char *name;
	unsigned gone, there, before, keys_before;
	bool held;
} rows[] = {
    {"more than ten, and more than half", 11, 10, 0, 0, true},
    {"ten", 10, 0, 0, 0, false},
    {"half of them", 11, 11, 0, 0, false},
    {"one, after ten of a moment ago", 1, 9, 10, 2, true},
    {"one, after ten of one other key", 1, 9, 10, 1, false},
    {"one, after nine of a moment ago", 1, 0, 9, 9, false},
    {"one, after ten that were less than half", 1, 40, 10, 10, false},
};

static void
so_many_are_held_back_and_no_fewer(void **state)
{
	const struct row *row = *state;
	struct enforce_result out;

	assert_int_equal(set_up(state), 0);
	log_in_from_directory(row->gone, row->there);
	out = pass((struct enforce_how){
	    .guarded = true, .n_before = row->before, .n_keys_before = row->keys_before});
	assert_int_equal(out.held_back, row->held ? row->gone : 0);
	assert_int_equal(out.ended, row->held ? 0 : row->gone);
}

static void
what_local_keys_say_is_never_held_back(void **state)
{
	struct enforce_result out;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		(void)log_in(&ci, DEPLOY, (pid_t)(1000 + 10 * i));
	disable(&ci);
	out = guarded_pass(0);
	assert_int_equal(out.ended, 12);
	assert_int_equal(out.held_back, 0);
}

static void
who_gets_the_right_back_is_held_back_no_longer(void **state)
{
	struct key_record back[12];
	char name[16];

	(void)state;
	log_in_from_directory(12, 0);
	assert_int_equal(guarded_pass(0).held_back, 12);
	for (unsigned i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "gone%u", i);
		back[i] = directory_key(name, DIRECTORY_UID + i);
		if (i > 0)
			key_bind(&back[i], "viewer");
	}
	(void)directory_write_keys(&h.paths, back, 12, HOST_NOW);
	assert_int_equal(host_publish(&h, HOST_NOW), AK_OK);
	assert_int_equal(guarded_pass(0).held_back, 0);
	assert_string_equal(world.log, "");
}

static void
a_command_that_ends_its_own_session_is_spared_by_others_too(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	add(105, 102, 0, 100); /* apikey */
	add(106, 102, 0, 100)->pid = 107;
	s.state = SESSION_ENDING;
	s.spared = (struct proc_id){105, 1050};
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	disable(&ci);
	(void)pass_all();
	assert_true(lives(105));
	assert_false(lives(107) || lives(102));
	/* Its pid, given anew, is another process. */
	s.spared.start++;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass_all();
	assert_false(lives(105));
}

static void
a_user_manager_that_time_ends_is_stopped_by_its_own_word(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	(void)snprintf(s.service, sizeof(s.service), "systemd-user");
	s.secret = 0;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	find(100)->uid = CI;
	expire(HOST_NOW - 10);
	(void)pass_all();
	assert_null(strstr(world.log, "HUP 101"));
	assert_non_null(strstr(world.log, "MANAGER 70001"));
}

static void
nobody_is_told_twice_on_the_terminal(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	find(102)->deaf = true;
	expire(HOST_NOW - 10);
	(void)pass_all();
	assert_non_null(strstr(world.log, "TELL 100"));
	(void)pass_all();
	assert_null(strstr(world.log, "TELL"));
}

static void
where_it_cannot_be_done_at_once_each_is_killed(void **state)
{
	struct someone *saved;
	FILE *f;

	(void)state;
	(void)log_in(&ci, CI, 100);
	saved = add(150, 1, 5, PROC_NO_AUDIT);
	saved->saved_is = CI;
	/* The id that ends others is somebody's. */
	assert_non_null(f = fopen(h.paths.passwd, "w"));
	(void)fputs("somebody:x:99999:99999::/:/bin/sh\n", f);
	(void)fclose(f);
	disable(&ci);
	(void)pass_all();
	assert_null(strstr(world.log, "EMPTY"));
	assert_false(lives(102) || lives(150));
}

static void
a_uid_outside_the_keys_range_is_never_emptied(void **state)
{
	static const uint32_t uids[] = {0, 5, 1005, 99998};

	(void)state;
	host_settings(&h, "version: 1\nuid_range: 70000-70100\n");
	assert_int_equal(host_publish(&h, HOST_NOW), AK_OK);
	for (size_t i = 0; i < 4; i++)
		add((pid_t)(150 + i), 1, uids[i], PROC_NO_AUDIT);
	(void)pass((struct enforce_how){.uids = uids, .n_uids = 4});
	assert_string_equal(world.log, "");
}

static void
of_a_revoked_key_a_shared_accounts_session_empties_no_uid_of_another(void **state)
{
	struct session s = log_in(&ci, DEPLOY, 100);

	(void)state;
	s.secret = 7; /* replaced */
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	add(150, 1, CI, PROC_NO_AUDIT);
	(void)pass_all();
	assert_string_equal(ended, "100 secret-ended 3; ");
	assert_true(lives(150));
}

static void
what_cannot_be_looked_up_is_not_gone(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	add(150, 1, CI, PROC_NO_AUDIT);
	assert_int_equal(truncate(h.paths.local, 10), 0);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){CI}, .n_uids = 1});
	assert_string_equal(world.log, "");
	assert_int_equal(count_records(), 1);
}

static void
a_session_that_is_gone_keeps_nothing_alive(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	(void)log_in(&ci, CI, 200);
	for (pid_t pid = 200; pid < 203; pid++)
		find(pid)->gone = true; /* its record is not removed yet */
	add(150, 1, CI, PROC_NO_AUDIT);
	s.secret = 7;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass_all();
	assert_non_null(strstr(world.log, "EMPTY 70001"));
	assert_false(lives(150));
}

static void
only_a_stolen_token_takes_what_no_session_carries_from_one_that_stays(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	(void)log_in(&ci, CI, 200);
	add(150, 1, CI, PROC_NO_AUDIT);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){0}, .end_id = s.id});
	(void)snprintf(s.key_id, sizeof(s.key_id), "Zanother00"); /* a key of before, say */
	s = log_in(&ci, CI, 300);
	(void)snprintf(s.key_id, sizeof(s.key_id), "Zanother00");
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass_all();
	assert_non_null(strstr(ended, "300 deleted 3; "));
	assert_true(lives(150) && lives(202));
	assert_false(lives(302));
}

static void
a_held_back_keys_uid_is_not_emptied(void **state)
{
	uint32_t uids[11];

	(void)state;
	log_in_from_directory(11, 0);
	for (unsigned i = 0; i < 11; i++) {
		uids[i] = DIRECTORY_UID + i;
		add((pid_t)(5000 + i), 1, uids[i], PROC_NO_AUDIT);
	}
	assert_int_equal(guarded_pass(0).held_back, 11);
	(void)pass((struct enforce_how){.uids = uids, .n_uids = 11});
	assert_string_equal(world.log, "");
	(void)pass((struct enforce_how){.uids = uids, .n_uids = 11, .accept = true});
	assert_non_null(strstr(world.log, "EMPTY 1879048192"));
	assert_false(lives(5010));
}

static void
by_hand_even_many_are_ended_while_ldap_moves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++)
		(void)log_in(&ci, DEPLOY, (pid_t)(1000 + 10 * i));
	assert_int_equal(pass((struct enforce_how){.end_all = true, .guarded = true}).ended, 12);
}

static void
of_one_key_all_sessions_end_however_many_it_opened(void **state)
{
	struct key_record one = directory_key("gone0", DIRECTORY_UID);
	struct enforce_result out;

	(void)state;
	log_in_from_directory(1, 0);
	for (unsigned i = 0; i < 20; i++) {
		struct session s = log_in(&one, DEPLOY, (pid_t)(2000 + 10 * i));

		s.secret = 0;
		assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	}
	out = guarded_pass(0);
	assert_int_equal(out.held_back, 0);
	assert_int_equal(out.ended, 21);
	assert_int_equal(out.ended_keys, 1);
}

static void
roots_su_takes_nothing_away_of_the_session_that_it_is_called_in(void **state)
{
	struct session su;

	(void)state;
	(void)log_in(&ci, CI, 100);
	su = log_in(&nightly, NIGHTLY, 200); /* sudo su - nightly */
	find(200)->parent = 102;
	for (pid_t pid = 200; pid < 203; pid++)
		find(pid)->audit = 100;
	su.by_root = true;
	su.secret = 0;
	su.audit = PROC_NO_AUDIT;
	assert_int_equal(sessions_update(&h.paths, &su), AK_OK);
	assert_int_equal(pass_all().ended, 0);
	assert_int_equal(count_records(), 2);
	disable(&ci);
	(void)pass_all();
	assert_string_equal(ended, "100 disabled 6; ");
	assert_false(lives(200) || lives(201) || lives(202));
}

static void
a_daemon_that_opened_it_and_serves_others_lives(void **state)
{
	struct session s = log_in(&ci, DEPLOY, 100);

	(void)state;
	add(50, 100, DEPLOY, PROC_NO_AUDIT); /* a child of before, with a child of now */
	add(120, 50, DEPLOY, PROC_NO_AUDIT);
	s.audit = PROC_NO_AUDIT;
	s.opened = 1005;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	disable(&ci);
	(void)pass_all();
	assert_true(lives(100) && lives(50) && lives(120));
	assert_false(lives(101) || lives(102));
}

static void
what_runs_as_the_key_keeps_its_closed_session_known(void **state)
{
	struct session s = log_in(&ci, CI, 100);

	(void)state;
	for (size_t i = 0; i < world.n; i++)
		world.v[i].gone = true;
	add(150, 1, CI, PROC_NO_AUDIT); /* su, then nohup: no mark is its own */
	s.state = SESSION_CLOSED;
	s.audit = PROC_NO_AUDIT;
	s.secret = 7;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	(void)pass((struct enforce_how){.uids = (const uint32_t[]){NIGHTLY}, .n_uids = 1});
	assert_int_equal(count_records(), 1);
	(void)pass_all();
	assert_string_equal(ended, "100 secret-ended 1; ");
	assert_false(lives(150));
	(void)pass_all();
	assert_int_equal(count_records(), 0);
}

static void
sudo_itself_outlives_the_time_too(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	add(110, 102, CI, 100)->effective_root = true;
	expire(HOST_NOW - 10);
	(void)pass_all();
	assert_true(lives(110));
	assert_false(lives(102));
}

static void
a_record_is_not_written_again_for_nothing(void **state)
{
	struct session s = log_in(&ci, CI, 100);
	struct stat before, after;
	char path[PATH_CAP + 64];

	(void)state;
	add(110, 102, 0, 100);
	expire(HOST_NOW - 10);
	(void)pass_all();
	(void)pass_all();
	(void)snprintf(path, sizeof(path), "%s/sessions/%s", h.paths.run, s.id);
	assert_int_equal(stat(path, &before), 0);
	(void)pass_all();
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void
a_containers_user_of_the_same_number_lives(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	add(150, 1, CI, PROC_NO_AUDIT);
	add(160, 1, CI, PROC_NO_AUDIT)->contained = true;
	disable(&ci);
	(void)pass_all();
	assert_null(strstr(world.log, "EMPTY"));
	assert_false(lives(102) || lives(150));
	assert_true(lives(160));
}

static void
nor_is_a_number_taken_that_anybody_runs_under(void **state)
{
	(void)state;
	(void)log_in(&ci, CI, 100);
	add(150, 1, CI, PROC_NO_AUDIT);
	add(160, 1, 99999, PROC_NO_AUDIT)->contained = true;
	disable(&ci);
	(void)pass_all();
	assert_null(strstr(world.log, "EMPTY"));
	assert_false(lives(150));
	assert_true(lives(160));
}

/* Its leader lived when the record was read, and what it left was forked behind the list that was read. */
static void
a_session_that_ends_during_the_look_keeps_its_record(void **state)
{
	struct session s = log_in(&ci, CI, 100), closed = log_in(&nightly, NIGHTLY, 200);
	struct proc own;

	(void)state;
	assert_int_equal(proc_read(getpid(), &own), AK_OK);
	s.leader = own.id;
	assert_int_equal(sessions_update(&h.paths, &s), AK_OK);
	closed.state = SESSION_CLOSED;
	assert_int_equal(sessions_update(&h.paths, &closed), AK_OK);
	for (size_t i = 0; i < world.n; i++)
		world.v[i].gone = true;
	(void)pass_all();
	assert_int_equal(count_records(), 1);
	assert_string_equal(the_record().id, s.id);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tmp_teardown)

int
main(void)
{
	struct CMUnitTest tests[64] = {
	    CASE(who_keeps_the_right_is_left_alone),
	    CASE(a_disabled_key_is_ended_and_its_uid_emptied),
	    CASE(what_it_became_root_for_goes_with_it),
	    CASE(of_a_shared_account_only_the_keys_own_goes),
	    CASE(nobody_is_emptied_whom_passwd_knows),
	    CASE(a_login_inside_another_is_its_own),
	    CASE(an_administrators_su_keeps_its_root),
	    CASE(of_a_key_with_two_sessions_one_may_go_alone),
	    CASE(a_deleted_keys_uid_is_emptied_though_no_session_is_known),
	    CASE(a_pass_over_some_keys_judges_no_other),
	    CASE(a_leader_that_does_not_listen_is_killed),
	    CASE(what_the_kernel_holds_is_told_once_and_tried_again),
	    CASE(whoever_goes_slowly_is_waited_for_while_fewer_are_left),
	    CASE(the_command_that_ends_its_own_session_comes_to_its_end),
	    CASE(time_ends_gently),
	    CASE(who_does_not_listen_is_killed_after_the_grace_and_root_goes_on),
	    CASE(a_right_that_comes_back_in_time_ends_nothing_more),
	    CASE(a_revocation_does_not_wait_for_the_grace),
	    CASE(one_session_is_ended_by_its_id_and_nothing_beside_it),
	    CASE(all_of_a_key_are_ended_by_hand),
	    CASE(a_record_that_nothing_carries_is_removed),
	    CASE(a_session_that_was_refused_is_ended_without_a_word),
	    CASE(sessions_of_another_pid_namespace_are_not_ours),
	    CASE(a_mass_ending_waits_for_an_administrator),
	    CASE(what_local_keys_say_is_never_held_back),
	    CASE(who_gets_the_right_back_is_held_back_no_longer),
	    CASE(a_command_that_ends_its_own_session_is_spared_by_others_too),
	    CASE(a_user_manager_that_time_ends_is_stopped_by_its_own_word),
	    CASE(nobody_is_told_twice_on_the_terminal),
	    CASE(where_it_cannot_be_done_at_once_each_is_killed),
	    CASE(a_uid_outside_the_keys_range_is_never_emptied),
	    CASE(of_a_revoked_key_a_shared_accounts_session_empties_no_uid_of_another),
	    CASE(what_cannot_be_looked_up_is_not_gone),
	    CASE(a_session_that_is_gone_keeps_nothing_alive),
	    CASE(only_a_stolen_token_takes_what_no_session_carries_from_one_that_stays),
	    CASE(a_held_back_keys_uid_is_not_emptied),
	    CASE(by_hand_even_many_are_ended_while_ldap_moves),
	    CASE(of_one_key_all_sessions_end_however_many_it_opened),
	    CASE(roots_su_takes_nothing_away_of_the_session_that_it_is_called_in),
	    CASE(a_daemon_that_opened_it_and_serves_others_lives),
	    CASE(what_runs_as_the_key_keeps_its_closed_session_known),
	    CASE(sudo_itself_outlives_the_time_too),
	    CASE(a_record_is_not_written_again_for_nothing),
	    CASE(a_containers_user_of_the_same_number_lives),
	    CASE(nor_is_a_number_taken_that_anybody_runs_under),
	    CASE(a_session_that_ends_during_the_look_keeps_its_record),
	};
	size_t n = 45;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tests[n++] = (struct CMUnitTest){.name = rows[i].name,
		    .test_func = so_many_are_held_back_and_no_fewer,
		    .teardown_func = tmp_teardown,
		    .initial_state = (void *)(uintptr_t)&rows[i]};
	return _cmocka_run_group_tests("enforce", tests, n, NULL, NULL);
}
