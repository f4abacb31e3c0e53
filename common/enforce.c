#include "enforce_impl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "carried.h"
#include "ending.h"
#include "lock.h"
#include "pinned.h"
#include "rundir.h"
#include "text.h"
#include "usermanager.h"

static int64_t
host_clock_ns(clockid_t which)
{
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t
host_clock_ms(void)
{
	return host_clock_ns(CLOCK_BOOTTIME) / 1000000;
}

/* For less than a second. */
static void
host_pause(int64_t ms)
{
	const struct timespec pause = {.tv_nsec = (long)ms * 1000000};

	(void)nanosleep(&pause, NULL);
}

int64_t
pass_clock_ms(const struct pass *p)
{
	return p->calls != NULL ? p->calls->clock_ms() : host_clock_ms();
}

static enum ak_err
take_record(void *ctx, const struct session *s)
{
	struct pass *p = ctx;
	struct enforce_one *grown;

	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 64 : p->cap * 2;

		if ((grown = reallocarray(p->v, cap, sizeof(*grown))) == NULL)
			return AK_ERR_NOMEM;
		p->v = grown;
		p->cap = cap;
	}
	p->v[p->n++] = (struct enforce_one){.s = *s,
	    .over = s->state == SESSION_CLOSED || !proc_is_alive(&s->leader),
	    .judged = {.next_at = NUM_NEVER}};
	return AK_OK;
}

/* What no tree and no mark tells of, but runs as a key: its sessions there are not over. */
static void
note_unowned(struct pass *p, const struct procs_one *proc)
{
	for (size_t i = 0; i < p->n && !proc->ended; i++) {
		const struct session *s = &p->v[i].s;

		if (s->uid == s->account_uid && (proc->real == s->uid || proc->saved == s->uid))
			p->v[i].lingers = true;
	}
}

/* root's own su owns nothing, and is there while its leader is. */
static bool
is_led(const struct pass *p, const struct session *s)
{
	const struct procs_one *leader = procs_find(&p->procs, s->leader.pid);

	return s->state != SESSION_CLOSED && leader != NULL && !leader->ended &&
	       leader->id.start == s->leader.start;
}

static void
count_carriers(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		/* Pids of another namespace mean nothing here: nothing is known to be gone. */
		p->v[i].carried = p->v[i].s.namespace != p->namespace || is_led(p, &p->v[i].s);
		p->v[i].lingers = false;
		p->v[i].alive = 0;
	}
	for (size_t i = 0; i < p->procs.n; i++) {
		struct enforce_one *one;

		if (p->owner[i] == CARRIED_NONE) {
			note_unowned(p, &p->procs.v[i]);
			continue;
		}
		one = &p->v[p->owner[i]];
		one->carried = true;
		one->alive += pass_concerns(p, one, &p->procs.v[i]) ? 1 : 0;
	}
}

/* From the first look on: a later one may fail. */
static void
remember_self(struct pass *p)
{
	for (size_t i = 0; i < p->procs.n && p->self.pid == 0; i++)
		if (p->procs.v[i].id.pid == getpid() && p->owner[i] != CARRIED_NONE) {
			p->self = p->procs.v[i].id;
			p->self_carries = p->owner[i];
		}
}

enum ak_err
pass_look(struct pass *p)
{
	struct session *sessions;
	enum ak_err err;

	procs_clear(&p->procs);
	free(p->owner);
	p->owner = NULL;
	if ((err = p->calls->look(&p->procs)) != AK_OK) {
		/* Half a picture has no owners. */
		procs_clear(&p->procs);
		return err;
	}
	p->owner = calloc(p->procs.n + 1, sizeof(*p->owner));
	sessions = calloc(p->n + 1, sizeof(*sessions));
	if (p->owner != NULL && sessions != NULL) {
		for (size_t i = 0; i < p->n; i++)
			sessions[i] = p->v[i].s;
		if ((err = carried_find(&p->procs, sessions, p->n, p->owner)) == AK_OK) {
			count_carriers(p);
			remember_self(p);
		}
	}
	if (p->owner == NULL || sessions == NULL)
		err = AK_ERR_NOMEM;
	free(sessions);
	if (err != AK_OK)
		procs_clear(&p->procs);
	return err;
}

