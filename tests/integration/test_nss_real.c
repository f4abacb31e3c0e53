/* The module as glibc uses it: loaded, configured, and called through getpwnam and its kin, on a private /var. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_steps.h"

#include "nss_ask.h"
#include "nss_fixture.h"

/* Not declared by any header; what getent --service uses. */
int __nss_configure_lookup(const char *database, const char *service_line);

static void
say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		print_message("%s: %s\n", path, strerror(errno));
	if (fd != -1)
		(void)close(fd);
}

/* A mount namespace; as root in a user namespace of our own when we are not root. */
static bool
go_private(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) == -1)
		return false;
	if (uid != 0) {
		(void)snprintf(map, sizeof(map), "0 %u 1", uid);
		say("/proc/self/uid_map", map);
		say("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "0 %u 1", gid);
		say("/proc/self/gid_map", map);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", AK_LOCALSTATEDIR, "tmpfs", 0, "mode=0755") == 0 &&
	       mkdir(AK_LOCALSTATEDIR "/lib", 0755) == 0 &&
	       mkdir(AK_LOCALSTATEDIR "/lib/apikey", 0755) == 0;
}

/* The name under which glibc asks for it is the module's soname: so it finds this one. */
static bool
load(void)
{
	static const char *const usual[] = {".libs/libnss_apikey.so", "./libnss_apikey.so.2"};
	const char *named = getenv("NSS_MODULE");
	void *module = named == NULL ? NULL : dlopen(named, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; module == NULL && i < sizeof(usual) / sizeof(usual[0]); i++)
		module = dlopen(usual[i], RTLD_NOW | RTLD_LOCAL);
	return module != NULL && __nss_configure_lookup("passwd", "files apikey") == 0 &&
	       __nss_configure_lookup("group", "files [SUCCESS=merge] apikey") == 0;
}

static bool ready;

static int
group_setup(void **state)
{
	(void)state;
	ready = access(AK_LOCALSTATEDIR, X_OK) == 0 && go_private() && load();
	if (!ready)
		print_message("no module here, or no mount namespace: all is skipped\n");
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	if (ready)
		nss_fixture_usual(NSS_USERS_PATH);
	return 0;
}

#define NEED_READY()                                                                           \
	do {                                                                                   \
		if (!ready)                                                                    \
			skip();                                                                \
	} while (0)

static void
getpwnam_and_getpwuid_find_keys_and_still_find_root(void **state)
{
	char line[256];
	struct passwd *pw;

	(void)state;
	NEED_READY();
	assert_non_null(pw = getpwnam("ci"));
	assert_string_equal(NSS_CI, nss_passwd_line(pw, line, sizeof(line)));
	assert_non_null(pw = getpwuid(1879048192));
	assert_string_equal(NSS_LDAP, nss_passwd_line(pw, line, sizeof(line)));
	assert_null(getpwnam("no-such-key"));
	assert_null(getpwuid(70007));
	assert_int_equal(0, getpwnam("root")->pw_uid);
	assert_int_equal(0, unlink(NSS_USERS_PATH));
	assert_int_equal(0, getpwnam("root")->pw_uid);
	assert_string_equal("root", getpwuid(0)->pw_name);
	assert_null(getpwnam("ci"));
}

static void
getgrnam_and_getgrgid_find_both_kinds_of_group(void **state)
{
	char line[256];
	struct group *gr;

	(void)state;
	NEED_READY();
	assert_non_null(gr = getgrnam("builders"));
	assert_string_equal(NSS_BUILDERS, nss_group_line(gr, line, sizeof(line)));
	assert_non_null(gr = getgrgid(70001));
	assert_string_equal("deploy:x:70001:\n", nss_group_line(gr, line, sizeof(line)));
	assert_null(getgrgid(100009));
	assert_string_equal("root", getgrgid(0)->gr_name);
}

static bool
in_list(const gid_t *gids, int n, gid_t gid)
{
	for (int i = 0; i < n; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

static void
abuse_154_getgrouplist_gives_the_roles_groups_to_the_key_and_not_to_its_namesake(void **state)
{
	gid_t gids[16];
	int n = 16;

	(void)state;
	NEED_READY();
	assert_int_equal(3, getgrouplist("ci", 70000, gids, &n));
	assert_true(in_list(gids, n, 70000) && in_list(gids, n, 100000) && in_list(gids, n, 27));
	n = 2;
	assert_int_equal(-1, getgrouplist("ci", 70000, gids, &n));
	assert_int_equal(3, n);
	n = 16;
	assert_int_equal(1, getgrouplist("no-such-key", 1000, gids, &n));
	n = 16;
	assert_int_equal(1, getgrouplist("ci", 1000, gids, &n));
}

/* How often ci, deploy and from-ldap still come; fork and look-ups in between change nothing. */
static int
count_keys(void *arg)
{
	struct passwd *pw;
	int n = 0;

	(void)arg;
	while ((pw = getpwent()) != NULL) {
		if (pw->pw_uid < 70000 || (pw->pw_uid > 99999 && pw->pw_uid < 1879048192))
			continue;
		n++;
		if (getgrgid(70001) == NULL)
			return -1;
	}
	return n;
}

static void
abuse_125_getpwent_lists_each_key_once_with_getgrgid_in_between(void **state)
{
	(void)state;
	NEED_READY();
	setpwent();
	assert_int_equal(3, count_keys(NULL));
	setpwent();
	assert_int_equal(3, count_keys(NULL));
	endpwent();
}

static void
abuse_123_a_child_forked_in_a_getpwent_loop_ends_its_own_list(void **state)
{
	struct passwd *pw;

	(void)state;
	NEED_READY();
	setpwent();
	do
		assert_non_null(pw = getpwent());
	while (strcmp(pw->pw_name, "ci") != 0);
	assert_int_equal(2, child_run(count_keys, NULL));
	assert_int_equal(2, count_keys(NULL));
	endpwent();
}

static void
getgrent_lists_the_groups_of_both_kinds_once(void **state)
{
	struct group *gr;
	unsigned builders = 0, deploy = 0;

	(void)state;
	NEED_READY();
	setgrent();
	while ((gr = getgrent()) != NULL) {
		builders += strcmp(gr->gr_name, "builders") == 0;
		deploy += strcmp(gr->gr_name, "deploy") == 0;
	}
	endgrent();
	assert_int_equal(1, builders);
	assert_int_equal(1, deploy);
}

/* A thread's whole life: its list, then its end. NULL when all was well. */
static void *
live(void *arg)
{
	struct passwd pw, *found;
	char buf[1024];

	for (unsigned i = 0; i < 200; i++)
		if (getpwnam_r("deploy", &pw, buf, sizeof(buf), &found) != 0 || found == NULL ||
		    pw.pw_uid != 70001)
			return arg;
	return getpwent_r(&pw, buf, sizeof(buf), &found) == 0 ? NULL : arg;
}

static void
abuse_121_threads_come_ask_and_go_while_the_file_is_replaced(void **state)
{
	pthread_t threads[64];
	void *failed;

	(void)state;
	NEED_READY();
	setpwent();
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, live, &ready));
	for (unsigned i = 0; i < 50; i++)
		nss_fixture_usual(NSS_USERS_PATH);
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(0, pthread_join(threads[i], &failed));
		assert_null(failed);
	}
	endpwent();
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(getpwnam_and_getpwuid_find_keys_and_still_find_root),
	    TEST(getgrnam_and_getgrgid_find_both_kinds_of_group),
	    TEST(
		abuse_154_getgrouplist_gives_the_roles_groups_to_the_key_and_not_to_its_namesake),
	    TEST(abuse_125_getpwent_lists_each_key_once_with_getgrgid_in_between),
	    TEST(abuse_123_a_child_forked_in_a_getpwent_loop_ends_its_own_list),
	    TEST(getgrent_lists_the_groups_of_both_kinds_once),
	    TEST(abuse_121_threads_come_ask_and_go_while_the_file_is_replaced),
	};

	/* Configured for folders that are not there yet (distcheck): nothing to mount upon. */
	if (access(AK_LOCALSTATEDIR, F_OK) == -1) {
		(void)puts("1..0 # SKIP " AK_LOCALSTATEDIR " is not there");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, NULL);
}
