/* help: what the command says about itself, all of it from the tables of verbs and options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli.h"
#include "verb.h"

/* All verbs, under their headings. */
void help_overview(FILE *f);
/* One verb: usage, what it does, options, examples, and where more is said. */
void help_verb(const struct verb *v, FILE *f);
/* The usage of all verbs of a family. */
void help_family(const char *family, FILE *f);

/* That there is no such verb (second NULL: it was not that far), and which one was likely meant. Answers CLI_USAGE. */
int help_say_unknown(const struct cli *c, const char *first, const char *second);

#endif
