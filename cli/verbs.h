/* verbs: the functions behind the command's verbs; each answers an enum cli_exit. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "args.h"
#include "cli.h"

/* The options of keyopts.h, but for --name, --uid and --verifier. */
#define ARGS_SETTABLE                                                                          \
	(ARGS(ARG_ROLE) | ARGS(ARG_GROUP) | ARGS(ARG_FROM) | ARGS(ARG_DURATION) |              \
	    ARGS(ARG_NOT_BEFORE) | ARGS(ARG_DESCRIPTION) | ARGS(ARG_OWNER) | ARGS(ARG_SHELL) | \
	    ARGS(ARG_HOME))

int cmd_create(struct cli *c, const struct args *a);
int cmd_ensure(struct cli *c, const struct args *a);
int cmd_token_new(struct cli *c, const struct args *a);
int cmd_list(struct cli *c, const struct args *a);
int cmd_export(struct cli *c, const struct args *a);
int cmd_import(struct cli *c, const struct args *a);
int cmd_purge(struct cli *c, const struct args *a);
int cmd_show(struct cli *c, const struct args *a);
int cmd_set(struct cli *c, const struct args *a);
int cmd_rotate(struct cli *c, const struct args *a);
int cmd_disable(struct cli *c, const struct args *a);
int cmd_enable(struct cli *c, const struct args *a);
int cmd_delete(struct cli *c, const struct args *a);
int cmd_role_add(struct cli *c, const struct args *a);
int cmd_role_remove(struct cli *c, const struct args *a);
int cmd_role_list(struct cli *c, const struct args *a);
int cmd_group_add(struct cli *c, const struct args *a);
int cmd_group_remove(struct cli *c, const struct args *a);
int cmd_group_list(struct cli *c, const struct args *a);
int cmd_check(struct cli *c, const struct args *a);
int cmd_explain(struct cli *c, const struct args *a);
int cmd_policy_check(struct cli *c, const struct args *a);
int cmd_policy_test(struct cli *c, const struct args *a);
int cmd_policy_apply(struct cli *c, const struct args *a);
int cmd_policy_rollback(struct cli *c, const struct args *a);
int cmd_policy_show(struct cli *c, const struct args *a);
int cmd_policy_samples(struct cli *c, const struct args *a);
int cmd_policy_simulate(struct cli *c, const struct args *a);
int cmd_sessions(struct cli *c, const struct args *a);
int cmd_sessions_end(struct cli *c, const struct args *a);
int cmd_lockdown_on(struct cli *c, const struct args *a);
int cmd_lockdown_off(struct cli *c, const struct args *a);
int cmd_status(struct cli *c, const struct args *a);
int cmd_doctor(struct cli *c, const struct args *a);
int cmd_log(struct cli *c, const struct args *a);
int cmd_sync(struct cli *c, const struct args *a);
int cmd_publish(struct cli *c, const struct args *a);
int cmd_help(struct cli *c, const struct args *a);

#endif
