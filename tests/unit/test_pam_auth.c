/* Is this text the token of this very key? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Two keys of a host, their tokens, and a keyring over them. */
struct scenery {
	struct host h;
	struct key_record a, b;
	struct token tok_a, tok_b, tok_old;
	struct keyring ring;
};

static void
add_secret(struct key_record *k, struct token *tok, uint32_t number)
{
	struct verifier v;

	assert_err("", AK_OK, token_new(k->id, tok));
	assert_err("", AK_OK, token_make_verifier(tok, &v));
	k->secrets[1] = k->secrets[0];
	k->secrets[0] = (struct key_secret){
	    .number = number, .created_at = HOST_NOW, .not_after = NUM_NEVER};
	memcpy(k->secrets[0].salt, v.salt, sizeof(v.salt));
	memcpy(k->secrets[0].digest, v.digest, sizeof(v.digest));
	k->n_secrets++;
}

static void
set_up(struct scenery *s, void **state)
{
	host_make(&s->h, *state);
	s->a = key_with_token("a", 70000, &s->tok_old);
	add_secret(&s->a, &s->tok_a, 2);
	s->b = key_with_token("b", 70001, &s->tok_b);
	assert_err("", AK_OK, host_put(&s->h, &s->a));
	assert_err("", AK_OK, host_put(&s->h, &s->b));
	assert_err("", AK_OK, keyring_open(&s->h.paths, &s->ring));
}

static void
clear(struct scenery *s)
{
	keyring_close(&s->ring);
	token_clear(&s->tok_a);
	token_clear(&s->tok_b);
	token_clear(&s->tok_old);
}

/* What auth_verify says; no secret's number comes with a refusal. */
static enum ak_err
verify(const struct scenery *s, const struct key_record *key, const void *text, size_t len_b,
    uint32_t *number)
{
	struct secret typed = SECRET_INIT;
	enum ak_err err;

	if (secret_set(&typed, text, len_b) != AK_OK)
		typed = SECRET_INIT;
	*number = 4711;
	err = auth_verify(&s->ring, key, &typed, number);
	if (err != AK_OK)
		assert_int_equal(*number, 0);
	secret_clear(&typed);
	return err;
}

static enum ak_err
verify_text(const struct scenery *s, const char *text)
{
	uint32_t number;

	return verify(s, &s->a, text, strlen(text), &number);
}

static void
each_secret_of_a_key_opens_it_and_is_told_apart(void **state)
{
	struct scenery s;
	uint32_t number;

	set_up(&s, state);
	assert_err("", AK_OK, verify(&s, &s.a, s.tok_a.text.text, TOKEN_LEN, &number));
	assert_int_equal(number, 2);
	assert_err("", AK_OK, verify(&s, &s.a, s.tok_old.text.text, TOKEN_LEN, &number));
	assert_int_equal(number, 1);
	assert_err("", AK_OK, verify(&s, &s.b, s.tok_b.text.text, TOKEN_LEN, &number));
	assert_int_equal(number, 1);
	clear(&s);
}

static void
abuse_004_another_keys_valid_token_opens_nothing(void **state)
{
	struct scenery s;
	struct key_record twin;
	uint32_t number;

	set_up(&s, state);
	assert_err("", AK_ERR_DENIED, verify(&s, &s.a, s.tok_b.text.text, TOKEN_LEN, &number));
	assert_err("", AK_ERR_DENIED, verify(&s, &s.b, s.tok_a.text.text, TOKEN_LEN, &number));
	twin = s.b;
	twin.uid = s.a.uid;
	assert_err("uid alone", AK_ERR_DENIED,
	    verify(&s, &twin, s.tok_a.text.text, TOKEN_LEN, &number));
	twin = s.b;
	memcpy(twin.name, s.a.name, sizeof(twin.name));
	assert_err("name alone", AK_ERR_DENIED,
	    verify(&s, &twin, s.tok_a.text.text, TOKEN_LEN, &number));
	clear(&s);
}

static void
abuse_003_015_018_a_right_id_with_a_wrong_secret_and_an_unknown_id(void **state)
{
	struct scenery s;
	struct token wrong;
	uint32_t number;

	set_up(&s, state);
	assert_err("", AK_OK, token_new(s.a.id, &wrong));
	assert_err("003", AK_ERR_DENIED, verify_text(&s, wrong.text.text));
	assert_err("", AK_OK, token_new("Z000000000", &wrong));
	assert_err("015", AK_ERR_NOT_FOUND, verify_text(&s, wrong.text.text));
	s.a.n_secrets = 1; /* the older one ended, and was taken out */
	keyring_close(&s.ring);
	assert_err("", AK_OK, host_put(&s.h, &s.a));
	assert_err("", AK_OK, keyring_open(&s.h.paths, &s.ring));
	assert_err("018", AK_ERR_DENIED, verify_text(&s, s.tok_old.text.text));
	assert_err("the newer one", AK_OK, verify_text(&s, s.tok_a.text.text));
	s.a.n_secrets = 0;
	keyring_close(&s.ring);
	assert_err("", AK_OK, host_put(&s.h, &s.a));
	assert_err("", AK_OK, keyring_open(&s.h.paths, &s.ring));
	assert_err("005 none is left", AK_ERR_DENIED,
	    verify(&s, &s.a, s.tok_a.text.text, TOKEN_LEN, &number));
	token_clear(&wrong);
	clear(&s);
}

