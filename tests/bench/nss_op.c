#include "nss_op.h"

#include <stdio.h>
#include <string.h>

#include "bench_time.h"

char nss_room[ROOM_B];

static enum nss_status
name_call(struct subject *s, const struct question *q)
{
	struct passwd pw;
	int error = 0;

	return s->module.getpwnam(q->name, &pw, nss_room, sizeof(nss_room), &error);
}

static enum nss_status
uid_call(struct subject *s, const struct question *q)
{
	struct passwd pw;
	int error = 0;

	return s->module.getpwuid(q->id, &pw, nss_room, sizeof(nss_room), &error);
}

static enum nss_status
group_name_call(struct subject *s, const struct question *q)
{
	struct group gr;
	int error = 0;

	return s->module.getgrnam(q->name, &gr, nss_room, sizeof(nss_room), &error);
}

static enum nss_status
gid_call(struct subject *s, const struct question *q)
{
	struct group gr;
	int error = 0;

	return s->module.getgrgid(q->id, &gr, nss_room, sizeof(nss_room), &error);
}

/* As glibc calls it: the list begins with the user's own group. It is never too short here. */
static enum nss_status
initgroups_call(struct subject *s, const struct question *q)
{
	static gid_t gids_room[64];
	gid_t *gids = gids_room;
	long start = 1, size = sizeof(gids_room) / sizeof(gids_room[0]);
	int error = 0;

	gids[0] = q->id;
	return s->module.initgroups(q->name, q->id, &start, &size, &gids, -1, &error);
}

const struct op ops[N_OPS] = {
    {"name-hit", name_call, A_KEY},
    {"name-miss", name_call, NOBODY},
    {"uid-hit", uid_call, A_KEY},
    {"uid-miss", uid_call, NOBODY},
    {"group-name-hit", group_name_call, A_KEY},
    {"gid-hit", gid_call, A_KEY},
    {"gid-miss", gid_call, NOBODY},
    {"initgroups", initgroups_call, A_KEY},
    {"name-first", name_call, A_NEW_KEY},
};
void
op_question(uint64_t i, struct question *out)
{
	out->id = FIRST_UID + (uint32_t)i;
	(void)snprintf(out->name, sizeof(out->name), "ci-deploy-%07u", (unsigned)i);
}

static void
ask(struct subject *s, enum whom whom, struct question *q)
{
	uint64_t n = whom == A_KEY ? s->pool : s->n_keys;

	if (whom == A_NEW_KEY)
		op_question(--s->untouched, q);
	else
		op_question(bench_pick(&s->turn, n), q);
	if (whom == NOBODY) {
		q->id += (uint32_t)s->n_keys;
		memcpy(q->name, "no", 2);
	}
}

double
op_timed_us(struct subject *s, const struct op *op)
{
	enum nss_status status,
	    wanted = op->whom == NOBODY ? NSS_STATUS_NOTFOUND : NSS_STATUS_SUCCESS;
	struct question q;
	char what[64];
	double from, took;

	ask(s, op->whom, &q);
	from = bench_now_us();
	status = op->call(s, &q);
	took = bench_now_us() - from;
	if (status != wanted) {
		(void)snprintf(what, sizeof(what), "%s: %s of %s", s->who, op->measure, q.name);
		bench_die(
		    what, status == NSS_STATUS_UNAVAIL ? "unavailable" : "the wrong answer");
	}
	return took;
}

bool
op_applies(const struct subject *s, const struct op *op)
{
	if (op->whom == A_NEW_KEY)
		return s->pool < s->n_keys;
	return op->call != initgroups_call || s->module.initgroups != NULL;
}
