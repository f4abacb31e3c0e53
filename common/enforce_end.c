#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carried.h"
#include "enforce_impl.h"
#include "text.h"

/* How long leaders have to close their sessions in order. */
#define LEADERS_MS 250
/* Then what got SIGKILL has this long to be gone, from the first round on and again whenever fewer are left: a busy machine takes its time with many. */
#define KILLED_MS 500
#define KILLED_ALL_MS 5000
#define PAUSE_MS 5
/* So many looks in a row that see nobody; sooner after one another where whole uids are emptied, and no session of another account ends. */
#define LOOKS 4U
#define EMPTIED_MS 1
/* For its line on the terminal to reach whoever sits at it. */
#define TOLD_MS 20
/* For one user manager, and for all of a pass. */
#define USERMANAGER_MS 500
#define USERMANAGERS_MS 2000
#define TERMINALS_MAX 256U

static bool
is_leader(const struct enforce_one *one, const struct procs_one *proc)
{
	return one->s.leader.pid == proc->id.pid && one->s.leader.start == proc->id.start;
}

/* One process may have opened several, one after the other; those that go on need it. */
static bool
leads_kept(const struct pass *p, const struct procs_one *proc)
{
	for (size_t i = 0; i < p->n; i++)
		if ((p->v[i].fate == FATE_KEPT || p->v[i].fate == FATE_HELD) &&
		    p->v[i].s.state != SESSION_CLOSED && is_leader(&p->v[i], proc))
			return true;
	return false;
}

/* A daemon that opened the session in its own process has children that are older. */
static bool
serves_others(const struct pass *p, const struct enforce_one *one)
{
	for (size_t i = 0; i < p->procs.n; i++)
		if (p->procs.v[i].parent == one->s.leader.pid && !p->procs.v[i].ended &&
		    p->procs.v[i].id.start < one->s.opened)
			return true;
	return false;
}

bool
pass_concerns(const struct pass *p, const struct enforce_one *one, const struct procs_one *proc)
{
	bool leader = is_leader(one, proc);

	/* The command that ends the session that it runs in is to end its work first. */
	if (proc->id.pid == getpid() || proc->id.pid <= 1 ||
	    (proc->id.pid == one->s.spared.pid && proc->id.start == one->s.spared.start))
		return false;
	if (leader && (leads_kept(p, proc) || serves_others(p, one)))
		return false;
	if (one->fate == FATE_AT_ONCE)
		return true;
	/* What runs as somebody else (root, by sudo, and sudo itself) was begun while it was permitted, and is to come to its end. */
	return one->fate == FATE_GENTLY &&
	       (leader ||
		   (proc->real == one->s.account_uid && proc->effective == one->s.account_uid));
}

/* Over all processes that some session's end concerns. */
static void
each_concerned(struct pass *p,
    void (*take)(struct pass *p, struct enforce_one *one, const struct procs_one *proc))
{
	for (size_t i = 0; i < p->procs.n; i++) {
		struct enforce_one *one;

		if (p->owner[i] == CARRIED_NONE)
			continue;
		one = &p->v[p->owner[i]];
		if (pass_concerns(p, one, &p->procs.v[i]))
			take(p, one, &p->procs.v[i]);
	}
}

static void
hang_up_leader(struct pass *p, struct enforce_one *one, const struct procs_one *proc)
{
	one->processes++;
	if (is_leader(one, proc) && !one->told)
		(void)!p->calls->signal(&proc->id, SIGHUP);
}

/* The user manager takes SIGHUP for another word: it is stopped by its own. */
static bool
is_usermanager(const struct enforce_one *one)
{
	return strcmp(one->s.service, "systemd-user") == 0;
}

static void
signal_one(struct pass *p, struct enforce_one *one, const struct procs_one *proc)
{
	bool leader = is_leader(one, proc);

	if ((one->fate == FATE_AT_ONCE && (!leader || one->told)) || one->wait_over)
		(void)!p->calls->signal(&proc->id, SIGKILL);
	else if (one->fate == FATE_GENTLY && !one->told && !leader && !is_usermanager(one))
		(void)!p->calls->signal(&proc->id, SIGHUP);
}

static void
kill_one(struct pass *p, struct enforce_one *one, const struct procs_one *proc)
{
	if (one->fate == FATE_AT_ONCE || one->wait_over)
		(void)!p->calls->signal(&proc->id, SIGKILL);
}

static bool
has_terminal(const dev_t *told, size_t n, dev_t tty)
{
	for (size_t i = 0; i < n; i++)
		if (told[i] == tty)
			return true;
	return false;
}

