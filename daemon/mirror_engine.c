#include "mirror_impl.h"

#include <string.h>

#include "accounts.h"
#include "credentials.h"
#include "hash.h"
#include "text.h"

#define PING_MS 5000
#define LOST_MS 5000 /* directory-lost is not logged more often while no server answers */
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define ENGINE_MEMORY_B ((rlim_t)1 << 30)

static struct wire_blob
blob_of(const struct pack *p)
{
	return (struct wire_blob){.bytes = p->bytes, .len_b = p->len_b};
}

static struct wire_start
start_of(const struct mirror *m, const struct credentials *c)
{
	return (struct wire_start){.settings = &m->settings.directory,
	    .ca = blob_of(&c->ca),
	    .cert = blob_of(&c->cert),
	    .key = blob_of(&c->key),
	    .password = blob_of(&c->password),
	    .first = m->first};
}

/* All that an engine is begun with but names and cookies, as a number; 0 while the files can't be read. */
static uint64_t
print_of(const struct mirror *m)
{
	struct credentials c;
	struct wire_start start;
	struct pack frame = PACK_INIT;
	uint64_t print = 0;

	if (credentials_read(&m->settings.directory, m->how.paths->owner, &c, NULL) != AK_OK)
		return 0;
	start = start_of(m, &c);
	start.first = 0;
	wire_put_start(&frame, &start);
	if (frame.err == AK_OK)
		print = hash_sip(0, frame.bytes, frame.len_b);
	pack_wipe(&frame);
	credentials_clear(&c);
	explicit_bzero(&start, sizeof(start));
	return print;
}

/* Behind a PING: what is begun after its PONG was asked for by this. */
static void
ask_refresh(struct mirror *m, struct pack *out)
{
	wire_put_simple(out, WIRE_PING);
	m->worker.pings++;
	wire_put_simple(out, WIRE_REFRESH);
	follow_await_sync(&m->follow, m->worker.pings);
	m->sync_wanted = false;
}

static enum ak_err
find_user(const struct mirror *m, struct worker_how *how, struct diag *why)
{
	const char *name = m->how.engine_user;
	uint32_t uid, gid;
	enum ak_err err = accounts_find_user(name, &uid);

	if (err == AK_OK)
		err = accounts_find_group(name, &gid);
	if (err == AK_ERR_NOT_FOUND)
		return diag_because(why, err,
		    "there is no user and group `%s', whom the engine runs as: run "
		    "`systemd-sysusers`",
		    name);
	if (err != AK_OK)
		return diag_because(why, err, "user `%s': %s", name, ak_strerror(err));
	if (uid == 0 || gid == 0)
		return diag_because(
		    why, AK_ERR_DENIED, "user `%s' is root, and the engine must not be", name);
	how->uid = uid;
	how->gid = gid;
	return AK_OK;
}

static enum ak_err
start(void *ctx, struct worker_how *how, struct pack *frame, struct diag *why)
{
	struct mirror *m = ctx;
	struct credentials c;
	struct wire_start msg;
	enum ak_err err;

	if ((err = find_user(m, how, why)) != AK_OK)
		return err;
	err = credentials_read(&m->settings.directory, m->how.paths->owner, &c, why);
	if (err != AK_OK)
		return err;
	follow_restart(&m->follow);
	msg = start_of(m, &c);
	msg.names = pack_borrow_strv(&m->taken.key_names);
	follow_set_names(&m->follow, msg.names);
	for (unsigned s = DIRECTORY_KEYS; s <= DIRECTORY_PRINCIPALS; s++)
		msg.cookie[s] = follow_cookie(&m->follow, s);
	wire_put_start(frame, &msg);
	m->refetched = false;
	credentials_clear(&c);
	explicit_bzero(&msg, sizeof(msg));
	if (m->sync_wanted)
		ask_refresh(m, frame);
	return AK_OK;
}

static void
tell_state(struct mirror *m)
{
	const struct follow *f = &m->follow;
	enum wire_phase phase = f->state.phase;

	if (phase == WIRE_FOLLOWING || phase == WIRE_POLLING) {
		if (!m->connected)
			log_event(m->how.log, EVENT_DIRECTORY_CONNECTED, "uri", f->uri, NULL);
		m->connected = true;
		m->told[0] = '\0';
	} else if (f->problem[0] != '\0' && strcmp(f->problem, m->told) != 0 &&
		   (m->connected || loop_now_ms() - m->lost_ms >= LOST_MS)) {
		m->lost_ms = loop_now_ms();
		log_event(m->how.log, EVENT_DIRECTORY_LOST, "uri", f->uri, "reason", f->problem,
		    NULL);
		(void)!text_copy(m->told, sizeof(m->told), f->problem);
		m->connected = false;
	}
}

