#include <string.h>

#include "keyopts.h"
#include "keys.h"
#include "live.h"
#include "listedit.h"
#include "out.h"
#include "verbs.h"

static enum ak_err
add(struct change *ch, const struct args *a, const struct key_record *k, struct pack *groups)
{
	enum ak_err err;

	pack_bytes(groups, k->groups.bytes, k->groups.len_b);
	for (int i = 1; i < a->n_operands; i++) {
		const char *name = a->operands[i];

		if ((err = keyopts_check_group(name, &ch->why)) != AK_OK)
			return err;
		if (!strv_has(pack_borrow_strv(groups), name))
			pack_entry(groups, name);
	}
	if (groups->err != AK_OK)
		return groups->err;
	return keyopts_check_count(pack_borrow_strv(groups), "groups", &ch->why);
}

static enum ak_err
take_away(
    struct change *ch, const struct args *a, const struct key_record *k, struct pack *groups)
{
	for (int i = 1; i < a->n_operands; i++)
		if (!strv_has(k->groups, a->operands[i]))
			return diag_because(&ch->why, AK_ERR_NOT_FOUND,
			    "%s lists no group `%.100s': see `apikey group list %s`", k->name,
			    cli_shown(a->operands[i]), k->name);
	strv_for (k->groups, have) {
		bool stays = true;

		for (int i = 1; i < a->n_operands; i++)
			stays = stays && strcmp(have, a->operands[i]) != 0;
		if (stays)
			pack_entry(groups, have);
	}
	return groups->err;
}

static struct strv *
list(struct key_record *k)
{
	return &k->groups;
}

int
cmd_group_add(struct cli *c, const struct args *a)
{
	static const struct listedit verb = {.event = "group-added", .list = list, .edit = add};

	return listedit_run(c, a, &verb);
}

int
cmd_group_remove(struct cli *c, const struct args *a)
{
	static const struct listedit verb = {
	    .event = "group-removed", .list = list, .edit = take_away};

	return listedit_run(c, a, &verb);
}

/* The roles that the policy gives to the group, wherever they hold; each once. */
static enum ak_err
find_roles(const struct image *im, const char *name, struct pack *out)
{
	uint32_t i = im == NULL ? IMAGE_NONE : image_find_group(im, name);
	struct image_group g = {.n = 0};

	if (i != IMAGE_NONE)
		g = image_group(im, i);
	for (uint32_t k = 0; k < g.n; k++) {
		const char *role =
		    image_role(im, image_group_binding(im, g.first + k).role).name;

		if (!strv_has(pack_borrow_strv(out), role))
			pack_entry(out, role);
	}
	return out->err;
}

static enum ak_err
fill(const struct cli *c, const struct key_record *k, struct out_json *j, struct out_table *t)
{
	struct live live;
	enum ak_err err = AK_OK;

	live_load(&c->paths, &live);
	out_list(j, NULL);
	strv_for (k->groups, name) {
		struct pack roles = PACK_INIT;

		if (err == AK_OK)
			err = find_roles(live.image, name, &roles);
		out_object(j, NULL);
		out_text(j, "group", name);
		out_strv(j, "roles", pack_borrow_strv(&roles));
		out_close(j);
		out_cell(t, name);
		out_cell_strv(t, pack_borrow_strv(&roles));
		pack_clear(&roles);
	}
	live_clear(&live);
	return err;
}

static enum ak_err
print_groups(const struct cli *c, const struct args *a, const struct key *k)
{
	static const char *const headings[] = {"GROUP", "ROLES", NULL};
	struct out_table t = out_table_init(headings, 0);
	struct out_json *j = out_json_new();
	enum ak_err err = fill(c, &k->rec, j, &t);

	if (err == AK_OK)
		return answer_print(c, a, &j, &t);
	out_json_free(&j);
	out_table_clear(&t);
	return err;
}

int
cmd_group_list(struct cli *c, const struct args *a)
{
	return answer_about_key(c, a, print_groups);
}
