/* The record of each session that a key opened, and which of them a process belongs to. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "rundir.h"
#include "marks.h"
#include "sessions.h"
#include "testlib_alloc.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define DEPLOY 1005U
#define CI 70000U

static struct paths paths;

static int
set_up(void **state)
{
	struct host h;

	if (tmp_setup(state) != 0)
		return -1;
	host_make(&h, *state);
	paths = h.paths;
	return 0;
}

static struct session
make(const char *key, uint32_t uid, uint32_t account_uid, const char *address)
{
	struct session s = {.state = SESSION_OPEN,
	    .uid = uid,
	    .key_id = "K000070000",
	    .secret = 3,
	    .account_uid = account_uid,
	    .account = "deploy",
	    .service = "sshd",
	    .since = HOST_NOW,
	    .roles = "a,b",
	    .n_groups = 2,
	    .groups = {{5, "five"}, {6, "six"}}};

	(void)snprintf(s.key, sizeof(s.key), "%s", key);
	(void)snprintf(s.address, sizeof(s.address), "%s", address);
	return s;
}

/* As the first session that is opened does. */
static void
make_folder(void)
{
	int dir;

	assert_err("", AK_OK, rundir_open(paths.run, "sessions", paths.owner, &dir));
	(void)close(dir);
}

/* Opened by the process that calls. */
static struct session
open_one(const char *key, uint32_t uid, uint32_t account_uid, const char *address)
{
	struct session s = make(key, uid, account_uid, address);

	assert_err(key, AK_OK, sessions_open(&paths, &s));
	return s;
}

struct list {
	unsigned n;
	char keys[256];
	struct session last;
};

static enum ak_err
list_one(void *ctx, const struct session *s)
{
	struct list *l = ctx;

	l->n++;
	l->last = *s;
	(void)snprintf(
	    l->keys + strlen(l->keys), sizeof(l->keys) - strlen(l->keys), "%s ", s->key);
	return AK_OK;
}

static struct list
list(void)
{
	struct list l = {.n = 0};

	assert_err("", AK_OK, sessions_each(&paths, list_one, &l));
	return l;
}

/* Whose session the caller is in, acting for the uid. */
#define is_found(wanted, uid) is_found_((wanted), (uid), __LINE__)
static void
is_found_(const char *wanted, uint32_t uid, int line)
{
	struct session s;
	enum ak_err err = sessions_find_own(&paths, uid, &s);
	char row[64];

	(void)snprintf(row, sizeof(row), "line %d: %.32s", line, s.key);
	assert_row(row, err == (wanted == NULL ? AK_ERR_NOT_FOUND : AK_OK));
	assert_row(row, strcmp(s.key, wanted == NULL ? "" : wanted) == 0);
}

static char *
path_of(const char *name)
{
	static char path[PATH_CAP + 64];

	(void)snprintf(path, sizeof(path), "%s/sessions/%s", paths.run, name);
	return path;
}

static void
a_session_is_recorded_changed_and_closed(void **state)
{
	struct session s = open_one("ci", CI, DEPLOY, "192.0.2.1"), other;
	struct list l = list();
	struct proc own;

	(void)state;
	assert_err("", AK_OK, proc_read(getpid(), &own));
	assert_int_equal(l.n, 1);
	assert_int_equal(strlen(s.id), SESSION_ID_CAP - 1);
	assert_string_equal(l.last.id, s.id);
	assert_string_equal(l.last.key, s.key);
	assert_int_equal(s.leader.pid, getpid());
	assert_true(s.leader.start == own.id.start && s.namespace == proc_namespace());
	s.state = SESSION_REFUSED;
	memcpy(s.roles, "c,d", 3);
	assert_err("", AK_OK, sessions_update(&paths, &s));
	l = list();
	assert_int_equal(l.n, 1);
	assert_int_equal(l.last.state, SESSION_REFUSED);
	assert_string_equal(l.last.roles, "c,d");
	other = open_one("second", CI + 1, DEPLOY, "");
	assert_string_not_equal(other.id, s.id);
	assert_int_equal(list().n, 2);
	assert_err("", AK_OK, sessions_close(&paths, other.id));
	l = list();
	assert_string_equal(l.keys, "ci ");
	assert_err("", AK_OK, sessions_close(&paths, s.id));
	assert_err("twice", AK_ERR_NOT_FOUND, sessions_close(&paths, s.id));
	assert_int_equal(list().n, 0);
}

/* As where the root folder is another by then. */
static void
what_changes_a_record_makes_no_folder(void **state)
{
	struct session s = open_one("ci", CI, DEPLOY, "192.0.2.1");

	(void)state;
	assert_int_equal(unlink(path_of(s.id)), 0);
	assert_int_equal(rmdir(path_of("")), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_err("update", AK_ERR_NOT_FOUND, sessions_update(&paths, &s));
		assert_err("remove", AK_ERR_NOT_FOUND, sessions_remove(&paths, s.id));
		assert_err("close", AK_ERR_NOT_FOUND, sessions_close(&paths, s.id));
		assert_int_equal(access(path_of(""), F_OK), -1);
		(void)rmdir(paths.run);
	}
	assert_int_equal(access(paths.run, F_OK), -1);
}

static int
close_it(void *ctx)
{
	return (int)sessions_close(&paths, ctx);
}

static void
only_the_leader_closes_and_only_what_it_names(void **state)
{
	static const char *const names[] = {"", ".", "..", "../x", "0123456789abcdef", "x"};
	struct session s = open_one("ci", CI, DEPLOY, "");
	struct session forged = s;

	(void)state;
	assert_int_equal(child_ask(close_it, s.id), AK_ERR_NOT_FOUND);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_row(names[i], sessions_close(&paths, names[i]) != AK_OK);
	forged.leader.start++;
	assert_err("", AK_OK, sessions_update(&paths, &forged));
	assert_err("the pid given again", AK_ERR_NOT_FOUND, sessions_close(&paths, s.id));
	forged = s;
	forged.namespace ++;
	assert_err("", AK_OK, sessions_update(&paths, &forged));
	assert_err("another namespace", AK_ERR_NOT_FOUND, sessions_close(&paths, s.id));
	assert_int_equal(list().n, 1);
}

