#include "fuzz_pam_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_forge.h"
#include "fuzz_pam_forge.h"
#include "fuzz_pam_world.h"
#include "samples.h"
#include "sessions.h"
#include "text.h"

struct bytes {
	unsigned char *at;
	size_t len_b;
};

/* A file as it is when it is whole: before and after the change; none: there is no such file. */
static struct {
	struct paths paths;
	struct bytes whole[2][HOST_FILES];
	struct stat put[HOST_FILES]; /* as it was put there last */
	bool dirty[HOST_FILES];
} hosts[HOST_KINDS];

static const char *
path_of(enum host_kind kind, enum host_file file)
{
	const struct paths *p = &hosts[kind].paths;
	const char *const paths[HOST_FILES] = {
	    [FILE_LOCAL] = p->local,
	    [FILE_USERS] = p->users,
	    [FILE_IMAGE] = p->image,
	    [FILE_POLICY] = p->policy,
	    [FILE_CONFIG] = p->config,
	    [FILE_GROUP] = p->group,
	    [FILE_DIRECTORY_KEYS] = p->directory_keys,
	    [FILE_DIRECTORY_GROUPS] = p->directory_groups,
	    [FILE_FRESHNESS] = p->freshness,
	    [FILE_AUDIT] = p->audit,
	    [FILE_LASTUSED] = p->lastused,
	    [FILE_LOCKDOWN] = p->lockdown,
	};

	return paths[file];
}

/* ---- files ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
clear_place(const char *path)
{
	if (unlink(path) == -1 && errno != ENOENT)
		(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/*
 * The host's clock is years ahead of the file system's, so that every file looks
 * old: then no two of a place may look alike, as one tick after the other they do.
 */
static void
stamp_anew(const char *path)
{
	static long turn;
	const struct timespec at[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = 1000000000 + turn / 1000000000, .tv_nsec = turn % 1000000000}};

	turn++;
	(void)utimensat(AT_FDCWD, path, at, AT_SYMLINK_NOFOLLOW);
}

static void
write_file(const char *path, mode_t mode, const void *bytes, size_t len_b)
{
	FILE *f;

	clear_place(path);
	f = fopen(path, "wxe");
	fuzz_check(f != NULL && fwrite(bytes, 1, len_b, f) == len_b &&
		       fchmod(fileno(f), mode) == 0 && fclose(f) == 0,
	    "the host's files can be written");
	stamp_anew(path);
}

static struct bytes
read_file(const char *path)
{
	struct bytes b = {.at = NULL};
	struct stat st;
	FILE *f;

	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode) || (f = fopen(path, "re")) == NULL)
		return b;
	if ((b.at = malloc((size_t)st.st_size + 1)) != NULL)
		b.len_b = fread(b.at, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	return b;
}

static void
note(enum host_kind kind, enum host_file file)
{
	struct stat *st = &hosts[kind].put[file];

	memset(st, 0, sizeof(*st));
	(void)lstat(path_of(kind, file), st);
}

static void
put(enum host_kind kind, enum host_file file, const struct bytes *b)
{
	bool is_public = file == FILE_USERS || file == FILE_POLICY || file == FILE_CONFIG ||
			 file == FILE_GROUP || file == FILE_FRESHNESS;

	if (b->at == NULL)
		clear_place(path_of(kind, file));
	else
		write_file(path_of(kind, file), is_public ? 0644 : 0600, b->at, b->len_b);
	note(kind, file);
}

/* The image says which files it was made from: those that are there now. */
static void
stamp_image(enum host_kind kind)
{
	const struct paths *p = &hosts[kind].paths;
	struct bytes *image = &hosts[kind].whole[0][FILE_IMAGE];

	if (image->at == NULL)
		return;
	forge_image_sources(
	    p, (host_began_s + 100) * INT64_C(1000000000), image->at, image->len_b);
	put(kind, FILE_IMAGE, image);
}

/* ---- the host ---- */

static char top[64];

