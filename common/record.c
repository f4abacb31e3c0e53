#include "record.h"

#include <string.h>

struct record_key
record_key_text(enum record_tag tag, const char *text)
{
	struct record_key k = {.len_b = 0};
	size_t len = strlen(text);

	if (len == 0 || len >= sizeof(k.bytes))
		return k;
	k.bytes[0] = (unsigned char)tag;
	memcpy(k.bytes + 1, text, len);
	k.len_b = 1 + len;
	return k;
}

struct record_key
record_key_number(enum record_tag tag, uint32_t number)
{
	struct record_key k = {.len_b = 5};

	k.bytes[0] = (unsigned char)tag;
	le32_store(k.bytes + 1, number);
	return k;
}

/* The first byte of each value: what it is, and in which version of its shape. */
enum shape {
	SHAPE_KEY = 1,
	SHAPE_SPENT_UID = 2,
	SHAPE_ROLE_GID = 3,
	SHAPE_USER = 4,
	SHAPE_GROUP = 5,
};

/* Nothing left over, nothing missing. */
static enum ak_err
ended(const struct unpack *u)
{
	return u->bad || u->left_b != 0 ? AK_ERR_CORRUPT : AK_OK;
}

static void
secret_pack(const struct key_secret *s, struct pack *out)
{
	pack_u32(out, s->number);
	pack_bytes(out, s->salt, sizeof(s->salt));
	pack_bytes(out, s->digest, sizeof(s->digest));
	pack_u64(out, (uint64_t)s->created_at);
	pack_u64(out, (uint64_t)s->not_after);
}

static void
secret_unpack(struct unpack *u, struct key_secret *out)
{
	const void *salt, *digest;

	out->number = unpack_u32(u);
	salt = unpack_bytes(u, sizeof(out->salt));
	digest = unpack_bytes(u, sizeof(out->digest));
	out->created_at = (int64_t)unpack_u64(u);
	out->not_after = (int64_t)unpack_u64(u);
	if (u->bad || out->number == 0) {
		u->bad = true;
		return;
	}
	memcpy(out->salt, salt, sizeof(out->salt));
	memcpy(out->digest, digest, sizeof(out->digest));
}

void
key_record_pack(const struct key_record *k, struct pack *out)
{
	if (k->n_secrets > KEY_SECRETS_MAX && out->err == AK_OK)
		out->err = AK_ERR_INVALID;
	if (out->err != AK_OK)
		return;
	pack_u8(out, SHAPE_KEY);
	pack_str(out, k->name);
	pack_str(out, k->id);
	pack_u32(out, k->uid);
	pack_u8(out, (uint8_t)k->state);
	pack_u8(out, (uint8_t)k->n_secrets);
	for (unsigned i = 0; i < k->n_secrets; i++)
		secret_pack(&k->secrets[i], out);
	pack_u64(out, (uint64_t)k->created_at);
	pack_u64(out, (uint64_t)k->not_before);
	pack_u64(out, (uint64_t)k->expires_at);
	pack_str(out, k->created_by);
	pack_str(out, k->description);
	pack_str(out, k->owner);
	pack_str(out, k->home);
	pack_str(out, k->shell);
	pack_strv(out, k->bindings);
	pack_strv(out, k->groups);
	pack_strv(out, k->from);
}

static void
identity_unpack(struct unpack *u, struct key_record *out)
{
	const char *name = unpack_str(u), *id = unpack_str(u);

	if (!text_is_key_name(name) || strlen(id) != KEY_ID_LEN ||
	    text_copy(out->name, sizeof(out->name), name) != AK_OK ||
	    text_copy(out->id, sizeof(out->id), id) != AK_OK)
		u->bad = true;
	out->uid = unpack_u32(u);
	if (id_is_reserved(out->uid))
		u->bad = true;
}

