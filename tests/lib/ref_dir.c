#include "ref_dir.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dirtext.h"
#include "role.h"
#include "testlib_cmocka.h"

static struct ref_entry *
find(struct ref_set *set, enum directory_search_id s, const unsigned char *uuid)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].e.search == s &&
		    memcmp(set->v[i].e.uuid, uuid, DIRECTORY_UUID_B) == 0)
			return &set->v[i];
	return NULL;
}

static struct ref_entry *
place(struct ref_set *set, enum directory_search_id s, const unsigned char *uuid)
{
	struct ref_entry *r = find(set, s, uuid);

	if (r == NULL) {
		assert_true(set->n < REF_DIR_MAX);
		r = &set->v[set->n++];
		*r = (struct ref_entry){.bytes = PACK_INIT, .e.search = s};
		memcpy(r->e.uuid, uuid, DIRECTORY_UUID_B);
	}
	return r;
}

static void
fill(struct ref_entry *r, const struct directory_entry *e)
{
	pack_clear(&r->bytes);
	directory_entry_pack(e, &r->bytes);
	assert_err("", AK_OK, directory_entry_unpack(r->bytes.bytes, r->bytes.len_b, &r->e));
	r->is = true;
}

static void
set_clear(struct ref_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		pack_clear(&set->v[i].bytes);
	set->n = 0;
}

static void
forget_refresh(struct ref_dir *d, size_t s)
{
	set_clear(&d->staged[s]);
	d->open[s] = false;
}

void
ref_dir_put(struct ref_dir *d, const struct directory_entry *e)
{
	struct ref_set *to = d->open[e->search] ? &d->staged[e->search] : &d->now;
	struct ref_entry *r = place(to, e->search, e->uuid);

	fill(r, e);
	r->named = true;
}

void
ref_dir_gone(struct ref_dir *d, enum directory_search_id s, const unsigned char *uuid)
{
	struct ref_entry *r =
	    d->open[s] ? place(&d->staged[s], s, uuid) : find(&d->now, s, uuid);

	if (r != NULL)
		r->is = r->named = false;
}

void
ref_dir_begin(struct ref_dir *d, enum directory_search_id s)
{
	set_clear(&d->staged[s]);
	d->open[s] = true;
}

void
ref_dir_present(struct ref_dir *d, enum directory_search_id s, const unsigned char *uuid)
{
	place(&d->staged[s], s, uuid)->named = true;
}

void
ref_dir_end(struct ref_dir *d, enum directory_search_id s, bool drop_unnamed)
{
	for (size_t i = 0; i < d->now.n; i++) {
		struct ref_entry *r = &d->now.v[i];

		if (drop_unnamed && r->e.search == s &&
		    find(&d->staged[s], s, r->e.uuid) == NULL)
			r->is = false;
	}
	for (size_t i = 0; i < d->staged[s].n; i++) {
		const struct ref_entry *from = &d->staged[s].v[i];

		if (from->is)
			fill(place(&d->now, s, from->e.uuid), &from->e);
		else if (!from->named && find(&d->now, s, from->e.uuid) != NULL)
			find(&d->now, s, from->e.uuid)->is = false;
	}
	forget_refresh(d, s);
}

void
ref_dir_abort(struct ref_dir *d)
{
	for (size_t s = 0; s < REF_DIR_SEARCHES; s++)
		forget_refresh(d, s);
}

void
ref_dir_forget(struct ref_dir *d, enum directory_search_id s)
{
	for (size_t i = 0; i < d->now.n; i++)
		if (d->now.v[i].e.search == s)
			d->now.v[i].is = false;
	forget_refresh(d, s);
}

static void
keys_clear(struct ref_key *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pack_clear(&v[i].record);
		pack_clear(&v[i].membership);
	}
}

void
ref_dir_clear(struct ref_dir *d)
{
	ref_dir_abort(d);
	set_clear(&d->now);
	keys_clear(d->key, d->n_keys);
	keys_clear(d->before, d->n_before);
}

static bool
is_entry(const struct ref_entry *r, enum directory_search_id s)
{
	return r->is && r->e.search == s;
}

