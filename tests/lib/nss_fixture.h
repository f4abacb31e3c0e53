/* nss_fixture: makes a users.idx to try the name service on, a sound one or a forged one. */
#ifndef NSS_FIXTURE_H
#define NSS_FIXTURE_H

#include "index_make.h"
#include "record.h"

/* Ranges as a host has them: local keys from 70000, directory keys from 1879048192. Any failure aborts. */
struct nss_fixture {
	struct index_make *make;
	struct users_extra extra;
	uint64_t generation, id; /* id 0: a fresh one */
	int64_t built_at; /* 0: now */
};

/* enumerate is on; change extra, id and built_at at will before nss_fixture_end. */
void nss_fixture_begin(struct nss_fixture *f, uint64_t generation, size_t hint);

/* Home /home/NAME, shell /bin/sh, gecos "NAME's key". */
void nss_fixture_user(struct nss_fixture *f, const char *name, uint32_t uid,
    const uint32_t *gids, uint32_t n_gids);
void nss_fixture_group(
    struct nss_fixture *f, const char *name, uint32_t gid, struct strv members);

/* The same with what rests on the directory: the last n_marked gids, and the marked members. */
void nss_fixture_marked_user(struct nss_fixture *f, const char *name, uint32_t uid,
    const uint32_t *gids, uint32_t n_gids, uint32_t n_marked);
void nss_fixture_marked_group(struct nss_fixture *f, const char *name, uint32_t gid,
    struct strv members, struct strv marked);

/* A record that may contradict itself: entered under other names and numbers than it says. */
void nss_fixture_forged_user(struct nss_fixture *f, const char *key_name, uint32_t key_uid,
    uint32_t number, const struct user_record *r);
void nss_fixture_forged_group(struct nss_fixture *f, const char *key_name, uint32_t key_gid,
    uint32_t number, const struct group_record *r);

/* A user who can be found under another name too. */
void nss_fixture_two_names(
    struct nss_fixture *f, const char *name, const char *other, uint32_t uid);

/* Into the place of path, mode 0644; f is done with. */
void nss_fixture_end(struct nss_fixture *f, const char *path);

/*
 * What most tests ask about: ci (in builders and sudo), deploy (in no role's
 * group, though a member of builders), from-ldap; builders with two members, sudo with none.
 */
void nss_fixture_usual(const char *path);
#define NSS_CI "ci:x:70000:70000:ci's key:/home/ci:/bin/sh\n"
#define NSS_DEPLOY "deploy:x:70001:70001:deploy's key:/home/deploy:/bin/sh\n"
#define NSS_LDAP "from-ldap:x:1879048192:1879048192:from-ldap's key:/home/from-ldap:/bin/sh\n"
#define NSS_BUILDERS "builders:x:100000:ci,deploy\n"
#define NSS_ALL_GROUPS                                                                         \
	"sudo:x:27:\n" NSS_BUILDERS "ci:x:70000:\ndeploy:x:70001:\nfrom-ldap:x:1879048192:\n"

/* gids as a user record has them. */
void nss_fixture_gids(const uint32_t *gids, uint32_t n, unsigned char *out);

#endif
