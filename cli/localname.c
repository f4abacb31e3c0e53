#include "localname.h"

#include <string.h>

#include "index.h"
#include "record.h"

/* The uid under which users.idx serves the name; 0: it doesn't. After a publish that failed it may still serve deleted keys. */
static uint32_t
served_uid(const struct paths *p, const char *name)
{
	struct record_key by = record_key_text(RECORD_NAME, name);
	struct index_record r;
	struct user_record u;
	struct index users;
	uint32_t uid = 0;

	if (index_open(p->users, p->owner, &users) != AK_OK)
		return 0;
	if (index_find(&users, by.bytes, by.len_b, &r) == AK_OK) {
		if (user_record_unpack(r.view.value, r.view.value_len_b, &u) == AK_OK)
			uid = u.uid;
		index_record_clear(&r);
	}
	index_close(&users);
	return uid;
}

static enum ak_err
check_account(const char *what, const char *name, enum ak_err err, uint32_t id, uint32_t own,
    struct diag *why)
{
	if (err == AK_ERR_NOT_FOUND || (err == AK_OK && own != 0 && id == own))
		return AK_OK;
	if (err == AK_OK)
		return diag_because(why, AK_ERR_EXISTS,
		    "this host has a %s %s already (id %u): choose another name", what, name,
		    id);
	return diag_because(why, err,
	    "whether this host has a %s %s can't be told now: mend the name services, or try "
	    "again",
	    what, name);
}

static enum ak_err
check_role_groups(const struct live *live, const char *name, struct diag *why)
{
	if (live->settings_ok && strcmp(live->settings.keys_group, name) == 0)
		return diag_because(why, AK_ERR_EXISTS,
		    "%s is the group of all keys: choose another name", name);
	for (uint32_t i = 0; live->image != NULL && i < image_count_roles(live->image); i++) {
		struct image_role role = image_role(live->image, i);

		if (strv_has(role.unix_groups, name))
			return diag_because(why, AK_ERR_EXISTS,
			    "%s is a Unix group of role %s: choose another name", name,
			    role.name);
	}
	return AK_OK;
}

enum ak_err
localname_check(const struct cli *c, const struct live *live, const char *name, struct diag *why)
{
	const struct cli_host *h = &c->host;
	uint32_t own = served_uid(&c->paths, name), id = 0;
	enum ak_err err;

	err = h->find_user(h->ctx, name, &id);
	if ((err = check_account("user", name, err, id, own, why)) != AK_OK)
		return err;
	err = h->find_group(h->ctx, name, &id);
	if ((err = check_account("group", name, err, id, own, why)) != AK_OK)
		return err;
	return check_role_groups(live, name, why);
}
