#include <string.h>
#include <unistd.h>

#include "args.h"
#include "cli.h"
#include "help.h"
#include "verb.h"

/* DEFS of the build has it. */
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unconfigured"
#endif

/* *words: how many arguments the verb's name takes; two, where both would do. */
static const struct verb *
find_verb(int argc, char **argv, int *words)
{
	const struct verb *v = argc > 2 ? verb_find(argv[1], argv[2]) : NULL;

	*words = v != NULL ? 2 : 1;
	return v != NULL || argc < 2 ? v : verb_find(argv[1], NULL);
}

static bool
is_word(const char *arg, const char *letter, const char *word)
{
	return strcmp(arg, letter) == 0 || strcmp(arg, word) == 0;
}

/* A family of verbs without its second word, or with a wrong one. */
static int
run_family(const struct cli *c, const char *family, const char *word)
{
	if (word != NULL && is_word(word, "-h", "--help")) {
		help_family(family, c->out);
		return CLI_DONE;
	}
	if (word != NULL && word[0] != '-')
		return help_say_unknown(c, family, word);
	help_family(family, c->err);
	return CLI_USAGE;
}

/* What stands where a verb should. */
static int
run_without_verb(const struct cli *c, int argc, char **argv)
{
	if (argc < 2) {
		help_overview(c->err);
		return CLI_USAGE;
	}
	if (is_word(argv[1], "-h", "--help")) {
		help_overview(c->out);
		return CLI_DONE;
	}
	if (is_word(argv[1], "-V", "--version")) {
		(void)fprintf(c->out, "apikey %s\n", PACKAGE_VERSION);
		return CLI_DONE;
	}
	if (verb_first_of(argv[1]) != NULL)
		return run_family(c, argv[1], argc > 2 ? argv[2] : NULL);
	return help_say_unknown(c, argv[1], NULL);
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
		help_verb(v, c->out);
		args_clear(&a);
		return CLI_DONE;
	}
	if (err == AK_OK)
		err = check_operands(v, &a, &why);
	if (err == AK_ERR_INVALID) {
		code = cli_fail(c, err, &why);
		(void)fprintf(c->err, "see `apikey help %s`\n", v->name);
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
	v = find_verb(argc, argv, &words);
	if (v == NULL)
		code = run_without_verb(c, argc, argv);
	else
		code = run_verb(c, v, argc - words, argv + words);
	if (cli_flush(c) != CLI_DONE && code == CLI_DONE)
		code = CLI_FAILED;
	return code;
}
