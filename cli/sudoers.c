#include "sudoers.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_ask.h"

#define DEPTH_MAX 16U
#define BLANK " \t"

struct reader {
	const struct doctor *d;
	void (*take)(void *ctx, const struct sudoers_line *l);
	void *ctx;
};

static enum ak_err read_file(const struct reader *r, const char *name, unsigned depth);

/* Names with a dot, or with a tilde at their end, sudo leaves out. */
static int
is_included(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return strchr(e->d_name, '.') == NULL && e->d_name[len - 1] != '~';
}

static enum ak_err
read_folder(const struct reader *r, const char *name, unsigned depth)
{
	char path[PATH_CAP], one[PATH_CAP];
	struct dirent **v = NULL;
	enum ak_err err = AK_OK;
	int n = doctor_etc(r->d, name, path) ? scandir(path, &v, is_included, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		struct text t = text_over(one, sizeof(one));

		text_add(&t, "%s/%s", name, v[i]->d_name);
		if (!t.cut && err == AK_OK)
			err = read_file(r, one, depth + 1);
		free(v[i]);
	}
	free(v);
	return err;
}

/* "@includedir /etc/sudoers.d": the path, below /etc; NULL: another line, or another place. */
static const char *
included(char *line, const char *word)
{
	size_t len = strlen(word);
	char *path;

	if ((line[0] != '@' && line[0] != '#') || strncmp(line + 1, word, len) != 0 ||
	    line[len + 1] == '\0' || strchr(" \t", line[len + 1]) == NULL)
		return NULL;
	path = line + 1 + len + strspn(line + 1 + len, " \t\"");
	path[strcspn(path, " \t\"\r")] = '\0';
	if (path[0] != '/')
		return path;
	return strncmp(path, "/etc/", strlen("/etc/")) == 0 ? path + strlen("/etc/") : NULL;
}

/* A comment begins with a `#' that no uid follows. */
static void
cut_comment(char *line)
{
	for (char *at = line; (at = strchr(at, '#')) != NULL; at++)
		if (!isdigit((unsigned char)at[1])) {
			*at = '\0';
			return;
		}
}

static enum ak_err
take_line(const struct reader *r, struct sudoers_line *l, unsigned depth)
{
	const char *name;

	l->text += strspn(l->text, BLANK);
	if ((name = included(l->text, "includedir")) != NULL)
		return read_folder(r, name, depth);
	if ((name = included(l->text, "include")) != NULL)
		return read_file(r, name, depth + 1);
	cut_comment(l->text);
	if (l->text[0] != '\0')
		r->take(r->ctx, l);
	return AK_OK;
}

static enum ak_err
read_file(const struct reader *r, const char *name, unsigned depth)
{
	enum ak_err err = AK_ERR_INVALID;
	char *text = depth > DEPTH_MAX ? NULL : doctor_read(r->d, name, &err), *at = text, *end;
	struct sudoers_line l = {.line = 0};
	unsigned number = 0;

	if (text == NULL)
		return depth > 0 ? AK_OK : err;
	/* A line that goes on is made one with the next, in its place. */
	for (end = text; (end = strstr(end, "\\\n")) != NULL; end += 2)
		end[0] = end[1] = '\001';
	err = doctor_etc(r->d, name, l.file) ? AK_OK : AK_ERR_RANGE;
	while (err == AK_OK && (l.text = doctor_line(&at)) != NULL) {
		unsigned more = 0;

		l.line = ++number;
		for (char *c = l.text; *c != '\0'; c++)
			if (*c == '\001') {
				*c = ' ';
				more++;
			}
		number += more / 2;
		err = take_line(r, &l, depth);
	}
	free(text);
	return err;
}

enum ak_err
sudoers_each(
    const struct doctor *d, void (*take)(void *ctx, const struct sudoers_line *l), void *ctx)
{
	const struct reader r = {.d = d, .take = take, .ctx = ctx};

	return read_file(&r, "sudoers", 0);
}

bool
sudoers_has_folder(const struct doctor *d)
{
	enum ak_err err;
	char *text = doctor_read(d, "sudoers", &err), *at = text, *line;
	const char *name;
	bool has = false;

	while (!has && (line = doctor_line(&at)) != NULL) {
		name = included(line + strspn(line, BLANK), "includedir");
		has = name != NULL && strcmp(name, "sudoers.d") == 0;
	}
	free(text);
	return has;
}

/* Up to the comma, without the blanks around; quotes keep commas. NULL: no more. */
static char *
next_of_list(char **at)
{
	char *word = *at, *end;
	bool quoted = false;

	if (word == NULL)
		return NULL;
	word += strspn(word, BLANK);
	for (end = word; *end != '\0' && (quoted || *end != ','); end++)
		quoted = quoted != (*end == '"');
	*at = *end == '\0' ? NULL : end + 1;
	*end = '\0';
	while (end > word && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return word;
}

bool
sudoers_list_any(const char *list, bool (*fn)(void *ctx, const char *word), void *ctx)
{
	char copy[1024], *at = copy, *one;

	if (text_copy(copy, sizeof(copy), list) != AK_OK)
		return true;
	while ((one = next_of_list(&at)) != NULL)
		if (fn(ctx, one))
			return true;
	return false;
}

/* The end of a list: the first blank that no comma stands beside. */
static char *
end_of_list(char *at)
{
	for (at += strspn(at, BLANK); *at != '\0'; at++) {
		char *next = at + strspn(at, BLANK);

		if (next > at && *next != ',' && at[-1] != ',')
			return at;
	}
	return at;
}

bool
sudoers_settings(const struct sudoers_line *l,
    void (*take)(void *ctx, const struct sudoers_line *l, enum sudoers_scope scope,
	const char *users, const char *setting),
    void *ctx)
{
	static const char word[] = "Defaults";
	char copy[2048], *at = copy + strlen(word), *list = at, *setting;
	enum sudoers_scope scope = SUDOERS_EVERYBODY;

	if (strncmp(l->text, word, strlen(word)) != 0 ||
	    text_copy(copy, sizeof(copy), l->text) != AK_OK)
		return false;
	if (*at != '\0' && strchr(":@!>", *at) != NULL) {
		scope = (enum sudoers_scope) * at++;
		list = at + strspn(at, BLANK);
		at = end_of_list(at);
	}
	if (*at != '\0')
		*at++ = '\0';
	else
		list = at;
	while ((setting = next_of_list(&at)) != NULL)
		take(ctx, l, scope, scope == SUDOERS_USERS ? list : "", setting);
	return true;
}

/* `%group HOSTS = (RUNAS) TAG: command, command' */
bool
sudoers_gives_all(const struct sudoers_line *l, const char *group)
{
	char copy[2048], *at, *one, *colon;
	size_t len = strlen(group);

	if (l->text[0] != '%' || strncmp(l->text + 1, group, len) != 0 ||
	    l->text[len + 1] == '\0' || strchr(" \t,", l->text[len + 1]) == NULL ||
	    text_copy(copy, sizeof(copy), l->text) != AK_OK || (at = strchr(copy, '=')) == NULL)
		return false;
	at++;
	while ((one = next_of_list(&at)) != NULL) {
		/* A run-as list and tags stand before the first command of several. */
		if (one[0] == '(' && strchr(one, ')') != NULL)
			one = strchr(one, ')') + 1;
		while ((colon = strchr(one, ':')) != NULL)
			one = colon + 1;
		if (strcmp(one + strspn(one, BLANK), "ALL") == 0)
			return true;
	}
	return false;
}
