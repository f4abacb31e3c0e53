/* A picture of every process at one moment. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "procs.h"
#include "testlib_alloc.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct procs
look(void)
{
	struct procs p;

	assert_err("", AK_OK, procs_look(&p));
	return p;
}

static void
it_has_this_process_as_it_is_and_all_by_their_pids(void **state)
{
	struct procs p = look();
	const struct procs_one *own = procs_find(&p, getpid()),
			       *above = procs_find(&p, getppid());
	uid_t real, effective, saved;
	char scope[256];
	struct proc proc;

	(void)state;
	assert_non_null(own);
	assert_non_null(above);
	assert_non_null(procs_find(&p, 1));
	assert_err("", AK_OK, proc_read(getpid(), &proc));
	assert_int_equal(getresuid(&real, &effective, &saved), 0);
	assert_true(own->id.start == proc.id.start && own->audit == proc.audit);
	assert_int_equal(own->parent, getppid());
	assert_true(own->real == real && own->effective == effective && own->saved == saved);
	assert_false(own->ended);
	proc_read_scope(getpid(), scope, sizeof(scope));
	assert_string_equal(own->scope != NULL ? own->scope : "", scope);
	for (size_t i = 1; i < p.n; i++)
		assert_true(p.v[i - 1].id.pid < p.v[i].id.pid);
	assert_null(procs_find(&p, 0));
	assert_null(procs_find(&p, -1));
	assert_null(procs_find(&p, INT32_MAX));
	procs_clear(&p);
	assert_null(procs_find(&p, getpid()));
	assert_int_equal(p.n, 0);
}

static int
has_uids(void *ctx)
{
	struct procs p;
	const struct procs_one *own;
	bool right;

	(void)ctx;
	if (setresuid(70001, 70002, 70003) != 0 || procs_look(&p) != AK_OK)
		return 2;
	own = procs_find(&p, getpid());
	right =
	    own != NULL && own->real == 70001 && own->effective == 70002 && own->saved == 70003;
	procs_clear(&p);
	return right ? 1 : 0;
}

static void
the_three_uids_are_told_apart(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(child_ask(has_uids, NULL), 1);
}

static int
answer_nothing(void *ctx)
{
	(void)ctx;
	return 0;
}

#define MANY 300U

static void
however_many_there_are_each_is_in_it(void **state)
{
	struct child many[MANY];
	struct procs p;
	unsigned own = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		many[i] = child_start(answer_nothing, NULL);
	p = look();
	for (size_t i = 0; i < p.n; i++)
		own += p.v[i].parent == getpid() && !p.v[i].ended ? 1 : 0;
	assert_int_equal(own, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_non_null(procs_find(&p, many[i].pid));
	for (unsigned i = 0; i < MANY; i++)
		child_end(&many[i]);
	procs_clear(&p);
}

/* ---- those that have ended ---- */

static bool
has_ended(pid_t pid)
{
	struct procs p = look();
	const struct procs_one *one = procs_find(&p, pid);
	bool ended = one != NULL && one->ended;

	assert_non_null(one);
	procs_clear(&p);
	return ended;
}

static void *
stay(void *fd)
{
	char byte;

	(void)!read(*(int *)fd, &byte, 1);
	_exit(0);
}

/* The first thread ends, another lives: ps(1) calls that a zombie. */
static void
end_first_thread(int hold)
{
	static int fd;
	pthread_t other;

	fd = hold;
	if (pthread_create(&other, NULL, stay, &fd) != 0)
		_exit(1);
	pthread_exit(NULL);
}

/* What the kernel says of its first thread. */
static char
state_of(pid_t pid)
{
	char path[64], text[512], state = '?';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return state;
	if (fgets(text, sizeof(text), f) != NULL && strrchr(text, ')') != NULL)
		state = strrchr(text, ')')[2];
	(void)fclose(f);
	return state;
}

static void
a_zombie_has_ended_unless_one_of_its_threads_runs(void **state)
{
	int hold[2], status;
	siginfo_t info;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(hold), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		(void)close(hold[1]);
		end_first_thread(hold[0]);
	}
	(void)close(hold[0]);
	while (state_of(pid) != 'Z')
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_false(has_ended(pid));
	(void)close(hold[1]);
	/* Its last thread has ended, and it is there still. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(has_ended(pid));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
}

/* ---- terminals ---- */

static int
has_terminal(void *ctx)
{
	int terminal;
	struct procs p;
	struct stat st;
	bool right;

	if (setsid() == -1 || (terminal = open(ctx, O_RDWR | O_CLOEXEC)) == -1 ||
	    fstat(terminal, &st) != 0 || procs_look(&p) != AK_OK)
		return 2;
	right = procs_find(&p, getpid())->tty == st.st_rdev;
	procs_clear(&p);
	return right ? 1 : 0;
}

static int
has_none(void *ctx)
{
	struct procs p;
	bool right;

	(void)ctx;
	if (setsid() == -1 || procs_look(&p) != AK_OK)
		return 2;
	right = procs_find(&p, getpid())->tty == 0;
	procs_clear(&p);
	return right ? 1 : 0;
}

