#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_checks.h"
#include "doctor_ask.h"
#include "num.h"

#define DAY_S 86400

/* A local account that a role of the policy opens, or that only keys enter. */
struct shared {
	struct doctor *d;
	const char *name;
	struct doctor_account a;
	bool only_keys, opened;
	bool has_password, expired;
	char keys[PATH_CAP]; /* its authorized_keys; "": none */
	bool good;
};

/* NAME:PASSWORD:…:EXPIRES: in days, the eighth field. */
static void
read_shadow(struct shared *s)
{
	enum ak_err err;
	char *text = doctor_read(s->d, "shadow", &err), *at = text, *line;

	while ((line = doctor_line(&at)) != NULL) {
		char *field[8];
		uint64_t days;
		size_t n = 0;

		while (n < 8 && (field[n] = strsep(&line, ":")) != NULL)
			n++;
		if (n < 8 || strcmp(field[0], s->name) != 0)
			continue;
		s->has_password = strchr("!*", field[1][0]) == NULL || field[1][0] == '\0';
		s->expired = num_parse(field[7], 0, INT32_MAX, &days) == AK_OK &&
			     s->d->now / DAY_S >= (int64_t)days;
		break;
	}
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void
find_keys(struct shared *s)
{
	struct text t = text_over(s->keys, sizeof(s->keys));

	text_add(&t, "%s/.ssh/authorized_keys", s->a.home);
	if (t.cut || !doctor_is_there(s->d, s->keys))
		s->keys[0] = '\0';
}

/* Some role's, as the policy has it. */
static bool
is_opened(const struct doctor *d, const char *name)
{
	const struct image *im = d->live.image;

	for (uint32_t i = 0; im != NULL && i < image_count_roles(im); i++)
		if (strv_glob(image_role(im, i).accounts, name))
			return true;
	return false;
}

static void
note_missing(struct shared *s)
{
	uint32_t uid;
	enum ak_err err = s->d->c->host.find_user(s->d->c->host.ctx, s->name, &uid);

	s->good = false;
	if (err == AK_OK) {
		doctor_note(s->d, "see for yourself whether it has a shell, and has not expired",
		    "the shared account %s is not one of passwd(5), and was not looked at",
		    s->name);
		return;
	}
	doctor_note(s->d, "",
	    "the policy names the shared account %s, which this host does "
	    "not have",
	    s->name);
	doctor_advise(s->d, "useradd --create-home --shell /bin/bash %s", s->name);
}

static bool
is_shell(const struct shared *s)
{
	const char *shell = s->a.shell[0] == '\0' ? "/bin/sh" : s->a.shell, *base;
	char path[PATH_CAP];
	struct stat st;

	base = strrchr(shell, '/') == NULL ? shell : strrchr(shell, '/') + 1;
	return strcmp(base, "nologin") != 0 && strcmp(base, "false") != 0 &&
	       doctor_path(s->d, shell, path) && stat(path, &st) == 0 &&
	       (st.st_mode & 0111) != 0;
}

/* A locked password locks no key out. */
static void
check_entry(struct shared *s)
{
	char path[PATH_CAP];

	if (!doctor_etc(s->d, "passwd", path))
		path[0] = '\0';
	if (!s->opened)
		return;
	if (s->a.uid == 0) {
		s->good = false;
		doctor_attend(s->d,
		    "take it out of accounts in the policy: keys become root "
		    "by sudo",
		    "%s:%u: %s has uid 0, which no key enters, whatever a role opens", path,
		    s->a.line, s->name);
		return;
	}
	if (!is_shell(s)) {
		s->good = false;
		doctor_attend(s->d, "",
		    "%s:%u: the shared account %s has no shell to log in "
		    "with (%s)",
		    path, s->a.line, s->name, s->a.shell);
		doctor_advise(s->d, "usermod --shell /bin/bash %s", s->name);
	}
	if (s->expired) {
		s->good = false;
		doctor_attend(
		    s->d, "", "the shared account %s has expired, and lets nobody in", s->name);
		doctor_advise(s->d, "usermod --expiredate '' %s", s->name);
	}
}

/* Of a home its holders are masters: what is there is told by its name, quoted whole. */
static const char *
name_file(const char *path, char word[DOCTOR_WORD_CAP])
{
	char shown[PATH_CAP];
	struct text t = text_over(shown, sizeof(shown));

	text_add(&t, "%s", path);
	text_mask_controls(shown);
	return doctor_word(shown, word);
}

/*
 * Never a command for root: any part of that path may be a link, and lead to
 * /etc/cron.daily or into root's own home.
 */
static void
advise_keys(struct shared *s, const char *word)
{
	if (s->only_keys)
		doctor_advise(s->d,
		    "as %s, not as root, move away %s: in a home, links lead wherever its "
		    "holders want",
		    s->name, word);
	else
		doctor_advise(s->d,
		    "say only_keys: true for %s in %s; or as %s, not as root, move away %s: "
		    "in a home, links lead wherever its holders want",
		    s->name, s->d->c->paths.policy, s->name, word);
}

static void
check_password(struct shared *s)
{
	if (!s->has_password)
		return;
	s->good = false;
	if (s->only_keys) {
		doctor_note(s->d, "",
		    "%s is only_keys, and has a password, which lets in again whenever "
		    "pam_apikey or the policy is not there",
		    s->name);
		doctor_advise(s->d, "usermod --lock %s", s->name);
		return;
	}
	doctor_note(s->d, "",
	    "the shared account %s has a password of its own, which opens it to whoever knows "
	    "or guesses it, as soon as sshd takes passwords for %s",
	    s->name, s->name);
	doctor_advise(s->d, "lock it: 'passwd -l %s'; or say only_keys: true for %s in %s",
	    s->name, s->name, s->d->c->paths.policy);
}

/* only_keys is in force through our line alone: without it what is left lets in. */
static void
check_other_ways(struct shared *s)
{
	char word[DOCTOR_WORD_CAP];

	check_password(s);
	if (s->keys[0] == '\0')
		return;
	s->good = false;
	(void)name_file(s->keys, word);
	if (s->only_keys)
		doctor_note(s->d, "",
		    "%s is only_keys, and has %s, which lets in again whenever pam_apikey or "
		    "the policy is not there",
		    s->name, word);
	else
		doctor_note(s->d, "",
		    "public keys in %s enter the shared account %s with no key of apikey "
		    "behind them",
		    word, s->name);
	advise_keys(s, word);
}

/* The first at job of that uid; false: none. */
static bool
find_job(const struct shared *s, char path[PATH_CAP])
{
	const char *folder = s->d->c->host.atjobs;
	DIR *dir = opendir(folder);
	struct dirent *e;
	struct stat st;
	bool found = false;

	while (!found && dir != NULL && (e = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == s->a.uid) {
			struct text t = text_over(path, PATH_CAP);

			text_add(&t, "%s/%s", folder, e->d_name);
			found = !t.cut;
		}
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

/* What begins without a login: a key that is revoked may have left it there. */
static void
check_beginnings(struct shared *s)
{
	char path[PATH_CAP];
	struct stat st;
	struct text t = text_over(path, sizeof(path));

	text_add(&t, "%s/%s", s->d->c->host.crontabs, s->name);
	if ((!t.cut && lstat(path, &st) == 0) || find_job(s, path)) {
		s->good = false;
		doctor_note(s->d, "",
		    "the shared account %s has %s, which begins anew what a "
		    "revocation ended",
		    s->name, path);
		doctor_advise(s->d, "read %s, and know who wrote it", path);
	}
	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", s->name);
	if (doctor_is_there(s->d, path)) {
		s->good = false;
		doctor_note(s->d, "",
		    "the shared account %s lingers: its user manager begins "
		    "anew what a revocation ended",
		    s->name);
		doctor_advise(s->d, "loginctl disable-linger %s", s->name);
	}
}

/* Was something told? */
static bool
check_account(struct doctor *d, const char *name)
{
	struct shared s = {.d = d, .name = name, .good = true};
	enum ak_err err = doctor_account(d, name, &s.a);

	s.only_keys = image_is_only_keys(d->live.image, name);
	s.opened = is_opened(d, name);
	if (err != AK_OK) {
		note_missing(&s);
		return true;
	}
	read_shadow(&s);
	find_keys(&s);
	check_entry(&s);
	check_other_ways(&s);
	check_beginnings(&s);
	return !s.good;
}

/* Local accounts that roles open: can they be entered, and by whom else, and what begins there by itself? */
void
doctor_shared(struct doctor *d)
{
	struct pack accounts;
	size_t n = 0, told = 0;

	doctor_shared_accounts(d, &accounts);
	strv_for (pack_borrow_strv(&accounts), name) {
		n++;
		told += text_is_key_name(name) && check_account(d, name);
	}
	if (n == 0)
		doctor_ok(d, "no role opens a local account by its name");
	else if (n > told)
		doctor_ok(
		    d, "%zu of %zu shared accounts are entered with keys alone", n - told, n);
	if (accounts.err != AK_OK)
		d->err = accounts.err;
	pack_clear(&accounts);
}
