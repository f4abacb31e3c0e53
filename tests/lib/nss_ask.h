/* nss_ask: questions to the name service, and their answers as lines of text, to be compared. */
#ifndef NSS_ASK_H
#define NSS_ASK_H

#include <stdint.h>

#include "group.h"
#include "passwd.h"

enum nss_kind {
	ASK_PWNAM,
	ASK_PWUID,
	ASK_GRNAM,
	ASK_GRGID,
	ASK_INITGROUPS, /* name, and the primary gid in id */
	ASK_PWENT, /* all of them, from the first */
	ASK_GRENT,
};

struct nss_question {
	enum nss_kind kind;
	const char *name;
	uint32_t id;
};

#define NSS_TEXT_CAP 4096

struct nss_answer {
	enum nss_status status; /* of a list: how it ended */
	int error; /* 0 after SUCCESS */
	char text[NSS_TEXT_CAP]; /* lines as in passwd(5) and group(5); "" when there is no answer */
};

/* With 1 KiB of room, like glibc at first. */
void nss_ask(const struct nss_source *src, const struct nss_question *q, struct nss_answer *out);

/* One entry as a line; returns buf. */
char *nss_passwd_line(const struct passwd *pw, char *buf, size_t cap_b);
char *nss_group_line(const struct group *gr, char *buf, size_t cap_b);

#endif
