#include <stdlib.h>
#include <string.h>

#include "doctor_checks.h"
#include "doctor_ask.h"
#include "sshdconf.h"
#include "sshdlogin.h"

/* How many shared accounts sshd is asked about: each takes a process. */
#define ACCOUNTS_MAX 16U
#define OWN_FILE "/etc/ssh/sshd_config.d/00-apikey.conf"

/* A login that sshd was asked about. */
struct login {
	struct doctor *d;
	const char *name; /* "": there is no key, so its group alone is known */
	char who[64]; /* "the key ci-deploy" */
	char match[64]; /* which block is for it: "Group apikey" */
	char groups[4096]; /* names, separated by blanks */
	struct sshdconf conf;
	char reload[PATH_CAP + 64]; /* what makes a change hold, from ` && ' on; "": nothing runs */
	bool by_address; /* some block is for addresses */
	bool hangs; /* id(1) did not answer, and is not waited for again */
	bool good;
};

/* A listener that reads again what it can't read is gone. */
#define SSHD_AGREES " && /usr/sbin/sshd -t"

/* What runs has read its files; it is to read them again. */
static void
find_reload(const struct doctor *d, const struct sshdconf *conf, char *out, size_t cap)
{
	char pidfile[PATH_CAP];

	out[0] = '\0';
	sshdconf_value(conf, "pidfile", pidfile, sizeof(pidfile));
	if (pidfile[0] != '/' || strpbrk(pidfile, " '\"\\$`&;|<>()*?[]#~!{}") != NULL ||
	    !doctor_is_there(d, pidfile))
		return;
	if (doctor_is_there(d, "/run/systemd/system"))
		(void)snprintf(out, cap, SSHD_AGREES " && systemctl reload %s",
		    doctor_is_there(d, "/usr/lib/systemd/system/ssh.service") ? "ssh" : "sshd");
	else
		(void)snprintf(out, cap, SSHD_AGREES " && kill -HUP \"$(cat %s)\"", pidfile);
}

/*
 * Of blocks that are for a login sshd takes what comes first: the folder's
 * first file, where that is included before any, else a block before them all.
 * Never `Match all' in sshd_config: what is for everybody would come before
 * the blocks behind it.
 */
static void
advise_block(const struct login *l, const char *keyword, const char *value)
{
	struct sshdconf_shape has = sshdconf_shape(l->d);

	if (has.folder > 0 && (has.match == 0 || has.match > has.folder))
		doctor_advise(l->d,
		    "printf '\\nMatch %s\\n    %s %s\\nMatch all\\n' >>" OWN_FILE "%s",
		    l->match, keyword, value, l->reload);
	else if (has.match > 0)
		doctor_advise(l->d, "sed -i '%ui Match %s\\n    %s %s' /etc/ssh/sshd_config%s",
		    has.match, l->match, keyword, value, l->reload);
	else
		doctor_advise(l->d,
		    "printf '\\nMatch %s\\n    %s %s\\n' >>/etc/ssh/sshd_config%s", l->match,
		    keyword, value, l->reload);
}

/* In the place where it stands, or at the top, since sshd takes what comes first. */
static void
advise_global(const struct login *l, const char *keyword, const char *was, const char *is)
{
	struct sshdconf_place at;

	if (sshdconf_find(l->d, keyword, was, &at))
		doctor_advise(l->d, "sed -i '%us/.*/%s %s/' %s%s", at.line, keyword, is,
		    at.file, l->reload);
	else
		doctor_advise(
		    l->d, "sed -i '1i %s %s' /etc/ssh/sshd_config%s", keyword, is, l->reload);
}

/* "FILE:LINE: ", where the files say this; else "". */
static const char *
place(const struct login *l, const char *keyword, const char *value, char *buf, size_t cap)
{
	struct sshdconf_place at;

	buf[0] = '\0';
	if (sshdconf_find(l->d, keyword, value, &at))
		(void)snprintf(buf, cap, "%s:%u: ", at.file, at.line);
	return buf;
}

static void
check_pam(struct login *l)
{
	char at[PATH_CAP + 16];

	if (sshdconf_is(&l->conf, "usepam", "yes"))
		return;
	l->good = false;
	doctor_attend(l->d, "", "%ssshd does not use PAM, so no key gets in",
	    place(l, "UsePAM", "no", at, sizeof(at)));
	advise_global(l, "UsePAM", "no", "yes");
}

/* Which addresses keys come from nobody here knows; a block would let them in from all. */
static void
advise_asking(const struct login *l)
{
	doctor_advise(l->d,
	    "ask 'sshd -T -C user=%s,host=NAME,addr=ADDRESS,laddr=ADDRESS,lport=22' for an "
	    "address that keys come from",
	    l->name[0] == '\0' ? "NAME" : l->name);
}

