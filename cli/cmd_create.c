#include "newkey.h"
#include "verbs.h"

int
cmd_create(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct keyopts o = KEYOPTS_INIT;
	const char *name = args_value(a, ARG_NAME);
	enum ak_err err;
	int code = CLI_DONE;

	if (name == NULL)
		err = diag_because(&ch.why, AK_ERR_INVALID, "create needs --name NAME");
	else
		err = keyopts_check_name(name, &ch.why);
	if (err == AK_OK)
		err = keyopts_parse(a, &o, &ch.why);
	if (err == AK_OK)
		err = change_begin(&ch, a, NULL);
	if (err == AK_OK)
		err = newkey_make(&ch, a, name, &o, &code);
	code = change_end(&ch, err, code);
	keyopts_clear(&o);
	return code;
}
