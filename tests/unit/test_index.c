/* What a reader makes of index files: good, damaged, cut, hostile, and in the wrong place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "index.h"
#include "pack.h"
#include "safefile.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_model.h"
#include "testlib_random.h"
#include "testlib_steps.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The read that fails (0: none); and how many bytes one gives at most (0: all). */
static struct {
	unsigned nth, seen;
	int with;
	size_t most_b;
	bool no_mapping;
} fault;

/* A model, its file's bytes, and where they lie. */
struct sample {
	struct model model;
	unsigned char *bytes;
	size_t len_b;
	char path[2 * TMP_CAP];
};

static struct sample
sample_of(struct tmp *dir, struct rnd *r, size_t n, size_t max_b)
{
	struct sample s = {.model = model_random(r, n, max_b)};

	s.bytes = model_build(&s.model, 1 + rnd_below(r, 1000), &s.len_b);
	(void)snprintf(s.path, sizeof(s.path), "%s", tmp_path(dir, "x.idx"));
	file_write(s.path, s.bytes, s.len_b, 0600);
	return s;
}

static void
sample_clear(struct sample *s)
{
	model_clear(&s->model);
	free(s->bytes);
}

/* One that holds a key "key" with these numbers of bytes as value, and three more; fixed ids. */
static unsigned char *
build_fixed(size_t value_len_b, size_t *len_b)
{
	static const char *const names[] = {"key", "other", "third", "group"};
	static const unsigned char zero[4096];
	struct index_make_head head = {.generation = 7, .id = 99};
	struct index_make *m = index_make_new(0);
	unsigned char *bytes;

	assert_non_null(m);
	for (unsigned i = 0; i < 4; i++) {
		struct index_key key = {names[i], strlen(names[i])};

		assert_err("", AK_OK,
		    index_make_add(m, i == 3, i, &key, 1, zero, i == 0 ? value_len_b : 20));
	}
	assert_err("", AK_OK, index_make_finish(m, &head, &bytes, len_b));
	index_make_free(m);
	return bytes;
}

static enum ak_err
open_bytes(struct tmp *dir, const unsigned char *bytes, size_t len_b, struct index *ix)
{
	const char *path = tmp_path(dir, "x.idx");

	file_write(path, bytes, len_b, 0600);
	return index_open(path, geteuid(), ix);
}

static void
seal_header(unsigned char *bytes)
{
	le32_store(bytes + 124, 0);
	le32_store(bytes + 124, hash_crc32(0, bytes, INDEX_HEADER_B));
}

static void
seal_block(unsigned char *bytes, uint64_t at)
{
	uint32_t seed = index_crc_seed(le64_load(bytes + 16));

	le32_store(bytes + at + 60, index_block_crc(seed, at, bytes + at));
}

static void
seal_record(unsigned char *bytes, uint64_t at)
{
	uint32_t seed = index_crc_seed(le64_load(bytes + 16)), len_b = le32_load(bytes + at + 4);

	le32_store(bytes + at, hash_crc32(seed, bytes + at + 4, len_b - 4));
}

/* Header, all blocks, and the records where they were. */
static void
seal_all(
    unsigned char *bytes, const uint64_t *records, size_t n, uint64_t records_at, size_t len_b)
{
	seal_header(bytes);
	for (uint64_t at = INDEX_HEADER_B; at < records_at; at += INDEX_BLOCK_B)
		seal_block(bytes, at);
	for (size_t i = 0; i < n; i++) {
		uint32_t record_b = le32_load(bytes + records[i] + 4);

		if (record_b >= 4 && record_b <= len_b - records[i])
			seal_record(bytes, records[i]);
	}
}

/* Offsets of up to cap records of a sound file. */
static size_t
record_offsets(const unsigned char *bytes, size_t len_b, uint64_t *out, size_t cap)
{
	size_t n = 0;

	for (uint64_t at = le64_load(bytes + 56); at < len_b && n < cap;
	     at += le32_load(bytes + at + 4))
		out[n++] = at;
	return n;
}

static void
an_index_holds_all_and_only_its_keys(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 5, 6, 20, 100, 1000};
	struct rnd r = rnd_start("index");

	for (size_t i = 0; i < N(sizes) * 4; i++) {
		struct sample s =
		    sample_of(*state, &r, sizes[i % N(sizes)], i % 2 == 0 ? 60 : 3000);
		struct index ix;

		assert_err("open", AK_OK, index_open(s.path, geteuid(), &ix));
		assert_int_equal(model_compare(&s.model, &ix, &r, false), 0);
		index_close(&ix);
		sample_clear(&s);
	}
}

static void
the_header_says_what_it_was_given(void **state)
{
	struct rnd r = rnd_from(1);
	struct sample s = sample_of(*state, &r, 10, 10);
	struct index ix;
	int fd;

	assert_err("", AK_OK, index_open(s.path, geteuid(), &ix));
	assert_true(ix.head.generation == le64_load(s.bytes + 16));
	assert_true(ix.head.id == le64_load(s.bytes + 24) && ix.head.id != 0);
	assert_int_equal(ix.head.built_at, 1234567890);
	assert_int_equal(ix.head.size_b, s.len_b);
	assert_int_equal(ix.head.order[0].count + ix.head.order[1].count, 10);
	for (unsigned i = 0; i < INDEX_EXTRA_B; i++)
		assert_int_equal(ix.head.extra[i], 0xa5);
	fd = ix.fd;
	index_close(&ix);
	assert_int_equal(ix.fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	index_close(&ix);
	sample_clear(&s);
}

static void
a_key_of_no_length_or_too_long_is_not_found(void **state)
{
	static const unsigned char zero[300];
	struct rnd r = rnd_from(2);
	struct sample s = sample_of(*state, &r, 10, 10);
	struct index_record found;
	struct index ix;

	assert_err("", AK_OK, index_open(s.path, geteuid(), &ix));
	assert_err("longest", AK_ERR_NOT_FOUND, index_find(&ix, zero, 255, &found));
	fault.seen = 0;
	assert_err("empty", AK_ERR_NOT_FOUND, index_find(&ix, "", 0, &found));
	assert_err("too long", AK_ERR_NOT_FOUND, index_find(&ix, zero, 256, &found));
	assert_int_equal(fault.seen, 0); /* nothing is read for it */
	index_close(&ix);
	sample_clear(&s);
}

static void
an_index_that_is_not_open_is_unavailable_never_empty(void **state)
{
	struct rnd r = rnd_from(2);
	struct sample s = sample_of(*state, &r, 10, 10);
	struct index_record found;
	struct index closed, never = INDEX_INIT;
	const struct index *rows[] = {&closed, &never};
	uint64_t at;

	assert_err("", AK_OK, index_open(s.path, geteuid(), &closed));
	index_close(&closed);
	for (size_t i = 0; i < N(rows); i++) {
		const struct model_key *key = &s.model.rows[0].keys[0];

		assert_err("find", AK_ERR_UNAVAILABLE,
		    index_find(rows[i], key->bytes, key->len_b, &found));
		assert_err("no key", AK_ERR_UNAVAILABLE, index_find(rows[i], "", 0, &found));
		assert_err("seek", AK_ERR_UNAVAILABLE, index_seek(rows[i], 0, 0, &at));
		assert_err("seek", AK_ERR_UNAVAILABLE, index_seek(rows[i], 1, 0, &at));
	}
	sample_clear(&s);
}

static void
abuse_061_062_069_what_is_no_safe_file_is_not_opened(void **state)
{
	const char *fifo = tmp_path(*state, "fifo"), *link = tmp_path(*state, "link");
	const char *good = tmp_path(*state, "x.idx"), *open = tmp_path(*state, "open.idx");
	const char *empty = tmp_path(*state, "empty"), *shared = tmp_path(*state, "shared.idx");
	struct rnd r = rnd_from(3);
	struct sample s = sample_of(*state, &r, 3, 10);
	const struct {
		const char *path;
		uid_t owner;
		enum ak_err err;
	} rows[] = {
	    {good, geteuid(), AK_OK},
	    {good, geteuid() + 1, AK_ERR_UNSAFE},
	    {open, geteuid(), AK_ERR_UNSAFE},
	    {shared, geteuid(), AK_ERR_UNSAFE},
	    {link, geteuid(), AK_ERR_UNSAFE},
	    {fifo, geteuid(), AK_ERR_UNSAFE},
	    {"/dev/zero", geteuid(), AK_ERR_UNSAFE},
	    {"/tmp", geteuid(), AK_ERR_UNSAFE},
	    {tmp_path(*state, "missing"), geteuid(), AK_ERR_UNAVAILABLE},
	    {tmp_path(*state, "x.idx/below"), geteuid(), AK_ERR_UNAVAILABLE},
	    {empty, geteuid(), AK_ERR_CORRUPT},
	};

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink(good, link), 0);
	file_write(open, s.bytes, s.len_b, 0602);
	file_write(shared, s.bytes, s.len_b, 0664);
	file_write(empty, "", 0, 0600);
	for (size_t i = 0; i < N(rows); i++) {
		struct index ix = {.fd = 4711};

		assert_err(
		    rows[i].path, rows[i].err, index_open(rows[i].path, rows[i].owner, &ix));
		assert_row(rows[i].path, (ix.fd == -1) == (rows[i].err != AK_OK));
		index_close(&ix);
	}
	sample_clear(&s);
}

