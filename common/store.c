#include "store_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "newer.h"
#include "safefile.h"

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	if (s == NULL)
		return;
	staged_clear(&s->staged);
	free(s->changed);
	store_close_directory(s);
	keyring_close(&s->ring);
	lock_release(&s->lock);
	free(s);
	*sp = NULL;
}

static enum ak_err
make_state_folder(const struct paths *p, struct diag *why)
{
	struct stat st;

	if (mkdir(p->state, 0755) == 0)
		(void)chmod(p->state, 0755); /* whatever the umask is: NSS reads below it */
	else if (errno != EEXIST)
		return diag_say(why, AK_ERR_UNAVAILABLE, p->state, 0, 0,
		    "the folder cannot be made: %s", strerror(errno));
	if (lstat(p->state, &st) == -1 || !S_ISDIR(st.st_mode) || st.st_uid != p->owner ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return diag_say(why, AK_ERR_UNSAFE, p->state, 0, 0,
		    "must be a folder of uid %u that nobody else may write to",
		    (unsigned)p->owner);
	return AK_OK;
}

static bool
is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 && errno == ENOENT;
}

/* Somebody may decide to go on without it. What can still be mended, or read another time, is no loss. */
static bool
is_lost(const char *path, enum ak_err err)
{
	return err == AK_ERR_CORRUPT || (err == AK_ERR_UNAVAILABLE && is_missing(path));
}

/* What is neither lost nor an older copy stays, whatever is accepted. */
static enum ak_err
say_stays(
    const struct store *s, const char *path, unsigned mode, enum ak_err err, struct diag *why)
{
	uid_t owner = s->paths.owner;
	struct stat st;

	if (err == AK_ERR_NEWER)
		return newer_say(path, owner, why);
	if (err != AK_ERR_UNSAFE)
		return diag_say(why, err, path, 0, 0,
		    "%s: nothing takes its place; see that its file system is in order, and "
		    "try again",
		    ak_strerror(err));
	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return diag_say(why, err, path, 0, 0,
		    "is no regular file: move what lies there away, and put the real one in "
		    "its "
		    "place");
	return diag_say(why, err, path, 0, 0,
	    "others could have written it: where it is still yours, run 'chown %u %s' and "
	    "'chmod %04o %s'",
	    (unsigned)owner, path, mode, path);
}

static enum ak_err
say_local(const struct store *s, struct diag *why)
{
	const struct paths *p = &s->paths;
	enum ak_err err = s->ring.local_err;

	if (err == AK_ERR_ROLLBACK)
		return diag_say(why, err, p->local, 0, 0,
		    "is an older copy than the one that users.idx was made from (generation "
		    "%llu): keys revoked since would come back. Put the newer one back, or "
		    "take this one by 'apikey doctor --accept-rollback'",
		    (unsigned long long)s->ring.users.local.generation);
	if (!is_lost(p->local, err))
		return say_stays(s, p->local, 0600, err, why);
	return diag_say(why, err, p->local, 0, 0,
	    "%s: put it back from a backup or from local.idx.prev, then run 'apikey doctor "
	    "--accept-rollback'",
	    ak_strerror(err));
}

/* users.idx says which local.idx is the newest; one that a newer apikey wrote may say that this one is not. */
static enum ak_err
take_local(struct store *s, enum ak_err users_err, struct diag *why)
{
	struct keyring *k = &s->ring;
	const struct paths *p = &s->paths;

	if (users_err == AK_ERR_NEWER && !s->opt.accept_rollback) {
		k->local_err = AK_ERR_ROLLBACK;
		return diag_say(why, k->local_err, p->users, 0, 0,
		    "was written by a newer apikey (format %u, this one reads %u), so it can't "
		    "be "
		    "told whether local.idx is the newest: keys revoked since would come back. "
		    "Upgrade apikey; or see that local.idx is the newest, and take it by "
		    "'apikey "
		    "doctor --accept-rollback'",
		    newer_version(p->users, p->owner), INDEX_VERSION);
	}
	k->stamp = k->local.head.built_at;
	k->local_now = (struct source_id){k->local.head.generation, k->local.head.id};
	return AK_OK;
}

/*
 * users.idx is derived: unreadable, it is remade, unless local.idx is gone too.
 * What a newer apikey wrote is not lost, and nothing takes its place unasked:
 * neither a local.idx, nor the last that is known of one.
 */
static enum ak_err
open_without_users(struct store *s, enum ak_err users_err, struct diag *why)
{
	const struct paths *p = &s->paths;
	struct keyring *k = &s->ring;
	enum ak_err err;

	if (users_err == AK_ERR_NOMEM)
		return users_err;
	if (is_missing(p->local) && is_missing(p->users))
		return AK_OK; /* a new host */
	err = k->local_err = index_open(p->local, p->owner, &k->local);
	if (err == AK_OK)
		return take_local(s, users_err, why);
	if (!is_lost(p->local, err))
		return say_local(s, why);
	if (!is_lost(p->users, users_err))
		return say_stays(s, p->users, 0644, users_err, why);
	if (s->opt.accept_rollback)
		return AK_OK;
	return diag_say(why, err, p->local, 0, 0,
	    "%s, and so is %s (%s): put both back from a backup, or begin without them by "
	    "'apikey doctor --accept-rollback'",
	    ak_strerror(err), p->users, ak_strerror(users_err));
}