static bool
clashes(const struct ref_dir *d, const struct ref_entry *r, const struct key_record *k)
{
	struct key_record o;

	for (size_t i = 0; i < d->now.n; i++) {
		const struct ref_entry *other = &d->now.v[i];

		if (other != r && is_entry(other, DIRECTORY_KEYS) &&
		    dirtext_key_of_entry(&other->e, &o, NULL) == AK_OK &&
		    (strcmp(o.name, k->name) == 0 || strcmp(o.id, k->id) == 0 ||
			o.uid == k->uid))
			return true;
	}
	return false;
}

static bool
is_local(const struct model_host *host, const struct key_record *k)
{
	size_t i = 0;

	strv_for (host->local_keys, name)
		if (strcmp(name, k->name) == 0 || host->local_uids[i++] == k->uid)
			return true;
	return strv_has(host->local_ids, k->id);
}

static bool
was_anothers(const struct ref_dir *d, const struct key_record *k)
{
	for (size_t i = 0; i < d->n_past; i++)
		if (d->past[i].uid == k->uid && strcmp(d->past[i].id, k->id) != 0)
			return true;
	return false;
}

static bool
is_served(const struct ref_dir *d, const struct model_host *host, const struct ref_entry *r,
    struct key_record *k)
{
	return is_entry(r, DIRECTORY_KEYS) && dirtext_key_of_entry(&r->e, k, NULL) == AK_OK &&
	       id_range_has(host->settings->directory.uids, k->uid) && !clashes(d, r, k) &&
	       !is_local(host, k) && !was_anothers(d, k) &&
	       !host->name_taken(host->ctx, k->name) && !host->id_taken(host->ctx, k->uid);
}

static void
forget_past(struct ref_dir *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_past; i++) {
		const struct ref_entry *r = find(&d->now, DIRECTORY_KEYS, d->past[i].uuid);

		if (r != NULL && r->is)
			d->past[n++] = d->past[i];
	}
	d->n_past = n;
}

static void
remember(struct ref_dir *d, const struct ref_entry *r, const struct key_record *k)
{
	size_t i = 0;

	while (i < d->n_past && d->past[i].uid != k->uid)
		i++;
	assert_true(i < REF_DIR_MAX);
	d->past[i].uid = k->uid;
	memcpy(d->past[i].id, k->id, sizeof(k->id));
	memcpy(d->past[i].uuid, r->e.uuid, DIRECTORY_UUID_B);
	if (i == d->n_past)
		d->n_past++;
}

static bool
is_group(const struct ref_entry *g)
{
	if (is_entry(g, DIRECTORY_GROUPS))
		strv_for (g->e.values[SLOT_NAME], name)
			if (text_is_line(name, IDP_GROUP_MAX_B))
				return true;
	return false;
}

static bool
claims(const struct ref_entry *p, const char *name)
{
	strv_for (p->e.values[SLOT_NAME], own)
		if (strcasecmp(own, name) == 0)
			return true;
	return false;
}

/* "": none; NULL: more than one. */
static const char *
principal_dn(const struct ref_dir *d, const char *name)
{
	const char *dn = "";
	size_t n = 0;

	for (size_t i = 0; i < d->now.n; i++)
		if (is_entry(&d->now.v[i], DIRECTORY_PRINCIPALS) && claims(&d->now.v[i], name)) {
			dn = d->now.v[i].e.dn;
			n++;
		}
	return n > 1 ? NULL : dn;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
gather(const struct ref_dir *d, const bool *in, enum directory_slot slot, struct pack *out)
{
	const char *v[2048];
	struct binding b;
	size_t n = 0;

	for (size_t i = 0; i < d->now.n; i++) {
		if (!in[i])
			continue;
		strv_for (d->now.v[i].e.values[slot], text)
			if (slot == SLOT_NAME ? text_is_line(text, IDP_GROUP_MAX_B)
					      : binding_parse(text, &b, NULL) == AK_OK)
				v[n++] = text;
	}
	qsort(v, n, sizeof(v[0]), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(v[i], v[i - 1]) != 0)
			pack_entry(out, v[i]);
}

static void
add_key(struct ref_dir *d, const struct model_host *host, struct ref_key *k, const char *dn)
{
	bool in[REF_DIR_MAX] = {false}, more = true;
	struct pack names = PACK_INIT, bindings = PACK_INIT;

	for (size_t i = 0; i < d->now.n; i++) {
		const struct ref_entry *g = &d->now.v[i];

		in[i] = is_group(g) && (strv_has(g->e.values[SLOT_MEMBER_NAME], k->name) ||
					   strv_has(g->e.values[SLOT_MEMBER_DN], dn));
	}
	while (more && host->settings->directory.nested) {
		more = false;
		for (size_t g = 0; g < d->now.n; g++)
			for (size_t h = 0; h < d->now.n; h++)
				if (in[g] && !in[h] && is_group(&d->now.v[h]) &&
				    strv_has(
					d->now.v[h].e.values[SLOT_MEMBER_DN], d->now.v[g].e.dn))
					in[h] = more = true;
	}
	gather(d, in, SLOT_NAME, &names);
	gather(d, in, SLOT_BINDING, &bindings);
	membership_pack(pack_borrow_strv(&names), pack_borrow_strv(&bindings), &k->membership);
	pack_clear(&names);
	pack_clear(&bindings);
	assert_true(d->n_keys < REF_DIR_MAX);
	d->key[d->n_keys++] = *k;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct ref_key *)a)->name, ((const struct ref_key *)b)->name);
}

