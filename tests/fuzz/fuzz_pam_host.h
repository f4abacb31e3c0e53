/* fuzz_pam_host: the host whose files the module decides by: its keys, made once; each file can be damaged, and is whole again for the next run. */
#ifndef FUZZ_PAM_HOST_H
#define FUZZ_PAM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "paths.h"
#include "token.h"

/* What a key may do, as far as the policies here go. */
enum host_role { HOST_NO_ROLE, HOST_ALL, HOST_SSHD_ALONE, HOST_OPENS };

/* One key: what the files say of it. Those of after a change say for some of them: gone, disabled, without a role. */
struct host_key {
	const char *name;
	uint32_t uid;
	enum host_role role[2]; /* before and after the change */
	bool disabled[2], gone[2];
	bool bound; /* to 192.0.2.0/24 and 2001:db8::/32 */
	bool directory;
	int64_t from_s, until_s; /* relative to host_began_s */
	int64_t old_until_s; /* of its second token; 0: it has none */
	struct token token[2];
};

#define HOST_KEYS 10
extern struct host_key host_keys[HOST_KEYS];

/* By its settings and policy: */
enum host_kind {
	HOST_PLAIN, /* no settings; solo is an account of keys alone */
	HOST_STRICT, /* each login must be logged; public keys pass; sudo is denied; samples are kept */
	HOST_DIRECTORY, /* a key lives in LDAP */
	HOST_BROKEN, /* the policy is none */
	HOST_KINDS
};

enum host_file {
	FILE_LOCAL,
	FILE_USERS,
	FILE_IMAGE,
	FILE_POLICY,
	FILE_CONFIG,
	FILE_GROUP,
	FILE_DIRECTORY_KEYS,
	FILE_DIRECTORY_GROUPS,
	FILE_FRESHNESS,
	FILE_AUDIT,
	FILE_LASTUSED,
	FILE_LOCKDOWN,
	HOST_FILES
};

/* When the files were made, by the clock that the module has. */
extern int64_t host_began_s;

/* Once: a folder of its own, in TMPDIR or /tmp, which goes with the process. */
void host_make_all(void);

/* Whole, before the change, and without records: for one run. Returns where it lies. */
struct paths host_restore(enum host_kind kind);

/* As it is after the change; local and users are published together, or one of them alone is put there. */
void host_change(enum host_kind kind, bool local, bool users);

/* What was done to a file. */
enum damage {
	DAMAGE_REMOVED,
	DAMAGE_EMPTY,
	DAMAGE_CUT,
	DAMAGE_FLIPPED, /* a byte of it */
	DAMAGE_FORGED, /* likewise, and its checksums are right */
	DAMAGE_GROWN,
	DAMAGE_OTHER, /* another of the files in its place */
	DAMAGE_TEXT, /* bytes of the input */
	DAMAGE_FOLDER,
	DAMAGE_LINK,
	DAMAGE_FIFO,
	DAMAGE_WRITABLE,
	DAMAGES
};

void host_damage(enum host_kind kind, enum host_file file, enum damage how, uint32_t at,
    const uint8_t *bytes, size_t len_b);

/* A byte of each session's record, or handle, is another; with_folder: others may write to the folder. */
void host_damage_records(enum host_kind kind, const char *folder, uint32_t at, bool with_folder);

/* How many records there are, and how many of them are of open sessions. */
unsigned host_count_handles(enum host_kind kind);
unsigned host_count_open(enum host_kind kind);

/* Do the files that are decided by stand as they were last put there? And does this text stand in what is logged? */
bool host_is_untouched(enum host_kind kind);
bool host_has_logged(enum host_kind kind, const char *text);

#endif