/* What was there before decides which ids were given. */
static void
count_on(struct store *s)
{
	const struct users_extra *u = &s->ring.users;

	if (s->ring.local.fd != -1)
		local_extra_unpack(s->ring.local.head.extra, &s->extra);
	if (s->have_users && u->uid_high > s->extra.uid_high)
		s->extra.uid_high = u->uid_high;
	if (s->have_users && u->gid_high > s->extra.gid_high)
		s->extra.gid_high = u->gid_high;
	s->before = s->ring.local_now;
}

/* May what can't be read not be replaced? */
static bool
must_stay(const struct store *s)
{
	enum ak_err err = s->ring.local_err;

	if (err == AK_OK || !is_lost(s->paths.local, err))
		return err != AK_OK;
	if (s->opt.accept_rollback)
		return false;
	return err == AK_ERR_CORRUPT || s->ring.users.local.generation > 0;
}

static enum ak_err
open_files(struct store *s, struct diag *why)
{
	const struct paths *p = &s->paths;
	enum ak_err err = keyring_open(p, &s->ring);

	/* What is looked up here is what can be changed here. */
	index_close(&s->ring.directory);
	s->ring.directory_err = AK_ERR_NOT_FOUND;
	s->have_users = err == AK_OK;
	if (err != AK_OK)
		err = open_without_users(s, err, why);
	else if (s->ring.local_err == AK_ERR_ROLLBACK && s->opt.accept_rollback)
		s->ring.local_err = index_open(p->local, p->owner, &s->ring.local);
	if (err == AK_OK && s->have_users && must_stay(s))
		err = say_local(s, why);
	if (err == AK_OK) {
		count_on(s);
		store_open_directory(s);
	}
	return err;
}

/* What is staged lives in the heap, and the caller gets a copy like any other. */
static enum ak_err
copy_staged(const struct staged *st, struct key *out)
{
	enum ak_err err;

	if ((out->raw.large = malloc(st->value_len_b)) == NULL)
		return AK_ERR_NOMEM;
	memcpy(out->raw.large, st->value, st->value_len_b);
	out->raw.view = (struct index_view){.bytes = out->raw.large, .len_b = st->value_len_b};
	err = key_record_unpack(out->raw.large, st->value_len_b, &out->rec);
	if (err != AK_OK)
		key_clear(out);
	return err;
}

static enum ak_err
find(const struct store *s, struct record_key by, struct key *out)
{
	const struct staged *st = staged_find(&s->staged, by);
	enum ak_err err;

	out->rec = KEY_RECORD_INIT;
	if (st != NULL)
		return copy_staged(st, out);
	if (s->ring.local.fd == -1)
		return AK_ERR_NOT_FOUND;
	err = keyring_find(&s->ring, by, out);
	/* Removed, or moved to another name, by what is staged. */
	if (err == AK_OK && staged_replaces_uid(&s->staged, out->rec.uid)) {
		key_clear(out);
		return AK_ERR_NOT_FOUND;
	}
	return err;
}

enum ak_err
store_find_name(const struct store *s, const char *name, struct key *out)
{
	return find(s, record_key_text(RECORD_NAME, name), out);
}

enum ak_err
store_find_id(const struct store *s, const char *id, struct key *out)
{
	return find(s, record_key_text(RECORD_ID, id), out);
}

enum ak_err
store_find_uid(const struct store *s, uint32_t uid, struct key *out)
{
	return find(s, record_key_number(RECORD_UID, uid), out);
}

/* Under the lock: whoever began to write these was killed. */
static void
sweep(const struct paths *p)
{
	const char *const written[] = {p->local, p->users, p->image, p->applied, p->policy};
	char prev[PATH_CAP + 8];

	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		safefile_sweep(written[i]);
		(void)snprintf(prev, sizeof(prev), "%s.prev", written[i]);
		safefile_sweep(prev);
	}
}

enum ak_err
store_open(const struct paths *p, const struct store_options *opt, struct store **out,
    struct diag *why)
{
	struct store *s;
	enum ak_err err;

	*out = NULL;
	if ((err = make_state_folder(p, why)) != AK_OK)
		return err;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return AK_ERR_NOMEM;
	s->paths = *p;
	s->opt = *opt;
	s->lock = LOCK_INIT;
	s->ring = KEYRING_INIT;
	s->directory_keys = s->directory_groups = INDEX_INIT;
	err = opt->no_wait
		  ? lock_try(&s->lock, p->lock, NULL, why)
		  : lock_take(&s->lock, p->lock, opt->hooks.waiting, opt->hooks.ctx, why);
	if (err == AK_OK) {
		if (!opt->look_only)
			sweep(p);
		err = open_files(s, why);
	}
	if (err == AK_OK && opt->accept_rollback)
		err = store_spend_forgotten(s);
	if (err != AK_OK) {
		store_close(&s);
		return err;
	}
	*out = s;
	return AK_OK;
}

int64_t
store_stamp(const struct store *s, int64_t now)
{
	return !s->opt.trust_clock && s->ring.stamp > now ? s->ring.stamp : now;
}

const struct paths *
store_borrow_paths(const struct store *s)
{
	return &s->paths;
}

const struct index *
store_borrow_local(const struct store *s)
{
	return &s->ring.local;
}

const uint32_t *
store_borrow_changed(const struct store *s, size_t *n)
{
	*n = s->n_changed;
	return s->changed;
}

struct source_id
store_before(const struct store *s)
{
	return s->before;
}

struct local_extra
store_extra(const struct store *s)
{
	return s->extra;
}