static int
open_as_leader(void *ctx)
{
	struct session s = make(ctx, CI, DEPLOY, "192.0.2.9");

	return (int)sessions_open(&paths, &s);
}

static void
abuse_136_what_no_process_carries_is_swept_at_the_next_login(void **state)
{
	struct child c;
	struct session s;

	(void)state;
	assert_int_equal(child_ask(open_as_leader, (void *)(uintptr_t) "dead"), AK_OK);
	assert_int_equal(list().n, 1);
	c = child_start(open_as_leader, (void *)(uintptr_t) "alive");
	assert_int_equal(c.answer, AK_OK);
	assert_string_equal(list().keys, "alive ");
	child_end(&c);
	s = open_one("reused", CI, DEPLOY, "");
	assert_string_equal(list().keys, "reused ");
	s.leader.start++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_false(sessions_is_carried(&s));
	s = open_one("far", CI, DEPLOY, "");
	assert_string_equal(list().keys, "far ");
	s.leader.pid = INT32_MAX;
	s.namespace ++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_true(sessions_is_carried(&s)); /* nothing is known of it */
	s = open_one("refused", CI, DEPLOY, "");
	s.state = SESSION_REFUSED;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_true(sessions_is_carried(&s));
	(void)open_one("next", CI, DEPLOY, "");
	assert_int_equal(list().n, 3);
	s.state = SESSION_CLOSED;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_false(sessions_is_carried(&s));
	(void)open_one("last", CI, DEPLOY, "");
	assert_null(strstr(list().keys, "refused"));
}

/* ---- audit sessions: only where a login may be marked (root, and a kernel that does) ---- */

/* A login's mark for this process, as pam_loginuid(8) sets it. */
static bool
mark(uint32_t uid)
{
	char text[16];
	struct proc own;
	int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd == -1)
		return false;
	(void)snprintf(text, sizeof(text), "%u", uid);
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	(void)close(fd);
	return done && proc_read(getpid(), &own) == AK_OK && own.audit != PROC_NO_AUDIT;
}

struct marked {
	bool can;
	struct session s;
	const char *service;
	uint32_t uid;
	char own[32], orphan[32]; /* the key that was found there */
	bool asked, ended;
};

static void
find_key(char out[32], uint32_t uid)
{
	struct session s;

	(void)snprintf(
	    out, 32, "%s", sessions_find_own(&paths, uid, &s) == AK_OK ? s.key : "none");
}

static int
open_marked(void *ctx)
{
	struct marked *m = ctx;

	if (!(m->can = mark(m->uid)))
		return 0;
	m->s = make("marked", CI, DEPLOY, "192.0.2.9");
	(void)snprintf(m->s.service, sizeof(m->s.service), "%s", m->service);
	return (int)sessions_open(&paths, &m->s);
}

static void
abuse_147_148_an_audit_mark_that_others_may_carry_is_not_trusted(void **state)
{
	struct marked *m = child_share(sizeof(*m));
	struct child c;

	(void)state;
	m->uid = DEPLOY;
	m->service = "sshd";
	c = child_start(open_marked, m);
	assert_int_equal(c.answer, AK_OK);
	child_end(&c);
	if (!m->can) {
		(void)munmap(m, sizeof(*m));
		skip();
	}
	assert_int_not_equal(m->s.audit, PROC_NO_AUDIT);
	m->service = "su-l";
	assert_int_equal(child_ask(open_marked, m), AK_OK);
	assert_int_equal(m->s.audit, PROC_NO_AUDIT);
	(void)munmap(m, sizeof(*m));
}

static int
open_here(void *ctx)
{
	struct marked *m = ctx;

	m->s = make("inner", CI + 1, DEPLOY, "192.0.2.8");
	return (int)sessions_open(&paths, &m->s);
}

/* A marked login, and in it an sshd (or so) with the same mark. */
static int
open_nested(void *ctx)
{
	struct marked *m = ctx;

	if (!(m->can = mark(DEPLOY)))
		return 0;
	return child_ask(open_here, m);
}

static void
an_audit_mark_of_the_parent_is_not_trusted(void **state)
{
	struct marked *m = child_share(sizeof(*m));

	(void)state;
	assert_int_equal(child_ask(open_nested, m), AK_OK);
	if (m->can)
		assert_int_equal(m->s.audit, PROC_NO_AUDIT);
	(void)munmap(m, sizeof(*m));
}

/* A leader opens and forks the session, which outlives it: what does a process find in it, before and after? */
static void
live_on(struct marked *m, pid_t leader)
{
	find_key(m->own, DEPLOY);
	__atomic_store_n(&m->asked, true, __ATOMIC_RELEASE);
	while (getppid() == leader)
		(void)sched_yield();
	find_key(m->orphan, DEPLOY);
	__atomic_store_n(&m->ended, true, __ATOMIC_RELEASE);
	_exit(0);
}

static void
lead(struct marked *m)
{
	pid_t own = getpid();

	(void)open_marked(m);
	if (fork() == 0)
		live_on(m, own);
	while (!__atomic_load_n(&m->asked, __ATOMIC_ACQUIRE))
		(void)sched_yield();
	_exit(m->can ? (int)sessions_close(&paths, m->s.id) : 0);
}

static int
outlive(void *ctx)
{
	struct marked *m = ctx;

	if (fork() == 0)
		lead(m);
	while (!__atomic_load_n(&m->ended, __ATOMIC_ACQUIRE))
		(void)sched_yield();
	return list().n == 1 && list().last.state == SESSION_CLOSED ? 0 : 1;
}

