#include "store_impl.h"

enum ak_err
store_uid_state(const struct store *s, uint32_t uid, bool *spent)
{
	struct record_key keys[2] = {
	    record_key_number(RECORD_UID, uid), record_key_number(RECORD_SPENT_UID, uid)};
	struct index_record r;
	enum ak_err err;

	*spent = false;
	/* What is staged takes the place of what is stored: a key's end too. */
	for (unsigned i = 0; i < 2; i++)
		if (staged_find(&s->staged, keys[i]) != NULL) {
			*spent = i == 1;
			return AK_ERR_EXISTS;
		}
	for (unsigned i = 0; i < 2 && s->ring.local.fd != -1; i++) {
		err = index_find(&s->ring.local, keys[i].bytes, keys[i].len_b, &r);
		if (err == AK_OK) {
			index_record_clear(&r);
			*spent = i == 1;
			return AK_ERR_EXISTS;
		}
		if (err != AK_ERR_NOT_FOUND)
			return err;
	}
	return AK_OK;
}

/* Records of role groups lie by their gid among the rest. */
static enum ak_err
find_role_gid(const struct store *s, uint32_t id, bool *given)
{
	struct index_walk w;
	struct index_view v;
	unsigned char buf[4096];
	uint64_t offset;
	enum ak_err err = index_seek(&s->ring.local, ORDER_REST, id, &offset);

	if (err != AK_OK)
		return err;
	index_walk_start(&s->ring.local, ORDER_REST, offset, &w);
	while ((err = index_walk_next(&s->ring.local, &w, buf, sizeof(buf), &v)) == AK_OK &&
	       v.number == id)
		*given |= v.keys[1] == RECORD_ROLE_GROUP;
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

enum ak_err
store_id_given(const struct store *s, uint32_t id, bool *given)
{
	uint32_t high =
	    s->extra.uid_high > s->extra.gid_high ? s->extra.uid_high : s->extra.gid_high;
	bool spent;
	enum ak_err err;

	*given = false;
	/* Ids are counted up: where the directory's lie above all, as they do, nothing is asked. */
	if (s->ring.local.fd == -1 || id > high)
		return AK_OK;
	err = store_uid_state(s, id, &spent);
	*given = err == AK_ERR_EXISTS;
	return err == AK_OK ? find_role_gid(s, id, given) : *given ? AK_OK : err;
}

enum ak_err
store_check_elsewhere(const struct store *s, uint32_t id)
{
	const struct store_hooks *h = &s->opt.hooks;

	return h->check_id == NULL ? AK_OK : h->check_id(h->ctx, id);
}

enum ak_err
store_say_unknown(enum ak_err err, uint32_t id, struct diag *why)
{
	return diag_because(why, err,
	    "it can't be told whether id %u is another user's or group's on this host: the "
	    "name service fails; see that its sources answer (`getent passwd %u`), and try "
	    "again",
	    id, id);
}

enum ak_err
store_next_uid(struct store *s, struct id_range range, uint32_t *uid, struct diag *why)
{
	uint32_t next = s->extra.uid_high >= range.min ? s->extra.uid_high + 1 : range.min;
	bool spent;
	enum ak_err err;

	/* The last one ends processes (ending.h), and is nobody's. */
	for (; next >= range.min && next < range.max; next++) {
		err = store_uid_state(s, next, &spent);
		if (err != AK_OK && err != AK_ERR_EXISTS)
			return err;
		if (err == AK_ERR_EXISTS || id_is_reserved(next))
			continue;
		if ((err = store_check_elsewhere(s, next)) == AK_OK) {
			s->extra.uid_high = *uid = next;
			return AK_OK;
		}
		if (err != AK_ERR_EXISTS)
			return store_say_unknown(err, next, why);
	}
	return AK_ERR_FULL;
}

enum ak_err
store_check_uid(const struct store *s, struct id_range range, uint32_t uid, struct diag *why)
{
	bool spent;
	enum ak_err err;

	if (!id_range_has(range, uid) || id_is_reserved(uid))
		return diag_because(why, AK_ERR_INVALID, "uid %u is outside uid_range %u-%u",
		    uid, range.min, range.max);
	if (uid == range.max)
		return diag_because(why, AK_ERR_INVALID,
		    "uid %u is the last of uid_range: the processes of a key that is revoked "
		    "are ended by way of it, so it is no key's",
		    uid);
	if ((err = store_uid_state(s, uid, &spent)) == AK_ERR_EXISTS)
		return diag_because(why, err, "uid %u %s", uid,
		    spent ? "was a deleted key's and is never given again" : "is another key's");
	if (err != AK_OK)
		return diag_say(why, err, s->paths.local, 0, 0, "%s", ak_strerror(err));
	if ((err = store_check_elsewhere(s, uid)) == AK_ERR_EXISTS)
		return diag_because(
		    why, err, "uid %u is another user's or group's on this host", uid);
	return err == AK_OK ? err : store_say_unknown(err, uid, why);
}

static enum ak_err
stored_gid(const struct store *s, struct record_key by, uint32_t *gid)
{
	const struct staged *st = staged_find(&s->staged, by);
	struct index_record r;
	struct role_gid found;
	enum ak_err err;

	if (st != NULL) {
		*gid = st->number;
		return AK_OK;
	}
	if (s->ring.local.fd == -1)
		return AK_ERR_NOT_FOUND;
	if ((err = index_find(&s->ring.local, by.bytes, by.len_b, &r)) != AK_OK)
		return err;
	err = role_gid_unpack(r.view.value, r.view.value_len_b, &found);
	*gid = found.gid;
	index_record_clear(&r);
	return err;
}

enum ak_err
store_role_gid(
    struct store *s, const char *group, struct id_range range, uint32_t *gid, struct diag *why)
{
	struct record_key by = record_key_text(RECORD_ROLE_GROUP, group);
	struct staged st = {.order = ORDER_REST, .keys[0] = by, .n_keys = 1};
	struct role_gid rg = {.group = group};
	struct pack value = PACK_INIT;
	enum ak_err err = stored_gid(s, by, gid);

	if (err != AK_ERR_NOT_FOUND)
		return err;
	rg.gid = s->extra.gid_high >= range.min ? s->extra.gid_high + 1 : range.min;
	for (err = AK_ERR_EXISTS; rg.gid >= range.min && rg.gid <= range.max; rg.gid++)
		if ((err = store_check_elsewhere(s, rg.gid)) != AK_ERR_EXISTS)
			break;
	if (err == AK_ERR_EXISTS)
		return AK_ERR_FULL;
	if (err != AK_OK)
		return store_say_unknown(err, rg.gid, why);
	s->extra.gid_high = *gid = st.number = rg.gid;
	role_gid_pack(&rg, &value);
	return staged_put(&s->staged, st, &value);
}
