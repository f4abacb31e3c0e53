#include "ref_condition.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "ref_tally.h"
#include "ref_time.h"
#include "testlib_cmocka.h"

/* --- predicates --------------------------------------------------------------------------- */

/* can[n]: does the glob, as far as it was read, match the first n characters? */
static bool
matches(const char *glob, const char *s)
{
	bool can[256] = {true};
	size_t len = strlen(s);

	assert_true(len < sizeof(can));
	for (; *glob != '\0'; glob++) {
		if (*glob != '*')
			for (size_t n = len; n > 0; n--)
				can[n] = can[n - 1] && s[n - 1] == *glob;
		for (size_t n = 1; *glob == '*' && n <= len; n++)
			can[n] = can[n] || can[n - 1];
		can[0] = can[0] && *glob == '*';
	}
	return can[len];
}

static enum tri
any_glob(const struct yaml_node *globs, const char *s)
{
	if (s == NULL)
		return UNDEFINED;
	each_item(globs, g)
	{
		if (matches(g->text, s))
			return YES;
	}
	return NO;
}

static enum tri
in_group(const struct yaml_node *globs, const struct ref_scene *s)
{
	const struct ref_request *req = s->req;

	for (size_t i = 0; req->own_groups[i] != NULL; i++)
		if (any_glob(globs, req->own_groups[i]) == YES)
			return YES;
	if (s->without_directory || req->unknown)
		return UNDEFINED;
	/* What the directory last said counts in deny alone; elsewhere both answers rest on it. */
	if (req->stale && !s->in_deny && !req->favour)
		return UNDEFINED;
	for (size_t i = 0; req->directory_groups[i] != NULL; i++)
		if (any_glob(globs, req->directory_groups[i]) == YES)
			return YES;
	return NO;
}

/* An address: 4 bytes or 16; an IPv4-mapped one is of the first kind. 0: none. */
static unsigned
read_address(const char *text, unsigned char *bytes)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	char literal[128];
	char *zone;

	if (text == NULL || strlen(text) >= sizeof(literal))
		return 0;
	(void)snprintf(literal, sizeof(literal), "%s", text);
	if (inet_pton(AF_INET, literal, bytes) == 1)
		return 4;
	if ((zone = strchr(literal, '%')) != NULL)
		*zone = '\0';
	if (inet_pton(AF_INET6, literal, bytes) != 1)
		return 0;
	if (memcmp(bytes, mapped, sizeof(mapped)) != 0)
		return 16;
	memmove(bytes, bytes + sizeof(mapped), 4);
	return 4;
}

