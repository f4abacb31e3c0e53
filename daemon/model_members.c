#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"

/* The keys that an entry at a DN stands for are in other groups than before; a group's are looked at later. */
static void
below_entry(struct model *m, struct node *n)
{
	struct atom *name;

	if (n->search == DIRECTORY_KEYS && n->served)
		atom_touch(m, n->links[LINK_NAME].atom);
	if (n->search == DIRECTORY_GROUPS && m->nested)
		node_below(m, n);
	if (n->search != DIRECTORY_PRINCIPALS)
		return;
	for (size_t i = 1; i < n->n_links; i++)
		if ((name = atom_find(m, ATOM_NAME, n->links[i].atom->text)) != NULL)
			atom_touch(m, name);
}

static void
below_atom(struct model *m, const struct atom *a)
{
	if (a->kind == ATOM_DN)
		for (const struct link *l = a->owners; l != NULL; l = l->next)
			below_entry(m, l->node);
}

/*
 * Down from the groups that changed, and from the DNs that were entered in a
 * group or struck off. The way down is that of now: where a key was below a
 * link that is gone, it still is below that link's lower end, or below one
 * that is gone too. Both lists grow at their ends meanwhile.
 */
void
model_go_below(struct model *m)
{
	struct atom **a = &m->below_atoms;
	struct node **n = &m->below;

	while (*a != NULL || *n != NULL) {
		if (*a != NULL) {
			below_atom(m, *a);
			a = &(*a)->next_below;
			continue;
		}
		for (size_t i = 1; i < (*n)->n_links; i++)
			atom_touch_below(m, (*n)->links[i].atom);
		n = &(*n)->next_below;
	}
	for (struct atom *done = m->below_atoms; done != NULL; done = done->next_below)
		done->below = false;
	for (struct node *done = m->below; done != NULL; done = done->next_below)
		done->below = false;
	m->below_atoms = NULL;
	m->below_atoms_end = &m->below_atoms;
	m->below = NULL;
	m->below_end = &m->below;
}

/* A membership being worked out. */
struct gather {
	struct model *m;
	struct node *up; /* groups that are still to be asked who lists them */
	struct node **groups;
	size_t n, cap;
};

static enum ak_err
gather_group(struct gather *g, struct node *n)
{
	size_t cap = g->cap == 0 ? 16 : g->cap * 2;
	struct node **bigger;

	if (n->mark == g->m->mark)
		return AK_OK;
	if (g->n == g->cap) {
		if ((bigger = reallocarray(g->groups, cap, sizeof(struct node *))) == NULL)
			return AK_ERR_NOMEM;
		g->groups = bigger;
		g->cap = cap;
	}
	n->mark = g->m->mark;
	g->groups[g->n++] = n;
	n->next_up = g->up;
	g->up = n;
	return AK_OK;
}

static enum ak_err
gather_atom(struct gather *g, const struct atom *a)
{
	enum ak_err err = AK_OK;

	for (const struct link *l = a == NULL ? NULL : a->listed_by; l != NULL && err == AK_OK;
	     l = l->next)
		err = gather_group(g, l->node);
	return err;
}

/*
 * Several principals claim a local key: which of them is it? One that anybody
 * adds must not take the key out of the groups that a rule refuses.
 */
static bool
is_in_doubt(struct model *m, const struct atom *name)
{
	const struct atom *by;

	if (name->known->record != NULL)
		return false;
	by = atom_find(m, ATOM_PRINCIPAL, name->text);
	return by != NULL && by->owners != NULL && by->owners->next != NULL;
}

/* The DN that stands for a key: its entry's, or its only principal's. */
static const struct atom *
dn_of_key(struct model *m, const struct atom *name)
{
	const struct atom *by = name;

	if (name->known->record == NULL)
		by = atom_find(m, ATOM_PRINCIPAL, name->text);
	if (by == NULL || by->owners == NULL || by->owners->next != NULL)
		return NULL;
	return by->owners->node->links[LINK_DN].atom;
}

