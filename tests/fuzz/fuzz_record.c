/* fuzz_record: any bytes as what the files of keys hold: refused and empty, or a record whose bytes come back the same. */
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "directory.h"
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "record.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
check_list(struct strv v)
{
	fuzz_check(v.len_b == 0 || strv_valid(v), "a list is one");
	fuzz_check((strv_count(v) == 0) == (v.len_b == 0), "an empty one has no bytes");
}

static void
pack_key(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct key_record k;

	if (key_record_unpack(bytes, len_b, &k) == AK_OK) {
		fuzz_check(text_is_key_name(k.name) && strlen(k.id) == KEY_ID_LEN &&
			       !id_is_reserved(k.uid) && k.n_secrets <= KEY_SECRETS_MAX &&
			       (k.state == KEY_ACTIVE || k.state == KEY_DISABLED),
		    "a key is one that could be");
		check_list(k.bindings);
		check_list(k.groups);
		check_list(k.from);
		key_record_pack(&k, out);
	} else {
		fuzz_check(k.name[0] == '\0' && k.n_secrets == 0 && k.state != KEY_ACTIVE,
		    "what is refused is no key");
	}
	key_record_clear(&k);
}

static void
pack_spent(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct spent_uid s;

	if (spent_uid_unpack(bytes, len_b, &s) == AK_OK) {
		fuzz_check(text_is_key_name(s.name) && !id_is_reserved(s.uid),
		    "a spent uid was a key's");
		spent_uid_pack(&s, out);
	}
}

static void
pack_gid(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct role_gid g;

	if (role_gid_unpack(bytes, len_b, &g) == AK_OK) {
		fuzz_check(text_is_group_name(g.group) && !id_is_reserved(g.gid),
		    "a role's group is one that could be");
		role_gid_pack(&g, out);
	}
}

static void
pack_user(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct user_record u;

	if (user_record_unpack(bytes, len_b, &u) == AK_OK) {
		fuzz_check(text_is_key_name(u.name) && !id_is_reserved(u.uid) &&
			       u.n_marked <= u.n_gids,
		    "a user is a key's");
		user_record_pack(&u, out);
	} else {
		fuzz_check(u.n_gids == 0 && u.name[0] == '\0', "what is refused is nobody");
	}
}

static void
pack_group(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct group_record g;

	if (group_record_unpack(bytes, len_b, &g) == AK_OK) {
		fuzz_check(text_is_group_name(g.name) && g.gid != 0, "a group is not root's");
		check_list(g.members);
		check_list(g.marked);
		group_record_pack(&g, out);
	}
}

static void
pack_entry_of(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct directory_entry e;

	if (directory_entry_unpack(bytes, len_b, &e) == AK_OK) {
		fuzz_check(e.dn[0] != '\0', "an entry has a name");
		for (unsigned s = 1; s < SLOT_COUNT; s++)
			check_list(e.values[s]);
		directory_entry_pack(&e, out);
	} else {
		for (unsigned s = 0; s < SLOT_COUNT; s++)
			fuzz_check(e.values[s].len_b == 0, "what is refused has no values");
	}
}

static void
pack_membership(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	struct strv groups, bindings;

	if (membership_unpack(bytes, len_b, &groups, &bindings) == AK_OK)
		membership_pack(groups, bindings, out);
	else
		fuzz_check(groups.len_b == 0 && bindings.len_b == 0, "no member of anything");
	check_list(groups);
	check_list(bindings);
}

static void
pack_settings(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	static struct settings s, usual;
	uint32_t first;

	settings_default(&usual);
	if (settings_unpack(bytes, len_b, &s) == AK_OK) {
		fuzz_check(!id_range_reserved(s.uids, &first) && s.home[0] == '/',
		    "settings are such as a file gives");
		settings_pack(&s, out);
	} else {
		fuzz_check(s.uids.min == usual.uids.min && s.uids.max == usual.uids.max &&
			       !s.directory.present && strcmp(s.home, usual.home) == 0,
		    "what is refused are the defaults");
	}
}

static void
pack_ask(const uint8_t *bytes, size_t len_b, struct pack *out)
{
	enum control_ask ask;

	if (control_ask_unpack(bytes, len_b, &ask) == AK_OK)
		control_ask_pack(ask, out);
}

/* Where the kinds of records are, the first byte of the input says. */
static void (*const kinds[])(const uint8_t *bytes, size_t len_b, struct pack *out) = {pack_key,
    pack_spent, pack_gid, pack_user, pack_group, pack_entry_of, pack_membership, pack_settings,
    pack_ask};

/* Numbers in fixed places, and flags that are any byte: what is written once is read as itself. */
static void
check_extras(const uint8_t *bytes)
{
	unsigned char once[INDEX_EXTRA_B], twice[INDEX_EXTRA_B];
	struct local_extra local;
	struct users_extra users;

	local_extra_unpack(bytes, &local);
	local_extra_pack(&local, once);
	local_extra_unpack(once, &local);
	local_extra_pack(&local, twice);
	fuzz_check(memcmp(once, twice, sizeof(once)) == 0, "local.idx says the same again");
	if (users_extra_unpack(bytes, &users) != AK_OK) {
		fuzz_check(
		    !users_extra_has_uid(&users, 0) && !users_extra_has_uid(&users, 20000),
		    "what is refused has no keys");
		return;
	}
	fuzz_check(!users_extra_has_uid(&users, 0) && !users_extra_has_uid(&users, 999) &&
		       !users_extra_has_uid(&users, 65534) &&
		       !users_extra_has_uid(&users, UINT32_MAX),
	    "no account of the system is a key's");
	users_extra_pack(&users, once);
	fuzz_check(users_extra_unpack(once, &users) == AK_OK, "users.idx is read again");
	users_extra_pack(&users, twice);
	fuzz_check(memcmp(once, twice, sizeof(once)) == 0, "users.idx says the same again");
}

/* Flags and texts in fixed rooms: what was read can be written, and is read as the same. */
static void
check_reply(const uint8_t *bytes, size_t len_b)
{
	static struct control_reply r, again;
	struct pack once = PACK_INIT, twice = PACK_INIT;

	if (control_reply_unpack(bytes, len_b, &r) == AK_OK) {
		control_reply_pack(&r, &once);
		fuzz_check(once.len_b == len_b &&
			       control_reply_unpack(once.bytes, once.len_b, &again) == AK_OK,
		    "a reply can be written as it came");
		control_reply_pack(&again, &twice);
		fuzz_check(twice.len_b == len_b && memcmp(once.bytes, twice.bytes, len_b) == 0,
		    "and is read as the same");
	} else {
		fuzz_check(
		    r.err == AK_OK && r.pid == 0 && r.text[0] == '\0', "refused is empty");
	}
	pack_clear(&once);
	pack_clear(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	unsigned kind = fuzz_u8(&in) % (sizeof(kinds) / sizeof(kinds[0]) + 2);
	struct pack again = PACK_INIT;

	if (kind < sizeof(kinds) / sizeof(kinds[0])) {
		kinds[kind](in.at, in.left_b, &again);
		fuzz_check(again.err == AK_OK, "what was read can be written");
		fuzz_check(
		    again.bytes == NULL || (again.len_b == in.left_b &&
					       memcmp(again.bytes, in.at, in.left_b) == 0),
		    "and its bytes are the same");
	} else if (kind == sizeof(kinds) / sizeof(kinds[0])) {
		check_reply(in.at, in.left_b);
	} else if (in.left_b >= INDEX_EXTRA_B) {
		check_extras(in.at);
	}
	pack_clear(&again);
	return 0;
}
