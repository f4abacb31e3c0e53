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

	src.built_at_ns = live_clock_ns();
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
	l->policy_id = live_digest(&src.policy);
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