static void
abuse_142_what_outlives_its_logout_still_belongs_to_its_session(void **state)
{
	struct marked *m = child_share(sizeof(*m));
	int ended;

	(void)state;
	m->uid = DEPLOY;
	m->service = "sshd";
	ended = child_ask(outlive, m);
	if (!m->can) {
		(void)munmap(m, sizeof(*m));
		skip();
	}
	assert_int_equal(ended, 0);
	assert_string_equal(m->own, "marked");
	assert_string_equal(m->orphan, "marked");
	(void)munmap(m, sizeof(*m));
}

/* ---- whose session ---- */

static int
nest(void *ctx)
{
	char found[32];
	struct session s;

	(void)ctx;
	find_key(found, DEPLOY);
	if (strcmp(found, "outer") != 0)
		return 1;
	s = make("inner", CI + 1, DEPLOY, "");
	if (sessions_open(&paths, &s) != AK_OK)
		return 2;
	find_key(found, DEPLOY);
	if (strcmp(found, "inner") != 0)
		return 3;
	s.state = SESSION_CLOSED;
	if (sessions_update(&paths, &s) != AK_OK)
		return 4;
	s = make("again", CI + 2, DEPLOY, "");
	if (sessions_open(&paths, &s) != AK_OK)
		return 5;
	find_key(found, DEPLOY);
	if (strcmp(found, "again") != 0)
		return 6;
	find_key(found, 1000);
	return strcmp(found, "none") == 0 ? 0 : 7;
}

static int
find_none(void *ctx)
{
	char found[32];

	find_key(found, *(uint32_t *)ctx);
	return strcmp(found, "none") == 0 ? 0 : 1;
}

static void
abuse_147_the_nearest_leader_is_ones_session(void **state)
{
	struct session s = open_one("outer", CI, DEPLOY, "");
	uint32_t uid = 1000;
	struct child c;

	(void)state;
	assert_int_equal(child_ask(nest, NULL), 0);
	is_found("outer", DEPLOY);
	assert_int_equal(child_ask(find_none, &uid), 0);
	/* A record that only looks like the one above us. */
	s.leader.start++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	is_found(NULL, DEPLOY);
	s.leader.start--;
	s.namespace ++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	is_found(NULL, DEPLOY);
	/* Beside us is not above us. */
	c = child_start(open_as_leader, (void *)(uintptr_t) "beside");
	is_found(NULL, DEPLOY);
	child_end(&c);
}

#define CANNOT_MARK 77

/* A daemon's child may still write its own loginuid, and so gets an audit session that no record knows. */
static int
mark_oneself(void *ctx)
{
	char found[32];

	if (!mark(DEPLOY))
		return CANNOT_MARK;
	find_key(found, DEPLOY);
	return strcmp(found, ctx) == 0 ? 0 : 1;
}

static void
abuse_153_an_audit_mark_of_ones_own_making_leads_nowhere(void **state)
{
	struct session s = open_one("outer", CI, DEPLOY, "");
	int answer = child_ask(mark_oneself, (void *)(uintptr_t) "outer");

	(void)state;
	if (answer == CANNOT_MARK)
		skip();
	assert_int_equal(answer, 0);
	/* And without a leader above there is no session at all. */
	s.leader.start++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_int_equal(child_ask(mark_oneself, (void *)(uintptr_t) "none"), 0);
}

static int
open_own(void *ctx)
{
	struct session s = make("ci", CI, CI, ctx);

	if (strcmp(ctx, "cron") == 0) {
		(void)snprintf(s.service, sizeof(s.service), "cron");
		s.address[0] = '\0';
	}
	return (int)sessions_open(&paths, &s);
}

static void
a_keys_own_uid_tells_and_its_origin_where_there_is_one(void **state)
{
	static const struct {
		const char *a, *b, *own, *origin;
	} rows[] = {
	    {"192.0.2.1", NULL, "192.0.2.1", "192.0.2.1"},
	    {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"},
	    {"192.0.2.1", "192.0.2.2", "", NULL},
	    {"192.0.2.1", "", "", NULL},
	    {"", NULL, "", NULL},
	    {"192.0.2.1", "cron", "192.0.2.1", "192.0.2.1"},
	    {"cron", "192.0.2.1", "192.0.2.1", "192.0.2.1"},
	    {"cron", "cron", "", NULL},
	};

	(void)state;
	is_found(NULL, CI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child a = child_start(open_own, (void *)(uintptr_t)rows[i].a), b;
		char address[64];
		struct session s;

		if (rows[i].b != NULL)
			b = child_start(open_own, (void *)(uintptr_t)rows[i].b);
		assert_err("", AK_OK, sessions_find_own(&paths, CI, &s));
		assert_string_equal(s.key, "ci");
		assert_string_equal(s.address, rows[i].own);
		assert_err(rows[i].a, rows[i].origin == NULL ? AK_ERR_NOT_FOUND : AK_OK,
		    sessions_find_origin(&paths, CI, address));
		assert_string_equal(address, rows[i].origin == NULL ? "" : rows[i].origin);
		assert_err("", AK_ERR_NOT_FOUND, sessions_find_origin(&paths, CI + 1, address));
		child_end(&a);
		if (rows[i].b != NULL)
			child_end(&b);
		is_found(NULL, CI);
		assert_err("", AK_ERR_NOT_FOUND, sessions_find_origin(&paths, CI, address));
	}
}

static void
nobody_is_found_on_a_shared_account_by_its_uid_alone(void **state)
{
	struct child c = child_start(open_as_leader, (void *)(uintptr_t) "ci");

	(void)state;
	is_found(NULL, DEPLOY);
	is_found(NULL, CI);
	child_end(&c);
}

/* ---- files ---- */

static enum ak_err
stop(void *ctx, const struct session *s)
{
	(void)s;
	++*(unsigned *)ctx;
	return AK_ERR_EXISTS;
}

static void
damaged_records_are_passed_over(void **state)
{
	struct session s = open_one("ci", CI, DEPLOY, "192.0.2.1");
	char bad[] = "0123456789abcdef";
	unsigned n = 0;
	size_t len_b;
	char *bytes = file_read(path_of(s.id), &len_b);

	(void)state;
	assert_non_null(bytes);
	file_write(path_of(bad), bytes, len_b, 0600);
	assert_int_equal(list().n, 2);
	assert_err("", AK_ERR_EXISTS, sessions_each(&paths, stop, &n));
	assert_int_equal(n, 1);
	for (size_t i = 0; i < len_b; i++) {
		bytes[i] ^= 0x41;
		file_write(path_of(bad), bytes, len_b, 0600);
		assert_int_equal(list().n, 1);
		is_found("ci", DEPLOY);
		bytes[i] ^= 0x41;
		file_write(path_of(bad), bytes, i, 0600);
		assert_int_equal(list().n, 1);
	}
	file_write(path_of(bad), bytes, len_b, 0644);
	assert_int_equal(list().n, 1);
	assert_int_equal(unlink(path_of(bad)), 0);
	assert_int_equal(mkfifo(path_of(bad), 0600), 0);
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	assert_int_equal(symlink(s.id, path_of("link")), 0);
	assert_int_equal(list().n, 1);
	(void)open_one("next", CI, DEPLOY, "");
	assert_int_equal(list().n, 2);
	free(bytes);
}

static void
assert_records(const char *row, unsigned sessions, unsigned newer, unsigned damaged)
{
	struct sessions_unread unread;

	assert_row(row, list().n == sessions);
	assert_err(row, AK_OK, sessions_count_unread(&paths, &unread));
	assert_row(row, unread.newer == newer && unread.damaged == damaged);
}

static void
a_right_sum_makes_no_wrong_record_right(void **state)
{
	static const struct {
		const char *row;
		uint8_t state;
		const char *key;
		pid_t leader;
		bool sound;
	} rows[] = {
	    {"as it is written", SESSION_OPEN, "ci", 5, true},
	    {"the last state", SESSION_ENDING, "ci", 5, true},
	    {"no state", 0, "ci", 5, false},
	    {"a state to come", SESSION_ENDING + 1, "ci", 5, false},
	    {"no name of a key", SESSION_OPEN, "A b", 5, false},
	    {"no leader", SESSION_OPEN, "ci", 0, false},
	    {"everybody for a leader", SESSION_OPEN, "ci", -1, false},
	};
	struct session s = open_one("ci", CI, DEPLOY, "");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session other = s;

		other.state = rows[i].state;
		other.leader.pid = rows[i].leader;
		(void)snprintf(other.key, sizeof(other.key), "%s", rows[i].key);
		assert_err(rows[i].row, AK_OK, sessions_update(&paths, &other));
		assert_records(rows[i].row, rows[i].sound, 0, !rows[i].sound);
	}
}

