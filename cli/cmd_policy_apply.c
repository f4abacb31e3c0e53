#include <stdlib.h>
#include <string.h>

#include "applied.h"
#include "audit.h"
#include "change.h"
#include "gains.h"
#include "policysessions.h"
#include "policytest.h"
#include "safefile.h"
#include "verbs.h"
#include "yamltree.h"

/* A policy on its way to be the live one. */
struct application {
	struct cli *c;
	const struct args *a;
	const char *how; /* apply, rollback */
	enum ak_err (*replace)(const struct paths *p, struct live *l, const char *bytes,
	    size_t len_b, struct image **im, struct diag *why);
	struct policyfile file; /* with its image, for gains and messages */
	struct change ch;
	struct gains gains;
	struct out_json *json; /* NULL: for people */
	struct pack opened; /* shared accounts that were closed to keys */
	char was[TOKEN_SHA256_CAP], sha256[TOKEN_SHA256_CAP]; /* was: before; "" none */
	bool dry_run, same, replaced, noted;
	bool leave; /* live sessions on the policy before */
};

/* Which accounts do roles open that no role opened before? Not `*`: sshd has better words for that. */
static void
find_opened(struct application *ap, const struct image *before)
{
	const struct image *im = ap->file.image;

	for (uint32_t i = 0; i < image_count_roles(im); i++)
		strv_for (image_role(im, i).accounts, glob) {
			bool had = strcmp(glob, "*") == 0 ||
				   strv_has(pack_borrow_strv(&ap->opened), glob);

			for (uint32_t k = 0; before != NULL && k < image_count_roles(before);
			     k++)
				had = had || strv_has(image_role(before, k).accounts, glob);
			if (!had)
				pack_entry(&ap->opened, glob);
		}
}

static enum ak_err
find_changes(struct application *ap, const struct live *live)
{
	enum ak_err err = gains_find(
	    ap->c, live, live->image, ap->file.image, ap->json, &ap->gains, &ap->ch.why);

	find_opened(ap, live->image);
	return err == AK_OK ? ap->opened.err : err;
}

/* The tests: what fails is told, and the policy with it. */
static enum ak_err
run_tests(struct application *ap)
{
	struct policytest t = {.f = ap->c->err, .failures_alone = true};
	enum ak_err err = policytest_run(&t, &ap->file, &ap->ch.why);

	if (err != AK_OK || t.failed == 0)
		return err;
	return diag_say(&ap->ch.why, AK_ERR_DENIED, ap->file.name, 0, 0,
	    "%u of %u tests fail: the live policy stays as it is", t.failed,
	    t.failed + t.passed);
}

/* Before the lock is taken: most policies that are refused are refused here. */
static enum ak_err
prepare(struct application *ap, bool tests)
{
	struct live live;
	enum ak_err err;

	live_load(&ap->c->paths, &live);
	if ((err = policyfile_need_settings(&live, &ap->ch.why)) == AK_OK &&
	    (err = policyfile_compile(ap->c, &live.settings, &ap->file, &ap->ch.why)) == AK_OK &&
	    tests)
		err = run_tests(ap);
	if (err == AK_OK)
		err = token_sha256(ap->file.bytes, ap->file.len_b, ap->sha256);
	if (err == AK_OK && ap->dry_run)
		err = find_changes(ap, &live);
	if (err == AK_OK && ap->dry_run && !ap->leave)
		err =
		    policysessions_foresee(ap->c, ap->file.image, &ap->ch.endings, &ap->ch.why);
	live_clear(&live);
	return err;
}

/* Its digest too, for the audit log. */
static bool
is_live_text(struct application *ap)
{
	const struct paths *p = &ap->c->paths;
	struct safefile file;
	bool same;

	if (safefile_read(p->policy, p->owner, YAML_MAX_B, &file, NULL) != AK_OK)
		return false;
	if (token_sha256(file.bytes, file.len_b, ap->was) != AK_OK)
		ap->was[0] = '\0';
	same =
	    file.len_b == ap->file.len_b && memcmp(file.bytes, ap->file.bytes, file.len_b) == 0;
	free(file.bytes);
	return same;
}

/* The policy as it will be read: by its own name, and with the settings of now. */
static enum ak_err
check_whole(struct application *ap, struct image **im)
{
	struct change *ch = &ap->ch;
	struct image *old = ch->live.image;
	enum ak_err err;

	if ((err = policyfile_need_settings(&ch->live, &ch->why)) != AK_OK)
		return err;
	err = live_compile(&ap->c->paths, &ch->live.settings, ap->file.bytes, ap->file.len_b,
	    ap->c->paths.policy, im, &ch->why);
	if (err != AK_OK)
		return err == AK_ERR_INVALID ? AK_ERR_DENIED : err;
	ch->live.image = *im;
	err = publish_check(ch->store, &ch->live, &ch->why);
	ch->live.image = old;
	return err;
}

