#include "origin.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <security/pam_modules.h>
#include <string.h>

static bool
sockaddr_is(const struct sockaddr *sa, const struct net_addr *addr)
{
	char text[INET6_ADDRSTRLEN];
	const void *raw;
	struct net_addr own;

	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET)
		raw = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else if (sa->sa_family == AF_INET6)
		raw = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	else
		return false;
	return inet_ntop(sa->sa_family, raw, text, sizeof(text)) != NULL &&
	       net_parse_addr(text, &own) == AK_OK && memcmp(&own, addr, sizeof(own)) == 0;
}

/* All of 127/8 is this host, though the interface names one address of it. When the list can't be had, it may be. */
static bool
is_own(const struct net_addr *addr)
{
	struct net_block loopback;
	struct ifaddrs *all = NULL;
	bool own = false;

	if (net_parse_block("127.0.0.0/8", &loopback) != AK_OK || getifaddrs(&all) == -1)
		return true;
	own = net_block_has(&loopback, addr);
	for (const struct ifaddrs *i = all; i != NULL && !own; i = i->ifa_next)
		own = sockaddr_is(i->ifa_addr, addr);
	freeifaddrs(all);
	return own;
}

static bool
find_literal(const struct scene *sc, struct net_addr *out)
{
	const char *rhost = scene_item(sc, PAM_RHOST);
	const char *connection = pam_getenv(sc->pamh, "SSH_CONNECTION");
	char first[64];
	size_t len;

	if (rhost != NULL && net_parse_addr(rhost, out) == AK_OK)
		return true;
	if (connection == NULL || (len = strcspn(connection, " ")) >= sizeof(first))
		return false;
	memcpy(first, connection, len);
	first[len] = '\0';
	return net_parse_addr(first, out) == AK_OK;
}

bool
origin_of_call(const struct scene *sc, struct net_addr *out)
{
	return find_literal(sc, out) && !is_own(out);
}

/* The key's own account: its session is looked for here, a local account's was found with the key behind it. */
static bool
find_session(struct scene *sc)
{
	if (!sc->have_session && sc->sudo && sc->subject == SUBJECT_KEY)
		sc->have_session =
		    sessions_find_own(&sc->paths, sc->account_uid, &sc->session) == AK_OK;
	return sc->have_session;
}

bool
origin_of_session(struct scene *sc, struct net_addr *out)
{
	char address[64];

	if (sc->sudo)
		return find_session(sc) && net_parse_addr(sc->session.address, out) == AK_OK;
	if (!scene_is_service(sc, "cron") && !scene_is_service(sc, "atd") &&
	    !scene_is_service(sc, "systemd-user"))
		return false;
	return sc->have_key &&
	       sessions_find_origin(&sc->paths, sc->key.rec.uid, address) == AK_OK &&
	       net_parse_addr(address, out) == AK_OK;
}
