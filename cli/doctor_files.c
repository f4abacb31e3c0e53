#include "doctor_checks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "doctor_index.h"
#include "keyring.h"
#include "newer.h"
#include "samples.h"
#include "text.h"

/* What others may never do with a file, and what they must be able to. */
#define OPEN (S_IWGRP | S_IWOTH)
#define SECRET (S_IRWXG | S_IRWXO)
#define READ_BY_ALL (S_IRGRP | S_IROTH)
#define FOLDER_OF_ALL (READ_BY_ALL | S_IXGRP | S_IXOTH)

struct row {
	const char *path;
	mode_t kind, never, always, mode; /* mode: as it should be */
};

static const char *
kind_name(mode_t kind)
{
	return kind == S_IFDIR ? "folder" : "regular file";
}

/* "chown root P && chmod M P", of that what is needed. */
static void
advise_modes(struct doctor *d, const char *path, bool owner, mode_t mode)
{
	char word[DOCTOR_WORD_CAP], advice[DOCTOR_TEXT_CAP];
	struct text t = text_over(advice, sizeof(advice));

	(void)doctor_word(path, word);
	if (owner)
		text_add(&t, "chown %u %s", (unsigned)d->c->paths.owner, word);
	if (mode != 0)
		text_add(&t, "%schmod %04o %s", owner ? " && " : "", (unsigned)mode, word);
	doctor_advise(d, "%s", advice);
}

static void
look_at_modes(struct doctor *d, const struct row *r, const struct stat *st)
{
	bool stranger = st->st_uid != d->c->paths.owner;
	mode_t wrong = st->st_mode & r->never, missing = r->always & ~st->st_mode;

	if (!stranger && wrong == 0 && missing == 0)
		return;
	if (stranger)
		doctor_attend(
		    d, "", "%s belongs to uid %u, not to root", r->path, (unsigned)st->st_uid);
	else if (wrong != 0)
		doctor_attend(d, "", "%s has mode %04o: others than root can %s it", r->path,
		    (unsigned)(st->st_mode & 07777),
		    (wrong & (S_IWGRP | S_IWOTH)) != 0 ? "write to" : "read");
	else
		doctor_attend(d, "",
		    "%s has mode %04o: others than root must be able to read it", r->path,
		    (unsigned)(st->st_mode & 07777));
	advise_modes(d, r->path, stranger, (wrong | missing) != 0 ? r->mode : 0);
}

static void
look_at_row(struct doctor *d, const struct row *r)
{
	struct stat st;

	if (lstat(r->path, &st) == -1) {
		if (errno != ENOENT)
			doctor_attend(d, "see that its file system is in order",
			    "%s can't be looked at: %s", r->path, strerror(errno));
	} else if ((st.st_mode & S_IFMT) != r->kind) {
		doctor_attend(d, "move what lies there away, and put the real one in its place",
		    "%s is no %s, and is not used", r->path, kind_name(r->kind));
	} else {
		look_at_modes(d, r, &st);
	}
}

