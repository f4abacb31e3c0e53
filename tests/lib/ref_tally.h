/* ref_tally: how often the reference found each kind of condition true, false or undefined: that it was tried at all. */
#ifndef REF_TALLY_H
#define REF_TALLY_H

#include <stdbool.h>

/* One more of this kind, which was so; neither: undefined. */
void ref_tally_predicate(const char *kind, bool is_true, bool is_false);

/* A line for each: "counted: KIND true N". */
void ref_tally_print(void);

/* Was each kind all that it can be? Else the first that was not is printed. */
bool ref_tally_is_whole(void);

#endif
