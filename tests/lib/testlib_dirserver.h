/* testlib_dirserver: an LDAP server's pretence for the command: entries in memory, other administrators, outages. */
#ifndef TESTLIB_DIRSERVER_H
#define TESTLIB_DIRSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirserver.h"
#include "record.h"

#define FAKE_ENTRIES 16
#define FAKE_BASE "ou=keys,dc=x"
#define FAKE_COUNTER "cn=uids,dc=x"

struct fake_entry {
	bool there;
	char dn[256];
	unsigned version;
	struct pack values[SLOT_COUNT];
};

/* Is zeroed at first: empty, nothing wrong. fake_clear in the end. */
struct fake_directory {
	struct fake_entry entries[FAKE_ENTRIES];
	uint64_t next_uid; /* 0: there is no counter */
	bool no_base, refuses, no_versions;
	unsigned away; /* so many servers, from the first on, can't be reached */
	unsigned opened, closed, written; /* how often */
	struct dirserver_login login; /* of the last open; texts are copied below */
	char uri[128], dn[128], password[64];
	/* What somebody else does right before the next write; then forgotten. */
	void (*meanwhile)(struct fake_directory *d);
};

/* The ctx of its open is a struct cli_test (testlib_cli.h). */
extern const struct dirserver_calls fake_dirserver;

/* Somebody else's work: a key's entry is made or replaced, or goes. */
void fake_put(struct fake_directory *d, const struct key_record *k);
void fake_drop(struct fake_directory *d, const char *name);
/* The one value of an attribute of a key's entry; NULL: no such. Several: the first. */
const char *fake_value(
    const struct fake_directory *d, const char *name, enum directory_slot slot);
void fake_clear(struct fake_directory *d);

#endif
