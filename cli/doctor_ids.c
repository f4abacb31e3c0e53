#include "doctor_checks.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "num.h"
#include "text.h"

/* So many of a kind are told one by one. */
#define TOLD_MAX 5U

/* The local users: of passwd(5) itself, without the name service. */
struct locals {
	struct local {
		char name[KEY_NAME_MAX + 1];
		uint32_t id;
		bool is_key; /* a key has its name or uid, and that was told */
	} * v;
	struct local **by_id;
	size_t n, cap;
};

static enum ak_err
add_local(struct locals *l, const char *name, uint32_t id)
{
	size_t cap = l->cap == 0 ? 64 : l->cap * 2;
	struct local *more;

	if (l->n == l->cap) {
		if ((more = reallocarray(l->v, cap, sizeof(*more))) == NULL)
			return AK_ERR_NOMEM;
		l->v = more;
		l->cap = cap;
	}
	l->v[l->n] = (struct local){.id = id};
	/* What is longer is no key's name; its id counts. */
	if (text_copy(l->v[l->n].name, sizeof(l->v->name), name) != AK_OK)
		l->v[l->n].name[0] = '\0';
	l->n++;
	return AK_OK;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct local *)a)->name, ((const struct local *)b)->name);
}

static int
by_id(const void *a, const void *b)
{
	uint32_t x = (*(struct local *const *)a)->id, y = (*(struct local *const *)b)->id;

	return x < y ? -1 : x > y;
}

static enum ak_err
sort(struct locals *l)
{
	if (l->n == 0)
		return AK_OK;
	qsort(l->v, l->n, sizeof(*l->v), by_name);
	if ((l->by_id = reallocarray(NULL, l->n, sizeof(struct local *))) == NULL)
		return AK_ERR_NOMEM;
	for (size_t i = 0; i < l->n; i++)
		l->by_id[i] = &l->v[i];
	qsort(l->by_id, l->n, sizeof(struct local *), by_id);
	return AK_OK;
}

static void
clear(struct locals *l)
{
	free(l->v);
	free(l->by_id);
	*l = (struct locals){.v = NULL};
}

static enum ak_err
read_users(const char *path, struct locals *l)
{
	FILE *f = fopen(path, "re");
	const struct passwd *pw;
	enum ak_err err = AK_OK;

	if (f == NULL)
		return errno == ENOENT ? AK_OK : AK_ERR_UNAVAILABLE;
	while (err == AK_OK && (pw = fgetpwent(f)) != NULL)
		err = add_local(l, pw->pw_name, pw->pw_uid);
	(void)fclose(f);
	return err == AK_OK ? sort(l) : err;
}

static enum ak_err
read_groups(const char *path, struct locals *l)
{
	FILE *f = fopen(path, "re");
	const struct group *gr;
	enum ak_err err = AK_OK;

	if (f == NULL)
		return errno == ENOENT ? AK_OK : AK_ERR_UNAVAILABLE;
	while (err == AK_OK && (gr = fgetgrent(f)) != NULL)
		err = add_local(l, gr->gr_name, gr->gr_gid);
	(void)fclose(f);
	return err == AK_OK ? sort(l) : err;
}

static struct local *
find_id(const struct locals *l, uint32_t id)
{
	struct local wanted = {.id = id}, *key = &wanted, **at;

	if (l->n == 0)
		return NULL;
	at = bsearch(&key, l->by_id, l->n, sizeof(struct local *), by_id);
	return at == NULL ? NULL : *at;
}

static struct local *
find_name(const struct locals *l, const char *name)
{
	struct local wanted = {.id = 0};

	if (l->n == 0 || text_copy(wanted.name, sizeof(wanted.name), name) != AK_OK)
		return NULL;
	return bsearch(&wanted, l->v, l->n, sizeof(*l->v), by_name);
}

/* A walk over all keys, against the local users. */
struct against {
	struct doctor *d;
	struct locals *users;
	uint32_t clashes;
};

