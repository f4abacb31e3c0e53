/* A pass that can't do its work: without memory, without its lock, without the right to, or without a policy that holds yet. */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testlib_alloc.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_world.h"

/* Nanoseconds on the raw clock, where a test has stopped it; then it goes on with the world's, or not at all. */
static int64_t stopped_ns;
static bool goes_on;

int __real_clock_gettime(clockid_t which, struct timespec *out);
int __wrap_clock_gettime(clockid_t which, struct timespec *out);

int
__wrap_clock_gettime(clockid_t which, struct timespec *out)
{
	int64_t ns = stopped_ns;

	if (which != CLOCK_REALTIME || ns == 0)
		return __real_clock_gettime(which, out);
	if (goes_on)
		ns += (world.now_ms - world.began_ms) * 1000000;
	*out = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	return 0;
}

/* --- memory --------------------------------------------------------------------------------- */

static unsigned
count_told(void)
{
	return strstr(world.ended, "100 disabled 4; ") != NULL ? 1 : 0;
}

static void
fail_each_allocation_of(struct enforce_how how)
{
	struct session s = world_log_in(&world.ci, CI, 100);
	struct someone were[8];
	struct enforce_result out;
	unsigned failures = 0;

	world_add(150, 1, CI, PROC_NO_AUDIT);
	(void)world_log_in(&world.nightly, NIGHTLY, 200);
	memcpy(were, world.v, world.n * sizeof(were[0]));
	world_disable(&world.ci);
	for (unsigned n = 1;; n++) {
		enum ak_err err;
		unsigned told;
		char row[32];

		(void)snprintf(row, sizeof(row), "allocation %u", n);
		memcpy(world.v, were, world.n * sizeof(were[0]));
		world_record(&s);
		alloc_fail_nth(n);
		err = world_try(how, &out);
		if (!alloc_stop())
			break;
		failures += err != AK_OK ? 1 : 0;
		told = count_told();
		assert_row(row, err == AK_OK || err == AK_ERR_NOMEM);
		assert_row(row, err != AK_OK || (!world_lives(102) && !world_lives(150)));
		assert_row(row, told == (world_lives(102) ? 0 : 1));
		(void)world_pass_all();
		assert_row(row, !world_lives(100) && !world_lives(102));
		assert_row(row, world_lives(200) && world_lives(201) && world_lives(202));
		assert_row(row, told + count_told() == 1);
	}
	assert_true(failures > 10);
}

static void
without_memory_a_pass_fails_and_the_next_does_its_work(void **state)
{
	(void)state;
	fail_each_allocation_of((struct enforce_how){.guarded = false});
}

static void
so_it_does_after_a_change_of_one_key(void **state)
{
	static const uint32_t uids[] = {CI};

	(void)state;
	fail_each_allocation_of((struct enforce_how){.uids = uids, .n_uids = 1});
}

/* Its own process carries the session, too: which is looked for when that is told. */
static void
where_processes_cannot_be_seen_any_more_what_was_ended_is_told(void **state)
{
	struct session s = world_log_in(&world.ci, CI, 100);
	struct enforce_result out;

	(void)state;
	world_add(getpid(), 102, 0, 100);
	world_disable(&world.ci);
	for (world.fails_at = 1; world.fails_at < 4; world.fails_at++) {
		for (size_t i = 0; i < world.n; i++)
			world.v[i].gone = false;
		world_record(&s);
		assert_err("", AK_ERR_UNAVAILABLE,
		    world_try((struct enforce_how){.guarded = false}, &out));
		if (world.fails_at == 1) {
			assert_string_equal(world.ended, "");
			assert_true(world_lives(102));
		} else {
			assert_string_equal(world.ended, "100 disabled 3; ");
			assert_false(world_lives(102));
			assert_int_equal(world_session(100).state, SESSION_ENDING);
			/* Nor does another's pass end it now. */
			assert_int_equal(world_session(100).spared.pid, getpid());
			assert_true(world_session(100).spared.start == (uint64_t)getpid() * 10);
		}
	}
}

