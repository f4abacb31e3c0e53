#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "endings.h"
#include "holdoff.h"
#include "keys.h"
#include "livelist.h"
#include "num.h"
#include "out.h"
#include "verbs.h"

/* Names with commas between, as the record has them. */
static void
add_roles(struct out_json *j, const char *roles)
{
	struct pack list = PACK_INIT;
	char words[sizeof(((struct session *)NULL)->roles)], *rest = NULL;

	(void)snprintf(words, sizeof(words), "%s", roles);
	for (char *w = strtok_r(words, ",", &rest); w != NULL; w = strtok_r(NULL, ",", &rest))
		pack_entry(&list, w);
	out_strv(j, "roles", pack_borrow_strv(&list));
	pack_clear(&list);
}

static void
add_groups(struct out_json *j, const struct session *s)
{
	out_list(j, "unix_groups");
	for (uint32_t i = 0; i < s->n_groups; i++)
		out_text(j, NULL, s->groups[i].name);
	out_close(j);
}

static void
add_json(struct out_json *j, const struct livelist_one *one)
{
	const struct session *s = &one->session;

	out_object(j, NULL);
	out_text(j, "id", s->id);
	out_text(j, "key", s->key);
	out_text(j, "key_id", s->key_id);
	out_number(j, "uid", s->uid);
	out_number(j, "secret", s->secret);
	out_text(j, "account", s->account);
	out_number(j, "account_uid", s->account_uid);
	out_text(j, "service", s->service);
	out_text(j, "from", s->address[0] == '\0' ? NULL : s->address);
	out_time(j, "since", s->since);
	add_roles(j, s->roles);
	add_groups(j, s);
	out_text(j, "state", livelist_state(s));
	out_bool(j, "held_back", s->held_back);
	out_bool(j, "by_root", s->by_root);
	out_bool(j, "old_policy", s->policy != 0);
	out_number(j, "leader", s->leader.pid);
	if (one->elsewhere) {
		out_text(j, "processes", NULL);
		out_text(j, "sudo", NULL);
	} else {
		out_number(j, "processes", one->processes);
		out_number(j, "sudo", one->others);
	}
	out_close(j);
}

static void
add_number(struct out_table *t, const struct livelist_one *one, unsigned n)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", n);
	out_cell(t, one->elsewhere ? "?" : text);
}

static void
add_row(struct out_table *t, const struct livelist_one *one)
{
	const struct session *s = &one->session;
	char since[NUM_TIME_CAP];

	out_cell(t, s->id);
	out_cell(t, s->key);
	out_cell(t, s->account);
	out_cell(t, s->service);
	out_cell(t, s->address);
	out_cell(t, num_print_time(s->since, since));
	out_cell(t, s->roles);
	add_number(t, one, one->processes);
	add_number(t, one, one->others);
	out_cell(t, s->held_back ? "held back" : livelist_state(s));
}

static enum ak_err
print_list(const struct cli *c, const struct args *a, const struct livelist *l)
{
	static const char *const headings[] = {"ID", "KEY", "ACCOUNT", "SERVICE", "FROM",
	    "SINCE", "ROLES", "PROCS", "SUDO", "STATE", NULL};
	const char *key = args_value(a, ARG_KEY);
	struct out_table t = out_table_init(headings, 0);
	struct out_json *j = out_json_new();

	out_list(j, NULL);
	for (size_t i = 0; i < l->n; i++) {
		if (!livelist_is_key(&l->v[i].session, key))
			continue;
		add_json(j, &l->v[i]);
		add_row(&t, &l->v[i]);
	}
	return answer_print(c, a, &j, &t);
}

int
cmd_sessions(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	struct livelist list;
	enum ak_err err = livelist_look(&c->paths, &list, &why);

	if (err == AK_OK)
		err = print_list(c, a, &list);
	livelist_clear(&list);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}

static enum ak_err
check_ids(const struct livelist *l, const struct args *a, struct diag *why)
{
	for (int i = 0; i < a->n_operands; i++) {
		size_t k = 0;

		while (k < l->n && strcmp(l->v[k].session.id, a->operands[i]) != 0)
			k++;
		if (k == l->n)
			return diag_because(why, AK_ERR_NOT_FOUND,
			    "there is no live session `%.80s': see `apikey sessions`",
			    cli_shown(a->operands[i]));
	}
	return AK_OK;
}

