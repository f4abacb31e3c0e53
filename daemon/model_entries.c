#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

static uint32_t
hash_of(const struct model *m, unsigned search, const unsigned char *uuid)
{
	return (uint32_t)hash_sip(m->seed + search, uuid, DIRECTORY_UUID_B);
}

static struct node *
find(const struct model *m, struct table *t, unsigned search, const unsigned char *uuid)
{
	uint32_t hash = hash_of(m, search, uuid);

	for (struct slot *s = *table_head(t, hash); s != NULL; s = s->next) {
		struct node *n = (struct node *)s;

		if (s->hash == hash && memcmp(n->uuid, uuid, DIRECTORY_UUID_B) == 0)
			return n;
	}
	return NULL;
}

/* Not in a table yet. */
static struct node *
node_new(const struct model *m, unsigned search, const unsigned char *uuid)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->slot.hash = hash_of(m, search, uuid);
	n->search = (uint8_t)search;
	memcpy(n->uuid, uuid, DIRECTORY_UUID_B);
	return n;
}

static void
node_enter(struct model *m, struct node *n)
{
	table_enter(&m->nodes[n->search], &n->slot);
	n->next = NULL;
	n->at = m->end[n->search];
	*n->at = n;
	m->end[n->search] = &n->next;
}

void
node_leave(struct model *m, struct node *n)
{
	table_leave(&m->nodes[n->search], &n->slot);
	*n->at = n->next;
	if (n->next != NULL)
		n->next->at = n->at;
	else
		m->end[n->search] = n->at;
}

void
node_free(struct node *n)
{
	blob_drop(&n->bytes);
	blob_drop(&n->derived);
	free(n->links);
	free(n);
}

enum ak_err
node_entry(const struct node *n, struct directory_entry *out)
{
	struct index_view v = blob_view(n->bytes);

	return directory_entry_unpack(v.value, v.value_len_b, out);
}

static void
differ(struct model *m, unsigned search)
{
	if (search == DIRECTORY_KEYS)
		m->keys_differ = true;
	else
		m->groups_differ = true;
}

static void
mark_changed(struct model *m, struct node *n)
{
	differ(m, n->search);
	if (n->changed)
		return;
	n->changed = true;
	n->next_changed = m->changed;
	m->changed = n;
}

static bool
is_search(unsigned search)
{
	return search >= DIRECTORY_KEYS && search <= DIRECTORY_PRINCIPALS;
}

/* Takes the bytes over. */
static void
set_bytes(struct model *m, struct node *n, struct blob **bytes)
{
	if (blob_equal(n->bytes, *bytes)) {
		blob_drop(bytes);
		return;
	}
	m->count[n->search] += (size_t)(*bytes != NULL) - (size_t)(n->bytes != NULL);
	blob_drop(&n->bytes);
	n->bytes = *bytes;
	*bytes = NULL;
	mark_changed(m, n);
}

static void
forget_staged(void *ctx, struct slot *s)
{
	(void)ctx;
	node_free((struct node *)s);
}

static void
refresh_clear(struct refresh *r)
{
	table_each(&r->named, forget_staged, NULL);
	table_clear(&r->named);
	r->open = false;
}

enum ak_err
model_begin(struct model *m, enum directory_search_id search)
{
	if (!is_search(search))
		return AK_ERR_INVALID;
	refresh_clear(&m->refresh[search]);
	m->refresh[search].open = true;
	return AK_OK;
}

void
model_abort(struct model *m)
{
	for (unsigned s = DIRECTORY_KEYS; s < SEARCHES; s++)
		refresh_clear(&m->refresh[s]);
}

/* The node that a refresh names, made if need be; NULL: out of memory. */
static struct node *
stage(struct model *m, unsigned search, const unsigned char *uuid)
{
	struct table *t = &m->refresh[search].named;
	struct node *n = find(m, t, search, uuid);

	if (n == NULL && (n = node_new(m, search, uuid)) != NULL)
		table_enter(t, &n->slot);
	return n;
}

static enum ak_err
pack_entry_bytes(struct model *m, const struct directory_entry *e, struct blob **out)
{
	/* One entry of LDAP may be found by two searches. */
	unsigned char bytes[2 + DIRECTORY_UUID_B] = {RECORD_ENTRY, (unsigned char)e->search};
	const struct index_key key = {bytes, sizeof(bytes)};
	struct directory_entry back;

	*out = NULL;
	m->scratch.len_b = 0;
	m->scratch.err = AK_OK;
	directory_entry_pack(e, &m->scratch);
	if (m->scratch.err != AK_OK)
		return m->scratch.err;
	if (directory_entry_unpack(m->scratch.bytes, m->scratch.len_b, &back) != AK_OK)
		return AK_ERR_INVALID;
	memcpy(bytes + 2, e->uuid, DIRECTORY_UUID_B);
	*out = blob_record(&m->scratch, ORDER_REST, 0, &key, 1);
	return *out == NULL ? AK_ERR_NOMEM : AK_OK;
}

enum ak_err
model_put(struct model *m, const struct directory_entry *e)
{
	struct blob *bytes;
	struct node *n;
	enum ak_err err = pack_entry_bytes(m, e, &bytes);

	if (err != AK_OK)
		return err;
	if (m->refresh[e->search].open) {
		if ((n = stage(m, e->search, e->uuid)) == NULL) {
			blob_drop(&bytes);
			return AK_ERR_NOMEM;
		}
		blob_drop(&n->bytes);
		n->bytes = bytes;
		n->absent = false;
		return AK_OK;
	}
	if ((n = find(m, &m->nodes[e->search], e->search, e->uuid)) == NULL) {
		if ((n = node_new(m, e->search, e->uuid)) == NULL) {
			blob_drop(&bytes);
			return AK_ERR_NOMEM;
		}
		node_enter(m, n);
	}
	set_bytes(m, n, &bytes);
	return AK_OK;
}

