/* What attackers try at the module's door: bad tokens, that cost the same; bad policies; a caller without what programs have. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pam_host.h"
#include "testlib_child.h"
#include "testlib_cmocka.h"
#include "testlib_turkish.h"
#include "token.h"

#define SEEN __attribute__((visibility("default")))

/* ---- what a wrong token costs ---- */

/* How many digests the module, and everybody else here, has computed. */
static unsigned digests;

SEEN gcry_error_t
gcry_md_hash_buffers(int algo, unsigned flags, void *digest, const gcry_buffer_t *iov, int n)
{
	gcry_error_t (*next)(int, unsigned, void *, const gcry_buffer_t *, int);

	digests++;
	*(void **)&next = dlsym(RTLD_NEXT, "gcry_md_hash_buffers");
	return next(algo, flags, digest, iov, n);
}

/* The id's owner has one more secret, an older one, that is ci's token from here on. */
static void
end_overlap(struct key_record *k)
{
	struct token newer;
	struct verifier v;

	assert_err("", AK_OK, token_new(k->id, &newer));
	assert_err("", AK_OK, token_make_verifier(&newer, &v));
	k->secrets[1] = k->secrets[0];
	k->secrets[1].not_after = STAMP + 1;
	k->secrets[0].number = k->secrets[1].number + 1;
	memcpy(k->secrets[0].salt, v.salt, sizeof(v.salt));
	memcpy(k->secrets[0].digest, v.digest, sizeof(v.digest));
	k->n_secrets = 2;
	token_clear(&newer);
}

static void
take_secrets(struct key_record *k)
{
	k->n_secrets = 0;
}

static void
an_old_secret(void)
{
	amend(UID_CI, end_overlap);
}

static void
no_secret(void)
{
	amend(UID_CI, take_secrets);
}

struct bad_token {
	const char *row, *text, *user;
	void (*first)(void);
	bool has_other_words; /* the log tells an administrator more */
};

