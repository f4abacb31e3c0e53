/* What a key presents: its form, its check, its randomness, and what is stored of it. */
#include <gcrypt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "token.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/*
 * Fixed vectors, computed with Python's zlib.crc32 and hmac. The digests are
 * under the salt 00 01 02 … 0f. The first is printed in apikey-formats(5):
 *	id	Example000
 *	secret	0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg
 *	CRC-32	712c36fb
 *	check	24Uqbb
 */
static const struct {
	const char *id, *text, *digest;
} vectors[] = {
    {"Example000", "apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb",
	"c7e4e5eeac1c1be82b0e963b19785c36e12fa6a5746325601f29b457449d5aeb"},
    {"Zebra12345", "apikey_Zebra12345_zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJ2YgLqW",
	"9a59e4f90100b5247ee66a68c4dee6ff29f9a48beb4f32e56f2e6c221fa62e68"},
    /* A small CRC: its check begins with a zero. */
    {"A000000002", "apikey_A000000002_00000000000000000000000000000000000000000000UNZi7",
	"79c70b18817138e9f228c9d3964a3f82f49e72f15b03b531f5f2272886519b60"},
};

/* ---- what the kernel and the library answer ---- */

static unsigned draws_left = UINT_MAX, hashes_left = UINT_MAX;
static unsigned useless_draws; /* bytes that stand for no character */
static bool library_is_old;

ssize_t __real_getrandom(void *bytes, size_t len_b, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t len_b, unsigned flags);
const char *__real_gcry_check_version(const char *wanted);
const char *__wrap_gcry_check_version(const char *wanted);
gcry_error_t __real_gcry_md_hash_buffers(
    int algo, unsigned flags, void *digest, const gcry_buffer_t *iov, int n);
gcry_error_t __wrap_gcry_md_hash_buffers(
    int algo, unsigned flags, void *digest, const gcry_buffer_t *iov, int n);

ssize_t
__wrap_getrandom(void *bytes, size_t len_b, unsigned flags)
{
	if (draws_left == 0)
		return (ssize_t)len_b - 1;
	draws_left--;
	if (useless_draws > 0) {
		useless_draws--;
		memset(bytes, 0xff, len_b);
		return (ssize_t)len_b;
	}
	return __real_getrandom(bytes, len_b, flags);
}

const char *
__wrap_gcry_check_version(const char *wanted)
{
	return library_is_old ? NULL : __real_gcry_check_version(wanted);
}

gcry_error_t
__wrap_gcry_md_hash_buffers(
    int algo, unsigned flags, void *digest, const gcry_buffer_t *iov, int n)
{
	if (hashes_left == 0)
		return gcry_error(GPG_ERR_INV_OP);
	hashes_left--;
	return __real_gcry_md_hash_buffers(algo, flags, digest, iov, n);
}

/* The check from the format's description alone. */
static void
write_check(char *text)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < TOKEN_LEN - 6; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	crc = ~crc;
	for (size_t i = TOKEN_LEN; i-- > TOKEN_LEN - 6; crc /= 62)
		text[i] = alphabet[crc % 62];
}

static enum ak_err
parse_bytes(const char *text, size_t len_b, struct token *out)
{
	struct secret s = SECRET_INIT;
	enum ak_err err = secret_set(&s, text, len_b);

	*out = TOKEN_INIT;
	if (err == AK_OK)
		err = token_parse(&s, out);
	secret_clear(&s);
	return err;
}

static enum ak_err
parse(const char *text, struct token *out)
{
	return parse_bytes(text, strlen(text), out);
}

static void
assert_no_token(const char *row, const struct token *t)
{
	assert_row(row, t->id[0] == '\0' && t->text.len_b == 0 && t->text.text[0] == '\0');
}

/* The text is refused, and nothing of it is kept. */
static void
assert_refused(const char *row, const char *text, size_t len_b)
{
	struct token t;

	assert_row(row, parse_bytes(text, len_b, &t) != AK_OK);
	assert_no_token(row, &t);
}

