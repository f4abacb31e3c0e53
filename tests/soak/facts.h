/* facts: what must be so of a key now, as the one who changes the keys says in a file for each. */
#ifndef SOAK_FACTS_H
#define SOAK_FACTS_H

#include <stdbool.h>

enum want { WANT_EITHER, WANT_IN, WANT_OUT };

#define FACT_WORD_CAP 128

/*
 * `SERIAL LOGIN NAME TOKEN WRONG': LOGIN says whether TOKEN opens a login, NAME
 * whether the name service has the key: in, out, or either while it is being
 * changed. WRONG is a token that must open nothing. A change is told with a
 * new serial before it begins, and again when its command is done.
 */
struct fact {
	char text[4 * FACT_WORD_CAP];
	char serial[16];
	enum want login, name;
	char token[FACT_WORD_CAP], wrong[FACT_WORD_CAP];
};

/* The program ends where a file can't be read or says something else. */
void fact_read(int folder, const char *key, struct fact *out);
/* Is it still so, without a change in between? */
bool fact_stands(int folder, const char *key, const struct fact *before);
/* How often all has been changed; 0 until the first time. The program ends where the changes did. */
unsigned long facts_rounds(int folder);

#endif
