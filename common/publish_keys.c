#include "publish_impl.h"

#include <stdlib.h>
#include <string.h>

bool
publish_is_directory_uid(const struct publication *p, uint32_t uid)
{
	return id_range_has(p->extra.directory_uids, uid);
}

enum ak_err
publish_find_old(const struct publication *p, uint32_t uid, struct user_record *out,
    struct index_record *raw)
{
	struct record_key by = record_key_number(RECORD_UID, uid);
	enum ak_err err;

	if (p->old.fd == -1)
		return AK_ERR_NOT_FOUND;
	if ((err = index_find(&p->old, by.bytes, by.len_b, raw)) != AK_OK)
		return err;
	err = user_record_unpack(raw->view.value, raw->view.value_len_b, out);
	if (err != AK_OK)
		index_record_clear(raw);
	return err;
}

static enum ak_err
add_user(struct publication *p, const struct user_record *u)
{
	struct record_key name = record_key_text(RECORD_NAME, u->name);
	struct record_key uid = record_key_number(RECORD_UID, u->uid);
	struct index_key keys[2] = {{name.bytes, name.len_b}, {uid.bytes, uid.len_b}};
	struct pack value = PACK_INIT;
	enum ak_err err;

	user_record_pack(u, &value);
	err = value.err;
	if (err == AK_OK)
		err = index_make_add(
		    p->make, ORDER_USERS, u->uid, keys, 2, value.bytes, value.len_b);
	pack_clear(&value);
	groupset_join(&p->groups, u);
	p->res.users++;
	return err;
}

/* k NULL: a user of whom nothing more is known. */
static enum ak_err
add_with_gids(struct publication *p, struct user_record u, const struct key_record *k)
{
	struct user_gids gids;
	enum ak_err err = publish_find_gids(p, k, &gids);

	u.gids = gids.all.bytes;
	u.n_gids = (uint32_t)(gids.all.len_b / 4);
	u.n_marked = gids.n_marked;
	if (err == AK_OK)
		err = add_user(p, &u);
	pack_clear(&gids.all);
	return err;
}

static const char *
gecos_of(const struct key_record *k)
{
	return k->description[0] != '\0' && text_is_passwd_field(k->description)
		   ? k->description
		   : "API key";
}

static enum ak_err
add_local(void *ctx, const struct key_record *k)
{
	struct publication *p = ctx;
	struct user_record u = {.uid = k->uid,
	    .name = k->name,
	    .gecos = gecos_of(k),
	    .home = k->home,
	    .shell = k->shell};

	if (!id_range_has(p->extra.uids, k->uid))
		return diag_because(p->why, AK_ERR_DENIED,
		    "key `%s' has uid %u, outside uid_range %u-%u: widen it in %s, since an id "
		    "never changes",
		    k->name, k->uid, p->extra.uids.min, p->extra.uids.max,
		    store_borrow_paths(p->store)->config);
	return add_with_gids(p, u, k);
}

/*
 * May a key of the directory be a user here? What exists locally always wins:
 * keys, users, groups and the groups of roles.
 */
