/* The module in a process without address space, in a storm of signals, and in many processes while its files are replaced. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pam_host.h"
#include "testlib_cmocka.h"

/* ---- a bound on the address space ---- */

static rlim_t room_b;

static size_t
address_space_b(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	(void)close(fd);
	return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void
bound_space(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static void
leave_room(pam_handle_t *pamh, char before)
{
	(void)pamh;
	(void)before;
	(void)malloc_trim(0);
	bound_space(address_space_b() + room_b);
}

static void
lift_bound(pam_handle_t *pamh)
{
	(void)pamh;
	bound_space(RLIM_INFINITY);
}

static void
abuse_131_with_hardly_any_address_space_nobody_enters_who_should_not(void **state)
{
	static const struct {
		const char *name, *user;
		const struct token *token;
		const char *phases;
		bool is_nobodys;
		int code; /* with room enough; without, a refusal too */
	} rows[] = {
	    {"right", "ci", &tok_ci, "amsoc", false, PAM_SUCCESS},
	    {"a record on the heap", "second", &tok_second, "am", false, PAM_SUCCESS},
	    {"wrong", "ci", &tok_second, "a", false, PAM_AUTH_ERR},
	    {"disabled", "disabled", &tok_other[0], "a", false, PAM_AUTH_ERR},
	    {"roleless", "roleless", &tok_other[3], "m", false, PAM_PERM_DENIED},
	    {"bob", "bob", &tok_ci, "a", true, PAM_USER_UNKNOWN},
	    {"root", "root", &tok_ci, "m", true, PAM_USER_UNKNOWN},
	};
	unsigned refused = 0;

	(void)state;
	host_policy(&host, "version: 1\nroles:\n  all: {services: ['*']}\n");
	(void)enter("sshd", "ci", ci_text, "amsoc"); /* touches the stack that it needs */
	for (size_t i = 0; i < N(rows); i++)
		for (room_b = 0; room_b <= 1 << 20; room_b += 1 << 15) {
			int code;

			how.between = leave_room;
			how.after = lift_bound;
			code =
			    enter("cron", rows[i].user, text_of(rows[i].token), rows[i].phases);
			assert_row(rows[i].name, code == rows[i].code || !rows[i].is_nobodys);
			assert_row(rows[i].name,
			    code == rows[i].code || (code != PAM_SUCCESS && code != PAM_IGNORE));
			assert_row(rows[i].name, code == rows[i].code || room_b < 1 << 20);
			refused += code != rows[i].code;
		}
	assert_true(refused > 0); /* else it was no bound */
}

/* ---- signals ---- */

static volatile sig_atomic_t rings;

static void
ring(int sig)
{
	(void)sig;
	rings++;
}

static void
abuse_133_in_a_storm_of_signals_every_answer_is_right_and_on_record(void **state)
{
	const struct itimerval calm = {.it_value = {.tv_sec = 0}},
			       storm = {
				   .it_interval = {.tv_usec = 200}, .it_value = {.tv_usec = 1}};
	/* Without SA_RESTART: what can be interrupted is. */
	struct sigaction on = {.sa_handler = ring}, was;
	unsigned wrong = 0, lines = 0, n = 0;
	size_t len_b;
	char *log;

	(void)state;
	rings = 0;
	assert_int_equal(sigaction(SIGALRM, &on, &was), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
	for (; rings < 1000 || n < 50; n++) {
		wrong += enter("sshd", "ci", ci_text, "amsocd") != PAM_SUCCESS;
		wrong += enter("sshd", "ci", text_of(&tok_second), "a") != PAM_AUTH_ERR;
		wrong += enter("sshd", "bob", ci_text, "a") != PAM_USER_UNKNOWN;
	}
	assert_int_equal(setitimer(ITIMER_REAL, &calm, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &was, NULL), 0);
	assert_int_equal(wrong, 0);
	assert_int_equal(count_records("sessions", false), 0);
	log = file_read(host.paths.audit, &len_b);
	assert_non_null(log);
	for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(
	    lines, n * 5); /* authenticate, account, open, close; and the wrong one */
	free(log);
}

/* ---- replacements ---- */

enum { PROCESSES = 8, TRANSACTIONS = 60, REPLACEMENTS = 100 };

/* What several processes tell each other. */
struct shared {
	volatile bool over;
	volatile unsigned wrong[PROCESSES];
};

static const struct asked {
	const char *service, *user;
	const struct token *token;
	const char *phases;
	int code;
} asked[] = {
    {"sshd", "ci", &tok_ci, "amsocd", PAM_SUCCESS},
    {"sshd", "second", &tok_second, "am", PAM_SUCCESS},
    {"cron", "sshonly", &tok_other[4], "m", PAM_PERM_DENIED},
    {"sshd", "ci", &tok_second, "a", PAM_AUTH_ERR},
    {"sshd", "disabled", &tok_other[0], "a", PAM_AUTH_ERR},
    {"cron", "expired", &tok_other[1], "m", PAM_ACCT_EXPIRED},
    {"sshd", "bob", &tok_ci, "a", PAM_USER_UNKNOWN},
};

static void
ask_all(struct shared *shared, unsigned who)
{
	for (unsigned n = 0; n < TRANSACTIONS || !shared->over; n++) {
		const struct asked *a = &asked[(n + who) % N(asked)];
		int code = enter(a->service, a->user, text_of(a->token), a->phases);

		if (code == a->code)
			continue;
		shared->wrong[who]++;
		print_error("%s %s: wanted %d, got %d\n%s", a->user, a->phases, a->code, code,
		    log_lines);
	}
}

static unsigned turn;

static void
describe_anew(struct key_record *k)
{
	k->description = turn % 2 == 0 ? "one" : "another";
}

/* As an administrator's editor does, or `apikey policy apply`. */
static void
replace_policy(void)
{
	char beside[PATH_CAP + 8], yaml[512];
	int len = snprintf(yaml,
	    sizeof(yaml), "# %u\nversion: 1\nroles:\n  all: {services: ['*']}\n  sshonly: {services: [sshd]}\n",
	    turn);

	(void)snprintf(beside, sizeof(beside), "%s.new", host.paths.policy);
	file_write(beside, yaml, (size_t)len, 0644);
	assert_int_equal(rename(beside, host.paths.policy), 0);
}

static void
abuse_134_many_logins_at_once_while_the_files_are_replaced_are_all_answered_right(void **state)
{
	struct shared *shared = mmap(
	    NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[PROCESSES];
	int status;

	(void)state;
	assert_ptr_not_equal(shared, MAP_FAILED);
	for (unsigned i = 0; i < PROCESSES; i++)
		if ((pids[i] = fork()) == 0) {
			ask_all(shared, i);
			_exit(0);
		}
	for (turn = 0; turn < REPLACEMENTS; turn++) {
		if (turn % 4 == 0)
			replace_policy();
		amend(UID_SECOND, describe_anew);
	}
	shared->over = true;
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		assert_int_equal(shared->wrong[i], 0);
	}
	(void)munmap(shared, sizeof(*shared));
	assert_int_equal(count_records("sessions", false), 0);
}

#define T(test) cmocka_unit_test_setup(test, set_up)

/* The last one is for a build without a sanitizer, which needs all the address space there is. */
const struct CMUnitTest stress_tests[] = {
    T(abuse_133_in_a_storm_of_signals_every_answer_is_right_and_on_record),
    T(abuse_134_many_logins_at_once_while_the_files_are_replaced_are_all_answered_right),
    T(abuse_131_with_hardly_any_address_space_nobody_enters_who_should_not),
};
const size_t n_stress_tests = N(stress_tests) - (COUNTS_ALLOCATIONS ? 0 : 1);
