#include "livelist.h"

#include <stdlib.h>
#include <string.h>

#include "carried.h"
#include "procs.h"

static enum ak_err
take(void *ctx, const struct session *s)
{
	struct livelist *l = ctx;
	struct livelist_one *grown = reallocarray(l->v, l->n + 1, sizeof(*grown));

	if (grown == NULL)
		return AK_ERR_NOMEM;
	l->v = grown;
	l->v[l->n++] =
	    (struct livelist_one){.session = *s, .elsewhere = s->namespace != proc_namespace()};
	return AK_OK;
}

static void
count(struct livelist_one *one, const struct procs_one *p)
{
	const struct session *s = &one->session;
	bool leads = p->id.pid == s->leader.pid && p->id.start == s->leader.start;

	if (p->ended)
		return;
	one->processes++;
	if (!leads && (p->real != s->account_uid || p->effective != s->account_uid))
		one->others++;
}

static enum ak_err
count_all(struct livelist *l, const struct procs *procs)
{
	struct session *sessions = calloc(l->n + 1, sizeof(*sessions));
	size_t *owner = calloc(procs->n + 1, sizeof(*owner));
	bool whole = sessions != NULL && owner != NULL;
	enum ak_err err = whole ? AK_OK : AK_ERR_NOMEM;

	for (size_t i = 0; whole && i < l->n; i++)
		sessions[i] = l->v[i].session;
	if (whole)
		err = carried_find(procs, sessions, l->n, owner);
	for (size_t i = 0; err == AK_OK && i < procs->n; i++)
		if (owner[i] != CARRIED_NONE)
			count(&l->v[owner[i]], &procs->v[i]);
	free(sessions);
	free(owner);
	return err;
}

static int
compare(const void *a, const void *b)
{
	const struct session *x = &((const struct livelist_one *)a)->session;
	const struct session *y = &((const struct livelist_one *)b)->session;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* What nothing carries is gone, though its record be there still. */
static void
keep_carried(struct livelist *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].elsewhere || l->v[i].processes > 0)
			l->v[kept++] = l->v[i];
	l->n = kept;
	if (kept > 1)
		qsort(l->v, kept, sizeof(*l->v), compare);
}

enum ak_err
livelist_look(const struct paths *p, struct livelist *out, struct diag *why)
{
	struct procs procs = PROCS_INIT;
	enum ak_err err;

	*out = LIVELIST_INIT;
	if ((err = sessions_each(p, take, out)) != AK_OK)
		return diag_because(why, err,
		    "the records of live sessions in %s can't be read: %s", p->run,
		    ak_strerror(err));
	if ((err = procs_look(&procs)) == AK_OK)
		err = count_all(out, &procs);
	procs_clear(&procs);
	if (err != AK_OK)
		return diag_because(
		    why, err, "what runs in live sessions can't be told: %s", ak_strerror(err));
	keep_carried(out);
	return AK_OK;
}

void
livelist_clear(struct livelist *l)
{
	free(l->v);
	*l = LIVELIST_INIT;
}

bool
livelist_is_key(const struct session *s, const char *key)
{
	return key == NULL || strcmp(s->key, key) == 0 || strcmp(s->key_id, key) == 0;
}

size_t
livelist_tell_elsewhere(
    const struct cli *c, const struct livelist *l, const char *id, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct session *s = &l->v[i].session;

		if (!l->v[i].elsewhere || (id != NULL && strcmp(s->id, id) != 0) ||
		    !livelist_is_key(s, key))
			continue;
		n++;
		cli_warn(c,
		    "%s, a session of %s, was not ended: it runs in another pid namespace: run "
		    "`apikey sessions end %s` in that container",
		    s->id, s->key, s->id);
	}
	return n;
}

const char *
livelist_state(const struct session *s)
{
	static const char *const words[] = {[SESSION_OPEN] = "open",
	    [SESSION_REFUSED] = "refused",
	    [SESSION_CLOSED] = "closed",
	    [SESSION_ENDING] = "ending"};

	return words[s->state];
}
