#include "live_trust.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "etcfile.h"
#include "hash.h"
#include "policy.h"
#include "safefile.h"
#include "text.h"
#include "yamltree.h"
#include "zone.h"

#define IMAGE_MAX_B ((size_t)256 << 20)

enum ak_err
live_local_gid(const char *group_file, const char *name, uint32_t *gid)
{
	return etcfile_find_id(group_file, name, gid);
}

/*
 * The stored image, when the YAML files are still the ones that it was made
 * from; and could it be half of one that was being saved? file: its identity.
 */
static void
load_stored(const struct paths *p, struct live *l, struct safefile_id *id, bool *settled)
{
	struct safefile file;
	const struct image_sources *had;
	unsigned char *bytes;

	*settled = false;
	l->stored_err = safefile_read(p->image, p->owner, IMAGE_MAX_B, &file, NULL);
	if (l->stored_err != AK_OK)
		return;
	*id = file.id;
	bytes = (unsigned char *)file.bytes;
	if ((l->stored_err = image_take(&bytes, file.len_b, &l->image)) != AK_OK)
		return;
	had = image_borrow_sources(l->image);
	if (!safefile_id_equal(&had->policy, &l->sources.policy) ||
	    !safefile_id_equal(&had->settings, &l->sources.settings) ||
	    !safefile_id_equal(&had->group, &l->sources.group)) {
		image_free(&l->image);
		return;
	}
	*settled = live_were_settled(had);
}

static void
take_stored(const struct paths *p, struct live *l, int64_t read_at_ns)
{
	struct safefile_id id = {.dev = 0};
	bool settled;

	load_stored(p, l, &id, &settled);
	if (!settled) {
		image_free(&l->image);
		return;
	}
	l->sources = *image_borrow_sources(l->image);
	l->from_store = true;
	if (live_shows_edits(&id, read_at_ns))
		l->stored = id;
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
	return etcfile_find_id(((const struct paths *)ctx)->group, name, gid);
}

static enum ak_err
account_uid(void *ctx, const char *name, uint32_t *uid)
{
	return etcfile_find_id(((const struct paths *)ctx)->passwd, name, uid);
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

enum ak_err
live_compile(const struct paths *p, const struct settings *settings, const char *bytes,
    size_t len_b, const char *file, struct image **out, struct diag *why)
{
	struct paths own = *p;
	enum ak_err err = policy_compile(bytes, len_b, file, settings, out, why);

	if (err != AK_OK)
		return err;
	err = policy_check_host(
	    *out, &(struct policy_host){group_gid, account_uid, has_zone, &own}, why);
	if (err != AK_OK)
		image_free(out);
	return err;
}

static enum ak_err
load_policy(const struct paths *p, struct live *l)
{
	struct safefile file = {.bytes = NULL};
	enum ak_err err;

	err = safefile_read(p->policy, p->owner, YAML_MAX_B, &file, &l->problem);
	if (err != AK_OK)
		return err;
	l->sources.policy = file.id;
	l->sources.built_at_ns = live_clock_ns();
	err = live_compile(
	    p, &l->settings, file.bytes, file.len_b, p->policy, &l->image, &l->problem);
	free(file.bytes);
	if (err == AK_OK)
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

static void
identify_sources(const struct paths *p, struct image_sources *out)
{
	(void)!safefile_identify(p->policy, &out->policy);
	(void)!safefile_identify(p->config, &out->settings);
	(void)!safefile_identify(p->group, &out->group);
}

/* What was found in the files, as this host and its clock see it. */
static void
judge(const struct paths *p, struct live *l, int64_t read_at_ns)
{
	live_judge_trust(p, l, read_at_ns);
	name_host(l);
	/* A host that was renamed holds other `:hosts:` bindings. */
	l->settings_id =
	    live_digest(&l->sources.settings) ^ hash_sip(0, l->hosts.bytes, l->hosts.len_b);
}

void
live_load(const struct paths *p, struct live *l)
{
	int64_t read_at_ns = live_clock_ns();
	enum ak_err err = AK_OK;

	_Static_assert(sizeof(l->hosts_bytes) >= 2 * sizeof(((struct utsname *)0)->nodename),
	    "room for the node name and its first label");
	memset(l, 0, sizeof(*l));
	identify_sources(p, &l->sources);
	take_stored(p, l, read_at_ns);
	if (l->image != NULL) {
		settings_copy(&l->settings, image_borrow_settings(l->image));
		l->settings_ok = true;
	} else {
		settings_default(&l->settings);
		err = load_settings(p, l);
		l->settings_ok = err == AK_OK;
		if (err == AK_OK)
			err = load_policy(p, l);
		if (err != AK_OK)
			(void)diag_because(&l->problem, err, "%s", ak_strerror(err));
	}
	l->err = err;
	l->policy_id = live_digest(&l->sources.policy);
	l->group_id = live_digest(&l->sources.group);
	judge(p, l, read_at_ns);
}

static bool
is_unchanged(const struct paths *p, const struct live *l)
{
	struct image_sources now;
	struct safefile_id stored;

	if (!l->from_store || l->stored.ino == 0 ||
	    safefile_identify(p->image, &stored) != AK_OK)
		return false;
	identify_sources(p, &now);
	return safefile_id_equal(&stored, &l->stored) &&
	       safefile_id_equal(&now.policy, &l->sources.policy) &&
	       safefile_id_equal(&now.settings, &l->sources.settings) &&
	       safefile_id_equal(&now.group, &l->sources.group);
}

void
live_renew(const struct paths *p, struct live *l)
{
	int64_t read_at_ns = live_clock_ns();

	if (is_unchanged(p, l)) {
		l->trusted_at_ns = 0;
		judge(p, l, read_at_ns);
		return;
	}
	live_clear(l);
	live_load(p, l);
}

void
live_clear(struct live *l)
{
	image_free(&l->image);
	memset(l, 0, sizeof(*l));
}

bool
live_is_lost(const struct live *l)
{
	return l->err == AK_ERR_UNAVAILABLE || l->err == AK_ERR_NOMEM;
}

/* By somebody else, since l was loaded: `policy apply` vouches for what may look half saved to others. */
static bool
is_stored(const struct paths *p, const struct live *l, bool *settled)
{
	struct live stored = {.sources = l->sources};
	struct safefile_id id;
	bool is;

	load_stored(p, &stored, &id, settled);
	is = stored.image != NULL;
	image_free(&stored.image);
	return is;
}

enum ak_err
live_store(const struct paths *p, const struct live *l, struct diag *why)
{
	const void *bytes;
	size_t len_b;
	bool settled;

	if (l->image == NULL || l->from_store || (is_stored(p, l, &settled) && settled))
		return AK_OK;
	bytes = image_borrow_bytes(l->image, &len_b);
	return safefile_replace(p->image, 0600, bytes, len_b, 0, why);
}
