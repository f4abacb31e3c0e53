/* ref_condition: the predicates and conditions of apikey-policy(5), slow and plain. */
#ifndef REF_CONDITION_H
#define REF_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref_tree.h"
#include "text.h"

#define REF_LIST_MAX 8

/* Lists end with NULL. NULL where a text is missing. */
struct ref_request {
	const char *login;
	const char *bindings[REF_LIST_MAX + 1];
	const char *own_groups[REF_LIST_MAX + 1];
	const char *directory_groups[REF_LIST_MAX + 1];
	const char *directory_bindings[REF_LIST_MAX + 1];
	bool stale; /* what the directory gives is as last known */
	bool unknown; /* and what it gives this key was never known */
	bool directory_key; /* it lives in the directory */
	/* The host's: */
	bool has_directory;
	struct strv may_grant;
	bool member;
	const char *ip, *creator_ip;
	bool has_time;
	int64_t at_ms;
	const char *service;
	const char *account; /* NULL: missing; the key's own is its name */
	bool account_is_root; /* uid 0 */
	const char *hosts[REF_LIST_MAX + 1];
	const char *space;
	bool favour; /* what can't be told is decided for the session */
};

/* Where an item stands, and who asks. */
struct ref_scene {
	const struct yaml_node *policy;
	const struct ref_request *req;
	bool in_deny;
	bool permitted; /* sample alone */
	bool without_directory; /* as if it had never said anything of anybody */
};

/* Does the item fire? What can't be told is refused, or, in favour of a session, passed. */
bool ref_fires(const struct ref_scene *s, const struct yaml_node *item);

/* Does a grant fire though the directory had never said anything? Favour is for what can't be told otherwise. */
bool ref_fires_without_directory(const struct ref_scene *s, const struct yaml_node *item);

/* Does one of the globs match? */
bool ref_any_glob(const struct yaml_node *globs, const char *s);

#endif
