#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "num.h"
#include "policy.h"
#include "safefile.h"
#include "yamltree.h"
#include "zone.h"

/* An edit in place may follow a build within the clock's grain and leave every stamp as it was; older ones can't have. */
#define TRUST_AFTER_NS INT64_C(2000000000)
#define IMAGE_MAX_B ((size_t)256 << 20)

/* passwd(5) and group(5) alike: NAME:x:ID:… Lines that are shaped otherwise are nobody's. */
static bool
read_line(char *line, const char *name, uint32_t *id)
{
	char *field[3], *at = line;
	uint64_t value;

	for (int i = 0; i < 3; i++)
		if ((field[i] = strsep(&at, ":")) == NULL)
			return false;
	if (at == NULL || strcmp(field[0], name) != 0 ||
	    num_parse(field[2], 0, UINT32_MAX, &value) != AK_OK)
		return false;
	*id = (uint32_t)value;
	return true;
}

static enum ak_err
local_id(const char *path, const char *name, uint32_t *id)
{
	enum ak_err err = AK_ERR_NOT_FOUND;
	char *line = NULL;
	size_t cap_b = 0;
	FILE *f;

	if ((f = fopen(path, "re")) == NULL)
		return errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
	errno = 0;
	while (err == AK_ERR_NOT_FOUND && getline(&line, &cap_b, f) != -1)
		if (read_line(line, name, id))
			err = AK_OK;
	if (err == AK_ERR_NOT_FOUND && (ferror(f) || errno == ENOMEM))
		err = errno == ENOMEM ? AK_ERR_NOMEM : AK_ERR_UNAVAILABLE;
	free(line);
	(void)fclose(f);
	return err;
}

enum ak_err
live_local_gid(const char *group_file, const char *name, uint32_t *gid)
{
	return local_id(group_file, name, gid);
}

static int64_t
clock_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) == -1)
		return 0;
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The stored image, when the YAML files are still the ones that it was made from. */
static void
load_stored(const struct paths *p, struct live *l)
{
	struct safefile file;
	const struct image_sources *had;
	unsigned char *bytes;

	if (safefile_read(p->image, p->owner, IMAGE_MAX_B, &file, NULL) != AK_OK)
		return;
	bytes = (unsigned char *)file.bytes;
	if (image_take(&bytes, file.len_b, &l->image) != AK_OK)
		return;
	had = image_borrow_sources(l->image);
	if (!safefile_id_equal(&had->policy, &l->sources.policy) ||
	    !safefile_id_equal(&had->settings, &l->sources.settings) ||
	    !safefile_id_equal(&had->group, &l->sources.group) ||
	    had->built_at_ns - had->policy.ctime_ns < TRUST_AFTER_NS ||
	    had->built_at_ns - had->settings.ctime_ns < TRUST_AFTER_NS ||
	    had->built_at_ns - had->group.ctime_ns < TRUST_AFTER_NS) {
		image_free(&l->image);
		return;
	}
	l->sources = *had;
	l->from_store = true;
}

static enum ak_err
load_settings(const struct paths *p, struct live *l)
{
	struct safefile file = {.bytes = NULL};
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	err = safefile_read(p->config, p->owner, YAML_MAX_B, &file, &l->problem);
	if (err == AK_ERR_NOT_FOUND) { /* a host of defaults */
		l->problem = DIAG_INIT;
		l->sources.settings = (struct safefile_id){.dev = 0};
		return AK_OK;
	}
	if (err != AK_OK)
		return err;
	l->sources.settings = file.id;
	err = yamltree_parse(file.bytes, file.len_b, p->config, &doc, &l->problem);
	if (err == AK_OK)
		err = settings_from_yaml(
		    yamltree_root_borrow(doc), p->config, &l->settings, &l->problem);
	yamltree_free(&doc);
	free(file.bytes);
	return err;
}

static enum ak_err
group_gid(void *ctx, const char *name, uint32_t *gid)
{
	return local_id(((const struct paths *)ctx)->group, name, gid);
}

