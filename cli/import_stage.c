#include <string.h>

#include "gone.h"
#include "import.h"
#include "keyopts.h"
#include "keys.h"
#include "localname.h"

/* What is asked of this host for many keys. */
struct asking {
	struct import *im;
	struct keys keys;
	bool has_keys;
	struct gone gone;
	const char *shell; /* the last one that was found to be one; borrowed */
};

/*
 * What a line is refused for is told, and the next one is looked at; what
 * else fails ends the command. Answers what is left of err.
 */
static enum ak_err
refuse(struct import *im, const struct import_row *row, enum ak_err err)
{
	struct diag *why = &im->ch->why;

	if (err != AK_ERR_DENIED && err != AK_ERR_EXISTS && err != AK_ERR_INVALID)
		return err;
	importfile_wrong(im->file, row->line, "%s", why->text);
	*why = DIAG_INIT;
	return AK_OK;
}

/* In the directory: what there is known by this name or id. */
static enum ak_err
check_elsewhere(struct asking *q, const char *word, const char *name)
{
	struct key k;
	enum ak_err err;
	bool directory;

	if (!q->has_keys || q->keys.no_directory)
		return AK_OK;
	if ((err = keys_look_up(&q->keys, word, &k)) != AK_OK)
		return err == AK_ERR_NOMEM ? err : AK_OK; /* what is local always wins */
	directory = k.directory;
	if (directory)
		err = diag_because(&q->im->ch->why, AK_ERR_EXISTS,
		    "%s is a key of the directory%s%s", k.rec.name,
		    strcmp(word, name) == 0 ? "" : ", and has the id ",
		    strcmp(word, name) == 0 ? "" : word);
	key_clear(&k);
	return err;
}

static enum ak_err
check_id(struct asking *q, const struct key_record *k)
{
	struct change *ch = q->im->ch;
	struct key here;
	enum ak_err err = store_find_id(ch->store, k->id, &here);

	if (err == AK_ERR_NOT_FOUND)
		return check_elsewhere(q, k->id, k->name);
	if (err != AK_OK)
		return err;
	(void)diag_because(
	    &ch->why, AK_ERR_EXISTS, "the id %s is the key %s's here", k->id, here.rec.name);
	key_clear(&here);
	return AK_ERR_EXISTS;
}

/* What was revoked here does not come back, whatever file still has it. */
static enum ak_err
check_gone(struct asking *q, const struct key_record *k)
{
	const struct gone_one *one = gone_find(&q->gone, k->id);
	char at[NUM_TIME_CAP];

	if (one == NULL)
		return AK_OK;
	return diag_because(&q->im->ch->why, AK_ERR_DENIED,
	    "the key %s with the id %s was deleted here at %s, and does not come back: make a "
	    "new "
	    "one by `apikey create`",
	    k->name, k->id, num_print_time(one->deleted_at, at));
}

static enum ak_err
check_shell(struct asking *q, const struct key_record *k)
{
	enum ak_err err;

	if (q->shell != NULL && strcmp(q->shell, k->shell) == 0)
		return AK_OK;
	if ((err = keyopts_check_shell(k->shell, &q->im->ch->why)) == AK_OK)
		q->shell = k->shell;
	return err;
}

static enum ak_err
check_lifetime(struct asking *q, const struct key_record *k)
{
	struct change *ch = q->im->ch;
	int64_t max_s = ch->live.settings.max_duration_s;
	char max[NUM_TIME_CAP];

	if (max_s == NUM_NEVER || k->expires_at <= ch->now + max_s)
		return AK_OK;
	return diag_because(&ch->why, AK_ERR_DENIED,
	    "%s expires later than max_duration of this host allows, %s from now", k->name,
	    keyopts_print_duration(max_s, max));
}

/* Its own is not to be had: later it gets another, or the line is refused. */
static enum ak_err
want_uid(struct import *im, struct import_row *row)
{
	row->wants_uid = im->new_uid;
	if (!im->new_uid)
		importfile_wrong(im->file, row->line, "%s (--new-uid gives %s another)",
		    im->ch->why.text, row->rec.name);
	im->ch->why = DIAG_INIT;
	return AK_OK;
}

/* Staged with the file's uid, or marked as one that wants another. */
static enum ak_err
stage_new(struct asking *q, struct import_row *row)
{
	struct import *im = q->im;
	struct change *ch = im->ch;
	struct key_record *k = &row->rec;
	enum ak_err err;

	if ((err = check_elsewhere(q, k->name, k->name)) != AK_OK ||
	    (err = localname_check(ch->cli, &ch->live, k->name, &ch->why)) != AK_OK ||
	    (err = check_id(q, k)) != AK_OK || (err = check_gone(q, k)) != AK_OK ||
	    (err = check_shell(q, k)) != AK_OK || (err = check_lifetime(q, k)) != AK_OK)
		return err;
	err = change_give_uid(ch, k->uid, &k->uid);
	if (err == AK_ERR_EXISTS || err == AK_ERR_DENIED)
		return want_uid(im, row);
	return err == AK_OK ? change_put(ch, k, "key-created") : err;
}

