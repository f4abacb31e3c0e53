#include "policy_warn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_dead.h"
#include "policy_section.h"
#include "role_set.h"
#include "yamltree.h"

struct warning {
	const char *file;
	const struct image *im;
	const struct policy_warn *out;
	const char **used; /* the names of those that are, ascending */
	uint32_t n_used;
};

static void warn(const struct warning *w, unsigned line, unsigned col, const char *fmt, ...)
    AK_PRINTF(4, 5);

static void
warn(const struct warning *w, unsigned line, unsigned col, const char *fmt, ...)
{
	char sentence[400];
	struct diag d = DIAG_INIT;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	(void)diag_say(&d, AK_OK, w->file, line, col, "%s", sentence);
	w->out->take(w->out->ctx, &d);
}

/* Can a key be called so? The `*` stands for anything. */
static bool
can_be_login(const char *glob)
{
	size_t n = 0;

	for (const char *c = glob; *c != '\0'; c++) {
		bool lower = *c >= 'a' && *c <= 'z', digit = *c >= '0' && *c <= '9';

		if (*c == '*')
			continue;
		if (!lower && *c != '_' && (c == glob || (!digit && *c != '-')))
			return false;
		n++;
	}
	return n <= KEY_NAME_MAX;
}

static void
check_glob(const struct warning *w, const char *predicate, const struct yaml_node *glob)
{
	bool login = strcmp(predicate, "login") == 0;

	if (strspn(glob->text, "*") == strlen(glob->text))
		warn(w, glob->line, glob->col,
		    "%s: `%.80s' matches every one: leave it out, or say `always: true'",
		    predicate, glob->text);
	else if (login && !can_be_login(glob->text))
		warn(w, glob->line, glob->col,
		    "login: no key can be called `%.80s': lower-case letters, digits, - and _, "
		    "%d at most",
		    glob->text, KEY_NAME_MAX);
}

static void
check_time(const struct warning *w, const struct yaml_node *time)
{
	static const char *const parts[] = {"days", "hours", "dates"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (yamlread_get(time, parts[i]) != NULL)
			return;
	warn(w, time->line, time->col, "time: without days, hours or dates it is always");
}

/* What stands in conditions anywhere. Recursion is as deep as yamltree lets a file be: 64. */
static void
check_condition(const struct warning *w, const struct yaml_node *condition)
{
	static const char *const globs[] = {"login", "service", "account"};
	static const char *const nested[] = {"not", "any", "all"};
	const struct yaml_node *list;

	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		list = yamlread_get(condition, globs[i]);
		for (const struct yaml_node *c = list == NULL ? NULL : policy_first_entry(list);
		     c != NULL; c = policy_next_entry(list, c))
			check_glob(w, globs[i], c);
	}
	list = yamlread_get(condition, "time");
	for (const struct yaml_node *c = list == NULL ? NULL : policy_first_entry(list);
	     c != NULL; c = policy_next_entry(list, c))
		check_time(w, c);
	for (size_t i = 0; i < sizeof(nested) / sizeof(nested[0]); i++) {
		list = yamlread_get(condition, nested[i]);
		for (const struct yaml_node *c = list == NULL ? NULL : policy_first_entry(list);
		     c != NULL; c = policy_next_entry(list, c))
			check_condition(w, c);
	}
}

/* The items of a section are the image's rules, in their order. */
static void
check_rules(const struct warning *w, struct policy_dead *dead, enum image_rules kind,
    const struct yaml_node *list)
{
	const struct yaml_node *item = list == NULL ? NULL : list->first;

	for (uint32_t i = 0; i < image_count_rules(w->im, kind) && item != NULL;
	     i++, item = item->next) {
		if (policy_dead_is(dead, kind, i))
			warn(w, item->line, item->col,
			    "this rule can never fire: its parts exclude each other");
		check_condition(w, item);
	}
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum ak_err
find_used(struct warning *w)
{
	uint32_t n = image_count_nodes(w->im);

	if ((w->used = calloc((size_t)n + 1, sizeof(*w->used))) == NULL)
		return AK_ERR_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct image_node node = image_node(w->im, i);

		if (node.op == IMAGE_OP_IS)
			w->used[w->n_used++] = image_definition(w->im, node.number).name;
	}
	qsort(w->used, w->n_used, sizeof(*w->used), compare_names);
	return AK_OK;
}

static void
check_definitions(const struct warning *w, const struct yaml_node *define)
{
	const struct yaml_node *key = define == NULL ? NULL : define->first;

	for (; key != NULL; key = key->next->next) {
		check_condition(w, key->next);
		if (bsearch(&key->text, w->used, w->n_used, sizeof(*w->used), compare_names) ==
		    NULL)
			warn(w, key->line, key->col, "definition `%s' is not used", key->text);
	}
}

