#include "enforcer.h"

#include <stdio.h>
#include <string.h>

#include "enforce_audit.h"
#include "text.h"

/* A command that ends sessions has them ended soon: its lock is asked for again, and never waited for. */
#define LOCKED_MS 10
/* And this is not soon. */
#define LOCKED_LONG_MS 10000
/* How long what is in the directory's files may wait to be published. */
#define PATIENCE_MS 200
#define LEFT_MS 5000
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
/* Passes for new records keep a pace, as far as they wait no longer than this. */
#define PACE_MAX_MS 100

static void
run(void *ctx)
{
	enforcer_run(ctx);
}

/* It has its right, as it was judged just now: only the moment at which time ends it is to be known. */
static void
record_changed(void *ctx)
{
	struct enforcer *e = ctx;

	loop_arm_by(e->loop, &e->due, pace_wait_ms(&e->pace));
}

enum ak_err
enforcer_open(struct enforcer *e, struct loop *loop, const struct paths *p,
    const struct log *log, const struct enforcer_host *host, struct diag *why)
{
	enum ak_err err;

	*e = ENFORCER_CLOSED;
	e->loop = loop;
	e->paths = p;
	e->log = log;
	e->host = *host;
	e->pace = (struct pace){.max_ms = PACE_MAX_MS};
	e->due = (struct loop_timer){.due = run, .ctx = e};
	if ((err = records_open(&e->records, loop, p, record_changed, e, why)) != AK_OK)
		return err;
	return wakeup_open(&e->wakeup, loop, run, e, why);
}

void
enforcer_close(struct enforcer *e)
{
	if (e->loop != NULL)
		loop_disarm(e->loop, &e->due);
	records_close(&e->records);
	wakeup_close(&e->wakeup);
}

/* --- telling ------------------------------------------------------------------------------------ */

static void
ended(void *ctx, const struct enforce_ended *s)
{
	const struct enforcer *e = ctx;
	struct audit line;

	enforce_audit(&line, s, "apikeyd");
	log_audit(e->log, line.line);
}

static void
tell_failure(struct enforcer *e, const char *problem)
{
	if (strcmp(problem, e->told) != 0 && problem[0] != '\0')
		log_event(e->log, EVENT_ENFORCE_FAILED, "problem", problem, NULL);
	(void)!text_copy(e->told, sizeof(e->told), problem);
}

/* Again when there are more of them. */
static void
tell_held_back(struct enforcer *e, const struct enforce_result *res)
{
	char held[16], live[16];
	struct audit line;

	if (res->held_back > e->told_held_back) {
		(void)snprintf(held, sizeof(held), "%u", res->held_back);
		(void)snprintf(live, sizeof(live), "%u", res->live);
		log_event(e->log, EVENT_SESSIONS_HELD_BACK, "sessions", held, "live", live,
		    "accept", "apikey sync --accept", NULL);
		audit_start(&line, "session-held-back");
		audit_add(&line, "sessions", held);
		audit_add(&line, "live", live);
		audit_add(&line, "by", "apikeyd");
		log_audit(e->log, line.line);
	}
	e->told_held_back = res->held_back;
}

static void
tell_left(struct enforcer *e, unsigned left)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", left);
	if (left > e->left)
		log_event(e->log, EVENT_PROCESSES_LEFT, "processes", text, NULL);
	e->left = left;
}

/* --- a pass ------------------------------------------------------------------------------------- */

static bool
is_same_source(struct source_id a, struct source_id b)
{
	return a.generation == b.generation && (a.generation == 0 || a.id == b.id);
}

static bool
has_moved(const struct enforcer *e)
{
	struct source_id keys = {.generation = 0}, groups = {.generation = 0};

	e->host.sources(e->host.ctx, &keys, &groups);
	return !e->judged || !is_same_source(keys, e->keys) ||
	       !is_same_source(groups, e->groups);
}

static void
answer_accept(struct enforcer *e, enum ak_err err, const char *text, unsigned n)
{
	e->accept = false;
	e->host.accepted(e->host.ctx, err, text, n);
}

