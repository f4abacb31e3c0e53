/* The name service on damaged and strange files: an outage, never "no such user", never somebody else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

#include "hash.h"
#include "nss_ask.h"
#include "nss_fixture.h"

#define SRC(t) ((struct nss_source){.path = tmp_path((t), "users.idx"), .owner = geteuid()})

static int
setup(void **state)
{
	int failed = tmp_setup(state);

	if (failed == 0)
		nss_fixture_usual(tmp_path(*state, "users.idx"));
	return failed;
}

/* Of every kind; all of them have to look at the file. */
static const struct nss_question questions[] = {
    {ASK_PWNAM, "ci", 0},
    {ASK_PWNAM, "no-such", 0},
    {ASK_PWUID, NULL, 70001},
    {ASK_PWUID, NULL, 1879048192},
    {ASK_PWUID, NULL, 70005},
    {ASK_GRNAM, "builders", 0},
    {ASK_GRNAM, "ci", 0},
    {ASK_GRNAM, "no-such", 0},
    {ASK_GRGID, NULL, 27},
    {ASK_GRGID, NULL, 70001},
    {ASK_GRGID, NULL, 100009},
    {ASK_INITGROUPS, "ci", 70000},
    {ASK_INITGROUPS, "no-such", 70000},
    {ASK_PWENT, NULL, 0},
    {ASK_GRENT, NULL, 0},
};

#define N_QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static void
ask_all(const struct nss_source *src, struct nss_answer answers[N_QUESTIONS])
{
	for (size_t i = 0; i < N_QUESTIONS; i++)
		nss_ask(src, &questions[i], &answers[i]);
}

/* The same as from the sound file, or an outage; a list may break off in one, after entries that are right. */
static void
check_answer(const char *what, const struct nss_answer *sound, const struct nss_answer *got)
{
	if (got->status == NSS_STATUS_UNAVAIL)
		assert_row(what, strncmp(sound->text, got->text, strlen(got->text)) == 0);
	else
		assert_row(
		    what, got->status == sound->status && strcmp(sound->text, got->text) == 0);
}

static void
check_all(const struct nss_source *src, const char *what, const struct nss_answer *sound)
{
	struct nss_answer got;

	for (size_t i = 0; i < N_QUESTIONS; i++) {
		nss_ask(src, &questions[i], &got);
		check_answer(what, &sound[i], &got);
	}
}

static void
check_outage(const struct nss_source *src, const char *what)
{
	struct nss_answer got;

	for (size_t i = 0; i < N_QUESTIONS; i++) {
		nss_ask(src, &questions[i], &got);
		assert_row(what, got.status == NSS_STATUS_UNAVAIL);
		assert_row(what, got.text[0] == '\0');
	}
}

static void
poke(const char *path, const void *bytes, size_t len_b, size_t at)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_not_equal(-1, fd);
	assert_int_equal((ssize_t)len_b, pwrite(fd, bytes, len_b, (off_t)at));
	(void)close(fd);
}

static void
abuse_064_any_flipped_bit_changes_no_answer_into_another(void **state)
{
	struct nss_source src = SRC(*state);
	struct nss_answer sound[N_QUESTIONS];
	size_t len_b;
	char *bytes = file_read(src.path, &len_b), what[64];

	assert_non_null(bytes);
	ask_all(&src, sound);
	for (size_t bit = 0; bit < 8 * len_b; bit++) {
		char flipped = (char)(bytes[bit / 8] ^ (1 << bit % 8));

		(void)snprintf(what, sizeof(what), "byte %zu, bit %zu", bit / 8, bit % 8);
		poke(src.path, &flipped, 1, bit / 8);
		check_all(&src, what, sound);
		poke(src.path, &bytes[bit / 8], 1, bit / 8);
	}
	free(bytes);
}

