#include "pinned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "image_layout.h"
#include "rundir.h"
#include "safefile.h"

#define FOLDER "policies"
#define NAME_LEN 16

static enum ak_err
path_of(const struct paths *p, uint64_t id, char out[PATH_CAP])
{
	struct text t = text_over(out, PATH_CAP);

	text_add(&t, "%s/" FOLDER "/%016llx", p->run, (unsigned long long)id);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

/* Of all that follows the header, which says when it was built, and from which files. */
static uint64_t
digest_of(const struct image *im)
{
	size_t len_b;
	const unsigned char *bytes = image_borrow_bytes(im, &len_b);
	uint64_t digest = hash_sip(0, bytes + IMAGE_HEADER_B, len_b - IMAGE_HEADER_B);

	return digest == 0 ? 1 : digest;
}

enum ak_err
pinned_keep(const struct paths *p, const struct image *im, uint64_t *id, struct diag *why)
{
	char path[PATH_CAP];
	const void *bytes;
	size_t len_b;
	enum ak_err err;
	int fd;

	*id = 0;
	if ((err = rundir_open(p->run, FOLDER, p->owner, &fd)) != AK_OK)
		return diag_because(why, err, "%s/" FOLDER ": %s", p->run, ak_strerror(err));
	(void)close(fd);
	if ((err = path_of(p, digest_of(im), path)) != AK_OK)
		return err;
	bytes = image_borrow_bytes(im, &len_b);
	if ((err = safefile_replace(path, 0600, bytes, len_b, 0, why)) == AK_OK)
		*id = digest_of(im);
	return err;
}

enum ak_err
pinned_load(const struct paths *p, uint64_t id, struct image **out)
{
	struct safefile file;
	unsigned char *bytes;
	char path[PATH_CAP];
	enum ak_err err = path_of(p, id, path);

	*out = NULL;
	if (err != AK_OK ||
	    (err = safefile_read(path, p->owner, IMAGE_MAX_B, &file, NULL)) != AK_OK)
		return err;
	bytes = (unsigned char *)file.bytes;
	if ((err = image_take(&bytes, file.len_b, out)) != AK_OK)
		return err;
	if (digest_of(*out) == id)
		return AK_OK;
	image_free(out);
	return AK_ERR_CORRUPT;
}

/* What the records name. */
struct sweep {
	int dir;
	uint64_t *named;
	size_t n, cap;
};

static enum ak_err
note_named(void *ctx, const struct session *s)
{
	struct sweep *w = ctx;
	uint64_t *grown;

	for (size_t i = 0; i < w->n; i++)
		if (w->named[i] == s->policy)
			return AK_OK;
	if (w->n == w->cap) {
		grown = reallocarray(w->named, 2 * w->cap + 8, sizeof(*grown));
		if (grown == NULL)
			return AK_ERR_NOMEM;
		w->named = grown;
		w->cap = 2 * w->cap + 8;
	}
	w->named[w->n++] = s->policy;
	return AK_OK;
}

static enum ak_err
sweep_one(void *ctx, const char *name)
{
	const struct sweep *w = ctx;
	char named[NAME_LEN + 1];

	for (size_t i = 0; i < w->n; i++) {
		(void)snprintf(named, sizeof(named), "%016llx", (unsigned long long)w->named[i]);
		if (strcmp(name, named) == 0)
			return AK_OK;
	}
	(void)!rundir_remove(w->dir, name);
	return AK_OK;
}

void
pinned_sweep(const struct paths *p)
{
	struct sweep w = {.dir = -1};

	if (rundir_open(p->run, FOLDER, p->owner, &w.dir) != AK_OK)
		return;
	if (sessions_each(p, note_named, &w) == AK_OK)
		(void)!rundir_each(w.dir, sweep_one, &w);
	free(w.named);
	(void)close(w.dir);
}

static uint64_t
add_strv(uint64_t print, struct strv v)
{
	return hash_sip(print, v.len_b == 0 ? "" : v.bytes, v.len_b);
}

uint64_t
pinned_key_print(const struct key *k, const struct membership *m)
{
	uint64_t print = hash_sip(0, k->raw.view.value, k->raw.view.value_len_b);

	print = add_strv(print, m == NULL ? STRV_EMPTY : m->groups);
	print = add_strv(print, m == NULL ? STRV_EMPTY : m->bindings);
	return print == 0 ? 1 : print;
}
