#include "net.h"

#include <arpa/inet.h>
#include <string.h>

#include "num.h"

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_ipv4(const struct net_addr *a)
{
	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

/* No zone; *ipv4: it was written as one. */
static enum ak_err
parse_literal(const char *text, struct net_addr *out, bool *ipv4)
{
	*ipv4 = false;
	if (inet_pton(AF_INET6, text, out->bytes) == 1)
		return AK_OK;
	memcpy(out->bytes, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, out->bytes + sizeof(mapped)) == 1) {
		*ipv4 = true;
		return AK_OK;
	}
	*out = (struct net_addr){.bytes = {0}};
	return AK_ERR_INVALID;
}

enum ak_err
net_parse_addr(const char *text, struct net_addr *out)
{
	char literal[INET6_ADDRSTRLEN];
	const char *zone = strchr(text, '%');
	size_t len = zone == NULL ? strlen(text) : (size_t)(zone - text);
	bool ipv4;

	*out = (struct net_addr){.bytes = {0}};
	if (len >= sizeof(literal) || (zone != NULL && zone[1] == '\0'))
		return AK_ERR_INVALID;
	memcpy(literal, text, len);
	literal[len] = '\0';
	if (parse_literal(literal, out, &ipv4) != AK_OK)
		return AK_ERR_INVALID;
	if (zone != NULL && ipv4) {
		*out = (struct net_addr){.bytes = {0}};
		return AK_ERR_INVALID;
	}
	return AK_OK;
}

/* The bits of byte i that the prefix leaves to hosts. */
static unsigned
host_bits(unsigned prefix, unsigned i)
{
	if (prefix >= 8 * (i + 1))
		return 0;
	return prefix <= 8 * i ? 0xffU : 0xffU >> (prefix - 8 * i);
}

enum ak_err
net_parse_block(const char *text, struct net_block *out)
{
	char literal[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	struct net_block b;
	uint64_t prefix;
	bool ipv4;

	*out = (struct net_block){.prefix = 128};
	if (len >= sizeof(literal))
		return AK_ERR_INVALID;
	memcpy(literal, text, len);
	literal[len] = '\0';
	if (parse_literal(literal, &b.addr, &ipv4) != AK_OK)
		return AK_ERR_INVALID;
	prefix = ipv4 ? 32 : 128;
	if (slash != NULL && ((slash[1] == '0' && slash[2] != '\0') ||
				 num_parse(slash + 1, 0, prefix, &prefix) != AK_OK))
		return AK_ERR_INVALID;
	b.prefix = (unsigned)prefix + (ipv4 ? 96 : 0);
	for (unsigned i = 0; i < sizeof(b.addr.bytes); i++)
		if ((b.addr.bytes[i] & host_bits(b.prefix, i)) != 0)
			return AK_ERR_INVALID;
	*out = b;
	return AK_OK;
}

bool
net_block_has(const struct net_block *b, const struct net_addr *a)
{
	if (is_ipv4(a) && b->prefix < 8 * sizeof(mapped))
		return false;
	for (unsigned i = 0; i < sizeof(a->bytes); i++)
		if (((a->bytes[i] ^ b->addr.bytes[i]) & (host_bits(b->prefix, i) ^ 0xffU)) != 0)
			return false;
	return true;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
net_is_host_name(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > NET_HOST_MAX || s[0] == '-' || s[0] == '.')
		return false;
	for (; *s != '\0'; s++) {
		char c = lower(*s);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
		    c != '-' && c != '_')
			return false;
	}
	return true;
}

bool
net_same_host(const char *a, const char *b)
{
	for (; *a != '\0' && lower(*a) == lower(*b); a++)
		b++;
	return *a == '\0' && *b == '\0';
}

char *
net_print_addr(const struct net_addr *a, char *buf, size_t cap_b)
{
	bool v4 = is_ipv4(a);

	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + 12 : a->bytes, buf,
		(socklen_t)cap_b) == NULL)
		buf[0] = '\0';
	return buf;
}
