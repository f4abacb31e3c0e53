/* fuzz_check: what a fuzz target knows to hold, whatever the input. */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

/* Ends the program, with the sentence. */
void fuzz_check(int holds, const char *sentence);

#endif
