/* credentials: the files that the engine needs and can't read: read for it, never kept. */
#ifndef AK_CREDENTIALS_H
#define AK_CREDENTIALS_H

#include <stddef.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"
#include "pack.h"
#include "settings.h"

struct credentials {
	struct pack ca, cert, key, password; /* empty: none is named */
};

#define CREDENTIALS_INIT ((struct credentials){.ca = PACK_INIT})

/*
 * Regular files of owner; links are followed, since certificates are handed
 * out as such. key_file and password_file are refused when anybody else can
 * read them, the others when anybody else can write them. The password is the
 * file without the newline at its end; an empty one is refused, since a server
 * would take it for an anonymous login, and succeed.
 */
enum ak_err credentials_read(const struct directory_settings *d, uid_t owner,
    struct credentials *out, struct diag *why) AK_MUST_CHECK;
/* Wipes them. */
void credentials_clear(struct credentials *c);

#endif