static void
abuse_005_135_a_deleted_keys_token_is_nobodys(void **state)
{
	struct scenery s;

	set_up(&s, state);
	keyring_close(&s.ring);
	assert_err("", AK_OK, host_remove(&s.h, s.a.uid));
	assert_err("", AK_OK, keyring_open(&s.h.paths, &s.ring));
	assert_err("", AK_ERR_NOT_FOUND, verify_text(&s, s.tok_a.text.text));
	clear(&s);
}

static void
what_is_no_token_is_malformed(void **state)
{
	struct scenery s;
	char text[SECRET_CAP * 2];
	const char *tok;
	uint32_t number;
	static const char *const others[] = {"", "apikey_", "apikey", "password", "%n%s",
	    "\b\n\r\177INCORRECT", "\303\050", "apikey_%n%s"};

	set_up(&s, state);
	tok = s.tok_a.text.text;
	for (size_t i = 0; i < N(others); i++)
		assert_err(others[i], AK_ERR_INVALID, verify_text(&s, others[i]));
	for (size_t len = 0; len < TOKEN_LEN; len++)
		assert_err("008 cut", AK_ERR_INVALID, verify(&s, &s.a, tok, len, &number));
	for (const char *end = "\n\r 0a_"; *end != '\0'; end++) {
		(void)snprintf(text, sizeof(text), "%s%c", tok, *end);
		assert_err("009 010 one more", AK_ERR_INVALID, verify_text(&s, text));
		(void)snprintf(text, sizeof(text), "%c%s", *end, tok);
		assert_err("one before", AK_ERR_INVALID, verify_text(&s, text));
	}
	(void)snprintf(text, sizeof(text), "%s%s", tok, tok);
	assert_err("twice", AK_ERR_INVALID, verify_text(&s, text));
	memcpy(text, tok, TOKEN_LEN + 1);
	text[0] = 'A';
	assert_err("016", AK_ERR_INVALID, verify_text(&s, text));
	memcpy(text, tok, TOKEN_LEN + 1);
	text[20] ^= 0x20;
	assert_err("a letter's case", AK_ERR_INVALID, verify_text(&s, text));
	assert_err("the token itself", AK_OK, verify_text(&s, tok));
	clear(&s);
}

static void
abuse_017_the_stored_digest_is_no_password(void **state)
{
	struct scenery s;
	const struct key_secret *stored;
	char text[VERIFIER_CAP];
	struct verifier v;
	uint32_t number;

	set_up(&s, state);
	stored = &s.a.secrets[0];
	assert_err("raw", AK_ERR_INVALID,
	    verify(&s, &s.a, stored->digest, sizeof(stored->digest), &number));
	for (size_t i = 0; i < KEY_DIGEST_B; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", stored->digest[i]);
	assert_err("hex", AK_ERR_INVALID, verify_text(&s, text));
	memcpy(v.id, s.a.id, sizeof(v.id));
	memcpy(v.salt, stored->salt, sizeof(v.salt));
	memcpy(v.digest, stored->digest, sizeof(v.digest));
	assert_err("verifier", AK_ERR_INVALID, verify_text(&s, token_print_verifier(&v, text)));
	clear(&s);
}

static void
no_flipped_character_of_a_token_opens_it(void **state)
{
	struct rnd r = rnd_start("tokens");
	struct scenery s;
	char text[TOKEN_LEN + 1];

	set_up(&s, state);
	for (unsigned i = 0; i < 3000; i++) {
		size_t at = rnd_below(&r, TOKEN_LEN);
		char was = s.tok_a.text.text[at];

		memcpy(text, s.tok_a.text.text, sizeof(text));
		text[at] = (char)(1 + rnd_below(&r, 255));
		if (text[at] != was)
			assert_true(verify_text(&s, text) != AK_OK);
	}
	clear(&s);
}

static void
abuse_061_063_files_that_cannot_tell_are_no_refusal_of_the_token(void **state)
{
	struct scenery s;

	set_up(&s, state);
	keyring_close(&s.ring);
	assert_int_equal(unlink(s.h.paths.local), 0);
	assert_err("", AK_OK, keyring_open(&s.h.paths, &s.ring));
	assert_err("missing", AK_ERR_UNAVAILABLE, verify_text(&s, s.tok_a.text.text));
	assert_err("but no token is none", AK_ERR_INVALID, verify_text(&s, "password"));
	keyring_close(&s.ring);
	file_write(s.h.paths.local, "x", 1, 0600);
	assert_err("", AK_OK, keyring_open(&s.h.paths, &s.ring));
	assert_err("cut", AK_ERR_CORRUPT, verify_text(&s, s.tok_a.text.text));
	clear(&s);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_secret_of_a_key_opens_it_and_is_told_apart),
	    T(abuse_004_another_keys_valid_token_opens_nothing),
	    T(abuse_003_015_018_a_right_id_with_a_wrong_secret_and_an_unknown_id),
	    T(abuse_005_135_a_deleted_keys_token_is_nobodys),
	    T(what_is_no_token_is_malformed),
	    T(abuse_017_the_stored_digest_is_no_password),
	    T(no_flipped_character_of_a_token_opens_it),
	    T(abuse_061_063_files_that_cannot_tell_are_no_refusal_of_the_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
