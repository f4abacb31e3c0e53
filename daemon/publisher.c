#include "publisher.h"

#include "keyring.h"
#include "nscd.h"

/* The command goes first: its lock is asked for again this soon, and never waited for. */
#define LOCKED_MS 10
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
/* A large first answer must not keep the next change waiting; and a revocation right behind another change is to be done within a second. */
#define PACE_MAX_MS 500

static void
run(void *ctx)
{
	publisher_run(ctx, false);
}

void
publisher_init(struct publisher *p, struct loop *loop, const struct paths *paths,
    struct rules *rules, const struct publisher_host *host)
{
	*p = (struct publisher){.loop = loop,
	    .paths = paths,
	    .rules = rules,
	    .host = *host,
	    .pace = {.max_ms = PACE_MAX_MS}};
	p->due = (struct loop_timer){.due = run, .ctx = p};
}

void
publisher_stop(struct publisher *p)
{
	loop_disarm(p->loop, &p->due);
}

void
publisher_want(struct publisher *p, bool reload)
{
	p->reload |= reload;
	/* A write that failed halfway wakes us too. */
	loop_arm_by(p->loop, &p->due, p->failed.ms > 0 ? RETRY_MIN_MS : 0);
}

void
publisher_want_paced(struct publisher *p)
{
	int64_t wait = pace_wait_ms(&p->pace), least = p->failed.ms > 0 ? RETRY_MIN_MS : 0;

	loop_arm_by(p->loop, &p->due, wait > least ? wait : least);
}

/* AK_ERR_NOMEM: nothing is published by what was not read. */
static enum ak_err
load_rules(struct publisher *p)
{
	enum rules_news news = rules_load(p->rules);

	p->reload = false;
	if (news == RULES_UNREAD)
		return AK_ERR_NOMEM;
	if (news != RULES_SAME)
		p->host.news(p->host.ctx, news);
	return AK_OK;
}

static bool
is_same_source(struct source_id a, struct source_id b)
{
	return a.generation == b.generation && (a.generation == 0 || a.id == b.id);
}

/* Was users.idx made from what is there now? */
static bool
is_published(const struct publisher *p)
{
	const struct live *l = &p->rules->live;
	struct keyring ring = KEYRING_INIT;
	struct source_id keys = {.generation = 0}, groups = {.generation = 0};
	const struct users_extra *u = &ring.users;
	bool same;

	if (keyring_open(p->paths, &ring) != AK_OK)
		return false;
	p->host.sources(p->host.ctx, &keys, &groups);
	same = keyring_is_published(&ring) &&
	       u->policy == (l->image != NULL ? l->policy_id : 0) &&
	       u->config == l->settings_id && u->group == l->group_id &&
	       is_same_source(u->directory_keys, keys) &&
	       is_same_source(u->directory_groups, groups);
	keyring_close(&ring);
	return same && (l->image == NULL || l->from_store);
}

static enum ak_err
publish_locked(
    struct publisher *p, struct store *s, struct publish_result *res, struct diag *why)
{
	enum ak_err err = p->host.note(p->host.ctx, s);

	if (err == AK_OK)
		err = publish(s, &p->rules->live, p->host.now(p->host.ctx), res, why);
	if (err == AK_OK)
		p->rules->live.from_store = true;
	return err;
}

struct outcome {
	struct publish_result res;
	bool changed; /* there was something to write */
	bool busy; /* another writer is at work */
};

static enum ak_err
bring_up_to_date(struct publisher *p, struct outcome *out, struct diag *why)
{
	struct store_options opt = {
	    .hooks = {.check_id = p->host.check_id, .ctx = p->host.ctx}, .no_wait = true};
	struct store *s = NULL;
	enum ak_err err;

	if (is_published(p))
		return AK_OK;
	if ((err = store_open(p->paths, &opt, &s, why)) != AK_OK) {
		out->busy = err == AK_ERR_EXISTS;
		return err;
	}
	/* Whoever had the lock until now may have changed and published it all. */
	if (!rules_is_current(p->rules))
		err = load_rules(p);
	out->changed = err == AK_OK && !is_published(p);
	if (out->changed)
		err = publish_locked(p, s, &out->res, why);
	store_close(&s);
	if (out->changed)
		nscd_flush();
	return err;
}

/* From now: twice as long each time that it was due, and not for each that asked before. */
static int64_t
next_pause(struct publisher_pause *pause)
{
	int64_t now = loop_now_ms();

	if (now >= pause->until_ms) {
		pause->ms = pause->ms == 0 ? RETRY_MIN_MS : pause->ms * 2;
		if (pause->ms > RETRY_MAX_MS)
			pause->ms = RETRY_MAX_MS;
		pause->until_ms = now + pause->ms;
	}
	return pause->until_ms - now;
}

/* The directory's files, as far as they could be read just now. While the settings have none, none is read. */
static bool
is_unread(const struct publisher *p, const struct publish_result *res, struct diag *why)
{
	const struct live *l = &p->rules->live;
	struct source_id keys = {.generation = 0}, groups = {.generation = 0};
	bool lost_keys, lost_groups;

	if (l->settings_ok && !l->settings.directory.present)
		return false;
	p->host.sources(p->host.ctx, &keys, &groups);
	lost_keys = !is_same_source(res->directory_keys, keys);
	lost_groups = !is_same_source(res->directory_groups, groups);
	if (!lost_keys && !lost_groups)
		return false;
	p->host.unread(p->host.ctx, lost_keys, lost_groups);
	(void)diag_say(why, AK_ERR_UNAVAILABLE, p->paths->users, 0, 0,
	    "is made without a part of what the directory says: it cannot be read");
	return true;
}

/* What is there and could not be read is read again: nobody edits it for that. */
static void
look_for_unread(struct publisher *p, const struct publish_result *res, struct diag *why)
{
	const struct live *l = &p->rules->live;
	bool unread = live_is_lost(l);

	if (unread)
		*why = l->problem;
	else
		unread =
		    (res != NULL && is_unread(p, res, why)) || p->host.behind(p->host.ctx, why);
	if (unread)
		loop_arm_by(p->loop, &p->due, next_pause(&p->unread));
	else
		p->unread = (struct publisher_pause){.ms = 0};
}

void
publisher_run(struct publisher *p, bool reload)
{
	int64_t began = pace_begin();
	struct outcome out = {.changed = false};
	struct diag why = DIAG_INIT;
	enum ak_err err = AK_OK, prepared;

	loop_disarm(p->loop, &p->due);
	if (reload || p->reload || !rules_is_current(p->rules))
		err = load_rules(p);
	prepared = p->host.prepare(p->host.ctx, &why);
	if (err == AK_OK)
		err = bring_up_to_date(p, &out, &why);
	pace_end(&p->pace, began);
	if (out.busy) {
		loop_arm_by(p->loop, &p->due, LOCKED_MS);
		return;
	}
	if (err == AK_OK)
		err = prepared;
	if (err == AK_OK) {
		p->failed = (struct publisher_pause){.ms = 0};
		why = DIAG_INIT;
		look_for_unread(p, out.changed ? &out.res : NULL, &why);
	} else {
		loop_arm(p->loop, &p->due, next_pause(&p->failed));
		(void)diag_because(&why, err, "%s", ak_strerror(err));
	}
	p->host.done(p->host.ctx, err, out.changed && err == AK_OK ? &out.res : NULL, &why);
}
