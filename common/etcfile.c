#include "etcfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"

/* NAME:x:ID:… in both. Lines that are shaped otherwise are nobody's. */
static bool
read_line(char *line, const char **name, uint32_t *id)
{
	char *field[3], *at = line;
	uint64_t value;

	for (int i = 0; i < 3; i++)
		if ((field[i] = strsep(&at, ":")) == NULL)
			return false;
	if (at == NULL || num_parse(field[2], 0, UINT32_MAX, &value) != AK_OK)
		return false;
	*name = field[0];
	*id = (uint32_t)value;
	return true;
}

/* A pipe in its place keeps nobody waiting. NULL: errno says why. */
static FILE *
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f = NULL;

	if (fd == -1)
		return NULL;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f = fdopen(fd, "r");
	if (f == NULL)
		(void)close(fd);
	return f;
}

/* take's answer other than AK_OK ends it, and is returned. */
static enum ak_err
each_line(
    const char *path, enum ak_err (*take)(void *ctx, const char *name, uint32_t id), void *ctx)
{
	enum ak_err err = AK_OK;
	const char *name;
	char *line = NULL;
	size_t cap_b = 0;
	uint32_t id;
	FILE *f;

	if ((f = open_file(path)) == NULL)
		return errno == ENOENT ? AK_OK : AK_ERR_UNAVAILABLE;
	errno = 0;
	while (err == AK_OK && getline(&line, &cap_b, f) != -1)
		if (read_line(line, &name, &id))
			err = take(ctx, name, id);
	if (err == AK_OK && (ferror(f) || errno == ENOMEM))
		err = errno == ENOMEM ? AK_ERR_NOMEM : AK_ERR_UNAVAILABLE;
	free(line);
	(void)fclose(f);
	return err;
}

struct wanted {
	const char *name;
	uint32_t id;
};

static enum ak_err
take_wanted(void *ctx, const char *name, uint32_t id)
{
	struct wanted *w = ctx;

	if (strcmp(name, w->name) != 0)
		return AK_OK;
	w->id = id;
	return AK_ERR_EXISTS;
}

enum ak_err
etcfile_find_id(const char *path, const char *name, uint32_t *id)
{
	struct wanted w = {.name = name};
	enum ak_err err = each_line(path, take_wanted, &w);

	if (err == AK_ERR_EXISTS) {
		*id = w.id;
		return AK_OK;
	}
	return err == AK_OK ? AK_ERR_NOT_FOUND : err;
}

/* Room for one more of n. */
static enum ak_err
grow(void **v, size_t n, size_t *cap, size_t each_b)
{
	size_t more = *cap == 0 ? 64 : *cap * 2;
	void *bigger;

	if (n < *cap)
		return AK_OK;
	if ((bigger = reallocarray(*v, more, each_b)) == NULL)
		return AK_ERR_NOMEM;
	*v = bigger;
	*cap = more;
	return AK_OK;
}

static enum ak_err
take_all(void *ctx, const char *name, uint32_t id)
{
	struct etcfile_set *s = ctx;
	void *names = s->names, *ids = s->ids;
	enum ak_err err = grow(&ids, s->n_ids, &s->cap_ids, sizeof(*s->ids));

	s->ids = ids;
	if (err == AK_OK)
		err = grow(&names, s->n_names, &s->cap_names, sizeof(*s->names));
	s->names = names;
	if (err != AK_OK)
		return err;
	s->ids[s->n_ids++] = id;
	/* A name that no key can have stands in no key's way. */
	if (text_is_key_name(name))
		memcpy(s->names[s->n_names++].text, name, strlen(name) + 1);
	return AK_OK;
}

enum ak_err
etcfile_set_add(struct etcfile_set *set, const char *path)
{
	set->sorted = false;
	return each_line(path, take_all, set);
}

void
etcfile_set_clear(struct etcfile_set *set)
{
	free(set->names);
	free(set->ids);
	*set = (struct etcfile_set){.names = NULL};
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(
	    ((const struct etcfile_name *)a)->text, ((const struct etcfile_name *)b)->text);
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
sort(struct etcfile_set *set)
{
	if (!set->sorted && set->n_names > 0)
		qsort(set->names, set->n_names, sizeof(*set->names), by_text);
	if (!set->sorted && set->n_ids > 0)
		qsort(set->ids, set->n_ids, sizeof(*set->ids), by_value);
	set->sorted = true;
}

bool
etcfile_set_equal(struct etcfile_set *a, struct etcfile_set *b)
{
	sort(a);
	sort(b);
	if (a->n_names != b->n_names || a->n_ids != b->n_ids)
		return false;
	for (size_t i = 0; i < a->n_names; i++)
		if (by_text(&a->names[i], &b->names[i]) != 0)
			return false;
	return a->n_ids == 0 || memcmp(a->ids, b->ids, a->n_ids * sizeof(*a->ids)) == 0;
}

bool
etcfile_set_has_name(struct etcfile_set *set, const char *name)
{
	struct etcfile_name wanted = {.text = ""};

	sort(set);
	return set->n_names > 0 && text_copy(wanted.text, sizeof(wanted.text), name) == AK_OK &&
	       bsearch(&wanted, set->names, set->n_names, sizeof(wanted), by_text) != NULL;
}

bool
etcfile_set_has_id(struct etcfile_set *set, uint32_t id)
{
	sort(set);
	return set->n_ids > 0 &&
	       bsearch(&id, set->ids, set->n_ids, sizeof(id), by_value) != NULL;
}