/* Nothing of it counts when one does not fit: the caller begins the refresh anew. */
static enum ak_err
stage_all(
    struct model *m, unsigned search, const unsigned char *uuids, size_t n_uuids, bool absent)
{
	for (size_t i = 0; i < n_uuids; i++) {
		struct node *n = stage(m, search, uuids + i * DIRECTORY_UUID_B);

		if (n == NULL)
			return AK_ERR_NOMEM;
		if (absent)
			blob_drop(&n->bytes);
		n->absent = absent;
	}
	return AK_OK;
}

enum ak_err
model_present(
    struct model *m, enum directory_search_id search, const unsigned char *uuids, size_t n)
{
	if (!is_search(search) || !m->refresh[search].open)
		return AK_ERR_INVALID;
	return stage_all(m, search, uuids, n, false);
}

static void
drop_uuid(struct model *m, unsigned search, const unsigned char *uuid)
{
	struct node *n = find(m, &m->nodes[search], search, uuid);
	struct blob *none = NULL;

	if (n != NULL)
		set_bytes(m, n, &none);
}

enum ak_err
model_gone(
    struct model *m, enum directory_search_id search, const unsigned char *uuids, size_t n)
{
	if (!is_search(search))
		return AK_ERR_INVALID;
	if (m->refresh[search].open)
		return stage_all(m, search, uuids, n, true);
	for (size_t i = 0; i < n; i++)
		drop_uuid(m, search, uuids + i * DIRECTORY_UUID_B);
	return AK_OK;
}

/* What a refresh named, into the model: without memory of its own. */
static void
apply_staged(void *ctx, struct slot *s)
{
	struct model *m = ctx;
	struct node *staged = (struct node *)s;
	struct node *n = find(m, &m->nodes[staged->search], staged->search, staged->uuid);
	struct blob *bytes = staged->bytes;

	staged->bytes = NULL;
	if (n == NULL && bytes != NULL) {
		staged->absent = false;
		node_enter(m, staged);
		set_bytes(m, staged, &bytes);
		return;
	}
	if (bytes == NULL && !staged->absent && (n == NULL || n->bytes == NULL))
		m->lacks[staged->search] = true;
	if (n != NULL && (bytes != NULL || staged->absent))
		set_bytes(m, n, &bytes);
	node_free(staged);
}

static void
drop_unnamed(struct model *m, unsigned search)
{
	struct blob *none = NULL;

	for (struct node *n = m->first[search]; n != NULL; n = n->next)
		if (find(m, &m->refresh[search].named, search, n->uuid) == NULL)
			set_bytes(m, n, &none);
}

enum ak_err
model_end(struct model *m, enum directory_search_id search, bool drop,
    const unsigned char *cookie, size_t cookie_len_b)
{
	enum ak_err err;

	if (!is_search(search) || !m->refresh[search].open)
		return AK_ERR_INVALID;
	if ((err = model_set_cookie(m, search, cookie, cookie_len_b)) != AK_OK)
		return err;
	if (drop)
		drop_unnamed(m, search);
	m->lacks[search] = false;
	table_each(&m->refresh[search].named, apply_staged, m);
	table_clear(&m->refresh[search].named);
	m->refresh[search].open = false;
	return m->lacks[search] ? model_set_cookie(m, search, NULL, 0) : AK_OK;
}

bool
model_lacks(const struct model *m, enum directory_search_id search)
{
	return is_search(search) && m->lacks[search];
}

enum ak_err
model_set_cookie(
    struct model *m, enum directory_search_id search, const unsigned char *cookie, size_t len_b)
{
	struct cookie *c = &m->cookie[is_search(search) ? search : 0];
	unsigned char *bytes = NULL;

	if (!is_search(search))
		return AK_ERR_INVALID;
	if (c->len_b == len_b && (len_b == 0 || memcmp(c->bytes, cookie, len_b) == 0))
		return AK_OK;
	if (len_b > 0) {
		if ((bytes = malloc(len_b)) == NULL)
			return AK_ERR_NOMEM;
		memcpy(bytes, cookie, len_b);
	}
	free(c->bytes);
	*c = (struct cookie){bytes, len_b};
	return AK_OK;
}

const unsigned char *
model_borrow_cookie(const struct model *m, enum directory_search_id search, size_t *len_b)
{
	*len_b = is_search(search) ? m->cookie[search].len_b : 0;
	return *len_b == 0 ? NULL : m->cookie[search].bytes;
}

void
model_forget(struct model *m, enum directory_search_id search)
{
	struct blob *none = NULL;

	if (!is_search(search))
		return;
	refresh_clear(&m->refresh[search]);
	for (struct node *n = m->first[search]; n != NULL; n = n->next)
		set_bytes(m, n, &none);
	if (m->cookie[search].len_b > 0)
		differ(m, search);
	free(m->cookie[search].bytes);
	m->cookie[search] = (struct cookie){.bytes = NULL};
}

size_t
model_count(const struct model *m, enum directory_search_id search)
{
	return is_search(search) ? m->count[search] : 0;
}