/* Its own memory is a regular file of a process, and cannot be read at 0. */
static void
a_read_error_is_unavailable(void **state)
{
	struct index ix;
	struct stat st;

	(void)state;
	if (stat("/proc/self/mem", &st) == -1 || st.st_uid != geteuid())
		skip();
	assert_err("", AK_ERR_UNAVAILABLE, index_open("/proc/self/mem", geteuid(), &ix));
	assert_int_equal(ix.fd, -1);
}

static void
abuse_064_a_flipped_bit_is_found_by_every_look_that_meets_it(void **state)
{
	struct rnd r = rnd_start("flips");
	struct sample s = sample_of(*state, &r, 9, 30);
	int fd = open(s.path, O_WRONLY | O_CLOEXEC);
	size_t unseen = 0;

	assert_int_not_equal(fd, -1);
	for (size_t bit = 0; bit < s.len_b * 8; bit++) {
		unsigned char b = s.bytes[bit / 8] ^ (unsigned char)(1U << bit % 8);
		struct index ix;
		enum ak_err err;

		assert_int_equal(pwrite(fd, &b, 1, (off_t)(bit / 8)), 1);
		err = index_open(s.path, geteuid(), &ix);
		if (bit / 8 < INDEX_HEADER_B) {
			/* The version's lowest byte: a version that may come. */
			assert_err("header",
			    bit / 8 == 8 && b > 1 ? AK_ERR_NEWER : AK_ERR_CORRUPT, err);
		} else {
			assert_err("open", AK_OK, err);
			unseen += model_compare(&s.model, &ix, &r, true) == 0;
			index_close(&ix);
		}
		assert_int_equal(pwrite(fd, &s.bytes[bit / 8], 1, (off_t)(bit / 8)), 1);
	}
	(void)close(fd);
	/* A block that holds no key may be missed by the few absent ones; little else. */
	assert_true(unseen <= INDEX_BLOCK_B * 8);
	sample_clear(&s);
}

static void
abuse_063_a_cut_file_is_not_opened(void **state)
{
	struct rnd r = rnd_start("cuts");
	struct sample s = sample_of(*state, &r, 300, 100);
	struct index ix;

	for (size_t len_b = s.len_b - 1; len_b < s.len_b; len_b -= len_b < 64 ? 1 : 64) {
		assert_int_equal(truncate(s.path, (off_t)len_b), 0);
		assert_err("cut", AK_ERR_CORRUPT, index_open(s.path, geteuid(), &ix));
		assert_int_equal(ix.fd, -1);
	}
	file_write(s.path, s.bytes, s.len_b, 0600);
	assert_int_equal(truncate(s.path, (off_t)s.len_b + 1), 0);
	assert_err("longer", AK_ERR_CORRUPT, index_open(s.path, geteuid(), &ix));
	sample_clear(&s);
}

static void
abuse_067_a_file_cut_while_it_is_open_never_loses_a_key(void **state)
{
	struct rnd r = rnd_start("shrinks");
	struct sample s = sample_of(*state, &r, 30, 1500);
	struct index ix;

	assert_err("", AK_OK, index_open(s.path, geteuid(), &ix));
	for (size_t len_b = s.len_b - 1; len_b < s.len_b; len_b -= len_b < 64 ? 1 : 64) {
		assert_int_equal(truncate(s.path, (off_t)len_b), 0);
		assert_true(model_compare(&s.model, &ix, &r, true) > 0);
	}
	index_close(&ix);
	sample_clear(&s);
}

/* Answers 80 for its record, else the error. */
static int
look_up(void *arg)
{
	struct sample *s = arg;
	const struct model_row *row = &s->model.rows[0];
	struct index_record found;
	struct index ix;
	enum ak_err err = index_open(s->path, geteuid(), &ix);
	int right;

	if (err == AK_OK)
		err = index_find(&ix, row->keys[0].bytes, row->keys[0].len_b, &found);
	index_close(&ix);
	if (err != AK_OK)
		return (int)err;
	right = found.view.value_len_b == row->value_len_b &&
		memcmp(found.view.value, row->value, row->value_len_b) == 0;
	index_record_clear(&found);
	return right ? 80 : 90;
}

static void
cut_to_nothing(void *arg)
{
	struct sample *s = arg;

	assert_int_equal(truncate(s->path, 0), 0);
}

static void
cut_to_header(void *arg)
{
	struct sample *s = arg;

	assert_int_equal(truncate(s->path, INDEX_HEADER_B), 0);
}

static void
replace_by_same(void *arg)
{
	struct sample *s = arg;
	size_t len_b;
	unsigned char *bytes = model_build(&s->model, 2000, &len_b);

	assert_err("", AK_OK, safefile_replace(s->path, 0600, bytes, len_b, 0, NULL));
	free(bytes);
}

static void
abuse_067_068_a_file_changed_between_two_reads_never_lies(void **state)
{
	static const struct {
		const char *name;
		void (*how)(void *);
		bool always_found;
	} rows[] = {
	    {"cut to nothing", cut_to_nothing, false},
	    {"cut to its header", cut_to_header, false},
	    {"replaced", replace_by_same, true},
	};
	struct rnd r = rnd_start("changes");
	struct sample s = sample_of(*state, &r, 20, 3000);
	int code;

	for (size_t i = 0; i < N(rows); i++) {
		bool more = true;

		for (unsigned n = 1; more; n++) {
			file_write(s.path, s.bytes, s.len_b, 0600);
			more = steps_run(look_up, rows[i].how, &s, n, &code);
			assert_row(rows[i].name,
			    code == 80 || (!rows[i].always_found && code == AK_ERR_CORRUPT));
		}
		assert_row(rows[i].name, code == 80);
	}
	sample_clear(&s);
}

static void
abuse_068_an_open_index_keeps_its_view_when_the_file_is_replaced(void **state)
{
	struct rnd r = rnd_start("view");
	struct sample s = sample_of(*state, &r, 50, 500);
	struct index ix;

	assert_err("", AK_OK, index_open(s.path, geteuid(), &ix));
	assert_err("", AK_OK, safefile_replace(s.path, 0600, "junk", 4, 0, NULL));
	assert_int_equal(model_compare(&s.model, &ix, &r, false), 0);
	index_close(&ix);
	assert_err("", AK_ERR_CORRUPT, index_open(s.path, geteuid(), &ix));
	sample_clear(&s);
}

static void
garbage_is_not_opened(void **state)
{
	static unsigned char bytes[5000];
	struct rnd r = rnd_start("garbage");
	struct index ix;

	for (int i = 0; i < 500; i++) {
		size_t len_b = rnd_below(&r, sizeof(bytes));

		rnd_bytes(&r, bytes, sizeof(bytes));
		if (i % 2 == 0)
			memcpy(bytes, INDEX_MAGIC "\1\0\0\0\4\3\2\1", 16);
		assert_err("", AK_ERR_CORRUPT, open_bytes(*state, bytes, len_b, &ix));
	}
}

