/* newkey: makes a key: name, ids, token, record, home; what create and ensure share. */
#ifndef CLI_NEWKEY_H
#define CLI_NEWKEY_H

#include "args.h"
#include "change.h"
#include "keyopts.h"

/*
 * Within a change that was begun: refuse what must be refused, stage the key,
 * publish, log, make its home and print the answer. *code: what the answer
 * came to, when AK_OK is the answer here. A failure with ch->committed left
 * the key made, and its token printed.
 */
enum ak_err newkey_make(struct change *ch, const struct args *a, const char *name,
    const struct keyopts *o, int *code) AK_MUST_CHECK;

/* Its home, where this host makes homes. The key is true whatever comes of it: CLI_FAILED when it could not be made, which is said. */
int newkey_make_home(struct change *ch, const struct key_record *k);

/* Does it lie where this host puts homes? */
bool newkey_is_usual_home(const struct change *ch, const struct key_record *k);
/* Such a home, where there is none, of a key that was there before and can log in: a command that was killed has made the key alone. What fails is said, and no more: nobody asked for a home. */
void newkey_make_missing_home(struct change *ch, const struct key_record *k);

#endif
