#include "policy.h"

/* Groups below this are the system's own: sudo, docker, shadow. */
#define FIRST_GID 1000U

static enum ak_err
check_group(const struct image *im, const struct policy_host *host,
    const struct image_role *role, const char *group, struct diag *why)
{
	uint32_t gid = 0;
	enum ak_err err = host->gid_of(host->ctx, group, &gid);

	if (err == AK_ERR_NOT_FOUND || (err == AK_OK && gid >= FIRST_GID))
		return AK_OK;
	if (err != AK_OK)
		return diag_because(
		    why, err, "can't look up the local group %s: %s", group, ak_strerror(err));
	return diag_say(why, AK_ERR_INVALID, image_policy_file(im), role->line, role->col,
	    "role `%s' hands out the local group `%s' (gid %u), and groups below 1000 can make "
	    "root of their members: say `root_equivalent: true' in the role if that is meant",
	    role->name, group, gid);
}

static enum ak_err
check_groups(const struct image *im, const struct policy_host *host, struct diag *why)
{
	enum ak_err err = AK_OK;

	for (uint32_t i = 0; i < image_count_roles(im) && err == AK_OK; i++) {
		struct image_role role = image_role(im, i);

		if (role.root_equivalent)
			continue;
		strv_for (role.unix_groups, group) {
			if (err == AK_OK)
				err = check_group(im, host, &role, group, why);
		}
	}
	return err;
}

static enum ak_err
check_account(
    const struct image *im, const struct policy_host *host, uint32_t i, struct diag *why)
{
	struct image_account account = image_account(im, i);
	uint32_t uid = 0;
	enum ak_err err = host->uid_of(host->ctx, account.name, &uid);

	if (err == AK_ERR_NOT_FOUND || (err == AK_OK && uid != 0))
		return AK_OK;
	if (err != AK_OK)
		return diag_because(why, err, "can't look up the local account %s: %s",
		    account.name, ak_strerror(err));
	return diag_say(why, AK_ERR_INVALID, image_policy_file(im), account.line, account.col,
	    "account `%s' has uid 0, which is never entered with a key, and must stay open "
	    "without",
	    account.name);
}

static enum ak_err
check_zone(const struct image *im, const struct policy_host *host, uint32_t i, struct diag *why)
{
	struct image_zone zone = image_zone(im, i);
	enum ak_err err = host->has_zone(host->ctx, zone.name);

	if (err == AK_OK)
		return AK_OK;
	if (err == AK_ERR_NOMEM || err == AK_ERR_UNAVAILABLE)
		return diag_because(why, err, "can't look up the time zone %s: %s", zone.name,
		    ak_strerror(err));
	return diag_say(why, AK_ERR_INVALID, image_policy_file(im), zone.line, zone.col,
	    "zone: this host knows no time zone `%s' (%s)", zone.name, ak_strerror(err));
}

enum ak_err
policy_check_host(const struct image *im, const struct policy_host *host, struct diag *why)
{
	enum ak_err err = AK_OK;

	if (host->gid_of != NULL)
		err = check_groups(im, host, why);
	for (uint32_t i = 0;
	     host->uid_of != NULL && i < image_count_accounts(im) && err == AK_OK; i++)
		err = check_account(im, host, i, why);
	for (uint32_t i = 0;
	     host->has_zone != NULL && i < image_count_zones(im) && err == AK_OK; i++)
		err = check_zone(im, host, i, why);
	return err;
}
