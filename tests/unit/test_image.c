#include "testlib_cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "hash.h"
#include "image.h"
#include "image_layout.h"
#include "policy.h"
#include "testlib_alloc.h"
#include "testlib_random.h"

static const char example[] = "version: 1\n"
			      "spaces: {a: {}, b: {parent: a}, c: {parent: b}}\n"
			      "roles:\n"
			      "  admin: {services: ['*'], unix_groups: [ops, adm2], "
			      "root_equivalent: true, description: d}\n"
			      "  viewer: {services: [sshd, sudo*]}\n"
			      "  x: {}\n";

/* A copy of an image's bytes, to spoil. */
struct bytes {
	unsigned char *at;
	size_t len_b;
};

static struct image *
compiled(void)
{
	struct settings settings;
	struct image *im = NULL;

	settings_default(&settings);
	assert_err("", AK_OK,
	    policy_compile(example, strlen(example), "p.yaml", &settings, &im, NULL));
	return im;
}

static struct bytes
example_bytes(void)
{
	struct image *im = compiled();
	struct bytes b = {.at = NULL};
	const void *bytes = image_borrow_bytes(im, &b.len_b);

	b.at = malloc(b.len_b);
	assert_non_null(b.at);
	memcpy(b.at, bytes, b.len_b);
	image_free(&im);
	return b;
}

static void
seal(struct bytes *b)
{
	if (b->len_b >= IMAGE_HEADER_B)
		le32_store(b->at + IMAGE_AT_CRC,
		    hash_crc32(0, b->at + IMAGE_AT_SIZE, b->len_b - IMAGE_AT_SIZE));
}

static enum ak_err
open_bytes(const struct bytes *b, struct image **out)
{
	return image_open(b->at, b->len_b, out);
}

static unsigned char *
section_at(const struct bytes *b, enum image_section section)
{
	const unsigned char *entry = b->at + IMAGE_HEADER_B + (size_t)section * IMAGE_ENTRY_B;

	return b->at + le64_load(entry + 8);
}

static unsigned char *
cell_at(const struct bytes *b, enum image_section section, size_t n_columns, size_t row,
    size_t column)
{
	return section_at(b, section) + 4 * (row * n_columns + column);
}

/* Everything that can be asked of an image, so that a sanitizer sees what is wrong with the answers. */
static void
ask_everything(const struct image *im)
{
	struct policy_request req = {.login = "k", .service = "sshd"};
	struct role_set roles = ROLE_SET_INIT;
	size_t total = strlen(image_policy_file(im)) +
		       strlen(image_borrow_settings(im)->space) +
		       strv_count(image_borrow_settings(im)->hosts);

	for (uint32_t i = 0; i < image_count_roles(im); i++) {
		struct image_role r = image_role(im, i);

		assert_int_equal(image_find_role(im, r.name), i);
		total +=
		    strlen(r.description) + strv_count(r.services) + strv_count(r.unix_groups);
	}
	assert_true(total < SIZE_MAX);
	req.bindings =
	    (struct strv){.bytes = "admin\0viewer:spaces:a,b\0x:hosts:h", .len_b = 34};
	for (uint32_t i = 0; i < image_count_spaces(im); i++) {
		enum ak_err err;

		req.space = image_space(im, i).name;
		assert_int_equal(image_find_space(im, req.space), i);
		err = policy_eval(im, &req, NULL, &roles);
		assert_true(err == AK_OK || err == AK_ERR_DENIED);
		role_set_clear(&roles);
	}
}

static void
the_bytes_of_an_image_open_as_the_same_image(void **state)
{
	struct bytes b = example_bytes();
	struct image *im = NULL;
	const void *again;
	size_t len_b;

	(void)state;
	assert_err("", AK_OK, open_bytes(&b, &im));
	again = image_borrow_bytes(im, &len_b);
	assert_int_equal(len_b, b.len_b);
	assert_memory_equal(again, b.at, len_b);
	memset(b.at, 0xff, b.len_b);
	free(b.at);
	assert_int_equal(image_count_roles(im), 3);
	assert_int_equal(image_count_spaces(im), 4);
	assert_string_equal(image_policy_file(im), "p.yaml");
	assert_string_equal(image_borrow_settings(im)->home, "/home/%n");
	ask_everything(im);
	image_free(&im);
	assert_null(im);
	image_free(&im);
}

