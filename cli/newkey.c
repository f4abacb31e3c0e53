#include "newkey.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "answer.h"
#include "eval.h"
#include "home.h"
#include "localname.h"
#include "rotation.h"
#include "text.h"

/* A key in the making. */
struct newkey {
	struct key key;
	struct token tok;
	bool has_token; /* none when a verifier was given */
	char home[PATH_CAP], who[64];
};

/* A look-up of a key that there must not be: failed. */
static enum ak_err
say_failed(struct change *ch, enum ak_err err)
{
	if (err == AK_ERR_NOT_FOUND)
		return AK_OK;
	if (ch->directory)
		return err;
	return diag_say(&ch->why, err, ch->cli->paths.local, 0, 0, "%s", ak_strerror(err));
}

static enum ak_err
check_free(struct change *ch, const char *name)
{
	struct key k;
	enum ak_err err = change_find_name(ch, name, &k);

	if (err == AK_OK) {
		key_clear(&k);
		return diag_because(&ch->why, AK_ERR_EXISTS,
		    "there is a key %s already: see `apikey show %s%s`", name, name,
		    change_options_text(ch));
	}
	if ((err = say_failed(ch, err)) != AK_OK)
		return err;
	if ((err = change_find_elsewhere(ch, name, &k)) == AK_OK) {
		key_clear(&k);
		return diag_because(&ch->why, AK_ERR_EXISTS,
		    ch->directory ? "this host has a key %s of its own: choose another name"
				  : "there is a key %s in the directory: add --in directory to "
				    "change it, or choose another name",
		    name);
	}
	if (err != AK_ERR_NOT_FOUND)
		return err;
	return localname_check(ch->cli, &ch->live, name, &ch->why);
}

/* Another key's id would make two keys of one token. */
static enum ak_err
check_id(struct change *ch, const char *id)
{
	struct key k;
	enum ak_err err = change_find_id(ch, id, &k);

	if (err == AK_ERR_NOT_FOUND)
		err = change_find_elsewhere(ch, id, &k);
	if (err == AK_ERR_NOT_FOUND)
		return change_check_id(ch, id);
	if (err != AK_OK)
		return say_failed(ch, err);
	(void)diag_because(&ch->why, AK_ERR_EXISTS,
	    "id %s is the key %s's: make a token with another id", id, k.rec.name);
	key_clear(&k);
	return AK_ERR_EXISTS;
}

/* A token with an id that no key has; by chance alone none is taken. */
static enum ak_err
make_token(struct change *ch, struct token *tok)
{
	enum ak_err err;

	for (int i = 0; i < 8; i++) {
		if ((err = token_new(NULL, tok)) != AK_OK)
			return diag_because(&ch->why, err, "no randomness for a token");
		if ((err = check_id(ch, tok->id)) != AK_ERR_EXISTS)
			return err;
		ch->why = DIAG_INIT;
	}
	return diag_because(&ch->why, AK_ERR_FULL, "no id was free");
}

static enum ak_err
give_secret(struct change *ch, const struct keyopts *o, struct newkey *nk)
{
	struct verifier v = o->verifier;
	enum ak_err err = AK_OK;

	if (o->has_verifier) {
		err = check_id(ch, v.id);
	} else if ((err = make_token(ch, &nk->tok)) == AK_OK) {
		nk->has_token = true;
		if ((err = token_make_verifier(&nk->tok, &v)) != AK_OK)
			(void)diag_because(&ch->why, err, "the token could not be digested");
	}
	if (err == AK_OK)
		err = rotation_add(&nk->key.rec, &v, ch->now, 0);
	if (err == AK_OK)
		err = text_copy(nk->key.rec.id, sizeof(nk->key.rec.id), v.id);
	explicit_bzero(&v, sizeof(v));
	return err;
}

/* What the host gives where no option did. */
static enum ak_err
give_defaults(struct change *ch, const struct keyopts *o, struct newkey *nk)
{
	const struct settings *s = &ch->live.settings;
	struct key_record *k = &nk->key.rec;

	if (o->home == NULL) {
		if (settings_expand(s->home, k, nk->home, sizeof(nk->home)) != AK_OK)
			return diag_because(&ch->why, AK_ERR_DENIED,
			    "home in %s makes too long a path for %s", ch->cli->paths.config,
			    k->name);
		k->home = nk->home;
	}
	if (o->shell == NULL) {
		k->shell = s->shell;
		return keyopts_check_shell(s->shell, &ch->why);
	}
	return AK_OK;
}

static enum ak_err
check_lifetime(struct change *ch, const struct keyopts *o, const struct key_record *k)
{
	int64_t max_s = ch->live.settings.max_duration_s;
	char max[NUM_TIME_CAP];

	if (!o->has_duration && max_s != NUM_NEVER)
		return diag_because(&ch->why, AK_ERR_DENIED,
		    "keys of this host must expire: give --duration, at most %s",
		    keyopts_print_duration(max_s, max));
	if (k->not_before >= k->expires_at)
		return diag_because(&ch->why, AK_ERR_DENIED,
		    "the key would expire before it is valid: give a later end or an earlier "
		    "--not-before");
	return AK_OK;
}