/* By a group or a grant. */
static enum ak_err
find_given(const struct image *im, struct role_set *given)
{
	enum ak_err err = role_set_init(given, image_count_roles(im));

	for (uint32_t g = 0; g < image_count_groups(im) && err == AK_OK; g++) {
		struct image_group group = image_group(im, g);

		for (uint32_t i = 0; i < group.n; i++)
			role_set_add(given, image_group_binding(im, group.first + i).role);
	}
	for (uint32_t i = 0; i < image_count_rules(im, IMAGE_GRANT_RULES) && err == AK_OK; i++)
		role_set_add(given, image_rule(im, IMAGE_GRANT_RULES, i).grants.role);
	return err;
}

static enum ak_err
check_roles(const struct warning *w)
{
	struct role_set given;
	enum ak_err err = find_given(w->im, &given);

	for (uint32_t i = 0; i < image_count_roles(w->im) && err == AK_OK; i++) {
		struct image_role r = image_role(w->im, i);

		if (strv_has(r.accounts, "root"))
			warn(w, r.line, r.col,
			    "role `%s': root is never entered with a key: give it sudo instead",
			    r.name);
		if (w->out->is_bound != NULL && !role_set_has(&given, i) &&
		    !w->out->is_bound(w->out->ctx, r.name))
			warn(w, r.line, r.col, "role `%s' is given to nobody", r.name);
	}
	role_set_clear(&given);
	return err;
}

static void
check_accounts(const struct warning *w)
{
	for (uint32_t i = 0; i < image_count_accounts(w->im); i++) {
		struct image_account a = image_account(w->im, i);
		bool opened = false;

		for (uint32_t k = 0; k < image_count_roles(w->im) && !opened; k++)
			opened = strv_glob(image_role(w->im, k).accounts, a.name);
		if (!opened)
			warn(w, a.line, a.col, "account `%s': no role opens it%s", a.name,
			    a.only_keys ? ", so nobody can enter it" : "");
	}
}

/* It has no line here: it is a word of another file. */
static void
check_may_grant(const struct warning *w, const struct yaml_node *roles)
{
	strv_for (image_borrow_settings(w->im)->directory.may_grant, role) {
		if (strcmp(role, "*") != 0 && image_find_role(w->im, role) == IMAGE_NONE)
			warn(w, roles == NULL ? 1 : roles->line, roles == NULL ? 1 : roles->col,
			    "may_grant in apikey.yaml names `%s', which is no role here", role);
	}
}

static void
check_whole(const struct warning *w, const struct yaml_node *root)
{
	const struct yaml_node *allow = yamlread_get(root, "allow");
	const struct yaml_node *groups = yamlread_get(root, "groups");
	const struct yaml_node *grant = yamlread_get(root, "grant");
	enum image_strategy strategy = image_policy(w->im).strategy;

	if (allow != NULL && allow->first == NULL)
		warn(w, allow->line, allow->col,
		    "allow is empty, so every key is denied: remove it to admit them all");
	if (strategy == IMAGE_POLICY_ONLY && groups != NULL && groups->first != NULL)
		warn(w, groups->line, groups->col,
		    "groups give no role with `strategy: policy'");
	if (strategy == IMAGE_DIRECT && grant != NULL && grant->first != NULL)
		warn(w, grant->line, grant->col, "grants give no role with `strategy: direct'");
}

static enum ak_err
check_tree(struct warning *w, const struct yaml_node *root)
{
	static const char *const sections[IMAGE_N_RULES] = {[IMAGE_ALLOW_RULES] = "allow",
	    [IMAGE_DENY_RULES] = "deny",
	    [IMAGE_GRANT_RULES] = "grant",
	    [IMAGE_SAMPLE_RULES] = "sample"};
	struct policy_dead dead;
	enum ak_err err = policy_dead_init(&dead, w->im);

	if (err == AK_OK)
		err = find_used(w);
	if (err == AK_OK)
		err = check_roles(w);
	if (err == AK_OK) {
		check_whole(w, root);
		check_may_grant(w, yamlread_get(root, "roles"));
		check_accounts(w);
		check_definitions(w, yamlread_get(root, "define"));
		for (unsigned i = 0; i < IMAGE_N_RULES; i++)
			check_rules(
			    w, &dead, (enum image_rules)i, yamlread_get(root, sections[i]));
	}
	policy_dead_clear(&dead);
	free(w->used);
	return err;
}

enum ak_err
policy_warnings(const char *bytes, size_t len_b, const char *file, const struct image *im,
    const struct policy_warn *out, struct diag *why)
{
	struct warning w = {.file = file, .im = im, .out = out};
	struct yaml_doc *doc = NULL;
	enum ak_err err = yamltree_parse(bytes, len_b, file, &doc, why);

	if (err == AK_OK)
		err = check_tree(&w, yamltree_root_borrow(doc));
	yamltree_free(&doc);
	return err == AK_ERR_NOMEM ? diag_because(why, err, "out of memory") : err;
}
