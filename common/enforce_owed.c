#include "enforce_impl.h"

#include <stdlib.h>
#include <unistd.h>

#include "pack.h"
#include "safefile.h"
#include "text.h"

/* p->run/owed: uids of keys, 4 bytes each; 0 is nobody's, and stands for everybody. */
#define EVERYBODY 0U
#define OWED_MAX_B ((size_t)64 << 20)

static enum ak_err
path_of(const struct paths *paths, char out[PATH_CAP + 8])
{
	struct text t = text_over(out, PATH_CAP + 8);

	text_add(&t, "%s/owed", paths->run);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

/* What can't be read is owed to everybody. */
static enum ak_err
read_owed(const struct paths *paths, struct pack *out)
{
	char path[PATH_CAP + 8];
	struct safefile file;
	enum ak_err err = path_of(paths, path);

	if (err == AK_OK)
		err = safefile_read(path, paths->owner, OWED_MAX_B, &file, NULL);
	if (err == AK_ERR_NOT_FOUND || err == AK_ERR_NOMEM)
		return err == AK_ERR_NOMEM ? err : AK_OK;
	if (err == AK_OK && file.len_b % 4 == 0)
		pack_bytes(out, file.bytes, file.len_b);
	else
		pack_u32(out, EVERYBODY);
	if (err == AK_OK)
		free(file.bytes);
	return out->err;
}

enum ak_err
enforce_owe(const struct paths *paths, const uint32_t *uids, size_t n)
{
	struct pack owed = PACK_INIT;
	char path[PATH_CAP + 8];
	enum ak_err err = path_of(paths, path);

	if (err == AK_OK)
		err = read_owed(paths, &owed);
	if (uids == NULL)
		pack_u32(&owed, EVERYBODY);
	for (size_t i = 0; uids != NULL && i < n; i++)
		pack_u32(&owed, uids[i]);
	if (err == AK_OK)
		err = owed.err;
	if (err == AK_OK && owed.len_b > 0)
		err = safefile_replace(path, 0600, owed.bytes, owed.len_b, 0, NULL);
	pack_clear(&owed);
	return err;
}

bool
enforce_is_owed(const struct paths *paths)
{
	struct lock lock = LOCK_INIT;
	char path[PATH_CAP + 8];
	bool alone;

	if (path_of(paths, path) != AK_OK || access(path, F_OK) != 0)
		return false;
	alone = enforce_lock(paths, false, &lock, NULL) == AK_OK;
	lock_release(&lock);
	return alone;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

bool
pass_is_changed(const struct pass *p, uint32_t uid)
{
	return p->n_uids > 0 &&
	       bsearch(&uid, p->uids, p->n_uids, sizeof(*p->uids), by_value) != NULL;
}

/* Each once. */
static void
sort_uids(struct pass *p)
{
	size_t n = 0;

	if (p->n_uids > 1)
		qsort(p->uids, p->n_uids, sizeof(*p->uids), by_value);
	for (size_t i = 0; i < p->n_uids; i++)
		if (n == 0 || p->uids[i] != p->uids[n - 1])
			p->uids[n++] = p->uids[i];
	p->n_uids = n;
}

enum ak_err
pass_find_whom(struct pass *p)
{
	const struct enforce_how *how = p->how;
	struct pack owed = PACK_INIT;
	enum ak_err err = read_owed(how->paths, &owed);

	p->everybody = how->uids == NULL;
	p->uids = calloc(how->n_uids + owed.len_b / 4 + 1, sizeof(*p->uids));
	if (err == AK_OK && p->uids == NULL)
		err = AK_ERR_NOMEM;
	for (size_t i = 0; err == AK_OK && i < how->n_uids; i++)
		p->uids[p->n_uids++] = how->uids[i];
	for (size_t i = 0; err == AK_OK && i < owed.len_b; i += 4) {
		uint32_t uid = le32_load(owed.bytes + i);

		if (uid == EVERYBODY)
			p->everybody = true;
		else
			p->uids[p->n_uids++] = uid;
	}
	sort_uids(p);
	pack_clear(&owed);
	return err;
}

void
pass_settle(const struct paths *paths)
{
	char path[PATH_CAP + 8];

	if (path_of(paths, path) == AK_OK)
		(void)unlink(path);
}