enum ak_err
key_record_unpack(const void *bytes, size_t len_b, struct key_record *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u), state;

	*out = KEY_RECORD_INIT;
	identity_unpack(&u, out);
	state = unpack_u8(&u);
	out->n_secrets = unpack_u8(&u);
	if (shape != SHAPE_KEY || (state != KEY_ACTIVE && state != KEY_DISABLED) ||
	    out->n_secrets > KEY_SECRETS_MAX) {
		*out = KEY_RECORD_INIT;
		return AK_ERR_CORRUPT;
	}
	out->state = state;
	for (unsigned i = 0; i < out->n_secrets; i++)
		secret_unpack(&u, &out->secrets[i]);
	out->created_at = (int64_t)unpack_u64(&u);
	out->not_before = (int64_t)unpack_u64(&u);
	out->expires_at = (int64_t)unpack_u64(&u);
	out->created_by = unpack_str(&u);
	out->description = unpack_str(&u);
	out->owner = unpack_str(&u);
	out->home = unpack_str(&u);
	out->shell = unpack_str(&u);
	out->bindings = unpack_strv(&u);
	out->groups = unpack_strv(&u);
	out->from = unpack_strv(&u);
	if (ended(&u) != AK_OK) {
		*out = KEY_RECORD_INIT;
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

void
key_record_clear(struct key_record *k)
{
	explicit_bzero(k->secrets, sizeof(k->secrets));
	*k = KEY_RECORD_INIT;
}

void
spent_uid_pack(const struct spent_uid *s, struct pack *out)
{
	pack_u8(out, SHAPE_SPENT_UID);
	pack_u32(out, s->uid);
	pack_u64(out, (uint64_t)s->deleted_at);
	pack_str(out, s->name);
	pack_str(out, s->id);
}

enum ak_err
spent_uid_unpack(const void *bytes, size_t len_b, struct spent_uid *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u);

	out->uid = unpack_u32(&u);
	out->deleted_at = (int64_t)unpack_u64(&u);
	out->name = unpack_str(&u);
	out->id = unpack_str(&u);
	if (shape != SHAPE_SPENT_UID || ended(&u) != AK_OK || !text_is_key_name(out->name) ||
	    strlen(out->id) != KEY_ID_LEN || id_is_reserved(out->uid)) {
		*out = (struct spent_uid){.name = "", .id = ""};
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

void
role_gid_pack(const struct role_gid *g, struct pack *out)
{
	pack_u8(out, SHAPE_ROLE_GID);
	pack_u32(out, g->gid);
	pack_str(out, g->group);
}

enum ak_err
role_gid_unpack(const void *bytes, size_t len_b, struct role_gid *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u);

	out->gid = unpack_u32(&u);
	out->group = unpack_str(&u);
	if (shape != SHAPE_ROLE_GID || ended(&u) != AK_OK || !text_is_group_name(out->group) ||
	    id_is_reserved(out->gid)) {
		*out = (struct role_gid){.group = ""};
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

void
user_record_pack(const struct user_record *r, struct pack *out)
{
	pack_u8(out, SHAPE_USER);
	pack_u32(out, r->uid);
	pack_str(out, r->name);
	pack_str(out, r->gecos);
	pack_str(out, r->home);
	pack_str(out, r->shell);
	pack_u32(out, r->n_gids);
	pack_u32(out, r->n_marked);
	pack_bytes(out, r->gids, (size_t)r->n_gids * 4);
}

enum ak_err
user_record_unpack(const void *bytes, size_t len_b, struct user_record *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u);

	out->uid = unpack_u32(&u);
	out->name = unpack_str(&u);
	out->gecos = unpack_str(&u);
	out->home = unpack_str(&u);
	out->shell = unpack_str(&u);
	out->n_gids = unpack_u32(&u);
	out->n_marked = unpack_u32(&u);
	if (out->n_gids > u.left_b / 4 || out->n_marked > out->n_gids)
		u.bad = true;
	out->gids = unpack_bytes(&u, (size_t)out->n_gids * 4);
	if (shape != SHAPE_USER || ended(&u) != AK_OK || !text_is_key_name(out->name) ||
	    id_is_reserved(out->uid)) {
		*out = (struct user_record){.name = "", .gecos = "", .home = "", .shell = ""};
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

void
group_record_pack(const struct group_record *r, struct pack *out)
{
	pack_u8(out, SHAPE_GROUP);
	pack_u32(out, r->gid);
	pack_str(out, r->name);
	pack_strv(out, r->members);
	pack_strv(out, r->marked);
}

enum ak_err
group_record_unpack(const void *bytes, size_t len_b, struct group_record *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t shape = unpack_u8(&u);

	out->gid = unpack_u32(&u);
	out->name = unpack_str(&u);
	out->members = unpack_strv(&u);
	out->marked = unpack_strv(&u);
	/* A local group's gid may be any but root's: a root-equivalent role hands out sudo's. */
	if (shape != SHAPE_GROUP || ended(&u) != AK_OK || !text_is_group_name(out->name) ||
	    out->gid == 0 || out->gid == UINT32_MAX) {
		*out = (struct group_record){.name = ""};
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

/* systemd's table of uids, with what Debian's base-passwd, subuid and (uid_t)-1 take. */
static const struct id_range reserved[] = {
    {0, 999},
    {60001, 60513},
    {61184, 65519},
    {65534, 65535},
    {524288, 1879048191},
    {2147483648U, UINT32_MAX},
};

#define N_RESERVED (sizeof(reserved) / sizeof(reserved[0]))

bool
id_range_has(struct id_range r, uint32_t id)
{
	return r.max != 0 && id >= r.min && id <= r.max;
}

bool
id_is_reserved(uint32_t id)
{
	for (size_t i = 0; i < N_RESERVED; i++)
		if (id >= reserved[i].min && id <= reserved[i].max)
			return true;
	return false;
}

bool
id_range_reserved(struct id_range r, uint32_t *first)
{
	for (size_t i = 0; i < N_RESERVED; i++)
		if (r.min <= reserved[i].max && r.max >= reserved[i].min) {
			*first = r.min > reserved[i].min ? r.min : reserved[i].min;
			return true;
		}
	return false;
}

/* Both extras are numbers in fixed places; what is not used is zero. */

void
local_extra_pack(const struct local_extra *e, unsigned char out[INDEX_EXTRA_B])
{
	memset(out, 0, INDEX_EXTRA_B);
	le32_store(out, e->uid_high);
	le32_store(out + 4, e->gid_high);
}

void
local_extra_unpack(const unsigned char in[INDEX_EXTRA_B], struct local_extra *out)
{
	out->uid_high = le32_load(in);
	out->gid_high = le32_load(in + 4);
}

static void
source_store(unsigned char *at, struct source_id id)
{
	le64_store(at, id.generation);
	le64_store(at + 8, id.id);
}

static struct source_id
source_load(const unsigned char *at)
{
	return (struct source_id){le64_load(at), le64_load(at + 8)};
}

void
users_extra_pack(const struct users_extra *e, unsigned char out[INDEX_EXTRA_B])
{
	memset(out, 0, INDEX_EXTRA_B);
	le32_store(out, e->uids.min);
	le32_store(out + 4, e->uids.max);
	le32_store(out + 8, e->gids.min);
	le32_store(out + 12, e->gids.max);
	le32_store(out + 16, e->directory_uids.min);
	le32_store(out + 20, e->directory_uids.max);
	out[24] = e->enumerate ? 1 : 0;
	le32_store(out + 28, e->uid_high);
	le32_store(out + 32, e->gid_high);
	source_store(out + 40, e->local);
	le64_store(out + 56, e->policy);
	le64_store(out + 64, e->config);
	le64_store(out + 72, e->group);
	source_store(out + 80, e->directory_keys);
	source_store(out + 96, e->directory_groups);
}

static bool
range_is_sound(struct id_range r)
{
	uint32_t first;

	return r.min <= r.max && !id_range_reserved(r, &first);
}

/* A uid says which file its key lies in. */
static bool
directory_range_is_sound(struct id_range directory, struct id_range local)
{
	return directory.max == 0 ||
	       (range_is_sound(directory) &&
		   (directory.max < local.min || local.max < directory.min));
}

enum ak_err
users_extra_unpack(const unsigned char in[INDEX_EXTRA_B], struct users_extra *out)
{
	*out = (struct users_extra){
	    .uids = {le32_load(in), le32_load(in + 4)},
	    .gids = {le32_load(in + 8), le32_load(in + 12)},
	    .directory_uids = {le32_load(in + 16), le32_load(in + 20)},
	    .enumerate = in[24] != 0,
	    .uid_high = le32_load(in + 28),
	    .gid_high = le32_load(in + 32),
	    .local = source_load(in + 40),
	    .policy = le64_load(in + 56),
	    .config = le64_load(in + 64),
	    .group = le64_load(in + 72),
	    .directory_keys = source_load(in + 80),
	    .directory_groups = source_load(in + 96),
	};
	/* A range that took in root would make every local account ours. */
	if (!range_is_sound(out->uids) || (out->gids.max != 0 && !range_is_sound(out->gids)) ||
	    !directory_range_is_sound(out->directory_uids, out->uids)) {
		*out = (struct users_extra){.enumerate = false};
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

bool
users_extra_has_uid(const struct users_extra *e, uint32_t uid)
{
	return id_range_has(e->uids, uid) || id_range_has(e->directory_uids, uid);
}
