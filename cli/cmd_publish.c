#include "out.h"
#include "republish.h"
#include "verbs.h"

static enum ak_err
answer(const struct cli *c, const struct args *a, const struct change *ch)
{
	const struct publish_result *r = &ch->result;
	struct out_json *j;

	if (a->output != OUTPUT_JSON) {
		(void)fprintf(c->out, "published: %u users, %u groups%s\n", r->users, r->groups,
		    r->without_policy ? ", without a policy" : "");
		return AK_OK;
	}
	j = out_json_new();
	out_object(j, NULL);
	out_number(j, "users", r->users);
	out_number(j, "groups", r->groups);
	out_bool(j, "whole", r->whole);
	out_bool(j, "without_policy", r->without_policy);
	out_number(j, "sessions_ended", (int64_t)ch->endings.n);
	return out_json_print(&j, OUT_INDENTED, c->out);
}

int
cmd_publish(struct cli *c, const struct args *a)
{
	const struct change_options opt = {.trust_clock = args_has(a, ARG_TRUST_CLOCK)};
	struct change ch = CHANGE_INIT(c);
	enum ak_err err;
	int code = CLI_DONE;

	if ((err = change_begin(&ch, NULL, &opt)) == AK_OK &&
	    (err = republish(&ch, &opt)) == AK_OK) {
		err = answer(c, a, &ch);
		/* What can be is published; that the host's files are broken was said. */
		if (ch.result.without_policy)
			code = CLI_FAILED;
	}
	return change_end(&ch, err, code);
}
