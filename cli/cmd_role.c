#include <string.h>

#include "keyopts.h"
#include "keys.h"
#include "listedit.h"
#include "out.h"
#include "role.h"
#include "verbs.h"

static bool
has_binding(struct strv v, const char *text)
{
	strv_for (v, have) {
		if (keyopts_same_binding(have, text))
			return true;
	}
	return false;
}

static enum ak_err
add(struct change *ch, const struct args *a, const struct key_record *k, struct pack *bindings)
{
	enum ak_err err;

	pack_bytes(bindings, k->bindings.bytes, k->bindings.len_b);
	for (int i = 1; i < a->n_operands; i++) {
		const char *text = a->operands[i];

		if ((err = change_check_binding(ch, text)) != AK_OK)
			return err;
		if (!has_binding(pack_borrow_strv(bindings), text))
			pack_entry(bindings, text);
	}
	if (bindings->err != AK_OK)
		return bindings->err;
	return keyopts_check_count(pack_borrow_strv(bindings), "bindings", &ch->why);
}

static enum ak_err
check_bound(struct change *ch, const struct key_record *k, const char *text)
{
	struct binding b;
	enum ak_err err = binding_parse(text, &b, &ch->why);

	if (err != AK_OK || has_binding(k->bindings, text))
		return err;
	return diag_because(&ch->why, AK_ERR_NOT_FOUND,
	    "%s is not bound as `%.100s': see `apikey role list %s`", k->name, text, k->name);
}

static enum ak_err
take_away(
    struct change *ch, const struct args *a, const struct key_record *k, struct pack *bindings)
{
	enum ak_err err;

	for (int i = 1; i < a->n_operands; i++)
		if ((err = check_bound(ch, k, a->operands[i])) != AK_OK)
			return err;
	strv_for (k->bindings, have) {
		bool stays = true;

		for (int i = 1; i < a->n_operands; i++)
			stays = stays && !keyopts_same_binding(have, a->operands[i]);
		if (stays)
			pack_entry(bindings, have);
	}
	return bindings->err;
}

static struct strv *
list(struct key_record *k)
{
	return &k->bindings;
}

int
cmd_role_add(struct cli *c, const struct args *a)
{
	static const struct listedit verb = {
	    .event = "role-added", .list = list, .edit = add, .after = change_warn_bound};

	return listedit_run(c, a, &verb);
}

int
cmd_role_remove(struct cli *c, const struct args *a)
{
	static const struct listedit verb = {
	    .event = "role-removed", .list = list, .edit = take_away};

	return listedit_run(c, a, &verb);
}

/* A binding that names what the policy lacks is inert here. */
static bool
is_declared(const struct image *im, const struct binding *b)
{
	bool all = im != NULL && image_find_role(im, b->role) != IMAGE_NONE;

	if (b->scope != ROLE_SPACES)
		return all;
	strv_for (binding_borrow_names(b), name) {
		all = all && image_find_space(im, name) != IMAGE_NONE;
	}
	return all;
}

static const char *const scopes[] = {
    [ROLE_GLOBAL] = "global", [ROLE_SPACES] = "spaces", [ROLE_HOSTS] = "hosts"};

static void
add_json(struct out_json *j, const char *text, const struct binding *b, bool declared)
{
	out_object(j, NULL);
	out_text(j, "binding", text);
	out_text(j, "role", b->role);
	out_text(j, "scope", scopes[b->scope]);
	out_strv(j, "names", binding_borrow_names(b));
	out_bool(j, "declared", declared);
	out_close(j);
}

static void
add_row(struct out_table *t, const struct binding *b, bool declared)
{
	out_cell(t, b->role);
	out_cell(t, scopes[b->scope]);
	out_cell_strv(t, binding_borrow_names(b));
	out_cell(t, declared ? "yes" : "no: inert on this host");
}

static enum ak_err
print_bindings(const struct cli *c, const struct args *a, const struct key *k)
{
	static const char *const headings[] = {"ROLE", "SCOPE", "NAMES", "DECLARED", NULL};
	struct out_table t;
	struct out_json *j;
	char said[DIAG_PRINT_CAP];
	struct live live;
	struct binding b;

	live_load(&c->paths, &live);
	if (live.err == AK_ERR_NOMEM)
		return live.err;
	t = out_table_init(headings, 0);
	j = out_json_new();
	if (live.image == NULL)
		cli_warn(c, "no key may do anything: %s",
		    diag_print(&live.problem, said, sizeof(said)));
	out_list(j, NULL);
	strv_for (k->rec.bindings, text) {
		bool declared =
		    binding_parse(text, &b, NULL) == AK_OK && is_declared(live.image, &b);

		add_json(j, text, &b, declared);
		add_row(&t, &b, declared);
	}
	live_clear(&live);
	return answer_print(c, a, &j, &t);
}

int
cmd_role_list(struct cli *c, const struct args *a)
{
	return answer_about_key(c, a, print_bindings);
}
