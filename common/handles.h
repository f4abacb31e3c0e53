/* handles: one-time slips that carry a verified key from the process that asked for the token to the one that opens the session. */
#ifndef AK_HANDLES_H
#define AK_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "paths.h"
#include "record.h"

/* 128 random bits, as hex. */
#define HANDLE_LEN 32U
#define HANDLE_CAP (HANDLE_LEN + 1)
/* sshd's LoginGraceTime, by the monotonic clock: so long one is kept whose processes are gone. */
#define HANDLE_TTL_S 120

/* What a handle stands for. */
struct handle {
	uint32_t uid; /* the key's */
	char key[KEY_NAME_MAX + 1];
	uint32_t secret; /* number of the one that was verified */
	char account[64]; /* PAM_USER that was authenticated for */
	char rhost[256]; /* PAM_RHOST then, a whole name of the DNS under sshd's UseDNS; "" when unset */
};

/* Seconds on the clock that handles are timed by: since boot, so that nobody sets it; -1 when it can't be had. */
int64_t handles_now(void);

/*
 * Write down h, for this process and its parent alone (over
 * keyboard-interactive sshd asks in a child of the process that opens the
 * session). Handles whose processes are gone are removed on the way, once they
 * are past their time.
 */
enum ak_err handles_issue(const struct paths *p, const struct handle *h, int64_t now_s,
    char out[HANDLE_CAP]) AK_MUST_CHECK;

/*
 * What a handle stands for, if it was issued by this process or a child of it,
 * for this account and address; else *out is all 0, and the answer
 * AK_ERR_NOT_FOUND (never was, was taken), AK_ERR_DENIED (another's), or what
 * keeps it from being read: AK_ERR_CORRUPT, AK_ERR_UNSAFE, AK_ERR_UNAVAILABLE.
 * Time ends none that may still be redeemed: who opens the session may have
 * waited for another factor. take: what can be read is removed, whosever it is.
 */
enum ak_err handles_redeem(const struct paths *p, const char *handle, const char *account,
    const char *rhost, int64_t now_s, bool take, struct handle *out) AK_MUST_CHECK;

#endif