static enum ak_err
is_free(struct publication *p, const char *name, uint32_t uid, bool *yes)
{
	struct key local;
	bool given = false;
	enum ak_err err = store_find_name(p->store, name, &local);

	if (err == AK_OK)
		key_clear(&local);
	if (err == AK_ERR_NOT_FOUND && (err = store_id_given(p->store, uid, &given)) == AK_OK)
		err = AK_ERR_NOT_FOUND;
	*yes = err == AK_ERR_NOT_FOUND && !given && publish_is_directory_uid(p, uid) &&
	       !etcfile_set_has_name(&p->taken, name) && !etcfile_set_has_id(&p->taken, uid) &&
	       groupset_find(&p->groups, name) == NULL;
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

/* A pattern has at most 255 bytes, and no part of it grows to more than a name. */
#define HOME_CAP (256 / 2 * (KEY_NAME_MAX + 1))

static enum ak_err
add_from_directory(void *ctx, const struct key_record *k)
{
	struct publication *p = ctx;
	const struct settings *set = &p->live->settings;
	char home[HOME_CAP];
	struct user_record old = {.name = "", .home = "", .shell = ""},
			   u = {.uid = k->uid,
			       .name = k->name,
			       .gecos = gecos_of(k),
			       .home = home,
			       .shell = set->shell};
	struct index_record raw;
	bool has_old = false, free_here;
	enum ak_err err = is_free(p, k->name, k->uid, &free_here);

	if (err != AK_OK || !free_here)
		return err;
	if ((err = settings_expand(set->home, k, home, sizeof(home))) != AK_OK)
		return err;
	/* While apikey.yaml is broken, homes stay where they were. */
	if (!p->live->settings_ok)
		has_old = publish_find_old(p, k->uid, &old, &raw) == AK_OK;
	if (has_old && strcmp(old.name, k->name) == 0) {
		u.home = old.home;
		u.shell = old.shell;
	}
	err = add_with_gids(p, u, k);
	if (has_old)
		index_record_clear(&raw);
	return err;
}

static enum ak_err
keep_lost(void *ctx, const struct index_view *v)
{
	struct publication *p = ctx;
	struct user_record u;
	bool free_here;
	enum ak_err err = user_record_unpack(v->value, v->value_len_b, &u);

	if (err != AK_OK || !publish_is_directory_uid(p, u.uid))
		return err;
	if ((err = is_free(p, u.name, u.uid, &free_here)) != AK_OK || !free_here)
		return err;
	return add_with_gids(p, u, NULL);
}

/* An outage must not make a user unknown to the host; and it gives no groups. */
static enum ak_err
add_lost(struct publication *p)
{
	enum ak_err err;

	if (p->old.fd == -1)
		return AK_OK;
	index_unmap(&p->kept[ORDER_USERS]);
	err = index_each(&p->old, ORDER_USERS, keep_lost, p, &p->kept[ORDER_USERS]);
	return publish_is_damage(err) ? AK_OK : err;
}

static enum ak_err
add_directory(struct publication *p)
{
	enum ak_err err;

	if (p->extra.directory_uids.max == 0)
		return AK_OK;
	if (p->directory_lost)
		return add_lost(p);
	err = store_each_directory(p->store, add_from_directory, p);
	if (publish_is_damage(err))
		p->directory_lost = true;
	return err;
}

/* In the order of uids, so that members of groups are listed as by a change of one key. */
enum ak_err
publish_add_whole(struct publication *p)
{
	bool directory_first = p->extra.directory_uids.max < p->extra.uids.min;
	enum ak_err err = directory_first ? add_directory(p) : AK_OK;

	if (err == AK_OK)
		err = store_each(p->store, add_local, p);
	if (err == AK_OK && !directory_first)
		err = add_directory(p);
	return err;
}

static enum ak_err
find_in_directory(const struct publication *p, struct record_key by, struct key *out)
{
	const struct index *ix = store_borrow_directory_keys(p->store);
	enum ak_err err;

	if (ix->fd == -1)
		return AK_ERR_NOT_FOUND;
	if ((err = index_find(ix, by.bytes, by.len_b, &out->raw)) != AK_OK)
		return err;
	err = key_record_unpack(out->raw.view.value, out->raw.view.value_len_b, &out->rec);
	if (err != AK_OK)
		key_clear(out);
	return err;
}

static enum ak_err
add_one(struct publication *p, uint32_t uid)
{
	bool directory = publish_is_directory_uid(p, uid);
	struct key k;
	enum ak_err err;

	if (directory)
		err = find_in_directory(p, record_key_number(RECORD_UID, uid), &k);
	else
		err = store_find_uid(p->store, uid, &k);
	if (err == AK_ERR_NOT_FOUND) /* deleted */
		return AK_OK;
	if (err != AK_OK)
		return err;
	err = directory ? add_from_directory(p, &k.rec) : add_local(p, &k.rec);
	key_clear(&k);
	return err;
}

/* The changed keys below a uid whose turn has come: members of groups stand in uid order, however they came. */
static enum ak_err
add_changed(struct publication *p, uint64_t below)
{
	enum ak_err err = AK_OK;

	for (; err == AK_OK && p->next_changed < p->n_changed &&
	       p->changed[p->next_changed] < below;
	     p->next_changed++)
		err = add_one(p, p->changed[p->next_changed]);
	return err;
}

/* A local user who came since the last publish wins, too. */
static bool
is_taken(struct publication *p, const struct user_record *u)
{
	return publish_is_directory_uid(p, u->uid) &&
	       (etcfile_set_has_name(&p->taken, u->name) ||
		   etcfile_set_has_id(&p->taken, u->uid));
}

/* A key that did not change keeps its record as it is. */
static enum ak_err
keep_user(void *ctx, const struct index_view *v)
{
	struct publication *p = ctx;
	struct user_record u;
	enum ak_err err = add_changed(p, v->number);

	if (err != AK_OK)
		return err;
	if (p->next_changed < p->n_changed && p->changed[p->next_changed] == v->number)
		return AK_OK;
	if ((err = user_record_unpack(v->value, v->value_len_b, &u)) != AK_OK)
		return err;
	if (is_taken(p, &u))
		return AK_OK;
	groupset_join(&p->groups, &u);
	p->res.users++;
	return index_make_copy(p->make, v);
}

enum ak_err
publish_add_part(struct publication *p)
{
	enum ak_err err = index_each(&p->old, ORDER_USERS, keep_user, p, &p->kept[ORDER_USERS]);

	return err == AK_OK ? add_changed(p, UINT64_MAX) : err;
}

/* A local key's name that came or went: the directory's key of that name goes or comes with it. */
static enum ak_err
add_namesake(struct publication *p, const char *name)
{
	struct key k;
	enum ak_err err = find_in_directory(p, record_key_text(RECORD_NAME, name), &k);

	if (err != AK_OK)
		return err == AK_ERR_NOT_FOUND ? AK_OK : err;
	p->changed[p->n_changed++] = k.rec.uid;
	key_clear(&k);
	return AK_OK;
}

static enum ak_err
add_namesakes(struct publication *p, uint32_t uid)
{
	struct index_record raw;
	struct user_record old;
	struct key k;
	enum ak_err err = store_find_uid(p->store, uid, &k);

	if (err == AK_OK) {
		err = add_namesake(p, k.rec.name);
		key_clear(&k);
	}
	if (err != AK_OK && err != AK_ERR_NOT_FOUND)
		return err;
	if ((err = publish_find_old(p, uid, &old, &raw)) == AK_OK) {
		err = add_namesake(p, old.name);
		index_record_clear(&raw);
	}
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

enum ak_err
publish_gather_changed(struct publication *p)
{
	size_t n, all;
	const uint32_t *uids = store_borrow_changed(p->store, &n);
	enum ak_err err = AK_OK;

	if (n == 0)
		return AK_OK;
	/* Each may have two namesakes: of its name that was, and of the one that is. */
	if ((p->changed = reallocarray(NULL, n, 3 * sizeof(*uids))) == NULL)
		return AK_ERR_NOMEM;
	memcpy(p->changed, uids, n * sizeof(*uids));
	p->n_changed = n;
	for (size_t i = 0; i < n && err == AK_OK && p->extra.directory_uids.max != 0; i++)
		if (!publish_is_directory_uid(p, uids[i]))
			err = add_namesakes(p, uids[i]);
	if (publish_is_damage(err)) {
		p->all_changed = true;
		err = AK_OK;
	}
	all = p->n_changed;
	p->n_changed = 0;
	qsort(p->changed, all, sizeof(*uids), by_value);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || p->changed[i] != p->changed[i - 1])
			p->changed[p->n_changed++] = p->changed[i];
	return err;
}