/* What forks and ends all the time is seen by few looks: here by every fifth, and the second or third fails. */
static void
a_session_that_too_few_looks_saw_gone_keeps_its_record(void **state)
{
	static const struct {
		const char *name, *ended;
		bool revoked;
		unsigned fails_at;
	} rows[] = {
	    {"revoked, and the second look fails", "100 disabled 3; ", true, 2},
	    {"revoked, and the third", "100 disabled 3; ", true, 3},
	    {"timed out, and the second", "100 expired gently 3; ", false, 2},
	    {"timed out, and the third", "100 expired gently 3; ", false, 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct enforce_result out;
		void *own = NULL;

		assert_int_equal(world_setup(&own), 0);
		(void)world_log_in(&world.ci, DEPLOY, 100);
		world_add(110, 101, DEPLOY, 100)->hides = 5;
		if (rows[i].revoked)
			world_disable(&world.ci);
		else
			world_expire(HOST_NOW - 10);
		world.fails_at = rows[i].fails_at;
		assert_err(rows[i].name, AK_ERR_UNAVAILABLE,
		    world_try((struct enforce_how){.guarded = false}, &out));
		assert_row(rows[i].name, strcmp(world.ended, rows[i].ended) == 0);
		assert_row(rows[i].name, world_count_records() == 1);
		assert_row(rows[i].name, world_session(100).state == SESSION_ENDING);
		assert_row(
		    rows[i].name, (world_session(100).kill_at_ms == 0) == rows[i].revoked);
		/* It is told once, and the next pass ends what is left. */
		world.fails_at = 0;
		world_find(110)->hides = 0;
		world.now_ms += ENFORCE_GRACE_MS;
		(void)world_pass_all();
		assert_row(rows[i].name, world.ended[0] == '\0');
		assert_row(rows[i].name, !world_lives(110));
		assert_row(rows[i].name, world_count_records() == 0);
		assert_int_equal(tmp_teardown(&own), 0);
	}
}

/* --- whose turn it is ----------------------------------------------------------------------- */

static struct lock held;

static int
hold_lock(void *ctx)
{
	(void)ctx;
	return enforce_lock(&world.host.paths, true, &held, NULL) == AK_OK ? 1 : 0;
}

static int
try_lock(void *ctx)
{
	(void)ctx;
	return enforce_lock(&world.host.paths, false, &held, NULL) == AK_OK ? 1 : 0;
}

/* Does the kernel know of it that it waits for a lock (proc_locks(5))? */
static bool
waits_for_lock(pid_t pid)
{
	char line[256], wanted[64];
	bool waits = false;
	FILE *f = fopen("/proc/locks", "re");

	assert_non_null(f);
	(void)snprintf(wanted, sizeof(wanted), "-> POSIX  ADVISORY  WRITE %d ", pid);
	while (!waits && fgets(line, sizeof(line), f) != NULL)
		waits = strstr(line, wanted) != NULL;
	(void)fclose(f);
	return waits;
}

static void
who_waits_for_the_turn_gets_it(void **state)
{
	struct lock own = LOCK_INIT;
	int status;
	pid_t pid;

	(void)state;
	assert_err("", AK_OK, enforce_lock(&world.host.paths, true, &own, NULL));
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0)
		_exit(hold_lock(NULL));
	while (!waits_for_lock(pid))
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	lock_release(&own);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void
who_does_not_wait_is_told_of_the_pass_that_is_at_work(void **state)
{
	const struct enforce_how how = {.guarded = false};
	struct enforce_result out;
	struct child other;

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_disable(&world.ci);
	world.impatient = true;
	other = child_start(hold_lock, NULL);
	assert_int_equal(other.answer, 1);
	assert_err("held", AK_ERR_EXISTS, world_try(how, &out));
	assert_int_equal(out.again_in_ms, -1);
	assert_true(world_lives(102));
	child_end(&other);
	assert_err("free", AK_OK, world_try(how, &out));
	assert_false(world_lives(102));
}

/* fcntl(2)'s lock goes when any descriptor of its file is closed. */
static void
a_pass_leaves_its_callers_lock_as_it_was(void **state)
{
	const struct enforce_how how = {.locked = true};
	struct lock own = LOCK_INIT;
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_disable(&world.ci);
	assert_err("", AK_OK, enforce_lock(&world.host.paths, true, &own, NULL));
	for (size_t i = 0; i < 2; i++) {
		assert_err("", AK_OK, world_try(how, &out));
		assert_false(world_lives(102));
		assert_int_equal(child_ask(try_lock, NULL), 0);
	}
	lock_release(&own);
	assert_int_equal(child_ask(try_lock, NULL), 1);
	assert_err("its own", AK_OK, world_try((struct enforce_how){.guarded = false}, &out));
	assert_int_equal(child_ask(try_lock, NULL), 1);
}

static void
in_a_folder_that_others_may_write_to_nobody_is_ended(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	world_disable(&world.ci);
	assert_int_equal(chmod(world.host.paths.run, 0777), 0);
	assert_true(world_try((struct enforce_how){.guarded = false}, &out) != AK_OK);
	assert_string_equal(world.log, "");
	assert_true(world_lives(102));
}

/* --- who may end anybody -------------------------------------------------------------------- */

/* On an account that others share, so that no uid is emptied; its one process has no terminal, and is the test's own. */
static pid_t
log_in_for_real(void)
{
	struct session s = world_log_in(&world.ci, DEPLOY, 100);
	struct proc p;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		(void)setsid();
		for (;;)
			(void)pause();
	}
	assert_int_equal(proc_read(pid, &p), AK_OK);
	s.leader = p.id;
	s.audit = PROC_NO_AUDIT;
	world_record(&s);
	world_disable(&world.ci);
	return pid;
}

