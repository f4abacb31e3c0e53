/* The engine as a process: what it is given, and what becomes of one that misbehaves. This program is the engine too. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define PASSWORD "hunter2"

/* --- the engine: what it does follows from the name that it is called by ---------------------- */

static void
engine_send(struct pack *p)
{
	if (p->err != AK_OK || write(3, p->bytes, p->len_b) != (ssize_t)p->len_b)
		_exit(80);
	p->len_b = 0;
}

static void
engine_state(enum wire_phase phase, const char *problem)
{
	struct wire_state s = {.phase = phase, .uri = "ldap://test", .problem = problem};
	struct pack p = PACK_INIT;

	wire_put_state(&p, &s);
	engine_send(&p);
	pack_clear(&p);
}

/* Answers PINGs until the daemon hangs up. */
static void
engine_live(bool answers)
{
	static unsigned char buf[65536];
	struct pack pong = PACK_INIT;
	size_t len_b = 0, used;
	struct wire_message m;
	ssize_t n;

	while ((n = read(3, buf + len_b, sizeof(buf) - len_b)) > 0) {
		len_b += (size_t)n;
		while (wire_take(buf, len_b, false, &m, &used) == AK_OK) {
			if (m.type == WIRE_PING && answers) {
				wire_put_simple(&pong, WIRE_PONG);
				engine_send(&pong);
			}
			len_b -= used;
			memmove(buf, buf + used, len_b);
		}
	}
	pack_clear(&pong);
}

/* What is wrong with what this process was given, or "". */
static const char *
engine_inventory(const char *password, char said[64])
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = {{RLIMIT_NPROC, 0}, {RLIMIT_FSIZE, WIRE_FRAME_MAX_B}, {RLIMIT_NOFILE, 64},
	    {RLIMIT_CORE, 0}};
	struct rlimit r;
	sigset_t blocked;
	extern char **environ;
	char cwd[16];

	for (size_t i = 0; i < N(limits); i++)
		if (getrlimit((__rlimit_resource_t)limits[i].what, &r) != 0 ||
		    r.rlim_max != limits[i].most)
			return "a limit";
	for (int fd = 0; fd < 1024; fd++) {
		bool open = fcntl(fd, F_GETFD) != -1;

		if (open != (fd <= 3)) {
			(void)snprintf(said, 64, "descriptor %d", fd);
			return said;
		}
	}
	if (environ[0] == NULL || strcmp(environ[0], "LDAPNOINIT=1") != 0 || environ[1] != NULL)
		return "the environment";
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return "new privileges";
	if (umask(0) != 077 || getcwd(cwd, sizeof(cwd)) == NULL || strcmp(cwd, "/") != 0)
		return "the umask or the folder";
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGTERM))
		return "the signals";
	return strcmp(password, PASSWORD) == 0 ? "" : "the password";
}

static int
engine_main(const char *name)
{
	static unsigned char start[65536];
	static struct wire_message m;
	char said[64], password[64] = "";
	size_t used;
	ssize_t n = read(3, start, sizeof(start));

	if (n <= 0 || wire_take(start, (size_t)n, false, &m, &used) != AK_OK ||
	    m.type != WIRE_START || m.start.password.len_b >= sizeof(password))
		return 81;
	memcpy(password, m.start.password.bytes, m.start.password.len_b);
	if (strcmp(name, "engine-inventory") == 0)
		engine_state(WIRE_IDLE, engine_inventory(password, said));
	if (strcmp(name, "engine-garbage") == 0)
		(void)!write(3, "\5\0\0\0\77what is this", 17);
	if (strcmp(name, "engine-huge") == 0)
		(void)!write(3, "\377\377\377\177\101", 5);
	if (strcmp(name, "engine-half") == 0)
		return write(3, "\20\0\0\0\101\3", 6) == 6 ? 0 : 82;
	if (strcmp(name, "engine-from-daemon") == 0)
		(void)!write(3, "\1\0\0\0\2", 5); /* a PING: the daemon's to send */
	if (strcmp(name, "engine-exit") == 0)
		return 7;
	if (strcmp(name, "engine-crash") == 0)
		(void)raise(SIGKILL);
	if (strcmp(name, "engine-deaf") == 0)
		for (;;)
			(void)pause();
	if (strcmp(name, "engine-stop") == 0)
		(void)raise(SIGSTOP);
	if (strcmp(name, "engine-refused") == 0)
		engine_state(WIRE_FOLLOWING, "");
	engine_live(strcmp(name, "engine-silent") != 0);
	return 0;
}

