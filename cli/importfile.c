#include "importfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exported.h"
#include "importfile_impl.h"

void
importfile_wrong(struct importfile *f, unsigned line, const char *fmt, ...)
{
	struct diag why = DIAG_INIT;
	char text[sizeof(why.text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)diag_say(&why, AK_ERR_DENIED, f->name, line, 0, "%s", text);
	f->n_wrong++;
	f->wrong(f->ctx, &why);
}

/* The line's end, or the file's; longer lines than may be are told. */
struct span {
	const char *at;
	size_t len_b;
};

static bool
next_line(const char **at, const char *end, struct span *out)
{
	const char *stop;

	if (*at == end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	out->at = *at;
	out->len_b = (size_t)((stop == NULL ? end : stop) - *at);
	*at = stop == NULL ? end : stop + 1;
	return true;
}

/* Without it nothing below it means anything. */
static void
take_first(struct jsonin *in, struct importfile *f)
{
	const char *format = jsonin_has(in, "format") ? jsonin_text(in, "format") : "";
	int64_t version = 0;

	if (in->err != AK_OK || strcmp(format, EXPORTED_FORMAT) != 0) {
		in->err = AK_OK;
		*in->why = DIAG_INIT;
		jsonin_fail(in,
		    "is not the first line of what `apikey export` writes: "
		    "{\"format\": \"%s\", \"version\": %d, …}",
		    EXPORTED_FORMAT, EXPORTED_VERSION);
		return;
	}
	version = jsonin_number(in, "version", 1, INT32_MAX);
	if (in->err == AK_OK && version > EXPORTED_VERSION)
		jsonin_fail(in,
		    "is of version %lld, and this apikey reads version %d: import it "
		    "by a newer one",
		    (long long)version, EXPORTED_VERSION);
	f->high.uid_high = (uint32_t)jsonin_number(in, "uid_high", 0, UINT32_MAX);
	f->high.gid_high = (uint32_t)jsonin_number(in, "gid_high", 0, UINT32_MAX);
	jsonin_end(in);
}

static enum ak_err
make_room(struct importfile *f)
{
	size_t cap = f->cap == 0 ? 64 : f->cap * 2;
	struct importline *v;

	if (f->n < f->cap)
		return AK_OK;
	if ((v = reallocarray(f->v, cap, sizeof(*v))) == NULL)
		return AK_ERR_NOMEM;
	f->v = v;
	f->cap = cap;
	return AK_OK;
}

static void
take_record(struct jsonin *in, struct importline *l)
{
	if (jsonin_has(in, "spent_uid")) {
		l->kind = IMPORTLINE_SPENT;
		importfile_take_spent(in, l);
	} else if (jsonin_has(in, "role_group")) {
		l->kind = IMPORTLINE_ROLE_GROUP;
		importfile_take_role_group(in, l);
	} else {
		l->kind = IMPORTLINE_KEY;
		importfile_take_key(in, l);
	}
}

static enum ak_err
take_other(struct jsonin *in, struct importfile *f)
{
	struct importline l = {.line = f->n_lines, .bytes = PACK_INIT};
	enum ak_err err;

	if (f->ended)
		jsonin_fail(in, "stands behind the last line, {\"end\": true}");
	else if (jsonin_has(in, "end")) {
		jsonin_true(in, "end");
		jsonin_end(in);
		f->ended = true;
		return in->err;
	}
	if (in->err == AK_OK)
		take_record(in, &l);
	if ((err = in->err) == AK_OK)
		err = make_room(f);
	if (err == AK_OK)
		f->v[f->n++] = l;
	else
		pack_wipe(&l.bytes);
	return err;
}

static enum ak_err
take_line(struct importfile *f, struct span s)
{
	struct diag why = DIAG_INIT;
	struct jsonin in = JSONIN_INIT;
	enum ak_err err = AK_OK;

	if (s.len_b > IMPORTFILE_LINE_MAX_B)
		err = diag_because(
		    &why, AK_ERR_INVALID, "is longer than %zu bytes", IMPORTFILE_LINE_MAX_B);
	else {
		in = jsonin_parse(s.at, s.len_b, &why);
		if (in.err == AK_OK && f->n_lines == 1)
			take_first(&in, f);
		else if (in.err == AK_OK)
			in.err = take_other(&in, f);
		err = in.err;
		jsonin_clear(&in);
	}
	if (err == AK_ERR_NOMEM)
		return err;
	if (err != AK_OK)
		importfile_wrong(
		    f, f->n_lines, "%s", why.text[0] == '\0' ? ak_strerror(err) : why.text);
	return AK_OK;
}

enum ak_err
importfile_take(struct importfile *f, const char *lines, size_t len_b)
{
	const char *at = lines;
	struct span s;
	enum ak_err err = AK_OK;

	while (err == AK_OK && next_line(&at, lines + len_b, &s)) {
		if (++f->n_lines > IMPORTFILE_LINES_MAX) {
			importfile_wrong(f, f->n_lines, "there are more than %u lines",
			    IMPORTFILE_LINES_MAX);
			return AK_ERR_DENIED;
		}
		err = take_line(f, s);
		/* Another file than one of ours is told once. */
		if (f->n_lines == 1 && f->n_wrong > 0)
			return AK_ERR_DENIED;
	}
	return err;
}

enum ak_err
importfile_end(struct importfile *f)
{
	enum ak_err err = AK_OK;

	if (f->n_lines == 0)
		importfile_wrong(f, 1, "the file is empty");
	else if (f->n_wrong == 0 && !f->ended)
		importfile_wrong(f, f->n_lines,
		    "the file ends without its last line, {\"end\": true}: it is not whole");
	if (f->n_wrong == 0)
		err = importfile_check_twice(f);
	return err == AK_OK && f->n_wrong > 0 ? AK_ERR_DENIED : err;
}

void
importfile_clear(struct importfile *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].kind == IMPORTLINE_KEY)
			key_record_clear(&f->v[i].key);
		pack_wipe(&f->v[i].bytes);
	}
	free(f->v);
	f->v = NULL;
	f->n = f->cap = 0;
}