/* A key that was deleted may have sessions; one without any is there all the same. */
static enum ak_err
find_key(const struct cli *c, const struct livelist *l, const char *word, struct diag *why)
{
	struct keys keys;
	struct key k;
	enum ak_err err;

	for (size_t i = 0; i < l->n; i++)
		if (livelist_is_key(&l->v[i].session, word))
			return AK_OK;
	if ((err = keys_open(&c->paths, &keys, why)) != AK_OK)
		return err;
	if ((err = keys_find(&keys, word, &k, why)) == AK_OK)
		key_clear(&k);
	keys_close(&keys);
	return err;
}

/* A name may have been two keys': one was deleted, another was made, and both have sessions. */
static bool
is_first_of_uid(const struct livelist *l, size_t at, const char *word)
{
	for (size_t i = 0; i < at; i++)
		if (livelist_is_key(&l->v[i].session, word) &&
		    l->v[i].session.uid == l->v[at].session.uid)
			return false;
	return livelist_is_key(&l->v[at].session, word);
}

/* Nobody is judged on the way: these end, and no others. */
static void
end_each(struct cli *c, const struct args *a, const struct livelist *l, struct endings *ended)
{
	static const uint32_t nobody;
	const char *key = args_value(a, ARG_KEY);
	struct enforce_how how = {.uids = &nobody};
	struct holdoff h = {.active = false};
	size_t beyond = 0;

	holdoff_begin(&h);
	for (size_t i = 0; key != NULL && i < l->n; i++) {
		if (!is_first_of_uid(l, i, key))
			continue;
		how.end_uid = l->v[i].session.uid;
		endings_run(c, &how, ended);
	}
	how.end_uid = 0;
	for (int i = 0; i < a->n_operands; i++) {
		how.end_id = a->operands[i];
		endings_run(c, &how, ended);
		beyond += livelist_tell_elsewhere(c, l, how.end_id, NULL);
	}
	if (key != NULL)
		beyond += livelist_tell_elsewhere(c, l, NULL, key);
	ended->failed = ended->failed || beyond > 0;
	holdoff_end(&h);
}

static enum ak_err
answer_ended(const struct cli *c, const struct args *a, const struct endings *ended)
{
	struct out_json *j;

	endings_tell(c, ended);
	for (size_t i = 0; a->output != OUTPUT_JSON && i < ended->n; i++)
		(void)fprintf(
		    c->out, "%s: ended, a session of %s\n", ended->v[i].id, ended->v[i].key);
	if (a->output != OUTPUT_JSON)
		return AK_OK;
	j = out_json_new();
	out_object(j, NULL);
	out_bool(j, "changed", ended->n > 0);
	out_number(j, "sessions_ended", (int64_t)ended->n);
	endings_json(j, ended);
	return out_json_print(&j, OUT_INDENTED, c->out);
}

int
cmd_sessions_end(struct cli *c, const struct args *a)
{
	const char *key = args_value(a, ARG_KEY);
	struct endings ended = ENDINGS_INIT;
	struct diag why = DIAG_INIT;
	struct livelist list = LIVELIST_INIT;
	enum ak_err err;
	int code = CLI_DONE;

	if ((key != NULL) == (a->n_operands > 0))
		err = diag_because(&why, AK_ERR_INVALID,
		    "sessions end needs the ids of sessions, or --key NAME");
	else
		err = livelist_look(&c->paths, &list, &why);
	if (err == AK_OK)
		err = key == NULL ? check_ids(&list, a, &why) : find_key(c, &list, key, &why);
	if (err == AK_OK) {
		end_each(c, a, &list, &ended);
		err = answer_ended(c, a, &ended);
	}
	if (err != AK_OK)
		code = cli_fail(c, err, &why);
	else if (ended.failed)
		code = CLI_FAILED;
	endings_clear(&ended);
	livelist_clear(&list);
	return code;
}
