/* What the index files hold: packed and unpacked, damaged, and with values that no record may have. */
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
static const char text_bytes[] = "aZ09 :/\n\t\"\xc3\xa4*";

/* A pack's bytes as a list; entries have 1 to 20 characters. */
static struct strv
random_list(struct rnd *r, struct pack *p)
{
	char entry[24];

	*p = PACK_INIT;
	for (uint64_t n = rnd_below(r, 5); n > 0; n--)
		pack_entry(p, rnd_text(r, text_bytes, entry, 1 + rnd_below(r, 20)));
	return pack_borrow_strv(p);
}

static uint32_t
random_uid(struct rnd *r)
{
	uint32_t uid;

	do
		uid = (uint32_t)rnd_u64(r);
	while (id_is_reserved(uid));
	return uid;
}

/* A key and what it borrows. */
struct key_room {
	struct key_record key;
	char texts[5][64];
	struct pack lists[3];
};

static void
random_key(struct rnd *r, struct key_room *room)
{
	struct key_record *k = &room->key;

	*k = KEY_RECORD_INIT;
	(void)rnd_text(r, "abcz_", k->name, 1);
	(void)rnd_text(r, name_bytes, k->name + 1, rnd_below(r, KEY_NAME_MAX));
	(void)rnd_text(r, "ABCXYZ", k->id, 1);
	(void)rnd_text(r, "019AZaz", k->id + 1, KEY_ID_LEN - 1);
	k->uid = random_uid(r);
	k->state = rnd_below(r, 2) == 0 ? KEY_ACTIVE : KEY_DISABLED;
	k->n_secrets = (unsigned)rnd_below(r, KEY_SECRETS_MAX + 1);
	for (unsigned i = 0; i < k->n_secrets; i++) {
		rnd_bytes(r, &k->secrets[i], sizeof(k->secrets[i]));
		k->secrets[i].number |= 1;
	}
	k->created_at = (int64_t)rnd_u64(r);
	k->not_before = (int64_t)rnd_u64(r);
	k->expires_at = rnd_below(r, 2) == 0 ? NUM_NEVER : (int64_t)rnd_u64(r);
	for (size_t i = 0; i < N(room->texts); i++)
		(void)rnd_text(
		    r, text_bytes, room->texts[i], rnd_below(r, sizeof(room->texts[i])));
	k->created_by = room->texts[0];
	k->description = room->texts[1];
	k->owner = room->texts[2];
	k->home = room->texts[3];
	k->shell = room->texts[4];
	k->bindings = random_list(r, &room->lists[0]);
	k->groups = random_list(r, &room->lists[1]);
	k->from = random_list(r, &room->lists[2]);
}

static void
room_clear(struct key_room *room)
{
	for (size_t i = 0; i < N(room->lists); i++)
		pack_clear(&room->lists[i]);
}

static int
same_list(struct strv a, struct strv b)
{
	return a.len_b == b.len_b && (a.len_b == 0 || memcmp(a.bytes, b.bytes, a.len_b) == 0);
}

static void
assert_same_key(const struct key_record *a, const struct key_record *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->id, b->id);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->n_secrets, b->n_secrets);
	for (unsigned i = 0; i < a->n_secrets; i++) {
		assert_int_equal(a->secrets[i].number, b->secrets[i].number);
		assert_memory_equal(a->secrets[i].salt, b->secrets[i].salt, KEY_SALT_B);
		assert_memory_equal(a->secrets[i].digest, b->secrets[i].digest, KEY_DIGEST_B);
		assert_true(a->secrets[i].created_at == b->secrets[i].created_at);
		assert_true(a->secrets[i].not_after == b->secrets[i].not_after);
	}
	assert_true(a->created_at == b->created_at && a->not_before == b->not_before);
	assert_true(a->expires_at == b->expires_at);
	assert_string_equal(a->created_by, b->created_by);
	assert_string_equal(a->description, b->description);
	assert_string_equal(a->owner, b->owner);
	assert_string_equal(a->home, b->home);
	assert_string_equal(a->shell, b->shell);
	assert_true(same_list(a->bindings, b->bindings));
	assert_true(same_list(a->groups, b->groups));
	assert_true(same_list(a->from, b->from));
}