static bool
compare(void *ctx, const struct key_record *k)
{
	struct against *a = ctx;
	struct local *name = find_name(a->users, k->name), *id = find_id(a->users, k->uid);
	struct local *u = name != NULL ? name : id;

	if (u == NULL)
		return false;
	u->is_key = true;
	if (a->clashes++ >= TOLD_MAX)
		return false;
	if (name != NULL)
		doctor_attend(a->d, "rename the local user by usermod(8), or delete the key",
		    "the local user %s (uid %u) has the name of a key (uid %u): the local one "
		    "logs in, and the key can't",
		    u->name, u->id, k->uid);
	else
		doctor_attend(a->d, "give the local user another uid, or delete the key",
		    "the local user %s has the uid of the key %s, %u: both have the same "
		    "files, "
		    "and are one to the kernel",
		    u->name, k->name, k->uid);
	return false;
}

static void
look_at_keys(struct doctor *d, struct locals *users)
{
	struct against a = {.d = d, .users = users};
	struct diag why = DIAG_INIT, lost = DIAG_INIT;
	struct keys keys;

	if (keys_open(&d->c->paths, &keys, &why) != AK_OK)
		return;
	(void)!keys_each(&keys, compare, NULL, &a, &lost, &why);
	keys_close(&keys);
	if (a.clashes > TOLD_MAX)
		doctor_attend(d, "compare 'apikey list' with passwd(5)",
		    "so it is with %u more", a.clashes - TOLD_MAX);
}

/* A uid of a key's range is a key's, whoever has it. */
static void
look_at_range(
    struct doctor *d, const struct locals *l, struct id_range r, const char *option, bool users)
{
	uint32_t n = 0;

	for (size_t i = 0; r.max != 0 && i < l->n; i++) {
		const struct local *u = l->by_id[i];

		if (!id_range_has(r, u->id) || u->is_key || n++ >= TOLD_MAX)
			continue;
		if (users)
			doctor_attend(d,
			    "give it another uid by usermod(8), or put another range into "
			    "apikey.yaml",
			    "the local user %s has uid %u, which %s takes for keys: it is "
			    "refused",
			    u->name, u->id, option);
		else
			doctor_note(d,
			    "give it another gid by groupmod(8), or put another range into "
			    "apikey.yaml",
			    "the local group %s has gid %u, which lies in %s: it is passed "
			    "over",
			    u->name, u->id, option);
	}
	if (n > TOLD_MAX)
		doctor_note(
		    d, "see passwd(5) and group(5)", "so it is with %u more", n - TOLD_MAX);
}

static bool
meet(struct id_range a, struct id_range b)
{
	return a.max != 0 && b.max != 0 && a.min <= b.max && b.min <= a.max;
}

/* NAME:FIRST:COUNT (subuid(5)): ids for containers, which are their owner's. */
static void
look_at_sub(struct doctor *d, const char *file, struct id_range r, const char *option)
{
	enum ak_err err;
	char *text = doctor_read(d, file, &err), *rest = NULL;

	for (char *line = text == NULL ? NULL : strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *fields = NULL, *name = strtok_r(line, ":", &fields);
		const char *first = name == NULL ? NULL : strtok_r(NULL, ":", &fields);
		const char *count = first == NULL ? NULL : strtok_r(NULL, ":", &fields);
		uint64_t from, n, last;

		if (count == NULL || num_parse(first, 0, UINT32_MAX, &from) != AK_OK ||
		    num_parse(count, 1, INT64_MAX, &n) != AK_OK)
			continue;
		/* Past the last id there is none, and all up to it are given. */
		last = from + n - 1 > UINT32_MAX ? UINT32_MAX : from + n - 1;
		if (meet(r, (struct id_range){(uint32_t)from, (uint32_t)last}))
			doctor_attend(d,
			    "give it other ids by usermod(8), or put another range into "
			    "apikey.yaml",
			    "%s/%s gives %s the ids %llu-%llu, which meet %s: its containers "
			    "could become keys",
			    d->c->host.etc, file, name, (unsigned long long)from,
			    (unsigned long long)last, option);
	}
	free(text);
}

/* KEY VALUE or KEY=VALUE, at the beginning of a line. */
static bool
find_value(const char *text, const char *key, uint32_t *out)
{
	size_t len = strlen(key);
	char number[16];
	uint64_t v;

	for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n' ? 1 : 0;
		if (strncmp(at, key, len) != 0 || strspn(at + len, " \t=\"") == 0)
			continue;
		at += len + strspn(at + len, " \t=\"");
		if (strspn(at, "0123456789") >= sizeof(number))
			continue;
		memset(number, 0, sizeof(number));
		memcpy(number, at, strspn(at, "0123456789"));
		if (num_parse(number, 0, UINT32_MAX, &v) != AK_OK)
			continue;
		*out = (uint32_t)v;
		return true;
	}
	return false;
}

