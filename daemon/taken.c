#include "taken.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index.h"
#include "record.h"

void
taken_clear(struct taken *t)
{
	etcfile_set_clear(&t->accounts);
	pack_clear(&t->key_names);
	pack_clear(&t->key_ids);
	pack_clear(&t->key_uids);
	*t = TAKEN_INIT;
}

/* A host without the file is one whose file is away for a moment. */
static enum ak_err
add_file(struct etcfile_set *set, const char *path, struct diag *why)
{
	enum ak_err err =
	    access(path, F_OK) == 0 ? etcfile_set_add(set, path) : AK_ERR_UNAVAILABLE;

	return err == AK_OK ? err : diag_say(why, err, path, 0, 0, "%s", ak_strerror(err));
}

enum ak_err
taken_read_accounts(struct taken *t, const struct paths *p, struct diag *why)
{
	struct etcfile_set fresh = {.names = NULL};
	struct diag said = DIAG_INIT;
	enum ak_err err = add_file(&fresh, p->passwd, &said);

	if (err == AK_OK)
		err = add_file(&fresh, p->group, &said);
	if (err == AK_OK && !(t->have_accounts && etcfile_set_equal(&fresh, &t->accounts))) {
		etcfile_set_clear(&t->accounts);
		t->accounts = fresh;
		t->have_accounts = true;
		t->version++;
		return AK_OK;
	}
	etcfile_set_clear(&fresh);
	return err == AK_OK ? err : diag_say(why, err, said.file, 0, 0, "%s", said.text);
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
	}
	pack_clear(&g.names);
	pack_clear(&g.ids);
	pack_clear(&g.uids);
	if (err != AK_OK)
		return diag_say(why, err, p->local, 0, 0, "%s", ak_strerror(err));
	return AK_OK;
}

bool
taken_has_name(struct taken *t, const char *name)
{
	return etcfile_set_has_name(&t->accounts, name);
}

bool
taken_has_id(struct taken *t, uint32_t id)
{
	return etcfile_set_has_id(&t->accounts, id);
}