static bool
bit(const unsigned char *bytes, unsigned i)
{
	return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

static bool
in_block(const char *block, const unsigned char *address, unsigned len)
{
	char text[128];
	unsigned char bytes[16];
	unsigned bits, block_len;
	char *slash;

	assert_true(strlen(block) < sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", block);
	if ((slash = strchr(text, '/')) != NULL)
		*slash = '\0';
	block_len = read_address(text, bytes);
	bits = slash == NULL ? 8 * block_len : (unsigned)strtoul(slash + 1, NULL, 10);
	/* ::ffff:a.b.c.d/N, of 128 bits, is a.b.c.d/(N - 96), of 32. */
	if (block_len == 4 && strchr(text, ':') != NULL && slash != NULL)
		bits -= 96;
	if (block_len != len)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if (bit(bytes, i) != bit(address, i))
			return false;
	return true;
}

static enum tri
from(const struct yaml_node *blocks, const char *address)
{
	unsigned char bytes[16];
	unsigned len = read_address(address, bytes);

	if (len == 0)
		return UNDEFINED;
	each_item(blocks, b)
	{
		if (in_block(b->text, bytes, len))
			return YES;
	}
	return NO;
}

/* The call's address, else the recorded origin. */
static const char *
call_address(const struct ref_request *req)
{
	unsigned char bytes[16];

	return read_address(req->ip, bytes) != 0 ? req->ip : req->creator_ip;
}

/* The recorded origin; sshd is where it is recorded. */
static const char *
origin(const struct ref_request *req)
{
	if (req->service != NULL && strcmp(req->service, "sshd") == 0)
		return call_address(req);
	return req->creator_ip;
}

/* --- conditions --------------------------------------------------------------------------- */

static enum tri condition(const struct ref_scene *s, const struct yaml_node *item);

static enum tri
is_defined(const struct ref_scene *s, const struct yaml_node *names)
{
	enum tri any = NO;

	each_item(names, name)
	{
		const struct yaml_node *body = ref_get(ref_get(s->policy, "define"), name->text);

		assert_non_null(body);
		any = greatest(any, condition(s, body));
	}
	return any;
}

static int64_t
floor_of(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static enum tri
some_or_every(const struct ref_scene *s, const struct yaml_node *conditions, bool every)
{
	enum tri all = YES, any = NO;

	for (const struct yaml_node *c = conditions->first; c != NULL; c = c->next) {
		enum tri one = condition(s, c);

		all = least(all, one);
		any = greatest(any, one);
	}
	return every ? all : any;
}

static enum tri
worth(const struct ref_scene *s, const char *key, const struct yaml_node *value)
{
	const struct ref_request *req = s->req;

	if (strcmp(key, "login") == 0)
		return any_glob(value, req->login);
	if (strcmp(key, "group") == 0)
		return in_group(value, s);
	if (strcmp(key, "service") == 0)
		return any_glob(value, req->service);
	if (strcmp(key, "account") == 0)
		return any_glob(value, req->account);
	if (strcmp(key, "member") == 0)
		return known(req->member == (strcmp(value->text, "true") == 0));
	if (strcmp(key, "from") == 0)
		return from(value, call_address(req));
	if (strcmp(key, "creator_from") == 0)
		return from(value, origin(req));
	if (strcmp(key, "time") == 0)
		return req->has_time ? ref_time(value, floor_of(req->at_ms, 1000)) : UNDEFINED;
	if (strcmp(key, "is") == 0)
		return is_defined(s, value);
	if (strcmp(key, "not") == 0)
		return negated(value->kind == YAML_MAPPING ? condition(s, value)
							   : some_or_every(s, value, false));
	if (strcmp(key, "any") == 0)
		return some_or_every(s, value, false);
	if (strcmp(key, "all") == 0)
		return some_or_every(s, value, true);
	if (strcmp(key, "always") == 0)
		return YES;
	if (strcmp(key, "decision") == 0)
		return known(s->permitted == (strcmp(value->text, "allow") == 0));
	if (strcmp(key, "percent") == 0)
		return req->has_time ? known(req->at_ms - 100 * floor_of(req->at_ms, 100) <
					     strtol(value->text, NULL, 10))
				     : UNDEFINED;
	fail_msg("no predicate %s", key);
	return UNDEFINED;
}

static enum tri
predicate(const struct ref_scene *s, const char *key, const struct yaml_node *value)
{
	enum tri t = worth(s, key, value);

	ref_tally_predicate(key, t == YES, t == NO);
	return t;
}

/* What an item says beside its condition. */
static bool
is_predicate(const char *key)
{
	static const char *const others[] = {"id", "reason", "role", "in", "hosts"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(key, others[i]) == 0)
			return false;
	return true;
}

static enum tri
condition(const struct ref_scene *s, const struct yaml_node *item)
{
	enum tri all = YES;

	assert_int_equal(item->kind, YAML_MAPPING);
	for (const struct yaml_node *k = item->first; k != NULL; k = k->next->next)
		if (is_predicate(k->text))
			all = least(all, predicate(s, k->text, k->next));
	return all;
}

bool
ref_fires(const struct ref_scene *s, const struct yaml_node *item)
{
	enum tri t = condition(s, item);

	if (t != UNDEFINED)
		return t == YES;
	return s->in_deny != s->req->favour;
}

/*
 * Can the item be shown to be true (or false), where all that is undefined
 * helps, but for the directory, which says nothing either way?
 */
static bool shows(const struct ref_scene *s, const struct yaml_node *item, bool what);

static bool
shows_one(const struct ref_scene *s, const struct yaml_node *items, bool what, bool every)
{
	bool all = true, any = false;

	for (const struct yaml_node *c = items->first; c != NULL; c = c->next) {
		bool one = shows(s, c, what);

		all = all && one;
		any = any || one;
	}
	/* That all hold needs each; that they don't, one; with `any` it is the other way about. */
	return every == what ? all : any;
}

static bool
shows_defined(const struct ref_scene *s, const struct yaml_node *names, bool what)
{
	bool all = true, any = false;

	each_item(names, name)
	{
		bool one = shows(s, ref_get(ref_get(s->policy, "define"), name->text), what);

		all = all && one;
		any = any || one;
	}
	return what ? any : all;
}

static bool
shows_predicate(
    const struct ref_scene *s, const char *key, const struct yaml_node *value, bool what)
{
	enum tri t;

	if (strcmp(key, "is") == 0)
		return shows_defined(s, value, what);
	if (strcmp(key, "not") == 0)
		return value->kind == YAML_MAPPING ? shows(s, value, !what)
						   : shows_one(s, value, !what, false);
	if (strcmp(key, "any") == 0 || strcmp(key, "all") == 0)
		return shows_one(s, value, what, strcmp(key, "all") == 0);
	t = predicate(s, key, value);
	if (t == UNDEFINED)
		return strcmp(key, "group") != 0;
	return (t == YES) == what;
}

static bool
shows(const struct ref_scene *s, const struct yaml_node *item, bool what)
{
	bool all = true, any = false;

	for (const struct yaml_node *k = item->first; k != NULL; k = k->next->next)
		if (is_predicate(k->text)) {
			bool one = shows_predicate(s, k->text, k->next, what);

			all = all && one;
			any = any || one;
		}
	return what ? all : any;
}

bool
ref_fires_without_directory(const struct ref_scene *s, const struct yaml_node *item)
{
	struct ref_scene without = *s;

	without.without_directory = true;
	if (s->req->favour)
		return shows(&without, item, true);
	return condition(&without, item) == YES;
}

bool
ref_any_glob(const struct yaml_node *globs, const char *s)
{
	return any_glob(globs, s) == YES;
}