/* Whoever makes users by count could give what is a key's. */
static void
look_at_makers(struct doctor *d)
{
	const struct settings *s = &d->live.settings;
	const struct {
		const char *file, *min, *max;
		struct id_range range;
		const char *option;
	} rows[] = {
	    {"login.defs", "UID_MIN", "UID_MAX", s->uids, "uid_range"},
	    {"login.defs", "GID_MIN", "GID_MAX", s->gids, "gid_range"},
	    {"login.defs", "SUB_UID_MIN", "SUB_UID_MAX", s->uids, "uid_range"},
	    {"adduser.conf", "FIRST_UID", "LAST_UID", s->uids, "uid_range"},
	    {"adduser.conf", "FIRST_GID", "LAST_GID", s->gids, "gid_range"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct id_range r = {.min = 0};
		enum ak_err err;
		char *text = doctor_read(d, rows[i].file, &err);

		if (text != NULL && find_value(text, rows[i].min, &r.min) &&
		    find_value(text, rows[i].max, &r.max) && meet(r, rows[i].range))
			doctor_note(d, "let them not meet",
			    "%s of %s/%s, %u-%u, meets %s of apikey.yaml, %u-%u: a new user "
			    "could "
			    "get such an id",
			    rows[i].max, d->c->host.etc, rows[i].file, r.min, r.max,
			    rows[i].option, rows[i].range.min, rows[i].range.max);
		free(text);
	}
}

static void
look_at_left(struct doctor *d)
{
	const struct status *s = &d->status;
	struct id_range u = d->live.settings.uids;

	if (doctor_needs(d, STATUS_IDS, "") == 0 && s->keys_known &&
	    s->uids_left < (u.max - u.min) / 10)
		doctor_note(d, "widen uid_range in apikey.yaml in time",
		    "%u uids of %u are left for new keys: an id is never given twice",
		    s->uids_left, u.max - u.min);
}

/* Ids: what is a key's must be nobody else's. */
/* Every key is in it, and sshd asks its members for passwords. */
static void
look_at_keys_group(struct doctor *d)
{
	const char *group = d->live.settings.keys_group;
	uint32_t gid;

	if (live_local_gid(d->c->paths.group, group, &gid) != AK_OK)
		return;
	doctor_attend(d,
	    "give keys_group of apikey.yaml a name that no local group has, and put it into "
	    "sshd's Match Group; or rename the local group",
	    "the group of keys, %s, is a local group (gid %u): keys may what it may, and its "
	    "members are asked for passwords by sshd",
	    group, gid);
}

void
doctor_ids(struct doctor *d)
{
	const struct settings *s = &d->live.settings;
	struct locals users = {.v = NULL}, groups = {.v = NULL};
	enum ak_err err = read_users(d->c->paths.passwd, &users);

	if (err == AK_OK)
		err = read_groups(d->c->paths.group, &groups);
	if (err == AK_ERR_NOMEM) {
		d->err = err;
	} else if (err != AK_OK) {
		doctor_attend(d, "see that both are there, and readable",
		    "%s or %s can't be read", d->c->paths.passwd, d->c->paths.group);
	} else {
		look_at_keys(d, &users);
		look_at_range(d, &users, s->uids, "uid_range", true);
		look_at_range(d, &groups, s->gids, "gid_range", false);
		look_at_range(d, &groups, s->uids, "uid_range", false);
		if (s->directory.present)
			look_at_range(d, &users, s->directory.uids, "directory.uid_range", true);
	}
	look_at_keys_group(d);
	look_at_sub(d, "subuid", s->uids, "uid_range");
	look_at_sub(d, "subgid", s->uids, "uid_range");
	look_at_sub(d, "subgid", s->gids, "gid_range");
	look_at_makers(d);
	look_at_left(d);
	if (doctor_count(d) == 0)
		doctor_ok(d, "no local user or group has what is a key's");
	clear(&users);
	clear(&groups);
}
