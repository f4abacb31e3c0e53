#include "token.h"

#include <gcrypt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#define CHECK_LEN 6U
#define CHECKED_LEN (TOKEN_LEN - CHECK_LEN)
#define PREFIX_LEN (sizeof(TOKEN_PREFIX) - 1)

void
token_clear(struct token *t)
{
	secret_clear(&t->text);
	*t = TOKEN_INIT;
}

bool
token_has_prefix(const char *text)
{
	return strncmp(text, TOKEN_PREFIX, PREFIX_LEN) == 0;
}

static bool
is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* n base62 characters from s on? Stops at the first that is none, a NUL too. */
static bool
all_base62(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_base62(s[i]))
			return false;
	return true;
}

bool
token_is_id(const char *s)
{
	return s[0] >= 'A' && s[0] <= 'Z' && all_base62(s, KEY_ID_LEN) && s[KEY_ID_LEN] == '\0';
}

static void
print_check(const char *checked, char out[CHECK_LEN])
{
	uint32_t crc = hash_crc32(0, checked, CHECKED_LEN);

	for (size_t i = CHECK_LEN; i-- > 0; crc /= 62)
		out[i] = alphabet[crc % 62];
}

enum ak_err
token_parse(const struct secret *text, struct token *out)
{
	const char *s = text->text;
	char check[CHECK_LEN];
	enum ak_err err;

	*out = TOKEN_INIT;
	if (text->len_b != TOKEN_LEN || !token_has_prefix(s) ||
	    !all_base62(s + PREFIX_LEN, KEY_ID_LEN) || s[PREFIX_LEN + KEY_ID_LEN] != '_' ||
	    !all_base62(s + PREFIX_LEN + KEY_ID_LEN + 1, TOKEN_SECRET_LEN + CHECK_LEN))
		return AK_ERR_INVALID;
	print_check(s, check);
	if (memcmp(check, s + CHECKED_LEN, CHECK_LEN) != 0)
		return AK_ERR_INVALID;
	memcpy(out->id, s + PREFIX_LEN, KEY_ID_LEN);
	if (!token_is_id(out->id)) {
		*out = TOKEN_INIT;
		return AK_ERR_INVALID;
	}
	if ((err = secret_set(&out->text, s, text->len_b)) != AK_OK)
		token_clear(out);
	return err;
}

/* n characters, each of the first `of` of the alphabet from `from` on alike likely: bytes that would favour some are drawn again. */
static enum ak_err
draw(char *out, size_t n, unsigned from, unsigned of)
{
	unsigned char pool[64];
	unsigned limit = 256 - 256 % of;

	for (size_t have = 0; have < n;) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			return AK_ERR_UNAVAILABLE;
		for (size_t i = 0; i < sizeof(pool) && have < n; i++)
			if (pool[i] < limit)
				out[have++] = alphabet[from + pool[i] % of];
	}
	explicit_bzero(pool, sizeof(pool));
	return AK_OK;
}

static enum ak_err
draw_id(char id[KEY_ID_LEN + 1])
{
	enum ak_err err = draw(id, 1, 10, 26);

	if (err == AK_OK)
		err = draw(id + 1, KEY_ID_LEN - 1, 0, 62);
	id[KEY_ID_LEN] = '\0';
	return err;
}

enum ak_err
token_new(const char *id, struct token *out)
{
	char text[TOKEN_LEN + 1], secret[TOKEN_SECRET_LEN + 1] = "", fresh[KEY_ID_LEN + 1];
	enum ak_err err = AK_OK;

	*out = TOKEN_INIT;
	if (id == NULL)
		err = draw_id(fresh);
	else if (!token_is_id(id))
		return AK_ERR_INVALID;
	if (err == AK_OK)
		err = draw(secret, TOKEN_SECRET_LEN, 0, 62);
	if (err != AK_OK)
		goto out;
	(void)snprintf(
	    text, sizeof(text), TOKEN_PREFIX "%s_%s", id == NULL ? fresh : id, secret);
	print_check(text, text + CHECKED_LEN);
	memcpy(out->id, text + PREFIX_LEN, KEY_ID_LEN);
	err = secret_set(&out->text, text, TOKEN_LEN);
out:
	explicit_bzero(text, sizeof(text));
	explicit_bzero(secret, sizeof(secret));
	return err;
}

/*
 * The application may have initialised libgcrypt, and in its own way: then
 * nothing is to be done. Secure memory would drop a setuid program's
 * privileges, so it is never asked for; in FIPS mode, which the host or a
 * variable of the caller's (LIBGCRYPT_FORCE_FIPS_MODE) turns on, libgcrypt
 * takes it all the same.
 */
