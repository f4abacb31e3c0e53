#include "samples.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ownfile.h"
#include "pack.h"
#include "safefile.h"
#include "samples_pack.h"
#include "text.h"

#define SAMPLE_MAX_B ((size_t)1 << 20)
/* One in so many sweeps. */
#define SWEEP_EVERY 32U
/* What a writer that was killed has left behind. */
#define LEFTOVER_S 60

static enum ak_err
folder_path(const struct paths *p, const char *id, char out[PATH_CAP * 2])
{
	struct text t = text_over(out, PATH_CAP * 2);

	text_add(&t, "%s/" SAMPLES_FOLDER "%s%s", p->state, id == NULL ? "" : "/",
	    id == NULL ? "" : id);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

static bool
is_id(const char *s)
{
	return strlen(s) == SAMPLE_ID_LEN && strspn(s, "0123456789abcdef") == SAMPLE_ID_LEN;
}

/* Made when missing; not the owner's, or open to others: nothing is kept. */
static bool
have_folder(const struct paths *p, const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) == 0)
		(void)!chmod(dir, 0700); /* whatever the umask is */
	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == p->owner &&
	       (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* What lies in the folder: ids, ascending, and the files of writers that are gone. */
struct listing {
	char (*ids)[SAMPLE_ID_LEN + 1];
	size_t n, cap;
};

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, SAMPLE_ID_LEN);
}

static enum ak_err
listing_add(struct listing *l, const char *id)
{
	size_t cap = l->cap == 0 ? 64 : l->cap * 2;
	void *more;

	if (l->n == l->cap) {
		if ((more = reallocarray(l->ids, cap, sizeof(*l->ids))) == NULL)
			return AK_ERR_NOMEM;
		l->ids = more;
		l->cap = cap;
	}
	memcpy(l->ids[l->n++], id, SAMPLE_ID_LEN + 1);
	return AK_OK;
}

static void
remove_leftover(int at, const char *name)
{
	struct timespec now;
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    st.st_mtim.tv_sec + LEFTOVER_S < now.tv_sec)
		(void)unlinkat(at, name, 0);
}

static enum ak_err
list_folder(const char *dir, bool sweep, struct listing *l)
{
	enum ak_err err = AK_OK;
	struct dirent *entry;
	DIR *d = opendir(dir);

	*l = (struct listing){.ids = NULL};
	if (d == NULL)
		return errno == ENOENT ? AK_OK : AK_ERR_UNAVAILABLE;
	while (err == AK_OK && (entry = readdir(d)) != NULL) {
		if (is_id(entry->d_name))
			err = listing_add(l, entry->d_name);
		else if (sweep && entry->d_name[0] == '.')
			remove_leftover(dirfd(d), entry->d_name);
	}
	(void)closedir(d);
	if (l->n > 1)
		qsort(l->ids, l->n, sizeof(*l->ids), by_id);
	return err;
}

/* The first of the sorted ids that is to stay. */
static size_t
first_within(const struct listing *l, const struct settings *settings, int64_t now)
{
	size_t first = l->n > settings->samples_max ? l->n - settings->samples_max : 0;
	int64_t oldest_s = 0;
	char oldest[32];

	if (settings->samples_max_age_s < now)
		oldest_s = now - settings->samples_max_age_s;
	(void)snprintf(
	    oldest, sizeof(oldest), "%011llx00000", (unsigned long long)oldest_s * 1000);
	while (first < l->n && memcmp(l->ids[first], oldest, SAMPLE_ID_LEN) < 0)
		first++;
	return first;
}

static void
sweep(const char *dir, const struct settings *settings, int64_t now)
{
	struct listing l;
	size_t first;
	int fd;

	if (list_folder(dir, true, &l) == AK_OK &&
	    (first = first_within(&l, settings, now)) > 0 &&
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != -1) {
		for (size_t i = 0; i < first; i++)
			(void)unlinkat(fd, l.ids[i], 0);
		(void)close(fd);
	}
	free(l.ids);
}

static void
keep(const struct paths *p, const struct live *live, const struct decide_request *req,
    const struct pack *bytes)
{
	char dir[PATH_CAP * 2], path[PATH_CAP * 2], id[32];
	uint32_t chance;
	uint64_t ms = samples_at_ms(req) < 0 ? 0 : (uint64_t)samples_at_ms(req);

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		return;
	(void)snprintf(id, sizeof(id), "%011llx%05x",
	    (unsigned long long)(ms & UINT64_C(0xfffffffffff)), chance & 0xfffffU);
	if (folder_path(p, NULL, dir) != AK_OK || folder_path(p, id, path) != AK_OK ||
	    !have_folder(p, dir))
		return;
	/* A denial is logged behind this: whoever began su with a small limit must not end it here. */
	if (ownfile_may_reach((off_t)bytes->len_b))
		(void)!safefile_replace(path, 0600, bytes->bytes, bytes->len_b, 0, NULL);
	if ((chance >> 20) % SWEEP_EVERY == 0)
		sweep(dir, &live->settings, req->now);
}

void
samples_keep(const struct paths *p, const struct live *live, const struct decide_request *req,
    const struct verdict *v)
{
	struct pack bytes = PACK_INIT;
	struct policy_request ask;
	bool wanted = false;

	if (req->policy == NULL || live->settings.samples_max == 0 ||
	    image_count_rules(req->policy, IMAGE_SAMPLE_RULES) == 0)
		return;
	ask = decide_policy_request(req);
	if (policy_samples(req->policy, &ask, v->reason == REASON_PERMITTED, &wanted) != AK_OK ||
	    !wanted)
		return;
	samples_pack(&bytes, req, v);
	if (bytes.err == AK_OK && bytes.len_b <= SAMPLE_MAX_B)
		keep(p, live, req, &bytes);
	pack_clear(&bytes);
}

enum ak_err
samples_load(const struct paths *p, const char *id, struct sample *out)
{
	struct safefile file;
	char path[PATH_CAP * 2];
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	if (!is_id(id))
		return AK_ERR_NOT_FOUND;
	if ((err = folder_path(p, id, path)) != AK_OK ||
	    (err = safefile_read(path, p->owner, SAMPLE_MAX_B, &file, NULL)) != AK_OK)
		return err;
	memcpy(out->id, id, sizeof(out->id));
	out->bytes = (unsigned char *)file.bytes;
	if ((err = samples_unpack(out, file.len_b)) != AK_OK)
		sample_clear(out);
	return err;
}

void
sample_clear(struct sample *s)
{
	free(s->bytes);
	memset(s, 0, sizeof(*s));
}

enum ak_err
samples_each(const struct paths *p, const struct settings *settings, int64_t now,
    enum ak_err (*take)(void *ctx, const struct sample *s), void *ctx)
{
	char dir[PATH_CAP * 2];
	struct listing l = {.ids = NULL};
	struct sample s;
	enum ak_err err = folder_path(p, NULL, dir);

	if (err == AK_OK)
		err = list_folder(dir, false, &l);
	for (size_t i = err == AK_OK ? first_within(&l, settings, now) : l.n;
	     i < l.n && err == AK_OK; i++) {
		err = samples_load(p, l.ids[i], &s);
		if (err == AK_OK) {
			err = take(ctx, &s);
			sample_clear(&s);
		} else if (err != AK_ERR_NOMEM) {
			err = AK_OK;
		}
	}
	free(l.ids);
	return err;
}
