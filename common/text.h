/* text: strings of a fixed room, packed lists of strings, names and globs. */
#ifndef AK_TEXT_H
#define AK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Copy src whole into dst (cap bytes) or fail with AK_ERR_RANGE, dst "". */
enum ak_err text_copy(char *dst, size_t cap, const char *src) AK_MUST_CHECK;
/* As much of it as there is room for: where it serves people, who have the rest elsewhere. */
void text_cut(char *dst, size_t cap, const char *src);

/* A builder over the caller's buffer: always terminated; cut is set, and stays, once something did not fit. */
struct text {
	char *buf;
	size_t cap, len;
	bool cut;
};

struct text text_over(char *buf, size_t cap);
void text_add(struct text *t, const char *fmt, ...) AK_PRINTF(2, 3);
/* The same of a string as it is, at a tenth of the cost. */
void text_put(struct text *t, const char *s);

/*
 * A list of strings packed one after the other, each with its NUL
 * ("a\0b\0"): no allocation to read one, and it is stored as it lies.
 * Entries are never empty. Borrowed: whoever made the bytes owns them.
 */
struct strv {
	const char *bytes;
	size_t len_b;
};

#define STRV_EMPTY ((struct strv){.bytes = NULL})

/* Is v well-formed: it ends in NUL, and no entry is empty? */
bool strv_valid(struct strv v);

/* The entry after `at` (NULL for the first), or NULL at the end. */
const char *strv_next(struct strv v, const char *at);
size_t strv_count(struct strv v);
bool strv_has(struct strv v, const char *entry);

#define strv_for(v, entry)                                                                     \
	for (const char *entry = strv_next((v), NULL); (entry) != NULL;                        \
	     (entry) = strv_next((v), (entry)))

/* `*` matches any run, the empty one too; nothing else is special; case counts. */
bool text_glob(const char *glob, const char *s);
/* Does one of the list's globs match? */
bool strv_glob(struct strv globs, const char *s);

/* A key's name: [a-z_][a-z0-9_-]{0,30} (what useradd(8) accepts; so 31 at most). */
#define KEY_NAME_MAX 31
bool text_is_key_name(const char *s);

/* A role, space or definition: [a-z0-9][a-z0-9_-]{0,62}. */
#define POLICY_NAME_MAX 63
bool text_is_policy_name(const char *s);

/* A Unix group: as a key's name, so that every tool takes it. */
#define text_is_group_name(s) text_is_key_name(s)

/* Well-formed UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF. */
bool text_is_utf8(const char *s);

/* One line as a person or a directory may write it: UTF-8 without control characters, 1 to max_b bytes. */
bool text_is_line(const char *s, size_t max_b);

/* A group's name in an identity provider, its longest. */
#define IDP_GROUP_MAX_B 255U

/* Does a control character begin at s: a control byte, or one of U+0080 to U+009F, by which a terminal can be told things too? Its bytes; 0: none does. */
size_t text_control_len(const char *s);
/* A `?` for each of their bytes. */
void text_mask_controls(char *s);

/* Fit for a passwd(5) field: printable in any locale's terms (no control byte), no colon. */
bool text_is_passwd_field(const char *s);

#endif
