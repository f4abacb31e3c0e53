#include "model_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct model *
model_new(void)
{
	struct model *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	for (unsigned s = 0; s < SEARCHES; s++)
		m->end[s] = &m->first[s];
	m->touched_end = &m->touched;
	m->below_end = &m->below;
	m->below_atoms_end = &m->below_atoms;
	/* Names are the directory's choice: it must not choose the collisions too. */
	if (getrandom(&m->seed, sizeof(m->seed), 0) != (ssize_t)sizeof(m->seed)) {
		free(m);
		return NULL;
	}
	return m;
}

static void
free_nodes(struct model *m, unsigned search)
{
	for (struct node *n = m->first[search], *next; n != NULL; n = next) {
		next = n->next;
		past_drop(NULL, n);
		node_free(n);
	}
	table_clear(&m->nodes[search]);
}

static void
free_atom(void *ctx, struct slot *s)
{
	(void)ctx;
	free(s);
}

static void
free_known(struct model *m)
{
	for (size_t i = 0; i < m->by_name.n; i++)
		if (!m->by_name.v[i]->pending)
			known_free(m->by_name.v[i]);
	for (struct known *k = m->pending, *next; k != NULL; k = next) {
		next = k->next_pending;
		known_free(k);
	}
}

void
model_free(struct model **m)
{
	struct model *old = *m;

	*m = NULL;
	if (old == NULL)
		return;
	model_abort(old);
	free_known(old);
	table_each(&old->atoms, free_atom, NULL);
	table_clear(&old->atoms);
	for (unsigned s = 0; s < SEARCHES; s++) {
		free_nodes(old, s);
		free(old->cookie[s].bytes);
	}
	pack_wipe(&old->scratch);
	locals_free(&old->locals);
	free(old->by_name.v);
	free(old->by_uid.v);
	free(old->uids);
	free(old);
}

static int
compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
answer(struct model *m, struct model_changes *out)
{
	size_t n = 0;

	if (m->n_uids > 1)
		qsort(m->uids, m->n_uids, sizeof(*m->uids), compare_uids);
	for (size_t i = 0; i < m->n_uids; i++)
		if (i == 0 || m->uids[i] != m->uids[n - 1])
			m->uids[n++] = m->uids[i];
	m->n_uids = n;
	*out = (struct model_changes){
	    .keys = m->keys_differ, .groups = m->groups_differ, .uids = m->uids, .n_uids = n};
	m->keys_differ = m->groups_differ = false;
	m->answered = true;
}

/* Each step can be gone through again: what a failed one did not come to stays in its list. */
enum ak_err
model_settle(struct model *m, const struct model_host *host, struct model_changes *out)
{
	enum ak_err err;

	*out = (struct model_changes){.keys = false};
	if (m->answered)
		m->n_uids = 0;
	m->answered = false;
	if ((err = model_see_host(m, host)) != AK_OK ||
	    (err = model_relink(m, host)) != AK_OK || (err = model_judge(m, host)) != AK_OK)
		return err;
	model_go_below(m);
	if ((err = model_update_known(m)) != AK_OK ||
	    (err = model_update_memberships(m)) != AK_OK || (err = model_reorder(m)) != AK_OK)
		return err;
	model_tidy(m);
	answer(m, out);
	return AK_OK;
}
