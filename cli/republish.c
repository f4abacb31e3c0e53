#include "republish.h"

static void
log_about_none(struct cli *c, const char *event)
{
	struct audit line;

	audit_start(&line, event);
	cli_log_who(c, &line);
	cli_log(c, line.line);
}

/* Also after a failure: keys and clock are what they are then, and whoever lost his right by an edit of the policy has lost it. */
enum ak_err
republish(struct change *ch, const struct change_options *opt)
{
	enum ak_err err = change_commit(ch);

	if (opt->accept_rollback && (err == AK_OK || ch->committed))
		log_about_none(ch->cli, "rollback-accepted");
	if (opt->trust_clock && (err == AK_OK || ch->committed))
		log_about_none(ch->cli, "clock-trusted");
	change_enforce(ch, CHANGE_EVERYBODY);
	return err;
}
