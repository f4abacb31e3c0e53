/* fuzz_carried: made-up processes and records of sessions: each process is its session's, as told slowly, in whatever order the records come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carried.h"
#include "fuzz_check.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

#define PROCESSES_MAX 40U
#define SESSIONS_MAX 8U

static struct procs_one v[PROCESSES_MAX];
static struct session sessions[SESSIONS_MAX], turned[SESSIONS_MAX];
static struct procs procs = {.v = v};
static size_t n_sessions;

static const char *const scopes[] = {
    NULL, "/a/session-1.scope", "/a/session-2.scope", "/b/session-3.scope"};

/* A few bits each, so that numbers meet. */
static uint32_t
audit_of(uint8_t bits)
{
	return bits % 4 == 0 ? PROC_NO_AUDIT : bits % 4;
}

static void
choose_processes(struct fuzz_input *in)
{
	unsigned n = fuzz_u8(in) % PROCESSES_MAX;
	pid_t pid = 0;

	procs.n = 0;
	for (unsigned i = 0; i < n; i++) {
		uint8_t a = fuzz_u8(in), b = fuzz_u8(in), c = fuzz_u8(in);

		pid += 1 + a % 2;
		v[procs.n++] = (struct procs_one){.id = {.pid = pid, .start = b % 8},
		    .parent = (b >> 3) + (c >> 7) * 32,
		    .audit = audit_of(a >> 1),
		    .scope = scopes[(a >> 3) % 4],
		    .ended = c % 8 == 7};
	}
}

static void
choose_sessions(struct fuzz_input *in)
{
	uint64_t here = proc_namespace();

	n_sessions = fuzz_u8(in) % (SESSIONS_MAX + 1);
	for (size_t i = 0; i < n_sessions; i++) {
		uint8_t a = fuzz_u8(in), b = fuzz_u8(in), c = fuzz_u8(in), d = fuzz_u8(in);
		struct session *s = &sessions[i];
		const char *scope = scopes[(c >> 2) % 4];

		s->state = (enum session_state)(SESSION_OPEN + a % 4);
		s->leader = (struct proc_id){.pid = 1 + (a >> 2), .start = b % 8};
		s->opened = (b >> 3) % 16;
		s->since = d >> 4;
		s->audit = audit_of(c);
		s->namespace = d % 8 == 7 ? here + 1 : here;
		s->in_scope = (c >> 4) % 4 == 3;
		s->by_root = (c >> 6) == 3;
		(void)snprintf(s->scope, sizeof(s->scope), "%s", scope == NULL ? "" : scope);
	}
}

static const struct procs_one *
process(pid_t pid)
{
	for (size_t i = 0; i < procs.n; i++)
		if (v[i].id.pid == pid)
			return &v[i];
	return NULL;
}

static bool
is_here(const struct session *s)
{
	return s->namespace == proc_namespace();
}

/* Does the process lead it, as of now? */
static bool
is_led(const struct session *s, const struct procs_one *p)
{
	return is_here(s) && s->state != SESSION_CLOSED && !s->by_root &&
	       s->leader.pid == p->id.pid && s->leader.start == p->id.start;
}

/* The newest that p leads, for itself or for its child: its moment, or -1. Any of the sessions of that moment will do. */
static int64_t
newest_led(const struct procs_one *p, const struct procs_one *child)
{
	int64_t newest = -1;

	for (size_t i = 0; i < n_sessions; i++)
		if (is_led(&sessions[i], p) && sessions[i].since > newest &&
		    (child == NULL || child->id.start >= sessions[i].opened))
			newest = sessions[i].since;
	return newest;
}

/* The nearest leader at or above p, and the child of it that p is, or is below. */
static const struct procs_one *
leader_of(const struct procs_one *p, const struct procs_one **child)
{
	*child = NULL;
	for (size_t steps = 0; p != NULL && steps <= procs.n; steps++) {
		const struct procs_one *up = p->parent == 0 ? NULL : process(p->parent);

		if (newest_led(p, NULL) != -1)
			return p;
		*child = p;
		p = up != NULL && up->id.start <= p->id.start ? up : NULL;
	}
	return NULL;
}

/* Which scope tells of it. */
static const char *
told_by(const struct session *s)
{
	const struct procs_one *leader = process(s->leader.pid), *above;

	if (!is_here(s) || s->in_scope)
		return "";
	if (s->scope[0] != '\0')
		return s->scope;
	if (leader == NULL || !is_led(s, leader) || leader->scope == NULL)
		return "";
	above = process(leader->parent);
	if (above != NULL && above->scope != NULL && strcmp(above->scope, leader->scope) == 0)
		return "";
	return leader->scope;
}

static bool
has_audit(const struct session *s, const struct procs_one *p)
{
	return is_here(s) && p->audit != PROC_NO_AUDIT && s->audit == p->audit;
}

static bool
has_scope(const struct session *s, const struct procs_one *p)
{
	return p->scope != NULL && strcmp(told_by(s), p->scope) == 0;
}

/* The only one that it is true of. */
static size_t
only(const struct procs_one *p, bool (*is)(const struct session *s, const struct procs_one *p))
{
	size_t found = CARRIED_NONE;

	for (size_t i = 0; i < n_sessions; i++) {
		if (!is(&sessions[i], p))
			continue;
		if (found != CARRIED_NONE)
			return CARRIED_NONE;
		found = i;
	}
	return found;
}

static bool
is_owner(size_t owner, const struct procs_one *p)
{
	const struct procs_one *child, *leader = leader_of(p, &child);
	int64_t newest = leader == NULL ? -1 : newest_led(leader, child);
	size_t wanted;

	if (p->ended)
		return owner == CARRIED_NONE;
	if (newest != -1)
		return owner < n_sessions && is_led(&sessions[owner], leader) &&
		       sessions[owner].since == newest &&
		       (child == NULL || child->id.start >= sessions[owner].opened);
	wanted = only(p, has_audit);
	return owner == (wanted == CARRIED_NONE ? only(p, has_scope) : wanted);
}

/* Whose since is another's too may change places with it. */
static bool
is_same(size_t one, size_t other)
{
	if (one == CARRIED_NONE || other == CARRIED_NONE)
		return one == other;
	return one == other || (sessions[one].since == sessions[other].since &&
				   sessions[one].leader.pid == sessions[other].leader.pid);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	size_t owner[PROCESSES_MAX], again[PROCESSES_MAX];

	choose_processes(&in);
	choose_sessions(&in);
	for (size_t i = 0; i < n_sessions; i++)
		turned[n_sessions - 1 - i] = sessions[i];
	fuzz_check(carried_find(&procs, sessions, n_sessions, owner) == AK_OK &&
		       carried_find(&procs, turned, n_sessions, again) == AK_OK,
	    "there is memory");
	for (size_t i = 0; i < procs.n; i++) {
		fuzz_check(is_owner(owner[i], &v[i]),
		    "each process is its nearest leader's, its mark's or its scope's");
		fuzz_check(
		    is_same(owner[i],
			again[i] == CARRIED_NONE ? CARRIED_NONE : n_sessions - 1 - again[i]),
		    "in whatever order the records come");
	}
	return 0;
}
