/* One-time slips from the process that asked for a token to the one that opens the session. */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handles.h"
#include "proc.h"
#include "rundir.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define NOW INT64_C(5000)

static const struct handle FOR_DEPLOY = {
    .uid = 70000, .key = "ci", .secret = 7, .account = "deploy", .rhost = "192.0.2.1"};

static bool no_randomness;

ssize_t __real_getrandom(void *bytes, size_t len_b, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t len_b, unsigned flags);

ssize_t
__wrap_getrandom(void *bytes, size_t len_b, unsigned flags)
{
	return no_randomness ? -1 : __real_getrandom(bytes, len_b, flags);
}

/* What a child needs, and what it leaves. */
struct slip {
	struct paths paths;
	char name[HANDLE_CAP];
};

static struct slip *
make(void **state)
{
	struct slip *s = child_share(sizeof(*s));
	struct host h;

	host_make(&h, *state);
	s->paths = h.paths;
	s->name[0] = '\0';
	return s;
}

static int
issue(void *ctx)
{
	struct slip *s = ctx;

	return (int)handles_issue(&s->paths, &FOR_DEPLOY, NOW, s->name);
}

static enum ak_err
redeem_as(struct slip *s, const char *account, const char *rhost, int64_t now_s, bool take)
{
	struct handle h;
	enum ak_err err = handles_redeem(&s->paths, s->name, account, rhost, now_s, take, &h);

	if (err == AK_OK) {
		assert_int_equal(h.uid, 70000);
		assert_int_equal(h.secret, 7);
		assert_string_equal(h.key, "ci");
	} else {
		assert_int_equal(h.uid, 0);
		assert_int_equal(h.secret, 0);
		assert_string_equal(h.key, "");
	}
	return err;
}

static int
redeem(void *ctx)
{
	return (int)redeem_as(ctx, "deploy", "192.0.2.1", NOW, false);
}

static char *
path_of(const struct slip *s, char path[PATH_CAP + 64])
{
	(void)snprintf(path, PATH_CAP + 64, "%s/handles/%s", s->paths.run, s->name);
	return path;
}

static unsigned
count(const struct slip *s)
{
	char folder[PATH_CAP + 16];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(folder, sizeof(folder), "%s/handles", s->paths.run);
	assert_non_null(d = opendir(folder));
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	(void)closedir(d);
	return n;
}