/* What a refused key must look like: nobody, without secrets, nothing NULL. */
static void
assert_no_key(const char *row, const struct key_record *k)
{
	assert_row(row, k->name[0] == '\0' && k->id[0] == '\0' && k->uid == 0 && k->state == 0);
	assert_row(row, k->n_secrets == 0 && k->bindings.len_b == 0 && k->from.len_b == 0);
	assert_row(row, *k->created_by == '\0' && *k->home == '\0' && *k->shell == '\0');
}

static void
a_key_is_unpacked_as_it_was_packed(void **state)
{
	struct rnd r = rnd_start("keys");

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct pack p = PACK_INIT;
		struct key_room room;
		struct key_record back;

		random_key(&r, &room);
		key_record_pack(&room.key, &p);
		assert_err("pack", AK_OK, p.err);
		assert_err("unpack", AK_OK, key_record_unpack(p.bytes, p.len_b, &back));
		assert_same_key(&back, &room.key);
		key_record_clear(&back);
		assert_no_key("cleared", &back);
		room_clear(&room);
		pack_wipe(&p);
	}
}

/* Exactly these bytes, with nothing behind them that could be read by mistake. */
static void *
exact(const void *bytes, size_t len_b)
{
	unsigned char *copy = malloc(len_b + 1);

	assert_non_null(copy);
	memcpy(copy + 1, bytes, len_b);
	return copy;
}

static void
a_cut_or_longer_key_is_corrupt(void **state)
{
	struct rnd r = rnd_start("cuts");
	struct pack p = PACK_INIT;
	struct key_room room;
	struct key_record back;

	(void)state;
	random_key(&r, &room);
	key_record_pack(&room.key, &p);
	for (size_t len_b = 0; len_b < p.len_b; len_b++) {
		unsigned char *copy = exact(p.bytes, len_b);

		assert_err("cut", AK_ERR_CORRUPT, key_record_unpack(copy + 1, len_b, &back));
		assert_no_key("cut", &back);
		free(copy);
	}
	pack_u8(&p, 0);
	assert_err("longer", AK_ERR_CORRUPT, key_record_unpack(p.bytes, p.len_b, &back));
	assert_no_key("longer", &back);
	room_clear(&room);
	pack_wipe(&p);
}

static void
read_all_of_key(const struct key_record *k)
{
	size_t seen = strlen(k->created_by) + strlen(k->description) + strlen(k->owner) +
		      strlen(k->home) + strlen(k->shell) + strv_count(k->bindings) +
		      strv_count(k->groups) + strv_count(k->from);

	assert_true(seen < 100000);
	assert_true(text_is_key_name(k->name) && strlen(k->id) == KEY_ID_LEN);
	assert_true(!id_is_reserved(k->uid) && k->n_secrets <= KEY_SECRETS_MAX);
}

static void
a_key_with_a_flipped_bit_is_whole_or_corrupt(void **state)
{
	struct rnd r = rnd_start("flips");

	(void)state;
	for (int round = 0; round < 10; round++) {
		struct pack p = PACK_INIT;
		struct key_room room;

		random_key(&r, &room);
		key_record_pack(&room.key, &p);
		for (size_t bit = 0; bit < p.len_b * 8; bit++) {
			unsigned char *copy = exact(p.bytes, p.len_b);
			struct key_record back;

			copy[1 + bit / 8] ^= (unsigned char)(1U << bit % 8);
			if (key_record_unpack(copy + 1, p.len_b, &back) == AK_OK)
				read_all_of_key(&back);
			else
				assert_no_key("flipped", &back);
			free(copy);
		}
		room_clear(&room);
		pack_wipe(&p);
	}
}

