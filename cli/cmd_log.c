#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "logfiles.h"
#include "logfmt.h"
#include "logfollow.h"
#include "logread.h"
#include "logrow.h"
#include "num.h"
#include "out.h"
#include "verbs.h"

/* Which lines are wanted, how they are written, and how far the log was read. */
struct log {
	const struct cli *c;
	bool json, denied, follow;
	const char *key; /* name or id; NULL: any */
	int64_t since; /* 0: all */
	char since_text[NUM_TIME_CAP]; /* as a line's time begins; "": all */
	struct logrow row;
	struct logread read;
	struct logfiles files; /* the last one is read, and followed */
	uint64_t n, malformed;
};

static enum ak_err
parse(const struct args *a, struct log *l, struct diag *why)
{
	const char *since = args_value(a, ARG_SINCE);
	int64_t since_s;

	l->json = a->output == OUTPUT_JSON;
	l->denied = args_has(a, ARG_DENIED);
	l->follow = args_has(a, ARG_FOLLOW);
	l->key = args_value(a, ARG_KEY);
	if (since == NULL)
		return AK_OK;
	if (num_parse_duration(since, &since_s) != AK_OK || since_s == NUM_NEVER)
		return diag_because(
		    why, AK_ERR_INVALID, "--since `%.40s' is no duration: write 1h", since);
	l->since = l->c->host.now(l->c->host.ctx) - since_s;
	(void)num_print_time(l->since, l->since_text);
	l->since_text[strcspn(l->since_text, "Z")] = '\0';
	return AK_OK;
}

/* Times are written alike, so that they sort as texts do. */
static bool
is_too_old(const struct log *l, const char *line)
{
	return l->since_text[0] != '\0' && strncmp(line, "time=", 5) == 0 &&
	       strncmp(line + 5, l->since_text, strlen(l->since_text)) < 0;
}

static bool
is_about(const struct logfmt *line, const char *word)
{
	const char *key = logfmt_find(line, "key"), *id = logfmt_find(line, "id"),
		   *user = logfmt_find(line, "user");

	if (key == NULL)
		return user != NULL && strcmp(user, word) == 0;
	return strcmp(key, word) == 0 || (id != NULL && strcmp(id, word) == 0);
}

static bool
is_wanted(const struct log *l, const struct logfmt *line)
{
	const char *decision = logfmt_find(line, "decision");

	if (l->denied && (decision == NULL || strcmp(decision, "deny") != 0))
		return false;
	return l->key == NULL || is_about(line, l->key);
}

/* A list, but for what has no end: that is one document a line. */
static enum ak_err
print_json(struct log *l, const struct logfmt *line)
{
	struct out_json *j = out_json_new();
	enum ak_err err;

	if (!l->follow)
		(void)fputs(l->n == 0 ? "\n" : ",\n", l->c->out);
	out_object(j, NULL);
	for (unsigned i = 0; i < line->n; i++)
		out_text(j, line->fields[i].name, line->fields[i].value);
	err = out_json_print(&j, OUT_ONE_LINE, l->c->out);
	if (l->follow)
		(void)fputc('\n', l->c->out);
	return err;
}

static enum ak_err
take_line(struct log *l, char *text, size_t len_b)
{
	struct logfmt line;
	enum ak_err err = AK_OK;

	if (text != NULL && (len_b == 0 || is_too_old(l, text)))
		return AK_OK;
	if (text == NULL || logfmt_parse(text, len_b, &line) != AK_OK ||
	    logfmt_find(&line, "event") == NULL) {
		l->malformed++;
		return AK_OK;
	}
	if (!is_wanted(l, &line) || (!l->json && !logrow_is_shown(&line)))
		return AK_OK;
	if (l->json)
		err = print_json(l, &line);
	else
		logrow_print(&l->row, &line, l->c->out);
	l->n++;
	return err;
}

