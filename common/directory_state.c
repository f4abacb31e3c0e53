#include "directory_state.h"

#include <string.h>

#include "num.h"

enum ak_err
directory_state_load(const struct paths *p, const struct directory_settings *d,
    const char *name, bool directory_key, struct directory_state *out)
{
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	out->directory_key = directory_key;
	out->present = d->present || directory_key;
	if (!out->present)
		return AK_OK;
	err = keyring_membership(p, name, &out->membership);
	out->has_membership = err == AK_OK;
	/* On failure it is stale by itself. */
	(void)!freshness_read(p->freshness, p->owner, &out->fresh);
	return err == AK_ERR_NOMEM ? err : AK_OK;
}

void
directory_state_clear(struct directory_state *s)
{
	if (s->has_membership)
		membership_clear(&s->membership);
	s->has_membership = false;
}

void
directory_state_fill(const struct directory_state *s, int64_t now, bool time_undefined,
    struct decide_request *req)
{
	const struct freshness *f = &s->fresh;

	req->directory_key = s->directory_key;
	if (!s->present)
		return;
	req->unknown = !s->has_membership;
	if (s->has_membership) {
		req->directory_groups = s->membership.groups;
		req->directory_bindings = s->membership.bindings;
	}
	req->contact_at = f->contact_at;
	req->stale = time_undefined || freshness_is_stale(f, now);
	req->keys_stale =
	    s->directory_key && (freshness_keys_are_stale(f, now) ||
				    (time_undefined && f->keys_max_age_s != NUM_NEVER));
}
