#include "answer.h"

#include <string.h>

#include "keys.h"
#include "num.h"

const char *
answer_state(const struct key_record *k, int64_t now)
{
	if (k->state == KEY_DISABLED)
		return "disabled";
	if (k->expires_at <= now)
		return "expired";
	return k->not_before > now ? "pending" : "active";
}

static void
add_secrets(struct out_json *j, const struct key_record *k)
{
	out_list(j, "secrets");
	for (unsigned i = 0; i < k->n_secrets; i++) {
		out_object(j, NULL);
		out_number(j, "number", k->secrets[i].number);
		out_time(j, "created_at", k->secrets[i].created_at);
		out_time(j, "not_after", k->secrets[i].not_after);
		out_close(j);
	}
	out_close(j);
}

const char *
answer_source(const struct key *k)
{
	return k->directory ? "directory" : "local";
}

void
answer_json(struct out_json *j, const struct key *key, const struct used *used, int64_t now)
{
	const struct key_record *k = &key->rec;

	out_text(j, "name", k->name);
	out_text(j, "id", k->id);
	out_number(j, "uid", k->uid);
	out_number(j, "gid", k->uid);
	out_text(j, "state", answer_state(k, now));
	out_text(j, "source", answer_source(key));
	out_text(j, "description", k->description);
	out_text(j, "owner", k->owner);
	out_strv(j, "roles", k->bindings);
	out_strv(j, "groups", k->groups);
	out_strv(j, "from", k->from);
	out_time(j, "not_before", k->not_before == 0 ? NUM_NEVER : k->not_before);
	out_time(j, "expires_at", k->expires_at);
	out_time(j, "created_at", k->created_at);
	out_text(j, "created_by", k->created_by);
	add_secrets(j, k);
	used_json(j, used, k);
	out_text(j, "home", k->home);
	out_text(j, "shell", k->shell);
}

static void
add_row(struct out_table *t, const char *name, const char *value)
{
	out_cell(t, name);
	out_cell(t, value);
}

static void
add_time(struct out_table *t, const char *name, int64_t when)
{
	char buf[NUM_TIME_CAP];

	add_row(t, name, num_print_time(when, buf));
}

static void
add_list(struct out_table *t, const char *name, struct strv v)
{
	out_cell(t, name);
	out_cell_strv(t, v);
}

static void
add_secret_rows(struct out_table *t, const struct key_record *k)
{
	char line[128], made[NUM_TIME_CAP], ends[NUM_TIME_CAP];

	for (unsigned i = 0; i < k->n_secrets; i++) {
		const struct key_secret *s = &k->secrets[i];

		(void)snprintf(line, sizeof(line), "number %u, made %s, ends %s", s->number,
		    num_print_time(s->created_at, made), num_print_time(s->not_after, ends));
		add_row(t, "secret", line);
	}
}

static void
add_rows(struct out_table *t, const struct key *key, const struct used *used, int64_t now)
{
	const struct key_record *k = &key->rec;
	char uid[16], buf[NUM_TIME_CAP], use[USED_CAP];

	(void)snprintf(uid, sizeof(uid), "%u", k->uid);
	add_row(t, "name", k->name);
	add_row(t, "id", k->id);
	add_row(t, "uid", uid);
	add_row(t, "state", answer_state(k, now));
	add_row(t, "source", answer_source(key));
	add_row(t, "description", k->description);
	add_row(t, "owner", k->owner);
	add_list(t, "roles", k->bindings);
	add_list(t, "groups", k->groups);
	add_list(t, "from", k->from);
	add_row(t, "not before", k->not_before == 0 ? "" : num_print_time(k->not_before, buf));
	add_time(t, "expires", k->expires_at);
	add_time(t, "created", k->created_at);
	add_row(t, "created by", k->created_by);
	add_secret_rows(t, k);
	add_row(t, "last used", used_print(used, k, use));
	add_row(t, "home", k->home);
	add_row(t, "shell", k->shell);
}

/* It adds something to the answer, and never keeps it back. */
static struct used
open_used(const struct cli *c)
{
	struct diag why = DIAG_INIT;
	struct used used = used_open(c, &why);
	char buf[DIAG_PRINT_CAP];

	if (!used.known)
		cli_warn(c, "%s", diag_print(&why, buf, sizeof(buf)));
	return used;
}

static void
add_outcome(struct out_json *j, struct outcome out)
{
	out_bool(j, "changed", out.changed);
	if (out.sessions_ended < 0)
		out_text(j, "sessions_ended", NULL);
	else
		out_number(j, "sessions_ended", out.sessions_ended);
}