static enum ak_err
check_settings(struct change *ch)
{
	const struct diag *p = &ch->live.problem;

	if (ch->live.settings_ok)
		return AK_OK;
	return diag_say(&ch->why, AK_ERR_UNAVAILABLE,
	    p->file[0] == '\0' ? ch->cli->paths.config : p->file, p->line, p->col,
	    "%s (no key is made until that is mended)",
	    p->text[0] == '\0' ? "cannot be used" : p->text);
}

static enum ak_err
stage(struct change *ch, const char *name, const struct keyopts *o, struct newkey *nk)
{
	const struct cli_host *host = &ch->cli->host;
	struct key_record *k = &nk->key.rec;
	enum ak_err err;

	if ((err = check_free(ch, name)) != AK_OK || (err = check_settings(ch)) != AK_OK ||
	    (err = change_check_options(ch, o)) != AK_OK ||
	    (err = text_copy(k->name, sizeof(k->name), name)) != AK_OK)
		return err;
	host->who(host->ctx, nk->who, sizeof(nk->who));
	k->state = KEY_ACTIVE;
	k->created_at = ch->now;
	k->created_by = nk->who;
	(void)keyopts_apply(o, ch->now, k);
	if ((err = check_lifetime(ch, o, k)) != AK_OK ||
	    (err = give_secret(ch, o, nk)) != AK_OK ||
	    (err = change_give_uid(ch, o->has_uid ? o->uid : 0, &k->uid)) != AK_OK ||
	    (err = give_defaults(ch, o, nk)) != AK_OK)
		return err;
	return change_put(ch, k, "key-created");
}

/* The key is made; a home that could not be is said, and no reason to hide the token. */
int
newkey_make_home(struct change *ch, const struct key_record *k)
{
	struct diag why = DIAG_INIT;
	enum ak_err err;
	char buf[sizeof(why.file) + sizeof(why.text) + 32];

	/* A key of the directory gets one on each host, by pam_mkhomedir(8). */
	if (ch->directory || !ch->live.settings.create_home)
		return CLI_DONE;
	err = home_make(k->home, ch->cli->host.skel, k->uid, ch->cli->paths.owner, &why);
	if (err == AK_OK)
		return CLI_DONE;
	cli_warn(ch->cli, "%s", diag_print(&why, buf, sizeof(buf)));
	return err == AK_ERR_EXISTS ? CLI_DONE : CLI_FAILED;
}

bool
newkey_is_usual_home(const struct change *ch, const struct key_record *k)
{
	char usual[PATH_CAP];

	return settings_expand(ch->live.settings.home, k, usual, sizeof(usual)) == AK_OK &&
	       strcmp(usual, k->home) == 0;
}

void
newkey_make_missing_home(struct change *ch, const struct key_record *k)
{
	struct stat st;

	if (ch->directory || k->state != KEY_ACTIVE || k->expires_at <= ch->now ||
	    !newkey_is_usual_home(ch, k) || lstat(k->home, &st) == 0 || errno != ENOENT)
		return;
	(void)newkey_make_home(ch, k);
}

/* From a binding, a group or a grant, whatever the hour and the address; groups may yet come from elsewhere. */
static bool
may_hold_a_role(const struct change *ch, const struct key_record *k)
{
	struct policy_result res = POLICY_RESULT_INIT;
	struct policy_request req = {.login = k->name,
	    .bindings = k->bindings,
	    .groups = k->groups,
	    .hosts = ch->live.hosts,
	    .space = ch->live.settings.space,
	    .directory_key = ch->directory,
	    .favour = true};
	bool holds = k->bindings.len_b > 0 || k->groups.len_b > 0;

	if (holds || ch->live.image == NULL)
		return holds;
	(void)!policy_eval(ch->live.image, &req, NULL, &res);
	holds = res.n_held > 0;
	policy_result_clear(&res);
	return holds;
}

static void
warn(const struct change *ch, const struct key_record *k)
{
	const struct cli *c = ch->cli;

	if (k->expires_at == NUM_NEVER)
		cli_warn(c,
		    "%s never expires, which is not recommended: see `apikey set %s --duration "
		    "30d%s`",
		    k->name, k->name, change_options_text(ch));
	if (!may_hold_a_role(ch, k))
		cli_warn(c, "%s can't log in yet: give it a role by `apikey role add %s ROLE%s`",
		    k->name, k->name, change_options_text(ch));
	if (k->bindings.len_b > 0)
		change_warn_bound(ch);
}

static int
finish(struct change *ch, const struct args *a, const struct newkey *nk)
{
	const struct key_record *k = &nk->key.rec;
	int home, answer;

	home = newkey_make_home(ch, k);
	answer = (int)answer_token(ch->cli, a, &nk->key, nk->has_token ? &nk->tok : NULL,
	    ch->now, change_outcome(ch, k, true));
	return answer != CLI_DONE ? answer : home;
}

enum ak_err
newkey_make(struct change *ch, const struct args *a, const char *name, const struct keyopts *o,
    int *code)
{
	struct newkey nk = {
	    .key = {.rec = KEY_RECORD_INIT, .directory = ch->directory}, .tok = TOKEN_INIT};
	enum ak_err err;

	if ((err = stage(ch, name, o, &nk)) == AK_OK && (err = change_publish(ch)) == AK_OK)
		warn(ch, &nk.key.rec);
	if (change_has_written(ch, &nk.key.rec))
		*code = finish(ch, a, &nk);
	key_record_clear(&nk.key.rec);
	token_clear(&nk.tok);
	return err;
}
