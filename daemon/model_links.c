#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

#include "dirtext.h"
#include "hash.h"
#include "role.h"

/* What a node's entry says now, before it takes the place of what it said. */
struct draft {
	struct model *m;
	struct link *v;
	size_t n, cap;
	struct blob *derived;
	uint32_t uid;
	struct diag why; /* why it is not used, or not all of it */
};

/* An atom that is named twice is linked once. */
static enum ak_err
draft_link(struct draft *d, enum atom_kind kind, const char *text)
{
	struct atom *a = atom_intern(d->m, kind, text);
	size_t cap = d->cap == 0 ? 4 : d->cap * 2;
	struct link *v;

	if (a == NULL)
		return AK_ERR_NOMEM;
	if (a->mark == d->m->mark)
		return AK_OK;
	if (d->n == d->cap) {
		if ((v = reallocarray(d->v, cap, sizeof(*v))) == NULL)
			return AK_ERR_NOMEM;
		d->v = v;
		d->cap = cap;
	}
	a->mark = d->m->mark;
	d->v[d->n++] = (struct link){.atom = a};
	return AK_OK;
}

/* As directory-keys.idx has it. */
static struct blob *
key_blob(const struct key_record *k, const struct pack *p)
{
	struct record_key id = record_key_text(RECORD_ID, k->id);
	struct record_key name = record_key_text(RECORD_NAME, k->name);
	struct record_key uid = record_key_number(RECORD_UID, k->uid);
	const struct index_key keys[] = {
	    {id.bytes, id.len_b}, {name.bytes, name.len_b}, {uid.bytes, uid.len_b}};

	return blob_record(p, ORDER_KEYS, k->uid, keys, 3);
}

static enum ak_err
draft_key(struct draft *d, const struct directory_entry *e)
{
	struct key_record k = KEY_RECORD_INIT, back;
	struct pack p = PACK_INIT;
	char uid[16];
	struct text t = text_over(uid, sizeof(uid));
	enum ak_err err;

	if (dirtext_key_of_entry(e, &k, &d->why) != AK_OK) {
		key_record_clear(&k);
		return AK_OK;
	}
	key_record_pack(&k, &p);
	/* One record that can't be read back would stop every walk over the file. */
	if (p.err == AK_OK && key_record_unpack(p.bytes, p.len_b, &back) != AK_OK) {
		(void)diag_because(&d->why, AK_ERR_INVALID, "it is no key");
		key_record_clear(&k);
		pack_wipe(&p);
		return AK_OK;
	}
	key_record_clear(&back);
	d->uid = k.uid;
	text_add(&t, "%u", k.uid);
	if ((d->derived = key_blob(&k, &p)) == NULL)
		err = AK_ERR_NOMEM;
	else if ((err = draft_link(d, ATOM_NAME, k.name)) == AK_OK &&
		 (err = draft_link(d, ATOM_ID, k.id)) == AK_OK)
		err = draft_link(d, ATOM_UID, uid);
	key_record_clear(&k);
	pack_wipe(&p);
	return err;
}

static bool
is_group_name(const char *s, struct diag *why)
{
	if (text_is_line(s, IDP_GROUP_MAX_B))
		return true;
	(void)diag_because(why, AK_ERR_INVALID,
	    "a name of the group is not one line of UTF-8 of 1 to %u bytes: it is not used",
	    IDP_GROUP_MAX_B);
	return false;
}

static bool
is_binding(const char *s, struct diag *why)
{
	struct diag because = DIAG_INIT;
	struct binding b;

	if (binding_parse(s, &b, &because) == AK_OK)
		return true;
	(void)diag_because(
	    why, AK_ERR_INVALID, "a role of the group is not used: %s", because.text);
	return false;
}

static void
pack_good(struct strv from, bool (*good)(const char *, struct diag *), struct pack *out,
    struct diag *why)
{
	strv_for (from, text)
		if (good(text, why))
			pack_entry(out, text);
}

static enum ak_err
draft_members(struct draft *d, const struct directory_entry *e)
{
	enum ak_err err = AK_OK;

	strv_for (e->values[SLOT_MEMBER_DN], dn)
		if (err == AK_OK)
			err = draft_link(d, ATOM_DN, dn);
	strv_for (e->values[SLOT_MEMBER_NAME], name)
		if (err == AK_OK)
			err = draft_link(d, ATOM_NAME, name);
	return err;
}

/* A group without a name gives nothing, and hands on nothing. */
static enum ak_err
draft_group(struct draft *d, const struct directory_entry *e)
{
	struct pack names = PACK_INIT, bindings = PACK_INIT, both = PACK_INIT;
	enum ak_err err = AK_OK;

	pack_good(e->values[SLOT_NAME], is_group_name, &names, &d->why);
	pack_good(e->values[SLOT_BINDING], is_binding, &bindings, &d->why);
	if (names.err != AK_OK || bindings.err != AK_OK) {
		err = AK_ERR_NOMEM;
	} else if (names.len_b == 0) {
		(void)diag_because(&d->why, AK_ERR_INVALID, "the group has no name");
	} else {
		membership_pack(pack_borrow_strv(&names), pack_borrow_strv(&bindings), &both);
		if ((d->derived = blob_new(&both)) == NULL)
			err = AK_ERR_NOMEM;
	}
	if (err == AK_OK && d->derived != NULL)
		err = draft_members(d, e);
	pack_clear(&names);
	pack_clear(&bindings);
	pack_clear(&both);
	return err;
}

