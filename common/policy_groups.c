#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "policy_section.h"

/* `in: '*'`, a space, or a list of them. */
static enum ak_err
compile_in(struct policy_build *b, const struct yaml_node *in, uint32_t *columns)
{
	const struct yaml_node *first, *second;
	const char *name;
	enum ak_err err;

	if ((err = policy_need_entry(b->r, in, "in")) != AK_OK)
		return err;
	if (in->kind == YAML_SCALAR && strcmp(in->text, "*") == 0) {
		columns[IMAGE_BINDING_SCOPE] = IMAGE_IN_ALL_SPACES;
		return AK_OK;
	}
	columns[IMAGE_BINDING_SCOPE] = IMAGE_IN_SPACES;
	columns[IMAGE_BINDING_PLACES] = b->m->counts[IMAGE_PLACES];
	for (const struct yaml_node *c = policy_first_entry(in); c != NULL;
	     c = policy_next_entry(in, c)) {
		uint32_t space;

		if ((err = yamlread_text(b->r, c, "in", &name)) != AK_OK)
			return err;
		if (strcmp(name, "*") == 0)
			return yamlread_refuse(
			    b->r, c, "in: `*' is every space, and stands alone: write in: '*'");
		if ((space = policy_names_find(&b->spaces, name)) == IMAGE_NONE)
			return yamlread_refuse(b->r, c, "space `%.80s' is not declared", name);
		(void)image_make_row(b->m, IMAGE_PLACES, &space, 1);
		columns[IMAGE_BINDING_PLACES_N]++;
	}
	if (yamltree_find_twins(in, &first, &second) != AK_OK)
		return yamlread_no_memory(b->r);
	if (second != NULL)
		return yamlread_refuse(b->r, second, "in: `%.80s' is given twice", second->text);
	return AK_OK;
}

static enum ak_err
compile_hosts(struct policy_build *b, const struct yaml_node *hosts, uint32_t *columns)
{
	struct pack list = PACK_INIT;
	enum ak_err err;

	if ((err = policy_need_entry(b->r, hosts, "hosts")) != AK_OK)
		return err;
	err = yamlread_list(b->r, hosts, "hosts", net_is_host_name, "a host's name", &list);
	if (err == AK_OK && list.len_b == 0)
		err = yamlread_refuse(
		    b->r, hosts, "hosts has no value: give one, or remove the line");
	columns[IMAGE_BINDING_SCOPE] = IMAGE_ON_HOSTS;
	columns[IMAGE_BINDING_PLACES] = image_make_strv(b->m, pack_borrow_strv(&list));
	columns[IMAGE_BINDING_PLACES_N] = (uint32_t)list.len_b;
	pack_clear(&list);
	return err;
}

enum ak_err
policy_compile_binding(struct policy_build *b, const struct yaml_node *node, uint32_t *columns)
{
	const struct yaml_node *role = yamlread_get(node, "role"), *in, *hosts;
	const char *name;
	enum ak_err err;

	memset(columns, 0, IMAGE_BINDING_COLUMNS * sizeof(*columns));
	columns[IMAGE_BINDING_SCOPE] = IMAGE_GLOBAL;
	columns[IMAGE_BINDING_LINE] = node->line;
	if (role == NULL)
		return yamlread_refuse(b->r, node, "which role? `role: NAME' is missing");
	if ((err = yamlread_text(b->r, role, "role", &name)) != AK_OK)
		return err;
	columns[IMAGE_BINDING_ROLE] = policy_names_find(&b->roles, name);
	if (columns[IMAGE_BINDING_ROLE] == IMAGE_NONE)
		return yamlread_refuse(b->r, role, "role `%.80s' is not declared", name);
	in = yamlread_get(node, "in");
	hosts = yamlread_get(node, "hosts");
	if (in != NULL && hosts != NULL)
		return yamlread_refuse(b->r, hosts,
		    "`in' and `hosts' exclude each other: write one entry for each");
	if (in != NULL)
		return compile_in(b, in, columns);
	return hosts == NULL ? AK_OK : compile_hosts(b, hosts, columns);
}

