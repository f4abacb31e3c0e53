#include "rotation.h"

#include <string.h>

enum ak_err
rotation_add(struct key_record *k, const struct verifier *v, int64_t now, int64_t overlap_s)
{
	struct key_secret fresh = {.created_at = now, .not_after = NUM_NEVER};
	struct key_secret old = k->secrets[0];

	for (unsigned i = 0; i < k->n_secrets; i++)
		if (k->secrets[i].number > fresh.number)
			fresh.number = k->secrets[i].number;
	if (fresh.number == UINT32_MAX)
		return AK_ERR_FULL;
	fresh.number++;
	memcpy(fresh.salt, v->salt, sizeof(fresh.salt));
	memcpy(fresh.digest, v->digest, sizeof(fresh.digest));
	if (old.not_after > now + overlap_s)
		old.not_after = now + overlap_s;
	explicit_bzero(k->secrets, sizeof(k->secrets));
	k->secrets[0] = fresh;
	if (k->n_secrets > 0 && old.not_after > now) {
		k->secrets[1] = old;
		k->n_secrets = 2;
	} else {
		k->n_secrets = 1;
	}
	explicit_bzero(&old, sizeof(old));
	return AK_OK;
}

bool
rotation_has(const struct key_record *k, const struct verifier *v)
{
	const struct key_secret *newest = &k->secrets[0];

	return k->n_secrets > 0 && memcmp(newest->salt, v->salt, sizeof(v->salt)) == 0 &&
	       memcmp(newest->digest, v->digest, sizeof(v->digest)) == 0;
}
