/* fuzz_token: any bytes as a token and as a verifier: taken only whole and with the right check, and no other token's verifier fits. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_input.h"
#include "hash.h"
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* As apikey-formats(5) has it: the CRC-32 of all before it, in base 62. */
static void
add_check(char text[TOKEN_LEN + 1])
{
	uint32_t crc = hash_crc32(0, text, TOKEN_LEN - 6);

	for (size_t i = 0; i < 6; i++, crc /= 62)
		text[TOKEN_LEN - 1 - i] = letters[crc % 62];
}

static enum ak_err
parse(const char *text, size_t len_b, struct token *out)
{
	struct secret s = SECRET_INIT;
	enum ak_err err = secret_set(&s, text, len_b);

	fuzz_check((err == AK_OK) == (len_b < SECRET_CAP &&
					 (len_b == 0 || memchr(text, '\0', len_b) == NULL)),
	    "a secret is what fits and has no NUL");
	*out = TOKEN_INIT;
	return err == AK_OK ? token_parse(&s, out) : err;
}

/* One character changed, wherever: no token any more. */
static void
check_typo(const char *text, uint8_t at, uint8_t by)
{
	char other[TOKEN_LEN + 1];
	struct token t;

	memcpy(other, text, sizeof(other));
	other[at % TOKEN_LEN] = (char)(other[at % TOKEN_LEN] ^ (1 + by % 255));
	fuzz_check(parse(other, TOKEN_LEN, &t) != AK_OK && t.text.len_b == 0 && t.id[0] == '\0',
	    "a token with a wrong character is none, and nothing of it is kept");
}

static void
check_verifier(const struct token *t, uint8_t at)
{
	struct verifier v, again;
	char printed[VERIFIER_CAP], other[TOKEN_LEN + 1];
	struct token another;

	fuzz_check(
	    token_make_verifier(t, &v) == AK_OK && token_verify(t, v.salt, v.digest) == AK_OK,
	    "a token fits its verifier");
	fuzz_check(token_parse_verifier(token_print_verifier(&v, printed), &again) == AK_OK &&
		       memcmp(&v, &again, sizeof(v)) == 0,
	    "a verifier is read as it was written");
	memcpy(other, t->text.text, sizeof(other));
	at = (uint8_t)(sizeof(TOKEN_PREFIX) + KEY_ID_LEN + at % TOKEN_SECRET_LEN);
	other[at] = other[at] == 'a' ? 'b' : 'a';
	add_check(other);
	fuzz_check(parse(other, TOKEN_LEN, &another) == AK_OK &&
		       token_verify(&another, v.salt, v.digest) == AK_ERR_DENIED,
	    "another token does not");
	token_clear(&another);
}

/* A token of the input's characters, so that what lies behind the check is reached. */
static void
check_made(const uint8_t *bytes)
{
	char text[TOKEN_LEN + 1] = TOKEN_PREFIX;
	size_t at = sizeof(TOKEN_PREFIX) - 1;
	bool good = bytes[0] % 62 >= 10 && bytes[0] % 62 < 36;
	struct token t;

	for (size_t i = 0; i < KEY_ID_LEN + TOKEN_SECRET_LEN; i++) {
		if (i == KEY_ID_LEN)
			text[at++] = '_';
		text[at++] = letters[bytes[i] % 62];
	}
	add_check(text);
	text[TOKEN_LEN] = '\0';
	fuzz_check((parse(text, TOKEN_LEN, &t) == AK_OK) == good,
	    "an id that begins with a capital makes a token");
	if (!good)
		return;
	fuzz_check(strcmp(t.text.text, text) == 0, "it is kept as it was");
	check_typo(text, bytes[1], bytes[2]);
	check_verifier(&t, bytes[3]);
	token_clear(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	struct verifier v;
	struct token t;
	char again[VERIFIER_CAP], *text;

	if (parse((const char *)bytes, len_b, &t) == AK_OK) {
		fuzz_check(
		    len_b == TOKEN_LEN && token_is_id(t.id) &&
			memcmp(t.text.text, bytes, len_b) == 0 &&
			strncmp(t.text.text + sizeof(TOKEN_PREFIX) - 1, t.id, KEY_ID_LEN) == 0,
		    "a token is its text, and names its id");
		check_typo(t.text.text, (uint8_t)t.text.text[20], (uint8_t)t.text.text[21]);
		check_verifier(&t, 0);
	}
	token_clear(&t);
	text = fuzz_rest(&in);
	fuzz_check(token_has_prefix(text) == (strncmp(text, TOKEN_PREFIX, 7) == 0), "a prefix");
	if (token_parse_verifier(text, &v) == AK_OK)
		fuzz_check(strcmp(token_print_verifier(&v, again), text) == 0,
		    "a verifier has one form");
	free(text);
	if (len_b >= KEY_ID_LEN + TOKEN_SECRET_LEN)
		check_made(bytes);
	return 0;
}
