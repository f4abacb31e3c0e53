#include "nss_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "safefile.h"

static void
must(enum ak_err err)
{
	if (err == AK_OK)
		return;
	(void)fprintf(stderr, "nss_fixture: %s\n", ak_strerror(err));
	abort();
}

void
nss_fixture_begin(struct nss_fixture *f, uint64_t generation, size_t hint)
{
	*f = (struct nss_fixture){
	    .make = index_make_new(hint),
	    .extra =
		{
		    .uids = {70000, 99999},
		    .gids = {100000, 165535},
		    .directory_uids = {1879048192, 1999999999},
		    .enumerate = true,
		},
	    .generation = generation,
	};
	must(f->make == NULL ? AK_ERR_NOMEM : AK_OK);
}

static void
add(struct nss_fixture *f, unsigned order, uint32_t number, struct record_key name,
    struct record_key id, struct pack *value)
{
	struct index_key keys[2] = {{name.bytes, name.len_b}, {id.bytes, id.len_b}};

	must(value->err);
	must(index_make_add(f->make, order, number, keys, 2, value->bytes, value->len_b));
	pack_clear(value);
}

void
nss_fixture_forged_user(struct nss_fixture *f, const char *key_name, uint32_t key_uid,
    uint32_t number, const struct user_record *r)
{
	struct pack value = PACK_INIT;

	user_record_pack(r, &value);
	add(f, ORDER_USERS, number, record_key_text(RECORD_NAME, key_name),
	    record_key_number(RECORD_UID, key_uid), &value);
}

void
nss_fixture_two_names(struct nss_fixture *f, const char *name, const char *other, uint32_t uid)
{
	struct user_record r = {
	    .uid = uid, .name = name, .gecos = "", .home = "/", .shell = "/bin/sh"};
	struct record_key keys[3] = {record_key_text(RECORD_NAME, name),
	    record_key_text(RECORD_NAME, other), record_key_number(RECORD_UID, uid)};
	struct index_key all[3];
	struct pack value = PACK_INIT;

	for (unsigned i = 0; i < 3; i++)
		all[i] = (struct index_key){keys[i].bytes, keys[i].len_b};
	user_record_pack(&r, &value);
	must(value.err);
	must(index_make_add(f->make, ORDER_USERS, uid, all, 3, value.bytes, value.len_b));
	pack_clear(&value);
}

void
nss_fixture_forged_group(struct nss_fixture *f, const char *key_name, uint32_t key_gid,
    uint32_t number, const struct group_record *r)
{
	struct pack value = PACK_INIT;

	group_record_pack(r, &value);
	add(f, ORDER_GROUPS, number, record_key_text(RECORD_GROUP_NAME, key_name),
	    record_key_number(RECORD_GID, key_gid), &value);
}

void
nss_fixture_gids(const uint32_t *gids, uint32_t n, unsigned char *out)
{
	for (uint32_t i = 0; i < n; i++)
		le32_store(out + (size_t)i * 4, gids[i]);
}

void
nss_fixture_marked_user(struct nss_fixture *f, const char *name, uint32_t uid,
    const uint32_t *gids, uint32_t n_gids, uint32_t n_marked)
{
	char gecos[64], home[64];
	unsigned char *packed = malloc((size_t)n_gids * 4 + 1);
	struct user_record r = {.uid = uid,
	    .name = name,
	    .gecos = gecos,
	    .home = home,
	    .shell = "/bin/sh",
	    .n_gids = n_gids,
	    .n_marked = n_marked,
	    .gids = packed};

	must(packed == NULL ? AK_ERR_NOMEM : AK_OK);
	(void)snprintf(gecos, sizeof(gecos), "%s's key", name);
	(void)snprintf(home, sizeof(home), "/home/%s", name);
	nss_fixture_gids(gids, n_gids, packed);
	nss_fixture_forged_user(f, name, uid, uid, &r);
	free(packed);
}

void
nss_fixture_user(struct nss_fixture *f, const char *name, uint32_t uid, const uint32_t *gids,
    uint32_t n_gids)
{
	nss_fixture_marked_user(f, name, uid, gids, n_gids, 0);
}

void
nss_fixture_marked_group(struct nss_fixture *f, const char *name, uint32_t gid,
    struct strv members, struct strv marked)
{
	struct group_record r = {.gid = gid, .name = name, .members = members, .marked = marked};

	nss_fixture_forged_group(f, name, gid, gid, &r);
}

void
nss_fixture_group(struct nss_fixture *f, const char *name, uint32_t gid, struct strv members)
{
	nss_fixture_marked_group(f, name, gid, members, STRV_EMPTY);
}

void
nss_fixture_end(struct nss_fixture *f, const char *path)
{
	struct index_make_head head = {.generation = f->generation,
	    .id = f->id,
	    .built_at = f->built_at == 0 ? (int64_t)time(NULL) : f->built_at};
	unsigned char *bytes;
	size_t len_b;

	users_extra_pack(&f->extra, head.extra);
	must(index_make_finish(f->make, &head, &bytes, &len_b));
	must(safefile_replace(path, 0644, bytes, len_b, 0, NULL));
	free(bytes);
	index_make_free(f->make);
	f->make = NULL;
}

void
nss_fixture_usual(const char *path)
{
	static const char members[] = "ci\0deploy";
	static const uint32_t gids[] = {100000, 27};
	struct nss_fixture f;

	nss_fixture_begin(&f, 1, 0);
	nss_fixture_user(&f, "ci", 70000, gids, 2);
	nss_fixture_user(&f, "deploy", 70001, NULL, 0);
	nss_fixture_user(&f, "from-ldap", 1879048192, gids, 1);
	nss_fixture_group(
	    &f, "builders", 100000, (struct strv){.bytes = members, .len_b = sizeof(members)});
	nss_fixture_group(&f, "sudo", 27, STRV_EMPTY);
	nss_fixture_end(&f, path);
}
