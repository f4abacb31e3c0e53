#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

static bool
is_shared(const struct atom *a)
{
	return a->owners != NULL && a->owners->next != NULL;
}

/* Who else has it: this host's keys, its users and groups, other entries. */
static enum ak_err
check_free(const struct model_host *host, const struct node *n, struct diag *why)
{
	const struct atom *name = n->links[LINK_NAME].atom, *id = n->links[LINK_ID].atom,
			  *uid = n->links[LINK_UID].atom;

	if (name->local)
		return diag_because(
		    why, AK_ERR_EXISTS, "a key of this host has the name %s", name->text);
	if (id->local || uid->local)
		return diag_because(why, AK_ERR_EXISTS, "a key of this host has the %s %s",
		    id->local ? "id" : "uid", id->local ? id->text : uid->text);
	if (is_shared(name) || is_shared(id) || is_shared(uid))
		return diag_because(why, AK_ERR_EXISTS,
		    "another key of the directory has the %s %s too: neither is served",
		    is_shared(name) ? "name"
		    : is_shared(id) ? "id"
				    : "uid",
		    is_shared(name) ? name->text
		    : is_shared(id) ? id->text
				    : uid->text);
	if (host->name_taken(host->ctx, name->text))
		return diag_because(why, AK_ERR_EXISTS,
		    "a user or group of this host has the name %s", name->text);
	if (host->id_taken(host->ctx, n->uid))
		return diag_because(
		    why, AK_ERR_EXISTS, "a user or group of this host has the id %u", n->uid);
	return AK_OK;
}

static enum ak_err
check_key(const struct model *m, const struct model_host *host, const struct node *n,
    struct diag *why)
{
	const struct atom *uid = n->links[LINK_UID].atom;

	if (!id_range_has(m->range, n->uid) || id_is_reserved(n->uid))
		return diag_because(why, AK_ERR_INVALID,
		    "its uid %u is not in directory.uid_range, %u-%u", n->uid, m->range.min,
		    m->range.max);
	if (past_forbids(uid, n->links[LINK_ID].atom->text))
		return diag_because(why, AK_ERR_EXISTS,
		    "its uid %u was that of the key %s, whose entry is still there", n->uid,
		    uid->past->id);
	return check_free(host, n, why);
}

static enum ak_err
judge(struct model *m, const struct model_host *host, struct node *n)
{
	struct diag why = DIAG_INIT;
	bool serve = false;
	enum ak_err err;

	if (n->bytes != NULL && n->derived != NULL)
		serve = check_key(m, host, n, &why) == AK_OK;
	if (serve && (err = past_reserve(n)) != AK_OK)
		return err;
	if (n->bytes != NULL && n->derived != NULL)
		node_tell(m, n, host, serve ? NULL : why.text);
	if (n->served != serve && n->n_links == LINK_KEY_COUNT)
		atom_touch(m, n->links[LINK_NAME].atom);
	n->served = serve;
	return AK_OK;
}

/* Two principals for a name of this host's: neither stands for it. */
static void
judge_principal(struct model *m, const struct model_host *host, struct node *n)
{
	struct diag why = DIAG_INIT;

	if (n->bytes == NULL)
		return;
	for (size_t i = 1; i < n->n_links; i++) {
		const struct atom *a = n->links[i].atom, *name;

		if (is_shared(a) && (name = atom_find(m, ATOM_NAME, a->text)) != NULL &&
		    name->local)
			(void)diag_because(&why, AK_ERR_EXISTS,
			    "another principal stands for the key %s too: neither counts",
			    a->text);
	}
	node_tell(m, n, host, why.text[0] == '\0' ? NULL : why.text);
}

/* Whom a touched atom concerns. */
static void
judge_owners(struct model *m, struct atom *a)
{
	struct atom *other = NULL;

	if (a->kind == ATOM_DN)
		return;
	for (const struct link *l = a->owners; l != NULL; l = l->next)
		node_judge(m, l->node);
	if (a->kind == ATOM_PRINCIPAL)
		other = atom_find(m, ATOM_NAME, a->text);
	else if (a->kind == ATOM_NAME)
		other = atom_find(m, ATOM_PRINCIPAL, a->text);
	if (other != NULL)
		atom_touch(m, other);
}

enum ak_err
model_judge(struct model *m, const struct model_host *host)
{
	enum ak_err err;

	for (struct atom *a = m->touched; a != NULL; a = a->next_touched)
		judge_owners(m, a);
	for (struct node *n = m->judge; n != NULL; n = n->next_judge) {
		if (n->search == DIRECTORY_PRINCIPALS)
			judge_principal(m, host, n);
		else if (n->search == DIRECTORY_KEYS && (err = judge(m, host, n)) != AK_OK)
			return err;
	}
	return AK_OK;
}