static void
wait_for_lock(struct enforcer *e)
{
	int64_t now = loop_now_ms();

	if (e->busy_since_ms == 0)
		e->busy_since_ms = now;
	if (now - e->busy_since_ms >= LOCKED_LONG_MS)
		tell_failure(e, "another process has been ending sessions for ten seconds, "
				"and is waited for");
	loop_arm_by(e->loop, &e->due, LOCKED_MS);
}

static void
retry_later(struct enforcer *e, enum ak_err err, const struct diag *why)
{
	char problem[DIAG_PRINT_CAP];

	(void)diag_print(why, problem, sizeof(problem));
	if (problem[0] == '\0')
		(void)!text_copy(problem, sizeof(problem), ak_strerror(err));
	tell_failure(e, problem);
	e->retry_ms = e->retry_ms == 0 ? RETRY_MIN_MS : e->retry_ms * 2;
	if (e->retry_ms > RETRY_MAX_MS)
		e->retry_ms = RETRY_MAX_MS;
	loop_arm_by(e->loop, &e->due, e->retry_ms);
	if (e->accept)
		answer_accept(e, err, problem, 0);
}

/* When the next one is due by itself. What has passed and ended nothing is not asked for again in the same second. */
static void
wait_for_time(struct enforcer *e, const struct enforce_result *res, int64_t now)
{
	wakeup_set(&e->wakeup, res->next_at > now ? res->next_at : now + 1);
	if (res->again_in_ms >= 0)
		loop_arm_by(e->loop, &e->due, res->again_in_ms > 0 ? res->again_in_ms : 1);
	/* What the kernel holds is tried again now and then. */
	if (res->left > 0)
		loop_arm_by(e->loop, &e->due, LEFT_MS);
}

static void
take_result(struct enforcer *e, const struct enforce_how *how, const struct enforce_result *res)
{
	e->passed = true;
	if (how->guarded && !how->accept) {
		recent_add(&e->ended, loop_now_ms(), res->ended);
		recent_add(&e->ended_keys, loop_now_ms(), res->ended_keys);
	}
	/* Else some of what the directory says is judged later, and is guarded then. */
	if (!res->distrusted && e->host.judges(e->host.ctx)) {
		e->judged = true;
		e->host.sources(e->host.ctx, &e->keys, &e->groups);
	}
	e->held_back = res->held_back;
	tell_held_back(e, res);
	tell_left(e, res->left);
	wait_for_time(e, res, how->now);
	if (how->accept)
		answer_accept(e, AK_OK, "", res->ended);
}

void
enforcer_run(struct enforcer *e)
{
	struct enforce_how how = {.paths = e->paths,
	    .now = e->host.now(e->host.ctx),
	    .guarded = has_moved(e),
	    .accept = e->accept && e->held_back > 0,
	    .ended = ended,
	    .ctx = e};
	struct enforce_result res = {.again_in_ms = -1};
	struct diag why = DIAG_INIT;
	int64_t began = pace_begin();
	enum ak_err err, watched;

	loop_disarm(e->loop, &e->due);
	if (how.guarded) {
		how.n_before = recent_count(&e->ended, loop_now_ms());
		how.n_keys_before = recent_count(&e->ended_keys, loop_now_ms());
	}
	watched = records_follow(&e->records, &why);
	err = e->host.run(&how, false, &res, &why);
	pace_end(&e->pace, began);
	if (err == AK_ERR_EXISTS) {
		wait_for_lock(e);
		return;
	}
	e->busy_since_ms = 0;
	if (err == AK_OK)
		take_result(e, &how, &res);
	if (err == AK_OK)
		err = watched;
	if (err != AK_OK) {
		retry_later(e, err, &why);
		return;
	}
	e->retry_ms = 0;
	e->told[0] = '\0';
	if (e->accept) /* the first pass, which tells what is held back */
		enforcer_accept(e);
}

void
enforcer_expect(struct enforcer *e)
{
	if (has_moved(e))
		loop_arm_by(e->loop, &e->due, PATIENCE_MS);
}

void
enforcer_accept(struct enforcer *e)
{
	e->accept = true;
	if (e->passed && e->held_back == 0)
		answer_accept(e, AK_ERR_NOT_FOUND, "nothing is held back", 0);
	else
		enforcer_run(e);
}
