#include "options.h"

#include <stddef.h>
#include <string.h>

#include "role.h"

/* sudo shows its own prompt only in the place of exactly this one. */
#define DEFAULT_PROMPT "Password: "

struct flag {
	const char *word;
	size_t at;
};

struct value {
	const char *word;
	size_t len;
	size_t at;
	char first; /* which the value must begin with; 0: any, but not empty */
};

static const struct flag flags[] = {
    {"debug", offsetof(struct options, debug)},
    {"try_first_pass", offsetof(struct options, try_first_pass)},
    {"use_first_pass", offsetof(struct options, use_first_pass)},
    {"ignore_unknown_user", offsetof(struct options, ignore_unknown_user)},
};

static const struct value values[] = {
    {"prompt=", sizeof("prompt=") - 1, offsetof(struct options, prompt), 0},
    {"config=", sizeof("config=") - 1, offsetof(struct options, config), '/'},
    {"role=", sizeof("role=") - 1, offsetof(struct options, role), 0},
};

static bool
take_word(const char *word, struct options *out)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(word, flags[i].word) == 0) {
			*(bool *)((char *)out + flags[i].at) = true;
			return true;
		}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct value *v = &values[i];
		const char **to = (const char **)((char *)out + v->at);

		if (strncmp(word, v->word, v->len) != 0)
			continue;
		/* Of two roles the one would count that is named last: whoever wrote both meant both. */
		if (*to != NULL)
			return false;
		*to = word + v->len;
		return **to != '\0' && (v->first == 0 || **to == v->first);
	}
	return false;
}

static bool
is_binding(const char *text)
{
	struct binding b;

	return text == NULL || binding_parse(text, &b, NULL) == AK_OK;
}

enum ak_err
options_parse(int argc, const char **argv, struct options *out)
{
	*out = (struct options){.prompt = NULL};
	for (int i = 0; i < argc && out->bad == NULL; i++)
		if (!take_word(argv[i], out) || !is_binding(out->role))
			out->bad = argv[i];
	if (out->prompt == NULL)
		out->prompt = DEFAULT_PROMPT;
	return out->bad == NULL ? AK_OK : AK_ERR_INVALID;
}
