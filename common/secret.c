#include "secret.h"

#include <stdlib.h>
#include <string.h>

enum ak_err
secret_set(struct secret *s, const char *text, size_t len_b)
{
	*s = SECRET_INIT;
	if (len_b == 0) /* text may be NULL then */
		return AK_OK;
	if (len_b >= sizeof(s->text) || memchr(text, '\0', len_b) != NULL)
		return AK_ERR_RANGE;
	memcpy(s->text, text, len_b);
	s->len_b = len_b;
	return AK_OK;
}

void
secret_clear(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}

void
secret_free_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

int
secret_equal(const void *a, const void *b, size_t len_b)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differs = 0;

	for (size_t i = 0; i < len_b; i++)
		differs |= (unsigned char)(x[i] ^ y[i]);
	return differs == 0;
}
