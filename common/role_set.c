#include "role_set.h"

#include <stdlib.h>

#define WORD_BITS 64U

enum ak_err
role_set_init(struct role_set *s, uint32_t n_roles)
{
	*s = ROLE_SET_INIT;
	if (n_roles == 0)
		return AK_OK;
	if ((s->bits = calloc(n_roles / WORD_BITS + 1, sizeof(*s->bits))) == NULL)
		return AK_ERR_NOMEM;
	s->n_roles = n_roles;
	return AK_OK;
}

void
role_set_clear(struct role_set *s)
{
	free(s->bits);
	*s = ROLE_SET_INIT;
}

void
role_set_add(struct role_set *s, uint32_t role)
{
	if (role < s->n_roles)
		s->bits[role / WORD_BITS] |= UINT64_C(1) << role % WORD_BITS;
}

bool
role_set_has(const struct role_set *s, uint32_t role)
{
	return role < s->n_roles && (s->bits[role / WORD_BITS] >> role % WORD_BITS & 1) != 0;
}

uint32_t
role_set_next(const struct role_set *s, uint32_t from)
{
	uint32_t at = from;

	while (at < s->n_roles) {
		uint64_t rest = s->bits[at / WORD_BITS] >> at % WORD_BITS;

		if (rest != 0)
			return at + (uint32_t)__builtin_ctzll(rest);
		at = (at / WORD_BITS + 1) * WORD_BITS;
	}
	return UINT32_MAX;
}
