/* A picture of every process at one moment. */
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
	while (!has_ended(pid))
		assert_int_equal(state_of(pid), 'Z');
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