static void
a_later_version_is_newer_whatever_else_it_holds(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	struct index ix;

	for (uint32_t version = 2; version <= 255; version++) {
		le32_store(bytes + 8, version);
		assert_err("", AK_ERR_NEWER, open_bytes(*state, bytes, len_b, &ix));
		assert_true(ix.fd == -1);
	}
	seal_header(bytes);
	assert_err("with its checksum", AK_ERR_NEWER, open_bytes(*state, bytes, len_b, &ix));
	free(bytes);
}

static void
abuse_065_066_a_header_that_does_not_add_up_is_corrupt(void **state)
{
	static const struct {
		const char *name;
		unsigned at, width_b;
		bool add;
		uint64_t value;
	} rows[] = {
	    {"magic", 0, 8, false, 0},
	    {"version 0", 8, 4, false, 0},
	    {"a version that never comes", 8, 4, false, 256},
	    {"the other byte order", 12, 4, false, 0x04030201},
	    {"one byte more", 40, 8, true, 1},
	    {"one byte less", 40, 8, true, UINT64_MAX},
	    {"no size", 40, 8, false, 0},
	    {"endless", 40, 8, false, UINT64_MAX},
	    {"no hash blocks", 48, 8, false, 0},
	    {"one hash block more", 48, 8, true, 1},
	    {"one hash block less", 48, 8, true, UINT64_MAX},
	    {"2^32 hash blocks", 48, 8, false, UINT64_C(1) << 32},
	    {"hash blocks that overflow to none", 48, 8, false, UINT64_C(1) << 58},
	    {"hash blocks that overflow to the same", 48, 8, true, UINT64_C(1) << 58},
	    {"records in the header", 56, 8, false, 16},
	    {"records later", 56, 8, true, 16},
	    {"records earlier", 56, 8, true, (uint64_t)-16},
	    {"records past the end", 56, 8, false, UINT64_MAX},
	    {"a block of entries more", 64, 8, true, 5},
	    {"entries that overflow to the same", 64, 8, true, (UINT64_C(1) << 58) * 5},
	    {"endless entries", 64, 8, false, UINT64_MAX},
	    {"nearly endless entries", 64, 8, false, UINT64_MAX - 3},
	    {"order 0 elsewhere", 72, 8, true, 64},
	    {"order 0 in the header", 72, 8, false, 0},
	    {"a block of entries more in order 1", 80, 8, true, 5},
	    {"endless entries in order 1", 80, 8, false, UINT64_MAX},
	    {"order 1 on order 0", 88, 8, true, (uint64_t)-64},
	    {"order 1 past the end", 88, 8, false, UINT64_MAX},
	    {"order 0 ends before it begins", 96, 8, false, 0},
	    {"order 0 ends in the header", 96, 8, false, 256},
	    {"order 0 ends past the file", 96, 8, false, UINT64_MAX},
	    {"order 0 ends just past the file", 96, 8, false, UINT64_C(1) << 20},
	};
	size_t len_b;
	unsigned char *good = build_fixed(20, &len_b), *bytes = malloc(len_b);
	struct index ix;

	assert_non_null(bytes);
	memcpy(bytes, good, len_b);
	seal_header(bytes);
	assert_memory_equal(bytes, good, len_b);
	assert_err("sealed anew", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	index_close(&ix);
	for (size_t i = 0; i < N(rows); i++) {
		unsigned char *at = bytes + rows[i].at;

		memcpy(bytes, good, len_b);
		if (rows[i].width_b == 4)
			le32_store(at, (uint32_t)rows[i].value);
		else
			le64_store(at, rows[i].value + (rows[i].add ? le64_load(at) : 0));
		seal_header(bytes);
		assert_err(rows[i].name, AK_ERR_CORRUPT, open_bytes(*state, bytes, len_b, &ix));
		assert_row(rows[i].name, ix.fd == -1);
	}
	free(bytes);
	free(good);
}

/* Offset of the hash slot that holds the record at `record`. */
static size_t
slot_of(const unsigned char *bytes, uint64_t record)
{
	uint64_t end = INDEX_HEADER_B + le64_load(bytes + 48) * INDEX_BLOCK_B;

	for (size_t block = INDEX_HEADER_B; block < end; block += INDEX_BLOCK_B)
		for (unsigned i = 0; i < INDEX_SLOTS; i++)
			if (le64_load(bytes + block + i * INDEX_SLOT_B + 4) == record)
				return block + i * INDEX_SLOT_B;
	fail_msg("no slot holds the record");
	return 0;
}

static size_t
block_of(size_t slot)
{
	return (slot - INDEX_HEADER_B) / INDEX_BLOCK_B * INDEX_BLOCK_B + INDEX_HEADER_B;
}

/* All adds up, but there is no block that could say "not found". */
static void
a_file_without_hash_blocks_is_corrupt(void **state)
{
	static const unsigned places[] = {40, 56, 72, 88, 96};
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	struct index ix;

	le64_store(bytes + 48, 0);
	le64_store(bytes + 64, 0);
	le64_store(bytes + 80, 0);
	for (size_t i = 0; i < N(places); i++)
		le64_store(bytes + places[i], INDEX_HEADER_B);
	seal_header(bytes);
	assert_err("", AK_ERR_CORRUPT, open_bytes(*state, bytes, INDEX_HEADER_B, &ix));
	free(bytes);
}

/* A sound record where only the file's own facts should be. */
static void
a_record_outside_its_section_is_corrupt(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	const uint64_t first = le64_load(bytes + 56);
	const size_t slot = slot_of(bytes, first);
	struct index_record found;
	struct index ix;

	memcpy(bytes + 128, bytes + first, le32_load(bytes + first + 4));
	le64_store(bytes + slot + 4, 128);
	seal_block(bytes, block_of(slot));
	seal_header(bytes);
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("find", AK_ERR_CORRUPT, index_find(&ix, "key", 3, &found));
	/* What was read before says nothing of it. */
	le32_store(found.small + 4, le32_load(bytes + 128 + 4));
	assert_err("alone", AK_ERR_CORRUPT, index_read_at(&ix, 128, &found));
	index_close(&ix);
	free(bytes);
}

/* A header whose size is the largest that there may be, over a sparse file. */
static void
a_sparse_file_of_zeros_is_corrupt_wherever_it_is_read(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	const char *path = tmp_path(*state, "x.idx");
	const uint64_t size_b = UINT64_C(1) << 40;
	struct index_record found;
	struct index ix;

	le64_store(bytes + 40, size_b);
	le64_store(bytes + 48, UINT32_MAX);
	le64_store(bytes + 72, 256 + UINT64_C(64) * UINT32_MAX);
	le64_store(bytes + 64, 0);
	le64_store(bytes + 80, 0);
	le64_store(bytes + 88, 256 + UINT64_C(64) * UINT32_MAX);
	le64_store(bytes + 56, 256 + UINT64_C(64) * UINT32_MAX);
	le64_store(bytes + 96, 256 + UINT64_C(64) * UINT32_MAX);
	seal_header(bytes);
	file_write(path, bytes, INDEX_HEADER_B, 0600);
	if (truncate(path, (off_t)size_b) == -1) {
		free(bytes);
		skip(); /* a file system without large files */
	}
	assert_err("", AK_OK, index_open(path, geteuid(), &ix));
	assert_err("", AK_ERR_CORRUPT, index_find(&ix, "key", 3, &found));
	assert_err("", AK_ERR_CORRUPT, index_read_at(&ix, size_b - 1, &found));
	assert_err("", AK_ERR_CORRUPT, index_read_at(&ix, size_b - 4096, &found));
	index_close(&ix);
	free(bytes);
}

static void
abuse_065_a_slot_that_leads_astray_is_corrupt(void **state)
{
	size_t len_b;
	unsigned char *good = build_fixed(20, &len_b), *bytes = malloc(len_b);
	const uint64_t first = le64_load(good + 56);
	const size_t slot = slot_of(good, first), entry = le64_load(good + 72);
	const uint64_t offsets[] = {1, 16, 255, 256, first - 1, first - 16, first + 1,
	    first + 4, first + 16, len_b - 1, len_b - 15, len_b, len_b + 1, UINT64_C(1) << 32,
	    UINT64_C(1) << 62, UINT64_C(1) << 63, UINT64_MAX - 15, UINT64_MAX};
	struct index_record found;
	struct index ix;
	uint64_t at;

	assert_non_null(bytes);
	for (size_t i = 0; i < N(offsets); i++) {
		memcpy(bytes, good, len_b);
		le64_store(bytes + slot + 4, offsets[i]);
		seal_block(bytes, block_of(slot));
		assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
		assert_err("hash", AK_ERR_CORRUPT, index_find(&ix, "key", 3, &found));
		assert_err("alone", AK_ERR_CORRUPT, index_read_at(&ix, offsets[i], &found));
		index_close(&ix);

		if (offsets[i] > first && offsets[i] < le64_load(good + 96))
			continue;
		memcpy(bytes, good, len_b);
		le64_store(bytes + entry + 4, offsets[i]);
		seal_block(bytes, entry);
		assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
		assert_err("order", AK_ERR_CORRUPT, index_seek(&ix, 0, 0, &at));
		index_close(&ix);
	}
	free(bytes);
	free(good);
}

static void
a_block_in_another_ones_place_is_corrupt(void **state)
{
	struct rnd r = rnd_from(5);
	struct sample s = sample_of(*state, &r, 60, 10);
	unsigned char first[INDEX_BLOCK_B], *at = s.bytes + INDEX_HEADER_B;
	struct index ix;

	memcpy(first, at, sizeof(first));
	memcpy(at, at + INDEX_BLOCK_B, INDEX_BLOCK_B);
	memcpy(at + INDEX_BLOCK_B, first, INDEX_BLOCK_B);
	assert_err("", AK_OK, open_bytes(*state, s.bytes, s.len_b, &ix));
	assert_true(model_compare(&s.model, &ix, &r, true) > 0);
	index_close(&ix);
	sample_clear(&s);
}

static void
what_another_generation_wrote_is_corrupt(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	struct index_record found;
	struct index ix;
	uint64_t at;

	le64_store(bytes + 16, 8);
	seal_header(bytes);
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("block", AK_ERR_CORRUPT, index_find(&ix, "key", 3, &found));
	assert_err("entry", AK_ERR_CORRUPT, index_seek(&ix, 0, 0, &at));
	assert_err("record", AK_ERR_CORRUPT, index_read_at(&ix, ix.head.records_at, &found));
	index_close(&ix);
	free(bytes);
}

static void
abuse_065_a_record_that_does_not_add_up_is_corrupt(void **state)
{
	static const struct {
		const char *name;
		unsigned at;
		uint32_t value; /* one byte from 8 on, else four */
		enum ak_err err; /* for the small record; the large one has room for any key */
	} rows[] = {
	    {"as it is", 8, 1, AK_OK},
	    {"no length", 4, 0, AK_ERR_CORRUPT},
	    {"length 3", 4, 3, AK_ERR_CORRUPT},
	    {"length 4", 4, 4, AK_ERR_CORRUPT},
	    {"length 15", 4, 15, AK_ERR_CORRUPT},
	    {"a header alone", 4, 16, AK_ERR_CORRUPT},
	    {"half its key", 4, 18, AK_ERR_CORRUPT},
	    {"its key alone", 4, 20, AK_OK},
	    {"past the end by one", 4, 0, AK_ERR_CORRUPT}, /* set below */
	    {"1 GiB", 4, 1U << 30, AK_ERR_CORRUPT},
	    {"2 GiB", 4, 1U << 31, AK_ERR_CORRUPT},
	    {"4 GiB", 4, UINT32_MAX, AK_ERR_CORRUPT},
	    {"no keys", 8, 0, AK_ERR_CORRUPT},
	    {"two keys, the second empty", 8, 2, AK_ERR_CORRUPT},
	    {"255 keys", 8, 255, AK_ERR_CORRUPT},
	    {"order 2", 9, 2, AK_ERR_CORRUPT},
	    {"order 255", 9, 255, AK_ERR_CORRUPT},
	    {"an empty key", 16, 0, AK_ERR_CORRUPT},
	    {"a key that is longer than the record", 16, 255, AK_ERR_CORRUPT},
	    {"a shorter key", 16, 2, AK_ERR_NOT_FOUND},
	    {"a longer key", 16, 4, AK_ERR_NOT_FOUND},
	};
	size_t len_b;

	/* Once where a record fits the reader's small buffer, once where it does not. */
	for (size_t value_len_b = 20; value_len_b <= 2020; value_len_b += 2000) {
		unsigned char *good = build_fixed(value_len_b, &len_b), *bytes = malloc(len_b);
		uint64_t first = le64_load(good + 56);

		assert_non_null(bytes);
		for (size_t i = 0; i < N(rows); i++) {
			unsigned char *at = bytes + first + rows[i].at;
			enum ak_err err = rows[i].err;
			struct index_record found;
			struct index ix;

			memcpy(bytes, good, len_b);
			if (rows[i].at == 4)
				le32_store(
				    at, i == 8 ? (uint32_t)(len_b - first) + 1 : rows[i].value);
			else
				*at = (unsigned char)rows[i].value;
			if (le32_load(bytes + first + 4) >= 4 &&
			    le32_load(bytes + first + 4) <= len_b - first)
				seal_record(bytes, first);
			assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
			if (*at == 255 && rows[i].at == 16 && value_len_b > 255)
				err = AK_ERR_NOT_FOUND;
			assert_err(rows[i].name, err, index_find(&ix, "key", 3, &found));
			if (err == AK_OK)
				index_record_clear(&found);
			index_close(&ix);
		}
		free(bytes);
		free(good);
	}
}

static void
a_record_may_carry_255_keys(void **state)
{
	unsigned char bytes[16 + 2 * 255 + 3] = {0};
	struct index_view v;
	const uint32_t seed = index_crc_seed(3);

	(void)state;
	le32_store(bytes + 4, sizeof(bytes));
	bytes[8] = 255;
	for (unsigned i = 0; i < 255; i++) {
		bytes[16 + 2 * i] = 1;
		bytes[17 + 2 * i] = (unsigned char)i;
	}
	memcpy(bytes + 16 + 2 * 255, "val", 3);
	le32_store(bytes, hash_crc32(seed, bytes + 4, sizeof(bytes) - 4));
	assert_err("", AK_OK, index_parse_record(bytes, sizeof(bytes), seed, &v));
	assert_int_equal(v.n_keys, 255);
	assert_int_equal(v.value_len_b, 3);
	assert_memory_equal(v.value, "val", 3);
	for (unsigned i = 0; i < 256; i++) {
		unsigned char key = (unsigned char)i;

		assert_int_equal(index_view_has_key(&v, &key, 1), i < 255);
	}
	assert_err("", AK_ERR_CORRUPT, index_parse_record(bytes, sizeof(bytes) - 1, seed, &v));
}

/* Below a mapping a file may change after its record was found sound. */
static void
a_keys_length_that_changes_later_leads_nowhere(void **state)
{
	static const unsigned char record[] = {0, 0, 0, 0, 24, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
	    2, 'a', 'b', 1, 'c', 'v', 'a', 'l'};
	const uint32_t seed = index_crc_seed(3);

	(void)state;
	for (unsigned at = 16; at <= 19; at += 3)
		for (unsigned length = 0; length < 256; length++) {
			unsigned char *bytes = malloc(sizeof(record));
			struct index_view v;
			size_t len_b = 0;
			bool fits = at + length < 21;

			assert_non_null(bytes);
			memcpy(bytes, record, sizeof(record));
			le32_store(bytes, hash_crc32(seed, bytes + 4, sizeof(record) - 4));
			assert_err(
			    "", AK_OK, index_parse_record(bytes, sizeof(record), seed, &v));
			bytes[at] = (unsigned char)length;
			assert_int_equal(index_view_has_key(&v, bytes + at + 1, length), fits);
			assert_null(index_view_key_borrow(&v, 'v', &len_b));
			assert_true(v.keys + v.keys_len_b == v.value);
			free(bytes);
		}
}

static void
a_record_is_corrupt_wherever_its_bytes_end(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(30, &len_b);
	uint64_t first = le64_load(bytes + 56);
	uint32_t record_b = le32_load(bytes + first + 4);

	(void)state;
	for (size_t have_b = 0; have_b <= record_b; have_b++) {
		unsigned char *copy = malloc(have_b + 1);
		struct index_view v;

		assert_non_null(copy);
		memcpy(copy + 1, bytes + first, have_b);
		assert_err("", have_b == record_b ? AK_OK : AK_ERR_CORRUPT,
		    index_parse_record(copy + 1, have_b, index_crc_seed(7), &v));
		free(copy);
	}
	free(bytes);
}

/* Every slot is taken and carries the wanted tag: the search must come to an end. */
static void
abuse_065_a_hash_without_a_free_slot_is_searched_once(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	const uint64_t first = le64_load(bytes + 56);
	const uint32_t tag = (uint32_t)hash_sip(99, "absent", 6);
	struct index_record found;
	struct index ix;

	for (uint64_t b = 0; b < le64_load(bytes + 48); b++) {
		unsigned char *block = bytes + INDEX_HEADER_B + b * INDEX_BLOCK_B;

		for (unsigned i = 0; i < INDEX_SLOTS; i++) {
			le32_store(block + i * INDEX_SLOT_B, tag);
			le64_store(block + i * INDEX_SLOT_B + 4, first);
		}
		seal_block(bytes, INDEX_HEADER_B + b * INDEX_BLOCK_B);
	}
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("", AK_ERR_NOT_FOUND, index_find(&ix, "absent", 6, &found));
	index_close(&ix);
	free(bytes);
}

/* Whatever is asked, an answer comes, and memory stays whole. */
static void
ask_everything(const struct model *m, const struct index *ix)
{
	unsigned char buf[700];
	struct index_record found;
	struct index_walk w;
	struct index_view v;
	uint64_t at;

	for (size_t i = 0; i < m->n; i++)
		if (index_find(ix, m->rows[i].keys[0].bytes, m->rows[i].keys[0].len_b,
			&found) == AK_OK)
			index_record_clear(&found);
	for (unsigned order = 0; order < INDEX_ORDERS; order++)
		for (size_t i = 0; i < m->n; i++) {
			unsigned steps = 0;

			if (index_seek(ix, order, m->rows[i].number, &at) != AK_OK)
				continue;
			index_walk_start(ix, order, at, &w);
			while (index_walk_next(ix, &w, buf, sizeof(buf), &v) == AK_OK)
				assert_true(++steps < 1000);
			if (index_read_at(ix, at, &found) == AK_OK)
				index_record_clear(&found);
		}
}

static void
a_hostile_file_with_right_checksums_does_no_harm(void **state)
{
	struct rnd r = rnd_start("hostile");
	struct sample s = sample_of(*state, &r, 15, 200);
	unsigned char *bytes = malloc(s.len_b);
	uint64_t records[15], records_at = le64_load(s.bytes + 56);
	size_t n = record_offsets(s.bytes, s.len_b, records, N(records)), opened = 0;

	assert_non_null(bytes);
	assert_int_equal(n, 15);
	for (int round = 0; round < 4000; round++) {
		struct index ix;

		memcpy(bytes, s.bytes, s.len_b);
		for (uint64_t change = 1 + rnd_below(&r, 4); change > 0; change--) {
			size_t at = 16 + rnd_below(&r, s.len_b - 16);

			if (rnd_below(&r, 3) == 0)
				at = records[rnd_below(&r, n)] + 4 + rnd_below(&r, 13);
			bytes[at] = (unsigned char)(rnd_below(&r, 2) == 0 ? rnd_u64(&r)
									  : bytes[at] + 1U);
		}
		seal_all(bytes, records, n, records_at, s.len_b);
		if (open_bytes(*state, bytes, s.len_b, &ix) != AK_OK)
			continue;
		opened++;
		ask_everything(&s.model, &ix);
		index_close(&ix);
	}
	assert_true(opened > 1000);
	free(bytes);
	sample_clear(&s);
}

static void
a_walk_needs_room_for_one_record_at_a_time(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(40, &len_b), *buf;
	struct index_view v;
	struct index_walk w;
	struct index ix;
	size_t first_b = 16 + 4 + 40;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	for (size_t cap_b = 0; cap_b <= len_b; cap_b++) {
		buf = malloc(cap_b + 1);
		assert_non_null(buf);
		index_walk_start(&ix, 0, ix.head.records_at, &w);
		if (cap_b < first_b) {
			assert_err("small", AK_ERR_RANGE,
			    index_walk_next(&ix, &w, buf + 1, cap_b, &v));
			assert_true(w.next == ix.head.records_at);
		} else {
			for (uint32_t i = 0; i < 3; i++) {
				assert_err(
				    "", AK_OK, index_walk_next(&ix, &w, buf + 1, cap_b, &v));
				assert_int_equal(v.number, i);
			}
			assert_err("end", AK_ERR_NOT_FOUND,
			    index_walk_next(&ix, &w, buf + 1, cap_b, &v));
		}
		free(buf);
	}
	index_close(&ix);
	free(bytes);
}

static void
a_walk_says_corrupt_for_a_length_that_no_record_there_can_have(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(40, &len_b), buf[32];
	const uint64_t first = le64_load(bytes + 56);
	const uint32_t lengths[] = {
	    0, 10, INDEX_RECORD_HEADER_B, (uint32_t)(le64_load(bytes + 96) - first) + 1};
	struct index_view v;
	struct index_walk w;
	struct index ix;

	for (size_t i = 0; i < N(lengths); i++) {
		le32_store(bytes + first + 4, lengths[i]);
		assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
		for (size_t cap_b = INDEX_RECORD_HEADER_B; cap_b <= sizeof(buf); cap_b++) {
			index_walk_start(&ix, 0, first, &w);
			assert_err("", AK_ERR_CORRUPT, index_walk_next(&ix, &w, buf, cap_b, &v));
		}
		index_close(&ix);
	}
	free(bytes);
}

static void
abuse_067_a_walk_says_corrupt_for_a_file_that_has_shrunk(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(40, &len_b), buf[1000];
	struct index_view v;
	struct index_walk w;
	struct index ix;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	for (uint64_t cut = 0; cut < 60; cut += 20) {
		assert_int_equal(
		    truncate(tmp_path(*state, "x.idx"), (off_t)(ix.head.records_at + 40 - cut)),
		    0);
		index_walk_start(&ix, 0, ix.head.records_at, &w);
		assert_err("", AK_ERR_CORRUPT, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	}
	index_close(&ix);
	free(bytes);
}

static void
a_walk_goes_on_over_its_buffer_when_the_index_is_closed(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(40, &len_b), buf[1000];
	struct index_view v;
	struct index_walk w;
	struct index ix;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	index_walk_start(&ix, 0, ix.head.records_at, &w);
	assert_err("", AK_OK, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	index_close(&ix);
	for (uint32_t i = 1; i < 3; i++) {
		assert_err("", AK_OK, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
		assert_int_equal(v.number, i);
	}
	assert_err("", AK_ERR_NOT_FOUND, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	index_walk_start(&ix, 0, ix.head.records_at, &w);
	assert_err("", AK_ERR_UNAVAILABLE, index_walk_next(&ix, &w, buf, sizeof(buf), &v));
	free(bytes);
}

static void
abuse_128_no_memory_is_said(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(3000, &len_b);
	struct index_record found;
	struct index ix;
	enum ak_err err;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	for (unsigned n = 1;; n++) {
		alloc_fail_nth(n);
		err = index_find(&ix, "key", 3, &found);
		if (!alloc_stop())
			break;
		assert_err("", AK_ERR_NOMEM, err);
	}
	assert_err("", AK_OK, err);
	index_record_clear(&found);
	alloc_fail_nth(1);
	assert_err("a small one needs none", AK_OK, index_find(&ix, "other", 5, &found));
	(void)alloc_stop();
	index_record_clear(&found);
	index_close(&ix);
	free(bytes);
}

/* A file of one record with two keys and a value of so many bytes. */
static void
write_two_keys(const char *path, size_t value_len_b, unsigned char **bytes, size_t *len_b)
{
	static const unsigned char zero[4096];
	struct index_key keys[] = {{"gABCD", 5}, {"Nteam", 5}};
	struct index_make_head head = {.generation = 7, .id = 99};
	struct index_make *m = index_make_new(0);

	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 1, 3, keys, 2, zero, value_len_b));
	assert_err("", AK_OK, index_make_finish(m, &head, bytes, len_b));
	index_make_free(m);
	file_write(path, *bytes, *len_b, 0600);
}

static void
the_keys_of_a_large_record_are_read_without_its_value(void **state)
{
	static const struct {
		size_t value_len_b;
		bool has_value;
	} rows[] = {{20, true}, {4096, false}};
	struct index_record rec;
	struct index ix;
	unsigned char *bytes;
	size_t len_b, key_len_b;

	for (size_t i = 0; i < N(rows); i++) {
		const char *path = tmp_path(*state, "keys.idx");

		write_two_keys(path, rows[i].value_len_b, &bytes, &len_b);
		assert_err("", AK_OK, index_open(path, geteuid(), &ix));
		assert_err("", AK_OK, index_find_keys(&ix, "gABCD", 5, &rec));
		assert_int_equal(rec.view.value != NULL, rows[i].has_value);
		assert_null(rec.large);
		assert_memory_equal(
		    index_view_key_borrow(&rec.view, 'N', &key_len_b), "team", 4);
		assert_int_equal(key_len_b, 4);
		assert_null(index_view_key_borrow(&rec.view, 'x', &key_len_b));
		index_record_clear(&rec);
		assert_err("", AK_ERR_NOT_FOUND, index_find_keys(&ix, "gABCE", 5, &rec));
		index_close(&ix);
		assert_err("", AK_ERR_UNAVAILABLE, index_find_keys(&ix, "gABCD", 5, &rec));
		free(bytes);
	}
}

/* Its checksum is not asked: the value was not read. A key that changed leads elsewhere. */
static void
abuse_064_a_flipped_bit_in_a_large_records_keys_is_corrupt(void **state)
{
	char path[2 * TMP_CAP];
	unsigned char *bytes;
	struct index_record rec;
	struct index ix;
	size_t len_b, at;

	(void)snprintf(path, sizeof(path), "%s", tmp_path(*state, "keys.idx"));
	write_two_keys(path, 4096, &bytes, &len_b);
	assert_err("", AK_OK, index_open(path, geteuid(), &ix));
	at = ix.head.records_at + INDEX_RECORD_HEADER_B;
	index_close(&ix);
	/* "\5gABCD\5Nteam": what is not the key that was asked for. */
	for (size_t bit = 8 * 6; bit < 8 * 12; bit++) {
		bytes[at + bit / 8] ^= (unsigned char)(1U << bit % 8);
		file_write(path, bytes, len_b, 0600);
		assert_err("", AK_OK, index_open(path, geteuid(), &ix));
		assert_err(
		    "a flipped bit", AK_ERR_CORRUPT, index_find_keys(&ix, "gABCD", 5, &rec));
		index_close(&ix);
		bytes[at + bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	free(bytes);
}

static void
what_a_value_holds_is_no_key(void **state)
{
	struct index_key key = {"a", 1};
	struct index_make_head head = {.generation = 7, .id = 99};
	struct index_make *m = index_make_new(0);
	struct index_record found;
	struct index ix;
	unsigned char *bytes;
	size_t len_b, key_len_b;

	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 0, 1, &key, 1, "\003xyz", 4));
	assert_err("", AK_OK, index_make_finish(m, &head, &bytes, &len_b));
	index_make_free(m);
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("", AK_OK, index_find(&ix, "a", 1, &found));
	assert_true(index_view_has_key(&found.view, "a", 1));
	assert_false(index_view_has_key(&found.view, "xyz", 3));
	assert_null(index_view_key_borrow(&found.view, 'x', &key_len_b));
	index_record_clear(&found);
	index_close(&ix);
	free(bytes);
}

/* The longest key; and keys whose tags are alike, of small records and of large ones. */
static void
keys_of_one_tag_are_told_apart(void **state)
{
	static const unsigned char zero[3000];
	static const size_t sizes[] = {5, sizeof(zero)};
	struct index_make_head head = {.generation = 7, .id = 99};
	char twins[2][16];

	model_twins(head.id, twins[0], twins[1]);
	for (unsigned i = 0; i < 2 * N(sizes); i++) {
		const bool both = i % 2 == 0;
		struct index_make *m = index_make_new(0);
		struct index_record found;
		unsigned char *bytes;
		struct index ix;
		size_t len_b;

		assert_non_null(m);
		for (unsigned k = 0; k < (both ? 2U : 1U); k++) {
			struct index_key key = {twins[k], strlen(twins[k])};

			assert_err(
			    "", AK_OK, index_make_add(m, 0, k, &key, 1, zero, sizes[i / 2]));
		}
		assert_err("", AK_OK, index_make_finish(m, &head, &bytes, &len_b));
		index_make_free(m);
		assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
		for (unsigned k = 0; k < 2; k++) {
			const enum ak_err err = k == 0 || both ? AK_OK : AK_ERR_NOT_FOUND;
			const size_t key_len_b = strlen(twins[k]);

			assert_err(twins[k], err, index_find(&ix, twins[k], key_len_b, &found));
			if (err == AK_OK) {
				assert_int_equal(found.view.number, k);
				index_record_clear(&found);
			}
			assert_err(
			    twins[k], err, index_find_keys(&ix, twins[k], key_len_b, &found));
			if (err == AK_OK) {
				assert_true(
				    index_view_has_key(&found.view, twins[k], key_len_b));
				index_record_clear(&found);
			}
		}
		index_close(&ix);
		free(bytes);
	}
}

static void
the_longest_key_is_found(void **state)
{
	unsigned char longest[INDEX_KEY_MAX_B];
	struct index_key key = {longest, sizeof(longest)};
	struct index_make_head head = {.generation = 7, .id = 99};
	struct index_make *m = index_make_new(0);
	struct index_record found;
	unsigned char *bytes;
	struct index ix;
	size_t len_b;

	memset(longest, 'l', sizeof(longest));
	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 0, 1, &key, 1, "v", 1));
	assert_err("", AK_OK, index_make_finish(m, &head, &bytes, &len_b));
	index_make_free(m);
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("", AK_OK, index_find(&ix, longest, sizeof(longest), &found));
	index_record_clear(&found);
	index_close(&ix);
	free(bytes);
}

/* It ends where the file does; and so does what is read of it. */
static void
the_last_record_of_a_file_needs_no_heap_when_it_is_small(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	struct index_record found;
	struct index ix;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	alloc_fail_nth(1);
	assert_err("whole", AK_OK, index_find(&ix, "group", 5, &found));
	assert_false(alloc_stop());
	index_record_clear(&found);
	assert_err("keys", AK_OK, index_find_keys(&ix, "group", 5, &found));
	assert_int_equal(found.view.value_len_b, 20);
	index_record_clear(&found);
	index_close(&ix);
	free(bytes);
}

static void
of_a_file_that_was_cut_nothing_is_believed(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	const uint64_t first = le64_load(bytes + 56);
	struct index_record found;
	struct index ix;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("whole", AK_OK, index_read_at(&ix, first, &found));
	index_record_clear(&found);
	assert_int_equal(
	    truncate(tmp_path(*state, "x.idx"), (off_t)(first + le32_load(bytes + first + 4))),
	    0);
	assert_err("it is there still", AK_ERR_CORRUPT, index_read_at(&ix, first, &found));
	assert_err("", AK_ERR_CORRUPT, index_find(&ix, "key", 3, &found));
	assert_err("", AK_ERR_CORRUPT, index_find_keys(&ix, "key", 3, &found));
	index_close(&ix);
	free(bytes);
}

/* A record of so many bytes, of which a sparse file holds the first alone. */
static void
a_record_is_of_a_gib_at_most(void **state)
{
	static const struct {
		uint32_t len_b;
		enum ak_err err;
	} rows[] = {
	    {INDEX_RECORD_MAX_B, AK_ERR_NOMEM},
	    {INDEX_RECORD_MAX_B + 1, AK_ERR_CORRUPT},
	};
	const uint64_t size_b = UINT64_C(1) << 32;
	const char *path = tmp_path(*state, "x.idx");
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	const uint64_t first = le64_load(bytes + 56);
	struct index_record found;
	struct index ix;
	enum ak_err err;

	le64_store(bytes + 40, size_b);
	seal_header(bytes);
	for (size_t i = 0; i < N(rows); i++) {
		le32_store(bytes + first + 4, rows[i].len_b);
		file_write(path, bytes, len_b, 0600);
		if (truncate(path, (off_t)size_b) == -1) {
			free(bytes);
			skip(); /* a file system without large files */
		}
		assert_err("", AK_OK, index_open(path, geteuid(), &ix));
		alloc_fail_nth(1);
		err = index_read_at(&ix, first, &found);
		(void)alloc_stop();
		assert_err("", rows[i].err, err);
		index_close(&ix);
	}
	free(bytes);
}

static void
an_entry_that_leads_to_the_other_order_is_corrupt(void **state)
{
	size_t len_b;
	unsigned char *good = build_fixed(20, &len_b), *bytes = malloc(len_b);
	uint64_t at;

	assert_non_null(bytes);
	for (unsigned order = 0; order < INDEX_ORDERS; order++) {
		const uint64_t entries = le64_load(good + 72 + 16 * order);
		struct index ix;

		memcpy(bytes, good, len_b);
		le64_store(bytes + entries + 4, le64_load(good + (order == 0 ? 96 : 56)));
		seal_block(bytes, entries);
		assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
		assert_err("", AK_ERR_CORRUPT, index_seek(&ix, order, 0, &at));
		index_close(&ix);
	}
	free(bytes);
	free(good);
}

/* ---- what the system answers ---- */

static unsigned advised; /* calls of madvise */

ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);
void *__real_mmap(void *at, size_t len_b, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len_b, int prot, int flags, int fd, off_t offset);

