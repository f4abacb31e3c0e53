/* model: LDAP's entries as last known, and what follows from them on this host: the keys that it serves, and which key is in which group. */
#ifndef AK_MODEL_H
#define AK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "err.h"
#include "record.h"
#include "settings.h"
#include "text.h"

/* Everything is keyed by entryUUID: a renamed entry is the same one. In memory; pure: no file, clock or log. */
struct model;

struct model *model_new(void); /* NULL: out of memory */
void model_free(struct model **m);

/*
 * A refresh of a search: what comes from begin to end counts as a whole at the
 * end, or not at all (model_abort: all that are unfinished are forgotten).
 * Outside of one put and gone count at once. What is put is copied.
 * Entries that make no sense (a key without an id, a group without a name) are
 * kept, and skipped by model_settle with a sentence. AK_ERR_INVALID: present
 * or end without begin. AK_ERR_NOMEM leaves the model as it was.
 */
enum ak_err model_begin(struct model *m, enum directory_search_id search) AK_MUST_CHECK;
enum ak_err model_put(struct model *m, const struct directory_entry *e) AK_MUST_CHECK;
enum ak_err model_present(struct model *m, enum directory_search_id search,
    const unsigned char *uuids, size_t n) AK_MUST_CHECK;
enum ak_err model_gone(struct model *m, enum directory_search_id search,
    const unsigned char *uuids, size_t n) AK_MUST_CHECK;
enum ak_err model_end(struct model *m, enum directory_search_id search, bool drop_unnamed,
    const unsigned char *cookie, size_t cookie_len_b) AK_MUST_CHECK;
void model_abort(struct model *m);
/*
 * Did the last end of this search name entries as present that are not here (a
 * server that was put back from an older copy)? Then its cookie is dropped.
 */
bool model_lacks(const struct model *m, enum directory_search_id search);

/* The cookie that the entries stand for; length 0: none, and the next refresh is a full one. */
enum ak_err model_set_cookie(struct model *m, enum directory_search_id search,
    const unsigned char *cookie, size_t len_b) AK_MUST_CHECK;
const unsigned char *model_borrow_cookie(
    const struct model *m, enum directory_search_id search, size_t *len_b);
/* A filter or base was edited, or the snapshot's file was damaged: no entry, no cookie of that search. */
void model_forget(struct model *m, enum directory_search_id search);

/* Entries of a search. */
size_t model_count(const struct model *m, enum directory_search_id search);

/* What the host brings. All of it may differ from call to call. */
struct model_host {
	const struct settings *settings; /* uids, nested, home and shell templates */
	struct strv local_keys; /* names of the keys made on this host: they always win */
	const uint32_t *local_uids; /* of those, in their order */
	struct strv local_ids; /* likewise: no directory key gets one */
	/* Has a local user or group (in the files of /etc) this name or id? Then no directory key gets it. */
	bool (*name_taken)(void *ctx, const char *name);
	bool (*id_taken)(void *ctx, uint32_t id);
	/* Both are asked again for every key when this differs from the last call's; 0: at each call. */
	uint64_t taken_version;
	/* An entry that is not served or not used, and why; for the log. Told when it begins to be so, not at each call. */
	void (*skipped)(void *ctx, const char *dn, const char *why);
	void *ctx;
};

/* What a settle changed. Lists are the model's own, until the next call on it. */
struct model_changes {
	bool keys,
	    groups; /* which of the two files differs now: entries, memberships or cookies */
	const uint32_t *
	    uids; /* keys, local ones too, whose record or memberships differ; each once, in no order */
	size_t n_uids;
};

/*
 * A local key that two principals claim has no membership: neither is known to
 * be it, and a login then takes its groups for unknown.
 *
 * Work out all that follows from what changed since the last call: an entry, a
 * name, the host. Not served, with a sentence: a key whose name, id or uid is
 * not well-formed, outside the directory's range, taken on this host, or shared
 * with another key of the directory (then neither is). A group whose name two
 * entries have is the union of both. Nested groups, where settings say so,
 * with cycles. One change costs what it touches, not the whole.
 */
enum ak_err model_settle(
    struct model *m, const struct model_host *host, struct model_changes *out) AK_MUST_CHECK;

/* After a settle: each key that is served, in uid order; the membership of each known key, by name. take's answer other than AK_OK ends it. */
enum ak_err model_each_key(const struct model *m,
    enum ak_err (*take)(void *ctx, const struct key_record *k), void *ctx) AK_MUST_CHECK;
enum ak_err model_each_membership(const struct model *m,
    enum ak_err (*take)(void *ctx, const char *name, struct strv groups, struct strv bindings),
    void *ctx) AK_MUST_CHECK;
enum ak_err model_each_entry(const struct model *m, enum directory_search_id search,
    enum ak_err (*take)(void *ctx, const struct directory_entry *e), void *ctx) AK_MUST_CHECK;

/* Keys of LDAP that this host doesn't serve. */
size_t model_count_skipped(const struct model *m);

#endif
