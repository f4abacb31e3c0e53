#include "mirror_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "safefile.h"
#include "text.h"

/* Entries that are left out, each told by a line of its own, in one settle. */
#define SKIPPED_MAX 100U

/* The freshness file is not written more often. */
#define FRESH_MS 1000

/* Searches of a file that is there, and that nothing was said of. */
static unsigned
in_file(const char *path, unsigned searches, const struct diag *why, bool *damaged)
{
	if (access(path, F_OK) == -1)
		return 0; /* of a host that has no directory, no such search, or nothing of it yet */
	if (strstr(why->text, path) == NULL)
		return searches;
	*damaged = true;
	return 0;
}

static void
look_at_files(struct mirror *m, const struct diag *why)
{
	const struct paths *p = m->how.paths;
	bool damaged = false;

	m->in_files =
	    in_file(p->directory_keys, FOLLOW_BIT(DIRECTORY_KEYS), why, &damaged) |
	    in_file(p->directory_groups,
		FOLLOW_BIT(DIRECTORY_GROUPS) | FOLLOW_BIT(DIRECTORY_PRINCIPALS), why, &damaged);
	m->write_keys = m->write_groups = damaged;
	if (damaged)
		log_event(m->how.log, EVENT_SNAPSHOT_DAMAGED, "problem", why->text, NULL);
}

enum ak_err
mirror_open(struct mirror *m, struct loop *loop, const struct mirror_how *how,
    const struct mirror_host *host)
{
	struct diag why = DIAG_INIT;
	enum ak_err err;

	*m = (struct mirror){.how = *how,
	    .host = *host,
	    .loop = loop,
	    .taken = TAKEN_INIT,
	    .accounts_moved = true,
	    .keys_moved = true,
	    /* What users.idx was made from may hold keys that no model of this process ever had. */
	    .uids_lost = true};
	mirror_engine_init(m);
	if ((m->model = model_new()) == NULL)
		return AK_ERR_NOMEM;
	follow_init(&m->follow, m->model);
	err = snapshot_load(how->paths, m->model, &m->snapshot, &why);
	if (err == AK_OK)
		look_at_files(m, &why);
	/* What a killed apikeyd left, as of the snapshot. */
	safefile_sweep(how->paths->freshness);
	(void)!freshness_read(how->paths->freshness, how->paths->owner, &m->fresh);
	return err;
}

void
mirror_close(struct mirror *m)
{
	worker_stop(&m->worker);
	model_free(&m->model);
	taken_clear(&m->taken);
	pack_clear(&m->uids);
}

/* Not written, it says less than it could. */
static bool
write_freshness(struct mirror *m, int64_t contact_at)
{
	const struct directory_settings *d = &m->settings.directory;
	const struct freshness fresh = {.contact_at = contact_at,
	    .max_age_s = d->max_age_s,
	    .keys_max_age_s = d->keys_max_age_s};
	struct diag why = DIAG_INIT;
	char said[DIAG_PRINT_CAP];
	bool failed = freshness_write(m->how.paths->freshness, &fresh, &why) != AK_OK;

	if (!failed) {
		m->fresh = fresh;
		m->fresh_ms = loop_now_ms();
	} else if (!m->fresh_failed) {
		log_event(m->how.log, EVENT_FRESHNESS_FAILED, "problem",
		    diag_print(&why, said, sizeof(said)), NULL);
	}
	m->fresh_failed = failed;
	return !failed;
}

/* The files are what the server said when it was heard last, and users.idx is made from them. */
static void
vouch(struct mirror *m)
{
	if (m->contact_waits != 0 && !m->dirty && !m->unpublished &&
	    write_freshness(m, m->contact_waits))
		m->contact_waits = 0;
}

void
mirror_contact(struct mirror *m)
{
	m->contact_waits = m->host.now(m->host.ctx);
	/* What it vouches for must lie there first. */
	if (m->dirty || m->unpublished || loop_now_ms() - m->fresh_ms < FRESH_MS)
		return;
	vouch(m);
}

static bool
ages_differ(const struct mirror *m)
{
	const struct directory_settings *d = &m->settings.directory;

	return m->fresh.contact_at > 0 && (m->fresh.max_age_s != d->max_age_s ||
					      m->fresh.keys_max_age_s != d->keys_max_age_s);
}

