#include "change.h"

#include <stdlib.h>

#include "image.h"
#include "keys.h"
#include "role.h"

/* The store finds the directory's keys too: they are not what is changed here. */
static enum ak_err
local_alone(enum ak_err err, struct key *k)
{
	if (err != AK_OK || !k->directory)
		return err;
	key_clear(k);
	return AK_ERR_NOT_FOUND;
}

/* How it was is for the audit log. */
static enum ak_err
note_found(struct change *ch, enum ak_err err, struct key *k)
{
	if (err == AK_OK && (err = trail_found(&ch->trail, &k->rec)) != AK_OK)
		key_clear(k);
	return err;
}

enum ak_err
change_find_name(struct change *ch, const char *name, struct key *out)
{
	enum ak_err err = ch->directory
			      ? dirkeys_find_name(ch->keys, name, out, &ch->why)
			      : local_alone(store_find_name(ch->store, name, out), out);

	return note_found(ch, err, out);
}

enum ak_err
change_find_id(struct change *ch, const char *id, struct key *out)
{
	enum ak_err err = ch->directory ? dirkeys_find_id(ch->keys, id, out, &ch->why)
					: local_alone(store_find_id(ch->store, id, out), out);

	return note_found(ch, err, out);
}

enum ak_err
change_find_elsewhere(struct change *ch, const char *word, struct key *out)
{
	struct keys keys;
	struct diag ignored = DIAG_INIT;
	enum ak_err err = keys_open(&ch->cli->paths, &keys, ch->directory ? &ch->why : &ignored);

	/* The store was opened, and has told what is wrong with this host's own. */
	if (err != AK_OK)
		return ch->directory ? err : AK_ERR_NOT_FOUND;
	err = keys_look_up(&keys, word, out);
	keys_close(&keys);
	if (err == AK_OK && out->directory == ch->directory) {
		key_clear(out);
		return AK_ERR_NOT_FOUND;
	}
	/* A snapshot that can't be read stops nothing: what is local always wins. */
	return err == AK_OK || err == AK_ERR_NOMEM ? err : AK_ERR_NOT_FOUND;
}

/* It is not among the keys that are changed: is it somewhere else? */
static enum ak_err
say_elsewhere(struct change *ch, const char *word)
{
	struct key k;
	enum ak_err err = change_find_elsewhere(ch, word, &k);

	if (err != AK_OK)
		return keys_say_not_found(err, word, &ch->cli->paths, &ch->why);
	err = diag_because(&ch->why, AK_ERR_DENIED,
	    ch->directory ? "%s is a key of this host alone: leave out --in directory"
			  : "%s lives in the directory: add --in directory",
	    k.rec.name);
	key_clear(&k);
	return err;
}

enum ak_err
change_find(struct change *ch, const char *word, struct key *out)
{
	enum ak_err err =
	    keys_is_id(word) ? change_find_id(ch, word, out) : change_find_name(ch, word, out);

	if (err == AK_ERR_NOT_FOUND)
		return say_elsewhere(ch, word);
	return ch->directory ? err : keys_say_not_found(err, word, &ch->cli->paths, &ch->why);
}

/* The host bounds what comes through the directory: whatever stands there, no key of it holds another role here. */
static enum ak_err
check_granted(struct change *ch, const char *text)
{
	const struct image *im = ch->live.image;
	struct binding b;
	uint32_t role;
	enum ak_err err = binding_parse(text, &b, &ch->why);

	if (err != AK_OK)
		return err;
	role = image_find_role(im, b.role);
	if (role != IMAGE_NONE && settings_may_grant(&ch->live.settings.directory, b.role,
				      image_role(im, role).root_equivalent))
		return AK_OK;
	return diag_because(&ch->why, AK_ERR_DENIED,
	    "the role %s may not come through the directory: name it in directory.may_grant of "
	    "%s, on every host that is to honour it",
	    b.role, ch->cli->paths.config);
}

enum ak_err
change_check_binding(struct change *ch, const char *text)
{
	enum ak_err err = keyopts_check_binding(text, &ch->live, &ch->why);

	return err == AK_OK && ch->directory ? check_granted(ch, text) : err;
}

