/* Building index files: what is refused, and what the file then says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "index_make_impl.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_model.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static size_t largest_b; /* that index_alloc_large was asked for */

static const struct index_make_head plain_head = {.generation = 3, .id = 5, .built_at = -1};

static enum ak_err
add(struct index_make *m, unsigned order, uint32_t number, const char *key, const char *value)
{
	struct index_key k = {key, strlen(key)};

	return index_make_add(m, order, number, &k, 1, value, strlen(value));
}

static void
open_finished(struct tmp *dir, struct index_make *m, struct index *ix)
{
	unsigned char *bytes;
	size_t len_b;

	assert_err("finish", AK_OK, index_make_finish(m, &plain_head, &bytes, &len_b));
	file_write(tmp_path(dir, "x.idx"), bytes, len_b, 0600);
	free(bytes);
	assert_err("open", AK_OK, index_open(tmp_path(dir, "x.idx"), geteuid(), ix));
}

static void
an_empty_file_is_a_good_file(void **state)
{
	struct index_make *m = index_make_new(0);
	struct index_record found;
	struct index_walk w;
	struct index_view v;
	struct index ix;
	unsigned char buf[64];
	uint64_t at;

	assert_non_null(m);
	open_finished(*state, m, &ix);
	assert_int_equal(ix.head.built_at, -1);
	assert_err("", AK_ERR_NOT_FOUND, index_find(&ix, "a", 1, &found));
	for (unsigned order = 0; order < INDEX_ORDERS; order++) {
		assert_err("", AK_OK, index_seek(&ix, order, 0, &at));
		index_walk_start(&ix, order, at, &w);
		assert_err("", AK_ERR_NOT_FOUND, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	}
	index_close(&ix);
	index_make_free(m);
	index_make_free(NULL);
}

static void
what_cannot_be_a_record_is_refused_and_nothing_is_added(void **state)
{
	static const unsigned char big[INDEX_KEY_MAX_B + 1];
	struct index_key keys[9];
	static const struct {
		const char *name;
		unsigned order, n_keys;
		size_t key_len_b, value_len_b;
		enum ak_err err;
	} rows[] = {
	    {"no keys", 0, 0, 1, 1, AK_ERR_INVALID},
	    {"nine keys", 0, 9, 1, 1, AK_ERR_INVALID},
	    {"a third order", 2, 1, 1, 1, AK_ERR_INVALID},
	    {"an empty key", 0, 1, 0, 1, AK_ERR_INVALID},
	    {"a key too long", 0, 1, 256, 1, AK_ERR_INVALID},
	    {"a value too long", 0, 1, 1, INDEX_RECORD_MAX_B - 17, AK_ERR_RANGE},
	    {"an endless value", 0, 1, 1, SIZE_MAX, AK_ERR_RANGE},
	};
	struct index_make *m = index_make_new(0);
	struct index ix;

	assert_non_null(m);
	for (size_t i = 0; i < N(rows); i++) {
		for (size_t k = 0; k < N(keys); k++)
			keys[k] = (struct index_key){big, rows[i].key_len_b};
		assert_err(rows[i].name, rows[i].err,
		    index_make_add(
			m, rows[i].order, 1, keys, rows[i].n_keys, "v", rows[i].value_len_b));
	}
	open_finished(*state, m, &ix);
	assert_int_equal(ix.head.order[0].count, 0);
	assert_int_equal(ix.head.size_b, ix.head.records_at);
	index_close(&ix);
	index_make_free(m);
}

static void
two_records_never_share_a_key(void **state)
{
	static const struct {
		const char *name;
		unsigned order;
		const char *key;
	} rows[] = {
	    {"same order", 0, "a"}, {"the other order", 1, "a"}, {"a second key", 0, "b"}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct index_make *m = index_make_new(2);
		struct index_key two[] = {{"a", 1}, {"b", 1}};
		unsigned char *bytes = (unsigned char *)1;
		size_t len_b = 1;

		assert_non_null(m);
		assert_err("", AK_OK, index_make_add(m, 0, 1, two, 2, "1", 1));
		assert_err("", AK_OK, add(m, rows[i].order, 2, rows[i].key, "2"));
		assert_err(rows[i].name, AK_ERR_EXISTS,
		    index_make_finish(m, &plain_head, &bytes, &len_b));
		assert_row(rows[i].name, bytes == NULL && len_b == 0);
		index_make_free(m);
	}
}

static void
a_record_has_each_key_once(void **state)
{
	struct index_make *m = index_make_new(0);
	struct index_key twice[] = {{"a", 1}, {"a", 1}};
	unsigned char *bytes;
	size_t len_b;

	(void)state;
	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 0, 1, twice, 2, "1", 1));
	assert_err("", AK_ERR_EXISTS, index_make_finish(m, &plain_head, &bytes, &len_b));
	index_make_free(m);
}

