/* ref_dir: what the model has to answer, worked out anew from all entries in the plainest way. */
#ifndef REF_DIR_H
#define REF_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "model.h"
#include "pack.h"

#define REF_DIR_MAX 160 /* entries, uids that were served */
#define REF_DIR_SEARCHES 4

struct ref_entry {
	bool is, named; /* there; named by the refresh */
	struct pack bytes;
	struct directory_entry e; /* in bytes */
};

/* A key that is known. */
struct ref_key {
	char name[KEY_NAME_MAX + 1];
	uint32_t uid;
	bool local;
	struct pack record, membership; /* as packed; record empty for a local one */
};

struct ref_past {
	uint32_t uid;
	char id[KEY_ID_LEN + 1];
	unsigned char uuid[DIRECTORY_UUID_B];
};

struct ref_set {
	struct ref_entry v[REF_DIR_MAX];
	size_t n;
};

struct ref_dir {
	struct ref_set now,
	    staged[REF_DIR_SEARCHES]; /* staged: there; else named: present; else gone */
	bool open[REF_DIR_SEARCHES];
	struct ref_past past[REF_DIR_MAX];
	size_t n_past;
	struct ref_key key[REF_DIR_MAX], before[REF_DIR_MAX]; /* by name */
	size_t n_keys, n_before;
	uint32_t uids[2 * REF_DIR_MAX]; /* that differ, each once */
	size_t n_uids;
	bool records_differ, memberships_differ;
};

void ref_dir_put(struct ref_dir *d, const struct directory_entry *e);
void ref_dir_gone(struct ref_dir *d, enum directory_search_id s, const unsigned char *uuid);
void ref_dir_begin(struct ref_dir *d, enum directory_search_id s);
void ref_dir_present(struct ref_dir *d, enum directory_search_id s, const unsigned char *uuid);
void ref_dir_end(struct ref_dir *d, enum directory_search_id s, bool drop_unnamed);
void ref_dir_abort(struct ref_dir *d);
void ref_dir_forget(struct ref_dir *d, enum directory_search_id s);
void ref_dir_settle(struct ref_dir *d, const struct model_host *host);
void ref_dir_clear(struct ref_dir *d);

#endif