/* Is there anything that only a look at the processes can tell? */
static bool
needs_look(const struct pass *p)
{
	if (pass_has_work(p))
		return true;
	for (size_t i = 0; i < p->n; i++) {
		const struct session *s = &p->v[i].s;

		if (s->state == SESSION_CLOSED ||
		    (s->namespace == p->namespace && !proc_is_alive(&s->leader)))
			return true;
	}
	return false;
}

/* Was no other session of its key told before it, in this pass? They are told in their order; who was not to end got no signal. */
static bool
is_first_told(const struct pass *p, const struct enforce_one *one)
{
	for (const struct enforce_one *before = p->v; before < one; before++)
		if (before->s.uid == one->s.uid && before->processes > 0 && !before->told)
			return false;
	return true;
}

static void
tell(struct pass *p, const struct enforce_one *one)
{
	const struct enforce_ended e = {.session = &one->s,
	    .reason = one->judged.reason,
	    .why = one->judged.why,
	    .gently = one->fate == FATE_GENTLY,
	    .processes = one->processes};

	p->out->ended++;
	p->out->ended_keys += is_first_told(p, one) ? 1 : 0;
	p->out->gently += e.gently ? 1 : 0;
	if (p->how->ended != NULL)
		p->how->ended(p->how->ctx, &e);
}

/* The command's own process, when it carries the session. */
static struct proc_id
find_self(const struct pass *p, const struct enforce_one *one)
{
	return p->self.pid != 0 && one == &p->v[p->self_carries] ? p->self : one->s.spared;
}

/* Once it is marked as told, no later pass tells it again. Whoever follows the records is not woken by what is so already. */
static void
mark(struct pass *p, struct enforce_one *one, enum session_state state, int64_t kill_at_ms)
{
	struct proc_id self = find_self(p, one);

	if (one->s.state == state && one->s.kill_at_ms == kill_at_ms && !one->s.held_back &&
	    self.pid == one->s.spared.pid && self.start == one->s.spared.start)
		return;
	one->s.state = state;
	one->s.kill_at_ms = kill_at_ms;
	one->s.held_back = false;
	one->s.spared = self;
	(void)!sessions_update(p->how->paths, &one->s);
}

/* Told to end: killed later, if anything is left then; what root does for it lives on, and carries it. */
static void
finish_gently(struct pass *p, struct enforce_one *one)
{
	if (one->carried && one->alive > 0 && !one->wait_over) {
		if (!one->told)
			mark(p, one, SESSION_ENDING, pass_clock_ms(p) + ENFORCE_GRACE_MS);
	} else if (one->carried || one->lingers) {
		mark(p, one, SESSION_CLOSED, 0);
	}
	if (!one->told && one->processes > 0)
		tell(p, one);
}

static void
finish_at_once(struct pass *p, struct enforce_one *one)
{
	if (one->carried || one->lingers)
		mark(p, one, SESSION_ENDING, 0);
	/* A record that nobody carried was at its end already. */
	if (!one->told && one->processes > 0)
		tell(p, one);
}

/* It got a signal, and nobody could see what became of it: the next pass looks again, and tells nobody again. */
static void
finish_unseen(struct pass *p, struct enforce_one *one)
{
	if (one->fate == FATE_AT_ONCE)
		mark(p, one, SESSION_ENDING, 0);
	else if (!one->told)
		mark(p, one, SESSION_ENDING, pass_clock_ms(p) + ENFORCE_GRACE_MS);
	if (!one->told)
		tell(p, one);
}

static bool
is_ended(const struct enforce_one *one)
{
	return one->fate == FATE_AT_ONCE || one->fate == FATE_GENTLY;
}

static void
finish_one(struct pass *p, struct enforce_one *one)
{
	if (one->fate == FATE_AT_ONCE)
		finish_at_once(p, one);
	else if (one->fate == FATE_GENTLY)
		finish_gently(p, one);
	/* Of one that ended while the processes were looked at, what it left may have been missed. */
	if (!one->carried && !one->lingers && (one->over || is_ended(one)))
		(void)!sessions_remove(p->how->paths, one->s.id);
}

