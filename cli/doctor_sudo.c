#include <stdlib.h>
#include <string.h>

#include "doctor_checks.h"
#include "doctor_ask.h"
#include "sudoers.h"

#define OWN_FILE "/etc/sudoers.d/zz-apikey"

/* What a setting must not be for keys, and what it means when it is. */
struct rule {
	const char *name;
	bool flag, bad; /* flag: this value is the bad one; else every value but those two is */
	const char *fit[2];
	enum doctor_state state;
	const char *means;
	const char *mend; /* for keys alone */
};

static const struct rule rules[] = {
    {"rootpw", true, true, {NULL}, DOCTOR_ATTENTION,
	"sudo asks for root's password, so no key's token opens it, and a key that knows it "
	"passes where the PAM line is missing",
	"!rootpw"},
    {"targetpw", true, true, {NULL}, DOCTOR_ATTENTION,
	"sudo asks for the target's password, so no key's token opens it, and a key that knows "
	"it passes where the PAM line is missing",
	"!targetpw"},
    {"runaspw", true, true, {NULL}, DOCTOR_ATTENTION,
	"sudo asks for another user's password, so no key's token opens it, and a key that "
	"knows it passes where the PAM line is missing",
	"!runaspw"},
    {"pam_acct_mgmt", true, false, {NULL}, DOCTOR_ATTENTION,
	"sudo does not ask whether a key is still good: a revoked one keeps sudo while it has "
	"a process",
	"pam_acct_mgmt"},
    {"authenticate", true, false, {NULL}, DOCTOR_NOTE,
	"sudo asks keys for no token: whoever gets into a session has what its roles have",
	"authenticate"},
    {"pam_service", false, false, {"sudo", "sudo-i"}, DOCTOR_ATTENTION,
	"PAM is asked as another service, which is not taken for sudo", "pam_service=sudo"},
    {"pam_login_service", false, false, {"sudo-i", "sudo"}, DOCTOR_ATTENTION,
	"PAM is asked as another service by `sudo -i', which is not taken for sudo",
	"pam_login_service=sudo-i"},
    {"pam_askpass_service", false, false, {"sudo", "sudo-i"}, DOCTOR_ATTENTION,
	"PAM is asked as another service by `sudo -A', which is not taken for sudo",
	"pam_askpass_service=sudo"},
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

struct search {
	struct doctor *d;
	/* Of each rule the last setting that is for keys; line 0: none, so all is well. */
	struct {
		bool bad;
		enum sudoers_scope scope;
		char file[PATH_CAP];
		unsigned line;
	} last[N_RULES];
	bool good;
};

/* All keys are in it. */
static bool
is_every_key(void *ctx, const char *word)
{
	const struct doctor *d = ctx;

	return strcmp(word, "ALL") == 0 ||
	       (word[0] == '%' && strcmp(word + 1, d->live.settings.keys_group) == 0);
}

/*
 * May a key be meant? Not by the name of a local user, or of a local group that
 * keys have no part in; an alias, an id, a netgroup and what is excluded may
 * mean anybody.
 */
static bool
may_be_a_key(void *ctx, const char *word)
{
	const struct doctor *d = ctx;
	const struct image *im = d->live.image;
	struct doctor_account person;

	if (is_every_key(ctx, word))
		return true;
	if (word[0] != '%')
		return doctor_account(d, word, &person) != AK_OK;
	for (uint32_t i = 0; im != NULL && i < image_count_roles(im); i++)
		if (strv_has(image_role(im, i).unix_groups, word + 1))
			return true;
	return im == NULL || strchr("#:\"", word[1]) != NULL;
}

/* Is the setting the rule's? Then whether its value is bad. */
static bool
reads(const struct rule *rule, const char *setting, bool *bad)
{
	size_t len = strlen(rule->name);
	bool negated = setting[0] == '!';
	char value[64];

	setting += negated;
	if (strncmp(setting, rule->name, len) != 0)
		return false;
	setting += len;
	if (rule->flag) {
		*bad = negated != rule->bad;
		return *setting == '\0';
	}
	setting += strspn(setting, " \t");
	if (*setting != '=')
		return false;
	setting += 1 + strspn(setting + 1, " \t\"");
	(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(setting, " \t\""), setting);
	*bad = strcmp(value, rule->fit[0]) != 0 && strcmp(value, rule->fit[1]) != 0;
	return true;
}

/* What is well for some keys, some hosts and some commands alone mends nothing for the others. */
static bool
is_for_all(struct search *s, enum sudoers_scope scope, const char *users, size_t rule)
{
	enum sudoers_scope was = s->last[rule].scope;

	/* Those come behind all others, wherever they stand. */
	if (s->last[rule].bad && (was == SUDOERS_COMMANDS || was == SUDOERS_RUNAS))
		return false;
	return scope == SUDOERS_EVERYBODY ||
	       (scope == SUDOERS_USERS && strchr(users, '!') == NULL &&
		   sudoers_list_any(users, is_every_key, s->d));
}

static void
take_setting(void *ctx, const struct sudoers_line *l, enum sudoers_scope scope,
    const char *users, const char *setting)
{
	struct search *s = ctx;
	bool bad;

	if (scope == SUDOERS_USERS && !sudoers_list_any(users, may_be_a_key, s->d))
		return;
	for (size_t i = 0; i < N_RULES; i++) {
		if (!reads(&rules[i], setting, &bad) ||
		    (!bad && !is_for_all(s, scope, users, i)))
			continue;
		s->last[i].bad = bad;
		s->last[i].scope = scope;
		s->last[i].line = l->line;
		memcpy(s->last[i].file, l->file, sizeof(l->file));
	}
}

/* sudoers alone says what its groups may do, so a role that is root's without saying so is told. */
static void
take_grant(struct search *s, const struct sudoers_line *l)
{
	const struct image *im = s->d->live.image;

	if (sudoers_gives_all(l, s->d->live.settings.keys_group)) {
		s->good = false;
		doctor_note(s->d, "name the group of a role in its place",
		    "%s:%u: every key may do all that root may", l->file, l->line);
	}
	for (uint32_t i = 0; im != NULL && i < image_count_roles(im); i++) {
		struct image_role role = image_role(im, i);

		strv_for (role.unix_groups, group) {
			if (role.root_equivalent || !sudoers_gives_all(l, group))
				continue;
			s->good = false;
			doctor_note(s->d, "",
			    "%s:%u: the group %s may do all that root may, and so may the role "
			    "%s",
			    l->file, l->line, group, role.name);
			doctor_advise(s->d,
			    "say root_equivalent: true in the role, at %s:%u, or name commands "
			    "in sudoers",
			    s->d->c->paths.policy, role.line);
		}
	}
}

static void
take_line(void *ctx, const struct sudoers_line *l)
{
	struct search *s = ctx;

	if (!sudoers_settings(l, take_setting, s))
		take_grant(s, l);
}

/*
 * What is for keys comes behind what is for everybody; but what is for commands
 * and targets comes last of all. sudo reads no file whose name has a dot, so
 * that one gets its name when visudo has nothing against it.
 */
static void
advise(struct search *s, size_t i)
{
	const char *group = s->d->live.settings.keys_group;

	if (s->last[i].scope == SUDOERS_COMMANDS || s->last[i].scope == SUDOERS_RUNAS)
		doctor_advise(s->d, "take %s out of line %u of %s with visudo", rules[i].name,
		    s->last[i].line, s->last[i].file);
	else if (!sudoers_has_folder(s->d))
		doctor_advise(s->d,
		    "put the line 'Defaults:%%%s %s' at the end of /etc/sudoers with visudo",
		    group, rules[i].mend);
	else
		doctor_advise(s->d,
		    "(cat " OWN_FILE " 2>/dev/null; printf '\\nDefaults:%%%%%s %s\\n') "
		    ">" OWN_FILE ".new && visudo -c -q -f " OWN_FILE
		    ".new && chmod 440 " OWN_FILE ".new && mv " OWN_FILE ".new " OWN_FILE,
		    group, rules[i].mend);
}

static void
tell_settings(struct search *s)
{
	for (size_t i = 0; i < N_RULES; i++) {
		const char *sign = rules[i].flag && !rules[i].bad ? "!" : "";

		if (!s->last[i].bad)
			continue;
		s->good = false;
		if (rules[i].state == DOCTOR_NOTE)
			doctor_note(s->d, "", "%s:%u: %s%s: %s", s->last[i].file,
			    s->last[i].line, sign, rules[i].name, rules[i].means);
		else
			doctor_attend(s->d, "", "%s:%u: %s%s: %s", s->last[i].file,
			    s->last[i].line, sign, rules[i].name, rules[i].means);
		advise(s, i);
	}
}

/* The first line that is no praise. */
static void
tell_syntax(struct search *s)
{
	char sh[] = "/bin/sh", c[] = "-c", run[] = "exec \"$0\" \"$@\" 2>&1";
	/* With -f it does not ask for modes that sudo does not ask for. */
	char visudo[] = "/usr/sbin/visudo", check[] = "-c", f[] = "-f", file[] = "/etc/sudoers";
	char *argv[] = {sh, c, run, visudo, check, f, file, NULL}, out[4096], *at = out, *line;

	if (!doctor_is_there(s->d, visudo) || doctor_tool(s->d, argv, out, sizeof(out)) == 0)
		return;
	while ((line = doctor_line(&at)) != NULL && strstr(line, "parsed OK") != NULL)
		continue;
	s->good = false;
	doctor_attend(s->d, "mend the line with visudo, and run 'visudo -c'",
	    "sudoers is not in order: %s", line == NULL ? "visudo -c fails" : line);
}

/* sudoers(5): does sudo ask a key for its own token, and always whether it is still good; and which roles are root's? */
void
doctor_sudo(struct doctor *d)
{
	struct search *s;
	enum ak_err err;

	if (!doctor_is_there(d, "/usr/bin/sudo")) {
		doctor_ok(d, "no sudo here");
		return;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		d->err = AK_ERR_NOMEM;
		return;
	}
	s->d = d;
	s->good = true;
	if ((err = sudoers_each(d, take_line, s)) != AK_OK)
		doctor_attend(d, "apt-get install --reinstall sudo",
		    "sudoers can't be read: %s", ak_strerror(err));
	else
		tell_syntax(s);
	tell_settings(s);
	if (err == AK_OK && s->good)
		doctor_ok(d, "sudo asks a key for its token, and whether it is still good");
	free(s);
}