static bool
asks_passwords(const struct login *l)
{
	return sshdconf_is(&l->conf, "passwordauthentication", "yes") ||
	       sshdconf_is(&l->conf, "kbdinteractiveauthentication", "yes");
}

static void
check_password(struct login *l)
{
	struct sshdconf_place block;
	char at[PATH_CAP + 16];

	if (asks_passwords(l))
		return;
	/* Without a key the block for its group can't be tried; that it is there must do. */
	if (l->name[0] == '\0' && sshdconf_find(l->d, "Match", l->match, &block))
		return;
	l->good = false;
	(void)place(l, "PasswordAuthentication", "no", at, sizeof(at));
	if (l->by_address) {
		doctor_note(l->d, "",
		    "%ssshd lets %s type no password, and so no token, but from addresses or "
		    "hosts that a Match block may name",
		    at, l->who);
		advise_asking(l);
		return;
	}
	doctor_attend(l->d, "",
	    "%ssshd lets %s type no password, and so no token: PasswordAuthentication and "
	    "KbdInteractiveAuthentication are no",
	    at, l->who);
	advise_block(l, "PasswordAuthentication", "yes");
}

static void
check_methods(struct login *l)
{
	char methods[256], at[PATH_CAP + 16];

	sshdconf_value(&l->conf, "authenticationmethods", methods, sizeof(methods));
	if (methods[0] == '\0' || !asks_passwords(l) ||
	    sshdlogin_can_meet(&l->conf, l->d->live.settings.public_key_logins))
		return;
	l->good = false;
	(void)place(l, "AuthenticationMethods", NULL, at, sizeof(at));
	if (l->by_address) {
		doctor_note(l->d, "",
		    "%ssshd wants `AuthenticationMethods %s', which %s can't meet, but from "
		    "addresses or hosts that a Match block may name",
		    at, methods, l->who);
		advise_asking(l);
		return;
	}
	doctor_attend(l->d, "", "%ssshd wants `AuthenticationMethods %s', which %s can't meet",
	    at, methods, l->who);
	/* Not `any': sshd takes that in no file that names a method before. */
	advise_block(l, "AuthenticationMethods",
	    !sshdconf_is(&l->conf, "passwordauthentication", "yes") ? "keyboard-interactive"
	    : sshdconf_is(&l->conf, "kbdinteractiveauthentication", "yes")
		? "password keyboard-interactive"
		: "password");
}

static void
check_lists(struct login *l)
{
	char at[PATH_CAP + 16];
	const char *list;

	for (size_t i = 0; (list = sshdlogin_lists[i].shown) != NULL; i++) {
		if (!sshdlogin_keeps_out(&l->conf, i, l->name, l->groups))
			continue;
		l->good = false;
		doctor_attend(l->d, "", "%ssshd's %s keeps %s out",
		    place(l, list, NULL, at, sizeof(at)), list, l->who);
		if (sshdlogin_lists[i].allows)
			advise_block(l, list, "*");
		else
			doctor_advise(l->d, "take the name that matches out of %s in %s", list,
			    at[0] == '\0' ? "sshd_config" : at);
	}
}

static void
check_habits(struct login *l)
{
	static const struct {
		const char *keyword, *shown, *means;
	} bad[] = {
	    {"permitemptypasswords", "PermitEmptyPasswords",
		"each login begins with an empty token, which is logged as a denial"},
	    {"permituserenvironment", "PermitUserEnvironment",
		"a key's own file can set variables that get round a ForceCommand"},
	};
	char at[PATH_CAP + 16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (sshdconf_is(&l->conf, bad[i].keyword, "no"))
			continue;
		doctor_note(l->d, "", "%s%s is on: %s",
		    place(l, bad[i].shown, NULL, at, sizeof(at)), bad[i].shown, bad[i].means);
		advise_global(l, bad[i].shown, NULL, "no");
	}
}

/* A key's connection reaches wherever the host does. */
static void
check_forwarding(struct login *l)
{
	static const char *const keywords[] = {
	    "allowtcpforwarding", "allowagentforwarding", "allowstreamlocalforwarding"};
	bool open = !sshdconf_is(&l->conf, "permittunnel", "no");

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		open = open || !sshdconf_is(&l->conf, keywords[i], "no");
	if (!open || sshdconf_is(&l->conf, "disableforwarding", "yes"))
		return;
	doctor_note(l->d, "",
	    "%s may forward ports and agents through this host into its networks", l->who);
	advise_block(l, "DisableForwarding", "yes");
}

