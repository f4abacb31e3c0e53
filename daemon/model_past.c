#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

bool
past_forbids(const struct atom *uid, const char *id)
{
	const struct past *p = uid->past;

	return p != NULL && p->node->bytes != NULL && strcmp(p->id, id) != 0;
}

static bool
has_it(const struct node *n)
{
	const struct past *p = n->links[LINK_UID].atom->past;

	return p != NULL && p->node == n && strcmp(p->id, n->links[LINK_ID].atom->text) == 0;
}

enum ak_err
past_reserve(struct node *n)
{
	if (has_it(n) || n->next_past != NULL)
		return AK_OK;
	n->next_past = calloc(1, sizeof(*n->next_past));
	return n->next_past == NULL ? AK_ERR_NOMEM : AK_OK;
}

static void
leave(struct past *p)
{
	struct past **at = &p->node->past;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

void
past_take(struct node *n)
{
	struct atom *uid = n->links[LINK_UID].atom;
	struct past *p = n->next_past;

	if (has_it(n))
		return;
	if (uid->past != NULL) {
		leave(uid->past);
		free(uid->past);
	}
	*p = (struct past){.next = n->past, .node = n, .uid = uid};
	memcpy(p->id, n->links[LINK_ID].atom->text, KEY_ID_LEN);
	n->past = uid->past = p;
	n->next_past = NULL;
}

void
past_touch(struct model *m, const struct node *n)
{
	for (const struct past *p = n->past; p != NULL; p = p->next)
		atom_touch(m, p->uid);
}

void
past_drop(struct model *m, struct node *n)
{
	struct past *next;

	for (struct past *p = n->past; p != NULL; p = next) {
		next = p->next;
		if (m != NULL) {
			p->uid->past = NULL;
			atom_touch(m, p->uid);
		}
		free(p);
	}
	free(n->next_past);
	n->past = n->next_past = NULL;
}