static void
abuse_061_062_063_a_missing_an_empty_and_a_cut_file_are_outages(void **state)
{
	struct nss_source src = SRC(*state);
	size_t len_b;
	char *bytes = file_read(src.path, &len_b), what[64];

	assert_non_null(bytes);
	for (size_t cut_b = 0; cut_b < len_b; cut_b++) {
		(void)snprintf(what, sizeof(what), "cut at %zu", cut_b);
		file_write(src.path, bytes, cut_b, 0644);
		check_outage(&src, what);
	}
	free(bytes);
	assert_int_equal(0, unlink(src.path));
	check_outage(&src, "missing");
	src.path = "/dev/null/users.idx";
	check_outage(&src, "no folder");
}

/* Numbers that break sums and products. */
static const uint64_t edges[] = {0, 1, 63, 64, 255, 256, 4096, UINT32_MAX, UINT64_C(1) << 32,
    UINT64_C(1) << 48, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 63, UINT64_MAX};

#define N_EDGES (sizeof(edges) / sizeof(edges[0]))

static void
seal_header(unsigned char *bytes)
{
	le32_store(bytes + 124, 0);
	le32_store(bytes + 124, hash_crc32(0, bytes, INDEX_HEADER_B));
}

static void
check_identities(const struct nss_source *src, const char *what, const struct nss_answer *sound)
{
	struct nss_answer got;

	for (size_t i = 0; i < N_QUESTIONS; i++) {
		nss_ask(src, &questions[i], &got);
		if (got.status == NSS_STATUS_SUCCESS)
			assert_row(what, strcmp(sound[i].text, got.text) == 0);
	}
}

static void
abuse_065_a_forged_header_with_a_right_checksum_gives_no_other_identity(void **state)
{
	struct nss_source src = SRC(*state);
	struct nss_answer sound[N_QUESTIONS];
	size_t len_b;
	unsigned char *bytes = (unsigned char *)file_read(src.path, &len_b), kept[8];
	char what[64];

	assert_non_null(bytes);
	ask_all(&src, sound);
	for (size_t at = 16; at < 112; at += 8)
		for (size_t i = 0; i < N_EDGES; i++) {
			memcpy(kept, bytes + at, 8);
			le64_store(bytes + at, edges[i]);
			seal_header(bytes);
			file_write(src.path, bytes, len_b, 0644);
			(void)snprintf(what, sizeof(what), "header %zu, edge %zu", at, i);
			check_identities(&src, what, sound);
			memcpy(bytes + at, kept, 8);
		}
	free(bytes);
}

static void
abuse_065_forged_offsets_with_right_checksums_are_outages(void **state)
{
	struct nss_source src = SRC(*state);
	struct nss_answer sound[N_QUESTIONS];
	size_t len_b;
	unsigned char *bytes = (unsigned char *)file_read(src.path, &len_b), kept[INDEX_BLOCK_B];
	uint32_t seed = index_crc_seed(1);
	uint64_t records_at;

	assert_non_null(bytes);
	ask_all(&src, sound);
	records_at = le64_load(bytes + 56);
	for (uint64_t at = INDEX_HEADER_B; at < records_at; at += INDEX_BLOCK_B)
		for (size_t i = 0; i < N_EDGES * INDEX_SLOTS; i++) {
			unsigned char *block = bytes + at;

			memcpy(kept, block, sizeof(kept));
			le64_store(
			    block + i % INDEX_SLOTS * INDEX_SLOT_B + 4, edges[i / INDEX_SLOTS]);
			le32_store(block + INDEX_SLOTS * INDEX_SLOT_B,
			    index_block_crc(seed, at, block));
			file_write(src.path, bytes, len_b, 0644);
			check_identities(&src, "offset", sound);
			memcpy(block, kept, sizeof(kept));
		}
	free(bytes);
}

static void
abuse_066_another_version_or_byte_order_is_an_outage(void **state)
{
	struct nss_source src = SRC(*state);
	size_t len_b;
	unsigned char *bytes = (unsigned char *)file_read(src.path, &len_b);

	assert_non_null(bytes);
	for (size_t at = 0; at < 16; at++) {
		bytes[at] ^= 3;
		seal_header(bytes);
		file_write(src.path, bytes, len_b, 0644);
		check_outage(&src, "magic, version or byte order");
		bytes[at] ^= 3;
	}
	free(bytes);
}