/* A pass over this machine. Was it ended? */
static bool
ends_for_real(pid_t pid)
{
	const struct enforce_how how = {.paths = &world.host.paths, .now = HOST_NOW};
	struct diag why = DIAG_INIT;
	struct enforce_result out;
	int status = 0;
	bool ended;

	assert_err(why.text, AK_OK, enforce_run(&how, true, &out, &why));
	assert_int_equal(out.live, 1);
	ended = waitpid(pid, &status, WNOHANG) == pid;
	assert_true(ended == (out.ended == 1));
	if (ended) {
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
	} else {
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	return ended;
}

static void
root_ends_the_sessions_of_its_own_host(void **state)
{
	(void)state;
	assert_true(ends_for_real(log_in_for_real()) == (geteuid() == 0));
}

static int
give_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return lchown(path, 70500, 70500);
}

static void
files_of_anybody_else_end_nobody(void **state)
{
	const struct tmp *tmp = *state;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = log_in_for_real();
	assert_int_equal(nftw(tmp->dir, give_away, 16, FTW_PHYS), 0);
	world.host.paths.owner = 70500;
	assert_false(ends_for_real(pid));
}

/* --- a policy that does not hold yet -------------------------------------------------------- */

#define S INT64_C(1000000000)

static int64_t
policy_changed_at(void)
{
	struct stat st;

	assert_int_equal(stat(world.host.paths.policy, &st), 0);
	return (int64_t)st.st_ctim.tv_sec * S + st.st_ctim.tv_nsec;
}

/* What the clock shows, in nanoseconds behind the moment from which the policy is trusted. */
static struct enforce_result
pass_at(int64_t ns)
{
	struct enforce_result out;

	stopped_ns = policy_changed_at() + 2 * S + ns;
	out = world_pass_all();
	stopped_ns = 0;
	return out;
}

static void
a_pass_is_due_when_the_policy_may_be_trusted(void **state)
{
	struct enforce_result out;

	(void)state;
	host_policy(&world.host, HOST_POLICY);
	/* Without sessions nothing is to be judged. */
	out = pass_at(-S);
	assert_false(out.distrusted);
	assert_int_equal(out.again_in_ms, -1);
	(void)world_log_in(&world.ci, CI, 100);
	out = pass_at(-S);
	assert_true(out.distrusted);
	assert_int_equal(out.again_in_ms, 1001);
	out = pass_at(-1);
	assert_true(out.distrusted);
	assert_int_equal(out.again_in_ms, 1);
	out = pass_at(0);
	assert_false(out.distrusted);
	assert_int_equal(out.again_in_ms, -1);
}

static void
a_policy_that_is_none_is_not_asked_for_again_and_again(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, CI, 100);
	host_policy(&world.host, "version: 1\nroles: {vie");
	assert_int_equal(pass_at(-S).again_in_ms, 1001);
	out = pass_at(0);
	assert_true(out.distrusted);
	assert_int_equal(out.again_in_ms, -1);
}

/* While the pass waits for others, as the host's clock goes on. */
static void
a_policy_whose_moment_comes_during_the_pass_is_asked_at_once(void **state)
{
	struct enforce_result out;

	(void)state;
	(void)world_log_in(&world.ci, DEPLOY, 100);
	(void)world_log_in(&world.nightly, NIGHTLY, 200);
	world_find(102)->stuck = true;
	world_disable(&world.ci);
	host_policy(&world.host, HOST_POLICY);
	goes_on = true;
	out = pass_at(-S / 10);
	goes_on = false;
	assert_true(out.distrusted);
	assert_int_equal(out.again_in_ms, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_CASE(without_memory_a_pass_fails_and_the_next_does_its_work),
	    WORLD_CASE(so_it_does_after_a_change_of_one_key),
	    WORLD_CASE(where_processes_cannot_be_seen_any_more_what_was_ended_is_told),
	    cmocka_unit_test(a_session_that_too_few_looks_saw_gone_keeps_its_record),
	    WORLD_CASE(who_waits_for_the_turn_gets_it),
	    WORLD_CASE(who_does_not_wait_is_told_of_the_pass_that_is_at_work),
	    WORLD_CASE(a_pass_leaves_its_callers_lock_as_it_was),
	    WORLD_CASE(in_a_folder_that_others_may_write_to_nobody_is_ended),
	    WORLD_CASE(root_ends_the_sessions_of_its_own_host),
	    WORLD_CASE(files_of_anybody_else_end_nobody),
	    WORLD_CASE(a_pass_is_due_when_the_policy_may_be_trusted),
	    WORLD_CASE(a_policy_that_is_none_is_not_asked_for_again_and_again),
	    WORLD_CASE(a_policy_whose_moment_comes_during_the_pass_is_asked_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
