#include "store_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

/* More than one loss after another, each kept. */
#define REFUSED_MAX 100U

/* It was a key's: spent, unless it is a key's here or spent already. */
static enum ak_err
spend(struct store *s, uint32_t uid, const char *name, const char *id)
{
	struct key_record gone = KEY_RECORD_INIT;
	bool spent;
	enum ak_err err = store_uid_state(s, uid, &spent);

	if (err != AK_OK)
		return err == AK_ERR_EXISTS ? AK_OK : err;
	gone.uid = uid;
	(void)!text_copy(gone.name, sizeof(gone.name), name);
	(void)!text_copy(gone.id, sizeof(gone.id), id);
	return store_remove(s, &gone, s->ring.stamp);
}

static enum ak_err
spend_served(void *ctx, const struct index_view *v)
{
	struct store *s = ctx;
	struct user_record u;
	enum ak_err err = user_record_unpack(v->value, v->value_len_b, &u);

	if (err != AK_OK || !id_range_has(s->ring.users.uids, u.uid))
		return err;
	return spend(s, u.uid, u.name, "0000000000"); /* no key has this one */
}

static enum ak_err
spend_previous(void *ctx, const struct index_view *v)
{
	struct key_record k;
	enum ak_err err = key_record_unpack(v->value, v->value_len_b, &k);

	if (err == AK_OK) {
		err = spend(ctx, k.uid, k.name, k.id);
		key_record_clear(&k);
	}
	return err;
}

static enum ak_err
spend_spent(void *ctx, const struct index_view *v)
{
	struct spent_uid gone;
	enum ak_err err;

	if (v->n_keys == 0 || v->keys[1] != RECORD_SPENT_UID)
		return AK_OK;
	err = spent_uid_unpack(v->value, v->value_len_b, &gone);
	return err == AK_OK ? spend(ctx, gone.uid, gone.name, gone.id) : err;
}

static enum ak_err
walk(struct store *s, const struct index *ix, unsigned order,
    enum ak_err (*take)(void *ctx, const struct index_view *v))
{
	struct index_mapping kept = INDEX_MAPPING_INIT;
	enum ak_err err = index_each(ix, order, take, s, &kept);

	index_unmap(&kept);
	return err == AK_ERR_NOMEM ? err : AK_OK;
}

/* Without users.idx, which has the highest ids and who was served, the copy before the last change knows best. */
static enum ak_err
count_on_previous(struct store *s)
{
	char path[PATH_CAP + 8];
	struct text t = text_over(path, sizeof(path));
	struct local_extra high;
	struct index prev;
	enum ak_err err;

	text_add(&t, "%s.prev", s->paths.local);
	if (index_open(path, s->paths.owner, &prev) != AK_OK)
		return AK_OK;
	local_extra_unpack(prev.head.extra, &high);
	if (high.uid_high > s->extra.uid_high)
		s->extra.uid_high = high.uid_high;
	if (high.gid_high > s->extra.gid_high)
		s->extra.gid_high = high.gid_high;
	err = walk(s, &prev, ORDER_KEYS, spend_previous);
	if (err == AK_OK)
		err = walk(s, &prev, ORDER_REST, spend_spent);
	index_close(&prev);
	return err;
}

enum ak_err
store_spend_forgotten(struct store *s)
{
	struct index users;
	enum ak_err err;

	if (!s->have_users)
		return count_on_previous(s);
	if (index_open(s->paths.users, s->paths.owner, &users) != AK_OK)
		return AK_OK;
	err = walk(s, &users, ORDER_USERS, spend_served);
	index_close(&users);
	return err;
}

enum ak_err
store_keep_refused(struct store *s, struct diag *why)
{
	if (!s->opt.accept_rollback || s->ring.local.fd != -1)
		return AK_OK;
	for (unsigned n = 1; n <= REFUSED_MAX; n++) {
		struct text t = text_over(s->kept, sizeof(s->kept));

		text_add(&t, "%s.refused", s->paths.local);
		if (n > 1)
			text_add(&t, ".%u", n);
		if (link(s->paths.local, s->kept) == 0)
			return AK_OK;
		if (errno != EEXIST)
			break;
	}
	if (errno != ENOENT)
		return diag_say(why, AK_ERR_UNAVAILABLE, s->kept, 0, 0,
		    "cannot be made, to keep what is refused: %s", strerror(errno));
	s->kept[0] = '\0'; /* nothing lies there */
	return AK_OK;
}

const char *
store_borrow_kept(const struct store *s)
{
	return s->kept;
}