/* To each terminal of a session that ends, once. */
static size_t
tell_terminals(struct pass *p)
{
	dev_t told[TERMINALS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < p->procs.n; i++) {
		const struct procs_one *proc = &p->procs.v[i];
		const struct enforce_one *one;
		char line[320];
		struct text t = text_over(line, sizeof(line));

		if (p->owner[i] == CARRIED_NONE || proc->tty == 0)
			continue;
		one = &p->v[p->owner[i]];
		if (one->told || has_terminal(told, n, proc->tty) || n == TERMINALS_MAX ||
		    !pass_concerns(p, one, proc))
			continue;
		told[n++] = proc->tty;
		text_add(&t, "\r\napikey: this session is ended: %.250s\r\n", one->judged.why);
		p->calls->tell(proc->tty, line);
	}
	return n;
}

/* A uid that is to be emptied. */
struct emptying {
	uint32_t uid;
	enum empty_how how;
	bool runs; /* something runs under it */
	bool shared; /* a container has a user of that number, too: kill(2) would reach into it */
};

struct emptyings {
	struct emptying *v;
	size_t n;
};

/* Thousands of keys may be deleted at once, and few of them run anything. */
static bool
runs_anything(const struct pass *p, uint32_t uid)
{
	for (size_t i = 0; i < p->procs.n; i++)
		if (p->procs.v[i].real == uid || p->procs.v[i].saved == uid)
			return true;
	return false;
}

static bool
runs_contained(const struct pass *p, uint32_t uid)
{
	for (size_t i = 0; i < p->procs.n; i++)
		if (p->procs.v[i].contained &&
		    (p->procs.v[i].real == uid || p->procs.v[i].saved == uid))
			return true;
	return false;
}

static void
add_uid(struct pass *p, struct emptyings *u, uint32_t uid, bool changed)
{
	struct emptying e = {.uid = uid, .how = pass_asks_uid(p, uid, changed)};

	if (e.how == EMPTY_NOT)
		return;
	e.runs = runs_anything(p, uid);
	e.shared = runs_contained(p, uid);
	u->v[u->n++] = e;
}

static bool
has_uid(const struct emptyings *u, uint32_t uid)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->v[i].uid == uid)
			return true;
	return false;
}

static enum ak_err
find_uids(struct pass *p, struct emptyings *u)
{
	if ((u->v = calloc(p->n + p->how->n_uids + 1, sizeof(*u->v))) == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < p->how->n_uids; i++)
		add_uid(p, u, p->how->uids[i], true);
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].fate == FATE_AT_ONCE && !has_uid(u, p->v[i].s.uid))
			add_uid(p, u, p->v[i].s.uid, false);
	return AK_OK;
}

/* Where it can't be done in one step, each is killed by itself, in every round. */
static void
empty_uid(struct pass *p, const struct emptying *e)
{
	struct diag why = DIAG_INIT;
	uint32_t spare = 0;

	if (e->runs && !e->shared && e->how == EMPTY_WHOLE)
		spare = pass_spare_uid(p);
	if (spare != 0)
		(void)!p->calls->empty_uid(e->uid, spare, &why);
}

static bool
is_of_uid(const struct pass *p, size_t i, uint32_t uid)
{
	const struct procs_one *proc = &p->procs.v[i];

	return !proc->ended && !proc->contained && proc->id.pid != getpid() &&
	       proc->id.pid > 1 && (proc->real == uid || proc->saved == uid) &&
	       !pass_is_kept(p, i);
}

/* What runs under these uids still, session or not. */
static unsigned
kill_of_uids(const struct pass *p, const struct emptyings *u)
{
	unsigned n = 0;

	for (size_t k = 0; k < u->n; k++)
		for (size_t i = 0; u->v[k].runs && i < p->procs.n; i++)
			if (is_of_uid(p, i, u->v[k].uid)) {
				n++;
				(void)!p->calls->signal(&p->procs.v[i].id, SIGKILL);
			}
	return n;
}

/* How many are there that should be gone by now. */
static unsigned
count_due(const struct pass *p, bool gently)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct enforce_one *one = &p->v[i];

		/* What an earlier pass killed in vain is not waited for. */
		if ((one->fate == FATE_AT_ONCE && !one->told) || one->wait_over ||
		    (gently && one->fate == FATE_GENTLY && !one->told))
			n += one->alive;
	}
	return n;
}

static unsigned
count_left(const struct pass *p, unsigned of_uids)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].fate == FATE_AT_ONCE || p->v[i].wait_over)
			of_uids += p->v[i].alive;
	return of_uids;
}

static bool
is_emptied(const struct emptyings *u, uint32_t uid)
{
	for (size_t k = 0; k < u->n; k++)
		if (u->v[k].uid == uid && u->v[k].how == EMPTY_WHOLE && !u->v[k].shared)
			return true;
	return false;
}