int __real_madvise(void *at, size_t len_b, int advice);
int __wrap_madvise(void *at, size_t len_b, int advice);

int
__wrap_madvise(void *at, size_t len_b, int advice)
{
	advised++;
	return __real_madvise(at, len_b, advice);
}

ssize_t
__wrap_pread(int fd, void *buf, size_t n, off_t at)
{
	if (++fault.seen == fault.nth) {
		errno = fault.with;
		return -1;
	}
	return __real_pread(
	    fd, buf, fault.most_b > 0 && fault.most_b < n ? fault.most_b : n, at);
}

void *
__wrap_mmap(void *at, size_t len_b, int prot, int flags, int fd, off_t offset)
{
	return fault.no_mapping ? MAP_FAILED : __real_mmap(at, len_b, prot, flags, fd, offset);
}

static void
mend(void)
{
	fault.nth = fault.seen = 0;
	fault.with = 0;
	fault.most_b = 0;
	fault.no_mapping = false;
}

/* All that reads: the small record, the large one, keys alone, an order's place, a walk. */
#define LOOKS 6U
static enum ak_err
look(unsigned way, const char *path)
{
	unsigned char buf[64];
	struct index_record found;
	struct index_view v;
	struct index_walk w;
	struct index ix;
	uint64_t at;
	enum ak_err err = index_open(path, geteuid(), &ix);

	if (err != AK_OK)
		return err;
	if (way == 0)
		err = index_find(&ix, "other", 5, &found);
	else if (way == 1)
		err = index_find(&ix, "key", 3, &found);
	else if (way == 2)
		err = index_find_keys(&ix, "key", 3, &found);
	else if (way == 3)
		err = index_read_at(&ix, ix.head.order[1].records_at, &found);
	if (way < 4 && err == AK_OK)
		index_record_clear(&found);
	if (way == 4)
		err = index_seek(&ix, 0, 1, &at);
	if (way == 5) {
		index_walk_start(&ix, 1, ix.head.order[1].records_at, &w);
		err = index_walk_next(&ix, &w, buf, sizeof(buf), &v);
	}
	index_close(&ix);
	return err;
}

