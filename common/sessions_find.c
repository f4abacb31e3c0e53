#include "sessions.h"

#include <string.h>
#include <unistd.h>

/* Who are you: the chain from this process up to the first that leads a session. */
#define DEPTH_MAX 64
struct chain {
	struct proc_id up[DEPTH_MAX];
	unsigned n;
	uint32_t audit, uid;
	uint64_t namespace;
	unsigned best; /* place in the chain of the nearest leader found; DEPTH_MAX: none */
	unsigned by_audit, by_uid; /* how many */
	bool same_address;
	struct session nearest, audited, any;
};

static void
climb(struct chain *c)
{
	struct proc at;
	pid_t pid = getpid();

	while (c->n < DEPTH_MAX && pid > 0 && proc_read(pid, &at) == AK_OK) {
		if (c->n == 0)
			c->audit = at.audit;
		c->up[c->n++] = at.id;
		pid = at.parent;
	}
}

static enum ak_err
match_chain(void *ctx, const struct session *s)
{
	struct chain *c = ctx;

	if (s->namespace != c->namespace || s->account_uid != c->uid ||
	    s->state != SESSION_OPEN)
		return AK_OK;
	if (s->audit != PROC_NO_AUDIT && s->audit == c->audit) {
		c->by_audit++;
		c->audited = *s;
	}
	if (s->state != SESSION_OPEN)
		return AK_OK;
	for (unsigned i = 0; i < c->n && i < c->best; i++)
		if (c->up[i].pid == s->leader.pid && c->up[i].start == s->leader.start) {
			c->best = i;
			c->nearest = *s;
		}
	if (s->uid != c->uid || !proc_is_alive(&s->leader))
		return AK_OK;
	if (c->by_uid++ == 0) {
		c->any = *s;
		c->same_address = true;
	} else if (strcmp(c->any.address, s->address) != 0) {
		c->same_address = false;
	}
	return AK_OK;
}

enum ak_err
sessions_find_own(const struct paths *p, uint32_t uid, struct session *out)
{
	struct chain c = {.best = DEPTH_MAX, .uid = uid, .audit = PROC_NO_AUDIT};
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	c.namespace = proc_namespace();
	climb(&c);
	if ((err = sessions_each(p, match_chain, &c)) != AK_OK)
		return err;
	if (c.by_audit == 1) {
		*out = c.audited;
	} else if (c.best < DEPTH_MAX) {
		*out = c.nearest;
	} else if (c.by_uid > 0) {
		*out = c.any;
		if (!c.same_address)
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

	if (s->uid != o->uid || s->state != SESSION_OPEN || !proc_is_alive(&s->leader))
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
