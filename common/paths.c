#include "paths.h"

#include "text.h"

/* config.h gives both: --sysconfdir and --localstatedir. */
#define INSTALLED_ETC AK_SYSCONFDIR
#define INSTALLED_STATE AK_LOCALSTATEDIR "/lib/apikey"
#define INSTALLED_AUDIT AK_LOCALSTATEDIR "/log/apikey/audit.log"

static enum ak_err
join(char dst[PATH_CAP], const char *dir, const char *name)
{
	struct text t = text_over(dst, PATH_CAP);

	text_add(&t, "%s/%s", dir, name);
	return t.cut ? AK_ERR_RANGE : AK_OK;
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

/* Written out: each call of the PAM module asks, before it knows whose account it is about. */
static const struct paths installed = {
    .config = INSTALLED_ETC "/apikey/apikey.yaml",
    .policy = INSTALLED_ETC "/apikey/policy.yaml",
    .lockdown = INSTALLED_ETC "/apikey/lockdown",
    /* The system's own files do not move with --sysconfdir. */
    .group = "/etc/group",
    .passwd = "/etc/passwd",
    .subuid = "/etc/subuid",
    .state = INSTALLED_STATE,
    .local = INSTALLED_STATE "/local.idx",
    .users = INSTALLED_STATE "/users.idx",
    .image = INSTALLED_STATE "/policy.image",
    .applied = INSTALLED_STATE "/policy.applied",
    .lock = INSTALLED_STATE "/lock",
    .directory_keys = INSTALLED_STATE "/directory-keys.idx",
    .directory_groups = INSTALLED_STATE "/directory-groups.idx",
    .freshness = INSTALLED_STATE "/freshness",
    .lastused = INSTALLED_STATE "/lastused",
    /* What lies there speaks of processes: it must go with them, at a reboot. */
    .run = "/run/apikey",
    .control = "/run/apikey/control",
    .audit = INSTALLED_AUDIT,
    .owner = 0,
};

struct paths
paths_installed(void)
{
	_Static_assert(sizeof(INSTALLED_ETC) + sizeof("/apikey/apikey.yaml") <= PATH_CAP,
	    "sysconfdir is too long");
	_Static_assert(sizeof(INSTALLED_STATE) + sizeof("/directory-groups.idx") <= PATH_CAP,
	    "localstatedir is too long");
	_Static_assert(sizeof(INSTALLED_AUDIT) <= PATH_CAP, "localstatedir is too long");
	return installed;
}