static void
the_fixed_vectors_are_tokens(void **state)
{
	char text[TOKEN_LEN + 1];

	(void)state;
	for (size_t i = 0; i < N(vectors); i++) {
		struct token t;

		assert_int_equal(strlen(vectors[i].text), TOKEN_LEN);
		memcpy(text, vectors[i].text, sizeof(text));
		memset(text + TOKEN_LEN - 6, '?', 6);
		write_check(text);
		assert_string_equal(text, vectors[i].text);
		assert_err(text, AK_OK, parse(vectors[i].text, &t));
		assert_string_equal(t.id, vectors[i].id);
		assert_string_equal(t.text.text, vectors[i].text);
		assert_int_equal(t.text.len_b, TOKEN_LEN);
		token_clear(&t);
		assert_no_token("cleared", &t);
	}
}

static void
what_is_not_whole_is_no_token(void **state)
{
	static const char good[] =
	    "apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb";
	static const struct {
		const char *row, *text;
	} rows[] = {
	    {"001 empty", ""},
	    {"008 one character short",
		"apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqb"},
	    {"008 its first character is missing",
		"pikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb"},
	    {"010 a newline behind it",
		"apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb\n"},
	    {"010 a carriage return behind it",
		"apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb\r"},
	    {"010 a newline for its last character",
		"apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqb\n"},
	    {"a blank before it",
		" apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb"},
	    {"012 sshd's answer to a wrong user", "\b\n\r\177INCORRECT"},
	    {"013 invalid UTF-8", "apikey_\xff\xfe\xc3\x28\xa0"},
	    {"014 formats", "%n%s%n%s"},
	    {"016 case flipped in the prefix",
		"Apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb"},
	    {"017 the stored digest",
		"c7e4e5eeac1c1be82b0e963b19785c36e12fa6a5746325601f29b457449d5aeb"},
	    {"017 the verifier",
		"apikey-verifier-1:Example000:000102030405060708090a0b0c0d0e0f"},
	    {"019 a prefix alone", "apikey_"},
	    {"019 prefix and id", "apikey_Example000_"},
	    {"an ordinary password", "correct horse battery staple"},
	};
	static char big[65536];
	static const size_t lengths[] = {66, 68, 127, 128, 511, 512, 1024, 65536};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_refused(rows[i].row, rows[i].text, strlen(rows[i].text));
	for (size_t i = 0; i < N(lengths); i++) {
		memset(big, 'a', sizeof(big));
		memcpy(big, good, lengths[i] < TOKEN_LEN ? lengths[i] : TOKEN_LEN);
		assert_refused("011 too long or short", big, lengths[i]);
	}
	memcpy(big, good, sizeof(good));
	for (size_t i = 0; i < TOKEN_LEN; i++) {
		big[i] = '\0';
		assert_refused("a NUL within", big, TOKEN_LEN);
		big[i] = good[i];
	}
	assert_refused("002 no text at all", NULL, 0);
}

static void
abuse_008_a_token_cut_anywhere_is_no_token(void **state)
{
	(void)state;
	for (size_t len_b = 0; len_b < TOKEN_LEN; len_b++)
		assert_refused("cut", vectors[0].text, len_b);
}

static void
abuse_009_one_character_too_many_is_no_token(void **state)
{
	char text[TOKEN_LEN + 2];

	(void)state;
	for (size_t at = 0; at <= TOKEN_LEN; at++)
		for (size_t c = 0; c < 62; c++) {
			memcpy(text, vectors[0].text, at);
			text[at] = alphabet[c];
			memcpy(text + at + 1, vectors[0].text + at, TOKEN_LEN - at + 1);
			assert_refused("one too many", text, TOKEN_LEN + 1);
		}
}

/* A CRC finds every change of up to 32 bits in a row. */
static void
every_change_of_a_character_or_two_is_refused(void **state)
{
	char text[TOKEN_LEN + 1];

	(void)state;
	memcpy(text, vectors[0].text, sizeof(text));
	for (size_t at = 0; at < TOKEN_LEN; at++) {
		char was = text[at];

		for (int c = 0; c < 256; c++) {
			text[at] = (char)c;
			if (text[at] != was)
				assert_refused("changed", text, TOKEN_LEN);
		}
		text[at] = was;
		if (at + 1 == TOKEN_LEN || text[at + 1] == was)
			continue;
		text[at] = text[at + 1];
		text[at + 1] = was;
		assert_refused("swapped", text, TOKEN_LEN);
		text[at + 1] = text[at];
		text[at] = was;
	}
}

