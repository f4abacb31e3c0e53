#include "sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "marks.h"
#include "rundir.h"

#define FOLDER "sessions"
#define RECORD_VERSION 2

static void
session_pack(const struct session *s, struct pack *out)
{
	pack_u8(out, RECORD_VERSION);
	pack_u8(out, (uint8_t)s->state);
	pack_u32(out, s->uid);
	pack_str(out, s->key);
	pack_str(out, s->key_id);
	pack_u32(out, s->secret);
	pack_str(out, s->account);
	pack_u32(out, s->account_uid);
	pack_str(out, s->service);
	pack_str(out, s->address);
	pack_u64(out, (uint64_t)s->since);
	pack_u32(out, (uint32_t)s->leader.pid);
	pack_u64(out, s->leader.start);
	pack_u64(out, s->opened);
	pack_u64(out, s->namespace);
	pack_u32(out, s->audit);
	pack_str(out, s->scope);
	pack_u8(out, s->in_scope);
	pack_u8(out, s->by_root);
	pack_str(out, s->requires);
	pack_str(out, s->roles);
	pack_u32(out, s->n_groups);
	for (uint32_t i = 0; i < s->n_groups; i++) {
		pack_u32(out, s->groups[i].gid);
		pack_str(out, s->groups[i].name);
	}
	pack_u64(out, (uint64_t)s->kill_at_ms);
	pack_u32(out, (uint32_t)s->spared.pid);
	pack_u64(out, s->spared.start);
	pack_u8(out, s->held_back);
	pack_u64(out, s->policy);
	pack_u64(out, s->key_print);
}

static void
take_str(struct unpack *u, char *dst, size_t cap_b)
{
	if (text_copy(dst, cap_b, unpack_str(u)) != AK_OK)
		u->bad = true;
}

static void
take_groups(struct unpack *u, struct session *s)
{
	uint32_t n = unpack_u32(u);

	if (n > SESSION_GROUPS_MAX) {
		u->bad = true;
		return;
	}
	for (s->n_groups = 0; s->n_groups < n; s->n_groups++) {
		struct session_group *g = &s->groups[s->n_groups];

		g->gid = unpack_u32(u);
		take_str(u, g->name, sizeof(g->name));
	}
}

static enum ak_err
session_unpack(const char *id, const unsigned char *bytes, size_t len_b, struct session *s)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t version = unpack_u8(&u), state = unpack_u8(&u);

	memset(s, 0, sizeof(*s));
	s->uid = unpack_u32(&u);
	take_str(&u, s->key, sizeof(s->key));
	take_str(&u, s->key_id, sizeof(s->key_id));
	s->secret = unpack_u32(&u);
	take_str(&u, s->account, sizeof(s->account));
	s->account_uid = unpack_u32(&u);
	take_str(&u, s->service, sizeof(s->service));
	take_str(&u, s->address, sizeof(s->address));
	s->since = (int64_t)unpack_u64(&u);
	s->leader.pid = (pid_t)unpack_u32(&u);
	s->leader.start = unpack_u64(&u);
	s->opened = unpack_u64(&u);
	s->namespace = unpack_u64(&u);
	s->audit = unpack_u32(&u);
	take_str(&u, s->scope, sizeof(s->scope));
	s->in_scope = unpack_u8(&u) != 0;
	s->by_root = unpack_u8(&u) != 0;
	take_str(&u, s->requires, sizeof(s->requires));
	take_str(&u, s->roles, sizeof(s->roles));
	take_groups(&u, s);
	s->kill_at_ms = (int64_t)unpack_u64(&u);
	s->spared.pid = (pid_t)unpack_u32(&u);
	s->spared.start = unpack_u64(&u);
	s->held_back = unpack_u8(&u) != 0;
	s->policy = unpack_u64(&u);
	s->key_print = unpack_u64(&u);
	if (version > RECORD_VERSION) {
		memset(s, 0, sizeof(*s));
		return AK_ERR_NEWER;
	}
	if (version != RECORD_VERSION || state < SESSION_OPEN || state > SESSION_ENDING ||
	    u.bad || u.left_b != 0 || !text_is_key_name(s->key) || s->leader.pid <= 0 ||
	    text_copy(s->id, sizeof(s->id), id) != AK_OK) {
		memset(s, 0, sizeof(*s));
		return AK_ERR_CORRUPT;
	}
	s->state = state;
	return AK_OK;
}

