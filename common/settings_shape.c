#include "settings_shape.h"

#include <string.h>

#include "net.h"
#include "num.h"

bool
shape_is_home(const char *s)
{
	if (!shape_is_program(s))
		return false;
	for (; *s != '\0'; s++)
		if (*s == '%' && (*++s == '\0' || strchr("nui%", *s) == NULL))
			return false;
	return true;
}

bool
shape_is_program(const char *s)
{
	return s[0] == '/' && text_is_passwd_field(s);
}

static bool
is_one_line(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

bool
shape_is_path(const char *s)
{
	return s[0] == '/' && is_one_line(s);
}

bool
shape_is_range(struct id_range r, struct text *why)
{
	uint32_t first;

	if (r.min > r.max) {
		text_add(why, "begins after its end: write the lower number first");
		return false;
	}
	if (id_range_reserved(r, &first)) {
		text_add(why, "holds %u, which Linux or systemd reserves", first);
		return false;
	}
	return true;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HOST, ADDRESS or [ADDRESS], and perhaps :PORT. */
static bool
is_server(const char *s, size_t len)
{
	char host[NET_HOST_MAX + 16], *end;
	struct net_addr a;
	uint64_t port;

	if (len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
	if (end == NULL)
		return false;
	if (*end == ']')
		*end++ = '\0';
	if (*end == ':' && num_parse(end + 1, 1, UINT16_MAX, &port) != AK_OK)
		return false;
	if (*end != '\0' && *end != ':')
		return false;
	*end = '\0';
	if (host[0] != '[')
		return net_is_host_name(host);
	return strchr(host, ':') != NULL && strchr(host, '%') == NULL &&
	       net_parse_addr(host + 1, &a) == AK_OK;
}

/* The socket's path, from its first %2F; nothing: the library's own. */
static bool
is_socket(const char *s, size_t len)
{
	if (len > 0 && (len < 4 || strncmp(s, "%2F", 3) != 0))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (len - i >= 3 && strncmp(s + i, "%2F", 3) == 0)
			i += 2;
		else if (!is_letter(s[i]) && !is_digit(s[i]) && strchr("._-", s[i]) == NULL)
			return false;
	}
	return true;
}

/* What each scheme is called in `tls`. */
static const struct {
	const char *scheme, *tls;
	bool (*valid)(const char *s, size_t len);
} schemes[] = {
    {"ldap://", "starttls", is_server},
    {"ldaps://", "ldaps", is_server},
    {"ldapi://", "ldapi", is_socket},
};

#define N_SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

bool
shape_is_uri(const char *s)
{
	for (size_t i = 0; i < N_SCHEMES; i++) {
		size_t len = strlen(schemes[i].scheme);

		if (strncmp(s, schemes[i].scheme, len) != 0)
			continue;
		s += len;
		len = strlen(s);
		return schemes[i].valid(s, len > 0 && s[len - 1] == '/' ? len - 1 : len);
	}
	return false;
}

bool
shape_is_tls(const char *s)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (strcmp(s, schemes[i].tls) == 0)
			return true;
	return false;
}

bool
shape_uri_is(const char *uri, const char *tls)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (strncmp(uri, schemes[i].scheme, strlen(schemes[i].scheme)) == 0)
			return strcmp(tls, schemes[i].tls) == 0;
	return false;
}

bool
shape_is_sasl(const char *s)
{
	return strcmp(s, "external") == 0;
}

bool
shape_is_dn(const char *s)
{
	return strchr(s, '=') != NULL && is_one_line(s);
}

bool
shape_is_attribute(const char *s)
{
	if (!is_letter(*s))
		return false;
	for (; *s != '\0'; s++)
		if (!is_letter(*s) && !is_digit(*s) && *s != '-')
			return false;
	return true;
}

bool
shape_is_grantable(const char *s)
{
	return strcmp(s, "*") == 0 || text_is_policy_name(s);
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool
shape_is_filter(const char *s)
{
	unsigned depth = 0;

	if (*s != '(' || !is_one_line(s))
		return false;
	for (; *s != '\0'; s++) {
		if (*s == '\\' && (!is_hex(s[1]) || !is_hex(s[2])))
			return false;
		if (*s == '(')
			depth++;
		if (*s == ')' && --depth == 0)
			return s[1] == '\0';
	}
	return false;
}

bool
shape_is_principal_filter(const char *s)
{
	const char *percent = strchr(s, '%'), *at = percent;

	if (!shape_is_filter(s) || percent == NULL || strncmp(percent, "%n)", 3) != 0 ||
	    strchr(percent + 1, '%') != NULL || percent == s || *--at != '=')
		return false;
	while (at > s && (is_letter(at[-1]) || is_digit(at[-1]) || at[-1] == '-'))
		at--;
	return at > s && at[-1] == '(' && is_letter(*at);
}