static void
ties_keep_the_order_of_adding(void **state)
{
	static const uint32_t numbers[] = {9, 5, 5, 9, 1, 5, 5, 9, UINT32_MAX, 0};
	static const char *const wanted = "jebcfgadhi";
	struct index_make *m = index_make_new(0);
	unsigned char buf[4096];
	struct index_walk w;
	struct index_view v;
	struct index ix;
	char key[2] = "";

	assert_non_null(m);
	for (size_t i = 0; i < N(numbers); i++) {
		key[0] = (char)('a' + i);
		assert_err("", AK_OK, add(m, 1, numbers[i], key, key));
	}
	open_finished(*state, m, &ix);
	index_walk_start(&ix, 1, ix.head.order[1].records_at, &w);
	for (size_t i = 0; i < N(numbers); i++) {
		assert_err("", AK_OK, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
		assert_int_equal(v.value[0], wanted[i]);
	}
	assert_err("", AK_ERR_NOT_FOUND, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	index_close(&ix);
	index_make_free(m);
}

/* Twenty keys whose own block is the last of seven, where five have room. */
static void
keys_that_overflow_the_last_block_go_on_in_the_first(void **state)
{
	struct index_make *m = index_make_new(0);
	struct index_record found;
	struct index ix;
	char keys[20][16];
	unsigned n = 0;

	assert_non_null(m);
	for (unsigned i = 0; n < N(keys); i++) {
		(void)snprintf(keys[n], sizeof(keys[n]), "k%u", i);
		if (index_hash_block(hash_sip(plain_head.id, keys[n], strlen(keys[n])), 7) != 6)
			continue;
		assert_err("", AK_OK, add(m, 0, i, keys[n], keys[n]));
		n++;
	}
	open_finished(*state, m, &ix);
	assert_int_equal(ix.head.hash_blocks, 7);
	for (n = 0; n < N(keys); n++) {
		assert_err(keys[n], AK_OK, index_find(&ix, keys[n], strlen(keys[n]), &found));
		assert_memory_equal(found.view.value, keys[n], strlen(keys[n]));
		index_record_clear(&found);
	}
	index_close(&ix);
	index_make_free(m);
}

static void
the_same_records_and_id_give_the_same_bytes(void **state)
{
	unsigned char *a, *b;
	size_t a_b, b_b;
	struct index_make *m = index_make_new(0), *hinted = index_make_new(1000);

	(void)state;
	assert_true(m != NULL && hinted != NULL);
	for (unsigned i = 0; i < 200; i++) {
		char key[8];

		(void)snprintf(key, sizeof(key), "k%u", i);
		assert_err("", AK_OK, add(m, i % 2, i * 7 % 50, key, key));
		assert_err("", AK_OK, add(hinted, i % 2, i * 7 % 50, key, key));
	}
	assert_err("", AK_OK, index_make_finish(m, &plain_head, &a, &a_b));
	assert_err("", AK_OK, index_make_finish(hinted, &plain_head, &b, &b_b));
	assert_int_equal(a_b, b_b);
	assert_memory_equal(a, b, a_b);
	free(b);
	assert_err("once more", AK_OK, index_make_finish(m, &plain_head, &b, &b_b));
	assert_int_equal(a_b, b_b);
	assert_memory_equal(a, b, a_b);
	free(a);
	free(b);
	index_make_free(m);
	index_make_free(hinted);
}

static void
an_id_is_drawn_when_none_is_given(void **state)
{
	struct index_make_head head = {.generation = 1};
	uint64_t ids[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct index_make *m = index_make_new(0);
		unsigned char *bytes;
		size_t len_b;

		assert_non_null(m);
		assert_err("", AK_OK, index_make_finish(m, &head, &bytes, &len_b));
		ids[i] = le64_load(bytes + 24);
		assert_true(ids[i] != 0);
		free(bytes);
		index_make_free(m);
	}
	assert_true(ids[0] != ids[1]);
}

static void
a_file_can_be_made_from_another_ones_records(void **state)
{
	struct rnd r = rnd_start("copy");
	struct model model = model_random(&r, 200, 300);
	struct index_make *m = index_make_new(0);
	size_t len_b;
	unsigned char *bytes = model_build(&model, 77, &len_b), *buf[INDEX_ORDERS];
	struct index from, ix;

	assert_non_null(m);
	file_write(tmp_path(*state, "from.idx"), bytes, len_b, 0600);
	assert_err("", AK_OK, index_open(tmp_path(*state, "from.idx"), geteuid(), &from));
	for (unsigned order = INDEX_ORDERS; order-- > 0;) {
		struct index_walk w;
		struct index_view v;
		enum ak_err err;

		/* Room for all, so that what was copied stays where it is. */
		buf[order] = malloc(len_b);
		assert_non_null(buf[order]);
		index_walk_start(&from, order, from.head.order[order].records_at, &w);
		while ((err = index_walk_next(&from, &w, buf[order], len_b, &v)) == AK_OK)
			assert_err("", AK_OK, index_make_copy(m, &v));
		assert_err("", AK_ERR_NOT_FOUND, err);
	}
	open_finished(*state, m, &ix);
	for (unsigned order = 0; order < INDEX_ORDERS; order++)
		free(buf[order]);
	assert_true(ix.head.generation == 3);
	assert_int_equal(model_compare(&model, &ix, &r, false), 0);
	index_close(&ix);
	index_close(&from);
	index_make_free(m);
	free(bytes);
	model_clear(&model);
}

/* A file of n records with the numbers 0, step, 2 * step, …; views are of all of them. */
static size_t
make_source(unsigned n, unsigned step, unsigned char **bytes, struct index_view *views)
{
	struct index_make *m = index_make_new(n);
	size_t len_b, at;
	char key[16];

	assert_non_null(m);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(key, sizeof(key), "s%u", i);
		assert_err("", AK_OK, add(m, 0, i * step, key, key));
	}
	assert_err("", AK_OK, index_make_finish(m, &plain_head, bytes, &len_b));
	index_make_free(m);
	at = le64_load(*bytes + 56);
	for (unsigned i = 0; i < n; i++) {
		assert_err("", AK_OK,
		    index_parse_record(*bytes + at, len_b - at,
			index_crc_seed(plain_head.generation), &views[i]));
		at += views[i].len_b;
	}
	assert_int_equal(at, len_b);
	return len_b;
}

static void
what_is_added_later_stands_at_its_place_among_what_was_copied(void **state)
{
	struct index_view views[100], v;
	unsigned char *bytes, buf[4096];
	struct index_make *m = index_make_new(0);
	struct index_walk w;
	struct index ix;

	assert_non_null(m);
	(void)make_source(N(views), 2, &bytes, views);
	for (size_t i = 0; i < N(views); i++)
		assert_err("", AK_OK, index_make_copy(m, &views[i]));
	assert_err("", AK_OK, add(m, 0, 11, "odd", "odd"));
	assert_err("", AK_OK, add(m, 0, 20, "tie", "tie"));
	open_finished(*state, m, &ix);
	index_walk_start(&ix, 0, ix.head.order[0].records_at, &w);
	for (unsigned i = 0, wanted = 0; i < N(views) + 2; i++) {
		assert_err("", AK_OK, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
		if (i == 6) {
			assert_memory_equal(v.value, "odd", 3);
		} else if (i == 12) {
			assert_memory_equal(v.value, "tie", 3);
			assert_int_equal(v.number, 20);
		} else {
			assert_int_equal(v.number, wanted);
			wanted += 2;
		}
	}
	assert_err("", AK_ERR_NOT_FOUND, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	index_close(&ix);
	index_make_free(m);
	free(bytes);
}

/* As make_source: record i has i more bytes in its value, and the eighth some over 1024. */
static size_t
make_uneven(unsigned n, unsigned char **bytes, struct index_view *views)
{
	static unsigned char value[2000];
	struct index_make *m = index_make_new(n);
	size_t len_b, at;
	char key[16];

	assert_non_null(m);
	memset(value, 0x30, sizeof(value));
	for (unsigned i = 0; i < n; i++) {
		struct index_key k = {key, 0};

		k.len_b = (size_t)snprintf(key, sizeof(key), "s%u", i);
		assert_err(
		    "", AK_OK, index_make_add(m, 0, i, &k, 1, value, i == 7 ? 1300 : 20 + i));
	}
	assert_err("", AK_OK, index_make_finish(m, &plain_head, bytes, &len_b));
	index_make_free(m);
	at = le64_load(*bytes + 56);
	for (unsigned i = 0; i < n; i++, at += views[i - 1].len_b)
		assert_err("", AK_OK,
		    index_parse_record(*bytes + at, len_b - at,
			index_crc_seed(plain_head.generation), &views[i]));
	return len_b;
}

/* Their bytes are read twice, and nothing is made of what is not the same. */
static void
what_was_damaged_since_it_was_copied_is_met(void **state)
{
	/* The second byte, 16 further on, too: what a sum might weigh up. */
	static const struct {
		unsigned char first, second;
	} flips[] = {{0x80, 0}, {0xff, 0}, {0x10, 0}, {0x80, 0x80}, {0x10, 0x10}};
	struct index_view views[20];
	unsigned char *bytes, *out;
	size_t end_b, len_b;

	(void)state;
	end_b = make_uneven(N(views), &bytes, views);
	for (size_t at = le64_load(bytes + 56); at + 16 < end_b; at++)
		for (size_t row = 0; row < 2 * N(flips); row++) {
			struct index_make *m = index_make_new(0);
			char name[64];

			assert_non_null(m);
			(void)snprintf(name, sizeof(name), "byte %zu, way %zu", at, row);
			for (size_t k = 0; k < N(views); k++)
				assert_err("", AK_OK, index_make_copy(m, &views[k]));
			if (row >= N(flips)) /* all are sorted */
				assert_err("", AK_OK, add(m, 0, 1, "last", "last"));
			bytes[at] ^= flips[row % N(flips)].first;
			bytes[at + 16] ^= flips[row % N(flips)].second;
			assert_err(name, AK_ERR_CORRUPT,
			    index_make_finish(m, &plain_head, &out, &len_b));
			assert_row(name, out == NULL);
			bytes[at] ^= flips[row % N(flips)].first;
			bytes[at + 16] ^= flips[row % N(flips)].second;
			assert_err(name, AK_OK, index_make_finish(m, &plain_head, &out, &len_b));
			free(out);
			index_make_free(m);
		}
	free(bytes);
}

static void
records_that_lie_the_wrong_way_round_are_put_right(void **state)
{
	struct index_view views[2], v;
	unsigned char *bytes, turned[256], buf[256];
	struct index_make *m = index_make_new(0);
	struct index_walk w;
	struct index ix;
	size_t at = 0;

	assert_non_null(m);
	(void)make_source(N(views), 1, &bytes, views);
	for (size_t i = N(views); i-- > 0; at += v.len_b) {
		memcpy(turned + at, views[i].bytes, views[i].len_b);
		assert_err("", AK_OK,
		    index_parse_record(turned + at, sizeof(turned) - at, views[i].crc_seed, &v));
		assert_err("", AK_OK, index_make_copy(m, &v));
	}
	open_finished(*state, m, &ix);
	index_walk_start(&ix, 0, ix.head.order[0].records_at, &w);
	for (uint32_t i = 0; i < N(views); i++) {
		assert_err("", AK_OK, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
		assert_int_equal(v.number, i);
	}
	index_close(&ix);
	index_make_free(m);
	free(bytes);
}

/* As the store and publish have it made. */
static enum ak_err
replace(struct index_make *m, const char *path)
{
	struct index_make_head head = plain_head;
	struct safefile_new file;
	enum ak_err err = index_make_write(m, &head, path, 0, &file, NULL);

	return err == AK_OK ? safefile_new_end(&file, 0600, NULL) : err;
}

#define MANY 30000U

/* Many copied, some added, one larger than a piece that is written. */
static struct index_make *
make_large(const struct index_view *views, bool twin)
{
	static unsigned char huge[3 << 20];
	struct index_make *m = index_make_new(0);
	struct index_key key = {"huge", 4};

	assert_non_null(m);
	for (unsigned i = 0; i < MANY; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "a%u", i * 2 + 1);
		assert_err("", AK_OK, index_make_copy(m, &views[i]));
		if (i % 1000 == 0)
			assert_err("", AK_OK, add(m, 0, i * 2 + 1, name, name));
	}
	assert_err("", AK_OK, index_make_add(m, 1, 7, &key, 1, huge, sizeof(huge)));
	if (twin)
		assert_err("", AK_OK, add(m, 1, 8, "s29000", "another's key"));
	return m;
}

static void
a_large_file_is_the_same_written_in_pieces(void **state)
{
	static struct index_view views[MANY];
	const char *path = tmp_path(*state, "large");
	unsigned char *bytes, *wanted, *got;
	struct index_make *m;
	size_t len_b;
	FILE *f;

	(void)make_source(MANY, 2, &bytes, views);
	m = make_large(views, false);
	assert_err("", AK_OK, index_make_finish(m, &plain_head, &wanted, &len_b));
	assert_true(len_b > (size_t)4 << 20);
	largest_b = 0;
	assert_err("", AK_OK, replace(m, path));
	assert_true(largest_b < len_b / 2); /* it never is in memory whole */
	assert_non_null(got = malloc(len_b + 1));
	assert_non_null(f = fopen(path, "re"));
	assert_int_equal(fread(got, 1, len_b + 1, f), len_b);
	assert_memory_equal(got, wanted, len_b);
	(void)fclose(f);
	free(got);
	free(wanted);
	index_make_free(m);
	free(bytes);
}

static void
a_large_file_that_cannot_be_leaves_the_old_one_and_nothing_beside_it(void **state)
{
	static struct index_view views[MANY];
	char path[TMP_CAP * 2];
	unsigned char *bytes;
	struct index_make *m;

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "large"));
	file_write(path, "old", 3, 0600);
	(void)make_source(MANY, 2, &bytes, views);
	m = make_large(views, true);
	assert_err("", AK_ERR_EXISTS, replace(m, path));
	assert_true(file_holds(path, "old"));
	assert_false(file_is_there(tmp_path(*state, ".large.new")));
	index_make_free(m);
	m = make_large(views, false);
	for (unsigned n = 1;; n++) {
		enum ak_err err;

		alloc_fail_nth(n);
		err = replace(m, path);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			assert_true(n > 1);
			break;
		}
		assert_err("no memory", AK_ERR_NOMEM, err);
		assert_true(file_holds(path, "old"));
		assert_false(file_is_there(tmp_path(*state, ".large.new")));
	}
	index_make_free(m);
	free(bytes);
}

