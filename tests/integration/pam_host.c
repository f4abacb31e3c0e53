/* pam_host: the host that the driver's transactions run on: see pam_host.h. */
#include "pam_host.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "paths.h"
#include "testlib_cmocka.h"
#include "text.h"

#define SEEN __attribute__((visibility("default")))

/* ---- what the module finds in place of the system's: these come before every library's ---- */

char log_lines[LOG_CAP];
uid_t real_uid;

SEEN void pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
    AK_PRINTF(3, 4);

SEEN void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
	size_t len = strlen(log_lines);
	char line[sizeof(log_lines) / 2];
	struct text log;
	va_list ap;

	(void)pamh;
	if (len > sizeof(log_lines) / 2)
		len = 0;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log = text_over(log_lines + len, sizeof(log_lines) - len);
	text_add(&log, "<%d> %s\n", priority, line);
}

/* Who calls sudo. */
SEEN uid_t
getuid(void)
{
	return real_uid;
}

/* The groups of this process: the namespace lets nobody change them. */
gid_t groups[NGROUPS_MAX];
int n_groups;
bool groups_are_fixed;

SEEN int
getgroups(int size, gid_t list[])
{
	if (size != 0)
		memcpy(list, groups, (size_t)n_groups * sizeof(*list));
	return n_groups;
}

/* What the compiler calls where it knows how large the list is. */
SEEN int __getgroups_chk(int size, gid_t list[], size_t list_b);

SEEN int
__getgroups_chk(int size, gid_t list[], size_t list_b)
{
	(void)list_b;
	return getgroups(size, list);
}

SEEN int
setgroups(size_t size, const gid_t *list)
{
	if (groups_are_fixed) {
		errno = EPERM;
		return -1;
	}
	memcpy(groups, list, size * sizeof(*list));
	n_groups = (int)size;
	return 0;
}

/* Nothing more can be left with libpam: of data, or in the environment. */
bool no_room_in_pam, no_room_in_env;
bool keeps_policy, keeps_handover;
char left_authtok[64];

typedef void cleanup_fn(pam_handle_t *pamh, void *data, int status);

SEEN int
pam_putenv(pam_handle_t *pamh, const char *pair)
{
	int (*next)(pam_handle_t *, const char *);

	*(void **)&next = dlsym(RTLD_NEXT, "pam_putenv");
	return no_room_in_env ? PAM_BUF_ERR : next(pamh, pair);
}

SEEN int
pam_set_data(pam_handle_t *pamh, const char *name, void *data, cleanup_fn *cleanup)
{
	int (*next)(pam_handle_t *, const char *, void *, cleanup_fn *);
	bool full = no_room_in_pam && data != NULL && strncmp(name, "apikey_", 7) == 0;

	bool is_libpams = strncmp(name, "_pammodutil_", 12) == 0;
	unsigned kept = countdown;
	int code;

	/* libpam itself tries two thousand million names, one after the other, for an answer that it can't keep. */
	if (is_libpams)
		countdown = 0;
	*(void **)&next = dlsym(RTLD_NEXT, "pam_set_data");
	code = full ? PAM_BUF_ERR : next(pamh, name, data, cleanup);
	if (is_libpams)
		countdown = kept;
	if (strcmp(name, "apikey_live") == 0)
		keeps_policy = code == PAM_SUCCESS && data != NULL;
	if (strcmp(name, "apikey_handover") == 0 && code == PAM_SUCCESS)
		keeps_handover = data != NULL;
	return code;
}

SEEN int
pam_set_item(pam_handle_t *pamh, int item, const void *value)
{
	int (*next)(pam_handle_t *, int, const void *);
	int code;

	*(void **)&next = dlsym(RTLD_NEXT, "pam_set_item");
	code = next(pamh, item, value);
	if (item == PAM_AUTHTOK && code == PAM_SUCCESS)
		(void)snprintf(left_authtok, sizeof(left_authtok), "%s",
		    value == NULL ? "" : (const char *)value);
	return code;
}

/* A moment between the module's record and its decision; and no record gets its name any more. */
void (*once_recorded)(void);
bool no_more_records;

