#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_checks.h"
#include "doctor_ask.h"
#include "doctor_index.h"
#include "nsswitch.h"

#define MODULE "libnss_apikey.so.2"

/*
 * As printed these put a line right, whatever was wrong with it, and change
 * nothing the second time: what is ours goes out, and comes in behind files.
 * What stands behind us in brackets stays, but where we were the first.
 */
#define MEND(database, before)                                                                 \
	"sed -i -E '/^[[:space:]]*" database ":/{"                                             \
	"s/:[[:space:]]*apikey([[:space:]]*\\[[^]]*\\])*([[:space:]]|$)/: /;"                  \
	"s/[[:space:]]+(\\[" before "\\][[:space:]]*)?apikey([[:space:]]|$)/\\2/;"             \
	"s/[[:space:]](files|compat)([[:space:]]|$)/ \\1 "
static const char *const mend_passwd = MEND("passwd", "SUCCESS=merge") "apikey\\2/}' %s";
static const char *const mend_group =
    MEND("group", "SUCCESS=merge") "[SUCCESS=merge] apikey\\2/}' %s";
/* There we are first, without an action: a local user is asked for of nobody whom he was not asked of before. */
static const char *const mend_initgroups =
    "sed -i -E '/^[[:space:]]*initgroups:/{"
    "s/[[:space:]]+(\\[SUCCESS=(continue|merge)\\][[:space:]]*)?apikey([[:space:]]|$)/\\3/I;"
    "s/:[[:space:]]*/: apikey /}' %s";

static size_t
place_of_local(const struct nsswitch *db)
{
	size_t files = nsswitch_find(db, "files"), compat = nsswitch_find(db, "compat");

	return files < compat ? files : compat;
}

/* What stands before us may be on a network, and is asked about each key. */
static const char *
asked_before(const struct nsswitch *db, size_t ours)
{
	for (size_t i = 0; i < ours; i++)
		if (strcmp(db->v[i].name, "files") != 0 &&
		    strcmp(db->v[i].name, "compat") != 0 &&
		    strcmp(db->v[i].name, "systemd") != 0)
			return db->v[i].name;
	return NULL;
}

static const char *
stopped_before(const struct nsswitch *db, size_t ours)
{
	for (size_t i = 0; i < ours; i++)
		if (db->v[i].notfound_return)
			return db->v[i].name;
	return NULL;
}

static void
advise_mending(struct doctor *d, const char *mend, const char *path)
{
	/* mend is one of ours, with one %s. */
	char cmd[DOCTOR_TEXT_CAP], *at;

	if (text_copy(cmd, sizeof(cmd), mend) == AK_OK && (at = strstr(cmd, "%s")) != NULL) {
		*at = '\0';
		doctor_advise(d, "%s%s", cmd, path);
	}
}

/* false: something was found, with a finding. */
static bool
check_order(struct doctor *d, const char *path, const char *name, const struct nsswitch *db,
    const char *mend)
{
	size_t ours = nsswitch_find(db, "apikey"), local = place_of_local(db);
	const char *other;

	if (db->wrong[0] != '\0') {
		doctor_attend(d, "", "%s:%u: `%s' is nothing that nsswitch.conf(5) knows", path,
		    db->line, db->wrong);
		doctor_advise(
		    d, "mend '%s' in line %u of %s by hand", db->wrong, db->line, path);
		return false;
	}
	if (local == db->n) {
		doctor_attend(d, "", "%s:%u: %s does not have files", path, db->line, name);
		doctor_advise(
		    d, "sed -i -E '/^[[:space:]]*%s:/{/files/!s/:/: files/}' %s", name, path);
		return false;
	}
	if (ours == db->n)
		doctor_attend(d, "", "%s:%u: %s does not have apikey: no program sees a key%s",
		    path, db->line, name,
		    strcmp(name, "passwd") == 0 ? "" : " in the groups of its roles");
	else if (ours < local)
		doctor_attend(d, "", "%s:%u: %s has apikey before %s, where local names lose",
		    path, db->line, name, db->v[local].name);
	else if ((other = stopped_before(db, ours)) != NULL)
		doctor_attend(d, "",
		    "%s:%u: %s ends behind %s for what is not found there, and comes to no key",
		    path, db->line, name, other);
	else if ((other = asked_before(db, ours)) != NULL)
		doctor_note(d, "",
		    "%s:%u: %s asks %s about each key before apikey, and waits for it", path,
		    db->line, name, other);
	else
		return true;
	advise_mending(d, mend, path);
	return false;
}

