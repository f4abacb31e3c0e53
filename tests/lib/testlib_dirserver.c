#include "testlib_dirserver.h"

#include <stdio.h>
#include <string.h>

#include "dirtext.h"
#include "testlib_cli.h"

static void
clear_values(struct fake_entry *e)
{
	for (int slot = 0; slot < SLOT_COUNT; slot++)
		pack_clear(&e->values[slot]);
}

static struct fake_entry *
entry_of(struct fake_directory *d, const char *dn)
{
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		if (d->entries[i].there && strcmp(d->entries[i].dn, dn) == 0)
			return &d->entries[i];
	return NULL;
}

static struct fake_entry *
entry_new(struct fake_directory *d, const char *dn)
{
	for (size_t i = 0; i < FAKE_ENTRIES; i++) {
		struct fake_entry *e = &d->entries[i];

		if (e->there)
			continue;
		memset(e, 0, sizeof(*e));
		e->there = true;
		(void)snprintf(e->dn, sizeof(e->dn), "%s", dn);
		return e;
	}
	return NULL;
}

static void
dn_of(const char *name, char out[256])
{
	(void)snprintf(out, 256, "apikeyName=%s," FAKE_BASE, name);
}

void
fake_put(struct fake_directory *d, const struct key_record *k)
{
	char dn[256];
	struct fake_entry *e;

	dn_of(k->name, dn);
	if ((e = entry_of(d, dn)) == NULL && (e = entry_new(d, dn)) == NULL)
		return;
	clear_values(e);
	e->version++;
	for (int slot = 0; slot < SLOT_COUNT; slot++)
		if (dirtext_attribute((enum directory_slot)slot) != NULL)
			dirtext_values_of_key(k, (enum directory_slot)slot, &e->values[slot]);
}

void
fake_drop(struct fake_directory *d, const char *name)
{
	char dn[256];
	struct fake_entry *e;

	dn_of(name, dn);
	if ((e = entry_of(d, dn)) == NULL)
		return;
	clear_values(e);
	e->there = false;
}

const char *
fake_value(const struct fake_directory *d, const char *name, enum directory_slot slot)
{
	char dn[256];

	dn_of(name, dn);
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		if (d->entries[i].there && strcmp(d->entries[i].dn, dn) == 0)
			return strv_next(pack_borrow_strv(&d->entries[i].values[slot]), NULL);
	return NULL;
}

void
fake_clear(struct fake_directory *d)
{
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		clear_values(&d->entries[i]);
	*d = (struct fake_directory){.next_uid = 0};
}

static enum ak_err
fake_open(void *ctx, const struct dirserver_login *login, void **server, struct diag *why)
{
	struct fake_directory *d = &((struct cli_test *)ctx)->directory;
	unsigned n = 0;

	if (d->refuses)
		return diag_because(why, AK_ERR_DENIED, "the bind failed");
	strv_for (login->uris, uri) {
		if (n++ < d->away)
			continue;
		d->opened++;
		d->login = *login;
		(void)snprintf(d->uri, sizeof(d->uri), "%s", uri);
		(void)snprintf(d->dn, sizeof(d->dn), "%s", login->dn == NULL ? "" : login->dn);
		(void)snprintf(d->password, sizeof(d->password), "%s",
		    login->password == NULL ? "" : login->password);
		*server = d;
		return AK_OK;
	}
	return diag_because(why, AK_ERR_UNAVAILABLE, "the server can't be reached");
}

static void
fake_close(void **server)
{
	((struct fake_directory *)*server)->closed++;
	*server = NULL;
}

static enum directory_slot
slot_of(const char *attribute)
{
	for (int slot = 0; slot < SLOT_COUNT; slot++) {
		const char *have = dirtext_attribute((enum directory_slot)slot);

		if (have != NULL && strcmp(have, attribute) == 0)
			return (enum directory_slot)slot;
	}
	return SLOT_COUNT; /* objectClass */
}

static bool
matches(const struct fake_entry *e, const struct dirserver_search *s)
{
	if (!e->there)
		return false;
	return s->attribute == NULL ||
	       strv_has(pack_borrow_strv(&e->values[slot_of(s->attribute)]), s->value);
}

static enum ak_err
fake_search(void *server, const struct dirserver_search *s, dirserver_take_fn *take, void *ctx,
    struct diag *why)
{
	struct fake_directory *d = server;
	enum ak_err err = AK_OK;