/* What there is of the file. end: nothing more will come. */
static enum ak_err
read_on(struct log *l, bool end, const struct logfile *f, struct diag *why)
{
	enum ak_err err;
	size_t len_b;
	char *text;

	while ((err = logread_next(&l->read, end, &text, &len_b)) == AK_OK)
		if ((err = take_line(l, text, len_b)) != AK_OK || ferror(l->c->out))
			return err;
	if (err == AK_ERR_UNAVAILABLE)
		return diag_say(why, err, f->path, 0, 0, "%s", strerror(errno));
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

/* From one of the files to the newest. */
static enum ak_err
read_from(struct log *l, size_t at, struct diag *why)
{
	enum ak_err err = AK_OK;

	for (; at < l->files.n && err == AK_OK && !ferror(l->c->out); at++) {
		bool last = at + 1 == l->files.n;

		logread_start(&l->read, l->files.v[at].fd);
		err = read_on(l, !last || !l->follow, &l->files.v[at], why);
	}
	return err;
}

static void
say_malformed(struct log *l)
{
	if (l->malformed > 0)
		cli_warn(l->c, "%llu lines are none of the audit log's, and are left out",
		    (unsigned long long)l->malformed);
	l->malformed = 0;
}

/* Has the file that is followed the log's name still? A moment without any file of that name counts. */
static bool
is_current(const struct log *l, const struct logfile *f)
{
	struct stat st;

	if (stat(l->c->paths.audit, &st) == -1)
		return true;
	return st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino;
}

/* The file that was followed, and those that came after it. */
static enum ak_err
change_files(struct log *l, struct diag *why)
{
	struct logfiles now = LOGFILES_INIT, old = l->files;
	const struct logfile *had = old.n == 0 ? NULL : &old.v[old.n - 1];
	enum ak_err err = logfiles_open(l->c->paths.audit, 0, &now, why);
	size_t next = 0;

	if (err != AK_OK)
		return err;
	for (size_t i = 0; had != NULL && i < now.n; i++)
		if (now.v[i].st.st_dev == had->st.st_dev && now.v[i].st.st_ino == had->st.st_ino)
			next = i + 1;
	if (had != NULL)
		err = read_on(l, true, had, why);
	/* One that was deleted has the newest alone for its heir. */
	if (had != NULL && next == 0 && now.n > 0)
		next = now.n - 1;
	l->files = now;
	logfiles_close(&old);
	return err == AK_OK ? read_from(l, next, why) : err;
}

static enum ak_err
look_again(struct log *l, struct diag *why)
{
	const struct logfile *f = l->files.n == 0 ? NULL : &l->files.v[l->files.n - 1];
	struct stat st;

	if (f == NULL || !is_current(l, f))
		return change_files(l, why);
	if (fstat(f->fd, &st) == 0 && st.st_size < l->read.at)
		logread_start(&l->read, f->fd);
	return read_on(l, false, f, why);
}

/* Until the reader of what is printed has gone, which is an end like any. */
static enum ak_err
follow(struct log *l, const struct logfollow *w, struct diag *why)
{
	enum ak_err err = AK_OK;

	while (err == AK_OK) {
		say_malformed(l);
		if (fflush(l->c->out) != 0 || ferror(l->c->out)) {
			if (errno == EPIPE) {
				__fpurge(l->c->out);
				clearerr(l->c->out);
			}
			return AK_OK;
		}
		if ((err = logfollow_wait(w, fileno(l->c->out), why)) == AK_OK)
			err = look_again(l, why);
	}
	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

static enum ak_err
print_all(struct log *l, struct diag *why)
{
	enum ak_err err = logfiles_open(l->c->paths.audit, l->since, &l->files, why);

	if (err != AK_OK)
		return err;
	if (!l->json)
		logrow_print_headings(&l->row, l->c->out);
	else if (!l->follow)
		(void)fputc('[', l->c->out);
	err = read_from(l, 0, why);
	if (l->json && !l->follow)
		(void)fputs(l->n == 0 ? "]\n" : "\n]\n", l->c->out);
	return err;
}

static enum ak_err
print_and_follow(struct log *l, struct diag *why)
{
	struct logfollow w = {.fd = -1};
	enum ak_err err = AK_OK;

	if (l->follow)
		err = logfollow_open(l->c->paths.audit, &w, why);
	if (err == AK_OK)
		err = print_all(l, why);
	if (err == AK_OK && l->follow)
		err = follow(l, &w, why);
	logfollow_close(&w);
	return err;
}

int
cmd_log(struct cli *c, const struct args *a)
{
	struct log l = {.c = c, .row = logrow_init(), .files = LOGFILES_INIT};
	struct diag why = DIAG_INIT;
	enum ak_err err;

	if ((err = parse(a, &l, &why)) == AK_OK && (err = logread_init(&l.read)) == AK_OK)
		err = print_and_follow(&l, &why);
	say_malformed(&l);
	logread_clear(&l.read);
	logfiles_close(&l.files);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
