#include "sessions.h"

#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 256

/* Who asks: this process and those above it, and what was found so far. */
struct search {
	uint32_t uid;
	uint64_t namespace;
	struct proc_id up[DEPTH_MAX]; /* from this process to the first of all */
	unsigned n; /* 0: not looked up yet */
	uint32_t audit;
	unsigned best; /* place of the nearest leader; DEPTH_MAX: none yet */
	unsigned by_audit, by_uid; /* how many */
	bool same_address, has_address;
	struct session nearest, audited, any;
};

static void
climb(struct search *w)
{
	struct proc at;
	pid_t pid = getpid();

	while (w->n < DEPTH_MAX && proc_read(pid, &at) == AK_OK) {
		if (w->n == 0)
			w->audit = at.audit;
		w->up[w->n++] = at.id;
		pid = at.parent;
	}
}

/* The place of its leader above this process. */
static unsigned
find_leader(const struct search *w, const struct session *s)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->up[i].pid == s->leader.pid && w->up[i].start == s->leader.start)
			return i;
	return DEPTH_MAX;
}

/* One leader may have opened several, one after the other. */
static bool
is_nearer(const struct search *w, unsigned at, const struct session *s)
{
	if (at == DEPTH_MAX || at != w->best)
		return at < w->best;
	return s->state != SESSION_CLOSED &&
	       (w->nearest.state == SESSION_CLOSED || s->since >= w->nearest.since);
}

/* These begin by themselves: nobody came from anywhere. */
static bool
has_origin(const struct session *s)
{
	static const char *const none[] = {"cron", "atd", "systemd-user"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcmp(s->service, none[i]) == 0)
			return false;
	return true;
}

bool
sessions_is_live(const struct session *s)
{
	return s->state == SESSION_OPEN && s->namespace == proc_namespace() &&
	       proc_is_alive(&s->leader);
}

static void
match_uid(struct search *w, const struct session *s)
{
	if (s->uid != w->uid || !sessions_is_live(s))
		return;
	if (w->by_uid++ == 0 || (has_origin(s) && !w->has_address)) {
		w->any = *s;
		w->same_address = true;
	} else if (has_origin(s) && strcmp(w->any.address, s->address) != 0) {
		w->same_address = false;
	}
	w->has_address = w->has_address || has_origin(s);
}

static enum ak_err
match(void *ctx, const struct session *s)
{
	struct search *w = ctx;
	unsigned at;

	if (s->namespace != w->namespace || s->account_uid != w->uid)
		return AK_OK;
	if (w->n == 0)
		climb(w);
	at = find_leader(w, s);
	if (is_nearer(w, at, s)) {
		w->best = at;
		w->nearest = *s;
	}
	if (s->audit != PROC_NO_AUDIT && s->audit == w->audit) {
		w->by_audit++;
		w->audited = *s;
	}
	match_uid(w, s);
	return AK_OK;
}

enum ak_err
sessions_find_own(const struct paths *p, uint32_t uid, struct session *out)
{
	struct search w = {.best = DEPTH_MAX,
	    .uid = uid,
	    .audit = PROC_NO_AUDIT,
	    .namespace = proc_namespace()};
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	if ((err = sessions_each(p, match, &w)) != AK_OK)
		return err;
	if (w.best < DEPTH_MAX) {
		*out = w.nearest;
	} else if (w.by_audit == 1) {
		*out = w.audited;
	} else if (w.by_uid > 0) {
		*out = w.any;
		if (!w.same_address)
			out->address[0] = '\0';
	} else {
		return AK_ERR_NOT_FOUND;
	}
	return AK_OK;
}

struct origin {
	uint32_t uid;
	unsigned n;
	bool same;
	char address[64];
};

static enum ak_err
gather_origin(void *ctx, const struct session *s)
{
	struct origin *o = ctx;

	if (s->uid != o->uid || !has_origin(s) || !sessions_is_live(s))
		return AK_OK;
	if (o->n++ == 0) {
		memcpy(o->address, s->address, sizeof(o->address));
		o->same = true;
	} else if (strcmp(o->address, s->address) != 0) {
		o->same = false;
	}
	return AK_OK;
}

enum ak_err
sessions_find_origin(const struct paths *p, uint32_t key_uid, char address[64])
{
	struct origin o = {.uid = key_uid};
	enum ak_err err = sessions_each(p, gather_origin, &o);

	address[0] = '\0';
	if (err != AK_OK)
		return err;
	if (o.n == 0 || !o.same || o.address[0] == '\0')
		return AK_ERR_NOT_FOUND;
	memcpy(address, o.address, sizeof(o.address));
	return AK_OK;
}
