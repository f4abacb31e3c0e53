/* nsswitch: which services a database of nsswitch.conf(5) asks, in which order, and what ends the search. */
#ifndef CLI_NSSWITCH_H
#define CLI_NSSWITCH_H

#include <stdbool.h>
#include <stddef.h>

#define NSSWITCH_SERVICES_MAX 24

struct nsswitch {
	unsigned line; /* 0: the file has none for this database */
	size_t n;
	struct nsswitch_service {
		char name[32];
		/* [SUCCESS=merge] and the like behind it; goes_on: merge or continue */
		bool success_merge, success_return, success_goes_on, notfound_return;
	} v[NSSWITCH_SERVICES_MAX];
	char wrong[64]; /* the first word that nsswitch.conf(5) does not know; "": none */
};

/* The file's last line for the database, which is the one that counts in glibc. */
void nsswitch_read(const char *text, const char *database, struct nsswitch *out);
/* The service's place; out->n: it is not asked. */
size_t nsswitch_find(const struct nsswitch *db, const char *service);

#endif