static enum ak_err
record(const struct application *ap)
{
	const struct cli_host *host = &ap->c->host;
	struct applied r = {.at = ap->ch.now};

	memcpy(r.sha256, ap->sha256, sizeof(r.sha256));
	(void)snprintf(r.how, sizeof(r.how), "%s", ap->how);
	host->who(host->ctx, r.by, sizeof(r.by));
	return applied_write(&ap->c->paths, &r, NULL);
}

/* No line takes a whole digest for anything but a secret (audit.h): its first digits do. */
static void
add_digest(struct audit *line, const char *name, const char *sha256)
{
	char begin[17];

	(void)snprintf(begin, sizeof(begin), "%.16s", sha256);
	audit_add(line, name, begin);
}

/* Where a command was killed behind the policy, the next one that asks for the same writes it down. */
static void
note_applied(struct application *ap)
{
	struct applied r;

	if (!ap->replaced && applied_find(&ap->c->paths, ap->sha256, &r) == AK_OK)
		return;
	ap->noted = true;
	if (record(ap) != AK_OK)
		cli_warn(ap->c, "who applied this policy could not be written down");
}

static void
log_applied(const struct application *ap)
{
	struct audit line;

	audit_start(
	    &line, strcmp(ap->how, "apply") == 0 ? "policy-applied" : "policy-rolled-back");
	add_digest(&line, "sha256_before", ap->was);
	add_digest(&line, "sha256", ap->sha256);
	audit_add_number(&line, "changed_keys", ap->gains.changed);
	cli_log_who(ap->c, &line);
	cli_log(ap->c, line.line);
}

static enum ak_err
leave_sessions(struct application *ap)
{
	struct change *ch = &ap->ch;

	if (ch->live.image == NULL)
		return diag_because(&ch->why, AK_ERR_DENIED,
		    "there is no valid policy that live sessions could be left on: leave out "
		    "--sessions=none");
	return policysessions_keep(ap->c, ch->live.image, &ch->why);
}

/* Under the lock, from the last look to the published groups. */
static enum ak_err
go_live(struct application *ap)
{
	struct change *ch = &ap->ch;
	struct image *im = NULL;
	enum ak_err err;

	if ((err = change_begin(ch, NULL, NULL)) != AK_OK ||
	    (err = check_whole(ap, &im)) != AK_OK ||
	    (err = find_changes(ap, &ch->live)) != AK_OK)
		goto out;
	ap->same = is_live_text(ap);
	if (!ap->same && ap->leave && (err = leave_sessions(ap)) != AK_OK)
		goto out;
	if (!ap->same) {
		change_come_first(ch);
		err = ap->replace(
		    &ap->c->paths, &ch->live, ap->file.bytes, ap->file.len_b, &im, &ch->why);
		if (err != AK_OK)
			goto out;
		ap->replaced = true;
	}
	note_applied(ap);
	err = change_commit(ch);
	if (ap->noted)
		log_applied(ap);
	if (ap->replaced && err != AK_OK)
		cli_warn(ap->c,
		    "the policy is live, and its groups are not published: run `apikey "
		    "publish`");
	change_enforce(ch, CHANGE_EVERYBODY);
out:
	image_free(&im);
	return err;
}

static void
print_opened(const struct application *ap)
{
	if (ap->opened.len_b == 0)
		return;
	(void)fprintf(ap->c->out, "\nfor sshd_config, where passwords are off:\n");
	strv_for (pack_borrow_strv(&ap->opened), account) {
		(void)fprintf(
		    ap->c->out, "Match User %s\n    PasswordAuthentication yes\n", account);
	}
}

/* Those that ended: `policy apply --dry-run` tells those that would. */
static enum ak_err
print_sessions(const struct application *ap)
{
	static const char *const would[] = {
	    "SESSION", "KEY", "ACCOUNT", "SERVICE", "FROM", "WOULD END", NULL};
	static const char *const were[] = {
	    "SESSION", "KEY", "ACCOUNT", "SERVICE", "FROM", "ENDED", NULL};
	const struct endings *e = &ap->ch.endings;
	struct out_table t = out_table_init(ap->dry_run ? would : were, 0);
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < e->n; i++) {
		out_cell(&t, e->v[i].id);
		out_cell(&t, e->v[i].key);
		out_cell(&t, e->v[i].account);
		out_cell(&t, e->v[i].service);
		out_cell(&t, e->v[i].address);
		out_cell(&t, e->v[i].why);
	}
	if (e->n > 0)
		err = out_table_print(&t, ap->c->out);
	out_table_clear(&t);
	return err;
}

