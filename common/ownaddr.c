#include "ownaddr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
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

/* An interface names one address of 127/8 alone. */
bool
ownaddr_has(const struct net_addr *addr)
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