/* Without the heap: a session is closed, and refused, with no memory left. */
static enum ak_err
write_record(int dir, const struct session *s)
{
	unsigned char buf[RUNDIR_MAX_B];
	struct pack bytes = pack_over(buf, sizeof(buf));

	session_pack(s, &bytes);
	return rundir_write(dir, s->id, &bytes);
}

/* Over the folder's records. */
struct over {
	int dir;
	uid_t owner;
	enum ak_err (*take)(void *ctx, const struct session *s);
	void *ctx;
	bool unread; /* for our own want: what is damaged or another's is passed over */
};

static enum ak_err
read_record(int dir, const char *id, uid_t owner, struct session *s)
{
	unsigned char buf[RUNDIR_MAX_B];
	size_t len_b;
	enum ak_err err = rundir_read(dir, id, owner, buf, &len_b);

	return err == AK_OK ? session_unpack(id, buf, len_b, s) : err;
}

static enum ak_err
read_one(void *ctx, const char *name)
{
	struct over *o = ctx;
	struct session s;
	enum ak_err err = read_record(o->dir, name, o->owner, &s);

	o->unread |= err == AK_ERR_UNAVAILABLE;
	return err == AK_OK ? o->take(o->ctx, &s) : AK_OK;
}

static enum ak_err
each_in(int dir, uid_t owner, enum ak_err (*take)(void *ctx, const struct session *s), void *ctx)
{
	struct over o = {.dir = dir, .owner = owner, .take = take, .ctx = ctx};
	enum ak_err err = rundir_each(dir, read_one, &o);

	return err == AK_OK && o.unread ? AK_ERR_UNAVAILABLE : err;
}

enum ak_err
sessions_each(
    const struct paths *p, enum ak_err (*take)(void *ctx, const struct session *s), void *ctx)
{
	int dir;
	enum ak_err err = rundir_look(p->run, FOLDER, p->owner, &dir);

	if (err != AK_OK)
		return err == AK_ERR_NOT_FOUND ? AK_OK : err;
	err = each_in(dir, p->owner, take, ctx);
	(void)close(dir);
	return err;
}

struct unread {
	int dir;
	uid_t owner;
	struct sessions_unread *count;
};

static enum ak_err
count_unread(void *ctx, const char *name)
{
	const struct unread *u = ctx;
	struct session s;
	enum ak_err err = read_record(u->dir, name, u->owner, &s);

	if (err == AK_ERR_NEWER)
		u->count->newer++;
	else if (err != AK_OK && err != AK_ERR_NOT_FOUND)
		u->count->damaged++;
	return AK_OK;
}

enum ak_err
sessions_count_unread(const struct paths *p, struct sessions_unread *out)
{
	struct unread u = {.owner = p->owner, .count = out};
	enum ak_err err = rundir_look(p->run, FOLDER, p->owner, &u.dir);

	*out = (struct sessions_unread){.newer = 0};
	if (err != AK_OK)
		return err == AK_ERR_NOT_FOUND ? AK_OK : err;
	err = rundir_each(u.dir, count_unread, &u);
	(void)close(u.dir);
	return err;
}

/* Nothing else of the folder, or beside it, is a record. */
static bool
is_id(const char *id)
{
	return strlen(id) == SESSION_ID_CAP - 1 &&
	       strspn(id, "0123456789abcdef") == SESSION_ID_CAP - 1;
}