static bool
check_passwd(struct doctor *d, const char *path, const struct nsswitch *db)
{
	if (!check_order(d, path, "passwd", db, mend_passwd))
		return false;
	for (size_t i = 0; i < db->n; i++)
		if (db->v[i].success_merge) {
			doctor_attend(d, "",
			    "%s:%u: passwd has [SUCCESS=merge], by which local users are not "
			    "found: only groups can be merged",
			    path, db->line);
			doctor_advise(d,
			    "sed -i -E '/^[[:space:]]*passwd:/s/[[:space:]]*"
			    "\\[SUCCESS=merge\\]//Ig' %s",
			    path);
			return false;
		}
	return true;
}

static bool
check_group(struct doctor *d, const char *path, const struct nsswitch *db)
{
	if (!check_order(d, path, "group", db, mend_group))
		return false;
	if (db->v[place_of_local(db)].success_merge)
		return true;
	doctor_attend(d, "",
	    "%s:%u: group does not have [SUCCESS=merge] between %s and apikey: a group that "
	    "exists locally does not show its keys",
	    path, db->line, db->v[place_of_local(db)].name);
	advise_mending(d, mend_group, path);
	return false;
}

/*
 * There need not be one: then groups are what `group' says. In one, a service
 * that has found somebody is the last (nsswitch.conf(5)), so that local users
 * have local groups alone; one that goes on for our sake goes on for theirs.
 */
static bool
check_initgroups(struct doctor *d, const char *path, const struct nsswitch *db)
{
	size_t ours = nsswitch_find(db, "apikey");
	bool stops = ours == db->n, goes_on = false;

	if (db->line == 0)
		return true;
	for (size_t i = 0; i < ours && i < db->n; i++) {
		stops = stops || db->v[i].success_return;
		goes_on = goes_on || db->v[i].success_goes_on;
	}
	if (!stops && !(goes_on && ours + 1 < db->n))
		return true;
	if (stops)
		doctor_attend(d, "",
		    "%s:%u: initgroups does not come to apikey: keys are not in the groups of "
		    "their roles",
		    path, db->line);
	else
		doctor_attend(d, "",
		    "%s:%u: initgroups goes on behind local users, so that they have groups of "
		    "%s too",
		    path, db->line, db->v[ours + 1].name);
	advise_mending(d, mend_initgroups, path);
	return false;
}

static bool
check_there(struct doctor *d, const char *path, const char *name, const struct nsswitch *db,
    const char *services)
{
	if (db->line != 0)
		return true;
	doctor_attend(d, "", "%s has no line %s, so no program sees %s", path, name,
	    strcmp(name, "passwd") == 0 ? "a key" : "the groups of keys");
	doctor_advise(d, "printf '%s: %s\\n' >>%s", name, services, path);
	return false;
}

static bool
check_file(struct doctor *d, const char *path, const char *text)
{
	struct nsswitch passwd, group, initgroups;
	bool good;

	nsswitch_read(text, "passwd", &passwd);
	nsswitch_read(text, "group", &group);
	nsswitch_read(text, "initgroups", &initgroups);
	good = check_there(d, path, "passwd", &passwd, "files apikey") &&
	       check_passwd(d, path, &passwd);
	good &= check_there(d, path, "group", &group, "files [SUCCESS=merge] apikey") &&
		check_group(d, path, &group);
	return check_initgroups(d, path, &initgroups) && good;
}

/* The C library loads it into every program. */
static bool
check_module(struct doctor *d)
{
	struct diag why = DIAG_INIT;

	if (d->c->host.load(d->c->host.ctx, MODULE, &why) == AK_OK)
		return true;
	doctor_attend(d, "apt-get install --reinstall libnss-apikey",
	    MODULE " can't be loaded: %s", why.text);
	return false;
}

