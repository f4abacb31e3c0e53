#include "pamstack.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LINES_MAX 1024U
#define DEPTH_MAX 16U
#define BLANK " \t\n"

struct reader {
	const char *const *dirs;
	enum pamstack_phase phase;
	struct pamstack *out;
};

/* The file that is read, and how deep it lies in others and in substacks. */
struct place {
	const char *file;
	unsigned line, depth, level;
	bool continued; /* the line goes on in the next */
	bool one_phase; /* included for it alone */
};

enum inclusion { WHOLE_FILE, PHASE, SUBSTACK };

static const char *const phases[] = {
    [PAMSTACK_AUTH] = "auth", [PAMSTACK_ACCOUNT] = "account", [PAMSTACK_SESSION] = "session"};

/* In libpam's order: their places are their numbers. */
static const char *const codes[PAMSTACK_CODES] = {"success", "open_err", "symbol_err",
    "service_err", "system_err", "buf_err", "perm_denied", "auth_err", "cred_insufficient",
    "authinfo_unavail", "user_unknown", "maxtries", "new_authtok_reqd", "acct_expired",
    "session_err", "cred_unavail", "cred_expired", "cred_err", "no_module_data", "conv_err",
    "authtok_err", "authtok_recover_err", "authtok_lock_busy", "authtok_disable_aging",
    "try_again", "ignore", "abort", "authtok_expired", "module_unknown", "bad_item",
    "conv_again", "incomplete"};

static const struct {
	const char *word;
	enum pamstack_action action;
} actions[] = {{"ignore", PAMSTACK_DO_IGNORE}, {"ok", PAMSTACK_DO_OK},
    {"done", PAMSTACK_DO_DONE}, {"bad", PAMSTACK_DO_BAD}, {"die", PAMSTACK_DO_DIE},
    {"reset", PAMSTACK_DO_RESET}};

static const struct {
	const char *word, *means;
} controls[] = {
    {"required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad"},
    {"requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die"},
    {"optional", "success=ok new_authtok_reqd=ok default=ignore"},
    {"sufficient", "success=done new_authtok_reqd=done default=ignore"},
};

const char *
pamstack_phase_name(enum pamstack_phase phase)
{
	return phases[phase];
}

struct strv
pamstack_args(const struct pamstack_line *l)
{
	return (struct strv){.bytes = l->args, .len_b = l->args_len_b};
}

bool
pamstack_is(const struct pamstack_line *l, const char *file)
{
	const char *slash = strrchr(l->module, '/');

	return strcmp(slash == NULL ? l->module : slash + 1, file) == 0;
}

void
pamstack_clear(struct pamstack *s)
{
	free(s->v);
	*s = PAMSTACK_INIT;
}

/* The next word, cut out of *at; one in brackets without them, `\]' in it for `]'. NULL: there is none. */
static char *
next_word(char **at)
{
	char *word = *at + strspn(*at, BLANK), *to, *from;

	*at = word;
	if (*word == '\0')
		return NULL;
	if (*word != '[') {
		*at = word + strcspn(word, BLANK);
		if (**at != '\0')
			*(*at)++ = '\0';
		return word;
	}
	for (to = from = ++word; *from != '\0' && *from != ']'; from++) {
		if (from[0] == '\\' && from[1] == ']')
			from++;
		*to++ = *from;
	}
	*at = *from == '\0' ? from : from + 1;
	*to = '\0';
	return word;
}

/* Is this what stands there? Then behind it, as libpam does it: whatever follows. */
static bool
take_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

/* false: no action. */
static bool
take_action(const char **at, int *out)
{
	int n = 0;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (take_word(at, actions[i].word)) {
			*out = actions[i].action;
			return true;
		}
	for (; isdigit((unsigned char)**at); (*at)++)
		n = n < (int)LINES_MAX ? n * 10 + **at - '0' : n;
	*out = n;
	return n > 0;
}

static void
set_all(int into[PAMSTACK_CODES], int action)
{
	for (size_t i = 0; i < PAMSTACK_CODES; i++)
		into[i] = action;
}

static void
skip_blanks(const char **at)
{
	while (isspace((unsigned char)**at))
		(*at)++;
}