static void
a_record_of_another_version_or_length_is_none(void **state)
{
	static const struct {
		const char *row;
		int version_off, more_b;
		bool newer;
	} rows[] = {{"a later version", 1, 0, true}, {"an earlier version", -1, 0, false},
	    {"a byte more", 0, 1, false}, {"a byte less", 0, -1, false}};
	struct session s = open_one("ci", CI, DEPLOY, "");
	size_t len_b;
	unsigned char *bytes = (unsigned char *)file_read(path_of(s.id), &len_b);
	unsigned char other[4096] = {0};

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = len_b - 4 + (size_t)rows[i].more_b;

		memcpy(other, bytes, len_b - 4);
		other[len_b - 4] = 0;
		other[0] = (unsigned char)(other[0] + rows[i].version_off);
		le32_store(other + n, hash_crc32(0, other, n));
		file_write(path_of(s.id), other, n + 4, 0600);
		assert_records(rows[i].row, 0, rows[i].newer, !rows[i].newer);
	}
	free(bytes);
}

static void
records_that_cannot_be_looked_for_are_not_counted_as_none(void **state)
{
	struct sessions_unread unread = {1, 1};

	(void)state;
	assert_err("no folder", AK_OK, sessions_count_unread(&paths, &unread));
	assert_int_equal(unread.newer + unread.damaged, 0);
	(void)open_one("ci", CI, DEPLOY, "");
	paths.owner++;
	assert_err("another's", AK_ERR_UNSAFE, sessions_count_unread(&paths, &unread));
	paths.owner--;
}

static void
fill(char *s, size_t cap_b, char with)
{
	memset(s, with, cap_b - 1);
	s[cap_b - 1] = '\0';
}

/* As long as it can become, and no two fields alike. */
static struct session
make_full(void)
{
	struct session s = make("", UINT32_MAX - 1, UINT32_MAX - 2, "");

	fill(s.key, sizeof(s.key), 'k');
	fill(s.key_id, sizeof(s.key_id), 'I');
	fill(s.account, sizeof(s.account), 'a');
	fill(s.service, sizeof(s.service), 's');
	fill(s.address, sizeof(s.address), 'f');
	fill(s.scope, sizeof(s.scope), 'c');
	fill(s.requires, sizeof(s.requires), 'q');
	fill(s.roles, sizeof(s.roles), 'r');
	s.n_groups = SESSION_GROUPS_MAX;
	for (uint32_t i = 0; i < SESSION_GROUPS_MAX; i++) {
		s.groups[i].gid = UINT32_MAX - i;
		fill(s.groups[i].name, sizeof(s.groups[i].name), (char)('a' + i % 26));
	}
	s.state = SESSION_ENDING;
	s.secret = UINT32_MAX - 3;
	s.since = INT64_MAX - 1;
	s.by_root = true;
	s.in_scope = true;
	s.kill_at_ms = INT64_MAX - 2;
	s.spared = (struct proc_id){.pid = INT32_MAX, .start = UINT64_MAX - 1};
	s.held_back = true;
	s.policy = UINT64_MAX - 2;
	s.key_print = UINT64_MAX - 3;
	return s;
}

