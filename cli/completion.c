/* Prints the tables of verbs and options for etc/completion/apikey.bash, which goes on from there; run by the build. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "verb.h"

/* The first words: each once. */
static void
print_first(void)
{
	const char *last = "";

	(void)printf("_apikey_first='");
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		size_t len = strcspn(v->name, " ");

		if (strncmp(last, v->name, len) != 0 || (last[len] != ' ' && last[len] != '\0'))
			(void)printf("%s%.*s", v == verbs ? "" : " ", (int)len, v->name);
		last = v->name;
	}
	(void)printf("'\n");
}

static void
print_second(void)
{
	(void)printf("\n_apikey_second() {\n\tcase $1 in\n");
	for (const struct verb_family *f = verb_families; f->name != NULL; f++) {
		const char *before = "";

		(void)printf("\t%s) seconds='", f->name);
		for (const struct verb *v = verbs; v->name != NULL; v++)
			if (verb_is_of(v, f->name)) {
				(void)printf("%s%s", before, verb_word(v));
				before = " ";
			}
		(void)printf("' ;;\n");
	}
	(void)printf("\t*) seconds='' ;;\n\tesac\n}\n");
}

/* --output,-o=json|table; a + behind the name: several times. */
static void
print_option(enum arg arg, bool first)
{
	struct args_form a = args_form(arg);

	(void)printf("%s--%s%s", first ? "" : " ", a.name, a.several ? "+" : "");
	if (a.letter != 0)
		(void)printf(",-%c", a.letter);
	if (a.value != NULL)
		(void)printf("=%s", a.value);
}

/* Without brackets, and three dots for the character. */
static void
print_operands(const char *text)
{
	static const char dots[] = "…";

	while (*text != '\0') {
		if (strncmp(text, dots, strlen(dots)) == 0) {
			(void)printf("...");
			text += strlen(dots);
			continue;
		}
		if (*text != '[' && *text != ']')
			(void)putchar(*text);
		text++;
	}
}

static void
print_verbs(void)
{
	(void)printf("\n_apikey_verb() {\n\tcase $1 in\n");
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		bool first = true;

		(void)printf("\t'%s')\n\t\toptions='", v->name);
		for (int i = 0; i < ARG_COUNT; i++)
			if ((v->options & ARGS(i)) != 0) {
				print_option((enum arg)i, first);
				first = false;
			}
		(void)printf("'\n\t\toperands='");
		print_operands(v->operands);
		(void)printf("'\n\t\t;;\n");
	}
	(void)printf("\t*) return 1 ;;\n\tesac\n}\n\n");
}

int
main(void)
{
	(void)printf(
	    "# shellcheck shell=bash disable=SC2034\n"
	    "# bash completion for apikey(8). The tables are made from the command's own.\n");
	print_first();
	print_second();
	print_verbs();
	return fflush(stdout) != 0 || ferror(stdout) != 0 ? 1 : 0;
}