static void
abuse_059_an_image_tells_which_files_it_was_made_from(void **state)
{
	const struct image_sources src = {
	    .policy = {.dev = 1, .ino = UINT64_MAX, .size_b = 3, .mtime_ns = -4, .ctime_ns = 5},
	    .settings =
		{.dev = 6, .ino = 7, .size_b = 8, .mtime_ns = INT64_MAX, .ctime_ns = INT64_MIN},
	    .group = {.dev = 9, .ino = 10, .size_b = 11, .mtime_ns = 12, .ctime_ns = 13},
	    .built_at_ns = 1700000000123456789};
	struct image *im = compiled(), *back = NULL;
	const void *bytes;
	size_t len_b;

	(void)state;
	assert_int_equal(image_borrow_sources(im)->built_at_ns, 0);
	assert_int_equal(image_borrow_sources(im)->policy.ino, 0);
	image_set_sources(im, &src);
	bytes = image_borrow_bytes(im, &len_b);
	assert_err("", AK_OK, image_open(bytes, len_b, &back));
	assert_memory_equal(image_borrow_sources(back), &src, sizeof(src));
	assert_memory_equal(image_borrow_sources(im), &src, sizeof(src));
	image_free(&im);
	image_free(&back);
}

static void
abuse_064_every_single_bit_flipped_is_refused(void **state)
{
	struct bytes b = example_bytes();
	struct image *im = NULL;

	(void)state;
	for (size_t i = 0; i < 8 * b.len_b; i++) {
		b.at[i / 8] ^= (unsigned char)(1U << i % 8);
		assert_err("", AK_ERR_CORRUPT, open_bytes(&b, &im));
		assert_null(im);
		b.at[i / 8] ^= (unsigned char)(1U << i % 8);
	}
	free(b.at);
}

static void
abuse_063_an_image_cut_or_lengthened_is_refused(void **state)
{
	struct bytes b = example_bytes();
	struct bytes longer = {.at = calloc(1, b.len_b + 1), .len_b = b.len_b + 1};
	struct image *im = NULL;

	(void)state;
	assert_non_null(longer.at);
	memcpy(longer.at, b.at, b.len_b);
	assert_err("longer", AK_ERR_CORRUPT, open_bytes(&longer, &im));
	le64_store(longer.at + IMAGE_AT_SIZE, longer.len_b);
	seal(&longer);
	assert_err("longer and sealed", AK_ERR_CORRUPT, open_bytes(&longer, &im));
	for (size_t cut = b.len_b; cut-- > 0;) {
		/* On a heap of its own size, so that a read past the end is seen. */
		struct bytes c = {.at = malloc(cut + 1), .len_b = cut};
		unsigned char *exact = cut == 0 ? NULL : realloc(c.at, cut);

		c.at = exact == NULL ? c.at : exact;
		memcpy(c.at, b.at, cut);
		assert_err("cut", AK_ERR_CORRUPT, open_bytes(&c, &im));
		if (cut >= IMAGE_HEADER_B) {
			le64_store(c.at + IMAGE_AT_SIZE, cut);
			seal(&c);
			assert_err("cut and sealed", AK_ERR_CORRUPT, open_bytes(&c, &im));
		}
		free(c.at);
	}
	free(longer.at);
	free(b.at);
}

static void
spoil_header(struct bytes *b, const char *what)
{
	if (strcmp(what, "magic") == 0)
		b->at[0] = 'a';
	else if (strcmp(what, "older version") == 0)
		le32_store(b->at + IMAGE_AT_VERSION, IMAGE_VERSION - 1);
	else if (strcmp(what, "newer version") == 0)
		le32_store(b->at + IMAGE_AT_VERSION, IMAGE_VERSION + 1);
	else if (strcmp(what, "byte order") == 0)
		le32_store(b->at + IMAGE_AT_VERSION, __builtin_bswap32(IMAGE_VERSION));
	else if (strcmp(what, "fewer sections") == 0)
		le32_store(b->at + IMAGE_AT_N_SECTIONS, IMAGE_N_SECTIONS - 1);
	else if (strcmp(what, "reserved") == 0)
		le32_store(b->at + IMAGE_AT_N_SECTIONS + 4, 1);
	else if (strcmp(what, "size") == 0)
		le64_store(b->at + IMAGE_AT_SIZE, b->len_b - 1);
}