static void
abuse_071_a_key_that_may_not_be_is_corrupt(void **state)
{
	static const struct {
		const char *row, *name, *id;
		uint32_t uid;
		unsigned shape, state, n_secrets, number;
		enum ak_err err;
	} rows[] = {
	    {"good", "ci", "A123456789", 70000, 1, 1, 2, 1, AK_OK},
	    {"no secret", "ci", "A123456789", 70000, 1, 2, 0, 1, AK_OK},
	    {"longest name", "abcdefghijklmnopqrstuvwxyz01234", "A123456789", 70000, 1, 1, 1, 1,
		AK_OK},
	    {"name too long", "abcdefghijklmnopqrstuvwxyz012345", "A123456789", 70000, 1, 1, 1,
		1, AK_ERR_CORRUPT},
	    {"no name", "", "A123456789", 70000, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"bad name", "-rf", "A123456789", 70000, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"name with a colon", "a:b", "A123456789", 70000, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"id too short", "ci", "A12345678", 70000, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"id too long", "ci", "A1234567890", 70000, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"no id", "ci", "", 70000, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"root", "ci", "A123456789", 0, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"-1", "ci", "A123456789", UINT32_MAX, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"61184", "ci", "A123456789", 61184, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"nobody", "ci", "A123456789", 65534, 1, 1, 1, 1, AK_ERR_CORRUPT},
	    {"another shape", "ci", "A123456789", 70000, 4, 1, 1, 1, AK_ERR_CORRUPT},
	    {"no state", "ci", "A123456789", 70000, 1, 0, 1, 1, AK_ERR_CORRUPT},
	    {"an unknown state", "ci", "A123456789", 70000, 1, 3, 1, 1, AK_ERR_CORRUPT},
	    {"three secrets", "ci", "A123456789", 70000, 1, 1, 3, 1, AK_ERR_CORRUPT},
	    {"255 secrets", "ci", "A123456789", 70000, 1, 1, 255, 1, AK_ERR_CORRUPT},
	    {"secret number 0", "ci", "A123456789", 70000, 1, 1, 1, 0, AK_ERR_CORRUPT},
	};
	static const unsigned char secret[KEY_SALT_B + KEY_DIGEST_B + 16];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct pack p = PACK_INIT;
		struct key_record back;

		pack_u8(&p, (uint8_t)rows[i].shape);
		pack_str(&p, rows[i].name);
		pack_str(&p, rows[i].id);
		pack_u32(&p, rows[i].uid);
		pack_u8(&p, (uint8_t)rows[i].state);
		pack_u8(&p, (uint8_t)rows[i].n_secrets);
		for (unsigned s = 0; s < rows[i].n_secrets; s++) {
			pack_u32(&p, rows[i].number);
			pack_bytes(&p, secret, sizeof(secret));
		}
		pack_u64(&p, 1);
		pack_u64(&p, 0);
		pack_u64(&p, 2);
		for (int s = 0; s < 5; s++)
			pack_str(&p, "text");
		for (int s = 0; s < 3; s++)
			pack_strv(&p, STRV_EMPTY);
		assert_err(rows[i].row, AK_OK, p.err);
		assert_err(rows[i].row, rows[i].err, key_record_unpack(p.bytes, p.len_b, &back));
		if (rows[i].err != AK_OK)
			assert_no_key(rows[i].row, &back);
		pack_clear(&p);
	}
}

static void
three_secrets_are_not_even_packed(void **state)
{
	struct key_record k = KEY_RECORD_INIT;
	struct pack p = PACK_INIT;

	(void)state;
	k.n_secrets = KEY_SECRETS_MAX + 1;
	key_record_pack(&k, &p);
	assert_err("", AK_ERR_INVALID, p.err);
	pack_clear(&p);
}

/* The small records: one way to fill each with a name, an id, and the rest. */

static void
pack_spent(const char *name, uint32_t id, struct pack *p)
{
	struct spent_uid s = {.uid = id, .deleted_at = -5, .name = name, .id = "A123456789"};

	spent_uid_pack(&s, p);
}

static void
pack_role_gid(const char *name, uint32_t id, struct pack *p)
{
	struct role_gid g = {.gid = id, .group = name};

	role_gid_pack(&g, p);
}

static void
pack_user(const char *name, uint32_t id, struct pack *p)
{
	static const unsigned char gids[8] = {1, 0, 0, 0, 2, 0, 0, 0};
	struct user_record u = {.uid = id,
	    .name = name,
	    .gecos = "g",
	    .home = "/h",
	    .shell = "/s",
	    .n_gids = 2,
	    .n_marked = 1,
	    .gids = gids};

	user_record_pack(&u, p);
}

static void
pack_group(const char *name, uint32_t id, struct pack *p)
{
	struct group_record g = {
	    .gid = id, .name = name, .members = {"a\0bc", 5}, .marked = {"def", 4}};

	group_record_pack(&g, p);
}

