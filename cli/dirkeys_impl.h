/* dirkeys_impl: what dirkeys.c reads and dirkeys_write.c writes. */
#ifndef CLI_DIRKEYS_IMPL_H
#define CLI_DIRKEYS_IMPL_H

#include "dirkeys.h"
#include "dirserver.h"

enum dirkeys_plan { PLAN_NONE, PLAN_ADD, PLAN_CHANGE, PLAN_REMOVE };

/* A key's entry, and what is to become of it. */
struct dirkeys_entry {
	struct dirkeys_entry *next;
	char name[KEY_NAME_MAX + 1], id[KEY_ID_LEN + 1];
	char dn[1024];
	char version[256];
	struct pack raw[SLOT_COUNT]; /* its values, as they stand there */
	struct pack before[SLOT_COUNT]; /* as we would have written them */
	struct pack after[SLOT_COUNT]; /* as they shall be */
	enum dirkeys_plan plan;
	bool written;
};

struct dirkeys {
	const struct dirserver_calls *calls;
	void *server;
	const struct settings *settings;
	const struct directory_settings *directory; /* of them */
	struct dirkeys_entry *first, **end; /* in the order in which they were found */
};

/* One more, behind the others; NULL: out of memory. */
struct dirkeys_entry *dirkeys_note(struct dirkeys *d, const struct key_record *k);
/* The values that a key has by slot. */
enum ak_err dirkeys_values(
    const struct key_record *k, struct pack values[SLOT_COUNT]) AK_MUST_CHECK;

#endif
