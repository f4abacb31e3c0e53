#include <stdlib.h>

#include "applied.h"
#include "live.h"
#include "num.h"
#include "out.h"
#include "safefile.h"
#include "verbs.h"
#include "yamltree.h"

/* The live policy, as it lies there. */
struct shown {
	struct safefile file, prev;
	bool has_prev;
	char sha256[TOKEN_SHA256_CAP], prev_sha256[TOKEN_SHA256_CAP];
	struct applied applied; /* at 0: nobody knows */
	struct live live;
	char problem[DIAG_PRINT_CAP]; /* "" when it is valid */
};

static enum ak_err
find_previous(const struct cli *c, struct shown *s)
{
	char path[PATH_CAP + 8];
	enum ak_err err = live_previous_path(&c->paths, path);

	if (err != AK_OK)
		return err;
	err = safefile_read(path, c->paths.owner, YAML_MAX_B, &s->prev, NULL);
	s->has_prev = err == AK_OK;
	if (err != AK_OK)
		return err == AK_ERR_NOMEM ? err : AK_OK;
	return token_sha256(s->prev.bytes, s->prev.len_b, s->prev_sha256);
}

static enum ak_err
load(const struct cli *c, struct shown *s, struct diag *why)
{
	enum ak_err err =
	    safefile_read(c->paths.policy, c->paths.owner, YAML_MAX_B, &s->file, why);

	if (err == AK_OK)
		err = token_sha256(s->file.bytes, s->file.len_b, s->sha256);
	if (err != AK_OK || (err = find_previous(c, s)) != AK_OK)
		return err;
	if (applied_find(&c->paths, s->sha256, &s->applied) == AK_ERR_NOMEM)
		return AK_ERR_NOMEM;
	live_load(&c->paths, &s->live);
	if (s->live.err == AK_ERR_NOMEM)
		return s->live.err;
	if (s->live.image == NULL)
		diag_print(&s->live.problem, s->problem, sizeof(s->problem));
	return AK_OK;
}

static int64_t
changed_at(const struct shown *s)
{
	return s->applied.at != 0 ? s->applied.at : s->file.id.mtime_ns / 1000000000;
}

static enum ak_err
print_json(const struct cli *c, const struct shown *s)
{
	struct out_json *j = out_json_new();
	bool known = s->applied.at != 0;

	out_object(j, NULL);
	out_text(j, "file", c->paths.policy);
	out_text(j, "sha256", s->sha256);
	out_time(j, "changed_at", changed_at(s));
	out_text(j, "by", known ? s->applied.by : NULL);
	out_text(j, "how", known ? s->applied.how : "edit");
	out_bool(j, "valid", s->problem[0] == '\0');
	out_text(j, "problem", s->problem[0] == '\0' ? NULL : s->problem);
	out_text(j, "previous_sha256", s->has_prev ? s->prev_sha256 : NULL);
	out_text(j, "text", s->file.bytes);
	return out_json_print(&j, OUT_INDENTED, c->out);
}

static void
add_row(struct out_table *t, const char *name, const char *value)
{
	out_cell(t, name);
	out_cell(t, value);
}

static enum ak_err
print_table(const struct cli *c, const struct shown *s)
{
	struct out_table t = out_table_init(NULL, 2);
	char when[NUM_TIME_CAP];
	enum ak_err err;

	add_row(&t, "file", c->paths.policy);
	add_row(&t, "sha256", s->sha256);
	add_row(&t, "changed", num_print_time(changed_at(s), when));
	add_row(&t, "by", s->applied.at != 0 ? s->applied.by : "an edit in place");
	add_row(&t, "how", s->applied.at != 0 ? s->applied.how : "");
	add_row(&t, "valid", s->problem[0] == '\0' ? "yes" : s->problem);
	add_row(&t, "previous", s->prev_sha256);
	err = out_table_print(&t, c->out);
	out_table_clear(&t);
	(void)fputc('\n', c->out);
	(void)fwrite(s->file.bytes, 1, s->file.len_b, c->out);
	return err;
}

int
cmd_policy_show(struct cli *c, const struct args *a)
{
	struct shown s = {.has_prev = false};
	struct diag why = DIAG_INIT;
	enum ak_err err = load(c, &s, &why);

	if (err == AK_OK)
		err = a->output == OUTPUT_JSON ? print_json(c, &s) : print_table(c, &s);
	live_clear(&s.live);
	free(s.file.bytes);
	free(s.prev.bytes);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
