/* watch: says which of the host's files may have changed: by inotify on their folders, by name. */
#ifndef AK_WATCH_H
#define AK_WATCH_H

#include <stdbool.h>

#include "diag.h"
#include "err.h"
#include "loop.h"
#include "paths.h"

enum watch_file {
	WATCH_CONFIG = 1,
	WATCH_POLICY = 2,
	WATCH_LOCKDOWN = 4,
	WATCH_GROUP = 8,
	WATCH_PASSWD = 16,
	WATCH_LOCAL = 32,
	WATCH_SNAPSHOT = 64, /* either file of the directory */
	WATCH_ALL = 127
};

#define WATCH_FILES 8
/* Their folders, and the folders above these: a folder may be replaced too. */
#define WATCH_FOLDERS 16

struct watch {
	struct loop *loop;
	int fd;
	struct watched_file {
		enum watch_file what;
		char folder[PATH_CAP];
		const char *name; /* borrowed from the paths */
	} files[WATCH_FILES];
	struct watched_folder {
		char path[PATH_CAP];
		int wd; /* -1: it is not there */
		bool holds_files;
	} folders[WATCH_FOLDERS];
	unsigned n_folders;
	struct loop_timer again; /* while a folder is not there */
	unsigned made; /* files that were made, and whose writer may be at work */
	struct loop_timer written;
	void (*changed)(void *ctx, unsigned files);
	void *ctx;
};

/*
 * Watch until watch_close. changed is told a set of enum watch_file: those
 * that were written and closed, renamed, made or removed; all of them when the
 * kernel lost count, those of a folder when it was replaced. A file that was made
 * is told when it is closed, or a moment later: its writer is at work. The
 * paths are borrowed. AK_ERR_UNAVAILABLE with a sentence: no inotify.
 */
enum ak_err watch_open(struct watch *w, struct loop *loop, const struct paths *p,
    void (*changed)(void *ctx, unsigned files), void *ctx, struct diag *why) AK_MUST_CHECK;
void watch_close(struct watch *w);

#endif
