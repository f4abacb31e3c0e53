/* ref_policy: apikey-policy(5) read aloud: a second evaluator, slow and plain, that the real one is held against. */
#ifndef REF_POLICY_H
#define REF_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yamltree.h"

/* A set of texts, in no order. */
struct ref_set {
	char **items;
	size_t n;
};

void ref_set_clear(struct ref_set *s);
bool ref_set_has(const struct ref_set *s, const char *item);
bool ref_set_within(const struct ref_set *inner, const struct ref_set *outer);
bool ref_set_same(const struct ref_set *a, const struct ref_set *b);
/* Sorted, with blanks between; returns buf. */
const char *ref_set_text(struct ref_set *s, char *buf, size_t cap);

#define REF_LIST_MAX 8

/* Lists end with NULL. NULL where a text is missing. */
struct ref_request {
	const char *login;
	const char *bindings[REF_LIST_MAX + 1];
	const char *own_groups[REF_LIST_MAX + 1];
	const char *directory_groups[REF_LIST_MAX + 1];
	bool stale; /* the directory groups are as last known */
	bool member;
	const char *ip, *creator_ip;
	bool has_time;
	int64_t at_s;
	const char *service;
	const char *account; /* NULL: missing; the key's own is its name */
	bool account_is_root; /* uid 0 */
	const char *hosts[REF_LIST_MAX + 1];
	const char *space;
};

enum ref_verdict {
	REF_REFUSED, /* a deny fired */
	REF_NOT_ADMITTED, /* no allow did */
	REF_NO_SPACE, /* this host's space is not declared */
	REF_NO_ROLE, /* none permits the request */
	REF_PERMITTED,
};

struct ref_answer {
	enum ref_verdict verdict;
	struct ref_set fired; /* ids of the denials that did */
	struct ref_set held; /* roles, on this host */
	struct ref_set anywhere; /* "production deployer", "root admin", "host:h viewer" */
};

void ref_answer_clear(struct ref_answer *a);

/* The policy must be one that compiles; the test fails where this finds it is not. */
void ref_policy_eval(
    const struct yaml_node *policy, const struct ref_request *req, struct ref_answer *out);

#endif
