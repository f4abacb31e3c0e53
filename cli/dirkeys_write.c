#include <stdio.h>
#include <string.h>

#include "dirkeys_impl.h"
#include "dirtext.h"

static enum ak_err
say_no_counter(const struct dirkeys *d, struct diag *why)
{
	const char *dn = d->directory->counter;
	const char *value = strchr(dn, '=');
	size_t len = value == NULL ? 0 : strcspn(value + 1, ",+");

	return diag_because(why, AK_ERR_DENIED,
	    "the counter of uids is not there: add it by ldapadd, these lines: `dn: %s', "
	    "`objectClass: %s', `cn: %.*s', `%s: %u'",
	    dn, DIRTEXT_COUNTER_CLASS, (int)len, value == NULL ? "" : value + 1,
	    DIRTEXT_COUNTER_ATTRIBUTE, d->directory->uids.min);
}

static enum ak_err
note_there(void *ctx, const struct directory_entry *e, const char *version, struct diag *why)
{
	bool *there = ctx;

	(void)e;
	(void)version;
	(void)why;
	*there = true;
	return AK_OK;
}

/* An entry has what it has, whether it is a whole key or not, and whether this host's filter would see it or not. */
static enum ak_err
is_free(struct dirkeys *d, enum directory_slot slot, const char *value, bool *unused,
    struct diag *why)
{
	const struct dirserver_search s = {.base = d->directory->keys.base,
	    .filter = "(objectClass=" DIRTEXT_OBJECT_CLASS ")",
	    .attribute = dirtext_attribute(slot),
	    .value = value};
	bool there = false;
	enum ak_err err = d->calls->search(d->server, &s, note_there, &there, why);

	*unused = !there;
	return err;
}

static enum ak_err
is_free_uid(struct dirkeys *d, uint32_t uid, bool *unused, struct diag *why)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", uid);
	return is_free(d, SLOT_KEY_UID, text, unused, why);
}

enum ak_err
dirkeys_check_id(struct dirkeys *d, const char *id, struct diag *why)
{
	bool is = false;
	enum ak_err err = is_free(d, SLOT_KEY_ID, id, &is, why);

	if (err == AK_OK && !is)
		err = diag_because(why, AK_ERR_EXISTS,
		    "id %s is another entry's in the directory: make a token with another id",
		    id);
	return err;
}

static enum ak_err
check_counted(const struct dirkeys *d, uint64_t uid, struct diag *why)
{
	struct id_range r = d->directory->uids;

	if (uid >= r.min && uid <= r.max)
		return AK_OK;
	if (uid > r.max)
		return diag_because(why, AK_ERR_FULL,
		    "no uid is left in %u-%u: widen directory.uid_range on every host", r.min,
		    r.max);
	return diag_because(why, AK_ERR_DENIED,
	    "%s of %s stands at %llu, below directory.uid_range %u-%u: set it to %u by "
	    "ldapmodify",
	    DIRTEXT_COUNTER_ATTRIBUTE, d->directory->counter, (unsigned long long)uid, r.min,
	    r.max, r.min);
}

enum ak_err
dirkeys_next_uid(struct dirkeys *d, uint32_t *uid, struct diag *why)
{
	uint64_t counted = 0;
	bool is = false;
	enum ak_err err;

	if (d->directory->counter[0] == '\0')
		return diag_because(why, AK_ERR_DENIED,
		    "no counter gives uids: set directory.counter, or give a --uid");
	while (!is) {
		err = d->calls->count(
		    d->server, d->directory->counter, DIRTEXT_COUNTER_ATTRIBUTE, &counted, why);
		if (err == AK_ERR_NOT_FOUND)
			return say_no_counter(d, why);
		if (err != AK_OK || (err = check_counted(d, counted, why)) != AK_OK ||
		    (err = is_free_uid(d, (uint32_t)counted, &is, why)) != AK_OK)
			return err;
	}
	*uid = (uint32_t)counted;
	return AK_OK;
}

/* What was counted past was given, and may have been a deleted key's. */
static enum ak_err
check_not_counted(struct dirkeys *d, uint32_t uid, struct diag *why)
{
	uint64_t counted = 0;
	enum ak_err err;

	if (d->directory->counter[0] == '\0')
		return AK_OK;
	err = d->calls->read(
	    d->server, d->directory->counter, DIRTEXT_COUNTER_ATTRIBUTE, &counted, why);
	if (err == AK_ERR_NOT_FOUND)
		return say_no_counter(d, why);
	if (err == AK_OK && uid < counted)
		err = diag_because(why, AK_ERR_DENIED,
		    "uid %u may have been a deleted key's, as %s of %s stands at %llu: take "
		    "that or a higher one, or leave out --uid",
		    uid, DIRTEXT_COUNTER_ATTRIBUTE, d->directory->counter,
		    (unsigned long long)counted);
	return err;
}

enum ak_err
dirkeys_check_uid(struct dirkeys *d, uint32_t uid, struct diag *why)
{
	struct id_range r = d->directory->uids;
	bool is = false;
	enum ak_err err;

	if (!id_range_has(r, uid))
		return diag_because(why, AK_ERR_INVALID,
		    "uid %u is not in directory.uid_range %u-%u", uid, r.min, r.max);
	if ((err = is_free_uid(d, uid, &is, why)) != AK_OK)
		return err;
	if (!is)
		return diag_because(
		    why, AK_ERR_EXISTS, "uid %u is another key's in the directory", uid);
	return check_not_counted(d, uid, why);
}

/* Never by uid: two entries may have the same. */
static struct dirkeys_entry *
find_entry(const struct dirkeys *d, const struct key_record *k)
{
	struct dirkeys_entry *e = d->first;

	while (e != NULL && (strcmp(e->id, k->id) != 0 || strcmp(e->name, k->name) != 0))
		e = e->next;
	return e;
}

