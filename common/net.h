/* net: addresses and CIDR blocks (RFC 4632, RFC 4291), and the names of hosts. */
#ifndef AK_NET_H
#define AK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct net_addr {
	unsigned char bytes[16]; /* IPv4 is held mapped: ::ffff:a.b.c.d */
};

struct net_block {
	struct net_addr addr;
	unsigned prefix; /* 0 to 128, of the mapped form */
};

/* A literal address, the zone index of an IPv6 one (%eth0) cut off; AK_ERR_INVALID for names and all else. */
enum ak_err net_parse_addr(const char *text, struct net_addr *out) AK_MUST_CHECK;

/* "10.0.0.0/8", "2001:db8::/32", or one address; a zone, and host bits set, are AK_ERR_INVALID. */
enum ak_err net_parse_block(const char *text, struct net_block *out) AK_MUST_CHECK;

/* An IPv4-mapped IPv6 address counts as IPv4; so no IPv4 address is in ::/0. */
/* The address as text, IPv4 as such; buf holds at least 46 bytes (INET6_ADDRSTRLEN). Returns buf. */
char *net_print_addr(const struct net_addr *a, char *buf, size_t cap_b);

bool net_block_has(const struct net_block *b, const struct net_addr *a);

/* A host's name as settings and bindings may say it: letters, digits, `.`, `-` and `_`, at most 253. */
#define NET_HOST_MAX 253
bool net_is_host_name(const char *s);
/* ASCII letters without case, whatever the locale. */
bool net_same_host(const char *a, const char *b);

#endif
