#include "doctor_checks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "keyring.h"
#include "num.h"
#include "procs.h"
#include "sessions.h"

/* So many of a kind are told one by one. */
#define TOLD_MAX 20U

/* The deleted keys of this host: their uids, ascending, and their names, sorted. */
struct spent {
	struct spent_one {
		uint32_t uid;
		char name[KEY_NAME_MAX + 1];
	} * v, **by_name;
	size_t n, cap;
};

static enum ak_err
take(void *ctx, const struct index_view *view)
{
	struct spent *s = ctx;
	struct spent_uid gone;
	size_t cap = s->cap == 0 ? 64 : s->cap * 2;
	struct spent_one *more;
	enum ak_err err;

	if (view->n_keys == 0 || view->keys[1] != RECORD_SPENT_UID)
		return AK_OK;
	if ((err = spent_uid_unpack(view->value, view->value_len_b, &gone)) != AK_OK)
		return err;
	if (s->n == s->cap) {
		if ((more = reallocarray(s->v, cap, sizeof(*more))) == NULL)
			return AK_ERR_NOMEM;
		s->v = more;
		s->cap = cap;
	}
	s->v[s->n].uid = gone.uid;
	return text_copy(s->v[s->n++].name, sizeof(s->v->name), gone.name);
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct spent_one *)a)->uid, y = ((const struct spent_one *)b)->uid;

	return x < y ? -1 : x > y;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    (*(struct spent_one *const *)a)->name, (*(struct spent_one *const *)b)->name);
}

static enum ak_err
load(const struct paths *p, struct spent *s)
{
	struct index_mapping kept = INDEX_MAPPING_INIT;
	struct index local;
	enum ak_err err = index_open(p->local, p->owner, &local);

	if (err == AK_OK)
		err = index_each(&local, ORDER_REST, take, s, &kept);
	index_unmap(&kept);
	index_close(&local);
	if (err != AK_OK || s->n == 0)
		return err;
	qsort(s->v, s->n, sizeof(*s->v), by_uid);
	if ((s->by_name = reallocarray(NULL, s->n, sizeof(struct spent_one *))) == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < s->n; i++)
		s->by_name[i] = &s->v[i];
	qsort(s->by_name, s->n, sizeof(struct spent_one *), by_name);
	return AK_OK;
}

/* Whose uid it was, unless it is somebody's now. */
static const struct spent_one *
find_uid(const struct doctor *d, const struct spent *s, uint32_t uid)
{
	const struct spent_one wanted = {.uid = uid};
	const struct spent_one *found = bsearch(&wanted, s->v, s->n, sizeof(*s->v), by_uid);

	return found == NULL || d->c->host.check_id(d->c->host.ctx, uid) != AK_OK ? NULL : found;
}

/* A name can be another key's by now. */
static const struct spent_one *
find_name(const struct doctor *d, const struct spent *s, const char *name)
{
	struct spent_one wanted, *key = &wanted, **found;
	uint64_t uid;

	/* sudo names its file by the uid, from 1.9.15 on. */
	if (num_parse(name, 1, UINT32_MAX, &uid) == AK_OK)
		return find_uid(d, s, (uint32_t)uid);
	if (text_copy(wanted.name, sizeof(wanted.name), name) != AK_OK)
		return NULL;
	found = bsearch(&key, s->by_name, s->n, sizeof(struct spent_one *), by_name);
	if (found == NULL ||
	    d->c->host.find_user(d->c->host.ctx, name, &wanted.uid) != AK_ERR_NOT_FOUND)
		return NULL;
	return *found;
}

/* A folder in which things lie that have an owner, or his name. */
struct place {
	const char *what, *folder;
	bool named;
	const char *remove; /* before the path */
	bool mounted; /* may be a mount point */
	bool shared; /* much else may lie there: what has not the key's name is for somebody to look at */
};

static void
tell(struct doctor *d, const struct place *at, const char *name, const struct spent_one *whose)
{
	char path[PATH_CAP * 2], word[DOCTOR_WORD_CAP];
	struct text t = text_over(path, sizeof(path));

	text_add(&t, "%s/%s", at->folder, name);
	doctor_note(d, "look at it, and remove it", "%s of the deleted key %s (uid %u): %s",
	    at->what, whose->name, whose->uid, path);
	if (t.cut || (at->shared && strcmp(name, whose->name) != 0))
		return;
	(void)doctor_word(path, word);
	if (at->mounted)
		doctor_advise(d, "umount -q %s; %s %s", word, at->remove, word);
	else
		doctor_advise(d, "%s %s", at->remove, word);
}