	if (d->no_base || strcmp(s->base, FAKE_BASE) != 0)
		return AK_ERR_NOT_FOUND;
	for (size_t i = 0; i < FAKE_ENTRIES && err == AK_OK; i++) {
		const struct fake_entry *have = &d->entries[i];
		struct directory_entry e = {.search = DIRECTORY_KEYS, .dn = have->dn};
		char version[16] = "";

		if (!matches(have, s))
			continue;
		if (!d->no_versions)
			(void)snprintf(version, sizeof(version), "%u", have->version);
		for (int slot = 0; slot < SLOT_COUNT; slot++)
			e.values[slot] = pack_borrow_strv(&have->values[slot]);
		err = take(ctx, &e, version, why);
	}
	return err;
}

static void
let_others_work(struct fake_directory *d)
{
	void (*meanwhile)(struct fake_directory * d) = d->meanwhile;

	d->meanwhile = NULL;
	if (meanwhile != NULL)
		meanwhile(d);
}

static enum ak_err
exchange(struct pack *values, const struct dirserver_change *c)
{
	struct pack out = PACK_INIT;

	strv_for (c->gone, gone) {
		if (!strv_has(pack_borrow_strv(values), gone))
			return AK_ERR_ROLLBACK;
	}
	strv_for (pack_borrow_strv(values), have) {
		if (!strv_has(c->gone, have))
			pack_entry(&out, have);
	}
	strv_for (c->fresh, fresh) {
		if (strv_has(pack_borrow_strv(&out), fresh)) {
			pack_clear(&out);
			return AK_ERR_ROLLBACK;
		}
		pack_entry(&out, fresh);
	}
	pack_clear(values);
	*values = out;
	return AK_OK;
}

static enum ak_err
exchange_all(struct fake_entry *e, const struct dirserver_change *c, size_t n)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < n && err == AK_OK; i++)
		if (slot_of(c[i].attribute) != SLOT_COUNT)
			err = exchange(&e->values[slot_of(c[i].attribute)], &c[i]);
	e->version++;
	return err;
}

static enum ak_err
fake_add(void *server, const char *dn, const struct dirserver_change *values, size_t n,
    struct diag *why)
{
	struct fake_directory *d = server;
	struct fake_entry *e;

	let_others_work(d);
	if (entry_of(d, dn) != NULL)
		return AK_ERR_EXISTS;
	if ((e = entry_new(d, dn)) == NULL)
		return diag_because(why, AK_ERR_UNAVAILABLE, "the pretence is full");
	d->written++;
	return exchange_all(e, values, n);
}

static enum ak_err
check_version(struct fake_directory *d, const char *dn, const char *version)
{
	const struct fake_entry *e;
	char now[16];

	let_others_work(d);
	if ((e = entry_of(d, dn)) == NULL)
		return AK_ERR_NOT_FOUND;
	(void)snprintf(now, sizeof(now), "%u", e->version);
	return version[0] == '\0' || strcmp(now, version) == 0 ? AK_OK : AK_ERR_ROLLBACK;
}

static enum ak_err
fake_change(void *server, const char *dn, const char *version,
    const struct dirserver_change *changes, size_t n, struct diag *why)
{
	struct fake_directory *d = server;
	enum ak_err err = check_version(d, dn, version);

	(void)why;
	if (err == AK_OK)
		err = exchange_all(entry_of(d, dn), changes, n);
	d->written += err == AK_OK ? 1 : 0;
	return err;
}

static enum ak_err
fake_remove(void *server, const char *dn, const char *version, struct diag *why)
{
	struct fake_directory *d = server;
	enum ak_err err = check_version(d, dn, version);
	struct fake_entry *e = entry_of(d, dn);

	(void)why;
	if (err != AK_OK)
		return err;
	d->written++;
	clear_values(e);
	e->there = false;
	return AK_OK;
}

static enum ak_err
fake_count(
    void *server, const char *dn, const char *attribute, uint64_t *before, struct diag *why)
{
	struct fake_directory *d = server;

	(void)attribute;
	(void)why;
	if (d->next_uid == 0 || strcmp(dn, FAKE_COUNTER) != 0)
		return AK_ERR_NOT_FOUND;
	*before = d->next_uid++;
	return AK_OK;
}

const struct dirserver_calls fake_dirserver = {
    .open = fake_open,
    .close = fake_close,
    .search = fake_search,
    .add = fake_add,
    .change = fake_change,
    .remove = fake_remove,
    .count = fake_count,
};