static void
remove_all(void)
{
	if (chdir("/") == 0)
		(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
host_make_all(void)
{
	fuzz_check(text_copy(top, sizeof(top), fuzz_folder()) == AK_OK, "a folder's name fits");
	(void)atexit(remove_all);
	host_began_s = world.now_s;
	for (unsigned kind = 0; kind < HOST_KINDS; kind++) {
		struct paths *p = &hosts[kind].paths;

		for (unsigned after = 0; after < 2; after++) {
			forge_host(top, kind, after, p);
			for (unsigned file = 0; file < HOST_FILES; file++)
				hosts[kind].whole[after][file] = read_file(path_of(kind, file));
		}
		memset(hosts[kind].dirty, true, sizeof(hosts[kind].dirty));
	}
}

struct paths
host_restore(enum host_kind kind)
{
	const struct paths *p = &hosts[kind].paths;
	bool *dirty = hosts[kind].dirty;
	bool stale = dirty[FILE_POLICY] || dirty[FILE_CONFIG] || dirty[FILE_GROUP];
	char samples[PATH_CAP * 2];

	/* What a login itself writes. */
	dirty[FILE_AUDIT] = dirty[FILE_LASTUSED] = true;
	(void)snprintf(samples, sizeof(samples), "%s/" SAMPLES_FOLDER, p->state);
	clear_place(samples);
	for (unsigned file = 0; file < HOST_FILES; file++)
		if (dirty[file])
			put(kind, file, &hosts[kind].whole[0][file]);
	memset(dirty, 0, sizeof(hosts[kind].dirty));
	if (stale)
		stamp_image(kind);
	/* One that is there already is opened in fewer steps: the same failure would strike another. */
	clear_place(p->run);
	return *p;
}

void
host_change(enum host_kind kind, bool local, bool users)
{
	if (local) {
		put(kind, FILE_LOCAL, &hosts[kind].whole[1][FILE_LOCAL]);
		hosts[kind].dirty[FILE_LOCAL] = true;
	}
	if (users) {
		put(kind, FILE_USERS, &hosts[kind].whole[1][FILE_USERS]);
		hosts[kind].dirty[FILE_USERS] = true;
	}
}

/* ---- damage ---- */

/* In another's bytes, or in no file's. */
static void
damage_bytes(enum host_kind kind, enum host_file file, enum damage how, uint32_t at,
    const uint8_t *text, size_t text_b)
{
	struct bytes b = read_file(path_of(kind, how == DAMAGE_OTHER ? at % HOST_FILES : file));
	size_t len_b = b.len_b;
	unsigned char *more;

	if (how == DAMAGE_CUT && len_b > 0)
		len_b = at % len_b;
	else if ((how == DAMAGE_FLIPPED || how == DAMAGE_FORGED) && len_b > 0 && text_b > 0)
		b.at[at % len_b] ^= text[0];
	if (how == DAMAGE_FORGED)
		fuzz_forge(b.at, len_b);
	if (how == DAMAGE_GROWN || how == DAMAGE_TEXT) {
		len_b = how == DAMAGE_TEXT ? 0 : len_b;
		if ((more = realloc(b.at, len_b + text_b + 1)) == NULL)
			abort();
		b.at = more;
		memcpy(b.at + len_b, text, text_b);
		len_b += text_b;
	}
	write_file(path_of(kind, file), 0600, b.at, how == DAMAGE_EMPTY ? 0 : len_b);
	free(b.at);
}

/* Not what it is a link to: that is another file, whose damage nobody would mend. */
static void
make_writable(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1 || S_ISLNK(st.st_mode))
		return;
	(void)chmod(path, 0666);
	stamp_anew(path);
}

void
host_damage(enum host_kind kind, enum host_file file, enum damage how, uint32_t at,
    const uint8_t *bytes, size_t len_b)
{
	const char *path = path_of(kind, file);

	hosts[kind].dirty[file] = true;
	switch (how) {
	case DAMAGE_REMOVED:
		clear_place(path);
		break;
	case DAMAGE_FOLDER:
		clear_place(path);
		(void)mkdir(path, 0755);
		break;
	case DAMAGE_LINK:
		clear_place(path);
		(void)!symlink(path_of(kind, at % HOST_FILES), path);
		break;
	case DAMAGE_FIFO:
		clear_place(path);
		(void)mkfifo(path, 0600);
		break;
	case DAMAGE_WRITABLE:
		make_writable(path);
		break;
	default:
		damage_bytes(kind, file, how, at, bytes, len_b);
		break;
	}
	note(kind, file);
}

/* The names in a folder of records, one after the other; NULL: no more. */
static const char *
next_record(DIR *d)
{
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			return e->d_name;
	return NULL;
}

void
host_damage_records(enum host_kind kind, const char *folder, uint32_t at, bool with_folder)
{
	char path[PATH_CAP * 2], file[PATH_CAP * 4];
	const char *name;
	struct bytes b;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/%s", hosts[kind].paths.run, folder);
	if (with_folder)
		(void)chmod(path, 0777);
	for (d = opendir(path); (name = next_record(d)) != NULL;) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, name);
		b = read_file(file);
		if (b.len_b > 0) {
			b.at[at % b.len_b] ^= (unsigned char)(1U << at / 65536 % 8);
			write_file(file, 0600, b.at, b.len_b);
		}
		free(b.at);
	}
	if (d != NULL)
		(void)closedir(d);
}

/* ---- what became of it ---- */

unsigned
host_count_handles(enum host_kind kind)
{
	char path[PATH_CAP * 2];
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/handles", hosts[kind].paths.run);
	d = opendir(path);
	while (next_record(d) != NULL)
		n++;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static enum ak_err
count_open(void *ctx, const struct session *s)
{
	*(unsigned *)ctx += s->state == SESSION_OPEN;
	return AK_OK;
}

unsigned
host_count_open(enum host_kind kind)
{
	unsigned n = 0;

	(void)!sessions_each(&hosts[kind].paths, count_open, &n);
	return n;
}

bool
host_is_untouched(enum host_kind kind)
{
	for (unsigned file = 0; file < HOST_FILES; file++) {
		const struct stat *was = &hosts[kind].put[file];
		struct stat st;

		if (file == FILE_AUDIT || file == FILE_LASTUSED)
			continue;
		memset(&st, 0, sizeof(st));
		(void)lstat(path_of(kind, file), &st);
		if (st.st_ino != was->st_ino || st.st_size != was->st_size ||
		    st.st_mode != was->st_mode || st.st_mtim.tv_sec != was->st_mtim.tv_sec ||
		    st.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
			return false;
	}
	return true;
}

bool
host_has_logged(enum host_kind kind, const char *text)
{
	struct bytes b = read_file(path_of(kind, FILE_AUDIT));
	bool has = b.len_b > 0 && memmem(b.at, b.len_b, text, strlen(text)) != NULL;

	free(b.at);
	return has;
}
