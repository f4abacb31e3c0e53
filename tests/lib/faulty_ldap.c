/*
 * faulty_ldap: a small LDAP server that misbehaves as it is told, where slapd can't be made to.
 *
 * usage: faulty_ldap LISTEN SCENARIO [FILE]
 * LISTEN is a path (ldapi) or a port of 127.0.0.1. FILE holds the groups, read anew at each
 * search: lines NAME MEMBER…, or -NAME for one that was deleted. Every group has its members by
 * name (memberUid). It writes a line to stdout for each connection, bind and search.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "faulty_ldap.h"
#include "num.h"

static const char *const names[N_SCENARIOS] = {"whole", "deletes", "presents", "silent", "mute",
    "slow", "reset", "cut", "referral", "references", "no-starttls", "stripped", "huge-value",
    "nul-value", "crowd", "plain", "ranged", "shifting", "endless", "dripping", "partial",
    "ahead", "refresh", "garbage", "enormous", "busy"};

enum scenario scenario;
const char *faulty_file;
Sockbuf *faulty_peer;

/* ---- requests ---------------------------------------------------------------------------- */

static void
take_sync(struct search *s, BerElement *value)
{
	ber_int_t mode = 0;
	struct berval cookie = {.bv_len = 0};

	(void)ber_scanf(value, "{e", &mode);
	s->syncs = true;
	s->persists = mode == LDAP_SYNC_REFRESH_AND_PERSIST;
	if (ber_peek_tag(value, &(ber_len_t){0}) == LBER_OCTETSTRING)
		s->has_cookie =
		    ber_scanf(value, "m", &cookie) != LBER_ERROR && cookie.bv_len > 0;
}

static void
take_pages(struct search *s, BerElement *value)
{
	ber_int_t size = 0;
	struct berval cookie = {.bv_len = 0};

	s->pages = true;
	if (ber_scanf(value, "{im}", &size, &cookie) == LBER_ERROR)
		return;
	s->page_size = size;
	s->page_from = cookie.bv_len > 0 ? strtol(cookie.bv_val, NULL, 10) : 0;
}

static void
take_controls(struct search *s, BerElement *ber)
{
	ber_len_t len;
	char *end = NULL, *oid;
	ber_int_t critical;
	struct berval bytes;
	BerElement *value;

	if (ber_peek_tag(ber, &len) != LDAP_TAG_CONTROLS)
		return;
	for (ber_tag_t t = ber_first_element(ber, &len, &end); t != LBER_DEFAULT;
	     t = ber_next_element(ber, &len, end)) {
		bytes = (struct berval){.bv_len = 0};
		if (ber_scanf(ber, "{a", &oid) == LBER_ERROR)
			return;
		if (ber_peek_tag(ber, &len) == LBER_BOOLEAN)
			(void)ber_scanf(ber, "b", &critical);
		if (ber_peek_tag(ber, &len) == LBER_OCTETSTRING)
			(void)ber_scanf(ber, "m", &bytes);
		value = ber_init(&bytes);
		if (value != NULL && strcmp(oid, LDAP_CONTROL_SYNC) == 0)
			take_sync(s, value);
		else if (value != NULL && strcmp(oid, LDAP_CONTROL_PAGEDRESULTS) == 0)
			take_pages(s, value);
		ber_free(value, 1);
		ber_memfree(oid);
	}
}

static void
take_search(ber_int_t id, BerElement *ber)
{
	struct search s = {.id = id};
	ber_int_t deref, size, time, types;
	char *base = NULL, **attributes = NULL, *range;
	size_t i;

	if (ber_scanf(ber, "{aeeiibx", &base, &s.scope, &deref, &size, &time, &types) ==
		LBER_ERROR ||
	    ber_scanf(ber, "{v}}", &attributes) == LBER_ERROR)
		exit(1);
	(void)snprintf(s.base, sizeof(s.base), "%s", base);
	for (i = 0; attributes != NULL && attributes[i] != NULL; i++)
		if ((range = strcasestr(attributes[i], ";range=")) != NULL)
			s.range_from = strtol(range + 7, NULL, 10);
	take_controls(&s, ber);
	(void)printf(
	    "search %s%s%s\n", s.base, s.syncs ? " sync" : "", s.has_cookie ? " cookie" : "");
	ber_memfree(base);
	ber_memvfree((void **)attributes);
	faulty_answer(&s);
}

