/*
 * apikey-engine: follows the LDAP server for apikeyd, as a user that may do
 * nothing, and tells over descriptor 3 what it learns. It logs nothing itself.
 */
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_link.h"
#include "engine_loop.h"
#include "engine_sandbox.h"
#include "ldapconn.h"

#define LINK_FD 3
#define PATH_CAP 32

/* What the daemon told, kept: the frame that brought it is wiped. */
struct kept {
	struct wire_message start; /* its settings are borrowed by all: it stays where it is */
	char ca[PATH_CAP], cert[PATH_CAP], key[PATH_CAP];
	char *password;
	struct pack cookies[4], names;
};

/* "/proc/self/fd/5" with these bytes, for a library that wants files; "" for none. Open as long as the engine lives. */
static enum ak_err
keep_file(const struct wire_blob *blob, char path[PATH_CAP])
{
	struct text t = text_over(path, PATH_CAP);
	size_t done_b = 0;
	int fd;

	if (blob->len_b == 0)
		return AK_OK;
	if ((fd = memfd_create("apikey", MFD_CLOEXEC)) < 0)
		return AK_ERR_UNAVAILABLE;
	while (done_b < blob->len_b) {
		ssize_t n = write(fd, blob->bytes + done_b, blob->len_b - done_b);

		if (n <= 0)
			return AK_ERR_UNAVAILABLE;
		done_b += (size_t)n;
	}
	text_add(&t, "/proc/self/fd/%d", fd);
	return AK_OK;
}

/* A file's last newline is not of the password. */
static enum ak_err
keep_password(const struct wire_blob *blob, char **out)
{
	size_t len_b = blob->len_b;

	if (len_b > 0 && blob->bytes[len_b - 1] == '\n')
		len_b--;
	if (len_b > 0 && memchr(blob->bytes, '\0', len_b) != NULL)
		return AK_ERR_INVALID;
	if ((*out = calloc(1, len_b + 1)) == NULL)
		return AK_ERR_NOMEM;
	if (len_b > 0)
		memcpy(*out, blob->bytes, len_b);
	return AK_OK;
}

static enum ak_err
keep_bytes(const void *bytes, size_t len_b, struct pack *out)
{
	pack_bytes(out, bytes, len_b);
	return out->err;
}

static enum ak_err
keep(struct kept *k)
{
	const struct wire_start *s = &k->start.start;
	enum ak_err err;

	if ((err = keep_file(&s->ca, k->ca)) != AK_OK ||
	    (err = keep_file(&s->cert, k->cert)) != AK_OK ||
	    (err = keep_file(&s->key, k->key)) != AK_OK ||
	    (err = keep_password(&s->password, &k->password)) != AK_OK ||
	    (err = keep_bytes(s->names.bytes, s->names.len_b, &k->names)) != AK_OK)
		return err;
	for (int i = 0; i < 4 && err == AK_OK; i++)
		err = keep_bytes(s->cookie[i].bytes, s->cookie[i].len_b, &k->cookies[i]);
	return err;
}

/* The first message, and nothing before it. */
static enum ak_err
await_start(struct engine_link *link, struct wire_message *out)
{
	struct pollfd p = {.fd = link->fd, .events = POLLIN};
	enum ak_err err;

	do {
		(void)poll(&p, 1, -1);
		if ((err = engine_link_fill(link)) != AK_OK)
			return err;
	} while ((err = engine_link_next(link, out)) == AK_ERR_NOT_FOUND);
	return err == AK_OK && out->type != WIRE_START ? AK_ERR_CORRUPT : err;
}

/* Once through libraries that load others at their first use: later they may not. */
static void
warm_up(struct strv uris)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	LDAP *ld = NULL;
	bool remote = false;

	strv_for (uris, uri)
		remote = remote || strncasecmp(uri, "ldapi:", 6) != 0;
	if (ldap_initialize(&ld, "ldapi://") == LDAP_SUCCESS)
		ldapconn_close(&ld);
	/* A name that nobody has (RFC 6761): every module is asked. */
	if (remote && getaddrinfo("apikey.invalid.", "ldap", &hints, &found) == 0)
		freeaddrinfo(found);
}

static enum ak_err
tell_problem(struct engine_link *link, enum ak_err err, const char *problem)
{
	wire_put_state(&link->out,
	    &(struct wire_state){.phase = WIRE_IDLE, .uri = "", .problem = problem});
	/* It is the last word, whether it arrives or not. */
	return engine_link_flush(link) == AK_OK ? err : AK_ERR_UNAVAILABLE;
}

static enum ak_err
follow(struct kept *k, struct engine_link *link)
{
	struct wire_blob cookies[4];
	struct engine_config config = {
	    .settings = k->start.start.settings,
	    .ca_file = k->ca,
	    .cert_file = k->cert,
	    .key_file = k->key,
	    .password = k->password,
	    .cookie = cookies,
	    .names = pack_borrow_strv(&k->names),
	    .first = k->start.start.first,
	};

	for (int i = 0; i < 4; i++)
		cookies[i] = (struct wire_blob){k->cookies[i].bytes, k->cookies[i].len_b};
	return engine_loop(&config, link);
}

static enum ak_err
run(struct engine_link *link)
{
	static struct kept kept;
	struct diag why = DIAG_INIT;
	enum ak_err err;

	if ((err = await_start(link, &kept.start)) != AK_OK)
		return err;
	if ((err = keep(&kept)) != AK_OK)
		return tell_problem(link, err,
		    "the engine can't keep the certificates or the password of directory:");
	/* Wipes the frame that the secrets came in. */
	if ((err = engine_link_fill(link)) != AK_OK)
		return err;
	warm_up(kept.start.start.settings->uris);
	if ((err = engine_sandbox_enter(&why)) != AK_OK)
		return tell_problem(link, err, why.text);
	return follow(&kept, link);
}

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

int
main(void)
{
	struct engine_link link;

	/* A server that hangs up while it is written to ends a connection, not the engine. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (getuid() == 0 || geteuid() == 0 || getegid() == 0) {
		(void)fputs(
		    "apikey-engine: refuses to run as root; apikeyd starts it as _apikey\n",
		    stderr);
		return 2;
	}
	if (!is_socket(LINK_FD)) {
		(void)fputs(
		    "apikey-engine: apikeyd starts it; it does nothing by itself\n", stderr);
		return 2;
	}
	ldapconn_init();
	/* The daemon is gone: that is how the engine's life ends. */
	if (engine_link_init(&link, LINK_FD) != AK_OK || run(&link) != AK_ERR_UNAVAILABLE)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
