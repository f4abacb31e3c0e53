/* What is left of a token in the memory of the process that loaded the module: nothing, once a phase has returned. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pam_host.h"
#include "testlib_cmocka.h"

#define MASK 0x5a
/* Of the secret: long enough to be no accident, short enough that a copy of a part shows too. */
#define PIECE_B 12U
#define PIECES (TOKEN_SECRET_LEN / PIECE_B)
#define CHUNK_B ((size_t)1 << 20)

/* The token, under a mask: in the clear it stands in memory only while it is typed. */
static unsigned char masked[TOKEN_LEN];
static char typed[TOKEN_LEN + 1];

static void
type_it(void)
{
	for (size_t i = 0; i < TOKEN_LEN; i++)
		typed[i] = (char)(masked[i] ^ MASK);
}

/* How often do pieces of the secret stand in these bytes? All memory goes through here: without a sanitizer's checks. */
__attribute__((no_sanitize("address", "undefined"))) static unsigned
count_pieces(const unsigned char *bytes, size_t len_b)
{
	const unsigned char *secret = masked + TOKEN_LEN - 6 - TOKEN_SECRET_LEN;
	unsigned n = 0;

	for (size_t at = 0; at + PIECE_B <= len_b; at++)
		for (size_t piece = 0; piece < PIECES; piece++) {
			const unsigned char *wanted = secret + piece * PIECE_B;
			size_t i = 0;

			while (i < PIECE_B && (bytes[at + i] ^ MASK) == wanted[i])
				i++;
			n += i == PIECE_B ? 1 : 0;
		}
	return n;
}

/* A mapping of this process; pieces that lie over the edge of two reads are read with both. */
static unsigned
count_in_mapping(int mem, uintptr_t from, uintptr_t to, unsigned char *chunk)
{
	unsigned n = 0;

	for (; from < to; from += CHUNK_B) {
		size_t want = to - from < CHUNK_B + PIECE_B ? to - from : CHUNK_B + PIECE_B - 1;
		ssize_t got = pread(mem, chunk, want, (off_t)from);

		if (got > 0)
			n += count_pieces(chunk, (size_t)got);
		memset(chunk, 0, CHUNK_B + PIECE_B);
	}
	return n;
}

/* In all memory that this process can write to. What is as large as a sanitizer's shadow holds no text. */
static unsigned
count_in_memory(void)
{
	static unsigned char chunk[CHUNK_B + PIECE_B];
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], *at;
	unsigned n = 0;

	assert_true(mem != -1);
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		/* FROM-TO RIGHTS, the former two in hexadecimal. */
		unsigned long from = strtoul(line, &at, 16),
			      to = *at == '-' ? strtoul(at + 1, &at, 16) : 0;

		if (to > from && at[0] == ' ' && at[1] == 'r' && at[2] == 'w' &&
		    to - from < 1UL << 30)
			n += count_in_mapping(mem, from, to, chunk);
	}
	(void)fclose(maps);
	(void)close(mem);
	return n;
}

/* A key whose token was never seen here. */
static void
add_masked(struct store *s)
{
	struct token tok;
	struct key_record k = key_with_token("ci", UID_CI, &tok);

	key_bind(&k, "all");
	for (size_t i = 0; i < TOKEN_LEN; i++)
		masked[i] = (unsigned char)(tok.text.text[i] ^ MASK);
	token_clear(&tok);
	assert_err("put", AK_OK, store_put(s, &k));
}

static unsigned before_phase[256];

/* It is typed for authenticate alone. */
static void
look(pam_handle_t *pamh, char before)
{
	(void)pamh;
	if (before == 'a')
		type_it();
	else
		explicit_bzero(typed, sizeof(typed));
	before_phase[(unsigned char)before] = count_in_memory();
}

static void
look_after(pam_handle_t *pamh)
{
	look(pamh, 'z');
}

static void
abuse_118_no_copy_of_a_token_stays_in_memory(void **state)
{
	static const struct {
		const char *name, *user, *phases;
		int code;
	} rows[] = {
	    {"admitted", "ci", "amsocd", PAM_SUCCESS},
	    {"another key's", "second", "a", PAM_AUTH_ERR},
	    {"on a shared account", "deploy", "a", PAM_SUCCESS},
	    {"typed for somebody who is no key", "bob", "a", PAM_USER_UNKNOWN},
	};

	(void)state;
	host_policy(
	    &host, "version: 1\nroles:\n  all: {services: ['*'], accounts: [deploy]}\n");
	change(add_masked);
	assert_int_equal(count_in_memory(), 0);
	for (size_t i = 0; i < N(rows); i++) {
		memset(before_phase, 0, sizeof(before_phase));
		how.between = look;
		how.after = look_after;
		assert_code(rows[i].name, rows[i].code,
		    enter("sshd", rows[i].user, typed, rows[i].phases));
		assert_row(rows[i].name, before_phase['a'] == PIECES);
		for (const char *phase = "msocdz"; *phase != '\0'; phase++)
			assert_row(rows[i].name, before_phase[(unsigned char)*phase] == 0);
	}
}

const struct CMUnitTest memory_tests[] = {
    cmocka_unit_test_setup(abuse_118_no_copy_of_a_token_stays_in_memory, set_up),
};
const size_t n_memory_tests = N(memory_tests);
