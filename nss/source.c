#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "freshness.h"
#include "keyring.h"

enum ak_err
source_open(const struct nss_source *src, struct nss_file *out)
{
	enum ak_err err = index_open(src->path, src->owner, &out->ix);

	if (err == AK_OK) {
		err = users_extra_unpack(out->ix.head.extra, &out->extra);
		if (err != AK_OK)
			index_close(&out->ix);
	}
	return err;
}

void
source_close(struct nss_file *f)
{
	index_close(&f->ix);
}

/* index_view_has_key with the tag apart: a list checks two keys a user, and making them costs more than this. */
static bool
has_key(const struct index_view *v, enum record_tag tag, const void *bytes, size_t len_b)
{
	const unsigned char *at = v->keys;

	for (unsigned i = 0; i < v->n_keys; i++, at += 1 + *at)
		if (*at == 1 + len_b && at[1] == (unsigned char)tag &&
		    memcmp(at + 2, bytes, len_b) == 0)
			return true;
	return false;
}

static bool
has_id(const struct index_view *v, enum record_tag tag, uint32_t id)
{
	unsigned char bytes[4];

	le32_store(bytes, id);
	return v->number == id && has_key(v, tag, bytes, sizeof(bytes));
}

enum ak_err
source_user(const struct users_extra *extra, const struct index_view *v, struct user_record *out)
{
	enum ak_err err = user_record_unpack(v->value, v->value_len_b, out);

	if (err != AK_OK)
		return err;
	if (v->order != ORDER_USERS || v->n_keys != 2 || !has_id(v, RECORD_UID, out->uid) ||
	    !has_key(v, RECORD_NAME, out->name, strlen(out->name)) ||
	    !users_extra_has_uid(extra, out->uid))
		return AK_ERR_CORRUPT;
	if (!text_is_passwd_field(out->gecos) || !text_is_passwd_field(out->home) ||
	    !text_is_passwd_field(out->shell))
		return AK_ERR_CORRUPT;
	return AK_OK;
}

enum ak_err
source_group(const struct index_view *v, struct group_record *out)
{
	enum ak_err err = group_record_unpack(v->value, v->value_len_b, out);

	if (err != AK_OK)
		return err;
	if (v->order != ORDER_GROUPS || v->n_keys != 2 || !has_id(v, RECORD_GID, out->gid) ||
	    !has_key(v, RECORD_GROUP_NAME, out->name, strlen(out->name)) ||
	    !source_gid_is_fit(out->gid))
		return AK_ERR_CORRUPT;
	return AK_OK;
}

bool
source_directory_is_fresh(const struct nss_source *src, int64_t built_at)
{
	struct timespec now;
	struct freshness f;

	if (clock_gettime(CLOCK_REALTIME, &now) == -1 ||
	    built_at > now.tv_sec + KEYRING_CLOCK_SLACK_S)
		return false;
	/* On failure it is stale by itself. */
	(void)!freshness_read(src->freshness, src->owner, &f);
	return !freshness_is_stale(&f, now.tv_sec);
}

struct group_record
source_own_group(const struct user_record *u)
{
	return (struct group_record){.gid = u->uid, .name = u->name, .members = STRV_EMPTY};
}

bool
source_gid_is_fit(uint32_t gid)
{
	return gid != 0 && gid != UINT32_MAX;
}

void
source_release(struct index_record *r)
{
	free(r->large);
	r->large = NULL;
}
