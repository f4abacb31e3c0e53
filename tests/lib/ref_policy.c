#include "ref_policy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "testlib_cmocka.h"

/* --- sets --------------------------------------------------------------------------------- */

void
ref_set_clear(struct ref_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct ref_set){.items = NULL};
}

bool
ref_set_has(const struct ref_set *s, const char *item)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->items[i], item) == 0)
			return true;
	return false;
}

static void
set_add(struct ref_set *s, const char *item)
{
	if (ref_set_has(s, item))
		return;
	s->items = realloc(s->items, (s->n + 1) * sizeof(*s->items));
	assert_non_null(s->items);
	s->items[s->n] = strdup(item);
	assert_non_null(s->items[s->n++]);
}

bool
ref_set_within(const struct ref_set *inner, const struct ref_set *outer)
{
	for (size_t i = 0; i < inner->n; i++)
		if (!ref_set_has(outer, inner->items[i]))
			return false;
	return true;
}

bool
ref_set_same(const struct ref_set *a, const struct ref_set *b)
{
	return ref_set_within(a, b) && ref_set_within(b, a);
}

static int
compare_items(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

const char *
ref_set_text(struct ref_set *s, char *buf, size_t cap)
{
	size_t at = 0;

	buf[0] = '\0';
	if (s->n > 0)
		qsort(s->items, s->n, sizeof(*s->items), compare_items);
	for (size_t i = 0; i < s->n && at < cap; i++)
		at += (size_t)snprintf(
		    buf + at, cap - at, "%s%s", i == 0 ? "" : "; ", s->items[i]);
	return buf;
}

void
ref_answer_clear(struct ref_answer *a)
{
	ref_set_clear(&a->fired);
	ref_set_clear(&a->held);
	ref_set_clear(&a->anywhere);
}

/* --- the tree ----------------------------------------------------------------------------- */

static const struct yaml_node *
get(const struct yaml_node *mapping, const char *key)
{
	if (mapping == NULL || mapping->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next)
		if (strcmp(k->text, key) == 0)
			return k->next;
	return NULL;
}

/* The items of a list; a single text stands for a list of one; nothing for an empty one. */
static const struct yaml_node *
items_of(const struct yaml_node *node)
{
	if (node == NULL || node->kind == YAML_MAPPING)
		return NULL;
	if (node->kind == YAML_SEQUENCE)
		return node->first;
	return node->plain && node->text[0] == '\0' ? NULL : node;
}

/* After an item: a single text has none, though it has a neighbour in its mapping. */
static const struct yaml_node *
item_after(const struct yaml_node *list, const struct yaml_node *item)
{
	return list->kind == YAML_SEQUENCE ? item->next : NULL;
}

#define each_item(list, item)                                                                  \
	for (const struct yaml_node *item = items_of(list); (item) != NULL;                    \
	     (item) = item_after((list), (item)))

/* --- the predicates ----------------------------------------------------------------------- */

/* In Kleene's order, so that `and` is the least and `or` the greatest. */
enum tri { NO, UNDEFINED, YES };

static enum tri
least(enum tri a, enum tri b)
{
	return a < b ? a : b;
}

static enum tri
greatest(enum tri a, enum tri b)
{
	return a > b ? a : b;
}

static enum tri
negated(enum tri a)
{
	return a == UNDEFINED ? UNDEFINED : a == YES ? NO : YES;
}

static enum tri
known(bool yes)
{
	return yes ? YES : NO;
}

static bool
matches(const char *glob, const char *s)
{
	if (*glob == '*')
		return matches(glob + 1, s) || (*s != '\0' && matches(glob, s + 1));
	return *glob == *s && (*s == '\0' || matches(glob + 1, s + 1));
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
in_group(const struct yaml_node *globs, const struct ref_request *req, bool in_deny)
{
	for (size_t i = 0; req->own_groups[i] != NULL; i++)
		if (any_glob(globs, req->own_groups[i]) == YES)
			return YES;
	/* What the directory last said counts in deny alone; elsewhere both answers rest on it. */
	if (req->stale && !in_deny)
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
	strcpy(literal, text);
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
	strcpy(text, block);
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

/* Local time by the C library's own zones. */
static struct tm
local_time(const char *zone, int64_t at_s)
{
	static char now[64] = "?";
	char tz[64];
	time_t t = (time_t)at_s;
	struct tm tm;

	if (zone == NULL || strcmp(zone, "UTC") == 0) {
		assert_non_null(gmtime_r(&t, &tm));
		return tm;
	}
	(void)snprintf(tz, sizeof(tz), ":%s", zone);
	if (strcmp(tz, now) != 0) {
		assert_int_equal(setenv("TZ", tz, 1), 0);
		tzset();
		strcpy(now, tz);
	}
	assert_non_null(localtime_r(&t, &tm));
	return tm;
}

static int
minutes_of(const char *hh_mm)
{
	return 60 * (10 * (hh_mm[0] - '0') + hh_mm[1] - '0') + 10 * (hh_mm[3] - '0') +
	       hh_mm[4] - '0';
}

/* [start, end) */
static bool
in_hours(const char *window, const struct tm *tm)
{
	int minute = 60 * tm->tm_hour + tm->tm_min;

	return minute >= minutes_of(window) && minute < minutes_of(window + 6);
}

static bool
in_time(const struct yaml_node *window, int64_t at_s)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	const struct yaml_node *zone = get(window, "zone"), *part;
	struct tm tm = local_time(zone == NULL ? NULL : zone->text, at_s);
	char date[64];
	bool in = false;

	if ((part = get(window, "days")) != NULL) {
		each_item(part, day)
		{
			in = in || strcmp(day->text, days[tm.tm_wday]) == 0;
		}
		if (!in)
			return false;
	}
	if ((part = get(window, "hours")) != NULL) {
		in = false;
		each_item(part, hours)
		{
			in = in || in_hours(hours->text, &tm);
		}
		if (!in)
			return false;
	}
	if ((part = get(window, "dates")) == NULL)
		return true;
	assert_true(strftime(date, sizeof(date), "%Y-%m-%d", &tm) > 0);
	return strcmp(date, part->first->text) >= 0 &&
	       strcmp(date, part->first->next->text) < 0;
}

/* One window, or one of a list. */
static bool
in_some_time(const struct yaml_node *node, int64_t at_s)
{
	if (node->kind == YAML_MAPPING)
		return in_time(node, at_s);
	each_item(node, window)
	{
		if (in_time(window, at_s))
			return true;
	}
	return false;
}

/* --- the conditions ----------------------------------------------------------------------- */

struct scene {
	const struct yaml_node *policy;
	const struct ref_request *req;
	bool in_deny;
};

static enum tri condition(const struct scene *s, const struct yaml_node *item);

static enum tri
is_defined(const struct scene *s, const struct yaml_node *names)
{
	enum tri any = NO;

	each_item(names, name)
	{
		const struct yaml_node *body = get(get(s->policy, "define"), name->text);

		assert_non_null(body);
		any = greatest(any, condition(s, body));
	}
	return any;
}

static enum tri
some_or_every(const struct scene *s, const struct yaml_node *conditions, bool every)
{
	enum tri all = YES, any = NO;

	for (const struct yaml_node *c = conditions->first; c != NULL; c = c->next) {
		all = least(all, condition(s, c));
		any = greatest(any, condition(s, c));
	}
	return every ? all : any;
}

static enum tri
predicate(const struct scene *s, const char *key, const struct yaml_node *value)
{
	const struct ref_request *req = s->req;

	if (strcmp(key, "login") == 0)
		return any_glob(value, req->login);
	if (strcmp(key, "group") == 0)
		return in_group(value, req, s->in_deny);
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
		return req->has_time ? known(in_some_time(value, req->at_s)) : UNDEFINED;
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
	fail_msg("no predicate %s", key);
	return UNDEFINED;
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
condition(const struct scene *s, const struct yaml_node *item)
{
	enum tri all = YES;

	assert_int_equal(item->kind, YAML_MAPPING);
	for (const struct yaml_node *k = item->first; k != NULL; k = k->next->next)
		if (is_predicate(k->text))
			all = least(all, predicate(s, k->text, k->next));
	return all;
}

/* --- the roles ---------------------------------------------------------------------------- */

struct roles {
	const struct scene *scene;
	struct ref_answer *out;
};

static bool
declares_role(const struct scene *s, const char *name)
{
	return get(get(s->policy, "roles"), name) != NULL;
}

static bool
declares_space(const struct scene *s, const char *name)
{
	return strcmp(name, "root") == 0 || get(get(s->policy, "spaces"), name) != NULL;
}

static const char *
parent_of(const struct scene *s, const char *space)
{
	const struct yaml_node *parent = get(get(get(s->policy, "spaces"), space), "parent");

	if (strcmp(space, "root") == 0)
		return NULL;
	return parent == NULL ? "root" : parent->text;
}

static bool
host_is_in(const struct scene *s, const char *space)
{
	for (const char *at = s->req->space; at != NULL; at = parent_of(s, at))
		if (strcmp(at, space) == 0)
			return true;
	return false;
}

static void
hold(const struct roles *r, const char *role, const char *kind, const char *place, bool here)
{
	char text[1200];

	if (here)
		set_add(&r->out->held, role);
	(void)snprintf(text, sizeof(text), "%s%s %s", kind, place, role);
	set_add(&r->out->anywhere, text);
}

static void
hold_global(const struct roles *r, const char *role)
{
	hold(r, role, "", "root", true);
}

static void
hold_in_space(const struct roles *r, const char *role, const char *space)
{
	if (declares_space(r->scene, space))
		hold(r, role, "", space, host_is_in(r->scene, space));
}

static void
hold_on_host(const struct roles *r, const char *role, const char *host)
{
	bool here = false;

	for (size_t i = 0; r->scene->req->hosts[i] != NULL; i++)
		here = here || strcasecmp(host, r->scene->req->hosts[i]) == 0;
	hold(r, role, "host:", host, here);
}

/* viewer, editor:spaces:a,b, editor:hosts:a,b */
static void
hold_binding(const struct roles *r, const char *binding)
{
	char text[1024], *role = text, *scope = NULL, *names = NULL, *save = NULL;

	assert_true(strlen(binding) < sizeof(text));
	strcpy(text, binding);
	if ((scope = strchr(role, ':')) != NULL) {
		*scope++ = '\0';
		names = strchr(scope, ':');
		assert_non_null(names);
		*names++ = '\0';
	}
	if (!declares_role(r->scene, role))
		return;
	if (scope == NULL)
		hold_global(r, role);
	else
		for (char *n = strtok_r(names, ",", &save); n != NULL;
		     n = strtok_r(NULL, ",", &save)) {
			if (strcmp(scope, "spaces") == 0)
				hold_in_space(r, role, n);
			else
				hold_on_host(r, role, n);
		}
}

/* {role: R}, with `in`, `hosts` or neither. */
static void
hold_item(const struct roles *r, const struct yaml_node *item)
{
	const char *role = get(item, "role")->text;
	const struct yaml_node *in = get(item, "in"), *hosts = get(item, "hosts");
	const struct yaml_node *spaces = get(r->scene->policy, "spaces");

	if (in == NULL && hosts == NULL)
		hold_global(r, role);
	each_item(hosts, h)
	{
		hold_on_host(r, role, h->text);
	}
	each_item(in, space)
	{
		if (strcmp(space->text, "*") != 0)
			hold_in_space(r, role, space->text);
		else if (spaces != NULL)
			for (const struct yaml_node *k = spaces->first; k != NULL;
			     k = k->next->next)
				hold_in_space(r, role, k->text);
	}
}

static void
hold_of_group(const struct roles *r, const char *group)
{
	const struct yaml_node *list = get(get(r->scene->policy, "groups"), group);

	each_item(list, item)
	{
		hold_item(r, item);
	}
}

static void
unite(const struct roles *r)
{
	const struct scene *s = r->scene;
	const struct yaml_node *node = get(s->policy, "strategy");
	const char *strategy = node == NULL ? "both" : node->text;

	if (strcmp(strategy, "policy") != 0) {
		for (size_t i = 0; s->req->bindings[i] != NULL; i++)
			hold_binding(r, s->req->bindings[i]);
		for (size_t i = 0; s->req->own_groups[i] != NULL; i++)
			hold_of_group(r, s->req->own_groups[i]);
		for (size_t i = 0; s->req->directory_groups[i] != NULL && !s->req->stale; i++)
			hold_of_group(r, s->req->directory_groups[i]);
	}
	if (strcmp(strategy, "direct") == 0)
		return;
	each_item(get(s->policy, "grant"), item)
	{
		if (condition(s, item) == YES)
			hold_item(r, item);
	}
}

/* --- the decision ------------------------------------------------------------------------- */

static bool
permits(const struct scene *s, const char *role)
{
	const struct ref_request *req = s->req;
	const struct yaml_node *def = get(get(s->policy, "roles"), role);
	const struct yaml_node *services = get(def, "services");
	bool own = req->account == NULL || strcmp(req->account, req->login) == 0;
	bool service = strcmp(req->service, "systemd-user") == 0
			   ? items_of(services) != NULL
			   : any_glob(services, req->service) == YES;

	return service && (own || any_glob(get(def, "accounts"), req->account) == YES);
}

static enum ref_verdict
decide_request(const struct scene *s, const struct ref_set *held)
{
	if (s->req->account_is_root)
		return REF_NO_ROLE;
	for (size_t i = 0; i < held->n; i++)
		if (permits(s, held->items[i]))
			return REF_PERMITTED;
	return REF_NO_ROLE;
}

static bool
is_admitted(const struct scene *s)
{
	const struct yaml_node *allow = get(s->policy, "allow");

	if (allow == NULL)
		return true;
	each_item(allow, item)
	{
		if (condition(s, item) == YES)
			return true;
	}
	return false;
}

void
ref_policy_eval(
    const struct yaml_node *policy, const struct ref_request *req, struct ref_answer *out)
{
	struct scene s = {.policy = policy, .req = req, .in_deny = true};
	const struct roles r = {.scene = &s, .out = out};

	*out = (struct ref_answer){.verdict = REF_NO_SPACE};
	if (req->space != NULL && !declares_space(&s, req->space))
		return;
	each_item(get(policy, "deny"), item)
	{
		if (condition(&s, item) != NO)
			set_add(&out->fired, get(item, "id")->text);
	}
	s.in_deny = false;
	unite(&r);
	if (out->fired.n > 0)
		out->verdict = REF_REFUSED;
	else if (!is_admitted(&s))
		out->verdict = REF_NOT_ADMITTED;
	else if (req->service == NULL)
		out->verdict = REF_PERMITTED;
	else
		out->verdict = decide_request(&s, &out->held);
}
