#include "dirkeys.h"

#include <stdlib.h>
#include <string.h>

#include "dirkeys_impl.h"
#include "diropts.h"
#include "dirtext.h"

/* Which server it is stands in the settings; what is wrong with them may be just that. */
static enum ak_err
check_settings(const struct cli *c, const struct live *live, struct diag *why)
{
	const struct diag *p = &live->problem;

	if (live->settings_ok)
		return AK_OK;
	return diag_say(why, AK_ERR_UNAVAILABLE, p->file[0] == '\0' ? c->paths.config : p->file,
	    p->line, p->col, "%s", p->text[0] == '\0' ? "cannot be used" : p->text);
}

enum ak_err
dirkeys_open(const struct cli *c, const struct args *a, const struct live *live,
    struct dirkeys **out, struct diag *why)
{
	struct dirkeys *d;
	struct diropts o;
	enum ak_err err;

	*out = NULL;
	if ((err = check_settings(c, live, why)) != AK_OK)
		return err;
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return AK_ERR_NOMEM;
	d->calls = c->host.directory;
	d->settings = &live->settings;
	d->directory = &live->settings.directory;
	d->end = &d->first;
	if ((err = diropts_login(c, a, d->directory, &o, why)) == AK_OK)
		err = d->calls->open(c->host.ctx, &o.login, &d->server, why);
	diropts_clear(&o);
	if (err != AK_OK) {
		free(d);
		return err;
	}
	*out = d;
	return AK_OK;
}

static void
entry_free(struct dirkeys_entry *e)
{
	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		pack_wipe(&e->raw[slot]);
		pack_wipe(&e->before[slot]);
		pack_wipe(&e->after[slot]);
	}
	free(e);
}

void
dirkeys_close(struct dirkeys **d)
{
	struct dirkeys_entry *e, *next;

	if (*d == NULL)
		return;
	for (e = (*d)->first; e != NULL; e = next) {
		next = e->next;
		entry_free(e);
	}
	(*d)->calls->close(&(*d)->server);
	free(*d);
	*d = NULL;
}

struct dirkeys_entry *
dirkeys_note(struct dirkeys *d, const struct key_record *k)
{
	struct dirkeys_entry *e = calloc(1, sizeof(*e));

	if (e == NULL || text_copy(e->name, sizeof(e->name), k->name) != AK_OK ||
	    text_copy(e->id, sizeof(e->id), k->id) != AK_OK) {
		free(e);
		return NULL;
	}
	*d->end = e;
	d->end = &e->next;
	return e;
}

enum ak_err
dirkeys_values(const struct key_record *k, struct pack values[SLOT_COUNT])
{
	enum ak_err err = AK_OK;

	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		if (dirtext_attribute((enum directory_slot)slot) == NULL)
			continue;
		dirtext_values_of_key(k, (enum directory_slot)slot, &values[slot]);
		if (err == AK_OK)
			err = values[slot].err;
	}
	return err;
}

/* The sentence about an entry that can't be used names it. */
static enum ak_err
say_entry(enum ak_err err, const char *dn, struct diag *why)
{
	char said[sizeof(why->text)];

	(void)!text_copy(said, sizeof(said), why->text);
	*why = DIAG_INIT;
	return diag_because(why, err == AK_ERR_INVALID ? AK_ERR_DENIED : err,
	    "the entry %.200s is no key that can be used: %.200s", dn, said);
}

/* A key of its own memory, with the home and shell that this host gives. */
static enum ak_err
copy_key(const struct settings *s, struct key_record *k, struct key *out)
{
	struct pack bytes = PACK_INIT;
	char home[PATH_CAP];
	enum ak_err err = settings_expand(s->home, k, home, sizeof(home));

	if (err != AK_OK)
		home[0] = '\0';
	k->home = home;
	k->shell = s->shell;
	key_record_pack(k, &bytes);
	k->home = k->shell = "";
	out->rec = KEY_RECORD_INIT;
	out->directory = true;
	out->raw.large = bytes.bytes;
	out->raw.view = (struct index_view){.bytes = bytes.bytes, .len_b = bytes.len_b};
	if ((err = bytes.err) == AK_OK)
		err = key_record_unpack(bytes.bytes, bytes.len_b, &out->rec);
	if (err != AK_OK)
		key_clear(out);
	return err;
}

/* A search for one key. */
struct one {
	struct dirkeys *d;
	struct key *out;
	unsigned n;
	char dn[256]; /* the first one's */
};

static enum ak_err
note_entry(struct dirkeys *d, const struct key_record *k, const struct directory_entry *e,
    const char *version)
{
	struct dirkeys_entry *noted = dirkeys_note(d, k);
	enum ak_err err;

	if (noted == NULL)
		return AK_ERR_NOMEM;
	if ((err = text_copy(noted->dn, sizeof(noted->dn), e->dn)) != AK_OK ||
	    (err = text_copy(noted->version, sizeof(noted->version), version)) != AK_OK)
		return err;
	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		pack_bytes(&noted->raw[slot], e->values[slot].bytes, e->values[slot].len_b);
		if (noted->raw[slot].err != AK_OK)
			return noted->raw[slot].err;
	}
	return dirkeys_values(k, noted->before);
}