/* Unpacks; after a failure everything must be empty, and nothing NULL that is a string. */
static enum ak_err
unpack_spent(const void *bytes, size_t len_b, const char *name, uint32_t id)
{
	struct spent_uid s = {.uid = 9, .name = NULL, .id = NULL};
	enum ak_err err = spent_uid_unpack(bytes, len_b, &s);

	assert_row("strings", s.name != NULL && s.id != NULL);
	if (err != AK_OK)
		assert_row("empty", s.uid == 0 && *s.name == '\0' && *s.id == '\0');
	else if (name != NULL)
		assert_row("same", s.uid == id && s.deleted_at == -5 &&
				       strcmp(s.name, name) == 0 &&
				       strcmp(s.id, "A123456789") == 0);
	return err;
}

static enum ak_err
unpack_role_gid(const void *bytes, size_t len_b, const char *name, uint32_t id)
{
	struct role_gid g = {.gid = 9, .group = NULL};
	enum ak_err err = role_gid_unpack(bytes, len_b, &g);

	assert_row("string", g.group != NULL);
	if (err != AK_OK)
		assert_row("empty", g.gid == 0 && *g.group == '\0');
	else if (name != NULL)
		assert_row("same", g.gid == id && strcmp(g.group, name) == 0);
	return err;
}

static enum ak_err
unpack_user(const void *bytes, size_t len_b, const char *name, uint32_t id)
{
	struct user_record u = {.uid = 9, .n_gids = 9, .n_marked = 9};
	enum ak_err err = user_record_unpack(bytes, len_b, &u);
	uint32_t sum = 0;

	assert_row(
	    "strings", u.name != NULL && u.gecos != NULL && u.home != NULL && u.shell != NULL);
	for (uint32_t i = 0; i < u.n_gids; i++)
		sum += le32_load(u.gids + (size_t)i * 4);
	if (err != AK_OK)
		assert_row("empty", u.uid == 0 && u.n_gids == 0 && u.n_marked == 0 &&
					*u.name == '\0' && *u.gecos == '\0' &&
					*u.home == '\0' && *u.shell == '\0');
	else if (name != NULL)
		assert_row("same", u.uid == id && strcmp(u.name, name) == 0 && sum == 3 &&
				       u.n_marked == 1 && strcmp(u.gecos, "g") == 0 &&
				       strcmp(u.home, "/h") == 0 && strcmp(u.shell, "/s") == 0);
	return err;
}

static enum ak_err
unpack_group(const void *bytes, size_t len_b, const char *name, uint32_t id)
{
	struct group_record g = {.gid = 9};
	enum ak_err err = group_record_unpack(bytes, len_b, &g);

	assert_row("string", g.name != NULL);
	if (err != AK_OK)
		assert_row("empty", g.gid == 0 && *g.name == '\0' && g.members.len_b == 0 &&
					g.marked.len_b == 0);
	else if (name != NULL)
		assert_row("same", g.gid == id && strcmp(g.name, name) == 0 &&
				       strv_count(g.members) == 2 && strv_has(g.members, "bc") &&
				       strv_count(g.marked) == 1 && strv_has(g.marked, "def"));
	return err;
}

static const struct small {
	const char *kind;
	void (*pack)(const char *name, uint32_t id, struct pack *p);
	enum ak_err (*unpack)(const void *bytes, size_t len_b, const char *name, uint32_t id);
} smalls[] = {
    {"spent uid", pack_spent, unpack_spent},
    {"role gid", pack_role_gid, unpack_role_gid},
    {"user", pack_user, unpack_user},
    {"group", pack_group, unpack_group},
};

