#include <string.h>

#include "out.h"
#include "token.h"
#include "verbs.h"

static enum ak_err
answer(const struct cli *c, const struct args *a, const struct token *tok,
    const struct verifier *v)
{
	char text[VERIFIER_CAP];
	struct out_json *j;

	(void)token_print_verifier(v, text);
	if (args_has(a, ARG_QUIET)) {
		(void)fprintf(c->out, "%s\n", tok->text.text);
		return AK_OK;
	}
	if (a->output != OUTPUT_JSON) {
		(void)fprintf(c->out, "token     %s\nverifier  %s\n", tok->text.text, text);
		return AK_OK;
	}
	j = out_json_new();
	out_object(j, NULL);
	out_text(j, "id", tok->id);
	out_text(j, "token", tok->text.text);
	out_text(j, "verifier", text);
	return out_json_print(&j, OUT_INDENTED, c->out);
}

int
cmd_token_new(struct cli *c, const struct args *a)
{
	const char *id = args_value(a, ARG_ID);
	struct diag why = DIAG_INIT;
	struct token tok = TOKEN_INIT;
	struct verifier v = {.id = ""};
	enum ak_err err = AK_OK;
	int code;

	if (id != NULL && (strlen(id) != KEY_ID_LEN || !token_is_id(id)))
		err = diag_because(&why, AK_ERR_INVALID,
		    "--id `%.40s' is no id: %d letters and digits, the first one A-Z",
		    cli_shown(id), KEY_ID_LEN);
	if (err == AK_OK && (err = token_new(id, &tok)) == AK_OK &&
	    (err = token_make_verifier(&tok, &v)) == AK_OK)
		err = answer(c, a, &tok, &v);
	code = err == AK_OK ? (int)cli_flush(c) : cli_fail(c, err, &why);
	token_clear(&tok);
	explicit_bzero(&v, sizeof(v));
	return code;
}