SEEN int
renameat(int from, const char *old, int to, const char *new)
{
	void (*recorded)(void) = once_recorded;
	int answer = no_more_records ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);

	once_recorded = NULL;
	if (recorded != NULL)
		recorded();
	return answer;
}

/* The n-th allocation fails, and those behind it. */
unsigned countdown;
bool one_failed, all_fail;

#if COUNTS_ALLOCATIONS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool
must_fail(void)
{
	if (countdown == 0 || --countdown != 0)
		return false;
	countdown = all_fail;
	errno = ENOMEM;
	return one_failed = true;
}

SEEN void *
malloc(size_t size)
{
	return must_fail() ? NULL : __libc_malloc(size);
}

SEEN void *
calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : __libc_calloc(n, size);
}

SEEN void *
realloc(void *old, size_t size)
{
	return must_fail() ? NULL : __libc_realloc(old, size);
}
#endif

/* ---- the host ---- */

struct host host;
struct token tok_ci, tok_second, tok_other[6];

static void
skip_all(const char *why, const char *path)
{
	printf("1..0 # SKIP %s %s: %s\n", why, path, strerror(errno));
	exit(0);
}

static void
make_folders(const char *folder)
{
	char at[PATH_CAP];

	for (const char *slash = strchr(folder + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		(void)snprintf(at, sizeof(at), "%.*s", (int)(slash - folder), folder);
		(void)mkdir(at, 0755);
	}
	(void)mkdir(folder, 0755);
}

/* An empty folder there, though what stands above it is the machine's. Then it must be root's, in here too. */
static void
mount_over(const char *folder)
{
	char at[PATH_CAP];
	struct stat st;

	(void)snprintf(at, sizeof(at), "%s", folder);
	while (access(at, F_OK) == -1 && strrchr(at, '/') != at)
		*strrchr(at, '/') = '\0';
	if (mount("none", at, "tmpfs", 0, "mode=0755") == -1)
		skip_all("nothing can be mounted over", at);
	make_folders(folder);
	for (;;) {
		errno = EPERM;
		if (stat(at, &st) == -1 || st.st_uid != 0)
			skip_all("it is not root's:", at);
		if (strrchr(at, '/') == at)
			break;
		*strrchr(at, '/') = '\0';
	}
}

/* The same entry below another root: a folder is bound, a link is made again. */
static void
bind_entry(const char *name, const char *root)
{
	char from[PATH_CAP], to[PATH_CAP], target[PATH_CAP] = "";
	struct stat st;

	(void)snprintf(from, sizeof(from), "/%.200s", name);
	(void)snprintf(to, sizeof(to), "%.50s/%.200s", root, name);
	if (lstat(from, &st) == -1)
		return;
	if (S_ISLNK(st.st_mode) && readlink(from, target, sizeof(target) - 1) > 0)
		(void)!symlink(target, to);
	else if (S_ISDIR(st.st_mode) && mkdir(to, 0755) == 0)
		(void)mount(from, to, NULL, MS_BIND | MS_REC, NULL);
}

/* A root folder that is ours, so that those below it may be trusted; of the machine's it has all but /etc and /var. */
static void
change_root(const char *root)
{
	DIR *d = opendir("/");
	struct dirent *e;

	if (d == NULL || mount("none", root, "tmpfs", 0, "mode=0755") == -1)
		skip_all("nothing can be mounted over", root);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strcmp(e->d_name, "etc") != 0 &&
		    strcmp(e->d_name, "var") != 0)
			bind_entry(e->d_name, root);
	(void)closedir(d);
	if (chroot(root) == -1 || chdir("/") == -1)
		skip_all("cannot be a root folder:", root);
}

/* Only where root is somebody else outside: nothing of the machine is touched. */
bool
is_own_namespace(void)
{
	unsigned inside = 1, outside = 0, count = 0;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool own = f != NULL && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3 &&
		   inside == 0 && count == 1;

	if (f != NULL)
		(void)fclose(f);
	return own;
}

