/* sshdconf: what sshd would do with a login, as sshd itself says (sshd -T), and where its files say so. */
#ifndef CLI_SSHDCONF_H
#define CLI_SSHDCONF_H

#include <stdbool.h>

#include "doctor.h"

#define SSHDCONF_CAP ((size_t)64 << 10)

/* "KEYWORD VALUE" lines, keywords in small letters. */
struct sshdconf {
	char text[SSHDCONF_CAP];
};

/* user: who logs in. false: sshd could not say; text is its complaint, "" when it said nothing. */
bool sshdconf_ask(const struct doctor *d, const char *user, struct sshdconf *out);

/* The value of the keyword's first line, its first words up to cap; "" when there is none. */
void sshdconf_value(const struct sshdconf *s, const char *keyword, char *out, size_t cap);
bool sshdconf_is(const struct sshdconf *s, const char *keyword, const char *value);

/* What fn is given are the words of all lines of that keyword, one after the other; its true ends it, and is the answer. */
bool sshdconf_any(const struct sshdconf *s, const char *keyword,
    bool (*fn)(void *ctx, const char *word), void *ctx);

/* Where sshd's files say this of the keyword first (value NULL: anything), those that sshd_config includes too. false: nowhere. */
struct sshdconf_place {
	char file[PATH_CAP];
	unsigned line;
};

bool sshdconf_find(
    const struct doctor *d, const char *keyword, const char *value, struct sshdconf_place *out);

/* Lines of sshd_config itself, 0: none: which includes what lies in its sshd_config.d; where its first block begins. */
struct sshdconf_shape {
	unsigned folder, match;
	bool by_address; /* some block, of any of the files, is for addresses or hosts, of which only ours were asked for */
};

struct sshdconf_shape sshdconf_shape(const struct doctor *d);

#endif