static void
look_in(struct doctor *d, const struct spent *s, const struct place *at)
{
	DIR *dir = opendir(at->folder);
	uint32_t n = 0;
	struct dirent *e;
	struct stat st;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		const struct spent_one *whose = NULL;

		if (e->d_name[0] == '.' && (e->d_name[1] == '\0' || e->d_name[1] == '.'))
			continue;
		if (at->named)
			whose = find_name(d, s, e->d_name);
		else if (fstatat(dirfd(dir), e->d_name, &st,
			     AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
			whose = find_uid(d, s, st.st_uid);
		if (whose != NULL && n++ < TOLD_MAX)
			tell(d, at, e->d_name, whose);
	}
	if (dir != NULL)
		(void)closedir(dir);
	if (n > TOLD_MAX)
		doctor_note(d, "remove those first, then look again", "%u more in %s",
		    n - TOLD_MAX, at->folder);
}

/* Where homes lie by the setting: up to the last folder whose name is the same for all. */
static const char *
home_folder(const struct settings *settings, char out[256])
{
	char *cut;

	(void)!text_copy(out, 256, settings->home);
	out[strcspn(out, "%")] = '\0';
	cut = strrchr(out, '/');
	if (cut != NULL)
		*cut = '\0';
	return out[0] == '\0' ? NULL : out;
}

static bool
is_below_home(const char *folder)
{
	return folder != NULL && strncmp(folder, "/home", 5) == 0 &&
	       (folder[5] == '\0' || folder[5] == '/');
}

static const char *
path_in(const char *folder, const char *name, char out[PATH_CAP])
{
	struct text t = text_over(out, PATH_CAP);

	text_add(&t, "%s/%s", folder, name);
	return out;
}

static void
look_at_places(struct doctor *d, const struct spent *s)
{
	const struct cli_host *h = &d->c->host;
	char home[256], mail[PATH_CAP], linger[PATH_CAP], user[PATH_CAP], ts[PATH_CAP];
	const char *homes = home_folder(&d->live.settings, home);
	const struct place places[] = {
	    {"a home", homes, false, "rm -rf --one-file-system", false, !is_below_home(homes)},
	    {"a crontab", h->crontabs, false, "rm -f", false, false},
	    {"an at job", h->atjobs, false, "rm -f", false, false},
	    {"a mailbox", path_in(h->var, "mail", mail), false, "rm -rf", false, false},
	    {"lingering", path_in(h->var, "lib/systemd/linger", linger), true, "rm -f", false,
		false},
	    {"a runtime folder", path_in(h->run, "user", user), false,
		"rm -rf --one-file-system", true, false},
	    {"sudo's timestamp", path_in(h->run, "sudo/ts", ts), true, "rm -f", false, false},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].folder != NULL)
			look_in(d, s, &places[i]);
}

struct records {
	struct doctor *d;
	const struct spent *spent;
	uint32_t n;
};

static enum ak_err
look_at_record(void *ctx, const struct session *session)
{
	struct records *r = ctx;
	char folder[PATH_CAP];
	const struct place at = {"a session's record",
	    path_in(r->d->c->paths.run, "sessions", folder), true, "rm -f", false, false};
	const struct spent_one *whose = find_uid(r->d, r->spent, session->uid);

	if (whose != NULL && r->n < TOLD_MAX && !sessions_is_carried(session)) {
		r->n++;
		tell(r->d, &at, session->id, whose);
	}
	return AK_OK;
}

/* One for each uid; a container's users are its own. */
static void
look_at_processes(struct doctor *d, const struct spent *s)
{
	struct procs procs = PROCS_INIT;
	uint32_t told = 0, last = 0;
	enum ak_err err = procs_look(&procs);

	if (err == AK_ERR_NOMEM)
		d->err = err;
	else if (err != AK_OK) /* another check says why */
		doctor_note(d, "", "what runs could not be looked at");
	if (err != AK_OK)
		procs.n = 0;
	for (size_t i = 0; i < procs.n && told < TOLD_MAX; i++) {
		const struct procs_one *p = &procs.v[i];
		const struct spent_one *whose = find_uid(d, s, p->real);

		if (whose == NULL || p->ended || p->contained || p->real == last)
			continue;
		last = p->real;
		told++;
		doctor_attend(d, "", "a process (%ld) runs as the deleted key %s (uid %u)",
		    (long)p->id.pid, whose->name, whose->uid);
		doctor_advise(d,
		    "see what it is; 'pkill -KILL -U %u' ends all that runs as that uid",
		    whose->uid);
	}
	procs_clear(&procs);
}

/* What deleted keys left behind: nobody gets their ids, but somebody put it there. */
void
doctor_leftovers(struct doctor *d)
{
	struct spent s = {.v = NULL};
	struct records r = {.d = d, .spent = &s};
	enum ak_err err = load(&d->c->paths, &s);

	if (err == AK_OK && s.n > 0) {
		look_at_places(d, &s);
		if (sessions_each(&d->c->paths, look_at_record, &r) == AK_ERR_NOMEM)
			d->err = AK_ERR_NOMEM;
		look_at_processes(d, &s);
	}
	if (err == AK_ERR_NOMEM)
		d->err = err;
	if (err != AK_OK) /* another check says why */
		doctor_ok(d, "not known while the keys can't be read");
	else if (doctor_count(d) == 0)
		doctor_ok(
		    d, "nothing is left of deleted keys (%zu) where it was looked for", s.n);
	free(s.v);
	free(s.by_name);
}