/* --- the daemon's side ------------------------------------------------------------------------- */

struct scene {
	struct loop loop;
	struct worker worker;
	char program[TMP_CAP * 2];
	unsigned starts, pongs, ends;
	struct wire_state last;
	char problem[128], reason[256];
	bool states;
	enum ak_err start_err, take_err;
};

static enum ak_err
start(void *ctx, struct worker_how *how, struct pack *frame, struct diag *why)
{
	struct scene *s = ctx;
	struct directory_settings d = {.uris_bytes = "ldap://test",
	    .timeout_s = 1,
	    .poll_s = 1,
	    .reconcile_s = 1,
	    .max_age_s = 1};
	struct wire_start w = {.settings = &d};

	(void)how;
	s->starts++;
	d.uris = (struct strv){d.uris_bytes, sizeof("ldap://test")};
	w.password = (struct wire_blob){(const unsigned char *)PASSWORD, strlen(PASSWORD)};
	wire_put_start(frame, &w);
	return s->start_err == AK_OK ? AK_OK : diag_because(why, s->start_err, "no such user");
}

static enum ak_err
take(void *ctx, const struct wire_message *m, struct diag *why)
{
	struct scene *s = ctx;

	if (m->type == WIRE_PONG)
		s->pongs++;
	if (m->type == WIRE_STATE) {
		s->states = true;
		(void)snprintf(s->problem, sizeof(s->problem), "%s", m->state.problem);
		if (s->take_err != AK_OK)
			return diag_because(why, s->take_err, "out of order");
	}
	return AK_OK;
}

