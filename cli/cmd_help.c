#include "help.h"
#include "verbs.h"

int
cmd_help(struct cli *c, const struct args *a)
{
	const char *first = a->n_operands > 0 ? a->operands[0] : NULL;
	const char *second = a->n_operands > 1 ? a->operands[1] : NULL;
	const struct verb *v = first == NULL ? NULL : verb_find(first, second);

	if (first == NULL)
		help_overview(c->out);
	else if (v != NULL)
		help_verb(v, c->out);
	else if (second == NULL && verb_first_of(first) != NULL)
		help_family(first, c->out);
	else if (verb_find(first, NULL) == NULL && verb_first_of(first) == NULL)
		return help_say_unknown(c, first, NULL);
	else
		return help_say_unknown(c, first, second);
	return CLI_DONE;
}
