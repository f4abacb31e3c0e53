#include "golden_request.h"

#include <string.h>

#include "num.h"
#include "testlib_cmocka.h"

void
golden_asked_clear(struct golden_asked *a)
{
	pack_clear(&a->bindings);
	pack_clear(&a->groups);
	pack_clear(&a->directory_groups);
	pack_clear(&a->directory_bindings);
	pack_clear(&a->hosts);
	moments_clear(&a->when);
}

static void
take_address(const char *text, struct net_addr *room, const struct net_addr **at)
{
	*at = net_parse_addr(text, room) == AK_OK ? room : NULL;
}

static bool
is_true(const char *text)
{
	assert_row(text, strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
	return strcmp(text, "true") == 0;
}

static void
take_list(struct golden_asked *a, const char *key, const char *value)
{
	if (strcmp(key, "binding") == 0)
		pack_entry(&a->bindings, value);
	else if (strcmp(key, "group") == 0)
		pack_entry(&a->groups, value);
	else if (strcmp(key, "directory-group") == 0)
		pack_entry(&a->directory_groups, value);
	else if (strcmp(key, "directory-binding") == 0)
		pack_entry(&a->directory_bindings, value);
	else if (strcmp(key, "host") == 0)
		pack_entry(&a->hosts, value);
	else
		fail_msg("a request has no key `%s'", key);
}

static void
take_field(struct golden_asked *a, const char *key, const char *value)
{
	struct policy_request *r = &a->req;

	if (strcmp(key, "login") == 0)
		r->login = value;
	else if (strcmp(key, "service") == 0)
		r->service = value;
	else if (strcmp(key, "account") == 0)
		r->account = value;
	else if (strcmp(key, "space") == 0)
		r->space = value;
	else if (strcmp(key, "ip") == 0)
		take_address(value, &a->address, &r->address);
	else if (strcmp(key, "creator_ip") == 0)
		take_address(value, &a->origin, &r->origin);
	else if (strcmp(key, "at") == 0)
		a->at = value;
	else if (strcmp(key, "ms") == 0)
		assert_err(value, AK_OK, num_parse(value, 0, 999, &a->ms));
	else if (strcmp(key, "uid") == 0)
		r->account_is_root = strcmp(value, "0") == 0;
	else if (strcmp(key, "stale") == 0)
		r->stale = is_true(value);
	else if (strcmp(key, "unknown") == 0)
		r->unknown = is_true(value);
	else if (strcmp(key, "directory-key") == 0)
		r->directory_key = is_true(value);
	else if (strcmp(key, "favour") == 0)
		r->favour = is_true(value);
	else if (strcmp(key, "member") == 0)
		r->not_member = !is_true(value);
	else
		take_list(a, key, value);
}

void
golden_read_request(const struct image *im, char *line, struct golden_asked *a)
{
	int64_t now = 0;

	*a = (struct golden_asked){.when = MOMENTS_INIT};
	while (line != NULL) {
		char *next = strstr(line, ", "), *value;

		if (next != NULL) {
			*next = '\0';
			next += 2;
		}
		value = strstr(line, ": ");
		assert_row(line, value != NULL);
		*value = '\0';
		take_field(a, line, value + 2);
		line = next;
	}
	a->req.bindings = pack_borrow_strv(&a->bindings);
	a->req.groups = pack_borrow_strv(&a->groups);
	a->req.directory_groups = pack_borrow_strv(&a->directory_groups);
	a->req.directory_bindings = pack_borrow_strv(&a->directory_bindings);
	a->req.hosts = pack_borrow_strv(&a->hosts);
	if (a->at == NULL)
		return;
	assert_err(a->at, AK_OK, num_parse_time(a->at, &now));
	assert_err(
	    a->at, AK_OK, moments_resolve(im, ZONE_DIR, now * 1000 + (int64_t)a->ms, &a->when));
	a->req.when = &a->when;
}

struct known_id {
	const char *name;
	uint32_t id;
};

static enum ak_err
find_id(const struct known_id *ids, size_t n, const char *name, uint32_t *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i].name, name) == 0) {
			*id = ids[i].id;
			return AK_OK;
		}
	return AK_ERR_NOT_FOUND;
}

static enum ak_err
gid_of(void *ctx, const char *group, uint32_t *gid)
{
	static const struct known_id ids[] = {
	    {"root", 0}, {"sudo", 27}, {"docker", 999}, {"staff", 1000}};

	(void)ctx;
	return find_id(ids, sizeof(ids) / sizeof(ids[0]), group, gid);
}

static enum ak_err
uid_of(void *ctx, const char *account, uint32_t *uid)
{
	static const struct known_id ids[] = {
	    {"root", 0}, {"toor", 0}, {"deploy", 1001}, {"app", 1002}};

	(void)ctx;
	return find_id(ids, sizeof(ids) / sizeof(ids[0]), account, uid);
}

static enum ak_err
has_zone(void *ctx, const char *zone)
{
	struct zone *z = NULL;
	enum ak_err err = zone_load(ZONE_DIR, zone, &z);

	(void)ctx;
	zone_free(&z);
	return err;
}

const struct policy_host golden_host = {
    .gid_of = gid_of, .uid_of = uid_of, .has_zone = has_zone};