#define INNER 6U
#define INNER_B 32U

/* Records whose values would pass for records, and for keys. */
static size_t
make_nested(unsigned char **bytes, struct index_view *views)
{
	struct index_make *m = index_make_new(MANY);
	size_t len_b, at;

	assert_non_null(m);
	for (unsigned i = 0; i < MANY; i++) {
		unsigned char value[INNER * INNER_B] = {0}, key[5] = {'k'};
		struct index_key k = {key, sizeof(key)};

		le32_store(key + 1, i);
		for (unsigned n = 0; n < INNER; n++) {
			unsigned char *r = value + (size_t)n * INNER_B;

			/* What a key of 31 bytes, and within it a record of 32, begin with. */
			r[0] = INNER_B - 1;
			le32_store(r + 4, INNER_B);
			r[8] = 1;
			le32_store(r + 12, i);
			r[16] = 5;
			r[17] = (unsigned char)n;
			le32_store(r + 18, i);
		}
		assert_err("", AK_OK, index_make_add(m, 0, i, &k, 1, value, sizeof(value)));
	}
	assert_err("", AK_OK, index_make_finish(m, &plain_head, bytes, &len_b));
	index_make_free(m);
	at = le64_load(*bytes + 56);
	for (unsigned i = 0; i < MANY; i++, at += views[i - 1].len_b)
		assert_err("", AK_OK,
		    index_parse_record(*bytes + at, len_b - at,
			index_crc_seed(plain_head.generation), &views[i]));
	return len_b;
}

