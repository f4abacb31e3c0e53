#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy_section.h"

static const struct {
	const char *key;
	policy_section_fn *compile;
} sections[] = {
    {"spaces", policy_compile_spaces},
    {"roles", policy_compile_roles},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static int
compare_keys(const void *a, const void *b)
{
	const struct yaml_node *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

enum ak_err
policy_sort_names(const struct yamlread *r, const struct yaml_node *mapping, const char *what,
    const struct yaml_node ***out, size_t *n)
{
	const struct yaml_node **sorted;
	size_t count = 0;

	*out = NULL;
	*n = 0;
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next, count++)
		if (!text_is_policy_name(k->text))
			return yamlread_refuse(r, k,
			    "`%.80s' is no name of %s: lower-case letters, digits, - and _, 63 "
			    "at most",
			    k->text, what);
	if (count == 0)
		return AK_OK;
	if ((sorted = calloc(count, sizeof(*sorted))) == NULL)
		return yamlread_no_memory(r);
	for (const struct yaml_node *k = mapping->first; k != NULL; k = k->next->next)
		sorted[(*n)++] = k;
	qsort(sorted, *n, sizeof(*sorted), compare_keys);
	*out = sorted;
	return AK_OK;
}

static enum ak_err
compile_tree(const struct yamlread *r, const struct yaml_node *root, struct image_make *m)
{
	const char *known[N_SECTIONS + 2] = {"version"};
	uint32_t policy[IMAGE_POLICY_COLUMNS];
	enum ak_err err;

	if (root == NULL)
		return yamlread_refuse(r, root,
		    "the policy is empty: a policy for nobody is the line `version: 1'");
	for (size_t i = 0; i < N_SECTIONS; i++)
		known[i + 1] = sections[i].key;
	if ((err = yamlread_keys(r, root, "policy.yaml", known)) != AK_OK ||
	    (err = yamlread_version(r, root)) != AK_OK)
		return err;
	policy[IMAGE_POLICY_FILE] = image_make_string(m, r->file);
	image_make_row(m, IMAGE_POLICY, policy, IMAGE_POLICY_COLUMNS);
	for (size_t i = 0; i < N_SECTIONS; i++)
		if ((err = sections[i].compile(r, yamlread_get(root, sections[i].key), m)) !=
		    AK_OK)
			return err;
	return AK_OK;
}

enum ak_err
policy_compile(const char *bytes, size_t len_b, const char *file,
    const struct settings *settings, struct image **out, struct diag *why)
{
	const struct yamlread r = {.file = file, .why = why};
	struct image_make m = IMAGE_MAKE_INIT;
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	*out = NULL;
	if ((err = yamltree_parse(bytes, len_b, file, &doc, why)) != AK_OK)
		goto out;
	settings_pack(settings, &m.sections[IMAGE_SETTINGS]);
	if ((err = compile_tree(&r, yamltree_root_borrow(doc), &m)) != AK_OK)
		goto out;
	err = image_make_finish(&m, out);
	if (err != AK_OK)
		err = diag_say(
		    why, err, file, 0, 0, "can't compile this policy: %s", ak_strerror(err));
out:
	image_make_clear(&m);
	yamltree_free(&doc);
	return err;
}

enum ak_err
policy_check_groups(
    const struct image *im, const struct policy_groups *groups, struct diag *why)
{
	for (uint32_t i = 0; i < image_count_roles(im); i++) {
		struct image_role role = image_role(im, i);

		if (role.root_equivalent)
			continue;
		strv_for (role.unix_groups, group) {
			uint32_t gid = 0;
			enum ak_err err = groups->gid_of(groups->ctx, group, &gid);

			if (err == AK_ERR_NOT_FOUND || (err == AK_OK && gid >= 1000))
				continue;
			if (err != AK_OK)
				return diag_because(why, err,
				    "can't look up the local group %s: %s", group,
				    ak_strerror(err));
			return diag_say(why, AK_ERR_INVALID, image_policy_file(im), role.line,
			    role.col,
			    "role `%s' hands out the local group `%s' (gid %u), and groups "
			    "below 1000 can make root of their members: say `root_equivalent: "
			    "true' in the role if that is meant",
			    role.name, group, gid);
		}
	}
	return AK_OK;
}
