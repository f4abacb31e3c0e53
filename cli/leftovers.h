/* leftovers: what a deleted key's user left in the spools of cron and at. */
#ifndef CLI_LEFTOVERS_H
#define CLI_LEFTOVERS_H

#include "cli.h"
#include "record.h"

/* Name each on the error stream. */
void leftovers_tell(const struct cli *c, const struct key_record *k);

#endif