struct shrinking {
	struct nss_source src;
	struct nss_question question;
	struct nss_answer sound;
	size_t to_b;
};

/* 0: as from the sound file; 1: an outage; 2: what must not be. */
static int
ask_shrinking(void *arg)
{
	struct shrinking *s = arg;
	struct nss_answer got;

	nss_ask(&s->src, &s->question, &got);
	if (got.status == NSS_STATUS_UNAVAIL)
		return strncmp(s->sound.text, got.text, strlen(got.text)) == 0 ? 1 : 2;
	return got.status == s->sound.status && strcmp(got.text, s->sound.text) == 0 ? 0 : 2;
}

static void
shrink(void *arg)
{
	struct shrinking *s = arg;

	assert_int_equal(0, truncate(s->src.path, (off_t)s->to_b));
}

static void
abuse_067_a_file_that_shrinks_between_any_two_system_calls_is_an_outage_or_was_read(void **state)
{
	static const size_t sizes[] = {0, 300, 900};
	struct shrinking s = {.src = SRC(*state)};
	size_t len_b;
	char *bytes = file_read(s.src.path, &len_b);
	int code;

	assert_non_null(bytes);
	for (size_t i = 0; i < N_QUESTIONS; i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
			for (unsigned n = 1;; n++) {
				bool all;

				file_write(s.src.path, bytes, len_b, 0644);
				s.question = questions[i];
				s.to_b = sizes[k];
				nss_ask(&s.src, &s.question, &s.sound);
				all = !steps_run(ask_shrinking, shrink, &s, n, &code);
				assert_in_range(code, 0, 1);
				if (all)
					break;
			}
	free(bytes);
}

static void
abuse_069_what_is_no_file_of_the_owners_alone_is_an_outage_and_blocks_nobody(void **state)
{
	struct nss_source src = SRC(*state);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *other = tmp_path(*state, "other");
	int fd;

	assert_int_equal(0, chmod(src.path, 0664));
	check_outage(&src, "writable by the group");
	assert_int_equal(0, chmod(src.path, 0646));
	check_outage(&src, "writable by others");
	assert_int_equal(0, chmod(src.path, 0644));
	src.owner++;
	check_outage(&src, "somebody else's");
	src.owner--;
	assert_int_equal(0, rename(src.path, other));
	assert_int_equal(0, symlink(other, src.path));
	check_outage(&src, "a link to a good one");
	assert_int_equal(0, unlink(src.path));
	assert_int_equal(0, mkfifo(src.path, 0644));
	check_outage(&src, "a FIFO");
	assert_int_equal(0, unlink(src.path));
	assert_int_equal(0, mkdir(src.path, 0755));
	check_outage(&src, "a folder");
	assert_int_equal(0, rmdir(src.path));
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", src.path);
	assert_int_not_equal(-1, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	assert_int_equal(0, bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
	check_outage(&src, "a socket");
	(void)close(fd);
	check_outage(&(struct nss_source){.path = "/dev/zero", .owner = 0}, "a device");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(abuse_064_any_flipped_bit_changes_no_answer_into_another),
	    TEST(abuse_061_062_063_a_missing_an_empty_and_a_cut_file_are_outages),
	    TEST(abuse_065_a_forged_header_with_a_right_checksum_gives_no_other_identity),
	    TEST(abuse_065_forged_offsets_with_right_checksums_are_outages),
	    TEST(abuse_066_another_version_or_byte_order_is_an_outage),
	    TEST(
		abuse_067_a_file_that_shrinks_between_any_two_system_calls_is_an_outage_or_was_read),
	    TEST(abuse_069_what_is_no_file_of_the_owners_alone_is_an_outage_and_blocks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