static void
damage_that_would_pass_for_records_writes_no_file(void **state)
{
	static const struct {
		const char *name;
		unsigned every; /* one record of so many is damaged */
		uint32_t longer, shorter;
		unsigned char keys; /* more of them */
		bool unsorted;
	} rows[] = {{"one of two MiB", MANY, 1U << 21, 0, 0, false},
	    {"one of two MiB, sorted anew", MANY, 1U << 21, 0, 0, true},
	    {"two records in one", MANY, INNER * INNER_B + 22, 0, 0, false},
	    {"more records than were taken", 1, 0, INNER * INNER_B, 0, false},
	    {"more records, sorted anew", 1, 0, INNER * INNER_B, 0, true},
	    {"more keys than were taken", 1, 0, 0, INNER, false},
	    {"more keys, sorted anew", 1, 0, 0, INNER, true},
	    {"another number", MANY, 0, 0, 0, false},
	    {"another number, sorted anew", MANY, 0, 0, 0, true}};
	static struct index_view views[MANY];
	char path[TMP_CAP * 2];
	unsigned char *bytes, *kept, *out;
	size_t len_b, out_b;

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "large"));
	file_write(path, "old", 3, 0600);
	len_b = make_nested(&bytes, views);
	assert_non_null(kept = malloc(len_b));
	memcpy(kept, bytes, len_b);
	for (size_t i = 0; i < N(rows); i++) {
		struct index_make *m = index_make_new(0);

		assert_non_null(m);
		for (unsigned k = 0; k < MANY; k++)
			assert_err("", AK_OK, index_make_copy(m, &views[k]));
		if (rows[i].unsorted)
			assert_err("", AK_OK, add(m, 0, 0, "late", "late"));
		for (unsigned k = 1; k < MANY; k += rows[i].every) {
			unsigned char *r = bytes + (views[k].bytes - bytes);

			le32_store(r + 4, le32_load(r + 4) + rows[i].longer - rows[i].shorter);
			r[8] = (unsigned char)(r[8] + rows[i].keys);
			if (rows[i].longer + rows[i].shorter + rows[i].keys == 0)
				le32_store(r + 12, 0);
		}
		assert_err(rows[i].name, AK_ERR_CORRUPT, replace(m, path));
		assert_row(rows[i].name, file_holds(path, "old"));
		assert_row(rows[i].name, !file_is_there(tmp_path(*state, ".large.new")));
		assert_err(rows[i].name, AK_ERR_CORRUPT,
		    index_make_finish(m, &plain_head, &out, &out_b));
		memcpy(bytes, kept, len_b);
		index_make_free(m);
	}
	free(kept);
	free(bytes);
}

