#include "answer.h"
#include "keys.h"
#include "verbs.h"

int
cmd_show(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	struct keys keys;
	struct key k;
	enum ak_err err;

	if ((err = keys_open(&c->paths, &keys, &why)) != AK_OK)
		return cli_fail(c, err, &why);
	if ((err = keys_find(&keys, a->operands[0], &k, &why)) == AK_OK) {
		err = answer_show(c, a, &k.rec, c->host.now(c->host.ctx));
		key_clear(&k);
	}
	keys_close(&keys);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