void
mount_host(const char *root)
{
	char folder[PATH_CAP];

	change_root(root);
	host.paths = paths_installed();
	(void)snprintf(folder, sizeof(folder), "%s", host.paths.config);
	*strrchr(folder, '/') = '\0';
	make_folders("/etc");
	make_folders("/var");
	mount_over(folder);
	mount_over(host.paths.state);
	(void)snprintf(folder, sizeof(folder), "%s", host.paths.audit);
	*strrchr(folder, '/') = '\0';
	make_folders(folder);
	if (access(folder, W_OK) == -1)
		mount_over(folder);
	mount_over(host.paths.run);
}

static const char *const POLICY = "version: 1\n"
				  "roles:\n"
				  "  all: {services: ['*']}\n"
				  "  sshonly: {services: [sshd]}\n";

static void
add_key(struct store *s, struct key_record k, const char *binding)
{
	if (binding != NULL)
		key_bind(&k, binding);
	assert_err(k.name, AK_OK, store_put(s, &k));
}

static void
add_others(struct store *s)
{
	static const char own_too[] = "192.0.2.0/24\0"
				      "127.0.0.0/8\0"
				      "::1/128";
	struct key_record k = key_with_token("disabled", UID_DISABLED, &tok_other[0]);

	k.state = KEY_DISABLED;
	add_key(s, k, "all");
	k = key_with_token("expired", UID_EXPIRED, &tok_other[1]);
	k.expires_at = time(NULL) - 1;
	add_key(s, k, "all");
	k = key_with_token("early", UID_EARLY, &tok_other[2]);
	k.not_before = time(NULL) + 3600;
	add_key(s, k, "all");
	add_key(s, key_with_token("roleless", UID_ROLELESS, &tok_other[3]), NULL);
	add_key(s, key_with_token("sshonly", UID_SSHONLY, &tok_other[4]), "sshonly");
	k = key_with_token("bound", UID_BOUND, &tok_other[5]);
	/* Its own host's addresses are in the list, and yet undefined. */
	k.from = (struct strv){.bytes = own_too, .len_b = sizeof(own_too)};
	add_key(s, k, "all");
}

void
change(void (*stage)(struct store *s))
{
	struct store *s = host_open(&host);

	if (stage != NULL)
		stage(s);
	assert_err("publish", AK_OK, host_publish_open(&host, s, STAMP));
	store_close(&s);
}

void
add_all(struct store *s)
{
	static char long_text[3000];
	struct key_record k = key_with_token("second", UID_SECOND, &tok_second);

	memset(long_text, 'x', sizeof(long_text) - 1);
	k.description = long_text; /* its record needs the heap */
	add_key(s, k, "all");
	add_key(s, key_with_token("ci", UID_CI, &tok_ci), "all");
	add_others(s);
}

/* A key as it is stored, changed, stored again. */
void
amend(uint32_t uid, void (*edit)(struct key_record *k))
{
	struct store *s = host_open(&host);
	struct key k;

	assert_err("find", AK_OK, store_find_uid(s, uid, &k));
	if (edit == NULL) {
		assert_err("remove", AK_OK, store_remove(s, &k.rec, STAMP));
	} else {
		edit(&k.rec);
		assert_err("put", AK_OK, store_put(s, &k.rec));
	}
	assert_err("publish", AK_OK, host_publish_open(&host, s, STAMP));
	key_clear(&k);
	store_close(&s);
}

struct conversation conv;
void (*once_asked)(void);

static void
let_it_wait(void)
{
	void (*asked)(void) = once_asked;

	once_asked = NULL;
	if (asked != NULL)
		asked();
}