static void
assert_same(const struct session *a, const struct session *b)
{
	assert_true(a->state == b->state && a->uid == b->uid && a->secret == b->secret);
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->key, b->key);
	assert_string_equal(a->key_id, b->key_id);
	assert_string_equal(a->account, b->account);
	assert_int_equal(a->account_uid, b->account_uid);
	assert_string_equal(a->service, b->service);
	assert_string_equal(a->address, b->address);
	assert_true(a->since == b->since);
	assert_true(a->leader.pid == b->leader.pid && a->leader.start == b->leader.start);
	assert_true(a->opened == b->opened);
	assert_true(a->namespace == b->namespace && a->audit == b->audit);
	assert_string_equal(a->scope, b->scope);
	assert_int_equal(a->by_root, b->by_root);
	assert_int_equal(a->in_scope, b->in_scope);
	assert_string_equal(a->requires, b->requires);
	assert_string_equal(a->roles, b->roles);
	assert_int_equal(a->n_groups, b->n_groups);
	for (uint32_t i = 0; i < a->n_groups; i++) {
		assert_int_equal(a->groups[i].gid, b->groups[i].gid);
		assert_string_equal(a->groups[i].name, b->groups[i].name);
	}
	assert_true(a->kill_at_ms == b->kill_at_ms && a->held_back == b->held_back);
	assert_true(a->spared.pid == b->spared.pid && a->spared.start == b->spared.start);
	assert_true(a->policy == b->policy && a->key_print == b->key_print);
}

static void
a_record_with_everything_full_comes_back_whole(void **state)
{
	struct session s = make_full();
	struct list l;
	struct stat st;

	(void)state;
	assert_err("", AK_OK, sessions_open(&paths, &s));
	l = list();
	assert_int_equal(l.n, 1);
	assert_same(&s, &l.last);
	assert_int_equal(stat(path_of(s.id), &st), 0);
	assert_true(st.st_size <= (off_t)RUNDIR_MAX_B);
	s.audit = 5;
	s.leader.start = UINT64_MAX;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	l = list();
	assert_same(&s, &l.last);
}

/* Root alone writes them; but what it wrote wrong must not lead beyond a field either. */
static void
whatever_stands_in_a_record_each_field_is_within_its_bounds(void **state)
{
	struct session s = make_full(), last;
	unsigned char *bytes;
	size_t len_b;

	(void)state;
	assert_err("", AK_OK, sessions_open(&paths, &s));
	bytes = (unsigned char *)file_read(path_of(s.id), &len_b);
	assert_non_null(bytes);
	for (size_t i = 0; i < len_b - 4; i++) {
		bytes[i] ^= 0xff;
		le32_store(bytes + len_b - 4, hash_crc32(0, bytes, len_b - 4));
		file_write(path_of(s.id), bytes, len_b, 0600);
		last = (struct session){.uid = 0};
		if (list().n == 1)
			last = list().last;
		assert_true(last.n_groups <= SESSION_GROUPS_MAX);
		assert_true(strnlen(last.scope, sizeof(last.scope)) < sizeof(last.scope));
		assert_true(strnlen(last.roles, sizeof(last.roles)) < sizeof(last.roles));
		bytes[i] ^= 0xff;
	}
	free(bytes);
}

static void
a_record_is_removed_by_its_id_and_nothing_else_is(void **state)
{
	static const char *const names[] = {"", ".", "..", "../x", "sessions",
	    "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcde", "../../../../x"};
	struct session s = open_one("ci", CI, DEPLOY, "");
	struct session other = open_one("other", CI + 1, DEPLOY, "");

	(void)state;
	file_write(path_of("0123456789ABCDEF"), "", 0, 0600);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_err(names[i], AK_ERR_NOT_FOUND, sessions_remove(&paths, names[i]));
	assert_true(file_is_there(path_of("0123456789ABCDEF")));
	assert_err("", AK_OK, sessions_remove(&paths, s.id));
	assert_string_equal(list().keys, "other ");
	assert_err("twice", AK_ERR_NOT_FOUND, sessions_remove(&paths, s.id));
	assert_err("", AK_OK, sessions_remove(&paths, other.id));
	assert_int_equal(list().n, 0);
}

static void
abuse_073_without_room_nothing_is_recorded_and_a_change_leaves_the_old(void **state)
{
	struct session s = open_one("ci", CI, DEPLOY, ""), none = s;
	struct rlimit was, small;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){.rlim_cur = 50, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_err("", AK_ERR_UNAVAILABLE, sessions_open(&paths, &none));
	s.state = SESSION_REFUSED;
	assert_err("", AK_ERR_UNAVAILABLE, sessions_update(&paths, &s));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(list().n, 1);
	assert_int_equal(list().last.state, SESSION_OPEN);
	assert_int_equal(chmod(paths.run, 0777), 0);
	assert_err("", AK_ERR_UNSAFE, sessions_open(&paths, &none));
	assert_err("", AK_ERR_UNSAFE, sessions_find_own(&paths, DEPLOY, &none));
	assert_err("", AK_ERR_UNSAFE, sessions_close(&paths, s.id));
	assert_int_equal(chmod(paths.run, 0755), 0);
}

/* What the sweep looks at, in its order: records that are read, then marks that are asked for. */
static unsigned read_before_mark, reads;
static bool mark_asked;

enum ak_err __real_rundir_read(
    int fd, const char *name, uid_t owner, unsigned char *buf, size_t *len_b);
enum ak_err __wrap_rundir_read(
    int fd, const char *name, uid_t owner, unsigned char *buf, size_t *len_b);
bool __real_marks_has_audit(struct marks *m, uint32_t audit);
bool __wrap_marks_has_audit(struct marks *m, uint32_t audit);

enum ak_err
__wrap_rundir_read(int fd, const char *name, uid_t owner, unsigned char *buf, size_t *len_b)
{
	reads++;
	return __real_rundir_read(fd, name, owner, buf, len_b);
}

bool
__wrap_marks_has_audit(struct marks *m, uint32_t audit)
{
	if (!mark_asked)
		read_before_mark = reads;
	mark_asked = true;
	return __real_marks_has_audit(m, audit);
}

