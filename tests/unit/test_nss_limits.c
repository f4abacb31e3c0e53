/* The name service in a stranger's process: threads, forks, signals, descriptors; nothing is left behind or disturbed. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

#include "nss_ask.h"
#include "nss_fixture.h"

#define SRC(t) ((struct nss_source){.path = tmp_path((t), "users.idx"), .owner = geteuid()})

static const struct {
	struct nss_question q;
	enum nss_status status;
	const char *text;
} rows[] = {
    {{ASK_PWNAM, "ci", 0}, NSS_STATUS_SUCCESS, NSS_CI},
    {{ASK_PWUID, NULL, 1879048192}, NSS_STATUS_SUCCESS, NSS_LDAP},
    {{ASK_PWNAM, "no-such", 0}, NSS_STATUS_NOTFOUND, ""},
    {{ASK_GRNAM, "builders", 0}, NSS_STATUS_SUCCESS, NSS_BUILDERS},
    {{ASK_GRGID, NULL, 70001}, NSS_STATUS_SUCCESS, "deploy:x:70001:\n"},
    {{ASK_INITGROUPS, "ci", 70000}, NSS_STATUS_SUCCESS, "100000\n27\n"},
    {{ASK_PWENT, NULL, 0}, NSS_STATUS_NOTFOUND, NSS_CI NSS_DEPLOY NSS_LDAP},
    {{ASK_GRENT, NULL, 0}, NSS_STATUS_NOTFOUND, NSS_ALL_GROUPS},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Is every answer what the usual file says? */
static bool
all_right(const struct nss_source *src)
{
	struct nss_answer a;

	for (size_t i = 0; i < N_ROWS; i++) {
		nss_ask(src, &rows[i].q, &a);
		if (a.status != rows[i].status || strcmp(a.text, rows[i].text) != 0)
			return false;
	}
	return true;
}

static bool
all_unavailable(const struct nss_source *src, int error)
{
	struct nss_answer a;

	for (size_t i = 0; i < N_ROWS; i++) {
		nss_ask(src, &rows[i].q, &a);
		if (a.status != NSS_STATUS_UNAVAIL || a.error != error)
			return false;
	}
	return true;
}

static int
setup(void **state)
{
	int failed = tmp_setup(state);

	if (failed == 0)
		nss_fixture_usual(tmp_path(*state, "users.idx"));
	return failed;
}

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void
no_descriptor_is_left_open_whatever_the_answer(void **state)
{
	struct nss_source src = SRC(*state);
	unsigned before = open_descriptors();

	for (unsigned i = 0; i < 100; i++)
		assert_true(all_right(&src));
	assert_int_equal(0, truncate(src.path, 300));
	for (unsigned i = 0; i < 100; i++)
		assert_true(all_unavailable(&src, EIO));
	assert_int_equal(0, chmod(src.path, 0666));
	assert_true(all_unavailable(&src, EACCES));
	assert_int_equal(before, open_descriptors());
}

/* In children from here on: 0 is success. */
static int
without_descriptors(void *arg)
{
	struct rlimit none = {.rlim_cur = 3, .rlim_max = 3};
	int last = dup(0);

	if (last == -1 || setrlimit(RLIMIT_NOFILE, &none) == -1)
		return 1;
	for (int fd = 3; fd < 64; fd++)
		(void)close(fd);
	return all_unavailable(arg, EMFILE) ? 0 : 2;
}

static void
abuse_129_no_descriptor_left_is_an_outage(void **state)
{
	struct nss_source src = SRC(*state);

	assert_int_equal(0, child_run(without_descriptors, &src));
}

static int
beyond_1024(void *arg)
{
	struct rlimit many;

	if (getrlimit(RLIMIT_NOFILE, &many) == -1)
		return 1;
	many.rlim_cur = many.rlim_max < 2000 ? many.rlim_max : 2000;
	if (setrlimit(RLIMIT_NOFILE, &many) == -1)
		return 1;
	while (dup(0) < 1500)
		if (errno == EMFILE)
			return 3;
	return all_right(arg) ? 0 : 2;
}

static void
abuse_130_descriptors_above_1024_are_as_good_as_others(void **state)
{
	struct nss_source src = SRC(*state);
	int code;

	errno = 0;
	code = child_run(beyond_1024, &src);
	if (code == 3)
		skip();
	assert_int_equal(0, code);
}

static int
without_standard_streams(void *arg)
{
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	if (!all_right(arg))
		return 1;
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 2;
	return 0;
}

static void
abuse_113_closed_standard_streams_stay_closed_and_are_not_missed(void **state)
{
	struct nss_source src = SRC(*state);

	assert_int_equal(0, child_run(without_standard_streams, &src));
}

static int
in_a_deleted_folder(void *arg)
{
	char dir[] = "/tmp/apikey-gone-XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) == -1 || rmdir(dir) == -1)
		return 1;
	return all_right(arg) ? 0 : 2;
}

static void
abuse_115_a_deleted_working_folder_is_not_missed(void **state)
{
	struct nss_source src = SRC(*state);

	assert_int_equal(0, child_run(in_a_deleted_folder, &src));
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static int
under_signals(void *arg)
{
	struct sigaction on = {.sa_handler = on_alarm}, now;
	struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};

	/* No SA_RESTART: whatever can be interrupted will be. */
	if (sigaction(SIGALRM, &on, NULL) == -1 || setitimer(ITIMER_REAL, &often, NULL) == -1)
		return 1;
	for (unsigned i = 0; i < 500; i++)
		if (!all_right(arg))
			return 2;
	(void)setitimer(ITIMER_REAL, &never, NULL);
	if (sigaction(SIGALRM, NULL, &now) == -1 || now.sa_handler != on_alarm)
		return 3;
	if (sigaction(SIGPIPE, NULL, &now) == -1 || now.sa_handler != SIG_DFL)
		return 4;
	return sigaction(SIGCHLD, NULL, &now) == -1 || now.sa_handler != SIG_DFL ? 5 : 0;
}

