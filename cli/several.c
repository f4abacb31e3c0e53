#include "several.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"

/* In LDAP two keys may have one uid, or one id; what was found has no second one of its name and id. */
static bool
has_key(const struct several *s, const struct key_record *k)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct key_record *have = &s->v[i].key.rec;

		if (strcmp(have->id, k->id) == 0 && strcmp(have->name, k->name) == 0)
			return true;
	}
	return false;
}

enum ak_err
several_find(struct change *ch, const struct args *a, struct several *out)
{
	struct key *k;
	enum ak_err err;

	*out = SEVERAL_INIT;
	if ((out->v = calloc((size_t)a->n_operands, sizeof(*out->v))) == NULL)
		return AK_ERR_NOMEM;
	for (int i = 0; i < a->n_operands; i++) {
		k = &out->v[out->n].key;
		if ((err = change_find(ch, a->operands[i], k)) != AK_OK)
			return err;
		if (has_key(out, &k->rec))
			key_clear(k);
		else
			out->n++;
	}
	return AK_OK;
}

void
several_clear(struct several *s)
{
	for (size_t i = 0; i < s->n; i++)
		key_clear(&s->v[i].key);
	free(s->v);
	*s = SEVERAL_INIT;
}

enum ak_err
several_answer(const struct several *s, const struct change *ch, const struct args *a,
    const char *done_text)
{
	struct answer_list l = answer_list_begin(ch->cli, a);

	for (size_t i = 0; i < s->n; i++)
		answer_list_add(&l, &s->v[i].key, ch->now,
		    change_outcome(ch, &s->v[i].key.rec, s->v[i].changed), done_text);
	return answer_list_end(&l);
}