static void
again_in(struct pass *p, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (p->out->again_in_ms == -1 || ms < p->out->again_in_ms)
		p->out->again_in_ms = ms;
}

static void
find_again(struct pass *p)
{
	const struct live *live = &p->judge.live;

	for (size_t i = 0; i < p->n; i++) {
		const struct enforce_one *one = &p->v[i];

		if (one->fate == FATE_GENTLY && one->s.state == SESSION_ENDING)
			again_in(p, one->s.kill_at_ms - pass_clock_ms(p));
	}
	if (live->trusted || p->n == 0)
		return;
	p->out->distrusted = true;
	/* Its moment may have come while others were waited for. */
	if (live->trusted_at_ns > p->began_ns)
		again_in(p, (live->trusted_at_ns - host_clock_ns(CLOCK_REALTIME)) / 1000000 + 1);
}

static enum ak_err
act(struct pass *p)
{
	enum ak_err err;

	if (p->calls == NULL || !needs_look(p))
		return AK_OK;
	if ((err = pass_look(p)) != AK_OK)
		return err;
	err = pass_end(p);
	for (size_t i = 0; i < p->n; i++)
		if (err == AK_OK)
			finish_one(p, &p->v[i]);
		else if (p->v[i].processes > 0)
			finish_unseen(p, &p->v[i]);
	return err;
}

static enum ak_err
run(struct pass *p)
{
	enum ak_err err = sessions_each(p->how->paths, take_record, p);

	if (err != AK_OK)
		return diag_because(p->why, err,
		    "the records of live sessions in %s can't be read: %s", p->how->paths->run,
		    ak_strerror(err));
	p->began_ns = host_clock_ns(CLOCK_REALTIME);
	rejudge_open(p->how->paths, p->how->now, &p->judge);
	err = pass_judge(p);
	if (err == AK_OK)
		err = act(p);
	if (err == AK_OK) {
		find_again(p);
		pinned_sweep(p->how->paths);
	} else {
		(void)diag_because(
		    p->why, err, "live sessions could not be judged: %s", ak_strerror(err));
	}
	rejudge_close(&p->judge);
	return err;
}

static const struct enforce_calls host_calls = {.look = procs_look,
    .signal = ending_signal,
    .empty_uid = ending_empty_uid,
    .tell = ending_tell,
    .end_usermanager = usermanager_end,
    .clock_ms = host_clock_ms,
    .pause = host_pause};

enum ak_err
enforce_lock(const struct paths *paths, bool wait, struct lock *lock, struct diag *why)
{
	char path[PATH_CAP + 16];
	struct text t = text_over(path, sizeof(path));
	enum ak_err err = rundir_make(paths->run, paths->owner);

	*lock = LOCK_INIT;
	if (err != AK_OK)
		return diag_say(why, err, paths->run, 0, 0,
		    "must be a folder of uid %u that nobody else may write to",
		    (unsigned)paths->owner);
	text_add(&t, "%s/enforce.lock", paths->run);
	return wait ? lock_take(lock, path, NULL, NULL, why) : lock_try(lock, path, NULL, why);
}

enum ak_err
enforce_run(
    const struct enforce_how *how, bool wait, struct enforce_result *out, struct diag *why)
{
	struct pass p = {.how = how,
	    .calls = how->calls,
	    .out = out,
	    .why = why,
	    .procs = PROCS_INIT,
	    .namespace = proc_namespace()};
	struct lock lock = LOCK_INIT;
	enum ak_err err;

	if (p.calls == NULL && how->paths->owner == 0 && geteuid() == 0)
		p.calls = &host_calls;
	*out = (struct enforce_result){.again_in_ms = -1, .next_at = NUM_NEVER};
	if (!how->locked && (err = enforce_lock(how->paths, wait, &lock, why)) != AK_OK)
		return err;
	err = run(&p);
	lock_release(&lock);
	procs_clear(&p.procs);
	etcfile_set_clear(&p.users);
	free(p.owner);
	free(p.v);
	return err;
}