/* tok NULL: without one; out NULL: not said. */
static enum ak_err
print_key(const struct cli *c, bool json, const struct key *k, int64_t now,
    const struct token *tok, const struct outcome *out)
{
	struct used used = open_used(c);
	struct out_table t;
	struct out_json *j;
	enum ak_err err;

	if (json) {
		j = out_json_new();
		out_object(j, NULL);
		answer_json(j, k, &used, now);
		used_close(&used);
		if (tok != NULL)
			out_text(j, "token", tok->text.text);
		if (out != NULL)
			add_outcome(j, *out);
		return out_json_print(&j, OUT_INDENTED, c->out);
	}
	t = out_table_init(NULL, 2);
	add_rows(&t, k, &used, now);
	used_close(&used);
	if (tok != NULL)
		add_row(&t, "token", tok->text.text);
	err = out_table_print(&t, c->out);
	out_table_clear(&t);
	return err;
}

enum ak_err
answer_show(const struct cli *c, const struct args *a, const struct key *k, int64_t now)
{
	return print_key(c, a->output == OUTPUT_JSON, k, now, NULL, NULL);
}

static void
print_line(const struct cli *c, const struct key *k, bool changed, const char *done_text)
{
	(void)fprintf(
	    c->out, "%s: %s\n", k->rec.name, changed ? done_text : "nothing to change");
}

enum ak_err
answer_changed(const struct cli *c, const struct args *a, const struct key *k, int64_t now,
    struct outcome out, const char *done_text)
{
	if (a->output == OUTPUT_JSON)
		return print_key(c, true, k, now, NULL, &out);
	print_line(c, k, out.changed, done_text);
	return AK_OK;
}

enum ak_err
answer_print(const struct cli *c, const struct args *a, struct out_json **j, struct out_table *t)
{
	enum ak_err err = a->output == OUTPUT_JSON ? out_json_print(j, OUT_INDENTED, c->out)
						   : out_table_print(t, c->out);

	out_json_free(j);
	out_table_clear(t);
	return err;
}

int
answer_about_key(struct cli *c, const struct args *a,
    enum ak_err (*say)(const struct cli *c, const struct args *a, const struct key *k))
{
	struct diag why = DIAG_INIT;
	struct keys keys;
	struct key k;
	enum ak_err err;

	if ((err = keys_open(&c->paths, &keys, &why)) != AK_OK)
		return cli_fail(c, err, &why);
	if ((err = keys_find(&keys, a->operands[0], &k, &why)) == AK_OK) {
		err = say(c, a, &k);
		key_clear(&k);
	}
	keys_close(&keys);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}

struct answer_list
answer_list_begin(const struct cli *c, const struct args *a)
{
	struct answer_list l = {.c = c, .a = a};

	if (a->output == OUTPUT_JSON) {
		l.used = open_used(c);
		l.json = out_json_new();
		out_list(l.json, NULL);
	}
	return l;
}

void
answer_list_add(struct answer_list *l, const struct key *k, int64_t now, struct outcome out,
    const char *done_text)
{
	if (l->a->output != OUTPUT_JSON) {
		print_line(l->c, k, out.changed, done_text);
		return;
	}
	out_object(l->json, NULL);
	answer_json(l->json, k, &l->used, now);
	add_outcome(l->json, out);
	out_close(l->json);
}

enum ak_err
answer_list_end(struct answer_list *l)
{
	if (l->a->output != OUTPUT_JSON)
		return AK_OK;
	used_close(&l->used);
	return out_json_print(&l->json, OUT_INDENTED, l->c->out);
}

enum cli_exit
answer_token(const struct cli *c, const struct args *a, const struct key *k,
    const struct token *tok, int64_t now, struct outcome out)
{
	enum ak_err err = AK_OK;
	enum cli_exit code;

	if (!args_has(a, ARG_QUIET))
		err = print_key(c, a->output != OUTPUT_TABLE, k, now, tok, &out);
	else if (tok != NULL)
		(void)fprintf(c->out, "%s\n", tok->text.text);
	code = cli_flush(c);
	if (err != AK_OK) {
		cli_warn(c, "the answer could not be made: %s", ak_strerror(err));
		code = CLI_FAILED;
	}
	if (code != CLI_DONE && tok != NULL)
		cli_warn(c, "the key's token is lost: make another by `apikey rotate %s%s`",
		    k->rec.name, k->directory ? " --in directory" : "");
	return code;
}