enum ak_err
sessions_remove(const struct paths *p, const char *id)
{
	int dir;
	enum ak_err err = rundir_look(p->run, FOLDER, p->owner, &dir);

	if (err != AK_OK)
		return err;
	err = is_id(id) ? rundir_remove(dir, id) : AK_ERR_NOT_FOUND;
	(void)close(dir);
	return err;
}

/* Does nothing but its key's uid tell what it left? su's in its caller's login, and where the host has neither audit nor scopes. */
static bool
is_unmarked(const struct session *s)
{
	return s->audit == PROC_NO_AUDIT && s->scope[0] == '\0' && !s->by_root &&
	       s->uid == s->account_uid;
}

/*
 * A leader that has closed its session lives on for a moment, or for another
 * one. here: this pid namespace.
 */
static bool
is_carried(const struct session *s, uint64_t here, struct marks *marks)
{
	/* Another namespace's pids say nothing here: nothing is known to be gone. */
	if (s->namespace != here)
		return true;
	if (s->state != SESSION_CLOSED && proc_is_alive(&s->leader))
		return true;
	if (is_unmarked(s))
		return marks_has_uid(marks, s->uid);
	return (s->audit != PROC_NO_AUDIT && marks_has_audit(marks, s->audit)) ||
	       (s->scope[0] != '\0' && marks_has_scope(marks, s->scope));
}

static bool
is_carried_without(const struct session *s, uint64_t here, pid_t pid)
{
	struct marks marks = MARKS_WITHOUT(pid);
	bool carried = is_carried(s, here, &marks);

	marks_clear(&marks);
	return carried;
}

bool
sessions_is_carried(const struct session *s)
{
	return is_carried_without(s, proc_namespace(), 0);
}

/* Records that nothing may carry any more. */
struct sweep {
	uint64_t here; /* this pid namespace */
	struct session *v;
	size_t n, cap;
};

static enum ak_err
sweep_one(void *ctx, const struct session *s)
{
	struct sweep *w = ctx;
	struct session *grown;

	if (s->namespace != w->here || (s->state != SESSION_CLOSED && proc_is_alive(&s->leader)))
		return AK_OK;
	if (w->n == w->cap) {
		if ((grown = reallocarray(w->v, w->cap * 2 + 8, sizeof(*grown))) == NULL)
			return AK_ERR_NOMEM;
		w->v = grown;
		w->cap = w->cap * 2 + 8;
	}
	w->v[w->n++] = *s;
	return AK_OK;
}

/* Of those whose uid alone tells, one is enough for what all of them left. */
static bool
is_told_by_another(const struct sweep *w, size_t i)
{
	if (!is_unmarked(&w->v[i]))
		return false;
	for (size_t k = 0; k < i; k++)
		if (is_unmarked(&w->v[k]) && w->v[k].uid == w->v[i].uid)
			return true;
	return false;
}

/*
 * First all records, then the processes: a session that began, and was logged
 * out of, after the processes were looked at would have none.
 */
static void
sweep(int dir, uid_t owner, uint64_t here)
{
	struct sweep w = {.here = here};
	struct marks marks = MARKS_WITHOUT(0);

	if (each_in(dir, owner, sweep_one, &w) == AK_OK)
		for (size_t i = 0; i < w.n; i++)
			if (is_told_by_another(&w, i) || !is_carried(&w.v[i], here, &marks))
				(void)!rundir_remove(dir, w.v[i].id);
	marks_clear(&marks);
	free(w.v);
}

static enum ak_err
draw_id(char id[SESSION_ID_CAP])
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return AK_ERR_UNAVAILABLE;
	(void)snprintf(id, SESSION_ID_CAP, "%016llx", (unsigned long long)bits);
	return AK_OK;
}

struct audit_use {
	uint32_t audit;
	bool used;
};