/* Programs of another architecture have a C library of their own, which loads modules of its own. */
static void
check_others(struct doctor *d)
{
	static const struct {
		const char *triplet, *architecture;
	} known[] = {{"x86_64-linux-gnu", "amd64"}, {"i386-linux-gnu", "i386"},
	    {"aarch64-linux-gnu", "arm64"}, {"arm-linux-gnueabihf", "armhf"}};
	char path[PATH_CAP], one[PATH_CAP];
	bool any = false;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			(void)snprintf(
			    one, sizeof(one), "/usr/lib/%s/" MODULE, known[i].triplet);
			(void)snprintf(
			    path, sizeof(path), "/usr/lib/%s/libc.so.6", known[i].triplet);
			if (pass == 0)
				any = any || doctor_is_there(d, one);
			else if (any && doctor_is_there(d, path) && !doctor_is_there(d, one)) {
				doctor_note(d, "",
				    "programs of architecture %s see no key: there is no %s",
				    known[i].architecture, one);
				doctor_advise(d, "apt-get install libnss-apikey:%s",
				    known[i].architecture);
			}
		}
}

/* The file that answers come from; what is wrong with it is another check's to tell. */
static bool
users_are_whole(const struct doctor *d)
{
	struct index ix;
	enum ak_err err = index_open(d->c->paths.users, d->c->paths.owner, &ix);

	if (err == AK_OK)
		err = doctor_index_walk(&ix);
	index_close(&ix);
	return err == AK_OK;
}

/* Asked as every program asks. */
static void
check_answer(struct doctor *d, const char *path)
{
	struct doctor_key key;
	uint32_t uid;
	enum ak_err err = doctor_a_key(d, &key);

	/* A file that is not there, or can't be read, is another check's. */
	if (err == AK_ERR_NOT_FOUND || access(d->c->paths.users, F_OK) != 0) {
		doctor_ok(
		    d, "%s has apikey; there is no key yet to ask the name service for", path);
		return;
	}
	if (err != AK_OK) {
		doctor_ok(
		    d, "%s has apikey; no key can be read to ask the name service for", path);
		return;
	}
	err = d->c->host.find_user(d->c->host.ctx, key.name, &uid);
	if (err == AK_OK && uid == key.uid)
		doctor_ok(d, "%s has apikey, and the name service knows the key %s (uid %u)",
		    path, key.name, uid);
	else if (err == AK_ERR_UNAVAILABLE && !users_are_whole(d))
		doctor_ok(
		    d, "%s has apikey; no key can be read to ask the name service for", path);
	else if (err == AK_OK)
		doctor_attend(d, "give one of the two another name",
		    "%s is a key with uid %u, and another user with uid %u", key.name, key.uid,
		    uid);
	else
		doctor_attend(d, "apikey publish",
		    "the name service does not know the key %s: %s", key.name, ak_strerror(err));
}

/* nsswitch.conf(5): keys behind local users, and roles' groups merged with local ones; and does it work? */
void
doctor_nsswitch(struct doctor *d)
{
	enum ak_err err;
	char *text = doctor_read(d, "nsswitch.conf", &err), path[PATH_CAP];
	bool good = false;

	if (!doctor_etc(d, "nsswitch.conf", path))
		path[0] = '\0';
	if (text == NULL) {
		doctor_attend(d, "", "%s can't be read: %s", path, ak_strerror(err));
		if (err == AK_ERR_NOT_FOUND)
			doctor_advise(d,
			    "printf 'passwd: files apikey\\ngroup: files [SUCCESS=merge] "
			    "apikey\\n' >%s",
			    path);
		else
			doctor_advise(d, "put it back, as libc-bin has it");
	} else {
		good = check_file(d, path, text);
	}
	free(text);
	good &= check_module(d);
	check_others(d);
	/* What is wrong with the file or the module is why it would not answer. */
	if (good)
		check_answer(d, path);
}
