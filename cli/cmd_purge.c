#include <stdlib.h>

#include "answer.h"
#include "leftovers.h"
#include "several.h"
#include "verbs.h"

struct purge {
	struct change *ch;
	int64_t until; /* keys that expired then, or before */
	struct several keys; /* room for all of them: a key can't be moved */
	size_t n_expired;
};

static enum ak_err
count_expired(void *ctx, const struct key_record *k)
{
	struct purge *p = ctx;

	p->n_expired += k->expires_at <= p->until;
	return AK_OK;
}

static enum ak_err
take_expired(void *ctx, const struct key_record *k)
{
	struct purge *p = ctx;
	struct several_key *out = &p->keys.v[p->keys.n];
	enum ak_err err;

	if (k->expires_at > p->until)
		return AK_OK;
	if ((err = change_find_id(p->ch, k->id, &out->key)) == AK_OK)
		p->keys.n++;
	return err;
}

static enum ak_err
find_expired(struct purge *p)
{
	enum ak_err err = store_each(p->ch->store, count_expired, p);

	if (err != AK_OK || p->n_expired == 0)
		return err;
	if ((p->keys.v = calloc(p->n_expired, sizeof(*p->keys.v))) == NULL)
		return AK_ERR_NOMEM;
	return store_each(p->ch->store, take_expired, p);
}

static enum ak_err
stage(struct purge *p)
{
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < p->keys.n && err == AK_OK; i++) {
		err = change_remove(p->ch, &p->keys.v[i].key.rec, "key-deleted");
		p->keys.v[i].changed = true;
	}
	return err;
}

static void
tell_leftovers(const struct purge *p)
{
	for (size_t i = 0; i < p->keys.n; i++)
		leftovers_tell(p->ch->cli, &p->keys.v[i].key.rec);
}

static enum ak_err
carry_out(struct purge *p)
{
	enum ak_err err = stage(p);

	if (err == AK_OK)
		err = change_publish(p->ch);
	if (p->ch->committed)
		tell_leftovers(p);
	return err;
}

/* In JSON `changed` says that it was done, so a dry run's is false. */
static enum ak_err
answer_dry_run(const struct purge *p, const struct args *a)
{
	struct answer_list l = answer_list_begin(p->ch->cli, a);

	struct outcome out = {.changed = a->output != OUTPUT_JSON};

	for (size_t i = 0; i < p->keys.n; i++)
		answer_list_add(&l, &p->keys.v[i].key, p->ch->now, out, "would be deleted");
	return answer_list_end(&l);
}

static enum ak_err
parse(const struct args *a, int64_t *older_s, struct diag *why)
{
	const char *older = args_value(a, ARG_OLDER);

	*older_s = 0;
	if (!args_has(a, ARG_EXPIRED))
		return diag_because(why, AK_ERR_INVALID,
		    "purge needs --expired: it deletes the keys that have expired, for ever");
	if (older != NULL &&
	    (num_parse_duration(older, older_s) != AK_OK || *older_s == NUM_NEVER))
		return diag_because(why, AK_ERR_INVALID,
		    "--older `%.40s' is no duration: write 86400, 12h, 30d or 4w", older);
	return AK_OK;
}

int
cmd_purge(struct cli *c, const struct args *a)
{
	struct change ch = CHANGE_INIT(c);
	struct purge p = {.ch = &ch, .keys = SEVERAL_INIT};
	bool dry_run = args_has(a, ARG_DRY_RUN);
	int64_t older_s;
	enum ak_err err;
	int code;

	if ((err = parse(a, &older_s, &ch.why)) != AK_OK ||
	    (err = change_begin(&ch, a, NULL)) != AK_OK)
		goto out;
	p.until = ch.now - older_s;
	if ((err = find_expired(&p)) != AK_OK)
		goto out;
	if (dry_run || p.keys.n == 0)
		change_release(&ch);
	else
		err = carry_out(&p);
	if (err == AK_OK)
		err = dry_run ? answer_dry_run(&p, a)
			      : several_answer(&p.keys, &ch, a, "deleted");
out:
	code = change_end(&ch, err, CLI_DONE);
	several_clear(&p.keys);
	return code;
}