static void
the_controlling_terminal_is_known_by_its_number(void **state)
{
	int above = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)state;
	assert_int_not_equal(above, -1);
	assert_int_equal(grantpt(above), 0);
	assert_int_equal(unlockpt(above), 0);
	assert_int_equal(child_ask(has_terminal, ptsname(above)), 1);
	assert_int_equal(child_ask(has_none, NULL), 1);
	(void)close(above);
}

static void
without_memory_there_is_no_picture(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct procs p;
		enum ak_err err;

		alloc_fail_nth(n);
		err = procs_look(&p);
		if (!alloc_stop()) {
			procs_clear(&p);
			assert_err("", AK_OK, err);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_true(p.n == 0 && p.v == NULL && p.scopes == NULL);
	}
}

/* The n-th openat fails so; 0: none. */
static unsigned fail_at;
static int fail_how;

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);

int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	if (fail_at == 0 || --fail_at != 0)
		return __real_openat(dir, name, flags);
	errno = fail_how;
	return -1;
}

static enum ak_err
look_failing(unsigned n, int how)
{
	struct procs p;
	enum ak_err err;

	fail_at = n;
	fail_how = how;
	err = procs_look(&p);
	fail_at = 0;
	procs_clear(&p);
	return err;
}

/* A process that is left out would live on. The first has five files. */
static void
without_a_descriptor_to_look_with_there_is_no_picture(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 10; n++) {
		assert_err("", AK_ERR_UNAVAILABLE, look_failing(n, EMFILE));
		assert_err("", AK_ERR_UNAVAILABLE, look_failing(n, ENFILE));
	}
	for (unsigned n = 6; n <= 10; n++) {
		assert_err("hidden", AK_OK, look_failing(n, EACCES));
		assert_err("gone", AK_OK, look_failing(n, ENOENT));
	}
}

/* ---- a /proc as kernels may have it ---- */

static const char *other_proc; /* what is looked at; NULL: /proc */
static bool no_proc;
static unsigned entries_left = UINT32_MAX; /* then it can be read no further */

DIR *__real_opendir(const char *name);
DIR *__wrap_opendir(const char *name);
struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);

DIR *
__wrap_opendir(const char *name)
{
	assert_string_equal(name, "/proc");
	errno = ENOENT;
	return no_proc ? NULL : __real_opendir(other_proc == NULL ? name : other_proc);
}

struct dirent *
__wrap_readdir(DIR *dir)
{
	if (entries_left-- != 0)
		return __real_readdir(dir);
	errno = EIO;
	return NULL;
}

static int
setup(void **state)
{
	int failed = tmp_setup(state);

	other_proc = failed ? NULL : ((struct tmp *)*state)->dir;
	no_proc = false;
	entries_left = UINT32_MAX;
	return failed;
}

static int
teardown(void **state)
{
	other_proc = NULL;
	no_proc = false;
	entries_left = UINT32_MAX;
	return tmp_teardown(state);
}

struct process {
	const char *pid, *stat, *namespaces, *ids, *scope;
};

#define ALONE "7"
#define NESTED "7\t1"
#define HOST_IDS "         0          0 4294967295\n"
#define MAPPED "         0     100000      65536\n"

static void
add_file(struct tmp *t, const char *pid, const char *name, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", pid, name);
	file_write(tmp_path(t, path), text, strlen(text), 0600);
}

static void
add_process(struct tmp *t, const struct process *p)
{
	char text[256];

	assert_int_equal(mkdir(tmp_path(t, p->pid), 0700), 0);
	(void)snprintf(text, sizeof(text),
	    "7 (a) %c 5 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 %s 0 77 9\n", p->stat[0],
	    p->stat + 1);
	add_file(t, p->pid, "stat", text);
	(void)snprintf(text, sizeof(text), "Uid:\t8\t9\t10\t10\nNSpid:\t%s\n", p->namespaces);
	add_file(t, p->pid, "status", text);
	add_file(t, p->pid, "sessionid", "12");
	add_file(t, p->pid, "uid_map", p->ids);
	(void)snprintf(text, sizeof(text), "0::%s\n", p->scope);
	add_file(t, p->pid, "cgroup", text);
}

static const struct process first = {"1", "S1", ALONE, HOST_IDS, "/init.scope"};

