#include "fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

/* The order of the line: short ones first. */
enum field {
	FIELD_STATE,
	FIELD_SECRETS,
	FIELD_EXPIRES,
	FIELD_NOT_BEFORE,
	FIELD_ROLES,
	FIELD_GROUPS,
	FIELD_FROM,
	FIELD_OWNER,
	FIELD_DESCRIPTION,
	FIELD_HOME,
	FIELD_SHELL,
};

static const struct {
	const char *name, *before;
} names[] = {
    [FIELD_STATE] = {"state", "state_before"},
    [FIELD_SECRETS] = {"secrets", "secrets_before"},
    [FIELD_EXPIRES] = {"expires", "expires_before"},
    [FIELD_NOT_BEFORE] = {"not_before", "not_before_before"},
    [FIELD_ROLES] = {"roles", "roles_before"},
    [FIELD_GROUPS] = {"groups", "groups_before"},
    [FIELD_FROM] = {"networks", "networks_before"},
    [FIELD_OWNER] = {"owner", "owner_before"},
    [FIELD_DESCRIPTION] = {"description", "description_before"},
    [FIELD_HOME] = {"home", "home_before"},
    [FIELD_SHELL] = {"shell", "shell_before"},
};

_Static_assert(sizeof(names) / sizeof(names[0]) == FIELDS_COUNT, "a name for each");

/* A comma and a blank between two: a binding may have commas of its own. */
static char *
print_list(struct strv v)
{
	char *text = malloc(2 * v.len_b + 1);
	struct text t;

	if (text == NULL)
		return NULL;
	t = text_over(text, 2 * v.len_b + 1);
	strv_for (v, entry) {
		text_add(&t, "%s%s", t.len == 0 ? "" : ", ", entry);
	}
	return text;
}

static char *
print_secrets(const struct key_record *k)
{
	char line[KEY_SECRETS_MAX * (NUM_TIME_CAP + 32)], at[NUM_TIME_CAP];
	struct text t = text_over(line, sizeof(line));

	for (unsigned i = 0; i < k->n_secrets; i++) {
		const struct key_secret *s = &k->secrets[i];

		text_add(&t, "%s%u", i == 0 ? "" : ", ", s->number);
		if (s->not_after != NUM_NEVER)
			text_add(&t, " (until %s)", num_print_time(s->not_after, at));
	}
	return strdup(line);
}

static char *
print_time(int64_t when)
{
	char buf[NUM_TIME_CAP];

	return strdup(num_print_time(when, buf));
}

enum ak_err
fields_take(const struct key_record *k, struct fields *out)
{
	bool whole = true;

	*out = FIELDS_INIT;
	out->v[FIELD_STATE] = strdup(k->state == KEY_DISABLED ? "disabled" : "active");
	out->v[FIELD_SECRETS] = print_secrets(k);
	out->v[FIELD_EXPIRES] = print_time(k->expires_at);
	out->v[FIELD_NOT_BEFORE] = k->not_before == 0 ? strdup("") : print_time(k->not_before);
	out->v[FIELD_ROLES] = print_list(k->bindings);
	out->v[FIELD_GROUPS] = print_list(k->groups);
	out->v[FIELD_FROM] = print_list(k->from);
	out->v[FIELD_OWNER] = strdup(k->owner);
	out->v[FIELD_DESCRIPTION] = strdup(k->description);
	out->v[FIELD_HOME] = strdup(k->home);
	out->v[FIELD_SHELL] = strdup(k->shell);
	for (int i = 0; i < FIELDS_COUNT; i++)
		whole = whole && out->v[i] != NULL;
	return whole ? AK_OK : AK_ERR_NOMEM;
}

void
fields_clear(struct fields *f)
{
	for (int i = 0; i < FIELDS_COUNT; i++)
		free(f->v[i]);
	*f = FIELDS_INIT;
}

void
fields_add_changes(struct audit *line, const struct fields *before, const struct fields *after)
{
	for (int i = 0; i < FIELDS_COUNT; i++) {
		if (before != NULL && strcmp(before->v[i], after->v[i]) == 0)
			continue;
		if (before != NULL)
			audit_add(line, names[i].before, before->v[i]);
		audit_add(line, names[i].name, after->v[i]);
	}
}
