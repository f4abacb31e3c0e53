#include "sshdlogin.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

const struct sshdlogin_list sshdlogin_lists[] = {{"denyusers", "DenyUsers", false, true},
    {"allowusers", "AllowUsers", true, true}, {"denygroups", "DenyGroups", false, false},
    {"allowgroups", "AllowGroups", true, false}, {.shown = NULL}};

struct methods {
	const struct sshdconf *conf;
	bool public_keys;
};

struct user {
	const char *name, *groups;
	const struct sshdlogin_list *list;
};

/* One of several that must all be met. */
static bool
meets_one(const struct methods *m, const char *method, bool alone)
{
	if (strcmp(method, "password") == 0)
		return sshdconf_is(m->conf, "passwordauthentication", "yes");
	if (strcmp(method, "keyboard-interactive") == 0)
		return sshdconf_is(m->conf, "kbdinteractiveauthentication", "yes");
	if (strcmp(method, "publickey") == 0)
		return !alone || m->public_keys;
	return strcmp(method, "any") == 0;
}

/* `publickey,password:…': every one of them, in turn. */
static bool
meets(void *ctx, const char *word)
{
	char copy[256], *at = copy, *one;
	bool can = text_copy(copy, sizeof(copy), word) == AK_OK;

	while (can && (one = strsep(&at, ",")) != NULL) {
		one[strcspn(one, ":")] = '\0';
		can = meets_one(ctx, one, strchr(word, ',') == NULL);
	}
	return can;
}

bool
sshdlogin_can_meet(const struct sshdconf *conf, bool public_keys)
{
	struct methods m = {.conf = conf, .public_keys = public_keys};

	return sshdconf_any(conf, "authenticationmethods", meets, &m);
}

/* USER or USER@HOST. Who may come from some hosts may come; who may not from some, too. */
static bool
is_user(const struct user *u, const char *pattern)
{
	char name[256];

	if (!u->list->allows && strchr(pattern, '@') != NULL)
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(pattern, "@"), pattern);
	return fnmatch(name, u->name, 0) == 0;
}

static bool
is_group(const struct user *u, const char *pattern)
{
	char groups[4096], *rest = NULL;

	(void)snprintf(groups, sizeof(groups), "%s", u->groups);
	for (char *g = strtok_r(groups, " \n", &rest); g != NULL;
	     g = strtok_r(NULL, " \n", &rest))
		if (fnmatch(pattern, g, 0) == 0)
			return true;
	return false;
}

static bool
is_meant(void *ctx, const char *pattern)
{
	const struct user *u = ctx;

	return u->list->by_name ? is_user(u, pattern) : is_group(u, pattern);
}

static bool
is_any(void *ctx, const char *word)
{
	(void)ctx;
	(void)word;
	return true;
}

bool
sshdlogin_keeps_out(
    const struct sshdconf *conf, size_t list, const char *name, const char *groups)
{
	const struct sshdlogin_list *l = &sshdlogin_lists[list];
	struct user u = {.name = name, .groups = groups, .list = l};

	if (!sshdconf_any(conf, l->keyword, is_any, NULL) || (l->by_name && name[0] == '\0'))
		return false;
	return sshdconf_any(conf, l->keyword, is_meant, &u) != l->allows;
}