static enum ak_err
stage_changed(struct asking *q, const struct import_row *row)
{
	struct change *ch = q->im->ch;
	const struct key_record *k = &row->rec;
	struct key here;
	enum ak_err err = change_find_id(ch, k->id, &here);

	if (err != AK_OK)
		return err;
	if (strcmp(here.rec.shell, k->shell) != 0)
		err = check_shell(q, k);
	if (err == AK_OK && here.rec.expires_at != k->expires_at)
		err = check_lifetime(q, k);
	key_clear(&here);
	return err == AK_OK ? change_put(ch, k, "key-changed") : err;
}

static enum ak_err
stage_end(struct change *ch, const struct key_record *k)
{
	struct key here;
	enum ak_err err = change_find_id(ch, k->id, &here);

	if (err == AK_OK) {
		err = change_remove(ch, &here.rec, "key-deleted");
		key_clear(&here);
	}
	return err;
}

static enum ak_err
stage_kind(struct asking *q, enum import_what what)
{
	struct import *im = q->im;
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < im->n_rows && err == AK_OK; i++) {
		struct import_row *row = &im->rows[i];

		if (row->what != what)
			continue;
		if (what == IMPORT_DELETED)
			err = stage_end(im->ch, &row->rec);
		else
			err = refuse(im, row,
			    what == IMPORT_CREATED ? stage_new(q, row) : stage_changed(q, row));
	}
	return err;
}

/* With --new-uid a group, too, gets another number: the next publish counts it up. */
static enum ak_err
stage_role_group(struct import *im, const struct importline *l)
{
	struct change *ch = im->ch;
	enum ak_err err =
	    store_take_role_gid(ch->store, &l->role_group, ch->live.settings.gids, &ch->why);

	if (err != AK_ERR_EXISTS)
		return err;
	if (!im->new_uid)
		importfile_wrong(
		    im->file, l->line, "%s (--new-uid gives it another)", ch->why.text);
	ch->why = DIAG_INIT;
	return AK_OK;
}

static void
raise_to(uint32_t *high, uint32_t id, struct id_range range)
{
	if (id_range_has(range, id) && id > *high)
		*high = id;
}

/* What the file says was given by counting up, as far as it names what was: a number alone must not use a range up. */
static struct local_extra
highest(const struct import *im)
{
	const struct importfile *f = im->file;
	const struct settings *s = &im->ch->live.settings;
	struct local_extra named = {.uid_high = 0};

	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].kind == IMPORTLINE_KEY)
			raise_to(&named.uid_high, f->v[i].key.uid, s->uids);
		else if (f->v[i].kind == IMPORTLINE_SPENT)
			raise_to(&named.uid_high, f->v[i].spent.uid, s->uids);
		else
			raise_to(&named.gid_high, f->v[i].role_group.gid, s->gids);
	}
	if (f->high.uid_high < named.uid_high)
		named.uid_high = f->high.uid_high;
	if (f->high.gid_high < named.gid_high)
		named.gid_high = f->high.gid_high;
	return named;
}

static enum ak_err
stage_ids(struct import *im, enum importline_kind kind)
{
	const struct importfile *f = im->file;
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < f->n && err == AK_OK; i++) {
		if (f->v[i].kind != kind)
			continue;
		if (kind == IMPORTLINE_ROLE_GROUP)
			err = stage_role_group(im, &f->v[i]);
		else if (id_range_has(im->ch->live.settings.uids, f->v[i].spent.uid))
			err = store_take_spent(im->ch->store, &f->v[i].spent);
	}
	return err;
}

/* When all that the file gives is given. */
static enum ak_err
give_uids(struct import *im)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < im->n_rows && err == AK_OK; i++) {
		struct import_row *row = &im->rows[i];

		if (!row->wants_uid)
			continue;
		err = change_give_uid(im->ch, 0, &row->rec.uid);
		if (err == AK_OK)
			err = change_put(im->ch, &row->rec, "key-created");
	}
	return err;
}

static enum ak_err
stage_all(struct asking *q)
{
	struct import *im = q->im;
	const struct settings *s = &im->ch->live.settings;
	enum ak_err err = stage_kind(q, IMPORT_DELETED);

	store_take_high(im->ch->store, highest(im), s->uids, s->gids);
	if (err == AK_OK)
		err = stage_ids(im, IMPORTLINE_SPENT);
	if (err == AK_OK)
		err = stage_kind(q, IMPORT_CHANGED);
	if (err == AK_OK)
		err = stage_kind(q, IMPORT_CREATED);
	if (err == AK_OK)
		err = stage_ids(im, IMPORTLINE_ROLE_GROUP);
	return err == AK_OK ? give_uids(im) : err;
}

enum ak_err
import_stage(struct import *im)
{
	struct asking q = {.im = im};
	struct diag ignored = DIAG_INIT;
	enum ak_err err;

	q.has_keys = keys_open(&im->ch->cli->paths, &q.keys, &ignored) == AK_OK;
	err = gone_load(store_borrow_local(im->ch->store), &q.gone);
	if (err == AK_OK)
		err = stage_all(&q);
	gone_clear(&q.gone);
	if (q.has_keys)
		keys_close(&q.keys);
	return err == AK_OK && im->file->n_wrong > 0 ? AK_ERR_DENIED : err;
}
