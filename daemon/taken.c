#include "taken.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index.h"
#include "num.h"
#include "record.h"

static void
list_clear(struct taken_list *l)
{
	free(l->bytes);
	free(l->names);
	free(l->ids);
	*l = (struct taken_list){.n = 0};
}

void
taken_clear(struct taken *t)
{
	list_clear(&t->accounts);
	pack_clear(&t->key_names);
	pack_clear(&t->key_ids);
	pack_clear(&t->key_uids);
	*t = TAKEN_INIT;
}

/* passwd(5) and group(5) alike: NAME:x:ID:…; the rest of a NIS line is nobody's. */
static void
add_line(char *line, struct pack *names, struct pack *ids)
{
	char *field[3], *at = line;
	uint64_t id;
	uint32_t id32;

	for (int i = 0; i < 3; i++)
		if ((field[i] = strsep(&at, ":")) == NULL)
			return;
	if (field[0][0] == '\0' || num_parse(field[2], 0, UINT32_MAX, &id) != AK_OK)
		return;
	id32 = (uint32_t)id;
	pack_entry(names, field[0]);
	pack_bytes(ids, &id32, sizeof(id32));
}

static enum ak_err
read_lines(const char *path, struct pack *names, struct pack *ids, struct diag *why)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap_b = 0;
	bool failed;

	if (f == NULL)
		return diag_say(
		    why, AK_ERR_UNAVAILABLE, path, 0, 0, "cannot be read: %s", strerror(errno));
	errno = 0;
	while (getline(&line, &cap_b, f) != -1)
		add_line(line, names, ids);
	failed = ferror(f) || errno == ENOMEM;
	free(line);
	(void)fclose(f);
	if (failed)
		return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0, "cannot be read");
	return names->err != AK_OK ? names->err : ids->err;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Takes the bytes of both over. */
static enum ak_err
list_make(struct taken_list *l, struct pack *names, struct pack *ids)
{
	struct strv v = pack_borrow_strv(names);

	*l = (struct taken_list){.n = ids->len_b / sizeof(uint32_t)};
	if (l->n == 0)
		return AK_OK;
	if ((l->names = reallocarray(NULL, l->n, sizeof(*l->names))) == NULL)
		return AK_ERR_NOMEM;
	l->bytes = (char *)names->bytes;
	l->ids = (uint32_t *)(void *)ids->bytes;
	*names = *ids = PACK_INIT;
	l->n = 0;
	strv_for (v, name)
		l->names[l->n++] = name;
	qsort(l->names, l->n, sizeof(*l->names), by_name);
	qsort(l->ids, l->n, sizeof(*l->ids), by_id);
	return AK_OK;
}

static bool
list_same(const struct taken_list *a, const struct taken_list *b)
{
	if (a->n != b->n || (a->n > 0 && memcmp(a->ids, b->ids, a->n * sizeof(*a->ids)) != 0))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

enum ak_err
taken_read_accounts(struct taken *t, const struct paths *p, struct diag *why)
{
	struct pack names = PACK_INIT, ids = PACK_INIT;
	struct taken_list fresh = {.n = 0};
	struct diag said = DIAG_INIT;
	enum ak_err err = read_lines(p->passwd, &names, &ids, &said);

	if (err == AK_OK)
		err = read_lines(p->group, &names, &ids, &said);
	if (err == AK_OK)
		err = list_make(&fresh, &names, &ids);
	pack_clear(&names);
	pack_clear(&ids);
	if (err == AK_OK && t->have_accounts && list_same(&fresh, &t->accounts)) {
		list_clear(&fresh);
		return AK_OK;
	}
	if (err == AK_OK) {
		list_clear(&t->accounts);
		t->accounts = fresh;
		t->have_accounts = true;
		t->version++;
		return AK_OK;
	}
	list_clear(&fresh);
	if (t->have_accounts && err != AK_ERR_NOMEM)
		return AK_OK;
	return diag_say(why, err, said.file, 0, 0, "%s", said.text);
}

struct gathering {
	struct pack names, ids, uids;
};

static enum ak_err
take_key(void *ctx, const struct index_view *v)
{
	struct gathering *g = ctx;
	struct key_record k;
	enum ak_err err = key_record_unpack(v->value, v->value_len_b, &k);

	if (err != AK_OK)
		return err;
	pack_entry(&g->names, k.name);
	pack_entry(&g->ids, k.id);
	pack_bytes(&g->uids, &k.uid, sizeof(k.uid));
	key_record_clear(&k);
	if (g->names.err != AK_OK || g->ids.err != AK_OK)
		return AK_ERR_NOMEM;
	return g->uids.err;
}

static enum ak_err
gather(const struct paths *p, struct gathering *g)
{
	struct index_mapping kept = INDEX_MAPPING_INIT;
	struct index ix;
	struct stat st;
	enum ak_err err;

	if (lstat(p->local, &st) == -1 && errno == ENOENT)
		return AK_OK;
	if ((err = index_open(p->local, p->owner, &ix)) != AK_OK)
		return err;
	err = index_each(&ix, ORDER_KEYS, take_key, g, &kept);
	index_unmap(&kept);
	index_close(&ix);
	return err;
}

static bool
same_bytes(const struct pack *a, const struct pack *b)
{
	return a->len_b == b->len_b &&
	       (a->len_b == 0 || memcmp(a->bytes, b->bytes, a->len_b) == 0);
}

static void
swap(struct pack *a, struct pack *b)
{
	struct pack c = *a;

	*a = *b;
	*b = c;
}

enum ak_err
taken_read_keys(struct taken *t, const struct paths *p, bool *changed, struct diag *why)
{
	struct gathering g = {.names = PACK_INIT, .ids = PACK_INIT, .uids = PACK_INIT};
	enum ak_err err = gather(p, &g);

	*changed = false;
	if (err == AK_OK) {
		*changed = !same_bytes(&g.names, &t->key_names);
		swap(&g.names, &t->key_names);
		swap(&g.ids, &t->key_ids);
		swap(&g.uids, &t->key_uids);
		t->have_keys = true;
	} else if (t->have_keys && err != AK_ERR_NOMEM) {
		err = AK_OK;
	}
	pack_clear(&g.names);
	pack_clear(&g.ids);
	pack_clear(&g.uids);
	if (err != AK_OK)
		return diag_say(why, err, p->local, 0, 0, "%s", ak_strerror(err));
	return AK_OK;
}

bool
taken_has_name(const struct taken *t, const char *name)
{
	const struct taken_list *l = &t->accounts;

	return l->n > 0 && bsearch(&name, l->names, l->n, sizeof(*l->names), by_name) != NULL;
}

bool
taken_has_id(const struct taken *t, uint32_t id)
{
	const struct taken_list *l = &t->accounts;

	return l->n > 0 && bsearch(&id, l->ids, l->n, sizeof(*l->ids), by_id) != NULL;
}
