/* replaced: which of the files that a login reads or writes were replaced by others while logins ran. */
#ifndef SOAK_REPLACED_H
#define SOAK_REPLACED_H

#include <stdbool.h>

/* Looks at each; the first call keeps what is there. It holds a descriptor of each from then on, never more. */
void replaced_look(void);
/* Says how often each was another than before. False, and said: one never was. */
bool replaced_all(void);

#endif