/* Else a session that began, and was logged out of, in between would have no process. */
static void
processes_are_looked_at_after_every_record(void **state)
{
	struct session s = make("ci", CI, CI, "192.0.2.1");

	(void)state;
	make_folder();
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(s.id, sizeof(s.id), "000000000000000%u", i);
		s.state = SESSION_CLOSED;
		s.namespace = proc_namespace();
		s.leader = (struct proc_id){.pid = 1, .start = 1};
		s.audit = 4000000000U + i;
		assert_err(s.id, AK_OK, sessions_update(&paths, &s));
	}
	reads = 0;
	mark_asked = false;
	(void)open_one("ci", CI, CI, "192.0.2.1");
	assert_true(mark_asked);
	assert_int_equal(read_before_mark, 3);
}

/* ---- made-up processes: what the kernel would have to be asked to be, or a machine to run logind ---- */

#define LOGIN "/user.slice/session-1.scope"
#define OTHER "/user.slice/session-2.scope"

static struct world {
	bool made_up;
	bool endless; /* above each process is another one */
	bool orphan; /* the parent is gone */
	uint32_t own_audit, above_audit;
	const char *own_scope, *above_scope;
	const char *carried_scope; /* that of some other process; NULL: none */
	uid_t runs; /* some other process is of it */
} world;
static bool no_randomness;

enum ak_err __real_proc_read(pid_t pid, struct proc *out);
enum ak_err __wrap_proc_read(pid_t pid, struct proc *out);
void __real_proc_read_scope(pid_t pid, char *out, size_t cap_b);
void __wrap_proc_read_scope(pid_t pid, char *out, size_t cap_b);
bool __real_marks_has_scope(struct marks *m, const char *scope);
bool __wrap_marks_has_scope(struct marks *m, const char *scope);
bool __real_marks_has_uid(struct marks *m, uid_t uid);
bool __wrap_marks_has_uid(struct marks *m, uid_t uid);
ssize_t __real_getrandom(void *bytes, size_t len_b, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t len_b, unsigned flags);

enum ak_err
__wrap_proc_read(pid_t pid, struct proc *out)
{
	enum ak_err err;

	if (world.endless) {
		*out = (struct proc){
		    .id = {.pid = pid}, .parent = pid + 1, .audit = PROC_NO_AUDIT};
		return AK_OK;
	}
	err = __real_proc_read(pid, out);
	if (!world.made_up)
		return err;
	if (pid == getpid())
		out->audit = world.own_audit;
	else if (world.orphan)
		return AK_ERR_NOT_FOUND;
	else
		out->audit = world.above_audit;
	return err;
}

void
__wrap_proc_read_scope(pid_t pid, char *out, size_t cap_b)
{
	if (!world.made_up)
		__real_proc_read_scope(pid, out, cap_b);
	else if (pid == getpid())
		(void)snprintf(out, cap_b, "%s", world.own_scope);
	else
		(void)snprintf(out, cap_b, "%s", world.orphan ? "" : world.above_scope);
}

bool
__wrap_marks_has_scope(struct marks *m, const char *scope)
{
	if (world.made_up)
		return world.carried_scope != NULL && strcmp(scope, world.carried_scope) == 0;
	return __real_marks_has_scope(m, scope);
}

bool
__wrap_marks_has_uid(struct marks *m, uid_t uid)
{
	return world.made_up ? uid == world.runs : __real_marks_has_uid(m, uid);
}

ssize_t
__wrap_getrandom(void *bytes, size_t len_b, unsigned flags)
{
	return no_randomness ? -1 : __real_getrandom(bytes, len_b, flags);
}

