/* rejudge_impl: what rejudge's files share: rejudge.c decides, rejudge_files.c finds what that is decided from. */
#ifndef AK_REJUDGE_IMPL_H
#define AK_REJUDGE_IMPL_H

#include "rejudge.h"

/* One session being judged. */
struct asked {
	const struct session *session;
	struct key key;
	struct membership membership;
	bool has_membership;
	bool unreadable; /* what LDAP gives it may be known here, and can't be read */
	struct net_addr address;
	const struct image *policy; /* NULL: none that counts */
	const struct moments *when;
	int64_t *next_at; /* of the policy; see struct rejudge */
	struct decide_request request;
};

/* AK_ERR_NOT_FOUND: the session's key is gone; else it can't be told. */
enum ak_err rejudge_find_key(
    const struct rejudge *r, const struct session *s, struct key *out) AK_MUST_CHECK;

/* Of a key that is no more, or can't be looked up: did it live in LDAP? */
bool rejudge_is_directory_uid(const struct rejudge *r, uint32_t uid);

/* Membership, has_membership and unreadable; key is filled in. */
void rejudge_find_membership(const struct rejudge *r, struct asked *a);

/* Policy, when and next_at. false: it was pinned to another, and its key has changed. */
bool rejudge_choose_policy(struct rejudge *r, struct asked *a) AK_MUST_CHECK;

#endif
