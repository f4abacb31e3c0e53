/* sudoers: what sudoers(5) says of keys: its settings, and which groups may run everything, with their places. */
#ifndef CLI_SUDOERS_H
#define CLI_SUDOERS_H

#include <stdbool.h>

#include "doctor.h"

/* A line of sudoers or of a file that it includes, without comment and continuation. */
struct sudoers_line {
	char file[PATH_CAP];
	unsigned line;
	char *text;
};

/* Each, in sudo's order. AK_ERR_NOT_FOUND: there is no sudoers. */
enum ak_err sudoers_each(const struct doctor *d,
    void (*take)(void *ctx, const struct sudoers_line *l), void *ctx) AK_MUST_CHECK;

/* Does sudoers itself include what lies in /etc/sudoers.d? */
bool sudoers_has_folder(const struct doctor *d);

/* Whom `Defaults' are for: everybody, or as the sign behind the word says. */
enum sudoers_scope {
	SUDOERS_EVERYBODY = ' ',
	SUDOERS_USERS = ':',
	SUDOERS_HOSTS = '@',
	SUDOERS_COMMANDS = '!',
	SUDOERS_RUNAS = '>',
};

/* Is it a line of Defaults? Then each of its settings, in turn; users: the list behind `:', else "". */
bool sudoers_settings(const struct sudoers_line *l,
    void (*take)(void *ctx, const struct sudoers_line *l, enum sudoers_scope scope,
	const char *users, const char *setting),
    void *ctx);

/* Is there a word in a list that commas separate, of which fn says so? A list too long: yes. */
bool sudoers_list_any(const char *list, bool (*fn)(void *ctx, const char *word), void *ctx);

/* Does the line let members of this group run everything? */
bool sudoers_gives_all(const struct sudoers_line *l, const char *group);

#endif
