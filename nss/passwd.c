#include "passwd.h"

#include "status.h"

/* uid: what was asked for; only those in the file's ranges are worth a look. NULL: it was a name. */
static enum ak_err
find(const struct nss_source *src, struct record_key key, const uid_t *uid,
    struct place_room room, struct passwd *out)
{
	struct nss_file file;
	struct index_record rec;
	struct user_record user;
	enum ak_err err;

	if ((err = source_open(src, &file)) != AK_OK)
		return err;
	if (uid != NULL && !users_extra_has_uid(&file.extra, *uid))
		err = AK_ERR_NOT_FOUND;
	else
		err = index_find(&file.ix, key.bytes, key.len_b, &rec);
	if (err == AK_OK) {
		err = source_user(&file.extra, &rec.view, &user);
		if (err == AK_OK)
			err = place_passwd(&user, room, out);
		source_release(&rec);
	}
	source_close(&file);
	return err;
}

enum nss_status
passwd_by_name(const struct nss_source *src, const char *name, struct place_room room,
    struct passwd *out, int *errnop)
{
	int caller_errno = status_begin();
	enum ak_err err = AK_ERR_NOT_FOUND;

	if (name != NULL && text_is_key_name(name))
		err = find(src, record_key_text(RECORD_NAME, name), NULL, room, out);
	return status_end(caller_errno, err, errnop);
}

enum nss_status
passwd_by_uid(const struct nss_source *src, uid_t uid, struct place_room room,
    struct passwd *out, int *errnop)
{
	int caller_errno = status_begin();
	enum ak_err err = AK_ERR_NOT_FOUND;

	if (!id_is_reserved(uid))
		err = find(src, record_key_number(RECORD_UID, uid), &uid, room, out);
	return status_end(caller_errno, err, errnop);
}

static enum ak_err
next(const struct nss_source *src, struct walk *w, struct place_room room, struct passwd *out)
{
	struct walk_item item;
	struct user_record user;
	enum ak_err err;

	if ((err = walk_peek(w, src, ORDER_USERS, room.cap_b, &item)) != AK_OK)
		return err;
	err = source_user(&w->extra, &item.view, &user);
	if (err == AK_OK)
		err = place_passwd(&user, room, out);
	if (err == AK_OK)
		walk_step(w, &item);
	walk_release(&item);
	return err;
}

enum nss_status
passwd_next(const struct nss_source *src, struct walk *w, struct place_room room,
    struct passwd *out, int *errnop)
{
	int caller_errno = status_begin();

	return status_end(caller_errno, next(src, w, room, out), errnop);
}