enum ak_err
change_check_options(struct change *ch, const struct keyopts *o)
{
	enum ak_err err;

	if (ch->directory && (o->home != NULL || o->shell != NULL))
		return diag_because(&ch->why, AK_ERR_INVALID,
		    "a key in the directory has the home and shell that each host's %s gives: "
		    "leave out --home and --shell",
		    ch->cli->paths.config);
	strv_for (pack_borrow_strv(&o->roles), text) {
		if ((err = change_check_binding(ch, text)) != AK_OK)
			return err;
	}
	return keyopts_check(o, &ch->live, &ch->why);
}

/* All keys of this host can be found. */
enum ak_err
change_check_id(struct change *ch, const char *id)
{
	return ch->directory ? dirkeys_check_id(ch->keys, id, &ch->why) : AK_OK;
}

static enum ak_err
give_local_uid(struct change *ch, uint32_t wanted, uint32_t *uid)
{
	struct id_range range = ch->live.settings.uids;
	enum ak_err err;

	if (wanted != 0)
		return store_check_uid(ch->store, range, wanted, &ch->why);
	if ((err = store_next_uid(ch->store, range, uid, &ch->why)) == AK_ERR_FULL)
		return diag_because(&ch->why, err,
		    "no uid is left in %u-%u: widen uid_range in %s", range.min, range.max,
		    ch->cli->paths.config);
	return err;
}

/* Elsewhere it may be a user's all the same: those hosts leave the key out, and say so. */
static enum ak_err
give_directory_uid(struct change *ch, uint32_t wanted, uint32_t *uid)
{
	const struct cli_host *h = &ch->cli->host;
	enum ak_err err;

	if (wanted == 0)
		return dirkeys_next_uid(ch->keys, uid, &ch->why);
	if ((err = dirkeys_check_uid(ch->keys, wanted, &ch->why)) != AK_OK ||
	    (err = h->check_id(h->ctx, wanted)) == AK_OK)
		return err;
	if (err != AK_ERR_EXISTS)
		return diag_because(&ch->why, err,
		    "it can't be told whether uid %u is a user's or group's of this host",
		    wanted);
	return diag_because(&ch->why, err,
	    "uid %u is a user's or group's of this host: choose another", wanted);
}

enum ak_err
change_give_uid(struct change *ch, uint32_t wanted, uint32_t *uid)
{
	enum ak_err err;

	*uid = wanted;
	err = ch->directory ? give_directory_uid(ch, wanted, uid)
			    : give_local_uid(ch, wanted, uid);
	/* A uid outside the range is well-formed, and refused. */
	return err == AK_ERR_INVALID ? AK_ERR_DENIED : err;
}

enum ak_err
change_judge(struct change *ch, const struct key_record *k)
{
	uint32_t *grown;

	if (ch->directory)
		return AK_OK;
	grown = reallocarray(ch->uids, ch->n_uids + 1, sizeof(*grown));
	if (grown == NULL)
		return AK_ERR_NOMEM;
	ch->uids = grown;
	ch->uids[ch->n_uids++] = k->uid;
	return AK_OK;
}

/* A key that is new has no sessions. */
static enum ak_err
stage(struct change *ch, const struct key_record *k, const char *event, bool gone)
{
	enum ak_err err = trail_stage(&ch->trail, ch->cli, event, k, gone, ch->directory);

	if (err == AK_OK && trail_has(&ch->trail, k))
		err = change_judge(ch, k);
	return err;
}

enum ak_err
change_put(struct change *ch, const struct key_record *k, const char *event)
{
	enum ak_err err = stage(ch, k, event, false);

	if (err != AK_OK)
		return err;
	return ch->directory ? dirkeys_put(ch->keys, k) : store_put(ch->store, k);
}

enum ak_err
change_remove(struct change *ch, const struct key_record *k, const char *event)
{
	enum ak_err err = stage(ch, k, event, true);

	if (err != AK_OK)
		return err;
	return ch->directory ? dirkeys_remove(ch->keys, k) : store_remove(ch->store, k, ch->now);
}

bool
change_has_written(const struct change *ch, const struct key_record *k)
{
	if (ch->directory)
		return ch->keys != NULL && dirkeys_has_written(ch->keys, k);
	return ch->committed;
}

const char *
change_options_text(const struct change *ch)
{
	return ch->directory ? " --in directory" : "";
}
