#include "policysessions.h"

#include "livelist.h"
#include "pinned.h"
#include "rejudge.h"
#include "zone.h"

static enum ak_err
judge_one(struct rejudge *r, const struct session *s, struct endings *out)
{
	struct ending one = {.uid = s->uid};
	struct rejudgement judged;
	enum ak_err err = rejudge_session(r, s, &judged);

	if (err != AK_OK || judged.right == REJUDGE_KEEPS)
		return err;
	one.reason = judged.reason;
	one.gently = judged.right == REJUDGE_TIMED_OUT;
	(void)!text_copy(one.id, sizeof(one.id), s->id);
	(void)!text_copy(one.key, sizeof(one.key), s->key);
	(void)!text_copy(one.account, sizeof(one.account), s->account);
	(void)!text_copy(one.service, sizeof(one.service), s->service);
	(void)!text_copy(one.address, sizeof(one.address), s->address);
	(void)!text_copy(one.why, sizeof(one.why), judged.why);
	return endings_add(out, &one);
}

/* As if it had been put there by `policy apply`: whole. */
static enum ak_err
judge_all(struct rejudge *r, struct image *im, const struct livelist *l, struct endings *out)
{
	struct image *live = r->live.image;
	enum ak_err err;

	r->live.image = im;
	r->live.trusted = true;
	moments_clear(&r->when);
	err = moments_resolve(im, ZONE_DIR, r->now * 1000, &r->when);
	for (size_t i = 0; i < l->n && err == AK_OK; i++)
		err = judge_one(r, &l->v[i].session, out);
	r->live.image = live; /* rejudge_close frees its own */
	return err;
}

enum ak_err
policysessions_foresee(
    const struct cli *c, struct image *im, struct endings *out, struct diag *why)
{
	struct rejudge r;
	struct livelist list;
	enum ak_err err = livelist_look(&c->paths, &list, why);

	if (err == AK_OK && list.n > 0) {
		rejudge_open(&c->paths, c->host.now(c->host.ctx), &r);
		err = judge_all(&r, im, &list, out);
		rejudge_close(&r);
	}
	livelist_clear(&list);
	return err;
}

/* What every record is to name. */
struct keeping {
	const struct paths *paths;
	struct rejudge files;
	uint64_t policy;
};

/* A key that can't be found has no print to be compared: its session is judged without. */
static enum ak_err
keep_one(void *ctx, const struct session *s)
{
	struct keeping *k = ctx;
	struct session kept = *s;
	struct membership m;
	struct key key;
	bool has_membership;

	if (s->policy != 0 || keyring_find_uid(&k->files.ring, s->uid, &key) != AK_OK)
		return AK_OK;
	has_membership = k->files.groups.fd != -1 &&
			 keyring_membership_in(&k->files.groups, key.rec.name, &m) == AK_OK;
	kept.policy = k->policy;
	kept.key_print = pinned_key_print(&key, has_membership ? &m : NULL);
	if (has_membership)
		membership_clear(&m);
	key_clear(&key);
	return sessions_update(k->paths, &kept);
}

static enum ak_err
keep_all(struct keeping *k)
{
	enum ak_err err = k->files.ring_err;

	return err == AK_OK ? sessions_each(k->paths, keep_one, k) : err;
}

enum ak_err
policysessions_keep(const struct cli *c, const struct image *im, struct diag *why)
{
	struct keeping k = {.paths = &c->paths};
	struct lock lock;
	enum ak_err err = enforce_lock(&c->paths, true, &lock, why);

	if (err != AK_OK)
		return err;
	if ((err = pinned_keep(&c->paths, im, &k.policy, why)) == AK_OK) {
		rejudge_open(&c->paths, c->host.now(c->host.ctx), &k.files);
		if ((err = keep_all(&k)) != AK_OK)
			(void)diag_because(why, err,
			    "live sessions can't be left on the policy before: %s",
			    ak_strerror(err));
		rejudge_close(&k.files);
	}
	lock_release(&lock);
	return err;
}