static void
take_request(BerElement *ber)
{
	ber_int_t id;
	ber_len_t len;

	if (ber_scanf(ber, "i", &id) == LBER_ERROR)
		exit(1);
	switch (ber_peek_tag(ber, &len)) {
	case LDAP_REQ_BIND:
		(void)printf("bind\n");
		if (scenario == GARBAGE)
			faulty_send_raw("\x30\x05hello, I speak no BER at all\r\n", 35);
		else if (scenario == ENORMOUS)
			faulty_send_raw("\x30\x84\x7f\xff\xff\xff\x02\x01\x01", 9);
		else
			faulty_say_result(id, LDAP_RES_BIND, LDAP_SUCCESS);
		break;
	case LDAP_REQ_EXTENDED:
		(void)printf("extended\n");
		faulty_say_result(id, LDAP_RES_EXTENDED,
		    scenario == STRIPPED ? LDAP_SUCCESS : LDAP_PROTOCOL_ERROR);
		break;
	case LDAP_REQ_SEARCH:
		take_search(id, ber);
		break;
	case LDAP_REQ_UNBIND:
		exit(0);
	default: /* abandon */
		break;
	}
}

/* One connection, in a process of its own, to its end. */
static void
serve(int fd)
{
	ber_len_t len;
	BerElement *ber;
	ber_tag_t tag;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)printf("connection\n");
	if (scenario == SILENT)
		(void)poll(NULL, 0, -1);
	faulty_peer = ber_sockbuf_alloc();
	if (faulty_peer == NULL || ber_sockbuf_add_io(faulty_peer, &ber_sockbuf_io_tcp,
				       LBER_SBIOD_LEVEL_PROVIDER, &fd) != 0)
		exit(1);
	for (;;) {
		if ((ber = ber_alloc_t(LBER_USE_DER)) == NULL)
			exit(1);
		do {
			errno = 0;
			tag = ber_get_next(faulty_peer, &len, ber);
		} while (tag == LBER_ERROR && (errno == EINTR || errno == EAGAIN));
		if (tag != LDAP_TAG_MESSAGE)
			exit(0);
		take_request(ber);
		ber_free(ber, 1);
	}
}

/* ---- the listener ------------------------------------------------------------------------ */

static int
listen_at(const char *where)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr *address = (struct sockaddr *)&local;
	socklen_t len = sizeof(local);
	uint64_t port;
	int fd, on = 1;

	if (num_parse(where, 1, UINT16_MAX, &port) == AK_OK) {
		inet.sin_port = htons((uint16_t)port);
		address = (struct sockaddr *)&inet;
		len = sizeof(inet);
	} else {
		(void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", where);
		(void)unlink(where);
	}
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, len) != 0 || listen(fd, 64) != 0)
		return -1;
	return fd;
}

int
main(int argc, char **argv)
{
	int fd, peer;

	(void)umask(0);
	for (scenario = 0; argc > 2 && scenario < N_SCENARIOS; scenario++)
		if (strcmp(argv[2], names[scenario]) == 0)
			break;
	if (argc < 3 || scenario == N_SCENARIOS || (fd = listen_at(argv[1])) < 0) {
		(void)fprintf(stderr, "usage: faulty_ldap LISTEN SCENARIO [FILE]\n");
		return 2;
	}
	faulty_file = argc > 3 ? argv[3] : NULL;
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	while ((peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (fork() == 0) {
			(void)close(fd);
			serve(peer);
		}
		(void)close(peer);
	}
	return 1;
}
