#include <string.h>

#include "answer.h"
#include "dirkeys.h"
#include "diropts.h"
#include "keys.h"
#include "live.h"
#include "num.h"
#include "role.h"
#include "verbs.h"

/* Which keys are wanted, and how they are written. */
struct list {
	const struct cli *c;
	const struct args *a;
	int64_t now;
	bool expired;
	int64_t expiring_s, unused_s; /* NUM_NEVER: not asked */
	const char *role, *space, *group; /* NULL: any */
	bool directory; /* ask the server */
	struct live live; /* loaded when a space or the server is asked for */
	struct used used;
	struct out_table table;
	size_t n;
	struct diag lost; /* why the directory's keys are left out, or the last uses; else silent */
};

static enum ak_err
parse_time(
    const struct args *a, enum arg arg, const char *name, int64_t *out_s, struct diag *why)
{
	const char *value = args_value(a, arg);

	if (value != NULL && (num_parse_duration(value, out_s) != AK_OK || *out_s == NUM_NEVER))
		return diag_because(
		    why, AK_ERR_INVALID, "%s `%.40s' is no duration: write 14d", name, value);
	return AK_OK;
}

static enum ak_err
parse(const struct args *a, struct list *l, struct diag *why)
{
	enum ak_err err = diropts_parse(a, &l->directory, why);

	if (err == AK_OK)
		err = parse_time(a, ARG_EXPIRING, "--expiring", &l->expiring_s, why);
	if (err == AK_OK)
		err = parse_time(a, ARG_UNUSED, "--unused", &l->unused_s, why);
	if (err != AK_OK)
		return err;
	l->expired = args_has(a, ARG_EXPIRED);
	l->role = args_value(a, ARG_ROLE_FILTER);
	l->space = args_value(a, ARG_SPACE);
	l->group = args_value(a, ARG_GROUP_FILTER);
	if (l->role != NULL && !text_is_policy_name(l->role))
		return diag_because(why, AK_ERR_INVALID,
		    "--role `%.80s' is no name of a role, without spaces or hosts", l->role);
	return AK_OK;
}

/* A space that nobody declared has no keys, but a typing error hides that. */
static enum ak_err
load_space(struct list *l, struct diag *why)
{
	if (l->space != NULL || l->directory)
		live_load(&l->c->paths, &l->live);
	if (l->space == NULL)
		return AK_OK;
	if (l->live.image == NULL)
		return diag_say(why, AK_ERR_UNAVAILABLE, l->live.problem.file,
		    l->live.problem.line, l->live.problem.col, "%s (so spaces are not known)",
		    l->live.problem.text[0] == '\0' ? "there is no policy"
						    : l->live.problem.text);
	if (image_find_space(l->live.image, l->space) == IMAGE_NONE)
		return diag_because(
		    why, AK_ERR_DENIED, "the policy declares no space `%.80s'", l->space);
	return AK_OK;
}

/* Bound in the space, or in one above it? */
static bool
holds_in(const struct image *im, const struct binding *b, const char *space)
{
	uint32_t at = image_find_space(im, space);

	if (b->scope == ROLE_GLOBAL)
		return true;
	for (; b->scope == ROLE_SPACES && at != IMAGE_NONE; at = image_space(im, at).parent)
		if (strv_has(binding_borrow_names(b), image_space(im, at).name))
			return true;
	return false;
}

/* One binding must be of the role and hold in the space: each alone may come from another. */
static bool
has_wanted_binding(const struct list *l, const struct key_record *k)
{
	struct binding b;

	if (l->role == NULL && l->space == NULL)
		return true;
	strv_for (k->bindings, text) {
		if (binding_parse(text, &b, NULL) == AK_OK &&
		    (l->role == NULL || strcmp(b.role, l->role) == 0) &&
		    (l->space == NULL || holds_in(l->live.image, &b, l->space)))
			return true;
	}
	return false;
}

/* What was never used counts from its making. */
static bool
is_unused(const struct list *l, const struct key_record *k)
{
	int64_t at;

	return used_at(&l->used, k, &at) &&
	       (at == 0 ? k->created_at : at) <= l->now - l->unused_s;
}

static bool
is_wanted(void *ctx, const struct key_record *k)
{
	const struct list *l = ctx;
	bool expired = k->expires_at <= l->now;

	if (l->expired && !expired)
		return false;
	if (l->expiring_s != NUM_NEVER && (expired || k->expires_at > l->now + l->expiring_s))
		return false;
	if (l->unused_s != NUM_NEVER && !is_unused(l, k))
		return false;
	if (l->group != NULL && !strv_has(k->groups, l->group))
		return false;
	return has_wanted_binding(l, k);
}