/* `value = action'; false: it is none. */
static bool
take_pair(const char **at, int into[PAMSTACK_CODES])
{
	size_t code = 0;
	int action;

	while (code < PAMSTACK_CODES && !take_word(at, codes[code]))
		code++;
	if (code == PAMSTACK_CODES && !take_word(at, "default"))
		return false;
	skip_blanks(at);
	if (!take_word(at, "="))
		return false;
	skip_blanks(at);
	if (!take_action(at, &action))
		return false;
	if (code < PAMSTACK_CODES)
		into[code] = action;
	else
		for (size_t i = 0; i < PAMSTACK_CODES; i++)
			if (into[i] == PAMSTACK_DO_FAIL)
				into[i] = action;
	return true;
}

/* As written in brackets, or what a word stands for. One pair that is wrong makes all of them bad. */
static void
read_control(const char *text, int into[PAMSTACK_CODES])
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (strcasecmp(text, controls[i].word) == 0)
			text = controls[i].means;
	set_all(into, PAMSTACK_DO_FAIL);
	for (skip_blanks(&text); *text != '\0'; skip_blanks(&text))
		if (!take_pair(&text, into)) {
			set_all(into, PAMSTACK_DO_BAD);
			return;
		}
}

/* A new line at the stack's end; NULL: no room. */
static struct pamstack_line *
add_line(struct reader *r, const struct place *at)
{
	struct pamstack *s = r->out;
	struct pamstack_line *l;

	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 32 : s->cap * 2;

		if (cap > LINES_MAX || (l = reallocarray(s->v, cap, sizeof(*l))) == NULL)
			return NULL;
		s->v = l;
		s->cap = cap;
	}
	l = &s->v[s->n++];
	*l = (struct pamstack_line){
	    .line = at->line, .continued = at->continued, .level = at->level};
	(void)snprintf(l->file, sizeof(l->file), "%s", at->file);
	read_control("required", l->actions);
	return l;
}

static enum ak_err
add_broken(struct reader *r, const struct place *at)
{
	struct pamstack_line *l = add_line(r, at);

	if (l == NULL)
		return AK_ERR_NOMEM;
	l->broken = true;
	return AK_OK;
}

/* Words that do not fit are left out, and the line is one that no command writes anew. */
static void
take_args(struct pamstack_line *l, char *rest)
{
	char *word;
	size_t len;

	while ((word = next_word(&rest)) != NULL) {
		len = strlen(word) + 1;
		l->continued = l->continued || len > sizeof(l->args) - l->args_len_b;
		if (len == 1 || len > sizeof(l->args) - l->args_len_b)
			continue;
		memcpy(l->args + l->args_len_b, word, len);
		l->args_len_b += len;
	}
}

static enum ak_err
add_module(struct reader *r, const struct place *at, const char *control, char *rest)
{
	const char *module = next_word(&rest);
	struct pamstack_line *l;

	if (module == NULL || (l = add_line(r, at)) == NULL)
		return module == NULL ? add_broken(r, at) : AK_ERR_NOMEM;
	read_control(control, l->actions);
	if (module[0] == '\0' || text_copy(l->module, sizeof(l->module), module) != AK_OK)
		l->broken = true;
	take_args(l, rest);
	return AK_OK;
}

static enum ak_err read_file(struct reader *r, const char *name, const struct place *from);

/* What can't be included is a line that fails. */
static enum ak_err
include(struct reader *r, const struct place *at, const char *name, enum inclusion how)
{
	struct place from = *at;
	struct pamstack_line *l;
	enum ak_err err;

	if (name == NULL)
		return add_broken(r, at);
	from.one_phase = how != WHOLE_FILE;
	if (how == SUBSTACK) {
		if ((l = add_line(r, at)) == NULL)
			return AK_ERR_NOMEM;
		l->substack = true;
		from.level++;
	}
	err = from.depth + 1 > DEPTH_MAX ? AK_ERR_INVALID : read_file(r, name, &from);
	return err == AK_OK || err == AK_ERR_NOMEM ? err : add_broken(r, at);
}

