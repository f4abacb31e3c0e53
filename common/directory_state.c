#include "directory_state.h"

void
directory_state_load(const struct paths *p, const struct directory_settings *d,
    const char *name, bool directory_key, struct directory_state *out)
{
	*out = (struct directory_state){.present = d->present,
	    .asks_groups = d->present && d->groups.base[0] != '\0',
	    .directory_key = directory_key,
	    .fresh = {.contact_at = 0}};
	if (!d->present)
		return;
	(void)!freshness_read(p->freshness, p->owner, &out->fresh);
	if (out->asks_groups)
		out->has_membership =
		    keyring_membership(p, name, &out->membership) == AK_OK;
}

void
directory_state_clear(struct directory_state *s)
{
	if (s->has_membership)
		membership_clear(&s->membership);
	s->has_membership = false;
}

void
directory_state_fill(const struct directory_state *s, int64_t now, struct decide_request *req)
{
	req->directory_key = s->directory_key;
	req->contact_at = s->fresh.contact_at;
	req->stale = s->asks_groups && freshness_is_stale(&s->fresh, now);
	/* A key that lives in a directory which this host has no longer. */
	req->keys_stale = s->directory_key &&
			  (!s->present || freshness_keys_are_stale(&s->fresh, now));
	req->unknown = s->asks_groups && !s->has_membership;
	if (s->has_membership) {
		req->directory_groups = s->membership.groups;
		req->directory_bindings = s->membership.bindings;
	}
}
