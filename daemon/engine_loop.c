#include "engine_loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "engine_impl.h"
#include "ldapconn.h"
#include "text.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
/* A server that was followed for so long is a good one: its end counts for nothing. */
#define GOOD_MS 30000
/* Thousands of hosts lose a server together, and must not come to the next one in the same second. */
#define SPREAD_MS 2000
#define TIMEOUT_MAX_S 3600
#define POLL_MAX_MS 60000
/* How soon to look again whether the daemon took all. */
#define SAY_AGAIN_MS 100

/* --- the daemon ----------------------------------------------------------------------------- */

void
engine_tell_state(struct engine *e, enum wire_phase phase, const char *problem)
{
	struct engine_told *told = &e->conn.told;

	if (told->phase == phase && told->uri == e->uri && strcmp(told->problem, problem) == 0)
		return;
	told->phase = phase;
	told->uri = e->uri;
	/* As long as a sentence of ours can be. */
	if (text_copy(told->problem, sizeof(told->problem), problem) != AK_OK)
		told->problem[0] = '\0';
	wire_put_state(&e->link->out,
	    &(struct wire_state){.phase = phase, .uri = e->uri, .problem = problem});
}

static bool
same_names(const struct engine *e, struct strv names)
{
	return e->names.len_b == names.len_b &&
	       (names.len_b == 0 || memcmp(e->names.bytes, names.bytes, names.len_b) == 0);
}

static enum ak_err
set_names(struct engine *e, struct strv names)
{
	struct engine_search *s = &e->searches[DIRECTORY_PRINCIPALS - 1];

	pack_clear(&e->names);
	pack_bytes(&e->names, names.bytes, names.len_b);
	if (e->names.err != AK_OK)
		return e->names.err;
	/* What the server knows of the cookie was for other names. */
	engine_search_drop_cookie(s);
	e->wants_names = true;
	return engine_search_set_names(s, names);
}

static enum ak_err
obey(struct engine *e, const struct wire_message *m)
{
	switch (m->type) {
	case WIRE_PING:
		wire_put_simple(&e->link->out, WIRE_PONG);
		return AK_OK;
	case WIRE_REFRESH:
		e->wants_refresh = true;
		return AK_OK;
	case WIRE_NAMES:
		return same_names(e, m->names) ? AK_OK : set_names(e, m->names);
	default:
		return AK_ERR_CORRUPT;
	}
}