static void
abuse_066_another_version_or_byte_order_is_refused(void **state)
{
	static const char *const rows[] = {"magic", "older version", "newer version",
	    "byte order", "fewer sections", "reserved", "size"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = example_bytes();
		struct image *im = NULL;

		spoil_header(&b, rows[i]);
		seal(&b);
		assert_err(rows[i], AK_ERR_CORRUPT, open_bytes(&b, &im));
		free(b.at);
	}
}

/* Sealed images whose parts lie: a number of a section's table entry, or a row's. */
static void
abuse_065_offsets_past_the_end_overlapping_and_overflowing_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t at_entry; /* byte within the entry */
		uint64_t value; /* u64, or u32 for the first two */
	} rows[] = {
	    {"type", 0, 9},
	    {"count", 4, 2},
	    {"count overflows", 4, 0x40000000},
	    {"count of 2^32-1", 4, UINT32_MAX},
	    {"offset 0", 8, 0},
	    {"offset overflows", 8, UINT64_MAX},
	    {"offset past the end", 8, 1U << 20},
	    {"size 0", 16, 0},
	    {"size past the end", 16, 1U << 20},
	    {"size overflows", 16, UINT64_MAX},
	    {"size of -offset", 16, UINT64_MAX - 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t section = 0; section < IMAGE_N_SECTIONS; section++) {
			struct bytes b = example_bytes();
			unsigned char *entry = b.at + IMAGE_HEADER_B + section * IMAGE_ENTRY_B;
			struct image *im = NULL;

			if (rows[i].at_entry < 8)
				le32_store(entry + rows[i].at_entry, (uint32_t)rows[i].value);
			else
				le64_store(entry + rows[i].at_entry, rows[i].value);
			seal(&b);
			assert_err(rows[i].name, AK_ERR_CORRUPT, open_bytes(&b, &im));
			free(b.at);
		}
}

