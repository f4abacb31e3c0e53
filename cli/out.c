#include "out.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "jsonmem.h"
#include "num.h"

#define MAX_DEPTH 8U

struct out_json {
	json_t *open[MAX_DEPTH]; /* borrowed from the root, which is the first */
	unsigned depth;
	bool failed;
};

struct out_json *
out_json_new(void)
{
	jsonmem_use();
	return calloc(1, sizeof(struct out_json));
}

void
out_json_free(struct out_json **j)
{
	if (*j != NULL)
		json_decref((*j)->open[0]);
	free(*j);
	*j = NULL;
}

/* Takes value; answers whether it is in its place. */
static bool
put(struct out_json *j, const char *name, json_t *value)
{
	json_t *in;
	int rc;

	if (j == NULL || j->depth == 0 || j->failed) {
		json_decref(value);
		if (j != NULL)
			j->failed = true;
		return false;
	}
	in = j->open[j->depth - 1];
	rc = json_is_object(in) ? json_object_set_new(in, name, value)
				: json_array_append_new(in, value);
	j->failed = rc != 0;
	return rc == 0;
}

static void
open_in(struct out_json *j, const char *name, json_t *value)
{
	if (j == NULL || j->depth == MAX_DEPTH) {
		json_decref(value);
		if (j != NULL)
			j->failed = true;
		return;
	}
	if (j->depth == 0)
		j->failed = j->failed || value == NULL;
	else if (!put(j, name, value))
		value = NULL;
	j->open[j->depth++] = value;
}

void
out_object(struct out_json *j, const char *name)
{
	open_in(j, name, json_object());
}

void
out_list(struct out_json *j, const char *name)
{
	open_in(j, name, json_array());
}

/* The root stays where it is: it is the document. */
void
out_close(struct out_json *j)
{
	if (j != NULL && j->depth > 1)
		j->depth--;
}

/* Older versions may have stored what is not UTF-8. */
static json_t *
plain_string(const char *s)
{
	char *copy = strdup(s);
	json_t *v;

	for (char *c = copy; c != NULL && *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	v = json_string(copy);
	free(copy);
	return v;
}

void
out_text(struct out_json *j, const char *name, const char *value)
{
	json_t *v = value == NULL ? json_null() : json_string(value);

	(void)put(j, name, v == NULL ? plain_string(value) : v);
}

void
out_number(struct out_json *j, const char *name, int64_t value)
{
	(void)put(j, name, json_integer(value));
}

void
out_bool(struct out_json *j, const char *name, bool value)
{
	(void)put(j, name, json_boolean(value));
}

void
out_time(struct out_json *j, const char *name, int64_t t)
{
	char buf[NUM_TIME_CAP];

	out_text(j, name, t == NUM_NEVER ? NULL : num_print_time(t, buf));
}

void
out_strv(struct out_json *j, const char *name, struct strv v)
{
	out_list(j, name);
	strv_for (v, entry) {
		out_text(j, NULL, entry);
	}
	out_close(j);
}

/* DEL and U+0080 to U+009F, which JSON may hold as they are (RFC 8259), and a terminal may act on: the character; 0: none begins here. */
static unsigned
terminal_control(const char *s, size_t left_b)
{
	unsigned char first = (unsigned char)s[0];

	if (first == 0x7f)
		return first;
	if (first == 0xc2 && left_b > 1 && ((unsigned char)s[1] & 0xe0) == 0x80)
		return (unsigned char)s[1];
	return 0;
}

/* jansson gives whole characters, and these only within strings. */
static int
write_part(const char *bytes, size_t len_b, void *f)
{
	size_t done = 0;

	for (size_t at = 0; at < len_b; at++) {
		unsigned c = terminal_control(bytes + at, len_b - at);

		if (c == 0)
			continue;
		if (fwrite(bytes + done, 1, at - done, f) != at - done ||
		    fprintf(f, "\\u%04x", c) < 0)
			return -1;
		at += c >= 0x80;
		done = at + 1;
	}
	return fwrite(bytes + done, 1, len_b - done, f) == len_b - done ? 0 : -1;
}

enum ak_err
out_json_print(struct out_json **j, enum out_layout layout, FILE *f)
{
	enum ak_err err = AK_ERR_NOMEM;

	if (*j != NULL && (*j)->depth > 0 && !(*j)->failed) {
		int rc = json_dump_callback(
		    (*j)->open[0], write_part, f, layout == OUT_INDENTED ? JSON_INDENT(2) : 0);

		if (layout == OUT_INDENTED)
			(void)fputc('\n', f);
		/* A stream that fails keeps its mark. */
		err = rc == 0 || ferror(f) ? AK_OK : AK_ERR_NOMEM;
	}
	out_json_free(j);
	return err;
}
