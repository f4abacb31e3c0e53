#include "answer.h"
#include "dirkeys.h"
#include "diropts.h"
#include "keys.h"
#include "live.h"
#include "verbs.h"

static enum ak_err
show_known(const struct cli *c, const struct args *a, struct diag *why)
{
	struct keys keys;
	struct key k;
	enum ak_err err;

	if ((err = keys_open(&c->paths, &keys, why)) != AK_OK)
		return err;
	if ((err = keys_find(&keys, a->operands[0], &k, why)) == AK_OK) {
		err = answer_show(c, a, &k, c->host.now(c->host.ctx));
		key_clear(&k);
	}
	keys_close(&keys);
	return err;
}

/* As the server has it now. */
static enum ak_err
show_in_directory(const struct cli *c, const struct args *a, struct diag *why)
{
	const char *word = a->operands[0];
	struct dirkeys *d = NULL;
	struct live live;
	struct key k;
	enum ak_err err;

	live_load(&c->paths, &live);
	if ((err = dirkeys_open(c, a, &live, &d, why)) == AK_OK)
		err = keys_is_id(word) ? dirkeys_find_id(d, word, &k, why)
				       : dirkeys_find_name(d, word, &k, why);
	if (err == AK_OK) {
		err = answer_show(c, a, &k, c->host.now(c->host.ctx));
		key_clear(&k);
	} else if (err == AK_ERR_NOT_FOUND) {
		err = diag_because(why, err,
		    "the directory has no key `%.80s': see `apikey list --in directory`",
		    cli_shown(word));
	}
	dirkeys_close(&d);
	live_clear(&live);
	return err;
}

int
cmd_show(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	bool directory;
	enum ak_err err = diropts_parse(a, &directory, &why);

	if (err == AK_OK)
		err = (directory ? show_in_directory : show_known)(c, a, &why);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