static void
rows_that_lie_are_refused(void **state)
{
	static const struct {
		const char *name;
		enum image_section section;
		size_t n_columns, row, column;
		uint32_t value;
	} rows[] = {
	    {"file past the end", IMAGE_POLICY, IMAGE_POLICY_COLUMNS, 0, IMAGE_POLICY_FILE,
		1U << 20},
	    {"space's name past the end", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 0,
		IMAGE_SPACE_NAME, UINT32_MAX},
	    {"space's parent past the end", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 0,
		IMAGE_SPACE_PARENT, 4},
	    {"space without a parent", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 0, IMAGE_SPACE_PARENT,
		UINT32_MAX},
	    {"root with a parent", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 3, IMAGE_SPACE_PARENT, 0},
	    {"a space that is its own parent", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 1,
		IMAGE_SPACE_PARENT, 1},
	    {"a cycle of two", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 1, IMAGE_SPACE_PARENT, 2},
	    {"role's name is the file's", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0, IMAGE_ROLE_NAME,
		0},
	    {"role's description past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0,
		IMAGE_ROLE_DESCRIPTION, 1U << 30},
	    {"role's unknown flag", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0, IMAGE_ROLE_FLAGS, 3},
	    {"services begin past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES, UINT32_MAX},
	    {"services end past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES_B, UINT32_MAX},
	    {"services end within a text", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES_B, 3},
	    {"services hold an empty entry", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES_B, 200},
	    {"groups are services", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0,
		IMAGE_ROLE_UNIX_GROUPS_B, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = example_bytes();
		struct image *im = NULL;

		le32_store(cell_at(&b, rows[i].section, rows[i].n_columns, rows[i].row,
			       rows[i].column),
		    rows[i].value);
		seal(&b);
		assert_err(rows[i].name, AK_ERR_CORRUPT, open_bytes(&b, &im));
		assert_null(im);
		free(b.at);
	}
}

static void
names_out_of_order_or_twice_are_refused(void **state)
{
	static const enum image_section sections[] = {IMAGE_SPACES, IMAGE_ROLES};
	static const size_t n_columns[] = {IMAGE_SPACE_COLUMNS, IMAGE_ROLE_COLUMNS};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes b = example_bytes();
		unsigned char *first = cell_at(&b, sections[i], n_columns[i], 0, 0);
		unsigned char *second = cell_at(&b, sections[i], n_columns[i], 1, 0);
		uint32_t one = le32_load(first), two = le32_load(second);
		struct image *im = NULL;

		le32_store(first, two);
		le32_store(second, one);
		seal(&b);
		assert_err("swapped", AK_ERR_CORRUPT, open_bytes(&b, &im));
		le32_store(first, one);
		le32_store(second, one);
		seal(&b);
		assert_err("twice", AK_ERR_CORRUPT, open_bytes(&b, &im));
		free(b.at);
	}
}

static void
strings_without_their_end_and_settings_that_lie_are_refused(void **state)
{
	struct bytes b = example_bytes();
	struct image *im = NULL;

	(void)state;
	section_at(&b, IMAGE_SETTINGS)[-1] = 'x'; /* the strings' last byte */
	seal(&b);
	assert_err("strings", AK_ERR_CORRUPT, open_bytes(&b, &im));
	section_at(&b, IMAGE_SETTINGS)[-1] = '\0';
	section_at(&b, IMAGE_SETTINGS)[0] = 0xff;
	seal(&b);
	assert_err("settings", AK_ERR_CORRUPT, open_bytes(&b, &im));
	free(b.at);
}

static void
any_sealed_bytes_open_as_a_sound_image_or_not_at_all(void **state)
{
	struct rnd r = rnd_start("any_sealed_bytes_open_as_a_sound_image_or_not_at_all");
	struct bytes whole = example_bytes(), b = {.at = malloc(whole.len_b)};
	unsigned opened = 0;

	(void)state;
	assert_non_null(b.at);
	b.len_b = whole.len_b;
	for (int round = 0; round < 100000; round++) {
		struct image *im = NULL;
		enum ak_err err;

		memcpy(b.at, whole.at, whole.len_b);
		for (uint64_t n = 1 + rnd_below(&r, 3); n > 0; n--) {
			size_t at = IMAGE_AT_SIZE + rnd_below(&r, b.len_b - IMAGE_AT_SIZE);

			b.at[at] = (unsigned char)(rnd_below(&r, 2) == 0 ? rnd_u64(&r)
									 : rnd_below(&r, 8));
		}
		seal(&b);
		err = open_bytes(&b, &im);
		assert_true(err == AK_OK || err == AK_ERR_CORRUPT);
		if (err == AK_OK) {
			opened++;
			ask_everything(im);
		}
		image_free(&im);
	}
	assert_true(opened > 0);
	free(whole.at);
	free(b.at);
}

static void
random_bytes_never_open(void **state)
{
	struct rnd r = rnd_start("random_bytes_never_open");

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct bytes b = {.len_b = rnd_below(&r, 1024)};
		struct image *im = NULL;

		b.at = malloc(b.len_b == 0 ? 1 : b.len_b);
		assert_non_null(b.at);
		rnd_bytes(&r, b.at, b.len_b);
		if (b.len_b >= IMAGE_HEADER_B && round % 2 == 0) {
			memcpy(b.at, IMAGE_MAGIC, IMAGE_AT_VERSION);
			le32_store(b.at + IMAGE_AT_VERSION, IMAGE_VERSION);
			le64_store(b.at + IMAGE_AT_SIZE, b.len_b);
			le32_store(b.at + IMAGE_AT_N_SECTIONS, IMAGE_N_SECTIONS);
			le32_store(b.at + IMAGE_AT_N_SECTIONS + 4, 0);
			seal(&b);
		}
		assert_err("", AK_ERR_CORRUPT, open_bytes(&b, &im));
		free(b.at);
	}
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	struct bytes b = example_bytes();

	(void)state;
	for (unsigned n = 1;; n++) {
		struct image *im = NULL;
		enum ak_err err;

		alloc_fail_nth(n);
		err = open_bytes(&b, &im);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			image_free(&im);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_null(im);
	}
	free(b.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_bytes_of_an_image_open_as_the_same_image),
	    cmocka_unit_test(abuse_059_an_image_tells_which_files_it_was_made_from),
	    cmocka_unit_test(abuse_063_an_image_cut_or_lengthened_is_refused),
	    cmocka_unit_test(abuse_064_every_single_bit_flipped_is_refused),
	    cmocka_unit_test(
		abuse_065_offsets_past_the_end_overlapping_and_overflowing_are_refused),
	    cmocka_unit_test(abuse_066_another_version_or_byte_order_is_refused),
	    cmocka_unit_test(rows_that_lie_are_refused),
	    cmocka_unit_test(names_out_of_order_or_twice_are_refused),
	    cmocka_unit_test(strings_without_their_end_and_settings_that_lie_are_refused),
	    cmocka_unit_test(any_sealed_bytes_open_as_a_sound_image_or_not_at_all),
	    cmocka_unit_test(random_bytes_never_open),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