static void
a_read_that_fails_is_an_outage_and_a_signal_none(void **state)
{
	static const struct {
		const char *row;
		int with;
		enum ak_err err;
	} rows[] = {{"a signal", EINTR, AK_OK}, {"the disk", EIO, AK_ERR_UNAVAILABLE}};
	const char *path = tmp_path(*state, "x.idx");
	size_t len_b;
	unsigned char *bytes = build_fixed(3000, &len_b);
	enum ak_err err;

	file_write(path, bytes, len_b, 0600);
	for (unsigned way = 0; way < LOOKS; way++)
		for (size_t i = 0; i < N(rows); i++)
			for (unsigned n = 1;; n++) {
				unsigned seen;

				mend();
				fault.nth = n;
				fault.with = rows[i].with;
				err = look(way, path);
				seen = fault.seen;
				mend();
				if (seen < n) {
					assert_err(rows[i].row, AK_OK, err);
					assert_true(n > 2);
					break;
				}
				assert_err(rows[i].row, rows[i].err, err);
			}
	for (fault.most_b = 1; fault.most_b < 40; fault.most_b++)
		for (unsigned way = 0; way < LOOKS; way++)
			assert_err("a few bytes at a time", AK_OK, look(way, path));
	mend();
	free(bytes);
}

/* ---- a whole order at once ---- */

