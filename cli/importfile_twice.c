#include <stdlib.h>
#include <string.h>

#include "importfile_impl.h"

/* What two lines may not share: a text or a number. */
struct mark {
	const char *text; /* "" for a number */
	uint32_t number;
	unsigned line;
};

typedef bool mark_fn(const struct importline *l, struct mark *out);

static bool
mark_name(const struct importline *l, struct mark *out)
{
	out->text = l->key.name;
	return l->kind == IMPORTLINE_KEY;
}

static bool
mark_id(const struct importline *l, struct mark *out)
{
	out->text = l->key.id;
	return l->kind == IMPORTLINE_KEY;
}

static bool
mark_group(const struct importline *l, struct mark *out)
{
	if (l->kind != IMPORTLINE_ROLE_GROUP)
		return false;
	out->text = l->role_group.group;
	return true;
}

/* A key's uid is its gid too. */
static bool
mark_number(const struct importline *l, struct mark *out)
{
	out->number = l->kind == IMPORTLINE_KEY     ? l->key.uid
		      : l->kind == IMPORTLINE_SPENT ? l->spent.uid
						    : l->role_group.gid;
	return true;
}

static int
by_value(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	if (order == 0)
		order = (x->number > y->number) - (x->number < y->number);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool
same(const struct mark *a, const struct mark *b)
{
	return strcmp(a->text, b->text) == 0 && a->number == b->number;
}

static void
check_marks(struct importfile *f, const struct mark *v, size_t n, const char *what)
{
	for (size_t i = 1; i < n; i++) {
		if (!same(&v[i - 1], &v[i]))
			continue;
		if (v[i].text[0] != '\0')
			importfile_wrong(f, v[i].line, "the %s %s stands in line %u too", what,
			    v[i].text, v[i - 1].line);
		else
			importfile_wrong(f, v[i].line, "the %s %u stands in line %u too", what,
			    v[i].number, v[i - 1].line);
	}
}

enum ak_err
importfile_check_twice(struct importfile *f)
{
	static const struct {
		mark_fn *mark;
		const char *what;
	} rows[] = {{mark_name, "name"}, {mark_id, "id"}, {mark_number, "uid or gid"},
	    {mark_group, "group"}};
	struct mark *v = calloc(f->n + 1, sizeof(*v));

	if (v == NULL)
		return AK_ERR_NOMEM;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		size_t n = 0;

		for (size_t i = 0; i < f->n; i++) {
			v[n] = (struct mark){.text = "", .line = f->v[i].line};
			n += rows[r].mark(&f->v[i], &v[n]);
		}
		qsort(v, n, sizeof(*v), by_value);
		check_marks(f, v, n, rows[r].what);
	}
	free(v);
	return AK_OK;
}
