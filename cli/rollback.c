#include "rollback.h"

#include <stdlib.h>
#include <string.h>

#include "applied.h"
#include "live.h"
#include "yamltree.h"

static enum ak_err
find_live(const struct cli *c, struct rollback *r)
{
	struct safefile live = {.bytes = NULL};
	struct applied by;
	enum ak_err err = AK_OK;

	r->live_err = safefile_read(c->paths.policy, c->paths.owner, YAML_MAX_B, &live, NULL);
	if (r->live_err == AK_OK)
		err = token_sha256(live.bytes, live.len_b, r->live_sha256);
	free(live.bytes);
	r->interrupted = applied_find(&c->paths, r->live_sha256, &by) == AK_OK &&
			 strcmp(by.how, APPLIED_BEGUN) == 0;
	return err;
}

enum ak_err
rollback_find(const struct cli *c, struct rollback *out, struct diag *why)
{
	enum ak_err err;

	*out = ROLLBACK_INIT;
	if ((err = live_previous_path(&c->paths, out->path)) == AK_OK)
		err = safefile_read(out->path, c->paths.owner, YAML_MAX_B, &out->prev, why);
	if (err == AK_OK)
		err = token_sha256(out->prev.bytes, out->prev.len_b, out->prev_sha256);
	if (err == AK_OK)
		err = find_live(c, out);
	if (err != AK_ERR_NOT_FOUND)
		return err;
	*why = DIAG_INIT;
	return diag_because(why, err,
	    "there is no policy to go back to: none was replaced by `apikey policy apply`");
}

static bool
is_same(const struct rollback *a, const struct rollback *b)
{
	return a->interrupted == b->interrupted &&
	       strcmp(a->live_sha256, b->live_sha256) == 0 &&
	       strcmp(a->prev_sha256, b->prev_sha256) == 0;
}

enum ak_err
rollback_check(const struct cli *c, const struct rollback *r, struct diag *why)
{
	struct rollback now;
	enum ak_err err = rollback_find(c, &now, why);

	/* One that can't be read at all may be the reason to go back. */
	if (err == AK_OK && r->live_err != now.live_err &&
	    (r->live_err == AK_ERR_UNAVAILABLE || now.live_err == AK_ERR_UNAVAILABLE))
		err = diag_say(why, AK_ERR_UNAVAILABLE, c->paths.policy, 0, 0,
		    "could not be read for a moment: nothing was put back; try again");
	if (err == AK_OK && !is_same(r, &now))
		err = diag_because(why, AK_ERR_DENIED,
		    "somebody else has changed the policy in this moment: see `apikey policy "
		    "show', and run `apikey policy rollback' again if that is still wanted");
	rollback_clear(&now);
	return err;
}

void
rollback_clear(struct rollback *r)
{
	free(r->prev.bytes);
	*r = ROLLBACK_INIT;
}
