#include "carried.h"

#include <stdlib.h>
#include <string.h>

#include "sessions.h"

/* A process whose owner is not found yet. */
#define UNKNOWN (SIZE_MAX - 1)

/* What sessions are found by: a leader's pid, or an audit session. */
struct mark {
	uint64_t number;
	size_t session;
};

struct look {
	const struct procs *procs;
	const struct session *sessions;
	size_t n;
	uint64_t namespace;
	struct mark *leaders, *audits; /* by number */
	size_t n_leaders, n_audits;
	const char **scopes; /* each session's; NULL: none */
	size_t *tree; /* whose tree each process is in */
	size_t *chain; /* a walk from a process up */
};

static int
by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct mark *)a)->number, y = ((const struct mark *)b)->number;

	return (x > y) - (x < y);
}

/* The first mark of that number; n when there is none. */
static size_t
first_mark(const struct mark *marks, size_t n, uint64_t number)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (marks[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && marks[low].number == number ? low : n;
}

/*
 * A leader that has closed its session lives on for a moment, or for another
 * one. root's own su leads nothing away from the session that it is called in.
 */
static bool
leads(const struct session *s, const struct procs_one *p)
{
	return s->state != SESSION_CLOSED && !s->by_root && s->leader.pid == p->id.pid &&
	       s->leader.start == p->id.start;
}

/* The newest that the process leads; below (or NULL): for this child of it. What is older than the session was there for others. */
static size_t
led_by(const struct look *l, const struct procs_one *p, const struct procs_one *below)
{
	size_t found = CARRIED_NONE;

	for (size_t i = first_mark(l->leaders, l->n_leaders, (uint64_t)p->id.pid);
	     i < l->n_leaders && l->leaders[i].number == (uint64_t)p->id.pid; i++) {
		size_t at = l->leaders[i].session;
		const struct session *s = &l->sessions[at];

		if (!leads(s, p) || (below != NULL && below->id.start < s->opened))
			continue;
		if (found == CARRIED_NONE || s->since >= l->sessions[found].since)
			found = at;
	}
	return found;
}

/* A parent that began after its child is another process, which was given the pid. */
static const struct procs_one *
parent_of(const struct look *l, const struct procs_one *p)
{
	const struct procs_one *up = procs_find(l->procs, p->parent);

	return up == NULL || up->id.start > p->id.start ? NULL : up;
}

/* Up to a leader, or to a process whose tree is known: each is passed once. */
static size_t
find_tree(struct look *l, size_t i)
{
	size_t n = 0, found = led_by(l, &l->procs->v[i], NULL);

	for (size_t at = i; found == CARRIED_NONE;) {
		const struct procs_one *p = &l->procs->v[at], *up = parent_of(l, p);

		if (l->tree[at] != UNKNOWN) {
			found = l->tree[at];
			break;
		}
		l->chain[n++] = at;
		l->tree[at] = CARRIED_NONE; /* where parents run in a circle */
		if (up == NULL)
			break;
		if (led_by(l, up, NULL) != CARRIED_NONE) {
			found = led_by(l, up, p);
			break;
		}
		at = (size_t)(up - l->procs->v);
	}
	while (n > 0)
		l->tree[l->chain[--n]] = found;
	return found;
}

/* A mark that two records have tells nothing. */
static size_t
find_audit(const struct look *l, const struct procs_one *p)
{
	size_t i;

	if (p->audit == PROC_NO_AUDIT ||
	    (i = first_mark(l->audits, l->n_audits, p->audit)) == l->n_audits)
		return CARRIED_NONE;
	if (i + 1 < l->n_audits && l->audits[i + 1].number == p->audit)
		return CARRIED_NONE;
	return l->audits[i].session;
}

/* su's leader is in its caller's. */
static const char *
own_scope(const struct look *l, const struct procs_one *leader)
{
	const struct procs_one *above = procs_find(l->procs, leader->parent);

	if (leader->scope != NULL && above != NULL && above->scope != NULL &&
	    strcmp(above->scope, leader->scope) == 0)
		return NULL;
	return leader->scope;
}

/* Where the record has none yet: the leader's, while it lives. */
static const char *
scope_of(const struct look *l, const struct session *s)
{
	const struct procs_one *leader;

	if (s->in_scope)
		return NULL;
	if (s->scope[0] != '\0')
		return s->scope;
	leader = procs_find(l->procs, s->leader.pid);
	return leader != NULL && leads(s, leader) ? own_scope(l, leader) : NULL;
}

static size_t
find_scope(const struct look *l, const struct procs_one *p)
{
	size_t found = CARRIED_NONE;

	if (p->scope == NULL)
		return CARRIED_NONE;
	for (size_t s = 0; s < l->n; s++) {
		if (l->scopes[s] == NULL || strcmp(l->scopes[s], p->scope) != 0)
			continue;
		if (found != CARRIED_NONE)
			return CARRIED_NONE;
		found = s;
	}
	return found;
}

/* Sessions of other pid namespaces own nothing here. */
static enum ak_err
prepare(struct look *l)
{
	l->leaders = calloc(l->n + 1, sizeof(*l->leaders));
	l->audits = calloc(l->n + 1, sizeof(*l->audits));
	l->scopes = calloc(l->n + 1, sizeof(*l->scopes));
	l->tree = calloc(l->procs->n + 1, sizeof(*l->tree));
	l->chain = calloc(l->procs->n + 1, sizeof(*l->chain));
	if (l->leaders == NULL || l->audits == NULL || l->scopes == NULL || l->tree == NULL ||
	    l->chain == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < l->n; i++) {
		const struct session *s = &l->sessions[i];

		if (s->namespace != l->namespace)
			continue;
		l->leaders[l->n_leaders++] = (struct mark){(uint64_t)s->leader.pid, i};
		if (s->audit != PROC_NO_AUDIT)
			l->audits[l->n_audits++] = (struct mark){s->audit, i};
		l->scopes[i] = scope_of(l, s);
	}
	qsort(l->leaders, l->n_leaders, sizeof(*l->leaders), by_number);
	qsort(l->audits, l->n_audits, sizeof(*l->audits), by_number);
	for (size_t i = 0; i < l->procs->n; i++)
		l->tree[i] = UNKNOWN;
	return AK_OK;
}

enum ak_err
carried_find(
    const struct procs *procs, const struct session *sessions, size_t n_sessions, size_t *owner)
{
	struct look l = {.procs = procs,
	    .sessions = sessions,
	    .n = n_sessions,
	    .namespace = proc_namespace()};
	enum ak_err err = prepare(&l);

	for (size_t i = 0; err == AK_OK && i < procs->n; i++) {
		const struct procs_one *p = &procs->v[i];

		owner[i] = p->ended ? CARRIED_NONE : find_tree(&l, i);
		if (owner[i] == CARRIED_NONE && !p->ended)
			owner[i] = find_audit(&l, p);
		if (owner[i] == CARRIED_NONE && !p->ended)
			owner[i] = find_scope(&l, p);
	}
	free(l.leaders);
	free(l.audits);
	free(l.scopes);
	free(l.tree);
	free(l.chain);
	return err;
}
