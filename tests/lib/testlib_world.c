#include "testlib_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "live.h"
#include "rundir.h"
#include "testlib_cmocka.h"

struct world world;

/* No pass takes longer: its waits, for processes and for user managers, what it tells to terminals, and some room. */
#define PASS_MS 8000

/* ---- processes ---- */

struct someone *
world_add(pid_t pid, pid_t parent, uid_t uid, uint32_t audit)
{
	assert_true(world.n < WORLD_MAX);
	world.v[world.n] =
	    (struct someone){.pid = pid, .parent = parent, .uid = uid, .audit = audit};
	return &world.v[world.n++];
}

struct someone *
world_find(pid_t pid)
{
	for (size_t i = 0; i < world.n; i++)
		if (world.v[i].pid == pid)
			return &world.v[i];
	return NULL;
}

bool
world_lives(pid_t pid)
{
	return world_find(pid) != NULL && !world_find(pid)->gone;
}

void
world_are_gone(void)
{
	for (size_t i = 0; i < world.n; i++)
		world.v[i].gone = true;
}

void
world_passwd(uint32_t uid)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "somebody:x:%u:%u::/:/bin/sh\n", uid, uid);
	file_write(world.host.paths.passwd, line, strlen(line), 0644);
}

/* ---- what a pass does to them ---- */

static void
note(const char *what, unsigned long number)
{
	size_t len = strlen(world.log);

	(void)snprintf(world.log + len, sizeof(world.log) - len, "%s %lu; ", what, number);
}

static int
by_pid(const void *a, const void *b)
{
	const struct procs_one *x = a, *y = b;

	return x->id.pid < y->id.pid ? -1 : x->id.pid > y->id.pid;
}

static bool
is_seen(const struct someone *s)
{
	return !s->gone && (s->dies_ms == 0 || world.now_ms < s->dies_ms) &&
	       (s->hides == 0 || world.looks % s->hides == 0);
}

static struct procs_one
seen(const struct someone *s)
{
	struct procs_one one = {.id = {s->pid, (uint64_t)s->pid * 10},
	    .parent = s->parent,
	    .audit = s->audit,
	    .real = s->uid,
	    .effective = s->effective_is != 0 ? s->effective_is : s->uid,
	    .saved = s->saved_is != 0 ? s->saved_is : s->uid,
	    .contained = s->contained,
	    .ended = s->zombie,
	    .tty = s->tty};

	if (s->effective_root)
		one.effective = 0;
	return one;
}

/* As large as it must be, and no larger: whoever reads behind the last is caught by a sanitizer. */
static enum ak_err
look(struct procs *out)
{
	size_t n = 0;

	world.looks++;
	*out = PROCS_INIT;
	for (size_t i = 0; i < world.n; i++)
		n += is_seen(&world.v[i]) ? 1 : 0;
	if ((out->v = calloc(n == 0 ? 1 : n, sizeof(*out->v))) == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < world.n; i++)
		if (is_seen(&world.v[i]))
			out->v[out->n++] = seen(&world.v[i]);
	qsort(out->v, out->n, sizeof(*out->v), by_pid);
	return world.looks == world.fails_at ? AK_ERR_UNAVAILABLE : AK_OK;
}

static void
end(struct someone *s)
{
	if (s->slow_ms == 0)
		s->gone = true;
	else if (s->dies_ms == 0)
		s->dies_ms = world.now_ms + s->slow_ms;
}

static enum ak_err
give_signal(const struct proc_id *id, int sig)
{
	struct someone *s = world_find(id->pid);
	int64_t *first;

	if (s == NULL || s->gone)
		return AK_ERR_NOT_FOUND;
	assert_int_equal(id->start, (uint64_t)id->pid * 10);
	note(sig == SIGKILL ? "KILL" : "HUP", (unsigned long)id->pid);
	first = sig == SIGKILL ? &s->kill_ms : &s->hup_ms;
	if (*first == 0)
		*first = world.now_ms;
	if (sig == SIGKILL ? !s->stuck : !s->deaf)
		end(s);
	return AK_OK;
}

static enum ak_err
empty(uid_t uid, uid_t spare, struct diag *why)
{
	(void)why;
	assert_int_equal(spare, world.spare);
	note("EMPTY", uid);
	for (size_t i = 0; i < world.n; i++)
		if (world.v[i].uid == uid || world.v[i].saved_is == uid)
			world.v[i].gone = true;
	return AK_OK;
}

static void
tell(dev_t tty, const char *line)
{
	assert_non_null(strstr(line, "this session is ended"));
	note("TELL", (unsigned long)tty);
	world.told_ms = world.now_ms;
}

static enum ak_err
end_usermanager(uint32_t uid, int wait_ms)
{
	assert_true(wait_ms >= 0 && wait_ms <= 1000);
	note("MANAGER", uid);
	world.managers_ms += wait_ms;
	if (world.managers_hang)
		world.now_ms += wait_ms + 100;
	return AK_OK;
}

static int64_t
clock_ms(void)
{
	return world.now_ms;
}