static enum ak_err
take_one(void *ctx, const struct directory_entry *e, const char *version, struct diag *why)
{
	struct one *one = ctx;
	struct key_record k = KEY_RECORD_INIT;
	enum ak_err err;

	if (one->n++ > 0) {
		*why = DIAG_INIT;
		return diag_because(why, AK_ERR_DENIED,
		    "two entries are that key, and so neither is one: %.160s and %.160s; "
		    "delete one of them by ldapdelete",
		    one->dn, e->dn);
	}
	(void)snprintf(one->dn, sizeof(one->dn), "%s", e->dn);
	if ((err = dirtext_key_of_entry(e, &k, why)) != AK_OK)
		err = say_entry(err, e->dn, why);
	else if ((err = note_entry(one->d, &k, e, version)) == AK_OK)
		err = copy_key(one->d->settings, &k, one->out);
	if (err != AK_OK)
		one->n = 0; /* nothing is in out */
	key_record_clear(&k);
	return err;
}

static enum ak_err
say_no_base(const struct dirkeys *d, struct diag *why)
{
	return diag_because(why, AK_ERR_DENIED,
	    "the server shows no entry %s: make it as the example tree.ldif does, or bind as "
	    "somebody who may see it",
	    d->directory->keys.base);
}

static enum ak_err
find(struct dirkeys *d, enum directory_slot slot, const char *value, struct key *out,
    struct diag *why)
{
	const struct dirserver_search s = {.base = d->directory->keys.base,
	    .filter = d->directory->keys.filter,
	    .attribute = dirtext_attribute(slot),
	    .value = value};
	struct one one = {.d = d, .out = out};
	enum ak_err err = d->calls->search(d->server, &s, take_one, &one, why);

	if (err == AK_OK)
		return one.n == 1 ? AK_OK : AK_ERR_NOT_FOUND;
	if (one.n > 0)
		key_clear(out);
	return err == AK_ERR_NOT_FOUND ? say_no_base(d, why) : err;
}

enum ak_err
dirkeys_find_name(struct dirkeys *d, const char *name, struct key *out, struct diag *why)
{
	return find(d, SLOT_NAME, name, out, why);
}

enum ak_err
dirkeys_find_id(struct dirkeys *d, const char *id, struct key *out, struct diag *why)
{
	return find(d, SLOT_KEY_ID, id, out, why);
}

/* The keys that a list wants. */
struct wanted_keys {
	struct dirkeys *d;
	bool (*wanted)(void *ctx, const struct key_record *rec);
	void *ctx;
	struct key **v;
	size_t n, cap;
	unsigned skipped;
};

static enum ak_err
keep(struct wanted_keys *w, struct key_record *k)
{
	size_t cap = w->cap == 0 ? 256 : w->cap * 2;
	struct key **bigger, *key;
	enum ak_err err;

	if (w->n == w->cap) {
		if ((bigger = reallocarray(w->v, cap, sizeof(struct key *))) == NULL)
			return AK_ERR_NOMEM;
		w->v = bigger;
		w->cap = cap;
	}
	if ((key = malloc(sizeof(*key))) == NULL)
		return AK_ERR_NOMEM;
	if ((err = copy_key(w->d->settings, k, key)) != AK_OK)
		free(key);
	else
		w->v[w->n++] = key;
	return err;
}

static enum ak_err
take_wanted(void *ctx, const struct directory_entry *e, const char *version, struct diag *why)
{
	struct wanted_keys *w = ctx;
	struct key_record k = KEY_RECORD_INIT;
	enum ak_err err = dirtext_key_of_entry(e, &k, NULL);

	(void)version;
	(void)why;
	if (err == AK_ERR_INVALID) {
		w->skipped++;
		err = AK_OK;
	} else if (err == AK_OK && w->wanted(w->ctx, &k)) {
		err = keep(w, &k);
	}
	key_record_clear(&k);
	return err;
}

static int
by_name(const void *a, const void *b)
{
	const struct key *const *x = a, *const *y = b;

	return strcmp((*x)->rec.name, (*y)->rec.name);
}

enum ak_err
dirkeys_each(struct dirkeys *d, bool (*wanted)(void *ctx, const struct key_record *rec),
    enum ak_err (*take)(void *ctx, const struct key *k), void *ctx, unsigned *skipped,
    struct diag *why)
{
	const struct dirserver_search s = {
	    .base = d->directory->keys.base, .filter = d->directory->keys.filter};
	struct wanted_keys w = {.d = d, .wanted = wanted, .ctx = ctx};
	enum ak_err err = d->calls->search(d->server, &s, take_wanted, &w, why);

	if (err == AK_ERR_NOT_FOUND)
		err = say_no_base(d, why);
	if (w.n > 1)
		qsort(w.v, w.n, sizeof(w.v[0]), by_name);
	for (size_t i = 0; i < w.n; i++) {
		if (err == AK_OK)
			err = take(ctx, w.v[i]);
		key_clear(w.v[i]);
		free(w.v[i]);
	}
	free(w.v);
	*skipped = w.skipped;
	return err;
}