struct taken {
	uint32_t numbers[8];
	unsigned n, stop_after;
};

static enum ak_err
take(void *ctx, const struct index_view *v)
{
	struct taken *t = ctx;

	assert_true(t->n < N(t->numbers));
	t->numbers[t->n++] = v->number;
	return t->n == t->stop_after ? AK_ERR_EXISTS : AK_OK;
}

static enum ak_err
take_all(const struct index *ix, unsigned order, struct taken *t)
{
	struct index_mapping kept = {.base = t};
	enum ak_err err = index_each(ix, order, take, t, &kept);
	unsigned char resident;
	void *was;

	/* What was given lies there still; of an empty order there is nothing. */
	assert_true(kept.base != t);
	was = kept.base;
	index_unmap(&kept);
	assert_true(kept.base == NULL && kept.len_b == 0);
	assert_true(was == NULL || mincore(was, 1, &resident) == -1);
	return err;
}

static void
each_record_of_an_order_is_taken_in_turn(void **state)
{
	size_t len_b;
	unsigned char *bytes = build_fixed(3000, &len_b);
	const uint64_t second =
	    le64_load(bytes + 56) + le32_load(bytes + le64_load(bytes + 56) + 4);
	struct taken t = {.n = 0};
	struct index ix, empty;
	struct index_make_head head = {.generation = 7, .id = 99};
	struct index_make *m = index_make_new(0);
	unsigned char *none;
	size_t none_b;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("order 0", AK_OK, take_all(&ix, 0, &t));
	assert_true(t.n == 3 && t.numbers[0] == 0 && t.numbers[1] == 1 && t.numbers[2] == 2);
	t = (struct taken){.n = 0};
	assert_err("order 1", AK_OK, take_all(&ix, 1, &t));
	assert_true(t.n == 1 && t.numbers[0] == 3);
	t = (struct taken){.stop_after = 2};
	assert_err("what the taker says ends it", AK_ERR_EXISTS, take_all(&ix, 0, &t));
	assert_int_equal(t.n, 2);
	t = (struct taken){.n = 0};
	fault.no_mapping = true;
	assert_err("no mapping", AK_ERR_NOMEM, take_all(&ix, 0, &t));
	mend();
	index_close(&ix);
	assert_err("closed", AK_ERR_UNAVAILABLE, take_all(&ix, 0, &t));
	assert_int_equal(t.n, 0);

	bytes[second + 20] ^= 1;
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("damaged", AK_ERR_CORRUPT, take_all(&ix, 0, &t));
	assert_int_equal(t.n, 1);
	index_close(&ix);

	assert_non_null(m);
	assert_err("", AK_OK, index_make_finish(m, &head, &none, &none_b));
	assert_err("", AK_OK, open_bytes(*state, none, none_b, &empty));
	fault.no_mapping = true;
	assert_err("an empty order needs none", AK_OK, take_all(&empty, 0, &t));
	assert_err("an empty order needs none", AK_OK, take_all(&empty, 1, &t));
	mend();
	assert_int_equal(t.n, 1);
	index_close(&empty);
	index_make_free(m);
	free(none);
	free(bytes);
}

