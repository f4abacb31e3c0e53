#include "jsonin.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "jsonmem.h"
#include "num.h"

struct jsonin
jsonin_parse(const char *bytes, size_t len_b, struct diag *why)
{
	struct jsonin in = {.why = why};
	json_error_t said;
	bool no_memory;

	in.object = jsonmem_load(bytes, len_b, &said, &no_memory);
	if (no_memory)
		in.err = AK_ERR_NOMEM;
	else if (in.object == NULL)
		jsonin_fail(&in, "is no JSON: %s", cli_shown(said.text));
	else if (!json_is_object(in.object))
		jsonin_fail(&in, "is no JSON object");
	return in;
}

void
jsonin_clear(struct jsonin *in)
{
	json_decref(in->object);
	in->object = NULL;
}

void
jsonin_fail(struct jsonin *in, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (in->err != AK_OK)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	in->err = diag_because(in->why, AK_ERR_INVALID, "%s", text);
}

bool
jsonin_has(const struct jsonin *in, const char *name)
{
	return json_object_get(in->object, name) != NULL;
}

/* NULL, and err is set, when there is none. */
static json_t *
ask(struct jsonin *in, const char *name)
{
	json_t *value;

	if (in->err != AK_OK)
		return NULL;
	if ((value = json_object_get(in->object, name)) == NULL)
		jsonin_fail(in, "has no `%s'", name);
	if (in->n_asked < JSONIN_ASKED_MAX)
		in->asked[in->n_asked++] = name;
	return value;
}

const char *
jsonin_text(struct jsonin *in, const char *name)
{
	const json_t *value = ask(in, name);

	if (value != NULL && !json_is_string(value))
		jsonin_fail(in, "`%s' is no text", name);
	return in->err == AK_OK ? json_string_value(value) : "";
}

int64_t
jsonin_number(struct jsonin *in, const char *name, int64_t min, int64_t max)
{
	const json_t *value = ask(in, name);

	if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < min ||
				 json_integer_value(value) > max))
		jsonin_fail(in, "`%s' is no number from %lld to %lld", name, (long long)min,
		    (long long)max);
	return in->err == AK_OK ? json_integer_value(value) : 0;
}

void
jsonin_true(struct jsonin *in, const char *name)
{
	const json_t *value = ask(in, name);

	if (value != NULL && !json_is_true(value))
		jsonin_fail(in, "`%s' is not true", name);
}

static int64_t
time_of(struct jsonin *in, const char *name, const json_t *value)
{
	int64_t t = 0;

	if (value != NULL &&
	    (!json_is_string(value) || num_parse_time(json_string_value(value), &t) != AK_OK))
		jsonin_fail(in, "`%s' is no moment: write 2026-03-04T05:06:07Z", name);
	return t;
}

int64_t
jsonin_time(struct jsonin *in, const char *name)
{
	return time_of(in, name, ask(in, name));
}

int64_t
jsonin_time_or_null(struct jsonin *in, const char *name, int64_t null)
{
	const json_t *value = ask(in, name);

	return json_is_null(value) ? null : time_of(in, name, value);
}

/* NULL, and err is set, when it is none. */
static json_t *
ask_list(struct jsonin *in, const char *name, size_t max)
{
	json_t *list = ask(in, name);

	if (list != NULL && !json_is_array(list))
		jsonin_fail(in, "`%s' is no list", name);
	else if (json_array_size(list) > max)
		jsonin_fail(in, "`%s' has more than %zu entries", name, max);
	return in->err == AK_OK ? list : NULL;
}

void
jsonin_texts(struct jsonin *in, const char *name, size_t max,
    enum ak_err (*take)(void *ctx, const char *text, struct diag *why), void *ctx)
{
	json_t *list = ask_list(in, name, max), *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (in->err == AK_OK && !json_is_string(value))
			jsonin_fail(in, "`%s' holds what is no text", name);
		if (in->err == AK_OK)
			in->err = take(ctx, json_string_value(value), in->why);
	}
}

void
jsonin_objects(struct jsonin *in, const char *name, size_t max,
    void (*take)(void *ctx, struct jsonin *each), void *ctx)
{
	json_t *list = ask_list(in, name, max), *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		struct jsonin each = {.object = value, .why = in->why};

		if (in->err == AK_OK && !json_is_object(value))
			jsonin_fail(in, "`%s' holds what is no object", name);
		if (in->err != AK_OK)
			return;
		take(ctx, &each);
		jsonin_end(&each);
		in->err = each.err;
	}
}

void
jsonin_end(struct jsonin *in)
{
	const char *name;
	json_t *value;

	if (in->err != AK_OK)
		return;
	json_object_foreach(in->object, name, value)
	{
		bool asked = false;

		for (unsigned i = 0; i < in->n_asked && !asked; i++)
			asked = strcmp(in->asked[i], name) == 0;
		if (!asked) {
			jsonin_fail(
			    in, "`%.80s' is nothing that is known here", cli_shown(name));
			return;
		}
	}
}