static void
abuse_116_133_a_storm_of_signals_changes_no_answer_and_no_handler_changes(void **state)
{
	struct nss_source src = SRC(*state);

	assert_int_equal(0, child_run(under_signals, &src));
}

struct crowd {
	struct nss_source src;
	atomic_bool stop;
	atomic_uint wrong;
};

static void *
ask_on(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->stop))
		if (!all_right(&c->src))
			atomic_fetch_add(&c->wrong, 1);
	return NULL;
}

#define CROWD 64

static void
crowd_start(struct crowd *c, pthread_t threads[CROWD])
{
	for (unsigned i = 0; i < CROWD; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, ask_on, c));
}

static void
crowd_end(struct crowd *c, pthread_t threads[CROWD])
{
	atomic_store(&c->stop, true);
	for (unsigned i = 0; i < CROWD; i++)
		assert_int_equal(0, pthread_join(threads[i], NULL));
	assert_int_equal(0, atomic_load(&c->wrong));
}

static void
abuse_121_64_threads_are_answered_rightly_while_the_file_is_replaced(void **state)
{
	struct crowd c = {.src = SRC(*state)};
	pthread_t threads[CROWD];

	crowd_start(&c, threads);
	for (unsigned i = 0; i < 100; i++)
		nss_fixture_usual(c.src.path);
	crowd_end(&c, threads);
}

/* Those that need no memory: the test's own lists would wait for locks that died with the other threads. */
static int
ask_once(void *arg)
{
	struct nss_answer a;

	for (size_t i = 0; i < N_ROWS && rows[i].q.kind <= ASK_GRGID; i++) {
		nss_ask(arg, &rows[i].q, &a);
		if (a.status != rows[i].status || strcmp(a.text, rows[i].text) != 0)
			return 1;
	}
	return 0;
}

static void
abuse_122_a_child_forked_while_others_look_up_is_answered(void **state)
{
	struct crowd c = {.src = SRC(*state)};
	pthread_t threads[CROWD];

	crowd_start(&c, threads);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(0, child_run(ask_once, &c.src));
	crowd_end(&c, threads);
}

/* Where the build puts it, seen from its folder; NSS_MODULE names another. */
static const char *
module_path(void)
{
	static const char *const usual[] = {".libs/libnss_apikey.so", "./libnss_apikey.so.2"};
	const char *named = getenv("NSS_MODULE");

	if (named != NULL)
		return named;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

typedef enum nss_status lookup_fn(const char *, struct passwd *, char *, size_t, int *);

/* Nobody has this name, whether the machine has keys or no file of them. */
static int
load_look_up_unload(const char *path)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	enum nss_status status;
	lookup_fn *look_up;
	struct passwd pw;
	char buf[256];
	int error = 0;

	if (module == NULL)
		fail_msg("%s", dlerror());
	*(void **)&look_up = dlsym(module, "_nss_apikey_getpwnam_r");
	assert_non_null(look_up);
	status = look_up("nobody-has-this", &pw, buf, sizeof(buf), &error);
	assert_true(status == NSS_STATUS_NOTFOUND || status == NSS_STATUS_UNAVAIL);
	return dlclose(module);
}

/* How often the module is mapped. */
static unsigned
mappings_of(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t len_b;
	char *maps = file_read("/proc/self/maps", &len_b);
	unsigned n = 0;

	assert_non_null(maps);
	for (const char *at = maps; (at = strstr(at, name)) != NULL; at++)
		n++;
	free(maps);
	return n;
}

/* A sanitizer's memory is not counted: none of its own is told. */
static void
abuse_124_loaded_asked_and_unloaded_10000_times_it_leaves_nothing(void **state)
{
	const char *path = module_path();
	unsigned before = open_descriptors(), mapped = 0;
	size_t used_b = 0;

	(void)state;
	if (path == NULL)
		skip();
	for (unsigned i = 0; i < 10000; i++) {
		if (i == 100) {
			used_b = mallinfo2().uordblks;
			mapped = mappings_of(path);
		}
		assert_int_equal(0, load_look_up_unload(path));
	}
	assert_int_equal(before, open_descriptors());
	assert_in_range(
	    mallinfo2().uordblks, 0, used_b + 16384); /* less than two bytes each time */
	assert_int_equal(mappings_of(path), mapped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_descriptor_is_left_open_whatever_the_answer),
	    TEST(abuse_113_closed_standard_streams_stay_closed_and_are_not_missed),
	    TEST(abuse_115_a_deleted_working_folder_is_not_missed),
	    TEST(abuse_116_133_a_storm_of_signals_changes_no_answer_and_no_handler_changes),
	    TEST(abuse_121_64_threads_are_answered_rightly_while_the_file_is_replaced),
	    TEST(abuse_122_a_child_forked_while_others_look_up_is_answered),
	    TEST(abuse_129_no_descriptor_left_is_an_outage),
	    TEST(abuse_130_descriptors_above_1024_are_as_good_as_others),
	    /* The last: ThreadSanitizer's notes of it leave no room to fork. */
	    TEST(abuse_124_loaded_asked_and_unloaded_10000_times_it_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
