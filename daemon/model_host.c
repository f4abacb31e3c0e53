#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

static char *
copy_bytes(struct strv v)
{
	char *copy = malloc(v.len_b + 1);

	if (copy != NULL && v.len_b > 0)
		memcpy(copy, v.bytes, v.len_b);
	return copy;
}

void
locals_free(struct locals *l)
{
	free(l->names);
	free(l->ids);
	free(l->uids);
	free(l->atoms);
	*l = (struct locals){.names = NULL};
}

static bool
same_locals(const struct locals *l, const struct model_host *host)
{
	struct strv names = {l->names, l->names_len_b}, ids = {l->ids, l->ids_len_b};
	size_t n = l->n;

	return names.len_b == host->local_keys.len_b && ids.len_b == host->local_ids.len_b &&
	       (names.len_b == 0 ||
		   (memcmp(names.bytes, host->local_keys.bytes, names.len_b) == 0 &&
		       memcmp(l->uids, host->local_uids, n * sizeof(*l->uids)) == 0)) &&
	       (ids.len_b == 0 || memcmp(ids.bytes, host->local_ids.bytes, ids.len_b) == 0);
}

static enum ak_err
add_atom(struct model *m, struct locals *l, enum atom_kind kind, const char *text)
{
	struct atom *a = atom_intern(m, kind, text);

	if (a == NULL)
		return AK_ERR_NOMEM;
	l->atoms[l->n_atoms++] = a;
	return AK_OK;
}

/* Names first, in their order, then uids, then ids. */
static enum ak_err
add_atoms(struct model *m, struct locals *l, const struct model_host *host)
{
	enum ak_err err = AK_OK;

	strv_for (host->local_keys, name)
		if (err == AK_OK)
			err = add_atom(m, l, ATOM_NAME, name);
	for (size_t i = 0; i < l->n && err == AK_OK; i++) {
		char uid[16];
		struct text t = text_over(uid, sizeof(uid));

		text_add(&t, "%u", l->uids[i]);
		err = add_atom(m, l, ATOM_UID, uid);
	}
	strv_for (host->local_ids, id)
		if (err == AK_OK)
			err = add_atom(m, l, ATOM_ID, id);
	return err;
}

static enum ak_err
locals_make(struct model *m, const struct model_host *host, struct locals *out)
{
	size_t n = strv_count(host->local_keys), n_ids = strv_count(host->local_ids);
	enum ak_err err = AK_OK;

	*out = (struct locals){.names = copy_bytes(host->local_keys),
	    .ids = copy_bytes(host->local_ids),
	    .names_len_b = host->local_keys.len_b,
	    .ids_len_b = host->local_ids.len_b,
	    .n = n,
	    .uids = reallocarray(NULL, n + 1, sizeof(*out->uids)),
	    .atoms = reallocarray(NULL, 2 * n + n_ids + 1, sizeof(struct atom *))};
	if (out->names == NULL || out->ids == NULL || out->uids == NULL || out->atoms == NULL)
		err = AK_ERR_NOMEM;
	if (err == AK_OK && n > 0)
		memcpy(out->uids, host->local_uids, n * sizeof(*out->uids));
	if (err == AK_OK)
		err = add_atoms(m, out, host);
	if (err != AK_OK)
		locals_free(out);
	return err;
}

/* From the old list to the new one; touched is what is on one of them alone. */
static void
swap_locals(struct model *m, struct locals *fresh)
{
	struct locals *old = &m->locals;

	m->mark++;
	for (size_t i = 0; i < fresh->n_atoms; i++) {
		struct atom *a = fresh->atoms[i];
		uint32_t uid = i < fresh->n ? fresh->uids[i] : 0;

		a->mark = m->mark;
		if (!a->local || a->local_uid != uid)
			atom_touch(m, a);
		a->local = true;
		a->local_uid = uid;
	}
	for (size_t i = 0; i < old->n_atoms; i++) {
		struct atom *a = old->atoms[i];

		if (a->mark == m->mark)
			continue;
		a->local = false;
		atom_touch(m, a);
	}
	locals_free(old);
	*old = *fresh;
}

enum ak_err
model_see_host(struct model *m, const struct model_host *host)
{
	const struct directory_settings *d = &host->settings->directory;
	struct locals fresh;
	enum ak_err err;

	if (!same_locals(&m->locals, host)) {
		if ((err = locals_make(m, host, &fresh)) != AK_OK)
			return err;
		swap_locals(m, &fresh);
	}
	if (host->taken_version == 0 || host->taken_version != m->taken_version ||
	    d->uids.min != m->range.min || d->uids.max != m->range.max)
		for (struct node *n = m->first[DIRECTORY_KEYS]; n != NULL; n = n->next)
			node_judge(m, n);
	m->taken_version = host->taken_version;
	m->range = d->uids;
	if (d->nested != m->nested)
		for (size_t i = 0; i < m->by_name.n; i++)
			atom_touch(m, m->by_name.v[i]->name);
	m->nested = d->nested;
	return AK_OK;
}