#define LARGE_B ((size_t)2 << 20)

static bool
lies_on_a_large_page(size_t len_b)
{
	unsigned char *bytes = index_alloc_large(len_b);
	bool lies = (uintptr_t)bytes % LARGE_B == 0;

	assert_non_null(bytes);
	bytes[0] = bytes[len_b - 1] = 1;
	free(bytes);
	return lies;
}

static void
what_is_large_lies_on_large_pages(void **state)
{
	(void)state;
	advised = 0;
	assert_true(lies_on_a_large_page(LARGE_B));
	assert_true(lies_on_a_large_page(LARGE_B + 1));
	assert_true(lies_on_a_large_page(3 * LARGE_B - 1));
	assert_int_equal(advised, 3);
	assert_false(lies_on_a_large_page(1) && lies_on_a_large_page(100));
	alloc_fail_nth(1);
	assert_null(index_alloc_large(SIZE_MAX));
	assert_true(alloc_stop());
}

/* Its slot is there, and leads to another record. */
static void
abuse_064_a_large_records_key_that_became_another_ones_is_corrupt(void **state)
{
	static const unsigned char zero[4096];
	struct index_key large[] = {{"gABCD", 5}, {"Nteam", 5}}, small = {"Ncrew", 5};
	struct index_make_head head = {.generation = 7, .id = 99};
	struct index_make *m = index_make_new(0);
	struct index_record rec;
	unsigned char *bytes, *record;
	struct index ix;
	size_t len_b;

	assert_non_null(m);
	assert_err("", AK_OK, index_make_add(m, 0, 1, large, 2, zero, sizeof(zero)));
	assert_err("", AK_OK, index_make_add(m, 0, 2, &small, 1, "v", 1));
	assert_err("", AK_OK, index_make_finish(m, &head, &bytes, &len_b));
	index_make_free(m);
	record = bytes + le64_load(bytes + 56);
	memcpy(record + INDEX_RECORD_HEADER_B + 7, "Ncrew", 5);
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("another's", AK_ERR_CORRUPT, index_find_keys(&ix, "gABCD", 5, &rec));
	index_close(&ix);
	record[8] = 0;
	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("none", AK_ERR_CORRUPT, index_find_keys(&ix, "gABCD", 5, &rec));
	index_close(&ix);
	free(bytes);
}