static void
each_process_is_what_its_files_say(void **state)
{
	static const struct {
		struct process is;
		bool ended, contained;
	} rows[] = {
	    {{"7", "R1", ALONE, HOST_IDS, ""}, false, false},
	    {{"8", "Z1", ALONE, HOST_IDS, ""}, true, false},
	    {{"9", "Z0", ALONE, HOST_IDS, ""}, true, false},
	    {{"10", "Z2", ALONE, HOST_IDS, ""}, false, false},
	    {{"11", "X1", ALONE, HOST_IDS, ""}, true, false},
	    {{"12", "X2", ALONE, HOST_IDS, ""}, false, false},
	    {{"2147483647", "S1", NESTED, HOST_IDS, ""}, false, true},
	    {{"13", "S1", NESTED, MAPPED, ""}, false, false},
	    {{"14", "S1", ALONE, MAPPED, ""}, false, false},
	    {{"0", "S1", ALONE, HOST_IDS, ""}, false, false},
	    {{"2147483648", "S1", ALONE, HOST_IDS, ""}, false, false},
	    {{"7a", "S1", ALONE, HOST_IDS, ""}, false, false},
	    {{"self", "S1", ALONE, HOST_IDS, ""}, false, false},
	};
	struct procs p;
	size_t n = 0;

	add_process(*state, &first);
	for (size_t i = 0; i < N(rows); i++)
		add_process(*state, &rows[i].is);
	p = look();
	for (size_t i = 0; i < N(rows); i++) {
		const struct procs_one *one = procs_find(&p, (pid_t)atol(rows[i].is.pid));

		if (i >= 9) /* no processes */
			continue;
		n++;
		assert_row(rows[i].is.pid, one != NULL && one->ended == rows[i].ended);
		assert_row(rows[i].is.pid, one->contained == rows[i].contained);
		assert_row(rows[i].is.pid, one->id.start == 77 && one->parent == 5);
		assert_row(rows[i].is.pid, one->audit == 12 && one->scope == NULL);
		assert_row(
		    rows[i].is.pid, one->real == 8 && one->effective == 9 && one->saved == 10);
	}
	assert_int_equal(p.n, n + 1);
	procs_clear(&p);
}

/* Whose scope is another's is ended with that one. */
static void
each_process_is_in_its_own_scope(void **state)
{
	static const struct {
		struct process is;
		const char *scope;
	} rows[] = {
	    {{"7", "S1", ALONE, HOST_IDS, "/user.slice/session-3.scope"},
		"/user.slice/session-3.scope"},
	    {{"8", "S1", ALONE, HOST_IDS, "/user.slice/session-4.scope"},
		"/user.slice/session-4.scope"},
	    {{"9", "S1", ALONE, HOST_IDS, "/user.slice/session-3.scope"},
		"/user.slice/session-3.scope"},
	    {{"10", "S1", ALONE, HOST_IDS, "/user.slice/session-4.scope"},
		"/user.slice/session-4.scope"},
	    {{"11", "S1", ALONE, HOST_IDS, "/system.slice/cron.service"}, NULL},
	    {{"12", "S1", ALONE, HOST_IDS, "/user.slice/session-5.scope"},
		"/user.slice/session-5.scope"},
	};
	enum ak_err err = AK_ERR_NOMEM;
	struct procs p;

	add_process(*state, &first);
	for (size_t i = 0; i < N(rows); i++)
		add_process(*state, &rows[i].is);
	p = look();
	for (size_t i = 0; i < N(rows); i++) {
		const struct procs_one *one = procs_find(&p, (pid_t)atol(rows[i].is.pid));

		assert_row(rows[i].is.pid,
		    one != NULL && (one->scope == NULL) == (rows[i].scope == NULL));
		assert_row(rows[i].is.pid,
		    one->scope == NULL || strcmp(one->scope, rows[i].scope) == 0);
	}
	assert_ptr_equal(procs_find(&p, 7)->scope, procs_find(&p, 9)->scope);
	procs_clear(&p);
	for (unsigned n = 1; err != AK_OK; n++) {
		alloc_fail_nth(n);
		err = procs_look(&p);
		assert_err("", alloc_stop() ? AK_ERR_NOMEM : AK_OK, err);
		assert_true(err == AK_OK || (p.n == 0 && p.scopes == NULL));
		procs_clear(&p);
	}
}

static enum ak_err
look_again(void)
{
	struct procs p;
	enum ak_err err = procs_look(&p);

	assert_true(err == AK_OK || (p.n == 0 && p.v == NULL));
	procs_clear(&p);
	return err;
}

/* Else who is hidden would be taken for gone, and live on. */
static void
a_proc_that_does_not_show_all_is_no_picture(void **state)
{
	static const struct process other = {"7", "S1", ALONE, HOST_IDS, ""};

	add_process(*state, &other);
	assert_err("the first is hidden", AK_ERR_UNAVAILABLE, look_again());
	add_process(*state, &first);
	assert_err("all", AK_OK, look_again());
	for (unsigned n = 0; n < 4; n++) {
		entries_left = n;
		assert_err("an error in between", AK_ERR_UNAVAILABLE, look_again());
	}
	entries_left = UINT32_MAX;
	no_proc = true;
	assert_err("none", AK_ERR_UNAVAILABLE, look_again());
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_has_this_process_as_it_is_and_all_by_their_pids),
	    cmocka_unit_test(the_three_uids_are_told_apart),
	    cmocka_unit_test(however_many_there_are_each_is_in_it),
	    cmocka_unit_test(a_zombie_has_ended_unless_one_of_its_threads_runs),
	    cmocka_unit_test(the_controlling_terminal_is_known_by_its_number),
	    cmocka_unit_test(without_memory_there_is_no_picture),
	    cmocka_unit_test(without_a_descriptor_to_look_with_there_is_no_picture),
	    T(each_process_is_what_its_files_say),
	    T(each_process_is_in_its_own_scope),
	    T(a_proc_that_does_not_show_all_is_no_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
