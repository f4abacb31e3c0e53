#include "paths.h"

#include <string.h>

#include "text.h"

/* config.h gives both: --sysconfdir and --localstatedir. */
#define INSTALLED_ETC AK_SYSCONFDIR
#define INSTALLED_STATE AK_LOCALSTATEDIR "/lib/apikey"
#define INSTALLED_AUDIT AK_LOCALSTATEDIR "/log/apikey/audit.log"

/* By hand: each call of the PAM module joins eighteen, before it knows whose account it is about. */
static enum ak_err
join(char dst[PATH_CAP], const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), name_len = strlen(name);

	dst[0] = '\0';
	if (dir_len + 1 + name_len >= PATH_CAP)
		return AK_ERR_RANGE;
	memcpy(dst, dir, dir_len);
	dst[dir_len] = '/';
	memcpy(dst + dir_len + 1, name, name_len + 1);
	return AK_OK;
}

enum ak_err
paths_under(const char *etc, const char *state, uid_t owner, struct paths *out)
{
	struct {
		char *dst;
		const char *dir, *name;
	} rows[] = {
	    {out->config, etc, "apikey/apikey.yaml"},
	    {out->policy, etc, "apikey/policy.yaml"},
	    {out->lockdown, etc, "apikey/lockdown"},
	    {out->group, etc, "group"},
	    {out->passwd, etc, "passwd"},
	    {out->subuid, etc, "subuid"},
	    {out->local, state, "local.idx"},
	    {out->users, state, "users.idx"},
	    {out->image, state, "policy.image"},
	    {out->applied, state, "policy.applied"},
	    {out->lock, state, "lock"},
	    {out->directory_keys, state, "directory-keys.idx"},
	    {out->directory_groups, state, "directory-groups.idx"},
	    {out->freshness, state, "freshness"},
	    {out->lastused, state, "lastused"},
	    {out->run, state, "run"},
	    {out->control, state, "run/control"},
	    {out->audit, state, "audit.log"},
	};

	out->owner = owner;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (join(rows[i].dst, rows[i].dir, rows[i].name) != AK_OK)
			return AK_ERR_RANGE;
	return text_copy(out->state, sizeof(out->state), state);
}

struct paths
paths_installed(void)
{
	struct paths p;

	_Static_assert(sizeof(INSTALLED_ETC) + sizeof("/apikey/apikey.yaml") <= PATH_CAP,
	    "sysconfdir is too long");
	_Static_assert(sizeof(INSTALLED_STATE) + sizeof("/policy.image") <= PATH_CAP,
	    "localstatedir is too long");
	(void)!paths_under(INSTALLED_ETC, INSTALLED_STATE, 0, &p);
	/* The system's own files do not move with --sysconfdir. */
	(void)!text_copy(p.group, sizeof(p.group), "/etc/group");
	(void)!text_copy(p.passwd, sizeof(p.passwd), "/etc/passwd");
	(void)!text_copy(p.subuid, sizeof(p.subuid), "/etc/subuid");
	/* What lies there speaks of processes: it must go with them, at a reboot. */
	(void)!text_copy(p.run, sizeof(p.run), "/run/apikey");
	(void)!text_copy(p.control, sizeof(p.control), "/run/apikey/control");
	_Static_assert(sizeof(INSTALLED_AUDIT) <= PATH_CAP, "localstatedir is too long");
	(void)!text_copy(p.audit, sizeof(p.audit), INSTALLED_AUDIT);
	return p;
}
