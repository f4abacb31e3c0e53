#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "newer.h"
#include "token.h"

static bool
is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 && errno == ENOENT;
}

/* The truth, and so nothing that could be made anew. */
static bool
is_newer(const struct paths *p)
{
	struct index ix;
	enum ak_err err = index_open(p->local, p->owner, &ix);

	index_close(&ix);
	return err == AK_ERR_NEWER;
}

enum ak_err
keys_open(const struct paths *p, struct keys *out, struct diag *why)
{
	enum ak_err err = keyring_open(p, &out->ring);

	out->paths = p;
	out->none = err != AK_OK && is_missing(p->users) && is_missing(p->local);
	out->no_directory = out->ring.directory_err == AK_ERR_NOT_FOUND ||
			    (out->ring.directory_err != AK_OK && is_missing(p->directory_keys));
	if (out->none)
		return AK_OK;
	if (err != AK_OK && is_newer(p))
		return newer_say(p->local, p->owner, why);
	if (err == AK_ERR_NEWER)
		return newer_say(p->users, p->owner, why);
	if (err != AK_OK)
		return diag_say(why, err, p->users, 0, 0, "%s: remake it by `apikey publish`",
		    ak_strerror(err));
	/* Users were published before there was a key. */
	out->none = out->ring.local_err != AK_OK && out->ring.users.local.generation == 0 &&
		    is_missing(p->local);
	if (out->ring.local_err == AK_OK || out->none)
		return AK_OK;
	err = out->ring.local_err;
	keyring_close(&out->ring);
	if (err == AK_ERR_NEWER)
		return newer_say(p->local, p->owner, why);
	return diag_say(why, err, p->local, 0, 0,
	    "%s: put it back from a backup, or see `apikey doctor`", ak_strerror(err));
}

void
keys_close(struct keys *k)
{
	keyring_close(&k->ring);
}

/* Is the snapshot at path the one that users.idx was made from? A snapshot that is not there is generation 0. */
static bool
is_current(const struct paths *p, const char *path, struct source_id made_from)
{
	struct source_id now = {.generation = 0};
	struct index ix;

	if (index_open(path, p->owner, &ix) == AK_OK) {
		now = (struct source_id){ix.head.generation, ix.head.id};
		index_close(&ix);
	}
	return now.generation == made_from.generation && now.id == made_from.id;
}

/* With a policy that can't be used it was made from none. */
bool
keys_is_published(const struct keys *k, const struct live *live)
{
	const struct users_extra *u = &k->ring.users;

	return keyring_is_published(&k->ring) &&
	       u->policy == (live->image != NULL ? live->policy_id : 0) &&
	       u->config == live->settings_id && u->group == live->group_id &&
	       (u->directory_uids.max == 0 ||
		   (is_current(k->paths, k->paths->directory_keys, u->directory_keys) &&
		       is_current(k->paths, k->paths->directory_groups, u->directory_groups)));
}

bool
keys_is_id(const char *word)
{
	return strlen(word) == KEY_ID_LEN && token_is_id(word);
}

enum ak_err
keys_say_not_found(enum ak_err err, const char *word, const struct paths *p, struct diag *why)
{
	if (err == AK_ERR_NOT_FOUND)
		return diag_because(
		    why, err, "there is no key `%.80s': see `apikey list`", cli_shown(word));
	if (err != AK_OK)
		return diag_say(why, err, p->local, 0, 0, "%s", ak_strerror(err));
	return AK_OK;
}

enum ak_err
keys_look_up(const struct keys *k, const char *word, struct key *out)
{
	enum ak_err err = keys_is_id(word) ? keyring_find_id(&k->ring, word, out)
					   : keyring_find_name(&k->ring, word, out);

	if (err == AK_OK || err == AK_ERR_NOT_FOUND)
		return err;
	/* What failed is a file that there needn't be. */
	if (k->none ||
	    (k->no_directory && k->ring.local_err == AK_OK && err == k->ring.directory_err))
		return AK_ERR_NOT_FOUND;
	return err;
}

enum ak_err
keys_find(const struct keys *k, const char *word, struct key *out, struct diag *why)
{
	enum ak_err err = keys_look_up(k, word, out);

	if (err != AK_OK && err != AK_ERR_NOT_FOUND && err == k->ring.directory_err)
		return diag_say(why, err, k->paths->directory_keys, 0, 0,
		    "%s (no key of this host is called so): see `apikey sync`",
		    ak_strerror(err));
	return keys_say_not_found(err, word, k->paths, why);
}

/* Where a key's record lies, and what sorts it. */
struct place {
	char name[KEY_NAME_MAX + 1];
	bool directory;
	uint64_t offset;
};

struct places {
	struct place *v;
	size_t n, cap;
};