static bool
same(const struct pack *a, const struct pack *b)
{
	return a->len_b == b->len_b &&
	       (a->len_b == 0 || memcmp(a->bytes, b->bytes, a->len_b) == 0);
}

static void
note(struct ref_dir *d, uint32_t uid)
{
	for (size_t i = 0; i < d->n_uids; i++)
		if (d->uids[i] == uid)
			return;
	d->uids[d->n_uids++] = uid;
}

/* Those of a that b has not just so. */
static void
note_others(
    struct ref_dir *d, const struct ref_key *a, size_t n_a, const struct ref_key *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++) {
		const struct ref_key *twin = NULL;

		for (size_t j = 0; j < n_b; j++)
			if (strcmp(a[i].name, b[j].name) == 0)
				twin = &b[j];
		if (twin == NULL || !same(&twin->membership, &a[i].membership))
			d->memberships_differ = true;
		if (twin == NULL ? !a[i].local : !same(&twin->record, &a[i].record))
			d->records_differ = true;
		if (twin == NULL || twin->uid != a[i].uid || twin->local != a[i].local ||
		    !same(&twin->record, &a[i].record) ||
		    !same(&twin->membership, &a[i].membership))
			note(d, a[i].uid);
	}
}

void
ref_dir_settle(struct ref_dir *d, const struct model_host *host)
{
	const struct ref_entry *served[REF_DIR_MAX];
	struct key_record k;
	size_t i = 0, n_served = 0;

	keys_clear(d->before, d->n_before);
	memcpy(d->before, d->key, sizeof(d->before));
	d->n_before = d->n_keys;
	d->n_keys = d->n_uids = 0;
	d->records_differ = d->memberships_differ = false;
	forget_past(d);
	for (size_t j = 0; j < d->now.n; j++)
		if (is_served(d, host, &d->now.v[j], &k))
			served[n_served++] = &d->now.v[j];
	for (size_t j = 0; j < n_served; j++) {
		struct ref_key key = {.local = false};

		assert_err("", AK_OK, dirtext_key_of_entry(&served[j]->e, &k, NULL));
		memcpy(key.name, k.name, sizeof(key.name));
		key.uid = k.uid;
		key_record_pack(&k, &key.record);
		add_key(d, host, &key, served[j]->e.dn);
		remember(d, served[j], &k);
	}
	strv_for (host->local_keys, name) {
		struct ref_key key = {.local = true, .uid = host->local_uids[i++]};

		assert_err("", AK_OK, text_copy(key.name, sizeof(key.name), name));
		add_key(
		    d, host, &key, principal_dn(d, name) == NULL ? "" : principal_dn(d, name));
		if (principal_dn(d, name) == NULL)
			pack_clear(&d->key[d->n_keys - 1].membership);
	}
	qsort(d->key, d->n_keys, sizeof(d->key[0]), by_name);
	note_others(d, d->key, d->n_keys, d->before, d->n_before);
	note_others(d, d->before, d->n_before, d->key, d->n_keys);
}