/* PATH's folder, or FOLDER/NAME. */
static const char *
folder_of(const char *path, char out[PATH_CAP])
{
	struct text t = text_over(out, PATH_CAP);
	const char *slash = strrchr(path, '/');

	text_add(&t, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
	return out;
}

static const char *
below(const char *folder, const char *name, char out[PATH_CAP * 2])
{
	struct text t = text_over(out, PATH_CAP * 2);

	text_add(&t, "%s/%s", folder, name);
	return out;
}

static void
look_at_own(struct doctor *d)
{
	const struct paths *p = &d->c->paths;
	char etc[PATH_CAP], log[PATH_CAP], names[8][PATH_CAP * 2], prev[PATH_CAP + 8];
	const struct row rows[] = {
	    {folder_of(p->config, etc), S_IFDIR, OPEN, 0, 0755},
	    {p->config, S_IFREG, OPEN, 0, 0644},
	    {p->policy, S_IFREG, OPEN, 0, 0644},
	    {live_previous_path(p, prev) == AK_OK ? prev : p->policy, S_IFREG, OPEN, 0, 0644},
	    {p->state, S_IFDIR, OPEN, FOLDER_OF_ALL, 0755},
	    {p->local, S_IFREG, SECRET, 0, 0600},
	    {below(p->state, "local.idx.prev", names[0]), S_IFREG, SECRET, 0, 0600},
	    {below(p->state, "local.idx.refused", names[6]), S_IFREG, SECRET, 0, 0600},
	    {p->users, S_IFREG, OPEN, READ_BY_ALL, 0644},
	    {p->directory_keys, S_IFREG, SECRET, 0, 0600},
	    {p->directory_groups, S_IFREG, SECRET, 0, 0600},
	    {p->freshness, S_IFREG, OPEN, READ_BY_ALL, 0644},
	    {p->image, S_IFREG, SECRET, 0, 0600},
	    {below(p->state, "policy.applied", names[1]), S_IFREG, SECRET, 0, 0600},
	    {below(p->state, SAMPLES_FOLDER, names[2]), S_IFDIR, SECRET, 0, 0700},
	    {p->lastused, S_IFREG, SECRET, 0, 0600},
	    {p->lock, S_IFREG, SECRET, 0, 0600},
	    {p->run, S_IFDIR, OPEN, 0, 0755},
	    {below(p->run, "sessions", names[3]), S_IFDIR, SECRET, 0, 0700},
	    {below(p->run, "handles", names[4]), S_IFDIR, SECRET, 0, 0700},
	    {below(p->run, "policies", names[5]), S_IFDIR, SECRET, 0, 0700},
	    {folder_of(p->audit, log), S_IFDIR, OPEN, 0, 02750},
	    {p->audit, S_IFREG, S_IWGRP | S_IRWXO, 0, 0640},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind != S_IFDIR || i == 0 || strcmp(rows[i].path, p->state) != 0 ||
		    rows[i].always != 0)
			look_at_row(d, &rows[i]);
}

/* Who may write to a folder may put another in the place of what lies below it. of_log: above the log alone. */
static void
look_above(struct doctor *d, const char *path, bool of_log, char seen[][PATH_CAP], size_t *n)
{
	char folder[PATH_CAP], word[DOCTOR_WORD_CAP];
	struct stat st;
	size_t i = 0;

	for (;;) {
		(void)folder_of(path, folder);
		if (folder[0] == '\0' || (*n == 32))
			return;
		for (i = 0; i < *n && strcmp(seen[i], folder) != 0; i++)
			;
		if (i < *n)
			return;
		(void)!text_copy(seen[(*n)++], PATH_CAP, folder);
		path = seen[*n - 1];
		if (stat(folder, &st) == -1)
			continue;
		if (st.st_uid != 0 && st.st_uid != d->c->paths.owner) {
			doctor_attend(d, "",
			    "%s, above our files, belongs to uid %u, not to root", folder,
			    (unsigned)st.st_uid);
			advise_modes(d, folder, true, 0);
		} else if (of_log && (st.st_mode & OPEN) == S_IWGRP) {
			/* As Ubuntu has it, for syslog; our folder in it is root's, and no link to one is followed. */
			doctor_note(d,
			    "see who is in that group, and whether he is trusted with the log",
			    "%s, above our log, has mode %04o: its group (gid %u) can move the "
			    "log away",
			    folder, (unsigned)(st.st_mode & 07777), (unsigned)st.st_gid);
		} else if ((st.st_mode & OPEN) != 0 && (st.st_mode & S_ISVTX) == 0) {
			doctor_attend(d,
			    "", "%s, above our files, has mode %04o: others than root can write to it",
			    folder, (unsigned)(st.st_mode & 07777));
			doctor_advise(d, "chmod go-w %s", doctor_word(folder, word));
		}
	}
}

/* Above the folders of our own, which have rows. */
static void
look_at_parents(struct doctor *d)
{
	const struct paths *p = &d->c->paths;
	char seen[32][PATH_CAP], etc[PATH_CAP], log[PATH_CAP];
	size_t n = 0;

	(void)folder_of(p->config, etc);
	(void)folder_of(p->audit, log);
	look_above(d, etc, false, seen, &n);
	look_above(d, p->state, false, seen, &n);
	look_above(d, p->run, false, seen, &n);
	for (const char *const *f = d->c->host.installed; *f != NULL; f++)
		look_above(d, *f, false, seen, &n);
	/* Last: what is above others too is theirs. */
	if (strcmp(log, p->state) != 0)
		look_above(d, log, true, seen, &n);
}

/* A module that others can write to is run by root. */
static void
look_at_programs(struct doctor *d)
{
	struct stat st;

	for (const char *const *f = d->c->host.installed; *f != NULL; f++) {
		const struct row r = {
		    *f, S_IFREG, OPEN, 0, strstr(*f, ".so") != NULL ? 0644 : 0755};

		if (stat(*f, &st) == -1)
			doctor_attend(d, "install apikey again, from the same source as before",
			    "%s is not there: %s", *f, strerror(errno));
		else
			look_at_modes(d, &r, &st);
	}
}

static bool
is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 && errno == ENOENT;
}

/* Whole, or why not. What is of a newer version is told by another check. */
static enum ak_err
walk(const struct doctor *d, const char *path)
{
	struct index ix;
	enum ak_err err = index_open(path, d->c->paths.owner, &ix);

	if (err == AK_OK)
		err = doctor_index_walk(&ix);
	index_close(&ix);
	return err == AK_ERR_NEWER ? AK_OK : err;
}

/* What was lost is for somebody to decide. */
static void
advise_local(struct doctor *d)
{
	char prev[PATH_CAP * 2], from[DOCTOR_WORD_CAP], to[DOCTOR_WORD_CAP];

	(void)below(d->c->paths.state, "local.idx.prev", prev);
	if (is_missing(prev) || walk(d, prev) != AK_OK)
		return;
	doctor_advise(d,
	    "put the newest backup in its place; or give the last change up: 'cp -p %s %s && "
	    "apikey doctor --accept-rollback'",
	    doctor_word(prev, from), doctor_word(d->c->paths.local, to));
}