static void
an_audit_mark_is_a_sessions_where_it_is_its_alone(void **state)
{
	static const struct {
		const char *row, *service;
		uint32_t own, above, others;
		bool orphan, trusted;
	} rows[] = {
	    {"its own", "sshd", 5, 4, 6, false, true},
	    {"the parent has none", "login", 5, PROC_NO_AUDIT, 6, false, true},
	    {"the parent is gone", "sshd", 5, 5, 6, true, true},
	    {"the parent's", "sshd", 5, 5, 6, false, false},
	    {"another record's", "sshd", 5, 4, 5, false, false},
	    {"none", "sshd", PROC_NO_AUDIT, 4, 6, false, false},
	    {"its caller's, by su", "su", 5, 4, 6, false, false},
	    {"its caller's, by su -", "su-l", 5, 4, 6, false, false},
	    {"its caller's, by runuser", "runuser-l", 5, 4, 6, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session other = open_one("other", CI, DEPLOY, ""),
			       s = make("ci", CI, DEPLOY, "");

		other.audit = rows[i].others;
		assert_err(rows[i].row, AK_OK, sessions_update(&paths, &other));
		(void)snprintf(s.service, sizeof(s.service), "%s", rows[i].service);
		world = (struct world){.made_up = true,
		    .own_scope = "",
		    .above_scope = "",
		    .own_audit = rows[i].own,
		    .above_audit = rows[i].above,
		    .orphan = rows[i].orphan};
		assert_err(rows[i].row, AK_OK, sessions_open(&paths, &s));
		world = (struct world){.made_up = false};
		assert_row(
		    rows[i].row, s.audit == (rows[i].trusted ? rows[i].own : PROC_NO_AUDIT));
		assert_err(rows[i].row, AK_OK, sessions_remove(&paths, other.id));
		assert_err(rows[i].row, AK_OK, sessions_remove(&paths, s.id));
	}
}

/* logind moves the leader into the session's scope after it was recorded. */
static void
a_closed_session_stays_while_its_own_scope_has_a_process(void **state)
{
	static const struct {
		const char *row, *before, *own, *above, *carried;
		bool orphan, stays;
	} rows[] = {
	    {"it runs on", "", LOGIN, "", LOGIN, false, true},
	    {"beside another login", "", LOGIN, OTHER, LOGIN, false, true},
	    {"the parent is gone", "", LOGIN, LOGIN, LOGIN, true, true},
	    {"nothing runs on", "", LOGIN, "", OTHER, false, false},
	    {"in no scope", "", "", "", "", false, false},
	    {"su's, which is the caller's", "", LOGIN, LOGIN, LOGIN, false, false},
	    {"it began in another's", OTHER, LOGIN, "", LOGIN, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s = make("ci", CI, DEPLOY, "");
		struct list l;

		world = (struct world){.made_up = true,
		    .own_scope = rows[i].before,
		    .above_scope = rows[i].above,
		    .own_audit = PROC_NO_AUDIT,
		    .above_audit = PROC_NO_AUDIT,
		    .carried_scope = rows[i].carried};
		assert_err(rows[i].row, AK_OK, sessions_open(&paths, &s));
		assert_row(rows[i].row, s.in_scope == (rows[i].before[0] != '\0'));
		world.own_scope = rows[i].own;
		world.orphan = rows[i].orphan;
		assert_err(rows[i].row, AK_OK, sessions_close(&paths, s.id));
		world = (struct world){.made_up = false};
		l = list();
		assert_row(rows[i].row, l.n == (rows[i].stays ? 1 : 0));
		if (!rows[i].stays)
			continue;
		assert_row(rows[i].row, l.last.state == SESSION_CLOSED);
		assert_row(rows[i].row, strcmp(l.last.scope, rows[i].own) == 0);
		assert_err(rows[i].row, AK_OK, sessions_remove(&paths, s.id));
	}
}

/* Else a key that LDAP takes away would leave running what it began by su. */
static void
what_a_session_without_a_mark_left_is_told_by_its_uid(void **state)
{
	static const struct {
		const char *row;
		uint32_t account, audit, runs;
		bool by_root, stays;
	} rows[] = {
	    {"it runs", CI, PROC_NO_AUDIT, CI, false, true},
	    {"nothing of it runs", CI, PROC_NO_AUDIT, DEPLOY, false, false},
	    {"others run on a shared account", DEPLOY, PROC_NO_AUDIT, DEPLOY, false, false},
	    {"and the key elsewhere", DEPLOY, PROC_NO_AUDIT, CI, false, false},
	    {"it has a mark, which nothing has", CI, 4000000000U, CI, false, false},
	    {"root's own su", CI, PROC_NO_AUDIT, CI, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session s = make("ci", CI, rows[i].account, "");

		world = (struct world){.made_up = true,
		    .own_scope = "",
		    .above_scope = "",
		    .own_audit = rows[i].audit,
		    .above_audit = PROC_NO_AUDIT,
		    .runs = rows[i].runs};
		s.by_root = rows[i].by_root;
		assert_err(rows[i].row, AK_OK, sessions_open(&paths, &s));
		assert_err(rows[i].row, AK_OK, sessions_close(&paths, s.id));
		assert_row(rows[i].row, list().n == (rows[i].stays ? 1 : 0));
		if (rows[i].stays)
			assert_err(rows[i].row, AK_OK, sessions_remove(&paths, s.id));
	}
	world = (struct world){.made_up = false};
}

/* They would be as many as there were logins while one of them lives. */
static void
of_those_one_is_kept_for_all(void **state)
{
	struct session s;

	(void)state;
	world = (struct world){.made_up = true,
	    .own_scope = "",
	    .above_scope = "",
	    .own_audit = PROC_NO_AUDIT,
	    .above_audit = PROC_NO_AUDIT,
	    .runs = CI};
	for (unsigned i = 0; i < 3; i++) {
		s = make("ci", CI, CI, "");
		assert_err("", AK_OK, sessions_open(&paths, &s));
		assert_int_equal(list().n, i == 0 ? 1 : 2);
		assert_err("", AK_OK, sessions_close(&paths, s.id));
	}
	world.runs = DEPLOY;
	s = make("ci", CI, CI, "");
	assert_err("", AK_OK, sessions_open(&paths, &s));
	assert_int_equal(list().n, 1);
	world = (struct world){.made_up = false};
}

static enum ak_err
count_one(void *ctx, const struct session *s)
{
	(void)s;
	(*(int *)ctx)++;
	return AK_OK;
}

static int
count_with_few_descriptors(void *ctx)
{
	int n = 0;
	enum ak_err err;

	if (child_leave_descriptors(*(const unsigned *)ctx) != 0)
		return 255;
	err = sessions_each(&paths, count_one, &n);
	return err == AK_OK ? n : 100 + (int)err;
}

/* Else a pass that ends sessions would overlook it, and be content. */
static void
a_record_that_there_is_no_descriptor_for_is_not_passed_over(void **state)
{
	int counted = 0;

	(void)state;
	(void)open_one("ci", CI, CI, "192.0.2.1");
	for (unsigned n = 0; n < 6; n++) {
		counted = child_ask(count_with_few_descriptors, &n);
		assert_true(counted == 1 || counted == 100 + (int)AK_ERR_UNAVAILABLE);
	}
	assert_int_equal(counted, 1);
}

static void
without_randomness_no_session_is_recorded(void **state)
{
	struct session s = make("ci", CI, DEPLOY, "");
	enum ak_err err;

	(void)state;
	(void)snprintf(s.id, sizeof(s.id), "%s", "0123456789abcdef"); /* another one's, once */
	no_randomness = true;
	err = sessions_open(&paths, &s);
	no_randomness = false;
	assert_err("", AK_ERR_UNAVAILABLE, err);
	assert_int_equal(list().n, 0);
}

#define DEAD 20U

static void
bury(void)
{
	struct session s = make("dead", CI, DEPLOY, "");

	make_folder();
	for (unsigned i = 0; i < DEAD; i++) {
		(void)snprintf(s.id, sizeof(s.id), "%016u", i);
		s.namespace = proc_namespace();
		s.leader = (struct proc_id){.pid = getpid(), .start = 1};
		s.audit = PROC_NO_AUDIT;
		assert_err(s.id, AK_OK, sessions_update(&paths, &s));
	}
}

/* Of what can't be listed whole nothing is swept; the login goes on. */
static void
without_memory_for_the_sweep_a_session_is_recorded_all_the_same(void **state)
{
	unsigned kept = 0;

	(void)state;
	for (unsigned n = 1;; n++) {
		struct session s = make("ci", CI, DEPLOY, "");
		unsigned dead;
		bool failed;
		enum ak_err err;

		bury();
		alloc_fail_nth(n);
		err = sessions_open(&paths, &s);
		failed = alloc_stop();
		dead = list().n - (err == AK_OK ? 1 : 0);
		assert_true(err == AK_OK || err == AK_ERR_NOMEM);
		assert_true(dead == 0 || dead == DEAD);
		kept += err == AK_OK && dead == DEAD;
		if (err == AK_OK)
			assert_err("", AK_OK, sessions_remove(&paths, s.id));
		if (!failed) {
			assert_int_equal(dead, 0);
			break;
		}
	}
	assert_true(kept > 1);
}

/* All of them were opened by this process; the folder names them in either order. */
static void
of_a_leaders_sessions_the_newest_that_is_not_closed_is_ones(void **state)
{
	static const struct {
		const char *row;
		struct {
			int64_t since;
			enum session_state state;
		} a, b;
		const char *found;
	} rows[] = {
	    {"the newer", {7, SESSION_OPEN}, {5, SESSION_OPEN}, "a"},
	    {"the one that is open", {5, SESSION_OPEN}, {7, SESSION_CLOSED}, "a"},
	    {"the one that is to end", {7, SESSION_ENDING}, {5, SESSION_OPEN}, "a"},
	    {"the newer, though refused", {7, SESSION_REFUSED}, {5, SESSION_OPEN}, "a"},
	};

	struct session s = open_one("a", CI, DEPLOY, "");

	(void)state;
	assert_err("", AK_OK, sessions_remove(&paths, s.id));
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t r = i / 2;

		for (unsigned k = 0; k < 2; k++) {
			bool is_a = k == i % 2;

			(void)snprintf(s.id, sizeof(s.id), "%016u", k);
			(void)snprintf(s.key, sizeof(s.key), "%s", is_a ? "a" : "b");
			s.since = is_a ? rows[r].a.since : rows[r].b.since;
			s.state = is_a ? rows[r].a.state : rows[r].b.state;
			assert_err(rows[r].row, AK_OK, sessions_update(&paths, &s));
		}
		assert_int_equal(list().n, 2);
		is_found(rows[r].found, DEPLOY);
		assert_err("", AK_OK, sessions_remove(&paths, "0000000000000000"));
		assert_err("", AK_OK, sessions_remove(&paths, "0000000000000001"));
	}
}

static void
the_walk_to_a_leader_comes_to_an_end(void **state)
{
	struct session s;
	enum ak_err err;

	(void)state;
	s = open_one("ci", CI, DEPLOY, "");
	s.leader.start++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	world.endless = true;
	err = sessions_find_own(&paths, DEPLOY, &s);
	world.endless = false;
	assert_err("", AK_ERR_NOT_FOUND, err);
}

static void
an_origin_is_that_of_a_session_that_is_open_here(void **state)
{
	struct session s = open_one("ci", CI, CI, "192.0.2.1");
	char address[64];

	(void)state;
	assert_err("open", AK_OK, sessions_find_origin(&paths, CI, address));
	assert_string_equal(address, "192.0.2.1");
	for (unsigned st = SESSION_REFUSED; st <= SESSION_ENDING; st++) {
		s.state = st;
		assert_err("", AK_OK, sessions_update(&paths, &s));
		assert_err("", AK_ERR_NOT_FOUND, sessions_find_origin(&paths, CI, address));
	}
	s.state = SESSION_OPEN;
	s.namespace ++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_err("elsewhere", AK_ERR_NOT_FOUND, sessions_find_origin(&paths, CI, address));
	s.namespace --;
	s.leader.start++;
	assert_err("", AK_OK, sessions_update(&paths, &s));
	assert_err("dead", AK_ERR_NOT_FOUND, sessions_find_origin(&paths, CI, address));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(processes_are_looked_at_after_every_record),
	    T(a_session_is_recorded_changed_and_closed),
	    T(what_changes_a_record_makes_no_folder),
	    T(only_the_leader_closes_and_only_what_it_names),
	    T(abuse_136_what_no_process_carries_is_swept_at_the_next_login),
	    T(abuse_147_148_an_audit_mark_that_others_may_carry_is_not_trusted),
	    T(an_audit_mark_of_the_parent_is_not_trusted),
	    T(abuse_142_what_outlives_its_logout_still_belongs_to_its_session),
	    T(abuse_147_the_nearest_leader_is_ones_session),
	    T(abuse_153_an_audit_mark_of_ones_own_making_leads_nowhere),
	    T(a_keys_own_uid_tells_and_its_origin_where_there_is_one),
	    T(nobody_is_found_on_a_shared_account_by_its_uid_alone),
	    T(damaged_records_are_passed_over),
	    T(a_right_sum_makes_no_wrong_record_right),
	    T(a_record_of_another_version_or_length_is_none),
	    T(records_that_cannot_be_looked_for_are_not_counted_as_none),
	    T(a_record_with_everything_full_comes_back_whole),
	    T(whatever_stands_in_a_record_each_field_is_within_its_bounds),
	    T(a_record_is_removed_by_its_id_and_nothing_else_is),
	    T(abuse_073_without_room_nothing_is_recorded_and_a_change_leaves_the_old),
	    T(an_audit_mark_is_a_sessions_where_it_is_its_alone),
	    T(a_closed_session_stays_while_its_own_scope_has_a_process),
	    T(what_a_session_without_a_mark_left_is_told_by_its_uid),
	    T(of_those_one_is_kept_for_all),
	    T(a_record_that_there_is_no_descriptor_for_is_not_passed_over),
	    T(without_randomness_no_session_is_recorded),
	    T(without_memory_for_the_sweep_a_session_is_recorded_all_the_same),
	    T(of_a_leaders_sessions_the_newest_that_is_not_closed_is_ones),
	    T(the_walk_to_a_leader_comes_to_an_end),
	    T(an_origin_is_that_of_a_session_that_is_open_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