/* A large file made from another one, in a child that is stopped after each system call. */
struct remaking {
	char from[TMP_CAP * 2], to[TMP_CAP * 2];
	off_t at; /* of the byte that is damaged meanwhile */
};

static enum ak_err
take_copy(void *ctx, const struct index_view *v)
{
	return index_make_copy(ctx, v);
}

static int
remake(void *arg)
{
	struct remaking *re = arg;
	struct index_mapping kept = INDEX_MAPPING_INIT;
	struct index_make *m = index_make_new(0);
	struct index ix;
	enum ak_err err = index_open(re->from, geteuid(), &ix);

	if (err == AK_OK)
		err = index_each(&ix, 0, take_copy, m, &kept);
	if (err == AK_OK)
		err = replace(m, re->to);
	index_unmap(&kept);
	index_close(&ix);
	index_make_free(m);
	return (int)err;
}

static void
damage(void *arg)
{
	const struct remaking *re = arg;
	FILE *f = fopen(re->from, "r+e");
	int c;

	assert_non_null(f);
	assert_int_equal(fseek(f, re->at, SEEK_SET), 0);
	assert_true((c = fgetc(f)) != EOF);
	assert_int_equal(fseek(f, re->at, SEEK_SET), 0);
	assert_true(fputc(c ^ 0x80, f) != EOF);
	assert_int_equal(fclose(f), 0);
}

static void
abuse_064_damage_at_any_moment_of_the_writing_gives_no_wrong_file(void **state)
{
	static struct index_view views[MANY];
	struct remaking re;
	unsigned char *bytes;
	char *wanted, *got;
	size_t len_b, wanted_b, got_b, met = 0;
	int code;

	(void)snprintf(re.from, sizeof(re.from), "%s", tmp_path(*state, "from"));
	(void)snprintf(re.to, sizeof(re.to), "%s", tmp_path(*state, "to"));
	len_b = make_nested(&bytes, views);
	file_write(re.from, bytes, len_b, 0600);
	assert_int_equal(child_run(remake, &re), AK_OK);
	assert_non_null(wanted = file_read(re.to, &wanted_b));
	for (size_t third = 0; third < 3; third++)
		for (unsigned n = 1;; n++) {
			const struct index_view *v = &views[third * (MANY - 1) / 2];

			re.at = (off_t)(v->bytes - bytes) + 20;
			file_write(re.from, bytes, len_b, 0600);
			(void)unlink(re.to);
			if (!steps_run(remake, damage, &re, n, &code))
				break;
			if ((got = file_read(re.to, &got_b)) != NULL) {
				assert_int_equal(got_b, wanted_b);
				assert_memory_equal(got, wanted, wanted_b);
			}
			assert_true((code == AK_OK) == (got != NULL));
			free(got);
			met += code == AK_ERR_CORRUPT;
			assert_false(file_is_there(tmp_path(*state, ".to.new")));
		}
	assert_true(met > 3);
	free(wanted);
	free(bytes);
}

/* One record more than a file had, of each kind, under a limit on allocations. */
static enum ak_err
build_anew(const struct index_view *copied)
{
	struct index_make *m = index_make_new(2);
	enum ak_err err = AK_ERR_NOMEM;
	unsigned char *bytes = NULL;
	char key[8];
	size_t len_b;

	if (m == NULL)
		return AK_ERR_NOMEM;
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "k%u", i);
		if ((err = add(m, 0, 200 - i, key, key)) != AK_OK)
			goto out;
	}
	if ((err = index_make_copy(m, copied)) != AK_OK)
		goto out;
	err = index_make_finish(m, &plain_head, &bytes, &len_b);
	assert_true((err == AK_OK) == (bytes != NULL));
	free(bytes);
out:
	index_make_free(m);
	return err;
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	struct index_make *m = index_make_new(0);
	struct index_record found;
	struct index ix;
	enum ak_err err;

	assert_non_null(m);
	assert_err("", AK_OK, add(m, 0, 1, "copied", "value"));
	open_finished(*state, m, &ix);
	assert_err("", AK_OK, index_find(&ix, "copied", 6, &found));
	for (unsigned n = 1;; n++) {
		bool failed;

		alloc_fail_nth(n);
		err = build_anew(&found.view);
		failed = alloc_stop();
		if (!failed) {
			assert_err("", AK_OK, err);
			assert_true(n > 6);
			break;
		}
		/* A hint that can't be followed is no failure. */
		assert_true(err == AK_ERR_NOMEM || err == AK_OK);
	}
	index_record_clear(&found);
	index_close(&ix);
	index_make_free(m);
}

