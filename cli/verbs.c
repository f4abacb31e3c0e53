#include "verbs.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "diropts.h"

/* DEFS of the build has it. */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unconfigured"
#endif

struct verb {
	const char *name; /* one word, or a family and a word */
	const char *operands;
	int min, max; /* how many operands */
	uint64_t options;
	bool anybody; /* needs no access to the files */
	int (*run)(struct cli *c, const struct args *a);
	const char *help;
};

#define COMMON (ARGS(ARG_HELP) | ARGS(ARG_OUTPUT))
#define TOKEN (KEYS | ARGS(ARG_QUIET) | ARGS(ARG_VERIFIER))
#define KEYS (COMMON | ARGS_DIRECTORY)
#define DECIDE                                                                                 \
	(COMMON | ARGS(ARG_ACCOUNT) | ARGS(ARG_SERVICE) | ARGS(ARG_RHOST) | ARGS(ARG_AT) |     \
	    ARGS(ARG_ORIGIN) | ARGS(ARG_WITHOUT_TOKEN))
#define SIMULATE                                                                               \
	(DECIDE | ARGS(ARG_LOGIN) | ARGS(ARG_ROLE) | ARGS(ARG_GROUP) | ARGS(ARG_HOST) |        \
	    ARGS(ARG_STANDS_IN) | ARGS(ARG_SAMPLE) | ARGS(ARG_POLICY))

