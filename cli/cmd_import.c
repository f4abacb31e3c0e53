#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "import.h"
#include "leftovers.h"
#include "out.h"
#include "newkey.h"
#include "policyfile.h"
#include "verbs.h"
#include "wholefile.h"

/* Lines beyond these are counted. */
#define TELL_MAX 20U

struct telling {
	const struct cli *c;
	unsigned n;
};

static void
tell_wrong(void *ctx, const struct diag *why)
{
	struct telling *t = ctx;
	char buf[DIAG_PRINT_CAP];

	if (t->n++ < TELL_MAX)
		cli_warn(t->c, "%s", diag_print(why, buf, sizeof(buf)));
}

/* What was told line by line, in one sentence. */
static enum ak_err
say_refused(const struct importfile *f, enum ak_err err, struct diag *why)
{
	if (err != AK_ERR_DENIED || f->n_wrong == 0)
		return err;
	return diag_because(why, err, "%u line%s of %s %s refused: nothing was changed",
	    f->n_wrong, f->n_wrong == 1 ? "" : "s", f->name, f->n_wrong == 1 ? "is" : "are");
}

static const char *const whats[IMPORT_N_WHATS] = {[IMPORT_CREATED] = "created",
    [IMPORT_CHANGED] = "changed",
    [IMPORT_DELETED] = "deleted",
    [IMPORT_UNCHANGED] = "unchanged"};

static enum ak_err
print_json(const struct cli *c, const struct import *im, bool dry_run)
{
	struct out_json *j = out_json_new();
	/* Ids that were given elsewhere are news too, without any key. */
	bool changed = im->ch->committed;
	char name[32];

	out_object(j, NULL);
	out_bool(j, "dry_run", dry_run);
	out_bool(j, "changed", changed);
	for (unsigned w = 0; w < IMPORT_N_WHATS; w++) {
		(void)snprintf(name, sizeof(name), "%s_keys", whats[w]);
		out_number(j, name, (int64_t)im->counts[w]);
	}
	out_list(j, "keys");
	for (size_t i = 0; i < im->n_rows; i++) {
		const struct import_row *row = &im->rows[i];

		if (row->what == IMPORT_UNCHANGED)
			continue;
		out_object(j, NULL);
		out_text(j, "name", row->rec.name);
		out_text(j, "id", row->rec.id);
		out_number(j, "uid", row->rec.uid);
		out_text(j, "change", whats[row->what]);
		out_close(j);
	}
	out_close(j);
	out_number(j, "sessions_ended", (int64_t)im->ch->endings.n);
	endings_json(j, &im->ch->endings);
	return out_json_print(&j, OUT_INDENTED, c->out);
}

static enum ak_err
print_table(const struct cli *c, const struct import *im)
{
	static const char *const headings[] = {"NAME", "ID", "UID", "CHANGE", NULL};
	struct out_table t = out_table_init(headings, 0);
	char uid[16];
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < im->n_rows; i++) {
		const struct import_row *row = &im->rows[i];

		if (row->what == IMPORT_UNCHANGED)
			continue;
		(void)snprintf(uid, sizeof(uid), "%u", row->rec.uid);
		out_cell(&t, row->rec.name);
		out_cell(&t, row->rec.id);
		out_cell(&t, uid);
		out_cell(&t, whats[row->what]);
	}
	if (im->counts[IMPORT_UNCHANGED] < im->n_rows)
		err = out_table_print(&t, c->out);
	out_table_clear(&t);
	return err;
}

static enum ak_err
answer(const struct cli *c, const struct args *a, const struct import *im, bool dry_run)
{
	enum ak_err err;

	if (a->output == OUTPUT_JSON)
		return print_json(c, im, dry_run);
	if ((err = print_table(c, im)) == AK_OK)
		(void)fprintf(c->out, "%screated %zu, changed %zu, deleted %zu, unchanged %zu\n",
		    dry_run ? "dry run: " : "", im->counts[IMPORT_CREATED],
		    im->counts[IMPORT_CHANGED], im->counts[IMPORT_DELETED],
		    im->counts[IMPORT_UNCHANGED]);
	return err;
}

static void
log_import(struct cli *c, const struct import *im)
{
	struct audit line;

	audit_start(&line, "keys-imported");
	cli_log_who(c, &line);
	for (unsigned w = 0; w < IMPORT_N_WHATS; w++)
		audit_add_number(&line, whats[w], im->counts[w]);
	cli_log(c, line.line);
}