static void
tell_failure(struct doctor *d, struct sshdconf *conf)
{
	conf->text[strcspn(conf->text, "\r\n")] = '\0';
	if (conf->text[0] == '\0')
		(void)snprintf(conf->text, sizeof(conf->text), "it says nothing");
	if (!doctor_is_there(d, "/run/sshd")) {
		doctor_note(d, "start sshd, then ask again",
		    "sshd does not run, and can't be asked for its settings: %.400s",
		    conf->text);
		return;
	}
	doctor_attend(d, "mend what 'sshd -t' names, before sshd is started again",
	    "sshd can't read its settings: %.400s", conf->text);
}

/* The account's groups too; where those can't be told, the one that is known. */
static bool
ask(struct login *l, const char *group)
{
	char id[] = "/usr/bin/id", names[] = "-Gn", name[KEY_NAME_MAX + 1];
	char *argv[] = {id, names, name, NULL};

	int status = -1;

	if (l->name[0] != '\0' && !l->hangs && text_copy(name, sizeof(name), l->name) == AK_OK) {
		status = doctor_tool(l->d, argv, l->groups, sizeof(l->groups));
		l->hangs = status == -1;
	}
	if (status != 0)
		(void)snprintf(l->groups, sizeof(l->groups), "%s", group);
	return sshdconf_ask(l->d, l->name[0] == '\0' ? "nobody" : l->name, &l->conf);
}

static void
check_keys(struct login *l)
{
	check_pam(l);
	check_password(l);
	check_methods(l);
	check_lists(l);
	check_habits(l);
	if (l->name[0] != '\0')
		check_forwarding(l);
	if (l->good && l->name[0] != '\0')
		doctor_ok(l->d, "%s may log in by sshd with its token", l->who);
	else if (l->good)
		doctor_ok(l->d,
		    "keys may log in by sshd, as far as that is known before there is one");
}

/* false: id or sshd did not answer; the next time it would be waited for as long. */
static bool
check_account(struct login *l, const char *account)
{
	l->name = account;
	l->good = true;
	(void)snprintf(l->who, sizeof(l->who), "the shared account %.31s", account);
	(void)snprintf(l->match, sizeof(l->match), "User %.31s", account);
	if (!ask(l, account)) {
		tell_failure(l->d, &l->conf);
		return false;
	}
	check_password(l);
	check_methods(l);
	check_lists(l);
	if (l->good)
		doctor_ok(l->d, "keys may log in by sshd to %s", l->who);
	return !l->hangs;
}

static void
check_accounts(struct login *l)
{
	struct pack accounts;
	unsigned n = 0, asked = 0;
	bool answers = !l->hangs;

	doctor_shared_accounts(l->d, &accounts);
	strv_for (pack_borrow_strv(&accounts), account)
		if (n++ < ACCOUNTS_MAX && answers && text_is_key_name(account)) {
			answers = check_account(l, account);
			asked++;
		}
	if (!answers && asked < n)
		doctor_note(l->d, "see why the name service hangs, then ask again",
		    "sshd was asked about %u of %u shared accounts: a program did not answer",
		    asked, n);
	else if (n > ACCOUNTS_MAX)
		doctor_note(l->d, "ask 'sshd -T -C user=NAME' about the others",
		    "roles open %u shared accounts, and sshd was asked about %u of them", n,
		    ACCOUNTS_MAX);
	if (accounts.err != AK_OK)
		l->d->err = accounts.err;
	pack_clear(&accounts);
}

/* sshd -T: would sshd let a key type its token, and each account that a role opens, and what may they do beside? */
void
doctor_sshd(struct doctor *d)
{
	struct doctor_key key = {.name = ""};
	struct login *l;

	if (!doctor_is_there(d, "/usr/sbin/sshd")) {
		doctor_ok(d, "no sshd here");
		return;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		d->err = AK_ERR_NOMEM;
		return;
	}
	if (doctor_a_key(d, &key) != AK_OK)
		key.name[0] = '\0';
	*l = (struct login){.d = d, .name = key.name, .good = true};
	(void)snprintf(
	    l->who, sizeof(l->who), key.name[0] == '\0' ? "keys" : "the key %s", key.name);
	(void)snprintf(l->match, sizeof(l->match), "Group %s", d->live.settings.keys_group);
	if (ask(l, d->live.settings.keys_group)) {
		find_reload(d, &l->conf, l->reload, sizeof(l->reload));
		l->by_address = sshdconf_shape(d).by_address;
		check_keys(l);
		check_accounts(l);
	} else {
		tell_failure(d, &l->conf);
	}
	free(l);
}