static void
wait_ms(int64_t ms)
{
	assert_true(ms > 0 && ms < 1000);
	world.now_ms += ms + world.stalls_ms;
	world.stalls_ms = 0;
	assert_true(world.now_ms - world.began_ms <= PASS_MS);
}

static const struct enforce_calls calls = {.look = look,
    .signal = give_signal,
    .empty_uid = empty,
    .tell = tell,
    .end_usermanager = end_usermanager,
    .clock_ms = clock_ms,
    .pause = wait_ms};

/* ---- sessions ---- */

struct session
world_log_in(const struct key_record *key, uint32_t account_uid, pid_t pid)
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
	world_record(&s);
	world_add(pid, 1, 0, (uint32_t)pid);
	world_add(pid + 1, pid, account_uid, (uint32_t)pid);
	world_add(pid + 2, pid + 1, account_uid, (uint32_t)pid)->tty = (dev_t)pid;
	return s;
}

void
world_record(const struct session *s)
{
	int dir;

	assert_int_equal(
	    rundir_open(world.host.paths.run, "sessions", world.host.paths.owner, &dir), AK_OK);
	(void)close(dir);
	assert_int_equal(sessions_update(&world.host.paths, s), AK_OK);
}

static enum ak_err
count_one(void *ctx, const struct session *s)
{
	(void)s;
	++*(unsigned *)ctx;
	return AK_OK;
}

unsigned
world_count_records(void)
{
	unsigned n = 0;

	assert_int_equal(sessions_each(&world.host.paths, count_one, &n), AK_OK);
	return n;
}

static enum ak_err
take_named(void *ctx, const struct session *s)
{
	struct session *wanted = ctx;

	if (strcmp(s->id, wanted->id) != 0)
		return AK_OK;
	*wanted = *s;
	return AK_ERR_EXISTS;
}

struct session
world_session(pid_t pid)
{
	struct session s;

	(void)snprintf(s.id, sizeof(s.id), "%016d", pid);
	assert_int_equal(sessions_each(&world.host.paths, take_named, &s), AK_ERR_EXISTS);
	return s;
}

/* ---- keys ---- */

void
world_disable(const struct key_record *key)
{
	struct key_record k = *key;

	k.state = KEY_DISABLED;
	assert_int_equal(host_put(&world.host, &k), AK_OK);
}

void
world_expire(int64_t at)
{
	struct key_record k = world.ci;

	k.expires_at = at;
	assert_int_equal(host_put(&world.host, &k), AK_OK);
}

void
world_settle(void)
{
	host_settle(&world.host);
}

int
world_setup(void **state)
{
	struct token tok = TOKEN_INIT;

	if (tmp_setup(state) != 0)
		return -1;
	memset(&world, 0, sizeof(world));
	world.now_ms = 1000000;
	world.spare = 99999;
	host_make(&world.host, *state);
	world.ci = key_with_token("ci", CI, &tok);
	world.nightly = key_with_token("nightly", NIGHTLY, &tok);
	token_clear(&tok);
	key_bind(&world.ci, "viewer");
	key_bind(&world.nightly, "viewer");
	assert_int_equal(host_put(&world.host, &world.ci), AK_OK);
	assert_int_equal(host_put(&world.host, &world.nightly), AK_OK);
	return 0;
}

/* ---- a pass ---- */

static void
take_ended(void *ctx, const struct enforce_ended *e)
{
	size_t len = strlen(world.ended);

	(void)ctx;
	(void)snprintf(world.ended + len, sizeof(world.ended) - len, "%s %s%s %u; ",
	    e->session->id + 13, reason_word(e->reason), e->gently ? " gently" : "",
	    e->processes);
}

enum ak_err
world_try(struct enforce_how how, struct enforce_result *out)
{
	struct diag why = DIAG_INIT;
	enum ak_err err;

	world.began_ms = world.now_ms;
	world.managers_ms = 0;

	how.paths = &world.host.paths;
	how.calls = &calls;
	how.ended = take_ended;
	if (how.now == 0)
		how.now = HOST_NOW;
	world.log[0] = world.ended[0] = '\0';
	world.looks = 0;
	err = enforce_run(&how, !world.impatient, out, &why);
	world.took_ms = world.now_ms - world.began_ms;
	assert_true(err == AK_OK || err == AK_ERR_EXISTS || why.text[0] != '\0');
	return err;
}

struct enforce_result
world_pass(struct enforce_how how)
{
	struct enforce_result out;

	assert_int_equal(world_try(how, &out), AK_OK);
	return out;
}

struct enforce_result
world_pass_all(void)
{
	return world_pass((struct enforce_how){.guarded = false});
}

struct enforce_result
world_pass_of(uint32_t uid)
{
	return world_pass((struct enforce_how){.uids = &uid, .n_uids = 1});
}

bool
world_did(const char *what)
{
	return strstr(world.log, what) != NULL;
}

bool
world_did_before(const char *one, const char *other)
{
	const char *a = strstr(world.log, one), *b = strstr(world.log, other);

	return a != NULL && b != NULL && a < b;
}