/* They are no reason to refuse a backup whose policy is not there yet. */
static void
warn_undeclared(const struct change *ch, const struct import *im)
{
	const struct image *policy = ch->live.image;
	const char *first = NULL;
	struct diag ignored = DIAG_INIT;
	size_t n = 0;

	for (size_t i = 0; policy != NULL && i < im->n_rows; i++) {
		const struct import_row *row = &im->rows[i];
		bool declared = true;

		if (row->what == IMPORT_DELETED)
			continue;
		strv_for (row->rec.bindings, text) {
			declared = declared &&
				   keyopts_check_binding(text, &ch->live, &ignored) == AK_OK;
		}
		if (!declared && n++ == 0)
			first = row->rec.name;
	}
	if (n > 0)
		cli_warn(ch->cli,
		    "%zu keys (%s the first) have bindings that give nothing: the policy "
		    "declares no such role or space",
		    n, first);
}

/* The keys are true; what can't be done now is said. */
static int
follow_up(struct change *ch, const struct import *im)
{
	const struct key_record *odd = NULL;
	int code = CLI_DONE;
	size_t n_odd = 0;

	for (size_t i = 0; i < im->n_rows; i++) {
		const struct import_row *row = &im->rows[i];

		if (row->what == IMPORT_DELETED)
			leftovers_tell(ch->cli, &row->rec);
		else if (row->what != IMPORT_CREATED)
			newkey_make_missing_home(ch, &row->rec);
		/* A file names any folder, and a home is given away. */
		else if (newkey_is_usual_home(ch, &row->rec))
			code = newkey_make_home(ch, &row->rec) == CLI_DONE ? code : CLI_FAILED;
		else if (n_odd++ == 0)
			odd = &row->rec;
	}
	if (n_odd > 0 && ch->live.settings.create_home)
		cli_warn(ch->cli,
		    "%zu homes (%s of %s the first) were not made, because they are not where "
		    "home in %s puts them: make by hand those that are meant",
		    n_odd, cli_shown(odd->home), odd->name, ch->cli->paths.config);
	return code;
}

static enum ak_err
carry_out(struct change *ch, const struct import *im, bool dry_run, int *code)
{
	enum ak_err err = AK_OK;

	if (dry_run || !store_is_staged(ch->store)) {
		change_release(ch);
		*code = dry_run ? CLI_DONE : follow_up(ch, im);
		return AK_OK;
	}
	err = change_publish(ch);
	if (!ch->committed)
		return err;
	log_import(ch->cli, im);
	*code = follow_up(ch, im);
	return err;
}

static enum ak_err
take_lines(void *ctx, const char *lines, size_t len_b)
{
	return importfile_take(ctx, lines, len_b);
}

static enum ak_err
read_file(struct cli *c, const char *name, struct importfile *f, struct diag *why)
{
	const struct wholefile_lines lines = {.name = name,
	    .what = "an export",
	    .max_b = IMPORTFILE_MAX_B,
	    .line_max_b = IMPORTFILE_LINE_MAX_B,
	    .take = take_lines,
	    .ctx = f};
	enum ak_err err;

	f->name = wholefile_name(name);
	if ((err = wholefile_each(c, &lines, why)) == AK_OK)
		err = importfile_end(f);
	return say_refused(f, err, why);
}

int
cmd_import(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct telling telling = {.c = c};
	struct importfile f = IMPORTFILE_INIT;
	struct import im = IMPORT_INIT;
	bool dry_run = args_has(a, ARG_DRY_RUN);
	int code = CLI_DONE;
	enum ak_err err;

	f.wrong = tell_wrong;
	f.ctx = &telling;
	im.ch = &ch;
	im.file = &f;
	im.prune = args_has(a, ARG_PRUNE);
	im.new_uid = args_has(a, ARG_NEW_UID);
	if ((err = read_file(c, a->operands[0], &f, &ch.why)) != AK_OK ||
	    (err = change_begin(&ch, a, NULL)) != AK_OK ||
	    (err = policyfile_need_settings(&ch.live, &ch.why)) != AK_OK)
		goto out;
	if ((err = import_plan(&im)) == AK_OK)
		err = import_stage(&im);
	if ((err = say_refused(&f, err, &ch.why)) != AK_OK)
		goto out;
	warn_undeclared(&ch, &im);
	if ((err = carry_out(&ch, &im, dry_run, &code)) == AK_OK)
		err = answer(c, a, &im, dry_run);
out:
	code = change_end(&ch, err, code);
	import_clear(&im);
	importfile_clear(&f);
	return code;
}
