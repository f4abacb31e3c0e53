#include "testlib_ldap.h"

#include <string.h>

#include "testlib_cmocka.h"

static bool
name_taken(void *ctx, const char *name)
{
	const struct ldap_host *h = ctx;

	return strcmp(h->taken_name, name) == 0;
}

static bool
id_taken(void *ctx, uint32_t id)
{
	const struct ldap_host *h = ctx;

	return h->taken_id == id;
}

static void
skipped(void *ctx, const char *dn, const char *why)
{
	struct ldap_host *h = ctx;

	h->n_skipped++;
	assert_err("", AK_OK, text_copy(h->skipped_dn, sizeof(h->skipped_dn), dn));
	assert_err("", AK_OK, text_copy(h->skipped_why, sizeof(h->skipped_why), why));
}

const struct model_host *
ldap_host_look(struct ldap_host *h)
{
	h->h.settings = &h->settings;
	h->h.local_keys = pack_borrow_strv(&h->names);
	h->h.local_ids = pack_borrow_strv(&h->ids);
	h->h.local_uids = h->uids;
	h->h.name_taken = name_taken;
	h->h.id_taken = id_taken;
	h->h.skipped = skipped;
	h->h.ctx = h;
	return &h->h;
}

void
ldap_host_start(struct ldap_host *h)
{
	*h = (struct ldap_host){.taken_name = "", .names = PACK_INIT, .ids = PACK_INIT};
	settings_default(&h->settings);
	h->settings.directory.uids = (struct id_range){FIRST_UID, FIRST_UID + 5};
	h->settings.directory.nested = true;
	h->h.taken_version = 1;
}

void
ldap_host_end(struct ldap_host *h)
{
	pack_clear(&h->names);
	pack_clear(&h->ids);
}

void
ldap_host_local(struct ldap_host *h, size_t i, const char *name, uint32_t uid, const char *id)
{
	pack_entry(&h->names, name);
	pack_entry(&h->ids, id);
	h->uids[i] = uid;
}

void
ldap_draft_start(
    struct ldap_draft *d, enum directory_search_id search, unsigned uuid, const char *dn)
{
	memset(d, 0, sizeof(*d));
	d->e.search = search;
	d->e.uuid[0] = (unsigned char)search;
	d->e.uuid[DIRECTORY_UUID_B - 1] = (unsigned char)uuid;
	assert_err("", AK_OK, text_copy(d->dn, sizeof(d->dn), dn));
	d->e.dn = d->dn;
}

void
ldap_draft_say(struct ldap_draft *d, enum directory_slot slot, const char *value)
{
	pack_entry(&d->values[slot], value);
	d->e.values[slot] = pack_borrow_strv(&d->values[slot]);
}

void
ldap_draft_end(struct ldap_draft *d)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++)
		pack_clear(&d->values[s]);
}

enum ak_err
ldap_put(struct model *m, enum directory_search_id search, unsigned uuid, const char *dn,
    const struct ldap_value *v)
{
	struct ldap_draft d;
	enum ak_err err;

	ldap_draft_start(&d, search, uuid, dn);
	for (; v->slot != 0; v++)
		ldap_draft_say(&d, v->slot, v->text);
	err = model_put(m, &d.e);
	ldap_draft_end(&d);
	return err;
}
