#include "policytest.h"
#include "verbs.h"

static enum ak_err
prepare(const struct cli *c, const char *name, struct policyfile *file, struct diag *why)
{
	struct live live;
	enum ak_err err = policyfile_read(c, name, file, why);

	if (err != AK_OK)
		return err;
	live_load(&c->paths, &live);
	err = policyfile_compile(c, &live.settings, file, why);
	live_clear(&live);
	return err;
}

static enum ak_err
finish(const struct cli *c, struct policytest *t, const struct policyfile *file)
{
	if (t->json == NULL) {
		if (t->passed + t->failed == 0)
			(void)fprintf(c->out, "%s has no tests\n", file->name);
		return AK_OK;
	}
	out_text(t->json, "file", file->name);
	out_number(t->json, "passed", t->passed);
	out_number(t->json, "failed", t->failed);
	return out_json_print(&t->json, OUT_INDENTED, c->out);
}

int
cmd_policy_test(struct cli *c, const struct args *a)
{
	struct policytest t = {.f = NULL};
	struct policyfile file = POLICYFILE_INIT;
	struct diag why = DIAG_INIT;
	enum ak_err err = prepare(c, a->operands[0], &file, &why);

	if (err == AK_OK && a->output == OUTPUT_JSON) {
		/* Without one it would be an answer for people. */
		if ((t.json = out_json_new()) == NULL)
			err = AK_ERR_NOMEM;
		out_object(t.json, NULL);
	} else {
		t.f = c->out;
	}
	if (err == AK_OK)
		err = policytest_run(&t, &file, &why);
	if (err == AK_OK)
		err = finish(c, &t, &file);
	out_json_free(&t.json);
	policyfile_clear(&file);
	if (err != AK_OK)
		return cli_fail(c, err, &why);
	return t.failed > 0 ? CLI_REFUSED : CLI_DONE;
}
