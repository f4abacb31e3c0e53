#include <sys/random.h>
#include <time.h>

#include "engine_impl.h"
#include "ldapconn.h"

/* A refresh as a whole may take so many times what one answer may. */
#define REFRESH_FACTOR 60
#define CONTACT_EVERY_MS 1000

int64_t
engine_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
engine_random_ms(int64_t ms)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = UINT16_MAX / 2;
	return (int64_t)((double)ms * random / UINT16_MAX);
}

int64_t
engine_jitter_ms(int64_t ms)
{
	return ms / 2 + engine_random_ms(ms);
}

/* Settings may say "never", which is no number of milliseconds. */
static int64_t
as_ms(int64_t s, int64_t max_s)
{
	return (s < 1 ? 1 : s > max_s ? max_s : s) * 1000;
}

static int64_t
timeout_ms(const struct engine *e)
{
	return (int64_t)e->conn.timeout_s * 1000;
}

static int64_t
probe_every_ms(const struct engine *e)
{
	return as_ms(e->config->settings->max_age_s / 20, 30);
}

static bool
all_whole(const struct engine *e)
{
	for (int i = 0; i < ENGINE_SEARCHES; i++)
		if (engine_search_is_made(&e->searches[i]) && !e->searches[i].whole)
			return false;
	return true;
}

static void
stop_probe(struct engine *e)
{
	if (e->probe_id != 0)
		(void)ldap_abandon_ext(e->conn.ld, e->probe_id, NULL, NULL);
	e->probe_id = 0;
}

static bool
has_cookie(const struct engine *e)
{
	for (int i = 0; i < ENGINE_SEARCHES; i++)
		if (engine_search_is_made(&e->searches[i]) && e->searches[i].cookie.len_b > 0)
			return true;
	return false;
}

/*
 * A refresh begins. One with cookies compares nothing, so it moves nothing:
 * connections that always end early must not put the comparison off for ever.
 * When the last one was, an engine that begins with cookies doesn't know.
 */
static void
set_reconcile(struct engine *e, int64_t now)
{
	int64_t every_ms = as_ms(e->config->settings->reconcile_s, 365 * 86400);

	if (!has_cookie(e))
		e->reconcile_at = now + engine_jitter_ms(every_ms);
	else if (e->reconcile_at == 0)
		e->reconcile_at = now + engine_random_ms(every_ms);
}

enum ak_err
engine_refresh_all(struct engine *e, bool from_scratch, struct diag *why)
{
	enum ak_err err = AK_OK;
	int64_t now = engine_now_ms(), poll_ms = as_ms(e->config->settings->poll_s, 86400);

	stop_probe(e);
	e->conn.problem = DIAG_INIT;
	e->is_whole = false;
	e->heard_at = e->refresh_since = now;
	e->poll_at = now + poll_ms - poll_ms / 10 + engine_jitter_ms(poll_ms / 10);
	for (int i = 0; i < ENGINE_SEARCHES && from_scratch; i++)
		engine_search_drop_cookie(&e->searches[i]);
	set_reconcile(e, now);
	for (int i = 0; i < ENGINE_SEARCHES && err == AK_OK; i++) {
		if (!engine_search_is_made(&e->searches[i]))
			continue;
		err = engine_search_begin(&e->searches[i], &e->conn, why);
	}
	return err;
}

static void
tell_contact(struct engine *e, int64_t now)
{
	if (e->is_whole && now - e->contact_at < CONTACT_EVERY_MS)
		return;
	wire_put_simple(&e->link->out, WIRE_CONTACT);
	e->contact_at = now;
}

void
engine_note_message(struct engine *e)
{
	int64_t now = engine_now_ms();

	e->heard_at = now;
	if (!all_whole(e))
		return;
	/* Between two polls nothing is known. */
	if (!e->is_whole || !e->conn.polled)
		tell_contact(e, now);
	if (!e->is_whole) {
		e->is_whole = true;
		e->probe_at = now + probe_every_ms(e);
		if (e->whole_since == 0)
			e->whole_since = now;
	}
	engine_tell_state(
	    e, e->conn.polled ? WIRE_POLLING : WIRE_FOLLOWING, e->conn.problem.text);
}

/* --- what is due ---------------------------------------------------------------------------- */

static enum ak_err
send_probe(struct engine *e, int64_t now, struct diag *why)
{
	char none[] = LDAP_NO_ATTRS, *wanted[] = {none, NULL};
	int rc = ldap_search_ext(e->conn.ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", wanted, 0,
	    NULL, NULL, NULL, LDAP_NO_LIMIT, &e->probe_id);

	if (rc != LDAP_SUCCESS) {
		e->probe_id = 0;
		(void)ldapconn_fail(e->conn.ld, rc, "the server can't be asked", why);
		return AK_ERR_UNAVAILABLE;
	}
	e->probe_at = now + timeout_ms(e);
	return AK_OK;
}

void
engine_note_probe(struct engine *e)
{
	e->probe_id = 0;
	e->probe_at = engine_now_ms() + probe_every_ms(e);
}

void
engine_forgive(struct engine *e)
{
	int64_t now = engine_now_ms();

	e->heard_at = e->refresh_since = now;
	if (e->probe_id != 0)
		e->probe_at = now + timeout_ms(e);
}

static enum ak_err
run_probe(struct engine *e, int64_t now, struct diag *why)
{
	if (now < e->probe_at)
		return AK_OK;
	if (e->probe_id != 0)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "the server stopped answering: no word for %d s", e->conn.timeout_s);
	return send_probe(e, now, why);
}

static enum ak_err
check_refresh(struct engine *e, int64_t now, struct diag *why)
{
	if (now - e->heard_at > timeout_ms(e))
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "the server stopped answering in the middle: no word for %d s",
		    e->conn.timeout_s);
	if (now - e->refresh_since > timeout_ms(e) * REFRESH_FACTOR)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "the server did not tell all within %d s",
		    e->conn.timeout_s * REFRESH_FACTOR);
	return AK_OK;
}

/* Of the three searches only principals depends on what the daemon says. */
static enum ak_err
restart_principals(struct engine *e, struct diag *why)
{
	struct engine_search *s = &e->searches[DIRECTORY_PRINCIPALS - 1];

	e->wants_names = false;
	if (!engine_search_is_made(s))
		return AK_OK;
	engine_search_drop_cookie(s);
	stop_probe(e);
	e->is_whole = false;
	e->heard_at = e->refresh_since = engine_now_ms();
	return engine_search_begin(s, &e->conn, why);
}

enum ak_err
engine_run_clock(struct engine *e, struct diag *why)
{
	int64_t now = engine_now_ms();
	bool reconcile = e->is_whole && now >= e->reconcile_at;
	enum ak_err err = AK_OK;

	if (e->wants_refresh || reconcile) {
		e->wants_refresh = e->wants_names = false;
		return engine_refresh_all(e, true, why);
	}
	if (e->wants_names && (err = restart_principals(e, why)) != AK_OK)
		return err;
	if (!e->is_whole)
		return check_refresh(e, now, why);
	if (e->conn.polled && now >= e->poll_at)
		return engine_refresh_all(e, true, why);
	return run_probe(e, now, why);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
engine_next_due(const struct engine *e)
{
	int64_t due;

	if (e->wants_refresh || e->wants_names)
		return 0;
	if (!e->is_whole)
		return earlier(e->heard_at + timeout_ms(e) + 1,
		    e->refresh_since + timeout_ms(e) * REFRESH_FACTOR + 1);
	due = earlier(e->probe_at, e->reconcile_at);
	return e->conn.polled ? earlier(due, e->poll_at) : due;
}