static void
look_at_local(struct doctor *d)
{
	const struct paths *p = &d->c->paths;
	enum ak_err err = walk(d, p->local);
	bool users = !is_missing(p->users);
	struct keyring ring;

	if (err == AK_OK) {
		if (keyring_open(p, &ring) == AK_OK && ring.local_err == AK_ERR_ROLLBACK) {
			doctor_attend(d,
			    "put the newer one back, or take this one by 'apikey doctor "
			    "--accept-rollback'",
			    "%s is an older copy than the one that users.idx was made from: "
			    "keys "
			    "revoked since would come back, and so none is admitted",
			    p->local);
		}
		keyring_close(&ring);
	} else if (is_missing(p->local) && (!users || d->status.keys_known)) {
		doctor_attend(
		    d, "apikey publish", "%s is missing, as on a host without keys", p->local);
	} else if (err != AK_ERR_UNSAFE && err != AK_ERR_CORRUPT && !is_missing(p->local)) {
		doctor_attend(d, "see that its file system is in order, and look again",
		    "%s, the keys of this host: %s", p->local, ak_strerror(err));
	} else if (err != AK_ERR_UNSAFE) {
		doctor_attend(d,
		    "put the newest backup in its place, then run 'apikey doctor "
		    "--accept-rollback'",
		    "%s, the keys of this host: %s", p->local,
		    is_missing(p->local) ? "it is missing" : ak_strerror(err));
		advise_local(d);
	}
}

/* What is made from others. */
static void
look_at_made(struct doctor *d, const char *path, const char *advice)
{
	enum ak_err err = walk(d, path);

	if (err != AK_OK && err != AK_ERR_UNSAFE)
		doctor_attend(d, advice, "%s: %s", path,
		    is_missing(path) ? "it is missing" : ak_strerror(err));
}

static bool
is_newer(const struct doctor *d, const char *path)
{
	return newer_is(newer_version(path, d->c->paths.owner), INDEX_VERSION);
}

static void
look_at_indexes(struct doctor *d)
{
	const struct paths *p = &d->c->paths;

	look_at_local(d);
	if (!is_missing(p->users) || !is_missing(p->local))
		look_at_made(d, p->users, "apikey publish");
	if (d->live.settings.directory.present && !is_missing(p->directory_keys))
		look_at_made(d, p->directory_keys, "apikey sync");
	if (d->live.settings.directory.present && !is_missing(p->directory_groups))
		look_at_made(d, p->directory_groups, "apikey sync");
	/* The same file once more would say no more. */
	if (doctor_count(d) == 0 && !is_newer(d, p->local) && !is_newer(d, p->users))
		(void)doctor_needs(d, STATUS_KEYS, "see what lies there");
}

/* Each login compiles the policy anew then; as it has to be, for the first moments after an edit. */
static void
look_at_image(struct doctor *d)
{
	const struct paths *p = &d->c->paths;

	if (d->live.image != NULL && d->live.trusted && !d->live.from_store &&
	    d->status.published)
		doctor_note(d, "apikey publish",
		    "%s is %s: each login reads the policy's text instead", p->image,
		    is_missing(p->image) ? "missing" : "damaged, or older than that");
}

#define ROOM_B ((uint64_t)1 << 20)

static void
look_at_room(struct doctor *d)
{
	const char *state = d->c->paths.state;
	struct statvfs disk;

	if (statvfs(state, &disk) == -1)
		return;
	if ((disk.f_flag & ST_RDONLY) != 0)
		doctor_attend(d, "see why, and mount it for writing",
		    "the file system of %s is mounted read-only: no key can be changed", state);
	else if ((uint64_t)disk.f_bavail * disk.f_frsize < ROOM_B ||
		 (disk.f_files > 0 && disk.f_favail == 0))
		doctor_attend(d, "make room there",
		    "the file system of %s is full: no key can be changed", state);
}

/* Our files, what they lie in, and what is made from them. */
void
doctor_files(struct doctor *d)
{
	const struct paths *p = &d->c->paths;

	if (is_missing(p->state))
		doctor_attend(d, "apikey publish", "%s is missing", p->state);
	look_at_own(d);
	if (doctor_count(d) == 0)
		(void)doctor_needs(d, STATUS_FOLDER, "see what lies in its place");
	look_at_parents(d);
	look_at_programs(d);
	look_at_indexes(d);
	(void)doctor_needs(d, STATUS_SETTINGS, "mend that line, then run 'apikey publish'");
	(void)doctor_needs(d, STATUS_POLICY,
	    "mend that line, or go back by 'apikey policy rollback'; then run 'apikey "
	    "publish'");
	(void)doctor_needs(d, STATUS_PUBLISHED, "");
	look_at_image(d);
	look_at_room(d);
	if (doctor_count(d) == 0)
		doctor_ok(d, "%s, %s and our programs are whole, and root's alone", p->state,
		    p->policy);
}