static enum ak_err
plan_new(struct dirkeys *d, const struct key_record *k)
{
	struct dirkeys_entry *e = dirkeys_note(d, k);
	struct text dn;

	if (e == NULL)
		return AK_ERR_NOMEM;
	e->plan = PLAN_ADD;
	/* A key's name needs no escapes in a DN. */
	dn = text_over(e->dn, sizeof(e->dn));
	text_add(
	    &dn, "%s=%s,%s", dirtext_attribute(SLOT_NAME), k->name, d->directory->keys.base);
	return dn.cut ? AK_ERR_RANGE : dirkeys_values(k, e->after);
}

enum ak_err
dirkeys_put(struct dirkeys *d, const struct key_record *k)
{
	struct dirkeys_entry *e = find_entry(d, k);

	if (e == NULL)
		return plan_new(d, k);
	e->plan = PLAN_CHANGE;
	return dirkeys_values(k, e->after);
}

enum ak_err
dirkeys_remove(struct dirkeys *d, const struct key_record *k)
{
	struct dirkeys_entry *e = find_entry(d, k);

	if (e == NULL)
		return AK_ERR_NOT_FOUND;
	e->plan = PLAN_REMOVE;
	return AK_OK;
}

static bool
same_values(const struct pack *a, const struct pack *b)
{
	return a->len_b == b->len_b &&
	       (a->len_b == 0 || memcmp(a->bytes, b->bytes, a->len_b) == 0);
}

/* Of a, what b lacks. */
static void
subtract(struct strv a, struct strv b, struct pack *out)
{
	strv_for (a, value) {
		if (!strv_has(b, value))
			pack_entry(out, value);
	}
}

static enum ak_err
add(struct dirkeys *d, const struct dirkeys_entry *e, struct diag *why)
{
	struct dirserver_change values[SLOT_COUNT + 1];
	enum ak_err err;
	size_t n = 0;

	values[n++] = (struct dirserver_change){.attribute = "objectClass",
	    .fresh = {.bytes = DIRTEXT_OBJECT_CLASS, .len_b = sizeof(DIRTEXT_OBJECT_CLASS)}};
	for (int slot = 0; slot < SLOT_COUNT; slot++)
		if (e->after[slot].len_b > 0)
			values[n++] = (struct dirserver_change){
			    .attribute = dirtext_attribute((enum directory_slot)slot),
			    .fresh = pack_borrow_strv(&e->after[slot])};
	err = d->calls->add(d->server, e->dn, values, n, why);
	if (err == AK_ERR_EXISTS)
		return diag_because(why, err,
		    "there is a key %s in the directory already: see `apikey show %s --in "
		    "directory`",
		    e->name, e->name);
	if (err == AK_ERR_NOT_FOUND)
		return diag_because(why, AK_ERR_DENIED,
		    "the directory has no entry %s: make it as the example tree.ldif does",
		    d->directory->keys.base);
	return err;
}

/* Value by value: so of two who change the same thing at once, one is refused by any server. */
static enum ak_err
change(struct dirkeys *d, const struct dirkeys_entry *e, struct diag *why)
{
	struct dirserver_change changes[SLOT_COUNT];
	struct pack gone[SLOT_COUNT] = {PACK_INIT}, fresh[SLOT_COUNT] = {PACK_INIT};
	enum ak_err err = AK_OK;
	size_t n = 0;

	for (int slot = 0; slot < SLOT_COUNT && err == AK_OK; slot++) {
		struct strv raw = pack_borrow_strv(&e->raw[slot]);
		struct strv after = pack_borrow_strv(&e->after[slot]);

		if (same_values(&e->before[slot], &e->after[slot]))
			continue;
		subtract(raw, after, &gone[slot]);
		subtract(after, raw, &fresh[slot]);
		err = gone[slot].err != AK_OK ? gone[slot].err : fresh[slot].err;
		if (gone[slot].len_b > 0 || fresh[slot].len_b > 0)
			changes[n++] = (struct dirserver_change){
			    .attribute = dirtext_attribute((enum directory_slot)slot),
			    .gone = pack_borrow_strv(&gone[slot]),
			    .fresh = pack_borrow_strv(&fresh[slot])};
	}
	if (err == AK_OK && n > 0)
		err = d->calls->change(d->server, e->dn, e->version, changes, n, why);
	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		pack_wipe(&gone[slot]);
		pack_wipe(&fresh[slot]);
	}
	return err;
}

static enum ak_err
write_entry(struct dirkeys *d, const struct dirkeys_entry *e, struct diag *why)
{
	enum ak_err err = AK_OK;

	if (e->plan == PLAN_ADD)
		return add(d, e, why);
	if (e->plan == PLAN_CHANGE)
		err = change(d, e, why);
	else if (e->plan == PLAN_REMOVE)
		err = d->calls->remove(d->server, e->dn, e->version, why);
	if (err == AK_ERR_ROLLBACK || err == AK_ERR_NOT_FOUND)
		return diag_because(why, AK_ERR_DENIED,
		    "%s was changed meanwhile by somebody else: look at it, and try again",
		    e->name);
	return err;
}

enum ak_err
dirkeys_commit(struct dirkeys *d, struct diag *why)
{
	enum ak_err err = AK_OK;

	for (struct dirkeys_entry *e = d->first; e != NULL && err == AK_OK; e = e->next) {
		if (e->plan == PLAN_NONE)
			continue;
		err = write_entry(d, e, why);
		e->written = err == AK_OK;
	}
	return err;
}

bool
dirkeys_has_written(const struct dirkeys *d, const struct key_record *k)
{
	const struct dirkeys_entry *e = find_entry(d, k);

	return e != NULL && e->written;
}
