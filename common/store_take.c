#include "store_impl.h"

enum ak_err
store_take_spent(struct store *s, const struct spent_uid *gone)
{
	struct staged st = {.order = ORDER_REST, .number = gone->uid, .n_keys = 1};
	struct pack value = PACK_INIT;
	bool spent;
	enum ak_err err = store_uid_state(s, gone->uid, &spent);

	if (err != AK_OK)
		return err == AK_ERR_EXISTS ? AK_OK : err;
	st.keys[0] = record_key_number(RECORD_SPENT_UID, gone->uid);
	spent_uid_pack(gone, &value);
	return staged_put(&s->staged, st, &value);
}

enum ak_err
store_take_role_gid(
    struct store *s, const struct role_gid *g, struct id_range range, struct diag *why)
{
	struct record_key by = record_key_text(RECORD_ROLE_GROUP, g->group);
	struct staged st = {.order = ORDER_REST, .number = g->gid, .keys[0] = by, .n_keys = 1};
	struct pack value = PACK_INIT;
	struct index_record r;
	bool given;
	enum ak_err err = s->ring.local.fd == -1
			      ? AK_ERR_NOT_FOUND
			      : index_find(&s->ring.local, by.bytes, by.len_b, &r);

	if (err == AK_OK)
		index_record_clear(&r);
	if (err != AK_ERR_NOT_FOUND)
		return err;
	if (!id_range_has(range, g->gid))
		return diag_because(why, AK_ERR_EXISTS,
		    "gid %u of group %s is outside gid_range %u-%u", g->gid, g->group,
		    range.min, range.max);
	if ((err = store_id_given(s, g->gid, &given)) != AK_OK)
		return err;
	err = given ? AK_ERR_EXISTS : store_check_elsewhere(s, g->gid);
	if (err == AK_ERR_EXISTS)
		return diag_because(
		    why, err, "gid %u of group %s is another's on this host", g->gid, g->group);
	if (err != AK_OK)
		return store_say_unknown(err, g->gid, why);
	role_gid_pack(g, &value);
	err = staged_put(&s->staged, st, &value);
	/* What is counted up later must not meet it. */
	if (err == AK_OK && g->gid > s->extra.gid_high)
		s->extra.gid_high = g->gid;
	return err;
}

static void
raise_to(struct store *s, uint32_t *high, uint32_t to, struct id_range range)
{
	if (to <= *high || !id_range_has(range, to))
		return;
	*high = to;
	s->raised = true;
}

void
store_take_high(
    struct store *s, struct local_extra high, struct id_range uids, struct id_range gids)
{
	raise_to(s, &s->extra.uid_high, high.uid_high, uids);
	raise_to(s, &s->extra.gid_high, high.gid_high, gids);
}