static void
abuse_071_the_other_records_have_good_names_and_ids_too(void **state)
{
	static const struct {
		const char *name;
		uint32_t id;
		enum ak_err err;
		bool local_group; /* then a group may have it */
	} rows[] = {
	    {"good", 70000, AK_OK, false},
	    {"abcdefghijklmnopqrstuvwxyz01234", 524287, AK_OK, false},
	    {"abcdefghijklmnopqrstuvwxyz012345", 70000, AK_ERR_CORRUPT, false},
	    {"", 70000, AK_ERR_CORRUPT, false},
	    {"-a", 70000, AK_ERR_CORRUPT, false},
	    {"a:b", 70000, AK_ERR_CORRUPT, false},
	    {"Good", 70000, AK_ERR_CORRUPT, false},
	    {"good", 0, AK_ERR_CORRUPT, false},
	    {"good", 999, AK_ERR_CORRUPT, true},
	    {"good", 61184, AK_ERR_CORRUPT, true},
	    {"good", 65534, AK_ERR_CORRUPT, true},
	    {"good", UINT32_MAX, AK_ERR_CORRUPT, false},
	};

	(void)state;
	for (size_t k = 0; k < N(smalls); k++)
		for (size_t i = 0; i < N(rows); i++) {
			bool fits = rows[i].local_group && smalls[k].unpack == unpack_group;
			struct pack p = PACK_INIT;

			smalls[k].pack(rows[i].name, rows[i].id, &p);
			assert_err(smalls[k].kind, AK_OK, p.err);
			assert_err(smalls[k].kind, fits ? AK_OK : rows[i].err,
			    smalls[k].unpack(p.bytes, p.len_b, rows[i].name, rows[i].id));
			pack_clear(&p);
		}
}

static void
every_cut_and_flip_of_the_other_records_is_whole_or_corrupt(void **state)
{
	(void)state;
	for (size_t k = 0; k < N(smalls); k++) {
		struct pack p = PACK_INIT;

		smalls[k].pack("name", 70000, &p);
		for (size_t len_b = 0; len_b < p.len_b; len_b++) {
			unsigned char *copy = exact(p.bytes, len_b);

			assert_err(smalls[k].kind, AK_ERR_CORRUPT,
			    smalls[k].unpack(copy + 1, len_b, NULL, 0));
			free(copy);
		}
		for (size_t bit = 0; bit < p.len_b * 8; bit++) {
			unsigned char *copy = exact(p.bytes, p.len_b);
			enum ak_err err;

			copy[1 + bit / 8] ^= (unsigned char)(1U << bit % 8);
			err = smalls[k].unpack(copy + 1, p.len_b, NULL, 0);
			assert_row(smalls[k].kind, err == AK_OK || err == AK_ERR_CORRUPT);
			free(copy);
		}
		pack_u8(&p, 0);
		assert_err(smalls[k].kind, AK_ERR_CORRUPT,
		    smalls[k].unpack(p.bytes, p.len_b, NULL, 0));
		pack_clear(&p);
	}
}

static void
no_record_is_taken_for_another_kind(void **state)
{
	(void)state;
	for (size_t k = 0; k < N(smalls); k++)
		for (size_t other = 0; other < N(smalls); other++) {
			struct pack p = PACK_INIT;
			struct key_record key;

			smalls[k].pack("name", 70000, &p);
			assert_err(smalls[k].kind, k == other ? AK_OK : AK_ERR_CORRUPT,
			    smalls[other].unpack(p.bytes, p.len_b, NULL, 0));
			assert_err(
			    "key", AK_ERR_CORRUPT, key_record_unpack(p.bytes, p.len_b, &key));
			pack_clear(&p);
		}
}

static void
a_user_with_more_groups_than_bytes_is_corrupt(void **state)
{
	static const uint32_t counts[] = {
	    3, 1, 0, 0x40000000, 0x40000002, 0x80000002, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < N(counts); i++) {
		struct pack p = PACK_INIT;

		pack_user("name", 70000, &p);
		le32_store(p.bytes + p.len_b - 16, counts[i]);
		assert_err("", AK_ERR_CORRUPT, unpack_user(p.bytes, p.len_b, NULL, 0));
		pack_clear(&p);
	}
}

static void
a_user_with_more_marked_groups_than_groups_is_corrupt(void **state)
{
	static const struct {
		uint32_t marked;
		enum ak_err err;
	} rows[] = {{0, AK_OK}, {1, AK_OK}, {2, AK_OK}, {3, AK_ERR_CORRUPT},
	    {0x80000000, AK_ERR_CORRUPT}, {UINT32_MAX, AK_ERR_CORRUPT}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct pack p = PACK_INIT;

		pack_user("name", 70000, &p);
		le32_store(p.bytes + p.len_b - 12, rows[i].marked);
		assert_err("", rows[i].err, unpack_user(p.bytes, p.len_b, NULL, 0));
		pack_clear(&p);
	}
}