static const struct verb verbs[] = {
    {"create", "", 0, 0, TOKEN | ARGS_SETTABLE | ARGS(ARG_NAME) | ARGS(ARG_UID), false,
	cmd_create, "make a key; its token is shown this once"},
    {"ensure", "NAME", 1, 1, TOKEN | ARGS_SETTABLE | ARGS(ARG_UID), false, cmd_ensure,
	"make a key, or give the one that exists these options"},
    {"list", "", 0, 0,
	KEYS | ARGS(ARG_EXPIRED) | ARGS(ARG_EXPIRING) | ARGS(ARG_ROLE_FILTER) |
	    ARGS(ARG_SPACE) | ARGS(ARG_GROUP_FILTER) | ARGS(ARG_UNUSED),
	false, cmd_list, "list the keys"},
    {"show", "NAME|ID", 1, 1, KEYS, false, cmd_show, "show one key"},
    {"set", "NAME|ID", 1, 1, KEYS | ARGS_SETTABLE, false, cmd_set,
	"change what `create` set; --role, --group and --from replace the whole list, '' "
	"clears"},
    {"rotate", "NAME|ID", 1, 1, TOKEN | ARGS(ARG_OVERLAP), false, cmd_rotate,
	"give a key a new token"},
    {"disable", "NAME|ID…", 1, INT_MAX, KEYS, false, cmd_disable,
	"refuse keys until they are enabled"},
    {"enable", "NAME|ID…", 1, INT_MAX, KEYS, false, cmd_enable, "admit disabled keys again"},
    {"delete", "NAME|ID…", 1, INT_MAX, KEYS | ARGS(ARG_REMOVE_HOME), false, cmd_delete,
	"end keys for ever; their uids are never used again"},
    {"purge", "", 0, 0, COMMON | ARGS(ARG_EXPIRED) | ARGS(ARG_OLDER) | ARGS(ARG_DRY_RUN), false,
	cmd_purge, "delete the keys of this host that have expired"},
    {"export", "", 0, 0, ARGS(ARG_HELP), false, cmd_export,
	"write all keys of this host, without a token, to stdout"},
    {"import", "FILE", 1, 1, COMMON | ARGS(ARG_DRY_RUN) | ARGS(ARG_PRUNE) | ARGS(ARG_NEW_UID),
	false, cmd_import, "make and set keys as a file of `export` says, all or none"},
    {"role add", "NAME|ID BINDING…", 2, INT_MAX, KEYS, false, cmd_role_add,
	"bind a key to roles"},
    {"role remove", "NAME|ID BINDING…", 2, INT_MAX, KEYS, false, cmd_role_remove,
	"take direct bindings from a key"},
    {"role list", "NAME|ID", 1, 1, COMMON, false, cmd_role_list, "list a key's direct bindings"},
    {"group add", "NAME|ID GROUP…", 2, INT_MAX, KEYS, false, cmd_group_add,
	"list groups of the identity provider that a key is in"},
    {"group remove", "NAME|ID GROUP…", 2, INT_MAX, KEYS, false, cmd_group_remove,
	"take groups from a key"},
    {"group list", "NAME|ID", 1, 1, COMMON, false, cmd_group_list, "list a key's own groups"},
    {"check", "", 0, 0, DECIDE, false, cmd_check,
	"read a token from stdin, and show what a login with it would do and why"},
    {"explain", "NAME|ID", 1, 1, DECIDE, false, cmd_explain,
	"show what a login by a key would do and why"},
    {"policy check", "FILE", 1, 1, COMMON | ARGS(ARG_STRICT), true, cmd_policy_check,
	"say what is wrong with a policy, and where"},
    {"policy test", "FILE", 1, 1, COMMON, true, cmd_policy_test,
	"run the tests that a policy carries"},
    {"policy apply", "FILE", 1, 1, COMMON | ARGS(ARG_DRY_RUN) | ARGS(ARG_SESSIONS), false,
	cmd_policy_apply,
	"check a policy, show who gains and who loses roles, and make it the live one"},
    {"policy rollback", "", 0, 0, COMMON | ARGS(ARG_DRY_RUN) | ARGS(ARG_SESSIONS), false,
	cmd_policy_rollback,
	"make the policy before the last apply the live one, and again forward"},
    {"policy show", "", 0, 0, COMMON, false, cmd_policy_show,
	"show the live policy, and who put it there"},
    {"policy samples", "", 0, 0, COMMON, false, cmd_policy_samples,
	"list the decisions that were kept"},
    {"policy simulate", "", 0, 0, SIMULATE, false, cmd_policy_simulate,
	"ask a kept decision again, or a made-up one; exit 1 when the answer differs"},
    {"publish", "", 0, 0, COMMON | ARGS(ARG_TRUST_CLOCK) | ARGS(ARG_ACCEPT_ROLLBACK), false,
	cmd_publish, "remake what the name service serves"},
    {"sessions", "", 0, 0, COMMON | ARGS(ARG_KEY), false, cmd_sessions,
	"list the live sessions of keys"},
    {"sessions end", "ID…", 0, INT_MAX, COMMON | ARGS(ARG_KEY), false, cmd_sessions_end,
	"end sessions at once, or with --key all of a key's"},
    {"lockdown on", "", 0, 0, COMMON | ARGS(ARG_END_SESSIONS), false, cmd_lockdown_on,
	"refuse every key on this host"},
    {"lockdown off", "", 0, 0, COMMON, false, cmd_lockdown_off, "admit keys again"},
    {"sync", "", 0, 0, COMMON | ARGS(ARG_NOW) | ARGS(ARG_ACCEPT), false, cmd_sync,
	"have the directory fetched anew, and wait for it"},
    {"log", "", 0, 0,
	COMMON | ARGS(ARG_KEY) | ARGS(ARG_SINCE) | ARGS(ARG_DENIED) | ARGS(ARG_FOLLOW), true,
	cmd_log, "show what happened: logins, refusals, changes, sessions that were ended"},
    {"status", "", 0, 0, COMMON, false, cmd_status,
	"show how this host stands; exit 3 when something needs attention"},
    {"doctor", "", 0, 0, COMMON, false, cmd_doctor,
	"look whether this host is set up; exit 3 when something needs attention"},
    {"token new", "", 0, 0, COMMON | ARGS(ARG_QUIET) | ARGS(ARG_ID), true, cmd_token_new,
	"make a token and its verifier, without making a key"},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void
print_overview(FILE *f)
{
	(void)fputs("usage: apikey VERB [NAME] [--options]\n\n", f);
	for (size_t i = 0; i < N_VERBS; i++)
		(void)fprintf(f, "  %-15s %s\n", verbs[i].name, verbs[i].help);
	(void)fputs("\n  --help       print this help, or after a verb the verb's\n"
		    "  --version    print the version\n",
	    f);
}

static void
print_usage(const struct verb *v, FILE *f)
{
	(void)fprintf(f, "usage: apikey %s%s%s [--options]\n%s\n\n", v->name,
	    v->operands[0] == '\0' ? "" : " ", v->operands, v->help);
	args_print_help(v->options, f);
}

/* "role" of "role add"; a verb of one word is its own family. */
static bool
is_family(const struct verb *v, const char *word)
{
	size_t len = strlen(word);

	return strncmp(v->name, word, len) == 0 && v->name[len] == ' ';
}

/* *words: how many arguments the verb's name takes; two, where both would do. */
static const struct verb *
find_verb(int argc, char **argv, int *words)
{
	const struct verb *one = NULL;

	for (size_t i = 0; i < N_VERBS; i++) {
		*words = 2;
		if (argc > 2 && is_family(&verbs[i], argv[1]) &&
		    strcmp(strchr(verbs[i].name, ' ') + 1, argv[2]) == 0)
			return &verbs[i];
		if (strcmp(verbs[i].name, argv[1]) == 0)
			one = &verbs[i];
	}
	*words = 1;
	return one;
}

/* A family of verbs without its second word. */
static int
say_family(const struct cli *c, const char *word, bool help)
{
	FILE *f = help ? c->out : c->err;
	bool any = false;

	for (size_t i = 0; i < N_VERBS; i++)
		if (is_family(&verbs[i], word)) {
			(void)fprintf(f, "%s apikey %s %s\n",
			    any ? "      " : "usage:", verbs[i].name, verbs[i].operands);
			any = true;
		}
	if (!any)
		cli_warn(c, "there is no verb `%.80s': see `apikey --help`", cli_shown(word));
	return any && help ? CLI_DONE : CLI_USAGE;
}

static bool
is_word(const char *arg, const char *letter, const char *word)
{
	return strcmp(arg, letter) == 0 || strcmp(arg, word) == 0;
}

/* What stands where a verb should. */
static int
run_without_verb(const struct cli *c, int argc, char **argv)
{
	if (argc < 2) {
		print_overview(c->err);
		return CLI_USAGE;
	}
	if (is_word(argv[1], "-h", "--help") || strcmp(argv[1], "help") == 0) {
		print_overview(c->out);
		return CLI_DONE;
	}
	if (is_word(argv[1], "-V", "--version")) {
		(void)fprintf(c->out, "apikey %s\n", PACKAGE_VERSION);
		return CLI_DONE;
	}
	return say_family(c, argv[1], argc > 2 && is_word(argv[2], "-h", "--help"));
}

static enum ak_err
check_operands(const struct verb *v, const struct args *a, struct diag *why)
{
	if (a->n_operands < v->min)
		return diag_because(why, AK_ERR_INVALID, "%s needs %s", v->name, v->operands);
	if (a->n_operands > v->max)
		return diag_because(why, AK_ERR_INVALID, "%s takes no further `%.80s'", v->name,
		    cli_shown(a->operands[v->max]));
	return AK_OK;
}

/* The files are the owner's alone, so that nothing would come of going on. */
static enum ak_err
check_caller(const struct cli *c, const struct verb *v, struct diag *why)
{
	if (v->anybody || geteuid() == c->paths.owner)
		return AK_OK;
	return diag_because(
	    why, AK_ERR_DENIED, "%s needs root: try `sudo apikey %s`", v->name, v->name);
}

static int
run_verb(struct cli *c, const struct verb *v, int argc, char **argv)
{
	struct args a = ARGS_INIT;
	struct diag why = DIAG_INIT;
	enum ak_err err;
	int code;

	err = args_parse(v->options, argc, argv, &a, &why);
	if (err == AK_OK && args_has(&a, ARG_HELP)) {
		print_usage(v, c->out);
		args_clear(&a);
		return CLI_DONE;
	}
	if (err == AK_OK)
		err = check_operands(v, &a, &why);
	if (err == AK_ERR_INVALID) {
		code = cli_fail(c, err, &why);
		(void)fprintf(c->err, "see `apikey %s --help`\n", v->name);
	} else if (err != AK_OK || (err = check_caller(c, v, &why)) != AK_OK) {
		code = cli_fail(c, err, &why);
	} else {
		code = v->run(c, &a);
	}
	args_clear(&a);
	return code;
}

int
cli_run(struct cli *c, int argc, char **argv)
{
	const struct verb *v;
	int words = 0, code;

	c->actor_known = c->log_failed = false;
	v = argc < 2 ? NULL : find_verb(argc, argv, &words);
	if (v == NULL)
		code = run_without_verb(c, argc, argv);
	else
		code = run_verb(c, v, argc - words, argv + words);
	if (cli_flush(c) != CLI_DONE && code == CLI_DONE)
		code = CLI_FAILED;
	return code;
}