static enum ak_err
gather_groups(struct gather *g, const struct atom *name)
{
	enum ak_err err;

	g->m->mark++;
	if ((err = gather_atom(g, name)) == AK_OK)
		err = gather_atom(g, dn_of_key(g->m, name));
	while (err == AK_OK && g->up != NULL && g->m->nested) {
		struct node *n = g->up;

		g->up = n->next_up;
		err = gather_atom(g, n->links[LINK_DN].atom);
	}
	return err;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct texts {
	const char **v;
	size_t n, cap;
};

static enum ak_err
add_texts(struct texts *t, struct strv from)
{
	strv_for (from, text) {
		if (t->n == t->cap) {
			size_t cap = t->cap == 0 ? 16 : t->cap * 2;
			const char **v = reallocarray(t->v, cap, sizeof(char *));

			if (v == NULL)
				return AK_ERR_NOMEM;
			t->v = v;
			t->cap = cap;
		}
		t->v[t->n++] = text;
	}
	return AK_OK;
}

/* Sorted, each once. */
static void
pack_texts(struct texts *t, struct pack *out)
{
	if (t->n > 1)
		qsort(t->v, t->n, sizeof(char *), by_text);
	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || strcmp(t->v[i - 1], t->v[i]) != 0)
			pack_entry(out, t->v[i]);
}

/* bindings false: the groups' names. */
static enum ak_err
pack_side(const struct gather *g, bool bindings, struct pack *out)
{
	struct texts t = {.v = NULL};
	struct strv side[2];
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < g->n && err == AK_OK; i++) {
		const struct blob *b = g->groups[i]->derived;

		err = membership_unpack(b->bytes, b->len_b, &side[0], &side[1]);
		if (err == AK_OK)
			err = add_texts(&t, side[bindings]);
	}
	pack_texts(&t, out);
	free(t.v);
	return err == AK_OK ? out->err : err;
}

/* As directory-groups.idx has it, where names follow each other in their order. */
static struct blob *
membership_blob(const char *name, const struct pack *p)
{
	struct record_key k = record_key_text(RECORD_NAME, name);
	const struct index_key key = {k.bytes, k.len_b};

	return blob_record(p, ORDER_KEYS, 0, &key, 1);
}

/* NULL: it can't be told. */
static enum ak_err
membership_of(struct model *m, const struct atom *name, struct blob **out)
{
	struct gather g = {.m = m};
	struct pack names = PACK_INIT, bindings = PACK_INIT;
	enum ak_err err;

	*out = NULL;
	if (is_in_doubt(m, name))
		return AK_OK;
	err = gather_groups(&g, name);
	if (err == AK_OK && (err = pack_side(&g, false, &names)) == AK_OK &&
	    (err = pack_side(&g, true, &bindings)) == AK_OK) {
		m->scratch.len_b = 0;
		m->scratch.err = AK_OK;
		membership_pack(
		    pack_borrow_strv(&names), pack_borrow_strv(&bindings), &m->scratch);
		*out = membership_blob(name->text, &m->scratch);
		err = *out == NULL ? AK_ERR_NOMEM : AK_OK;
	}
	free(g.groups);
	pack_clear(&names);
	pack_clear(&bindings);
	return err;
}

enum ak_err
model_update_memberships(struct model *m)
{
	struct blob *fresh;
	enum ak_err err;

	for (const struct atom *a = m->touched; a != NULL; a = a->next_touched) {
		if (a->kind != ATOM_NAME || a->known == NULL)
			continue;
		if ((err = membership_of(m, a, &fresh)) != AK_OK)
			return err;
		if (!blob_equal(a->known->membership, fresh)) {
			if ((err = model_note_uid(m, a->known->uid)) != AK_OK) {
				blob_drop(&fresh);
				return err;
			}
			m->groups_differ = true;
		}
		blob_drop(&a->known->membership);
		a->known->membership = fresh;
	}
	return AK_OK;
}
