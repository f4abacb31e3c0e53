#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

static uint32_t
hash_of(const struct model *m, enum atom_kind kind, const char *text, size_t len)
{
	return (uint32_t)hash_sip(m->seed + (uint64_t)kind, text, len);
}

static struct atom *
find_hashed(struct model *m, enum atom_kind kind, const char *text, uint32_t hash)
{
	for (struct slot *s = *table_head(&m->atoms, hash); s != NULL; s = s->next) {
		struct atom *a = (struct atom *)s;

		if (s->hash == hash && a->kind == kind && strcmp(a->text, text) == 0)
			return a;
	}
	return NULL;
}

struct atom *
atom_find(struct model *m, enum atom_kind kind, const char *text)
{
	return find_hashed(m, kind, text, hash_of(m, kind, text, strlen(text)));
}

struct atom *
atom_intern(struct model *m, enum atom_kind kind, const char *text)
{
	size_t len = strlen(text);
	uint32_t hash = hash_of(m, kind, text, len);
	struct atom *a = find_hashed(m, kind, text, hash);

	if (a != NULL || (a = calloc(1, sizeof(*a) + len + 1)) == NULL)
		return a;
	a->slot.hash = hash;
	a->kind = (uint8_t)kind;
	memcpy(a->text, text, len + 1);
	table_enter(&m->atoms, &a->slot);
	atom_touch(m, a);
	return a;
}

/* At the end, so that a walk over the list meets what it touches. */
void
atom_touch(struct model *m, struct atom *a)
{
	if (a->touched)
		return;
	a->touched = true;
	a->next_touched = NULL;
	*m->touched_end = a;
	m->touched_end = &a->next_touched;
}

void
atom_touch_below(struct model *m, struct atom *a)
{
	atom_touch(m, a);
	if (a->below)
		return;
	a->below = true;
	a->next_below = NULL;
	*m->below_atoms_end = a;
	m->below_atoms_end = &a->next_below;
}

void
node_judge(struct model *m, struct node *n)
{
	if (n->judge)
		return;
	n->judge = true;
	n->next_judge = m->judge;
	m->judge = n;
}

void
node_below(struct model *m, struct node *n)
{
	if (n->below)
		return;
	n->below = true;
	n->next_below = NULL;
	*m->below_end = n;
	m->below_end = &n->next_below;
}

void
link_enter(struct link *l, bool lists)
{
	l->at = lists ? &l->atom->listed_by : &l->atom->owners;
	l->next = *l->at;
	if (l->next != NULL)
		l->next->at = &l->next;
	*l->at = l;
}

void
link_leave(struct link *l)
{
	*l->at = l->next;
	if (l->next != NULL)
		l->next->at = l->at;
}

/* All were judged, those that are gone a last time. */
static void
tidy_nodes(struct model *m)
{
	for (struct node *n = m->judge, *next; n != NULL; n = next) {
		next = n->next_judge;
		n->judge = false;
		if (n->served)
			past_take(n);
		if (n->bytes == NULL && !n->changed) {
			past_drop(m, n);
			node_leave(m, n);
			node_free(n);
		}
	}
	m->judge = NULL;
}

void
model_tidy(struct model *m)
{
	tidy_nodes(m);
	for (struct atom *a = m->touched, *next; a != NULL; a = next) {
		next = a->next_touched;
		a->touched = false;
		if (a->owners == NULL && a->listed_by == NULL && a->known == NULL &&
		    a->past == NULL && !a->local) {
			table_leave(&m->atoms, &a->slot);
			free(a);
		}
	}
	m->touched = NULL;
	m->touched_end = &m->touched;
}
