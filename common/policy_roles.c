#include "policy_section.h"

#include <stdlib.h>
#include <string.h>

static const char *const known[] = {
    "services", "accounts", "unix_groups", "root_equivalent", "description", NULL};

static enum ak_err
read_list(const struct yamlread *r, const struct yaml_node *role, const char *key,
    bool (*valid)(const char *), const char *shape, struct image_make *m, uint32_t *columns)
{
	const struct yaml_node *node = yamlread_get(role, key);
	struct pack list = PACK_INIT;
	enum ak_err err = AK_OK;

	if (node != NULL)
		err = yamlread_list(r, node, key, valid, shape, &list);
	columns[0] = image_make_strv(m, pack_borrow_strv(&list));
	columns[1] = (uint32_t)list.len_b;
	pack_clear(&list);
	return err;
}

static enum ak_err
read_description(const struct yamlread *r, const struct yaml_node *role, struct image_make *m,
    uint32_t *column)
{
	const struct yaml_node *node = yamlread_get(role, "description");
	const char *text = "";
	enum ak_err err;

	if (node != NULL) {
		if ((err = yamlread_text(r, node, "description", &text)) != AK_OK)
			return err;
		if (!policy_is_line(text))
			return yamlread_refuse(
			    r, node, "description: one line, without control characters");
	}
	*column = image_make_string(m, text);
	return AK_OK;
}

static enum ak_err
compile_role(const struct yamlread *r, const struct yaml_node *key, struct image_make *m)
{
	const struct yaml_node *role = key->next, *node;
	uint32_t row[IMAGE_ROLE_COLUMNS] = {0};
	bool root_equivalent = false;
	enum ak_err err;

	if ((err = yamlread_keys(r, role, "a role", known)) != AK_OK)
		return err;
	if ((node = yamlread_get(role, "root_equivalent")) != NULL &&
	    (err = yamlread_bool(r, node, "root_equivalent", &root_equivalent)) != AK_OK)
		return err;
	row[IMAGE_ROLE_NAME] = image_make_string(m, key->text);
	row[IMAGE_ROLE_FLAGS] = root_equivalent ? IMAGE_ROLE_ROOT_EQUIVALENT : 0;
	row[IMAGE_ROLE_LINE] = key->line;
	row[IMAGE_ROLE_COL] = key->col;
	if ((err = read_description(r, role, m, &row[IMAGE_ROLE_DESCRIPTION])) != AK_OK)
		return err;
	if ((err = read_list(r, role, "services", policy_is_glob,
		 "a PAM service (`*' is the only wildcard)", m, &row[IMAGE_ROLE_SERVICES])) !=
		AK_OK ||
	    (err = read_list(r, role, "accounts", policy_is_glob,
		 "a local account (`*' is the only wildcard)", m, &row[IMAGE_ROLE_ACCOUNTS])) !=
		AK_OK)
		return err;
	if ((err = read_list(r, role, "unix_groups", text_is_key_name,
		 "a Unix group's name (lower-case letters, digits, - and _; 31 at most)", m,
		 &row[IMAGE_ROLE_UNIX_GROUPS])) != AK_OK)
		return err;
	image_make_row(m, IMAGE_ROLES, row, IMAGE_ROLE_COLUMNS);
	return AK_OK;
}

enum ak_err
policy_compile_roles(struct policy_build *b, const struct yaml_node *node)
{
	const struct yaml_node **keys = NULL;
	size_t n = 0;
	enum ak_err err = AK_OK;

	if (node != NULL &&
	    ((err = yamlread_mapping(b->r, node, "`roles'")) != AK_OK ||
		(err = policy_sort_keys(b->r, node, "a role", text_is_policy_name,
		     POLICY_NAME_SHAPE, &keys, &n)) != AK_OK))
		return err;
	err = policy_names_init(&b->roles, b->r, n);
	for (uint32_t i = 0; i < n && err == AK_OK; i++) {
		policy_names_add(&b->roles, keys[i]->text, i);
		err = compile_role(b->r, keys[i], b->m);
	}
	free(keys);
	return err;
}
