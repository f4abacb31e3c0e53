#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

/* What becomes of the key that a name is the name of. */
struct standing {
	bool is; /* is there one? */
	uint32_t uid;
	struct blob *record; /* borrowed; NULL: local */
};

static struct standing
standing_of(const struct atom *name)
{
	const struct node *n = name->owners == NULL ? NULL : name->owners->node;

	if (name->local)
		return (struct standing){.is = true, .uid = name->local_uid};
	if (n != NULL && n->served)
		return (struct standing){true, n->uid, n->derived};
	return (struct standing){.is = false};
}

enum ak_err
model_note_uid(struct model *m, uint32_t uid)
{
	size_t cap = m->cap_uids == 0 ? 64 : m->cap_uids * 2;
	uint32_t *bigger;

	if (m->n_uids == m->cap_uids) {
		if ((bigger = reallocarray(m->uids, cap, sizeof(*bigger))) == NULL)
			return AK_ERR_NOMEM;
		m->uids = bigger;
		m->cap_uids = cap;
	}
	m->uids[m->n_uids++] = uid;
	return AK_OK;
}

void
known_free(struct known *k)
{
	blob_drop(&k->record);
	blob_drop(&k->membership);
	free(k);
}

static void
make_pending(struct model *m, struct known *k)
{
	if (k->pending)
		return;
	k->pending = true;
	k->next_pending = m->pending;
	m->pending = k;
}

/* Its place is empty from now on; it stays in the orders until they are made anew. */
static void
bury(struct model *m, struct atom *name)
{
	struct known *k = name->known;

	if (k == NULL)
		return;
	k->dead = true;
	name->known = NULL;
	if (k->record != NULL)
		m->keys_differ = true;
	make_pending(m, k);
}

/* If anything differs, it is the record alone. */
static bool
is_same_key(const struct known *k, const struct standing *s)
{
	return k != NULL && s->is && k->uid == s->uid &&
	       (k->record == NULL) == (s->record == NULL);
}

static enum ak_err
update(struct model *m, struct atom *name)
{
	struct standing s = standing_of(name);
	struct known *k = name->known, *fresh;
	enum ak_err err;

	if ((k == NULL && !s.is) || (is_same_key(k, &s) && blob_equal(k->record, s.record)))
		return AK_OK;
	if ((k != NULL && (err = model_note_uid(m, k->uid)) != AK_OK) ||
	    (s.is && (err = model_note_uid(m, s.uid)) != AK_OK))
		return err;
	if (is_same_key(k, &s)) {
		blob_drop(&k->record);
		k->record = blob_share(s.record);
		m->keys_differ = true;
		return AK_OK;
	}
	if (!s.is) {
		bury(m, name);
		m->groups_differ = true;
		return AK_OK;
	}
	if ((fresh = calloc(1, sizeof(*fresh))) == NULL)
		return AK_ERR_NOMEM;
	*fresh = (struct known){.name = name, .uid = s.uid, .record = blob_share(s.record)};
	fresh->membership = k == NULL ? NULL : blob_share(k->membership);
	bury(m, name);
	name->known = fresh;
	if (k == NULL)
		m->groups_differ = true;
	if (fresh->record != NULL)
		m->keys_differ = true;
	make_pending(m, fresh);
	return AK_OK;
}

enum ak_err
model_update_known(struct model *m)
{
	enum ak_err err = AK_OK;

	for (struct atom *a = m->touched; a != NULL && err == AK_OK; a = a->next_touched)
		if (a->kind == ATOM_NAME)
			err = update(m, a);
	return err;
}

typedef int known_cmp(const void *a, const void *b);

static int
by_name(const void *a, const void *b)
{
	const struct known *x = *(struct known *const *)a, *y = *(struct known *const *)b;

	return strcmp(x->name->text, y->name->text);
}

static int
by_uid(const void *a, const void *b)
{
	const struct known *x = *(struct known *const *)a, *y = *(struct known *const *)b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The first place from `at` on whose key isn't before k. */
static size_t
seek(const struct order *o, size_t at, struct known *const *k, known_cmp *cmp)
{
	size_t end = o->n;

	while (at < end) {
		size_t middle = at + (end - at) / 2;

		if (cmp(&o->v[middle], k) < 0)
			at = middle + 1;
		else
			end = middle;
	}
	return at;
}

static void
append(struct order *to, const struct order *from, size_t at, size_t end)
{
	if (end > at)
		memcpy(to->v + to->n, from->v + at, (end - at) * sizeof(*to->v));
	to->n += end - at;
}

/* o with the pending ones in or out, into `into`; what does not change is copied in long runs. */
static void
merge(struct order *o, struct known **pending, size_t n, known_cmp *cmp, struct known **into)
{
	struct order merged = {.v = into};
	size_t at = 0;

	if (n > 1)
		qsort(pending, n, sizeof(*pending), cmp);
	for (size_t i = 0; i < n; i++) {
		size_t to = seek(o, at, &pending[i], cmp);

		append(&merged, o, at, to);
		at = to;
		while (at < o->n && o->v[at]->dead && cmp(&o->v[at], &pending[i]) == 0)
			at++;
		if (!pending[i]->dead)
			merged.v[merged.n++] = pending[i];
	}
	append(&merged, o, at, o->n);
	free(o->v);
	*o = merged;
}

static void
let_go_of_pending(struct model *m)
{
	for (struct known *k = m->pending, *next; k != NULL; k = next) {
		next = k->next_pending;
		k->pending = false;
		if (k->dead)
			known_free(k);
	}
	m->pending = NULL;
}

enum ak_err
model_reorder(struct model *m)
{
	struct known **named, **numbered, **pending;
	size_t n = 0, n_numbered = 0;
	enum ak_err err = AK_ERR_NOMEM;

	for (const struct known *k = m->pending; k != NULL; k = k->next_pending)
		n++;
	if (n == 0)
		return AK_OK;
	named = reallocarray(NULL, m->by_name.n + n, sizeof(*named));
	numbered = reallocarray(NULL, m->by_uid.n + n, sizeof(*numbered));
	pending = reallocarray(NULL, n, sizeof(*pending));
	if (named == NULL || numbered == NULL || pending == NULL) {
		free(named);
		free(numbered);
		goto out;
	}
	n = 0;
	for (struct known *k = m->pending; k != NULL; k = k->next_pending)
		pending[n++] = k;
	merge(&m->by_name, pending, n, by_name, named);
	for (size_t i = 0; i < n; i++)
		if (pending[i]->record != NULL)
			pending[n_numbered++] = pending[i];
	merge(&m->by_uid, pending, n_numbered, by_uid, numbered);
	let_go_of_pending(m);
	err = AK_OK;
out:
	free(pending);
	return err;
}