static void
a_key_that_no_record_has_has_no_length(void **state)
{
	char text[80];
	struct record_key k;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	k = record_key_text(RECORD_NAME, text);
	assert_int_equal(k.len_b, 65);
	assert_int_equal(k.bytes[0], 'n');
	assert_memory_equal(k.bytes + 1, text, 64);
	text[64] = 'a';
	text[65] = '\0';
	assert_int_equal(record_key_text(RECORD_NAME, text).len_b, 0);
	assert_int_equal(record_key_text(RECORD_NAME, "").len_b, 0);
	k = record_key_number(RECORD_UID, 0x01020304);
	assert_int_equal(k.len_b, 5);
	assert_memory_equal(k.bytes, "u\4\3\2\1", 5);
}

static void
reserved_ids_are_those_of_the_table(void **state)
{
	static const struct {
		uint32_t min, max;
	} free_ranges[] = {{1000, 60000}, {60514, 61183}, {65520, 65533}, {65536, 524287},
	    {1879048192, 2147483647}};
	uint32_t before = 0;

	(void)state;
	for (size_t i = 0; i < N(free_ranges); i++) {
		struct id_range just = {free_ranges[i].min, free_ranges[i].max};
		uint32_t first = 4711;

		assert_true(id_is_reserved(before) && id_is_reserved(just.min - 1));
		assert_false(id_is_reserved(just.min) || id_is_reserved(just.max));
		assert_true(id_is_reserved(just.max + 1));
		before = just.max + 1;
		assert_false(id_range_reserved(just, &first));
		just.max++;
		assert_true(id_range_reserved(just, &first) && first == just.max);
		just.min--;
		just.max--;
		assert_true(id_range_reserved(just, &first) && first == just.min);
	}
	assert_true(id_is_reserved(UINT32_MAX));
}

static void
a_range_holds_both_its_ends_and_none_is_none(void **state)
{
	const struct id_range r = {1000, 1002}, none = {0, 0};

	(void)state;
	assert_false(id_range_has(r, 999));
	assert_true(id_range_has(r, 1000) && id_range_has(r, 1001) && id_range_has(r, 1002));
	assert_false(id_range_has(r, 1003));
	assert_false(id_range_has(none, 0));
	assert_false(id_range_has(none, 1));
}

