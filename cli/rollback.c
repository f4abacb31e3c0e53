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
	enum ak_err err;

	err = r->live_err =
	    safefile_read(c->paths.policy, c->paths.owner, YAML_MAX_B, &live, NULL);
	if (err == AK_OK)
		err = token_sha256(live.bytes, live.len_b, r->live_sha256);
	free(live.bytes);
	if (err == AK_OK)
		err = applied_find(&c->paths, r->live_sha256, &by);
	r->interrupted = err == AK_OK && strcmp(by.how, APPLIED_BEGUN) == 0;
	/* What is wrong with them may be the reason to go back. */
	return err == AK_ERR_NOMEM ? err : AK_OK;
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

/* Are these the same policies? */
static bool
is_same(const struct rollback *a, const struct rollback *b)
{
	return strcmp(a->live_sha256, b->live_sha256) == 0 &&
	       strcmp(a->prev_sha256, b->prev_sha256) == 0;
}

/* One look could not be had. */
static bool
is_doubtful(const struct rollback *a, const struct rollback *b)
{
	if (a->live_err != b->live_err)
		return a->live_err == AK_ERR_UNAVAILABLE || b->live_err == AK_ERR_UNAVAILABLE;
	return is_same(a, b) && a->interrupted != b->interrupted;
}

enum ak_err
rollback_check(const struct cli *c, const struct rollback *r, struct diag *why)
{
	struct rollback now;
	enum ak_err err = rollback_find(c, &now, why);

	if (err == AK_OK && is_doubtful(r, &now))
		err = diag_say(why, AK_ERR_UNAVAILABLE, c->paths.policy, 0, 0,
		    "it, or who has put it there, could not be read for a moment: nothing was "
		    "put back; try again");
	else if (err == AK_OK && !is_same(r, &now))
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
