#include "image.h"

#include <string.h>

#include "image_layout.h"
#include "net.h"

static uint32_t
find_name(const struct image *im, enum image_section section, const char *name)
{
	uint32_t low = 0, high = im->sections[section].count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(name, image_string(im, section, mid, 0));

		if (order == 0)
			return mid;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return IMAGE_NONE;
}

uint32_t
image_count_roles(const struct image *im)
{
	return im->sections[IMAGE_ROLES].count;
}

struct image_role
image_role(const struct image *im, uint32_t i)
{
	return (struct image_role){
	    .name = image_string(im, IMAGE_ROLES, i, IMAGE_ROLE_NAME),
	    .description = image_string(im, IMAGE_ROLES, i, IMAGE_ROLE_DESCRIPTION),
	    .services = image_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_SERVICES),
	    .accounts = image_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_ACCOUNTS),
	    .unix_groups = image_strv(im, IMAGE_ROLES, i, IMAGE_ROLE_UNIX_GROUPS),
	    .root_equivalent = (image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_FLAGS) &
				   IMAGE_ROLE_ROOT_EQUIVALENT) != 0,
	    .line = image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_LINE),
	    .col = image_cell(im, IMAGE_ROLES, i, IMAGE_ROLE_COL),
	};
}

uint32_t
image_find_role(const struct image *im, const char *name)
{
	return find_name(im, IMAGE_ROLES, name);
}

uint32_t
image_count_spaces(const struct image *im)
{
	return im->sections[IMAGE_SPACES].count;
}

struct image_space
image_space(const struct image *im, uint32_t i)
{
	return (struct image_space){
	    .name = image_string(im, IMAGE_SPACES, i, IMAGE_SPACE_NAME),
	    .parent = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_PARENT),
	    .line = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_LINE),
	    .col = image_cell(im, IMAGE_SPACES, i, IMAGE_SPACE_COL),
	};
}

uint32_t
image_find_space(const struct image *im, const char *name)
{
	return find_name(im, IMAGE_SPACES, name);
}

struct image_policy
image_policy(const struct image *im)
{
	return (struct image_policy){
	    .file = image_string(im, IMAGE_POLICY, 0, IMAGE_POLICY_FILE),
	    .strategy =
		(enum image_strategy)image_cell(im, IMAGE_POLICY, 0, IMAGE_POLICY_STRATEGY),
	    .has_allow = image_cell(im, IMAGE_POLICY, 0, IMAGE_POLICY_HAS_ALLOW) == 1,
	};
}

const char *
image_policy_file(const struct image *im)
{
	return image_string(im, IMAGE_POLICY, 0, IMAGE_POLICY_FILE);
}

uint32_t
image_count_accounts(const struct image *im)
{
	return im->sections[IMAGE_ACCOUNTS].count;
}

struct image_account
image_account(const struct image *im, uint32_t i)
{
	return (struct image_account){
	    .name = image_string(im, IMAGE_ACCOUNTS, i, IMAGE_ACCOUNT_NAME),
	    .only_keys = image_cell(im, IMAGE_ACCOUNTS, i, IMAGE_ACCOUNT_ONLY_KEYS) == 1,
	    .line = image_cell(im, IMAGE_ACCOUNTS, i, IMAGE_ACCOUNT_LINE),
	    .col = image_cell(im, IMAGE_ACCOUNTS, i, IMAGE_ACCOUNT_COL),
	};
}

bool
image_is_only_keys(const struct image *im, const char *account)
{
	uint32_t i = find_name(im, IMAGE_ACCOUNTS, account);

	return i != IMAGE_NONE && image_account(im, i).only_keys;
}

uint32_t
image_count_groups(const struct image *im)
{
	return im->sections[IMAGE_GROUPS].count;
}

struct image_group
image_group(const struct image *im, uint32_t i)
{
	return (struct image_group){
	    .name = image_string(im, IMAGE_GROUPS, i, IMAGE_GROUP_NAME),
	    .first = image_cell(im, IMAGE_GROUPS, i, IMAGE_GROUP_FIRST),
	    .n = image_cell(im, IMAGE_GROUPS, i, IMAGE_GROUP_N),
	};
}

uint32_t
image_find_group(const struct image *im, const char *name)
{
	return find_name(im, IMAGE_GROUPS, name);
}

uint32_t
image_bound_space(const struct image *im, uint32_t i)
{
	return image_cell(im, IMAGE_PLACES, i, 0);
}

struct image_binding
image_binding_at(
    const struct image *im, enum image_section section, uint32_t row, unsigned column)
{
	struct image_binding b = {
	    .role = image_cell(im, section, row, column + IMAGE_BINDING_ROLE),
	    .scope =
		(enum image_scope)image_cell(im, section, row, column + IMAGE_BINDING_SCOPE),
	    .line = image_cell(im, section, row, column + IMAGE_BINDING_LINE),
	};

	if (b.scope == IMAGE_ON_HOSTS)
		b.hosts = image_strv(im, section, row, column + IMAGE_BINDING_PLACES);
	if (b.scope == IMAGE_IN_SPACES) {
		b.first_space = image_cell(im, section, row, column + IMAGE_BINDING_PLACES);
		b.n_spaces = image_cell(im, section, row, column + IMAGE_BINDING_PLACES_N);
	}
	return b;
}

struct image_binding
image_group_binding(const struct image *im, uint32_t i)
{
	return image_binding_at(im, IMAGE_GROUP_BINDINGS, i, 0);
}

/* The image has no cycles. */
bool
image_space_holds(const struct image *im, uint32_t above, uint32_t below)
{
	uint32_t at = below;

	while (at != above && at != IMAGE_NONE)
		at = image_cell(im, IMAGE_SPACES, at, IMAGE_SPACE_PARENT);
	return at == above && at != IMAGE_NONE;
}

/* Below a space that the file declares: root counts only where the file names it. */
static bool
is_in_declared(const struct image *im, uint32_t space)
{
	uint32_t at = space;

	while (at != IMAGE_NONE && image_cell(im, IMAGE_SPACES, at, IMAGE_SPACE_LINE) == 0)
		at = image_cell(im, IMAGE_SPACES, at, IMAGE_SPACE_PARENT);
	return at != IMAGE_NONE;
}

static bool
is_on_host(struct strv bound, struct strv hosts)
{
	strv_for (bound, name) {
		strv_for (hosts, host) {
			if (net_same_host(name, host))
				return true;
		}
	}
	return false;
}

bool
image_binding_is_here(
    const struct image *im, const struct image_binding *b, uint32_t space, struct strv hosts)
{
	switch (b->scope) {
	case IMAGE_GLOBAL:
		return true;
	case IMAGE_ON_HOSTS:
		return is_on_host(b->hosts, hosts);
	case IMAGE_IN_ALL_SPACES:
		return is_in_declared(im, space);
	case IMAGE_IN_SPACES:
		for (uint32_t i = 0; i < b->n_spaces; i++)
			if (image_space_holds(
				im, image_bound_space(im, b->first_space + i), space))
				return true;
		return false;
	}
	return false;
}
