#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "live_trust.h"
#include "safefile.h"
#include "text.h"
#include "yamltree.h"

enum ak_err
live_previous_path(const struct paths *p, char out[PATH_CAP + 8])
{
	struct text t = text_over(out, PATH_CAP + 8);

	text_add(&t, "%s.prev", p->policy);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

/* What can't be read is no policy that anybody would go back to. */
static enum ak_err
keep_previous(const struct paths *p, struct diag *why)
{
	char prev[PATH_CAP + 8];
	struct safefile old;
	enum ak_err err = live_previous_path(p, prev);

	if (err != AK_OK || safefile_read(p->policy, p->owner, YAML_MAX_B, &old, NULL) != AK_OK)
		return err;
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

/* Is the file still what was written, after a moment from which on every edit has a stamp of its own? */
static bool
is_as_written(const struct paths *p, const char *bytes, size_t len_b, struct safefile_id *id)
{
	struct safefile file;
	bool same;

	if (safefile_identify(p->policy, id) != AK_OK)
		return false;
	let_grain_pass(id->ctime_ns);
	if (safefile_read(p->policy, p->owner, YAML_MAX_B, &file, NULL) != AK_OK)
		return false;
	/* Whole seconds: the file system's grain is coarser than the clock's. */
	same = file.len_b == len_b && memcmp(file.bytes, bytes, len_b) == 0 &&
	       file.id.ctime_ns % 1000000000 != 0;
	*id = file.id;
	free(file.bytes);
	return same;
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

/* policy.yaml has these bytes now, which im was compiled from. */
static void
take_image(
    const struct paths *p, struct live *l, const char *bytes, size_t len_b, struct image **im)
{
	struct image_sources src = l->sources;

	src.built_at_ns = live_clock_ns();
	if (is_as_written(p, bytes, len_b, &src.policy))
		stamp_trusted(&src);
	image_free(&l->image);
	l->image = *im;
	*im = NULL;
	image_set_sources(l->image, &src);
	l->sources = src;
	l->policy_id = live_digest(&src.policy);
	l->from_store = false;
	l->trusted = live_were_settled(&src);
	l->trusted_at_ns = src.policy.ctime_ns + TRUST_AFTER_NS;
	l->problem = DIAG_INIT;
}

enum ak_err
live_replace_policy(const struct paths *p, struct live *l, const char *bytes, size_t len_b,
    struct image **im, struct diag *why)
{
	enum ak_err err = keep_previous(p, why);

	if (err == AK_OK)
		err = safefile_replace(p->policy, 0644, bytes, len_b, SAFEFILE_SYNC, why);
	if (err == AK_OK)
		take_image(p, l, bytes, len_b, im);
	return err;
}

enum ak_err
live_swap_policy(const struct paths *p, struct live *l, const char *bytes, size_t len_b,
    struct image **im, struct diag *why)
{
	char prev[PATH_CAP + 8];
	enum ak_err err = live_previous_path(p, prev);

	if (err == AK_OK)
		err = safefile_swap(p->policy, prev, why);
	/* A file system that can't, or no policy to change places with. */
	if (err == AK_ERR_NOT_FOUND)
		return live_replace_policy(p, l, bytes, len_b, im, why);
	if (err == AK_OK)
		take_image(p, l, bytes, len_b, im);
	return err;
}
