#include "testlib_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "directory.h"
#include "freshness.h"
#include "index_make.h"
#include "safefile.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"
#include "testlib_tmp.h"

static uint64_t
generation_of(const struct paths *p, const char *path)
{
	struct index ix;
	uint64_t generation;

	if (index_open(path, p->owner, &ix) != AK_OK)
		return 0;
	generation = ix.head.generation;
	index_close(&ix);
	return generation;
}

static struct source_id
finish(const struct paths *p, const char *path, struct index_make *make, int64_t built_at)
{
	struct index_make_head head = {
	    .generation = generation_of(p, path) + 1, .built_at = built_at};
	struct source_id now;
	unsigned char *bytes;
	struct index ix;
	size_t len_b;

	assert_err(path, AK_OK, index_make_finish(make, &head, &bytes, &len_b));
	assert_err(path, AK_OK, safefile_replace(path, 0600, bytes, len_b, 0, NULL));
	free(bytes);
	index_make_free(make);
	assert_err(path, AK_OK, index_open(path, p->owner, &ix));
	now = (struct source_id){ix.head.generation, ix.head.id};
	index_close(&ix);
	return now;
}

static void
add(struct index_make *make, uint32_t number, const struct record_key *keys, unsigned n,
    struct pack *value)
{
	struct index_key all[3];

	for (unsigned i = 0; i < n; i++)
		all[i] = (struct index_key){keys[i].bytes, keys[i].len_b};
	assert_err("pack", AK_OK, value->err);
	assert_err("add", AK_OK,
	    index_make_add(make, ORDER_KEYS, number, all, n, value->bytes, value->len_b));
	pack_clear(value);
}

struct source_id
directory_write_keys(
    const struct paths *p, const struct key_record *keys, size_t n, int64_t built_at)
{
	struct index_make *make = index_make_new(n);

	assert_non_null(make);
	for (size_t i = 0; i < n; i++) {
		struct record_key by[3] = {record_key_text(RECORD_NAME, keys[i].name),
		    record_key_text(RECORD_ID, keys[i].id),
		    record_key_number(RECORD_UID, keys[i].uid)};
		struct pack value = PACK_INIT;

		key_record_pack(&keys[i], &value);
		add(make, keys[i].uid, by, 3, &value);
	}
	return finish(p, p->directory_keys, make, built_at);
}

struct source_id
directory_write_members(
    const struct paths *p, const struct directory_member *rows, size_t n, int64_t built_at)
{
	struct index_make *make = index_make_new(n);

	assert_non_null(make);
	for (size_t i = 0; i < n; i++) {
		struct record_key by = record_key_text(RECORD_NAME, rows[i].name);
		struct pack value = PACK_INIT;

		membership_pack(rows[i].groups, rows[i].bindings, &value);
		add(make, (uint32_t)i, &by, 1, &value);
	}
	return finish(p, p->directory_groups, make, built_at);
}

void
directory_write_contact(const struct paths *p, int64_t contact_at)
{
	const struct freshness f = {.contact_at = contact_at,
	    .max_age_s = INT64_C(15) * 60,
	    .keys_max_age_s = INT64_C(24) * 3600};

	assert_err("freshness", AK_OK, freshness_write(p->freshness, &f, NULL));
}

struct key_record
directory_key(const char *name, uint32_t uid)
{
	struct key_record k = key_make(name, uid);

	(void)snprintf(k.id, sizeof(k.id), "D%09u", uid % 1000000000);
	k.home = k.shell = "";
	return k;
}

void
directory_damage(const char *path)
{
	size_t len_b;
	char *bytes = file_read(path, &len_b);

	assert_non_null(bytes);
	for (size_t at = INDEX_HEADER_B; at < len_b; at += INDEX_BLOCK_B)
		bytes[at] ^= 1;
	file_write(path, bytes, len_b, 0600);
	free(bytes);
}

void
directory_wipe(const struct paths *p)
{
	(void)unlink(p->directory_keys);
	(void)unlink(p->directory_groups);
	(void)unlink(p->freshness);
}