/* The names in lower case, as local keys' are; what no key could be called is passed over. */
static enum ak_err
draft_principal(struct draft *d, const struct directory_entry *e)
{
	char lower[KEY_NAME_MAX + 1];
	enum ak_err err = AK_OK;

	strv_for (e->values[SLOT_NAME], name) {
		if (err != AK_OK || text_copy(lower, sizeof(lower), name) != AK_OK)
			continue;
		for (char *c = lower; *c != '\0'; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c - 'A' + 'a');
		if (text_is_key_name(lower))
			err = draft_link(d, ATOM_PRINCIPAL, lower);
	}
	return err;
}

static enum ak_err
draft_make(struct draft *d, const struct node *n)
{
	struct directory_entry e;
	enum ak_err err;

	d->m->mark++;
	if (n->bytes == NULL)
		return AK_OK;
	if (node_entry(n, &e) != AK_OK)
		return AK_ERR_CORRUPT;
	if ((err = draft_link(d, ATOM_DN, e.dn)) != AK_OK)
		return err;
	/* A group that lists itself is a member of its own DN: another link to the same atom. */
	d->m->mark++;
	if (n->search == DIRECTORY_KEYS)
		return draft_key(d, &e);
	return n->search == DIRECTORY_GROUPS ? draft_group(d, &e) : draft_principal(d, &e);
}

static void
touch_link(struct model *m, const struct node *n, const struct link *l)
{
	if (n->search == DIRECTORY_GROUPS && l != &n->links[LINK_DN])
		atom_touch_below(m, l->atom);
	else
		atom_touch(m, l->atom);
}

/* Members that came or went; of the others whatever the entry names. */
static void
touch_new(struct model *m, struct node *n, const struct link *old, size_t n_old)
{
	m->mark++;
	for (size_t i = 1; i < n_old; i++)
		old[i].atom->mark = m->mark;
	for (size_t i = 0; i < n->n_links; i++)
		if (i == 0 || n->search != DIRECTORY_GROUPS || n->links[i].atom->mark != m->mark)
			touch_link(m, n, &n->links[i]);
}

static const struct atom *
dn_of(const struct link *links, size_t n)
{
	return n == 0 ? NULL : links[LINK_DN].atom;
}

/* The draft becomes what the node says. Needs no memory. */
static void
draft_commit(struct draft *d, struct node *n)
{
	struct model *m = d->m;
	struct node old = *n;
	bool moved = dn_of(d->v, d->n) != dn_of(n->links, n->n_links);

	m->mark++;
	for (size_t i = 1; i < d->n; i++)
		d->v[i].atom->mark = m->mark;
	for (size_t i = 0; i < n->n_links; i++) {
		if (i == 0 || n->search != DIRECTORY_GROUPS || n->links[i].atom->mark != m->mark)
			touch_link(m, n, &n->links[i]);
		link_leave(&n->links[i]);
	}
	n->links = d->v;
	n->n_links = d->n;
	for (size_t i = 0; i < d->n; i++) {
		n->links[i].node = n;
		link_enter(&n->links[i], i > 0 && n->search == DIRECTORY_GROUPS);
	}
	touch_new(m, n, old.links, old.n_links);
	free(old.links);
	if (n->search == DIRECTORY_GROUPS && (moved || !blob_equal(n->derived, d->derived)))
		node_below(m, n);
	blob_drop(&n->derived);
	n->derived = d->derived;
	n->uid = d->uid;
	node_judge(m, n);
}

void
node_tell(struct model *m, struct node *n, const struct model_host *host, const char *why)
{
	struct directory_entry e;
	uint32_t told = why == NULL ? 0 : (uint32_t)hash_sip(m->seed, why, strlen(why)) | 1U;

	if (told == n->told)
		return;
	n->told = told;
	if (why != NULL && node_entry(n, &e) == AK_OK)
		host->skipped(host->ctx, e.dn, why);
}

static enum ak_err
relink(struct model *m, struct node *n, const struct model_host *host)
{
	struct draft d = {.m = m, .why = DIAG_INIT};
	enum ak_err err = draft_make(&d, n);

	if (err != AK_OK) {
		free(d.v);
		blob_drop(&d.derived);
		return err;
	}
	draft_commit(&d, n);
	if (n->bytes == NULL)
		past_touch(m, n);
	else if (d.why.text[0] != '\0')
		node_tell(m, n, host, d.why.text);
	else if (n->search == DIRECTORY_GROUPS)
		node_tell(m, n, host, NULL);
	return AK_OK;
}

enum ak_err
model_relink(struct model *m, const struct model_host *host)
{
	enum ak_err err;

	while (m->changed != NULL) {
		struct node *n = m->changed;

		if ((err = relink(m, n, host)) != AK_OK)
			return err;
		m->changed = n->next_changed;
		n->changed = false;
	}
	return AK_OK;
}
