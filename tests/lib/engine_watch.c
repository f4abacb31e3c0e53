/*
 * engine_watch ENGINE UID WORD…: plays the daemon. Starts the engine as UID with
 * the settings of the words (option=value, as in directory:), prints each message
 * that comes as one line, and passes on what stands on standard input: ping,
 * refresh, names A,B. Ends with its input, or with the engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "num.h"
#include "wire.h"

static struct directory_settings settings = {
    .present = true,
    .timeout_s = 5,
    .poll_s = 60,
    .reconcile_s = 3600,
    .max_age_s = 900,
    .keys = {"", "(objectClass=apikeyKey)"},
    .groups = {"", "(objectClass=groupOfNames)"},
    .principal = {"", "(uid=%n)"},
    .group_name = "cn",
};
static struct pack ca, cert, key, password, names, cookie;

static void
die(const char *what)
{
	(void)fprintf(stderr, "engine_watch: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- words ---------------------------------------------------------------------------------- */

static void
read_file(const char *path, struct pack *out)
{
	unsigned char bytes[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die(path);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		pack_bytes(out, bytes, (size_t)n);
	(void)close(fd);
}

/* A,B to a list. */
static struct strv
split(const char *words, struct pack *out)
{
	char *copy = strdup(words), *rest = NULL;

	pack_clear(out);
	for (char *w = strtok_r(copy, ",", &rest); w != NULL; w = strtok_r(NULL, ",", &rest))
		pack_entry(out, w);
	free(copy);
	return pack_borrow_strv(out);
}

static void
set_seconds(const char *value, int64_t *out)
{
	uint64_t n;

	if (num_parse(value, 1, UINT32_MAX, &n) != AK_OK)
		die(value);
	*out = (int64_t)n;
}

static void
set_text(const char *value, char *out, size_t cap)
{
	if (text_copy(out, cap, value) != AK_OK)
		die(value);
}

static void
set_word(const char *word)
{
	static struct pack uris, members;
	struct directory_settings *d = &settings;
	const char *value = strchr(word, '=');
	size_t len = value != NULL ? (size_t)(value - word) : 0;

#define IS(name) (len == strlen(name) && strncmp(word, name, len) == 0)
#define TEXT(name, field)                                                                      \
	if (IS(name))                                                                          \
	set_text(value + 1, field, sizeof(field))
	if (value == NULL)
		die(word);
	if (IS("uris"))
		d->uris = split(value + 1, &uris);
	if (IS("member"))
		d->members = split(value + 1, &members);
	if (IS("names"))
		(void)split(value + 1, &names);
	if (IS("ca"))
		read_file(value + 1, &ca);
	if (IS("cert"))
		read_file(value + 1, &cert);
	if (IS("key"))
		read_file(value + 1, &key);
	if (IS("password"))
		pack_bytes(&password, value + 1, strlen(value + 1));
	if (IS("groups_cookie"))
		pack_bytes(&cookie, value + 1, strlen(value + 1));
	if (IS("sasl"))
		d->sasl = DIRECTORY_EXTERNAL;
	if (IS("timeout"))
		set_seconds(value + 1, &d->timeout_s);
	if (IS("poll"))
		set_seconds(value + 1, &d->poll_s);
	if (IS("reconcile"))
		set_seconds(value + 1, &d->reconcile_s);
	if (IS("max_age"))
		set_seconds(value + 1, &d->max_age_s);
	TEXT("bind_dn", d->bind_dn);
	TEXT("keys", d->keys.base);
	TEXT("keys_filter", d->keys.filter);
	TEXT("groups", d->groups.base);
	TEXT("groups_filter", d->groups.filter);
	TEXT("principals", d->principal.base);
	TEXT("principals_filter", d->principal.filter);
	TEXT("name", d->group_name);
	TEXT("role_attribute", d->role_attribute);
}

/* --- the engine ----------------------------------------------------------------------------- */

static void
limit(__rlimit_resource_t what, rlim_t n)
{
	const struct rlimit r = {n, n};

	if (setrlimit(what, &r) != 0)
		die("setrlimit");
}

static void
be_engine(const char *path, const char *uid_text, int fd)
{
	uint64_t uid;

	if (num_parse(uid_text, 1, UINT32_MAX - 1, &uid) != AK_OK)
		die(uid_text);
	if (dup2(fd, 3) != 3 || setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) != 0 ||
	    setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		die("the engine's user");
	limit(RLIMIT_NPROC, 0);
	limit(RLIMIT_FSIZE, (rlim_t)1 << 20);
	limit(RLIMIT_NOFILE, 64);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_AS, (rlim_t)1 << 30);
	(void)execl(path, "apikey-engine", (char *)NULL);
	die(path);
}

static pid_t
start(const char *path, const char *uid_text, int *fd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		die("socketpair");
	if ((pid = fork()) < 0)
		die("fork");
	if (pid == 0)
		be_engine(path, uid_text, pair[1]);
	(void)close(pair[1]);
	*fd = pair[0];
	return pid;
}

static void
send_all(int fd, struct pack *out)
{
	size_t done_b = 0;

	if (out->err != AK_OK)
		die("a message");
	while (done_b < out->len_b) {
		ssize_t n = write(fd, out->bytes + done_b, out->len_b - done_b);

		if (n < 0)
			die("write");
		done_b += (size_t)n;
	}
	pack_clear(out);
}