/* The hex digits of the digest that is stored for ci. */
static void
print_digest(char *text)
{
	struct store *s = host_open(&host);
	struct key k;

	assert_err("", AK_OK, store_find_uid(s, UID_CI, &k));
	for (size_t i = 0; i < KEY_DIGEST_B; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", k.rec.secrets[0].digest[i]);
	key_clear(&k);
	store_close(&s);
}

/* What a refusal costs and says: the first row's is everybody's. */
static void
check_bad_token(const struct bad_token *bad, unsigned *cost, char *said, size_t cap_b)
{
	unsigned before;

	(void)set_up(NULL);
	if (bad->first != NULL)
		bad->first();
	log_lines[0] = '\0';
	conv.answer = NULL;
	before = digests;
	assert_code(bad->row, PAM_AUTH_ERR,
	    enter("sshd", bad->user != NULL ? bad->user : "ci", bad->text, "a"));
	assert_int_equal(conv.asked, 1);
	if (*cost == 0) {
		*cost = digests - before;
		(void)snprintf(said, cap_b, "%s", log_lines);
	}
	assert_row(bad->row, digests - before == *cost && *cost > 0);
	assert_row(bad->row, bad->has_other_words || strcmp(log_lines, said) == 0);
	assert_null(strstr(log_lines, "apikey_"));
	assert_null(strstr(log_lines, ci_text + 20));
}

static void
wrong_tokens_are_refused_alike_and_nothing_of_them_is_logged(void **state)
{
	static char long_511[512], long_512[513], long_1024[1025], long_65536[65537],
	    said[LOG_CAP];
	char cut[SECRET_CAP], line[SECRET_CAP + 8], cr[SECRET_CAP + 8], more[SECRET_CAP + 8],
	    flipped[SECRET_CAP + 8], digest[2 * KEY_DIGEST_B + 1];
	struct token wrong, nobodys;
	unsigned cost = 0;

	(void)state;
	assert_err("", AK_OK, token_new("K000070000", &wrong));
	assert_err("", AK_OK, token_new("Q000070000", &nobodys));
	print_digest(digest);
	(void)snprintf(cut, sizeof(cut), "%s", ci_text);
	cut[TOKEN_LEN - 1] = '\0';
	(void)snprintf(line, sizeof(line), "%s\n", ci_text);
	(void)snprintf(cr, sizeof(cr), "%s\r", ci_text);
	(void)snprintf(more, sizeof(more), "%sA", ci_text);
	(void)snprintf(flipped, sizeof(flipped), "APIKEY_%s", ci_text + 7);
	memset(long_511, 'a', sizeof(long_511) - 1);
	memset(long_512, 'a', sizeof(long_512) - 1);
	memset(long_1024, 'a', sizeof(long_1024) - 1);
	memset(long_65536, 'a', sizeof(long_65536) - 1);
	memcpy(long_65536, ci_text, TOKEN_LEN);

	const struct bad_token rows[] = {
	    {.row = "003 the right id, another secret", .text = text_of(&wrong)},
	    {.row = "001 empty", .text = ""},
	    {.row = "002 no answer"},
	    {.row = "004 another key's", .text = text_of(&tok_second)},
	    {.row = "008 one character short", .text = cut},
	    {.row = "009 one character more", .text = more},
	    {.row = "010 a newline behind it", .text = line},
	    {.row = "010 a carriage return behind it", .text = cr},
	    {.row = "011 511 bytes", .text = long_511},
	    {.row = "011 512 bytes", .text = long_512},
	    {.row = "011 1024 bytes", .text = long_1024},
	    {.row = "011 65536 bytes, that begin with it", .text = long_65536},
	    {.row = "012 sshd's own", .text = "\b\n\r\177INCORRECT"},
	    {.row = "013 invalid UTF-8", .text = "\303\050"},
	    {.row = "014 formats", .text = "%n%s"},
	    {.row = "015 an id that nobody has", .text = text_of(&nobodys)},
	    {.row = "016 a prefix in capitals", .text = flipped},
	    {.row = "017 the stored digest", .text = digest},
	    {.row = "019 the prefix alone", .text = "apikey_"},
	    {.row = "a password", .text = "password"},
	    {.row = "005 its secret was revoked", .text = ci_text, .first = no_secret},
	    {.row = "018 an old secret after its overlap",
		.text = ci_text,
		.first = an_old_secret,
		.has_other_words = true},
	    {.row = "020 a disabled key",
		.text = text_of(&tok_other[0]),
		.user = "disabled",
		.has_other_words = true},
	    {.row = "006 an expired key",
		.text = text_of(&tok_other[1]),
		.user = "expired",
		.has_other_words = true},
	    {.row = "007 a key that is not valid yet",
		.text = text_of(&tok_other[2]),
		.user = "early",
		.has_other_words = true},
	};

	for (size_t i = 0; i < N(rows); i++)
		check_bad_token(&rows[i], &cost, said, sizeof(said));
	assert_non_null(strstr(said, "decision=deny"));
	assert_non_null(strstr(said, "why=\"wrong token\""));
	(void)set_up(NULL);
	digests = 0;
	assert_code("the right one", PAM_SUCCESS, enter("sshd", "ci", ci_text, "a"));
	assert_int_equal(digests, cost);
	token_clear(&wrong);
	token_clear(&nobodys);
}

/* ---- who asks, and for whom ---- */

static void
abuse_037_an_application_that_refuses_echoed_prompts_is_asked_for_none(void **state)
{
	(void)state;
	conv.refuses_echo = true;
	assert_code("the token", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	assert_int_equal(conv.asked, 1);
	assert_code("a wrong one", PAM_AUTH_ERR, enter("sshd", "ci", "wrong", "a"));
	assert_code("the name too", PAM_USER_UNKNOWN, enter("sshd", NULL, ci_text, "a"));
}

static struct token tok_bob;

static void
add_bob(struct store *s)
{
	struct key_record k = key_with_token("bob", UID_BOUND + 10, &tok_bob);

	key_bind(&k, "all");
	assert_err("bob", AK_OK, store_put(s, &k));
}

/* It came before him, or from another host's file: a local account made later with its name. */
static void
abuse_023_a_local_user_with_a_keys_name_is_himself(void **state)
{
	(void)state;
	change(add_bob);
	for (const char *phase = "amsocd"; *phase != '\0'; phase++) {
		const char one[] = {*phase, '\0'};

		assert_code(one, PAM_USER_UNKNOWN, enter("sshd", "bob", text_of(&tok_bob), one));
	}
	assert_int_equal(conv.asked, 0);
	assert_string_equal(log_lines, "");
	assert_code("whose token is nobody else's", PAM_AUTH_ERR,
	    enter("sshd", "ci", text_of(&tok_bob), "a"));
}

/* ---- policies that are none ---- */

#define ADMITS                                                                                 \
	"version: 1\n"                                                                         \
	"roles:\n"                                                                             \
	"  all: {services: ['*']}\n"
#define TEXT(bytes) .text = (bytes), .len_b = sizeof(bytes) - 1

struct bad_policy {
	const char *row, *text;
	size_t len_b;
	char fill; /* not NUL: so many bytes of it stand behind the text */
	size_t fill_b;
};

/* Each would admit ci, were it not for one thing. */
static const struct bad_policy bad_policies[] = {
    {.row = "041 a bomb of aliases",
	TEXT("version: 1\nroles:\n  all: &a {services: ['*']}\n  b: *a\n  c: *a\n")},
    {.row = "042 nested 10,000 deep", TEXT(ADMITS "spaces: "), .fill = '[', .fill_b = 10000},
    {.row = "043 a key twice", TEXT(ADMITS "  all: {services: ['*']}\n")},
    {.row = "044 an unknown key", TEXT(ADMITS "no_such: 1\n")},
    {.row = "045 a tab", TEXT("version: 1\nroles:\n\tall: {services: ['*']}\n")},
    {.row = "045 a byte order mark", TEXT("\xef\xbb\xbf" ADMITS)},
    {.row = "045 UTF-16", TEXT("\xff\xfev\0e\0r\0s\0i\0o\0n\0:\0 \0001\0\n\0")},
    {.row = "046 NUL", TEXT(ADMITS "\0# words\n")},
    {.row = "047 a tag", TEXT("version: !!int 1\nroles:\n  all: {services: ['*']}\n")},
    {.row = "048 a second document", TEXT(ADMITS "---\n" ADMITS)},
    {.row = "049 yes", TEXT(ADMITS "  b: {root_equivalent: yes}\n")},
    {.row = "050 10 MiB", TEXT(ADMITS "# "), .fill = '.', .fill_b = (size_t)10 << 20},
    {.row = "051 empty", TEXT("")},
    {.row = "052 a role that gives a system group",
	TEXT("version: 1\nroles:\n  all: {services: ['*'], unix_groups: [root]}\n")},
    {.row = "053 a cycle of spaces", TEXT(ADMITS "spaces: {a: {parent: b}, b: {parent: a}}\n")},
    {.row = "053 a cycle of definitions", TEXT(ADMITS "define: {a: {is: b}, b: {is: a}}\n")},
    {.row = "054 what is allowed and denied",
	TEXT(ADMITS "deny: [{id: closed, reason: nobody today, always: true}]\n")},
    {.row = "058 half of it", TEXT("version: 1\nroles:\n  all: {services: ['*'")},
};

static void
write_policy(const struct bad_policy *p)
{
	char *bytes = malloc(p->len_b + p->fill_b + 1);

	assert_non_null(bytes);
	memcpy(bytes, p->text, p->len_b);
	memset(bytes + p->len_b, p->fill, p->fill_b);
	file_write(host.paths.policy, bytes, p->len_b + p->fill_b, 0644);
	free(bytes);
}

static void
check_keys_are_stopped_and_nobody_else(const char *row)
{
	for (const char *phase = "am"; *phase != '\0'; phase++) {
		const char one[] = {*phase, '\0'};

		assert_code(row, PAM_PERM_DENIED, enter("cron", "ci", ci_text, one));
		assert_code(row, PAM_USER_UNKNOWN, enter("cron", "bob", ci_text, one));
		assert_code(row, PAM_USER_UNKNOWN, enter("cron", "root", ci_text, one));
	}
}

static void
a_policy_that_is_none_stops_keys_and_nobody_else(void **state)
{
	static const struct bad_policy good = {TEXT(ADMITS)};
	char aside[PATH_CAP + 8];

	for (size_t i = 0; i < N(bad_policies); i++) {
		(void)set_up(state);
		write_policy(&bad_policies[i]);
		check_keys_are_stopped_and_nobody_else(bad_policies[i].row);
	}
	(void)set_up(state);
	write_policy(&good);
	assert_code("the same without it", PAM_SUCCESS, enter("cron", "ci", ci_text, "am"));
	(void)snprintf(aside, sizeof(aside), "%s.aside", host.paths.policy);
	assert_int_equal(rename(host.paths.policy, aside), 0);
	assert_int_equal(symlink(aside, host.paths.policy), 0);
	check_keys_are_stopped_and_nobody_else("057 a link to it");
	assert_int_equal(rename(aside, host.paths.policy), 0);
}

/* ---- a caller without what programs have ---- */

static int
all_phases(void)
{
	if (enter("sshd", "ci", ci_text, "amsocd") != PAM_SUCCESS)
		return 1;
	if (enter("sshd", "ci", text_of(&tok_second), "a") != PAM_AUTH_ERR)
		return 2;
	return enter("sshd", "bob", "a password", "a") == PAM_USER_UNKNOWN ? 0 : 3;
}

static int
without_standard_streams(void *ctx)
{
	int code;

	(void)ctx;
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	code = all_phases();
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 4;
	return code;
}

static void
abuse_113_closed_standard_streams_stay_closed_and_are_not_missed(void **state)
{
	(void)state;
	assert_int_equal(child_ask(without_standard_streams, NULL), 0);
}

static int
in_a_deleted_folder(void *ctx)
{
	char dir[] = "/tmp/apikey-gone-XXXXXX", cwd[64];

	(void)ctx;
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 || rmdir(dir) == -1)
		return 5;
	return getcwd(cwd, sizeof(cwd)) == NULL && errno == ENOENT ? all_phases() : 6;
}

static void
abuse_115_a_deleted_working_folder_is_not_missed(void **state)
{
	(void)state;
	assert_int_equal(child_ask(in_a_deleted_folder, NULL), 0);
}

static void
is_nobody_elses(const char *path, mode_t others)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_row(path, (st.st_mode & others) == 0);
}

