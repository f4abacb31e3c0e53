#include "import.h"

#include <stdlib.h>
#include <string.h>

/* More than these, and more than half of all, are not pruned. */
#define MASS_MIN 10U

static bool
is_same(const struct key_record *k, const struct key *here)
{
	struct pack value = PACK_INIT;
	bool same;

	key_record_pack(k, &value);
	same = value.err == AK_OK && value.len_b == here->raw.view.value_len_b &&
	       memcmp(value.bytes, here->raw.view.value, value.len_b) == 0;
	pack_wipe(&value);
	return same;
}

/* Under which number a key has this secret; 0: under none. */
static uint32_t
number_of(const struct key_record *k, const struct key_secret *s)
{
	for (unsigned i = 0; i < k->n_secrets; i++)
		if (memcmp(k->secrets[i].salt, s->salt, sizeof(s->salt)) == 0 &&
		    memcmp(k->secrets[i].digest, s->digest, sizeof(s->digest)) == 0)
			return k->secrets[i].number;
	return 0;
}

/*
 * Live sessions and the log know a secret by its number: one that this host
 * has keeps the number that it has here, and any other gets one that no
 * secret of the key ever had. false: there is none.
 */
static bool
give_numbers(struct key_record *k, const struct key_record *here)
{
	uint32_t high = here->n_secrets > 0 ? here->secrets[0].number : 0;

	for (unsigned i = k->n_secrets; i-- > 0;) {
		struct key_secret *s = &k->secrets[i];
		uint32_t number = number_of(here, s);

		if (number == 0 && high == UINT32_MAX)
			return false;
		if (number == 0)
			number = high >= s->number ? high + 1 : s->number;
		s->number = number;
		high = number > high ? number : high;
	}
	/* One that the file has as the older may be the newer one here. */
	if (k->n_secrets == 2 && k->secrets[0].number < k->secrets[1].number) {
		struct key_secret swap = k->secrets[0];

		k->secrets[0] = k->secrets[1];
		k->secrets[1] = swap;
		explicit_bzero(&swap, sizeof(swap));
	}
	return true;
}

/* It is here: its uid never changes, all else may. */
static void
plan_known(struct import *im, struct import_row *row, const struct key *here)
{
	struct key_record *k = &row->rec;

	if (k->uid != here->rec.uid && !im->new_uid)
		importfile_wrong(im->file, row->line,
		    "%s has uid %u here, which never changes, and not %u (--new-uid keeps the "
		    "one here)",
		    k->name, here->rec.uid, k->uid);
	if (!give_numbers(k, &here->rec))
		importfile_wrong(
		    im->file, row->line, "no number is left for another token of %s", k->name);
	k->uid = here->rec.uid;
	im->kept[im->n_kept++] = k->uid;
	row->what = is_same(k, here) ? IMPORT_UNCHANGED : IMPORT_CHANGED;
}

static enum ak_err
plan_key(struct import *im, struct import_row *row)
{
	struct key here;
	enum ak_err err = store_find_name(im->ch->store, row->rec.name, &here);

	row->what = IMPORT_CREATED;
	if (err != AK_OK)
		return err == AK_ERR_NOT_FOUND ? AK_OK : err;
	if (strcmp(here.rec.id, row->rec.id) == 0) {
		plan_known(im, row, &here);
	} else if (!im->prune) {
		row->what = IMPORT_UNCHANGED; /* nothing more is to be told of it */
		importfile_wrong(im->file, row->line,
		    "the key %s has the id %s here, and not %s: it is another key (--prune "
		    "deletes it, and makes this one)",
		    row->rec.name, here.rec.id, row->rec.id);
	}
	key_clear(&here);
	return AK_OK;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static enum ak_err
make_room(struct import *im)
{
	size_t cap = im->cap_rows == 0 ? 16 : im->cap_rows * 2;
	struct import_row *rows;

	if (im->n_rows < im->cap_rows)
		return AK_OK;
	if ((rows = reallocarray(im->rows, cap, sizeof(*rows))) == NULL)
		return AK_ERR_NOMEM;
	im->rows = rows;
	im->cap_rows = cap;
	return AK_OK;
}

/* Not in the file: what its strings lie in ends with the walk. */
static enum ak_err
plan_end(void *ctx, const struct key_record *k)
{
	struct import *im = ctx;
	struct import_row *row;
	enum ak_err err;

	if (im->n_kept > 0 &&
	    bsearch(&k->uid, im->kept, im->n_kept, sizeof(k->uid), by_value) != NULL)
		return AK_OK;
	if ((err = make_room(im)) != AK_OK)
		return err;
	row = &im->rows[im->n_rows];
	*row = (struct import_row){.what = IMPORT_DELETED, .own = PACK_INIT};
	key_record_pack(k, &row->own);
	err = row->own.err;
	if (err == AK_OK)
		err = key_record_unpack(row->own.bytes, row->own.len_b, &row->rec);
	if (err == AK_OK)
		im->n_rows++;
	else
		pack_wipe(&row->own);
	return err;
}

static enum ak_err
plan_keys(struct import *im)
{
	const struct importfile *f = im->file;
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < f->n && err == AK_OK; i++) {
		if (f->v[i].kind != IMPORTLINE_KEY)
			continue;
		if ((err = make_room(im)) != AK_OK)
			return err;
		im->rows[im->n_rows] = (struct import_row){
		    .line = f->v[i].line, .rec = f->v[i].key, .own = PACK_INIT};
		err = plan_key(im, &im->rows[im->n_rows++]);
	}
	return err;
}

/* A file of another host, or of a part of the keys, is no reason to take most of them away. */
static enum ak_err
check_mass(struct import *im)
{
	const struct index *local = store_borrow_local(im->ch->store);
	uint64_t all = local->fd == -1 ? 0 : local->head.order[ORDER_KEYS].count;
	size_t n = im->counts[IMPORT_DELETED];

	if (n <= MASS_MIN || n <= all / 2)
		return AK_OK;
	return diag_because(&im->ch->why, AK_ERR_DENIED,
	    "--prune would delete %zu of the %llu keys of this host: nothing was changed; if "
	    "they "
	    "are to go, `apikey delete` deletes them by name",
	    n, (unsigned long long)all);
}

enum ak_err
import_plan(struct import *im)
{
	struct change *ch = im->ch;
	enum ak_err err;

	if ((im->kept = calloc(im->file->n + 1, sizeof(*im->kept))) == NULL)
		return AK_ERR_NOMEM;
	if ((err = plan_keys(im)) != AK_OK)
		return err;
	qsort(im->kept, im->n_kept, sizeof(*im->kept), by_value);
	if (im->prune && im->n_rows == 0)
		return diag_because(&ch->why, AK_ERR_DENIED,
		    "%s holds no key, and --prune would delete every key of this host: was it "
		    "written where the keys could be read? `apikey delete` deletes by name",
		    im->file->name);
	if (im->prune && (err = store_each(ch->store, plan_end, im)) != AK_OK)
		return err;
	for (size_t i = 0; i < im->n_rows; i++)
		im->counts[im->rows[i].what]++;
	return check_mass(im);
}

void
import_clear(struct import *im)
{
	for (size_t i = 0; i < im->n_rows; i++) {
		key_record_clear(&im->rows[i].rec);
		pack_wipe(&im->rows[i].own);
	}
	free(im->rows);
	free(im->kept);
	*im = IMPORT_INIT;
}
