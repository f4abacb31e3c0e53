#include "keyring.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "directory.h"
#include "freshness.h"

static void
stamp(struct keyring *k, const struct index *ix)
{
	if (ix->head.built_at > k->stamp)
		k->stamp = ix->head.built_at;
}

/* An older copy of local.idx would bring back what was revoked since. */
static enum ak_err
open_local(const struct paths *p, struct keyring *k)
{
	enum ak_err err = index_open(p->local, p->owner, &k->local);

	if (err != AK_OK)
		return err;
	k->local_now = (struct source_id){k->local.head.generation, k->local.head.id};
	stamp(k, &k->local);
	if (k->local_now.generation < k->users.local.generation) {
		index_close(&k->local);
		return AK_ERR_ROLLBACK;
	}
	return AK_OK;
}

/* Only where users.idx says that keys may come from there. */
static enum ak_err
open_directory(const struct paths *p, struct keyring *k)
{
	/* Its stamp is no one's: users.idx is made from it, by the same clock, and can be stamped anew. */
	if (k->users.directory_uids.max == 0)
		return AK_ERR_NOT_FOUND;
	return index_open(p->directory_keys, p->owner, &k->directory);
}

enum ak_err
keyring_open(const struct paths *p, struct keyring *out)
{
	enum ak_err err;

	*out = KEYRING_INIT;
	if ((err = index_open(p->users, p->owner, &out->users_file)) != AK_OK)
		return err;
	err = users_extra_unpack(out->users_file.head.extra, &out->users);
	out->stamp = out->users_file.head.built_at;
	if (err != AK_OK) {
		keyring_close(out);
		return err;
	}
	out->local_err = open_local(p, out);
	out->directory_err = open_directory(p, out);
	return AK_OK;
}