static bool
gcrypt_ready(void)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return true;
	(void)gcry_control(GCRYCTL_DISABLE_PRIV_DROP, 0);
	if (gcry_check_version("1.10.0") == NULL)
		return false;
	(void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	(void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return true;
}

/*
 * HMAC (RFC 2104) over SHA-256, whose key is shorter than a block. Not by
 * GCRY_MD_FLAG_HMAC: that allocates, and libgcrypt aborts the process when
 * there is no memory.
 */
#define HMAC_BLOCK_B 64

static enum ak_err
hash_two(void *first, void *second, size_t second_b, unsigned char out[KEY_DIGEST_B])
{
	gcry_buffer_t iov[2] = {
	    {.size = HMAC_BLOCK_B, .len = HMAC_BLOCK_B, .data = first},
	    {.size = second_b, .len = second_b, .data = second},
	};

	return gcry_md_hash_buffers(GCRY_MD_SHA256, 0, out, iov, 2) == 0 ? AK_OK
									 : AK_ERR_UNAVAILABLE;
}

static enum ak_err
digest_token(const struct token *t, const unsigned char salt[KEY_SALT_B],
    unsigned char out[KEY_DIGEST_B])
{
	unsigned char inner_key[HMAC_BLOCK_B], outer_key[HMAC_BLOCK_B];
	unsigned char inner[KEY_DIGEST_B] = {0};
	enum ak_err err;

	if (!gcrypt_ready())
		return AK_ERR_UNAVAILABLE;
	memset(inner_key, 0x36, sizeof(inner_key));
	memset(outer_key, 0x5c, sizeof(outer_key));
	for (size_t i = 0; i < KEY_SALT_B; i++) {
		inner_key[i] ^= salt[i];
		outer_key[i] ^= salt[i];
	}
	err = hash_two(inner_key, (void *)(uintptr_t)t->text.text, t->text.len_b, inner);
	if (err == AK_OK)
		err = hash_two(outer_key, inner, sizeof(inner), out);
	explicit_bzero(inner, sizeof(inner));
	return err;
}

enum ak_err
token_make_verifier(const struct token *t, struct verifier *out)
{
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	memcpy(out->id, t->id, sizeof(out->id));
	if (getrandom(out->salt, sizeof(out->salt), 0) != (ssize_t)sizeof(out->salt))
		return AK_ERR_UNAVAILABLE;
	if ((err = digest_token(t, out->salt, out->digest)) != AK_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

enum ak_err
token_verify(const struct token *t, const unsigned char salt[KEY_SALT_B],
    const unsigned char digest[KEY_DIGEST_B])
{
	unsigned char own[KEY_DIGEST_B] = {0};
	enum ak_err err = digest_token(t, salt, own);

	if (err == AK_OK && !secret_equal(own, digest, sizeof(own)))
		err = AK_ERR_DENIED;
	explicit_bzero(own, sizeof(own));
	return err;
}

#define VERIFIER_PREFIX "apikey-verifier-1:"

static void
print_hex(struct text *t, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_add(t, "%02x", bytes[i]);
}

char *
token_print_verifier(const struct verifier *v, char buf[VERIFIER_CAP])
{
	struct text t = text_over(buf, VERIFIER_CAP);

	text_add(&t, VERIFIER_PREFIX "%s:", v->id);
	print_hex(&t, v->salt, sizeof(v->salt));
	text_add(&t, ":");
	print_hex(&t, v->digest, sizeof(v->digest));
	return buf;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n bytes as hex at *at, moved past. */
static bool
take_hex(const char **at, unsigned char *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit((*at)[0]);
		int low = high < 0 ? -1 : hex_digit((*at)[1]);

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
		*at += 2;
	}
	return true;
}

enum ak_err
token_parse_verifier(const char *text, struct verifier *out)
{
	const char *at = text;

	memset(out, 0, sizeof(*out));
	if (strncmp(at, VERIFIER_PREFIX, sizeof(VERIFIER_PREFIX) - 1) != 0)
		return AK_ERR_INVALID;
	at += sizeof(VERIFIER_PREFIX) - 1;
	if (strlen(at) < KEY_ID_LEN || at[KEY_ID_LEN] != ':')
		return AK_ERR_INVALID;
	memcpy(out->id, at, KEY_ID_LEN);
	at += KEY_ID_LEN + 1;
	if (!token_is_id(out->id) || !take_hex(&at, out->salt, sizeof(out->salt)) ||
	    *at++ != ':' || !take_hex(&at, out->digest, sizeof(out->digest)) || *at != '\0') {
		memset(out, 0, sizeof(*out));
		return AK_ERR_INVALID;
	}
	return AK_OK;
}

enum ak_err
token_sha256(const void *bytes, size_t len_b, char hex[TOKEN_SHA256_CAP])
{
	struct text t = text_over(hex, TOKEN_SHA256_CAP);
	unsigned char digest[KEY_DIGEST_B];

	if (!gcrypt_ready())
		return AK_ERR_UNAVAILABLE;
	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, bytes, len_b);
	print_hex(&t, digest, sizeof(digest));
	return AK_OK;
}