void
mirror_configure(struct mirror *m, const struct settings *s, bool settled)
{
	bool was_on = m->on;

	m->settled = settled;
	if (!settled && follow_loses(&m->follow, &s->directory))
		return;
	settings_copy(&m->settings, s);
	m->known = true;
	m->on = s->directory.present;
	follow_configure(&m->follow, &m->settings.directory);
	if (!m->on) {
		m->in_files = 0; /* nothing of it is in the model any more */
		mirror_engine_stop(m);
		return;
	}
	m->removed = false;
	if (!was_on)
		follow_trust(&m->follow, m->in_files);
	if (ages_differ(m))
		(void)write_freshness(m, m->fresh.contact_at);
	mirror_engine_run(m, !was_on);
}

static bool
remove_file(const char *path, struct diag *why)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	(void)diag_say(
	    why, AK_ERR_UNAVAILABLE, path, 0, 0, "cannot be removed: %s", strerror(errno));
	return false;
}

/* A model of its own for whatever directory comes next: it must not be compared with what was known of this one. */
static enum ak_err
begin_anew(struct mirror *m)
{
	struct model *fresh = model_new();

	if (fresh == NULL)
		return AK_ERR_NOMEM;
	model_free(&m->model);
	m->model = fresh;
	follow_init(&m->follow, fresh);
	m->snapshot = (struct snapshot){.keys_built_at = 0};
	m->fresh = (struct freshness){.contact_at = 0};
	m->in_files = 0;
	m->dirty = m->unpublished = false;
	m->uids_lost = true;
	m->write_keys = m->write_groups = false;
	m->contact_waits = m->changed_at = 0;
	pack_clear(&m->uids);
	return AK_OK;
}

/* Keys first: one without its groups could be let in where a `deny` names them. */
static enum ak_err
remove_files(struct mirror *m, struct diag *why)
{
	const struct paths *p = m->how.paths;
	bool were_there = m->snapshot.keys.generation > 0 || m->snapshot.groups.generation > 0;
	enum ak_err err;

	if (m->removed || !m->settled)
		return AK_OK;
	if (!remove_file(p->directory_keys, why) || !remove_file(p->directory_groups, why) ||
	    !remove_file(p->freshness, why))
		return AK_ERR_UNAVAILABLE;
	if ((err = begin_anew(m)) != AK_OK)
		return err;
	m->removed = true;
	if (were_there)
		log_event(m->how.log, EVENT_DIRECTORY_REMOVED, NULL);
	return AK_OK;
}

/* What can't be read anew is read again in the next turn: what it said before stands, and holds nothing up. */
static enum ak_err
read_taken(struct mirror *m)
{
	bool names = false;
	enum ak_err accounts = AK_OK, keys = AK_OK;

	m->behind = DIAG_INIT;
	if (m->accounts_moved)
		accounts = taken_read_accounts(&m->taken, m->how.paths, &m->behind);
	if (m->keys_moved)
		keys = taken_read_keys(&m->taken, m->how.paths, &names, &m->behind);
	m->accounts_moved = accounts != AK_OK;
	m->keys_moved = keys != AK_OK;
	if (names)
		mirror_engine_names(m);
	return accounts != AK_OK ? accounts : keys;
}

static bool
name_taken(void *ctx, const char *name)
{
	return taken_has_name(&((struct mirror *)ctx)->taken, name);
}

static bool
id_taken(void *ctx, uint32_t id)
{
	return taken_has_id(&((struct mirror *)ctx)->taken, id);
}

static void
skipped(void *ctx, const char *dn, const char *why)
{
	struct mirror *m = ctx;

	if (m->n_skipped++ < SKIPPED_MAX)
		log_event(
		    m->how.log, EVENT_DIRECTORY_KEY_SKIPPED, "dn", dn, "reason", why, NULL);
}

/* A directory that is an enemy must not fill the log. */
static void
tell_more_skipped(const struct mirror *m)
{
	char more[64];
	struct text t = text_over(more, sizeof(more));

	if (m->n_skipped <= SKIPPED_MAX)
		return;
	text_add(&t, "%u more entries, see the ones before", m->n_skipped - SKIPPED_MAX);
	log_event(m->how.log, EVENT_DIRECTORY_KEY_SKIPPED, "reason", more, NULL);
}

