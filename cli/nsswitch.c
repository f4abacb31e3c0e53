#include "nsswitch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
read_criterion(char *pair, struct nsswitch_service *s)
{
	static const char *const statuses[] = {"success", "notfound", "unavail", "tryagain"};
	static const char *const actions[] = {"continue", "return", "merge"};
	char *action = strchr(pair, '=');
	bool negated = pair[0] == '!', status_ok = false, action_ok = false;

	if (action == NULL)
		return false;
	*action++ = '\0';
	pair += negated;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		status_ok = status_ok || strcasecmp(pair, statuses[i]) == 0;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		action_ok = action_ok || strcasecmp(action, actions[i]) == 0;
	if ((strcasecmp(pair, "success") == 0) != negated) {
		s->success_merge = strcasecmp(action, "merge") == 0;
		s->success_return = strcasecmp(action, "return") == 0;
		s->success_goes_on = s->success_merge || strcasecmp(action, "continue") == 0;
	}
	if ((strcasecmp(pair, "notfound") == 0) != negated)
		s->notfound_return = strcasecmp(action, "return") == 0;
	return status_ok && action_ok;
}

/* [STATUS=action STATUS=action]: of the service before it. */
static bool
read_criteria(char *text, struct nsswitch *db)
{
	char *rest = NULL;

	if (db->n == 0)
		return false;
	for (char *pair = strtok_r(text, " \t", &rest); pair != NULL;
	     pair = strtok_r(NULL, " \t", &rest))
		if (!read_criterion(pair, &db->v[db->n - 1]))
			return false;
	return true;
}

static void
blame(struct nsswitch *db, const char *word)
{
	if (db->wrong[0] == '\0')
		(void)snprintf(db->wrong, sizeof(db->wrong), "%s", word);
}

static void
read_services(char *at, struct nsswitch *db)
{
	while (*(at += strspn(at, " \t")) != '\0') {
		char *word = at, shown[64];
		bool criteria = *word == '[';

		at += strcspn(at, criteria ? "]" : " \t[");
		if (criteria && *at == '\0') {
			blame(db, word);
			return;
		}
		(void)snprintf(shown, sizeof(shown), "%.*s", (int)(at - word) + criteria, word);
		if (criteria) {
			*at++ = '\0';
			if (!read_criteria(word + 1, db))
				blame(db, shown);
		} else if (db->n == NSSWITCH_SERVICES_MAX ||
			   strlen(shown) >= sizeof(db->v[0].name)) {
			blame(db, shown);
		} else {
			db->v[db->n] = (struct nsswitch_service){.name = ""};
			memcpy(db->v[db->n++].name, shown, strlen(shown) + 1);
		}
	}
}

void
nsswitch_read(const char *text, const char *name, struct nsswitch *out)
{
	char *copy = strdup(text), *at = copy, *line;
	size_t len = strlen(name);
	unsigned number = 0;

	*out = (struct nsswitch){.line = 0};
	while ((line = strsep(&at, "\n")) != NULL) {
		number++;
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t");
		if (strncmp(line, name, len) != 0 || line[len] == '\0' ||
		    strchr(": \t", line[len]) == NULL)
			continue;
		*out = (struct nsswitch){.line = number};
		read_services(line + len + strspn(line + len, ": \t"), out);
	}
	free(copy);
}

size_t
nsswitch_find(const struct nsswitch *db, const char *service)
{
	size_t i = 0;

	while (i < db->n && strcmp(db->v[i].name, service) != 0)
		i++;
	return i;
}
