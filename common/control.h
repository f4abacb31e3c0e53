/* control: what the command asks of the daemon, over /run/apikey/control (a SOCK_SEQPACKET, root's alone). */
#ifndef AK_CONTROL_H
#define AK_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "pack.h"
#include "paths.h"

enum control_ask {
	CONTROL_STATUS = 1, /* answered at once */
	CONTROL_SYNC =
	    2, /* a full refresh, answered when it is done and published, or has failed */
	CONTROL_ACCEPT = 3, /* let a mass ending that is held back go on */
};

struct control_reply {
	enum ak_err err; /* AK_OK: done; AK_ERR_NOT_FOUND: there was nothing to do */
	char text[512]; /* why not, in a sentence; "" */
	uint32_t pid; /* the daemon's */
	int64_t started_at;
	bool has_directory;
	uint8_t phase; /* enum wire_phase */
	char uri[256]; /* the server that is followed, or tried; "" */
	char problem[512]; /* what is wrong with the directory, or ""; policy_problem: with the policy */
	char policy_problem[DIAG_PRINT_CAP];
	int64_t contact_at; /* 0: never */
	int64_t changed_at; /* the last change that came from the directory; 0: none */
	uint32_t keys, groups, principals,
	    skipped; /* entries; skipped: keys of LDAP that this host doesn't serve */
	uint32_t held_back; /* sessions that wait for CONTROL_ACCEPT */
	uint32_t ended; /* sessions, by this CONTROL_ACCEPT */
};

void control_ask_pack(enum control_ask ask, struct pack *out);
enum ak_err control_ask_unpack(
    const void *bytes, size_t len_b, enum control_ask *out) AK_MUST_CHECK;
void control_reply_pack(const struct control_reply *r, struct pack *out);
enum ak_err control_reply_unpack(
    const void *bytes, size_t len_b, struct control_reply *out) AK_MUST_CHECK;

/* Ask and wait, at most timeout_s. AK_ERR_NOT_FOUND: no daemon is there; AK_ERR_UNAVAILABLE: it doesn't answer. */
enum ak_err control_call(const struct paths *p, enum control_ask ask, int timeout_s,
    struct control_reply *out, struct diag *why) AK_MUST_CHECK;

#endif
