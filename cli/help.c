#include "help.h"

#include <string.h>

#include "wrap.h"

/* Where the overview's second column begins. */
#define COLUMN 12

/* ": add, remove, list", or of a family that is a verb itself "; and: end" */
static void
add_words(struct text *t, const char *family)
{
	const char *between = verb_find(family, NULL) == NULL ? ": " : "; and: ";

	for (const struct verb *v = verbs; v->name != NULL; v++)
		if (verb_is_of(v, family)) {
			text_add(t, "%s%s", between, verb_word(v));
			between = ", ";
		}
}

static const char *
family_help(const char *family)
{
	const struct verb_family *f = verb_families;

	while (f->name != NULL && strcmp(f->name, family) != 0)
		f++;
	return f->help;
}

/* A line for a verb of one word, or for the first verb of a family. */
static void
print_line(FILE *f, const struct verb *v)
{
	char family[16], line[256];
	struct text name = text_over(family, sizeof(family)),
		    help = text_over(line, sizeof(line));
	bool alone = strchr(v->name, ' ') == NULL;

	text_add(&name, "%.*s", (int)strcspn(v->name, " "), v->name);
	/* The first verb of its family stands for it, or the verb that is called as the family. */
	if (!alone && (verb_find(family, NULL) != NULL || verb_first_of(family) != v))
		return;
	text_add(&help, "%s", alone ? v->help : family_help(family));
	add_words(&help, family);
	(void)fprintf(f, "  %-*s", COLUMN - 2, family);
	wrap_print(f, line, COLUMN, COLUMN);
}

void
help_overview(FILE *f)
{
	(void)fputs("usage: apikey VERB [NAME] [--options]\n", f);
	for (int section = 0; section < SECTION_COUNT; section++) {
		(void)fprintf(f, "\n%s\n", verb_section_title((enum verb_section)section));
		for (const struct verb *v = verbs; v->name != NULL; v++)
			if ((int)v->section == section)
				print_line(f, v);
	}
	(void)fputs(
	    "\n`apikey help VERB` says how a verb is used; apikey(8) says everything.\n", f);
}

static void
print_usage(const char *before, const struct verb *v, FILE *f)
{
	(void)fprintf(f, "%s apikey %s%s%s [--options]\n", before, v->name,
	    v->operands[0] == '\0' ? "" : " ", v->operands);
}

/* Of a verb that is called as a family: its other words. */
static void
print_relatives(const struct verb *v, FILE *f)
{
	for (const struct verb *other = verbs; other->name != NULL; other++)
		if (verb_is_of(other, v->name))
			print_usage("  or: ", other, f);
}

void
help_verb(const struct verb *v, FILE *f)
{
	print_usage("usage:", v, f);
	print_relatives(v, f);
	wrap_print(f, v->help, 0, 0);
	if (v->about != NULL) {
		(void)fputc('\n', f);
		wrap_print(f, v->about, 0, 0);
	}
	(void)fputs("\nOptions:\n", f);
	args_print_help(v->options, f);
	for (size_t i = 0; i < VERB_EXAMPLES_MAX && v->examples[i] != NULL; i++)
		(void)fprintf(f, "%s  %s\n", i == 0 ? "\nExamples:\n" : "", v->examples[i]);
	(void)fprintf(f, "\nMore: apikey(8)%s%s\n", v->see == NULL ? "" : ", ",
	    v->see == NULL ? "" : v->see);
}

void
help_family(const char *family, FILE *f)
{
	for (const struct verb *v = verbs; v->name != NULL; v++)
		if (verb_is_of(v, family)) {
			print_usage(v == verb_first_of(family) ? "usage:" : "      ", v, f);
			(void)fprintf(f, "%16s", "");
			wrap_print(f, v->help, 16, 16);
		}
	(void)fprintf(f, "\n`apikey help %s %s` says how that one is used.\n", family,
	    verb_word(verb_first_of(family)));
}

int
help_say_unknown(const struct cli *c, const char *first, const char *second)
{
	const struct verb *near =
	    verb_nearest(second == NULL ? NULL : first, second == NULL ? first : second);
	const char *blank = second == NULL ? "" : " ", *more = second == NULL ? "" : second;
	int len = near == NULL ? 0 : (int)strlen(near->name);

	if (near != NULL && second == NULL)
		len = (int)strcspn(near->name, " ");
	if (near != NULL)
		cli_warn(c, "there is no verb `%.80s%s%.80s': did you mean `%.*s'?",
		    cli_shown(first), blank, cli_shown(more), len, near->name);
	else
		cli_warn(c, "there is no verb `%.80s%s%.80s': see `apikey help%s%s`",
		    cli_shown(first), blank, cli_shown(more), blank,
		    second == NULL ? "" : first);
	return CLI_USAGE;
}
