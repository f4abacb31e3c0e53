#include <stdlib.h>
#include <string.h>

#include "applied.h"
#include "audit.h"
#include "change.h"
#include "gains.h"
#include "opened.h"
#include "policysessions.h"
#include "policytest.h"
#include "rollback.h"
#include "safefile.h"
#include "text.h"
#include "verbs.h"
#include "yamltree.h"

/* A policy on its way to be the live one. */
struct application {
	struct cli *c;
	const struct args *a;
	const char *how; /* apply, rollback */
	struct policyfile file; /* with its image, for gains and messages */
	const struct rollback *back; /* NULL: it is no rollback */
	struct change ch;
	struct gains gains;
	struct out_json *json; /* NULL: for people */
	struct pack opened; /* shared accounts that were closed to keys */
	char was[TOKEN_SHA256_CAP], sha256[TOKEN_SHA256_CAP]; /* was: before; "" none */
	bool finish; /* an earlier rollback, which was interrupted, and nothing else */
	bool dry_run, same, replaced, noted;
	bool leave; /* live sessions on the policy before */
};

static enum ak_err
find_changes(struct application *ap, const struct live *live)
{
	char said[DIAG_PRINT_CAP];
	enum ak_err err;

	/* Beside none, all that the new one gives would be news. */
	if (live_is_lost(live))
		return diag_because(&ap->ch.why, live->err,
		    "what changes can't be told, since the live policy can't be read: %s; "
		    "nothing was changed",
		    diag_print(&live->problem, said, sizeof(said)));
	err = gains_find(
	    ap->c, live, live->image, ap->file.image, ap->json, &ap->gains, &ap->ch.why);
	opened_find(live->image, ap->file.image, &ap->opened);
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

static void
record(const struct application *ap, const char *how)
{
	const struct cli_host *host = &ap->c->host;
	struct applied r = {.at = ap->ch.now};

	memcpy(r.sha256, ap->sha256, sizeof(r.sha256));
	(void)snprintf(r.how, sizeof(r.how), "%s", how);
	host->who(host->ctx, r.by, sizeof(r.by));
	if (applied_write(&ap->c->paths, &r, NULL) != AK_OK)
		cli_warn(ap->c, "who applied this policy could not be written down");
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
static bool
is_news(const struct application *ap)
{
	struct applied r;

	return ap->replaced || ap->finish ||
	       applied_find(&ap->c->paths, ap->sha256, &r) != AK_OK;
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

/* What a rollback puts back, and whether it may, was looked at before the lock was had. */
static enum ak_err
look_again(struct application *ap)
{
	enum ak_err err;

	if (ap->back != NULL && (err = rollback_check(ap->c, ap->back, &ap->ch.why)) != AK_OK)
		return err;
	ap->same = is_live_text(ap);
	if (ap->finish) {
		(void)!text_copy(ap->was, sizeof(ap->was), ap->back->prev_sha256);
		(void)!text_copy(ap->sha256, sizeof(ap->sha256), ap->back->live_sha256);
	}
	return AK_OK;
}

/* For a rollback that is interrupted from here on the next one knows it by the record. */
static enum ak_err
replace(struct application *ap, struct image **im)
{
	struct change *ch = &ap->ch;
	enum ak_err err;

	if ((err = check_whole(ap, im)) != AK_OK || (err = find_changes(ap, &ch->live)) != AK_OK)
		return err;
	if (ap->same)
		return AK_OK;
	if (ap->leave && (err = leave_sessions(ap)) != AK_OK)
		return err;
	change_come_first(ch);
	if (ap->back != NULL)
		record(ap, APPLIED_BEGUN);
	err = (ap->back != NULL ? live_swap_policy : live_replace_policy)(
	    &ap->c->paths, &ch->live, ap->file.bytes, ap->file.len_b, im, &ch->why);
	ap->replaced = err == AK_OK;
	return err;
}

/* Under the lock, from the last look to the published groups. */
static enum ak_err
go_live(struct application *ap)
{
	struct change *ch = &ap->ch;
	struct image *im = NULL;
	enum ak_err err;

	if ((err = change_begin(ch, NULL, NULL)) != AK_OK || (err = look_again(ap)) != AK_OK ||
	    (!ap->finish && (err = replace(ap, &im)) != AK_OK))
		goto out;
	ap->noted = is_news(ap);
	if (ap->noted && ap->back == NULL)
		record(ap, ap->how);
	err = change_commit(ch);
	if (ap->noted && ap->back != NULL && err == AK_OK)
		record(ap, ap->how);
	if (ap->noted)
		log_applied(ap);
	if ((ap->replaced || ap->finish) && err != AK_OK)
		cli_warn(ap->c,
		    "the policy is live, and its groups are not published: run `apikey "
		    "publish`");
	change_enforce(ch, CHANGE_EVERYBODY);
out:
	image_free(&im);
	return err;
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

	if (ap->finish) /* answer has said it */
		return;
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

	if (ap->finish)
		cli_warn(ap->c,
		    "an earlier rollback to the live policy was interrupted: it %s finished, "
		    "and "
		    "nothing else is put back",
		    ap->dry_run ? "would be" : "is");
	if (ap->gains.lost.text[0] != '\0')
		cli_warn(ap->c, "%s", diag_print(&ap->gains.lost, said, sizeof(said)));
	if (j == NULL) {
		if (ap->gains.changed > 0 &&
		    (err = out_table_print(&ap->gains.table, ap->c->out)) != AK_OK)
			return err;
		if ((err = print_sessions(ap)) != AK_OK)
			return err;
		print_outcome(ap);
		opened_print(&ap->opened, ap->c->out);
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
	ap->finish = ap->back != NULL && ap->back->interrupted;
	if (err == AK_OK && !ap->finish)
		err = prepare(ap, tests);
	if (err == AK_OK && !ap->dry_run)
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
	struct application ap = {.c = c, .a = a, .how = "apply", .ch = CHANGE_INIT(c)};

	return apply(&ap, true, policyfile_read(c, a->operands[0], &ap.file, &ap.ch.why));
}

/* What was live once may go live again, whatever its tests have come to: they are not run for an edit in place either. */
int
cmd_policy_rollback(struct cli *c, const struct args *a)
{
	struct rollback back = ROLLBACK_INIT;
	struct application ap = {
	    .c = c, .a = a, .how = "rollback", .back = &back, .ch = CHANGE_INIT(c)};
	enum ak_err err = rollback_find(c, &back, &ap.ch.why);

	ap.file = (struct policyfile){
	    .name = back.path, .bytes = back.prev.bytes, .len_b = back.prev.len_b};
	back.prev.bytes = NULL;
	return apply(&ap, false, err);
}