static void
abuse_114_what_is_written_under_umask_0_is_roots_alone(void **state)
{
	char sessions[PATH_CAP + 16];
	mode_t was = umask(0);
	int code;

	(void)state;
	code = enter("sshd", "ci", ci_text, "amso");
	(void)umask(was);
	assert_code("", PAM_SUCCESS, code);
	assert_int_equal(count_records("sessions", false), 1);
	(void)snprintf(sessions, sizeof(sessions), "%s/sessions", host.paths.run);
	is_nobody_elses(sessions, 077);
	is_nobody_elses(host.paths.lastused, 077);
	is_nobody_elses(host.paths.audit, 037);
}

static void
abuse_117_in_a_turkish_locale_all_answers_are_the_same(void **state)
{
	char dir[] = "/tmp/apikey-turkish-XXXXXX", command[PATH_CAP];

	(void)state;
	assert_non_null(mkdtemp(dir));
	turkish_begin(dir);
	assert_code("", PAM_SUCCESS, enter("sshd", "ci", ci_text, "amsocd"));
	assert_code("", PAM_USER_UNKNOWN, enter("sshd", "CI", ci_text, "am"));
	assert_code("", PAM_USER_UNKNOWN, enter("sshd", "c\xfd", ci_text, "am"));
	assert_code("", PAM_AUTH_ERR, enter("sshd", "ci", "APIKEY_", "a"));
	host_policy(&host, "version: 1\nroles:\n  all: {services: [CRON, \"sshd\"]}\n");
	assert_code("another service", PAM_PERM_DENIED, enter("cron", "ci", ci_text, "a"));
	assert_code("its own", PAM_SUCCESS, enter("sshd", "ci", ci_text, "a"));
	turkish_end();
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

#define T(test) cmocka_unit_test_setup(test, set_up)

const struct CMUnitTest abuse_tests[] = {
    T(wrong_tokens_are_refused_alike_and_nothing_of_them_is_logged),
    T(abuse_023_a_local_user_with_a_keys_name_is_himself),
    T(abuse_037_an_application_that_refuses_echoed_prompts_is_asked_for_none),
    T(a_policy_that_is_none_stops_keys_and_nobody_else),
    T(abuse_113_closed_standard_streams_stay_closed_and_are_not_missed),
    T(abuse_114_what_is_written_under_umask_0_is_roots_alone),
    T(abuse_115_a_deleted_working_folder_is_not_missed),
    T(abuse_117_in_a_turkish_locale_all_answers_are_the_same),
};
const size_t n_abuse_tests = N(abuse_tests);
