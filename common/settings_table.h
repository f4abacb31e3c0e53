/* settings_table: the one table of options, for those who read, pack and check settings. */
#ifndef AK_SETTINGS_TABLE_H
#define AK_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"
#include "text.h"

enum option_kind {
	KIND_LIST,
	KIND_TEXT,
	KIND_TEXT_OR_NONE, /* `none` is kept as "" */
	KIND_RANGE,
	KIND_BOOL,
	KIND_CHOICE,
	KIND_SASL,
	KIND_DURATION,
	KIND_COUNT,
	KIND_TLS, /* compared with the URIs, and not kept */
};

struct option {
	const char *name; /* "samples.max": the key `max' of `samples' */
	enum option_kind kind;
	size_t offset, size_b; /* of its field in struct settings; a list's bytes */
	size_t list; /* a list's strv */
	bool (*valid)(const char *); /* texts, and each of a list */
	const char *shape; /* what a valid one is, to people */
	const char *words[2]; /* choices: for false and for true */
	const char *fallback; /* the default, as in the file; "": none, and it may be empty */
	int64_t most; /* durations and counts; 0 for a duration: any, and never */
};

/* By number; NULL after the last. */
const struct option *settings_option(size_t i);

/* Is it an option of `directory`? */
bool option_is_directory(const struct option *o);

/* A field of whatever type, by its place. */
void *option_field(struct settings *s, const struct option *o);
const void *option_field_const(const struct settings *s, const struct option *o);

/* A list's bytes into its field. false: they do not fit, and nothing is changed. */
bool option_set_list(struct settings *s, const struct option *o, struct strv v);
/* The list is the first so many bytes of its field. */
void option_borrow_list(struct settings *s, const struct option *o, size_t len_b);
struct strv option_list(const struct settings *s, const struct option *o);

/* Is a value within the option's bounds? */
bool option_allows_duration(const struct option *o, int64_t duration_s);

/* What must be among several options. NULL: it is. */
struct settings_fault {
	const char *at[2]; /* the option at fault, and whom to blame where the file does not say it */
	const char *says;
};
const struct settings_fault *settings_check(const struct settings *s);

#endif
