#include "status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "answer.h"
#include "keys.h"
#include "livelist.h"
#include "num.h"
#include "ownfile.h"
#include "safefile.h"
#include "used.h"
#include "wire.h"
#include "yamltree.h"

/* The daemon answers such a question at once, or it hangs. */
#define ANSWER_S 5
#define DAY_S ((int64_t)86400)

static void attend(struct status *s, enum status_about about, const char *advice,
    const char *fmt, ...) AK_PRINTF(4, 5);

/* Of a host about which something could not be kept in memory nothing is told at all. */
static bool
note_err(struct status *s, enum ak_err err)
{
	if (err == AK_ERR_NOMEM)
		s->attention.err = err;
	return err == AK_OK;
}

static bool
is_command(const char *advice)
{
	return strncmp(advice, "apikey ", 7) == 0;
}

static void
attend(struct status *s, enum status_about about, const char *advice, const char *fmt, ...)
{
	struct status_need *need = &s->needs[s->n_needs];
	char line[sizeof(need->text) + 256];
	va_list ap;

	if (s->n_needs == STATUS_NEEDS_MAX)
		return;
	s->n_needs++;
	*need = (struct status_need){
	    .about = about, .advice = advice, .command = is_command(advice)};
	va_start(ap, fmt);
	(void)vsnprintf(need->text, sizeof(need->text), fmt, ap);
	va_end(ap);
	(void)snprintf(line, sizeof(line), "%s%s%s%s", need->text,
	    advice[0] == '\0' ? ""
	    : need->command   ? ": run '"
			      : ": ",
	    advice, need->command ? "'" : "");
	pack_entry(&s->attention, line);
}

static void
attend_to(struct status *s, enum status_about about, const struct diag *why, const char *what)
{
	char said[DIAG_PRINT_CAP];

	attend(s, about, "", "%s: %s", what, diag_print(why, said, sizeof(said)));
}

/* What a walk over all keys counts. */
struct count {
	struct status *s;
	struct id_range directory;
	struct used used;
};

/* All that a key counts as by its times. */
static void
count_times(struct count *c, const struct key_record *k)
{
	struct status_keys *n = &c->s->keys;
	int64_t now = c->s->now, used_at_s;

	if (k->expires_at > now) {
		n->expiring += k->expires_at <= now + STATUS_EXPIRING_D * DAY_S ? 1 : 0;
		n->next_expiry = k->expires_at < n->next_expiry ? k->expires_at : n->next_expiry;
	}
	if (used_at(&c->used, k, &used_at_s) &&
	    (used_at_s == 0 ? k->created_at : used_at_s) <= now - STATUS_UNUSED_D * DAY_S)
		n->unused++;
}

/* What a key that can be used lacks. */
static void
count_lacks(struct status_keys *n, const struct key_record *k, int64_t now)
{
	if (k->state == KEY_DISABLED || k->expires_at <= now)
		return;
	n->endless += k->expires_at == NUM_NEVER ? 1 : 0;
	n->bare += k->bindings.len_b == 0 && k->groups.len_b == 0 ? 1 : 0;
}

static bool
count_key(void *ctx, const struct key_record *k)
{
	struct count *c = ctx;
	struct status_keys *n = &c->s->keys;
	bool directory = c->directory.max != 0 && id_range_has(c->directory, k->uid);
	const char *state = answer_state(k, c->s->now);

	if (directory)
		n->directory++;
	else
		n->local++;
	for (size_t i = 0; i < STATUS_STATES; i++)
		n->by[directory][i] += strcmp(state, status_state(i)) == 0 ? 1 : 0;
	count_times(c, k);
	count_lacks(n, k, c->s->now);
	n->disabled += k->state == KEY_DISABLED ? 1 : 0;
	n->expired += k->expires_at <= c->s->now ? 1 : 0;
	return false;
}

static uint32_t
left_in(struct id_range r, uint32_t high)
{
	if (r.max == 0 || high >= r.max)
		return 0;
	return r.max - (high >= r.min ? high : r.min - 1);
}

static void
find_ids(struct status *s, const struct keys *keys)
{
	struct local_extra high = {.uid_high = 0};
	struct id_range uids = s->live.settings.uids;

	if (!keys->none)
		local_extra_unpack(keys->ring.local.head.extra, &high);
	/* The last one is no key's (enforce.h). */
	if (uids.max > 0)
		uids.max--;
	s->uids_left = left_in(uids, high.uid_high);
	s->gids_left = left_in(s->live.settings.gids, high.gid_high);
	if (s->uids_left == 0)
		attend(s, STATUS_IDS, "widen uid_range in apikey.yaml", "no uid is left");
	if (s->gids_left == 0)
		attend(s, STATUS_IDS, "widen gid_range in apikey.yaml",
		    "no gid is left for groups of roles");
}