/* --- messages ------------------------------------------------------------------------------- */

static void
print_uuids(const struct wire_message *m)
{
	for (size_t i = 0; i < m->n_uuids && i < 4; i++) {
		(void)printf(" ");
		for (size_t j = 0; j < DIRECTORY_UUID_B; j++)
			(void)printf("%02x", m->uuids[i * DIRECTORY_UUID_B + j]);
	}
	(void)printf(" (%zu)", m->n_uuids);
}

static void
print_entry(const struct directory_entry *e)
{
	(void)printf(" %d %s", e->search, e->dn);
	for (int s = 1; s < SLOT_COUNT; s++) {
		size_t n = 0;

		strv_for (e->values[s], value)
			if (n++ < 4)
				(void)printf(" %d:%s", s, value);
		if (n > 4)
			(void)printf(" (%zu)", n);
	}
}

static void
print_message(const struct wire_message *m)
{
	static const char *const types[] = {
	    "pong", "state", "begin", "put", "present", "gone", "cookie", "end", "contact"};
	static const char *const phases[] = {
	    "?", "idle", "connecting", "refreshing", "following", "polling"};

	(void)printf("%s", types[m->type - WIRE_PONG]);
	if (m->type == WIRE_STATE)
		(void)printf(
		    " %s %s: %s", phases[m->state.phase], m->state.uri, m->state.problem);
	if (m->type == WIRE_BEGIN)
		(void)printf(" %d", m->search);
	if (m->type == WIRE_PUT)
		print_entry(&m->entry);
	if (m->type == WIRE_PRESENT || m->type == WIRE_GONE) {
		(void)printf(" %d", m->search);
		print_uuids(m);
	}
	if (m->type == WIRE_COOKIE)
		(void)printf(
		    " %d %.*s", m->search, (int)m->cookie_len_b, (const char *)m->cookie);
	if (m->type == WIRE_END)
		(void)printf(" %d %s %.*s", m->end.search, m->end.drop_unnamed ? "drop" : "keep",
		    (int)m->end.cookie_len_b, (const char *)m->end.cookie);
	(void)printf("\n");
	(void)fflush(stdout);
}

/* False: the engine is gone. */
static bool
hear(int fd, struct pack *in)
{
	struct wire_message m;
	size_t at = 0, used;
	enum ak_err err;
	ssize_t n;

	pack_reserve(in, (size_t)1 << 20);
	n = read(fd, in->bytes + in->len_b, (size_t)1 << 20);
	if (n <= 0)
		return false;
	in->len_b += (size_t)n;
	while ((err = wire_take(in->bytes + at, in->len_b - at, true, &m, &used)) == AK_OK) {
		print_message(&m);
		at += used;
	}
	if (err != AK_ERR_RANGE) {
		(void)printf("garbage\n");
		return false;
	}
	memmove(in->bytes, in->bytes + at, in->len_b - at);
	in->len_b -= at;
	return true;
}

/* False: no more is to be said. */
static bool
say(int fd)
{
	char line[65536], *end;
	struct pack out = PACK_INIT, list = PACK_INIT;

	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	if ((end = strchr(line, '\n')) != NULL)
		*end = '\0';
	if (strcmp(line, "ping") == 0)
		wire_put_simple(&out, WIRE_PING);
	else if (strcmp(line, "refresh") == 0)
		wire_put_simple(&out, WIRE_REFRESH);
	else if (strncmp(line, "names ", 6) == 0)
		wire_put_names(&out, split(line + 6, &list));
	else
		pack_bytes(&out, line, strlen(line));
	send_all(fd, &out);
	pack_clear(&list);
	return true;
}

static void
converse(int fd)
{
	struct pollfd fds[2] = {
	    {.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	struct pack in = PACK_INIT;

	/* One line at a time, so that poll sees the next. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents != 0 && !hear(fd, &in))
			break;
		if (fds[1].revents != 0 && !say(fd))
			break;
	}
	pack_clear(&in);
}

int
main(int argc, char **argv)
{
	struct wire_start s = {.settings = &settings};
	struct pack out = PACK_INIT;
	int fd, status = 0;
	pid_t pid;

	if (argc < 4) {
		(void)fputs("usage: engine_watch ENGINE UID WORD…\n", stderr);
		return 2;
	}
	for (int i = 3; i < argc; i++)
		set_word(argv[i]);
	s.ca = (struct wire_blob){ca.bytes, ca.len_b};
	s.cert = (struct wire_blob){cert.bytes, cert.len_b};
	s.key = (struct wire_blob){key.bytes, key.len_b};
	s.password = (struct wire_blob){password.bytes, password.len_b};
	s.cookie[DIRECTORY_GROUPS] = (struct wire_blob){cookie.bytes, cookie.len_b};
	s.names = pack_borrow_strv(&names);
	wire_put_start(&out, &s);
	pid = start(argv[1], argv[2], &fd);
	send_all(fd, &out);
	converse(fd);
	(void)close(fd);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (WIFSIGNALED(status))
		(void)printf("engine killed by signal %d\n", WTERMSIG(status));
	else
		(void)printf("engine exit %d\n", WEXITSTATUS(status));
	return 0;
}