static enum ak_err
is_audit_used(void *ctx, const struct session *s)
{
	struct audit_use *use = ctx;

	if (s->audit == use->audit)
		use->used = true;
	return AK_OK;
}

static bool
is_su(const char *service)
{
	static const char *const names[] = {"su", "su-l", "runuser", "runuser-l"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(service, names[i]) == 0)
			return true;
	return false;
}

/*
 * The audit session is this session's mark when it is set, is not what the
 * parent (the listening sshd) has too, is in no other record, and the service
 * begins a session of its own: su carries its caller's.
 */
static uint32_t
own_audit(int dir, uid_t owner, const struct session *s, const struct proc *own)
{
	struct audit_use use = {.audit = own->audit};
	struct proc above;

	if (own->audit == PROC_NO_AUDIT || is_su(s->service))
		return PROC_NO_AUDIT;
	if (proc_read(own->parent, &above) == AK_OK && above.audit == own->audit)
		return PROC_NO_AUDIT;
	if (each_in(dir, owner, is_audit_used, &use) != AK_OK || use.used)
		return PROC_NO_AUDIT;
	return own->audit;
}

enum ak_err
sessions_open(const struct paths *p, struct session *s)
{
	const uint64_t here = proc_namespace();
	char within[SESSION_SCOPE_CAP];
	struct proc own;
	enum ak_err err;
	int dir;

	if ((err = rundir_open(p->run, FOLDER, p->owner, &dir)) != AK_OK)
		return err;
	sweep(dir, p->owner, here);
	err = proc_read(getpid(), &own);
	if (err == AK_OK)
		err = draw_id(s->id);
	if (err == AK_OK) {
		s->leader = own.id;
		s->opened = proc_ticks();
		s->namespace = here;
		s->audit = own_audit(dir, p->owner, s, &own);
		proc_read_scope(own.id.pid, within, sizeof(within));
		s->in_scope = within[0] != '\0';
		err = write_record(dir, s);
	}
	(void)close(dir);
	return err;
}

enum ak_err
sessions_update(const struct paths *p, const struct session *s)
{
	int dir;
	enum ak_err err = rundir_look(p->run, FOLDER, p->owner, &dir);

	if (err != AK_OK)
		return err;
	err = write_record(dir, s);
	(void)close(dir);
	return err;
}

/* Close what this process opened, and nothing else. */
static bool
is_led_here(const struct session *s, uint64_t here)
{
	struct proc_id own;

	return proc_find(getpid(), &own) == AK_OK && s->namespace == here &&
	       s->leader.pid == own.pid && s->leader.start == own.start;
}

/* The scope that the leader's session has for itself: su's is its caller's. */
static void
fill_scope(struct session *s)
{
	char above[SESSION_SCOPE_CAP];
	struct proc own;

	if (s->in_scope)
		return;
	proc_read_scope(getpid(), s->scope, sizeof(s->scope));
	if (s->scope[0] == '\0')
		return;
	above[0] = '\0';
	if (proc_read(getpid(), &own) == AK_OK)
		proc_read_scope(own.parent, above, sizeof(above));
	if (strcmp(above, s->scope) == 0)
		s->scope[0] = '\0';
}

enum ak_err
sessions_close(const struct paths *p, const char *id)
{
	const uint64_t here = proc_namespace();
	struct session s;
	enum ak_err err;
	int dir;

	if ((err = rundir_look(p->run, FOLDER, p->owner, &dir)) != AK_OK)
		return err;
	err = read_record(dir, id, p->owner, &s);
	if (err == AK_OK && !is_led_here(&s, here))
		err = AK_ERR_NOT_FOUND;
	if (err == AK_OK) {
		s.state = SESSION_CLOSED;
		fill_scope(&s);
		/* The leader has yet to end, with the session's mark on it. */
		err = is_carried_without(&s, here, getpid()) ? write_record(dir, &s)
							     : rundir_remove(dir, s.id);
	}
	(void)close(dir);
	return err;
}