/* One line, without comment and continuation. */
static enum ak_err
take_line(struct reader *r, const struct place *at, char *text)
{
	char *word = next_word(&text), *control;
	bool known = false;

	if (word == NULL)
		return AK_OK;
	if (strcasecmp(word, "@include") == 0)
		return include(r, at, next_word(&text), WHOLE_FILE);
	word += word[0] == '-';
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		known = known || strcasecmp(word, phases[i]) == 0;
	/* What libpam does not know fails where it stands, and in auth where that is not known either. */
	if (!known && strcasecmp(word, "password") != 0)
		return at->one_phase || r->phase == PAMSTACK_AUTH ? add_broken(r, at) : AK_OK;
	if (strcasecmp(word, phases[r->phase]) != 0)
		return AK_OK;
	if ((control = next_word(&text)) == NULL)
		return add_broken(r, at);
	if (strcasecmp(control, "include") == 0 || strcasecmp(control, "substack") == 0)
		return include(r, at, next_word(&text),
		    strcasecmp(control, "substack") == 0 ? SUBSTACK : PHASE);
	return add_module(r, at, control, text);
}

/* A comment ends a line; a backslash at its end does not. */
static enum ak_err
read_lines(struct reader *r, struct place *at, FILE *f)
{
	char *line = NULL, *whole = NULL, *grown, *hash;
	size_t cap_b = 0, len = 0, n;
	unsigned number = 0;
	enum ak_err err = AK_OK;

	while (err == AK_OK && getline(&line, &cap_b, f) != -1) {
		bool goes_on;

		number++;
		at->continued = len > 0;
		if (len == 0)
			at->line = number;
		if ((hash = strchr(line, '#')) != NULL)
			*hash = '\0';
		n = strlen(line);
		while (n > 0 && isspace((unsigned char)line[n - 1]))
			n--;
		if ((goes_on = hash == NULL && n > 0 && line[n - 1] == '\\'))
			line[n - 1] = ' ';
		if ((grown = realloc(whole, len + n + 1)) == NULL) {
			err = AK_ERR_NOMEM;
			break;
		}
		whole = grown;
		memcpy(whole + len, line, n);
		len += n;
		whole[len] = '\0';
		if (goes_on)
			continue;
		err = take_line(r, at, whole);
		len = 0;
	}
	if (err == AK_OK && (ferror(f) || len > 0))
		err = len > 0 ? add_broken(r, at) : AK_ERR_UNAVAILABLE;
	free(line);
	free(whole);
	return err;
}

/* Never waits: what is no regular file is not read. */
static FILE *
open_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return NULL;
	if (S_ISREG(st.st_mode))
		return fopen(path, "re");
	errno = EINVAL;
	return NULL;
}

static enum ak_err
read_file(struct reader *r, const char *name, const struct place *from)
{
	char path[PATH_CAP];
	struct place at = *from;
	enum ak_err err;
	FILE *f = NULL;

	errno = ENOENT;
	for (size_t i = 0; r->dirs[i] != NULL && f == NULL && errno == ENOENT; i++) {
		struct text t = text_over(path, sizeof(path));

		text_add(&t, "%s%s%s", name[0] == '/' ? "" : r->dirs[i],
		    name[0] == '/' ? "" : "/", name);
		if (t.cut)
			return AK_ERR_RANGE;
		f = open_file(path);
	}
	if (f == NULL)
		return errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
	at.file = path;
	at.depth++;
	err = read_lines(r, &at, f);
	(void)fclose(f);
	return err;
}

enum ak_err
pamstack_read(const char *const dirs[], const char *service, enum pamstack_phase phase,
    struct pamstack *out, struct diag *why)
{
	struct reader r = {.dirs = dirs, .phase = phase, .out = out};
	const struct place top = {.file = ""};
	enum ak_err err;

	*out = PAMSTACK_INIT;
	err = read_file(&r, service, &top);
	if (err == AK_OK && out->n == 0) {
		out->other = true;
		err = read_file(&r, "other", &top);
		if (err == AK_ERR_NOT_FOUND)
			err = AK_OK;
	}
	if (err != AK_OK && err != AK_ERR_NOT_FOUND)
		return diag_because(why, err, "the PAM service %s can't be read: %s", service,
		    ak_strerror(err));
	return err;
}
