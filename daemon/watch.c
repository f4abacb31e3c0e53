#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "text.h"

#define FOLDER_EVENTS                                                                          \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |                \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* How soon a folder that is not there is looked for again. */
#define AGAIN_MS 1000

/* A file that was made by open(2) is empty still, and its close will be told; one that link(2) made is whole. */
#define WRITTEN_MS 100

/* "/etc/apikey/policy.yaml" into "/etc/apikey" and "policy.yaml"; "/etc" into "/" and "etc". */
static const char *
split(const char *path, char folder[PATH_CAP])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == path ? 1 : (size_t)(slash - path);

	memcpy(folder, path, len);
	folder[len] = '\0';
	return slash + 1;
}

static void
add_folder(struct watch *w, const char *path, bool holds_files)
{
	for (unsigned i = 0; i < w->n_folders; i++)
		if (strcmp(w->folders[i].path, path) == 0) {
			w->folders[i].holds_files |= holds_files;
			return;
		}
	w->folders[w->n_folders] = (struct watched_folder){.wd = -1, .holds_files = holds_files};
	(void)!text_copy(w->folders[w->n_folders++].path, PATH_CAP, path);
}

static void
list_files(struct watch *w, const struct paths *p)
{
	const struct {
		enum watch_file what;
		const char *path;
	} rows[WATCH_FILES] = {
	    {WATCH_CONFIG, p->config},
	    {WATCH_POLICY, p->policy},
	    {WATCH_LOCKDOWN, p->lockdown},
	    {WATCH_GROUP, p->group},
	    {WATCH_PASSWD, p->passwd},
	    {WATCH_LOCAL, p->local},
	    {WATCH_SNAPSHOT, p->directory_keys},
	    {WATCH_SNAPSHOT, p->directory_groups},
	};
	char above[PATH_CAP];

	for (unsigned i = 0; i < WATCH_FILES; i++) {
		w->files[i].what = rows[i].what;
		w->files[i].name = split(rows[i].path, w->files[i].folder);
		add_folder(w, w->files[i].folder, true);
		(void)split(w->files[i].folder, above);
		add_folder(w, above, false);
	}
}

static unsigned
files_of(const struct watch *w, const struct watched_folder *f)
{
	unsigned set = 0;

	for (unsigned i = 0; i < WATCH_FILES; i++)
		if (strcmp(w->files[i].folder, f->path) == 0)
			set |= w->files[i].what;
	return set;
}

/* Watches the folder that has the name now. The answer: files that may differ. */
static unsigned
watch_folder(struct watch *w, struct watched_folder *f)
{
	int wd = inotify_add_watch(w->fd, f->path, FOLDER_EVENTS);
	unsigned set = 0;

	if (wd != f->wd) {
		if (f->wd != -1)
			(void)inotify_rm_watch(w->fd, f->wd);
		set = files_of(w, f);
	}
	f->wd = wd;
	if (wd == -1)
		loop_arm_by(w->loop, &w->again, AGAIN_MS);
	return set;
}

static unsigned
watch_folders(struct watch *w)
{
	unsigned set = 0;

	for (unsigned i = 0; i < w->n_folders; i++)
		set |= watch_folder(w, &w->folders[i]);
	return set;
}

static unsigned
files_named(const struct watch *w, const struct watched_folder *f, const struct inotify_event *e)
{
	unsigned set = 0;

	if (e->len == 0 || !f->holds_files)
		return 0;
	for (unsigned i = 0; i < WATCH_FILES; i++)
		if (strcmp(w->files[i].folder, f->path) == 0 &&
		    strcmp(w->files[i].name, e->name) == 0)
			set |= w->files[i].what;
	return set;
}

/* Is one of our folders moved, made or gone by this? */
static bool
moves_folder(
    const struct watch *w, const struct watched_folder *f, const struct inotify_event *e)
{
	char above[PATH_CAP];

	if ((e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0)
		return true;
	if (e->len == 0)
		return false;
	for (unsigned i = 0; i < w->n_folders; i++)
		if (strcmp(split(w->folders[i].path, above), e->name) == 0 &&
		    strcmp(above, f->path) == 0)
			return true;
	return false;
}

static unsigned
look_at(struct watch *w, const struct inotify_event *e, bool *moved)
{
	unsigned set = 0;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		*moved = true;
		return WATCH_ALL;
	}
	for (unsigned i = 0; i < w->n_folders; i++)
		if (w->folders[i].wd == e->wd) {
			unsigned named = files_named(w, &w->folders[i], e);

			if ((e->mask & IN_CREATE) != 0)
				w->made |= named;
			else
				set |= named;
			if (moves_folder(w, &w->folders[i], e))
				*moved = true;
			if ((e->mask & IN_IGNORED) != 0)
				w->folders[i].wd = -1;
		}
	return set;
}

static void
read_events(void *ctx, short revents)
{
	struct watch *w = ctx;
	union {
		struct inotify_event align;
		char bytes[16384];
	} buf;
	unsigned set = 0;
	bool moved = false;
	ssize_t n;

	(void)revents;
	while ((n = read(w->fd, buf.bytes, sizeof(buf.bytes))) > 0)
		for (size_t at = 0; at < (size_t)n;) {
			const struct inotify_event *e =
			    (const struct inotify_event *)(const void *)(buf.bytes + at);

			set |= look_at(w, e, &moved);
			at += sizeof(*e) + e->len;
		}
	if (moved)
		set |= watch_folders(w);
	w->made &= ~set;
	if (w->made != 0)
		loop_arm_by(w->loop, &w->written, WRITTEN_MS);
	if (set != 0)
		w->changed(w->ctx, set);
}

static void
tell_made(void *ctx)
{
	struct watch *w = ctx;
	unsigned set = w->made;

	w->made = 0;
	if (set != 0)
		w->changed(w->ctx, set);
}

static void
look_again(void *ctx)
{
	struct watch *w = ctx;
	unsigned set = watch_folders(w);

	if (set != 0)
		w->changed(w->ctx, set);
}

enum ak_err
watch_open(struct watch *w, struct loop *loop, const struct paths *p,
    void (*changed)(void *ctx, unsigned files), void *ctx, struct diag *why)
{
	enum ak_err err;

	*w = (struct watch){.loop = loop, .changed = changed, .ctx = ctx};
	w->again = (struct loop_timer){.due = look_again, .ctx = w};
	w->written = (struct loop_timer){.due = tell_made, .ctx = w};
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "files cannot be watched: %s (fs.inotify.max_user_instances may be too "
		    "low)",
		    strerror(errno));
	list_files(w, p);
	(void)watch_folders(w);
	err = loop_add(loop, w->fd, POLLIN, read_events, w);
	if (err != AK_OK)
		watch_close(w);
	return err;
}

void
watch_close(struct watch *w)
{
	loop_disarm(w->loop, &w->again);
	loop_disarm(w->loop, &w->written);
	loop_remove(w->loop, w->fd);
	if (w->fd != -1)
		(void)close(w->fd);
	w->fd = -1;
}