/* With a right check, the form alone decides. */
static void
a_right_check_makes_no_wrong_form_right(void **state)
{
	static const struct {
		const char *row;
		size_t at;
		char c;
	} rows[] = {
	    {"016 case flipped in the prefix", 0, 'A'},
	    {"a dash for the first underscore", 6, '-'},
	    {"an id that begins with a digit", 7, '0'},
	    {"an id that begins in lower case", 7, 'a'},
	    {"an id that begins with what follows Z", 7, '['},
	    {"an id that begins with what precedes A", 7, '@'},
	    {"an underscore in the id", 12, '_'},
	    {"a slash in the id", 16, '/'},
	    {"a dash for the second underscore", 17, '-'},
	    {"a letter for the second underscore", 17, 'a'},
	    {"an underscore in the secret", 18, '_'},
	    {"a plus in the secret", 40, '+'},
	    {"what follows 9", 40, ':'},
	    {"what follows z", 40, '{'},
	    {"what precedes a", 40, '`'},
	    {"a newline in the secret", 60, '\n'},
	    {"013 a byte above ASCII", 40, (char)0xc3},
	};
	char text[TOKEN_LEN + 1];
	struct token t;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		memcpy(text, vectors[0].text, sizeof(text));
		text[rows[i].at] = rows[i].c;
		write_check(text);
		assert_err(rows[i].row, AK_ERR_INVALID, parse(text, &t));
		assert_no_token(rows[i].row, &t);
	}
}

static void
a_check_that_would_overflow_is_refused(void **state)
{
	char text[TOKEN_LEN + 1];

	(void)state;
	memcpy(text, vectors[0].text, sizeof(text));
	memcpy(text + TOKEN_LEN - 6, "zzzzzz", 6);
	assert_refused("largest", text, TOKEN_LEN);
	memcpy(text + TOKEN_LEN - 6, "000000", 6);
	assert_refused("zero", text, TOKEN_LEN);
}