static enum ak_err
account_uid(void *ctx, const char *name, uint32_t *uid)
{
	return local_id(((const struct paths *)ctx)->passwd, name, uid);
}

static enum ak_err
has_zone(void *ctx, const char *name)
{
	struct zone *z = NULL;
	enum ak_err err = zone_load(ZONE_DIR, name, &z);

	(void)ctx;
	zone_free(&z);
	return err;
}

static enum ak_err
load_policy(const struct paths *p, struct live *l)
{
	struct safefile file = {.bytes = NULL};
	struct paths own = *p;
	enum ak_err err;

	err = safefile_read(p->policy, p->owner, YAML_MAX_B, &file, &l->problem);
	if (err != AK_OK)
		return err;
	l->sources.policy = file.id;
	l->sources.built_at_ns = clock_ns();
	err = policy_compile(
	    file.bytes, file.len_b, p->policy, &l->settings, &l->image, &l->problem);
	free(file.bytes);
	if (err != AK_OK)
		return err;
	err = policy_check_host(l->image,
	    &(struct policy_host){group_gid, account_uid, has_zone, &own}, &l->problem);
	if (err != AK_OK)
		image_free(&l->image);
	else
		image_set_sources(l->image, &l->sources);
	return err;
}

/* uname's node name and, where that is longer, its first label. */
static void
name_host(struct live *l)
{
	struct utsname u;
	size_t len, label;

	l->hosts = l->settings.hosts;
	if (l->hosts.len_b > 0 || uname(&u) == -1 || u.nodename[0] == '\0')
		return;
	len = strlen(u.nodename) + 1;
	label = strcspn(u.nodename, ".");
	memcpy(l->hosts_bytes, u.nodename, len);
	if (label > 0 && label + 1 < len) {
		memcpy(l->hosts_bytes + len, u.nodename, label);
		l->hosts_bytes[len + label] = '\0';
		len += label + 1;
	}
	l->hosts = (struct strv){.bytes = l->hosts_bytes, .len_b = len};
}

static uint64_t
digest_of(const struct safefile_id *id)
{
	return id->ino == 0 ? 0 : safefile_id_digest(id);
}

void
live_load(const struct paths *p, struct live *l)
{
	enum ak_err err = AK_OK;

	_Static_assert(sizeof(l->hosts_bytes) >= 2 * sizeof(((struct utsname *)0)->nodename),
	    "room for the node name and its first label");
	memset(l, 0, sizeof(*l));
	settings_default(&l->settings);
	(void)!safefile_identify(p->policy, &l->sources.policy);
	(void)!safefile_identify(p->config, &l->sources.settings);
	(void)!safefile_identify(p->group, &l->sources.group);
	load_stored(p, l);
	if (l->image != NULL) {
		settings_copy(&l->settings, image_borrow_settings(l->image));
		l->settings_ok = true;
	} else {
		err = load_settings(p, l);
		l->settings_ok = err == AK_OK;
		if (err == AK_OK)
			err = load_policy(p, l);
		if (err != AK_OK)
			(void)diag_because(&l->problem, err, "%s", ak_strerror(err));
	}
	l->policy_id = digest_of(&l->sources.policy);
	l->group_id = digest_of(&l->sources.group);
	name_host(l);
	/* A host that was renamed holds other `:hosts:` bindings. */
	l->settings_id = digest_of(&l->sources.settings) ^
	    hash_sip(0, l->hosts.bytes, l->hosts.len_b);
}

void
live_clear(struct live *l)
{
	image_free(&l->image);
	memset(l, 0, sizeof(*l));
}

enum ak_err
live_store(const struct paths *p, const struct live *l, struct diag *why)
{
	const void *bytes;
	size_t len_b;

	if (l->image == NULL || l->from_store)
		return AK_OK;
	bytes = image_borrow_bytes(l->image, &len_b);
	return safefile_replace(p->image, 0600, bytes, len_b, 0, why);
}
