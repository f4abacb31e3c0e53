#include "doctor.h"
#include "out.h"
#include "republish.h"
#include "verbs.h"

static enum ak_err
print_json(const struct cli *c, const struct doctor *d)
{
	struct out_json *j = out_json_new();

	out_list(j, NULL);
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->v[i];

		out_object(j, NULL);
		out_text(j, "check", f->check);
		out_text(j, "state", doctor_state_name(f->state));
		out_text(j, "text", f->text);
		out_text(j, "advice", f->advice[0] == '\0' ? NULL : f->advice);
		out_close(j);
	}
	return out_json_print(&j, OUT_INDENTED, c->out);
}

/* A line each; what to do stands below, since it is to be copied. */
static enum ak_err
print_table(const struct cli *c, const struct doctor *d)
{
	struct out_table t = out_table_init(NULL, 3);
	enum ak_err err;

	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->v[i];

		out_cell(&t, doctor_state_name(f->state));
		out_cell(&t, f->check);
		out_cell(&t, f->text);
		if (f->advice[0] == '\0')
			continue;
		out_cell(&t, " ");
		out_cell(&t, " ");
		out_cell(&t, f->advice);
	}
	err = out_table_print(&t, c->out);
	out_table_clear(&t);
	return err;
}

/* local.idx as it is, after a loss: then the host is looked at as it is now. */
static int
accept_rollback(struct cli *c)
{
	const struct change_options opt = {.accept_rollback = true};
	struct change ch = CHANGE_INIT(c);
	enum ak_err err = change_begin(&ch, NULL, &opt);
	int code;

	if (err == AK_OK)
		err = republish(&ch, &opt);
	code = change_end(&ch, err, CLI_DONE);
	if (ch.committed)
		cli_warn(c, "goes on with %llu keys%s%s", (unsigned long long)ch.n_keys,
		    ch.kept[0] == '\0' ? "" : "; the file that was refused is kept as ",
		    ch.kept);
	return code;
}

static int
look(struct cli *c, const struct args *a)
{
	struct doctor d;
	int code = CLI_DONE;
	enum ak_err err = doctor_run(c, &d);

	if (err == AK_OK)
		err = a->output == OUTPUT_JSON ? print_json(c, &d) : print_table(c, &d);
	if (err != AK_OK)
		code = cli_fail(c, err, &(struct diag){.line = 0});
	for (size_t i = 0; err == AK_OK && i < d.n; i++)
		if (d.v[i].state == DOCTOR_ATTENTION)
			code = CLI_FAILED;
	doctor_clear(&d);
	return code;
}

int
cmd_doctor(struct cli *c, const struct args *a)
{
	int code = args_has(a, ARG_ACCEPT_ROLLBACK) ? accept_rollback(c) : CLI_DONE;

	return code == CLI_DONE ? look(c, a) : code;
}