static void
print_outcome(const struct application *ap)
{
	FILE *f = ap->c->out;

	(void)fprintf(
	    f, "%u of %u keys gain or lose something\n", ap->gains.changed, ap->gains.keys);
	if (ap->dry_run)
		(void)fprintf(f, "%s: in order, and nothing was changed\n", ap->file.name);
	else if (ap->same)
		(void)fprintf(f, "%s: nothing to change\n", ap->c->paths.policy);
	else
		(void)fprintf(f,
		    "%s: is live now; `apikey policy rollback` puts back the one before it\n",
		    ap->c->paths.policy);
}

static enum ak_err
answer(struct application *ap)
{
	struct out_json *j = ap->json;
	char said[DIAG_PRINT_CAP];
	enum ak_err err;

	if (ap->gains.lost.text[0] != '\0')
		cli_warn(ap->c, "%s", diag_print(&ap->gains.lost, said, sizeof(said)));
	if (j == NULL) {
		if (ap->gains.changed > 0 &&
		    (err = out_table_print(&ap->gains.table, ap->c->out)) != AK_OK)
			return err;
		if ((err = print_sessions(ap)) != AK_OK)
			return err;
		print_outcome(ap);
		print_opened(ap);
		return AK_OK;
	}
	out_text(j, "file", ap->file.name);
	out_text(j, "sha256", ap->sha256);
	out_bool(j, "dry_run", ap->dry_run);
	out_bool(j, "changed", ap->replaced);
	out_number(j, "keys", ap->gains.keys);
	out_number(j, "changed_keys", ap->gains.changed);
	out_strv(j, "opens_accounts", pack_borrow_strv(&ap->opened));
	out_number(j, "sessions_ended", ap->dry_run ? 0 : (int64_t)ap->ch.endings.n);
	endings_json(j, &ap->ch.endings);
	return out_json_print(&ap->json, OUT_INDENTED, ap->c->out);
}

static enum ak_err
parse(struct application *ap)
{
	const char *sessions = args_value(ap->a, ARG_SESSIONS);

	ap->leave = sessions != NULL && strcmp(sessions, "none") == 0;
	if (sessions == NULL || ap->leave || strcmp(sessions, "recheck") == 0)
		return AK_OK;
	return diag_because(&ap->ch.why, AK_ERR_INVALID,
	    "--sessions is recheck or none, not `%.40s'", cli_shown(sessions));
}

static int
apply(struct application *ap, bool tests, enum ak_err err)
{
	int code;

	if (err == AK_OK)
		err = parse(ap);
	ap->dry_run = args_has(ap->a, ARG_DRY_RUN);
	if (ap->a->output == OUTPUT_JSON) {
		/* Without one it would be an answer for people. */
		if ((ap->json = out_json_new()) == NULL && err == AK_OK)
			err = AK_ERR_NOMEM;
		out_object(ap->json, NULL);
	}
	if (err == AK_OK && (err = prepare(ap, tests)) == AK_OK && !ap->dry_run)
		err = go_live(ap);
	if (err == AK_OK)
		err = answer(ap);
	code = change_end(&ap->ch, err, CLI_DONE);
	out_json_free(&ap->json);
	gains_clear(&ap->gains);
	pack_clear(&ap->opened);
	policyfile_clear(&ap->file);
	return code;
}

int
cmd_policy_apply(struct cli *c, const struct args *a)
{
	struct application ap = {
	    .c = c, .a = a, .how = "apply", .replace = live_replace_policy, .ch = CHANGE_INIT(c)};

	return apply(&ap, true, policyfile_read(c, a->operands[0], &ap.file, &ap.ch.why));
}

/* What was live once may go live again, whatever its tests have come to: they are not run for an edit in place either. */
int
cmd_policy_rollback(struct cli *c, const struct args *a)
{
	struct application ap = {
	    .c = c, .a = a, .how = "rollback", .replace = live_swap_policy, .ch = CHANGE_INIT(c)};
	struct safefile prev = {.bytes = NULL};
	char path[PATH_CAP + 8];
	enum ak_err err = live_previous_path(&c->paths, path);

	if (err == AK_OK)
		err = safefile_read(path, c->paths.owner, YAML_MAX_B, &prev, &ap.ch.why);
	if (err == AK_ERR_NOT_FOUND) {
		ap.ch.why = DIAG_INIT;
		(void)diag_because(&ap.ch.why, err,
		    "there is no policy to go back to: none was replaced by `apikey policy "
		    "apply`");
	}
	ap.file = (struct policyfile){.name = path, .bytes = prev.bytes, .len_b = prev.len_b};
	return apply(&ap, false, err);
}