static void
a_failed_allocation_loses_one_record_and_no_other(void **state)
{
	struct rnd r = rnd_start("lost");

	for (int round = 0; round < 50; round++) {
		struct index_make *m = index_make_new(0);
		struct index_record found;
		struct index ix;
		unsigned lost = 1000;
		char key[8];

		assert_non_null(m);
		alloc_fail_nth(1 + (unsigned)rnd_below(&r, 6));
		for (unsigned i = 0; i < 300; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			if (add(m, 0, i, key, key) != AK_OK) {
				lost = i;
				break;
			}
		}
		(void)alloc_stop();
		open_finished(*state, m, &ix);
		for (unsigned i = 0; i < lost && i < 300; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			assert_err(key, AK_OK, index_find(&ix, key, strlen(key), &found));
			index_record_clear(&found);
		}
		index_close(&ix);
		index_make_free(m);
	}
}

/* ---- what else is watched, and fails ---- */

static bool no_randomness;
static struct {
	unsigned at, seen; /* the digest of a record at which it changes; 0: none */
	unsigned char *byte;
} change;

ssize_t __real_getrandom(void *bytes, size_t len_b, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t len_b, unsigned flags);
void *__real_index_alloc_large(size_t len_b);
void *__wrap_index_alloc_large(size_t len_b);
void __real_index_make_digest(struct index_digest *d, const unsigned char *record, size_t len_b);
void __wrap_index_make_digest(struct index_digest *d, const unsigned char *record, size_t len_b);

ssize_t
__wrap_getrandom(void *bytes, size_t len_b, unsigned flags)
{
	return no_randomness ? -1 : __real_getrandom(bytes, len_b, flags);
}

void *
__wrap_index_alloc_large(size_t len_b)
{
	if (len_b > largest_b)
		largest_b = len_b;
	return __real_index_alloc_large(len_b);
}

void
__wrap_index_make_digest(struct index_digest *d, const unsigned char *record, size_t len_b)
{
	__real_index_make_digest(d, record, len_b);
	if (++change.seen == change.at)
		*change.byte = 0;
}

static void
without_randomness_there_is_no_file(void **state)
{
	struct index_make_head head = {.generation = 1};
	struct index_make *m = index_make_new(0);
	struct safefile_new file;
	unsigned char *bytes;
	size_t len_b;
	enum ak_err err, written;

	assert_non_null(m);
	no_randomness = true;
	err = index_make_finish(m, &head, &bytes, &len_b);
	written = index_make_write(m, &head, tmp_path(*state, "f"), 0, &file, NULL);
	no_randomness = false;
	assert_err("", AK_ERR_UNAVAILABLE, err);
	assert_null(bytes);
	assert_err("", AK_ERR_UNAVAILABLE, written);
	assert_false(file_is_there(tmp_path(*state, ".f.new")));
	index_make_free(m);
}

static void
a_hint_of_any_size_loses_no_record(void **state)
{
	static const size_t hints[] = {
	    0, 1, 299, 300, 301, SIZE_MAX >> 10, SIZE_MAX / sizeof(struct run) + 2, SIZE_MAX};

	for (size_t i = 0; i < 2 * N(hints); i++) {
		struct index_make *m;
		struct index ix;
		char key[8];

		if (i % 2 == 1) /* and it can't be followed */
			alloc_fail_nth(2);
		m = index_make_new(hints[i / 2]);
		(void)alloc_stop();
		assert_non_null(m);
		for (unsigned k = 0; k < 300; k++) {
			(void)snprintf(key, sizeof(key), "k%u", k);
			assert_err(key, AK_OK, add(m, 0, k, key, key));
		}
		open_finished(*state, m, &ix);
		assert_int_equal(ix.head.order[0].count, 300);
		index_close(&ix);
		index_make_free(m);
	}
}

static void
what_is_as_large_as_may_be_is_a_record(void **state)
{
	static const unsigned char big[8][INDEX_KEY_MAX_B] = {
	    {0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}};
	struct index_make *m = index_make_new(0);
	struct index_key keys[8];
	size_t most_b = INDEX_RECORD_MAX_B - INDEX_RECORD_HEADER_B;
	struct index ix;

	for (unsigned i = 0; i < 8; i++) {
		keys[i] = (struct index_key){big[i], INDEX_KEY_MAX_B};
		most_b -= 1 + INDEX_KEY_MAX_B;
	}
	assert_non_null(m);
	assert_err("8 keys", AK_OK, index_make_add(m, 1, 1, keys, 8, "v", 1));
	open_finished(*state, m, &ix);
	assert_int_equal(ix.head.order[1].count, 1);
	index_close(&ix);
	index_make_free(m);
	/* A GiB is taken, if there is that much. */
	assert_non_null(m = index_make_new(0));
	alloc_fail_nth(1);
	assert_err("a GiB", AK_ERR_NOMEM, index_make_add(m, 1, 1, keys, 8, big, most_b));
	(void)alloc_stop();
	assert_err("more", AK_ERR_RANGE, index_make_add(m, 1, 1, keys, 8, big, most_b + 1));
	index_make_free(m);
}

static void
keys_of_one_tag_have_their_places_each(void **state)
{
	char a[16], b[16];
	unsigned char value[17] = {0};
	struct index_key keys[2];
	struct index_make *m = index_make_new(0);
	struct index_record found;
	struct index ix;

	model_twins(plain_head.id, a, b);
	keys[0] = (struct index_key){a, strlen(a)};
	keys[1] = (struct index_key){b, strlen(b)};
	/* What would pass for the other's key. */
	value[0] = (unsigned char)keys[1].len_b;
	memcpy(value + 1, b, keys[1].len_b);
	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 0, 1, &keys[0], 1, value, sizeof(value)));
	assert_err("", AK_OK, index_make_add(m, 0, 2, &keys[1], 1, "v", 1));
	open_finished(*state, m, &ix);
	index_make_free(m);
	assert_non_null(m = index_make_new(0));
	for (unsigned i = 0; i < 2; i++) {
		assert_err("", AK_OK, index_find(&ix, keys[i].bytes, keys[i].len_b, &found));
		assert_int_equal(found.view.number, i + 1);
		index_record_clear(&found);
	}
	index_close(&ix);
	index_make_free(m);
}