static enum ak_err
hear_daemon(struct engine *e)
{
	struct wire_message m;
	enum ak_err err = engine_link_fill(e->link);

	while (err == AK_OK && (err = engine_link_next(e->link, &m)) == AK_OK)
		err = obey(e, &m);
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

static int
poll_ms(int64_t until)
{
	int64_t left = until - engine_now_ms();

	return (int)(left < 0 ? 0 : left > POLL_MAX_MS ? POLL_MAX_MS : left);
}

enum ak_err
engine_wait(struct engine *e, int fd, int64_t until)
{
	struct pollfd fds[2] = {
	    {.fd = e->link->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	enum ak_err err;

	if ((err = engine_link_flush(e->link)) != AK_OK)
		return err;
	if (engine_link_has_output(e->link))
		fds[0].events |= POLLOUT;
	if (poll(fds, 2, poll_ms(until)) < 0)
		return errno == EINTR ? AK_OK : AK_ERR_UNAVAILABLE;
	if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    (err = hear_daemon(e)) != AK_OK)
		return err;
	return engine_link_flush(e->link);
}

/* --- one server after the other ------------------------------------------------------------- */

static struct ldapconn_config
connection_to(const struct engine *e, const char *uri)
{
	const struct engine_config *c = e->config;
	enum ldapconn_bind bind = LDAPCONN_ANONYMOUS;

	if (c->settings->sasl == DIRECTORY_EXTERNAL)
		bind = LDAPCONN_EXTERNAL;
	else if (c->settings->bind_dn[0] != '\0')
		bind = LDAPCONN_SIMPLE;
	return (struct ldapconn_config){
	    .uri = uri,
	    .ca_file = c->ca_file,
	    .cert_file = c->cert_file,
	    .key_file = c->key_file,
	    .bind = bind,
	    .dn = c->settings->bind_dn,
	    .password = c->password,
	    .timeout_s = e->conn.timeout_s,
	};
}

/* Connecting takes its time: what is to be said is said before, and lies in the socket. */
static enum ak_err
say_all(struct engine *e)
{
	enum ak_err end = engine_wait(e, -1, 0);

	while (end == AK_OK && engine_link_has_output(e->link))
		end = engine_wait(e, -1, engine_now_ms() + SAY_AGAIN_MS);
	return end;
}

/* Connect and follow, until it is over. *lived: how long the connection was a good one. */
static enum ak_err
try_server(struct engine *e, const char *uri, int64_t *lived_ms)
{
	struct ldapconn_config config = connection_to(e, uri);
	struct diag why = DIAG_INIT;
	char sentence[512];
	struct text t = text_over(sentence, sizeof(sentence));
	enum ak_err end;

	*lived_ms = 0;
	e->uri = uri;
	engine_tell_state(e, WIRE_CONNECTING, "");
	if ((end = say_all(e)) != AK_OK)
		return end;
	if (ldapconn_open(&config, &e->conn.ld, &why) == AK_OK) {
		end = engine_serve(e, &why);
		if (e->whole_since != 0)
			*lived_ms = engine_now_ms() - e->whole_since;
	}
	ldapconn_close(&e->conn.ld);
	/* Some sentences have the URI in them. */
	text_add(&t, "%s%s%.400s", strstr(why.text, uri) != NULL ? "" : uri,
	    strstr(why.text, uri) != NULL ? "" : ": ", why.text);
	if (end == AK_OK)
		engine_tell_state(e, WIRE_IDLE, sentence);
	return end;
}

static enum ak_err
pause_for(struct engine *e, int64_t ms)
{
	int64_t until = engine_now_ms() + ms;
	enum ak_err end = AK_OK;

	/* Somebody asks for it now. */
	e->wants_refresh = false;
	while (end == AK_OK && !e->wants_refresh && engine_now_ms() < until)
		end = engine_wait(e, -1, until);
	return end;
}

static void
forget_cookies(struct engine *e)
{
	for (int i = 0; i < ENGINE_SEARCHES; i++)
		engine_search_drop_cookie(&e->searches[i]);
}

static const char *
uri_after(struct strv uris, const char *uri)
{
	const char *next = strv_next(uris, uri);

	return next != NULL ? next : strv_next(uris, NULL);
}

/* The URIs in turn; when each of them failed, a pause that grows; after a good one, a short one. */
static enum ak_err
try_servers(struct engine *e)
{
	struct strv uris = e->config->settings->uris;
	size_t n = strv_count(uris), failed = 0;
	int64_t backoff_ms = BACKOFF_FIRST_MS, pause_ms, lived_ms;
	const char *uri = strv_next(uris, NULL);
	enum ak_err end;

	for (size_t i = n > 0 ? e->config->first % n : 0; i > 0; i--)
		uri = uri_after(uris, uri);
	for (;;) {
		if ((end = try_server(e, uri, &lived_ms)) != AK_OK)
			return end;
		if (e->wants_refresh)
			forget_cookies(e);
		uri = uri_after(uris, uri);
		if (lived_ms < GOOD_MS && ++failed < n)
			continue;
		pause_ms = engine_jitter_ms(backoff_ms);
		backoff_ms *= 2;
		if (lived_ms >= GOOD_MS) {
			pause_ms = engine_random_ms(SPREAD_MS);
			backoff_ms = BACKOFF_FIRST_MS;
		} else if (backoff_ms > BACKOFF_MAX_MS) {
			backoff_ms = BACKOFF_MAX_MS;
		}
		failed = 0;
		if ((end = pause_for(e, pause_ms)) != AK_OK)
			return end;
		if (e->wants_refresh)
			forget_cookies(e);
	}
}

static enum ak_err
prepare(struct engine *e, struct diag *why)
{
	const struct engine_config *c = e->config;
	enum ak_err err;

	for (int i = 0; i < ENGINE_SEARCHES; i++) {
		enum directory_search_id id = (enum directory_search_id)(i + 1);

		if ((err = engine_search_init(
			 &e->searches[i], c->settings, id, &c->cookie[id], why)) != AK_OK)
			return err;
	}
	if ((err = set_names(e, c->names)) != AK_OK)
		return diag_because(why, err, "a local key's name can't be asked for");
	return AK_OK;
}

enum ak_err
engine_loop(const struct engine_config *config, struct engine_link *link)
{
	int64_t timeout_s = config->settings->timeout_s;
	struct engine e = {.config = config, .link = link, .uri = ""};
	struct diag why = DIAG_INIT;
	enum ak_err end;

	e.conn.link = link;
	e.conn.timeout_s = (int)(timeout_s < 1               ? 1
				 : timeout_s > TIMEOUT_MAX_S ? TIMEOUT_MAX_S
							     : timeout_s);
	if ((end = prepare(&e, &why)) == AK_OK) {
		/* What was read together with the start is there already: no poll tells of it. */
		if ((end = hear_daemon(&e)) == AK_OK)
			end = try_servers(&e);
	} else {
		engine_tell_state(&e, WIRE_IDLE, why.text);
		if (engine_link_flush(link) != AK_OK)
			end = AK_ERR_UNAVAILABLE;
	}
	for (int i = 0; i < ENGINE_SEARCHES; i++)
		engine_search_clear(&e.searches[i]);
	pack_clear(&e.names);
	return end;
}