static enum ak_err
compile_group(struct policy_build *b, const struct yaml_node *key)
{
	static const char *const known[] = {"role", "in", "hosts", NULL};
	const struct yaml_node *list = key->next;
	uint32_t row[IMAGE_GROUP_COLUMNS], columns[IMAGE_BINDING_COLUMNS];
	enum ak_err err;

	if (list->kind == YAML_SCALAR && !yamlread_is_empty(list))
		return yamlread_refuse(b->r, list,
		    "group `%.80s' is a list of roles, as [{role: %.63s}]", key->text,
		    list->text);
	row[IMAGE_GROUP_NAME] = image_make_string(b->m, key->text);
	row[IMAGE_GROUP_FIRST] = b->m->counts[IMAGE_GROUP_BINDINGS];
	row[IMAGE_GROUP_N] = 0;
	if (yamlread_is_empty(list))
		list = NULL;
	for (const struct yaml_node *c = list == NULL ? NULL : policy_first_entry(list);
	     c != NULL; c = policy_next_entry(list, c)) {
		if ((err = yamlread_keys(b->r, c, "a group's entry", known)) != AK_OK ||
		    (err = policy_compile_binding(b, c, columns)) != AK_OK)
			return err;
		(void)image_make_row(b->m, IMAGE_GROUP_BINDINGS, columns, IMAGE_BINDING_COLUMNS);
		row[IMAGE_GROUP_N]++;
	}
	(void)image_make_row(b->m, IMAGE_GROUPS, row, IMAGE_GROUP_COLUMNS);
	return AK_OK;
}

enum ak_err
policy_compile_groups(struct policy_build *b, const struct yaml_node *node)
{
	const struct yaml_node **keys = NULL;
	size_t n = 0;
	enum ak_err err;

	if (node == NULL)
		return AK_OK;
	if ((err = yamlread_mapping(b->r, node, "`groups'")) != AK_OK ||
	    (err = policy_sort_keys(b->r, node, "a group", policy_is_group,
		 "one line without control characters", &keys, &n)) != AK_OK)
		return err;
	for (size_t i = 0; i < n && err == AK_OK; i++)
		err = compile_group(b, keys[i]);
	free(keys);
	return err;
}

/* As a glob, without the wildcard. */
static bool
is_account(const char *s)
{
	return s[0] != '\0' && policy_is_glob(s) && strchr(s, '*') == NULL;
}

static enum ak_err
compile_account(struct policy_build *b, const struct yaml_node *key)
{
	static const char *const known[] = {"only_keys", NULL};
	const struct yaml_node *only;
	uint32_t row[IMAGE_ACCOUNT_COLUMNS];
	bool only_keys = false;
	enum ak_err err;

	if (strcmp(key->text, "root") == 0)
		return yamlread_refuse(b->r, key,
		    "accounts: root is never entered with a key, and must stay open without");
	if ((err = yamlread_keys(b->r, key->next, "an account", known)) != AK_OK)
		return err;
	if ((only = yamlread_get(key->next, "only_keys")) != NULL &&
	    (err = yamlread_bool(b->r, only, "only_keys", &only_keys)) != AK_OK)
		return err;
	row[IMAGE_ACCOUNT_NAME] = image_make_string(b->m, key->text);
	row[IMAGE_ACCOUNT_ONLY_KEYS] = only_keys ? 1 : 0;
	row[IMAGE_ACCOUNT_LINE] = key->line;
	row[IMAGE_ACCOUNT_COL] = key->col;
	(void)image_make_row(b->m, IMAGE_ACCOUNTS, row, IMAGE_ACCOUNT_COLUMNS);
	return AK_OK;
}

enum ak_err
policy_compile_accounts(struct policy_build *b, const struct yaml_node *node)
{
	const struct yaml_node **keys = NULL;
	size_t n = 0;
	enum ak_err err;

	if (node == NULL)
		return AK_OK;
	if ((err = yamlread_mapping(b->r, node, "`accounts'")) != AK_OK ||
	    (err = policy_sort_keys(b->r, node, "a local account", is_account,
		 "no blanks, wildcards, quotes, commas, slashes or brackets", &keys, &n)) !=
		AK_OK)
		return err;
	for (size_t i = 0; i < n && err == AK_OK; i++)
		err = compile_account(b, keys[i]);
	free(keys);
	return err;
}