static enum ak_err
settle(struct mirror *m)
{
	struct model_host host = {.settings = &m->settings,
	    .local_keys = pack_borrow_strv(&m->taken.key_names),
	    .local_uids = (const uint32_t *)(const void *)m->taken.key_uids.bytes,
	    .local_ids = pack_borrow_strv(&m->taken.key_ids),
	    .name_taken = name_taken,
	    .id_taken = id_taken,
	    .taken_version = m->taken.version,
	    .skipped = skipped,
	    .ctx = m};
	struct model_changes changes;
	enum ak_err err;

	m->n_skipped = 0;
	err = model_settle(m->model, &host, &changes);
	tell_more_skipped(m);
	if (err != AK_OK)
		return err;
	m->write_keys |= changes.keys;
	m->write_groups |= changes.groups;
	pack_bytes(&m->uids, changes.uids, changes.n_uids * sizeof(*changes.uids));
	if (m->uids.err != AK_OK) /* then every key is evaluated */
		m->uids_lost = true;
	return AK_OK;
}

static enum ak_err
write_files(struct mirror *m, struct diag *why)
{
	struct model_changes due;
	enum ak_err err;

	/* Removed, or put back from a backup: what lies there is not what was left. */
	m->write_keys |= snapshot_is_lost(m->how.paths, &m->snapshot, true);
	m->write_groups |= snapshot_is_lost(m->how.paths, &m->snapshot, false);
	due = (struct model_changes){.keys = m->write_keys, .groups = m->write_groups};
	if (!m->write_keys && !m->write_groups)
		return AK_OK;
	if (!m->unpublished) {
		m->keys_before = m->snapshot.keys;
		m->groups_before = m->snapshot.groups;
		m->unpublished = true;
	}
	err = snapshot_write(
	    m->how.paths, m->model, &due, m->host.now(m->host.ctx), &m->snapshot, why);
	m->write_keys = due.keys;
	m->write_groups = due.groups;
	return err;
}

enum ak_err
mirror_prepare(struct mirror *m, struct diag *why)
{
	enum ak_err err, taken;

	if (!m->known)
		return AK_OK;
	if (!m->on)
		return remove_files(m, why);
	taken = read_taken(m);
	if (!m->taken.have_accounts || !m->taken.have_keys) {
		*why = m->behind;
		return taken;
	}
	if (!follow_is_whole(&m->follow))
		return AK_OK;
	if ((err = settle(m)) != AK_OK || (err = write_files(m, why)) != AK_OK)
		return err;
	m->dirty = false;
	vouch(m);
	return AK_OK;
}

bool
mirror_is_behind(const struct mirror *m, struct diag *why)
{
	if (!m->known || !m->on || !(m->accounts_moved || m->keys_moved))
		return false;
	*why = m->behind;
	return true;
}

enum ak_err
mirror_note(struct mirror *m, struct store *s)
{
	if (!m->unpublished || m->uids_lost)
		return AK_OK;
	return store_note_directory(s, m->keys_before, m->groups_before,
	    (const uint32_t *)(const void *)m->uids.bytes, m->uids.len_b / sizeof(uint32_t));
}

void
mirror_rewrite(struct mirror *m, bool keys, bool groups)
{
	m->write_keys |= keys;
	m->write_groups |= groups;
}

void
mirror_published(struct mirror *m, enum ak_err err, const char *problem)
{
	if (err == AK_OK && m->unpublished) {
		m->unpublished = m->uids_lost = false;
		pack_clear(&m->uids);
		vouch(m);
	}
	if (m->sync_unpublished) {
		m->sync_unpublished = false;
		m->host.synced(m->host.ctx, err, problem);
	}
}

void
mirror_status(const struct mirror *m, struct control_reply *out)
{
	out->has_directory = m->on;
	out->phase = (uint8_t)m->follow.state.phase;
	(void)!text_copy(out->uri, sizeof(out->uri), m->follow.uri);
	(void)!text_copy(out->problem, sizeof(out->problem), m->follow.problem);
	out->contact_at = m->fresh.contact_at;
	out->changed_at = m->changed_at;
	out->keys = (uint32_t)model_count(m->model, DIRECTORY_KEYS);
	out->groups = (uint32_t)model_count(m->model, DIRECTORY_GROUPS);
	out->principals = (uint32_t)model_count(m->model, DIRECTORY_PRINCIPALS);
	out->skipped = (uint32_t)model_count_skipped(m->model);
}