static void
sync_failed(struct mirror *m, const char *text)
{
	follow_forget_sync(&m->follow);
	m->sync_wanted = false;
	m->host.synced(m->host.ctx, AK_ERR_UNAVAILABLE, text);
}

/* Once for each engine: an entry that it always leaves out is always missing. */
static void
refetch(struct mirror *m)
{
	struct pack *out = worker_out(&m->worker);

	m->refetched = true;
	if (out == NULL)
		return;
	wire_put_simple(out, WIRE_REFRESH);
	worker_send(&m->worker);
}

static enum ak_err
take(void *ctx, const struct wire_message *msg, struct diag *why)
{
	struct mirror *m = ctx;
	struct follow_news news;
	enum ak_err err = follow_take(&m->follow, msg, &news, why);

	if (err != AK_OK)
		return err;
	if (news.changed) {
		m->dirty = true;
		m->changed_at = m->host.now(m->host.ctx);
	}
	if (news.synced) {
		follow_forget_sync(&m->follow);
		m->sync_unpublished = true;
		/* Whoever asks for everything may have reason to mistrust the files. */
		m->write_keys = m->write_groups = true;
	}
	if (news.lacks && !m->refetched)
		refetch(m);
	if (news.synced || (news.changed && follow_is_whole(&m->follow)))
		m->host.changed(m->host.ctx);
	if (news.contact)
		mirror_contact(m);
	if (news.state)
		tell_state(m);
	if (news.sync_failed)
		sync_failed(m, m->follow.problem);
	return AK_OK;
}

static void
ended(void *ctx, const char *reason)
{
	struct mirror *m = ctx;
	struct text problem = text_over(m->follow.problem, sizeof(m->follow.problem));
	bool syncing = m->follow.syncing || m->sync_wanted;

	if (m->connected || strcmp(reason, m->told) != 0)
		log_event(m->how.log, EVENT_ENGINE_ENDED, "reason", reason, NULL);
	(void)!text_copy(m->told, sizeof(m->told), reason);
	/* The server that it hung on is not the first one that the next one tries. */
	if (!m->connected)
		m->first++;
	m->connected = false;
	follow_restart(&m->follow);
	text_add(&problem, "the engine ended: %s", reason);
	if (syncing)
		sync_failed(m, m->follow.problem);
}

void
mirror_engine_init(struct mirror *m)
{
	const struct worker_how how = {.program = m->how.engine,
	    .memory_b = ENGINE_MEMORY_B,
	    .ping_ms = PING_MS,
	    .again_min_ms = AGAIN_MIN_MS,
	    .again_max_ms = AGAIN_MAX_MS};
	const struct worker_host host = {.start = start, .take = take, .ended = ended, .ctx = m};

	worker_init(&m->worker, m->loop, &how, &host);
}

/* It says a word before each server that it tries. A name of some addresses that do not answer, or of a resolver that does not, takes no longer. */
static int64_t
silence_ms(const struct mirror *m)
{
	return (5 * m->settings.directory.timeout_s + 15) * 1000;
}

void
mirror_engine_run(struct mirror *m, bool again)
{
	uint64_t print = print_of(m);

	/* Files that can't be read are tried again, and told of, when it begins. */
	if (!again && print != 0 && print == m->engine_print)
		return;
	m->engine_print = print;
	/* Whoever waits for a refresh gets the next engine's. */
	m->sync_wanted |= m->follow.syncing;
	m->told[0] = '\0';
	worker_start(&m->worker, silence_ms(m));
}

void
mirror_engine_stop(struct mirror *m)
{
	bool syncing = m->follow.syncing || m->sync_wanted;

	worker_stop(&m->worker);
	follow_restart(&m->follow);
	m->connected = false;
	if (syncing)
		sync_failed(m, "the directory was taken out of apikey.yaml");
}

void
mirror_engine_names(struct mirror *m)
{
	struct pack *out = worker_out(&m->worker);

	follow_set_names(&m->follow, pack_borrow_strv(&m->taken.key_names));
	if (out == NULL)
		return;
	wire_put_names(out, pack_borrow_strv(&m->taken.key_names));
	worker_send(&m->worker);
}

void
mirror_sync(struct mirror *m)
{
	struct pack *out = worker_out(&m->worker);

	if (!m->on) {
		m->host.synced(m->host.ctx, AK_ERR_NOT_FOUND,
		    "this host has no directory: apikey.yaml has no `directory'");
		return;
	}
	m->sync_wanted = true;
	if (out == NULL) {
		worker_start(&m->worker, silence_ms(m));
		return;
	}
	ask_refresh(m, out);
	worker_send(&m->worker);
}