static void
an_id_is_told_from_what_is_none(void **state)
{
	static const struct {
		const char *s;
		bool is_id;
	} rows[] = {{"A000000000", true}, {"Zzzzzzzzzz", true}, {"Example000", true},
	    {"", false}, {"A", false}, {"A00000000", false}, {"A0000000000", false},
	    {"a000000000", false}, {"0000000000", false}, {"A00000000_", false},
	    {"A00000000-", false}, {"A00000000\n", false}, {"A0000 0000", false},
	    {"_000000000", false}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_row(rows[i].s, token_is_id(rows[i].s) == rows[i].is_id);
}

static void
a_prefix_is_enough_to_be_meant_for_us(void **state)
{
	(void)state;
	assert_true(token_has_prefix("apikey_"));
	assert_true(token_has_prefix("apikey_\n"));
	assert_true(token_has_prefix(vectors[0].text));
	assert_false(token_has_prefix(""));
	assert_false(token_has_prefix("apikey"));
	assert_false(token_has_prefix("APIKEY_x"));
	assert_false(token_has_prefix(" apikey_x"));
	assert_false(token_has_prefix("apikey-verifier-1:"));
}

static void
a_new_token_is_one_and_keeps_a_given_id(void **state)
{
	struct token t, again;

	(void)state;
	for (int i = 0; i < 300; i++) {
		const char *id = i % 2 == 0 ? NULL : "Example000";

		assert_err("", AK_OK, token_new(id, &t));
		assert_int_equal(t.text.len_b, TOKEN_LEN);
		assert_err("", AK_OK, token_parse(&t.text, &again));
		assert_string_equal(t.id, again.id);
		assert_string_equal(t.text.text, again.text.text);
		assert_true(token_is_id(t.id));
		if (id != NULL)
			assert_string_equal(t.id, id);
		token_clear(&t);
		token_clear(&again);
	}
	assert_err("", AK_ERR_INVALID, token_new("not an id!", &t));
	assert_no_token("refused", &t);
	assert_err("", AK_ERR_INVALID, token_new("", &t));
}

static double
chi_square(const unsigned *counts, size_t n, unsigned total)
{
	double wanted = (double)total / (double)n, sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((double)counts[i] - wanted) * ((double)counts[i] - wanted) / wanted;
	return sum;
}

/*
 * Bytes taken modulo 62 would favour the first eight characters: chi-square
 * would be about 1,400 for the secrets; modulo 26 for the ids' first about
 * 290. The bounds are passed by chance once in 10^12 runs or less.
 */
static void
every_character_is_alike_likely(void **state)
{
	static unsigned places[TOKEN_SECRET_LEN][62];
	unsigned secrets[62] = {0}, firsts[26] = {0}, ids[62] = {0};
	const unsigned n = 200000, n_secrets = 5000;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		struct token t;

		assert_err("", AK_OK, token_new(NULL, &t));
		firsts[t.id[0] - 'A']++;
		for (size_t k = 1; k < KEY_ID_LEN && i < 4 * n_secrets; k++)
			ids[strchr(alphabet, t.id[k]) - alphabet]++;
		for (size_t k = 0; k < TOKEN_SECRET_LEN && i < n_secrets; k++) {
			size_t c = (size_t)(strchr(alphabet, t.text.text[18 + k]) - alphabet);

			secrets[c]++;
			places[k][c]++;
		}
	}
	assert_true(chi_square(firsts, 26, n) < 115);
	assert_true(chi_square(ids, 62, 4 * n_secrets * (KEY_ID_LEN - 1)) < 190);
	assert_true(chi_square(secrets, 62, n_secrets * TOKEN_SECRET_LEN) < 190);
	for (size_t k = 0; k < TOKEN_SECRET_LEN; k++)
		assert_true(chi_square(places[k], 62, n_secrets) < 200);
}

