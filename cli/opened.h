/* opened: shared accounts that a policy opens to keys, and the one before it did not. */
#ifndef CLI_OPENED_H
#define CLI_OPENED_H

#include <stdio.h>

#include "image.h"
#include "pack.h"

/* Entries into out, whose err says when there was no memory. before may be NULL. Not `*`: sshd has better words for that. */
void opened_find(const struct image *before, const struct image *im, struct pack *out);
/* What sshd_config needs for them; nothing for none. */
void opened_print(const struct pack *opened, FILE *f);

#endif
