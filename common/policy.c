#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy_section.h"
#include "policy_tests_read.h"

/* In the image's order: what is used is compiled before what uses it. */
static const struct {
	const char *key;
	policy_section_fn *compile; /* NULL: elsewhere */
} sections[] = {
    {"version", NULL},
    {"strategy", NULL},
    {"spaces", policy_compile_spaces},
    {"roles", policy_compile_roles},
    {"accounts", policy_compile_accounts},
    {"groups", policy_compile_groups},
    {"define", policy_compile_define},
    {"allow", policy_compile_allow},
    {"deny", policy_compile_deny},
    {"grant", policy_compile_grant},
    {"sample", policy_compile_sample},
    {"tests", NULL},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static enum ak_err
read_strategy(const struct yamlread *r, const struct yaml_node *root, uint32_t *strategy)
{
	static const char *const words[] = {
	    [IMAGE_BOTH] = "both", [IMAGE_DIRECT] = "direct", [IMAGE_POLICY_ONLY] = "policy"};
	const struct yaml_node *node = yamlread_get(root, "strategy");
	const char *text;
	enum ak_err err;

	*strategy = IMAGE_BOTH;
	if (node == NULL)
		return AK_OK;
	if ((err = yamlread_text(r, node, "strategy", &text)) != AK_OK)
		return err;
	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0) {
			*strategy = i;
			return AK_OK;
		}
	return yamlread_refuse(r, node, "strategy is direct, policy or both, not `%.80s'", text);
}

static enum ak_err
compile_whole(struct policy_build *b)
{
	uint32_t row[IMAGE_POLICY_COLUMNS];
	enum ak_err err;

	if ((err = read_strategy(b->r, b->root, &row[IMAGE_POLICY_STRATEGY])) != AK_OK)
		return err;
	row[IMAGE_POLICY_FILE] = image_make_string(b->m, b->r->file);
	row[IMAGE_POLICY_HAS_ALLOW] = yamlread_get(b->root, "allow") != NULL ? 1 : 0;
	(void)image_make_row(b->m, IMAGE_POLICY, row, IMAGE_POLICY_COLUMNS);
	return AK_OK;
}

static enum ak_err
compile_tree(struct policy_build *b)
{
	const char *known[N_SECTIONS + 1] = {NULL};
	enum ak_err err;

	if (b->root == NULL)
		return yamlread_refuse(b->r, b->root,
		    "the policy is empty: a policy for nobody is the line `version: 1'");
	for (size_t i = 0; i < N_SECTIONS; i++)
		known[i] = sections[i].key;
	if ((err = yamlread_keys(b->r, b->root, "policy.yaml", known)) != AK_OK ||
	    (err = yamlread_version(b->r, b->root)) != AK_OK ||
	    (err = compile_whole(b)) != AK_OK)
		return err;
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (sections[i].compile != NULL &&
		    (err = sections[i].compile(b, yamlread_get(b->root, sections[i].key))) !=
			AK_OK)
			return err;
	return policy_compile_logins(b);
}

/* Tests name what the rest declares, and so come last. */
static enum ak_err
finish(struct policy_build *b, struct image **out)
{
	struct diag *why = b->r->why;
	enum ak_err err = image_make_finish(b->m, out);

	if (err != AK_OK)
		return diag_say(why, err, b->r->file, 0, 0, "can't compile this policy: %s",
		    ak_strerror(err));
	if ((err = policy_tests_check(b->r, b->root, *out)) != AK_OK)
		image_free(out);
	return err;
}

enum ak_err
policy_compile(const char *bytes, size_t len_b, const char *file,
    const struct settings *settings, struct image **out, struct diag *why)
{
	const struct yamlread r = {.file = file, .why = why};
	struct image_make m = IMAGE_MAKE_INIT;
	struct policy_build b = {.r = &r, .m = &m};
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	*out = NULL;
	if ((err = yamltree_parse(bytes, len_b, file, &doc, why)) != AK_OK)
		goto out;
	b.root = yamltree_root_borrow(doc);
	settings_pack(settings, &m.sections[IMAGE_SETTINGS]);
	if ((err = compile_tree(&b)) == AK_OK)
		err = finish(&b, out);
	if (err == AK_ERR_NOMEM)
		(void)yamlread_no_memory(&r);
out:
	policy_names_clear(&b.spaces);
	policy_names_clear(&b.roles);
	policy_names_clear(&b.definitions);
	image_make_clear(&m);
	yamltree_free(&doc);
	return err;
}