/* A record that is taken twice; it is looked at again where it came from. */
static void
two_copies_of_a_record_share_its_keys(void **state)
{
	struct index_view views[2];
	unsigned char *bytes, *out;
	struct index_make *m;
	size_t len_b;
	enum ak_err err;

	(void)state;
	(void)make_source(N(views), 1, &bytes, views);
	for (unsigned n = 1;; n++) {
		bool failed;

		assert_non_null(m = index_make_new(0));
		assert_err("", AK_OK, index_make_copy(m, &views[0]));
		assert_err("", AK_OK, index_make_copy(m, &views[0]));
		alloc_fail_nth(n);
		err = index_make_finish(m, &plain_head, &out, &len_b);
		failed = alloc_stop();
		index_make_free(m);
		assert_err("", failed ? AK_ERR_NOMEM : AK_ERR_EXISTS, err);
		if (!failed) {
			assert_true(n > 2);
			break;
		}
	}
	/* Its length, or another byte of it, is lost when both are copied. */
	for (unsigned at = 4; at <= 19; at += 15) {
		unsigned char *record = bytes + (views[0].bytes - bytes), kept = record[at];

		assert_non_null(m = index_make_new(0));
		assert_err("", AK_OK, index_make_copy(m, &views[0]));
		assert_err("", AK_OK, index_make_copy(m, &views[0]));
		change.byte = record + at;
		change.seen = 0;
		change.at = 2;
		err = index_make_finish(m, &plain_head, &out, &len_b);
		change.at = 0;
		record[at] = kept;
		assert_err("", AK_ERR_CORRUPT, err);
		index_make_free(m);
	}
	free(bytes);
}

static void
records_that_lie_one_behind_the_other_cost_no_memory(void **state)
{
	static struct index_view views[MANY];

	(void)state;
	for (unsigned step = 0; step < 2; step++) { /* with one number, too */
		struct index_make *m = index_make_new(1);
		unsigned char *bytes;

		assert_non_null(m);
		(void)make_source(MANY, step, &bytes, views);
		alloc_fail_nth(1);
		for (size_t i = 0; i < MANY; i++)
			assert_err("", AK_OK, index_make_copy(m, &views[i]));
		assert_false(alloc_stop());
		index_make_free(m);
		free(bytes);
	}
}

static void
orders_that_are_added_the_wrong_way_round_are_put_right(void **state)
{
	struct index_make *m = index_make_new(0);
	struct index_record found;
	struct index ix;
	uint64_t at;

	assert_non_null(m);
	assert_err("", AK_OK, add(m, 1, 3, "second", "2"));
	assert_err("", AK_OK, add(m, 0, 5, "first", "1"));
	open_finished(*state, m, &ix);
	for (unsigned order = 0; order < INDEX_ORDERS; order++) {
		assert_err("", AK_OK, index_seek(&ix, order, 0, &at));
		assert_err("", AK_OK, index_read_at(&ix, at, &found));
		assert_int_equal(found.view.order, order);
		assert_int_equal(found.view.number, order == 0 ? 5 : 3);
		index_record_clear(&found);
	}
	index_close(&ix);
	index_make_free(m);
}

/* All records of a file's bytes are copied, in the order in which they lie there. */
static void
copy_all(struct index_make *m, const unsigned char *records, size_t len_b, uint32_t seed)
{
	struct index_view v;

	for (size_t at = 0; at < len_b; at += v.len_b) {
		assert_err("", AK_OK, index_parse_record(records + at, len_b - at, seed, &v));
		assert_err("", AK_OK, index_make_copy(m, &v));
	}
}

/* Of two files of other generations, and two orders, with values about as long as the table of checksums. */
static void
what_lies_together_but_does_not_belong_together_is_told_apart(void **state)
{
	static const size_t lengths[] = {1, 500, RESEAL_MAX_B - 24, RESEAL_MAX_B - 23,
	    RESEAL_MAX_B - 22, RESEAL_MAX_B - 21, RESEAL_MAX_B - 20, RESEAL_MAX_B - 19,
	    RESEAL_MAX_B - 18, RESEAL_MAX_B - 17, 2000};
	static const unsigned char zero[2000];
	unsigned char *both = malloc(1 << 16);
	struct index_make *m;
	uint32_t seeds[2];
	size_t ends[3] = {0};
	struct index ix;
	char key[8];

	assert_non_null(both);
	for (unsigned f = 0; f < 2; f++) {
		struct index_make_head head = {.generation = 50 + f, .id = 9};
		unsigned char *bytes;
		size_t len_b, from;

		assert_non_null(m = index_make_new(0));
		for (unsigned i = 0; i < 2 * N(lengths); i++) {
			struct index_key k = {key, 4};

			(void)snprintf(key, sizeof(key), "%c%03u", 'a' + (char)f, i);
			assert_err("", AK_OK,
			    index_make_add(m, i / N(lengths), f * 100 + i, &k, 1, zero,
				lengths[i % N(lengths)]));
		}
		assert_err("", AK_OK, index_make_finish(m, &head, &bytes, &len_b));
		index_make_free(m);
		from = le64_load(bytes + 56);
		memcpy(both + ends[f], bytes + from, len_b - from);
		ends[f + 1] = ends[f] + len_b - from;
		seeds[f] = index_crc_seed(head.generation);
		free(bytes);
	}
	assert_non_null(m = index_make_new(0));
	for (unsigned f = 0; f < 2; f++)
		copy_all(m, both + ends[f], ends[f + 1] - ends[f], seeds[f]);
	open_finished(*state, m, &ix);
	assert_int_equal(ix.head.order[0].count, 2 * N(lengths));
	assert_int_equal(ix.head.order[1].count, 2 * N(lengths));
	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < 2 * N(lengths); i++) {
			struct index_record found;

			(void)snprintf(key, sizeof(key), "%c%03u", 'a' + (char)f, i);
			assert_err(key, AK_OK, index_find(&ix, key, 4, &found));
			assert_int_equal(found.view.order, i / N(lengths));
			assert_int_equal(found.view.value_len_b, lengths[i % N(lengths)]);
			index_record_clear(&found);
		}
	index_close(&ix);
	index_make_free(m);
	free(both);
}

