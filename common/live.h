/* live: the settings and the policy that hold on this host now: from the stored image while it is current, else compiled here. */
#ifndef AK_LIVE_H
#define AK_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "image.h"
#include "paths.h"
#include "settings.h"

struct live {
	struct image *image; /* NULL: no policy that is readable and valid; no key may do anything */
	bool from_store; /* it was the stored image, and need not be stored again */
	/*
	 * None of the files that it was made from can be half saved: each was last
	 * written long enough ago, or put there whole by live_replace_policy; one
	 * from the future was, before the clock was set back. For ending sessions;
	 * logins obey what is there. false: not before trusted_at_ns, on the raw
	 * clock (in the past: nothing could be compiled).
	 */
	bool trusted;
	int64_t trusted_at_ns;
	struct diag problem; /* image NULL: why, with file, line and column */
	enum ak_err err; /* the same as a number; AK_OK where there is an image */
	enum ak_err stored_err; /* why the stored image could not be read */
	struct settings settings; /* valid when settings_ok; else the defaults */
	bool settings_ok;
	struct image_sources sources;
	/* Of policy.image, when it was the stored one and so old that every edit since shows; else zero. */
	struct safefile_id stored;
	/* Digests as in users.idx; 0: no such file. The settings' takes in this host's names. */
	uint64_t policy_id, settings_id, group_id;
	char hosts_bytes[160]; /* when the settings name no host */
	struct strv hosts; /* this host's names, borrowed */
};

/*
 * Always leaves something to decide with: image NULL decides no. p->config
 * missing is a host of defaults; p->policy missing is no policy. Whatever was
 * loaded must be cleared with live_clear.
 */
void live_load(const struct paths *p, struct live *out);
void live_clear(struct live *l);
/* Is there no policy, not for what the files say, but since one can't be read now, or for want of memory? Then nothing is known of it. */
bool live_is_lost(const struct live *l);

/*
 * What live_clear and live_load would leave, but that a stored image of which no
 * file has changed since it was loaded is not read again. Every file is looked at;
 * the folders above the image are not: whose they have become meanwhile changes
 * nothing of what was read while they were root's.
 */
void live_renew(const struct paths *p, struct live *l);

/* Store the image for the next login to use; under the lock. Nothing to do when it is stored. */
enum ak_err live_store(
    const struct paths *p, const struct live *l, struct diag *why) AK_MUST_CHECK;

/*
 * What live_load does to a policy: compile its bytes with these settings, and
 * hold it against this host (policy_check_host). file: for messages and traces.
 */
enum ak_err live_compile(const struct paths *p, const struct settings *settings,
    const char *bytes, size_t len_b, const char *file, struct image **out,
    struct diag *why) AK_MUST_CHECK;

/*
 * Put bytes, which im was compiled from, in the place of policy.yaml: by
 * rename, fsynced, 0644, the old text kept as policy.yaml.prev; under the lock.
 * Then l has im (taken over, *im NULL), stamped so that it is trusted at once
 * when it is stored: the file was read again after the clock's grain had
 * passed, so that whatever edits it from now on shows. On failure nothing
 * changed, but that the old text may be there twice; or the file is
 * in its place, and somebody else has written to it since, or it can't be read
 * again: then l is as it was, and why says so.
 */
enum ak_err live_replace_policy(const struct paths *p, struct live *l, const char *bytes,
    size_t len_b, struct image **im, struct diag *why) AK_MUST_CHECK;

/*
 * The same with the text of policy.yaml.prev, which these bytes are: they are
 * written there anew, as a file of our own, and then the two files change places
 * at once, so that neither text is lost whenever this ends.
 */
enum ak_err live_swap_policy(const struct paths *p, struct live *l, const char *bytes,
    size_t len_b, struct image **im, struct diag *why) AK_MUST_CHECK;

/* PATH.prev of policy.yaml. */
enum ak_err live_previous_path(const struct paths *p, char out[PATH_CAP + 8]) AK_MUST_CHECK;

/* Unix groups that exist in /etc/group: what a role's group then means. AK_ERR_NOT_FOUND: none of that name; AK_ERR_UNAVAILABLE: it can't be told. */
enum ak_err live_local_gid(
    const char *group_file, const char *name, uint32_t *gid) AK_MUST_CHECK;

#endif
