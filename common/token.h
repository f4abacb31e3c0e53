/* token: what a key presents: made, read, digested and compared. The one room that knows gcrypt.h. */
#ifndef AK_TOKEN_H
#define AK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "record.h"
#include "secret.h"

/*
 * apikey_<id>_<secret><check>: id 10 and secret 43 base62 characters
 * (0-9A-Za-z), the id's first one of A-Z; check 6 base62 characters,
 * big-endian, of the CRC-32 of all before it (apikey-formats(5)).
 */
#define TOKEN_PREFIX "apikey_"
#define TOKEN_LEN 67U
#define TOKEN_SECRET_LEN 43U

struct token {
	char id[KEY_ID_LEN + 1];
	struct secret text;
};

#define TOKEN_INIT ((struct token){.text = SECRET_INIT})

void token_clear(struct token *t);

/* Does it begin like one? Then it is meant for us alone. */
bool token_has_prefix(const char *text);

/* Form and check: AK_ERR_INVALID when text is not a token. No file is opened for that. */
enum ak_err token_parse(const struct secret *text, struct token *out) AK_MUST_CHECK;

bool token_is_id(const char *s);

/* A fresh token from getrandom(2); id NULL: a fresh id too. AK_ERR_UNAVAILABLE without randomness. */
enum ak_err token_new(const char *id, struct token *out) AK_MUST_CHECK;

/* What is stored: HMAC-SHA-256 of the whole token, keyed by a salt. */
struct verifier {
	char id[KEY_ID_LEN + 1];
	unsigned char salt[KEY_SALT_B];
	unsigned char digest[KEY_DIGEST_B];
};

/* A verifier under a fresh salt. */
enum ak_err token_make_verifier(const struct token *t, struct verifier *out) AK_MUST_CHECK;

/* AK_OK, AK_ERR_DENIED, or AK_ERR_UNAVAILABLE when libgcrypt fails. Constant time. */
enum ak_err token_verify(const struct token *t, const unsigned char salt[KEY_SALT_B],
    const unsigned char digest[KEY_DIGEST_B]) AK_MUST_CHECK;

/* apikey-verifier-1:<id>:<salt, 32 hex digits>:<digest, 64 hex digits> */
#define VERIFIER_CAP 128
char *token_print_verifier(const struct verifier *v, char buf[VERIFIER_CAP]);
enum ak_err token_parse_verifier(const char *text, struct verifier *out) AK_MUST_CHECK;

/* SHA-256 of what is no secret (a policy's text), as hex. AK_ERR_UNAVAILABLE when libgcrypt fails. */
#define TOKEN_SHA256_CAP 65
enum ak_err token_sha256(
    const void *bytes, size_t len_b, char hex[TOKEN_SHA256_CAP]) AK_MUST_CHECK;

#endif