static void
a_handle_is_redeemed_here_and_taken_once(void **state)
{
	struct slip *s = make(state);
	char path[PATH_CAP + 64];
	struct stat st;

	assert_int_equal(issue(s), AK_OK);
	assert_int_equal(strlen(s->name), HANDLE_LEN);
	assert_int_equal(stat(path_of(s, path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(redeem(s), AK_OK);
	assert_int_equal(redeem(s), AK_OK);
	assert_err("", AK_OK, redeem_as(s, "deploy", "192.0.2.1", NOW, true));
	assert_int_equal(redeem(s), AK_ERR_NOT_FOUND);
	assert_err("twice", AK_ERR_NOT_FOUND, redeem_as(s, "deploy", "192.0.2.1", NOW, true));
	assert_int_equal(count(s), 0);
	(void)munmap(s, sizeof(*s));
}

static int
issue_in_child(void *ctx)
{
	return child_ask(issue, ctx);
}

static void
abuse_150_only_the_issuer_and_its_parent_may_redeem(void **state)
{
	struct slip *s = make(state);

	assert_int_equal(child_ask(issue, s), AK_OK);
	assert_int_equal(redeem(s), AK_OK);
	assert_int_equal(child_ask(redeem, s), AK_ERR_DENIED); /* the issuer's sibling */
	assert_int_equal(issue(s), AK_OK);
	assert_int_equal(redeem(s), AK_OK);
	assert_int_equal(child_ask(redeem, s), AK_ERR_DENIED); /* its child: the session */
	assert_int_equal(child_ask(issue_in_child, s), AK_OK);
	assert_int_equal(redeem(s), AK_ERR_DENIED); /* its grandparent */
	assert_err("taken by a stranger", AK_ERR_DENIED,
	    redeem_as(s, "deploy", "192.0.2.1", NOW, true));
	assert_int_equal(redeem(s), AK_ERR_NOT_FOUND);
	(void)munmap(s, sizeof(*s));
}

static void
it_is_for_one_account_and_address(void **state)
{
	static const struct {
		const char *name, *account, *rhost;
		int64_t now_s;
		enum ak_err err;
	} rows[] = {
	    {"itself", "deploy", "192.0.2.1", NOW, AK_OK},
	    {"another account", "root", "192.0.2.1", NOW, AK_ERR_DENIED},
	    {"no account", "", "192.0.2.1", NOW, AK_ERR_DENIED},
	    {"another address", "deploy", "192.0.2.2", NOW, AK_ERR_DENIED},
	    {"no address", "deploy", "", NOW, AK_ERR_DENIED},
	    {"a slow second factor", "deploy", "192.0.2.1", NOW + HANDLE_TTL_S + 1, AK_OK},
	    {"before it", "deploy", "192.0.2.1", NOW - 1, AK_ERR_DENIED},
	    {"no clock", "deploy", "192.0.2.1", -1, AK_ERR_DENIED},
	    {"the end of time", "deploy", "192.0.2.1", INT64_MAX, AK_OK},
	};
	struct slip *s = make(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int take = 0; take < 2; take++) {
			assert_int_equal(issue(s), AK_OK);
			assert_err(rows[i].name, rows[i].err,
			    redeem_as(
				s, rows[i].account, rows[i].rhost, rows[i].now_s, take == 1));
			/* Whoever took it used it up, for whatever it was. */
			assert_int_equal(redeem(s), take == 1 ? AK_ERR_NOT_FOUND : AK_OK);
		}
	assert_err(
	    "no clock", AK_ERR_UNAVAILABLE, handles_issue(&s->paths, &FOR_DEPLOY, -1, s->name));
	assert_string_equal(s->name, "");
	assert_true(handles_now() > 0);
	(void)munmap(s, sizeof(*s));
}

static void
forged_names_lead_nowhere(void **state)
{
	struct slip *s = make(state);
	char own[HANDLE_CAP], longer[HANDLE_CAP + 1];
	const char *names[] = {"", "a", "../sessions/0123456789abcdef0123", "/etc/passwd",
	    "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde/",
	    "................................", "0123456789abcdef0123456789abcdef", longer};
	struct handle h;

	assert_int_equal(issue(s), AK_OK);
	memcpy(own, s->name, sizeof(own));
	(void)snprintf(longer, sizeof(longer), "%s0", own);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_err(names[i], AK_ERR_NOT_FOUND,
		    handles_redeem(&s->paths, names[i], "deploy", "192.0.2.1", NOW, true, &h));
	assert_int_equal(redeem(s), AK_OK);
	(void)munmap(s, sizeof(*s));
}

/* Whole, with its checksum, and yet of nobody who could be. */
static void
a_slip_for_what_is_no_keys_name_is_damaged(void **state)
{
	static const char *const names[] = {"", "Ci", "ci:deploy", "-ci"};
	struct slip *s = make(state);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct handle h = FOR_DEPLOY;

		(void)snprintf(h.key, sizeof(h.key), "%s", names[i]);
		assert_err(names[i], AK_OK, handles_issue(&s->paths, &h, NOW, s->name));
		assert_int_equal(redeem(s), AK_ERR_CORRUPT);
	}
	(void)munmap(s, sizeof(*s));
}

static void
no_tampered_byte_is_believed(void **state)
{
	struct slip *s = make(state);
	char path[PATH_CAP + 64];
	size_t len_b;
	char *bytes;

	assert_int_equal(issue(s), AK_OK);
	bytes = file_read(path_of(s, path), &len_b);
	assert_non_null(bytes);
	for (size_t i = 0; i < len_b; i++) {
		bytes[i] ^= 0x10;
		file_write(path, bytes, len_b, 0600);
		assert_int_equal(redeem(s), AK_ERR_CORRUPT);
		bytes[i] ^= 0x10;
		file_write(path, bytes, i, 0600);
		assert_int_equal(redeem(s), AK_ERR_CORRUPT);
	}
	file_write(path, bytes, len_b, 0644);
	assert_int_equal(redeem(s), AK_ERR_UNSAFE);
	file_write(path, bytes, len_b, 0600);
	assert_int_equal(redeem(s), AK_OK);
	free(bytes);
	(void)munmap(s, sizeof(*s));
}

/* A slip as this process would issue it, but for what the row says. */
struct forged {
	const char *row;
	enum ak_err err;
	const char *key, *account, *file; /* NULL: as issued */
	int more_b; /* at its end; negative: it is cut */
	bool by_child;
	int pid_off;
	unsigned start_off, namespace_off;
};

/* Below the run folder, with a right sum. */
static void
forge(struct slip *s, const struct forged *f, int64_t issued_s)
{
	struct pack p = PACK_INIT;
	struct proc own;
	int dir;

	assert_err("", AK_OK, proc_read(getpid(), &own));
	own.id.pid += f->pid_off;
	own.id.start += f->start_off;
	pack_u32(&p, FOR_DEPLOY.uid);
	pack_str(&p, f->key == NULL ? FOR_DEPLOY.key : f->key);
	pack_u32(&p, FOR_DEPLOY.secret);
	pack_str(&p, f->account == NULL ? FOR_DEPLOY.account : f->account);
	pack_str(&p, FOR_DEPLOY.rhost);
	for (int i = 0; i < 2; i++) {
		pack_u32(&p, f->by_child == (i == 1) ? (uint32_t)own.id.pid : 1);
		pack_u64(&p, f->by_child == (i == 1) ? own.id.start : UINT64_MAX);
	}
	pack_u64(&p, proc_namespace() + f->namespace_off);
	pack_u64(&p, (uint64_t)issued_s);
	if (f->more_b > 0)
		pack_u32(&p, 0);
	p.len_b -= f->more_b < 0 ? (size_t)-f->more_b : 0;
	(void)snprintf(s->name, sizeof(s->name), "%s",
	    f->file == NULL ? "0123456789abcdef0123456789abcdef" : f->file);
	assert_err("", AK_OK, rundir_open(s->paths.run, "handles", s->paths.owner, &dir));
	assert_err(f->row, AK_OK, rundir_write(dir, f->file == NULL ? s->name : f->file, &p));
	(void)close(dir);
	pack_clear(&p);
}

static void
a_right_sum_makes_no_wrong_slip_right(void **state)
{
	static const char longer[] = "0123456789abcdef0123456789abcdef0";
	static char wide[300];
	const struct forged rows[] = {
	    {"as it is issued", .err = AK_OK},
	    {"by a child of this process", AK_OK, .by_child = true},
	    {"more at its end", AK_ERR_CORRUPT, .more_b = 1},
	    {"cut", AK_ERR_CORRUPT, .more_b = -1},
	    {"no name of a key", AK_ERR_CORRUPT, .key = "A b"},
	    {"an account that is too long", AK_ERR_CORRUPT, .account = wide},
	    {"another pid namespace", AK_ERR_DENIED, .namespace_off = 1},
	    {"another process", AK_ERR_DENIED, .pid_off = 1},
	    {"one that had this pid before", AK_ERR_DENIED, .start_off = 1},
	    {"another's child", AK_ERR_DENIED, .by_child = true, .pid_off = 1},
	    {"a child of one that had this pid", AK_ERR_DENIED, .by_child = true,
		.start_off = 1},
	    {"a name in upper case", AK_ERR_NOT_FOUND,
		.file = "0123456789ABCDEF0123456789ABCDEF"},
	    {"a name that is too long", AK_ERR_NOT_FOUND, .file = longer},
	};
	struct slip *s = make(state);

	memset(wide, 'a', sizeof(wide) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = rows[i].file == NULL ? s->name : rows[i].file;
		struct handle h;

		forge(s, &rows[i], NOW);
		assert_err(rows[i].row, rows[i].err,
		    handles_redeem(&s->paths, name, "deploy", "192.0.2.1", NOW, false, &h));
		assert_row(rows[i].row, (h.uid == 70000) == (rows[i].err == AK_OK));
	}
	forge(s, &rows[0], -1);
	assert_err("before time", AK_ERR_DENIED, redeem_as(s, "deploy", "192.0.2.1", 0, false));
	(void)munmap(s, sizeof(*s));
}

static void
the_clocks_first_second_is_one_like_others(void **state)
{
	struct slip *s = make(state);

	assert_err("", AK_OK, handles_issue(&s->paths, &FOR_DEPLOY, 0, s->name));
	assert_err("", AK_OK, redeem_as(s, "deploy", "192.0.2.1", 0, true));
	(void)munmap(s, sizeof(*s));
}

static void
without_randomness_none_is_issued_and_nothing_is_left(void **state)
{
	struct slip *s = make(state);

	no_randomness = true;
	assert_int_equal(issue(s), AK_ERR_UNAVAILABLE);
	no_randomness = false;
	assert_string_equal(s->name, "");
	assert_int_equal(count(s), 0);
	(void)munmap(s, sizeof(*s));
}

/* The first process of a pid namespace has no parent in it, such as sshd in a container. */
static int
issue_as_first(void *ctx)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 || (pid = fork()) == -1)
		return 255;
	if (pid == 0) {
		if (mount("none", "/proc", "proc", 0, NULL) == -1)
			_exit(255);
		_exit(issue(ctx) != AK_OK ? 1 : redeem(ctx));
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

static void
a_process_without_a_parent_issues_and_redeems(void **state)
{
	struct slip *s = make(state);
	int answer = child_ask(issue_as_first, s);

	(void)munmap(s, sizeof(*s));
	if (answer == 255)
		skip(); /* only root can make namespaces */
	assert_int_equal(answer, AK_OK);
}

static void
what_nobody_can_redeem_is_swept_and_the_rest_is_left(void **state)
{
	struct slip *s = make(state);
	char path[PATH_CAP + 64], kept[HANDLE_CAP];

	assert_int_equal(child_ask(issue_in_child, s), AK_OK); /* its processes are gone */
	assert_err(
	    "", AK_OK, handles_issue(&s->paths, &FOR_DEPLOY, NOW + HANDLE_TTL_S, s->name));
	memcpy(kept, s->name, sizeof(kept));
	assert_int_equal(count(s), 2);
	(void)snprintf(s->name, sizeof(s->name), "%s", "damaged");
	file_write(path_of(s, path), "x", 1, 0600);
	assert_err(
	    "", AK_OK, handles_issue(&s->paths, &FOR_DEPLOY, NOW + HANDLE_TTL_S + 1, s->name));
	assert_int_equal(count(s), 2);
	assert_string_not_equal(kept, s->name);
	memcpy(s->name, kept, sizeof(kept));
	assert_err(
	    "", AK_OK, redeem_as(s, "deploy", "192.0.2.1", NOW + HANDLE_TTL_S + 1, false));
	assert_err(
	    "", AK_OK, handles_issue(&s->paths, &FOR_DEPLOY, NOW + 10 * HANDLE_TTL_S, s->name));
	assert_int_equal(count(s), 3);
	memcpy(s->name, kept, sizeof(kept));
	assert_err(
	    "", AK_OK, redeem_as(s, "deploy", "192.0.2.1", NOW + 10 * HANDLE_TTL_S, true));
	(void)munmap(s, sizeof(*s));
}

static void
abuse_073_without_room_none_is_issued_and_nothing_is_left(void **state)
{
	struct slip *s = make(state);
	struct rlimit was, none;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = (struct rlimit){.rlim_cur = 20, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(issue(s), AK_ERR_UNAVAILABLE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_string_equal(s->name, "");
	assert_int_equal(count(s), 0);
	assert_int_equal(chmod(s->paths.run, 0777), 0);
	assert_int_equal(issue(s), AK_ERR_UNSAFE);
	assert_string_equal(s->name, "");
	(void)munmap(s, sizeof(*s));
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_handle_is_redeemed_here_and_taken_once),
	    T(abuse_150_only_the_issuer_and_its_parent_may_redeem),
	    T(it_is_for_one_account_and_address),
	    T(forged_names_lead_nowhere),
	    T(a_slip_for_what_is_no_keys_name_is_damaged),
	    T(no_tampered_byte_is_believed),
	    T(a_right_sum_makes_no_wrong_slip_right),
	    T(the_clocks_first_second_is_one_like_others),
	    T(without_randomness_none_is_issued_and_nothing_is_left),
	    T(a_process_without_a_parent_issues_and_redeems),
	    T(what_nobody_can_redeem_is_swept_and_the_rest_is_left),
	    T(abuse_073_without_room_none_is_issued_and_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