static enum ak_err
note_place(struct places *p, const char *name, bool directory, uint64_t offset)
{
	size_t cap = p->cap == 0 ? 256 : p->cap * 2;
	struct place *bigger;

	if (p->n == p->cap) {
		if ((bigger = reallocarray(p->v, cap, sizeof(*bigger))) == NULL)
			return AK_ERR_NOMEM;
		p->v = bigger;
		p->cap = cap;
	}
	p->v[p->n].directory = directory;
	p->v[p->n].offset = offset;
	return text_copy(p->v[p->n++].name, sizeof(p->v->name), name);
}

#define WALK_CAP_B ((size_t)1 << 20)

/* One way through a file of keys. */
struct way {
	const struct index *ix;
	bool directory;
	bool (*wanted)(void *ctx, const struct key_record *rec);
	void *ctx;
};

static enum ak_err
walk(const struct way *way, struct places *out)
{
	const struct index *ix = way->ix;
	unsigned char *buf = malloc(WALK_CAP_B);
	struct key_record rec = KEY_RECORD_INIT;
	struct index_view v;
	struct index_walk w;
	uint64_t offset;
	enum ak_err err;

	if (buf == NULL)
		return AK_ERR_NOMEM;
	index_walk_start(ix, ORDER_KEYS, ix->head.order[ORDER_KEYS].records_at, &w);
	for (;;) {
		offset = w.next;
		if ((err = index_walk_next(ix, &w, buf, WALK_CAP_B, &v)) != AK_OK ||
		    (err = key_record_unpack(v.value, v.value_len_b, &rec)) != AK_OK)
			break;
		if (way->wanted(way->ctx, &rec) &&
		    (err = note_place(out, rec.name, way->directory, offset)) != AK_OK)
			break;
	}
	key_record_clear(&rec);
	explicit_bzero(buf, WALK_CAP_B);
	free(buf);
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

/* What is local stands before a key of the directory that is called the same. */
static int
by_name(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (int)x->directory - (int)y->directory;
}

static enum ak_err
take_at(const struct index *ix, const struct place *at,
    enum ak_err (*take)(void *ctx, const struct key *k), void *ctx)
{
	struct key k;
	enum ak_err err = index_read_at(ix, at->offset, &k.raw);

	if (err != AK_OK)
		return err;
	k.directory = at->directory;
	err = key_record_unpack(k.raw.view.value, k.raw.view.value_len_b, &k.rec);
	if (err == AK_OK)
		err = take(ctx, &k);
	key_clear(&k);
	return err;
}

/* All of them or none: what stands before the damage is no list of keys. */
static enum ak_err
find_directory_places(
    const struct keys *k, struct way *way, struct places *out, struct diag *lost)
{
	size_t before = out->n;
	enum ak_err err = k->ring.directory_err;

	way->ix = &k->ring.directory;
	way->directory = true;
	if (err == AK_OK)
		err = walk(way, out);
	if (err == AK_OK || err == AK_ERR_NOMEM)
		return err;
	out->n = before;
	return diag_say(lost, err, k->paths->directory_keys, 0, 0,
	    "%s, so keys of the directory are left out: fetch it anew by `apikey sync`",
	    ak_strerror(err));
}

/* Never a part of the keys for all of them, unless that is told. */
static enum ak_err
find_places(const struct keys *k, struct way *way, struct places *out, struct diag *lost,
    struct diag *why)
{
	enum ak_err err = AK_OK;

	way->ix = &k->ring.local;
	if (!k->none)
		err = walk(way, out);
	if (err != AK_OK)
		return diag_say(why, err, k->paths->local, 0, 0, "%s", ak_strerror(err));
	if (k->no_directory)
		return AK_OK;
	err = find_directory_places(k, way, out, lost != NULL ? lost : why);
	return lost != NULL && err != AK_ERR_NOMEM ? AK_OK : err;
}

enum ak_err
keys_each(const struct keys *k, bool (*wanted)(void *ctx, const struct key_record *rec),
    enum ak_err (*take)(void *ctx, const struct key *k), void *ctx, struct diag *lost,
    struct diag *why)
{
	struct way way = {.wanted = wanted, .ctx = ctx};
	struct places places = {.v = NULL};
	enum ak_err err = find_places(k, &way, &places, lost, why);

	if (places.n > 1)
		qsort(places.v, places.n, sizeof(places.v[0]), by_name);
	for (size_t i = 0; i < places.n && err == AK_OK; i++) {
		const struct place *at = &places.v[i];

		/* Such a key of the directory is not served: what is local wins. */
		if (at->directory && i > 0 && strcmp(at->name, places.v[i - 1].name) == 0)
			continue;
		err =
		    take_at(at->directory ? &k->ring.directory : &k->ring.local, at, take, ctx);
		if (err != AK_OK)
			(void)diag_say(why, err,
			    at->directory ? k->paths->directory_keys : k->paths->local, 0, 0,
			    "%s", ak_strerror(err));
	}
	free(places.v);
	return err;
}