static void
header_facts_are_unpacked_as_they_were_packed(void **state)
{
	const struct users_extra e = {.uids = {65536, 99999},
	    .gids = {100000, 109999},
	    .directory_uids = {200000, 299999},
	    .enumerate = true,
	    .uid_high = 70000,
	    .gid_high = 100003,
	    .local = {UINT64_MAX - 1, 5},
	    .directory_keys = {8, UINT64_MAX},
	    .directory_groups = {9, 10},
	    .policy = 6,
	    .config = 7,
	    .group = UINT64_MAX};
	const struct local_extra l = {.uid_high = 70000, .gid_high = UINT32_MAX};
	unsigned char bytes[INDEX_EXTRA_B];
	struct users_extra back;
	struct local_extra l_back;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	users_extra_pack(&e, bytes);
	assert_err("", AK_OK, users_extra_unpack(bytes, &back));
	assert_true(back.uids.min == 65536 && back.uids.max == 99999);
	assert_true(back.gids.min == 100000 && back.gids.max == 109999);
	assert_true(back.directory_uids.min == 200000 && back.directory_uids.max == 299999);
	assert_true(back.enumerate && back.uid_high == 70000 && back.gid_high == 100003);
	assert_true(back.local.generation == UINT64_MAX - 1 && back.local.id == 5);
	assert_true(back.directory_keys.generation == 8 && back.directory_keys.id == UINT64_MAX);
	assert_true(back.directory_groups.generation == 9 && back.directory_groups.id == 10);
	assert_true(back.policy == 6 && back.config == 7 && back.group == UINT64_MAX);
	assert_true(users_extra_has_uid(&back, 65536) && users_extra_has_uid(&back, 299999));
	assert_false(users_extra_has_uid(&back, 100000) || users_extra_has_uid(&back, 0));
	for (size_t i = 112; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
	local_extra_pack(&l, bytes);
	local_extra_unpack(bytes, &l_back);
	assert_true(l_back.uid_high == 70000 && l_back.gid_high == UINT32_MAX);
}

static void
abuse_071_no_range_takes_in_a_reserved_id(void **state)
{
	static const struct {
		const char *row;
		struct id_range uids, gids, directory;
		enum ak_err err;
	} rows[] = {
	    {"good", {65536, 99999}, {100000, 109999}, {200000, 299999}, AK_OK},
	    {"no directory", {65536, 99999}, {100000, 109999}, {0, 0}, AK_OK},
	    {"one of each", {70000, 70000}, {100000, 100000}, {200000, 200000}, AK_OK},
	    {"no role groups", {65536, 99999}, {0, 0}, {0, 0}, AK_OK},
	    {"root", {0, 99999}, {100000, 109999}, {0, 0}, AK_ERR_CORRUPT},
	    {"no uids", {0, 0}, {100000, 109999}, {0, 0}, AK_ERR_CORRUPT},
	    {"nobody", {65530, 99999}, {100000, 109999}, {0, 0}, AK_ERR_CORRUPT},
	    {"turned round", {99999, 65536}, {100000, 109999}, {0, 0}, AK_ERR_CORRUPT},
	    {"everything", {0, UINT32_MAX}, {100000, 109999}, {0, 0}, AK_ERR_CORRUPT},
	    {"root's group", {65536, 99999}, {0, 109999}, {0, 0}, AK_ERR_CORRUPT},
	    {"gids turned round", {65536, 99999}, {109999, 100000}, {0, 0}, AK_ERR_CORRUPT},
	    {"root in the directory", {65536, 99999}, {100000, 109999}, {0, 299999},
		AK_ERR_CORRUPT},
	    {"-1 in the directory", {65536, 99999}, {100000, 109999}, {200000, UINT32_MAX},
		AK_ERR_CORRUPT},
	    {"directory turned round", {65536, 99999}, {100000, 109999}, {299999, 200000},
		AK_ERR_CORRUPT},
	    {"directory begins in local keys", {65536, 99999}, {100000, 109999},
		{99999, 299999}, AK_ERR_CORRUPT},
	    {"directory ends in local keys", {300000, 399999}, {100000, 109999},
		{200000, 300000}, AK_ERR_CORRUPT},
	    {"directory within local keys", {65536, 99999}, {100000, 109999}, {70000, 70001},
		AK_ERR_CORRUPT},
	    {"local keys behind it", {300000, 399999}, {100000, 109999}, {200000, 299999},
		AK_OK},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct users_extra e = {.uids = rows[i].uids,
		    .gids = rows[i].gids,
		    .directory_uids = rows[i].directory};
		unsigned char bytes[INDEX_EXTRA_B];
		struct users_extra back = {.enumerate = true};

		users_extra_pack(&e, bytes);
		assert_err(rows[i].row, rows[i].err, users_extra_unpack(bytes, &back));
		if (rows[i].err != AK_OK)
			assert_row(rows[i].row, !users_extra_has_uid(&back, 0) &&
						    back.uids.max == 0 && back.gids.max == 0 &&
						    !back.enumerate);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_unpacked_as_it_was_packed),
	    cmocka_unit_test(a_cut_or_longer_key_is_corrupt),
	    cmocka_unit_test(a_key_with_a_flipped_bit_is_whole_or_corrupt),
	    cmocka_unit_test(abuse_071_a_key_that_may_not_be_is_corrupt),
	    cmocka_unit_test(three_secrets_are_not_even_packed),
	    cmocka_unit_test(abuse_071_the_other_records_have_good_names_and_ids_too),
	    cmocka_unit_test(every_cut_and_flip_of_the_other_records_is_whole_or_corrupt),
	    cmocka_unit_test(no_record_is_taken_for_another_kind),
	    cmocka_unit_test(a_user_with_more_groups_than_bytes_is_corrupt),
	    cmocka_unit_test(a_user_with_more_marked_groups_than_groups_is_corrupt),
	    cmocka_unit_test(a_key_that_no_record_has_has_no_length),
	    cmocka_unit_test(reserved_ids_are_those_of_the_table),
	    cmocka_unit_test(a_range_holds_both_its_ends_and_none_is_none),
	    cmocka_unit_test(header_facts_are_unpacked_as_they_were_packed),
	    cmocka_unit_test(abuse_071_no_range_takes_in_a_reserved_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