static void
no_two_tokens_are_alike(void **state)
{
	static char seen[200][TOKEN_LEN + 1];
	struct token t;

	(void)state;
	for (size_t i = 0; i < N(seen); i++) {
		assert_err("", AK_OK, token_new("Example000", &t));
		memcpy(seen[i], t.text.text, sizeof(seen[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(seen[k], seen[i]);
	}
}

static void
hex(char *out, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void
a_vector_is_verified_by_its_digest_alone(void **state)
{
	unsigned char salt[KEY_SALT_B], digest[KEY_DIGEST_B];
	struct token t;

	(void)state;
	for (unsigned i = 0; i < KEY_SALT_B; i++)
		salt[i] = (unsigned char)i;
	for (size_t i = 0; i < N(vectors); i++) {
		for (size_t k = 0; k < KEY_DIGEST_B; k++) {
			unsigned byte;

			assert_int_equal(sscanf(vectors[i].digest + 2 * k, "%2x", &byte), 1);
			digest[k] = (unsigned char)byte;
		}
		assert_err("", AK_OK, parse(vectors[i].text, &t));
		assert_err("", AK_OK, token_verify(&t, salt, digest));
		for (size_t bit = 0; bit < KEY_DIGEST_B * 8; bit++) {
			digest[bit / 8] ^= (unsigned char)(1U << bit % 8);
			assert_err("digest", AK_ERR_DENIED, token_verify(&t, salt, digest));
			digest[bit / 8] ^= (unsigned char)(1U << bit % 8);
		}
		for (size_t bit = 0; bit < KEY_SALT_B * 8; bit++) {
			salt[bit / 8] ^= (unsigned char)(1U << bit % 8);
			assert_err("salt", AK_ERR_DENIED, token_verify(&t, salt, digest));
			salt[bit / 8] ^= (unsigned char)(1U << bit % 8);
		}
		token_clear(&t);
		assert_err("empty", AK_ERR_DENIED, token_verify(&t, salt, digest));
	}
}

static void
abuse_003_004_another_secret_or_key_is_denied(void **state)
{
	struct token t, same_id, other;
	struct verifier v;

	(void)state;
	assert_err("", AK_OK, token_new(NULL, &t));
	assert_err("", AK_OK, token_make_verifier(&t, &v));
	assert_string_equal(v.id, t.id);
	assert_err("own", AK_OK, token_verify(&t, v.salt, v.digest));
	assert_err("", AK_OK, token_new(t.id, &same_id));
	assert_err("003", AK_ERR_DENIED, token_verify(&same_id, v.salt, v.digest));
	assert_err("", AK_OK, token_new(NULL, &other));
	assert_err("004", AK_ERR_DENIED, token_verify(&other, v.salt, v.digest));
}

/* The other interface of the library, and RFC 4231's first case to judge that. */
static void
mac(const void *key, size_t key_b, const void *text, size_t text_b, unsigned char out[32])
{
	gcry_mac_hd_t h;
	size_t out_b = 32;

	assert_int_equal(gcry_mac_open(&h, GCRY_MAC_HMAC_SHA256, 0, NULL), 0);
	assert_int_equal(gcry_mac_setkey(h, key, key_b), 0);
	assert_int_equal(gcry_mac_write(h, text, text_b), 0);
	assert_int_equal(gcry_mac_read(h, out, &out_b), 0);
	gcry_mac_close(h);
}

static void
a_digest_is_the_hmac_of_the_whole_token(void **state)
{
	unsigned char digest[32], key[20];
	char text[65];
	struct token t;
	struct verifier v;

	(void)state;
	assert_err("", AK_OK, token_new(NULL, &t)); /* the library is ready from here */
	assert_err("", AK_OK, token_make_verifier(&t, &v));
	memset(key, 0x0b, sizeof(key));
	mac(key, sizeof(key), "Hi There", 8, digest);
	hex(text, digest, 32);
	assert_string_equal(
	    text, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	for (int i = 0; i < 200; i++) {
		assert_err("", AK_OK, token_new(NULL, &t));
		assert_err("", AK_OK, token_make_verifier(&t, &v));
		mac(v.salt, sizeof(v.salt), t.text.text, TOKEN_LEN, digest);
		assert_memory_equal(v.digest, digest, sizeof(digest));
	}
}

static void
salts_differ(void **state)
{
	struct token t;
	struct verifier a, b;

	(void)state;
	assert_err("", AK_OK, parse(vectors[0].text, &t));
	assert_err("", AK_OK, token_make_verifier(&t, &a));
	assert_err("", AK_OK, token_make_verifier(&t, &b));
	assert_memory_not_equal(a.salt, b.salt, KEY_SALT_B);
	assert_memory_not_equal(a.digest, b.digest, KEY_DIGEST_B);
}

#define SALT_HEX "000102030405060708090a0b0c0d0e0f"
#define DIGEST_HEX "c7e4e5eeac1c1be82b0e963b19785c36e12fa6a5746325601f29b457449d5aeb"
#define VERIFIER "apikey-verifier-1:Example000:" SALT_HEX ":" DIGEST_HEX

static void
a_verifier_is_printed_and_read_back(void **state)
{
	char buf[VERIFIER_CAP];
	struct verifier v, back;
	struct token t;

	(void)state;
	assert_err("", AK_OK, token_parse_verifier(VERIFIER, &v));
	assert_string_equal(v.id, "Example000");
	assert_string_equal(token_print_verifier(&v, buf), VERIFIER);
	assert_err("", AK_OK, parse(vectors[0].text, &t));
	assert_err("", AK_OK, token_verify(&t, v.salt, v.digest));
	for (int i = 0; i < 100; i++) {
		assert_err("", AK_OK, token_new(NULL, &t));
		assert_err("", AK_OK, token_make_verifier(&t, &v));
		assert_err(
		    buf, AK_OK, token_parse_verifier(token_print_verifier(&v, buf), &back));
		assert_memory_equal(&v, &back, sizeof(v));
	}
}

static void
a_malformed_verifier_is_refused(void **state)
{
	static const char *const rows[] = {"", "apikey-verifier-1:", "apikey-verifier-1",
	    "apikey-verifier-2:Example000:" SALT_HEX ":" DIGEST_HEX,
	    "Apikey-verifier-1:Example000:" SALT_HEX ":" DIGEST_HEX, " " VERIFIER,
	    VERIFIER "\n", VERIFIER ":", VERIFIER "0", VERIFIER "00",
	    "apikey-verifier-1:Example00:" SALT_HEX ":" DIGEST_HEX,
	    "apikey-verifier-1:Example0000:" SALT_HEX ":" DIGEST_HEX,
	    "apikey-verifier-1:example000:" SALT_HEX ":" DIGEST_HEX,
	    "apikey-verifier-1:0xample000:" SALT_HEX ":" DIGEST_HEX,
	    "apikey-verifier-1:Example_00:" SALT_HEX ":" DIGEST_HEX,
	    "apikey-verifier-1::" SALT_HEX ":" DIGEST_HEX,
	    "apikey-verifier-1:Example000::" DIGEST_HEX,
	    "apikey-verifier-1:Example000:" SALT_HEX ":",
	    "apikey-verifier-1:Example000:" SALT_HEX,
	    "apikey-verifier-1:Example000:", "apikey-verifier-1:Example000",
	    "apikey-verifier-1:Example000:" DIGEST_HEX ":" SALT_HEX,
	    "apikey-verifier-1:Example000:" SALT_HEX "0:" DIGEST_HEX,
	    "apikey-verifier-1:Example000:" SALT_HEX "," DIGEST_HEX,
	    "apikey-verifier-1:Example000:000102030405060708090A0B0C0D0E0F:" DIGEST_HEX,
	    "apikey-verifier-1:Example000:000102030405060708090g0b0c0d0e0f:" DIGEST_HEX,
	    "apikey-verifier-1:Example000: 00102030405060708090a0b0c0d0e0f:" DIGEST_HEX,
	    "apikey-verifier-1:Example000:0x0102030405060708090a0b0c0d0e0f:" DIGEST_HEX,
	    "apikey_Example000_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg24Uqbb"};
	static const struct verifier none;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct verifier v;

		assert_err(rows[i], AK_ERR_INVALID, token_parse_verifier(rows[i], &v));
		assert_row(rows[i], memcmp(&v, &none, sizeof(v)) == 0);
	}
}

static void
a_verifier_cut_or_changed_anywhere_is_refused_or_another(void **state)
{
	char text[sizeof(VERIFIER)], again[VERIFIER_CAP];
	struct verifier v;

	(void)state;
	for (size_t len = 0; len < strlen(VERIFIER); len++) {
		char *cut = strndup(VERIFIER, len);

		assert_non_null(cut);
		assert_err(cut, AK_ERR_INVALID, token_parse_verifier(cut, &v));
		free(cut);
	}
	for (size_t at = 0; at < strlen(VERIFIER); at++)
		for (int c = 1; c < 256; c++) {
			memcpy(text, VERIFIER, sizeof(text));
			text[at] = (char)c;
			if (token_parse_verifier(text, &v) == AK_OK)
				assert_string_equal(token_print_verifier(&v, again), text);
		}
}

/* The first test of all: nobody has used the library in this process yet. */
static void
a_library_that_is_too_old_is_not_used_and_another_is_made_ready_once(void **state)
{
	unsigned char zeros[KEY_DIGEST_B] = {0};
	char hash[TOKEN_SHA256_CAP];
	struct verifier v;
	struct token t;

	(void)state;
	assert_err("", AK_OK, parse(vectors[0].text, &t));
	library_is_old = true;
	assert_err("verify", AK_ERR_UNAVAILABLE, token_verify(&t, zeros, zeros));
	assert_err("make", AK_ERR_UNAVAILABLE, token_make_verifier(&t, &v));
	assert_err("sha256", AK_ERR_UNAVAILABLE, token_sha256("abc", 3, hash));
	library_is_old = false;
	assert_false(gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P));
	assert_err("verify", AK_ERR_DENIED, token_verify(&t, zeros, zeros));
	assert_true(gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P));
	/* Who made it ready decided which version will do. */
	library_is_old = true;
	assert_err("verify", AK_ERR_DENIED, token_verify(&t, zeros, zeros));
	library_is_old = false;
}

static void
a_hash_that_fails_verifies_nothing(void **state)
{
	unsigned char zeros[KEY_DIGEST_B] = {0};
	struct token t;
	struct verifier v;

	(void)state;
	assert_err("", AK_OK, parse(vectors[0].text, &t));
	for (unsigned n = 0; n < 2; n++) {
		hashes_left = n;
		assert_err("verify", AK_ERR_UNAVAILABLE, token_verify(&t, zeros, zeros));
		hashes_left = n;
		assert_err("make", AK_ERR_UNAVAILABLE, token_make_verifier(&t, &v));
	}
	hashes_left = UINT_MAX;
}

static void
without_randomness_there_is_no_token_and_no_verifier(void **state)
{
	struct token t, made;
	struct verifier v;
	unsigned n = 0;

	(void)state;
	assert_err("", AK_OK, parse(vectors[0].text, &t));
	draws_left = 0;
	assert_err("", AK_ERR_UNAVAILABLE, token_make_verifier(&t, &v));
	for (; draws_left = n, token_new(NULL, &made) != AK_OK; n++)
		assert_no_token("no randomness", &made);
	assert_int_equal(n, 3); /* the id's first, its others, the secret */
	draws_left = UINT_MAX;
	token_clear(&made);
}

static void
bytes_that_would_favour_some_characters_are_drawn_again(void **state)
{
	struct token made, same;

	(void)state;
	useless_draws = 3;
	assert_err("", AK_OK, token_new("A123456789", &made));
	assert_int_equal(useless_draws, 0);
	assert_err("", AK_OK, token_parse(&made.text, &same));
	token_clear(&same);
	token_clear(&made);
}

static void
the_sha256_of_bytes_is_printed(void **state)
{
	char hash[TOKEN_SHA256_CAP];

	(void)state;
	assert_err("", AK_OK, token_sha256("abc", 3, hash));
	assert_string_equal(
	    hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_library_that_is_too_old_is_not_used_and_another_is_made_ready_once),
	    cmocka_unit_test(the_fixed_vectors_are_tokens),
	    cmocka_unit_test(what_is_not_whole_is_no_token),
	    cmocka_unit_test(abuse_008_a_token_cut_anywhere_is_no_token),
	    cmocka_unit_test(abuse_009_one_character_too_many_is_no_token),
	    cmocka_unit_test(every_change_of_a_character_or_two_is_refused),
	    cmocka_unit_test(a_right_check_makes_no_wrong_form_right),
	    cmocka_unit_test(a_check_that_would_overflow_is_refused),
	    cmocka_unit_test(an_id_is_told_from_what_is_none),
	    cmocka_unit_test(a_prefix_is_enough_to_be_meant_for_us),
	    cmocka_unit_test(a_new_token_is_one_and_keeps_a_given_id),
	    cmocka_unit_test(every_character_is_alike_likely),
	    cmocka_unit_test(no_two_tokens_are_alike),
	    cmocka_unit_test(a_vector_is_verified_by_its_digest_alone),
	    cmocka_unit_test(abuse_003_004_another_secret_or_key_is_denied),
	    cmocka_unit_test(a_digest_is_the_hmac_of_the_whole_token),
	    cmocka_unit_test(salts_differ),
	    cmocka_unit_test(a_verifier_is_printed_and_read_back),
	    cmocka_unit_test(a_malformed_verifier_is_refused),
	    cmocka_unit_test(a_verifier_cut_or_changed_anywhere_is_refused_or_another),
	    cmocka_unit_test(a_hash_that_fails_verifies_nothing),
	    cmocka_unit_test(without_randomness_there_is_no_token_and_no_verifier),
	    cmocka_unit_test(bytes_that_would_favour_some_characters_are_drawn_again),
	    cmocka_unit_test(the_sha256_of_bytes_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