static void
abuse_064_a_large_record_that_tells_fewer_keys_is_corrupt_and_not_gone(void **state)
{
	const char *path = tmp_path(*state, "keys.idx");
	unsigned char *bytes;
	struct index_record rec;
	struct index ix;
	size_t len_b;

	write_two_keys(path, 4096, &bytes, &len_b);
	assert_err("", AK_OK, index_open(path, geteuid(), &ix));
	bytes[ix.head.records_at + 8] = 1;
	index_close(&ix);
	file_write(path, bytes, len_b, 0600);
	assert_err("", AK_OK, index_open(path, geteuid(), &ix));
	assert_err("", AK_ERR_CORRUPT, index_find_keys(&ix, "Nteam", 5, &rec));
	index_close(&ix);
	free(bytes);
}

static void
a_cleared_record_holds_nothing(void **state)
{
	static const unsigned char zero[1024];
	size_t len_b;
	unsigned char *bytes = build_fixed(20, &len_b);
	struct index_record found;
	struct index ix;

	assert_err("", AK_OK, open_bytes(*state, bytes, len_b, &ix));
	assert_err("", AK_OK, index_find(&ix, "key", 3, &found));
	index_record_clear(&found);
	assert_memory_equal(found.small, zero, sizeof(found.small));
	assert_null(found.view.bytes);
	assert_null(found.large);
	index_close(&ix);
	free(bytes);
}

static void
every_hash_has_a_block(void **state)
{
	struct rnd r = rnd_start("blocks");

	(void)state;
	assert_true(index_hash_block(UINT64_MAX, UINT32_MAX) < UINT32_MAX);
	assert_true(index_hash_block(0, 1) == 0);
	for (int i = 0; i < 10000; i++) {
		uint64_t n = 1 + rnd_below(&r, UINT32_MAX);

		assert_true(index_hash_block(rnd_u64(&r), n) < n);
		assert_true(index_hash_block(UINT64_MAX, n) == n - 1);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_index_holds_all_and_only_its_keys),
	    T(the_header_says_what_it_was_given),
	    T(a_key_of_no_length_or_too_long_is_not_found),
	    T(an_index_that_is_not_open_is_unavailable_never_empty),
	    T(abuse_061_062_069_what_is_no_safe_file_is_not_opened),
	    T(a_read_error_is_unavailable),
	    T(abuse_063_a_cut_file_is_not_opened),
	    T(abuse_068_an_open_index_keeps_its_view_when_the_file_is_replaced),
	    T(garbage_is_not_opened),
	    T(a_later_version_is_newer_whatever_else_it_holds),
	    T(abuse_065_066_a_header_that_does_not_add_up_is_corrupt),
	    T(a_file_without_hash_blocks_is_corrupt),
	    T(a_record_outside_its_section_is_corrupt),
	    T(a_sparse_file_of_zeros_is_corrupt_wherever_it_is_read),
	    T(abuse_065_a_slot_that_leads_astray_is_corrupt),
	    T(a_block_in_another_ones_place_is_corrupt),
	    T(what_another_generation_wrote_is_corrupt),
	    T(abuse_065_a_record_that_does_not_add_up_is_corrupt),
	    T(a_record_may_carry_255_keys),
	    T(a_keys_length_that_changes_later_leads_nowhere),
	    T(a_record_is_corrupt_wherever_its_bytes_end),
	    T(abuse_065_a_hash_without_a_free_slot_is_searched_once),
	    T(a_walk_needs_room_for_one_record_at_a_time),
	    T(a_walk_says_corrupt_for_a_length_that_no_record_there_can_have),
	    T(abuse_067_a_walk_says_corrupt_for_a_file_that_has_shrunk),
	    T(a_walk_goes_on_over_its_buffer_when_the_index_is_closed),
	    T(abuse_128_no_memory_is_said),
	    T(the_keys_of_a_large_record_are_read_without_its_value),
	    T(abuse_064_a_flipped_bit_in_a_large_records_keys_is_corrupt),
	    T(abuse_064_a_large_record_that_tells_fewer_keys_is_corrupt_and_not_gone),
	    T(abuse_064_a_large_records_key_that_became_another_ones_is_corrupt),
	    T(a_cleared_record_holds_nothing),
	    T(every_hash_has_a_block),
	    T(what_a_value_holds_is_no_key),
	    T(keys_of_one_tag_are_told_apart),
	    T(the_longest_key_is_found),
	    T(the_last_record_of_a_file_needs_no_heap_when_it_is_small),
	    T(of_a_file_that_was_cut_nothing_is_believed),
	    T(a_record_is_of_a_gib_at_most),
	    T(an_entry_that_leads_to_the_other_order_is_corrupt),
	    T(a_read_that_fails_is_an_outage_and_a_signal_none),
	    T(each_record_of_an_order_is_taken_in_turn),
	    T(what_is_large_lies_on_large_pages),
	    /* The slow ones last. */
	    T(abuse_067_a_file_cut_while_it_is_open_never_loses_a_key),
	    T(abuse_067_068_a_file_changed_between_two_reads_never_lies),
	    T(a_hostile_file_with_right_checksums_does_no_harm),
	    T(abuse_064_a_flipped_bit_is_found_by_every_look_that_meets_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