/* Does every session that is to end run as a uid that is emptied whole? */
static bool
all_emptied(const struct pass *p, const struct emptyings *u)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct enforce_one *one = &p->v[i];

		if ((one->fate == FATE_GENTLY && !one->told) ||
		    ((one->fate == FATE_AT_ONCE || one->wait_over) &&
			!is_emptied(u, one->s.account_uid)))
			return false;
	}
	return true;
}

/*
 * Until they are gone: leaders by themselves, for a moment; those that time
 * ended, for this moment alone. What forks and ends all the time is seen by one
 * look and not by the next: nobody is gone before several have seen nobody. On
 * a machine that stood still a first look may come late: who is left when it is
 * given up got SIGKILL all the same, and time to go.
 */
static enum ak_err
wait_for_ends(struct pass *p, const struct emptyings *u)
{
	int64_t began = pass_clock_ms(p), passed, moved = LEADERS_MS, killed = -1;
	unsigned nobody = 0, due, of_uids, fewest = UINT_MAX;
	enum ak_err err;

	for (;;) {
		if ((err = pass_look(p)) != AK_OK)
			return err;
		passed = pass_clock_ms(p) - began;
		of_uids = kill_of_uids(p, u);
		p->out->left = count_left(p, of_uids);
		due = count_due(p, false) + of_uids;
		nobody = due == 0 ? nobody + 1 : 0;
		if (due < fewest) {
			fewest = due;
			moved = passed > LEADERS_MS ? passed : LEADERS_MS;
		}
		if (nobody >= LOOKS && (passed >= LEADERS_MS || count_due(p, true) == 0))
			return AK_OK;
		each_concerned(p, passed >= LEADERS_MS ? kill_one : signal_one);
		if (killed < 0 && passed >= LEADERS_MS)
			killed = passed;
		if (killed >= 0 && passed - killed >= KILLED_MS &&
		    (passed - moved >= KILLED_MS || passed >= KILLED_ALL_MS))
			return AK_OK;
		p->calls->pause(nobody > 0 && all_emptied(p, u) ? EMPTIED_MS : PAUSE_MS);
	}
}

static void
end_usermanager(const struct pass *p, uint32_t uid, int64_t began)
{
	int64_t left = USERMANAGERS_MS - (pass_clock_ms(p) - began);

	if (left > USERMANAGER_MS)
		left = USERMANAGER_MS;
	(void)!p->calls->end_usermanager(uid, left > 0 ? (int)left : 0);
}

static void
end_usermanagers(const struct pass *p, const struct emptyings *u)
{
	int64_t began = pass_clock_ms(p);

	for (size_t i = 0; i < u->n; i++)
		if (u->v[i].how == EMPTY_WHOLE)
			end_usermanager(p, u->v[i].uid, began);
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].fate == FATE_GENTLY && !p->v[i].told && is_usermanager(&p->v[i]))
			end_usermanager(p, p->v[i].s.account_uid, began);
}

/* Was anything told to end, or killed? Of a uid that ran nothing, no later look tells more. */
static bool
is_awaited(const struct pass *p, const struct emptyings *u)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].fate == FATE_AT_ONCE || p->v[i].fate == FATE_GENTLY)
			return true;
	for (size_t k = 0; k < u->n; k++)
		if (u->v[k].runs)
			return true;
	return false;
}

/* What no session carries is its key's all the same: it shows in the line of the first that ends. */
static void
count_unowned(struct pass *p, const struct emptying *e)
{
	for (size_t k = 0; e->runs && k < p->n; k++) {
		struct enforce_one *one = &p->v[k];

		if (one->fate != FATE_AT_ONCE || one->s.uid != e->uid ||
		    one->s.account_uid != e->uid)
			continue;
		for (size_t i = 0; i < p->procs.n; i++)
			one->processes +=
			    p->owner[i] == CARRIED_NONE && is_of_uid(p, i, e->uid) ? 1 : 0;
		return;
	}
}

enum ak_err
pass_end(struct pass *p)
{
	struct emptyings u = {.n = 0};
	enum ak_err err;

	if (!pass_has_work(p))
		return AK_OK;
	if ((err = find_uids(p, &u)) != AK_OK)
		return err;
	if (tell_terminals(p) > 0)
		p->calls->pause(TOLD_MS);
	each_concerned(p, hang_up_leader);
	for (size_t i = 0; i < u.n; i++) {
		count_unowned(p, &u.v[i]);
		empty_uid(p, &u.v[i]);
	}
	each_concerned(p, signal_one);
	if (is_awaited(p, &u))
		err = wait_for_ends(p, &u);
	end_usermanagers(p, &u);
	free(u.v);
	return err;
}
