#include "live_trust.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "etcfile.h"
#include "hash.h"
#include "num.h"
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

static int64_t
clock_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) == -1)
		return 0;
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The stored image, when the YAML files are still the ones that it was made from; and could it be half of one that was being saved? */
static void
load_stored(const struct paths *p, struct live *l, bool *settled)
{
	struct safefile file;
	const struct image_sources *had;
	unsigned char *bytes;

	*settled = false;
	l->stored_err = safefile_read(p->image, p->owner, IMAGE_MAX_B, &file, NULL);
	if (l->stored_err != AK_OK)
		return;
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
take_stored(const struct paths *p, struct live *l)
{
	bool settled;

	load_stored(p, l, &settled);
	if (!settled) {
		image_free(&l->image);
		return;
	}
	l->sources = *image_borrow_sources(l->image);
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
	l->sources.built_at_ns = clock_ns();
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

static uint64_t
digest_of(const struct safefile_id *id)
{
	return id->ino == 0 ? 0 : safefile_id_digest(id);
}

void
live_load(const struct paths *p, struct live *l)
{
	int64_t read_at_ns = clock_ns();
	enum ak_err err = AK_OK;

	_Static_assert(sizeof(l->hosts_bytes) >= 2 * sizeof(((struct utsname *)0)->nodename),
	    "room for the node name and its first label");
	memset(l, 0, sizeof(*l));
	settings_default(&l->settings);
	(void)!safefile_identify(p->policy, &l->sources.policy);
	(void)!safefile_identify(p->config, &l->sources.settings);
	(void)!safefile_identify(p->group, &l->sources.group);
	take_stored(p, l);
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
	l->err = err;
	live_judge_trust(p, l, read_at_ns);
	l->policy_id = digest_of(&l->sources.policy);
	l->group_id = digest_of(&l->sources.group);
	name_host(l);
	/* A host that was renamed holds other `:hosts:` bindings. */
	l->settings_id =
	    digest_of(&l->sources.settings) ^ hash_sip(0, l->hosts.bytes, l->hosts.len_b);
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
	bool is;

	load_stored(p, &stored, settled);
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

enum ak_err
live_previous_path(const struct paths *p, char out[PATH_CAP + 8])
{
	struct text t = text_over(out, PATH_CAP + 8);

	text_add(&t, "%s.prev", p->policy);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

/* What is no policy of ours nobody would go back to; what can't be read just now stays where it is. */
static enum ak_err
keep_previous(const struct paths *p, struct diag *why)
{
	char prev[PATH_CAP + 8];
	struct safefile old;
	enum ak_err err = live_previous_path(p, prev);

	if (err != AK_OK)
		return err;
	err = safefile_read(p->policy, p->owner, YAML_MAX_B, &old, NULL);
	if (err == AK_ERR_UNAVAILABLE || err == AK_ERR_NOMEM)
		return diag_say(why, err, p->policy, 0, 0,
		    "cannot be read, and would be lost: %s; try again, or move it away",
		    ak_strerror(err));
	if (err != AK_OK)
		return AK_OK;
	err = safefile_replace(prev, 0644, old.bytes, old.len_b, SAFEFILE_SYNC, why);
	free(old.bytes);
	return err;
}

/* The clock that file systems stamp by moves in steps: is the one of this stamp over? */
static void
let_grain_pass(int64_t stamp_ns)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct timespec now;

	for (int i = 0; i < 50; i++) {
		if (clock_gettime(CLOCK_REALTIME_COARSE, &now) == -1 ||
		    (int64_t)now.tv_sec * 1000000000 + now.tv_nsec > stamp_ns)
			return;
		(void)nanosleep(&pause, NULL);
	}
}

/* The file is still what was written, after a moment from which on every edit has a stamp of its own; *id: its identity. */
static enum ak_err
read_again(const struct paths *p, const char *bytes, size_t len_b, struct safefile_id *id,
    struct diag *why)
{
	struct safefile file = {.bytes = NULL};
	bool same;

	if (safefile_identify(p->policy, id) == AK_OK)
		let_grain_pass(id->ctime_ns);
	same = safefile_read(p->policy, p->owner, YAML_MAX_B, &file, NULL) == AK_OK &&
	       file.len_b == len_b && memcmp(file.bytes, bytes, len_b) == 0;
	*id = file.id;
	free(file.bytes);
	if (same)
		return AK_OK;
	return diag_say(why, AK_ERR_UNAVAILABLE, p->policy, 0, 0,
	    "was put in its place, and is another text already, or can't be read: see that it "
	    "is the right one, and run `apikey publish`");
}

/*
 * The stamp says when the sources were last sure to be what they are: of the
 * policy that is now, and the rule of two seconds is for the other two.
 */
static void
stamp_trusted(struct image_sources *src)
{
	int64_t trusted = src->policy.ctime_ns + TRUST_AFTER_NS;

	if (src->built_at_ns - src->settings.ctime_ns >= TRUST_AFTER_NS &&
	    src->built_at_ns - src->group.ctime_ns >= TRUST_AFTER_NS &&
	    src->built_at_ns < trusted)
		src->built_at_ns = trusted;
}

/* These bytes, which im was compiled from, were put in policy.yaml's place: they alone are what its identity may stand for. */
static enum ak_err
take_image(const struct paths *p, struct live *l, const char *bytes, size_t len_b,
    struct image **im, struct diag *why)
{
	struct image_sources src = l->sources;
	enum ak_err err;

	src.built_at_ns = clock_ns();
	if ((err = read_again(p, bytes, len_b, &src.policy, why)) != AK_OK)
		return err;
	/* Whole seconds: the file system's grain is coarser than the clock's. */
	if (src.policy.ctime_ns % 1000000000 != 0)
		stamp_trusted(&src);
	image_free(&l->image);
	l->image = *im;
	*im = NULL;
	image_set_sources(l->image, &src);
	l->sources = src;
	l->policy_id = digest_of(&src.policy);
	l->from_store = false;
	l->trusted = live_were_settled(&src);
	l->trusted_at_ns = src.policy.ctime_ns + TRUST_AFTER_NS;
	l->problem = DIAG_INIT;
	l->err = AK_OK;
	return AK_OK;
}

enum ak_err
live_replace_policy(const struct paths *p, struct live *l, const char *bytes, size_t len_b,
    struct image **im, struct diag *why)
{
	enum ak_err err = keep_previous(p, why);

	if (err == AK_OK)
		err = safefile_replace(p->policy, 0644, bytes, len_b, SAFEFILE_SYNC, why);
	return err == AK_OK ? take_image(p, l, bytes, len_b, im, why) : err;
}

enum ak_err
live_swap_policy(const struct paths *p, struct live *l, const char *bytes, size_t len_b,
    struct image **im, struct diag *why)
{
	char prev[PATH_CAP + 8];
	enum ak_err err = live_previous_path(p, prev);

	/* Whose file that was, with which mode and which other names, is not to be the live one's. */
	if (err == AK_OK)
		err = safefile_replace(prev, 0644, bytes, len_b, SAFEFILE_SYNC, why);
	if (err == AK_OK)
		err = safefile_swap(p->policy, prev, why);
	/* A file system that can't, or no policy to change places with. */
	if (err == AK_ERR_NOT_FOUND)
		return live_replace_policy(p, l, bytes, len_b, im, why);
	return err == AK_OK ? take_image(p, l, bytes, len_b, im, why) : err;
}