/* Nothing was ever published on a host without keys, and need not be. */
static void
find_published(struct status *s, const struct keys *keys)
{
	s->published = (keys->ring.users.local.generation == 0 && keys->none) ||
		       keys_is_published(keys, &s->live);
	if (!s->published)
		attend(s, STATUS_PUBLISHED, "apikey publish", "groups are not published");
	s->time_undefined = keyring_time_undefined(&keys->ring, s->now);
	if (s->time_undefined)
		attend(s, STATUS_CLOCK,
		    "set the clock, or where it is right run 'apikey publish --trust-clock'",
		    "the clock is behind these files, and what is bound in time is refused");
}

static void
find_keys(const struct cli *c, struct status *s)
{
	struct diag why = DIAG_INIT;
	struct count count = {.s = s};
	struct keys keys;

	if (!note_err(s, keys_open(&c->paths, &keys, &why))) {
		attend_to(s, STATUS_KEYS, &why, "the keys can't be read");
		return;
	}
	count.directory = keys.ring.users.directory_uids;
	count.used = used_open(c, NULL);
	s->unused_known = count.used.known;
	s->directory_known = count.directory.max != 0 && !keys.no_directory;
	s->keys_known = note_err(s, keys_each(&keys, count_key, NULL, &count, NULL, &why));
	if (s->keys_known) {
		find_ids(s, &keys);
		find_published(s, &keys);
	} else {
		attend_to(s, STATUS_KEYS, &why, "the keys can't be read");
	}
	used_close(&count.used);
	keys_close(&keys);
}

static void
find_policy(const struct cli *c, struct status *s)
{
	struct safefile file = {.bytes = NULL};
	char sha256[TOKEN_SHA256_CAP];

	if (s->live.image == NULL) {
		(void)diag_print(&s->live.problem, s->policy_problem, sizeof(s->policy_problem));
		attend(s, STATUS_POLICY, "", "no key may do anything: %s",
		    s->policy_problem[0] == '\0' ? "there is no policy" : s->policy_problem);
	}
	if (!note_err(
		s, safefile_read(c->paths.policy, c->paths.owner, YAML_MAX_B, &file, NULL)))
		return;
	s->policy_at = file.id.mtime_ns / 1000000000;
	if (note_err(s, token_sha256(file.bytes, file.len_b, sha256)) &&
	    note_err(s, applied_find(&c->paths, sha256, &s->applied)))
		s->policy_at = s->applied.at;
	free(file.bytes);
}

static void
find_daemon(const struct cli *c, struct status *s)
{
	struct diag why = DIAG_INIT;
	enum ak_err err = control_call(&c->paths, CONTROL_STATUS, ANSWER_S, &s->reply, &why);

	s->daemon = note_err(s, err);
	/* Without a directory a host does without it. */
	if (!s->daemon && (err != AK_ERR_NOT_FOUND || s->live.settings.directory.present))
		attend(s, STATUS_DAEMON, "", "%s", why.text);
	if (s->daemon && s->reply.policy_problem[0] != '\0')
		attend(s, STATUS_DAEMON, "", "apikeyd can't use the policy: %s",
		    s->reply.policy_problem);
}

/* Whoever is behind such a record stays in, whatever is revoked. */
static void
find_records(const struct cli *c, struct status *s)
{
	struct sessions_unread n;

	s->records_known = note_err(s, sessions_count_unread(&c->paths, &n));
	if (n.newer > 0)
		attend(s, STATUS_RECORDS,
		    "upgrade apikey, or end these sessions by their processes",
		    "%u records of live sessions in %s were written by a newer apikey: "
		    "these sessions may outlive their right",
		    n.newer, c->paths.run);
	if (n.damaged > 0)
		attend(s, STATUS_RECORDS, "find them in the log, and end their processes",
		    "%u records of live sessions in %s are damaged: these sessions may "
		    "outlive their right",
		    n.damaged, c->paths.run);
}

