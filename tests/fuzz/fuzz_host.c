#include "fuzz_host.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "index_make.h"
#include "nss_fixture.h"

const char *
fuzz_host_path(const struct paths *p, enum fuzz_state_file which)
{
	const char *const paths[STATE_FILES] = {
	    p->local, p->users, p->directory_keys, p->directory_groups};

	return paths[which];
}

static void
add(struct index_make *m, unsigned order, uint32_t number, const struct record_key *by,
    unsigned n, struct pack *value)
{
	struct index_key keys[3];

	for (unsigned i = 0; i < n; i++)
		keys[i] = (struct index_key){by[i].bytes, by[i].len_b};
	fuzz_check(value->err == AK_OK && index_make_add(m, order, number, keys, n,
					      value->bytes, value->len_b) == AK_OK,
	    "a record can be added");
	pack_clear(value);
}

static void
add_key(struct index_make *m, const char *name, const char *id, uint32_t uid, bool local)
{
	static const char bindings[] = "viewer\0editor:spaces:production";
	struct key_record k = KEY_RECORD_INIT;
	struct record_key by[3] = {record_key_text(RECORD_ID, id),
	    record_key_text(RECORD_NAME, name), record_key_number(RECORD_UID, uid)};
	struct pack value = PACK_INIT;

	memcpy(k.name, name, strlen(name) + 1);
	memcpy(k.id, id, KEY_ID_LEN + 1);
	k.uid = uid;
	k.state = KEY_ACTIVE;
	k.n_secrets = 1;
	k.secrets[0] = (struct key_secret){.number = 1, .created_at = 1, .not_after = NUM_NEVER};
	k.created_by = "alice";
	k.home = local ? "/home/key" : "";
	k.shell = local ? "/bin/sh" : "";
	k.bindings = (struct strv){bindings, sizeof(bindings)};
	key_record_pack(&k, &value);
	add(m, ORDER_KEYS, uid, by, 3, &value);
}

static void
add_rest(struct index_make *m)
{
	const struct spent_uid spent = {
	    .uid = 70002, .deleted_at = 1, .name = "old", .id = "K000070002"};
	const struct role_gid role = {.gid = 100000, .group = "builders"};
	struct record_key by = record_key_number(RECORD_SPENT_UID, spent.uid);
	struct pack value = PACK_INIT;

	spent_uid_pack(&spent, &value);
	add(m, ORDER_REST, spent.uid, &by, 1, &value);
	by = record_key_text(RECORD_ROLE_GROUP, role.group);
	role_gid_pack(&role, &value);
	add(m, ORDER_REST, role.gid, &by, 1, &value);
}

static void
add_entry(
    struct index_make *m, enum directory_search_id search, const char *dn, const char *name)
{
	struct directory_entry e = {.search = search, .dn = dn, .uuid = {(unsigned char)search}};
	struct record_key by = {
	    .bytes = {RECORD_ENTRY, (unsigned char)search}, .len_b = 2 + DIRECTORY_UUID_B};
	struct pack value = PACK_INIT, cookie = PACK_INIT;

	memcpy(by.bytes + 2, e.uuid, sizeof(e.uuid));
	e.values[SLOT_NAME] = (struct strv){name, strlen(name) + 1};
	if (search == DIRECTORY_GROUPS)
		e.values[SLOT_MEMBER_NAME] = (struct strv){"ci", 3};
	directory_entry_pack(&e, &value);
	add(m, ORDER_REST, 1, &by, 1, &value);
	by = record_key_number(RECORD_COOKIE, search);
	pack_bytes(&cookie, "rid=001", 7);
	add(m, ORDER_REST, 0, &by, 1, &cookie);
}

static void
add_membership(struct index_make *m, const char *name, uint32_t number)
{
	struct record_key by = record_key_text(RECORD_NAME, name);
	struct pack value = PACK_INIT;

	membership_pack((struct strv){"staff", 6}, (struct strv){"viewer", 7}, &value);
	add(m, ORDER_KEYS, number, &by, 1, &value);
}

static void
finish(struct index_make *m, const char *path, const void *extra)
{
	struct index_make_head head = {.generation = 3, .id = 5, .built_at = 1};
	unsigned char *bytes;
	size_t len_b;

	if (extra != NULL)
		memcpy(head.extra, extra, sizeof(head.extra));
	fuzz_check(index_make_finish(m, &head, &bytes, &len_b) == AK_OK &&
		       safefile_replace(path, 0600, bytes, len_b, 0, NULL) == AK_OK,
	    "a file can be made");
	free(bytes);
	index_make_free(m);
}

void
fuzz_host_make(const struct paths *p, struct safefile out[STATE_FILES])
{
	const struct local_extra high = {.uid_high = 70002, .gid_high = 100000};
	unsigned char extra[INDEX_EXTRA_B];
	struct index_make *m = index_make_new(0);

	local_extra_pack(&high, extra);
	add_key(m, "ci", "K000070000", 70000, true);
	add_key(m, "deploy", "K000070001", 70001, true);
	add_rest(m);
	finish(m, p->local, extra);
	m = index_make_new(0);
	add_key(m, "from-ldap", "D000000001", 1879048192, false);
	add_entry(m, DIRECTORY_KEYS, "cn=from-ldap", "from-ldap");
	finish(m, p->directory_keys, NULL);
	m = index_make_new(0);
	add_membership(m, "ci", 0);
	add_membership(m, "from-ldap", 1);
	add_entry(m, DIRECTORY_GROUPS, "cn=staff", "staff");
	add_entry(m, DIRECTORY_PRINCIPALS, "uid=ci", "ci");
	finish(m, p->directory_groups, NULL);
	nss_fixture_usual(p->users);
	for (unsigned i = 0; i < STATE_FILES; i++)
		fuzz_check(safefile_read(fuzz_host_path(p, (enum fuzz_state_file)i), p->owner,
			       1 << 20, &out[i], NULL) == AK_OK,
		    "and read");
}
