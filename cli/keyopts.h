/* keyopts: the options that make or change a key: parsed once, held against this host, put into a record. */
#ifndef CLI_KEYOPTS_H
#define CLI_KEYOPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "diag.h"
#include "err.h"
#include "live.h"
#include "pack.h"
#include "record.h"
#include "token.h"

/* What was given. Strings are borrowed from argv. */
struct keyopts {
	bool has_roles, has_groups, has_from, has_duration, has_not_before, has_uid,
	    has_verifier;
	struct pack roles, groups, from; /* as packed lists; empty: to be cleared */
	int64_t duration_s, not_before;
	const char *description, *owner, *shell, *home; /* NULL: not given */
	uint32_t uid;
	struct verifier verifier;
};

#define KEYOPTS_INIT                                                                           \
	((struct keyopts){.roles = PACK_INIT, .groups = PACK_INIT, .from = PACK_INIT})

/* Bindings, groups and networks that a key has at most, each: so that one key is always one small record. */
#define KEYOPTS_LIST_MAX 256U

/* AK_ERR_INVALID with a sentence for whatever is malformed. keyopts_clear in any case. */
enum ak_err keyopts_parse(
    const struct args *a, struct keyopts *out, struct diag *why) AK_MUST_CHECK;
void keyopts_clear(struct keyopts *o);

/*
 * Would this host have it: the duration within max_duration, the shell
 * executable? Only what was given is asked. AK_ERR_DENIED with a sentence when
 * not; AK_ERR_UNAVAILABLE when settings or policy can't be read.
 */
enum ak_err keyopts_check(
    const struct keyopts *o, const struct live *live, struct diag *why) AK_MUST_CHECK;
/* The same for one binding's text, which must be one: role and spaces declared? */
enum ak_err keyopts_check_binding(
    const char *text, const struct live *live, struct diag *why) AK_MUST_CHECK;
/* AK_ERR_DENIED when a list is longer than KEYOPTS_LIST_MAX. what: "bindings". */
enum ak_err keyopts_check_count(
    struct strv list, const char *what, struct diag *why) AK_MUST_CHECK;
/* A group's name as an identity provider has it: one line of UTF-8, 1 to 255 bytes, exactly as it is; AK_ERR_INVALID. */
enum ak_err keyopts_check_group(const char *name, struct diag *why) AK_MUST_CHECK;
/* A name that a key may have? AK_ERR_INVALID. */
enum ak_err keyopts_check_name(const char *name, struct diag *why) AK_MUST_CHECK;
/* Fit to stand in passwd(5), 255 bytes at most: AK_ERR_INVALID. what: "--owner". A path is absolute besides. */
enum ak_err keyopts_check_text(
    const char *what, const char *value, struct diag *why) AK_MUST_CHECK;
enum ak_err keyopts_check_path(
    const char *what, const char *value, struct diag *why) AK_MUST_CHECK;
/* Is path a shell that can be started? AK_ERR_DENIED with a sentence when not. */
enum ak_err keyopts_check_shell(const char *path, struct diag *why) AK_MUST_CHECK;

/* "7d", "90m": in the largest unit that leaves nothing over; returns buf. */
char *keyopts_print_duration(int64_t s, char buf[NUM_TIME_CAP]);

/*
 * Put what was given into the record, which borrows it; the answer: did
 * anything change? Name, uid and verifier are the verbs' own. A duration
 * counts from `from`.
 */
bool keyopts_apply(const struct keyopts *o, int64_t from, struct key_record *k);

/* Do both texts mean the same binding? The order of its names doesn't matter. What is no binding is compared as text. */
bool keyopts_same_binding(const char *a, const char *b);

#endif
