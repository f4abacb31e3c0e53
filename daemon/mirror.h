/* mirror: the directory's side of the daemon: what the engine says, kept in two files, and how fresh it is. */
#ifndef AK_MIRROR_H
#define AK_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "worker.h"
#include "control.h"
#include "diag.h"
#include "err.h"
#include "follow.h"
#include "freshness.h"
#include "log.h"
#include "loop.h"
#include "model.h"
#include "paths.h"
#include "settings.h"
#include "snapshot.h"
#include "store.h"
#include "taken.h"

struct mirror_how {
	const struct paths *paths;
	const struct log *log;
	const char *engine; /* the program */
	const char *engine_user; /* and whom it runs as */
};

struct mirror_host {
	int64_t (*now)(void *ctx); /* seconds since the epoch */
	/* There is something to write and to publish; not told again before mirror_published. */
	void (*changed)(void *ctx);
	/* The refresh of mirror_sync is published, or failed. */
	void (*synced)(void *ctx, enum ak_err err, const char *text);
	void *ctx;
};

/* In one place from mirror_open to mirror_close. */
struct mirror {
	struct mirror_how how;
	struct mirror_host host;
	struct loop *loop;
	struct settings settings; /* the last good ones, when known */
	bool known, on; /* on: they have a directory */
	bool settled; /* they stood so for a while: what they take away may be removed */
	bool removed; /* what there was of one is gone */
	struct model *model;
	struct follow follow;
	struct worker worker;
	uint64_t engine_print; /* what the engine was begun with */
	struct taken taken;
	bool accounts_moved, keys_moved; /* to be read again */
	struct diag behind; /* why they could not be, in the last mirror_prepare */
	struct snapshot snapshot;
	unsigned in_files; /* searches (FOLLOW_BIT) whose file was read, and nothing was wrong with it */
	bool dirty; /* the model moved since the files were written */
	/* Settled and not written yet; written and not published yet. */
	bool write_keys, write_groups;
	bool unpublished, uids_lost;
	struct source_id keys_before, groups_before;
	struct pack uids; /* as uint32_t */
	struct freshness fresh;
	int64_t fresh_ms; /* when it was written, monotonic */
	bool fresh_failed; /* it could not be, and that is told */
	int64_t contact_waits; /* a contact to be written, behind the files; 0: none */
	int64_t changed_at;
	uint32_t first; /* of the URIs, for the next engine */
	bool refetched; /* this engine was asked for everything, because something was missing */
	unsigned n_skipped; /* in this settle */
	int64_t lost_ms; /* when directory-lost was logged last, monotonic */
	bool connected;
	bool sync_wanted, sync_unpublished;
	char told[512]; /* the problem that was logged last */
};

/* Reads what the files hold. AK_ERR_NOMEM. */
enum ak_err mirror_open(struct mirror *m, struct loop *loop, const struct mirror_how *how,
    const struct mirror_host *host) AK_MUST_CHECK;
void mirror_close(struct mirror *m);

/*
 * The settings are these now; the same ones again: files that they name may
 * have changed. The engine is begun, begun anew, or ended. Settings that take
 * the directory or a search of it away count only once they are settled: a file
 * that is being written lacks its end for a moment.
 */
void mirror_configure(struct mirror *m, const struct settings *s, bool settled);

/* For the publisher (publisher.h). */
enum ak_err mirror_prepare(struct mirror *m, struct diag *why) AK_MUST_CHECK;
/* Could what this host has by itself not be read anew just now? Then why; what it said before stands. */
bool mirror_is_behind(const struct mirror *m, struct diag *why);
enum ak_err mirror_note(struct mirror *m, struct store *s) AK_MUST_CHECK;
/* By the next mirror_prepare, from the model, whatever lies there. */
void mirror_rewrite(struct mirror *m, bool keys, bool groups);
void mirror_published(struct mirror *m, enum ak_err err, const char *problem);

/* For the server (server.h). */
void mirror_sync(struct mirror *m);
void mirror_status(const struct mirror *m, struct control_reply *out);

#endif
