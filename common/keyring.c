#include "keyring.h"

#include <string.h>

/* An older copy of local.idx would bring back what was revoked since. */
static enum ak_err
open_local(const struct paths *p, struct keyring *k)
{
	enum ak_err err = index_open(p->local, p->owner, &k->local);

	if (err != AK_OK)
		return err;
	k->local_now = (struct source_id){k->local.head.generation, k->local.head.id};
	if (k->local.head.built_at > k->stamp)
		k->stamp = k->local.head.built_at;
	if (k->local_now.generation < k->users.local.generation) {
		index_close(&k->local);
		return AK_ERR_ROLLBACK;
	}
	return AK_OK;
}

enum ak_err
keyring_open(const struct paths *p, struct keyring *out)
{
	struct index users;
	enum ak_err err;

	*out = KEYRING_INIT;
	if ((err = index_open(p->users, p->owner, &users)) != AK_OK)
		return err;
	err = users_extra_unpack(users.head.extra, &out->users);
	out->stamp = users.head.built_at;
	index_close(&users);
	if (err == AK_OK)
		out->local_err = open_local(p, out);
	return err;
}

void
keyring_close(struct keyring *k)
{
	index_close(&k->local);
	*k = KEYRING_INIT;
}

bool
keyring_is_published(const struct keyring *k)
{
	return k->local_err == AK_OK && k->local_now.generation == k->users.local.generation &&
	       k->local_now.id == k->users.local.id;
}

bool
keyring_time_undefined(const struct keyring *k, int64_t now)
{
	return k->stamp > now && k->stamp - now > KEYRING_CLOCK_SLACK_S;
}

void
key_clear(struct key *k)
{
	key_record_clear(&k->rec);
	index_record_clear(&k->raw);
}

enum ak_err
keyring_find(const struct keyring *k, struct record_key by, struct key *out)
{
	enum ak_err err;

	out->rec = KEY_RECORD_INIT;
	if (k->local_err != AK_OK)
		return k->local_err;
	if ((err = index_find(&k->local, by.bytes, by.len_b, &out->raw)) != AK_OK)
		return err;
	err = key_record_unpack(out->raw.view.value, out->raw.view.value_len_b, &out->rec);
	if (err != AK_OK)
		key_clear(out);
	return err;
}

/* What was asked for is what the record says of itself: an index entry alone gives nobody a name. */
enum ak_err
keyring_find_name(const struct keyring *k, const char *name, struct key *out)
{
	enum ak_err err = keyring_find(k, record_key_text(RECORD_NAME, name), out);

	if (err == AK_OK && strcmp(out->rec.name, name) != 0) {
		key_clear(out);
		return AK_ERR_CORRUPT;
	}
	return err;
}

enum ak_err
keyring_find_uid(const struct keyring *k, uint32_t uid, struct key *out)
{
	enum ak_err err = keyring_find(k, record_key_number(RECORD_UID, uid), out);

	if (err == AK_OK && out->rec.uid != uid) {
		key_clear(out);
		return AK_ERR_CORRUPT;
	}
	return err;
}

enum ak_err
keyring_find_id(const struct keyring *k, const char *id, struct key *out)
{
	enum ak_err err = keyring_find(k, record_key_text(RECORD_ID, id), out);

	if (err == AK_OK && strcmp(out->rec.id, id) != 0) {
		key_clear(out);
		return AK_ERR_CORRUPT;
	}
	return err;
}

enum ak_err
keyring_find_gid(const struct paths *p, const char *group, uint32_t *gid)
{
	struct record_key by = record_key_text(RECORD_GROUP_NAME, group);
	struct group_record found;
	struct index_record r;
	struct index users;
	enum ak_err err;

	if ((err = index_open(p->users, p->owner, &users)) != AK_OK)
		return err;
	err = index_find(&users, by.bytes, by.len_b, &r);
	if (err == AK_OK) {
		err = group_record_unpack(r.view.value, r.view.value_len_b, &found);
		if (err == AK_OK)
			*gid = found.gid;
		index_record_clear(&r);
	}
	index_close(&users);
	return err;
}
