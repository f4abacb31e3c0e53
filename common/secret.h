/* secret: text that must never be seen: typed, wiped once, printed as its length. */
#ifndef AK_SECRET_H
#define AK_SECRET_H

#include <stddef.h>

#include "err.h"

/* Room for a token and its NUL; what is longer is no token, and is not kept. */
#define SECRET_CAP 128

struct secret {
	char text[SECRET_CAP]; /* terminated */
	size_t len_b;
};

#define SECRET_INIT ((struct secret){.len_b = 0})

/* Take a copy of text (len_b bytes). Longer than fits, or with a NUL within: AK_ERR_RANGE, s empty. text may be NULL when len_b is 0. */
enum ak_err secret_set(struct secret *s, const char *text, size_t len_b) AK_MUST_CHECK;
void secret_clear(struct secret *s);

/* Wipe and free a heap string that held a secret (PAM's answers); NULL is fine. */
void secret_free_text(char *text);

/* Equal, in a time that depends on len_b alone. */
int secret_equal(const void *a, const void *b, size_t len_b);

#endif