int
converse(int n, const struct pam_message **msg, struct pam_response **resp, void *data)
{
	(void)data;
	*resp = NULL;
	if (conv.code != PAM_SUCCESS)
		return conv.code;
	*resp = calloc((size_t)n, sizeof(**resp));
	if (*resp == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		bool asks = msg[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
			    msg[i]->msg_style == PAM_PROMPT_ECHO_ON;

		if (conv.refuses_echo && msg[i]->msg_style == PAM_PROMPT_ECHO_ON) {
			free(*resp); /* of one message: libpam and the module ask no more at once */
			*resp = NULL;
			return PAM_CONV_ERR;
		}
		(void)snprintf(asks ? conv.prompt : conv.last_told,
		    asks ? sizeof(conv.prompt) : sizeof(conv.last_told), "%s", msg[i]->msg);
		conv.asked += asks;
		conv.told += !asks;
		if (asks)
			let_it_wait();
		if (asks && conv.answer != NULL)
			(*resp)[i].resp = strdup(conv.answer);
	}
	return PAM_SUCCESS;
}

unsigned
count_records(const char *folder, bool remove)
{
	char path[PATH_CAP * 2];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/%s", host.paths.run, folder);
	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			n++;
			if (remove)
				(void)unlinkat(dirfd(d), e->d_name, 0);
		}
	(void)closedir(d);
	return n;
}

void
empty_folder(const char *folder)
{
	(void)count_records(folder, true);
}

int
set_up(void **state)
{
	(void)state;
	(void)unlink(host.paths.lockdown);
	host_wipe(&host);
	host.opt = (struct store_options){.accept_rollback = false};
	host_groups(&host, "root:x:0:\nbob:x:1000:\nnightwatch:x:1500:\n");
	host_settings(&host, NULL);
	host_policy(&host, POLICY);
	change(add_all);
	memset(&conv, 0, sizeof(conv));
	log_lines[0] = '\0';
	real_uid = 0;
	n_groups = 2;
	groups[0] = 1;
	groups[1] = 2;
	groups_are_fixed = false;
	once_recorded = once_asked = NULL;
	no_more_records = keeps_policy = keeps_handover = false;
	left_authtok[0] = '\0';
	assert_int_equal(chmod(host.paths.run, 0755), 0);
	(void)unlink(host.paths.audit);
	empty_folder("sessions");
	empty_folder("handles");
	return 0;
}

/* ---- transactions ---- */

struct transaction how;

static int
call(pam_handle_t *pamh, char phase, int flags)
{
	switch (phase) {
	case 'a':
		return pam_authenticate(pamh, flags);
	case 'm':
		return pam_acct_mgmt(pamh, flags);
	case 's':
		return pam_setcred(pamh, flags | (int)PAM_ESTABLISH_CRED);
	case 'o':
		return pam_open_session(pamh, flags);
	case 'c':
		return pam_close_session(pamh, flags);
	case 'd':
		return pam_setcred(pamh, flags | (int)PAM_DELETE_CRED);
	case 'p':
		return pam_chauthtok(pamh, flags);
	default:
		return PAM_ABORT;
	}
}

int
enter(const char *service, const char *user, const char *answer, const char *phases)
{
	struct pam_conv with = {.conv = converse};
	pam_handle_t *pamh = NULL;
	int code = PAM_SUCCESS;

	if (answer != NULL)
		conv.answer = answer;
	assert_int_equal(pam_start(service, user, &with, &pamh), PAM_SUCCESS);
	if (how.rhost != NULL)
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, how.rhost), PAM_SUCCESS);
	if (how.ruser != NULL)
		assert_int_equal(pam_set_item(pamh, PAM_RUSER, how.ruser), PAM_SUCCESS);
	for (; *phases != '\0' && code == PAM_SUCCESS; phases++) {
		if (how.between != NULL)
			how.between(pamh, *phases);
		code = call(pamh, *phases, how.flags);
		if (code == PAM_USER_UNKNOWN && how.past_unknown)
			code = PAM_SUCCESS;
	}
	if (how.after != NULL)
		how.after(pamh);
	(void)pam_end(pamh, code);
	memset(&how, 0, sizeof(how));
	return code;
}

const char *
text_of(const struct token *t)
{
	return t->text.text;
}

bool
has_logged(const char *text)
{
	bool has = strstr(log_lines, text) != NULL;

	if (!has)
		print_error("no `%s' in:\n%s", text, log_lines);
	log_lines[0] = '\0';
	return has;
}