static enum ak_err
add_row(void *ctx, const struct key *key)
{
	const struct key_record *k = &key->rec;
	struct list *l = ctx;
	char uid[16], expires[NUM_TIME_CAP], used[NUM_TIME_CAP];

	(void)snprintf(uid, sizeof(uid), "%u", k->uid);
	out_cell(&l->table, k->name);
	out_cell(&l->table, k->id);
	out_cell(&l->table, uid);
	out_cell(&l->table, answer_state(k, l->now));
	out_cell(&l->table, answer_source(key));
	out_cell(&l->table, num_print_time(k->expires_at, expires));
	out_cell(&l->table, used_print_at(&l->used, k, used));
	out_cell_strv(&l->table, k->bindings);
	return AK_OK;
}

/* One after the other: a million keys need not fit into memory as JSON. */
static enum ak_err
print_json(void *ctx, const struct key *k)
{
	struct list *l = ctx;
	struct out_json *j = out_json_new();

	(void)fputs(l->n++ == 0 ? "\n" : ",\n", l->c->out);
	out_object(j, NULL);
	answer_json(j, k, &l->used, l->now);
	return out_json_print(&j, OUT_ONE_LINE, l->c->out);
}

static enum ak_err
each_in_directory(
    struct list *l, enum ak_err (*take)(void *ctx, const struct key *k), struct diag *why)
{
	struct dirkeys *d;
	unsigned skipped = 0;
	enum ak_err err = dirkeys_open(l->c, l->a, &l->live, &d, why);

	if (err != AK_OK)
		return err;
	err = dirkeys_each(d, is_wanted, take, l, &skipped, why);
	dirkeys_close(&d);
	if (skipped > 0)
		cli_warn(l->c, "%u entries are no whole keys, and are left out", skipped);
	return err;
}

static enum ak_err
each(struct list *l, enum ak_err (*take)(void *ctx, const struct key *k), struct diag *why)
{
	struct keys keys;
	enum ak_err err;

	if (l->directory)
		return each_in_directory(l, take, why);
	if ((err = keys_open(&l->c->paths, &keys, why)) != AK_OK)
		return err;
	err = keys_each(&keys, is_wanted, take, l, &l->lost, why);
	keys_close(&keys);
	return err;
}

static enum ak_err
print_all(struct list *l, struct diag *why)
{
	static const char *const headings[] = {
	    "NAME", "ID", "UID", "STATE", "SOURCE", "EXPIRES", "LAST USED", "ROLES", NULL};
	enum ak_err err;

	if (l->a->output == OUTPUT_JSON) {
		(void)fputc('[', l->c->out);
		err = each(l, print_json, why);
		(void)fputs(l->n == 0 ? "]\n" : "\n]\n", l->c->out);
		return err;
	}
	l->table = out_table_init(headings, 0);
	err = each(l, add_row, why);
	if (err == AK_OK)
		err = out_table_print(&l->table, l->c->out);
	out_table_clear(&l->table);
	return err;
}

/* A key that might have been used a moment ago is never listed as unused. */
static enum ak_err
open_used(struct list *l, struct diag *why)
{
	bool asked = l->unused_s != NUM_NEVER;

	l->used = used_open(l->c, asked ? why : &l->lost);
	return l->used.known || !asked ? AK_OK : AK_ERR_UNAVAILABLE;
}

int
cmd_list(struct cli *c, const struct args *a)
{
	struct list l = {.c = c,
	    .a = a,
	    .now = c->host.now(c->host.ctx),
	    .expiring_s = NUM_NEVER,
	    .unused_s = NUM_NEVER,
	    .used = {.file = {.fd = -1}}};
	struct diag why = DIAG_INIT;
	enum ak_err err;

	if ((err = parse(a, &l, &why)) == AK_OK && (err = load_space(&l, &why)) == AK_OK &&
	    (err = open_used(&l, &why)) == AK_OK)
		err = print_all(&l, &why);
	used_close(&l.used);
	live_clear(&l.live);
	if (err != AK_OK)
		return cli_fail(c, err, &why);
	return l.lost.text[0] == '\0' ? CLI_DONE : cli_fail(c, AK_ERR_UNAVAILABLE, &l.lost);
}
