/* wrap: a text for people, in lines of 80 columns. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <stddef.h>
#include <stdio.h>

/*
 * The words of text (ASCII), and the end of the last line. The first line goes
 * on in column `at`, counted from 0; all others begin in column `indent`. A word
 * is never cut.
 */
void wrap_print(FILE *f, const char *text, size_t at, size_t indent);

#endif
