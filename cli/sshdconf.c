#include "sshdconf.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor_ask.h"

#define BLANK " \t\r\n"

/* Its complaint comes on its error stream, which a shell takes along. */
bool
sshdconf_ask(const struct doctor *d, const char *user, struct sshdconf *out)
{
	char who[PATH_CAP];
	char sh[] = "/bin/sh", c[] = "-c", run[] = "exec \"$0\" \"$@\" 2>&1";
	char sshd[] = "/usr/sbin/sshd", dump[] = "-T", match[] = "-C";
	char *argv[] = {sh, c, run, sshd, dump, match, who, NULL};

	/* Addresses of nobody: what `Match Address' gives to some networks is not asked. All of them, or sshd refuses a Match that asks for one. */
	(void)snprintf(who, sizeof(who),
	    "user=%s,host=client.invalid,addr=192.0.2.1,laddr=192.0.2.2,lport=22,rdomain=none",
	    user);
	return doctor_tool(d, argv, out->text, sizeof(out->text)) == 0;
}

/* The rest of the line behind the keyword; NULL: it is another's. */
static const char *
value_of(const char *line, const char *keyword)
{
	size_t len = strlen(keyword);

	line += strspn(line, BLANK);
	if (strncasecmp(line, keyword, len) != 0 || line[len] == '\0' ||
	    strchr(" \t=", line[len]) == NULL)
		return NULL;
	return line + len + strspn(line + len, " \t=");
}

static const char *
next_line(const char *at)
{
	const char *end = strchr(at, '\n');

	return end == NULL || end[1] == '\0' ? NULL : end + 1;
}

void
sshdconf_value(const struct sshdconf *s, const char *keyword, char *out, size_t cap)
{
	const char *value;

	out[0] = '\0';
	for (const char *at = s->text; at != NULL; at = next_line(at))
		if ((value = value_of(at, keyword)) != NULL) {
			(void)snprintf(out, cap, "%.*s", (int)strcspn(value, "\n"), value);
			return;
		}
}

bool
sshdconf_is(const struct sshdconf *s, const char *keyword, const char *value)
{
	char have[256];

	sshdconf_value(s, keyword, have, sizeof(have));
	return strcasecmp(have, value) == 0;
}

bool
sshdconf_any(const struct sshdconf *s, const char *keyword,
    bool (*fn)(void *ctx, const char *word), void *ctx)
{
	const char *value;
	char words[1024], *rest;

	for (const char *at = s->text; at != NULL; at = next_line(at)) {
		if ((value = value_of(at, keyword)) == NULL)
			continue;
		(void)snprintf(words, sizeof(words), "%.*s", (int)strcspn(value, "\n"), value);
		rest = NULL;
		for (char *word = strtok_r(words, BLANK, &rest); word != NULL;
		     word = strtok_r(NULL, BLANK, &rest))
			if (fn(ctx, word))
				return true;
	}
	return false;
}

/* A walk over sshd_config and what it includes, in sshd's order. */
struct walk {
	const struct doctor *d;
	const char *keyword, *value;
	unsigned top_line; /* where in sshd_config itself it is */
	struct sshdconf_shape shape;
	struct sshdconf_place *out;
};

static bool walk_file(struct walk *w, const char *name, unsigned depth);

/* A file below /etc, by its whole path or one in ssh/; the doctor reads below its own. */
static bool
walk_included(struct walk *w, const char *pattern, unsigned depth)
{
	char whole[PATH_CAP];
	size_t etc = strlen(w->d->c->host.etc);
	bool found = false;
	glob_t g;
	struct text t = text_over(whole, sizeof(whole));

	if (strncmp(pattern, "/etc/", strlen("/etc/")) == 0)
		text_add(&t, "%s/%s", w->d->c->host.etc, pattern + strlen("/etc/"));
	else
		text_add(&t, "%s/ssh/%s", w->d->c->host.etc, pattern);
	if (w->shape.folder == 0 && strstr(pattern, "sshd_config.d/") != NULL)
		w->shape.folder = w->top_line;
	if (t.cut || glob(whole, 0, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc && !found; i++)
		found = walk_file(w, g.gl_pathv[i] + etc + 1, depth + 1);
	globfree(&g);
	return found;
}

static bool
walk_includes(struct walk *w, const char *value, unsigned depth)
{
	char words[1024], *rest = NULL;

	(void)snprintf(words, sizeof(words), "%s", value);
	for (char *word = strtok_r(words, " \t\"", &rest); word != NULL;
	     word = strtok_r(NULL, " \t\"", &rest))
		if (walk_included(w, word, depth))
			return true;
	return false;
}

static bool
is_wanted(const struct walk *w, const char *line)
{
	const char *value = w->keyword == NULL ? NULL : value_of(line, w->keyword);
	size_t len;

	if (value == NULL)
		return false;
	if (w->value == NULL)
		return true;
	len = strlen(w->value);
	return strncasecmp(value, w->value, len) == 0 &&
	       value[len + strspn(value + len, BLANK)] == '\0';
}

/* `Match User bob Address 10.0.0.0/8' */
static bool
asks_address(const char *criteria)
{
	char words[1024], *rest = NULL;

	(void)snprintf(words, sizeof(words), "%s", criteria);
	for (char *word = strtok_r(words, " \t=\"", &rest); word != NULL;
	     word = strtok_r(NULL, " \t=\"", &rest))
		if (strcasecmp(word, "address") == 0 || strcasecmp(word, "localaddress") == 0 ||
		    strcasecmp(word, "host") == 0)
			return true;
	return false;
}

static bool
walk_file(struct walk *w, const char *name, unsigned depth)
{
	enum ak_err err;
	char *text = depth > 16 ? NULL : doctor_read(w->d, name, &err), *at = text, *line;
	const char *value;
	unsigned number = 0;
	bool found = false;

	while (!found && (line = doctor_line(&at)) != NULL) {
		number++;
		if (depth == 0)
			w->top_line = number;
		if (line[strspn(line, BLANK)] == '#')
			continue;
		if ((value = value_of(line, "match")) != NULL) {
			if (depth == 0 && w->shape.match == 0)
				w->shape.match = number;
			w->shape.by_address = w->shape.by_address || asks_address(value);
		}
		if ((value = value_of(line, "include")) != NULL) {
			found = walk_includes(w, value, depth);
		} else if (is_wanted(w, line)) {
			found = doctor_etc(w->d, name, w->out->file);
			w->out->line = number;
		}
	}
	free(text);
	return found;
}

bool
sshdconf_find(
    const struct doctor *d, const char *keyword, const char *value, struct sshdconf_place *out)
{
	struct walk w = {.d = d, .keyword = keyword, .value = value, .out = out};

	*out = (struct sshdconf_place){.line = 0};
	return walk_file(&w, "ssh/sshd_config", 0);
}

struct sshdconf_shape
sshdconf_shape(const struct doctor *d)
{
	struct sshdconf_place place;
	struct walk w = {.d = d, .out = &place};

	(void)walk_file(&w, "ssh/sshd_config", 0);
	return w.shape;
}