void
keyring_close(struct keyring *k)
{
	index_close(&k->local);
	index_close(&k->directory);
	index_close(&k->users_file);
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

static enum ak_err
find_in(const struct index *ix, struct record_key by, struct key *out)
{
	enum ak_err err;

	if ((err = index_find(ix, by.bytes, by.len_b, &out->raw)) != AK_OK)
		return err;
	err = key_record_unpack(out->raw.view.value, out->raw.view.value_len_b, &out->rec);
	if (err != AK_OK)
		key_clear(out);
	return err;
}

static enum ak_err
find_local(const struct keyring *k, struct record_key by, struct key *out)
{
	return k->local_err == AK_OK ? find_in(&k->local, by, out) : k->local_err;
}

/* Where local.idx can't be read, users.idx still gives a name to one key alone. */
static enum ak_err
check_name(const struct keyring *k, const char *name)
{
	struct record_key by = record_key_text(RECORD_NAME, name);
	struct index_record local;
	enum ak_err err;

	if (k->local_err != AK_OK)
		return AK_OK;
	err = index_find(&k->local, by.bytes, by.len_b, &local);
	if (err == AK_ERR_NOT_FOUND)
		return AK_OK;
	if (err == AK_OK)
		index_record_clear(&local);
	return err == AK_OK ? AK_ERR_NOT_FOUND : err;
}

static enum ak_err
find_in_directory(const struct keyring *k, struct record_key by, struct key *out)
{
	enum ak_err err;

	if (k->directory_err != AK_OK)
		return k->directory_err;
	if ((err = find_in(&k->directory, by, out)) != AK_OK)
		return err;
	if (!id_range_has(k->users.directory_uids, out->rec.uid))
		err = AK_ERR_CORRUPT;
	else
		err = check_name(k, out->rec.name);
	out->directory = true;
	if (err != AK_OK)
		key_clear(out);
	return err;
}

enum ak_err
keyring_find(const struct keyring *k, struct record_key by, struct key *out)
{
	bool by_uid = by.len_b == 5 && by.bytes[0] == RECORD_UID;
	enum ak_err local, directory;

	out->rec = KEY_RECORD_INIT;
	out->directory = false;
	if (by_uid && id_range_has(k->users.directory_uids, le32_load(by.bytes + 1)))
		return find_in_directory(k, by, out);
	local = find_local(k, by, out);
	if (by_uid || local == AK_OK)
		return local;
	directory = find_in_directory(k, by, out);
	if (directory == AK_OK || local == AK_ERR_NOT_FOUND)
		return directory;
	out->directory = false;
	return local;
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

/*
 * A group's gid and name, which its record has as keys: its members, of whom
 * there may be a million, are nobody's question. A value that was read at no
 * cost must say the same.
 */
static enum ak_err
group_of_keys(const struct index_view *v, uint32_t *gid, char name[KEY_NAME_MAX + 1])
{
	size_t gid_len_b = 0, name_len_b = 0;
	const unsigned char *number = index_view_key_borrow(v, RECORD_GID, &gid_len_b);
	const unsigned char *text = index_view_key_borrow(v, RECORD_GROUP_NAME, &name_len_b);
	struct group_record g;
	enum ak_err err;

	if (number == NULL || gid_len_b != 4 || text == NULL || name_len_b > KEY_NAME_MAX)
		return AK_ERR_CORRUPT;
	memcpy(name, text, name_len_b);
	name[name_len_b] = '\0';
	*gid = le32_load(number);
	if (strlen(name) != name_len_b || !text_is_group_name(name) || *gid == 0 ||
	    *gid == UINT32_MAX)
		return AK_ERR_CORRUPT;
	if (v->value == NULL)
		return AK_OK;
	err = group_record_unpack(v->value, v->value_len_b, &g);
	return err == AK_OK && (g.gid != *gid || strcmp(g.name, name) != 0) ? AK_ERR_CORRUPT
									    : err;
}

enum ak_err
keyring_find_gid_in(const struct index *users, const char *group, uint32_t *gid)
{
	struct record_key by = record_key_text(RECORD_GROUP_NAME, group);
	char name[KEY_NAME_MAX + 1];
	struct index_record r;
	uint32_t found = 0;
	enum ak_err err;

	if ((err = index_find_keys(users, by.bytes, by.len_b, &r)) != AK_OK)
		return err;
	err = group_of_keys(&r.view, &found, name);
	if (err == AK_OK && strcmp(name, group) != 0)
		err = AK_ERR_CORRUPT;
	if (err == AK_OK)
		*gid = found;
	index_record_clear(&r);
	return err;
}

enum ak_err
keyring_find_gid(const struct paths *p, const char *group, uint32_t *gid)
{
	struct index users;
	enum ak_err err;

	if ((err = index_open(p->users, p->owner, &users)) != AK_OK)
		return err;
	err = keyring_find_gid_in(&users, group, gid);
	index_close(&users);
	return err;
}

/* As the name service has it: nss/source.c. */
static bool
directory_is_stale(const struct paths *p, int64_t built_at, int64_t now)
{
	struct freshness f;

	/* On failure it is stale by itself. */
	(void)!freshness_read(p->freshness, p->owner, &f);
	return built_at > now + KEYRING_CLOCK_SLACK_S || freshness_is_stale(&f, now);
}

static enum ak_err
take_group(const struct index *users, uint32_t gid,
    enum ak_err (*take)(void *ctx, uint32_t gid, const char *name), void *ctx)
{
	struct record_key by = record_key_number(RECORD_GID, gid);
	struct index_record raw;
	char name[KEY_NAME_MAX + 1];
	uint32_t found = 0;
	enum ak_err err = index_find_keys(users, by.bytes, by.len_b, &raw);

	if (err == AK_ERR_NOT_FOUND)
		return take(ctx, gid, "");
	if (err != AK_OK)
		return err;
	err = group_of_keys(&raw.view, &found, name);
	if (err == AK_OK)
		err = found == gid ? take(ctx, gid, name) : AK_ERR_CORRUPT;
	index_record_clear(&raw);
	return err;
}

enum ak_err
keyring_user_groups(const struct index *users, const struct paths *p, uint32_t uid, int64_t now,
    enum ak_err (*take)(void *ctx, uint32_t gid, const char *name), void *ctx)
{
	struct record_key by = record_key_number(RECORD_UID, uid);
	struct index_record raw;
	struct user_record u;
	uint32_t n;
	enum ak_err err;

	if ((err = index_find(users, by.bytes, by.len_b, &raw)) != AK_OK)
		return err;
	err = user_record_unpack(raw.view.value, raw.view.value_len_b, &u);
	if (err == AK_OK && u.uid != uid)
		err = AK_ERR_CORRUPT;
	n = err == AK_OK ? u.n_gids : 0;
	if (n > 0 && u.n_marked > 0 && directory_is_stale(p, users->head.built_at, now))
		n -= u.n_marked;
	for (uint32_t i = 0; i < n && err == AK_OK; i++)
		err = take_group(users, le32_load(u.gids + 4 * (size_t)i), take, ctx);
	index_record_clear(&raw);
	return err;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

enum ak_err
keyring_membership_in(const struct index *groups, const char *name, struct membership *out)
{
	struct record_key by = record_key_text(RECORD_NAME, name);
	enum ak_err err;

	out->groups = out->bindings = STRV_EMPTY;
	if ((err = index_find(groups, by.bytes, by.len_b, &out->raw)) != AK_OK)
		return err;
	err = membership_unpack(
	    out->raw.view.value, out->raw.view.value_len_b, &out->groups, &out->bindings);
	if (err != AK_OK)
		index_record_clear(&out->raw);
	return err;
}

enum ak_err
keyring_membership(const struct paths *p, const char *name, struct membership *out)
{
	struct index groups;
	enum ak_err err;

	err = index_open(p->directory_groups, p->owner, &groups);
	if (err != AK_OK)
		return err == AK_ERR_UNAVAILABLE && !is_there(p->directory_groups)
			   ? AK_ERR_NOT_FOUND
			   : err;
	err = keyring_membership_in(&groups, name, out);
	index_close(&groups);
	return err;
}

void
membership_clear(struct membership *m)
{
	index_record_clear(&m->raw);
	m->groups = m->bindings = STRV_EMPTY;
}