static void
what_could_not_be_sorted_is_sorted_the_next_time(void **state)
{
	struct index_view views[20], v;
	struct index_make *m = index_make_new(0);
	unsigned char *bytes, *out, buf[4096];
	struct index_walk w;
	struct index ix;
	size_t len_b;

	assert_non_null(m);
	(void)make_source(N(views), 2, &bytes, views);
	for (size_t i = 0; i < N(views); i++)
		assert_err("", AK_OK, index_make_copy(m, &views[i]));
	assert_err("", AK_OK, add(m, 0, 11, "odd", "odd"));
	alloc_fail_nth(1);
	assert_err("", AK_ERR_NOMEM, index_make_finish(m, &plain_head, &out, &len_b));
	assert_true(alloc_stop());
	open_finished(*state, m, &ix);
	index_walk_start(&ix, 0, ix.head.order[0].records_at, &w);
	for (uint32_t i = 0, last = 0; i < N(views) + 1; i++, last = v.number) {
		assert_err("", AK_OK, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
		assert_true(v.number >= last);
	}
	index_close(&ix);
	index_make_free(m);
	free(bytes);
}

/* The last bytes of a file, where a key is said to go on behind them. */
static void
a_key_that_leaves_the_file_is_not_read(void **state)
{
	static const struct {
		unsigned first_keys,
		    last_keys; /* how many are said to be there; two and one are */
		unsigned char last_len_b; /* of the last key; it is 3 */
	} rows[] = {{2, 1, 4}, {2, 1, 255}, {1, 2, 3}};
	struct index_key two[] = {{"a", 1}, {"b", 1}}, one = {"abc", 3};
	struct index_make *m = index_make_new(0);
	unsigned char *bytes, *copy, *out;
	size_t len_b, from, records_b;

	(void)state;
	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 0, 1, two, 2, "", 0));
	assert_err("", AK_OK, index_make_add(m, 0, 2, &one, 1, "", 0));
	assert_err("", AK_OK, index_make_finish(m, &plain_head, &bytes, &len_b));
	index_make_free(m);
	from = le64_load(bytes + 56);
	records_b = len_b - from;
	for (size_t i = 0; i < N(rows); i++) {
		assert_non_null(copy = malloc(records_b));
		memcpy(copy, bytes + from, records_b);
		assert_non_null(m = index_make_new(0));
		copy_all(m, copy, records_b, index_crc_seed(plain_head.generation));
		copy[8] = (unsigned char)rows[i].first_keys;
		copy[records_b - 20 + 8] = (unsigned char)rows[i].last_keys;
		copy[records_b - 4] = rows[i].last_len_b;
		assert_err("", AK_ERR_CORRUPT, index_make_finish(m, &plain_head, &out, &len_b));
		assert_null(out);
		index_make_free(m);
		free(copy);
	}
	free(bytes);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_empty_file_is_a_good_file),
	    T(what_cannot_be_a_record_is_refused_and_nothing_is_added),
	    T(two_records_never_share_a_key),
	    T(a_record_has_each_key_once),
	    T(ties_keep_the_order_of_adding),
	    T(keys_that_overflow_the_last_block_go_on_in_the_first),
	    T(the_same_records_and_id_give_the_same_bytes),
	    T(an_id_is_drawn_when_none_is_given),
	    T(a_file_can_be_made_from_another_ones_records),
	    T(what_is_added_later_stands_at_its_place_among_what_was_copied),
	    T(records_that_lie_the_wrong_way_round_are_put_right),
	    T(a_large_file_is_the_same_written_in_pieces),
	    T(a_large_file_that_cannot_be_leaves_the_old_one_and_nothing_beside_it),
	    T(abuse_128_every_allocation_may_fail),
	    T(a_failed_allocation_loses_one_record_and_no_other),
	    T(without_randomness_there_is_no_file),
	    T(a_hint_of_any_size_loses_no_record),
	    T(what_is_as_large_as_may_be_is_a_record),
	    T(keys_of_one_tag_have_their_places_each),
	    T(two_copies_of_a_record_share_its_keys),
	    T(records_that_lie_one_behind_the_other_cost_no_memory),
	    T(orders_that_are_added_the_wrong_way_round_are_put_right),
	    T(what_lies_together_but_does_not_belong_together_is_told_apart),
	    T(what_could_not_be_sorted_is_sorted_the_next_time),
	    T(a_key_that_leaves_the_file_is_not_read),
	    /* The slow ones last. */
	    T(damage_that_would_pass_for_records_writes_no_file),
	    T(what_was_damaged_since_it_was_copied_is_met),
	    T(abuse_064_damage_at_any_moment_of_the_writing_gives_no_wrong_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