/* The records say it too; without them the daemon knows. */
static void
find_sessions(const struct cli *c, struct status *s)
{
	struct diag why = DIAG_INIT;
	struct livelist list;

	s->sessions_known = note_err(s, livelist_look(&c->paths, &list, &why));
	if (!s->sessions_known)
		attend_to(s, s->records_known ? STATUS_SESSIONS : STATUS_FOLDER, &why,
		    "live sessions");
	for (size_t i = 0; s->sessions_known && i < list.n; i++) {
		s->sessions.live++;
		s->sessions.held_back += list.v[i].session.held_back ? 1 : 0;
	}
	livelist_clear(&list);
	if (s->daemon && s->reply.held_back > s->sessions.held_back)
		s->sessions.held_back = s->reply.held_back;
	if (s->sessions.held_back > 0)
		attend(s, STATUS_DIRECTORY, "see what changed, then run 'apikey sync --accept'",
		    "%u sessions should end, and are held back because they are so many",
		    s->sessions.held_back);
}

/* What the modules make of it (pam/judge.c): whatever is not surely missing is there. */
static void
find_lockdown(const struct cli *c, struct status *s)
{
	struct stat st;
	bool there = lstat(c->paths.lockdown, &st) == 0;
	char at[NUM_TIME_CAP];

	s->lockdown = there || errno != ENOENT;
	s->lockdown_at = there ? st.st_mtim.tv_sec : 0;
	if (s->lockdown)
		attend(s, STATUS_LOCKDOWN, "apikey lockdown off",
		    "every key is refused: %s lies there%s%s", c->paths.lockdown,
		    there ? ", since " : "", there ? num_print_time(s->lockdown_at, at) : "");
}

static void
find_audit(const struct cli *c, struct status *s)
{
	s->audit_writable = ownfile_may_append(c->paths.audit, c->paths.owner);
	if (!s->audit_writable)
		attend(s,
		    STATUS_AUDIT, "see that its folder is there, its owner and mode, and that the disk has room",
		    "the audit log %s can't be written%s", c->paths.audit,
		    s->live.settings.audit_required ? ", and so every key is refused" : "");
}

static void
find_directory(const struct cli *c, struct status *s)
{
	if (!s->live.settings.directory.present)
		return;
	(void)!freshness_read(c->paths.freshness, c->paths.owner, &s->fresh);
	s->stale = freshness_is_stale(&s->fresh, s->now);
	s->keys_stale = freshness_keys_are_stale(&s->fresh, s->now);
	if (s->daemon && s->reply.problem[0] != '\0')
		attend(s, STATUS_DIRECTORY, "", "the directory: %s", s->reply.problem);
	if (s->keys_stale)
		attend(s, STATUS_DIRECTORY, "",
		    "the directory was not heard for too long: its keys are refused");
	else if (s->stale)
		attend(s, STATUS_DIRECTORY, "",
		    "the directory was not heard for too long: roles through its groups are "
		    "not given");
	if (s->daemon && s->reply.skipped > 0)
		attend(s, STATUS_DIRECTORY, "see apikeyd's log",
		    "%u keys of the directory are not served here", s->reply.skipped);
}

enum ak_err
status_find(const struct cli *c, struct status *out)
{
	*out = (struct status){.now = c->host.now(c->host.ctx),
	    .keys = {.next_expiry = NUM_NEVER},
	    .attention = PACK_INIT};
	live_load(&c->paths, &out->live);
	(void)note_err(out, out->live.err);
	if (!out->live.settings_ok)
		attend_to(
		    out, STATUS_SETTINGS, &out->live.problem, "the settings can't be used");
	find_daemon(c, out);
	find_keys(c, out);
	find_policy(c, out);
	find_directory(c, out);
	find_records(c, out);
	find_sessions(c, out);
	find_lockdown(c, out);
	find_audit(c, out);
	return out->attention.err;
}

void
status_clear(struct status *s)
{
	live_clear(&s->live);
	pack_clear(&s->attention);
}

const char *
status_phase(const struct status *s)
{
	static const char *const words[] = {[WIRE_IDLE] = "waiting",
	    [WIRE_CONNECTING] = "connecting",
	    [WIRE_REFRESHING] = "refreshing",
	    [WIRE_FOLLOWING] = "following",
	    [WIRE_POLLING] = "polling"};
	unsigned phase = s->reply.phase;

	if (!s->daemon || phase >= sizeof(words) / sizeof(words[0]) || words[phase] == NULL)
		return "unknown";
	return words[phase];
}

const char *
status_state(size_t n)
{
	static const char *const words[STATUS_STATES] = {
	    "active", "disabled", "expired", "pending"};

	return words[n];
}
