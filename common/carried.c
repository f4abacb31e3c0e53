#include "carried.h"

#include <string.h>

#include "sessions.h"

struct look {
	const struct procs *procs;
	const struct session *sessions;
	size_t n;
	uint64_t namespace;
};

static bool
is_here(const struct look *l, size_t s)
{
	return l->sessions[s].namespace == l->namespace;
}

/* One that has closed its session lives on for a moment, or for another one. */
static bool
leads(const struct look *l, size_t s, const struct procs_one *p)
{
	const struct session *at = &l->sessions[s];

	return at->state != SESSION_CLOSED && is_here(l, s) && at->leader.pid == p->id.pid &&
	       at->leader.start == p->id.start;
}

static size_t
led_by(const struct look *l, const struct procs_one *p)
{
	size_t found = CARRIED_NONE;

	for (size_t s = 0; s < l->n; s++)
		if (leads(l, s, p) &&
		    (found == CARRIED_NONE || l->sessions[s].since >= l->sessions[found].since))
			found = s;
	return found;
}

/* Parents may change while they are read: no walk is longer than there are processes. */
static size_t
find_above(const struct look *l, const struct procs_one *p)
{
	size_t found = led_by(l, p);

	for (size_t steps = 0; found == CARRIED_NONE && steps < l->procs->n; steps++) {
		if (p->parent <= 0 || (p = procs_find(l->procs, p->parent)) == NULL)
			break;
		found = led_by(l, p);
	}
	return found;
}

/* A mark that two records have tells nothing. */
static size_t
find_audit(const struct look *l, const struct procs_one *p)
{
	size_t found = CARRIED_NONE;

	if (p->audit == PROC_NO_AUDIT)
		return CARRIED_NONE;
	for (size_t s = 0; s < l->n; s++) {
		if (l->sessions[s].audit != p->audit || !is_here(l, s))
			continue;
		if (found != CARRIED_NONE)
			return CARRIED_NONE;
		found = s;
	}
	return found;
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
scope_of(const struct look *l, size_t s)
{
	const struct session *at = &l->sessions[s];
	const struct procs_one *leader;

	if (!is_here(l, s) || at->in_scope)
		return NULL;
	if (at->scope[0] != '\0')
		return at->scope;
	leader = procs_find(l->procs, at->leader.pid);
	return leader != NULL && leads(l, s, leader) ? own_scope(l, leader) : NULL;
}

static size_t
find_scope(const struct look *l, const struct procs_one *p)
{
	size_t found = CARRIED_NONE;

	if (p->scope == NULL)
		return CARRIED_NONE;
	for (size_t s = 0; s < l->n; s++) {
		const char *scope = scope_of(l, s);

		if (scope == NULL || strcmp(scope, p->scope) != 0)
			continue;
		if (found != CARRIED_NONE)
			return CARRIED_NONE;
		found = s;
	}
	return found;
}

void
carried_find(
    const struct procs *procs, const struct session *sessions, size_t n_sessions, size_t *owner)
{
	const struct look l = {.procs = procs,
	    .sessions = sessions,
	    .n = n_sessions,
	    .namespace = proc_namespace()};

	for (size_t i = 0; i < procs->n; i++) {
		const struct procs_one *p = &procs->v[i];

		owner[i] = p->ended ? CARRIED_NONE : find_above(&l, p);
		if (owner[i] == CARRIED_NONE && !p->ended)
			owner[i] = find_audit(&l, p);
		if (owner[i] == CARRIED_NONE && !p->ended)
			owner[i] = find_scope(&l, p);
	}
}