static void
ended(void *ctx, const char *reason)
{
	struct scene *s = ctx;

	s->ends++;
	(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

static void
begin(struct scene *s, struct tmp *tmp, const char *name)
{
	const struct worker_host host = {.start = start, .take = take, .ended = ended, .ctx = s};
	struct worker_how how = {.uid = geteuid(),
	    .gid = getegid(),
	    .memory_b = RLIM_INFINITY, /* sanitizers ask for much */
	    .ping_ms = 20,
	    .again_min_ms = 50,
	    .again_max_ms = 200};
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	*s = (struct scene){.starts = 0};
	assert_true(n > 0);
	self[n] = '\0';
	(void)snprintf(s->program, sizeof(s->program), "%s", tmp_path(tmp, name));
	assert_int_equal(symlink(self, s->program), 0);
	how.program = s->program;
	loop_init(&s->loop);
	worker_init(&s->worker, &s->loop, &how, &host);
}

static void
run_until(struct scene *s, const unsigned *counter, unsigned wanted)
{
	int64_t end = loop_now_ms() + 20000;

	while (*counter < wanted && loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s->loop, 100));
	assert_true(*counter >= wanted);
}

static void
an_engine_is_asked_again_and_again_and_lives(void **state)
{
	struct scene s;
	pid_t pid;

	begin(&s, *state, "engine-good");
	worker_start(&s.worker, 10000);
	run_until(&s, &s.pongs, 3);
	assert_int_equal(s.starts, 1);
	assert_int_equal(s.ends, 0);
	pid = s.worker.pid;
	worker_stop(&s.worker);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_null(worker_out(&s.worker));
}

static void
it_is_given_one_descriptor_and_its_secrets_and_nothing_else(void **state)
{
	struct scene s;
	int kept = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	int64_t end = loop_now_ms() + 20000;

	assert_true(kept > 2);
	begin(&s, *state, "engine-inventory");
	worker_start(&s.worker, 10000);
	while (!s.states && loop_now_ms() < end)
		assert_err("loop", AK_OK, loop_once(&s.loop, 100));
	assert_true(s.states);
	assert_string_equal(s.problem, "");
	worker_stop(&s.worker);
	(void)close(kept);
}

static void
abuse_100_an_engine_that_misbehaves_is_ended_and_begun_again(void **state)
{
	static const struct {
		const char *name, *reason;
		int64_t silence_ms;
	} rows[] = {
	    {"engine-garbage", "it sent what is no message", 10000},
	    {"engine-huge", "it sent what is no message", 10000},
	    {"engine-from-daemon", "it sent what is no message", 10000},
	    {"engine-half", "exited with status 0", 10000},
	    {"engine-exit", "exited with status 7", 10000},
	    {"engine-crash", "killed by signal 9", 10000},
	    {"engine-silent", "it gave no answer for 0 s", 300},
	    {"engine-deaf", "it gave no answer for 0 s", 300},
	    {"engine-stop", "it gave no answer for 0 s", 300},
	    {"engine-refused", "out of order", 10000},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct scene s;

		begin(&s, *state, rows[i].name);
		s.take_err = AK_ERR_CORRUPT;
		worker_start(&s.worker, rows[i].silence_ms);
		run_until(&s, &s.ends, 1);
		assert_string_equal(s.reason, rows[i].reason);
		assert_int_equal(s.worker.pid, 0);
		run_until(&s, &s.starts, 2);
		worker_stop(&s.worker);
		assert_row(rows[i].name, waitpid(-1, NULL, WNOHANG) == -1);
		assert_null(s.worker.in.bytes);
	}
}

static void
each_end_doubles_the_time_until_the_next_begin(void **state)
{
	struct scene s;
	int64_t began = loop_now_ms();

	begin(&s, *state, "engine-exit");
	worker_start(&s.worker, 10000);
	run_until(&s, &s.starts, 5); /* 50, 100, 200, 200 */
	assert_true(loop_now_ms() - began >= 550);
	assert_int_equal(s.worker.again_ms, 200);
	worker_stop(&s.worker);
	worker_start(&s.worker, 10000);
	assert_int_equal(s.worker.again_ms, 50);
	worker_stop(&s.worker);
}

static void
what_keeps_it_from_beginning_is_told(void **state)
{
	struct scene s;

	begin(&s, *state, "engine-good");
	s.start_err = AK_ERR_NOT_FOUND;
	worker_start(&s.worker, 10000);
	run_until(&s, &s.ends, 2);
	assert_string_equal(s.reason, "no such user");
	s.start_err = AK_OK;
	run_until(&s, &s.pongs, 1);
	worker_stop(&s.worker);

	assert_int_equal(unlink(s.program), 0);
	worker_start(&s.worker, 10000);
	s.ends = 0;
	run_until(&s, &s.ends, 1);
	assert_non_null(strstr(s.reason, "can't be executed"));
	worker_stop(&s.worker);
}

static void
its_secrets_do_not_stay_in_the_daemon(void **state)
{
	struct scene s;

	begin(&s, *state, "engine-good");
	worker_start(&s.worker, 10000);
	run_until(&s, &s.pongs, 1);
	assert_int_equal(s.worker.out.cap_b, 0);
	worker_stop(&s.worker);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T(an_engine_is_asked_again_and_again_and_lives),
	    T(it_is_given_one_descriptor_and_its_secrets_and_nothing_else),
	    T(abuse_100_an_engine_that_misbehaves_is_ended_and_begun_again),
	    T(each_end_doubles_the_time_until_the_next_begin),
	    T(what_keeps_it_from_beginning_is_told),
	    T(its_secrets_do_not_stay_in_the_daemon),
	};
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

	if (slash != NULL && strncmp(slash + 1, "engine-", 7) == 0)
		return engine_main(slash + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
